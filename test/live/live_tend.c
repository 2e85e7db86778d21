/* SPDX-License-Identifier: Apache-2.0
 *
 * Idle work: reef_tend makes a link anew that was lost, and pings one that was silent,
 * while nobody calls. It takes as long as a link must be silent for a ping. */
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { TEND_SLICE_MS = 100, TEND_PATIENCE_MS = 60000 };

/* In the list of clients, how a link over TCP shows; raw connections are local. */
static const char tend_link[] = "addr=127.0.0.1:";

static void tend_check(reef_client *client, unsigned reconnects)
{
    reef_stats stats;
    reef_client_stats(client, &stats);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.reconnects, reconnects);
}

/* A link that is gone is made anew by tending alone, before anybody calls. */
static void tend_remade(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    reef_server info;
    bool there = false;
    reef_live_says(client, "INCR n", "1");
    free(reef_live_ask(server, "CLIENT KILL TYPE normal SKIPME yes"));
    reef_live_until(server, "CLIENT LIST", tend_link, true);
    while (!there && reef_live_now_ms() < limit) {
        char *list;
        int64_t again_ms = reef_tend(client);
        assert_true(again_ms >= 0 && again_ms <= REEF_IDLE_PING_MS);
        list = reef_live_ask(server, "CLIENT LIST");
        there = strstr(list, tend_link) != NULL;
        free(list);
    }
    assert_true(there);
    assert_int_equal(reef_server_info(client, 0, &info, &(reef_error){0}), REEF_OK);
    reef_live_says(client, "INCR n", "2");
    tend_check(client, 1);
    reef_close(client);
    reef_live_free(server);
}

static void test_remade(void **state)
{
    (void)state;
    reef_live_each(tend_remade);
}

static void tend_sleep(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Both servers at once, as it takes as long as a link must be silent for a ping. */
static void test_pinged(void **state)
{
    reef_live_kind kinds[REEF_LIVE_KINDS];
    reef_live_server *servers[REEF_LIVE_KINDS];
    reef_client *clients[REEF_LIVE_KINDS];
    size_t count = reef_live_find(kinds), silent = count;
    int64_t start_ms = reef_live_now_ms();
    (void)state;
    for (size_t i = 0; i < count; i++) {
        servers[i] = reef_live_start(&kinds[i], NULL);
        clients[i] = reef_live_client_at(servers[i], "127.0.0.1", 0);
        reef_live_says(clients[i], "INCR n", "1");
        free(reef_live_ask(servers[i], "CONFIG RESETSTAT"));
    }
    while (silent && reef_live_now_ms() - start_ms < TEND_PATIENCE_MS) {
        tend_sleep(TEND_SLICE_MS);
        silent = count;
        for (size_t i = 0; i < count; i++) {
            char *info;
            reef_tend(clients[i]);
            info = reef_live_ask(servers[i], "INFO commandstats");
            silent -= strstr(info, "cmdstat_ping:") != NULL;
            free(info);
        }
    }
    assert_int_equal(silent, 0);
    assert_true(reef_live_now_ms() - start_ms >= REEF_IDLE_PING_MS);
    for (size_t i = 0; i < count; i++) {
        reef_live_says(clients[i], "INCR n", "2");
        tend_check(clients[i], 0);
        reef_close(clients[i]);
        reef_live_free(servers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remade),
        cmocka_unit_test(test_pinged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
