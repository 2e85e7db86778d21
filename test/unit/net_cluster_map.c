/* SPDX-License-Identifier: Apache-2.0
 *
 * What a view of the Cluster changes in our map: whose word counts. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char USUAL[] = "0-5460 0 3,5461-10922 1 4,10923-16383 2 5";
static const char FAILED_OVER[] = "0-5460 3 0,5461-10922 1 4,10923-16383 2 5";

/* All but that one say nothing of the map, so the next view is its own. */
static void told_by(ring *r, uint32_t node)
{
    for (uint32_t i = 0; i < r->count; i++)
        r->nodes[i].f->turns = i == node ? NULL : "SLOTS";
    uint32_t maps = r->nodes[node].maps;
    for (int i = 0; i < 40 && r->nodes[node].maps == maps; i++) {
        r->s.k.now_ms += REEF_MAP_AGE_MS;
        uint64_t id = ring_call(r, "DBSIZE", 50);
        ring_pass(r, 10);
        ring_done(r, id, REEF_OK, NULL);
    }
    assert_int_equal(r->nodes[node].maps, maps + 1);
}

/* ---- how hosts are told ------------------------------------------------------- */

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *address, *told, *ip;
        bool nil;
    } cases[] = {
        {"10.0.0.9", NULL, NULL, false},
        {"10.0.0.9", "nine.test", NULL, false},
        {"10.0.0.9", "nine.test", "10.0.0.9", false},
        {"10.0.0.9", "?", "10.0.0.9", false},
        {"10.0.0.1", "?", "", false}, /* nobody has told it its own address yet */
        {"10.0.0.1", "", NULL, false},
        {"10.0.0.1", NULL, NULL, true},
        {"10.0.0.1", NULL, "10.0.0.1", true},
        {"fd00::9", NULL, NULL, false},
        {"fd00::9", "[fd00::9]", NULL, false},
        {"fd00::9", "?", "fd00::9", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ring *r = ring_usual("");
        stage_name(&r->s, "nine.test", "@ 30 A 10.0.0.9", NULL);
        ring_node *n = ring_add(r, cases[i].address);
        n->f->port = 7009;
        n->told = cases[i].told;
        n->nil = cases[i].nil;
        n->ip = cases[i].ip;
        ring_believe(r, RING_NONE, "0-3000 0 3,3001-5460 6,5461-16383 1");
        r->nodes[1].f->way = r->nodes[2].f->way = FAKE_REFUSES; /* node 0 is asked */
        ring_serves(r, "GET b", 6);
        assert_int_equal(r->moved_count, 0);
        ring_stop(r);
    }
}

/* "?" and nothing else: its slots are known, and where it is, is not. */
static void test_no_address(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.4\"", "");
    r->nodes[0].told = "?"; /* its replica is the seed */
    ring_serves(r, "GET a", 2);
    assert_int_equal(ring_entry(r, 0)->slots, 5461);
    uint64_t id = ring_call(r, "GET b", 500);
    ring_pass(r, 500);
    ring_done(r, id, REEF_NOROUTE, "its master node 00000000 can't be used");
    id = ring_call(r, "GET b", 500);
    ring_pass(r, 500);
    ring_done(r, id, REEF_NOROUTE, "the cluster tells no address of this node");
    /* Its replica may take over, as from any other. */
    id = ring_call(r, "GET b", 5000);
    ring_pass(r, 100);
    ring_none_done(r);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_BOTH_MS * 2);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* Whole answers as text. */
static void test_odd_maps(void **state)
{
    (void)state;
    static const struct {
        const char *map;
        reef_code code;
        const char *text;
    } cases[] = {
        {"*0\r\n", REEF_NOROUTE, "that serves no slots yet"},
        {"+OK\r\n", REEF_PROTOCOL, "another form than it must have"},
        {":1\r\n", REEF_PROTOCOL, "another form"},
        {"*1\r\n*2\r\n:0\r\n:16383\r\n", REEF_PROTOCOL, "another form"},
        {"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$8\r\n10.0.0.1\r\n:6379\r\n", REEF_PROTOCOL,
         "another form"},
        {"*1\r\n*3\r\n:9\r\n:8\r\n*2\r\n$8\r\n10.0.0.1\r\n:6379\r\n", REEF_PROTOCOL,
         "another form"},
        {"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$8\r\n10.0.0.1\r\n:99999\r\n",
         REEF_PROTOCOL, "another form"},
        {"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$8\r\n10.0.0.1\r\n:6379\r\n", REEF_OK,
         NULL},
        {"*1\r\n*5\r\n:0\r\n:16383\r\n*2\r\n$8\r\n10.0.0.1\r\n:6379\r\n+new\r\n*0\r\n",
         REEF_OK, NULL},
        {"*1\r\n*3\r\n:0\r\n:16383\r\n*7\r\n$8\r\n10.0.0.1\r\n:6379\r\n$-1\r\n*0\r\n"
         ":1\r\n:2\r\n*1\r\n:3\r\n",
         REEF_OK, NULL},
        {"-ERR This instance has cluster support disabled\r\n", REEF_BADCONFIG,
         "cluster support disabled"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ring *r = ring_usual("");
        for (uint32_t k = 0; k < 6; k++)
            r->nodes[k].map = cases[i].map;
        uint64_t id = ring_call(r, "GET b", 1000);
        ring_pass(r, 1000);
        ring_done(r, id, cases[i].code, cases[i].text);
        ring_stop(r);
    }
}

/* What can't be read changes nothing. */
static void test_odd_map_later(void **state)
{
    (void)state;
    ring *r = ring_served();
    for (uint32_t k = 0; k < 6; k++)
        r->nodes[k].map = "*1\r\n*2\r\n:0\r\n:16383\r\n";
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    ring_serves(r, "GET b", 0);
    assert_int_equal(ring_owner(r, 3300), 0);
    r->s.k.now_ms += 1000;
    ring_serves(r, "GET b", 0);
    assert_true(r->maps > 2);
    ring_stop(r);
}

/* ---- whose word counts -------------------------------------------------------- */

/* The higher configuration epoch wins, whoever tells. */
static void test_newer(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_fail_over(r, 1, 4);
    ring_believe(r, 3, FAILED_OVER);
    told_by(r, 1);
    assert_int_equal(ring_owner(r, 3300), 3);
    assert_true(ring_entry(r, 3)->master && !ring_entry(r, 0)->master);
    assert_int_equal(ring_entry(r, 0)->of, reef_cluster_number(ring_entry(r, 3)));
    assert_int_equal(ring_state(r)->epoch, 4);
    reef_event event = stage_event(&r->s, REEF_EVENT_MAP);
    while (stage_has_event(&r->s, REEF_EVENT_MAP))
        ;
    assert_non_null(strstr(event.text, "3 masters with 16384 slots, and 3 replicas"));
    ring_stop(r);
}

static void test_older(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_fail_over(r, 1, 4);
    told_by(r, 1);
    assert_int_equal(ring_owner(r, 3300), 3);
    for (int i = 0; i < 3; i++) {
        told_by(r, 2); /* has not heard of it */
        assert_int_equal(ring_owner(r, 3300), 3);
        assert_int_equal(ring_state(r)->epoch, 4);
        assert_false(ring_entry(r, 0)->master);
        assert_true(ring_entry(r, 3)->master);
    }
    ring_stop(r);
}

/* One that lags names slots of others truly: these count. */
static void test_older_in_part(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_fail_over(r, 1, 4);
    told_by(r, 1);
    ring_believe(r, 2, "0-5460 0 3,5461-10922 4 1,10923-16383 2 5");
    ring_epoch(r, 2, 4, 3); /* a fail-over of epoch 3, which we don't know of */
    told_by(r, 2);
    assert_int_equal(ring_owner(r, 3300), 3);
    assert_int_equal(ring_owner(r, 7365), 4);
    ring_stop(r);
}

/* A claim is as old as the view that makes it, however new its node is by now. */
static void test_older_claim_of_a_newer_node(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, 1,
                 "0-3299 0 3,3300-3300 1 4,3301-5460 0 3,5461-10922 1 4,"
                 "10923-16383 2 5");
    ring_epoch(r, 1, 1, 5); /* it took 3300 from node 0, … */
    ring_epoch(r, 1, 0, 9); /* … which has a newer configuration since then */
    told_by(r, 1);
    assert_int_equal(ring_owner(r, 3300), 1);
    told_by(r, 2); /* from before all that */
    assert_int_equal(ring_owner(r, 3300), 1);
    assert_int_equal(ring_owner(r, 3299), 0);
    ring_stop(r);
}

/* What an older view leaves out is nobody's news. */
static void test_silence_of_the_older(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_fail_over(r, 1, 4);
    told_by(r, 1);
    ring_believe(r, 2, "5461-10922 1 4,10923-16383 2 5");
    told_by(r, 2);
    assert_int_equal(ring_owner(r, 3300), 3);
    /* Of one that knows as much it is. */
    ring_epoch(r, 2, 3, 4);
    ring_epoch(r, 2, 2, 4);
    told_by(r, 2);
    assert_int_equal(ring_owner(r, 3300), RING_NONE);
    ring_stop(r);
}

/* A redirect is ahead of views of the same epoch, and not of a higher one. */
static void test_redirect_and_views(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-MOVED 3300 10.0.0.2:6379";
    r->nodes[0].times = 1;
    r->nodes[1].says = "+OK";
    r->nodes[1].times = 1;
    ring_done(r, ring_call(r, "GET b", 1000), REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 3300), 1);
    assert_int_equal(reef_slots_at(&ring_state(r)->map, 3300)->rank, 2 * 1 + 1);
    told_by(r, 2); /* epoch 1 for node 0: as it was before the redirect */
    assert_int_equal(ring_owner(r, 3300), 1);
    ring_epoch(r, RING_NONE, 0, 9); /* node 0 has them by a new configuration */
    told_by(r, 2);
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_stop(r);
}

/* The slot came home: who has it says so, with a higher epoch after a migration; but
 * also with the old one a redirect of the owner counts. */
static void test_redirect_back(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-MOVED 3300 10.0.0.2:6379";
    r->nodes[0].times = 1;
    ring_serves(r, "GET b", 0); /* node 1 sends it back at once */
    ring_logged(r, "0:GET b;1:GET b;0:GET b;");
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_stop(r);
}

/* The owner by the highest epoch is gone for 3 s, and nobody else has heard of it: an
 * older claim counts again. */
static void test_lost_owner(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, 3, "0-5460 3,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, 3, 3, 4); /* took over early, and dies before it tells anybody */
    ring_way(r, 0, FAKE_REFUSES);
    ring_serves(r, "GET c", 1);
    uint64_t id = ring_call(r, "GET b", 500);
    ring_pass(r, 300);
    ring_done(r, id, REEF_OK, NULL);
    told_by(r, 3);
    assert_int_equal(ring_owner(r, 3300), 3);
    for (uint32_t i = 0; i < 6; i++)
        r->nodes[i].f->turns = NULL;
    ring_way(r, 3, FAKE_REFUSES);
    ring_way(r, 0, FAKE_UP);
    id = ring_call(r, "SET b 1", 9000);
    ring_pass(r, REEF_BELIEF_LOST_MS - 100);
    ring_none_done(r);
    assert_int_equal(ring_owner(r, 3300), 3);
    ring_pass(r, 2500);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_stop(r);
}

/* No epochs are told: the newest view counts. */
static void test_no_epochs(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < 6; i++)
        r->nodes[i].f->turns = "NODES";
    ring_serves(r, "GET b", 0);
    ring_believe(r, RING_NONE, FAILED_OVER);
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    uint64_t id = ring_call(r, "GET b", 500);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 3300), 3);
    ring_believe(r, RING_NONE, USUAL);
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    id = ring_call(r, "GET b", 500);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_stop(r);
}

/* ---- what follows ------------------------------------------------------------- */

/* The same node at another place. */
static void test_moved_house(void **state)
{
    (void)state;
    ring *r = ring_served();
    uint32_t serial = ring_entry(r, 0)->serial;
    r->nodes[0].f->port = 7000;
    stage_cut(&r->s, r->nodes[0].f);
    stage_add(&r->s, "10.0.0.1", 6379)->way = FAKE_REFUSES;
    told_by(r, 2);
    assert_int_equal(ring_entry(r, 0)->serial, serial);
    assert_int_equal(ring_entry(r, 0)->place.port, 7000);
    assert_int_equal(r->nodes[0].f->opens, 1);
    ring_serves(r, "GET b", 0);
    assert_int_equal(r->nodes[0].f->opens, 2);
    ring_run(r);
    assert_int_equal(ring_links(r, 0), 1);
    ring_stop(r);
}

/* Another node has its place, and its slots: the first one is gone. */
static void test_replaced(void **state)
{
    (void)state;
    ring *r = ring_served();
    char was[REEF_NODE_ID + 1];
    memcpy(was, r->nodes[0].id, sizeof was);
    stage_cut(&r->s, r->nodes[0].f);
    memset(r->nodes[0].id, 'e', REEF_NODE_ID);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 1500);
    ring_done(r, id, REEF_OK, NULL);
    assert_null(reef_cluster_by_id(ring_state(r), was));
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_stop(r);
}

/* It has no slots left, and is a replica now or gone: what it was given is waited for
 * as long as it says something. */
static void test_left_without_slots(void **state)
{
    (void)state;
    static const char *const after[] = {
        "5461-10922 1 4,0-5460 2 5,10923-16383 2 5",
        "5461-10922 1 4,0-5460 2 5 0,10923-16383 2 5 0",
    };
    for (int i = 0; i < 2; i++) {
        ring *r = ring_served();
        ring_serves(r, "GET a", 2);
        ring_way(r, 0, FAKE_MUTE);
        uint64_t once = ring_call(r, "INCR b", 9000);
        uint64_t again = ring_again(r, "GET b", 9000);
        ring_believe(r, RING_NONE, after[i]);
        ring_epoch(r, RING_NONE, 2, 9);
        ring_pass(r, 99);
        ring_none_done(r);
        ring_pass(r, 400);
        ring_done(r, again, REEF_OK, NULL);
        ring_done(r, once, REEF_UNSURE, NULL);
        assert_int_equal(r->nodes[2].runs, 2);
        ring_stop(r);
    }
}

/* Every replica is known, and whose it is. */
static void test_replicas(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_add(r, "10.0.0.7");
    ring_believe(r, RING_NONE,
                 "0-99 0 3 6,100-5460 0 3 6,5461-10922 1 4,10923-16383 2");
    ring_serves(r, "GET b", 0);
    uint16_t zero = reef_cluster_number(ring_entry(r, 0));
    assert_int_equal(ring_entry(r, 3)->of, zero);
    assert_int_equal(ring_entry(r, 6)->of, zero);
    assert_int_equal(ring_entry(r, 4)->of, reef_cluster_number(ring_entry(r, 1)));
    assert_null(ring_entry(r, 5));
    assert_int_equal(ring_entry(r, 0)->slots, 5461);
    assert_int_equal(ring_entry(r, 3)->slots, 0);
    ring_stop(r);
}

/* Each slot with another owner than its neighbours. */
static void test_crumbs(void **state)
{
    (void)state;
    static char text[16384 * 14];
    size_t len = 0;
    for (unsigned i = 0; i < 16384; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u-%u %u",
                                i ? "," : "", i, i, i % 3);
    ring *r = ring_usual("");
    ring_believe(r, RING_NONE, text);
    for (unsigned i = 0; i < 200; i++) {
        char words[16];
        snprintf(words, sizeof words, "GET k%u", i);
        ring_done(r, ring_call(r, words, 100), REEF_OK, NULL);
    }
    assert_int_equal(r->moved_count, 0);
    assert_int_equal(ring_entry(r, 0)->slots, 5462);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_odd_maps),
        cmocka_unit_test(test_odd_map_later),
        cmocka_unit_test(test_newer),
        cmocka_unit_test(test_older),
        cmocka_unit_test(test_older_in_part),
        cmocka_unit_test(test_older_claim_of_a_newer_node),
        cmocka_unit_test(test_silence_of_the_older),
        cmocka_unit_test(test_redirect_and_views),
        cmocka_unit_test(test_redirect_back),
        cmocka_unit_test(test_lost_owner),
        cmocka_unit_test(test_no_epochs),
        cmocka_unit_test(test_moved_house),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_left_without_slots),
        cmocka_unit_test(test_replicas),
        cmocka_unit_test(test_crumbs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
