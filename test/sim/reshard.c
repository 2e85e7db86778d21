/* SPDX-License-Identifier: Apache-2.0
 *
 * reshard: slots that move, key by key. While a slot is open its owner sends clients on
 * (ASK) for every key that it does not have; who imports it takes those that ask for it
 * (ASKING). When the last key has moved, the new owner claims the slot with an epoch of
 * its own, and tells everybody. */
#include "test/sim/sim.h"

#include <string.h>

enum { RESHARD_RETRY_MS = 200 };

void sim_reshard_put(sim_world *w, uint32_t id, sim_entry e)
{
    uint32_t slot = w->calls[id].slot;
    uint8_t owner = w->cluster->truth[slot];
    for (size_t i = 0; i < w->node_count; i++) {
        sim_member *m = w->nodes[i].member;
        if (m != NULL && (i == owner || m->owner[slot] == i)) {
            m->entries[id] = e;
        }
    }
}

static void reshard_next(sim_world *w, const sim_node *from, uint32_t slot, int64_t ms)
{
    sim_put(w, (sim_event){.at_ms = w->now_ms + ms,
                           .what = SIM_MOVE,
                           .node = sim_member_number(from),
                           .arg = slot});
}

/* It is heard, and what it claims is its own: whoever moves slots looks at that
 * first. */
static bool reshard_fit(const sim_world *w, const sim_node *n)
{
    const sim_member *m = n->member;
    uint8_t number = sim_member_number(n);
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        if ((m->owner[i] == number) != (w->cluster->truth[i] == number)) {
            return false;
        }
    }
    return sim_node_well(n) && !m->of[number].replica;
}

void sim_reshard_begin(sim_world *w, uint32_t slot, sim_node *to, int64_t step_ms)
{
    sim_node *from = sim_cluster_owner(w, slot);
    if (from == NULL || from == to || !reshard_fit(w, from) || !reshard_fit(w, to)) {
        return;
    }
    sim_member *a = from->member, *b = to->member;
    uint8_t target = sim_member_number(to), source = sim_member_number(from);
    bool known =
        a->of[target].known && a->owner[slot] == source && b->owner[slot] == source;
    bool room = a->move_count < SIM_MOVES && b->move_count < SIM_MOVES;
    bool open = sim_member_move(a, slot) != NULL || sim_member_move(b, slot) != NULL;
    if (!known || !room || open) {
        return;
    }
    sim_trace(w, "slot opens", slot, target);
    a->moves[a->move_count++] = (sim_move){slot, to, false, step_ms};
    b->moves[b->move_count++] = (sim_move){slot, from, true, step_ms};
    reshard_next(w, from, slot, step_ms);
}

/* One key moves, the twin of a call after its first one. False: none is left. */
static bool reshard_key(sim_world *w, sim_node *from, sim_node *to, uint32_t slot)
{
    for (uint32_t i = 0; i < w->call_count; i++) {
        sim_entry *old = &from->member->entries[i], *e = &to->member->entries[i];
        if (w->calls[i].slot != slot || (!old->there && !old->twin)) {
            continue;
        }
        bool twin = !old->there;
        if (twin) {
            e->twin = true;
            old->twin = false;
        } else {
            *e = (sim_entry){old->size, old->number, true, e->twin};
            *old = (sim_entry){.twin = old->twin};
        }
        w->data.before[i] = (sim_entry){0};
        w->data.wrote_ms[i] = w->now_ms;
        sim_trace(w, "key moves", i, twin);
        return true;
    }
    return false;
}

static void reshard_shut(sim_member *m, uint32_t slot)
{
    for (size_t i = 0; i < m->move_count; i++) {
        if (m->moves[i].slot == slot) {
            m->moves[i] = m->moves[--m->move_count];
            return;
        }
    }
}

/* CLUSTER SETSLOT NODE at the new owner; the old one hears of it like all others. */
static void reshard_done(sim_world *w, sim_node *to, uint32_t slot)
{
    sim_cluster *k = w->cluster;
    uint8_t number = sim_member_number(to);
    sim_belief *me = &to->member->of[number];
    reshard_shut(to->member, slot);
    if (me->epoch < k->epoch) {
        me->epoch = ++k->epoch;
    }
    sim_trace(w, "slot moved", slot, number);
    to->member->owner[slot] = number;
    k->truth[slot] = number;
    sim_member_state(to);
    for (size_t i = 0; i < w->node_count; i++) { /* its replicas hear it as they go */
        sim_node *n = &w->nodes[i];
        const sim_belief *b = n->member != NULL ? &n->member->of[i] : NULL;
        if (b != NULL && b->replica && b->master == number) {
            sim_cluster_hear(w, n, to);
        }
    }
    sim_cluster_tell(w, to);
}

void sim_reshard_event(sim_world *w, const sim_event *e)
{
    sim_node *from = &w->nodes[e->node];
    uint32_t slot = (uint32_t)e->arg;
    const sim_move *move = sim_member_move(from->member, slot);
    if (move == NULL || move->importing) {
        return;
    }
    sim_node *to = move->other;
    if (!reshard_fit(w, from) || !reshard_fit(w, to)) {
        reshard_next(w, from, slot, RESHARD_RETRY_MS);
    } else if (reshard_key(w, from, to, slot)) {
        reshard_next(w, from, slot, move->step_ms);
    } else if (w->cluster->truth[slot] == e->node) {
        reshard_done(w, to, slot);
    }
}

void sim_reshard_lose(sim_world *w, sim_member *target, uint32_t slot)
{
    for (uint32_t i = 0; i < w->call_count; i++) {
        sim_entry *e = &target->entries[i];
        if (w->calls[i].slot == slot && (e->there || e->twin)) {
            *e = (sim_entry){0};
            w->cluster->lost[i] = w->data.forgot = true;
        }
    }
}

void sim_reshard_drop(sim_world *w, const sim_node *n)
{
    sim_member *m = n->member;
    while (m->move_count > 0) {
        sim_move move = m->moves[0];
        sim_member *other = move.other->member;
        sim_trace(w, "slot stays", move.slot, sim_member_number(n));
        sim_reshard_lose(w, move.importing ? m : other, move.slot);
        reshard_shut(other, move.slot);
        reshard_shut(m, move.slot);
    }
}
