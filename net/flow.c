/* SPDX-License-Identifier: Apache-2.0
 *
 * flow: several commands at once.
 *
 * A MULTI and what follows it to its EXEC are one group: they go out back to back on
 * one connection and share one fate. So do commands of which one may have been meant as
 * the MULTI. What may be sent is the engine's to judge; it is only told what belongs
 * together, and which node it is for.
 *
 * Commands are submitted a portion at a time, so that a long pipeline does not keep the
 * lane from others. On a single server each portion is answered before the next one
 * goes out, which bounds the memory that waits. Where keys are spread that would let
 * one silent node eat the time of all that comes after: there everything is submitted
 * first, within the engine's own limits. */
#include "net/client.h"
#include <stdlib.h>
#include <string.h>

enum {
    FLOW_FEW = 8,       /* commands that need no allocation */
    FLOW_PORTION = 8192 /* commands that are submitted under one hold of the lock */
};

static void flow_refuse(reef_reply *replies[], size_t count, reef_code code,
                        const char *text)
{
    for (size_t i = 0; i < count; i++)
        replies[i] = reef_reply_failed(code, text);
}

static bool flow_named(const reef_cmd *cmd, const char *name)
{
    return cmd != NULL && reef_str_is(reef_cmd_at(cmd, 0), name);
}

static bool flow_ends_group(const reef_cmd *cmd)
{
    return flow_named(cmd, "EXEC") || flow_named(cmd, "DISCARD");
}

/* How many commands from `cmds` on share one fate: a MULTI and all up to its EXEC or
 * DISCARD; where neither comes, all to the end, since they were meant to be inside. */
static size_t flow_group(const reef_cmd *const cmds[], size_t count)
{
    if (!flow_named(cmds[0], "MULTI"))
        return 1;
    for (size_t i = 1; i < count; i++)
        if (flow_ends_group(cmds[i]))
            return i + 1;
    return count;
}

/* A command that was not built, for want of memory say, may have been meant as the
 * MULTI of what follows: where an EXEC comes with no MULTI before it, all up to it
 * share the failure. Sent one by one, they would be a transaction torn apart. `*alone`
 * is how far was looked, so that no command is looked at twice. */
static size_t flow_headless(const reef_cmd *const cmds[], size_t at, size_t count,
                            size_t *alone)
{
    if (at < *alone || (cmds[at] != NULL && reef_cmd_code(cmds[at]) == REEF_OK))
        return 1;
    size_t i = at + 1;
    while (i < count && !flow_named(cmds[i], "MULTI")) {
        if (flow_ends_group(cmds[i]))
            return i + 1 - at;
        i++;
    }
    *alone = i;
    return 1;
}

static bool flow_whole(const reef_cmd *const cmds[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cmds[i] == NULL)
            return false;
    return true;
}

static void flow_build(const reef_flow_each *each, size_t at)
{
    reef_cmd_begin(each->cmd, each->name);
    reef_cmd_key(each->cmd, each->keys[at]);
    if (each->repeatable)
        reef_cmd_repeatable(each->cmd);
}

/* The groups from `at` on, up to a portion of commands. Says where the next begins. */
static size_t flow_submit(reef_lane *lane, reef_waiter *waiter, const reef_flow *flow,
                          size_t at, size_t *alone)
{
    size_t count = flow->count,
           end = count - at < FLOW_PORTION ? count : at + FLOW_PORTION;
    for (; at < end; at += waiter->berths[at].count) {
        if (flow->each != NULL)
            flow_build(flow->each, at);
        size_t group = flow_group(flow->cmds + at, count - at);
        if (group == 1)
            group = flow_headless(flow->cmds, at, count, alone);
        waiter->berths[at].count = group;
        waiter->berths[at].node_id = flow->node_ids != NULL ? flow->node_ids[at] : NULL;
        if (!flow_whole(flow->cmds + at, group)) {
            flow_refuse(waiter->replies + at, group, REEF_BADARG,
                        group == 1 ? "there is no command"
                                   : "a command of the transaction is missing");
        } else if (group > REEF_GROUP_MAX) {
            flow_refuse(waiter->replies + at, group, REEF_LIMIT,
                        "the transaction has too many commands");
        } else {
            reef_lane_submit(lane, waiter, flow->cmds, at);
        }
    }
    return at;
}

/* A thread that is cancelled between two portions would leave the engine the addresses
 * of its berths: until the last portion is done it can't be. */
static void flow_run(reef_client *client, reef_lane *lane, reef_waiter *waiter,
                     const reef_flow *flow)
{
    size_t at = 0, alone = 0;
    int cancel_state = 0;
    while (at < flow->count) {
        bool first = at == 0;
        int state = reef_lane_enter(lane);
        if (first)
            cancel_state = state;
        at = flow_submit(lane, waiter, flow, at, &alone);
        bool last = at >= flow->count;
        if (last || !reef_engine_is_spread(lane->engine))
            reef_lane_run(lane, waiter, &client->monotonic);
        reef_lane_leave(lane, last ? cancel_state : PTHREAD_CANCEL_DISABLE);
    }
}

void reef_client_flow(reef_client *client, reef_lane *lane, const reef_flow *flow)
{
    reef_berth few[FLOW_FEW];
    reef_waiter waiter;
    if (flow->count > REEF_PIPELINE_MAX) {
        flow_refuse(flow->replies, flow->count, REEF_LIMIT,
                    "the pipeline has too many commands");
        return;
    }
    memset(&waiter, 0, sizeof waiter);
    waiter.deadline_ms = flow->deadline_ms;
    waiter.replies = flow->replies;
    waiter.berths =
        flow->count <= FLOW_FEW ? few : malloc(flow->count * sizeof *waiter.berths);
    if (waiter.berths == NULL) {
        flow_refuse(flow->replies, flow->count, REEF_NOMEM, "out of memory");
        return;
    }
    flow_run(client, lane, &waiter, flow);
    if (waiter.berths != few)
        free(waiter.berths);
}

void reef_pipeline(reef_client *client, const reef_cmd *const cmds[], size_t count,
                   int64_t timeout_ms, reef_reply *replies[])
{
    if (timeout_ms < 0) {
        flow_refuse(replies, count, REEF_BADARG, "the timeout is negative");
        return;
    }
    const reef_flow flow = {.cmds = cmds,
                            .count = count,
                            .deadline_ms = reef_client_deadline_ms(client, timeout_ms),
                            .replies = replies};
    reef_client_flow(client, reef_client_lane(client), &flow);
}
