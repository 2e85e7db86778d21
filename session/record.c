/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: the generic record store: a blob under a key, and index keys that hold its
 * id.
 * Invariant: indexes are written ahead of the record and deleted after it, so that what
 * ends a call in between leaves an index too many, never a record that no list
 * finds. Where they may be on different servers, each is acknowledged before the other
 * is sent. */
#include "session/write.h"
#include <stdlib.h>

static reef_code record_check(const reef_record *record, reef_error *error)
{
    const char *why = NULL;
    if (record->key.len == 0)
        why = "a record needs a key";
    else if (record->ttl_s < 0)
        why = "a record can't live for a negative time";
    for (size_t i = 0; i < record->index_count && why == NULL; i++)
        why = record->indexes[i].len == 0 ? "an index key can't be empty" : NULL;
    if (why != NULL)
        return reef_tell(error, REEF_BADARG, why, record->key, NULL);
    if (record->index_count >= REEF_BATCH)
        why = "too many index keys for one record";
    else if (record->blob.len > REEF_RECORD_MAX)
        why = "the record is larger than REEF_RECORD_MAX";
    return why == NULL ? REEF_OK : reef_tell(error, REEF_LIMIT, why, record->key, NULL);
}

/* Judges a round of which each answer should be of that kind, and names the worst. */
static reef_code record_judge(reef_batch *batch, reef_kind kind, reef_error *error)
{
    size_t which;
    reef_code code = reef_write_verdict(batch, kind, &which);
    if (code == REEF_OK)
        return REEF_OK;
    return reef_tell(error, code, kind == REEF_INT ? "can't delete" : "can't write",
                     reef_batch_key(batch, which), reef_batch_text(batch, which));
}

/* ---- put ---------------------------------------------------------------------- */

static void record_build_put(reef_job *job, reef_batch *batch,
                             const reef_record *record)
{
    reef_batch_clear(batch);
    int64_t index_ttl_s =
        reef_write_index_ttl_s(reef_write_way(batch, job, record), record->ttl_s);
    for (size_t i = 0; i < record->index_count; i++)
        reef_batch_set(batch, job, record->indexes[i], record->id, index_ttl_s);
    reef_batch_set(batch, job, record->key, record->blob, record->ttl_s);
    reef_write_late(batch);
}

/* A record that took too long after its indexes, which a list may have deleted
 * meanwhile, is written again, with them. */
static reef_code record_put(reef_job *job, reef_batch *batch, const reef_record *record)
{
    reef_write write = {.kind = REEF_STATUS, .firm = true, .brief = true};
    reef_code code = REEF_OK;
    bool again = false;
    do {
        again = again || write.cut;
        record_build_put(job, batch, record);
        code = reef_write_run(batch, job, &write);
        if (code == REEF_OK)
            code = record_judge(batch, REEF_STATUS, job->error);
    } while (write.cut);
    if (!again)
        return code;
    code = code == REEF_OK ? REEF_OK : REEF_UNSURE; /* an earlier round may have run */
    if (job->error != NULL && code == REEF_OK)
        *job->error = (reef_error){0};
    else if (job->error != NULL)
        job->error->code = code;
    return code;
}

/* ---- delete ------------------------------------------------------------------- */

static void record_build_del(reef_job *job, reef_batch *batch,
                             const reef_record *record, bool again)
{
    reef_batch_clear(batch);
    reef_batch_del(batch, job, record->key, again);
    for (size_t i = 0; i < record->index_count; i++) {
        reef_batch_del(batch, job, record->indexes[i], again);
        reef_write_late(batch);
    }
}

/* One round. `*gone`: what the record's DEL counted; stays as it was without answer. */
static reef_code record_del_round(reef_job *job, reef_batch *batch,
                                  const reef_record *record, bool again, int64_t *gone)
{
    reef_write write = {.kind = REEF_INT, .firm = true, .frees = true};
    record_build_del(job, batch, record, again);
    reef_code code = reef_write_run(batch, job, &write);
    if (code != REEF_OK)
        return code;
    if (reef_batch_code(batch, 0, REEF_INT) == REEF_OK)
        *gone = reef_batch_int(batch, 0, 0);
    return record_judge(batch, REEF_INT, job->error);
}

/* A DEL that was repeated answers 0 although its first try may have found the record.
 * So the first round is not repeatable; if it ends unsure, a second one, which is,
 * makes sure that the keys are gone, and then its 0 is no "not found". */
static reef_code record_del(reef_job *job, reef_batch *batch, const reef_record *record)
{
    int64_t gone = -1;
    reef_code code = record_del_round(job, batch, record, false, &gone);
    if (code == REEF_UNSURE && reef_job_left_ms(job) > 0) {
        int64_t ignored;
        if (record_del_round(job, batch, record, true, &ignored) == REEF_OK)
            code = REEF_OK;
        else if (job->error != NULL)
            job->error->code = REEF_UNSURE; /* the first round may have run */
    }
    if (code != REEF_OK)
        return code;
    if (job->error != NULL)
        *job->error = (reef_error){0};
    if (gone == 0)
        return reef_tell(job->error, REEF_NOT_FOUND, "there is no record",
                         reef_batch_key(batch, 0), NULL);
    return REEF_OK;
}

/* ---- either of them ----------------------------------------------------------- */

/* Begins the job and its batch, and runs one of the two above. */
static reef_code record_run(reef_client *client, const reef_record *record,
                            int64_t timeout_ms, reef_error *error, bool put)
{
    reef_job job;
    reef_code code = record_check(record, error);
    if (code != REEF_OK)
        return code;
    code = reef_job_begin(&job, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    reef_batch *batch = reef_batch_new();
    if (batch == NULL)
        code = reef_tell(error, REEF_NOMEM, "out of memory", (reef_str){NULL, 0}, NULL);
    else
        code = put ? record_put(&job, batch, record) : record_del(&job, batch, record);
    reef_batch_free(batch);
    reef_job_end(&job);
    return code;
}

reef_code reef_record_put(reef_client *client, const reef_record *record,
                          int64_t timeout_ms, reef_error *error)
{
    return record_run(client, record, timeout_ms, error, true);
}

reef_code reef_record_del(reef_client *client, const reef_record *record,
                          int64_t timeout_ms, reef_error *error)
{
    return record_run(client, record, timeout_ms, error, false);
}

/* ---- get ---------------------------------------------------------------------- */

static reef_code record_get(reef_job *job, reef_batch *batch, reef_str key,
                            reef_reply **out)
{
    const char *why;
    reef_batch_get(batch, job, key);
    reef_code code = reef_batch_run(batch, job);
    if (code != REEF_OK)
        return code;
    code = reef_batch_blob(batch, 0, &why);
    if (code != REEF_OK)
        return reef_tell(job->error, code, "can't read", reef_batch_key(batch, 0), why);
    *out = batch->replies[0];
    batch->replies[0] = NULL;
    return REEF_OK;
}

reef_code reef_record_get(reef_client *client, reef_str key, int64_t timeout_ms,
                          reef_reply **out, reef_error *error)
{
    reef_job job;
    const reef_str none = {NULL, 0};
    *out = NULL;
    if (key.len == 0)
        return reef_tell(error, REEF_BADARG, "a record needs a key", none, NULL);
    reef_code code = reef_job_begin(&job, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    reef_batch *batch = reef_batch_new();
    if (batch == NULL)
        code = reef_tell(error, REEF_NOMEM, "out of memory", none, NULL);
    else
        code = record_get(&job, batch, key, out);
    reef_batch_free(batch);
    reef_job_end(&job);
    return code;
}
