/* SPDX-License-Identifier: Apache-2.0
 *
 * net/report.c: events, statistics, words. */
#include "test/unit/engine_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOML_REPORT "server.redis.hosts = [\"127.0.0.1:7000\"]"

static void expect_event(kit *k, reef_event_kind kind, const char *text)
{
    reef_event event;
    assert_true(reef_engine_next_event(k->engine, &event));
    assert_string_equal(reef_event_name(event.kind), reef_event_name(kind));
    assert_string_equal(event.peer, "127.0.0.1:7000");
    if (!strstr(event.text, text))
        fail_msg("%s", event.text);
}

static void test_events(void **state)
{
    (void)state;
    kit k;
    reef_event event;
    kit_start(&k, TOML_REPORT);
    kit_submit(&k, "GET a", true, 5000);
    kit_expect_open(&k, NULL, 7000);
    kit_closed(&k, ECONNREFUSED);
    kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    kit_connect(&k);
    kit_expect_sent(&k, NULL);
    kit_closed(&k, ECONNRESET);
    expect_event(&k, REEF_EVENT_FAILED, "connection refused");
    expect_event(&k, REEF_EVENT_CONNECTED, "redis 7.0.15, RESP3");
    expect_event(&k, REEF_EVENT_LOST, "reset");
    expect_event(&k, REEF_EVENT_RETRIED, "reset");
    assert_false(reef_engine_next_event(k.engine, &event));
    kit_stop(&k);
}

static void test_events_are_bounded(void **state)
{
    (void)state;
    kit k;
    reef_event event;
    reef_stats stats;
    char text[20];
    kit_start(&k, TOML_REPORT);
    for (int i = 0; i < REEF_EVENTS_MAX + 5; i++) {
        snprintf(text, sizeof text, "n%d", i);
        reef_report_event(k.engine, REEF_EVENT_LOST, "p", text);
    }
    for (int i = 5; i < REEF_EVENTS_MAX + 5; i++) {
        assert_true(reef_engine_next_event(k.engine, &event));
        snprintf(text, sizeof text, "n%d", i);
        assert_string_equal(event.text, text);
    }
    assert_false(reef_engine_next_event(k.engine, &event));
    reef_engine_stats(k.engine, &stats);
    assert_int_equal(stats.dropped_events, 5);
    kit_stop(&k);
}

static void test_stats(void **state)
{
    (void)state;
    kit k;
    reef_stats stats;
    kit_start(&k, TOML_REPORT);
    kit_submit(&k, "GET a", false, 5000);
    kit_submit(&k, "GET b", false, 50);
    kit_connect(&k);
    kit_expect_sent(&k, NULL);
    k.now_ms += 5;
    kit_receive(&k, "+v\r\n");
    kit_tick_to(&k, 1050);
    reef_engine_stats(k.engine, &stats);
    assert_int_equal(stats.calls, 2);
    assert_int_equal(stats.answered, 1);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.unsure, 1);
    assert_int_equal(stats.reconnects, 0);
    assert_int_equal(stats.latency[3], 1); /* 4 ms <= 5 ms < 8 ms */
    assert_int_equal(stats.link_count, 1);
    assert_string_equal(stats.links[0].peer, "127.0.0.1:7000");
    assert_int_equal(stats.links[0].calls, 1);
    assert_int_equal(stats.links[0].connects, 1);
    assert_int_equal(stats.bytes_in, stats.links[0].bytes_in);
    assert_true(stats.bytes_out > 0);
    kit_stop(&k);
}

static void test_latency_buckets(void **state)
{
    (void)state;
    kit k;
    static const struct {
        int64_t took_ms;
        size_t bucket;
    } cases[] = {{0, 0}, {1, 1},      {2, 2},      {3, 2},
                 {4, 3}, {65535, 16}, {65536, 17}, {9999999, 17}};
    kit_start(&k, TOML_REPORT);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_ticket t = {.count = 1,
                         .submitted_ms = k.engine->now_ms - cases[i].took_ms};
        uint64_t before = k.engine->totals.latency[cases[i].bucket];
        reef_link link;
        memset(&link, 0, sizeof link);
        reef_report_answer(k.engine, &link, &t);
        assert_int_equal(k.engine->totals.latency[cases[i].bucket], before + 1);
    }
    kit_stop(&k);
}

static void test_words(void **state)
{
    (void)state;
    char peer[REEF_PEER_TEXT];
    reef_error error;
    static const int known[] = {
        0,           ECONNREFUSED,  ECONNRESET,   EPIPE,  ETIMEDOUT, EHOSTUNREACH,
        ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, ENOENT, EACCES,    EPERM,
        EMFILE,      ENFILE,        ENOMEM,       EINVAL};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_non_null(reef_errno_text(known[i]));
    assert_null(reef_errno_text(99999));
    reef_peer_text(peer, "10.0.0.1", 6379, false);
    assert_string_equal(peer, "10.0.0.1:6379");
    reef_peer_text(peer, "::1", 1, false);
    assert_string_equal(peer, "[::1]:1");
    reef_peer_text(peer, "/run/x", 0, true);
    assert_string_equal(peer, "unix:/run/x");
    reef_error_put(NULL, REEF_AUTH, 0, "p", "t");
    reef_error_put(&error, REEF_AUTH, 7, "p", "t");
    assert_string_equal(error.text, "p: t");
    assert_int_equal(error.sys_errno, 7);
}

/* A text that is cut ends with a whole character. */
static void test_cut_at_a_character(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC",
                                          "\xF0\x9F\x98\x80"};
    for (size_t n = 0; n < 4; n++) {
        for (size_t pad = 0; pad < 8; pad++) {
            char text[400] = "";
            reef_error error;
            memset(text, '.', pad);
            size_t len = pad, size = strlen(letters[n]);
            for (; len + size < sizeof text - 1; len += size)
                memcpy(text + len, letters[n], size);
            text[len] = 0;
            reef_error_put(&error, REEF_OK, 0, NULL, text);
            size_t got = strlen(error.text);
            assert_in_range(got, REEF_ERROR_TEXT - 5, REEF_ERROR_TEXT - 1);
            assert_int_equal((got - pad) % size, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events), cmocka_unit_test(test_events_are_bounded),
        cmocka_unit_test(test_stats),  cmocka_unit_test(test_latency_buckets),
        cmocka_unit_test(test_words),  cmocka_unit_test(test_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
