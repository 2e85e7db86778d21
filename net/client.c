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
 * What may be sent is the engine's to judge. */
#include "net/client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_TIMEOUT_MAX_MS = 1 << 30 /* twelve days: longer ones are cut to this */
};

/* ---- open and close ----------------------------------------------------------- */

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
    if (reef_config_check(config, NULL, error) != REEF_OK)
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

reef_lane *reef_client_lane(reef_client *client)
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

int64_t reef_client_deadline_ms(const reef_client *client, int64_t timeout_ms)
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

reef_reply *reef_client_call(reef_client *client, reef_lane *lane, const reef_cmd *cmd,
                             int64_t deadline_ms)
{
    reef_reply *reply = NULL;
    reef_berth berth = {NULL, 1, NULL};
    reef_waiter waiter;
    memset(&waiter, 0, sizeof waiter);
    waiter.berths = &berth;
    waiter.replies = &reply;
    waiter.deadline_ms = deadline_ms;
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
    return reef_client_call(client, reef_client_lane(client), cmd,
                            reef_client_deadline_ms(client, timeout_ms));
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

reef_code reef_client_explain(const reef_reply *reply, reef_error *error)
{
    const char *text = reef_reply_text(reply);
    size_t len = strlen(text);
    len = len < sizeof error->text ? len : sizeof error->text - 1;
    memset(error, 0, sizeof *error);
    error->code = reef_reply_code(reply);
    memcpy(error->text, text, len);
    return error->code;
}

reef_code reef_client_fail(reef_error *error, reef_code code, const char *text)
{
    memset(error, 0, sizeof *error);
    error->code = code;
    snprintf(error->text, sizeof error->text, "%s", text);
    return code;
}

reef_cmd *reef_client_probe(void)
{
    reef_cmd *probe = reef_cmd_new();
    if (probe == NULL)
        return NULL;
    reef_cmd_begin(probe, "CLIENT");
    reef_cmd_text(probe, "GETNAME");
    reef_cmd_repeatable(probe);
    return probe;
}

/* An error reply (NOPERM) answers the question as well: somebody is there. */
static reef_code client_ask(reef_client *client, const reef_cmd *probe,
                            int64_t timeout_ms, reef_server *out, reef_error *error)
{
    reef_lane *lane = reef_client_lane(client);
    reef_reply *reply = reef_client_call(client, lane, probe,
                                         reef_client_deadline_ms(client, timeout_ms));
    reef_code code = reef_client_explain(reply, error);
    reef_reply_free(reply);
    if (code != REEF_OK && code != REEF_REFUSED)
        return code;
    pthread_mutex_lock(&lane->lock);
    bool known = reef_engine_server(lane->engine, out);
    pthread_mutex_unlock(&lane->lock);
    if (!known) {
        return reef_client_fail(
            error, REEF_CONNECT,
            "the server answered, and then the connection was lost");
    }
    memset(error, 0, sizeof *error);
    return REEF_OK;
}

reef_code reef_server_info(reef_client *client, int64_t timeout_ms, reef_server *out,
                           reef_error *error)
{
    memset(out, 0, sizeof *out);
    if (timeout_ms < 0)
        return reef_client_fail(error, REEF_BADARG, "the timeout is negative");
    reef_cmd *probe = reef_client_probe();
    if (probe == NULL)
        return reef_client_fail(error, REEF_NOMEM, "out of memory");
    reef_code code = client_ask(client, probe, timeout_ms, out, error);
    reef_cmd_free(probe);
    return code;
}

bool reef_client_is_spread(reef_client *client)
{
    bool spread = true;
    for (uint32_t i = 0; i < client->lane_count && spread; i++) {
        reef_lane *lane = &client->lanes[i];
        pthread_mutex_lock(&lane->lock);
        spread = reef_engine_is_spread(lane->engine);
        pthread_mutex_unlock(&lane->lock);
    }
    return spread;
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
    int64_t until_ms = reef_client_deadline_ms(client, timeout_ms);
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
