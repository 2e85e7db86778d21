/* SPDX-License-Identifier: Apache-2.0
 *
 * sentinel: a fake Sentinel: what it believes, and what it says when it is asked. How
 * beliefs change is a script (failover.c). The shapes are those of Redis 7 and
 * Valkey 8; test/vectors/sentinel_talk.txt holds the fake and real ones to them. */
#ifndef REEF_SIM_SENTINEL_H
#define REEF_SIM_SENTINEL_H
#include "test/sim/server.h"

typedef enum sim_lie {
    SIM_HONEST,
    SIM_LIE_NIL,      /* it has forgotten the name */
    SIM_LIE_REPLICA,  /* another data node is the master, it says, of the same epoch */
    SIM_LIE_SENTINEL, /* a Sentinel is */
    SIM_LIE_NOWHERE,  /* an address where nobody is */
    SIM_LIE_NUMBER,   /* an integer where an array should be */
    SIM_LIE_SHORT,    /* an array without a port */
    SIM_LIE_PORT,     /* a port that is no number */
    SIM_LIE_EMPTY,    /* empty texts */
    SIM_LIE_ERROR     /* an error */
} sim_lie;

struct sim_sentinel {
    const char *name;  /* of the master that it watches */
    const char *other; /* and of another one; NULL: none */
    sim_node *all;     /* the nodes of the world */
    const size_t *count;
    sim_node *master; /* where it believes the master to be … */
    uint64_t epoch;   /* … since this configuration */
    uint32_t quorum;
    /* The leader of a fail-over: */
    bool failing;       /* flags hold failover_in_progress */
    sim_node *selected; /* the replica that it promotes; NULL: none */
    bool seen;          /* as a master: the address that is asked for is its */
    bool down;          /* the master is s_down and o_down to it */
    bool alone;         /* cut off from the others (or in TILT): nothing changes here */
    bool mum;           /* pub/sub is denied */
    bool bare;          /* it has SLAVES, and no REPLICAS */
    bool named;         /* announces host names */
    bool closed;        /* SENTINEL is denied */
    sim_lie lie;
    uint32_t asked, masters, subscribes, told; /* questions; events that were sent */
};

/* What it answers to GET-MASTER-ADDR-BY-NAME when it does not lie. */
const sim_node *sim_sentinel_says(const sim_sentinel *);
const char *sim_node_host(const sim_sentinel *, const sim_node *);

#endif
