/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: growing texts and the form of UTF-8.
 * Invariant: len <= cap <= REEF_DRAFT_MAX, so that no sum below can overflow. */
#include "session/draft.h"
#include <stdlib.h>
#include <string.h>

enum { DRAFT_FIRST = 256 }; /* bytes of the first reservation */

static bool draft_reserve(reef_draft *draft, size_t more)
{
    if (draft->code != REEF_OK)
        return false;
    if (more <= draft->cap - draft->len)
        return true;
    if (more > (size_t)REEF_DRAFT_MAX - draft->len) {
        draft->code = REEF_LIMIT;
        return false;
    }
    size_t cap = draft->cap > 0 ? draft->cap : DRAFT_FIRST;
    while (cap - draft->len < more)
        cap *= 2;
    char *ptr = realloc(draft->ptr, cap);
    if (ptr == NULL) {
        draft->code = REEF_NOMEM;
        return false;
    }
    draft->ptr = ptr;
    draft->cap = cap;
    return true;
}

void reef_draft_add(reef_draft *draft, reef_str text)
{
    if (text.len == 0 || !draft_reserve(draft, text.len))
        return;
    memcpy(draft->ptr + draft->len, text.ptr, text.len);
    draft->len += text.len;
}

void reef_draft_byte(reef_draft *draft, char byte)
{
    if (draft_reserve(draft, 1))
        draft->ptr[draft->len++] = byte;
}

void reef_draft_text(reef_draft *draft, const char *text)
{
    reef_draft_add(draft, reef_str_of(text));
}

void reef_draft_uint(reef_draft *draft, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    reef_draft_add(draft, (reef_str){digits + at, sizeof digits - at});
}

reef_str reef_draft_str(const reef_draft *draft)
{
    return (reef_str){draft->ptr, draft->len};
}

void reef_draft_clear(reef_draft *draft)
{
    draft->len = 0;
    draft->code = REEF_OK;
}

void reef_draft_free(reef_draft *draft)
{
    free(draft->ptr);
    *draft = (reef_draft){0};
}

/* What the second byte may be at least and at most, by the first: this is where
 * overlong forms, surrogates and values over U+10FFFF fall out. */
static void utf8_second(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
}

static size_t utf8_announced(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

size_t reef_draft_utf8(const char *ptr, size_t len)
{
    if (len == 0)
        return 0;
    uint8_t low, high;
    uint8_t first = (uint8_t)ptr[0];
    size_t size = utf8_announced(first);
    if (size > len)
        return 0;
    utf8_second(first, &low, &high);
    for (size_t i = 1; i < size; i++) {
        uint8_t byte = (uint8_t)ptr[i];
        if (byte < low || byte > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

bool reef_draft_utf8_valid(reef_str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t size = reef_draft_utf8(text.ptr + at, text.len - at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}
