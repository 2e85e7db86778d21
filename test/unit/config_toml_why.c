/* SPDX-License-Identifier: Apache-2.0
 *
 * config_toml_why: what can be asked about an error: the place and its bytes, what
 * stands there, the lines that it belongs to, and the other place. */
#include "config/toml.h"
#include "config_help.h"

static void what_is_shown(void **state)
{
    static const struct {
        const char *text, *found, *entry;
    } cases[] = {
        {"x = 1\na b-c = 1\ny = 2", "b-c", "a b-c = 1"},
        {"a = \xC3\xA4x", "\xC3\xA4", "a = \xC3\xA4x"},
        {"a = [1,\n 2\n ?]", "?", "a = [1,\n 2\n ?]"},
        {"a = \"\\q\"", "", "a = \"\\q\""},
        {"a =", "", "a ="},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_toml reader;
        reef_toml_event event;
        reef_toml_mark mark;
        reef_str found;
        reef_toml_init(&reader, reef_str_of(cases[i].text), NULL);
        while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
            continue;
        assert_int_equal(event.kind, REEF_TOML_BAD);
        assert_non_null(reef_toml_why(&reader, &mark, &found));
        assert_true(reef_str_equal(found, reef_str_of(cases[i].found)));
        assert_true(
            reef_str_equal(reef_toml_entry(&reader), reef_str_of(cases[i].entry)));
    }
}

static void kind_names(void **state)
{
    (void)state;
    assert_string_equal(reef_toml_kind_name(REEF_TOML_ARRAY), "an array");
    assert_string_equal(reef_toml_kind_name(REEF_TOML_LOCAL_TIME), "a date or time");
    for (int k = REEF_TOML_END; k <= REEF_TOML_LOCAL_TIME; k++)
        assert_true(strlen(reef_toml_kind_name((reef_toml_kind)k)) > 0);
}

/* The other place of an error: the name that was there, the bracket, the quotes. */
static void other_places(void **state)
{
    static const struct {
        const char *text;
        unsigned line, column; /* of the other place; 0: there is none */
        size_t size;
        const char *note;
    } cases[] = {
        {"a = 1\n b = 2\n \"b\" = 3", 2, 2, 1, "set here"},
        {"\"a b\" = 1\n'a b' = 2", 1, 1, 5, "set here"},
        {"\xEF\xBB\xBF\"a\\u0062\" = 1\nab = 2", 1, 1, 9, "set here"},
        {"x.y = 1\n[x]", 1, 1, 1, "made here"},
        {"[x.y]\n[x]\n[x]", 2, 2, 1, "defined here"},
        {"[[x]]\n[[x]]\n[x]", 2, 3, 1, "defined here"},
        {"[x]\n[[x.y]]\n[x.y]", 2, 5, 1, "defined here"},
        {"a = [\n1,\n2", 1, 5, 1, "opened here"},
        {"a = [1 2]", 1, 5, 1, "opened here"},
        {"a = [\n{b = 1\nc", 2, 1, 1, "opened here"},
        {"a = 1\nb = '''\nx", 2, 5, 3, "opened here"},
        {"a = ?", 0, 0, 0, ""},
        {"a = 'x", 0, 0, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_toml reader;
        reef_toml_event event;
        reef_toml_mark mark;
        size_t size;
        const char *note;
        reef_toml_init(&reader, reef_str_of(cases[i].text), NULL);
        while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
            continue;
        assert_int_equal(event.kind, REEF_TOML_BAD);
        if (reef_toml_first(&reader, &mark, &size, &note) != (cases[i].line > 0))
            fail_msg("%s: there is one, or none", cases[i].text);
        if (cases[i].line == 0)
            continue;
        if (mark.line != cases[i].line ||
            reef_toml_column(&reader, &mark) != cases[i].column ||
            size != cases[i].size)
            fail_msg("%s: %u:%u, %zu bytes", cases[i].text, (unsigned)mark.line,
                     (unsigned)reef_toml_column(&reader, &mark), size);
        help_contains(note, cases[i].note);
    }
}

/* A limit is told as one, and where; at the limit all is well. */
static void limits(void **state)
{
    static const char text[] = "a = [[1]]\nb.c = 2";
    static const struct {
        reef_toml_limits limits;
        reef_code code;
        unsigned line, column;
    } cases[] = {
        {{17, 2, 3}, REEF_OK, 0, 0},    {{16, 2, 3}, REEF_LIMIT, 1, 1},
        {{17, 1, 3}, REEF_LIMIT, 1, 6}, {{17, 2, 2}, REEF_LIMIT, 2, 3},
        {{0, 0, 0}, REEF_OK, 0, 0},
    };
    (void)state;
    assert_int_equal(sizeof text - 1, 17);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_toml reader;
        reef_toml_event event;
        reef_toml_mark mark;
        reef_str found;
        reef_toml_init(&reader, (reef_str){text, sizeof text - 1}, &cases[i].limits);
        while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
            continue;
        assert_int_equal(event.kind == REEF_TOML_END, cases[i].code == REEF_OK);
        assert_int_equal(reef_toml_code(&reader), cases[i].code);
        if (cases[i].code == REEF_OK)
            continue;
        assert_non_null(reef_toml_why(&reader, &mark, &found));
        assert_int_equal(mark.line, cases[i].line);
        assert_int_equal(reef_toml_column(&reader, &mark), cases[i].column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown),
        cmocka_unit_test(kind_names),
        cmocka_unit_test(other_places),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
