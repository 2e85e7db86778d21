/* SPDX-License-Identifier: Apache-2.0
 *
 * A small Cluster made of numbers, for walks over its keys: slots that are handed over
 * key by key, taken back or stuck; masters that die, restart, or are cut off and go on
 * telling of the past; views that lag. Everything happens by chance, from a seed.
 *
 * What can be seen of a hand-over is seen: it does not begin and end unseen by its
 * owner's word between two looks (see net/scan_cover.h). */
#ifndef REEF_TEST_UNIT_SCAN_WORLD_H
#define REEF_TEST_UNIT_SCAN_WORLD_H
#include "net/net.h"

enum {
    WORLD_SHARDS = 4,
    WORLD_NODES = 2 * WORLD_SHARDS, /* of each shard two */
    WORLD_HOT = 9,                  /* slots that move */
    WORLD_KEYS = 200,
    WORLD_BUCKETS = 5, /* pages of a node */
    WORLD_TEXT = 16384
};

/* What one node is taken for, by itself or by others. */
typedef struct world_face {
    bool master, failed;
    uint64_t epoch;
    bool own[WORLD_HOT];
} world_face;

typedef struct world_node {
    char id[REEF_NODE_ID + 1];
    bool up;
    bool cut; /* hears nobody: it believes what was */
    uint32_t process;
    world_face face;                    /* as it is */
    world_face ghost;                   /* cut: as it believes it is */
    int to[WORLD_HOT], from[WORLD_HOT]; /* nodes; -1: none */
    world_face view[WORLD_NODES];       /* as it knows the others */
    bool has[WORLD_KEYS];
} world_node;

typedef struct world {
    uint64_t random;
    world_node nodes[WORLD_NODES];
    int late[WORLD_HOT];      /* who has lost the slot and does not know; -1: nobody */
    bool told[WORLD_HOT];     /* the owner has spoken since the hand-over changed */
    bool lasting[WORLD_KEYS]; /* there from the first look to the end */
    bool walking;
    uint32_t slots, falls, talks; /* the seed's mood: slots that move; how often nodes
                                   * fall, and how often they hear of each other */
} world;

void world_begin(world *, uint64_t seed);
uint32_t world_below(world *, uint32_t bound);
/* Something happens, or nothing. */
void world_event(world *);
/* From now on keys that are there are to be found. */
void world_watch(world *);
/* Nothing happens any more; who is down or cut comes back. */
void world_calm(world *);

int world_find(const world *, const char *id); /* -1: no such node */
uint32_t world_slot(int key);
/* CLUSTER NODES as the node says it; false: it does not answer. */
bool world_says(world *, int node, char out[WORLD_TEXT]);
/* Whether one node takes another one, or itself, for a master. */
bool world_lists(const world *, int teller, int node);
/* Whether the page, of 0 to WORLD_BUCKETS - 1, of that node shows the key. */
bool world_shows(const world *, int node, uint32_t page, int key);

#endif
