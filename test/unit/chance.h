/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether counts can have come about by chance: Pearson's chi-square. */
#ifndef REEF_TEST_UNIT_CHANCE_H
#define REEF_TEST_UNIT_CHANCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* counts[i] of `total` fell into cell i, which has the chance chances[i]. False: what
 * can't be was counted, or something as unlikely as one in a million. The limit is a
 * bound on the tail of the distribution: P(chi >= f + 2 sqrt(f x) + 2 x) <= exp(-x) for
 * f degrees of freedom (Laurent and Massart, 2000). */
static inline bool chance_fits(const uint32_t counts[], const double chances[],
                               size_t cells, uint32_t total)
{
    const double x = 13.82; /* the logarithm of a million */
    double chi = 0, freedom = -1;
    for (size_t i = 0; i < cells; i++) {
        if (chances[i] <= 0) {
            if (counts[i] > 0)
                return false;
            continue;
        }
        double expected = chances[i] * total, off = counts[i] - expected;
        chi += off * off / expected;
        freedom += 1;
    }
    double over = chi - freedom - 2 * x;
    return over <= 0 || over * over <= 4 * freedom * x;
}

#endif
