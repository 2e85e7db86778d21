/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster: each command goes to the node that owns the slot of its
 * key, and every node answers for itself alone.
 *
 *   SEEKING  there is no map: all seeds are connected to, and one of those that answer
 *            is asked for it; calls wait
 *   MAPPED   calls go to the owners of their slots; links are made when first needed
 *
 *   SEEKING --(a view)--> MAPPED
 *   MAPPED --(all nodes silent for REEF_FOREIGN_MS, and a view of another cluster)-->
 *            SEEKING, and with that view at once MAPPED
 *
 * Invariants: a waiting call is in exactly one of the lists: the engine's (to be
 * routed), a node's, the homeless, or the later ones. A call with a key that is not
 * bound to a node is sent to nobody but the owner of its slot, whom the owner sent it
 * to, and, to find out, replicas of an owner that is stuck. */
#include "net/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the beginning ------------------------------------------------------------ */

static bool cluster_make(reef_engine *e)
{
    reef_cluster *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    c->seeds = calloc(e->config.host_count, sizeof *c->seeds);
    c->active = calloc(REEF_NODES_MAX, sizeof *c->active);
    c->hints = calloc(REEF_NODES_HINTS, sizeof *c->hints);
    if (!c->seeds || !c->active || !c->hints) {
        free(c->seeds);
        free(c->active);
        free(c->hints);
        free(c);
        return false;
    }
    c->seed_count = e->config.host_count;
    c->asking = REEF_NO_LINK;
    e->cluster = c;
    e->serve_max = c->seed_count + REEF_SERVE_LINKS_MAX;
    for (uint32_t i = 0; i < c->seed_count; i++)
        reef_dial_to(e, &c->seeds[i].dial, &e->config.hosts[i]);
    return true;
}

bool reef_cluster_begin(reef_engine *e)
{
    return cluster_make(e);
}

reef_code reef_cluster_take_over(reef_engine *e, reef_link *l, reef_error *why)
{
    reef_code code = reef_cluster_accepts(e, l, why);
    if (code != REEF_OK)
        return code;
    if (!cluster_make(e)) {
        reef_error_put(why, REEF_NOMEM, 0, NULL, "out of memory for the Cluster's map");
        return REEF_NOMEM;
    }
    reef_dial_forget(e, &e->direct.main);
    e->direct.main.link = REEF_NO_LINK;
    e->failure.code = REEF_OK;
    e->router = &reef_router_cluster;
    e->cluster->seeds[0].dial.link = (int)l->index;
    l->whose = REEF_SERIAL_SEED;
    return REEF_OK;
}

static void cluster_end(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    reef_ticket *t;
    if (!c)
        return;
    reef_cluster_nodes_free(e);
    while ((t = c->homeless.head ? c->homeless.head : c->later.head) != NULL) {
        reef_list_remove(t->home, t);
        reef_ticket_free(e, t);
    }
    for (uint32_t i = 0; i < c->seed_count; i++)
        reef_dial_forget(e, &c->seeds[i].dial);
    reef_slots_free(&c->map);
    free(c->seeds);
    free(c->active);
    free(c->hints);
    free(c);
    e->cluster = NULL;
}

/* ---- where to ----------------------------------------------------------------- */

void reef_cluster_refuse(reef_engine *e, reef_ticket *t, const reef_error *why)
{
    reef_ticket_forget(t);
    reef_ticket_end(e, t, t->doubtful ? REEF_UNSURE : why->code, why->text);
}

void reef_cluster_deliver(reef_engine *e, reef_cnode *n, reef_ticket *t)
{
    bool flows = !n->parked.head && reef_cluster_flows(e, n);
    if (flows && reef_link_fit(e, e->links[n->dial.link])) {
        t->probe_of = 0;
        reef_link_submit(e, e->links[n->dial.link], t);
        return;
    }
    reef_cluster_park(e, n, t);
}

/* For commands without a key: a master that is well, the same as long as it is. */
static reef_cnode *cluster_any(const reef_engine *e)
{
    reef_cluster *c = e->cluster;
    reef_cnode *best = NULL;
    int most = -1;
    reef_cnode *last = c->favourite < c->node_count ? c->nodes[c->favourite] : NULL;
    if (last && last->master && reef_cluster_flows(e, last))
        return last;
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *n = c->nodes[i];
        if (!n || !n->listed)
            continue;
        int good =
            4 * (n->master && n->slots > 0) + 2 * !n->stuck + reef_cluster_is_up(e, n);
        if (good > most) {
            most = good;
            best = n;
        }
    }
    if (best)
        c->favourite = reef_cluster_number(best);
    return best;
}

/* Who has taken it over, as it seemed, denies that: what views tell of these slots
 * counts again. */
static void cluster_doubt(reef_cluster *c, uint32_t slot)
{
    const reef_run run = *reef_slots_at(&c->map, slot);
    if (run.owner != REEF_NOBODY && run.rank % 2 == 1)
        (void)reef_slots_set(&c->map, run.first, reef_slots_end(&c->map, slot) - 1,
                             run.owner, run.rank - 1);
}

void reef_cluster_no_home(reef_engine *e, reef_ticket *t)
{
    reef_cluster *c = e->cluster;
    reef_error why;
    cluster_doubt(c, t->slot);
    if (t->since == 0) {
        t->since = 1 + c->views + (c->asking != REEF_NO_LINK);
        reef_cluster_want_map(e, true);
    }
    /* Two views that were asked for after it came. */
    if (c->views + 1 >= t->since + 2) {
        reef_cluster_no_owner(e, t->slot, &why);
        reef_cluster_refuse(e, t, &why);
        return;
    }
    reef_cluster_want_map(e, c->quiet > 0);
    reef_ticket_park(&c->homeless, t);
}

static void cluster_route(reef_engine *e, reef_ticket *t)
{
    reef_cluster *c = e->cluster;
    reef_error why;
    reef_cnode *n;
    bool paused = t->hops > REEF_REDIRECTS_AT_ONCE; /* before it followed an ASK */
    n = t->ask_at && paused ? reef_cluster_node(c, t->ask_at) : NULL;
    reef_ticket_ask(t, n != NULL);
    t->ask_at = 0;
    if (n) {
        reef_cluster_deliver(e, n, t);
        return;
    }
    if (t->crossed) {
        reef_ticket_crossed(t, &why);
        reef_cluster_refuse(e, t, &why);
        return;
    }
    if (t->bound) {
        n = reef_cluster_node(c, t->bound);
    } else if (t->slot == REEF_NO_SLOT) {
        n = cluster_any(e);
    } else {
        uint16_t owner = reef_slots_at(&c->map, t->slot)->owner;
        n = owner == REEF_NOBODY ? NULL : c->nodes[owner];
    }
    if (n) {
        reef_cluster_deliver(e, n, t);
    } else if (t->bound) {
        reef_error_put(&why, REEF_NOROUTE, 0, NULL,
                       "the node that the command was for has left the cluster");
        reef_cluster_refuse(e, t, &why);
    } else {
        reef_cluster_no_home(e, t);
    }
}

/* Its node is connected to, and well: it goes out at once. */
static bool cluster_take(reef_engine *e, reef_ticket *t)
{
    reef_cluster *c = e->cluster;
    uint16_t owner =
        t->bound || t->crossed ? REEF_NOBODY : reef_slots_at(&c->map, t->slot)->owner;
    reef_cnode *n = owner == REEF_NOBODY ? NULL : c->nodes[owner];
    if (!n || n->stuck || !n->known || n->parked.head || n->dial.link == REEF_NO_LINK)
        return false;
    reef_link *l = e->links[n->dial.link];
    bool silent = l->flight.head && reef_link_silence_ms(e, l) >= REEF_SILENCE_HOLD_MS;
    if (silent || !reef_link_fit(e, l))
        return false;
    reef_link_submit(e, l, t);
    return true;
}

/* Nothing is to be learnt from a good answer of a node that is well. */
static bool cluster_judge(reef_engine *e, reef_link *l, reef_ticket *t)
{
    const reef_cnode *n = reef_cluster_node(e->cluster, l->whose);
    bool plain = n && !n->stuck && t->count == 1 && t->probe_of == 0 &&
                 reef_reply_code(t->replies[0]) == REEF_OK;
    return !plain && reef_cluster_judge(e, l, t);
}

static void cluster_route_all(reef_engine *e)
{
    while (e->waiting.head) {
        reef_ticket *t = e->waiting.head;
        reef_list_remove(&e->waiting, t);
        cluster_route(e, t);
    }
}

/* ---- the loop ----------------------------------------------------------------- */

static bool cluster_wanted(const reef_engine *e)
{
    return reef_engine_called(e) || e->now_ms < e->cluster->wanted_ms;
}

static void cluster_tend_nodes(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->active_count;) {
        reef_cnode *n = c->nodes[c->active[i]];
        if (reef_cluster_tend_node(e, n)) {
            i++;
            continue;
        }
        n->active = false;
        c->active[i] = c->active[--c->active_count];
    }
}

static void cluster_earlier(int64_t *at, int64_t other)
{
    *at = other < *at ? other : *at;
}

/* Until when there is nothing to do unless calls wait; 0: there is something. */
static int64_t cluster_rests_ms(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    int64_t at = c->silence_ms;
    if (!c->mapped || c->active_count > 0 || c->later.head || c->due ||
        c->asking != REEF_NO_LINK)
        return 0;
    cluster_earlier(&at, c->view_ms + REEF_MAP_AGE_MS);
    return at;
}

/* Not inlined: most wakes end before it, and need not save registers for it. */
__attribute__((noinline)) static void cluster_work(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    reef_error why;
    if (!cluster_wanted(e))
        return;
    if (c->later.head && e->now_ms >= c->pause.until_ms)
        reef_cluster_empty(e, &c->later);
    if (e->now_ms >= c->silence_ms)
        reef_cluster_find_silent(e);
    if (c->mapped && (e->waiting.head || c->active_count > 0)) {
        cluster_route_all(e);
        cluster_tend_nodes(e);
        cluster_route_all(e); /* what nodes let go of */
    } else if (!c->mapped && e->waiting.head &&
               reef_cluster_is_hopeless(e, e->waiting.head->submitted_ms, &why)) {
        reef_tickets_refuse(e, &why);
    }
    if (c->due || c->asking != REEF_NO_LINK || !c->mapped ||
        e->now_ms - c->view_ms >= REEF_MAP_AGE_MS)
        reef_cluster_reload(e);
    c->rests_ms = cluster_rests_ms(e);
}

/* Twice for each call: most times it is seen at a glance that nothing is to be done. */
static void cluster_wake(reef_engine *e)
{
    if (e->now_ms >= e->cluster->rests_ms || e->waiting.head)
        cluster_work(e);
}

static void cluster_silent_at(const reef_engine *e, int64_t *at)
{
    for (const reef_link *l = e->busy_first; l; l = l->busy_next) {
        const reef_cnode *n = reef_cluster_of_link(e, l);
        if (!n || n->stuck || l->state != REEF_LINK_READY || n->slots == 0 ||
            !l->flight.head)
            continue;
        int64_t due = e->now_ms - reef_link_silence_ms(e, l) + REEF_SILENCE_HOLD_MS;
        cluster_earlier(at,
                        due > e->cluster->silence_ms ? due : e->cluster->silence_ms);
    }
}

static int64_t cluster_deadline_ms(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    int64_t at = INT64_MAX;
    if (!cluster_wanted(e))
        return at;
    at = reef_cluster_reload_ms(e);
    if (c->later.head)
        cluster_earlier(&at, c->pause.until_ms);
    if (c->wanted_ms > e->now_ms)
        cluster_earlier(&at, c->wanted_ms);
    for (uint32_t i = 0; i < c->active_count; i++)
        cluster_earlier(&at, reef_cluster_node_deadline_ms(e, c->nodes[c->active[i]]));
    cluster_silent_at(e, &at);
    return at;
}

/* ---- links -------------------------------------------------------------------- */

static void cluster_where_db(const reef_engine *e, char *out, size_t cap)
{
    const reef_origin *origin = &e->config.origins[REEF_SET_DB];
    const char *file = e->config.file[0] ? e->config.file : "knot.toml";
    size_t len = strlen(file);
    if (origin->source == REEF_FROM_FILE)
        snprintf(out, cap, "%s:%lu", file + (len > 60 ? len - 60 : 0),
                 (unsigned long)origin->line);
    else
        snprintf(out, cap, "%s",
                 origin->source == REEF_FROM_ENV ? reef_setting_env(REEF_SET_DB)
                                                 : "[server.redis]");
}

reef_code reef_cluster_accepts(const reef_engine *e, const reef_link *l,
                               reef_error *why)
{
    char where[80], text[REEF_ERROR_TEXT];
    const char *mode = l->server.mode;
    if (e->config.db != 0) {
        cluster_where_db(e, where, sizeof where);
        snprintf(
            text, sizeof text,
            "says that it is a node of a Cluster, which has db 0 alone; set db = 0 in "
            "%s, which has %lu",
            where, (unsigned long)e->config.db);
    } else if (strcmp(mode, "sentinel") == 0) {
        snprintf(
            text, sizeof text,
            "says that it is a Sentinel, and without master_name [server.redis] lists "
            "the nodes of a Cluster: set master_name, or change hosts");
    } else if (strcmp(mode, "standalone") == 0) {
        snprintf(
            text, sizeof text,
            "says that it is a single server (mode standalone), and several hosts "
            "without master_name are a Cluster: name one host, or set master_name to "
            "list Sentinels");
    } else {
        return REEF_OK;
    }
    reef_error_put(why, REEF_BADCONFIG, 0, NULL, text);
    return REEF_BADCONFIG;
}

static reef_code cluster_accept(reef_engine *e, const reef_link *l, reef_error *why)
{
    return reef_cluster_accepts(e, l, why);
}

/* Lost in the middle of something, or not to be had: what waits for it tries others. */
static void cluster_node_down(reef_engine *e, reef_cnode *n, reef_link *l,
                              const reef_error *why)
{
    bool idle = l->served && why->code != REEF_UNSENT && !n->parked.head &&
                !e->waiting.head && n->probe_id == 0;
    n->known = n->key_out = false;
    reef_dial_down(e, &n->dial, l, why);
    if (idle && !n->stuck) {
        n->why = *why;
        return;
    }
    if (n->lost_ms == 0 && why->code != REEF_UNSENT) /* not one that was only slow */
        n->lost_ms = e->now_ms;
    /* A node that turns us away is alive. Whatever else is there now is none of ours,
     * and a replica may take over. */
    bool away = why->code == REEF_AUTH || why->code == REEF_REFUSED;
    n->hopeless = !l->served && reef_dial_is_fixed(&n->dial) && away && n->slots > 0;
    if (n->parked.head || n->slots > 0)
        reef_cluster_stick(e, n, why);
    while (n->hopeless && n->parked.head) {
        reef_ticket *t = n->parked.head;
        reef_list_remove(&n->parked, t);
        reef_cluster_refuse(e, t, why);
    }
}

static void cluster_down(reef_engine *e, reef_link *l, const reef_error *why)
{
    reef_cnode *n = reef_cluster_of_link(e, l);
    reef_cseed *s = reef_cluster_seed_of(e, l);
    if (e->cluster->asking == (int)l->index) {
        e->cluster->asking = REEF_NO_LINK;
        reef_cluster_want_map(e, false);
    }
    if (n)
        cluster_node_down(e, n, l, why);
    else if (s)
        reef_cluster_seed_down(e, s, l, why);
}

static bool cluster_late(reef_engine *e, reef_link *l)
{
    reef_cnode *n = reef_cluster_of_link(e, l);
    reef_cseed *s = reef_cluster_seed_of(e, l);
    return (n && reef_dial_late(e, &n->dial, l)) ||
           (s && reef_dial_late(e, &s->dial, l));
}

static bool cluster_looking(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    if (!cluster_wanted(e))
        return false;
    for (uint32_t i = 0; i < c->seed_count; i++)
        if (c->seeds[i].dial.lookup && c->seeds[i].dial.link == REEF_NO_LINK)
            return true;
    for (uint32_t i = 0; i < c->active_count; i++) {
        const reef_dial *d = &c->nodes[c->active[i]]->dial;
        if (d->lookup && d->link == REEF_NO_LINK)
            return true;
    }
    return c->asking != REEF_NO_LINK;
}

static void cluster_tend(reef_engine *e)
{
    if (!e->cluster->mapped || reef_cluster_is_lost(e))
        e->cluster->wanted_ms = e->now_ms + REEF_WANTED_MS;
}

static void cluster_said(reef_engine *e, reef_link *l, const reef_reply *push)
{
    (void)e;
    (void)l;
    (void)push;
}

static void cluster_unasked(reef_engine *e, reef_link *l)
{
    reef_cnode *n = reef_cluster_of_link(e, l);
    if (n)
        n->key_out = false;
    if (e->cluster->asking == (int)l->index) {
        e->cluster->asking = REEF_NO_LINK;
        reef_cluster_want_map(e, false);
    }
}

const reef_router reef_router_cluster = {
    .moves = true,
    .take = cluster_take,
    .wake = cluster_wake,
    .accept = cluster_accept,
    .ready = reef_cluster_linked,
    .down = cluster_down,
    .not_now = reef_cluster_not_now,
    .judge = cluster_judge,
    .waits_for = reef_cluster_waits_for,
    .looking = cluster_looking,
    .late = cluster_late,
    .deadline_ms = cluster_deadline_ms,
    .tend = cluster_tend,
    .answered = reef_cluster_answered,
    .said = cluster_said,
    .unasked = cluster_unasked,
    .end = cluster_end,
};
