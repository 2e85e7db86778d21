/* SPDX-License-Identifier: Apache-2.0
 *
 * net/random.c: SipHash-2-4 against its authors' values and against a second writing of
 * it for any length; and that no number below a bound is favoured. */
#include "net/random.h"
#include "test/unit/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char key_0_to_15[REEF_RANDOM_KEY] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* ---- SipHash, a second time --------------------------------------------------- */

static uint64_t slow_word(const unsigned char *bytes, size_t len)
{
    uint64_t word = 0;
    while (len-- > 0)
        word = word * 256 + bytes[len];
    return word;
}

static void slow_half(uint64_t *a, uint64_t *b, int turn, bool swap)
{
    *a += *b;
    *b = (*b << turn | *b >> (64 - turn)) ^ *a;
    if (swap)
        *a = *a << 32 | *a >> 32;
}

static void slow_rounds(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        slow_half(&v[0], &v[1], 13, true);
        slow_half(&v[2], &v[3], 16, false);
        slow_half(&v[2], &v[1], 17, true);
        slow_half(&v[0], &v[3], 21, false);
    }
}

static uint64_t slow_siphash(const unsigned char *key, const unsigned char *bytes,
                             size_t len)
{
    uint64_t k0 = slow_word(key, 8), k1 = slow_word(key + 8, 8);
    uint64_t v[4] = {slow_word((const unsigned char *)"uespemos", 8) ^ k0,
                     slow_word((const unsigned char *)"modnarod", 8) ^ k1,
                     slow_word((const unsigned char *)"arenegyl", 8) ^ k0,
                     slow_word((const unsigned char *)"setybdet", 8) ^ k1};
    for (size_t at = 0; at <= len; at += 8) {
        uint64_t word = at + 8 <= len
                            ? slow_word(bytes + at, 8)
                            : slow_word(bytes + at, len - at) | (uint64_t)len << 56;
        v[3] ^= word;
        slow_rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 255;
    slow_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the function ------------------------------------------------------------- */

/* The authors' values for the bytes 0, 1, 2, … under the key 0, 1, 2, … */
static void test_published(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } cases[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},
        {7, UINT64_C(0xab0200f58b01d137)},
        {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)},
    };
    reef_random r;
    reef_random_key(&r, key_0_to_15);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const reef_str bytes = {(const char *)key_0_to_15, cases[i].len};
        assert_true(slow_siphash(key_0_to_15, key_0_to_15, cases[i].len) ==
                    cases[i].hash);
        assert_true(reef_random_of(&r, bytes) == cases[i].hash);
    }
    assert_true(reef_random_of(&r, (reef_str){NULL, 0}) == cases[0].hash);
    r.count = UINT64_C(0x0706050403020100); /* the bytes 0 to 7, low one first */
    assert_true(reef_random_next(&r) == UINT64_C(0x93f5f5799a932462));
}

static void test_sequence(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 64; seed++) {
        unsigned char key[REEF_RANDOM_KEY];
        reef_random r, again;
        for (unsigned i = 0; i < REEF_RANDOM_KEY; i++)
            key[i] = (unsigned char)(seed * 37 + i * i * 11 + (seed * i >> 2));
        memset(&r, 0xA5, sizeof r);
        memset(&again, 0x5A, sizeof again);
        reef_random_key(&r, key);
        reef_random_key(&again, key);
        assert_true(r.keyed && r.count == 0);
        for (unsigned n = 0; n < 300; n++) {
            const unsigned char counter[8] = {(unsigned char)n,
                                              (unsigned char)(n >> 8)};
            uint64_t number = reef_random_next(&r);
            assert_true(number == slow_siphash(key, counter, sizeof counter));
            assert_true(number == reef_random_next(&again));
        }
    }
}

/* Bytes of every length and alignment, high bits too. */
static void test_bytes(void **state)
{
    (void)state;
    unsigned char bytes[300];
    reef_random r;
    reef_random_key(&r, key_0_to_15);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(255 - i * 7);
    for (size_t len = 0; len <= 280; len++) {
        size_t at = len % 9;
        const reef_str word = {(const char *)bytes + at, len};
        assert_true(reef_random_of(&r, word) ==
                    slow_siphash(key_0_to_15, bytes + at, len));
    }
    assert_true(r.count == 0);
}

/* ---- numbers below a bound ---------------------------------------------------- */

enum { BELOW_CELLS = 1000, BELOW_DRAWS = 200000 };

static void test_below(void **state)
{
    (void)state;
    static const uint32_t bounds[] = {2, 3, 5, 6, 7, 10, 64, 100, 255, BELOW_CELLS};
    reef_random r;
    reef_random_key(&r, key_0_to_15);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        uint32_t counts[BELOW_CELLS] = {0};
        double chances[BELOW_CELLS];
        for (uint32_t cell = 0; cell < bounds[i]; cell++)
            chances[cell] = 1.0 / bounds[i];
        for (uint32_t n = 0; n < BELOW_DRAWS; n++) {
            uint64_t number = reef_random_below(&r, bounds[i]);
            assert_true(number < bounds[i]);
            counts[number]++;
        }
        if (!chance_fits(counts, chances, bounds[i], BELOW_DRAWS))
            fail_msg("not even below %u", (unsigned)bounds[i]);
    }
}

/* A bound of three quarters of all numbers: what is left over would make the first
 * third of the range twice as likely, as it does in the second count. */
static void test_no_remainder(void **state)
{
    (void)state;
    const uint64_t third = UINT64_C(1) << 62;
    const double chances[] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    uint32_t fair[3] = {0}, biased[3] = {0};
    reef_random r;
    reef_random_key(&r, key_0_to_15);
    for (uint32_t n = 0; n < BELOW_DRAWS; n++) {
        fair[reef_random_below(&r, 3 * third) / third]++;
        biased[reef_random_next(&r) % (3 * third) / third]++;
    }
    assert_true(chance_fits(fair, chances, 3, BELOW_DRAWS));
    assert_false(chance_fits(biased, chances, 3, BELOW_DRAWS));
}

static void test_edges(void **state)
{
    (void)state;
    reef_random r;
    reef_random_key(&r, key_0_to_15);
    assert_true(reef_random_below(&r, 0) == 0);
    assert_true(reef_random_below(&r, 1) == 0);
    assert_true(r.count == 0); /* nothing was asked for these */
    uint64_t all = 0;
    for (int n = 0; n < 100; n++) {
        assert_true(reef_random_below(&r, UINT64_MAX) < UINT64_MAX);
        assert_true(reef_random_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1)
                                                                          << 63);
        all |= reef_random_below(&r, UINT64_MAX);
    }
    assert_true(all == UINT64_MAX); /* every bit moves */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),    cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_bytes),        cmocka_unit_test(test_below),
        cmocka_unit_test(test_no_remainder), cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
