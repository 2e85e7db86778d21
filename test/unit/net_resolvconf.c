/* SPDX-License-Identifier: Apache-2.0
 *
 * net/resolvconf.c: each rule of resolv.conf(5) as a line of a table, and the worst
 * that a file can hold. */
#include "net/resolvconf.h"

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
#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define NAME_253                                                                       \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                             \
             "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"

/* From a block of the very size, so that a sanitizer sees a step past it. */
static void parse(reef_resolvconf *conf, reef_str text, reef_str local_name)
{
    static reef_resolvconf again;
    char *exact = malloc(text.len + local_name.len + 1);
    assert_non_null(exact);
    memcpy(exact, local_name.ptr, local_name.len);
    memcpy(exact + local_name.len, text.ptr, text.len);
    char *tight = realloc(exact, text.len + local_name.len + (text.len == 0));
    assert_non_null(tight);
    memset(conf, 0xA5, sizeof *conf);
    reef_resolvconf_parse(conf, (reef_str){tight + local_name.len, text.len},
                          (reef_str){tight, local_name.len});
    reef_resolvconf_parse(&again, (reef_str){tight + local_name.len, text.len},
                          (reef_str){tight, local_name.len});
    assert_memory_equal(conf, &again, sizeof again);
    free(tight);
}

static reef_resolvconf parsed(const char *text)
{
    reef_resolvconf conf;
    parse(&conf, reef_str_of(text), reef_str_of(""));
    return conf;
}

/* ---- servers ------------------------------------------------------------------ */

static void test_servers(void **state)
{
    (void)state;
    static const struct {
        reef_str text;
        const char *servers; /* with a blank behind each */
    } cases[] = {
        {TEXT(""), "127.0.0.1 "},
        {TEXT("\n\n\r\n"), "127.0.0.1 "},
        {TEXT("nameserver 10.0.0.1\n"), "10.0.0.1 "},
        {TEXT("nameserver 10.0.0.1"), "10.0.0.1 "},
        {TEXT("nameserver 10.0.0.1\r\nnameserver 10.0.0.2\r\n"), "10.0.0.1 10.0.0.2 "},
        {TEXT("nameserver\t 10.0.0.1 \t\n"), "10.0.0.1 "},
        {TEXT(" \tnameserver 10.0.0.1\n"), "10.0.0.1 "},
        {TEXT("nameserver 10.0.0.1 and more 10.0.0.2\n"), "10.0.0.1 "},
        {TEXT("nameserver 10.0.0.1 # office\n"), "10.0.0.1 "},
        {TEXT("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"
              "nameserver 1.1.1.4\n"),
         "1.1.1.1 1.1.1.2 1.1.1.3 "},
        {TEXT("nameserver 1.1.1.1\nnameserver 1.1.1.1\n"), "1.1.1.1 1.1.1.1 "},
        {TEXT("nameserver ::1\nnameserver 2001:db8::1:53\n"), "::1 2001:db8::1:53 "},
        {TEXT("nameserver fe80::1%eth0\nnameserver fe80::1%2\n"),
         "fe80::1%eth0 fe80::1%2 "},
        /* Bad lines are passed over. */
        {TEXT("nameserver dns.example\nnameserver 1.2.3\nnameserver 1.2.3.256\n"
              "nameserver 01.2.3.4\nnameserver [::1]\nnameserver 1.2.3.4:53\n"
              "nameserver :::\nnameserver fe80::1%\nnameserver 8.8.8.8\n"),
         "8.8.8.8 "},
        {TEXT("nameserver\n"), "127.0.0.1 "},
        {TEXT("nameserver \n1.2.3.4\n"), "127.0.0.1 "},
        {TEXT("nameserver # 1.2.3.4\n"), "127.0.0.1 "},
        {TEXT("nameserver 1.2.3.4#x\nnameserver 1.2.3.5;x\n"), "127.0.0.1 "},
        {TEXT("nameserver1.2.3.4\nnameservers 1.2.3.4\nNAMESERVER 1.2.3.4\n"
              "name server 1.2.3.4\n"),
         "127.0.0.1 "},
        {TEXT("# nameserver 1.2.3.4\n;nameserver 1.2.3.4\n  #nameserver 1.2.3.4\n"
              "  ; nameserver 1.2.3.4\n#\n;\n"),
         "127.0.0.1 "},
        {TEXT("\xEF\xBB\xBFnameserver 1.2.3.4\nnameserver 1.2.3.5\n"), "1.2.3.5 "},
        /* NUL is a byte that no word has. */
        {TEXT("nameserver 1.2.3.4\0\nnameserver 1.2.3.5\n"), "1.2.3.5 "},
        {TEXT("nameserver 1.2.3.4\0.5\nnameserver \0001.2.3.4\n"), "127.0.0.1 "},
        {TEXT("nameserver\0 1.2.3.4\n\0nameserver 1.2.3.4\n\0\n\0"), "127.0.0.1 "},
        {TEXT("\0\0\0\nnameserver 1.2.3.4\n\0\0"), "1.2.3.4 "},
        {TEXT("nameserver fe80::1%e\0th\n"), "127.0.0.1 "},
        /* A CR alone ends no line. */
        {TEXT("nameserver 1.2.3.4\rnameserver 1.2.3.5\r"), "1.2.3.4 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_resolvconf conf;
        char found[REEF_RESOLV_SERVERS_MAX * REEF_RESOLV_ADDRESS] = "";
        size_t len = 0;
        parse(&conf, cases[i].text, reef_str_of(""));
        assert_in_range(conf.server_count, 1, REEF_RESOLV_SERVERS_MAX);
        for (uint32_t n = 0; n < conf.server_count; n++)
            len += (size_t)snprintf(found + len, sizeof found - len, "%s ",
                                    conf.servers[n]);
        if (strcmp(found, cases[i].servers) != 0)
            fail_msg("%s: %s", cases[i].text.ptr, found);
    }
}

/* ---- search list -------------------------------------------------------------- */

static void test_search(void **state)
{
    (void)state;
    static const struct {
        reef_str text;
        reef_str local;
        const char *search; /* with a blank behind each */
    } cases[] = {
        {TEXT(""), TEXT(""), ""},
        {TEXT("search a.example\n"), TEXT("h.local.example"), "a.example "},
        {TEXT("search a.example b c.d.\n"), TEXT(""), "a.example b c.d "},
        {TEXT("search\ta \t b\r\n"), TEXT(""), "a b "},
        {TEXT("domain a.example b.example\n"), TEXT(""), "a.example "},
        {TEXT("domain A.Example.\n"), TEXT(""), "A.Example "},
        /* The last one counts. */
        {TEXT("search a b c\ndomain d\n"), TEXT(""), "d "},
        {TEXT("domain d\nsearch a b\n"), TEXT(""), "a b "},
        {TEXT("search a b\nsearch c\n"), TEXT(""), "c "},
        {TEXT("search a b\nsearch\n"), TEXT(""), "a b "}, /* this one says nothing */
        {TEXT("search a b\ndomain # c\n"), TEXT(""), "a b "},
        {TEXT("search a b\nsearch .\n"), TEXT("h.local"), ""},
        {TEXT("search a b\ndomain .\n"), TEXT("h.local"), ""},
        {TEXT("search .\n"), TEXT("h.local"), ""},
        {TEXT("search . a .\n"), TEXT(""), "a "},
        /* What is no name is passed over. */
        {TEXT("search a..b .a a.. x&y a b_c -d 1.2 \xC3\xA4 e\\.f *.g\n"), TEXT(""),
         "a b_c -d 1.2 "},
        {TEXT("search .. !\n"), TEXT("h.local"), ""},
        {TEXT("domain .. a\n"), TEXT("h.local"), ""},
        {TEXT("search a\0b c d\0\n"), TEXT(""), "c "},
        {TEXT("search a # b c\nsearch\0 x\n"), TEXT(""), "a "},
        {TEXT("search a ; b ;c\n"), TEXT(""), "a "},
        {TEXT("search " LABEL_63 " " LABEL_63 "x\n"), TEXT(""), LABEL_63 " "},
        {TEXT("search " NAME_253 ". " NAME_253 "x b\n"), TEXT(""), NAME_253 " b "},
        {TEXT("search 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n"), TEXT(""),
         "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 "},
        {TEXT("SEARCH a\nsearches b\nsearch"), TEXT(""), ""},
        /* The machine's own name, where no line says it. */
        {TEXT("nameserver 1.2.3.4\n"), TEXT("h.local.example"), "local.example "},
        {TEXT("search\n"), TEXT("h.local.example."), "local.example "},
        {TEXT("#search a\n"), TEXT("h.local"), "local "},
        {TEXT(""), TEXT("h"), ""},
        {TEXT(""), TEXT("h."), ""},
        {TEXT(""), TEXT("."), ""},
        {TEXT(""), TEXT("h..x"), ""},
        {TEXT(""), TEXT("h.a b"), ""},
        {TEXT(""), TEXT("h.a\0"), ""},
        {TEXT(""), TEXT("h." LABEL_63 "x"), ""},
        {TEXT(""), TEXT("h." NAME_253), NAME_253 " "},
        {TEXT(""), TEXT("h." NAME_253 "x"), ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_resolvconf conf;
        char found[REEF_RESOLV_SEARCH_MAX * (REEF_NAME_MAX + 1)] = "";
        size_t len = 0;
        parse(&conf, cases[i].text, cases[i].local);
        assert_in_range(conf.search_count, 0, REEF_RESOLV_SEARCH_MAX);
        for (uint32_t n = 0; n < conf.search_count; n++)
            len += (size_t)snprintf(found + len, sizeof found - len, "%s ",
                                    conf.search[n]);
        if (strcmp(found, cases[i].search) != 0)
            fail_msg("%s (%s): %s", cases[i].text.ptr, cases[i].local.ptr, found);
    }
}

/* ---- options ------------------------------------------------------------------ */

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t ndots, timeout_ms, attempts;
    } cases[] = {
        {"", 1, 5000, 2},
        {"options", 1, 5000, 2},
        {"options ndots:3 timeout:7 attempts:4", 3, 7000, 4},
        {"options ndots:3\noptions timeout:7\r\noptions attempts:4", 3, 7000, 4},
        {"options ndots:3 ndots:4\noptions ndots:5", 5, 5000, 2},
        {"options\tndots:2\t \ttimeout:1", 2, 1000, 2},
        {"options ndots:0 timeout:0 attempts:0", 0, 1000, 1},
        {"options ndots:15 timeout:30 attempts:5", 15, 30000, 5},
        {"options ndots:16 timeout:31 attempts:6", 15, 30000, 5},
        {"options ndots:99 timeout:99 attempts:99", 15, 30000, 5},
        {"options ndots:-1 timeout:-1 attempts:-1", 0, 1000, 1},
        {"options ndots:-0 timeout:-9999999999 attempts:-3", 0, 1000, 1},
        {"options ndots:+2 timeout:+3 attempts:+4", 2, 3000, 4},
        {"options ndots:4294967297 timeout:4294967298 attempts:4294967297", 15, 30000,
         5},
        {"options ndots:18446744073709551617 timeout:99999999999999999999999999", 15,
         30000, 2},
        {"options ndots:0000000000000000000003", 3, 5000, 2},
        /* The digits count, as they do for glibc and Go. */
        {"options ndots:2x timeout:1.5 attempts:3,4", 2, 1000, 3},
        /* No number: passed over. */
        {"options ndots: timeout:x attempts:-", 1, 5000, 2},
        {"options ndots:+ timeout:+-3 attempts:--1", 1, 5000, 2},
        {"options ndots 3 timeout=7 attempts", 1, 5000, 2},
        {"options ndots: 3", 1, 5000, 2},
        {"options NDOTS:3 xndots:4 Timeout:9", 1, 5000, 2},
        {"option ndots:3\nOPTIONS ndots:3\noptionsndots:3\nndots:3", 1, 5000, 2},
        {"options # ndots:3\noptions timeout:2 ; attempts:3\n#options ndots:2", 1, 2000,
         2},
        {"options ndots:3 garbage \xFF\xFE attempts:3", 3, 5000, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_resolvconf conf = parsed(cases[i].text);
        if (conf.ndots != cases[i].ndots || conf.timeout_ms != cases[i].timeout_ms ||
            conf.attempts != cases[i].attempts)
            fail_msg("%s: %u %u %u", cases[i].text, (unsigned)conf.ndots,
                     (unsigned)conf.timeout_ms, (unsigned)conf.attempts);
    }
}

static void test_flags(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool rotate, use_tcp, no_aaaa, trust_ad;
    } cases[] = {
        {"", false, false, false, false},
        {"options rotate", true, false, false, false},
        {"options use-vc", false, true, false, false},
        {"options usevc", false, true, false, false},
        {"options tcp", false, true, false, false},
        {"options no-aaaa", false, false, true, false},
        {"options trust-ad", false, false, false, true},
        {"options rotate use-vc\noptions no-aaaa\noptions\ttrust-ad\r\n", true, true,
         true, true},
        {"options edns0 single-request single-request-reopen inet6 no-check-names "
         "no-tld-query no-reload debug ip6-bytestring",
         false, false, false, false},
        {"options rotated rotat use-vcs tcp:1 no-aaaa: trust-ad=1 ROTATE", false, false,
         false, false},
        {"rotate\nuse-vc", false, false, false, false},
        {"sortlist 1.2.3.4/255.0.0.0 rotate\nlookup file bind\nfamily inet6", false,
         false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_resolvconf conf = parsed(cases[i].text);
        if (conf.rotate != cases[i].rotate || conf.use_tcp != cases[i].use_tcp ||
            conf.no_aaaa != cases[i].no_aaaa || conf.trust_ad != cases[i].trust_ad)
            fail_msg("%s", cases[i].text);
    }
}

/* Nothing stays of a list that another one took the place of. */
static void test_equal_bytes(void **state)
{
    (void)state;
    static reef_resolvconf one, other;
    parse(&one, reef_str_of("search c"), reef_str_of(""));
    parse(&other,
          reef_str_of("search long.example b " NAME_253 "\ndomain x..\nsearch c ! .."),
          reef_str_of("h.local"));
    assert_memory_equal(&one, &other, sizeof one);
    reef_resolvconf_parse(&one, (reef_str){NULL, 0}, (reef_str){NULL, 0});
    parse(&other, reef_str_of("search .\nnameserver 127.0.0.1 x\n"), reef_str_of(""));
    assert_memory_equal(&one, &other, sizeof one);
}

/* A file as systemd-resolved, NetworkManager and Kubernetes write theirs. */
static void test_whole_files(void **state)
{
    (void)state;
    reef_resolvconf conf = parsed("# Do not edit.\n\nnameserver 127.0.0.53\n"
                                  "options edns0 trust-ad\nsearch .\n");
    assert_string_equal(conf.servers[0], "127.0.0.53");
    assert_true(conf.trust_ad && conf.search_count == 0 && conf.server_count == 1);
    conf = parsed("search x.svc.cluster.local svc.cluster.local cluster.local\n"
                  "nameserver 10.96.0.10\noptions ndots:5\n");
    assert_int_equal(conf.search_count, 3);
    assert_string_equal(conf.search[2], "cluster.local");
    assert_int_equal(conf.ndots, 5);
    /* The environment is not asked. */
    assert_int_equal(setenv("RES_OPTIONS", "ndots:9 rotate", 1), 0);
    assert_int_equal(setenv("LOCALDOMAIN", "elsewhere.example", 1), 0);
    conf = parsed("");
    assert_true(conf.ndots == 1 && !conf.rotate && conf.search_count == 0);
}

/* ---- the worst ---------------------------------------------------------------- */

static char *filled(size_t len, const char *piece)
{
    char *text = malloc(len);
    size_t step = strlen(piece);
    assert_non_null(text);
    for (size_t at = 0; at < len; at++)
        text[at] = piece[at % step];
    return text;
}

static double cpu_of(const char *piece, size_t len)
{
    static reef_resolvconf conf;
    char *text = filled(len, piece);
    clock_t before = clock();
    reef_resolvconf_parse(&conf, (reef_str){text, len}, (reef_str){text, 200});
    double took = (double)(clock() - before);
    free(text);
    assert_in_range(conf.server_count, 1, REEF_RESOLV_SERVERS_MAX);
    assert_in_range(conf.search_count, 0, REEF_RESOLV_SEARCH_MAX);
    assert_true(conf.timeout_ms >= 1000 && conf.attempts >= 1);
    return took / CLOCKS_PER_SEC;
}

/* A megabyte of each: one pass, so far from a second even under a sanitizer. */
static void test_worst(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a",
        "nameserver ",
        "search ",
        "search a\n",
        "search .\n",
        "\n",
        " ",
        "search a b c d e f g h i j k l m n o p q r\n",
        "options ",
        "options n\n",
        "ndots:9 ",
        "nameserver 1.2.3.4\n",
        "#",
        "domain a\n",
        "a.a.a.a.",
        "nameserver 1.2.3.456\n",
        "options ndots:99999999999999999\n",
        "search\t;\n",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        double took = cpu_of(pieces[i], 1048576);
        if (took > 1)
            fail_msg("%s: %f s", pieces[i], took);
    }
}

/* A megabyte in one line changes nothing for the lines around it. */
static void test_long_line(void **state)
{
    (void)state;
    static const char before[] = "options ndots:3\n", after[] = "\nnameserver 1.2.3.4";
    static const char *const lines[] = {"nameserver 1", "search aa", "options ndots:9",
                                        "domain b.",    "# ",        "x"};
    const size_t size = 1048576;
    char *text = malloc(size + 100);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t len = sizeof before - 1;
        memcpy(text, before, len);
        memcpy(text + len, lines[i], strlen(lines[i]));
        memset(text + len + strlen(lines[i]), i % 2 == 0 ? '1' : 'a',
               size - strlen(lines[i]));
        len += size;
        memcpy(text + len, after, sizeof after - 1);
        reef_resolvconf conf;
        parse(&conf, (reef_str){text, len + sizeof after - 1}, reef_str_of("h.local"));
        assert_int_equal(conf.server_count, 1);
        assert_string_equal(conf.servers[0], "1.2.3.4");
        assert_int_equal(conf.ndots, i == 2 ? 15 : 3);
        assert_int_equal(conf.search_count, i == 1 || i == 3 ? 0 : 1);
    }
    memset(text, 0, size);
    reef_resolvconf conf;
    parse(&conf, (reef_str){text, size}, (reef_str){text, 100});
    assert_string_equal(conf.servers[0], "127.0.0.1");
    assert_int_equal(conf.search_count, 0);
    free(text);
}

/* Each beginning of a file is a file. */
static void test_every_cut(void **state)
{
    (void)state;
    static const char text[] =
        "; x\nnameserver fe80::1%eth0\r\nsearch a.b c.d # e\n"
        "options ndots:12 attempts:3 use-vc\ndomain .\nnameserver";
    for (size_t len = 0; len < sizeof text; len++) {
        reef_resolvconf conf;
        parse(&conf, (reef_str){text, len}, reef_str_of("h.local"));
        assert_int_equal(conf.server_count, 1);
        assert_true(conf.ndots <= 15 && conf.search_count <= 2);
    }
}

/* ---- lines and words ---------------------------------------------------------- */

static void test_words(void **state)
{
    (void)state;
    static const char *const expected[] = {"a", "bc", "#d", "\xFF"};
    reef_str text = reef_str_of(" a\t\v\f bc \r#d\xC2\x20\xFF\r\n\nx"), line, word;
    assert_true(reef_conf_line(&text, &line));
    for (size_t i = 0; i < 4; i++) {
        assert_true(reef_conf_word(&line, &word));
        assert_true(word.len >= strlen(expected[i]));
        assert_memory_equal(word.ptr, expected[i], strlen(expected[i]));
    }
    assert_false(reef_conf_word(&line, &word));
    assert_true(reef_conf_line(&text, &line));
    assert_false(reef_conf_word(&line, &word));
    assert_true(reef_conf_line(&text, &line));
    assert_int_equal(line.len, 1);
    assert_false(reef_conf_line(&text, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),     cmocka_unit_test(test_search),
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_flags),
        cmocka_unit_test(test_equal_bytes), cmocka_unit_test(test_whole_files),
        cmocka_unit_test(test_worst),       cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_every_cut),   cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
