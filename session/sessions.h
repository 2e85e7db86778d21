/* SPDX-License-Identifier: Apache-2.0
 *
 * sessions: results that own their memory, and how a record becomes one of them. */
#ifndef REEF_SESSION_SESSIONS_H
#define REEF_SESSION_SESSIONS_H
#include "session/codec.h"
#include "session/job.h"
#include "session/session.h"

/* One result: a session, or a record that could not be read (code REEF_CORRUPT, of the
 * session the id alone, and why). One block, words included. */
typedef struct reef_kept {
    reef_session session;
    reef_code code;
    reef_str why;
    char bytes[];
} reef_kept;

struct reef_sessions {
    reef_kept **items;
    size_t count, cap;
    size_t next; /* what reef_sessions_next gives */
    reef_codec codec;
};

reef_sessions *reef_sessions_new(void); /* NULL: out of memory */

/* Reads a record and adds it. `id` is the one its key has; empty: any. A record that
 * names another id is no record of that key. `key` (full) is named where the record is
 * corrupt; then it is added as such, and the code is REEF_CORRUPT, too. A user_id that
 * is not empty and differs from the record's: nothing is added, REEF_NOT_FOUND. Else
 * REEF_OK, REEF_NOMEM or REEF_LIMIT (REEF_LIST_MAX). */
typedef struct reef_asked {
    reef_str key, id, user_id;
} reef_asked;
reef_code reef_sessions_read(reef_sessions *, const reef_asked *, reef_str json);
/* Adds a record that could not be read. */
reef_code reef_sessions_spoilt(reef_sessions *, const reef_asked *, const char *why);

/* A call that reads sessions: its rounds, and what they find. */
typedef struct reef_reading {
    reef_job job;
    reef_batch *batch;
    reef_sessions *list;
} reef_reading;

/* Not REEF_OK: the error says why, and there is nothing to end. */
reef_code reef_reading_begin(reef_reading *, reef_client *, int64_t timeout_ms,
                             reef_error *);
/* How it ended, given back. Frees all; but where that is REEF_OK and `out` is not NULL,
 * the list goes there. */
reef_code reef_reading_end(reef_reading *, reef_code, reef_sessions **out);

#endif
