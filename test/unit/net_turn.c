/* SPDX-License-Identifier: Apache-2.0
 *
 * net/turn.c: where the addresses of one target come from, and in which order they are
 * given. */
#include "test/unit/resolve_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
