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

static char late[REEF_TRANSPORTS_MAX][16384]; /* answers of MUTE ones */
static char held[1 << 20];                    /* sent, and not a whole command yet */

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
    s->answer = stage_answer;
}

void stage_stop(stage *s)
{
    kit_stop(&s->k);
}

fake *stage_add(stage *s, const char *address, uint16_t port)
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

/* ---- the network -------------------------------------------------------------- */

static void stage_forget(stage *s, uint32_t link)
{
    s->links[link].to = NULL;
    if (s->held_link == link)
        s->held_len = 0;
}

static void lose(stage *s, uint32_t link, int sys_errno)
{
    const reef_link *l = s->k.engine->links[link];
    if (l->state == REEF_LINK_CLOSING || l->state == REEF_LINK_FREE)
        return;
    stage_forget(s, link);
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

/* What it took of a command that is not whole yet, and its end. */
static const char *answer_all(stage *s, script *r, stage_link *l, size_t len)
{
    const char *at = held, *end = held + len, *next;
    r->len = 0;
    while (at < end && (next = script_read(r, at, end)) != NULL) {
        s->answer(s, r, l);
        at = next;
    }
    return at;
}

static void do_send(stage *s, const reef_op *op)
{
    static script r;
    stage_link *l = &s->links[op->link];
    assert_true(l->to && l->opened);
    assert_true(s->held_len == 0 || s->held_link == op->link);
    if (s->slow)
        return;
    size_t len = s->take > 0 && s->take < op->bytes.len ? s->take : op->bytes.len;
    assert_true(s->held_len + len < sizeof held);
    memcpy(held + s->held_len, op->bytes.ptr, len);
    held[len += s->held_len] = 0;
    reef_engine_sent(s->k.engine, op->link, len - s->held_len, s->k.now_ms);
    const char *rest = answer_all(s, &r, l, len);
    s->held_link = op->link;
    s->held_len = len - (size_t)(rest - held);
    memmove(held, rest, s->held_len);
    if (l->to->way == FAKE_MUTE) {
        assert_true(l->len + r.len <= sizeof late[0]);
        memcpy(late[op->link] + l->len, r.text, r.len);
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
        stage_forget(s, op->link);
}

void stage_run(stage *s)
{
    reef_op op;
    for (uint32_t ops = 0; reef_engine_next_op(s->k.engine, &op); ops++) {
        assert_true(ops < STAGE_OPS);
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
        deliver(s, i, late[i], len);
    }
    stage_run(s);
}

void stage_cut(stage *s, const fake *f)
{
    for (uint32_t i = 0; i < REEF_TRANSPORTS_MAX; i++) {
        if (s->links[i].to != f)
            continue;
        stage_forget(s, i);
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
