/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hint_number: hints for numbers, dates and times that are none. */
#include "config_hints.h"

static void numbers(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"db = 01", "leave out the zeros in front: 1"},
        {"db = 007", "leave out the zeros in front: 7"},
        {"db = -00", "leave out the zeros in front: -0"},
        {"db = +010", "leave out the zeros in front: 10"},
        {"db = [1, 02]", "leave out the zeros in front: 2"},
        {"db = 1_", "an underscore stands between two digits"},
        {"db = _1", "an underscore stands between two digits"},
        {"db = 1__000", "an underscore stands between two digits"},
        {"db = [1__000]", "an underscore stands between two digits"},
        {"db = 99999999999999999999", "put it in quotes, if it is a text"},
        {"db = -9223372036854775809", "put it in quotes, if it is a text"},
        {"db = +-1", "write one sign only"},
        {"db = --1", "write one sign only"},
        {"db = 1,000", "write the number without commas"},
        {"db = 1,5", "write the number with a dot"},
        {"x = 1e", "put it in quotes: \"1e\""},
        {"x = 1.2.3", "put it in quotes: \"1.2.3\""},
        {"x = 5%", "put it in quotes: \"5%\""},
        {"x = [5%]", "put it in quotes: \"5%\""},
        {"x = 10.0.0.1/24", "put it in quotes: \"10.0.0.1/24\""},
    };
    HINTS(rows);
}

static void fractions(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = .5", "write a zero in front of the dot: 0.5"},
        {"x = +.5", "write a zero in front of the dot: 0.5"},
        {"x = -.25", "write a zero in front of the dot: -0.25"},
        {"x = 5.", "write a zero behind the dot: 5.0"},
        {"x = -5.\n", "write a zero behind the dot: -5.0"},
        {"x = {a = 5.}", "write a zero behind the dot: 5.0"},
        {"x = .", "put it in quotes: \".\""},
    };
    HINTS(rows);
}

static void bases(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = 0x", "write it as 0x1F, 0o17 or 0b11"},
        {"x = 0xfg", "write it as 0x1F, 0o17 or 0b11"},
        {"x = [0xZZ]", "write it as 0x1F, 0o17 or 0b11"},
        {"x = 0o8", "write it as 0x1F, 0o17 or 0b11"},
        {"x = 0b12", "write it as 0x1F, 0o17 or 0b11"},
        {"x = 0X1F", "write it as 0x1F, 0o17 or 0b11"},
        {"x = 0B1", "write it as 0x1F, 0o17 or 0b11"},
        {"x = -0x1", "write it as 0x1F, 0o17 or 0b11"},
        {"x = +0b1", "write it as 0x1F, 0o17 or 0b11"},
    };
    HINTS(rows);
}

static void dates(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = 2026-02-30", "this month has no such day"},
        {"x = 2026-04-31T10:00:00Z", "this month has no such day"},
        {"x = 2026-04-00", "this month has no such day"},
        {"x = 2026-13-01", "months go from 01 to 12"},
        {"x = 2026-0-01", "months go from 01 to 12"},
        {"x = 2026-1-5", "write two digits for month and day"},
        {"x = 2026-11-5", "write two digits for month and day"},
        {"x = 2026-1-5T10:00:00", "write two digits for month and day"},
        {"x = 31.12.2026", "a date is written as 2026-12-31"},
        {"x = 12/31/2026", "a date is written as 2026-12-31"},
        {"x = 2026/12/31", "a date is written as 2026-12-31"},
        {"x = 1-2-2026", "a date is written as 2026-12-31"},
        {"x = 2026-01-05Q", "put it in quotes: \"2026-01-05Q\""},
    };
    HINTS(rows);
}

static void times(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = 25:00:00", "hours go up to 23, minutes and seconds to 59"},
        {"x = 24:00", "hours go up to 23, minutes and seconds to 59"},
        {"x = 12:60", "hours go up to 23, minutes and seconds to 59"},
        {"x = 12:00:61", "hours go up to 23, minutes and seconds to 59"},
        {"x = 9:30", "write two digits for the hour: 09:30"},
        {"x = 9:30:15.5", "write two digits for the hour: 09:30:15.5"},
        {"x = 2026-01-05 25:00", "hours go up to 23, minutes and seconds to 59"},
        {"x = 2026-01-31T12:60:00Z", "hours go up to 23, minutes and seconds to 59"},
        {"x = 2026-01-05T10:00:00+0100", "an offset is written +01:00"},
        {"x = 2026-01-05T10:00:00-1", "an offset is written +01:00"},
        {"x = 2026-02-30T10:00:00+01:00", "this month has no such day"},
        {"x = 2026-02-30 10:00:00.5", "this month has no such day"},
        {"x = 2026-01-05 10:00:00+25:00", "an offset is written +01:00"},
        {"x = 2026-01-05T10:00:00-01:60", "an offset is written +01:00"},
        {"x = 12:6379", "put it in quotes: \"12:6379\""}, /* a host and its port */
        {"x = 10:00x", "put it in quotes: \"10:00x\""},
        {"x = 123:00", "put it in quotes: \"123:00\""},
        {"x = 12:00:1", "put it in quotes: \"12:00:1\""},
    };
    HINTS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(fractions), cmocka_unit_test(bases),
        cmocka_unit_test(dates),   cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
