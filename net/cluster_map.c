/* SPDX-License-Identifier: Apache-2.0
 *
 * What a view changes: CLUSTER SLOTS as one node tells it, with the epochs of CLUSTER
 * NODES beside it.
 *
 * A view is hearsay: nodes learn of each other by gossip, so a view may be older than
 * what is known. It is weighed claim by claim, by rank. What it leaves out counts only
 * when it knows no less than the highest epoch that we have met. A view that has not
 * one node with us in common is of another cluster. */
#include "net/cluster.h"

#include <stdio.h>
#include <string.h>

typedef struct map_view {
    reef_link *link;
    const reef_reply *slots;
    bool epochs;  /* the roster could be read */
    bool newer;   /* it knows no less than we do */
    bool changed; /* our map is another one now */
    bool crowded; /* a master found no place */
    uint64_t epoch;
    uint32_t kept; /* slots whose claims were older than ours */
    uint32_t masters, replicas, served;
} map_view;

/* ---- whose is it? ------------------------------------------------------------- */

static reef_str map_roster_text(const reef_reply *roster)
{
    const reef_node *root = reef_reply_root(roster);
    return reef_reply_code(roster) == REEF_OK ? reef_text(roster, root)
                                              : (reef_str){NULL, 0};
}

/* Where the node can be reached: an empty host is the one that was asked. */
static void map_place(const map_view *v, reef_place *place)
{
    if (place->host[0] || !place->port)
        return;
    snprintf(place->host, sizeof place->host, "%s",
             v->link->local ? "127.0.0.1" : v->link->address);
}

static reef_cnode *map_find(const reef_cluster *c, const reef_shape_item *item,
                            const reef_place *place)
{
    reef_cnode *n =
        item->id[0] ? reef_cluster_by_id(c, item->id) : reef_cluster_by_place(c, place);
    if (!n && item->id[0]) {
        n = reef_cluster_by_place(c, place);
        if (n && n->id[0]) /* another node was there */
            n = NULL;
    }
    return n;
}

/* Another than that one. */
static bool map_any_is_up(const reef_engine *e, const reef_cnode *but)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i] && c->nodes[i] != but && reef_cluster_is_up(e, c->nodes[i]))
            return true;
    return false;
}

/* True: it has a node with us in common, or we have none. One of ours that tells of
 * strangers alone may have been taken into another cluster: its word is as good as the
 * silence of the others. */
static bool map_is_ours(const reef_engine *e, const map_view *v)
{
    const reef_cluster *c = e->cluster;
    const reef_cnode *teller = reef_cluster_of_link(e, v->link);
    reef_shape_walk walk;
    reef_shape_item item;
    bool strangers = false;
    if (!c->mapped || c->live_count == 0)
        return true;
    reef_shape_begin(&walk, v->slots);
    while (reef_shape_next(&walk, &item)) {
        map_place(v, &item.place);
        const reef_cnode *n = map_find(c, &item, &item.place);
        if (n && n != teller)
            return true;
        strangers = strangers || !n;
    }
    return teller && (!strangers || !map_any_is_up(e, teller));
}

static reef_code map_foreign(reef_engine *e, const map_view *v, reef_error *why)
{
    reef_cluster *c = e->cluster;
    if (reef_cluster_is_lost(e) && c->lost_ms > 0 &&
        e->now_ms - c->lost_ms >= REEF_FOREIGN_MS) {
        for (uint32_t i = 0; i < c->node_count; i++)
            if (c->nodes[i])
                reef_cluster_drop(e, c->nodes[i], "its cluster is gone");
        reef_slots_free(&c->map);
        c->mapped = false;
        c->rests_ms = 0;
        c->epoch = 0;
        return REEF_OK;
    }
    reef_error_put(why, REEF_CONNECT, 0, v->link->stats.peer,
                   "answers for another cluster, of which no node is known; it is not "
                   "believed");
    return REEF_CONNECT;
}

/* ---- nodes -------------------------------------------------------------------- */

static reef_cnode *map_node(reef_engine *e, map_view *v, reef_shape_item *item)
{
    reef_cluster *c = e->cluster;
    map_place(v, &item->place);
    reef_cnode *n = map_find(c, item, &item->place);
    if (n) {
        if (item->id[0])
            memcpy(n->id, item->id, sizeof n->id);
        /* Nodes may tell different names of one place; where it can be reached it
         * stays. */
        if (item->place.port && v->newer && n->dial.link == REEF_NO_LINK)
            reef_cluster_settle_at(e, n, &item->place);
        return n;
    }
    /* Of a node that can't be reached its slots are known all the same. */
    return reef_cluster_add(e, item->id, &item->place);
}

/* A replica that can be done without, for a master: reloads find out who takes over. */
static bool map_make_room(reef_engine *e, const map_view *v)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = c->node_count; i > 0; i--) {
        reef_cnode *n = c->nodes[i - 1];
        if (!n || n->slots > 0 || n->fresh || n->parked.head ||
            reef_cluster_of_link(e, v->link) == n)
            continue;
        reef_cluster_drop(e, n, "there are more nodes than are looked at");
        return true;
    }
    return false;
}

static void map_roles(reef_engine *e, map_view *v)
{
    reef_shape_walk walk;
    reef_shape_item item;
    reef_cnode *master = NULL;
    reef_shape_begin(&walk, v->slots);
    while (reef_shape_next(&walk, &item)) {
        reef_cnode *n = map_node(e, v, &item);
        if (item.position == 0)
            master = n;
        v->crowded = v->crowded || (item.position == 0 && !n);
        if (!n || !v->newer)
            continue;
        v->masters += item.position == 0 && !n->listed;
        v->replicas += item.position != 0 && !n->listed;
        n->listed = true;
        n->master = item.position == 0;
        n->of = n->master || !master ? REEF_NOBODY : reef_cluster_number(master);
    }
}

/* Where there are more nodes than there may be, those that serve slots come first. */
static void map_masters_first(reef_engine *e, map_view *v)
{
    reef_cluster *c = e->cluster;
    reef_shape_walk walk;
    reef_shape_item item;
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i])
            c->nodes[i]->fresh = false;
    reef_shape_begin(&walk, v->slots);
    while (reef_shape_next(&walk, &item)) {
        if (item.position != 0)
            continue;
        reef_cnode *n = map_node(e, v, &item);
        if (!n && c->live_count == REEF_NODES_MAX && map_make_room(e, v))
            n = map_node(e, v, &item);
        if (n)
            n->fresh = true;
    }
}

static void map_unlist(reef_cluster *c)
{
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i])
            c->nodes[i]->listed = false;
}

static void map_nodes(reef_engine *e, map_view *v)
{
    for (int pass = 0; pass < 2; pass++) {
        if (v->newer)
            map_unlist(e->cluster);
        v->crowded = false;
        v->masters = v->replicas = 0;
        map_roles(e, v);
        if (v->crowded && pass == 0)
            map_masters_first(e, v);
        else
            return;
    }
}

/* The highest epoch of all; of known nodes it is written down. */
static void map_epochs(reef_cluster *c, map_view *v, reef_str text, bool keep)
{
    reef_roster_row row;
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i])
            c->nodes[i]->told = c->nodes[i]->named = 0;
    while (reef_roster_next(&text, &row)) {
        reef_cnode *n = keep ? reef_cluster_by_id(c, row.id) : NULL;
        v->epochs = true;
        if (n)
            n->named = true;
        if (row.epoch > UINT64_MAX / 4) /* nobody's: it could not be doubled */
            continue;
        if (row.master && row.epoch > v->epoch)
            v->epoch = row.epoch;
        if (n && row.master)
            n->told = row.epoch;
        if (n && row.master && row.epoch > n->epoch)
            n->epoch = row.epoch;
    }
}

/* ---- slots -------------------------------------------------------------------- */

static bool map_is_gone(const reef_engine *e, const reef_cnode *n)
{
    return !n || (n->lost_ms > 0 && e->now_ms - n->lost_ms >= REEF_BELIEF_LOST_MS &&
                  !reef_cluster_is_up(e, n));
}

/* Owners that were lost for long have no word left: an older claim wins over theirs. */
static void map_weaken(reef_engine *e, uint32_t first, uint32_t last, uint64_t rank)
{
    reef_cluster *c = e->cluster;
    for (uint32_t at = first; at <= last;) {
        const reef_run *run = reef_slots_at(&c->map, at);
        uint32_t end = reef_slots_end(&c->map, at);
        uint16_t owner = run->owner;
        bool stronger = run->rank > rank;
        end = end > last + 1 ? last + 1 : end;
        if (stronger && (owner == REEF_NOBODY || map_is_gone(e, c->nodes[owner])))
            (void)reef_slots_set(&c->map, at, end - 1, owner, rank);
        at = end;
    }
}

static bool map_owned_by(const reef_slots *map, uint32_t first, uint32_t last,
                         uint16_t owner)
{
    for (uint32_t at = first; at <= last; at = reef_slots_end(map, at))
        if (reef_slots_at(map, at)->owner != owner)
            return false;
    return true;
}

static void map_claim(reef_engine *e, map_view *v, const reef_shape_item *item,
                      const reef_cnode *n)
{
    reef_cluster *c = e->cluster;
    uint16_t owner = reef_cluster_number(n);
    uint64_t rank = 2 * n->told;
    uint32_t kept = 0;
    bool same = map_owned_by(&c->map, item->first, item->last, owner);
    if (!v->epochs) /* nothing to weigh it by: what was told last counts */
        rank = UINT64_MAX;
    else if (!same)
        map_weaken(e, item->first, item->last, rank);
    if (!v->epochs)
        (void)reef_slots_set(&c->map, item->first, item->last, owner, 0);
    else
        (void)reef_slots_claim(&c->map, item->first, item->last, owner, rank, &kept);
    v->kept += kept;
    v->served += item->last - item->first + 1;
    v->changed = v->changed || (!same && kept < item->last - item->first + 1);
}

/* Slots that a view leaves out, and we have an owner of. */
static void map_holes(reef_engine *e, map_view *v,
                      const unsigned char told[REEF_SLOT_COUNT / 8])
{
    reef_slots *map = &e->cluster->map;
    for (uint32_t at = 0; at < REEF_SLOT_COUNT;) {
        uint32_t end = reef_slots_end(map, at), from = at;
        const reef_run *run = reef_slots_at(map, at);
        uint64_t rank = run->rank;
        bool owned = run->owner != REEF_NOBODY;
        while (at < end &&
               (told[at / 8] >> at % 8 & 1) == (told[from / 8] >> from % 8 & 1))
            at++;
        if (!owned || (told[from / 8] >> from % 8 & 1))
            continue;
        v->changed = true;
        (void)reef_slots_set(map, from, at - 1, REEF_NOBODY, rank);
    }
}

static void map_claims(reef_engine *e, map_view *v)
{
    reef_shape_walk walk;
    reef_shape_item item;
    unsigned char told[REEF_SLOT_COUNT / 8] = {0};
    reef_shape_begin(&walk, v->slots);
    while (reef_shape_next(&walk, &item)) {
        if (item.position != 0)
            continue;
        for (uint32_t s = item.first; s <= item.last; s++)
            told[s / 8] |= (unsigned char)(1u << s % 8);
        map_place(v, &item.place);
        const reef_cnode *n = map_find(e->cluster, &item, &item.place);
        if (n)
            map_claim(e, v, &item, n);
    }
    if (v->newer)
        map_holes(e, v, told);
}

void reef_cluster_recount(reef_cluster *c)
{
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i])
            c->nodes[i]->slots = 0;
    for (uint32_t at = 0; at < REEF_SLOT_COUNT;) {
        uint32_t end = reef_slots_end(&c->map, at);
        uint16_t owner = reef_slots_at(&c->map, at)->owner;
        if (owner < c->node_count && c->nodes[owner])
            c->nodes[owner]->slots += end - at;
        at = end;
    }
}

/* What is parked at its old owner follows the slot. */
static void map_release(reef_engine *e, reef_cnode *old, uint32_t slot)
{
    reef_ticket *next;
    for (reef_ticket *t = old->parked.head; t; t = next) {
        next = t->next;
        if (t->slot != slot || t->bound)
            continue;
        reef_list_remove(&old->parked, t);
        reef_ticket_wait(e, t);
    }
}

void reef_cluster_patch(reef_engine *e, uint32_t slot, reef_cnode *owner)
{
    reef_cluster *c = e->cluster;
    char text[REEF_ERROR_TEXT], peer[REEF_PEER_TEXT];
    const reef_run *run = reef_slots_at(&c->map, slot);
    uint16_t number = reef_cluster_number(owner);
    if (run->owner == number)
        return;
    reef_cnode *old = run->owner < c->node_count ? c->nodes[run->owner] : NULL;
    if (old) {
        old->slots--;
        map_release(e, old, slot);
    }
    owner->slots++;
    (void)reef_slots_set(&c->map, slot, slot, number, run->rank | 1);
    owner->master = true;
    owner->of = REEF_NOBODY;
    if (c->due) /* one word for many slots that move at once */
        return;
    reef_place_text(&owner->place, peer);
    snprintf(text, sizeof text, "slot %lu is served there now", (unsigned long)slot);
    reef_report_event(e, REEF_EVENT_MOVED, peer, text);
}

/* ---- after it ----------------------------------------------------------------- */

/* Who had slots and has none left gets nothing new, and is not waited for. */
static void map_leave(reef_engine *e, const uint32_t before[REEF_NODES_MAX])
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *n = c->nodes[i];
        reef_link *l = n ? reef_cluster_link(e, n) : NULL;
        if (!n || before[i] == 0 || n->slots > 0)
            continue;
        n->stuck = false;
        if (l && l->state == REEF_LINK_READY && (l->out.head || l->flight.head))
            reef_link_leave(e, l, "it serves no slots any more");
    }
}

/* Who owns slots is a master, whatever an older view calls it; who owns none, is
 * none. */
static void map_masters(reef_cluster *c)
{
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *n = c->nodes[i];
        if (!n)
            continue;
        n->master = n->slots > 0;
        if (n->master)
            n->of = REEF_NOBODY;
    }
}

/* A redirect led to it, and it has not said yet who it is. */
static bool map_is_awaited(const reef_cnode *n)
{
    bool comes = n->dial.link != REEF_NO_LINK && !n->known;
    return !n->id[0] && n->lost_ms == 0 && (n->parked.head || comes);
}

static void map_sweep(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *n = c->nodes[i];
        if (n && !n->listed && !n->named && n->slots == 0 && !map_is_awaited(n))
            reef_cluster_drop(e, n, "it has left the cluster");
    }
}

static void map_reroute(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i] && c->nodes[i]->parked.head)
            reef_cluster_unpark(e, c->nodes[i]);
}

static void map_report(reef_engine *e, const map_view *v)
{
    char text[REEF_ERROR_TEXT];
    snprintf(text, sizeof text,
             "told of %lu masters with %lu slots, and %lu replicas; epoch %llu",
             (unsigned long)v->masters, (unsigned long)v->served,
             (unsigned long)v->replicas, (unsigned long long)v->epoch);
    reef_report_event(e, REEF_EVENT_MAP, v->link->stats.peer, text);
}

/* The highest epoch of those who have a word: who is lost for long has none. */
static uint64_t map_standing(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    uint64_t epoch = 0;
    for (uint32_t i = 0; i < c->node_count; i++) {
        const reef_cnode *n = c->nodes[i];
        if (n && n->slots > 0 && n->epoch > epoch && !map_is_gone(e, n))
            epoch = n->epoch;
    }
    return epoch;
}

static void map_merge(reef_engine *e, map_view *v, reef_str roster)
{
    reef_cluster *c = e->cluster;
    uint32_t before[REEF_NODES_MAX] = {0};
    bool first = !c->mapped;
    for (uint32_t i = 0; i < c->node_count; i++)
        before[i] = c->nodes[i] ? c->nodes[i]->slots : 0;
    map_epochs(c, v, roster, false);
    /* Who was reset tells of nobody, and may have nothing to weigh it by. */
    v->newer = v->epochs ? v->epoch >= map_standing(e)
                         : reef_count(reef_reply_root(v->slots)) > 0;
    map_nodes(e, v);
    map_epochs(c, v, roster, true);
    map_claims(e, v);
    c->mapped = true;
    c->epoch = v->newer ? v->epoch : c->epoch;
    reef_cluster_recount(c);
    map_masters(c);
    if (v->newer)
        map_sweep(e);
    map_leave(e, before);
    c->views++;
    c->quiet = v->changed || first ? 0 : c->quiet + 1;
    reef_cluster_empty(e, &c->homeless);
    if (v->changed || first) {
        map_reroute(e);
        map_report(e, v);
    }
}

/* What it said instead of the slots. That it may not tell is final; that it is busy, or
 * loads, is not. */
static reef_code map_untold(const reef_reply *slots, reef_code code, const char *peer,
                            reef_error *why)
{
    char text[REEF_ERROR_TEXT];
    const char *words = reef_reply_text(slots);
    reef_code said = reef_reply_code(slots);
    if (said == REEF_NOMEM || said == REEF_UNSURE) {
        reef_error_put(why, REEF_NOMEM, 0, peer, "out of memory for its answer");
    } else if (code == REEF_REFUSED) {
        bool final = strncmp(words, "NOPERM", 6) == 0;
        bool none = strstr(words, "cluster support disabled") != NULL;
        snprintf(text, sizeof text, "does not tell the slots of the Cluster: %.110s%s",
                 words, final ? "; allow this user +cluster|slots" : "");
        reef_error_put(why,
                       none    ? REEF_BADCONFIG
                       : final ? REEF_AUTH
                               : REEF_NOROUTE,
                       0, peer, text);
    } else {
        reef_error_put(
            why, code, 0, peer,
            "its answer to CLUSTER SLOTS has another form than it must have");
    }
    return why->code;
}

reef_code reef_cluster_view(reef_engine *e, reef_link *l, const reef_reply *slots,
                            const reef_reply *roster, reef_error *why)
{
    map_view v = {.link = l, .slots = slots};
    reef_code code = reef_shape_check(slots);
    if (code != REEF_OK)
        return map_untold(slots, code, l->stats.peer, why);
    if (reef_count(reef_reply_root(slots)) == 0 && !e->cluster->mapped) {
        reef_error_put(why, REEF_NOROUTE, 0, l->stats.peer,
                       "is a node of a Cluster that serves no slots yet");
        return REEF_NOROUTE;
    }
    if (!map_is_ours(e, &v))
        code = map_foreign(e, &v, why);
    if (code == REEF_OK)
        map_merge(e, &v, map_roster_text(roster));
    return code;
}
