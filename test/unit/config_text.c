/* SPDX-License-Identifier: Apache-2.0
 *
 * config_text: words, and error sentences that fit. */
#include "config/text.h"
#include "config_help.h"

static void words(void **state)
{
    uint64_t number;
    (void)state;
    assert_true(
        reef_str_equal(reef_str_trim(reef_str_of(" \ta b\t ")), reef_str_of("a b")));
    assert_int_equal(reef_str_trim(reef_str_of(" \t ")).len, 0);
    assert_true(reef_str_starts(reef_str_of("unix:/x"), "unix:"));
    assert_false(reef_str_starts(reef_str_of("uni"), "unix:"));
    assert_int_equal(reef_str_find(reef_str_of("a,b,c"), ',', 2), 3);
    assert_int_equal(reef_str_find(reef_str_of("abc"), ',', 0), 3);
    assert_true(reef_str_mentions(reef_str_of("my PassWord x"), "password"));
    assert_true(reef_str_mentions(reef_str_of("xpas"), "pas"));
    assert_false(reef_str_mentions(reef_str_of("xpa"), "pas"));
    assert_false(reef_str_mentions((reef_str){0}, "pas"));
    assert_true(reef_str_number(reef_str_of("0065535"), 65535, &number));
    assert_int_equal(number, 65535);
    assert_false(reef_str_number(reef_str_of("65536"), 65535, &number));
    assert_false(reef_str_number(reef_str_of("655350"), 65535, &number));
    assert_false(reef_str_number(reef_str_of(""), 65535, &number));
    assert_false(reef_str_number(reef_str_of("1x"), 65535, &number));
    assert_false(reef_str_number(reef_str_of("-1"), 65535, &number));
    assert_true(
        reef_str_number(reef_str_of("18446744073709551615"), UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_false(
        reef_str_number(reef_str_of("18446744073709551616"), UINT64_MAX, &number));
}

static void digits(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *const all = "0123456789abcdef", *const big = "0123456789ABCDEF";
        const char *at = c == 0 ? NULL : strchr(all, c);
        if (at == NULL && c != 0)
            at = strchr(big, c) == NULL ? NULL : all + (strchr(big, c) - big);
        unsigned want = at == NULL ? 16 : (unsigned)(at - all);
        assert_int_equal(reef_digit_value((char)c), want);
    }
}

static void values_are_safe(void **state)
{
    static const char *const cases[][2] = {
        {"plain", "\"plain\""},
        {"\x1B[31m\n\t\x7F", "\"\\x1b[31m\\x0a\\x09\\x7f\""},
        {"\xC3\xA4\xFF", "\"\xC3\xA4\\xff\""},
        {"\xC2\x9B"
         "1m",
         "\"\\x9b1m\""},
        {"a\xE2\x80\xAEz\xEF\xBB\xBF", "\"a\\u{202e}z\\u{feff}\""},
        {"\xF3\xA0\x81\xA1", "\"\\u{e0061}\""},
        {"", "\"\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_message m = {0};
        reef_message_quoted(&m, reef_str_of(cases[i][0]));
        assert_string_equal(m.text, cases[i][1]);
        assert_int_equal(m.len, strlen(m.text));
    }
}

/* Values of every length, of characters of every size: cut at an edge, marked as
 * cut. */
static void values_are_cut(void **state)
{
    static const char *const characters[] = {"a", "\xC3\xA4", "\xE2\x82\xAC",
                                             "\xF0\x9F\x90\x9A", "\n"};
    (void)state;
    for (size_t c = 0; c < 5; c++) {
        size_t size = strlen(characters[c]);
        char value[512];
        for (size_t count = 0; count * size < sizeof value; count++) {
            reef_message m = {0};
            for (size_t i = 0; i < count; i++)
                memcpy(value + i * size, characters[c], size);
            reef_message_value(&m, (reef_str){value, count * size});
            assert_true(m.len <= REEF_SHOWN_MAX + 3);
            for (size_t at = 0; at < m.len;) {
                size_t step = reef_utf8_size((reef_str){m.text, m.len}, at);
                assert_true(step > 0);
                at += step;
            }
            bool cut = count * (c == 4 ? 4 : size) > REEF_SHOWN_MAX;
            assert_int_equal(strstr(m.text, "...") != NULL, cut);
        }
    }
}

static void numbers(void **state)
{
    reef_message m = {0};
    (void)state;
    reef_message_number(&m, 0);
    reef_message_add(&m, " ");
    reef_message_number(&m, UINT64_MAX);
    assert_string_equal(m.text, "0 18446744073709551615");
}

static void message_is_bounded(void **state)
{
    reef_message m = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        reef_message_add(&m, "\xE2\x82\xAC");
    assert_true(m.len < REEF_MESSAGE_MAX);
    assert_int_equal(m.len % 3, 0);
    assert_int_equal(m.text[m.len], 0);
}

/* A long text is taken as far as there is room, and copied as far as that has room. */
static void texts_fit(void **state)
{
    static char words[2 * REEF_MESSAGE_MAX];
    (void)state;
    memset(words, 'w', sizeof words);
    for (size_t len = REEF_MESSAGE_MAX - 20; len < REEF_MESSAGE_MAX + 20; len++) {
        reef_message m = {0};
        reef_message_add(&m, "\xC3\xA4");
        reef_message_text(&m, (reef_str){words, len});
        bool cut = 2 + len > REEF_MESSAGE_MAX - 4;
        assert_int_equal(m.len, cut ? REEF_MESSAGE_MAX - 1 : 2 + len);
        assert_int_equal(strstr(m.text, "...") != NULL, cut);
        for (size_t cap = 1; cap < 8; cap++) {
            char out[8];
            reef_message_copy(&m, out, cap);
            assert_int_equal(strlen(out), cap == 2 ? 0 : cap - 1);
        }
    }
}

/* Names and sentences of every length: the text fits, is whole UTF-8, says the line,
 * and a sentence of usual length keeps its end. */
static void failures_fit(void **state)
{
    static char name[1024];
    (void)state;
    for (size_t len = 1; len < sizeof name - 1; len += 7) {
        for (size_t words = 0; words <= 30; words += 6) {
            reef_message m = {0};
            reef_error error;
            memset(name, 0, sizeof name);
            for (size_t i = 0; i + 2 <= len; i += 2)
                memcpy(name + i, "\xC3\xA4", 2);
            for (size_t i = 0; i < words; i++)
                reef_message_add(&m, "w\xC3\xB6rds ");
            reef_message_add(&m, "end");
            reef_config_place place = {name, 4294967295U, 4294967295U};
            memset(&error, 'x', sizeof error);
            assert_int_equal(reef_config_fail(&error, REEF_BADCONFIG, place, &m),
                             REEF_BADCONFIG);
            assert_int_equal(error.code, REEF_BADCONFIG);
            assert_int_equal(error.sys_errno, 0);
            size_t size = strlen(error.text);
            assert_true(size < REEF_ERROR_TEXT);
            char text[REEF_ERROR_TEXT];
            size_t head = reef_config_place_text(text, place, &m);
            assert_string_equal(text, error.text);
            assert_memory_equal(text + head - 2, words > 0 ? ": w" : ": e", 3);
            for (size_t at = 0; at < size;) {
                size_t step = reef_utf8_size((reef_str){error.text, size}, at);
                assert_true(step > 0);
                at += step;
            }
            help_contains(error.text, ":4294967295:4294967295: ");
            if (words <= 18)
                assert_string_equal(error.text + size - 3, "end");
        }
    }
}

static void failure_forms(void **state)
{
    reef_message m = {0};
    reef_error error;
    (void)state;
    reef_message_add(&m, "bad");
    reef_config_fail(&error, REEF_BADCONFIG, (reef_config_place){"a.toml", 3, 9}, &m);
    assert_string_equal(error.text, "a.toml:3:9: bad");
    reef_config_fail(&error, REEF_NOMEM, (reef_config_place){"KNOT_X", 0, 0}, &m);
    assert_string_equal(error.text, "KNOT_X: bad");
    assert_int_equal(error.code, REEF_NOMEM);
    reef_config_fail(&error, REEF_BADCONFIG, (reef_config_place){"a\nb\x1B", 1, 1}, &m);
    assert_string_equal(error.text, "a\\x0ab\\x1b:1:1: bad");
    assert_int_equal(
        reef_config_fail(NULL, REEF_BADCONFIG, (reef_config_place){"x", 0, 0}, &m),
        REEF_BADCONFIG);
    char name[400];
    memset(name, 'd', sizeof name);
    memcpy(name + sizeof name - 11, "/knot.toml", 11);
    reef_config_fail(&error, REEF_BADCONFIG, (reef_config_place){name, 1, 1}, &m);
    assert_memory_equal(error.text, "...ddd", 6);
    help_contains(error.text, "d/knot.toml:1:1: bad");
    assert_int_equal(strlen(error.text), REEF_ERROR_TEXT - 1);
}

static void forget(void **state)
{
    char bytes[] = "secret";
    (void)state;
    reef_forget(bytes, 3);
    assert_memory_equal(bytes, "\0\0\0ret", 7);
}

/* The table against the words of the TOML standard, byte by byte. */
static void classes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool bare = c != 0 && strchr("-_0123456789abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                     c) != NULL;
        bool word = bare || c == '+' || c == '.' || c == ':';
        bool blank = c == ' ' || c == '\t';
        bool plain = blank || (c > 0x20 && c < 0x7F && strchr("\"'\\", c) == NULL);
        assert_int_equal(reef_char_is((char)c, REEF_CHAR_BARE), bare);
        assert_int_equal(reef_char_is((char)c, REEF_CHAR_WORD), word);
        assert_int_equal(reef_char_is((char)c, REEF_CHAR_BLANK), blank);
        assert_int_equal(reef_char_is((char)c, REEF_CHAR_PLAIN), plain);
    }
    assert_int_equal(reef_str_over(reef_str_of("a b=c"), 0, REEF_CHAR_BARE), 1);
    assert_int_equal(reef_str_over(reef_str_of("a b=c"), 1, REEF_CHAR_BARE), 1);
    assert_int_equal(
        reef_str_over(reef_str_of("a b=c"), 0, REEF_CHAR_BARE | REEF_CHAR_BLANK), 3);
    assert_int_equal(reef_str_over(reef_str_of("abc"), 1, REEF_CHAR_WORD), 3);
    assert_int_equal(reef_str_over((reef_str){0}, 0, REEF_CHAR_WORD), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),           cmocka_unit_test(digits),
        cmocka_unit_test(values_are_safe), cmocka_unit_test(values_are_cut),
        cmocka_unit_test(numbers),         cmocka_unit_test(message_is_bounded),
        cmocka_unit_test(texts_fit),       cmocka_unit_test(failures_fit),
        cmocka_unit_test(failure_forms),   cmocka_unit_test(forget),
        cmocka_unit_test(classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
