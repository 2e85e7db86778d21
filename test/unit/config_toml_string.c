/* SPDX-License-Identifier: Apache-2.0
 *
 * config_toml_string: the four kinds of strings, their escapes, and decoding into a
 * room of any size. */
#include "config/toml.h"
#include "config_help.h"

/* Reads "k = <value>"; the kind of what follows the key, and the place of an error. */
static reef_toml_kind read_one(reef_str text, reef_toml *reader, reef_toml_event *event)
{
    reef_toml_init(reader, text, NULL);
    assert_int_equal(reef_toml_next(reader, event), REEF_TOML_KEY);
    if (reef_toml_next(reader, event) != REEF_TOML_STRING)
        return event->kind;
    reef_toml_event end;
    reef_toml_kind last = reef_toml_next(reader, &end);
    return last == REEF_TOML_END ? REEF_TOML_STRING : last;
}

static reef_str assignment(const char *value, size_t len)
{
    char text[2048] = "k = ";
    assert_true(len < sizeof text - 4);
    memcpy(text + 4, value, len);
    return help_copy(text, len + 4);
}

static void check_text(const char *value, const char *want, size_t want_len)
{
    reef_str text = assignment(value, strlen(value));
    reef_toml reader;
    reef_toml_event event;
    char out[512];
    if (read_one(text, &reader, &event) != REEF_TOML_STRING)
        fail_msg("refused: %s", value);
    size_t len = reef_toml_decode(&event, out, sizeof out);
    if (len != want_len || memcmp(out, want, len) != 0)
        fail_msg("%s gives %zu bytes: %.*s", value, len, (int)len, out);
    for (size_t cap = 0; cap <= len; cap++) { /* a small room gets the beginning */
        memset(out, '~', sizeof out);
        assert_int_equal(reef_toml_decode(&event, out, cap), len);
        assert_true(cap == 0 || memcmp(out, want, cap) == 0);
        assert_int_equal(out[cap], '~');
    }
    help_free(text);
}

static const char *const good_cases[][2] = {
    {"\"\"", ""},
    {"''", ""},
    {"\"abc\"", "abc"},
    {"'abc'", "abc"},
    {"\"a'b\"", "a'b"},
    {"'a\"b'", "a\"b"},
    {"\"a\tb\"", "a\tb"},
    {"'a\tb'", "a\tb"},
    {"\"# no comment\"", "# no comment"},
    {"'\\n \\'", "\\n \\"},
    {"\"\\b\\t\\n\\f\\r\\e\\\"\\\\\"", "\b\t\n\f\r\x1B\"\\"},
    {"\"\\x41\\x7f\\xe4\"", "A\x7F\xC3\xA4"},
    {"\"\\u0041\\u00e4\\u20AC\"", "A\xC3\xA4\xE2\x82\xAC"},
    {"\"\\U00000041\\U0001f41A\\U0010FFFF\"", "A\xF0\x9F\x90\x9A\xF4\x8F\xBF\xBF"},
    {"\"\\uD7FF\\uE000\"", "\xED\x9F\xBF\xEE\x80\x80"},
    {"\"\\u007F\\u0080\\u07FF\\u0800\\uFFFF\\U00010000\"",
     "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80"},
    {"\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x9A\"",
     "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x9A"},
    {"\"\\\\n\"", "\\n"},
    {"\"\\\\\"", "\\"},
    {"\"\\u00410\"", "A0"},
    /* over lines */
    {"\"\"\"\"\"\"", ""},
    {"''''''", ""},
    {"\"\"\"a\"\"\"", "a"},
    {"'''a'''", "a"},
    {"\"\"\"\na\"\"\"", "a"},
    {"'''\r\na'''", "a"},
    {"\"\"\"\n\na\n\"\"\"", "\na\n"},
    {"'''\n\na\n'''", "\na\n"},
    {"\"\"\"a\r\nb\"\"\"", "a\nb"},
    {"'''a\r\nb'''", "a\nb"},
    {"\"\"\"a\\\n  b\"\"\"", "ab"},
    {"\"\"\"a\\\r\n  b\"\"\"", "ab"},
    {"\"\"\"a\\ \t\n\n \t\r\n b\"\"\"", "ab"},
    {"\"\"\"\\\n\"\"\"", ""},
    {"\"\"\"\\\n  \\\n  a\"\"\"", "a"},
    {"\"\"\"a\\\\\nb\"\"\"", "a\\\nb"},
    {"\"\"\"a \\t b\"\"\"", "a \t b"},
    {"\"\"\"\"a\"\"\"", "\"a"},
    {"\"\"\"\"\"a\"\"\"", "\"\"a"},
    {"\"\"\"a\"\"\"\"", "a\""},
    {"\"\"\"a\"\"\"\"\"", "a\"\""},
    {"\"\"\"\"\"\"\"", "\""},
    {"\"\"\"\"\"\"\"\"", "\"\""},
    {"\"\"\"a\"b\"\"c\"\"\"", "a\"b\"\"c"},
    {"\"\"\"a\\\"\"\"\"", "a\""},
    {"\"\"\"a\"\"\\\"\"\"\"", "a\"\"\""},
    {"\"\"\"'''\"\"\"", "'''"},
    {"''''a'''", "'a"},
    {"'''a'b''c'''", "a'b''c"},
    {"'''a'''''", "a''"},
    {"'''\\\n\\'''", "\\\n\\"},
    {"'''\"\"\"'''", "\"\"\""},
    {"\"\"\"# no\n[comment]\n\"\"\"", "# no\n[comment]\n"},
};

static void good_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++)
        check_text(good_cases[i][0], good_cases[i][1], strlen(good_cases[i][1]));
    check_text("\"a\\u0000b\"", "a\0b", 3);
    check_text("\"\\x00\"", "\0", 1);
}

static const char *const bad_cases[][2] = {
    {"\"", "1:6"},
    {"'", "1:6"},
    {"\"a", "1:7"},
    {"'a", "1:7"},
    {"\"a\nb\"", "1:7"},
    {"'a\nb'", "1:7"},
    {"\"a\r\nb\"", "1:7"},
    {"\"a\rb\"", "1:7"},
    {"'a\rb'", "1:7"},
    {"\"a\\\nb\"", "1:7"},
    {"\"\\\"", "1:8"},
    {"\"\\", "1:6"},
    {"\"\\a\"", "1:6"},
    {"\"\\ \"", "1:6"},
    {"\"\\'\"", "1:6"},
    {"\"\\/\"", "1:6"},
    {"\"\\N\"", "1:6"},
    {"\"\\0\"", "1:6"},
    {"\"\\x\"", "1:6"},
    {"\"\\x4\"", "1:6"},
    {"\"\\xg0\"", "1:6"},
    {"\"\\X41\"", "1:6"},
    {"\"\\u\"", "1:6"},
    {"\"\\u004\"", "1:6"},
    {"\"\\u004g\"", "1:6"},
    {"\"\\u+041\"", "1:6"},
    {"\"\\ud800\"", "1:6"},
    {"\"\\uDFFF\"", "1:6"},
    {"\"\\ud83d\\udc1a\"", "1:6"},
    {"\"\\U0000004\"", "1:6"},
    {"\"\\U00110000\"", "1:6"},
    {"\"\\UFFFFFFFF\"", "1:6"},
    {"\"\\U0000D800\"", "1:6"},
    {"\"\\u00", "1:6"},
    {"\"\x01\"", "1:6"},
    {"\"\x1F\"", "1:6"},
    {"\"\x7F\"", "1:6"},
    {"'\x08'", "1:6"},
    {"'\x7F'", "1:6"},
    {"'a\fb'", "1:7"},
    {"\"\xFF\"", "1:6"},
    {"\"\x80\"", "1:6"},
    {"\"\xC3\"", "1:6"},
    {"'\xC3'", "1:6"},
    {"'\xE2\x82'", "1:6"},
    {"'\xF0\x9F\x90'", "1:6"},
    {"\"\xC1\xBF\"", "1:6"},
    {"\"\xE0\x9F\xBF\"", "1:6"},
    {"\"\xED\xBF\xBF\"", "1:6"},
    {"\"\xF0\x8F\xBF\xBF\"", "1:6"},
    {"\"\xF5\x80\x80\x80\"", "1:6"},
    {"\"\xF8\x88\x80\x80\x80\"", "1:6"},
    {"\"a\"\"", "1:8"},
    {"\"\"a\"\"", "1:7"},
    {"'it's'", "1:9"},
    {"\"a\" \"b\"", "1:9"},
    /* over lines */
    {"\"\"\"", "1:8"},
    {"'''", "1:8"},
    {"\"\"\"a", "1:9"},
    {"\"\"\"a\"", "1:10"},
    {"\"\"\"a\"\"", "1:11"},
    {"'''a''", "1:11"},
    {"\"\"\"a\n", "1:9"},
    {"'''a\n\n'", "3:2"},
    {"\"\"\"a\"\"\"\"\"\"", "1:14"},
    {"'''a''''''", "1:14"},
    {"\"\"\"\"\"\"\"\"\"", "1:13"},
    {"'''a'''b'''", "1:12"},
    {"\"\"\"a\rb\"\"\"", "1:9"},
    {"'''a\rb'''", "1:9"},
    {"\"\"\"\rb\"\"\"", "1:8"},
    {"\"\"\"a\\ b\"\"\"", "1:9"},
    {"\"\"\"a\\\rb\"\"\"", "1:9"},
    {"\"\"\"a\\", "1:9"},
    {"\"\"\"a\\ ", "1:9"},
    {"\"\"\"\n\n \\q\"\"\"", "3:2"},
    {"\"\"\"a\\\n \x01\"\"\"", "2:2"},
    {"\"\"\"\n\xC3\xA4\xFF\"\"\"", "2:2"},
    {"'''\n\x0B'''", "2:1"},
    {"\"\"\"\\\"\"\"", "1:12"},
    {"\"\"\"\\uD800\"\"\"", "1:8"},
    {"\"\"\"\nabc\"\"", "2:6"},
};

static void bad_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        reef_str text = assignment(bad_cases[i][0], strlen(bad_cases[i][0]));
        reef_toml reader;
        reef_toml_event event;
        reef_toml_mark mark;
        reef_str found;
        char place[64];
        if (read_one(text, &reader, &event) != REEF_TOML_BAD)
            fail_msg("taken: %s", bad_cases[i][0]);
        reef_toml_why(&reader, &mark, &found);
        snprintf(place, sizeof place, "%u:%u", (unsigned)mark.line,
                 (unsigned)reef_toml_column(&reader, &mark));
        if (strcmp(place, bad_cases[i][1]) != 0)
            fail_msg("%s: want %s, got %s", bad_cases[i][0], bad_cases[i][1], place);
        help_free(text);
    }
}

/* After a string of lines the places are right again. */
static void lines_are_counted(void **state)
{
    static const char text[] = "a = '''\n1\r\n2'''\nb = \"\"\"\\\n\n \"\"\"\nc = ?";
    reef_toml reader;
    reef_toml_event event;
    (void)state;
    reef_toml_init(&reader, reef_str_of(text), NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        continue;
    assert_int_equal(event.kind, REEF_TOML_BAD);
    assert_int_equal(event.mark.line, 7);
    assert_int_equal(reef_toml_column(&reader, &event.mark), 5);
}

static void forms(void **state)
{
    static const struct {
        const char *text;
        reef_toml_form form;
    } cases[] = {{"\"a\"", REEF_TOML_BASIC},
                 {"'a'", REEF_TOML_LITERAL},
                 {"\"\"\"a\"\"\"", REEF_TOML_BASIC_LINES},
                 {"'''a'''", REEF_TOML_LITERAL_LINES}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        reef_str text = assignment(cases[i].text, strlen(cases[i].text));
        reef_toml reader;
        reef_toml_event event;
        assert_int_equal(read_one(text, &reader, &event), REEF_TOML_STRING);
        assert_int_equal(event.form, cases[i].form);
        assert_int_equal(event.text.len, 1);
        help_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_strings),
        cmocka_unit_test(bad_strings),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
