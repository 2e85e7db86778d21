/* SPDX-License-Identifier: Apache-2.0
 *
 * reef call: one command there, its reply back; or to every node of a Cluster, and all
 * their replies back. */
#include "session/cli/cli.h"
#include "session/cli/value.h"

#include <stdlib.h>
#include <string.h>

/* Which arguments are keys. CLI_DONE, or what was said. */
static int call_mark(cli_context *ctx, bool marks[])
{
    for (uint32_t i = 0; i < ctx->key_count; i++) {
        const char *text = ctx->keys[i];
        uint64_t key = 0;
        do {
            if (!cli_next_number(&text, UINT32_MAX, &key) ||
                key >= (uint64_t)ctx->arg_count)
                return cli_usage(ctx, "--key ", ctx->keys[i],
                                 " is past the last argument");
            marks[key] = true;
        } while (*text != '\0');
    }
    return CLI_DONE;
}

static void call_build(cli_context *ctx, const bool marks[], reef_cmd *cmd)
{
    reef_cmd_begin(cmd, ctx->args[0]);
    for (int i = 1; i < ctx->arg_count; i++) {
        if (marks[i])
            reef_cmd_key(cmd, reef_str_of(ctx->args[i]));
        else
            reef_cmd_text(cmd, ctx->args[i]);
    }
    if (cli_has(ctx, CLI_OPT_REPEATABLE))
        reef_cmd_repeatable(cmd);
}

static void call_print(cli_context *ctx, const reef_reply *reply)
{
    if (cli_has(ctx, CLI_OPT_JSON))
        cli_value_print(stdout, reply, reef_reply_root(reply));
    else if (cli_has(ctx, CLI_OPT_RAW))
        cli_reply_print_raw(stdout, reply);
    else
        cli_reply_print(stdout, reply);
}

/* ---- to one ------------------------------------------------------------------- */

static int call_one(cli_context *ctx, const reef_cmd *cmd)
{
    reef_reply *reply = reef_call(ctx->client, cmd, ctx->timeout_ms);
    reef_code code = reef_reply_code(reply);
    int exit_code = CLI_DONE;
    if (code == REEF_OK) {
        call_print(ctx, reply);
        if (cli_has(ctx, CLI_OPT_JSON))
            fputc('\n', stdout);
    } else {
        exit_code = cli_fail(ctx, code, reef_reply_text(reply));
    }
    reef_reply_free(reply);
    return exit_code;
}

/* ---- to all ------------------------------------------------------------------- */

static const char *call_role(const reef_member *member)
{
    return member->master ? "master" : "replica";
}

/* Whose answer it is, without the brace before and behind it. */
static void call_json_member(const reef_member *member)
{
    fputs("\"peer\":", stdout);
    cli_put_json(stdout, reef_str_of(member->peer));
    fputs(",\"id\":", stdout);
    if (member->id[0] != '\0')
        cli_put_json(stdout, reef_str_of(member->id));
    else
        fputs("null", stdout);
    printf(",\"role\":\"%s\"", call_role(member));
}

/* "10.0.0.1:7000, master:" on a line of its own. */
static void call_heading(cli_context *ctx, const reef_member *member)
{
    cli_put_span(stdout, ctx->color_out, CLI_BOLD, reef_str_of(member->peer));
    printf(", %s:\n", call_role(member));
}

/* An answer that is none: said with the node's name, which it may begin with. */
static int call_node_failed(cli_context *ctx, const struct reef_answer *answer)
{
    const char *peer = answer->member.peer, *why = reef_reply_text(answer->reply);
    char text[REEF_PEER_TEXT + REEF_ERROR_TEXT + 8];
    bool named = strncmp(why, peer, strlen(peer)) == 0;
    cli_join(text, sizeof text, named ? "" : peer, named ? "" : ": ", why);
    int code = cli_fail_begin(ctx, reef_reply_code(answer->reply), text);
    if (cli_has(ctx, CLI_OPT_JSON)) {
        fputc(',', stdout);
        call_json_member(&answer->member);
        printf(",\"exit\":%d}\n", code);
    }
    return code;
}

static int call_node(cli_context *ctx, const struct reef_answer *answer)
{
    if (reef_reply_code(answer->reply) != REEF_OK)
        return call_node_failed(ctx, answer);
    if (!cli_has(ctx, CLI_OPT_JSON)) {
        call_heading(ctx, &answer->member);
        call_print(ctx, answer->reply);
        return CLI_DONE;
    }
    fputc('{', stdout);
    call_json_member(&answer->member);
    fputs(",\"reply\":", stdout);
    call_print(ctx, answer->reply);
    fputs("}\n", stdout);
    return CLI_DONE;
}

/* The exit code is that of the first that failed. */
static int call_all(cli_context *ctx, const reef_cmd *cmd)
{
    reef_error error = {REEF_OK, 0, ""};
    reef_whom whom = cli_has(ctx, CLI_OPT_ALL) ? REEF_WHOM_ALL : REEF_WHOM_MASTERS;
    int code = CLI_DONE;
    reef_answers *answers =
        reef_call_nodes(ctx->client, cmd, whom, ctx->timeout_ms, &error);
    if (answers == NULL)
        return cli_fail_error(ctx, &error);
    for (size_t i = 0; i < answers->count; i++) {
        int one = call_node(ctx, &answers->items[i]);
        code = code == CLI_DONE ? one : code;
    }
    reef_answers_free(answers);
    return code;
}

/* ---- the command -------------------------------------------------------------- */

static int call_send(cli_context *ctx, const bool marks[])
{
    bool all = cli_has(ctx, CLI_OPT_ALL) || cli_has(ctx, CLI_OPT_MASTERS);
    int code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    call_build(ctx, marks, cmd);
    code = all ? call_all(ctx, cmd) : call_one(ctx, cmd);
    reef_cmd_free(cmd);
    return code;
}

int cli_call_run(cli_context *ctx)
{
    if (cli_has(ctx, CLI_OPT_ALL) && cli_has(ctx, CLI_OPT_MASTERS))
        return cli_usage(ctx, "--all and --masters are two answers to one question",
                         NULL, NULL);
    bool *marks = calloc((size_t)ctx->arg_count + 1, sizeof *marks);
    if (marks == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    int code = call_mark(ctx, marks);
    if (code == CLI_DONE)
        code = call_send(ctx, marks);
    free(marks);
    return code;
}
