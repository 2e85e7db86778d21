/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls on a sound server, in every combination of server, address, protocol and
 * credentials that one server offers. */
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { BASIC_PIPELINE = 10000, BASIC_MIB = 1048576 };

static const uint32_t basic_protocols[] = {0, 2, 3};

/* ---- values ------------------------------------------------------------------- */

/* Stores `len` bytes that no text could hold, and reads them back. */
static void basic_bytes(reef_client *client, size_t len)
{
    char *bytes = malloc(len + 1);
    reef_cmd *cmd = reef_cmd_new();
    reef_reply *reply;
    reef_str got;
    assert_non_null(bytes);
    assert_non_null(cmd);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)((i * 31 + i / 251) & 0xff);
    }
    reef_cmd_begin(cmd, "SET");
    reef_cmd_key(cmd, (reef_str){"bytes\0\r\n", 8});
    reef_cmd_arg(cmd, (reef_str){bytes, len});
    reef_live_is(reef_call(client, cmd, 20000), "OK");
    reef_cmd_begin(cmd, "GET");
    reef_cmd_key(cmd, (reef_str){"bytes\0\r\n", 8});
    reply = reef_call(client, cmd, 20000);
    got = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    assert_int_equal(reef_node_kind(reef_reply_root(reply)), REEF_STRING);
    assert_int_equal(got.len, len);
    assert_true(len == 0 || memcmp(got.ptr, bytes, len) == 0);
    reef_reply_free(reply);
    reef_cmd_free(cmd);
    free(bytes);
}

/* Not there is an answer: OK and nil; an empty value is no nil. */
static void basic_nil(reef_client *client)
{
    reef_reply *reply = reef_live_call(client, "GET nobody", 0);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    assert_int_equal(reef_node_kind(reef_reply_root(reply)), REEF_NIL);
    reef_reply_free(reply);
    basic_bytes(client, 0);
}

static void basic_values(const reef_live_case *one, reef_client *client)
{
    char *seen;
    reef_live_says(client, "PING", "PONG");
    reef_live_says(client, "SET greeting hello", "OK");
    reef_live_says(client, "GET greeting", "hello");
    seen = reef_live_ask(one->server, "GET greeting");
    assert_string_equal(seen, "hello");
    free(seen);
    reef_live_says(client, "DEL counter", "0");
    reef_live_says(client, "INCR counter", "1");
    reef_live_says(client, "INCRBY counter -9223372036854775808",
                   "-9223372036854775807");
    reef_live_says(client, "DEL counter", "1");
    basic_nil(client);
    basic_bytes(client, 1);
    basic_bytes(client, 65536);
    basic_bytes(client, BASIC_MIB);
    reef_live_says(client, "SET text abc", "OK");
    reef_live_refuses(client, "INCR text", REEF_REFUSED,
                      "value is not an integer or out of range");
    reef_live_refuses(client, "LPUSH text x", REEF_REFUSED, "WRONGTYPE");
    reef_live_refuses(client, "NOSUCHTHING", REEF_REFUSED, "unknown command");
    reef_live_says(client, "GET text", "abc");
}

static void basic_all_values(const reef_live_kind *kind)
{
    const reef_live_options closed = {.password = "letmein",
                                      .extra = "user ann on \">anns own\" ~* +@all\n"};
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_everywhere(server, NULL, basic_values);
    reef_live_free(server);
    server = reef_live_start(kind, &closed);
    reef_live_everywhere(server, NULL, basic_values);
    reef_live_everywhere(server, "ann", basic_values);
    reef_live_free(server);
}

static void test_values(void **state)
{
    (void)state;
    reef_live_each(basic_all_values);
}

static void basic_huge(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    for (size_t i = 0; i < sizeof basic_protocols / sizeof *basic_protocols; i++) {
        bool local = basic_protocols[i] == 0;
        reef_client *client = reef_live_client_at(server, local ? "unix" : "127.0.0.1",
                                                  basic_protocols[i]);
        basic_bytes(client, (size_t)16 * BASIC_MIB);
        basic_bytes(client, (size_t)16 * BASIC_MIB + 1);
        reef_live_says(client, "PING", "PONG");
        reef_close(client);
    }
    reef_live_free(server);
}

static void test_huge_values(void **state)
{
    (void)state;
    reef_live_each(basic_huge);
}

/* ---- pipelines ---------------------------------------------------------------- */

static void basic_long_pipeline(reef_client *client)
{
    reef_cmd **cmds = calloc(BASIC_PIPELINE, sizeof *cmds);
    reef_reply **replies = calloc(BASIC_PIPELINE, sizeof *replies);
    char line[64];
    assert_non_null(cmds);
    assert_non_null(replies);
    for (int i = 0; i < BASIC_PIPELINE; i++) {
        snprintf(line, sizeof line, i % 100 == 99 ? "NOSUCH %d" : "ECHO token-%d", i);
        cmds[i] = reef_live_cmd(line, false);
        assert_non_null(cmds[i]);
    }
    reef_pipeline(client, (const reef_cmd *const *)cmds, BASIC_PIPELINE, 20000,
                  replies);
    for (int i = 0; i < BASIC_PIPELINE; i++) {
        snprintf(line, sizeof line, "token-%d", i);
        if (i % 100 == 99) {
            reef_live_fails(replies[i], REEF_REFUSED, "unknown command");
        } else {
            reef_live_is(replies[i], line);
        }
        reef_cmd_free(cmds[i]);
    }
    free(replies);
    free(cmds);
}

/* Transactions back to back, more than are submitted at once: none is torn apart where
 * a portion ends. */
static void basic_many_transactions(reef_client *client)
{
    static const char *const lines[] = {"MULTI", "INCR many", "EXEC"};
    enum { MANY = 9000 };
    reef_cmd *cmds[3];
    const reef_cmd **list = calloc(MANY, sizeof *list);
    reef_reply **replies = calloc(MANY, sizeof *replies);
    assert_non_null(list);
    assert_non_null(replies);
    for (int i = 0; i < 3; i++) {
        cmds[i] = reef_live_cmd(lines[i], false);
        assert_non_null(cmds[i]);
    }
    reef_reply_free(reef_live_call(client, "DEL many", 5000));
    for (int i = 0; i < MANY; i++)
        list[i] = cmds[i % 3];
    reef_pipeline(client, list, MANY, 20000, replies);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(reef_reply_code(replies[i]), REEF_OK);
        if (i % 3 == 2) {
            const reef_node *ran = reef_at(reef_reply_root(replies[i]), 0);
            assert_int_equal(reef_int(ran, -1), i / 3 + 1);
        }
        reef_reply_free(replies[i]);
    }
    for (int i = 0; i < 3; i++)
        reef_cmd_free(cmds[i]);
    free(replies);
    free(list);
}

/* Sends the lines in one pipeline. */
static void basic_pipeline(reef_client *client, const char *const lines[], size_t count,
                           reef_reply *replies[])
{
    reef_cmd *cmds[8];
    assert_true(count <= sizeof cmds / sizeof *cmds);
    for (size_t i = 0; i < count; i++) {
        cmds[i] = reef_live_cmd(lines[i], false);
        assert_non_null(cmds[i]);
    }
    reef_pipeline(client, (const reef_cmd *const *)cmds, count, 0, replies);
    for (size_t i = 0; i < count; i++) {
        reef_cmd_free(cmds[i]);
    }
}

static void basic_transaction(reef_client *client)
{
    static const char *const good[] = {"SET t 1", "MULTI", "INCR t",
                                       "INCR t",  "EXEC",  "GET t"};
    static const char *const open[] = {"MULTI", "INCR t"};
    static const char *const aborted[] = {"MULTI", "NOSUCH", "EXEC", "GET t"};
    reef_reply *replies[6];
    const reef_node *root;
    basic_pipeline(client, good, 6, replies);
    reef_live_is(replies[0], "OK");
    reef_live_is(replies[1], "OK");
    reef_live_is(replies[2], "QUEUED");
    reef_live_is(replies[3], "QUEUED");
    root = reef_reply_root(replies[4]);
    assert_int_equal(reef_count(root), 2);
    assert_int_equal(reef_int(reef_at(root, 1), 0), 3);
    reef_reply_free(replies[4]);
    reef_live_is(replies[5], "3");
    basic_pipeline(client, aborted, 4, replies);
    reef_live_is(replies[0], "OK");
    reef_live_fails(replies[1], REEF_REFUSED, "unknown command");
    reef_live_fails(replies[2], REEF_REFUSED, "EXECABORT");
    reef_live_is(replies[3], "3");
    basic_pipeline(client, open, 2, replies);
    reef_live_fails(replies[0], REEF_BADARG, NULL);
    reef_reply_free(replies[1]);
    reef_live_says(client, "GET t", "3");
}

static void basic_pipelines(const reef_live_case *one, reef_client *client)
{
    (void)one;
    basic_long_pipeline(client);
    basic_many_transactions(client);
    basic_transaction(client);
    reef_pipeline(client, NULL, 0, 0, NULL);
    reef_live_says(client, "PING", "PONG");
}

static void basic_each_pipelines(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_everywhere(server, NULL, basic_pipelines);
    reef_live_free(server);
}

static void test_pipelines(void **state)
{
    (void)state;
    reef_live_each(basic_each_pipelines);
}

/* ---- refused commands --------------------------------------------------------- */

static const char *const basic_refused[] = {
    "SUBSCRIBE a",
    "PSUBSCRIBE a*",
    "SSUBSCRIBE a",
    "UNSUBSCRIBE",
    "MONITOR",
    "BLPOP q 0",
    "brpop q 0",
    "BLMOVE a b LEFT LEFT 0",
    "BRPOPLPUSH a b 0",
    "BZPOPMIN z 0",
    "MULTI",
    "EXEC",
    "WATCH k",
    "CLIENT REPLY OFF",
    "client reply off",
    "HELLO 3",
    "RESET",
    "QUIT",
    "AUTH pw",
    "SELECT 1",
    "SYNC",
    "PSYNC ? -1",
};

/* Nothing of them reaches the server, so the connection stays the same one. */
static void basic_refuse(const reef_live_case *one, reef_client *client)
{
    reef_stats before, after;
    (void)one;
    reef_live_says(client, "PING", "PONG");
    reef_client_stats(client, &before);
    for (size_t i = 0; i < sizeof basic_refused / sizeof *basic_refused; i++) {
        int64_t start_ms = reef_live_now_ms();
        print_message("      %s\n", basic_refused[i]);
        reef_live_refuses(client, basic_refused[i], REEF_BADARG, NULL);
        assert_true(reef_live_now_ms() - start_ms < 4000);
    }
    reef_live_says(client, "PING", "PONG");
    reef_client_stats(client, &after);
    assert_int_equal(after.reconnects, before.reconnects);
    /* Two pings are what went out in all. */
    assert_int_equal(after.bytes_out - before.bytes_out,
                     strlen("*1\r\n$4\r\nPING\r\n"));
}

static void basic_each_refuse(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_case one = {server, "127.0.0.1", 0, NULL};
    for (size_t i = 0; i < sizeof basic_protocols / sizeof *basic_protocols; i++) {
        reef_client *client;
        one.protocol = basic_protocols[i];
        client = reef_live_open(&one);
        basic_refuse(&one, client);
        reef_close(client);
    }
    reef_live_free(server);
}

static void test_refused(void **state)
{
    (void)state;
    reef_live_each(basic_each_refuse);
}

/* ---- the flat call ------------------------------------------------------------ */

static void basic_flat(const reef_live_kind *kind)
{
    static const uint32_t set[] = {3, 2, 4}, get[] = {3, 2}, bad[] = {0};
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_reply *reply;
    reef_str got;
    reef_live_is(reef_call_flat(client, "SETk\0a\r\n\0", set, 3, 1, true, 0), "OK");
    reply = reef_call_flat(client, "GETk\0", get, 2, 1, true, 0);
    got = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(got.len, 4);
    assert_memory_equal(got.ptr, "a\r\n\0", 4);
    reef_reply_free(reply);
    reef_live_is(reef_call_flat(client, "DBSIZE", (uint32_t[]){6}, 1, -1, false, 0),
                 "1");
    reef_live_fails(reef_call_flat(client, "", NULL, 0, -1, false, 0), REEF_BADARG,
                    NULL);
    reef_live_fails(reef_call_flat(client, "", bad, 1, -1, false, -1), REEF_BADARG,
                    NULL);
    reef_live_fails(reef_call_flat(client, "GETk\0", get, 2, 7, true, 0), REEF_BADARG,
                    NULL);
    reef_live_fails(reef_call_flat(client, "QUIT", (uint32_t[]){4}, 1, -1, false, 0),
                    REEF_BADARG, NULL);
    reef_close(client);
    reef_live_free(server);
}

static void test_flat(void **state)
{
    (void)state;
    reef_live_each(basic_flat);
}

/* ---- db ----------------------------------------------------------------------- */

static void basic_db(const reef_live_kind *kind)
{
    const char *select[] = {"SELECT", "5"}, *get[] = {"GET", "where"};
    reef_live_server *server = reef_live_start(kind, NULL);
    for (size_t i = 0; i < sizeof basic_protocols / sizeof *basic_protocols; i++) {
        int fd = reef_live_dial(server);
        reef_client *client;
        reef_config config;
        char *reply;
        reef_live_config(server, "unix", &config);
        config.db = 5;
        config.protocol = basic_protocols[i];
        client = reef_live_client(&config);
        reef_live_says(client, "SET where five", "OK");
        reply = reef_live_ask_on(fd, get, 2, NULL);
        assert_string_equal(reply, "(nil)");
        free(reply);
        free(reef_live_ask_on(fd, select, 2, NULL));
        reply = reef_live_ask_on(fd, get, 2, NULL);
        assert_string_equal(reply, "five");
        free(reply);
        close(fd);
        reef_close(client);
    }
    reef_live_free(server);
}

static void test_db(void **state)
{
    (void)state;
    reef_live_each(basic_db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_huge_values),
        cmocka_unit_test(test_pipelines), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_flat),      cmocka_unit_test(test_db),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
