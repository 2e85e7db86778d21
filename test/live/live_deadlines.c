/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines on a real server that stands still: calls end by theirs, and what the
 * server says later reaches nobody else. */
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum {
    DEADLINES_MARGIN_MS = 2000, /* a slow machine's, past a deadline */
    DEADLINES_LONG_MS = 60000,
    DEADLINES_CALLS = 6
};

static void deadlines_paused(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_client *fresh = reef_live_client_at(server, "127.0.0.1", 0);
    reef_reply *reply;
    int64_t start_ms;
    reef_live_says(client, "SET k 1", "OK");
    reef_live_pause(server);
    start_ms = reef_live_now_ms();
    reef_live_fails(reef_live_call(client, "INCR k", 300), REEF_UNSURE, NULL);
    assert_true(reef_live_now_ms() - start_ms >= 299);
    assert_true(reef_live_now_ms() - start_ms <= 300 + DEADLINES_MARGIN_MS);
    /* The kernel takes the connection, the handshake is not answered. */
    reply = reef_live_call(fresh, "INCR k", 300);
    assert_true(reef_reply_code(reply) == REEF_CONNECT ||
                reef_reply_code(reply) == REEF_UNSENT);
    assert_true(reef_live_now_ms() - start_ms <= 600 + 2 * DEADLINES_MARGIN_MS);
    reef_reply_free(reply);
    reef_live_resume(server);
    /* The late reply to INCR reaches nobody; it ran once, the unsent one never. */
    reef_live_says(client, "ECHO mine", "mine");
    reef_live_until(server, "GET k", "2", false);
    reef_live_says(fresh, "GET k", "2");
    reef_live_says(client, "GET k", "2");
    reef_close(client);
    reef_close(fresh);
    reef_live_free(server);
}

static void test_paused(void **state)
{
    (void)state;
    reef_live_each(deadlines_paused);
}

static void deadlines_arguments(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_cmd *empty = reef_cmd_new();
    reef_live_fails(reef_live_call(client, "PING", -1), REEF_BADARG, NULL);
    reef_live_fails(reef_call(client, empty, 0), REEF_BADARG, NULL);
    reef_live_says(client, "PING", "PONG");
    reef_cmd_free(empty);
    reef_close(client);
    reef_live_free(server);
}

static void test_arguments(void **state)
{
    (void)state;
    reef_live_each(deadlines_arguments);
}

/* Waits until so many commands are on their way. */
static void deadlines_sent(reef_client *client, unsigned in_flight)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    reef_stats stats;
    do {
        assert_true(reef_live_now_ms() < limit);
        reef_live_nap();
        reef_client_stats(client, &stats);
    } while (stats.links[0].in_flight != in_flight);
}

/* On one connection calls with a short deadline stand between calls with a long one;
 * each of the latter gets its own reply, though those before it are nobody's by
 * then. */
static void deadlines_between(const reef_live_kind *kind)
{
    static const char *const lines[DEADLINES_CALLS] = {
        "ECHO zero", "ECHO one", "ECHO two", "ECHO three", "ECHO four", "ECHO five"};
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_live_job *jobs[DEADLINES_CALLS];
    reef_stats stats;
    reef_live_says(client, "PING", "PONG");
    reef_live_pause(server);
    for (unsigned i = 0; i < DEADLINES_CALLS; i++) {
        bool brief = i == 0 || i == 2 || i == 3;
        jobs[i] = reef_live_begin(client, lines[i], brief ? 3000 : DEADLINES_LONG_MS);
        deadlines_sent(client, i + 1);
    }
    reef_live_fails(reef_live_end(jobs[0]), REEF_UNSURE, NULL);
    reef_live_fails(reef_live_end(jobs[2]), REEF_UNSURE, NULL);
    reef_live_fails(reef_live_end(jobs[3]), REEF_UNSURE, NULL);
    reef_live_resume(server);
    reef_live_is(reef_live_end(jobs[1]), "one");
    reef_live_is(reef_live_end(jobs[4]), "four");
    reef_live_is(reef_live_end(jobs[5]), "five");
    reef_live_says(client, "ECHO six", "six");
    reef_client_stats(client, &stats);
    assert_int_equal(stats.unsure, 3);
    assert_int_equal(stats.retries, 0);
    reef_close(client);
    reef_live_free(server);
}

static void test_between(void **state)
{
    (void)state;
    reef_live_each(deadlines_between);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
