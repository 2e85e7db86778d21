/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as RESP writes them, without locale or libm. */
#ifndef REEF_RESP_NUMBER_H
#define REEF_RESP_NUMBER_H
#include <stddef.h>
#include <stdint.h>

typedef enum reef_number {
    REEF_NUMBER_OK,
    REEF_NUMBER_BAD,  /* not of the form; *bad is the index where it ceased to be */
    REEF_NUMBER_RANGE /* of the form, but no value of the type */
} reef_number;

enum { REEF_DIGITS_MAX = 20 }; /* decimal digits of any uint64_t or -int64_t */

/* [+-]?digits, leading zeros allowed. */
reef_number reef_number_int(const char *text, size_t len, int64_t *value, size_t *bad);
/* [+-]?digits[.digits][e[+-]digits], inf, -inf, nan, -nan; nearest double, ties to
 * even; underflow is 0, overflow is out of range. */
reef_number reef_number_double(const char *text, size_t len, double *value,
                               size_t *bad);
/* [+-]?digits of any length. */
reef_number reef_number_big(const char *text, size_t len, size_t *bad);
/* Writes the decimal digits of `n` so that they end before `end`; gives their start. */
char *reef_number_write(char *end, uint64_t n);

#endif
