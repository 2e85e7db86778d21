/* SPDX-License-Identifier: Apache-2.0
 *
 * From the command line to a client: settings read, client made, both let go of. */
#include "session/cli/cli.h"

#include <string.h>

reef_code cli_load_quietly(cli_context *ctx, reef_error *error)
{
    memset(&ctx->report, 0, sizeof ctx->report);
    ctx->loaded = true;
    return reef_config_load(&ctx->config, ctx->values[CLI_OPT_CONFIG], ctx->env,
                            &ctx->report, error);
}

int cli_load(cli_context *ctx)
{
    reef_error error;
    reef_code code = cli_load_quietly(ctx, &error);
    return code == REEF_OK ? CLI_DONE : cli_fail_settings(ctx, &error);
}

int cli_open(cli_context *ctx)
{
    reef_error error = {REEF_OK, 0, ""};
    int code = ctx->loaded ? CLI_DONE : cli_load(ctx);
    if (code != CLI_DONE)
        return code;
    ctx->client = reef_open(&ctx->config, &error);
    return ctx->client != NULL ? CLI_DONE : cli_fail_error(ctx, &error);
}

void cli_close(cli_context *ctx)
{
    reef_close(ctx->client);
    ctx->client = NULL;
    if (ctx->loaded)
        reef_config_wipe(&ctx->config);
    ctx->loaded = false;
}
