/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of keys. */
#include "session/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="

static void is(reef_str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

static void test_names(void **state)
{
    (void)state;
    reef_draft draft = {0};
    reef_str id = reef_str_of(ID);
    is(reef_keys_record(&draft, id), "Sessions:" ID);
    is(reef_keys_index(&draft, reef_str_of("ann"), id), "SessionsByUserId:ann:" ID);
    is(reef_keys_stem(&draft, reef_str_of("a:b")), "SessionsByUserId:a:b:");
    is(reef_keys_stem(&draft, (reef_str){NULL, 0}), "Sessions:");
    reef_draft_free(&draft);
}

static void test_pattern(void **state)
{
    (void)state;
    reef_draft draft = {0};
    reef_str none = {NULL, 0};
    is(reef_keys_pattern(&draft, none, reef_str_of("Sessions:")), "Sessions:*");
    is(reef_keys_pattern(&draft, reef_str_of("p:"), reef_str_of("S:")), "p:S:*");
    is(reef_keys_pattern(&draft, reef_str_of("*?["), reef_str_of("]\\^-x")),
       "\\*\\?\\[\\]\\\\\\^\\-x*");
    is(reef_keys_pattern(&draft, none, none), "*");
    reef_draft_free(&draft);
}

static void test_id(void **state)
{
    (void)state;
    reef_str prefix = reef_str_of("p:"), stem = reef_str_of("Sessions:");
    reef_str none = {NULL, 0};
    is(reef_keys_id(reef_str_of("p:Sessions:" ID), prefix, stem), ID);
    is(reef_keys_id(reef_str_of("Sessions:" ID), none, stem), ID);
    is(reef_keys_id(reef_str_of(ID), none, none), ID);
    static const char *const others[] = {
        "",
        "p:",
        "p:Sessions:",
        "p:Sessions",
        "Sessions:" ID,
        "q:Sessions:" ID,
        "p:Session_:" ID,
        "p:Sessions:x" ID,
        "p:Sessions:" ID "x",
        "p:Sessions:b:" ID,
        "p:Sessions:Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YW==",
        "p:Sessions:Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(reef_keys_id(reef_str_of(others[i]), prefix, stem).len, 0);
}

static void test_user(void **state)
{
    (void)state;
    reef_error error;
    static char much[65537];
    memset(much, 'u', sizeof much);
    assert_int_equal(reef_keys_check_user(reef_str_of("ann"), &error), REEF_OK);
    assert_int_equal(reef_keys_check_user(reef_str_of("\xC3\xA9:*"), &error), REEF_OK);
    assert_int_equal(reef_keys_check_user((reef_str){"a\0b", 3}, &error), REEF_OK);
    assert_int_equal(reef_keys_check_user((reef_str){NULL, 0}, &error), REEF_BADARG);
    assert_int_equal(reef_keys_check_user(reef_str_of("a\xFF"), &error), REEF_BADARG);
    assert_int_equal(error.code, REEF_BADARG);
    assert_string_equal(error.text, "the user id is no UTF-8 \"a?\"");
    assert_int_equal(reef_keys_check_user((reef_str){much, 65536}, &error), REEF_OK);
    assert_int_equal(reef_keys_check_user((reef_str){much, 65537}, &error), REEF_LIMIT);
    assert_int_equal(reef_keys_check_user((reef_str){much, 65537}, NULL), REEF_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_user),
    };
    return cmocka_run_group_tests_name("session_keys", tests, NULL, NULL);
}
