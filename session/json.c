/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: the JSON of knot's records, written and read the way Go's encoding/json
 * does. Invariants: at <= len; once why is set, at stays where the error was. Nothing
 * is read behind len. Unknown values are walked with one bit a level instead of
 * recursion. */
#include "session/json.h"
#include <string.h>

/* ---- writing ------------------------------------------------------------------ */

static const char json_hex[] = "0123456789abcdef";

/* The letter behind the backslash for what has a short escape, else 0. */
static char json_short(char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void json_write_ascii(reef_draft *draft, char byte)
{
    uint8_t value = (uint8_t)byte;
    char letter = json_short(byte);
    if (letter != 0) {
        reef_draft_byte(draft, '\\');
        reef_draft_byte(draft, letter);
    } else if (value < 0x20 || byte == '<' || byte == '>' || byte == '&') {
        reef_draft_text(draft, "\\u00");
        reef_draft_byte(draft, json_hex[value >> 4]);
        reef_draft_byte(draft, json_hex[value & 15]);
    } else {
        reef_draft_byte(draft, byte);
    }
}

/* One character, or one byte that is none; the bytes taken. */
static size_t json_write_char(reef_draft *draft, const char *ptr, size_t len)
{
    size_t size = reef_utf8_size((reef_str){ptr, len}, 0);
    if (size == 0) {
        reef_draft_text(draft, "\\ufffd");
        return 1;
    }
    if (size == 1)
        json_write_ascii(draft, *ptr);
    else if (size == 3 && memcmp(ptr, "\xE2\x80\xA8", 3) == 0)
        reef_draft_text(draft, "\\u2028");
    else if (size == 3 && memcmp(ptr, "\xE2\x80\xA9", 3) == 0)
        reef_draft_text(draft, "\\u2029");
    else
        reef_draft_add(draft, (reef_str){ptr, size});
    return size;
}

/* The bytes at ptr that stand for themselves: most of most texts, copied at once. */
static size_t json_write_run(const char *ptr, size_t len)
{
    size_t run = 0;
    while (run < len) {
        uint8_t byte = (uint8_t)ptr[run];
        if (byte < 0x20 || byte > 0x7F || byte == '"' || byte == '\\' || byte == '<' ||
            byte == '>' || byte == '&')
            break;
        run++;
    }
    return run;
}

void reef_json_write(reef_draft *draft, reef_str text)
{
    reef_draft_byte(draft, '"');
    for (size_t at = 0; at < text.len && draft->code == REEF_OK;) {
        size_t run = json_write_run(text.ptr + at, text.len - at);
        reef_draft_add(draft, (reef_str){text.ptr + at, run});
        at += run;
        if (at < text.len)
            at += json_write_char(draft, text.ptr + at, text.len - at);
    }
    reef_draft_byte(draft, '"');
}

/* ---- reading: bytes ----------------------------------------------------------- */

void reef_json_fail(reef_json *json, const char *why, size_t at)
{
    if (json->why != NULL)
        return;
    json->why = why;
    json->at = at;
}

/* The byte at hand, or -1 at the end and after an error. */
static int json_byte(const reef_json *json)
{
    if (json->why != NULL || json->at >= json->len)
        return -1;
    return (uint8_t)json->ptr[json->at];
}

static int json_peek(reef_json *json)
{
    int byte = json_byte(json);
    while (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') {
        json->at++;
        byte = json_byte(json);
    }
    return byte;
}

static bool json_take(reef_json *json, int wanted)
{
    if (json_byte(json) != wanted)
        return false;
    json->at++;
    return true;
}

static bool json_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static int json_nibble(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* The four hex digits at ptr, or -1. */
static int32_t json_unit(const char *ptr, size_t len)
{
    int32_t value = 0;
    if (len < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int nibble = json_nibble(ptr[i]);
        if (nibble < 0)
            return -1;
        value = value * 16 + nibble;
    }
    return value;
}

static void json_literal(reef_json *json, const char *word)
{
    size_t start = json->at;
    for (size_t i = 0; word[i] != 0; i++) {
        if (!json_take(json, (uint8_t)word[i])) {
            reef_json_fail(json, "a value was expected", start);
            return;
        }
    }
}

/* ---- reading: strings --------------------------------------------------------- */

static void json_scan_escape(reef_json *json)
{
    size_t start = json->at++;
    int letter = json_byte(json);
    if (letter == 'u' &&
        json_unit(json->ptr + json->at + 1, json->len - json->at - 1) >= 0) {
        json->at += 5;
        return;
    }
    if (letter > 0 && strchr("\"\\/bfnrt", letter) != NULL)
        json->at++;
    else
        reef_json_fail(json, "a bad escape in a string", start);
}

/* The next byte of a string that is not simply part of it, or -1 at the end. */
static int json_inside(reef_json *json)
{
    while (json->at < json->len) {
        uint8_t byte = (uint8_t)json->ptr[json->at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            return byte;
        json->at++;
    }
    return -1;
}

reef_str reef_json_quoted(reef_json *json)
{
    int first = json_peek(json);
    size_t open = json->at;
    if (first != '"') {
        reef_json_fail(json, "a string was expected", json->at);
        return (reef_str){NULL, 0};
    }
    size_t start = ++json->at;
    for (int byte = json_inside(json); byte != '"'; byte = json_inside(json)) {
        if (byte == '\\')
            json_scan_escape(json);
        else if (byte < 0)
            reef_json_fail(json, "a string that does not end", open);
        else
            reef_json_fail(json, "a control character in a string", json->at);
        if (json->why != NULL)
            return (reef_str){NULL, 0};
    }
    json->at++;
    return (reef_str){json->ptr + start, json->at - 1 - start};
}

static void json_put_rune(reef_draft *out, int32_t rune)
{
    char bytes[4];
    size_t size = reef_utf8_put((uint32_t)rune, bytes);
    reef_draft_add(out, (reef_str){bytes, size});
}

/* "\uXXXX" at ptr, with its second half where it is a pair; the bytes taken. */
static size_t json_put_unit(reef_draft *out, const char *ptr, size_t len)
{
    int32_t unit = json_unit(ptr + 2, len - 2);
    if (unit < 0xD800 || unit > 0xDFFF) {
        json_put_rune(out, unit);
        return 6;
    }
    int32_t second = -1;
    if (unit < 0xDC00 && len >= 12 && ptr[6] == '\\' && ptr[7] == 'u')
        second = json_unit(ptr + 8, 4);
    if (second < 0xDC00 || second > 0xDFFF) {
        json_put_rune(out, 0xFFFD);
        return 6;
    }
    json_put_rune(out, 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00));
    return 12;
}

static size_t json_put_escape(reef_draft *out, const char *ptr, size_t len)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (ptr[1] == 'u')
        return json_put_unit(out, ptr, len);
    const char *short_one = strchr(from, ptr[1]);
    reef_draft_byte(out, short_one != NULL ? to[short_one - from] : ptr[1]);
    return 2;
}

static size_t json_read_run(const char *ptr, size_t len)
{
    size_t run = 0;
    while (run < len && (uint8_t)ptr[run] < 0x80 && ptr[run] != '\\')
        run++;
    return run;
}

/* One escape, one character, or one byte that is none; the bytes taken. */
static size_t json_put_next(reef_draft *out, const char *ptr, size_t len)
{
    if (*ptr == '\\')
        return json_put_escape(out, ptr, len);
    size_t size = reef_utf8_size((reef_str){ptr, len}, 0);
    if (size == 0) {
        json_put_rune(out, 0xFFFD);
        return 1;
    }
    reef_draft_add(out, (reef_str){ptr, size});
    return size;
}

/* `raw` was checked by reef_json_quoted. */
static void json_unescape(reef_draft *out, reef_str raw)
{
    reef_draft_clear(out);
    for (size_t at = 0; at < raw.len && out->code == REEF_OK;) {
        size_t run = json_read_run(raw.ptr + at, raw.len - at);
        reef_draft_add(out, (reef_str){raw.ptr + at, run});
        at += run;
        if (at < raw.len)
            at += json_put_next(out, raw.ptr + at, raw.len - at);
    }
}

void reef_json_string(reef_json *json, reef_draft *out)
{
    reef_str raw = reef_json_quoted(json);
    if (json->why == NULL)
        json_unescape(out, raw);
}

/* ---- reading: numbers and words ----------------------------------------------- */

static void json_digits(reef_json *json)
{
    if (!json_digit(json_byte(json)))
        reef_json_fail(json, "a digit was expected", json->at);
    while (json_digit(json_byte(json)))
        json->at++;
}

static reef_str json_number(reef_json *json)
{
    size_t start = json->at;
    json_take(json, '-');
    if (!json_take(json, '0'))
        json_digits(json);
    if (json_take(json, '.'))
        json_digits(json);
    if (json_take(json, 'e') || json_take(json, 'E')) {
        if (!json_take(json, '+'))
            json_take(json, '-');
        json_digits(json);
    }
    if (json->why != NULL)
        return (reef_str){NULL, 0};
    return (reef_str){json->ptr + start, json->at - start};
}

uint64_t reef_json_uint(reef_json *json)
{
    int first = json_peek(json);
    size_t start = json->at;
    if (first != '-' && !json_digit(first)) {
        reef_json_fail(json, "a number was expected", start);
        return 0;
    }
    reef_str text = json_number(json);
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(uint8_t)text.ptr[i] - '0';
        if (digit > 9) {
            reef_json_fail(json, "a whole number without sign was expected", start);
            return 0;
        }
        if (value > (UINT64_MAX - digit) / 10) {
            reef_json_fail(json, "a number over 64 bits", start);
            return 0;
        }
        value = value * 10 + digit;
    }
    return value;
}

bool reef_json_bool(reef_json *json)
{
    int first = json_peek(json);
    if (first == 't') {
        json_literal(json, "true");
        return json->why == NULL;
    }
    if (first == 'f')
        json_literal(json, "false");
    else
        reef_json_fail(json, "true or false was expected", json->at);
    return false;
}

bool reef_json_null(reef_json *json)
{
    if (json_peek(json) != 'n')
        return false;
    json_literal(json, "null");
    return json->why == NULL;
}

/* ---- reading: objects --------------------------------------------------------- */

static void json_colon(reef_json *json)
{
    json_peek(json);
    if (!json_take(json, ':'))
        reef_json_fail(json, "a colon was expected", json->at);
}

void reef_json_open(reef_json *json, reef_str text)
{
    *json = (reef_json){text.ptr, text.len, 0, NULL, false};
    json_peek(json);
    if (!json_take(json, '{'))
        reef_json_fail(json, "an object was expected", json->at);
}

static void json_finish(reef_json *json)
{
    json->at++;
    json_peek(json);
    if (json->at < json->len)
        reef_json_fail(json, "more text behind the object", json->at);
}

bool reef_json_member(reef_json *json, reef_draft *name)
{
    int byte = json_peek(json);
    if (json->why != NULL)
        return false;
    if (byte == '}') {
        json_finish(json);
        return false;
    }
    if (json->begun && !json_take(json, ',')) {
        reef_json_fail(json, "a comma or the object's end was expected", json->at);
        return false;
    }
    json->begun = true;
    reef_json_string(json, name);
    json_colon(json);
    return json->why == NULL;
}

/* ---- reading: values that nobody asked for ------------------------------------ */

/* The aggregates around the value at hand; bit set: an object. */
struct json_nest {
    size_t depth;
    uint8_t objects[(REEF_JSON_DEPTH + 7) / 8];
};

static bool json_in_object(const struct json_nest *nest)
{
    size_t level = nest->depth - 1;
    return (nest->objects[level / 8] >> (level % 8) & 1) != 0;
}

static void json_push(reef_json *json, struct json_nest *nest, bool object)
{
    /* The outermost object stands around the walk and counts. */
    if (nest->depth + 1 >= REEF_JSON_DEPTH) {
        reef_json_fail(json, "nested too deep", json->at);
        return;
    }
    size_t level = nest->depth++;
    uint8_t bit = (uint8_t)(1u << (level % 8));
    if (object)
        nest->objects[level / 8] |= bit;
    else
        nest->objects[level / 8] &= (uint8_t)~bit;
    json->at++;
}

static void json_scalar(reef_json *json, int first)
{
    if (first == '"')
        reef_json_quoted(json);
    else if (first == 't')
        json_literal(json, "true");
    else if (first == 'f')
        json_literal(json, "false");
    else if (first == 'n')
        json_literal(json, "null");
    else if (first == '-' || json_digit(first))
        json_number(json);
    else
        reef_json_fail(json, "a value was expected", json->at);
}

static void json_name(reef_json *json, const struct json_nest *nest)
{
    if (!json_in_object(nest))
        return;
    reef_json_quoted(json);
    json_colon(json);
}

/* True: a whole value was passed. False: one was opened, and its first child is
 * next. */
static bool json_begin(reef_json *json, struct json_nest *nest)
{
    int first = json_peek(json);
    if (first != '{' && first != '[') {
        json_scalar(json, first);
        return true;
    }
    json_push(json, nest, first == '{');
    if (json_peek(json) == (first == '{' ? '}' : ']')) {
        json->at++;
        nest->depth--;
        return true;
    }
    json_name(json, nest);
    return false;
}

/* Behind a whole value: closes what ends here, and goes on to the next value. */
static void json_after(reef_json *json, struct json_nest *nest)
{
    while (nest->depth > 0 && json->why == NULL) {
        int byte = json_peek(json);
        if (byte == ',') {
            json->at++;
            json_name(json, nest);
            return;
        }
        if (byte != (json_in_object(nest) ? '}' : ']')) {
            reef_json_fail(json, "a comma or a closing bracket was expected", json->at);
            return;
        }
        json->at++;
        nest->depth--;
    }
}

void reef_json_skip(reef_json *json)
{
    struct json_nest nest;
    nest.depth = 0;
    memset(nest.objects, 0, sizeof nest.objects);
    do {
        if (json_begin(json, &nest))
            json_after(json, &nest);
    } while (nest.depth > 0 && json->why == NULL);
}
