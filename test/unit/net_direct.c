/* SPDX-License-Identifier: Apache-2.0
 *
 * net/direct.c: which address is tried, when, and what is waited out. */
#include "test/unit/engine_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_localhost_both_families(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "");
    uint64_t id = kit_submit(&k, "GET a", false, 1000);
    kit_expect_open(&k, "127.0.0.1", 6379);
    kit_closed(&k, ECONNREFUSED);
    kit_expect_open(&k, "::1", 6379); /* at once, no pause */
    kit_closed(&k, ECONNREFUSED);
    kit_expect_quiet(&k);
    kit_expect_none_done(&k);
    int64_t again = reef_engine_deadline_ms(k.engine);
    assert_true(again > 1000 && again <= 1000 + REEF_BACKOFF_MIN_MS);
    kit_tick_to(&k, again);
    kit_expect_open(&k, "127.0.0.1", 6379);
    kit_closed(&k, ECONNREFUSED);
    kit_expect_open(&k, "::1", 6379);
    kit_closed(&k, ECONNREFUSED);
    kit_tick_to(&k, 2000);
    kit_expect_done(&k, id, REEF_CONNECT, "connection refused");
    kit_stop(&k);
}

static void test_pauses_grow_and_are_bounded(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    kit_submit(&k, "GET a", false, 60000);
    int attempts = 0;
    int64_t longest = 0;
    while (k.now_ms < 61000) {
        kit_expect_open(&k, "127.0.0.1", 1);
        attempts++;
        kit_closed(&k, ECONNREFUSED);
        int64_t at = reef_engine_deadline_ms(k.engine);
        assert_true(at > k.now_ms && at - k.now_ms <= REEF_BACKOFF_MAX_MS);
        longest = at - k.now_ms > longest ? at - k.now_ms : longest;
        kit_tick_to(&k, at);
    }
    /* Half of 250 ms on average, with the early ones shorter. */
    assert_in_range(attempts, 300, 800);
    assert_true(longest > REEF_BACKOFF_MAX_MS / 2);
    kit_stop(&k);
}

static void test_unix_socket(void **state)
{
    (void)state;
    kit k;
    reef_op op;
    kit_start(&k, "server.redis.hosts = [\"unix:/run/r.sock\"]");
    uint64_t id = kit_submit(&k, "GET a", false, 100);
    assert_true(reef_engine_next_op(k.engine, &op));
    assert_int_equal(op.kind, REEF_OP_OPEN);
    assert_true(op.local);
    assert_string_equal(op.address, "/run/r.sock");
    reef_engine_closed(k.engine, op.link, ENOENT, 1000);
    kit_tick_to(&k, 1100);
    kit_expect_done(&k, id, REEF_CONNECT, "unix:/run/r.sock: no such socket");
    kit_stop(&k);
}

static void test_addresses_of_a_name(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
    uint64_t id = kit_submit(&k, "GET a", false, 20000);
    kit_expect_quiet(&k); /* no hosts file, and no name server */
    kit_run_to(&k, 4000);
    kit_expect_none_done(&k);
    assert_true(k.asked > 1);
    k.hosts = "127.0.0.9 db.example\n::9 DB.example\n";
    kit_run_to(&k, 1000 + REEF_REFRESH_MS - 1);
    kit_tick_to(&k, 1000 + REEF_REFRESH_MS + REEF_BACKOFF_MAX_MS);
    kit_expect_open(&k, "127.0.0.9", 7);
    /* A dead address costs a fraction of a second. */
    int64_t dial_ms = reef_engine_deadline_ms(k.engine) - k.now_ms;
    assert_in_range(dial_ms, REEF_DIAL_MS, 5000);
    uint32_t first = k.link;
    kit_tick_to(&k, k.now_ms + dial_ms);
    kit_expect_close(&k, first);
    kit_expect_open(&k, "::9", 7);
    kit_opened(&k);
    kit_expect_sent(&k, NULL);
    kit_answer_handshake(&k);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+v\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

/* A name with one address is no other than that address: it has all the time. */
static void test_only_address_has_all_the_time(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
    k.hosts = "127.0.0.8 db.example\n";
    uint64_t id = kit_submit(&k, "GET a", false, 9000);
    kit_expect_open(&k, "127.0.0.8", 7);
    kit_tick_to(&k, 1000 + REEF_DIAL_MS);
    kit_expect_quiet(&k);
    kit_tick_to(&k, 3000);
    kit_expect_quiet(&k);
    kit_opened(&k);
    kit_expect_sent(&k, NULL);
    kit_tick_to(&k, 5999);
    kit_expect_quiet(&k);
    kit_answer_handshake(&k);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "+v\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

/* All addresses dead: each gets twice the time in the next round. */
static void test_time_to_connect_doubles(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
    k.hosts = "127.0.0.8 db.example\n127.0.0.9 db.example";
    kit_submit(&k, "GET a", false, 60000);
    for (int64_t dial_ms = REEF_DIAL_MS; dial_ms < 20000; dial_ms *= 2) {
        for (int i = 0; i < 2; i++) {
            kit_expect_open(&k, i == 0 ? "127.0.0.8" : "127.0.0.9", 7);
            int64_t want_ms = dial_ms < 5000 ? dial_ms : 5000;
            assert_int_equal(reef_engine_deadline_ms(k.engine), k.now_ms + want_ms);
            kit_tick_to(&k, k.now_ms + want_ms);
            kit_expect_close(&k, k.link);
        }
        kit_expect_quiet(&k);
        kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    }
    kit_stop(&k);
}

static void test_name_without_an_answer(void **state)
{
    (void)state;
    kit k;
    reef_event event;
    kit_start(&k, "server.redis.hosts = [\"db.example\"]");
    uint64_t id = kit_submit(&k, "GET a", false, 4000);
    kit_expect_quiet(&k);
    kit_run_to(&k, 5000);
    kit_expect_done(&k, id, REEF_DNS, "db.example");
    assert_true(reef_engine_next_event(k.engine, &event));
    assert_int_equal(event.kind, REEF_EVENT_FAILED);
    assert_string_equal(event.peer, "db.example");
    kit_stop(&k);
}

static void test_silent_name_servers(void **state)
{
    (void)state;
    kit k;
    kit_start(&k,
              "[server.redis]\nhosts = [\"db.example\"]\nconnect_timeout = \"300ms\"");
    k.silent = true;
    uint64_t id = kit_submit(&k, "GET a", false, 400);
    kit_expect_quiet(&k);
    kit_run_to(&k, 1400);
    kit_expect_done(&k, id, REEF_DNS, "db.example");
    assert_true(k.asked > 0);
    kit_stop(&k);
}

/* Without a secret key the ids of queries could be guessed: nothing is asked. */
static void test_no_key_no_question(void **state)
{
    (void)state;
    kit k;
    reef_config config;
    kit_start(&k, "server.redis.hosts = [\"db.example\"]");
    config = k.engine->config;
    reef_engine_free(k.engine);
    k.engine = reef_engine_new(&config, 7, k.now_ms);
    uint64_t id = kit_submit(&k, "GET a", false, 400);
    kit_expect_quiet(&k);
    kit_run_to(&k, 1400);
    kit_expect_done(&k, id, REEF_DNS, "random");
    assert_int_equal(k.asked, 0);
    kit_stop(&k);
}

/* What was being waited for when the deadline came, where nothing had failed yet. */
static void test_deadline_names_the_wait(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
    k.silent = true;
    uint64_t id = kit_submit(&k, "GET a", false, 100);
    kit_expect_quiet(&k);
    kit_tick_to(&k, 1100);
    kit_expect_done(&k, id, REEF_DNS, "db.example");
    kit_stop(&k);
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:7\"]");
    id = kit_submit(&k, "GET a", false, 100);
    kit_expect_open(&k, "127.0.0.1", 7);
    uint64_t later = kit_submit(&k, "GET a", false, 200);
    kit_tick_to(&k, 1100);
    kit_expect_done(&k, id, REEF_CONNECT,
                    "127.0.0.1:7: the deadline passed while connecting");
    kit_opened(&k);
    kit_expect_sent(&k, NULL);
    kit_tick_to(&k, 1200);
    kit_expect_done(&k, later, REEF_CONNECT, "no answer to the handshake");
    kit_stop(&k);
}

static void test_silent_connect_and_handshake(void **state)
{
    (void)state;
    kit k;
    kit_start(&k,
              "[server.redis]\nhosts = [\"127.0.0.1:1\"]\nconnect_timeout = \"300ms\"");
    kit_submit(&k, "GET a", false, 2000);
    kit_expect_open(&k, "127.0.0.1", 1);
    kit_tick_to(&k, 1300);
    assert_non_null(strstr(k.engine->failure.text, "connecting took too long"));
    kit_expect_close(&k, k.link);
    kit_tick_to(&k, 1310);
    kit_expect_open(&k, "127.0.0.1", 1);
    kit_opened(&k);
    kit_expect_sent(&k, NULL);
    kit_tick_to(&k, 1700);
    assert_non_null(strstr(k.engine->failure.text, "did not finish the handshake"));
    kit_stop(&k);
}

static void test_loading_is_waited_out(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    uint64_t id = kit_submit(&k, "INCR a", false, 5000);
    kit_connect(&k);
    for (int i = 0; i < 6; i++) {
        kit_expect_sent(&k, "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
        kit_receive(&k, i % 2 ? "-LOADING wait\r\n" : "-BUSY script\r\n");
        kit_expect_none_done(&k);
        kit_expect_quiet(&k);
        kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    }
    kit_expect_sent(&k, NULL);
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    reef_event event;
    assert_true(reef_engine_next_event(k.engine, &event));
    for (int i = 0; i < 6; i++) {
        assert_true(reef_engine_next_event(k.engine, &event));
        assert_int_equal(event.kind, REEF_EVENT_RETRIED);
        assert_string_equal(event.text, i % 2 ? "LOADING wait" : "BUSY script");
    }
    assert_false(reef_engine_next_event(k.engine, &event));
    kit_stop(&k);
}

static void test_loading_to_the_end(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    uint64_t id = kit_submit(&k, "INCR a", false, 50);
    kit_connect(&k);
    while (k.now_ms < 1050) {
        kit_expect_sent(&k, NULL);
        if (k.sent_len > 0)
            kit_receive(&k, "-LOADING wait\r\n");
        kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    }
    kit_expect_done(&k, id, REEF_REFUSED, "LOADING wait");
    kit_expect_none_done(&k);
    kit_stop(&k);
}

/* A wrong password ends what waits at once, and does not make us hammer the server. */
static void test_hopeless_is_fast_and_paced(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    int attempts = 0;
    for (int i = 0; i < 50; i++) {
        uint64_t id = kit_submit(&k, "GET a", false, 5000);
        reef_op op;
        while (!reef_engine_next_op(k.engine, &op))
            kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
        assert_int_equal(op.kind, REEF_OP_OPEN);
        k.link = op.link;
        attempts++;
        kit_opened(&k);
        kit_receive(&k, "-WRONGPASS no\r\n");
        kit_expect_done(&k, id, REEF_AUTH, "check username and password");
        kit_expect_close(&k, k.link);
    }
    assert_int_equal(attempts, 50);
    assert_true(k.now_ms > 1000 + 50 * REEF_BACKOFF_MIN_MS);
    kit_stop(&k);
}

/* The next address may be what this one is not; only if none can be used, waiting is of
 * no use. */
static void test_hopeless_one_of_two(void **state)
{
    (void)state;
    for (int good = 0; good < 2; good++) {
        kit k;
        kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
        k.hosts = "127.0.0.8 db.example\n127.0.0.9 db.example";
        uint64_t id = kit_submit(&k, "GET a", false, 5000);
        kit_expect_open(&k, "127.0.0.8", 7);
        kit_opened(&k);
        kit_receive(&k, "-WRONGPASS no\r\n");
        kit_expect_none_done(&k);
        kit_expect_close(&k, k.link);
        kit_expect_open(&k, "127.0.0.9", 7);
        kit_opened(&k);
        kit_expect_sent(&k, NULL);
        if (good) {
            kit_answer_handshake(&k);
            kit_expect_sent(&k, NULL);
            kit_receive(&k, "+v\r\n");
            kit_expect_done(&k, id, REEF_OK, NULL);
        } else {
            kit_receive(&k, "-WRONGPASS no\r\n");
            kit_expect_done(&k, id, REEF_AUTH, "check username and password");
        }
        kit_stop(&k);
    }
}

/* What failed while nobody waited is no answer to the next call. */
static void test_hopeless_is_no_news(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
    k.hosts = "127.0.0.8 db.example\n127.0.0.9 db.example";
    uint64_t id = kit_submit(&k, "GET a", false, 50);
    kit_expect_open(&k, "127.0.0.8", 7);
    kit_opened(&k);
    kit_receive(&k, "-WRONGPASS no\r\n");
    kit_expect_close(&k, k.link);
    kit_expect_open(&k, "127.0.0.9", 7);
    kit_tick_to(&k, 1050);
    kit_expect_done(&k, id, REEF_AUTH, NULL);
    kit_opened(&k);
    kit_expect_sent(&k, NULL);
    kit_receive(&k, "-WRONGPASS no\r\n");
    kit_expect_close(&k, k.link);
    kit_tick_to(&k, 1100);
    kit_submit(&k, "GET a", false, 5000);
    kit_expect_none_done(&k);
    kit_tick_to(&k, 1100 + REEF_BACKOFF_MAX_MS);
    kit_expect_open(&k, "127.0.0.8", 7);
    kit_stop(&k);
}

static void test_idle_link_closed(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    reef_engine_tend(k.engine, 1000);
    kit_connect(&k);
    k.now_ms = 9000;
    kit_closed(&k, 0);
    kit_expect_quiet(&k); /* nobody wants it */
    uint64_t id = kit_submit(&k, "INCR a", false, 100);
    kit_connect(&k); /* at once: it had lived long */
    kit_expect_sent(&k, NULL);
    kit_receive(&k, ":1\r\n");
    kit_expect_done(&k, id, REEF_OK, NULL);
    kit_stop(&k);
}

/* One that answers first costs a connection a call, and no pause. */
static void test_one_answer_a_connection(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    for (int i = 0; i < 20; i++) {
        uint64_t id = kit_submit(&k, "INCR a", false, 100);
        kit_connect(&k);
        kit_expect_sent(&k, NULL);
        kit_receive(&k, ":1\r\n");
        kit_expect_done(&k, id, REEF_OK, NULL);
        kit_closed(&k, 0);
    }
    assert_int_equal(k.now_ms, 1000);
    kit_stop(&k);
}

static void test_server_that_hangs_up_is_paced(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:1\"]");
    kit_submit(&k, "GET a", true, 5000);
    int attempts = 0;
    while (k.now_ms < 6000) {
        kit_connect(&k);
        attempts++;
        kit_expect_sent(&k, NULL);
        kit_closed(&k, 0);
        kit_tick_to(&k, reef_engine_deadline_ms(k.engine));
    }
    assert_in_range(attempts, 20, 200);
    kit_stop(&k);
}

/* How an idle link once ended does not explain why the next call fails. */
static void test_old_loss_is_no_reason(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:7\"]");
    reef_engine_tend(k.engine, k.now_ms);
    kit_connect(&k);
    k.now_ms += 400000;
    kit_closed(&k, 0);
    uint64_t id = kit_submit(&k, "GET a", false, 1000);
    kit_expect_open(&k, "127.0.0.1", 7);
    kit_tick_to(&k, k.now_ms + 1000);
    kit_expect_done(&k, id, REEF_CONNECT, "the deadline passed while connecting");
    kit_stop(&k);
}

/* A server that moved is found: a lost link leads to a new look-up. */
static void test_lost_link_looks_again(void **state)
{
    (void)state;
    kit k;
    kit_start(&k, "server.redis.hosts = [\"db.example:7\"]");
    k.hosts = "127.0.0.8 db.example";
    kit_submit(&k, "GET a", true, 60000);
    kit_expect_open(&k, "127.0.0.8", 7);
    kit_opened(&k);
    kit_expect_sent(&k, NULL);
    kit_answer_handshake(&k);
    kit_expect_sent(&k, NULL);
    k.now_ms += REEF_REFRESH_MS;
    k.hosts = "127.0.0.9 db.example";
    kit_closed(&k, ECONNRESET);
    kit_tick_to(&k, k.now_ms + REEF_BACKOFF_MAX_MS);
    kit_expect_open(&k, "127.0.0.9", 7);
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_localhost_both_families),
        cmocka_unit_test(test_pauses_grow_and_are_bounded),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_addresses_of_a_name),
        cmocka_unit_test(test_time_to_connect_doubles),
        cmocka_unit_test(test_only_address_has_all_the_time),
        cmocka_unit_test(test_name_without_an_answer),
        cmocka_unit_test(test_silent_name_servers),
        cmocka_unit_test(test_no_key_no_question),
        cmocka_unit_test(test_deadline_names_the_wait),
        cmocka_unit_test(test_silent_connect_and_handshake),
        cmocka_unit_test(test_loading_is_waited_out),
        cmocka_unit_test(test_loading_to_the_end),
        cmocka_unit_test(test_hopeless_is_fast_and_paced),
        cmocka_unit_test(test_hopeless_one_of_two),
        cmocka_unit_test(test_hopeless_is_no_news),
        cmocka_unit_test(test_idle_link_closed),
        cmocka_unit_test(test_one_answer_a_connection),
        cmocka_unit_test(test_server_that_hangs_up_is_paced),
        cmocka_unit_test(test_old_loss_is_no_reason),
        cmocka_unit_test(test_lost_link_looks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
