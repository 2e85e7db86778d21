/* SPDX-License-Identifier: Apache-2.0
 *
 * scan: walks over all keys, inside. Private to net/.
 *
 *   scan.c         the walk as a whole: looks and rounds, and the keys given out
 *   scan_look.c    asking the masters of a Cluster what they believe of it
 *   scan_page.c    pages: commands out, keys, cursors and processes in
 *   scan_cover.h   which slots still have to be walked
 *   scan_set.h     which keys were given
 *
 * A walk without a Cluster is one pass over the server. On a Cluster it goes in rounds:
 * a look at all masters, passes over those that serve what is missing, side by side,
 * and a look again (scan_cover.h says what counts).
 *
 * A pass is made by one process: each page comes with the id that the server drew when
 * it started (MULTI, SCAN, INFO server, EXEC). Where that changes, a cursor means
 * nothing any more, and the pass begins anew. Whose user may not do that gets pages
 * alone. */
#ifndef REEF_NET_SCAN_H
#define REEF_NET_SCAN_H
#include "net/client.h"
#include "net/scan_cover.h"
#include "net/scan_set.h"

enum {
    REEF_SCAN_COUNT = 1000, /* keys that a step looks at, unless told otherwise */
    REEF_SCAN_WIDTH = 32,   /* nodes that are asked at once */
    /* For one page, or one look at a node, while there are others: then they go on
     * without it. Doubled each time that it was too little. */
    REEF_SCAN_PATIENCE_MS = 1000,
    REEF_SCAN_PATIENCE_MAX_MS = 60000,
    REEF_SCAN_PAUSE_MS = 25, /* before another look, where nobody can be walked; … */
    REEF_SCAN_PAUSE_MAX_MS = 400, /* … doubled each time, up to this */
    REEF_SCAN_ROUNDS_MAX = 4096,  /* walks of one scan over a Cluster that moves */
    REEF_SCAN_PAGES_MIN = 65536,  /* pages of one pass, at least, … */
    REEF_SCAN_STEPS_MAX =
        1 << 30,         /* … and keys that all of them would have looked at */
    REEF_SCAN_WORD = 48, /* a cursor, a process's id */
    REEF_SCAN_STEP_COMMANDS = 4
};

/* One pass over one node. */
typedef struct reef_scan_pass {
    char id[REEF_NODE_ID + 1]; /* "": the server */
    char cursor[REEF_SCAN_WORD];
    char process[REEF_SCAN_WORD]; /* that gave its first page; "": it tells none */
    bool begun;                   /* a page came */
    bool ended;                   /* the last page came */
    bool broken;                  /* it is not waited for in this round */
    uint64_t pages;
    reef_cmd *cmd;    /* SCAN with this cursor */
    reef_reply *page; /* whose keys are given out; NULL: none */
} reef_scan_pass;

typedef struct reef_scan_ids {
    char (*ids)[REEF_NODE_ID + 1];
    size_t count, cap;
} reef_scan_ids;

typedef enum reef_scan_stage {
    REEF_SCAN_MEET, /* who is there? */
    REEF_SCAN_LOOK, /* what do the masters say? `asked` of `asks` are done */
    REEF_SCAN_WALK,
    REEF_SCAN_DONE
} reef_scan_stage;

struct reef_scan {
    reef_client *client;
    reef_lane *lane; /* that this round stays in */
    reef_scan_stage stage;
    char *match, *type; /* copies; NULL: none */
    size_t match_len, type_len;
    uint32_t count;
    reef_cmd *multi, *info, *exec, *nodes, *slots;
    bool bare;     /* pages alone: the rest is refused */
    bool by_slots; /* CLUSTER NODES is refused */
    uint32_t patience_ms;
    uint32_t pause_ms; /* the next one */
    bool hurried;      /* in this round patience was too short */
    uint32_t rounds;
    reef_cover *cover; /* NULL: no Cluster */
    reef_scan_ids asks;
    size_t asked;
    reef_scan_pass *passes;
    size_t pass_count, pass_cap;
    size_t turn;          /* the pass that is served first */
    size_t given;         /* the pass whose page is given out */
    const reef_node *key; /* the next one of that page */
    size_t keys_left;
    reef_scan_set set;
    reef_error trouble; /* what went wrong last, and was waited out */
};

/* Whether it failed with something that time may mend. */
bool reef_scan_may_mend(const reef_reply *);
/* Until when what goes out now has to be back: with other nodes to go on with, not for
 * as long as the call may take. */
typedef struct reef_term {
    int64_t until_ms;
    bool is_calls; /* it is the end of the call */
} reef_term;
typedef enum reef_over { REEF_OVER_NOT, REEF_OVER_PATIENCE, REEF_OVER_CALL } reef_over;

reef_term reef_scan_term(const reef_scan *, int64_t deadline_ms);
reef_over reef_scan_over(const reef_term *); /* which of the two is over by now */
void reef_scan_impatient(reef_scan *);       /* patience was too short */
reef_code reef_scan_no_memory(reef_error *);

/* ---- scan_page.c -------------------------------------------------------------- */

/* `count` passes for these nodes, from their beginnings. False: out of memory. */
bool reef_scan_passes(reef_scan *, const reef_scan_ids *);
void reef_scan_passes_free(reef_scan *);
/* One page of each pass that goes on, of REEF_SCAN_WIDTH at most. REEF_OK: there may be
 * pages now; else why the walk can't go on, with `*mends` where it may go on later. */
reef_code reef_scan_pages(reef_scan *, int64_t deadline_ms, reef_error *error,
                          bool *mends);
void reef_scan_drop_pages(reef_scan *); /* whose keys have been given out */
/* The keys of a page. */
const reef_node *reef_scan_keys(const reef_scan_pass *);

/* ---- scan_look.c -------------------------------------------------------------- */

bool reef_scan_ids_add(reef_scan_ids *, const char *id); /* false: out of memory */
/* The next of `asks`, REEF_SCAN_WIDTH at most. As reef_scan_pages. */
reef_code reef_scan_ask(reef_scan *, int64_t deadline_ms, reef_error *error,
                        bool *mends);

#endif
