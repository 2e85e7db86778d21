/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and code names. */
#include "resp/resp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static void test_word_of(void **state)
{
    (void)state;
    assert_int_equal(reef_str_of(NULL).len, 0);
    assert_null(reef_str_of(NULL).ptr);
    assert_int_equal(reef_str_of("").len, 0);
    assert_int_equal(reef_str_of("abc").len, 3);
}

static void test_word_equal(void **state)
{
    (void)state;
    assert_true(reef_str_equal(reef_str_of("ab"), (reef_str){"abc", 2}));
    assert_false(reef_str_equal(reef_str_of("ab"), reef_str_of("abc")));
    assert_false(reef_str_equal(reef_str_of("ab"), reef_str_of("aB")));
    assert_true(reef_str_equal((reef_str){NULL, 0}, reef_str_of("")));
    assert_true(reef_str_equal((reef_str){"a\0b", 3}, (reef_str){"a\0b", 3}));
    assert_false(reef_str_equal((reef_str){"a\0b", 3}, (reef_str){"a\0c", 3}));
}

static void test_word_is(void **state)
{
    (void)state;
    assert_true(reef_str_is(reef_str_of("GeT"), "gEt"));
    assert_false(reef_str_is(reef_str_of("ge"), "get"));
    assert_false(reef_str_is(reef_str_of("gets"), "get"));
    assert_true(reef_str_is((reef_str){NULL, 0}, ""));
    assert_false(reef_str_is((reef_str){NULL, 0}, "a"));
    assert_false(reef_str_is((reef_str){"\0", 1}, ""));
    /* Letters only: "@" and "[" stand beside them. */
    assert_false(reef_str_is(reef_str_of("@"), "`"));
    assert_false(reef_str_is(reef_str_of("["), "{"));
    assert_true(reef_str_is(reef_str_of("AZ"), "az"));
    assert_false(reef_str_is(reef_str_of("\xC9"), "\xE9"));
}

static void test_code_names(void **state)
{
    (void)state;
    for (int a = REEF_OK; a <= REEF_CORRUPT; a++) {
        assert_true(strlen(reef_code_name((reef_code)a)) > 1);
        for (int b = REEF_OK; b < a; b++) {
            assert_string_not_equal(reef_code_name((reef_code)a),
                                    reef_code_name((reef_code)b));
        }
    }
    assert_string_equal(reef_code_name(REEF_NOT_FOUND), "not found");
    assert_string_equal(reef_code_name(REEF_UNSURE), "unsure");
    assert_non_null(reef_code_name((reef_code)999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_word_of),
        cmocka_unit_test(test_word_equal),
        cmocka_unit_test(test_word_is),
        cmocka_unit_test(test_code_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
