/* SPDX-License-Identifier: Apache-2.0
 *
 * hint_number: what was probably meant by a word that looks like a number, a date or a
 * time and is none. */
#include "config/hint.h"
#include <string.h>

static char number_byte(reef_str word, size_t at)
{
    return at < word.len ? word.ptr[at] : (char)0;
}

/* Digits from `at` on: where they end, and their value as far as it matters. */
static size_t number_run(reef_str word, size_t at, unsigned *value)
{
    *value = 0;
    for (; reef_is_digit(number_byte(word, at)); at++)
        if (*value < 10000)
            *value = *value * 10 + (unsigned)(word.ptr[at] - '0');
    return at;
}

/* ---- dates and times ----------------------------------------------------------- */

/* "+01:00" and nothing behind it. */
static bool number_offset(reef_str word)
{
    unsigned hours, minutes;
    return word.len == 6 && number_run(word, 1, &hours) == 3 &&
           number_byte(word, 3) == ':' && number_run(word, 4, &minutes) == 6 &&
           hours < 24 && minutes < 60;
}

/* HH:MM[:SS] and what follows. False: it is none, or a good one. */
static bool number_time(const reef_hint_place *p, reef_str word)
{
    unsigned hours, minutes, seconds = 0;
    size_t first = number_run(word, 0, &hours);
    size_t second = number_run(word, first + 1, &minutes), last = second;
    if (first == 0 || first > 2 || number_byte(word, first) != ':' ||
        second != first + 3)
        return false;
    if (number_byte(word, second) == ':') {
        last = number_run(word, second + 1, &seconds);
        if (last != second + 3)
            return false;
    }
    char next = number_byte(word, last);
    if (next != 0 && next != '.' && next != '+' && next != '-' && next != 'Z')
        return false;
    if (first == 1)
        return reef_hint_show(p, "write two digits for the hour", ": 0", word, "");
    if (hours > 23 || minutes > 59 || seconds > 60)
        return reef_hint_say(p, "hours go up to 23, minutes and seconds to 59");
    return (next == '+' || next == '-') && !number_offset(reef_str_from(word, last)) &&
           reef_hint_say(p, "an offset is written +01:00");
}

/* Three numbers with the same sign between them. */
typedef struct number_three {
    size_t end[3];
    unsigned value[3];
    char sign;
} number_three;

static bool number_split(reef_str word, number_three *three)
{
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t start = at;
        at = three->end[i] = number_run(word, start, &three->value[i]);
        if (at == start)
            return false;
        if (i == 0)
            three->sign = number_byte(word, at);
        if (i < 2 && number_byte(word, at++) != three->sign)
            return false;
    }
    return three->sign == '-' || three->sign == '/' || three->sign == '.';
}

static bool number_date(const reef_hint_place *p, reef_str word)
{
    number_three three = {0};
    if (!number_split(word, &three))
        return false;
    size_t year = three.end[0], month = three.end[1] - year - 1;
    size_t day = three.end[2] - three.end[1] - 1, end = three.end[2];
    char next = number_byte(word, end);
    bool ends = end == word.len;
    if (year <= 2 && month <= 2 && day == 4 && ends)
        return reef_hint_say(p, "a date is written as 2026-12-31");
    if (year != 4 || month > 2 || day > 2 || !(ends || next == 'T' || next == ' '))
        return false;
    if (three.sign != '-')
        return reef_hint_say(p, "a date is written as 2026-12-31");
    if (three.value[1] < 1 || three.value[1] > 12)
        return reef_hint_say(p, "months go from 01 to 12");
    if (month < 2 || day < 2)
        return reef_hint_say(p, "write two digits for month and day");
    if (!ends && number_time(p, reef_str_from(word, end + 1)))
        return true;
    return (three.value[2] < 1 || three.value[2] > 28) &&
           reef_hint_say(p, "this month has no such day");
}

/* ---- numbers ------------------------------------------------------------------- */

static bool number_with_base(const reef_hint_place *p, reef_str word)
{
    char letter = number_byte(word, 1);
    return number_byte(word, 0) == '0' && letter != 0 && strchr("xobXOB", letter) &&
           reef_hint_say(p, "write it as 0x1F, 0o17 or 0b11");
}

/* Digits and underscores alone. */
static bool number_whole(const reef_hint_place *p, reef_str body, bool minus)
{
    size_t digits = 0, zeros = 0;
    for (size_t i = 0; i < body.len; i++) {
        if (!reef_is_digit(body.ptr[i]) && body.ptr[i] != '_')
            return false;
        digits += body.ptr[i] != '_' ? 1 : 0;
    }
    if (digits == 0)
        return false;
    if (digits < body.len)
        return reef_hint_say(p, "an underscore stands between two digits");
    while (zeros + 1 < body.len && body.ptr[zeros] == '0')
        zeros++;
    if (zeros > 0)
        return reef_hint_show(p, "leave out the zeros in front", minus ? ": -" : ": ",
                              reef_str_from(body, zeros), "");
    return p->want != REEF_WANT_NUMBER &&
           reef_hint_say(p, "put it in quotes, if it is a text");
}

/* A dot at the beginning or the end. */
static bool number_dot(const reef_hint_place *p, reef_str body, bool minus)
{
    unsigned value;
    size_t dot = number_run(body, 0, &value);
    if (body.len < 2 || number_byte(body, dot) != '.')
        return false;
    if (dot == 0 && number_run(body, 1, &value) == body.len)
        return reef_hint_show(p, "write a zero in front of the dot",
                              minus ? ": -0" : ": 0", body, "");
    return dot + 1 == body.len && reef_hint_show(p, "write a zero behind the dot",
                                                 minus ? ": -" : ": ", body, "0");
}

/* A date takes the time behind its blank along, as the reader does. */
static reef_str number_with_time(const reef_hint_place *p, reef_str word)
{
    size_t end = p->at + word.len;
    if (word.len != 10 || word.ptr[4] != '-' || reef_hint_byte(p, end) != ' ' ||
        !reef_is_digit(reef_hint_byte(p, end + 1)))
        return word;
    for (end++; reef_is_digit(reef_hint_byte(p, end)) ||
                reef_is_letter(reef_hint_byte(p, end)) ||
                (reef_hint_byte(p, end) != 0 && strchr(":.+-", p->text.ptr[end]));)
        end++;
    return reef_str_part(p->text, p->at, end - p->at);
}

bool reef_hint_number(const reef_hint_place *p, reef_str word)
{
    size_t signs = 0;
    while (number_byte(word, signs) == '+' || number_byte(word, signs) == '-')
        signs++;
    bool minus = signs > 0 && word.ptr[signs - 1] == '-';
    reef_str body = reef_str_from(word, signs);
    if (signs > 1 && reef_is_digit(number_byte(body, 0)))
        return reef_hint_say(p, "write one sign only");
    if (p->want == REEF_WANT_NUMBER)
        return number_with_base(p, body) || number_whole(p, body, minus);
    return number_date(p, number_with_time(p, word)) || number_time(p, word) ||
           number_dot(p, body, minus) || number_with_base(p, body) ||
           number_whole(p, body, minus);
}
