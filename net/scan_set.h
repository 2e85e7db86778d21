/* SPDX-License-Identifier: Apache-2.0
 *
 * scan_set: which keys a walk has given. Pure. Private to net/.
 *
 * Of each key a fingerprint of 127 bits is kept, made with keys that nobody outside
 * knows: two keys that are taken for the same would be as likely as two equal random
 * numbers of 127 bits, and nobody can choose keys that collide or crowd. */
#ifndef REEF_NET_SCAN_SET_H
#define REEF_NET_SCAN_SET_H
#include "net/net.h"
#include "net/random.h"

enum { REEF_SCAN_SET_KEY = 2 * REEF_RANDOM_KEY };

typedef struct reef_scan_print {
    uint64_t half[2]; /* the second is odd; 0: the place is free */
} reef_scan_print;

typedef struct reef_scan_set {
    reef_random hashes[2];
    reef_scan_print *places; /* open addressing, at most 3/4 full */
    size_t count, cap;
} reef_scan_set;

/* An empty one. The key comes from the system's generator. */
void reef_scan_set_init(reef_scan_set *, const unsigned char key[REEF_SCAN_SET_KEY]);
/* REEF_OK: it is in it now; REEF_CONFLICT: it was already; REEF_NOMEM, or REEF_LIMIT
 * for one key more than REEF_SCAN_MAX: nothing has changed. */
reef_code reef_scan_set_add(reef_scan_set *, reef_str key);
void reef_scan_set_free(reef_scan_set *);

#endif
