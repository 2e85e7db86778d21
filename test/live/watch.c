/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: the watch, which sees when a server first takes a write. See
 * watch.h.
 *
 * It has sockets and a thread of its own and nothing of reef's, and it can't fail a
 * test: what goes wrong with a connection makes it connect anew. A node that is made a
 * master throws its clients out, this one too. */
#include "test/live/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { WATCH_STEP_MS = 1, WATCH_LINE = 512, WATCH_WRITE = 64 };

typedef struct watch_node {
    int number; /* that the caller has for it */
    char path[REEF_LIVE_PATH], folder[REEF_LIVE_PATH];
    int fd;        /* -1: not connected */
    unsigned owed; /* replies that are due */
} watch_node;

struct reef_live_watch {
    pthread_t thread;
    char write[WATCH_WRITE];
    char hello[REEF_NAME_MAX + WATCH_WRITE + 16]; /* AUTH and the first write, or "" */
    watch_node nodes[REEF_LIVE_WATCHED];
    nfds_t count;
    atomic_bool over;
    atomic_int_least64_t at_us; /* 0: not yet */
    atomic_int who;
};

static void watch_close(watch_node *node)
{
    if (node->fd >= 0) {
        close(node->fd);
    }
    node->fd = -1;
    node->owed = 0;
}

static void watch_send(watch_node *node, const char *lines, unsigned count)
{
    ssize_t len = (ssize_t)strlen(lines);
    if (send(node->fd, lines, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) != len) {
        watch_close(node);
        return;
    }
    node->owed += count;
}

static void watch_open(watch_node *node, const char *hello)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    snprintf(place.sun_path, sizeof place.sun_path, "%.100s", node->path);
    node->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (node->fd < 0 || connect(node->fd, (struct sockaddr *)&place, sizeof place)) {
        watch_close(node);
    } else if (*hello) {
        watch_send(node, hello, 2);
    }
}

/* Takes what the node says. True when it took the write: it says OK to that last. */
static bool watch_hear(watch_node *node)
{
    char text[WATCH_LINE];
    ssize_t len = recv(node->fd, text, sizeof text - 1, MSG_DONTWAIT);
    bool taken = false;
    if (len <= 0) {
        if (len == 0 || errno != EAGAIN) {
            watch_close(node);
        }
        return false;
    }
    text[len] = '\0';
    for (const char *at = text; (at = strchr(at, '\n')) && node->owed; at++) {
        node->owed--;
    }
    if (node->owed == 0) {
        const char *last = text + len;
        while (last > text && (last == text + len || last[-1] != '\n')) {
            last--;
        }
        taken = *last == '+';
    }
    return taken;
}

static void watch_step(reef_live_watch *watch, struct pollfd *polls)
{
    for (nfds_t i = 0; i < watch->count; i++) {
        watch_node *node = &watch->nodes[i];
        if (node->fd < 0) {
            watch_open(node, watch->hello);
        }
        if (node->fd >= 0 && node->owed == 0) {
            watch_send(node, watch->write, 1);
        }
        polls[i] = (struct pollfd){.fd = node->fd, .events = POLLIN, .revents = 0};
    }
}

/* Hears the nodes for one millisecond or a little more. True when one took the
 * write. */
static bool watch_round(reef_live_watch *watch, struct pollfd *polls)
{
    int64_t until_us = reef_live_now_us() + WATCH_STEP_MS * 1000;
    while (reef_live_now_us() < until_us) {
        poll(polls, watch->count, WATCH_STEP_MS);
        for (nfds_t i = 0; i < watch->count; i++) {
            if (polls[i].revents && watch_hear(&watch->nodes[i])) {
                atomic_store(&watch->who, watch->nodes[i].number);
                return true;
            }
            polls[i].fd = watch->nodes[i].fd;
            polls[i].revents = 0;
        }
    }
    return false;
}

static void *watch_work(void *data)
{
    reef_live_watch *watch = data;
    struct pollfd polls[REEF_LIVE_WATCHED];
    while (!atomic_load(&watch->over)) {
        watch_step(watch, polls);
        if (watch_round(watch, polls)) {
            atomic_store(&watch->at_us, reef_live_now_us());
            break;
        }
    }
    for (nfds_t i = 0; i < watch->count; i++) {
        watch_close(&watch->nodes[i]);
    }
    return NULL;
}

reef_live_watch *reef_live_watch_begin(reef_live_server *const servers[], size_t count,
                                       unsigned chosen, const char *key)
{
    reef_live_watch *watch = calloc(1, sizeof *watch);
    assert_non_null(watch);
    snprintf(watch->write, sizeof watch->write, "SET %s 1\r\n", key);
    for (size_t i = 0; i < count; i++) {
        if (chosen >> i & 1U) {
            watch_node *node = &watch->nodes[watch->count];
            assert_true(watch->count++ < REEF_LIVE_WATCHED);
            node->number = (int)i;
            node->fd = -1;
            snprintf(node->path, sizeof node->path, "%s", servers[i]->socket);
            snprintf(node->folder, sizeof node->folder, "%s", servers[i]->folder);
            if (servers[i]->password[0]) {
                snprintf(watch->hello, sizeof watch->hello, "AUTH %s\r\n%s",
                         servers[i]->password, watch->write);
            }
        }
    }
    assert_int_equal(pthread_create(&watch->thread, NULL, watch_work, watch), 0);
    return watch;
}

int64_t reef_live_watch_us(const reef_live_watch *watch)
{
    return atomic_load(&watch->at_us);
}

int reef_live_watch_wait(reef_live_watch *watch, int64_t *at_us)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (!reef_live_watch_us(watch)) {
        if (reef_live_now_ms() > limit) {
            for (nfds_t i = 0; i < watch->count; i++) {
                reef_live_show_log(watch->nodes[i].folder);
            }
            fail_msg("no replica took a write in %d ms", REEF_LIVE_WAIT_MS);
        }
        reef_live_nap();
    }
    if (at_us) {
        *at_us = reef_live_watch_us(watch);
    }
    return atomic_load(&watch->who);
}

void reef_live_watch_free(reef_live_watch *watch)
{
    atomic_store(&watch->over, true);
    assert_int_equal(pthread_join(watch->thread, NULL), 0);
    free(watch);
}
