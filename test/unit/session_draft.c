/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing texts and their ceiling. Linked with __wrap_malloc,
 * __wrap_calloc and __wrap_realloc of session_fake.h. */
#include "session/draft.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_writes(void **state)
{
    (void)state;
    reef_draft draft = {0};
    assert_int_equal(reef_draft_str(&draft).len, 0);
    reef_draft_add(&draft, (reef_str){NULL, 0});
    reef_draft_text(&draft, "ab");
    reef_draft_byte(&draft, 0);
    reef_draft_uint(&draft, 0);
    reef_draft_uint(&draft, UINT64_MAX);
    assert_int_equal(draft.len, 24);
    assert_memory_equal(draft.ptr,
                        "ab\0"
                        "018446744073709551615",
                        24);
    reef_draft_clear(&draft);
    assert_int_equal(draft.len, 0);
    for (int i = 0; i < 100000; i++)
        reef_draft_byte(&draft, (char)('a' + i % 26));
    assert_int_equal(draft.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(draft.ptr[i], 'a' + i % 26);
    reef_draft_free(&draft);
    assert_null(draft.ptr);
}

static void test_ceiling(void **state)
{
    (void)state;
    reef_draft draft = {0};
    char *much = calloc(1, REEF_DRAFT_MAX);
    assert_non_null(much);
    reef_draft_add(&draft, (reef_str){much, REEF_DRAFT_MAX});
    assert_int_equal(draft.code, REEF_OK);
    assert_true(draft.cap <= REEF_DRAFT_MAX);
    reef_draft_byte(&draft, 'x');
    assert_int_equal(draft.code, REEF_LIMIT);
    reef_draft_add(&draft, (reef_str){NULL, 0});
    assert_int_equal(draft.len, REEF_DRAFT_MAX);
    reef_draft_clear(&draft);
    reef_draft_byte(&draft, 'x');
    assert_int_equal(draft.code, REEF_OK);
    reef_draft_add(&draft, (reef_str){much, REEF_DRAFT_MAX});
    assert_int_equal(draft.code, REEF_LIMIT);
    assert_int_equal(draft.len, 1);
    reef_draft_free(&draft);
    free(much);
}

static void test_memory(void **state)
{
    (void)state;
    reef_draft draft = {0};
    fake_starve(1, true);
    reef_draft_byte(&draft, 'x');
    fake_starve(0, false);
    assert_int_equal(draft.code, REEF_NOMEM);
    reef_draft_byte(&draft, 'x'); /* the failure sticks */
    assert_int_equal(draft.len, 0);
    reef_draft_clear(&draft);
    reef_draft_byte(&draft, 'x');
    assert_int_equal(draft.code, REEF_OK);
    assert_int_equal(draft.len, 1);
    reef_draft_free(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("session_draft", tests, NULL, NULL);
}
