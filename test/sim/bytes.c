/* SPDX-License-Identifier: Apache-2.0
 *
 * bytes: bytes on their way, and the parts that replies are made of. */
#include "test/sim/server.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes -------------------------------------------------------------------- */

void sim_bytes_add(sim_bytes *b, const char *bytes, size_t len)
{
    if (b->head == b->len) {
        b->head = b->len = 0;
    }
    if (b->cap - b->len < len) {
        size_t cap = (b->len + len) * 2 + 256;
        char *ptr = realloc(b->ptr, cap);
        if (ptr == NULL) {
            abort(); /* the test's own memory: no way to go on */
        }
        b->ptr = ptr;
        b->cap = cap;
    }
    if (len > 0) {
        memcpy(b->ptr + b->len, bytes, len);
        b->len += len;
    }
}

void sim_bytes_text(sim_bytes *b, const char *text)
{
    sim_bytes_add(b, text, strlen(text));
}

void sim_bytes_int(sim_bytes *b, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    sim_bytes_add(b, digits + at, sizeof digits - at);
}

void sim_bytes_skip(sim_bytes *b, size_t len)
{
    b->head += len;
}

size_t sim_bytes_left(const sim_bytes *b)
{
    return b->len - b->head;
}

void sim_bytes_free(sim_bytes *b)
{
    free(b->ptr);
    *b = (sim_bytes){0};
}

/* ---- parts of replies --------------------------------------------------------- */

void sim_bytes_head(sim_bytes *b, char kind, size_t count)
{
    sim_bytes_add(b, &kind, 1);
    sim_bytes_int(b, (int64_t)count);
    sim_bytes_text(b, "\r\n");
}

void sim_bytes_bulk(sim_bytes *b, reef_str text)
{
    sim_bytes_head(b, '$', text.len);
    sim_bytes_add(b, text.ptr, text.len);
    sim_bytes_text(b, "\r\n");
}

void sim_bytes_word(sim_bytes *b, const char *text)
{
    sim_bytes_bulk(b, reef_str_of(text));
}

void sim_bytes_number(sim_bytes *b, int64_t value)
{
    sim_bytes_text(b, ":");
    sim_bytes_int(b, value);
    sim_bytes_text(b, "\r\n");
}

/* ---- keys and values ---------------------------------------------------------- */

int64_t sim_number(reef_str word)
{
    int64_t value = 0;
    size_t i = 1;
    for (; i < word.len && i < 10 && word.ptr[i] >= '0' && word.ptr[i] <= '9'; i++) {
        value = value * 10 + (word.ptr[i] - '0');
    }
    return i > 1 ? value : -1;
}

void sim_bytes_value(sim_bytes *b, int64_t id, size_t size)
{
    size_t start = b->head == b->len ? 0 : b->len;
    sim_bytes_text(b, "w");
    sim_bytes_int(b, id);
    sim_bytes_text(b, ".");
    while (b->len - start < size) {
        sim_bytes_add(b, "abcdefghijklmnop\r\n$*\0+", 22);
    }
    b->len = start + size;
}

bool sim_is_value(reef_str text, int64_t id)
{
    sim_bytes want = {0};
    sim_bytes_value(&want, id, text.len);
    bool same = text.len >= 2 && sim_number(text) == id &&
                memcmp(want.ptr, text.ptr, text.len) == 0;
    sim_bytes_free(&want);
    return same;
}
