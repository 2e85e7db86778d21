/* SPDX-License-Identifier: Apache-2.0
 *
 * text: UTF-8, words, and sentences in a fixed room.
 *
 * Invariants: a message holds whole characters only and never more than its room, and
 * nothing reaches it that a terminal would act on. */
#include "config/text.h"
#include <string.h>

#define S_ REEF_CHAR_PLAIN | REEF_CHAR_BLANK
#define P_ REEF_CHAR_PLAIN
#define W_ REEF_CHAR_PLAIN | REEF_CHAR_WORD
#define B_ REEF_CHAR_PLAIN | REEF_CHAR_WORD | REEF_CHAR_BARE

/* By the high half of a byte; what is not ASCII is of no class. */
const unsigned char reef_char_classes[256] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  S_, 0,  0,  0,  0,  0,  0,  /* tab */
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  /* controls */
    S_, P_, 0,  P_, P_, P_, P_, 0,  P_, P_, P_, W_, P_, B_, W_, P_, /* " ' + - . */
    B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, W_, P_, P_, P_, P_, P_, /* digits : */
    P_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, /* letters */
    B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, P_, 0,  P_, P_, B_, /* \ _ */
    P_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, /* letters */
    B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, P_, P_, P_, P_, 0,  /* delete */
};

#undef S_
#undef P_
#undef W_
#undef B_

unsigned reef_digit_value(char c)
{
    if (reef_is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

reef_str reef_str_from(reef_str text, size_t at)
{
    return reef_str_part(text, at, text.len - at);
}

reef_str reef_str_part(reef_str text, size_t at, size_t len)
{
    reef_str part = {NULL, len};
    if (len > 0)
        part.ptr = text.ptr + at;
    return part;
}

static bool str_space(char c)
{
    return c == ' ' || c == '\t';
}

reef_str reef_str_trim(reef_str text)
{
    while (text.len > 0 && str_space(text.ptr[0]))
        text = reef_str_from(text, 1);
    while (text.len > 0 && str_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool reef_str_starts(reef_str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

size_t reef_str_find(reef_str text, char c, size_t at)
{
    while (at < text.len && text.ptr[at] != c)
        at++;
    return at;
}

bool reef_str_mentions(reef_str text, const char *lower)
{
    size_t len = strlen(lower);
    for (size_t at = 0; at + len <= text.len; at++)
        if ((text.ptr[at] | 0x20) == lower[0] &&
            reef_str_is(reef_str_part(text, at, len), lower))
            return true;
    return false;
}

bool reef_str_number(reef_str text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!reef_is_digit(text.ptr[i]) || value > max / 10)
            return false;
        value *= 10;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (digit > max - value)
            return false;
        value += digit;
    }
    *out = value;
    return text.len > 0;
}

void reef_forget(void *memory, size_t len)
{
    volatile unsigned char *byte = memory;
    while (len-- > 0)
        *byte++ = 0;
}

/* Adds the whole piece or nothing. */
static bool message_bytes(reef_message *m, const char *bytes, size_t len)
{
    if (len >= REEF_MESSAGE_MAX - m->len)
        return false;
    memcpy(m->text + m->len, bytes, len);
    m->len += len;
    m->text[m->len] = 0;
    return true;
}

void reef_message_add(reef_message *m, const char *text)
{
    reef_str s = reef_str_of(text);
    for (size_t at = 0, size = 0; at < s.len; at += size) {
        size = reef_utf8_size(s, at);
        size = size == 0 ? 1 : size;
        if (!message_bytes(m, s.ptr + at, size))
            return;
    }
}

void reef_message_number(reef_message *m, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    message_bytes(m, digits + at, sizeof digits - at);
}

/* "\xNN", or "\u{NNNN}" for what needs more digits. */
static size_t message_escape(uint32_t point, char out[REEF_SHOWN_CHAR])
{
    bool byte = point < 0x100;
    size_t digits = byte ? 2 : 4, len = 0;
    while (point >> (4 * digits) > 0)
        digits++;
    out[len++] = '\\';
    out[len++] = byte ? 'x' : 'u';
    if (!byte)
        out[len++] = '{';
    while (digits-- > 0)
        out[len++] = "0123456789abcdef"[point >> (4 * digits) & 15];
    if (!byte)
        out[len++] = '}';
    return len;
}

size_t reef_shown(reef_str text, size_t at, char out[REEF_SHOWN_CHAR], size_t *size)
{
    uint32_t point;
    *size = reef_utf8_get(text, at, &point);
    if (*size == 0) {
        *size = 1;
        return message_escape((unsigned char)text.ptr[at], out);
    }
    if (!reef_utf8_shown(point))
        return message_escape(point, out);
    memcpy(out, text.ptr + at, *size);
    return *size;
}

/* A blank that is not the plain one: nobody would see which. */
static bool message_is_blank(uint32_t point)
{
    return point == 0xA0 || point == 0x3000 || point == 0x202F || point == 0x205F ||
           (point >= 0x2000 && point <= 0x200A);
}

static size_t message_piece(reef_str text, size_t at, char out[REEF_SHOWN_CHAR],
                            size_t *size)
{
    uint32_t point;
    *size = reef_utf8_get(text, at, &point);
    return *size > 0 && message_is_blank(point) ? message_escape(point, out)
                                                : reef_shown(text, at, out, size);
}

/* Shows `text` in at most `max` bytes: what is left out at the end becomes "...". */
static void message_show(reef_message *m, reef_str text, size_t max, bool quoted)
{
    char piece[REEF_SHOWN_CHAR];
    size_t used = 0;
    for (size_t at = 0, size = 0; at < text.len; at += size) {
        size_t len = message_piece(text, at, piece, &size);
        if (used + len > max) {
            reef_message_add(m, "...");
            return;
        }
        if (quoted && piece[0] == '"')
            message_bytes(m, "\\", 1); /* or one text would look like two */
        message_bytes(m, piece, len);
        used += len;
    }
}

void reef_message_value(reef_message *m, reef_str value)
{
    message_show(m, value, REEF_SHOWN_MAX, false);
}

void reef_message_quoted(reef_message *m, reef_str value)
{
    reef_message_add(m, "\"");
    message_show(m, value, REEF_SHOWN_MAX, true);
    reef_message_add(m, "\"");
}

void reef_message_text(reef_message *m, reef_str text)
{
    size_t room = REEF_MESSAGE_MAX - 1 - m->len;
    message_show(m, text, room > 3 ? room - 3 : 0, false);
}

/* A file's name in at most `max` bytes: its end says more than its beginning. */
static void message_name(reef_message *m, reef_str name, size_t max)
{
    char piece[REEF_SHOWN_CHAR];
    size_t need = 0, start = 0, size = 0;
    for (size_t at = 0; at < name.len; at += size)
        need += reef_shown(name, at, piece, &size);
    if (need > max) {
        reef_message_add(m, "...");
        max -= 3;
    }
    for (; need > max; start += size)
        need -= reef_shown(name, start, piece, &size);
    message_show(m, reef_str_from(name, start), max, false);
}

/* Bytes of `m` that fit into `max`, whole characters only. */
static size_t message_fit(const reef_message *m, size_t max)
{
    size_t len = m->len < max ? m->len : max;
    while (len > 0 && len < m->len && ((unsigned char)m->text[len] & 0xC0) == 0x80)
        len--;
    return len;
}

void reef_message_copy(const reef_message *m, char *out, size_t cap)
{
    size_t len = message_fit(m, cap - 1);
    memcpy(out, m->text, len);
    out[len] = 0;
}

size_t reef_config_place_text(char out[REEF_ERROR_TEXT], reef_config_place place,
                              const reef_message *sentence)
{
    reef_message where = {0}, head = {0};
    if (place.line > 0) {
        reef_message_add(&where, ":");
        reef_message_number(&where, place.line);
        reef_message_add(&where, ":");
        reef_message_number(&where, place.column);
    }
    reef_message_add(&where, ": ");
    size_t room = REEF_ERROR_TEXT - 1 - where.len;
    size_t left = sentence->len < room ? room - sentence->len : 0;
    message_name(&head, reef_str_of(place.name),
                 left > REEF_SHOWN_FILE_MIN ? left : REEF_SHOWN_FILE_MIN);
    reef_message_add(&head, where.text);
    memcpy(out, head.text, head.len);
    reef_message_copy(sentence, out + head.len, REEF_ERROR_TEXT - head.len);
    return head.len;
}

reef_code reef_config_fail(reef_error *error, reef_code code, reef_config_place place,
                           const reef_message *sentence)
{
    if (error == NULL)
        return code;
    memset(error, 0, sizeof *error);
    error->code = code;
    reef_config_place_text(error->text, place, sentence);
    return code;
}
