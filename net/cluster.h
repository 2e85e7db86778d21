/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster: the router for a Cluster, shared by the files that make it up:
 *   cluster.c         the router: which call goes where (the states)
 *   cluster_judge.c   what answers mean for a call
 *   cluster_nodes.c   the table of nodes, and the calls that are parked at them
 *   cluster_probe.c   nodes that are stuck, and who takes over from them
 *   cluster_seek.c    seeds, links, and who is asked for the map
 *   cluster_map.c     what a view of the cluster changes
 *   cluster_view.c    what callers and operators are told
 *   shape.h, slots.h  what nodes say, and the map, as values
 *
 * A claim to a slot has a rank: twice the configuration epoch of the node that claims
 * it (cluster specification, "Hash slots configuration propagation": the higher one
 * wins), and one more where a redirect, or an answer that only an owner gives, was
 * ahead of what views tell. A lower rank never replaces a higher one, unless the owner
 * by the higher one could not be reached for REEF_BELIEF_LOST_MS, or says itself that
 * the slot is not its own, without a place where it is. */
#ifndef REEF_NET_CLUSTER_H
#define REEF_NET_CLUSTER_H
#include "net/engine.h"
#include "net/shape.h"

enum {
    REEF_RELOAD_MS = 100,      /* between two questions for the map, at least; … */
    REEF_RELOAD_DOUBLINGS = 4, /* … while nothing changes it doubles so often */
    REEF_RELOAD_WAIT_MS = 300, /* for an answer, before another node is asked */
    REEF_MAP_AGE_MS = 15000,   /* a map in use is asked for again after that */
    REEF_PROBE_NODE_MS = 10,   /* between two probes of a stuck node's shard, … */
    REEF_PROBE_BOTH_MS = 5, /* … where the node and its replicas are asked by turns */
    REEF_PROBE_WAIT_MS = 100, /* one that is not answered is passed over after that */
    REEF_PROBE_BYTES = 16384, /* a call of more is not what a node is probed with */
    REEF_SLOW_DIAL_MS = 50,   /* connecting takes that long: others are asked as well */
    REEF_WANTED_MS = 1000,    /* a link that a probe or a reload may need is kept for */
    REEF_BELIEF_LOST_MS = 3000, /* an owner that is lost for so long has no word left */
    REEF_FOREIGN_MS = 1000,     /* nobody of ours answers: seeds may lead to another
                                 * cluster, in the place of this one */
    REEF_REDIRECTS_AT_ONCE = 5, /* of one call; the next ones come after a pause … */
    REEF_REDIRECTS_MAX = 16,    /* … up to that many */
    REEF_NODES_HINTS = 8192,    /* places that remember which node has an id */
    REEF_SEEK_NODES = 4,  /* that are connected to at a time, to ask for the map */
    REEF_SERIAL_BITS = 10 /* of a serial: the number; the rest: which of its uses */
};
#define REEF_SERIAL_SEED UINT32_C(0x80000000) /* … with a seed's number */
_Static_assert((int)REEF_NODES_MAX <= 1 << REEF_SERIAL_BITS, "a number fits a serial");

/* A configured host. */
typedef struct reef_cseed {
    reef_dial dial;
    bool known; /* its link has said who is there */
    char id[REEF_NODE_ID + 1];
    reef_error why;     /* how the last attempt at it ended */
    bool hopeless;      /* … and no other attempt can end otherwise */
    int64_t verdict_ms; /* … and when; 0: there was none */
} reef_cseed;

typedef struct reef_cnode {
    uint32_t serial;
    char id[REEF_NODE_ID + 1]; /* "": not known */
    reef_place place;
    reef_dial dial;
    bool listed;     /* the newest map has it */
    bool master;     /* … as a master */
    uint16_t of;     /* … as a replica of that node; REEF_NOBODY */
    uint32_t slots;  /* that it owns in our map */
    uint64_t epoch;  /* of its configuration */
    uint64_t told;   /* … by the view at hand, which may be older */
    bool named;      /* the view at hand has it in its roster */
    bool fresh;      /* … and as a master of slots */
    bool known;      /* on its present link it said that it is this node */
    bool stuck;      /* calls are parked, and one at a time is tried */
    reef_error why;  /* why it can't be used; REEF_OK: no reason is known */
    bool hopeless;   /* … and no other attempt can end otherwise */
    int64_t lost_ms; /* since when it can't be reached; 0: it can, as far as is known */
    int64_t wanted_ms; /* a link to it is wanted until then, though no call waits */
    reef_list parked;
    bool active;           /* is in the list of those that are looked after */
    uint64_t probe_id;     /* the ticket that is out to find its master; 0: none */
    int64_t probe_ms;      /* since when */
    int64_t probe_next_ms; /* when the next one may go */
    uint32_t probe_turn;
    bool key_out;    /* it was asked for a key … */
    uint32_t key_of; /* … for the sake of that one */
} reef_cnode;

typedef struct reef_cluster {
    reef_cseed *seeds;
    uint32_t seed_count;
    reef_cnode *nodes[REEF_NODES_MAX]; /* NULL: free */
    uint32_t node_count;               /* numbers in use are below it */
    uint16_t *hints; /* REEF_NODES_HINTS: who has such an id, perhaps */
    uint32_t live_count;
    uint32_t uses;                  /* serials given */
    uint32_t *active, active_count; /* numbers; room for REEF_NODES_MAX */
    uint32_t favourite; /* number of the node that commands without keys use */
    reef_slots map;
    bool mapped;
    uint64_t epoch;  /* the highest that a view had */
    uint64_t views;  /* that were believed */
    int64_t view_ms; /* when the last of them was asked for */
    uint64_t asks;   /* for the map */
    bool due;        /* the map is to be asked for … */
    int64_t due_ms;  /* … no sooner than then */
    int asking;      /* the link that was asked; REEF_NO_LINK */
    int64_t asked_ms;
    uint32_t quiet;     /* views in a row that changed nothing */
    uint32_t turn;      /* who is asked next */
    int64_t seek_ms;    /* when a few more nodes are connected to */
    int64_t aside_ms;   /* when seeds are asked although nodes answer, at the soonest */
    int64_t silence_ms; /* when silent links are looked for again */
    int64_t rests_ms;   /* nothing is to be done until then; who makes something due,
                         * or a node active, sets it to 0 */
    int64_t lost_ms;    /* since when no node answers; 0: one does */
    int64_t wanted_ms;  /* tend: until when things are made though nothing waits */
    reef_list homeless; /* nobody serves their slot */
    reef_list later;    /* told to try again; all of them at: */
    reef_backoff pause;
    char told[REEF_PEER_TEXT]; /* who gave the newest view */
} reef_cluster;

/* cluster.c */
bool reef_cluster_begin(reef_engine *); /* false: out of memory */
/* HELLO of the single host said that it is a Cluster: this router goes on with the
 * link. */
reef_code reef_cluster_take_over(reef_engine *, reef_link *, reef_error *);
/* db other than 0, a Sentinel or a single server among the hosts of a Cluster. */
reef_code reef_cluster_accepts(const reef_engine *, const reef_link *, reef_error *);
void reef_cluster_deliver(reef_engine *, reef_cnode *, reef_ticket *);
/* It ends; where an earlier try may have run, as unsure. */
void reef_cluster_refuse(reef_engine *, reef_ticket *, const reef_error *why);
/* Nobody serves its slot: it waits until two more views have said so. */
void reef_cluster_no_home(reef_engine *, reef_ticket *);

/* cluster_judge.c */
bool reef_cluster_judge(reef_engine *, reef_link *, reef_ticket *);
/* A replica was asked by an errand who serves a slot: a MOVED may be news. False: it is
 * none. */
bool reef_cluster_hint(reef_engine *, reef_link *, const char *text);
void reef_cluster_not_now(reef_engine *, reef_link *, const char *text);

/* cluster_nodes.c */
reef_cnode *reef_cluster_node(const reef_cluster *, uint32_t serial); /* NULL: gone */
reef_cnode *reef_cluster_by_id(const reef_cluster *, const char *id);
reef_cnode *reef_cluster_by_place(const reef_cluster *, const reef_place *);
reef_cnode *reef_cluster_by_port(const reef_cluster *,
                                 uint16_t port); /* the only one */
uint16_t reef_cluster_number(const reef_cnode *);
/* NULL: out of memory, or there are REEF_NODES_MAX. */
reef_cnode *reef_cluster_add(reef_engine *, const char *id, const reef_place *);
void reef_cluster_settle_at(reef_engine *, reef_cnode *, const reef_place *);
/* Its calls wait elsewhere, its link ends once it owes nothing. */
void reef_cluster_drop(reef_engine *, reef_cnode *, const char *text);
reef_link *reef_cluster_link(const reef_engine *, const reef_cnode *); /* NULL: none */
/* It is the node whose link this is, not one that drains. NULL: nobody's. */
reef_cnode *reef_cluster_of_link(const reef_engine *, const reef_link *);
bool reef_cluster_is_up(const reef_engine *, const reef_cnode *); /* ready, and known */
bool reef_cluster_flows(const reef_engine *, const reef_cnode *); /* calls may go out */
void reef_cluster_rouse(reef_cluster *, reef_cnode *);            /* look after it */
void reef_cluster_park(reef_engine *, reef_cnode *, reef_ticket *);
/* Its parked calls are routed anew. */
void reef_cluster_unpark(reef_engine *, reef_cnode *);
void reef_cluster_empty(reef_engine *, reef_list *);
void reef_cluster_nodes_free(reef_engine *);

/* cluster_probe.c */
/* It was put to that node in the place of another one, which may be gone by now. */
bool reef_cluster_is_probe(const reef_ticket *, uint32_t serial);
void reef_cluster_stick(reef_engine *, reef_cnode *, const reef_error *why);
void reef_cluster_unstick(reef_engine *, reef_cnode *);
/* Sends what may go, connects, or probes. False: it needs no looking after. */
bool reef_cluster_tend_node(reef_engine *, reef_cnode *);
int64_t reef_cluster_node_deadline_ms(const reef_engine *, const reef_cnode *);
/* `to` has all slots of `from`: it gave an answer that only their owner gives, or a
 * node of their shard said so. */
void reef_cluster_promote(reef_engine *, reef_cnode *from, reef_cnode *to);
void reef_cluster_find_silent(reef_engine *);
void reef_cluster_key_told(reef_engine *, reef_link *, const reef_reply *);

/* cluster_seek.c */
void reef_cluster_want_map(reef_engine *, bool news); /* news: something has changed */
void reef_cluster_reload(reef_engine *); /* asks for the map, where that is due */
int64_t reef_cluster_reload_ms(const reef_engine *); /* when it is */
bool reef_cluster_dial(reef_engine *, reef_dial *, uint32_t whose, reef_error *why);
void reef_cluster_linked(reef_engine *, reef_link *);
void reef_cluster_answered(reef_engine *, reef_link *, const reef_ticket *);
reef_cseed *reef_cluster_seed_of(const reef_engine *, const reef_link *);
void reef_cluster_seed_down(reef_engine *, reef_cseed *, reef_link *,
                            const reef_error *);
void reef_cluster_adopt(reef_engine *); /* links of seeds become those of nodes */
bool reef_cluster_is_lost(const reef_engine *); /* no node is up */

/* cluster_map.c */
/* What the node at that link said of the cluster. REEF_OK: believed. */
reef_code reef_cluster_view(reef_engine *, reef_link *, const reef_reply *slots,
                            const reef_reply *roster, reef_error *why);
/* One slot has another owner: by a redirect. */
void reef_cluster_patch(reef_engine *, uint32_t slot, reef_cnode *owner);
void reef_cluster_recount(reef_cluster *); /* the slots of each node */

/* cluster_view.c */
/* The link that speaks for the cluster: that of a node that commands without a key go
 * to, or any that is ready. */
const reef_link *reef_cluster_speaker(const reef_engine *);
uint32_t reef_cluster_serial_of(const reef_engine *, const char *id); /* 0: nobody */
size_t reef_cluster_members(const reef_engine *, reef_member *out, size_t cap);
void reef_cluster_waits_for(const reef_engine *, const reef_ticket *, reef_error *);
/* Why there is no map. */
void reef_cluster_no_map(const reef_engine *, reef_error *out);
/* True: no waiting can lead to one, for a call of that time. */
bool reef_cluster_is_hopeless(const reef_engine *, int64_t since_ms, reef_error *why);
/* Why a call for that node alone ends: it is dropped. */
void reef_cluster_left(const reef_cnode *, reef_error *why);
void reef_cluster_no_owner(const reef_engine *, uint32_t slot, reef_error *why);

#endif
