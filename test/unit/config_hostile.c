/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts made to hurt: huge ones, and ones in which the same thing stands a million
 * times. Each is read or refused in work that grows as the text does. */
#include "config_hostile.h"
#include <time.h>

/* A sanitizer of threads makes a program that has one of them too slow, and sees
 * nothing. */
#ifdef __SANITIZE_THREAD__
enum { WORK_SHARE = 16 };
#else
enum { WORK_SHARE = 1 };
#endif

/* One text many times as long as another. */
typedef struct hostile_pair {
    const char *name;
    reef_str small, large;
} hostile_pair;

/* Seconds of this processor, of this process alone. */
static double work_seconds(const char *name, worker work, reef_str text,
                           reef_code expected)
{
    clock_t start = clock();
    reef_code code = work(text);
    clock_t end = clock();
    if (code != expected)
        fail_msg("%s: %s", name, reef_code_name(code));
    return (double)(end - start) / CLOCKS_PER_SEC;
}

/* A text eight times as long is eight times the work, and not sixty-four times. Caches
 * and neighbours on the machine make a time longer, but never shorter: so the shortest
 * of some runs are compared, half way between the two is still taken for the first, and
 * what takes no time to speak of is not judged. */
enum { TRIES = 5, LONGER = 8, HALF_WAY = 24 };

static void assert_pair(const hostile_pair *pair, worker work, reef_code expected)
{
    static const double nothing = 0.05, hopeless = 10;
    double small = hopeless, large = HALF_WAY * hopeless;
    for (int i = 0; i < TRIES; i++) {
        double time = work_seconds(pair->name, work, pair->small, expected);
        small = time < small ? time : small;
        if (small >= hopeless)
            break;
        time = work_seconds(pair->name, work, pair->large, expected);
        large = time < large ? time : large;
        if (large < nothing || large < HALF_WAY * small)
            return;
    }
    fail_msg("%s: %.3f s, and eight times the text %.3f s", pair->name, small, large);
}

typedef struct hostile {
    const char *name;
    reef_code reader, config; /* what comes of it */
    pattern text;
} hostile;

/* The settings are read through the reader, so that its work is in theirs. */
static void assert_linear(const hostile *h)
{
    size_t count = h->text.count / WORK_SHARE;
    hostile_pair pair = {h->name, pattern_text(&h->text, count / LONGER),
                         pattern_text(&h->text, count)};
    work_seconds(h->name, work_reader, pair.small, h->reader);
    assert_pair(&pair, work_config, h->config);
    help_free(pair.small);
    help_free(pair.large);
}

static void assert_all_linear(const hostile *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_linear(&cases[i]);
}

#define LONG_PREFIX                                                                    \
    "the_beginning_of_this_name_is_a_good_deal_longer_than_what_is_different_in_it_"

/* What is valid, as a whole or up to its last line. */
static void test_many_names(void **state)
{
    (void)state;
    static const hostile cases[] = {
        {"keys", REEF_OK, REEF_OK, {"", "k@=1\n", "", 280000}},
        {"keys that repeat",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"", "k@=1\n", "k0000000=1", 280000}},
        {"tables", REEF_OK, REEF_OK, {"", "[t@]\n", "", 240000}},
        {"tables in one", REEF_OK, REEF_OK, {"", "[t.t@]\n", "[t]", 240000}},
        {"tables that repeat",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"", "[t@]\n", "[t0000000]", 240000}},
        {"elements", REEF_OK, REEF_OK, {"", "[[t]]\n", "", 240000}},
        {"elements with keys", REEF_OK, REEF_OK, {"", "[[t]]\na=1\nb=2\n", "", 240000}},
        {"elements of many", REEF_OK, REEF_OK, {"", "[[t@]]\n", "", 240000}},
        {"elements below elements",
         REEF_OK,
         REEF_OK,
         {"", "[[t]]\n[[t.u]]\n[t.u.v]\n", "", 240000}},
        {"parts of a key", REEF_OK, REEF_OK, {"", "a.", "a=1", 600000}},
        {"parts of a header", REEF_OK, REEF_OK, {"[", "a.", "a]", 600000}},
        {"empty parts of a key", REEF_OK, REEF_OK, {"", "''.", "a=1", 600000}},
        {"dotted keys", REEF_OK, REEF_OK, {"", "a.b.c.k@=1\n", "", 240000}},
        {"one name everywhere", REEF_OK, REEF_OK, {"", "[t@]\nname=1\n", "", 240000}},
        {"one name in inline tables",
         REEF_OK,
         REEF_OK,
         {"a=[", "{a=1,b=2},", "]", 200000}},
        {"keys of an inline table", REEF_OK, REEF_OK, {"a={", "k@=1,", "}", 200000}},
        {"a long beginning", REEF_OK, REEF_OK, {"", LONG_PREFIX "@=1\n", "", 100000}},
        {"a long beginning, quoted",
         REEF_OK,
         REEF_OK,
         {"", "\"" LONG_PREFIX "@\"=1\n", "", 100000}},
        {"a long beginning, escaped",
         REEF_OK,
         REEF_OK,
         {"", "\"\\x41" LONG_PREFIX "@\"=1\n", "", 100000}},
        {"in two spellings",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"", "\"\\x6b@\"=1\n", "k0000000=1", 240000}},
    };
    assert_all_linear(cases, sizeof cases / sizeof *cases);
}

/* One line of 16 MiB. */
static void test_one_line(void **state)
{
    (void)state;
    enum { LINE = 16 * MIB - 32 };
    static const hostile cases[] = {
        {"a text", REEF_OK, REEF_OK, {"a=\"", "x", "\"", LINE}},
        {"a literal text", REEF_OK, REEF_OK, {"a='", "x", "'", LINE}},
        {"a text of three quotes", REEF_OK, REEF_OK, {"a=\"\"\"", "x", "\"\"\"", LINE}},
        {"pairs of quotes",
         REEF_OK,
         REEF_OK,
         {"a=\"\"\"", "\"\"x", "\"\"\"", LINE / 3}},
        {"escapes", REEF_OK, REEF_OK, {"a=\"", "\\u00e9", "\"", LINE / 6}},
        {"characters of four bytes",
         REEF_OK,
         REEF_OK,
         {"a=\"", "\xF0\x9F\x90\xA0", "\"", LINE / 4}},
        {"an array", REEF_OK, REEF_OK, {"a=[", "1,", "]", LINE / 2}},
        {"an array of arrays", REEF_OK, REEF_OK, {"a=[", "[],", "]", LINE / 12}},
        {"an array of tables", REEF_OK, REEF_OK, {"a=[", "{},", "]", LINE / 12}},
        {"an array of dates", REEF_OK, REEF_OK, {"a=[", "2026-02-28,", "]", LINE / 44}},
        {"a comment", REEF_OK, REEF_OK, {"#", "x", "", LINE}},
        {"spaces", REEF_OK, REEF_OK, {"a=", " ", "1", LINE}},
        {"a key", REEF_OK, REEF_OK, {"", "x", "=1", LINE}},
        {"a quoted key", REEF_OK, REEF_OK, {"\"", "x", "\"=1", LINE}},
        {"an escaped key", REEF_OK, REEF_OK, {"\"", "\\x78", "\"=1", LINE / 8}},
        {"a header", REEF_OK, REEF_OK, {"[", "x", "]", LINE}},
        {"a number", REEF_BADCONFIG, REEF_BADCONFIG, {"a=", "1", "", LINE}},
        {"a number of zeros", REEF_OK, REEF_OK, {"a=0x", "0", "", LINE}},
        {"a fraction", REEF_OK, REEF_OK, {"a=0.", "1", "", LINE}},
        {"a fraction of a second", REEF_OK, REEF_OK, {"a=10:10:10.", "1", "", LINE}},
        {"a word", REEF_BADCONFIG, REEF_BADCONFIG, {"a=", "x", "", LINE}},
        {"a text without its end",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"a=\"", "x", "", LINE}},
        {"an array without its end",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"a=[", "1,", "", LINE / 8}},
        {"a table without its end",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"a={", "k@=1,", "", LINE / 44}},
        {"a mistake at its end",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"a=[", "'x',", "!]", LINE / 16}},
    };
    assert_all_linear(cases, sizeof cases / sizeof *cases);
}

/* 16 MiB of the same few bytes. */
static void test_monotone(void **state)
{
    (void)state;
    enum { ALL = 16 * MIB };
    static const hostile cases[] = {
        {"=", REEF_BADCONFIG, REEF_BADCONFIG, {"", "=", "", ALL}},
        {"\"", REEF_BADCONFIG, REEF_BADCONFIG, {"", "\"", "", ALL}},
        {"'", REEF_BADCONFIG, REEF_BADCONFIG, {"", "'", "", ALL}},
        {"a=' ", REEF_BADCONFIG, REEF_BADCONFIG, {"a=", "'", "", ALL - 2}},
        {"a=\"", REEF_BADCONFIG, REEF_BADCONFIG, {"a=", "\"", "", ALL - 2}},
        {"[", REEF_BADCONFIG, REEF_BADCONFIG, {"", "[", "", ALL}},
        {"a=[", REEF_LIMIT, REEF_BADCONFIG, {"a=", "[", "", ALL - 2}},
        {"a={", REEF_BADCONFIG, REEF_BADCONFIG, {"a=", "{", "", ALL - 2}},
        {"]", REEF_BADCONFIG, REEF_BADCONFIG, {"", "]", "", ALL}},
        {"LF", REEF_OK, REEF_OK, {"", "\n", "", ALL}},
        {"CR LF", REEF_OK, REEF_OK, {"", "\r\n", "", ALL / 2}},
        {"CR", REEF_BADCONFIG, REEF_BADCONFIG, {"", "\r", "", ALL}},
        {"space", REEF_OK, REEF_OK, {"", " ", "", ALL}},
        {"tab", REEF_OK, REEF_OK, {"", "\t", "", ALL}},
        {"#", REEF_OK, REEF_OK, {"", "#", "", ALL}},
        {"# and LF", REEF_OK, REEF_OK, {"", "#\n", "", ALL / 2}},
        {"a.b.", REEF_BADCONFIG, REEF_BADCONFIG, {"", "a.b.", "", MIB / 2}},
        {".", REEF_BADCONFIG, REEF_BADCONFIG, {"", ".", "", ALL}},
        {"a", REEF_BADCONFIG, REEF_BADCONFIG, {"", "a", "", ALL}},
        {"0", REEF_BADCONFIG, REEF_BADCONFIG, {"a=", "0", "", ALL - 2}},
        {"[a]", REEF_BADCONFIG, REEF_BADCONFIG, {"", "[a]\n", "", ALL / 4}},
        {"backslash", REEF_BADCONFIG, REEF_BADCONFIG, {"a=\"", "\\", "", ALL - 3}},
        {"BOM", REEF_BADCONFIG, REEF_BADCONFIG, {"", "\xEF\xBB\xBF", "", ALL / 3}},
        {"FF", REEF_BADCONFIG, REEF_BADCONFIG, {"", "\xFF", "", ALL}},
        {"C3", REEF_BADCONFIG, REEF_BADCONFIG, {"a='", "\xC3", "", ALL - 3}},
    };
    assert_all_linear(cases, sizeof cases / sizeof *cases);
}

/* The block that reef reads, with the same mistake or doubt in it a million times. */
static void test_many_findings(void **state)
{
    (void)state;
    static const hostile cases[] = {
        {"bad hosts",
         REEF_OK,
         REEF_BADCONFIG,
         {"server.redis.hosts=[", "1,", "]", 3000000}},
        {"empty hosts",
         REEF_OK,
         REEF_BADCONFIG,
         {"server.redis.hosts=[", "'',", "]", 3000000}},
        {"good hosts",
         REEF_OK,
         REEF_BADCONFIG,
         {"server.redis.hosts=[", "'a@',", "]", 500000}},
        {"unknown settings",
         REEF_OK,
         REEF_OK,
         {"[server.redis]\n", "db@=1\n", "", 200000}},
        {"unknown settings on one line",
         REEF_OK,
         REEF_OK,
         {"server.redis={", "db@=1,", "}", 200000}},
        {"unknown settings, escaped",
         REEF_OK,
         REEF_OK,
         {"server.redis={", "\"\\x64b@\"=1,", "}", 200000}},
        {"unknown settings before a mistake",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"server.redis={", "db@=1,", "!", 200000}},
        {"nearly server", REEF_OK, REEF_OK, {"", "[serve@.redis]\n", "", 300000}},
        {"nearly redis", REEF_OK, REEF_OK, {"", "[server.redi.t@]\n", "", 300000}},
        {"nearly redis on one line",
         REEF_OK,
         REEF_OK,
         {"a=1\n[server]\nx={", "redi@=1,", "}", 300000}},
        {"lists of the block",
         REEF_OK,
         REEF_BADCONFIG,
         {"", "[[server.redis]]\n", "", 500000}},
        {"deep values of a setting",
         REEF_OK,
         REEF_BADCONFIG,
         {"server.redis.hosts=[", "[{a=1}],", "]", 500000}},
        {"a long password",
         REEF_OK,
         REEF_BADCONFIG,
         {"server.redis.password='", "x", "'", 16 * MIB - 32}},
        {"a long host",
         REEF_OK,
         REEF_BADCONFIG,
         {"server.redis.hosts=['", "x", "']", 16 * MIB - 32}},
        {"a long unknown setting",
         REEF_OK,
         REEF_OK,
         {"server.redis.", "x", "=1", 16 * MIB - 32}},
        {"a password behind much",
         REEF_BADCONFIG,
         REEF_BADCONFIG,
         {"server.redis={db=1,", "x@=1,", "password=nothing}", 200000}},
    };
    assert_all_linear(cases, sizeof cases / sizeof *cases);
}

/* Names of words of eight bytes in which one bit is turned or not, and in the next word
 * two bits that would undo it in a hash of one multiplication a word: half of the words
 * would make no difference to it, whatever the text around them. */
static reef_str turned_names(unsigned words)
{
    size_t len = 8 * (size_t)words + 8, size = len + 5, count = (size_t)1 << words;
    char *text = malloc(count * size);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        char *name = text + i * size + 1;
        memset(name, 'a', len);
        for (unsigned w = 0; w <= words; w++) {
            bool here = w < words && (i >> w & 1) != 0;
            bool before = w > 0 && (i >> (w - 1) & 1) != 0;
            name[8 * w + 7] = here != before ? '!' : 'a';
            name[8 * w + 3] = before ? '!' : 'a';
        }
        name[-1] = name[len] = '"';
        memcpy(name + len + 1, "=1\n", 3);
    }
    return (reef_str){text, count * size};
}

static void test_turned_names(void **state)
{
    (void)state;
    hostile_pair pair = {"turned names", turned_names(WORK_SHARE > 1 ? 9 : 13),
                         turned_names(WORK_SHARE > 1 ? 12 : 16)};
    assert_pair(&pair, work_reader, REEF_OK);
    help_free(pair.small);
    help_free(pair.large);
}

/* Names of a mebibyte each, which differ at their end. */
static void test_long_names(void **state)
{
    (void)state;
    static const char *const ends[][2] = {
        {"x", "@=1\n"}, {"'", "@'=1\n"}, {"\"", "@\"=1\n"}};
    char *unit = malloc(MIB + 16);
    assert_non_null(unit);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        memset(unit, 'x', MIB);
        unit[0] = ends[i][0][0];
        memcpy(unit + MIB, ends[i][1], strlen(ends[i][1]) + 1);
        const hostile names = {"long names", REEF_OK, REEF_OK, {"", unit, "", 14}};
        assert_linear(&names);
    }
    free(unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_names), cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_monotone),   cmocka_unit_test(test_many_findings),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_turned_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
