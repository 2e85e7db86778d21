/* SPDX-License-Identifier: Apache-2.0
 *
 * net/lookup.c: the endpoints of a host, in their order and in time. */
#include "test/unit/resolve_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ONE "nameservers = [\"10.9.9.1\"]"
#define NS1 "10.9.9.1:53"
#define NAME "_redis.test"

static uint32_t asked(names_kit *k, const char *type, const char *name)
{
    return names_asked(k, NS1, type, name);
}

static void test_service_in_order(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 1000);
    names_wait(l);
    k.moved = false;
    names_say(
        &k, asked(&k, "SRV", NAME),
        "@ 30 SRV 20 1 7002 r2.test; @ 30 SRV 10 1 7001 r1.test; @ 30 SRV 30 0 "
        "7003 r1.test; +r1.test 30 A 10.0.0.1; +r1.test 30 AAAA fd00::1; +r2.test "
        "30 A 10.0.0.2");
    assert_true(k.moved);
    for (int round = 0; round < 2; round++) {
        names_ready(l, "10.0.0.1", 7001);
        names_ready(l, "fd00::1", 7001);
        names_ready(l, "10.0.0.2", 7002);
        names_ready(l, "10.0.0.1", 7003);
        names_ready(l, "fd00::1", 7003);
        names_end(l);
        names_end(l);
        reef_lookup_rewind(l);
    }
    assert_int_equal(k.opens, 1);
    names_stop(&k);
}

/* Each target is first about as often as its weight says, and all are there. */
static void test_service_is_drawn(void **state)
{
    (void)state;
    names_kit k;
    reef_endpoint endpoint;
    unsigned first[4] = {0};
    names_start(&k, ONE);
    for (int i = 0; i < 4000; i++) {
        unsigned seen = 0;
        reef_lookup *l = names_look(&k, NAME, true, 1000);
        if (names_open(&k) > 0)
            names_say(&k, asked(&k, "SRV", NAME),
                      "@ 300 SRV 1 1 1 a.test; @ 300 SRV 1 2 2 a.test; @ 300 SRV 1 1 3 "
                      "a.test; +a.test 300 A 10.0.0.1");
        for (int turn = 0; turn < 3; turn++) {
            assert_int_equal(reef_lookup_next(l, &endpoint), REEF_LOOKUP_READY);
            assert_int_equal(endpoint.target, turn);
            seen |= 1U << endpoint.port;
            first[endpoint.port] += turn == 0;
        }
        assert_int_equal(seen, 14);
        reef_lookup_free(k.resolver, l);
    }
    assert_int_equal(k.opens, 1);
    assert_in_range(first[1], 850, 1150);
    assert_in_range(first[2], 1800, 2200);
    names_stop(&k);
}

static void test_targets_are_asked_for_in_their_turn(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 1000);
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 1 7001 r1.test; @ 30 SRV 2 1 7002 r2.test; @ 30 SRV 3 1 7003 "
              "r3.test");
    assert_int_equal(names_open(&k), 2);
    names_say(&k, asked(&k, "A", "r1.test"), "@ 30 A 10.0.0.1");
    names_say(&k, asked(&k, "AAAA", "r1.test"), "-test 60 SOA 60");
    names_ready(l, "10.0.0.1", 7001);
    assert_int_equal(names_open(&k), 0);
    names_wait(l);
    names_run(&k);
    assert_int_equal(names_open(&k), 2);
    names_say(&k, asked(&k, "A", "r2.test"), "rcode 3; -test 60 SOA 60");
    /* Passed over, and the third is asked for without anybody saying so. */
    k.moved = false;
    names_say(&k, asked(&k, "A", "r3.test"), "-test 60 SOA 60");
    assert_false(k.moved);
    names_say(&k, asked(&k, "AAAA", "r3.test"), "@ 30 AAAA fd00::3");
    assert_true(k.moved);
    names_ready(l, "fd00::3", 7003);
    names_end(l);
    reef_look_target target;
    assert_true(reef_lookup_target(l, 1, &target));
    assert_string_equal(target.name, "r2.test");
    assert_non_null(strstr(target.why, "10.9.9.1:53 says that r2.test does not exist"));
    assert_true(reef_lookup_target(l, 2, &target));
    assert_string_equal(target.addresses[0], "fd00::3");
    assert_int_equal(target.address_count, 1);
    assert_int_equal(target.port, 7003);
    assert_string_equal(target.why, "");
    assert_false(target.glue);
    assert_false(reef_lookup_target(l, 3, &target));
    names_stop(&k);
}

static void test_targets_that_are_known(void **state)
{
    (void)state;
    names_kit k;
    reef_look_target target;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 1000);
    assert_false(reef_lookup_target(l, 0, &target));
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 5 7001 r1.test; @ 40 SRV 2 6 7002 r2.test; +r2.test 30 A "
              "10.0.0.2; +r1.test 30 AAAA fd00::1");
    names_ready(l, "fd00::1", 7001);
    assert_true(reef_lookup_target(l, 0, &target));
    assert_string_equal(target.addresses[0], "fd00::1");
    assert_true(reef_lookup_target(l, 1, &target));
    assert_string_equal(target.name, "r2.test");
    assert_int_equal(target.priority, 2);
    assert_int_equal(target.weight, 6);
    assert_int_equal(target.ttl, 40);
    assert_true(target.glue);
    assert_int_equal(target.address_count, 1);
    assert_string_equal(target.addresses[0], "10.0.0.2");
    reef_lookup *plain = names_look(&k, "10.1.1.1", false, 1000);
    assert_false(reef_lookup_target(plain, 0, &target));
    names_stop(&k);
}

static void test_no_target_has_an_address(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 1000);
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 1 7001 r1.test; @ 30 SRV 2 1 7002 r2.test");
    names_say(&k, asked(&k, "A", "r1.test"), "-test 60 SOA 60");
    names_say(&k, asked(&k, "AAAA", "r1.test"), "-test 60 SOA 60");
    names_say(&k, asked(&k, "A", "r2.test"), "rcode 3");
    names_failed(l, "none of the 2 targets of _redis.test has an address: "
                    "10.9.9.1:53 says that r1.test has no address");
    names_end(l);
    reef_lookup_rewind(l);
    names_failed(l, "none of the 2 targets");
    names_stop(&k);
}

static void test_denials_of_a_service(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *why;
    } cases[] = {
        {"rcode 3; -test 60 SOA 60",
         "no such name: 10.9.9.1:53 says that _redis.test does not exist"},
        {"-test 60 SOA 60", "10.9.9.1:53 says that _redis.test has no SRV records"},
        {"@ 30 SRV 0 0 0 .", "the service _redis.test is not available"},
        {"@ 30 SRV 0 0 0 r1.test", "is not available"},
        {"@ 30 SRV 0 0 1 a*b.test", "no target of them can be the name of a host"},
        {"@ 30 CNAME b.test; b.test 30 CNAME _redis.test", "leads in a circle"},
        {"rcode 3; @ 30 CNAME b.test",
         "says that b.test, which _redis.test is an alias of, does not exist"},
        {"@ 30 CNAME b.test; -test 60 SOA 60",
         "says that b.test, which _redis.test is an alias of, has no SRV records"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names_kit k;
        names_start(&k, ONE);
        reef_lookup *l = names_look(&k, NAME, true, 1000);
        names_say(&k, asked(&k, "SRV", NAME), cases[i].answer);
        names_failed(l, cases[i].why);
        assert_int_equal(k.opens, 1);
        assert_int_equal(k.now_ms, 1000); /* in one round trip */
        names_stop(&k);
    }
}

static void test_deadline(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 400);
    reef_error why;
    reef_lookup_why(l, &why);
    assert_int_equal(why.code, REEF_DNS);
    assert_non_null(strstr(why.text,
                           "no answer about _redis.test from 10.9.9.1:53 in 0 "
                           "ms so far"));
    names_to(&k, 1399);
    names_wait(l);
    k.moved = false;
    names_to(&k, 1400);
    assert_true(k.moved);
    names_failed(l, "no answer about _redis.test from 10.9.9.1:53 in 400 ms, and the "
                    "time for it is over");
    assert_int_equal(names_open(&k), 0);
    assert_int_equal(reef_resolver_deadline_ms(k.resolver), INT64_MAX);
    l = names_look(&k, NAME, true, 0);
    names_failed(l, "time for looking up _redis.test is over");
    l = names_look(&k, NAME, true, -100);
    names_end(l);
    names_stop(&k);
}

/* What is known is still given; nothing more is asked. */
static void test_deadline_between_targets(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 200);
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 1 7001 r1.test; @ 30 SRV 2 1 7002 r2.test; @ 30 SRV 3 1 7003 "
              "r3.test; +r3.test 30 A 10.0.0.3");
    names_to(&k, 1200);
    names_ready(l, "10.0.0.3", 7003);
    names_end(l);
    assert_int_equal(k.opens, 3);
    reef_look_target target;
    assert_true(reef_lookup_target(l, 1, &target));
    assert_non_null(strstr(target.why, "time for looking up _redis.test is over"));
    names_stop(&k);
}

/* An answer that a step has not seen when the time ends leads to no new question. */
static void test_deadline_with_a_denial(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *why;
    } cases[] = {
        {"rcode 3", "the time for looking up _redis.test is over"},
        {"@ 30 CNAME b.test", "and the time for it is over"},
        {"@ 30 SRV 1 1 7001 r1.test", "the only target of _redis.test has no address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names_kit k;
        names_message m;
        names_start(&k, "");
        k.conf = "nameserver 10.8.8.1\nsearch a.test b.test\n";
        reef_lookup *l = names_look(&k, NAME, true, 100);
        uint32_t link = names_asked(&k, "10.8.8.1:53", "SRV", NAME);
        names_build(&m, &k.links[link - NAMES_FIRST_LINK].query, cases[i].answer);
        k.now_ms = 1099;
        names_bytes(&k, link, m.bytes, m.len);
        k.now_ms = 1100;
        names_run(&k);
        names_failed(l, cases[i].why);
        assert_int_equal(k.opens, 1);
        assert_int_equal(names_open(&k), 0);
        names_stop(&k);
    }
}

/* The name's own addresses, and more while an answer is out or a target is left. */
static void test_more(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, "r1.test", false, 20000);
    assert_true(reef_lookup_more(l));
    names_say(&k, asked(&k, "A", "r1.test"), "@ 30 A 10.0.0.1; @ 30 A 10.0.0.2");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_say(&k, asked(&k, "AAAA", "r1.test"), "-test 60 SOA 60");
    assert_true(reef_lookup_more(l));
    names_ready(l, "10.0.0.2", NAMES_PORT);
    assert_false(reef_lookup_more(l));
    reef_lookup_rewind(l);
    assert_true(reef_lookup_more(l));
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_ready(l, "10.0.0.2", NAMES_PORT);
    assert_false(reef_lookup_more(l));
    l = names_look(&k, "r3.test", false, 20000);
    names_say(&k, asked(&k, "A", "r3.test"), "@ 30 A 10.0.0.3");
    names_ready(l, "10.0.0.3", NAMES_PORT);
    assert_true(reef_lookup_more(l));
    names_say(&k, asked(&k, "AAAA", "r3.test"), "@ 30 AAAA fd00::3");
    assert_true(reef_lookup_more(l));
    names_ready(l, "fd00::3", NAMES_PORT);
    assert_false(reef_lookup_more(l));
    l = names_look(&k, NAME, true, 20000);
    assert_true(reef_lookup_more(l));
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 1 7001 r1.test; @ 30 SRV 2 1 7002 r2.test; +r1.test 30 A "
              "10.0.0.1; +r2.test 30 A 10.0.0.2");
    names_ready(l, "10.0.0.1", 7001);
    assert_true(reef_lookup_more(l));
    names_ready(l, "10.0.0.2", 7002);
    assert_false(reef_lookup_more(l));
    names_end(l);
    assert_false(reef_lookup_more(l));
    names_stop(&k);
}

/* An answer that comes with the end of the time is not looked at: a host that slept
 * finds old ones in its sockets. */
static void test_nothing_is_heard_late(void **state)
{
    (void)state;
    names_kit k;
    names_message m;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 100);
    uint32_t link = asked(&k, "SRV", NAME);
    names_build(&m, &k.links[link - NAMES_FIRST_LINK].query,
                "@ 30 SRV 1 1 7001 r1.test; +r1.test 30 A 10.0.0.1");
    k.now_ms = 1100;
    names_bytes(&k, link, m.bytes, m.len);
    names_run(&k);
    names_failed(l, "no answer about _redis.test from 10.9.9.1:53 in 100 ms");
    assert_int_equal(k.closes, 1);
    (void)names_look(&k, NAME, true, 100);
    assert_int_equal(k.opens, 2); /* it was not kept */
    names_stop(&k);
}

static void test_cached(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 1000);
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 1 7001 r1.test; +r1.test 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", 7001);
    k.moved = false;
    l = names_look(&k, NAME, true, 1000);
    assert_true(k.moved);
    names_ready(l, "10.0.0.1", 7001);
    assert_int_equal(k.opens, 1);
    l = names_look_fresh(&k, NAME, true, 1000);
    names_wait(l);
    names_say(&k, asked(&k, "SRV", NAME),
              "@ 30 SRV 1 1 7002 r2.test; +r2.test 30 A 10.0.0.2");
    names_ready(l, "10.0.0.2", 7002);
    l = names_look(&k, NAME, true, 1000); /* what came is what is known now */
    names_ready(l, "10.0.0.2", 7002);
    names_to(&k, 1000 + 30000);
    l = names_look(&k, NAME, true, 1000);
    names_wait(l);
    assert_int_equal(k.opens, 3);
    names_stop(&k);
}

static void test_denial_is_cached(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    (void)names_look(&k, NAME, true, 1000);
    names_say(&k, asked(&k, "SRV", NAME), "rcode 3; -test 60 SOA 5");
    names_failed(names_look(&k, NAME, true, 1000), "no such name");
    assert_int_equal(k.opens, 1);
    names_to(&k, 1000 + 5000);
    names_wait(names_look(&k, NAME, true, 1000));
    assert_int_equal(k.opens, 2);
    names_say(&k, asked(&k, "SRV", NAME), "rcode 3"); /* without an SOA: not kept */
    names_wait(names_look(&k, NAME, true, 1000));
    assert_int_equal(k.opens, 3);
    names_stop(&k);
}

static void test_freed_at_any_time(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    k.shy = true;
    reef_lookup *l = names_look(&k, "redis.test", false, 1000);
    assert_int_equal(k.opens, 2);
    reef_lookup_free(k.resolver, l);
    names_run(&k);
    assert_int_equal(k.closes, 2);
    reef_lookup_wish wish = {.name = "redis.test", .deadline_ms = 2000};
    reef_lookup_free(k.resolver, reef_lookup_new(k.resolver, &wish));
    reef_lookup_free(k.resolver, NULL);
    names_run(&k);
    assert_int_equal(k.opens, 2);
    k.shy = false;
    l = names_look(&k, NAME, true, 1000);
    names_say(&k, asked(&k, "SRV", NAME), "@ 30 SRV 1 1 7001 r1.test");
    names_stop(&k); /* with a look-up and open links */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_in_order),
        cmocka_unit_test(test_service_is_drawn),
        cmocka_unit_test(test_targets_are_asked_for_in_their_turn),
        cmocka_unit_test(test_targets_that_are_known),
        cmocka_unit_test(test_no_target_has_an_address),
        cmocka_unit_test(test_denials_of_a_service),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_between_targets),
        cmocka_unit_test(test_deadline_with_a_denial),
        cmocka_unit_test(test_more),
        cmocka_unit_test(test_nothing_is_heard_late),
        cmocka_unit_test(test_cached),
        cmocka_unit_test(test_denial_is_cached),
        cmocka_unit_test(test_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
