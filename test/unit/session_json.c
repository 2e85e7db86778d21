/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings as Go writes them, and the reader of one object. Inputs stand in blocks of
 * their exact size, so that a memory checker sees any step behind the end. */
#include "session/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A literal, NULs inside counted. */
#define S(text)                                                                        \
    {                                                                                  \
        text, sizeof text - 1                                                          \
    }

struct pair {
    reef_str from, to;
};

/* ---- writing ------------------------------------------------------------------ */

static const struct pair written[] = {
    {S(""), S("\"\"")},
    {S("abc"), S("\"abc\"")},
    {S("a\"b\\c"), S("\"a\\\"b\\\\c\"")},
    {S("/"), S("\"/\"")},
    {S("<>&"), S("\"\\u003c\\u003e\\u0026\"")},
    {S("'"), S("\"'\"")},
    {S("\b\f\n\r\t"), S("\"\\b\\f\\n\\r\\t\"")},
    {S("\0\1\x0B\x1F"), S("\"\\u0000\\u0001\\u000b\\u001f\"")},
    {S("\x7F"), S("\"\x7F\"")},
    {S("\xC2\x80"), S("\"\xC2\x80\"")},
    {S("caf\xC3\xA9"), S("\"caf\xC3\xA9\"")},
    {S("\xE2\x80\xA7"), S("\"\xE2\x80\xA7\"")},
    {S("\xE2\x80\xA8"), S("\"\\u2028\"")},
    {S("\xE2\x80\xA9"), S("\"\\u2029\"")},
    {S("\xE2\x80\xAA"), S("\"\xE2\x80\xAA\"")},
    {S("\xEF\xBF\xBD"), S("\"\xEF\xBF\xBD\"")},
    {S("\xF0\x9F\x98\x80"), S("\"\xF0\x9F\x98\x80\"")},
    {S("\xF4\x8F\xBF\xBF"), S("\"\xF4\x8F\xBF\xBF\"")},
    {S("\x80"), S("\"\\ufffd\"")},
    {S("\xFF\xFE"), S("\"\\ufffd\\ufffd\"")},
    {S("\xC0\x80"), S("\"\\ufffd\\ufffd\"")},
    {S("\xC1\xBF"), S("\"\\ufffd\\ufffd\"")},
    {S("\xC3"), S("\"\\ufffd\"")},
    {S("\xC3("), S("\"\\ufffd(\"")},
    {S("\xE2\x80"), S("\"\\ufffd\\ufffd\"")},
    {S("\xE2\x80x"), S("\"\\ufffd\\ufffdx\"")},
    {S("\xE0\x9F\xBF"), S("\"\\ufffd\\ufffd\\ufffd\"")},
    {S("\xED\xA0\x80"), S("\"\\ufffd\\ufffd\\ufffd\"")},
    {S("\xED\x9F\xBF"), S("\"\xED\x9F\xBF\"")},
    {S("\xF0\x8F\xBF\xBF"), S("\"\\ufffd\\ufffd\\ufffd\\ufffd\"")},
    {S("\xF4\x90\x80\x80"), S("\"\\ufffd\\ufffd\\ufffd\\ufffd\"")},
    {S("\xF5\x80\x80\x80"), S("\"\\ufffd\\ufffd\\ufffd\\ufffd\"")},
    {S("\xF0\x9F\x98"), S("\"\\ufffd\\ufffd\\ufffd\"")},
    {S("a\xF0\x9F\x98\x80\xFFz"), S("\"a\xF0\x9F\x98\x80\\ufffdz\"")},
};

static void assert_words(reef_str got, reef_str expected)
{
    if (!reef_str_equal(got, expected))
        print_error("got %.*s, expected %.*s\n", (int)got.len, got.ptr,
                    (int)expected.len, expected.ptr);
    assert_true(reef_str_equal(got, expected));
}

static void test_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        reef_draft draft = {0};
        reef_json_write(&draft, written[i].from);
        assert_int_equal(draft.code, REEF_OK);
        assert_words(reef_draft_str(&draft), written[i].to);
        reef_draft_free(&draft);
    }
}

/* Every control character, each byte above ASCII alone, and each character of two
 * bytes. */
static void test_write_each(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        reef_draft draft = {0};
        char byte = (char)(uint8_t)c;
        reef_json_write(&draft, (reef_str){&byte, 1});
        bool escaped = c < 0x20 || c > 0x7F || strchr("\"\\<>&", byte) != NULL;
        bool letter = c != 0 && strchr("\b\f\n\r\t\"\\", byte) != NULL;
        assert_int_equal(draft.len, letter ? 4 : escaped ? 8 : 3);
        reef_draft_free(&draft);
    }
    for (unsigned c = 0x80; c < 0x800; c++) {
        reef_draft draft = {0};
        char two[2] = {(char)(uint8_t)(0xC0 | c >> 6),
                       (char)(uint8_t)(0x80 | (c & 63))};
        reef_json_write(&draft, (reef_str){two, 2});
        assert_int_equal(draft.len, 4);
        assert_memory_equal(draft.ptr + 1, two, 2);
        reef_draft_free(&draft);
    }
}

/* ---- reading strings ---------------------------------------------------------- */

static const struct pair strings[] = {
    {S("\"\""), S("")},
    {S("\"abc\""), S("abc")},
    {S(" \t\r\n\"x\""), S("x")},
    {S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), S("\"\\/\b\f\n\r\t")},
    {S("\"\\u0041\\u00e9\\u20AC\""), S("A\xC3\xA9\xE2\x82\xAC")},
    {S("\"\\u0000\""), S("\0")},
    {S("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
     S("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF")},
    {S("\"\\ud83d\\ude00\""), S("\xF0\x9F\x98\x80")},
    {S("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""), S("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")},
    {S("\"\\ud83d\""), S("\xEF\xBF\xBD")},
    {S("\"\\ude00\""), S("\xEF\xBF\xBD")},
    {S("\"\\ud83dx\""), S("\xEF\xBF\xBDx")},
    {S("\"\\ud83d\\n\""), S("\xEF\xBF\xBD\n")},
    {S("\"\\ud83d\\u0041\""), S("\xEF\xBF\xBD"
                                "A")},
    {S("\"\\ud83d\\ud83d\\ude00\""), S("\xEF\xBF\xBD\xF0\x9F\x98\x80")},
    {S("\"\\ude00\\ud83d\""), S("\xEF\xBF\xBD\xEF\xBF\xBD")},
    {S("\"\xFF\xC3\""), S("\xEF\xBF\xBD\xEF\xBF\xBD")},
    {S("\"\xED\xA0\x80\""), S("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")},
    {S("\"caf\xC3\xA9\x7F\""), S("caf\xC3\xA9\x7F")},
    {S("\"\xE2\x80\xA8\""), S("\xE2\x80\xA8")},
};

/* {"k":<value>}, in a block of its exact size. */
static char *boxed(reef_str value, size_t *len)
{
    *len = value.len + 6;
    char *text = malloc(*len);
    assert_non_null(text);
    memcpy(text, "{\"k\":", 5);
    memcpy(text + 5, value.ptr, value.len);
    text[*len - 1] = '}';
    return text;
}

static void test_strings(void **state)
{
    (void)state;
    reef_draft name = {0}, out = {0};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        size_t len;
        char *text = boxed(strings[i].from, &len);
        reef_json json;
        reef_json_open(&json, (reef_str){text, len});
        assert_true(reef_json_member(&json, &name));
        assert_words(reef_draft_str(&name), reef_str_of("k"));
        reef_json_string(&json, &out);
        assert_null(json.why);
        assert_words(reef_draft_str(&out), strings[i].to);
        assert_false(reef_json_member(&json, &name));
        assert_null(json.why);
        free(text);
    }
    reef_draft_free(&name);
    reef_draft_free(&out);
}

/* ---- values that are skipped, and what is none -------------------------------- */

static const reef_str good[] = {
    S("0"),
    S("-0"),
    S("1"),
    S("-12"),
    S("0.5"),
    S("1.0e5"),
    S("1E+5"),
    S("1e-5"),
    S("123456789012345678901234567890"),
    S("true"),
    S("false"),
    S("null"),
    S("\"\""),
    S("\"\\u0041\\n\""),
    S("[]"),
    S("[ ]"),
    S("{}"),
    S("{ }"),
    S("[1,2]"),
    S("[1 , [2]]"),
    S("[[],{}]"),
    S("{\"a\":1}"),
    S("{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":[]}"),
    S("{ \"\" : 0 , \"\" : 0 }"),
    S("[\"]\",\"}\"]"),
    S("\t[\r\n1\t]\n"),
    S("[true,false,null,\"x\",-1.5e3]"),
};

static const reef_str bad[] = {
    S(""),
    S("01"),
    S("-"),
    S("+1"),
    S("1."),
    S(".5"),
    S("1e"),
    S("1e+"),
    S("0x1"),
    S("NaN"),
    S("Infinity"),
    S("tru"),
    S("True"),
    S("nul"),
    S("nulll"),
    S("\""),
    S("\"a"),
    S("'a'"),
    S("\"\n\""),
    S("\"\t\""),
    S("\"\x00\""),
    S("\"\x1F\""),
    S("\"\\x\""),
    S("\"\\u12\""),
    S("\"\\u12g4\""),
    S("\"\\'\""),
    S("\"\\U0041\""),
    S("["),
    S("]"),
    S("[1"),
    S("[1,"),
    S("[1,]"),
    S("[,1]"),
    S("[1 2]"),
    S("[1}"),
    S("{"),
    S("{1:2}"),
    S("{\"a\"}"),
    S("{\"a\":}"),
    S("{\"a\":1,}"),
    S("{,}"),
    S("{\"a\" 1}"),
    S("{\"a\":1]"),
    S("{\"a\":1 \"b\":2}"),
    S("{a:1}"),
    S("1 2"),
    S("1}"),
    S("\"\\"),
    S("\"\\u"),
    S("\x0C"
      "1"),
    S("\xEF\xBB\xBF"
      "1"),
    S("[1]]"),
    S("{}}"),
    S("//"),
    S("1,,\"b\":2"),
};

/* Reads {"k":<value>} with skip; the error, or NULL. */
static const char *skipped(reef_str value)
{
    size_t len;
    char *text = boxed(value, &len);
    reef_draft name = {0};
    reef_json json;
    reef_json_open(&json, (reef_str){text, len});
    while (reef_json_member(&json, &name))
        reef_json_skip(&json);
    assert_true(json.at <= json.len);
    reef_draft_free(&name);
    free(text);
    return json.why;
}

static void test_skip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(skipped(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (skipped(bad[i]) == NULL)
            print_error("taken: %.*s\n", (int)bad[i].len, bad[i].ptr);
        assert_non_null(skipped(bad[i]));
    }
}

static const char *nested(size_t depth, char open, char close)
{
    char *text = malloc(2 * depth);
    assert_non_null(text);
    memset(text, open, depth);
    memset(text + depth, close, depth);
    const char *why = skipped((reef_str){text, 2 * depth});
    free(text);
    return why;
}

/* Objects: {"":{"":...{}...}} */
static const char *nested_objects(size_t depth)
{
    reef_draft draft = {0};
    for (size_t i = 1; i < depth; i++)
        reef_draft_text(&draft, "{\"\":");
    reef_draft_text(&draft, "{}");
    for (size_t i = 1; i < depth; i++)
        reef_draft_byte(&draft, '}');
    const char *why = skipped(reef_draft_str(&draft));
    reef_draft_free(&draft);
    return why;
}

static void test_depth(void **state)
{
    (void)state;
    /* The object around them is the first level. */
    assert_null(nested(REEF_JSON_DEPTH - 1, '[', ']'));
    assert_string_equal(nested(REEF_JSON_DEPTH, '[', ']'), "nested too deep");
    assert_string_equal(nested(1000000, '[', ']'), "nested too deep");
    assert_null(nested_objects(REEF_JSON_DEPTH - 1));
    assert_string_equal(nested_objects(REEF_JSON_DEPTH), "nested too deep");
}

/* ---- whole objects ------------------------------------------------------------ */

static void test_members(void **state)
{
    (void)state;
    static const char text[] =
        " { \"a\" : 18446744073709551615 , \"b\":true,\"b\":false,\"\\u0063\":null,"
        "\"d\":\"x\\n\"\n} \t";
    reef_json json;
    reef_draft name = {0};
    reef_json_open(&json, reef_str_of(text));
    assert_true(reef_json_member(&json, &name));
    assert_true(reef_json_uint(&json) == UINT64_MAX);
    assert_true(reef_json_member(&json, &name));
    assert_false(reef_json_null(&json));
    assert_true(reef_json_bool(&json));
    assert_true(reef_json_member(&json, &name));
    assert_words(reef_draft_str(&name), reef_str_of("b"));
    assert_false(reef_json_bool(&json));
    assert_true(reef_json_member(&json, &name));
    assert_words(reef_draft_str(&name), reef_str_of("c"));
    assert_true(reef_json_null(&json));
    assert_true(reef_json_member(&json, &name));
    assert_words(reef_json_quoted(&json), reef_str_of("x\\n"));
    assert_false(reef_json_member(&json, &name));
    assert_null(json.why);
    assert_int_equal(json.at, sizeof text - 1);
    reef_draft_free(&name);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
        bool good;
    } numbers[] = {
        {"{\"n\":0}", 0, true},
        {"{\"n\":9007199254740993}", UINT64_C(9007199254740993), true},
        {"{\"n\":18446744073709551615}", UINT64_MAX, true},
        {"{\"n\":18446744073709551616}", 0, false},
        {"{\"n\":99999999999999999999}", 0, false},
        {"{\"n\":184467440737095516150}", 0, false},
        {"{\"n\":-0}", 0, false},
        {"{\"n\":-1}", 0, false},
        {"{\"n\":1.0}", 0, false},
        {"{\"n\":1e3}", 0, false},
        {"{\"n\":1E0}", 0, false},
        {"{\"n\":\"1\"}", 0, false},
        {"{\"n\":01}", 0, false},
        {"{\"n\":}", 0, false},
        {"{\"n\":[1]}", 0, false},
    };
    reef_draft name = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        reef_json json;
        reef_json_open(&json, reef_str_of(numbers[i].text));
        assert_true(reef_json_member(&json, &name));
        uint64_t value = reef_json_uint(&json);
        assert_false(reef_json_member(&json, &name));
        assert_int_equal(json.why == NULL, numbers[i].good);
        if (numbers[i].good)
            assert_true(value == numbers[i].value);
    }
    reef_draft_free(&name);
}

/* Where an error is. */
static void test_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } errors[] = {
        {"", 0},
        {"  ", 2},
        {"null", 0},
        {"[]", 0},
        {"{", 1},
        {"{x", 1},
        {"{\"a\"", 4},
        {"{\"a\":", 5},
        {"{\"a\":  \"b", 7},
        {"{\"a\":\"b\nc\"}", 7},
        {"{\"a\":\"b\\q\"}", 7},
        {"{\"a\":tRue}", 5},
        {"{\"a\":1 ", 7},
        {"{\"a\":1 x", 7},
        {"{\"a\":1}  x", 9},
        {"{\"a\":1,}", 7},
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        reef_draft name = {0};
        reef_json json;
        reef_json_open(&json, reef_str_of(errors[i].text));
        while (reef_json_member(&json, &name))
            reef_json_skip(&json);
        assert_non_null(json.why);
        if (json.at != errors[i].at)
            print_error("%s: at %zu\n", errors[i].text, json.at);
        assert_int_equal(json.at, errors[i].at);
        reef_draft_free(&name);
    }
}

/* Cut short at any byte, an object is an error, and nothing behind the cut is read. */
static void test_truncated(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"a\":\"\\ud83d\\ude00\xF0\x9F\x98\x80\",\"b\":[1.5e+3,{\"c\":[null,true]}],"
        "\"d\":false,\"e\":18446744073709551615}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *text = malloc(len > 0 ? len : 1);
        assert_non_null(text);
        memcpy(text, whole, len);
        reef_draft name = {0}, out = {0};
        reef_json json;
        reef_json_open(&json, (reef_str){text, len});
        while (reef_json_member(&json, &name)) {
            if (reef_str_equal(reef_draft_str(&name), reef_str_of("a")))
                reef_json_string(&json, &out);
            else
                reef_json_skip(&json);
        }
        assert_non_null(json.why);
        assert_true(json.at <= len);
        reef_draft_free(&name);
        reef_draft_free(&out);
        free(text);
    }
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Noise made of what JSON is made of: the reader ends, inside of its bytes. */
static void test_noise(void **state)
{
    (void)state;
    static const char letters[] = "{}[]\",:\\u0dD8eE+-.12tfnrulas \n\xC3\xFF";
    uint64_t seed = UINT64_C(0x9E3779B97F4A7C15);
    for (int round = 0; round < 20000; round++) {
        size_t len = 2 + random_next(&seed) % 40;
        char *text = malloc(len);
        assert_non_null(text);
        text[0] = '{';
        text[1] = '"';
        for (size_t i = 2; i < len; i++)
            text[i] = letters[random_next(&seed) % (sizeof letters - 1)];
        reef_draft name = {0}, out = {0};
        reef_json json;
        reef_json_open(&json, (reef_str){text, len});
        while (reef_json_member(&json, &name)) {
            switch (random_next(&seed) % 4) {
            case 0:
                reef_json_string(&json, &out);
                break;
            case 1:
                reef_json_uint(&json);
                break;
            case 2:
                if (!reef_json_null(&json))
                    reef_json_bool(&json);
                break;
            default:
                reef_json_skip(&json);
                break;
            }
        }
        assert_true(json.at <= len);
        reef_draft_free(&name);
        reef_draft_free(&out);
        free(text);
    }
}

/* What was written reads back, with U+FFFD for what was no UTF-8. */
static void test_round_trip(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x2545F4914F6CDD1D);
    for (int round = 0; round < 5000; round++) {
        char bytes[24];
        reef_str text = {bytes, random_next(&seed) % sizeof bytes};
        for (size_t i = 0; i < text.len; i++)
            bytes[i] = (char)(uint8_t)(random_next(&seed) >> 11 & 0xFF);
        reef_draft once = {0}, twice = {0}, name = {0}, out = {0};
        size_t len;
        reef_json_write(&once, text);
        char *box = boxed(reef_draft_str(&once), &len);
        reef_json json;
        reef_json_open(&json, (reef_str){box, len});
        assert_true(reef_json_member(&json, &name));
        reef_json_string(&json, &out);
        assert_false(reef_json_member(&json, &name));
        assert_null(json.why);
        assert_true(reef_utf8_valid(reef_draft_str(&out)));
        if (reef_utf8_valid(text))
            assert_words(reef_draft_str(&out), text);
        reef_json_write(&twice, reef_draft_str(&out));
        if (reef_utf8_valid(text))
            assert_words(reef_draft_str(&twice), reef_draft_str(&once));
        reef_draft_free(&once);
        reef_draft_free(&twice);
        reef_draft_free(&name);
        reef_draft_free(&out);
        free(box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),      cmocka_unit_test(test_write_each),
        cmocka_unit_test(test_strings),    cmocka_unit_test(test_skip),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_members),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_truncated),  cmocka_unit_test(test_noise),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests_name("session_json", tests, NULL, NULL);
}
