/* SPDX-License-Identifier: Apache-2.0
 *
 * reef call: one command there, its reply back. */
#include "session/cli/cli.h"
#include "session/cli/value.h"

static void call_build(cli_context *ctx, reef_cmd *cmd)
{
    uint64_t key = 0;
    if (cli_has(ctx, CLI_OPT_KEY))
        (void)cli_number(reef_str_of(ctx->values[CLI_OPT_KEY]), UINT32_MAX, &key);
    reef_cmd_begin(cmd, ctx->args[0]);
    for (int i = 1; i < ctx->arg_count; i++) {
        if ((uint64_t)i == key)
            reef_cmd_key(cmd, reef_str_of(ctx->args[i]));
        else
            reef_cmd_text(cmd, ctx->args[i]);
    }
    if (cli_has(ctx, CLI_OPT_REPEATABLE))
        reef_cmd_repeatable(cmd);
}

static int call_print(cli_context *ctx, const reef_reply *reply)
{
    reef_code code = reef_reply_code(reply);
    if (code != REEF_OK)
        return cli_fail(ctx, code, reef_reply_text(reply));
    if (cli_has(ctx, CLI_OPT_JSON)) {
        cli_value_print(stdout, reply, reef_reply_root(reply));
        fputc('\n', stdout);
    } else if (cli_has(ctx, CLI_OPT_RAW)) {
        cli_reply_print_raw(stdout, reply);
    } else {
        cli_reply_print(stdout, reply);
    }
    return CLI_DONE;
}

int cli_call_run(cli_context *ctx)
{
    uint64_t key = 0;
    if (cli_has(ctx, CLI_OPT_KEY) &&
        (!cli_number(reef_str_of(ctx->values[CLI_OPT_KEY]), UINT32_MAX, &key) ||
         key >= (uint64_t)ctx->arg_count))
        return cli_usage(ctx, "--key ", ctx->values[CLI_OPT_KEY],
                         " is past the last argument");
    int code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    call_build(ctx, cmd);
    reef_reply *reply = reef_call(ctx->client, cmd, ctx->timeout_ms);
    code = call_print(ctx, reply);
    reef_reply_free(reply);
    reef_cmd_free(cmd);
    return code;
}
