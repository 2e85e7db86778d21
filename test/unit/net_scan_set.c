/* SPDX-License-Identifier: Apache-2.0
 *
 * net/scan_set.c: each key once, whatever its bytes; memory per key; memory that runs
 * out; the limit. */
#include "net/scan_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { SET_KEYS = 300000 };

static bool set_no_memory;

void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);

void *__wrap_calloc(size_t count, size_t size)
{
    return set_no_memory ? NULL : __real_calloc(count, size);
}

static const unsigned char set_key[REEF_SCAN_SET_KEY] = {1, 2, 3, 5, 8, 13, 21, 34, 55};

static reef_code set_put(reef_scan_set *set, unsigned number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "key:%u", number);
    return reef_scan_set_add(set, (reef_str){text, (size_t)len});
}

static void each_key_goes_in_once(void **state)
{
    reef_scan_set set;
    (void)state;
    reef_scan_set_init(&set, set_key);
    for (unsigned i = 0; i < SET_KEYS; i++) {
        assert_int_equal(set_put(&set, i), REEF_OK);
        assert_int_equal(set_put(&set, i / 2), REEF_CONFLICT);
        if (i >= 1000 && i % 1000 == 0)
            assert_true(set.cap * sizeof *set.places <=
                        set.count * (size_t)REEF_SCAN_MEMORY);
    }
    assert_int_equal(set.count, SET_KEYS);
    for (unsigned i = 0; i < SET_KEYS; i++)
        assert_int_equal(set_put(&set, i), REEF_CONFLICT);
    reef_scan_set_free(&set);
    assert_int_equal(set.count, 0);
}

/* Words that are prefixes of each other, and the empty one; NUL and high bytes. */
static void any_bytes_are_a_key(void **state)
{
    char bytes[300];
    reef_scan_set set;
    (void)state;
    memset(bytes, 0, sizeof bytes);
    reef_scan_set_init(&set, set_key);
    for (int round = 0; round < 2; round++) {
        reef_code want = round == 0 ? REEF_OK : REEF_CONFLICT;
        for (size_t len = 0; len < sizeof bytes; len++)
            assert_int_equal(reef_scan_set_add(&set, (reef_str){bytes, len}), want);
        for (int byte = 1; byte < 256; byte++) {
            char word[1] = {(char)byte};
            assert_int_equal(reef_scan_set_add(&set, (reef_str){word, 1}), want);
        }
    }
    reef_scan_set_free(&set);
}

static void memory_that_runs_out_changes_nothing(void **state)
{
    reef_scan_set set;
    unsigned i = 0;
    (void)state;
    reef_scan_set_init(&set, set_key);
    set_no_memory = true;
    assert_int_equal(set_put(&set, 0), REEF_NOMEM);
    set_no_memory = false;
    assert_int_equal(set_put(&set, 0), REEF_OK);
    set_no_memory = true;
    while (set_put(&set, i + 1) == REEF_OK)
        i++;
    assert_int_equal(set.count, i + 1);
    assert_int_equal(set_put(&set, i), REEF_CONFLICT);
    assert_int_equal(set_put(&set, i + 1), REEF_NOMEM);
    set_no_memory = false;
    assert_int_equal(set_put(&set, i + 1), REEF_OK);
    assert_int_equal(set_put(&set, i + 1), REEF_CONFLICT);
    reef_scan_set_free(&set);
}

static void there_is_a_limit(void **state)
{
    reef_scan_set set;
    (void)state;
    reef_scan_set_init(&set, set_key);
    assert_int_equal(set_put(&set, 1), REEF_OK);
    set.count = REEF_SCAN_MAX;
    assert_int_equal(set_put(&set, 2), REEF_LIMIT);
    assert_int_equal(set_put(&set, 1), REEF_CONFLICT);
    reef_scan_set_free(&set);
}

/* The same keys under another secret stand elsewhere: nobody can choose crowds. */
static void places_follow_the_secret(void **state)
{
    unsigned char other[REEF_SCAN_SET_KEY] = {9};
    reef_scan_set a, b;
    size_t same = 0;
    (void)state;
    reef_scan_set_init(&a, set_key);
    reef_scan_set_init(&b, other);
    for (unsigned i = 0; i < 500; i++) {
        set_put(&a, i);
        set_put(&b, i);
    }
    assert_int_equal(a.cap, b.cap);
    for (size_t i = 0; i < a.cap; i++)
        if (a.places[i].half[1] != 0)
            same += memcmp(&a.places[i], &b.places[i], sizeof a.places[i]) == 0;
    assert_int_equal(same, 0);
    reef_scan_set_free(&a);
    reef_scan_set_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_goes_in_once),
        cmocka_unit_test(any_bytes_are_a_key),
        cmocka_unit_test(memory_that_runs_out_changes_nothing),
        cmocka_unit_test(there_is_a_limit),
        cmocka_unit_test(places_follow_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
