/* SPDX-License-Identifier: Apache-2.0
 *
 * net/hosts.c: literals, held against inet_pton; the rules of hosts(5) as tables; and
 * the worst that a file can hold. */
#include "net/resolvconf.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* With the NULs inside. */
#define TEXT(literal)                                                                  \
    {                                                                                  \
        (literal), sizeof(literal) - 1                                                 \
    }

/* ---- literals ----------------------------------------------------------------- */

static const char *const literals[] = {
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "::",
    "1::",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "::ffff:1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4",
    "ABCD:abcd::0:0001",
    "fe80::1%eth0",
    "fe80::1%2",
    "fe80::1%123456789012345",
    "fe80::1%br-0.7_x@y",
    "0000:0000:0000:0000:0000:ffff:255.255.255.255%123456789012345"};
static const char *const no_literals[] = {"",
                                          "localhost",
                                          "1.2.3",
                                          "1.2.3.4.5",
                                          "1.2.3.256",
                                          "1.2.3.",
                                          "1..2.3",
                                          "a.b.c.d",
                                          "1.2.3.4x",
                                          "1.2.3.0004",
                                          "1.2.3.4.",
                                          "999.1.1.1",
                                          "1.2.3.04",
                                          "00.0.0.0",
                                          "+1.2.3.4",
                                          "-1.2.3.4",
                                          " 1.2.3.4",
                                          "1.2.3.4 ",
                                          ".1.2.3.4",
                                          "4294967297.1.1.1",
                                          "1.2.3.4%x",
                                          "1.2.3.4%",
                                          "1",
                                          "0x7f.0.0.1",
                                          ":",
                                          ":::",
                                          "1:",
                                          ":1",
                                          "1:2:3:4:5:6:7",
                                          "1::2::3",
                                          "1:2:3:4:5:6:7:8:9",
                                          "::12345",
                                          "1:2:3:4:5:6:7:8::",
                                          "::1:2:3:4:5:6:7:8",
                                          "1::2:",
                                          "::g",
                                          "::1.2.3",
                                          "::1.2.3.4:5",
                                          "1:2:3:4:5:6:7:1.2.3.4",
                                          "::1.2.3.04",
                                          "::1.2.3.256",
                                          "[::1]",
                                          "::1/128",
                                          "fe80::1%",
                                          "%eth0",
                                          "fe80::1%a%b",
                                          "fe80::1%a b",
                                          "fe80::1%a/b",
                                          "fe80::1%a:b",
                                          "fe80::1%\xC3\xA4",
                                          "fe80::1%1234567890123456",
                                          "fe80::1%\n",
                                          "fe80::1%\x7F",
                                          "::%"};

static void test_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++)
        if (!reef_address_literal(literals[i]))
            fail_msg("%s is one", literals[i]);
    for (size_t i = 0; i < sizeof no_literals / sizeof no_literals[0]; i++)
        if (reef_address_literal(no_literals[i]))
            fail_msg("%s is none", no_literals[i]);
}

static uint64_t chance(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

/* Changes a few bytes of `text`, or puts some in, or takes some out. */
static void spoil(char *text, size_t cap, uint64_t *seed)
{
    static const char bytes[] = "0123456789abcdefABCDEF::::....::00gx";
    for (uint64_t n = chance(seed) % 4; n > 0; n--) {
        size_t len = strlen(text), at = (size_t)(chance(seed) % (len + 1));
        char byte = bytes[chance(seed) % (sizeof bytes - 1)];
        uint64_t how = chance(seed) % 3;
        if (how == 0 && at < len)
            text[at] = byte;
        if (how == 1 && at < len)
            memmove(text + at, text + at + 1, len - at);
        if (how == 2 && len + 2 < cap) {
            memmove(text + at + 1, text + at, len - at + 1);
            text[at] = byte;
        }
    }
}

/* What the system's own reader says of as many texts, half of them nearly right. */
static void test_as_inet_pton(void **state)
{
    (void)state;
    static const char *const from[] = {
        "127.0.0.1",
        "10.20.30.40",
        "255.255.255.255",
        "1:2:3:4:5:6:7:8",
        "::",
        "::1",
        "fe80::1",
        "2001:db8:0:0:1::",
        "::ffff:192.0.2.1",
        "1:2:3:4:5:6:7::",
        "1:2:3:4:5:6:1.2.3.4",
        "::2:3:4:5:6:7:8",
    };
    uint64_t seed = 88172645463325252u;
    unsigned good = 0;
    for (unsigned n = 0; n < 300000; n++) {
        char text[REEF_RESOLV_ADDRESS];
        unsigned char bytes[16];
        snprintf(text, sizeof text, "%s", from[chance(&seed) % 12]);
        spoil(text, sizeof text, &seed);
        bool expected = inet_pton(AF_INET, text, bytes) == 1 ||
                        inet_pton(AF_INET6, text, bytes) == 1;
        good += expected;
        if (reef_address_literal(text) != expected)
            fail_msg("%s: inet_pton says %d", text, expected);
    }
    assert_in_range(good, 50000, 250000);
}

static void test_read(void **state)
{
    (void)state;
    char out[REEF_RESOLV_ADDRESS];
    static const reef_str no[] = {
        TEXT(""),
        TEXT("\0"),
        TEXT("1.2.3.4\0"),
        TEXT("1.2.3.4\0.5"),
        TEXT("::1\0"),
        TEXT("fe80::1%a\0"),
        TEXT(
            "00000000000000000000000000000000000000000000000000000000000000000000000000"
            "0000001.2.3.4"),
    };
    assert_true(reef_address_read((reef_str){"1.2.3.45", 7}, out));
    assert_string_equal(out, "1.2.3.4");
    assert_true(reef_address_read((reef_str){"fe80::1%eth01", 12}, out));
    assert_string_equal(out, "fe80::1%eth0");
    assert_false(reef_address_read((reef_str){NULL, 0}, out));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(reef_address_read(no[i], out));
}

/* ---- the file ----------------------------------------------------------------- */

enum { FOUND_MAX = 16 };

/* From blocks of the very size; the addresses with a blank behind each. */
static const char *found_in(reef_str text, reef_str name, uint32_t cap)
{
    static char line[FOUND_MAX * REEF_RESOLV_ADDRESS];
    size_t len = 0;
    char *exact = malloc(text.len > 0 ? text.len : 1);
    char *asked = malloc(name.len > 0 ? name.len : 1);
    char(*out)[REEF_RESOLV_ADDRESS] = malloc(cap > 0 ? cap * sizeof out[0] : 1);
    assert_true(exact != NULL && asked != NULL && out != NULL);
    memcpy(exact, text.ptr, text.len);
    memcpy(asked, name.ptr, name.len);
    line[0] = '\0';
    reef_hosts hosts = {0};
    assert_true(reef_hosts_read(&hosts, (reef_str){exact, text.len}));
    memset(exact, 'x', text.len); /* it has a copy */
    uint32_t count = reef_hosts_find(&hosts, (reef_str){asked, name.len}, out, cap);
    reef_hosts_free(&hosts);
    assert_in_range(count, 0, cap);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(reef_address_literal(out[i]));
        len += (size_t)snprintf(line + len, sizeof line - len, "%s ", out[i]);
    }
    free(exact);
    free(asked);
    free(out);
    return line;
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        reef_str text;
        const char *name, *addresses;
    } cases[] = {
        {TEXT(""), "db", ""},
        {TEXT("10.0.0.1 db"), "db", "10.0.0.1 "},
        {TEXT("10.0.0.1 db\n"), "db", "10.0.0.1 "},
        {TEXT("\n \t10.0.0.1\t \tdb \t\n"), "db", "10.0.0.1 "},
        {TEXT("10.0.0.1 db\r\n10.0.0.2 db\r\n"), "db", "10.0.0.1 10.0.0.2 "},
        {TEXT("10.0.0.1 db\r10.0.0.2 db\r"), "db", "10.0.0.1 "},
        /* Names. */
        {TEXT("10.0.0.1 web db db2\n"), "db", "10.0.0.1 "},
        {TEXT("10.0.0.1 web db db2\n"), "db2", "10.0.0.1 "},
        {TEXT("10.0.0.1 web db db2\n"), "d", ""},
        {TEXT("10.0.0.1 web db db2\n"), "db22", ""},
        {TEXT("10.0.0.1 web db db2\n"), "10.0.0.1", ""},
        {TEXT("10.0.0.1 Db.Example\n"), "dB.eXAMPLE", "10.0.0.1 "},
        {TEXT("10.0.0.1 db.example.\n"), "db.example", "10.0.0.1 "},
        {TEXT("10.0.0.1 db.example\n"), "db.example.", "10.0.0.1 "},
        {TEXT("10.0.0.1 db.example.\n"), "db.example.", "10.0.0.1 "},
        {TEXT("10.0.0.1 db.example..\n"), "db.example", ""},
        {TEXT("10.0.0.1 db.example\n"), "db", ""},
        {TEXT("10.0.0.1 .\n10.0.0.2 db\n"), "", ""},
        {TEXT("10.0.0.1 .\n10.0.0.2 db\n"), ".", ""},
        {TEXT("10.0.0.1 d\xC3\x84\n"), "d\xC3\xA4", ""}, /* ASCII letters alone */
        {TEXT("10.0.0.1 a@b\n10.0.0.2 a[b\n"), "a`b", ""},
        {TEXT("10.0.0.1 a@b\n10.0.0.2 a[b\n"), "a{b", ""},
        /* Comments. */
        {TEXT("# 10.0.0.1 db\n10.0.0.2 x # db\n10.0.0.3 db#x\n10.0.0.4#x db\n"), "db",
         "10.0.0.3 "},
        {TEXT("10.0.0.1 ;db\n; 10.0.0.2 db\n10.0.0.3 ; db\n"), "db", "10.0.0.3 "},
        /* Addresses. */
        {TEXT("::5 db\nfe80::1%eth0 db\nfe80::1%3 db\n10.0.0.1 db\n"), "db",
         "::5 fe80::1%eth0 fe80::1%3 10.0.0.1 "},
        {TEXT("nonsense db\n1.2.3 db\n1.2.3.256 db\n[::1] db\n::1%  db\n01.2.3.4 db\n"
              "10.0.0.9 db\n"),
         "db", "10.0.0.9 "},
        {TEXT("db\ndb db\n10.0.0.1\n"), "db", ""},
        /* Each once. */
        {TEXT("10.0.0.1 db db DB\n10.0.0.2 db\n10.0.0.1 x db\n"), "db",
         "10.0.0.1 10.0.0.2 "},
        {TEXT("::1 db\n0:0:0:0:0:0:0:1 db\n::0001 db\n::0.0.0.1 db\n"), "db", "::1 "},
        {TEXT("fe80::A%a db\nfe80::a%a db\nfe80::a%b db\nfe80::a db\n"), "db",
         "fe80::A%a fe80::a%b fe80::a "},
        {TEXT("::10 db\n::8 db\n::1 db\n::100 db\n"), "db", "::10 ::8 ::1 ::100 "},
        {TEXT("1.2.3.4 db\n::ffff:1.2.3.4 db\n::1.2.3.4 db\n102:304:: db\n"), "db",
         "1.2.3.4 ::ffff:1.2.3.4 ::1.2.3.4 102:304:: "},
        /* NUL is a byte that no address has. */
        {TEXT("10.0.0.1\0 db\n10.0.0.2 db\0\n10.0.0.3 \0 db\n10.0.0.4 d\0b\n"), "db",
         "10.0.0.3 "},
        {TEXT("\0\n\0"
              "10.0.0.1 db\n10.0.0.2 db\n\0"),
         "db", "10.0.0.2 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found =
            found_in(cases[i].text, reef_str_of(cases[i].name), FOUND_MAX);
        if (strcmp(found, cases[i].addresses) != 0)
            fail_msg("%s in\n%s: %s", cases[i].name, cases[i].text.ptr, found);
    }
}

static void test_localhost(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *addresses;
    } cases[] = {
        {"", "localhost", "127.0.0.1 ::1 "},
        {"", "LocalHost.", "127.0.0.1 ::1 "},
        {"", "x.localhost", "127.0.0.1 ::1 "},
        {"", "a.b.LOCALHOST.", "127.0.0.1 ::1 "},
        {"", "notlocalhost", ""},
        {"", "localhost.example", ""},
        {"", "localhos", ""},
        {"10.0.0.1 db", "localhost", "127.0.0.1 ::1 "},
        {"127.0.0.7 localhost", "localhost", "127.0.0.7 "},
        {"127.0.0.7 localhost", "x.localhost", "127.0.0.1 ::1 "},
        {"127.0.0.7 X.localhost.", "x.localhost", "127.0.0.7 "},
        {"bad localhost", "localhost", "127.0.0.1 ::1 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found =
            found_in(reef_str_of(cases[i].text), reef_str_of(cases[i].name), FOUND_MAX);
        if (strcmp(found, cases[i].addresses) != 0)
            fail_msg("%s in\n%s: %s", cases[i].name, cases[i].text, found);
    }
    assert_string_equal(found_in(reef_str_of(""), reef_str_of("localhost"), 1),
                        "127.0.0.1 ");
    assert_string_equal(found_in(reef_str_of(""), reef_str_of("localhost"), 0), "");
}

/* A file that names one more address gives the same ones before it. */
static void test_room(void **state)
{
    (void)state;
    static char text[64 * 40], expected[FOUND_MAX * REEF_RESOLV_ADDRESS];
    size_t len = 0;
    for (int i = 0; i < 64; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "10.0.0.%d db\n10.0.0.%d db\n", i / 2, i / 2);
    for (uint32_t cap = 0; cap <= FOUND_MAX; cap++) {
        assert_string_equal(found_in((reef_str){text, len}, reef_str_of("db"), cap),
                            expected);
        snprintf(expected + strlen(expected), 20, "10.0.0.%u ", (unsigned)cap);
    }
}

/* ---- the worst ---------------------------------------------------------------- */

static double cpu_of(const char *piece, size_t len, const char *name)
{
    char *text = malloc(len);
    char out[FOUND_MAX][REEF_RESOLV_ADDRESS];
    size_t step = strlen(piece);
    assert_non_null(text);
    for (size_t at = 0; at < len; at++)
        text[at] = piece[at % step];
    reef_hosts hosts = {0};
    clock_t before = clock();
    assert_true(reef_hosts_read(&hosts, (reef_str){text, len}));
    uint32_t count = reef_hosts_find(&hosts, reef_str_of(name), out, FOUND_MAX);
    double took = (double)(clock() - before);
    reef_hosts_free(&hosts);
    assert_in_range(count, 0, FOUND_MAX - 1);
    free(text);
    return took / CLOCKS_PER_SEC;
}

/* A megabyte of each: one pass, so far from a second even under a sanitizer. */
static void test_worst(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",
                                         " ",
                                         "\n",
                                         "#",
                                         "1 a\n",
                                         "::1 a\n",
                                         "1.2.3.4 a\n",
                                         "1.2.3.4 b\n",
                                         "1.2.3.4 ",
                                         "1 aaaa ",
                                         "1:",
                                         ":",
                                         "1.",
                                         "\n ",
                                         "1.2.3.456 a\n",
                                         "::1 a\n::2 a\n::3 a\n::4 a\n::5 a\n::6 "
                                         "a\n::7 a\n::8 a\n::9 a\n::a a\n::b a\n"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        double took = cpu_of(pieces[i], 1048576, "a");
        if (took > 1)
            fail_msg("%s: %f s", pieces[i], took);
    }
}

static void test_long_line(void **state)
{
    (void)state;
    const size_t size = 1048576;
    static const char after[] = "\n10.0.0.2 db";
    char *text = malloc(size + sizeof after);
    assert_non_null(text);
    /* One address with a megabyte of names, the last one ours. */
    memset(text, 'x', size);
    memcpy(text, "10.0.0.1 ", 9);
    memcpy(text + size - 3, " db", 3);
    memcpy(text + size, after, sizeof after - 1);
    assert_string_equal(found_in((reef_str){text, size + sizeof after - 1},
                                 reef_str_of("db"), FOUND_MAX),
                        "10.0.0.1 10.0.0.2 ");
    /* An address of a megabyte. */
    memset(text, '1', size - 3);
    assert_string_equal(found_in((reef_str){text, size + sizeof after - 1},
                                 reef_str_of("db"), FOUND_MAX),
                        "10.0.0.2 ");
    memset(text, 0, size);
    assert_string_equal(found_in((reef_str){text, size}, reef_str_of("db"), FOUND_MAX),
                        "");
    assert_string_equal(found_in(reef_str_of(""), (reef_str){text, size}, FOUND_MAX),
                        "");
    free(text);
}

static void test_every_cut(void **state)
{
    (void)state;
    static const char text[] =
        "# x\n10.0.0.1 db # y\r\n fe80::1%eth0\tdb. DB\n::1 x\n1.2.3.4 db";
    for (size_t len = 0; len < sizeof text; len++) {
        const char *found = found_in((reef_str){text, len}, reef_str_of("db"), 4);
        bool first = strncmp(found, "10.0.0.1 ", 9) == 0;
        assert_true(first == (len >= 15));
    }
}

/* Thousands of names in a file of 200,000: the work is that of the index, made once. */
static void test_index(void **state)
{
    (void)state;
    enum { LINES = 200000, ASKED = 20000 };
    char *text = malloc(LINES * 40), name[40], address[40];
    char out[FOUND_MAX][REEF_RESOLV_ADDRESS];
    size_t len = 0;
    reef_hosts hosts = {0};
    assert_non_null(text);
    for (unsigned i = 0; i < LINES; i++)
        len += (size_t)snprintf(text + len, 40, "10.%u.%u.%u n%u.test\n", i >> 16 & 255,
                                i >> 8 & 255, i & 255, i);
    assert_true(reef_hosts_read(&hosts, (reef_str){text, len}));
    free(text);
    clock_t before = clock();
    for (unsigned i = 0; i < ASKED; i++) {
        unsigned of = i * 7 % LINES;
        snprintf(name, sizeof name, "N%u.test.", of);
        snprintf(address, sizeof address, "10.%u.%u.%u", of >> 16 & 255, of >> 8 & 255,
                 of & 255);
        assert_int_equal(reef_hosts_find(&hosts, reef_str_of(name), out, FOUND_MAX), 1);
        assert_string_equal(out[0], address);
        snprintf(name, sizeof name, "m%u.test", of);
        assert_int_equal(reef_hosts_find(&hosts, reef_str_of(name), out, FOUND_MAX), 0);
    }
    assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 5.0);
    reef_hosts_free(&hosts);
    assert_int_equal(reef_hosts_find(&hosts, reef_str_of("n1.test"), out, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals),  cmocka_unit_test(test_as_inet_pton),
        cmocka_unit_test(test_read),      cmocka_unit_test(test_rules),
        cmocka_unit_test(test_localhost), cmocka_unit_test(test_room),
        cmocka_unit_test(test_worst),     cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_every_cut), cmocka_unit_test(test_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
