/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hint_key: hints for keys, headers and names that are taken. */
#include "config_hints.h"

static void keys(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"\xC3\xA4 = 1", "put it in quotes: \"\xC3\xA4\""},
        {"gr\xC3\xB6\xC3\x9F"
         "e = 1",
         "put it in quotes: \"gr\xC3\xB6\xC3\x9F"
         "e\""},
        {"a/b = 1", "put it in quotes: \"a/b\""},
        {"server.a/b = 1", "put it in quotes: \"a/b\""},
        {"a.$b.c = 1", "put it in quotes: \"$b\""},
        {"$x = 1", "put it in quotes: \"$x\""},
        {"x = {a@b = 1}", "put it in quotes: \"a@b\""},
        {"a\\b = 1", "put it in quotes: 'a\\b'"},
        {"a. = 1", "delete the dot, or write the name that is missing"},
        {"a.\n", "delete the dot, or write the name that is missing"},
        {"a..b = 1", "delete the dot, or write the name that is missing"},
        {".a = 1", "delete the dot, or write the name that is missing"},
        {"(server.redis)", ""},
        {"<server.redis>", ""},
        {"x = {a. = 1}", "delete the dot, or write the name that is missing"},
        {"= 3", "write a key in front of ="},
        {"x = {= 3}", "write a key in front of ="},
        {"\"\"\"a\"\"\" = 1", "write one quote at each side of a key"},
        {"'''a''' = 1", "write one quote at each side of a key"},
    };
    HINTS(rows);
}

static void without_equals(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"enabled true", "write = between the key and its value"},
        {"db 0", "write = between the key and its value"},
        {"db -1", "write = between the key and its value"},
        {"hosts [\"a\"]", "write = between the key and its value"},
        {"hosts \"a\", \"b\"", "write = between the key and its value"},
        {"\"db\" 0", "write = between the key and its value"},
        {"x = {db 0}", "write = between the key and its value"},
        {"enabled", "write = and a value behind the key"},
        {"enabled # is it?\n", "write = and a value behind the key"},
        {"x = {enabled}", "write = and a value behind the key"},
        {"x = {enabled, db = 0}", "write = and a value behind the key"},
        {"this is a remark", "write # in front, if this is a comment"},
        {"-- a remark", "a comment begins with #"},
        {"--a remark", "a comment begins with #"},
        {"server // a remark", "a comment begins with #"},
        {"- localhost:6379", "a list is written [\"a\", \"b\"]"},
        {"---\n", "delete this line, or write # in front of it"},
        {"--------", "delete this line, or write # in front of it"},
        {"hosts = {\"a\", \"b\"}", "a list stands in square brackets: [ and ]"},
        {"hosts = {\"a\"}", "a list stands in square brackets: [ and ]"},
        {"hosts = {'a',\n'b'}", "a list stands in square brackets: [ and ]"},
        {"ports = {1, 2}", "a list stands in square brackets: [ and ]"},
    };
    HINTS(rows);
}

static void other_formats(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"db: 0", "write = where : stands"},
        {"\"db\": 0,", "write = where : stands"},
        {"db : 0", "write = where : stands"},
        {"x = {db: 0}", "write = where : stands"},
        {"url: \"a=b\"", "write = where : stands"},
        {"server:\n  redis:\n", "a table begins with its name in brackets: [server]"},
        {"\"server\":\n", "write = where : stands"},
        {"redis {\n", "a table begins with its name in brackets: [redis]"},
        {"redis { db = 0 }", "write = in front of {"},
        {"server.redis", "a table begins with its name in brackets: [server.redis]"},
        {"server.redis]", "write [ in front of it: [server.redis]"},
        {"db := 0", "write = alone"},
        {"db += 0", "write = alone"},
        {"db -> 0", "write = alone"},
        {"db <- 0", "write = alone"},
        {"db => 0", "write = alone"},
        {"db == 0", "write one = only"},
        {"export KNOT_REDIS_DB=3", "delete the first word; a line begins with its key"},
        {"set x = 1", "delete the first word; a line begins with its key"},
        {"include \"x.toml\"", ""},
        {"import x", ""},
        {"2026-01-31 12:00:00 INFO x", ""},
        {"x: int = 1", ""},
        {"hosts[0] = \"a:1\"", "write the whole list at once: hosts = [\"a\", \"b\"]"},
        {"hosts[] = \"a:1\"", "write the whole list at once: hosts = [\"a\", \"b\"]"},
        {"x[\"a\"] = 1", ""},
        {"x[0].a = 1", ""},
        {"a\" = 1", ""},
        {"master name = \"x\"", "write _ in place of the blank"},
        {"connect \t timeout= 1", "write _ in place of the blank"},
        {"a b c = 1", "write _ in place of the blank"},
    };
    HINTS(rows);
}

static void headers(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"[server.redis", "write ] at its end: [server.redis]"},
        {"[server.redis\r\ndb = 0\r\n", "write ] at its end: [server.redis]"},
        {"[server.redis # x\n", "write ] at its end: [server.redis]"},
        {"[[server.redis\n", "write ]] at its end: [[server.redis]]"},
        {"[\"server\"\n", "write ] at its end"},
        {"[[server.redis]", "write one bracket at each side, or two: [server.redis]"},
        {"[[\"a\"]\n", "write as many ] as ["},
        {"[server.redis}", "close the header with ], not with }"},
        {"[server.redis)", "close the header with ], not with )"},
        {"[server redis]", "write a dot between the names: [server.redis]"},
        {"[server/redis]", "write a dot between the names: [server.redis]"},
        {"[server:redis]", "write a dot between the names: [server.redis]"},
        {"[server\\redis]", "write a dot between the names: [server.redis]"},
        {"[server, redis]", "write a dot between the names: [server.redis]"},
        {"[server->redis]", "write a dot between the names: [server.redis]"},
        {"[server -> redis]", "write a dot between the names: [server.redis]"},
        {"[[server > redis]]", "write a dot between the names: [[server.redis]]"},
        {"[ server redis", "write a dot between the names: [server.redis]"},
        {"[gr\xC3\xBCn]", "put it in quotes: \"gr\xC3\xBCn\""},
        {"[\xC3\xA4.b]", "put it in quotes: \"\xC3\xA4\""},
        {"[my.\xC3\xA4]", "put it in quotes: \"\xC3\xA4\""},
        {"[]", "write the table's name between the brackets"},
        {"[ ]", "write the table's name between the brackets"},
        {"[[]]", "write the table's name between the brackets"},
        {"[a.]", "delete the dot, or write the name that is missing"},
        {"[.a]", "delete the dot, or write the name that is missing"},
        {"[a..b]", "delete the dot, or write the name that is missing"},
    };
    HINTS(rows);
}

static void behind_headers(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"[server.redis]]", "write the name in one pair of brackets: [server.redis]"},
        {"[[a.b]]]\n", "write the name in one pair of brackets: [[a.b]]"},
        {"[server].[redis]", "write the name in one pair of brackets: [server.redis]"},
        {"[server][redis]", "write the name in one pair of brackets: [server.redis]"},
        {"[server].redis", "write the name in one pair of brackets: [server.redis]"},
        {"[server]/redis", "write the name in one pair of brackets: [server.redis]"},
        {"[server]:", "delete it; nothing stands behind a header"},
        {"[server], # x", "delete it; nothing stands behind a header"},
        {"[server];\n", "delete it; nothing stands behind a header"},
        {"[server] {\n", "delete the brace; keys stand below their header"},
        {"[server] = {}", "a header stands alone on its line"},
        {"[server.redis] enabled = true", "begin a new line here"},
        {"[server.redis]enabled=true", "begin a new line here"},
        {"[server] // x", "a comment begins with #"},
        {"[server] ; x", "a comment begins with #"},
        {"[server] the server", "a comment begins with #"},
    };
    HINTS(rows);
}

static void taken(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"db = 0\ndb = 1", "keep one of the two"},
        {"db = 0\n\"db\" = 1", "keep one of the two"},
        {"'d b' = 0\n\"d b\"=1", "keep one of the two"},
        {"x = {a = 1, a = 2}", "keep one of the two"},
        {"[a]\n[b]\n[a]", "put all keys of a table below one header"},
        {"[[a]]\n[a]", "write [[ and ]] for one more of a list of tables"},
        {" [a] # x\n[[a]]", "write [[ and ]] each time for a list of tables"},
        {"a = 1\na.b = 2", ""},
        {"a.b = 1\na = 2", ""},
        {"a = 1\n[a]", ""},
        {"[a.b]\n[a]\nb = 1", ""},
        {"a = {}\n[a.b]", ""},
    };
    HINTS(rows);
}

/* Names are shown as far as they can be; the sentence stands by itself. */
static void long_names(void **state)
{
    (void)state;
#define HINT_TEN "abcdefghij"
#define HINT_FIFTY HINT_TEN HINT_TEN HINT_TEN HINT_TEN HINT_TEN
    static const hints_row rows[] = {
        {"[" HINT_FIFTY "\n", "write ] at its end: [" HINT_FIFTY "]"},
        {"[" HINT_FIFTY HINT_TEN "\n", "write ] at its end"},
        {HINT_FIFTY " x = 1", "write _ in place of the blank"},
        {HINT_FIFTY " " HINT_TEN " = 1", "write _ in place of the blank"},
        {HINT_FIFTY "$ = 1", "put it in quotes: \"" HINT_FIFTY "$\""},
        {HINT_FIFTY HINT_TEN "$ = 1", "put it in quotes"},
        {"a\\'x = 1", ""},
    };
    HINTS(rows);
}

static void hidden(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"a/b = 1", "put it in quotes"},
        {"[server redis]", "write a dot between the names"},
        {"[server.redis", "write ] at its end"},
        {"[server]].redis", "write the name in one pair of brackets"},
        {"master name = 1", "write _ in place of the blank"},
        {"password ge heim", "write = between the key and its value"},
        {"password:\n", "a table begins with its name in brackets"},
        {"a = 1\na = 2", "keep one of the two"},
    };
    HINTS_HIDDEN(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),           cmocka_unit_test(without_equals),
        cmocka_unit_test(other_formats),  cmocka_unit_test(headers),
        cmocka_unit_test(behind_headers), cmocka_unit_test(taken),
        cmocka_unit_test(long_names),     cmocka_unit_test(hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
