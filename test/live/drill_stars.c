/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills: whole ones of a constellation. See drill.h. */
#include "test/live/drill.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum {
    DRILL_TRIES = 6,
    DRILL_LATE_US = 4000000, /* what takes longer uses up the time that calls have */
    DRILL_ROUNDS = 20, /* of each thread, before the blow, after it, and at the end */
    DRILL_SLEEP_S = 3  /* longer than it takes to announce another */
};

void reef_drill_hears_all(reef_client *client)
{
    static reef_topology topology;
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    unsigned watched = 0;
    reef_error error;
    while (watched < REEF_STARS_SENTINELS && reef_live_now_ms() < limit) {
        assert_int_equal(reef_client_topology(client, 0, &topology, &error), REEF_OK);
        watched = 0;
        for (uint32_t i = 0; i < topology.sentinel_count; i++) {
            watched += topology.sentinels[i].watched;
        }
        reef_live_nap();
    }
    assert_int_equal(watched, REEF_STARS_SENTINELS);
}

const char *reef_drill_name(reef_drill_blow blow)
{
    switch (blow) {
    case REEF_DRILL_KILL:
        return "kill -9";
    case REEF_DRILL_PLAN:
        return "SENTINEL FAILOVER";
    case REEF_DRILL_STOP:
        return "SIGSTOP";
    case REEF_DRILL_FREEZE:
        return "frozen host";
    case REEF_DRILL_SLEEP:
        return "DEBUG SLEEP";
    }
    return "";
}

static void drill_strike(reef_stars *stars, reef_drill_blow blow, int master)
{
    switch (blow) {
    case REEF_DRILL_KILL:
        reef_live_kill(stars->nodes[master]);
        break;
    case REEF_DRILL_PLAN:
        reef_stars_failover(stars, 1);
        break;
    case REEF_DRILL_STOP:
        reef_stars_freeze(stars, master, -1);
        break;
    case REEF_DRILL_FREEZE:
        reef_stars_freeze(stars, master, 0);
        break;
    case REEF_DRILL_SLEEP:
        reef_stars_sleep(stars, master, DRILL_SLEEP_S);
        break;
    }
}

static void drill_mend(reef_stars *stars, reef_drill_blow blow, int old)
{
    switch (blow) {
    case REEF_DRILL_KILL:
        reef_stars_moved(stars, old);
        reef_stars_again(stars, old, false);
        break;
    case REEF_DRILL_STOP:
        reef_stars_thaw(stars, old, -1);
        break;
    case REEF_DRILL_FREEZE:
        reef_stars_thaw(stars, old, 0);
        break;
    case REEF_DRILL_SLEEP:
        reef_stars_moved(stars, old);
        break;
    case REEF_DRILL_PLAN:
        break;
    }
}

/* The threads go on while the old master comes back and is put in its place. False: who
 * took the first write is not the master in the end. */
static bool drill_run_once(reef_stars *stars, reef_client *client, reef_drill_blow blow,
                           unsigned threads, reef_drill_report *out)
{
    int old = reef_stars_settle(stars), next, master;
    unsigned number = (unsigned)(reef_live_now_ms() % 1000000);
    reef_drill *drill = reef_drill_begin(client, threads, number);
    reef_live_watch *watch;
    int64_t begin_us, at_us = 0;
    reef_drill_progress(drill, DRILL_ROUNDS);
    watch = reef_stars_watch_begin(stars);
    reef_drill_watch(drill, watch);
    begin_us = reef_live_now_us();
    drill_strike(stars, blow, old);
    next = reef_live_watch_wait(watch, &at_us);
    reef_drill_progress(drill, DRILL_ROUNDS);
    reef_drill_watch(drill, NULL);
    drill_mend(stars, blow, old);
    master = reef_stars_settle(stars);
    reef_drill_progress(drill, DRILL_ROUNDS);
    reef_drill_end(drill, &stars->nodes[master], 1, out);
    reef_live_watch_free(watch);
    out->writable_us = at_us - begin_us;
    out->first_us = out->first_us ? out->first_us - at_us : -1;
    return next == master;
}

/* Sentinels that give up, or fail over once more, since the machine was too slow for
 * them to hear of nodes that are well, prove nothing about the client. */
void reef_drill_run(reef_stars *stars, reef_client *client, reef_drill_blow blow,
                    unsigned threads, reef_drill_report *out)
{
    for (int i = 0; i < DRILL_TRIES; i++) {
        unsigned promoted, given_up, promoted_before, given_up_before;
        bool same;
        reef_stars_counts(stars, &promoted_before, &given_up_before);
        same = drill_run_once(stars, client, blow, threads, out);
        reef_stars_counts(stars, &promoted, &given_up);
        if (promoted == promoted_before + 1 && given_up == given_up_before &&
            out->writable_us < DRILL_LATE_US) {
            assert_true(same);
            return;
        }
        assert_int_equal(out->wrong, 0);
        assert_int_equal(out->twice, 0);
        print_message("    %s: the Sentinels failed over %u times, gave up %u times, "
                      "and took %" PRId64 " ms: once more\n",
                      reef_drill_name(blow), promoted - promoted_before,
                      given_up - given_up_before, out->writable_us / 1000);
    }
    fail_msg("%s: the machine is too slow", reef_drill_name(blow));
}
