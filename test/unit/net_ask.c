/* SPDX-License-Identifier: Apache-2.0
 *
 * net/ask.c: which server is asked when, and which answer counts. */
#include "test/unit/resolve_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ONE "nameservers = [\"10.9.9.1\"]"
#define TWO "nameservers = [\"10.9.9.1\", \"10.9.9.2:5353\"]"
#define NS1 "10.9.9.1:53"
#define NS2 "10.9.9.2:5353"
#define NAME "_redis.test"
#define RECORD "@ 30 SRV 1 1 7000 r1.test; +r1.test 30 A 10.0.0.1"

/* A look-up of a service asks one question at a time. */
static reef_lookup *begin(names_kit *k, const char *settings)
{
    names_start(k, settings);
    reef_lookup *l = names_look(k, NAME, true, 20000);
    names_wait(l);
    return l;
}

static void end(names_kit *k, reef_lookup *l)
{
    reef_lookup_free(k->resolver, l);
    names_run(k);
    assert_int_equal(names_open(k), 0);
    assert_int_equal(k->opens, k->closes);
    assert_false(reef_resolver_busy(k->resolver));
    names_stop(k);
}

static uint32_t first(names_kit *k)
{
    return names_asked(k, NS1, "SRV", NAME);
}

static uint32_t second(names_kit *k)
{
    return names_asked(k, NS2, "SRV", NAME);
}

static void test_next_server_while_first_is_heard(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    uint32_t link = first(&k);
    names_to(&k, 1000 + REEF_HEDGE_MS - 1);
    assert_int_equal(names_open(&k), 1);
    names_to(&k, 1000 + REEF_HEDGE_MS);
    second(&k);
    names_say(&k, link, RECORD);
    names_ready(l, "10.0.0.1", 7000);
    assert_int_equal(names_open(&k), 0); /* the other is let go */
    end(&k, l);
}

static void test_silent_first_server(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_to(&k, 1000 + REEF_HEDGE_MS);
    names_say(&k, second(&k), RECORD);
    names_ready(l, "10.0.0.1", 7000);
    assert_int_equal(names_open(&k), 0);
    end(&k, l);
}

/* Attempts 0, 250 and 750 ms after the first one, each heard for two seconds. */
static void test_one_server_is_asked_again(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, ONE);
    static const int64_t at_ms[] = {0, 250, 750};
    for (uint32_t i = 1; i < 3; i++) {
        names_to(&k, 1000 + at_ms[i] - 1);
        assert_int_equal(names_open(&k), i);
        names_to(&k, 1000 + at_ms[i]);
        assert_int_equal(names_open(&k), i + 1);
    }
    names_to(&k, 1000 + 1999);
    assert_int_equal(names_open(&k), 3);
    names_to(&k, 1000 + 2000);
    assert_int_equal(names_open(&k), 2);
    names_to(&k, 1000 + 2749);
    names_wait(l);
    names_to(&k, 1000 + 2750);
    names_failed(l, "no answer about _redis.test from 10.9.9.1:53 in 2750 ms");
    assert_int_equal(k.opens, REEF_ASK_ATTEMPTS);
    end(&k, l);
}

static void test_ids_and_links_are_fresh(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, ONE);
    names_to(&k, 1800);
    assert_int_equal(names_open(&k), 3);
    const names_link *x = k.links;
    assert_true(x[0].query.id != x[1].query.id && x[1].query.id != x[2].query.id);
    assert_true(x[1].query.id - x[0].query.id != x[2].query.id - x[1].query.id);
    for (int i = 0; i < 3; i++)
        assert_true(x[i].datagram && x[i].query.edns && !x[i].query.ad);
    end(&k, l);
}

static void test_late_answer_of_an_earlier_attempt(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, ONE);
    uint32_t link = first(&k);
    names_to(&k, 1000 + 1900);
    names_say(&k, link, RECORD);
    names_ready(l, "10.0.0.1", 7000);
    end(&k, l);
}

static void test_failed_server_is_left_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *why;
    } cases[] = {
        {"rcode 2", "10.9.9.1:53 failed to look up _redis.test (SERVFAIL)"},
        {"rcode 2; bare", "(SERVFAIL)"},
        {"rcode 5", "10.9.9.1:53 refuses to answer about _redis.test (REFUSED)"},
        {"opt 1", "error 16"},
        {"rcode 9", "answered with error 9 about _redis.test"},
        {"nora; -test 60 NS ns.test",
         "does not know _redis.test and names other servers"},
        {"@ 30 SRV 1 1 7000 r1.test; cut 3", "sent a broken answer about _redis.test"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names_kit k;
        reef_lookup *l = begin(&k, TWO);
        names_say(&k, first(&k), cases[i].answer);
        assert_int_equal(names_open(&k), 1);
        names_say(&k, second(&k), RECORD);
        names_ready(l, "10.0.0.1", 7000);
        end(&k, l);
        l = begin(&k, ONE);
        names_say(&k, first(&k), cases[i].answer);
        names_failed(l, cases[i].why);
        assert_int_equal(k.opens, 1);
        end(&k, l);
    }
}

static void test_closed_port(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_close(&k, first(&k), ECONNREFUSED);
    assert_int_equal(k.now_ms, 1000);
    names_say(&k, second(&k), RECORD);
    names_ready(l, "10.0.0.1", 7000);
    reef_lookup_free(k.resolver, l);
    names_stop(&k);
    l = begin(&k, ONE);
    names_close(&k, first(&k), ECONNREFUSED);
    names_failed(l, "10.9.9.1:53 can't be asked about _redis.test: connection refused");
    reef_lookup_free(k.resolver, l);
    names_stop(&k);
}

static void test_most_telling_reason(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, "nameservers = [\"10.9.9.1\", \"10.9.9.2:5353\", "
                               "\"10.9.9.3\"]");
    names_close(&k, first(&k), ENETUNREACH);
    names_say(&k, second(&k), "rcode 5");
    names_to(&k, 10000); /* the third is asked three times, in vain */
    assert_int_equal(k.opens, 5);
    names_failed(l, "10.9.9.2:5353 refuses to answer");
    end(&k, l);
}

static void test_all_silent(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_to(&k, 20000);
    names_failed(l, "from 10.9.9.1:53 or the 1 other nameserver in ");
    assert_int_equal(k.opens, 2 * REEF_ASK_ATTEMPTS);
    end(&k, l);
}

/* A server that failed is out; one that was silent has its other rounds. */
static void test_failed_is_out_for_good(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    uint32_t silent = first(&k);
    names_to(&k, 1250);
    names_say(&k, second(&k), "rcode 2");
    names_to(&k, 2900);
    assert_true(k.links[silent - NAMES_FIRST_LINK].live);
    assert_int_equal(names_open(&k), 3);
    for (uint32_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        assert_true(!k.links[i].live || strcmp(k.links[i].server, NS1) == 0);
    end(&k, l);
}

static void test_not_an_answer(void **state)
{
    (void)state;
    static const char *const forged[] = {
        "id; " RECORD,
        "noqr; " RECORD,
        "ask other.test; x.test 30 SRV 1 1 666 evil.test",
        "id; rcode 3",
        "id; rcode 2; bare",
        "id; tc",
        "evil.test 30 SRV 1 1 666 evil.test"};
    names_kit k;
    static const unsigned char short_one[11] = {0};
    reef_lookup *l = begin(&k, ONE);
    uint32_t link = first(&k);
    for (int round = 0; round < 2000; round++)
        for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++)
            names_hear(&k, link, forged[i]);
    names_bytes(&k, link, short_one, sizeof short_one);
    names_bytes(&k, link, short_one, 0);
    names_wait(l);
    assert_int_equal(k.opens, 1);
    assert_int_equal(reef_resolver_deadline_ms(k.resolver), 1000 + REEF_HEDGE_MS);
    names_say(&k, link, RECORD);
    names_ready(l, "10.0.0.1", 7000);
    names_end(l);
    end(&k, l);
}

static void test_without_edns(void **state)
{
    (void)state;
    static const char *const puzzled[] = {"rcode 1", "rcode 4", "rcode 4; bare",
                                          "rcode 1; bare"};
    for (size_t i = 0; i < sizeof puzzled / sizeof puzzled[0]; i++) {
        names_kit k;
        reef_lookup *l = begin(&k, TWO);
        names_say(&k, first(&k), puzzled[i]);
        assert_int_equal(k.opens, 2);
        uint32_t link = first(&k);
        assert_false(k.links[link - NAMES_FIRST_LINK].query.edns);
        names_say(&k, link, RECORD);
        names_ready(l, "10.0.0.1", 7000);
        end(&k, l);
    }
    names_kit k;
    reef_lookup *l = begin(&k, ONE);
    names_say(&k, first(&k), "rcode 1");
    names_say(&k, first(&k), "rcode 1");
    names_failed(l, "does not understand the question about _redis.test (FORMERR)");
    assert_int_equal(k.opens, 2);
    end(&k, l);
}

static uint32_t stream(names_kit *k, uint32_t link)
{
    assert_false(k->links[link - NAMES_FIRST_LINK].datagram);
    return link;
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < 3; piece++) {
        names_kit k;
        reef_lookup *l = begin(&k, TWO);
        k.piece = piece;
        names_say(&k, first(&k), "tc; @ 30 SRV 1 1 1 partial.test");
        uint32_t link = stream(&k, first(&k));
        names_hear(&k, link, "id; @ 30 SRV 1 1 666 evil.test");
        names_hear(&k, link, RECORD);
        names_ready(l, "10.0.0.1", 7000);
        names_end(l);
        end(&k, l);
    }
}

/* The server that has more to say has its time before another is asked. */
static void test_truncated_is_an_answer(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_to(&k, 1200);
    names_say(&k, first(&k), "tc");
    stream(&k, first(&k));
    names_to(&k, 1200 + REEF_HEDGE_MS - 1);
    assert_int_equal(names_open(&k), 1);
    names_to(&k, 1200 + REEF_HEDGE_MS);
    second(&k);
    end(&k, l);
}

static void test_truncated_and_no_tcp(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_say(&k, first(&k), "tc");
    names_close(&k, stream(&k, first(&k)), ECONNREFUSED);
    names_say(&k, second(&k), RECORD); /* at once */
    assert_int_equal(k.now_ms, 1000);
    names_ready(l, "10.0.0.1", 7000);
    reef_lookup_free(k.resolver, l);
    names_stop(&k);
    l = begin(&k, ONE);
    names_say(&k, first(&k), "tc");
    names_to(&k, 20000);
    names_failed(l, "the answer of 10.9.9.1:53 about _redis.test is cut, and over TCP "
                    "there is none: is TCP port 53 open?");
    end(&k, l);
}

static void test_tcp_that_ends_early(void **state)
{
    (void)state;
    static const unsigned char no_message[] = {0, 11, 1, 2};
    static const unsigned char begun[] = {0, 40, 1};
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_say(&k, first(&k), "tc");
    uint32_t link = stream(&k, first(&k));
    names_bytes(&k, link, begun, sizeof begun);
    names_close(&k, link, 0);
    names_say(&k, second(&k), "tc");
    link = stream(&k, second(&k));
    names_bytes(&k, link, no_message, sizeof no_message);
    names_run(&k);
    names_failed(l, "is cut, and over TCP there is none");
    reef_lookup_free(k.resolver, l);
    names_stop(&k);
}

static void test_partial_sends(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, ONE);
    k.takes = 7;
    names_say(&k, first(&k), "tc");
    names_say(&k, stream(&k, first(&k)), RECORD);
    names_ready(l, "10.0.0.1", 7000);
    end(&k, l);
}

/* A datagram that fills its room may have been longer. */
static void test_cut_by_the_room(void **state)
{
    (void)state;
    names_kit k;
    names_message m;
    reef_lookup *l = begin(&k, ONE);
    uint32_t link = first(&k);
    names_build(&m, &k.links[link - NAMES_FIRST_LINK].query, RECORD);
    size_t pad = REEF_DNS_DATAGRAM_MAX - m.len - 20;
    char text[200];
    snprintf(text, sizeof text, RECORD "; pad %u", (unsigned)pad);
    names_build(&m, &k.links[link - NAMES_FIRST_LINK].query, text);
    assert_int_equal(m.len, REEF_DNS_DATAGRAM_MAX);
    names_say(&k, link, text);
    names_say(&k, stream(&k, first(&k)), RECORD);
    names_ready(l, "10.0.0.1", 7000);
    end(&k, l);
}

static void test_long_service_is_asked_over_tcp(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, TWO);
    names_say(&k, first(&k), RECORD "; pad 1000");
    names_say(&k, stream(&k, first(&k)),
              "@ 30 SRV 1 1 7001 r1.test; +r1.test 30 A 10.0.0.7; pad 1000");
    names_ready(l, "10.0.0.7", 7001);
    end(&k, l);
}

/* Whatever becomes of TCP, the answer that came is good enough, and soon. */
static void test_long_service_without_tcp(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        names_kit k;
        reef_lookup *l = begin(&k, TWO);
        names_say(&k, first(&k), RECORD "; pad 1000");
        uint32_t link = stream(&k, first(&k));
        if (how == 0)
            names_close(&k, link, ECONNREFUSED);
        else if (how == 1)
            names_say(&k, link, "rcode 2");
        else if (how == 2)
            names_to(&k, 1000 + REEF_HEDGE_MS);
        else
            names_close(&k, link, 0);
        names_ready(l, "10.0.0.1", 7000);
        assert_int_equal(k.opens, 2);
        reef_lookup_free(k.resolver, l);
        names_stop(&k);
    }
}

static void test_spare_at_the_deadline(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ONE);
    reef_lookup *l = names_look(&k, NAME, true, 100);
    names_say(&k, first(&k), RECORD "; pad 1000");
    names_to(&k, 1100);
    names_ready(l, "10.0.0.1", 7000);
    end(&k, l);
}

static void test_options_of_resolv_conf(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "");
    k.conf = "nameserver 10.8.8.1\nnameserver 10.8.8.2\n"
             "options use-vc trust-ad timeout:1 attempts:1 rotate\n";
    reef_lookup *l = names_look(&k, NAME, true, 20000);
    uint32_t link = stream(&k, names_asked(&k, "10.8.8.1:53", "SRV", NAME));
    assert_true(k.links[link - NAMES_FIRST_LINK].query.ad);
    names_to(&k, 2250);
    names_failed(l, "no answer about _redis.test from 10.8.8.1:53 or the 1 other");
    assert_int_equal(k.opens, 2);
    reef_lookup *next = names_look(&k, NAME, true, 20000);
    names_asked(&k, "10.8.8.2:53", "SRV", NAME); /* another one first */
    reef_lookup_free(k.resolver, next);
    end(&k, l);
}

static void test_shared(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *l = begin(&k, ONE);
    reef_lookup *other = names_look_fresh(&k, "_REDIS.test", true, 20000);
    assert_int_equal(k.opens, 1);
    names_say(&k, first(&k), "@ 0 SRV 1 1 7000 r1.test; +r1.test 0 A 10.0.0.1");
    names_ready(l, "10.0.0.1", 7000);
    names_ready(other, "10.0.0.1", 7000);
    reef_lookup_free(k.resolver, other);
    other = names_look(&k, NAME, true, 20000); /* 0 seconds: not for later ones */
    assert_int_equal(k.opens, 2);
    reef_lookup_free(k.resolver, l);
    names_run(&k);
    assert_int_equal(names_open(&k), 1);
    end(&k, other);
}

/* With 16 sockets for more questions than that, each has its turn. */
static void test_sockets_are_few(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *looks[REEF_LOOKUPS_MAX];
    bool asked[REEF_LOOKUPS_MAX] = {false};
    char name[32];
    names_start(&k, ONE);
    for (unsigned i = 0; i < REEF_LOOKUPS_MAX; i++) {
        snprintf(name, sizeof name, "_s%u.test", i);
        looks[i] = names_look(&k, name, true, 20000);
    }
    assert_null(names_look(&k, "_more.test", true, 1000));
    for (int64_t now_ms = 1000; now_ms < 3000; now_ms += 50) {
        names_to(&k, now_ms);
        assert_true(names_open(&k) <= REEF_EXCHANGES_MAX);
        for (unsigned i = 0; i < REEF_EXCHANGES_MAX; i++) {
            unsigned number = 0;
            if (k.links[i].asked && sscanf(k.links[i].query.name, "_s%u", &number) == 1)
                asked[number] = true;
        }
    }
    for (unsigned i = 0; i < REEF_LOOKUPS_MAX; i++) {
        assert_true(asked[i]);
        reef_lookup_free(k.resolver, looks[i]);
    }
    names_run(&k);
    assert_int_equal(k.opens, k.closes);
    names_stop(&k);
}

/* A socket that is let go is somebody else's in the same breath. */
static void test_socket_is_handed_on(void **state)
{
    (void)state;
    names_kit k;
    reef_lookup *looks[REEF_EXCHANGES_MAX + 1];
    char name[32];
    names_start(&k, ONE);
    for (unsigned i = 0; i <= REEF_EXCHANGES_MAX; i++) {
        snprintf(name, sizeof name, "_s%u.test", i);
        looks[i] = names_look(&k, name, true, 20000);
    }
    assert_int_equal(names_open(&k), REEF_EXCHANGES_MAX);
    names_say(&k, names_asked(&k, NS1, "SRV", "_s3.test"), "rcode 3");
    names_asked(&k, NS1, "SRV", name);
    for (unsigned i = 0; i <= REEF_EXCHANGES_MAX; i++)
        reef_lookup_free(k.resolver, looks[i]);
    names_stop(&k);
}

static void test_without_a_key(void **state)
{
    (void)state;
    names_kit k;
    reef_config config;
    names_start(&k, ONE);
    names_stop(&k);
    reef_config_init(&config);
    k.resolver = reef_resolver_new(&config, NAMES_FIRST_LINK);
    reef_lookup *l = names_look(&k, "redis.test", false, 1000);
    names_failed(l, "the system gave no random bytes");
    reef_lookup *local = names_look(&k, "localhost", false, 1000);
    names_ready(local, "127.0.0.1", NAMES_PORT);
    assert_int_equal(k.opens, 0);
    names_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_server_while_first_is_heard),
        cmocka_unit_test(test_silent_first_server),
        cmocka_unit_test(test_one_server_is_asked_again),
        cmocka_unit_test(test_ids_and_links_are_fresh),
        cmocka_unit_test(test_late_answer_of_an_earlier_attempt),
        cmocka_unit_test(test_failed_server_is_left_at_once),
        cmocka_unit_test(test_closed_port),
        cmocka_unit_test(test_most_telling_reason),
        cmocka_unit_test(test_all_silent),
        cmocka_unit_test(test_failed_is_out_for_good),
        cmocka_unit_test(test_not_an_answer),
        cmocka_unit_test(test_without_edns),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_truncated_is_an_answer),
        cmocka_unit_test(test_truncated_and_no_tcp),
        cmocka_unit_test(test_tcp_that_ends_early),
        cmocka_unit_test(test_partial_sends),
        cmocka_unit_test(test_cut_by_the_room),
        cmocka_unit_test(test_long_service_is_asked_over_tcp),
        cmocka_unit_test(test_long_service_without_tcp),
        cmocka_unit_test(test_spare_at_the_deadline),
        cmocka_unit_test(test_options_of_resolv_conf),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_sockets_are_few),
        cmocka_unit_test(test_socket_is_handed_on),
        cmocka_unit_test(test_without_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
