/* SPDX-License-Identifier: Apache-2.0
 *
 * See script_kit.h. */
#include "test/unit/script_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void say(script *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(r->text + r->len, sizeof r->text - r->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof r->text - r->len);
    r->len += (size_t)len;
}

void say_bulk(script *r, const char *text)
{
    say(r, "$%zu\r\n%s\r\n", strlen(text), text);
}

void say_pair(script *r, const char *key, const char *value)
{
    say_bulk(r, key);
    say_bulk(r, value);
}

bool word_is(const script *r, uint32_t at, const char *word)
{
    return at < r->count && strcmp(r->words[at], word) == 0;
}

/* "*3\r\n" or "$3\r\n": the number, and what is behind the line. */
static const char *script_line(const char *at, const char *end, char mark, int *number)
{
    char found;
    const char *line = memchr(at, '\n', (size_t)(end - at));
    if (!line)
        return NULL;
    assert_int_equal(sscanf(at, "%c%d", &found, number), 2);
    assert_int_equal(found, mark);
    return line + 1;
}

const char *script_read(script *r, const char *at, const char *end)
{
    int count = 0, len = 0;
    at = script_line(at, end, '*', &count);
    for (int i = 0; at && i < count; i++) {
        at = script_line(at, end, '$', &len);
        if (!at || end - at < len + 2)
            return NULL;
        if (i < SCRIPT_WORDS)
            snprintf(r->words[i], sizeof r->words[i], "%.*s",
                     len < SCRIPT_WORD ? len : SCRIPT_WORD - 1, at);
        at += len + 2;
    }
    r->count = (uint32_t)(count < SCRIPT_WORDS ? count : SCRIPT_WORDS);
    return at;
}
