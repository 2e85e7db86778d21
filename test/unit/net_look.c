/* SPDX-License-Identifier: Apache-2.0
 *
 * net/look.c: names looked up over real sockets, of a small name server of the test's
 * own. */
#include "test/unit/resolve_kit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 30000, MANY = REEF_LOOK_TARGETS_MAX + 50, FORGED = 2000, TRIES = 200 };

/* ---- the name server ---------------------------------------------------------- */

typedef struct dns_peer {
    int udp, tcp, stop[2];
    uint16_t port;
    pthread_t thread;
} dns_peer;

static dns_peer peer;

static char many[MANY * 40]; /* targets, more than a look has room for */

static const char *peer_knows(const names_query *q, bool tcp)
{
    if (strcmp(q->name, "_s.test") == 0)
        return "@ 30 SRV 1 5 7001 r1.test; @ 40 SRV 2 6 7002 r2.test; @ 50 SRV 3 7 "
               "7003 "
               "none.test; +r1.test 30 A 10.0.0.1";
    if (strcmp(q->name, "_big.test") == 0)
        return tcp ? "tc; @ 30 SRV 1 5 7001 r1.test; +r1.test 30 A 10.0.0.1" : "tc";
    if (strcmp(q->name, "_many.test") == 0)
        return tcp ? many : "tc";
    if (strcmp(q->name, "m.test") == 0)
        return q->type == REEF_DNS_A ? "@ 0 A 10.0.0.3" : "rcode 3";
    if (strcmp(q->name, "alias.test") == 0)
        return "@ 30 CNAME r2.test";
    if (strcmp(q->name, "r2.test") == 0 || strcmp(q->name, "flood.test") == 0)
        return q->type == REEF_DNS_A ? "@ 20 A 10.0.0.2" : "@ 30 AAAA fd00::2";
    return "rcode 3";
}

static void peer_send(int fd, const names_message *m, const struct sockaddr_in *to)
{
    if (to != NULL)
        (void)sendto(fd, m->bytes, m->len, 0, (const struct sockaddr *)to, sizeof *to);
}

static void peer_udp(void)
{
    static names_message m;
    unsigned char bytes[512];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t len =
        recvfrom(peer.udp, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
    if (len <= 0)
        return;
    names_query q = names_query_read(bytes, (size_t)len);
    /* Forged ones are paced by what a socket's queue holds. */
    for (int i = 0; strcmp(q.name, "flood.test") == 0 && i < FORGED; i++) {
        names_build(&m, &q, "id; @ 9 A 6.6.6.6; @ 9 AAAA 6666::6");
        peer_send(peer.udp, &m, &from);
        if (i % 50 == 49)
            (void)poll(NULL, 0, 1);
    }
    names_build(&m, &q, peer_knows(&q, false));
    peer_send(peer.udp, &m, &from);
}

static void peer_tcp(void)
{
    static names_message m;
    unsigned char bytes[512];
    int fd = accept(peer.tcp, NULL, NULL);
    size_t got = 0;
    while (fd >= 0 && (got < 2 || got < 2U + bytes[1])) {
        ssize_t len = recv(fd, bytes + got, sizeof bytes - got, 0);
        if (len <= 0)
            break;
        got += (size_t)len;
    }
    if (got > 2) {
        names_query q = names_query_read(bytes + 2, got - 2);
        names_build(&m, &q, peer_knows(&q, true));
        unsigned char prefix[2] = {(unsigned char)(m.len >> 8), (unsigned char)m.len};
        (void)send(fd, prefix, sizeof prefix, MSG_NOSIGNAL);
        (void)send(fd, m.bytes, m.len, MSG_NOSIGNAL);
    }
    close(fd);
}

static void *peer_run(void *argument)
{
    (void)argument;
    for (;;) {
        struct pollfd watched[] = {{.fd = peer.stop[0], .events = POLLIN},
                                   {.fd = peer.udp, .events = POLLIN},
                                   {.fd = peer.tcp, .events = POLLIN}};
        (void)poll(watched, 3, -1);
        if (watched[0].revents != 0)
            return NULL;
        if (watched[1].revents != 0)
            peer_udp();
        if (watched[2].revents != 0)
            peer_tcp();
    }
}

/* A socket of this machine; its port. */
static int bound(int type, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, type, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static int peer_start(void **state)
{
    (void)state;
    peer.tcp = -1;
    for (int i = 0; i < 50 && peer.tcp < 0; i++) {
        peer.port = 0;
        peer.udp = bound(SOCK_DGRAM, &peer.port);
        peer.tcp = bound(SOCK_STREAM, &peer.port);
        if (peer.tcp < 0)
            close(peer.udp);
    }
    return peer.tcp < 0 || listen(peer.tcp, 16) != 0 || pipe(peer.stop) != 0 ||
           pthread_create(&peer.thread, NULL, peer_run, NULL) != 0;
}

static int peer_stop(void **state)
{
    (void)state;
    (void)!write(peer.stop[1], "s", 1);
    pthread_join(peer.thread, NULL);
    close(peer.udp);
    close(peer.tcp);
    close(peer.stop[0]);
    close(peer.stop[1]);
    return 0;
}

/* ---- looking up --------------------------------------------------------------- */

static reef_config config_of(const uint16_t ports[], uint32_t count)
{
    reef_config config;
    reef_config_init(&config);
    config.nameserver_count = count;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(config.nameservers[i].address, sizeof config.nameservers[i].address,
                 "127.0.0.1");
        config.nameservers[i].port = ports[i];
    }
    return config;
}

static reef_look *look_at(const reef_config *config, const char *name, bool srv,
                          int64_t timeout_ms)
{
    reef_host host = {.kind = srv ? REEF_HOST_SRV : REEF_HOST_TCP, .port = 6379};
    snprintf(host.name, sizeof host.name, "%s", name);
    reef_look *look = reef_look_up(config, &host, timeout_ms);
    assert_non_null(look);
    return look;
}

static reef_look *look_up(const char *name, bool srv)
{
    reef_config config = config_of(&peer.port, 1);
    return look_at(&config, name, srv, LONG_MS);
}

static void test_service(void **state)
{
    (void)state;
    reef_look *look = look_up("_s.test", true);
    assert_int_equal(look->code, REEF_OK);
    assert_string_equal(look->source, "dns");
    assert_string_equal(look->why, "");
    assert_int_equal(look->target_count, 3);
    assert_int_equal(look->targets_dropped, 0);
    const reef_look_target *t = look->targets;
    assert_string_equal(t[0].name, "r1.test");
    assert_true(t[0].glue && t[0].address_count == 1 && t[0].port == 7001);
    assert_string_equal(t[0].addresses[0], "10.0.0.1");
    assert_string_equal(t[1].name, "r2.test");
    assert_true(!t[1].glue && t[1].address_count == 2 && t[1].ttl == 40);
    assert_string_equal(t[1].addresses[0], "10.0.0.2");
    assert_string_equal(t[1].addresses[1], "fd00::2");
    assert_string_equal(t[2].name, "none.test");
    assert_int_equal(t[2].address_count, 0);
    assert_non_null(strstr(t[2].why, "says that none.test does not exist"));
    assert_in_range(look->step_count, 4, 5);
    assert_string_equal(look->steps[0].type, "SRV");
    assert_string_equal(look->steps[0].outcome, "ok");
    assert_int_equal(look->steps[0].records, 3);
    reef_look_free(look);
}

static void test_truncated(void **state)
{
    (void)state;
    reef_look *look = look_up("_big.test", true);
    assert_int_equal(look->code, REEF_OK);
    assert_true(look->partial);
    assert_int_equal(look->step_count, 2);
    assert_string_equal(look->steps[0].outcome, "truncated");
    assert_true(look->steps[1].tcp);
    assert_string_equal(look->targets[0].addresses[0], "10.0.0.1");
    reef_look_free(look);
}

static void test_plain(void **state)
{
    (void)state;
    reef_look *look = look_up("alias.test", false);
    assert_int_equal(look->code, REEF_OK);
    assert_int_equal(look->target_count, 1);
    assert_string_equal(look->targets[0].name, "alias.test");
    assert_int_equal(look->targets[0].port, 6379);
    assert_int_equal(look->targets[0].address_count, 2);
    assert_int_equal(look->targets[0].ttl, 20);
    assert_int_equal(look->step_count, 4);
    assert_string_equal(look->steps[0].outcome, "cname");
    assert_string_equal(look->steps[0].text, "r2.test");
    reef_look_free(look);
}

static void test_forged(void **state)
{
    (void)state;
    reef_look *look = look_up("flood.test", false);
    assert_int_equal(look->code, REEF_OK);
    assert_int_equal(look->targets[0].address_count, 2);
    assert_string_equal(look->targets[0].addresses[0], "10.0.0.2");
    assert_string_equal(look->targets[0].addresses[1], "fd00::2");
    assert_true(look->ignored > FORGED / 10);
    reef_look_free(look);
}

static void test_no_such_name(void **state)
{
    (void)state;
    char expected[REEF_ERROR_TEXT];
    reef_look *look = look_up("nope.test", true);
    assert_int_equal(look->code, REEF_DNS);
    snprintf(expected, sizeof expected,
             "no such name: 127.0.0.1:%u says that nope.test does not exist",
             (unsigned)peer.port);
    assert_string_equal(look->why, expected);
    assert_int_equal(look->target_count, 0);
    reef_look_free(look);
    look = look_up("nope.test", false);
    assert_int_equal(look->target_count, 1);
    assert_string_equal(look->targets[0].why, expected);
    reef_look_free(look);
}

static void test_without_servers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *address;
    } cases[] = {{"10.1.2.3", "address", "10.1.2.3"},
                 {"fd00::3", "address", "fd00::3"},
                 {"x.localhost", "hosts file", "127.0.0.1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_look *look = look_up(cases[i].name, false);
        assert_int_equal(look->code, REEF_OK);
        assert_string_equal(look->source, cases[i].source);
        assert_string_equal(look->targets[0].addresses[0], cases[i].address);
        assert_int_equal(look->step_count, 0);
        reef_look_free(look);
    }
    reef_host local = {.kind = REEF_HOST_UNIX, .name = "/run/redis.sock"};
    reef_config config = config_of(&peer.port, 1);
    reef_look *look = reef_look_up(&config, &local, 0);
    assert_non_null(look);
    assert_int_equal(look->code, REEF_OK);
    assert_string_equal(look->targets[0].name, "/run/redis.sock");
    reef_look_free(look);
    reef_look_free(NULL);
}

static void test_closed_port_then_a_good_one(void **state)
{
    (void)state;
    uint16_t ports[2] = {0, peer.port};
    int fd = bound(SOCK_DGRAM, &ports[0]);
    close(fd);
    reef_config config = config_of(ports, 2);
    reef_look *look = look_at(&config, "_s.test", true, LONG_MS);
    assert_int_equal(look->code, REEF_OK);
    assert_string_equal(look->steps[0].outcome, "unreachable");
    assert_string_equal(look->steps[0].text,
                        "connection refused: nothing listens there");
    assert_string_equal(look->steps[1].outcome, "ok");
    reef_look_free(look);
}

static void test_silent_first_server(void **state)
{
    (void)state;
    uint16_t ports[2] = {0, peer.port};
    int fd = bound(SOCK_DGRAM, &ports[0]);
    reef_config config = config_of(ports, 2);
    reef_look *look = look_at(&config, "_big.test", true, LONG_MS);
    assert_int_equal(look->code, REEF_OK);
    assert_true(look->took_ms >= REEF_HEDGE_MS);
    assert_int_equal(look->step_count, 3);
    assert_string_equal(look->steps[2].outcome, "dropped");
    reef_look_free(look);
    look = look_at(&config, "none.test", true, LONG_MS);
    assert_int_equal(look->code, REEF_DNS);
    reef_look_free(look);
    config.nameserver_count = 1;
    look = look_at(&config, "_s.test", true, 60);
    assert_int_equal(look->code, REEF_DNS);
    assert_true(look->took_ms >= 60);
    assert_non_null(strstr(look->why, "no answer about _s.test from 127.0.0.1:"));
    assert_int_equal(look->step_count, 1);
    assert_string_equal(look->steps[0].outcome, "silent");
    reef_look_free(look);
    config.connect_timeout_ms = 40;
    look = look_at(&config, "_s.test", true, 0);
    assert_true(look->took_ms >= 40);
    assert_int_equal(look->code, REEF_DNS);
    reef_look_free(look);
    close(fd);
}

/* Those for which there is no room are not asked for. */
static void test_more_targets_than_room(void **state)
{
    (void)state;
    size_t len = 0;
    for (unsigned i = 0; i < MANY; i++)
        len += (size_t)snprintf(many + len, sizeof many - len,
                                "@ 30 SRV 1 1 %u m.test;", 1000 + i);
    reef_look *look = look_up("_many.test", true);
    assert_int_equal(look->code, REEF_OK);
    assert_int_equal(look->target_count, REEF_LOOK_TARGETS_MAX);
    assert_int_equal(look->targets_dropped, MANY - REEF_LOOK_TARGETS_MAX);
    assert_in_range(look->step_count + look->steps_dropped, REEF_LOOK_TARGETS_MAX,
                    2 * (REEF_LOOK_TARGETS_MAX + 2));
    assert_string_equal(look->targets[REEF_LOOK_TARGETS_MAX - 1].addresses[0],
                        "10.0.0.3");
    reef_look_free(look);
}

static void test_all_the_time_there_is(void **state)
{
    (void)state;
    reef_config config = config_of(&peer.port, 1);
    reef_look *look = look_at(&config, "_s.test", true, INT64_MAX);
    assert_int_equal(look->code, REEF_OK);
    reef_look_free(look);
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

static void test_no_descriptor_is_left(void **state)
{
    (void)state;
    unsigned before = descriptors();
    for (int i = 0; i < TRIES; i++)
        reef_look_free(look_up(i % 2 ? "none.test" : "_s.test", true));
    assert_int_equal(descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_no_such_name),
        cmocka_unit_test(test_without_servers),
        cmocka_unit_test(test_closed_port_then_a_good_one),
        cmocka_unit_test(test_silent_first_server),
        cmocka_unit_test(test_more_targets_than_room),
        cmocka_unit_test(test_all_the_time_there_is),
        cmocka_unit_test(test_no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}
