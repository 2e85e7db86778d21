/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of a Cluster: who they are, the link to each, and the calls that are parked
 * at them.
 *
 * A node is known by its id, and where it has none yet by its place. Its serial is its
 * number, which is used again, and which use of it this is; so who remembers the serial
 * of a node that is gone finds nobody.
 *
 * Invariants: a node with parked calls is in the active list. Calls of a dropped node
 * are with the engine's waiting ones. */
#include "net/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_NUMBER = (1 << REEF_SERIAL_BITS) - 1 };

/* ---- finding ------------------------------------------------------------------ */

uint16_t reef_cluster_number(const reef_cnode *n)
{
    return (uint16_t)(n->serial & NODES_NUMBER);
}

reef_cnode *reef_cluster_node(const reef_cluster *c, uint32_t serial)
{
    uint32_t number = serial & NODES_NUMBER;
    reef_cnode *n = number < c->node_count ? c->nodes[number] : NULL;
    return n && n->serial == serial ? n : NULL;
}

static bool nodes_is(const reef_cluster *c, uint32_t number, const char *id)
{
    return number < c->node_count && c->nodes[number] &&
           memcmp(c->nodes[number]->id, id, REEF_NODE_ID) == 0;
}

/* Ids are drawn by their nodes, so some of their characters are as good as all. */
static uint32_t nodes_hash(const char *id)
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    for (size_t i = REEF_NODE_ID - 8; i < REEF_NODE_ID; i++)
        hash = (hash ^ (unsigned char)id[i]) * UINT32_C(16777619);
    return (hash ^ hash >> 15) % REEF_NODES_HINTS;
}

/* A map may have 16,384 ranges, each with its nodes: where the one of such an id was
 * found last is looked first. */
reef_cnode *reef_cluster_by_id(const reef_cluster *c, const char *id)
{
    if (!id[0])
        return NULL;
    uint16_t *hint = &c->hints[nodes_hash(id)];
    for (uint32_t i = 0; !nodes_is(c, *hint, id); i++) {
        if (i >= c->node_count)
            return NULL;
        if (nodes_is(c, i, id))
            *hint = (uint16_t)i;
    }
    return c->nodes[*hint];
}

reef_cnode *reef_cluster_by_place(const reef_cluster *c, const reef_place *place)
{
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i] && reef_place_same(&c->nodes[i]->place, place))
            return c->nodes[i];
    return NULL;
}

reef_cnode *reef_cluster_by_port(const reef_cluster *c, uint16_t port)
{
    reef_cnode *found = NULL;
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *n = c->nodes[i];
        if (!n || n->place.port != port)
            continue;
        if (found)
            return NULL;
        found = n;
    }
    return found;
}

reef_link *reef_cluster_link(const reef_engine *e, const reef_cnode *n)
{
    return n->dial.link == REEF_NO_LINK ? NULL : e->links[n->dial.link];
}

reef_cnode *reef_cluster_of_link(const reef_engine *e, const reef_link *l)
{
    reef_cnode *n = reef_cluster_node(e->cluster, l->whose);
    return n && n->dial.link == (int)l->index ? n : NULL;
}

bool reef_cluster_is_up(const reef_engine *e, const reef_cnode *n)
{
    const reef_link *l = reef_cluster_link(e, n);
    return l && l->state == REEF_LINK_READY && n->known;
}

bool reef_cluster_flows(const reef_engine *e, const reef_cnode *n)
{
    return reef_cluster_is_up(e, n) && !n->stuck &&
           reef_link_silence_ms(e, e->links[n->dial.link]) < REEF_SILENCE_HOLD_MS;
}

/* ---- coming and going --------------------------------------------------------- */

/* A link that is on its way ends at once; one that owes something finishes it. */
static void nodes_let_go(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    if (l->state != REEF_LINK_OPENING && !reef_hello_running(l)) {
        reef_link_leave(e, l, text);
        return;
    }
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer, text);
    l->quiet = true;
    reef_link_fail(e, l, false, &why);
}

void reef_cluster_settle_at(reef_engine *e, reef_cnode *n, const reef_place *place)
{
    reef_host host = {.kind = REEF_HOST_TCP, .port = place->port};
    reef_link *l = reef_cluster_link(e, n);
    if (reef_place_same(&n->place, place))
        return;
    if (l) {
        l->whose = 0;
        n->dial.link = REEF_NO_LINK;
        nodes_let_go(e, l, "its node is at another place now");
    }
    n->place = *place;
    n->known = n->hopeless = false;
    memcpy(host.name, place->host, sizeof host.name);
    reef_dial_to(e, &n->dial, &host);
}

static uint32_t nodes_free_number(const reef_cluster *c)
{
    for (uint32_t i = 0; i < c->node_count; i++)
        if (!c->nodes[i])
            return i;
    return c->node_count;
}

reef_cnode *reef_cluster_add(reef_engine *e, const char *id, const reef_place *place)
{
    reef_cluster *c = e->cluster;
    uint32_t number = nodes_free_number(c);
    reef_cnode *n = number < REEF_NODES_MAX ? calloc(1, sizeof *n) : NULL;
    if (!n)
        return NULL;
    c->uses = (c->uses + 1) & (~REEF_SERIAL_SEED >> REEF_SERIAL_BITS);
    c->uses += c->uses == 0;
    n->serial = c->uses << REEF_SERIAL_BITS | number;
    n->of = REEF_NOBODY;
    n->dial.link = REEF_NO_LINK;
    snprintf(n->id, sizeof n->id, "%s", id);
    reef_cluster_settle_at(e, n, place);
    c->nodes[number] = n;
    if (number == c->node_count)
        c->node_count++;
    c->live_count++;
    e->serve_max = c->live_count + c->seed_count + REEF_SERVE_LINKS_MAX;
    return n;
}

static void nodes_inactive(reef_cluster *c, reef_cnode *n)
{
    uint32_t number = reef_cluster_number(n);
    for (uint32_t i = 0; n->active && i < c->active_count; i++) {
        if (c->active[i] != number)
            continue;
        c->active[i] = c->active[--c->active_count];
        n->active = false;
    }
}

/* Calls for this node alone end, and say why they were waiting. */
static void nodes_refuse_bound(reef_engine *e, reef_cnode *n)
{
    reef_error why;
    reef_ticket *next;
    reef_cluster_left(n, &why);
    for (reef_ticket *t = n->parked.head; t; t = next) {
        next = t->next;
        if (!t->bound)
            continue;
        reef_list_remove(&n->parked, t);
        reef_cluster_refuse(e, t, &why);
    }
}

void reef_cluster_drop(reef_engine *e, reef_cnode *n, const char *text)
{
    reef_cluster *c = e->cluster;
    reef_link *l = reef_cluster_link(e, n);
    uint32_t number = reef_cluster_number(n);
    c->nodes[number] = NULL;
    nodes_inactive(c, n);
    nodes_refuse_bound(e, n);
    reef_cluster_unpark(e, n);
    for (uint32_t i = 0; i < c->node_count; i++)
        if (c->nodes[i] && c->nodes[i]->of == number)
            c->nodes[i]->of = REEF_NOBODY;
    (void)reef_slots_inherit(&c->map, (uint16_t)number, REEF_NOBODY);
    reef_dial_forget(e, &n->dial);
    if (l)
        nodes_let_go(e, l, text);
    free(n);
    c->live_count--;
    e->serve_max = c->live_count + c->seed_count + REEF_SERVE_LINKS_MAX;
}

void reef_cluster_nodes_free(reef_engine *e)
{
    reef_cluster *c = e->cluster;
    for (uint32_t i = 0; i < c->node_count; i++) {
        reef_cnode *n = c->nodes[i];
        if (!n)
            continue;
        reef_dial_forget(e, &n->dial);
        while (n->parked.head) {
            reef_ticket *t = n->parked.head;
            reef_list_remove(&n->parked, t);
            reef_ticket_free(e, t);
        }
        free(n);
    }
}

/* ---- calls -------------------------------------------------------------------- */

void reef_cluster_rouse(reef_cluster *c, reef_cnode *n)
{
    if (n->active)
        return;
    n->active = true;
    c->active[c->active_count++] = reef_cluster_number(n);
    c->rests_ms = 0;
}

void reef_cluster_park(reef_engine *e, reef_cnode *n, reef_ticket *t)
{
    if (t->id == n->probe_id)
        n->probe_id = 0;
    reef_ticket_park(&n->parked, t);
    reef_cluster_rouse(e->cluster, n);
}

void reef_cluster_empty(reef_engine *e, reef_list *list)
{
    while (list->head) {
        reef_ticket *t = list->head;
        reef_list_remove(list, t);
        reef_ticket_wait(e, t);
    }
}

void reef_cluster_unpark(reef_engine *e, reef_cnode *n)
{
    n->probe_id = 0;
    reef_cluster_empty(e, &n->parked);
}
