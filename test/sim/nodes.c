/* SPDX-License-Identifier: Apache-2.0
 *
 * nodes: the servers' side of the network: what arrives is served, what is answered
 * leaves, and nodes are stopped, killed, cut off and turned into something else. */
#include "test/sim/sim.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <string.h>

/* ---- replies leave ------------------------------------------------------------ */

/* Puts bytes on their way to the engine. */
void sim_post(sim_world *w, sim_link *l, const char *bytes, size_t len)
{
    bool drip = sim_chance(w, w->rates.drip);
    int64_t step = drip ? 1 + sim_below(w, 400) : 0;
    if (l->state != SIM_OPEN || l->ended || l->mute) {
        return;
    }
    l->sick = l->sick || drip;
    sim_bytes_add(&l->down, bytes, len);
    l->down_ms = sim_travel(w, l->down_ms);
    while (len > 0) {
        size_t part = drip && len < 2000 ? 1 : sim_cut(w, len);
        l->down_ms += step;
        sim_at(w, l->down_ms, SIM_TO_CLIENT, l->serial, part);
        len -= part;
    }
}

void sim_post_text(sim_world *w, sim_link *l, const char *text)
{
    sim_post(w, l, text, strlen(text));
}

/* One reply leaves the server, whole or not. */
static void sim_answer(sim_world *w, sim_link *l, const sim_bytes *reply)
{
    static const char *const junk[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                       "$3\r\nabcXY",
                                       ":12x\r\n",
                                       "*-5\r\n",
                                       "+OK\n",
                                       "\r\n",
                                       "*1073741824\r\n",
                                       "$99999999999\r\n"};
    bool three = l->conn.protocol == 3 && l->node->sentinel == NULL;
    if (three && sim_chance(w, w->rates.attribute)) {
        sim_post_text(w, l, "|1\r\n+ttl\r\n:3600\r\n");
    }
    if (sim_chance(w, w->rates.garbage)) {
        l->sick = true;
        sim_post_text(w, l, junk[sim_below(w, 8)]);
    }
    size_t len = reply->len;
    bool torn = sim_chance(w, w->rates.torn);
    len = torn ? sim_below(w, (uint32_t)len) : len;
    sim_post(w, l, reply->ptr, len);
    if (torn || sim_chance(w, w->rates.finish)) {
        sim_end_later(w, l, sim_chance(w, 500) ? 0 : ECONNRESET);
    } else if (three && !l->mute && !l->ended && sim_chance(w, w->rates.push)) {
        w->pushes_sent++;
        sim_post_text(w, l, ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n");
    }
}

static void sim_serve_all(sim_world *w, sim_link *l, bool answers)
{
    sim_bytes out = {0};
    while (!l->node->paused && l->conn.in != NULL &&
           sim_serve(l->node, &l->conn, w->now_ms, &out)) {
        sim_calls_ran(w);
        if (answers && l->state == SIM_OPEN) {
            sim_answer(w, l, &out);
        }
        sim_bytes_free(&out);
    }
    if (l->conn.in != NULL && l->conn.closing) {
        sim_fail(w, "the server was sent what is no command", l->number, 0);
    }
}

void sim_to_server(sim_world *w, sim_link *l, size_t len)
{
    bool lost = sim_chance(w, w->rates.reset_before);
    bool reset = lost || sim_chance(w, w->rates.reset_after);
    bool hush = sim_chance(w, w->rates.mute), late = sim_chance(w, w->rates.stall);
    l->on_way--;
    l->mute = l->mute || hush;
    l->sick = l->sick || hush || late;
    if (late) {
        l->up_ms = l->down_ms = w->now_ms + 1 + sim_below(w, 2000);
    }
    if (!l->mute && !lost && l->conn.in != NULL) {
        reef_parser_feed(l->conn.in, (reef_str){l->up.ptr + l->up.head, len});
        sim_serve_all(w, l, !reset);
    }
    sim_bytes_skip(&l->up, len);
    if (reset && !l->mute) {
        sim_trace(w, "reset", l->number, lost);
        sim_end_later(w, l, ECONNRESET);
    }
    if (l->full && !l->mute) {
        sim_at(w, w->now_ms, SIM_WRITABLE, l->serial, 0);
    }
    bool over = l->on_way == 0 && !l->node->paused;
    if (l->state == SIM_LEFT && (over || l->conn.in == NULL)) {
        sim_drop(l);
    }
}

void sim_accept(sim_world *w, sim_link *l)
{
    l->state = SIM_OPEN;
    l->taken = reef_parser_new(NULL, 2);
    l->seen = reef_parser_new(NULL, 3);
    bool room = sim_conn_open(l->node, &l->conn, w->now_ms);
    if (!room) {
        sim_post_text(w, l, "-ERR max number of clients reached\r\n");
        sim_end_later(w, l, 0);
    } else if (l->node->idle_ms > 0) {
        sim_at(w, w->now_ms + l->node->idle_ms, SIM_IDLE, l->serial, 0);
    }
    w->connects++;
    sim_memory_in();
    reef_engine_opened(w->engine, l->number, w->now_ms);
    sim_memory_out();
}

/* ---- what becomes of nodes ---------------------------------------------------- */

void sim_node_break(sim_world *w, const sim_node *n, int sys_errno)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_link *l = &w->links[i];
        if (l->node == n && l->state == SIM_OPEN) {
            sim_end_later(w, l, sys_errno);
        } else if (l->node == n && l->state == SIM_LEFT) {
            sim_drop(l);
        }
    }
}

void sim_node_kill(sim_world *w, sim_node *n, int sys_errno)
{
    sim_trace(w, "node killed", n - w->nodes, n->port);
    n->up = n->paused = false;
    sim_node_break(w, n, sys_errno);
}

void sim_node_pause(sim_world *w, sim_node *n)
{
    sim_trace(w, "node paused", n - w->nodes, n->port);
    n->paused = n->up;
}

void sim_node_resume(sim_world *w, sim_node *n)
{
    if (!n->paused) {
        return;
    }
    sim_trace(w, "node goes on", n - w->nodes, n->port);
    n->paused = false;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_link *l = &w->links[i];
        if (l->node == n && l->conn.in != NULL) {
            sim_serve_all(w, l, true);
        }
        if (l->node == n && l->state == SIM_LEFT && l->on_way == 0) {
            sim_drop(l);
        }
    }
}

/* What was on its way is lost, and nobody is told. */
void sim_node_cut(sim_world *w, sim_node *n)
{
    sim_trace(w, "node cut off", n - w->nodes, n->port);
    n->cut = true;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_link *l = &w->links[i];
        if (l->node == n && l->state != SIM_FREE) {
            l->mute = l->sick = true;
        }
    }
}

void sim_node_turn(sim_world *w, sim_node *n, bool replica)
{
    sim_trace(w, replica ? "node demoted" : "node promoted", n - w->nodes, n->port);
    n->replica = replica;
    sim_node_break(w, n, 0); /* CLIENT KILL TYPE normal */
}

static void sim_down(sim_world *w, sim_node *n, size_t ms)
{
    sim_node_kill(w, n, sim_chance(w, 500) ? ECONNRESET : 0);
    if (sim_chance(w, w->rates.forget)) {
        sim_data_forget(&w->data);
    }
    sim_put(w, (sim_event){.at_ms = w->now_ms + (int64_t)ms,
                           .what = SIM_UP,
                           .node = (size_t)(n - w->nodes)});
}

bool sim_nodes_event(sim_world *w, const sim_event *e)
{
    sim_node *n = &w->nodes[e->node];
    if (e->what == SIM_DOWN) {
        if (n->up && !w->healed) {
            sim_down(w, n, e->arg);
        }
    } else if (e->what == SIM_UP) {
        n->up = true;
    } else if (w->cluster != NULL && sim_cluster_event(w, e)) {
        return true;
    } else {
        return sim_failover_event(w, e);
    }
    return true;
}

void sim_idle(sim_world *w, sim_link *l)
{
    int64_t due = l->conn.heard_ms + l->node->idle_ms;
    if (l->node->idle_ms == 0 || l->conn.in == NULL) {
        return;
    }
    if (due > w->now_ms) {
        sim_at(w, due, SIM_IDLE, l->serial, 0);
    } else {
        sim_end_later(w, l, 0);
    }
}
