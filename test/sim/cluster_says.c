/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster_says: what a fake node tells of the cluster, and how it lies about it. */
#include "test/sim/cluster.h"

#include <stdio.h>
#include <string.h>

const char *sim_member_host(const sim_node *me, const sim_node *other)
{
    switch (me->member->cluster->endpoints) {
    case SIM_BY_ADDRESS:
        return me == other && me->member->shy ? "" : other->address;
    case SIM_BY_NAME:
        return other->name != NULL ? other->name : "?";
    case SIM_BY_PORT:
        break;
    }
    return NULL;
}

/* ---- CLUSTER SLOTS -------------------------------------------------------------- */

/* Who is named as the owner: a liar names the next master instead. */
static uint8_t says_owner(const sim_member *m, uint32_t slot)
{
    uint8_t owner = m->owner[slot];
    if (m->fib != SIM_FIB_SWAPPED || owner == SIM_NOBODY) {
        return owner;
    }
    for (uint8_t i = 1; i < *m->cluster->count; i++) {
        uint8_t other = (uint8_t)((owner + i) % *m->cluster->count);
        if (m->of[other].known && !m->of[other].replica) {
            return other;
        }
    }
    return owner;
}

static uint32_t says_end(const sim_member *m, uint32_t from)
{
    uint32_t end = from + 1;
    while (end < SIM_SLOTS && m->owner[end] == m->owner[from]) {
        end++;
    }
    return end;
}

static void says_metadata(const sim_node *me, const sim_conn *c, const sim_node *n,
                          sim_bytes *out)
{
    bool ip = me->member->cluster->endpoints != SIM_BY_ADDRESS;
    bool name = me->member->cluster->endpoints != SIM_BY_NAME && n->name != NULL;
    size_t pairs = (size_t)ip + (size_t)name;
    sim_bytes_head(out, c->protocol == 3 ? '%' : '*',
                   c->protocol == 3 ? pairs : 2 * pairs);
    if (ip) {
        sim_bytes_word(out, "ip");
        sim_bytes_word(out, n->address);
    }
    if (name) {
        sim_bytes_word(out, "hostname");
        sim_bytes_word(out, n->name);
    }
}

static void says_node(const sim_node *me, const sim_conn *c, const sim_node *n,
                      sim_bytes *out)
{
    const char *host = sim_member_host(me, n);
    sim_bytes_head(out, '*', 4);
    if (host != NULL) {
        sim_bytes_word(out, host);
    } else {
        sim_bytes_text(out, c->protocol == 3 ? "_\r\n" : "$-1\r\n");
    }
    sim_bytes_number(out, n->port);
    sim_bytes_word(out, n->member->id);
    says_metadata(me, c, n, out);
}

/* The replicas that are well; how many. */
static size_t says_replicas(const sim_node *me, const sim_conn *c, uint8_t owner,
                            sim_bytes *out)
{
    const sim_member *m = me->member;
    size_t count = 0;
    for (size_t i = 0; i < *m->cluster->count; i++) {
        const sim_belief *b = &m->of[i];
        if (b->known && b->replica && b->master == owner && !b->failed) {
            says_node(me, c, &m->cluster->all[i], out);
            count++;
        }
    }
    return count;
}

static void says_range(const sim_node *me, const sim_conn *c, uint32_t first,
                       uint32_t end, sim_bytes *out)
{
    const sim_member *m = me->member;
    sim_bytes replicas = {0};
    uint8_t owner = says_owner(m, first);
    size_t count = says_replicas(me, c, owner, &replicas);
    bool broken = m->fib == SIM_FIB_BROKEN;
    sim_bytes_head(out, '*', 3 + count);
    sim_bytes_number(out, first);
    sim_bytes_number(out, broken ? 16384 : end - 1);
    says_node(me, c, &m->cluster->all[owner], out);
    sim_bytes_add(out, replicas.ptr, replicas.len);
    sim_bytes_free(&replicas);
}

/* A view that is old is no lie. */
static bool says_lies(const sim_node *me)
{
    return me->member->fib > SIM_FIB_STALE;
}

static void says_slots(sim_node *me, sim_conn *c, sim_bytes *out)
{
    sim_member *m = me->member;
    sim_bytes ranges = {0};
    size_t count = 0;
    m->maps++;
    c->told.fib_slots = says_lies(me);
    if (m->fib == SIM_FIB_ERROR) {
        sim_bytes_text(out, "-ERR something is wrong here\r\n");
        return;
    }
    for (uint32_t at = 0; at < SIM_SLOTS; at = says_end(m, at)) {
        if (m->owner[at] != SIM_NOBODY && m->fib != SIM_FIB_NOTHING) {
            says_range(me, c, at, says_end(m, at), &ranges);
            count++;
        }
    }
    sim_bytes_head(out, '*', count);
    sim_bytes_add(out, ranges.ptr, ranges.len);
    sim_bytes_free(&ranges);
}

/* ---- CLUSTER NODES -------------------------------------------------------------- */

static void says_row_slots(const sim_node *me, uint8_t number, sim_bytes *out)
{
    const sim_member *m = me->member;
    char text[96];
    for (uint32_t at = 0; at < SIM_SLOTS; at = says_end(m, at)) {
        uint32_t last = says_end(m, at) - 1;
        if (says_owner(m, at) != number || m->owner[at] == SIM_NOBODY) {
            continue;
        }
        snprintf(text, sizeof text, at == last ? " %u" : " %u-%u", at, last);
        sim_bytes_text(out, text);
    }
    for (size_t i = 0; i < m->move_count && number == sim_member_number(me); i++) {
        const sim_move *v = &m->moves[i];
        snprintf(text, sizeof text, " [%u-%c-%s]", v->slot, v->importing ? '<' : '>',
                 v->other->member->id);
        sim_bytes_text(out, text);
    }
}

static void says_row(const sim_node *me, uint8_t number, sim_bytes *out)
{
    const sim_member *m = me->member;
    const sim_belief *b = &m->of[number];
    const sim_node *n = &m->cluster->all[number];
    bool self = n == me;
    char text[320];
    uint64_t epoch = b->replica ? m->of[b->master].epoch : b->epoch;
    snprintf(text, sizeof text, "%s %s:%u@%u%s%s %s%s%s %s 0 0 %llu %s", n->member->id,
             self && m->shy ? "" : n->address, n->port, n->port + 10000u,
             n->name != NULL ? "," : "", n->name != NULL ? n->name : "",
             self ? "myself," : "", b->replica ? "slave" : "master",
             b->failed ? ",fail" : "",
             b->replica ? m->cluster->all[b->master].member->id : "-",
             (unsigned long long)epoch, b->failed ? "disconnected" : "connected");
    sim_bytes_text(out, text);
    says_row_slots(me, number, out);
    sim_bytes_text(out, "\n");
}

/* A text of several lines: a verbatim string in RESP3. */
static void says_text(const sim_conn *c, const sim_bytes *text, sim_bytes *out)
{
    if (c->protocol != 3) {
        sim_bytes_bulk(out, (reef_str){text->ptr, text->len});
        return;
    }
    sim_bytes_head(out, '=', text->len + 4);
    sim_bytes_text(out, "txt:");
    sim_bytes_add(out, text->ptr, text->len);
    sim_bytes_text(out, "\r\n");
}

static void says_nodes(const sim_node *me, sim_conn *c, sim_bytes *out)
{
    sim_bytes text = {0};
    c->told.fib_nodes = says_lies(me);
    for (size_t i = 0; i < *me->member->cluster->count; i++) {
        if (me->member->of[i].known) {
            says_row(me, (uint8_t)i, &text);
        }
    }
    says_text(c, &text, out);
    sim_bytes_free(&text);
}

/* ---- CLUSTER INFO and the rest -------------------------------------------------- */

static void says_info(const sim_node *me, const sim_conn *c, sim_bytes *out)
{
    const sim_member *m = me->member;
    char text[400];
    bool serves[SIM_NODES] = {false};
    uint32_t assigned = 0, known = 0, size = 0;
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        assigned += m->owner[i] != SIM_NOBODY;
        if (m->owner[i] != SIM_NOBODY) {
            serves[m->owner[i]] = true;
        }
    }
    for (size_t i = 0; i < SIM_NODES; i++) {
        known += m->of[i].known;
        size += serves[i];
    }
    snprintf(
        text, sizeof text,
        "cluster_state:%s\r\ncluster_slots_assigned:%u\r\ncluster_slots_ok:%u\r\n"
        "cluster_known_nodes:%u\r\ncluster_size:%u\r\ncluster_current_epoch:%llu\r\n"
        "cluster_my_epoch:%llu\r\n",
        m->down ? "fail" : "ok", assigned, assigned, known, size,
        (unsigned long long)m->cluster->epoch,
        (unsigned long long)m->of[sim_member_number(me)].epoch);
    sim_bytes whole = {0};
    sim_bytes_text(&whole, text);
    says_text(c, &whole, out);
    sim_bytes_free(&whole);
}

static int64_t says_digits(reef_str word)
{
    int64_t value = 0;
    for (size_t i = 0; i < word.len && i < 10; i++) {
        value = value * 10 + (word.ptr[i] - '0');
    }
    return value;
}

/* By hand: IMPORTING and MIGRATING open a slot, STABLE shuts it. */
static void says_setslot(sim_node *n, const reef_reply *cmd, sim_bytes *out)
{
    sim_member *m = n->member;
    uint32_t slot = (uint32_t)says_digits(sim_arg(cmd, 2));
    bool importing = reef_str_is(sim_arg(cmd, 3), "IMPORTING");
    bool stable = reef_str_is(sim_arg(cmd, 3), "STABLE");
    if (!importing && !stable && m->owner[slot % SIM_SLOTS] != sim_member_number(n)) {
        sim_bytes_text(out, "-ERR I'm not the owner of hash slot ");
        sim_bytes_int(out, slot);
        sim_bytes_text(out, "\r\n");
        return;
    }
    for (size_t i = 0; i < *m->cluster->count && !stable; i++) {
        sim_node *other = &m->cluster->all[i];
        bool meant = other->member != NULL && m->of[i].known &&
                     reef_str_is(sim_arg(cmd, 4), other->member->id);
        if (meant && m->move_count < SIM_MOVES) {
            m->moves[m->move_count++] = (sim_move){slot, other, importing, 0};
            sim_bytes_text(out, "+OK\r\n");
            return;
        }
    }
    for (size_t i = 0; i < m->move_count; i++) {
        if (m->moves[i].slot == slot && stable) {
            m->moves[i] = m->moves[--m->move_count];
            break;
        }
    }
    sim_bytes_text(out, stable ? "+OK\r\n" : "-ERR I don't know about node\r\n");
}

void sim_member_says(sim_node *n, sim_conn *c, const reef_reply *cmd, sim_bytes *out)
{
    reef_str word = sim_arg(cmd, 1);
    if (reef_str_is(word, "MYID")) {
        sim_bytes_word(out, n->member->id);
    } else if (reef_str_is(word, "SLOTS")) {
        says_slots(n, c, out);
    } else if (reef_str_is(word, "NODES")) {
        says_nodes(n, c, out);
    } else if (reef_str_is(word, "INFO")) {
        says_info(n, c, out);
    } else if (reef_str_is(word, "SETSLOT")) {
        says_setslot(n, cmd, out);
    } else if (reef_str_is(word, "ADDSLOTSRANGE")) {
        int64_t last = says_digits(sim_arg(cmd, 3));
        for (int64_t i = says_digits(sim_arg(cmd, 2)); i <= last && i < SIM_SLOTS;
             i++) {
            n->member->owner[i] = sim_member_number(n);
        }
        sim_member_state(n);
        sim_bytes_text(out, "+OK\r\n");
    } else if (reef_str_is(word, "KEYSLOT")) {
        sim_bytes_number(out, sim_slot(sim_arg(cmd, 2)));
    } else {
        sim_bytes_text(out, "-ERR unknown subcommand '");
        sim_bytes_add(out, word.ptr, word.len);
        sim_bytes_text(out, "'. Try CLUSTER HELP.\r\n");
    }
}
