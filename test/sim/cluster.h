/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster: fake nodes of a Cluster: what each of them believes, and what it says when
 * it is asked (cluster.c, cluster_says.c). How beliefs change is gossip, fail-overs and
 * slots that move (gossip.c, reshard.c). The rules are those of Redis 7 and Valkey 8;
 * test/vectors/cluster_talk.txt holds the fake and real ones to them.
 *
 * Each node has a view of its own: who owns which slot, with which epoch, who is a
 * replica of whom, who has failed. It answers from that alone. A claim with a higher
 * epoch wins where it is heard. Data is per node, too: a key is where it was written
 * until it is moved; a replica gets its master's keys when it is promoted, but for
 * those that were written last.
 *
 * `truth` is what the views will agree on once all have heard all. */
#ifndef REEF_SIM_CLUSTER_H
#define REEF_SIM_CLUSTER_H
#include "test/sim/server.h"

enum { SIM_SLOTS = 16384, SIM_MOVES = 8, SIM_HOT = 8, SIM_NOBODY = 0xFF };

/* How nodes tell where they are. */
typedef enum sim_endpoints {
    SIM_BY_ADDRESS,
    SIM_BY_NAME, /* "?" for one that has no name; the address is in the metadata */
    SIM_BY_PORT  /* a null host: the one that was asked */
} sim_endpoints;

typedef enum sim_fib {
    SIM_TRUE,
    SIM_FIB_STALE,   /* it hears nothing any more, and goes on as before */
    SIM_FIB_SWAPPED, /* CLUSTER SLOTS gives each range to another master */
    SIM_FIB_NOTHING, /* an empty map */
    SIM_FIB_ERROR,   /* an error */
    SIM_FIB_BROKEN   /* slots that there are not */
} sim_fib;

/* What a node believes of another one, or of itself. */
typedef struct sim_belief {
    bool known, replica, failed;
    uint8_t master; /* of a replica */
    uint64_t epoch; /* of a master's configuration */
} sim_belief;

/* A slot that is open at this node. */
typedef struct sim_move {
    uint32_t slot;
    sim_node *other;
    bool importing;
    int64_t step_ms; /* between two keys */
} sim_move;

struct sim_member {
    sim_cluster *cluster;
    char id[41];
    sim_belief of[SIM_NODES]; /* by the node's number */
    uint8_t owner[SIM_SLOTS]; /* the number; SIM_NOBODY: it is not served */
    sim_move moves[SIM_MOVES];
    size_t move_count;
    bool down;        /* its cluster_state is fail */
    bool shy;         /* does not know its own address: an empty host */
    sim_fib fib;      /* when it is asked for the map */
    bool alone;       /* it hears no other node, and none hears it … */
    int64_t alone_ms; /* … since then */
    uint64_t fault;   /* the last that befell it … */
    int64_t hurt_ms;  /* … and when */
    bool foreign;     /* of another cluster */
    sim_entry entries[SIM_CALLS];
    char said[160];                     /* the error that it answers with */
    uint32_t maps;                      /* how often it was asked for CLUSTER SLOTS */
    uint32_t moved, asks, again, downs; /* redirects and refusals that it gave */
};

struct sim_cluster {
    sim_node *all; /* the nodes of the world */
    const size_t *count;
    sim_endpoints endpoints;
    bool together;            /* all at one address, at ports of their own */
    bool partial;             /* require-full-coverage no */
    uint64_t epoch;           /* the highest that was given away */
    int64_t node_timeout_ms;  /* until somebody who is silent has failed */
    int64_t election_ms;      /* from there to the promotion */
    int64_t gossip_ms;        /* until the last one has heard, at most */
    int64_t lag_ms;           /* of replication */
    uint8_t truth[SIM_SLOTS]; /* who owns it; SIM_NOBODY */
    uint64_t serial;          /* of faults: what was planned for an older one is void */
    int64_t promoted_ms;      /* the last time that anybody was */
    uint32_t promotions;
    uint32_t astray;      /* writes at one who had been replaced … */
    int64_t astray_ms;    /* … the last of them */
    bool lost[SIM_CALLS]; /* what the call wrote is gone, by a fail-over */
    sim_member members[SIM_NODES];
};

/* ---- cluster.c: slots, and what may run at a node ------------------------------ */

uint32_t sim_slot(reef_str key);
uint8_t sim_member_number(const sim_node *);
/* The keys of a command: arguments `first` and on, `count` of them. */
uint32_t sim_cmd_keys(const reef_reply *cmd, uint32_t *first);
/* The error that the node answers this command with, EXEC with its queue included;
 * NULL: it may run here. Lives until the next one. */
const char *sim_member_denies(sim_node *, const sim_conn *, const reef_reply *cmd);
/* CLUSTER, ASKING, READONLY and ROLE; false: it is none of them. */
bool sim_member_run(sim_node *, sim_conn *, const reef_reply *cmd, sim_bytes *out);
/* Finds out anew whether the node thinks that the cluster is up. */
void sim_member_state(sim_node *);
const sim_move *sim_member_move(const sim_member *, uint32_t slot);
sim_entry *sim_member_entry(sim_node *, size_t id);

/* ---- cluster_says.c: what it tells of the cluster ------------------------------ */

/* The host that a node tells of another one; NULL: null. */
const char *sim_member_host(const sim_node *me, const sim_node *other);
void sim_member_says(sim_node *, sim_conn *, const reef_reply *cmd, sim_bytes *out);

#endif
