/* SPDX-License-Identifier: Apache-2.0
 *
 * time: RFC 3339 texts and Unix nanoseconds. Pure: no clock, no zone, no locale. */
#ifndef REEF_SESSION_TIME_H
#define REEF_SESSION_TIME_H
#include "resp/resp.h"

enum { REEF_TIME_TEXT = 31 }; /* "2262-04-11T23:47:16.854775807Z" and its NUL */

/* Go's zero time, "0001-01-01T00:00:00Z", which no int64 of nanoseconds reaches. */
#define REEF_TIME_ZERO INT64_MIN

/* UTC with 0 to 9 digits of fraction, trailing zeros dropped. NUL-terminated; returns
 * the length. */
size_t reef_time_write(int64_t unix_ns, char out[REEF_TIME_TEXT]);

/* "2006-01-02T15:04:05", any number of fraction digits (those after the ninth are cut
 * off), then "Z" or "+hh:mm" or "-hh:mm". Years 0000 to 9999; what is earlier than
 * int64 reaches becomes REEF_TIME_ZERO, what is later INT64_MAX. False: another form,
 * or a day or an hour that does not exist (there is no 60th second). */
bool reef_time_read(reef_str, int64_t *unix_ns);

#endif
