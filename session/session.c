/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: save, get, touch and delete of one session, and a record's text read.
 * Invariant: a malformed id costs no round trip. */
#include "session/session.h"
#include "session/job.h"
#include "session/keys.h"
#include "session/sessions.h"
#include "session/touch.h"
#include <stdlib.h>

/* ---- what a session must be to have keys -------------------------------------- */

static reef_code session_check_id(reef_str id, reef_error *error)
{
    if (reef_session_id_valid(id))
        return REEF_OK;
    return reef_tell(error, REEF_BADARG, "this is not a session id", id, NULL);
}

static reef_code session_check(reef_str id, reef_str user_id, reef_error *error)
{
    reef_code code = session_check_id(id, error);
    return code == REEF_OK ? reef_keys_check_user(user_id, error) : code;
}

/* The texts that a write needs. */
struct session_texts {
    reef_draft key, index, json;
};

static void session_texts_free(struct session_texts *texts)
{
    reef_draft_free(&texts->key);
    reef_draft_free(&texts->index);
    reef_draft_free(&texts->json);
}

static reef_code session_texts_make(struct session_texts *texts,
                                    const reef_session *session, reef_error *error)
{
    const reef_str none = {NULL, 0};
    reef_keys_record(&texts->key, session->id);
    reef_keys_index(&texts->index, session->user_id, session->id);
    reef_codec_write(&texts->json, session);
    if (texts->json.code == REEF_LIMIT || texts->json.len > REEF_RECORD_MAX)
        return reef_tell(error, REEF_LIMIT,
                         "the session is larger than a record can be", session->id,
                         NULL);
    if (texts->key.code != REEF_OK || texts->index.code != REEF_OK ||
        texts->json.code != REEF_OK)
        return reef_tell(error, REEF_NOMEM, "out of memory", none, NULL);
    return REEF_OK;
}

static reef_record session_record(const struct session_texts *texts,
                                  const reef_session *session, reef_str *index)
{
    *index = reef_draft_str(&texts->index);
    reef_record record = {0};
    record.key = reef_draft_str(&texts->key);
    record.blob = reef_draft_str(&texts->json);
    record.id = session->id;
    record.indexes = index;
    record.index_count = 1;
    record.ttl_s = REEF_SESSION_TTL_S;
    return record;
}

/* ---- save and delete ---------------------------------------------------------- */

reef_code reef_session_save(reef_client *client, const reef_session *session,
                            int64_t timeout_ms, reef_error *error)
{
    reef_code code = session_check(session->id, session->user_id, error);
    if (code != REEF_OK)
        return code;
    struct session_texts texts = {0};
    code = session_texts_make(&texts, session, error);
    if (code == REEF_OK) {
        reef_str index;
        reef_record record = session_record(&texts, session, &index);
        code = reef_record_put(client, &record, timeout_ms, error);
    }
    session_texts_free(&texts);
    return code;
}

reef_code reef_session_delete(reef_client *client, reef_str id, reef_str user_id,
                              int64_t timeout_ms, reef_error *error)
{
    reef_session session = {0};
    reef_code code = session_check(id, user_id, error);
    if (code != REEF_OK)
        return code;
    session.id = id;
    session.user_id = user_id;
    struct session_texts texts = {0};
    code = session_texts_make(&texts, &session, error);
    if (code == REEF_OK) {
        reef_str index;
        reef_record record = session_record(&texts, &session, &index);
        code = reef_record_del(client, &record, timeout_ms, error);
    }
    session_texts_free(&texts);
    return code;
}

/* ---- get ---------------------------------------------------------------------- */

static reef_code session_read(reef_job *job, reef_batch *batch, reef_str id,
                              reef_sessions *list)
{
    const char *why;
    reef_draft key = {0};
    reef_asked asked = {{NULL, 0}, id, {NULL, 0}};
    reef_batch_get(batch, job, reef_keys_record(&key, id));
    batch->code = batch->code == REEF_OK ? key.code : batch->code;
    reef_draft_free(&key);
    reef_code code = reef_batch_run(batch, job);
    if (code != REEF_OK)
        return code;
    asked.key = reef_batch_key(batch, 0);
    code = reef_batch_blob(batch, 0, &why);
    if (code == REEF_CORRUPT)
        code = reef_sessions_spoilt(list, &asked, why);
    else if (code != REEF_OK)
        return reef_tell(job->error, code, "can't read", asked.key, why);
    else
        code = reef_sessions_read(list, &asked, reef_batch_root_text(batch, 0));
    reef_session session;
    if (code == REEF_CORRUPT)
        reef_sessions_next(list, &session, job->error);
    else if (code != REEF_OK)
        reef_tell(job->error, code, "no memory for", asked.key, NULL);
    return code;
}

reef_code reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                           reef_sessions **out, reef_error *error)
{
    reef_reading r;
    *out = NULL;
    reef_code code = session_check_id(id, error);
    if (code == REEF_OK)
        code = reef_reading_begin(&r, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    code = session_read(&r.job, r.batch, id, r.list);
    return reef_reading_end(&r, code, out);
}

/* ---- one record's text -------------------------------------------------------- */

reef_code reef_session_decode(reef_str json, reef_sessions **out, reef_error *error)
{
    const reef_asked asked = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    reef_session session;
    *out = NULL;
    if (error != NULL)
        *error = (reef_error){0};
    reef_sessions *list = reef_sessions_new();
    if (list == NULL)
        return reef_tell(error, REEF_NOMEM, "out of memory", asked.key, NULL);
    reef_code code = reef_sessions_read(list, &asked, json);
    if (code == REEF_OK) {
        *out = list;
        return REEF_OK;
    }
    if (code != REEF_CORRUPT)
        reef_tell(error, code, "no memory for the record", asked.key, NULL);
    else
        reef_sessions_next(list, &session, error);
    reef_sessions_free(list);
    return code;
}

/* ---- touch ---------------------------------------------------------------------- */

reef_code reef_session_touch(reef_client *client, const reef_session *session,
                             int64_t timeout_ms, reef_error *error)
{
    reef_code code = session_check(session->id, session->user_id, error);
    if (code != REEF_OK)
        return code;
    if (session->is_deleted)
        return reef_tell(error, REEF_BADARG,
                         "a touch keeps a session alive and can't write a tombstone",
                         session->id, NULL);
    struct session_texts texts = {0};
    code = session_texts_make(&texts, session, error);
    if (code == REEF_OK) {
        reef_str index;
        reef_record record = session_record(&texts, session, &index);
        code = reef_touch(client, &record, session->updated_at, timeout_ms, error);
    }
    session_texts_free(&texts);
    return code;
}
