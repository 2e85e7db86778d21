/* SPDX-License-Identifier: Apache-2.0
 *
 * config_help: what the tests of config/ share. Every text is read from memory of
 * exactly its size, without a NUL behind it, so that a byte too far shows under
 * ASan. */
#ifndef REEF_TEST_CONFIG_HELP_H
#define REEF_TEST_CONFIG_HELP_H
#include "config/config.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A copy at exact size; the caller frees `ptr`. */
static inline reef_str help_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    return (reef_str){copy, len};
}

static inline void help_free(reef_str copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

/* A file of test/vectors, at exact size; the caller frees `ptr`. */
static inline reef_str help_file(const char *name)
{
    char path[512];
    const char *root = getenv("REEF_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : "test/vectors", name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        fail_msg("can't open %s", path);
    static char bytes[1 << 16];
    size_t len = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    assert_true(len < sizeof bytes);
    return help_copy(bytes, len);
}

/* Reads `len` bytes over defaults; the code. `error` is empty when all went well. */
static inline reef_code help_parse_bytes(reef_config *config, const char *bytes,
                                         size_t len, reef_error *error)
{
    reef_str copy = help_copy(bytes, len);
    memset(error, 0, sizeof *error);
    reef_config_init(config);
    reef_code code = reef_config_parse(config, NULL, copy, NULL, error);
    help_free(copy);
    return code;
}

static inline reef_code help_parse(reef_config *config, const char *text,
                                   reef_error *error)
{
    return help_parse_bytes(config, text, strlen(text), error);
}

static inline void help_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline void help_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

#endif
