/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds: worlds drawn from a seed. Each draws how often each fault comes, many of them
 * not at all, so that rare mixes get their turn; after the faults everything is healed
 * and every new call must succeed. */
#include "test/sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS_ADDRESSES = 4, SEEDS_QUIET_MS = 60000, SEEDS_WELL_MS = 5000 };

static uint32_t seeds_rate(sim_world *w, uint32_t most)
{
    return sim_chance(w, 600) ? 0 : sim_below(w, most + 1);
}

static void seeds_rates(sim_world *w)
{
    static const uint32_t cuts[] = {0, 0, 1, 2, 7, 100};
    static const uint32_t windows[] = {0, 0, 1, 13, 1000};
    sim_rates *r = &w->rates;
    r->refuse = seeds_rate(w, 500);
    r->silent_open = seeds_rate(w, 200);
    r->reset_before = seeds_rate(w, 60);
    r->reset_after = seeds_rate(w, 60);
    r->mute = seeds_rate(w, 20);
    r->stall = seeds_rate(w, 40);
    r->torn = seeds_rate(w, 40);
    r->finish = seeds_rate(w, 60);
    r->garbage = seeds_rate(w, 30);
    r->drip = seeds_rate(w, 30);
    r->push = seeds_rate(w, 300);
    r->attribute = seeds_rate(w, 300);
    r->restart = seeds_rate(w, 30);
    r->forget = seeds_rate(w, 500);
    r->trouble = seeds_rate(w, 60);
    r->dns_lose = seeds_rate(w, 300);
    r->dns_twice = seeds_rate(w, 300);
    r->dns_late = seeds_rate(w, 200);
    r->dns_forge = seeds_rate(w, 500);
    r->dns_spoil = seeds_rate(w, 200);
    r->dns_cut = seeds_rate(w, 300);
    r->dns_fail = seeds_rate(w, 300);
    r->dns_deny = seeds_rate(w, 200);
    r->dns_break = seeds_rate(w, 300);
    r->latency_ms = sim_below(w, 20);
    r->cut = cuts[sim_below(w, 6)];
    r->window = windows[sim_below(w, 5)];
    r->late_ms = sim_chance(w, 200) ? sim_below(w, 40) : 0;
}

static void seeds_server(sim_world *w)
{
    sim_node *s = w->server;
    reef_config *c = &w->config;
    bool user = sim_chance(w, 300);
    s->no_hello = !user && sim_chance(w, 150);
    s->no_resp3 = sim_chance(w, 150);
    s->surly = sim_chance(w, 200);
    s->idle_ms = sim_chance(w, 200) ? 500 + sim_below(w, 5000) : 0;
    s->max_clients = sim_chance(w, 100) ? 1 + sim_below(w, 2) : 0;
    if (user || sim_chance(w, 300)) {
        memcpy(c->password, "open sesame", 12);
        memcpy(c->username, user ? "knot" : "", user ? 5 : 1);
    }
    s->user = c->username;
    s->password =
        sim_chance(w, 100) && c->password[0] != '\0' ? "changed" : c->password;
    c->db = sim_chance(w, 300) ? sim_below(w, 9) : 0;
    c->protocol = sim_chance(w, 300) ? 2 : 0;
    c->protocol = !s->no_hello && !s->no_resp3 && sim_chance(w, 200) ? 3 : c->protocol;
    /* A handshake must fit, even through a socket that takes a byte at a time. */
    uint32_t trips = 8 + (w->rates.window > 0 ? 320 / w->rates.window : 0);
    uint32_t least = (w->rates.latency_ms * 2 + 1) * trips * SEEDS_ADDRESSES;
    c->connect_timeout_ms = least + sim_below(w, 3000);
}

/* Where the server is, dead and silent places among them. */
static void seeds_addresses(sim_world *w)
{
    static const char *const texts[] = {"10.0.0.1", "10.0.0.2", "fd00::3", "10.0.0.4"};
    w->address_count = 1 + sim_below(w, SEEDS_ADDRESSES);
    size_t good = sim_below(w, (uint32_t)w->address_count);
    for (size_t i = 0; i < w->address_count; i++) {
        w->addresses[i].text = texts[i];
        w->addresses[i].dead = i != good && sim_chance(w, 500) && i != 0;
        w->addresses[i].silent =
            i != good && !w->addresses[i].dead && sim_chance(w, 200) && i != 0;
    }
}

static void seeds_append(char text[SIM_FILE], const char *before, const char *word)
{
    size_t len = strlen(text);
    snprintf(text + len, SIM_FILE - len, "%s%s", before, word);
}

/* Name servers, and whether the config or resolv.conf names them. */
static void seeds_nameservers(sim_world *w)
{
    static const char *const addresses[] = {"10.9.0.1", "fd00:9::2", "10.9.0.3"};
    static const char *const options[] = {"timeout:1",  "attempts:1", "rotate",
                                          "use-vc",     "ndots:0",    "trust-ad",
                                          "attempts:5", "edns0",      "timeout:30"};
    bool config = sim_chance(w, 400);
    uint32_t count = 1 + sim_below(w, 3);
    char text[SIM_FILE] = "search lab.test test\noptions ndots:1";
    w->names.server_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(config ? 5300 + i : 53);
        sim_nameserver *s = sim_names_server(w, addresses[i], port);
        reef_nameserver *to = &w->config.nameservers[i];
        s->silent = sim_chance(w, 150);
        s->closed = sim_chance(w, 150);
        s->no_edns = sim_chance(w, 100);
        s->no_tcp = sim_chance(w, 100);
        s->deaf = sim_chance(w, 50);
        s->style.bare = sim_chance(w, 400);
        s->style.step = sim_chance(w, 300);
        s->style.plain = sim_chance(w, 300);
        memcpy(to->address, addresses[i], strlen(addresses[i]) + 1);
        to->port = port;
    }
    w->config.nameserver_count = config ? count : 0;
    /* Half a minute for a lost datagram, and then a byte at a time, is too slow. */
    size_t many = sizeof options / sizeof options[0] - (w->rates.window > 0);
    for (size_t i = 0; i < many; i++) {
        if (sim_chance(w, 150)) {
            seeds_append(text, " ", options[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        seeds_append(text, "\nnameserver ", addresses[i]);
    }
    sim_names_resolv_conf(w, text);
}

static void seeds_record(sim_world *w, const char *name, size_t address)
{
    const char *text = w->addresses[address].text;
    bool six = strchr(text, ':') != NULL;
    (void)sim_zone_add(&w->names.zone, name, six ? SIM_AAAA : SIM_A, text);
}

/* A service: a target for each address, some without, some that are no server. */
static void seeds_service(sim_world *w, const char *name)
{
    static const char *const targets[] = {"t0.test", "T1.test", "t2.lab.test", "t3"};
    sim_zone *z = &w->names.zone;
    for (size_t i = 0; i < w->address_count; i++) {
        sim_record *r = sim_zone_srv(z, name, targets[i], 6379);
        r->priority = (uint16_t)sim_below(w, 3);
        r->weight = (uint16_t)(sim_chance(w, 300) ? 0 : sim_below(w, 65536));
        seeds_record(w, targets[i], i);
    }
    if (sim_chance(w, 100)) {
        (void)sim_zone_srv(z, name, "nowhere.test", 6379);
    }
    if (sim_chance(w, 100)) {
        (void)sim_zone_srv(z, name, ".", 0);
    }
    /* A handshake that takes seconds, at each of fifty places, takes too long. */
    bool many = w->rates.window == 0 && sim_chance(w, 100);
    for (int i = many ? 50 : 0; i > 0; i--) {
        (void)sim_zone_srv(z, name, targets[0], (uint16_t)(7000 + i));
    }
}

/* What the host is called, and what the name servers and the hosts file say. */
static void seeds_names(sim_world *w)
{
    static const uint32_t ttls[] = {0, 1, 5, 30, 1000};
    reef_host *host = &w->config.hosts[0];
    bool srv = sim_chance(w, 500), alias = sim_chance(w, 200);
    bool brief = w->config.nameserver_count == 0 && sim_chance(w, 300);
    /* One of several places gets a second and a half for a handshake at first. */
    w->rates.window = w->rates.window == 1 ? 13 : w->rates.window;
    w->names.zone.ttl = ttls[sim_below(w, 5)];
    w->names.zone.negative_ttl = ttls[sim_below(w, 3)];
    w->names.zone.soa = sim_chance(w, 600);
    host->kind = srv ? REEF_HOST_SRV : REEF_HOST_TCP;
    memcpy(host->name, brief ? "db" : "db.test", brief ? 3 : 8);
    const char *name = alias ? "real.lab.test" : "db.test";
    if (alias) {
        (void)sim_zone_add(&w->names.zone, "db.test", SIM_CNAME, name);
    }
    if (srv) {
        seeds_service(w, name);
    }
    for (size_t i = 0; i < w->address_count && !srv; i++) {
        seeds_record(w, name, i);
    }
    if (!srv && sim_chance(w, 200) && !w->addresses[0].dead) {
        sim_names_hosts(w, "10.0.0.1 other db.test db # ours\n");
    }
    if (sim_chance(w, 300)) {
        sim_at(w, w->now_ms + sim_below(w, 3000), SIM_ZONE, 0, sim_below(w, 12));
    }
}

static void seeds_host(sim_world *w)
{
    reef_host *host = &w->config.hosts[0];
    seeds_addresses(w);
    seeds_nameservers(w);
    if (sim_chance(w, 100)) {
        host->kind = REEF_HOST_UNIX;
        memcpy(host->name, "/run/db.sock", 13);
    } else if (sim_chance(w, 700)) {
        seeds_names(w);
    }
}

static void seeds_submit(sim_world *w, uint32_t count)
{
    sim_at(w, w->now_ms + sim_below(w, 100), SIM_SUBMIT, 0, count - 1);
}

/* After the faults: every call that comes now is answered. */
static void seeds_progress(sim_world *w)
{
    sim_heal(w);
    sim_run(w, w->now_ms + 500);
    uint32_t from = w->call_count;
    seeds_submit(w, 20);
    sim_run(w, w->now_ms + 600000);
    sim_run_calls(w);
    if (sim_several(w)) {
        sim_run(w, w->now_ms + SEEDS_QUIET_MS);
    }
    int64_t next = reef_engine_deadline_ms(w->engine);
    if (w->failed == NULL && (reef_engine_busy(w->engine) || next != INT64_MAX)) {
        sim_fail(w, "busy with nothing", next, 0);
    }
    for (uint32_t i = from; i < w->call_count && w->failed == NULL; i++) {
        if (w->calls[i].code != REEF_OK) {
            sim_fail(w, "a call failed though all is well", i, w->calls[i].code);
        } else if (sim_several(w) &&
                   w->calls[i].done_ms - w->calls[i].submit_ms > SEEDS_WELL_MS) {
            sim_fail(w, "a call took long though all is well", i,
                     w->calls[i].done_ms - w->calls[i].submit_ms);
        }
    }
}

/* Every third world has Sentinels. */
bool sim_seeds_sentinel(uint64_t seed)
{
    return seed % 3 == 2;
}

sim_world *sim_life(uint64_t seed, bool loud)
{
    sim_world *w = sim_new(seed);
    w->loud = loud;
    seeds_rates(w);
    seeds_server(w);
    if (sim_seeds_sentinel(seed)) {
        sim_seeds_sentinels(w);
        sim_seeds_later(w);
    } else if (sim_seeds_has_cluster(seed)) {
        sim_seeds_cluster(w);
    } else {
        seeds_host(w);
    }
    sim_start(w);
    if (sim_chance(w, 300)) {
        sim_at(w, w->now_ms, SIM_TEND, 0, 60);
    }
    seeds_submit(w, 1 + sim_below(w, 120));
    if (sim_chance(w, 100)) {
        sim_run(w, w->now_ms + sim_below(w, 3000)); /* freed in the middle of it all */
    } else {
        sim_run(w, w->now_ms + 5000 + sim_below(w, 15000));
        seeds_progress(w);
        sim_calls_end(w);
    }
    sim_free(w);
    return w;
}

sim_world *sim_life_in_pieces(uint64_t seed, uint32_t cut, uint32_t window)
{
    sim_world *w = sim_new(seed);
    seeds_server(w);
    w->modest = true;
    w->server->max_clients = 0;
    w->server->password = w->config.password;
    w->rates = (sim_rates){.push = 200, .attribute = 200, .cut = cut, .window = window};
    sim_start(w);
    for (uint32_t i = 0; i < 60 && w->failed == NULL; i++) {
        w->healed = true; /* long deadlines */
        sim_call_drawn(w);
        if (i % 8 == 7) {
            sim_run_calls(w);
        }
    }
    sim_run_calls(w);
    sim_run(w, w->now_ms + 1000); /* pushes behind the last reply */
    sim_calls_end(w);
    sim_free(w);
    return w;
}
