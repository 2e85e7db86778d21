/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes back from a sound server, in both protocols: every kind of value, pushes
 * and attributes, and what the client tells of the server and of itself. */
#include "test/live/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- kinds of replies --------------------------------------------------------- */

static const reef_node *replies_debug(reef_client *client, const char *what,
                                      reef_reply **reply)
{
    char line[64];
    snprintf(line, sizeof line, "DEBUG PROTOCOL %s", what);
    *reply = reef_live_call(client, line, 0);
    assert_int_equal(reef_reply_code(*reply), REEF_OK);
    return reef_reply_root(*reply);
}

static void replies_debug_kind(reef_client *client, const char *what, reef_kind kind)
{
    reef_reply *reply;
    assert_int_equal(reef_node_kind(replies_debug(client, what, &reply)), kind);
    reef_reply_free(reply);
    reef_live_says(client, "ECHO after", "after");
}

/* The server answers with one value of every kind that its protocol has. */
static void replies_all_kinds(reef_client *client, bool new)
{
    reef_reply *reply;
    const reef_node *root;
    replies_debug_kind(client, "string", REEF_STRING);
    replies_debug_kind(client, "integer", REEF_INT);
    replies_debug_kind(client, "null", REEF_NIL);
    replies_debug_kind(client, "array", REEF_ARRAY);
    replies_debug_kind(client, "set", new ? REEF_SET : REEF_ARRAY);
    replies_debug_kind(client, "verbatim", new ? REEF_VERBATIM : REEF_STRING);
    replies_debug_kind(client, "bignum", new ? REEF_BIGNUM : REEF_STRING);
    replies_debug_kind(client, "false", new ? REEF_BOOL : REEF_INT);
    root = replies_debug(client, "true", &reply);
    assert_true(new ? reef_bool(root, false) : reef_int(root, 0) == 1);
    reef_reply_free(reply);
    root = replies_debug(client, "double", &reply);
    assert_int_equal(reef_node_kind(root), new ? REEF_DOUBLE : REEF_STRING);
    assert_true(!new ||
                (reef_double(root, 0) > 3.1409 && reef_double(root, 0) < 3.1411));
    reef_reply_free(reply);
    root = replies_debug(client, "map", &reply);
    assert_int_equal(reef_node_kind(root), new ? REEF_MAP : REEF_ARRAY);
    assert_int_equal(reef_count(root), 6);
    assert_int_equal(reef_int(reef_at(root, 4), -1), 2);
    reef_reply_free(reply);
}

/* Attributes stand aside and pushes answer nobody: the calls after them get their own
 * replies. */
static void replies_aside(reef_client *client)
{
    reef_reply *reply;
    reef_reply *push = NULL;
    const reef_node *attribute;
    size_t count = 0;
    attribute = reef_attributes(replies_debug(client, "attrib", &reply), &count);
    assert_int_equal(count, 1);
    assert_int_equal(reef_count(attribute), 2);
    reef_live_is(reply, "Some real reply following the attribute");
    reef_live_says(client, "ECHO alice", "alice");
    replies_debug(client, "push", &reply);
    reef_live_is(reply, "Some real reply following the push reply");
    reef_live_says(client, "ECHO bob", "bob");
    assert_true(reef_client_next_push(client, &push));
    assert_int_equal(reef_node_kind(reef_reply_root(push)), REEF_PUSH);
    assert_int_equal(reef_count(reef_reply_root(push)), 2);
    assert_int_equal(reef_int(reef_at(reef_reply_root(push), 1), 0), 42);
    reef_reply_free(push);
    assert_false(reef_client_next_push(client, &push));
}

/* Aggregates of ordinary commands read alike in both protocols. */
static void replies_aggregates(reef_client *client, bool new)
{
    reef_reply *reply;
    const reef_node *root;
    reef_live_says(client, "DEL h s z", "0");
    reef_live_says(client, "HSET h one 1 two 2", "2");
    reef_live_says(client, "SADD s a b c", "3");
    reef_live_says(client, "ZADD z 1.5 m", "1");
    reply = reef_live_call(client, "HGETALL h", 0);
    root = reef_reply_root(reply);
    assert_int_equal(reef_node_kind(root), new ? REEF_MAP : REEF_ARRAY);
    assert_int_equal(reef_count(root), 4);
    assert_true(reef_str_is(reef_text(reply, reef_get(reply, root, "two")), "2"));
    assert_int_equal(reef_node_kind(reef_get(reply, root, "three")), REEF_NIL);
    reef_reply_free(reply);
    reply = reef_live_call(client, "SMEMBERS s", 0);
    assert_int_equal(reef_node_kind(reef_reply_root(reply)),
                     new ? REEF_SET : REEF_ARRAY);
    assert_int_equal(reef_count(reef_reply_root(reply)), 3);
    reef_reply_free(reply);
    reply = reef_live_call(client, "ZSCORE z m", 0);
    root = reef_reply_root(reply);
    assert_true(new ? reef_double(root, 0) == 1.5
                    : reef_str_is(reef_text(reply, root), "1.5"));
    reef_reply_free(reply);
    reef_live_says(client, "DEL h s z", "3");
}

/* The deepest and widest reply that a server has of its own. */
static void replies_docs(reef_client *client)
{
    reef_reply *reply = reef_live_call(client, "COMMAND DOCS", 0);
    const reef_node *root = reef_reply_root(reply);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    assert_true(reef_count(root) > 400);
    assert_int_not_equal(reef_node_kind(reef_get(reply, root, "get")), REEF_NIL);
    reef_reply_free(reply);
}

static void replies_kinds(const reef_live_case *one, reef_client *client)
{
    bool new = one->protocol != 2;
    replies_all_kinds(client, new);
    replies_aggregates(client, new);
    replies_docs(client);
    if (new) {
        replies_aside(client);
    }
}

static void replies_each_kinds(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_everywhere(server, NULL, replies_kinds);
    reef_live_free(server);
}

static void test_kinds(void **state)
{
    (void)state;
    reef_live_each(replies_each_kinds);
}

/* ---- server, statistics, events ----------------------------------------------- */

/* The version as the server tells it over the raw connection, where "version" and
 * "server" follow each other in its HELLO. */
static void replies_identity(const reef_live_case *one, reef_client *client)
{
    char *hello = reef_live_ask(one->server, "HELLO 2");
    char want[REEF_LIVE_PATH + 64];
    reef_server info;
    reef_error error = {REEF_OK, 0, ""};
    memset(&info, 0, sizeof info);
    assert_int_equal(reef_server_info(client, 0, &info, &error), REEF_OK);
    assert_string_equal(info.server, one->server->kind.name);
    snprintf(want, sizeof want, "server\n%s\nversion\n%s\n", info.server, info.version);
    assert_non_null(strstr(hello, want));
    assert_string_equal(info.mode, "standalone");
    assert_string_equal(info.role, "master");
    assert_int_equal(info.protocol, one->protocol == 2 ? 2 : 3);
    if (strcmp(one->where, "unix") == 0) {
        snprintf(want, sizeof want, "unix:%s", one->server->socket);
        assert_string_equal(info.peer, want);
    } else {
        snprintf(want, sizeof want, ":%u", (unsigned)one->server->port);
        assert_non_null(strstr(info.peer, want));
    }
    free(hello);
}

/* Counters add up to what was done, and no more. */
static void replies_counts(const reef_live_case *one, reef_client *client)
{
    reef_stats stats;
    uint64_t sum = 0;
    for (int i = 0; i < 50; i++) {
        reef_live_says(client, "ECHO x", "x");
    }
    reef_live_refuses(client, "NOSUCH", REEF_REFUSED, NULL);
    reef_client_stats(client, &stats);
    assert_int_equal(stats.calls, 51);
    assert_int_equal(stats.answered, 51);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.unsure, 0);
    assert_int_equal(stats.retries, 0);
    assert_int_equal(stats.reconnects, 0);
    for (size_t i = 0; i < REEF_LATENCY_BUCKETS; i++) {
        sum += stats.latency[i];
    }
    assert_int_equal(sum, 51);
    assert_true(stats.bytes_out >= 50 * strlen("*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"));
    assert_true(stats.bytes_in >= 50 * strlen("$1\r\nx\r\n"));
    assert_int_equal(stats.link_count, 1);
    assert_true(stats.links[0].ready);
    assert_int_equal(stats.links[0].protocol, one->protocol == 2 ? 2 : 3);
    assert_int_equal(stats.links[0].in_flight, 0);
    assert_int_equal(stats.links[0].connects, 1);
    assert_true(stats.links[0].calls >= 51);
    assert_int_equal(stats.links[0].bytes_in, stats.bytes_in);
    assert_int_equal(stats.links[0].bytes_out, stats.bytes_out);
    reef_live_event(client, REEF_EVENT_CONNECTED, "");
}

static void replies_facts(const reef_live_case *one, reef_client *client)
{
    reef_client *fresh = reef_live_open(one);
    replies_identity(one, client);
    replies_counts(one, fresh);
    assert_int_equal(reef_client_config(fresh)->protocol, one->protocol);
    reef_close(fresh);
}

static void replies_each_facts(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_everywhere(server, NULL, replies_facts);
    reef_live_free(server);
}

static void test_facts(void **state)
{
    (void)state;
    reef_live_each(replies_each_facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
