/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: Redis and Valkey. The raw connection is in raw.c.
 *
 * A server counts as ready once it answers on the unix socket in its own folder: on a
 * TCP port somebody else might answer.
 *
 * States of a server: running (pid > 0), paused (pid > 0, only between pause and
 * resume), down (pid 0). */
#include "test/live/server.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    LIVE_START_TRIES = 20, /* ports tried when another server was faster */
    LIVE_LOG_LINE = 1024
};

/* ---- kinds -------------------------------------------------------------------- */

static bool live_find_one(reef_live_kind *kind, const char *name)
{
    char program[sizeof kind->name + 8];
    snprintf(kind->name, sizeof kind->name, "%s", name);
    snprintf(program, sizeof program, "%s-server", name);
    return reef_live_find_in(getenv("PATH"), program, kind->binary);
}

size_t reef_live_find(reef_live_kind out[REEF_LIVE_KINDS])
{
    const char *ci = getenv("CI");
    size_t count = 0;
    count += live_find_one(&out[count], "redis");
    count += live_find_one(&out[count], "valkey");
    if (count == 0) {
        fail_msg("neither redis-server nor valkey-server is on PATH");
    }
    if (ci && *ci && count < REEF_LIVE_KINDS) {
        fail_msg("CI wants both servers; only %s-server is on PATH", out[0].name);
    }
    return count;
}

void reef_live_each(void (*body)(const reef_live_kind *))
{
    reef_live_kind kinds[REEF_LIVE_KINDS];
    size_t count = reef_live_find(kinds);
    for (size_t i = 0; i < count; i++) {
        print_message("  on %s\n", kinds[i].name);
        body(&kinds[i]);
    }
}

/* ---- configuration ------------------------------------------------------------ */

static void live_write_config(const reef_live_server *server,
                              const reef_live_options *options)
{
    char path[REEF_LIVE_PATH + 16];
    FILE *file;
    snprintf(path, sizeof path, "%s/server.conf", server->folder);
    file = fopen(path, "w");
    if (!file) {
        fail_msg("can't write %s: %s", path, strerror(errno));
        return;
    }
    fprintf(file,
            "bind 127.0.0.1 -::1\nport %u\nunixsocket %s\nunixsocketperm 777\n"
            "dir %s\nlogfile %s/log\ndaemonize no\nprotected-mode no\n",
            (unsigned)server->port, server->socket, server->folder, server->folder);
    if (!options->sentinel) {
        fprintf(file, "save \"\"\nenable-debug-command local\n");
    }
    if (options->password) {
        fprintf(file, "requirepass %s\n", options->password);
    }
    if (options->append_only) {
        fprintf(file, "appendonly yes\nappendfsync always\n");
    }
    if (options->cluster) {
        fprintf(file, "cluster-enabled yes\n");
    }
    if (options->extra) {
        fprintf(file, "%s", options->extra);
    }
    if (fclose(file)) {
        fail_msg("can't write %s: %s", path, strerror(errno));
    }
}

/* ---- processes ---------------------------------------------------------------- */

static void live_spawn(reef_live_server *server)
{
    char config[REEF_LIVE_PATH + 16];
    char mode[] = "--sentinel";
    char *argv[4] = {server->kind.binary, config, NULL, NULL};
    snprintf(config, sizeof config, "%s/server.conf", server->folder);
    if (server->sentinel) {
        argv[2] = mode;
    }
    unlink(server->socket);
    server->pid = reef_live_spawn(argv, "/dev/null");
}

/* One PING on the socket of its own folder; "" while nobody answers there. Does not
 * fail the test: the server may be gone before it was ready. */
static void live_ping(const reef_live_server *server, char *out, size_t cap)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    const struct timeval patience = {.tv_sec = 2, .tv_usec = 0};
    char buffer[64];
    ssize_t len = 0;
    int fd = reef_live_connect(server->socket);
    out[0] = '\0';
    if (fd < 0) {
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send(fd, ping, sizeof ping - 1, MSG_NOSIGNAL) > 0) {
        len = recv(fd, buffer, sizeof buffer, 0);
    }
    close(fd);
    snprintf(out, cap, "%.*s", len > 0 ? (int)len : 0, buffer);
}

static bool live_answers(const void *server)
{
    const reef_live_server *asked = server;
    char answer[64];
    live_ping(asked, answer, sizeof answer);
    return answer[0] && (asked->loading || strncmp(answer, "-LOADING", 8));
}

/* False when the process ended before it answered. */
static bool live_ready(reef_live_server *server)
{
    bool ready = reef_live_await(&server->pid, live_answers, server);
    if (!ready && server->pid) {
        reef_live_show_log(server->folder);
        fail_msg("%s on port %u does not answer", server->kind.name, server->port);
    }
    return ready;
}

static void live_release(void *server)
{
    reef_live_free(server);
}

static uint16_t live_port(const reef_live_options *options)
{
    if (options->port) {
        return options->port;
    }
    return options->cluster ? reef_live_cluster_port() : reef_live_port();
}

reef_live_server *reef_live_start(const reef_live_kind *kind,
                                  const reef_live_options *options)
{
    const reef_live_options none = {0};
    reef_live_server *server = reef_live_remember(sizeof *server, live_release);
    options = options ? options : &none;
    server->kind = *kind;
    server->sentinel = options->sentinel;
    server->loading = options->loading;
    snprintf(server->password, sizeof server->password, "%s",
             options->password ? options->password : "");
    reef_live_make_folder(server->folder, options->sentinel || options->cluster);
    snprintf(server->socket, sizeof server->socket, "%.90s/socket", server->folder);
    for (int i = 0; i < LIVE_START_TRIES; i++) {
        server->port = live_port(options);
        live_write_config(server, options);
        live_spawn(server);
        if (live_ready(server)) {
            return server;
        }
    }
    reef_live_show_log(server->folder);
    fail_msg("%s does not start", kind->binary);
    return NULL;
}

void reef_live_again(reef_live_server *server)
{
    assert_int_equal(server->pid, 0);
    live_spawn(server);
    if (!live_ready(server)) {
        reef_live_show_log(server->folder);
        fail_msg("%s does not start again", server->kind.binary);
    }
}

void reef_live_stop(reef_live_server *server)
{
    reef_live_finish(&server->pid, SIGTERM);
}

void reef_live_kill(reef_live_server *server)
{
    reef_live_finish(&server->pid, SIGKILL);
}

void reef_live_pause(reef_live_server *server)
{
    int status = 0;
    kill(server->pid, SIGSTOP);
    while (waitpid(server->pid, &status, WUNTRACED) < 0 && errno == EINTR) {
    }
    if (!WIFSTOPPED(status)) {
        server->pid = 0;
        fail_msg("%s ended when it was to pause", server->kind.name);
    }
}

void reef_live_resume(reef_live_server *server)
{
    kill(server->pid, SIGCONT);
}

void reef_live_free(reef_live_server *server)
{
    if (!server) {
        return;
    }
    reef_live_finish(&server->pid, SIGKILL);
    reef_live_remove_folder(server->folder);
    reef_live_forget(server);
}

unsigned reef_live_logged(const reef_live_server *server, const char *part)
{
    char path[REEF_LIVE_PATH + 8], line[LIVE_LOG_LINE];
    unsigned count = 0;
    FILE *log;
    snprintf(path, sizeof path, "%s/log", server->folder);
    log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log)) {
        count += strstr(line, part) != NULL;
    }
    fclose(log);
    return count;
}

void reef_live_config(const reef_live_server *server, const char *where,
                      reef_config *out)
{
    bool local = strcmp(where, "unix") == 0;
    reef_config_init(out);
    out->enabled = true;
    out->host_count = 1;
    out->hosts[0].kind = local ? REEF_HOST_UNIX : REEF_HOST_TCP;
    out->hosts[0].port = server->port;
    snprintf(out->hosts[0].name, sizeof out->hosts[0].name, "%s",
             local ? server->socket : where);
    snprintf(out->password, sizeof out->password, "%s", server->password);
}
