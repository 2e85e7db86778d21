/* SPDX-License-Identifier: Apache-2.0
 *
 * Help for the tests that run files of vectors. */
#include "test/unit/vector_help.h"
#include "test/unit/resp_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Brackets and strings are balanced. */
const char *vector_skip(const char *at, const char *end)
{
    int open = 0;
    bool quoted = false;
    for (; at < end; at++) {
        if (quoted) {
            quoted = *at != '"';
            at += *at == '\\' ? 1 : 0;
        } else if (*at == '"') {
            quoted = true;
        } else if (*at == '[' || *at == '{') {
            open++;
        } else if (*at == ']' || *at == '}') {
            if (open == 0) {
                return at;
            }
            open--;
        } else if (*at == ',' && open == 0) {
            return at;
        }
    }
    return end;
}

reef_str vector_field(reef_str line, const char *name)
{
    const char *at = line.ptr + 1;
    const char *end = line.ptr + line.len;
    while (at < end && *at == '"') {
        const char *key = ++at;
        at = strchr(at, '"');
        bool match = (size_t)(at - key) == strlen(name) &&
                     strncmp(key, name, (size_t)(at - key)) == 0;
        at += strspn(at + 1, ": ") + 1;
        const char *value = at;
        at = vector_skip(at, end);
        if (match) {
            return (reef_str){value, (size_t)(at - value)};
        }
        at += strspn(at, ", ");
    }
    return (reef_str){NULL, 0};
}

reef_str vector_unquote(reef_str text)
{
    return text.len < 2 ? text : (reef_str){text.ptr + 1, text.len - 2};
}

uint64_t vector_number(reef_str text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n = n * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return n;
}

char *vector_base64(reef_str text, size_t *len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *bytes = malloc(text.len + 1);
    assert_non_null(bytes);
    uint32_t bits = 0;
    size_t have = 0;
    *len = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        const char *digit = strchr(digits, text.ptr[i]);
        assert_non_null(digit);
        bits = bits << 6 | (uint32_t)(digit - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[(*len)++] = (char)(unsigned char)(bits >> have);
        }
    }
    return bytes;
}

/* The four digits of a \u at `at`. */
static uint32_t vector_unit(reef_str text, size_t at)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    uint32_t unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        assert_true(i < text.len && text.ptr[i] != 0);
        const char *digit = strchr(digits, text.ptr[i]);
        assert_non_null(digit);
        unit = unit << 4 | ((uint32_t)(digit - digits) & 15);
    }
    return unit;
}

/* The escape at `at`, as bytes; its length. */
static size_t vector_escape(reef_str text, size_t at, char out[4], size_t *len)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    assert_true(at + 1 < text.len && text.ptr[at + 1] != 0);
    if (text.ptr[at + 1] != 'u') {
        const char *name = strchr(names, text.ptr[at + 1]);
        assert_non_null(name);
        out[0] = meant[name - names];
        *len = 1;
        return 2;
    }
    uint32_t point = vector_unit(text, at);
    bool pair = point >= 0xD800 && point < 0xDC00;
    if (pair) {
        point = 0x10000 + ((point - 0xD800) << 10) + vector_unit(text, at + 6) - 0xDC00;
    }
    *len = reef_utf8_put(point, out);
    return pair ? 12 : 6;
}

char *vector_string(reef_str text, size_t *len)
{
    reef_str inside = vector_unquote(text);
    char *bytes = malloc(inside.len + 1);
    assert_non_null(bytes);
    *len = 0;
    for (size_t at = 0; at < inside.len;) {
        size_t size = 1;
        if (inside.ptr[at] == '\\') {
            at += vector_escape(inside, at, bytes + *len, &size);
        } else {
            bytes[*len] = inside.ptr[at++];
        }
        *len += size;
    }
    return bytes;
}

/* ---- files -------------------------------------------------------------------- */

static struct {
    void (*run)(reef_str line);
    const vector_file *own;
    size_t own_count;
    int path_count;
    char **paths;
} vector_asked;

/* How many lines it has; the text is freed. */
static size_t vector_lines(char *text, size_t len)
{
    size_t count = 0;
    for (const char *at = text; at < text + len; count++) {
        size_t line = strcspn(at, "\n");
        vector_asked.run((reef_str){at, line});
        at += line + 1;
    }
    free(text);
    return count;
}

static void test_vectors_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_asked.own_count; i++) {
        const vector_file *file = &vector_asked.own[i];
        size_t len = 0;
        char *text = help_read_data(file->name, &len);
        assert_true(vector_lines(text, len) > file->more_than);
    }
}

static void test_vectors_given(void **state)
{
    (void)state;
    for (int i = 0; i < vector_asked.path_count; i++) {
        size_t len = 0;
        char *text = help_read_file(vector_asked.paths[i], &len);
        print_message("%zu vectors in %s\n", vector_lines(text, len),
                      vector_asked.paths[i]);
    }
}

int vector_main(int argc, char **argv, void (*run)(reef_str line),
                const vector_file *files, size_t count)
{
    const struct CMUnitTest own[] = {cmocka_unit_test(test_vectors_own)};
    const struct CMUnitTest given[] = {cmocka_unit_test(test_vectors_given)};
    vector_asked.run = run;
    vector_asked.own = files;
    vector_asked.own_count = count;
    vector_asked.path_count = argc - 1;
    vector_asked.paths = argv + 1;
    return argc > 1 ? cmocka_run_group_tests(given, NULL, NULL)
                    : cmocka_run_group_tests(own, NULL, NULL);
}
