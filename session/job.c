/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: deadlines over several rounds, batches of commands, and the sentences of
 * errors.
 * Invariants: a batch's commands are reused from round to round; its replies belong to
 * it from run to clear. No round is begun after the deadline. */
#include "session/job.h"
#include <stdlib.h>
#include <string.h>

/* ---- sentences ---------------------------------------------------------------- */

/* Adds one character of at most `room` bytes and returns the bytes taken, or 0. */
static size_t tell_char(reef_error *error, size_t *len, reef_str text, size_t room)
{
    size_t size = reef_utf8_size(text, 0);
    bool plain = size > 1 || (size == 1 && text.ptr[0] >= ' ' && text.ptr[0] < 0x7F);
    /* U+0080 to U+009F are controls as well. */
    if (size == 2 && text.ptr[0] == '\xC2' && (uint8_t)text.ptr[1] < 0xA0)
        plain = false;
    size_t shown = plain ? size : 1;
    if (shown > room || *len + shown >= REEF_ERROR_TEXT)
        return 0;
    memcpy(error->text + *len, plain ? text.ptr : "?", shown);
    *len += shown;
    error->text[*len] = 0;
    return size > 0 ? size : 1;
}

/* Adds up to `room` bytes; false: there was more. */
static bool tell_add(reef_error *error, size_t *len, reef_str text, size_t room)
{
    size_t begin = *len;
    for (size_t at = 0; at < text.len;) {
        reef_str rest = {text.ptr + at, text.len - at};
        size_t taken = tell_char(error, len, rest, room - (*len - begin));
        if (taken == 0)
            return false;
        at += taken;
    }
    return true;
}

reef_code reef_tell(reef_error *error, reef_code code, const char *head, reef_str key,
                    const char *tail)
{
    size_t len = 0;
    if (error == NULL)
        return code;
    error->code = code;
    error->sys_errno = 0;
    error->text[0] = 0;
    tell_add(error, &len, reef_str_of(head), REEF_ERROR_TEXT);
    if (key.len > 0) {
        tell_add(error, &len, reef_str_of(" \""), REEF_ERROR_TEXT);
        bool whole = tell_add(error, &len, key, REEF_ERROR_KEY);
        tell_add(error, &len, reef_str_of(whole ? "\"" : "...\""), REEF_ERROR_TEXT);
    }
    if (tail != NULL && tail[0] != 0) {
        tell_add(error, &len, reef_str_of(": "), REEF_ERROR_TEXT);
        tell_add(error, &len, reef_str_of(tail), REEF_ERROR_TEXT);
    }
    return code;
}

/* ---- jobs --------------------------------------------------------------------- */

reef_code reef_job_begin(reef_job *job, reef_client *client, int64_t timeout_ms,
                         reef_error *error)
{
    const reef_config *config = reef_client_config(client);
    *job = (reef_job){0};
    job->client = client;
    job->error = error;
    job->prefix = reef_str_of(config->key_prefix);
    job->spread = reef_client_is_spread(client);
    if (error != NULL)
        *error = (reef_error){0};
    if (timeout_ms < 0)
        return reef_tell(error, REEF_BADARG, "a timeout can't be negative",
                         (reef_str){NULL, 0}, NULL);
    if (timeout_ms == 0)
        timeout_ms = config->call_timeout_ms;
    int64_t now_ms = reef_now_ms();
    job->end_ms = timeout_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + timeout_ms;
    return REEF_OK;
}

void reef_job_end(reef_job *job)
{
    reef_draft_free(&job->key);
}

int64_t reef_job_left_ms(const reef_job *job)
{
    int64_t left_ms = job->end_ms - reef_now_ms();
    return left_ms > 0 ? left_ms : 0;
}

reef_str reef_job_key(reef_job *job, reef_str key)
{
    reef_draft_clear(&job->key);
    reef_draft_add(&job->key, job->prefix);
    reef_draft_add(&job->key, key);
    return reef_draft_str(&job->key);
}

/* ---- batches ------------------------------------------------------------------ */

reef_batch *reef_batch_new(void)
{
    return calloc(1, sizeof(reef_batch));
}

void reef_batch_unrun(reef_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        reef_reply_free(batch->replies[i]);
        batch->replies[i] = NULL;
    }
    reef_reply_free(batch->exec);
    batch->exec = NULL;
    batch->blame = 0;
}

void reef_batch_clear(reef_batch *batch)
{
    reef_batch_unrun(batch);
    batch->count = 0;
    batch->code = REEF_OK;
}

void reef_batch_free(reef_batch *batch)
{
    if (batch == NULL)
        return;
    reef_batch_clear(batch);
    for (size_t i = 0; i < REEF_BATCH; i++)
        reef_cmd_free(batch->cmds[i]);
    reef_cmd_free(batch->multi);
    reef_cmd_free(batch->commit);
    free(batch);
}

static void batch_stick(reef_batch *batch, reef_code code)
{
    if (batch->code == REEF_OK)
        batch->code = code;
}

reef_cmd *reef_batch_next(reef_batch *batch, const char *name)
{
    if (batch->count == REEF_BATCH) {
        batch_stick(batch, REEF_LIMIT);
        return NULL;
    }
    reef_cmd **slot = &batch->cmds[batch->count];
    if (*slot == NULL)
        *slot = reef_cmd_new();
    if (*slot == NULL) {
        batch_stick(batch, REEF_NOMEM);
        return NULL;
    }
    batch->late[batch->count++] = false;
    reef_cmd_begin(*slot, name);
    return *slot;
}

static void batch_key(reef_batch *batch, reef_job *job, reef_cmd *cmd, reef_str key)
{
    reef_str full = reef_job_key(job, key);
    if (full.len > REEF_KEY_MAX)
        batch_stick(batch, REEF_LIMIT);
    batch_stick(batch, job->key.code);
    reef_cmd_key(cmd, full);
}

reef_cmd *reef_batch_on_key(reef_batch *batch, reef_job *job, const char *name,
                            reef_str key)
{
    reef_cmd *cmd = reef_batch_next(batch, name);
    if (cmd != NULL)
        batch_key(batch, job, cmd, key);
    return cmd;
}

reef_cmd *reef_batch_eval(reef_batch *batch, reef_job *job, const char *script,
                          const reef_str keys[], size_t count)
{
    reef_cmd *cmd = reef_batch_next(batch, "EVAL");
    if (cmd == NULL)
        return NULL;
    reef_cmd_text(cmd, script);
    reef_cmd_int(cmd, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        batch_key(batch, job, cmd, keys[i]);
    return cmd;
}

void reef_batch_get(reef_batch *batch, reef_job *job, reef_str key)
{
    reef_cmd *cmd = reef_batch_on_key(batch, job, "GET", key);
    if (cmd != NULL)
        reef_cmd_repeatable(cmd);
}

void reef_batch_set(reef_batch *batch, reef_job *job, reef_str key, reef_str value,
                    int64_t ttl_s)
{
    reef_cmd *cmd = reef_batch_on_key(batch, job, "SET", key);
    if (cmd == NULL)
        return;
    reef_cmd_arg(cmd, value);
    if (ttl_s > 0) {
        reef_cmd_text(cmd, "EX");
        reef_cmd_int(cmd, ttl_s);
    }
    reef_cmd_repeatable(cmd);
}

void reef_batch_del(reef_batch *batch, reef_job *job, reef_str key, bool repeatable)
{
    reef_cmd *cmd = reef_batch_on_key(batch, job, "DEL", key);
    if (cmd != NULL && repeatable)
        reef_cmd_repeatable(cmd);
}

/* A command that could not be built stops the whole round before anything is sent. */
static reef_code batch_check(reef_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch_stick(batch, reef_cmd_code(batch->cmds[i]));
    return batch->code;
}

reef_code reef_batch_ready(reef_batch *batch, reef_job *job, int64_t *left_ms)
{
    const reef_str none = {NULL, 0};
    reef_code code = batch_check(batch);
    if (code == REEF_NOMEM)
        return reef_tell(job->error, code, "out of memory", none, NULL);
    if (code != REEF_OK)
        return reef_tell(job->error, code, "a key or a command is too long", none,
                         NULL);
    *left_ms = reef_job_left_ms(job);
    if (*left_ms == 0)
        return reef_tell(job->error, REEF_UNSENT,
                         "the deadline passed between two rounds of the call", none,
                         NULL);
    return REEF_OK;
}

reef_code reef_batch_run(reef_batch *batch, reef_job *job)
{
    int64_t left_ms;
    reef_code code = reef_batch_ready(batch, job, &left_ms);
    if (code != REEF_OK)
        return code;
    for (size_t i = 0; i < batch->count; i++)
        batch->sent[i] = batch->cmds[i];
    reef_pipeline(job->client, batch->sent, batch->count, left_ms, batch->replies);
    return REEF_OK;
}

/* Where a command's answer stands, and in which reply. */
static const reef_node *batch_root(const reef_batch *batch, size_t index,
                                   const reef_reply **reply)
{
    *reply = batch->exec != NULL ? batch->exec : batch->replies[index];
    const reef_node *root = reef_reply_root(*reply);
    return batch->exec != NULL ? reef_at(root, index) : root;
}

reef_code reef_batch_code(const reef_batch *batch, size_t index, reef_kind kind)
{
    const reef_reply *reply;
    const reef_node *root = batch_root(batch, index, &reply);
    reef_code code = reef_reply_code(reply);
    if (code == REEF_OK && batch->exec != NULL && reef_node_kind(root) == REEF_ERR)
        return REEF_REFUSED;
    if (code == REEF_OK && reef_node_kind(root) != kind)
        return REEF_PROTOCOL;
    return code;
}

int64_t reef_batch_int(const reef_batch *batch, size_t index, int64_t fallback)
{
    const reef_reply *reply;
    return reef_int(batch_root(batch, index, &reply), fallback);
}

reef_str reef_batch_key(const reef_batch *batch, size_t index)
{
    reef_str key = {NULL, 0};
    if (index >= batch->count || !reef_cmd_slot_key(batch->cmds[index], &key))
        return (reef_str){NULL, 0};
    return key;
}

const char *reef_batch_text(reef_batch *batch, size_t index)
{
    const reef_reply *reply;
    const reef_node *root = batch_root(batch, index, &reply);
    if (reef_reply_code(reply) != REEF_OK)
        return reef_reply_text(reply);
    if (reef_node_kind(root) != REEF_ERR)
        return "the server's answer is of another kind than this command has";
    reef_str text = reef_text(reply, root);
    size_t len = text.len < REEF_ERROR_TEXT ? text.len : REEF_ERROR_TEXT - 1;
    if (len > 0)
        memcpy(batch->said, text.ptr, len);
    batch->said[len] = '\0';
    return batch->said;
}

reef_str reef_batch_root_text(const reef_batch *batch, size_t index)
{
    const reef_reply *reply = batch->replies[index];
    return reef_text(reply, reef_reply_root(reply));
}

/* The key holds a list, say. That is no outage but something that nobody who keeps
 * knot's layout wrote. */
static bool batch_wrong_type(const reef_batch *batch, size_t index)
{
    static const char word[] = "WRONGTYPE";
    reef_str text = reef_batch_root_text(batch, index);
    return text.len >= sizeof word - 1 && memcmp(text.ptr, word, sizeof word - 1) == 0;
}

reef_code reef_batch_blob(reef_batch *batch, size_t index, const char **why)
{
    const reef_reply *reply = batch->replies[index];
    reef_code code = reef_reply_code(reply);
    *why = reef_reply_text(reply);
    if (code == REEF_REFUSED && batch_wrong_type(batch, index))
        return REEF_CORRUPT;
    if (code != REEF_OK)
        return code;
    if (reef_node_kind(reef_reply_root(reply)) == REEF_NIL) {
        *why = "the server has no such key";
        return REEF_NOT_FOUND;
    }
    *why = reef_batch_text(batch, index);
    if (reef_node_kind(reef_reply_root(reply)) != REEF_STRING)
        return REEF_PROTOCOL;
    *why = "it is larger than a record can be";
    bool fits = reef_batch_root_text(batch, index).len <= REEF_RECORD_MAX;
    return fits ? REEF_OK : REEF_CORRUPT;
}

/* ---- verdicts ----------------------------------------------------------------- */

bool reef_verdict_unsent(reef_code code)
{
    return code == REEF_NOMEM || code == REEF_BADARG || code == REEF_BADCONFIG ||
           code == REEF_LIMIT || code == REEF_DNS || code == REEF_CONNECT ||
           code == REEF_AUTH || code == REEF_NOROUTE || code == REEF_UNSENT;
}

reef_code reef_verdict(const reef_code codes[], size_t count, size_t *which)
{
    reef_code worst = REEF_OK;
    size_t done = 0;
    *which = 0;
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == REEF_OK)
            done++;
        else if (worst == REEF_OK ||
                 (codes[i] == REEF_UNSURE && worst != REEF_UNSURE)) {
            worst = codes[i];
            *which = i;
        }
    }
    return done > 0 && reef_verdict_unsent(worst) ? REEF_UNSURE : worst;
}
