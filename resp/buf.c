/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable bytes. Invariants: len <= cap; data is NULL while cap is 0; sums that would
 * wrap become SIZE_MAX, so a wrapped size never reaches the allocator. */
#include "resp/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Read through volatile, so that the compiler can't know that it is memset and that
 * nobody reads what it wrote. */
static void *(*const volatile buf_memset)(void *, int, size_t) = memset;

void reef_wipe(void *bytes, size_t len)
{
    if (len > 0) {
        buf_memset(bytes, 0, len);
    }
}

/* Beyond PTRDIFF_MAX a distance inside the block could not be told; allocators refuse
 * such sizes too, and sanitizers abort on them. */
static bool buf_sane(size_t cap)
{
    return cap <= PTRDIFF_MAX;
}

bool reef_buf_resize(reef_buf *buf, size_t cap)
{
    assert(cap >= buf->len && cap > 0);
    if (!buf_sane(cap)) {
        return false;
    }
    char *data = realloc(buf->data, cap);
    if (data == NULL) {
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

bool reef_buf_resize_secret(reef_buf *buf, size_t cap)
{
    assert(cap >= buf->len && cap > 0);
    char *data = buf_sane(cap) ? malloc(cap) : NULL;
    if (data == NULL) {
        return false;
    }
    if (buf->len > 0) {
        memcpy(data, buf->data, buf->len);
        reef_wipe(buf->data, buf->len);
    }
    free(buf->data);
    buf->data = data;
    buf->cap = cap;
    return true;
}

void reef_buf_free(reef_buf *buf)
{
    free(buf->data);
    *buf = (reef_buf){NULL, 0, 0};
}
