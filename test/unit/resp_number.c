/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers: the edges of every form, and doubles against the C library's own reader on
 * many texts. Only this test may call strtod. */
#include "resp/number.h"

#include "test/unit/resp_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_int(const char *text, reef_number end, int64_t value, size_t bad)
{
    int64_t got = 0;
    size_t at = 0;
    assert_int_equal(reef_number_int(text, strlen(text), &got, &at), end);
    if (end == REEF_NUMBER_OK) {
        assert_true(got == value);
    } else if (end == REEF_NUMBER_BAD) {
        assert_int_equal(at, bad);
    }
}

static void test_number_int(void **state)
{
    (void)state;
    check_int("0", REEF_NUMBER_OK, 0, 0);
    check_int("-0", REEF_NUMBER_OK, 0, 0);
    check_int("+7", REEF_NUMBER_OK, 7, 0);
    check_int("9223372036854775807", REEF_NUMBER_OK, INT64_MAX, 0);
    check_int("-9223372036854775808", REEF_NUMBER_OK, INT64_MIN, 0);
    check_int("9223372036854775808", REEF_NUMBER_RANGE, 0, 0);
    check_int("-9223372036854775809", REEF_NUMBER_RANGE, 0, 0);
    check_int("99999999999999999999999", REEF_NUMBER_RANGE, 0, 0);
    check_int("0000000000000000000000000012", REEF_NUMBER_OK, 12, 0);
    check_int("", REEF_NUMBER_BAD, 0, 0);
    check_int("-", REEF_NUMBER_BAD, 0, 1);
    check_int("12a", REEF_NUMBER_BAD, 0, 2);
    check_int("1-", REEF_NUMBER_BAD, 0, 1);
}

static void test_number_big(void **state)
{
    (void)state;
    size_t bad = 0;
    assert_int_equal(reef_number_big("-12345678901234567890", 21, &bad),
                     REEF_NUMBER_OK);
    assert_int_equal(reef_number_big("+1", 2, &bad), REEF_NUMBER_OK);
    assert_int_equal(reef_number_big("+", 1, &bad), REEF_NUMBER_BAD);
    assert_int_equal(bad, 1);
    assert_int_equal(reef_number_big("12.5", 4, &bad), REEF_NUMBER_BAD);
    assert_int_equal(bad, 2);
}

static void test_number_write(void **state)
{
    (void)state;
    const uint64_t numbers[] = {0, 9, 10, 99, 100, 1048576, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char expected[32];
        char got[REEF_DIGITS_MAX];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)numbers[i]);
        const char *first = reef_number_write(got + sizeof got, numbers[i]);
        assert_int_equal(got + sizeof got - first, strlen(expected));
        assert_memory_equal(first, expected, strlen(expected));
    }
}

/* The same bits as strtod gives, or out of range as it says. */
static void check_double(const char *text)
{
    double got = 0;
    size_t bad = 0;
    reef_number end = reef_number_double(text, strlen(text), &got, &bad);
    double expected = strtod(text, NULL);
    if (expected - expected != 0) {
        assert_int_equal(end, REEF_NUMBER_RANGE);
        return;
    }
    if (end != REEF_NUMBER_OK || memcmp(&got, &expected, sizeof got) != 0) {
        print_error("%s: %a, not %a\n", text, got, expected);
        fail();
    }
}

static void test_double_edges(void **state)
{
    (void)state;
    const char *texts[] = {"0",
                           "-0",
                           "0e5",
                           "1",
                           "0.1",
                           "1e22",
                           "1e23",
                           "123456789012345678",
                           "9007199254740993",
                           "9007199254740993.0000000000000000000000000000001",
                           "9007199254740992.9999999999999999999999999999999",
                           "1.7976931348623157e308",
                           "1.7976931348623158e308",
                           "1.7976931348623159e308",
                           "17976931348623158079372897140530341507993413271003782693617"
                           "3778980444968292764750"
                           "94664901797758720709633028641669288791094655554785194040263"
                           "0657488671505820681908"
                           "90200070838367627385484581771153176447573027006985557136695"
                           "9622842914819860834936"
                           "475292719074168444365510704342711559699508093042880",
                           "5e-324",
                           "2.4703282292062327208e-324",
                           "2.4703282292062327209e-324",
                           "2.2250738585072011e-308",
                           "2.2250738585072014e-308",
                           "4.9406564584124654e-324",
                           "1e-323",
                           "1e-1000",
                           "1e309",
                           "-1e309",
                           "0.000001e6",
                           "4503599627370496.5",
                           "4503599627370497.5",
                           "6.631236846766476e-316",
                           "3.237883913302901289588352412501532174863e-319",
                           "1.00000000000000011102230246251565404236316680908203125",
                           "1.00000000000000011102230246251565404236316680908203124",
                           "1.00000000000000011102230246251565404236316680908203126"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_double(texts[i]);
    }
}

/* Halves of neighbours, written exactly and with a digit more or less far behind. */
static void test_double_halves(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (size_t i = 0; i < 3000; i++) {
        uint64_t bits = help_random(&seed) >> 12 | help_random(&seed) % 2046 << 52;
        double value;
        memcpy(&value, &bits, sizeof value);
        long double half = (long double)value;
        bits++;
        memcpy(&value, &bits, sizeof value);
        half = (half + (long double)value) / 2;
        char text[1400];
        int len = snprintf(text, sizeof text - 64, "%.1100Lf", half);
        if (len < 0 || (size_t)len >= sizeof text - 64) {
            len = snprintf(text, sizeof text, "%.1000Lf", half);
            if (len < 0 || (size_t)len >= sizeof text - 64) {
                continue;
            }
        }
        check_double(text);
        memcpy(text + len, "000000000000000000001", 22);
        check_double(text);
    }
}

static void test_double_random(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t i = 0; i < 60000; i++) {
        uint64_t bits = help_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (value - value != 0) {
            continue;
        }
        char text[64];
        snprintf(text, sizeof text, "%.*e", (int)(help_random(&seed) % 24), value);
        check_double(text);
        snprintf(text, sizeof text, "%llu.%llue%d",
                 (unsigned long long)(help_random(&seed) >> (help_random(&seed) % 64)),
                 (unsigned long long)help_random(&seed),
                 (int)(help_random(&seed) % 700) - 350);
        check_double(text);
    }
}

/* More digits than are kept, and exponents that make up for them. */
static void test_double_long(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, '0', sizeof text);
    text[0] = '1';
    memcpy(text + 3000, "e-3000", 7);
    check_double(text);
    memcpy(text + 3000, "1e-2990", 8);
    check_double(text);
    memset(text, '0', 3000);
    text[1] = '.';
    memcpy(text + 2500, "123e2500", 9);
    check_double(text);
    memset(text, '9', 3000);
    text[1] = '.';
    memcpy(text + 3000, "e5", 3);
    check_double(text);
    memset(text, '0', 3000);
    memcpy(text, "9007199254740993.", 17);
    memcpy(text + 2000, "1", 2);
    check_double(text);
}

static void check_form(const char *text, size_t bad)
{
    double value = 0;
    size_t at = 999;
    assert_int_equal(reef_number_double(text, strlen(text), &value, &at),
                     REEF_NUMBER_BAD);
    assert_int_equal(at, bad);
}

static void test_double_forms(void **state)
{
    (void)state;
    check_form("", 0);
    check_form("-", 1);
    check_form(".5", 0);
    check_form("5.", 2);
    check_form("1..2", 2);
    check_form("1e", 2);
    check_form("1e+", 3);
    check_form("1.5x", 3);
    check_form("+inf", 1);
    check_form("+nan", 1);
    check_form("infinity", 0);
    check_form("INF", 0);
    check_form("0x10", 1);
    check_form("1 ", 1);
    double value = 0;
    size_t bad = 0;
    assert_int_equal(reef_number_double("inf", 3, &value, &bad), REEF_NUMBER_OK);
    assert_true(value > 1e308);
    assert_int_equal(reef_number_double("-inf", 4, &value, &bad), REEF_NUMBER_OK);
    assert_true(value < -1e308);
    assert_int_equal(reef_number_double("-nan", 4, &value, &bad), REEF_NUMBER_OK);
    assert_true(value != value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_int),    cmocka_unit_test(test_number_big),
        cmocka_unit_test(test_number_write),  cmocka_unit_test(test_double_edges),
        cmocka_unit_test(test_double_halves), cmocka_unit_test(test_double_random),
        cmocka_unit_test(test_double_long),   cmocka_unit_test(test_double_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
