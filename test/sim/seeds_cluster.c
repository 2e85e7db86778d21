/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds_cluster: drawn worlds with a Cluster: who there is, and what befalls them. What
 * can't be mended by itself is mended by the heal at the end (gossip.c). */
#include "test/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS_MASTERS = 4, SEEDS_MEMBERS = 9, SEEDS_SPARE = 2 };

/* ---- who there is ------------------------------------------------------------- */

static const char *const seeds_addresses[] = {
    "10.0.0.1", "10.0.0.2", "fd00::3",  "10.0.0.4",  "10.0.0.5", "10.0.0.6",
    "fd00::7",  "10.0.0.8", "10.0.0.9", "10.0.0.10", "10.0.0.11"};

static const char *const seeds_names[] = {"d0.test", "d1.test", "d2.test", "d3.test",
                                          "d4.test", "d5.test", "d6.test", "d7.test",
                                          "d8.test", "d9.test", "d10.test"};

static sim_node *seeds_member(sim_world *w, bool together)
{
    size_t number = w->node_count;
    sim_node *n = sim_add_node(w, together ? "10.0.0.1" : seeds_addresses[number],
                               (uint16_t)(7000 + (together ? number : 0)));
    size_t at = w->address_count++;
    w->addresses[at].text = n->address;
    w->addresses[at].port = n->port;
    w->addresses[at].node = number;
    n->no_resp3 = w->server->no_resp3;
    n->surly = w->server->surly;
    n->user = w->server->user;
    n->password = w->server->password;
    return n;
}

/* Names that the nodes announce; one in a while has none. */
static void seeds_announce(sim_world *w)
{
    w->cluster->endpoints = SIM_BY_NAME;
    for (size_t i = 0; i < w->node_count; i++) {
        const char *address = w->nodes[i].address;
        bool six = strchr(address, ':') != NULL;
        if (sim_chance(w, 100)) {
            continue;
        }
        w->nodes[i].name = seeds_names[i];
        (void)sim_zone_add(&w->names.zone, seeds_names[i], six ? SIM_AAAA : SIM_A,
                           address);
    }
}

/* Some of the nodes stand in the settings, by their address or as a service. */
static void seeds_seeds(sim_world *w)
{
    uint32_t count = sim_chance(w, 400) ? 1 : 1 + sim_below(w, (uint32_t)w->node_count);
    bool srv = sim_chance(w, 200);
    uint32_t first = sim_below(w, (uint32_t)w->node_count);
    reef_host *hosts = w->config.hosts;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = (first + i) % w->node_count;
        const sim_node *n = &w->nodes[at];
        bool six = strchr(n->address, ':') != NULL;
        if (srv) {
            (void)sim_zone_srv(&w->names.zone, "db.test", seeds_names[at], n->port);
        }
        if (srv && n->name == NULL) {
            (void)sim_zone_add(&w->names.zone, seeds_names[at], six ? SIM_AAAA : SIM_A,
                               n->address);
        }
        hosts[i].kind = REEF_HOST_TCP;
        hosts[i].port = n->port;
        memcpy(hosts[i].name, n->address, strlen(n->address) + 1);
    }
    w->config.host_count = count;
    if (srv) {
        hosts[0].kind = REEF_HOST_SRV;
        memcpy(hosts[0].name, "db.test", 8);
        w->config.host_count = 1;
    }
}

static void seeds_times(sim_world *w)
{
    sim_cluster *k = w->cluster;
    k->partial = sim_chance(w, 300);
    k->node_timeout_ms = 100 + sim_below(w, 1500);
    k->election_ms = 20 + sim_below(w, 1000);
    k->gossip_ms = sim_below(w, sim_chance(w, 200) ? 500 : 30);
    k->lag_ms = sim_chance(w, 300) ? sim_below(w, 500) : 0;
}

void sim_seeds_cluster(sim_world *w)
{
    uint32_t masters = sim_chance(w, 600) ? 3 : 1 + sim_below(w, SEEDS_MASTERS);
    uint32_t replicas = sim_chance(w, 600) ? masters : sim_below(w, 2 * masters + 1);
    bool together = sim_chance(w, 500);
    if (w->rates.window > 0 && w->rates.window < 100) {
        w->rates.window = 150; /* a handshake has less than a second */
    }
    if (masters + replicas > SEEDS_MEMBERS) {
        replicas = SEEDS_MEMBERS - masters;
    }
    w->rates.restart = w->rates.forget = 0;
    w->server->idle_ms = 0;
    w->server->max_clients = 0;
    w->server->no_hello = w->server->no_resp3 = false;
    w->config.db = 0;
    w->server->port = w->addresses[0].port = 7000;
    for (uint32_t i = 1; i < masters + replicas; i++) {
        (void)seeds_member(w, together);
    }
    sim_cluster_make(w, masters, replicas);
    w->cluster->together = together;
    seeds_times(w);
    if (together && sim_chance(w, 200)) {
        w->cluster->endpoints = SIM_BY_PORT;
    } else if (sim_chance(w, 200)) {
        seeds_announce(w);
    }
    seeds_seeds(w);
    sim_at(w, w->now_ms + sim_below(w, 1500), SIM_FAULT, 0, sim_below(w, 14));
}

/* Every third world has a Cluster. */
bool sim_seeds_has_cluster(uint64_t seed)
{
    return seed % 3 == 1;
}

/* ---- what befalls them -------------------------------------------------------- */

static uint32_t seeds_hot_slot(sim_world *w)
{
    char tag[16];
    snprintf(tag, sizeof tag, "t%u", sim_below(w, SIM_HOT));
    return sim_slot(reef_str_of(tag));
}

static void seeds_harm(sim_world *w, sim_node *n)
{
    uint32_t how = sim_below(w, 6);
    if (how == 0) {
        sim_node_kill(w, n, sim_chance(w, 500) ? ECONNRESET : 0);
        sim_cluster_hurt(w, n);
    } else if (how == 1) {
        sim_node_pause(w, n);
        sim_cluster_hurt(w, n);
    } else if (how == 2) {
        sim_node_cut(w, n);
    } else if (how == 3) {
        sim_cluster_part(w, n);
    } else if (how == 4) { /* the whole machine is cut off */
        sim_node_cut(w, n);
        sim_cluster_part(w, n);
    } else {
        sim_node_break(w, n, 0);
    }
}

static void seeds_mend(sim_world *w, sim_node *n)
{
    n->cut = false;
    n->up = true;
    sim_node_resume(w, n);
    n->member->fib = SIM_TRUE;
    sim_cluster_back(w, n);
}

/* A node comes, and slots with it; or one that has none goes. */
static void seeds_come_or_go(sim_world *w, sim_node *any)
{
    uint8_t number = sim_member_number(any);
    if (sim_chance(w, 500) && w->node_count < SEEDS_MEMBERS + SEEDS_SPARE) {
        sim_node *n = seeds_member(w, w->cluster->together);
        sim_cluster_member(w, n);
        sim_cluster_meet(w, n);
        sim_reshard_begin(w, seeds_hot_slot(w), n, 1 + sim_below(w, 20));
    } else if (memchr(w->cluster->truth, number, SIM_SLOTS) == NULL &&
               any->member->move_count == 0) {
        sim_cluster_forget(w, any);
        if (sim_chance(w, 500)) {
            sim_node_kill(w, any, 0);
        }
    }
}

void sim_seeds_cluster_fault(sim_world *w, size_t more)
{
    if (w->healed) {
        return;
    }
    uint32_t what = sim_below(w, 100);
    sim_node *any = &w->nodes[sim_below(w, (uint32_t)w->node_count)];
    sim_node *owner = sim_cluster_owner(w, seeds_hot_slot(w));
    if (what < 15) {
        seeds_harm(w, owner);
    } else if (what < 25) {
        seeds_harm(w, any);
    } else if (what < 35) {
        sim_cluster_take_over(w, any, sim_chance(w, 500));
    } else if (what < 60) {
        sim_reshard_begin(w, seeds_hot_slot(w), any, sim_below(w, 60));
    } else if (what < 65) {
        any->member->fib = (sim_fib)(1 + sim_below(w, SIM_FIB_BROKEN));
    } else if (what < 70) {
        seeds_come_or_go(w, any);
    } else {
        seeds_mend(w, any);
    }
    if (more > 0) {
        sim_at(w, w->now_ms + sim_below(w, 2000), SIM_FAULT, 0, more - 1);
    }
}
