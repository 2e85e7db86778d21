/* SPDX-License-Identifier: Apache-2.0
 *
 * Blows to a Cluster under load: each kind, one after the other, on one client that is
 * never opened anew. Nothing fails, nothing runs twice, no reply goes to another call,
 * and calls for the struck master's slots go on as soon as its replica takes writes. A
 * fail-over that was asked for loses nothing that was acknowledged, nor do slots that
 * move; of others the servers themselves promise less.
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
    DRILL_ASKED_US = 200000, /* where the old master lives, and holds calls up until it
                              * lets them go */
    DRILL_SOON_US = 500000,  /* on a machine that has other things to do */
    DRILL_FEW_SLOTS = 100,
    DRILL_SLOTS = 1000
};

static reef_client *drill_open(const reef_fleet *fleet, int seeds, uint32_t lanes)
{
    reef_config config;
    reef_fleet_config(fleet, seeds, &config);
    config.lanes = lanes;
    return reef_live_client(&config);
}

/* What no blow may bring about. */
static void drill_check(reef_fleet_blow blow, const reef_drill_report *report)
{
    bool asked = blow == REEF_FLEET_PLAN || blow == REEF_FLEET_RESHARD;
    reef_drill_sound(report);
    assert_true(report->acked > 0);
    assert_true(report->first_us >= 0);
    if (asked && report->missing) {
        fail_msg("%" PRIu64 " of %" PRIu64 " writes missing", report->missing,
                 report->acked);
    }
}

static void drill_tell(reef_fleet_blow blow, const reef_drill_report *report)
{
    print_message("    %s: %" PRId64 " ms, first answer %" PRId64 " us later; %" PRIu64
                  " calls, slowest %" PRId64 " ms, %" PRIu64 " unsure, %" PRIu64
                  " of %" PRIu64 " writes missing\n",
                  reef_fleet_blow_name(blow), report->writable_us / 1000,
                  report->first_us, report->calls, report->slowest_us / 1000,
                  report->unsure, report->missing, report->acked);
}

/* ---- one of each -------------------------------------------------------------- */

static void drill_once(const reef_live_kind *kind)
{
    static const reef_fleet_blow blows[] = {REEF_FLEET_KILL,   REEF_FLEET_PLAN,
                                            REEF_FLEET_STOP,   REEF_FLEET_RESHARD,
                                            REEF_FLEET_FORCED, REEF_FLEET_TAKEN};
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    reef_client *client = drill_open(fleet, 1, 2);
    for (size_t i = 0; i < sizeof blows / sizeof *blows; i++) {
        reef_drill_report report;
        reef_drill_fleet(fleet, client, blows[i], 8, DRILL_FEW_SLOTS, &report);
        drill_tell(blows[i], &report);
        drill_check(blows[i], &report);
        assert_true(report.first_us < DRILL_SOON_US);
    }
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_once(void **state)
{
    (void)state;
    reef_live_each(drill_once);
}

/* ---- many of each ------------------------------------------------------------- */

static void drill_many(const reef_live_kind *kind, unsigned threads,
                       reef_fleet_blow blow)
{
    size_t runs = strtoul(getenv("REEF_DRILL"), NULL, 10);
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    reef_client *client = drill_open(fleet, REEF_FLEET_MASTERS, 1);
    reef_drill_row row = {.runs = 0};
    double limit_us;
    for (size_t i = 0; i < runs && i < REEF_DRILL_RUNS; i++) {
        reef_drill_report report;
        reef_drill_fleet(fleet, client, blow, threads, DRILL_SLOTS, &report);
        drill_check(blow, &report);
        reef_drill_row_add(&row, &report);
    }
    reef_close(client);
    reef_fleet_free(fleet);
    reef_drill_row_print(&row, kind->name, reef_fleet_blow_name(blow), threads);
    limit_us = blow == REEF_FLEET_PLAN ? DRILL_ASKED_US : DRILL_TARGET_US;
    if (reef_drill_row_first_ms(&row, 99) * 1000 > limit_us) {
        fail_msg("%s: over the target", reef_fleet_blow_name(blow));
    }
}

static void drill_table(const reef_live_kind *kind)
{
    static const reef_fleet_blow blows[] = {REEF_FLEET_KILL, REEF_FLEET_STOP,
                                            REEF_FLEET_PLAN, REEF_FLEET_RESHARD};
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
