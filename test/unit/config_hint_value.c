/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hint_value: hints for values, strings, and what stands behind them. */
#include "config_hints.h"

static void words(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"enabled = True", "write true"},
        {"enabled = TRUE # x", "write true"},
        {"enabled = yes", "write true"},
        {"enabled = On\r\n", "write true"},
        {"enabled = False", "write false"},
        {"enabled = no", "write false"},
        {"enabled = OFF", "write false"},
        {"db = None", "TOML has no null: leave the key out"},
        {"db = null", "TOML has no null: leave the key out"},
        {"db = nil", "TOML has no null: leave the key out"},
        {"db = undefined", "TOML has no null: leave the key out"},
        {"hosts = [null]", "TOML has no null: leave the element out"},
        {"x = NaN", "write nan"},
        {"x = [Infinity]", "write inf"},
        {"x = truee", "put it in quotes: \"truee\""},
    };
    HINTS(rows);
}

static void unquoted(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"master_name = mymaster", "put it in quotes: \"mymaster\""},
        {"master_name = my master # x", "put it in quotes: \"my master\""},
        {"master_name = my master\t\n", "put it in quotes: \"my master\""},
        {"master_name = my // x", "put it in quotes: \"my\""},
        {"master_name = a b = 1", "put it in quotes: \"a\""},
        {"master_name = a \"b\"", "put it in quotes"},
        {"connect_timeout = 5s", "put it in quotes: \"5s\""},
        {"key_prefix = knot:", "put it in quotes: \"knot:\""},
        {"x = C:\\path", "put it in quotes: 'C:\\path'"},
        {"x = /run/redis.sock", "put it in quotes: \"/run/redis.sock\""},
        {"x = @a", "put it in quotes: \"@a\""},
        {"x = a\"", "put it in quotes: \"a\""},
        {"x = a\"b\\c'd", "begin the text with its quote"},
        {"hosts = [localhost:6379]", "put it in quotes: \"localhost:6379\""},
        {"hosts = [10.0.0.1:6379, 10.0.0.2:6379]",
         "put it in quotes: \"10.0.0.1:6379\""},
        {"hosts = [\"a\", localhost:6379\"]", "put it in quotes: \"localhost:6379\""},
        {"hosts = [\n  redis # x\n]", "put it in quotes: \"redis\""},
        {"hosts = [[::1]:6379]", "put it in quotes: \"[::1]:6379\""},
        {"hosts = [\"a\", [fe80::1]:1]", "put it in quotes: \"[fe80::1]:1\""},
        {"hosts = [::1]", "put it in quotes: \"::1\""},
        {"r = {hosts = a}", "put it in quotes: \"a\""},
        {"hosts = [::1]:6379", "put it in quotes: \"[::1]:6379\""},
        {"my_hosts = a", "put it in quotes: \"a\""},
        {"hosts = a:1, b:2", "a list is written [\"a\", \"b\"]"},
        {"x = a, b", "a list is written [\"a\", \"b\"]"},
    };
    HINTS(rows);
}

static void wrapped(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = $HOME", "put it in quotes; TOML knows no variables"},
        {"x = ${HOME}", "put it in quotes; TOML knows no variables"},
        {"x = [%HOME%]", "put it in quotes; TOML knows no variables"},
        {"x = {{ .Value }}", "put it in quotes; TOML knows no variables"},
        {"x = |\n  a", "a text over lines stands between \"\"\" and \"\"\""},
        {"x = <user>", "write the value itself, in quotes, in place of <...>"},
        {"hosts = (\"a\", \"b\")", "a list stands in square brackets: [ and ]"},
        {"x = (1, 2)", "a list stands in square brackets: [ and ]"},
        {"x = (12)", "delete the parentheses"},
        {"x = `a`", "write plain quotes: \"a\""},
    };
    HINTS(rows);
}

static void missing(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"db =", "write a value; an empty text is \"\""},
        {"db = # x", "write a value; an empty text is \"\""},
        {"db =\r\nenabled = true\n", "write a value; an empty text is \"\""},
        {"x =\n\"a b\" = 1", "write a value; an empty text is \"\""},
        {"x =\n[server]\n", "write a value; an empty text is \"\""},
        {"x = {a = }", "write a value; an empty text is \"\""},
        {"x = {a = , b = 1}", "write a value; an empty text is \"\""},
        {"x = ;", "write a value; an empty text is \"\""},
        {"x =\n\n  \"a\"\n", "begin the value on the line of its key"},
        {"x = # why\n[\"a\"]", "begin the value on the line of its key"},
        {"x =\n[\n\"a\"]", "begin the value on the line of its key"},
        {"x =\n{ a = 1 }", "begin the value on the line of its key"},
    };
    HINTS(rows);
}

static void unclosed(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"hosts = [", "write ] where the array ends"},
        {"hosts = [ # x\n", "write ] where the array ends"},
        {"hosts = [\"a\"", "write ] where the array ends"},
        {"hosts = [\"a\",\n# x\n", "write ] where the array ends"},
        {"x = [1, [2]\n\n", "write ] where the array ends"},
        {"x = {", "write } where the inline table ends"},
        {"x = {a = 1", "write } where the inline table ends"},
        {"x = {a = [1]\n", "write } where the inline table ends"},
        {"x = {a = 1,\n", "write } where the inline table ends"},
        {"hosts = [\"a\"\ndb = 0", "write ] where the array ends, before this line"},
        {"hosts = [\"a\",\ndb = 0", "write ] where the array ends, before this line"},
        {"hosts = [\n db = 0", "write ] where the array ends, before this line"},
        {"hosts = [\"a\"\n[b]\n", "write ] where the array ends"},
        {"hosts = [\"a\",\n[b.c] # x\n", "write ] where the array ends"},
        {"hosts = [\"a\",\n [[b]]\n", "write ] where the array ends"},
        {"x = {a = 1\n[b]\n", "write } where the table ends, before this line"},
        {"x = {a = 1,\n[b]\n", "write } where the table ends, before this line"},
        {"x = [\"a\"}", "close the array with ], not with }"},
        {"x = [\"a\")", "close the array with ], not with )"},
        {"x = {a = 1]", "close the inline table with }, not with ]"},
        {"x = {a = 1)", "close the inline table with }, not with )"},
    };
    HINTS(rows);
}

static void strings(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = \"abc", "write \" where the text ends"},
        {"x = \"abc # x\ny = 1", "write \" where the text ends"},
        {"x = 'abc\r\n", "write ' where the text ends"},
        {"x = \"", "write \" where the text ends"},
        {"\"a = 1", "write \" where the text ends"},
        {"['a]\n", "write ' where the text ends"},
        {"x = \"abc'\n", "it opens with \", so close it with \""},
        {"x = ['abc\"]\n", "it opens with ', so close it with '"},
        {"x = \"abc\xE2\x80\x9D", "close it with a plain quote: \""},
        {"x = 'abc\xE2\x80\x99 \n", "close it with a plain quote: '"},
        {"x = \"C:/dir\\\"\n", "the backslash hides the quote behind it: double it"},
        {"x = \"\"\"a\nb\"\"\n", "write \"\"\" where the text ends"},
        {"x = '''\na\n\n", "write ''' where the text ends"},
    };
    HINTS(rows);
}

static void escapes(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = \"C:\\path\"", "double the backslash, or write 'C:\\path'"},
        {"x = \"C:\\Users\\me\"", "double the backslash, or write 'C:\\Users\\me'"},
        {"x = \"C:\\xampp\"", "double the backslash, or write 'C:\\xampp'"},
        {"x = \"C:\\0\"", "double the backslash, or write 'C:\\0'"},
        {"x = \"\\d+\"", "double the backslash, or write '\\d+'"},
        {"\"a\\d\" = 1", "double the backslash, or write 'a\\d'"},
        {"x = \"it's \\d\"",
         "double the backslash, or use '...', where it means nothing"},
        {"x = \"C:\\dir\\\"\n",
         "double the backslash, or use '...', where it means nothing"},
        {"x = \"\\d\n", "double the backslash, or use '...', where it means nothing"},
        {"x = \"\"\"\n\\d\"\"\"", "double the backslash"},
        {"x = \"it\\'s\"", "write ' without a backslash"},
        {"x = \"a\\/b\"", "write / without a backslash"},
        {"x = \"\\033[1m\"", "write two hex digits behind \\x, as \\x1B"},
        {"x = \"\\x1\"", ""},
        {"x = \"\\u12\"", ""},
        {"x = \"\\U123456\"", ""},
        {"x = \"\\ud83d\\ude00\"", ""},
        {"x = \"\\U00110000\"", ""},
        {"x = \"\\usr\"", "double the backslash, or write '\\usr'"},
    };
    HINTS(rows);
}

static void behind_strings(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"x = 'it's'", "an apostrophe ends '...': write \"...\" instead"},
        {"x = ['don't', 'do']", "an apostrophe ends '...': write \"...\" instead"},
        {"x = \"say \"hi\" now\"", "a quote inside of \"...\" is written \\\""},
        {"x = \"\"abc\"\"", "write one quote at each side"},
        {"x = \"a\" \"b\"", "write one text, or a list: [\"a\", \"b\"]"},
        {"x = \"a\"'b'", "write one text, or a list: [\"a\", \"b\"]"},
        {"x = \"a\" + \"b\"", "TOML joins no texts: write them as one"},
        {"x = [\"a\" . \"b\"]", "TOML joins no texts: write them as one"},
        {"x = {a = \"a\" & \"b\"}", "TOML joins no texts: write them as one"},
        {"hosts = [\"a, \"b\"]", "close the text in front of the comma"},
        {"hosts = [\"localhost\":6379]",
         "put all of it in one pair of quotes: \"localhost:6379\""},
        {"x = \"10.0.0.1\":1", "put all of it in one pair of quotes: \"10.0.0.1:1\""},
        {"x = \"\"\"a\"\"\"b", "a comment begins with #"},
    };
    HINTS(rows);
}

static void commas(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"hosts = [\n \"a\"\n \"b\"\n]", "write a comma in front of it"},
        {"hosts = [\"a\" \"b\"]", "write a comma in front of it"},
        {"hosts = [\"a\"\"b\"]", "write a comma in front of it"},
        {"x = [1 2]", "write a comma in front of it"},
        {"x = [[1] [2]]", "write a comma in front of it"},
        {"x = [{a = 1}\n{a = 2}]", "write a comma in front of it"},
        {"x = [\n[1]\n[2]\n]", "write a comma in front of it"},
        {"x = {a = 1 b = 2}", "write a comma in front of it"},
        {"x = {\n a = 1\n b = 2\n}", "write a comma in front of it"},
        {"x = [\"a\"; \"b\"]", "write a comma, not ;"},
        {"x = {a = 1; b = 2}", "write a comma, not ;"},
        {"x = [1,,2]", "delete this comma"},
        {"x = [,1]", "delete this comma"},
        {"x = {,a = 1}", "delete this comma"},
        {"db = 0,", "delete the comma; nothing stands behind a value"},
        {"\"db\" = 0, # x\n", "delete the comma; nothing stands behind a value"},
        {"db = 0;", "delete the semicolon; nothing stands behind a value"},
        {"db = 0, enabled = true", "begin a new line for the next key"},
        {"db = 0; enabled = true", "begin a new line for the next key"},
        {"hosts = \"a\", \"b\"", "a list is written [\"a\", \"b\"]"},
        {"x = true, false", "a list is written [\"a\", \"b\"]"},
    };
    HINTS(rows);
}

static void behind_values(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"enabled = true db = 0", "begin a new line here"},
        {"x = [1] y = 2", "begin a new line here"},
        {"enabled = true main switch", "a comment begins with #"},
        {"connect_timeout = 5 s", ""},
        {"connect_timeout = 5 sec", ""},
        {"hosts = [\"a\"]]", "delete it; no bracket is open here"},
        {"hosts = \"a\"]", "write [ in front of the list"},
        {"x = {a = 1}}", "delete it; no brace is open here"},
        {"db = 0\"", "write a quote in front of the value, too"},
        {"x = [6379\"]", "write a quote in front of the value, too"},
    };
    HINTS(rows);
}

/* What looks like a comment, a second quote or a known word belongs to the text. */
static void whole_texts(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"username = my#user", "put it in quotes: \"my#user\""},
        {"username = my#user # x", "put it in quotes: \"my#user\""},
        {"username = my user#1 # x", "put it in quotes: \"my user#1\""},
        {"x = #fff", "a value with # stands in quotes"},
        {"x = no way", "put it in quotes: \"no way\""},
        {"x = on fire # no", "put it in quotes: \"on fire\""},
        {"x = r'a'", "begin the text with its quote"},
        {"x = b\"a b\"", "begin the text with its quote"},
        {"x = [f'a', 'b']", "begin the text with its quote"},
        {"x = '\"a\"", "write ' where the text ends"},
        {"x = 1'000", "put it in quotes: \"1'000\""},
        {"x = knot,", "put it in quotes, without the comma"},
        {"x = 10 MB", ""},
        {"x = \"a\" and \"b\"", ""},
        {"x = >\n  a", "a text over lines stands between \"\"\" and \"\"\""},
        {"x => 1", "write = alone"},
        {"x = : 1", "write = alone"},
        {"x = 2026-01-31 10:00:00 UTC", "write Z right behind the time"},
        {"x = 2026-01-31 10:00:00 EST", ""},
    };
    HINTS(rows);
}

/* Lists as other formats have them, and tables taken for lists. */
static void lists(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"hosts = \"a:6379\",\n        \"b:6379\"", "a list is written [\"a\", \"b\"]"},
        {"x = \"a\",\n\"b\" = 1", "delete the comma; nothing stands behind a value"},
        {"hosts = [\n  - \"a\"\n]", "delete the dash"},
        {"hosts =\n  - \"a\"", "a list is written [\"a\", \"b\"]"},
        {"hosts:\n  - a\n", "a list is written [\"a\", \"b\"]"},
        {"hosts = ['a':'6379']", "put all of it in one pair of quotes: \"a:6379\""},
        {"hosts = [\"10.0.0.7\" : 6379]",
         "put all of it in one pair of quotes: \"10.0.0.7:6379\""},
        {"x = [\"b\": 1]", ""},
        {"x = ['b':'c']", ""},
        {"x = \"a\": \"b\"", ""},
        {"x = [b = 1]", "a table stands in braces: { and }"},
        {"x = {0}", ""},
    };
    HINTS(rows);
}

/* What the key takes is known. */
static void wanted(void **state)
{
    (void)state;
    static const hints_row flags[] = {
        {"x = trues", "write true or false"},
        {"x = ja", "write true or false"},
        {"x = !false", "write true or false"},
        {"x = 01", "write true or false"},
        {"x =", "write true or false"},
        {"x = # y", "write true or false"},
        {"x = #y", "write true or false"},
        {"x = Yes", "write true"},
        {"x = off, y", "write false"},
        {"x = null", "TOML has no null: leave the key out"},
    };
    HINTS_WANT(flags, REEF_WANT_FLAG);
    static const hints_row numbers[] = {
        {"x = O", "write a whole number"},
        {"x = 50%", "write a whole number"},
        {"x = 4k", "write a whole number"},
        {"x = 4\"", "write a whole number"},
        {"x = yes", "write a whole number"},
        {"x = ${X}", "write a whole number"},
        {"x = 5.", "write a whole number"},
        {"x = 12:60", "write a whole number"},
        {"x = inf.", "write a whole number"},
        {"x = 99999999999999999999", "write a whole number"},
        {"x =: 0", "write = alone"},
        {"x = 007", "leave out the zeros in front: 7"},
        {"x = 1,000", "write the number without commas"},
        {"x = 0, 1", ""},
    };
    HINTS_WANT(numbers, REEF_WANT_NUMBER);
    static const hints_row texts[] = {
        {"x = yes", "put it in quotes: \"yes\""},
        {"x = 007", "put it in quotes: \"007\""},
        {"x = 12:60", "put it in quotes: \"12:60\""},
        {"x = (a)", "put it in quotes"},
        {"x = a, b", "put it in quotes"},
        {"x = \"a\", \"b\"", ""},
        {"x =", "write a value; an empty text is \"\""},
    };
    HINTS_WANT(texts, REEF_WANT_TEXT);
    static const hints_row many[] = {
        {"x = localhost:6379", "put it in quotes and brackets: [\"localhost:6379\"]"},
        {"x = [::1]:6379", "put it in quotes and brackets: [\"[::1]:6379\"]"},
        {"x = <a>", "a list stands in square brackets: [ and ]"},
        {"x = * a", "a list is written [\"a\", \"b\"]"},
        {"x = a # b", "put it in quotes and brackets: [\"a\"]"},
        {"x = a:1,", "a list is written [\"a\", \"b\"]"},
        {"x =", "a list is written [\"a\", \"b\"]"},
        {"x = [007]", "put it in quotes: \"007\""},
        {"x = [yes]", "put it in quotes: \"yes\""},
    };
    HINTS_WANT(many, REEF_WANT_LIST);
}

/* The settings tell what they take, however their keys are written. */
static void of_settings(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"[server.redis]\ndb = O", "write a whole number"},
        {"server = {redis = {lanes = 4k}}", "write a whole number"},
        {"server.redis.enabled = ja", "write true or false"},
        {"[server.redis]\nenabled = true ja", "a comment begins with #"},
        {"[server.redis]\nhosts = a", "put it in quotes and brackets: [\"a\"]"},
        {"[server]\nredis.hosts = [007]", "put it in quotes: \"007\""},
        {"[resolver]\nconsul = a", "put it in quotes and brackets: [\"a\"]"},
        {"server.redis.username = yes", "put it in quotes: \"yes\""},
        {"server.redis.key_prefix = 1:2", "put it in quotes: \"1:2\""},
        {"server.redis.connect_timeout = 5s", "put it in quotes: \"5s\""},
        {"server.redis.protocol = auto", "put it in quotes: \"auto\""},
        {"server.redis.password = yes", "put the value in quotes"},
        {"server = {redis = {password = \"a\", db = O}}", "write a whole number"},
        {"server.redis.db = 0\nx = yes", "write true"},
        {"server.mysql.db = O", "put it in quotes: \"O\""},
    };
    static reef_config config;
    static reef_report report;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&report, 0, sizeof report);
        reef_config_init(&config);
        reef_config_parse(&config, NULL, reef_str_of(rows[i].text), &report, NULL);
        assert_int_equal(report.errors, 1);
        if (strcmp(report.findings[report.count - 1].hint, rows[i].hint) != 0)
            fail_msg("%s\nwant %s\ngot  %s", rows[i].text, rows[i].hint,
                     report.findings[report.count - 1].hint);
    }
}

/* The same without a word of the value, and nothing that follows from one. */
static void hidden(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"password = geheim", "put the value in quotes"},
        {"password = True", "put the value in quotes"},
        {"password = null", "put the value in quotes"},
        {"password = $geheim", "put the value in quotes"},
        {"password = (geheim", "put the value in quotes"},
        {"password = 007", "put the value in quotes"},
        {"password = 1.", "put the value in quotes"},
        {"password = 12:60", "put the value in quotes"},
        {"password = [geheim]", "put the value in quotes"},
        {"password = 5 geheim", "put the whole value in one pair of quotes"},
        {"password = 5%geheim", "put the whole value in one pair of quotes"},
        {"password = [5%geheim]", "put the whole value in one pair of quotes"},
        {"password =", "write a value; an empty text is \"\""},
        {"password = 'it's'", "an apostrophe ends '...': write \"...\" instead"},
        {"password = \"gehe\\im\"",
         "double the backslash, or use '...', where it means nothing"},
        {"password = \"geheim\\'\"",
         "double the backslash, or use '...', where it means nothing"},
        {"password = \"\"\"gehe\\im\"\"\"", "double the backslash"},
        {"password = \"geheim'", "write \" where the text ends"},
        {"hosts = [\"user@host\":6379]", "put all of it in one pair of quotes"},
        {"password = \xE2\x80\x9Cgeheim\xE2\x80\x9D", "write plain quotes"},
        {"hosts = [\"a\",\npassword = \"geheim\"",
         "write ] where the array ends, before this line"},
    };
    HINTS_HIDDEN(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),       cmocka_unit_test(unquoted),
        cmocka_unit_test(wrapped),     cmocka_unit_test(missing),
        cmocka_unit_test(unclosed),    cmocka_unit_test(strings),
        cmocka_unit_test(escapes),     cmocka_unit_test(behind_strings),
        cmocka_unit_test(commas),      cmocka_unit_test(behind_values),
        cmocka_unit_test(whole_texts), cmocka_unit_test(lists),
        cmocka_unit_test(wanted),      cmocka_unit_test(of_settings),
        cmocka_unit_test(hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
