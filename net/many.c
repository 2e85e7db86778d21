/* SPDX-License-Identifier: Apache-2.0
 *
 * many: several nodes, several keys.
 *
 * A command for several nodes is one flow whose commands are bound to the nodes by
 * their ids; a command for each of many keys is one flow in which each finds its way by
 * its key. Both stay in one lane, since each lane has a map of its own. */
#include "net/client.h"
#include <stdlib.h>
#include <string.h>

enum { MANY_PAUSE_MS = 5 /* before a map that names nobody is asked for again */ };

/* ---- who is there ------------------------------------------------------------- */

static reef_answers *many_answers_new(size_t count)
{
    return calloc(1, sizeof(reef_answers) + count * sizeof(struct reef_answer));
}

void reef_answers_free(reef_answers *answers)
{
    if (answers == NULL)
        return;
    for (size_t i = 0; i < answers->count; i++)
        reef_reply_free(answers->items[i].reply);
    free(answers);
}

/* A Cluster's map names its nodes; without one the server is known once it has been
 * spoken to. */
static bool many_knows(const reef_engine *engine, const reef_member *first,
                       size_t count)
{
    reef_server server;
    return count > 0 && (first->id[0] != '\0' || reef_engine_server(engine, &server));
}

/* The nodes by now: REEF_OK, REEF_NOMEM, or REEF_NOROUTE where nobody is known. */
static reef_code many_members(reef_lane *lane, reef_answers **out)
{
    size_t count = reef_engine_members(lane->engine, NULL, 0);
    reef_member *members = calloc(count + 1, sizeof *members);
    if (members == NULL)
        return REEF_NOMEM;
    reef_engine_members(lane->engine, members, count);
    reef_code code = many_knows(lane->engine, members, count) ? REEF_OK : REEF_NOROUTE;
    *out = code == REEF_OK ? many_answers_new(count) : NULL;
    if (*out != NULL) {
        (*out)->count = count;
        for (size_t i = 0; i < count; i++)
            (*out)->items[i].member = members[i];
    }
    free(members);
    return code == REEF_OK && *out == NULL ? REEF_NOMEM : code;
}

static reef_code many_look(reef_lane *lane, reef_answers **out)
{
    int cancel_state = reef_lane_enter(lane);
    reef_code code = many_members(lane, out);
    reef_lane_leave(lane, cancel_state);
    return code;
}

/* An error reply says that somebody is there as well as any other. */
static reef_code many_knock(reef_client *client, reef_lane *lane, int64_t deadline_ms,
                            reef_error *error)
{
    reef_cmd *probe = reef_client_probe();
    if (probe == NULL)
        return reef_client_fail(error, REEF_NOMEM, "out of memory");
    reef_reply *reply = reef_client_call(client, lane, probe, deadline_ms);
    reef_code code = reef_client_explain(reply, error);
    reef_reply_free(reply);
    reef_cmd_free(probe);
    return code == REEF_REFUSED ? REEF_OK : code;
}

reef_answers *reef_client_meet(reef_client *client, reef_lane *lane,
                               int64_t deadline_ms, reef_error *error)
{
    reef_answers *found = NULL;
    reef_code code = many_look(lane, &found);
    while (code == REEF_NOROUTE) {
        if (many_knock(client, lane, deadline_ms, error) != REEF_OK)
            return NULL;
        code = many_look(lane, &found);
        if (code == REEF_NOROUTE && reef_now_ms() >= deadline_ms) {
            reef_client_fail(error, REEF_NOROUTE,
                             "a server answered, but no node of a Cluster is known");
            return NULL;
        }
        if (code == REEF_NOROUTE)
            reef_os_poll(NULL, 0, MANY_PAUSE_MS);
    }
    reef_client_fail(error, code, code == REEF_OK ? "" : "out of memory");
    return found;
}

reef_answers *reef_client_members(reef_client *client, int64_t timeout_ms,
                                  reef_error *error)
{
    if (timeout_ms < 0) {
        reef_client_fail(error, REEF_BADARG, "the timeout is negative");
        return NULL;
    }
    return reef_client_meet(client, reef_client_lane(client),
                            reef_client_deadline_ms(client, timeout_ms), error);
}

/* ---- several nodes ------------------------------------------------------------ */

static void many_keep_masters(reef_answers *answers)
{
    size_t kept = 0;
    for (size_t i = 0; i < answers->count; i++)
        if (answers->items[i].member.master && answers->items[i].member.slots > 0)
            answers->items[kept++] = answers->items[i];
    answers->count = kept;
}

/* One word for all of the flow's tables, by node. */
typedef struct many_row {
    const reef_cmd **cmds;
    const char **ids;
    reef_reply **replies;
} many_row;

static bool many_row_make(many_row *row, size_t count)
{
    row->cmds = calloc(count + 1, sizeof *row->cmds);
    row->ids = calloc(count + 1, sizeof *row->ids);
    row->replies = calloc(count + 1, sizeof(reef_reply *));
    return row->cmds != NULL && row->ids != NULL && row->replies != NULL;
}

static void many_row_free(many_row *row)
{
    free(row->cmds);
    free(row->ids);
    free(row->replies);
}

static bool many_put(reef_client *client, reef_lane *lane, const reef_cmd *cmd,
                     int64_t deadline_ms, reef_answers *answers)
{
    many_row row;
    bool made = many_row_make(&row, answers->count);
    for (size_t i = 0; made && i < answers->count; i++) {
        row.cmds[i] = cmd;
        row.ids[i] = answers->items[i].member.id;
    }
    const reef_flow flow = {row.cmds,    row.ids,     answers->count,
                            deadline_ms, row.replies, NULL};
    if (made)
        reef_client_flow(client, lane, &flow);
    for (size_t i = 0; made && i < answers->count; i++)
        answers->items[i].reply = row.replies[i];
    many_row_free(&row);
    return made;
}

reef_answers *reef_call_nodes(reef_client *client, const reef_cmd *cmd, reef_whom whom,
                              int64_t timeout_ms, reef_error *error)
{
    if (timeout_ms < 0 || cmd == NULL) {
        reef_client_fail(error, REEF_BADARG,
                         cmd == NULL ? "there is no command"
                                     : "the timeout is negative");
        return NULL;
    }
    int64_t deadline_ms = reef_client_deadline_ms(client, timeout_ms);
    reef_lane *lane = reef_client_lane(client);
    reef_answers *answers = reef_client_meet(client, lane, deadline_ms, error);
    if (answers == NULL)
        return NULL;
    if (whom == REEF_WHOM_MASTERS)
        many_keep_masters(answers);
    const char *refusal = answers->count == 0 ? "no node of the Cluster serves slots"
                          : many_put(client, lane, cmd, deadline_ms, answers)
                              ? NULL
                              : "out of memory";
    if (refusal == NULL)
        return answers;
    reef_client_fail(error, answers->count == 0 ? REEF_NOROUTE : REEF_NOMEM, refusal);
    reef_answers_free(answers);
    return NULL;
}

/* ---- several keys ------------------------------------------------------------- */

static const char *many_verb_name(reef_verb verb)
{
    switch (verb) {
    case REEF_VERB_GET:
        return "GET";
    case REEF_VERB_DEL:
        return "DEL";
    case REEF_VERB_EXISTS:
        return "EXISTS";
    case REEF_VERB_TOUCH:
        return "TOUCH";
    }
    return "";
}

static void many_refuse(reef_reply *replies[], size_t count, reef_code code,
                        const char *text)
{
    for (size_t i = 0; i < count; i++)
        replies[i] = reef_reply_failed(code, text);
}

static bool many_each(reef_client *client, const reef_flow_each *each, size_t count,
                      int64_t deadline_ms, reef_reply *replies[])
{
    const reef_cmd **cmds = each->cmd != NULL ? malloc(count * sizeof *cmds) : NULL;
    if (cmds == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        cmds[i] = each->cmd;
    const reef_flow flow = {cmds, NULL, count, deadline_ms, replies, each};
    reef_client_flow(client, reef_client_lane(client), &flow);
    free(cmds);
    return true;
}

void reef_call_keys(reef_client *client, reef_verb verb, const reef_str keys[],
                    size_t count, int64_t timeout_ms, reef_reply *replies[])
{
    if (timeout_ms < 0) {
        many_refuse(replies, count, REEF_BADARG, "the timeout is negative");
        return;
    }
    if (count > REEF_PIPELINE_MAX) {
        many_refuse(replies, count, REEF_LIMIT, "there are too many keys");
        return;
    }
    if (count == 0)
        return;
    const reef_flow_each each = {many_verb_name(verb), keys, verb != REEF_VERB_DEL,
                                 reef_cmd_new()};
    if (!many_each(client, &each, count, reef_client_deadline_ms(client, timeout_ms),
                   replies))
        many_refuse(replies, count, REEF_NOMEM, "out of memory");
    reef_cmd_free(each.cmd);
}
