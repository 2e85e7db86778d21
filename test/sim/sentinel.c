/* SPDX-License-Identifier: Apache-2.0
 *
 * sentinel: the replies of a fake Sentinel. */
#include "test/sim/sentinel.h"

#include <stdio.h>
#include <string.h>

const char *sim_node_host(const sim_sentinel *s, const sim_node *n)
{
    return s->named && n->name != NULL ? n->name : n->address;
}

const sim_node *sim_sentinel_says(const sim_sentinel *s)
{
    return s->seen && s->selected != NULL ? s->selected : s->master;
}

static size_t sentinel_count(const sim_sentinel *s, bool sentinels)
{
    size_t count = 0;
    for (size_t i = 0; i < *s->count; i++) {
        count += (s->all[i].sentinel != NULL) == sentinels;
    }
    return count;
}

static void sentinel_id(const sim_sentinel *s, const sim_node *n, char id[41])
{
    snprintf(id, 41, "%040x", (unsigned)(n - s->all) + 0xbee0u);
}

/* ---- maps --------------------------------------------------------------------- */

/* A map while it is written: RESP2 has flat pairs. */
typedef struct sentinel_map {
    sim_bytes pairs;
    size_t count;
} sentinel_map;

static void sentinel_text(sentinel_map *m, const char *key, const char *value)
{
    sim_bytes_word(&m->pairs, key);
    sim_bytes_word(&m->pairs, value);
    m->count++;
}

static void sentinel_number(sentinel_map *m, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    sentinel_text(m, key, digits);
}

static void sentinel_end(sentinel_map *m, const sim_conn *c, sim_bytes *out)
{
    bool three = c->protocol == 3;
    sim_bytes_head(out, three ? '%' : '*', three ? m->count : 2 * m->count);
    sim_bytes_add(out, m->pairs.ptr, m->pairs.len);
    sim_bytes_free(&m->pairs);
}

/* What all kinds of instances begin with. */
static void sentinel_instance(sentinel_map *m, const sim_sentinel *s, const sim_node *n,
                              const char *name, const char *flags)
{
    char id[41];
    sentinel_id(s, n, id);
    sentinel_text(m, "name", name);
    sentinel_text(m, "ip", sim_node_host(s, n));
    sentinel_number(m, "port", n->port);
    sentinel_text(m, "runid", id);
    sentinel_text(m, "flags", flags);
    sentinel_text(m, "link-pending-commands", "0");
    sentinel_text(m, "link-refcount", "1");
    sentinel_text(m, "last-ping-sent", "0");
    sentinel_text(m, "last-ok-ping-reply", "199");
    sentinel_text(m, "last-ping-reply", "199");
    sentinel_text(m, "down-after-milliseconds", "400");
}

static void sentinel_master(const sim_sentinel *s, const sim_conn *c, sim_bytes *out)
{
    sentinel_map m = {0};
    char flags[96];
    snprintf(flags, sizeof flags, "%smaster%s%s", s->down ? "s_down,o_down," : "",
             s->down ? ",disconnected" : "", s->failing ? ",failover_in_progress" : "");
    sentinel_instance(&m, s, s->master, s->name, flags);
    sentinel_text(&m, "info-refresh", "199");
    sentinel_text(&m, "role-reported", "master");
    sentinel_text(&m, "role-reported-time", "202");
    sentinel_number(&m, "config-epoch", s->epoch);
    sentinel_number(&m, "num-slaves", sentinel_count(s, false) - 1);
    sentinel_number(&m, "num-other-sentinels", sentinel_count(s, true) - 1);
    sentinel_number(&m, "quorum", s->quorum);
    sentinel_text(&m, "failover-timeout", "2000");
    sentinel_text(&m, "parallel-syncs", "1");
    sentinel_end(&m, c, out);
}

static void sentinel_replica(const sim_sentinel *s, const sim_conn *c,
                             const sim_node *n, sim_bytes *out)
{
    sentinel_map m = {0};
    char name[160], flags[48];
    bool promoted = s->failing && s->selected == n;
    bool gone = !n->up || n->paused;
    snprintf(name, sizeof name, "%s:%u", sim_node_host(s, n), n->port);
    snprintf(flags, sizeof flags, "%sslave%s%s", gone ? "s_down," : "",
             gone ? ",disconnected" : "", promoted ? ",promoted" : "");
    sentinel_instance(&m, s, n, name, flags);
    sentinel_text(&m, "info-refresh", "201");
    sentinel_text(&m, "role-reported", n->replica ? "slave" : "master");
    sentinel_text(&m, "role-reported-time", "204");
    sentinel_text(&m, "master-link-down-time", "0");
    sentinel_text(&m, "master-link-status", s->down ? "err" : "ok");
    sentinel_text(&m, "master-host", sim_node_host(s, s->master));
    sentinel_number(&m, "master-port", s->master->port);
    sentinel_text(&m, "slave-priority", "100");
    sentinel_text(&m, "slave-repl-offset", "841");
    sentinel_text(&m, "replica-announced", "1");
    sentinel_end(&m, c, out);
}

static void sentinel_peer(const sim_sentinel *s, const sim_conn *c, const sim_node *n,
                          sim_bytes *out)
{
    sentinel_map m = {0};
    char id[41];
    sentinel_id(s, n, id);
    sentinel_instance(&m, s, n, id, "sentinel");
    sentinel_text(&m, "last-hello-message", "204");
    sentinel_text(&m, "voted-leader", "?");
    sentinel_text(&m, "voted-leader-epoch", "0");
    sentinel_end(&m, c, out);
}

static void sentinel_others(const sim_node *me, const sim_conn *c, bool sentinels,
                            sim_bytes *out)
{
    const sim_sentinel *s = me->sentinel;
    const sim_node *left_out = sentinels ? me : s->master;
    sim_bytes_head(out, '*', sentinel_count(s, sentinels) - 1);
    for (size_t i = 0; i < *s->count; i++) {
        const sim_node *n = &s->all[i];
        if (n == left_out || (n->sentinel != NULL) != sentinels) {
            continue;
        }
        if (sentinels) {
            sentinel_peer(s, c, n, out);
        } else {
            sentinel_replica(s, c, n, out);
        }
    }
}

/* ---- the address -------------------------------------------------------------- */

static void sentinel_place(const char *host, const char *port, sim_bytes *out)
{
    sim_bytes_head(out, '*', 2);
    sim_bytes_word(out, host);
    sim_bytes_word(out, port);
}

/* Some node that is not the master: a Sentinel, or one with data. */
static const sim_node *sentinel_stranger(const sim_sentinel *s, bool sentinel)
{
    const sim_node *found = s->master;
    for (size_t i = 0; i < *s->count; i++) {
        const sim_node *n = &s->all[i];
        bool fits = n != s->master && (n->sentinel != NULL) == sentinel;
        found = fits ? n : found;
    }
    return found;
}

static void sentinel_node(const sim_sentinel *s, const sim_node *n, sim_bytes *out)
{
    char port[8];
    snprintf(port, sizeof port, "%u", n->port);
    sentinel_place(sim_node_host(s, n), port, out);
}

static void sentinel_address(const sim_sentinel *s, const sim_conn *c, sim_bytes *out)
{
    switch (s->lie) {
    case SIM_HONEST:
        sentinel_node(s, sim_sentinel_says(s), out);
        break;
    case SIM_LIE_NIL:
        sim_bytes_text(out, c->protocol == 3 ? "_\r\n" : "*-1\r\n");
        break;
    case SIM_LIE_REPLICA:
    case SIM_LIE_SENTINEL:
        sentinel_node(s, sentinel_stranger(s, s->lie == SIM_LIE_SENTINEL), out);
        break;
    case SIM_LIE_NOWHERE:
        sentinel_place("10.0.7.7", "6379", out);
        break;
    case SIM_LIE_NUMBER:
        sim_bytes_number(out, 6379);
        break;
    case SIM_LIE_SHORT:
        sim_bytes_head(out, '*', 1);
        sim_bytes_word(out, "10.0.0.1");
        break;
    case SIM_LIE_PORT:
        sentinel_place("10.0.0.1", "70000", out);
        break;
    case SIM_LIE_EMPTY:
        sentinel_place("", "", out);
        break;
    case SIM_LIE_ERROR:
        sim_bytes_text(out, "-ERR something is wrong here\r\n");
        break;
    }
}

/* ---- commands ----------------------------------------------------------------- */

static void sentinel_masters(const sim_node *me, const sim_conn *c, sim_bytes *out)
{
    const sim_sentinel *s = me->sentinel;
    bool lost = s->lie == SIM_LIE_NIL;
    sim_bytes_head(out, '*', (lost ? 0u : 1u) + (s->other != NULL ? 1u : 0u));
    if (!lost) {
        sentinel_master(s, c, out);
    }
    if (s->other != NULL) {
        sentinel_map m = {0};
        sentinel_instance(&m, s, me, s->other, "master");
        sentinel_end(&m, c, out);
    }
}

/* The commands that are about one master. */
static void sentinel_about(const sim_node *me, sim_conn *c, const reef_reply *cmd,
                           sim_bytes *out)
{
    sim_sentinel *s = me->sentinel;
    reef_str word = sim_arg(cmd, 1), name = sim_arg(cmd, 2);
    bool known = reef_str_equal(name, reef_str_of(s->name)) && s->lie != SIM_LIE_NIL;
    bool slaves =
        reef_str_is(word, "SLAVES") || (reef_str_is(word, "REPLICAS") && !s->bare);
    bool address = reef_str_is(word, "GET-MASTER-ADDR-BY-NAME");
    bool master = reef_str_is(word, "MASTER");
    s->asked += address;
    s->masters += master;
    c->told.epoch = address ? s->epoch : c->told.epoch;
    c->told.torn = master ? s->epoch != c->told.epoch : c->told.torn;
    if (address && !known) {
        sim_bytes_text(out, c->protocol == 3 ? "_\r\n" : "*-1\r\n");
    } else if (address) {
        sentinel_address(s, c, out);
    } else if (!slaves && !master && !reef_str_is(word, "SENTINELS")) {
        sim_bytes_text(out, "-ERR Unknown sentinel subcommand\r\n");
    } else if (!known) {
        sim_bytes_text(out, "-ERR No such master with that name\r\n");
    } else if (master) {
        sentinel_master(s, c, out);
    } else {
        sentinel_others(me, c, !slaves, out);
    }
}

static void sentinel_sentinel(const sim_node *me, sim_conn *c, const reef_reply *cmd,
                              sim_bytes *out)
{
    char id[41];
    reef_str word = sim_arg(cmd, 1);
    size_t count = reef_count(reef_reply_root(cmd));
    if (me->sentinel->closed) {
        sim_bytes_text(out, "-NOPERM this user has no permissions to run the "
                            "'sentinel' command\r\n");
    } else if (reef_str_is(word, "MYID") && count == 2) {
        sentinel_id(me->sentinel, me, id);
        sim_bytes_word(out, id);
    } else if (reef_str_is(word, "MASTERS") && count == 2) {
        sentinel_masters(me, c, out);
    } else if (count == 3) {
        sentinel_about(me, c, cmd, out);
    } else {
        sim_bytes_text(out, "-ERR wrong number of arguments\r\n");
    }
}

static void sentinel_subscribe(sim_sentinel *s, sim_conn *c, const reef_reply *cmd,
                               sim_bytes *out)
{
    bool pattern = reef_str_is(sim_arg(cmd, 0), "PSUBSCRIBE");
    size_t count = reef_count(reef_reply_root(cmd));
    s->subscribes++;
    if (s->mum) {
        sim_bytes_text(out, "-NOPERM this user has no permissions to access one of the "
                            "channels used as arguments\r\n");
        return;
    }
    for (size_t i = 1; i < count && c->channel_count < SIM_CHANNELS; i++) {
        reef_str name = sim_arg(cmd, i);
        size_t at = c->channel_count++;
        snprintf(c->channels[at].name, sizeof c->channels[at].name, "%.*s",
                 (int)name.len, name.ptr);
        c->channels[at].pattern = pattern;
        sim_bytes_head(out, c->protocol == 3 ? '>' : '*', 3);
        sim_bytes_word(out, pattern ? "psubscribe" : "subscribe");
        sim_bytes_bulk(out, name);
        sim_bytes_number(out, (int64_t)c->channel_count);
    }
}

void sim_sentinel_run(sim_node *me, sim_conn *c, const reef_reply *cmd, int64_t now_ms,
                      sim_bytes *out)
{
    (void)now_ms;
    sim_sentinel *s = me->sentinel;
    reef_str name = sim_arg(cmd, 0);
    if (reef_str_is(name, "SENTINEL")) {
        sentinel_sentinel(me, c, cmd, out);
    } else if (reef_str_is(name, "SUBSCRIBE") || reef_str_is(name, "PSUBSCRIBE")) {
        sentinel_subscribe(s, c, cmd, out);
    } else if (reef_str_is(name, "ROLE")) {
        sim_bytes_text(out, "*2\r\n$8\r\nsentinel\r\n");
        sim_bytes_head(out, '*', s->other != NULL ? 2 : 1);
        sim_bytes_word(out, s->name);
        if (s->other != NULL) {
            sim_bytes_word(out, s->other);
        }
    } else {
        sim_bytes_text(out, "-ERR unknown command '");
        sim_bytes_add(out, name.ptr, name.len);
        sim_bytes_text(out, "', with args beginning with: \r\n");
    }
}
