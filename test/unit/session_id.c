/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids and the hybrid logical clock. */
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define EPOCH_NS INT64_C(1735689600000000000)

/* The 32 bytes behind an id. */
static void decode(const char *id, uint8_t out[32])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    size_t have = 0, at = 0;
    for (size_t i = 0; i < 43; i++) {
        const char *found = strchr(alphabet, id[i]);
        assert_non_null(found);
        bits = bits << 6 | (uint32_t)(found - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (uint8_t)(bits >> have & 0xFF);
        }
    }
    assert_int_equal(at, 32);
    assert_int_equal(bits & 3, 0);
}

static void test_make(void **state)
{
    (void)state;
    uint8_t random[32], bytes[32];
    char id[REEF_SESSION_ID_LEN + 1];
    for (size_t i = 0; i < 32; i++)
        random[i] = (uint8_t)(0xFF - i);
    reef_session_make_id(random, INT64_C(0x0192ABCDEF01), id);
    assert_int_equal(strlen(id), REEF_SESSION_ID_LEN);
    assert_int_equal(id[43], '=');
    assert_true(reef_session_id_valid(reef_str_of(id)));
    decode(id, bytes);
    assert_memory_equal(bytes, random, 16);
    static const uint8_t time[6] = {0x01, 0x92, 0xAB, 0xCD, 0xEF, 0x01};
    assert_memory_equal(bytes + 16, time, 6);
    assert_int_equal(bytes[22], 0x70 | (random[22] & 0x0F));
    assert_int_equal(bytes[23], random[23]);
    assert_int_equal(bytes[24], 0x80 | (random[24] & 0x3F));
    assert_memory_equal(bytes + 25, random + 25, 7);
    memset(random, 0, sizeof random);
    reef_session_make_id(random, 0, id);
    assert_string_equal(id, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAHAAgAAAAAAAAAA=");
    reef_session_make_id(random, -5, id);
    assert_string_equal(id, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAHAAgAAAAAAAAAA=");
    memset(random, 0xFF, sizeof random);
    reef_session_make_id(random, INT64_MAX, id);
    assert_string_equal(id, "_____________________________3__v_________8=");
}

static void test_new(void **state)
{
    (void)state;
    char first[REEF_SESSION_ID_LEN + 1], second[REEF_SESSION_ID_LEN + 1];
    uint8_t bytes[32];
    reef_error error;
    int64_t before_ms = reef_unix_ns() / 1000000;
    assert_int_equal(reef_session_new_id(first, &error), REEF_OK);
    assert_int_equal(error.code, REEF_OK);
    assert_int_equal(reef_session_new_id(second, NULL), REEF_OK);
    assert_true(reef_session_id_valid(reef_str_of(first)));
    assert_string_not_equal(first, second);
    decode(first, bytes);
    int64_t time_ms = 0;
    for (size_t i = 16; i < 22; i++)
        time_ms = time_ms << 8 | bytes[i];
    assert_in_range(time_ms, before_ms - 1000, before_ms + 60000);
}

static void test_valid(void **state)
{
    (void)state;
    char id[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_=";
    assert_true(reef_session_id_valid(reef_str_of(id)));
    assert_false(reef_session_id_valid((reef_str){NULL, 0}));
    for (size_t len = 0; len < REEF_SESSION_ID_LEN; len++)
        assert_false(reef_session_id_valid((reef_str){id, len}));
    assert_false(reef_session_id_valid(
        reef_str_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_==")));
    assert_false(reef_session_id_valid(
        reef_str_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_A")));
    for (unsigned c = 0; c < 256; c++) {
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                    (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        for (size_t at = 0; at < 43; at += 21) {
            char saved = id[at];
            id[at] = (char)(uint8_t)c;
            assert_int_equal(reef_session_id_valid((reef_str){id, REEF_SESSION_ID_LEN}),
                             word);
            id[at] = saved;
        }
    }
}

static void test_clock(void **state)
{
    (void)state;
    assert_true(reef_clock_next(0, EPOCH_NS) == 1);
    assert_true(reef_clock_next(0, EPOCH_NS + 999) == 1);
    assert_true(reef_clock_next(0, EPOCH_NS + 1000) == 1024);
    assert_true(reef_clock_next(1023, EPOCH_NS + 1000) == 1024);
    assert_true(reef_clock_next(1024, EPOCH_NS + 1000) == 1025);
    assert_true(reef_clock_next(2047, EPOCH_NS + 1000) == 2048);
    assert_true(reef_clock_next(5, 0) == 6);
    assert_true(reef_clock_next(5, INT64_MIN) == 6);
    assert_true(reef_clock_next(UINT64_MAX, EPOCH_NS) == UINT64_MAX);
    assert_true(reef_clock_next(UINT64_MAX - 1, EPOCH_NS) == UINT64_MAX);
    /* 2026-06-01T00:00:00Z, and back. */
    int64_t day_ns = INT64_C(1780272000123456000);
    uint64_t clock = reef_clock_next(0, day_ns);
    assert_true(clock == ((UINT64_C(1780272000123456) - 1735689600000000) << 10));
    assert_true(reef_clock_unix_ns(clock) == day_ns);
    assert_true(reef_clock_unix_ns(clock + 1023) == day_ns);
    assert_true(reef_clock_unix_ns(0) == EPOCH_NS);
    assert_true(reef_clock_unix_ns(UINT64_MAX) == INT64_MAX);
    uint64_t last = reef_clock_next(0, INT64_MAX);
    assert_true(reef_clock_unix_ns(last) == INT64_MAX / 1000 * 1000);
    assert_true(reef_clock_unix_ns(last + 1024) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests_name("session_id", tests, NULL, NULL);
}
