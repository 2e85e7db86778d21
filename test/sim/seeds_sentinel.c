/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds_sentinel: drawn worlds with Sentinels: who there is, and what befalls them.
 * What can't be mended by itself is mended by the heal at the end (failover.c). */
#include "test/sim/sim.h"

#include <errno.h>
#include <string.h>

enum { SEEDS_REPLICAS = 3, SEEDS_WATCHERS = 5 };

/* ---- who there is ------------------------------------------------------------- */

static sim_node *seeds_node(sim_world *w, const char *address, uint16_t port)
{
    sim_node *n = sim_add_node(w, address, port);
    size_t at = w->address_count++;
    w->addresses[at].text = address;
    w->addresses[at].port = port;
    w->addresses[at].node = (size_t)(n - w->nodes);
    n->no_resp3 = w->server->no_resp3;
    n->surly = w->server->surly;
    return n;
}

static void seeds_watcher(sim_world *w, const char *address)
{
    sim_node *n = seeds_node(w, address, 26379);
    sim_sentinel *s = sim_make_sentinel(w, n);
    n->user = w->config.sentinel_username;
    n->password = w->config.sentinel_password;
    n->no_resp3 = sim_chance(w, 100);
    s->mum = sim_chance(w, 100);
    s->bare = sim_chance(w, 100);
    s->other = sim_chance(w, 300) ? "other" : NULL;
    s->quorum = 1 + sim_below(w, 3);
}

/* Some of the Sentinels stand in the settings, by their address or as a service. */
static void seeds_hosts(sim_world *w, uint32_t sentinels)
{
    static const char *const names[] = {"s0.test", "s1.test", "s2.test", "s3.test",
                                        "s4.test"};
    bool srv = sim_chance(w, 300);
    reef_host *hosts = w->config.hosts;
    uint32_t first = (uint32_t)(w->node_count - sentinels);
    for (uint32_t i = 0; i < sentinels; i++) {
        const char *address = w->nodes[first + i].address;
        if (srv) {
            (void)sim_zone_srv(&w->names.zone, "db.test", names[i], 26379);
            (void)sim_zone_add(&w->names.zone, names[i], SIM_A, address);
        }
        hosts[i].kind = REEF_HOST_TCP;
        hosts[i].port = 26379;
        memcpy(hosts[i].name, address, strlen(address) + 1);
    }
    w->config.host_count = 1 + sim_below(w, sentinels);
    if (srv) {
        hosts[0].kind = REEF_HOST_SRV;
        memcpy(hosts[0].name, "db.test", 8);
        w->config.host_count = 1;
    }
}

static void seeds_announce_names(sim_world *w)
{
    static const char *const names[] = {"d0.test", "d1.test", "d2.test", "d3.test"};
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *n = &w->nodes[i];
        if (n->sentinel != NULL) {
            n->sentinel->named = true;
        } else {
            n->name = names[i];
            (void)sim_zone_add(&w->names.zone, names[i], SIM_A, n->address);
        }
    }
}

void sim_seeds_sentinels(sim_world *w)
{
    static const char *const data[] = {"10.0.0.2", "10.0.0.3", "10.0.0.4"};
    static const char *const watchers[] = {"10.0.1.1", "10.0.1.2", "10.0.1.3",
                                           "10.0.1.4", "10.0.1.5"};
    uint32_t replicas = 1 + sim_below(w, SEEDS_REPLICAS);
    uint32_t sentinels = 1 + sim_below(w, SEEDS_WATCHERS);
    if (w->rates.window > 0 && w->rates.window < 100) {
        w->rates.window = 150; /* a handshake has less than a second */
    }
    w->rates.restart = 0;
    w->server->idle_ms = 0;
    w->server->max_clients = 0;
    w->addresses[0].port = 6379;
    memcpy(w->config.master_name, "mymaster", 9);
    w->config.failover_announced = sim_chance(w, 250);
    if (sim_chance(w, 300)) {
        memcpy(w->config.sentinel_password, "guard", 6);
    }
    for (uint32_t i = 0; i < replicas; i++) {
        sim_node *n = seeds_node(w, data[i], 6379);
        n->replica = true;
        n->no_hello = w->server->no_hello;
        n->user = w->server->user;
        n->password = w->server->password;
    }
    for (uint32_t i = 0; i < sentinels; i++) {
        seeds_watcher(w, watchers[i]);
    }
    seeds_hosts(w, sentinels);
    if (sim_chance(w, 200)) {
        seeds_announce_names(w);
    }
}

void sim_seeds_later(sim_world *w)
{
    sim_at(w, w->now_ms + sim_below(w, 1500), SIM_FAULT, 0, sim_below(w, 10));
}

/* ---- what befalls them -------------------------------------------------------- */

/* Some node of that kind that is well; NULL: none. */
static sim_node *seeds_some(sim_world *w, bool sentinel)
{
    uint32_t from = sim_below(w, (uint32_t)w->node_count);
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *n = &w->nodes[(from + i) % w->node_count];
        if ((n->sentinel != NULL) == sentinel && n->up && !n->paused &&
            n != w->data.truth) {
            return n;
        }
    }
    return NULL;
}

static void seeds_fail_over(sim_world *w)
{
    sim_node *leader = seeds_some(w, true), *to = seeds_some(w, false);
    if (leader == NULL || to == NULL || leader->sentinel->alone ||
        leader->sentinel->master == to) {
        return;
    }
    sim_failover *f = sim_fail_over(w, leader, to);
    f->pause_ms[SIM_PROMOTE] = sim_below(w, 200);
    f->pause_ms[SIM_SEE] = 1 + sim_below(w, 1000);
    f->pause_ms[SIM_TELL] = sim_below(w, 150);
    f->pause_ms[SIM_FINISH] = sim_below(w, 2000);
    f->demote_ms = sim_below(w, 10000);
    f->lag_ms = sim_chance(w, 300) ? sim_below(w, 1000) : 0;
    if (sim_chance(w, 250)) {
        f->ends = sim_chance(w, 500) ? SIM_PROMOTE : SIM_SEE;
        f->dies = sim_chance(w, 500);
        f->aborts = !f->dies;
    }
}

static void seeds_back(sim_world *w, sim_node *n)
{
    n->cut = false;
    sim_node_resume(w, n);
    if (n->sentinel != NULL) {
        n->up = true;
        n->sentinel->lie = SIM_HONEST;
        n->sentinel->alone = false;
        sim_sentinel_learn(w, n);
    } else if (!n->up) {
        n->up = true;
        sim_put(w, (sim_event){.at_ms = w->now_ms + sim_below(w, 8000),
                               .what = SIM_DEMOTE,
                               .node = (size_t)(n - w->nodes)});
    }
}

static void seeds_hurt(sim_world *w, sim_node *n)
{
    uint32_t how = sim_below(w, n->sentinel != NULL ? 6 : 4);
    if (how == 0) {
        sim_node_kill(w, n, sim_chance(w, 500) ? ECONNRESET : 0);
    } else if (how == 1) {
        sim_node_pause(w, n);
    } else if (how == 2) {
        sim_node_cut(w, n);
    } else if (how == 3) {
        sim_node_break(w, n, 0);
    } else if (how == 4) {
        n->sentinel->lie = (sim_lie)(1 + sim_below(w, SIM_LIE_ERROR));
    } else {
        n->sentinel->alone = true;
    }
}

void sim_seeds_fault(sim_world *w, size_t more)
{
    if (w->healed) {
        return;
    }
    uint32_t what = sim_below(w, 100);
    sim_node *any = &w->nodes[sim_below(w, (uint32_t)w->node_count)];
    if (what < 15) { /* the master dies or hangs, and is missed */
        seeds_hurt(w, w->data.truth);
        seeds_fail_over(w);
    } else if (what < 40) {
        seeds_fail_over(w);
    } else if (what < 60) {
        seeds_hurt(w, any);
    } else {
        seeds_back(w, any);
    }
    if (more > 0) {
        sim_at(w, w->now_ms + sim_below(w, 2500), SIM_FAULT, 0, more - 1);
    }
}
