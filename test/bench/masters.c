/* SPDX-License-Identifier: Apache-2.0
 *
 * masters: processes, introductions, and waiting until all of it is well. A node takes
 * no writes in its first two seconds. */
#include "test/bench/masters.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MASTERS_PORT = 15000, /* below what outgoing connections take, as is the bus, … */
    MASTERS_PORTS = 6990, /* … which is 10,000 higher */
    MASTERS_TRIES = 8,    /* places where somebody else may be */
    MASTERS_WAITS = 2000,
    MASTERS_SLOTS = 16384
};

static void masters_die(masters *m, const char *why)
{
    fprintf(stderr, "a bench's Cluster: %s\n", why);
    masters_stop(m);
    exit(1);
}

static void masters_nap(void)
{
    const struct timespec nap = {.tv_sec = 0, .tv_nsec = 10000000};
    nanosleep(&nap, NULL);
}

static int masters_first(int i)
{
    return MASTERS_SLOTS * i / MASTERS;
}

int masters_of_slot(uint32_t slot)
{
    int owner = MASTERS - 1;
    while (owner > 0 && (int)slot < masters_first(owner))
        owner--;
    return owner;
}

/* ---- processes ---------------------------------------------------------------- */

static void masters_run(const char *server, const char *folder, uint16_t port)
{
    char number[8];
    int quiet = open("/dev/null", O_RDWR);
    snprintf(number, sizeof number, "%u", port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(quiet, 0);
    dup2(quiet, 1);
    dup2(quiet, 2);
    execlp(server, server, "--bind", "127.0.0.1", "--port", number, "--dir", folder,
           "--save", "", "--cluster-enabled", "yes", "--cluster-config-file", number,
           (char *)NULL);
    _exit(127);
}

static pid_t masters_fork(const char *server, const char *folder, uint16_t port)
{
    pid_t child = fork();
    if (child == 0)
        masters_run(server, folder, port);
    return child;
}

static redisContext *masters_dial(uint16_t port)
{
    redisContext *link = redisConnect("127.0.0.1", port);
    if (link != NULL && link->err != 0) {
        redisFree(link);
        link = NULL;
    }
    return link;
}

static void masters_end(masters *m, int i)
{
    if (m->links[i] != NULL)
        redisFree(m->links[i]);
    if (m->pids[i] > 0) {
        kill(m->pids[i], SIGKILL);
        waitpid(m->pids[i], NULL, 0);
    }
    m->links[i] = NULL;
    m->pids[i] = 0;
}

/* False: it ended at once, as it does when somebody else has the port. */
static int masters_begin(masters *m, int i, uint16_t port)
{
    m->ports[i] = port;
    m->pids[i] = masters_fork(m->server, m->folder, port);
    for (int wait = 0; wait < MASTERS_WAITS; wait++) {
        masters_nap();
        if (m->pids[i] < 0 || waitpid(m->pids[i], NULL, WNOHANG) != 0)
            break;
        m->links[i] = masters_dial(port);
        if (m->links[i] != NULL)
            return 1;
    }
    m->pids[i] = 0;
    return 0;
}

static int masters_begin_all(masters *m, uint16_t base)
{
    for (int i = 0; i < MASTERS; i++)
        if (!masters_begin(m, i, (uint16_t)(base + i))) {
            for (int j = 0; j < i; j++)
                masters_end(m, j);
            return 0;
        }
    return 1;
}

/* ---- a Cluster ---------------------------------------------------------------- */

static void masters_tell(masters *m, int i, const char *line)
{
    redisReply *reply = redisCommand(m->links[i], line);
    if (reply == NULL || reply->type != REDIS_REPLY_STATUS)
        masters_die(m, reply != NULL ? reply->str : m->links[i]->errstr);
    freeReplyObject(reply);
}

static int masters_well(masters *m, int i)
{
    redisReply *info = redisCommand(m->links[i], "CLUSTER INFO");
    int well = info != NULL && info->str != NULL &&
               strstr(info->str, "cluster_state:ok") != NULL &&
               strstr(info->str, "cluster_size:3") != NULL;
    if (info != NULL)
        freeReplyObject(info);
    return well;
}

static void masters_join(masters *m)
{
    char line[96];
    for (int i = 0; i < MASTERS; i++) {
        snprintf(line, sizeof line, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        masters_tell(m, i, line);
        snprintf(line, sizeof line, "CLUSTER ADDSLOTSRANGE %d %d", masters_first(i),
                 masters_first(i + 1) - 1);
        masters_tell(m, i, line);
        snprintf(line, sizeof line, "CLUSTER MEET 127.0.0.1 %u", m->ports[i]);
        masters_tell(m, 0, line);
    }
    for (int i = 0; i < MASTERS; i++)
        for (int wait = 0; !masters_well(m, i); wait++) {
            if (wait == MASTERS_WAITS)
                masters_die(m, "it does not come about");
            masters_nap();
        }
}

static int masters_has(const char *server)
{
    char line[64];
    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", server);
    pid_t child = fork();
    int status = 1;
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

void masters_start(masters *m)
{
    memset(m, 0, sizeof *m);
    m->server = masters_has("valkey-server")  ? "valkey-server"
                : masters_has("redis-server") ? "redis-server"
                                              : NULL;
    if (m->server == NULL)
        return;
    if (!temporary_folder(m->folder, "bench"))
        masters_die(m, "no folder for it");
    uint32_t place = (uint32_t)getpid() * 37;
    for (int i = 0; i < MASTERS_TRIES; i++, place += 1237)
        if (masters_begin_all(m, (uint16_t)(MASTERS_PORT + place % MASTERS_PORTS))) {
            masters_join(m);
            return;
        }
    masters_die(m, "no server starts");
}

void masters_stop(masters *m)
{
    char path[TEMPORARY_INSIDE];
    for (int i = 0; i < MASTERS; i++) {
        masters_end(m, i);
        snprintf(path, sizeof path, "%s/%u", m->folder, m->ports[i]);
        unlink(path);
    }
    rmdir(m->folder);
}
