/* SPDX-License-Identifier: Apache-2.0
 *
 * client: the blocking, thread-safe door. A call picks a lane, enters it, submits, and
 * leaves when each of its commands has a reply. What happens in between is lane.c's.
 *
 * Which lane: the one with the fewest calls inside, the first of equals. A caller that
 * is alone always finds lane 0 empty and its connection warm; callers that overlap
 * spread over the others, and evenly so, since it is their number that counts and not a
 * hash of who they are. No thread needs a memory of its own for that.
 *
 * What may be sent is the engine's to judge; the client only tells it which commands of
 * a pipeline belong together. */
#include "net/lane.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_FEW = 8,         /* commands of a pipeline that need no allocation */
    CLIENT_PORTION = 8192,  /* commands that are submitted under one hold of the lock */
    CLIENT_FILE_SHOWN = 80, /* bytes of the config's path in an error, its end */
    CLIENT_TIMEOUT_MAX_MS = 1 << 30 /* twelve days: longer ones are cut to this */
};

struct reef_client {
    reef_config config;
    pthread_condattr_t monotonic; /* calls sleep by the clock that can't be set */
    atomic_uint turn;             /* the lane that is asked first for events */
    uint32_t lane_count;          /* of those that were made */
    reef_lane lanes[];
};

/* ---- open and close ----------------------------------------------------------- */

/* "knot.toml:4: ", "KNOT_REDIS_HOSTS: " or the setting's name. */
static void client_where(const reef_config *config, reef_setting setting,
                         const reef_origin *origin, char *out, size_t cap)
{
    const char *file = config->file[0] != '\0' ? config->file : "knot.toml";
    size_t len = strlen(file);
    switch (origin->source) {
    case REEF_FROM_FILE:
        file += len > CLIENT_FILE_SHOWN ? len - CLIENT_FILE_SHOWN : 0;
        snprintf(out, cap, "%s:%lu", file, (unsigned long)origin->line);
        return;
    case REEF_FROM_ENV:
        snprintf(out, cap, "%s", reef_setting_env(setting));
        return;
    case REEF_FROM_DEFAULT:
        break;
    }
    snprintf(out, cap, "%s", reef_setting_name(setting));
}

static reef_code client_unsupported(const reef_config *config, reef_setting setting,
                                    const reef_origin *origin, const char *what,
                                    reef_error *error)
{
    char where[CLIENT_FILE_SHOWN + 16];
    client_where(config, setting, origin, where, sizeof where);
    error->code = REEF_BADCONFIG;
    error->sys_errno = 0;
    snprintf(error->text, sizeof error->text, "%s: %s", where, what);
    return REEF_BADCONFIG;
}

static reef_code client_check(const reef_config *config, reef_error *error)
{
    reef_code code = reef_config_check(config, NULL, error);
    if (code != REEF_OK)
        return code;
    if (config->host_count != 1 && config->master_name[0] == '\0') {
        return client_unsupported(
            config, REEF_SET_HOSTS, &config->origins[REEF_SET_HOSTS],
            "this release speaks to a single server or to Sentinels, not to a Cluster; "
            "name one host, or set master_name",
            error);
    }
    return REEF_OK;
}

static reef_client *client_failed(reef_client *client, reef_error *error,
                                  reef_code code, const char *text)
{
    if (text != NULL) {
        memset(error, 0, sizeof *error);
        error->code = code;
        memcpy(error->text, text, strlen(text) + 1);
    }
    reef_close(client);
    return NULL;
}

static reef_client *client_new(const reef_config *config)
{
    uint32_t lanes = config->lanes < 1                ? 1
                     : config->lanes > REEF_LANES_MAX ? REEF_LANES_MAX
                                                      : config->lanes;
    reef_client *client = calloc(1, sizeof *client + lanes * sizeof(reef_lane));
    if (client == NULL)
        return NULL;
    if (pthread_condattr_init(&client->monotonic) != 0) {
        free(client);
        return NULL;
    }
    client->config = *config;
    client->config.lanes = lanes;
    atomic_init(&client->turn, 0);
    return client;
}

reef_client *reef_open(const reef_config *config, reef_error *error)
{
    memset(error, 0, sizeof *error);
    if (client_check(config, error) != REEF_OK)
        return NULL;
    reef_client *client = client_new(config);
    if (client == NULL)
        return client_failed(NULL, error, REEF_NOMEM, "out of memory");
    if (pthread_condattr_setclock(&client->monotonic, CLOCK_MONOTONIC) != 0) {
        return client_failed(client, error, REEF_NOMEM,
                             "the system has no monotonic clock to wait by");
    }
    reef_code code = REEF_OK;
    while (code == REEF_OK && client->lane_count < client->config.lanes) {
        reef_lane *next = &client->lanes[client->lane_count++];
        code = reef_lane_init(next, &client->config, error);
    }
    return code == REEF_OK ? client : client_failed(client, error, code, NULL);
}

void reef_close(reef_client *client)
{
    if (client == NULL)
        return;
    for (uint32_t i = 0; i < client->lane_count; i++)
        reef_lane_free(&client->lanes[i]);
    pthread_condattr_destroy(&client->monotonic);
    reef_config_wipe(&client->config);
    free(client);
}

const reef_config *reef_client_config(const reef_client *client)
{
    return &client->config;
}

/* ---- calls -------------------------------------------------------------------- */

static reef_lane *client_pick(reef_client *client)
{
    reef_lane *best = &client->lanes[0];
    unsigned least = atomic_load_explicit(&best->load, memory_order_relaxed);
    for (uint32_t i = 1; i < client->lane_count && least > 0; i++) {
        reef_lane *at = &client->lanes[i];
        unsigned load = atomic_load_explicit(&at->load, memory_order_relaxed);
        if (load < least) {
            least = load;
            best = at;
        }
    }
    return best;
}

/* The end of the call, from the moment that it began. */
static int64_t client_deadline_ms(const reef_client *client, int64_t timeout_ms)
{
    if (timeout_ms == 0)
        timeout_ms = client->config.call_timeout_ms;
    return reef_now_ms() +
           (timeout_ms < CLIENT_TIMEOUT_MAX_MS ? timeout_ms : CLIENT_TIMEOUT_MAX_MS);
}

static const char *client_refusal(const reef_cmd *cmd, int64_t timeout_ms)
{
    if (timeout_ms < 0)
        return "the timeout is negative";
    return cmd == NULL ? "there is no command" : NULL;
}

static reef_reply *client_call(reef_client *client, reef_lane *lane,
                               const reef_cmd *cmd, int64_t timeout_ms)
{
    reef_reply *reply = NULL;
    reef_slot slot = {NULL, 1};
    reef_waiter waiter;
    memset(&waiter, 0, sizeof waiter);
    waiter.slots = &slot;
    waiter.replies = &reply;
    waiter.deadline_ms = client_deadline_ms(client, timeout_ms);
    int cancel_state = reef_lane_enter(lane);
    reef_lane_submit(lane, &waiter, &cmd, 0);
    reef_lane_run(lane, &waiter, &client->monotonic);
    reef_lane_leave(lane, cancel_state);
    return reply;
}

reef_reply *reef_call(reef_client *client, const reef_cmd *cmd, int64_t timeout_ms)
{
    const char *refusal = client_refusal(cmd, timeout_ms);
    if (refusal != NULL)
        return reef_reply_failed(REEF_BADARG, refusal);
    return client_call(client, client_pick(client), cmd, timeout_ms);
}

static reef_code client_fill(reef_cmd *cmd, const char *bytes, const uint32_t lens[],
                             uint32_t count, int32_t key_index)
{
    size_t at = lens[0];
    reef_cmd_begin_str(cmd, (reef_str){bytes, lens[0]});
    for (uint32_t i = 1; i < count && reef_cmd_code(cmd) == REEF_OK; i++) {
        reef_str arg = {bytes + at, lens[i]};
        if (key_index > 0 && i == (uint32_t)key_index)
            reef_cmd_key(cmd, arg);
        else
            reef_cmd_arg(cmd, arg);
        at += lens[i];
    }
    return reef_cmd_code(cmd);
}

reef_reply *reef_call_flat(reef_client *client, const char *bytes,
                           const uint32_t lens[], uint32_t count, int32_t key_index,
                           bool repeatable, int64_t timeout_ms)
{
    if (count == 0 || bytes == NULL || lens == NULL)
        return reef_reply_failed(REEF_BADARG, "there is no command");
    if (key_index < -1 || key_index == 0 || key_index >= (int64_t)count)
        return reef_reply_failed(REEF_BADARG, "key_index names no argument");
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL)
        return reef_reply_failed(REEF_NOMEM, "out of memory");
    if (client_fill(cmd, bytes, lens, count, key_index) == REEF_OK && repeatable)
        reef_cmd_repeatable(cmd);
    reef_reply *reply = reef_call(client, cmd, timeout_ms);
    reef_cmd_free(cmd);
    return reply;
}

/* ---- pipelines ---------------------------------------------------------------- */

static void client_refuse(reef_reply *replies[], size_t count, reef_code code,
                          const char *text)
{
    for (size_t i = 0; i < count; i++)
        replies[i] = reef_reply_failed(code, text);
}

static bool client_named(const reef_cmd *cmd, const char *name)
{
    return cmd != NULL && reef_str_is(reef_cmd_at(cmd, 0), name);
}

static bool client_ends_group(const reef_cmd *cmd)
{
    return client_named(cmd, "EXEC") || client_named(cmd, "DISCARD");
}

/* How many commands from `cmds` on share one fate: a MULTI and all up to its EXEC or
 * DISCARD; where neither comes, all to the end, since they were meant to be inside. */
static size_t client_group(const reef_cmd *const cmds[], size_t count)
{
    if (!client_named(cmds[0], "MULTI"))
        return 1;
    for (size_t i = 1; i < count; i++)
        if (client_ends_group(cmds[i]))
            return i + 1;
    return count;
}

/* A command that was not built, for want of memory say, may have been meant as the
 * MULTI of what follows: where an EXEC comes with no MULTI before it, all up to it
 * share the failure. Sent one by one, they would be a transaction torn apart. `*alone`
 * is how far was looked, so that no command is looked at twice. */
static size_t client_headless(const reef_cmd *const cmds[], size_t at, size_t count,
                              size_t *alone)
{
    if (at < *alone || (cmds[at] != NULL && reef_cmd_code(cmds[at]) == REEF_OK))
        return 1;
    size_t i = at + 1;
    while (i < count && !client_named(cmds[i], "MULTI")) {
        if (client_ends_group(cmds[i]))
            return i + 1 - at;
        i++;
    }
    *alone = i;
    return 1;
}

static bool client_whole(const reef_cmd *const cmds[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cmds[i] == NULL)
            return false;
    return true;
}

/* The groups from `at` on, up to a portion of commands. Says where the next begins. */
static size_t client_submit(reef_lane *lane, reef_waiter *waiter,
                            const reef_cmd *const cmds[], size_t at, size_t count,
                            size_t *alone)
{
    size_t end = count - at < CLIENT_PORTION ? count : at + CLIENT_PORTION;
    for (; at < end; at += waiter->slots[at].count) {
        size_t group = client_group(cmds + at, count - at);
        if (group == 1)
            group = client_headless(cmds, at, count, alone);
        waiter->slots[at].count = group;
        if (!client_whole(cmds + at, group)) {
            client_refuse(waiter->replies + at, group, REEF_BADARG,
                          group == 1 ? "there is no command"
                                     : "a command of the transaction is missing");
        } else if (group > REEF_GROUP_MAX) {
            client_refuse(waiter->replies + at, group, REEF_LIMIT,
                          "the transaction has too many commands");
        } else {
            reef_lane_submit(lane, waiter, cmds, at);
        }
    }
    return at;
}

/* A portion at a time, so that a long pipeline does not keep the lane from others. */
static void client_pipeline(reef_client *client, reef_waiter *waiter,
                            const reef_cmd *const cmds[], size_t count)
{
    reef_lane *lane = client_pick(client);
    size_t at = 0, alone = 0;
    while (at < count) {
        int cancel_state = reef_lane_enter(lane);
        at = client_submit(lane, waiter, cmds, at, count, &alone);
        reef_lane_run(lane, waiter, &client->monotonic);
        reef_lane_leave(lane, cancel_state);
    }
}

void reef_pipeline(reef_client *client, const reef_cmd *const cmds[], size_t count,
                   int64_t timeout_ms, reef_reply *replies[])
{
    reef_slot few[CLIENT_FEW];
    reef_waiter waiter;
    if (timeout_ms < 0) {
        client_refuse(replies, count, REEF_BADARG, "the timeout is negative");
        return;
    }
    if (count > REEF_PIPELINE_MAX) {
        client_refuse(replies, count, REEF_LIMIT, "the pipeline has too many commands");
        return;
    }
    memset(&waiter, 0, sizeof waiter);
    waiter.deadline_ms = client_deadline_ms(client, timeout_ms);
    waiter.replies = replies;
    waiter.slots = count <= CLIENT_FEW ? few : malloc(count * sizeof *waiter.slots);
    if (waiter.slots == NULL) {
        client_refuse(replies, count, REEF_NOMEM, "out of memory");
        return;
    }
    client_pipeline(client, &waiter, cmds, count);
    if (waiter.slots != few)
        free(waiter.slots);
}

/* ---- idle work, and what can be seen ------------------------------------------ */

int64_t reef_tend(reef_client *client)
{
    int64_t next_ms = REEF_IDLE_PING_MS;
    for (uint32_t i = 0; i < client->lane_count; i++) {
        reef_lane *lane = &client->lanes[i];
        int cancel_state = reef_lane_enter(lane);
        int64_t wish_ms = reef_lane_tend(lane);
        reef_lane_leave(lane, cancel_state);
        next_ms = wish_ms < next_ms ? wish_ms : next_ms;
    }
    return next_ms;
}

static reef_code client_explain(const reef_reply *reply, reef_error *error)
{
    const char *text = reef_reply_text(reply);
    size_t len = strlen(text);
    len = len < sizeof error->text ? len : sizeof error->text - 1;
    memset(error, 0, sizeof *error);
    error->code = reef_reply_code(reply);
    memcpy(error->text, text, len);
    return error->code;
}

/* An error reply (NOPERM) answers the question as well: somebody is there. */
static reef_code client_ask(reef_client *client, const reef_cmd *probe,
                            int64_t timeout_ms, reef_server *out, reef_error *error)
{
    reef_lane *lane = client_pick(client);
    reef_reply *reply = client_call(client, lane, probe, timeout_ms);
    reef_code code = client_explain(reply, error);
    reef_reply_free(reply);
    if (code != REEF_OK && code != REEF_REFUSED)
        return code;
    pthread_mutex_lock(&lane->lock);
    bool known = reef_engine_server(lane->engine, out);
    pthread_mutex_unlock(&lane->lock);
    memset(error, 0, sizeof *error);
    if (!known) {
        error->code = REEF_CONNECT;
        snprintf(error->text, sizeof error->text,
                 "the server answered, and then the connection was lost");
    }
    return error->code;
}

reef_code reef_server_info(reef_client *client, int64_t timeout_ms, reef_server *out,
                           reef_error *error)
{
    reef_cmd *probe = reef_cmd_new();
    memset(out, 0, sizeof *out);
    memset(error, 0, sizeof *error);
    error->code = timeout_ms < 0 ? REEF_BADARG : probe == NULL ? REEF_NOMEM : REEF_OK;
    if (error->code != REEF_OK) {
        snprintf(error->text, sizeof error->text, "%s",
                 probe == NULL ? "out of memory" : "the timeout is negative");
    } else {
        /* A PING would be held back while the server loads or has lost its master. */
        reef_cmd_begin(probe, "CLIENT");
        reef_cmd_text(probe, "GETNAME");
        reef_cmd_repeatable(probe);
        client_ask(client, probe, timeout_ms, out, error);
    }
    reef_cmd_free(probe);
    return error->code;
}

static void client_add_stats(reef_stats *sum, const reef_stats *part)
{
    sum->calls += part->calls;
    sum->answered += part->answered;
    sum->failed += part->failed;
    sum->unsure += part->unsure;
    sum->retries += part->retries;
    sum->reconnects += part->reconnects;
    sum->bytes_in += part->bytes_in;
    sum->bytes_out += part->bytes_out;
    sum->dropped_events += part->dropped_events;
    sum->dropped_pushes += part->dropped_pushes;
    for (size_t i = 0; i < REEF_LATENCY_BUCKETS; i++)
        sum->latency[i] += part->latency[i];
    for (uint32_t i = 0; i < part->link_count; i++)
        if (sum->link_count < REEF_STATS_LINKS)
            sum->links[sum->link_count++] = part->links[i];
}

reef_code reef_client_topology(reef_client *client, int64_t timeout_ms,
                               reef_topology *out, reef_error *error)
{
    reef_lane *lane = &client->lanes[0];
    memset(out, 0, sizeof *out);
    memset(error, 0, sizeof *error);
    if (timeout_ms < 0) {
        error->code = REEF_BADARG;
        snprintf(error->text, sizeof error->text, "the timeout is negative");
        return error->code;
    }
    int64_t until_ms = client_deadline_ms(client, timeout_ms);
    int cancel_state = reef_lane_enter(lane);
    reef_lane_survey(lane, until_ms);
    reef_engine_topology(lane->engine, out);
    reef_lane_leave(lane, cancel_state);
    return REEF_OK;
}

void reef_client_stats(reef_client *client, reef_stats *out)
{
    reef_stats part;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < client->lane_count; i++) {
        reef_lane *lane = &client->lanes[i];
        pthread_mutex_lock(&lane->lock);
        reef_engine_stats(lane->engine, &part);
        pthread_mutex_unlock(&lane->lock);
        client_add_stats(out, &part);
    }
}

/* Each time another lane first, so that a busy one can't hide the others. */
static reef_lane *client_turn(reef_client *client, uint32_t step)
{
    unsigned turn =
        step > 0 ? atomic_load(&client->turn) : atomic_fetch_add(&client->turn, 1) + 1;
    return &client->lanes[(turn + step) % client->lane_count];
}

bool reef_client_next_event(reef_client *client, reef_event *out)
{
    bool found = false;
    for (uint32_t i = 0; i < client->lane_count && !found; i++) {
        reef_lane *lane = client_turn(client, i);
        pthread_mutex_lock(&lane->lock);
        found = reef_engine_next_event(lane->engine, out);
        pthread_mutex_unlock(&lane->lock);
    }
    return found;
}

bool reef_client_next_push(reef_client *client, reef_reply **out)
{
    bool found = false;
    for (uint32_t i = 0; i < client->lane_count && !found; i++) {
        reef_lane *lane = client_turn(client, i);
        pthread_mutex_lock(&lane->lock);
        found = reef_engine_next_push(lane->engine, out);
        pthread_mutex_unlock(&lane->lock);
    }
    return found;
}
