/* SPDX-License-Identifier: Apache-2.0
 *
 * os: the system as the blocking client sees it. Private to net/. With config/load.c
 * the only place of the library that asks the system for anything.
 *
 * Every descriptor made here is non-blocking and closed on exec. Nothing here raises
 * SIGPIPE, waits longer than it was told, or returns EINTR. Errors are errno values, 0
 * is success. */
#ifndef REEF_NET_OS_H
#define REEF_NET_OS_H
#include <poll.h>
#include "net/net.h"

enum {
    REEF_OS_FILE_MAX = 16777216,   /* bytes that reef_os_read_file takes */
    REEF_OS_STALL_MIN_MS = 5000,   /* least time for which unacknowledged data waits */
    REEF_OS_KEEPALIVE_IDLE_S = 30, /* a silent TCP peer is probed after … */
    REEF_OS_KEEPALIVE_EVERY_S = 5, /* … each … */
    REEF_OS_KEEPALIVE_PROBES = 3   /* … and given up after so many */
};

/* Starts to connect. REEF_OP_OPEN's fields; a datagram socket gets a port of its own,
 * which the system picks, and hears nobody but the peer. stall_ms is how long sent data
 * may stay unacknowledged (TCP). 0: connected; EINPROGRESS: poll for POLLOUT, then ask
 * reef_os_connected; else no descriptor was made. */
int reef_os_connect(const reef_op *, uint32_t stall_ms, int *fd);
int reef_os_connected(int fd);

/* What was moved; 0 with *error EAGAIN: nothing for now. recv: 0 with *error 0 is the
 * end of the stream, or a datagram without bytes. Of a datagram that is longer than the
 * room the rest is lost. */
size_t reef_os_send(int fd, reef_str bytes, int *error);
size_t reef_os_recv(int fd, void *room, size_t cap, int *error);
/* No more traffic, although the descriptor stays: wakes whoever polls it. */
void reef_os_shutdown(int fd);
void reef_os_close(int fd); /* negative is fine */

/* poll(2). An interrupted wait ends early with no events. */
void reef_os_poll(struct pollfd *, nfds_t count, int64_t timeout_ms);

/* A crowd: many descriptors that poll sees as one, which is readable when any of them
 * has news; looking costs as much as there is news, however many they are. -1: this
 * system has none, or can't make one just now. Closed like any descriptor. */
int reef_os_crowd(void);
/* False: it can't take more. `who` comes back with the news. The descriptor leaves
 * before it is closed. */
bool reef_os_crowd_join(int crowd, int fd, uint32_t who, int events);
void reef_os_crowd_change(int crowd, int fd, uint32_t who, int events);
void reef_os_crowd_leave(int crowd, int fd);

typedef struct reef_os_news {
    uint32_t who;
    int events; /* as poll has them */
} reef_os_news;

/* Those of whom there is news, at most `cap`: the next time others come first. */
size_t reef_os_crowd_news(int crowd, reef_os_news *out, size_t cap);

/* A channel to wake a poller: bytes put into `in` come out of `out`. */
int reef_os_channel(int *in, int *out);
void reef_os_wake(int in);
void reef_os_drain(int out);

/* A whole small file, malloced; NULL with the errno: EFBIG when it is over
 * REEF_OS_FILE_MAX. Only regular files. */
char *reef_os_read_file(const char *path, size_t *len, int *error);

/* What tells two versions of a file apart. Zero: there is no file. */
typedef struct reef_os_stamp {
    int64_t mtime_ns, size;
    uint64_t device, inode;
} reef_os_stamp;

/* Whether the file is another than the stamp tells of, which is brought up to date. */
bool reef_os_file_changed(const char *path, reef_os_stamp *);
/* The machine's own name; "" where it has none, or one that is too long. */
void reef_os_host_name(char *out, size_t cap);

#endif
