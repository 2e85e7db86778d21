/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: RFC 3339 both ways. Days are counted in the proleptic Gregorian calendar
 * from 0000-03-01, so that the leap day ends a year; 400 years are 146097 days. */
#include "session/time.h"
#include <string.h>

enum { TIME_DAY_S = 86400, TIME_ERA_DAYS = 146097, TIME_EPOCH_DAYS = 719468 };
#define TIME_SECOND_NS INT64_C(1000000000)

struct time_parts {
    int64_t year, month, day, hour, minute, second, fraction_ns;
};

/* ---- the calendar ------------------------------------------------------------- */

static int64_t time_days(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month <= 2 ? year + 399 : year + 400; /* never negative */
    int64_t era = shifted / 400;
    int64_t of_era = shifted % 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (era - 1) * TIME_ERA_DAYS + days - TIME_EPOCH_DAYS;
}

/* days: since 1970-01-01, of a year from 1 on. */
static void time_date(int64_t days, struct time_parts *out)
{
    int64_t shifted = days + TIME_EPOCH_DAYS;
    int64_t era = shifted / TIME_ERA_DAYS;
    int64_t of_era = shifted % TIME_ERA_DAYS;
    int64_t year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / (TIME_ERA_DAYS - 1)) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    out->day = of_year - (153 * month + 2) / 5 + 1;
    out->month = month < 10 ? month + 3 : month - 9;
    out->year = year + era * 400 + (out->month <= 2 ? 1 : 0);
}

static int64_t time_month_days(int64_t year, int64_t month)
{
    if (month == 2)
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* ---- writing ------------------------------------------------------------------ */

static char *time_put(char *at, int64_t value, size_t digits)
{
    for (size_t i = digits; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

static char *time_put_part(char *at, char before, int64_t value)
{
    *at = before;
    return time_put(at + 1, value, 2);
}

static char *time_put_fraction(char *at, int64_t fraction_ns)
{
    if (fraction_ns == 0)
        return at;
    *at = '.';
    at = time_put(at + 1, fraction_ns, 9);
    while (at[-1] == '0')
        at--;
    return at;
}

size_t reef_time_write(int64_t unix_ns, char out[REEF_TIME_TEXT])
{
    struct time_parts parts;
    int64_t seconds = unix_ns / TIME_SECOND_NS;
    parts.fraction_ns = unix_ns % TIME_SECOND_NS;
    if (parts.fraction_ns < 0) {
        parts.fraction_ns += TIME_SECOND_NS;
        seconds--;
    }
    if (unix_ns == REEF_TIME_ZERO) {
        seconds = time_days(1, 1, 1) * TIME_DAY_S;
        parts.fraction_ns = 0;
    }
    int64_t days = seconds / TIME_DAY_S;
    int64_t of_day = seconds % TIME_DAY_S;
    if (of_day < 0) {
        of_day += TIME_DAY_S;
        days--;
    }
    time_date(days, &parts);
    char *at = time_put(out, parts.year, 4);
    at = time_put_part(at, '-', parts.month);
    at = time_put_part(at, '-', parts.day);
    at = time_put_part(at, 'T', of_day / 3600);
    at = time_put_part(at, ':', of_day / 60 % 60);
    at = time_put_part(at, ':', of_day % 60);
    at = time_put_fraction(at, parts.fraction_ns);
    *at++ = 'Z';
    *at = 0;
    return (size_t)(at - out);
}

/* ---- reading ------------------------------------------------------------------ */

static bool time_is_digit(reef_str text, size_t at)
{
    return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

/* `digits` digits at `*at`; -1 where there is something else. */
static int64_t time_get(reef_str text, size_t *at, size_t digits)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!time_is_digit(text, *at))
            return -1;
        value = value * 10 + (text.ptr[(*at)++] - '0');
    }
    return value;
}

/* The separator, then two digits. */
static int64_t time_get_part(reef_str text, size_t *at, char before)
{
    if (*at >= text.len || text.ptr[*at] != before)
        return -1;
    (*at)++;
    return time_get(text, at, 2);
}

static bool time_get_fraction(reef_str text, size_t *at, int64_t *fraction_ns)
{
    int64_t unit = TIME_SECOND_NS / 10;
    *fraction_ns = 0;
    if (*at >= text.len || text.ptr[*at] != '.')
        return true;
    if (!time_is_digit(text, ++*at))
        return false;
    for (; time_is_digit(text, *at); (*at)++) {
        *fraction_ns += (text.ptr[*at] - '0') * unit;
        unit /= 10;
    }
    return true;
}

/* What UTC is behind this zone, in seconds; false: no zone ends the text here. */
static bool time_get_zone(reef_str text, size_t at, int64_t *offset_s)
{
    *offset_s = 0;
    if (at >= text.len)
        return false;
    char sign = text.ptr[at];
    if (sign == 'Z')
        return at + 1 == text.len;
    if (sign != '+' && sign != '-')
        return false;
    int64_t hours = time_get_part(text, &at, sign);
    int64_t minutes = time_get_part(text, &at, ':');
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *offset_s = (hours * 60 + minutes) * (sign == '+' ? 60 : -60);
    return at == text.len;
}

static bool time_parts_exist(const struct time_parts *parts)
{
    return parts->year >= 0 && parts->month >= 1 && parts->month <= 12 &&
           parts->day >= 1 &&
           parts->day <= time_month_days(parts->year, parts->month) &&
           parts->hour >= 0 && parts->hour <= 23 && parts->minute >= 0 &&
           parts->minute <= 59 && parts->second >= 0 && parts->second <= 59;
}

static int64_t time_clamped(int64_t seconds, int64_t fraction_ns)
{
    const int64_t last = INT64_MAX / TIME_SECOND_NS;
    if (seconds > last || (seconds == last && fraction_ns > INT64_MAX % TIME_SECOND_NS))
        return INT64_MAX;
    if (seconds >= 0)
        return seconds * TIME_SECOND_NS + fraction_ns;
    /* From below zero upwards, so that neither product nor sum can overflow. */
    int64_t upper = seconds + 1, rest = fraction_ns - TIME_SECOND_NS;
    if (upper < -last || (upper == -last && rest < INT64_MIN % TIME_SECOND_NS))
        return REEF_TIME_ZERO;
    return upper * TIME_SECOND_NS + rest;
}

bool reef_time_read(reef_str text, int64_t *unix_ns)
{
    struct time_parts parts;
    size_t at = 0;
    int64_t offset_s;
    parts.year = time_get(text, &at, 4);
    parts.month = time_get_part(text, &at, '-');
    parts.day = time_get_part(text, &at, '-');
    parts.hour = time_get_part(text, &at, 'T');
    parts.minute = time_get_part(text, &at, ':');
    parts.second = time_get_part(text, &at, ':');
    if (!time_parts_exist(&parts) ||
        !time_get_fraction(text, &at, &parts.fraction_ns) ||
        !time_get_zone(text, at, &offset_s))
        return false;
    int64_t seconds = time_days(parts.year, parts.month, parts.day) * TIME_DAY_S +
                      parts.hour * 3600 + parts.minute * 60 + parts.second - offset_s;
    *unix_ns = time_clamped(seconds, parts.fraction_ns);
    return true;
}
