/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster: seeds, and who is there. That no two questions for the map
 * begin within 100 ms is checked by the kit in every test. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
    ring_done(r, id, REEF_AUTH, "allow this user +cluster|slots");
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

/* One node is left, which hears nobody; where the others are now, a seed knows. It is
 * not tried more than once a second. */
static void test_seed_knows_better(void **state)
{
    (void)state;
    for (int knows = 0; knows < 2; knows++) {
        ring *r = ring_hosts("\"10.0.0.1\", \"10.0.0.7\"", "");
        ring_add(r, "10.0.0.7");
        ring_way(r, 6, FAKE_REFUSES);
        ring_serves(r, "GET b", 0);
        for (uint32_t i = 1; i < 6; i++)
            ring_way(r, i, FAKE_REFUSES);
        ring_way(r, 6, knows ? FAKE_UP : FAKE_REFUSES);
        ring_believe(r, 6, "0-5460 0,5461-16383 6");
        ring_epoch(r, 6, 6, 9);
        uint32_t before = r->nodes[6].f->opens;
        uint64_t id = ring_call(r, "GET c", 5000);
        ring_pass(r, knows ? 3000 : 5000);
        ring_done(r, id, knows ? REEF_OK : REEF_CONNECT, NULL);
        assert_in_range(r->nodes[6].f->opens - before, knows ? 1 : 3, 5);
        ring_serves(r, "GET b", 0);
        ring_stop(r);
    }
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

/* One of several addresses of a name gets little time, the only one all there is. */
static void test_addresses_of_a_name(void **state)
{
    (void)state;
    static const char *const found[] = {"@ 30 A 10.0.0.99; @ 30 A 10.0.0.2",
                                        "@ 30 A 10.0.0.99"};
    for (int only = 0; only < 2; only++) {
        ring *r = ring_hosts("\"c.test\", \"10.0.0.98\"", "");
        stage_add(&r->s, "10.0.0.99", 6379)->way = FAKE_DEAF;
        stage_add(&r->s, "10.0.0.98", 6379)->way = FAKE_DEAF;
        stage_name(&r->s, "c.test", found[only], NULL);
        uint64_t id = ring_call(r, "GET c", 9000);
        ring_pass(r, REEF_DIAL_MS);
        if (!only)
            ring_done(r, id, REEF_OK, NULL);
        ring_pass(r, 4000);
        ring_none_done(r);
        assert_int_equal(r->s.fakes[6].opens, 1);
        ring_stop(r);
    }
}

/* While a name is looked up the engine is busy, and no longer than somebody waits. */
static void test_busy_with_names(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"c.test\", \"d.test\"", "");
    r->s.k.silent = true;
    uint64_t id = ring_call(r, "GET c", 200);
    assert_true(reef_engine_busy(r->s.k.engine));
    ring_pass(r, 200);
    ring_done(r, id, REEF_CONNECT, "before any node of the Cluster had told its map");
    assert_false(reef_engine_busy(r->s.k.engine));
    reef_engine_tend(r->s.k.engine, r->s.k.now_ms);
    ring_run(r);
    assert_true(reef_engine_busy(r->s.k.engine)); /* idle work */
    ring_pass(r, 2 * REEF_WANTED_MS);
    assert_false(reef_engine_busy(r->s.k.engine));
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
    ring *r = ring_served();
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
    for (int connected = 0; connected < 2; connected++) {
        reef_member list[16];
        ring *r = ring_hosts("\"10.0.0.1\"", "");
        stage_name(&r->s, "one.test", "@ 30 A 10.0.0.2", NULL);
        r->nodes[1].told = "one.test";
        ring_serves(r, "GET b", 0);
        if (connected)
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
        assert_int_equal(ring_owner(r, 3300), 1);
        ring_stop(r);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_seeds),
        cmocka_unit_test(test_seed_without_a_map),
        cmocka_unit_test(test_no_seed_has_a_map),
        cmocka_unit_test(test_seeds_for_ever),
        cmocka_unit_test(test_seed_knows_better),
        cmocka_unit_test(test_back_to_names),
        cmocka_unit_test(test_names_without_records),
        cmocka_unit_test(test_addresses_of_a_name),
        cmocka_unit_test(test_busy_with_names),
        cmocka_unit_test(test_name_comes_first),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_no_ids),
        cmocka_unit_test(test_two_names),
        cmocka_unit_test(test_name_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
