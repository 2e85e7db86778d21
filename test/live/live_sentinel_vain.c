/* SPDX-License-Identifier: Apache-2.0
 *
 * A fail-over that comes to nothing, since no replica is left that could be promoted,
 * and one while a Sentinel does not act, since it does not trust its clock. */
#include "test/live/check.h"
#include "test/live/drill.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
    VAIN_THREADS = 4,
    VAIN_ROUNDS = 30,
    VAIN_HELD_MS = 500,   /* the Sentinel waits for two seconds */
    VAIN_STILL_MS = 2300, /* after two seconds it notices */
    VAIN_TILT_MS = 60000  /* longer than the usual half a minute, and than the test */
};

static reef_client *vain_open(const reef_stars *stars)
{
    reef_config config;
    reef_stars_config(stars, &config);
    return reef_live_client(&config);
}

/* ---- no replica --------------------------------------------------------------- */

/* Calls wait for a replica that was selected and never comes, and then go on with the
 * master that they had. */
static void vain_gives_up(const reef_live_kind *kind)
{
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_client *client = vain_open(stars);
    reef_drill *drill = reef_drill_begin(client, VAIN_THREADS, 2);
    reef_drill_report report;
    reef_drill_progress(drill, VAIN_ROUNDS);
    reef_stars_failover_in_vain(stars, 1);
    reef_live_event(client, REEF_EVENT_HELD, "");
    reef_live_event(client, REEF_EVENT_RESUMED, "given up");
    assert_true(reef_stars_logged(stars, 1, "-failover-abort-slave-timeout") > 0);
    reef_drill_progress(drill, VAIN_ROUNDS);
    reef_stars_failover_in_vain_over(stars, 1);
    assert_int_equal(reef_stars_settle(stars), 0);
    reef_drill_progress(drill, VAIN_ROUNDS);
    reef_drill_end(drill, &stars->nodes[0], 1, &report);
    print_message("    held for %" PRId64 " ms\n", report.gap_us / 1000);
    reef_drill_sound(&report);
    assert_int_equal(report.missing, 0);
    assert_int_equal(report.unsure, 0);
    assert_true(report.gap_us > VAIN_HELD_MS * 1000);
    reef_close(client);
    reef_stars_free(stars);
}

static void test_gives_up(void **state)
{
    (void)state;
    reef_live_each(vain_gives_up);
}

/* ---- a clock that jumped ------------------------------------------------------ */

static const reef_sentinel_view *vain_view(const reef_topology *topology, uint16_t port)
{
    char peer[32];
    snprintf(peer, sizeof peer, "127.0.0.1:%u", (unsigned)port);
    for (uint32_t i = 0; i < topology->sentinel_count; i++) {
        if (strcmp(topology->sentinels[i].peer, peer) == 0) {
            return &topology->sentinels[i];
        }
    }
    fail_msg("no Sentinel at %s", peer);
    return NULL;
}

/* A Sentinel that stood still for over two seconds does not act for a while, and says
 * so. */
static void vain_stand_still(reef_stars *stars, int sentinel)
{
    int64_t until_ms;
    reef_stars_order(stars, sentinel, "SENTINEL DEBUG TILT-PERIOD", VAIN_TILT_MS);
    reef_stars_freeze(stars, -1, sentinel);
    until_ms = reef_live_now_ms() + VAIN_STILL_MS;
    while (reef_live_now_ms() < until_ms) {
        reef_live_nap();
    }
    reef_stars_thaw(stars, -1, sentinel);
    reef_live_until(stars->sentinels[sentinel], "INFO sentinel", "sentinel_tilt:1",
                    false);
}

static void vain_sees_tilt(const reef_stars *stars, reef_client *client, int sentinel)
{
    static reef_topology topology;
    reef_error error;
    assert_int_equal(reef_client_topology(client, REEF_LIVE_WAIT_MS, &topology, &error),
                     REEF_OK);
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        const reef_sentinel_view *view =
            vain_view(&topology, stars->sentinels[i]->port);
        assert_int_equal(strstr(view->flags, "tilt") != NULL, i == sentinel);
    }
}

/* The two others fail over. */
static void vain_tilt(const reef_live_kind *kind)
{
    enum { TILTED = 2 };
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_client *client = vain_open(stars);
    reef_drill *drill = reef_drill_begin(client, VAIN_THREADS, 3);
    reef_drill_report report;
    reef_live_watch *watch;
    int next;
    reef_drill_progress(drill, VAIN_ROUNDS);
    vain_stand_still(stars, TILTED);
    reef_drill_progress(drill, VAIN_ROUNDS);
    vain_sees_tilt(stars, client, TILTED);
    watch = reef_stars_watch_begin(stars);
    reef_drill_watch(drill, watch);
    reef_live_kill(stars->nodes[0]);
    next = reef_live_watch_wait(watch, NULL);
    reef_drill_progress(drill, VAIN_ROUNDS);
    reef_drill_watch(drill, NULL);
    vain_sees_tilt(stars, client, TILTED);
    reef_stars_moved(stars, 0);
    reef_drill_end(drill, &stars->nodes[next], 1, &report);
    reef_drill_sound(&report);
    reef_live_watch_free(watch);
    reef_close(client);
    reef_stars_free(stars);
}

/* Both servers have the same Sentinel, and this takes a while. */
static void test_tilt(void **state)
{
    reef_live_kind kinds[REEF_LIVE_KINDS];
    (void)state;
    reef_live_find(kinds);
    vain_tilt(&kinds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_tilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
