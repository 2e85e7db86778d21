/* SPDX-License-Identifier: Apache-2.0
 *
 * The constellation that the tests of Sentinel stand on, looked at without reef: it
 * starts settled wherever its nodes are, fails over when it is asked to, and comes back
 * to where the next blow can fall. */
#include "test/live/constellation.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* From the blow to the first write, on a machine that has other things to do. */
enum { FIXTURE_SOON_MS = 10000 };

/* The watch and the Sentinels agree on who came after node `old`. */
static int fixture_after(const reef_stars *stars, reef_live_watch *watch, int old,
                         int64_t begin_us, const char *blow)
{
    int64_t at_us = 0;
    int who = reef_live_watch_wait(watch, &at_us);
    reef_live_watch_free(watch);
    print_message("    %s: writable after %" PRId64 " ms\n", blow,
                  (at_us - begin_us) / 1000);
    assert_true(at_us > begin_us && at_us - begin_us < FIXTURE_SOON_MS * 1000);
    assert_int_not_equal(who, old);
    assert_int_equal(reef_stars_moved(stars, old), who);
    return who;
}

static void fixture_fails_over(const reef_live_kind *kind)
{
    int64_t begin_us = reef_live_now_us();
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_live_watch *watch;
    int next;
    print_message("    settled after %" PRId64 " ms\n",
                  (reef_live_now_us() - begin_us) / 1000);
    watch = reef_stars_watch_begin(stars);
    assert_int_equal(reef_live_watch_us(watch), 0);
    begin_us = reef_live_now_us();
    reef_stars_failover(stars, 1);
    next = fixture_after(stars, watch, 0, begin_us, "SENTINEL FAILOVER");
    assert_int_equal(reef_stars_settle(stars), next);
    reef_stars_free(stars);
}

static void test_fails_over(void **state)
{
    (void)state;
    reef_live_each(fixture_fails_over);
}

/* Other hosts, passwords on both sides: each settles, so each could fail over. */
static void fixture_settles(const reef_live_kind *kind)
{
    static const char *const hosts[] = {"localhost", "::1"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        const reef_stars_options options = {
            .host = hosts[i], .password = "sesame", .sentinel_password = "open"};
        reef_stars *stars;
        char *reply;
        if (strcmp(hosts[i], "::1") == 0 && !reef_live_has_ipv6()) {
            continue;
        }
        stars = reef_stars_start(kind, &options);
        reply = reef_live_ask(stars->sentinels[2],
                              "SENTINEL GET-MASTER-ADDR-BY-NAME " REEF_STARS_NAME);
        assert_memory_equal(reply, hosts[i], strlen(hosts[i]));
        free(reply);
        reef_stars_free(stars);
    }
}

static void test_settles(void **state)
{
    (void)state;
    reef_live_each(fixture_settles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fails_over),
        cmocka_unit_test(test_settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
