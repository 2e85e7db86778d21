/* SPDX-License-Identifier: Apache-2.0
 *
 * How a command fails: one plain sentence on stderr, or the findings of a knot.toml;
 * with --json also an object on stdout, {"error":…,"code":…,"exit":…}; and the exit
 * code. */
#include "session/cli/cli.h"

#include <string.h>

int cli_exit_of(reef_code code)
{
    switch (code) {
    case REEF_OK:
        return CLI_DONE;
    case REEF_NOT_FOUND:
        return CLI_NOT_FOUND;
    case REEF_BADARG:
    case REEF_BADCONFIG:
        return CLI_USAGE;
    case REEF_DNS:
        return CLI_DNS;
    case REEF_CONNECT:
    case REEF_NOROUTE:
    case REEF_UNSENT:
        return CLI_UNREACHED;
    case REEF_AUTH:
        return CLI_AUTH;
    case REEF_CONFLICT:
    case REEF_REFUSED:
        return CLI_REFUSED;
    case REEF_UNSURE:
        return CLI_UNSURE;
    case REEF_LIMIT:
    case REEF_PROTOCOL:
    case REEF_CORRUPT:
        return CLI_PROTOCOL;
    case REEF_NOMEM:
        return CLI_INCOMPLETE;
    }
    return CLI_INCOMPLETE;
}

static void fail_json_begin(const char *text, const char *code)
{
    fputs("{\"error\":", stdout);
    cli_put_json(stdout, reef_str_of(text));
    fputs(",\"code\":", stdout);
    cli_put_json(stdout, reef_str_of(code));
}

static void fail_json_end(int exit_code)
{
    printf(",\"exit\":%d}\n", exit_code);
}

static void fail_json(const char *text, const char *code, int exit_code)
{
    fail_json_begin(text, code);
    fail_json_end(exit_code);
}

static void fail_say(cli_context *ctx, const char *text)
{
    (void)cli_flush(ctx); /* what was good comes first */
    cli_put_colored(stderr, ctx->color_err, CLI_RED, "reef:");
    fputc(' ', stderr);
    cli_put_text(stderr, reef_str_of(text));
    fputc('\n', stderr);
}

int cli_fail_begin(cli_context *ctx, reef_code code, const char *text)
{
    const char *words = text != NULL && text[0] != '\0' ? text : reef_code_name(code);
    fail_say(ctx, words);
    if (cli_has(ctx, CLI_OPT_JSON))
        fail_json_begin(words, reef_code_name(code));
    return cli_exit_of(code);
}

int cli_fail(cli_context *ctx, reef_code code, const char *text)
{
    int exit_code = cli_fail_begin(ctx, code, text);
    if (cli_has(ctx, CLI_OPT_JSON))
        fail_json_end(exit_code);
    return exit_code;
}

int cli_fail_error(cli_context *ctx, const reef_error *error)
{
    return cli_fail(ctx, error->code, error->text);
}

int cli_fail_settings(cli_context *ctx, const reef_error *error)
{
    int exit_code = cli_exit_of(error->code);
    cli_findings_print(ctx);
    if (cli_has(ctx, CLI_OPT_JSON))
        fail_json(error->text, reef_code_name(error->code), exit_code);
    return exit_code;
}

int cli_usage(cli_context *ctx, const char *before, const char *word, const char *after)
{
    char text[512];
    if (word == NULL)
        (void)snprintf(text, sizeof text, "%s", before);
    else /* a word of any length must not push the advice out */
        (void)snprintf(text, sizeof text, "%s'%.200s'%s", before, word, after);
    fail_say(ctx, text);
    if (cli_has(ctx, CLI_OPT_JSON))
        fail_json(text, "usage", CLI_USAGE);
    return CLI_USAGE;
}
