/* SPDX-License-Identifier: Apache-2.0
 *
 * server: the fake Redis. What it allows while it loads, is busy, or waits for a
 * password follows the command flags of Redis 7. */
#include "test/sim/cluster.h"

#include <stdlib.h>
#include <string.h>

static void server_value(sim_bytes *out, int64_t id, size_t size)
{
    sim_bytes value = {0};
    sim_bytes_value(&value, id, size);
    sim_bytes_bulk(out, (reef_str){value.ptr, size});
    sim_bytes_free(&value);
}

/* ---- connections -------------------------------------------------------------- */

bool sim_conn_open(sim_node *s, sim_conn *c, int64_t now_ms)
{
    *c = (sim_conn){.protocol = 2, .heard_ms = now_ms};
    c->authed = s->password[0] == '\0';
    c->in = reef_parser_new(NULL, 2);
    if (c->in == NULL) {
        abort();
    }
    s->clients++;
    return s->max_clients == 0 || s->clients <= s->max_clients;
}

void sim_conn_close(sim_node *s, sim_conn *c)
{
    if (c->in == NULL) {
        return;
    }
    for (size_t i = 0; i < c->queued; i++) {
        reef_reply_free(c->queue[i]);
    }
    reef_parser_free(c->in);
    *c = (sim_conn){.closing = true, .told = c->told};
    s->clients--;
}

void sim_data_forget(sim_data *d)
{
    memset(d->entries, 0, sizeof d->entries);
    d->forgot = true;
}

void sim_data_lose(sim_data *d, int64_t since_ms)
{
    for (size_t i = 0; i < SIM_CALLS; i++) {
        if (d->wrote_ms[i] > 0 && d->wrote_ms[i] >= since_ms) {
            d->entries[i] = d->before[i];
            d->wrote_ms[i] = 0;
            d->forgot = true;
        }
    }
}

/* ---- the commands of the data ------------------------------------------------- */

reef_str sim_arg(const reef_reply *cmd, size_t index)
{
    return reef_text(cmd, reef_at(reef_reply_root(cmd), index));
}

bool sim_writes(reef_str name)
{
    return reef_str_is(name, "SET") || reef_str_is(name, "INCR") ||
           reef_str_is(name, "APPEND") || reef_str_is(name, "DEL");
}

/* Notes that call `id` runs on this node. */
static void server_runs(sim_node *s, const reef_reply *cmd, size_t id, int64_t now_ms)
{
    sim_data *d = s->data;
    d->ran[id]++;
    d->recent[d->recent_count++ % SIM_QUEUE] = (uint32_t)id;
    if (!sim_writes(sim_arg(cmd, 0))) {
        return;
    }
    d->before[id] = *sim_member_entry(s, id);
    d->wrote_ms[id] = now_ms;
    if (s->member != NULL) {
        sim_member_wrote(s, sim_arg(cmd, 1), now_ms);
    }
    if (d->truth != NULL && d->truth != s) {
        d->astray++;
        d->astray_ms = now_ms;
    }
}

static void server_data(sim_node *s, const reef_reply *cmd, int64_t now_ms,
                        sim_bytes *out)
{
    reef_str name = sim_arg(cmd, 0), key = sim_arg(cmd, 1);
    int64_t id = sim_number(key);
    if (id < 0 || id >= SIM_CALLS) {
        sim_bytes_text(out, "-ERR bad key\r\n");
        return;
    }
    sim_entry *e = sim_member_entry(s, (size_t)id);
    server_runs(s, cmd, (size_t)id, now_ms);
    if (reef_str_is(name, "ECHO")) {
        sim_bytes_bulk(out, key);
    } else if (reef_str_is(name, "SET")) {
        reef_str value = sim_arg(cmd, 2);
        *e = (sim_entry){.size = value.len, .there = sim_is_value(value, id)};
        sim_bytes_text(out, e->there ? "+OK\r\n" : "-ERR bad value\r\n");
    } else if (reef_str_is(name, "GET") && e->there) {
        server_value(out, id, e->size);
    } else if (reef_str_is(name, "GET")) {
        sim_bytes_text(out, "$-1\r\n");
    } else if (reef_str_is(name, "INCR")) {
        e->there = true;
        sim_bytes_number(out, ++e->number);
    } else if (reef_str_is(name, "APPEND")) {
        e->there = true;
        e->size += sim_arg(cmd, 2).len;
        sim_bytes_number(out, (int64_t)e->size);
    } else if (reef_str_is(name, "DEL")) {
        sim_bytes_number(out, e->there ? 1 : 0);
        *e = (sim_entry){0};
    } else if (reef_str_is(name, "EXISTS")) { /* kN, or kN and jN */
        bool two = reef_count(reef_reply_root(cmd)) > 2;
        sim_bytes_number(out, e->there + (two && e->twin));
    } else {
        sim_bytes_text(out, "-ERR unknown command\r\n");
    }
}

/* ---- handshake and connection commands ---------------------------------------- */

static bool server_credentials(sim_node *s, sim_conn *c, reef_str user, reef_str pass)
{
    s->auths++;
    bool named = s->user[0] != '\0';
    bool good = s->password[0] == '\0' ||
                (reef_str_equal(user, reef_str_of(named ? s->user : "default")) &&
                 reef_str_equal(pass, reef_str_of(s->password)));
    c->authed = c->authed || good;
    return good;
}

static void server_hello_map(const sim_node *s, const sim_conn *c, sim_bytes *out)
{
    size_t pairs = s->sentinel != NULL ? 6 : 7;
    sim_bytes_head(out, c->protocol == 3 ? '%' : '*',
                   c->protocol == 3 ? pairs : pairs * 2);
    sim_bytes_text(out,
                   "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
                   "$5\r\nproto\r\n");
    sim_bytes_number(out, c->protocol);
    sim_bytes_text(out, "$2\r\nid\r\n:7\r\n$4\r\nmode\r\n");
    bool member = s->member != NULL;
    bool replica = member ? s->member->of[sim_member_number(s)].replica : s->replica;
    sim_bytes_word(out, s->sentinel != NULL ? "sentinel"
                        : member            ? "cluster"
                                            : "standalone");
    if (s->sentinel == NULL) {
        sim_bytes_word(out, "role");
        sim_bytes_word(out, replica ? "replica" : "master");
    }
    sim_bytes_text(out, "$7\r\nmodules\r\n*0\r\n");
}

/* ROLE of a node with data. */
static void server_role(const sim_node *s, sim_bytes *out)
{
    const sim_node *master = s->data->truth;
    if (!s->replica) {
        sim_bytes_text(out, "*3\r\n$6\r\nmaster\r\n:87\r\n*0\r\n");
        return;
    }
    sim_bytes_text(out, "*5\r\n$5\r\nslave\r\n");
    sim_bytes_word(out, master != NULL ? master->address : "10.0.0.1");
    sim_bytes_number(out, master != NULL ? master->port : 6379);
    sim_bytes_text(out, "$9\r\nconnected\r\n:87\r\n");
}

static void server_hello(sim_node *s, sim_conn *c, const reef_reply *cmd,
                         sim_bytes *out)
{
    size_t count = reef_count(reef_reply_root(cmd));
    bool three = reef_str_is(sim_arg(cmd, 1), "3");
    if (s->no_hello) {
        sim_bytes_text(out, "-ERR unknown command `HELLO`, with args beginning with: "
                            "`3`, \r\n");
    } else if (three && s->no_resp3) {
        sim_bytes_text(out, "-NOPROTO unsupported protocol version\r\n");
    } else if (count >= 5 && reef_str_is(sim_arg(cmd, 2), "AUTH") &&
               !server_credentials(s, c, sim_arg(cmd, 3), sim_arg(cmd, 4))) {
        sim_bytes_text(out, "-WRONGPASS invalid username-password pair or user is "
                            "disabled.\r\n");
    } else if (!c->authed) {
        sim_bytes_text(out, "-NOAUTH HELLO must be called with the client already "
                            "authenticated\r\n");
    } else {
        c->protocol = count > 1 ? (three ? 3 : 2) : c->protocol;
        server_hello_map(s, c, out);
    }
}

static void server_auth(sim_node *s, sim_conn *c, const reef_reply *cmd, sim_bytes *out)
{
    size_t count = reef_count(reef_reply_root(cmd));
    reef_str user = count == 3 ? sim_arg(cmd, 1) : reef_str_of("default");
    if (count == 3 && s->no_hello) {
        sim_bytes_text(out, "-ERR wrong number of arguments for 'auth' command\r\n");
    } else if (s->password[0] == '\0' && s->no_hello) {
        sim_bytes_text(out, "-ERR Client sent AUTH, but no password is set\r\n");
    } else if (server_credentials(s, c, user, sim_arg(cmd, count - 1))) {
        sim_bytes_text(out, "+OK\r\n");
    } else {
        sim_bytes_text(out, "-WRONGPASS invalid username-password pair\r\n");
    }
}

static void server_select(const sim_node *s, sim_conn *c, const reef_reply *cmd,
                          sim_bytes *out)
{
    reef_str word = sim_arg(cmd, 1);
    bool good = word.len == 1 && word.ptr[0] >= '0' && word.ptr[0] <= '9';
    if (s->member != NULL && !reef_str_is(word, "0")) {
        sim_bytes_text(out, "-ERR SELECT is not allowed in cluster mode\r\n");
        return;
    }
    if (good) {
        c->db = (uint32_t)(word.ptr[0] - '0');
    }
    sim_bytes_text(out, good ? "+OK\r\n" : "-ERR DB index is out of range\r\n");
}

/* ---- what may run now --------------------------------------------------------- */

/* The error that the state of the server gives this command; NULL: it may run. */
static const char *server_denies(sim_node *s, const sim_conn *c, const reef_reply *cmd,
                                 int64_t now_ms)
{
    reef_str name = sim_arg(cmd, 0);
    bool hello = reef_str_is(name, "HELLO") || reef_str_is(name, "AUTH");
    bool multi = reef_str_is(name, "MULTI");
    bool stale = hello || multi || reef_str_is(name, "CLIENT") ||
                 reef_str_is(name, "SELECT") || reef_str_is(name, "ECHO") ||
                 reef_str_is(name, "EXEC") || reef_str_is(name, "ROLE");
    if (!c->authed && !hello) {
        return "-NOAUTH Authentication required.\r\n";
    }
    if (s->member != NULL) {
        const char *elsewhere = sim_member_denies(s, c, cmd);
        if (elsewhere != NULL) {
            return elsewhere;
        }
        stale = stale || reef_str_is(name, "CLUSTER") || reef_str_is(name, "ASKING");
    }
    if (now_ms < s->loading_until && !stale) {
        return "-LOADING Redis is loading the dataset in memory\r\n";
    }
    if (now_ms < s->masterdown_until && !stale) {
        return "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is "
               "set to 'no'.\r\n";
    }
    if (now_ms < s->busy_until && !hello && !multi) {
        return "-BUSY Redis is busy running a script.\r\n";
    }
    if (s->replica && sim_writes(name)) {
        return "-READONLY You can't write against a read only replica.\r\n";
    }
    return NULL;
}

static void server_exec(sim_node *s, sim_conn *c, const char *denied, int64_t now_ms,
                        sim_bytes *out)
{
    bool busy = denied != NULL && strncmp(denied, "-BUSY", 5) == 0;
    if (denied != NULL && !busy) { /* redirected: EXEC itself says so */
        sim_bytes_text(out, denied);
    } else if (c->dirty || denied != NULL) {
        sim_bytes_text(out, c->dirty ? "-EXECABORT Transaction discarded because of "
                                       "previous errors.\r\n"
                                     : "-EXECABORT Transaction discarded because of: "
                                       "BUSY Redis is busy running a script.\r\n");
    } else {
        sim_bytes_text(out, "*");
        sim_bytes_int(out, (int64_t)c->queued);
        sim_bytes_text(out, "\r\n");
    }
    for (size_t i = 0; i < c->queued; i++) {
        if (!c->dirty && denied == NULL) {
            server_data(s, c->queue[i], now_ms, out);
        }
        reef_reply_free(c->queue[i]);
    }
    c->queued = 0;
    c->multi = c->dirty = false;
}

static void server_queue(sim_conn *c, const char *denied, sim_bytes *out)
{
    if (denied == NULL && c->queued < SIM_QUEUE) {
        c->queue[c->queued++] = reef_parser_take(c->in);
        sim_bytes_text(out, "+QUEUED\r\n");
        return;
    }
    c->dirty = true;
    sim_bytes_text(out, denied != NULL ? denied : "-ERR queue full\r\n");
}

/* The commands that every node has. False: it is none of them. */
static bool server_common(sim_node *s, sim_conn *c, const reef_reply *cmd,
                          sim_bytes *out)
{
    reef_str name = sim_arg(cmd, 0);
    bool asked = reef_str_is(name, "HELLO") || reef_str_is(name, "ROLE");
    s->roles += asked;
    if (reef_str_is(name, "HELLO")) {
        server_hello(s, c, cmd, out);
    } else if (reef_str_is(name, "AUTH")) {
        server_auth(s, c, cmd, out);
    } else if (reef_str_is(name, "CLIENT")) {
        sim_bytes_text(out, s->surly ? "-ERR unknown subcommand\r\n" : "+OK\r\n");
    } else if (reef_str_is(name, "PING")) {
        s->pings++;
        sim_bytes_text(out, "+PONG\r\n");
    } else {
        return false;
    }
    return true;
}

static void server_run(sim_node *s, sim_conn *c, const reef_reply *cmd, int64_t now_ms,
                       sim_bytes *out)
{
    reef_str name = sim_arg(cmd, 0);
    const char *denied = server_denies(s, c, cmd, now_ms);
    s->refused += denied != NULL && strncmp(denied, "-READONLY", 9) == 0;
    if (c->multi && !reef_str_is(name, "EXEC")) {
        server_queue(c, denied, out);
    } else if (!c->multi && reef_str_is(name, "EXEC")) {
        sim_bytes_text(out, "-ERR EXEC without MULTI\r\n");
    } else if (c->multi) {
        server_exec(s, c, denied, now_ms, out);
    } else if (denied != NULL) {
        sim_bytes_text(out, denied);
    } else if (server_common(s, c, cmd, out)) {
        return;
    } else if (s->sentinel != NULL) {
        sim_sentinel_run(s, c, cmd, now_ms, out);
    } else if (s->member != NULL && sim_member_run(s, c, cmd, out)) {
        return;
    } else if (reef_str_is(name, "CLUSTER")) {
        sim_bytes_text(out, "-ERR This instance has cluster support disabled\r\n");
    } else if (reef_str_is(name, "ROLE")) {
        server_role(s, out);
    } else if (reef_str_is(name, "SELECT")) {
        server_select(s, c, cmd, out);
    } else if (reef_str_is(name, "MULTI")) {
        c->multi = true;
        sim_bytes_text(out, "+OK\r\n");
    } else {
        server_data(s, cmd, now_ms, out);
    }
}

bool sim_serve(sim_node *s, sim_conn *c, int64_t now_ms, sim_bytes *out)
{
    if (c->closing) {
        return false;
    }
    reef_parse got = reef_parser_next(c->in);
    c->heard_ms = now_ms;
    s->data->db = c->db;
    s->data->recent_count = 0;
    if (got == REEF_PARSE_REPLY) {
        bool asks = reef_str_is(sim_arg(reef_parser_peek(c->in), 0), "ASKING");
        s->commands++;
        server_run(s, c, reef_parser_peek(c->in), now_ms, out);
        c->asking = c->asking && (asks || c->multi); /* for one command, or to EXEC */
        return true;
    }
    c->closing = got != REEF_PARSE_MORE;
    return false;
}
