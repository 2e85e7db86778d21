/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies: every accessor on every kind, on nothing, and with attributes around. */
#include "resp/resp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

/* One owned reply from these bytes. */
static reef_reply *reply_of(const char *bytes)
{
    reef_parser *p = reef_parser_new(NULL, 3);
    assert_int_equal(reef_parser_feed(p, reef_str_of(bytes)), REEF_OK);
    reef_parse step = reef_parser_next(p);
    assert_true(step == REEF_PARSE_REPLY || step == REEF_PARSE_PUSH);
    reef_reply *reply = reef_parser_take(p);
    assert_non_null(reply);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
    reef_parser_free(p);
    return reply;
}

static void check_text(const reef_reply *reply, const reef_node *node, const char *text)
{
    assert_true(reef_str_equal(reef_text(reply, node), reef_str_of(text)));
}

/* All that may be asked of a node of this kind gives nothing, but what `but` names. */
static void check_total(const reef_reply *reply, const reef_node *node, const char *but)
{
    size_t count = 9;
    assert_true(strchr(but, 'i') != NULL || reef_int(node, 77) == 77);
    assert_true(strchr(but, 'd') != NULL || reef_double(node, 7.5) == 7.5);
    assert_true(strchr(but, 'b') != NULL || reef_bool(node, true));
    assert_true(strchr(but, 'b') != NULL || !reef_bool(node, false));
    assert_true(strchr(but, 't') != NULL || reef_text(reply, node).len == 0);
    assert_true(strchr(but, 'f') != NULL || reef_format(reply, node).len == 0);
    assert_true(strchr(but, 'c') != NULL || reef_count(node) == 0);
    assert_true(strchr(but, 'c') != NULL ||
                reef_node_kind(reef_at(node, 0)) == REEF_NIL);
    assert_int_equal(reef_node_kind(reef_at(node, SIZE_MAX)), REEF_NIL);
    assert_int_equal(reef_node_kind(reef_get(reply, node, "no such key")), REEF_NIL);
    assert_int_equal(reef_node_kind(reef_get(reply, node, NULL)), REEF_NIL);
    assert_int_equal(reef_node_kind(reef_attributes(node, &count)), REEF_NIL);
    assert_int_equal(count, 0);
    reef_attributes(node, NULL);
}

static void test_reply_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        reef_kind kind;
        const char *but;
    } rows[] = {
        {"_\r\n", REEF_NIL, ""},
        {"$-1\r\n", REEF_NIL, ""},
        {"*-1\r\n", REEF_NIL, ""},
        {"#t\r\n", REEF_BOOL, "b"},
        {":-5\r\n", REEF_INT, "id"},
        {",1.25\r\n", REEF_DOUBLE, "d"},
        {"$1\r\nx\r\n", REEF_STRING, "t"},
        {"$?\r\n;1\r\nx\r\n;0\r\n", REEF_STRING, "t"},
        {"+x\r\n", REEF_STATUS, "t"},
        {"-x\r\n", REEF_ERR, "t"},
        {"!1\r\nx\r\n", REEF_ERR, "t"},
        {"(12\r\n", REEF_BIGNUM, "t"},
        {"=5\r\ntxt:x\r\n", REEF_VERBATIM, "tf"},
        {"*1\r\n:1\r\n", REEF_ARRAY, "c"},
        {"%1\r\n+a\r\n:1\r\n", REEF_MAP, "c"},
        {"~1\r\n:1\r\n", REEF_SET, "c"},
        {">1\r\n:1\r\n", REEF_PUSH, "c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        reef_reply *reply = reply_of(rows[i].bytes);
        const reef_node *root = reef_reply_root(reply);
        assert_int_equal(reef_node_kind(root), rows[i].kind);
        check_total(reply, root, rows[i].but);
        assert_int_equal(reef_is_blob_error(root), rows[i].bytes[0] == '!');
        assert_int_equal(reef_reply_code(reply),
                         rows[i].kind == REEF_ERR ? REEF_REFUSED : REEF_OK);
        assert_string_equal(reef_reply_text(reply),
                            rows[i].kind == REEF_ERR ? "x" : "");
        assert_true(reef_reply_size(reply) >= 16);
        reef_reply_free(reply);
    }
}

static void test_reply_nothing(void **state)
{
    (void)state;
    check_total(NULL, NULL, "");
    assert_int_equal(reef_node_kind(NULL), REEF_NIL);
    assert_int_equal(reef_node_kind(reef_next(NULL)), REEF_NIL);
    assert_int_equal(reef_node_kind(reef_next(reef_at(NULL, 3))), REEF_NIL);
    assert_int_equal(reef_node_kind(reef_reply_root(NULL)), REEF_NIL);
    assert_int_equal(reef_reply_code(NULL), REEF_NOMEM);
    assert_string_equal(reef_reply_text(NULL), "out of memory");
    assert_int_equal(reef_reply_size(NULL), 0);
    assert_false(reef_is_blob_error(NULL));
    reef_reply_free(NULL);
}

static void test_reply_values(void **state)
{
    (void)state;
    reef_reply *r = reply_of("*6\r\n:-9223372036854775808\r\n,-2.5\r\n#f\r\n"
                             "=7\r\nmkd:a\r\n\r\n(-12\r\n$3\r\na\r\n\r\n");
    const reef_node *root = reef_reply_root(r);
    assert_true(reef_int(reef_at(root, 0), 0) == INT64_MIN);
    assert_true(reef_double(reef_at(root, 0), 0) == -9223372036854775808.0);
    assert_true(reef_double(reef_at(root, 1), 0) == -2.5);
    assert_int_equal(reef_int(reef_at(root, 1), 4), 4);
    assert_false(reef_bool(reef_at(root, 2), true));
    check_text(r, reef_at(root, 3), "a\r\n");
    assert_true(reef_str_equal(reef_format(r, reef_at(root, 3)), reef_str_of("mkd")));
    check_text(r, reef_at(root, 4), "-12");
    check_text(r, reef_at(root, 5), "a\r\n");
    assert_int_equal(reef_text(NULL, reef_at(root, 5)).len, 0);
    reef_reply_free(r);
}

/* Children after aggregates, walked by reef_at and by reef_next, also past the end. */
static void test_reply_walk(void **state)
{
    (void)state;
    reef_reply *r = reply_of("*7\r\n:0\r\n:1\r\n*2\r\n:7\r\n*1\r\n:8\r\n:3\r\n"
                             "|1\r\n+a\r\n:9\r\n:4\r\n*0\r\n:6\r\n");
    const reef_node *root = reef_reply_root(r);
    const int64_t expected[] = {0, 1, -1, 3, 4, -1, 6};
    const reef_node *next = reef_at(root, 0);
    for (size_t i = 0; i < 7; i++, next = reef_next(next)) {
        assert_true(reef_int(reef_at(root, i), -1) == expected[i]);
        assert_ptr_equal(next, reef_at(root, i));
    }
    assert_int_equal(reef_node_kind(reef_at(root, 7)), REEF_NIL);
    const reef_node *deep = reef_at(reef_at(reef_at(root, 2), 1), 0);
    assert_int_equal(reef_int(deep, 0), 8);
    assert_int_equal(reef_count(root), 7);
    reef_reply_free(r);
}

static void test_reply_get(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "%4\r\n+a\r\n:1\r\n$1\r\nb\r\n*2\r\n:5\r\n:6\r\n:7\r\n+seven\r\n+a\r\n:9\r\n",
        "*8\r\n+a\r\n:1\r\n$1\r\nb\r\n*2\r\n:5\r\n:6\r\n:7\r\n+seven\r\n+a\r\n:9\r\n",
        "*9\r\n+a\r\n:1\r\n$1\r\nb\r\n*2\r\n:5\r\n:6\r\n:7\r\n+seven\r\n+a\r\n:9\r\n+"
        "z\r\n",
        "%4\r\n|1\r\n+q\r\n:0\r\n+a\r\n|0\r\n:1\r\n|0\r\n$1\r\nb\r\n*2\r\n:5\r\n:6\r\n:"
        "7\r\n"
        "+seven\r\n+a\r\n:9\r\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        reef_reply *r = reply_of(forms[i]);
        const reef_node *root = reef_reply_root(r);
        assert_int_equal(reef_int(reef_get(r, root, "a"), 0), 1);
        assert_int_equal(reef_int(reef_at(reef_get(r, root, "b"), 1), 0), 6);
        assert_int_equal(reef_node_kind(reef_get(r, root, "c")), REEF_NIL);
        assert_int_equal(reef_node_kind(reef_get(r, root, "z")), REEF_NIL);
        assert_int_equal(reef_node_kind(reef_get(r, root, "q")), REEF_NIL);
        assert_int_equal(reef_node_kind(reef_get(r, root, "")), REEF_NIL);
        assert_int_equal(reef_node_kind(reef_get(NULL, root, "a")), REEF_NIL);
        reef_reply_free(r);
    }
    reef_reply *set = reply_of("~2\r\n+a\r\n:1\r\n");
    assert_int_equal(reef_node_kind(reef_get(set, reef_reply_root(set), "a")),
                     REEF_NIL);
    reef_reply_free(set);
}

static void test_reply_attributes(void **state)
{
    (void)state;
    reef_reply *r =
        reply_of("|1\r\n+ttl\r\n:60\r\n|1\r\n+b\r\n|1\r\n+in\r\n:3\r\n:2\r\n"
                 "*2\r\n|0\r\n:1\r\n:2\r\n");
    const reef_node *root = reef_reply_root(r);
    size_t count = 0;
    assert_int_equal(reef_node_kind(root), REEF_ARRAY);
    const reef_node *attribute = reef_attributes(root, &count);
    assert_int_equal(count, 2);
    assert_int_equal(reef_node_kind(attribute), REEF_MAP);
    assert_int_equal(reef_count(attribute), 2);
    assert_int_equal(reef_int(reef_get(r, attribute, "ttl"), 0), 60);
    attribute = reef_next(attribute);
    const reef_node *value = reef_get(r, attribute, "b");
    assert_int_equal(reef_int(value, 0), 2);
    assert_int_equal(reef_int(reef_get(r, reef_attributes(value, &count), "in"), 0), 3);
    assert_int_equal(count, 1);
    assert_int_equal(reef_count(reef_attributes(reef_at(root, 0), &count)), 0);
    assert_int_equal(count, 1);
    reef_attributes(reef_at(root, 1), &count);
    assert_int_equal(count, 0);
    assert_int_equal(reef_int(reef_at(root, 1), 0), 2);
    reef_reply_free(r);
}

static void test_reply_failed(void **state)
{
    (void)state;
    reef_reply *r = reef_reply_failed(REEF_UNSENT, "no time");
    assert_int_equal(reef_reply_code(r), REEF_UNSENT);
    assert_string_equal(reef_reply_text(r), "no time");
    check_total(r, reef_reply_root(r), "");
    assert_int_equal(reef_node_kind(reef_reply_root(r)), REEF_NIL);
    reef_reply_free(r);
    r = reef_reply_failed(REEF_DNS, NULL);
    assert_string_equal(reef_reply_text(r), "");
    reef_reply_free(r);
    /* A two-byte character over the edge is left out whole. */
    char text[400];
    memset(text, 'x', sizeof text);
    memcpy(text + REEF_ERROR_TEXT - 2, "\xC3\xA9", 2);
    text[399] = '\0';
    r = reef_reply_failed(REEF_DNS, text);
    assert_int_equal(strlen(reef_reply_text(r)), REEF_ERROR_TEXT - 2);
    reef_reply_free(r);
    text[REEF_ERROR_TEXT - 1] = '\0';
    text[REEF_ERROR_TEXT - 2] = 'x';
    r = reef_reply_failed(REEF_DNS, text);
    assert_int_equal(strlen(reef_reply_text(r)), REEF_ERROR_TEXT - 1);
    reef_reply_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_kinds),  cmocka_unit_test(test_reply_nothing),
        cmocka_unit_test(test_reply_values), cmocka_unit_test(test_reply_walk),
        cmocka_unit_test(test_reply_get),    cmocka_unit_test(test_reply_attributes),
        cmocka_unit_test(test_reply_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
