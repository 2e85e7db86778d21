/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for Sentinel: the start, the roles of servers, doubt after a silence.
 * What a fail-over does stands in net_sentinel_claims.c. */
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

/* ---- the start ---------------------------------------------------------------- */

static void test_first_call(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    assert_int_equal(s.k.now_ms, 1000);
    assert_int_equal(s.fakes[3].opens, 1);
    assert_int_equal(s.fakes[4].opens, 0);
    assert_false(stage_has_event(&s, REEF_EVENT_SWITCHED));
    stage_stop(&s);
}

/* A Sentinel that was cut off answers first: the others have a moment to say better. */
static void test_settle(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        stage s;
        stage_usual(&s, "");
        s.fakes[0].knows = "10.0.0.9 6379";
        s.fakes[1].epoch = s.fakes[2].epoch = 2;
        s.fakes[1].way = s.fakes[2].way = FAKE_MUTE;
        uint64_t id = stage_call(&s, "GET a", 5000);
        stage_pass(&s, 10);
        assert_int_equal(s.fakes[3].opens + s.fakes[4].opens, 0);
        stage_pass(&s, late ? REEF_SETTLE_MS : 0);
        assert_int_equal(s.fakes[4].opens > 0, late);
        stage_release(&s, &s.fakes[1]);
        stage_pass(&s, 5);
        assert_int_equal(s.fakes[3].opens, 1);
        stage_done(&s, id, REEF_OK, NULL);
        assert_int_equal(s.fakes[3].served, 1);
        stage_stop(&s);
    }
}

/* Nobody else is left to wait for. */
static void test_settle_at_rest(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[1].way = s.fakes[2].way = FAKE_REFUSES;
    stage_serves(&s, &s.fakes[3]);
    stage_stop(&s);
}

/* An answer without a master is none to settle on, and asks for no time that has
 * passed. */
static void test_settle_needs_a_claim(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].knows = NULL;
    s.fakes[1].way = s.fakes[2].way = FAKE_DEAF;
    uint64_t id = stage_call(&s, "GET a", 900);
    stage_pass(&s, 500);
    stage_none_done(&s);
    stage_pass(&s, 400);
    stage_done(&s, id, REEF_BADCONFIG, "knows no master named 'm'");
    stage_stop(&s);
}

/* ---- roles -------------------------------------------------------------------- */

/* Named as the master, and still a replica: asked again, and served once it is one. */
static void test_replica_is_waited_for(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[3].role = "slave";
    uint64_t id = stage_call(&s, "GET a", 5000);
    stage_pass(&s, 500);
    stage_none_done(&s);
    assert_in_range(s.fakes[3].opens, 3, 200);
    uint32_t asks = s.fakes[0].asks;
    assert_true(asks > 2);
    s.fakes[3].role = "master";
    stage_pass(&s, 2 * REEF_BACKOFF_MAX_MS);
    stage_done(&s, id, REEF_OK, NULL);
    stage_stop(&s);
}

static void test_replica_to_the_end(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[3].role = "slave";
    uint64_t id = stage_call(&s, "GET a", 300);
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_NOROUTE,
               "10.0.0.8:6379: is a replica, and Sentinels name it as the master; 3 of "
               "3 Sentinels name it");
    stage_stop(&s);
}

/* A server without HELLO is asked for its role, and a replica there is none to use. */
static void test_role_without_hello(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[3].old = true;
    stage_serves(&s, &s.fakes[3]);
    assert_int_equal(s.fakes[3].probes, 1);
    assert_true(stage_state(&s)->met);
    s.fakes[3].role = "slave";
    stage_cut(&s, &s.fakes[3]);
    uint64_t id = stage_call(&s, "GET a", 300);
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_NOROUTE, "is a replica");
    s.fakes[3].turns = "ROLE";
    id = stage_call(&s, "GET a", 300);
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_AUTH, "the user needs the command ROLE");
    stage_stop(&s);
}

/* HELLO that tells no role. */
static void test_hello_without_role(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[3].role = "";
    uint64_t id = stage_call(&s, "GET a", 300);
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_NOROUTE, NULL);
    assert_true(s.fakes[3].probes > 0);
    stage_stop(&s);
}

static void test_wrong_kind_of_master(void **state)
{
    (void)state;
    const char *const modes[] = {"cluster", "sentinel"};
    for (size_t i = 0; i < 2; i++) {
        stage s;
        stage_usual(&s, "");
        s.fakes[3].mode = modes[i];
        uint64_t id = stage_call(&s, "GET a", 300);
        stage_pass(&s, 300);
        stage_done(&s, id, REEF_NOROUTE, "is a node of a Cluster or a Sentinel");
        stage_stop(&s);
    }
}

static void test_password_of_the_master(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[3].turns = "HELLO";
    s.fakes[3].away = "WRONGPASS invalid";
    uint64_t id = stage_call(&s, "GET a", 3000);
    stage_done(&s, id, REEF_AUTH, "check username and password");
    stage_stop(&s);
}

static void test_readonly(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[3].says = "-READONLY You can't write against a read only replica.";
    uint64_t id = stage_call(&s, "SET a", 5000);
    stage_pass(&s, 5);
    stage_none_done(&s);
    assert_true(stage_has_event(&s, REEF_EVENT_RETRIED));
    fail_over(&s, 2);
    stage_pass(&s, 2 * REEF_BACKOFF_MAX_MS);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    stage_stop(&s);
}

static void test_loading(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[3].says = "-LOADING Redis is loading the dataset in memory";
    uint64_t first = stage_call(&s, "SET a", 5000);
    uint64_t second = stage_call(&s, "SET b", 300);
    stage_pass(&s, 300);
    assert_in_range(s.fakes[3].served, 4, 100);
    stage_done(&s, second, REEF_REFUSED, "LOADING");
    assert_int_equal(s.fakes[3].opens, 1);
    s.fakes[3].says = NULL;
    stage_pass(&s, REEF_BACKOFF_MAX_MS);
    stage_done(&s, first, REEF_OK, NULL);
    stage_stop(&s);
}

/* A master that owes answers gets nothing new: it may be gone. */
static void test_silent_master(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[3].way = FAKE_MUTE;
    uint64_t first = stage_call(&s, "SET a", 5000);
    stage_pass(&s, REEF_SILENCE_HOLD_MS);
    uint32_t got = s.fakes[3].served;
    uint64_t second = stage_call(&s, "SET b", 200);
    stage_pass(&s, 200);
    assert_int_equal(s.fakes[3].served, got);
    stage_done(&s, second, REEF_UNSENT, "owes answers and is silent");
    uint64_t third = stage_call(&s, "SET c", 3000);
    stage_release(&s, &s.fakes[3]);
    stage_done(&s, first, REEF_OK, NULL);
    stage_done(&s, third, REEF_OK, NULL);
    stage_stop(&s);
}

/* ---- doubt -------------------------------------------------------------------- */

/* +switch-master came while nobody called: the Sentinel is asked before the old master
 * is given anything. One that does not answer is not waited for. */
static void test_switched_while_idle(void **state)
{
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        stage s;
        served(&s, "");
        s.fakes[2].way = answers ? FAKE_UP : FAKE_MUTE;
        if (answers)
            fail_over(&s, 2);
        s.k.now_ms += 60000;
        stage_announce(&s, &s.fakes[2], "+switch-master",
                       "m 10.0.0.8 6379 10.0.0.9 6379");
        uint64_t id = stage_call(&s, "SET a", 5000);
        if (answers)
            stage_pass(&s, REEF_SENTINEL_GAP_MS);
        else
            stage_pass(&s, REEF_SENTINEL_MS);
        stage_done(&s, id, REEF_OK, NULL);
        assert_int_equal(s.fakes[answers ? 4 : 3].served, answers ? 1 : 2);
        stage_stop(&s);
    }
}

/* Without announcements what was known before a silence is old. */
static void test_doubt_after_idle(void **state)
{
    (void)state;
    for (int moved = 0; moved < 2; moved++) {
        stage s;
        stage_usual(&s, "");
        for (int i = 0; i < 3; i++)
            s.fakes[i].turns = "SUBSCRIBE";
        stage_serves(&s, &s.fakes[3]);
        assert_false(reef_sentinels_watching(s.k.engine));
        if (moved)
            fail_over(&s, 2);
        s.fakes[3].role = "master"; /* it does not know */
        s.k.now_ms += 60000;
        uint32_t asks = s.fakes[0].asks;
        stage_serves(&s, &s.fakes[moved ? 4 : 3]);
        assert_in_range(s.fakes[0].asks, asks + 1, asks + 1 + (uint32_t)moved);
        stage_stop(&s);
    }
}

/* … and where no Sentinel answers any more, the master is good for itself. */
static void test_doubt_has_an_end(void **state)
{
    (void)state;
    for (int way = FAKE_REFUSES; way <= FAKE_MUTE; way++) {
        stage s;
        stage_usual(&s, "");
        for (int i = 0; i < 3; i++)
            s.fakes[i].turns = "SUBSCRIBE";
        stage_serves(&s, &s.fakes[3]);
        for (int i = 0; i < 3; i++) {
            s.fakes[i].way = (fake_way)way;
            if (way != FAKE_MUTE)
                stage_cut(&s, &s.fakes[i]);
        }
        s.k.now_ms += 60000;
        uint64_t id = stage_call(&s, "SET a", 5000);
        stage_pass(&s, REEF_SENTINEL_MS);
        stage_done(&s, id, REEF_OK, NULL);
        stage_stop(&s);
    }
}

/* What ended the last connection is no reason for what goes wrong later. */
static void test_old_loss_is_no_reason(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    stage_cut(&s, &s.fakes[3]);
    uint64_t id = stage_call(&s, "SET a", 5000);
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_OK, NULL);
    s.fakes[3].way = FAKE_MUTE;
    stage_call(&s, "SET a", 5000);
    stage_pass(&s, 200);
    id = stage_call(&s, "SET b", 100);
    stage_pass(&s, 100);
    stage_done(&s, id, REEF_UNSENT, "owes answers and is silent");
    stage_stop(&s);
}

/* ---- all Sentinels down, hosts with names, tend ------------------------------- */

static void test_no_sentinels_master_lives(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    for (int i = 0; i < 3; i++) {
        s.fakes[i].way = FAKE_REFUSES;
        stage_cut(&s, &s.fakes[i]);
    }
    for (int i = 0; i < 10; i++) {
        stage_pass(&s, 700);
        stage_serves(&s, &s.fakes[3]);
    }
    s.k.now_ms += 60000;
    uint64_t id = stage_call(&s, "SET a", 5000);
    stage_pass(&s, 100);
    stage_done(&s, id, REEF_OK, NULL);
    stage_cut(&s, &s.fakes[3]);
    id = stage_call(&s, "SET a", 5000);
    stage_pass(&s, 300);
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[3].opens, 2);
    stage_stop(&s);
}

/* The master is announced by its name. */
static void test_master_by_name(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].knows = "db.test 6379";
    stage_name(&s, "db.test", "@ 30 A 10.0.0.8", NULL);
    stage_serves(&s, &s.fakes[3]);
    stage_cut(&s, &s.fakes[3]);
    stage_name(&s, "db.test", "@ 30 A 10.0.0.9", NULL);
    s.fakes[4].role = "master";
    uint64_t id = stage_call(&s, "SET a", 9000);
    stage_pass(&s, 6000); /* the name has its TTL, but not after a loss */
    stage_done(&s, id, REEF_OK, NULL);
    assert_int_equal(s.fakes[4].served, 1);
    stage_name(&s, "db.test", NULL, NULL);
    stage_cut(&s, &s.fakes[4]);
    id = stage_call(&s, "SET a", 900);
    stage_pass(&s, 900);
    stage_done(&s, id, REEF_DNS, "db.test");
    stage_stop(&s);
}

static void test_refused_by_all_addresses(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].knows = "db.test 6379";
    stage_name(&s, "db.test", "@ 30 A 10.0.0.8; @ 30 A 10.0.0.9", NULL);
    s.fakes[3].turns = s.fakes[4].turns = "HELLO";
    s.fakes[3].away = s.fakes[4].away = "WRONGPASS invalid";
    uint64_t id = stage_call(&s, "GET a", 3000);
    stage_pass(&s, 1000);
    stage_done(&s, id, REEF_AUTH, "check username and password");
    stage_stop(&s);
}

/* A master that hangs while it is connected to. */
static void test_deaf_master(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "connect_timeout = \"500ms\"");
    s.fakes[3].way = FAKE_DEAF;
    uint64_t id = stage_call(&s, "GET a", 400);
    stage_pass(&s, 400);
    stage_done(&s, id, REEF_CONNECT, "while the master was connected to");
    id = stage_call(&s, "GET a", 800);
    stage_pass(&s, 800);
    stage_done(&s, id, REEF_CONNECT, "connecting took too long; 3 of 3 Sentinels");
    stage_stop(&s);
}

static void test_tend_makes_what_is_missing(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    reef_engine_tend(s.k.engine, s.k.now_ms);
    stage_pass(&s, 100);
    assert_int_equal(s.fakes[3].opens, 1);
    assert_true(reef_sentinels_watching(s.k.engine));
    uint32_t asks = s.fakes[0].asks;
    stage_pass(&s, 30000); /* and no more than that */
    assert_in_range(s.fakes[0].asks, asks, asks + 1);
    reef_engine_tend(s.k.engine, s.k.now_ms);
    stage_pass(&s, 100);
    assert_int_equal(s.fakes[3].opens, 1);
    assert_false(reef_engine_busy(s.k.engine));
    /* A fail-over that nobody waits for is taken from the sockets all the same. */
    stage_select(&s, &s.fakes[1]);
    assert_true(stage_state(&s)->held);
    s.fakes[4].role = "master";
    stage_serves(&s, &s.fakes[4]);
    stage_stop(&s);
}

/* What is being made for a host that tends is work under way. */
static void test_tend_is_busy(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].knows = "db.test 6379";
    s.k.silent = true;
    reef_engine_tend(s.k.engine, s.k.now_ms);
    assert_true(reef_engine_busy(s.k.engine));
    stage_pass(&s, 500);
    assert_non_null(stage_state(&s)->main.lookup);
    assert_true(reef_engine_busy(s.k.engine));
    stage_pass(&s, REEF_SENTINEL_ASK_MS);
    assert_false(reef_engine_busy(s.k.engine));
    stage_stop(&s);
}

/* A server of before that owes an answer says READONLY late: that is no news. */
static void test_readonly_of_before(void **state)
{
    (void)state;
    stage s;
    served(&s, "");
    s.fakes[3].way = FAKE_MUTE;
    s.fakes[3].says = "-READONLY You can't write against a read only replica.";
    uint64_t first = stage_call(&s, "SET a", 50);
    uint64_t second = stage_call(&s, "SET b", 5000);
    s.fakes[3].way = FAKE_UP; /* a new connection, while the old one drains */
    s.fakes[3].says = NULL;
    stage_pass(&s, 50);
    stage_done(&s, first, REEF_UNSURE, NULL);
    stage_serves(&s, &s.fakes[3]);
    assert_int_equal(stage_open_links(&s, &s.fakes[3]), 2);
    stage_release(&s, &s.fakes[3]);
    assert_int_equal(stage_open_links(&s, &s.fakes[3]), 1);
    stage_pass(&s, 300);
    stage_done(&s, second, REEF_OK, NULL);
    assert_int_equal(stage_state(&s)->refuted.port, 0);
    stage_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_call),
        cmocka_unit_test(test_settle),
        cmocka_unit_test(test_settle_at_rest),
        cmocka_unit_test(test_settle_needs_a_claim),
        cmocka_unit_test(test_replica_is_waited_for),
        cmocka_unit_test(test_replica_to_the_end),
        cmocka_unit_test(test_role_without_hello),
        cmocka_unit_test(test_hello_without_role),
        cmocka_unit_test(test_wrong_kind_of_master),
        cmocka_unit_test(test_password_of_the_master),
        cmocka_unit_test(test_readonly),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_silent_master),
        cmocka_unit_test(test_switched_while_idle),
        cmocka_unit_test(test_doubt_after_idle),
        cmocka_unit_test(test_doubt_has_an_end),
        cmocka_unit_test(test_old_loss_is_no_reason),
        cmocka_unit_test(test_no_sentinels_master_lives),
        cmocka_unit_test(test_master_by_name),
        cmocka_unit_test(test_refused_by_all_addresses),
        cmocka_unit_test(test_deaf_master),
        cmocka_unit_test(test_tend_makes_what_is_missing),
        cmocka_unit_test(test_tend_is_busy),
        cmocka_unit_test(test_readonly_of_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
