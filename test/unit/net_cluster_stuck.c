/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that are parked at a node of a Cluster: which of them may be put to replicas,
 * what becomes of these, and who is held up by whom. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The probe is a call of its own deadline; the next one takes its place. */
static void test_deadline_of_a_probe(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t first = ring_call(r, "GET b", 205), second = ring_call(r, "SET b 1", 5000);
    ring_pass(r, 205);
    ring_done(r, first, REEF_CONNECT, "slot 3300");
    ring_pass(r, 100);
    ring_none_done(r);
    assert_true(ring_times_logged(r, "3:SET b;") > 5);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, second, REEF_OK, NULL);
    ring_stop(r);
}

/* The replica is silent: the probe is not waited for, but it may not be put twice. */
static void test_silent_replica(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_add(r, "10.0.0.7");
    ring_believe(r, RING_NONE, "0-5460 0 3 6,5461-10922 1 4,10923-16383 2 5");
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t first = ring_call(r, "INCR b", 5000),
             second = ring_call(r, "SET b 1", 5000);
    ring_pass(r, 100);
    ring_way(r, 3, FAKE_MUTE);
    ring_pass(r, 300);
    ring_none_done(r);
    ring_believe(r, RING_NONE, "0-5460 6 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 6, 4);
    ring_pass(r, 150);
    /* One is at the silent one; the other was served. */
    assert_int_equal(r->nodes[6].runs, 1);
    ring_way(r, 3, FAKE_UP);
    ring_pass(r, 50);
    assert_int_equal(r->nodes[6].runs, 2);
    reef_done done;
    uint64_t seen = 0;
    while (reef_engine_next_done(r->s.k.engine, &done)) {
        assert_int_equal(reef_reply_code(done.reply), REEF_OK);
        seen += done.ticket;
        reef_reply_free(done.reply);
    }
    assert_true(seen == first + second);
    assert_int_equal(r->nodes[0].runs + r->nodes[3].runs, 2);
    ring_stop(r);
}

/* One that may run twice is taken back from it. */
static void test_silent_replica_gives_back(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_add(r, "10.0.0.7");
    ring_believe(r, RING_NONE, "0-5460 0 3 6,5461-10922 1 4,10923-16383 2 5");
    r->s.k.now_ms += REEF_MAP_AGE_MS;
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 6, FAKE_REFUSES);
    uint64_t id = ring_again(r, "SET b 1", 5000);
    ring_pass(r, 100);
    ring_way(r, 3, FAKE_MUTE);
    ring_pass(r, 50); /* it is there now */
    ring_none_done(r);
    ring_believe(r, RING_NONE, "0-5460 6 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 6, 4);
    ring_way(r, 6, FAKE_UP);
    ring_pass(r, REEF_SILENCE_HOLD_MS);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[6].runs, 1);
    ring_stop(r);
}

/* Nobody waits: nobody is asked. */
static void test_no_probes_without_calls(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b", 100);
    ring_pass(r, 100);
    ring_done(r, id, REEF_CONNECT, NULL);
    ring_pass(r, 2000);
    uint32_t moved = r->moved_count;
    ring_serves(r, "GET c", 1);
    ring_pass(r, 2000);
    assert_int_equal(r->moved_count, moved);
    ring_stop(r);
}

/* A replica, too, says that a command is malformed, or forbidden: that is no sign of a
 * master. The caller is told. */
static void test_error_of_a_replica(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t bad = ring_call(r, "SET b", 5000), good = ring_call(r, "SET b 1", 5000);
    r->nodes[3].says = "-ERR wrong number of arguments for 'set' command";
    r->nodes[3].times = 1;
    ring_pass(r, 500);
    ring_done(r, bad, REEF_REFUSED, "wrong number of arguments");
    ring_none_done(r);
    assert_int_equal(ring_owner(r, 3300), 0);
    assert_true(ring_times_logged(r, "3:SET b;") > 30);
    ring_spread(r);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, good, REEF_OK, NULL);
    ring_stop(r);
}

/* The oldest are for the dead node alone, or for any: those behind them are put to its
 * replicas. */
static void test_tied_calls(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t tied = ring_order(r, "DBSIZE", r->nodes[0].id, 9000);
    ring_pass(r, 100);
    uint64_t id = ring_call(r, "SET b 1", 9000);
    ring_pass(r, 300);
    assert_in_range(ring_times_logged(r, "3:SET b;"), 28, 31);
    assert_int_equal(ring_times_logged(r, "3:DBSIZE;"), 0);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_pass(r, 200);
    ring_none_done(r);
    ring_way(r, 0, FAKE_UP);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, tied, REEF_OK, NULL);
    assert_int_equal(r->nodes[0].runs, 2);
    ring_stop(r);
}

/* A transaction is put to a replica whole, and thrown away there. */
static void test_transaction(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, "MULTI,SET b 1,GET b,EXEC", 9000);
    ring_pass(r, 300);
    ring_none_done(r);
    assert_in_range(ring_times_logged(r, "3:EXEC;"), 28, 31);
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    for (uint64_t i = 0; i < 4; i++)
        ring_done(r, id + i, REEF_OK, NULL);
    assert_int_equal(r->nodes[3].runs, 2);
    ring_stop(r);
}

/* In a group of its own making a caller may ask what a replica answers, too: it is put
 * to none. */
static void test_mixed_group(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b,DBSIZE", 5000);
    ring_pass(r, 500);
    ring_none_done(r);
    ring_logged(r, "");
    assert_in_range(r->nodes[3].roles, 45, 51); /* but asked for its key */
    assert_int_equal(ring_owner(r, 3300), 0);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_done(r, id + 1, REEF_OK, NULL);
    ring_logged(r, "3:GET b;3:DBSIZE;");
    ring_stop(r);
}

/* ---- which call is the probe -------------------------------------------------- */

static const char *large(char words[], size_t len)
{
    memset(words, 'x', len);
    memcpy(words, "SET b ", 6);
    words[len - 1] = 0;
    return words;
}

/* One that is large is not sent a hundred times a second: its key is asked for. */
static void test_large_call(void **state)
{
    (void)state;
    static char words[REEF_PROBE_BYTES + 8];
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, large(words, sizeof words), 5000);
    uint64_t other = ring_again(r, "GET b", 5000); /* may not overtake it */
    ring_pass(r, 500);
    ring_none_done(r);
    ring_logged(r, "");
    assert_in_range(r->nodes[3].roles, 45, 51);
    ring_spread(r);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, id, REEF_OK, NULL);
    ring_done(r, other, REEF_OK, NULL);
    ring_logged(r, "3:SET b;3:GET b;");
    ring_stop(r);
}

/* The same while the node itself answers, and can't serve. */
static void test_large_call_at_home(void **state)
{
    (void)state;
    static char words[REEF_PROBE_BYTES + 8];
    static const char *const texts[] = {
        "-LOADING Redis is loading the dataset in memory",
        "-CLUSTERDOWN The cluster is down"};
    for (size_t i = 0; i < 2; i++) {
        ring *r = ring_served();
        r->nodes[0].says = texts[i];
        uint64_t id = ring_call(r, large(words, sizeof words), 5000);
        ring_pass(r, 500);
        ring_none_done(r);
        ring_logged(r, "0:SET b;");
        assert_in_range(r->nodes[0].roles, 20, 51);
        r->nodes[0].says = NULL;
        ring_pass(r, 2 * REEF_PROBE_NODE_MS);
        ring_done(r, id, REEF_OK, NULL);
        ring_logged(r, "0:SET b;");
        ring_stop(r);
    }
}

/* Of calls for different slots: the small one; and the one that may run twice, rather
 * than one that would be in doubt if the replica were lost. */
static void test_best_probe(void **state)
{
    (void)state;
    static char words[REEF_PROBE_BYTES + 8];
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t first = ring_call(r, large(words, sizeof words), 5000),
             second = ring_call(r, "INCR f", 5000);
    ring_pass(r, 50);
    assert_in_range(ring_times_logged(r, "3:INCR f;"), 4, 6);
    ring_again(r, "GET f", 40); /* behind the other: it stays behind */
    ring_pass(r, 50);
    assert_int_equal(ring_times_logged(r, "3:GET f;"), 0);
    reef_done done;
    assert_true(reef_engine_next_done(r->s.k.engine, &done));
    reef_reply_free(done.reply);
    uint64_t third = ring_again(r, "GET {06S}", 5000);
    r->log_len = 0;
    ring_pass(r, 30);
    ring_way(r, 3, FAKE_MUTE);
    ring_pass(r, 20);
    ring_way(r, 3, FAKE_REFUSES);
    ring_none_done(r); /* nothing is in doubt */
    assert_int_equal(ring_times_logged(r, "3:INCR f;"), 0);
    ring_fail_over(r, 3, 4);
    ring_way(r, 3, FAKE_UP);
    ring_pass(r, REEF_BACKOFF_MAX_MS);
    ring_done(r, third, REEF_OK, NULL);
    ring_done(r, first, REEF_OK, NULL);
    ring_done(r, second, REEF_OK, NULL);
    ring_stop(r);
}

/* The oldest is sent on elsewhere: the next one takes its place at once. */
static void test_probe_sent_on(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t first = ring_call(r, "SET b 1", 5000),
             second = ring_call(r, "GET f", 5000);
    ring_pass(r, 50);
    assert_int_equal(ring_times_logged(r, "3:GET f;"), 0);
    /* The slot of b was given away before the master died. */
    ring_believe(r, RING_NONE,
                 "0-3299 0 3,3300-3300 1 4,3301-5460 0 3,5461-10922 1 "
                 "4,10923-16383 2 5");
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, first, REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 3300), 1);
    ring_pass(r, REEF_PROBE_NODE_MS);
    assert_int_equal(ring_times_logged(r, "3:GET f;"), 1);
    assert_int_equal(ring_owner(r, 3168), 0);
    ring_pass(r, 100);
    assert_in_range(ring_times_logged(r, "3:GET f;"), 10, 12);
    ring_fail_over(r, 3, 4);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, second, REEF_OK, NULL);
    ring_stop(r);
}

/* Once another has taken over nobody is told that calls are held at the old one. */
static void test_events(void **state)
{
    (void)state;
    static const reef_event_kind kinds[] = {REEF_EVENT_HELD, REEF_EVENT_SWITCHED,
                                            REEF_EVENT_MAP};
    for (int mute = 0; mute < 2; mute++) {
        ring *r = ring_served();
        reef_event event;
        while (reef_engine_next_event(r->s.k.engine, &event))
            ;
        ring_way(r, 0, mute ? FAKE_MUTE : FAKE_REFUSES);
        uint64_t id = ring_again(r, "SET b 1", 9000);
        ring_pass(r, 300);
        ring_fail_over(r, RING_NONE, 4);
        ring_pass(r, 1000);
        ring_done(r, id, REEF_OK, NULL);
        r->s.k.now_ms += REEF_MAP_AGE_MS;
        ring_serves(r, "GET b", 3);
        uint32_t seen = 0;
        while (reef_engine_next_event(r->s.k.engine, &event)) {
            if (event.kind < REEF_EVENT_HELD)
                continue;
            if (seen >= 2)
                assert_int_equal(event.kind, REEF_EVENT_MAP);
            else
                assert_int_equal(event.kind, kinds[seen]);
            seen++;
        }
        assert_in_range(seen, 2, 3);
        ring_stop(r);
    }
}

/* Several shards at the same time, each in its own time. */
static void test_two_shards(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_serves(r, "GET c", 1);
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 1, FAKE_REFUSES);
    uint64_t b = ring_call(r, "GET b", 5000), c = ring_call(r, "GET c", 5000);
    ring_pass(r, 700);
    ring_none_done(r);
    ring_believe(r, 4, "0-5460 0 3,5461-10922 4 1,10923-16383 2 5");
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, c, REEF_OK, NULL);
    ring_pass(r, 300);
    ring_none_done(r);
    ring_fail_over(r, 3, 5);
    ring_pass(r, REEF_PROBE_NODE_MS);
    ring_done(r, b, REEF_OK, NULL);
    assert_int_equal(ring_owner(r, 7365), 4);
    assert_int_equal(ring_owner(r, 3300), 3);
    ring_stop(r);
}

/* The new master dies too, and the first one takes over again. */
static void test_there_and_back(void **state)
{
    (void)state;
    ring *r = ring_served();
    for (int i = 0; i < 4; i++) {
        uint32_t dead = i % 2 ? 3 : 0, heir = i % 2 ? 0 : 3;
        ring_way(r, heir, FAKE_UP);
        ring_way(r, dead, FAKE_REFUSES);
        uint64_t id = ring_call(r, "SET b 1", 5000);
        ring_pass(r, 400);
        ring_none_done(r);
        ring_believe(r, RING_NONE,
                     i % 2 ? "0-5460 0 3,5461-10922 1 4,10923-16383 2 5"
                           : "0-5460 3 0,5461-10922 1 4,10923-16383 2 5");
        ring_epoch(r, RING_NONE, heir, (uint64_t)(10 + i));
        ring_pass(r, REEF_PROBE_NODE_MS);
        ring_done(r, id, REEF_OK, NULL);
        assert_int_equal(ring_owner(r, 3300), (int)heir);
        ring_pass(r, 300);
        r->s.k.now_ms += 300;
    }
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_of_a_probe),
        cmocka_unit_test(test_silent_replica),
        cmocka_unit_test(test_silent_replica_gives_back),
        cmocka_unit_test(test_no_probes_without_calls),
        cmocka_unit_test(test_error_of_a_replica),
        cmocka_unit_test(test_tied_calls),
        cmocka_unit_test(test_transaction),
        cmocka_unit_test(test_mixed_group),
        cmocka_unit_test(test_large_call),
        cmocka_unit_test(test_large_call_at_home),
        cmocka_unit_test(test_best_probe),
        cmocka_unit_test(test_probe_sent_on),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_two_shards),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
