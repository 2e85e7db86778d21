/* SPDX-License-Identifier: Apache-2.0
 *
 * gossip: what becomes of a Cluster: who hears whom, who is missed, who takes over.
 *
 *   hurt --node_timeout--> MISS: the others flag it as failed --election--> ELECT: one
 *   of its replicas has a new epoch, claims its slots and tells everybody
 *
 * Nobody knows more than it has heard: a view changes by SIM_HEAR alone, or by what is
 * done to the node itself. A node that is cut off from the others goes on as before
 * until the node-timeout is over; then its cluster is down. */
#include "test/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOSSIP_RETRY_MS = 500, GOSSIP_ROUNDS = 2 };

bool sim_node_well(const sim_node *n)
{
    return n->up && !n->paused && !n->member->alone;
}

sim_node *sim_cluster_owner(const sim_world *w, uint32_t slot)
{
    uint8_t owner = w->cluster->truth[slot];
    return owner == SIM_NOBODY ? NULL : &w->cluster->all[owner];
}

/* ---- the beginning ------------------------------------------------------------- */

static sim_cluster *gossip_new(sim_world *w)
{
    sim_cluster *k = calloc(1, sizeof *k);
    if (k == NULL) {
        abort();
    }
    k->all = w->nodes;
    k->count = &w->node_count;
    k->node_timeout_ms = 500;
    k->election_ms = 300;
    k->gossip_ms = 8;
    memset(k->truth, SIM_NOBODY, sizeof k->truth);
    w->cluster = k;
    sim_guard_start(w);
    return k;
}

void sim_cluster_member(sim_world *w, sim_node *n)
{
    sim_cluster *k = w->cluster != NULL ? w->cluster : gossip_new(w);
    size_t number = (size_t)(n - w->nodes);
    sim_member *m = &k->members[number];
    *m = (sim_member){.cluster = k};
    memset(m->owner, SIM_NOBODY, sizeof m->owner);
    m->of[number].known = true;
    snprintf(m->id, sizeof m->id, "%08x%032x", 0x5EA0u + (unsigned)number,
             0xC0FFEEu * (unsigned)(number + 1));
    n->member = m;
    n->data = &w->data;
    sim_member_state(n);
}

static void gossip_all_know(sim_world *w, uint32_t nodes, uint32_t masters)
{
    for (uint32_t i = 0; i < nodes; i++) {
        sim_member *m = w->nodes[i].member;
        for (uint32_t j = 0; j < nodes; j++) {
            bool replica = j >= masters;
            uint8_t master = (uint8_t)(replica ? (j - masters) % masters : 0);
            m->of[j] = (sim_belief){.known = true,
                                    .replica = replica,
                                    .master = master,
                                    .epoch = replica ? 0 : j + 1};
        }
        memcpy(m->owner, w->cluster->truth, sizeof m->owner);
        sim_member_state(&w->nodes[i]);
    }
}

void sim_cluster_make(sim_world *w, uint32_t masters, uint32_t replicas)
{
    for (uint32_t i = 0; i < masters + replicas; i++) {
        sim_cluster_member(w, &w->nodes[i]);
    }
    for (uint32_t i = 0; i < masters; i++) {
        uint32_t first = i * SIM_SLOTS / masters, end = (i + 1) * SIM_SLOTS / masters;
        memset(w->cluster->truth + first, (int)i, end - first);
    }
    w->cluster->epoch = masters;
    gossip_all_know(w, masters + replicas, masters);
}

/* ---- hearing ------------------------------------------------------------------- */

static uint32_t gossip_slots(const sim_member *m, uint8_t of)
{
    uint32_t count = 0;
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        count += m->owner[i] == of;
    }
    return count;
}

static void gossip_shut(sim_member *m, uint32_t slot)
{
    for (size_t i = 0; i < m->move_count; i++) {
        if (m->moves[i].slot == slot) {
            m->moves[i] = m->moves[--m->move_count];
            return;
        }
    }
}

/* True where `to` takes over the claim of `from` to the slot. */
static bool gossip_yields(const sim_member *to, const sim_member *from, uint8_t f,
                          uint32_t slot)
{
    uint8_t old = to->owner[slot];
    const sim_move *move = sim_member_move(to, slot);
    if (from->owner[slot] != f || old == f || (move != NULL && move->importing)) {
        return false;
    }
    return old == SIM_NOBODY || to->of[old].epoch < from->of[f].epoch;
}

/* Who lost the last of its slots follows the one who took it. */
static void gossip_follow(sim_world *w, sim_node *n, uint8_t taker, uint8_t from)
{
    sim_member *m = n->member;
    uint8_t me = sim_member_number(n);
    sim_belief *b = &m->of[me];
    bool mine = from == me || (b->replica && b->master == from);
    if (!mine || gossip_slots(m, from) > 0) {
        return;
    }
    sim_trace(w, "follows", me, taker);
    b->replica = true;
    b->master = taker;
    sim_cluster_tell(w, n);
}

void sim_cluster_hear(sim_world *w, sim_node *to, const sim_node *from)
{
    sim_member *t = to->member;
    const sim_member *f = from->member;
    uint8_t number = sim_member_number(from), loser = SIM_NOBODY;
    bool deaf = to == from || !sim_node_well(to) || !sim_node_well(from);
    if (deaf || t->fib == SIM_FIB_STALE || !t->of[number].known) {
        return;
    }
    sim_belief *b = &t->of[number];
    bool news = b->failed;
    b->failed = false;
    b->replica = f->of[number].replica;
    b->master = f->of[number].master;
    b->epoch = f->of[number].epoch;
    for (uint32_t i = 0; i < SIM_SLOTS && !b->replica; i++) {
        if (gossip_yields(t, f, number, i)) {
            loser = t->owner[i] != SIM_NOBODY ? t->owner[i] : loser;
            gossip_shut(t, i);
            t->owner[i] = number;
            news = true;
        }
    }
    if (news) {
        sim_member_state(to);
    }
    if (loser != SIM_NOBODY) {
        gossip_follow(w, to, number, loser);
    }
}

void sim_cluster_tell(sim_world *w, const sim_node *n)
{
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *other = &w->nodes[i];
        if (other != n && other->member != NULL) {
            int64_t later = sim_below(w, (uint32_t)w->cluster->gossip_ms + 1);
            sim_put(w, (sim_event){.at_ms = w->now_ms + later,
                                   .what = SIM_HEAR,
                                   .node = i,
                                   .arg = sim_member_number(n)});
        }
    }
}

/* ---- who comes and goes -------------------------------------------------------- */

void sim_cluster_meet(sim_world *w, sim_node *n)
{
    sim_member *m = n->member;
    uint8_t number = sim_member_number(n);
    for (size_t i = 0; i < w->node_count; i++) {
        sim_member *other = w->nodes[i].member;
        if (other == NULL || other == m || other->foreign) {
            continue;
        }
        other->of[number] = m->of[number];
        m->of[i] = other->of[i];
        for (size_t j = 0; j < SIM_SLOTS; j++) {
            m->owner[j] = other->owner[j] == i ? (uint8_t)i : m->owner[j];
        }
    }
    sim_trace(w, "meets", number, 0);
    sim_member_state(n);
}

void sim_cluster_forget(sim_world *w, sim_node *n)
{
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].member != NULL && &w->nodes[i] != n) {
            w->nodes[i].member->of[sim_member_number(n)] = (sim_belief){0};
        }
    }
    sim_trace(w, "forgotten", sim_member_number(n), 0);
}

void sim_cluster_hole(sim_world *w, uint32_t slot)
{
    w->cluster->truth[slot] = SIM_NOBODY;
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].member != NULL) {
            w->nodes[i].member->owner[slot] = SIM_NOBODY;
            sim_member_state(&w->nodes[i]);
        }
    }
}

/* ---- who is missed ------------------------------------------------------------- */

static void gossip_plan(sim_world *w, const sim_node *n, sim_what what, int64_t ms)
{
    sim_put(w, (sim_event){.at_ms = w->now_ms + ms,
                           .what = what,
                           .node = sim_member_number(n),
                           .arg = (size_t)n->member->fault});
}

void sim_cluster_hurt(sim_world *w, sim_node *n)
{
    n->member->fault = ++w->cluster->serial;
    n->member->hurt_ms = w->now_ms;
    gossip_plan(w, n, SIM_MISS, w->cluster->node_timeout_ms);
}

void sim_cluster_part(sim_world *w, sim_node *n)
{
    sim_trace(w, "cut off from the others", sim_member_number(n), 0);
    n->member->alone = true;
    sim_cluster_hurt(w, n);
}

void sim_cluster_back(sim_world *w, sim_node *n)
{
    n->member->fault = ++w->cluster->serial;
    n->member->alone = false;
    sim_cluster_tell(w, n);
    const sim_belief *me = &n->member->of[sim_member_number(n)];
    if (me->replica && !sim_node_well(&w->nodes[me->master])) {
        gossip_plan(w, &w->nodes[me->master], SIM_MISS, w->cluster->node_timeout_ms);
    }
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].member != NULL && &w->nodes[i] != n) {
            int64_t later = sim_below(w, (uint32_t)w->cluster->gossip_ms + 1);
            sim_put(w, (sim_event){.at_ms = w->now_ms + later,
                                   .what = SIM_HEAR,
                                   .node = sim_member_number(n),
                                   .arg = i});
        }
    }
}

/* Most of those that serve slots are there to agree on something. */
static bool gossip_majority(const sim_world *w)
{
    uint32_t masters = 0, well = 0;
    for (size_t i = 0; i < w->node_count; i++) {
        const sim_node *n = &w->nodes[i];
        bool serves = n->member != NULL && !n->member->foreign &&
                      memchr(w->cluster->truth, (int)i, SIM_SLOTS) != NULL;
        masters += serves;
        well += serves && sim_node_well(n);
    }
    return 2 * well > masters;
}

static void gossip_missed(sim_world *w, sim_node *n)
{
    sim_member *m = n->member;
    uint8_t number = sim_member_number(n);
    for (size_t i = 0; i < w->node_count && m->alone; i++) {
        m->of[i].failed = m->of[i].known && i != number;
    }
    sim_member_state(n);
    if (!gossip_majority(w)) {
        gossip_plan(w, n, SIM_MISS, GOSSIP_RETRY_MS);
        return;
    }
    sim_trace(w, "flagged as failed", number, 0);
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *other = &w->nodes[i];
        if (other->member != NULL && other != n && sim_node_well(other)) {
            other->member->of[number].failed = other->member->of[number].known;
            sim_member_state(other);
        }
    }
    if (memchr(w->cluster->truth, number, SIM_SLOTS) != NULL) {
        gossip_plan(w, n, SIM_ELECT, w->cluster->election_ms);
    }
}

/* ---- who takes over ------------------------------------------------------------ */

/* The keys of the old master, but for those that were written since then. */
static void gossip_copy(sim_world *w, sim_node *n, uint8_t from, int64_t since_ms)
{
    sim_cluster *k = w->cluster;
    sim_data *d = &w->data;
    for (uint32_t i = 0; i < w->call_count; i++) {
        uint32_t slot = w->calls[i].slot;
        if (slot >= SIM_SLOTS || k->truth[slot] != from) {
            continue;
        }
        sim_entry *e = &n->member->entries[i];
        *e = k->members[from].entries[i];
        if (d->wrote_ms[i] > 0 && d->wrote_ms[i] >= since_ms) {
            *e = d->before[i];
            d->wrote_ms[i] = 0;
            d->forgot = k->lost[i] = true;
        }
    }
}

/* What the old master owned, and what it was believed to own: the highest epoch
 * wins. */
static void gossip_claim(sim_world *w, sim_member *m, uint8_t from, uint8_t me)
{
    sim_cluster *k = w->cluster;
    for (uint32_t i = 0; i < SIM_SLOTS; i++) {
        if (m->owner[i] != from && k->truth[i] != from) {
            continue;
        }
        if (k->truth[i] != from && k->truth[i] != SIM_NOBODY) {
            sim_reshard_lose(w, &k->members[k->truth[i]], i);
        }
        m->owner[i] = k->truth[i] = me;
    }
}

static void gossip_promote(sim_world *w, sim_node *n, uint8_t from, int64_t since_ms)
{
    sim_cluster *k = w->cluster;
    sim_member *m = n->member;
    uint8_t me = sim_member_number(n);
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].member != NULL && i != from) {
            sim_cluster_hear(w, n, &w->nodes[i]);
        }
    }
    sim_trace(w, "promoted", me, from);
    sim_reshard_drop(w, &w->nodes[from]);
    gossip_copy(w, n, from, since_ms);
    m->of[me] = (sim_belief){.known = true, .epoch = ++k->epoch};
    gossip_claim(w, m, from, me);
    k->promoted_ms = w->now_ms;
    k->promotions++;
    sim_member_state(n);
    sim_cluster_tell(w, n);
}

static void gossip_elect(sim_world *w, sim_node *n)
{
    uint8_t from = sim_member_number(n);
    uint32_t first = sim_below(w, (uint32_t)w->node_count);
    if (!gossip_majority(w)) {
        gossip_plan(w, n, SIM_MISS, GOSSIP_RETRY_MS);
        return;
    }
    for (uint32_t i = 0; i < w->node_count; i++) {
        uint8_t at = (uint8_t)((first + i) % w->node_count);
        sim_node *r = &w->nodes[at];
        const sim_belief *b = r->member != NULL ? &r->member->of[at] : NULL;
        if (b != NULL && b->replica && b->master == from && sim_node_well(r)) {
            int64_t lag = w->cluster->lag_ms;
            gossip_promote(w, r, from, n->member->hurt_ms - (lag > 0 ? lag : -1));
            return;
        }
    }
}

void sim_cluster_take_over(sim_world *w, sim_node *n, bool agreed)
{
    uint8_t me = sim_member_number(n), from = n->member->of[me].master;
    if (!n->member->of[me].replica || !sim_node_well(n)) {
        return;
    }
    int64_t lag = w->cluster->lag_ms;
    gossip_promote(w, n, from, agreed ? INT64_MAX : w->now_ms - (lag > 0 ? lag : -1));
    if (agreed) {
        sim_cluster_hear(w, &w->nodes[from], n);
    }
}

/* A write ran at the node: was it still the one to take it? */
void sim_member_wrote(sim_node *n, reef_str key, int64_t now_ms)
{
    sim_cluster *k = n->member->cluster;
    uint32_t slot = sim_slot(key);
    const sim_move *move = sim_member_move(n->member, slot);
    bool coming = move != NULL && move->importing;
    if (k->truth[slot] != sim_member_number(n) && !coming && !n->member->foreign) {
        k->astray++;
        k->astray_ms = now_ms;
        k->lost[sim_number(key)] = true;
        n->data->forgot = true;
    }
}

bool sim_cluster_event(sim_world *w, const sim_event *e)
{
    sim_node *n = &w->nodes[e->node];
    bool current = n->member != NULL && n->member->fault == e->arg && !sim_node_well(n);
    if (e->what == SIM_HEAR) {
        sim_cluster_hear(w, n, &w->nodes[e->arg]);
    } else if (e->what == SIM_MISS && current) {
        gossip_missed(w, n);
    } else if (e->what == SIM_ELECT && current) {
        gossip_elect(w, n);
    } else if (e->what == SIM_MOVE) {
        sim_reshard_event(w, e);
    } else if (e->what == SIM_FAULT) {
        sim_seeds_cluster_fault(w, e->arg);
    } else {
        return e->what == SIM_MISS || e->what == SIM_ELECT;
    }
    return true;
}

/* ---- the end of all faults ----------------------------------------------------- */

static void gossip_fill_holes(sim_world *w)
{
    sim_cluster *k = w->cluster;
    for (uint32_t i = 0; i < SIM_SLOTS; i++) {
        if (k->truth[i] == SIM_NOBODY) {
            uint8_t owner = k->truth[i > 0 ? i - 1 : SIM_SLOTS - 1];
            k->truth[i] = owner;
            k->members[owner].owner[i] = owner;
        }
    }
}

void sim_cluster_heal(sim_world *w)
{
    if (w->cluster == NULL) {
        return;
    }
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].member != NULL) {
            w->nodes[i].member->alone = false;
            w->nodes[i].member->fib = SIM_TRUE;
            w->nodes[i].member->fault = ++w->cluster->serial;
        }
    }
    gossip_fill_holes(w);
    for (size_t i = 0; i < GOSSIP_ROUNDS * w->node_count * w->node_count; i++) {
        sim_node *to = &w->nodes[i % w->node_count];
        const sim_node *from = &w->nodes[i / w->node_count % w->node_count];
        if (to->member != NULL && from->member != NULL) {
            sim_cluster_hear(w, to, from);
        }
    }
}
