/* SPDX-License-Identifier: Apache-2.0
 *
 * Names by the system's own settings: resolv.conf and the hosts file as they are read
 * from their places, and read again when they have changed.
 *
 * The program moves into a network and a file system view of its own, where these
 * files are its own and port 53 of loopback is free. Nothing outside sees any of it.
 * Where the system does not let it do that, the tests are skipped. */
#define _GNU_SOURCE
#include "test/live/check.h"
#include "test/live/dns_server.h"
#include "test/tool/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { SYSTEM_PORT = 53, SYSTEM_QUICK_MS = 2000 };

static const char *system_refused; /* why the tests can't be run; NULL: they can */
static char system_resolv[TEMPORARY_PATH], system_hosts[TEMPORARY_PATH];

/* ---- a world of its own ------------------------------------------------------- */

static void system_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        fail_msg("can't write %s: %s", path, strerror(errno));
    }
    close(fd);
}

static bool system_try_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* Who is not root may be it in a world of his own. */
static bool system_leave(void)
{
    char map[32];
    unsigned uid = (unsigned)getuid(), gid = (unsigned)getgid();
    if (uid == 0) {
        return unshare(CLONE_NEWNS | CLONE_NEWNET) == 0;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) ||
        !system_try_write("/proc/self/setgroups", "deny")) {
        return false;
    }
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!system_try_write("/proc/self/uid_map", map)) {
        return false;
    }
    snprintf(map, sizeof map, "0 %u 1", gid);
    return system_try_write("/proc/self/gid_map", map);
}

static bool system_raise_loopback(void)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good;
    snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    good = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    good = good && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* Puts a file of its own in the place of `path`. */
static bool system_replace(const char *path, char own[TEMPORARY_PATH])
{
    int fd = temporary_file(own, "system");
    if (fd < 0) {
        return false;
    }
    close(fd);
    return mount(own, path, NULL, MS_BIND, NULL) == 0;
}

static void system_enter(void)
{
    if (!system_leave()) {
        system_refused = "no namespaces";
    } else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        system_refused = "no private mounts";
    } else if (!system_raise_loopback()) {
        system_refused = "no loopback";
    } else if (!system_replace("/etc/resolv.conf", system_resolv) ||
               !system_replace("/etc/hosts", system_hosts)) {
        system_refused = "no mounts over files";
    }
}

static void system_exit(void)
{
    if (*system_resolv) {
        unlink(system_resolv);
    }
    if (*system_hosts) {
        unlink(system_hosts);
    }
}

static void system_check(void)
{
    if (system_refused) {
        print_message("    skipped: %s here\n", system_refused);
        skip();
    }
}

/* ---- looking up --------------------------------------------------------------- */

static const char system_records[] = "redis SRV 0 0 6379 node1\n"
                                     "node1 A 127.0.0.1\n"
                                     "a.b A 127.0.0.4\n"
                                     "redis.service.consul. SRV 0 0 6380 node1.test.\n";

/* The last kind: dnsmasq asks for more than who is root in such a world has. */
static reef_live_dns *system_serve(void)
{
    reef_live_dns_kind kinds[REEF_LIVE_DNS_KINDS];
    size_t count = reef_live_dns_find(kinds);
    return reef_live_dns_start_on(&kinds[count - 1], SYSTEM_PORT, system_records, 30);
}

static reef_look *system_look(const char *host)
{
    static reef_config config;
    reef_look *look;
    reef_live_dns_config(host, &config);
    look = reef_look_up(&config, &config.hosts[0], 0);
    assert_non_null(look);
    return look;
}

/* The host is found at the place named, by the source named. */
static void system_finds(const char *host, const char *target, const char *address,
                         const char *source)
{
    reef_look *look = system_look(host);
    if (look->code != REEF_OK || look->target_count != 1 ||
        look->targets[0].address_count == 0) {
        fail_msg("%s: %s", host, look->why);
    }
    assert_string_equal(look->targets[0].name, target);
    assert_string_equal(look->targets[0].addresses[0], address);
    assert_string_equal(look->source, source);
    assert_true(look->took_ms < SYSTEM_QUICK_MS);
    reef_look_free(look);
}

static void system_finds_not(const char *host, const char *part)
{
    reef_look *look = system_look(host);
    assert_int_equal(look->code, REEF_DNS);
    if (!strstr(look->why, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, look->why);
    }
    assert_true(look->took_ms < SYSTEM_QUICK_MS);
    reef_look_free(look);
}

static void test_search(void **state)
{
    reef_live_dns *dns;
    (void)state;
    system_check();
    system_write(system_hosts, "");
    dns = system_serve();
    system_write(system_resolv, "nameserver 127.0.0.1\nsearch service.consul test\n");
    system_finds("srv+redis.test", "node1.test", "127.0.0.1", "dns");
    system_finds("srv+redis.test.", "node1.test", "127.0.0.1", "dns");
    system_finds("srv+redis", "node1.test", "127.0.0.1", "dns"); /* in consul */
    system_finds_not("srv+redis.", "redis");
    system_finds_not("srv+nothing", "nothing");
    /* Names with fewer dots than that are first looked for in the list. */
    system_write(system_resolv,
                 "nameserver 127.0.0.1\nsearch test\noptions ndots:3 timeout:1\n");
    system_finds("srv+redis", "node1.test", "127.0.0.1", "dns");
    system_finds("srv+redis.service.consul", "node1.test", "127.0.0.1", "dns");
    system_finds("a.b", "a.b", "127.0.0.4", "dns");
    /* Over TCP alone, and by way of IPv6. */
    system_write(system_resolv, "nameserver 127.0.0.1\noptions use-vc\n");
    system_finds("srv+redis.test", "node1.test", "127.0.0.1", "dns");
    if (reef_live_has_ipv6()) {
        system_write(system_resolv, "nameserver ::1\n");
        system_finds("srv+redis.test", "node1.test", "127.0.0.1", "dns");
    }
    /* No line at all is this machine. */
    system_write(system_resolv, "");
    system_finds("srv+redis.test", "node1.test", "127.0.0.1", "dns");
    reef_live_dns_free(dns);
}

static void test_hosts_file(void **state)
{
    (void)state;
    system_check();
    system_write(system_resolv, "nameserver 127.0.0.1\n");
    system_write(system_hosts, "# ours\n127.0.0.9\tnode.local  Redis.Local\n");
    system_finds("redis.local", "redis.local", "127.0.0.9", "hosts file");
    system_finds("NODE.LOCAL.", "NODE.LOCAL.", "127.0.0.9", "hosts file");
    system_finds("localhost", "localhost", "127.0.0.1", "hosts file");
    /* No server on port 53 now. */
    system_finds_not("other.local", "127.0.0.1:53");
    system_finds_not("srv+redis.local", "redis.local");
}

static void test_first_is_silent(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(SYSTEM_PORT)};
    reef_live_dns *dns;
    int fd;
    (void)state;
    system_check();
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    dns = system_serve();
    system_write(system_resolv, "nameserver 127.0.0.2\nnameserver 127.0.0.1\n");
    system_finds("srv+redis.test", "node1.test", "127.0.0.1", "dns");
    system_write(system_resolv, "nameserver 127.0.0.3\nnameserver 127.0.0.1\n");
    system_finds("srv+redis.test", "node1.test", "127.0.0.1", "dns");
    reef_live_dns_free(dns);
    close(fd);
}

/* ---- files that change -------------------------------------------------------- */

/* A client that was opened before them sees them, too: a few seconds later. */
static void system_change(const reef_live_kind *kind)
{
    static reef_config config;
    reef_live_server *server = reef_live_start(kind, NULL);
    char host[64];
    reef_client *client;
    system_write(system_resolv, "nameserver 127.0.0.3\n");
    system_write(system_hosts, "");
    snprintf(host, sizeof host, "redis.local:%u", (unsigned)server->port);
    reef_live_dns_config(host, &config);
    client = reef_live_client(&config);
    reef_live_fails(reef_live_call(client, "PING", 50), REEF_DNS, "redis.local");
    system_write(system_hosts, "127.0.0.1 redis.local\n");
    reef_live_is(reef_live_call(client, "PING", REEF_LIVE_WAIT_MS), "PONG");
    reef_close(client);
    reef_live_free(server);
}

static void test_change(void **state)
{
    reef_live_kind kinds[REEF_LIVE_KINDS];
    (void)state;
    system_check();
    reef_live_find(kinds);
    system_change(&kinds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_hosts_file),
        cmocka_unit_test(test_first_is_silent),
        cmocka_unit_test(test_change),
    };
    int failed;
    system_enter();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    system_exit();
    return failed;
}
