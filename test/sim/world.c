/* SPDX-License-Identifier: Apache-2.0
 *
 * world: the beginning, the loop and the end of one simulated world. */
#include "test/sim/sim.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

sim_node *sim_add_node(sim_world *w, const char *address, uint16_t port)
{
    if (w->node_count == SIM_NODES) {
        abort();
    }
    sim_node *n = &w->nodes[w->node_count++];
    *n = (sim_node){.address = address,
                    .port = port,
                    .up = true,
                    .user = "",
                    .password = "",
                    .data = &w->data};
    return n;
}

sim_world *sim_new(uint64_t seed)
{
    sim_world *w = calloc(1, sizeof *w);
    if (w == NULL) {
        abort();
    }
    w->seed = w->random = seed;
    w->hash = w->results = 0xCBF29CE484222325u;
    w->now_ms = 1000;
    w->rates.latency_ms = 1;
    w->tag = SIM_NO_TAG;
    w->server = sim_add_node(w, "10.0.0.1", 6379);
    w->addresses[0].text = "10.0.0.1";
    w->address_count = 1;
    sim_names_init(w);
    reef_config_init(&w->config);
    w->config.enabled = true;
    w->config.hosts[0].kind = REEF_HOST_TCP;
    w->config.hosts[0].port = 6379;
    memcpy(w->config.hosts[0].name, "10.0.0.1", 9);
    return w;
}

void sim_start(sim_world *w)
{
    w->live_start = sim_memory_live();
    sim_memory_in();
    w->engine = reef_engine_new(&w->config, w->seed, w->now_ms);
    sim_memory_out();
    if (w->engine == NULL && !w->out_of_memory) {
        sim_fail(w, "no engine", 0, 0);
    } else if (w->engine != NULL && sim_memory_live() == w->live_start) {
        sim_fail(w, "allocations are not counted: is the program linked right?", 0, 0);
    }
    if (w->engine != NULL) {
        sim_names_start(w);
    }
}

void sim_free(sim_world *w)
{
    sim_memory_in();
    reef_engine_free(w->engine);
    sim_memory_out();
    w->engine = NULL;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        if (w->links[i].state != SIM_FREE) {
            sim_drop(&w->links[i]);
        }
    }
    sim_names_free(w);
    sim_calls_free(w);
    sim_guard_free(w);
    free(w->cluster);
    w->cluster = NULL;
    if (sim_memory_live() != w->live_start && w->failed == NULL) {
        sim_fail(w, "memory is not given back",
                 (int64_t)(sim_memory_live() - w->live_start), 0);
    }
}

/* One thing happens: the engine's own timer or an event. False: nothing up to then. */
static bool world_step(sim_world *w, int64_t until_ms)
{
    int64_t tick = reef_engine_deadline_ms(w->engine);
    int64_t next = w->heap_count > 0 ? w->heap[0].at_ms : INT64_MAX;
    tick = tick == INT64_MAX ? tick : tick + w->rates.late_ms;
    tick = tick < w->now_ms ? w->now_ms : tick;
    bool first = tick < next || (tick == next && (w->seed & 1) == 0);
    if (!first || tick > until_ms || tick == INT64_MAX) {
        return sim_next_event(w, until_ms);
    }
    w->ticks_here = tick > w->now_ms ? 0 : w->ticks_here + 1;
    w->now_ms = tick;
    sim_trace(w, "tick", 0, 0);
    sim_memory_in();
    reef_engine_tick(w->engine, w->now_ms);
    sim_memory_out();
    sim_drain(w, true);
    if (w->ticks_here > 100) {
        sim_fail(w, "ticks without end", 0, 0);
    }
    return true;
}

void sim_run(sim_world *w, int64_t until_ms)
{
    while (w->failed == NULL && world_step(w, until_ms)) {
    }
    if (until_ms != INT64_MAX && w->now_ms < until_ms) {
        w->now_ms = until_ms;
    }
}

void sim_run_calls(sim_world *w)
{
    while (w->failed == NULL && w->open_calls > 0) {
        if (!world_step(w, INT64_MAX)) {
            sim_fail(w, "calls are open and nothing will happen", w->open_calls, 0);
        }
    }
}

void sim_run_event(sim_world *w)
{
    uint32_t events = w->events;
    while (w->failed == NULL && w->events == events) {
        if (!world_step(w, INT64_MAX)) {
            sim_fail(w, "no event comes", events, 0);
        }
    }
}

void sim_break(sim_world *w, int sys_errno)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        if (w->links[i].state == SIM_OPEN) {
            sim_end_later(w, &w->links[i], sys_errno);
        }
    }
}

void sim_say(sim_world *w, const char *text)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        if (w->links[i].state == SIM_OPEN) {
            sim_post_text(w, &w->links[i], text);
        }
    }
}

static void world_heal_node(sim_world *w, sim_node *n)
{
    bool sentinel = n->sentinel != NULL;
    n->up = true;
    n->cut = false;
    n->user = sentinel ? w->config.sentinel_username : w->config.username;
    n->password = sentinel ? w->config.sentinel_password : w->config.password;
    n->max_clients = 0;
    n->idle_ms = 0; /* it may cross a command on its way: unsure is right */
    n->loading_until = n->masterdown_until = n->busy_until = 0;
    sim_node_resume(w, n);
}

/* A sick link is one that something happened to: its peer now says so. */
void sim_heal(sim_world *w)
{
    sim_rates calm = {.latency_ms = w->rates.latency_ms,
                      .cut = w->rates.cut,
                      .window = w->rates.window,
                      .late_ms = w->rates.late_ms};
    sim_trace(w, "heal", 0, 0);
    w->rates = calm;
    w->healed = true;
    for (size_t i = 0; i < w->node_count; i++) {
        world_heal_node(w, &w->nodes[i]);
    }
    for (size_t i = 0; i < w->address_count; i++) {
        w->addresses[i].silent = false;
    }
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_link *l = &w->links[i];
        if (l->sick && (l->state == SIM_OPEN || l->state == SIM_OPENING)) {
            l->ended = true;
            sim_conn_close(l->node, &l->conn);
            sim_at(w, w->now_ms, SIM_GONE, l->serial, ECONNRESET);
        }
    }
    sim_names_heal(w);
    sim_failover_heal(w);
    sim_cluster_heal(w);
}
