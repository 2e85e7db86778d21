/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 of a counter's eight bytes, low byte first. Its output can't be told from
 * chance without the key, and what has been seen of it says nothing of what follows;
 * that is all a DNS id needs. The counter has 64 bits and does not come around. */
#include "net/random.h"

#include <assert.h>

enum { RANDOM_WORD = 8, RANDOM_ROUNDS = 2, RANDOM_LAST_ROUNDS = 4 };

static uint64_t random_word(const unsigned char *bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < RANDOM_WORD; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

void reef_random_key(reef_random *r, const unsigned char key[REEF_RANDOM_KEY])
{
    *r = (reef_random){.key = {random_word(key), random_word(key + RANDOM_WORD)},
                       .keyed = true};
}

static uint64_t random_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void random_mix(uint64_t v[4], unsigned rounds)
{
    for (; rounds > 0; rounds--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = random_turn(v[1], 13) ^ v[0];
        v[3] = random_turn(v[3], 16) ^ v[2];
        v[0] = random_turn(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = random_turn(v[1], 17) ^ v[2];
        v[3] = random_turn(v[3], 21) ^ v[0];
        v[2] = random_turn(v[2], 32);
    }
}

static void random_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    random_mix(v, RANDOM_ROUNDS);
    v[0] ^= word;
}

uint64_t reef_random_next(reef_random *r)
{
    assert(r->keyed);
    uint64_t v[4] = {
        r->key[0] ^ UINT64_C(0x736f6d6570736575),
        r->key[1] ^ UINT64_C(0x646f72616e646f6d),
        r->key[0] ^ UINT64_C(0x6c7967656e657261),
        r->key[1] ^ UINT64_C(0x7465646279746573),
    };
    random_absorb(v, r->count++);
    random_absorb(v, (uint64_t)RANDOM_WORD << 56); /* the last word has the length */
    v[2] ^= 0xFF;
    random_mix(v, RANDOM_LAST_ROUNDS);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Of all 2^64 numbers the first few are left out, so that what remains is a multiple of
 * the bound: 2^64 mod bound of them, which is never half. */
uint64_t reef_random_below(reef_random *r, uint64_t bound)
{
    if (bound <= 1)
        return 0;
    uint64_t skipped = (0 - bound) % bound, number;
    do {
        number = reef_random_next(r);
    } while (number < skipped);
    return number % bound;
}
