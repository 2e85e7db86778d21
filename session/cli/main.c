/* SPDX-License-Identifier: Apache-2.0
 *
 * The `reef` command: sets the process up, reads the command line, runs one command.
 *
 * Invariants: one exit, through cli_finish, so that output which could not be written
 * is never taken for done; file descriptors 0 to 2 are taken before any socket is made,
 * so that no reply is written into a connection; secrets are wiped before the end. */
#include "session/cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* A standard descriptor that is closed is filled so that using it fails cleanly. */
static void main_fill_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

/* A reader that has gone must end the output, not a revocation half-way. */
static void main_ignore_sigpipe(void)
{
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static bool main_color(const cli_context *ctx, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (cli_has(ctx, CLI_OPT_NO_COLOR) || (no_color != NULL && no_color[0] != '\0'))
        return false;
    return isatty(fd) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

static int main_dispatch(cli_context *ctx)
{
    if (cli_has(ctx, CLI_OPT_HELP)) {
        if (ctx->command != NULL)
            return cli_help_command(stdout, ctx, ctx->command);
        if (ctx->arg_count > 0 && cli_help_group(stdout, ctx, ctx->args[0]))
            return CLI_DONE;
        return cli_help_main(stdout, ctx);
    }
    if (cli_has(ctx, CLI_OPT_VERSION)) {
        printf("reef %s\n", REEF_VERSION);
        return CLI_DONE;
    }
    return ctx->command->run(ctx);
}

int main(int argc, char *argv[])
{
    cli_context ctx;
    memset(&ctx, 0, sizeof ctx);
    ctx.env = (const char *const *)environ;
    main_fill_descriptors();
    main_ignore_sigpipe();
    int code = cli_options_read(&ctx, argc, argv);
    ctx.color_out = main_color(&ctx, 1);
    ctx.color_err = main_color(&ctx, 2);
    if (code == CLI_DONE)
        code = main_dispatch(&ctx);
    cli_close(&ctx);
    return cli_finish(&ctx, code);
}
