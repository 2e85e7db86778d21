/* SPDX-License-Identifier: Apache-2.0
 *
 * net/resolve_words.c: what is said of names, servers and addresses. What is said of
 * each outcome stands in the tests of who says it. */
#include "test/unit/resolve_kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include "test/unit/resp_help.h"

#define LABEL "a-label-of-sixty-three-bytes-is-as-long-as-a-label-may-ever-be"
#define LONG LABEL "." LABEL "." LABEL "." LABEL

static void test_addresses(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "::",
        "::1",
        "1::",
        "fd00::1",
        "1:2:3:4:5:6:7:8",
        "1::3:4:5:6:7:8", /* one group of zeros alone: see below */
        "2001:db8::1:0:0:1",
        "2001:0:0:1::1",
        "1:2:3:4:5:6::",
        "::2:3:4:5:6:7",
    };
    char out[REEF_RESOLV_ADDRESS];
    unsigned char bytes[16];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(inet_pton(AF_INET6, texts[i], bytes), 1);
        reef_address_text(out, bytes, 16);
        assert_string_equal(out, i == 5 ? "1:0:3:4:5:6:7:8" : texts[i]);
    }
    reef_address_text(out, (const unsigned char *)"\xff\x00\x01\x0a", 4);
    assert_string_equal(out, "255.0.1.10");
}

/* Whatever the bytes, the text leads back to them. */
static void test_addresses_lead_back(void **state)
{
    (void)state;
    uint64_t seed = 5;
    char out[REEF_RESOLV_ADDRESS];
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[16], back[16];
        for (size_t i = 0; i < 16; i += 2) {
            uint64_t value = help_random(&seed);
            bytes[i] = value & 4 ? 0 : (unsigned char)(value >> 8);
            bytes[i + 1] = value & 6 ? 0 : (unsigned char)(value >> 16);
        }
        reef_address_text(out, bytes, 16);
        assert_int_equal(inet_pton(AF_INET6, out, back), 1);
        assert_memory_equal(back, bytes, 16);
        assert_true(reef_address_literal(out));
    }
}

static void test_names_are_cut(void **state)
{
    (void)state;
    assert_string_equal(reef_words_cut("redis.test").text, "redis.test");
    reef_words_name cut = reef_words_cut(LONG);
    assert_int_equal(strlen(cut.text), REEF_WORDS_NAME + 3);
    assert_string_equal(cut.text + REEF_WORDS_NAME, "...");
    assert_memory_equal(cut.text, LONG, REEF_WORDS_NAME);
}

/* Bytes of a name that a terminal would obey are spelled out. */
static void test_names_are_harmless(void **state)
{
    (void)state;
    reef_dns_name name;
    assert_true(reef_dns_name_parse(&name, reef_str_of("a\\027b\\.c.test")));
    assert_string_equal(reef_words_of(&name).text, "a\\027b\\.c.test");
}

static void expect_short(const reef_error *why, const char *begins)
{
    assert_int_equal(why->code, REEF_DNS);
    assert_true(strlen(why->text) < sizeof why->text - 1);
    if (strstr(why->text, begins) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", begins, why->text);
}

/* Long names and servers leave room for what matters. */
static void test_long_sentences_are_whole(void **state)
{
    (void)state;
    reef_ask ask = {.server_count = 16, .began_ms = 5};
    reef_exchange x = {.ask = &ask, .tcp = true};
    reef_error why;
    assert_true(reef_dns_name_parse(&ask.question.name, reef_str_of(LONG)));
    snprintf(ask.servers[0].address, sizeof ask.servers[0].address,
             "fe80:1111:2222:3333:4444:5555:6666:7777%%a-long-interface-name");
    ask.servers[0].port = 65535;
    reef_words_silent(&why, &ask, 30000, REEF_QUIET_LATE);
    expect_short(&why, "15 other nameservers in 29995 ms, and the time for it is over");
    reef_words_unreachable(&why, &ask, &x, ECONNREFUSED);
    expect_short(&why, "over TCP there is none: is TCP port 65535 open?");
    assert_int_equal(why.sys_errno, ECONNREFUSED);
    ask.tcp = true;
    reef_words_unreachable(&why, &ask, &x, 9999);
    expect_short(&why, "system error 9999");
    for (int outcome = REEF_DNS_IGNORE; outcome <= REEF_DNS_RCODE; outcome++) {
        reef_dns_answer answer = {.outcome = (reef_dns_outcome)outcome, .rcode = 4095};
        reef_words_said(&why, &ask, 0, &answer);
        expect_short(&why, "fe80:1111:");
    }
}

static void test_outcomes_behind_an_alias(void **state)
{
    (void)state;
    reef_records records = {.server =
                                "[fe80:1111:2222:3333:4444:5555:6666:7777]:65535"};
    reef_leg leg = {.records = &records, .name_count = 2};
    reef_error why;
    assert_true(reef_dns_name_parse(&leg.names[0], reef_str_of(LONG)));
    assert_true(reef_dns_name_parse(&leg.names[1], reef_str_of("b." LABEL)));
    for (int outcome = REEF_DNS_IGNORE; outcome <= REEF_DNS_RCODE; outcome++) {
        records.answer.outcome = (reef_dns_outcome)outcome;
        leg.type = outcome % 2 ? REEF_DNS_SRV : REEF_DNS_A;
        reef_words_outcome(&why, &leg);
        assert_int_equal(why.code, REEF_DNS);
        expect_short(&why, "b.a-label");
    }
}

static void test_what_was_said_counts_more_than_silence(void **state)
{
    (void)state;
    reef_ask ask = {.server_count = 1, .grief = REEF_GRIEF_SILENT};
    reef_error why;
    assert_true(reef_dns_name_parse(&ask.question.name, reef_str_of("redis.test")));
    snprintf(ask.servers[0].address, sizeof ask.servers[0].address, "10.9.9.1");
    ask.servers[0].port = 53;
    reef_words_waiting(&why, &ask, 80, REEF_QUIET_YET);
    assert_string_equal(why.text,
                        "no answer about redis.test from 10.9.9.1:53 in 80 ms so far");
    ask.grief = REEF_GRIEF_SAID;
    reef_words_put(&ask.why, "said");
    reef_words_waiting(&why, &ask, 80, REEF_QUIET_YET);
    assert_string_equal(why.text, "said");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_lead_back),
        cmocka_unit_test(test_names_are_cut),
        cmocka_unit_test(test_names_are_harmless),
        cmocka_unit_test(test_long_sentences_are_whole),
        cmocka_unit_test(test_outcomes_behind_an_alias),
        cmocka_unit_test(test_what_was_said_counts_more_than_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
