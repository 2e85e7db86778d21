/* SPDX-License-Identifier: Apache-2.0
 *
 * The system layer against the system itself: real sockets, files and signals. */
#include "net/os.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/tool/temporary.h"
#include "test/unit/net_peer.h"

enum { LONG_MS = 20000 };

/* ---- clocks and random bytes -------------------------------------------------- */

static void clocks_run_forward(void **state)
{
    int64_t last_ms = reef_now_ms();
    int64_t begin_ms = last_ms;
    (void)state;
    while (reef_now_ms() < begin_ms + 3) {
        assert_true(reef_now_ms() >= last_ms);
        last_ms = reef_now_ms();
    }
    /* After 2020 and before 2200. */
    assert_true(reef_unix_ns() > INT64_C(1577836800) * 1000000000);
    assert_true(reef_unix_ns() < INT64_C(7258118400) * 1000000000);
}

static void random_bytes_fill_everything(void **state)
{
    static unsigned char some[100000];
    size_t counts[256] = {0};
    unsigned char one[32], other[32];
    (void)state;
    assert_int_equal(reef_random_bytes(one, sizeof one), REEF_OK);
    assert_int_equal(reef_random_bytes(other, sizeof other), REEF_OK);
    assert_memory_not_equal(one, other, sizeof one);
    assert_int_equal(reef_random_bytes(one, 0), REEF_OK);
    assert_int_equal(reef_random_bytes(some, sizeof some), REEF_OK);
    for (size_t i = 0; i < sizeof some; i++)
        counts[some[i]]++;
    /* 391 of each are expected; 200 is ten standard deviations away. */
    for (size_t i = 0; i < 256; i++)
        assert_in_range(counts[i], 200, 600);
    assert_int_equal(reef_random_bytes(one, SIZE_MAX), REEF_REFUSED);
}

/* ---- channels and poll -------------------------------------------------------- */

static void assert_private(int fd)
{
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static bool readable(int fd, int64_t timeout_ms)
{
    struct pollfd one = {fd, POLLIN, 0};
    reef_os_poll(&one, 1, timeout_ms);
    return one.revents != 0;
}

static void a_channel_wakes_and_drains(void **state)
{
    int in = -1, out = -1;
    (void)state;
    assert_int_equal(reef_os_channel(&in, &out), 0);
    assert_private(in);
    assert_private(out);
    assert_false(readable(out, 0));
    reef_os_wake(in);
    assert_true(readable(out, LONG_MS));
    reef_os_drain(out);
    assert_false(readable(out, 0));
    /* Far more than it holds: the waker never blocks, and draining gets all of it. */
    for (int i = 0; i < 200000; i++)
        reef_os_wake(in);
    assert_true(readable(out, 0));
    reef_os_drain(out);
    assert_false(readable(out, 0));
    /* Nobody at the other end: no signal, no harm. */
    reef_os_close(out);
    reef_os_wake(in);
    reef_os_close(in);
    reef_os_close(-1);
}

/* What is in it shows through a poll of it, until it leaves. */
static void a_crowd_is_polled_as_one(void **state)
{
    enum { MEMBERS = 100 };
    int in[MEMBERS], out[MEMBERS];
    bool heard[MEMBERS] = {false};
    reef_os_news news[3];
    struct pollfd all = {reef_os_crowd(), POLLIN, 0};
    (void)state;
    if (all.fd < 0) /* no such system */
        return;
    assert_true((fcntl(all.fd, F_GETFD) & FD_CLOEXEC) != 0);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(reef_os_channel(&in[i], &out[i]), 0);
        assert_true(reef_os_crowd_join(all.fd, out[i], i, POLLIN));
    }
    assert_false(reef_os_crowd_join(all.fd, -1, 0, POLLIN));
    reef_os_poll(&all, 1, 0);
    assert_int_equal(all.revents, 0);
    assert_int_equal(reef_os_crowd_news(all.fd, news, 3), 0);
    for (int i = 10; i < 20; i++)
        reef_os_wake(in[i]);
    reef_os_poll(&all, 1, LONG_MS);
    assert_int_equal(all.revents, POLLIN);
    /* The others have their turn although nobody reads. */
    for (int round = 0; round < 4; round++) {
        size_t count = reef_os_crowd_news(all.fd, news, 3);
        assert_int_equal(count, 3);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(news[i].events, POLLIN);
            heard[news[i].who] = true;
        }
    }
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(heard[i], i >= 10 && i < 20);
    reef_os_crowd_change(all.fd, out[50], 77, POLLIN | POLLOUT);
    for (int i = 10; i < 20; i++)
        reef_os_crowd_leave(all.fd, out[i]);
    assert_int_equal(reef_os_crowd_news(all.fd, news, 3), 1);
    assert_int_equal(news[0].who, 77);
    assert_int_equal(news[0].events, POLLOUT);
    reef_os_close(in[50]);
    assert_int_equal(reef_os_crowd_news(all.fd, news, 3), 1);
    assert_true((news[0].events & POLLHUP) != 0);
    in[50] = -1;
    for (int i = 0; i < MEMBERS; i++) {
        reef_os_close(in[i]);
        reef_os_close(out[i]);
    }
    reef_os_close(all.fd);
}

static void on_alarm(int number)
{
    (void)number;
}

static void an_interrupted_poll_ends_early(void **state)
{
    struct sigaction action, before;
    struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    struct pollfd one = {-1, POLLIN, POLLERR};
    (void)state;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    reef_os_poll(&one, 1, 600000);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(one.revents, 0);
    reef_os_poll(&one, 1, -5);
    assert_int_equal(one.revents, 0);
}

/* ---- sockets ------------------------------------------------------------------ */

static reef_op target(const char *address, uint16_t port, bool local)
{
    reef_op op;
    memset(&op, 0, sizeof op);
    op.kind = REEF_OP_OPEN;
    op.local = local;
    op.port = port;
    snprintf(op.address, sizeof op.address, "%s", address);
    return op;
}

/* Connects, waiting as long as it takes: 0 or the errno. */
static int connect_to(const reef_op *op, int *fd)
{
    int error = reef_os_connect(op, 5000, fd);
    if (error == EINPROGRESS) {
        struct pollfd one = {*fd, POLLOUT, 0};
        reef_os_poll(&one, 1, LONG_MS);
        error = reef_os_connected(*fd);
        if (error != 0)
            reef_os_close(*fd);
    }
    return error;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void echo(peer_link *link)
{
    char bytes[4096];
    ssize_t len;
    while ((len = recv(link->fd, bytes, sizeof bytes, 0)) > 0)
        if (!peer_write_bytes(link, bytes, (size_t)len))
            return;
}

/* One word there and back, and the options that belong on the way. */
static void exchange(const reef_op *op, bool tcp)
{
    char back[16];
    int fd = -1, error = 0;
    assert_int_equal(connect_to(op, &fd), 0);
    assert_private(fd);
    if (tcp) {
        assert_true(option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
        assert_true(option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
#ifdef TCP_USER_TIMEOUT
        assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
#endif
    }
    assert_int_equal(reef_os_recv(fd, back, sizeof back, &error), 0);
    assert_int_equal(error, EAGAIN);
    assert_int_equal(reef_os_send(fd, reef_str_of("hello"), &error), 5);
    assert_int_equal(error, 0);
    assert_true(readable(fd, LONG_MS));
    assert_int_equal(reef_os_recv(fd, back, sizeof back, &error), 5);
    assert_memory_equal(back, "hello", 5);
    reef_os_shutdown(fd);
    assert_int_equal(reef_os_recv(fd, back, sizeof back, &error), 0);
    assert_int_equal(error, 0);
    reef_os_close(fd);
}

static void tcp_and_unix_sockets_connect(void **state)
{
    char path[TEMPORARY_PATH], name[TEMPORARY_INSIDE];
    (void)state;
    peer *p = peer_start(echo, NULL, NULL);
    reef_op op = target("127.0.0.1", peer_port(p), false);
    exchange(&op, true);
    peer_stop(p);
    assert_true(temporary_folder(path, "os"));
    snprintf(name, sizeof name, "%s/socket", path);
    p = peer_start(echo, NULL, name);
    op = target(name, 0, true);
    exchange(&op, false);
    peer_stop(p);
    rmdir(path);
}

static void what_can_not_be_reached_says_why(void **state)
{
    int fd = -1;
    char longest[REEF_NAME_MAX + 1];
    size_t before = peer_descriptors();
    (void)state;
    reef_op op = target("127.0.0.1", peer_closed_port(), false);
    assert_int_equal(connect_to(&op, &fd), ECONNREFUSED);
    op = target("/nonexistent/reef.socket", 0, true);
    assert_int_equal(connect_to(&op, &fd), ENOENT);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    op = target(longest, 0, true);
    assert_int_equal(connect_to(&op, &fd), ENAMETOOLONG);
    op = target("", 0, true);
    assert_int_equal(connect_to(&op, &fd), ENAMETOOLONG);
    const char *const bad[] = {"",
                               "localhost",
                               "127.1",
                               "1.2.3.4.5",
                               "::g",
                               "fe80::1%",
                               "fe80::1%no-such-interface",
                               "fe80::1%1x",
                               "fe80::1%0",
                               "fe80::1%4294967297",
                               "%lo",
                               longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        op = target(bad[i], 6379, false);
        assert_int_equal(connect_to(&op, &fd), EINVAL);
    }
    assert_int_equal(peer_descriptors(), before);
}

/* A link-local address is reached through the interface of that name or number. */
static void scopes_are_names_or_numbers(void **state)
{
    const char *const texts[] = {"::1%lo", "::1%1"};
    int fd = -1;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        reef_op op = target(texts[i], 9, false);
        op.datagram = true;
        int error = reef_os_connect(&op, 0, &fd);
        assert_int_not_equal(error, EINVAL);
        if (error == 0)
            reef_os_close(fd);
    }
}

/* Made on purpose here; by chance it happens to whoever keeps connecting to a port of
 * the ephemeral range whose server is down. */
static void a_socket_that_meets_itself_is_refused(void **state)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(reef_os_connected(fd), ECONNREFUSED);
    close(fd);
}

static void hang_up(peer_link *link)
{
    (void)link;
}

static void a_dead_peer_raises_no_signal(void **state)
{
    char back[16];
    int fd = -1, error = 0;
    (void)state;
    peer *p = peer_start(hang_up, NULL, NULL);
    reef_op op = target("127.0.0.1", peer_port(p), false);
    assert_int_equal(connect_to(&op, &fd), 0);
    assert_true(readable(fd, LONG_MS));
    assert_int_equal(reef_os_recv(fd, back, sizeof back, &error), 0);
    assert_int_equal(error, 0);
    /* The first send draws the reset, one after it fails; SIGPIPE would end us. */
    int64_t end_ms = reef_now_ms() + LONG_MS;
    while (error == 0 && reef_now_ms() < end_ms)
        reef_os_send(fd, reef_str_of("x"), &error);
    assert_true(error == EPIPE || error == ECONNRESET);
    reef_os_close(fd);
    peer_stop(p);
}

static void deaf(peer_link *link)
{
    peer_await(link, link->argument);
}

static void a_full_socket_says_so(void **state)
{
    static const char block[65536];
    atomic_bool over;
    int fd = -1, error = 0;
    (void)state;
    atomic_init(&over, false);
    peer *p = peer_start(deaf, &over, NULL);
    reef_op op = target("127.0.0.1", peer_port(p), false);
    assert_int_equal(connect_to(&op, &fd), 0);
    for (int i = 0; i < 100000 && error == 0; i++)
        reef_os_send(fd, (reef_str){block, sizeof block}, &error);
    assert_int_equal(error, EAGAIN);
    reef_os_close(fd);
    atomic_store(&over, true);
    peer_stop(p);
}

/* ---- files -------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void files_are_read_whole_or_not_at_all(void **state)
{
    char folder[TEMPORARY_PATH], path[TEMPORARY_INSIDE];
    size_t len = 0;
    int error = 0;
    (void)state;
    assert_true(temporary_folder(folder, "os"));
    snprintf(path, sizeof path, "%s/file", folder);
    assert_null(reef_os_read_file(path, &len, &error));
    assert_int_equal(error, ENOENT);
    assert_null(reef_os_read_file(folder, &len, &error));
    assert_int_equal(error, EISDIR);

    write_file(path, "127.0.0.1 here\n");
    char *text = reef_os_read_file(path, &len, &error);
    assert_int_equal(error, 0);
    assert_int_equal(len, 15);
    assert_string_equal(text, "127.0.0.1 here\n");
    free(text);

    assert_int_equal(truncate(path, REEF_OS_FILE_MAX), 0);
    text = reef_os_read_file(path, &len, &error);
    assert_non_null(text);
    assert_int_equal(len, REEF_OS_FILE_MAX);
    free(text);
    assert_int_equal(truncate(path, REEF_OS_FILE_MAX + 1), 0);
    assert_null(reef_os_read_file(path, &len, &error));
    assert_int_equal(error, EFBIG);
    unlink(path);

    /* Nobody writes into it: a reader that did not look first would hang. */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(reef_os_read_file(path, &len, &error));
    assert_int_equal(error, EINVAL);
    unlink(path);
    rmdir(folder);
}

static void a_file_that_changed_is_known(void **state)
{
    char folder[TEMPORARY_PATH], path[TEMPORARY_INSIDE];
    reef_os_stamp stamp = {0, 0, 0, 0};
    (void)state;
    assert_true(temporary_folder(folder, "os"));
    (void)snprintf(path, sizeof path, "%s/f", folder);
    assert_false(reef_os_file_changed(path, &stamp)); /* there is none, as before */
    write_file(path, "one");
    assert_true(reef_os_file_changed(path, &stamp));
    assert_false(reef_os_file_changed(path, &stamp));
    write_file(path, "three");
    assert_true(reef_os_file_changed(path, &stamp));
    assert_false(reef_os_file_changed(path, &stamp));
    unlink(path);
    assert_true(reef_os_file_changed(path, &stamp));
    assert_false(reef_os_file_changed(path, &stamp));
    rmdir(folder);
}

static void the_machine_has_a_name(void **state)
{
    char name[REEF_NAME_MAX + 1], small[2] = "x";
    (void)state;
    reef_os_host_name(name, sizeof name);
    assert_true(strlen(name) > 0);
    reef_os_host_name(small, sizeof small);
    assert_true(strlen(small) == 0 || strlen(name) == 1);
}

/* ---- datagrams ---------------------------------------------------------------- */

/* A datagram socket on loopback; its port. */
static int hearer(uint16_t *port)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void datagrams_keep_their_edges(void **state)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    char room[64];
    int fd = -1, error = 0;
    reef_op op = {.kind = REEF_OP_OPEN, .datagram = true, .address = "127.0.0.1"};
    (void)state;
    int server = hearer(&op.port);
    assert_int_equal(reef_os_connect(&op, 0, &fd), 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(reef_os_send(fd, reef_str_of("one"), &error), 3);
    assert_true(readable(server, LONG_MS));
    assert_int_equal(
        recvfrom(server, room, sizeof room, 0, (struct sockaddr *)&from, &from_len), 3);
    assert_int_equal(sendto(server, "", 0, 0, (struct sockaddr *)&from, from_len), 0);
    assert_int_equal(sendto(server, "three", 5, 0, (struct sockaddr *)&from, from_len),
                     5);
    assert_true(readable(fd, LONG_MS));
    assert_int_equal(reef_os_recv(fd, room, sizeof room, &error), 0);
    assert_int_equal(error, 0);
    assert_true(readable(fd, LONG_MS));
    assert_int_equal(reef_os_recv(fd, room, 3, &error), 3); /* the rest is lost */
    assert_int_equal(reef_os_recv(fd, room, sizeof room, &error), 0);
    assert_int_equal(error, EAGAIN);
    reef_os_close(fd);
    close(server);
}

/* Only the server is heard, and a port where nobody listens says so. */
static void datagrams_of_others_are_not_heard(void **state)
{
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    char room[8];
    int fd = -1, error = 0;
    uint16_t other;
    reef_op op = {.kind = REEF_OP_OPEN, .datagram = true, .address = "127.0.0.1"};
    (void)state;
    int server = hearer(&op.port), stranger = hearer(&other);
    assert_int_equal(reef_os_connect(&op, 0, &fd), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    assert_int_equal(sendto(stranger, "x", 1, 0, (struct sockaddr *)&own, sizeof own),
                     1);
    assert_int_equal(sendto(server, "y", 1, 0, (struct sockaddr *)&own, sizeof own), 1);
    assert_true(readable(fd, LONG_MS));
    assert_int_equal(reef_os_recv(fd, room, sizeof room, &error), 1);
    assert_int_equal(room[0], 'y');
    close(server);
    (void)reef_os_send(fd, reef_str_of("z"), &error);
    assert_true(readable(fd, LONG_MS));
    assert_int_equal(reef_os_recv(fd, room, sizeof room, &error), 0);
    assert_int_equal(error, ECONNREFUSED);
    reef_os_close(fd);
    close(stranger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run_forward),
        cmocka_unit_test(random_bytes_fill_everything),
        cmocka_unit_test(a_channel_wakes_and_drains),
        cmocka_unit_test(a_crowd_is_polled_as_one),
        cmocka_unit_test(an_interrupted_poll_ends_early),
        cmocka_unit_test(tcp_and_unix_sockets_connect),
        cmocka_unit_test(what_can_not_be_reached_says_why),
        cmocka_unit_test(a_socket_that_meets_itself_is_refused),
        cmocka_unit_test(scopes_are_names_or_numbers),
        cmocka_unit_test(a_dead_peer_raises_no_signal),
        cmocka_unit_test(a_full_socket_says_so),
        cmocka_unit_test(files_are_read_whole_or_not_at_all),
        cmocka_unit_test(a_file_that_changed_is_known),
        cmocka_unit_test(the_machine_has_a_name),
        cmocka_unit_test(datagrams_keep_their_edges),
        cmocka_unit_test(datagrams_of_others_are_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
