/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to a Sentinel: what is asked when, and what is made of each answer; which
 * announcements are listened to. */
#include "test/unit/stage_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Calls come all the time, so that what is due happens. */
static void busy(stage *s, int64_t ms)
{
    for (int64_t end_ms = s->k.now_ms + ms; s->k.now_ms < end_ms;) {
        uint64_t id = stage_call(s, "GET a", 1000);
        stage_pass(s, 200);
        stage_done(s, id, REEF_OK, NULL);
    }
}

/* ---- what is asked ------------------------------------------------------------ */

static void test_once_a_second(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    busy(&s, 20000);
    for (int i = 0; i < 3; i++) {
        assert_in_range(s.fakes[i].asks, 18, 26);
        assert_int_equal(s.fakes[i].ids, 1);
        assert_int_equal(s.fakes[i].subscriptions, 4);
        assert_true(stage_entry(&s, &s.fakes[i])->watched);
    }
    stage_stop(&s);
}

/* … and at once on a failure, but not more often than is of use. */
static void test_at_once(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    busy(&s, 2000);
    uint32_t asks = s.fakes[0].asks;
    s.fakes[3].way = FAKE_REFUSES;
    stage_cut(&s, &s.fakes[3]);
    stage_call(&s, "GET a", 10000);
    stage_pass(&s, 30);
    assert_in_range(s.fakes[0].asks, asks + 1, asks + 2);
    asks = s.fakes[0].asks;
    stage_pass(&s, 5000);
    assert_in_range(s.fakes[0].asks, asks + 5,
                    asks + 5 + (uint32_t)(5000 / REEF_SENTINEL_GAP_MS));
    stage_stop(&s);
}

static void test_nobody_calls(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    uint32_t asks = s.fakes[0].asks;
    stage_pass(&s, 3600000);
    assert_in_range(s.fakes[0].asks, asks, asks + 1);
    assert_true(reef_engine_deadline_ms(s.k.engine) == INT64_MAX);
    stage_stop(&s);
}

/* RESP2: it is only asked, since a connection that listens does nothing else. */
static void test_resp2(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].old = true;
    busy(&s, 3000);
    assert_int_equal(s.fakes[0].subscriptions, 0);
    assert_false(reef_sentinels_watching(s.k.engine));
    assert_true(s.fakes[0].asks > 2);
    stage_stop(&s);
}

static void test_resp2_unknown(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++) {
        s.fakes[i].old = true;
        s.fakes[i].knows = NULL;
        s.fakes[i].names = "other another";
    }
    uint64_t id = stage_call(&s, "GET a", 3000);
    stage_pass(&s, 2900);
    stage_done(&s, id, REEF_BADCONFIG, "but other, another; check master_name");
    stage_stop(&s);
}

/* Not allowed to listen, to one channel even: then it does not count as watched. */
static void test_no_permission_to_listen(void **state)
{
    (void)state;
    const char *const words[] = {"SUBSCRIBE", "PSUBSCRIBE", "+switch-master"};
    for (size_t i = 0; i < 3; i++) {
        stage s;
        stage_usual(&s, "");
        for (int j = 0; j < 3; j++)
            s.fakes[j].turns = words[i];
        busy(&s, 3000);
        assert_false(reef_sentinels_watching(s.k.engine));
        assert_true(s.fakes[0].asks > 2);
        assert_int_equal(stage_open_links(&s, &s.fakes[0]), 1);
        stage_stop(&s);
    }
}

/* ---- what is made of the answers ---------------------------------------------- */

static void test_kept(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].epoch = 7;
    s.fakes[0].flags = "master,o_down";
    stage_serves(&s, &s.fakes[3]);
    const reef_sentinel *entry = stage_entry(&s, &s.fakes[0]);
    assert_string_equal(entry->id, "10.0.0.1");
    assert_string_equal(entry->version, "7.0.15");
    assert_int_equal(entry->master.epoch, 7);
    assert_int_equal(entry->master.quorum, 2);
    assert_true(entry->master.down);
    assert_string_equal(entry->place.host, "10.0.0.8");
    stage_stop(&s);
}

/* MASTER may be refused where the address is told. */
static void test_without_master(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].holds = "";
    stage_serves(&s, &s.fakes[3]);
    assert_int_equal(reef_sentinel_rank(stage_entry(&s, &s.fakes[0])), 0);
    assert_string_equal(stage_entry(&s, &s.fakes[0])->master.place.host, "10.0.0.8");
    stage_stop(&s);
}

static void test_without_id(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].id = NULL;
    busy(&s, 3000);
    assert_int_equal(reef_sentinels_known(s.k.engine), 3);
    stage_stop(&s);
}

/* It does not know the name: then it is asked which ones it does. */
static void test_unknown_name(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].knows = NULL;
    s.fakes[0].names = "cache sessions";
    busy(&s, 1000);
    const reef_sentinel *entry = stage_entry(&s, &s.fakes[0]);
    assert_int_equal(entry->state, REEF_SENTINEL_UNKNOWN);
    assert_string_equal(entry->names, "cache, sessions");
    assert_non_null(strstr(entry->why.text, "knows no master of that name"));
    s.fakes[0].knows = "10.0.0.8 6379";
    busy(&s, 2400);
    assert_int_equal(entry->state, REEF_SENTINEL_KNOWS);
    stage_stop(&s);
}

static void test_wrong_answers(void **state)
{
    (void)state;
    static const struct {
        const char *away, *text;
        reef_code code;
    } cases[] = {
        {"NOPERM no", "NOPERM no; check sentinel_username", REEF_AUTH},
        {"NOAUTH no", "NOAUTH no; check sentinel_username", REEF_AUTH},
        {"ERR unknown command 'SENTINEL'", "is no Sentinel", REEF_BADCONFIG},
        {"BROKEN so", "answered a question for the master with BROKEN so",
         REEF_NOROUTE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage s;
        stage_usual(&s, "");
        s.fakes[0].turns = "GET-MASTER-ADDR-BY-NAME";
        s.fakes[0].away = cases[i].away;
        stage_serves(&s, &s.fakes[3]);
        const reef_sentinel *entry = stage_entry(&s, &s.fakes[0]);
        assert_int_equal(entry->state, REEF_SENTINEL_WRONG);
        assert_int_equal(entry->why.code, cases[i].code);
        assert_non_null(strstr(entry->why.text, cases[i].text));
        stage_stop(&s);
    }
}

static void test_no_address(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].knows = "10.0.0.8 0";
    stage_serves(&s, &s.fakes[3]);
    const reef_sentinel *entry = stage_entry(&s, &s.fakes[0]);
    assert_int_equal(entry->state, REEF_SENTINEL_WRONG);
    assert_non_null(strstr(entry->why.text, "something else than an address"));
    stage_stop(&s);
}

/* A fail-over that nobody was heard to announce is found by asking. */
static void test_selected_in_silence(void **state)
{
    (void)state;
    for (int announced = 0; announced < 2; announced++) {
        stage s;
        stage_usual(&s, announced ? "failover = \"announced\"" : "");
        busy(&s, 1000);
        s.fakes[3].way = FAKE_MUTE;
        uint64_t first = stage_call(&s, "SET a", 60000);
        s.fakes[1].flags = "master,failover_in_progress";
        s.fakes[1].chosen = "10.0.0.9 6379";
        s.fakes[4].role = "master";
        stage_pass(&s, 1000);
        uint64_t id = stage_call(&s, "SET b", 60000);
        stage_pass(&s, 300);
        assert_int_equal(stage_state(&s)->held, announced);
        assert_int_equal(s.fakes[4].served, !announced);
        if (announced)
            assert_ptr_equal(stage_state(&s)->holder, stage_entry(&s, &s.fakes[1]));
        s.fakes[1].knows = "10.0.0.9 6379";
        s.fakes[1].holds = "10.0.0.8 6379";
        stage_pass(&s, 1000);
        assert_int_equal(s.fakes[4].served, 1);
        stage_done(&s, first, REEF_UNSURE, NULL);
        stage_done(&s, id, REEF_OK, NULL);
        stage_stop(&s);
    }
}

/* It says that one is under way and names no replica: it is not asked without end. */
static void test_selected_nobody(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[1].flags = "master,failover_in_progress";
    busy(&s, 10000);
    assert_in_range(s.fakes[1].asks, 10, 70);
    assert_false(stage_state(&s)->held);
    stage_stop(&s);
}

/* An answer of a Sentinel that was dropped in the meantime is nobody's. */
static void test_answer_of_a_dropped_one(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    s.fakes[0].way = FAKE_MUTE;
    reef_sentinels_ask(s.k.engine, 0);
    stage_pass(&s, REEF_SENTINEL_GAP_MS);
    stage_call(&s, "GET a", 1000);
    stage_pass(&s, 1);
    reef_sentinel *entry = stage_entry(&s, &s.fakes[0]);
    assert_true(entry->asking);
    int link = entry->link;
    entry->link = REEF_NO_LINK; /* as after a drain */
    s.fakes[0].knows = "10.0.0.9 6379";
    stage_release(&s, &s.fakes[0]);
    stage_announce(&s, &s.fakes[0], "+switch-master", "m 10.0.0.8 6379 10.0.0.9 6379");
    assert_string_equal(entry->place.host, "10.0.0.8");
    entry->link = link;
    stage_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_a_second),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_nobody_calls),
        cmocka_unit_test(test_resp2),
        cmocka_unit_test(test_resp2_unknown),
        cmocka_unit_test(test_no_permission_to_listen),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_without_master),
        cmocka_unit_test(test_without_id),
        cmocka_unit_test(test_unknown_name),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_selected_in_silence),
        cmocka_unit_test(test_selected_nobody),
        cmocka_unit_test(test_answer_of_a_dropped_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
