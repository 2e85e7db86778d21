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

static void apart(const char *a, const char *b, size_t expected)
{
    assert_int_equal(reef_str_distance(reef_str_of(a), reef_str_of(b)), expected);
    assert_int_equal(reef_str_distance(reef_str_of(b), reef_str_of(a)), expected);
}

static void test_word_distance(void **state)
{
    (void)state;
    apart("", "", 0);
    apart("", "hosts", 5);
    apart("hosts", "HostS", 0);
    apart("host", "hosts", 1);   /* one is missing */
    apart("hxosts", "hosts", 1); /* one too many */
    apart("hoxts", "hosts", 1);  /* another one */
    apart("hsots", "hosts", 1);  /* swapped */
    apart("HSots", "hosts", 1);
    apart("sohts", "hosts", 2);
    apart("abcd", "dcba", 3);
    apart("ca", "abc", 3); /* a swapped pair is not torn apart again */
    apart("db", "password", 8);
    apart("@", "`", 1); /* letters only: these two stand beside them */
    apart("connect_timeout", "call_timeout", 6);
}

/* The longest words that are compared, and one letter more. */
static void test_word_distance_limit(void **state)
{
    (void)state;
    char a[REEF_NEAR_MAX + 1], b[REEF_NEAR_MAX + 1];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    reef_str longest = {a, REEF_NEAR_MAX}, other = {b, REEF_NEAR_MAX};
    assert_int_equal(reef_str_distance(longest, other), REEF_NEAR_MAX);
    assert_int_equal(reef_str_distance(longest, longest), 0);
    assert_int_equal(reef_str_distance(longest, (reef_str){NULL, 0}), REEF_NEAR_MAX);
    longest.len++;
    assert_true(reef_str_distance(longest, other) == SIZE_MAX);
    assert_true(reef_str_distance(other, longest) == SIZE_MAX);
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
        cmocka_unit_test(test_word_distance),
        cmocka_unit_test(test_word_distance_limit),
        cmocka_unit_test(test_code_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
