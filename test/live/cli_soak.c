/* SPDX-License-Identifier: Apache-2.0
 *
 * reef soak on real servers: a run without any trouble, one with a kill -9 in its
 * middle, one that Ctrl-C ends, one at a terminal, and servers that can't be used. What
 * it prints for programs is read by the server's own JSON reader. */
#include "test/live/cli_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "session/cli/cli.h"
#include "test/live/server.h"

enum { SOAK_LIVE_WORDS = 12 };

typedef struct soaked {
    reef_live_server *server;
    reef_cli cli;
    pid_t pid; /* of a soak that runs meanwhile */
    char out[REEF_LIVE_PATH + 8];
    char text[1 << 16]; /* what it printed */
} soaked;

static soaked *soak_begin(const reef_live_kind *kind, const reef_live_options *options,
                          const char *more)
{
    soaked *s = calloc(1, sizeof *s);
    char host[32];
    assert_non_null(s);
    s->server = reef_live_start(kind, options);
    reef_cli_begin(&s->cli);
    snprintf(host, sizeof host, "127.0.0.1:%u", (unsigned)s->server->port);
    reef_cli_host(&s->cli, host, more);
    snprintf(s->out, sizeof s->out, "%s/soak", s->server->folder);
    return s;
}

static void soak_end(soaked *s)
{
    reef_cli_end(&s->cli);
    reef_live_free(s->server);
    free(s);
}

/* The built command, as cli_tool.c finds it. */
static const char *soak_binary(void)
{
    const char *path = getenv("REEF_BIN");
    return path != NULL && path[0] != '\0' ? path : "build/reef";
}

/* Runs it with these options while the test goes on. */
static void soak_start(soaked *s, const char *line)
{
    char words[256], *argv[SOAK_LIVE_WORDS + 5] = {0}, *at = words;
    char file[] = "-c", command[] = "soak";
    size_t count = 0;
    char *binary = strdup(soak_binary());
    assert_non_null(binary);
    snprintf(words, sizeof words, "%s", line);
    argv[count++] = binary;
    argv[count++] = file;
    argv[count++] = s->cli.file;
    argv[count++] = command;
    while (*at != '\0') {
        assert_true(count < SOAK_LIVE_WORDS);
        argv[count++] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    (void)unlink(s->out);
    s->pid = reef_live_spawn(argv, s->out);
    free(binary);
}

/* Waits for its end; the exit code, and what it printed in `text`. */
static int soak_join(soaked *s)
{
    int status = 0;
    int64_t limit = reef_live_now_ms() + 2 * REEF_LIVE_WAIT_MS;
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        if (reef_live_now_ms() > limit) {
            reef_live_finish(&s->pid, SIGKILL);
            fail_msg("reef soak did not end");
        }
        reef_live_nap();
    }
    FILE *file = fopen(s->out, "r");
    assert_non_null(file);
    s->text[fread(s->text, 1, sizeof s->text - 1, file)] = '\0';
    fclose(file);
    if (!WIFEXITED(status))
        fail_msg("reef soak was ended by a signal: %s", s->text);
    return WEXITSTATUS(status);
}

/* A number of the object on the last line; "a.b" is a member of a member. -1: none. */
static double soak_number(soaked *s, const char *json, const char *name)
{
    static const char script[] =
        "local v = cjson.decode(ARGV[1])\n"
        "for part in string.gmatch(ARGV[2], '[^.]+') do v = v and v[part] end\n"
        "return v == nil and '-1' or tostring(v)";
    const char *const args[] = {"EVAL", script, "0", json, name};
    int fd = reef_live_dial(s->server);
    assert_true(fd >= 0);
    char *reply = reef_live_ask_on(fd, args, 5, NULL);
    (void)close(fd);
    double value;
    if (sscanf(reply, "%lf", &value) != 1)
        fail_msg("%s is %s in: %s", name, reply, json);
    free(reply);
    return value;
}

/* Nothing in this summary may be wrong, and the server is clean again. */
static void soak_was_good(soaked *s, const char *json)
{
    static const char *const zeros[] = {"error_count", "wrong_caller", "missing_writes",
                                        "ran_twice",   "unchecked",    "exit"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        if (soak_number(s, json, zeros[i]) != 0)
            fail_msg("%s is not 0: %s", zeros[i], json);
    }
    double calls = soak_number(s, json, "calls");
    assert_true(calls > 0);
    assert_true(calls ==
                soak_number(s, json, "ok") + soak_number(s, json, "unsure_settled"));
    assert_int_equal(reef_live_number(s->server, "DBSIZE"), 0);
}

/* ---- without trouble ---------------------------------------------------------- */

static void soak_clean_kind(const reef_live_kind *kind)
{
    soaked *s = soak_begin(kind, NULL, "key_prefix = \"knot\"\nlanes = 2\n");
    reef_cli *cli = &s->cli;
    reef_cli_run(cli, "soak --seconds 1 --threads 4 --json");
    assert_int_equal(cli->code, 0);
    assert_string_equal(cli->err, "");
    assert_ptr_equal(strchr(cli->out, '\n'), cli->out + strlen(cli->out) - 1);
    soak_was_good(s, cli->out);
    assert_true(soak_number(s, cli->out, "calls") > 50);
    assert_true(soak_number(s, cli->out, "seconds") >= 1);
    assert_true(soak_number(s, cli->out, "threads") == 4);
    assert_true(soak_number(s, cli->out, "latency_ms.p50") > 0);
    assert_true(soak_number(s, cli->out, "latency_ms.max") >=
                soak_number(s, cli->out, "latency_ms.p99_9"));
    assert_true(soak_number(s, cli->out, "events.connected") == 2);
    assert_true(soak_number(s, cli->out, "events.lost") == 0);
    /* At a rate: no more calls than that, and the last look apart. */
    reef_cli_run(cli, "soak --seconds 1 --threads 2 --rate 50 --json");
    soak_was_good(s, cli->out);
    assert_true(soak_number(s, cli->out, "calls") <= 50);
    assert_true(soak_number(s, cli->out, "calls_per_second") <= 50);
    assert_true(soak_number(s, cli->out, "checked") >= 2);
    assert_string_equal(cli->err, ""); /* no events */
    reef_cli_run(cli, "soak --seconds 1 --threads 2 --rate 50");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "soak of 1 s with 2 threads, 50 calls a second, on ");
    reef_cli_has(cli->out, "; all keys begin with knot:reef-soak:");
    reef_cli_has(cli->out, "commands that ran twice     none\n");
    reef_cli_has(cli->out, "good: nothing was wrong\n");
    reef_cli_has(cli->err, " s  connected 127.0.0.1:");
    assert_int_equal(reef_live_number(s->server, "DBSIZE"), 0);
    soak_end(s);
}

static void soak_clean(void **state)
{
    (void)state;
    reef_live_each(soak_clean_kind);
}

static void soak_terminal_kind(const reef_live_kind *kind)
{
    soaked *s = soak_begin(kind, NULL, "");
    s->cli.to = REEF_CLI_TERMINAL;
    reef_cli_run(&s->cli, "soak --seconds 2 --threads 2 --rate 100");
    assert_int_equal(s->cli.code, 0);
    reef_cli_has(s->cli.out, " s  \033[32mconnected\033[0m 127.0.0.1:");
    reef_cli_has(s->cli.out, "\rreef: ");
    reef_cli_has(s->cli.out, " of 2 s, ");
    reef_cli_has(s->cli.out, " calls/s, 0 errors, p99 ");
    reef_cli_has(s->cli.out, "\033[32mgood\033[0m: nothing was wrong\n");
    soak_end(s);
}

static void soak_terminal(void **state)
{
    (void)state;
    reef_live_each(soak_terminal_kind);
}

/* ---- with trouble ------------------------------------------------------------- */

/* kill -9 with an append-only file that is written before each answer: no acknowledged
 * write may be missing, nothing may run twice, and the gap is seen. */
static void soak_kill_kind(const reef_live_kind *kind)
{
    const reef_live_options options = {.append_only = true};
    soaked *s = soak_begin(kind, &options, "");
    soak_start(s, "--seconds 4 --threads 8 --timeout 20s --json");
    reef_live_until(s->server, "INFO commandstats", "cmdstat_del:", false);
    int64_t killed_ms = reef_live_now_ms();
    reef_live_kill(s->server);
    int64_t down_ms = reef_live_now_ms();
    reef_live_again(s->server);
    reef_live_until(s->server, "INFO commandstats", "cmdstat_incr:", false);
    int64_t back_ms = reef_live_now_ms();
    assert_int_equal(soak_join(s), 0);
    soak_was_good(s, s->text);
    assert_true(soak_number(s, s->text, "events.connected") >= 2);
    assert_true(soak_number(s, s->text, "events.lost") >= 1);
    double gap_ms = soak_number(s, s->text, "longest_gap_ms");
    if (gap_ms > (double)(back_ms - killed_ms) + 1000)
        fail_msg("%.0f ms without a success; it was down for %d ms", gap_ms,
                 (int)(back_ms - down_ms));
    assert_true(gap_ms > 1);
    soak_end(s);
}

static void soak_kill(void **state)
{
    (void)state;
    reef_live_each(soak_kill_kind);
}

/* A server that forgets all it acknowledged is told from one that ran things twice. */
static void soak_forgets_kind(const reef_live_kind *kind)
{
    soaked *s = soak_begin(kind, NULL, "");
    soak_start(s, "--seconds 3 --threads 4 --timeout 20s --json");
    reef_live_until(s->server, "INFO commandstats", "cmdstat_del:", false);
    reef_live_kill(s->server);
    reef_live_again(s->server);
    assert_int_equal(soak_join(s), CLI_PROTOCOL);
    assert_true(soak_number(s, s->text, "missing_writes") >= 4);
    assert_true(soak_number(s, s->text, "ran_twice") == 0);
    assert_true(soak_number(s, s->text, "wrong_caller") == 0);
    assert_true(soak_number(s, s->text, "error_count") == 0);
    assert_true(soak_number(s, s->text, "exit") == CLI_PROTOCOL);
    reef_cli_has(s->text, "acknowledged write");
    soak_end(s);
}

static void soak_forgets(void **state)
{
    (void)state;
    reef_live_each(soak_forgets_kind);
}

/* Ctrl-C long before its time: the summary all the same. */
static void soak_interrupted_kind(const reef_live_kind *kind)
{
    soaked *s = soak_begin(kind, NULL, "");
    soak_start(s, "--seconds 600 --rate 400 --json");
    reef_live_until(s->server, "INFO commandstats", "cmdstat_del:", false);
    assert_int_equal(kill(s->pid, SIGINT), 0);
    assert_int_equal(soak_join(s), 0);
    reef_cli_has(s->text, ",\"interrupted\":true,");
    assert_true(soak_number(s, s->text, "seconds") < 100);
    soak_was_good(s, s->text);
    soak_end(s);
}

static void soak_interrupted(void **state)
{
    (void)state;
    reef_live_each(soak_interrupted_kind);
}

/* ---- what can't be used ------------------------------------------------------- */

static void soak_unusable_kind(const reef_live_kind *kind)
{
    const reef_live_options options = {.password = "right",
                                       .extra = "user ann on >own ~other:* +@all\n"};
    soaked *s = soak_begin(kind, &options, "password = \"wrong\"\n");
    reef_cli *cli = &s->cli;
    int64_t begin_ms = reef_live_now_ms();
    reef_cli_fails(cli, "soak --seconds 600", CLI_AUTH, "");
    reef_cli_fails(cli, "soak --seconds 600 --json", CLI_AUTH, "");
    reef_cli_has(cli->out, ",\"exit\":5}\n");
    cli->env[0] = "KNOT_REDIS_USERNAME=ann";
    cli->env[1] = "KNOT_REDIS_PASSWORD=own";
    reef_cli_fails(cli, "soak --seconds 600", CLI_REFUSED, "NOPERM");
    assert_string_equal(cli->out, "");
    cli->env[2] = "KNOT_REDIS_KEY_PREFIX=other"; /* all of it is below the prefix */
    reef_cli_run(cli, "soak --seconds 1 --rate 100 --json");
    assert_int_equal(cli->code, 0);
    assert_true(reef_live_now_ms() - begin_ms < 600000);
    reef_live_stop(s->server);
    reef_cli_fails(cli, "soak --seconds 600 --timeout 300ms", CLI_UNREACHED, "refused");
    soak_end(s);
}

static void soak_unusable(void **state)
{
    (void)state;
    reef_live_each(soak_unusable_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soak_clean),       cmocka_unit_test(soak_terminal),
        cmocka_unit_test(soak_kill),        cmocka_unit_test(soak_forgets),
        cmocka_unit_test(soak_interrupted), cmocka_unit_test(soak_unusable),
    };
    return cmocka_run_group_tests_name("cli_soak", tests, NULL, NULL);
}
