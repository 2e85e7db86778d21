/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets at n and n + 1: strings, elements, depth, bytes; and their errors. */
#include "test/unit/resp_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void check_limit(const reef_limits *limits, const char *bytes, const char *text,
                        size_t at)
{
    reef_str stream = reef_str_of(bytes);
    help_outcome out = help_run_guarded(limits, 3, stream, NULL, 0);
    if (strcmp(out.text, text) != 0 || (text[0] != '\0' && out.at != at)) {
        print_error("%s: %s@%llu\n", bytes, out.text, (unsigned long long)out.at);
        fail();
    }
    if (text[0] != '\0') {
        assert_int_equal(out.code, REEF_LIMIT);
    } else {
        assert_int_equal(out.end, REEF_PARSE_MORE);
    }
    help_every_cut(bytes, limits, 3, stream, &out);
}

static void test_limit_bulk(void **state)
{
    (void)state;
    const reef_limits limits = {.bulk = 4};
    check_limit(&limits, "$4\r\nabcd\r\n", "", 0);
    check_limit(&limits, "$5\r\n", "length out of range", 1);
    check_limit(&limits, "!5\r\n", "length out of range", 1);
    check_limit(&limits, "=4\r\ntxt:\r\n", "", 0);
    check_limit(&limits, "=5\r\n", "length out of range", 1);
    check_limit(&limits, "$?\r\n;3\r\nabc\r\n;1\r\nd\r\n;0\r\n", "", 0);
    check_limit(&limits, "$?\r\n;3\r\nabc\r\n;2\r\n", "length out of range", 14);
    check_limit(&limits, "$?\r\n;5\r\n", "length out of range", 5);
}

static void test_limit_nodes(void **state)
{
    (void)state;
    const reef_limits limits = {.nodes = 4};
    check_limit(&limits, "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "", 0);
    check_limit(&limits, "*5\r\n", "length out of range", 1);
    check_limit(&limits, "%2\r\n", "", 0);
    check_limit(&limits, "%3\r\n", "length out of range", 1);
    check_limit(&limits, "*2\r\n*2\r\n", "", 0);
    check_limit(&limits, "*2\r\n*3\r\n", "too many elements", 4);
    check_limit(&limits, "*2\r\n*1\r\n*1\r\n", "", 0);
    check_limit(&limits, "*2\r\n*1\r\n*2\r\n", "too many elements", 8);
    check_limit(&limits, "*2\r\n*1\r\n:1\r\n*2\r\n", "too many elements", 12);
    check_limit(&limits, "*?\r\n:1\r\n:1\r\n:1\r\n:1\r\n.\r\n", "", 0);
    check_limit(&limits, "*?\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", "too many elements",
                20);
    check_limit(&limits, "*?\r\n*3\r\n:1\r\n:1\r\n:1\r\n.\r\n", "", 0);
    check_limit(&limits, "*?\r\n*4\r\n", "too many elements", 4);
    /* Attributes spend, too; empty ones one each. */
    check_limit(&limits, "|2\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n", "", 0);
    check_limit(&limits, "|3\r\n", "length out of range", 1);
    check_limit(&limits, "|1\r\n:1\r\n:2\r\n*3\r\n", "too many elements", 12);
    check_limit(&limits, "|0\r\n|0\r\n|0\r\n|0\r\n:1\r\n", "", 0);
    check_limit(&limits, "|0\r\n|0\r\n|0\r\n|0\r\n|0\r\n", "too many elements", 16);
    /* Each value has a budget of its own. */
    check_limit(&limits, "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n*4\r\n", "", 0);
}

static void test_limit_depth(void **state)
{
    (void)state;
    const reef_limits limits = {.depth = 2};
    check_limit(&limits, "*1\r\n*1\r\n:1\r\n", "", 0);
    check_limit(&limits, "*1\r\n*1\r\n*1\r\n", "too deep", 8);
    check_limit(&limits, "*1\r\n*1\r\n*0\r\n", "too deep", 8);
    check_limit(&limits, "*1\r\n*1\r\n*-1\r\n", "", 0);
    check_limit(&limits, "*1\r\n*1\r\n%0\r\n", "too deep", 8);
    check_limit(&limits, "*1\r\n*1\r\n~?\r\n", "too deep", 8);
    check_limit(&limits, "*1\r\n*1\r\n|0\r\n", "too deep", 8);
    check_limit(&limits, "*1\r\n|1\r\n:1\r\n:2\r\n*1\r\n:3\r\n", "", 0);
    check_limit(&limits, "|1\r\n*1\r\n*0\r\n", "too deep", 8);
    check_limit(&limits, "|0\r\n|0\r\n|0\r\n|1\r\n:1\r\n:2\r\n*1\r\n*0\r\n", "", 0);
    char deep[REEF_DEPTH_MAX * 4 + 16];
    const reef_limits most = {.depth = 100000};
    for (size_t i = 0; i < REEF_DEPTH_MAX; i++) {
        memcpy(deep + 4 * i, "*1\r\n", 4);
    }
    strcpy(deep + 4 * REEF_DEPTH_MAX, ":1\r\n");
    check_limit(&most, deep, "", 0);
    strcpy(deep + 4 * REEF_DEPTH_MAX, "*0\r\n");
    check_limit(&most, deep, "too deep", (size_t)4 * REEF_DEPTH_MAX);
}

static void test_limit_bytes(void **state)
{
    (void)state;
    const reef_limits limits = {.reply_bytes = 12};
    check_limit(&limits, "$6\r\nabcdef\r\n", "", 0);
    check_limit(&limits, "$7\r\n", "reply too large", 1);
    check_limit(&limits, "+123456789\r\n+123456789\r\n", "", 0);
    check_limit(&limits, "+1234567890\r\n", "reply too large", 10);
    check_limit(&limits, "*2\r\n:1\r\n:2\r\n", "", 0);
    check_limit(&limits, "*2\r\n:1\r\n:12\r\n", "reply too large", 10);
    check_limit(&limits, "*3\r\n:1\r\n:1\r\n:1\r\n", "reply too large", 12);
    check_limit(&limits, "*2\r\n:12\r\n:1\r\n", "reply too large", 10);
    check_limit(&limits, "*2\r\n:123\r\n:1\r\n", "reply too large", 10);
    check_limit(&limits, "$?\r\n;3\r\n", "reply too large", 5);
    const reef_limits tiny = {.reply_bytes = 1};
    check_limit(&tiny, "+\r\n", "reply too large", 0);
}

static void test_limit_defaults(void **state)
{
    (void)state;
    check_limit(NULL, "$536870912\r\n", "", 0);
    check_limit(NULL, "$536870913\r\n", "length out of range", 1);
    check_limit(NULL, "*1048576\r\n", "", 0);
    check_limit(NULL, "*1048577\r\n", "length out of range", 1);
    check_limit(NULL, "*2\r\n*1048576\r\n", "too many elements", 4);
    const reef_limits most = {.nodes = UINT32_MAX};
    check_limit(&most, "*16777214\r\n", "", 0);
    check_limit(&most, "*16777215\r\n", "length out of range", 1);
    const reef_limits large = {.bulk = SIZE_MAX, .reply_bytes = SIZE_MAX};
    check_limit(&large, "$4000000000\r\n", "", 0);
    check_limit(&large, "$5000000000\r\n", "length out of range", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_bulk),     cmocka_unit_test(test_limit_nodes),
        cmocka_unit_test(test_limit_depth),    cmocka_unit_test(test_limit_bytes),
        cmocka_unit_test(test_limit_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
