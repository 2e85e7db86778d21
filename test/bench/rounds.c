/* SPDX-License-Identifier: Apache-2.0
 *
 * rounds: the clock, the median, and a cell of a table. */
#include "test/bench/rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double rounds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int rounds_order(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

double rounds_median(double *times, size_t count)
{
    qsort(times, count, sizeof times[0], rounds_order);
    return times[count / 2];
}

void rounds_cell(char out[ROUNDS_CELL], double number)
{
    snprintf(out, ROUNDS_CELL, number > 0 ? "%.0f" : "-", number);
}
