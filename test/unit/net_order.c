/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands on their way in: what is refused before anything is sent, and where the rest
 * is to go. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- refused ------------------------------------------------------------------ */

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *commands, *text;
    } cases[] = {
        {"MULTI", "EXEC does not follow"},
        {"MULTI,SET a 1", "EXEC does not follow"},
        {"SUBSCRIBE x", NULL},
        {"MGET a b", "live in different slots"},
        {"GET a,GET b", "live in different slots"},
        {"MULTI,GET a,GET b,EXEC", "live in different slots"},
    };
    ring *r = ring_usual("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_done done;
        uint64_t id = ring_call(r, cases[i].commands, 1000);
        uint32_t count = 0;
        while (reef_engine_next_done(r->s.k.engine, &done)) {
            assert_int_equal(done.ticket, id + count);
            assert_int_equal(done.index, count++);
            assert_int_equal(reef_reply_code(done.reply), REEF_BADARG);
            if (cases[i].text)
                assert_non_null(strstr(reef_reply_text(done.reply), cases[i].text));
            reef_reply_free(done.reply);
        }
        assert_true(count > 0);
    }
    ring_logged(r, "");
    assert_false(reef_engine_called(r->s.k.engine));
    ring_stop(r);
}

/* Keys are shown in part, and nothing of them that a terminal would obey. */
static void test_names_of_keys(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    uint64_t id =
        ring_call(r, "MGET a\x1b[31m bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 1000);
    ring_done(r, id, REEF_BADARG, "'a?[31m'");
    id =
        ring_call(r, "MGET a\x1b[31m bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 1000);
    ring_done(r, id, REEF_BADARG, "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'");
    ring_stop(r);
}

static void test_deadline_has_passed(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_done(r, ring_call(r, "GET a", 0), REEF_UNSENT, "the deadline had passed");
    ring_done(r, ring_call(r, "GET a", -5), REEF_UNSENT, "the deadline had passed");
    ring_stop(r);
}

/* No more of them than the engine holds at once. */
static void test_none(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    assert_int_equal(ring_call(r, "", 1000), 0);
    ring_none_done(r);
    ring_stop(r);
}

/* ---- where to ----------------------------------------------------------------- */

/* A node's id means nothing before there is a map, nor without a Cluster. */
static void test_ids(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    uint64_t id = ring_order(r, "DBSIZE", r->nodes[0].id, 1000);
    ring_done(r, id, REEF_NOROUTE,
              "no node of that id is known; nothing was sent: reef_client_members");
    ring_serves(r, "GET a", 2);
    ring_done(r, ring_order(r, "DBSIZE", r->nodes[0].id, 1000), REEF_OK, NULL);
    ring_done(r, ring_order(r, "DBSIZE", "", 1000), REEF_OK, NULL);
    ring_done(r, ring_order(r, "DBSIZE", NULL, 1000), REEF_OK, NULL);
    ring_stop(r);

    kit k;
    kit_start(&k, "server.redis.hosts = [\"10.0.0.1\"]");
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "DBSIZE");
    const reef_cmd *one = cmd;
    reef_order order = {&one, 1, 99, k.now_ms + 100, "some id"};
    uint64_t ticket = reef_engine_order(k.engine, &order, k.now_ms);
    kit_expect_done(&k, ticket, REEF_NOROUTE, "some id");
    reef_cmd_free(cmd);
    kit_stop(&k);
}

/* A single server has no slots: keys may go together as they like. */
static void test_single_server(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"10.0.0.1\"]");
    for (int met = 0; met < 2; met++) {
        reef_cmd *cmd = reef_cmd_new();
        reef_cmd_begin(cmd, "MGET");
        reef_cmd_key(cmd, reef_str_of("a"));
        reef_cmd_key(cmd, reef_str_of("b"));
        const reef_cmd *one = cmd;
        uint64_t id =
            reef_engine_submit(k.engine, &one, 1, 99, k.now_ms + 100, k.now_ms);
        if (!met)
            kit_connect(&k);
        kit_expect_sent(&k, "*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n");
        kit_receive(&k, "*0\r\n");
        kit_expect_done(&k, id, REEF_OK, NULL);
        reef_cmd_free(cmd);
    }
    kit_stop(&k);
}

/* Errands are no calls: nobody's deadline hangs on them. */
static void test_errands(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    reef_engine *e = r->s.k.engine;
    ring_serves(r, "GET a", 2);
    assert_false(reef_engine_called(e));
    reef_cmd *cmd = reef_cmd_new();
    const reef_cmd *one = cmd;
    reef_errand_order order = {.errand = REEF_ERRAND_ROLE, .cmds = &one, .count = 1};
    order.deadline_ms = r->s.k.now_ms + 100;
    assert_false(reef_engine_errand(e, e->links[0], &order)); /* it has no bytes */
    reef_cmd_begin(cmd, "ROLE");
    assert_true(reef_engine_errand(e, e->links[0], &order));
    assert_false(reef_engine_called(e));
    assert_true(reef_engine_busy(e));
    ring_run(r);
    assert_false(reef_engine_busy(e));
    ring_none_done(r);
    reef_cmd_free(cmd);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names_of_keys),
        cmocka_unit_test(test_deadline_has_passed),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_single_server),
        cmocka_unit_test(test_errands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
