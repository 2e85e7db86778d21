/* SPDX-License-Identifier: Apache-2.0
 *
 * census: every node of a Cluster, and what each of them says of all. What the
 * census_* files share. Without I/O: census_read.c makes one picture of many rosters,
 * census_find.c and census_note.c judge it. census.c asks the nodes, census_strays.c
 * those that the client does not know, census_seeds.c the hosts of the settings that
 * are none; census_show.c shows it all. */
#ifndef REEF_SESSION_CLI_CENSUS_H
#define REEF_SESSION_CLI_CENSUS_H
#include "session/cli/check.h"

enum {
    CLI_CENSUS_LINE = 1024,
    CLI_CENSUS_BUCKETS = 4096, /* a power of two, more than REEF_NODES_MAX */
    CLI_CENSUS_RUNS = 4        /* ranges of slots in one sentence */
};

/* A number of a node is its index and 1; 0 is nobody. */
typedef uint16_t cli_node_number;

/* How a node's own roster differs from what most say. */
typedef struct cli_odds {
    uint32_t slots;                  /* of which it names another owner */
    uint32_t first, last;            /* the first run of them … */
    cli_node_number says, most;      /* … and whose it is by either word */
    cli_node_number newer;           /* slots 0: whose epoch differs … */
    uint64_t says_epoch, most_epoch; /* … by either word */
} cli_odds;

typedef struct cli_node {
    char id[REEF_NODE_ID + 1];
    char master_id[REEF_NODE_ID + 1];     /* of a replica */
    char peer[REEF_PEER_TEXT];            /* "": nobody knows its address */
    char why[REEF_ERROR_TEXT];            /* it gave no roster */
    reef_code code;                       /* the same: how that ended */
    bool member;                          /* the client knows it … */
    bool answered;                        /* … and got its roster */
    bool master, replica;                 /* as most say; neither: not told */
    bool handshake, homeless;             /* by anybody's word */
    uint32_t known, fails, suspects, cut; /* by so many of the others' rosters */
    uint32_t slots;                       /* that it serves, as most say */
    uint64_t epoch;                       /* of its configuration, as most say */
    uint32_t listed, doubts;  /* in its roster: others; those that it finds lost */
    bool cut_off;             /* it finds most of them lost, and most don't */
    uint64_t view, top_epoch; /* of its roster: a mark, the highest epoch */
    bool odd;                 /* its roster is not that of most: */
    cli_odds odds;
    bool has_keys, has_info, has_state; /* what follows was told */
    uint64_t keys;
    bool down;             /* by its own word the cluster is */
    bool link_up, copying; /* of a replica, to its master */
    bool has_offset;
    uint64_t offset;   /* in the stream of its master's writes, bytes */
    bool evicts;       /* it may drop keys when memory is short */
    char eviction[32]; /* its maxmemory_policy */
    char version[32];
} cli_node;

/* A slot on the move, by the word of those who give and take it. */
typedef struct cli_moving {
    cli_node_number giver, giver_to; /* who gives it, and to whom */
    cli_node_number taker, taker_from;
} cli_moving;

struct cli_census {
    size_t count, dropped; /* nodes; and those past REEF_NODES_MAX */
    uint32_t views;        /* nodes that gave a roster … */
    uint32_t voices;       /* … whose word on others counts … */
    uint32_t minds;        /* … how many kinds of these there are … */
    uint32_t agreeing;     /* … and how many nodes gave the one that counts */
    uint32_t masters;      /* that serve slots */
    uint32_t replicas;
    uint32_t served;                         /* slots that have an owner */
    uint32_t rivals;                         /* that two nodes claim for themselves */
    uint32_t moves;                          /* on the move */
    uint64_t epoch;                          /* the highest */
    cli_node_number owners[REEF_SLOT_COUNT]; /* as most say */
    cli_node_number claims[REEF_SLOT_COUNT]; /* who says of itself that it is its */
    cli_node_number others[REEF_SLOT_COUNT]; /* and who says so, too */
    cli_moving moving[REEF_SLOT_COUNT];
    cli_node nodes[REEF_NODES_MAX];
    cli_node_number order[REEF_NODES_MAX]; /* to be shown in: a master, its replicas */
    cli_node_number buckets[CLI_CENSUS_BUCKETS]; /* by id */
    cli_node_number scratch[REEF_SLOT_COUNT];
};

/* ---- census_read.c ------------------------------------------------------------ */
/* What one node answered to CLUSTER NODES. */
typedef struct cli_view {
    const reef_member *member;
    reef_str text;             /* its roster, borrowed */
    reef_code code;            /* REEF_OK, or … */
    char why[REEF_ERROR_TEXT]; /* … why there is none */
} cli_view;

/* Of each node there is one view at most. A census that is zero gets its nodes, and the
 * picture that most of them have. Of two that equally many have it is the one with the
 * higher epoch. */
void cli_census_read(cli_census *, const cli_view views[], size_t count);
/* NULL: there is none of that id, or of that number. */
cli_node *cli_census_node(cli_census *, const char *id);
const cli_node *cli_census_at(const cli_census *, cli_node_number);
/* What a node says of itself besides: the text of INFO, and of CLUSTER INFO. */
void cli_census_info(cli_node *, reef_str info);
void cli_census_state(cli_node *, reef_str info);
/* Nodes that are to be shown one after the other: fills in `order`. */
void cli_census_sort(cli_census *);
/* How many others there are whose word on it counts. */
uint32_t cli_census_voices(const cli_census *, const cli_node *);
/* More than half of the others say that it has failed; or some, or that it may have. */
bool cli_census_failed(const cli_census *, const cli_node *);
bool cli_census_suspected(const cli_census *, const cli_node *);
/* It is asked, and nothing comes back. */
bool cli_census_is_silent(const cli_census *, const cli_node *);
/* It has failed, or may have: a link that is down says nothing of the other end. */
bool cli_census_lost(const cli_census *, const cli_node *);
/* A master that serves slots. */
bool cli_census_serves(const cli_node *);
/* Whom a replica follows; NULL: nobody, or nobody knows it. */
const cli_node *cli_census_master(const cli_census *, const cli_node *);
/* It could take its master's place: it is there, and has its data. */
bool cli_census_ready(const cli_census *, const cli_node *);
uint32_t cli_census_replicas(const cli_census *, const cli_node *master, bool ready);
/* Bytes of its master's writes that a replica does not have. False: not known. */
bool cli_census_behind(const cli_census *, const cli_node *, uint64_t *bytes);
/* The end of the run of equal values that begins at `first`: its last slot. */
uint32_t cli_census_run(const cli_node_number map[REEF_SLOT_COUNT], uint32_t first);

/* ---- census_show.c ------------------------------------------------------------ */
/* "0-99, 200 and 3 more ranges": the slots of that value in the map. */
void cli_census_ranges(const cli_node_number map[REEF_SLOT_COUNT],
                       cli_node_number value, char *out, size_t cap);
/* "10.0.0.1:7000", or the begin of its id where it has no address. */
void cli_node_name(const cli_node *, char out[REEF_PEER_TEXT]);
/* How a node is, in a word or some: "online, 12 KiB behind". */
void cli_node_state(const cli_census *, const cli_node *, char *out, size_t cap);
void cli_census_show(const cli_check *);
/* The object. */
void cli_census_json(const cli_census *);
/* One node as a JSON object; NULL: null. */
void cli_node_json(const cli_census *, const cli_node *);

/* ---- census_find.c: what is wrong, worst first -------------------------------- */
/* Which nodes a sentence is about. */
typedef bool (*cli_node_test)(const cli_census *, const cli_node *);
/* "a, b, c, d and 3 more" into `out`; how many there are in all. */
uint32_t cli_census_names(const cli_census *, cli_node_test, char *out, size_t cap);
/* One sentence about all of those: what to say of one, and of several. Nothing where
 * there are none. */
void cli_census_say(cli_check *, int exit_code, cli_node_test, const char *one,
                    const char *many);

/* ---- census_note.c ------------------------------------------------------------ */
/* What is worth knowing while all works. */
void cli_census_note(cli_check *);

/* ---- census.c ----------------------------------------------------------------- */
enum { CLI_CENSUS_ROUNDS = 4 /* each a command to all nodes; the first for rosters */ };

/* Asks all nodes, into a census. REEF_OK also where some did not answer; else nobody
 * could be asked, and the reason stands in `error`. */
reef_code cli_census_take(cli_context *, cli_census *, reef_error *);
/* The same for their rosters alone. */
reef_code cli_census_rosters(cli_context *, cli_census *, int64_t timeout_ms,
                             reef_error *);
/* Puts the command of one round to all nodes that the client knows. */
reef_answers *cli_census_ask(reef_client *, size_t round, int64_t timeout_ms,
                             reef_error *);

/* ---- census_strays.c ---------------------------------------------------------- */
enum { CLI_STRAYS = 4 /* asked at most */ };

/* A node that the others list and don't offer to clients, as a master that they have
 * replaced, and what it said when it was asked apart. */
typedef struct cli_stray {
    reef_answers *answers[CLI_CENSUS_ROUNDS];
    const struct reef_answer *own[CLI_CENSUS_ROUNDS]; /* its own among them, or NULL */
} cli_stray;

/* Asks them, and keeps those that gave a roster, the first of their `own`: how many. */
size_t cli_strays_ask(cli_context *, const cli_census *, cli_stray[CLI_STRAYS]);
void cli_strays_free(cli_stray[], size_t count);

#endif
