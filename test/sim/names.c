/* SPDX-License-Identifier: Apache-2.0
 *
 * names: the sockets between the engine and its name servers, and what goes wrong on
 * them.
 *
 * The promises that are checked here: each datagram has a socket of its own; a query
 * over TCP is sent in one; and sockets are bounded, at any one time and in any one
 * second. */
#include "test/sim/sim.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the world's side --------------------------------------------------------- */

void sim_names_init(sim_world *w)
{
    w->names.zone = (sim_zone){.ttl = 30, .soa = true, .negative_ttl = 5};
    (void)sim_names_server(w, "10.9.0.1", 53);
    sim_names_hosts(w, "127.0.0.1 localhost\n");
    sim_names_resolv_conf(w, "nameserver 10.9.0.1\n");
}

sim_nameserver *sim_names_server(sim_world *w, const char *address, uint16_t port)
{
    if (w->names.server_count == SIM_NAMESERVERS) {
        abort();
    }
    size_t i = w->names.server_count++;
    w->names.servers[i] =
        (sim_nameserver){.address = address, .port = port, .view = 1u << i};
    return &w->names.servers[i];
}

void sim_names_hosts(sim_world *w, const char *text)
{
    memcpy(w->names.hosts_was, w->names.hosts, sizeof w->names.hosts);
    snprintf(w->names.hosts, sizeof w->names.hosts, "%s", text);
    w->names.hosts_new = true;
}

void sim_names_resolv_conf(sim_world *w, const char *text)
{
    snprintf(w->names.resolv_conf, sizeof w->names.resolv_conf, "%s", text);
    w->names.resolv_new = true;
}

static void names_give_files(sim_world *w)
{
    sim_names *n = &w->names;
    reef_code code = REEF_OK;
    sim_memory_in();
    if (n->hosts_new) {
        code = reef_engine_hosts(w->engine, reef_str_of(n->hosts));
        n->hosts_new = code != REEF_OK;
    }
    if (n->resolv_new && code == REEF_OK) {
        code = reef_engine_resolv_conf(w->engine, reef_str_of(n->resolv_conf),
                                       reef_str_of("box"));
        n->resolv_new = code != REEF_OK;
    }
    sim_memory_out();
    if (code != REEF_OK && !w->out_of_memory) {
        sim_fail(w, "the files are not taken", code, 0);
    }
}

void sim_names_start(sim_world *w)
{
    unsigned char key[REEF_SECRET_KEY];
    uint64_t chance = 0;
    for (size_t i = 0; i < sizeof key; i++) {
        chance = i % 8 == 0 ? sim_draw(w) : chance >> 8;
        key[i] = (unsigned char)(chance & 0xFF);
    }
    if (!w->names.no_key) {
        reef_engine_key(w->engine, key);
    }
    if (sim_chance(w, 500)) {
        names_give_files(w); /* else when the engine asks for them */
    }
}

void sim_names_heal(sim_world *w)
{
    sim_names *n = &w->names;
    n->flood = 0;
    for (size_t i = 0; i < n->server_count; i++) {
        sim_nameserver *s = &n->servers[i];
        s->silent = s->closed = s->deaf = s->no_tcp = s->cuts = false;
        s->style.rcode = 0;
    }
    for (size_t i = 0; i < n->zone.count; i++) {
        n->zone.records[i].live = true;
    }
    for (size_t i = 0; i < SIM_TALKS; i++) {
        sim_talk *t = &n->talks[i];
        if (!t->datagram && (t->state == SIM_OPEN || t->state == SIM_OPENING)) {
            sim_at(w, w->now_ms, SIM_GONE, t->serial, ECONNRESET);
        }
    }
}

static void names_drop(sim_talk *t)
{
    sim_bytes_free(&t->up);
    sim_bytes_free(&t->down);
    *t = (sim_talk){0};
}

/* A socket that no timer watches would stay open for good. */
void sim_names_check(sim_world *w)
{
    if (reef_engine_deadline_ms(w->engine) != INT64_MAX) {
        return;
    }
    for (size_t i = 0; i < SIM_TALKS; i++) {
        if (w->names.talks[i].state != SIM_FREE) {
            sim_fail(w, "a socket to a name server is left open",
                     w->names.talks[i].number, 0);
        }
    }
}

void sim_names_free(sim_world *w)
{
    for (size_t i = 0; i < SIM_TALKS; i++) {
        names_drop(&w->names.talks[i]);
    }
}

/* ---- the engine's operations -------------------------------------------------- */

static sim_talk *names_find(sim_world *w, uint64_t serial)
{
    for (size_t i = 0; i < SIM_TALKS; i++) {
        if (w->names.talks[i].serial == serial && serial != 0) {
            return &w->names.talks[i];
        }
    }
    return NULL;
}

static sim_talk *names_numbered(sim_world *w, uint32_t number)
{
    for (size_t i = 0; i < SIM_TALKS; i++) {
        sim_talk *t = &w->names.talks[i];
        if (t->state != SIM_FREE && t->number == number) {
            return t;
        }
    }
    return NULL;
}

/* The server at that address; server_count: there is none. */
static size_t names_at(const sim_world *w, const reef_op *op)
{
    size_t i = 0;
    while (i < w->names.server_count &&
           (w->names.servers[i].port != op->port ||
            !sim_same_address(w->names.servers[i].address, op->address))) {
        i++;
    }
    return i;
}

static void names_count_open(sim_world *w, const reef_op *op)
{
    sim_names *n = &w->names;
    uint32_t live = 1;
    for (size_t i = 0; i < SIM_TALKS; i++) {
        live += n->talks[i].state != SIM_FREE;
    }
    n->opens++;
    n->streams += !op->datagram;
    n->most_talks = live > n->most_talks ? live : n->most_talks;
    n->second_opens = w->now_ms / 1000 == n->second ? n->second_opens + 1 : 1;
    n->second = w->now_ms / 1000;
    n->worst_second =
        n->second_opens > n->worst_second ? n->second_opens : n->worst_second;
    if (live > REEF_TRANSPORTS_MAX - REEF_LINKS_MAX || op->link < REEF_LINKS_MAX ||
        op->link >= REEF_TRANSPORTS_MAX) {
        sim_fail(w, "too many sockets to name servers", op->link, live);
    } else if (n->second_opens > SIM_ASKS_SECOND) {
        sim_fail(w, "name servers are asked without end", n->second_opens, 0);
    }
}

static bool names_open(sim_world *w, const reef_op *op)
{
    size_t server = names_at(w, op);
    if (server == w->names.server_count && !op->datagram) {
        return false;
    }
    names_count_open(w, op);
    sim_talk *t = names_numbered(w, op->link);
    for (size_t i = 0; i < SIM_TALKS && t == NULL; i++) {
        t = w->names.talks[i].state == SIM_FREE ? &w->names.talks[i] : NULL;
    }
    if (t == NULL || t->state != SIM_FREE || server == w->names.server_count) {
        sim_fail(w, "a name server's OPEN that can't be", op->link, op->port);
        return true;
    }
    *t = (sim_talk){.serial = ++w->next_serial,
                    .number = op->link,
                    .state = SIM_OPENING,
                    .datagram = op->datagram,
                    .server = server};
    sim_nameserver *s = &w->names.servers[server];
    s->streams += !op->datagram;
    bool refused = !op->datagram && (s->closed || s->no_tcp);
    if (op->datagram) {
        sim_at(w, w->now_ms, SIM_OPENED, t->serial, 0);
    } else if (!s->silent || refused) {
        sim_at(w, sim_travel(w, w->now_ms), refused ? SIM_GONE : SIM_OPENED, t->serial,
               ECONNREFUSED);
    }
    return true;
}

/* The query is on its way to the server. */
static void names_ask(sim_world *w, sim_talk *t, const char *bytes, size_t len)
{
    sim_nameserver *s = &w->names.servers[t->server];
    sim_event e = {.at_ms = sim_travel(w, w->now_ms),
                   .what = SIM_ASKED,
                   .link = t->serial,
                   .arg = t->server};
    sim_known_query(w, bytes, len);
    t->asked = true;
    if (t->datagram && sim_chance(w, w->rates.dns_lose)) {
        sim_trace(w, "query lost", t->number, 0);
    } else if (t->datagram && s->closed) {
        sim_at(w, e.at_ms, SIM_GONE, t->serial, ECONNREFUSED);
    } else if (!s->silent && !s->closed && (t->datagram || !s->deaf)) {
        sim_bytes_add(&e.mail, bytes, len);
        sim_put(w, e);
    }
}

/* What of it a stream's socket takes. */
static size_t names_take(sim_world *w, sim_talk *t, const reef_op *op)
{
    size_t len = op->bytes.len;
    const char *bytes = op->bytes.ptr;
    if (sim_bytes_left(&t->up) == 0) {
        size_t whole =
            len < 2 ? 0
                    : (size_t)((unsigned char)bytes[0] << 8 | (unsigned char)bytes[1]);
        if (t->asked || whole + 2 != len) {
            sim_fail(w, "a query over TCP that is not sent in one", op->link,
                     (int64_t)len);
        }
    }
    len = w->rates.window > 0 && w->rates.window < len ? w->rates.window : len;
    sim_bytes_add(&t->up, bytes, len);
    return len;
}

static void names_send(sim_world *w, const reef_op *op, sim_talk *t)
{
    size_t len = op->bytes.len;
    if (t->state != SIM_OPEN || t->full || len == 0 || (t->datagram && t->asked)) {
        sim_fail(w, "SEND to a name server that can't be", op->link, (int64_t)len);
        return;
    }
    sim_mix(&w->hash, op->bytes.ptr, len);
    if (w->rates.window > 0 && sim_chance(w, 200)) {
        t->full = true; /* answered later: SIM_WRITABLE */
        sim_at(w, sim_travel(w, w->now_ms), SIM_WRITABLE, t->serial, 0);
        return;
    }
    if (t->datagram) {
        names_ask(w, t, op->bytes.ptr, len);
    } else {
        bool last = names_take(w, t, op) == len;
        len = last ? len : w->rates.window;
        if (last) {
            names_ask(w, t, t->up.ptr + 2, t->up.len - 2);
        }
    }
    sim_memory_in();
    reef_engine_sent(w->engine, op->link, len, w->now_ms);
    sim_memory_out();
}

static void names_files(sim_world *w)
{
    sim_names *n = &w->names;
    if (n->files > 0 && w->now_ms - n->files_ms < 5000) {
        sim_fail(w, "the files are asked for too often", n->files_ms, 0);
    }
    n->files++;
    n->files_ms = w->now_ms;
    names_give_files(w);
}

bool sim_names_op(sim_world *w, const reef_op *op)
{
    if (op->kind == REEF_OP_FILES) {
        names_files(w);
        return true;
    }
    if (op->kind == REEF_OP_OPEN) {
        return !op->local && names_open(w, op);
    }
    sim_talk *t = names_numbered(w, op->link);
    if (t != NULL && op->kind == REEF_OP_SEND) {
        names_send(w, op, t);
    } else if (t != NULL && op->kind == REEF_OP_CLOSE) {
        names_drop(t);
    }
    return t != NULL;
}

/* ---- the servers' side -------------------------------------------------------- */

/* A datagram on its way back; it leaves with the caller's bytes. */
static void names_post(sim_world *w, const sim_talk *t, int64_t at_ms, sim_bytes *mail)
{
    sim_put(w, (sim_event){
                   .at_ms = at_ms, .what = SIM_TOLD, .link = t->serial, .mail = *mail});
    *mail = (sim_bytes){0};
}

static void names_lie(sim_world *w, const sim_talk *t, const sim_query *q)
{
    uint32_t count = w->names.flood;
    if (count == 0 && sim_chance(w, w->rates.dns_forge)) {
        count = 1 + sim_below(w, 20);
    }
    for (uint32_t i = 0; i < count; i++) {
        sim_bytes mail = {0};
        sim_forge(q, i % SIM_FORGERIES, (uint32_t)(sim_draw(w) & 0xFFFFFFFF), &mail);
        names_post(w, t, w->now_ms, &mail);
        w->names.forged++;
    }
}

static void names_tell_datagram(sim_world *w, const sim_talk *t, const sim_query *q,
                                sim_bytes *truth)
{
    const sim_nameserver *s = &w->names.servers[t->server];
    int64_t at = sim_travel(w, w->now_ms);
    at += s->slow_type == 0 || s->slow_type == q->type ? s->slow_ms : 0;
    names_lie(w, t, q);
    if (sim_chance(w, w->rates.dns_twice)) {
        sim_bytes copy = {0};
        sim_bytes_add(&copy, truth->ptr, truth->len);
        names_post(w, t, sim_travel(w, at), &copy);
    }
    at += sim_chance(w, w->rates.dns_late) ? sim_below(w, 3000) : 0;
    if (sim_chance(w, w->rates.dns_lose)) {
        sim_trace(w, "answer lost", t->number, 0);
    } else {
        names_post(w, t, at, truth);
    }
}

static void names_tell_stream(sim_world *w, sim_talk *t, const sim_bytes *truth)
{
    char prefix[2] = {(char)(truth->len >> 8 & 0xFF), (char)(truth->len & 0xFF)};
    int64_t step = sim_chance(w, w->rates.drip) ? 1 + sim_below(w, 20) : 0;
    bool broken = sim_chance(w, w->rates.dns_break);
    size_t len = truth->len + 2;
    sim_bytes_add(&t->down, prefix, 2);
    sim_bytes_add(&t->down, truth->ptr, truth->len);
    len = broken ? sim_below(w, (uint32_t)len) : len;
    t->down_ms = sim_travel(w, w->now_ms);
    while (len > 0) {
        size_t part = step > 0 ? 1 : sim_cut(w, len);
        t->down_ms += step;
        sim_at(w, t->down_ms, SIM_CHUNK, t->serial, part);
        len -= part;
    }
    if (broken || sim_chance(w, 500)) {
        sim_at(w, t->down_ms, SIM_GONE, t->serial, sim_chance(w, 500) ? 0 : ECONNRESET);
    }
}

static sim_style names_style(sim_world *w, const sim_nameserver *s, const sim_query *q,
                             bool datagram)
{
    sim_style style = s->style;
    style.view = s->view;
    style.limit = datagram ? q->size : 0;
    style.turn = style.steady ? 0 : sim_below(w, SIM_RECORDS);
    style.plain = style.plain || sim_chance(w, 300);
    style.loud = style.loud || sim_chance(w, 300);
    style.part = sim_chance(w, 500);
    style.cut = datagram && (s->cuts || sim_chance(w, w->rates.dns_cut));
    if (s->no_edns && q->edns) {
        style.rcode = SIM_FORMERR;
    } else if (style.rcode == 0 && sim_chance(w, w->rates.dns_fail)) {
        style.rcode = SIM_SERVFAIL;
    } else if (style.rcode == 0 && sim_chance(w, w->rates.dns_deny)) {
        style.rcode = SIM_REFUSED;
    }
    style.blank = style.rcode != SIM_FORMERR && sim_chance(w, 300);
    return style;
}

static void names_asked(sim_world *w, const sim_event *e)
{
    sim_nameserver *s = &w->names.servers[e->arg];
    sim_talk *t = names_find(w, e->link);
    sim_query q;
    sim_bytes out = {0};
    s->queries++;
    if (t == NULL || sim_query_read(&q, e->mail.ptr, e->mail.len) != NULL) {
        return; /* nobody is there to hear it */
    }
    sim_style style = names_style(w, s, &q, t->datagram);
    if (sim_chance(w, w->rates.dns_spoil)) {
        sim_spoil(&q, sim_chance(w, 500), &out);
    } else {
        sim_answer_to(&w->names.zone, &q, &style, &out);
    }
    if (t->datagram) {
        names_tell_datagram(w, t, &q, &out);
    } else {
        names_tell_stream(w, t, &out);
    }
    sim_bytes_free(&out);
}

/* ---- events reach the engine -------------------------------------------------- */

static void names_gone(sim_world *w, sim_talk *t, int sys_errno)
{
    uint32_t number = t->number;
    sim_trace(w, "name server gone", number, sys_errno);
    names_drop(t);
    sim_memory_in();
    reef_engine_closed(w->engine, number, sys_errno, w->now_ms);
    sim_memory_out();
}

/* Puts up to `len` bytes where the engine wants them; how many. */
static size_t names_receive(sim_world *w, sim_talk *t, const char *bytes, size_t len)
{
    size_t cap = 0;
    sim_memory_in();
    char *room = reef_engine_room(w->engine, t->number, &cap);
    sim_memory_out();
    if (room == NULL || cap == 0) {
        if (!w->out_of_memory) {
            sim_fail(w, "no room to receive", t->number, (int64_t)cap);
        }
        names_gone(w, t, ENOMEM);
        return 0;
    }
    size_t part = len < cap ? len : cap;
    if (part > 0) {
        memcpy(room, bytes, part);
    }
    sim_memory_in();
    reef_engine_received(w->engine, t->number, part, w->now_ms);
    sim_memory_out();
    return part;
}

static void names_chunk(sim_world *w, uint64_t serial, size_t len)
{
    sim_talk *t;
    while (len > 0 && w->failed == NULL && (t = names_find(w, serial)) != NULL &&
           t->state == SIM_OPEN) {
        size_t at = t->down.head;
        size_t part = names_receive(w, t, t->down.ptr + at, len);
        if (part == 0) {
            return;
        }
        sim_bytes_skip(&t->down, part);
        len -= part;
        sim_drain(w, false);
    }
}

static void names_zone_turns(sim_world *w, size_t more)
{
    sim_zone *z = &w->names.zone;
    if (w->healed || z->count == 0) {
        return;
    }
    sim_record *r = &z->records[sim_below(w, (uint32_t)z->count)];
    r->live = !r->live;
    sim_trace(w, r->live ? "record comes" : "record goes", r->type, 0);
    if (more > 0) {
        sim_at(w, w->now_ms + sim_below(w, 2500), SIM_ZONE, 0, more - 1);
    }
}

void sim_names_event(sim_world *w, sim_event *e)
{
    sim_talk *t = names_find(w, e->link);
    if (e->what == SIM_ASKED) {
        names_asked(w, e);
    } else if (e->what == SIM_ZONE) {
        names_zone_turns(w, e->arg);
    } else if (t == NULL) {
        return;
    } else if (e->what == SIM_TOLD && t->state == SIM_OPEN) {
        (void)names_receive(w, t, e->mail.ptr, e->mail.len);
    } else if (e->what == SIM_CHUNK) {
        names_chunk(w, e->link, e->arg);
    } else if (e->what == SIM_GONE) {
        names_gone(w, t, (int)e->arg);
    } else if (e->what == SIM_OPENED && t->state == SIM_OPENING) {
        t->state = SIM_OPEN;
        sim_memory_in();
        reef_engine_opened(w->engine, t->number, w->now_ms);
        sim_memory_out();
    } else if (e->what == SIM_WRITABLE && t->full) {
        t->full = false;
        sim_memory_in();
        reef_engine_sent(w->engine, t->number, 0, w->now_ms);
        sim_memory_out();
    }
}
