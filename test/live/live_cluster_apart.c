/* SPDX-License-Identifier: Apache-2.0
 *
 * A Cluster that is not whole: slots that nobody serves, a shard without anybody
 * left, a node that the others don't hear while clients do, and all of it down for a
 * while. Keys elsewhere go on, keys there are told why not, and what heals is used
 * again. */
#include "test/live/check.h"
#include "test/live/fleet_use.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    APART_ROUNDS = 20,
    APART_TIMEOUT_MS = 3000,
    APART_SOON_MS = 2500, /* for an error that waiting can't mend */
    APART_FIRST = 2000,   /* slots of the hole */
    APART_LAST = 2099,
    APART_US =
        500000 /* from the first write that is possible to the first that is made,
                       * on a machine that has other things to do */
};

static reef_client *apart_open(const reef_fleet *fleet)
{
    reef_config config;
    reef_fleet_config(fleet, REEF_FLEET_MASTERS, &config);
    return reef_live_client(&config);
}

/* ---- a hole ------------------------------------------------------------------- */

static void apart_told(reef_client *client, const char *line)
{
    int64_t begin_ms = reef_live_now_ms(), took_ms;
    char slot[16];
    reef_reply *reply = reef_live_call(client, line, APART_TIMEOUT_MS);
    took_ms = reef_live_now_ms() - begin_ms;
    print_message("    after %" PRId64 " ms: %s: %s\n", took_ms,
                  reef_code_name(reef_reply_code(reply)), reef_reply_text(reply));
    snprintf(slot, sizeof slot, "slot %d", APART_FIRST + 1);
    assert_true(took_ms < APART_SOON_MS);
    reef_live_fails(reply, REEF_NOROUTE, slot);
}

/* With cluster-require-full-coverage no, the rest goes on. Both for a client that
 * knew an owner, and for one that never did. */
static void apart_hole(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.partial = true, .masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *old = apart_open(fleet), *fresh;
    char in[64], out[64];
    reef_fleet_serves(fleet, old);
    reef_fleet_hole(fleet, APART_FIRST, APART_LAST);
    reef_fleet_line(in, "SET", APART_FIRST + 1, "1");
    reef_fleet_line(out, "SET", APART_LAST + 1, "1");
    fresh = apart_open(fleet);
    apart_told(old, in);
    apart_told(fresh, in);
    reef_live_says(old, out, "OK");
    reef_live_says(fresh, out, "OK");
    reef_fleet_fill(fleet, APART_FIRST, APART_LAST, 2);
    reef_fleet_settle(fleet);
    reef_live_says(old, in, "OK");
    reef_live_says(fresh, in, "OK");
    reef_fleet_serves(fleet, old);
    reef_close(old);
    reef_close(fresh);
    reef_fleet_free(fleet);
}

static void test_hole(void **state)
{
    (void)state;
    reef_live_each(apart_hole);
}

/* With full coverage required, all nodes say that the cluster is down: calls wait, and
 * are answered once it is whole again. */
static void apart_down(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = apart_open(fleet);
    reef_live_job *job;
    char out[64];
    reef_fleet_serves(fleet, client);
    reef_fleet_line(out, "SET", APART_LAST + 1, "1");
    reef_fleet_hole(fleet, APART_FIRST, APART_LAST);
    reef_live_until(fleet->nodes[0], "CLUSTER INFO", "cluster_state:fail", false);
    reef_fleet_says_why(client, out, APART_TIMEOUT_MS / 4, REEF_NOROUTE, "CLUSTERDOWN");
    job = reef_live_begin(client, out, REEF_LIVE_WAIT_MS);
    reef_fleet_fill(fleet, APART_FIRST, APART_LAST, 0);
    reef_fleet_settle(fleet);
    reef_live_is(reef_live_end(job), "OK");
    reef_fleet_serves(fleet, client);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_down(void **state)
{
    (void)state;
    reef_live_each(apart_down);
}

/* ---- a shard that is gone ----------------------------------------------------- */

/* Its keys fail by the deadline, with what is wrong; all others go on meanwhile, and so
 * do these once somebody is back. */
static void apart_gone(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.partial = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = apart_open(fleet);
    reef_live_job *job;
    reef_reply *reply;
    char gone[64], here[64], peer[32];
    reef_fleet_serves(fleet, client);
    reef_fleet_line(gone, "SET", 0, "1");
    reef_fleet_line(here, "SET", 16000, "1");
    reef_fleet_kill(fleet, 3);
    reef_fleet_kill(fleet, 0);
    job = reef_live_begin(client, gone, APART_TIMEOUT_MS);
    for (int i = 0; i < APART_ROUNDS; i++) {
        reef_live_says(client, here, "OK");
    }
    reply = reef_live_end(job);
    print_message("    %s: %s\n", reef_code_name(reef_reply_code(reply)),
                  reef_reply_text(reply));
    snprintf(peer, sizeof peer, "127.0.0.1:%u", (unsigned)fleet->nodes[0]->port);
    reef_live_fails(reply, REEF_CONNECT, peer);
    job = reef_live_begin(client, gone, REEF_LIVE_WAIT_MS);
    reef_fleet_again(fleet, 0);
    reef_live_is(reef_live_end(job), "OK");
    reef_fleet_again(fleet, 3);
    reef_fleet_settle(fleet);
    reef_fleet_serves(fleet, client);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_gone(void **state)
{
    (void)state;
    reef_live_each(apart_gone);
}

/* All nodes at once, and back again: what waits is answered. */
static void apart_all(const reef_live_kind *kind)
{
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    reef_client *client = apart_open(fleet);
    reef_live_job *job;
    reef_fleet_serves(fleet, client);
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_kill(fleet, i);
    }
    reef_live_fails(reef_live_call(client, "SET a 1", APART_TIMEOUT_MS / 4),
                    REEF_CONNECT, "refused");
    job = reef_live_begin(client, "SET a 1", REEF_LIVE_WAIT_MS);
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_again(fleet, i);
    }
    reef_live_is(reef_live_end(job), "OK");
    reef_fleet_settle(fleet);
    reef_fleet_serves(fleet, client);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_all(void **state)
{
    (void)state;
    reef_live_each(apart_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hole),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
