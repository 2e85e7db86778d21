/* SPDX-License-Identifier: Apache-2.0
 *
 * A constellation for tests: fail-overs that a Sentinel is asked for, and what was
 * logged of them. See constellation.h. */
#include "test/live/constellation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
    ASKED_PATIENT_MS = 10000, /* a Sentinel that is not to miss anybody */
    ASKED_INFO_MS = 1000
};

/* A replica can be selected only while the Sentinel has heard of it lately; for a while
 * this one is content with less, so that a slow machine does not matter. */
static void asked_set(const reef_stars *stars, int sentinel, int down_after_ms,
                      int failover_ms, int info_ms)
{
    reef_stars_order(stars, sentinel,
                     "SENTINEL SET " REEF_STARS_NAME " down-after-milliseconds",
                     down_after_ms);
    reef_stars_order(stars, sentinel,
                     "SENTINEL SET " REEF_STARS_NAME " failover-timeout", failover_ms);
    if (!stars->plain) {
        reef_stars_order(stars, sentinel, "SENTINEL DEBUG INFO-PERIOD", info_ms);
    }
}

static void asked_patient(const reef_stars *stars, int sentinel, int failover_ms)
{
    asked_set(stars, sentinel, ASKED_PATIENT_MS, failover_ms, ASKED_INFO_MS);
}

static void asked_strict(const reef_stars *stars, int sentinel)
{
    asked_set(stars, sentinel, stars->down_after_ms[sentinel], REEF_STARS_FAILOVER_MS,
              REEF_STARS_INFO_MS);
}

unsigned reef_stars_logged(const reef_stars *stars, int sentinel, const char *event)
{
    return reef_live_logged(stars->sentinels[sentinel], event);
}

void reef_stars_counts(const reef_stars *stars, unsigned *promoted, unsigned *given_up)
{
    *promoted = *given_up = 0;
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        *promoted += reef_stars_logged(stars, i, "+promoted-slave");
        *given_up += reef_stars_logged(stars, i, "-failover-abort-no-good-slave") +
                     reef_stars_logged(stars, i, "-failover-abort-slave-timeout");
    }
}

static void asked_begin(const reef_stars *stars, int sentinel)
{
    reef_live_until(stars->sentinels[sentinel], "SENTINEL FAILOVER " REEF_STARS_NAME,
                    "OK", false);
}

/* How often another has become the master, as this Sentinel sees it: with two lines to
 * each fail-over that it has led, and one where another Sentinel was quicker. */
static unsigned asked_made(const reef_stars *stars, int sentinel)
{
    return reef_stars_logged(stars, sentinel, "+promoted-slave") +
           reef_stars_logged(stars, sentinel, "+switch-master");
}

/* Asks for a fail-over, and waits until there is another master. False: it gave up. */
static bool asked_once(const reef_stars *stars, int sentinel)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    unsigned made = asked_made(stars, sentinel);
    unsigned aborted = reef_stars_logged(stars, sentinel, "-failover-abort");
    asked_begin(stars, sentinel);
    while (reef_live_now_ms() < limit) {
        if (asked_made(stars, sentinel) > made) {
            return true;
        }
        if (reef_stars_logged(stars, sentinel, "-failover-abort") > aborted) {
            return false;
        }
        reef_live_nap();
    }
    reef_stars_tell(stars);
    fail_msg("the fail-over does not end");
    return false;
}

void reef_stars_failover(const reef_stars *stars, int sentinel)
{
    asked_patient(stars, sentinel, ASKED_PATIENT_MS);
    while (!asked_once(stars, sentinel)) {
    }
    asked_strict(stars, sentinel);
}

void reef_stars_failover_in_vain(const reef_stars *stars, int sentinel)
{
    int master = reef_stars_master(stars);
    asked_patient(stars, sentinel, REEF_STARS_FAILOVER_MS);
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        if (i != master) {
            reef_live_pause(stars->nodes[i]);
        }
    }
    asked_begin(stars, sentinel);
}

void reef_stars_failover_in_vain_over(const reef_stars *stars, int sentinel)
{
    int master = reef_stars_master(stars);
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        if (i != master) {
            reef_live_resume(stars->nodes[i]);
        }
    }
    asked_strict(stars, sentinel);
}
