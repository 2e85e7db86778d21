/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a look-up takes: of a service (SRV records) against libc's res_nquery, of an
 * address (A and AAAA) against getaddrinfo, side by side in one run and by the same
 * server of its own on loopback. Each side starts from nothing each time: no cache, and
 * of reef's the files are read, too. The middle one of many runs counts, the slowest is
 * beside it. --json prints the same as one array. Exit 1 when a target is missed.
 *
 * What is silent is a socket that nobody reads; what is closed, a port that nobody has.
 * There a second server is the one that answers. */
#include "net/net.h"
#include "test/bench/names_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NAMES_RUNS = 301, NAMES_SLOW_RUNS = 3, NAMES_US_PER_MS = 1000 };

typedef struct names_case {
    const char *name; /* of the row */
    const char *ask;
    bool found;
    bool silent, closed; /* what the first server is, when there are two */
    int target_ms;       /* of reef; 0: one question for a look-up, and no more */
    int runs, libc_runs;
} names_case;

static const names_case names_cases[] = {
    {"found", "found.test", true, false, false, 0, NAMES_RUNS, NAMES_RUNS},
    {"no such name", "gone.test", false, false, false, 0, NAMES_RUNS, NAMES_RUNS},
    {"no data", "empty.test", false, false, false, 0, NAMES_RUNS, NAMES_RUNS},
    {"first is closed", "found.test", true, false, true, 5, NAMES_RUNS, NAMES_RUNS},
    {"first is silent", "found.test", true, true, false, 300, NAMES_SLOW_RUNS, 1}};

typedef struct names_time {
    double middle_us, most_us;
    double asked; /* questions that the server got for one look-up */
} names_time;

static uint16_t names_port, names_silent_port, names_closed_port;
static reef_config names_config;
static struct __res_state names_libc;
static bool names_json;

static void names_die(const char *why)
{
    fprintf(stderr, "bench_names: %s\n", why);
    exit(1);
}

static double names_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- the four ways ------------------------------------------------------------ */

static bool names_reef(const names_case *c, reef_host_kind kind)
{
    reef_host *host = &names_config.hosts[0];
    host->kind = kind;
    host->port = 6379;
    snprintf(host->name, sizeof host->name, "%s", c->ask);
    reef_look *look = reef_look_up(&names_config, host, 0);
    bool found = look && look->code == REEF_OK;
    if (found != c->found)
        names_die(look ? look->why : "memory is out");
    reef_look_free(look);
    return found;
}

static bool names_reef_srv(const names_case *c)
{
    return names_reef(c, REEF_HOST_SRV);
}

static bool names_reef_address(const names_case *c)
{
    return names_reef(c, REEF_HOST_TCP);
}

static bool names_libc_srv(const names_case *c)
{
    unsigned char answer[1500];
    return res_nquery(&names_libc, c->ask, ns_c_in, ns_t_srv, answer,
                      (int)sizeof answer) > 0;
}

/* The name ends with a dot, so that no search list comes into it. */
static bool names_libc_address(const names_case *c)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char name[64];
    snprintf(name, sizeof name, "%s.", c->ask);
    bool found = getaddrinfo(name, "6379", &hints, &list) == 0;
    if (found)
        freeaddrinfo(list);
    return found;
}

static const struct {
    const char *name;
    bool reef;
    unsigned questions;
    bool (*look)(const names_case *);
} names_ways[] = {{"reef srv", true, 1, names_reef_srv},
                  {"res_nquery", false, 1, names_libc_srv},
                  {"reef name", true, 2, names_reef_address},
                  {"getaddrinfo", false, 2, names_libc_address}};

enum { NAMES_WAYS = sizeof names_ways / sizeof *names_ways };

/* ---- measuring ---------------------------------------------------------------- */

static void names_libc_servers(res_state state, const uint16_t ports[], int count)
{
    if (state->options == 0 && res_ninit(state) != 0)
        names_die("libc has no resolver");
    state->nscount = count;
    for (int i = 0; i < count; i++) {
        state->nsaddr_list[i] =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(ports[i])};
        state->nsaddr_list[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
}

static void names_prepare(const names_case *c)
{
    uint16_t ports[2] = {c->silent ? names_silent_port : names_closed_port, names_port};
    bool two = c->silent || c->closed;
    reef_config_init(&names_config);
    names_config.nameserver_count = two ? 2 : 1;
    for (uint32_t i = 0; i < names_config.nameserver_count; i++) {
        reef_nameserver *server = &names_config.nameservers[i];
        server->port = ports[two ? i : 1];
        snprintf(server->address, sizeof server->address, "127.0.0.1");
    }
    names_libc_servers(&names_libc, ports + !two, two ? 2 : 1);
    /* What getaddrinfo uses. */
    if (res_init() != 0)
        names_die("libc has no resolver");
    names_libc_servers(&_res, ports + !two, two ? 2 : 1);
}

static int names_order(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static names_time names_measure(const names_case *c, int way)
{
    double took[NAMES_RUNS];
    int runs = names_ways[way].reef ? c->runs : c->libc_runs;
    unsigned long asked = names_server_asked();
    names_prepare(c);
    for (int i = 0; i < runs; i++) {
        double start_us = names_now_us();
        if (names_ways[way].look(c) != c->found)
            names_die(names_ways[way].name);
        took[i] = names_now_us() - start_us;
    }
    asked = names_server_asked() - asked;
    qsort(took, (size_t)runs, sizeof *took, names_order);
    return (names_time){took[runs / 2], took[runs - 1], (double)asked / runs};
}

/* Whether reef's targets are met. */
static bool names_good(const names_case *c, int way, const names_time *t)
{
    if (!names_ways[way].reef)
        return true;
    if (c->target_ms > 0)
        return t->middle_us <= (double)c->target_ms * NAMES_US_PER_MS;
    return t->asked <= names_ways[way].questions;
}

static void names_print(const names_case *c, int way, const names_time *t, bool good)
{
    char target[32];
    if (names_json) {
        printf("  {\"case\":\"%s\",\"way\":\"%s\",\"us\":%.1f,\"most_us\":%.1f,"
               "\"questions\":%.2f,\"good\":%s},\n",
               c->name, names_ways[way].name, t->middle_us, t->most_us, t->asked,
               good ? "true" : "false");
        return;
    }
    if (!names_ways[way].reef)
        snprintf(target, sizeof target, "-");
    else if (c->target_ms > 0)
        snprintf(target, sizeof target, "%d ms", c->target_ms);
    else
        snprintf(target, sizeof target, "%u asked", names_ways[way].questions);
    printf("%-16s %-12s %12.1f %12.1f %10.2f %10s%s\n", way == 0 ? c->name : "",
           names_ways[way].name, t->middle_us, t->most_us, t->asked, target,
           good ? "" : "  MISSED");
}

/* Two ports, one of a socket that nobody reads, one that was free a moment ago. */
static void names_make_ports(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    uint16_t *const out[] = {&names_silent_port, &names_closed_port};
    for (int i = 0; i < 2; i++) {
        socklen_t len = sizeof at;
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        at.sin_port = 0;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
            getsockname(fd, (struct sockaddr *)&at, &len) != 0)
            names_die("no socket");
        *out[i] = ntohs(at.sin_port);
        if (i == 1)
            close(fd);
    }
}

int main(int argc, char **argv)
{
    int missed = 0;
    names_json = argc > 1 && strcmp(argv[1], "--json") == 0;
    names_port = names_server_start();
    if (names_port == 0)
        names_die("no server");
    names_make_ports();
    if (names_json)
        printf("[\n");
    else
        printf("%-16s %-12s %12s %12s %10s %10s\n", "look-up", "by", "middle us",
               "most us", "asked", "target");
    for (size_t i = 0; i < sizeof names_cases / sizeof *names_cases; i++) {
        for (int way = 0; way < NAMES_WAYS; way++) {
            names_time t = names_measure(&names_cases[i], way);
            bool good = names_good(&names_cases[i], way, &t);
            names_print(&names_cases[i], way, &t, good);
            missed += !good;
        }
    }
    if (names_json)
        printf("  {\"missed\":%d}\n]\n", missed);
    return missed == 0 ? 0 : 1;
}
