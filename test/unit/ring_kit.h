/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine among the nodes of a Cluster that a test scripts, on top of stage_kit.h:
 * each node has a view of who serves what, and answers by it as real ones do: MOVED
 * where the view names another, ASK for a slot that it gives away, CLUSTERDOWN where it
 * names nobody. What has to hold at all times is checked with every command:
 *   - a caller's command goes only to a node that has said who it is, on that very
 *     connection;
 *   - the map is asked for one at a time, and no two questions begin within
 *     REEF_RELOAD_MS. */
#ifndef REEF_TEST_RING_KIT_H
#define REEF_TEST_RING_KIT_H
#include "net/cluster.h"
#include "test/unit/stage_kit.h"

enum {
    RING_NODES = 1080,
    RING_EPOCHS = 8,
    RING_NONE = -1,
    RING_LOG = 16384,
    RING_TIMES = 512
};

/* Of keys: a lives in slot 15495, b in 3300, c in 7365, d in 11298. */

/* What a node believes. */
typedef struct ring_view {
    /* Slots, the master, replicas, by number: "0-5460 0 3,5461-10922 1 4". */
    const char *slots;
    /* Of nodes by number; of those with higher numbers it is 1. */
    uint64_t epochs[RING_EPOCHS];
} ring_view;

typedef struct ring_node {
    fake *f;
    char address[48], id[REEF_NODE_ID + 1];
    ring_view view;
    const char *told; /* the host under which others know it; NULL: its address */
    bool nil;         /* … is told as nil */
    const char *ip;   /* in the metadata; NULL: none is told */
    const char *myid; /* what it says that its own id is; NULL: the truth */
    const char *says; /* to callers' commands, in place of all else … */
    const char *to;   /* … or to these alone, "SET" */
    uint32_t times;   /* … so often; 0: always */
    const char *map;  /* whole answer to CLUSTER SLOTS, in place of its view's; "": it
                       * says nothing to that */
    uint32_t maps, names, roles, runs, moveds; /* asked and answered so far */
} ring_node;

typedef struct ring {
    stage s;
    ring_node nodes[RING_NODES];
    uint32_t count;
    bool bare; /* nodes have neither ids nor epochs */
    struct {
        int slot, from, to; /* slot RING_NONE: nothing moves */
        bool here;          /* the keys are still there */
        bool torn;          /* … some of them */
    } move;
    int64_t map_ms; /* when the map was asked for last */
    uint32_t maps;
    int64_t moved_ms[RING_TIMES]; /* when somebody said MOVED */
    uint32_t moved_count;
    size_t log_len;
    char log[RING_LOG]; /* "0:GET a;1:ASKING;1:GET a;": who was given what */
    char one[512];      /* the same, of the SEND that is looked at … */
    char asked[512];    /* … and of the last one with ASKING in it */
} ring;

/* Hosts, and what else stands under [server.redis]. On the heap: it is large. */
ring *ring_start(const char *hosts, const char *more);
/* 10.0.0.1 to 6: three masters, of 0-5460, 5461-10922 and the rest, each with a replica
 * (3, 4, 5), epochs 1, 2, 3; the masters are the hosts. */
ring *ring_usual(const char *more);
/* The same, with other hosts. */
ring *ring_hosts(const char *hosts, const char *more);
/* The usual one, from which node 0 has served a call already. */
ring *ring_served(void);
void ring_stop(ring *);
ring_node *ring_add(ring *, const char *address);
/* All nodes, or one of them (RING_NONE: all), believe that. */
void ring_believe(ring *, int node, const char *slots);
void ring_epoch(ring *, int node, uint32_t of, uint64_t epoch);
/* Node 3 has taken over from node 0, with that epoch, and this one knows it (RING_NONE:
 * all of them). */
void ring_fail_over(ring *, int node, uint64_t epoch);
/* It is gone (FAKE_REFUSES, FAKE_DEAF: its connections break; FAKE_MUTE), or back. */
void ring_way(ring *, uint32_t node, fake_way way);
void ring_pass(ring *, int64_t ms);
void ring_run(ring *);
/* "GET a"; with commas between them several commands, as a group. Keys are marked. */
uint64_t ring_call(ring *, const char *commands, int64_t timeout_ms);
/* One that may be sent again. */
uint64_t ring_again(ring *, const char *commands, int64_t timeout_ms);
/* To the node of that id alone. */
uint64_t ring_order(ring *, const char *commands, const char *id, int64_t timeout_ms);
void ring_done(ring *, uint64_t ticket, reef_code code, const char *text);
void ring_none_done(ring *);
/* A call that is answered at once, by that node. */
void ring_serves(ring *, const char *words, uint32_t node);
/* What callers' commands were given to whom since the last look. */
void ring_logged(ring *, const char *log);
/* How often that begins anywhere in it, which stays. */
uint32_t ring_times_logged(const ring *, const char *text);
/* No two answers of replicas came within the time between two probes. */
void ring_spread(const ring *);
reef_cluster *ring_state(ring *);
reef_cnode *ring_entry(ring *, uint32_t node); /* NULL: it is not in the table */
/* Who has the slot in our map; RING_NONE: nobody, -2: somebody else. */
int ring_owner(ring *, uint32_t slot);
uint32_t ring_links(const ring *, uint32_t node); /* open ones */

#endif
