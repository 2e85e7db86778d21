/* SPDX-License-Identifier: Apache-2.0
 *
 * Which claim of which Sentinel is followed, and fail-overs: when calls are held, when
 * they move, when they go back, and what must not happen meanwhile. */
#include "test/unit/stage_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Connected, one call served. */
static void served(stage *s, const char *more)
{
    stage_usual(s, more);
    stage_serves(s, &s->fakes[3]);
}

/* The Sentinels have agreed upon 10.0.0.9. */
static void fail_over(stage *s, uint64_t epoch)
{
    for (int i = 0; i < 3; i++) {
        s->fakes[i].knows = "10.0.0.9 6379";
        s->fakes[i].holds = s->fakes[i].flags = NULL;
        s->fakes[i].epoch = epoch;
    }
    s->fakes[3].role = "slave";
    s->fakes[4].role = "master";
}

/* ---- claims ------------------------------------------------------------------- */

static void test_higher_epoch_moves(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    fail_over(&s, 2);
    s.fakes[0].knows = s.fakes[1].knows = "10.0.0.8 6379";
    s.fakes[0].epoch = s.fakes[1].epoch = 1;
    uint64_t id = stage_call(&s, "GET a", 5000); /* the old one still takes it */
    stage_done(&s, id, REEF_OK, NULL);
    stage_announce(&s, &s.fakes[2], "+switch-master", "m 10.0.0.8 6379 10.0.0.9 6379");
    id = stage_call(&s, "GET b", 5000);
    stage_pass(&s, 30);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    assert_int_equal(stage_open_links(&s, &s.fakes[3]), 0);
    reef_event event = stage_event(&s, REEF_EVENT_SWITCHED);
    assert_string_equal(event.peer, "10.0.0.9:6379");
    assert_non_null(
        strstr(event.text, "is the master of 'm', by the word of 10.0.0.3"));
    stage_stop(&s);
}

/* Sentinels that are behind pull nobody back, however many they are, as long as one
 * holds the newer claim. */
static void test_lower_epoch_is_not_followed(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].knows = s.fakes[1].knows = "10.0.0.9 6379";
    s.fakes[2].epoch = 5;
    s.fakes[4].role = "master";
    stage_serves(&s, &s.fakes[3]);
    for (int i = 0; i < 8; i++) {
        stage_pass(&s, 1000);
        stage_serves(&s, &s.fakes[3]);
    }
    assert_int_equal(s.fakes[4].opens, 0);
    assert_int_equal(reef_sentinel_rank(stage_entry(&s, &s.fakes[2])), 10);
    stage_stop(&s);
}

/* … and once nobody has for a while, most of them are believed; half are not. */
static void test_lower_epoch_of_most(void **state)
{
    (void)state;
    for (int most = 0; most < 2; most++) {
        stage s;
        served(&s, "");
        for (int i = 0; i < 3; i++)
            s.fakes[i].epoch = 5;
        stage_pass(&s, 1100);
        stage_serves(&s, &s.fakes[3]);
        int64_t held_ms = s.k.now_ms;
        fail_over(&s, 3);
        s.fakes[1].way = s.fakes[2].way = most ? FAKE_UP : FAKE_MUTE;
        while (s.k.now_ms < held_ms + REEF_BELIEF_MS - 200) {
            stage_pass(&s, 150);
            stage_serves(&s, &s.fakes[3]);
        }
        assert_int_equal(s.fakes[4].opens, 0);
        for (int i = 0; i < 20; i++) {
            uint64_t id = stage_call(&s, "GET a", 1000);
            stage_pass(&s, 100);
            stage_done(&s, id, REEF_OK, NULL);
        }
        assert_int_equal(s.fakes[4].opens, most);
        stage_stop(&s);
    }
}

/* The server itself refutes what a newer claim says: then most need no time. */
static void test_refuted_claim(void **state)
{
    (void)state;
    for (int most = 0; most < 2; most++) {
        stage s;
        stage_usual(&s, "");
        s.fakes[0].knows = "10.0.0.9 6379";
        s.fakes[0].epoch = 9;
        s.fakes[1].way = most ? FAKE_UP : FAKE_DEAF;
        s.fakes[2].way = most ? FAKE_UP : FAKE_REFUSES;
        uint64_t id = stage_call(&s, "GET a", 9000);
        stage_pass(&s, 500);
        assert_true(s.fakes[4].opens > 0);
        if (most)
            stage_done(&s, id, REEF_OK, NULL);
        assert_int_equal(s.fakes[3].served, most);
        stage_none_done(&s);
        /* It becomes one after all: a claim that is newer than the refuted one. */
        s.fakes[0].epoch = 10;
        s.fakes[4].role = "master";
        if (most)
            id = stage_call(&s, "GET a", 9000);
        stage_pass(&s, 1500);
        stage_done(&s, id, REEF_OK, NULL);
        stage_stop(&s);
    }
}

/* Epochs come from the network: the largest number is a number like others. */
static void test_epochs_at_the_end(void **state)
{
    (void)state;
    const uint64_t epochs[] = {UINT64_MAX, UINT64_MAX / 2 + 1, UINT64_MAX / 2};
    for (size_t i = 0; i < 3; i++) {
        stage s;
        stage_usual(&s, "");
        s.fakes[2].knows = "10.0.0.9 6379";
        s.fakes[2].epoch = epochs[i];
        s.fakes[4].role = "master";
        stage_serves(&s, &s.fakes[4]);
        assert_true(stage_state(&s)->rank > UINT64_MAX / 4);
        s.fakes[2].holds = "10.0.0.8 6379";
        s.fakes[2].flags = "master,failover_in_progress";
        stage_pass(&s, 1100);
        stage_serves(&s, &s.fakes[4]);
        stage_pass(&s, 5);
        assert_int_equal(reef_sentinel_rank(stage_entry(&s, &s.fakes[2])) % 2, 1);
        stage_stop(&s);
    }
}

/* ---- fail-overs --------------------------------------------------------------- */

static void test_early_switch(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    reef_event event = stage_event(&s, REEF_EVENT_HELD);
    assert_string_equal(event.peer, "10.0.0.9:6379");
    uint64_t id = stage_call(&s, "SET a", 5000);
    stage_pass(&s, 200);
    stage_none_done(&s);
    assert_int_equal(s.fakes[3].served, 1);
    assert_in_range(s.fakes[4].probes, 200 / REEF_PROBE_MS - 2, 200 / REEF_PROBE_MS);
    s.fakes[4].role = "master";
    stage_pass(&s, REEF_PROBE_MS + 1);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    assert_int_equal(s.fakes[4].opens, 1);
    assert_int_equal(stage_open_links(&s, &s.fakes[3]), 0);
    event = stage_event(&s, REEF_EVENT_SWITCHED);
    assert_non_null(strstr(event.text, "was selected, and says so itself"));
    assert_true(stage_state(&s)->early);
    assert_int_equal(stage_state(&s)->rank, 3);
    /* The old claim is no newer; the announcement makes it sure. */
    stage_pass(&s, 1100);
    stage_serves(&s, &s.fakes[4]);
    fail_over(&s, 2);
    stage_pass(&s, 1100);
    stage_serves(&s, &s.fakes[4]);
    stage_pass(&s, 1100);
    stage_serves(&s, &s.fakes[4]);
    assert_false(stage_state(&s)->early);
    assert_int_equal(stage_state(&s)->rank, 4);
    assert_int_equal(s.fakes[4].opens, 1);
    stage_stop(&s);
}

/* What is in flight is answered still; what was not sent goes to the next one. */
static void test_hold_keeps_what_flies(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[3].way = FAKE_MUTE;
    uint64_t flies = stage_call(&s, "INCR a", 5000);
    stage_select(&s, &s.fakes[1]);
    uint64_t waits = stage_call(&s, "INCR b", 5000);
    stage_pass(&s, 20);
    stage_release(&s, &s.fakes[3]);
    stage_done(&s, flies, REEF_OK, NULL);
    stage_pass(&s, 20);
    stage_none_done(&s);
    s.fakes[4].role = "master";
    stage_pass(&s, 10);
    stage_done(&s, waits, REEF_OK, NULL);
    assert_string_equal(s.queue, "GET a;INCR a;INCR b;");
    stage_stop(&s);
}

static void test_switch_leaves_in_doubt(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[3].way = FAKE_MUTE;
    uint64_t flies = stage_call(&s, "INCR a", 5000);
    uint64_t again = kit_submit(&s.k, "SET b", true, 5000);
    stage_run(&s);
    stage_select(&s, &s.fakes[1]);
    s.fakes[4].role = "master";
    stage_pass(&s, 10);
    stage_done(&s, flies, REEF_UNSURE, "another server is the master now");
    stage_done(&s, again, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    stage_stop(&s);
}

static void test_abort(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 5000);
    stage_announce(&s, &s.fakes[1], "-failover-abort-no-good-slave",
                   "master other 10.0.0.8 6379");
    stage_pass(&s, 50);
    stage_none_done(&s);
    stage_announce(&s, &s.fakes[1], "-failover-abort-slave-timeout",
                   "master m 10.0.0.8 6379");
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[3].served, 2);
    assert_int_equal(s.fakes[3].opens, 1);
    assert_int_equal(stage_open_links(&s, &s.fakes[4]), 0);
    assert_true(stage_has_event(&s, REEF_EVENT_RESUMED));
    stage_stop(&s);
}

/* The server that calls go to is known after a fail-over that came to nothing. */
static void test_server_is_known_after_abort(void **state)
{
    (void)state;
    stage s;
    reef_server server;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    stage_call(&s, "SET a", 5000);
    stage_pass(&s, 20);
    assert_true(reef_engine_server(s.k.engine, &server));
    assert_string_equal(server.peer, "10.0.0.8:6379");
    stage_announce(&s, &s.fakes[1], "-failover-abort-slave-timeout",
                   "master m 10.0.0.8 6379");
    assert_true(reef_engine_server(s.k.engine, &server));
    assert_string_equal(server.peer, "10.0.0.8:6379");
    stage_stop(&s);
}

/* The leader says later on that no fail-over is under way. */
static void test_over_without_a_word(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, 500);
    stage_none_done(&s);
    s.fakes[1].flags = NULL;
    stage_pass(&s, 1100);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[3].served, 2);
    assert_int_equal(stage_state(&s)->chosen.port, 0);
    stage_stop(&s);
}

static void hold_has_an_end(bool again)
{
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, REEF_HOLD_MS - 1);
    stage_none_done(&s);
    stage_pass(&s, 10);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[3].served, 2);
    /* It may still become one; and another leader may select it again. */
    s.fakes[4].role = again ? "slave" : "master";
    stage_serves(&s, &s.fakes[3]);
    s.fakes[3].way = FAKE_MUTE;
    id = stage_call(&s, "SET a", 9000);
    if (again) {
        stage_select(&s, &s.fakes[2]);
        assert_true(stage_state(&s)->held);
        assert_true(s.k.engine->links[stage_state(&s)->main.link]->held);
        s.fakes[4].role = "master";
    }
    stage_pass(&s, REEF_BACKOFF_MAX_MS + 10);
    stage_done(&s, id, REEF_UNSURE, NULL);
    stage_serves(&s, &s.fakes[4]);
    stage_stop(&s);
}

static void test_hold_has_an_end(void **state)
{
    (void)state;
    hold_has_an_end(false);
    hold_has_an_end(true);
}

/* Many short calls, one after the other, wait no longer in all than one long call. */
static void test_hold_ends_for_short_calls(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    int failed = 0;
    for (int i = 0; i < 20; i++) {
        uint64_t id = stage_call(&s, "SET a", 500);
        stage_pass(&s, 500);
        reef_done done;
        assert_true(reef_engine_next_done(s.k.engine, &done));
        assert_int_equal(done.ticket, id);
        failed += reef_reply_code(done.reply) != REEF_OK;
        reef_reply_free(done.reply);
    }
    assert_in_range(failed, 5, 8);
    stage_stop(&s);
}

/* The leader is gone in the midst of it: nobody is probed at full speed for ever. */
static void test_leader_that_vanishes(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    s.fakes[1].way = FAKE_REFUSES;
    stage_cut(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 90000);
    stage_pass(&s, REEF_LEADERLESS_MS - 10);
    stage_none_done(&s);
    stage_pass(&s, 20); /* the others know of no fail-over */
    stage_done(&s, id, REEF_OK, NULL);
    stage_pass(&s, 100);
    stage_serves(&s, &s.fakes[3]);
    assert_int_equal(stage_state(&s)->chosen.port, 0);
    assert_int_equal(stage_open_links(&s, &s.fakes[4]), 0);
    /* That it is started anew, as a master for a moment, is no promotion. */
    s.fakes[4].role = "master";
    for (int i = 0; i < 10; i++) {
        stage_pass(&s, 300);
        stage_serves(&s, &s.fakes[3]);
    }
    assert_in_range(s.fakes[4].probes, REEF_LEADERLESS_MS / REEF_PROBE_MS / 2,
                    REEF_LEADERLESS_MS / REEF_PROBE_MS + 1);
    stage_stop(&s);
}

static void test_another_choice(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    fake *third = stage_server(&s, "10.0.0.10", "slave");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, 20);
    stage_announce(&s, &s.fakes[2], "+selected-slave",
                   "slave 10.0.0.10:6379 10.0.0.10 6379 @ m 10.0.0.8 6379");
    stage_pass(&s, 20);
    assert_int_equal(stage_open_links(&s, &s.fakes[4]), 0);
    third->role = "master";
    stage_pass(&s, 20);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(third->served, 1);
    /* Twice the same is once. */
    stage_announce(&s, &s.fakes[2], "+promoted-slave",
                   "slave 10.0.0.10:6379 10.0.0.10 6379 @ m 10.0.0.8 6379");
    assert_false(stage_state(&s)->held);
    stage_stop(&s);
}

static void test_selected_is_told_twice(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_select(&s, &s.fakes[2]);
    stage_pass(&s, 20);
    assert_int_equal(s.fakes[4].opens, 1);
    s.fakes[4].role = "master";
    stage_pass(&s, 20);
    stage_done(&s, id, REEF_OK, NULL);
    stage_stop(&s);
}

/* The chosen one can't be reached for a while, or loses its connection. */
static void test_chosen_is_dialled_again(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[4].way = FAKE_REFUSES;
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, 300);
    s.fakes[4].way = FAKE_UP;
    stage_pass(&s, 300);
    assert_true(s.fakes[4].probes > 5);
    stage_cut(&s, &s.fakes[4]);
    stage_none_done(&s);
    s.fakes[4].role = "master";
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    stage_stop(&s);
}

/* The old master is lost while calls are held: nobody dials it before the end. */
static void test_old_master_is_left_alone(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_cut(&s, &s.fakes[3]);
    stage_pass(&s, 500);
    assert_int_equal(s.fakes[3].opens, 1);
    stage_pass(&s, REEF_HOLD_MS);
    assert_int_equal(s.fakes[3].opens, 2);
    stage_done(&s, id, REEF_OK, NULL);
    stage_stop(&s);
}

/* The calls' deadline comes first. */
static void test_held_to_the_deadline(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 400);
    stage_pass(&s, 400);
    stage_done(&s, id, REEF_UNSENT, "10.0.0.9:6379: a fail-over is under way");
    stage_stop(&s);
}

/* Early, and then the leader dies before it has told anybody: the others make another
 * one the master, with an epoch that is no higher than what was seen. */
static void test_early_that_comes_to_nothing(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[4].role = "master";
    stage_select(&s, &s.fakes[1]);
    stage_serves(&s, &s.fakes[4]);
    s.fakes[4].role = "slave";
    s.fakes[4].says = "-READONLY You can't write against a read only replica.";
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, 1500);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[3].served, 2);
    assert_int_equal(stage_state(&s)->rank, 2);
    stage_stop(&s);
}

static void test_early_that_dies(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[4].role = "master";
    stage_select(&s, &s.fakes[1]);
    stage_serves(&s, &s.fakes[4]);
    s.fakes[4].way = FAKE_REFUSES;
    stage_cut(&s, &s.fakes[4]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, REEF_EARLY_MS / 2);
    stage_none_done(&s);
    assert_true(stage_state(&s)->early);
    stage_pass(&s, REEF_EARLY_MS);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[3].served, 2);
    stage_stop(&s);
}

/* Asked, a leader names the promoted replica while it still holds the old master. */
static void test_place_ahead_of_the_epoch(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[1].knows = "10.0.0.9 6379";
    s.fakes[1].holds = "10.0.0.8 6379";
    s.fakes[1].flags = "master,failover_in_progress";
    s.fakes[4].role = "master";
    stage_pass(&s, 1100);
    stage_serves(&s, &s.fakes[4]);
    assert_int_equal(stage_state(&s)->rank, 3);
    stage_stop(&s);
}

static void test_announced_mode(void **state)
{
    (void)state;
    stage s;
    served(&s, "failover = \"announced\"");
    s.fakes[1].flags = "master,failover_in_progress";
    s.fakes[1].chosen = "10.0.0.9 6379";
    s.fakes[4].role = "master";
    stage_select(&s, &s.fakes[1]);
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, 1100);
    assert_int_equal(s.fakes[4].opens, 0);
    stage_none_done(&s);
    fail_over(&s, 2);
    stage_announce(&s, &s.fakes[2], "+switch-master", "m 10.0.0.8 6379 10.0.0.9 6379");
    stage_pass(&s, 1);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    assert_int_equal(s.fakes[3].served, 1);
    assert_false(stage_state(&s)->held);
    stage_stop(&s);
}

/* Announcements of other masters, and of servers that are not ours. */
static void test_not_ours(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_announce(&s, &s.fakes[1], "+selected-slave",
                   "slave 10.0.0.9:6379 10.0.0.9 6379 @ mm 10.0.0.8 6379");
    stage_announce(&s, &s.fakes[1], "+selected-slave",
                   "slave 10.0.0.9:6379 10.0.0.9 6379 @ m 10.0.0.7 6379");
    stage_announce(&s, &s.fakes[1], "+switch-master", "m 10.0.0.7 6379 10.0.0.9 6379");
    stage_announce(&s, &s.fakes[1], "-failover-abort-x", "master m 10.0.0.8 6379");
    stage_announce(&s, &s.fakes[1], "+sdown", "master m 10.0.0.8 6379");
    assert_false(stage_state(&s)->held);
    assert_int_equal(stage_state(&s)->doubt_ms, 0);
    stage_serves(&s, &s.fakes[3]);
    stage_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_higher_epoch_moves),
        cmocka_unit_test(test_lower_epoch_is_not_followed),
        cmocka_unit_test(test_lower_epoch_of_most),
        cmocka_unit_test(test_refuted_claim),
        cmocka_unit_test(test_epochs_at_the_end),
        cmocka_unit_test(test_early_switch),
        cmocka_unit_test(test_hold_keeps_what_flies),
        cmocka_unit_test(test_switch_leaves_in_doubt),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_server_is_known_after_abort),
        cmocka_unit_test(test_over_without_a_word),
        cmocka_unit_test(test_hold_has_an_end),
        cmocka_unit_test(test_hold_ends_for_short_calls),
        cmocka_unit_test(test_leader_that_vanishes),
        cmocka_unit_test(test_another_choice),
        cmocka_unit_test(test_selected_is_told_twice),
        cmocka_unit_test(test_chosen_is_dialled_again),
        cmocka_unit_test(test_old_master_is_left_alone),
        cmocka_unit_test(test_held_to_the_deadline),
        cmocka_unit_test(test_early_that_comes_to_nothing),
        cmocka_unit_test(test_early_that_dies),
        cmocka_unit_test(test_place_ahead_of_the_epoch),
        cmocka_unit_test(test_announced_mode),
        cmocka_unit_test(test_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
