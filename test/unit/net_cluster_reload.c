/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster: whom it asks for the map, and when; what becomes of nodes
 * that come and go, and of more nodes than there may be. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
    assert_int_equal(ring_links(r, 6), 0);
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
    ring *r = ring_served();
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

/* Nodes that can't tell yet are asked again. */
static void test_not_yet(void **state)
{
    (void)state;
    static const char *const words[] = {
        "-LOADING Redis is loading the dataset in memory\r\n", "*0\r\n",
        "-BUSY Redis is busy running a script.\r\n"};
    for (size_t i = 0; i < 3; i++) {
        ring *r = ring_usual("");
        for (uint32_t k = 0; k < 6; k++)
            r->nodes[k].map = words[i];
        uint64_t id = ring_call(r, "GET b", 5000);
        ring_pass(r, 600);
        ring_none_done(r);
        assert_in_range(r->maps, 2, 6);
        for (uint32_t k = 0; k < 6; k++)
            r->nodes[k].map = NULL;
        ring_pass(r, 2500);
        ring_done(r, id, REEF_OK, NULL);
        ring_stop(r);
    }
}

/* The seed is gone, and who serves the key as well: other nodes that are known have the
 * map. */
static void test_known_nodes(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.1\"", "");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 3, FAKE_REFUSES);
    uint64_t id = ring_call(r, "SET b 1", 9000);
    ring_believe(r, RING_NONE, "0-10922 1 4,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 1, 9);
    ring_pass(r, 500);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[1].runs, 1);
    ring_stop(r);
}

/* While nothing changes they get rarer, up to 2 s; news begins anew. */
static void test_rarer(void **state)
{
    (void)state;
    ring *r = ring_served();
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
    ring *r = ring_served();
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
    ring *r = ring_served();
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
    ring *r = ring_served();
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
    ring *r = ring_served();
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
    ring *r = ring_served();
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
    ring *r = ring_served();
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

/* Masters with a replica each, that many of both. */
static const char *pair_slots(uint32_t count)
{
    static char text[RING_NODES * 32];
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u-%u %u %u",
                                i ? "," : "", (unsigned)(i * 16384 / count),
                                (unsigned)((i + 1) * 16384 / count - 1),
                                2 * (unsigned)i, 2 * (unsigned)i + 1);
    return text;
}

static void all_served(ring *r, uint32_t masters)
{
    for (uint32_t i = 0; i < 1000; i++) {
        char words[32];
        snprintf(words, sizeof words, "GET k%u", (unsigned)i);
        ring_done(r, ring_call(r, words, 1000), REEF_OK, NULL);
    }
    for (uint32_t i = 0; i < masters; i++)
        assert_int_equal(ring_owner(r, i * 16384 / masters), 2 * (int)i);
    assert_int_equal(ring_state(r)->live_count, REEF_NODES_MAX);
}

/* More than that, with replicas: every master has its place, replicas have the rest. */
static void test_masters_come_first(void **state)
{
    (void)state;
    ring *r = many(1080);
    ring_believe(r, RING_NONE, pair_slots(540));
    all_served(r, 540);
    ring_stop(r);
}

/* The same when masters join later: replicas make room for them. */
static void test_replicas_make_room(void **state)
{
    (void)state;
    ring *r = many(1080);
    ring_believe(r, RING_NONE, pair_slots(500));
    all_served(r, 500);
    ring_believe(r, RING_NONE, pair_slots(540));
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    ring_done(r, ring_call(r, "GET b", 1000), REEF_OK, NULL);
    ring_pass(r, 500);
    all_served(r, 540);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign_seed),
        cmocka_unit_test(test_deserter),
        cmocka_unit_test(test_foreign_heir),
        cmocka_unit_test(test_silent_teller),
        cmocka_unit_test(test_next_teller),
        cmocka_unit_test(test_late_teller),
        cmocka_unit_test(test_not_yet),
        cmocka_unit_test(test_known_nodes),
        cmocka_unit_test(test_rarer),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_forgotten_with_calls),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_other_ports),
        cmocka_unit_test(test_thousand),
        cmocka_unit_test(test_more_than_a_thousand),
        cmocka_unit_test(test_masters_come_first),
        cmocka_unit_test(test_replicas_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
