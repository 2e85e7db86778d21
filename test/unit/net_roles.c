/* SPDX-License-Identifier: Apache-2.0
 *
 * Who drives, who sleeps, and who wakes whom: the hand-over of roles inside a lane, one
 * situation at a time. (net_threads.c tries them all at random.) */
#include "test/unit/net_kit.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static atomic_bool sys_no_condition; /* none can be made */

int __real_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    return sys_no_condition ? 12 : __real_pthread_cond_init(cond, attr);
}

/* ---- threads ------------------------------------------------------------------ */

typedef struct crowd {
    reef_client *client;
    atomic_uint wrong;
} crowd;

static void *crowd_member(void *argument)
{
    crowd *all = argument;
    reef_cmd *cmd = reef_cmd_new();
    for (int i = 0; i < 50; i++) {
        build(cmd, "GET", "k", NULL);
        reef_reply *reply = reef_call(all->client, cmd, LONG_MS);
        all->wrong += reef_reply_code(reply) != REEF_OK;
        reef_reply_free(reply);
    }
    reef_cmd_free(cmd);
    return NULL;
}

static void waiting_works_without_conditions(void **state)
{
    pthread_t threads[8];
    crowd all;
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    all.client = open_peer(p);
    atomic_init(&all.wrong, 0);
    expect_text(all.client, "GET", "warm", "warm");
    sys_no_condition = true;
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, crowd_member, &all);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    sys_no_condition = false;
    assert_int_equal(all.wrong, 0);
    reef_close(all.client);
    peer_stop(p);
}

typedef struct caller {
    reef_client *client;
    const char *key;
    int64_t timeout_ms;
    reef_code code;
    atomic_bool done;
} caller;

static void *caller_run(void *argument)
{
    caller *me = argument;
    reef_reply *reply = call(me->client, "GET", me->key, me->timeout_ms);
    me->code = reef_reply_code(reply);
    reef_reply_free(reply);
    atomic_store(&me->done, true);
    return NULL;
}

static void await_in_flight(reef_client *client, uint32_t count)
{
    static reef_stats stats;
    do {
        peer_pause(1);
        reef_client_stats(client, &stats);
    } while (stats.link_count == 0 || stats.links[0].in_flight < count);
}

/* Answers nothing before it has read a second command. */
static void answer_in_pairs(peer_link *link)
{
    while (peer_next(link)) {
        if (peer_is(link, "PING")
                ? !answer(link)
                : !peer_next(link) || !peer_write(link, "+OK\r\n+OK\r\n"))
            return;
    }
}

/* One thread drives and has nothing to send; then another fills the socket. The driver
 * must learn that there is something to wait for. */
static void a_full_socket_wakes_the_driver(void **state)
{
    const size_t len = 24 * 1024 * 1024;
    pthread_t first;
    (void)state;
    peer *p = peer_start(answer_in_pairs, NULL, NULL);
    reef_client *client = open_peer(p);
    caller driver = {client, "k", LONG_MS, REEF_OK, false};
    reef_reply_free(call(client, "PING", NULL, LONG_MS));
    pthread_create(&first, NULL, caller_run, &driver);
    await_in_flight(client, 1);
    char *value = calloc(1, len);
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "SET");
    reef_cmd_key(cmd, reef_str_of("k"));
    reef_cmd_arg(cmd, (reef_str){value, len});
    reef_reply *reply = reef_call(client, cmd, LONG_MS);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    pthread_join(first, NULL);
    assert_int_equal(driver.code, REEF_OK);
    reef_reply_free(reply);
    reef_cmd_free(cmd);
    free(value);
    reef_close(client);
    peer_stop(p);
}

typedef struct gates {
    atomic_bool first, second;
} gates;

/* GET 1 and GET 2 each wait for their gate. */
static void answer_by_gate(peer_link *link)
{
    gates *both = link->argument;
    while (peer_next(link)) {
        const char *key = link->count > 1 ? link->args[1] : "";
        if (strcmp(key, "1") == 0)
            peer_await(link, &both->first);
        if (strcmp(key, "2") == 0)
            peer_await(link, &both->second);
        if (!answer(link))
            return;
    }
}

/* The driver is done while another sleeps, and nobody else comes by: the sleeper has to
 * drive. Left alone it would end too, but only at its deadline. */
static void the_role_is_handed_on(void **state)
{
    gates both;
    pthread_t first, second;
    (void)state;
    atomic_init(&both.first, false);
    atomic_init(&both.second, false);
    peer *p = peer_start(answer_by_gate, &both, NULL);
    reef_client *client = open_peer(p);
    caller driver = {client, "1", LONG_MS, REEF_OK, false};
    caller sleeper = {client, "2", LONG_MS, REEF_OK, false};
    expect_text(client, "GET", "warm", "warm");
    pthread_create(&first, NULL, caller_run, &driver);
    await_in_flight(client, 1);
    pthread_create(&second, NULL, caller_run, &sleeper);
    await_in_flight(client, 2);
    int64_t begin_ms = reef_now_ms();
    atomic_store(&both.first, true);
    pthread_join(first, NULL);
    assert_false(atomic_load(&sleeper.done));
    atomic_store(&both.second, true);
    pthread_join(second, NULL);
    assert_true(reef_now_ms() - begin_ms < LONG_MS / 2);
    assert_int_equal(driver.code, REEF_OK);
    assert_int_equal(sleeper.code, REEF_OK);
    reef_close(client);
    peer_stop(p);
}

/* The first call drives and has a long deadline; the second sleeps and has a short one:
 * the driver has to look at the clock on its behalf. */
static void a_sleeper_ends_by_its_own_deadline(void **state)
{
    atomic_bool told;
    pthread_t first, second;
    (void)state;
    atomic_init(&told, false);
    peer *p = peer_start(answer_late, &told, NULL);
    reef_client *client = open_peer(p);
    caller slow = {client, "slow", LONG_MS, REEF_OK, false};
    caller brief = {client, "b", SHORT_MS, REEF_OK, false};
    expect_text(client, "GET", "warm", "warm");
    pthread_create(&first, NULL, caller_run, &slow);
    reef_stats stats;
    do {
        reef_client_stats(client, &stats);
        peer_pause(1);
    } while (stats.calls < 2);
    pthread_create(&second, NULL, caller_run, &brief);
    pthread_join(second, NULL);
    assert_int_equal(brief.code, REEF_UNSURE);
    assert_false(atomic_load(&slow.done));
    atomic_store(&told, true);
    pthread_join(first, NULL);
    assert_int_equal(slow.code, REEF_OK);
    reef_close(client);
    peer_stop(p);
}

/* A thread that is cancelled while it drives ends its call first: it would take the
 * role and the lock with it. */
static void a_cancelled_driver_leaves_no_hole(void **state)
{
    atomic_bool told;
    pthread_t first;
    static reef_stats stats;
    (void)state;
    atomic_init(&told, false);
    peer *p = peer_start(answer_late, &told, NULL);
    reef_client *client = open_peer(p);
    caller slow = {client, "slow", LONG_MS, REEF_OK, false};
    expect_text(client, "GET", "warm", "warm");
    pthread_create(&first, NULL, caller_run, &slow);
    do {
        reef_client_stats(client, &stats);
        peer_pause(1);
    } while (stats.calls < 2 || stats.links[0].in_flight == 0);
    pthread_cancel(first);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_UNSURE);
    atomic_store(&told, true);
    pthread_join(first, NULL);
    assert_int_equal(slow.code, REEF_OK);
    expect_text(client, "GET", "after", "after");
    reef_close(client);
    peer_stop(p);
}

/* A call of another lane does not wait behind one that is stuck. */
static void lanes_do_not_wait_for_each_other(void **state)
{
    atomic_bool told;
    pthread_t first;
    (void)state;
    atomic_init(&told, false);
    peer *p = peer_start(answer_late, &told, NULL);
    reef_config config = config_for("127.0.0.1", peer_port(p));
    config.lanes = 2;
    reef_client *client = open_config(&config);
    caller slow = {client, "slow", LONG_MS, REEF_OK, false};
    expect_text(client, "GET", "warm", "warm");
    expect_text(client, "GET", "warm", "warm");
    /* Alone, a caller stays on one connection. */
    assert_int_equal(peer_links(p), 1);
    pthread_create(&first, NULL, caller_run, &slow);
    reef_stats stats;
    do {
        reef_client_stats(client, &stats);
        peer_pause(1);
    } while (stats.calls < 3);
    expect_text(client, "GET", "quick", "quick");
    assert_false(atomic_load(&slow.done));
    assert_int_equal(peer_links(p), 2);
    reef_client_stats(client, &stats);
    assert_int_equal(stats.link_count, 2);
    assert_int_equal(stats.calls, 4);
    atomic_store(&told, true);
    pthread_join(first, NULL);
    assert_int_equal(slow.code, REEF_OK);
    reef_close(client);
    peer_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_works_without_conditions),
        cmocka_unit_test(a_full_socket_wakes_the_driver),
        cmocka_unit_test(the_role_is_handed_on),
        cmocka_unit_test(a_sleeper_ends_by_its_own_deadline),
        cmocka_unit_test(a_cancelled_driver_leaves_no_hole),
        cmocka_unit_test(lanes_do_not_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
