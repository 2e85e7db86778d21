/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4, of any bytes, or of a counter's eight bytes, low byte first. Its output
 * can't be told from chance without the key, and what has been seen of it says nothing
 * of what follows; that is all a DNS id needs. The counter has 64 bits and does not
 * come around. */
#include "net/random.h"

#include <assert.h>

enum { RANDOM_WORD = 8, RANDOM_ROUNDS = 2, RANDOM_LAST_ROUNDS = 4 };

static uint64_t random_word(const unsigned char *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 |
           (uint64_t)bytes[5] << 40 | (uint64_t)bytes[6] << 48 |
           (uint64_t)bytes[7] << 56;
}

/* The last word: what is left of the bytes, and the length of them all on top. */
static uint64_t random_last_word(const unsigned char *bytes, size_t left, size_t len)
{
    uint64_t word = (uint64_t)len << 56;
    for (size_t i = 0; i < left; i++)
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

static void random_begin(const reef_random *r, uint64_t v[4])
{
    assert(r->keyed);
    v[0] = r->key[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = r->key[1] ^ UINT64_C(0x646f72616e646f6d);
    v[2] = r->key[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = r->key[1] ^ UINT64_C(0x7465646279746573);
}

static uint64_t random_end(uint64_t v[4], uint64_t last_word)
{
    random_absorb(v, last_word);
    v[2] ^= 0xFF;
    random_mix(v, RANDOM_LAST_ROUNDS);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t reef_random_next(reef_random *r)
{
    uint64_t v[4];
    random_begin(r, v);
    random_absorb(v, r->count++);
    return random_end(v, (uint64_t)RANDOM_WORD << 56);
}

uint64_t reef_random_of(const reef_random *r, reef_str text)
{
    uint64_t v[4];
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    size_t left = text.len;
    random_begin(r, v);
    for (; left >= RANDOM_WORD; left -= RANDOM_WORD, bytes += RANDOM_WORD)
        random_absorb(v, random_word(bytes));
    return random_end(v, random_last_word(bytes, left, text.len));
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
