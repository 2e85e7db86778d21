/* SPDX-License-Identifier: Apache-2.0
 *
 * lane_sockets: the sockets of one lane, found by the engine's number for them, and
 * what is polled of them. Private to net/. Guarded by the lane's lock, but for the poll
 * itself: `now.fds` is the poller's until it is back. */
#ifndef REEF_NET_LANE_SOCKETS_H
#define REEF_NET_LANE_SOCKETS_H
#include "net/os.h"

enum {
    REEF_SOCKET_PAGE = 16, /* sockets whose memory comes at once */
    REEF_SOCKET_PAGES = (REEF_TRANSPORTS_MAX + REEF_SOCKET_PAGE - 1) / REEF_SOCKET_PAGE,
    REEF_SOCKET_SEATS = 16, /* with more sockets the rest share one seat: the crowd's */
    REEF_SOCKET_CROWD = 0xFFFE, /* neither of these is … */
    REEF_SOCKET_NONE = 0xFFFF   /* … a link's number */
};

typedef enum reef_socket_state {
    REEF_SOCKET_FREE,
    REEF_SOCKET_CONNECTING,
    REEF_SOCKET_OPEN
} reef_socket_state;

typedef struct reef_socket {
    reef_socket_state state;
    int fd;
    uint16_t link;  /* the engine's number */
    bool crowded;   /* it is in the crowd, and has neither … */
    uint16_t place; /* … a place among the seated … */
    uint16_t seat;  /* … nor a seat in `now`, where 0 is none */
    bool datagram;
    bool full; /* a SEND waits until the socket takes more */
} reef_socket;

/* What one poll looks at. */
typedef struct reef_watch {
    struct pollfd *fds; /* the channel first */
    uint16_t *links;    /* whose each of them is; of a socket that is gone nobody's */
    uint32_t count, cap;
} reef_watch;

/* Zeroed is empty. */
typedef struct reef_sockets {
    reef_socket *pages[REEF_SOCKET_PAGES]; /* by link, made when first needed */
    uint16_t *seated;                      /* links outside the crowd, in no order */
    uint32_t seated_count, seated_cap;
    reef_watch now, spare;
    int crowd;
    bool has_crowd;
    bool polling; /* a thread polls `now`, without the lock */
    bool changed; /* what is to be polled differs from `now` */
    bool buried;  /* `now` has descriptors that the poller will close */
} reef_sockets;

/* Room for the channel's descriptor, which stays the caller's. False: out of memory. */
bool reef_sockets_init(reef_sockets *, int channel);
void reef_sockets_free(reef_sockets *); /* closes what is left; nobody polls */

/* NULL: that link has no socket. Lives until it is closed. */
reef_socket *reef_sockets_find(const reef_sockets *, uint32_t link);
/* For a link that has none. 0, or EINPROGRESS: there is one; else why not. */
int reef_sockets_open(reef_sockets *, const reef_op *, uint32_t stall_ms);
void reef_sockets_close(reef_sockets *, reef_socket *);
void reef_sockets_set_open(reef_sockets *, reef_socket *);
void reef_sockets_set_full(reef_sockets *, reef_socket *, bool full);

/* Before a poll: brings `now` up to date. The poll looks at now.fds. */
void reef_sockets_settle(reef_sockets *);
/* After it: closes what was buried meanwhile. */
void reef_sockets_polled(reef_sockets *);
/* A view of all sockets for a look while another thread polls, until anything changes.
 * NULL: out of memory. */
reef_watch *reef_sockets_view(reef_sockets *);

#endif
