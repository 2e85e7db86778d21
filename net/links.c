/* SPDX-License-Identifier: Apache-2.0
 *
 * The links of an engine: the array that they stand in, made when they are first
 * needed, and the list of those that are busy. So a thousand links that rest cost
 * nothing. */
#include "net/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reef_link_wipe(reef_link *l)
{
    reef_hello_wipe(l);
    reef_parser_free(l->parser);
    free(l->stage);
    l->parser = NULL;
    l->stage = NULL;
}

static reef_link *links_oldest_draining(reef_engine *e)
{
    reef_link *oldest = NULL;
    for (size_t i = 0; i < e->link_count; i++) {
        reef_link *l = e->links[i];
        if (l->state == REEF_LINK_DRAINING && (!oldest || l->born_ms < oldest->born_ms))
            oldest = l;
    }
    return oldest;
}

static bool links_room(reef_engine *e)
{
    enum { LINKS_FIRST = 8 };
    if (e->link_count < e->link_cap)
        return true;
    uint32_t cap = e->link_cap ? 2 * e->link_cap : LINKS_FIRST;
    if (cap > REEF_LINKS_MAX)
        cap = REEF_LINKS_MAX;
    reef_link **links =
        cap > e->link_count ? realloc(e->links, cap * sizeof *links) : NULL;
    if (!links)
        return false;
    e->links = links;
    e->link_cap = cap;
    return true;
}

static reef_link *links_new(reef_engine *e)
{
    reef_link *l = links_room(e) ? calloc(1, sizeof(reef_link)) : NULL;
    if (l) {
        l->index = e->link_count;
        e->links[e->link_count++] = l;
    }
    return l;
}

/* ---- the busy list ------------------------------------------------------------ */

void reef_link_stir(reef_engine *e, reef_link *l)
{
    if (l->busy)
        return;
    l->busy = true;
    l->busy_next = NULL;
    l->busy_prev = e->busy_last;
    *(e->busy_last ? &e->busy_last->busy_next : &e->busy_first) = l;
    e->busy_last = l;
}

static void links_unlist(reef_engine *e, reef_link *l)
{
    *(l->busy_prev ? &l->busy_prev->busy_next : &e->busy_first) = l->busy_next;
    *(l->busy_next ? &l->busy_next->busy_prev : &e->busy_last) = l->busy_prev;
    l->busy_next = l->busy_prev = NULL;
    l->busy = false;
}

void reef_link_rest(reef_engine *e, reef_link *l)
{
    bool rests = l->state == REEF_LINK_FREE ||
                 (l->state == REEF_LINK_READY && !l->out.head && !l->flight.head);
    if (l->busy && rests)
        links_unlist(e, l);
}

static uint32_t links_count_serving(const reef_engine *e)
{
    uint32_t count = 0;
    for (size_t i = 0; i < e->link_count; i++)
        count += e->links[i]->duty == REEF_DUTY_SERVE &&
                 e->links[i]->state != REEF_LINK_FREE;
    return count;
}

static reef_link *links_free_one(reef_engine *e, reef_duty duty)
{
    if (duty == REEF_DUTY_SERVE && links_count_serving(e) >= e->serve_max)
        return NULL;
    for (size_t i = 0; i < e->link_count; i++)
        if (e->links[i]->state == REEF_LINK_FREE)
            return e->links[i];
    return links_new(e);
}

reef_link *reef_link_take(reef_engine *e, reef_duty duty)
{
    reef_link *l = links_free_one(e, duty);
    if (l) {
        l->duty = duty;
        return l;
    }
    if (duty != REEF_DUTY_SERVE)
        return NULL;
    /* Its number is free once the host has taken the CLOSE; then the router is
     * woken. */
    reef_link *oldest = links_oldest_draining(e);
    if (oldest) {
        reef_error why;
        reef_error_put(&why, REEF_UNSURE, 0, oldest->stats.peer,
                       "too many connections owe answers; this one waited longest");
        reef_link_fail(e, oldest, false, &why);
    }
    return NULL;
}

void reef_link_open(reef_engine *e, reef_link *l, const char *address, uint16_t port,
                    bool local)
{
    l->state = REEF_LINK_OPENING;
    l->op_due = true;
    l->sending = l->served = l->useful = l->pinged = l->held = l->quiet = false;
    l->leaving = false;
    reef_link_stir(e, l);
    l->skip_tail = 0;
    snprintf(l->address, sizeof l->address, "%.*s", (int)sizeof l->address - 1,
             address);
    l->port = port;
    l->local = local;
    l->born_ms = e->now_ms;
    l->attempt_deadline_ms = e->now_ms + e->config.connect_timeout_ms;
    l->shake_deadline_ms = l->attempt_deadline_ms;
    l->protocol = 0;
    memset(&l->server, 0, sizeof l->server);
    reef_peer_text(l->stats.peer, address, port, local);
    memcpy(l->server.peer, l->stats.peer, sizeof l->server.peer);
}
