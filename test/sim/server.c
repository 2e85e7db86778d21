/* SPDX-License-Identifier: Apache-2.0
 *
 * server: the fake Redis. What it allows while it loads, is busy, or waits for a
 * password follows the command flags of Redis 7. */
#include "test/sim/server.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes -------------------------------------------------------------------- */

void sim_bytes_add(sim_bytes *b, const char *bytes, size_t len)
{
    if (b->head == b->len) {
        b->head = b->len = 0;
    }
    if (b->cap - b->len < len) {
        size_t cap = (b->len + len) * 2 + 256;
        char *ptr = realloc(b->ptr, cap);
        if (ptr == NULL) {
            abort(); /* the test's own memory: no way to go on */
        }
        b->ptr = ptr;
        b->cap = cap;
    }
    if (len > 0) {
        memcpy(b->ptr + b->len, bytes, len);
        b->len += len;
    }
}

void sim_bytes_text(sim_bytes *b, const char *text)
{
    sim_bytes_add(b, text, strlen(text));
}

void sim_bytes_int(sim_bytes *b, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    sim_bytes_add(b, digits + at, sizeof digits - at);
}

void sim_bytes_skip(sim_bytes *b, size_t len)
{
    b->head += len;
}

size_t sim_bytes_left(const sim_bytes *b)
{
    return b->len - b->head;
}

void sim_bytes_free(sim_bytes *b)
{
    free(b->ptr);
    *b = (sim_bytes){0};
}

/* ---- keys and values ---------------------------------------------------------- */

int64_t sim_number(reef_str word)
{
    int64_t value = 0;
    size_t i = 1;
    for (; i < word.len && i < 10 && word.ptr[i] >= '0' && word.ptr[i] <= '9'; i++) {
        value = value * 10 + (word.ptr[i] - '0');
    }
    return i > 1 ? value : -1;
}

void sim_bytes_value(sim_bytes *b, int64_t id, size_t size)
{
    size_t start = b->head == b->len ? 0 : b->len;
    sim_bytes_text(b, "w");
    sim_bytes_int(b, id);
    sim_bytes_text(b, ".");
    while (b->len - start < size) {
        sim_bytes_add(b, "abcdefghijklmnop\r\n$*\0+", 22);
    }
    b->len = start + size;
}

bool sim_is_value(reef_str text, int64_t id)
{
    sim_bytes want = {0};
    sim_bytes_value(&want, id, text.len);
    bool same = text.len >= 2 && sim_number(text) == id &&
                memcmp(want.ptr, text.ptr, text.len) == 0;
    sim_bytes_free(&want);
    return same;
}

static void server_bulk(sim_bytes *out, reef_str text)
{
    sim_bytes_text(out, "$");
    sim_bytes_int(out, (int64_t)text.len);
    sim_bytes_text(out, "\r\n");
    sim_bytes_add(out, text.ptr, text.len);
    sim_bytes_text(out, "\r\n");
}

static void server_int(sim_bytes *out, int64_t value)
{
    sim_bytes_text(out, ":");
    sim_bytes_int(out, value);
    sim_bytes_text(out, "\r\n");
}

static void server_value(sim_bytes *out, int64_t id, size_t size)
{
    sim_bytes value = {0};
    sim_bytes_value(&value, id, size);
    server_bulk(out, (reef_str){value.ptr, size});
    sim_bytes_free(&value);
}

/* ---- connections -------------------------------------------------------------- */

bool sim_conn_open(sim_server *s, sim_conn *c, int64_t now_ms)
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

void sim_conn_close(sim_server *s, sim_conn *c)
{
    if (c->in == NULL) {
        return;
    }
    for (size_t i = 0; i < c->queued; i++) {
        reef_reply_free(c->queue[i]);
    }
    reef_parser_free(c->in);
    *c = (sim_conn){.closing = true};
    s->clients--;
}

void sim_server_forget(sim_server *s)
{
    memset(s->entries, 0, sizeof s->entries);
    s->forgot = true;
}

/* ---- the commands of the data ------------------------------------------------- */

static reef_str server_arg(const reef_reply *cmd, size_t index)
{
    return reef_text(cmd, reef_at(reef_reply_root(cmd), index));
}

static void server_data(sim_server *s, const reef_reply *cmd, sim_bytes *out)
{
    reef_str name = server_arg(cmd, 0), key = server_arg(cmd, 1);
    int64_t id = sim_number(key);
    if (id < 0 || id >= SIM_CALLS) {
        sim_bytes_text(out, "-ERR bad key\r\n");
        return;
    }
    sim_entry *e = &s->entries[id];
    s->ran[id]++;
    s->recent[s->recent_count++ % SIM_QUEUE] = (uint32_t)id;
    if (reef_str_is(name, "ECHO")) {
        server_bulk(out, key);
    } else if (reef_str_is(name, "SET")) {
        reef_str value = server_arg(cmd, 2);
        *e = (sim_entry){value.len, 0, sim_is_value(value, id)};
        sim_bytes_text(out, e->there ? "+OK\r\n" : "-ERR bad value\r\n");
    } else if (reef_str_is(name, "GET") && e->there) {
        server_value(out, id, e->size);
    } else if (reef_str_is(name, "GET")) {
        sim_bytes_text(out, "$-1\r\n");
    } else if (reef_str_is(name, "INCR")) {
        e->there = true;
        server_int(out, ++e->number);
    } else if (reef_str_is(name, "APPEND")) {
        e->there = true;
        e->size += server_arg(cmd, 2).len;
        server_int(out, (int64_t)e->size);
    } else if (reef_str_is(name, "DEL")) {
        server_int(out, e->there ? 1 : 0);
        *e = (sim_entry){0};
    } else {
        sim_bytes_text(out, "-ERR unknown command\r\n");
    }
}

/* ---- handshake and connection commands ---------------------------------------- */

static bool server_credentials(sim_server *s, sim_conn *c, reef_str user, reef_str pass)
{
    s->auths++;
    bool named = s->user[0] != '\0';
    bool good = s->password[0] == '\0' ||
                (reef_str_equal(user, reef_str_of(named ? s->user : "default")) &&
                 reef_str_equal(pass, reef_str_of(s->password)));
    c->authed = c->authed || good;
    return good;
}

static void server_hello_map(const sim_conn *c, sim_bytes *out)
{
    sim_bytes_text(out, c->protocol == 3 ? "%7\r\n" : "*14\r\n");
    sim_bytes_text(out,
                   "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
                   "$5\r\nproto\r\n");
    server_int(out, c->protocol);
    sim_bytes_text(out, "$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
                        "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
}

static void server_hello(sim_server *s, sim_conn *c, const reef_reply *cmd,
                         sim_bytes *out)
{
    size_t count = reef_count(reef_reply_root(cmd));
    bool three = reef_str_is(server_arg(cmd, 1), "3");
    if (s->no_hello) {
        sim_bytes_text(out, "-ERR unknown command `HELLO`, with args beginning with: "
                            "`3`, \r\n");
    } else if (three && s->no_resp3) {
        sim_bytes_text(out, "-NOPROTO unsupported protocol version\r\n");
    } else if (count >= 5 && reef_str_is(server_arg(cmd, 2), "AUTH") &&
               !server_credentials(s, c, server_arg(cmd, 3), server_arg(cmd, 4))) {
        sim_bytes_text(out, "-WRONGPASS invalid username-password pair or user is "
                            "disabled.\r\n");
    } else if (!c->authed) {
        sim_bytes_text(out, "-NOAUTH HELLO must be called with the client already "
                            "authenticated\r\n");
    } else {
        c->protocol = count > 1 ? (three ? 3 : 2) : c->protocol;
        server_hello_map(c, out);
    }
}

static void server_auth(sim_server *s, sim_conn *c, const reef_reply *cmd,
                        sim_bytes *out)
{
    size_t count = reef_count(reef_reply_root(cmd));
    reef_str user = count == 3 ? server_arg(cmd, 1) : reef_str_of("default");
    if (count == 3 && s->no_hello) {
        sim_bytes_text(out, "-ERR wrong number of arguments for 'auth' command\r\n");
    } else if (s->password[0] == '\0' && s->no_hello) {
        sim_bytes_text(out, "-ERR Client sent AUTH, but no password is set\r\n");
    } else if (server_credentials(s, c, user, server_arg(cmd, count - 1))) {
        sim_bytes_text(out, "+OK\r\n");
    } else {
        sim_bytes_text(out, "-WRONGPASS invalid username-password pair\r\n");
    }
}

static void server_select(sim_conn *c, const reef_reply *cmd, sim_bytes *out)
{
    reef_str word = server_arg(cmd, 1);
    bool good = word.len == 1 && word.ptr[0] >= '0' && word.ptr[0] <= '9';
    if (good) {
        c->db = (uint32_t)(word.ptr[0] - '0');
    }
    sim_bytes_text(out, good ? "+OK\r\n" : "-ERR DB index is out of range\r\n");
}

/* ---- what may run now --------------------------------------------------------- */

/* The error that the state of the server gives this command; NULL: it may run. */
static const char *server_denies(const sim_server *s, const sim_conn *c, reef_str name,
                                 int64_t now_ms)
{
    bool hello = reef_str_is(name, "HELLO") || reef_str_is(name, "AUTH");
    bool multi = reef_str_is(name, "MULTI");
    bool stale = hello || multi || reef_str_is(name, "CLIENT") ||
                 reef_str_is(name, "SELECT") || reef_str_is(name, "ECHO") ||
                 reef_str_is(name, "EXEC");
    if (!c->authed && !hello) {
        return "-NOAUTH Authentication required.\r\n";
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
    return NULL;
}

static void server_exec(sim_server *s, sim_conn *c, const char *denied, sim_bytes *out)
{
    if (c->dirty || denied != NULL) {
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
            server_data(s, c->queue[i], out);
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

static void server_run(sim_server *s, sim_conn *c, const reef_reply *cmd,
                       int64_t now_ms, sim_bytes *out)
{
    reef_str name = server_arg(cmd, 0);
    const char *denied = server_denies(s, c, name, now_ms);
    if (c->multi && !reef_str_is(name, "EXEC")) {
        server_queue(c, denied, out);
    } else if (c->multi) {
        server_exec(s, c, denied, out);
    } else if (denied != NULL) {
        sim_bytes_text(out, denied);
    } else if (reef_str_is(name, "HELLO")) {
        server_hello(s, c, cmd, out);
    } else if (reef_str_is(name, "AUTH")) {
        server_auth(s, c, cmd, out);
    } else if (reef_str_is(name, "SELECT")) {
        server_select(c, cmd, out);
    } else if (reef_str_is(name, "CLIENT")) {
        sim_bytes_text(out, s->surly ? "-ERR unknown subcommand\r\n" : "+OK\r\n");
    } else if (reef_str_is(name, "MULTI")) {
        c->multi = true;
        sim_bytes_text(out, "+OK\r\n");
    } else if (reef_str_is(name, "PING")) {
        s->pings++;
        sim_bytes_text(out, "+PONG\r\n");
    } else {
        server_data(s, cmd, out);
    }
}

bool sim_serve(sim_server *s, sim_conn *c, int64_t now_ms, sim_bytes *out)
{
    if (c->closing) {
        return false;
    }
    reef_parse got = reef_parser_next(c->in);
    c->heard_ms = now_ms;
    s->db = c->db;
    s->recent_count = 0;
    if (got == REEF_PARSE_REPLY) {
        s->commands++;
        server_run(s, c, reef_parser_peek(c->in), now_ms, out);
        return true;
    }
    c->closing = got != REEF_PARSE_MORE;
    return false;
}
