/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: lists of sessions.
 * States: scan the keys of all masters and keep the ids; sort them; GET the records, a
 * batch in each round; delete the index keys whose record is gone.
 * Invariants: an id is kept only if it is well-formed, so whatever a server sends, no
 * key is made of it that is not a session's. Each id is kept once, since a scan gives
 * no key twice. Sorted ids, which begin with random bytes, make each batch of records
 * one that all masters share. */
#include "session/list.h"
#include "session/keys.h"
#include "session/write.h"
#include <stdlib.h>
#include <string.h>

enum {
    LIST_HEAL_MS = 1000 /* a list waits no longer than that for healing */
};

struct list_walk {
    reef_job *job;
    reef_batch *batch;
    reef_sessions *list;
    reef_str user_id;
    reef_draft stem, pattern, key;
    char *ids; /* REEF_SESSION_ID_LEN bytes each */
    size_t count, cap;
    bool heal_failed; /* once; then this list does not try again */
};

static reef_code list_fail(struct list_walk *walk, reef_code code, const char *why)
{
    return reef_tell(walk->job->error, code, "can't list sessions", walk->user_id, why);
}

static reef_str list_id(const struct list_walk *walk, size_t index)
{
    return (reef_str){walk->ids + index * REEF_SESSION_ID_LEN, REEF_SESSION_ID_LEN};
}

/* ---- ids ---------------------------------------------------------------------- */

static int list_compare(const void *a, const void *b)
{
    return memcmp(a, b, REEF_SESSION_ID_LEN);
}

static void list_sort(struct list_walk *walk)
{
    if (walk->count > 1)
        qsort(walk->ids, walk->count, REEF_SESSION_ID_LEN, list_compare);
}

static reef_code list_room(struct list_walk *walk)
{
    if (walk->count < walk->cap)
        return REEF_OK;
    if (walk->count >= REEF_LIST_MAX)
        return list_fail(walk, REEF_LIMIT, "there are more than REEF_LIST_MAX");
    size_t cap = walk->cap > 0 ? walk->cap * 2 : 64; /* REEF_LIST_MAX is a power of 2 */
    char *ids = realloc(walk->ids, cap * REEF_SESSION_ID_LEN);
    if (ids == NULL)
        return list_fail(walk, REEF_NOMEM, "out of memory");
    walk->ids = ids;
    walk->cap = cap;
    return REEF_OK;
}

static reef_code list_keep(struct list_walk *walk, reef_str key)
{
    reef_str id = reef_keys_id(key, walk->job->prefix, reef_draft_str(&walk->stem));
    if (id.len == 0)
        return REEF_OK;
    reef_code code = list_room(walk);
    if (code != REEF_OK)
        return code;
    memcpy(walk->ids + walk->count++ * REEF_SESSION_ID_LEN, id.ptr, id.len);
    return REEF_OK;
}

/* ---- the scan ----------------------------------------------------------------- */

static reef_code list_next(struct list_walk *walk, reef_scan *scan)
{
    reef_error why;
    reef_str key;
    int64_t left_ms = reef_job_left_ms(walk->job);
    if (left_ms == 0)
        return list_fail(walk, REEF_UNSENT, "the deadline passed while keys were read");
    reef_code code = reef_scan_next(scan, left_ms, &key, &why);
    if (code == REEF_OK)
        return list_keep(walk, key);
    return code == REEF_NOT_FOUND ? code : list_fail(walk, code, why.text);
}

static reef_code list_scan(struct list_walk *walk)
{
    reef_error why;
    const reef_scan_options options = {.match = reef_draft_str(&walk->pattern)};
    reef_scan *scan = reef_scan_new(walk->job->client, &options, &why);
    if (scan == NULL)
        return list_fail(walk, why.code, why.text);
    reef_code code = REEF_OK;
    while (code == REEF_OK)
        code = list_next(walk, scan);
    reef_scan_free(scan);
    return code == REEF_NOT_FOUND ? REEF_OK : code;
}

/* ---- healing ------------------------------------------------------------------ */

/* KEYS[1] an index key; ARGV[1] the time to live from which on it may go. It decides on
 * the server, since a save writes its index first: a record that is not there yet has
 * an index that is fresh. */
static const char list_heal_script[] =
    "local ttl = redis.call('TTL', KEYS[1])\n"
    "if ttl == -1 or (ttl >= 0 and ttl <= tonumber(ARGV[1])) then\n"
    "  return redis.call('DEL', KEYS[1])\n"
    "end\n"
    "return 0\n";

/* What can't be healed now is healed by a later list: no failure counts, and none is
 * told. */
static void list_heal(struct list_walk *walk, size_t from, size_t count,
                      const bool gone[REEF_BATCH])
{
    if (walk->heal_failed)
        return;
    reef_batch_clear(walk->batch);
    for (size_t i = 0; i < count; i++) {
        if (!gone[i])
            continue;
        reef_str key =
            reef_keys_index(&walk->key, walk->user_id, list_id(walk, from + i));
        reef_cmd *cmd =
            reef_batch_eval(walk->batch, walk->job, list_heal_script, &key, 1);
        if (cmd == NULL || walk->key.code != REEF_OK)
            return;
        reef_cmd_int(cmd, REEF_SESSION_TTL_S - REEF_INDEX_FRESH_S);
        reef_cmd_repeatable(cmd);
    }
    if (walk->batch->count == 0)
        return;
    reef_job brief = *walk->job;
    int64_t now_ms = reef_now_ms();
    if (brief.end_ms > now_ms + LIST_HEAL_MS)
        brief.end_ms = now_ms + LIST_HEAL_MS;
    brief.error = NULL;
    walk->heal_failed =
        reef_batch_run(walk->batch, &brief) != REEF_OK ||
        reef_batch_code(walk->batch, walk->batch->count - 1, REEF_INT) != REEF_OK;
}

/* ---- GET ---------------------------------------------------------------------- */

static reef_code list_ask_records(struct list_walk *walk, size_t from, size_t count)
{
    reef_batch_clear(walk->batch);
    for (size_t i = 0; i < count; i++) {
        reef_str key = reef_keys_record(&walk->key, list_id(walk, from + i));
        if (walk->key.code != REEF_OK)
            return list_fail(walk, REEF_NOMEM, "out of memory");
        reef_batch_get(walk->batch, walk->job, key);
    }
    return reef_batch_run(walk->batch, walk->job);
}

static reef_code list_take_record(struct list_walk *walk, size_t from, size_t index,
                                  bool *gone)
{
    const char *why;
    reef_asked asked = {{NULL, 0}, list_id(walk, from + index), walk->user_id};
    asked.key = reef_job_key(walk->job, reef_keys_record(&walk->key, asked.id));
    reef_code code = reef_batch_blob(walk->batch, index, &why);
    *gone = code == REEF_NOT_FOUND;
    if (*gone)
        return REEF_OK;
    if (code == REEF_CORRUPT)
        code = reef_sessions_spoilt(walk->list, &asked, why);
    else if (code == REEF_OK)
        code = reef_sessions_read(walk->list, &asked,
                                  reef_batch_root_text(walk->batch, index));
    else
        return reef_tell(walk->job->error, code, "can't read", asked.key, why);
    if (code == REEF_OK || code == REEF_CORRUPT || code == REEF_NOT_FOUND)
        return REEF_OK;
    return list_fail(walk, code, code == REEF_NOMEM ? "out of memory" : "too many");
}

static reef_code list_fetch(struct list_walk *walk, size_t from, size_t count)
{
    bool gone[REEF_BATCH];
    bool any = false;
    reef_code code = list_ask_records(walk, from, count);
    for (size_t i = 0; i < count && code == REEF_OK; i++) {
        code = list_take_record(walk, from, i, &gone[i]);
        any = any || (code == REEF_OK && gone[i]);
    }
    if (code == REEF_OK && any && walk->user_id.len > 0)
        list_heal(walk, from, count, gone);
    return code;
}

/* ---- all of it ---------------------------------------------------------------- */

static reef_code list_walk_all(struct list_walk *walk)
{
    reef_keys_stem(&walk->stem, walk->user_id);
    reef_keys_pattern(&walk->pattern, walk->job->prefix, reef_draft_str(&walk->stem));
    if (walk->stem.code != REEF_OK || walk->pattern.code != REEF_OK)
        return list_fail(walk, REEF_NOMEM, "out of memory");
    reef_code code = list_scan(walk);
    list_sort(walk);
    for (size_t from = 0; from < walk->count && code == REEF_OK; from += REEF_BATCH) {
        size_t count = walk->count - from;
        code = list_fetch(walk, from, count < REEF_BATCH ? count : REEF_BATCH);
    }
    return code;
}

reef_code reef_list_collect(reef_job *job, reef_batch *batch, reef_str user_id,
                            reef_sessions *list)
{
    struct list_walk walk = {0};
    walk.job = job;
    walk.batch = batch;
    walk.list = list;
    walk.user_id = user_id;
    reef_code code = list_walk_all(&walk);
    reef_draft_free(&walk.stem);
    reef_draft_free(&walk.pattern);
    reef_draft_free(&walk.key);
    free(walk.ids);
    return code;
}

reef_code reef_session_list(reef_client *client, reef_str user_id, int64_t timeout_ms,
                            reef_sessions **out, reef_error *error)
{
    reef_reading r;
    reef_code code = REEF_OK;
    *out = NULL;
    if (user_id.len > 0)
        code = reef_keys_check_user(user_id, error);
    if (code == REEF_OK)
        code = reef_reading_begin(&r, client, timeout_ms, error);
    if (code != REEF_OK)
        return code;
    code = reef_list_collect(&r.job, r.batch, user_id, r.list);
    return reef_reading_end(&r, code, out);
}
