/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory runs out, at each allocation in turn, while a Cluster is found, changes its
 * map and fails over: nothing breaks, nothing spins, and once there is memory again
 * calls are served. */
#include "test/unit/ring_kit.h"

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

static void act_connect(ring *r)
{
    reef_engine_tend(r->s.k.engine, r->s.k.now_ms);
    ring_pass(r, 400);
}

/* Sockets take what they were given. */
static void flow(ring *r)
{
    for (uint32_t i = 0; i < r->s.k.engine->link_count; i++)
        if (r->s.k.engine->links[i]->sending)
            reef_engine_sent(r->s.k.engine, i, 0, r->s.k.now_ms);
}

/* Slots go to a node that is new. */
static void act_reshard(ring *r)
{
    ring_believe(r, RING_NONE, "0-3000 0 3,3001-5460 6,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 6, 7);
    flow(r);
    ring_pass(r, 700);
}

static void act_ask(ring *r)
{
    r->move.slot = 3300;
    r->move.from = 0;
    r->move.to = 6;
    flow(r);
    ring_pass(r, 300);
}

static void act_fail_over(ring *r)
{
    ring_way(r, 0, FAKE_REFUSES);
    ring_pass(r, 200);
    ring_fail_over(r, RING_NONE, 4);
    ring_pass(r, 400);
}

/* All at once, and elsewhere. */
static void act_leave(ring *r)
{
    ring_believe(r, RING_NONE, "0-16383 6");
    ring_epoch(r, RING_NONE, 6, 9);
    for (uint32_t i = 0; i < 6; i++)
        stage_cut(&r->s, r->nodes[i].f);
    ring_pass(r, 700);
}

/* All of them, each once. They may have been answered when there was no memory for the
 * answer. */
static void ended(ring *r, const uint64_t ids[3])
{
    bool seen[3] = {false};
    reef_done done;
    for (int n = 0; n < 3; n++) {
        assert_true(reef_engine_next_done(r->s.k.engine, &done));
        for (int i = 0; i < 3; i++)
            seen[i] = seen[i] || done.ticket == ids[i];
        if (reef_reply_code(done.reply) != REEF_OK)
            assert_int_equal(reef_reply_code(done.reply), REEF_UNSURE);
        reef_reply_free(done.reply);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    ring_none_done(r);
}

/* The `at`-th allocation fails while this happens. False: there are not so many. */
static bool run(void (*act)(ring *), uint32_t at, const char *hosts)
{
    ring *r = ring_hosts(hosts, "");
    ring_add(r, "10.0.0.7");
    ring_believe(r, 6, r->nodes[0].view.slots);
    stage_name(&r->s, "c.test", "@ 30 A 10.0.0.1", NULL);
    uint64_t ids[3] = {0};
    if (act != act_connect) {
        ring_serves(r, "GET a", 2);
        ring_serves(r, "GET b", 0);
        r->s.slow = true; /* some are about to be sent when it begins */
        for (int i = 0; i < 3; i++)
            ids[i] = ring_again(r, i ? "SET b 1" : "GET b", 60000);
        r->s.slow = false;
    }
    fails = 0;
    left = at;
    act(r);
    left = 0;
    bool failed = fails > 0;
    ring_pass(r, 5000);
    if (act != act_connect)
        ended(r, ids);
    uint64_t id = ring_call(r, "GET b", 6000);
    ring_pass(r, 5000);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
    return failed;
}

static void test_each_in_turn(void **state)
{
    (void)state;
    static void (*const acts[])(ring *) = {act_connect, act_reshard, act_ask,
                                           act_fail_over, act_leave};
    static const char *const hosts[] = {"\"10.0.0.1\", \"10.0.0.7\"",
                                        "\"c.test\", \"10.0.0.7\"", "\"c.test\""};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        for (size_t how = 0; how < 6; how++) {
            uint32_t at = 1;
            for_long = how % 2 != 0;
            while (run(acts[i], at, hosts[how / 2]))
                at++;
            assert_in_range(at, 10, 3000);
        }
}

/* An engine is there whole, or not at all. */
static void test_no_engine(void **state)
{
    (void)state;
    reef_config config;
    reef_error error;
    uint32_t at = 0;
    reef_config_init(&config);
    assert_int_equal(reef_config_parse(&config, NULL,
                                       reef_str_of("[server.redis]\nhosts = "
                                                   "[\"10.0.0.1\", \"10.0.0.2\"]"),
                                       NULL, &error),
                     REEF_OK);
    for_long = false;
    for (;;) {
        left = ++at;
        reef_engine *engine = reef_engine_new(&config, 1, 1000);
        bool whole = left > 0;
        left = 0;
        assert_int_equal(engine != NULL, whole);
        reef_engine_free(engine);
        if (whole)
            break;
        assert_true(at < 100);
    }
    assert_true(at > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_in_turn),
        cmocka_unit_test(test_no_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
