/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes against scripted servers on real sockets: whatever they do, a call ends with
 * the right word, by its deadline, and the client is whole afterwards. Times are only
 * ever checked against bounds that a noisy machine keeps, too. */
#include "net/lane_sockets.h"
#include "test/tool/temporary.h"
#include "test/unit/name_peer.h"
#include "test/unit/net_kit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
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

/* ---- the system, counted and broken ------------------------------------------- */

static atomic_uint sys_calls; /* poll, send, recv of the thread under test */
static atomic_uint sys_sends; /* send alone */
static _Thread_local bool sys_counted;
static atomic_bool sys_sends_late;    /* each send comes when the peer is gone */
static _Thread_local int sys_last_fd; /* what this thread last received from */
static atomic_bool sys_no_sockets;    /* there is no memory for sockets */

int __real_poll(struct pollfd *, nfds_t, int);
int __wrap_poll(struct pollfd *, nfds_t, int);
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);
ssize_t __real_recv(int, void *, size_t, int);
ssize_t __wrap_recv(int, void *, size_t, int);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);

void *__wrap_calloc(size_t count, size_t size)
{
    bool page = count == REEF_SOCKET_PAGE && size == sizeof(reef_socket);
    return page && sys_no_sockets ? NULL : __real_calloc(count, size);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    sys_calls += sys_counted;
    return __real_poll(fds, count, timeout_ms);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    struct pollfd ended = {fd, 0, 0};
    if (sys_sends_late && sys_counted)
        __real_poll(&ended, 1, LONG_MS);
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

/* Where the system can, in one packet. */
static void news_and_an_end(peer_link *link)
{
    if (!peer_next(link) || !answer(link))
        return;
    peer_await(link, link->argument);
#ifdef TCP_CORK
    int on = 1;
    setsockopt(link->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
#endif
    peer_write(link, ">2\r\n+news\r\n:7\r\n");
    shutdown(link->fd, SHUT_RDWR);
}

/* News that came while nobody called hide the end of the stream behind them. */
static void an_end_behind_other_bytes_is_seen(void **state)
{
    atomic_bool told;
    (void)state;
    atomic_init(&told, false);
    peer *p = peer_start(news_and_an_end, &told, NULL);
    reef_client *client = open_peer(p);
    for (int i = 0; i < 8; i++) {
        reef_reply *reply = call(client, "INCR", "k", LONG_MS);
        assert_int_equal(reef_reply_code(reply), REEF_OK);
        reef_reply_free(reply);
        atomic_store(&told, true);
        struct pollfd news = {sys_last_fd, POLLIN, 0};
        assert_int_equal(__real_poll(&news, 1, LONG_MS), 1);
        /* On a system without TCP_CORK the end is a packet behind the news. */
        peer_pause(5);
        atomic_store(&told, false);
    }
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

static void without_memory_for_a_socket_there_is_no_connection(void **state)
{
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    reef_client *client = open_peer(p);
    sys_no_sockets = true;
    reef_reply *reply = call(client, "GET", "k", SHORT_MS);
    assert_int_equal(reef_reply_code(reply), REEF_CONNECT);
    assert_non_null(strstr(reef_reply_text(reply), "memory"));
    reef_reply_free(reply);
    sys_no_sockets = false;
    expect_text(client, "GET", "k", "k");
    assert_int_equal(peer_links(p), 1);
    reef_close(client);
    peer_stop(p);
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

/* The send fails, and the reason stands in the socket all the same. */
static void last_words_are_heard(void **state)
{
    char folder[TEMPORARY_PATH], path[TEMPORARY_INSIDE];
    reef_event event;
    (void)state;
    assert_true(temporary_folder(folder, "lane"));
    snprintf(path, sizeof path, "%s/socket", folder);
    peer *p = peer_start(turn_away, NULL, path);
    reef_config config = config_for(path, 0);
    reef_client *client = open_config(&config);
    sys_sends_late = sys_counted = true;
    for (int i = 0; i < 3; i++) {
        while (peer_links(p) <= (size_t)i)
            reef_tend(client);
        event.kind = REEF_EVENT_CONNECTED;
        while (event.kind != REEF_EVENT_FAILED) {
            reef_tend(client);
            reef_client_next_event(client, &event);
        }
        assert_non_null(strstr(event.text, "max number of clients"));
    }
    sys_sends_late = sys_counted = false;
    reef_close(client);
    peer_stop(p);
    rmdir(folder);
}

/* ---- what a call costs
 * -------------------------------------------------------------- */

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

/* ---- names -------------------------------------------------------------------- */

static void silent_name_servers_cost_no_more_than_the_deadline(void **state)
{
    (void)state;
    peer *p = peer_start(serve, NULL, NULL);
    name_peer *names = name_peer_start();
    reef_config config = config_for("somebody.test", peer_port(p));
    config.connect_timeout_ms = 100;
    name_peer_use(names, &config);
    size_t before = peer_descriptors();
    reef_client *client = open_config(&config);
    name_peer_silence(names, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(failure(client, "GET", SHORT_MS), REEF_DNS);
    assert_in_range(name_peer_asked(names), 1, 1000);
    name_peer_silence(names, false);
    expect_text(client, "GET", "found", "found");
    reef_close(client);

    /* Its questions are out while the client goes away. */
    name_peer_silence(names, true);
    client = open_config(&config);
    failure(client, "GET", SHORT_MS);
    reef_close(client);
    assert_int_equal(peer_descriptors(), before);
    name_peer_stop(names);
    peer_stop(p);
}

static void names_fail_with_their_own_code(void **state)
{
    (void)state;
    name_peer *names = name_peer_start();
    reef_config config = config_for("nobody.test", 6379);
    name_peer_use(names, &config);
    reef_client *client = open_config(&config);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_DNS);
    reef_close(client);
    name_peer_stop(names);
    /* Nobody listens there any more. */
    config = config_for("somebody.test", 6379);
    config.nameserver_count = 0;
    name_peer *gone = name_peer_start();
    name_peer_use(gone, &config);
    name_peer_stop(gone);
    client = open_config(&config);
    assert_int_equal(failure(client, "GET", SHORT_MS), REEF_DNS);
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
        cmocka_unit_test(an_end_behind_other_bytes_is_seen),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(without_memory_for_a_socket_there_is_no_connection),
        cmocka_unit_test(a_full_server_is_waited_out),
        cmocka_unit_test(last_words_are_heard),
        cmocka_unit_test(a_call_costs_four_system_calls),
        cmocka_unit_test(a_pipeline_travels_in_few_sends),
        cmocka_unit_test(large_values_pass_a_full_socket),
        cmocka_unit_test(silent_name_servers_cost_no_more_than_the_deadline),
        cmocka_unit_test(names_fail_with_their_own_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
