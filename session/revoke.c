/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: the revocation of all sessions of a user.
 * Invariants: what is counted was acknowledged as a tombstone by the server. A record
 * that can't be read is replaced, too, since knot might still read it. A tombstone is
 * written even where its index could not be: the list has just found that index, and
 * once it expires what it no longer finds is dead. */
#include "session/codec.h"
#include "session/job.h"
#include "session/keys.h"
#include "session/list.h"
#include "session/sessions.h"
#include "session/write.h"
#include <stdio.h>

enum { REVOKE_ROUND = REEF_BATCH / 2 }; /* sessions of one round, two keys each */
#define REVOKE_TTL_NS ((int64_t)REEF_SESSION_TTL_S * INT64_C(1000000000))

struct revoke_run {
    reef_job *job;
    reef_batch *batch;
    const reef_sessions *list;
    reef_str user_id;
    reef_draft key, index, json;
    int64_t now_ns;
    size_t live;    /* sessions to revoke */
    size_t revoked; /* of these, done */
};

static bool revoke_wanted(const reef_kept *kept)
{
    return kept->code != REEF_OK || !kept->session.is_deleted;
}

static size_t revoke_count(const reef_sessions *list)
{
    size_t live = 0;
    for (size_t i = 0; i < list->count; i++)
        live += revoke_wanted(list->items[i]) ? 1u : 0u;
    return live;
}

/* The tombstone says what the session said, and that it ended just now. */
static void revoke_build(struct revoke_run *run, const reef_kept *kept)
{
    reef_session grave = kept->session;
    grave.user_id = run->user_id;
    grave.is_deleted = true;
    grave.expires_after_ns = run->now_ns + REVOKE_TTL_NS;
    grave.updated_at = reef_clock_next(kept->session.updated_at, run->now_ns);
    reef_keys_record(&run->key, grave.id);
    reef_keys_index(&run->index, grave.user_id, grave.id);
    reef_draft_clear(&run->json);
    reef_codec_write(&run->json, &grave);
    const reef_str index = reef_draft_str(&run->index);
    const reef_record record = {
        .key = reef_draft_str(&run->key), .indexes = &index, .index_count = 1};
    reef_way way = reef_write_way(run->batch, run->job, &record);
    reef_batch_set(run->batch, run->job, index, grave.id,
                   reef_write_index_ttl_s(way, REEF_SESSION_TTL_S));
    reef_batch_set(run->batch, run->job, record.key, reef_draft_str(&run->json),
                   REEF_SESSION_TTL_S);
    reef_write_late(run->batch);
    if (run->batch->code == REEF_OK)
        run->batch->code = run->key.code;
    if (run->batch->code == REEF_OK)
        run->batch->code = run->index.code;
    if (run->batch->code == REEF_OK)
        run->batch->code = run->json.code;
}

static reef_code revoke_fail(struct revoke_run *run, reef_error *error, reef_code code,
                             reef_str key, const char *why)
{
    char head[96];
    snprintf(head, sizeof head, "%zu of %zu sessions were revoked, then no more",
             run->revoked, run->live);
    return reef_tell(error, code, head, key, why);
}

static reef_code revoke_judge(struct revoke_run *run, reef_error *error)
{
    size_t which;
    for (size_t i = 1; i < run->batch->count; i += 2)
        run->revoked += reef_batch_code(run->batch, i, REEF_STATUS) == REEF_OK;
    reef_code code = reef_write_verdict(run->batch, REEF_STATUS, &which);
    if (code == REEF_OK)
        return REEF_OK;
    return revoke_fail(run, error, code, reef_batch_key(run->batch, which),
                       reef_batch_text(run->batch, which));
}

/* Sends what was built. */
static reef_code revoke_round(struct revoke_run *run)
{
    reef_error *error = run->job->error;
    reef_error why = {0};
    reef_write write = {.kind = REEF_STATUS};
    run->job->error = &why;
    reef_code code = reef_write_run(run->batch, run->job, &write);
    run->job->error = error;
    if (code == REEF_OK)
        return revoke_judge(run, error);
    code = run->revoked > 0 ? REEF_UNSURE : code; /* a part of it was sent */
    return revoke_fail(run, error, code, (reef_str){NULL, 0}, why.text);
}

static reef_code revoke_all(struct revoke_run *run)
{
    reef_code code = REEF_OK;
    run->live = revoke_count(run->list);
    reef_batch_clear(run->batch);
    for (size_t i = 0; i < run->list->count && code == REEF_OK; i++) {
        if (!revoke_wanted(run->list->items[i]))
            continue;
        revoke_build(run, run->list->items[i]);
        if (run->batch->count < 2 * (size_t)REVOKE_ROUND)
            continue;
        code = revoke_round(run);
        reef_batch_clear(run->batch);
    }
    if (code == REEF_OK && run->batch->count > 0)
        code = revoke_round(run);
    return code;
}

static reef_code revoke_user(reef_job *job, reef_batch *batch, reef_sessions *list,
                             reef_str user_id, size_t *revoked)
{
    reef_code code = reef_list_collect(job, batch, user_id, list);
    if (code != REEF_OK)
        return code;
    struct revoke_run run = {0};
    run.job = job;
    run.batch = batch;
    run.list = list;
    run.user_id = user_id;
    run.now_ns = reef_unix_ns();
    code = revoke_all(&run);
    *revoked = run.revoked;
    reef_draft_free(&run.key);
    reef_draft_free(&run.index);
    reef_draft_free(&run.json);
    return code;
}

reef_code reef_session_revoke_user(reef_client *client, reef_str user_id,
                                   size_t *revoked, int64_t timeout_ms,
                                   reef_error *error)
{
    reef_reading r;
    *revoked = 0;
    reef_code code = reef_keys_check_user(user_id, error);
    if (code == REEF_OK)
        code = reef_reading_begin(&r, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    code = revoke_user(&r.job, r.batch, r.list, user_id, revoked);
    return reef_reading_end(&r, code, NULL);
}
