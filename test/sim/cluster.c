/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster: slots of keys, and where a command may run. The order of the questions is
 * the servers' own: an unknown owner, keys of several slots, the state of the cluster,
 * a slot that is open, and last who owns it. */
#include "test/sim/cluster.h"

#include <stdio.h>
#include <string.h>

/* Not the library's: it is held to this one. Bit by bit. */
static uint32_t cluster_crc(reef_str text)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < text.len; i++) {
        crc ^= (uint32_t)(unsigned char)text.ptr[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
        }
        crc &= 0xFFFFu;
    }
    return crc;
}

uint32_t sim_slot(reef_str key)
{
    const char *open = key.len > 0 ? memchr(key.ptr, '{', key.len) : NULL;
    if (open != NULL) {
        size_t left = key.len - (size_t)(open + 1 - key.ptr);
        const char *shut = left > 0 ? memchr(open + 1, '}', left) : NULL;
        if (shut != NULL && shut > open + 1) {
            key = (reef_str){open + 1, (size_t)(shut - open - 1)};
        }
    }
    return cluster_crc(key) % SIM_SLOTS;
}

uint8_t sim_member_number(const sim_node *n)
{
    return (uint8_t)(n - n->member->cluster->all);
}

uint32_t sim_cmd_keys(const reef_reply *cmd, uint32_t *first)
{
    static const char *const ones[] = {"GET", "SET", "INCR", "APPEND", "TYPE"};
    static const char *const many[] = {"DEL", "EXISTS", "MGET"};
    size_t count = reef_count(reef_reply_root(cmd));
    reef_str name = sim_arg(cmd, 0);
    *first = 1;
    for (size_t i = 0; i < 5 && count > 1; i++) {
        if (reef_str_is(name, ones[i])) {
            return 1;
        }
    }
    for (size_t i = 0; i < 3 && count > 1; i++) {
        if (reef_str_is(name, many[i])) {
            return (uint32_t)count - 1;
        }
    }
    return 0;
}

const sim_move *sim_member_move(const sim_member *m, uint32_t slot)
{
    for (size_t i = 0; i < m->move_count; i++) {
        if (m->moves[i].slot == slot) {
            return &m->moves[i];
        }
    }
    return NULL;
}

sim_entry *sim_member_entry(sim_node *n, size_t id)
{
    return n->member != NULL ? &n->member->entries[id] : &n->data->entries[id];
}

/* Every slot has an owner that has not failed, and most masters are there. */
void sim_member_state(sim_node *n)
{
    sim_member *m = n->member;
    bool serves[SIM_NODES] = {false}, hole = false;
    uint32_t masters = 0, failed = 0;
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        uint8_t owner = m->owner[i];
        hole = hole || owner == SIM_NOBODY || m->of[owner].failed;
        if (owner != SIM_NOBODY) {
            serves[owner] = true;
        }
    }
    for (size_t i = 0; i < SIM_NODES; i++) {
        masters += serves[i];
        failed += serves[i] && m->of[i].failed;
    }
    m->down = (hole && !m->cluster->partial) || (masters - failed) * 2 <= masters;
}

/* ---- where a command may run --------------------------------------------------- */

/* What is found out about the keys of one command, or of all that EXEC would run. */
typedef struct cluster_look {
    uint32_t keys, slot;
    bool crossed, several;
    uint32_t here, missing;
    int64_t first; /* number of the first key, with its letter */
    const sim_move *move;
} cluster_look;

static bool cluster_has(sim_node *n, reef_str key)
{
    int64_t id = sim_number(key);
    const sim_entry *e =
        id >= 0 && id < SIM_CALLS ? sim_member_entry(n, (size_t)id) : NULL;
    return e != NULL && (key.ptr[0] == 'j' ? e->twin : e->there);
}

static void cluster_look_at(sim_node *n, const reef_reply *cmd, cluster_look *k)
{
    uint32_t first, count = sim_cmd_keys(cmd, &first);
    for (uint32_t i = 0; i < count; i++) {
        reef_str key = sim_arg(cmd, first + i);
        uint32_t slot = sim_slot(key);
        int64_t which = sim_number(key) * 256 + (key.len > 0 ? key.ptr[0] : 0);
        if (k->keys++ == 0) {
            k->slot = slot;
            k->first = which;
            k->move = sim_member_move(n->member, slot);
        }
        k->crossed = k->crossed || slot != k->slot;
        k->several = k->several || which != k->first;
        bool has = cluster_has(n, key);
        k->here += has;
        k->missing += !has;
    }
}

static const char *cluster_redirect(sim_node *n, const char *kind, uint32_t slot,
                                    const sim_node *to)
{
    sim_member *m = n->member;
    const char *host = sim_member_host(n, to);
    bool ask = kind[0] == 'A';
    m->asks += ask;
    m->moved += !ask;
    snprintf(m->said, sizeof m->said, "-%s %u %s:%u\r\n", kind, slot,
             host != NULL ? host : "", to->port);
    return m->said;
}

static const char *cluster_down(sim_node *n, const char *text)
{
    n->member->downs++;
    return text;
}

static const char *cluster_again(sim_node *n)
{
    n->member->again++;
    return "-TRYAGAIN Multiple keys request during rehashing of slot\r\n";
}

/* The answer for keys of one slot, which the node has found to be open or not. */
static const char *cluster_place(sim_node *n, const sim_conn *c, const cluster_look *k)
{
    sim_member *m = n->member;
    uint8_t owner = m->owner[k->slot];
    bool mine = owner == sim_member_number(n);
    bool leaves = k->move != NULL && !k->move->importing && mine;
    if (leaves && k->missing > 0) {
        return k->here > 0 ? cluster_again(n)
                           : cluster_redirect(n, "ASK", k->slot, k->move->other);
    }
    if (k->move != NULL && k->move->importing && c->asking) {
        return k->several && k->missing > 0 ? cluster_again(n) : NULL;
    }
    return mine ? NULL : cluster_redirect(n, "MOVED", k->slot, &m->cluster->all[owner]);
}

const char *sim_member_denies(sim_node *n, const sim_conn *c, const reef_reply *cmd)
{
    sim_member *m = n->member;
    cluster_look k = {0};
    if (reef_str_is(sim_arg(cmd, 0), "EXEC")) {
        for (size_t i = 0; i < c->queued; i++) {
            cluster_look_at(n, c->queue[i], &k);
        }
    } else {
        cluster_look_at(n, cmd, &k);
    }
    if (k.keys == 0) {
        return NULL;
    }
    if (m->owner[k.slot] == SIM_NOBODY) {
        return cluster_down(n, "-CLUSTERDOWN Hash slot not served\r\n");
    }
    if (k.crossed) {
        return "-CROSSSLOT Keys in request don't hash to the same slot\r\n";
    }
    if (m->down) {
        return cluster_down(n, "-CLUSTERDOWN The cluster is down\r\n");
    }
    return cluster_place(n, c, &k);
}

/* ---- commands of the connection ------------------------------------------------ */

static void cluster_role(const sim_node *n, sim_bytes *out)
{
    const sim_member *m = n->member;
    const sim_belief *me = &m->of[sim_member_number(n)];
    if (!me->replica) {
        sim_bytes_text(out, "*3\r\n$6\r\nmaster\r\n:87\r\n*0\r\n");
        return;
    }
    const sim_node *master = &m->cluster->all[me->master];
    sim_bytes_text(out, "*5\r\n$5\r\nslave\r\n");
    sim_bytes_word(out, master->address);
    sim_bytes_number(out, master->port);
    sim_bytes_word(out, m->of[me->master].failed ? "connect" : "connected");
    sim_bytes_text(out, ":87\r\n");
}

bool sim_member_run(sim_node *n, sim_conn *c, const reef_reply *cmd, sim_bytes *out)
{
    reef_str name = sim_arg(cmd, 0);
    if (reef_str_is(name, "ASKING")) {
        c->asking = true;
        sim_bytes_text(out, "+OK\r\n");
    } else if (reef_str_is(name, "ROLE")) {
        cluster_role(n, out);
    } else if (reef_str_is(name, "TYPE")) { /* the engine's own: whose key is it? */
        sim_bytes_text(out, "+string\r\n");
    } else if (reef_str_is(name, "CLUSTER")) {
        sim_member_says(n, c, cmd, out);
    } else {
        return false;
    }
    return true;
}
