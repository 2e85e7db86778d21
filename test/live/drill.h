/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills: threads that share one client write, read, count and save sessions
 * while a constellation loses its master, and a report of what came of it.
 *
 * Each write has a key of its own, so afterwards it is there or it is missing. Each
 * thread counts in a counter of its own, with a command that may not be repeated: what
 * comes back is never more than it has asked for. Each value that is read carries the
 * thread and the number that it was written with.
 *
 * As in constellation.h, whatever fails in here fails the running test, on whose thread
 * all of it is called. */
#ifndef REEF_TEST_LIVE_DRILL_H
#define REEF_TEST_LIVE_DRILL_H
#include "net/net.h"
#include "test/live/constellation.h"

enum { REEF_DRILL_THREADS = 64 }; /* of one drill, at most */

typedef struct reef_drill_report {
    uint64_t calls;
    uint64_t failed;    /* that ended without an answer, but for: */
    uint64_t unsure;    /* counting, sent and not answered */
    uint64_t wrong;     /* replies that belong to another call */
    uint64_t twice;     /* commands that ran more often than they were asked for */
    uint64_t acked;     /* writes with an answer */
    uint64_t missing;   /* of these, not there afterwards */
    int64_t slowest_us; /* call */
    int64_t gap_us;     /* the longest time without an answer to anybody */
    int64_t
        writable_us;  /* from the blow to the first write that the watch got through */
    int64_t first_us; /* from then to the first answer that any thread got */
    char what[REEF_ERROR_TEXT + 128]; /* the first that went wrong; "" */
} reef_drill_report;

/* ---- threads ------------------------------------------------------------------ */

typedef struct reef_drill reef_drill;

/* `number` tells the keys of this drill from those of every other on these servers. */
reef_drill *reef_drill_begin(reef_client *, unsigned threads, unsigned number);
/* Answers are held against the watch from now on. */
void reef_drill_watch(reef_drill *, const reef_stars_watch *);
/* Waits until each thread has gone round that many times more. */
void reef_drill_progress(reef_drill *, unsigned rounds);
/* Waits until the client hears what each Sentinel announces: of a fail-over that is led
 * by one that it does not hear, nobody can know until others announce it. */
void reef_drill_hears_all(reef_client *);
/* Ends the threads, looks for all that was written on the server, which is the master,
 * and frees the drill. */
void reef_drill_end(reef_drill *, const reef_live_server *, reef_drill_report *out);

/* Nothing failed, no reply went astray, and nothing ran twice. */
void reef_drill_sound(const reef_drill_report *);

/* ---- a whole one -------------------------------------------------------------- */

typedef enum reef_drill_blow {
    REEF_DRILL_KILL,   /* kill -9 of the master, which comes back as a master */
    REEF_DRILL_PLAN,   /* SENTINEL FAILOVER */
    REEF_DRILL_STOP,   /* SIGSTOP of the master, which says nothing and ends nothing */
    REEF_DRILL_FREEZE, /* SIGSTOP of the master and a Sentinel: a host that hangs */
    REEF_DRILL_SLEEP   /* DEBUG SLEEP on the master: it wakes up as the master it was */
} reef_drill_blow;

const char *reef_drill_name(reef_drill_blow);

/* A settled constellation under load takes the blow, gets a new master, and the old one
 * back as a replica; all of it is settled again at the end. Once more, on a machine so
 * slow that the Sentinels do not get it done at the first go. */
void reef_drill_run(reef_stars *, reef_client *, reef_drill_blow, unsigned threads,
                    reef_drill_report *out);

#endif
