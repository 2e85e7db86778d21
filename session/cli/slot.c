/* SPDX-License-Identifier: Apache-2.0
 *
 * reef slot: where a cluster keeps a key. Needs no settings and no server. */
#include "session/cli/cli.h"

int cli_slot_run(cli_context *ctx)
{
    bool json = cli_has(ctx, CLI_OPT_JSON);
    for (int i = 0; i < ctx->arg_count; i++) {
        reef_str key = reef_str_of(ctx->args[i]);
        unsigned slot = (unsigned)reef_key_slot(key);
        if (json) {
            fputs("{\"key\":", stdout);
            cli_put_json(stdout, key);
            printf(",\"slot\":%u}", slot);
        } else {
            printf("%u", slot);
        }
        if (!json && ctx->arg_count > 1) {
            fputs("  ", stdout);
            cli_put_text(stdout, key);
        }
        fputc('\n', stdout);
    }
    return CLI_DONE;
}
