/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that are stuck, and who takes over from them.
 *
 *   FLOWING  calls go out as they come
 *   STUCK    the link was lost with calls on it, or can't be made; or the node is
 *            silent; or it says that it can't serve now. Calls are parked here, and the
 *            oldest of them is tried: at the node itself and at its replicas, by turns
 *
 *   STUCK --(the node answers)--> FLOWING; what is parked goes out
 *   STUCK --(a replica answers, or is named as the owner)--> the replica has its slots
 *
 * A replica answers with MOVED until it is the master, so the waiting call itself is
 * the question: it does no harm, and its answer comes the moment that there is one. The
 * map would lag: until the election ends it names the dead master, and for a moment
 * longer. Where calls are in flight at a silent node and none is parked, the replicas
 * are asked for the TYPE of the key of one of those; and so it is where all that is
 * parked is too large to be sent again and again. */
#include "net/cluster.h"

#include <stdio.h>
#include <string.h>

/* Calls that need no node in particular, or were sent here by another, try
 * elsewhere. */
static void probe_let_go(reef_engine *e, reef_cnode *n)
{
    reef_ticket *next;
    for (reef_ticket *t = n->parked.head; t; t = next) {
        next = t->next;
        if (!t->asking && (t->bound || t->slot != REEF_NO_SLOT))
            continue;
        reef_list_remove(&n->parked, t);
        reef_ticket_wait(e, t);
    }
}

void reef_cluster_stick(reef_engine *e, reef_cnode *n, const reef_error *why)
{
    char peer[REEF_PEER_TEXT];
    n->why = *why;
    reef_cluster_want_map(e, !n->stuck);
    reef_cluster_rouse(e->cluster, n);
    if (n->stuck)
        return;
    n->stuck = true;
    probe_let_go(e, n);
    n->probe_next_ms = e->now_ms;
    n->probe_turn = 0;
    reef_place_text(&n->place, peer);
    reef_report_event(e, REEF_EVENT_HELD, peer, why->text);
}

/* There is a node that serves: calls that any would do for, and wait at others, go
 * on. */
static void probe_spread(reef_engine *e, const reef_cnode *well)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->active_count; i++) {
        reef_cnode *n = c->nodes[c->active[i]];
        if (n != well && n->stuck)
            probe_let_go(e, n);
    }
}

void reef_cluster_unstick(reef_engine *e, reef_cnode *n)
{
    const reef_link *l = reef_cluster_link(e, n);
    if (!n->stuck)
        return;
    n->stuck = false;
    n->why.code = REEF_OK;
    reef_report_event(e, REEF_EVENT_RESUMED, l ? l->stats.peer : NULL,
                      "serves its slots again");
    reef_cluster_rouse(e->cluster, n);
    probe_spread(e, n);
}

/* ---- who can be asked --------------------------------------------------------- */

static bool probe_can(const reef_engine *e, const reef_cnode *n)
{
    return reef_cluster_is_up(e, n) &&
           reef_link_silence_ms(e, e->links[n->dial.link]) < REEF_SILENCE_HOLD_MS;
}

/* Its replicas that can be asked: the turn-th of them; those without a link get one. */
static reef_cnode *probe_replica(reef_engine *e, const reef_cnode *n, uint32_t turn)
{
    reef_cluster *c = e->cluster;
    reef_cnode *chosen = NULL;
    uint32_t count = 0, up = 0;
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *r = c->nodes[i];
        if (!r || r->of != reef_cluster_number(n) || r == n)
            continue;
        r->wanted_ms = e->now_ms + REEF_WANTED_MS;
        reef_cluster_rouse(c, r);
        up += probe_can(e, r);
    }
    for (uint32_t i = 0; up > 0 && i < c->node_count; i++) {
        reef_cnode *r = c->nodes[i];
        if (r && r != n && r->of == reef_cluster_number(n) && probe_can(e, r) &&
            count++ == turn % up)
            chosen = r;
    }
    return chosen;
}

/* For this node alone, or such that a replica would run it. */
static bool probe_is_tied(const reef_ticket *t)
{
    return t->bound || t->asking || t->slot == REEF_NO_SLOT ||
           (t->count > 1 && !t->atomic);
}

/* The call to try it with: the oldest that costs little to send so often; rather one
 * that is not in doubt if it is lost on its way. None goes before another that waits
 * for the same slot. NULL: there is none. */
static reef_ticket *probe_call(const reef_cnode *n, bool own)
{
    enum { LOOK = 32 };
    uint16_t seen[LOOK];
    uint32_t looked = 0;
    reef_ticket *light = NULL;
    for (reef_ticket *t = n->parked.head; t && looked < LOOK; t = t->next) {
        bool first = true;
        if (!own && probe_is_tied(t))
            continue;
        for (uint32_t i = 0; i < looked; i++)
            first = first && seen[i] != t->slot;
        seen[looked++] = t->slot;
        if (!first || t->len > REEF_PROBE_BYTES)
            continue;
        if (t->repeatable)
            return t;
        light = light ? light : t;
    }
    return light;
}

/* A call whose key its owner alone answers for. */
static bool probe_has_key(const reef_ticket *t)
{
    return t->errand == REEF_ERRAND_NONE && !t->bound && !t->asking &&
           t->slot != REEF_NO_SLOT && t->keys[0].at > 0 &&
           t->keys[0].len <= REEF_PROBE_BYTES;
}

/* Whose key to ask for, in place of a call: of one that is parked, or in flight. */
static const reef_ticket *probe_keyed(const reef_engine *e, const reef_cnode *n)
{
    const reef_link *l = reef_cluster_link(e, n);
    const reef_ticket *t = n->parked.head;
    while (t && !probe_has_key(t))
        t = t->next;
    if (t)
        return t;
    t = l && l->state == REEF_LINK_READY ? l->flight.head : NULL;
    while (t && !probe_has_key(t))
        t = t->next;
    return t;
}

/* Whom to try this time, and with what (NULL: a key). NULL: nobody can be. */
static reef_cnode *probe_whom(reef_engine *e, reef_cnode *n, reef_ticket **with)
{
    bool self = n->parked.head && probe_can(e, n);
    reef_cnode *replica = probe_replica(e, n, n->probe_turn / 2);
    int64_t gap_ms = self && replica ? REEF_PROBE_BOTH_MS : REEF_PROBE_NODE_MS;
    if (!self && !replica)
        return NULL;
    bool own = self && (!replica || n->probe_turn % 2 == 0);
    n->probe_turn += self && replica ? 1 : 2;
    n->probe_next_ms = e->now_ms + gap_ms;
    *with = probe_call(n, own);
    if (own && !*with && !probe_keyed(e, n)) /* large, and there is no key to ask for */
        *with = n->parked.head;
    return own ? n : replica;
}

/* ---- probes ------------------------------------------------------------------- */

/* Does it answer for that key? A replica says MOVED until it is the master, and who
 * can't serve now says so. */
static void probe_key(reef_engine *e, const reef_cnode *n, reef_cnode *r)
{
    const reef_ticket *t = probe_keyed(e, n);
    reef_cmd *cmd = !t || r->key_out ? NULL : reef_cmd_new();
    if (!cmd)
        return;
    reef_cmd_begin(cmd, "TYPE");
    reef_cmd_key(cmd, (reef_str){t->wire + t->keys[0].at, t->keys[0].len});
    const reef_cmd *one = cmd;
    reef_errand_order order = {.errand = REEF_ERRAND_ROLE,
                               .cmds = &one,
                               .count = 1,
                               .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    r->key_of = n->serial;
    r->key_out = reef_engine_errand(e, e->links[r->dial.link], &order);
    reef_cmd_free(cmd);
}

static void probe_send(reef_engine *e, reef_cnode *n)
{
    reef_ticket *t = NULL;
    reef_cnode *to = probe_whom(e, n, &t);
    if (!to)
        return;
    reef_link *l = e->links[to->dial.link];
    if (!t)
        probe_key(e, n, to);
    if (!t || !reef_link_fit(e, l))
        return;
    reef_list_remove(&n->parked, t);
    t->probe_of = n->serial;
    n->probe_id = t->id;
    n->probe_ms = e->now_ms;
    reef_link_submit(e, l, t);
}

/* The stuck node itself was asked: whoever answers, and does not say "not now", is
 * awake. */
static void probe_own_told(reef_engine *e, reef_link *l, reef_cnode *n,
                           const reef_reply *reply)
{
    const char *text = reef_reply_text(reply);
    (void)reef_cluster_hint(e, l, text);
    if (strncmp(text, "CLUSTERDOWN", 11) != 0 && !reef_text_not_now(text, true, false))
        reef_cluster_unstick(e, n);
}

void reef_cluster_key_told(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    reef_cnode *r = reef_cluster_of_link(e, l);
    reef_cnode *n = r ? reef_cluster_node(e->cluster, r->key_of) : NULL;
    if (!r)
        return;
    r->key_out = false;
    if (n == r)
        probe_own_told(e, l, r, reply);
    if (!n || n == r || r->of != reef_cluster_number(n))
        return;
    if (reef_reply_code(reply) == REEF_OK)
        reef_cluster_promote(e, n, r);
    else if (!reef_cluster_hint(e, l, reef_reply_text(reply)))
        reef_cluster_want_map(e, false); /* it may not tell; a map will */
}

/* ---- looking after a node ----------------------------------------------------- */

static void probe_flush(reef_engine *e, reef_cnode *n)
{
    reef_link *l = e->links[n->dial.link];
    while (n->parked.head && reef_link_fit(e, l)) {
        reef_ticket *t = n->parked.head;
        reef_list_remove(&n->parked, t);
        t->probe_of = 0;
        reef_link_submit(e, l, t);
    }
}

static bool probe_owes(const reef_engine *e, const reef_cnode *n)
{
    const reef_link *l = reef_cluster_link(e, n);
    return l && l->state == REEF_LINK_READY && l->flight.head;
}

/* The first attempt to connect may take a moment; after that others are asked, too. */
static bool probe_is_slow(const reef_engine *e, const reef_cnode *n)
{
    const reef_link *l = reef_cluster_link(e, n);
    return n->parked.head && !reef_cluster_is_up(e, n) && l &&
           e->now_ms - l->born_ms >= REEF_SLOW_DIAL_MS;
}

static bool probe_is_out(const reef_engine *e, const reef_cnode *n)
{
    return n->probe_id != 0 && e->now_ms - n->probe_ms < REEF_PROBE_WAIT_MS;
}

static void probe_slow(reef_engine *e, reef_cnode *n)
{
    reef_error why;
    const reef_link *l = reef_cluster_link(e, n);
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer,
                   "connecting to it takes long; its replicas are asked as well");
    reef_cluster_stick(e, n, &why);
}

static void probe_connect(reef_engine *e, reef_cnode *n)
{
    reef_error why = {REEF_OK, 0, ""};
    if (n->place.port)
        (void)reef_cluster_dial(e, &n->dial, n->serial, &why);
    else if (!n->stuck)
        reef_error_put(&why, REEF_NOROUTE, 0, NULL,
                       "the cluster tells no address of this node that could be used");
    if (why.code == REEF_OK)
        return;
    if (n->lost_ms == 0)
        n->lost_ms = e->now_ms;
    reef_cluster_stick(e, n, &why);
}

bool reef_cluster_tend_node(reef_engine *e, reef_cnode *n)
{
    bool waits = n->parked.head || (n->stuck && probe_owes(e, n));
    if (!waits && e->now_ms >= n->wanted_ms) {
        reef_dial_leave(e, &n->dial);
        return false;
    }
    if (n->dial.link == REEF_NO_LINK)
        probe_connect(e, n);
    if (probe_is_slow(e, n) && !n->stuck)
        probe_slow(e, n);
    if (reef_cluster_flows(e, n))
        probe_flush(e, n);
    else if (waits && n->stuck && !probe_is_out(e, n) && e->now_ms >= n->probe_next_ms)
        probe_send(e, n);
    if (n->stuck && waits) /* who its replicas are may not have been told yet */
        reef_cluster_want_map(e, false);
    return true;
}

static void probe_earlier(int64_t *at, int64_t other)
{
    *at = other < *at ? other : *at;
}

int64_t reef_cluster_node_deadline_ms(const reef_engine *e, const reef_cnode *n)
{
    int64_t at = INT64_MAX;
    const reef_link *l = reef_cluster_link(e, n);
    bool waits = n->parked.head || (n->stuck && probe_owes(e, n));
    if (n->wanted_ms > e->now_ms)
        probe_earlier(&at, n->wanted_ms);
    if (!l && !n->dial.lookup && n->place.port)
        probe_earlier(&at, n->dial.pause.until_ms);
    if (!waits)
        return at;
    if (n->stuck && probe_is_out(e, n))
        probe_earlier(&at, n->probe_ms + REEF_PROBE_WAIT_MS);
    if (n->stuck && !probe_is_out(e, n))
        probe_earlier(&at, n->probe_next_ms > e->now_ms
                               ? n->probe_next_ms
                               : e->now_ms + REEF_PROBE_NODE_MS);
    if (l && !n->stuck && !reef_cluster_is_up(e, n) &&
        l->born_ms + REEF_SLOW_DIAL_MS > e->now_ms)
        probe_earlier(&at, l->born_ms + REEF_SLOW_DIAL_MS);
    return at;
}

/* ---- a new master ------------------------------------------------------------- */

void reef_cluster_promote(reef_engine *e, reef_cnode *from, reef_cnode *to)
{
    reef_cluster *c = e->cluster;
    char text[REEF_ERROR_TEXT], peer[REEF_PEER_TEXT], old[REEF_PEER_TEXT];
    reef_link *l = reef_cluster_link(e, from);
    uint32_t slots =
        reef_slots_inherit(&c->map, reef_cluster_number(from), reef_cluster_number(to));
    to->master = true;
    to->of = REEF_NOBODY;
    to->stuck = false;
    to->why.code = REEF_OK;
    from->master = from->stuck = false;
    from->of = REEF_NOBODY; /* it may not know yet: no probes until a view says so */
    reef_cluster_recount(c);
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i] && c->nodes[i]->of == reef_cluster_number(from))
            c->nodes[i]->of = reef_cluster_number(to);
    reef_place_text(&from->place, old);
    reef_place_text(&to->place, peer);
    snprintf(text, sizeof text, "took over %lu slots of %s", (unsigned long)slots, old);
    reef_report_event(e, REEF_EVENT_SWITCHED, peer, text);
    reef_cluster_unpark(e, from);
    if (l && l->state == REEF_LINK_READY)
        reef_link_leave(e, l, "another node has taken over its slots");
    reef_cluster_rouse(c, to);
    probe_spread(e, to);
    reef_cluster_want_map(e, true);
}

bool reef_cluster_is_probe(const reef_ticket *t, uint32_t serial)
{
    return t->probe_of != 0 && t->probe_of != serial;
}

/* It has calls in flight that were put to it in another's place, and none that may not
 * be sent again. */
static bool probe_is_held_up(const reef_link *l, const reef_cnode *n)
{
    bool probes = false;
    for (const reef_ticket *t = l->flight.head; t; t = t->next) {
        if (t->errand != REEF_ERRAND_NONE)
            continue;
        if (!t->repeatable)
            return false;
        probes = probes || reef_cluster_is_probe(t, n->serial);
    }
    return probes;
}

/* Silent replicas give back what they were asked with. */
static void probe_end_frozen(reef_engine *e)
{
    reef_error why;
    for (reef_link *l = e->busy_first; l; l = l->busy_next) {
        const reef_cnode *n = reef_cluster_of_link(e, l);
        if (!n || n->slots > 0 || reef_link_silence_ms(e, l) < REEF_SILENCE_HOLD_MS ||
            !probe_is_held_up(l, n))
            continue;
        reef_error_put(&why, REEF_UNSURE, 0, l->stats.peer,
                       "was put a call to see whether it is the master, and is silent");
        reef_link_fail(e, l, false, &why);
    }
}

/* A master that owes answers in silence may be gone: what it has not been given yet
 * goes to whoever takes over, and is not in doubt. */
void reef_cluster_find_silent(reef_engine *e)
{
    enum { LOOK_MS = 20 };
    reef_error why;
    e->cluster->silence_ms = e->now_ms + LOOK_MS;
    probe_end_frozen(e);
    for (const reef_link *l = e->busy_first; l; l = l->busy_next) {
        reef_cnode *n = reef_cluster_of_link(e, l);
        if (!n || n->stuck || l->state != REEF_LINK_READY || n->slots == 0 ||
            reef_link_silence_ms(e, l) < REEF_SILENCE_HOLD_MS)
            continue;
        reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer,
                       "owes answers, and is silent");
        reef_cluster_stick(e, n, &why);
    }
}
