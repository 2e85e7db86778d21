/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted server for tests of the blocking client: real sockets on the loopback, one
 * thread a connection, and a script that says what each connection does. It speaks
 * plain bytes and shares no code with the library. */
#ifndef REEF_TEST_NET_PEER_H
#define REEF_TEST_NET_PEER_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_ARGS = 8, PEER_LINKS = 4096 };

typedef struct peer peer;

/* One connection, as its script sees it. */
typedef struct peer_link {
    peer *owner;
    void *argument;
    int fd;
    size_t number; /* 0 for the first connection */
    char *bytes;   /* received and not read */
    size_t len, cap;
    char *args[PEER_ARGS]; /* the last command, NUL-terminated copies */
    size_t lens[PEER_ARGS];
    size_t count;
} peer_link;

/* Returns when the connection is to be closed. */
typedef void peer_script(peer_link *);

/* path NULL: 127.0.0.1 and a free port; else a unix socket. */
peer *peer_start(peer_script *, void *argument, const char *path);
uint16_t peer_port(const peer *);
size_t peer_links(peer *); /* connections accepted so far */
/* Ends all connections (a script's reads and writes fail), joins all threads. */
void peer_stop(peer *);

/* The next command into args; false: the connection ended. */
bool peer_read(peer_link *);
bool peer_is(const peer_link *, const char *name); /* args[0] */
/* All of it; false: the connection ended. */
bool peer_write(peer_link *, const char *text);
bool peer_write_bytes(peer_link *, const char *bytes, size_t len);
/* "$len CRLF text CRLF" */
bool peer_bulk(peer_link *, const char *text);
/* Reads on and answers HELLO (RESP3) and CLIENT, until another command comes, which is
 * in args; false: the connection ended. */
bool peer_next(peer_link *);
/* Until *flag, or the end of the test. */
void peer_await(peer_link *, atomic_bool *flag);
/* Waits about that long: for scripts that drip, never for a condition. */
void peer_pause(int pause_ms);

/* Port of the loopback that nobody listens on. */
uint16_t peer_closed_port(void);
/* Descriptors that are open in this process. */
size_t peer_descriptors(void);

#endif
