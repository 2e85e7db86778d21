/* SPDX-License-Identifier: Apache-2.0
 *
 * net/turn.c: where the addresses of one target come from, and in which order they are
 * given. */
#include "test/unit/resolve_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ONE "nameservers = [\"10.9.9.1\"]"
#define NS1 "10.9.9.1:53"
#define NAME "redis.test"
#define SERVICE "_redis.test"
#define NODATA "-test 60 SOA 60"

static uint32_t asked(names_kit *k, const char *type)
{
    return names_asked(k, NS1, type, NAME);
}

static reef_lookup *begin(names_kit *k)
{
    names_start(k, ONE);
    reef_lookup *l = names_look(k, NAME, false, 20000);
    names_wait(l);
    assert_int_equal(names_open(k), 2);
    return l;
}

static void test_families_in_turns(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k);
    k.moved = false;
    names_say(&k, asked(&k, "A"), "@ 30 A 10.0.0.1; @ 30 A 10.0.0.2; @ 30 A 10.0.0.3");
    assert_true(k.moved);
    names_say(&k, asked(&k, "AAAA"), "@ 30 AAAA fd00::1; @ 30 AAAA fd00::2");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_ready(l, "fd00::1", NAMES_PORT);
    names_ready(l, "10.0.0.2", NAMES_PORT);
    names_ready(l, "fd00::2", NAMES_PORT);
    names_ready(l, "10.0.0.3", NAMES_PORT);
    names_end(l);
    names_stop(&k);
}

static void test_v4_does_not_wait(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k);
    names_say(&k, asked(&k, "A"), "@ 30 A 10.0.0.1; @ 30 A 10.0.0.2");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_say(&k, asked(&k, "AAAA"), "@ 30 AAAA fd00::1");
    names_ready(l, "fd00::1", NAMES_PORT);
    names_ready(l, "10.0.0.2", NAMES_PORT);
    names_end(l);
    names_stop(&k);
}

static void test_v6_waits_a_moment(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k);
    k.moved = false;
    names_say(&k, asked(&k, "AAAA"), "@ 30 AAAA fd00::1");
    names_wait(l);
    assert_false(k.moved);
    names_to(&k, 1000 + REEF_FAMILY_MS - 1);
    names_wait(l);
    assert_false(k.moved);
    names_to(&k, 1000 + REEF_FAMILY_MS);
    assert_true(k.moved);
    names_ready(l, "fd00::1", NAMES_PORT);
    names_wait(l);
    names_say(&k, asked(&k, "A"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_end(l);
    reef_lookup_rewind(l);
    names_ready(l, "fd00::1", NAMES_PORT);
    names_stop(&k);
}

static void test_v6_waits_no_longer_than_v4(void **state)
{
    (void)state;
    static const char *const without[] = {NODATA, "rcode 2", "rcode 5"};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        names_kit k;
        reef_lookup *l = begin(&k);
        names_say(&k, asked(&k, "AAAA"), "@ 30 AAAA fd00::1");
        names_say(&k, asked(&k, "A"), without[i]);
        names_ready(l, "fd00::1", NAMES_PORT);
        names_end(l);
        reef_error why;
        reef_lookup_why(l, &why);
        assert_int_equal(why.code, REEF_OK);
        names_stop(&k);
    }
}

/* The other family is late: what there is comes to an end before it, and goes on. */
static void test_late_family(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k);
    names_say(&k, asked(&k, "A"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_wait(l);
    names_to(&k, 1000 + REEF_LINGER_MS - 1);
    names_wait(l);
    k.moved = false;
    names_to(&k, 1000 + REEF_LINGER_MS);
    assert_true(k.moved);
    names_end(l);
    k.moved = false;
    names_to(&k, 1700);
    assert_false(k.moved);
    names_say(&k, asked(&k, "AAAA"), "@ 30 AAAA fd00::1");
    assert_true(k.moved);
    names_ready(l, "fd00::1", NAMES_PORT);
    names_end(l);
    names_stop(&k);
}

static void test_late_family_and_another_target(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, SERVICE, true, 20000);
    names_say(&k, names_asked(&k, NS1, "SRV", SERVICE),
              "@ 30 SRV 1 1 7001 redis.test; @ 30 SRV 2 1 7002 r2.test; +r2.test 30 A "
              "10.0.0.2");
    names_say(&k, asked(&k, "A"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", 7001);
    names_wait(l);
    names_to(&k, 1000 + REEF_FAMILY_MS);
    names_ready(l, "10.0.0.2", 7002);
    names_end(l);
    assert_int_equal(names_open(&k), 0);
    names_stop(&k);
}

static void test_no_address(void **state)
{
    (void)state;
    static const struct {
        const char *a, *aaaa, *why;
    } cases[] = {
        {NODATA, NODATA, "10.9.9.1:53 says that redis.test has no address"},
        {"rcode 2", NODATA, "failed to look up redis.test (SERVFAIL)"},
        {NODATA, "rcode 5", "refuses to answer about redis.test"},
        {NODATA, "rcode 3", "says that redis.test has no address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names_kit k;
        reef_lookup *l = begin(&k);
        names_say(&k, asked(&k, "A"), cases[i].a);
        names_wait(l);
        names_say(&k, asked(&k, "AAAA"), cases[i].aaaa);
        names_failed(l, cases[i].why);
        names_stop(&k);
    }
}

/* No such name: nobody waits for its v6 address. */
static void test_no_such_name(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k);
    names_say(&k, asked(&k, "A"), "rcode 3");
    names_failed(l, "no such name: 10.9.9.1:53 says that redis.test does not exist");
    assert_int_equal(names_open(&k), 0);
    names_stop(&k);
    l = begin(&k); /* some servers say so of a name that has no v6 address */
    names_say(&k, asked(&k, "AAAA"), "rcode 3");
    names_wait(l);
    names_say(&k, asked(&k, "A"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_end(l);
    names_stop(&k);
}

static void test_literal_and_hosts_file(void **state)
{
    (void)state;
    static const char *const literals[] = {"10.1.2.3", "fd00::7", "fe80::1%eth0"};
    names_kit k;
    names_start(&k, ONE);
    k.hosts = "10.0.0.5 redis.test\nfd00::5 redis.test\n10.0.0.6 REDIS.test other\n"
              "10.0.0.9 r9.test\n";
    for (size_t i = 0; i < 3; i++) {
        reef_lookup *l = names_look(&k, literals[i], false, 1000);
        names_ready(l, literals[i], NAMES_PORT);
        names_end(l);
    }
    reef_lookup *l = names_look(&k, NAME, false, 1000);
    names_ready(l, "10.0.0.5", NAMES_PORT);
    names_ready(l, "fd00::5", NAMES_PORT);
    names_ready(l, "10.0.0.6", NAMES_PORT);
    names_end(l);
    l = names_look(&k, "localhost", false, 1000);
    names_ready(l, "127.0.0.1", NAMES_PORT);
    names_ready(l, "::1", NAMES_PORT);
    assert_int_equal(k.opens, 0);
    /* A service is no host; its targets are, and the file goes over glue. */
    l = names_look(&k, NAME, true, 1000);
    names_say(&k, names_asked(&k, NS1, "SRV", NAME),
              "@ 30 SRV 1 1 7001 r9.test; @ 30 SRV 2 1 7002 10.7.7.7; +r9.test 30 A "
              "10.66.66.66");
    names_ready(l, "10.0.0.9", 7001);
    names_ready(l, "10.7.7.7", 7002);
    names_end(l);
    names_stop(&k);
}

static void test_no_aaaa(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "");
    k.conf = "nameserver 10.8.8.1\noptions no-aaaa\n";
    reef_lookup *l = names_look(&k, NAME, false, 1000);
    assert_int_equal(names_open(&k), 1);
    names_say(&k, names_asked(&k, "10.8.8.1:53", "A", NAME), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_end(l);
    l = names_look(&k, "none.test", false, 1000);
    names_say(&k, names_asked(&k, "10.8.8.1:53", "A", "none.test"), NODATA);
    names_failed(l, "none.test has no address");
    names_stop(&k);
}

static void test_v6_target_in_two_round_trips(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, SERVICE, true, 1000);
    names_say(&k, names_asked(&k, NS1, "SRV", SERVICE), "@ 30 SRV 1 1 7001 redis.test");
    names_say(&k, asked(&k, "A"), NODATA);
    names_say(&k, asked(&k, "AAAA"), "@ 30 AAAA fd00::1");
    names_ready(l, "fd00::1", 7001);
    names_end(l);
    assert_int_equal(k.now_ms, 1000);
    names_stop(&k);
}

static void test_many_addresses(void **state)
{
    (void)state;
    names_kit k;
    char text[4096] = "";
    reef_endpoint endpoint;
    size_t len = 0;
    reef_lookup *l = begin(&k);
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "@ 30 A 10.0.0.%d; ", i);
    names_say(&k, asked(&k, "A"), text);
    names_say(&k, asked(&k, "AAAA"), NODATA);
    for (int i = 0; i < REEF_ADDRESSES_MAX; i++)
        assert_int_equal(reef_lookup_next(l, &endpoint), REEF_LOOKUP_READY);
    names_end(l);
    names_stop(&k);
}

/* ---- thousands of targets ----------------------------------------------------- */

static reef_lookup *many_targets(names_kit *k, size_t targets, const char *target,
                                 size_t addresses, int64_t timeout_ms)
{
    size_t cap = (targets + addresses) * 48 + 1, len = 0;
    char *text = malloc(cap);
    assert_non_null(text);
    for (size_t i = 0; i < targets; i++)
        len += (size_t)snprintf(text + len, cap - len, "@ 30 SRV 1 1 %zu %s%zu.t;",
                                1000 + i, target, strcmp(target, "t") == 0 ? i : 0);
    for (size_t i = 0; i < addresses; i++)
        len += (size_t)snprintf(text + len, cap - len, "+%s0.t 30 AAAA fd00::%zx;",
                                target, i);
    reef_lookup *l = names_look(k, "s.t", true, timeout_ms);
    names_say(k, names_asked(k, NS1, "SRV", "s.t"), "tc");
    names_say(k, names_asked(k, NS1, "SRV", "s.t"), text);
    free(text);
    return l;
}

static double seconds_since(clock_t before)
{
    return (double)(clock() - before) / CLOCKS_PER_SEC;
}

/* When time is over, none is spent on those that would have to be asked for. */
static void test_thousands_at_the_deadline(void **state)
{
    (void)state;
    enum { LINES = 200000 };
    names_kit k;
    reef_look_target target;
    char *hosts = malloc(LINES * 32);
    size_t len = 0;
    assert_non_null(hosts);
    for (int i = 0; i < LINES; i++)
        len += (size_t)snprintf(hosts + len, 32, "0.0.0.0 ads%d.example\n", i);
    names_start(&k, ONE);
    k.hosts = hosts;
    reef_lookup *l = many_targets(&k, 1800, "t", 0, 1000);
    clock_t before = clock();
    names_to(&k, 2000);
    names_failed(l, "none of the 1800 targets of s.t has an address: no answer about");
    assert_true(seconds_since(before) < 2.0);
    for (uint32_t turn = 1; turn < REEF_LOOK_TARGETS_MAX; turn++) {
        assert_true(reef_lookup_target(l, turn, &target));
        assert_string_equal(target.why, "the time for looking up s.t is over");
    }
    assert_true(reef_lookup_target(l, REEF_LOOK_TARGETS_MAX, &target));
    assert_string_equal(target.why, "");
    names_stop(&k);
    free(hosts);
}

/* No call passes over more than so many: whoever holds a lock for it gets on. */
static void test_thousands_without_address(void **state)
{
    (void)state;
    enum { TARGETS = 3 * REEF_PASSED_MAX };
    names_kit k;
    reef_look_target target;
    names_start(&k, ONE);
    reef_lookup *l = many_targets(&k, TARGETS, "r", 0, 5000);
    names_say(&k, names_asked(&k, NS1, "A", "r0.t"), "-t 60 SOA 60");
    names_say(&k, names_asked(&k, NS1, "AAAA", "r0.t"), "-t 60 SOA 60");
    names_wait(l);
    assert_true(reef_lookup_more(l));
    assert_true(reef_lookup_target(l, REEF_PASSED_MAX - 1, &target));
    assert_string_not_equal(target.why, "");
    assert_true(reef_lookup_target(l, REEF_PASSED_MAX, &target));
    assert_string_equal(target.why, "");
    assert_int_equal(reef_resolver_deadline_ms(k.resolver), 1001);
    names_to(&k, 1003);
    names_failed(l, "none of the 192 targets of s.t has an address");
    assert_int_equal(k.opens, 4);
    names_stop(&k);
}

/* A thousand addresses in each of a thousand turns: text is made of those alone for
 * which there is room. */
static void test_thousands_of_addresses(void **state)
{
    (void)state;
    names_kit k;
    reef_endpoint endpoint;
    reef_look_target target;
    uint32_t count = 0, known = 0;
    names_start(&k, ONE);
    reef_lookup *l = many_targets(&k, 1100, "r", 1000, 5000);
    clock_t before = clock();
    while (reef_lookup_next(l, &endpoint) == REEF_LOOKUP_READY)
        count++;
    assert_int_equal(count, REEF_ENDPOINTS_MAX);
    for (int round = 0; round < 6; round++)
        for (uint32_t turn = 0; reef_lookup_target(l, turn, &target); turn++)
            known += target.address_count;
    assert_int_equal(known, 6 * 1099 * REEF_LOOK_ADDRESSES_MAX); /* one is at hand */
    assert_true(seconds_since(before) < 1.0);
    names_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_in_turns),
        cmocka_unit_test(test_v4_does_not_wait),
        cmocka_unit_test(test_v6_waits_a_moment),
        cmocka_unit_test(test_v6_waits_no_longer_than_v4),
        cmocka_unit_test(test_late_family),
        cmocka_unit_test(test_late_family_and_another_target),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_no_such_name),
        cmocka_unit_test(test_literal_and_hosts_file),
        cmocka_unit_test(test_no_aaaa),
        cmocka_unit_test(test_v6_target_in_two_round_trips),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_thousands_at_the_deadline),
        cmocka_unit_test(test_thousands_without_address),
        cmocka_unit_test(test_thousands_of_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
