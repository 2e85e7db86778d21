/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for Sentinel: all commands go to the master, and this file knows who that
 * is. Every Sentinel is asked and heard (sentinels.c, sentinel_ask.c); what they say is
 * weighed here, and nothing is believed of a server but its own word for its role.
 *
 *   SEEKING   no master is known; Sentinels are asked
 *   DIALLING  a master is claimed: connecting to it, its role not known yet
 *   SERVING   it said that it is a master; commands go out
 *   HELD      a replica was selected to take over: nothing goes to the old master any
 *             more; the replica is asked for its role every REEF_PROBE_MS
 *
 *   SEEKING --(a claim, after REEF_SETTLE_MS or most Sentinels)--> DIALLING
 *   DIALLING --(role master)--> SERVING
 *   DIALLING --(role replica, refused, silent)--> DIALLING after a pause; all are asked
 *   SERVING --(lost, READONLY)--> DIALLING; all are asked
 *   any --(+selected-slave)--> HELD
 *   HELD --(the replica says master)--> SERVING there, "early": not announced yet
 *   HELD --(abort, or the leader says that it is over, or REEF_HOLD_MS)--> as before
 *   any --(a claim of a higher rank)--> DIALLING there
 *
 * The early step gains what an announcement takes, most of a second. Its price: if the
 * leader dies before it has told the others, they may elect another, or make the old
 * master the master again, and what was written in between is rolled back. The setting
 * failover = "announced" leaves it out: HELD ends with the announcement.
 *
 * Invariants: a command is written only to a link whose server has said that it is a
 * master, on that link; never while HELD; never to a Sentinel. */
#include "net/sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool reef_sentinels_begin(reef_engine *e)
{
    e->sentinels = calloc(1, sizeof *e->sentinels);
    if (!e->sentinels)
        return false;
    e->sentinels->main.link = e->sentinels->next.link = REEF_NO_LINK;
    return reef_sentinels_fill(e);
}

bool reef_sentinel_wanted(const reef_engine *e)
{
    return reef_engine_called(e) || e->now_ms < e->sentinels->wanted_ms;
}

/* ---- roles -------------------------------------------------------------------- */

static void sentinel_ask_role(reef_engine *e, reef_link *l, reef_probe *probe)
{
    reef_cmd *cmd = reef_cmd_new();
    const reef_cmd *one = cmd;
    reef_errand_order order = {.errand = REEF_ERRAND_ROLE,
                               .cmds = &one,
                               .count = 1,
                               .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    /* Where no call waits for it there is no hurry. */
    probe->next_ms =
        e->now_ms + (e->sentinels->held ? REEF_PROBE_MS : REEF_BACKOFF_MAX_MS);
    if (!cmd)
        return;
    /* HELLO needs no permission, and tells the role; ROLE is for who has no HELLO. */
    reef_cmd_begin(cmd, l->server.mode[0] ? "HELLO" : "ROLE");
    if (l->server.mode[0])
        reef_cmd_int(cmd, l->protocol);
    probe->out = reef_engine_errand(e, l, &order);
    probe->asked_ms = e->now_ms;
    reef_cmd_free(cmd);
}

static void sentinel_probe(reef_engine *e, const reef_dial *d, reef_probe *probe)
{
    reef_link *l = reef_sentinel_link(e, d);
    if (l && l->state == REEF_LINK_READY && !probe->master && !probe->out &&
        e->now_ms >= probe->next_ms)
        sentinel_ask_role(e, l, probe);
}

/* The target has said that it is a master. */
static void sentinel_met(reef_sentinels *st)
{
    st->met = true;
    st->pause.step = 0;
    st->hopeless = false;
    st->why.code = REEF_OK;
    if (reef_place_same(&st->target, &st->refuted))
        st->refuted.port = 0;
}

static void sentinel_role_told(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    reef_sentinels *st = e->sentinels;
    bool main = l == reef_sentinel_link(e, &st->main);
    reef_probe *probe = main ? &st->main_probe : &st->next_probe;
    reef_error why;
    if (!main && l != reef_sentinel_link(e, &st->next))
        return;
    probe->out = false;
    if (main && !st->held && probe->asked_ms < st->hold_end_ms) { /* it is old */
        probe->next_ms = probe->asked_ms + REEF_PROBE_MS;
        return;
    }
    probe->master = reef_says_role(reply) == 'm';
    if (probe->master && main)
        sentinel_met(st);
    if (probe->master || !main)
        return;
    const char *said = reef_reply_text(reply);
    char text[REEF_ERROR_TEXT];
    if (reef_reply_code(reply) == REEF_REFUSED) {
        bool denied = strncmp(said, "NOPERM", 6) == 0;
        snprintf(text, sizeof text, "does not tell its role: %.150s%s", said,
                 denied ? "; the user needs the command ROLE" : "");
        reef_error_put(&why, denied ? REEF_AUTH : REEF_CONNECT, 0, l->stats.peer, text);
    } else {
        reef_error_put(&why, REEF_NOROUTE, 0, l->stats.peer,
                       "is a replica, and Sentinels name it as the master");
    }
    reef_link_fail(e, l, false, &why);
}

/* ---- the router --------------------------------------------------------------- */

static reef_code sentinel_accept_watch(const reef_link *l, reef_error *why)
{
    if (!l->server.mode[0] || strcmp(l->server.mode, "sentinel") == 0)
        return REEF_OK;
    reef_error_put(why, REEF_BADCONFIG, 0, NULL,
                   "is no Sentinel but a server, and [server.redis] lists it: with "
                   "master_name set, hosts are the Sentinels");
    return REEF_BADCONFIG;
}

static reef_code sentinel_accept(reef_engine *e, const reef_link *l, reef_error *why)
{
    const reef_sentinels *st = e->sentinels;
    if (l->duty == REEF_DUTY_WATCH)
        return sentinel_accept_watch(l, why);
    if (strcmp(l->server.mode, "cluster") == 0 ||
        strcmp(l->server.mode, "sentinel") == 0) {
        reef_error_put(why, REEF_NOROUTE, 0, NULL,
                       "is named as the master, and is a node of a Cluster or a "
                       "Sentinel");
        return REEF_NOROUTE;
    }
    if ((int)l->index == st->main.link && l->server.role[0] &&
        strcmp(l->server.role, "master") != 0) {
        reef_error_put(why, REEF_NOROUTE, 0, NULL,
                       "is a replica, and Sentinels name it as the master");
        return REEF_NOROUTE;
    }
    return REEF_OK;
}

static void sentinel_ready(reef_engine *e, reef_link *l)
{
    reef_sentinels *st = e->sentinels;
    reef_sentinel *s = reef_sentinels_of_link(e, l);
    if (l->duty == REEF_DUTY_WATCH && s) {
        memcpy(s->version, l->server.version, sizeof s->version);
        reef_sentinel_watch(e, s);
        reef_sentinel_ask(e, s);
        return;
    }
    bool main = (int)l->index == st->main.link;
    reef_probe *probe = main ? &st->main_probe : &st->next_probe;
    memset(probe, 0, sizeof *probe);
    /* What it was asked before a hold that is over is old. When HELLO was asked is not
     * known: not before the link was born. */
    bool told = l->server.role[0] && l->born_ms >= st->hold_end_ms;
    probe->master = told && strcmp(l->server.role, "master") == 0;
    probe->asked_ms = l->server.role[0] ? l->told_ms : e->now_ms - REEF_PROBE_MS;
    probe->next_ms = probe->asked_ms + REEF_PROBE_MS;
    reef_dial_ready(e, main ? &st->main : &st->next);
    if (!main)
        e->warm = reef_sentinel_link(e, &st->main); /* what calls go to */
    if (main && probe->master)
        sentinel_met(st);
}

/* What no attempt can mend, at a place that is the master as far as anybody knows. */
static void sentinel_main_failed(reef_engine *e, const reef_error *why)
{
    reef_sentinels *st = e->sentinels;
    reef_sentinel_refute(e, why);
    st->hopeless = reef_dial_is_fixed(&st->main) && reef_dial_hopeless(why->code);
}

static void sentinel_down(reef_engine *e, reef_link *l, const reef_error *why)
{
    reef_sentinels *st = e->sentinels;
    if (l->duty == REEF_DUTY_WATCH) {
        reef_sentinels_down(e, l, why);
    } else if ((int)l->index == st->main.link) {
        memset(&st->main_probe, 0, sizeof st->main_probe);
        st->why = *why;
        reef_dial_down(e, &st->main, l, why);
        if (!l->served)
            sentinel_main_failed(e, why);
        reef_sentinels_ask(e, l->served ? 0 : REEF_SENTINEL_GAP_MS);
    } else if ((int)l->index == st->next.link) {
        memset(&st->next_probe, 0, sizeof st->next_probe);
        reef_dial_down(e, &st->next, l, why);
        /* As it is promoted it closes its connections: that is the moment. */
        if (l->served)
            st->next.pause.until_ms = l->born_ms + REEF_PROBE_MS;
    }
}

static void sentinel_not_now(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    reef_sentinels *st = e->sentinels;
    bool main = (int)l->index == st->main.link;
    if (main && strncmp(text, "READONLY", 8) == 0) {
        reef_report_event(e, REEF_EVENT_RETRIED, l->stats.peer, text);
        reef_error_put(&why, REEF_NOROUTE, 0, l->stats.peer, text);
        reef_sentinel_refute(e, &why);
        reef_link_retire(e, l, "is a master no more");
    } else if (main && st->pause.until_ms <= e->now_ms) {
        reef_backoff_next(e, &st->pause);
        reef_report_event(e, REEF_EVENT_RETRIED, l->stats.peer, text);
        reef_sentinels_ask(e, REEF_SENTINEL_GAP_MS);
    }
}

static void sentinel_dial(reef_engine *e, reef_dial *d, const reef_place *to)
{
    reef_sentinels *st = e->sentinels;
    reef_error why = {REEF_OK, 0, ""};
    if (!to->port || d->link != REEF_NO_LINK || e->now_ms < d->pause.until_ms)
        return;
    reef_dialled step = reef_dial_next(e, d, &why);
    if (step == REEF_DIAL_NAMELESS && d == &st->main)
        st->why = why;
    if (step == REEF_DIAL_NAMELESS || step == REEF_DIAL_SPENT)
        reef_sentinels_ask(e, REEF_SENTINEL_GAP_MS);
    if (step == REEF_DIAL_SPENT && d == &st->main)
        st->hopeless = d->spent && st->why.code != REEF_OK;
}

/* A call after a silence: what is known may be old, unless announcements can be heard
 * and an answer came a moment ago; a connection that is open proves nothing. A Sentinel
 * is asked first; one that does not answer is not waited for. */
static void sentinel_doubt(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    bool idle = e->now_ms - st->busy_ms >= REEF_IDLE_GAP_MS;
    st->resting = !reef_engine_called(e);
    if (st->resting)
        return;
    st->busy_ms = e->now_ms;
    if (idle && st->met && !reef_sentinels_fresh(e)) {
        st->doubt_ms = e->now_ms;
        st->doubter = NULL;
        reef_sentinels_ask(e, 0);
    }
}

/* What was announced while nobody called is as new as the call that waits for it. Short
 * calls in a row are no silence: they would put off the end of it for ever. */
static void sentinel_rouse(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    bool idle = e->now_ms - st->busy_ms >= REEF_IDLE_GAP_MS;
    if (!st->resting || !idle || !reef_engine_called(e))
        return;
    if (st->held)
        st->held_ms = st->hold_from_ms = e->now_ms;
    if (st->doubt_ms)
        st->doubt_ms = e->now_ms;
    if (st->doubt_ms)
        reef_sentinels_ask(e, 0);
}

static bool sentinel_doubts(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    if (st->doubt_ms == 0)
        return false;
    bool heard = false;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        heard =
            heard || ((!st->doubter || st->doubter == s) && !s->asking && !s->due_ms &&
                      s->heard_ms >= st->doubt_ms && s->asked_ms >= st->doubt_ms);
    }
    bool rests = reef_sentinels_at_rest(e) && e->now_ms > st->doubt_ms;
    return !heard && !rests && e->now_ms - st->doubt_ms < REEF_SENTINEL_MS;
}

static bool sentinel_serves(const reef_engine *e, const reef_link *l)
{
    const reef_sentinels *st = e->sentinels;
    return l && l->state == REEF_LINK_READY && st->main_probe.master && !st->held &&
           st->settled && st->doubt_ms == 0 && e->now_ms >= st->pause.until_ms &&
           reef_link_silence_ms(e, l) < REEF_SILENCE_HOLD_MS;
}

/* A master that has been silent for a moment with replies owed may be gone: what it has
 * not been given yet can go to the next one, and is not in doubt. It runs commands one
 * by one, so nothing is lost by that. */
static void sentinel_serve(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    reef_link *l = reef_sentinel_link(e, &st->main);
    if (!e->waiting.head || !sentinel_serves(e, l) || !reef_link_fit(e, l))
        return;
    while (e->waiting.head) {
        reef_ticket *t = e->waiting.head;
        reef_list_remove(&e->waiting, t);
        reef_link_submit(e, l, t);
    }
}

/* No waiting can help: since the oldest call came the master has refused us, and a
 * Sentinel has named it; or no Sentinel can name one. */
static bool sentinel_is_hopeless(const reef_engine *e, reef_error *why)
{
    const reef_sentinels *st = e->sentinels;
    const reef_ticket *t = e->waiting.head;
    if (!t)
        return false;
    *why = st->why;
    if (st->hopeless && !st->held && !reef_sentinel_is_refuted(st))
        return reef_sentinel_is_agreed(e) && st->supported_ms >= t->submitted_ms &&
               st->main.failed_ms >= t->submitted_ms;
    return !st->met && reef_sentinels_hopeless(e, why) != REEF_OK;
}

static void sentinel_wake(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    reef_error why;
    sentinel_rouse(e);
    sentinel_doubt(e);
    bool wanted = reef_sentinel_wanted(e);
    if (wanted)
        reef_sentinels_wake(e);
    /* What was said counts, though nobody waits for it: who said it may be gone when
     * somebody does. */
    reef_sentinel_settle(e);
    if (st->settled)
        reef_sentinel_judge(e);
    reef_sentinel_await(e);
    if (!wanted) {
        reef_dial_leave(e, &st->main);
        return;
    }
    if (!sentinel_doubts(e))
        st->doubt_ms = 0;
    if (!st->held)
        sentinel_dial(e, &st->main, &st->target);
    if (!e->config.failover_announced)
        sentinel_dial(e, &st->next, &st->chosen);
    if (!st->held)
        sentinel_probe(e, &st->main, &st->main_probe);
    sentinel_probe(e, &st->next, &st->next_probe);
    if (sentinel_is_hopeless(e, &why))
        reef_tickets_refuse(e, &why);
    sentinel_serve(e);
}

static bool sentinel_late(reef_engine *e, reef_link *l)
{
    reef_sentinels *st = e->sentinels;
    return l->duty == REEF_DUTY_SERVE &&
           (reef_dial_late(e, &st->main, l) || reef_dial_late(e, &st->next, l));
}

static bool sentinel_looking(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    return reef_sentinel_wanted(e) &&
           ((st->main.lookup && st->main.link == REEF_NO_LINK) ||
            !reef_sentinels_at_rest(e));
}

static void sentinel_earlier(int64_t *at, int64_t other)
{
    *at = other < *at ? other : *at;
}

static void sentinel_dial_at(const reef_engine *e, const reef_dial *d,
                             const reef_probe *probe, int64_t *at)
{
    const reef_link *l = reef_sentinel_link(e, d);
    if (!l && !d->lookup)
        sentinel_earlier(at, d->pause.until_ms);
    else if (l && l->state == REEF_LINK_READY && !probe->master && !probe->out)
        sentinel_earlier(at, probe->next_ms);
}

static void sentinel_held_at(const reef_engine *e, int64_t *at)
{
    const reef_sentinels *st = e->sentinels;
    int64_t leaderless_ms = st->held_ms + REEF_LEADERLESS_MS;
    if (reef_engine_called(e)) {
        sentinel_earlier(at, st->held_ms + REEF_HOLD_MS);
        sentinel_earlier(at, st->hold_from_ms + REEF_HOLDS_MS - st->hold_spent_ms);
    }
    if (leaderless_ms > e->now_ms)
        sentinel_earlier(at, leaderless_ms);
}

static int64_t sentinel_deadline_ms(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    int64_t at = INT64_MAX;
    if (!reef_sentinel_wanted(e))
        return at;
    at = reef_sentinels_deadline_ms(e);
    if (st->target.port && !st->held)
        sentinel_dial_at(e, &st->main, &st->main_probe, &at);
    if (st->chosen.port && !e->config.failover_announced)
        sentinel_dial_at(e, &st->next, &st->next_probe, &at);
    if (st->held)
        sentinel_held_at(e, &at);
    if (!st->settled && st->first_ms + REEF_SETTLE_MS > e->now_ms)
        sentinel_earlier(&at, st->first_ms + REEF_SETTLE_MS);
    if (st->doubt_ms)
        sentinel_earlier(&at, st->doubt_ms + REEF_SENTINEL_MS);
    if (st->wanted_ms > e->now_ms)
        sentinel_earlier(&at, st->wanted_ms);
    if (e->waiting.head && st->pause.until_ms > e->now_ms)
        sentinel_earlier(&at, st->pause.until_ms);
    return at;
}

static void sentinel_tend(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    const reef_link *l = reef_sentinel_link(e, &st->main);
    bool whole = l && l->state == REEF_LINK_READY && reef_sentinels_watching(e);
    if (!whole)
        st->wanted_ms = e->now_ms + REEF_SENTINEL_ASK_MS;
}

static void sentinel_waits_for(const reef_engine *e, const reef_ticket *t,
                               reef_error *why)
{
    (void)t;
    reef_sentinels_why(e, why);
}

static void sentinel_answered(reef_engine *e, reef_link *l, const reef_ticket *t)
{
    if (t->errand == REEF_ERRAND_ROLE)
        sentinel_role_told(e, l, t->replies[0]);
    else
        reef_sentinel_answered(e, l, t);
}

static void sentinel_said(reef_engine *e, reef_link *l, const reef_reply *push)
{
    reef_says_event event;
    reef_sentinel *s = reef_sentinels_of_link(e, l);
    if (!s || reef_says_push(push, e->config.master_name, &event) == REEF_SAYS_NOTHING)
        return;
    s->due_ms = e->now_ms;
    reef_sentinel_heard(e, s, &event);
}

static void sentinel_unasked(reef_engine *e, reef_link *l)
{
    reef_sentinels *st = e->sentinels;
    if ((int)l->index == st->main.link)
        st->main_probe.out = false;
    else if ((int)l->index == st->next.link)
        st->next_probe.out = false;
}

const reef_router reef_router_sentinel = {
    .moves = true,
    .wake = sentinel_wake,
    .accept = sentinel_accept,
    .ready = sentinel_ready,
    .down = sentinel_down,
    .not_now = sentinel_not_now,
    .waits_for = sentinel_waits_for,
    .looking = sentinel_looking,
    .late = sentinel_late,
    .deadline_ms = sentinel_deadline_ms,
    .tend = sentinel_tend,
    .answered = sentinel_answered,
    .said = sentinel_said,
    .unasked = sentinel_unasked,
    .end = reef_sentinels_free,
};
