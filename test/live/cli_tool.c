/* SPDX-License-Identifier: Apache-2.0
 *
 * fork, exec and pipes around the `reef` command; see the header. */
#define _XOPEN_SOURCE 700
#include "test/live/cli_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/live/server.h"

enum { TOOL_CAP = 1 << 24, TOOL_NOBODY = 65534 };

typedef struct tool_pipes {
    int in[2], out[2], err[2]; /* read end, write end; -1: none */
} tool_pipes;

/* ---- folder and configuration ------------------------------------------------- */

void reef_cli_begin(reef_cli *cli)
{
    memset(cli, 0, sizeof *cli);
    /* TMPDIR may be closed to others, and a run without rights must get there. */
    assert_true(temporary_folder_in(cli->folder, P_tmpdir, "cli"));
    assert_int_equal(chmod(cli->folder, 0755), 0);
    snprintf(cli->file, sizeof cli->file, "%s/knot.toml", cli->folder);
}

void reef_cli_end(reef_cli *cli)
{
    (void)unlink(cli->file);
    assert_int_equal(rmdir(cli->folder), 0);
    free(cli->out);
    free(cli->err);
    memset(cli, 0, sizeof *cli);
}

void reef_cli_config(reef_cli *cli, const char *text)
{
    (void)unlink(cli->file);
    FILE *file = fopen(cli->file, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    cli->configured = true;
}

void reef_cli_host(reef_cli *cli, const char *host, const char *more)
{
    char text[2048];
    int len =
        snprintf(text, sizeof text,
                 "[server.redis]\nenabled = true\nhosts = [\"%s\"]\n%s", host, more);
    assert_true(len > 0 && (size_t)len < sizeof text);
    reef_cli_config(cli, text);
}

/* ---- the child ---------------------------------------------------------------- */

static const char *tool_binary(void)
{
    const char *path = getenv("REEF_BIN");
    return path != NULL && path[0] != '\0' ? path : "build/reef";
}

static void tool_stdout(const reef_cli *cli, const tool_pipes *pipes)
{
    int fd = pipes->out[1];
    if (cli->to == REEF_CLI_FULL)
        fd = open("/dev/full", O_WRONLY);
    if (dup2(fd, 1) != 1 ||
        dup2(cli->to == REEF_CLI_TERMINAL ? fd : pipes->err[1], 2) != 2)
        _exit(126);
    if (cli->to == REEF_CLI_CLOSED)
        (void)close(1);
}

/* In the child: only calls that are safe after fork. The binary is opened before root's
 * rights are dropped, since the tree may be out of the reach of others. */
static void tool_exec(const reef_cli *cli, const tool_pipes *pipes, char *argv[],
                      char *env[])
{
    int binary = open(tool_binary(), O_RDONLY | O_CLOEXEC);
    if (binary < 0 || dup2(pipes->in[0], 0) != 0)
        _exit(126);
    tool_stdout(cli, pipes);
    if (cli->no_stdin)
        (void)close(0);
    const int all[] = {pipes->in[0],  pipes->in[1],  pipes->out[0],
                       pipes->out[1], pipes->err[0], pipes->err[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] > 2)
            (void)close(all[i]);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    if (chdir(cli->folder) != 0)
        _exit(126);
    if (cli->nobody && geteuid() == 0 &&
        (setgid(TOOL_NOBODY) != 0 || setuid(TOOL_NOBODY) != 0))
        _exit(126);
    (void)fexecve(binary, argv, env);
    _exit(127);
}

static void tool_pipe(int ends[2])
{
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++)
        assert_int_not_equal(fcntl(ends[i], F_SETFD, FD_CLOEXEC), -1);
}

static void tool_terminal(int ends[2])
{
    struct termios t;
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
    const char *name = ptsname(ends[0]);
    assert_non_null(name);
    ends[1] = open(name, O_RDWR | O_NOCTTY);
    assert_true(ends[1] >= 0 && tcgetattr(ends[1], &t) == 0);
    t.c_oflag &= ~(tcflag_t)OPOST;
    assert_int_equal(tcsetattr(ends[1], TCSANOW, &t), 0);
}

static void tool_shut(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ---- the parent --------------------------------------------------------------- */

/* Takes what has come; false: the end. */
static bool tool_take(int fd, char **text, size_t *len)
{
    char chunk[65536];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    assert_true(*len + (size_t)n < TOOL_CAP);
    *text = realloc(*text, *len + (size_t)n + 1);
    assert_non_null(*text);
    memcpy(*text + *len, chunk, (size_t)n);
    *len += (size_t)n;
    (*text)[*len] = '\0';
    return true;
}

static void tool_give(const reef_cli *cli, int *fd, size_t *given)
{
    size_t left = cli->input.len - *given;
    ssize_t n = left > 0 ? write(*fd, cli->input.ptr + *given, left) : 0;
    if (n > 0)
        *given += (size_t)n;
    if (*given == cli->input.len && cli->endless)
        *given = 0;
    if ((n < 0 && errno != EINTR && errno != EAGAIN) || *given == cli->input.len)
        tool_shut(fd);
}

/* Feeds and reads until both outputs have ended. */
static void tool_pump(reef_cli *cli, tool_pipes *pipes, pid_t pid)
{
    size_t given = 0, err_len = 0;
    int64_t until_ms = reef_live_now_ms() + REEF_CLI_WAIT_MS;
    int flags = fcntl(pipes->in[1], F_GETFL);
    assert_int_not_equal(fcntl(pipes->in[1], F_SETFL, flags | O_NONBLOCK), -1);
    while (pipes->out[0] >= 0 || pipes->err[0] >= 0) {
        struct pollfd fds[3] = {{pipes->in[1], POLLOUT, 0},
                                {pipes->out[0], POLLIN, 0},
                                {pipes->err[0], POLLIN, 0}};
        if (reef_live_now_ms() > until_ms) {
            (void)kill(pid, SIGKILL);
            fail_msg("reef did not end; so far: %s", cli->err);
        }
        if (poll(fds, 3, 1000) <= 0)
            continue;
        if (fds[0].revents != 0)
            tool_give(cli, &pipes->in[1], &given);
        if (fds[1].revents != 0 && !tool_take(pipes->out[0], &cli->out, &cli->out_len))
            tool_shut(&pipes->out[0]);
        if (fds[2].revents != 0 && !tool_take(pipes->err[0], &cli->err, &err_len))
            tool_shut(&pipes->err[0]);
    }
}

static void tool_reap(reef_cli *cli, pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) == -1)
        assert_int_equal(errno, EINTR);
    cli->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (cli->code == 126 || cli->code == 127)
        fail_msg("%s could not be run", tool_binary());
}

static char *tool_empty(void)
{
    char *text = calloc(1, 1);
    assert_non_null(text);
    return text;
}

static void tool_start(reef_cli *cli, char *argv[], char *env[])
{
    tool_pipes pipes;
    free(cli->out);
    free(cli->err);
    cli->out = tool_empty();
    cli->err = tool_empty();
    cli->out_len = 0;
    tool_pipe(pipes.in);
    tool_pipe(pipes.err);
    if (cli->to == REEF_CLI_TERMINAL)
        tool_terminal(pipes.out);
    else
        tool_pipe(pipes.out);
    if (cli->to == REEF_CLI_GONE)
        tool_shut(&pipes.out[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0)
        tool_exec(cli, &pipes, argv, env);
    tool_shut(&pipes.in[0]);
    tool_shut(&pipes.out[1]);
    tool_shut(&pipes.err[1]);
    tool_pump(cli, &pipes, pid);
    tool_shut(&pipes.in[1]);
    tool_reap(cli, pid);
}

/* What the sanitizers are told in the test's environment holds for the child, too. */
static size_t tool_inherit(char *env[], char texts[][512], size_t count)
{
    static const char *const names[] = {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                        "TSAN_OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL)
            continue;
        snprintf(texts[i], 512, "%s=%s", names[i], value);
        env[count++] = texts[i];
    }
    return count;
}

void reef_cli_words(reef_cli *cli, const char *const words[])
{
    char *argv[REEF_CLI_ARGS + 4] = {0};
    char *env[REEF_CLI_ENV + 8] = {0};
    char texts[4][512], home[TEMPORARY_INSIDE];
    size_t args = 0, vars = 0;
    char name[] = "reef", option[] = "-c", term[] = "TERM=xterm";
    argv[args++] = name;
    if (cli->configured) {
        argv[args++] = option;
        argv[args++] = cli->file;
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(i < REEF_CLI_ARGS);
        argv[args++] = strdup(words[i]);
    }
    snprintf(home, sizeof home, "HOME=%s", cli->folder);
    env[vars++] = home;
    env[vars++] = term;
    vars = tool_inherit(env, texts, vars);
    size_t own = vars;
    for (size_t i = 0; i < REEF_CLI_ENV && cli->env[i] != NULL; i++)
        env[vars++] = strdup(cli->env[i]);
    tool_start(cli, argv, env);
    for (size_t i = cli->configured ? 3 : 1; i < args; i++)
        free(argv[i]);
    for (size_t i = own; i < vars; i++)
        free(env[i]);
}

void reef_cli_run(reef_cli *cli, const char *line)
{
    const char *words[REEF_CLI_ARGS + 1] = {0};
    char *copy = strdup(line), *at = copy;
    assert_non_null(copy);
    for (size_t i = 0; *at != '\0'; i++) {
        assert_true(i < REEF_CLI_ARGS);
        words[i] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    reef_cli_words(cli, words);
    free(copy);
}

/* ---- comparing ---------------------------------------------------------------- */

void reef_cli_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

void reef_cli_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in: %s", part, text);
}

void reef_cli_prints(reef_cli *cli, const char *line, const char *out)
{
    reef_cli_run(cli, line);
    if (cli->code != 0)
        fail_msg("reef %s: exit code %d, %s", line, cli->code, cli->err);
    assert_string_equal(cli->out, out);
    assert_string_equal(cli->err, "");
}

void reef_cli_fails(reef_cli *cli, const char *line, int code, const char *part)
{
    reef_cli_run(cli, line);
    if (cli->code != code)
        fail_msg("reef %s: exit code %d, not %d: %s", line, cli->code, code, cli->err);
    assert_int_equal(strncmp(cli->err, "reef: ", 6), 0);
    reef_cli_has(cli->err, part);
    assert_ptr_equal(strchr(cli->err, '\n'), cli->err + strlen(cli->err) - 1);
}

void reef_cli_refuses(reef_cli *cli, const char *line, const char *part)
{
    reef_cli_run(cli, line);
    if (cli->code != 2)
        fail_msg("reef %s: exit code %d, not 2: %s", line, cli->code, cli->err);
    reef_cli_has(cli->err, ": error: ");
    reef_cli_has(cli->err, part);
    reef_cli_has_not(cli->err, "reef: ");
}
