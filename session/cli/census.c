/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks every node of a Cluster what it knows of the others, how many keys it has, and
 * how it does. Nothing is changed anywhere.
 *
 * Four rounds, each to all nodes at once: CLUSTER NODES, then CLUSTER INFO, INFO and
 * DBSIZE. A node that is down makes the first wait for its whole timeout, since a call
 * waits for a node to come back; the others get but a short one then. */
#include "session/cli/census.h"

#include <stdlib.h>
#include <string.h>

enum {
    CENSUS_MS = 2000,     /* for the first round, where no timeout was asked for */
    CENSUS_BRIEF_MS = 500 /* of the later rounds, where a node is silent */
};

/* ---- rounds ------------------------------------------------------------------- */

static void census_take_keys(cli_node *node, const reef_reply *reply)
{
    int64_t keys = reef_int(reef_reply_root(reply), -1);
    node->has_keys = keys >= 0;
    node->keys = keys >= 0 ? (uint64_t)keys : 0;
}

static void census_take_info(cli_node *node, const reef_reply *reply)
{
    cli_census_info(node, reef_text(reply, reef_reply_root(reply)));
}

static void census_take_state(cli_node *node, const reef_reply *reply)
{
    cli_census_state(node, reef_text(reply, reef_reply_root(reply)));
}

/* What is asked, and what is done with an answer; rosters are read together. */
static const struct {
    const char *words[2];
    void (*take)(cli_node *, const reef_reply *);
} census_rounds[CLI_CENSUS_ROUNDS] = {{{"CLUSTER", "NODES"}, NULL},
                                      {{"CLUSTER", "INFO"}, census_take_state},
                                      {{"INFO", NULL}, census_take_info},
                                      {{"DBSIZE", NULL}, census_take_keys}};

reef_answers *cli_census_ask(reef_client *client, size_t round, int64_t timeout_ms,
                             reef_error *error)
{
    const char *const *words = census_rounds[round].words;
    reef_answers *answers = NULL;
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL) {
        *error = (reef_error){REEF_NOMEM, 0, "out of memory"};
        return NULL;
    }
    reef_cmd_begin(cmd, words[0]);
    if (words[1] != NULL)
        reef_cmd_text(cmd, words[1]);
    reef_cmd_repeatable(cmd);
    answers = reef_call_nodes(client, cmd, REEF_WHOM_ALL, timeout_ms, error);
    reef_cmd_free(cmd);
    return answers;
}

/* Who does not answer has none of it. */
static void census_take(cli_census *c, size_t round, const struct reef_answer *answer)
{
    cli_node *node = cli_census_node(c, answer->member.id);
    if (node != NULL && reef_reply_code(answer->reply) == REEF_OK)
        census_rounds[round].take(node, answer->reply);
}

static void census_ask_rest(cli_context *ctx, cli_census *c, int64_t timeout_ms)
{
    reef_error error = {REEF_OK, 0, ""};
    for (size_t round = 1; round < CLI_CENSUS_ROUNDS; round++) {
        reef_answers *answers = cli_census_ask(ctx->client, round, timeout_ms, &error);
        for (size_t i = 0; answers != NULL && i < answers->count; i++)
            census_take(c, round, &answers->items[i]);
        reef_answers_free(answers);
    }
}

/* ---- rosters ------------------------------------------------------------------ */

/* A reason without the name of its node, which stands there, and all before that. */
static void census_why(const char *why, const char *peer, char *out, size_t cap)
{
    static const char unsent[] = "; nothing was sent";
    size_t len = strlen(peer), tail = sizeof unsent - 1;
    const char *rest = why;
    for (const char *at = strstr(why, peer); at != NULL; at = strstr(at + 1, peer)) {
        if (len > 0 && strncmp(at + len, ": ", 2) == 0)
            rest = at + len + 2;
    }
    cli_join(out, cap, rest, "", "");
    len = strlen(out);
    if (len > tail && strcmp(out + len - tail, unsent) == 0)
        out[len - tail] = '\0';
}

static void census_view(const struct reef_answer *answer, cli_view *view)
{
    view->member = &answer->member;
    view->code = reef_reply_code(answer->reply);
    census_why(reef_reply_text(answer->reply), answer->member.peer, view->why,
               sizeof view->why);
    if (view->code == REEF_OK)
        view->text = reef_text(answer->reply, reef_reply_root(answer->reply));
}

/* Out of the answers, and of those of nodes that were asked apart. False: out of
 * memory. */
static bool census_read(cli_census *c, const reef_answers *answers,
                        const cli_stray strays[], size_t stray_count)
{
    size_t count = answers->count + stray_count;
    cli_view *views = calloc(count + 1, sizeof *views);
    if (views == NULL)
        return false;
    for (size_t i = 0; i < answers->count; i++)
        census_view(&answers->items[i], &views[i]);
    for (size_t i = 0; i < stray_count; i++)
        census_view(strays[i].own[0], &views[answers->count + i]);
    memset(c, 0, sizeof *c);
    cli_census_read(c, views, count);
    free(views);
    return true;
}

/* Somebody ended so. */
static bool census_has_code(const reef_answers *answers, reef_code code)
{
    size_t i = 0;
    while (i < answers->count && reef_reply_code(answers->items[i].reply) != code)
        i++;
    return i < answers->count;
}

/* Somebody was silent. */
static bool census_is_short(const cli_census *c)
{
    size_t i = 0;
    while (i < c->count && !cli_census_is_silent(c, &c->nodes[i]))
        i++;
    return i < c->count;
}

/* The first round, and once more where a fail-over came in between, so that somebody
 * was not asked. NULL: nobody could be. */
static reef_answers *census_ask_first(cli_context *ctx, int64_t timeout_ms,
                                      reef_error *error)
{
    reef_answers *answers = cli_census_ask(ctx->client, 0, timeout_ms, error);
    if (answers == NULL || !census_has_code(answers, REEF_NOROUTE))
        return answers;
    reef_answers_free(answers);
    return cli_census_ask(ctx->client, 0, timeout_ms, error);
}

reef_code cli_census_rosters(cli_context *ctx, cli_census *c, int64_t timeout_ms,
                             reef_error *error)
{
    reef_answers *answers = census_ask_first(ctx, timeout_ms, error);
    if (answers == NULL)
        return error->code;
    bool read = census_read(c, answers, NULL, 0);
    reef_answers_free(answers);
    if (!read)
        *error = (reef_error){REEF_NOMEM, 0, "out of memory"};
    return read ? REEF_OK : REEF_NOMEM;
}

/* With nodes that are not offered to clients, and those that were asked answer. */
static reef_code census_take_all(cli_context *ctx, cli_census *c,
                                 const reef_answers *answers, int64_t timeout_ms)
{
    cli_stray strays[CLI_STRAYS];
    if (!census_read(c, answers, NULL, 0))
        return REEF_NOMEM;
    size_t count = cli_strays_ask(ctx, c, strays);
    bool read = count == 0 || census_read(c, answers, strays, count);
    if (census_is_short(c) && (timeout_ms == 0 || timeout_ms > CENSUS_BRIEF_MS))
        timeout_ms = CENSUS_BRIEF_MS;
    if (read)
        census_ask_rest(ctx, c, timeout_ms);
    for (size_t i = 0; read && i < count; i++) {
        for (size_t round = 1; round < CLI_CENSUS_ROUNDS; round++) {
            if (strays[i].own[round] != NULL)
                census_take(c, round, strays[i].own[round]);
        }
    }
    cli_strays_free(strays, count);
    return read ? REEF_OK : REEF_NOMEM;
}

reef_code cli_census_take(cli_context *ctx, cli_census *c, reef_error *error)
{
    int64_t timeout_ms = ctx->timeout_ms;
    if (timeout_ms == 0 && ctx->config.call_timeout_ms > CENSUS_MS)
        timeout_ms = CENSUS_MS;
    reef_answers *answers = census_ask_first(ctx, timeout_ms, error);
    if (answers == NULL)
        return error->code;
    reef_code code = census_take_all(ctx, c, answers, timeout_ms);
    reef_answers_free(answers);
    if (code != REEF_OK)
        *error = (reef_error){code, 0, "out of memory"};
    return code;
}

/* ---- for a check -------------------------------------------------------------- */

bool cli_check_is_cluster(const cli_check *check)
{
    const reef_config *config = &check->ctx->config;
    const char *mode = check->server.mode;
    bool several = config->host_count > 1 && config->master_name[0] == '\0';
    return strcmp(mode, "cluster") == 0 || (mode[0] == '\0' && several);
}

void cli_census_look(cli_check *check)
{
    cli_context *ctx = check->ctx;
    reef_error error = {REEF_NOMEM, 0, "out of memory"};
    cli_census_end(check);
    check->census = calloc(1, sizeof *check->census);
    cli_progress *progress = cli_progress_begin(ctx, "asking the nodes");
    reef_code code = REEF_NOMEM;
    if (check->census != NULL)
        code = cli_census_take(ctx, check->census, &error);
    cli_progress_end(progress);
    if (code == REEF_OK) {
        cli_census_show(check);
        return;
    }
    cli_check_find(check, cli_exit_of(code), "the nodes can't be asked: ", error.text,
                   "");
    cli_census_end(check);
}

void cli_census_end(cli_check *check)
{
    free(check->census);
    check->census = NULL;
}
