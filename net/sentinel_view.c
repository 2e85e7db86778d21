/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator is told of Sentinels: why there is no master to send to, and a view
 * of what each of them believes. "Not reached" and "does not know the name" are never
 * the same thing. */
#include "net/sentinel.h"

#include <stdio.h>
#include <string.h>

/* ---- why there is no master --------------------------------------------------- */

static const reef_sentinel *view_first(const reef_engine *e, reef_sentinel_state state)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        if (s->state == state && s->verdict_ms != 0 && !s->twin)
            return s;
    }
    return NULL;
}

static uint32_t view_count(const reef_engine *e, reef_sentinel_state state)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t count = 0;
    for (uint32_t i = 0; i < st->count; i++)
        count += st->list[i]->state == state && !st->list[i]->twin;
    return count;
}

static void view_unknown(const reef_engine *e, const reef_sentinel *s, reef_error *out)
{
    char text[REEF_ERROR_TEXT], peer[REEF_PEER_TEXT];
    reef_peer_text(peer, s->address, s->port, false);
    if (s->names[0])
        snprintf(text, sizeof text,
                 "this Sentinel knows no master named '%.60s', but %.80s; check "
                 "master_name under [server.redis]",
                 e->config.master_name, s->names);
    else
        snprintf(text, sizeof text,
                 "this Sentinel knows no master named '%.60s', nor any other; check "
                 "master_name and hosts under [server.redis]",
                 e->config.master_name);
    reef_error_put(out, REEF_BADCONFIG, 0, peer, text);
}

static void view_unreached(const reef_engine *e, const reef_sentinel *s,
                           reef_error *out)
{
    char text[REEF_ERROR_TEXT];
    uint32_t known = reef_sentinels_known(e);
    if (known > 1)
        snprintf(text, sizeof text, "none of %lu Sentinels can be reached; %.170s",
                 (unsigned long)known, s->why.text);
    else
        snprintf(text, sizeof text, "the Sentinel can't be reached; %.180s",
                 s->why.text);
    reef_error_put(out, REEF_CONNECT, s->why.sys_errno, NULL, text);
}

/* No Sentinel knows a master. A name that none of them knows says more than one that
 * can't be reached. */
static void view_seeking(const reef_engine *e, reef_error *out)
{
    const reef_sentinels *st = e->sentinels;
    const reef_sentinel *unknown = view_first(e, REEF_SENTINEL_UNKNOWN);
    const reef_sentinel *wrong = view_first(e, REEF_SENTINEL_WRONG);
    const reef_sentinel *silent = view_first(e, REEF_SENTINEL_SILENT);
    if (unknown)
        view_unknown(e, unknown, out);
    else if (wrong)
        *out = wrong->why;
    else if (silent)
        view_unreached(e, silent, out);
    else
        reef_error_put(out, REEF_CONNECT, 0, NULL,
                       "the deadline passed before a Sentinel answered; nothing was "
                       "sent");
    for (uint32_t i = 0; i < st->seed_count && st->count == 0; i++)
        if (st->seeds[i].why.code != REEF_OK)
            *out = st->seeds[i].why;
}

static uint32_t view_naming(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t count = 0;
    for (uint32_t i = 0; i < st->count; i++)
        count += reef_sentinels_name(e, st->list[i], &st->target);
    return count;
}

static void view_master(const reef_engine *e, reef_error *out)
{
    const reef_sentinels *st = e->sentinels;
    char text[REEF_ERROR_TEXT], peer[REEF_PEER_TEXT];
    reef_place_text(&st->target, peer);
    if (st->why.code != REEF_OK) {
        snprintf(text, sizeof text,
                 "%.150s; %lu of %lu Sentinels name it as the master", st->why.text,
                 (unsigned long)view_naming(e), (unsigned long)reef_sentinels_known(e));
        reef_error_put(out, st->why.code, st->why.sys_errno, NULL, text);
    } else if (st->main.link == REEF_NO_LINK || !st->main_probe.master) {
        reef_error_put(out, REEF_CONNECT, 0, peer,
                       "the deadline passed while the master was connected to; nothing "
                       "was sent");
    } else {
        reef_error_put(out, REEF_UNSENT, 0, peer,
                       "the master owes answers and is silent, so nothing more was "
                       "sent to it");
    }
}

void reef_sentinels_why(const reef_engine *e, reef_error *out)
{
    const reef_sentinels *st = e->sentinels;
    char peer[REEF_PEER_TEXT];
    if (st->held) {
        reef_place_text(&st->chosen, peer);
        reef_error_put(out, REEF_UNSENT, 0, peer,
                       "a fail-over is under way, and this replica was no master yet "
                       "by the deadline; nothing was sent");
    } else if (st->target.port) {
        view_master(e, out);
    } else {
        view_seeking(e, out);
    }
}

/* Each was heard, or failed, since the oldest waiting call came. */
static bool view_is_decided(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    int64_t since_ms = e->waiting.head ? e->waiting.head->submitted_ms : 0;
    for (uint32_t i = 0; i < st->seed_count; i++)
        if (!st->seeds[i].looked)
            return false;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        bool open = s->asking || s->due_ms || s->verdict_ms < since_ms;
        if (!s->twin && (open || s->verdict_ms == 0) && s->link != REEF_NO_LINK)
            return false;
        if (!s->twin && s->verdict_ms == 0)
            return false;
    }
    return true;
}

static bool view_all_denied(const reef_sentinels *st)
{
    for (uint32_t i = 0; i < st->seed_count; i++)
        if (!st->seeds[i].denied)
            return false;
    return st->count == 0;
}

reef_code reef_sentinels_hopeless(const reef_engine *e, reef_error *out)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t bad =
        view_count(e, REEF_SENTINEL_UNKNOWN) + view_count(e, REEF_SENTINEL_WRONG);
    uint32_t known = reef_sentinels_known(e);
    bool settled = bad > 0 && (bad == known || bad * 2 > known);
    if (st->target.port || !view_is_decided(e))
        return REEF_OK;
    if (!settled && !view_all_denied(st))
        return REEF_OK;
    view_seeking(e, out);
    return out->code;
}

/* ---- views -------------------------------------------------------------------- */

void reef_engine_survey(reef_engine *e, int64_t until_ms, int64_t now_ms)
{
    reef_sentinels *st = e->sentinels;
    reef_engine_advance(e, now_ms);
    if (!st)
        return;
    st->wanted_ms = until_ms;
    for (uint32_t i = 0; i < st->count; i++) {
        st->list[i]->verdict_ms = 0;
        st->list[i]->due_ms = e->now_ms;
        st->list[i]->wants_state = true;
        st->list[i]->pause.until_ms = e->now_ms;
    }
    for (uint32_t i = 0; i < st->seed_count; i++) {
        st->seeds[i].due = !st->seeds[i].lookup;
        st->seeds[i].looked = false;
        st->seeds[i].pause.until_ms = e->now_ms;
    }
    e->router->wake(e);
}

bool reef_engine_surveyed(const reef_engine *e)
{
    return !e->sentinels || reef_sentinels_at_rest(e);
}

static void view_fill(const reef_sentinel *s, reef_sentinel_view *out)
{
    reef_peer_text(out->peer, s->address, s->port, false);
    out->state = s->state;
    out->configured = s->configured;
    out->watched = s->watched;
    memcpy(out->id, s->id, sizeof s->id);
    memcpy(out->version, s->version, sizeof out->version);
    snprintf(out->why, sizeof out->why, "%s",
             s->why.code == REEF_OK ? "" : s->why.text);
    memcpy(out->names, s->names, sizeof out->names);
    out->took_ms = s->took_ms;
    if (s->state != REEF_SENTINEL_KNOWS)
        return;
    reef_place_text(&s->place, out->master);
    out->epoch = s->master.epoch;
    out->quorum = s->master.quorum;
    out->others = s->master.sentinels;
    out->replicas = s->master.replicas;
    snprintf(out->flags, sizeof out->flags, "%.80s%s", s->master.flags,
             s->tilt ? ",tilt" : "");
}

/* A configured name that led nowhere has no Sentinel to show; it shows itself. */
static void view_fill_seed(const reef_seed *seed, reef_sentinel_view *out)
{
    out->configured = true;
    out->state = REEF_SENTINEL_SILENT;
    snprintf(out->peer, sizeof out->peer, "%s%.*s",
             seed->host.kind == REEF_HOST_SRV ? "srv+" : "", REEF_PEER_TEXT - 8,
             seed->host.name);
    snprintf(out->why, sizeof out->why, "%s", seed->why.text);
}

void reef_engine_topology(const reef_engine *e, reef_topology *out)
{
    const reef_sentinels *st = e->sentinels;
    memset(out, 0, sizeof *out);
    if (!st) {
        if (e->warm)
            memcpy(out->master, e->warm->stats.peer, sizeof out->master);
        return;
    }
    out->sentinel = true;
    out->held = st->held;
    out->early = st->early;
    out->epoch = st->rank / 2;
    if (st->target.port)
        reef_place_text(&st->target, out->master);
    if (st->chosen.port)
        reef_place_text(&st->chosen, out->next);
    for (uint32_t i = 0; i < st->count; i++)
        if (!st->list[i]->twin || st->list[i]->configured)
            view_fill(st->list[i], &out->sentinels[out->sentinel_count++]);
    for (uint32_t i = 0; i < st->seed_count; i++)
        if (!st->seeds[i].learnt && st->seeds[i].why.code != REEF_OK &&
            out->sentinel_count < REEF_SENTINELS_MAX)
            view_fill_seed(&st->seeds[i], &out->sentinels[out->sentinel_count++]);
}
