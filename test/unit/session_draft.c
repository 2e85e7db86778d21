/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing texts, their ceiling, and the form of UTF-8. Linked with __wrap_malloc,
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

static size_t put(uint32_t rune, char out[4])
{
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    size_t size = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(uint8_t)(0x80 | (rune & 63));
        rune >>= 6;
    }
    out[0] = (char)(uint8_t)((size == 2 ? 0xC0u : size == 3 ? 0xE0u : 0xF0u) | rune);
    return size;
}

/* Every code point, and each of them cut off. */
static void test_utf8(void **state)
{
    (void)state;
    for (uint32_t rune = 0; rune < 0x120000; rune++) {
        char bytes[4];
        size_t size = put(rune, bytes);
        bool good = (rune < 0xD800 || rune > 0xDFFF) && rune <= 0x10FFFF;
        assert_int_equal(reef_draft_utf8(bytes, size), good ? size : 0);
        assert_int_equal(reef_draft_utf8(bytes, size - 1), 0);
    }
    assert_int_equal(reef_draft_utf8("", 0), 0);
}

/* Every pair of bytes: two make a character only where the first announces it. */
static void test_utf8_pairs(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char two[2] = {(char)(uint8_t)first, (char)(uint8_t)second};
            bool pair =
                first >= 0xC2 && first <= 0xDF && second >= 0x80 && second < 0xC0;
            assert_int_equal(reef_draft_utf8(two, 2), first < 0x80 ? 1 : pair ? 2 : 0);
        }
    }
    assert_true(reef_draft_utf8_valid((reef_str){NULL, 0}));
    assert_true(reef_draft_utf8_valid(reef_str_of("caf\xC3\xA9 \xF0\x9F\x98\x80")));
    assert_false(reef_draft_utf8_valid(reef_str_of("caf\xC3")));
    assert_false(reef_draft_utf8_valid(reef_str_of("\xC0\x80")));
    assert_false(reef_draft_utf8_valid(reef_str_of("a\xE0\x80\x80z")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),     cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_utf8_pairs),
    };
    return cmocka_run_group_tests_name("session_draft", tests, NULL, NULL);
}
