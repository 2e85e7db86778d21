/* SPDX-License-Identifier: Apache-2.0
 *
 * A model of the servers under session/, in net/'s place: it runs the commands on keys
 * that expire, and in the round that was chosen it
 *   crash   runs a part of the commands, and then the caller is no more;
 *   fail    runs a part, refuses the rest, and the caller goes on;
 *   stall   answers late, or too late and then runs what it was sent after all, while
 *           somebody else's list heals.
 * A part is what can happen: one server runs a prefix of a pipeline, each of several
 * servers a prefix of its own, a transaction runs or does not. One model at a time. */
#ifndef REEF_TEST_UNIT_SESSION_MODEL_H
#define REEF_TEST_UNIT_SESSION_MODEL_H
#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KEYS_MAX = 32, WAITING_MAX = 16, KEY_TEXT = 200, VALUE_TEXT = 400 };

struct entry {
    char key[KEY_TEXT], value[VALUE_TEXT];
    int64_t end_ms;
};

enum mode { MODE_NONE, MODE_CRASH, MODE_FAIL, MODE_STALL };

/* What happens in which round. */
struct plan {
    enum mode mode;
    size_t round;
    unsigned mask; /* CRASH, FAIL: the commands of the round that run */
    int64_t stall_ms;
};

struct reef_client {
    reef_config config;
};

static struct model {
    struct reef_client client;
    bool spread, dead;
    struct entry entries[KEYS_MAX];
    size_t count, round;
    int64_t now_ms;
    struct plan plan;
    bool struck, odd; /* the plan's round came; its mask can't happen */
    reef_cmd *late[WAITING_MAX];
    size_t late_count;
    int64_t late_ms;
} model;

/* ---- keys --------------------------------------------------------------------- */

static struct entry *model_find(const char *key)
{
    for (size_t i = 0; i < model.count; i++) {
        struct entry *entry = &model.entries[i];
        if (strcmp(entry->key, key) == 0 && entry->end_ms > model.now_ms)
            return entry;
    }
    return NULL;
}

static bool model_remove(const char *key)
{
    struct entry *entry = model_find(key);
    if (entry == NULL)
        return false;
    *entry = model.entries[--model.count];
    return true;
}

static void model_put(const char *key, const char *value, int64_t ttl_s)
{
    model_remove(key);
    assert_true(model.count < KEYS_MAX);
    struct entry *entry = &model.entries[model.count++];
    snprintf(entry->key, sizeof entry->key, "%s", key);
    snprintf(entry->value, sizeof entry->value, "%s", value);
    entry->end_ms = model.now_ms + ttl_s * 1000;
}

static bool model_is_dead(const struct entry *entry)
{
    return strstr(entry->value, "\"is_deleted\":true") != NULL;
}

static unsigned model_node(const char *key)
{
    return model.spread ? reef_key_slot(reef_str_of(key)) * 3 / 16384 : 0;
}

/* ---- commands ----------------------------------------------------------------- */

static const char *word(const reef_cmd *cmd, size_t index, char text[VALUE_TEXT])
{
    reef_str at = reef_cmd_at(cmd, index);
    snprintf(text, VALUE_TEXT, "%.*s", (int)at.len, at.ptr == NULL ? "" : at.ptr);
    return text;
}

static long number(const reef_cmd *cmd, size_t index)
{
    char text[VALUE_TEXT];
    return atol(word(cmd, index, text));
}

/* As session/touch.c's script. */
static int model_touch(const reef_cmd *cmd)
{
    char key[VALUE_TEXT], value[VALUE_TEXT], index[VALUE_TEXT], id[VALUE_TEXT];
    size_t keys = (size_t)number(cmd, 2);
    long ttl_s = number(cmd, 5 + keys);
    struct entry *entry = model_find(word(cmd, 3, key));
    if (entry == NULL)
        return 0;
    if (model_is_dead(entry))
        return 2;
    const char *stamp = strstr(entry->value, "\"updated_at\":");
    if (atol(stamp + 13) > number(cmd, 4 + keys))
        return 3;
    if (ttl_s == 0)
        return 1;
    if (keys == 2)
        model_put(word(cmd, 4, index), word(cmd, 8, id), ttl_s);
    model_put(key, word(cmd, 3 + keys, value), ttl_s);
    return 1;
}

/* As session/list.c's script. */
static int model_heal(const char *key, long fresh_s)
{
    const struct entry *entry = model_find(key);
    bool old = entry != NULL && entry->end_ms - model.now_ms <= fresh_s * 1000;
    return old && model_remove(key);
}

static reef_reply *model_reply(const char *wire)
{
    reef_parser *parser = reef_parser_new(NULL, 2);
    assert_non_null(parser);
    assert_int_equal(reef_parser_feed(parser, reef_str_of(wire)), REEF_OK);
    assert_int_equal(reef_parser_next(parser), REEF_PARSE_REPLY);
    reef_reply *reply = reef_parser_take(parser);
    reef_parser_free(parser);
    return reply;
}

static void model_eval(const reef_cmd *cmd, char out[1000])
{
    char key[VALUE_TEXT];
    reef_str script = reef_cmd_at(cmd, 1);
    bool heals = strncmp(script.ptr, "local ttl", 9) == 0;
    int said = heals ? model_heal(word(cmd, 3, key), number(cmd, 4)) : model_touch(cmd);
    snprintf(out, 1000, ":%d\r\n", said);
}

static void model_run(const reef_cmd *cmd, char out[1000])
{
    char key[VALUE_TEXT], value[VALUE_TEXT];
    reef_str name = reef_cmd_at(cmd, 0);
    struct entry *entry = model_find(word(cmd, 1, key));
    if (reef_str_is(name, "SET")) {
        model_put(key, word(cmd, 2, value), number(cmd, 4));
        snprintf(out, 1000, "+OK\r\n");
    } else if (reef_str_is(name, "DEL")) {
        snprintf(out, 1000, ":%d\r\n", model_remove(key));
    } else if (reef_str_is(name, "EXPIRE")) {
        snprintf(out, 1000, ":%d\r\n", entry != NULL);
        if (entry != NULL)
            entry->end_ms = model.now_ms + number(cmd, 2) * 1000;
    } else if (reef_str_is(name, "GET") && entry == NULL) {
        snprintf(out, 1000, "$-1\r\n");
    } else if (reef_str_is(name, "GET")) {
        snprintf(out, 1000, "$%zu\r\n%s\r\n", strlen(entry->value), entry->value);
    } else {
        assert_true(reef_str_is(name, "EVAL"));
        model_eval(cmd, out);
    }
}

/* A transaction's commands, and what EXEC gives. */
static void model_commit(const reef_cmd *const cmds[], size_t count,
                         reef_reply *replies[])
{
    char all[4000];
    size_t len = (size_t)snprintf(all, sizeof all, "*%zu\r\n", count - 2);
    replies[0] = model_reply("+OK\r\n");
    for (size_t i = 1; i + 1 < count; i++) {
        char out[1000];
        model_run(cmds[i], out);
        len += (size_t)snprintf(all + len, sizeof all - len, "%s", out);
        replies[i] = model_reply("+QUEUED\r\n");
    }
    assert_true(len < sizeof all);
    replies[count - 1] = model_reply(all);
}

/* ---- rounds ------------------------------------------------------------------- */

static bool is_transaction(const reef_cmd *const cmds[])
{
    return reef_str_is(reef_cmd_at(cmds[0], 0), "MULTI");
}

static void round_run(const reef_cmd *const cmds[], size_t count, reef_reply *replies[])
{
    char out[1000];
    if (is_transaction(cmds)) {
        model_commit(cmds, count, replies);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        model_run(cmds[i], out);
        replies[i] = model_reply(out);
    }
}

static void round_fail(size_t count, reef_reply *replies[], reef_code code)
{
    for (size_t i = 0; i < count; i++)
        replies[i] = reef_reply_failed(code, "of the plan");
}

/* Whether a node runs what stands behind a command of its own that it does not run. */
static bool mask_is_odd(const reef_cmd *const cmds[], size_t count, unsigned mask)
{
    unsigned stopped = 0;
    if (mask >> count != 0)
        return true;
    if (is_transaction(cmds))
        return mask > 1; /* 0 or 1 */
    for (size_t i = 0; i < count; i++) {
        char key[VALUE_TEXT];
        bool eval = reef_str_is(reef_cmd_at(cmds[i], 0), "EVAL");
        unsigned node = model_node(word(cmds[i], eval ? 3 : 1, key));
        if ((mask >> i & 1) == 0)
            stopped |= 1u << node;
        else if ((stopped >> node & 1) != 0)
            return true;
    }
    return false;
}

static void round_part(const reef_cmd *const cmds[], size_t count,
                       reef_reply *replies[])
{
    model.odd = mask_is_odd(cmds, count, model.plan.mask);
    round_fail(count, replies, model.dead ? REEF_UNSURE : REEF_CONNECT);
    if (model.odd)
        return;
    bool whole = is_transaction(cmds);
    for (size_t i = 0; i < count; i++) {
        if ((model.plan.mask >> i & 1) == 0)
            continue;
        size_t group = whole ? count : 1;
        reef_reply *said[8] = {NULL};
        round_run(cmds + i, group, said);
        for (size_t k = 0; k < group; k++) {
            reef_reply_free(model.dead ? said[k] : replies[i + k]);
            replies[i + k] = model.dead ? replies[i + k] : said[k];
        }
    }
}

static reef_cmd *copy_of(const reef_cmd *cmd)
{
    reef_cmd *copy = reef_cmd_new();
    assert_non_null(copy);
    reef_cmd_begin_str(copy, reef_cmd_at(cmd, 0));
    for (size_t i = 1; i < reef_cmd_count(cmd); i++)
        reef_cmd_arg(copy, reef_cmd_at(cmd, i));
    return copy;
}

/* What was sent too long ago runs after all. */
static void round_late(bool all)
{
    reef_reply *said[WAITING_MAX] = {NULL};
    if (model.late_count == 0 || (!all && model.now_ms < model.late_ms))
        return;
    if (model.now_ms < model.late_ms)
        model.now_ms = model.late_ms;
    round_run((const reef_cmd *const *)model.late, model.late_count, said);
    for (size_t i = 0; i < model.late_count; i++) {
        reef_reply_free(said[i]);
        reef_cmd_free(model.late[i]);
    }
    model.late_count = 0;
}

/* Somebody else's list, of ann's. */
static void heal_all(void)
{
    for (size_t i = model.count; i-- > 0;) {
        struct entry *entry = &model.entries[i];
        const char *stem = strstr(entry->key, "SessionsByUserId:");
        char record[KEY_TEXT];
        if (stem == NULL)
            continue;
        snprintf(record, sizeof record, "%.*sSessions:%s", (int)(stem - entry->key),
                 entry->key, strrchr(stem, ':') + 1);
        if (model_find(record) == NULL)
            model_heal(entry->key, 7190);
    }
}

static void round_stall(const reef_cmd *const cmds[], size_t count, int64_t timeout_ms,
                        reef_reply *replies[])
{
    if (model.plan.stall_ms <= timeout_ms) {
        model.now_ms += model.plan.stall_ms;
        heal_all();
        round_run(cmds, count, replies);
        return;
    }
    model.late_ms = model.now_ms + model.plan.stall_ms;
    model.now_ms += timeout_ms;
    assert_true(count <= WAITING_MAX);
    for (size_t i = 0; i < count; i++)
        model.late[model.late_count++] = copy_of(cmds[i]);
    heal_all();
    round_fail(count, replies, REEF_UNSURE);
}

void reef_pipeline(reef_client *client, const reef_cmd *const cmds[], size_t count,
                   int64_t timeout_ms, reef_reply *replies[])
{
    assert_ptr_equal(client, &model.client);
    assert_true(timeout_ms > 0);
    bool now = model.plan.mode != MODE_NONE && model.round++ == model.plan.round;
    model.struck = model.struck || now;
    round_late(false);
    if (model.dead) {
        round_fail(count, replies, REEF_CONNECT);
    } else if (!now) {
        model.now_ms += 1;
        round_run(cmds, count, replies);
    } else if (model.plan.mode == MODE_STALL) {
        round_stall(cmds, count, timeout_ms, replies);
    } else {
        model.dead = model.plan.mode == MODE_CRASH;
        round_part(cmds, count, replies);
    }
}

/* ---- the rest of net/ --------------------------------------------------------- */

struct reef_scan {
    char start[KEY_TEXT];
    size_t next;
    reef_str key;
};

reef_scan *reef_scan_new(reef_client *client, const reef_scan_options *options,
                         reef_error *error)
{
    (void)client;
    (void)error;
    reef_scan *scan = calloc(1, sizeof *scan);
    assert_non_null(scan);
    snprintf(scan->start, sizeof scan->start, "%.*s", (int)options->match.len - 1,
             options->match.ptr); /* the star at its end */
    return scan;
}

reef_code reef_scan_next(reef_scan *scan, int64_t timeout_ms, reef_str *key,
                         reef_error *error)
{
    assert_true(timeout_ms > 0);
    if (model.dead) {
        *error = (reef_error){.code = REEF_CONNECT, .text = "of the plan"};
        return REEF_CONNECT;
    }
    while (scan->next < model.count) {
        const struct entry *entry = &model.entries[scan->next++];
        if (entry->end_ms <= model.now_ms ||
            strncmp(entry->key, scan->start, strlen(scan->start)) != 0)
            continue;
        *key = reef_str_of(entry->key);
        return REEF_OK;
    }
    return REEF_NOT_FOUND;
}

void reef_scan_free(reef_scan *scan)
{
    free(scan);
}

bool reef_client_is_spread(reef_client *client)
{
    return client == &model.client && model.spread;
}

const reef_config *reef_client_config(const reef_client *client)
{
    return &client->config;
}

int64_t reef_now_ms(void)
{
    return model.now_ms;
}

int64_t reef_unix_ns(void)
{
    return INT64_C(1767323045120000000) + model.now_ms * 1000000;
}

reef_code reef_random_bytes(void *out, size_t len)
{
    memset(out, 0, len);
    return REEF_OK;
}

#endif
