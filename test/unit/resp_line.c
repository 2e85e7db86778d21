/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines: their ceilings at n and n + 1, and that a long one is not read twice. */
#include "test/unit/resp_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void check_line(const reef_limits *limits, const char *bytes, const char *text,
                       size_t at)
{
    reef_str stream = reef_str_of(bytes);
    help_outcome out = help_run_guarded(limits, 3, stream, NULL, 0);
    assert_string_equal(out.text, text);
    if (text[0] != '\0') {
        assert_int_equal(out.at, at);
        assert_int_equal(out.code, REEF_LIMIT);
    }
    help_every_cut(bytes, limits, 3, stream, &out);
    help_outcome steps = help_run_steps(limits, 3, stream, 1);
    help_assert_same(bytes, &out, &steps);
}

static void test_line_limit(void **state)
{
    (void)state;
    const reef_limits limits = {.line = 5};
    check_line(&limits, "+12345\r\n", "", 0);
    check_line(&limits, "+123456\r\n", "line too long", 6);
    check_line(&limits, "-12345\r\n", "", 0);
    check_line(&limits, "-123456", "line too long", 6);
    check_line(&limits, "(12345\r\n", "", 0);
    check_line(&limits, "(123456\r\n", "line too long", 6);
    check_line(&limits, ",1.234\r\n", "", 0);
    check_line(&limits, ",1.2345\r\n", "line too long", 6);
    /* Integers and lengths have ceilings of their own. */
    check_line(&limits, ":123456789\r\n", "", 0);
    check_line(&limits, "$000000000012\r", "", 0);
    const reef_limits edge = {.line = 23};
    check_line(&edge, "+12345678901234567890123\r\n", "", 0);
    check_line(&edge, "+123456789012345678901234\r\n", "line too long", 24);
    const reef_limits quick = {.line = 24};
    check_line(&quick, "+123456789012345678901234\r\n:1\r\n", "", 0);
    check_line(&quick, "+1234567890123456789012345\r\n", "line too long", 25);
}

/* A line of 32 MiB that never ends, in pieces of 1,448 bytes: were it read again from
 * its start each time, this would take hours, not moments. */
static void test_line_linear(void **state)
{
    (void)state;
    const reef_limits limits = {.line = (size_t)64 << 20};
    reef_parser *p = reef_parser_new(&limits, 3);
    static char piece[1448];
    memset(piece, 'x', sizeof piece);
    piece[0] = '+';
    for (size_t i = 0; i < ((size_t)32 << 20) / sizeof piece; i++) {
        assert_int_equal(reef_parser_feed(p, (reef_str){piece, sizeof piece}), REEF_OK);
        assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
        piece[0] = 'x';
    }
    assert_int_equal(reef_parser_feed(p, reef_str_of("\r\n")), REEF_OK);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_line_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
