/* SPDX-License-Identifier: Apache-2.0
 *
 * The scripted server of net_peer.h. Its sockets block; peer_stop shuts them down,
 * which ends every read and write. */
#include "test/unit/net_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct peer {
    peer_script *script;
    void *argument;
    int listener;
    uint16_t port;
    char path[108];
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards what follows */
    bool stopping;
    size_t count, joined;
    int fds[PEER_LINKS]; /* -1 once closed */
    pthread_t threads[PEER_LINKS];
};

static void peer_must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "net_peer: %s: errno %d\n", what, errno);
    abort();
}

/* ---- connections -------------------------------------------------------------- */

static void *peer_serve(void *argument)
{
    peer_link *link = argument;
    peer *owner = link->owner;
    owner->script(link);
    pthread_mutex_lock(&owner->lock);
    owner->fds[link->number] = -1;
    close(link->fd);
    pthread_mutex_unlock(&owner->lock);
    for (size_t i = 0; i < link->count; i++)
        free(link->args[i]);
    free(link->bytes);
    free(link);
    return NULL;
}

static bool peer_accept_one(peer *p, int fd)
{
    pthread_mutex_lock(&p->lock);
    bool go = !p->stopping && p->count < PEER_LINKS;
    if (go) {
        peer_link *link = calloc(1, sizeof *link);
        peer_must(link != NULL, "memory");
        link->owner = p;
        link->argument = p->argument;
        link->fd = fd;
        link->number = p->count;
        p->fds[p->count] = fd;
        peer_must(pthread_create(&p->threads[p->count], NULL, peer_serve, link) == 0,
                  "thread");
        p->count++;
    } else {
        close(fd);
    }
    pthread_mutex_unlock(&p->lock);
    return go;
}

static void *peer_accept(void *argument)
{
    peer *p = argument;
    for (;;) {
        int fd = accept(p->listener, NULL, NULL);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0 || !peer_accept_one(p, fd))
            return NULL;
    }
}

static void peer_listen_tcp(peer *p)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    peer_must(p->listener >= 0, "socket");
    peer_must(bind(p->listener, (const struct sockaddr *)&at, sizeof at) == 0, "bind");
    peer_must(getsockname(p->listener, (struct sockaddr *)&at, &len) == 0, "name");
    p->port = ntohs(at.sin_port);
}

static void peer_listen_path(peer *p, const char *path)
{
    struct sockaddr_un at;
    memset(&at, 0, sizeof at);
    at.sun_family = AF_UNIX;
    peer_must(strlen(path) < sizeof at.sun_path, "path");
    memcpy(at.sun_path, path, strlen(path) + 1);
    memcpy(p->path, at.sun_path, sizeof p->path);
    p->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    peer_must(p->listener >= 0, "socket");
    peer_must(bind(p->listener, (const struct sockaddr *)&at, sizeof at) == 0, "bind");
}

peer *peer_start(peer_script *script, void *argument, const char *path)
{
    peer *p = calloc(1, sizeof *p);
    peer_must(p != NULL, "memory");
    p->script = script;
    p->argument = argument;
    pthread_mutex_init(&p->lock, NULL);
    if (path != NULL)
        peer_listen_path(p, path);
    else
        peer_listen_tcp(p);
    peer_must(listen(p->listener, 128) == 0, "listen");
    peer_must(pthread_create(&p->acceptor, NULL, peer_accept, p) == 0, "thread");
    return p;
}

uint16_t peer_port(const peer *p)
{
    return p->port;
}

size_t peer_links(peer *p)
{
    pthread_mutex_lock(&p->lock);
    size_t count = p->count;
    pthread_mutex_unlock(&p->lock);
    return count;
}

void peer_stop(peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    shutdown(p->listener, SHUT_RDWR);
    for (size_t i = 0; i < p->count; i++)
        if (p->fds[i] >= 0)
            shutdown(p->fds[i], SHUT_RDWR);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->acceptor, NULL);
    close(p->listener);
    for (size_t i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    if (p->path[0] != '\0')
        unlink(p->path);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- commands ----------------------------------------------------------------- */

static bool peer_fill(peer_link *link)
{
    if (link->cap - link->len < 65536) {
        link->cap = 2 * link->cap + 131072;
        link->bytes = realloc(link->bytes, link->cap);
        peer_must(link->bytes != NULL, "memory");
    }
    for (;;) {
        ssize_t got = recv(link->fd, link->bytes + link->len, link->cap - link->len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        link->len += (size_t)got;
        return true;
    }
}

/* A line "<mark><digits>CRLF" at *at; more bytes are received as needed. */
static bool peer_number(peer_link *link, size_t *at, char mark, size_t *out)
{
    size_t value = 0, i = *at;
    for (;; i++) {
        while (i >= link->len)
            if (!peer_fill(link))
                return false;
        char c = link->bytes[i];
        if (i == *at ? c != mark : c != '\r' && (c < '0' || c > '9'))
            return false;
        if (c == '\r')
            break;
        value = i == *at ? 0 : value * 10 + (size_t)(c - '0');
    }
    *at = i + 2;
    *out = value;
    return true;
}

static bool peer_argument(peer_link *link, size_t *at)
{
    size_t len;
    if (!peer_number(link, at, '$', &len))
        return false;
    while (link->len < *at + len + 2)
        if (!peer_fill(link))
            return false;
    if (link->count < PEER_ARGS) {
        char *copy = malloc(len + 1);
        peer_must(copy != NULL, "memory");
        memcpy(copy, link->bytes + *at, len);
        copy[len] = '\0';
        link->lens[link->count] = len;
        link->args[link->count++] = copy;
    }
    *at += len + 2;
    return true;
}

bool peer_read(peer_link *link)
{
    size_t at = 0, count;
    for (size_t i = 0; i < link->count; i++)
        free(link->args[i]);
    link->count = 0;
    if (!peer_number(link, &at, '*', &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!peer_argument(link, &at))
            return false;
    memmove(link->bytes, link->bytes + at, link->len - at);
    link->len -= at;
    return link->count > 0;
}

bool peer_is(const peer_link *link, const char *name)
{
    return link->count > 0 && strcmp(link->args[0], name) == 0;
}

bool peer_write_bytes(peer_link *link, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = send(link->fd, bytes, len, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

bool peer_write(peer_link *link, const char *text)
{
    return peer_write_bytes(link, text, strlen(text));
}

bool peer_bulk(peer_link *link, const char *text)
{
    char out[512];
    snprintf(out, sizeof out, "$%zu\r\n%s\r\n", strlen(text), text);
    return peer_write(link, out);
}

bool peer_next(peer_link *link)
{
    while (peer_read(link)) {
        if (peer_is(link, "HELLO")) {
            if (!peer_write(link, "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
                                  "$7\r\nversion\r\n$5\r\n7.7.7\r\n"
                                  "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:9\r\n"
                                  "$4\r\nmode\r\n$10\r\nstandalone\r\n"
                                  "$4\r\nrole\r\n$6\r\nmaster\r\n"
                                  "$7\r\nmodules\r\n*0\r\n"))
                return false;
        } else if (peer_is(link, "CLIENT")) {
            if (!peer_write(link, "+OK\r\n"))
                return false;
        } else {
            return true;
        }
    }
    return false;
}

/* ---- waiting ------------------------------------------------------------------ */

void peer_pause(int pause_ms)
{
    (void)poll(NULL, 0, pause_ms);
}

void peer_await(peer_link *link, atomic_bool *flag)
{
    for (;;) {
        pthread_mutex_lock(&link->owner->lock);
        bool stopping = link->owner->stopping;
        pthread_mutex_unlock(&link->owner->lock);
        if (stopping || atomic_load(flag))
            return;
        peer_pause(1);
    }
}

uint16_t peer_closed_port(void)
{
    peer p;
    memset(&p, 0, sizeof p);
    peer_listen_tcp(&p);
    close(p.listener);
    return p.port;
}

size_t peer_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}
