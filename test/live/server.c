/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: processes. The raw connection is in raw.c.
 *
 * A server counts as ready once it answers on the unix socket in its own folder: on a
 * TCP port somebody else might answer. Ports are drawn below the range that outgoing
 * connections take, so that a restarted server finds its port free.
 *
 * States of a server: running (pid > 0), paused (pid > 0, only between pause and
 * resume), down (pid 0). */
#include "test/live/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    LIVE_PORT_FIRST = 15000,
    LIVE_PORT_COUNT = 12000,
    LIVE_START_TRIES = 20, /* ports tried when another server was faster */
    LIVE_FD_MAX = 1024,    /* descriptors that a child closes */
    LIVE_LOG_TAIL = 1500
};

/* What is to be cleared away when the program ends, whatever became of its tests. */
static reef_live_server *live_servers[REEF_LIVE_SERVERS];

int64_t reef_live_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void reef_live_nap(void)
{
    const struct timespec nap = {.tv_sec = 0, .tv_nsec = 5000000};
    nanosleep(&nap, NULL);
}

/* ---- kinds -------------------------------------------------------------------- */

static bool live_find_one(reef_live_kind *kind, const char *name)
{
    const char *path = getenv("PATH");
    snprintf(kind->name, sizeof kind->name, "%s", name);
    while (path && *path) {
        int len = (int)strcspn(path, ":");
        int made = snprintf(kind->binary, sizeof kind->binary, "%.*s/%s-server", len,
                            path, name);
        if (made > 0 && (size_t)made < sizeof kind->binary &&
            access(kind->binary, X_OK) == 0) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
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

/* ---- folder and configuration ------------------------------------------------- */

static void live_remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(folder);
}

/* A server makes one folder of its own in there, for its append-only files. */
static void live_remove_folder(const char *folder)
{
    char inner[REEF_LIVE_PATH + 16];
    snprintf(inner, sizeof inner, "%s/appendonlydir", folder);
    live_remove_files(inner);
    live_remove_files(folder);
}

static void live_make_folder(reef_live_server *server)
{
    const char *base = getenv("TMPDIR");
    /* A socket's path has 107 bytes at most; a long TMPDIR can't hold one. */
    if (!base || !*base || strlen(base) > 80) {
        base = "/tmp";
    }
    snprintf(server->folder, sizeof server->folder, "%s/reef-live-XXXXXX", base);
    if (!mkdtemp(server->folder)) {
        fail_msg("no folder %s: %s", server->folder, strerror(errno));
    }
    snprintf(server->socket, sizeof server->socket, "%.90s/socket", server->folder);
}

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
    if (options->extra) {
        fprintf(file, "%s", options->extra);
    }
    if (fclose(file)) {
        fail_msg("can't write %s: %s", path, strerror(errno));
    }
}

/* The end of the server's log, for the text of a failure. */
static void live_show_log(const reef_live_server *server)
{
    char path[REEF_LIVE_PATH + 16], text[LIVE_LOG_TAIL + 1];
    FILE *file;
    size_t len;
    snprintf(path, sizeof path, "%s/log", server->folder);
    file = fopen(path, "r");
    if (!file) {
        return;
    }
    if (fseek(file, -LIVE_LOG_TAIL, SEEK_END)) {
        rewind(file);
    }
    len = fread(text, 1, LIVE_LOG_TAIL, file);
    text[len] = '\0';
    fclose(file);
    print_error("the end of %s:\n%s\n", path, text);
}

/* ---- ports -------------------------------------------------------------------- */

static bool live_can_bind(int family, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_storage place;
    socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
    int one = 1;
    int fd = socket(family, SOCK_STREAM, 0);
    bool good;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    memset(&place, 0, sizeof place);
    memcpy(&place, family == AF_INET ? (const void *)&v4 : (const void *)&v6, len);
    if (fd < 0) {
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    good = bind(fd, (const struct sockaddr *)&place, len) == 0 && listen(fd, 1) == 0;
    close(fd);
    return good;
}

bool reef_live_has_ipv6(void)
{
    return live_can_bind(AF_INET6, 0);
}

static uint16_t live_draw_port(void)
{
    bool v6 = reef_live_has_ipv6();
    struct timespec now;
    unsigned long long mix;
    clock_gettime(CLOCK_REALTIME, &now);
    mix = (unsigned long long)now.tv_nsec * 2654435761ULL +
          (unsigned long long)getpid() * 40503ULL;
    mix ^= mix >> 17;
    for (unsigned i = 0; i < LIVE_PORT_COUNT; i++) {
        uint16_t port = (uint16_t)(LIVE_PORT_FIRST + (mix + i) % LIVE_PORT_COUNT);
        if (live_can_bind(AF_INET, port) && (!v6 || live_can_bind(AF_INET6, port))) {
            return port;
        }
    }
    fail_msg("no free port");
    return 0;
}

/* ---- processes ---------------------------------------------------------------- */

/* Runs between fork and exec: async-signal-safe calls only. */
static void live_child(pid_t parent, int null, char *const argv[])
{
    if (setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) {
        _exit(126);
    }
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    for (int fd = 3; fd < LIVE_FD_MAX; fd++) {
        close(fd);
    }
    execv(argv[0], argv);
    _exit(127);
}

static void live_spawn(reef_live_server *server)
{
    char config[REEF_LIVE_PATH + 16];
    char mode[] = "--sentinel";
    char *argv[4] = {server->kind.binary, config, NULL, NULL};
    pid_t parent = getpid();
    int null = open("/dev/null", O_RDWR);
    snprintf(config, sizeof config, "%s/server.conf", server->folder);
    if (server->sentinel) {
        argv[2] = mode;
    }
    unlink(server->socket);
    server->pid = fork();
    if (server->pid == 0) {
        live_child(parent, null, argv);
    }
    close(null);
    if (server->pid < 0) {
        server->pid = 0;
        fail_msg("fork: %s", strerror(errno));
    }
}

/* True when the process has ended by itself. */
static bool live_ended(reef_live_server *server)
{
    int status;
    if (server->pid && waitpid(server->pid, &status, WNOHANG) == server->pid) {
        server->pid = 0;
    }
    return server->pid == 0;
}

/* Ends and reaps the process: SIGKILL when the signal did not do it in time. */
static void live_end(reef_live_server *server, int sig)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    int status;
    if (!server->pid) {
        return;
    }
    kill(server->pid, sig);
    while (sig != SIGKILL && !live_ended(server) && reef_live_now_ms() < limit) {
        reef_live_nap();
    }
    if (server->pid) {
        kill(server->pid, SIGKILL);
        while (waitpid(server->pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    server->pid = 0;
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

/* False when the process ended before it answered. */
static bool live_ready(reef_live_server *server)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    char answer[64];
    while (reef_live_now_ms() < limit) {
        if (live_ended(server)) {
            return false;
        }
        live_ping(server, answer, sizeof answer);
        if (answer[0] && (server->loading || strncmp(answer, "-LOADING", 8))) {
            return true;
        }
        reef_live_nap();
    }
    live_show_log(server);
    fail_msg("%s on port %u does not answer", server->kind.name, server->port);
    return false;
}

static void live_clear_all(void)
{
    for (size_t i = 0; i < REEF_LIVE_SERVERS; i++) {
        reef_live_free(live_servers[i]);
    }
}

/* A place in the list, so that a failed test leaves nothing behind. */
static reef_live_server *live_register(void)
{
    static bool armed;
    if (!armed) {
        armed = true;
        atexit(live_clear_all);
    }
    for (size_t i = 0; i < REEF_LIVE_SERVERS; i++) {
        if (!live_servers[i]) {
            return live_servers[i] = calloc(1, sizeof *live_servers[i]);
        }
    }
    fail_msg("more than %d servers at once", REEF_LIVE_SERVERS);
    return NULL;
}

reef_live_server *reef_live_start(const reef_live_kind *kind,
                                  const reef_live_options *options)
{
    const reef_live_options none = {0};
    reef_live_server *server = live_register();
    assert_non_null(server);
    options = options ? options : &none;
    server->kind = *kind;
    server->sentinel = options->sentinel;
    server->loading = options->loading;
    snprintf(server->password, sizeof server->password, "%s",
             options->password ? options->password : "");
    live_make_folder(server);
    for (int i = 0; i < LIVE_START_TRIES; i++) {
        server->port = options->port ? options->port : live_draw_port();
        live_write_config(server, options);
        live_spawn(server);
        if (live_ready(server)) {
            return server;
        }
    }
    live_show_log(server);
    fail_msg("%s does not start", kind->binary);
    return NULL;
}

void reef_live_again(reef_live_server *server)
{
    assert_int_equal(server->pid, 0);
    live_spawn(server);
    if (!live_ready(server)) {
        live_show_log(server);
        fail_msg("%s does not start again", server->kind.binary);
    }
}

void reef_live_stop(reef_live_server *server)
{
    live_end(server, SIGTERM);
}

void reef_live_kill(reef_live_server *server)
{
    live_end(server, SIGKILL);
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
    live_end(server, SIGKILL);
    live_remove_folder(server->folder);
    for (size_t i = 0; i < REEF_LIVE_SERVERS; i++) {
        if (live_servers[i] == server) {
            live_servers[i] = NULL;
        }
    }
    free(server);
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
