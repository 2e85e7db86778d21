/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeds, links, and who is asked for the map.
 *
 * While there is no map, or no node answers, all seeds are connected to at once, and a
 * few known nodes. Who is there is asked for its id first: a node that is another than
 * the one that was looked for gets no call. Then one of those that are known is asked
 * for the map; if it keeps silent, the next one. The link of a seed becomes that of its
 * node.
 *
 * One question for the map is out at a time, and no two begin within REEF_RELOAD_MS;
 * while nothing changes they get rarer. */
#include "net/cluster.h"

#include <stdio.h>
#include <string.h>

bool reef_cluster_is_lost(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i] && reef_cluster_is_up(e, c->nodes[i]))
            return false;
    return true;
}

/* ---- links -------------------------------------------------------------------- */

/* True: a link is on its way. `why`: the name led nowhere, or all endpoints failed. */
bool reef_cluster_dial(reef_engine *e, reef_dial *d, uint32_t whose, reef_error *why)
{
    if (d->link != REEF_NO_LINK || e->now_ms < d->pause.until_ms)
        return false;
    switch (reef_dial_next(e, d, why)) {
    case REEF_DIAL_OPENS:
        e->links[d->link]->whose = whose;
        return true;
    case REEF_DIAL_WAITS:
    case REEF_DIAL_SPENT:
        why->code = REEF_OK; /* each attempt has told its own failure */
        return false;
    case REEF_DIAL_NAMELESS:
        break;
    }
    return false;
}

reef_cseed *reef_cluster_seed_of(const reef_engine *e, const reef_link *l)
{
    const reef_cluster *c = e->cluster;
    uint32_t number = l->whose & ~REEF_SERIAL_SEED;
    reef_cseed *s = (l->whose & REEF_SERIAL_SEED) && number < c->seed_count
                        ? &c->seeds[number]
                        : NULL;
    return s && s->dial.link == (int)l->index ? s : NULL;
}

static void seek_verdict(reef_engine *e, reef_cseed *s, const reef_error *why)
{
    s->why = *why;
    s->hopeless = reef_dial_hopeless(why->code);
    s->verdict_ms = e->now_ms;
}

void reef_cluster_seed_down(reef_engine *e, reef_cseed *s, reef_link *l,
                            const reef_error *why)
{
    s->known = false;
    reef_dial_down(e, &s->dial, l, why);
    if (!l->served)
        seek_verdict(e, s, why);
}

/* A few of the known nodes, others each time. */
static void seek_nodes(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    uint32_t wanted = 0, start = c->turn;
    if (e->now_ms < c->seek_ms)
        return;
    c->seek_ms = e->now_ms + REEF_RELOAD_MS;
    for (uint32_t i = 0; i < c->node_count && wanted < REEF_SEEK_NODES; i++) {
        reef_cnode *n = c->nodes[(start + i) % c->node_count];
        if (!n || !n->listed)
            continue;
        n->wanted_ms = e->now_ms + REEF_WANTED_MS;
        reef_cluster_rouse(c, n);
        wanted++;
        c->turn = (start + i + 1) % c->node_count;
    }
}

static void seek_seeds(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->seed_count; i++) {
        reef_cseed *s = &c->seeds[i];
        reef_error why = {REEF_OK, 0, ""};
        (void)reef_cluster_dial(e, &s->dial, REEF_SERIAL_SEED | i, &why);
        if (why.code == REEF_OK)
            continue;
        seek_verdict(e, s, &why);
        s->hopeless = s->dial.denied;
        reef_report_event(e, REEF_EVENT_FAILED, s->dial.host.name, why.text);
    }
}

/* Calls wait for an owner that is lost for long, and those who answer name nobody else:
 * they may be cut off from all others, and seeds may lead to these. */
static bool seek_is_short(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->active_count; i++) {
        const reef_cnode *n = c->nodes[c->active[i]];
        if (n->stuck && n->slots > 0 && n->parked.head && n->lost_ms > 0 &&
            e->now_ms - n->lost_ms >= REEF_FOREIGN_MS)
            return true;
    }
    return false;
}

/* While nodes answer, rarely: each attempt is a connection that may be for nothing. */
static void seek_aside(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    if (e->now_ms < c->aside_ms || !seek_is_short(e))
        return;
    c->aside_ms = e->now_ms + REEF_WANTED_MS;
    seek_seeds(e);
}

/* ---- who are you? ------------------------------------------------------------- */

static bool seek_errand(reef_engine *e, reef_link *l, reef_errand errand,
                        const char *const words[], size_t count)
{
    enum { WORDS_MAX = 2 };
    reef_cmd *cmds[WORDS_MAX] = {NULL};
    reef_errand_order order = {.errand = errand,
                               .cmds = (const reef_cmd *const *)cmds,
                               .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    while (order.count < count && (cmds[order.count] = reef_cmd_new())) {
        reef_cmd_begin(cmds[order.count], "CLUSTER");
        reef_cmd_text(cmds[order.count], words[order.count]);
        order.count++;
    }
    bool sent = order.count == count && reef_engine_errand(e, l, &order);
    for (size_t i = 0; i < order.count; i++)
        reef_cmd_free(cmds[i]);
    return sent;
}

void reef_cluster_linked(reef_engine *e, reef_link *l)
{
    static const char *const word[] = {"MYID"};
    reef_error why;
    reef_cnode *n = reef_cluster_of_link(e, l);
    reef_cseed *s = reef_cluster_seed_of(e, l);
    reef_dial *d = n ? &n->dial : s ? &s->dial : NULL;
    if (n && n->slots > 0 && strcmp(l->server.role, "replica") == 0)
        reef_cluster_want_map(e, true); /* it was replaced while nobody looked */
    if (d && seek_errand(e, l, REEF_ERRAND_NAME, word, 1)) {
        reef_dial_ready(e, d);
        return;
    }
    reef_error_put(&why, d ? REEF_NOMEM : REEF_CONNECT, 0, l->stats.peer,
                   d ? "out of memory for asking who it is" : "is wanted no more");
    reef_link_fail(e, l, false, &why);
}

static void seek_is_known(reef_engine *e, reef_cnode *n)
{
    n->known = true;
    n->hopeless = false;
    n->lost_ms = 0;
    e->cluster->lost_ms = 0;
    if (n->stuck && !n->parked.head) /* the next call will tell */
        reef_cluster_unstick(e, n);
    if (!n->stuck)
        n->why.code = REEF_OK;
    reef_cluster_rouse(e->cluster, n);
}

static void seek_close(reef_engine *e, reef_link *l)
{
    reef_error why;
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer,
                   "closed: its node has another connection");
    l->quiet = true;
    reef_link_fail(e, l, false, &why);
}

/* A link on its way that is not needed any more. */
static void seek_close_other(reef_engine *e, reef_link *other)
{
    if (!other)
        return;
    other->whose = 0;
    seek_close(e, other);
}

static void seek_stranger(reef_engine *e, reef_link *l, const char *id)
{
    char text[REEF_ERROR_TEXT];
    reef_error why;
    snprintf(text, sizeof text, "another node is there, %.8s...; nothing is sent to it",
             id);
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer, text);
    reef_cluster_want_map(e, true);
    reef_link_fail(e, l, false, &why);
}

/* A redirect gave a known node's place another name: both are one node. */
static void seek_merge(reef_engine *e, reef_cnode *n, reef_cnode *known)
{
    reef_cluster *c = e->cluster;
    reef_link *l = reef_cluster_link(e, n);
    (void)reef_slots_inherit(&c->map, reef_cluster_number(n),
                             reef_cluster_number(known));
    if (!reef_cluster_is_up(e, known)) {
        reef_link *other = reef_cluster_link(e, known);
        n->dial.link = REEF_NO_LINK;
        known->dial.link = (int)l->index;
        l->whose = known->serial;
        seek_close_other(e, other);
        seek_is_known(e, known);
    }
    reef_cluster_recount(c);
    reef_cluster_drop(e, n, "its node has another connection");
    reef_cluster_rouse(c, known);
}

/* Who does not tell (not allowed to, or a product that has no ids) is believed. */
static void seek_named(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    reef_cluster *c = e->cluster;
    char id[REEF_NODE_ID + 1] = "";
    reef_cnode *n = reef_cluster_of_link(e, l);
    reef_cseed *s = reef_cluster_seed_of(e, l);
    bool told = reef_shape_id(reply, id);
    if (n && told && n->id[0] && strcmp(n->id, id) != 0) {
        seek_stranger(e, l, id);
        return;
    }
    reef_cnode *known = n && !n->id[0] && told ? reef_cluster_by_id(c, id) : NULL;
    if (known && known != n) {
        seek_merge(e, n, known);
    } else if (n) {
        if (told)
            memcpy(n->id, id, sizeof n->id);
        seek_is_known(e, n);
    } else if (s) {
        memcpy(s->id, id, sizeof s->id);
        s->known = true;
        s->hopeless = false;
        s->verdict_ms = 0;
        if (c->mapped)
            reef_cluster_adopt(e);
    }
}

/* ---- links of seeds ----------------------------------------------------------- */

static void seek_hand_over(reef_engine *e, reef_cseed *s, reef_cnode *n)
{
    reef_link *l = e->links[s->dial.link];
    reef_link *other = reef_cluster_link(e, n);
    if (other && reef_cluster_is_up(e, n)) {
        seek_close(e, l);
        return;
    }
    n->dial.link = (int)l->index;
    reef_dial_ready(e, &n->dial);
    n->dial.pause.until_ms = 0;
    l->whose = n->serial;
    s->dial.link = REEF_NO_LINK;
    s->known = false;
    seek_close_other(e, other);
    seek_is_known(e, n);
}

void reef_cluster_adopt(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->seed_count; i++) {
        reef_cseed *s = &c->seeds[i];
        reef_link *l = s->dial.link == REEF_NO_LINK ? NULL : e->links[s->dial.link];
        if (!l || l->state != REEF_LINK_READY || !s->known ||
            (int)l->index == c->asking)
            continue;
        reef_place place = {.port = l->port};
        snprintf(place.host, sizeof place.host, "%s", l->address);
        reef_cnode *n =
            s->id[0] ? reef_cluster_by_id(c, s->id) : reef_cluster_by_place(c, &place);
        if (n)
            seek_hand_over(e, s, n);
        else if (!reef_cluster_is_lost(e) && !seek_is_short(e))
            seek_close(e, l);
    }
}

/* ---- the map ------------------------------------------------------------------ */

void reef_cluster_want_map(reef_engine *e, bool news)
{
    reef_cluster *c = e->cluster;
    if (news)
        c->quiet = 0;
    if (c->due && !news)
        return;
    uint32_t doublings =
        c->quiet < REEF_RELOAD_DOUBLINGS ? c->quiet : REEF_RELOAD_DOUBLINGS;
    int64_t gap_ms = (int64_t)REEF_RELOAD_MS << doublings;
    int64_t at_ms =
        c->asked_ms + gap_ms + (int64_t)reef_engine_below(e, (uint64_t)gap_ms / 4);
    if (c->asks == 0)
        at_ms = e->now_ms;
    if (!c->due || at_ms < c->due_ms)
        c->due_ms = at_ms;
    c->due = true;
    c->rests_ms = 0;
}

static bool seek_can_tell(const reef_engine *e, const reef_link *l)
{
    return l && l->state == REEF_LINK_READY && (int)l->index != e->cluster->asking &&
           reef_link_silence_ms(e, l) < REEF_SILENCE_HOLD_MS;
}

static reef_link *seek_seed_teller(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->seed_count; i++) {
        const reef_cseed *s = &c->seeds[(c->asks + i) % c->seed_count];
        reef_link *l = s->dial.link == REEF_NO_LINK ? NULL : e->links[s->dial.link];
        if (s->known && seek_can_tell(e, l))
            return l;
    }
    return NULL;
}

/* Whom to ask: by turns, and rather one that serves; every other time a seed, where
 * what nodes say does not help. */
static reef_link *seek_teller(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    bool aside = c->asks % 2 == 1 && seek_is_short(e);
    reef_link *seed = aside ? seek_seed_teller(e) : NULL, *second = NULL;
    for (uint32_t i = 0; i < c->node_count && !seed; i++) {
        uint32_t at = (c->turn + i) % c->node_count;
        reef_cnode *n = c->nodes[at];
        reef_link *l = n && n->known ? reef_cluster_link(e, n) : NULL;
        if (!seek_can_tell(e, l))
            continue;
        if (!n->stuck && n->listed) {
            c->turn = at + 1;
            return l;
        }
        second = second ? second : l;
    }
    return seed ? seed : second ? second : seek_seed_teller(e);
}

static void seek_ask(reef_engine *e, reef_link *l)
{
    static const char *const words[] = {"SLOTS", "NODES"};
    reef_cluster *c = e->cluster;
    c->asks++;
    c->asked_ms = e->now_ms;
    c->due = false;
    if (seek_errand(e, l, REEF_ERRAND_MAP, words, 2))
        c->asking = (int)l->index;
    else
        reef_cluster_want_map(e, false);
}

/* It may yet answer, and is heard then; meanwhile another is asked. */
static void seek_hurry(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    if (c->asking == REEF_NO_LINK || e->now_ms < c->asked_ms + REEF_RELOAD_WAIT_MS)
        return;
    c->asking = REEF_NO_LINK;
    reef_cluster_want_map(e, false);
}

void reef_cluster_reload(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    seek_hurry(e);
    bool old = !c->mapped || e->now_ms - c->view_ms >= REEF_MAP_AGE_MS;
    if (old && c->asking == REEF_NO_LINK)
        reef_cluster_want_map(e, false);
    if (!c->due || c->asking != REEF_NO_LINK)
        return;
    bool lost = reef_cluster_is_lost(e);
    if (lost && c->lost_ms == 0)
        c->lost_ms = e->now_ms;
    if (!c->mapped || lost) {
        seek_seeds(e);
        seek_nodes(e);
    } else {
        seek_aside(e);
    }
    if (e->now_ms < c->due_ms)
        return;
    reef_link *l = seek_teller(e);
    if (l)
        seek_ask(e, l);
}

int64_t reef_cluster_reload_ms(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    int64_t at = INT64_MAX;
    if (c->asking != REEF_NO_LINK)
        return c->asked_ms + REEF_RELOAD_WAIT_MS;
    if (c->mapped && !c->due)
        return c->view_ms + REEF_MAP_AGE_MS;
    if (c->due && c->due_ms > e->now_ms)
        at = c->due_ms;
    for (uint32_t i = 0; i < c->seed_count && (!c->mapped || c->lost_ms); i++) {
        const reef_dial *d = &c->seeds[i].dial;
        if (d->link == REEF_NO_LINK && !d->lookup && d->pause.until_ms < at)
            at = d->pause.until_ms;
    }
    return at;
}

static void seek_told(reef_engine *e, reef_link *l, const reef_ticket *t)
{
    reef_cluster *c = e->cluster;
    reef_error why = {REEF_OK, 0, ""};
    int64_t view_ms = t->submitted_ms;
    reef_cseed *s = reef_cluster_seed_of(e, l);
    if (c->asking == (int)l->index)
        c->asking = REEF_NO_LINK;
    if (reef_cluster_view(e, l, t->replies[0], t->replies[1], &why) == REEF_OK) {
        c->view_ms = view_ms;
        memcpy(c->told, l->stats.peer, sizeof c->told);
        reef_cluster_adopt(e);
        return;
    }
    if (s)
        seek_verdict(e, s, &why);
    reef_report_event(e, REEF_EVENT_FAILED, l->stats.peer, why.text);
    c->quiet++;
    reef_cluster_want_map(e, false);
}

void reef_cluster_answered(reef_engine *e, reef_link *l, const reef_ticket *t)
{
    switch (t->errand) {
    case REEF_ERRAND_NAME:
        seek_named(e, l, t->replies[0]);
        break;
    case REEF_ERRAND_MAP:
        seek_told(e, l, t);
        break;
    case REEF_ERRAND_ROLE:
        reef_cluster_key_told(e, l, t->replies[0]);
        break;
    case REEF_ERRAND_NONE:
    case REEF_ERRAND_PING:
    case REEF_ERRAND_ASK:
    case REEF_ERRAND_WATCH:
        break;
    }
}
