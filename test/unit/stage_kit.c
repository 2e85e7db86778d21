/* SPDX-License-Identifier: Apache-2.0
 *
 * See stage_kit.h. */
#include "test/unit/stage_kit.h"
#include "test/unit/resolve_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- life --------------------------------------------------------------------- */

void stage_start(stage *s, const char *hosts, const char *more)
{
    char toml[2048];
    memset(s, 0, sizeof *s);
    snprintf(toml, sizeof toml,
             "[server.redis]\nhosts = [%s]\nmaster_name = \"m\"\n%s\n"
             "[resolver]\nnameservers = [\"10.99.0.1\"]\n",
             hosts, more);
    kit_start(&s->k, toml);
}

void stage_stop(stage *s)
{
    kit_stop(&s->k);
}

static fake *stage_add(stage *s, const char *address, uint16_t port)
{
    assert_true(s->fake_count < STAGE_FAKES);
    fake *f = &s->fakes[s->fake_count++];
    memset(f, 0, sizeof *f);
    f->address = address;
    f->port = port;
    return f;
}

fake *stage_sentinel(stage *s, const char *address, const char *knows, uint64_t epoch)
{
    fake *f = stage_add(s, address, STAGE_PORT);
    f->sentinel = true;
    f->knows = knows;
    f->epoch = epoch;
    f->id = address;
    return f;
}

fake *stage_server(stage *s, const char *address, const char *role)
{
    fake *f = stage_add(s, address, 6379);
    f->role = role;
    return f;
}

void stage_usual(stage *s, const char *more)
{
    stage_start(s, "\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\"", more);
    stage_sentinel(s, "10.0.0.1", "10.0.0.8 6379", 1);
    stage_sentinel(s, "10.0.0.2", "10.0.0.8 6379", 1);
    stage_sentinel(s, "10.0.0.3", "10.0.0.8 6379", 1);
    stage_server(s, "10.0.0.8", "master");
    stage_server(s, "10.0.0.9", "slave");
}

void stage_name(stage *s, const char *name, const char *a, const char *srv)
{
    uint32_t at = 0;
    while (at < s->name_count && strcmp(s->names[at].name, name) != 0)
        at++;
    assert_true(at < STAGE_NAMES);
    s->name_count += at == s->name_count;
    s->names[at].name = name;
    s->names[at].a = a;
    s->names[at].srv = srv;
}

/* ---- replies ------------------------------------------------------------------ */

typedef struct script {
    char text[16384];
    size_t len;
    char words[12][300]; /* of the command that is answered */
    uint32_t count;
} script;

static void say(script *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(r->text + r->len, sizeof r->text - r->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof r->text - r->len);
    r->len += (size_t)len;
}

static void say_bulk(script *r, const char *text)
{
    say(r, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void say_pair(script *r, const char *key, const char *value)
{
    say_bulk(r, key);
    say_bulk(r, value);
}

/* "host port", and what may follow. */
static void split(const char *place, char host[300], char port[16], char rest[64])
{
    host[0] = port[0] = rest[0] = 0;
    assert_true(sscanf(place, "%299[^ ] %15[^ ,] %63[^,]", host, port, rest) >= 2);
}

static void say_place(script *r, const char *place)
{
    char host[300], port[16], rest[64];
    split(place, host, port, rest);
    say_pair(r, "ip", host);
    say_pair(r, "port", port);
}

static const char *fake_role(const fake *f)
{
    return f->role ? f->role : "slave";
}

static void say_hello(script *r, const fake *f, bool old)
{
    const char *mode = f->mode ? f->mode : f->sentinel ? "sentinel" : "standalone";
    const char *role = strcmp(fake_role(f), "slave") == 0 ? "replica" : fake_role(f);
    if (old) {
        say(r, "-ERR unknown command 'HELLO'\r\n");
        return;
    }
    say(r, "%%%d\r\n", f->sentinel || !role[0] ? 3 : 4);
    say_pair(r, "server", "redis");
    say_pair(r, "version", "7.0.15");
    say_pair(r, "mode", mode);
    if (!f->sentinel && role[0])
        say_pair(r, "role", role);
}

static void say_master(script *r, const fake *f)
{
    char epoch[32];
    if (f->holds && !f->holds[0]) {
        say(r, "-ERR No such master with that name\r\n");
        return;
    }
    snprintf(epoch, sizeof epoch, "%llu", (unsigned long long)f->epoch);
    say(r, "*14\r\n");
    say_place(r, f->holds ? f->holds : f->knows);
    say_pair(r, "flags", f->flags ? f->flags : "master");
    say_pair(r, "config-epoch", epoch);
    say_pair(r, "quorum", "2");
    say_pair(r, "num-other-sentinels", "2");
    say_pair(r, "num-slaves", "1");
}

static void say_others(script *r, const char *others)
{
    size_t count = others && others[0] ? 1 : 0;
    char host[300], port[16], id[64];
    for (const char *at = others; at && *at; at++)
        count += *at == ',';
    say(r, "*%zu\r\n", count);
    for (; count > 0; count--) {
        split(others, host, port, id);
        say(r, "*6\r\n");
        say_pair(r, "ip", host);
        say_pair(r, "port", port);
        say_pair(r, "runid", id);
        const char *comma = strchr(others, ',');
        others = comma ? comma + 1 + strspn(comma + 1, " ") : "";
    }
}

static void say_chosen(script *r, const char *place)
{
    say(r, "*%d\r\n", place ? 1 : 0);
    if (!place)
        return;
    say(r, "*6\r\n");
    say_place(r, place);
    say_pair(r, "flags", "slave,promoted");
}

static void say_names(script *r, const char *names)
{
    size_t count = names ? 1 : 0;
    for (const char *at = names; at && *at; at++)
        count += *at == ' ';
    say(r, "*%zu\r\n", count);
    for (; count > 0; count--) {
        char name[100];
        assert_int_equal(sscanf(names, "%99s", name), 1);
        names += strlen(name) + 1;
        say(r, "*2\r\n");
        say_pair(r, "name", name);
    }
}

static void say_address(script *r, const fake *f, bool old)
{
    char host[300], port[16], rest[64];
    if (!f->knows) {
        say(r, old ? "*-1\r\n" : "_\r\n");
        return;
    }
    split(f->knows, host, port, rest);
    say(r, "*2\r\n");
    say_bulk(r, host);
    say_bulk(r, port);
}

static bool word_is(const script *r, uint32_t at, const char *word)
{
    return at < r->count && strcmp(r->words[at], word) == 0;
}

/* SENTINEL … */
static void say_sentinel(script *r, fake *f)
{
    if (word_is(r, 1, "GET-MASTER-ADDR-BY-NAME")) {
        f->asks++;
        assert_true(word_is(r, 2, "m"));
        say_address(r, f, f->old);
    } else if (word_is(r, 1, "MASTER") && f->knows) {
        say_master(r, f);
    } else if (word_is(r, 1, "SENTINELS") && f->knows) {
        say_others(r, f->others);
    } else if (word_is(r, 1, "SLAVES") && f->knows) {
        say_chosen(r, f->chosen);
    } else if (word_is(r, 1, "MYID") && f->id) {
        f->ids++;
        say_bulk(r, f->id);
    } else if (word_is(r, 1, "MASTERS")) {
        say_names(r, f->names);
    } else {
        say(r, "-ERR No such master with that name\r\n");
    }
}

static void say_confirmed(script *r, fake *f, const char *type)
{
    f->subscriptions++;
    say(r, ">3\r\n");
    say_bulk(r, type);
    say_bulk(r, r->words[1]);
    say(r, ":1\r\n");
}

static void say_role(script *r, fake *f)
{
    f->probes++;
    say(r, "*1\r\n");
    say_bulk(r, fake_role(f));
}

/* A caller's command. The promise that all of this is about. */
static void say_served(stage *s, script *r, stage_link *l)
{
    fake *f = l->to;
    size_t len = strlen(s->queue);
    if (f->sentinel || !l->master)
        fail_msg("%s for %s, which has not said that it is a master", r->words[0],
                 f->address);
    f->served++;
    snprintf(s->queue + len, sizeof s->queue - len, "%s %s;", r->words[0], r->words[1]);
    say(r, "%s\r\n", f->says ? f->says : "+OK");
}

static bool is_turned_away(const script *r, const fake *f)
{
    return f->turns && (word_is(r, 0, f->turns) || word_is(r, 1, f->turns));
}

static void answer_one(stage *s, script *r, stage_link *l)
{
    fake *f = l->to;
    if (is_turned_away(r, f)) {
        say(r, "-%s\r\n", f->away ? f->away : "NOPERM this user has no permissions");
    } else if (word_is(r, 0, "HELLO")) {
        f->probes += l->greeted;
        l->greeted = true;
        l->master = !f->sentinel && !f->old && strcmp(fake_role(f), "master") == 0;
        say_hello(r, f, f->old);
    } else if (word_is(r, 0, "SENTINEL") && f->sentinel) {
        say_sentinel(r, f);
    } else if (word_is(r, 0, "SUBSCRIBE") && f->sentinel) {
        say_confirmed(r, f, "subscribe");
    } else if (word_is(r, 0, "PSUBSCRIBE") && f->sentinel) {
        say_confirmed(r, f, "psubscribe");
    } else if (word_is(r, 0, "SENTINEL")) {
        say(r, "-ERR unknown command 'SENTINEL'\r\n");
    } else if (word_is(r, 0, "INFO") && f->sentinel) {
        say_bulk(r, f->tilt ? "sentinel_masters:1\r\nsentinel_tilt:1\r\n"
                            : "sentinel_masters:1\r\nsentinel_tilt:0\r\n");
    } else if (word_is(r, 0, "ROLE")) {
        say_role(r, f);
        l->master = strcmp(fake_role(f), "master") == 0;
    } else if (word_is(r, 0, "PING")) {
        say(r, "+PONG\r\n");
    } else if (word_is(r, 0, "CLIENT") || word_is(r, 0, "AUTH") ||
               word_is(r, 0, "SELECT")) {
        say(r, "+OK\r\n");
    } else {
        say_served(s, r, l);
    }
}

/* One command of RESP, as the engine writes it. */
static const char *read_command(script *r, const char *at)
{
    int count, len, used;
    assert_int_equal(sscanf(at, "*%d\r\n%n", &count, &used), 1);
    at += used;
    for (int i = 0; i < count; i++) {
        assert_int_equal(sscanf(at, "$%d%n", &len, &used), 1);
        at += used + 2;
        if (i < 12)
            snprintf(r->words[i], sizeof r->words[i], "%.*s", len, at);
        at += len + 2;
    }
    r->count = (uint32_t)(count < 12 ? count : 12);
    return at;
}

/* ---- the network -------------------------------------------------------------- */

static void lose(stage *s, uint32_t link, int sys_errno)
{
    const reef_link *l = s->k.engine->links[link];
    if (l->state == REEF_LINK_CLOSING || l->state == REEF_LINK_FREE)
        return;
    s->links[link].to = NULL;
    reef_engine_closed(s->k.engine, link, sys_errno, s->k.now_ms);
}

static void deliver(stage *s, uint32_t link, const char *bytes, size_t len)
{
    const fake *to = s->links[link].to;
    while (len > 0 && s->links[link].to == to) {
        size_t cap;
        void *room = reef_engine_room(s->k.engine, link, &cap);
        if (!room) { /* the engine has let go of it, or is out of memory */
            lose(s, link, ENOMEM);
            return;
        }
        size_t part = len < cap ? len : cap;
        memcpy(room, bytes, part);
        reef_engine_received(s->k.engine, link, part, s->k.now_ms);
        bytes += part;
        len -= part;
    }
}

static void do_send(stage *s, const reef_op *op)
{
    static script r;
    static char bytes[65536];
    stage_link *l = &s->links[op->link];
    assert_true(l->to && l->opened && op->bytes.len < sizeof bytes);
    memcpy(bytes, op->bytes.ptr, op->bytes.len);
    bytes[op->bytes.len] = 0;
    size_t len = s->slow ? 0 : op->bytes.len;
    if (s->slow)
        return;
    reef_engine_sent(s->k.engine, op->link, len, s->k.now_ms);
    r.len = 0;
    for (const char *at = bytes; at < bytes + len;) {
        at = read_command(&r, at);
        answer_one(s, &r, l);
    }
    if (l->to->way == FAKE_MUTE) {
        assert_true(l->len + r.len <= sizeof l->late);
        memcpy(l->late + l->len, r.text, r.len);
        l->len += r.len;
    } else {
        deliver(s, op->link, r.text, r.len);
    }
}

static void do_open(stage *s, const reef_op *op)
{
    stage_link *l = &s->links[op->link];
    assert_null(l->to);
    memset(l, 0, sizeof *l);
    for (uint32_t i = 0; i < s->fake_count && !l->to; i++)
        if (strcmp(s->fakes[i].address, op->address) == 0 &&
            s->fakes[i].port == op->port)
            l->to = &s->fakes[i];
    if (!l->to)
        fail_msg("nobody is at %s:%u", op->address, (unsigned)op->port);
    l->to->opens++;
    l->opened = l->to->way == FAKE_UP || l->to->way == FAKE_MUTE;
    if (l->opened) {
        reef_engine_opened(s->k.engine, op->link, s->k.now_ms);
    } else if (l->to->way == FAKE_REFUSES) {
        l->to = NULL;
        reef_engine_closed(s->k.engine, op->link, ECONNREFUSED, s->k.now_ms);
    }
}

static void answer_name(stage *s, const reef_op *op)
{
    static names_message m;
    names_query q =
        names_query_read((const unsigned char *)op->bytes.ptr, op->bytes.len);
    const char *text = "rcode 3";
    s->looked++;
    for (uint32_t i = 0; i < s->name_count; i++)
        if (strcmp(s->names[i].name, q.name) == 0)
            text = q.type == 33 ? s->names[i].srv : q.type == 1 ? s->names[i].a : NULL;
    names_build(&m, &q, text ? text : "");
    reef_engine_sent(s->k.engine, op->link, op->bytes.len, s->k.now_ms);
    size_t cap;
    void *room = reef_engine_room(s->k.engine, op->link, &cap);
    if (!room) {
        reef_engine_closed(s->k.engine, op->link, ENOMEM, s->k.now_ms);
        return;
    }
    assert_true(m.len <= cap);
    memcpy(room, m.bytes, m.len);
    reef_engine_received(s->k.engine, op->link, m.len, s->k.now_ms);
}

static void do_name_op(stage *s, const reef_op *op)
{
    if (op->kind == REEF_OP_OPEN)
        reef_engine_opened(s->k.engine, op->link, s->k.now_ms);
    else if (op->kind == REEF_OP_SEND && !s->k.silent)
        answer_name(s, op);
    else if (op->kind == REEF_OP_SEND)
        reef_engine_sent(s->k.engine, op->link, op->bytes.len, s->k.now_ms);
}

static void do_op(stage *s, const reef_op *op)
{
    if (op->kind == REEF_OP_FILES)
        (void)reef_engine_hosts(s->k.engine, reef_str_of(s->k.hosts ? s->k.hosts : ""));
    else if (op->link >= REEF_LINKS_MAX)
        do_name_op(s, op);
    else if (op->kind == REEF_OP_OPEN)
        do_open(s, op);
    else if (op->kind == REEF_OP_SEND)
        do_send(s, op);
    else
        s->links[op->link].to = NULL;
}

void stage_run(stage *s)
{
    reef_op op;
    for (uint32_t ops = 0; reef_engine_next_op(s->k.engine, &op); ops++) {
        assert_true(ops < 2000);
        do_op(s, &op);
    }
}

void stage_pass(stage *s, int64_t ms)
{
    int64_t end_ms = s->k.now_ms + ms, at_ms;
    uint32_t still = 0;
    stage_run(s);
    while ((at_ms = reef_engine_deadline_ms(s->k.engine)) < end_ms) {
        still = at_ms > s->k.now_ms ? 0 : still + 1;
        if (still > STAGE_STILL)
            fail_msg("it spins at %lld", (long long)s->k.now_ms);
        kit_tick_to(&s->k, at_ms > s->k.now_ms ? at_ms : s->k.now_ms);
        stage_run(s);
    }
    kit_tick_to(&s->k, end_ms);
    stage_run(s);
}

void stage_release(stage *s, fake *f)
{
    f->way = FAKE_UP;
    for (uint32_t i = 0; i < REEF_TRANSPORTS_MAX; i++) {
        stage_link *l = &s->links[i];
        size_t len = l->len;
        if (l->to != f || len == 0)
            continue;
        l->len = 0;
        deliver(s, i, l->late, len);
    }
    stage_run(s);
}

void stage_cut(stage *s, const fake *f)
{
    for (uint32_t i = 0; i < REEF_TRANSPORTS_MAX; i++) {
        if (s->links[i].to != f)
            continue;
        s->links[i].to = NULL;
        reef_engine_closed(s->k.engine, i, ECONNRESET, s->k.now_ms);
    }
    stage_run(s);
}

uint32_t stage_open_links(const stage *s, const fake *f)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < REEF_TRANSPORTS_MAX; i++)
        count += s->links[i].to == f;
    return count;
}

void stage_announce(stage *s, const fake *f, const char *channel, const char *text)
{
    static script r;
    bool pattern = channel[0] == '-';
    r.len = 0;
    say(&r, ">%d\r\n", pattern ? 4 : 3);
    say_bulk(&r, pattern ? "pmessage" : "message");
    if (pattern)
        say_bulk(&r, "-failover-abort-*");
    say_bulk(&r, channel);
    say_bulk(&r, text);
    for (uint32_t i = 0; i < REEF_TRANSPORTS_MAX; i++)
        if (s->links[i].to == f && s->links[i].opened)
            deliver(s, i, r.text, r.len);
    stage_run(s);
}

void stage_select(stage *s, fake *f)
{
    f->flags = "master,failover_in_progress";
    stage_announce(s, f, "+selected-slave",
                   "slave 10.0.0.9:6379 10.0.0.9 6379 @ m 10.0.0.8 6379");
}

/* ---- calls and what is told ---------------------------------------------------- */

uint64_t stage_call(stage *s, const char *words, int64_t timeout_ms)
{
    uint64_t id = kit_submit(&s->k, words, false, timeout_ms);
    stage_run(s);
    return id;
}

void stage_done(stage *s, uint64_t ticket, reef_code code, const char *text)
{
    kit_expect_done(&s->k, ticket, code, text);
}

void stage_none_done(stage *s)
{
    kit_expect_none_done(&s->k);
}

void stage_serves(stage *s, const fake *f)
{
    uint32_t served = f->served;
    stage_done(s, stage_call(s, "GET a", 1000), REEF_OK, NULL);
    assert_int_equal(f->served, served + 1);
}

bool stage_has_event(stage *s, reef_event_kind kind)
{
    reef_event event;
    while (reef_engine_next_event(s->k.engine, &event))
        if (event.kind == kind)
            return true;
    return false;
}

reef_event stage_event(stage *s, reef_event_kind kind)
{
    reef_event event;
    while (reef_engine_next_event(s->k.engine, &event))
        if (event.kind == kind)
            return event;
    fail_msg("no event '%s'", reef_event_name(kind));
    memset(&event, 0, sizeof event);
    return event;
}

reef_sentinels *stage_state(stage *s)
{
    return s->k.engine->sentinels;
}

reef_sentinel *stage_entry(stage *s, const fake *f)
{
    reef_sentinels *st = stage_state(s);
    for (uint32_t i = 0; i < st->count; i++)
        if (strcmp(st->list[i]->address, f->address) == 0 &&
            st->list[i]->port == f->port)
            return st->list[i];
    return NULL;
}
