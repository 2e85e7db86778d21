/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dns_query.c: queries, byte by byte. */
#include "net/dns.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static size_t query_for(unsigned char out[REEF_DNS_QUERY_MAX], const char *name,
                        bool edns, bool trust_ad)
{
    reef_dns_question question = {.id = 0xABCD, .type = REEF_DNS_SRV};
    assert_true(reef_dns_name_parse(&question.name, reef_str_of(name)));
    memset(out, 0xEE, REEF_DNS_QUERY_MAX);
    return reef_dns_query(out, &question, edns, trust_ad);
}

static void test_query_plain(void **state)
{
    (void)state;
    static const char wanted[] = "\xAB\xCD\x01\x00\0\x01\0\0\0\0\0\0"
                                 "\4_sea\7Example\0\0\x21\0\x01";
    unsigned char out[REEF_DNS_QUERY_MAX];
    size_t len = query_for(out, "_sea.Example", false, false);
    assert_int_equal(len, sizeof wanted - 1);
    assert_memory_equal(out, wanted, len);
    assert_int_equal(out[len], 0xEE);
}

static void test_query_edns(void **state)
{
    (void)state;
    static const char wanted[] = "\xAB\xCD\x01\x20\0\x01\0\0\0\0\0\x01"
                                 "\1a\0\0\x21\0\x01"
                                 "\0\0\x29\x04\xD0\0\0\0\0\0\0";
    unsigned char out[REEF_DNS_QUERY_MAX];
    size_t len = query_for(out, "a", true, true);
    assert_int_equal(len, sizeof wanted - 1);
    assert_memory_equal(out, wanted, len);
}

static void test_query_longest(void **state)
{
    (void)state;
    char name[254];
    unsigned char out[REEF_DNS_QUERY_MAX];
    memset(name, 'a', sizeof name);
    name[63] = name[127] = name[191] = '.';
    name[253] = '\0';
    assert_int_equal(query_for(out, name, true, false), REEF_DNS_QUERY_MAX);
    assert_int_equal(query_for(out, ".", false, false), 12 + 1 + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_plain),
        cmocka_unit_test(test_query_edns),
        cmocka_unit_test(test_query_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
