/* SPDX-License-Identifier: Apache-2.0
 *
 * scan: see scan.h.
 *
 *   MEET -> WALK -> DONE            without a Cluster: one pass over the server
 *   MEET -> LOOK -> WALK -> MEET …  on a Cluster, until a look says that nothing is
 *                -> DONE            missing
 *
 * A page's keys are given out before anything else is asked. What fails and may go well
 * later is tried again until the call's deadline; whatever ends a call, the stage, the
 * cursors and the keys that were given stay, and the next call goes on from there. */
#include "net/scan.h"
#include <stdlib.h>
#include <string.h>

/* ---- what failed, and how long to wait ---------------------------------------- */

static bool scan_passing_words(const char *text)
{
    static const char *const words[] = {"LOADING ",     "BUSY ",     "MASTERDOWN ",
                                        "CLUSTERDOWN ", "TRYAGAIN ", "READONLY ",
                                        "NOREPLICAS ",  "MOVED ",    "ASK "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

bool reef_scan_may_mend(const reef_reply *reply)
{
    switch (reef_reply_code(reply)) {
    case REEF_DNS:
    case REEF_CONNECT:
    case REEF_NOROUTE:
    case REEF_UNSENT:
    case REEF_UNSURE:
        return true;
    case REEF_REFUSED:
        return scan_passing_words(reef_reply_text(reply));
    case REEF_OK:
    case REEF_NOT_FOUND:
    case REEF_CONFLICT:
    case REEF_NOMEM:
    case REEF_BADARG:
    case REEF_BADCONFIG:
    case REEF_LIMIT:
    case REEF_AUTH:
    case REEF_PROTOCOL:
    case REEF_CORRUPT:
        break;
    }
    return false;
}

reef_term reef_scan_term(const reef_scan *scan, int64_t deadline_ms)
{
    int64_t until_ms = reef_now_ms() + scan->patience_ms;
    if (scan->cover == NULL || deadline_ms <= until_ms)
        return (reef_term){deadline_ms, true};
    return (reef_term){until_ms, false};
}

reef_over reef_scan_over(const reef_term *term)
{
    if (reef_now_ms() < term->until_ms)
        return REEF_OVER_NOT;
    return term->is_calls ? REEF_OVER_CALL : REEF_OVER_PATIENCE;
}

void reef_scan_impatient(reef_scan *scan)
{
    scan->hurried = true;
    if (scan->patience_ms < REEF_SCAN_PATIENCE_MAX_MS)
        scan->patience_ms *= 2;
}

reef_code reef_scan_no_memory(reef_error *error)
{
    return reef_client_fail(error, REEF_NOMEM, "out of memory");
}

/* ---- making and ending -------------------------------------------------------- */

static bool scan_copy(char **out, size_t *out_len, reef_str text)
{
    *out = text.len > 0 ? malloc(text.len) : NULL;
    if (*out != NULL)
        memcpy(*out, text.ptr, text.len);
    *out_len = text.len;
    return text.len == 0 || *out != NULL;
}

static reef_cmd *scan_words(const char *name, const char *word)
{
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL)
        return NULL;
    reef_cmd_begin(cmd, name);
    if (word != NULL)
        reef_cmd_text(cmd, word);
    reef_cmd_repeatable(cmd);
    if (reef_cmd_code(cmd) == REEF_OK)
        return cmd;
    reef_cmd_free(cmd);
    return NULL;
}

static bool scan_make(reef_scan *scan, const reef_scan_options *options)
{
    static const reef_scan_options none;
    const reef_scan_options *o = options != NULL ? options : &none;
    scan->count = o->count > 0 ? o->count : REEF_SCAN_COUNT;
    scan->patience_ms = REEF_SCAN_PATIENCE_MS;
    scan->pause_ms = REEF_SCAN_PAUSE_MS;
    scan->multi = scan_words("MULTI", NULL);
    scan->info = scan_words("INFO", "server");
    scan->exec = scan_words("EXEC", NULL);
    scan->nodes = scan_words("CLUSTER", "NODES");
    scan->slots = scan_words("CLUSTER", "SLOTS");
    return scan_copy(&scan->match, &scan->match_len, o->match) &&
           scan_copy(&scan->type, &scan->type_len, o->type) && scan->multi != NULL &&
           scan->info != NULL && scan->exec != NULL && scan->nodes != NULL &&
           scan->slots != NULL;
}

reef_scan *reef_scan_new(reef_client *client, const reef_scan_options *options,
                         reef_error *error)
{
    unsigned char key[REEF_SCAN_SET_KEY];
    reef_scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL || !scan_make(scan, options)) {
        reef_scan_free(scan);
        reef_scan_no_memory(error);
        return NULL;
    }
    if (reef_random_bytes(key, sizeof key) != REEF_OK) {
        reef_scan_free(scan);
        reef_client_fail(error, REEF_REFUSED,
                         "the system gives no random bytes, and keys are told apart "
                         "by a hash with a secret");
        return NULL;
    }
    reef_scan_set_init(&scan->set, key);
    memset(key, 0, sizeof key);
    scan->client = client;
    reef_client_fail(error, REEF_OK, "");
    return scan;
}

void reef_scan_free(reef_scan *scan)
{
    if (scan == NULL)
        return;
    reef_scan_passes_free(scan);
    reef_scan_set_free(&scan->set);
    reef_cover_free(scan->cover);
    reef_cmd_free(scan->multi);
    reef_cmd_free(scan->info);
    reef_cmd_free(scan->exec);
    reef_cmd_free(scan->nodes);
    reef_cmd_free(scan->slots);
    free(scan->asks.ids);
    free(scan->match);
    free(scan->type);
    free(scan);
}

/* ---- the stages --------------------------------------------------------------- */

static bool scan_expect(reef_scan *scan, const reef_answers *members)
{
    for (size_t i = 0; i < members->count; i++) {
        const reef_member *member = &members->items[i].member;
        if (member->master && !reef_cover_expect(scan->cover, member->id))
            return false;
    }
    return true;
}

/* Whom to ask at the next look, and the look begins. What was walked counts by it. */
static reef_code scan_begin_look(reef_scan *scan, const reef_answers *members,
                                 reef_error *error)
{
    size_t at = 0;
    if (scan->cover == NULL)
        scan->cover = reef_cover_new();
    scan->asks.count = scan->asked = 0;
    if (scan->cover == NULL)
        return reef_scan_no_memory(error);
    if (!scan_expect(scan, members))
        return reef_client_fail(error, REEF_LIMIT,
                                "there is no room for more nodes of the Cluster");
    for (const char *id; (id = reef_cover_ask(scan->cover, &at)) != NULL;)
        if (!reef_scan_ids_add(&scan->asks, id))
            return reef_scan_no_memory(error);
    reef_cover_begin(scan->cover);
    for (size_t i = 0; i < scan->pass_count; i++)
        if (scan->passes[i].ended)
            reef_cover_walked(scan->cover, scan->passes[i].id);
    scan->stage = REEF_SCAN_LOOK;
    return REEF_OK;
}

static reef_code scan_meet(reef_scan *scan, int64_t deadline_ms, reef_error *error)
{
    scan->lane = reef_client_lane(scan->client);
    reef_answers *members =
        reef_client_meet(scan->client, scan->lane, deadline_ms, error);
    if (members == NULL)
        return error->code;
    reef_code code = REEF_OK;
    if (members->count > 0 && members->items[0].member.id[0] != '\0') {
        code = scan_begin_look(scan, members, error);
    } else {
        char none[1][REEF_NODE_ID + 1] = {""};
        const reef_scan_ids one = {none, 1, 1};
        if (!reef_scan_passes(scan, &one))
            code = reef_scan_no_memory(error);
        else
            scan->stage = REEF_SCAN_WALK;
    }
    reef_answers_free(members);
    return code;
}

static void scan_pause(reef_scan *scan, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - reef_now_ms();
    if (left_ms > 0)
        reef_os_poll(NULL, 0, left_ms < scan->pause_ms ? left_ms : scan->pause_ms);
    if (scan->pause_ms < REEF_SCAN_PAUSE_MAX_MS)
        scan->pause_ms *= 2;
}

/* The look is whole: what it says is missing is walked. */
static reef_code scan_end_look(reef_scan *scan, int64_t deadline_ms, reef_error *error)
{
    size_t at = 0;
    reef_cover_end(scan->cover);
    scan->stage = reef_cover_done(scan->cover) ? REEF_SCAN_DONE : REEF_SCAN_MEET;
    reef_scan_drop_pages(scan);
    scan->pass_count = 0;
    if (scan->stage == REEF_SCAN_DONE)
        return REEF_OK;
    scan->asks.count = 0;
    for (const char *id; (id = reef_cover_next(scan->cover, &at)) != NULL;)
        if (!reef_scan_ids_add(&scan->asks, id))
            return reef_scan_no_memory(error);
    if (scan->asks.count == 0) {
        scan_pause(scan, deadline_ms);
        return REEF_OK;
    }
    if (++scan->rounds > REEF_SCAN_ROUNDS_MAX)
        return reef_client_fail(error, REEF_LIMIT,
                                "the Cluster's slots do not come to rest");
    if (!reef_scan_passes(scan, &scan->asks))
        return reef_scan_no_memory(error);
    if (!scan->hurried)
        scan->patience_ms = REEF_SCAN_PATIENCE_MS;
    scan->hurried = false;
    scan->pause_ms = REEF_SCAN_PAUSE_MS;
    scan->stage = REEF_SCAN_WALK;
    return REEF_OK;
}

static reef_code scan_look(reef_scan *scan, int64_t deadline_ms, reef_error *error,
                           bool *mends)
{
    if (scan->asked < scan->asks.count)
        return reef_scan_ask(scan, deadline_ms, error, mends);
    return scan_end_look(scan, deadline_ms, error);
}

static bool scan_walks_on(const reef_scan *scan)
{
    for (size_t i = 0; i < scan->pass_count; i++)
        if (!scan->passes[i].ended && !scan->passes[i].broken)
            return true;
    return false;
}

static reef_code scan_walk(reef_scan *scan, int64_t deadline_ms, reef_error *error,
                           bool *mends)
{
    if (scan_walks_on(scan))
        return reef_scan_pages(scan, deadline_ms, error, mends);
    scan->stage = scan->cover == NULL ? REEF_SCAN_DONE : REEF_SCAN_MEET;
    return REEF_OK;
}

static reef_code scan_step(reef_scan *scan, int64_t deadline_ms, reef_error *error,
                           bool *mends)
{
    *mends = false;
    switch (scan->stage) {
    case REEF_SCAN_MEET:
        return scan_meet(scan, deadline_ms, error);
    case REEF_SCAN_LOOK:
        return scan_look(scan, deadline_ms, error, mends);
    case REEF_SCAN_WALK:
        return scan_walk(scan, deadline_ms, error, mends);
    case REEF_SCAN_DONE:
        break;
    }
    return REEF_OK;
}

/* ---- keys --------------------------------------------------------------------- */

/* The next key of the pages; false: there is none left. */
static bool scan_key(reef_scan *scan, reef_str *out)
{
    while (scan->keys_left == 0) {
        if (scan->given >= scan->pass_count)
            return false;
        const reef_scan_pass *pass = &scan->passes[scan->given++];
        const reef_node *keys = pass->page != NULL ? reef_scan_keys(pass) : NULL;
        scan->keys_left = reef_count(keys);
        scan->key = reef_at(keys, 0);
    }
    *out = reef_text(scan->passes[scan->given - 1].page, scan->key);
    return true;
}

static void scan_key_done(reef_scan *scan)
{
    scan->keys_left--;
    if (scan->keys_left > 0)
        scan->key = reef_next(scan->key);
}

/* The next key that was not given yet: REEF_OK; REEF_NOT_FOUND: the pages have none. A
 * key that there is no room to remember is not given, and comes again. */
static reef_code scan_give(reef_scan *scan, reef_str *key, reef_error *error)
{
    while (scan_key(scan, key)) {
        reef_code code = REEF_CONFLICT;
        if (reef_node_kind(scan->key) == REEF_STRING)
            code = reef_scan_set_add(&scan->set, *key);
        if (code == REEF_NOMEM)
            return reef_scan_no_memory(error);
        if (code == REEF_LIMIT)
            return reef_client_fail(error, code,
                                    "there are more than REEF_SCAN_MAX keys");
        scan_key_done(scan);
        if (code == REEF_OK)
            return REEF_OK;
    }
    return REEF_NOT_FOUND;
}

/* The time is over: the last thing that went wrong, else what is missing. */
static reef_code scan_late(const reef_scan *scan, reef_error *error)
{
    if (scan->trouble.code != REEF_OK) {
        *error = scan->trouble;
        return error->code;
    }
    reef_client_fail(error, REEF_UNSENT, "the deadline passed before all was walked");
    if (scan->cover != NULL)
        reef_cover_why(scan->cover, error->text);
    return REEF_UNSENT;
}

static reef_code scan_go(reef_scan *scan, int64_t deadline_ms, reef_str *key,
                         reef_error *error)
{
    reef_code code;
    while ((code = scan_give(scan, key, error)) == REEF_NOT_FOUND) {
        bool mends = false;
        if (scan->stage == REEF_SCAN_DONE)
            return reef_client_fail(error, REEF_NOT_FOUND, "that were all keys");
        if (reef_now_ms() >= deadline_ms)
            return scan_late(scan, error);
        code = scan_step(scan, deadline_ms, error, &mends);
        if (code == REEF_OK)
            continue;
        if (!mends)
            return code;
        scan->trouble = *error;
        if (scan->cover == NULL)
            scan_pause(scan, deadline_ms);
    }
    return code;
}

reef_code reef_scan_next(reef_scan *scan, int64_t timeout_ms, reef_str *key,
                         reef_error *error)
{
    *key = (reef_str){NULL, 0};
    if (timeout_ms < 0)
        return reef_client_fail(error, REEF_BADARG, "the timeout is negative");
    reef_client_fail(error, REEF_OK, "");
    scan->trouble = *error;
    int64_t deadline_ms = reef_client_deadline_ms(scan->client, timeout_ms);
    reef_code code = scan_go(scan, deadline_ms, key, error);
    if (code == REEF_OK && error->code != REEF_OK)
        reef_client_fail(error, REEF_OK, ""); /* of what was waited out */
    return code;
}
