/* SPDX-License-Identifier: Apache-2.0
 *
 * net/search.c: which names a short one stands for, in which order, and what is said
 * when there is none of them. */
#include "test/unit/resolve_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SYSTEM "10.8.8.1:53"
#define CONF "nameserver 10.8.8.1\nsearch a.test b.test\n"

static reef_lookup *begin(names_kit *k, const char *settings, const char *conf,
                          const char *name)
{
    names_start(k, settings);
    k->conf = conf;
    return names_look(k, name, true, 20000);
}

/* Each candidate is denied; `names` are those that are asked for, blanks between. */
static void expect_names(const char *conf, const char *name, const char *names)
{
    names_kit k;
    char each[256];
    int used = 0;
    reef_lookup *l = begin(&k, "", conf, name);
    for (; sscanf(names, "%255s%n", each, &used) == 1; names += used)
        names_say(&k, names_asked(&k, SYSTEM, "SRV", each), "rcode 3");
    assert_int_equal(names_open(&k), 0);
    names_end(l);
    names_stop(&k);
}

static void test_order(void **state)
{
    (void)state;
    expect_names(CONF, "redis", "redis.a.test redis.b.test redis");
    expect_names(CONF, "redis.x", "redis.x redis.x.a.test redis.x.b.test");
    expect_names(CONF, "redis.", "redis");
    expect_names(CONF, "redis.x.", "redis.x");
    expect_names(CONF "options ndots:2\n", "redis.x",
                 "redis.x.a.test redis.x.b.test redis.x");
    expect_names(CONF "options ndots:0\n", "redis", "redis redis.a.test redis.b.test");
    expect_names("nameserver 10.8.8.1\nsearch .\n", "redis", "redis");
}

static void test_first_that_is_there(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, "", CONF, "redis");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.a.test"), "rcode 3");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.b.test"),
              "@ 30 SRV 1 1 7001 r1.test; +r1.test 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", 7001);
    names_end(l);
    assert_int_equal(k.opens, 2);
    names_stop(&k);
}

/* For a plain name both families have a say. */
static void test_plain_names(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "");
    k.conf = CONF;
    reef_lookup *l = names_look(&k, "redis", false, 20000);
    names_say(&k, names_asked(&k, SYSTEM, "A", "redis.a.test"), "-test 60 SOA 60");
    assert_int_equal(names_open(&k), 1);
    names_say(&k, names_asked(&k, SYSTEM, "AAAA", "redis.a.test"), "-test 60 SOA 60");
    names_say(&k, names_asked(&k, SYSTEM, "A", "redis.b.test"), "rcode 3");
    names_say(&k, names_asked(&k, SYSTEM, "A", "redis"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_stop(&k);
}

/* A server that can't say is no denial: the search stops there. */
static void test_failure_stops(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, "", CONF, "redis");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.a.test"), "rcode 2");
    names_failed(l, "failed to look up redis.a.test (SERVFAIL)");
    assert_int_equal(k.opens, 1);
    names_stop(&k);
    l = begin(&k, "", CONF, "redis");
    names_to(&k, 15000);
    names_failed(l, "no answer about redis.a.test");
    names_stop(&k);
}

static void test_most_telling_denial(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, "", CONF, "redis");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.a.test"), "rcode 3");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.b.test"), "rcode 3");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis"), "rcode 3");
    names_failed(l, "no such name: 10.8.8.1:53 says that redis does not exist");
    names_stop(&k);
    l = begin(&k, "", CONF, "redis");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.a.test"), "-test 60 SOA 60");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.b.test"), "rcode 3");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis"), "rcode 3");
    names_failed(l, "redis.a.test has no SRV records");
    names_stop(&k);
}

static void test_configured_servers_have_none(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, "nameservers = [\"10.9.9.1\"]", CONF, "redis");
    names_say(&k, names_asked(&k, "10.9.9.1:53", "SRV", "redis"), "rcode 3");
    names_failed(l, "redis does not exist");
    assert_int_equal(k.opens, 1);
    names_stop(&k);
    /* One that serves another domain alone leaves the rest to the system. */
    l = begin(&k, "nameservers = [\"b.test/10.9.9.1\"]", CONF, "redis");
    names_say(&k, names_asked(&k, SYSTEM, "SRV", "redis.a.test"), "rcode 3");
    names_say(&k, names_asked(&k, "10.9.9.1:53", "SRV", "redis.b.test"),
              "@ 30 SRV 1 1 7001 r1.test; +r1.test 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", 7001);
    names_stop(&k);
}

static void test_no_names(void **state)
{
    (void)state;
    static const char label[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    static const char *const bad[] = {"a..b", ".a", label, ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        names_kit k;
        reef_lookup *l = begin(&k, "", CONF, bad[i]);
        names_failed(l, "can't be asked for");
        assert_int_equal(k.opens, 0);
        names_stop(&k);
    }
}

/* With a suffix it is too long; as it stands it is not. */
static void test_too_long_with_a_suffix(void **state)
{
    (void)state;
    char name[252] = "";
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    expect_names(CONF, name, name);
}

/* A silent first server costs its time once, whatever the second one says. */
static void test_who_answered_is_asked_first(void **state)
{
    (void)state;
    static const char *const names[] = {"redis.a.test", "redis.b.test", "redis.c.test"};
    names_kit k;
    names_start(&k, "");
    k.conf = "nameserver 10.8.8.1\nnameserver 10.8.8.2\n"
             "search a.test b.test c.test d.test\n";
    reef_lookup *l = names_look(&k, "redis", false, 20000);
    names_to(&k, 1000 + REEF_HEDGE_MS);
    for (size_t i = 0; i < 3; i++) {
        names_say(&k, names_asked(&k, "10.8.8.2:53", "A", names[i]),
                  i == 1 ? "-test 60 SOA 60" : "rcode 3");
        if (i == 1)
            names_say(&k, names_asked(&k, "10.8.8.2:53", "AAAA", names[i]), "rcode 3");
    }
    names_say(&k, names_asked(&k, "10.8.8.2:53", "A", "redis.d.test"),
              "@ 30 CNAME other.test");
    names_say(&k, names_asked(&k, "10.8.8.2:53", "A", "other.test"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    assert_int_equal(k.now_ms, 1000 + REEF_HEDGE_MS);
    names_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_first_that_is_there),
        cmocka_unit_test(test_plain_names),
        cmocka_unit_test(test_failure_stops),
        cmocka_unit_test(test_most_telling_denial),
        cmocka_unit_test(test_configured_servers_have_none),
        cmocka_unit_test(test_no_names),
        cmocka_unit_test(test_too_long_with_a_suffix),
        cmocka_unit_test(test_who_answered_is_asked_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
