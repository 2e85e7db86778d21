/* SPDX-License-Identifier: Apache-2.0
 *
 * spelled: how values are written. */
#include "test/unit/spelled.h"

#include "test/unit/resp_help.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- chance ------------------------------------------------------------------- */

size_t spell_pick(spelled *s, size_t count)
{
    return (size_t)(help_random(&s->random) % count);
}

bool spell_once_in(spelled *s, size_t count)
{
    return spell_pick(s, count) == 0;
}

static const char *spell_one(spelled *s, const char *const words[], size_t count)
{
    return words[spell_pick(s, count)];
}

/* ---- bytes -------------------------------------------------------------------- */

void spell_bytes(spelled *s, const char *bytes, size_t len)
{
    assert(s->len + len < sizeof s->text);
    memcpy(s->text + s->len, bytes, len);
    s->len += len;
    s->text[s->len] = 0;
}

void spell_add(spelled *s, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '\n' && s->crlf)
            spell_bytes(s, "\r", 1);
        spell_bytes(s, text, 1);
    }
}

void spell_blanks(spelled *s)
{
    static const char *const blanks[] = {"", "", " ", "\t", "  \t "};
    spell_add(s, spell_one(s, blanks, SPELL_COUNT(blanks)));
}

void spell_comment(spelled *s)
{
    static const char *const comments[] = {"#", "# a comment", "# [server.redis]",
                                           "# db = 99 ]} \"\"\" '''",
                                           "#\t\xE2\x82\xAC \\u"};
    spell_blanks(s);
    spell_add(s, spell_one(s, comments, SPELL_COUNT(comments)));
}

void spell_line_end(spelled *s)
{
    do {
        spell_blanks(s);
        if (spell_once_in(s, 4))
            spell_comment(s);
        spell_add(s, "\n");
    } while (spell_once_in(s, 4));
    spell_blanks(s);
}

void spell_gap(spelled *s)
{
    if (s->lines && spell_once_in(s, 3))
        spell_line_end(s);
    else
        spell_blanks(s);
}

/* ---- texts -------------------------------------------------------------------- */

static void spell_escape(spelled *s, uint32_t point)
{
    static const char letters[] = "btnfre\"\\";
    static const char values[] = "\b\t\n\f\r\x1B\"\\";
    char text[16];
    const char *known = point < 0x80 ? strchr(values, (int)point) : NULL;
    if (known != NULL && !spell_once_in(s, 4))
        snprintf(text, sizeof text, "\\%c", letters[known - values]);
    else if (point < 0x100 && spell_once_in(s, 3))
        snprintf(text, sizeof text, "\\x%02x", (unsigned)point);
    else if (point < 0x10000 && !spell_once_in(s, 4))
        snprintf(text, sizeof text, "\\u%04X", (unsigned)point);
    else
        snprintf(text, sizeof text, "\\U%08x", (unsigned)point);
    spell_add(s, text);
}

/* A backslash at the end of a line: nothing is between here and what comes next. */
static void spell_joint(spelled *s)
{
    spell_add(s, "\\");
    spell_blanks(s);
    do {
        spell_add(s, "\n");
        spell_blanks(s);
    } while (spell_once_in(s, 3));
}

/* "..." or, over `lines`, three quotes; one quote alone may stand between those. */
static void spell_basic(spelled *s, const char *text, bool lines)
{
    reef_str all = reef_str_of(text);
    uint32_t point = 0;
    bool quoted = false;
    spell_add(s, lines ? "\"\"\"" : "\"");
    if (lines && (*text == '\n' || spell_once_in(s, 2)))
        spell_add(s, "\n");
    for (size_t at = 0, size = 0; at < all.len; at += size) {
        char c = text[at];
        size = reef_utf8_get(all, at, &point);
        bool raw = c == '\t' ||
                   (point >= 0x20 && point != 0x7F && !strchr("\"\\", c)) ||
                   (lines && (c == '\n' || (c == '"' && !quoted)));
        raw = raw && !spell_once_in(s, 10);
        if (lines && !strchr(" \t\n", c) && spell_once_in(s, 12))
            spell_joint(s);
        if (raw && c == '\n')
            spell_add(s, "\n");
        else if (raw)
            spell_bytes(s, text + at, size);
        else
            spell_escape(s, point);
        quoted = raw && c == '"';
    }
    if (lines && spell_once_in(s, 8))
        spell_joint(s);
    spell_add(s, lines ? "\"\"\"" : "\"");
}

static bool spell_fits_literal(const char *text, bool lines)
{
    if (strstr(text, lines ? "'''" : "'") != NULL)
        return false;
    for (; *text != 0; text++)
        if ((*text > 0 && *text < 0x20 && *text != '\t' && !(lines && *text == '\n')) ||
            *text == 0x7F)
            return false;
    return true;
}

static void spell_text(spelled *s, const char *text)
{
    bool lines = spell_once_in(s, 3);
    if (!spell_fits_literal(text, lines) || spell_once_in(s, 2)) {
        spell_basic(s, text, lines);
        return;
    }
    spell_add(s, lines ? "'''" : "'");
    if (lines && (*text == '\n' || spell_once_in(s, 2)))
        spell_add(s, "\n");
    spell_add(s, text);
    spell_add(s, lines ? "'''" : "'");
}

/* ---- numbers ------------------------------------------------------------------ */

/* Digits, now and then parted by "_". */
static void spell_digits(spelled *s, uint64_t number, unsigned base, size_t least)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    char text[64];
    size_t at = sizeof text;
    while (number > 0 || at > sizeof text - least) {
        text[--at] = digits[number % base + (spell_once_in(s, 2) ? 16 : 0)];
        number /= base;
    }
    for (size_t first = at; at < sizeof text; at++) {
        if (at > first && spell_once_in(s, 6))
            spell_add(s, "_");
        spell_bytes(s, text + at, 1);
    }
}

static void spell_number(spelled *s, uint64_t number)
{
    static const struct {
        const char *prefix;
        unsigned base;
    } ways[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}, {"+", 10}, {"", 10}, {"", 10}};
    size_t way = spell_pick(s, SPELL_COUNT(ways));
    size_t least = ways[way].base == 10 ? 1 : 1 + spell_pick(s, 4);
    if (number == 0 && spell_once_in(s, 4)) {
        spell_add(s, "-0");
        return;
    }
    spell_add(s, ways[way].prefix);
    spell_digits(s, number, ways[way].base, least);
}

/* ---- values and keys ---------------------------------------------------------- */

static void spell_array(spelled *s, const wish *w)
{
    spell_add(s, "[");
    for (size_t i = 0; i < w->count; i++) {
        spell_gap(s);
        spell_text(s, w->texts[i]);
        spell_gap(s);
        if (i + 1 < w->count || spell_once_in(s, 2))
            spell_add(s, ",");
    }
    spell_gap(s);
    spell_add(s, "]");
}

void spell_value(spelled *s, const wish *w)
{
    bool number = w->kind == REEF_KIND_PROTOCOL && strlen(w->texts[0]) == 1;
    if (w->kind == REEF_KIND_FLAG)
        spell_add(s, w->number > 0 ? "true" : "false");
    else if (w->is_number)
        spell_number(s, w->number);
    else if (w->is_list)
        spell_array(s, w);
    else if (number && spell_once_in(s, 2))
        spell_number(s, (uint64_t)(w->texts[0][0] - '0'));
    else
        spell_text(s, w->texts[0]);
}

void spell_part(spelled *s, const char *name)
{
    size_t way = spell_pick(s, 5);
    if (way == 0) {
        spell_basic(s, name, false);
        return;
    }
    const char *quote = way == 1 ? "'" : way == 2 ? "\"" : "";
    spell_add(s, quote);
    spell_add(s, name);
    spell_add(s, quote);
}
