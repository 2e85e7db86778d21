/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the master: what the Sentinels are asked as, where they are and what they
 * say, and the sentence for each way in which the settings can be wrong. */
#include "test/live/check.h"
#include "test/live/constellation.h"
#include "test/live/dns_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { FIND_TIMEOUT_MS = 3000, FIND_SHORT_MS = 700 };

#define FIND_OTHER "second one"

/* The config's client writes, and the write is on this node. */
static void find_writes(const reef_config *config, const reef_live_server *node)
{
    reef_client *client = reef_live_client(config);
    char *reply;
    reef_live_says(client, "SET found 1", "OK");
    reef_live_says(client, "GET found", "1");
    reply = reef_live_ask(node, "GETDEL found");
    assert_string_equal(reply, "1");
    free(reply);
    reef_close(client);
}

/* A call fails with this code and each of these parts in its text. */
static void find_fails(const reef_config *config, int64_t timeout_ms, reef_code code,
                       const char *const parts[])
{
    reef_client *client = reef_live_client(config);
    reef_reply *reply = reef_live_call(client, "SET found 1", timeout_ms);
    const char *text = reef_reply_text(reply);
    print_message("    %s: %s\n", reef_code_name(reef_reply_code(reply)), text);
    for (; *parts; parts++) {
        if (!strstr(text, *parts)) {
            fail_msg("no \"%s\" in \"%s\"", *parts, text);
        }
    }
    reef_live_fails(reply, code, NULL);
    reef_close(client);
}

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

/* ---- wrong settings ----------------------------------------------------------- */

/* A second master for all Sentinels: the constellation's own third node would do, if it
 * were not a replica. */
static reef_live_server *find_second(const reef_stars *stars)
{
    reef_live_server *other = reef_live_start(&stars->nodes[0]->kind, NULL);
    char port[8];
    const char *args[] = {"SENTINEL", "MONITOR", FIND_OTHER, "127.0.0.1", port, "2"};
    snprintf(port, sizeof port, "%u", (unsigned)other->port);
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        int fd = reef_live_connect(stars->sentinels[i]->socket);
        char *reply = reef_live_ask_on(fd, args, 6, NULL);
        assert_string_equal(reply, "OK");
        free(reply);
        close(fd);
    }
    return other;
}

static void find_unknown(const reef_stars *stars)
{
    static const char *const parts[] = {"nobody", REEF_STARS_NAME, FIND_OTHER, NULL};
    reef_config config;
    reef_stars_config(stars, &config);
    snprintf(config.master_name, sizeof config.master_name, "nobody");
    find_fails(&config, FIND_TIMEOUT_MS, REEF_BADCONFIG, parts);
}

static void find_several(const reef_stars *stars, const reef_live_server *other)
{
    reef_config config;
    reef_stars_config(stars, &config);
    find_writes(&config, stars->nodes[0]);
    snprintf(config.master_name, sizeof config.master_name, FIND_OTHER);
    find_writes(&config, other);
}

/* A data node among the hosts: alone it is an error that names it; beside a Sentinel it
 * is passed over, and so is one that nobody listens at. */
static void find_wrong_kind(const reef_stars *stars)
{
    char peer[32];
    const char *parts[] = {peer, "Sentinel", NULL};
    reef_config config;
    reef_stars_config(stars, &config);
    config.host_count = 1;
    find_host(&config, 0, "127.0.0.1", stars->nodes[0]->port);
    snprintf(peer, sizeof peer, "127.0.0.1:%u", (unsigned)stars->nodes[0]->port);
    find_fails(&config, FIND_TIMEOUT_MS, REEF_BADCONFIG, parts);
    find_host(&config, 1, "127.0.0.1", reef_live_port());
    find_host(&config, 2, "127.0.0.1", stars->sentinels[1]->port);
    find_writes(&config, stars->nodes[0]);
}

/* A Sentinel, and no master_name. */
static void find_plain(const reef_stars *stars)
{
    static const char *const parts[] = {"Sentinel", "master_name", NULL};
    reef_config config;
    reef_stars_config(stars, &config);
    config.host_count = 1;
    config.master_name[0] = '\0';
    find_fails(&config, FIND_TIMEOUT_MS, REEF_BADCONFIG, parts);
}

/* Nobody there is another thing than nobody who knows. */
static void find_nobody(const reef_stars *stars)
{
    static const char *const parts[] = {"refused", NULL};
    reef_config config;
    reef_stars_config(stars, &config);
    for (uint32_t i = 0; i < config.host_count; i++) {
        find_host(&config, i, "127.0.0.1", reef_live_port());
    }
    find_fails(&config, FIND_SHORT_MS, REEF_CONNECT, parts);
}

static void find_errors(const reef_live_kind *kind)
{
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_live_server *other = find_second(stars);
    find_unknown(stars);
    find_several(stars, other);
    find_wrong_kind(stars);
    find_plain(stars);
    find_nobody(stars);
    reef_live_free(other);
    reef_stars_free(stars);
}

static void test_errors(void **state)
{
    (void)state;
    reef_live_each(find_errors);
}

/* ---- passwords ---------------------------------------------------------------- */

static void find_refused(const reef_config *config, const char *where)
{
    const char *parts[] = {where, NULL};
    find_fails(config, FIND_TIMEOUT_MS, REEF_AUTH, parts);
}

/* The password of the one is not offered to the other. */
static void find_sentinel_password(const reef_live_kind *kind)
{
    const reef_stars_options options = {.sentinel_password = "open",
                                        .sentinel_extra =
                                            "user ann on >anns resetchannels ~* +@all"};
    reef_stars *stars = reef_stars_start(kind, &options);
    reef_config config;
    reef_stars_config(stars, &config);
    find_writes(&config, stars->nodes[0]);
    snprintf(config.sentinel_password, sizeof config.sentinel_password, "shut");
    find_refused(&config, "sentinel_password");
    snprintf(config.sentinel_password, sizeof config.sentinel_password, "anns");
    snprintf(config.sentinel_username, sizeof config.sentinel_username, "ann");
    find_writes(&config, stars->nodes[0]);
    config.sentinel_username[0] = config.sentinel_password[0] = '\0';
    find_refused(&config, "sentinel_password");
    reef_stars_free(stars);
}

static void find_node_password(const reef_live_kind *kind)
{
    const reef_stars_options options = {.password = "sesame"};
    reef_stars *stars = reef_stars_start(kind, &options);
    reef_config config;
    reef_stars_config(stars, &config);
    find_writes(&config, stars->nodes[0]);
    snprintf(config.password, sizeof config.password, "simsim");
    find_refused(&config, "WRONGPASS");
    config.password[0] = '\0';
    find_refused(&config, "NOAUTH");
    reef_stars_free(stars);
}

static void test_passwords(void **state)
{
    (void)state;
    reef_live_each(find_sentinel_password);
    reef_live_each(find_node_password);
}

/* ---- places ------------------------------------------------------------------- */

/* The nodes have names, or addresses of v6, for each other too; a fail-over that was
 * asked for is followed. */
static void find_at(const reef_live_kind *kind, const char *host)
{
    const reef_stars_options options = {.host = host};
    reef_stars *stars = reef_stars_start(kind, &options);
    reef_config config;
    reef_client *client;
    int next;
    reef_stars_config(stars, &config);
    client = reef_live_client(&config);
    reef_live_says(client, "SET before 1", "OK");
    reef_stars_failover(stars, 2);
    next = reef_stars_moved(stars, 0);
    reef_live_says(client, "SET after 1", "OK");
    assert_int_equal(reef_live_number(stars->nodes[next], "GET after"), 1);
    assert_int_equal(reef_live_number(stars->nodes[next], "GET before"), 1);
    reef_close(client);
    reef_stars_free(stars);
}

static void find_names(const reef_live_kind *kind)
{
    find_at(kind, "localhost");
}

static void find_v6(const reef_live_kind *kind)
{
    find_at(kind, "::1");
}

static void test_places(void **state)
{
    (void)state;
    reef_live_each(find_names);
    if (reef_live_has_ipv6()) {
        reef_live_each(find_v6);
    }
}

/* One srv+ host stands for three Sentinels, of which the first two are not there. */
static void find_srv(const reef_live_kind *kind)
{
    reef_live_dns_kind dns_kinds[REEF_LIVE_DNS_KINDS];
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_live_dns *dns;
    reef_config config;
    char records[256];
    reef_live_dns_find(dns_kinds);
    snprintf(records, sizeof records,
             "guards SRV 1 0 %u node1\nguards SRV 2 0 %u node1\n"
             "guards SRV 3 0 %u node1\nnode1 A 127.0.0.1\n",
             (unsigned)stars->sentinels[0]->port, (unsigned)stars->sentinels[1]->port,
             (unsigned)stars->sentinels[2]->port);
    dns = reef_live_dns_start(&dns_kinds[0], records, 30);
    reef_live_dns_config("srv+guards.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    snprintf(config.master_name, sizeof config.master_name, "%s", REEF_STARS_NAME);
    reef_live_kill(stars->sentinels[0]);
    reef_live_kill(stars->sentinels[1]);
    find_writes(&config, stars->nodes[0]);
    reef_live_dns_free(dns);
    reef_stars_free(stars);
}

static void test_srv(void **state)
{
    (void)state;
    reef_live_each(find_srv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_srv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
