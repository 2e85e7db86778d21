/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dns_name.c: names as text and in messages, and the numbers of a message's
 * names. */
#include "net/dns_name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ---- text --------------------------------------------------------------------- */

static void parses(const char *text, const char *bytes, size_t len)
{
    reef_dns_name name;
    assert_true(reef_dns_name_parse(&name, reef_str_of(text)));
    assert_int_equal(name.len, len);
    assert_memory_equal(name.bytes, bytes, len);
}

static void test_parse(void **state)
{
    (void)state;
    parses(".", "", 1);
    parses("a", "\1a", 3);
    parses("a.", "\1a", 3);
    parses("redis.Example", "\5redis\7Example", 15);
    parses("a\\.b.c", "\3a.b\1c", 7);
    parses("\\000\\255\\046", "\3\0\377.", 5);
    parses("\\\\\\x", "\2\\x", 4);
    parses("a b", "\3a b", 5);
}

static void test_parse_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "..",    ".a",     "a..",    "a..b",
                                        "\\",    "a\\",   "\\1",    "\\12",   "\\1x2",
                                        "\\256", "\\999", "a.\\25", "\\12.a", "..a"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        reef_dns_name name;
        assert_false(reef_dns_name_parse(&name, reef_str_of(texts[i])));
        assert_int_equal(name.len, 0);
    }
}

/* A label of 63 bytes and a name of 255 are the longest. */
static void test_parse_limits(void **state)
{
    (void)state;
    reef_dns_name name;
    char text[300];
    memset(text, 'a', sizeof text);
    assert_true(reef_dns_name_parse(&name, (reef_str){text, 63}));
    assert_int_equal(name.len, 65);
    assert_false(reef_dns_name_parse(&name, (reef_str){text, 64}));
    text[63] = text[127] = text[191] = '.';
    assert_true(reef_dns_name_parse(&name, (reef_str){text, 253}));
    assert_int_equal(name.len, 255);
    assert_false(reef_dns_name_parse(&name, (reef_str){text, 254}));
    for (size_t i = 1; i < 300; i += 2)
        text[i] = '.';
    assert_true(reef_dns_name_parse(&name, (reef_str){text, 254}));
    assert_int_equal(name.len, 255);
    assert_false(reef_dns_name_parse(&name, (reef_str){text, 255}));
}

static void spelled(const char *text, const char *again)
{
    reef_dns_name name;
    char out[REEF_DNS_TEXT_MAX];
    assert_true(reef_dns_name_parse(&name, reef_str_of(text)));
    assert_int_equal(reef_dns_name_text(&name, out), strlen(again));
    assert_string_equal(out, again);
}

static void test_text(void **state)
{
    (void)state;
    spelled(".", ".");
    spelled("a.", "a");
    spelled("Redis.example.", "Redis.example");
    spelled("a\\.b.c", "a\\.b.c");
    spelled("\\\\", "\\\\");
    spelled("a b\\009\\127\\200", "a\\032b\\009\\127\\200");
    spelled("_a-b~!", "_a-b~!");
    spelled("\\097", "a");
}

/* 250 bytes in four labels, each of them escaped. */
static void test_text_longest(void **state)
{
    (void)state;
    reef_dns_name name = {.len = 255};
    char out[REEF_DNS_TEXT_MAX];
    static const size_t sizes[] = {63, 63, 63, 61};
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        name.bytes[at++] = (unsigned char)sizes[i];
        memset(name.bytes + at, 0xFE, sizes[i]);
        at += sizes[i];
    }
    name.bytes[at] = 0;
    assert_int_equal(reef_dns_name_text(&name, out), 250 * 4 + 3);
    reef_dns_name again;
    assert_true(reef_dns_name_parse(&again, reef_str_of(out)));
    assert_true(reef_dns_name_equal(&name, &again));
}

static bool alike(const char *a, const char *b)
{
    reef_dns_name x, y;
    assert_true(reef_dns_name_parse(&x, reef_str_of(a)));
    assert_true(reef_dns_name_parse(&y, reef_str_of(b)));
    assert_true(reef_dns_name_equal(&x, &y) == reef_dns_name_equal(&y, &x));
    return reef_dns_name_equal(&x, &y);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(alike("Redis.EXAMPLE", "rEDIS.example."));
    assert_true(alike(".", "."));
    assert_false(alike("a", "b"));
    assert_false(alike("a.b", "a\\.b"));
    assert_false(alike("a", "a.a"));
    assert_false(alike("@", "`"));
    assert_false(alike("[", "{"));
    assert_false(alike("\\193", "\\225"));
}

/* ---- numbers ------------------------------------------------------------------ */

typedef struct table {
    reef_dns_names names;
    void *room;
} table;

static table table_of(const char *bytes, size_t len, uint32_t records)
{
    table t = {.room = malloc(reef_dns_names_room(len, records))};
    assert_non_null(t.room);
    memset(t.room, 0xA5, reef_dns_names_room(len, records));
    reef_dns_names_begin(&t.names, (reef_str){bytes, len}, records, t.room);
    return t;
}

static uint16_t number_at(table *t, size_t at, size_t end)
{
    uint16_t name = reef_dns_names_read(&t->names, &at);
    assert_int_equal(at, end);
    return name;
}

static bool broken_at(table *t, size_t at)
{
    return reef_dns_names_read(&t->names, &at) == REEF_DNS_NOWHERE;
}

/* Twelve bytes of a header stand before every message. */
#define HEADER "hhhhhhhhhhhh"

static void test_numbers(void **state)
{
    (void)state;
    static const char bytes[] = HEADER "\1b\3net\0"    /* 12 b, 14 net, 18 root */
                                       "\1a\300\14"    /* 19 a.b.net */
                                       "\300\16"       /* 23 net */
                                       "\1A\1B\3NET\0" /* 25, 27, 29 */
                                       "\300\23"       /* 34 a.b.net */
                                       "\1b\300\16"    /* 36 b.net */
                                       "\1b\0"         /* 40 b */
                                       "\300\22";      /* 43 the root */
    table t = table_of(bytes, sizeof bytes - 1, 1);
    uint16_t b = number_at(&t, 12, 19);
    uint16_t a = number_at(&t, 19, 23);
    uint16_t net = number_at(&t, 23, 25);
    assert_int_equal(number_at(&t, 25, 34), a);
    assert_int_equal(number_at(&t, 34, 36), a);
    assert_int_equal(number_at(&t, 36, 40), b);
    assert_int_not_equal(number_at(&t, 40, 43), b);
    assert_int_equal(number_at(&t, 43, 45), REEF_DNS_ROOT);
    assert_int_equal(t.names.nodes[a].parent, b);
    assert_int_equal(t.names.nodes[b].parent, net);
    assert_int_equal(t.names.nodes[net].parent, REEF_DNS_ROOT);
    assert_int_equal(t.names.nodes[a].len, 9);
    assert_true(reef_dns_names_within(&t.names, a, a));
    assert_true(reef_dns_names_within(&t.names, a, net));
    assert_true(reef_dns_names_within(&t.names, a, REEF_DNS_ROOT));
    assert_false(reef_dns_names_within(&t.names, net, a));
    free(t.room);
}

/* Labels of every size, alike but for the last byte or for a capital letter. */
static void test_numbers_labels(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 63; size++) {
        char bytes[12 + 3 * 65] = HEADER;
        for (size_t i = 0; i < 3; i++) {
            char *label = bytes + 12 + i * (size + 2);
            label[0] = (char)size;
            memset(label + 1, i == 1 ? 'X' : 'x', size);
            label[size + 1] = '\0';
        }
        size_t end = 12 + 3 * (size + 2);
        bytes[end - 2] = 'y';
        table t = table_of(bytes, end, 1);
        uint16_t first = number_at(&t, 12, 12 + size + 2);
        assert_int_equal(number_at(&t, 12 + size + 2, 12 + 2 * (size + 2)), first);
        assert_int_not_equal(number_at(&t, 12 + 2 * (size + 2), end), first);
        free(t.room);
    }
}

static void test_numbers_broken(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"", 0},           {"\1", 1},         {"\1a", 2},         {"\2a", 2},
        {"\300", 1},       {"\300\13", 2},    {"\300\14", 2},     {"\300\15", 2},
        {"\1a\300\14", 4}, {"\1a\300\16", 4}, {"\100a", 2},       {"\200a", 2},
        {"\277a", 2},      {"\1a\300", 3},    {"\1a\377\377", 4}, {"\77a", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *exact = malloc(12 + cases[i].len);
        assert_non_null(exact);
        memcpy(exact, HEADER, 12);
        memcpy(exact + 12, cases[i].bytes, cases[i].len);
        table t = table_of(exact, 12 + cases[i].len, 1);
        assert_true(broken_at(&t, 12));
        free(t.room);
        free(exact);
    }
}

/* What may be entered at its second label may not at its first, and that not only when
 * it is read for the first time. */
static void test_numbers_pieces(void **state)
{
    (void)state;
    static const char bytes[] = HEADER "\1k\0"           /* 12 */
                                       "\1p\1q\300\21"   /* 15 p, 17 q, 19: to 17 */
                                       "\1u\1v\300\14"   /* 21 u, 23 v, 25: to 12 */
                                       "\300\27\300\25"; /* 27 v.k, 29 u.v.k */
    table t = table_of(bytes, sizeof bytes - 1, 1);
    assert_true(broken_at(&t, 15));
    assert_true(broken_at(&t, 17));
    uint16_t v = number_at(&t, 27, 29);
    uint16_t u = number_at(&t, 29, 31);
    assert_int_equal(t.names.nodes[u].parent, v);
    free(t.room);
}

enum { TINY = 6 }; /* bytes of a name with one label of four letters */

static void tiny_name(char *at, size_t number)
{
    at[0] = 4;
    for (size_t i = 1; i <= 4; i++, number /= 20)
        at[i] = (char)('a' + number % 20);
    at[5] = '\0';
}

/* How many of so many names behind a header can be read. */
static uint32_t tiny_reads(const char *bytes, uint32_t count, uint32_t records)
{
    size_t at = 12;
    uint32_t read = 0;
    table t = table_of(bytes, 12 + count * TINY, records);
    while (read < count && reef_dns_names_read(&t.names, &at) != REEF_DNS_NOWHERE)
        read++;
    free(t.room);
    return read;
}

/* However few records they are said to belong to. */
static void test_numbers_many(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    char *bytes = malloc(12 + MANY * TINY);
    assert_non_null(bytes);
    memcpy(bytes, HEADER, 12);
    for (size_t i = 0; i < MANY; i++)
        tiny_name(bytes + 12 + i * TINY, i);
    assert_int_equal(tiny_reads(bytes, MANY, 1), MANY);
    assert_int_equal(tiny_reads(bytes, MANY, MANY / 2), MANY);
    free(bytes);
}

/* Adds to `crowd` those of `count` names, from `first` on, that are in the lowest of
 * 256 buckets: of more buckets those with the lowest numbers. */
static uint32_t crowd_sift(char *crowd, size_t first, uint32_t count)
{
    char *bytes = malloc(12 + count * TINY);
    uint32_t found = 0;
    assert_non_null(bytes);
    memcpy(bytes, HEADER, 12);
    for (size_t i = 0; i < count; i++)
        tiny_name(bytes + 12 + i * TINY, first + i);
    table t = table_of(bytes, 12 + count * TINY, 1);
    size_t lowest = ((size_t)1 << (64 - t.names.shift)) / 256;
    for (size_t at = 12; at < 12 + count * TINY;)
        assert_int_not_equal(reef_dns_names_read(&t.names, &at), REEF_DNS_NOWHERE);
    for (size_t b = 0; b < lowest; b++)
        for (uint16_t i = t.names.buckets[b]; i != 0; i = t.names.nodes[i].next)
            memcpy(crowd + TINY * found++, bytes + t.names.nodes[i].at, TINY);
    free(t.room);
    free(bytes);
    return found;
}

/* Names made to fall into one bucket are refused, not searched at length; and nothing
 * new is read after that, wherever it falls. */
static void test_numbers_crowd(void **state)
{
    (void)state;
    enum { PART = 8000, PARTS = 19 }; /* there are 20 such parts */
    char *bytes = malloc(12 + PART * PARTS * TINY);
    assert_non_null(bytes);
    memcpy(bytes, HEADER, 12);
    uint32_t count = 0;
    for (size_t i = 0; i < PARTS; i++)
        count += crowd_sift(bytes + 12 + count * TINY, i * PART, PART);
    assert_in_range(count, 400, 900);
    uint32_t read = tiny_reads(bytes, count, 1);
    assert_in_range(read, 50, count / 2);
    for (uint32_t i = read + 1; i < count; i++)
        tiny_name(bytes + 12 + i * TINY, PART * PARTS + i);
    assert_int_equal(tiny_reads(bytes, count, 1), read);
    table t = table_of(bytes, 12 + count * TINY, 1);
    size_t at = 12;
    for (uint32_t i = 0; i < read; i++)
        reef_dns_names_read(&t.names, &at);
    for (uint32_t i = read; i < count; i++)
        assert_true(broken_at(&t, 12 + i * TINY));
    free(t.room);
    free(bytes);
}

static bool is_host(table *t, size_t at, size_t end)
{
    return reef_dns_names_host(&t->names, number_at(t, at, end));
}

static void test_host(void **state)
{
    (void)state;
    static const char good[] = HEADER "\1a\3b-c\4_d_9\0\300\16\300\14\0";
    static const char bad[] = HEADER "\1a\2-b\1c\0\300\16\300\21\1d\300\16";
    table t = table_of(good, sizeof good - 1, 1);
    assert_true(is_host(&t, 12, 24));
    assert_true(is_host(&t, 24, 26));
    assert_true(is_host(&t, 26, 28));
    assert_true(is_host(&t, 28, 29));
    free(t.room);
    t = table_of(bad, sizeof bad - 1, 1);
    assert_false(is_host(&t, 12, 20));
    assert_false(is_host(&t, 20, 22));
    assert_true(is_host(&t, 22, 24));
    assert_false(is_host(&t, 24, 28));
    free(t.room);
}

/* Each byte first, last and in between. */
static void test_host_bytes(void **state)
{
    (void)state;
    static const char good[] = "0123456789_abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int byte = 0; byte < 256; byte++) {
        char bytes[] = HEADER "\3?ab\0\3a?b\0\3ab?\0\1?\0";
        bytes[13] = bytes[19] = bytes[25] = bytes[28] = (char)byte;
        table t = table_of(bytes, sizeof bytes - 1, 1);
        bool ok = byte != 0 && strchr(good, byte) != NULL;
        assert_int_equal(is_host(&t, 12, 17), ok);
        assert_int_equal(is_host(&t, 17, 22), ok || byte == '-');
        assert_int_equal(is_host(&t, 22, 27), ok);
        assert_int_equal(is_host(&t, 27, 30), ok);
        free(t.room);
    }
}

static void test_expand(void **state)
{
    (void)state;
    static const char bytes[] = HEADER "\1B\0\1a\300\14\300\22\2x";
    reef_dns_name name;
    char text[REEF_DNS_TEXT_MAX];
    reef_dns_name_expand(&name, (reef_str){bytes, sizeof bytes - 1}, 15);
    reef_dns_name_text(&name, text);
    assert_string_equal(text, "a.b");
    for (size_t at = 19; at <= sizeof bytes; at++) {
        reef_dns_name_expand(&name, (reef_str){bytes, sizeof bytes - 1}, at);
        assert_int_equal(name.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),          cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_parse_limits),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_longest),   cmocka_unit_test(test_equal),
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_numbers_labels),
        cmocka_unit_test(test_numbers_broken), cmocka_unit_test(test_numbers_pieces),
        cmocka_unit_test(test_numbers_many),   cmocka_unit_test(test_numbers_crowd),
        cmocka_unit_test(test_host),           cmocka_unit_test(test_host_bytes),
        cmocka_unit_test(test_expand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
