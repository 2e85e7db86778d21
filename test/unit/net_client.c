/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocking client against scripted servers on real sockets: whatever they do, a
 * call ends with the right word, by its deadline, and the client is whole afterwards.
 * Times are only ever checked against bounds that a noisy machine keeps, too. */
#include "net/net.h"

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
#include <unistd.h>
#include <cmocka.h>

#include "test/unit/net_peer.h"

enum {
    SHORT_MS = 200,   /* a deadline that is meant to pass */
    LONG_MS = 30000,  /* one that is not */
    SLACK_MS = 10000, /* what a loaded machine may add */
    MANY = 10000
};

/* ---- the system, counted and broken ------------------------------------------- */

static atomic_uint sys_calls; /* poll, send, recv of the thread under test */
static _Thread_local bool sys_counted;
static _Thread_local int sys_last_fd; /* what this thread last received from */
static atomic_size_t sys_no_memory;   /* a request of this size fails */
static atomic_bool sys_no_condition, sys_no_thread, sys_resolver_stuck;
static atomic_uint sys_resolver_asked;

int __real_poll(struct pollfd *, nfds_t, int);
int __wrap_poll(struct pollfd *, nfds_t, int);
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);
ssize_t __real_recv(int, void *, size_t, int);
ssize_t __wrap_recv(int, void *, size_t, int);
void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
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
    return __real_send(fd, bytes, len, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags)
{
    sys_calls += sys_counted;
    sys_last_fd = fd;
    return __real_recv(fd, bytes, len, flags);
}

void *__wrap_malloc(size_t size)
{
    return size == sys_no_memory && size > 0 ? NULL : __real_malloc(size);
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

/* ---- helpers ------------------------------------------------------------------ */

static reef_config config_for(const char *host, uint16_t port)
{
    reef_config config;
    reef_config_init(&config);
    config.enabled = true;
    config.hosts[0].kind = host[0] == '/' ? REEF_HOST_UNIX : REEF_HOST_TCP;
    config.hosts[0].port = port;
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "%s", host);
    return config;
}

static reef_client *open_config(const reef_config *config)
{
    reef_error error;
    reef_client *client = reef_open(config, &error);
    assert_non_null(client);
    return client;
}

static reef_client *open_peer(const peer *p)
{
    reef_config config = config_for("127.0.0.1", peer_port(p));
    return open_config(&config);
}

static void build(reef_cmd *cmd, const char *name, const char *a, const char *b)
{
    reef_cmd_begin(cmd, name);
    if (a != NULL)
        reef_cmd_key(cmd, reef_str_of(a));
    if (b != NULL)
        reef_cmd_text(cmd, b);
}

static reef_reply *call(reef_client *client, const char *name, const char *a,
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

static void expect_text(reef_client *client, const char *name, const char *a,
                        const char *want)
{
    reef_reply *reply = call(client, name, a, LONG_MS);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    reef_str text = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
    reef_reply_free(reply);
}

/* Ends with a code other than OK, and with a reason. */
static reef_code failure(reef_client *client, const char *name, int64_t timeout_ms)
{
    reef_reply *reply = call(client, name, "k", timeout_ms);
    reef_code code = reef_reply_code(reply);
    assert_int_not_equal(code, REEF_OK);
    assert_true(strlen(reef_reply_text(reply)) > 0);
    reef_reply_free(reply);
    return code;
}

/* ECHO x and GET x give x; PING gives PONG; anything else is fine. */
static bool answer(peer_link *link)
{
    if (peer_is(link, "PING"))
        return peer_write(link, "+PONG\r\n");
    if (peer_is(link, "GET") || peer_is(link, "ECHO"))
        return peer_bulk(link, link->count > 1 ? link->args[1] : "");
    return peer_write(link, "+OK\r\n");
}

static void serve(peer_link *link)
{
    while (peer_next(link) && answer(link)) {
    }
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

/* ---- calls and pipelines ------------------------------------------------------ */

static void a_unix_socket_works(void **state)
{
    char folder[] = "/tmp/reef-client-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    peer *p = peer_start(serve, NULL, path);
    reef_config config = config_for(path, 0);
    reef_client *client = open_config(&config);
    expect_text(client, "GET", "here", "here");
    reef_close(client);
    peer_stop(p);
    rmdir(folder);
}

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

static void check_word(reef_reply *reply, size_t i)
{
    char want[32];
    snprintf(want, sizeof want, "%zu", i);
    assert_int_equal(reef_reply_code(reply), REEF_OK);
    reef_str text = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
    reef_reply_free(reply);
}

static void a_long_pipeline_keeps_its_order(void **state)
{
    static reef_cmd *cmds[MANY];
    static reef_reply *replies[MANY];
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    expect_text(client, "GET", "warm", "warm");
    for (size_t i = 0; i < MANY; i++) {
        char word[32];
        snprintf(word, sizeof word, "%zu", i);
        cmds[i] = reef_cmd_new();
        build(cmds[i], "GET", word, NULL);
    }
    sys_calls = 0;
    sys_counted = true;
    reef_pipeline(client, (const reef_cmd *const *)cmds, MANY, LONG_MS, replies);
    sys_counted = false;
    for (size_t i = 0; i < MANY; i++)
        check_word(replies[i], i);
    /* The commands travel together; the server answers them one by one, though. */
    assert_true(sys_calls < MANY * 2 + 200);
    sys_no_memory = MANY * 2 * sizeof(void *);
    reef_pipeline(client, (const reef_cmd *const *)cmds, MANY, LONG_MS, replies);
    sys_no_memory = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(reef_reply_code(replies[i]), REEF_NOMEM);
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
    expect_text(client, "GET", "after", "after");
    reef_close(client);
    peer_stop(p);
}

/* A pipeline of words: each a command's name, "-" no command at all; `want` has one
 * letter for each: o(k), b(ad argument). */
static void pipeline_gives(reef_client *client, const char *const names[], size_t count,
                           const char *want)
{
    reef_cmd *cmds[16] = {NULL};
    reef_reply *replies[16] = {NULL};
    for (size_t i = 0; i < count; i++) {
        if (names[i][0] == '-')
            continue;
        cmds[i] = reef_cmd_new();
        if (names[i][0] != '!')
            build(cmds[i], names[i], strcmp(names[i], "GET") == 0 ? "k" : NULL, NULL);
    }
    reef_pipeline(client, (const reef_cmd *const *)cmds, count, LONG_MS, replies);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(replies[i]);
        assert_int_equal(reef_reply_code(replies[i]),
                         want[i] == 'o' ? REEF_OK : REEF_BADARG);
        if (want[i] != 'o')
            assert_true(strlen(reef_reply_text(replies[i])) > 0);
        reef_reply_free(replies[i]);
        reef_cmd_free(cmds[i]);
    }
}

static void each_command_of_a_pipeline_has_its_own_fate(void **state)
{
    const char *const mixed[] = {"GET", "-", "SUBSCRIBE", "GET", "!", "GET"};
    const char *const whole[] = {"GET", "MULTI", "GET", "GET", "EXEC", "GET"};
    const char *const dropped[] = {"MULTI", "GET", "DISCARD", "MULTI", "EXEC"};
    const char *const open_end[] = {"GET", "MULTI", "GET", "GET"};
    const char *const stray[] = {"EXEC", "GET", "DISCARD"};
    const char *const spoiled[] = {"MULTI", "GET", "HELLO", "EXEC", "GET"};
    const char *const missing[] = {"MULTI", "-", "EXEC", "GET"};
    const char *const nested[] = {"MULTI", "MULTI", "EXEC", "GET"};
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    pipeline_gives(client, mixed, 6, "obbobo");
    pipeline_gives(client, whole, 6, "oooooo");
    pipeline_gives(client, dropped, 5, "ooooo");
    pipeline_gives(client, open_end, 4, "obbb");
    pipeline_gives(client, stray, 3, "bob");
    pipeline_gives(client, spoiled, 5, "bbbbo");
    pipeline_gives(client, missing, 4, "bbbo");
    pipeline_gives(client, nested, 4, "bbbo");
    reef_pipeline(client, NULL, 0, LONG_MS, NULL);
    reef_close(client);
    peer_stop(p);
}

static void expect_bad(reef_reply *reply, reef_code code)
{
    assert_int_equal(reef_reply_code(reply), code);
    assert_true(strlen(reef_reply_text(reply)) > 0);
    reef_reply_free(reply);
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
    assert_true(reef_client_next_push(client, &push));
    assert_int_equal(reef_int(reef_at(reef_reply_root(push), 1), 0), 7);
    reef_reply_free(push);
    assert_false(reef_client_next_push(client, &push));
    assert_true(reef_client_next_event(client, &event));
    assert_int_equal(event.kind, REEF_EVENT_CONNECTED);
    reef_client_stats(client, &stats);
    assert_int_equal(stats.calls, 1);
    assert_int_equal(stats.answered, 1);
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

static void what_this_release_can_not_do_names_its_line(void **state)
{
    reef_error error;
    reef_config config;
    (void)state;
    reef_config_init(&config);
    reef_str toml = reef_str_of("[server.redis]\nenabled = true\n\n"
                                "hosts = [\"a:1\", \"b:2\"]\n");
    assert_int_equal(reef_config_parse(&config, "some/knot.toml", toml, &error),
                     REEF_OK);
    expect_unsupported(&config, "some/knot.toml:4:", "single server");
    reef_config_init(&config);
    toml = reef_str_of("[server.redis]\nhosts = [\"srv+_redis._tcp.example\"]\n");
    assert_int_equal(reef_config_parse(&config, NULL, toml, &error), REEF_OK);
    expect_unsupported(&config, "knot.toml:2:", "SRV");
    reef_config_init(&config);
    const char *const variables[] = {"KNOT_REDIS_MASTER_NAME=main", NULL};
    assert_int_equal(reef_config_env(&config, variables, &error), REEF_OK);
    expect_unsupported(&config, "KNOT_REDIS_MASTER_NAME:", "Sentinel");
    memset(config.file, 'x', sizeof config.file - 1);
    config.origins[REEF_SET_MASTER_NAME] = (reef_origin){REEF_FROM_FILE, 7, 1};
    expect_unsupported(&config, "xxx", "Sentinel");
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
        cmocka_unit_test(a_client_comes_and_goes),
        cmocka_unit_test(what_this_release_can_not_do_names_its_line),
        cmocka_unit_test(garbage_is_a_protocol_error),
        cmocka_unit_test(garbage_as_an_answer_ends_the_connection),
        cmocka_unit_test(closing_at_once_is_no_connection),
        cmocka_unit_test(dripping_does_not_stretch_a_deadline),
        cmocka_unit_test(silence_ends_by_the_deadline),
        cmocka_unit_test(a_late_answer_reaches_nobody),
        cmocka_unit_test(a_link_that_was_closed_meanwhile_costs_a_reconnect),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_full_server_is_waited_out),
        cmocka_unit_test(a_unix_socket_works),
        cmocka_unit_test(a_call_costs_four_system_calls),
        cmocka_unit_test(a_long_pipeline_keeps_its_order),
        cmocka_unit_test(each_command_of_a_pipeline_has_its_own_fate),
        cmocka_unit_test(bad_arguments_are_refused_without_a_connection),
        cmocka_unit_test(the_flat_call_is_the_same_call),
        cmocka_unit_test(large_values_pass_a_full_socket),
        cmocka_unit_test(waiting_works_without_conditions),
        cmocka_unit_test(a_sleeper_ends_by_its_own_deadline),
        cmocka_unit_test(lanes_do_not_wait_for_each_other),
        cmocka_unit_test(a_stuck_resolver_costs_one_thread_and_no_time),
        cmocka_unit_test(names_fail_with_their_own_code),
        cmocka_unit_test(pushes_events_and_statistics_are_there),
        cmocka_unit_test(tending_makes_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
