/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds: worlds drawn from a seed. Each draws how often each fault comes, many of them
 * not at all, so that rare mixes get their turn; after the faults everything is healed
 * and every new call must succeed. */
#include "test/sim/sim.h"

#include <string.h>

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
    r->lookup_fail = seeds_rate(w, 300);
    r->lookup_late = seeds_rate(w, 300);
    r->lookup_silent = seeds_rate(w, 100);
    r->latency_ms = sim_below(w, 20);
    r->cut = cuts[sim_below(w, 6)];
    r->window = windows[sim_below(w, 5)];
    r->late_ms = sim_chance(w, 200) ? sim_below(w, 40) : 0;
}

static void seeds_server(sim_world *w)
{
    sim_server *s = &w->server;
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
    uint32_t least = (w->rates.latency_ms * 2 + 1) * trips * SIM_ADDRESSES;
    c->connect_timeout_ms = least + sim_below(w, 3000);
}

static void seeds_addresses(sim_world *w)
{
    static const char *const texts[] = {"10.0.0.1", "10.0.0.2", "fd00::3", "10.0.0.4"};
    reef_host *host = &w->config.hosts[0];
    if (sim_chance(w, 100)) {
        host->kind = REEF_HOST_UNIX;
        memcpy(host->name, "/run/db.sock", 13);
    } else if (sim_chance(w, 500)) {
        memcpy(host->name, "db.test", 8);
    }
    w->address_count = 1 + sim_below(w, SIM_ADDRESSES);
    size_t good = sim_below(w, (uint32_t)w->address_count);
    for (size_t i = 0; i < w->address_count; i++) {
        w->addresses[i].text = texts[i];
        w->addresses[i].dead = i != good && sim_chance(w, 500) && i != 0;
        w->addresses[i].silent =
            i != good && !w->addresses[i].dead && sim_chance(w, 200) && i != 0;
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
    int64_t next = reef_engine_deadline_ms(w->engine);
    if (w->failed == NULL && (reef_engine_busy(w->engine) || next != INT64_MAX)) {
        sim_fail(w, "busy with nothing", next, 0);
    }
    for (uint32_t i = from; i < w->call_count && w->failed == NULL; i++) {
        if (w->calls[i].code != REEF_OK) {
            sim_fail(w, "a call failed though all is well", i, w->calls[i].code);
        }
    }
}

sim_world *sim_life(uint64_t seed, bool loud)
{
    sim_world *w = sim_new(seed);
    w->loud = loud;
    seeds_rates(w);
    seeds_server(w);
    seeds_addresses(w);
    sim_start(w);
    if (sim_chance(w, 200)) {
        static const char hosts[] = "10.0.0.1 other db.test # ours\n";
        (void)reef_engine_hosts(w->engine, (reef_str){hosts, sizeof hosts - 1});
    }
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
    w->server.max_clients = 0;
    w->server.password = w->config.password;
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
