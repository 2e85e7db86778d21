/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dns.c: what an answer holds beyond what the vectors (net_dns_vectors) show, and
 * large messages. */
#include "net/dns.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* An answer to "_sea.reef" of type `type`, built record by record. */
typedef struct draft {
    unsigned char bytes[REEF_DNS_MESSAGE_MAX];
    size_t len;
    reef_dns_question question;
    reef_dns_answer answer;
    void *room;
} draft;

static void draft_put16(draft *d, uint32_t value)
{
    d->bytes[d->len++] = (unsigned char)(value >> 8);
    d->bytes[d->len++] = (unsigned char)value;
}

static void draft_put32(draft *d, uint32_t value)
{
    draft_put16(d, value >> 16);
    draft_put16(d, value & 0xFFFF);
}

static void draft_name(draft *d, const char *text)
{
    reef_dns_name name;
    assert_true(reef_dns_name_parse(&name, reef_str_of(text)));
    memcpy(d->bytes + d->len, name.bytes, name.len);
    d->len += name.len;
}

static draft *draft_new(uint16_t type, uint32_t flags)
{
    draft *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->question.id = 7;
    d->question.type = type;
    assert_true(reef_dns_name_parse(&d->question.name, reef_str_of("_sea.reef")));
    draft_put16(d, 7);
    draft_put16(d, flags);
    draft_put16(d, 1);
    d->len = 12;
    draft_name(d, "_sea.reef");
    draft_put16(d, type);
    draft_put16(d, 1);
    return d;
}

/* Counts a record in a section (0 answer, 1 authority, 2 additional) and writes it up
 * to its data. */
static void draft_record(draft *d, int section, uint32_t type, uint32_t ttl, size_t len)
{
    unsigned char *count = d->bytes + 6 + 2 * section;
    uint32_t next = ((uint32_t)count[0] << 8 | count[1]) + 1;
    count[0] = (unsigned char)(next >> 8);
    count[1] = (unsigned char)next;
    draft_put16(d, type);
    draft_put16(d, 1);
    draft_put32(d, ttl);
    draft_put16(d, (uint32_t)len);
}

static void draft_srv(draft *d, const char *target, uint32_t port, uint32_t ttl)
{
    draft_put16(d, 0xC00C);
    draft_record(d, 0, REEF_DNS_SRV, ttl, 6 + strlen(target) + 2);
    draft_put16(d, 1);
    draft_put16(d, 2);
    draft_put16(d, port);
    draft_name(d, target);
}

static void draft_address(draft *d, int section, const char *owner, uint32_t address,
                          uint32_t ttl)
{
    draft_name(d, owner);
    draft_record(d, section, REEF_DNS_A, ttl, 4);
    draft_put32(d, address);
}

static const reef_dns_answer *draft_read(draft *d, bool tcp)
{
    size_t room = reef_dns_room(d->len);
    char *exact = malloc(d->len);
    free(d->room);
    d->room = malloc(room);
    assert_non_null(d->room);
    assert_non_null(exact);
    memset(d->room, 0xA5, room);
    memset(&d->answer, 0xA5, sizeof d->answer);
    memcpy(exact, d->bytes, d->len);
    reef_dns_decode(&d->answer, (reef_str){exact, d->len}, tcp, &d->question, d->room);
    free(exact);
    return &d->answer;
}

static void draft_free(draft *d)
{
    free(d->room);
    free(d);
}

static void target_is(const draft *d, uint32_t target, const char *name)
{
    char out[REEF_NAME_MAX + 1];
    reef_str message = {(const char *)d->bytes, d->len};
    reef_dns_target_name(&d->answer, message, target, out);
    assert_string_equal(out, name);
    assert_int_equal(d->answer.targets[target].len, strlen(name) + 2);
}

static void test_answer_ok(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8180);
    draft_srv(d, "One.reef", 6379, 60);
    draft_srv(d, "two.reef", 6380, 50);
    draft_srv(d, "one.reef", 6381, 70);
    draft_address(d, 2, "two.reef", 0x0A000002, 40);
    draft_address(d, 2, "one.REEF", 0x0A000001, 80);
    draft_address(d, 2, "two.reef", 0x0A000003, 80);
    draft_address(d, 2, "other.reef", 0x0A000009, 1);
    const reef_dns_answer *a = draft_read(d, false);
    assert_int_equal(a->outcome, REEF_DNS_OK);
    assert_true(a->has_rcode);
    assert_int_equal(a->rcode, 0);
    assert_false(a->edns);
    assert_false(a->partial);
    assert_false(a->negative);
    assert_int_equal(a->ttl, 40);
    assert_int_equal(a->bare_ttl, 50);
    assert_int_equal(a->srv_count, 3);
    assert_int_equal(a->target_count, 2);
    assert_int_equal(a->address_count, 3);
    assert_int_equal(a->srv[0].target, 0);
    assert_int_equal(a->srv[1].target, 1);
    assert_int_equal(a->srv[2].target, 0);
    assert_int_equal(a->srv[2].port, 6381);
    assert_int_equal(a->srv[2].priority, 1);
    assert_int_equal(a->srv[2].weight, 2);
    assert_int_equal(a->srv[2].ttl, 70);
    target_is(d, 0, "one.reef");
    target_is(d, 1, "two.reef");
    assert_int_equal(a->targets[0].addresses, 1);
    assert_int_equal(a->targets[1].addresses, 2);
    assert_int_equal(a->addresses[0].target, 1);
    assert_int_equal(a->addresses[0].len, 4);
    assert_memory_equal(a->addresses[0].bytes, "\x0A\0\0\2", 4);
    draft_free(d);
}

static void test_answer_addresses(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_A, 0x8180);
    draft_address(d, 0, "_sea.reef", 0x0A000001, 60);
    draft_address(d, 0, "_sea.reef", 0x0A000002, 30);
    const reef_dns_answer *a = draft_read(d, false);
    assert_int_equal(a->outcome, REEF_DNS_OK);
    assert_int_equal(a->address_count, 2);
    assert_int_equal(a->srv_count, 0);
    assert_int_equal(a->target_count, 0);
    assert_int_equal(a->addresses[1].target, 0);
    assert_int_equal(a->ttl, 30);
    assert_int_equal(a->bare_ttl, 30);
    draft_free(d);
}

/* What does not belong to an outcome is not there. */
static void test_answer_tidy(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8182);
    draft_srv(d, "one.reef", 6379, 60);
    draft_put16(d, 0xC00C);
    draft_record(d, 1, 6, 60, 22);
    draft_put16(d, 0);
    for (size_t i = 0; i < 5; i++)
        draft_put32(d, 5);
    const reef_dns_answer *a = draft_read(d, false);
    assert_int_equal(a->outcome, REEF_DNS_SERVFAIL);
    assert_int_equal(a->rcode, 2);
    assert_true(a->has_rcode);
    assert_int_equal(a->srv_count + a->target_count + a->address_count, 0);
    assert_int_equal(a->ttl + a->bare_ttl + a->negative_ttl, 0);
    assert_false(a->negative);
    assert_int_equal(a->alias.len, 0);
    d->bytes[3] = 0x83;
    a = draft_read(d, false);
    assert_int_equal(a->outcome, REEF_DNS_NXDOMAIN);
    assert_true(a->negative);
    assert_int_equal(a->negative_ttl, 5);
    draft_free(d);
}

/* Records of the right type, and only another name's. */
static void test_answer_unowned(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_A, 0x8180);
    assert_int_equal(draft_read(d, false)->outcome, REEF_DNS_NODATA);
    assert_false(d->answer.unowned);
    draft_address(d, 0, "sea.reef", 0x0A000001, 60);
    assert_int_equal(draft_read(d, false)->outcome, REEF_DNS_NODATA);
    assert_true(d->answer.unowned);
    draft_address(d, 0, "_sea.reef", 0x0A000002, 60);
    assert_int_equal(draft_read(d, false)->outcome, REEF_DNS_OK);
    assert_false(d->answer.unowned);
    assert_int_equal(d->answer.address_count, 1);
    draft_free(d);
}

static void test_answer_alias(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8180);
    reef_dns_name alias;
    draft_put16(d, 0xC00C);
    draft_record(d, 0, 5, 60, 7);
    draft_name(d, "X.sea");
    const reef_dns_answer *a = draft_read(d, false);
    assert_int_equal(a->outcome, REEF_DNS_CNAME);
    assert_true(reef_dns_name_parse(&alias, reef_str_of("x.sea")));
    assert_int_equal(a->alias.len, alias.len);
    assert_memory_equal(a->alias.bytes, alias.bytes, alias.len);
    draft_free(d);
}

static void test_answer_flags(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8380);
    draft_srv(d, "one.reef", 6379, 60);
    d->bytes[d->len++] = 0;
    draft_record(d, 2, 41, 0, 0);
    assert_int_equal(draft_read(d, false)->outcome, REEF_DNS_TRUNCATED);
    assert_true(d->answer.edns);
    assert_int_equal(draft_read(d, true)->outcome, REEF_DNS_OK);
    assert_true(d->answer.partial);
    d->len = 12;
    d->bytes[3] = 0x85;
    d->bytes[5] = 0;
    assert_int_equal(draft_read(d, false)->outcome, REEF_DNS_REFUSED);
    assert_false(d->answer.has_rcode);
    draft_free(d);
}

/* Nobody who has no question gets an answer; nothing is longer than a message. */
static void test_answer_no_question(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8180);
    draft_srv(d, "one.reef", 6379, 60);
    d->question.name.len = 0;
    assert_int_equal(draft_read(d, false)->outcome, REEF_DNS_IGNORE);
    draft_free(d);
    reef_dns_answer answer;
    reef_dns_question question = {.id = 0};
    static const char nothing[REEF_DNS_MESSAGE_MAX + 1];
    reef_str message = {nothing, sizeof nothing};
    reef_dns_decode(&answer, message, true, &question, NULL);
    assert_int_equal(answer.outcome, REEF_DNS_MALFORMED);
    reef_dns_decode(&answer, message, false, &question, NULL);
    assert_int_equal(answer.outcome, REEF_DNS_IGNORE);
}

/* ---- large messages: all that fits, none taken for a crowd --------------------- */

static void name_of(char out[16], uint32_t i)
{
    memcpy(out, "n0000.sea", 10);
    for (size_t at = 4; at > 0; i /= 10)
        out[at--] = (char)('0' + i % 10);
}

static void test_large_targets(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8180);
    enum { LARGE_TARGETS = 1300 };
    char name[16];
    for (uint32_t i = 0; i < LARGE_TARGETS; i++) {
        name_of(name, i);
        draft_srv(d, name, 7000, 60);
    }
    for (uint32_t i = 0; i < 700; i++) {
        name_of(name, i);
        draft_address(d, 2, name, 0x0A000000 + i, 60);
    }
    const reef_dns_answer *a = draft_read(d, true);
    assert_int_equal(a->outcome, REEF_DNS_OK);
    assert_int_equal(a->srv_count, LARGE_TARGETS);
    assert_int_equal(a->target_count, LARGE_TARGETS);
    assert_int_equal(a->address_count, 700);
    name_of(name, LARGE_TARGETS - 1);
    target_is(d, LARGE_TARGETS - 1, name);
    draft_free(d);
}

/* One target at all ports, each twice; one target with all addresses, each twice. */
static void test_large_one_target(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8180);
    for (uint32_t i = 0; i < 2000; i++)
        draft_srv(d, "a", 1 + i / 2, 60);
    assert_int_equal(draft_read(d, true)->srv_count, 1000);
    assert_int_equal(d->answer.target_count, 1);
    draft_free(d);
    d = draft_new(REEF_DNS_SRV, 0x8180);
    draft_srv(d, "a", 1, 60);
    for (uint32_t i = 0; i < 3000; i++)
        draft_address(d, 2, "a", 0x0A000000 + i / 2, 60);
    assert_int_equal(draft_read(d, true)->address_count, 1500);
    assert_int_equal(d->answer.targets[0].addresses, 1500);
    draft_free(d);
}

/* As many of the smallest records as a message holds. */
static void test_large_smallest(void **state)
{
    (void)state;
    draft *d = draft_new(REEF_DNS_SRV, 0x8180);
    uint32_t count = 0;
    for (; d->len + REEF_DNS_RECORD_MIN <= REEF_DNS_MESSAGE_MAX; count++) {
        d->bytes[d->len++] = 0;
        draft_record(d, (int)(count % 3), 16, 60, 0);
    }
    assert_true(count > 5900);
    assert_int_equal(draft_read(d, true)->outcome, REEF_DNS_NODATA);
    draft_free(d);
}

static void test_outcome_names(void **state)
{
    (void)state;
    assert_string_equal(reef_dns_outcome_name(REEF_DNS_IGNORE), "ignore");
    assert_string_equal(reef_dns_outcome_name(REEF_DNS_CNAME_LOOP), "cname_loop");
    assert_string_equal(reef_dns_outcome_name(REEF_DNS_UNAVAILABLE), "unavailable");
    assert_string_equal(reef_dns_outcome_name(REEF_DNS_RCODE), "rcode");
    for (int i = REEF_DNS_IGNORE; i <= REEF_DNS_RCODE; i++)
        assert_true(strlen(reef_dns_outcome_name((reef_dns_outcome)i)) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_ok),
        cmocka_unit_test(test_answer_addresses),
        cmocka_unit_test(test_answer_tidy),
        cmocka_unit_test(test_answer_unowned),
        cmocka_unit_test(test_answer_alias),
        cmocka_unit_test(test_answer_flags),
        cmocka_unit_test(test_answer_no_question),
        cmocka_unit_test(test_large_targets),
        cmocka_unit_test(test_large_one_target),
        cmocka_unit_test(test_large_smallest),
        cmocka_unit_test(test_outcome_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
