/* SPDX-License-Identifier: Apache-2.0
 *
 * Purpose: lists of sessions.
 * States: SCAN the keys page by page and keep the ids; sort them and drop duplicates
 * (SCAN may give a key twice); GET the records, a batch in each round; delete the index
 * keys whose record is gone.
 * Invariants: an id is kept only if it is well-formed, so whatever a server sends, no
 * key is made of it that is not a session's. Sorting instead of hashing: no choice of
 * ids makes it slow. */
#include "session/list.h"
#include "session/keys.h"
#include <stdlib.h>
#include <string.h>

enum {
    LIST_ROUNDS =
        4194304, /* pages of one SCAN; with its COUNT, four thousand million keys */
    LIST_COUNT = 1000,   /* keys that a page looks at */
    LIST_CURSOR = 20,    /* digits of 64 bits */
    LIST_HEAL_MS = 1000, /* a list waits no longer than that for healing */
    LIST_FRESH_S = 10    /* an index written so recently may await its record */
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

static void list_unique(struct list_walk *walk)
{
    if (walk->count < 2)
        return;
    qsort(walk->ids, walk->count, REEF_SESSION_ID_LEN, list_compare);
    size_t kept = 1;
    for (size_t i = 1; i < walk->count; i++) {
        char *last = walk->ids + (kept - 1) * REEF_SESSION_ID_LEN;
        const char *id = walk->ids + i * REEF_SESSION_ID_LEN;
        if (memcmp(last, id, REEF_SESSION_ID_LEN) == 0)
            continue;
        memmove(last + REEF_SESSION_ID_LEN, id, REEF_SESSION_ID_LEN);
        kept++;
    }
    walk->count = kept;
}

/* Duplicates go before memory is reserved; what is left decides whether more is due. */
static reef_code list_room(struct list_walk *walk)
{
    if (walk->count < walk->cap)
        return REEF_OK;
    list_unique(walk);
    if (walk->count > REEF_LIST_MAX)
        return list_fail(walk, REEF_LIMIT, "there are more than REEF_LIST_MAX");
    if (walk->cap > 0 && walk->count <= walk->cap / 2)
        return REEF_OK;
    size_t cap = walk->cap > 0 ? walk->cap * 2 : 64;
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

/* ---- SCAN --------------------------------------------------------------------- */

static reef_code list_ask_page(struct list_walk *walk, reef_str cursor)
{
    reef_batch_clear(walk->batch);
    reef_cmd *cmd = reef_batch_next(walk->batch, "SCAN");
    if (cmd != NULL) {
        reef_cmd_arg(cmd, cursor);
        reef_cmd_text(cmd, "MATCH");
        reef_cmd_arg(cmd, reef_draft_str(&walk->pattern));
        reef_cmd_text(cmd, "COUNT");
        reef_cmd_int(cmd, LIST_COUNT);
        reef_cmd_repeatable(cmd);
    }
    return reef_batch_run(walk->batch, walk->job);
}

/* Copies the cursor; false: it is none. */
static bool list_cursor(reef_str text, char cursor[LIST_CURSOR], size_t *len)
{
    if (text.len == 0 || text.len > LIST_CURSOR)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    memcpy(cursor, text.ptr, text.len);
    *len = text.len;
    return true;
}

static reef_code list_page(struct list_walk *walk, char cursor[LIST_CURSOR],
                           size_t *cursor_len)
{
    reef_code code = list_ask_page(walk, (reef_str){cursor, *cursor_len});
    if (code != REEF_OK)
        return code;
    code = reef_batch_code(walk->batch, 0, REEF_ARRAY);
    if (code != REEF_OK)
        return list_fail(walk, code, reef_batch_text(walk->batch, 0));
    const reef_reply *reply = walk->batch->replies[0];
    const reef_node *root = reef_reply_root(reply);
    const reef_node *keys = reef_at(root, 1);
    if (reef_count(root) != 2 || reef_node_kind(keys) != REEF_ARRAY ||
        !list_cursor(reef_text(reply, reef_at(root, 0)), cursor, cursor_len))
        return list_fail(walk, REEF_PROTOCOL, "the answer to SCAN has another form");
    size_t count = reef_count(keys);
    const reef_node *key = reef_at(keys, 0);
    for (size_t i = 0; i < count && code == REEF_OK; i++) {
        code = list_keep(walk, reef_text(reply, key));
        if (i + 1 < count)
            key = reef_next(key);
    }
    return code;
}

static reef_code list_scanned(struct list_walk *walk)
{
    list_unique(walk);
    if (walk->count > REEF_LIST_MAX)
        return list_fail(walk, REEF_LIMIT, "there are more than REEF_LIST_MAX");
    return REEF_OK;
}

static reef_code list_scan(struct list_walk *walk)
{
    char cursor[LIST_CURSOR] = {'0'};
    size_t len = 1;
    for (uint32_t round = 0; round < LIST_ROUNDS; round++) {
        reef_code code = list_page(walk, cursor, &len);
        if (code != REEF_OK)
            return code;
        if (len == 1 && cursor[0] == '0')
            return list_scanned(walk);
    }
    return list_fail(walk, REEF_LIMIT, "SCAN does not come to an end");
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
        reef_cmd *cmd = reef_batch_eval(walk->batch, walk->job, list_heal_script, key);
        if (cmd == NULL || walk->key.code != REEF_OK)
            return;
        reef_cmd_int(cmd, REEF_SESSION_TTL_S - LIST_FRESH_S);
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
