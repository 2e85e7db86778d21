/* SPDX-License-Identifier: Apache-2.0
 *
 * A fleet for tests: how it starts, and what strikes it. See fleet.h; what nodes think
 * is in fleet_view.c, slots that move in fleet_slots.c, the fence in fleet_fence.c.
 *
 * Nodes are given their slots and told of each other by hand: every two of them meet,
 * which spares the time that gossip takes. */
#include "test/live/fleet.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    FLEET_LINE = 256,
    FLEET_BUS = 10000,
    FLEET_ASK_AGAIN_MS = 8000,
    FLEET_VOTES_MS = 4200
};

/* ---- asking ------------------------------------------------------------------- */

static bool fleet_accepts(const reef_fleet *fleet, int node, const char *line)
{
    char *reply = reef_live_ask(fleet->nodes[node], line);
    bool good = strcmp(reply, "OK") == 0;
    free(reply);
    return good;
}

void reef_fleet_order(const reef_fleet *fleet, int node, const char *line)
{
    char *reply = reef_live_ask(fleet->nodes[node], line);
    if (strcmp(reply, "OK")) {
        fail_msg("node %d: %s: %s", node, line, reply);
    }
    free(reply);
}

/* Asks until the node says OK. */
static void fleet_insist(const reef_fleet *fleet, int node, const char *line)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (!fleet_accepts(fleet, node, line)) {
        if (reef_live_now_ms() > limit) {
            reef_fleet_order(fleet, node, line);
        }
        reef_live_nap();
    }
}

/* ---- starting ----------------------------------------------------------------- */

static void fleet_write_lines(reef_fleet *fleet, const reef_fleet_options *options)
{
    bool v6 = strchr(fleet->host, ':') != NULL;
    size_t cap = sizeof fleet->lines;
    int len = snprintf(
        fleet->lines, cap,
        "cluster-node-timeout %d\ncluster-replica-validity-factor 0\n"
        "cluster-allow-replica-migration no\nrepl-diskless-sync-delay 0\n"
        "cluster-require-full-coverage %s\ncluster-announce-ip "
        "%s\n%s%s%s%s%s%s%s%s%s%s",
        REEF_FLEET_TIMEOUT_MS, options->partial ? "no" : "yes", fleet->host,
        v6 ? "bind ::1 127.0.0.1\n" : "", options->password ? "masterauth " : "",
        fleet->password, options->password ? "\n" : "",
        options->endpoint ? "cluster-preferred-endpoint-type " : "",
        options->endpoint ? options->endpoint : "", options->endpoint ? "\n" : "",
        options->hostname ? "cluster-announce-hostname " : "",
        options->hostname ? options->hostname : "", options->hostname ? "\n" : "");
    assert_true(len > 0 && (size_t)len < cap);
    if (options->extra) {
        int more =
            snprintf(fleet->lines + len, cap - (size_t)len, "%s", options->extra);
        assert_true(more >= 0 && (size_t)more < cap - (size_t)len);
    }
}

/* One more process, which knows nobody yet. */
static int fleet_launch(reef_fleet *fleet, const reef_live_kind *kind)
{
    reef_live_options options = {.cluster = true};
    char lines[sizeof fleet->lines + FLEET_LINE];
    int node = fleet->count++;
    char *id;
    assert_true(node < REEF_FLEET_MAX);
    snprintf(lines, sizeof lines, "%s", fleet->lines);
    if (fleet->fence) {
        snprintf(lines, sizeof lines,
                 "%scluster-announce-bus-port %u\nbind-source-addr 127.0.0.%d\n",
                 fleet->lines, (unsigned)reef_fence_port(fleet->fence, node),
                 REEF_FENCE_FROM + node);
    }
    options.extra = lines;
    options.password = fleet->password[0] ? fleet->password : NULL;
    fleet->nodes[node] = reef_live_start(kind, &options);
    if (fleet->fence) {
        reef_fence_open(fleet->fence, node,
                        (uint16_t)(fleet->nodes[node]->port + FLEET_BUS));
    }
    fleet->member[node] = true;
    id = reef_live_ask(fleet->nodes[node], "CLUSTER MYID");
    assert_int_equal(strlen(id), 40);
    snprintf(fleet->ids[node], sizeof fleet->ids[node], "%s", id);
    free(id);
    return node;
}

static void fleet_meet(const reef_fleet *fleet, int node, int other)
{
    char line[FLEET_LINE];
    unsigned bus = fleet->nodes[other]->port + FLEET_BUS;
    if (fleet->fence) {
        bus = reef_fence_port(fleet->fence, other);
    }
    snprintf(line, sizeof line, "CLUSTER MEET %s %u %u", fleet->host,
             (unsigned)fleet->nodes[other]->port, bus);
    reef_fleet_order(fleet, node, line);
}

static void fleet_slots_at_first(const reef_fleet *fleet)
{
    static const unsigned ends[] = {0, 5461, 10923, REEF_FLEET_SLOTS};
    char line[FLEET_LINE];
    for (int i = 0; i < REEF_FLEET_MASTERS; i++) {
        snprintf(line, sizeof line, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        reef_fleet_order(fleet, i, line);
        snprintf(line, sizeof line, "CLUSTER ADDSLOTSRANGE %u %u", ends[i],
                 ends[i + 1] - 1);
        reef_fleet_order(fleet, i, line);
    }
}

void reef_fleet_follow(const reef_fleet *fleet, int node, int master)
{
    char line[FLEET_LINE];
    snprintf(line, sizeof line, "CLUSTER REPLICATE %s", fleet->ids[master]);
    fleet_insist(fleet, node, line);
}

reef_fleet *reef_fleet_start(const reef_live_kind *kind,
                             const reef_fleet_options *options)
{
    const reef_fleet_options none = {0};
    reef_fleet *fleet = calloc(1, sizeof *fleet);
    int count;
    assert_non_null(fleet);
    options = options ? options : &none;
    count = options->masters_alone ? REEF_FLEET_MASTERS : REEF_FLEET_NODES;
    snprintf(fleet->host, sizeof fleet->host, "%s",
             options->host ? options->host : "127.0.0.1");
    snprintf(fleet->password, sizeof fleet->password, "%s",
             options->password ? options->password : "");
    fleet->fence = options->fenced ? reef_fence_start() : NULL;
    fleet_write_lines(fleet, options);
    while (fleet->count < count) {
        fleet_launch(fleet, kind);
    }
    fleet_slots_at_first(fleet);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < i; k++) {
            fleet_meet(fleet, i, k);
        }
    }
    for (int i = REEF_FLEET_MASTERS; i < count; i++) {
        reef_fleet_follow(fleet, i, i - REEF_FLEET_MASTERS);
    }
    reef_fleet_settle(fleet);
    return fleet;
}

void reef_fleet_free(reef_fleet *fleet)
{
    if (!fleet) {
        return;
    }
    for (int i = 0; i < fleet->count; i++) {
        reef_live_free(fleet->nodes[i]);
    }
    reef_fence_free(fleet->fence);
    free(fleet);
}

void reef_fleet_config(const reef_fleet *fleet, int count, reef_config *out)
{
    reef_config_init(out);
    out->enabled = true;
    out->host_count = (uint32_t)count;
    for (int i = 0; i < count; i++) {
        out->hosts[i].kind = REEF_HOST_TCP;
        out->hosts[i].port = fleet->nodes[i]->port;
        snprintf(out->hosts[i].name, sizeof out->hosts[i].name, "%s", fleet->host);
    }
    snprintf(out->password, sizeof out->password, "%s", fleet->password);
}

/* ---- blows -------------------------------------------------------------------- */

void reef_fleet_kill(reef_fleet *fleet, int node)
{
    reef_live_kill(fleet->nodes[node]);
}

void reef_fleet_freeze(reef_fleet *fleet, int node)
{
    reef_live_pause(fleet->nodes[node]);
    fleet->frozen[node] = true;
}

void reef_fleet_thaw(reef_fleet *fleet, int node)
{
    reef_live_resume(fleet->nodes[node]);
    fleet->frozen[node] = false;
}

void reef_fleet_again(reef_fleet *fleet, int node)
{
    reef_live_again(fleet->nodes[node]);
}

/* The last line of its kind counts. */
void reef_fleet_place(reef_fleet *fleet, int node, uint16_t port)
{
    reef_live_server *server = fleet->nodes[node];
    char path[REEF_LIVE_PATH + 16];
    FILE *file;
    server->port = port ? port : reef_live_cluster_port();
    snprintf(path, sizeof path, "%s/server.conf", server->folder);
    file = fopen(path, "a");
    assert_non_null(file);
    fprintf(file, "\nport %u\n", (unsigned)server->port);
    assert_int_equal(fclose(file), 0);
}

void reef_fleet_introduce(const reef_fleet *fleet, int node)
{
    for (int i = 0; i < fleet->count; i++) {
        if (i != node && reef_fleet_hears(fleet, i) && fleet->member[i]) {
            fleet_meet(fleet, node, i);
        }
    }
}

void reef_fleet_elsewhere(reef_fleet *fleet)
{
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_place(fleet, i, 0);
        reef_live_again(fleet->nodes[i]);
    }
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_introduce(fleet, i);
    }
}

void reef_fleet_rest(const reef_fleet *fleet, int replica)
{
    while (reef_live_now_ms() < fleet->master_ms[replica] + FLEET_VOTES_MS) {
        reef_live_nap();
    }
}

/* A replica gives a plain fail-over up after five seconds. */
void reef_fleet_failover(const reef_fleet *fleet, int replica, const char *how)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS, again = 0;
    char line[FLEET_LINE];
    reef_fleet_rest(fleet, replica);
    snprintf(line, sizeof line, "CLUSTER FAILOVER %s", how);
    while (!reef_fleet_is_master(fleet, replica)) {
        if (reef_live_now_ms() > limit) {
            reef_fleet_tell(fleet);
            fail_msg("node %d: %s comes to nothing", replica, line);
        }
        if (reef_live_now_ms() > again) {
            again = reef_live_now_ms() + FLEET_ASK_AGAIN_MS;
            fleet_accepts(fleet, replica, line);
        }
        reef_live_nap();
    }
}

int reef_fleet_add(reef_fleet *fleet)
{
    int node = fleet_launch(fleet, &fleet->nodes[0]->kind);
    reef_fleet_introduce(fleet, node);
    reef_fleet_settle(fleet);
    return node;
}

void reef_fleet_forget(reef_fleet *fleet, int node)
{
    char line[FLEET_LINE];
    snprintf(line, sizeof line, "CLUSTER FORGET %s", fleet->ids[node]);
    fleet->member[node] = false;
    for (int i = 0; i < fleet->count; i++) {
        if (reef_fleet_hears(fleet, i) && fleet->member[i]) {
            reef_fleet_order(fleet, i, line);
        }
    }
}

static bool fleet_deleted(const reef_fleet *fleet, int node, const char *line)
{
    char *reply = reef_live_ask(fleet->nodes[node], line);
    bool deleted = strcmp(reply, "OK") == 0;
    free(reply);
    return deleted;
}

void reef_fleet_hole(const reef_fleet *fleet, uint32_t first, uint32_t last)
{
    enum { QUIET_MS = 300 };
    int64_t last_ms = reef_live_now_ms(), limit_ms = last_ms + REEF_LIVE_WAIT_MS;
    char line[FLEET_LINE];
    snprintf(line, sizeof line, "CLUSTER DELSLOTSRANGE %u %u", (unsigned)first,
             (unsigned)last);
    for (int i = 0; i < fleet->count; i++) {
        if (fleet->member[i]) {
            reef_fleet_order(fleet, i, line);
        }
    }
    /* A heartbeat that was on its way gives them back, and no later one takes them. */
    while (reef_live_now_ms() - last_ms < QUIET_MS) {
        assert_true(reef_live_now_ms() < limit_ms);
        reef_live_nap();
        for (int i = 0; i < fleet->count; i++) {
            if (fleet->member[i] && fleet_deleted(fleet, i, line)) {
                last_ms = reef_live_now_ms();
            }
        }
    }
}

void reef_fleet_fill(const reef_fleet *fleet, uint32_t first, uint32_t last, int node)
{
    char line[FLEET_LINE];
    snprintf(line, sizeof line, "CLUSTER ADDSLOTSRANGE %u %u", (unsigned)first,
             (unsigned)last);
    reef_fleet_order(fleet, node, line);
}

void reef_fleet_cut(reef_fleet *fleet, int node)
{
    assert_non_null(fleet->fence);
    reef_fence_cut(fleet->fence, node, true);
}

void reef_fleet_mend(reef_fleet *fleet, int node)
{
    reef_fence_cut(fleet->fence, node, false);
}

/* ---- when is there a master again? -------------------------------------------- */

reef_live_watch *reef_fleet_watch_begin(const reef_fleet *fleet, int master)
{
    char key[REEF_FLEET_KEY];
    uint32_t slot = 0;
    assert_true(reef_fleet_slots(fleet, master, &slot) > 0);
    reef_fleet_key(slot, "watch", key);
    return reef_live_watch_begin(fleet->nodes, (size_t)fleet->count,
                                 1U << reef_fleet_replica(fleet, master), key);
}
