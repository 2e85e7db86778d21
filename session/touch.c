/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: the touch: a live session is written anew, and both of its keys live on. It
 * decides on the server, in one script, so that nothing comes between look and write.
 *
 *   the index within reach of the script (one server, or one slot): one script does all
 *   else:  EXPIRE of the index -> there: script
 *                              -> gone:  the script looks, and ends the call where it
 *                                        would not write; SET of the index; script
 *
 * Invariants: a record is never given a longer life than its index has. So the index
 * comes first, and what ends a touch in between leaves an index that lives too long.
 * That does no harm whatever the record is: an index brings no record back, never lives
 * shorter for it, and is deleted by a list once its record is gone. Of a tombstone it
 * keeps findable what is dead; of a newer session, what is alive. */
#include "session/touch.h"
#include "session/write.h"
#include <stdlib.h>

/* ---- the script --------------------------------------------------------------- */

enum touch_outcome {
    TOUCH_MISSING = 0,
    TOUCH_DONE = 1,
    TOUCH_TOMBSTONE = 2,
    TOUCH_NEWER = 3,
    TOUCH_CORRUPT = 4
};

/* KEYS[1] the record; ARGV: the new record, its updated_at, the seconds to live (0: it
 * only looks). Where the index is within reach, KEYS[2] is it, and ARGV[4] the id.
 * Gives a touch_outcome. Numbers of Lua are doubles and would lose the low bits of
 * updated_at, so it is compared as digits. What knot and reef write ends in both
 * fields, which one pattern finds: in sound JSON the last brace closes the outermost
 * object, so the two members before it are that object's, and the last of their names.
 * Any other record is walked string by string, and what stands behind a name at depth 1
 * is taken as text. Equal times are no conflict, so that a second run of the same touch
 * does no harm. */
static const char touch_script[] =
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
    "if ARGV[3] == '0' then return 1 end\n"
    "if KEYS[2] and redis.call('EXPIRE', KEYS[2], ARGV[3]) == 0 then\n"
    "  redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3])\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])\n"
    "return 1\n";

struct touch_run {
    reef_job *job;
    reef_batch *batch;
    const reef_record *record;
    reef_str stamp; /* updated_at, as digits */
    int64_t said;   /* what the script answered last, a touch_outcome */
};

/* The script as the batch's only command. ttl_s 0: it only looks. */
static void touch_build(struct touch_run *run, size_t key_count, int64_t ttl_s)
{
    const reef_str keys[2] = {run->record->key, run->record->indexes[0]};
    reef_cmd *cmd =
        reef_batch_eval(run->batch, run->job, touch_script, keys, key_count);
    if (cmd == NULL)
        return;
    reef_cmd_arg(cmd, run->record->blob);
    reef_cmd_arg(cmd, run->stamp);
    reef_cmd_int(cmd, ttl_s);
    if (key_count > 1)
        reef_cmd_arg(cmd, run->record->id);
    reef_cmd_repeatable(cmd);
}

static reef_code touch_fail(struct touch_run *run, reef_code code)
{
    return reef_tell(run->job->error, code, "can't touch",
                     reef_batch_key(run->batch, 0), reef_batch_text(run->batch, 0));
}

static reef_code touch_unsure(struct touch_run *run)
{
    if (run->job->error != NULL)
        run->job->error->code = REEF_UNSURE;
    return REEF_UNSURE;
}

/* Runs the batch's only command under the deadline of `job`. */
static reef_code touch_send(struct touch_run *run, reef_job *job, reef_kind kind)
{
    reef_code code = reef_batch_run(run->batch, job);
    if (code != REEF_OK)
        return code;
    code = reef_batch_code(run->batch, 0, kind);
    if (code != REEF_OK)
        return touch_fail(run, code);
    run->said = reef_batch_int(run->batch, 0, -1);
    return REEF_OK;
}

/* What the script's last answer makes of the call. */
static reef_code touch_said(struct touch_run *run)
{
    reef_error *error = run->job->error;
    const reef_str key = reef_batch_key(run->batch, 0);
    switch (run->said) {
    case TOUCH_DONE:
        return REEF_OK;
    case TOUCH_MISSING:
        return reef_tell(error, REEF_NOT_FOUND, "there is no session", key, NULL);
    case TOUCH_TOMBSTONE:
        return reef_tell(error, REEF_CONFLICT, "the session was revoked", key, NULL);
    case TOUCH_NEWER:
        return reef_tell(error, REEF_CONFLICT, "a newer session is stored", key, NULL);
    case TOUCH_CORRUPT:
        return reef_tell(error, REEF_CORRUPT, "the record", key,
                         "not what knot writes");
    default:
        return reef_tell(error, REEF_PROTOCOL, "can't touch", key,
                         "the server gave an answer that the script does not have");
    }
}

/* ---- step by step ------------------------------------------------------------- */

/* EXPIRE of the index: 1 where there was one. */
static reef_code touch_expire(struct touch_run *run, int64_t ttl_s)
{
    reef_batch_clear(run->batch);
    reef_cmd *cmd =
        reef_batch_on_key(run->batch, run->job, "EXPIRE", run->record->indexes[0]);
    if (cmd != NULL) {
        reef_cmd_int(cmd, ttl_s);
        reef_cmd_repeatable(cmd);
    }
    return touch_send(run, run->job, REEF_INT);
}

static reef_code touch_index(struct touch_run *run, int64_t ttl_s)
{
    reef_batch_clear(run->batch);
    reef_batch_set(run->batch, run->job, run->record->indexes[0], run->record->id,
                   ttl_s);
    return touch_send(run, run->job, REEF_STATUS);
}

/* The script, behind its index. `*cut`: it had too little time after that, and the call
 * has more. That the index lives on is done, so "nothing was sent" would not be
 * true. */
static reef_code touch_record(struct touch_run *run, int64_t begun_ms, bool *cut)
{
    reef_job brief = *run->job;
    if (brief.end_ms - begun_ms > REEF_WRITE_GAP_MS)
        brief.end_ms = begun_ms + REEF_WRITE_GAP_MS;
    reef_batch_clear(run->batch);
    touch_build(run, 1, run->record->ttl_s);
    reef_code code = touch_send(run, &brief, REEF_INT);
    *cut = code != REEF_OK && reef_job_left_ms(&brief) == 0 &&
           reef_job_left_ms(run->job) > 0;
    return reef_verdict_unsent(code) ? touch_unsure(run) : code;
}

/* One time through. A live record whose index is gone is hidden from lists and
 * revocation, and gets a new one; for what is no live record that would only be in the
 * way. */
static reef_code touch_step(struct touch_run *run, bool *cut)
{
    int64_t ttl_s = reef_write_index_ttl_s(REEF_WAY_STEPS, run->record->ttl_s);
    int64_t begun_ms = reef_now_ms();
    *cut = false;
    reef_code code = touch_expire(run, ttl_s);
    if (code == REEF_OK && run->said == 0) {
        reef_batch_clear(run->batch);
        touch_build(run, 1, 0);
        code = touch_send(run, run->job, REEF_INT);
        if (code != REEF_OK || run->said != TOUCH_DONE)
            return code;
        begun_ms = reef_now_ms();
        code = touch_index(run, ttl_s);
    }
    return code == REEF_OK ? touch_record(run, begun_ms, cut) : code;
}

static reef_code touch_steps(struct touch_run *run)
{
    bool again = false, cut = false;
    reef_code code = REEF_OK;
    do {
        again = again || cut;
        code = touch_step(run, &cut);
    } while (cut);
    if (code != REEF_OK)
        return again ? touch_unsure(run) : code;
    if (run->job->error != NULL)
        *run->job->error = (reef_error){0}; /* of an earlier time */
    return REEF_OK;
}

/* ---- all of it ---------------------------------------------------------------- */

static reef_code touch_way(struct touch_run *run)
{
    switch (reef_write_way(run->batch, run->job, run->record)) {
    case REEF_WAY_TOGETHER:
    case REEF_WAY_ROW:
        touch_build(run, 2, run->record->ttl_s);
        return touch_send(run, run->job, REEF_INT);
    case REEF_WAY_STEPS:
        break;
    }
    return touch_steps(run);
}

static reef_code touch_run_all(struct touch_run *run)
{
    reef_code code = touch_way(run);
    return code == REEF_OK ? touch_said(run) : code;
}

reef_code reef_touch(reef_client *client, const reef_record *record,
                     uint64_t updated_at, int64_t timeout_ms, reef_error *error)
{
    const reef_str none = {NULL, 0};
    reef_job job;
    reef_code code = reef_job_begin(&job, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    reef_draft digits = {0};
    reef_draft_uint(&digits, updated_at);
    struct touch_run run = {.job = &job, .batch = reef_batch_new(), .record = record};
    run.stamp = reef_draft_str(&digits);
    if (run.batch == NULL || digits.code != REEF_OK)
        code = reef_tell(error, REEF_NOMEM, "out of memory", none, NULL);
    else
        code = touch_run_all(&run);
    reef_batch_free(run.batch);
    reef_draft_free(&digits);
    reef_job_end(&job);
    return code;
}
