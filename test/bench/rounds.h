/* SPDX-License-Identifier: Apache-2.0
 *
 * rounds: what benches share that time rounds of several sides: the clock, the median
 * of the rounds, and a number that may be missing from a table. */
#ifndef REEF_TEST_BENCH_ROUNDS_H
#define REEF_TEST_BENCH_ROUNDS_H
#include <stddef.h>

enum { ROUNDS_CELL = 16 };

double rounds_now(void); /* ns, monotonic */
/* Sorts the times: the least is the first after that. */
double rounds_median(double *times, size_t count);
/* The number without a fraction, or "-" when it is not above 0. */
void rounds_cell(char out[ROUNDS_CELL], double number);

#endif
