/* SPDX-License-Identifier: Apache-2.0
 *
 * See engine_kit.h. */
#include "test/unit/engine_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void kit_start(kit *k, const char *toml)
{
    reef_config config;
    reef_error error;
    memset(k, 0, sizeof *k);
    reef_config_init(&config);
    if (reef_config_parse(&config, NULL, reef_str_of(toml), NULL, &error) != REEF_OK)
        fail_msg("%s", error.text);
    k->now_ms = 1000;
    k->engine = reef_engine_new(&config, 7, k->now_ms);
    assert_non_null(k->engine);
    reef_engine_key(k->engine, (const unsigned char *)"a key of 16 byte");
}

void kit_stop(kit *k)
{
    reef_engine_free(k->engine);
}

/* The next operation that is none of names. */
static bool kit_next_op(kit *k, reef_op *op)
{
    while (reef_engine_next_op(k->engine, op)) {
        if (op->kind == REEF_OP_FILES) {
            reef_str hosts = reef_str_of(k->hosts ? k->hosts : "");
            assert_int_equal(reef_engine_hosts(k->engine, hosts), REEF_OK);
        } else if (op->link < REEF_LINKS_MAX) {
            return true;
        } else if (op->kind == REEF_OP_OPEN && k->silent) {
            k->asked++;
            reef_engine_opened(k->engine, op->link, k->now_ms);
        } else if (op->kind == REEF_OP_OPEN) {
            k->asked++;
            reef_engine_closed(k->engine, op->link, ECONNREFUSED, k->now_ms);
        } else if (op->kind == REEF_OP_SEND) {
            reef_engine_sent(k->engine, op->link, op->bytes.len, k->now_ms);
        }
    }
    return false;
}

void kit_expect_open(kit *k, const char *address, uint16_t port)
{
    reef_op op;
    assert_true(kit_next_op(k, &op));
    assert_int_equal(op.kind, REEF_OP_OPEN);
    if (port > 0)
        assert_int_equal(op.port, port);
    if (address)
        assert_string_equal(op.address, address);
    k->link = op.link;
}

void kit_run_to(kit *k, int64_t now_ms)
{
    int64_t at_ms = reef_engine_deadline_ms(k->engine);
    for (; at_ms < now_ms; at_ms = reef_engine_deadline_ms(k->engine)) {
        kit_tick_to(k, at_ms > k->now_ms ? at_ms : k->now_ms + 1);
        kit_expect_quiet(k);
    }
    kit_tick_to(k, now_ms);
}

void kit_expect_close(kit *k, uint32_t link)
{
    reef_op op;
    assert_true(kit_next_op(k, &op));
    assert_int_equal(op.kind, REEF_OP_CLOSE);
    assert_int_equal(op.link, link);
}

void kit_expect_quiet(kit *k)
{
    reef_op op;
    assert_false(kit_next_op(k, &op));
}

void kit_expect_sent(kit *k, const char *wire)
{
    reef_op op;
    k->sent_len = 0;
    while (kit_next_op(k, &op)) {
        assert_int_equal(op.kind, REEF_OP_SEND);
        assert_true(op.bytes.len > 0 && op.bytes.len < sizeof k->sent - k->sent_len);
        memcpy(k->sent + k->sent_len, op.bytes.ptr, op.bytes.len);
        k->sent_len += op.bytes.len;
        reef_engine_sent(k->engine, op.link, op.bytes.len, k->now_ms);
    }
    k->sent[k->sent_len] = 0;
    if (wire)
        assert_string_equal(k->sent, wire);
}

void kit_opened(kit *k)
{
    reef_engine_opened(k->engine, k->link, k->now_ms);
}

void kit_closed(kit *k, int sys_errno)
{
    reef_engine_closed(k->engine, k->link, sys_errno, k->now_ms);
}

void kit_receive(kit *k, const char *bytes)
{
    size_t len = strlen(bytes);
    while (len > 0) {
        size_t cap;
        void *room = reef_engine_room(k->engine, k->link, &cap);
        if (!room)
            return;
        size_t part = len < cap ? len : cap;
        memcpy(room, bytes, part);
        reef_engine_received(k->engine, k->link, part, k->now_ms);
        bytes += part;
        len -= part;
    }
}

void kit_tick_to(kit *k, int64_t now_ms)
{
    k->now_ms = now_ms;
    reef_engine_tick(k->engine, now_ms);
}

void kit_answer_handshake(kit *k)
{
    kit_receive(
        k, "%4\r\n+server\r\n+redis\r\n+version\r\n+7.0.15\r\n+mode\r\n+standalone\r\n"
           "+role\r\n+master\r\n");
    kit_expect_sent(k, NULL);
    if (strstr(k->sent, "SELECT"))
        kit_receive(k, "+OK\r\n");
    kit_receive(k, "+OK\r\n-ERR unknown subcommand\r\n-ERR unknown subcommand\r\n");
}

void kit_connect(kit *k)
{
    kit_expect_open(k, NULL, 0);
    kit_opened(k);
    kit_expect_sent(k, NULL);
    assert_non_null(strstr(k->sent, "HELLO"));
    kit_answer_handshake(k);
    assert_int_equal(k->engine->links[k->link]->state, REEF_LINK_READY);
}

uint64_t kit_submit(kit *k, const char *words, bool repeatable, int64_t timeout_ms)
{
    reef_cmd *cmd = reef_cmd_new();
    assert_non_null(cmd);
    const char *at = words;
    for (bool first = true; *at; first = false) {
        size_t len = strcspn(at, " ");
        if (first)
            reef_cmd_begin_str(cmd, (reef_str){at, len});
        else
            reef_cmd_arg(cmd, (reef_str){at, len});
        at += len + (at[len] == ' ');
    }
    if (repeatable)
        reef_cmd_repeatable(cmd);
    const reef_cmd *one = cmd;
    uint64_t id =
        reef_engine_submit(k->engine, &one, 1, 99, k->now_ms + timeout_ms, k->now_ms);
    reef_cmd_free(cmd);
    return id;
}

void kit_expect_done(kit *k, uint64_t ticket, reef_code code, const char *text)
{
    reef_done done;
    assert_true(reef_engine_next_done(k->engine, &done));
    assert_int_equal(done.ticket, ticket);
    assert_int_equal(done.tag, 99);
    if (reef_reply_code(done.reply) != code)
        fail_msg("code %s, text \"%s\"", reef_code_name(reef_reply_code(done.reply)),
                 reef_reply_text(done.reply));
    if (text && !strstr(reef_reply_text(done.reply), text))
        fail_msg("\"%s\" does not hold \"%s\"", reef_reply_text(done.reply), text);
    reef_reply_free(done.reply);
}

void kit_expect_none_done(kit *k)
{
    reef_done done;
    assert_false(reef_engine_next_done(k->engine, &done));
}
