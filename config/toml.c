/* SPDX-License-Identifier: Apache-2.0
 *
 * toml: lines, headers, keys, arrays and inline tables. Strings are toml_string.c's,
 * other scalars toml_scalar.c's.
 *
 * Invariants: `at` only moves forward; all before it was valid; `line` and `line_at`
 * belong to `at`. The stack says what the innermost open bracket is, and nothing else
 * is remembered, so memory does not grow with the text.
 *
 * States, and what is looked for in each:
 *   LINE   a key, a header or the end                     -> PART, OVER
 *   PART   a part of a key or header, with what separates it from the next
 *                                                         -> PART, VALUE, EOL
 *   VALUE  a value                                        -> ITEM (a bracket), COMMA
 *   ITEM   an element, a key, or the bracket that closes  -> VALUE, PART, COMMA
 *   COMMA  a comma or the bracket that closes; outside of brackets nothing
 *                                                         -> ITEM, COMMA, EOL
 *   EOL    the end of the line                            -> LINE
 *   OVER   nothing: the end, or an error, stays */
#include "config/toml.h"
#include "config/text.h"
#include <string.h>

void reef_toml_init(reef_toml *r, reef_str text)
{
    memset(r, 0, sizeof *r);
    r->text = text;
    r->line = 1;
    r->first = true;
    if (reef_str_starts(text, "\xEF\xBB\xBF"))
        r->at = r->line_at = r->entry = 3;
    if (reef_str_starts(text, "\xFF\xFE") || reef_str_starts(text, "\xFE\xFF"))
        reef_toml_fail(r, 0, "the text is UTF-16; it has to be saved as UTF-8", false);
}

reef_toml_mark reef_toml_here(const reef_toml *r)
{
    return (reef_toml_mark){r->at, r->line_at, r->line};
}

static const char toml_nul[] = "a NUL byte stands here; this is not a text";
static const char toml_no_utf8[] = "this is not UTF-8";

bool reef_toml_fail(reef_toml *r, size_t at, const char *why, bool shows)
{
    bool there = shows && at < r->text.len;
    r->at = at;
    r->why = why;
    if (there && r->text.ptr[at] == 0)
        r->why = toml_nul; /* says more than what was expected in its place */
    else if (there && reef_utf8_size(r->text, at) == 0)
        r->why = toml_no_utf8;
    r->why_shows = shows && r->why != toml_nul;
    r->why_mark = reef_toml_here(r);
    r->state = REEF_TOML_OVER;
    return false;
}

bool reef_toml_character(reef_toml *r, size_t *at)
{
    unsigned char c = (unsigned char)r->text.ptr[*at];
    size_t size = 1;
    if (c == 0)
        return reef_toml_fail(r, *at, toml_nul, false);
    if (c == '\r')
        return reef_toml_fail(r, *at, "a CR without the LF of a line's end", false);
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

/* The byte at the reader; 0 at the end. A NUL of the text is none of those looked
 * for. */
static char toml_peek(const reef_toml *r)
{
    return r->at < r->text.len ? r->text.ptr[r->at] : (char)0;
}

static bool toml_ended(const reef_toml *r)
{
    return r->at == r->text.len;
}

static bool toml_take(reef_toml *r, char c)
{
    if (toml_ended(r) || toml_peek(r) != c)
        return false;
    r->at++;
    return true;
}

static void toml_spaces(reef_toml *r)
{
    while (toml_peek(r) == ' ' || toml_peek(r) == '\t')
        r->at++;
}

/* One LF or CR LF, if one is there. */
static bool toml_newline(reef_toml *r)
{
    size_t size = toml_peek(r) == '\r' ? 2 : 1;
    if (r->text.len - r->at < size || r->text.ptr[r->at + size - 1] != '\n')
        return false;
    r->at += size;
    r->line_at = r->at;
    r->line++;
    return true;
}

/* Plain ASCII is stepped over here, all else by the careful function. */
static bool toml_comment(reef_toml *r)
{
    reef_str text = r->text;
    size_t at = r->at;
    while (at < text.len && text.ptr[at] != '\n') {
        char c = text.ptr[at];
        if (c >= 0x20 && c < 0x7F)
            at++;
        else if (c == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n')
            break;
        else if (!reef_toml_character(r, &at))
            return false;
    }
    r->at = at;
    return true;
}

/* Spaces, ends of lines and comments. */
static bool toml_blank(reef_toml *r)
{
    do {
        toml_spaces(r);
        if (toml_peek(r) == '#' && !toml_comment(r))
            return false;
    } while (toml_newline(r));
    return true;
}

static bool toml_bare(char c)
{
    return reef_is_letter(c) || reef_is_digit(c) || c == '_' || c == '-';
}

/* The text of one part of a key. */
static bool toml_name(reef_toml *r, reef_toml_event *event)
{
    char c = toml_peek(r);
    size_t start = r->at;
    if (c == '"' || c == '\'')
        return reef_toml_string(r, event, false);
    while (toml_bare(toml_peek(r)))
        r->at++;
    if (r->at == start)
        return reef_toml_fail(
            r, start,
            r->first ? "a key was expected" : "a key was expected after the dot", true);
    event->form = REEF_TOML_BARE;
    event->text = reef_str_part(r->text, start, r->at - start);
    return true;
}

/* What stands behind a part: a dot, "=", or the end of the header. */
static bool toml_part_end(reef_toml *r, bool *last)
{
    toml_spaces(r);
    *last = !toml_take(r, '.');
    if (!*last)
        return true;
    if (r->brackets == 0) {
        r->state = REEF_TOML_AT_VALUE;
        return toml_take(r, '=') ||
               reef_toml_fail(r, r->at, "\"=\" was expected after the key", true);
    }
    r->state = REEF_TOML_AT_EOL;
    if (r->brackets == 1)
        return toml_take(r, ']') ||
               reef_toml_fail(r, r->at, "\"]\" was expected after the table's name",
                              true);
    return (toml_take(r, ']') && toml_take(r, ']')) ||
           reef_toml_fail(r, r->at, "\"]]\" was expected after the tables' name", true);
}

static bool toml_part(reef_toml *r, reef_toml_event *event)
{
    toml_spaces(r);
    event->kind = REEF_TOML_KEY;
    event->mark = reef_toml_here(r);
    event->first = r->first;
    if (!toml_name(r, event) || !toml_part_end(r, &event->last))
        return true;
    r->first = event->last;
    return true;
}

/* A new line of the document. */
static bool toml_line(reef_toml *r, reef_toml_event *event)
{
    r->entry = r->at;
    if (!toml_blank(r))
        return true;
    r->entry = r->at;
    r->first = true;
    r->brackets = 0;
    r->state = REEF_TOML_AT_PART;
    event->mark = reef_toml_here(r);
    if (toml_ended(r)) {
        r->state = REEF_TOML_OVER;
        return true;
    }
    if (!toml_take(r, '['))
        return false;
    r->brackets = toml_take(r, '[') ? 2 : 1;
    event->kind = r->brackets == 2 ? REEF_TOML_TABLES : REEF_TOML_TABLE;
    return true;
}

static bool toml_open(reef_toml *r, reef_toml_event *event, char bracket)
{
    if (r->depth == REEF_TOML_DEPTH) {
        reef_toml_fail(r, r->at, "more than 1024 brackets are open", false);
        return true;
    }
    r->stack[r->depth++] = (unsigned char)bracket;
    r->at++;
    r->state = REEF_TOML_AT_ITEM;
    event->kind = bracket == '[' ? REEF_TOML_ARRAY : REEF_TOML_INLINE;
    return true;
}

static bool toml_value(reef_toml *r, reef_toml_event *event)
{
    toml_spaces(r);
    event->mark = reef_toml_here(r);
    char c = toml_peek(r);
    if (c == '[' || c == '{')
        return toml_open(r, event, c);
    r->state = REEF_TOML_AT_COMMA;
    if (c == '"' || c == '\'') {
        event->kind = REEF_TOML_STRING;
        reef_toml_string(r, event, true);
    } else {
        reef_toml_scalar(r, event);
    }
    return true;
}

static bool toml_in_array(const reef_toml *r)
{
    return r->stack[r->depth - 1] == '[';
}

/* The bracket that closes the innermost one, if it stands here. */
static bool toml_close(reef_toml *r, reef_toml_event *event)
{
    bool array = toml_in_array(r);
    event->mark = reef_toml_here(r);
    if (!toml_take(r, array ? ']' : '}'))
        return false;
    r->depth--;
    r->state = REEF_TOML_AT_COMMA;
    event->kind = array ? REEF_TOML_ARRAY_END : REEF_TOML_INLINE_END;
    return true;
}

/* The end of the text inside of brackets. */
static bool toml_unclosed(reef_toml *r)
{
    if (!toml_ended(r))
        return false;
    reef_toml_fail(r, r->at,
                   toml_in_array(r) ? "the \"]\" of an array is missing"
                                    : "the \"}\" of an inline table is missing",
                   true);
    return true;
}

/* After a bracket that opened, or a comma: both may be followed by the one that
 * closes. */
static bool toml_item(reef_toml *r, reef_toml_event *event)
{
    if (!toml_blank(r) || toml_close(r, event) || toml_unclosed(r))
        return true;
    r->state = toml_in_array(r) ? REEF_TOML_AT_VALUE : REEF_TOML_AT_PART;
    r->first = true;
    r->brackets = 0;
    return false;
}

static bool toml_after(reef_toml *r, reef_toml_event *event)
{
    if (r->depth == 0) {
        r->state = REEF_TOML_AT_EOL;
        return false;
    }
    if (!toml_blank(r) || toml_close(r, event) || toml_unclosed(r))
        return true;
    r->state = REEF_TOML_AT_ITEM;
    if (toml_take(r, ','))
        return false;
    reef_toml_fail(r, r->at,
                   toml_in_array(r)
                       ? "\",\" or \"]\" was expected after an element of an array"
                       : "\",\" or \"}\" was expected after a value of an inline table",
                   true);
    return true;
}

static bool toml_eol(reef_toml *r)
{
    toml_spaces(r);
    if (toml_peek(r) == '#' && !toml_comment(r))
        return true;
    r->state = REEF_TOML_AT_LINE;
    if (toml_ended(r) || toml_newline(r))
        return false;
    if (toml_peek(r) == '\r') {
        reef_toml_fail(r, r->at, "a CR without the LF of a line's end", false);
        return true;
    }
    reef_toml_fail(r, r->at,
                   r->brackets > 0 ? "the line was expected to end after the header"
                                   : "the line was expected to end after the value",
                   true);
    return true;
}

/* One step. True: the event is filled, or the reader failed. */
static bool toml_step(reef_toml *r, reef_toml_event *event)
{
    switch (r->state) {
    case REEF_TOML_AT_LINE:
        return toml_line(r, event);
    case REEF_TOML_AT_PART:
        return toml_part(r, event);
    case REEF_TOML_AT_VALUE:
        return toml_value(r, event);
    case REEF_TOML_AT_ITEM:
        return toml_item(r, event);
    case REEF_TOML_AT_COMMA:
        return toml_after(r, event);
    case REEF_TOML_AT_EOL:
        return toml_eol(r);
    case REEF_TOML_OVER:
        break;
    }
    event->mark = reef_toml_here(r);
    return true;
}

reef_toml_kind reef_toml_next(reef_toml *r, reef_toml_event *event)
{
    memset(event, 0, sizeof *event);
    while (!toml_step(r, event))
        continue;
    if (r->why != NULL) {
        memset(event, 0, sizeof *event);
        event->kind = REEF_TOML_BAD;
        event->mark = r->why_mark;
    }
    return event->kind;
}

/* What an error shows: the character where it is, or the whole word. */
static size_t toml_shown(reef_str text, size_t at)
{
    size_t end = at;
    while (end < text.len && toml_bare(text.ptr[end]))
        end++;
    if (end > at)
        return end - at;
    size_t size = reef_utf8_size(text, at);
    return size > 0 ? size : 1;
}

const char *reef_toml_why(const reef_toml *r, reef_toml_mark *mark, reef_str *found)
{
    size_t at = r->why_mark.at;
    *mark = r->why_mark;
    *found = (reef_str){0};
    if (r->why_shows && at < r->text.len)
        *found = reef_str_part(r->text, at, toml_shown(r->text, at));
    return r->why;
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
