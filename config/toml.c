/* SPDX-License-Identifier: Apache-2.0
 *
 * toml: lines, headers, keys, arrays and inline tables. Strings are toml_string.c's,
 * other scalars toml_scalar.c's.
 *
 * Invariants: `at` only moves forward; all before it was valid; `line` and `line_at`
 * belong to `at`. The stack says what the innermost open bracket is; beside it only the
 * names are remembered. Each part of a key is one of `names`, in the scope that the
 * part before it left in `scope`.
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
#include <stddef.h>
#include <string.h>

static void toml_limits(reef_toml *r, const reef_toml_limits *limits)
{
    if (limits != NULL)
        r->limits = *limits;
    if (r->limits.text == 0 || r->limits.text > REEF_NAMES_TEXT)
        r->limits.text = REEF_NAMES_TEXT;
    if (r->limits.depth == 0 || r->limits.depth > REEF_TOML_DEPTH)
        r->limits.depth = REEF_TOML_DEPTH;
}

static void toml_too_many(reef_toml *r, size_t at, const char *why, size_t limit)
{
    reef_toml_fail(r, at, why, false);
    r->why_code = REEF_LIMIT;
    r->why_limit = limit;
}

/* The two tables of brackets are written before they are read; the rest begins as
 * zero. */
void reef_toml_init(reef_toml *r, reef_str text, const reef_toml_limits *limits)
{
    memset(r, 0, offsetof(reef_toml, stack));
    toml_limits(r, limits);
    reef_names_init(&r->names, text, r->limits.names);
    r->text = text;
    r->line = 1;
    r->first = true;
    r->table = r->scope = REEF_NAMES_NONE;
    if (text.len > r->limits.text) {
        toml_too_many(r, 0, "the text has too many bytes", r->limits.text);
        return;
    }
    if (reef_str_starts(text, "\xEF\xBB\xBF"))
        r->at = r->line_at = r->entry = 3;
    if (reef_str_starts(text, "\xFF\xFE") || reef_str_starts(text, "\xFE\xFF"))
        reef_toml_fail(r, 0, "the text is UTF-16; it has to be saved as UTF-8", false);
}

void reef_toml_free(reef_toml *r)
{
    reef_names_free(&r->names);
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
    r->at = reef_str_over(r->text, r->at, REEF_CHAR_BLANK);
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

/* Over printing ASCII, eight bytes at once, and not the last few of it: it ends before
 * the first eight in which a byte is below 0x20 (taking 0x20 from it borrows), above
 * 0x7F, or 0x7F (adding one makes it so). */
static size_t toml_printing(reef_str text, size_t at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    for (; text.len - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text.ptr + at, sizeof eight);
        uint64_t low = (eight - 0x20 * ones) & ~eight, high = eight | (eight + ones);
        if (((low | high) & 0x80 * ones) != 0)
            break;
    }
    return at;
}

/* Plain ASCII is stepped over here, all else by the careful function. */
static bool toml_comment(reef_toml *r)
{
    reef_str text = r->text;
    size_t at = toml_printing(text, r->at);
    for (;;) {
        at = reef_str_over(text, at, REEF_CHAR_PLAIN);
        if (at == text.len || text.ptr[at] == '\n')
            break;
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

static bool toml_quoted_name(reef_toml *r, reef_toml_event *event, char quote)
{
    reef_str rest = reef_str_from(r->text, r->at);
    if (reef_str_starts(rest, quote == '"' ? "\"\"\"" : "'''"))
        return reef_toml_fail_span(r, r->at, 3,
                                   "a key can't be a string of three quotes", false);
    return reef_toml_string(r, event, false);
}

/* The text of one part of a key. */
static bool toml_name(reef_toml *r, reef_toml_event *event)
{
    char c = toml_peek(r);
    size_t start = r->at;
    if (c == '"' || c == '\'')
        return toml_quoted_name(r, event, c);
    r->at = reef_str_over(r->text, start, REEF_CHAR_BARE);
    if (r->at == start)
        return reef_toml_fail(
            r, start,
            r->first ? "a key was expected" : "a key was expected after the dot", true);
    event->form = REEF_TOML_BARE;
    event->text = (reef_str){r->text.ptr + start, r->at - start};
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

static reef_name_use toml_use(const reef_toml *r, bool last)
{
    if (r->brackets == 0)
        return last ? REEF_USE_KEY : REEF_USE_KEY_PATH;
    if (!last)
        return REEF_USE_TABLE_PATH;
    return r->brackets == 1 ? REEF_USE_TABLE : REEF_USE_TABLES;
}

/* The part that was read, held against the names before it. */
static void toml_known(reef_toml *r, const reef_toml_event *event)
{
    bool basic = event->form == REEF_TOML_BASIC;
    reef_name name = {event->mark.at, event->text, basic && r->escaped};
    uint32_t inner = REEF_NAMES_NONE;
    const char *why = NULL;
    reef_code code = reef_names_use(&r->names, r->scope, &name,
                                    toml_use(r, event->last), &inner, &why);
    r->scope = inner;
    if (code == REEF_OK)
        return;
    if (code == REEF_NOMEM)
        why = "memory is out";
    else if (code == REEF_LIMIT)
        why = "there are too many keys";
    reef_toml_fail_span(r, event->mark.at, event->size, why, code == REEF_BADCONFIG);
    r->why_code = code;
    r->why_limit = code == REEF_LIMIT ? r->limits.names : 0;
    if (code == REEF_BADCONFIG)
        reef_toml_fail_first(r, r->names.first,
                             reef_names_size(&r->names, r->names.first), r->names.note);
}

static void toml_begin_key(reef_toml *r)
{
    if (r->brackets > 0)
        r->scope = REEF_NAMES_NONE;
    else
        r->scope = r->depth > 0 ? r->scopes[r->depth - 1] : r->table;
}

static bool toml_part(reef_toml *r, reef_toml_event *event)
{
    toml_spaces(r);
    event->kind = REEF_TOML_KEY;
    event->mark = reef_toml_here(r);
    event->first = r->first;
    if (r->first)
        toml_begin_key(r);
    r->escaped = false;
    bool named = toml_name(r, event);
    r->escapes = r->escapes || r->escaped;
    if (!named)
        return true;
    event->size = r->at - event->mark.at;
    if (!toml_part_end(r, &event->last))
        return true;
    toml_known(r, event);
    r->first = event->last;
    r->keyed = event->last && r->brackets == 0;
    if (event->last && r->brackets > 0)
        r->table = r->scope;
    return true;
}

/* A new line of the document. */
static bool toml_line(reef_toml *r, reef_toml_event *event)
{
    r->before = r->entry;
    r->entry = r->at;
    if (!toml_blank(r))
        return true;
    r->entry = r->at;
    r->escapes = false;
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
    if (r->depth == r->limits.depth) {
        toml_too_many(r, r->at, "too many brackets are open", r->limits.depth);
        return true;
    }
    if (r->keyed)
        reef_names_is(&r->names, bracket == '[' ? REEF_NAME_ARRAY : REEF_NAME_INLINE);
    r->scopes[r->depth] = (uint32_t)r->at;
    r->stack[r->depth++] = (unsigned char)bracket;
    r->keyed = false;
    r->at++;
    event->size = 1;
    r->state = REEF_TOML_AT_ITEM;
    event->kind = bracket == '[' ? REEF_TOML_ARRAY : REEF_TOML_INLINE;
    return true;
}

/* An element that is none, on another line than its bracket: that bracket may be what
 * is wrong. */
static void toml_told(reef_toml *r, const reef_toml_event *event)
{
    if (r->depth == 0 || r->stack[r->depth - 1] != '[' || r->why_first_size > 0)
        return;
    size_t open = r->scopes[r->depth - 1];
    if (open < event->mark.line_at)
        reef_toml_fail_first(r, open, 1, "the array was opened here");
}

static bool toml_value(reef_toml *r, reef_toml_event *event)
{
    toml_spaces(r);
    event->mark = reef_toml_here(r);
    char c = toml_peek(r);
    if (c == '[' || c == '{')
        return toml_open(r, event, c);
    bool good;
    if (c == '"' || c == '\'') {
        event->kind = REEF_TOML_STRING;
        good = reef_toml_string(r, event, true);
    } else {
        good = reef_toml_scalar(r, event);
    }
    if (!good) {
        toml_told(r, event);
        return true;
    }
    event->size = r->at - event->mark.at;
    r->keyed = false;
    r->state = REEF_TOML_AT_COMMA;
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
    event->size = 1;
    event->kind = array ? REEF_TOML_ARRAY_END : REEF_TOML_INLINE_END;
    return true;
}

/* The bracket that is open, as the other place of an error. */
static void toml_opened(reef_toml *r)
{
    reef_toml_fail_first(r, r->scopes[r->depth - 1], 1, "it was opened here");
}

/* The closing bracket was expected behind what was read last, not where the file
 * happens to end or to go on. */
static void toml_not_closed(reef_toml *r)
{
    r->line = r->behind.line;
    r->line_at = r->behind.line_at;
    reef_toml_fail(r, r->behind.at,
                   toml_in_array(r)
                       ? "the array is not closed; \"]\" was expected"
                       : "the inline table is not closed; \"}\" was expected",
                   false);
    toml_opened(r);
}

static bool toml_is_word(reef_str name)
{
    return reef_str_is(name, "true") || reef_str_is(name, "false") ||
           reef_str_is(name, "inf") || reef_str_is(name, "nan");
}

/* A line that is a header, as no element of an array can be: "[server.mysql]". What may
 * be a number or a word that is a value is none. */
static bool toml_at_header(const reef_toml *r)
{
    reef_str text = r->text;
    size_t at = r->at, start;
    while (at > r->line_at && (text.ptr[at - 1] == ' ' || text.ptr[at - 1] == '\t'))
        at--;
    if (at > r->line_at || r->line == r->behind.line || toml_peek(r) != '[')
        return false;
    for (at = r->at; at < text.len && text.ptr[at] == '[';)
        at++;
    start = at;
    while (at < text.len && (reef_toml_bare(text.ptr[at]) || text.ptr[at] == '.'))
        at++;
    reef_str name = reef_str_part(text, start, at - start);
    bool closed = at < text.len && text.ptr[at] == ']';
    while (at < text.len && text.ptr[at] == ']')
        at++;
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
        at++;
    bool alone = at == text.len || memchr("\r\n#", text.ptr[at], 3) != NULL;
    return alone && closed && name.len > 0 && reef_is_letter(name.ptr[0]) &&
           !toml_is_word(name);
}

/* The end of the text inside of brackets, or the next header. */
static bool toml_unclosed(reef_toml *r)
{
    bool header = toml_in_array(r) && toml_at_header(r);
    if (!toml_ended(r) && !header)
        return false;
    toml_not_closed(r);
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
    if (toml_take(r, ',')) {
        r->state = REEF_TOML_AT_ITEM;
        r->behind = reef_toml_here(r);
        return false;
    }
    reef_toml_fail(r, r->at,
                   toml_in_array(r)
                       ? "\",\" or \"]\" was expected after an element of an array"
                       : "\",\" or \"}\" was expected after a value of an inline table",
                   true);
    toml_opened(r);
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
    r->behind = reef_toml_here(r);
    if (event->kind <= REEF_TOML_BAD)
        reef_toml_free(r);
    return event->kind;
}
