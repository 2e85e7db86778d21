/* SPDX-License-Identifier: Apache-2.0
 *
 * A dial: one host, and the link to it. What routers have in common: how the endpoints
 * of a host (all addresses of a name; all targets of a service, each with all of its
 * addresses) are tried.
 *
 *   IDLE     no link, no look-up
 *   LOOKING  a look-up has no endpoint to give yet
 *   TRYING   the link is on its way: opening, handshake
 *   PAUSED   all have failed; the next look-up begins at pause.until_ms
 *   READY    the link serves
 *
 * They are tried one after the other without a pause, each for a fraction of a second;
 * once all have failed there is a pause that grows, the name is looked up again, past
 * the cache, and each gets twice the time. A link that is lost leads to a new look-up,
 * too: the server may have moved. */
#include "net/engine.h"

#include <string.h>

enum {
    DIAL_STEADY_MS = 1000, /* a link that lived this long ended by accident: no pause */
    DIAL_SHAKE_TIMES = 4,  /* of the time to connect, for the handshake */
    DIAL_ROUNDS = 8,       /* the times double no further */
    DIAL_STALE_MS = 1000   /* a look-up that nobody waited for that long is too old */
};

void reef_dial_to(reef_engine *e, reef_dial *d, const reef_host *host)
{
    reef_dial_forget(e, d);
    memset(d, 0, sizeof *d);
    d->link = REEF_NO_LINK;
    if (host)
        d->host = *host;
}

bool reef_dial_is_fixed(const reef_dial *d)
{
    return d->host.kind == REEF_HOST_UNIX ||
           (d->host.kind == REEF_HOST_TCP && reef_address_literal(d->host.name));
}

void reef_dial_forget(reef_engine *e, reef_dial *d)
{
    if (e->resolver)
        reef_lookup_free(e->resolver, d->lookup);
    d->lookup = NULL;
    d->tried = d->hopeless = 0;
    d->left_ms = 0;
}

/* Calls that end before the look-up does leave it to the next one, if that comes
 * soon. */
void reef_dial_leave(reef_engine *e, reef_dial *d)
{
    if (d->lookup && d->left_ms == 0)
        d->left_ms = e->now_ms;
}

bool reef_dial_has_peers(const reef_dial *d)
{
    reef_look_target second;
    return d->lookup && reef_lookup_target(d->lookup, 1, &second);
}

bool reef_dial_hopeless(reef_code code)
{
    return code == REEF_AUTH || code == REEF_BADCONFIG || code == REEF_PROTOCOL ||
           code == REEF_REFUSED;
}

/* ---- endpoints ---------------------------------------------------------------- */

/* Nothing is left to try: the next look-up begins after a pause. */
static void dial_rest(reef_engine *e, reef_dial *d)
{
    reef_dial_forget(e, d);
    d->fresh = true;
    if (d->round < DIAL_ROUNDS)
        d->round++;
    reef_backoff_next(e, &d->pause);
}

static bool dial_look(reef_engine *e, reef_dial *d)
{
    reef_lookup_wish wish = {.name = d->host.name,
                             .srv = d->host.kind == REEF_HOST_SRV,
                             .port = d->host.port,
                             .fresh = d->fresh,
                             .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    reef_resolver *resolver = reef_engine_resolver(e);
    if (d->left_ms != 0 && e->now_ms - d->left_ms >= DIAL_STALE_MS)
        reef_dial_forget(e, d);
    d->left_ms = 0;
    if (!d->lookup && resolver)
        d->lookup = reef_lookup_new(resolver, &wish);
    return d->lookup != NULL;
}

static reef_dialled dial_nameless(reef_engine *e, reef_dial *d, reef_error *why)
{
    dial_rest(e, d);
    if (why->code == REEF_OK)
        reef_error_put(why, REEF_DNS, 0, NULL, "the name led to no address");
    return REEF_DIAL_NAMELESS;
}

/* The look-up has no more to give. */
static reef_dialled dial_ended(reef_engine *e, reef_dial *d, reef_error *why)
{
    reef_lookup_why(d->lookup, why);
    d->denied = reef_lookup_denied(d->lookup);
    if (d->tried == 0)
        return dial_nameless(e, d, why);
    d->spent = d->hopeless == d->tried;
    dial_rest(e, d);
    return REEF_DIAL_SPENT;
}

/* OPENS: there is an endpoint. */
static reef_dialled dial_endpoint(reef_engine *e, reef_dial *d, reef_endpoint *next,
                                  reef_error *why)
{
    if (!dial_look(e, d)) {
        reef_error_put(why, REEF_NOMEM, 0, NULL,
                       "out of memory for looking up the name");
        d->denied = false;
        return dial_nameless(e, d, why);
    }
    switch (reef_lookup_next(d->lookup, next)) {
    case REEF_LOOKUP_WAIT:
        return REEF_DIAL_WAITS;
    case REEF_LOOKUP_END:
        return dial_ended(e, d, why);
    case REEF_LOOKUP_READY:
        break;
    }
    d->tried++;
    return REEF_DIAL_OPENS;
}

/* One of several gets little time at first, so that a dead one leaves some for the
 * others. Whether there are others may not be known yet. */
static void dial_hurry(const reef_engine *e, const reef_dial *d, reef_link *l)
{
    int64_t whole_ms = e->config.connect_timeout_ms;
    int64_t dial_ms = (int64_t)REEF_DIAL_MS << d->round;
    int64_t shake_ms = dial_ms * (1 + DIAL_SHAKE_TIMES);
    l->attempt_deadline_ms = e->now_ms + (dial_ms < whole_ms ? dial_ms : whole_ms);
    l->shake_deadline_ms = e->now_ms + (shake_ms < whole_ms ? shake_ms : whole_ms);
}

/* The router is woken when a number becomes free. Where none is about to, memory is
 * out, and only time may help. */
static void dial_lacks_link(reef_engine *e, reef_dial *d)
{
    for (uint32_t i = 0; i < e->link_count; i++)
        if (e->links[i]->state == REEF_LINK_CLOSING)
            return;
    reef_backoff_next(e, &d->pause);
}

reef_dialled reef_dial_next(reef_engine *e, reef_dial *d, reef_error *why)
{
    bool fixed = reef_dial_is_fixed(d);
    reef_endpoint next;
    reef_link *l = reef_link_take(e, REEF_DUTY_SERVE);
    if (!l) {
        dial_lacks_link(e, d);
        return REEF_DIAL_WAITS;
    }
    reef_dialled step = fixed ? REEF_DIAL_OPENS : dial_endpoint(e, d, &next, why);
    if (step != REEF_DIAL_OPENS)
        return step;
    d->link = (int)l->index;
    d->attempts++;
    if (fixed) {
        reef_link_open(e, l, d->host.name, d->host.port,
                       d->host.kind == REEF_HOST_UNIX);
    } else {
        reef_link_open(e, l, next.address, next.port, false);
        dial_hurry(e, d, l);
    }
    return REEF_DIAL_OPENS;
}

/* ---- how an attempt ends ------------------------------------------------------ */

/* The only endpoint has all the time there is. */
bool reef_dial_late(reef_engine *e, reef_dial *d, reef_link *l)
{
    int64_t whole_ms = l->born_ms + e->config.connect_timeout_ms;
    bool alone = d->lookup && d->tried == 1 && !reef_lookup_more(d->lookup);
    if ((int)l->index != d->link || !alone || whole_ms <= e->now_ms)
        return false;
    l->attempt_deadline_ms = l->shake_deadline_ms = whole_ms;
    return true;
}

void reef_dial_ready(reef_engine *e, reef_dial *d)
{
    reef_dial_forget(e, d);
    d->attempts = 0;
    d->round = 0;
}

/* After a failed attempt the next endpoint at once, which may be what this one was not;
 * of a single one, again after a pause. */
void reef_dial_down(reef_engine *e, reef_dial *d, const reef_link *l,
                    const reef_error *why)
{
    d->link = REEF_NO_LINK;
    d->fresh = true;
    if (!l->served) {
        d->hopeless += reef_dial_hopeless(why->code);
        d->failed_ms = e->now_ms;
        if (reef_dial_is_fixed(d))
            reef_backoff_next(e, &d->pause);
    } else if (l->useful || e->now_ms - l->born_ms >= DIAL_STEADY_MS) {
        d->pause.step = 0;
    } else {
        reef_backoff_next(e, &d->pause);
    }
}
