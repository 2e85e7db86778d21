/* SPDX-License-Identifier: Apache-2.0
 *
 * reef call: the command that it makes of its arguments, and its reply in each form.
 * Linked with __wrap_reef_call of cli_script.h. */
#include "test/unit/cli_script.h"

static const script_answer answers[] = {
    {"GET", "$3\r\na\"b\r\n"},
    {"NIL", "_\r\n"},
    {"BAD", "-WRONGTYPE no\r\n"},
    {"LATE", NULL},
    {NULL, NULL},
};

static int calls(cap *c, const char *words)
{
    script_begin(answers);
    cap_args(c, words);
    int code = cap_run(c, cli_call_run);
    cli_close(&c->ctx);
    return code;
}

static void call_forms(void **state)
{
    cap *c = *state;
    cap_nobody(c);
    assert_int_equal(calls(c, "GET k"), CLI_DONE);
    assert_string_equal(c->out, "\"a\\\"b\"\n");
    assert_string_equal(script_log, "GET k\n");
    cap_set(c, CLI_OPT_RAW, "");
    assert_int_equal(calls(c, "GET k"), CLI_DONE);
    assert_string_equal(c->out, "a\"b\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(calls(c, "GET k"), CLI_DONE);
    assert_string_equal(c->out, "{\"t\":\"bulk\",\"v\":\"a\\\"b\"}\n");
    assert_int_equal(calls(c, "NIL"), CLI_DONE);
    assert_string_equal(c->out, "{\"t\":\"null\"}\n");
    assert_string_equal(c->err, "");
}

/* --key 1 is the argument after the name; the last one may be it, and none past it. */
static void call_key(void **state)
{
    cap *c = *state;
    cap_nobody(c);
    cap_set(c, CLI_OPT_KEY, "2");
    assert_int_equal(calls(c, "GET x k"), CLI_DONE);
    assert_string_equal(script_log, "GET x <k>\n");
    assert_int_equal(calls(c, "GET x"), CLI_USAGE);
    assert_string_equal(script_log, "");
    cap_has(c->err, "--key '2' is past the last argument");
    cap_set(c, CLI_OPT_KEY, "x");
    assert_int_equal(calls(c, "GET x"), CLI_USAGE);
    cap_set(c, CLI_OPT_KEY, NULL);
    cap_set(c, CLI_OPT_REPEATABLE, "");
    assert_int_equal(calls(c, "GET k"), CLI_DONE);
    assert_string_equal(script_log, "~GET k\n");
}

static void call_failures(void **state)
{
    cap *c = *state;
    cap_nobody(c);
    assert_int_equal(calls(c, "BAD k"), CLI_REFUSED);
    assert_string_equal(c->out, "");
    assert_string_equal(c->err, "reef: WRONGTYPE no\n");
    assert_int_equal(calls(c, "LATE"), CLI_UNREACHED);
    assert_string_equal(c->err, "reef: too late\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(calls(c, "BAD k"), CLI_REFUSED);
    cap_has(c->out, "{\"error\":\"WRONGTYPE no\",");
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(calls(c, "GET k"), CLI_USAGE);
    assert_string_equal(script_log, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(call_forms),
        CAP_TEST(call_key),
        CAP_TEST(call_failures),
    };
    return cmocka_run_group_tests_name("cli_call", tests, NULL, NULL);
}
