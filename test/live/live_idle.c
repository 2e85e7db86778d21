/* SPDX-License-Identifier: Apache-2.0
 *
 * Links that were idle: what the server did to them meanwhile costs a reconnect and
 * never an unsure call, since the client looks at its sockets before it sends. */
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { IDLE_KILLS = 15, IDLE_TIMEOUTS = 2 };

/* In the list of clients, how a link over TCP shows; raw connections are local. */
static const char idle_link[] = "addr=127.0.0.1:";

/* The next count, right the first time. */
static void idle_count(reef_client *client, int next)
{
    char text[16];
    snprintf(text, sizeof text, "%d", next);
    reef_live_says(client, "INCR n", text);
}

/* Nothing was unsure, and there were exactly so many connections after the first. */
static void idle_check(reef_client *client, unsigned reconnects)
{
    reef_stats stats;
    reef_client_stats(client, &stats);
    assert_int_equal(stats.unsure, 0);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.reconnects, reconnects);
}

/* ---- closed by the server ----------------------------------------------------- */

/* Both servers at once, as most of it is waiting for them. */
static void test_timeout(void **state)
{
    const reef_live_options options = {.extra = "timeout 1\n"};
    reef_live_kind kinds[REEF_LIVE_KINDS];
    reef_live_server *servers[REEF_LIVE_KINDS];
    reef_client *clients[REEF_LIVE_KINDS];
    size_t count = reef_live_find(kinds);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        servers[i] = reef_live_start(&kinds[i], &options);
        clients[i] = reef_live_client_at(servers[i], "127.0.0.1", 0);
        idle_count(clients[i], 1);
    }
    for (int round = 0; round < IDLE_TIMEOUTS; round++) {
        for (size_t i = 0; i < count; i++) {
            reef_live_until(servers[i], "CLIENT LIST", idle_link, true);
        }
        for (size_t i = 0; i < count; i++) {
            idle_count(clients[i], round + 2);
        }
    }
    for (size_t i = 0; i < count; i++) {
        idle_check(clients[i], IDLE_TIMEOUTS);
        reef_live_event(clients[i], REEF_EVENT_LOST, "");
        reef_close(clients[i]);
        reef_live_free(servers[i]);
    }
}

static void idle_killed(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    idle_count(client, 1);
    for (int i = 0; i < IDLE_KILLS; i++) {
        char *reply = reef_live_ask(server, "CLIENT KILL TYPE normal SKIPME yes");
        assert_string_equal(reply, "1");
        free(reply);
        reef_live_until(server, "CLIENT LIST", idle_link, true);
        idle_count(client, i + 2);
    }
    idle_check(client, IDLE_KILLS);
    reef_close(client);
    reef_live_free(server);
}

static void test_killed(void **state)
{
    (void)state;
    reef_live_each(idle_killed);
}

static void idle_restart(const reef_live_kind *kind)
{
    const reef_live_options options = {.append_only = true};
    static const char *const places[] = {"127.0.0.1", "unix"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        reef_live_server *server = reef_live_start(kind, &options);
        reef_client *client = reef_live_client_at(server, places[i], 0);
        idle_count(client, 1);
        reef_live_stop(server);
        reef_live_again(server);
        idle_count(client, 2);
        reef_live_kill(server);
        reef_live_again(server);
        idle_count(client, 3);
        idle_check(client, 2);
        reef_close(client);
        reef_live_free(server);
    }
}

static void test_restart(void **state)
{
    (void)state;
    reef_live_each(idle_restart);
}

/* Another server in the place of the first, its socket file made anew. */
static void idle_replaced(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_options options = {.port = server->port};
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    idle_count(client, 1);
    idle_count(client, 2);
    reef_live_free(server);
    server = reef_live_start(kind, &options);
    idle_count(client, 1);
    idle_check(client, 1);
    reef_close(client);
    reef_live_free(server);
}

static void test_replaced(void **state)
{
    (void)state;
    reef_live_each(idle_replaced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
