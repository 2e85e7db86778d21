/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable bytes: sums that would wrap, growth that fails, wiping. */
#include "resp/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void test_buf_sums(void **state)
{
    (void)state;
    assert_int_equal(reef_size_add(1, 2), 3);
    assert_true(reef_size_add(SIZE_MAX, 1) == SIZE_MAX);
    assert_true(reef_size_add(SIZE_MAX - 1, 1) == SIZE_MAX);
    assert_true(reef_size_add(SIZE_MAX - 2, 1) == SIZE_MAX - 1);
    assert_int_equal(reef_size_fit(3, 16, 5), 53);
    assert_true(reef_size_fit(SIZE_MAX / 16 + 1, 16, 0) == SIZE_MAX);
    assert_true(reef_size_fit(SIZE_MAX / 16, 16, 16) == SIZE_MAX);
    assert_int_equal(reef_size_fit(0, 16, 0), 0);
}

static void test_buf_resize(void **state)
{
    (void)state;
    reef_buf buf = {NULL, 0, 0};
    assert_true(reef_buf_resize(&buf, 4));
    memcpy(buf.data, "abcd", 4);
    buf.len = 4;
    assert_true(reef_buf_resize(&buf, 5000));
    assert_int_equal(buf.cap, 5000);
    assert_memory_equal(buf.data, "abcd", 4);
    assert_true(reef_buf_resize(&buf, 4));
    assert_memory_equal(buf.data, "abcd", 4);
    assert_false(reef_buf_resize(&buf, SIZE_MAX));
    assert_false(reef_buf_resize_secret(&buf, SIZE_MAX));
    assert_int_equal(buf.cap, 4);
    assert_memory_equal(buf.data, "abcd", 4);
    assert_true(reef_buf_resize_secret(&buf, 64));
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "abcd", 4);
    reef_buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.cap, 0);
    reef_buf_free(&buf);
}

static void test_buf_wipe(void **state)
{
    (void)state;
    char bytes[5] = "abcd";
    reef_wipe(bytes + 1, 2);
    assert_memory_equal(bytes, "a\0\0d", 5);
    reef_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_sums),
        cmocka_unit_test(test_buf_resize),
        cmocka_unit_test(test_buf_wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
