/* SPDX-License-Identifier: Apache-2.0
 *
 * A fleet for tests: the fence, by which nodes are cut off from each other without
 * rights that a test does not have. See fleet.h.
 *
 * Each node announces a port of the fence for its bus; a thread passes on what arrives
 * there, in both directions. Who dials is told by the address from which it does. What
 * is cut is not closed, but silent: what either end sends is lost. Once it is mended,
 * what has lost something is closed, and made anew by the nodes. */
#include "test/live/fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { FENCE_PAIRS = 400, FENCE_BYTES = 16384, FENCE_STEP_MS = 10 };

typedef struct fence_pair {
    int from, to;  /* nodes; who dialled, and who is behind the fence */
    int fds[2];    /* -1: none */
    bool holed;    /* something was lost */
    char *held[2]; /* what was read from that end and is to go to the other */
    size_t len[2];
} fence_pair;

struct reef_fence {
    pthread_t thread;
    int listeners[REEF_FLEET_MAX]; /* written before the node is opened */
    uint16_t ports[REEF_FLEET_MAX];
    atomic_uint buses[REEF_FLEET_MAX]; /* 0: not open yet */
    atomic_bool cut[REEF_FLEET_MAX];
    atomic_bool over;
    size_t count;
    fence_pair pairs[FENCE_PAIRS];
};

/* ---- connections -------------------------------------------------------------- */

static void fence_drop(fence_pair *pair)
{
    for (int i = 0; i < 2; i++) {
        if (pair->fds[i] >= 0) {
            close(pair->fds[i]);
        }
        free(pair->held[i]);
    }
    memset(pair, 0, sizeof *pair);
    pair->fds[0] = pair->fds[1] = -1;
}

static bool fence_is_cut(const reef_fence *fence, const fence_pair *pair)
{
    return atomic_load(&fence->cut[pair->from]) || atomic_load(&fence->cut[pair->to]);
}

static int fence_dial(uint16_t port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&place, sizeof place)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Takes a connection to the bus of this node. One that begins while it is cut leads
 * nowhere, and is closed once it is mended. */
static void fence_accept(reef_fence *fence, int to)
{
    struct sockaddr_in who = {.sin_family = AF_INET};
    socklen_t len = sizeof who;
    int fd = accept(fence->listeners[to], (struct sockaddr *)&who, &len);
    int from = (int)(ntohl(who.sin_addr.s_addr) & 255U) - REEF_FENCE_FROM;
    fence_pair *pair;
    if (fd < 0) {
        return;
    }
    if (from < 0 || from >= REEF_FLEET_MAX || fence->count == FENCE_PAIRS) {
        close(fd);
        return;
    }
    pair = &fence->pairs[fence->count++];
    *pair = (fence_pair){.from = from, .to = to, .fds = {fd, -1}};
    pair->held[0] = malloc(FENCE_BYTES);
    pair->held[1] = malloc(FENCE_BYTES);
    if (!fence_is_cut(fence, pair)) {
        pair->fds[1] = fence_dial((uint16_t)atomic_load(&fence->buses[to]));
    }
    if (!pair->held[0] || !pair->held[1] ||
        (pair->fds[1] < 0 && !fence_is_cut(fence, pair))) {
        fence_drop(pair);
    }
}

/* Passes on what came from this end. False: it is over. */
static bool fence_pass(fence_pair *pair, int end)
{
    ssize_t len = recv(pair->fds[end], pair->held[end] + pair->len[end],
                       FENCE_BYTES - pair->len[end], MSG_DONTWAIT);
    if (len == 0 || (len < 0 && errno != EAGAIN)) {
        return false;
    }
    pair->len[end] += len > 0 ? (size_t)len : 0;
    len = send(pair->fds[!end], pair->held[end], pair->len[end],
               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (len < 0 && errno != EAGAIN) {
        return false;
    }
    if (len > 0) {
        pair->len[end] -= (size_t)len;
        memmove(pair->held[end], pair->held[end] + len, pair->len[end]);
    }
    return true;
}

/* ---- the thread --------------------------------------------------------------- */

static void fence_sweep(reef_fence *fence)
{
    size_t kept = 0;
    for (size_t i = 0; i < fence->count; i++) {
        if (fence->pairs[i].fds[0] >= 0) {
            fence->pairs[kept++] = fence->pairs[i];
        }
    }
    fence->count = kept;
}

/* What to wait for at one end of a pair. */
static struct pollfd fence_want(const reef_fence *fence, const fence_pair *pair,
                                int end)
{
    bool cut = fence_is_cut(fence, pair);
    bool in = cut || pair->len[end] < FENCE_BYTES, out = !cut && pair->len[!end];
    return (struct pollfd){.fd = pair->fds[end],
                           .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)),
                           .revents = 0};
}

/* Takes what comes from this end, and forgets it. False: it is over. */
static bool fence_lose(fence_pair *pair, int end)
{
    ssize_t len = recv(pair->fds[end], pair->held[end], FENCE_BYTES, MSG_DONTWAIT);
    pair->holed = true;
    return len > 0 || (len < 0 && errno == EAGAIN);
}

static void fence_serve(reef_fence *fence, fence_pair *pair, const struct pollfd *polls)
{
    bool cut = fence_is_cut(fence, pair);
    bool good = cut || (!pair->holed && pair->fds[1] >= 0);
    for (int i = 0; good && i < 2; i++) {
        if (cut) {
            good = !polls[i].revents || fence_lose(pair, i);
        } else {
            good = (!polls[i].revents || fence_pass(pair, i)) &&
                   (!(polls[i].revents & POLLOUT) || fence_pass(pair, !i));
        }
    }
    if (!good) {
        fence_drop(pair);
    }
}

static void *fence_work(void *data)
{
    reef_fence *fence = data;
    struct pollfd polls[REEF_FLEET_MAX + 2 * FENCE_PAIRS];
    while (!atomic_load(&fence->over)) {
        size_t pairs = fence->count;
        for (int i = 0; i < REEF_FLEET_MAX; i++) {
            int fd = atomic_load(&fence->buses[i]) ? fence->listeners[i] : -1;
            polls[i] = (struct pollfd){.fd = fd, .events = POLLIN, .revents = 0};
        }
        for (size_t i = 0; i < pairs; i++) {
            polls[REEF_FLEET_MAX + 2 * i] = fence_want(fence, &fence->pairs[i], 0);
            polls[REEF_FLEET_MAX + 2 * i + 1] = fence_want(fence, &fence->pairs[i], 1);
        }
        if (poll(polls, REEF_FLEET_MAX + 2 * pairs, FENCE_STEP_MS) < 0) {
            continue;
        }
        for (size_t i = 0; i < pairs; i++) {
            fence_serve(fence, &fence->pairs[i], polls + REEF_FLEET_MAX + 2 * i);
        }
        for (int i = 0; i < REEF_FLEET_MAX; i++) {
            if (polls[i].revents) {
                fence_accept(fence, i);
            }
        }
        fence_sweep(fence);
    }
    return NULL;
}

/* ---- from the test's thread --------------------------------------------------- */

reef_fence *reef_fence_start(void)
{
    reef_fence *fence = calloc(1, sizeof *fence);
    assert_non_null(fence);
    for (int i = 0; i < REEF_FLEET_MAX; i++) {
        fence->listeners[i] = -1;
    }
    assert_int_equal(pthread_create(&fence->thread, NULL, fence_work, fence), 0);
    return fence;
}

uint16_t reef_fence_port(reef_fence *fence, int node)
{
    struct sockaddr_in place = {.sin_family = AF_INET};
    int one = 1;
    if (fence->ports[node]) {
        return fence->ports[node];
    }
    fence->ports[node] = reef_live_port();
    place.sin_port = htons(fence->ports[node]);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fence->listeners[node] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fence->listeners[node] >= 0);
    setsockopt(fence->listeners[node], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(
        bind(fence->listeners[node], (struct sockaddr *)&place, sizeof place), 0);
    assert_int_equal(listen(fence->listeners[node], 64), 0);
    return fence->ports[node];
}

void reef_fence_open(reef_fence *fence, int node, uint16_t bus)
{
    atomic_store(&fence->buses[node], bus);
}

void reef_fence_cut(reef_fence *fence, int node, bool cut)
{
    atomic_store(&fence->cut[node], cut);
}

void reef_fence_free(reef_fence *fence)
{
    if (!fence) {
        return;
    }
    atomic_store(&fence->over, true);
    pthread_join(fence->thread, NULL);
    for (size_t i = 0; i < fence->count; i++) {
        fence_drop(&fence->pairs[i]);
    }
    for (int i = 0; i < REEF_FLEET_MAX; i++) {
        if (fence->listeners[i] >= 0) {
            close(fence->listeners[i]);
        }
    }
    free(fence);
}
