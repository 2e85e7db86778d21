/* SPDX-License-Identifier: Apache-2.0
 *
 * See name_peer.h. */
#include "test/unit/name_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEADER = 12, QUERY_MAX = 512, TYPE_A = 1 };

struct name_peer {
    int fd;
    uint16_t port;
    atomic_bool silent, stop;
    atomic_uint asked;
    pthread_t thread;
};

/* Where the question ends; 0: it is none. */
static size_t question_end(const unsigned char *query, size_t len)
{
    size_t at = HEADER;
    while (at < len && query[at] != 0)
        at += query[at] + 1u;
    return at + 5 <= len ? at + 5 : 0;
}

/* The query becomes its answer. */
static size_t make_answer(unsigned char *query, size_t len)
{
    static const unsigned char record[] = {0xC0, HEADER, 0, TYPE_A, 0,   1, 0, 0,
                                           0,    1,      0, 4,      127, 0, 0, 1};
    size_t end = question_end(query, len);
    if (end == 0)
        return 0;
    bool nobody = query[HEADER] == 6 && memcmp(query + HEADER + 1, "nobody", 6) == 0;
    bool found = !nobody && query[end - 3] == TYPE_A && query[end - 4] == 0;
    query[2] = 0x84 | (query[2] & 1);
    query[3] = nobody ? 3 : 0;
    memset(query + 6, 0, 6); /* no records … */
    query[7] = found ? 1 : 0;
    if (!found)
        return end;
    memcpy(query + end, record, sizeof record);
    return end + sizeof record;
}

static void *name_peer_run(void *argument)
{
    name_peer *p = argument;
    unsigned char bytes[QUERY_MAX + 32];
    struct sockaddr_in from;
    while (!p->stop) {
        socklen_t from_len = sizeof from;
        ssize_t len =
            recvfrom(p->fd, bytes, QUERY_MAX, 0, (struct sockaddr *)&from, &from_len);
        if (len <= HEADER)
            continue;
        p->asked++;
        size_t out = p->silent ? 0 : make_answer(bytes, (size_t)len);
        if (out > 0)
            (void)sendto(p->fd, bytes, out, 0, (struct sockaddr *)&from, from_len);
    }
    return NULL;
}

name_peer *name_peer_start(void)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    name_peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &len), 0);
    p->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, name_peer_run, p), 0);
    return p;
}

void name_peer_stop(name_peer *p)
{
    struct sockaddr_in at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons(p->port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->stop = true;
    (void)sendto(p->fd, "x", 1, 0, (struct sockaddr *)&at, sizeof at); /* wakes it */
    pthread_join(p->thread, NULL);
    close(p->fd);
    free(p);
}

void name_peer_silence(name_peer *p, bool silent)
{
    p->silent = silent;
}

unsigned name_peer_asked(const name_peer *p)
{
    return p->asked;
}

void name_peer_use(const name_peer *p, reef_config *config)
{
    reef_nameserver *server = &config->nameservers[0];
    memset(server, 0, sizeof *server);
    memcpy(server->address, "127.0.0.1", sizeof "127.0.0.1");
    server->port = p->port;
    config->nameserver_count = 1;
}
