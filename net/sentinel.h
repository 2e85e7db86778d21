/* SPDX-License-Identifier: Apache-2.0
 *
 * sentinel: the router for Sentinel, shared by the files that make it up:
 *   sentinel.c         the router: roles, and which commands go out (the states)
 *   sentinel_claims.c  who the master is, when to hold, when to move
 *   sentinels.c        the list: who the Sentinels are, and the links to them
 *   sentinel_ask.c     questions and announcements
 *   sentinel_view.c    what an operator is told
 *   says.h             what a Sentinel says, as values
 *
 * A claim is a Sentinel's word that a place is the master. Claims are ordered by rank:
 * twice the epoch of the configuration that they come with, and one more where the
 * place is ahead of it (a leader that names the replica which it has promoted, or a
 * selected replica that says itself that it is a master). A higher rank wins; a lower
 * one is believed only when most Sentinels hold it, and nobody has held the other for
 * REEF_BELIEF_MS (of an equal one: nobody holds it now), or the other has itself
 * refuted it, or no more than half hold the other and it can't be used, REEF_EARLY_MS
 * or more after calls moved there. So a Sentinel that was cut off, or errs, pulls
 * nobody back. */
#ifndef REEF_NET_SENTINEL_H
#define REEF_NET_SENTINEL_H
#include "net/engine.h"
#include "net/says.h"

enum {
    REEF_SEEDS_MAX = REEF_HOSTS_MAX + 8, /* configured, and names that were learnt */
    REEF_BELIEF_MS = 3000,               /* for how long an answer counts */
    REEF_SETTLE_MS = 50,     /* at the start: after the first answer others have … */
    REEF_HOLD_MS = 3000,     /* a fail-over that has not ended then holds no calls, */
    REEF_HOLDS_MS = 6000,    /* nor do several in a row that lead nowhere */
    REEF_HOLD_COSTS_MS = 50, /* which each lasts longer, in that account */
    REEF_HOLDS_APART_MS = 30000, /* in a row: with less than that between them */
    REEF_LEADERLESS_MS = 500,    /* when the leader is lost, and others know of none */
    REEF_EARLY_MS =
        1500, /* a new master that few name is given so long to be reached */
    REEF_SENTINEL_GAP_MS = 200, /* between questions that the same failure leads to */
    REEF_SENTINEL_ROUNDS = 8,   /* the time that one is given doubles no further */
    REEF_IDLE_GAP_MS = 1500,    /* without a call for so long what is known is old */
    REEF_LATELY_MS = 10000,     /* a Sentinel lost for less than that is tried often */
    REEF_FORGET_MS = 300000     /* a learnt Sentinel that was silent for so long goes */
};

/* A configured host, or a name that was learnt: what Sentinels are found by. */
typedef struct reef_seed {
    reef_host host;
    bool learnt;
    bool due;            /* is to be looked up */
    bool fresh;          /* past the cache */
    bool looked;         /* a look-up has ended */
    bool found;          /* the one under way has led to somebody */
    uint32_t round;      /* of its look-ups */
    reef_lookup *lookup; /* under way; NULL */
    reef_backoff pause;
    reef_error why; /* it led nowhere; REEF_OK: it led somewhere */
    bool denied;    /* and servers say that there is nothing */
} reef_seed;

typedef struct reef_sentinel {
    char address[REEF_ADDRESS_TEXT];
    uint16_t port;
    int seed;       /* that led to it; -1: learnt, with its address */
    uint32_t round; /* of the look-up that listed it last */
    bool configured;
    int link; /* REEF_NO_LINK */
    reef_backoff pause;
    uint32_t patience;  /* how often it had too little time */
    bool asking;        /* a question is out */
    int64_t due_ms;     /* when it is to be asked out of turn; 0: it is not */
    bool wants_replica; /* … for the replica that it has selected */
    bool wants_names;   /* … for the masters that it knows */
    bool wants_state;   /* … for what INFO says of it, for an operator */
    bool tilt;          /* its clock jumped */
    bool watched;       /* its announcements are heard */
    bool twin;          /* another entry is the same Sentinel */
    int64_t born_ms, asked_ms;
    int64_t heard_ms;   /* its last answer; 0: none yet */
    int64_t verdict_ms; /* its last answer or failure; 0: none yet */
    uint32_t took_ms;
    reef_sentinel_state state;
    reef_error why;
    char id[REEF_SAYS_ID + 1];
    char version[32];
    char names[REEF_ERROR_TEXT];
    bool knows;              /* its last answer named a master; it may be lost since */
    reef_place place;        /* the master, by GET-MASTER-ADDR-BY-NAME … */
    reef_says_master master; /* … and by MASTER, with the epoch */
} reef_sentinel;

/* A link to a server that is asked for its role. */
typedef struct reef_probe {
    bool out;
    bool master;      /* it said so, on this very link */
    int64_t asked_ms; /* of a HELLO: when it was answered */
    int64_t next_ms;  /* when to ask again */
} reef_probe;

typedef struct reef_sentinels {
    reef_seed seeds[REEF_SEEDS_MAX];
    uint32_t seed_count;
    reef_sentinel *list[REEF_SENTINELS_MAX]; /* who answered last comes first */
    uint32_t count;

    reef_place target; /* the master; port 0: nobody knows */
    uint64_t rank;
    int64_t supported_ms; /* when somebody last held that it is */
    bool early;           /* no Sentinel has announced it yet */
    int64_t since_ms;     /* when calls moved to it */
    reef_dial main;
    reef_probe main_probe;
    reef_error why;        /* how the last attempt at the master ended … */
    bool hopeless;         /* … and no further one can end otherwise */
    reef_place refuted;    /* was named as the master, and is none … */
    uint64_t refuted_rank; /* … by claims up to this rank */

    reef_place chosen;    /* the replica that was selected; port 0: none */
    bool held;            /* calls wait for it */
    int64_t held_ms;      /* since it was selected */
    int64_t hold_from_ms; /* since when calls wait without a break */
    int64_t hold_spent_ms, hold_end_ms; /* on earlier holds; when the last one ended */
    const reef_sentinel *holder;        /* who said so; NULL: gone */
    reef_dial next;
    reef_probe next_probe;

    bool met;         /* a master was connected to once */
    bool settled;     /* enough Sentinels were heard for the first call */
    int64_t first_ms; /* the first answer; 0: none */
    int64_t busy_ms;  /* when a call was last there */
    int64_t doubt_ms; /* since when what is known is being checked; 0: it is not */
    const reef_sentinel *doubter; /* whose answer settles it; NULL: anybody's */
    bool resting;                 /* nobody waits for anything */
    int64_t wanted_ms;  /* tend: until when things are made though nothing waits */
    reef_backoff pause; /* LOADING and the like */
} reef_sentinels;

/* sentinel.c */
bool reef_sentinels_begin(reef_engine *); /* false: out of memory */
bool reef_sentinel_wanted(const reef_engine *);

/* sentinel_claims.c */
reef_link *reef_sentinel_link(const reef_engine *, const reef_dial *); /* NULL: none */
/* A Sentinel announced something of our master. */
void reef_sentinel_heard(reef_engine *, reef_sentinel *, const reef_says_event *);
/* Enough were heard for the first call. */
void reef_sentinel_settle(reef_engine *);
/* Moves to the master whose claim is the best, if that is another. */
void reef_sentinel_judge(reef_engine *);
/* Moves to the chosen replica once it is a master; or gives it up. */
void reef_sentinel_await(reef_engine *);
bool reef_sentinel_is_refuted(const reef_sentinels *); /* the target, by itself */
/* Most of those who were heard lately name the target. */
bool reef_sentinel_is_agreed(const reef_engine *);
/* The target says that it is no master; or `why` it can't be used. */
void reef_sentinel_refute(reef_engine *, const reef_error *why);
bool reef_sentinels_name(const reef_engine *, const reef_sentinel *,
                         const reef_place *); /* it holds that this is the master */
uint64_t reef_sentinel_rank(const reef_sentinel *);

/* sentinels.c */
bool reef_sentinels_fill(reef_engine *); /* with the configured hosts */
void reef_sentinels_free(reef_engine *);
/* Looks up, connects and asks where that is due. */
void reef_sentinels_wake(reef_engine *);
int64_t reef_sentinels_deadline_ms(const reef_engine *);
reef_sentinel *reef_sentinels_of_link(const reef_engine *, const reef_link *);
void reef_sentinels_learn(reef_engine *, const reef_place *, const char *id);
void reef_sentinels_front(reef_engine *, reef_sentinel *);
void reef_sentinels_twins(reef_engine *, reef_sentinel *);
void reef_sentinels_down(reef_engine *, reef_link *, const reef_error *);
/* All of them are to be asked, at once; or no sooner than `gap_ms` after they were. */
void reef_sentinels_ask(reef_engine *, int64_t gap_ms);
bool reef_sentinels_watching(const reef_engine *); /* somebody's announcements come */
/* Nobody is being looked up, connected to or asked. */
bool reef_sentinels_at_rest(const reef_engine *);
/* Twins count once, and those that were learnt once they were heard: lists hold dead
 * ones. */
uint32_t reef_sentinels_known(const reef_engine *);
bool reef_sentinels_fresh(const reef_engine *); /* … and somebody was heard lately */

/* sentinel_ask.c */
void reef_sentinel_ask(reef_engine *, reef_sentinel *);
void reef_sentinel_watch(reef_engine *, reef_sentinel *);
void reef_sentinel_answered(reef_engine *, reef_link *, const reef_ticket *);

/* sentinel_view.c */
/* Why there is no master to send to. */
void reef_sentinels_why(const reef_engine *, reef_error *out);
/* REEF_OK, or why no waiting can help: all Sentinels, or most of them, say so. */
reef_code reef_sentinels_hopeless(const reef_engine *, reef_error *out);

#endif
