/* SPDX-License-Identifier: Apache-2.0
 *
 * job: one call of a caller's, which may take several rounds to the server under one
 * deadline; and the batch, the commands of one round. */
#ifndef REEF_SESSION_JOB_H
#define REEF_SESSION_JOB_H
#include "session/draft.h"
#include "session/session.h"

enum {
    REEF_BATCH = 512,     /* commands of one round */
    REEF_KEY_MAX = 65536, /* bytes of one key, prefix included */
    REEF_ERROR_KEY = 120  /* bytes of a key that an error's text shows */
};

typedef struct reef_job {
    reef_client *client;
    reef_error *error; /* the caller's, or NULL */
    reef_str prefix;
    bool spread; /* keys of different slots may be on different servers */
    int64_t end_ms;
    reef_draft key; /* the last full key */
} reef_job;

/* REEF_BADARG for a negative timeout. What was begun must be ended. */
reef_code reef_job_begin(reef_job *, reef_client *, int64_t timeout_ms, reef_error *);
void reef_job_end(reef_job *);
int64_t reef_job_left_ms(const reef_job *); /* 0: the deadline is over */
/* The prefix and `key`: the draft of the job, overwritten by the next one. */
reef_str reef_job_key(reef_job *, reef_str key);

/* Fills `error` (NULL is fine): `head`, then the key in quotes, then ": " and `tail`;
 * an empty key and an empty tail are left out. What is no plain text is shown as "?".
 * Returns the code. */
reef_code reef_tell(reef_error *, reef_code, const char *head, reef_str key,
                    const char *tail);

/* ---- batches ------------------------------------------------------------------ */

typedef struct reef_batch {
    size_t count;
    reef_code code; /* the first failure while it was built */
    reef_cmd *cmds[REEF_BATCH];
    bool late[REEF_BATCH];           /* goes out after those that are not (write.h) */
    reef_reply *replies[REEF_BATCH]; /* after a run, to the next clear */
    /* Of a transaction (write.h): what encloses it, and once it ran, what EXEC gave;
     * then each command's answer is in there. `blame`, where it did not run: 1 + the
     * index of the command that the server refused; else 0. */
    reef_cmd *multi, *commit;
    reef_reply *exec;
    size_t blame;
    const reef_cmd *sent[REEF_BATCH + 2]; /* scratch of a run */
    reef_reply *got[REEF_BATCH + 2];
    char said[REEF_ERROR_TEXT]; /* the last text that was asked for */
} reef_batch;

reef_batch *reef_batch_new(void); /* NULL: out of memory */
void reef_batch_free(reef_batch *);
void reef_batch_clear(reef_batch *); /* no commands, no replies; keeps memory */
void reef_batch_unrun(reef_batch *); /* no replies: it can be run again */
/* The next command, any; NULL: it failed, and that sticks. */
reef_cmd *reef_batch_next(reef_batch *, const char *name);
/* The next command on one key (without prefix); NULL: it failed, and that sticks. */
reef_cmd *reef_batch_on_key(reef_batch *, reef_job *, const char *name, reef_str key);
reef_cmd *reef_batch_eval(reef_batch *, reef_job *, const char *script,
                          const reef_str keys[], size_t count);
void reef_batch_get(reef_batch *, reef_job *, reef_str key);
/* ttl_s 0: no expiry. May be sent again. */
void reef_batch_set(reef_batch *, reef_job *, reef_str key, reef_str value,
                    int64_t ttl_s);
void reef_batch_del(reef_batch *, reef_job *, reef_str key, bool repeatable);

/* Sends all and waits. Not REEF_OK: nothing was sent, and the error says why; else each
 * command has its reply. */
reef_code reef_batch_run(reef_batch *, reef_job *);
/* The first half of it: whether anything can be sent, and the time that is left. */
reef_code reef_batch_ready(reef_batch *, reef_job *, int64_t *left_ms);
/* What reply `index` came to; an answer of another kind than `kind` is
 * REEF_PROTOCOL. */
reef_code reef_batch_code(const reef_batch *, size_t index, reef_kind kind);
reef_str reef_batch_key(const reef_batch *, size_t index); /* the full key, or empty */
/* Why it failed: lives until it is asked again. */
const char *reef_batch_text(reef_batch *, size_t index);
int64_t reef_batch_int(const reef_batch *, size_t index, int64_t fallback);
/* What the GET at `index` came to: REEF_OK and the root is a blob of a record's size,
 * REEF_NOT_FOUND, REEF_CORRUPT (too large, or no string at all), or why it can't be
 * told.
 */
reef_code reef_batch_blob(reef_batch *, size_t index, const char **why);
reef_str reef_batch_root_text(const reef_batch *, size_t index);

/* How writes ended together, given the code of each: REEF_OK if all did; REEF_UNSURE if
 * one may have run, or if one ran and another was not sent, since then neither "done"
 * nor "nothing happened" is true; else the first failure. `*which` is the write to
 * name.
 */
reef_code reef_verdict(const reef_code codes[], size_t count, size_t *which);
bool reef_verdict_unsent(reef_code); /* it promises that nothing was sent */

#endif
