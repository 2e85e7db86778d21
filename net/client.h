/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocking client's inside, shared by the files of net/ that make it up:
 *   client.c     open and close, single calls, what can be seen
 *   flow.c       several commands at once: pipelines
 *   many.c       several nodes, several keys
 *   scan.h       walks over all keys (its files stand there)
 *   lane.h       an engine, its sockets, and the calls that share them */
#ifndef REEF_NET_CLIENT_H
#define REEF_NET_CLIENT_H
#include "net/lane.h"

struct reef_client {
    reef_config config;
    pthread_condattr_t monotonic; /* calls sleep by the clock that can't be set */
    atomic_uint turn;             /* the lane that is asked first for events */
    uint32_t lane_count;          /* of those that were made */
    reef_lane lanes[];
};

/* The lane with the fewest calls inside. A call over several nodes stays in one: each
 * lane has a map of its own. */
reef_lane *reef_client_lane(reef_client *);
/* The end of a call that begins now. */
int64_t reef_client_deadline_ms(const reef_client *, int64_t timeout_ms);
/* One command; never NULL. */
reef_reply *reef_client_call(reef_client *, reef_lane *, const reef_cmd *,
                             int64_t deadline_ms);
/* A command that no server holds back while it loads or has lost its master, as it does
 * a PING; it may be sent again. NULL: out of memory. Caller frees. */
reef_cmd *reef_client_probe(void);
/* What the reply failed with; REEF_OK where it did not. Returns the code. */
reef_code reef_client_explain(const reef_reply *, reef_error *);
reef_code reef_client_fail(reef_error *, reef_code, const char *text);

/* One command for each of many keys: they take turns in `cmd`, which is built anew for
 * each. So a hundred thousand of them need no memory but the engine's. */
typedef struct reef_flow_each {
    const char *name;
    const reef_str *keys;
    bool repeatable;
    reef_cmd *cmd;
} reef_flow_each;

/* Commands that go out together: a pipeline, whose commands may be bound to nodes. */
typedef struct reef_flow {
    const reef_cmd *const *cmds;
    const char *const *node_ids; /* by command, each lives as long as the call; NULL:
                                  * none is bound. A group goes where its first goes */
    size_t count;
    int64_t deadline_ms;
    reef_reply **replies;       /* by command; each is set to a reply */
    const reef_flow_each *each; /* not NULL: every one of `cmds` is each->cmd */
} reef_flow;

/* As reef_pipeline. On a Cluster everything is on its way before anything is waited
 * for, so a node that is silent holds up nobody else's commands. */
void reef_client_flow(reef_client *, reef_lane *, const reef_flow *);

/* The nodes that the lane knows; it connects if it knows none. Replies are NULL. NULL:
 * `error` says why nobody could be asked. Caller frees. */
reef_answers *reef_client_meet(reef_client *, reef_lane *, int64_t deadline_ms,
                               reef_error *);

#endif
