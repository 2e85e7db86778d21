/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a single server: one link serves all commands.
 *
 *   IDLE      no link, nothing wanted
 *   PAUSED    no link; the next attempt waits for main.pause.until_ms
 *   LOOKING   no link; the look-up has no endpoint to give yet
 *   TRYING    the main link is on its way: opening, handshake
 *   SERVING   the main link is READY; commands go out unless hold.until_ms lies ahead
 *
 * A server that says that it is a node of a Cluster hands its link to that router.
 *
 * How the endpoints of the host are tried is dial.c's. What no attempt can mend (wrong
 * password, wrong db, a node of another kind) ends the waiting commands at once. */
#include "net/cluster.h"

#include <string.h>

static reef_link *direct_main(reef_engine *e)
{
    return e->direct.main.link == REEF_NO_LINK ? NULL : e->links[e->direct.main.link];
}

static bool direct_is_wanted(const reef_engine *e)
{
    return e->waiting.head || e->direct.wanted;
}

/* ---- attempts ----------------------------------------------------------------- */

/* The name led nowhere. Where servers say that there is nothing, and never was as far
 * as this client knows, waiting is of no use; but a service that was there may only be
 * between two homes. */
static void direct_lost_name(reef_engine *e, const reef_error *why)
{
    e->failure = *why;
    reef_report_event(e, REEF_EVENT_FAILED, e->direct.main.host.name, why->text);
    if (e->direct.main.denied && !e->direct.met)
        reef_tickets_refuse(e, why);
}

/* Where none of them can ever be used, waiting is of no use. That is no news to calls
 * that came after the last of them failed: they have a try of their own. */
static void direct_tried_all(reef_engine *e)
{
    const reef_dial *d = &e->direct.main;
    bool waited = e->waiting.head && e->waiting.head->submitted_ms <= d->failed_ms;
    reef_error why = e->failure;
    if (waited && d->spent)
        reef_tickets_refuse(e, &why);
}

static void direct_attempt(reef_engine *e)
{
    reef_error why = {REEF_OK, 0, ""};
    switch (reef_dial_next(e, &e->direct.main, &why)) {
    case REEF_DIAL_WAITS:
        break;
    case REEF_DIAL_OPENS:
        e->direct.wanted = false;
        /* How the last link ended is no reason any more: this attempt will have its
         * own. */
        if (e->direct.main.attempts == 1)
            e->failure.code = REEF_OK;
        break;
    case REEF_DIAL_NAMELESS:
        direct_lost_name(e, &why);
        break;
    case REEF_DIAL_SPENT:
        direct_tried_all(e);
        break;
    }
}

static void direct_wake(reef_engine *e)
{
    reef_direct *d = &e->direct;
    reef_link *l = direct_main(e);
    if (!l) {
        if (!direct_is_wanted(e))
            reef_dial_leave(e, &d->main);
        else if (e->now_ms >= d->main.pause.until_ms)
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

static reef_code direct_accept(reef_engine *e, const reef_link *l, reef_error *why)
{
    /* It would refuse each write, and the next target may be its master. */
    if (strcmp(l->server.role, "replica") == 0 &&
        strcmp(l->server.mode, "cluster") != 0 &&
        reef_dial_has_peers(&e->direct.main)) {
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
    if (strcmp(l->server.mode, "cluster") == 0)
        return reef_cluster_take_over(e, e->links[l->index], why);
    return REEF_OK;
}

static void direct_ready(reef_engine *e, reef_link *l)
{
    (void)l;
    e->failure.code = REEF_OK;
    reef_dial_ready(e, &e->direct.main);
    e->direct.met = true;
    e->direct.hold.step = 0;
    e->direct.hold.until_ms = e->now_ms;
}

static void direct_down(reef_engine *e, reef_link *l, const reef_error *why)
{
    reef_dial *d = &e->direct.main;
    if ((int)l->index != d->link)
        return;
    e->failure = *why;
    reef_dial_down(e, d, l, why);
    if (!l->served && reef_dial_is_fixed(d) && reef_dial_hopeless(why->code))
        reef_tickets_refuse(e, why);
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
    const reef_dial *d = &e->direct.main;
    reef_lookup_why(d->lookup, why);
    if (why->code == REEF_OK)
        reef_error_put(
            why, REEF_DNS, 0, d->host.name,
            "the deadline passed while the name was looked up; nothing was sent");
}

/* A look-up that has nothing to give yet: its own deadlines are the resolver's. */
static bool direct_looking(const reef_engine *e)
{
    const reef_dial *d = &e->direct.main;
    return d->lookup && d->link == REEF_NO_LINK && direct_is_wanted(e);
}

static void direct_waits_for(const reef_engine *e, const reef_ticket *t,
                             reef_error *why)
{
    (void)t;
    const reef_dial *d = &e->direct.main;
    const reef_link *l = d->link == REEF_NO_LINK ? NULL : e->links[d->link];
    if (!l && d->lookup)
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
            why, REEF_UNSENT, 0, d->host.name,
            "the deadline passed before a connection was ready; nothing was sent");
}

static bool direct_late(reef_engine *e, reef_link *l)
{
    return reef_dial_late(e, &e->direct.main, l);
}

static int64_t direct_deadline_ms(const reef_engine *e)
{
    const reef_direct *d = &e->direct;
    if (!direct_is_wanted(e) || direct_looking(e))
        return INT64_MAX;
    if (d->main.link == REEF_NO_LINK)
        return d->main.pause.until_ms;
    return e->links[d->main.link]->state == REEF_LINK_READY ? d->hold.until_ms
                                                            : INT64_MAX;
}

static void direct_tend(reef_engine *e)
{
    e->direct.wanted = e->direct.main.link == REEF_NO_LINK;
}

/* A single server is asked nothing of the router's own. */
static void direct_answered(reef_engine *e, reef_link *l, const reef_ticket *t)
{
    (void)e;
    (void)l;
    (void)t;
}

static void direct_said(reef_engine *e, reef_link *l, const reef_reply *push)
{
    (void)e;
    (void)l;
    (void)push;
}

static void direct_unasked(reef_engine *e, reef_link *l)
{
    (void)e;
    (void)l;
}

static void direct_end(reef_engine *e)
{
    reef_dial_forget(e, &e->direct.main);
}

const reef_router reef_router_direct = {
    .moves = false,
    .wake = direct_wake,
    .accept = direct_accept,
    .ready = direct_ready,
    .down = direct_down,
    .not_now = direct_not_now,
    .waits_for = direct_waits_for,
    .looking = direct_looking,
    .late = direct_late,
    .deadline_ms = direct_deadline_ms,
    .tend = direct_tend,
    .answered = direct_answered,
    .said = direct_said,
    .unasked = direct_unasked,
    .end = direct_end,
};
