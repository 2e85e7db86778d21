/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator is told of Sentinels: each way to have no master has words of its
 * own, what no waiting can help ends at once, and the view shows what each believes. */
#include "test/unit/stage_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A call that ends within so many ms, and how. */
static void ends(stage *s, int64_t ms, reef_code code, const char *text)
{
    uint64_t id = stage_call(s, "GET a", 3000);
    stage_pass(s, ms - 1);
    if (ms == 3000)
        stage_none_done(s);
    stage_pass(s, 1);
    stage_done(s, id, code, text);
}

/* ---- no master ---------------------------------------------------------------- */

static void test_none_reached(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].way = FAKE_REFUSES;
    ends(&s, 3000, REEF_CONNECT, "none of 3 Sentinels can be reached; 10.0.0.");
    stage_stop(&s);
    stage_start(&s, "\"10.0.0.1\"", "");
    stage_sentinel(&s, "10.0.0.1", NULL, 1)->way = FAKE_REFUSES;
    ends(&s, 3000, REEF_CONNECT,
         "the Sentinel can't be reached; 10.0.0.1:26379: connection refused");
    stage_stop(&s);
}

static void test_none_answered_yet(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].way = FAKE_DEAF;
    uint64_t id = stage_call(&s, "GET a", 100);
    stage_pass(&s, 100);
    stage_done(&s, id, REEF_CONNECT, "the deadline passed before a Sentinel answered");
    stage_stop(&s);
}

static void test_unknown_by_all(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        stage s;
        stage_usual(&s, "");
        for (int i = 0; i < 3; i++) {
            s.fakes[i].knows = NULL;
            s.fakes[i].names = named ? "cache sessions" : NULL;
        }
        ends(&s, 300, REEF_BADCONFIG,
             named ? "26379: this Sentinel knows no master named 'm', but cache, "
                     "sessions; check master_name under [server.redis]"
                   : "this Sentinel knows no master named 'm', nor any other; check "
                     "master_name and hosts");
        /* The next call asks anew. */
        s.fakes[0].knows = s.fakes[1].knows = s.fakes[2].knows = "10.0.0.8 6379";
        uint64_t id = stage_call(&s, "GET a", 3000);
        stage_pass(&s, 1100);
        stage_done(&s, id, REEF_OK, NULL);
        stage_stop(&s);
    }
}

/* Most of them will do; one that can't be reached may know it, but half is not most. */
static void test_unknown_by_most(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].knows = s.fakes[1].knows = NULL;
    s.fakes[2].way = FAKE_REFUSES;
    ends(&s, 300, REEF_BADCONFIG, "knows no master named 'm'");
    stage_stop(&s);
    stage_usual(&s, "");
    s.fakes[0].knows = NULL;
    s.fakes[1].way = s.fakes[2].way = FAKE_REFUSES;
    ends(&s, 3000, REEF_BADCONFIG, "knows no master named 'm'");
    stage_stop(&s);
}

/* A master that was there once comes back: then waiting is of use. */
static void test_unknown_later(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    for (int i = 0; i < 3; i++)
        s.fakes[i].knows = NULL;
    s.fakes[3].way = FAKE_REFUSES;
    stage_cut(&s, &s.fakes[3]);
    ends(&s, 3000, REEF_CONNECT, "connection refused");
    stage_stop(&s);
}

static void test_password_of_sentinels(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++) {
        s.fakes[i].turns = "HELLO";
        s.fakes[i].away = "WRONGPASS invalid username-password pair";
    }
    ends(&s, 300, REEF_AUTH, "check sentinel_username and sentinel_password");
    stage_stop(&s);
}

static void test_no_sentinel_but_a_server(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        stage s;
        stage_start(&s, "\"10.0.0.8:6379\"", "");
        stage_server(&s, "10.0.0.8", "master")->old = old;
        ends(&s, 300, REEF_BADCONFIG, "10.0.0.8:6379: is no Sentinel");
        stage_stop(&s);
    }
}

static void test_names(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"no.test\"", "");
    ends(&s, 300, REEF_DNS, "no.test");
    s.k.silent = true;
    uint64_t id = stage_call(&s, "GET a", 3000);
    stage_pass(&s, 3000);
    stage_done(&s, id, REEF_DNS, "no.test");
    stage_stop(&s);
    /* One that exists, with nobody there, is another matter. */
    stage_start(&s, "\"no.test\", \"s.test\"", "");
    stage_name(&s, "s.test", "@ 30 A 10.0.0.1", NULL);
    stage_sentinel(&s, "10.0.0.1", NULL, 0)->way = FAKE_REFUSES;
    ends(&s, 3000, REEF_CONNECT, "can't be reached");
    stage_stop(&s);
}

static void test_name_without_an_answer(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"no.test\"", "");
    s.k.silent = true;
    uint64_t id = stage_call(&s, "GET a", 100);
    stage_pass(&s, 100);
    stage_done(&s, id, REEF_CONNECT, "the deadline passed before a Sentinel answered");
    stage_stop(&s);
}

/* ---- the view ----------------------------------------------------------------- */

static void test_survey(void **state)
{
    (void)state;
    stage s;
    static reef_topology t;
    stage_usual(&s, "");
    s.fakes[0].tilt = true;
    s.fakes[1].knows = NULL;
    s.fakes[1].names = "other";
    s.fakes[2].way = FAKE_REFUSES;
    reef_engine_survey(s.k.engine, 2000, 1000);
    assert_false(reef_engine_surveyed(s.k.engine));
    stage_pass(&s, 500);
    assert_true(reef_engine_surveyed(s.k.engine));
    reef_engine_topology(s.k.engine, &t);
    assert_true(t.sentinel);
    assert_false(t.held || t.early);
    assert_string_equal(t.master, "10.0.0.8:6379");
    assert_string_equal(t.next, "");
    assert_int_equal(t.epoch, 1);
    assert_int_equal(t.sentinel_count, 3);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 3; i++) {
        const reef_sentinel_view *v = &t.sentinels[i];
        seen |= 1U << v->state;
        assert_true(v->configured);
        if (v->state == REEF_SENTINEL_KNOWS) {
            assert_string_equal(v->peer, "10.0.0.1:26379");
            assert_string_equal(v->master, "10.0.0.8:6379");
            assert_string_equal(v->id, "10.0.0.1");
            assert_string_equal(v->version, "7.0.15");
            assert_string_equal(v->flags, "master,tilt");
            assert_string_equal(v->why, "");
            assert_true(v->watched && v->quorum == 2 && v->others == 2);
            assert_int_equal(v->replicas, 1);
        } else if (v->state == REEF_SENTINEL_UNKNOWN) {
            assert_string_equal(v->names, "other");
            assert_string_equal(v->master, "");
        } else {
            assert_non_null(strstr(v->why, "connection refused"));
        }
    }
    assert_int_equal(seen, 1U << REEF_SENTINEL_KNOWS | 1U << REEF_SENTINEL_UNKNOWN |
                               1U << REEF_SENTINEL_SILENT);
    stage_stop(&s);
}

/* One that hangs has its time, and then the survey has ended. */
static void test_survey_has_an_end(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    s.fakes[0].way = FAKE_MUTE;
    s.fakes[1].knows = "10.0.0.9 6379";
    uint32_t asks = s.fakes[2].asks;
    reef_engine_survey(s.k.engine, 61000, 60000);
    s.k.now_ms = 60000;
    stage_run(&s);
    assert_int_equal(s.fakes[2].asks, asks + 1);
    assert_false(reef_engine_surveyed(s.k.engine));
    stage_pass(&s, REEF_SENTINEL_MS + 1);
    assert_true(reef_engine_surveyed(s.k.engine));
    assert_int_equal(stage_entry(&s, &s.fakes[0])->state, REEF_SENTINEL_SILENT);
    stage_stop(&s);
}

static void test_view_of_a_failover(void **state)
{
    (void)state;
    stage s;
    static reef_topology t;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    stage_select(&s, &s.fakes[1]);
    stage_call(&s, "SET a", 9000);
    reef_engine_topology(s.k.engine, &t);
    assert_true(t.held);
    assert_string_equal(t.next, "10.0.0.9:6379");
    s.fakes[4].role = "master";
    stage_pass(&s, 10);
    reef_engine_topology(s.k.engine, &t);
    assert_true(t.early && !t.held);
    assert_string_equal(t.master, "10.0.0.9:6379");
    assert_string_equal(t.next, "");
    stage_stop(&s);
}

/* A twin that was learnt is not shown; one that is configured is. */
static void test_view_of_twins(void **state)
{
    (void)state;
    stage s;
    static reef_topology t;
    stage_usual(&s, "");
    s.fakes[1].id = s.fakes[0].id;
    s.fakes[2].others = "10.0.0.4 26379";
    stage_sentinel(&s, "10.0.0.4", "10.0.0.8 6379", 1)->id = s.fakes[2].id;
    stage_serves(&s, &s.fakes[3]);
    assert_int_equal(stage_state(&s)->count, 4);
    assert_int_equal(reef_sentinels_known(s.k.engine), 2);
    reef_engine_topology(s.k.engine, &t);
    assert_int_equal(t.sentinel_count, 3);
    stage_stop(&s);
}

/* A configured name that leads nowhere has a line of its own, a learnt one has not. */
static void test_view_of_names(void **state)
{
    (void)state;
    stage s;
    static reef_topology t;
    stage_start(&s, "\"10.0.0.1\", \"no.test\", \"srv+no.test\"", "");
    stage_sentinel(&s, "10.0.0.1", "10.0.0.8 6379", 1)->others =
        "learnt.test 26379 other";
    stage_server(&s, "10.0.0.8", "master");
    stage_serves(&s, &s.fakes[1]);
    reef_engine_survey(s.k.engine, 60300, 60000);
    s.k.now_ms = 60000;
    stage_pass(&s, 300);
    assert_true(reef_engine_surveyed(s.k.engine));
    reef_engine_topology(s.k.engine, &t);
    assert_int_equal(t.sentinel_count, 3);
    assert_string_equal(t.sentinels[1].peer, "no.test");
    assert_string_equal(t.sentinels[2].peer, "srv+no.test");
    assert_non_null(strstr(t.sentinels[1].why, "no.test"));
    stage_stop(&s);
}

static void test_single_server(void **state)
{
    (void)state;
    kit k;
    static reef_topology t;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:7\"]");
    reef_engine_survey(k.engine, 2000, 1000);
    assert_true(reef_engine_surveyed(k.engine));
    reef_engine_topology(k.engine, &t);
    assert_false(t.sentinel);
    assert_string_equal(t.master, "");
    kit_submit(&k, "GET a", false, 5000);
    kit_connect(&k);
    reef_engine_topology(k.engine, &t);
    assert_string_equal(t.master, "127.0.0.1:7");
    assert_int_equal(t.sentinel_count, 0);
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_reached),
        cmocka_unit_test(test_none_answered_yet),
        cmocka_unit_test(test_unknown_by_all),
        cmocka_unit_test(test_unknown_by_most),
        cmocka_unit_test(test_unknown_later),
        cmocka_unit_test(test_password_of_sentinels),
        cmocka_unit_test(test_no_sentinel_but_a_server),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_name_without_an_answer),
        cmocka_unit_test(test_survey),
        cmocka_unit_test(test_survey_has_an_end),
        cmocka_unit_test(test_view_of_a_failover),
        cmocka_unit_test(test_view_of_twins),
        cmocka_unit_test(test_view_of_names),
        cmocka_unit_test(test_single_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
