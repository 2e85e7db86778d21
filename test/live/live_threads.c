/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads on one client of a sound server, with one lane and with four: every
 * reply is checked against what its caller alone could have got. Made to run under
 * ThreadSanitizer as well. */
#include "test/live/check.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    THREADS_COUNT = 32,
    THREADS_ROUNDS = 150,
    THREADS_GROUP = 5,    /* commands of one pipeline */
    THREADS_BIG = 200000, /* bytes of the biggest value */
    THREADS_TIMEOUT_MS = 60000
};

typedef struct threads_worker {
    reef_client *client;
    unsigned id;
    pthread_t thread;
    uint64_t random;
    int64_t count;    /* of this thread's own counter */
    uint64_t refused; /* by the client itself: these count as failed */
    uint64_t calls;   /* commands that went to the server */
    char big[THREADS_BIG];
    char wrong[REEF_ERROR_TEXT + 128]; /* the first reply that was not right */
} threads_worker;

/* xorshift64*: the same choices in each run. */
static uint32_t threads_draw(threads_worker *worker, uint32_t below)
{
    worker->random ^= worker->random >> 12;
    worker->random ^= worker->random << 25;
    worker->random ^= worker->random >> 27;
    return (uint32_t)((worker->random * 2685821657736338717ULL) >> 40) % below;
}

static void threads_blame(threads_worker *worker, const char *line,
                          const reef_reply *reply)
{
    reef_str got = reef_text(reply, reef_reply_root(reply));
    if (!worker->wrong[0]) {
        snprintf(worker->wrong, sizeof worker->wrong, "thread %u: %.60s: %s, %.40s",
                 worker->id, line, reef_reply_text(reply),
                 got.len ? got.ptr : "nothing");
    }
}

static reef_reply *threads_call(threads_worker *worker, const char *line)
{
    reef_cmd *cmd = reef_live_cmd(line, threads_draw(worker, 2));
    reef_reply *reply = reef_call(worker->client, cmd, THREADS_TIMEOUT_MS);
    reef_cmd_free(cmd);
    worker->calls++;
    return reply;
}

static bool threads_is(const reef_reply *reply, reef_str want)
{
    return reef_reply_code(reply) == REEF_OK &&
           reef_str_equal(reef_text(reply, reef_reply_root(reply)), want);
}

/* ---- what a thread does ------------------------------------------------------- */

static void threads_echo(threads_worker *worker, unsigned round)
{
    char line[64];
    reef_reply *reply;
    snprintf(line, sizeof line, "ECHO thread-%u-round-%u", worker->id, round);
    reply = threads_call(worker, line);
    if (!threads_is(reply, reef_str_of(line + strlen("ECHO ")))) {
        threads_blame(worker, line, reply);
    }
    reef_reply_free(reply);
}

static void threads_keep(threads_worker *worker, unsigned round)
{
    char line[64], value[32];
    reef_reply *reply;
    snprintf(value, sizeof value, "%u/%u", worker->id, round);
    snprintf(line, sizeof line, "SET kept-%u %s", worker->id, value);
    reply = threads_call(worker, line);
    if (!threads_is(reply, reef_str_of("OK"))) {
        threads_blame(worker, line, reply);
    }
    reef_reply_free(reply);
    snprintf(line, sizeof line, "GET kept-%u", worker->id);
    reply = threads_call(worker, line);
    if (!threads_is(reply, reef_str_of(value))) {
        threads_blame(worker, line, reply);
    }
    reef_reply_free(reply);
}

static void threads_add(threads_worker *worker)
{
    char line[64];
    reef_reply *reply;
    snprintf(line, sizeof line, "INCR count-%u", worker->id);
    reply = threads_call(worker, line);
    if (reef_int(reef_reply_root(reply), -1) != ++worker->count) {
        threads_blame(worker, line, reply);
    }
    reef_reply_free(reply);
}

/* The name of a command that nobody knows comes back in the error. */
static void threads_unknown(threads_worker *worker, unsigned round)
{
    char line[64];
    reef_reply *reply;
    snprintf(line, sizeof line, "nosuch-%u-%u", worker->id, round);
    reply = threads_call(worker, line);
    if (reef_reply_code(reply) != REEF_REFUSED ||
        !strstr(reef_reply_text(reply), line)) {
        threads_blame(worker, line, reply);
    }
    reef_reply_free(reply);
}

static void threads_refused(threads_worker *worker)
{
    reef_reply *reply = threads_call(worker, "SUBSCRIBE everything");
    worker->calls--;
    worker->refused++;
    if (reef_reply_code(reply) != REEF_BADARG) {
        threads_blame(worker, "SUBSCRIBE", reply);
    }
    reef_reply_free(reply);
}

static void threads_value(threads_worker *worker)
{
    reef_cmd *cmd = reef_cmd_new();
    reef_str value = {worker->big, 1 + threads_draw(worker, THREADS_BIG)};
    reef_reply *reply;
    memset(worker->big, 'a' + (int)threads_draw(worker, 26), value.len);
    snprintf(worker->big, value.len, "%u", worker->id);
    reef_cmd_begin(cmd, "ECHO");
    reef_cmd_arg(cmd, value);
    reply = reef_call(worker->client, cmd, THREADS_TIMEOUT_MS);
    worker->calls++;
    if (!threads_is(reply, value)) {
        threads_blame(worker, "ECHO of a big value", reply);
    }
    reef_reply_free(reply);
    reef_cmd_free(cmd);
}

/* A transaction between two echoes: MULTI, INCR, EXEC stay together whatever the other
 * threads send. */
static void threads_group(threads_worker *worker, unsigned round)
{
    char lines[THREADS_GROUP][64];
    reef_cmd *cmds[THREADS_GROUP];
    reef_reply *replies[THREADS_GROUP];
    const reef_node *root;
    snprintf(lines[0], sizeof lines[0], "ECHO before-%u-%u", worker->id, round);
    snprintf(lines[1], sizeof lines[1], "MULTI");
    snprintf(lines[2], sizeof lines[2], "INCR count-%u", worker->id);
    snprintf(lines[3], sizeof lines[3], "EXEC");
    snprintf(lines[4], sizeof lines[4], "ECHO after-%u-%u", worker->id, round);
    for (int i = 0; i < THREADS_GROUP; i++) {
        cmds[i] = reef_live_cmd(lines[i], false);
    }
    reef_pipeline(worker->client, (const reef_cmd *const *)cmds, THREADS_GROUP,
                  THREADS_TIMEOUT_MS, replies);
    worker->calls += THREADS_GROUP;
    root = reef_reply_root(replies[3]);
    if (!threads_is(replies[0], reef_str_of(lines[0] + strlen("ECHO "))) ||
        !threads_is(replies[2], reef_str_of("QUEUED")) ||
        reef_int(reef_at(root, 0), -1) != ++worker->count ||
        !threads_is(replies[4], reef_str_of(lines[4] + strlen("ECHO ")))) {
        threads_blame(worker, "MULTI", replies[3]);
    }
    for (int i = 0; i < THREADS_GROUP; i++) {
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
}

/* What looks at the client from the side, while others call. */
static void threads_look(threads_worker *worker)
{
    reef_stats stats;
    reef_event event;
    reef_server info;
    reef_error error = {REEF_OK, 0, ""};
    reef_client_stats(worker->client, &stats);
    reef_client_next_event(worker->client, &event);
    reef_tend(worker->client);
    if (stats.unsure || reef_server_info(worker->client, THREADS_TIMEOUT_MS, &info,
                                         &error) != REEF_OK) {
        snprintf(worker->wrong, sizeof worker->wrong,
                 "thread %u: %" PRIu64 " unsure, %s", worker->id, stats.unsure,
                 error.text);
    }
}

static void *threads_work(void *data)
{
    threads_worker *worker = data;
    for (unsigned i = 0; i < THREADS_ROUNDS && !worker->wrong[0]; i++) {
        switch (threads_draw(worker, 16)) {
        case 0:
            threads_value(worker);
            break;
        case 1:
            threads_unknown(worker, i);
            break;
        case 2:
            threads_refused(worker);
            break;
        case 3:
            threads_look(worker);
            break;
        case 4:
        case 5:
            threads_group(worker, i);
            break;
        case 6:
        case 7:
        case 8:
            threads_add(worker);
            break;
        case 9:
        case 10:
        case 11:
            threads_keep(worker, i);
            break;
        default:
            threads_echo(worker, i);
            break;
        }
    }
    return NULL;
}

/* ---- the test ----------------------------------------------------------------- */

/* What the client counted is what the threads did: nothing failed, none went twice. */
static void threads_verify(const reef_live_server *server, reef_client *client,
                           const threads_worker *workers)
{
    reef_stats stats;
    uint64_t calls = 0, refused = 0;
    for (unsigned i = 0; i < THREADS_COUNT; i++) {
        char line[64];
        if (workers[i].wrong[0]) {
            fail_msg("%s", workers[i].wrong);
        }
        snprintf(line, sizeof line, "GET count-%u", i);
        assert_int_equal(reef_live_number(server, line),
                         workers[i].count ? workers[i].count : -1);
        calls += workers[i].calls;
        refused += workers[i].refused;
    }
    reef_client_stats(client, &stats);
    assert_int_equal(stats.failed, refused);
    assert_int_equal(stats.retries, 0);
    assert_int_equal(stats.reconnects, 0);
    assert_int_equal(stats.answered + stats.failed, stats.calls);
    assert_true(stats.answered >= calls);
    print_message("    %" PRIu64 " calls over %u links\n", calls,
                  (unsigned)stats.link_count);
}

static void threads_on(const reef_live_server *server, const char *where,
                       uint32_t lanes)
{
    threads_worker *workers = calloc(THREADS_COUNT, sizeof *workers);
    reef_config config;
    reef_client *client;
    reef_live_config(server, where, &config);
    config.lanes = lanes;
    client = reef_live_client(&config);
    free(reef_live_ask(server, "FLUSHALL"));
    assert_non_null(workers);
    for (unsigned i = 0; i < THREADS_COUNT; i++) {
        workers[i].client = client;
        workers[i].id = i;
        workers[i].random = 88172645463325252ULL + i * 7919;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, threads_work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS_COUNT; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    threads_verify(server, client, workers);
    reef_close(client);
    free(workers);
}

static void threads_each(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    threads_on(server, "127.0.0.1", 1);
    threads_on(server, "127.0.0.1", 4);
    threads_on(server, "unix", 4);
    reef_live_free(server);
}

static void test_threads(void **state)
{
    (void)state;
    reef_live_each(threads_each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
