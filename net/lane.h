/* SPDX-License-Identifier: Apache-2.0
 *
 * lane: one engine, its sockets, and the calls that share them. Private to net/: the
 * blocking client is a row of lanes. */
#ifndef REEF_NET_LANE_H
#define REEF_NET_LANE_H
#include <pthread.h>
#include <stdatomic.h>
#include "net/lane_sockets.h"

/* What names are looked up by, and which version of it the engine has. */
typedef struct reef_lane_file {
    const char *path;
    reef_os_stamp seen;
} reef_lane_file;

/* A command, or the first of a group: its address is the tag that comes back. */
typedef struct reef_berth {
    struct reef_waiter *waiter;
    size_t count;        /* commands in the group */
    const char *node_id; /* that it goes to; NULL: wherever its keys are */
} reef_berth;

/* A call, on the stack of its thread. It leaves only when the engine owes it
 * nothing. */
typedef struct reef_waiter {
    reef_berth *berths;   /* by command */
    reef_reply **replies; /* by command */
    size_t left;          /* commands that are not done */
    int64_t deadline_ms;
    bool asleep;
    pthread_cond_t wakes; /* while asleep */
    struct reef_waiter *next, *prev;
} reef_waiter;

typedef struct reef_lane {
    pthread_mutex_t lock; /* guards all below but `load` */
    reef_engine *engine;
    reef_sockets sockets;
    reef_lane_file hosts, resolv_conf;
    int wake_in, wake_out;
    reef_waiter *first, *last; /* the sleeping calls, oldest first */
    size_t pending;            /* commands that the engine holds */
    uint32_t stall_ms;
    int64_t fed_ms;        /* when the sockets were last looked at */
    bool driven;           /* a thread drives the sockets */
    int64_t polls_till_ms; /* it polls them until then at the latest */
    bool woken;            /* a byte for the poller is on its way */
    bool more;             /* the engine has operations left */
    atomic_uint load;      /* calls inside */
} reef_lane;

/* Of a zeroed lane. */
reef_code reef_lane_init(reef_lane *, const reef_config *, reef_error *);
/* After init, even one that failed. Nobody may be inside. */
void reef_lane_free(reef_lane *);

/* Takes the lock and, when nobody drives, what has arrived meanwhile. The result goes
 * to leave. */
int reef_lane_enter(reef_lane *);
/* Commands `at` to at + berths[at].count - 1 of a call. What can't be taken gets its
 * reply at once. */
void reef_lane_submit(reef_lane *, reef_waiter *, const reef_cmd *const cmds[],
                      size_t at);
/* Until the call owes no command a reply. */
void reef_lane_run(reef_lane *, reef_waiter *, const pthread_condattr_t *);
/* Asks every Sentinel anew, and waits for the last answer, or until then. */
void reef_lane_survey(reef_lane *, int64_t until_ms);
/* Idle work; says when it wants to be called again. */
int64_t reef_lane_tend(reef_lane *);
/* Sees to it that somebody drives while calls sleep, and gives the lock back. */
void reef_lane_leave(reef_lane *, int cancel_state);

#endif
