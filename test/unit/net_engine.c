/* SPDX-License-Identifier: Apache-2.0
 *
 * net/engine.c: the doors: submit and its refusals, time, groups, pushes, tend. */
#include "test/unit/engine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOML_PLAIN "[server.redis]\nhosts = [\"127.0.0.1:7000\"]\n"

static void test_call(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, TOML_PLAIN);
    kit_expect_quiet(&k);
    assert_true(reef_engine_deadline_ms(k.engine) == INT64_MAX);
    uint64_t id = kit_submit(&k, "GET a", false, 100);
    assert_int_not_equal(id, 0);
    assert_int_equal(reef_engine_deadline_ms(k.engine), 1100);
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    kit_expect_none_done(&k);
    kit_receive(&k, "$1\r\nv\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_expect_none_done(&k);
    assert_false(reef_engine_busy(k.engine));
    kit_stop(&k);
}

static void test_refused_commands(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, TOML_PLAIN);
    const char *words[] = {"SUBSCRIBE x", "MULTI", "EXEC", "BLPOP a 0",
                           "client reply off"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint64_t id = kit_submit(&k, words[i], false, 100);
        kit_expect_done(&k, id, REEF_BADARG, "refused");
    }
    kit_expect_quiet(&k);
    reef_cmd *empty = reef_cmd_new();
    const reef_cmd *one = empty;
    uint64_t id = reef_engine_submit(k.engine, &one, 1, 99, 2000, 1000);
    kit_expect_done(&k, id, REEF_BADARG, "empty");
    reef_cmd_free(empty);
    kit_stop(&k);
}

static void test_submit_bounds(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, TOML_PLAIN);
    reef_cmd *cmd = reef_cmd_new();
    const reef_cmd *one = cmd;
    reef_cmd_begin(cmd, "PING");
    assert_int_equal(reef_engine_submit(k.engine, &one, 0, 1, 2000, 1000), 0);
    uint64_t late = reef_engine_submit(k.engine, &one, 1, 99, 1000, 1000);
    kit_expect_done(&k, late, REEF_UNSENT, "had passed");
    kit_expect_quiet(&k);
    for (size_t i = 0; i < REEF_PENDING_MAX; i++)
        if (reef_engine_submit(k.engine, &one, 1, 99, 5000, 1000) == 0)
            fail_msg("refused at %zu", i);
    assert_int_equal(reef_engine_submit(k.engine, &one, 1, 99, 5000, 1000), 0);
    reef_cmd_free(cmd);
    kit_stop(&k);
}

static void submit_group(kit *k, const char *const words[], size_t count, uint64_t *id,
                         bool repeatable)
{
    reef_cmd *cmds[8] = {NULL};
    for (size_t i = 0; i < count; i++) {
        cmds[i] = reef_cmd_new();
        reef_cmd_begin(cmds[i], words[i]);
        if (repeatable)
            reef_cmd_repeatable(cmds[i]);
    }
    *id = reef_engine_submit(k->engine, (const reef_cmd *const *)cmds, count, 99,
                             k->now_ms + 500, k->now_ms);
    for (size_t i = 0; i < count; i++)
        reef_cmd_free(cmds[i]);
}

static void test_group(void **state)
{
    (void)state;
    kit k;
    uint64_t id;
    kit_start(&k, TOML_PLAIN);
    const char *const words[] = {"MULTI", "PING", "EXEC"};
    submit_group(&k, words, 3, &id, false);
    kit_connect(&k);
    kit_expect_sent(&k,
                    "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nEXEC\r\n");
    kit_receive(&k, "+OK\r\n+QUEUED\r\n");
    kit_expect_none_done(&k);
    kit_receive(&k, "*1\r\n+PONG\r\n");
    for (uint64_t i = 0; i < 3; i++)
        kit_expect_done(&k, id + i, REEF_OK, NULL);
    /* A group that did not run as a whole because of LOADING waits and goes out
     * again. */
    submit_group(&k, words, 3, &id, false);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+OK\r\n-LOADING wait\r\n-EXECABORT discarded\r\n");
    kit_expect_none_done(&k);
    kit_tick_to(&k, k.now_ms + 300);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n");
    for (uint64_t i = 0; i < 3; i++)
        kit_expect_done(&k, id + i, REEF_OK, NULL);
    /* Lost half-way: what was answered is told, the rest is unsure. */
    submit_group(&k, words, 3, &id, false);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+OK\r\n");
    kit_closed(&k, 104);
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_expect_done(&k, id + 1, REEF_UNSURE, "may have run");
    kit_expect_done(&k, id + 2, REEF_UNSURE, "may have run");
    kit_stop(&k);
}

static void test_group_unclosed(void **state)
{
    (void)state;
    kit k;
    uint64_t id;
    kit_start(&k, TOML_PLAIN);
    const char *const words[] = {"MULTI", "PING", "MULTI"};
    submit_group(&k, words, 2, &id, false);
    kit_expect_done(&k, id, REEF_BADARG, "EXEC does not follow");
    kit_expect_done(&k, id + 1, REEF_BADARG, NULL);
    submit_group(&k, words, 3, &id, false);
    kit_expect_done(&k, id, REEF_BADARG, "open already");
    kit_expect_done(&k, id + 1, REEF_BADARG, NULL);
    kit_expect_done(&k, id + 2, REEF_BADARG, NULL);
    kit_expect_quiet(&k);
    kit_stop(&k);
}

static void test_pushes(void **state)
{
    (void)state;
    kit k;
    reef_reply *push;
    reef_stats stats;
    kit_start(&k, TOML_PLAIN);
    uint64_t id = kit_submit(&k, "GET a", false, 500);
    kit_connect(&k);
    kit_expect_sent(&k, NULL);
    for (int i = 0; i < REEF_PUSHES_MAX + 3; i++)
        kit_receive(&k, ">1\r\n+note\r\n");
    kit_expect_none_done(&k);
    kit_receive(&k, "+v\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    for (int i = 0; i < REEF_PUSHES_MAX; i++) {
        assert_true(reef_engine_next_push(k.engine, &push));
        assert_int_equal(reef_node_kind(reef_reply_root(push)), REEF_PUSH);
        reef_reply_free(push);
    }
    assert_false(reef_engine_next_push(k.engine, &push));
    reef_engine_stats(k.engine, &stats);
    assert_int_equal(stats.dropped_pushes, 3);
    kit_stop(&k);
}

/* A host that died with the command acknowledged shows only by what is sent next. */
static void test_silence_is_pinged(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, TOML_PLAIN);
    reef_engine_tend(k.engine, k.now_ms);
    kit_connect(&k);
    uint64_t id = kit_submit(&k, "GET a", true, 60000);
    kit_expect_sent(&k, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    assert_int_equal(reef_engine_deadline_ms(k.engine),
                     k.now_ms + REEF_SILENCE_PING_MS);
    kit_tick_to(&k, k.now_ms + REEF_SILENCE_PING_MS - 1);
    kit_expect_quiet(&k);
    kit_tick_to(&k, k.now_ms + 1);
    kit_expect_sent(&k, "*1\r\n$4\r\nPING\r\n");
    kit_run_to(&k, k.now_ms + 2 * REEF_SILENCE_PING_MS);
    kit_expect_quiet(&k); /* one at a time */
    kit_receive(&k, "$1\r\nv\r\n+PONG\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_expect_none_done(&k);
    /* A link that owes nothing is left alone. */
    kit_run_to(&k, k.now_ms + 10 * REEF_SILENCE_PING_MS);
    kit_expect_quiet(&k);
    kit_stop(&k);
}

static void test_tend(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, TOML_PLAIN);
    reef_engine_tend(k.engine, k.now_ms);
    kit_connect(&k);
    reef_engine_tend(k.engine, k.now_ms + REEF_IDLE_PING_MS - 1);
    kit_expect_quiet(&k);
    k.now_ms += REEF_IDLE_PING_MS;
    reef_engine_tend(k.engine, k.now_ms);
    kit_expect_sent(&k, "*1\r\n$4\r\nPING\r\n");
    reef_engine_tend(k.engine, k.now_ms);
    kit_expect_quiet(&k);
    kit_receive(&k, "+PONG\r\n");
    kit_expect_none_done(&k);
    k.now_ms += REEF_IDLE_PING_MS;
    reef_engine_tend(k.engine, k.now_ms);
    kit_expect_sent(&k, "*1\r\n$4\r\nPING\r\n");
    uint32_t link = k.link;
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_expect_close(&k, link);
    kit_expect_none_done(&k);
    kit_stop(&k);
}

static void test_clock_never_goes_back(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, TOML_PLAIN);
    uint64_t id = kit_submit(&k, "GET a", false, 100);
    reef_engine_tick(k.engine, 500);
    assert_int_equal(k.engine->now_ms, 1000);
    reef_engine_tick(k.engine, 1100);
    kit_expect_done(
        &k, id, REEF_CONNECT,
        "127.0.0.1:7000: the deadline passed while connecting; nothing was sent");
    kit_stop(&k);
}

static void test_late_inputs_are_ignored(void **state)
{
    (void)state;
    kit k;
    size_t cap;
    kit_start(&k, TOML_PLAIN);
    for (uint32_t link = 0; link < REEF_TRANSPORTS_MAX + 2; link++) {
        reef_engine_opened(k.engine, link, 1000);
        reef_engine_sent(k.engine, link, 100, 1000);
        assert_null(reef_engine_room(k.engine, link, &cap));
        reef_engine_received(k.engine, link, 10, 1000);
        reef_engine_closed(k.engine, link, 0, 1000);
    }
    kit_expect_quiet(&k);
    kit_stop(&k);
}

static void test_large_command_goes_out_in_place(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    static char value[100000];
    memset(value, 'x', sizeof value);
    kit_start(&k, TOML_PLAIN);
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "SET");
    reef_cmd_text(cmd, "k");
    reef_cmd_arg(cmd, (reef_str){value, sizeof value});
    size_t len = reef_cmd_wire(cmd).len;
    const reef_cmd *one = cmd;
    reef_engine_submit(k.engine, &one, 1, 99, 5000, 1000);
    reef_cmd_free(cmd);
    uint64_t second = kit_submit(&k, "GET a", false, 500);
    kit_connect(&k);
    size_t sent = 0;
    while (sent < len) {
        assert_true(reef_engine_next_op(k.engine, &op));
        assert_int_equal(op.kind, REEF_OP_SEND);
        kit_expect_quiet(&k); /* one SEND at a time */
        size_t part = op.bytes.len < 7000 ? op.bytes.len : 7000;
        if (part > len - sent)
            part = len - sent;
        reef_engine_sent(k.engine, op.link, part, 1000);
        sent += part;
    }
    kit_expect_sent(&k, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    kit_receive(&k, "+OK\r\n+v\r\n");
    kit_expect_done(&k, second - 1, REEF_OK, NULL);
    kit_expect_done(&k, second, REEF_OK, NULL);
    kit_stop(&k);
}

/* Nobody has to pull pushes: what is kept of them is bounded in bytes as well. */
static void test_pushes_are_bounded_in_bytes(void **state)
{
    (void)state;
    enum { TEXT = REEF_PUSH_BYTES_MAX / 4, HEAD = 32 };
    kit k;
    reef_reply *push;
    reef_stats stats;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:7000\"]");
    reef_engine_tend(k.engine, k.now_ms);
    kit_connect(&k);
    char *text = malloc(8 * TEXT + HEAD);
    assert_non_null(text);
    for (int i = 0; i < 10; i++) {
        size_t len = i < 9 ? TEXT : 8 * (size_t)TEXT;
        int head = snprintf(text, HEAD, ">1\r\n$%lu\r\n", (unsigned long)len);
        memset(text + head, 'a', len);
        memcpy(text + head + len, "\r\n", 3);
        kit_receive(&k, text);
    }
    free(text);
    size_t held = 0, count = 0;
    for (; reef_engine_next_push(k.engine, &push); count++) {
        held += reef_reply_size(push);
        reef_reply_free(push);
    }
    assert_true(held <= REEF_PUSH_BYTES_MAX);
    assert_int_equal(count, 3); /* four, and their nodes, are too much */
    assert_int_equal(k.engine->push_bytes, 0);
    reef_engine_stats(k.engine, &stats);
    assert_int_equal(stats.dropped_pushes, 7);
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_refused_commands),
        cmocka_unit_test(test_submit_bounds),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_group_unclosed),
        cmocka_unit_test(test_pushes),
        cmocka_unit_test(test_silence_is_pinged),
        cmocka_unit_test(test_tend),
        cmocka_unit_test(test_clock_never_goes_back),
        cmocka_unit_test(test_late_inputs_are_ignored),
        cmocka_unit_test(test_large_command_goes_out_in_place),
        cmocka_unit_test(test_pushes_are_bounded_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
