/* SPDX-License-Identifier: Apache-2.0
 *
 * resp/utf8.c: every character there and back, and every beginning of one judged. */
#include "resp/resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* By the table of RFC 3629 section 4, apart from the code under test. */
static size_t expected_size(const unsigned char *b, size_t len)
{
    static const struct {
        unsigned char from, to, low, high;
        size_t size;
    } rows[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
        {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    if (len > 0 && b[0] <= 0x7F)
        return 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (len < rows[i].size || b[0] < rows[i].from || b[0] > rows[i].to)
            continue;
        if (b[1] < rows[i].low || b[1] > rows[i].high)
            return 0;
        for (size_t k = 2; k < rows[i].size; k++)
            if (b[k] < 0x80 || b[k] > 0xBF)
                return 0;
        return rows[i].size;
    }
    return 0;
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        char bytes[4];
        uint32_t got;
        size_t size = reef_utf8_put(point, bytes);
        size_t want = point >= 0xD800 && point <= 0xDFFF ? 0 : size;
        if (reef_utf8_get((reef_str){bytes, size}, 0, &got) != want ||
            got != (want ? point : 0))
            fail_msg("U+%04X", (unsigned)point);
        if (reef_utf8_size((reef_str){bytes, size - 1}, 0) != 0)
            fail_msg("U+%04X cut", (unsigned)point);
    }
}

static void test_all_beginnings(void **state)
{
    (void)state;
    static const unsigned char third[] = {0x00, 0x28, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t t = 0; t < sizeof third; t++) {
                unsigned char b[4] = {(unsigned char)first, (unsigned char)second,
                                      third[t], third[(t * 3 + second) % sizeof third]};
                for (size_t len = 0; len <= 4; len++)
                    if (reef_utf8_size((reef_str){(const char *)b, len}, 0) !=
                        expected_size(b, len))
                        fail_msg("%02x %02x %02x %02x, %zu", b[0], b[1], b[2], b[3],
                                 len);
            }
        }
    }
}

static void test_places(void **state)
{
    (void)state;
    reef_str text = reef_str_of("a\xC3\xA9z");
    assert_int_equal(reef_utf8_size(text, 0), 1);
    assert_int_equal(reef_utf8_size(text, 1), 2);
    assert_int_equal(reef_utf8_size(text, 2), 0);
    assert_int_equal(reef_utf8_size(text, 3), 1);
    assert_int_equal(reef_utf8_size(text, 4), 0);
    assert_int_equal(reef_utf8_size(text, SIZE_MAX), 0);
    assert_int_equal(reef_utf8_size((reef_str){NULL, 0}, 0), 0);
    assert_true(reef_utf8_valid((reef_str){NULL, 0}));
    assert_true(reef_utf8_valid(reef_str_of("caf\xC3\xA9 \xF0\x9F\x98\x80")));
    assert_false(reef_utf8_valid(reef_str_of("caf\xC3")));
    assert_false(reef_utf8_valid(reef_str_of("\xC0\x80")));
    assert_false(reef_utf8_valid(reef_str_of("a\xE0\x80\x80z")));
}

/* Both ends of what a terminal must not be given, and their neighbours. */
static void test_shown(void **state)
{
    static const uint32_t hidden[][2] = {
        {0x0000, 0x001F}, {0x007F, 0x009F},   {0x00AD, 0x00AD},  {0x061C, 0x061C},
        {0x115F, 0x1160}, {0x180B, 0x180F},   {0x200B, 0x200F},  {0x2028, 0x202E},
        {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFEFF, 0xFEFF},  {0xFFA0, 0xFFA0},
        {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0xE0000, 0xE0FFF}};
    (void)state;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (reef_utf8_shown(hidden[i][0]) || reef_utf8_shown(hidden[i][1]))
            fail_msg("U+%04X is shown", (unsigned)hidden[i][0]);
        if (!reef_utf8_shown(hidden[i][1] + 1) ||
            (i > 0 && !reef_utf8_shown(hidden[i][0] - 1)))
            fail_msg("beside U+%04X", (unsigned)hidden[i][0]);
    }
    assert_true(reef_utf8_shown('a'));
    assert_true(reef_utf8_shown(0xFE0F)); /* emoji are written with it */
    assert_true(reef_utf8_shown(0xFFFD));
    assert_true(reef_utf8_shown(0x1F600));
    assert_true(reef_utf8_shown(0x10FFFF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_all_beginnings),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
