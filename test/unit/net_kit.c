/* SPDX-License-Identifier: Apache-2.0
 *
 * See net_kit.h. */
#include "test/unit/net_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

reef_config config_for(const char *host, uint16_t port)
{
    reef_config config;
    reef_config_init(&config);
    config.enabled = true;
    config.hosts[0].kind = host[0] == '/' ? REEF_HOST_UNIX : REEF_HOST_TCP;
    config.hosts[0].port = port;
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "%s", host);
    return config;
}

reef_client *open_config(const reef_config *config)
{
    reef_error error;
    reef_client *client = reef_open(config, &error);
    assert_non_null(client);
    return client;
}

reef_client *open_peer(const peer *p)
{
    reef_config config = config_for("127.0.0.1", peer_port(p));
    return open_config(&config);
}

void build(reef_cmd *cmd, const char *name, const char *a, const char *b)
{
    reef_cmd_begin(cmd, name);
    if (a != NULL)
        reef_cmd_key(cmd, reef_str_of(a));
    if (b != NULL)
        reef_cmd_text(cmd, b);
}

reef_reply *call(reef_client *client, const char *name, const char *a,
                 int64_t timeout_ms)
{
    reef_cmd *cmd = reef_cmd_new();
    build(cmd, name, a, NULL);
    int64_t begin_ms = reef_now_ms();
    reef_reply *reply = reef_call(client, cmd, timeout_ms);
    assert_non_null(reply);
    assert_true(reef_now_ms() - begin_ms < timeout_ms + SLACK_MS);
    reef_cmd_free(cmd);
    return reply;
}

void expect_text(reef_client *client, const char *name, const char *a, const char *want)
{
    reef_reply *reply = call(client, name, a, LONG_MS);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    reef_str text = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
    reef_reply_free(reply);
}

reef_code failure(reef_client *client, const char *name, int64_t timeout_ms)
{
    reef_reply *reply = call(client, name, "k", timeout_ms);
    reef_code code = reef_reply_code(reply);
    assert_int_not_equal(code, REEF_OK);
    assert_true(strlen(reef_reply_text(reply)) > 0);
    reef_reply_free(reply);
    return code;
}

void expect_bad(reef_reply *reply, reef_code code)
{
    assert_int_equal(reef_reply_code(reply), code);
    assert_true(strlen(reef_reply_text(reply)) > 0);
    reef_reply_free(reply);
}

bool answer(peer_link *link)
{
    if (peer_is(link, "PING"))
        return peer_write(link, "+PONG\r\n");
    if (peer_is(link, "GET") || peer_is(link, "ECHO"))
        return peer_bulk(link, link->count > 1 ? link->args[1] : "");
    return peer_write(link, "+OK\r\n");
}

void serve(peer_link *link)
{
    while (peer_next(link) && answer(link)) {
    }
}

void answer_late(peer_link *link)
{
    while (peer_next(link)) {
        if (link->count > 1 && strcmp(link->args[1], "slow") == 0)
            peer_await(link, link->argument);
        if (!answer(link))
            return;
    }
}
