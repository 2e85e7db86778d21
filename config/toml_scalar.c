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
    static const char why[] = "there is no such date; one is written as 2026-01-31 "
                              "or 2026-01-31T23:59:00Z";
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
               : "there is no such time of day; one is written as 23:59 or 23:59:00.5";
}

/* Over digits, with underscores only between two of them. False: `*at` is the first
 * byte that can't stand there, or the word's end. */
static bool scalar_run(reef_str word, size_t *at, unsigned base)
{
    bool digit = false;
    for (; *at < word.len; *at += 1) {
        char c = word.ptr[*at];
        if (c == '_' ? !digit : reef_digit_value(c) >= base)
            break;
        digit = c != '_';
    }
    bool behind = *at > 0 && word.ptr[*at - 1] == '_';
    if (behind && !scalar_is_at(word, *at, '_'))
        *at -= 1; /* not what stands behind an underscore, but that one */
    return digit;
}

/* Digits from `at` on that fill the word's first `len` bytes. */
static bool scalar_begins(reef_str word, size_t len)
{
    size_t at = 0;
    while (scalar_digit_at(word, at))
        at++;
    return at == len;
}

static const char scalar_range[] = "a whole number has 64 bits: from "
                                   "-9223372036854775808 to 9223372036854775807";

/* The value of checked digits, which may not pass `max`. Below `safe` no digit of any
 * base can pass it, which spares a division for nearly every one. */
static bool scalar_sum(reef_str digits, unsigned base, uint64_t max, uint64_t *sum)
{
    const uint64_t safe = max / 16;
    *sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] == '_')
            continue;
        unsigned digit = reef_digit_value(digits.ptr[i]);
        if (*sum >= safe && *sum > (max - digit) / base)
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

static const char *scalar_based(reef_str word, reef_toml_event *event, size_t *bad)
{
    int64_t value;
    size_t at = 2;
    event->kind = REEF_TOML_INTEGER;
    if (!scalar_run(word, &at, scalar_base(word)) || at < word.len) {
        *bad = at;
        return "a digit was expected, as in 0x1F, 0o17 or 0b11";
    }
    return scalar_integer(word, &value) ? NULL : scalar_range;
}

static const char scalar_digit[] = "a digit was expected";

/* ".digits" and "e[+-]digits" from `*at` on, up to the end of the word. */
static const char *scalar_fraction(reef_str word, size_t *at)
{
    if (scalar_step(word, at, '.') && !scalar_run(word, at, 10))
        return scalar_digit;
    if (scalar_is_at(word, *at, 'e') || scalar_is_at(word, *at, 'E')) {
        *at += scalar_sign_at(word, *at + 1) ? 2 : 1;
        if (!scalar_run(word, at, 10))
            return scalar_digit;
    }
    return *at == word.len ? NULL : "this can't be part of the number";
}

/* No number at all, as it looks: an address, a version, a time with its unit. */
static bool scalar_is_text(reef_str word)
{
    size_t dots = 0;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        dots += c == '.' ? 1 : 0;
        if (c == ':' || (reef_is_letter(c) && c != 'e' && c != 'E'))
            return true;
    }
    return dots > 1;
}

static const char *scalar_decimal(reef_str word, reef_toml_event *event, size_t *bad)
{
    int64_t value;
    size_t start = scalar_sign_at(word, 0) ? 1 : 0, at = start;
    event->kind = REEF_TOML_INTEGER;
    bool good = scalar_run(word, &at, 10);
    if (good && word.ptr[start] == '0' && at > start + 1) {
        *bad = start;
        return "a number does not begin with a zero; a text stands in quotes";
    }
    if (good && at == word.len)
        return scalar_integer(word, &value) ? NULL : scalar_range;
    event->kind = REEF_TOML_FLOAT;
    const char *why = good ? scalar_fraction(word, &at) : scalar_digit;
    if (why == NULL)
        return NULL;
    if (scalar_is_text(word))
        return "this is no number, boolean, date or time; a text stands in quotes";
    *bad = at;
    return why;
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
    return "this is no value; a text stands in quotes";
}

/* Digits, a dash, digits, a dash: a date, as it is meant. */
static bool scalar_is_dated(reef_str word)
{
    size_t at = 0;
    for (size_t dashes = 0; dashes < 2; dashes++) {
        size_t start = at;
        while (scalar_digit_at(word, at) || scalar_is_at(word, at, '_'))
            at++;
        if (at == start || !scalar_step(word, &at, '-'))
            return false;
    }
    return true;
}

/* NULL, or why not; `*bad` is the byte that can't stand there, where one is to blame
 * and not the whole word. */
static const char *scalar_judge(reef_str word, reef_toml_event *event, size_t *bad)
{
    size_t start = scalar_sign_at(word, 0) ? 1 : 0;
    if (!scalar_digit_at(word, start))
        return scalar_word(word, event);
    bool year = scalar_is_at(word, 4, '-') && scalar_begins(word, 4);
    if (year || scalar_is_dated(reef_str_from(word, start)))
        return scalar_dated(word, event);
    if (scalar_is_at(word, 2, ':') && scalar_begins(word, 2))
        return scalar_timed(word, event);
    if (scalar_base(word) != 10)
        return scalar_based(word, event, bad);
    return scalar_decimal(word, event, bad);
}

static size_t scalar_end(reef_str text, size_t at)
{
    return reef_str_over(text, at, REEF_CHAR_WORD);
}

/* A date may be followed by one space and the time. */
static bool scalar_goes_on(reef_str text, size_t start, size_t end)
{
    return end - start == 10 && text.ptr[start + 4] == '-' &&
           scalar_begins(reef_str_part(text, start, 5), 4) &&
           scalar_is_at(text, end, ' ') && scalar_digit_at(text, end + 1);
}

/* Where the word ends that a person sees, as "https://x" or "C:\\x". */
static size_t scalar_word_end(reef_str text, size_t at)
{
    static const char behind[] = " \t\r\n,]}#\"'";
    while (at < text.len && (unsigned char)text.ptr[at] > ' ' &&
           (unsigned char)text.ptr[at] < 0x7F &&
           memchr(behind, text.ptr[at], sizeof behind - 1) == NULL)
        at++;
    return at;
}

bool reef_toml_scalar(reef_toml *r, reef_toml_event *event)
{
    size_t end = scalar_end(r->text, r->at);
    if (end == r->at)
        return reef_toml_fail(r, r->at, "a value was expected", true);
    if (scalar_goes_on(r->text, r->at, end))
        end = scalar_end(r->text, end + 1);
    event->text = reef_str_part(r->text, r->at, end - r->at);
    size_t bad = 0;
    const char *why = scalar_judge(event->text, event, &bad);
    if (why != NULL && bad > 0)
        return reef_toml_fail_span(r, r->at + bad, bad < event->text.len ? 1 : 0, why,
                                   true);
    if (why != NULL)
        return reef_toml_fail_span(r, r->at, scalar_word_end(r->text, end) - r->at, why,
                                   true);
    r->at = end;
    return true;
}

bool reef_toml_integer(const reef_toml_event *event, int64_t *out)
{
    return event->kind == REEF_TOML_INTEGER && scalar_integer(event->text, out);
}
