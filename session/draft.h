/* SPDX-License-Identifier: Apache-2.0
 *
 * draft: a text that is being written. It grows as needed, to REEF_DRAFT_MAX; the first
 * failure sticks, later writes do nothing. Zero is an empty draft. The only file of
 * session/ that computes sizes of memory. */
#ifndef REEF_SESSION_DRAFT_H
#define REEF_SESSION_DRAFT_H
#include "resp/resp.h"

enum { REEF_DRAFT_MAX = 16777216 }; /* bytes of one draft */

typedef struct reef_draft {
    char *ptr;
    size_t len, cap;
    reef_code code; /* REEF_OK, REEF_NOMEM or REEF_LIMIT */
} reef_draft;

void reef_draft_add(reef_draft *, reef_str);
void reef_draft_byte(reef_draft *, char);
void reef_draft_text(reef_draft *, const char *text);
void reef_draft_uint(reef_draft *, uint64_t);
reef_str reef_draft_str(const reef_draft *); /* borrowed until the next write */
void reef_draft_clear(reef_draft *);         /* empty again, the failure forgotten */
void reef_draft_free(reef_draft *);

#endif
