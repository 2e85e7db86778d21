/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a single server: one link serves all commands.
 *
 *   IDLE      no link, nothing wanted
 *   PAUSED    no link; the next attempt waits for connect.until_ms
 *   TRYING    the main link is on its way: look-up, opening, handshake
 *   SERVING   the main link is READY; commands go out unless hold.until_ms lies ahead
 *
 * Addresses of the host are tried one after the other without a pause; once all have
 * failed there is a pause that grows, and a name is looked up again. What no attempt
 * can mend (wrong password, wrong db, a node of another kind) ends the waiting commands
 * at once. */
#include "net/engine.h"

#include <stdio.h>
#include <string.h>

enum {
    DIRECT_STEADY_MS =
        1000, /* a link that lived this long ended by accident: no pause */
    DIRECT_SHARE_MIN_MS = 250 /* of connect_timeout, for each of several addresses */
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

static void direct_find_addresses(reef_engine *e)
{
    reef_direct *d = &e->direct;
    const reef_host *host = direct_host(e);
    d->address_next = 0;
    if (host->kind == REEF_HOST_UNIX || reef_address_literal(host->name)) {
        snprintf(d->addresses[0], sizeof d->addresses[0], "%.*s",
                 (int)sizeof d->addresses[0] - 1, host->name);
        d->address_count = 1;
        return;
    }
    d->address_count = reef_hosts_find(e, 0, d->addresses, REEF_ADDRESSES_MAX);
}

/* Several addresses share the time, so that a dead first one leaves some for the
 * second. */
static int64_t direct_attempt_deadline(const reef_engine *e)
{
    int64_t whole = e->config.connect_timeout_ms;
    int64_t share = whole / (int64_t)e->direct.address_count;
    if (share < DIRECT_SHARE_MIN_MS)
        share = DIRECT_SHARE_MIN_MS;
    return e->now_ms + (share < whole ? share : whole);
}

static void direct_attempt(reef_engine *e)
{
    reef_direct *d = &e->direct;
    const reef_host *host = direct_host(e);
    reef_link *l = reef_link_take(e);
    if (!l)
        return;
    if (d->address_count == 0)
        direct_find_addresses(e);
    d->main = (int)l->index;
    d->wanted = false;
    /* How the last link ended is no reason any more: this attempt will have its own. */
    if (d->attempts++ == 0)
        e->failure.code = REEF_OK;
    if (d->address_count == 0)
        reef_link_lookup(e, l, host->name);
    else
        reef_link_open(e, l, d->addresses[d->address_next], host->port,
                       host->kind == REEF_HOST_UNIX, direct_attempt_deadline(e));
}

static void direct_wake(reef_engine *e)
{
    reef_direct *d = &e->direct;
    reef_link *l = direct_main(e);
    if (!l) {
        if ((e->waiting.head || d->wanted) && e->now_ms >= d->connect.until_ms)
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

static void direct_resolved(reef_engine *e, reef_link *l, const char *const addresses[],
                            size_t count, const char *why)
{
    reef_direct *d = &e->direct;
    reef_error error;
    char text[REEF_ERROR_TEXT];
    if ((int)l->index != d->main)
        return;
    d->address_count = 0;
    for (size_t i = 0; i < count && i < REEF_ADDRESSES_MAX; i++) {
        char *to = d->addresses[d->address_count];
        snprintf(to, sizeof d->addresses[0], "%s", addresses[i]);
        d->address_count += to[0] != 0;
    }
    if (d->address_count == 0) {
        snprintf(text, sizeof text, "the name does not resolve: %.150s",
                 why ? why : "");
        reef_error_put(&error, REEF_DNS, 0, direct_host(e)->name, text);
        reef_link_fail(e, l, true, &error);
        return;
    }
    d->address_next = 0;
    reef_link_open(e, l, d->addresses[0], direct_host(e)->port, false,
                   direct_attempt_deadline(e));
}

/* ---- how they end ------------------------------------------------------------- */

static reef_code direct_accept(reef_engine *e, const reef_link *l, reef_error *why)
{
    (void)e;
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
    e->direct.attempts = 0;
    e->direct.hold.step = 0;
    e->direct.hold.until_ms = e->now_ms;
}

static bool direct_hopeless(reef_code code)
{
    return code == REEF_AUTH || code == REEF_BADCONFIG || code == REEF_PROTOCOL ||
           code == REEF_REFUSED;
}

/* An attempt failed: the next address at once, or all again after a pause. */
static void direct_attempt_failed(reef_engine *e, const reef_error *why)
{
    reef_direct *d = &e->direct;
    if (direct_hopeless(why->code)) {
        reef_backoff_next(e, &d->connect);
        reef_tickets_refuse(e, why);
        return;
    }
    if (d->address_count > 0 && ++d->address_next < d->address_count)
        return;
    d->address_count = 0;
    reef_backoff_next(e, &d->connect);
}

static void direct_down(reef_engine *e, reef_link *l, const reef_error *why)
{
    reef_direct *d = &e->direct;
    if ((int)l->index != d->main)
        return;
    d->main = REEF_NO_LINK;
    e->failure = *why;
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

static void direct_waits_for(const reef_engine *e, reef_error *why)
{
    const reef_link *l =
        e->direct.main == REEF_NO_LINK ? NULL : &e->links[e->direct.main];
    if (l && l->state == REEF_LINK_LOOKUP)
        reef_error_put(
            why, REEF_DNS, 0, l->stats.peer,
            "the deadline passed while the name was looked up; nothing was sent");
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
    if (!e->waiting.head && !d->wanted)
        return INT64_MAX;
    if (d->main == REEF_NO_LINK)
        return d->connect.until_ms;
    return e->links[d->main].state == REEF_LINK_READY ? d->hold.until_ms : INT64_MAX;
}

const reef_router reef_router_direct = {
    .wake = direct_wake,
    .resolved = direct_resolved,
    .accept = direct_accept,
    .ready = direct_ready,
    .down = direct_down,
    .not_now = direct_not_now,
    .waits_for = direct_waits_for,
    .deadline_ms = direct_deadline_ms,
};
