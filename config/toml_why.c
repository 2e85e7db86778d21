/* SPDX-License-Identifier: Apache-2.0
 *
 * toml_why: how the reader of TOML fails, and what can be asked about it then: the
 * words, the place, what stands there, the other place that belongs to it. */
#include "config/toml.h"
#include "config/text.h"

static const char toml_nul[] = "a NUL byte stands here; this is not a text";
static const char toml_lone_cr[] = "a CR without the LF of a line's end";
static const char toml_no_utf8[] = "this is not UTF-8";

bool reef_toml_fail(reef_toml *r, size_t at, const char *why, bool shows)
{
    return reef_toml_fail_span(r, at, 0, why, shows);
}

bool reef_toml_fail_span(reef_toml *r, size_t at, size_t size, const char *why,
                         bool shows)
{
    bool there = shows && at < r->text.len;
    r->at = at;
    r->why = why;
    r->why_size = size;
    r->why_state = r->state;
    r->why_code = REEF_BADCONFIG;
    if (there && r->text.ptr[at] == 0)
        r->why = toml_nul; /* says more than what was expected in its place */
    else if (there && r->text.ptr[at] == '\r' &&
             !(at + 1 < r->text.len && r->text.ptr[at + 1] == '\n'))
        r->why = toml_lone_cr;
    else if (there && reef_utf8_size(r->text, at) == 0)
        r->why = toml_no_utf8;
    r->why_shows = shows && r->why != toml_nul && r->why != toml_lone_cr;
    r->why_mark = reef_toml_here(r);
    r->state = REEF_TOML_OVER;
    return false;
}

bool reef_toml_fail_first(reef_toml *r, size_t at, size_t size, const char *note)
{
    r->why_first = at;
    r->why_first_size = size;
    r->why_note = note;
    return false;
}

bool reef_toml_character(reef_toml *r, size_t *at)
{
    unsigned char c = (unsigned char)r->text.ptr[*at];
    size_t size = 1;
    if (c == 0)
        return reef_toml_fail(r, *at, toml_nul, false);
    if (c == '\r')
        return reef_toml_fail(r, *at, toml_lone_cr, false);
    if ((c < 0x20 && c != '\t') || c == 0x7F)
        return reef_toml_fail(
            r, *at, "a control character; in \"...\" it is written as \\xHH", true);
    if (c >= 0x80)
        size = reef_utf8_size(r->text, *at);
    if (size == 0)
        return reef_toml_fail(r, *at, toml_no_utf8, true);
    *at += size;
    return true;
}

/* The end of a text in quotes that closes on its line; `at` itself: it does not. */
static size_t toml_quoted_end(reef_str text, size_t at)
{
    for (size_t end = at + 1; end < text.len && text.ptr[end] != '\n'; end++)
        if (text.ptr[end] == text.ptr[at])
            return end + 1;
    return at;
}

/* What an error shows: the character where it is, or the whole word. */
static size_t toml_shown(reef_str text, size_t at)
{
    size_t end = at;
    while (end < text.len && reef_toml_bare(text.ptr[end]))
        end++;
    if (end > at)
        return end - at;
    if (text.ptr[at] == '"' || text.ptr[at] == '\'')
        end = toml_quoted_end(text, at);
    size_t size = reef_utf8_size(text, at);
    return end > at ? end - at : size > 0 ? size : 1;
}

size_t reef_toml_why_size(const reef_toml *r)
{
    size_t at = r->why_mark.at;
    if (at == r->text.len)
        return 0;
    return r->why_size > 0 ? r->why_size : toml_shown(r->text, at);
}

const char *reef_toml_why(const reef_toml *r, reef_toml_mark *mark, reef_str *found)
{
    size_t at = r->why_mark.at;
    *mark = r->why_mark;
    *found = (reef_str){0};
    if (r->why_shows && at < r->text.len)
        *found = reef_str_part(r->text, at, reef_toml_why_size(r));
    return r->why;
}

/* Lines are counted from the top again: once for an error that ends the reading. */
bool reef_toml_first(const reef_toml *r, reef_toml_mark *mark, size_t *size,
                     const char **note)
{
    *mark = (reef_toml_mark){r->why_first, 0, 1};
    *size = r->why_first_size;
    *note = r->why_note;
    if (*size == 0)
        return false;
    for (size_t at = 0; at < r->why_first; at++) {
        if (r->text.ptr[at] != '\n')
            continue;
        mark->line++;
        mark->line_at = at + 1;
    }
    if (mark->line == 1 && reef_str_starts(r->text, "\xEF\xBB\xBF"))
        mark->line_at = 3;
    return true;
}

reef_code reef_toml_code(const reef_toml *r)
{
    return r->why_code;
}

reef_str reef_toml_entry(const reef_toml *r)
{
    size_t start = r->entry < r->line_at ? r->entry : r->line_at;
    size_t end = reef_str_find(r->text, '\n', r->at);
    return reef_str_part(r->text, start, end - start);
}

uint32_t reef_toml_column(const reef_toml *r, const reef_toml_mark *mark)
{
    uint32_t column = 1;
    for (size_t at = mark->line_at; at < mark->at; at++)
        if (((unsigned char)r->text.ptr[at] & 0xC0) != 0x80)
            column++;
    return column;
}

const char *reef_toml_kind_name(reef_toml_kind kind)
{
    switch (kind) {
    case REEF_TOML_ARRAY:
        return "an array";
    case REEF_TOML_TABLE:
    case REEF_TOML_TABLES:
    case REEF_TOML_INLINE:
        return "a table";
    case REEF_TOML_STRING:
        return "a text";
    case REEF_TOML_INTEGER:
        return "a whole number";
    case REEF_TOML_FLOAT:
        return "a number with a fraction";
    case REEF_TOML_BOOL:
        return "a boolean";
    case REEF_TOML_DATE_TIME:
    case REEF_TOML_LOCAL_DATE_TIME:
    case REEF_TOML_LOCAL_DATE:
    case REEF_TOML_LOCAL_TIME:
        return "a date or time";
    case REEF_TOML_END:
    case REEF_TOML_BAD:
    case REEF_TOML_KEY:
    case REEF_TOML_ARRAY_END:
    case REEF_TOML_INLINE_END:
        break;
    }
    return "nothing";
}
