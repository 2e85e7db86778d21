/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a single server: one link serves all commands.
 *
 *   IDLE      no link, nothing wanted
 *   PAUSED    no link; the next attempt waits for connect.until_ms
 *   LOOKING   no link; the look-up has no endpoint to give yet
 *   TRYING    the main link is on its way: opening, handshake
 *   SERVING   the main link is READY; commands go out unless hold.until_ms lies ahead
 *
 * The endpoints of the host (all addresses of a name; all targets of a service, each
 * with all of its addresses) are tried one after the other without a pause, each for a
 * fraction of a second; once all have failed there is a pause that grows, the name is
 * looked up again, past the cache, and each gets twice the time. A link that is lost
 * leads to a new look-up, too: the server may have moved. What no attempt can mend
 * (wrong password, wrong db, a node of another kind) ends the waiting commands at
 * once. */
#include "net/engine.h"

#include <stdio.h>
#include <string.h>

enum {
    DIRECT_STEADY_MS =
        1000, /* a link that lived this long ended by accident: no pause */
    DIRECT_SHAKE_TIMES = 4, /* of the time to connect, for the handshake */
    DIRECT_ROUNDS = 8,      /* the times double no further */
    DIRECT_STALE_MS = 1000  /* a look-up that nobody waited for that long is too old */
};

static reef_link *direct_main(reef_engine *e)
{
    return e->direct.main == REEF_NO_LINK ? NULL : &e->links[e->direct.main];
}

static const reef_host *direct_host(const reef_engine *e)
{
    return &e->config.hosts[0];
}

/* ---- attempts ----------------------------------------------------------------- */

/* An address or a path: it is all there is to try. */
static bool direct_is_fixed(const reef_engine *e)
{
    const reef_host *host = direct_host(e);
    return host->kind == REEF_HOST_UNIX ||
           (host->kind == REEF_HOST_TCP && reef_address_literal(host->name));
}

static void direct_forget(reef_engine *e)
{
    reef_direct *d = &e->direct;
    if (e->resolver)
        reef_lookup_free(e->resolver, d->lookup);
    d->lookup = NULL;
    d->tried = d->hopeless = 0;
    d->left_ms = 0;
}

static bool direct_is_wanted(const reef_engine *e)
{
    return e->waiting.head || e->direct.wanted;
}

/* Calls that end before the look-up does leave it to the next one, if that comes
 * soon. */
static void direct_leave(reef_engine *e)
{
    reef_direct *d = &e->direct;
    if (d->lookup && d->left_ms == 0)
        d->left_ms = e->now_ms;
}

/* Nothing is left to try: the next look-up begins after a pause. */
static void direct_rest(reef_engine *e)
{
    reef_direct *d = &e->direct;
    direct_forget(e);
    d->fresh = true;
    if (d->round < DIRECT_ROUNDS)
        d->round++;
    reef_backoff_next(e, &d->connect);
}

/* The name led nowhere. Where servers say that there is nothing, and never was as far
 * as this client knows, waiting is of no use; but a service that was there may only be
 * between two homes. */
static void direct_lost_name(reef_engine *e, const reef_error *why, bool denied)
{
    reef_error failure;
    const char *name = direct_host(e)->name;
    reef_error_put(&failure, why->code == REEF_OK ? REEF_DNS : why->code, 0, NULL,
                   why->code == REEF_OK ? "the name led to no address" : why->text);
    e->failure = failure;
    reef_report_event(e, REEF_EVENT_FAILED, name, failure.text);
    direct_rest(e);
    if (denied && !e->direct.met)
        reef_tickets_refuse(e, &failure);
}

/* Where none of them can ever be used, waiting is of no use. That is no news to calls
 * that came after the last of them failed: they have a try of their own. */
static void direct_tried_all(reef_engine *e)
{
    const reef_direct *d = &e->direct;
    bool waited = e->waiting.head && e->waiting.head->submitted_ms <= d->failed_ms;
    bool hopeless = waited && d->hopeless == d->tried;
    reef_error why = e->failure;
    direct_rest(e);
    if (hopeless)
        reef_tickets_refuse(e, &why);
}

static bool direct_look(reef_engine *e)
{
    const reef_host *host = direct_host(e);
    reef_lookup_wish wish = {.name = host->name,
                             .srv = host->kind == REEF_HOST_SRV,
                             .port = host->port,
                             .fresh = e->direct.fresh,
                             .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    reef_error why;
    if (e->direct.left_ms != 0 && e->now_ms - e->direct.left_ms >= DIRECT_STALE_MS)
        direct_forget(e);
    e->direct.left_ms = 0;
    if (!e->direct.lookup)
        e->direct.lookup = reef_lookup_new(e->resolver, &wish);
    if (e->direct.lookup)
        return true;
    reef_error_put(&why, REEF_NOMEM, 0, NULL, "out of memory for looking up the name");
    direct_lost_name(e, &why, false);
    return false;
}

/* The next endpoint. False: there is none, now or before the next round. */
static bool direct_next(reef_engine *e, uint16_t *port)
{
    reef_direct *d = &e->direct;
    reef_endpoint next;
    reef_error why;
    const reef_host *host = direct_host(e);
    if (direct_is_fixed(e)) {
        snprintf(d->address, sizeof d->address, "%.*s", (int)sizeof d->address - 1,
                 host->name);
        *port = host->port;
        return true;
    }
    if (!direct_look(e))
        return false;
    switch (reef_lookup_next(d->lookup, &next)) {
    case REEF_LOOKUP_WAIT:
        return false;
    case REEF_LOOKUP_END:
        reef_lookup_why(d->lookup, &why);
        if (d->tried == 0)
            direct_lost_name(e, &why, reef_lookup_denied(d->lookup));
        else
            direct_tried_all(e);
        return false;
    case REEF_LOOKUP_READY:
        break;
    }
    d->tried++;
    snprintf(d->address, sizeof d->address, "%s", next.address);
    *port = next.port;
    return true;
}

/* One of several gets little time at first, so that a dead one leaves some for the
 * others. Whether there are others may not be known yet. */
static void direct_hurry(const reef_engine *e, reef_link *l)
{
    int64_t whole_ms = e->config.connect_timeout_ms;
    int64_t dial_ms = (int64_t)REEF_DIAL_MS << e->direct.round;
    int64_t shake_ms = dial_ms * (1 + DIRECT_SHAKE_TIMES);
    l->attempt_deadline_ms = e->now_ms + (dial_ms < whole_ms ? dial_ms : whole_ms);
    l->shake_deadline_ms = e->now_ms + (shake_ms < whole_ms ? shake_ms : whole_ms);
}

/* The only endpoint has all the time there is. */
static bool direct_late(reef_engine *e, reef_link *l)
{
    reef_direct *d = &e->direct;
    int64_t whole_ms = l->born_ms + e->config.connect_timeout_ms;
    bool alone = d->lookup && d->tried == 1 && !reef_lookup_more(d->lookup);
    if ((int)l->index != d->main || !alone || whole_ms <= e->now_ms)
        return false;
    l->attempt_deadline_ms = l->shake_deadline_ms = whole_ms;
    return true;
}

static void direct_attempt(reef_engine *e)
{
    reef_direct *d = &e->direct;
    uint16_t port = 0;
    reef_link *l = reef_link_take(e);
    if (!l || !direct_next(e, &port))
        return;
    d->main = (int)l->index;
    d->wanted = false;
    /* How the last link ended is no reason any more: this attempt will have its own. */
    if (d->attempts++ == 0)
        e->failure.code = REEF_OK;
    reef_link_open(e, l, d->address, port, direct_host(e)->kind == REEF_HOST_UNIX);
    if (!direct_is_fixed(e))
        direct_hurry(e, l);
}

static void direct_wake(reef_engine *e)
{
    reef_direct *d = &e->direct;
    reef_link *l = direct_main(e);
    if (!l) {
        if (!direct_is_wanted(e))
            direct_leave(e);
        else if (e->now_ms >= d->connect.until_ms)
            direct_attempt(e);
        return;
    }
    if (!e->waiting.head || e->now_ms < d->hold.until_ms || !reef_link_fit(e, l))
        return;
    while (e->waiting.head) {
        reef_ticket *t = e->waiting.head;
        reef_list_remove(&e->waiting, t);
        reef_link_submit(e, l, t);
    }
}

/* ---- how they end ------------------------------------------------------------- */

/* One of several targets of a service. */
static bool direct_has_peers(const reef_engine *e)
{
    reef_look_target second;
    return e->direct.lookup && reef_lookup_target(e->direct.lookup, 1, &second);
}

static reef_code direct_accept(reef_engine *e, const reef_link *l, reef_error *why)
{
    /* It would refuse each write, and the next target may be its master. */
    if (strcmp(l->server.role, "replica") == 0 && direct_has_peers(e)) {
        reef_error_put(why, REEF_CONNECT, 0, NULL,
                       "is a replica; waiting for another target of the service to be "
                       "the master");
        return REEF_CONNECT;
    }
    if (strcmp(l->server.mode, "sentinel") == 0) {
        reef_error_put(why, REEF_BADCONFIG, 0, NULL,
                       "is a Sentinel, and [server.redis] lists it as a server: set "
                       "master_name, or change hosts to the server itself");
        return REEF_BADCONFIG;
    }
    if (strcmp(l->server.mode, "cluster") == 0) {
        reef_error_put(
            why, REEF_BADCONFIG, 0, NULL,
            "is a node of a Cluster, and this release speaks to single servers "
            "only: change hosts under [server.redis]");
        return REEF_BADCONFIG;
    }
    return REEF_OK;
}

static void direct_ready(reef_engine *e, reef_link *l)
{
    (void)l;
    e->failure.code = REEF_OK;
    direct_forget(e);
    e->direct.met = true;
    e->direct.attempts = 0;
    e->direct.round = 0;
    e->direct.hold.step = 0;
    e->direct.hold.until_ms = e->now_ms;
}

static bool direct_hopeless(reef_code code)
{
    return code == REEF_AUTH || code == REEF_BADCONFIG || code == REEF_PROTOCOL ||
           code == REEF_REFUSED;
}

/* An attempt failed: the next address at once, which may be what this one was not; or
 * all again after a pause. */
static void direct_attempt_failed(reef_engine *e, const reef_error *why)
{
    reef_direct *d = &e->direct;
    bool hopeless = direct_hopeless(why->code), fixed = direct_is_fixed(e);
    d->hopeless += hopeless;
    d->failed_ms = e->now_ms;
    if (fixed)
        reef_backoff_next(e, &d->connect);
    if (fixed && hopeless)
        reef_tickets_refuse(e, why);
}

static void direct_down(reef_engine *e, reef_link *l, const reef_error *why)
{
    reef_direct *d = &e->direct;
    if ((int)l->index != d->main)
        return;
    d->main = REEF_NO_LINK;
    e->failure = *why;
    d->fresh = true;
    if (!l->served) {
        direct_attempt_failed(e, why);
    } else if (l->useful || e->now_ms - l->born_ms >= DIRECT_STEADY_MS) {
        d->connect.step = 0;
    } else {
        reef_backoff_next(e, &d->connect);
    }
}

static void direct_not_now(reef_engine *e, reef_link *l, const char *text)
{
    /* Of many that were told so in one breath, the first sets the pause. */
    if (e->direct.hold.until_ms > e->now_ms)
        return;
    reef_backoff_next(e, &e->direct.hold);
    reef_report_event(e, REEF_EVENT_RETRIED, l->stats.peer, text);
}

/* What the name servers said so far is a better reason than that time ran out. */
static void direct_waits_for_name(const reef_engine *e, reef_error *why)
{
    reef_lookup_why(e->direct.lookup, why);
    if (why->code == REEF_OK)
        reef_error_put(
            why, REEF_DNS, 0, direct_host(e)->name,
            "the deadline passed while the name was looked up; nothing was sent");
}

/* A look-up that has nothing to give yet: its own deadlines are the resolver's. */
static bool direct_looking(const reef_engine *e)
{
    const reef_direct *d = &e->direct;
    return d->lookup && d->main == REEF_NO_LINK && direct_is_wanted(e);
}

static void direct_waits_for(const reef_engine *e, reef_error *why)
{
    const reef_link *l =
        e->direct.main == REEF_NO_LINK ? NULL : &e->links[e->direct.main];
    if (!l && e->direct.lookup)
        direct_waits_for_name(e, why);
    else if (l && l->state == REEF_LINK_OPENING)
        reef_error_put(why, REEF_CONNECT, 0, l->stats.peer,
                       "the deadline passed while connecting; nothing was sent");
    else if (l && reef_hello_running(l))
        reef_error_put(why, REEF_CONNECT, 0, l->stats.peer,
                       "connected, but no answer to the handshake by the deadline; "
                       "nothing was sent");
    else
        reef_error_put(
            why, REEF_UNSENT, 0, e->config.hosts[0].name,
            "the deadline passed before a connection was ready; nothing was sent");
}

static int64_t direct_deadline_ms(const reef_engine *e)
{
    const reef_direct *d = &e->direct;
    if (!direct_is_wanted(e))
        return INT64_MAX;
    if (direct_looking(e))
        return INT64_MAX;
    if (d->main == REEF_NO_LINK)
        return d->connect.until_ms;
    return e->links[d->main].state == REEF_LINK_READY ? d->hold.until_ms : INT64_MAX;
}

const reef_router reef_router_direct = {
    .wake = direct_wake,
    .accept = direct_accept,
    .ready = direct_ready,
    .down = direct_down,
    .not_now = direct_not_now,
    .waits_for = direct_waits_for,
    .looking = direct_looking,
    .late = direct_late,
    .deadline_ms = direct_deadline_ms,
};
