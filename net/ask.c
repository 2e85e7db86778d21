/* SPDX-License-Identifier: Apache-2.0
 *
 * An ask: one name and one type, put to a group of servers until one of them settles
 * it.
 *
 * The servers are asked in rounds, `attempts` of them: the next server REEF_HEDGE_MS
 * after the one before, which is still heard; at once when one failed. Between rounds
 * is a pause that doubles. A server that failed (it can't be reached, or said something
 * that is no answer) is out; one that was only silent is asked again in the next round,
 * from another socket. The ask fails when all are out, or all rounds are over and the
 * last exchange timed out.
 *
 * Two answers lead to another question to the same server: a refusal of EDNS (asked
 * without), and one that was cut, or may have been (asked over TCP). In the last case
 * the answer is held ready, and used unless TCP gives a better one soon. */
#include "net/engine.h"
#include "net/resolve_in.h"

#include <stdlib.h>
#include <string.h>

/* ---- making and sharing ------------------------------------------------------- */

static void ask_take_server(reef_ask *ask, const char *address, uint16_t port)
{
    reef_name_server *server = &ask->servers[ask->server_count];
    size_t len = strlen(address);
    if (len >= sizeof server->address)
        return;
    memcpy(server->address, address, len + 1);
    server->port = port;
    ask->server_count++;
}

/* The servers are copied: resolv.conf may change while the ask is out. */
static void ask_take_servers(reef_resolver *r, reef_ask *ask)
{
    ask->attempts = REEF_ASK_ATTEMPTS;
    ask->timeout_ms = REEF_ASK_TIMEOUT_MS;
    for (uint32_t i = 0; i < r->route_count; i++)
        if (ask->route >> i & 1)
            ask_take_server(ask, r->routes[i].server.address, r->routes[i].server.port);
    if (ask->route != REEF_ROUTE_SYSTEM)
        return;
    const reef_resolvconf *conf = &r->conf;
    ask->attempts = conf->attempts;
    ask->timeout_ms = conf->timeout_ms;
    ask->tcp = conf->use_tcp;
    ask->trust_ad = conf->trust_ad;
    uint32_t shift = conf->rotate ? r->rotor++ : 0;
    for (uint32_t i = 0; i < conf->server_count; i++)
        ask_take_server(ask, conf->servers[(i + shift) % conf->server_count],
                        REEF_DNS_PORT);
}

/* Whether its servers are those that would be asked now. */
static bool ask_current(const reef_resolver *r, const reef_ask *ask)
{
    return ask->route != REEF_ROUTE_SYSTEM || ask->generation == r->generation;
}

static bool ask_is(const reef_resolver *r, const reef_ask *ask,
                   const reef_dns_question *q, uint32_t route)
{
    return ask != NULL && !ask->settled && ask->route == route && ask_current(r, ask) &&
           ask->question.type == q->type &&
           reef_dns_name_equal(&ask->question.name, &q->name);
}

/* Who answered just now is asked first, so that a silent one before it costs its time
 * once in a look-up. */
static void ask_first(reef_ask *ask, const char *first)
{
    char peer[REEF_PEER_TEXT];
    for (uint32_t i = 1; i < ask->server_count; i++) {
        reef_name_server server = ask->servers[i];
        reef_peer_text(peer, server.address, server.port, false);
        if (strcmp(peer, first) != 0)
            continue;
        ask->servers[i] = ask->servers[0];
        ask->servers[0] = server;
        return;
    }
}

static reef_ask *ask_new(reef_resolver *r, const reef_dns_question *q, uint32_t route)
{
    reef_ask *ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return NULL;
    ask->question = *q;
    ask->route = route;
    ask->generation = r->generation;
    ask->began_ms = ask->due_ms = r->now_ms;
    ask->spare_ms = INT64_MAX;
    ask_take_servers(r, ask);
    r->stir = true;
    return ask;
}

reef_ask *reef_ask_get(reef_resolver *r, const reef_dns_question *q, uint32_t route,
                       const char *server, bool *full)
{
    reef_ask **place = NULL;
    *full = false;
    for (size_t i = 0; i < REEF_ASKS_MAX; i++) {
        if (ask_is(r, r->asks[i], q, route)) {
            r->asks[i]->holders++;
            return r->asks[i];
        }
        if (r->asks[i] == NULL && place == NULL)
            place = &r->asks[i];
    }
    if (place == NULL) {
        *full = true;
        return NULL;
    }
    *place = ask_new(r, q, route);
    if (*place != NULL) {
        (*place)->holders = 1;
        ask_first(*place, server);
    }
    return *place;
}

/* ---- its exchanges ------------------------------------------------------------ */

static void ask_end_exchange(reef_resolver *r, reef_exchange *x, const char *outcome,
                             const char *text)
{
    reef_words_entry step = {NULL, outcome, text};
    reef_words_step(r, x, &step);
    reef_exchange_end(x);
    r->stir = true;
}

/* Those that are still heard, and those that are about to be started. */
static uint32_t ask_hopes(const reef_resolver *r, const reef_ask *ask)
{
    uint32_t count = (ask->again | ask->stream) != 0;
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        count += r->exchanges[i].ask == ask;
    return count;
}

static void ask_drop_exchanges(reef_resolver *r, const reef_ask *ask,
                               const char *outcome)
{
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        if (r->exchanges[i].ask == ask)
            ask_end_exchange(r, &r->exchanges[i], outcome, "");
}

static reef_exchange *ask_oldest_exchange(reef_resolver *r, const reef_ask *ask)
{
    reef_exchange *oldest = NULL;
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        reef_exchange *x = &r->exchanges[i];
        if (x->ask == ask && (oldest == NULL || x->began_ms < oldest->began_ms))
            oldest = x;
    }
    return oldest;
}

/* A free one. With none, the oldest of this ask goes, unless one is about to be free
 * anyway; its number is free once the host has taken the CLOSE. */
static reef_exchange *ask_find_exchange(reef_resolver *r, const reef_ask *ask)
{
    bool soon = false;
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        if (r->exchanges[i].state == REEF_EXCHANGE_FREE)
            return &r->exchanges[i];
        soon = soon || r->exchanges[i].state == REEF_EXCHANGE_CLOSING;
    }
    reef_exchange *oldest = ask_oldest_exchange(r, ask);
    if (!soon && oldest != NULL)
        ask_end_exchange(r, oldest, "dropped", "");
    return NULL;
}

/* ---- the end ------------------------------------------------------------------ */

static void ask_settle(reef_resolver *r, reef_ask *ask, reef_records *records)
{
    reef_records_hold(records);
    reef_records_drop(ask->spare);
    ask->spare = NULL;
    ask->settled = true;
    ask->records = records;
    ask->due_ms = ask->spare_ms = INT64_MAX;
    ask->again = ask->stream = 0;
    if (records != NULL) {
        if (ask_current(r, ask))
            reef_dns_cache_put(&r->cache, records, r->now_ms);
        if (r->trace != NULL && records->answer.partial)
            r->trace->partial = true;
    }
    ask_drop_exchanges(r, ask, "dropped");
    r->stir = true;
}

static void ask_fail(reef_resolver *r, reef_ask *ask)
{
    if (ask->spare != NULL)
        ask_settle(r, ask, ask->spare);
    else
        ask_settle(r, ask, NULL);
}

static void ask_fail_nomem(reef_resolver *r, reef_ask *ask)
{
    reef_words_nomem(&ask->why);
    ask_settle(r, ask, NULL);
}

reef_records *reef_ask_spare(const reef_ask *ask)
{
    return ask->settled ? ask->records : ask->spare;
}

void reef_ask_drop(reef_resolver *r, reef_ask *ask, bool late)
{
    if (--ask->holders > 0)
        return;
    ask_drop_exchanges(r, ask, late ? "silent" : "dropped");
    r->stir = true; /* somebody may be waiting for its place */
    for (size_t i = 0; i < REEF_ASKS_MAX; i++)
        if (r->asks[i] == ask)
            r->asks[i] = NULL;
    reef_records_drop(ask->records);
    reef_records_drop(ask->spare);
    free(ask);
}

/* ---- attempts ----------------------------------------------------------------- */

static bool ask_start(reef_resolver *r, reef_ask *ask, uint32_t server, bool tcp)
{
    reef_exchange *x = ask_find_exchange(r, ask);
    ask->starved = x == NULL;
    if (x == NULL)
        return false;
    ask->question.id = (uint16_t)(reef_random_next(&r->random) & 0xFFFF);
    reef_exchange_how how = {.question = &ask->question,
                             .tcp = tcp,
                             .edns = (ask->plain >> server & 1) == 0,
                             .trust_ad = ask->trust_ad,
                             .now_ms = r->now_ms,
                             .deadline_ms = r->now_ms + ask->timeout_ms};
    if (!reef_exchange_start(x, &how)) {
        ask_fail_nomem(r, ask);
        return false;
    }
    if (r->now_ms < r->traced_ms)
        r->traced_ms = r->now_ms;
    x->ask = ask;
    x->server = server;
    ask->tries++;
    return true;
}

/* The first server from `turn` on that is not out; server_count: none. */
static uint32_t ask_from(const reef_ask *ask, uint32_t turn)
{
    while (turn < ask->server_count && (ask->out >> turn & 1) != 0)
        turn++;
    return turn;
}

/* After the server of this turn was asked. */
static void ask_schedule(reef_ask *ask, int64_t now_ms)
{
    int64_t hedge_ms =
        ask->timeout_ms < REEF_HEDGE_MS ? ask->timeout_ms : REEF_HEDGE_MS;
    ask->turn = ask_from(ask, ask->turn + 1);
    ask->pausing = ask->turn >= ask->server_count;
    ask->due_ms = now_ms + hedge_ms;
    if (!ask->pausing)
        return;
    ask->turn = 0;
    ask->due_ms = now_ms + ((int64_t)REEF_HEDGE_MS << ask->round);
    if (++ask->round >= ask->attempts)
        ask->due_ms = INT64_MAX;
}

/* Nothing came of the last step: is there any hope left? A server that is out may still
 * be heard by an older exchange, but has said what it has to say. */
static void ask_go_on(reef_resolver *r, reef_ask *ask)
{
    bool nobody = ask_from(ask, 0) == ask->server_count;
    if (!nobody && (ask->due_ms != INT64_MAX || ask_hopes(r, ask) > 0))
        return;
    if (ask->grief <= REEF_GRIEF_SILENT)
        reef_words_silent(&ask->why, ask, r->now_ms, REEF_QUIET_ALL);
    ask_fail(r, ask);
}

static void ask_attempt(reef_resolver *r, reef_ask *ask)
{
    ask->turn = ask_from(ask, ask->turn);
    if (ask->turn == ask->server_count) { /* what was left of the round is out */
        ask_schedule(ask, r->now_ms);
        ask_go_on(r, ask);
    } else if (ask_start(r, ask, ask->turn, ask->tcp)) {
        if (ask->tries == 1)
            ask->first = ask->turn;
        ask_schedule(ask, r->now_ms);
    }
}

static uint32_t ask_lowest(uint32_t bits)
{
    uint32_t at = 0;
    while ((bits >> at & 1) == 0)
        at++;
    return at;
}

/* The second question to a server that gave the reason for it. */
static bool ask_follow(reef_resolver *r, reef_ask *ask)
{
    while (!ask->settled && (ask->stream | ask->again) != 0) {
        bool tcp = ask->stream != 0;
        uint32_t *bits = tcp ? &ask->stream : &ask->again;
        uint32_t server = ask_lowest(*bits);
        if (!ask_start(r, ask, server, tcp || ask->tcp))
            return false;
        *bits &= ~(1U << server);
    }
    return !ask->settled;
}

static void ask_step(reef_resolver *r, reef_ask *ask)
{
    if (!r->random.keyed) {
        reef_words_put(
            &ask->why,
            "the system gave no random bytes, so no name can be asked for safely");
        ask_settle(r, ask, NULL);
    } else if (r->now_ms >= ask->spare_ms) {
        ask_fail(r, ask);
    } else if (ask_follow(r, ask) && r->now_ms >= ask->due_ms) {
        ask_attempt(r, ask);
    }
}

/* The one that waits longest takes what is free. */
void reef_ask_pump(reef_resolver *r)
{
    uint64_t seen = 0;
    for (size_t left = REEF_ASKS_MAX; left > 0; left--) {
        size_t next = REEF_ASKS_MAX;
        for (size_t i = 0; i < REEF_ASKS_MAX; i++) {
            const reef_ask *ask = r->asks[i];
            if (ask != NULL && !ask->settled && (seen >> i & 1) == 0 &&
                (next == REEF_ASKS_MAX || ask->due_ms < r->asks[next]->due_ms))
                next = i;
        }
        if (next == REEF_ASKS_MAX)
            return;
        seen |= (uint64_t)1 << next;
        ask_step(r, r->asks[next]);
    }
}

int64_t reef_ask_deadline_ms(const reef_ask *ask)
{
    int64_t due_ms = ask->starved ? INT64_MAX : ask->due_ms;
    if (ask->settled)
        return INT64_MAX;
    return due_ms < ask->spare_ms ? due_ms : ask->spare_ms;
}

/* ---- what servers do not do --------------------------------------------------- */

static void ask_grieve(reef_ask *ask, reef_grief grief, const reef_error *why)
{
    if (grief <= ask->grief)
        return;
    ask->grief = grief;
    ask->why = *why;
}

/* Not asked again; the next one at once. */
static void ask_out(reef_resolver *r, reef_ask *ask, uint32_t server)
{
    ask->out |= 1U << server;
    if (ask->due_ms != INT64_MAX && (!ask->pausing || ask_hopes(r, ask) == 0))
        ask->due_ms = r->now_ms;
    r->stir = true;
    ask_go_on(r, ask);
}

void reef_ask_closed(reef_resolver *r, reef_exchange *x, int sys_errno)
{
    reef_ask *ask = x->ask;
    uint32_t server = x->server;
    bool cut = x->tcp && !ask->tcp;
    reef_error why;
    const char *text = reef_errno_text(sys_errno);
    reef_words_entry step = {NULL, "unreachable", text != NULL ? text : ""};
    reef_words_unreachable(&why, ask, x, sys_errno);
    ask_grieve(ask, cut ? REEF_GRIEF_SAID : REEF_GRIEF_UNREACHABLE, &why);
    reef_words_step(r, x, &step);
    reef_exchange_gone(x);
    ask_out(r, ask, server);
}

void reef_ask_silent(reef_resolver *r, reef_exchange *x)
{
    reef_ask *ask = x->ask;
    uint32_t server = x->server;
    bool cut = x->tcp && !ask->tcp;
    reef_error why;
    reef_words_unreachable(&why, ask, x, 0);
    ask_end_exchange(r, x, "silent", "");
    if (cut) {
        ask_grieve(ask, REEF_GRIEF_SAID, &why);
        ask_out(r, ask, server);
    } else {
        ask_grieve(ask, REEF_GRIEF_SILENT, &why);
        ask_go_on(r, ask);
    }
}

void reef_ask_starved(reef_resolver *r, reef_exchange *x)
{
    reef_ask *ask = x->ask;
    ask_end_exchange(r, x, "dropped", "out of memory");
    ask_fail_nomem(r, ask);
}

/* ---- what they say ------------------------------------------------------------ */

/* Servers give the other one time to finish what it began. */
static void ask_give_time(reef_ask *ask, int64_t now_ms)
{
    if (ask->due_ms < now_ms + REEF_HEDGE_MS)
        ask->due_ms = now_ms + REEF_HEDGE_MS;
}

static reef_records *ask_record(const reef_ask *ask, uint32_t server,
                                const reef_dns_reading *reading)
{
    char peer[REEF_PEER_TEXT];
    reef_peer_text(peer, ask->servers[server].address, ask->servers[server].port,
                   false);
    return reef_records_new(reading, &ask->question, ask->route, peer);
}

/* The exchange is over by now; `tcp` is how it was. */
static void ask_answered(reef_resolver *r, reef_ask *ask, reef_records *records,
                         uint32_t server, bool whole)
{
    if (records == NULL) {
        ask_fail_nomem(r, ask);
    } else if (whole || ask->spare != NULL) {
        ask_settle(r, ask, records);
    } else {
        ask->spare = reef_records_hold(records);
        ask->spare_ms = r->now_ms + REEF_HEDGE_MS;
        ask->due_ms = INT64_MAX;
        ask_drop_exchanges(r, ask, "dropped");
        ask->again = 0;
        ask->stream = 1U << server;
        r->stir = true;
    }
    reef_records_drop(records);
}

static void ask_cut(reef_resolver *r, reef_ask *ask, uint32_t server)
{
    ask->stream |= 1U << server;
    ask_give_time(ask, r->now_ms);
    r->stir = true;
}

static void ask_said(reef_resolver *r, reef_ask *ask, uint32_t server,
                     const reef_dns_answer *answer)
{
    reef_error why;
    reef_words_said(&why, ask, server, answer);
    ask_grieve(ask, REEF_GRIEF_SAID, &why);
    ask_out(r, ask, server);
}

/* FORMERR and NOTIMP may be meant for the OPT record. */
static void ask_puzzled(reef_resolver *r, reef_ask *ask, uint32_t server,
                        const reef_dns_answer *answer)
{
    if ((ask->plain >> server & 1) != 0) {
        ask_said(r, ask, server, answer);
        return;
    }
    ask->plain |= 1U << server;
    ask->again |= 1U << server;
    ask_give_time(ask, r->now_ms);
    r->stir = true;
}

void reef_ask_heard(reef_resolver *r, reef_exchange *x, const reef_dns_reading *reading)
{
    reef_ask *ask = x->ask;
    uint32_t server = x->server;
    const reef_dns_answer *answer = &reading->answer;
    bool tcp = x->tcp, edns = x->edns;
    bool whole = tcp || ask->question.type != REEF_DNS_SRV ||
                 reading->message.len <= REEF_ASK_TCP_BYTES;
    reef_words_entry step = {reading, "", ""};
    reef_words_step(r, x, &step);
    reef_records *records = NULL;
    switch (answer->outcome) {
    case REEF_DNS_IGNORE:
        return;
    case REEF_DNS_OK:
        records = ask_record(ask, server, reading);
        reef_exchange_end(x);
        ask_answered(r, ask, records, server, whole);
        return;
    case REEF_DNS_NODATA:
    case REEF_DNS_NXDOMAIN:
    case REEF_DNS_CNAME:
    case REEF_DNS_CNAME_LOOP:
    case REEF_DNS_UNAVAILABLE:
    case REEF_DNS_BADNAME:
        records = ask_record(ask, server, reading);
        reef_exchange_end(x);
        ask_answered(r, ask, records, server, true);
        return;
    case REEF_DNS_TRUNCATED:
        reef_exchange_end(x);
        if (tcp)
            ask_said(r, ask, server, answer);
        else
            ask_cut(r, ask, server);
        return;
    case REEF_DNS_NOTIMP:
    case REEF_DNS_FORMERR:
        reef_exchange_end(x);
        if (edns)
            ask_puzzled(r, ask, server, answer);
        else
            ask_said(r, ask, server, answer);
        return;
    case REEF_DNS_MALFORMED:
    case REEF_DNS_SERVFAIL:
    case REEF_DNS_REFUSED:
    case REEF_DNS_LAME:
    case REEF_DNS_RCODE:
        reef_exchange_end(x);
        ask_said(r, ask, server, answer);
        return;
    }
}
