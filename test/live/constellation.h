/* SPDX-License-Identifier: Apache-2.0
 *
 * A constellation for tests: one master, two replicas and three Sentinels of one kind,
 * all on loopback. It starts settled, in well under a second, since each node is told
 * of the others; it is struck with the functions of server.h and those here, and is
 * settled again before the next blow.
 *
 * Nodes have numbers, 0 to 2, that stay when roles change; so have Sentinels. A master
 * is missed for 400 ms, at a ping every 200 ms; the new one takes writes some 800 ms
 * after the old one fell silent and is announced a second later.
 *
 * As in server.h, whatever fails in here fails the running test, and all of it belongs
 * on the test's own thread. */
#ifndef REEF_TEST_LIVE_CONSTELLATION_H
#define REEF_TEST_LIVE_CONSTELLATION_H
#include "test/live/watch.h"

enum {
    REEF_STARS_NODES = 3,
    REEF_STARS_SENTINELS = 3,
    REEF_STARS_INFO_MS = 300, /* between two looks at a node: ten seconds by default */
    REEF_STARS_FAILOVER_MS = 2000 /* for a step of a fail-over */
};

#define REEF_STARS_NAME "the.master"

/* Zero is a good choice for each field. */
typedef struct reef_stars_options {
    const char *host;     /* where the nodes are, for each other and in what Sentinels
                           * say: "127.0.0.1" (NULL), "::1", "localhost" */
    const char *password; /* of the data nodes */
    const char *sentinel_password;
    const char *node_extra, *sentinel_extra; /* as `extra` in server.h */
    bool plain_periods; /* Sentinels publish and ask as rarely as they do by default:
                         * then the old master of a planned fail-over stays a master for
                         * ten seconds */
} reef_stars_options;

typedef struct reef_stars {
    reef_live_server *nodes[REEF_STARS_NODES]; /* the first is the master at first */
    reef_live_server *sentinels[REEF_STARS_SENTINELS];
    char host[16];
    char password[REEF_NAME_MAX]; /* of the nodes; "": none */
    char ids[REEF_STARS_SENTINELS][41];
    int down_after_ms[REEF_STARS_SENTINELS]; /* until a master is missed */
    bool frozen[REEF_STARS_SENTINELS];
    bool plain; /* periods */
} reef_stars;

/* Settled. NULL options: all zero. reef_stars_free ends all of it; NULL is fine. */
reef_stars *reef_stars_start(const reef_live_kind *, const reef_stars_options *);
void reef_stars_free(reef_stars *);

/* The node that the first Sentinel announces; fails when it is none of ours. Here and
 * below, Sentinels that were killed or frozen are passed over. */
int reef_stars_master(const reef_stars *);
/* The node with this port; -1: none. */
int reef_stars_node_at(const reef_stars *, uint16_t port);
/* Waits until all Sentinels announce one master with nothing wrong about it, both
 * others replicate from it, and a fail-over could begin. Nodes that were killed do not
 * count; frozen ones have to be thawed before. Its number. */
int reef_stars_settle(const reef_stars *);
/* Waits until all Sentinels announce one node that is another than this. Its number. */
int reef_stars_moved(const reef_stars *, int from);

/* A line that ends with a number, to which the Sentinel says OK. */
void reef_stars_order(const reef_stars *, int sentinel, const char *line, int value);
/* Shows what Sentinels say and nodes log, for the text of a failure. */
void reef_stars_tell(const reef_stars *);
/* SENTINEL FAILOVER on the Sentinel; waits until it has seen another as the master. On
 * a slow machine it may give up, which is nobody's fault: then it is asked again. */
void reef_stars_failover(const reef_stars *, int sentinel);
/* Both replicas stop, and the Sentinel is asked for a fail-over: it selects one, waits
 * two seconds for it, and gives up. `over` wakes them up: the selected one then finds
 * the order, and is a master until it is put in its place, as settling shows. */
void reef_stars_failover_in_vain(const reef_stars *, int sentinel);
void reef_stars_failover_in_vain_over(const reef_stars *, int sentinel);
/* How often the Sentinel has logged this: "+promoted-slave", "-failover-abort". */
unsigned reef_stars_logged(const reef_stars *, int sentinel, const char *event);
/* How many replicas were promoted so far, and how many fail-overs were given up after a
 * leader was found. One blow leads to one of the first and none of the others, unless
 * the machine is so slow that Sentinels miss nodes that are well. */
void reef_stars_counts(const reef_stars *, unsigned *promoted, unsigned *given_up);
/* DEBUG SLEEP on the node, which hears nobody meanwhile; does not wait for it. */
void reef_stars_sleep(const reef_stars *, int node, unsigned seconds);
/* SIGSTOP for a node and a Sentinel at once, as on a host that hangs; either may be -1.
 * Thaw them once another master is announced: a Sentinel that wakes up before may make
 * the new master a replica again, on the strength of what it knew when it froze. */
void reef_stars_freeze(reef_stars *, int node, int sentinel);
void reef_stars_thaw(reef_stars *, int node, int sentinel);
/* Starts a node again that was killed: as the master that it was, or as a replica of
 * the master that is announced. */
void reef_stars_again(reef_stars *, int node, bool as_replica);
/* Starts a Sentinel again that was killed; it goes on with what it had written down. */
void reef_stars_sentinel_again(reef_stars *, int sentinel);

/* A config of the three Sentinels, with the passwords, at the constellation's host. */
void reef_stars_config(const reef_stars *, reef_config *out);

/* ---- when is there a master again? -------------------------------------------- */

/* Of the nodes that are no master now. */
reef_live_watch *reef_stars_watch_begin(const reef_stars *);

#endif
