/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: save, get, touch and delete of one session, and a record's text read.
 * Invariants: a malformed id costs no round trip. Touch decides on the server, in one
 * script on the record's key alone, so that nothing comes between look and write and a
 * cluster can route it. */
#include "session/session.h"
#include "session/job.h"
#include "session/keys.h"
#include "session/sessions.h"
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

/* ---- touch -------------------------------------------------------------------- */

enum session_touch {
    TOUCH_MISSING = 0,
    TOUCH_DONE = 1,
    TOUCH_TOMBSTONE = 2,
    TOUCH_NEWER = 3,
    TOUCH_CORRUPT = 4
};

/* KEYS[1] the record; ARGV: the new record, its updated_at, the seconds to live. Gives
 * a session_touch. Numbers of Lua are doubles and would lose the low bits of
 * updated_at, so it is compared as digits. What knot and reef write ends in both
 * fields, which one pattern finds: in sound JSON the last brace closes the outermost
 * object, so the two members before it are that object's, and the last of their names.
 * Any other record is walked string by string, and what stands behind a name at depth 1
 * is taken as text. Equal times are no conflict, so that a second run of the same touch
 * does no harm. */
static const char session_touch_script[] =
    "local v = redis.pcall('GET', KEYS[1])\n"
    "if not v then return 0 end\n"
    "if type(v) == 'table' then\n"
    "  if string.find(v.err or '', 'WRONGTYPE', 1, true) then return 4 end\n"
    "  return v\n"
    "end\n"
    "if not pcall(cjson.decode, v) or not string.find(v, '^%s*{') then return 4 end\n"
    "local function walk()\n"
    "  local find, sub, stamp, dead, depth, i = string.find, string.sub, '0', 'false', "
    "0, 1\n"
    "  while true do\n"
    "    i = find(v, '[][{}\"]', i)\n"
    "    if not i then return stamp, dead end\n"
    "    local c = sub(v, i, i)\n"
    "    if c == '\"' then\n"
    "      local j = find(v, '[\"\\\\]', i + 1)\n"
    "      while sub(v, j, j) ~= '\"' do j = find(v, '[\"\\\\]', j + 2) end\n"
    "      local value = string.match(v, '^%s*:%s*([^%s,}]+)', j + 1)\n"
    "      if depth == 1 and value and value ~= 'null' then\n"
    "        local name = cjson.decode('[' .. sub(v, i, j) .. ']')[1]\n"
    "        name = string.gsub(string.lower(name), '\\197\\191', 's')\n"
    "        if name == 'updated_at' then stamp = value end\n"
    "        if name == 'is_deleted' then dead = value end\n"
    "      end\n"
    "      i = j\n"
    "    elseif c == '{' or c == '[' then depth = depth + 1\n"
    "    else depth = depth - 1 end\n"
    "    i = i + 1\n"
    "  end\n"
    "end\n"
    "local stamp, dead = string.match(v,\n"
    "  '\"updated_at\":(%d+),\"is_deleted\":([truefals]+)}$')\n"
    "if not stamp then stamp, dead = walk() end\n"
    "if dead == 'true' then return 2 end\n"
    "if dead ~= 'false' then return 4 end\n"
    "if stamp ~= '0' and not string.find(stamp, '^[1-9]%d*$') then return 4 end\n"
    "local mine = ARGV[2]\n"
    "if #stamp > #mine or (#stamp == #mine and stamp > mine) then return 3 end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])\n"
    "return 1\n";

static void touch_build(reef_job *job, reef_batch *batch, const reef_record *record,
                        uint64_t updated_at)
{
    reef_draft digits = {0};
    reef_draft_uint(&digits, updated_at);
    reef_cmd *cmd = reef_batch_eval(batch, job, session_touch_script, record->key);
    if (cmd != NULL) {
        reef_cmd_arg(cmd, record->blob);
        reef_cmd_arg(cmd, reef_draft_str(&digits));
        reef_cmd_int(cmd, record->ttl_s);
        reef_cmd_repeatable(cmd);
    }
    cmd = reef_batch_on_key(batch, job, "EXPIRE", record->indexes[0]);
    if (cmd != NULL) {
        reef_cmd_int(cmd, record->ttl_s);
        reef_cmd_repeatable(cmd);
    }
    if (batch->code == REEF_OK)
        batch->code = digits.code;
    reef_draft_free(&digits);
}

static reef_code touch_said(reef_job *job, reef_str key, int64_t said)
{
    switch (said) {
    case TOUCH_DONE:
        return REEF_OK;
    case TOUCH_MISSING:
        return reef_tell(job->error, REEF_NOT_FOUND, "there is no session", key, NULL);
    case TOUCH_TOMBSTONE:
        return reef_tell(job->error, REEF_CONFLICT, "the session was revoked", key,
                         NULL);
    case TOUCH_NEWER:
        return reef_tell(job->error, REEF_CONFLICT, "a newer session is stored", key,
                         NULL);
    case TOUCH_CORRUPT:
        return reef_tell(job->error, REEF_CORRUPT, "the record", key,
                         "not what knot writes");
    default:
        return reef_tell(job->error, REEF_PROTOCOL, "can't touch", key,
                         "the server gave an answer that the script does not have");
    }
}

/* A live record whose index is gone is hidden from lists and revocation. */
static reef_code touch_mend(reef_job *job, reef_batch *batch, const reef_record *record)
{
    reef_batch_clear(batch);
    reef_batch_set(batch, job, record->indexes[0], record->id, record->ttl_s);
    reef_code code = reef_batch_run(batch, job);
    if (code == REEF_OK)
        code = reef_batch_code(batch, 0, REEF_STATUS);
    if (code == REEF_OK)
        return REEF_OK;
    return reef_tell(job->error, REEF_UNSURE,
                     "the session was touched, but its index could not be written",
                     reef_batch_key(batch, 0),
                     batch->replies[0] != NULL ? reef_batch_text(batch, 0) : NULL);
}

static reef_code touch_run(reef_job *job, reef_batch *batch, const reef_record *record,
                           uint64_t updated_at)
{
    reef_code codes[2];
    size_t which;
    touch_build(job, batch, record, updated_at);
    reef_code code = reef_batch_run(batch, job);
    if (code != REEF_OK)
        return code;
    codes[0] = reef_batch_code(batch, 0, REEF_INT);
    codes[1] = reef_batch_code(batch, 1, REEF_INT);
    if (codes[0] == REEF_OK) {
        int64_t said = reef_int(reef_reply_root(batch->replies[0]), -1);
        code = touch_said(job, reef_batch_key(batch, 0), said);
        if (code != REEF_OK)
            return code;
    }
    code = reef_verdict(codes, 2, &which);
    if (code != REEF_OK)
        return reef_tell(job->error, code, "can't touch", reef_batch_key(batch, which),
                         reef_batch_text(batch, which));
    if (reef_int(reef_reply_root(batch->replies[1]), 0) == 0)
        return touch_mend(job, batch, record);
    return REEF_OK;
}

static reef_code touch_begin(reef_client *client, const reef_record *record,
                             uint64_t updated_at, int64_t timeout_ms, reef_error *error)
{
    reef_job job;
    reef_code code = reef_job_begin(&job, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    reef_batch *batch = reef_batch_new();
    if (batch == NULL)
        code = reef_tell(error, REEF_NOMEM, "out of memory", (reef_str){NULL, 0}, NULL);
    else
        code = touch_run(&job, batch, record, updated_at);
    reef_batch_free(batch);
    reef_job_end(&job);
    return code;
}

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
        code = touch_begin(client, &record, session->updated_at, timeout_ms, error);
    }
    session_texts_free(&texts);
    return code;
}
