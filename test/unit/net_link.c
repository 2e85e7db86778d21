/* SPDX-License-Identifier: Apache-2.0
 *
 * net/link.c: who is owed which reply, and what the end of a link means for each
 * command. */
#include "test/unit/engine_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOML_LINK "[server.redis]\nhosts = [\"127.0.0.1:7000\"]\n"

/* A ready link, with nothing in flight. */
static void begin(kit *k)
{
    kit_start(k, TOML_LINK);
    reef_engine_tend(k->engine, k->now_ms);
    kit_connect(k);
    kit_expect_quiet(k);
}

static void test_pipeline_keeps_order(void **state)
{
    (void)state;
    kit k;
    uint64_t id[3];
    begin(&k);
    for (int i = 0; i < 3; i++)
        id[i] = kit_submit(&k, "GET a", false, 100);
    kit_expect_sent(&k, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
                        "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    kit_receive(&k, "-ONE x\r\n-TWO");
    kit_expect_done(&k, id[0], REEF_REFUSED, "ONE");
    kit_expect_none_done(&k);
    kit_receive(&k, " y\r\n-THREE z\r\n");
    kit_expect_done(&k, id[1], REEF_REFUSED, "TWO");
    kit_expect_done(&k, id[2], REEF_REFUSED, "THREE");
    kit_stop(&k);
}

static void test_lost_after_sending(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    uint64_t incr = kit_submit(&k, "INCR n", false, 1000);
    uint64_t get = kit_submit(&k, "GET n", true, 1000);
    kit_expect_sent(&k, NULL);
    uint64_t unsent = kit_submit(&k, "INCR m", false, 1000);
    k.now_ms += 2000 - 1000 - 500;
    kit_closed(&k, ECONNRESET);
    kit_expect_done(&k, incr, REEF_UNSURE,
                    "reset by the server; sent and not answered");
    kit_expect_none_done(&k);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k,
                    "*2\r\n$3\r\nGET\r\n$1\r\nn\r\n*2\r\n$4\r\nINCR\r\n$1\r\nm\r\n");
    kit_receive(&k, "+v\r\n:1\r\n");
    kit_expect_done(&k, get, REEF_OK, NULL);
    kit_expect_done(&k, unsent, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_cut_command_never_ran(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    begin(&k);
    uint64_t id = kit_submit(&k, "INCR n", false, 1000);
    assert_true(reef_engine_next_op(k.engine, &op));
    reef_engine_sent(k.engine, op.link, op.bytes.len - 1, k.now_ms);
    kit_closed(&k, EPIPE);
    kit_expect_none_done(&k);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_cut_by_its_deadline(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    begin(&k);
    uint64_t cut = kit_submit(&k, "INCR n", false, 50);
    uint64_t next = kit_submit(&k, "INCR m", false, 1000);
    assert_true(reef_engine_next_op(k.engine, &op));
    reef_engine_sent(k.engine, op.link, 5, k.now_ms);
    kit_tick_to(&k, k.now_ms + 50);
    kit_expect_done(&k, cut, REEF_UNSENT, "before the whole of it");
    kit_expect_close(&k, op.link);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nm\r\n");
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, next, REEF_OK, NULL);
    kit_stop(&k);
}

/* What went out whole before it is answered all the same. */
static void test_cut_spares_what_is_in_flight(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    begin(&k);
    uint64_t first = kit_submit(&k, "INCR a", false, 1000);
    kit_expect_sent(&k, NULL);
    uint64_t cut = kit_submit(&k, "INCR n", false, 50);
    uint64_t next = kit_submit(&k, "INCR m", false, 1000);
    assert_true(reef_engine_next_op(k.engine, &op));
    reef_engine_sent(k.engine, op.link, 5, k.now_ms);
    assert_true(reef_engine_next_op(k.engine, &op)); /* the socket is full */
    kit_tick_to(&k, k.now_ms + 50);
    kit_expect_done(&k, cut, REEF_UNSENT, "before the whole of it");
    reef_engine_sent(k.engine, op.link, 0, k.now_ms); /* it can take more, too late */
    uint32_t old = k.link;
    kit_tick_to(&k, k.now_ms + REEF_BACKOFF_MAX_MS);
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nm\r\n");
    uint32_t fresh = k.link;
    k.link = old;
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, first, REEF_OK, NULL);
    kit_expect_close(&k, old);
    k.link = fresh;
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, next, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_unsent_by_its_deadline(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    begin(&k);
    uint64_t large = kit_submit(&k, "ECHO a", false, 1000);
    assert_true(
        reef_engine_next_op(k.engine, &op)); /* the socket is full: no answer yet */
    uint64_t id = kit_submit(&k, "INCR n", false, 50);
    kit_tick_to(&k, k.now_ms + 50);
    kit_expect_done(&k, id, REEF_UNSENT, "before it could be sent");
    reef_engine_sent(k.engine, op.link, 0, k.now_ms);
    kit_expect_sent(&k, "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n");
    kit_receive(&k, "+a\r\n");
    kit_expect_done(&k, large, REEF_OK, NULL);
    kit_stop(&k);
}

/* An abandoned reply: others on the link still get theirs, new commands go
 * elsewhere. */
static void test_abandoned_reply(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    uint64_t first = kit_submit(&k, "INCR a", false, 1000);
    uint64_t late = kit_submit(&k, "INCR b", false, 50);
    uint64_t third = kit_submit(&k, "INCR c", false, 1000);
    kit_expect_sent(&k, NULL);
    uint32_t old = k.link;
    kit_tick_to(&k, k.now_ms + 50);
    kit_expect_done(&k, late, REEF_UNSURE, "no answer by the deadline");
    uint64_t fresh = kit_submit(&k, "INCR d", false, 900);
    kit_tick_to(&k, k.now_ms + 300);
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nd\r\n");
    uint32_t new = k.link;
    assert_int_not_equal(old, new);
    k.link = old;
    kit_receive(&k, ":1\r\n:2\r\n:3\r\n");
    kit_expect_done(&k, first, REEF_OK, NULL);
    kit_expect_done(&k, third, REEF_OK, NULL);
    kit_expect_none_done(&k);
    kit_expect_close(&k, old);
    k.link = new;
    kit_receive(&k, ":4\r\n");
    kit_expect_done(&k, fresh, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_abandoned_alone_closes(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    uint64_t id = kit_submit(&k, "INCR a", false, 50);
    kit_expect_sent(&k, NULL);
    kit_tick_to(&k, k.now_ms + 50);
    kit_expect_done(&k, id, REEF_UNSURE, NULL);
    kit_expect_close(&k, k.link);
    kit_expect_quiet(&k);
    kit_stop(&k);
}

static void test_draining_links_are_bounded(void **state)
{
    (void)state;
    kit k;
    uint64_t held[REEF_SERVE_LINKS_MAX];
    begin(&k);
    for (size_t i = 0; i < REEF_SERVE_LINKS_MAX; i++) {
        held[i] = kit_submit(&k, "INCR a", false, 1000000);
        uint64_t late = kit_submit(&k, "INCR b", false, 10);
        kit_expect_sent(&k, NULL);
        kit_tick_to(&k, k.now_ms + 10);
        kit_expect_done(&k, late, REEF_UNSURE, "no answer by the deadline");
        if (i + 1 == REEF_SERVE_LINKS_MAX)
            break;
        reef_engine_tend(k.engine, k.now_ms);
        kit_tick_to(&k, k.now_ms + REEF_BACKOFF_MAX_MS);
        kit_connect(&k);
    }
    /* All owe something: the oldest makes room, and its command is told. */
    reef_engine_tend(k.engine, k.now_ms);
    kit_tick_to(&k, k.now_ms + REEF_BACKOFF_MAX_MS);
    kit_expect_done(&k, held[0], REEF_UNSURE, "too many connections owe answers");
    kit_expect_none_done(&k);
    kit_expect_close(&k, 0);
    kit_connect(&k);
    assert_int_equal(k.link, 0);
    kit_stop(&k);
}

static void test_unasked_reply(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    kit_receive(&k, "+surprise\r\n");
    kit_expect_close(&k, k.link);
    kit_stop(&k);
}

/* The rest of it would have been taken for the answer to the next command. */
static void test_half_a_reply_unasked(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    kit_receive(&k, "$5\r\nwro");
    uint32_t old = k.link;
    uint64_t id = kit_submit(&k, "GET token", false, 1000);
    kit_expect_close(&k, old);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "$5\r\ntoken\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

static void test_garbage_in_flight(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    uint64_t a = kit_submit(&k, "INCR a", false, 1000);
    uint64_t b = kit_submit(&k, "INCR b", false, 1000);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "?\r\n");
    kit_expect_done(&k, a, REEF_PROTOCOL, "bad type byte");
    kit_expect_done(&k, b, REEF_UNSURE, "may have run");
    kit_expect_close(&k, k.link);
    kit_stop(&k);
}

/* A reply that began before the command had gone out is not its answer, though it ends
 * behind it. */
static void test_reply_begun_too_early(void **state)
{
    (void)state;
    static const size_t taken[] = {0, 5};
    for (size_t i = 0; i < 2; i++) {
        kit k;
        reef_op op;
        begin(&k);
        uint64_t id = kit_submit(&k, "GET token", false, 1000);
        assert_true(reef_engine_next_op(k.engine, &op));
        reef_engine_sent(k.engine, op.link, taken[i], k.now_ms);
        kit_receive(&k, "$5\r\nwro");
        if (taken[i] > 0) {
            assert_true(reef_engine_next_op(k.engine, &op));
            assert_int_equal(op.kind, REEF_OP_SEND);
            reef_engine_sent(k.engine, op.link, op.bytes.len, k.now_ms);
            kit_expect_done(&k, id, REEF_PROTOCOL, "nobody asked for");
        }
        kit_expect_close(&k, k.link);
        kit_receive(&k, "ng\r\n");
        kit_expect_none_done(&k);
        if (taken[i] == 0) {
            kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
            kit_connect(&k);
            kit_expect_sent(&k, "*2\r\n$3\r\nGET\r\n$5\r\ntoken\r\n");
        }
        kit_stop(&k);
    }
}

/* A server with a limit lower than ours answers before it has the whole command, and
 * hangs up: once is enough. */
static void test_refused_midway(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    begin(&k);
    uint64_t id = kit_submit(&k, "SET k large", false, 1000);
    uint64_t next = kit_submit(&k, "INCR n", false, 1000);
    assert_true(reef_engine_next_op(k.engine, &op));
    reef_engine_sent(k.engine, op.link, 20, k.now_ms);
    kit_receive(&k, "-ERR Protocol error: invalid bulk length\r\n");
    kit_expect_done(&k, id, REEF_REFUSED, "invalid bulk length");
    kit_expect_none_done(&k);
    kit_expect_close(&k, op.link);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, next, REEF_OK, NULL);
    kit_stop(&k);
}

/* It would end one link after the other, and what others have on them. */
static void test_too_large_a_reply_is_not_asked_for_again(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    uint64_t id = kit_submit(&k, "KEYS *", true, 1000);
    uint64_t next = kit_submit(&k, "GET a", true, 1000);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "*1073741824\r\n");
    kit_expect_done(&k, id, REEF_PROTOCOL, "its reply can't be taken");
    kit_expect_none_done(&k);
    kit_expect_close(&k, k.link);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    kit_receive(&k, "+v\r\n");
    kit_expect_done(&k, next, REEF_OK, NULL);
    kit_stop(&k);
}

/* Tried until the deadline, a repeatable command still says what was wrong each
 * time. */
static void test_garbage_is_named_in_the_end(void **state)
{
    (void)state;
    kit k;
    begin(&k);
    uint64_t id = kit_submit(&k, "GET a", true, 1000);
    int64_t end = k.now_ms + 1000;
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "?\r\n");
    kit_expect_close(&k, k.link);
    kit_tick_to(&k, end);
    kit_expect_done(&k, id, REEF_UNSURE, "does not speak RESP");
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_keeps_order),
        cmocka_unit_test(test_lost_after_sending),
        cmocka_unit_test(test_cut_command_never_ran),
        cmocka_unit_test(test_cut_by_its_deadline),
        cmocka_unit_test(test_cut_spares_what_is_in_flight),
        cmocka_unit_test(test_unsent_by_its_deadline),
        cmocka_unit_test(test_abandoned_reply),
        cmocka_unit_test(test_abandoned_alone_closes),
        cmocka_unit_test(test_draining_links_are_bounded),
        cmocka_unit_test(test_unasked_reply),
        cmocka_unit_test(test_half_a_reply_unasked),
        cmocka_unit_test(test_garbage_in_flight),
        cmocka_unit_test(test_reply_begun_too_early),
        cmocka_unit_test(test_refused_midway),
        cmocka_unit_test(test_too_large_a_reply_is_not_asked_for_again),
        cmocka_unit_test(test_garbage_is_named_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
