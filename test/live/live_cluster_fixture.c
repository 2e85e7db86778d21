/* SPDX-License-Identifier: Apache-2.0
 *
 * The fleet that the tests of the Cluster stand on, looked at without reef: it starts
 * settled whatever its options are, takes each blow, and comes back to where the next
 * one can fall. */
#include "test/live/fleet.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* From the blow to the first write, on a machine that has other things to do. */
enum { FIXTURE_SOON_MS = 15000, FIXTURE_KEYS = 30 };

static reef_fleet *fixture_start(const reef_live_kind *kind,
                                 const reef_fleet_options *options)
{
    int64_t begin_ms = reef_live_now_ms();
    reef_fleet *fleet = reef_fleet_start(kind, options);
    print_message("    settled after %" PRId64 " ms\n", reef_live_now_ms() - begin_ms);
    return fleet;
}

/* What one node says to the line. */
static void fixture_says(const reef_fleet *fleet, int node, const char *line,
                         const char *part)
{
    char *reply = reef_live_ask(fleet->nodes[node], line);
    if (!strstr(reply, part)) {
        fail_msg("%s: no \"%s\" in \"%s\"", line, part, reply);
    }
    free(reply);
}

/* Waits until the watch sees a write; who took it is the master in the eyes of all. */
static int fixture_after(const reef_fleet *fleet, reef_live_watch *watch, int old,
                         int64_t begin_us, const char *blow)
{
    int64_t at_us = 0;
    int who = reef_live_watch_wait(watch, &at_us);
    reef_live_watch_free(watch);
    print_message("    %s: writable after %" PRId64 " ms\n", blow,
                  (at_us - begin_us) / 1000);
    assert_true(at_us > begin_us && at_us - begin_us < FIXTURE_SOON_MS * 1000);
    assert_int_not_equal(who, old);
    assert_int_equal(reef_fleet_moved(fleet, 0, old), who);
    return who;
}

/* ---- fail-overs --------------------------------------------------------------- */

static void fixture_kill(reef_fleet *fleet)
{
    int old = reef_fleet_master(fleet, 0);
    reef_live_watch *watch = reef_fleet_watch_begin(fleet, old);
    int64_t begin_us = reef_live_now_us();
    assert_int_equal(reef_live_watch_us(watch), 0);
    reef_fleet_kill(fleet, old);
    fixture_after(fleet, watch, old, begin_us, "kill -9");
    reef_fleet_again(fleet, old);
    reef_fleet_settle(fleet);
    assert_false(reef_fleet_is_master(fleet, old));
}

static void fixture_plan(reef_fleet *fleet, const char *how, bool kill)
{
    int old = reef_fleet_master(fleet, 0), next = reef_fleet_replica(fleet, old);
    reef_live_watch *watch;
    int64_t begin_us;
    reef_fleet_rest(fleet, next);
    watch = reef_fleet_watch_begin(fleet, old);
    if (kill) {
        reef_fleet_kill(fleet, old);
    }
    begin_us = reef_live_now_us();
    reef_fleet_failover(fleet, next, how);
    assert_int_equal(fixture_after(fleet, watch, old, begin_us, *how ? how : "plain"),
                     next);
    if (kill) {
        reef_fleet_again(fleet, old);
    }
    reef_fleet_settle(fleet);
}

static void fixture_fails_over(const reef_live_kind *kind)
{
    reef_fleet *fleet = fixture_start(kind, NULL);
    for (uint32_t slot = 0, i = 0; i < REEF_FLEET_MASTERS; i++, slot += 5462) {
        assert_int_equal(reef_fleet_master(fleet, slot), i);
        assert_int_equal(reef_fleet_replica(fleet, (int)i), i + REEF_FLEET_MASTERS);
    }
    fixture_kill(fleet);
    fixture_plan(fleet, "", false);
    fixture_plan(fleet, "TAKEOVER", true);
    reef_fleet_free(fleet);
}

static void test_fails_over(void **state)
{
    (void)state;
    reef_live_each(fixture_fails_over);
}

/* ---- slots -------------------------------------------------------------------- */

static void fixture_fill_slot(const reef_fleet *fleet, uint32_t slot, int node)
{
    for (int i = 0; i < FIXTURE_KEYS; i++) {
        char name[12], key[REEF_FLEET_KEY], line[64];
        snprintf(name, sizeof name, "k%d", i);
        reef_fleet_key(slot, name, key);
        snprintf(line, sizeof line, "SET %s %d", key, i);
        fixture_says(fleet, node, line, "OK");
    }
}

/* Step by step: half of the keys are there, and the other half is asked for. */
static void fixture_one_slot(reef_fleet *fleet)
{
    uint32_t slot = 100;
    char line[64];
    fixture_fill_slot(fleet, slot, 0);
    snprintf(line, sizeof line, "CLUSTER COUNTKEYSINSLOT %u", (unsigned)slot);
    reef_fleet_move_begin(fleet, slot, 0, 1);
    assert_int_equal(reef_fleet_move_keys(fleet, slot, 0, 1, 10), 10);
    assert_int_equal(reef_live_number(fleet->nodes[0], line), FIXTURE_KEYS - 10);
    assert_int_equal(reef_live_number(fleet->nodes[1], line), 10);
    assert_int_equal(reef_fleet_master(fleet, slot), 0);
    reef_fleet_key(slot, "none", line + 4);
    memcpy(line, "GET ", 4);
    fixture_says(fleet, 0, line, "-ASK 100 127.0.0.1:");
    assert_int_equal(reef_fleet_move_keys(fleet, slot, 0, 1, 0), FIXTURE_KEYS - 10);
    reef_fleet_move_end(fleet, slot, 1);
    assert_int_equal(reef_fleet_moved(fleet, slot, 0), 1);
    fixture_says(fleet, 0, line, "-MOVED 100 127.0.0.1:");
    reef_fleet_settle(fleet);
}

static void fixture_reshards(reef_fleet *fleet)
{
    uint32_t had = reef_fleet_slots(fleet, 0, NULL);
    int64_t begin_ms = reef_live_now_ms();
    reef_fleet_move(fleet, 100, 0, 2);
    reef_fleet_settle(fleet);
    assert_int_equal(reef_fleet_slots(fleet, 0, NULL), had - 100);
    print_message("    100 slots by hand: %" PRId64 " ms\n",
                  reef_live_now_ms() - begin_ms);
    begin_ms = reef_live_now_ms();
    reef_fleet_reshard(fleet, 100, 2, 0);
    reef_fleet_settle(fleet);
    assert_int_equal(reef_fleet_slots(fleet, 0, NULL), had);
    print_message("    100 slots by redis-cli: %" PRId64 " ms\n",
                  reef_live_now_ms() - begin_ms);
}

/* A seventh node gets slots, loses them again, and is forgotten. */
static void fixture_joins(reef_fleet *fleet)
{
    int from = reef_fleet_master(fleet, 8000), node = reef_fleet_add(fleet);
    reef_fleet_move(fleet, 5, from, node);
    reef_fleet_settle(fleet);
    assert_int_equal(reef_fleet_slots(fleet, node, NULL), 5);
    reef_fleet_move(fleet, 5, node, from);
    reef_fleet_settle(fleet);
    reef_fleet_follow(fleet, node, from);
    reef_fleet_settle(fleet);
    reef_fleet_forget(fleet, node);
    reef_fleet_settle(fleet);
}

static void fixture_holes(reef_fleet *fleet)
{
    reef_fleet_hole(fleet, 0, 99);
    assert_int_equal(reef_fleet_master(fleet, 50), -1);
    assert_int_equal(reef_fleet_slots(fleet, 0, NULL), 5461 - 101);
    reef_live_until(fleet->nodes[1], "CLUSTER INFO", "cluster_state:fail", false);
    reef_fleet_fill(fleet, 0, 99, 0);
    reef_fleet_settle(fleet);
}

static void fixture_elsewhere(reef_fleet *fleet)
{
    uint16_t ports[REEF_FLEET_MAX];
    for (int i = 0; i < fleet->count; i++) {
        ports[i] = fleet->nodes[i]->port;
        reef_fleet_kill(fleet, i);
    }
    reef_fleet_elsewhere(fleet);
    reef_fleet_settle(fleet);
    for (int i = 0; i < fleet->count; i++) {
        assert_int_not_equal(fleet->nodes[i]->port, ports[i]);
    }
}

static void fixture_moves(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.password = "sesame", .masters_alone = true};
    reef_fleet *fleet = fixture_start(kind, &options);
    fixture_one_slot(fleet);
    fixture_reshards(fleet);
    fixture_holes(fleet);
    fixture_elsewhere(fleet);
    fixture_joins(fleet);
    reef_fleet_free(fleet);
}

static void test_moves(void **state)
{
    (void)state;
    reef_live_each(fixture_moves);
}

/* ---- a node that nobody hears ------------------------------------------------- */

static void fixture_cut_off(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.fenced = true};
    reef_fleet *fleet = fixture_start(kind, &options);
    reef_live_watch *watch = reef_fleet_watch_begin(fleet, 0);
    int64_t begin_us = reef_live_now_us();
    char key[REEF_FLEET_KEY], line[64];
    reef_fleet_cut(fleet, 0);
    assert_int_equal(reef_live_watch_wait(watch, NULL), 3);
    print_message("    cut off: writable after %" PRId64 " ms\n",
                  (reef_live_watch_us(watch) - begin_us) / 1000);
    reef_live_watch_free(watch);
    /* It still takes itself for the master, and knows that it is alone. */
    assert_true(reef_fleet_is_master(fleet, 0));
    reef_fleet_key(0, "x", key);
    snprintf(line, sizeof line, "SET %s 1", key);
    reef_live_until(fleet->nodes[0], line, "CLUSTERDOWN", false);
    reef_fleet_mend(fleet, 0);
    reef_fleet_settle(fleet);
    assert_false(reef_fleet_is_master(fleet, 0));
    reef_fleet_free(fleet);
}

static void test_cut_off(void **state)
{
    (void)state;
    reef_live_each(fixture_cut_off);
}

/* ---- options ------------------------------------------------------------------ */

static void fixture_options(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.host = reef_live_has_ipv6() ? "::1" : NULL,
                                        .endpoint = "hostname",
                                        .hostname = "localhost",
                                        .partial = true,
                                        .masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    char key[REEF_FLEET_KEY], line[64];
    reef_fleet_key(16000, "x", key);
    snprintf(line, sizeof line, "GET %s", key);
    fixture_says(fleet, 0, line, "-MOVED 16000 localhost:");
    fixture_says(fleet, 0, "CLUSTER NODES", fleet->host);
    reef_fleet_free(fleet);
}

static void test_options(void **state)
{
    (void)state;
    reef_live_each(fixture_options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fails_over),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
