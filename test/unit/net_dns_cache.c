/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dns_cache.c: what is kept, for how long, and what goes first. */
#include "test/unit/resolve_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUTE = 1 };

static reef_dns_cache cache;

static reef_dns_name name_of(const char *text)
{
    reef_dns_name name;
    assert_true(reef_dns_name_parse(&name, reef_str_of(text)));
    return name;
}

/* What this answer to a question for the name becomes. */
static reef_records *records_of(const char *name, uint16_t type, const char *text,
                                uint32_t route)
{
    static names_message m;
    names_query query = {.id = 7, .type = type};
    reef_dns_question question = {.id = 7, .type = type, .name = name_of(name)};
    reef_dns_reading reading;
    snprintf(query.name, sizeof query.name, "%s", name);
    names_build(&m, &query, text);
    reading.message = (reef_str){(const char *)m.bytes, m.len};
    reading.room = malloc(reef_dns_room(m.len));
    assert_non_null(reading.room);
    reef_dns_decode(&reading.answer, reading.message, true, &question, reading.room);
    reef_records *records = reef_records_new(&reading, &question, route, "10.9.9.1:53");
    reef_dns_reading_free(&reading);
    memset(m.bytes, 0xEE, m.len);
    assert_non_null(records);
    return records;
}

static void put(const char *name, const char *text, int64_t now_ms)
{
    reef_records *records = records_of(name, REEF_DNS_A, text, ROUTE);
    reef_dns_cache_put(&cache, records, now_ms);
    reef_records_drop(records);
}

static bool there(const char *name, int64_t now_ms)
{
    reef_dns_name wire = name_of(name);
    reef_records *records = reef_dns_cache_find(
        &cache, &(reef_cache_wish){&wire, REEF_DNS_A, ROUTE, 0}, now_ms);
    bool found = records != NULL;
    reef_records_drop(records);
    return found;
}

static int clear(void **state)
{
    (void)state;
    reef_dns_cache_forget(&cache, UINT32_MAX);
    assert_int_equal(cache.bytes, 0);
    return 0;
}

static void test_records_are_a_copy(void **state)
{
    (void)state;
    char name[REEF_NAME_MAX + 1];
    reef_records *records = records_of(
        "_s.test", REEF_DNS_SRV,
        "@ 30 SRV 1 2 3 r1.test; @ 40 SRV 4 5 6 r2.test; +r2.test 9 A 10.0.0.2", ROUTE);
    const reef_dns_answer *answer = &records->answer;
    assert_int_equal(answer->outcome, REEF_DNS_OK);
    assert_int_equal(answer->srv_count, 2);
    assert_int_equal(answer->srv[1].port, 6);
    reef_dns_target_name(answer, records->message, answer->srv[1].target, name);
    assert_string_equal(name, "r2.test");
    assert_int_equal(answer->addresses[0].bytes[3], 2);
    assert_string_equal(records->server, "10.9.9.1:53");
    assert_ptr_equal(reef_records_hold(records), records);
    reef_records_drop(records);
    assert_int_equal(records->holders, 1);
    reef_records_drop(records);
    reef_records_drop(NULL);
    assert_null(reef_records_hold(NULL));
}

static void test_until_its_time(void **state)
{
    (void)state;
    put("a.test", "@ 30 A 10.0.0.1", 1000);
    assert_true(there("a.test", 1000));
    assert_true(there("A.TEST", 30999));
    assert_false(there("b.test", 1000));
    assert_false(there("a.test", 31000));
    assert_int_equal(cache.bytes, 0); /* found out of time, it goes */
}

static void test_limits_of_time(void **state)
{
    (void)state;
    put("a.test", "@ 0 A 10.0.0.1", 1000);
    assert_false(there("a.test", 1000));
    put("a.test", "@ 86400 A 10.0.0.1", 1000);
    assert_true(there("a.test", 1000 + 1000 * REEF_CACHE_TTL_MAX_S - 1));
    assert_false(there("a.test", 1000 + 1000 * REEF_CACHE_TTL_MAX_S));
    put("a.test", "@ 2147483648 A 10.0.0.1", 1000);
    assert_false(there("a.test", 1000));
}

static void test_denials(void **state)
{
    (void)state;
    put("a.test", "rcode 3; -test 60 SOA 20", 1000);
    assert_true(there("a.test", 20999));
    assert_false(there("a.test", 21000));
    put("a.test", "-test 10 SOA 20", 1000);
    assert_true(there("a.test", 10999));
    assert_false(there("a.test", 11000));
    put("a.test", "rcode 3", 1000);
    assert_false(there("a.test", 1000));
    put("a.test", "@ 30 CNAME b.test", 1000);
    assert_false(there("a.test", 1000));
    put("a.test", "rcode 2", 1000);
    assert_false(there("a.test", 1000));
}

/* What is newer takes the place, even where it may not be kept. */
static void test_newer(void **state)
{
    (void)state;
    put("a.test", "@ 30 A 10.0.0.1", 1000);
    put("a.test", "@ 30 A 10.0.0.2", 1000);
    reef_dns_name name = name_of("a.test");
    reef_records *records = reef_dns_cache_find(
        &cache, &(reef_cache_wish){&name, REEF_DNS_A, ROUTE, 0}, 1000);
    assert_int_equal(records->answer.addresses[0].bytes[3], 2);
    reef_records_drop(records);
    put("a.test", "@ 0 A 10.0.0.3", 1000);
    assert_false(there("a.test", 1000));
}

static void test_key(void **state)
{
    (void)state;
    reef_dns_name name = name_of("a.test");
    put("a.test", "@ 30 A 10.0.0.1", 1000);
    assert_null(reef_dns_cache_find(
        &cache, &(reef_cache_wish){&name, REEF_DNS_AAAA, ROUTE, 0}, 1000));
    assert_null(
        reef_dns_cache_find(&cache, &(reef_cache_wish){&name, REEF_DNS_A, 2, 0}, 1000));
    reef_records *other =
        records_of("a.test", REEF_DNS_A, "@ 30 A 10.0.0.2", REEF_ROUTE_SYSTEM);
    reef_dns_cache_put(&cache, other, 1000);
    reef_records_drop(other);
    reef_dns_cache_forget(&cache, REEF_ROUTE_SYSTEM);
    assert_null(reef_dns_cache_find(
        &cache, &(reef_cache_wish){&name, REEF_DNS_A, REEF_ROUTE_SYSTEM, 0}, 1000));
    assert_true(there("a.test", 1000));
}

static void test_the_longest_unused_goes(void **state)
{
    (void)state;
    char name[32];
    for (unsigned i = 0; i < REEF_CACHE_MAX; i++) {
        snprintf(name, sizeof name, "n%u.test", i);
        put(name, "@ 30 A 10.0.0.1", 1000);
    }
    assert_true(there("n0.test", 1000)); /* used: n1 is the oldest now */
    put("more.test", "@ 30 A 10.0.0.1", 1000);
    assert_false(there("n1.test", 1000));
    for (unsigned i = 2; i < REEF_CACHE_MAX; i++) {
        snprintf(name, sizeof name, "n%u.test", i);
        assert_true(there(name, 1000));
    }
    assert_true(there("n0.test", 1000) && there("more.test", 1000));
}

static void test_what_is_over_goes_first(void **state)
{
    (void)state;
    char name[32];
    for (unsigned i = 0; i < REEF_CACHE_MAX; i++) {
        snprintf(name, sizeof name, "n%u.test", i);
        put(name, i == 40 ? "@ 1 A 10.0.0.1" : "@ 30 A 10.0.0.1", 1000);
    }
    put("more.test", "@ 30 A 10.0.0.1", 2000);
    assert_true(there("n0.test", 2000) && !there("n40.test", 2000));
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    static char text[65536];
    size_t len = 0;
    for (unsigned i = 0; i < 900; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "@ 30 SRV 1 1 %u a%u.a-long-name-for-a-target.test; ",
                                i + 1, i);
    for (unsigned i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "_s%u.test", i);
        reef_records *records = records_of(name, REEF_DNS_SRV, text, ROUTE);
        assert_int_equal(records->answer.srv_count, 900);
        reef_dns_cache_put(&cache, records, 1000);
        assert_true(cache.bytes <= REEF_CACHE_BYTES);
        assert_true(cache.bytes >= records->size);
        reef_records_drop(records);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_records_are_a_copy, clear),
        cmocka_unit_test_teardown(test_until_its_time, clear),
        cmocka_unit_test_teardown(test_limits_of_time, clear),
        cmocka_unit_test_teardown(test_denials, clear),
        cmocka_unit_test_teardown(test_newer, clear),
        cmocka_unit_test_teardown(test_key, clear),
        cmocka_unit_test_teardown(test_the_longest_unused_goes, clear),
        cmocka_unit_test_teardown(test_what_is_over_goes_first, clear),
        cmocka_unit_test_teardown(test_memory_is_bounded, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
