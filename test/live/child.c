/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: their processes, folders and ports.
 *
 * Ports are drawn below the range that outgoing connections take, so that a restarted
 * server finds its port free. Those of Clusters are claimed as well: a node that is
 * down must not be answered for by somebody else's server, which would be believed. */
#include "test/live/child.h"
#include "test/tool/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    CHILD_PORT_FIRST = 15000,
    CHILD_PORT_COUNT = 17000,
    CHILD_CLUSTER_COUNT = 7000,
    CHILD_BUS = 10000,     /* from a node's port to that of its bus */
    CHILD_FD_MAX = 1024,   /* descriptors that a child closes */
    CHILD_PATH_MAX = 1024, /* of what a server makes in its folder */
    CHILD_LOG_TAIL = 1500
};

int64_t reef_live_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t reef_live_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void reef_live_nap(void)
{
    const struct timespec nap = {.tv_sec = 0, .tv_nsec = 5000000};
    nanosleep(&nap, NULL);
}

/* ---- programs and folders ----------------------------------------------------- */

bool reef_live_find_in(const char *folders, const char *program,
                       char out[REEF_NAME_MAX])
{
    while (folders && *folders) {
        int len = (int)strcspn(folders, ":");
        int made = snprintf(out, REEF_NAME_MAX, "%.*s/%s", len, folders, program);
        if (made > 0 && made < REEF_NAME_MAX && access(out, X_OK) == 0) {
            return true;
        }
        folders += len + (folders[len] == ':');
    }
    return false;
}

void reef_live_make_folder(char out[REEF_LIVE_PATH], bool memory)
{
    bool shared = memory && access("/dev/shm", W_OK | X_OK) == 0;
    bool made = shared ? temporary_folder_in(out, "/dev/shm", "live")
                       : temporary_folder(out, "live");
    if (!made) {
        fail_msg("no folder %s: %s", out, strerror(errno));
    }
}

void reef_live_remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[CHILD_PATH_MAX];
        struct stat is;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (lstat(path, &is) == 0 && S_ISDIR(is.st_mode)) {
            reef_live_remove_folder(path);
        } else {
            unlink(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(folder);
}

void reef_live_show_log(const char *folder)
{
    char path[REEF_LIVE_PATH + 16], text[CHILD_LOG_TAIL + 1];
    FILE *file;
    size_t len;
    snprintf(path, sizeof path, "%s/log", folder);
    file = fopen(path, "r");
    if (!file) {
        return;
    }
    if (fseek(file, -CHILD_LOG_TAIL, SEEK_END)) {
        rewind(file);
    }
    len = fread(text, 1, CHILD_LOG_TAIL, file);
    text[len] = '\0';
    fclose(file);
    print_error("the end of %s:\n%s\n", path, text);
}

/* ---- ports -------------------------------------------------------------------- */

static bool child_can_bind(int family, int type, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const void *place = family == AF_INET ? (const void *)&v4 : (const void *)&v6;
    socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
    int one = 1;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    bool good;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    if (fd < 0) {
        return false;
    }
    if (type == SOCK_STREAM) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    }
    good = bind(fd, place, len) == 0 && (type != SOCK_STREAM || listen(fd, 1) == 0);
    close(fd);
    return good;
}

static bool child_port_free(int family, uint16_t port)
{
    return child_can_bind(family, SOCK_STREAM, port) &&
           child_can_bind(family, SOCK_DGRAM, port);
}

bool reef_live_has_ipv6(void)
{
    return child_can_bind(AF_INET6, SOCK_STREAM, 0);
}

/* Where this program begins to look; those that run beside it begin elsewhere. */
static unsigned child_first_turn(void)
{
    struct timespec now;
    unsigned long long mix;
    clock_gettime(CLOCK_REALTIME, &now);
    mix = (unsigned long long)now.tv_nsec * 2654435761ULL +
          (unsigned long long)getpid() * 40503ULL;
    return (unsigned)((mix ^ mix >> 17) % CHILD_PORT_COUNT);
}

/* A socket whose name, which is no file's, has the port in it: who holds it has the
 * port, whether somebody listens there or not. -1: another has it. */
static int child_claim(uint16_t port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int made = snprintf(name.sun_path + 1, sizeof name.sun_path - 1,
                        "reef-live-port-%u", (unsigned)port);
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)made;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, len)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool child_claimed(uint16_t port)
{
    int fd = child_claim(port);
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0;
}

static bool child_nobodys(uint16_t port)
{
    return child_port_free(AF_INET, port) &&
           (!reef_live_has_ipv6() || child_port_free(AF_INET6, port));
}

/* Counts up from where this program began. */
static unsigned child_turn(void)
{
    static bool begun;
    static unsigned turn;
    turn = begun ? turn : child_first_turn();
    begun = true;
    return turn++;
}

uint16_t reef_live_port(void)
{
    for (unsigned i = 0; i < CHILD_PORT_COUNT; i++) {
        uint16_t port = (uint16_t)(CHILD_PORT_FIRST + child_turn() % CHILD_PORT_COUNT);
        if (!child_claimed(port) && child_nobodys(port)) {
            return port;
        }
    }
    fail_msg("no free port");
    return 0;
}

/* Claims the port, if nobody else has it. */
static int child_take(uint16_t port)
{
    int fd = child_claim(port);
    if (fd >= 0 && !child_nobodys(port)) {
        close(fd);
        return -1;
    }
    return fd;
}

uint16_t reef_live_cluster_port(void)
{
    for (unsigned i = 0; i < CHILD_CLUSTER_COUNT; i++) {
        uint16_t port =
            (uint16_t)(CHILD_PORT_FIRST + child_turn() % CHILD_CLUSTER_COUNT);
        int fd = child_take(port);
        if (fd >= 0 && child_take((uint16_t)(port + CHILD_BUS)) >= 0) {
            return port;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    fail_msg("no free port for a node of a Cluster");
    return 0;
}

/* ---- processes ---------------------------------------------------------------- */

/* Runs between fork and exec: async-signal-safe calls only. */
static void child_run(pid_t parent, int out, char *const argv[])
{
    if (setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) {
        _exit(126);
    }
    dup2(out, 1);
    dup2(out, 2);
    close(0);
    for (int fd = 3; fd < CHILD_FD_MAX; fd++) {
        close(fd);
    }
    if (open("/dev/null", O_RDONLY) != 0) {
        _exit(126);
    }
    execv(argv[0], argv);
    _exit(127);
}

pid_t reef_live_spawn(char *const argv[], const char *out)
{
    pid_t parent = getpid(), pid;
    int fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail_msg("can't write %s: %s", out, strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        child_run(parent, fd, argv);
    }
    close(fd);
    if (pid < 0) {
        fail_msg("fork: %s", strerror(errno));
    }
    return pid;
}

bool reef_live_ended(pid_t *pid)
{
    int status;
    if (*pid && waitpid(*pid, &status, WNOHANG) == *pid) {
        *pid = 0;
    }
    return *pid == 0;
}

bool reef_live_await(pid_t *pid, bool (*ready)(const void *), const void *server)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (reef_live_now_ms() < limit && !reef_live_ended(pid)) {
        if (ready(server)) {
            return true;
        }
        reef_live_nap();
    }
    return false;
}

void reef_live_finish(pid_t *pid, int sig)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    pid_t group = *pid;
    int status;
    if (!group) {
        return;
    }
    kill(group, sig);
    while (sig != SIGKILL && !reef_live_ended(pid) && reef_live_now_ms() < limit) {
        reef_live_nap();
    }
    kill(-group, SIGKILL);
    if (*pid) {
        while (waitpid(group, &status, 0) < 0 && errno == EINTR) {
        }
    }
    *pid = 0;
}

/* ---- what a failed test leaves behind ----------------------------------------- */

static struct {
    void *server;
    void (*release)(void *);
} child_held[REEF_LIVE_SERVERS];

static void child_release_all(void)
{
    for (size_t i = 0; i < REEF_LIVE_SERVERS; i++) {
        if (child_held[i].server) {
            child_held[i].release(child_held[i].server);
        }
    }
}

void *reef_live_remember(size_t size, void (*release)(void *))
{
    static bool armed;
    if (!armed) {
        armed = true;
        atexit(child_release_all);
    }
    for (size_t i = 0; i < REEF_LIVE_SERVERS; i++) {
        if (!child_held[i].server) {
            child_held[i].server = calloc(1, size);
            child_held[i].release = release;
            assert_non_null(child_held[i].server);
            return child_held[i].server;
        }
    }
    fail_msg("more than %d servers at once", REEF_LIVE_SERVERS);
    return NULL;
}

void reef_live_forget(void *server)
{
    for (size_t i = 0; i < REEF_LIVE_SERVERS; i++) {
        if (child_held[i].server == server) {
            child_held[i].server = NULL;
        }
    }
    free(server);
}
