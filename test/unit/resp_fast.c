/* SPDX-License-Identifier: Apache-2.0
 *
 * The common elements: fast.h and machine.c must agree on every length and every byte,
 * which feeding byte by byte (machine.c alone) against whole (fast.h where it can)
 * shows. */
#include "test/unit/resp_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* Behind the element stands more than fast.h wants to see. */
static void check_agree(const char *element, size_t len)
{
    char bytes[512];
    const char *frames[] = {"", "*2\r\n:1\r\n", "*3\r\n", "|1\r\n+a\r\n", "~?\r\n"};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        size_t at = strlen(frames[i]);
        memcpy(bytes, frames[i], at);
        memcpy(bytes + at, element, len);
        memcpy(bytes + at + len, "+0123456789\r\n+0123456789\r\n", 26);
        reef_str all = {bytes, at + len + 26};
        help_outcome whole = help_run_guarded(NULL, 3, all, NULL, 0);
        help_outcome steps = help_run_steps(NULL, 3, all, 1);
        help_assert_same(element, &whole, &steps);
    }
}

static void test_fast_lengths(void **state)
{
    (void)state;
    char text[256];
    for (size_t len = 0; len < 120; len++) {
        int n = snprintf(text, sizeof text, "$%zu\r\n", len);
        memset(text + n, 'b', len);
        memcpy(text + (size_t)n + len, "\r\n", 2);
        check_agree(text, (size_t)n + len + 2);
        memset(text + 1, 's', len);
        text[0] = '+';
        memcpy(text + 1 + len, "\r\n", 2);
        check_agree(text, len + 3);
    }
}

static void test_fast_ints(void **state)
{
    (void)state;
    char text[64];
    for (size_t digits = 0; digits < 23; digits++) {
        for (size_t form = 0; form < 6; form++) {
            memset(text, form % 2 == 0 ? '9' : '0', sizeof text);
            text[0] = ':';
            text[1] = form / 2 == 1 ? '-' : form / 2 == 2 ? '+' : text[1];
            size_t len = digits + (form > 1 ? 2 : 1);
            memcpy(text + len, "\r\n", 2);
            check_agree(text, len + 2);
        }
    }
}

/* One byte of a good element replaced by each of those that matter, at each place. */
static void test_fast_bytes(void **state)
{
    (void)state;
    static const char *const good[] = {"$12\r\nabcdefghijkl\r\n",
                                       ":-123\r\n",
                                       "+OK 1\r\n",
                                       "$0\r\n\r\n",
                                       ":0\r\n",
                                       "+\r\n"};
    static const char bytes[] = "\r\n\0:-+$*09a\xFF ;._";
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t len = strlen(good[i]);
        for (size_t at = 0; at < len * (sizeof bytes - 1); at++) {
            char text[64];
            memcpy(text, good[i], len + 1);
            text[at % len] = bytes[at / len];
            check_agree(text, len);
        }
    }
}

/* The same with small limits: what passes them must not slip through. */
static void test_fast_limits(void **state)
{
    (void)state;
    static const char stream[] =
        "$9\r\n123456789\r\n+0123456789\r\n:123456789\r\n"
        "*2\r\n$9\r\n123456789\r\n:1\r\n+01234567890123456789\r\n";
    reef_str all = {stream, sizeof stream - 1};
    for (size_t n = 1; n < 40; n++) {
        const reef_limits limits[] = {{.bulk = n}, {.line = n}, {.reply_bytes = n}};
        for (size_t i = 0; i < 3; i++) {
            help_outcome whole = help_run_guarded(&limits[i], 3, all, NULL, 0);
            help_outcome steps = help_run_steps(&limits[i], 3, all, 1);
            help_assert_same("limits", &whole, &steps);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast_lengths),
        cmocka_unit_test(test_fast_ints),
        cmocka_unit_test(test_fast_bytes),
        cmocka_unit_test(test_fast_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
