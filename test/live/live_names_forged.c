/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are none: thousands of forged messages before the true one change
 * neither what is used nor when a look-up ends. And look-ups that fail, one after the
 * other, keep nothing: 100,000 of them with REEF_SOAK=1 in the environment. */
#include "test/live/check.h"
#include "test/live/dns_liar.h"
#include "test/live/dns_server.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    FORGED_LIES = 10000,
    FORGED_SEEN = 1000, /* of these the asker must have had, on any machine */
    FORGED_TIMEOUT_MS = 10000,
    FORGED_MUTE_MS = 700,
    FORGED_MARGIN_MS = 2000,
    FAILED_LOOKS = 2000,
    FAILED_SOAK_LOOKS = 100000
};

static reef_look *forged_look(uint16_t port, int64_t timeout_ms)
{
    static reef_config config;
    reef_look *look;
    reef_live_dns_config("srv+redis.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", port);
    look = reef_look_up(&config, &config.hosts[0], timeout_ms);
    assert_non_null(look);
    return look;
}

/* ---- lies, then the truth ----------------------------------------------------- */

static void test_flood(void **state)
{
    const reef_live_liar_plan plan = {.lies = FORGED_LIES, .true_port = 6379};
    reef_live_liar *liar = reef_live_liar_start(&plan);
    reef_look *look = forged_look(reef_live_liar_port(liar), FORGED_TIMEOUT_MS);
    uint32_t told = reef_live_liar_stop(liar);
    (void)state;
    print_message("    %u lies told, %u ignored, %u questions, %u ms: %s\n", told,
                  look->ignored, look->step_count, look->took_ms, look->why);
    assert_int_equal(look->code, REEF_OK);
    assert_int_equal(look->target_count, 1);
    assert_string_equal(look->targets[0].name, "node.test");
    assert_int_equal(look->targets[0].port, 6379);
    assert_string_equal(look->targets[0].addresses[0], "127.0.0.1");
    assert_true(told >= FORGED_LIES);
    assert_true(look->ignored >= FORGED_SEEN && look->ignored <= told);
    assert_true(look->took_ms < FORGED_TIMEOUT_MS + FORGED_MARGIN_MS);
    reef_look_free(look);
}

/* Nothing but lies: the deadline is what it was, and the reason says that there were
 * lies. */
static void test_nothing_but_lies(void **state)
{
    const reef_live_liar_plan plan = {.mute = true};
    reef_live_liar *liar = reef_live_liar_start(&plan);
    int64_t start_ms = reef_live_now_ms();
    reef_look *look = forged_look(reef_live_liar_port(liar), FORGED_MUTE_MS);
    int64_t took_ms = reef_live_now_ms() - start_ms;
    uint32_t told = reef_live_liar_stop(liar);
    (void)state;
    print_message("    %u lies told, %u ignored, %" PRId64 " ms: %s\n", told,
                  look->ignored, took_ms, look->why);
    assert_int_equal(look->code, REEF_DNS);
    assert_int_equal(look->target_count, 0);
    assert_true(look->ignored > 0);
    assert_true(took_ms < FORGED_MUTE_MS + FORGED_MARGIN_MS);
    reef_look_free(look);
}

/* A client that calls by such a name reaches the true server. */
static void forged_call(const reef_live_kind *kind)
{
    static reef_config config;
    reef_live_server *server = reef_live_start(kind, NULL);
    const reef_live_liar_plan plan = {.lies = FORGED_LIES / 10,
                                      .true_port = server->port};
    reef_live_liar *liar = reef_live_liar_start(&plan);
    reef_client *client;
    reef_live_dns_config("srv+redis.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", reef_live_liar_port(liar));
    client = reef_live_client(&config);
    reef_live_says(client, "PING", "PONG");
    assert_true(reef_live_liar_stop(liar) >= FORGED_LIES / 10);
    reef_close(client);
    reef_live_free(server);
}

static void test_call(void **state)
{
    (void)state;
    reef_live_each(forged_call);
}

/* ---- what failed keeps nothing ------------------------------------------------ */

static unsigned failed_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;
    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

/* With a port that is closed, which is the quickest way to fail. */
static void test_descriptors(void **state)
{
    const char *soak = getenv("REEF_SOAK");
    unsigned looks = soak && *soak ? FAILED_SOAK_LOOKS : FAILED_LOOKS;
    uint16_t closed = reef_live_dns_port();
    int64_t start_ms = reef_live_now_ms();
    unsigned before, after;
    (void)state;
    reef_look_free(forged_look(closed, 0));
    before = failed_descriptors();
    for (unsigned i = 0; i < looks; i++) {
        reef_look *look = forged_look(closed, 0);
        assert_int_equal(look->code, REEF_DNS);
        reef_look_free(look);
    }
    after = failed_descriptors();
    print_message("    %u look-ups failed in %" PRId64 " ms\n", looks,
                  reef_live_now_ms() - start_ms);
    assert_int_equal(before, after);
}

/* The same for a client, whose calls fail by their deadline. */
static void test_client_descriptors(void **state)
{
    static reef_config config;
    uint16_t silent_port;
    int silent = reef_live_dns_silent(&silent_port);
    reef_client *client;
    unsigned before;
    (void)state;
    before = failed_descriptors();
    reef_live_dns_config("srv+redis.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", reef_live_dns_port());
    reef_live_dns_use(&config, "", "127.0.0.1", silent_port);
    client = reef_live_client(&config);
    for (int i = 0; i < 20; i++) {
        reef_live_fails(reef_live_call(client, "PING", 20), REEF_DNS, "redis.test");
    }
    reef_close(client);
    assert_int_equal(failed_descriptors(), before);
    close(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_nothing_but_lies),
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_client_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
