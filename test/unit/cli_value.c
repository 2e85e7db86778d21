/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies as JSON, one of each kind and what lies at their edges; the vectors of
 * resp_vectors.c go through it, too. */
#include "test/unit/cli_capture.h"

#include "session/cli/value.h"

static void prints(const char *wire, const char *json)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    reef_reply *reply = cap_reply(wire);
    cli_value_print(out, reply, reef_reply_root(reply));
    reef_reply_free(reply);
    assert_string_equal(cap_file(out), json);
}

static void value_leaves(void **state)
{
    (void)state;
    prints("_\r\n", "{\"t\":\"null\"}");
    prints("#f\r\n", "{\"t\":\"bool\",\"v\":false}");
    prints(":-9223372036854775808\r\n", "{\"t\":\"int\",\"v\":-9223372036854775808}");
    prints(",1.5\r\n", "{\"t\":\"double\",\"v\":\"1.5\"}");
    prints(",-inf\r\n", "{\"t\":\"double\",\"v\":\"-inf\"}");
    prints(",nan\r\n", "{\"t\":\"double\",\"v\":\"nan\"}");
    prints("+OK\r\n", "{\"t\":\"simple\",\"v\":\"OK\"}");
    prints("-ERR x\r\n", "{\"t\":\"error\",\"v\":\"ERR x\"}");
    prints("!1\r\nx\r\n", "{\"t\":\"error\",\"bulk\":true,\"v\":\"x\"}");
    prints("(12\r\n", "{\"t\":\"bignum\",\"v\":\"12\"}");
    prints("=5\r\ntxt:a\r\n", "{\"t\":\"verbatim\",\"fmt\":\"txt\",\"v\":\"a\"}");
    prints("$0\r\n\r\n", "{\"t\":\"bulk\",\"v\":\"\"}");
}

/* What is no text is given in base 64, padded by what is left over. */
static void value_bytes(void **state)
{
    (void)state;
    prints("$1\r\n\xFF\r\n", "{\"t\":\"bulk\",\"b64\":\"/w==\"}");
    prints("$2\r\n\xFF\xFE\r\n", "{\"t\":\"bulk\",\"b64\":\"//4=\"}");
    prints("$3\r\n\xFF\xFE\xFD\r\n", "{\"t\":\"bulk\",\"b64\":\"//79\"}");
    assert_true(cli_value_is_text(reef_str_of("a\xC3\xA9\xF0\x9F\x98\x80")));
    assert_true(cli_value_is_text(reef_str_of("")));
    assert_false(cli_value_is_text((reef_str){"a\0b", 3}));
    assert_false(cli_value_is_text(reef_str_of("\xC3")));
}

static void value_string(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    assert_non_null(out);
    cli_value_string(out,
                     reef_str_of("\"\\\b\f\n\r\t\x01\x7F\xC3\xA9\xF0\x9F\x98\x80~"));
    assert_string_equal(cap_file(out), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\\u00e9"
                                       "\\ud83d\\ude00~\"");
}

static void value_aggregates(void **state)
{
    (void)state;
    prints("*0\r\n", "{\"t\":\"array\",\"v\":[]}");
    prints("%0\r\n", "{\"t\":\"map\",\"v\":[]}");
    prints("~2\r\n:1\r\n*1\r\n_\r\n", "{\"t\":\"set\",\"v\":[{\"t\":\"int\",\"v\":1},"
                                      "{\"t\":\"array\",\"v\":[{\"t\":\"null\"}]}]}");
    prints("%2\r\n+a\r\n%1\r\n+b\r\n:1\r\n:2\r\n_\r\n",
           "{\"t\":\"map\",\"v\":[[{\"t\":\"simple\",\"v\":\"a\"},{\"t\":\"map\",\"v\":"
           "[[{\"t\":\"simple\",\"v\":\"b\"},{\"t\":\"int\",\"v\":1}]]}],"
           "[{\"t\":\"int\",\"v\":2},{\"t\":\"null\"}]]}");
}

/* Attributes stand behind the value they were sent ahead of, several maps joined. */
static void value_attributes(void **state)
{
    (void)state;
    prints("|1\r\n+k\r\n:1\r\n|1\r\n+l\r\n:2\r\n*1\r\n|1\r\n+m\r\n:3\r\n_\r\n",
           "{\"t\":\"array\",\"v\":[{\"t\":\"null\",\"attr\":[[{\"t\":\"simple\","
           "\"v\":\"m\"},{\"t\":\"int\",\"v\":3}]]}],\"attr\":[[{\"t\":\"simple\","
           "\"v\":\"k\"},{\"t\":\"int\",\"v\":1}],[{\"t\":\"simple\",\"v\":\"l\"},"
           "{\"t\":\"int\",\"v\":2}]]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_leaves),     cmocka_unit_test(value_bytes),
        cmocka_unit_test(value_string),     cmocka_unit_test(value_aggregates),
        cmocka_unit_test(value_attributes),
    };
    return cmocka_run_group_tests_name("cli_value", tests, NULL, NULL);
}
