/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a Cluster: which hosts lead to it, what its nodes call each other, whom it is
 * asked as, and the sentence for each way in which the settings can be wrong. */
#include "test/live/check.h"
#include "test/live/dns_server.h"
#include "test/live/fleet_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FIND_TIMEOUT_MS = 3000, FIND_LINE = 256, FIND_TTL_S = 30 };

static void find_host(reef_config *config, uint32_t index, const char *name,
                      uint16_t port)
{
    reef_host *host = &config->hosts[index];
    host->kind = REEF_HOST_TCP;
    host->port = port;
    snprintf(host->name, sizeof host->name, "%s", name);
    if (config->host_count <= index) {
        config->host_count = index + 1;
    }
}

/* ---- seeds -------------------------------------------------------------------- */

/* One host is enough, be it a master or a replica; so is one of three that lives. */
static void find_seeds(const reef_fleet *fleet)
{
    reef_config config;
    for (int i = 0; i < REEF_FLEET_NODES; i++) {
        reef_fleet_config(fleet, 1, &config);
        config.hosts[0].port = fleet->nodes[i]->port;
        reef_fleet_serves_config(fleet, &config);
    }
    reef_fleet_config(fleet, REEF_FLEET_NODES, &config);
    reef_fleet_serves_config(fleet, &config);
    reef_fleet_config(fleet, 3, &config);
    config.hosts[0].port = reef_live_port();
    config.hosts[1].port = reef_live_port();
    reef_fleet_serves_config(fleet, &config);
}

static uint32_t find_ready(reef_client *client)
{
    static reef_stats stats;
    uint32_t count = 0;
    reef_client_stats(client, &stats);
    for (uint32_t i = 0; i < stats.link_count; i++) {
        count += stats.links[i].ready;
    }
    return count;
}

/* Nobody is connected to before he is needed, and the seed's connection is its
 * node's. */
static void find_links(const reef_fleet *fleet)
{
    static const uint32_t slots[] = {1, 2, 16000, 16001, 8000};
    static const uint32_t links[] = {1, 1, 2, 2, 3};
    reef_config config;
    reef_client *client;
    reef_fleet_config(fleet, 1, &config);
    client = reef_live_client(&config);
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        char line[64];
        reef_fleet_line(line, "SET", slots[i], "1");
        reef_live_says(client, line, "OK");
        assert_int_equal(find_ready(client), links[i]);
    }
    reef_close(client);
}

/* A socket of the file system leads to the rest by TCP. */
static void find_local(const reef_fleet *fleet)
{
    reef_config config;
    reef_live_config(fleet->nodes[4], "unix", &config);
    reef_fleet_serves_config(fleet, &config);
    reef_live_config(fleet->nodes[1], "localhost", &config);
    reef_fleet_serves_config(fleet, &config);
}

/* One srv+ host stands for all nodes, or for one, and for some that are not there. */
static void find_srv(const reef_fleet *fleet)
{
    reef_live_dns_kind kinds[REEF_LIVE_DNS_KINDS];
    reef_live_dns *dns;
    reef_config config;
    char records[FIND_LINE * 2];
    int len = snprintf(records, sizeof records, "node A 127.0.0.1\n");
    reef_live_dns_find(kinds);
    for (int i = 0; i < REEF_FLEET_NODES; i++) {
        len += snprintf(records + len, sizeof records - (size_t)len,
                        "all SRV 1 0 %u node\n", (unsigned)fleet->nodes[i]->port);
    }
    snprintf(records + len, sizeof records - (size_t)len,
             "one SRV 1 0 %u node\none SRV 2 0 %u node\n", (unsigned)reef_live_port(),
             (unsigned)fleet->nodes[5]->port);
    dns = reef_live_dns_start(&kinds[0], records, FIND_TTL_S);
    reef_live_dns_config("srv+all.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    reef_fleet_serves_config(fleet, &config);
    reef_live_dns_config("srv+one.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    reef_fleet_serves_config(fleet, &config);
    reef_live_dns_free(dns);
}

/* ---- wrong settings ----------------------------------------------------------- */

static void find_db(const reef_fleet *fleet)
{
    static const char *const parts[] = {"Cluster", "db 0", "4", NULL};
    reef_config config;
    reef_error error = {REEF_OK, 0, ""};
    reef_fleet_config(fleet, 1, &config);
    config.db = 4;
    reef_fleet_refuses(&config, "SET found 1", FIND_TIMEOUT_MS, REEF_BADCONFIG, parts);
    reef_fleet_config(fleet, 3, &config);
    config.db = 4;
    assert_null(reef_open(&config, &error));
    assert_int_equal(error.code, REEF_BADCONFIG);
    assert_non_null(strstr(error.text, "db 0"));
}

/* A single server among the hosts: alone with a dead one it is an error that names it;
 * beside a node it is passed over, and gets nothing. */
static void find_single(const reef_fleet *fleet)
{
    reef_live_server *other = reef_live_start(&fleet->nodes[0]->kind, NULL);
    char peer[32];
    const char *parts[] = {peer, "single server", NULL};
    reef_config config;
    snprintf(peer, sizeof peer, "127.0.0.1:%u", (unsigned)other->port);
    reef_fleet_config(fleet, 2, &config);
    find_host(&config, 0, "127.0.0.1", other->port);
    find_host(&config, 1, "127.0.0.1", other->port);
    reef_fleet_refuses(&config, "SET found 1", FIND_TIMEOUT_MS, REEF_BADCONFIG, parts);
    find_host(&config, 1, "127.0.0.1", fleet->nodes[1]->port);
    reef_fleet_serves_config(fleet, &config);
    assert_int_equal(reef_live_number(other, "DBSIZE"), 0);
    reef_live_free(other);
}

static void find_nobody(const reef_fleet *fleet)
{
    static const char *const parts[] = {"refused", NULL};
    reef_config config;
    reef_fleet_config(fleet, 2, &config);
    find_host(&config, 0, "127.0.0.1", reef_live_port());
    find_host(&config, 1, "127.0.0.1", reef_live_port());
    reef_fleet_refuses(&config, "SET found 1", 700, REEF_CONNECT, parts);
}

/* Keys of two slots in one command are told before anything is sent. */
static void find_two_slots(const reef_fleet *fleet)
{
    char text[32], slots[2][16];
    reef_config config;
    reef_client *client;
    reef_cmd *cmd = reef_cmd_new();
    reef_reply *reply;
    reef_fleet_config(fleet, 1, &config);
    client = reef_live_client(&config);
    reef_live_says(client, "GET fig", "");
    reef_cmd_begin(cmd, "MGET");
    reef_cmd_key(cmd, reef_str_of("fig"));
    reef_cmd_key(cmd, reef_str_of("plum"));
    reply = reef_call(client, cmd, 0);
    print_message("    %s\n", reef_reply_text(reply));
    snprintf(slots[0], sizeof slots[0], "%u", (unsigned)reef_fleet_slot("fig"));
    snprintf(slots[1], sizeof slots[1], "%u", (unsigned)reef_fleet_slot("plum"));
    assert_non_null(strstr(reef_reply_text(reply), slots[0]));
    assert_non_null(strstr(reef_reply_text(reply), slots[1]));
    assert_non_null(strstr(reef_reply_text(reply), "plum"));
    reef_live_fails(reply, REEF_BADARG, "fig");
    snprintf(text, sizeof text, "cmdstat_mget:");
    for (int i = 0; i < REEF_FLEET_NODES; i++) {
        reef_live_until(fleet->nodes[i], "INFO commandstats", text, true);
    }
    reef_cmd_free(cmd);
    reef_close(client);
}

static void find_plain(const reef_live_kind *kind)
{
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    find_seeds(fleet);
    find_links(fleet);
    find_local(fleet);
    find_srv(fleet);
    find_db(fleet);
    find_single(fleet);
    find_nobody(fleet);
    find_two_slots(fleet);
    reef_fleet_free(fleet);
}

static void test_plain(void **state)
{
    (void)state;
    reef_live_each(find_plain);
}

/* ---- what nodes are called ---------------------------------------------------- */

static void find_set(const reef_fleet *fleet, const char *line)
{
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_order(fleet, i, line);
    }
}

/* All nodes tell of this in their maps, as often as `part` is there. */
static void find_told(const reef_fleet *fleet, const char *part)
{
    for (int i = 0; i < fleet->count; i++) {
        reef_live_until(fleet->nodes[i], "CLUSTER SLOTS", part, false);
    }
}

static void find_named(const reef_fleet *fleet, const reef_config *config)
{
    reef_fleet_serves_config(fleet, config);
    for (int i = 0; i < fleet->count; i++) {
        reef_config one = *config;
        one.host_count = 1;
        one.hosts[0].port = fleet->nodes[i]->port;
        reef_fleet_serves_config(fleet, &one);
    }
}

/* Names that nobody but this name server knows; null hosts; and "?", where names are to
 * be told and there are none. */
static void find_endpoints(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.masters_alone = true};
    reef_live_dns_kind kinds[REEF_LIVE_DNS_KINDS];
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_live_dns *dns;
    reef_config config;
    reef_live_dns_find(kinds);
    dns = reef_live_dns_start(&kinds[0], "node.fleet A 127.0.0.1\n", FIND_TTL_S);
    reef_fleet_config(fleet, REEF_FLEET_MASTERS, &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    find_set(fleet, "CONFIG SET cluster-preferred-endpoint-type hostname");
    find_told(fleet, "?");
    find_named(fleet, &config);
    find_set(fleet, "CONFIG SET cluster-announce-hostname node.fleet.test");
    find_told(fleet, "node.fleet.test");
    reef_fleet_settle(fleet);
    find_named(fleet, &config);
    find_set(fleet, "CONFIG SET cluster-preferred-endpoint-type unknown-endpoint");
    find_told(fleet, "(nil)");
    find_named(fleet, &config);
    find_set(fleet, "CONFIG SET cluster-preferred-endpoint-type ip");
    find_named(fleet, &config);
    reef_live_dns_free(dns);
    reef_fleet_free(fleet);
}

static void test_endpoints(void **state)
{
    (void)state;
    reef_live_each(find_endpoints);
}

static void find_v6(const reef_live_kind *kind)
{
    const reef_fleet_options options = {.host = "::1", .masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_config config;
    reef_fleet_config(fleet, 1, &config);
    reef_fleet_serves_config(fleet, &config);
    reef_fleet_free(fleet);
}

static void test_v6(void **state)
{
    (void)state;
    if (reef_live_has_ipv6()) {
        reef_live_each(find_v6);
    }
}

/* ---- passwords ---------------------------------------------------------------- */

/* Ann may do what an application may, and no more. */
static void find_passwords(const reef_live_kind *kind)
{
    static const char *const wrong[] = {"WRONGPASS", NULL};
    static const char *const none[] = {"NOAUTH", NULL};
    const reef_fleet_options options = {
        .password = "sesame",
        .extra = "user ann on >anns ~* +@all -@admin -@dangerous\n"};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_config config;
    reef_client *client;
    reef_cmd *cmd;
    char line[64];
    int old = reef_fleet_master(fleet, 0);
    reef_fleet_config(fleet, 1, &config);
    reef_fleet_serves_config(fleet, &config);
    snprintf(config.password, sizeof config.password, "simsim");
    reef_fleet_refuses(&config, "SET found 1", FIND_TIMEOUT_MS, REEF_AUTH, wrong);
    config.password[0] = '\0';
    reef_fleet_refuses(&config, "SET found 1", FIND_TIMEOUT_MS, REEF_AUTH, none);
    reef_fleet_config(fleet, 3, &config);
    snprintf(config.password, sizeof config.password, "simsim");
    reef_fleet_refuses(&config, "SET found 1", FIND_TIMEOUT_MS, REEF_AUTH, wrong);
    snprintf(config.username, sizeof config.username, "ann");
    snprintf(config.password, sizeof config.password, "anns");
    client = reef_live_client(&config);
    reef_fleet_serves(fleet, client);
    reef_fleet_freeze(fleet, old);
    reef_fleet_line(line, "SET", 0, "1");
    cmd = reef_live_cmd(line, true);
    reef_live_is(reef_call(client, cmd, 0), "OK");
    reef_cmd_free(cmd);
    reef_fleet_moved(fleet, 0, old);
    reef_fleet_serves(fleet, client);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void test_passwords(void **state)
{
    (void)state;
    reef_live_each(find_passwords);
}

/* ---- another cluster ---------------------------------------------------------- */

/* None of the other cluster's nodes was given anything. */
static void find_untouched(const reef_fleet *other)
{
    for (int i = 0; i < other->count; i++) {
        char *info = reef_live_ask(other->nodes[i], "INFO commandstats");
        assert_null(strstr(info, "cmdstat_set:"));
        assert_null(strstr(info, "cmdstat_get:"));
        free(info);
    }
}

/* A shard of ours is gone, and at its master's port there is a node of another Cluster,
 * which would gladly take the slot: it gets nothing, and what it says of slots is not
 * believed. Then our node comes back at another port. */
static void find_strangers(const reef_live_kind *kind)
{
    const reef_fleet_options partial = {.partial = true},
                             alone = {.masters_alone = true};
    reef_fleet *fleet = reef_fleet_start(kind, &partial);
    reef_fleet *other = reef_fleet_start(kind, &alone);
    reef_config config;
    reef_client *client;
    reef_reply *reply;
    char ours[64], gone[64];
    reef_fleet_config(fleet, REEF_FLEET_MASTERS, &config);
    client = reef_live_client(&config);
    reef_fleet_line(gone, "SET", 0, "1");
    reef_fleet_line(ours, "SET", 16000, "1");
    reef_fleet_serves(fleet, client);
    reef_fleet_kill(fleet, 3);
    reef_fleet_kill(fleet, 0);
    reef_fleet_kill(other, 0);
    free(reef_live_ask(other->nodes[1], "CONFIG RESETSTAT"));
    free(reef_live_ask(other->nodes[2], "CONFIG RESETSTAT"));
    reef_fleet_place(other, 0, fleet->nodes[0]->port);
    reef_fleet_again(other, 0);
    reef_fleet_introduce(other, 0);
    reef_live_until(other->nodes[0], "CLUSTER INFO", "cluster_state:ok", false);
    reply = reef_live_call(client, gone, FIND_TIMEOUT_MS);
    print_message("    %s: %s\n", reef_code_name(reef_reply_code(reply)),
                  reef_reply_text(reply));
    assert_int_not_equal(reef_reply_code(reply), REEF_OK);
    assert_int_not_equal(reef_reply_code(reply), REEF_UNSURE);
    reef_reply_free(reply);
    reef_live_says(client, ours, "OK");
    find_untouched(other);
    reef_fleet_place(fleet, 0, 0);
    reef_fleet_again(fleet, 0);
    reef_fleet_introduce(fleet, 0);
    reef_fleet_settle(fleet);
    reef_fleet_serves(fleet, client);
    find_untouched(other);
    reef_close(client);
    reef_fleet_free(other);
    reef_fleet_free(fleet);
}

static void test_strangers(void **state)
{
    (void)state;
    reef_live_each(find_strangers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_v6),        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
