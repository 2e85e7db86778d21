/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills: threads that share one client write, read, count and save sessions
 * while a constellation loses its master, or a fleet one of its masters or some of its
 * slots, and a report of what came of it.
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
#include "test/live/fleet.h"

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
void reef_drill_watch(reef_drill *, const reef_live_watch *);
/* Only answers for keys of slots that are true count from now on, for `gap_us` as well;
 * NULL: all. Borrowed, 16,384 of them, until the drill's end. */
void reef_drill_aim(reef_drill *, const bool slots[]);
/* Waits until each thread has gone round that many times more. */
void reef_drill_progress(reef_drill *, unsigned rounds);
/* Ends the threads, looks for all that was written on these servers, which are the
 * masters, and frees the drill. */
void reef_drill_end(reef_drill *, reef_live_server *const servers[], size_t count,
                    reef_drill_report *out);

/* Nothing failed, no reply went astray, and nothing ran twice. */
void reef_drill_sound(const reef_drill_report *);

/* ---- a table of many ----------------------------------------------------------- */

enum { REEF_DRILL_RUNS = 100 }; /* of one row, at most */

typedef struct reef_drill_row {
    reef_drill_report sum; /* the counts of all runs */
    double first_ms[REEF_DRILL_RUNS], writable_ms[REEF_DRILL_RUNS];
    size_t runs;
} reef_drill_row;

void reef_drill_table_head(void);
void reef_drill_row_add(reef_drill_row *, const reef_drill_report *);
/* Sorts what it has, and prints it. */
void reef_drill_row_print(reef_drill_row *, const char *server, const char *blow,
                          unsigned threads);
/* Of the first answers after a printed row's blows, what this share is not above. */
double reef_drill_row_first_ms(const reef_drill_row *, unsigned percent);

/* ---- a whole one -------------------------------------------------------------- */

typedef enum reef_drill_blow {
    REEF_DRILL_KILL,   /* kill -9 of the master, which comes back as a master */
    REEF_DRILL_PLAN,   /* SENTINEL FAILOVER */
    REEF_DRILL_STOP,   /* SIGSTOP of the master, which says nothing and ends nothing */
    REEF_DRILL_FREEZE, /* SIGSTOP of the master and a Sentinel: a host that hangs */
    REEF_DRILL_SLEEP   /* DEBUG SLEEP on the master: it wakes up as the master it was */
} reef_drill_blow;

const char *reef_drill_name(reef_drill_blow);

/* Waits until the client hears what each Sentinel announces: of a fail-over that is led
 * by one that it does not hear, nobody can know until others announce it. */
void reef_drill_hears_all(reef_client *);
/* A settled constellation under load takes the blow, gets a new master, and the old one
 * back as a replica; all of it is settled again at the end. Once more, on a machine so
 * slow that the Sentinels do not get it done at the first go. */
void reef_drill_run(reef_stars *, reef_client *, reef_drill_blow, unsigned threads,
                    reef_drill_report *out);

/* ---- whole ones: a fleet -------------------------------------------------------- */

typedef enum reef_fleet_blow {
    REEF_FLEET_KILL,   /* kill -9 of a master, which comes back */
    REEF_FLEET_STOP,   /* SIGSTOP of a master */
    REEF_FLEET_PLAN,   /* CLUSTER FAILOVER */
    REEF_FLEET_FORCED, /* CLUSTER FAILOVER FORCE while the master lives */
    REEF_FLEET_TAKEN,  /* CLUSTER FAILOVER TAKEOVER while the master lives */
    REEF_FLEET_RESHARD /* redis-cli --cluster reshard, of this many slots: */
} reef_fleet_blow;

const char *reef_fleet_blow_name(reef_fleet_blow);

/* A settled fleet under load takes the blow, and is settled again. `slots`: how many
 * are moved; no new master is waited for then, and `first_us` is 0. Answers that are
 * waited for are those of the struck master's slots. Once more, on a machine so slow
 * that nodes that are well are missed. */
void reef_drill_fleet(reef_fleet *, reef_client *, reef_fleet_blow, unsigned threads,
                      uint32_t slots, reef_drill_report *out);

#endif
