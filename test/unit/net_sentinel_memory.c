/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory runs out, at each allocation in turn, while Sentinels are found, asked and
 * heard and while calls move: nothing breaks, nothing spins, and once there is memory
 * again calls are served. */
#include "test/unit/stage_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static uint32_t left;  /* this many succeed, then one (or all) fails; 0: none does */
static bool for_long;  /* all that follow fail, too */
static uint32_t fails; /* how many did */

static bool is_out(void)
{
    if (left == 0 || --left > 0)
        return false;
    left = for_long;
    fails++;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_out() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return is_out() ? NULL : __real_realloc(memory, size);
}

/* ---- what happens meanwhile --------------------------------------------------- */

static void act_connect(stage *s)
{
    reef_engine_tend(s->k.engine, s->k.now_ms);
    stage_pass(s, 400);
}

static void act_learn(stage *s)
{
    s->fakes[0].others = "10.0.0.4 26379 four, s5.test 26379 five";
    reef_engine_survey(s->k.engine, s->k.now_ms + 2000, s->k.now_ms);
    stage_pass(s, 1500);
}

static void act_fail_over(stage *s)
{
    stage_select(s, &s->fakes[1]);
    stage_pass(s, 100);
    s->fakes[4].role = "master";
    stage_pass(s, 300);
    s->fakes[3].role = "slave";
    for (int i = 0; i < 3; i++) {
        s->fakes[i].knows = "10.0.0.9 6379";
        s->fakes[i].flags = NULL;
        s->fakes[i].epoch = 2;
    }
    stage_pass(s, 300);
}

static void act_lose(stage *s)
{
    for (uint32_t i = 4; i-- > 0;)
        stage_cut(s, &s->fakes[i]);
    stage_pass(s, 700);
}

/* It may have been answered when there was no memory for the answer. */
static void ended(stage *s, uint64_t ticket)
{
    reef_done done;
    assert_true(reef_engine_next_done(s->k.engine, &done));
    assert_int_equal(done.ticket, ticket);
    if (reef_reply_code(done.reply) != REEF_OK)
        assert_int_equal(reef_reply_code(done.reply), REEF_UNSURE);
    reef_reply_free(done.reply);
}

/* The `at`-th allocation fails while this happens. False: there are not so many. */
static bool run(void (*act)(stage *), uint32_t at, bool names)
{
    stage s;
    stage_usual(&s, "");
    stage_sentinel(&s, "10.0.0.4", "10.0.0.8 6379", 1);
    stage_sentinel(&s, "10.0.0.5", "10.0.0.8 6379", 1);
    stage_name(&s, "s5.test", "@ 30 A 10.0.0.5", NULL);
    stage_name(&s, "m.test", "@ 30 A 10.0.0.8", NULL);
    for (int i = 0; i < 3 && names; i++)
        s.fakes[i].knows = "m.test 6379";
    if (act != act_connect)
        stage_serves(&s, &s.fakes[3]);
    uint64_t id = act == act_connect ? 0 : kit_submit(&s.k, "SET a", true, 9000);
    fails = 0;
    left = at;
    act(&s);
    left = 0;
    bool failed = fails > 0;
    stage_pass(&s, 3000);
    if (id > 0)
        ended(&s, id);
    id = stage_call(&s, "GET a", 6000);
    stage_pass(&s, 5000);
    stage_done(&s, id, REEF_OK, NULL);
    stage_stop(&s);
    return failed;
}

static void test_each_in_turn(void **state)
{
    (void)state;
    static void (*const acts[])(stage *) = {act_connect, act_learn, act_fail_over,
                                            act_lose};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        for (int how = 0; how < 4; how++) {
            uint32_t at = 1;
            for_long = (how & 1) != 0;
            while (run(acts[i], at, (how & 2) != 0 && i != 2))
                at++;
            assert_in_range(at, 10, 2000);
        }
}

/* An engine is there whole, or not at all. */
static void test_no_engine(void **state)
{
    (void)state;
    reef_config config;
    reef_error error;
    reef_engine *engine = NULL;
    uint32_t at = 0;
    reef_config_init(&config);
    assert_int_equal(reef_config_parse(&config, NULL,
                                       reef_str_of("[server.redis]\nmaster_name = "
                                                   "\"m\"\nhosts = [\"10.0.0.1\", "
                                                   "\"s.test\", \"10.0.0.2\"]"),
                                       NULL, &error),
                     REEF_OK);
    for (for_long = false; engine == NULL; reef_engine_free(engine)) {
        left = ++at;
        engine = reef_engine_new(&config, 1, 1000);
        left = 0;
        assert_true(at < 100);
        if (engine)
            break;
    }
    assert_int_equal(engine->sentinels->count, 2);
    assert_true(at > 4);
    reef_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_in_turn),
        cmocka_unit_test(test_no_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
