/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: what must be seen in an order, or all at once, on any topology.
 * Invariants: a late command is never ahead of one that is not: inside a transaction
 * and on one connection the server keeps the order, else it is sent when the others
 * were answered. After a run no command is without a reply. A transaction may be sent
 * again only if each command of it may. */
#include "session/write.h"
#include <string.h>

/* ---- which way ---------------------------------------------------------------- */

static reef_way write_choose(const reef_job *job, size_t count, bool same)
{
    if (count < 2)
        return REEF_WAY_ROW;
    if (same)
        return REEF_WAY_TOGETHER;
    return job->spread ? REEF_WAY_STEPS : REEF_WAY_ROW;
}

/* Of the key with its prefix. */
static uint32_t write_slot(reef_batch *batch, reef_job *job, reef_str key)
{
    const reef_str full = reef_job_key(job, key);
    if (batch->code == REEF_OK)
        batch->code = job->key.code;
    return reef_key_slot(full);
}

reef_way reef_write_way(reef_batch *batch, reef_job *job, const reef_record *record)
{
    uint32_t slot = write_slot(batch, job, record->key);
    bool same = true;
    for (size_t i = 0; i < record->index_count && same; i++)
        same = write_slot(batch, job, record->indexes[i]) == slot;
    return batch->code != REEF_OK ? REEF_WAY_ROW
                                  : write_choose(job, 1 + record->index_count, same);
}

int64_t reef_write_index_ttl_s(reef_way way, int64_t ttl_s)
{
    bool longer = way == REEF_WAY_STEPS && ttl_s > 0;
    return longer && ttl_s <= INT64_MAX - REEF_INDEX_EXTRA_S
               ? ttl_s + REEF_INDEX_EXTRA_S
               : ttl_s;
}

/* The same for commands that have their keys. */
static reef_way write_way(const reef_job *job, const reef_batch *batch)
{
    uint32_t slot = reef_key_slot(reef_batch_key(batch, 0));
    bool same = true;
    for (size_t i = 1; i < batch->count && same; i++)
        same = reef_key_slot(reef_batch_key(batch, i)) == slot;
    return write_choose(job, batch->count, same);
}

void reef_write_late(reef_batch *batch)
{
    if (batch->count > 0)
        batch->late[batch->count - 1] = true;
}

/* ---- one transaction ---------------------------------------------------------- */

static bool write_word(reef_cmd **cmd, const char *name, bool repeatable)
{
    if (*cmd == NULL)
        *cmd = reef_cmd_new();
    if (*cmd == NULL)
        return false;
    reef_cmd_begin(*cmd, name);
    if (repeatable)
        reef_cmd_repeatable(*cmd);
    return reef_cmd_code(*cmd) == REEF_OK;
}

static bool write_enclose(reef_batch *batch)
{
    bool repeatable = true;
    for (size_t i = 0; i < batch->count; i++) {
        repeatable = repeatable && reef_cmd_is_repeatable(batch->cmds[i]);
        batch->sent[i + 1] = batch->cmds[i];
    }
    if (!write_word(&batch->multi, "MULTI", repeatable) ||
        !write_word(&batch->commit, "EXEC", repeatable))
        return false;
    batch->sent[0] = batch->multi;
    batch->sent[batch->count + 1] = batch->commit;
    return true;
}

/* It did not run, or nobody knows. What the server took in ("QUEUED") ends as EXEC did;
 * what it refused itself has its reason already. */
static void write_spoil(reef_batch *batch, reef_reply *exec)
{
    reef_code code = reef_reply_code(exec);
    const char *text = reef_reply_text(exec);
    if (code == REEF_OK) {
        code = REEF_PROTOCOL;
        text = "the answer to EXEC has another form";
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (reef_reply_code(batch->replies[i]) == REEF_REFUSED && batch->blame == 0)
            batch->blame = i + 1;
        if (reef_reply_code(batch->replies[i]) != REEF_OK)
            continue;
        reef_reply_free(batch->replies[i]);
        batch->replies[i] = reef_reply_failed(code, text);
    }
    reef_reply_free(exec);
}

/* Where MULTI is refused (an ACL without it), the commands ran one by one in their
 * order, like any pipeline: each answer stands for itself. */
static void write_unpack(reef_batch *batch)
{
    reef_reply *multi = batch->got[0], *exec = batch->got[batch->count + 1];
    bool alone = reef_reply_code(multi) == REEF_REFUSED;
    const reef_node *root = reef_reply_root(exec);
    memcpy(batch->replies, batch->got + 1, batch->count * sizeof batch->replies[0]);
    reef_reply_free(multi);
    if (alone)
        reef_reply_free(exec);
    else if (reef_reply_code(exec) == REEF_OK && reef_node_kind(root) == REEF_ARRAY &&
             reef_count(root) == batch->count)
        batch->exec = exec;
    else
        write_spoil(batch, exec);
}

static reef_code write_together(reef_batch *batch, reef_job *job)
{
    int64_t left_ms;
    reef_code code = reef_batch_ready(batch, job, &left_ms);
    if (code != REEF_OK)
        return code;
    if (!write_enclose(batch))
        return reef_tell(job->error, REEF_NOMEM, "out of memory", (reef_str){NULL, 0},
                         NULL);
    reef_pipeline(job->client, batch->sent, batch->count + 2, left_ms, batch->got);
    write_unpack(batch);
    return REEF_OK;
}

/* A server whose memory is full queues nothing, not even what would free some. */
static bool write_was_full(const reef_batch *batch)
{
    if (batch->blame == 0)
        return false;
    const char *text = reef_reply_text(batch->replies[batch->blame - 1]);
    return strncmp(text, "OOM ", 4) == 0;
}

/* ---- step by step ------------------------------------------------------------- */

/* Sends those that are late, or those that are not. */
static void write_step(reef_batch *batch, const reef_job *job, bool late,
                       int64_t left_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->late[i] == late)
            batch->sent[count++] = batch->cmds[i];
    if (count == 0)
        return;
    reef_pipeline(job->client, batch->sent, count, left_ms, batch->got);
    count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->late[i] == late)
            batch->replies[i] = batch->got[count++];
}

static void write_withhold(reef_batch *batch, const char *why)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->late[i])
            batch->replies[i] = reef_reply_failed(REEF_UNSENT, why);
}

static bool write_went_well(const reef_batch *batch, reef_kind kind, bool late)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->late[i] == late && reef_batch_code(batch, i, kind) != REEF_OK)
            return false;
    return true;
}

static void write_late_step(reef_batch *batch, const reef_job *job, reef_write *write,
                            int64_t begun_ms)
{
    reef_job brief = *job;
    if (write->brief && brief.end_ms - begun_ms > REEF_WRITE_GAP_MS)
        brief.end_ms = begun_ms + REEF_WRITE_GAP_MS;
    int64_t left_ms = reef_job_left_ms(&brief);
    if (left_ms == 0)
        write_withhold(batch, "the deadline passed between two rounds of the call");
    else
        write_step(batch, job, true, left_ms);
    write->cut = brief.end_ms < job->end_ms && reef_job_left_ms(&brief) == 0 &&
                 reef_job_left_ms(job) > 0 &&
                 !write_went_well(batch, write->kind, true);
}

static reef_code write_steps(reef_batch *batch, reef_job *job, reef_write *write)
{
    int64_t left_ms, begun_ms = reef_now_ms();
    reef_code code = reef_batch_ready(batch, job, &left_ms);
    if (code != REEF_OK)
        return code;
    write_step(batch, job, false, left_ms);
    if (write->firm && !write_went_well(batch, write->kind, false))
        write_withhold(batch, "it was not sent, since what comes before it failed");
    else
        write_late_step(batch, job, write, begun_ms);
    return REEF_OK;
}

/* ---- either way --------------------------------------------------------------- */

reef_code reef_write_run(reef_batch *batch, reef_job *job, reef_write *write)
{
    reef_code code;
    write->cut = false;
    switch (write_way(job, batch)) {
    case REEF_WAY_TOGETHER:
        code = write_together(batch, job);
        if (code != REEF_OK || !write->frees || !write_was_full(batch))
            return code;
        reef_batch_unrun(batch);
        return reef_batch_run(batch, job);
    case REEF_WAY_ROW:
        return reef_batch_run(batch, job);
    case REEF_WAY_STEPS:
        break;
    }
    return write_steps(batch, job, write);
}

reef_code reef_write_verdict(const reef_batch *batch, reef_kind kind, size_t *which)
{
    reef_code codes[REEF_BATCH];
    for (size_t i = 0; i < batch->count; i++)
        codes[i] = reef_batch_code(batch, i, kind);
    reef_code code = reef_verdict(codes, batch->count, which);
    if (code == REEF_REFUSED && batch->blame > 0)
        *which = batch->blame - 1;
    return code;
}
