/* SPDX-License-Identifier: Apache-2.0
 *
 * toml_string: the four kinds of strings. Found and validated in one pass; decoded
 * later and only where somebody wants them, straight into the caller's room.
 *
 * Invariant: what the scanner let through, the decoder reads without a check of its
 * own but the bounds, and the result is never longer than the source. */
#include "config/toml.h"
#include "config/text.h"

/* The value of `count` hex digits at `at`. False: they are not all there. */
static bool string_hex(reef_str text, size_t at, size_t count, uint32_t *value)
{
    *value = 0;
    if (text.len - at < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = reef_digit_value(text.ptr[at + i]);
        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* Digits of \x, \u and \U; 0 for another letter. */
static size_t string_hex_digits(char letter)
{
    return letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
}

/* The escape whose backslash stands at `at`: its length and character. 0: it is none
 * (or the end of a line). */
static size_t string_escape(reef_str text, size_t at, uint32_t *value)
{
    static const char letters[] = "btnfre\"\\";
    static const char values[] = "\b\t\n\f\r\x1B\"\\";
    if (text.len - at < 2)
        return 0;
    char letter = text.ptr[at + 1];
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        if (letters[i] == letter) {
            *value = (unsigned char)values[i];
            return 2;
        }
    }
    size_t digits = string_hex_digits(letter);
    if (digits == 0 || !string_hex(text, at + 2, digits, value))
        return 0;
    if (*value > 0x10FFFF || (*value >= 0xD800 && *value <= 0xDFFF))
        return 0;
    return 2 + digits;
}

/* Bytes of the line's end at `at`, 0 when none is there. */
static size_t string_newline(reef_str text, size_t at)
{
    if (at < text.len && text.ptr[at] == '\n')
        return 1;
    if (text.len - at >= 2 && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n')
        return 2;
    return 0;
}

/* A backslash that joins lines: its length up to the line's end, that not counted. 0:
 * something else stands before the end of the line. */
static size_t string_joint(reef_str text, size_t at)
{
    size_t end = at + 1;
    while (end < text.len && (text.ptr[end] == ' ' || text.ptr[end] == '\t'))
        end++;
    return string_newline(text, end) > 0 ? end - at : 0;
}

static const char *string_escape_why(reef_str text, size_t at)
{
    if (at + 1 == text.len)
        return "the text ends inside a string";
    char letter = text.ptr[at + 1];
    if (string_hex_digits(letter) > 0)
        return "after \\x, \\u and \\U stand 2, 4 and 8 hex digits of a Unicode "
               "character";
    return "an unknown escape; known are \\b \\t \\n \\f \\r \\e \\\" \\\\ \\xHH "
           "\\uHHHH "
           "\\UHHHHHHHH ('...' knows none)";
}

static bool string_over_escape(reef_toml *r, size_t *at, bool lines)
{
    uint32_t value;
    size_t size = string_escape(r->text, *at, &value);
    if (size == 0 && lines)
        size = string_joint(r->text, *at);
    if (size == 0)
        return reef_toml_fail(r, *at, string_escape_why(r->text, *at), false);
    r->escaped = true;
    *at += size;
    return true;
}

/* A string on one line, `at` behind its quote. Plain ASCII is stepped over here. */
static bool string_line(reef_toml *r, reef_toml_event *event, char quote)
{
    reef_str text = r->text;
    size_t start = r->at + 1, at = start;
    bool good = true;
    while (good) {
        at = reef_str_over(text, at, REEF_CHAR_PLAIN);
        if (at == text.len || text.ptr[at] == quote)
            break;
        char c = text.ptr[at];
        if (c == '\\' && quote == '"')
            good = string_over_escape(r, &at, false);
        else if (c >= 0x20 && c < 0x7F)
            at++;
        else if (string_newline(text, at) > 0)
            return reef_toml_fail(r, at, "the string is not closed on its line", false);
        else
            good = reef_toml_character(r, &at);
    }
    if (!good)
        return false;
    if (at == text.len)
        return reef_toml_fail(r, at, "the text ends inside a string", false);
    event->form = quote == '"' ? REEF_TOML_BASIC : REEF_TOML_LITERAL;
    event->text = (reef_str){text.ptr + start, at - start};
    r->at = at + 1;
    return true;
}

/* Equal quotes from `at` on, 5 at most: two of the text and three that close. */
static size_t string_quotes(reef_str text, size_t at, char quote)
{
    size_t count = 0;
    while (count < 5 && at + count < text.len && text.ptr[at + count] == quote)
        count++;
    return count;
}

static void string_next_line(reef_toml *r, size_t at)
{
    r->line++;
    r->line_at = at;
}

/* One step inside a string of lines, not at its quote. */
static bool string_lines_step(reef_toml *r, size_t *at, char quote)
{
    char c = r->text.ptr[*at];
    size_t newline = c == '\n' || c == '\r' ? string_newline(r->text, *at) : 0;
    if (newline > 0) {
        *at += newline;
        string_next_line(r, *at);
        return true;
    }
    if (c == '\\' && quote == '"')
        return string_over_escape(r, at, true);
    if (c >= 0x20 && c < 0x7F) {
        *at = reef_str_over(r->text, *at + 1, REEF_CHAR_PLAIN);
        return true;
    }
    return reef_toml_character(r, at);
}

/* The text has ended inside a string of lines: told at the end of its last line, and
 * where the string began. */
static bool string_unclosed(reef_toml *r, size_t start)
{
    reef_str text = r->text;
    size_t at = text.len;
    if (r->line_at == text.len && text.ptr[at - 1] == '\n') {
        at -= at > 1 && text.ptr[at - 2] == '\r' ? 2 : 1;
        for (r->line_at = at; r->line_at > 0 && text.ptr[r->line_at - 1] != '\n';)
            r->line_at--;
        r->line--;
        if (r->line_at == 0 && reef_str_starts(text, "\xEF\xBB\xBF"))
            r->line_at = 3;
    }
    reef_toml_fail(r, at, "the string of three quotes is not closed", false);
    return reef_toml_fail_first(r, start, 3, "it was opened here");
}

static bool string_lines(reef_toml *r, reef_toml_event *event, char quote)
{
    reef_str text = r->text;
    size_t start = r->at + 3, at = start, count = 0;
    size_t newline = string_newline(text, start);
    if (newline > 0) {
        at = start = start + newline;
        string_next_line(r, at);
    }
    while (at < text.len) {
        count = text.ptr[at] == quote ? string_quotes(text, at, quote) : 0;
        if (count >= 3)
            break;
        at += count;
        if (count == 0 && !string_lines_step(r, &at, quote))
            return false;
    }
    if (at == text.len)
        return string_unclosed(r, event->mark.at);
    event->form = quote == '"' ? REEF_TOML_BASIC_LINES : REEF_TOML_LITERAL_LINES;
    event->text = reef_str_part(text, start, at + count - 3 - start);
    r->at = at + count;
    return true;
}

bool reef_toml_string(reef_toml *r, reef_toml_event *event, bool lines)
{
    char quote = r->text.ptr[r->at];
    r->escaped = false;
    if (lines && string_quotes(r->text, r->at, quote) >= 3)
        return string_lines(r, event, quote);
    return string_line(r, event, quote);
}

/* Room for decoded bytes that counts on when it is full. */
typedef struct string_room {
    char *out;
    size_t cap, len;
} string_room;

static void string_put(string_room *room, char c)
{
    if (room->len < room->cap)
        room->out[room->len] = c;
    room->len++;
}

static bool string_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

size_t reef_toml_unescape(reef_str raw, size_t at, char out[4], size_t *len)
{
    uint32_t value;
    size_t size = raw.ptr[at] == '\\' ? string_escape(raw, at, &value) : 0;
    if (size > 0) {
        *len = reef_utf8_put(value, out);
        return at + size;
    }
    out[0] = raw.ptr[at];
    *len = 1;
    return at + 1;
}

/* The backslash at `at`: puts what it means, returns where to go on. */
static size_t string_unescape(string_room *room, reef_str text, size_t at)
{
    char bytes[4];
    uint32_t value;
    size_t size = string_escape(text, at, &value);
    if (size > 0) {
        size_t len = reef_utf8_put(value, bytes);
        for (size_t i = 0; i < len; i++)
            string_put(room, bytes[i]);
        return at + size;
    }
    for (at++; at < text.len && string_blank(text.ptr[at]);)
        at++;
    return at;
}

size_t reef_toml_decode(const reef_toml_event *event, char *out, size_t cap)
{
    string_room room = {out, cap, 0};
    reef_str text = event->text;
    bool escapes =
        event->form == REEF_TOML_BASIC || event->form == REEF_TOML_BASIC_LINES;
    bool lines =
        event->form == REEF_TOML_BASIC_LINES || event->form == REEF_TOML_LITERAL_LINES;
    for (size_t at = 0; at < text.len;) {
        char c = text.ptr[at];
        if (c == '\\' && escapes) {
            at = string_unescape(&room, text, at);
            continue;
        }
        if (!(lines && c == '\r')) /* a line ends with LF alone, however it was saved */
            string_put(&room, c);
        at++;
    }
    return room.len;
}
