/* SPDX-License-Identifier: Apache-2.0
 *
 * net: the network, and the host's side of the engine's operations.
 *
 * Invariants: virtual time never goes back; what one side wrote reaches the other in
 * order or not at all; an event names its link by a serial that is never used again, so
 * a late one finds nothing. */
#include "test/sim/sim.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- links -------------------------------------------------------------------- */

sim_link *sim_find(sim_world *w, uint64_t serial)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        if (w->links[i].serial == serial && serial != 0) {
            return &w->links[i];
        }
    }
    return NULL;
}

/* The transport that the engine means by this number. */
static sim_link *sim_numbered(sim_world *w, uint32_t number)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_link *l = &w->links[i];
        if (l->number == number && (l->state == SIM_OPENING || l->state == SIM_OPEN)) {
            return l;
        }
    }
    return NULL;
}

void sim_drop(sim_link *l)
{
    sim_conn_close(l->node, &l->conn);
    reef_parser_free(l->taken);
    reef_parser_free(l->seen);
    sim_bytes_free(&l->up);
    sim_bytes_free(&l->down);
    *l = (sim_link){0};
}

/* The engine has no more to do with it; what is on its way to the server may arrive. */
static void sim_leave(sim_world *w, sim_link *l, bool broke)
{
    sim_watch_ended(w, l, broke);
    w->partials += l->taken != NULL &&
                   (reef_parser_inside(l->taken) || l->group > 0 || l->plain_next > 0);
    l->state = SIM_LEFT;
    if ((l->on_way == 0 && !l->node->paused) || l->mute || l->ended) {
        sim_drop(l);
    }
}

void sim_end_later(sim_world *w, sim_link *l, int sys_errno)
{
    if (!l->ended && l->state != SIM_LEFT) {
        l->ended = true;
        sim_at(w, l->down_ms, SIM_GONE, l->serial, (size_t)sys_errno);
    }
    sim_conn_close(l->node, &l->conn);
}

int64_t sim_travel(sim_world *w, int64_t not_before)
{
    int64_t at = w->now_ms + sim_below(w, w->rates.latency_ms + 1);
    return at > not_before ? at : not_before;
}

size_t sim_cut(const sim_world *w, size_t len)
{
    size_t cut = w->rates.cut == 0 ? len : w->rates.cut;
    cut = cut < len / 256 ? len / 256 : cut;
    return cut < len ? cut : len;
}

/* ---- the engine's operations -------------------------------------------------- */

/* Who is there; NULL: nobody. `silent` is set where nothing comes back. Where
 * there are no Sentinels, an address that the world does not know is the server's. */
static sim_node *sim_node_at(sim_world *w, const reef_op *op, bool *silent)
{
    bool known = false;
    sim_node *found = NULL;
    for (size_t i = 0; i < w->address_count; i++) {
        uint16_t port = w->addresses[i].port;
        if (!sim_same_address(w->addresses[i].text, op->address)) {
            continue;
        }
        known = true;
        w->addresses[i].opens++;
        bool here = port == 0 || port == op->port;
        *silent = *silent || (here && w->addresses[i].silent);
        if (!w->addresses[i].dead && here) {
            found = &w->nodes[w->addresses[i].node];
        }
    }
    return known || sim_several(w) ? found : w->server;
}

static void sim_op_open(sim_world *w, const reef_op *op)
{
    sim_link *l = NULL;
    uint32_t live = 1;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_state state = w->links[i].state;
        l = state == SIM_FREE ? &w->links[i] : l;
        live += state == SIM_OPENING || state == SIM_OPEN;
    }
    w->most_links = live > w->most_links ? live : w->most_links;
    if (l == NULL || live > REEF_LINKS_MAX || sim_numbered(w, op->link) != NULL) {
        sim_fail(w, "OPEN for a link that is open", op->link, 0);
        return;
    }
    if (op->datagram || !sim_known_place(w, op)) {
        sim_fail(w, "connects to where nothing true led to", op->link, op->port);
    }
    int64_t pause = w->opens > 0 ? w->now_ms - w->last_open_ms : 0;
    w->longest_pause_ms = pause > w->longest_pause_ms ? pause : w->longest_pause_ms;
    w->last_open_ms = w->now_ms;
    sim_watch_open(w);
    sim_guard_open(w, op->link, live);
    w->opens++;
    *l = (sim_link){.serial = ++w->next_serial,
                    .number = op->link,
                    .state = SIM_OPENING,
                    .start_ms = w->now_ms,
                    .group_head = -1,
                    .closed_to = SIM_CALLS};
    bool silent = sim_chance(w, w->rates.silent_open);
    l->node = sim_node_at(w, op, &silent);
    bool refused = l->node == NULL || !l->node->up || sim_chance(w, w->rates.refuse);
    l->node = l->node == NULL ? w->server : l->node;
    silent = silent || l->node->cut;
    if (silent) {
        l->mute = l->sick = true;
    } else {
        l->ended = refused;
        sim_at(w, sim_travel(w, w->now_ms), refused ? SIM_GONE : SIM_OPENED, l->serial,
               ECONNREFUSED);
    }
}

static void sim_op_send(sim_world *w, const reef_op *op)
{
    sim_link *l = sim_numbered(w, op->link);
    if (l == NULL || l->state != SIM_OPEN || l->full || op->bytes.len == 0) {
        sim_fail(w, "SEND to a link that can't take it", op->link,
                 (int64_t)op->bytes.len);
        return;
    }
    size_t room = op->bytes.len, held = sim_bytes_left(&l->up);
    if (w->rates.window > 0) {
        room = held < w->rates.window ? w->rates.window - held : 0;
        room = room < op->bytes.len ? room : op->bytes.len;
    }
    if (room == 0) {
        l->full = true; /* answered when there is room: SIM_WRITABLE */
        return;
    }
    sim_mix(&w->hash, op->bytes.ptr, room);
    w->bytes_out += room;
    sim_calls_taken(w, l, op->bytes.ptr, room);
    sim_bytes_add(&l->up, op->bytes.ptr, room);
    l->up_ms = sim_travel(w, l->up_ms);
    for (size_t left = room; left > 0;) {
        size_t part = sim_cut(w, left);
        sim_at(w, l->up_ms, SIM_TO_SERVER, l->serial, part);
        l->on_way++;
        left -= part;
    }
    sim_memory_in();
    reef_engine_sent(w->engine, op->link, room, w->now_ms);
    sim_memory_out();
}

static void sim_op_close(sim_world *w, const reef_op *op)
{
    sim_link *l = sim_numbered(w, op->link);
    if (l == NULL) {
        sim_fail(w, "CLOSE for a link that is not open", op->link, 0);
        return;
    }
    sim_leave(w, l, false);
}

static bool sim_op(sim_world *w)
{
    reef_op op;
    sim_memory_in();
    bool more = reef_engine_next_op(w->engine, &op);
    sim_memory_out();
    if (!more) {
        return false;
    }
    static const char *const names[] = {"op none", "op open", "op send", "op close",
                                        "op files"};
    sim_trace(w, names[op.kind], op.link, (int64_t)op.bytes.len);
    if (sim_names_op(w, &op)) {
        return w->failed == NULL;
    }
    switch (op.kind) {
    case REEF_OP_NONE:
    case REEF_OP_FILES:
        sim_fail(w, "an op of no kind", 0, 0);
        break;
    case REEF_OP_OPEN:
        sim_op_open(w, &op);
        break;
    case REEF_OP_SEND:
        sim_op_send(w, &op);
        break;
    case REEF_OP_CLOSE:
        sim_op_close(w, &op);
        break;
    }
    return w->failed == NULL;
}

/* ---- what comes out of the engine after every input --------------------------- */

static void sim_drain_pushes(sim_world *w)
{
    reef_reply *push;
    while (reef_engine_next_push(w->engine, &push)) {
        w->pushes_got++;
        if (reef_node_kind(reef_reply_root(push)) != REEF_PUSH) {
            sim_fail(w, "a push that is none", 0, 0);
        }
        reef_reply_free(push);
    }
}

static void sim_drain_events(sim_world *w)
{
    reef_event e;
    while (reef_engine_next_event(w->engine, &e)) {
        w->events++;
        w->lost_events += e.kind == REEF_EVENT_LOST;
        w->connected_events += e.kind == REEF_EVENT_CONNECTED;
        if (e.at_ms > w->now_ms || memchr(e.text, '\0', sizeof e.text) == NULL) {
            sim_fail(w, "an event with a bad time or text", e.at_ms, 0);
        }
        sim_trace(w, reef_event_name(e.kind), 0, 0);
        if (w->loud) {
            printf("#              %s: %s\n", e.peer, e.text);
        }
    }
}

void sim_drain(sim_world *w, bool ticked)
{
    uint64_t out = w->bytes_out;
    uint32_t quiet = 0; /* operations that moved no byte */
    while (w->failed == NULL && sim_op(w)) {
        quiet = w->bytes_out == out ? quiet + 1 : 0;
        out = w->bytes_out;
        if (quiet > 4 * REEF_TRANSPORTS_MAX) {
            sim_fail(w, "too many operations for one input", quiet, 0);
        }
    }
    reef_done done;
    while (w->failed == NULL && reef_engine_next_done(w->engine, &done)) {
        sim_calls_done(w, &done);
    }
    sim_drain_pushes(w);
    sim_drain_events(w);
    if (w->failed == NULL) {
        sim_calls_check(w, ticked);
    }
}

/* ---- events reach the engine -------------------------------------------------- */

static void sim_gone(sim_world *w, sim_link *l, int sys_errno)
{
    uint32_t number = l->number;
    bool left = l->state == SIM_LEFT;
    sim_trace(w, "gone", number, sys_errno);
    if (!left) {
        sim_leave(w, l, true);
    }
    if (l->state != SIM_FREE) {
        sim_drop(l);
    }
    if (!left) {
        sim_memory_in();
        reef_engine_closed(w->engine, number, sys_errno, w->now_ms);
        sim_memory_out();
    }
}

static void sim_to_client(sim_world *w, uint64_t serial, size_t len)
{
    sim_link *l;
    while (len > 0 && w->failed == NULL && (l = sim_find(w, serial)) != NULL &&
           l->state == SIM_OPEN && !l->mute) {
        size_t cap = 0;
        sim_memory_in();
        char *room = reef_engine_room(w->engine, l->number, &cap);
        sim_memory_out();
        if (room == NULL || cap == 0) {
            if (!w->out_of_memory) {
                sim_fail(w, "no room to receive", l->number, (int64_t)cap);
            }
            sim_gone(w, l, ENOMEM);
            return;
        }
        size_t part = len < cap ? len : cap;
        memcpy(room, l->down.ptr + l->down.head, part);
        sim_calls_given(w, l, room, part);
        sim_bytes_skip(&l->down, part);
        w->bytes_in += part;
        len -= part;
        sim_memory_in();
        reef_engine_received(w->engine, l->number, part, w->now_ms);
        sim_memory_out();
        sim_drain(w, false);
    }
}

void sim_tend(sim_world *w)
{
    sim_memory_in();
    reef_engine_tend(w->engine, w->now_ms);
    sim_memory_out();
    sim_drain(w, false);
}

static void sim_link_event(sim_world *w, const sim_event *e, sim_link *l)
{
    if (e->what == SIM_TO_SERVER) {
        sim_to_server(w, l, e->arg);
    } else if (e->what == SIM_TO_CLIENT) {
        sim_to_client(w, e->link, e->arg);
    } else if (e->what == SIM_OPENED && l->node->cut) {
        l->mute = l->sick = true;
    } else if (e->what == SIM_OPENED && !l->node->up) {
        sim_gone(w, l, ECONNREFUSED); /* it went down meanwhile */
    } else if (e->what == SIM_OPENED && l->state == SIM_OPENING) {
        sim_accept(w, l);
    } else if (e->what == SIM_GONE) {
        sim_gone(w, l, (int)e->arg);
    } else if (e->what == SIM_IDLE) {
        sim_idle(w, l);
    } else if (e->what == SIM_WRITABLE && l->state == SIM_OPEN && l->full) {
        l->full = false;
        sim_memory_in();
        reef_engine_sent(w->engine, l->number, 0, w->now_ms);
        sim_memory_out();
    }
}

static void sim_event_run(sim_world *w, sim_event *e)
{
    sim_link *l = sim_find(w, e->link);
    if (l != NULL) {
        sim_link_event(w, e, l);
    } else if (e->what == SIM_SUBMIT) {
        sim_call_drawn(w);
        if (e->arg > 0) {
            int64_t pause = sim_chance(w, 300) ? 0 : sim_below(w, 150);
            pause = sim_chance(w, 10) ? 20000 : pause;
            sim_at(w, w->now_ms + pause, SIM_SUBMIT, 0, e->arg - 1);
        }
    } else if (e->what == SIM_TEND) {
        sim_tend(w);
        if (e->arg > 0) {
            sim_at(w, w->now_ms + 1000, SIM_TEND, 0, e->arg - 1);
        }
    } else if (!sim_nodes_event(w, e)) {
        sim_names_event(w, e);
    }
    sim_bytes_free(&e->mail);
    sim_drain(w, false);
}

bool sim_next_event(sim_world *w, int64_t until_ms)
{
    if (w->heap_count == 0 || w->heap[0].at_ms > until_ms) {
        return false;
    }
    sim_event e = sim_pop(w);
    w->now_ms = e.at_ms > w->now_ms ? e.at_ms : w->now_ms;
    sim_event_run(w, &e);
    return true;
}
