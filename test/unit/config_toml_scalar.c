/* SPDX-License-Identifier: Apache-2.0
 *
 * config_toml_scalar: numbers, booleans, dates and times, each as the value of a key
 * and as an element of an array. */
#include "config/toml.h"
#include "config_help.h"

/* The event of `value` in the text before and after it, or BAD wherever it failed. */
static reef_toml_kind judge(const char *before, const char *value, const char *after,
                            reef_toml_event *event, int64_t *number)
{
    char bytes[512];
    int len = snprintf(bytes, sizeof bytes, "%s%s%s", before, value, after);
    assert_true(len > 0 && (size_t)len < sizeof bytes);
    reef_str text = help_copy(bytes, (size_t)len);
    reef_toml reader;
    reef_toml_event next;
    reef_toml_kind kind = REEF_TOML_BAD;
    reef_toml_init(&reader, text, NULL);
    while (reef_toml_next(&reader, &next) > REEF_TOML_BAD) {
        if (next.kind < REEF_TOML_STRING)
            continue;
        *event = next;
        kind = next.kind;
        if (!reef_toml_integer(&next, number))
            *number = -77;
        if (next.text.len != strlen(value) ||
            memcmp(next.text.ptr, value, next.text.len))
            fail_msg("%s is read as %.*s", value, (int)next.text.len, next.text.ptr);
    }
    help_free(text);
    return next.kind == REEF_TOML_BAD ? REEF_TOML_BAD : kind;
}

static void check_kind(const char *value, reef_toml_kind kind)
{
    static const char *const around[][2] = {
        {"k = ", ""},       {"k=", "\n"},     {"k = ", " # c"},   {"k = [", "]"},
        {"k = [ ", " , ]"}, {"k = {v=", "}"}, {"k =\t", "\t\r\n"}};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        reef_toml_event event;
        int64_t number;
        if (judge(around[i][0], value, around[i][1], &event, &number) != kind)
            fail_msg("%s%s%s is not of kind %d", around[i][0], value, around[i][1],
                     (int)kind);
    }
}

static void integers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        {"0", 0},
        {"+0", 0},
        {"-0", 0},
        {"1", 1},
        {"+99", 99},
        {"-17", -17},
        {"1_000", 1000},
        {"1_2_3", 123},
        {"5_349_221", 5349221},
        {"9223372036854775807", INT64_MAX},
        {"+9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"-9223372036854775807", -INT64_MAX},
        {"9_223_372_036_854_775_807", INT64_MAX},
        {"0x0", 0},
        {"0xDEADBEEF", 3735928559},
        {"0xdead_beef", 3735928559},
        {"0x7fffffffffffffff", INT64_MAX},
        {"0x00000000000000000001", 1},
        {"0o17", 15},
        {"0o0_1", 1},
        {"0o777777777777777777777", INT64_MAX},
        {"0b0", 0},
        {"0b11_01", 13},
        {"0b111111111111111111111111111111111111111111111111111111111111111",
         INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_toml_event event;
        int64_t number;
        check_kind(cases[i].text, REEF_TOML_INTEGER);
        judge("k = ", cases[i].text, "", &event, &number);
        if (number != cases[i].value)
            fail_msg("%s is read as %lld", cases[i].text, (long long)number);
    }
}

static void floats(void **state)
{
    static const char *const cases[] = {"0.0",
                                        "-0.0",
                                        "+0.0",
                                        "1.5",
                                        "3.1415",
                                        "-0.01",
                                        "1e06",
                                        "5e+22",
                                        "-2E-2",
                                        "1E9",
                                        "6.626e-34",
                                        "0e0",
                                        "0.0e0",
                                        "9_2.1_1",
                                        "1_0e1_0",
                                        "1.0_0",
                                        "224_617.445_991_228",
                                        "1e0001",
                                        "0.5",
                                        "inf",
                                        "+inf",
                                        "-inf",
                                        "nan",
                                        "+nan",
                                        "-nan",
                                        "1e400",
                                        "12345678901234567890.0",
                                        "0.00000000000000000000000000000000001"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_kind(cases[i], REEF_TOML_FLOAT);
}

static void booleans(void **state)
{
    (void)state;
    check_kind("true", REEF_TOML_BOOL);
    check_kind("false", REEF_TOML_BOOL);
}

static void dates(void **state)
{
    static const struct {
        const char *text;
        reef_toml_kind kind;
    } cases[] = {
        {"1979-05-27T07:32:00Z", REEF_TOML_DATE_TIME},
        {"1979-05-27t07:32:00z", REEF_TOML_DATE_TIME},
        {"1979-05-27 07:32:00Z", REEF_TOML_DATE_TIME},
        {"1979-05-27T00:32:00-07:00", REEF_TOML_DATE_TIME},
        {"1979-05-27T00:32:00.999999-07:00", REEF_TOML_DATE_TIME},
        {"1979-05-27T00:32:00.1234567890123+23:59", REEF_TOML_DATE_TIME},
        {"1979-05-27T07:32Z", REEF_TOML_DATE_TIME},
        {"1979-05-27 07:32-07:00", REEF_TOML_DATE_TIME},
        {"2016-12-31T23:59:60Z", REEF_TOML_DATE_TIME},
        {"0000-01-01T00:00:00Z", REEF_TOML_DATE_TIME},
        {"1979-05-27T07:32:00", REEF_TOML_LOCAL_DATE_TIME},
        {"1979-05-27 07:32:00.5", REEF_TOML_LOCAL_DATE_TIME},
        {"1979-05-27T07:32", REEF_TOML_LOCAL_DATE_TIME},
        {"1979-05-27 07:32", REEF_TOML_LOCAL_DATE_TIME},
        {"1979-05-27", REEF_TOML_LOCAL_DATE},
        {"9999-12-31", REEF_TOML_LOCAL_DATE},
        {"2024-02-29", REEF_TOML_LOCAL_DATE},
        {"2000-02-29", REEF_TOML_LOCAL_DATE},
        {"2023-04-30", REEF_TOML_LOCAL_DATE},
        {"07:32:00", REEF_TOML_LOCAL_TIME},
        {"00:00:00", REEF_TOML_LOCAL_TIME},
        {"23:59:59.999999", REEF_TOML_LOCAL_TIME},
        {"23:59:60", REEF_TOML_LOCAL_TIME},
        {"23:59", REEF_TOML_LOCAL_TIME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_kind(cases[i].text, cases[i].kind);
}

static const char *const bad_words[] = {
    /* words */
    "True", "TRUE", "False", "tru", "truer", "truefalse", "t", "f", "null", "nil",
    "yes", "localhost", "a.b", "localhost:6379", "-", "+", "_", ".", ":", "-a", "+true",
    "Inf", "INF", "NaN", "infinity", "in", "na", "++inf", "inf.0", "nan1", "e5", "E5",
    /* integers */
    "01", "00", "-01", "+01", "0_1", "_1", "1_", "1__0", "-_1", "+_1", "++1", "--1",
    "+-1", "1-", "1+1", "1a", "12x", "1,5x", "9223372036854775808",
    "-9223372036854775809", "99999999999999999999999", "0x", "0o", "0b", "0x_1", "0x1_",
    "0x1__2", "0xg", "0o8", "0b2", "0X1", "0O1", "0B1", "+0x1", "-0x1", "-0o7", "+0b1",
    "0x8000000000000000", "0xffffffffffffffff", "0o1000000000000000000000",
    "0b1000000000000000000000000000000000000000000000000000000000000000", "0x1.0",
    "0x-1", "0b1e1", "0_x1", "1_000_", "0x 1",
    /* floats */
    ".5", "-.5", "+.5", "5.", "-5.", "5.e1", "1.e1", "1e", "1e+", "1e-", "1E", "1e1.0",
    "1e1e1", "1.2.3", "1..2", "1._2", "1_.2", "1.2_", "1.2__3", "1e_1", "1e1_", "1_e1",
    "1e1__0", "01.5", "00.5", "-00.5", "+01e1", "1.5f", "1.5e5x", "0.1.", "1e+-1",
    "1e5.5", "inf5", "1inf", "-.inf", "1_.", "0e", "0.", "1.5-1",
    /* dates */
    "1979-00-01", "1979-13-01", "1979-01-00", "1979-01-32", "2023-02-29", "1900-02-29",
    "2100-02-29", "2024-02-30", "2023-04-31", "2023-06-31", "1979-5-27", "1979-05-7",
    "79-05-27", "19790-05-27", "1979-0527", "197905-27", "1979-05", "1979-05-",
    "1979-05-27T", "1979-05-27Z", "1979-05-27T07", "1979-05-27T07:", "1979-05-27T7:32",
    "1979-05-27T07:32:0", "1979-05-27T07:32:00.", "1979-05-27T07:32:00.Z",
    "1979-05-27T24:00:00", "1979-05-27T23:60:00", "1979-05-27T23:59:61",
    "1979-05-27T07:32:00+", "1979-05-27T07:32:00+0", "1979-05-27T07:32:00+07",
    "1979-05-27T07:32:00+07:", "1979-05-27T07:32:00+0700", "1979-05-27T07:32:00+24:00",
    "1979-05-27T07:32:00+07:60", "1979-05-27T07:32:00ZZ", "1979-05-27T07:32:00Zx",
    "1979-05-27T07:32:00+07:00Z", "1979-05-27  07:32:00", "1979-05-27 T07:32:00",
    "1979-05-27x07:32", "1979-05-2707:32:00", "1979-05-27T07.32", "1979-05-27 7:32",
    "-1979-05-27", "+1979-05-27", "1979-05-27-", "1979-05-27T07:32:00;5", "19_9-05-27",
    "1979-02-30T00:00:00Z", "0000-00-00", "1979-05-27T-7:32",
    /* times */
    "24:00:00", "23:60", "23:59:61", "7:32", "07:3", "07:", "07:32:", "07:32:0",
    "07:32:00.", "07:32:00.x", "07:32:00Z", "07:32:00+01:00", "07:32 Z", "07:32:00:00",
    "0_:32", "-07:32", "07:32.5",
    /* looks like one, and more */
    "192.168.0.1", "192.168.0.1:5000", "1.2.3.4", "6379/tcp", "5s", "500ms", "10%",
    "1\xE2\x80\xAF_000", "\xD9\xA1", "0x\xC3\xA4"};

static void bad_scalars(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_words / sizeof bad_words[0]; i++) {
        static const char *const around[][2] = {{"k = ", ""}, {"k = [", "]"}};
        for (size_t j = 0; j < 2; j++) {
            char bytes[256];
            reef_toml reader;
            reef_toml_event event;
            int len = snprintf(bytes, sizeof bytes, "%s%s%s", around[j][0],
                               bad_words[i], around[j][1]);
            reef_str text = help_copy(bytes, (size_t)len);
            reef_toml_init(&reader, text, NULL);
            while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
                continue;
            if (event.kind != REEF_TOML_BAD)
                fail_msg("taken: %s", bytes);
            assert_int_equal(event.mark.line, 1);
            assert_true(event.mark.at >= strlen(around[j][0]));
            help_free(text);
        }
    }
}

/* A month's days, all months of four kinds of years. */
static void calendar(void **state)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const unsigned years[] = {1900, 2000, 2200, 2024};
    (void)state;
    for (size_t y = 0; y < 4; y++) {
        for (unsigned month = 0; month <= 13; month++) {
            for (unsigned day = 0; day <= 32; day++) {
                bool leap = years[y] == 2000 || years[y] == 2024;
                unsigned most = month < 1 || month > 12 ? 0 : days[month - 1];
                most += month == 2 && leap;
                char text[16];
                reef_toml_event event;
                int64_t number;
                snprintf(text, sizeof text, "%04u-%02u-%02u", years[y], month, day);
                bool good = judge("k = ", text, "", &event, &number) != REEF_TOML_BAD;
                assert_int_equal(good, day >= 1 && day <= most);
            }
        }
    }
}

/* What is said, and of which byte: where the word is a number but for one byte, that
 * byte, else the word's first. */
static void words_of_errors(void **state)
{
    static const struct {
        const char *text, *why;
        size_t at, size;
    } cases[] = {
        {"True", "small letters", 0, 4},
        {"localhost:6379", "quotes", 0, 14},
        {"007", "zero", 0, 3},
        {"-007", "zero", 1, 1},
        {"99999999999999999999", "64 bits", 0, 20},
        {"2023-02-29", "date", 0, 10},
        {"2023-02-28 25:00", "date", 0, 16},
        {"25:00", "time", 0, 5},
        {"0xg", "0x1F", 2, 1},
        {"0x1__0", "0x1F", 4, 1},
        {"192.168.0.1", "quotes", 0, 11},
        {"1.2.3", "quotes", 0, 5},
        {"5s", "quotes", 0, 2},
        {"1.", "digit", 2, 0},
        {"1._5", "digit", 2, 1},
        {"1_", "digit", 1, 1},
        {"1__0", "digit", 2, 1},
        {"1e", "digit", 2, 0},
        {"1.5e+", "digit", 5, 0},
        {"1e5.5", "part of the number", 3, 1},
        {"+.5", "quotes", 0, 3},
        {"?", "expected", 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[64];
        reef_toml reader;
        reef_toml_event event;
        reef_toml_mark mark;
        reef_str found;
        snprintf(bytes, sizeof bytes, "k = %s", cases[i].text);
        reef_toml_init(&reader, reef_str_of(bytes), NULL);
        while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
            continue;
        help_contains(reef_toml_why(&reader, &mark, &found), cases[i].why);
        if (mark.at != 4 + cases[i].at || reef_toml_why_size(&reader) != cases[i].size)
            fail_msg("%s: at %zu, %zu bytes", cases[i].text, mark.at - 4,
                     reef_toml_why_size(&reader));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),        cmocka_unit_test(floats),
        cmocka_unit_test(booleans),        cmocka_unit_test(dates),
        cmocka_unit_test(bad_scalars),     cmocka_unit_test(calendar),
        cmocka_unit_test(words_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
