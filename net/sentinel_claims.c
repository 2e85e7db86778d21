/* SPDX-License-Identifier: Apache-2.0
 *
 * Who the master is: the claims of Sentinels weighed against each other (their order
 * stands in sentinel.h), the move to another master, and the fail-overs in between. The
 * states stand in sentinel.c.
 *
 * Whenever the master changes every link to a server of before is closed: what was sent
 * there and not answered is unsure, or is sent again where that is allowed. */
#include "net/sentinel.h"

#include <stdio.h>
#include <string.h>

reef_link *reef_sentinel_link(const reef_engine *e, const reef_dial *d)
{
    return d->link == REEF_NO_LINK ? NULL : e->links[d->link];
}

/* ---- moving ------------------------------------------------------------------- */

static reef_host claim_host(const reef_place *place)
{
    reef_host host;
    memset(&host, 0, sizeof host);
    host.kind = REEF_HOST_TCP;
    host.port = place->port;
    memcpy(host.name, place->host, sizeof host.name);
    return host;
}

static void claim_dial_to(reef_engine *e, reef_dial *d, reef_probe *probe,
                          const reef_place *place)
{
    reef_host host = claim_host(place);
    memset(probe, 0, sizeof *probe);
    reef_dial_to(e, d, place->port ? &host : NULL);
}

/* Whoever is chosen next: links are opened no more often than roles are asked for. */
static void claim_dial_next(reef_engine *e, const reef_place *place)
{
    reef_dial *next = &e->sentinels->next;
    const reef_link *l = reef_sentinel_link(e, next);
    int64_t soon_ms = e->now_ms + REEF_PROBE_MS;
    int64_t until_ms = l ? l->born_ms + REEF_PROBE_MS : next->pause.until_ms;
    claim_dial_to(e, next, &e->sentinels->next_probe, place);
    next->pause.until_ms = until_ms < soon_ms ? until_ms : soon_ms;
}

/* Its down() finds nobody: the caller has let go of it. */
static void claim_close(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    reef_error_put(&why, REEF_UNSURE, 0, l->stats.peer, text);
    reef_link_fail(e, l, false, &why);
}

static bool claim_is_open(const reef_link *l)
{
    return l->duty == REEF_DUTY_SERVE && l->state != REEF_LINK_FREE &&
           l->state != REEF_LINK_CLOSING;
}

/* Every link to a server but this one. */
static void claim_close_others(reef_engine *e, int keep)
{
    for (uint32_t i = 0; i < e->link_count; i++)
        if ((int)i != keep && claim_is_open(e->links[i]))
            claim_close(e, e->links[i], "another server is the master now");
}

/* No replica is awaited any more. */
static void claim_unchoose(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    reef_link *l = reef_sentinel_link(e, &st->next);
    st->held = false;
    st->chosen.port = 0;
    st->holder = NULL;
    claim_dial_next(e, &st->chosen);
    if (!l)
        return;
    l->quiet = true;
    claim_close(e, l, "not needed: the fail-over has ended");
}

static void claim_tell_switch(reef_engine *e, const reef_sentinel *who)
{
    const reef_sentinels *st = e->sentinels;
    char text[REEF_ERROR_TEXT], place[REEF_PEER_TEXT], by[REEF_PEER_TEXT];
    reef_place_text(&st->target, place);
    if (who) {
        reef_peer_text(by, who->address, who->port, false);
        snprintf(text, sizeof text, "is the master of '%.60s', by the word of %.60s",
                 e->config.master_name, by);
    } else {
        snprintf(text, sizeof text,
                 "is the master of '%.60s': it was selected, and says so itself",
                 e->config.master_name);
    }
    reef_report_event(e, REEF_EVENT_SWITCHED, place, text);
}

/* `who` NULL: the chosen replica has said it itself. Its link, if there is one, is the
 * main link from now on. */
static void claim_switch(reef_engine *e, const reef_place *to, uint64_t rank,
                         const reef_sentinel *who)
{
    reef_sentinels *st = e->sentinels;
    bool chosen = st->chosen.port && reef_place_same(to, &st->chosen);
    bool first = st->target.port == 0;
    st->target = *to;
    st->rank = rank;
    st->early = who == NULL;
    st->since_ms = st->supported_ms = e->now_ms;
    if (first) /* no announcement can be on its way: nobody was left for it */
        st->since_ms -= REEF_EARLY_MS;
    st->why.code = REEF_OK;
    st->hopeless = false;
    st->doubt_ms = 0; /* it was checked, and led here */
    st->hold_spent_ms = 0;
    st->pause = (reef_backoff){0, 0};
    reef_dial_forget(e, &st->main);
    st->main.link = REEF_NO_LINK;
    if (chosen) {
        st->met = st->met || st->next_probe.master;
        st->main = st->next;
        st->main_probe = st->next_probe;
        e->warm = reef_sentinel_link(e, &st->main);
        st->next.lookup = NULL;
        st->next.link = REEF_NO_LINK;
    } else {
        claim_dial_to(e, &st->main, &st->main_probe, to);
    }
    claim_unchoose(e);
    claim_close_others(e, st->main.link);
    if (!first)
        claim_tell_switch(e, who);
    reef_sentinels_ask(e, 0);
}

/* ---- claims ------------------------------------------------------------------- */

uint64_t reef_sentinel_rank(const reef_sentinel *s)
{
    uint64_t most = UINT64_MAX / 4; /* no Sentinel counts that far */
    uint64_t epoch = s->master.epoch < most ? s->master.epoch : most;
    return 2 * epoch + !reef_place_same(&s->place, &s->master.place);
}

static bool claim_counts(const reef_engine *e, const reef_sentinel *s)
{
    return s->knows && !s->twin && e->now_ms - s->heard_ms < REEF_BELIEF_MS;
}

bool reef_sentinels_name(const reef_engine *e, const reef_sentinel *s,
                         const reef_place *place)
{
    return claim_counts(e, s) && reef_place_same(&s->place, place);
}

static uint32_t claim_votes(const reef_engine *e, const reef_place *place)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t votes = 0;
    for (uint32_t i = 0; i < st->count; i++)
        votes += reef_sentinels_name(e, st->list[i], place);
    return votes;
}

bool reef_sentinel_is_refuted(const reef_sentinels *st)
{
    return st->refuted.port && st->rank <= st->refuted_rank &&
           reef_place_same(&st->target, &st->refuted);
}

bool reef_sentinel_is_agreed(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t heard = 0;
    for (uint32_t i = 0; i < st->count; i++)
        heard += claim_counts(e, st->list[i]);
    return claim_votes(e, &st->target) * 2 > heard;
}

/* The place itself has said otherwise, and most Sentinels do not insist. */
static bool claim_is_refuted(const reef_engine *e, const reef_sentinel *s)
{
    const reef_sentinels *st = e->sentinels;
    return st->refuted.port && reef_place_same(&s->place, &st->refuted) &&
           reef_sentinel_rank(s) <= st->refuted_rank &&
           claim_votes(e, &s->place) * 2 <= reef_sentinels_known(e);
}

/* Not of a higher rank, but held by most, and what is believed is lost: it has said
 * otherwise itself; of an equal rank, nobody holds it now; or nobody held it for a
 * while before these were asked. A place that its Sentinels can't reach is no way
 * out. */
static bool claim_is_left(const reef_engine *e, const reef_sentinel *s)
{
    const reef_sentinels *st = e->sentinels;
    bool equal = reef_sentinel_rank(s) == st->rank && !st->early &&
                 claim_votes(e, &st->target) == 0;
    bool lost = equal || reef_sentinel_is_refuted(st);
    bool down = s->master.down && reef_place_same(&s->place, &s->master.place);
    uint32_t votes = 0;
    for (uint32_t i = 0; i < st->count && !down; i++) {
        const reef_sentinel *voter = st->list[i];
        bool late = voter->heard_ms - st->supported_ms >= REEF_BELIEF_MS;
        votes += (lost || late) && reef_sentinels_name(e, voter, &s->place);
    }
    return votes * 2 > reef_sentinels_known(e);
}

/* The claim to follow: of those that count the one of the highest rank. */
static const reef_sentinel *claim_best(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    const reef_sentinel *best = NULL;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        if (!claim_counts(e, s) || claim_is_refuted(e, s))
            continue;
        bool higher = st->target.port == 0 || reef_sentinel_rank(s) > st->rank;
        bool better = !best || reef_sentinel_rank(s) > reef_sentinel_rank(best);
        if (better && (higher || claim_is_left(e, s)))
            best = s;
    }
    return best;
}

/* The first claim may be that of a Sentinel that was cut off: others get a moment to
 * say better. */
void reef_sentinel_settle(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    uint32_t heard = 0;
    for (uint32_t i = 0; i < st->count; i++)
        heard += claim_counts(e, st->list[i]);
    st->settled =
        st->settled || (heard > 0 && (heard * 2 > reef_sentinels_known(e) ||
                                      e->now_ms - st->first_ms >= REEF_SETTLE_MS ||
                                      reef_sentinels_at_rest(e)));
}

/* It was the master by its own word alone, and is not (any more). */
static void claim_lose_early(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    if (!st->early)
        return;
    st->early = false;
    st->rank -= st->rank & 1;
    st->supported_ms = e->now_ms - REEF_BELIEF_MS;
}

/* Few name it, and it can't be used. Others have announced by then what a leader says
 * first; who alone says it errs. */
static bool claim_is_vain(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    return e->now_ms - st->since_ms >= REEF_EARLY_MS &&
           claim_votes(e, &st->target) * 2 <= reef_sentinels_known(e);
}

void reef_sentinel_refute(reef_engine *e, const reef_error *why)
{
    reef_sentinels *st = e->sentinels;
    if (why->code != REEF_NOROUTE && !claim_is_vain(e))
        return;
    st->refuted = st->target;
    st->refuted_rank = st->rank;
    claim_lose_early(e);
}

void reef_sentinel_judge(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    uint64_t rank = 0;
    bool named = false;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        if (!reef_sentinels_name(e, s, &st->target))
            continue;
        st->supported_ms =
            s->heard_ms > st->supported_ms ? s->heard_ms : st->supported_ms;
        rank = reef_sentinel_rank(s) > rank ? reef_sentinel_rank(s) : rank;
        named = true;
    }
    if (named && st->early) { /* its rank was our own guess */
        st->early = false;
        st->rank = rank;
    }
    const reef_sentinel *best = claim_best(e);
    if (best && reef_place_same(&best->place, &st->target))
        st->rank = reef_sentinel_rank(best);
    else if (best)
        claim_switch(e, &best->place, reef_sentinel_rank(best), best);
}

/* ---- fail-overs --------------------------------------------------------------- */

/* How long this one has kept callers waiting: it costs nothing while nobody calls. */
static int64_t claim_held_for(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    int64_t until_ms = reef_engine_called(e) ? e->now_ms : st->busy_ms;
    return until_ms > st->hold_from_ms ? until_ms - st->hold_from_ms : 0;
}

static void claim_resume(reef_engine *e, const char *text)
{
    reef_sentinels *st = e->sentinels;
    reef_link *l = reef_sentinel_link(e, &st->main);
    char place[REEF_PEER_TEXT];
    if (!st->held)
        return;
    st->held = false;
    st->hold_spent_ms += claim_held_for(e);
    if (reef_engine_called(e)) /* however short: the master is asked anew who it is */
        st->hold_spent_ms += REEF_HOLD_COSTS_MS;
    st->hold_end_ms = e->now_ms;
    if (l)
        l->held = false;
    /* Whether it still is one is its own word again. */
    st->main_probe.master = false;
    st->main_probe.next_ms = st->main_probe.asked_ms + REEF_PROBE_MS;
    reef_place_text(&st->target, place);
    reef_report_event(e, REEF_EVENT_RESUMED, place, text);
    reef_sentinels_ask(e, 0);
}

static void claim_tell_hold(reef_engine *e, const reef_sentinel *s)
{
    const reef_sentinels *st = e->sentinels;
    char text[REEF_ERROR_TEXT], place[REEF_PEER_TEXT], by[REEF_PEER_TEXT];
    reef_place_text(&st->chosen, place);
    reef_peer_text(by, s->address, s->port, false);
    snprintf(text, sizeof text,
             "is to become the master of '%.60s', as %.60s says; calls wait for it",
             e->config.master_name, by);
    reef_report_event(e, REEF_EVENT_HELD, place, text);
}

/* Every link to a server but that to the chosen one; also what drains: it would finish
 * a command there. */
static void claim_hold(reef_engine *e)
{
    for (uint32_t i = 0; i < e->link_count; i++) {
        reef_link *l = e->links[i];
        if (l->duty == REEF_DUTY_SERVE && (int)i != e->sentinels->next.link &&
            (l->state == REEF_LINK_READY || l->state == REEF_LINK_DRAINING))
            reef_link_hold(e, l);
    }
}

/* Fail-overs that lead nowhere, one after the other, may not stop all calls. */
static bool claim_may_hold(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    return st->hold_spent_ms < REEF_HOLDS_MS ||
           e->now_ms - st->hold_end_ms >= REEF_HOLDS_APART_MS;
}

static void claim_choose(reef_engine *e, reef_sentinel *s, const reef_place *to)
{
    reef_sentinels *st = e->sentinels;
    bool held = st->held, other = s != st->holder;
    if (reef_place_same(to, &st->target))
        return;
    if (st->chosen.port && !reef_place_same(to, &st->chosen)) {
        claim_unchoose(e);
        st->held = held;
        other = true;
    }
    st->holder = s;
    if (!st->chosen.port)
        claim_dial_next(e, to);
    st->chosen = *to;
    if (other || !held)
        st->held_ms = e->now_ms;
    if (held || !claim_may_hold(e))
        return;
    if (e->now_ms - st->hold_end_ms >= REEF_HOLDS_APART_MS)
        st->hold_spent_ms = 0;
    st->held = true;
    st->hold_from_ms = st->next_probe.next_ms = e->now_ms;
    claim_hold(e);
    claim_tell_hold(e, s);
}

/* Sentinels may call one server by different names: what one calls the master, by a
 * configuration as new as ours, is ours. */
static bool claim_is_ours(const reef_engine *e, const reef_sentinel *s,
                          const reef_place *from)
{
    const reef_sentinels *st = e->sentinels;
    return reef_place_same(from, &st->target) ||
           (claim_counts(e, s) && reef_place_same(from, &s->master.place) &&
            reef_place_same(from, &s->place) && reef_sentinel_rank(s) >= st->rank);
}

void reef_sentinel_heard(reef_engine *e, reef_sentinel *s, const reef_says_event *event)
{
    reef_sentinels *st = e->sentinels;
    bool ours = st->target.port && claim_is_ours(e, s, &event->from);
    switch (event->kind) {
    case REEF_SAYS_NOTHING:
        break;
    case REEF_SAYS_SWITCHED:
        /* Not believed yet, but nothing goes to the old master before it was asked. */
        if (ours) {
            st->doubt_ms = e->now_ms;
            st->doubter = s;
        }
        break;
    case REEF_SAYS_SELECTED:
    case REEF_SAYS_PROMOTED:
        if (ours)
            claim_choose(e, s, &event->to);
        break;
    case REEF_SAYS_ABORTED:
        if (ours && st->chosen.port) {
            claim_resume(e, "stays the master: the fail-over was given up");
            claim_unchoose(e);
        }
        break;
    }
}

/* The leader, asked since, says that no fail-over is under way, and names the same
 * master. An answer may have begun before the selection and ended behind it. */
static bool claim_is_over(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    const reef_sentinel *s = st->holder;
    return s && s->asked_ms > st->held_ms && !s->asking && claim_counts(e, s) &&
           !s->master.failing_over && reef_place_same(&s->place, &st->target);
}

/* The leader is lost, and most of the others, asked since, know of no fail-over. */
static bool claim_is_leaderless(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t calm = 0;
    if (e->now_ms - st->held_ms < REEF_LEADERLESS_MS ||
        (st->holder && st->holder->link != REEF_NO_LINK))
        return false;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        calm += reef_sentinels_name(e, s, &st->target) && !s->master.failing_over &&
                !s->master.down && s->heard_ms > st->held_ms;
    }
    return calm * 2 > reef_sentinels_known(e);
}

/* While nobody calls nobody waits, and the next call begins anew (sentinel_rouse). */
static bool claim_held_enough(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    return reef_engine_called(e) &&
           (e->now_ms - st->held_ms >= REEF_HOLD_MS ||
            claim_held_for(e) + st->hold_spent_ms >= REEF_HOLDS_MS);
}

void reef_sentinel_await(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    if (!st->chosen.port)
        return;
    if (st->next_probe.master) {
        claim_switch(e, &st->chosen, st->rank | 1, NULL);
    } else if (claim_is_over(e)) {
        claim_resume(e, "stays the master: the fail-over has ended without another");
        claim_unchoose(e);
    } else if (st->held && claim_is_leaderless(e)) {
        claim_resume(e, "stays the master: who led the fail-over is gone");
        claim_unchoose(e);
    } else if (st->held && claim_held_enough(e)) {
        claim_resume(e, "is tried again: the fail-over has not ended in time");
    } else if (!st->held && !(st->holder && claim_counts(e, st->holder))) {
        /* Who selected it is gone. A replica that is started anew may call itself a
         * master for a moment, and that is no promotion. */
        claim_unchoose(e);
    }
}
