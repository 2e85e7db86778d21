/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of Sentinels: who is in it, how they are found, connected to and dropped. */
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

/* ---- links -------------------------------------------------------------------- */

/* One that hangs delays nobody, and is given more time the next time. */
static void test_one_hangs(void **state)
{
    (void)state;
    for (int way = FAKE_DEAF; way <= FAKE_MUTE; way++) {
        stage s;
        stage_usual(&s, "");
        s.fakes[0].way = (fake_way)way;
        uint64_t id = stage_call(&s, "GET a", 1000);
        assert_int_equal(s.k.now_ms, 1000);
        stage_done(&s, id, REEF_OK, NULL);
        assert_ptr_equal(stage_state(&s)->list[2], stage_entry(&s, &s.fakes[0]));
        busy(&s, 305);
        assert_int_equal(stage_entry(&s, &s.fakes[0])->patience, 1);
        busy(&s, 20000);
        assert_in_range(s.fakes[0].opens, 4, 16);
        assert_in_range(stage_entry(&s, &s.fakes[0])->patience, 4,
                        REEF_SENTINEL_ROUNDS);
        s.fakes[0].way = FAKE_UP;
        stage_cut(&s, &s.fakes[0]);
        busy(&s, 10000);
        assert_int_equal(stage_entry(&s, &s.fakes[0])->state, REEF_SENTINEL_KNOWS);
        assert_int_equal(stage_entry(&s, &s.fakes[0])->patience, 0);
        stage_stop(&s);
    }
}

/* One that is refused is tried often at first, then as often as others are asked; that
 * is told once. */
static void test_one_refuses(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[0].way = FAKE_REFUSES;
    busy(&s, REEF_LATELY_MS);
    uint32_t often = s.fakes[0].opens;
    assert_in_range(often, REEF_LATELY_MS / REEF_BACKOFF_MAX_MS,
                    REEF_LATELY_MS * 4 / REEF_BACKOFF_MAX_MS);
    busy(&s, 20000);
    assert_in_range(s.fakes[0].opens - often, 12, 25);
    uint32_t told = 0;
    while (stage_has_event(&s, REEF_EVENT_FAILED))
        told++;
    assert_int_equal(told, 1);
    stage_stop(&s);
}

/* A Sentinel that is asked and says nothing is asked on a new connection. */
static void test_hangs_later(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    s.fakes[0].way = FAKE_MUTE;
    stage_pass(&s, 1100);
    busy(&s, 400);
    assert_int_equal(stage_entry(&s, &s.fakes[0])->state, REEF_SENTINEL_SILENT);
    assert_non_null(strstr(stage_entry(&s, &s.fakes[0])->why.text, "did not answer"));
    assert_int_equal(stage_open_links(&s, &s.fakes[0]), 0);
    s.fakes[0].way = FAKE_UP;
    busy(&s, 2000);
    assert_int_equal(stage_entry(&s, &s.fakes[0])->state, REEF_SENTINEL_KNOWS);
    stage_stop(&s);
}

/* All down, for long: they are tried with pauses, and then found again at once. */
static void test_all_down(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 3; i++)
        s.fakes[i].way = FAKE_REFUSES;
    uint64_t id = stage_call(&s, "GET a", 60000);
    stage_pass(&s, 20000);
    assert_in_range(s.fakes[0].opens, 20000 / REEF_BACKOFF_MAX_MS, 300);
    for (int i = 0; i < 3; i++)
        s.fakes[i].way = FAKE_UP;
    stage_pass(&s, REEF_BACKOFF_MAX_MS + 10);
    stage_done(&s, id, REEF_OK, NULL);
    stage_stop(&s);
}

/* ---- twins -------------------------------------------------------------------- */

/* One Sentinel by two addresses counts once, also after it was lost and found. */
static void test_twins(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    s.fakes[1].id = s.fakes[0].id;
    busy(&s, 2000);
    assert_int_equal(reef_sentinels_known(s.k.engine), 2);
    assert_int_equal(
        stage_open_links(&s, &s.fakes[0]) + stage_open_links(&s, &s.fakes[1]), 1);
    assert_int_equal(s.fakes[0].opens + s.fakes[1].opens, 2);
    fake *up = &s.fakes[stage_open_links(&s, &s.fakes[0]) ? 0 : 1];
    up->way = FAKE_REFUSES;
    stage_cut(&s, up);
    busy(&s, 1000);
    assert_int_equal(stage_open_links(&s, up == s.fakes ? &s.fakes[1] : s.fakes), 1);
    up->way = FAKE_UP;
    busy(&s, 4000);
    assert_int_equal(reef_sentinels_known(s.k.engine), 2);
    assert_int_equal(
        stage_open_links(&s, &s.fakes[0]) + stage_open_links(&s, &s.fakes[1]), 1);
    stage_stop(&s);
}

/* ---- learning ----------------------------------------------------------------- */

static void test_learns(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"10.0.0.1\"", "");
    stage_sentinel(&s, "10.0.0.1", "10.0.0.8 6379", 1);
    fake *second = stage_sentinel(&s, "10.0.0.2", "10.0.0.8 6379", 1);
    fake *third = stage_sentinel(&s, "10.0.0.3", "10.0.0.8 6379", 1);
    fake *master = stage_server(&s, "10.0.0.8", "master");
    s.fakes[0].others = "10.0.0.2 26379 two, s3.test 26379 three";
    second->others = "10.0.0.1 26379 one, 10.0.0.3 26379 three";
    stage_name(&s, "s3.test", "@ 30 A 10.0.0.3", NULL);
    busy(&s, 1000);
    assert_int_equal(stage_open_links(&s, second), 1);
    assert_int_equal(stage_open_links(&s, third), 1);
    assert_false(stage_entry(&s, second)->configured);
    assert_int_equal(stage_state(&s)->count, 3);
    /* The configured one is gone: the learnt ones do. */
    s.fakes[0].way = FAKE_REFUSES;
    stage_cut(&s, &s.fakes[0]);
    stage_serves(&s, master);
    assert_true(reef_sentinels_watching(s.k.engine));
    stage_stop(&s);
}

/* A known id at another address is no other Sentinel. */
static void test_learns_no_id_twice(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    busy(&s, 1000);
    s.fakes[0].others = "10.7.7.7 26379 10.0.0.2, 10.0.0.2 26379 -";
    s.fakes[1].others = "10.0.0.1 26379 10.0.0.1";
    busy(&s, 3000);
    assert_int_equal(stage_state(&s)->count, 3);
    stage_stop(&s);
}

/* What was learnt and is silent for long is forgotten; what is configured never is. */
static void test_forgets(void **state)
{
    (void)state;
    stage s;
    stage_usual(&s, "");
    fake *other = stage_sentinel(&s, "10.0.0.4", "10.0.0.8 6379", 1);
    s.fakes[0].others = "10.0.0.4 26379 four";
    busy(&s, 1000);
    assert_non_null(stage_entry(&s, other));
    s.fakes[0].others = NULL;
    other->way = s.fakes[1].way = FAKE_REFUSES;
    stage_cut(&s, other);
    stage_cut(&s, &s.fakes[1]);
    s.k.now_ms += REEF_FORGET_MS - 2000;
    busy(&s, 1000);
    assert_non_null(stage_entry(&s, other));
    s.k.now_ms += 2000;
    busy(&s, 1000);
    assert_null(stage_entry(&s, other));
    assert_non_null(stage_entry(&s, &s.fakes[1]));
    stage_stop(&s);
}

/* A Sentinel that lists hundreds: the list is bounded, the configured ones stay. */
static void test_hostile_list(void **state)
{
    (void)state;
    static char others[16000], names[80][32];
    stage s;
    stage_usual(&s, "");
    for (int i = 0; i < 55; i++) {
        snprintf(names[i], sizeof names[i], "10.1.0.%d", i);
        stage_sentinel(&s, names[i], NULL, 0)->way = i % 2 ? FAKE_REFUSES : FAKE_DEAF;
    }
    for (int turn = 0; turn < 12; turn++) {
        size_t len = 0;
        for (int i = 0; i < 200; i++)
            len += (size_t)snprintf(others + len, sizeof others - len,
                                    "%s10.1.0.%d 26379 id%d", i > 0 ? ", " : "",
                                    (i + turn * 7) % 55, i);
        s.fakes[0].others = others;
        busy(&s, 1000);
        assert_true(stage_state(&s)->count <= REEF_SENTINELS_MAX);
        for (int i = 0; i < 3; i++)
            assert_non_null(stage_entry(&s, &s.fakes[i]));
    }
    assert_true(s.k.engine->link_count <= REEF_LINKS_MAX);
    stage_serves(&s, &s.fakes[3]);
    stage_stop(&s);
}

/* An address that is longer than any can be is nobody's, however often it is told. */
static void test_learns_no_endless_address(void **state)
{
    (void)state;
    static char others[600];
    stage s;
    stage_usual(&s, "");
    snprintf(others, sizeof others, "fe80::1%%%0180d 26379 x", 7);
    s.fakes[0].others = others;
    stage_serves(&s, &s.fakes[3]);
    for (int i = 0; i < 8; i++) {
        reef_place place = {.port = 26379};
        snprintf(place.host, sizeof place.host, "fe80::1%%%0180d", 7);
        reef_sentinels_learn(s.k.engine, &place, "");
    }
    assert_true(stage_state(&s)->count <= 4);
    stage_stop(&s);
}

/* The learnt one that has said something most lately is kept. */
static void test_room_for_one_more(void **state)
{
    (void)state;
    stage s;
    reef_place place = {.port = 1};
    stage_usual(&s, "");
    stage_serves(&s, &s.fakes[3]);
    for (int i = 3; i < REEF_SENTINELS_MAX; i++) {
        snprintf(place.host, sizeof place.host, "10.2.0.%d", i);
        reef_sentinels_learn(s.k.engine, &place, "");
        stage_state(&s)->list[i]->heard_ms = i == 7 ? 10 : 20;
    }
    assert_int_equal(stage_state(&s)->count, REEF_SENTINELS_MAX);
    stage_state(&s)->holder = stage_state(&s)->doubter = stage_state(&s)->list[7];
    snprintf(place.host, sizeof place.host, "10.2.1.1");
    reef_sentinels_learn(s.k.engine, &place, "");
    assert_int_equal(stage_state(&s)->count, REEF_SENTINELS_MAX);
    assert_string_equal(stage_state(&s)->list[31]->address, "10.2.1.1");
    assert_string_equal(stage_state(&s)->list[7]->address, "10.2.0.8");
    assert_null(stage_state(&s)->holder);
    assert_null(stage_state(&s)->doubter);
    /* All of them configured: there is no room. */
    for (int i = 0; i < REEF_SENTINELS_MAX; i++)
        stage_state(&s)->list[i]->configured = true;
    snprintf(place.host, sizeof place.host, "10.2.1.2");
    reef_sentinels_learn(s.k.engine, &place, "");
    assert_string_equal(stage_state(&s)->list[31]->address, "10.2.1.1");
    stage_stop(&s);
}

/* ---- names -------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"s.test\"", "");
    stage_sentinel(&s, "10.0.0.1", "10.0.0.8 6379", 1);
    stage_sentinel(&s, "10.0.0.2", "10.0.0.8 6379", 1);
    fake *third = stage_sentinel(&s, "10.0.0.3", "10.0.0.8 6379", 1);
    fake *master = stage_server(&s, "10.0.0.8", "master");
    stage_name(&s, "s.test", "@ 30 A 10.0.0.1; @ 30 A 10.0.0.2", NULL);
    stage_serves(&s, master);
    assert_int_equal(stage_open_links(&s, &s.fakes[1]), 1);
    assert_true(stage_entry(&s, &s.fakes[1])->configured);
    /* One moves: who is lost and not listed any more is dropped. */
    stage_name(&s, "s.test", "@ 30 A 10.0.0.1; @ 30 A 10.0.0.3", NULL);
    s.fakes[1].way = FAKE_REFUSES;
    stage_cut(&s, &s.fakes[1]);
    busy(&s, 2000);
    assert_null(stage_entry(&s, &s.fakes[1]));
    assert_int_equal(stage_open_links(&s, third), 1);
    /* The name is gone: who is connected stays. */
    stage_name(&s, "s.test", NULL, NULL);
    stage_cut(&s, third);
    busy(&s, 2000);
    assert_int_equal(stage_open_links(&s, &s.fakes[0]), 1);
    assert_non_null(stage_entry(&s, third));
    stage_stop(&s);
}

static void test_service(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"srv+s.test\"", "");
    fake *first = stage_sentinel(&s, "10.0.0.1", "10.0.0.8 6379", 1);
    fake *second = stage_sentinel(&s, "10.0.0.2", "10.0.0.8 6379", 1);
    fake *master = stage_server(&s, "10.0.0.8", "master");
    first->port = 1001;
    second->port = 1002;
    stage_name(&s, "s.test", NULL,
               "@ 30 SRV 1 1 1001 a.test; @ 30 SRV 1 1 1002 b.test");
    stage_name(&s, "a.test", "@ 30 A 10.0.0.1", NULL);
    stage_name(&s, "b.test", "@ 30 A 10.0.0.2", NULL);
    stage_serves(&s, master);
    assert_int_equal(stage_state(&s)->count, 2);
    stage_stop(&s);
}

/* An address that is listed, and that a name leads to as well, is one Sentinel. */
static void test_name_of_a_listed_address(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"10.0.0.1\", \"s.test\", \"s.test\", \"10.0.0.1\"", "");
    stage_sentinel(&s, "10.0.0.1", "10.0.0.8 6379", 1);
    fake *master = stage_server(&s, "10.0.0.8", "master");
    stage_name(&s, "s.test", "@ 30 A 10.0.0.1", NULL);
    stage_serves(&s, master);
    assert_int_equal(stage_state(&s)->count, 1);
    assert_int_equal(stage_state(&s)->seed_count, 1);
    assert_int_equal(stage_state(&s)->list[0]->seed, -1);
    stage_stop(&s);
}

/* A name that leads nowhere: asked for again, at a pace, and told of once as long as
 * others answer. */
static void test_name_that_leads_nowhere(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"10.0.0.1\", \"no.test\"", "");
    stage_sentinel(&s, "10.0.0.1", "10.0.0.8 6379", 1);
    stage_server(&s, "10.0.0.8", "master");
    busy(&s, 10000);
    assert_in_range(s.looked, 4, 60);
    uint32_t told = 0;
    while (stage_has_event(&s, REEF_EVENT_FAILED))
        told++;
    assert_int_equal(told, 1);
    stage_stop(&s);
}

/* Names that Sentinels give are bounded. */
static void test_learnt_names(void **state)
{
    (void)state;
    stage s;
    reef_place place = {.port = 26379};
    stage_usual(&s, "");
    for (int i = 0; i < 2 * REEF_SEEDS_MAX; i++) {
        snprintf(place.host, sizeof place.host, "s%d.test", i);
        reef_sentinels_learn(s.k.engine, &place, "");
    }
    assert_int_equal(stage_state(&s)->seed_count, REEF_SEEDS_MAX);
    stage_serves(&s, &s.fakes[3]);
    stage_stop(&s);
}

/* Freed in the midst of look-ups. */
static void test_ends_while_looking(void **state)
{
    (void)state;
    stage s;
    stage_start(&s, "\"s.test\", \"srv+t.test\"", "");
    s.k.silent = true;
    stage_call(&s, "GET a", 1000);
    stage_pass(&s, 100);
    assert_non_null(stage_state(&s)->seeds[0].lookup);
    assert_true(reef_engine_busy(s.k.engine));
    stage_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_hangs),
        cmocka_unit_test(test_one_refuses),
        cmocka_unit_test(test_hangs_later),
        cmocka_unit_test(test_all_down),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_learns_no_id_twice),
        cmocka_unit_test(test_forgets),
        cmocka_unit_test(test_hostile_list),
        cmocka_unit_test(test_learns_no_endless_address),
        cmocka_unit_test(test_room_for_one_more),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_name_of_a_listed_address),
        cmocka_unit_test(test_name_that_leads_nowhere),
        cmocka_unit_test(test_learnt_names),
        cmocka_unit_test(test_ends_while_looking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
