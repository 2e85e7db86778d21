/* SPDX-License-Identifier: Apache-2.0
 *
 * random: numbers that nobody outside can foretell, as far as the key is secret: a
 * keyed function (SipHash-2-4, Aumasson and Bernstein) of a counter, or of bytes that
 * are to be told apart. Pure: the key
 * comes from outside (the system's generator; in tests a seed), so a run can be
 * repeated. Private to net/. */
#ifndef REEF_NET_RANDOM_H
#define REEF_NET_RANDOM_H
#include "resp/resp.h"

enum { REEF_RANDOM_KEY = 16 }; /* bytes */

/* Zero is a generator without a key: it is not to be asked. */
typedef struct reef_random {
    uint64_t key[2];
    uint64_t count;
    bool keyed;
} reef_random;

void reef_random_key(reef_random *, const unsigned char key[REEF_RANDOM_KEY]);
uint64_t reef_random_next(reef_random *);
/* A number for these bytes: the same each time, and as little to be foretold. */
uint64_t reef_random_of(const reef_random *, reef_str bytes);
/* 0 to bound - 1, each as likely as the others; 0 for a bound of 0. */
uint64_t reef_random_below(reef_random *, uint64_t bound);

#endif
