/* SPDX-License-Identifier: Apache-2.0
 *
 * net/leg.c: aliases that servers leave to us, and where they end. */
#include "test/unit/resolve_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUTES "nameservers = [\"10.9.9.1\"]\nconsul = [\"10.9.9.5\"]"
#define NS1 "10.9.9.1:53"
#define NS5 "10.9.9.5:8600"
#define RECORD "@ 30 SRV 1 1 7000 r1.test; +r1.test 30 A 10.0.0.1"

static void test_alias_is_asked_for(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "_s.test", true, 1000);
    names_say(&k, names_asked(&k, NS1, "SRV", "_s.test"), "@ 30 CNAME s.consul");
    names_say(&k, names_asked(&k, NS5, "SRV", "s.consul"), "@ 30 CNAME _t.test");
    names_say(&k, names_asked(&k, NS1, "SRV", "_t.test"), RECORD);
    names_ready(l, "10.0.0.1", 7000);
    names_end(l);
    names_stop(&k);
}

static void test_families_follow_on_their_own(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "redis.test", false, 1000);
    names_say(&k, names_asked(&k, NS1, "A", "redis.test"), "@ 30 CNAME a.test");
    names_say(&k, names_asked(&k, NS1, "AAAA", "redis.test"), "@ 30 CNAME a.test");
    names_say(&k, names_asked(&k, NS1, "A", "a.test"), "@ 30 A 10.0.0.1");
    names_say(&k, names_asked(&k, NS1, "AAAA", "a.test"), "@ 30 AAAA fd00::1");
    names_ready(l, "10.0.0.1", NAMES_PORT);
    names_ready(l, "fd00::1", NAMES_PORT);
    names_end(l);
    names_stop(&k);
}

/* The alias is asked for where the name was answered; a silent server before that one
 * costs its time once. */
static void test_who_answered_is_asked_first(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "nameservers = [\"10.9.9.2\", \"10.9.9.1\"]");
    reef_lookup *l = names_look(&k, "_s.test", true, 1000);
    names_to(&k, 1000 + REEF_HEDGE_MS);
    names_say(&k, names_asked(&k, NS1, "SRV", "_s.test"), "@ 0 CNAME _t.test");
    names_say(&k, names_asked(&k, NS1, "SRV", "_t.test"), "@ 0 CNAME _u.test");
    names_say(&k, names_asked(&k, NS1, "SRV", "_u.test"), "@ 30 SRV 1 1 7000 r1.test");
    names_say(&k, names_asked(&k, NS1, "A", "r1.test"), "@ 30 A 10.0.0.1");
    names_ready(l, "10.0.0.1", 7000);
    assert_int_equal(k.now_ms, 1000 + REEF_HEDGE_MS);
    names_stop(&k);
}

static void test_circle(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "_s.test", true, 1000);
    names_say(&k, names_asked(&k, NS1, "SRV", "_s.test"), "@ 30 CNAME _t.test");
    names_say(&k, names_asked(&k, NS1, "SRV", "_t.test"), "@ 30 CNAME _S.test");
    names_failed(l, "_s.test is an alias that leads in a circle, by _s.test");
    assert_int_equal(k.opens, 2);
    names_stop(&k);
}

static void test_too_many(void **state)
{
    (void)state;
    names_kit k;
    char name[32] = "_0.test", answer[64];
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "_0.test", true, 1000);
    for (unsigned i = 1; i <= REEF_ALIASES_MAX + 1; i++) {
        uint32_t link = names_asked(&k, NS1, "SRV", name);
        snprintf(name, sizeof name, "_%u.test", i);
        snprintf(answer, sizeof answer, "@ 30 CNAME %s", name);
        names_say(&k, link, answer);
    }
    names_failed(l, "_0.test leads through more than 8 aliases, the last _9.test");
    assert_int_equal(k.opens, REEF_ALIASES_MAX + 1);
    names_stop(&k);
}

static void test_as_many_as_allowed(void **state)
{
    (void)state;
    names_kit k;
    char name[32] = "_0.test", answer[64];
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "_0.test", true, 1000);
    for (unsigned i = 1; i <= REEF_ALIASES_MAX; i++) {
        uint32_t link = names_asked(&k, NS1, "SRV", name);
        snprintf(name, sizeof name, "_%u.test", i);
        snprintf(answer, sizeof answer, "@ 30 CNAME %s", name);
        names_say(&k, link, answer);
    }
    names_say(&k, names_asked(&k, NS1, "SRV", name), RECORD);
    names_ready(l, "10.0.0.1", 7000);
    names_stop(&k);
}

static void test_denied_behind_an_alias(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "_s.test", true, 1000);
    names_say(&k, names_asked(&k, NS1, "SRV", "_s.test"), "@ 30 CNAME _t.test");
    names_say(&k, names_asked(&k, NS1, "SRV", "_t.test"), "rcode 3");
    names_failed(l, "no such name: 10.9.9.1:53 says that _t.test, which _s.test is an "
                    "alias of, does not exist");
    names_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alias_is_asked_for),
        cmocka_unit_test(test_families_follow_on_their_own),
        cmocka_unit_test(test_who_answered_is_asked_first),
        cmocka_unit_test(test_circle),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_as_many_as_allowed),
        cmocka_unit_test(test_denied_behind_an_alias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
