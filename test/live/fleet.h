/* SPDX-License-Identifier: Apache-2.0
 *
 * A fleet for tests: a Cluster of three masters and three replicas of one kind, all on
 * loopback. It starts settled, some two seconds after the first of its processes (a
 * node takes no write before), is struck with the functions of server.h and those here,
 * and is settled again before the next blow.
 *
 * Nodes have numbers that stay when roles change: at first 0 to 2 are masters, and node
 * i + 3 is the replica of node i. A node is missed for 500 ms; the replica of one that
 * fell silent takes writes 1.3 to 2 seconds after the blow. Replicas stay with their
 * shards, also when a master has no slots left.
 *
 * As in server.h, whatever fails in here fails the running test, and all of it belongs
 * on the test's own thread. What the nodes think is read from them without reef. */
#ifndef REEF_TEST_LIVE_FLEET_H
#define REEF_TEST_LIVE_FLEET_H
#include "test/live/watch.h"

enum {
    REEF_FLEET_MASTERS = 3, /* at first */
    REEF_FLEET_NODES = 6,   /* at first */
    REEF_FLEET_MAX = 8,     /* with those that were added */
    REEF_FLEET_SLOTS = 16384,
    REEF_FLEET_TIMEOUT_MS = 500, /* cluster-node-timeout */
    REEF_FLEET_KEY = 32          /* bytes of reef_fleet_key */
};

/* Zero is a good choice for each field. */
typedef struct reef_fleet_options {
    const char *host;     /* of all nodes: "127.0.0.1" (NULL), "::1" */
    const char *password; /* of all nodes, for each other too */
    const char *endpoint; /* cluster-preferred-endpoint-type */
    const char *hostname; /* that each announces; "localhost" */
    const char *extra;    /* as in server.h */
    bool partial;         /* cluster-require-full-coverage no */
    bool masters_alone;   /* three nodes, no replicas */
    bool fenced;          /* reef_fleet_cut can cut nodes off; v4 alone */
} reef_fleet_options;

typedef struct reef_fence reef_fence;

typedef struct reef_fleet {
    reef_live_server *nodes[REEF_FLEET_MAX];
    char ids[REEF_FLEET_MAX][41];
    bool member[REEF_FLEET_MAX]; /* not forgotten */
    bool frozen[REEF_FLEET_MAX];
    bool master[REEF_FLEET_MAX];       /* when all was settled */
    int64_t master_ms[REEF_FLEET_MAX]; /* when it was first seen to be one, lately */
    int count;
    char host[16], password[REEF_NAME_MAX];
    char lines[1024]; /* of each node's configuration */
    reef_fence *fence;
} reef_fleet;

/* Settled. NULL options: all zero. reef_fleet_free ends all of it; NULL is fine. */
reef_fleet *reef_fleet_start(const reef_live_kind *, const reef_fleet_options *);
void reef_fleet_free(reef_fleet *);

/* A config of the first `count` nodes with the password; a single one makes one
 * seed. */
void reef_fleet_config(const reef_fleet *, int count, reef_config *out);

/* ---- what the nodes think ----------------------------------------------------- */

/* The node that takes itself for the master of the slot, and has the newest claim where
 * two do; -1: none that runs. Nodes that were killed or frozen are not asked. */
int reef_fleet_master(const reef_fleet *, uint32_t slot);
/* A replica of this master that runs; fails when there is none. */
int reef_fleet_replica(const reef_fleet *, int master);
bool reef_fleet_is_master(const reef_fleet *, int node); /* in its own eyes */
/* Slots that the node serves, in its own eyes; `first` may be NULL. */
uint32_t reef_fleet_slots(const reef_fleet *, int node, uint32_t *first);
/* Slot by slot who serves it, -1 where nobody does. */
void reef_fleet_owners(const reef_fleet *, int owners[REEF_FLEET_SLOTS]);
/* Waits until all nodes that run have one view without a failure in it but of those
 * that were killed, each says that the cluster is well, and each replica replicates and
 * has what its master was just given. Frozen nodes have to be thawed before. */
void reef_fleet_settle(reef_fleet *);
/* Waits until another node than this serves the slot, in the eyes of all that run. */
int reef_fleet_moved(const reef_fleet *, uint32_t slot, int from);
/* How often a replica has become a master so far, by vote or by order. More often than
 * it was struck: the machine is so slow that nodes that are well are missed, which
 * proves nothing about a client. */
unsigned reef_fleet_promoted(const reef_fleet *);
/* Shows what nodes say and log, for the text of a failure. */
void reef_fleet_tell(const reef_fleet *);

/* CRC16 of the key, bit by bit, and without a look at reef's; no {tag} in it. */
uint32_t reef_fleet_slot(const char *key);
/* A key of this slot: "{tag}name". */
void reef_fleet_key(uint32_t slot, const char *name, char out[REEF_FLEET_KEY]);

/* ---- blows -------------------------------------------------------------------- */

void reef_fleet_kill(reef_fleet *, int node);   /* -9 */
void reef_fleet_freeze(reef_fleet *, int node); /* SIGSTOP */
void reef_fleet_thaw(reef_fleet *, int node);
/* Starts a node again that was killed; it finds its place by itself. */
void reef_fleet_again(reef_fleet *, int node);
/* Gives a node that was killed another port, of nobody's where it is 0. Started
 * again, it and the others know nothing of each other until they are introduced. */
void reef_fleet_place(reef_fleet *, int node, uint16_t port);
void reef_fleet_introduce(const reef_fleet *, int node);
/* All of that for all nodes, which were killed. */
void reef_fleet_elsewhere(reef_fleet *);
/* CLUSTER FAILOVER on the replica: how is "", "FORCE" or "TAKEOVER". Waits until it
 * is a master, after a rest; asks again where the machine was too slow for it. */
void reef_fleet_failover(const reef_fleet *, int replica, const char *how);
/* Waits until the replica's last election is four seconds ago: within them, servers
 * count its votes once more, and two masters have one slot. */
void reef_fleet_rest(const reef_fleet *, int replica);
/* A line to which the node says OK. */
void reef_fleet_order(const reef_fleet *, int node, const char *line);
/* A node without slots that all others know; reef_fleet_follow makes it a replica. */
int reef_fleet_add(reef_fleet *);
void reef_fleet_follow(const reef_fleet *, int node, int master);
/* All others forget the node, which goes on as if it had not been noticed. */
void reef_fleet_forget(reef_fleet *, int node);
/* Nobody owns these slots any more; or this node does again. */
void reef_fleet_hole(const reef_fleet *, uint32_t first, uint32_t last);
void reef_fleet_fill(const reef_fleet *, uint32_t first, uint32_t last, int node);
/* Cuts the node off from all others, which hear nothing of it from now on, nor it of
 * them; clients reach all of them. Then mends it. For a fenced fleet. */
void reef_fleet_cut(reef_fleet *, int node);
void reef_fleet_mend(reef_fleet *, int node);

/* ---- slots that move ---------------------------------------------------------- */

/* The steps of a migration, in this order. The slot is marked at both ends; some keys
 * are moved, all of them with `count` 0; it is given to the new owner. */
void reef_fleet_move_begin(const reef_fleet *, uint32_t slot, int from, int to);
uint32_t reef_fleet_move_keys(const reef_fleet *, uint32_t slot, int from, int to,
                              uint32_t count);
void reef_fleet_move_end(const reef_fleet *, uint32_t slot, int to);
/* All of it for the first `count` slots of one master. */
void reef_fleet_move(const reef_fleet *, uint32_t count, int from, int to);
/* The same by redis-cli --cluster reshard, which takes some seconds for 1,000 slots. */
void reef_fleet_reshard(const reef_fleet *, uint32_t count, int from, int to);

/* ---- when is there a master again? -------------------------------------------- */

/* Of the replicas of this master; they are to set a key of one of its slots. */
reef_live_watch *reef_fleet_watch_begin(const reef_fleet *, int master);

/* ---- within the fixture ------------------------------------------------------- */

/* A line of a node's view. */
typedef struct reef_fleet_row {
    int node, master; /* numbers; -1: not one of ours, or no replica */
    bool myself, is_master, failed, linked;
    unsigned long long epoch;
    const char *slots; /* the rest of the line, to its end */
} reef_fleet_row;

bool reef_fleet_hears(const reef_fleet *, int node); /* runs, and is not frozen */
/* The node's view, to be freed; "" where it gave none. */
char *reef_fleet_view(const reef_fleet *, int node);
/* Takes the next line off; false: none left. */
bool reef_fleet_row_next(const reef_fleet *, const char **view, reef_fleet_row *out);
/* Takes the next range off a row's slots, passing over slots that move. */
bool reef_fleet_span_next(const char **slots, uint32_t *first, uint32_t *last);

/* Ports that nodes announce for their buses, which lead to those when nothing is cut. A
 * node dials from 127.0.0.(100 + its number). */
reef_fence *reef_fence_start(void);
uint16_t reef_fence_port(reef_fence *, int node);
void reef_fence_open(reef_fence *, int node, uint16_t bus);
void reef_fence_cut(reef_fence *, int node, bool cut);
void reef_fence_free(reef_fence *); /* NULL is fine */
enum { REEF_FENCE_FROM = 100 };

#endif
