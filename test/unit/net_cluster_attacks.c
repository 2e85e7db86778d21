/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster against what an attacker of it found: answers and views at
 * the worst moment, each of which once misled it. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SLOT_B = 3300 };

static const char USUAL[] = "0-5460 0 3,5461-10922 1 4,10923-16383 2 5";
/* The slot of b, alone, is with node 1. */
static const char ONE_MOVED[] = "0-3299 0 3,3300-3300 1 4,3301-5460 0 3,5461-10922 1 "
                                "4,10923-16383 2 5";

/* The next one that is done is well, whichever it is. */
static void well(ring *r)
{
    reef_done done;
    assert_true(reef_engine_next_done(r->s.k.engine, &done));
    assert_int_equal(reef_reply_code(done.reply), REEF_OK);
    reef_reply_free(done.reply);
}

/* ---- who takes over ----------------------------------------------------------- */

/* The replica was reset: it is a master, an empty one, and so it says. The silent
 * master's slots are none of its business. */
static void test_replica_that_was_reset(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, 3, "0-0 3");
    ring_epoch(r, 3, 3, 0);
    ring_way(r, 0, FAKE_MUTE);
    uint64_t id = ring_again(r, "GET b", 5000);
    ring_pass(r, 300);
    assert_true(r->nodes[3].roles > 10); /* it was asked */
    assert_int_equal(ring_owner(r, SLOT_B), 0);
    ring_way(r, 0, FAKE_UP);
    ring_done(r, id, REEF_OK, NULL);
    for (int i = 0; i < 3; i++)
        ring_believe(r, i, "0-5460 0,5461-10922 1 4,10923-16383 2 5");
    for (int i = 0; i < 20; i++) {
        r->s.k.now_ms += 1000;
        ring_serves(r, "GET b", 0);
    }
    ring_stop(r);
}

/* The same of the call that is put to it: that nobody serves the slot is not known to
 * one that knows nothing. The call waits on. */
static void test_hole_that_a_replica_tells(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, 3, "");
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 2000);
    ring_none_done(r);
    assert_int_equal(ring_owner(r, SLOT_B), 0);
    ring_fail_over(r, RING_NONE, 4);
    ring_pass(r, 2 * REEF_PROBE_NODE_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* The replica dies with the call that it was asked with: that one may have run there,
 * the next takes its place. */
static void test_replica_dies_with_a_probe(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t once = ring_call(r, "INCR b", 5000), next = ring_call(r, "GET b", 5000);
    ring_pass(r, 30);
    ring_way(r, 3, FAKE_MUTE);
    ring_pass(r, 50);
    ring_way(r, 3, FAKE_REFUSES);
    ring_done(r, once, REEF_UNSURE, "it may have run");
    ring_pass(r, 1000);
    ring_none_done(r);
    ring_fail_over(r, RING_NONE, 4);
    ring_way(r, 3, FAKE_UP);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, next, REEF_OK, NULL);
    assert_null(strstr(r->log, "0:INCR b;"));
    ring_stop(r);
}

/* A stuck node comes back, and all that waits there has moved away: the first MOVED
 * says that it is awake, and lets all of them go. */
static void test_all_that_is_parked_has_moved(void **state)
{
    (void)state;
    uint64_t ids[10];
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 3, FAKE_REFUSES);
    for (int i = 0; i < 10; i++)
        ids[i] = ring_call(r, "GET b", 9000);
    ring_pass(r, 500);
    ring_none_done(r);
    ring_believe(r, RING_NONE, ONE_MOVED);
    for (int i = 0; i < 3; i++) /* views are of no help */
        r->nodes[i].map = "-ERR no\r\n";
    r->log_len = 0;
    ring_way(r, 0, FAKE_UP);
    while (r->log_len == 0)
        ring_pass(r, 1);
    ring_pass(r, REEF_PROBE_NODE_MS);
    for (int i = 0; i < 10; i++)
        ring_done(r, ids[i], REEF_OK, NULL);
    assert_int_equal(r->nodes[1].runs, 10);
    ring_stop(r);
}

/* The owner is gone, and its replica says that the slot moved away before: all calls
 * for it follow, and wait for no fail-over. */
static void test_moved_away_before_it_was_lost(void **state)
{
    (void)state;
    uint64_t ids[10];
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    for (int i = 0; i < 10; i++)
        ids[i] = ring_call(r, "GET b", 9000);
    uint64_t other = ring_call(r, "GET f", 9000);
    ring_pass(r, 500);
    ring_none_done(r);
    for (int i = 0; i < 6; i++) /* views are of no help */
        r->nodes[i].map = "-ERR no\r\n";
    ring_believe(r, RING_NONE, ONE_MOVED);
    ring_pass(r, 2 * REEF_PROBE_NODE_MS);
    for (int i = 0; i < 10; i++)
        ring_done(r, ids[i], REEF_OK, NULL);
    assert_int_equal(r->nodes[1].runs, 10);
    ring_none_done(r);
    ring_way(r, 0, FAKE_UP);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, other, REEF_OK, NULL);
    ring_stop(r);
}

/* ---- slots that move ---------------------------------------------------------- */

/* Some of its keys are here, some there: it is sent there again and again, and told to
 * try again. However often, it waits for the end of the move. */
static void test_many_tries_of_a_torn_call(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->move.slot = SLOT_B;
    r->move.to = 1;
    ring_serves(r, "GET c", 1);
    r->nodes[1].says = "-TRYAGAIN Multiple keys request during rehashing of slot";
    uint64_t id = ring_call(r, "MGET {b}1 {b}2", 60000);
    for (int i = 0; i < 100; i++) {
        ring_pass(r, 100);
        ring_none_done(r);
    }
    r->nodes[1].says = NULL;
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* Two nodes send calls to each other for long: each redirect is a step ahead of views,
 * but no more than one. The next configuration ends it. */
static void test_rank_of_many_redirects(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_serves(r, "GET c", 1);
    ring_believe(r, 0, ONE_MOVED);
    for (int i = 0; i < 20; i++) {
        uint64_t id = ring_call(r, "GET b", 300);
        ring_pass(r, 300);
        ring_done(r, id, REEF_NOROUTE, NULL);
    }
    assert_in_range(reef_slots_at(&ring_state(r)->map, SLOT_B)->rank, 2, 5);
    ring_believe(r, RING_NONE, ONE_MOVED);
    ring_epoch(r, RING_NONE, 1, 4);
    ring_pass(r, 3000);
    ring_serves(r, "GET b", 1);
    ring_stop(r);
}

/* An ASK leads to a node that no map has yet, and connecting to it takes a moment: a
 * view that comes meanwhile doesn't drop it with the call that waits there. */
static void test_asked_of_a_new_node(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_add(r, "10.0.0.7");
    ring_believe(r, 6, USUAL);
    r->move.slot = SLOT_B;
    r->move.to = 6;
    ring_way(r, 6, FAKE_DEAF);
    r->s.k.now_ms += 1000;
    uint64_t id = ring_call(r, "GET b", 5000);
    reef_cluster_want_map(r->s.k.engine, true);
    ring_pass(r, REEF_SLOW_DIAL_MS / 2);
    assert_int_equal(r->maps, 2);
    ring_none_done(r);
    ring_way(r, 6, FAKE_UP);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[6].runs, 1);
    assert_int_equal(r->nodes[6].f->opens, 1);
    ring_stop(r);
}

/* The same where it takes long: its link stays through all views that come. */
static void test_asked_of_a_slow_new_node(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_add(r, "10.0.0.7");
    ring_believe(r, 6, USUAL);
    r->move.slot = SLOT_B;
    r->move.to = 6;
    ring_way(r, 6, FAKE_DEAF);
    r->s.k.now_ms += 1000;
    uint64_t id = ring_call(r, "GET b", 5000);
    for (int i = 0; i < 8; i++) {
        reef_cluster_want_map(r->s.k.engine, true);
        ring_pass(r, REEF_RELOAD_MS);
    }
    assert_in_range(r->maps, 5, 10);
    assert_int_equal(r->nodes[6].f->opens, 1);
    ring_none_done(r);
    ring_way(r, 6, FAKE_UP);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[6].runs, 1);
    ring_stop(r);
}

/* ---- whose word counts -------------------------------------------------------- */

/* To a node alone, for a slot that it does not serve: its word for the caller, and no
 * sign that anybody's slots have a hole. */
static void test_hole_for_a_bound_call(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-CLUSTERDOWN Hash slot not served";
    r->nodes[0].times = 1;
    uint64_t id = ring_order(r, "GET b", r->nodes[0].id, 3000);
    ring_done(r, id, REEF_REFUSED, "CLUSTERDOWN Hash slot not served");
    ring_serves(r, "GET b", 0);
    assert_int_equal(r->maps, 1);
    assert_false(stage_has_event(&r->s, REEF_EVENT_HELD));
    ring_stop(r);
}

/* No epochs are told, and a node that was reset is asked: an empty answer has nothing
 * to show for itself. */
static void test_empty_view_without_epochs(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < 6; i++)
        r->nodes[i].f->turns = "NODES";
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET c", 1);
    ring_serves(r, "GET a", 2);
    for (uint32_t i = 0; i < 3; i++)
        r->nodes[i].map = "*0\r\n";
    for (int i = 0; i < 4; i++) {
        r->s.k.now_ms += REEF_MAP_AGE_MS;
        ring_serves(r, "GET a", 2);
        ring_serves(r, "GET b", 0);
        ring_serves(r, "GET c", 1);
    }
    assert_true(r->maps >= 4);
    assert_int_equal(ring_state(r)->live_count, 6);
    ring_stop(r);
}

/* ---- crowds ------------------------------------------------------------------- */

/* Every master is gone while calls of each wait, and two come back: these serve, and
 * what any node may do, though the first one in line is for the dead. */
static void test_two_of_three_come_back(void **state)
{
    (void)state;
    static const char *const words[] = {"GET b", "GET c", "GET a", "DBSIZE"};
    ring *r = ring_served();
    ring_serves(r, "GET c", 1);
    ring_serves(r, "GET a", 2);
    for (uint32_t i = 0; i < 6; i++)
        ring_way(r, i, FAKE_REFUSES);
    for (int i = 0; i < 4; i++)
        (void)ring_call(r, words[i], 20000);
    ring_pass(r, 500);
    ring_none_done(r);
    ring_way(r, 1, FAKE_UP);
    ring_way(r, 2, FAKE_UP);
    ring_pass(r, 2 * REEF_BACKOFF_MAX_MS);
    for (int i = 0; i < 3; i++)
        well(r);
    ring_none_done(r);
    assert_int_equal(r->nodes[0].runs, 1);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_that_was_reset),
        cmocka_unit_test(test_hole_that_a_replica_tells),
        cmocka_unit_test(test_replica_dies_with_a_probe),
        cmocka_unit_test(test_all_that_is_parked_has_moved),
        cmocka_unit_test(test_moved_away_before_it_was_lost),
        cmocka_unit_test(test_many_tries_of_a_torn_call),
        cmocka_unit_test(test_rank_of_many_redirects),
        cmocka_unit_test(test_asked_of_a_new_node),
        cmocka_unit_test(test_asked_of_a_slow_new_node),
        cmocka_unit_test(test_hole_for_a_bound_call),
        cmocka_unit_test(test_empty_view_without_epochs),
        cmocka_unit_test(test_two_of_three_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
