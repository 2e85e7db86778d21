/* SPDX-License-Identifier: Apache-2.0
 *
 * reef call: the command that it makes of its arguments, and its reply in each form.
 * Linked with __wrap_reef_call of cli_script.h and __wrap_reef_call_nodes of
 * cli_nodes.h. */
#include "test/unit/cli_look.h"
#include "test/unit/cli_nodes.h"
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
    c->ctx.keys[c->ctx.key_count++] = "2";
    assert_int_equal(calls(c, "GET x k"), CLI_DONE);
    assert_string_equal(script_log, "GET x <k>\n");
    assert_int_equal(calls(c, "GET x"), CLI_USAGE);
    assert_string_equal(script_log, "");
    cap_has(c->err, "--key '2' is past the last argument");
    c->ctx.keys[0] = "x";
    assert_int_equal(calls(c, "GET x"), CLI_USAGE);
    c->ctx.keys[0] = "1,3";
    assert_int_equal(calls(c, "GET a b"), CLI_USAGE);
    cap_has(c->err, "--key '1,3' is past the last argument");
    c->ctx.key_count = 0;
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

/* A call that keeps its keys' marks is refused by the library; here it is seen that all
 * of them are given on. */
static void call_keys(void **state)
{
    cap *c = *state;
    cap_nobody(c);
    c->ctx.keys[0] = "1,3";
    c->ctx.keys[1] = "4";
    c->ctx.key_count = 2;
    assert_int_equal(calls(c, "GET a b c d"), CLI_DONE);
    assert_string_equal(script_log, "GET <a> b <c> <d>\n");
}

static int calls_all(cap *c, const char *words)
{
    nodes_log[0] = '\0';
    return calls(c, words);
}

/* To every node, each answer under its name. */
static void call_all(void **state)
{
    cap *c = *state;
    cap_nobody(c);
    nodes_good();
    nodes_count = 4;
    cap_set(c, CLI_OPT_MASTERS, "");
    assert_int_equal(calls_all(c, "DBSIZE"), CLI_DONE);
    assert_string_equal(c->out, "10.0.0.1:7000, master:\n(integer) 100\n"
                                "10.0.0.2:7000, master:\n(integer) 100\n"
                                "10.0.0.3:7000, master:\n(integer) 100\n");
    assert_string_equal(nodes_log, "DBSIZE (masters)\n");
    assert_string_equal(script_log, "");
    cap_set(c, CLI_OPT_ALL, "");
    assert_int_equal(calls_all(c, "DBSIZE"), CLI_USAGE);
    assert_string_equal(nodes_log, "");
    cap_set(c, CLI_OPT_MASTERS, NULL);
    nodes_mute(1, REEF_CONNECT, "connection refused");
    nodes_mute(2, REEF_UNSENT, "10.0.0.3:7000: too late");
    assert_int_equal(calls_all(c, "PING"), CLI_UNREACHED);
    assert_string_equal(c->out, "10.0.0.1:7000, master:\nPONG\n"
                                "10.0.0.4:7000, replica:\nPONG\n");
    assert_string_equal(c->err, "reef: 10.0.0.2:7000: connection refused\n"
                                "reef: 10.0.0.3:7000: too late\n");
    cap_set(c, CLI_OPT_JSON, "");
    nodes_mute(2, REEF_OK, "");
    nodes_count = 3;
    assert_int_equal(calls_all(c, "PING"), CLI_UNREACHED);
    cap_has(c->out,
            "{\"peer\":\"10.0.0.1:7000\",\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaa\",\"role\":\"master\",\"reply\":{\"t\":\"simple\",\"v\":"
            "\"PONG\"}}\n{\"error\":\"10.0.0.2:7000: connection refused\","
            "\"code\":\"no connection\",\"peer\":\"10.0.0.2:7000\",\"id\":\"bb");
    cap_has(c->out, "\"role\":\"master\",\"exit\":4}\n{\"peer\":\"10.0.0.3:7000\",");
    cap_has_not(c->out, "(integer)");
    nodes_code = REEF_DNS;
    assert_int_equal(calls_all(c, "PING"), CLI_DNS);
    assert_string_equal(c->err, "reef: asked in vain\n");
    nodes_code = REEF_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(call_forms), CAP_TEST(call_key),      CAP_TEST(call_keys),
        CAP_TEST(call_all),   CAP_TEST(call_failures),
    };
    return cmocka_run_group_tests_name("cli_call", tests, NULL, NULL);
}
