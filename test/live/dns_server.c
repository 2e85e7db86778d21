/* SPDX-License-Identifier: Apache-2.0
 *
 * Real DNS servers for tests. What they are asked here is asked over a socket of this
 * file's own. What they are told is in dns_records.c.
 *
 * Each set of records carries a TXT record that no other server and no earlier set has.
 * A server counts as ready, and a change as made, once it answers with that. */
#include "test/live/dns_server.h"
#include "config/host.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

enum { DNS_START_TRIES = 20 }; /* ports tried when another server was faster */

/* ---- kinds -------------------------------------------------------------------- */

size_t reef_live_dns_find(reef_live_dns_kind out[REEF_LIVE_DNS_KINDS])
{
    static const char *const names[] = {"dnsmasq", "nsd", "knotd"};
    const char *ci = getenv("CI");
    size_t count = 0;
    for (size_t i = 0; i < REEF_LIVE_DNS_KINDS; i++) {
        reef_live_dns_kind *kind = &out[count];
        if (reef_live_find_in(getenv("PATH"), names[i], kind->binary) ||
            reef_live_find_in("/usr/sbin", names[i], kind->binary)) {
            snprintf(kind->name, sizeof kind->name, "%s", names[i]);
            kind->brand = (reef_live_dns_brand)i;
            count++;
        } else if (ci && *ci) {
            fail_msg("CI wants every DNS server; %s is not there", names[i]);
        }
    }
    if (count == 0) {
        fail_msg("neither dnsmasq nor nsd nor knotd is there");
    }
    return count;
}

void reef_live_dns_each(void (*body)(const reef_live_dns_kind *))
{
    reef_live_dns_kind kinds[REEF_LIVE_DNS_KINDS];
    size_t count = reef_live_dns_find(kinds);
    for (size_t i = 0; i < count; i++) {
        print_message("  with %s\n", kinds[i].name);
        body(&kinds[i]);
    }
}

/* ---- ports -------------------------------------------------------------------- */

static struct sockaddr_in dns_place(uint16_t port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return place;
}

uint16_t reef_live_dns_port(void)
{
    return reef_live_port();
}

int reef_live_dns_silent(uint16_t *port)
{
    struct sockaddr_in place = dns_place(0);
    socklen_t len = sizeof place;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&place, sizeof place) ||
        getsockname(fd, (struct sockaddr *)&place, &len)) {
        fail_msg("no socket that says nothing: %s", strerror(errno));
    }
    *port = ntohs(place.sin_port);
    return fd;
}

/* ---- readiness ---------------------------------------------------------------- */

/* Asks for the TXT record of a name; how many bytes came into `answer`. */
static size_t dns_ask(uint16_t port, const unsigned char *query, size_t len,
                      char answer[512])
{
    const struct timeval patience = {.tv_sec = 0, .tv_usec = 200000};
    struct sockaddr_in place = dns_place(port);
    ssize_t got = -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&place, sizeof place) == 0 &&
        send(fd, query, len, 0) > 0) {
        got = recv(fd, answer, 512, 0);
    }
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* True when both zones are those that it was given last. */
static bool dns_knows(const void *asked)
{
    static const unsigned char queries[2][32] = {
        "\x52\x46\1\0\0\1\0\0\0\0\0\0\5ready\4test\0\0\x10\0\1",
        "\x52\x46\1\0\0\1\0\0\0\0\0\0\5ready\6consul\0\0\x10\0\1"};
    static const size_t lens[2] = {28, 30};
    const reef_live_dns *server = asked;
    char mark[REEF_LIVE_DNS_MARK], answer[512];
    size_t known = 0;
    reef_live_dns_mark(server, mark);
    for (size_t i = 0; i < 2; i++) {
        size_t got = dns_ask(server->port, queries[i], lens[i], answer);
        bool found = false;
        for (size_t at = 0; !found && at + strlen(mark) <= got; at++) {
            found = memcmp(answer + at, mark, strlen(mark)) == 0;
        }
        known += found;
    }
    return known == 2;
}

/* False when the process ended before it answered. */
static bool dns_ready(reef_live_dns *server)
{
    bool ready = reef_live_await(&server->pid, dns_knows, server);
    if (!ready && server->pid) {
        reef_live_show_log(server->folder);
        fail_msg("%s on port %u does not answer", server->kind.name, server->port);
    }
    return ready;
}

/* ---- the fixture -------------------------------------------------------------- */

static void dns_spawn(reef_live_dns *server)
{
    char config[REEF_LIVE_PATH + 32], log[REEF_LIVE_PATH + 32];
    char flag[] = "-c", stay[] = "-d", keep[] = "-k", file[] = "-C";
    char *nsd[] = {server->kind.binary, stay, flag, config, NULL};
    char *knotd[] = {server->kind.binary, flag, config, NULL};
    char *dnsmasq[] = {server->kind.binary, keep, file, config, NULL};
    char **const argv[] = {dnsmasq, nsd, knotd};
    snprintf(config, sizeof config, "%s/server.conf", server->folder);
    snprintf(log, sizeof log, "%s/log", server->folder);
    server->pid = reef_live_spawn(argv[server->kind.brand], log);
}

/* Asks it to end, so that it ends its own children, and then ends all that is left. */
static void dns_end(reef_live_dns *server)
{
    reef_live_finish(&server->pid, SIGTERM);
}

static void dns_release(void *server)
{
    reef_live_dns_free(server);
}

static reef_live_dns *dns_new(const reef_live_dns_kind *kind)
{
    reef_live_dns *server = reef_live_remember(sizeof *server, dns_release);
    server->kind = *kind;
    reef_live_make_folder(server->folder, false);
    return server;
}

static void dns_fail_to_start(const reef_live_dns *server)
{
    reef_live_show_log(server->folder);
    fail_msg("%s does not start", server->kind.binary);
}

static bool dns_try(reef_live_dns *server, uint16_t port, const char *records,
                    unsigned ttl_s)
{
    server->port = port;
    reef_live_dns_write(server, records, ttl_s);
    dns_spawn(server);
    return dns_ready(server);
}

reef_live_dns *reef_live_dns_start_on(const reef_live_dns_kind *kind, uint16_t port,
                                      const char *records, unsigned ttl_s)
{
    reef_live_dns *server = dns_new(kind);
    if (!dns_try(server, port, records, ttl_s)) {
        dns_fail_to_start(server);
    }
    return server;
}

reef_live_dns *reef_live_dns_start(const reef_live_dns_kind *kind, const char *records,
                                   unsigned ttl_s)
{
    reef_live_dns *server = dns_new(kind);
    for (int i = 0; i < DNS_START_TRIES; i++) {
        if (dns_try(server, reef_live_dns_port(), records, ttl_s)) {
            return server;
        }
    }
    dns_fail_to_start(server);
    return NULL;
}

void reef_live_dns_change(reef_live_dns *server, const char *records, unsigned ttl_s)
{
    bool again = server->kind.brand == REEF_LIVE_DNSMASQ;
    if (again) {
        dns_end(server);
    }
    reef_live_dns_write(server, records, ttl_s);
    if (again) {
        dns_spawn(server);
    } else {
        kill(server->pid, SIGHUP);
    }
    if (!dns_ready(server)) {
        reef_live_show_log(server->folder);
        fail_msg("%s ended as its records changed", server->kind.name);
    }
}

void reef_live_dns_free(reef_live_dns *server)
{
    if (!server) {
        return;
    }
    dns_end(server);
    reef_live_remove_folder(server->folder);
    reef_live_forget(server);
}

/* ---- configs ------------------------------------------------------------------ */

void reef_live_dns_config(const char *host, reef_config *out)
{
    const char *why;
    reef_config_init(out);
    out->enabled = true;
    out->host_count = 1;
    why = reef_host_parse(&out->hosts[0], reef_str_of(host));
    if (why) {
        fail_msg("\"%s\": %s", host, why);
    }
}

void reef_live_dns_use(reef_config *config, const char *domain, const char *address,
                       uint16_t port)
{
    reef_nameserver *server = &config->nameservers[config->nameserver_count++];
    memset(server, 0, sizeof *server);
    server->port = port;
    snprintf(server->address, sizeof server->address, "%s", address);
    snprintf(server->domain, sizeof server->domain, "%s", domain);
}
