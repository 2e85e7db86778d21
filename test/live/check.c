/* SPDX-License-Identifier: Apache-2.0
 *
 * What the live tests say often. See check.h. */
#include "test/live/check.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Whether what follows this word is a key, of the words that tests use. */
static bool check_has_key(reef_str word)
{
    static const char *const words[] = {"GET",    "SET",    "INCR",  "DEL",  "EXISTS",
                                        "GETDEL", "APPEND", "RPUSH", "TOUCH"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (reef_str_equal(word, reef_str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

reef_cmd *reef_live_cmd(const char *line, bool repeatable)
{
    reef_cmd *cmd = reef_cmd_new();
    size_t at = 0;
    bool key = false;
    if (!cmd) {
        return NULL;
    }
    while (line[at]) {
        reef_str word = {line + at, strcspn(line + at, " ")};
        if (at == 0) {
            reef_cmd_begin_str(cmd, word);
        } else if (key) {
            reef_cmd_key(cmd, word);
        } else {
            reef_cmd_arg(cmd, word);
        }
        key = at == 0 && check_has_key(word);
        at += word.len;
        at += strspn(line + at, " ");
    }
    if (repeatable) {
        reef_cmd_repeatable(cmd);
    }
    return cmd;
}

reef_client *reef_live_client(const reef_config *config)
{
    reef_error error = {REEF_OK, 0, ""};
    reef_client *client = reef_open(config, &error);
    if (!client) {
        fail_msg("reef_open: %s", error.text);
    }
    return client;
}

reef_client *reef_live_client_at(const reef_live_server *server, const char *where,
                                 uint32_t protocol)
{
    reef_config config;
    reef_live_config(server, where, &config);
    config.protocol = protocol;
    return reef_live_client(&config);
}

static const char *const check_places[] = {"127.0.0.1", "localhost", "::1", "unix"};
static const uint32_t check_protocols[] = {0, 2, 3};

reef_client *reef_live_open(const reef_live_case *one)
{
    reef_config config;
    reef_live_config(one->server, one->where, &config);
    config.protocol = one->protocol;
    if (one->user) {
        snprintf(config.username, sizeof config.username, "%s", one->user);
        snprintf(config.password, sizeof config.password, "%s",
                 REEF_LIVE_USER_PASSWORD);
    }
    return reef_live_client(&config);
}

void reef_live_everywhere(const reef_live_server *server, const char *user,
                          void (*body)(const reef_live_case *, reef_client *))
{
    for (size_t i = 0; i < sizeof check_places / sizeof *check_places; i++) {
        if (strcmp(check_places[i], "::1") == 0 && !reef_live_has_ipv6()) {
            continue;
        }
        for (size_t k = 0; k < sizeof check_protocols / sizeof *check_protocols; k++) {
            reef_live_case one = {server, check_places[i], check_protocols[k], user};
            reef_client *client = reef_live_open(&one);
            print_message("    %s, protocol %u\n", one.where, (unsigned)one.protocol);
            body(&one, client);
            reef_close(client);
        }
    }
}

reef_reply *reef_live_call(reef_client *client, const char *line, int64_t timeout_ms)
{
    reef_cmd *cmd = reef_live_cmd(line, false);
    reef_reply *reply = reef_call(client, cmd, timeout_ms);
    reef_cmd_free(cmd);
    assert_non_null(reply);
    return reply;
}

/* On the heap, since it outlives a test that fails. */
struct reef_live_job {
    reef_client *client;
    const char *line;
    int64_t timeout_ms;
    reef_reply *reply;
    pthread_t thread;
};

static void *check_job(void *data)
{
    reef_live_job *job = data;
    reef_cmd *cmd = reef_live_cmd(job->line, false);
    job->reply = reef_call(job->client, cmd, job->timeout_ms);
    reef_cmd_free(cmd);
    return NULL;
}

reef_live_job *reef_live_begin(reef_client *client, const char *line,
                               int64_t timeout_ms)
{
    reef_live_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    job->client = client;
    job->line = line;
    job->timeout_ms = timeout_ms;
    assert_int_equal(pthread_create(&job->thread, NULL, check_job, job), 0);
    return job;
}

reef_reply *reef_live_end(reef_live_job *job)
{
    reef_reply *reply;
    assert_int_equal(pthread_join(job->thread, NULL), 0);
    reply = job->reply;
    free(job);
    return reply;
}

/* A text that a person can be shown: not empty, one line, plain characters. */
static bool check_plain(const char *text)
{
    size_t len = 0;
    for (; text[len]; len++) {
        if (text[len] < ' ' || text[len] > '~') {
            return false;
        }
    }
    return len > 0;
}

void reef_live_is(reef_reply *reply, const char *text)
{
    const reef_node *root = reef_reply_root(reply);
    reef_str got = reef_text(reply, root);
    char digits[32];
    if (reef_reply_code(reply) != REEF_OK) {
        fail_msg("wanted %s, got %s: %s", text, reef_code_name(reef_reply_code(reply)),
                 reef_reply_text(reply));
    }
    assert_string_equal(reef_reply_text(reply), "");
    if (reef_node_kind(root) == REEF_INT) {
        snprintf(digits, sizeof digits, "%" PRId64, reef_int(root, 0));
        got = reef_str_of(digits);
    }
    if (!reef_str_equal(got, reef_str_of(text))) {
        fail_msg("wanted %s, got kind %d: %.*s", text, (int)reef_node_kind(root),
                 (int)got.len, got.ptr ? got.ptr : "");
    }
    reef_reply_free(reply);
}

void reef_live_fails(reef_reply *reply, reef_code code, const char *part)
{
    const char *text = reef_reply_text(reply);
    if (reef_reply_code(reply) != code || (part && !strstr(text, part))) {
        fail_msg("wanted %s with \"%s\", got %s: %s", reef_code_name(code),
                 part ? part : "", reef_code_name(reef_reply_code(reply)), text);
    }
    if (!check_plain(text)) {
        fail_msg("not one plain sentence: \"%s\"", text);
    }
    reef_reply_free(reply);
}

void reef_live_says(reef_client *client, const char *line, const char *text)
{
    reef_live_is(reef_live_call(client, line, 0), text);
}

void reef_live_refuses(reef_client *client, const char *line, reef_code code,
                       const char *part)
{
    reef_live_fails(reef_live_call(client, line, 0), code, part);
}

void reef_live_event(reef_client *client, reef_event_kind kind, const char *part)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    reef_event event;
    while (reef_live_now_ms() < limit) {
        if (!reef_client_next_event(client, &event)) {
            reef_live_nap();
            continue;
        }
        if (event.kind == kind && strstr(event.text, part)) {
            return;
        }
    }
    fail_msg("no event %s with \"%s\"", reef_event_name(kind), part);
}
