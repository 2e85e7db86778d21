/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands: their wire form, keys, ceilings, what is refused, and that secrets are
 * wiped. */
#include "resp/resp.h"

#include "resp/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_wire(const reef_cmd *cmd, const char *expected)
{
    assert_int_equal(reef_cmd_code(cmd), REEF_OK);
    assert_true(reef_str_equal(reef_cmd_wire(cmd), reef_str_of(expected)));
}

static void check_refused(const reef_cmd *cmd, reef_code code)
{
    reef_str key;
    assert_int_equal(reef_cmd_code(cmd), code);
    assert_int_equal(reef_cmd_wire(cmd).len, 0);
    assert_false(reef_cmd_slot_key(cmd, &key));
    assert_int_equal(reef_cmd_keys(cmd), 0);
    assert_int_equal(reef_cmd_key_at(cmd, 0).len, 0);
    assert_int_equal(reef_cmd_at(cmd, 0).len, 0);
}

static void test_cmd_build(void **state)
{
    (void)state;
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "SET");
    reef_cmd_key(cmd, reef_str_of("k"));
    reef_cmd_arg(cmd, (reef_str){"a\0\r\n", 4});
    reef_cmd_text(cmd, "EX");
    reef_cmd_int(cmd, -60);
    assert_int_equal(reef_cmd_count(cmd), 5);
    reef_str wire = reef_cmd_wire(cmd);
    static const char expected[] =
        "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\0\r\n\r\n$2\r\nEX\r\n$3\r\n-60\r\n";
    assert_int_equal(wire.len, sizeof expected - 1);
    assert_memory_equal(wire.ptr, expected, wire.len);
    assert_true(reef_str_equal(reef_cmd_at(cmd, 0), reef_str_of("SET")));
    assert_true(reef_str_equal(reef_cmd_at(cmd, 2), (reef_str){"a\0\r\n", 4}));
    assert_true(reef_str_equal(reef_cmd_at(cmd, 4), reef_str_of("-60")));
    assert_int_equal(reef_cmd_at(cmd, 5).len, 0);
    assert_false(reef_cmd_is_repeatable(cmd));
    reef_cmd_repeatable(cmd);
    assert_true(reef_cmd_is_repeatable(cmd));
    reef_cmd_begin(cmd, "PING");
    check_wire(cmd, "*1\r\n$4\r\nPING\r\n");
    assert_false(reef_cmd_is_repeatable(cmd));
    reef_cmd_free(cmd);
}

static void test_cmd_key(void **state)
{
    (void)state;
    reef_str key = {NULL, 0};
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "MGET");
    assert_false(reef_cmd_slot_key(cmd, &key));
    reef_cmd_key(cmd, reef_str_of("first"));
    for (size_t i = 0; i < 1000; i++) {
        reef_cmd_key(cmd, reef_str_of("other"));
    }
    assert_true(reef_cmd_slot_key(cmd, &key));
    assert_true(reef_str_equal(key, reef_str_of("first")));
    assert_int_equal(reef_cmd_count(cmd), 1002);
    assert_int_equal(reef_cmd_keys(cmd), 1001);
    assert_int_equal(strncmp(reef_cmd_wire(cmd).ptr, "*1002\r\n$4\r\nMGET", 15), 0);
    reef_cmd_begin(cmd, "GET");
    assert_false(reef_cmd_slot_key(cmd, &key));
    reef_cmd_key(cmd, reef_str_of(""));
    assert_true(reef_cmd_slot_key(cmd, &key));
    assert_int_equal(key.len, 0);
    reef_cmd_free(cmd);
    reef_cmd_free(NULL);
}

/* Allocations that are left before they fail; below 0: none does. */
static int key_memory = -1;

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_realloc(void *block, size_t size)
{
    if (key_memory == 0) {
        return NULL;
    }
    key_memory -= key_memory > 0 ? 1 : 0;
    return __real_realloc(block, size);
}

static void key_add(reef_cmd *cmd, size_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", number * number);
    reef_cmd_key(cmd, reef_str_of(text));
    reef_cmd_text(cmd, "value");
}

/* Each key is found again, whatever stands between them and wherever the bytes went
 * when the buffer grew; a command that is begun anew has none of them. */
static void test_cmd_keys(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 9, 10, 5000, 4, 1, 0};
    reef_cmd *cmd = reef_cmd_new();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        reef_cmd_begin(cmd, "MSET");
        for (size_t key = 0; key < counts[i]; key++) {
            key_add(cmd, key);
        }
        assert_int_equal(reef_cmd_keys(cmd), counts[i]);
        for (size_t key = 0; key < counts[i]; key++) {
            char text[32];
            snprintf(text, sizeof text, "%zu", key * key);
            reef_str found = reef_cmd_key_at(cmd, key);
            assert_true(reef_str_equal(found, reef_str_of(text)));
            assert_ptr_equal(found.ptr, reef_cmd_at(cmd, 1 + 2 * key).ptr);
            key += key > 100 ? 501 : 0; /* looking at arguments takes a walk */
        }
        reef_str only;
        size_t at;
        assert_int_equal(reef_cmd_only_key(cmd, &only, &at), counts[i] == 1);
        if (counts[i] == 1) {
            assert_true(reef_str_is(only, "0"));
            assert_ptr_equal(only.ptr, reef_cmd_wire(cmd).ptr + at);
            assert_ptr_equal(only.ptr, reef_cmd_at(cmd, 1).ptr);
        }
        assert_null(reef_cmd_key_at(cmd, counts[i]).ptr);
        assert_null(reef_cmd_key_at(cmd, SIZE_MAX).ptr);
    }
    reef_cmd_free(cmd);
}

/* One key needs no memory of its own; without memory for a second one there is no
 * command. */
static void test_cmd_keys_memory(void **state)
{
    (void)state;
    for (int left = 0; left < 3; left++) {
        size_t fits = left == 0 ? 1 : left == 1 ? 9 : 17;
        reef_cmd *fresh = reef_cmd_new();
        reef_cmd_begin(fresh, "DEL");
        key_memory = left;
        for (size_t key = 0; key < fits; key++) {
            key_add(fresh, key);
        }
        assert_int_equal(reef_cmd_keys(fresh), fits);
        key_add(fresh, fits);
        check_refused(fresh, REEF_NOMEM);
        key_memory = -1;
        key_add(fresh, fits);
        check_refused(fresh, REEF_NOMEM);
        reef_cmd_begin(fresh, "DEL");
        key_add(fresh, 3);
        key_add(fresh, 4);
        assert_int_equal(reef_cmd_keys(fresh), 2);
        reef_cmd_free(fresh);
    }
}

static void test_cmd_ints(void **state)
{
    (void)state;
    const int64_t numbers[] = {0, 1, -1, 10, INT64_MAX, INT64_MIN};
    reef_cmd *cmd = reef_cmd_new();
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)numbers[i]);
        reef_cmd_begin(cmd, "N");
        reef_cmd_int(cmd, numbers[i]);
        assert_true(reef_str_equal(reef_cmd_at(cmd, 1), reef_str_of(text)));
    }
    reef_cmd_free(cmd);
}

static void test_cmd_refused(void **state)
{
    (void)state;
    reef_cmd *cmd = reef_cmd_new();
    check_refused(cmd, REEF_BADARG);
    reef_cmd_arg(cmd, reef_str_of("x"));
    check_refused(cmd, REEF_BADARG);
    reef_cmd_begin(cmd, NULL);
    reef_cmd_arg(cmd, reef_str_of("FLUSHALL"));
    check_refused(cmd, REEF_BADARG);
    reef_cmd_begin(cmd, "PING");
    assert_int_equal(reef_cmd_code(cmd), REEF_OK);
    reef_cmd_begin(cmd, "");
    reef_cmd_arg(cmd, (reef_str){NULL, 0});
    check_wire(cmd, "*2\r\n$0\r\n\r\n$0\r\n\r\n");
    reef_cmd_free(cmd);
}

static void test_cmd_max_args(void **state)
{
    (void)state;
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "DEL");
    for (size_t i = 1; i < REEF_CMD_ARGS; i++) {
        reef_cmd_arg(cmd, reef_str_of("k"));
    }
    assert_int_equal(reef_cmd_code(cmd), REEF_OK);
    assert_int_equal(strncmp(reef_cmd_wire(cmd).ptr, "*1048576\r\n$3\r\nDEL", 17), 0);
    reef_cmd_arg(cmd, reef_str_of("k"));
    check_refused(cmd, REEF_LIMIT);
    reef_cmd_arg(cmd, reef_str_of("k"));
    check_refused(cmd, REEF_LIMIT);
    reef_cmd_begin(cmd, "PING");
    assert_int_equal(reef_cmd_code(cmd), REEF_OK);
    reef_cmd_free(cmd);
}

/* "*2\r\n$1\r\nX\r\n$536870889\r\n" and the two bytes behind are 24 bytes. */
static void test_cmd_max_bytes(void **state)
{
    (void)state;
    size_t most = REEF_CMD_MAX - 25;
    char *bytes = calloc(1, most + 1);
    assert_non_null(bytes);
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "X");
    reef_cmd_arg(cmd, (reef_str){bytes, most});
    assert_int_equal(reef_cmd_code(cmd), REEF_OK);
    assert_true(reef_cmd_wire(cmd).len == REEF_CMD_MAX);
    reef_cmd_begin(cmd, "X");
    reef_cmd_arg(cmd, (reef_str){bytes, most + 1});
    check_refused(cmd, REEF_LIMIT);
    reef_cmd_begin(cmd, "X");
    reef_cmd_arg(cmd, (reef_str){bytes, SIZE_MAX});
    check_refused(cmd, REEF_LIMIT);
    reef_cmd_free(cmd);
    free(bytes);
}

/* Every block that is given back is looked at first: no word of the secret is left. */
static const char wiped_secret[] = "hunter2-hunter2-hunter2";
static bool wiped_seen;

void __real_free(void *block);
void __wrap_free(void *block);

static char *wiped_block;
static size_t wiped_size;

void __wrap_free(void *block)
{
    if (block != NULL && block == wiped_block) {
        for (size_t i = 0; i + sizeof wiped_secret <= wiped_size; i++) {
            if (memcmp(wiped_block + i, wiped_secret, sizeof wiped_secret - 1) == 0) {
                wiped_seen = true;
            }
        }
        wiped_block = NULL;
    }
    __real_free(block);
}

static void test_cmd_wipes(void **state)
{
    (void)state;
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "AUTH");
    reef_cmd_text(cmd, wiped_secret);
    wiped_block = (char *)reef_cmd_wire(cmd).ptr - 12;
    wiped_size = 400;
    static char large[4000];
    reef_cmd_arg(cmd, (reef_str){large, sizeof large}); /* moves the bytes */
    assert_null(wiped_block);
    assert_false(wiped_seen);
    reef_cmd_begin(cmd, "PING");
    reef_str wire = reef_cmd_wire(cmd);
    for (size_t i = wire.len; i < 200; i++) {
        assert_int_equal(wire.ptr[i], 0);
    }
    reef_cmd_begin(cmd, "AUTH");
    reef_cmd_text(cmd, wiped_secret);
    wiped_block = (char *)reef_cmd_wire(cmd).ptr - 12;
    wiped_size = 400;
    reef_cmd_free(cmd);
    assert_null(wiped_block);
    assert_false(wiped_seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_build),    cmocka_unit_test(test_cmd_key),
        cmocka_unit_test(test_cmd_keys),     cmocka_unit_test(test_cmd_keys_memory),
        cmocka_unit_test(test_cmd_ints),     cmocka_unit_test(test_cmd_refused),
        cmocka_unit_test(test_cmd_max_args), cmocka_unit_test(test_cmd_max_bytes),
        cmocka_unit_test(test_cmd_wipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
