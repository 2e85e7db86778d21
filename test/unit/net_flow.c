/* SPDX-License-Identifier: Apache-2.0
 *
 * Pipelines: order, groups, fates of their own, commands that are bound to nodes. */
#include "net/client.h"
#include "test/unit/net_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- memory that runs out ----------------------------------------------------- */

static atomic_size_t sys_no_memory; /* a request of this size fails */

void *__real_malloc(size_t);
void *__wrap_malloc(size_t);

void *__wrap_malloc(size_t size)
{
    return size == sys_no_memory && size > 0 ? NULL : __real_malloc(size);
}

/* ---- pipelines ---------------------------------------------------------------- */

static void check_word(reef_reply *reply, size_t i)
{
    char want[32];
    snprintf(want, sizeof want, "%zu", i);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    reef_str text = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
    reef_reply_free(reply);
}

static void a_long_pipeline_keeps_its_order(void **state)
{
    static reef_cmd *cmds[MANY];
    static reef_reply *replies[MANY];
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "warm", "warm");
    for (size_t i = 0; i < MANY; i++) {
        char word[32];
        snprintf(word, sizeof word, "%zu", i);
        cmds[i] = reef_cmd_new();
        build(cmds[i], "GET", word, NULL);
    }
    reef_pipeline(client, (const reef_cmd *const *)cmds, MANY, LONG_MS, replies);
    for (size_t i = 0; i < MANY; i++)
        check_word(replies[i], i);
    sys_no_memory = MANY * 3 * sizeof(void *);
    reef_pipeline(client, (const reef_cmd *const *)cmds, MANY, LONG_MS, replies);
    sys_no_memory = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(reef_reply_code(replies[i]), REEF_NOMEM);
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
    expect_text(client, "GET", "after", "after");
    reef_close(client);
    peer_stop(p);
}

/* A pipeline of words: each a command's name, "-" no command at all; `want` has one
 * letter for each: o(k), b(ad argument). */
static void pipeline_gives(reef_client *client, const char *const names[], size_t count,
                           const char *want)
{
    reef_cmd *cmds[16] = {NULL};
    reef_reply *replies[16] = {NULL};
    for (size_t i = 0; i < count; i++) {
        if (names[i][0] == '-')
            continue;
        cmds[i] = reef_cmd_new();
        if (names[i][0] != '!')
            build(cmds[i], names[i], strcmp(names[i], "GET") == 0 ? "k" : NULL, NULL);
    }
    reef_pipeline(client, (const reef_cmd *const *)cmds, count, LONG_MS, replies);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(replies[i]);
        assert_int_equal(reef_reply_code(replies[i]),
                         want[i] == 'o' ? REEF_OK : REEF_BADARG);
        if (want[i] != 'o')
            assert_true(strlen(reef_reply_text(replies[i])) > 0);
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
}

static void each_command_of_a_pipeline_has_its_own_fate(void **state)
{
    const char *const mixed[] = {"GET", "-", "SUBSCRIBE", "GET", "!", "GET"};
    const char *const whole[] = {"GET", "MULTI", "GET", "GET", "EXEC", "GET"};
    const char *const dropped[] = {"MULTI", "GET", "DISCARD", "MULTI", "EXEC"};
    const char *const open_end[] = {"GET", "MULTI", "GET", "GET"};
    const char *const stray[] = {"EXEC", "GET", "DISCARD"};
    const char *const spoiled[] = {"MULTI", "GET", "HELLO", "EXEC", "GET"};
    const char *const missing[] = {"MULTI", "-", "EXEC", "GET"};
    const char *const headless[] = {"GET", "-", "GET", "EXEC", "GET"};
    const char *const broken[] = {"!", "GET", "-", "GET", "EXEC", "GET"};
    const char *const gaps[] = {"-", "GET", "-", "MULTI", "EXEC", "-", "GET"};
    const char *const nested[] = {"MULTI", "MULTI", "EXEC", "GET"};
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    pipeline_gives(client, mixed, 6, "obbobo");
    pipeline_gives(client, whole, 6, "oooooo");
    pipeline_gives(client, dropped, 5, "ooooo");
    pipeline_gives(client, open_end, 4, "obbb");
    pipeline_gives(client, stray, 3, "bob");
    pipeline_gives(client, spoiled, 5, "bbbbo");
    pipeline_gives(client, missing, 4, "bbbo");
    pipeline_gives(client, headless, 5, "obbbo");
    pipeline_gives(client, broken, 6, "bbbbbo");
    pipeline_gives(client, gaps, 7, "boboobo");
    pipeline_gives(client, nested, 4, "bbbo");
    reef_pipeline(client, NULL, 0, LONG_MS, NULL);
    reef_close(client);
    peer_stop(p);
}

/* ---- flows -------------------------------------------------------------------- */

/* Where the engine is told to send: the ids that orders had, one after the other. */
static char flow_ids[4096];
static bool flow_spread;
static unsigned flow_waits; /* how often answers were waited for */

void __real_reef_lane_run(reef_lane *, reef_waiter *, const pthread_condattr_t *);
void __wrap_reef_lane_run(reef_lane *, reef_waiter *, const pthread_condattr_t *);

void __wrap_reef_lane_run(reef_lane *lane, reef_waiter *waiter,
                          const pthread_condattr_t *monotonic)
{
    flow_waits++;
    __real_reef_lane_run(lane, waiter, monotonic);
}

uint64_t __real_reef_engine_order(reef_engine *, const reef_order *, int64_t);
uint64_t __wrap_reef_engine_order(reef_engine *, const reef_order *, int64_t);
bool __real_reef_engine_is_spread(const reef_engine *);
bool __wrap_reef_engine_is_spread(const reef_engine *);

uint64_t __wrap_reef_engine_order(reef_engine *engine, const reef_order *order,
                                  int64_t now_ms)
{
    reef_order here = *order;
    size_t len = strlen(flow_ids);
    if (len + 64 < sizeof flow_ids)
        snprintf(flow_ids + len, sizeof flow_ids - len, "%zu:%s ", order->count,
                 order->node_id);
    here.node_id = "";
    return __real_reef_engine_order(engine, &here, now_ms);
}

bool __wrap_reef_engine_is_spread(const reef_engine *engine)
{
    return flow_spread || __real_reef_engine_is_spread(engine);
}

static void a_group_goes_where_its_first_goes(void **state)
{
    const char *const names[] = {"GET", "MULTI", "GET", "EXEC", "GET", "GET"};
    const char *const ids[] = {"a", "b", "c", "d", NULL, "e"};
    reef_cmd *cmds[6];
    reef_reply *replies[6];
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    for (size_t i = 0; i < 6; i++) {
        cmds[i] = reef_cmd_new();
        build(cmds[i], names[i], strcmp(names[i], "GET") == 0 ? "k" : NULL, NULL);
    }
    const reef_flow flow = {.cmds = (const reef_cmd *const *)cmds,
                            .node_ids = ids,
                            .count = 6,
                            .deadline_ms = reef_now_ms() + LONG_MS,
                            .replies = replies};
    flow_ids[0] = '\0';
    reef_client_flow(client, reef_client_lane(client), &flow);
    assert_string_equal(flow_ids, "1:a 3:b 1: 1:e ");
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(reef_reply_code(replies[i]), REEF_OK);
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
    reef_close(client);
    peer_stop(p);
}

/* Where keys are spread, a second portion does not wait for the first one's answers. */
static void a_portion_waits_for_no_other_where_keys_are_spread(void **state)
{
    static reef_str keys[MANY];
    static char words[MANY][8];
    static const reef_cmd *cmds[MANY];
    static reef_reply *replies[MANY];
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "warm", "warm");
    const reef_flow_each each = {"GET", keys, true, reef_cmd_new()};
    for (size_t i = 0; i < MANY; i++) {
        snprintf(words[i], sizeof words[i], "%zu", i);
        keys[i] = reef_str_of(words[i]);
        cmds[i] = each.cmd;
    }
    const reef_flow flow = {.cmds = cmds,
                            .count = MANY,
                            .deadline_ms = reef_now_ms() + LONG_MS,
                            .replies = replies,
                            .each = &each};
    for (int round = 0; round < 2; round++) {
        flow_spread = round == 1;
        flow_waits = 0;
        reef_client_flow(client, reef_client_lane(client), &flow);
        assert_int_equal(flow_waits, flow_spread ? 1 : 2);
        for (size_t i = 0; i < MANY; i++)
            check_word(replies[i], i);
    }
    flow_spread = false;
    reef_cmd_free(each.cmd);
    reef_close(client);
    peer_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_pipeline_keeps_its_order),
        cmocka_unit_test(each_command_of_a_pipeline_has_its_own_fate),
        cmocka_unit_test(a_group_goes_where_its_first_goes),
        cmocka_unit_test(a_portion_waits_for_no_other_where_keys_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
