/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes against scripted servers on real sockets: whatever they do, a call ends with
 * the right word, by its deadline, and the client is whole afterwards. Times are only
 * ever checked against bounds that a noisy machine keeps, too. */
#include "test/unit/net_kit.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

/* ---- the system, counted and broken ------------------------------------------- */

static atomic_uint sys_calls; /* poll, send, recv of the thread under test */
static atomic_uint sys_sends; /* send alone */
static _Thread_local bool sys_counted;
static _Thread_local int sys_last_fd; /* what this thread last received from */
static atomic_bool sys_no_condition, sys_no_thread, sys_resolver_stuck;
static atomic_uint sys_resolver_asked;

int __real_poll(struct pollfd *, nfds_t, int);
int __wrap_poll(struct pollfd *, nfds_t, int);
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);
ssize_t __real_recv(int, void *, size_t, int);
ssize_t __wrap_recv(int, void *, size_t, int);
int __real_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                          void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                          void *);
int __real_getaddrinfo(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    sys_calls += sys_counted;
    return __real_poll(fds, count, timeout_ms);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    sys_calls += sys_counted;
    sys_sends += sys_counted;
    return __real_send(fd, bytes, len, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags)
{
    sys_calls += sys_counted;
    sys_last_fd = fd;
    return __real_recv(fd, bytes, len, flags);
}

int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    return sys_no_condition ? 12 : __real_pthread_cond_init(cond, attr);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*run)(void *), void *argument)
{
    return sys_no_thread ? 11 : __real_pthread_create(thread, attr, run, argument);
}

/* Any name is the loopback, once the resolver answers at all. */
int __wrap_getaddrinfo(const char *name, const char *service,
                       const struct addrinfo *hints, struct addrinfo **list)
{
    sys_resolver_asked++;
    while (sys_resolver_stuck)
        peer_pause(1);
    if (strcmp(name, "nobody.test") == 0)
        return EAI_NONAME;
    return __real_getaddrinfo("127.0.0.1", service, hints, list);
}

/* ---- servers that do not behave ----------------------------------------------- */

static void say_garbage(peer_link *link)
{
    peer_write(link, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

static void garbage_is_a_protocol_error(void **state)
{
    (void)state;
    peer *p = peer_start(say_garbage, NULL, NULL);
    reef_client *client = open_peer(p);
    assert_int_equal(failure(client, "GET", LONG_MS), REEF_PROTOCOL);
    reef_close(client);
    peer_stop(p);
}

static void garbage_later(peer_link *link)
{
    if (link->number > 0) {
        serve(link);
        return;
    }
    while (peer_next(link))
        peer_write(link, "$3\r\nabcXY\r\n");
}

static void garbage_as_an_answer_ends_the_connection(void **state)
{
    (void)state;
    peer *p = peer_start(garbage_later, NULL, NULL);
    reef_client *client = open_peer(p);
    assert_int_equal(failure(client, "INCR", LONG_MS), REEF_PROTOCOL);
    expect_text(client, "GET", "next", "next");
    assert_int_equal(peer_links(p), 2);
    reef_close(client);
    peer_stop(p);
}

static void close_at_once(peer_link *link)
{
    (void)link;
}

static void closing_at_once_is_no_connection(void **state)
{
    (void)state;
    peer *p = peer_start(close_at_once, NULL, NULL);
    reef_client *client = open_peer(p);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_CONNECT);
    reef_close(client);
    peer_stop(p);
}

static void drip_hello(peer_link *link)
{
    while (peer_write(link, link->len == 0 ? "%" : "1"))
        peer_pause(5), link->len = 1;
}

static void drip_answer(peer_link *link)
{
    if (!peer_next(link) || !peer_write(link, "$1000000\r\n"))
        return;
    while (peer_write(link, "x"))
        peer_pause(5);
}

static void dripping_does_not_stretch_a_deadline(void **state)
{
    (void)state;
    peer *p = peer_start(drip_hello, NULL, NULL);
    reef_client *client = open_peer(p);
    reef_code code = failure(client, "GET", SHORT_MS);
    assert_true(code == REEF_UNSENT || code == REEF_CONNECT || code == REEF_PROTOCOL);
    reef_close(client);
    peer_stop(p);
    p = peer_start(drip_answer, NULL, NULL);
    client = open_peer(p);
    assert_int_equal(failure(client, "INCR", SHORT_MS * 5), REEF_UNSURE);
    reef_close(client);
    peer_stop(p);
}

static void say_nothing(peer_link *link)
{
    while (peer_read(link)) {
    }
}

static void hear_but_not_answer(peer_link *link)
{
    while (peer_next(link)) {
    }
}

static void silence_ends_by_the_deadline(void **state)
{
    (void)state;
    peer *p = peer_start(say_nothing, NULL, NULL);
    reef_client *client = open_peer(p);
    reef_code code = failure(client, "GET", SHORT_MS);
    assert_true(code == REEF_UNSENT || code == REEF_CONNECT);
    reef_close(client);
    peer_stop(p);
    p = peer_start(hear_but_not_answer, NULL, NULL);
    client = open_peer(p);
    assert_int_equal(failure(client, "INCR", SHORT_MS * 5), REEF_UNSURE);
    reef_close(client);
    peer_stop(p);
}

/* Answers "slow" when it is told to, everything else at once. */
static void answer_late(peer_link *link)
{
    while (peer_next(link)) {
        if (link->count > 1 && strcmp(link->args[1], "slow") == 0)
            peer_await(link, link->argument);
        if (!answer(link))
            return;
    }
}

static void a_late_answer_reaches_nobody(void **state)
{
    atomic_bool told;
    (void)state;
    atomic_init(&told, false);
    peer *p = peer_start(answer_late, &told, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "a", "a");
    reef_reply *reply = call(client, "GET", "slow", SHORT_MS);
    assert_int_equal(reef_reply_code(reply), REEF_UNSURE);
    reef_reply_free(reply);
    atomic_store(&told, true);
    for (int i = 0; i < 50; i++) {
        char word[16];
        snprintf(word, sizeof word, "word %d", i);
        expect_text(client, "GET", word, word);
    }
    reef_close(client);
    peer_stop(p);
}

static void close_after_each(peer_link *link)
{
    if (peer_next(link))
        answer(link);
}

/* Each time the end of the stream stands in the socket when the next call comes; the
 * commands are not repeatable, so an end that was noticed too late would be unsure. */
static void a_link_that_was_closed_meanwhile_costs_a_reconnect(void **state)
{
    enum { ROUNDS = 24 };
    (void)state;
    peer *p = peer_start(close_after_each, NULL, NULL);
    reef_client *client = open_peer(p);
    size_t before = 0;
    for (int i = 0; i < ROUNDS; i++) {
        reef_reply *reply = call(client, "INCR", "k", LONG_MS);
        assert_int_equal(reef_reply_code(reply), REEF_OK);
        reef_reply_free(reply);
        struct pollfd ended = {sys_last_fd, POLLIN, 0};
        assert_int_equal(__real_poll(&ended, 1, LONG_MS), 1);
        before = i == 2 ? peer_descriptors() : before;
    }
    assert_int_equal(peer_links(p), ROUNDS);
    /* The server's end of what ends just now may count, and nothing else. */
    assert_in_range(peer_descriptors(), 0, before + 1);
    reef_close(client);
    peer_stop(p);
}

static void nobody_listens(void **state)
{
    reef_config config = config_for("127.0.0.1", peer_closed_port());
    (void)state;
    reef_client *client = open_config(&config);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_CONNECT);
    reef_close(client);
    config = config_for("/nonexistent/socket", 0);
    client = open_config(&config);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_CONNECT);
    reef_close(client);
}

/* The first connections are turned away with a word and an end. */
static void turn_away(peer_link *link)
{
    if (link->number < 3)
        peer_write(link, "-ERR max number of clients reached\r\n");
    else
        serve(link);
}

static void a_full_server_is_waited_out(void **state)
{
    (void)state;
    peer *p = peer_start(turn_away, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "in", "in");
    assert_int_equal(peer_links(p), 4);
    reef_close(client);
    peer_stop(p);
}

/* ---- what a call costs --------------------------------------------------------------
 */

static void a_call_costs_four_system_calls(void **state)
{
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "warm", "warm");
    sys_calls = 0;
    sys_counted = true;
    for (int i = 0; i < 1000; i++)
        expect_text(client, "GET", "k", "k");
    sys_counted = false;
    /* A look, a send, a poll, a receive; a signal now and then may add some. */
    assert_in_range(sys_calls, 3000, 4100);
    reef_close(client);
    peer_stop(p);
}

static void a_pipeline_travels_in_few_sends(void **state)
{
    static reef_cmd *cmds[MANY];
    static reef_reply *replies[MANY];
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "warm", "warm");
    for (size_t i = 0; i < MANY; i++) {
        cmds[i] = reef_cmd_new();
        build(cmds[i], "GET", "a key", NULL);
    }
    sys_sends = 0;
    sys_counted = true;
    reef_pipeline(client, (const reef_cmd *const *)cmds, MANY, LONG_MS, replies);
    sys_counted = false;
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(reef_reply_code(replies[i]), REEF_OK);
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
    /* 250 kB; a socket that is full now and then adds some. */
    assert_in_range(sys_sends, 1, 200);
    reef_close(client);
    peer_stop(p);
}

/* Reads slowly, so that the sender meets a full socket, and says how much it got. */
static void weigh(peer_link *link)
{
    char out[32];
    while (peer_next(link)) {
        snprintf(out, sizeof out, ":%zu\r\n", link->count > 2 ? link->lens[2] : 0);
        if (!peer_write(link, out))
            return;
    }
}

static void large_values_pass_a_full_socket(void **state)
{
    const size_t len = 24 * 1024 * 1024;
    (void)state;
    peer *p = peer_start(weigh, NULL, NULL);
    reef_client *client = open_peer(p);
    char *value = calloc(1, len);
    reef_cmd *cmd = reef_cmd_new();
    reef_cmd_begin(cmd, "SET");
    reef_cmd_key(cmd, reef_str_of("k"));
    reef_cmd_arg(cmd, (reef_str){value, len});
    for (int i = 0; i < 3; i++) {
        reef_reply *reply = reef_call(client, cmd, LONG_MS);
        assert_int_equal(reef_reply_code(reply), REEF_OK);
        assert_int_equal(reef_int(reef_reply_root(reply), -1), len);
        reef_reply_free(reply);
    }
    reef_cmd_free(cmd);
    free(value);
    reef_close(client);
    peer_stop(p);
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

/* ---- names -------------------------------------------------------------------- */

static void a_stuck_resolver_costs_one_thread_and_no_time(void **state)
{
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_config config = config_for("somebody.test", peer_port(p));
    config.connect_timeout_ms = 100;
    reef_client *client = open_config(&config);
    sys_resolver_stuck = true;
    sys_resolver_asked = 0;
    for (int i = 0; i < 3; i++) {
        reef_code code = failure(client, "GET", SHORT_MS);
        assert_true(code == REEF_DNS || code == REEF_UNSENT);
    }
    assert_int_equal(sys_resolver_asked, 1);
    sys_resolver_stuck = false;
    expect_text(client, "GET", "found", "found");
    reef_close(client);

    /* Left alone with its question while the client goes away. */
    sys_resolver_stuck = true;
    client = open_config(&config);
    failure(client, "GET", SHORT_MS);
    reef_close(client);
    sys_resolver_stuck = false;
    peer_stop(p);
}

static void names_fail_with_their_own_code(void **state)
{
    (void)state;
    reef_config config = config_for("nobody.test", 6379);
    reef_client *client = open_config(&config);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_DNS);
    reef_close(client);
    config = config_for("somebody.test", 6379);
    client = open_config(&config);
    sys_no_thread = true;
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_DNS);
    sys_no_thread = false;
    reef_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_a_protocol_error),
        cmocka_unit_test(garbage_as_an_answer_ends_the_connection),
        cmocka_unit_test(closing_at_once_is_no_connection),
        cmocka_unit_test(dripping_does_not_stretch_a_deadline),
        cmocka_unit_test(silence_ends_by_the_deadline),
        cmocka_unit_test(a_late_answer_reaches_nobody),
        cmocka_unit_test(a_link_that_was_closed_meanwhile_costs_a_reconnect),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_full_server_is_waited_out),
        cmocka_unit_test(a_call_costs_four_system_calls),
        cmocka_unit_test(a_pipeline_travels_in_few_sends),
        cmocka_unit_test(large_values_pass_a_full_socket),
        cmocka_unit_test(waiting_works_without_conditions),
        cmocka_unit_test(a_sleeper_ends_by_its_own_deadline),
        cmocka_unit_test(a_cancelled_driver_leaves_no_hole),
        cmocka_unit_test(lanes_do_not_wait_for_each_other),
        cmocka_unit_test(a_stuck_resolver_costs_one_thread_and_no_time),
        cmocka_unit_test(names_fail_with_their_own_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
