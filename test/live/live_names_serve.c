/* SPDX-License-Identifier: Apache-2.0
 *
 * Redis and Valkey behind names in real DNS servers, each with each. */
#include "test/live/check.h"
#include "test/live/dns_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    SERVE_TIMEOUT_MS = 300,
    SERVE_MARGIN_MS = 2000 /* a slow machine's */
};

static reef_live_dns_kind serve_dns_kind; /* for the test that runs */

static void serve_host(const reef_live_dns *dns, const char *host)
{
    static reef_config config;
    reef_client *client;
    reef_live_dns_config(host, &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    client = reef_live_client(&config);
    reef_live_says(client, "PING", "PONG");
    reef_live_says(client, "SET name here", "OK");
    reef_live_says(client, "GET name", "here");
    reef_close(client);
}

/* Some names lead straight there; "later" and "dead" by way of what is not there. */
static void serve_all(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    char records[1024], plain[32];
    unsigned port = server->port, closed = reef_live_dns_port();
    reef_live_dns *dns;
    snprintf(records, sizeof records,
             "redis SRV 10 10 %u node1\nalias CNAME redis\n"
             "away CNAME redis.service.consul.\n"
             "redis.service.consul. SRV 0 0 %u node1.test.\n"
             "six SRV 0 0 %u node6\nboth SRV 0 0 %u node46\n"
             "later SRV 1 0 %u node1\nlater SRV 2 0 6379 nowhere\n"
             "later SRV 3 0 %u node2\nlater SRV 4 0 %u node1\n"
             "dead SRV 0 0 %u node3\n"
             "node1 A 127.0.0.1\nnode2 A 127.0.0.2\nnode6 AAAA ::1\n"
             "node46 A 127.0.0.1\nnode46 AAAA ::1\nnode3 A 127.0.0.3\n"
             "node3 A 127.0.0.2\nnode3 A 127.0.0.1\n",
             port, port, port, port, closed, port, port, port);
    dns = reef_live_dns_start(&serve_dns_kind, records, 30);
    serve_host(dns, "srv+redis.test");
    serve_host(dns, "srv+alias.test");
    serve_host(dns, "srv+away.test");
    serve_host(dns, "srv+both.test");
    serve_host(dns, "srv+later.test");
    serve_host(dns, "srv+dead.test");
    snprintf(plain, sizeof plain, "node1.test:%u", port);
    serve_host(dns, plain);
    if (reef_live_has_ipv6()) {
        serve_host(dns, "srv+six.test");
    }
    reef_live_dns_free(dns);
    reef_live_free(server);
}

static void serve_each(const reef_live_dns_kind *kind)
{
    serve_dns_kind = *kind;
    reef_live_each(serve_all);
}

static void test_serve(void **state)
{
    (void)state;
    reef_live_dns_each(serve_each);
}

/* A call to a name that is not there ends with the reason, by its deadline at the
 * latest, and works as soon as the name is there. */
static void serve_appear(const reef_live_kind *kind)
{
    static reef_config config;
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_dns *dns =
        reef_live_dns_start(&serve_dns_kind, "node1 A 127.0.0.1\n", 30);
    char records[128];
    int64_t start_ms = reef_live_now_ms();
    reef_client *client;
    reef_live_dns_config("srv+redis.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    client = reef_live_client(&config);
    reef_live_fails(reef_live_call(client, "PING", SERVE_TIMEOUT_MS), REEF_DNS,
                    "redis.test");
    assert_true(reef_live_now_ms() - start_ms < SERVE_TIMEOUT_MS + SERVE_MARGIN_MS);
    snprintf(records, sizeof records, "redis SRV 0 0 %u node1\nnode1 A 127.0.0.1\n",
             (unsigned)server->port);
    reef_live_dns_change(dns, records, 30);
    reef_live_says(client, "PING", "PONG");
    reef_close(client);
    reef_live_dns_free(dns);
    reef_live_free(server);
}

static void serve_appear_each(const reef_live_dns_kind *kind)
{
    serve_dns_kind = *kind;
    reef_live_each(serve_appear);
}

static void test_appear(void **state)
{
    (void)state;
    reef_live_dns_each(serve_appear_each);
}

/* Targets that are up and of no use: a replica, and a server that wants a password. The
 * master behind them is found. */
static void serve_useless(const reef_live_kind *kind)
{
    const reef_live_options follows = {.extra = "replicaof 127.0.0.1 1\n"};
    const reef_live_options locked = {.password = "sesame"};
    reef_live_server *replica = reef_live_start(kind, &follows);
    reef_live_server *shut = reef_live_start(kind, &locked);
    reef_live_server *master = reef_live_start(kind, NULL);
    char records[256];
    snprintf(records, sizeof records,
             "redis SRV 1 0 %u node1\nredis SRV 2 0 %u node1\n"
             "redis SRV 3 0 %u node1\nnode1 A 127.0.0.1\n",
             (unsigned)replica->port, (unsigned)shut->port, (unsigned)master->port);
    reef_live_dns *dns = reef_live_dns_start(&serve_dns_kind, records, 30);
    serve_host(dns, "srv+redis.test");
    reef_live_dns_free(dns);
    reef_live_free(master);
    reef_live_free(shut);
    reef_live_free(replica);
}

static void serve_useless_each(const reef_live_dns_kind *kind)
{
    serve_dns_kind = *kind;
    reef_live_each(serve_useless);
}

static void test_useless(void **state)
{
    (void)state;
    reef_live_dns_each(serve_useless_each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serve),
        cmocka_unit_test(test_appear),
        cmocka_unit_test(test_useless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
