/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster: seeds, who is there, and when the map is asked for. That no
 * two questions for it begin within 100 ms is checked by the kit in every test. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static ring *served(void)
{
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    return r;
}

/* ---- seeds -------------------------------------------------------------------- */

/* All are tried at once: those that hang delay nobody. */
static void test_dead_seeds(void **state)
{
    (void)state;
    static const fake_way ways[] = {FAKE_REFUSES, FAKE_DEAF, FAKE_MUTE};
    for (size_t i = 0; i < 3; i++)
        for (uint32_t up = 0; up < 3; up++) {
            ring *r = ring_hosts("\"10.0.0.4\", \"10.0.0.5\", \"10.0.0.6\"", "");
            for (uint32_t k = 0; k < 3; k++)
                if (k != up)
                    ring_way(r, 3 + k, ways[i]);
            ring_serves(r, "GET b", 0);
            ring_serves(r, "GET a", 2);
            assert_int_equal(r->s.k.now_ms, 1000);
            ring_stop(r);
        }
}

/* The seed that is asked first for the map says nothing: another is. */
static void test_seed_without_a_map(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.4\", \"10.0.0.5\"", "");
    ring_way(r, 4, FAKE_MUTE);
    r->nodes[3].f->turns = "SLOTS";
    r->nodes[3].f->away = "NOPERM this user has no permissions to run 'cluster|slots'";
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 1000);
    ring_none_done(r);
    ring_way(r, 4, FAKE_UP);
    ring_pass(r, 2500);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

static void test_no_seed_has_a_map(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.4\", \"10.0.0.5\"", "");
    for (uint32_t i = 3; i < 5; i++) {
        r->nodes[i].f->turns = "SLOTS";
        r->nodes[i].f->away = "NOPERM no permissions to run 'cluster|slots'";
    }
    uint64_t id = ring_call(r, "GET b", 1500);
    ring_pass(r, 1500);
    ring_done(r, id, REEF_REFUSED, "does not tell the slots of the cluster: NOPERM");
    ring_stop(r);
}

/* For ever: an hour later they are tried as on the first day. */
static void test_seeds_for_ever(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < 3; i++)
        ring_way(r, i, FAKE_REFUSES);
    for (int i = 0; i < 60; i++) {
        uint64_t id = ring_call(r, "GET b", 1000);
        ring_pass(r, 1000);
        ring_done(r, id, REEF_CONNECT,
                  "none of the 3 hosts of the Cluster can be used");
        r->s.k.now_ms += 59000;
    }
    assert_in_range(r->nodes[2].f->opens, 200, 1500);
    ring_way(r, 1, FAKE_UP);
    ring_way(r, 0, FAKE_UP);
    uint64_t id = ring_call(r, "GET b", 1000);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* Every address that was learnt is dead: names are looked up again. */
static void test_back_to_names(void **state)
{
    (void)state;
    static const char *const hosts[] = {"\"c.test\"", "\"srv+_c.test\"",
                                        "\"c.test\", \"10.0.0.99\""};
    for (size_t i = 0; i < 3; i++) {
        ring *r = ring_hosts(hosts[i], "");
        stage_add(&r->s, "10.0.0.99", 6379)->way = FAKE_DEAF;
        stage_name(&r->s, "c.test", "@ 30 A 10.0.0.1", NULL);
        stage_name(&r->s, "_c.test", NULL,
                   "@ 30 SRV 1 1 6379 one.test; one.test 30 A 10.0.0.1");
        stage_name(&r->s, "one.test", "@ 30 A 10.0.0.1", NULL);
        ring_serves(r, "GET b", 0);
        ring_serves(r, "GET a", 2);
        for (uint32_t k = 0; k < 3; k++) { /* all nodes move house */
            snprintf(r->nodes[k].address, sizeof r->nodes[k].address, "10.1.0.%u",
                     (unsigned)k + 1);
            stage_cut(&r->s, r->nodes[k].f);
        }
        for (uint32_t k = 0; k < 3; k++) {
            char was[16];
            snprintf(was, sizeof was, "10.0.0.%u", (unsigned)k + 1);
            static char held[3][16];
            memcpy(held[k], was, sizeof was);
            stage_add(&r->s, held[k], 6379)->way = FAKE_REFUSES;
        }
        ring_way(r, 3, FAKE_REFUSES);
        ring_way(r, 4, FAKE_REFUSES);
        ring_way(r, 5, FAKE_REFUSES);
        stage_name(&r->s, "c.test", "@ 30 A 10.1.0.1", NULL);
        stage_name(&r->s, "_c.test", NULL,
                   "@ 30 SRV 1 1 6379 two.test; two.test 30 A 10.1.0.1");
        stage_name(&r->s, "two.test", "@ 30 A 10.1.0.1", NULL);
        uint64_t b = ring_call(r, "GET b", 5000), a = ring_call(r, "GET a", 5000);
        ring_pass(r, 1500);
        ring_done(r, b, REEF_OK, NULL);
        ring_done(r, a, REEF_OK, NULL);
        ring_stop(r);
    }
}

/* The name leads nowhere, now and never. */
static void test_names_without_records(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"no.test\", \"srv+no.test\"", "");
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 4999);
    ring_pass(r, 1);
    ring_done(r, id, REEF_DNS, "no.test");
    ring_stop(r);
}

/* ---- who is there ------------------------------------------------------------- */

/* Nothing is sent before it has said who it is. */
static void test_name_comes_first(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.2\"", "");
    ring_serves(r, "GET c", 1);
    r->nodes[0].f->way = FAKE_MUTE;
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 30);
    ring_logged(r, "1:GET c;");
    ring_way(r, 0, FAKE_UP);
    ring_done(r, id, REEF_OK, NULL);
    ring_logged(r, "0:GET b;");
    assert_int_equal(r->nodes[0].names, 1);
    ring_stop(r);
}

/* Another node has its address now: it gets no call. */
static void test_stranger(void **state)
{
    (void)state;
    ring *r = served();
    stage_cut(&r->s, r->nodes[0].f);
    r->nodes[0].myid = "ffffffffffffffffffffffffffffffffffffffff";
    r->log_len = 0;
    uint64_t ticket = ring_call(r, "GET b", 5000);
    ring_pass(r, 500);
    ring_none_done(r);
    assert_null(strstr(r->log, "0:"));
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, ticket, REEF_OK, NULL);
    assert_int_equal(r->nodes[3].runs, 1);
    ring_stop(r);
}

/* Nodes without ids, as some products have them, are known by where they are. */
static void test_no_ids(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    r->bare = true;
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET a", 2);
    assert_int_equal(ring_links(r, 0) + ring_links(r, 1) + ring_links(r, 2), 3);
    ring_believe(r, RING_NONE, "0-5460 3 0,5461-10922 1 4,10923-16383 2 5");
    ring_serves(r, "GET b", 3);
    r->s.k.now_ms += 300;
    ring_serves(r, "GET {b}", 3);
    assert_int_equal(ring_owner(r, 0), 3);
    ring_stop(r);
}

/* The map knows it by its name, a redirect by its address: one node, and one link. */
static void test_two_names(void **state)
{
    (void)state;
    reef_member list[16];
    ring *r = ring_usual("");
    stage_name(&r->s, "one.test", "@ 30 A 10.0.0.2", NULL);
    r->nodes[1].told = "one.test";
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET c", 1);
    ring_believe(r, RING_NONE,
                 "0-3299 0 3,3300-3300 1 4,3301-5460 0 3,5461-10922 1 "
                 "4,10923-16383 2 5");
    r->nodes[0].says = "-MOVED 3300 10.0.0.2:6379";
    r->nodes[0].times = 1;
    ring_serves(r, "GET b", 1);
    ring_serves(r, "GET b", 1);
    ring_serves(r, "GET c", 1);
    assert_int_equal(ring_links(r, 1), 1);
    assert_int_equal(reef_engine_members(r->s.k.engine, list, 16), 6);
    ring_stop(r);
}

/* Not allowed to ask: believed. */
static void test_name_refused(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < 6; i++)
        r->nodes[i].f->turns = "MYID";
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET a", 2);
    ring_stop(r);
}

/* ---- another cluster ---------------------------------------------------------- */

/* Six nodes more, 6 to 11, that are a cluster of their own. */
static ring *two_clusters(const char *hosts)
{
    ring *r = ring_hosts(hosts, "");
    for (unsigned i = 1; i <= 6; i++) {
        char address[16];
        snprintf(address, sizeof address, "10.9.0.%u", i);
        ring_add(r, address);
    }
    for (int i = 6; i < 12; i++)
        ring_believe(r, i, "0-5460 6 9,5461-10922 7 10,10923-16383 8 11");
    return r;
}

/* A seed leads to it: it is not believed as long as one of ours answers. */
static void test_foreign_seed(void **state)
{
    (void)state;
    ring *r = two_clusters("\"10.0.0.1\", \"10.9.0.1\"");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 3, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b", 3000);
    for (int i = 0; i < 29; i++) {
        ring_pass(r, 100);
        ring_done(r, ring_call(r, "GET a", 50), REEF_OK, NULL);
    }
    ring_pass(r, 100);
    ring_done(r, id, REEF_CONNECT, "slot 3300");
    for (uint32_t i = 6; i < 12; i++)
        assert_int_equal(r->nodes[i].runs, 0);
    ring_stop(r);
}

/* One of ours was taken away into another cluster, with its id. What it tells now is of
 * no interest as long as others of ours are there. */
static void test_deserter(void **state)
{
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        ring *r = two_clusters("\"10.0.0.1\", \"10.0.0.2\"");
        ring_serves(r, "GET b", 0);
        ring_serves(r, "GET a", 2);
        ring_done(r, ring_order(r, "DBSIZE", r->nodes[4].id, 100), REEF_OK, NULL);
        ring_believe(r, 4, "0-5460 6 9,5461-10922 7 10 4,10923-16383 8 11");
        for (uint32_t i = 0; i < 6; i++) {
            ring_epoch(r, 4, i, 900); /* of nobody it knows */
            r->nodes[i].f->turns = i == 4 ? NULL : "SLOTS";
            if (alone && i != 4)
                ring_way(r, i, FAKE_REFUSES);
        }
        ring_epoch(r, 4, 6, 901);
        uint32_t maps = r->nodes[4].maps;
        r->s.k.now_ms += REEF_MAP_AGE_MS;
        for (int i = 0; i < 20 && r->nodes[4].maps < maps + 3; i++) {
            uint64_t id = ring_call(r, "GET b", 500);
            ring_pass(r, 500);
            reef_done done;
            assert_true(reef_engine_next_done(r->s.k.engine, &done));
            assert_int_equal(done.ticket, id);
            if (!alone)
                assert_int_equal(reef_reply_code(done.reply), REEF_OK);
            reef_reply_free(done.reply);
            r->s.k.now_ms += REEF_MAP_AGE_MS;
        }
        /* Alone it is all that is left of ours: where else could they be? */
        assert_int_equal(ring_owner(r, 3300), alone ? 6 : 0);
        ring_stop(r);
    }
}

/* The whole of ours is gone, and the service was given to another cluster. */
static void test_foreign_heir(void **state)
{
    (void)state;
    ring *r = two_clusters("\"c.test\"");
    stage_name(&r->s, "c.test", "@ 1 A 10.0.0.1", NULL);
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET a", 2);
    for (uint32_t i = 0; i < 6; i++)
        ring_way(r, i, FAKE_REFUSES);
    stage_name(&r->s, "c.test", "@ 1 A 10.9.0.1", NULL);
    r->s.k.now_ms += 2000;
    uint64_t id = ring_call(r, "GET b", 9000);
    ring_pass(r, 900);
    ring_none_done(r); /* ours may come back */
    ring_pass(r, 2000);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[6].runs, 1);
    ring_serves(r, "GET a", 8);
    ring_stop(r);
}

/* ---- when the map is asked for ------------------------------------------------ */

/* One does not answer for 300 ms: another is asked; what it says later still counts. */
static void test_silent_teller(void **state)
{
    (void)state;
    ring *r = served();
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET c", 1);
    ring_way(r, 1, FAKE_MUTE);
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    uint32_t asked = r->nodes[1].maps;
    uint64_t id = 0;
    for (int i = 0; i < 3 && r->nodes[1].maps == asked; i++) {
        id = ring_call(r, "GET b", 9000);
        ring_done(r, id, REEF_OK, NULL);
        r->s.k.now_ms += REEF_MAP_AGE_MS;
    }
    assert_int_equal(r->nodes[1].maps, asked + 1);
    uint32_t maps = r->maps;
    r->s.k.now_ms -= REEF_MAP_AGE_MS;
    ring_way(r, 0, FAKE_REFUSES); /* a call waits */
    id = ring_call(r, "GET b", 9000);
    ring_pass(r, REEF_RELOAD_WAIT_MS - 1);
    assert_in_range(r->maps, maps, maps + 1);
    ring_pass(r, 200);
    assert_true(r->maps > maps);
    assert_int_equal(r->nodes[1].maps, asked + 1); /* a silent one is not asked */
    ring_fail_over(r, RING_NONE, 4);
    ring_pass(r, 3000);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* To the millisecond. */
static void test_next_teller(void **state)
{
    (void)state;
    uint32_t waited = 0;
    for (uint32_t silent = 0; silent < 2; silent++) {
        ring *r = ring_hosts("\"10.0.0.1\", \"10.0.0.2\"", "");
        r->nodes[silent].map = "";
        uint64_t id = ring_call(r, "GET a", 5000);
        bool waits = r->nodes[silent].maps == 1;
        waited += waits;
        if (waits) {
            ring_pass(r, REEF_RELOAD_WAIT_MS - 1);
            ring_none_done(r);
            assert_int_equal(r->maps, 1);
            ring_pass(r, 1);
        }
        ring_done(r, id, REEF_OK, NULL);
        assert_int_equal(r->nodes[1 - silent].maps, 1);
        ring_stop(r);
    }
    assert_int_equal(waited, 1);
}

/* Hosts that were stopped, and go on: what they owed is heard. */
static void test_late_teller(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.1\", \"10.0.0.2\"", "");
    ring_way(r, 0, FAKE_MUTE);
    ring_way(r, 1, FAKE_MUTE);
    uint64_t id = ring_call(r, "GET a", 5000);
    ring_pass(r, 1000);
    ring_none_done(r);
    assert_int_equal(r->maps, 0);
    ring_way(r, 0, FAKE_UP);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* While nothing changes they get rarer, up to 2 s; news begins anew. */
static void test_rarer(void **state)
{
    (void)state;
    ring *r = served();
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 3, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b", 60000);
    int64_t last_ms = 0, gap_ms[16] = {0};
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t maps = r->maps;
        while (r->maps == maps)
            ring_pass(r, 1);
        gap_ms[i] = r->s.k.now_ms - last_ms;
        last_ms = r->s.k.now_ms;
    }
    assert_in_range(gap_ms[1], 100, 250);
    for (int i = 6; i < 12; i++)
        assert_in_range(gap_ms[i], 1600, 2001);
    ring_none_done(r);
    ring_pass(r, 60000);
    ring_done(r, id, REEF_CONNECT, "slot 3300");
    ring_stop(r);
}

/* In use, it is asked for every 15 s, without anything having happened. */
static void test_age(void **state)
{
    (void)state;
    ring *r = served();
    int64_t began_ms = r->s.k.now_ms;
    while (r->s.k.now_ms < began_ms + 60000) {
        r->s.k.now_ms += 50;
        ring_serves(r, "GET b", 0);
    }
    assert_in_range(r->maps, 4, 6);
    ring_stop(r);
}

/* All nodes take their turn. */
static void test_turns(void **state)
{
    (void)state;
    ring *r = served();
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET c", 1);
    for (int i = 0; i < 30; i++) {
        r->s.k.now_ms += REEF_MAP_AGE_MS;
        ring_serves(r, "GET b", 0);
    }
    for (uint32_t i = 0; i < 3; i++)
        assert_true(r->nodes[i].maps >= 8);
    ring_stop(r);
}

/* ---- coming and going --------------------------------------------------------- */

/* Who has left the map is closed, and forgotten. */
static void test_forgotten(void **state)
{
    (void)state;
    ring *r = served();
    ring_serves(r, "GET c", 1);
    assert_int_equal(ring_links(r, 1), 1);
    ring_believe(r, RING_NONE, "0-10922 0 3,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 0, 9);
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    ring_serves(r, "GET b", 0);
    ring_run(r);
    assert_int_equal(ring_links(r, 1), 0);
    assert_null(ring_entry(r, 1));
    assert_null(ring_entry(r, 4));
    ring_serves(r, "GET c", 0);
    assert_int_equal(ring_state(r)->live_count, 4);
    ring_stop(r);
}

/* … once it owes nothing: what it was given ends as it says. */
static void test_forgotten_with_calls(void **state)
{
    (void)state;
    ring *r = served();
    ring_serves(r, "GET c", 1);
    ring_way(r, 1, FAKE_MUTE);
    uint64_t id = ring_call(r, "INCR c", 5000);
    ring_believe(r, 0, "0-10922 0 3,10923-16383 2 5");
    ring_believe(r, 2, "0-10922 0 3,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 0, 9);
    r->s.k.now_ms += REEF_MAP_AGE_MS - 1000;
    reef_engine_tick(r->s.k.engine, r->s.k.now_ms - REEF_MAP_AGE_MS + 1050);
    ring_run(r);
    ring_way(r, 1, FAKE_UP);
    ring_pass(r, 50);
    reef_done done;
    assert_true(reef_engine_next_done(r->s.k.engine, &done));
    assert_int_equal(done.ticket, id);
    reef_reply_free(done.reply);
    ring_stop(r);
}

/* A node that joins is used once it has slots. */
static void test_joined(void **state)
{
    (void)state;
    ring *r = served();
    ring_add(r, "10.0.0.7");
    ring_believe(r, RING_NONE, "0-3000 0 3,3001-5460 6,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 6, 7);
    ring_serves(r, "GET b", 6);
    assert_int_equal(ring_owner(r, 3300), 6);
    assert_int_equal(ring_owner(r, 3001), 0); /* by the redirect alone */
    r->s.k.now_ms += 200;
    ring_serves(r, "GET b", 6);
    assert_int_equal(ring_owner(r, 3001), 6);
    ring_stop(r);
}

/* The whole cluster comes back on other ports, a seed among them on its own. */
static void test_other_ports(void **state)
{
    (void)state;
    static const char *const places[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3",
                                         "10.0.0.4", "10.0.0.5", "10.0.0.6"};
    ring *r = served();
    ring_serves(r, "GET a", 2);
    for (uint32_t i = 0; i < 6; i++) {
        stage_cut(&r->s, r->nodes[i].f);
        r->nodes[i].f->port = (uint16_t)(7000 + i);
    }
    for (uint32_t i = 0; i < 6; i++)
        stage_add(&r->s, places[i], 6379)->way = FAKE_REFUSES;
    uint64_t id = ring_call(r, "GET b", 9000);
    ring_pass(r, 1000);
    ring_none_done(r);
    r->s.fakes[6 + 2].port = 9;
    r->nodes[2].f->port = 6379;
    ring_pass(r, 1500);
    ring_done(r, id, REEF_OK, NULL);
    ring_serves(r, "GET a", 2);
    ring_stop(r);
}

/* ---- many nodes --------------------------------------------------------------- */

static char *many_slots(uint32_t count)
{
    static char text[RING_NODES * 32];
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u-%u %u",
                                i ? "," : "", (unsigned)(i * 16384 / count),
                                (unsigned)((i + 1) * 16384 / count - 1), (unsigned)i);
    return text;
}

static ring *many(uint32_t count)
{
    ring *r = ring_start("\"10.8.0.0\", \"10.8.0.1\"", "");
    for (uint32_t i = 0; i < count; i++) {
        char address[24];
        snprintf(address, sizeof address, "10.8.%u.%u", (unsigned)i / 250,
                 (unsigned)i % 250);
        ring_add(r, address);
    }
    ring_believe(r, RING_NONE, many_slots(count));
    return r;
}

static void test_thousand(void **state)
{
    (void)state;
    ring *r = many(REEF_NODES_MAX);
    for (uint32_t i = 0; i < 4000; i++) {
        char words[32];
        snprintf(words, sizeof words, "GET k%u", (unsigned)i);
        ring_done(r, ring_call(r, words, 1000), REEF_OK, NULL);
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < r->count; i++)
        used += r->nodes[i].runs > 0;
    assert_in_range(used, 950, REEF_NODES_MAX);
    assert_int_equal(r->moved_count, 0);
    assert_int_equal(ring_state(r)->live_count, REEF_NODES_MAX);
    ring_stop(r);
}

/* More than that: those that fit are served, the others say why not. */
static void test_more_than_a_thousand(void **state)
{
    (void)state;
    ring *r = many(REEF_NODES_MAX + 50);
    uint32_t good = 0, bad = 0;
    uint64_t ids[400];
    for (uint32_t i = 0; i < 400; i++) {
        char words[32];
        snprintf(words, sizeof words, "GET k%u", (unsigned)i);
        ids[i] = ring_call(r, words, 3000);
    }
    ring_pass(r, 3000);
    for (uint32_t i = 0; i < 400; i++) {
        reef_done done;
        assert_true(reef_engine_next_done(r->s.k.engine, &done));
        assert_in_range(done.ticket, ids[0], ids[399]);
        good += reef_reply_code(done.reply) == REEF_OK;
        bad += strstr(reef_reply_text(done.reply), "none of the first 1000") != NULL;
        reef_reply_free(done.reply);
    }
    assert_int_equal(good + bad, 400);
    assert_in_range(good, 340, 399);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_seeds),
        cmocka_unit_test(test_seed_without_a_map),
        cmocka_unit_test(test_no_seed_has_a_map),
        cmocka_unit_test(test_seeds_for_ever),
        cmocka_unit_test(test_back_to_names),
        cmocka_unit_test(test_names_without_records),
        cmocka_unit_test(test_name_comes_first),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_no_ids),
        cmocka_unit_test(test_two_names),
        cmocka_unit_test(test_name_refused),
        cmocka_unit_test(test_foreign_seed),
        cmocka_unit_test(test_deserter),
        cmocka_unit_test(test_foreign_heir),
        cmocka_unit_test(test_silent_teller),
        cmocka_unit_test(test_next_teller),
        cmocka_unit_test(test_late_teller),
        cmocka_unit_test(test_rarer),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_forgotten_with_calls),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_other_ports),
        cmocka_unit_test(test_thousand),
        cmocka_unit_test(test_more_than_a_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
