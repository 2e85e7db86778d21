/* SPDX-License-Identifier: Apache-2.0
 *
 * toml_scalar: integers of four bases in 64 bits, floats (judged, not converted),
 * booleans, and the four dates and times with days that exist.
 *
 * A scalar is taken as one word first and judged as a whole, so that an error can point
 * at its beginning and say what it is. */
#include "config/toml.h"
#include "config/text.h"
#include <string.h>

static bool scalar_byte(char c)
{
    return reef_is_letter(c) || reef_is_digit(c) || c == '_' || c == '+' || c == '-' ||
           c == '.' || c == ':';
}

static bool scalar_digit_at(reef_str word, size_t at)
{
    return at < word.len && reef_is_digit(word.ptr[at]);
}

static bool scalar_is_at(reef_str word, size_t at, char c)
{
    return at < word.len && word.ptr[at] == c;
}

static bool scalar_sign_at(reef_str word, size_t at)
{
    return scalar_is_at(word, at, '+') || scalar_is_at(word, at, '-');
}

/* Two digits at `*at` in low..high. */
static bool scalar_two(reef_str word, size_t *at, unsigned low, unsigned high,
                       unsigned *out)
{
    if (!scalar_digit_at(word, *at) || !scalar_digit_at(word, *at + 1))
        return false;
    *out = reef_digit_value(word.ptr[*at]) * 10 + reef_digit_value(word.ptr[*at + 1]);
    *at += 2;
    return *out >= low && *out <= high;
}

static unsigned scalar_month_days(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30,
                                         31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static bool scalar_step(reef_str word, size_t *at, char c)
{
    bool there = scalar_is_at(word, *at, c);
    *at += there ? 1 : 0;
    return there;
}

/* YYYY-MM-DD at `*at`. */
static bool scalar_date(reef_str word, size_t *at)
{
    unsigned century, years, month, day;
    if (!scalar_two(word, at, 0, 99, &century) || !scalar_two(word, at, 0, 99, &years))
        return false;
    if (!scalar_step(word, at, '-') || !scalar_two(word, at, 1, 12, &month))
        return false;
    unsigned days = scalar_month_days(century * 100 + years, month);
    return scalar_step(word, at, '-') && scalar_two(word, at, 1, days, &day);
}

/* HH:MM[:SS[.fraction]] at `*at`. A 60th second is a leap second. */
static bool scalar_time(reef_str word, size_t *at)
{
    unsigned part;
    if (!scalar_two(word, at, 0, 23, &part) || !scalar_step(word, at, ':') ||
        !scalar_two(word, at, 0, 59, &part))
        return false;
    if (!scalar_step(word, at, ':'))
        return true;
    if (!scalar_two(word, at, 0, 60, &part))
        return false;
    if (!scalar_step(word, at, '.'))
        return true;
    size_t start = *at;
    while (scalar_digit_at(word, *at))
        *at += 1;
    return *at > start;
}

/* Z or +HH:MM at `*at`. */
static bool scalar_offset(reef_str word, size_t *at)
{
    unsigned part;
    if (scalar_step(word, at, 'Z') || scalar_step(word, at, 'z'))
        return true;
    if (!scalar_sign_at(word, *at))
        return false;
    *at += 1;
    return scalar_two(word, at, 0, 23, &part) && scalar_step(word, at, ':') &&
           scalar_two(word, at, 0, 59, &part);
}

static const char *scalar_dated(reef_str word, reef_toml_event *event)
{
    static const char why[] = "this is not a date that exists, as in 2026-01-31 or "
                              "2026-01-31T23:59:00Z";
    size_t at = 0;
    event->kind = REEF_TOML_LOCAL_DATE;
    if (!scalar_date(word, &at))
        return why;
    if (at == word.len)
        return NULL;
    char t = word.ptr[at++];
    event->kind = REEF_TOML_LOCAL_DATE_TIME;
    if ((t != 'T' && t != 't' && t != ' ') || !scalar_time(word, &at))
        return why;
    if (at == word.len)
        return NULL;
    event->kind = REEF_TOML_DATE_TIME;
    return scalar_offset(word, &at) && at == word.len ? NULL : why;
}

static const char *scalar_timed(reef_str word, reef_toml_event *event)
{
    size_t at = 0;
    event->kind = REEF_TOML_LOCAL_TIME;
    return scalar_time(word, &at) && at == word.len
               ? NULL
               : "this is not a time of day, as in 23:59 or 23:59:00.5";
}

/* Digits from `at` on, underscores only between two of them; where they end, or `at`
 * when they don't start with a digit or end with an underscore. */
static size_t scalar_digits(reef_str word, size_t at, unsigned base)
{
    size_t end = at;
    bool digit = false;
    for (; end < word.len; end++) {
        if (word.ptr[end] == '_' && !digit)
            break;
        if (word.ptr[end] != '_' && reef_digit_value(word.ptr[end]) >= base)
            break;
        digit = word.ptr[end] != '_';
    }
    return digit ? end : at;
}

static const char scalar_range[] = "a whole number has 64 bits: from "
                                   "-9223372036854775808 to 9223372036854775807";

/* The value of checked digits, which may not pass `max`. */
static bool scalar_sum(reef_str digits, unsigned base, uint64_t max, uint64_t *sum)
{
    *sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] == '_')
            continue;
        unsigned digit = reef_digit_value(digits.ptr[i]);
        if (*sum > (max - digit) / base)
            return false;
        *sum = *sum * base + digit;
    }
    return true;
}

static unsigned scalar_base(reef_str word)
{
    if (word.len < 2 || word.ptr[0] != '0')
        return 10;
    char letter = word.ptr[1];
    return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
}

/* The value of a word that is an integer by its form. */
static bool scalar_integer(reef_str word, int64_t *out)
{
    unsigned base = scalar_base(word);
    bool minus = scalar_is_at(word, 0, '-');
    size_t start = base != 10 ? 2 : scalar_sign_at(word, 0) ? 1 : 0;
    uint64_t max = (uint64_t)INT64_MAX + (minus ? 1 : 0), sum;
    if (!scalar_sum(reef_str_from(word, start), base, max, &sum))
        return false;
    if (minus)
        *out = sum > INT64_MAX ? INT64_MIN : -(int64_t)sum;
    else
        *out = (int64_t)sum;
    return true;
}

static const char *scalar_based(reef_str word, reef_toml_event *event)
{
    int64_t value;
    event->kind = REEF_TOML_INTEGER;
    size_t end = scalar_digits(word, 2, scalar_base(word));
    if (end == 2 || end < word.len)
        return "this is not a whole number, as in 0x1F, 0o17 or 0b11";
    return scalar_integer(word, &value) ? NULL : scalar_range;
}

/* ".digits" and "e[+-]digits" from `at` on; 0 when they are malformed. */
static size_t scalar_fraction(reef_str word, size_t at)
{
    if (scalar_is_at(word, at, '.')) {
        size_t end = scalar_digits(word, at + 1, 10);
        if (end == at + 1)
            return 0;
        at = end;
    }
    if (scalar_is_at(word, at, 'e') || scalar_is_at(word, at, 'E')) {
        at += scalar_sign_at(word, at + 1) ? 2 : 1;
        size_t end = scalar_digits(word, at, 10);
        if (end == at)
            return 0;
        at = end;
    }
    return at;
}

static const char *scalar_decimal(reef_str word, reef_toml_event *event)
{
    static const char why[] = "this is no number, boolean, date or time; a text stands "
                              "in quotes";
    int64_t value;
    size_t start = scalar_sign_at(word, 0) ? 1 : 0;
    size_t end = scalar_digits(word, start, 10);
    if (end == start)
        return why;
    if (word.ptr[start] == '0' && end > start + 1)
        return "a number does not begin with a zero; a text stands in quotes";
    event->kind = REEF_TOML_INTEGER;
    if (end == word.len)
        return scalar_integer(word, &value) ? NULL : scalar_range;
    event->kind = REEF_TOML_FLOAT;
    return scalar_fraction(word, end) == word.len ? NULL : why;
}

static const char *scalar_word(reef_str word, reef_toml_event *event)
{
    event->kind = REEF_TOML_BOOL;
    if (reef_str_equal(word, reef_str_of("true")) ||
        reef_str_equal(word, reef_str_of("false")))
        return NULL;
    if (reef_str_is(word, "true") || reef_str_is(word, "false"))
        return "a boolean is written true or false, in small letters";
    event->kind = REEF_TOML_FLOAT;
    reef_str bare = reef_str_from(word, scalar_sign_at(word, 0) ? 1 : 0);
    if (reef_str_equal(bare, reef_str_of("inf")) ||
        reef_str_equal(bare, reef_str_of("nan")))
        return NULL;
    return "a text stands in quotes";
}

static const char *scalar_judge(reef_str word, reef_toml_event *event)
{
    size_t start = scalar_sign_at(word, 0) ? 1 : 0;
    if (!scalar_digit_at(word, start))
        return scalar_word(word, event);
    if (start == 0 && word.len > 4 && word.ptr[4] == '-' &&
        scalar_digits(word, 0, 10) == 4)
        return scalar_dated(word, event);
    if (scalar_is_at(word, 2, ':') && scalar_digits(word, 0, 10) == 2)
        return scalar_timed(word, event);
    if (scalar_base(word) != 10)
        return scalar_based(word, event);
    return scalar_decimal(word, event);
}

static size_t scalar_end(reef_str text, size_t at)
{
    while (at < text.len && scalar_byte(text.ptr[at]))
        at++;
    return at;
}

/* A date may be followed by one space and the time. */
static bool scalar_goes_on(reef_str text, size_t start, size_t end)
{
    return end - start == 10 && text.ptr[start + 4] == '-' &&
           scalar_digits(reef_str_part(text, start, 4), 0, 10) == 4 &&
           scalar_is_at(text, end, ' ') && scalar_digit_at(text, end + 1);
}

bool reef_toml_scalar(reef_toml *r, reef_toml_event *event)
{
    size_t end = scalar_end(r->text, r->at);
    if (end == r->at)
        return reef_toml_fail(r, r->at, "a value was expected", true);
    if (scalar_goes_on(r->text, r->at, end))
        end = scalar_end(r->text, end + 1);
    event->text = reef_str_part(r->text, r->at, end - r->at);
    const char *why = scalar_judge(event->text, event);
    if (why != NULL)
        return reef_toml_fail(r, r->at, why, true);
    r->at = end;
    return true;
}

bool reef_toml_integer(const reef_toml_event *event, int64_t *out)
{
    return event->kind == REEF_TOML_INTEGER && scalar_integer(event->text, out);
}
