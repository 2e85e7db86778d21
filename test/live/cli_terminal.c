/* SPDX-License-Identifier: Apache-2.0
 *
 * The `reef` command at a terminal, on real servers: colours, what it never shows as it
 * is, and its sign of life. */
#include "test/live/cli_tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "test/live/server.h"

typedef struct terminal_place {
    reef_live_server *server;
    reef_cli cli;
} terminal_place;

static void terminal_begin(terminal_place *p, const reef_live_kind *kind)
{
    char host[32];
    p->server = reef_live_start(kind, NULL);
    reef_cli_begin(&p->cli);
    snprintf(host, sizeof host, "127.0.0.1:%u", (unsigned)p->server->port);
    reef_cli_host(&p->cli, host, "");
}

static void terminal_end(terminal_place *p)
{
    reef_cli_end(&p->cli);
    reef_live_free(p->server);
}

static void terminal_output_kind(const reef_live_kind *kind)
{
    terminal_place p;
    terminal_begin(&p, kind);
    reef_cli *cli = &p.cli;
    cli->to = REEF_CLI_TERMINAL;
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "\033[32mgood\033[0m");
    reef_cli_run(cli, "check --no-color");
    reef_cli_has_not(cli->out, "\033");
    cli->env[0] = "NO_COLOR=1";
    reef_cli_run(cli, "check");
    reef_cli_has_not(cli->out, "\033");
    /* What a browser sent can't steer a terminal; a program gets knot's bytes. */
    reef_cli_run(cli, "session new --json --user u --agent \302\2332J\342\200\256\177");
    reef_cli_has(cli->out, "\"user_agent\":\"\\u009b2J\\u202e\\u007f\"");
    reef_cli_has_not(cli->out, "\302\233");
    cli->to = REEF_CLI_PIPE;
    reef_cli_run(cli, "session list --json --user u");
    reef_cli_has(cli->out, "\"user_agent\":\"\302\2332J\342\200\256\177\"");
    terminal_end(&p);
}

static void terminal_output(void **state)
{
    (void)state;
    reef_live_each(terminal_output_kind);
}

/* A server that stands still: a sign of life on a terminal, none in a pipe, and an end
 * by the deadline. */
static void terminal_progress_kind(const reef_live_kind *kind)
{
    terminal_place p;
    terminal_begin(&p, kind);
    reef_cli *cli = &p.cli;
    reef_live_pause(p.server);
    cli->to = REEF_CLI_TERMINAL;
    reef_cli_run(cli, "session list --all --timeout 4s");
    assert_int_equal(cli->code, 4);
    reef_cli_has(cli->out, "reef: listing sessions, 2 s");
    cli->to = REEF_CLI_PIPE;
    reef_cli_fails(cli, "session revoke --user u --timeout 300ms", 4, "reef: ");
    reef_live_resume(p.server);
    reef_cli_prints(cli, "session revoke --user u", "revoked 0 sessions\n");
    terminal_end(&p);
}

static void terminal_progress(void **state)
{
    (void)state;
    reef_live_each(terminal_progress_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminal_output),
        cmocka_unit_test(terminal_progress),
    };
    return cmocka_run_group_tests_name("cli_terminal", tests, NULL, NULL);
}
