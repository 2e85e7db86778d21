/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads on one client, while the server cuts connections at random: between
 * commands, inside an answer, before one. No reply may reach the wrong caller, every
 * call ends in time, nothing that must not run twice does, and no descriptor stays
 * behind. Made to run under ThreadSanitizer as well. */
#include "net/net.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/unit/net_peer.h"

enum {
    THREADS = 16,
    CALLS = 200,
    CALL_MS = 20000,
    SLACK_MS = 20000, /* what a loaded machine may add to a deadline */
    TOKENS = THREADS * CALLS
};

typedef struct world {
    reef_client *client;
    uint32_t cut_one_in;     /* the server's temper: 0 never cuts */
    atomic_bool over;        /* threads that only watch may go */
    atomic_uint wrong, late; /* broken promises */
    atomic_uint fine, unsure;
    atomic_uint runs[TOKENS]; /* how often the server ran each ONCE */
} world;

typedef struct member {
    world *all;
    uint32_t number;
    uint32_t random;
    pthread_t thread;
} member;

/* ---- the server
 * --------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

static bool cuts(const world *all, uint32_t *random)
{
    return all->cut_one_in > 0 && next_random(random) % all->cut_one_in == 0;
}

/* GET k gives "value of k"; ONCE n counts and gives n back. */
static bool answer_one(peer_link *link, world *all, uint32_t *random)
{
    char text[256];
    const char *key = link->count > 1 ? link->args[1] : "";
    if (cuts(all, random))
        return false;
    if (peer_is(link, "ONCE")) {
        unsigned token = (unsigned)atoi(key);
        if (token < TOKENS)
            all->runs[token]++;
        snprintf(text, sizeof text, "+%s\r\n", key);
    } else {
        snprintf(text, sizeof text, "$%zu\r\nvalue of %s\r\n", strlen(key) + 9, key);
    }
    size_t len = strlen(text);
    if (cuts(all, random)) {
        peer_write_bytes(link, text, len / 2);
        return false;
    }
    return peer_write_bytes(link, text, len) && !cuts(all, random);
}

static void moody(peer_link *link)
{
    world *all = link->argument;
    uint32_t random = (uint32_t)link->number * 2654435761u + 1;
    while (peer_next(link) && answer_one(link, all, &random)) {
    }
}

/* ---- the callers
 * -------------------------------------------------------------------- */

/* The reply is this caller's own, or says honestly that there is none. */
static void judge(world *all, reef_reply *reply, const char *want)
{
    reef_code code = reef_reply_code(reply);
    reef_str text = reef_text(reply, reef_reply_root(reply));
    if (code == REEF_OK && reef_str_equal(text, reef_str_of(want)))
        all->fine++;
    else if (code == REEF_UNSURE)
        all->unsure++;
    else
        all->wrong++;
    reef_reply_free(reply);
}

static void call_get(member *me, reef_cmd *cmd, int i)
{
    char key[48], want[64];
    snprintf(key, sizeof key, "%u:%d:%u", me->number, i, next_random(&me->random));
    snprintf(want, sizeof want, "value of %s", key);
    reef_cmd_begin(cmd, "GET");
    reef_cmd_key(cmd, reef_str_of(key));
    reef_cmd_repeatable(cmd);
    judge(me->all, reef_call(me->all->client, cmd, CALL_MS), want);
}

static void call_once(member *me, reef_cmd *cmd, int i)
{
    char token[16];
    snprintf(token, sizeof token, "%u", me->number * CALLS + (unsigned)i);
    reef_cmd_begin(cmd, "ONCE");
    reef_cmd_text(cmd, token);
    judge(me->all, reef_call(me->all->client, cmd, CALL_MS), token);
}

static void call_many(member *me, reef_cmd *const cmds[4], int i)
{
    char keys[4][32], want[160];
    reef_reply *replies[4];
    for (int k = 0; k < 4; k++) {
        snprintf(keys[k], sizeof keys[k], "%u:%d:%d", me->number, i, k);
        reef_cmd_begin(cmds[k], "GET");
        reef_cmd_key(cmds[k], reef_str_of(keys[k]));
        reef_cmd_repeatable(cmds[k]);
    }
    reef_pipeline(me->all->client, (const reef_cmd *const *)cmds, 4, CALL_MS, replies);
    for (int k = 0; k < 4; k++) {
        snprintf(want, sizeof want, "value of %s", keys[k]);
        judge(me->all, replies[k], want);
    }
}

static void *member_run(void *argument)
{
    member *me = argument;
    reef_cmd *cmds[4];
    for (int k = 0; k < 4; k++)
        cmds[k] = reef_cmd_new();
    for (int i = 0; i < CALLS; i++) {
        int64_t begin_ms = reef_now_ms();
        uint32_t dice = next_random(&me->random) % 4;
        if (dice == 0)
            call_many(me, cmds, i);
        else if (dice == 1)
            call_once(me, cmds[0], i);
        else
            call_get(me, cmds[0], i);
        me->all->late += reef_now_ms() - begin_ms > CALL_MS + SLACK_MS;
    }
    for (int k = 0; k < 4; k++)
        reef_cmd_free(cmds[k]);
    return NULL;
}

/* Looks at everything that can be looked at, all the time. */
static void *watcher_run(void *argument)
{
    static reef_stats stats;
    world *all = argument;
    reef_event event;
    reef_reply *push = NULL;
    while (!all->over) {
        reef_client_stats(all->client, &stats);
        while (reef_client_next_event(all->client, &event)) {
        }
        if (reef_client_next_push(all->client, &push))
            reef_reply_free(push);
        reef_tend(all->client);
        peer_pause(1);
    }
    return NULL;
}

/* ---- the test
 * ----------------------------------------------------------------------- */

static void run_world(uint32_t lanes, uint32_t cut_one_in)
{
    static world all;
    static member members[THREADS];
    pthread_t watcher;
    reef_config config;
    reef_error error;
    memset(&all, 0, sizeof all);
    all.cut_one_in = cut_one_in;
    size_t before = peer_descriptors();
    peer *p = peer_start(moody, &all, NULL);
    reef_config_init(&config);
    config.lanes = lanes;
    config.hosts[0].port = peer_port(p);
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "127.0.0.1");
    all.client = reef_open(&config, &error);
    assert_non_null(all.client);
    for (uint32_t i = 0; i < THREADS; i++) {
        members[i] = (member){&all, i, i * 7919u + lanes, 0};
        assert_int_equal(
            pthread_create(&members[i].thread, NULL, member_run, &members[i]), 0);
    }
    assert_int_equal(pthread_create(&watcher, NULL, watcher_run, &all), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(members[i].thread, NULL);
    all.over = true;
    pthread_join(watcher, NULL);
    reef_close(all.client);
    peer_stop(p);
    assert_int_equal(all.wrong, 0);
    assert_int_equal(all.late, 0);
    assert_true(all.fine >= TOKENS / 2);
    for (size_t i = 0; i < TOKENS; i++)
        assert_in_range(all.runs[i], 0, 1);
    if (cut_one_in == 0)
        assert_int_equal(all.unsure, 0);
    assert_int_equal(peer_descriptors(), before);
}

static void one_connection(void **state)
{
    (void)state;
    run_world(1, 0);
}

static void several_connections(void **state)
{
    (void)state;
    run_world(4, 0);
}

static void one_connection_that_is_cut(void **state)
{
    (void)state;
    run_world(1, 300);
}

static void several_connections_that_are_cut(void **state)
{
    (void)state;
    run_world(3, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection),
        cmocka_unit_test(several_connections),
        cmocka_unit_test(one_connection_that_is_cut),
        cmocka_unit_test(several_connections_that_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
