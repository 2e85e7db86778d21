/* SPDX-License-Identifier: Apache-2.0
 *
 * net/share.c: what may run on a shared connection, and why not. */
#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Words are split at single spaces. */
static reef_code check(const char *words, bool in_multi, reef_error *error)
{
    reef_cmd *cmd = reef_cmd_new();
    assert_non_null(cmd);
    for (const char *at = words; *at;) {
        size_t len = strcspn(at, " ");
        if (at == words)
            reef_cmd_begin_str(cmd, (reef_str){at, len});
        else
            reef_cmd_arg(cmd, (reef_str){at, len});
        at += len + (at[len] == ' ');
    }
    memset(error, 0, sizeof *error);
    reef_code code = reef_cmd_shareable(cmd, in_multi, error);
    reef_cmd_free(cmd);
    return code;
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"SUBSCRIBE a", "subscription"},
        {"psubscribe a*", "subscription"},
        {"SSubscribe a", "subscription"},
        {"UNSUBSCRIBE", "subscription"},
        {"PUNSUBSCRIBE", "subscription"},
        {"SUNSUBSCRIBE", "subscription"},
        {"MONITOR", "stream"},
        {"SYNC", "stream"},
        {"PSYNC ? -1", "stream"},
        {"REPLCONF ack 1", "stream"},
        {"BLPOP a 0", "blocks"},
        {"BRPOP a 0", "blocks"},
        {"BRPOPLPUSH a b 0", "blocks"},
        {"BLMOVE a b LEFT LEFT 0", "blocks"},
        {"BLMPOP 0 1 a LEFT", "blocks"},
        {"BZPOPMIN a 0", "blocks"},
        {"BZPOPMAX a 0", "blocks"},
        {"BZMPOP 0 1 a MIN", "blocks"},
        {"WAIT 1 0", "blocks"},
        {"WAITAOF 1 1 0", "blocks"},
        {"XREAD COUNT 2 BLOCK 0 STREAMS s 0", "blocks"},
        {"xreadgroup GROUP g c block 0 STREAMS s >", "blocks"},
        {"XREADGROUP GROUP streams c BLOCK 0 STREAMS s >", "blocks"},
        {"XREAD COUNT 1 COUNT 1 COUNT 1 COUNT 1 COUNT 1 COUNT 1 COUNT 1 COUNT 1 "
         "COUNT 1 BLOCK 0 STREAMS s 0",
         "blocks"},
        {"CLIENT CAPA redirect", "state"},
        {"CLIENT IMPORT-SOURCE ON", "state"},
        {"WATCH a", "state"},
        {"UNWATCH", "state"},
        {"SELECT 1", "state"},
        {"ASKING", "state"},
        {"READONLY", "state"},
        {"READWRITE", "state"},
        {"CLIENT TRACKING ON", "state"},
        {"client setname x", "state"},
        {"CLIENT NO-EVICT on", "state"},
        {"CLIENT CACHING yes", "state"},
        {"CLIENT REPLY OFF", "replies"},
        {"client reply skip", "replies"},
        {"HELLO 3", "belongs to reef"},
        {"AUTH x", "belongs to reef"},
        {"RESET", "belongs to reef"},
        {"QUIT", "belongs to reef"},
        {"POST /", "hang up"},
        {"host: x", "hang up"},
        {"EXEC", "no MULTI"},
        {"DISCARD", "no MULTI"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        reef_error error;
        if (check(words[i][0], false, &error) != REEF_BADARG)
            fail_msg("%s is allowed", words[i][0]);
        assert_int_equal(error.code, REEF_BADARG);
        if (!strstr(error.text, words[i][1]))
            fail_msg("%s: %s", words[i][0], error.text);
    }
}

static void test_allowed(void **state)
{
    (void)state;
    static const char *const words[] = {
        "GET a",
        "SET a b",
        "PING",
        "EVAL x 0",
        "CLIENT LIST",
        "CLIENT ID",
        "CLIENT",
        "XREAD STREAMS BLOCK 0",
        "LPOP a",
        "PUBLISH a b",
        "MULTI",
        "SCRIPT LOAD x",
        "INFO",
        "SUBSCRIBERS",
        "SUB",
        "XREAD COUNT 1 STREAMS s 0",
        "XREADGROUP GROUP block c STREAMS s >",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        reef_error error;
        if (check(words[i], false, &error) != REEF_OK)
            fail_msg("%s: %s", words[i], error.text);
    }
}

static void test_in_a_transaction(void **state)
{
    (void)state;
    reef_error error;
    assert_int_equal(check("BLPOP a 0", true, &error),
                     REEF_OK); /* does not block there */
    assert_int_equal(check("XREAD BLOCK 0 STREAMS s 0", true, &error), REEF_OK);
    assert_int_equal(check("EXEC", true, &error), REEF_OK);
    assert_int_equal(check("DISCARD", true, &error), REEF_OK);
    assert_int_equal(check("MULTI", true, &error), REEF_BADARG);
    assert_int_equal(check("SUBSCRIBE a", true, &error), REEF_BADARG);
    assert_int_equal(check("SELECT 1", true, &error), REEF_BADARG);
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "QUIT");
    assert_int_equal(reef_cmd_shareable(cmd, false, NULL), REEF_BADARG);
    reef_cmd_free(cmd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_in_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
