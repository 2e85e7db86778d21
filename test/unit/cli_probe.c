/* SPDX-License-Identifier: Apache-2.0
 *
 * The looks of reef check behind the handshake, on answers of a table. Linked with
 * __wrap_reef_call of cli_script.h. */
#include "test/unit/cli_script.h"

#include "session/cli/check.h"

static cli_check looked;

/* The findings of an earlier look are forgotten, what is known of the server stays. */
static void look(cap *c, const script_answer *table)
{
    reef_server server = looked.server;
    memset(&looked, 0, sizeof looked);
    looked.ctx = &c->ctx;
    looked.server = server;
    script_begin(table);
}

static int run_info(cli_context *ctx)
{
    (void)ctx;
    reef_cmd *cmd = reef_cmd_new();
    assert_non_null(cmd);
    cli_check_info(&looked, cmd);
    reef_cmd_free(cmd);
    return looked.exit_code;
}

static int run_rights(cli_context *ctx)
{
    (void)ctx;
    reef_cmd *cmd = reef_cmd_new();
    assert_non_null(cmd);
    cli_check_rights(&looked, cmd);
    reef_cmd_free(cmd);
    return looked.exit_code;
}

static int run_json(cli_context *ctx)
{
    (void)ctx;
    putchar('{');
    cli_check_json(&looked, looked.exit_code);
    return CLI_DONE;
}

/* A server that had no HELLO: all is learned from INFO. */
static void probe_info_fills(void **state)
{
    static const script_answer table[] = {
        {"INFO", "=120\r\ntxt:# Server\r\nredis_version:5.0.1\r\nredis_mode:cluster\r\n"
                 "xrole:no\r\nrole:slave\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru"
                 "\r\n\r\n"},
        {NULL, NULL}};
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    look(c, table);
    assert_int_equal(cap_run(c, run_info), CLI_DONE);
    assert_string_equal(script_log, "~INFO\n");
    assert_string_equal(looked.server.server, "redis");
    assert_string_equal(looked.server.version, "5.0.1");
    assert_string_equal(looked.server.mode, "cluster");
    assert_string_equal(looked.server.role, "replica");
    assert_string_equal(looked.eviction, "allkeys-lru");
    assert_int_equal(looked.count, 0); /* no limit, so nothing is dropped */
}

/* What the handshake said stays; a limit with a policy that drops is a note; the last
 * line may lack its end. */
static void probe_info_notes(void **state)
{
    static const script_answer table[] = {
        {"INFO", "$95\r\nserver_name:valkey\nvalkey_version:8.1\nrole:slave\n"
                 "maxmemory:1000\nmaxmemory_policy:allkeys-random\r\n"},
        {NULL, NULL}};
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    (void)snprintf(looked.server.version, sizeof looked.server.version, "9.9");
    (void)snprintf(looked.server.role, sizeof looked.server.role, "master");
    look(c, table);
    assert_int_equal(cap_run(c, run_info), CLI_DONE);
    assert_string_equal(looked.server.server, "valkey");
    assert_string_equal(looked.server.version, "9.9");
    assert_string_equal(looked.server.role, "master");
    assert_int_equal(looked.count, 1);
    cap_has(looked.findings[0].text, "drops sessions (allkeys-random)");
}

static void probe_info_denied(void **state)
{
    static const script_answer table[] = {{"INFO", "-NOPERM no\r\n"}, {NULL, NULL}};
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    look(c, table);
    assert_int_equal(cap_run(c, run_info), CLI_DONE);
    assert_int_equal(looked.count, 0);
    assert_string_equal(looked.server.server, "");
}

#define SCAN_OK                                                                        \
    {                                                                                  \
        "SCAN", "*2\r\n$1\r\n0\r\n*0\r\n"                                              \
    }

/* SET goes out with XX alone, keys are none of a session, each may be sent again. */
static void probe_rights_good(void **state)
{
    static const script_answer table[] = {{"GET", "_\r\n"},     SCAN_OK,
                                          {"SET", "_\r\n"},     {"DEL", ":0\r\n"},
                                          {"EXPIRE", ":0\r\n"}, {"EVAL", ":0\r\n"},
                                          {NULL, NULL}};
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    (void)snprintf(c->ctx.config.key_prefix, sizeof c->ctx.config.key_prefix, "p:");
    look(c, table);
    assert_int_equal(cap_run(c, run_rights), CLI_DONE);
    cap_has(c->out, "GET, SCAN, SET, DEL, EXPIRE, EVAL: all work\n");
    assert_string_equal(script_log, "~GET <p:Sessions:reef-check>\n"
                                    "~SCAN 0 COUNT 1\n"
                                    "~SET <p:Sessions:reef-check>  XX\n"
                                    "~SET <p:SessionsByUserId:reef-check>  XX\n"
                                    "~DEL <p:Sessions:reef-check>\n"
                                    "~DEL <p:SessionsByUserId:reef-check>\n"
                                    "~EXPIRE <p:SessionsByUserId:reef-check> 7200\n"
                                    "~EVAL return 0 1 <p:Sessions:reef-check>\n");
    (void)snprintf(looked.server.role, sizeof looked.server.role, "replica");
    look(c, table);
    assert_int_equal(cap_run(c, run_rights), CLI_DONE);
    cap_has(c->out, "writing was not tried");
    assert_string_equal(script_log, "~GET <p:Sessions:reef-check>\n~SCAN 0 COUNT 1\n");
}

/* All that is denied in one sentence, each name once, the user named. */
static void probe_rights_denied(void **state)
{
    static const script_answer table[] = {
        {"GET", "_\r\n"},         SCAN_OK,        {"SET", "-NOPERM x\r\n"},
        {"DEL", "-NOPERM y\r\n"}, {"", ":0\r\n"}, {NULL, NULL}};
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    (void)snprintf(c->ctx.config.username, sizeof c->ctx.config.username, "ann");
    look(c, table);
    assert_int_equal(cap_run(c, run_rights), CLI_REFUSED);
    assert_int_equal(looked.count, 1);
    assert_string_equal(looked.findings[0].text,
                        "the user 'ann' may not run SET, DEL on Sessions*: allow it "
                        "with ACL SETUSER");
    cap_has_not(c->out, "rights");
}

/* An answer of another kind, one failure said once, and an end of the connection. */
static void probe_rights_odd(void **state)
{
    static const script_answer odd[] = {
        {"GET", "$1\r\nx\r\n"}, SCAN_OK, {"", "-MISCONF disk\r\n"}, {NULL, NULL}};
    static const script_answer gone[] = {{"GET", NULL}, {NULL, NULL}};
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    look(c, odd);
    assert_int_equal(cap_run(c, run_rights), CLI_PROTOCOL);
    assert_int_equal(looked.count, 2);
    cap_has(looked.findings[0].text, "GET gives an answer of another kind");
    assert_string_equal(looked.findings[1].text, "SET fails: MISCONF disk");
    assert_int_equal(looked.findings[1].exit_code, CLI_REFUSED);
    look(c, gone);
    assert_int_equal(cap_run(c, run_rights), CLI_UNREACHED);
    assert_string_equal(script_log, "~GET <Sessions:reef-check>\n");
    assert_string_equal(looked.findings[0].text, "GET fails: too late");
}

static void probe_json(void **state)
{
    cap *c = *state;
    memset(&looked, 0, sizeof looked);
    looked.ctx = &c->ctx;
    looked.server.protocol = 3;
    assert_int_equal(cap_run(c, run_json), CLI_DONE);
    assert_string_equal(
        c->out, "{\"enabled\":false,\"file\":null,\"peer\":null,\"server\":null,"
                "\"version\":null,\"protocol\":3,\"mode\":null,\"role\":null,"
                "\"db\":0,\"latency_us\":null,\"clock_ms\":null,"
                "\"maxmemory_policy\":null,\"topology\":{\"sentinel\":false,"
                "\"cluster\":null,\"replication\":null},\"names\":[],"
                "\"findings\":[],\"exit\":0}\n");
    looked.has_latency = looked.has_clock = true;
    looked.best_us = 5;
    looked.median_us = 9;
    looked.clock_ms = -3;
    (void)snprintf(looked.server.role, sizeof looked.server.role, "a\"b");
    cli_check_find(&looked, CLI_DONE, "n", "o", "te");
    cli_check_find(&looked, CLI_REFUSED, "bad", "", "");
    cap_run(c, run_json);
    cap_has(c->out, "\"role\":\"a\\\"b\",\"db\":0,\"latency_us\":{\"best\":5,"
                    "\"median\":9},\"clock_ms\":-3,");
    cap_has(c->out,
            "\"findings\":[{\"severity\":\"note\",\"exit\":0,\"text\":\"note\"},"
            "{\"severity\":\"problem\",\"exit\":6,\"text\":\"bad\"}],"
            "\"exit\":6}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(probe_info_fills),    CAP_TEST(probe_info_notes),
        CAP_TEST(probe_info_denied),   CAP_TEST(probe_rights_good),
        CAP_TEST(probe_rights_denied), CAP_TEST(probe_rights_odd),
        CAP_TEST(probe_json),
    };
    return cmocka_run_group_tests_name("cli_probe", tests, NULL, NULL);
}
