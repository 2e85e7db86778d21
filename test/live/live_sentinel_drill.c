/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-overs under load: each kind of blow, one after the other, on one client that is
 * never opened anew. Nothing fails, nothing runs twice, no reply goes to another call,
 * and calls go on as soon as a replica takes writes, which is well before a Sentinel
 * announces it. A fail-over that was asked for loses nothing that was acknowledged; of
 * one that was not, the servers themselves promise less.
 *
 * REEF_DRILL=N in the environment: N runs of each, with 8 and with 64 threads, as a
 * table, and held to the figures that README has. */
#include "test/live/check.h"
#include "test/live/drill.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    DRILL_TARGET_US = 20000, /* from the first write that is possible to the first that
                              * is made: 99 of 100 */
    DRILL_SOON_US = 500000,  /* on a machine that has other things to do; a Sentinel
                              * takes some 800 ms to announce a master */
    DRILL_CONNECT_MS = 1000
};

static reef_client *drill_open(const reef_stars *stars)
{
    reef_config config;
    reef_stars_config(stars, &config);
    config.connect_timeout_ms = DRILL_CONNECT_MS;
    return reef_live_client(&config);
}

/* What no blow may bring about. */
static void drill_check(reef_drill_blow blow, const reef_drill_report *report)
{
    reef_drill_sound(report);
    assert_true(report->acked > 0);
    assert_true(report->first_us >= 0);
    if (blow == REEF_DRILL_PLAN) {
        assert_int_equal(report->missing, 0);
    }
}

/* ---- one of each -------------------------------------------------------------- */

static void drill_once(const reef_live_kind *kind)
{
    static const reef_drill_blow blows[] = {REEF_DRILL_KILL, REEF_DRILL_PLAN,
                                            REEF_DRILL_STOP, REEF_DRILL_FREEZE,
                                            REEF_DRILL_SLEEP};
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_client *client = drill_open(stars);
    for (size_t i = 0; i < sizeof blows / sizeof *blows; i++) {
        reef_drill_report report;
        reef_drill_run(stars, client, blows[i], 8, &report);
        print_message("    %s: writable after %" PRId64 " ms, first answer %" PRId64
                      " us later; %" PRIu64 " calls, %" PRIu64 " unsure, %" PRIu64
                      " of %" PRIu64 " writes missing\n",
                      reef_drill_name(blows[i]), report.writable_us / 1000,
                      report.first_us, report.calls, report.unsure, report.missing,
                      report.acked);
        drill_check(blows[i], &report);
        assert_true(report.first_us < DRILL_SOON_US);
    }
    reef_close(client);
    reef_stars_free(stars);
}

static void test_once(void **state)
{
    (void)state;
    reef_live_each(drill_once);
}

/* ---- many of each ------------------------------------------------------------- */

static void drill_many(const reef_live_kind *kind, unsigned threads,
                       reef_drill_blow blow)
{
    size_t runs = strtoul(getenv("REEF_DRILL"), NULL, 10);
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_client *client = drill_open(stars);
    reef_drill_row row = {.runs = 0};
    for (size_t i = 0; i < runs && i < REEF_DRILL_RUNS; i++) {
        reef_drill_report report;
        reef_drill_run(stars, client, blow, threads, &report);
        drill_check(blow, &report);
        reef_drill_row_add(&row, &report);
    }
    reef_close(client);
    reef_stars_free(stars);
    reef_drill_row_print(&row, kind->name, reef_drill_name(blow), threads);
    if (reef_drill_row_first_ms(&row, 99) * 1000 > DRILL_TARGET_US) {
        fail_msg("%s: over the target", reef_drill_name(blow));
    }
}

static void drill_table(const reef_live_kind *kind)
{
    static const reef_drill_blow blows[] = {REEF_DRILL_KILL, REEF_DRILL_PLAN,
                                            REEF_DRILL_STOP, REEF_DRILL_FREEZE};
    static const unsigned threads[] = {8, 64};
    for (size_t i = 0; i < sizeof blows / sizeof *blows; i++) {
        for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
            drill_many(kind, threads[k], blows[i]);
        }
    }
}

static void test_table(void **state)
{
    reef_live_kind kinds[REEF_LIVE_KINDS];
    size_t count = reef_live_find(kinds);
    (void)state;
    reef_drill_table_head();
    for (size_t i = 0; i < count; i++) {
        drill_table(&kinds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest once[] = {cmocka_unit_test(test_once)};
    const struct CMUnitTest table[] = {cmocka_unit_test(test_table)};
    return getenv("REEF_DRILL") ? cmocka_run_group_tests(table, NULL, NULL)
                                : cmocka_run_group_tests(once, NULL, NULL);
}
