/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes of a Cluster that are stuck: calls are parked, the oldest of them is put to the
 * replicas, and whoever answers takes over. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- the master is gone ------------------------------------------------------- */

/* Nobody has announced it yet: the replica's own answer is the first news. */
static void test_killed(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t ids[10];
    for (int i = 0; i < 10; i++)
        ids[i] = ring_call(r, i % 2 ? "SET b 1" : "GET b", 5000);
    ring_pass(r, 1500);
    ring_none_done(r);
    ring_spread(r);
    assert_in_range(r->moved_count, 140, 151);
    assert_int_equal(ring_times_logged(r, "3:SET b;"), 0); /* the oldest alone */
    ring_serves(r, "GET c", 1);
    r->log_len = 0;
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    for (int i = 0; i < 10; i++)
        ring_done(r, ids[i], REEF_OK, NULL);
    ring_none_done(r);
    ring_logged(r, "3:GET b;3:SET b;3:GET b;3:SET b;3:GET b;3:SET b;3:GET b;3:SET b;"
                   "3:GET b;3:SET b;");
    assert_int_equal(ring_owner(r, 0), 3);
    assert_int_equal(ring_owner(r, 5460), 3);
    assert_true(ring_entry(r, 3)->master && !ring_entry(r, 0)->master);
    assert_non_null(
        strstr(stage_event(&r->s, REEF_EVENT_SWITCHED).text, "took over 5461 slots"));
    /* Views lag: they pull nobody back. */
    for (int i = 0; i < 10; i++) {
        r->s.k.now_ms += 300;
        ring_serves(r, "GET b", 3);
        assert_int_equal(ring_owner(r, 5460), 3);
    }
    ring_stop(r);
}

/* In flight: what may not be sent again is in doubt, the rest waits. */
static void test_killed_with_calls(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    r->nodes[0].says = "-MOVED 3300 10.0.0.4:6379"; /* once it goes on */
    uint64_t once = ring_call(r, "INCR b", 5000),
             again = ring_again(r, "SET b 1", 5000);
    ring_pass(r, 20);
    ring_way(r, 0, FAKE_REFUSES);
    ring_done(r, once, REEF_UNSURE, "it may have run");
    ring_none_done(r);
    ring_fail_over(r, 3, 4);
    ring_pass(r, 2 * REEF_PROBE_NODE_MS);
    ring_done(r, again, REEF_OK, NULL);
    assert_int_equal(ring_times_logged(r, "3:INCR b;"), 0);
    ring_stop(r);
}

/* The restarted master is still the master. */
static void test_restarted(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 100);
    ring_way(r, 0, FAKE_UP);
    ring_pass(r, REEF_BACKOFF_MAX_MS + 20);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 3300), 0);
    assert_true(stage_has_event(&r->s, REEF_EVENT_RESUMED));
    ring_stop(r);
}

/* Something else came up in its place: a server without a cluster. */
static void test_another_kind_in_its_place(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].f->mode = "standalone";
    stage_cut(&r->s, r->nodes[0].f);
    uint64_t id = ring_call(r, "SET b 1", 400), last = ring_call(r, "SET b 1", 5000);
    ring_pass(r, 400);
    ring_done(r, id, REEF_BADCONFIG, "says that it is a single server");
    ring_none_done(r);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, last, REEF_OK, NULL);
    assert_int_equal(r->nodes[0].runs, 1);
    ring_stop(r);
}

/* An idle link that ends is no news: it is made anew with the next call. */
static void test_idle_link_lost(void **state)
{
    (void)state;
    ring *r = ring_served();
    stage_cut(&r->s, r->nodes[0].f);
    assert_false(ring_entry(r, 0)->stuck);
    ring_serves(r, "GET b", 0);
    assert_int_equal(r->moved_count, 0);
    assert_int_equal(r->maps, 1);
    ring_stop(r);
}

/* ---- who takes over ----------------------------------------------------------- */

/* Two replicas: one says that the other is the master now. */
static void test_told_by_moved(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_add(r, "10.0.0.7");
    ring_believe(r, RING_NONE, "0-5460 0 3 6,5461-10922 1 4,10923-16383 2 5");
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    ring_serves(r, "GET b", 0);
    assert_non_null(ring_entry(r, 6));
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 6, FAKE_REFUSES);
    uint64_t id = ring_call(r, "SET b 1", 5000);
    ring_pass(r, 300);
    ring_none_done(r);
    ring_believe(r, 3, "0-5460 6 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_believe(r, 6, "0-5460 6 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_way(r, 6, FAKE_UP);
    ring_pass(r, REEF_PROBE_NODE_MS);
    assert_int_equal(ring_owner(r, 0), 6);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[6].runs, 1);
    ring_stop(r);
}

/* No replica can be reached: the map tells. */
static void test_told_by_a_map(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_add(r, "10.0.0.7");
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 3, FAKE_REFUSES);
    uint64_t id = ring_call(r, "SET b 1", 5000);
    ring_pass(r, 500);
    ring_none_done(r);
    assert_in_range(r->maps, 3, 6);
    ring_believe(r, RING_NONE, "0-5460 6,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 6, 5);
    ring_pass(r, 2100);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[6].runs, 1);
    assert_null(ring_entry(r, 0));
    ring_stop(r);
}

/* Nothing is parked, but calls are in flight at a silent node: replicas are asked for
 * the key of one of these. */
static void test_told_by_key(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    r->nodes[0].says = "-MOVED 3300 10.0.0.4:6379"; /* once it goes on */
    uint64_t once = ring_call(r, "INCR b", 5000),
             again = ring_again(r, "SET b 1", 5000);
    ring_pass(r, REEF_SILENCE_HOLD_MS - 1);
    assert_false(ring_entry(r, 0)->stuck);
    ring_pass(r, 500);
    assert_true(ring_entry(r, 0)->stuck);
    ring_none_done(r);
    assert_in_range(r->nodes[3].roles, 45, 51);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, again, REEF_OK, NULL);
    assert_int_equal(r->nodes[3].runs, 1);
    ring_pass(r, REEF_SILENCE_HOLD_MS - 2 * REEF_PROBE_NODE_MS);
    ring_none_done(r); /* it may yet say that it did not run */
    ring_pass(r, 2 * REEF_PROBE_NODE_MS);
    ring_done(r, once, REEF_UNSURE, NULL);
    ring_pass(r, 10);
    assert_int_equal(ring_links(r, 0), 0); /* it is silent, and was replaced */
    ring_stop(r);
}

/* What a replica was asked before it became the master, it answers late, and a map has
 * said meanwhile that it is: its word is older than that, whether that map still knows
 * the old master or not. */
static void test_old_word(void **state)
{
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        ring *r = ring_served();
        ring_way(r, 0, FAKE_REFUSES);
        uint64_t id = ring_again(r, "SET b 1", 5000);
        ring_pass(r, 50);
        for (int k = 1; k <= 2; k++) {
            ring_fail_over(r, k, 4);
            if (gone)
                ring_believe(r, k, "0-5460 3,5461-10922 1 4,10923-16383 2 5");
        }
        while (ring_owner(r, 3300) != 3) {
            ring_way(r, 3, FAKE_UP);
            ring_pass(r, 1);
            ring_way(r, 3, FAKE_MUTE); /* with a probe on its way */
            ring_pass(r, 2 * REEF_PROBE_NODE_MS);
        }
        ring_none_done(r);
        assert_true(gone == !ring_entry(r, 0));
        ring_fail_over(r, 3, 4);
        ring_way(r, 0, FAKE_UP); /* and does not know yet */
        ring_way(r, 3, FAKE_UP);
        ring_pass(r, REEF_PROBE_NODE_MS);
        assert_int_equal(ring_owner(r, 3300), 3);
        ring_done(r, id, REEF_OK, NULL);
        assert_int_equal(r->nodes[0].runs, 1); /* before all this */
        assert_int_equal(r->nodes[3].runs, 1);
        ring_stop(r);
    }
}

/* A young Cluster did not tell of replicas yet when it was asked. */
static void test_replicas_told_later(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_believe(r, RING_NONE, "0-5460 0,5461-10922 1,10923-16383 2");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_MUTE);
    uint64_t id = ring_again(r, "SET b 1", 5000);
    ring_pass(r, 2 * REEF_SILENCE_HOLD_MS);
    ring_believe(r, RING_NONE, "0-5460 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_pass(r, 1000);
    assert_true(r->nodes[3].roles > 0);
    ring_none_done(r);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[3].runs, 1);
    ring_stop(r);
}

/* ---- silence ------------------------------------------------------------------ */

static void test_silence(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    uint64_t first = ring_call(r, "GET b", 5000);
    ring_pass(r, REEF_SILENCE_HOLD_MS - 1);
    uint64_t second = ring_call(r, "GET b", 5000); /* still goes there */
    ring_logged(r, "0:GET b;0:GET b;");
    ring_pass(r, 1);
    uint64_t third = ring_call(r, "GET b", 5000);
    ring_pass(r, 100);
    assert_int_equal(ring_times_logged(r, "0:"), 0);
    assert_in_range(ring_times_logged(r, "3:GET b;"), 9, 11);
    ring_spread(r);
    r->log_len = 0;
    ring_way(r, 0, FAKE_UP); /* it goes on */
    ring_done(r, first, REEF_OK, NULL);
    ring_done(r, second, REEF_OK, NULL);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, third, REEF_OK, NULL);
    assert_false(ring_entry(r, 0)->stuck);
    assert_int_equal(r->nodes[0].f->opens, 1);
    ring_stop(r);
}

/* The stopped master wakes up as a replica: what it owed is answered with MOVED. */
static void test_silence_then_demoted(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    uint64_t first = ring_call(r, "INCR b", 5000);
    ring_pass(r, 150);
    uint64_t second = ring_call(r, "GET b", 5000);
    ring_fail_over(r, RING_NONE, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, second, REEF_OK, NULL);
    ring_pass(r, REEF_SILENCE_HOLD_MS);
    ring_done(r, first, REEF_UNSURE, NULL);
    ring_way(r, 0, FAKE_UP);
    r->s.k.now_ms += 200;
    ring_serves(r, "GET b", 3);
    assert_int_equal(ring_owner(r, 3300), 3);
    assert_int_equal(ring_entry(r, 0)->of, reef_cluster_number(ring_entry(r, 3)));
    ring_stop(r);
}

/* A planned fail-over: the old master holds calls back, and says that they did not run
 * when it has heard of its successor. That is later than we did. */
static void test_handed_over(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    r->nodes[0].says = "-MOVED 3300 10.0.0.4:6379"; /* once it goes on */
    uint64_t once = ring_call(r, "INCR b", 5000),
             again = ring_again(r, "SET b 1", 5000),
             other = ring_call(r, "INCR b", 5000);
    ring_pass(r, 150);
    ring_fail_over(r, RING_NONE, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, again, REEF_OK, NULL);
    ring_pass(r, REEF_SILENCE_HOLD_MS / 2);
    ring_none_done(r);
    ring_logged(r, "0:INCR b;0:SET b;0:INCR b;3:SET b;");
    ring_way(r, 0, FAKE_UP);
    ring_done(r, once, REEF_OK, NULL);
    ring_done(r, other, REEF_OK, NULL);
    ring_logged(r, "3:INCR b;3:INCR b;");
    assert_int_equal(r->nodes[0].runs, 1);
    assert_int_equal(r->nodes[3].runs, 3);
    ring_serves(r, "GET b", 3);
    ring_stop(r);
}

/* A slow answer to others' small ones is none: bytes that arrive end the silence. */
static void test_one_slow_shard_holds_no_other(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 300);
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET c", 1);
    assert_false(ring_entry(r, 1)->stuck || ring_entry(r, 2)->stuck);
    ring_way(r, 0, FAKE_UP);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* ---- connecting --------------------------------------------------------------- */

/* It takes long: replicas are asked as well. */
static void test_slow_to_connect(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_DEAF);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, REEF_SLOW_DIAL_MS - 1);
    assert_int_equal(r->moved_count, 0);
    ring_pass(r, 100);
    assert_in_range(r->moved_count, 8, 11);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* A node that is new to us, and takes a moment: nobody else is asked. */
static void test_quick_to_connect(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.2\"", "");
    ring_serves(r, "GET c", 1);
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET a", 2);
    assert_int_equal(r->moved_count, 0);
    assert_int_equal(r->nodes[3].f->opens, 0);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_killed_with_calls),
        cmocka_unit_test(test_restarted),
        cmocka_unit_test(test_another_kind_in_its_place),
        cmocka_unit_test(test_idle_link_lost),
        cmocka_unit_test(test_told_by_moved),
        cmocka_unit_test(test_told_by_a_map),
        cmocka_unit_test(test_told_by_key),
        cmocka_unit_test(test_old_word),
        cmocka_unit_test(test_replicas_told_later),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_silence_then_demoted),
        cmocka_unit_test(test_handed_over),
        cmocka_unit_test(test_one_slow_shard_holds_no_other),
        cmocka_unit_test(test_slow_to_connect),
        cmocka_unit_test(test_quick_to_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
