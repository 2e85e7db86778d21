/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: growing texts.
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
