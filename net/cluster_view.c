/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers and operators are told of a Cluster: which nodes there are, and why a
 * call found nobody to go to. */
#include "net/cluster.h"

#include <stdio.h>
#include <string.h>

uint32_t reef_cluster_serial_of(const reef_engine *e, const char *id)
{
    char whole[REEF_NODE_ID + 1] = "";
    snprintf(whole, sizeof whole, "%s", id);
    const reef_cnode *n = reef_cluster_by_id(e->cluster, whole);
    return n ? n->serial : 0;
}

const reef_link *reef_cluster_speaker(const reef_engine *e)
{
    const reef_cluster *c = e->cluster;
    const reef_cnode *n = c->favourite < c->node_count ? c->nodes[c->favourite] : NULL;
    return n && reef_cluster_is_up(e, n) ? reef_cluster_link(e, n) : e->warm;
}

/* Of a node whose address nobody tells there is but the id. */
static void view_peer(const reef_cnode *n, char out[REEF_PEER_TEXT])
{
    if (n->place.port)
        reef_place_text(&n->place, out);
    else
        snprintf(out, REEF_PEER_TEXT, "node %.8s", n->id);
}

size_t reef_cluster_members(const reef_engine *e, reef_member *out, size_t cap)
{
    const reef_cluster *c = e->cluster;
    size_t count = 0;
    for (uint32_t i = 0; i < c->node_count; i++) {
        const reef_cnode *n = c->nodes[i];
        if (!n || !n->id[0] || (!n->listed && n->slots == 0))
            continue;
        if (count < cap) {
            reef_member *m = &out[count];
            memset(m, 0, sizeof *m);
            memcpy(m->id, n->id, sizeof m->id);
            view_peer(n, m->peer);
            m->master = n->master;
            m->slots = n->slots;
        }
        count++;
    }
    return count;
}

/* ---- why there is no map ------------------------------------------------------ */

static const reef_cseed *view_worst(const reef_cluster *c)
{
    const reef_cseed *worst = NULL;
    for (uint32_t i = 0; i < c->seed_count; i++) {
        const reef_cseed *s = &c->seeds[i];
        if (s->verdict_ms != 0 && (!worst || (s->hopeless && !worst->hopeless)))
            worst = s;
    }
    return worst;
}

void reef_cluster_no_map(const reef_engine *e, reef_error *out)
{
    const reef_cluster *c = e->cluster;
    char text[REEF_ERROR_TEXT];
    const reef_cseed *s = view_worst(c);
    if (!s) {
        reef_error_put(
            out, REEF_CONNECT, 0, c->seeds[0].dial.host.name,
            "the deadline passed before any node of the Cluster had told its "
            "map; nothing was sent");
        return;
    }
    if (c->seed_count == 1 || s->hopeless) {
        *out = s->why;
        if (out->code == REEF_REFUSED) /* it was no call that was refused */
            out->code = REEF_NOROUTE;
        return;
    }
    snprintf(text, sizeof text,
             "none of the %lu hosts of the Cluster can be used; %.180s",
             (unsigned long)c->seed_count, s->why.text);
    reef_error_put(out, s->why.code == REEF_REFUSED ? REEF_NOROUTE : s->why.code,
                   s->why.sys_errno, NULL, text);
}

bool reef_cluster_is_hopeless(const reef_engine *e, int64_t since_ms, reef_error *why)
{
    const reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->seed_count; i++) {
        const reef_cseed *s = &c->seeds[i];
        if (s->verdict_ms == 0 || s->verdict_ms < since_ms || !s->hopeless)
            return false;
    }
    reef_cluster_no_map(e, why);
    return true;
}

/* ---- why a call waits --------------------------------------------------------- */

void reef_cluster_no_owner(const reef_engine *e, uint32_t slot, reef_error *why)
{
    const reef_cluster *c = e->cluster;
    char text[REEF_ERROR_TEXT];
    if (c->live_count == REEF_NODES_MAX)
        snprintf(text, sizeof text,
                 "slot %lu, in which the key lives, is served by none of the first %d "
                 "nodes of the Cluster, and more are not looked at; nothing was sent",
                 (unsigned long)slot, REEF_NODES_MAX);
    else
        snprintf(
            text, sizeof text,
            "no node of the Cluster serves slot %lu, in which the key lives (told by "
            "%.100s); nothing was sent. reef topology shows what is missing",
            (unsigned long)slot, c->told);
    reef_error_put(why, REEF_NOROUTE, 0, NULL, text);
}

void reef_cluster_left(const reef_cnode *n, reef_error *why)
{
    char text[REEF_ERROR_TEXT], peer[REEF_PEER_TEXT];
    view_peer(n, peer);
    snprintf(text, sizeof text,
             "the node that the command was for, %.50s, has left the cluster; nothing "
             "was sent%s%.90s",
             peer, n->why.code == REEF_OK ? "" : ". Before that: ",
             n->why.code == REEF_OK ? "" : n->why.text);
    reef_error_put(why, REEF_NOROUTE, 0, NULL, text);
}

static void view_node(const reef_cnode *n, const reef_ticket *t, reef_error *why)
{
    char text[REEF_ERROR_TEXT], peer[REEF_PEER_TEXT];
    view_peer(n, peer);
    reef_code code = n->why.code == REEF_OK        ? REEF_CONNECT
                     : n->why.code == REEF_REFUSED ? REEF_NOROUTE
                                                   : n->why.code;
    if (code == REEF_UNSURE || code == REEF_UNSENT)
        code = REEF_CONNECT;
    const char *reason =
        n->why.code == REEF_OK ? "connecting took too long" : n->why.text;
    if (t->slot == REEF_NO_SLOT)
        snprintf(text, sizeof text, "%.60s can't be used: %.130s; nothing was sent",
                 peer, reason);
    else
        snprintf(
            text, sizeof text,
            "slot %lu: its master %.50s can't be used, and no replica has taken over "
            "by the deadline; nothing was sent. %.80s",
            (unsigned long)t->slot, peer, reason);
    reef_error_put(why, code, n->why.sys_errno, NULL, text);
}

static const char *view_later(reef_later later)
{
    switch (later) {
    case REEF_LATER_MOVING:
        break;
    case REEF_LATER_CIRCLE:
        return "nodes sent it to each other until the deadline, and none of them ran "
               "it: they don't agree on who serves the slot; reef topology shows what "
               "each believes";
    case REEF_LATER_NOWHERE:
        return "was sent on until the deadline to a node whose address nobody tells, "
               "and did not run";
    }
    return "the slot of its keys was being moved until the deadline; it was told to "
           "try again, and did not run";
}

void reef_cluster_waits_for(const reef_engine *e, const reef_ticket *t, reef_error *why)
{
    const reef_cluster *c = e->cluster;
    const reef_cnode *n = t->bound ? reef_cluster_node(c, t->bound) : NULL;
    uint16_t owner = reef_slots_at(&c->map, t->slot)->owner;
    if (!c->mapped) {
        reef_cluster_no_map(e, why);
        return;
    }
    if (t->home == &c->later) {
        reef_error_put(why, REEF_NOROUTE, 0, NULL, view_later(t->later));
        return;
    }
    for (uint32_t i = 0; !n && i < c->node_count; i++)
        if (c->nodes[i] && t->home == &c->nodes[i]->parked)
            n = c->nodes[i];
    if (!n && owner != REEF_NOBODY)
        n = c->nodes[owner];
    if (n)
        view_node(n, t, why);
    else
        reef_cluster_no_owner(e, t->slot, why);
}
