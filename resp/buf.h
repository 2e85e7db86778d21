/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable bytes: the only place of resp/ where capacities are computed. */
#ifndef REEF_RESP_BUF_H
#define REEF_RESP_BUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where it counts, and the compiler can be told. */
#if defined(__GNUC__)
#define REEF_INLINE inline __attribute__((always_inline))
#define REEF_NOINLINE __attribute__((noinline))
#else
#define REEF_INLINE inline
#define REEF_NOINLINE
#endif

/* Invariant: len <= cap; data is NULL while cap is 0. */
typedef struct reef_buf {
    char *data;
    size_t len;
    size_t cap;
} reef_buf;

/* a + b, a * b + c, cut to SIZE_MAX, which no allocation can satisfy. */
static inline size_t reef_size_add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static inline size_t reef_size_fit(size_t count, size_t unit, size_t extra)
{
    return count > SIZE_MAX / unit ? SIZE_MAX : reef_size_add(count * unit, extra);
}

/* Sets the capacity to `cap` (at least len). False: out of memory, nothing changed. */
bool reef_buf_resize(reef_buf *, size_t cap);
/* The same for bytes that may be secret: the old place is wiped before it is given
 * back. */
bool reef_buf_resize_secret(reef_buf *, size_t cap);
void reef_buf_free(reef_buf *);

/* Overwrites with zeros in a way that a compiler may not drop. */
void reef_wipe(void *, size_t len);

#endif
