/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that misbehaves by a script. One thread takes connections, one serves each
 * of them; all of them look at `over` at least every HOSTILE_TICK_MS.
 *
 * States of a connection: sound (commands are answered) -> playing (the script, its
 * input unread) -> held or ended, or sound again. */
#include "test/live/hostile.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { HOSTILE_TICK_MS = 20, HOSTILE_PEERS = 1024 };

typedef struct hostile_peer {
    struct reef_hostile *server;
    int fd;
    pthread_t thread;
} hostile_peer;

struct reef_hostile {
    const reef_hostile_script *script;
    bool greets;
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool over, sound;
    atomic_uint taken, played;
    unsigned peer_count; /* the thread alone counts while it runs */
    hostile_peer peers[HOSTILE_PEERS];
};

static bool hostile_over(const hostile_peer *peer)
{
    return atomic_load(&peer->server->over);
}

/* Sends all of it; false when the peer is gone or the test over. */
static bool hostile_send(const hostile_peer *peer, reef_str bytes)
{
    while (bytes.len) {
        struct pollfd wait = {.fd = peer->fd, .events = POLLOUT, .revents = 0};
        ssize_t sent =
            send(peer->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (hostile_over(peer)) {
            return false;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            poll(&wait, 1, HOSTILE_TICK_MS);
            continue;
        }
        if (sent < 0) {
            return false;
        }
        bytes.ptr += sent;
        bytes.len -= (size_t)sent;
    }
    return true;
}

static bool hostile_bulk(const hostile_peer *peer, reef_str bytes)
{
    char header[32];
    snprintf(header, sizeof header, "$%zu\r\n", bytes.len);
    return hostile_send(peer, reef_str_of(header)) && hostile_send(peer, bytes) &&
           hostile_send(peer, reef_str_of("\r\n"));
}

static void hostile_pause(uint32_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000,
                                   .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* Reads and forgets until the peer goes. */
static void hostile_hold(const hostile_peer *peer)
{
    char sink[4096];
    while (!hostile_over(peer)) {
        struct pollfd wait = {.fd = peer->fd, .events = POLLIN, .revents = 0};
        if (poll(&wait, 1, HOSTILE_TICK_MS) > 0 &&
            recv(peer->fd, sink, sizeof sink, 0) <= 0) {
            return;
        }
    }
}

/* False when the connection has come to its end. */
static bool hostile_play(const hostile_peer *peer)
{
    const reef_hostile_script *script = peer->server->script;
    const struct linger cut = {.l_onoff = 1, .l_linger = 0};
    bool there = hostile_send(peer, script->head);
    for (uint64_t i = 0; there && i < script->times; i++) {
        if (script->pause_ms) {
            hostile_pause(script->pause_ms);
        }
        there = hostile_send(peer, script->body);
    }
    atomic_fetch_add(&peer->server->played, 1);
    switch (script->end) {
    case REEF_HOSTILE_HOLD:
        hostile_hold(peer);
        return false;
    case REEF_HOSTILE_CLOSE:
        return false;
    case REEF_HOSTILE_RESET:
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &cut, sizeof cut);
        return false;
    case REEF_HOSTILE_GO_ON:
        return there;
    }
    return false;
}

static bool hostile_hello(const hostile_peer *peer, bool new)
{
    const char *facts =
        "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
        "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n"
        "$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
        "$7\r\nmodules\r\n*0\r\n";
    return hostile_send(peer, reef_str_of(new ? "%7\r\n" : "*14\r\n")) &&
           hostile_send(peer, reef_str_of(facts));
}

/* One command. False when the connection has come to its end. */
static bool hostile_answer(const hostile_peer *peer, const reef_reply *command)
{
    const reef_node *root = reef_reply_root(command);
    reef_str name = reef_text(command, reef_at(root, 0));
    reef_str first = reef_text(command, reef_at(root, 1));
    if (reef_str_is(name, "HELLO")) {
        return hostile_hello(peer, reef_str_is(first, "3"));
    }
    if (reef_str_is(name, "PING")) {
        return hostile_send(peer, reef_str_of("+PONG\r\n"));
    }
    if (!reef_str_is(name, "GET")) {
        return hostile_send(peer, reef_str_of("+OK\r\n"));
    }
    if (atomic_load(&peer->server->sound)) {
        return hostile_bulk(peer, first);
    }
    return (!peer->server->script->answer || hostile_bulk(peer, first)) &&
           hostile_play(peer);
}

static void hostile_serve(const hostile_peer *peer, reef_parser *parser)
{
    while (!hostile_over(peer)) {
        struct pollfd wait = {.fd = peer->fd, .events = POLLIN, .revents = 0};
        size_t cap;
        char *room;
        ssize_t got;
        if (poll(&wait, 1, HOSTILE_TICK_MS) <= 0) {
            continue;
        }
        room = reef_parser_room(parser, &cap);
        got = room ? recv(peer->fd, room, cap, 0) : 0;
        if (got <= 0) {
            return;
        }
        reef_parser_received(parser, (size_t)got);
        while (reef_parser_next(parser) == REEF_PARSE_REPLY) {
            if (!hostile_answer(peer, reef_parser_peek(parser))) {
                return;
            }
        }
    }
}

static void *hostile_peer_main(void *data)
{
    hostile_peer *peer = data;
    reef_parser *parser = reef_parser_new(NULL, 2);
    bool at_once = !peer->server->greets && !atomic_load(&peer->server->sound);
    if (parser && (!at_once || hostile_play(peer))) {
        hostile_serve(peer, parser);
    }
    reef_parser_free(parser);
    close(peer->fd);
    return NULL;
}

static void *hostile_main(void *data)
{
    reef_hostile *server = data;
    const int one = 1;
    while (!atomic_load(&server->over)) {
        struct pollfd wait = {.fd = server->listener, .events = POLLIN, .revents = 0};
        hostile_peer *peer = &server->peers[server->peer_count];
        if (server->peer_count == HOSTILE_PEERS - 1 ||
            poll(&wait, 1, HOSTILE_TICK_MS) <= 0) {
            continue;
        }
        peer->server = server;
        peer->fd = accept(server->listener, NULL, NULL);
        if (peer->fd < 0) {
            continue;
        }
        setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        atomic_fetch_add(&server->taken, 1);
        if (pthread_create(&peer->thread, NULL, hostile_peer_main, peer)) {
            close(peer->fd);
            continue;
        }
        server->peer_count++;
    }
    return NULL;
}

reef_hostile *reef_hostile_start(const reef_hostile_script *script, bool greets)
{
    reef_hostile *server = calloc(1, sizeof *server);
    struct sockaddr_in place = {.sin_family = AF_INET};
    socklen_t len = sizeof place;
    assert_non_null(server);
    server->script = script;
    server->greets = greets;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server->listener < 0 ||
        bind(server->listener, (const struct sockaddr *)&place, sizeof place) ||
        listen(server->listener, 128) ||
        getsockname(server->listener, (struct sockaddr *)&place, &len)) {
        fail_msg("hostile server: %s", strerror(errno));
    }
    server->port = ntohs(place.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, hostile_main, server), 0);
    return server;
}

void reef_hostile_stop(reef_hostile *server)
{
    if (!server) {
        return;
    }
    atomic_store(&server->over, true);
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->peer_count; i++) {
        pthread_join(server->peers[i].thread, NULL);
    }
    close(server->listener);
    free(server);
}

uint16_t reef_hostile_port(const reef_hostile *server)
{
    return server->port;
}

void reef_hostile_heal(reef_hostile *server)
{
    atomic_store(&server->sound, true);
}

uint32_t reef_hostile_taken(reef_hostile *server)
{
    return atomic_load(&server->taken);
}

uint32_t reef_hostile_played(reef_hostile *server)
{
    return atomic_load(&server->played);
}
