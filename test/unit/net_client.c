/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocking client's doors: calls, the flat call, what can be seen, and
 * what it refuses. */
#include "test/tool/temporary.h"
#include "test/unit/net_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- calls ------------------------------------------------------ */

static void a_unix_socket_works(void **state)
{
    char folder[TEMPORARY_PATH], path[TEMPORARY_INSIDE];
    (void)state;
    assert_true(temporary_folder(folder, "client"));
    snprintf(path, sizeof path, "%s/socket", folder);
    peer *p = peer_start(serve, NULL, path);
    reef_config config = config_for(path, 0);
    reef_client *client = open_config(&config);
    expect_text(client, "GET", "here", "here");
    reef_close(client);
    peer_stop(p);
    rmdir(folder);
}

static void bad_arguments_are_refused_without_a_connection(void **state)
{
    const uint32_t lens[] = {3, 1};
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    reef_cmd *cmd = reef_cmd_new();
    const reef_cmd *const one[] = {cmd};
    reef_reply *reply = NULL;
    expect_bad(reef_call(client, cmd, LONG_MS), REEF_BADARG);
    expect_bad(reef_call(client, NULL, LONG_MS), REEF_BADARG);
    build(cmd, "GET", "k", NULL);
    expect_bad(reef_call(client, cmd, -1), REEF_BADARG);
    reef_pipeline(client, one, 1, -1, &reply);
    expect_bad(reply, REEF_BADARG);
    build(cmd, "MULTI", NULL, NULL);
    expect_bad(reef_call(client, cmd, LONG_MS), REEF_BADARG);
    expect_bad(reef_call_flat(client, "", lens, 0, -1, false, 0), REEF_BADARG);
    expect_bad(reef_call_flat(client, NULL, lens, 2, -1, false, 0), REEF_BADARG);
    expect_bad(reef_call_flat(client, "GETk", NULL, 2, -1, false, 0), REEF_BADARG);
    expect_bad(reef_call_flat(client, "GETk", lens, 2, 0, false, 0), REEF_BADARG);
    expect_bad(reef_call_flat(client, "GETk", lens, 2, 2, false, 0), REEF_BADARG);
    expect_bad(reef_call_flat(client, "GETk", lens, 2, -2, false, 0), REEF_BADARG);
    assert_int_equal(peer_links(p), 0);
    reef_cmd_free(cmd);
    reef_close(client);
    peer_stop(p);
}

static void the_flat_call_is_the_same_call(void **state)
{
    const uint32_t lens[] = {3, 4}, empty[] = {4, 0};
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    for (int32_t key = -1; key < 2; key += 2) {
        reef_reply *reply =
            reef_call_flat(client, "GETword", lens, 2, key, true, LONG_MS);
        assert_int_equal(reef_reply_code(reply), REEF_OK);
        assert_true(reef_str_equal(reef_text(reply, reef_reply_root(reply)),
                                   reef_str_of("word")));
        reef_reply_free(reply);
    }
    reef_reply *reply = reef_call_flat(client, "ECHO", empty, 2, -1, false, LONG_MS);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    assert_int_equal(reef_text(reply, reef_reply_root(reply)).len, 0);
    reef_reply_free(reply);
    reef_close(client);
    peer_stop(p);
}

/* ---- what can be seen --------------------------------------------------------- */

static void push_then_answer(peer_link *link)
{
    while (peer_next(link)) {
        if (!peer_write(link, ">2\r\n+news\r\n:7\r\n") || !answer(link))
            return;
    }
}

static void pushes_events_and_statistics_are_there(void **state)
{
    reef_event event;
    reef_reply *push = NULL;
    reef_server server;
    reef_error error;
    static reef_stats stats;
    (void)state;
    peer *p = peer_start(push_then_answer, NULL, NULL);
    reef_client *client = open_peer(p);
    assert_false(reef_client_next_event(client, &event));
    assert_int_equal(reef_server_info(client, LONG_MS, &server, &error), REEF_OK);
    assert_string_equal(server.server, "redis");
    assert_string_equal(server.version, "7.7.7");
    assert_string_equal(server.role, "master");
    assert_int_equal(server.protocol, 3);
    expect_text(client, "GET", "k", "k");
    assert_true(reef_client_next_push(client, &push));
    assert_int_equal(reef_int(reef_at(reef_reply_root(push), 1), 0), 7);
    reef_reply_free(push);
    assert_false(reef_client_next_push(client, &push));
    assert_true(reef_client_next_event(client, &event));
    assert_int_equal(event.kind, REEF_EVENT_CONNECTED);
    reef_client_stats(client, &stats);
    assert_int_equal(stats.calls, 2);
    assert_int_equal(stats.answered, 2);
    assert_int_equal(stats.link_count, 1);
    assert_true(stats.links[0].ready);
    assert_int_equal(reef_client_config(client)->hosts[0].port, peer_port(p));
    assert_int_equal(reef_server_info(client, -1, &server, &error), REEF_BADARG);
    reef_close(client);
    peer_stop(p);
    reef_config config = config_for("127.0.0.1", peer_closed_port());
    client = open_config(&config);
    assert_int_equal(reef_server_info(client, SHORT_MS, &server, &error), REEF_CONNECT);
    assert_true(strlen(error.text) > 0);
    reef_close(client);
}

static void tending_a_server_that_is_down_waits_for_nothing(void **state)
{
    reef_event event;
    reef_config config = config_for("127.0.0.1", peer_closed_port());
    (void)state;
    reef_client *client = open_config(&config);
    unsigned failed = 0;
    int64_t end_ms = reef_now_ms() + LONG_MS;
    while (failed < 3 && reef_now_ms() < end_ms) {
        int64_t again_ms = reef_tend(client);
        assert_in_range(again_ms, 1, REEF_IDLE_PING_MS);
        while (reef_client_next_event(client, &event))
            failed += event.kind == REEF_EVENT_FAILED;
        peer_pause(1);
    }
    assert_in_range(failed, 3, 1000);
    reef_close(client);
}

static void tending_makes_the_connection(void **state)
{
    static reef_stats stats;
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    int64_t end_ms = reef_now_ms() + LONG_MS;
    do {
        int64_t again_ms = reef_tend(client);
        assert_in_range(again_ms, 1, REEF_IDLE_PING_MS);
        peer_pause(1);
        reef_client_stats(client, &stats);
    } while ((stats.link_count == 0 || !stats.links[0].ready) &&
             reef_now_ms() < end_ms);
    assert_true(stats.links[0].ready);
    assert_int_equal(stats.calls, 0);
    expect_text(client, "GET", "k", "k");
    assert_int_equal(peer_links(p), 1);
    reef_close(client);
    peer_stop(p);
}

/* ---- open --------------------------------------------------------------------- */

static void expect_unsupported(const reef_config *config, const char *begin,
                               const char *part)
{
    reef_error error;
    assert_null(reef_open(config, &error));
    assert_int_equal(error.code, REEF_BADCONFIG);
    assert_int_equal(strncmp(error.text, begin, strlen(begin)), 0);
    assert_non_null(strstr(error.text, part));
}

static void what_no_cluster_has_is_refused_by_its_line(void **state)
{
    reef_error error;
    reef_config config;
    (void)state;
    reef_config_init(&config);
    reef_str toml = reef_str_of("[server.redis]\nenabled = true\n\n"
                                "hosts = [\"a:1\", \"b:2\"]\n");
    assert_int_equal(reef_config_parse(&config, "some/knot.toml", toml, NULL, &error),
                     REEF_OK);
    reef_client *client = reef_open(&config, &error);
    assert_non_null(client);
    assert_true(reef_client_is_spread(client));
    reef_close(client);
    config.db = 3;
    config.origins[REEF_SET_DB] = (reef_origin){REEF_FROM_FILE, 4, 1};
    expect_unsupported(&config, "some/knot.toml:4:", "which has db 0 alone");
    config.origins[REEF_SET_DB].source = REEF_FROM_ENV;
    expect_unsupported(&config, "KNOT_REDIS_DB:", "which has db 0 alone");
    const char *const master[] = {"KNOT_REDIS_MASTER_NAME=main", NULL};
    assert_int_equal(reef_config_env(&config, master, NULL, &error), REEF_OK);
    client = reef_open(&config, &error);
    assert_non_null(client);
    reef_close(client);
    config.master_name[0] = '\0';
    config.host_count = 1;
    client = reef_open(&config, &error);
    assert_non_null(client);
    reef_close(client);
    reef_config_wipe(&config);
}

static void a_client_comes_and_goes(void **state)
{
    size_t before = peer_descriptors();
    reef_config config = config_for("127.0.0.1", 1);
    (void)state;
    config.lanes = REEF_LANES_MAX;
    for (int i = 0; i < 3; i++)
        reef_close(open_config(&config));
    reef_close(NULL);
    assert_int_equal(peer_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unix_socket_works),
        cmocka_unit_test(bad_arguments_are_refused_without_a_connection),
        cmocka_unit_test(the_flat_call_is_the_same_call),
        cmocka_unit_test(pushes_events_and_statistics_are_there),
        cmocka_unit_test(tending_makes_the_connection),
        cmocka_unit_test(tending_a_server_that_is_down_waits_for_nothing),
        cmocka_unit_test(what_no_cluster_has_is_refused_by_its_line),
        cmocka_unit_test(a_client_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
