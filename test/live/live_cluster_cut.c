/* SPDX-License-Identifier: Apache-2.0
 *
 * A partition: a master that the other nodes don't hear, nor it them, while clients
 * reach all of them. */
#include "test/live/check.h"
#include "test/live/drill.h"
#include "test/live/fleet_use.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    CUT_THREADS = 8,
    CUT_ROUNDS = 20, /* of each thread, between two steps */
    CUT_TIMEOUT_MS = 3000,
    CUT_US = 500000 /* from the first write that is possible to the first that is made,
                     * on a machine that has other things to do */
};

static reef_client *cut_open(const reef_fleet *fleet)
{
    reef_config config;
    reef_fleet_config(fleet, REEF_FLEET_MASTERS, &config);
    return reef_live_client(&config);
}

static void cut_masters(const reef_fleet *fleet, reef_live_server **out, size_t *count)
{
    *count = 0;
    for (int i = 0; i < fleet->count; i++) {
        if (reef_fleet_slots(fleet, i, NULL)) {
            out[(*count)++] = fleet->nodes[i];
        }
    }
}

/* It goes on taking writes until it notices that it is alone: these are lost, as the
 * servers say, and counted. After that it refuses, its replica is elected, and calls go
 * there; then it comes back as a replica. */
static void cut_off(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.fenced = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = cut_open(fleet);
    reef_drill *drill = reef_drill_begin(client, CUT_THREADS, 5);
    reef_live_watch *watch;
    reef_live_server *masters[REEF_FLEET_MAX];
    size_t count;
    reef_drill_report report;
    int64_t at_us = 0;
    static bool slots[REEF_FLEET_SLOTS];
    for (uint32_t i = 0; i < REEF_FLEET_SLOTS; i++) {
        slots[i] = i < 5461;
    }
    reef_drill_progress(drill, CUT_ROUNDS);
    watch = reef_fleet_watch_begin(fleet, 0);
    reef_drill_aim(drill, slots);
    reef_fleet_cut(fleet, 0);
    /* Until it refuses, answers are the old master's. */
    reef_live_until(fleet->nodes[0], "CLUSTER INFO", "cluster_state:fail", false);
    reef_drill_watch(drill, watch);
    assert_int_equal(reef_live_watch_wait(watch, &at_us), 3);
    reef_drill_progress(drill, CUT_ROUNDS);
    reef_drill_watch(drill, NULL);
    reef_fleet_mend(fleet, 0);
    reef_fleet_settle(fleet);
    assert_false(reef_fleet_is_master(fleet, 0));
    reef_drill_progress(drill, CUT_ROUNDS);
    cut_masters(fleet, masters, &count);
    reef_drill_end(drill, masters, count, &report);
    reef_live_watch_free(watch);
    print_message("    first answer %" PRId64 " us after a write was possible; %" PRIu64
                  " calls, %" PRIu64 " unsure, %" PRIu64 " of %" PRIu64
                  " writes missing\n",
                  report.first_us - at_us, report.calls, report.unsure, report.missing,
                  report.acked);
    reef_drill_sound(&report);
    assert_true(report.first_us && report.first_us - at_us < CUT_US);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_off(void **state)
{
    (void)state;
    reef_live_each(cut_off);
}

/* Of three masters without replicas one is cut off: nobody takes over. Both sides
 * say so by and by, its keys wait, and it is used again once it is heard. */
static void cut_in_vain(const reef_live_kind *kind)
{
    const reef_fleet_options options = {
        .fenced = true, .masters_alone = true, .partial = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = cut_open(fleet);
    reef_live_job *job;
    char gone[64], here[64];
    reef_fleet_line(gone, "SET", 0, "1");
    reef_fleet_line(here, "SET", 16000, "1");
    reef_fleet_serves(fleet, client);
    reef_fleet_cut(fleet, 0);
    reef_live_until(fleet->nodes[0], "CLUSTER INFO", "cluster_state:fail", false);
    reef_live_until(fleet->nodes[2], "CLUSTER NODES", "master,fail ", false);
    reef_live_says(client, here, "OK");
    reef_fleet_says_why(client, gone, CUT_TIMEOUT_MS, REEF_NOROUTE, "CLUSTERDOWN");
    reef_live_says(client, here, "OK");
    job = reef_live_begin(client, gone, REEF_LIVE_WAIT_MS);
    reef_fleet_mend(fleet, 0);
    reef_live_is(reef_live_end(job), "OK");
    reef_fleet_settle(fleet);
    reef_fleet_serves(fleet, client);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_in_vain(void **state)
{
    (void)state;
    reef_live_each(cut_in_vain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
