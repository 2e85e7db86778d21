/* SPDX-License-Identifier: Apache-2.0
 *
 * write: writes that are worth something only together, such as a record and its
 * indexes, and the three ways in which they can go out. */
#ifndef REEF_SESSION_WRITE_H
#define REEF_SESSION_WRITE_H
#include "session/job.h"

enum {
    REEF_INDEX_FRESH_S = 10, /* a list leaves an index so new alone: its record may be
                              * on its way */
    /* Where keys are written one after the other, a record has this much time after its
     * indexes were sent; else they are written again. Less than FRESH and than
     * REEF_INDEX_EXTRA_S, so that a record never outlives its index. */
    REEF_WRITE_GAP_MS = 5000
};

typedef enum reef_way {
    REEF_WAY_TOGETHER, /* all keys share a slot: MULTI to EXEC, all or none of it */
    REEF_WAY_ROW,      /* one server: one pipeline, which it runs in order */
    REEF_WAY_STEPS /* maybe several servers: the late ones in a round of their own */
} reef_way;

/* How a record's keys go out. Being out of memory sticks to the batch. */
reef_way reef_write_way(reef_batch *, reef_job *, const reef_record *);
/* How long its indexes live, on that way. */
int64_t reef_write_index_ttl_s(reef_way, int64_t ttl_s);

/* The last command of the batch is to be seen only when those are that are not late. */
void reef_write_late(reef_batch *);

typedef struct reef_write {
    reef_kind kind; /* of each good answer */
    bool firm;      /* late ones are not sent unless all others went well */
    bool brief;     /* late ones have REEF_WRITE_GAP_MS */
    bool frees;     /* needs no memory of the server's: where that is full, and no
                     * transaction possible, they go out as on one server */
    bool cut;       /* out: that was too little, and the call has more; try again */
} reef_write;

/* Sends all, whichever way its keys go. Not REEF_OK: nothing was sent, and the error
 * says why; else each command has its reply, also those that were not sent. */
reef_code reef_write_run(reef_batch *, reef_job *, reef_write *);
/* How it ended, as reef_verdict has it; `*which` is the command to name. */
reef_code reef_write_verdict(const reef_batch *, reef_kind, size_t *which);

#endif
