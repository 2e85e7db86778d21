/* SPDX-License-Identifier: Apache-2.0
 *
 * soak: threads that use sessions and verify every reply, for a fail-over drill. What
 * its files share. soak_check.c judges and soak_tally.c counts, both without I/O;
 * soak_worker.c makes the calls, soak_watch.c shows what goes on, soak_slots.c sees
 * what became of a Cluster's slots, soak_report.c tells how it ended, and soak.c holds
 * it together. */
#ifndef REEF_SESSION_CLI_SOAK_H
#define REEF_SESSION_CLI_SOAK_H
#include <pthread.h>
#include <stdatomic.h>

#include "session/cli/cli.h"

enum {
    SOAK_SECONDS = 10, /* what the options are by default, and at most */
    SOAK_SECONDS_MAX = 86400,
    SOAK_THREADS = 8,
    SOAK_THREADS_MAX = 256,
    SOAK_RATE_MAX = 1000000,
    SOAK_SESSIONS = 8,     /* that a thread keeps at once */
    SOAK_LEFTOVERS = 32,   /* ids in doubt that a thread remembers to delete */
    SOAK_CHECK_MIN_S = 10, /* for the last look at all that should be there … */
    SOAK_CLEAN_S = 5,      /* … and for removing it */
    SOAK_PREFIX_OWN = 19,  /* "reef-soak:", eight digits, ":" */
    SOAK_STAMP_TEXT = 96,
    SOAK_WHY = REEF_ERROR_TEXT
};

/* ---- soak_check.c: verification, pure ----------------------------------------- */

/* What was wrong with answers, each counted apart. */
typedef struct soak_verdicts {
    uint64_t wrong_caller; /* an answer that belongs to somebody else */
    uint64_t missing;      /* acknowledged writes that were gone later */
    uint64_t twice;        /* commands that ran again, or that should not have run */
    uint64_t settled;      /* counts whose end was open and was found out later */
    char first[SOAK_WHY];  /* the first of the first three, in words */
} soak_verdicts;

/* The mark in a session's user agent: whose it is, and its how-manieth version. */
typedef struct soak_stamp {
    uint32_t run, thread;
    uint64_t token;
} soak_stamp;
void soak_stamp_write(const soak_stamp *, uint64_t version, char out[SOAK_STAMP_TEXT]);
/* False: it is another one's, or none. */
bool soak_stamp_read(const soak_stamp *, reef_str text, uint64_t *version);

/* What became of one write. */
typedef enum soak_fate {
    SOAK_NOT_RUN, /* it never ran */
    SOAK_MAYBE,   /* it can't be told; it may also run later */
    SOAK_DONE     /* it ran */
} soak_fate;
/* Of a session call that ended so. */
soak_fate soak_fate_of(reef_code);

/* What one session's record may be. Zero but for `gone`: a session that was not saved
 * yet. Versions count its writes from 1. */
enum {
    SOAK_FATES = 64
}; /* writes whose fate is remembered; older ones count as done */
typedef struct soak_track {
    uint64_t last;   /* the newest version that was sent */
    uint64_t stored; /* the newest that is known to have been stored; 0: none */
    bool doubtful;   /* it may as well be there as not */
    bool gone;       /* it is not there */
    unsigned char fates[SOAK_FATES];
} soak_track;

uint64_t soak_track_next(soak_track *); /* the version of the next write */
void soak_track_wrote(soak_track *, soak_fate);
void soak_track_deleted(soak_track *, soak_fate);
/* What a read found: this version, or that it is not there. */
void soak_track_found(soak_track *, uint64_t version, soak_verdicts *);
void soak_track_absent(soak_track *, soak_verdicts *);

/* A key on which INCR is run, which is not repeatable. Its values lie far from those of
 * every other thread's. */
typedef struct soak_counter {
    uint64_t home;    /* where this thread's values begin */
    uint64_t base;    /* what it was set to last */
    uint64_t known;   /* its value as last seen */
    uint64_t pending; /* INCRs without an answer, which may have run once each */
    uint64_t late;    /* INCRs that had not run when it was looked, and still may */
    bool set;         /* base was stored; else it is to be SET to it */
} soak_counter;

void soak_counter_begin(soak_counter *, unsigned thread);
void soak_counter_set(soak_counter *); /* base was stored */
/* A value came, as the answer of INCR or as that of GET. */
void soak_counter_saw(soak_counter *, uint64_t value, bool incr, soak_verdicts *);
void soak_counter_absent(soak_counter *, soak_verdicts *);
void soak_verdict_wrong(soak_verdicts *, const char *what, reef_str came);

/* ---- soak_tally.c: counting, pure --------------------------------------------- */

/* Latencies in µs: 64 buckets of 1 µs, then 32 for each doubling, up to 2^42 µs. */
enum {
    SOAK_LINEAR = 64,
    SOAK_PER_DOUBLING = 32,
    SOAK_DOUBLINGS = 36,
    SOAK_BUCKETS = SOAK_LINEAR + SOAK_PER_DOUBLING * SOAK_DOUBLINGS,
    SOAK_CODES = REEF_CORRUPT + 1
};

typedef struct soak_errors {
    uint64_t count;
    char first[REEF_ERROR_TEXT];
} soak_errors;

/* calls = ok + open + all errors but those of the last look, whose calls are counted
 * apart: it comes after the time, at no rate. */
typedef struct soak_tally {
    uint64_t calls, ok;
    uint64_t open; /* INCRs without an answer; what is not settled becomes an error */
    uint64_t checked; /* calls of the last look: sessions and counters looked at … */
    uint64_t unchecked; /* … and those that were not */
    soak_errors errors[SOAK_CODES];
    reef_code first; /* the first error's code; REEF_OK: none */
    soak_verdicts verdicts;
    int64_t gap_us;    /* the longest time without a success … */
    int64_t gap_at_us; /* … and when it began */
    int64_t max_us;
    uint64_t buckets[SOAK_BUCKETS];
} soak_tally;

void soak_tally_ok(soak_tally *, int64_t took_us);
void soak_tally_open(soak_tally *, int64_t took_us);
void soak_tally_error(soak_tally *, reef_code, const char *text, int64_t took_us);
/* A call of the last look. REEF_OK: no error. */
void soak_tally_check(soak_tally *, reef_code, const char *text);
/* So many open ones were never settled: they are errors. */
void soak_tally_unsettled(soak_tally *, uint64_t count);
/* A time without any success, over all threads. */
void soak_tally_gap(soak_tally *, int64_t from_us, int64_t to_us);
void soak_tally_add(soak_tally *sum, const soak_tally *part);
uint64_t soak_tally_errors(const soak_tally *);
/* The latency that `share` of a million calls did not exceed, at most 3 % above it. */
int64_t soak_tally_quantile(const soak_tally *, uint64_t share);

/* ---- the run ------------------------------------------------------------------ */

typedef struct soak_run soak_run;

typedef struct soak_session {
    char id[REEF_SESSION_ID_LEN + 1];
    soak_stamp stamp;
    soak_track track;
    bool deleted;       /* surely */
    int64_t written_us; /* when it was last known to live for two hours more */
} soak_session;

typedef struct soak_worker {
    soak_run *run;
    pthread_t thread;
    unsigned index;
    uint64_t seed;  /* of what it does next */
    uint64_t clock; /* the last updated_at */
    int64_t due_us; /* of the next call, with a rate */
    bool checking;  /* the last look has begun */
    char user[32];
    soak_session sessions[SOAK_SESSIONS];
    char leftovers[SOAK_LEFTOVERS][REEF_SESSION_ID_LEN + 1];
    unsigned leftover_count;
    soak_counter counter;
    reef_cmd *cmd;
    soak_verdicts verdicts; /* copied into the tally by each call */
    pthread_mutex_t lock;   /* of what follows */
    soak_tally tally;
} soak_worker;

enum { SOAK_EVENT_KINDS = REEF_EVENT_MOVED + 1 };

struct soak_run {
    cli_context *ctx;
    reef_client *client;
    uint64_t seconds, thread_count, rate;
    uint32_t id;
    int64_t timeout_ms;         /* of each call */
    int64_t begin_us, until_us; /* monotonic */
    int64_t took_us;            /* the calls, without the last look */
    atomic_bool stop;
    atomic_uint working;        /* threads that have not looked at everything yet */
    _Atomic int64_t last_ok_us; /* the newest success */
    _Atomic int64_t called_us;  /* when the last thread had made its last call … */
    _Atomic int64_t ended_us;   /* … and when it had looked at everything */
    pthread_mutex_t lock;       /* of the waiting for the next call's time */
    pthread_cond_t stopped;
    soak_worker *workers;
    uint64_t events[SOAK_EVENT_KINDS];
    uint64_t retries; /* commands that were sent again, or to another node */
    bool interrupted;
    reef_server server;
    struct cli_census *before; /* of a Cluster, when the run began; else NULL */
    bool has_moved;            /* what follows is known */
    uint32_t moved;            /* slots that another node serves now */
};

int64_t soak_now_us(void);
/* How long a session or a counter is kept on the server. */
int64_t soak_ttl_s(const soak_run *);

/* ---- soak_worker.c ------------------------------------------------------------ */
void soak_worker_begin(soak_worker *, soak_run *, unsigned index, uint64_t seed);
void soak_worker_end(soak_worker *);
/* Sets its counter: the first thing that is written. Not counted. */
reef_code soak_worker_prepare(soak_worker *, reef_error *);
void soak_worker_step(soak_worker *); /* one call, or two where one was unsure */
void soak_worker_check(soak_worker *);
void soak_worker_clean(soak_worker *);
void *soak_worker_thread(void *worker); /* all of it, until it is time */
void soak_worker_tally(soak_worker *, soak_tally *sum);

/* ---- soak_watch.c: what happens, as it happens -------------------------------- */
/* Until all have finished: shows events and progress, and ends the run when its time is
 * over or SIGINT or SIGTERM came. Called once at a time, since it handles signals. */
void soak_watch(soak_run *);
void soak_stop(soak_run *); /* ends it now */

/* ---- soak_slots.c: who served what before, and who does now ------------------- */
/* Looks at a Cluster; nothing elsewhere, and no error where it can't be told. */
void soak_slots_begin(soak_run *);
/* Looks again and compares. Called once, before the client is closed. */
void soak_slots_end(soak_run *);

/* ---- soak_report.c ------------------------------------------------------------ */
int soak_exit_of(const soak_tally *);
/* The summary, on stdout. */
void soak_report_text(const soak_run *, const soak_tally *);
void soak_report_json(const soak_run *, const soak_tally *);

#endif
