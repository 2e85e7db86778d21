/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots that move while they are used: by hand, with a stop at each step, key by
 * key, and to a node that is new; a node that is forgotten; and a whole Cluster that
 * comes back elsewhere. */
#include "test/live/check.h"
#include "test/live/dns_server.h"
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
    MOVE_KEYS = 24,
    MOVE_THREADS = 8,
    MOVE_ROUNDS = 20, /* of each thread, between two steps */
    MOVE_SLOTS = 60,
    MOVE_NEWS = 20, /* slots move so often before a client must have noticed */
    MOVE_TTL_S = 1,
    MOVE_SOON_MS = 8000, /* from when it is there again to when calls succeed */
    MOVE_SHORT_MS = 700
};

static reef_client *move_open(const reef_fleet *fleet)
{
    reef_config config;
    reef_fleet_config(fleet, REEF_FLEET_MASTERS, &config);
    return reef_live_client(&config);
}

/* ---- one slot, step by step --------------------------------------------------- */

static void move_key_line(char out[64], const char *verb, uint32_t slot, int number,
                          const char *value)
{
    char name[12], key[REEF_FLEET_KEY];
    snprintf(name, sizeof name, "m%d", number);
    reef_fleet_key(slot, name, key);
    snprintf(out, 64, "%s %s%s%s", verb, key, *value ? " " : "", value);
}

/* Each key is counted up once, and was counted up once for each of `rounds` before;
 * wherever it lives. One that is new is made, and taken away again. */
static void move_count(reef_client *client, uint32_t slot, int round)
{
    char line[64], value[12];
    snprintf(value, sizeof value, "%d", round);
    for (int i = 0; i < MOVE_KEYS; i++) {
        move_key_line(line, "INCR", slot, i, "");
        reef_live_says(client, line, value);
    }
    move_key_line(line, "SET", slot, 1000 + round, "new");
    reef_live_says(client, line, "OK");
    move_key_line(line, "GET", slot, 1000 + round, "");
    reef_live_says(client, line, "new");
    move_key_line(line, "DEL", slot, 1000 + round, "");
    reef_live_says(client, line, "1");
}

/* How often this node has answered with this error since its statistics began. */
static int64_t move_errors(const reef_fleet *fleet, int node, const char *error)
{
    char mark[32], *info = reef_live_ask(fleet->nodes[node], "INFO errorstats");
    const char *at;
    int64_t count = 0;
    snprintf(mark, sizeof mark, "errorstat_%s:count=", error);
    at = strstr(info, mark);
    count = at ? strtoll(at + strlen(mark), NULL, 10) : 0;
    free(info);
    return count;
}

/* Keys that are there are answered by the old owner, others by the new one, which is
 * asked with ASKING, again and again: nobody takes it for the owner yet. */
static void move_by_hand(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = move_open(fleet);
    uint32_t slot = 4000;
    int round = 0;
    int64_t asked, moved;
    move_count(client, slot, ++round);
    reef_fleet_move_begin(fleet, slot, 0, 2);
    move_count(client, slot, ++round);
    reef_fleet_move_keys(fleet, slot, 0, 2, MOVE_KEYS / 2);
    asked = move_errors(fleet, 0, "ASK");
    move_count(client, slot, ++round);
    assert_true(move_errors(fleet, 0, "ASK") >= asked + MOVE_KEYS / 2);
    reef_fleet_move_keys(fleet, slot, 0, 2, 0);
    move_count(client, slot, ++round);
    assert_int_equal(move_errors(fleet, 0, "MOVED"), 0);
    reef_fleet_move_end(fleet, slot, 2);
    moved = move_errors(fleet, 0, "MOVED");
    move_count(client, slot, ++round);
    move_count(client, slot, ++round);
    /* One redirect was enough, or a new map came before it. */
    assert_true(move_errors(fleet, 0, "MOVED") <= moved + 1);
    assert_int_equal(reef_fleet_moved(fleet, slot, 0), 2);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_by_hand(void **state)
{
    (void)state;
    reef_live_each(move_by_hand);
}

/* Two keys of one slot, one here and one there: waits until both are at one place. */
static void move_try_again(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = move_open(fleet);
    char line[64], keys[2][REEF_FLEET_KEY], both[80];
    uint32_t slot = 9000;
    reef_live_job *job;
    for (int i = 0; i < 2; i++) {
        move_key_line(line, "SET", slot, i, "1");
        reef_live_says(client, line, "OK");
        reef_fleet_key(slot, i ? "m1" : "m0", keys[i]);
    }
    snprintf(both, sizeof both, "EXISTS %s %s", keys[0], keys[1]);
    reef_fleet_move_begin(fleet, slot, 1, 0);
    assert_int_equal(reef_fleet_move_keys(fleet, slot, 1, 0, 1), 1);
    reef_live_fails(reef_live_call(client, both, MOVE_SHORT_MS), REEF_NOROUTE,
                    "told to try again");
    job = reef_live_begin(client, both, 0);
    reef_fleet_move_keys(fleet, slot, 1, 0, 0);
    reef_fleet_move_end(fleet, slot, 0);
    reef_live_is(reef_live_end(job), "2");
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_try_again(void **state)
{
    (void)state;
    reef_live_each(move_try_again);
}

/* ---- nodes that come and go --------------------------------------------------- */

static void move_finish(const reef_fleet *fleet, reef_drill *drill)
{
    reef_live_server *masters[REEF_FLEET_MAX];
    size_t count = 0;
    reef_drill_report report;
    for (int i = 0; i < fleet->count; i++) {
        if (fleet->member[i] && reef_fleet_slots(fleet, i, NULL)) {
            masters[count++] = fleet->nodes[i];
        }
    }
    reef_drill_end(drill, masters, count, &report);
    print_message("    %" PRIu64 " calls, slowest %" PRId64 " ms\n", report.calls,
                  report.slowest_us / 1000);
    reef_drill_sound(&report);
    assert_int_equal(report.missing, 0);
    assert_int_equal(report.unsure, 0);
}

static unsigned move_links(reef_client *client, const reef_live_server *node)
{
    static reef_stats stats;
    char peer[32];
    unsigned count = 0;
    snprintf(peer, sizeof peer, "127.0.0.1:%u", (unsigned)node->port);
    reef_client_stats(client, &stats);
    for (uint32_t i = 0; i < stats.link_count; i++) {
        count += stats.links[i].ready && strcmp(stats.links[i].peer, peer) == 0;
    }
    return count;
}

/* A node joins, gets slots under load, and is called; it loses them again, and is
 * forgotten while it lives: nothing is sent to it any more, and its link is closed. */
static void move_join(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = move_open(fleet);
    reef_drill *drill = reef_drill_begin(client, MOVE_THREADS, 7);
    int node;
    reef_drill_progress(drill, MOVE_ROUNDS);
    node = reef_fleet_add(fleet);
    for (int i = 0; i < REEF_FLEET_MASTERS; i++) {
        reef_fleet_move(fleet, MOVE_SLOTS, i, node);
    }
    reef_fleet_settle(fleet);
    reef_drill_progress(drill, MOVE_ROUNDS * 5);
    assert_int_equal(move_links(client, fleet->nodes[node]), 1);
    assert_true(reef_live_number(fleet->nodes[node], "DBSIZE") > 0);
    reef_fleet_move(fleet, MOVE_SLOTS * REEF_FLEET_MASTERS, node, 1);
    reef_fleet_settle(fleet);
    reef_drill_progress(drill, MOVE_ROUNDS);
    reef_fleet_forget(fleet, node);
    reef_fleet_settle(fleet);
    /* A map is asked for when a slot turns out to be elsewhere, and by turns. */
    for (int i = 0; i < MOVE_NEWS && move_links(client, fleet->nodes[node]); i++) {
        reef_fleet_move(fleet, MOVE_SLOTS, i % 2 + 1, 2 - i % 2);
        reef_drill_progress(drill, MOVE_ROUNDS);
    }
    assert_int_equal(move_links(client, fleet->nodes[node]), 0);
    reef_drill_progress(drill, MOVE_ROUNDS);
    move_finish(fleet, drill);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_join(void **state)
{
    (void)state;
    reef_live_each(move_join);
}

/* ---- all of it elsewhere ------------------------------------------------------ */

static void move_records(const reef_fleet *fleet, char *out, size_t cap)
{
    size_t len = (size_t)snprintf(out, cap, "node A 127.0.0.1\n");
    for (int i = 0; i < fleet->count; i++) {
        len += (size_t)snprintf(out + len, cap - len, "all SRV 1 0 %u node\n",
                                (unsigned)fleet->nodes[i]->port);
    }
}

/* Every node comes back on another port: what was learnt leads nowhere, and the service
 * is looked up again. A call that waits meanwhile is answered. */
static void move_elsewhere(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.masters_alone = true};
    reef_live_dns_kind kinds[REEF_LIVE_DNS_KINDS];
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_live_dns *dns;
    reef_config config;
    reef_client *client;
    reef_live_job *job;
    char records[512];
    int64_t begin_ms;
    reef_live_dns_find(kinds);
    move_records(fleet, records, sizeof records);
    dns = reef_live_dns_start(&kinds[0], records, MOVE_TTL_S);
    reef_live_dns_config("srv+all.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    client = reef_live_client(&config);
    reef_fleet_serves(fleet, client);
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_kill(fleet, i);
    }
    reef_live_fails(reef_live_call(client, "SET a 1", MOVE_SHORT_MS), REEF_CONNECT,
                    NULL);
    job = reef_live_begin(client, "SET a 1", REEF_LIVE_WAIT_MS);
    reef_fleet_elsewhere(fleet);
    move_records(fleet, records, sizeof records);
    reef_live_dns_change(dns, records, MOVE_TTL_S);
    reef_fleet_settle(fleet);
    begin_ms = reef_live_now_ms();
    reef_live_is(reef_live_end(job), "OK");
    print_message("    found %" PRId64 " ms after all was well\n",
                  reef_live_now_ms() - begin_ms);
    assert_true(reef_live_now_ms() - begin_ms < MOVE_SOON_MS);
    reef_fleet_serves(fleet, client);
    reef_close(client);
    reef_live_dns_free(dns);
    reef_fleet_free(fleet);
}

static void test_elsewhere(void **state)
{
    (void)state;
    reef_live_each(move_elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_try_again),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
