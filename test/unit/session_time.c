/* SPDX-License-Identifier: Apache-2.0
 *
 * Times as texts, both ways. */
#include "session/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static const struct {
    int64_t unix_ns;
    const char *text;
} written[] = {
    {0, "1970-01-01T00:00:00Z"},
    {1, "1970-01-01T00:00:00.000000001Z"},
    {10, "1970-01-01T00:00:00.00000001Z"},
    {120000000, "1970-01-01T00:00:00.12Z"},
    {999999999, "1970-01-01T00:00:00.999999999Z"},
    {-1, "1969-12-31T23:59:59.999999999Z"},
    {-SECOND, "1969-12-31T23:59:59Z"},
    {1767323045 * SECOND + 120000000, "2026-01-02T03:04:05.12Z"},
    {1735689600 * SECOND, "2025-01-01T00:00:00Z"},
    {951782400 * SECOND, "2000-02-29T00:00:00Z"},
    {951868800 * SECOND, "2000-03-01T00:00:00Z"},
    {4107542399 * SECOND, "2100-02-28T23:59:59Z"},
    {4107542400 * SECOND, "2100-03-01T00:00:00Z"},
    {INT64_C(-2203891200) * SECOND, "1900-03-01T00:00:00Z"},
    {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
    {INT64_MIN + 1, "1677-09-21T00:12:43.145224193Z"},
    {INT64_MIN, "0001-01-01T00:00:00Z"},
};

static bool read_text(const char *text, int64_t *out)
{
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    bool good = reef_time_read((reef_str){exact, len}, out);
    free(exact);
    return good;
}

static void test_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        char text[REEF_TIME_TEXT];
        int64_t back;
        assert_int_equal(reef_time_write(written[i].unix_ns, text),
                         strlen(written[i].text));
        assert_string_equal(text, written[i].text);
        assert_true(read_text(text, &back));
        assert_true(back == written[i].unix_ns);
    }
}

static const struct {
    const char *text;
    int64_t unix_ns;
} taken[] = {
    {"2026-01-02T03:04:05+00:00", 1767323045 * SECOND},
    {"2026-01-02T03:04:05-00:00", 1767323045 * SECOND},
    {"2026-01-02T05:34:05+02:30", 1767323045 * SECOND},
    {"2026-01-01T19:04:05-08:00", 1767323045 * SECOND},
    {"2026-01-03T03:03:05+23:59", 1767323045 * SECOND},
    {"2026-01-02T03:04:05.5Z", 1767323045 * SECOND + 500000000},
    {"2026-01-02T03:04:05.500000000Z", 1767323045 * SECOND + 500000000},
    {"2026-01-02T03:04:05.1234567899999Z", 1767323045 * SECOND + 123456789},
    {"2026-01-02T03:04:05.0000000009Z", 1767323045 * SECOND},
    {"2024-02-29T00:00:00Z", 1709164800 * SECOND},
    {"0000-01-01T00:00:00Z", REEF_TIME_ZERO},
    {"0000-01-01T00:00:00+23:59", REEF_TIME_ZERO},
    {"0001-01-01T00:00:00Z", REEF_TIME_ZERO},
    {"0001-01-01T00:00:00.5Z", REEF_TIME_ZERO},
    {"1677-09-21T00:12:43.145224191Z", REEF_TIME_ZERO},
    {"1677-09-21T00:12:43Z", REEF_TIME_ZERO},
    {"1677-09-21T00:12:43.145224193Z", INT64_MIN + 1},
    {"1677-09-21T00:12:44Z", INT64_C(-9223372036) * SECOND},
    {"2262-04-11T23:47:16.854775806Z", INT64_MAX - 1},
    {"2262-04-11T23:47:16.854775808Z", INT64_MAX},
    {"2262-04-11T23:47:17Z", INT64_MAX},
    {"9999-12-31T23:59:59.999999999Z", INT64_MAX},
    {"9999-12-31T23:59:59-23:59", INT64_MAX},
};

static const char *const refused[] = {
    "",
    "x",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04Z",
    "2026-01-02t03:04:05Z",
    "2026-01-02T03:04:05z",
    "2026-01-02 03:04:05Z",
    "2026-1-02T03:04:05Z",
    "2026-01-2T03:04:05Z",
    "2026-01-02T3:04:05Z",
    "26-01-02T03:04:05Z",
    "12026-01-02T03:04:05Z",
    "-026-01-02T03:04:05Z",
    "2026-00-02T03:04:05Z",
    "2026-13-02T03:04:05Z",
    "2026-01-00T03:04:05Z",
    "2026-01-32T03:04:05Z",
    "2026-04-31T03:04:05Z",
    "2026-02-29T03:04:05Z",
    "1900-02-29T03:04:05Z",
    "2026-01-02T24:04:05Z",
    "2026-01-02T03:60:05Z",
    "2026-01-02T03:04:60Z",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05,5Z",
    "2026-01-02T03:04:05.5",
    "2026-01-02T03:04:05Zx",
    "2026-01-02T03:04:05ZZ",
    " 2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02T03:04:05+00:60",
    "2026-01-02T03:04:05+0000",
    "2026-01-02T03:04:05+00",
    "2026-01-02T03:04:05+00:0",
    "2026-01-02T03:04:05+00:000",
    "2026-01-02T03:04:05 +00:00",
    "2026-01-02T03:04:05GMT",
    "2026/01/02T03:04:05Z",
    "2026-01-02T03-04-05Z",
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        int64_t unix_ns = 7;
        assert_true(read_text(taken[i].text, &unix_ns));
        if (unix_ns != taken[i].unix_ns)
            print_error("%s: %lld\n", taken[i].text, (long long)unix_ns);
        assert_true(unix_ns == taken[i].unix_ns);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int64_t unix_ns = 7;
        if (read_text(refused[i], &unix_ns))
            print_error("taken: %s\n", refused[i]);
        assert_false(read_text(refused[i], &unix_ns));
        assert_int_equal(unix_ns, 7);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    static const char whole[] = "2026-01-02T03:04:05.123456789+01:30";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char text[sizeof whole] = {0};
        int64_t unix_ns;
        memcpy(text, whole, len);
        assert_false(read_text(text, &unix_ns));
    }
}

/* Every day of the years that nanoseconds reach: the dates follow each other, and each
 * reads back. */
static void test_every_day(void **state)
{
    (void)state;
    static const int months[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1678, month = 1, day = 1;
    char text[REEF_TIME_TEXT];
    int64_t first, back;
    assert_true(read_text("1678-01-01T12:00:00Z", &first));
    while (year < 2262) {
        char expected[64];
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT12:00:00Z", year, month,
                 day);
        reef_time_write(first, text);
        assert_string_equal(text, expected);
        assert_true(read_text(text, &back));
        assert_true(back == first);
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int last = months[month - 1] + (month == 2 && leap ? 1 : 0);
        day = day < last ? day + 1 : 1;
        month = day == 1 ? month % 12 + 1 : month;
        year += day == 1 && month == 1 ? 1 : 0;
        first += 86400 * SECOND;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_every_day),
    };
    return cmocka_run_group_tests_name("session_time", tests, NULL, NULL);
}
