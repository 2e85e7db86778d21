/* SPDX-License-Identifier: Apache-2.0
 *
 * Real DNS servers for tests: processes. What they are asked here is asked over a
 * socket of this file's own. What they are told is in dns_records.c.
 *
 * Each set of records carries a TXT record that no other server and no earlier set has.
 * A server counts as ready, and a change as made, once it answers with that. */
#include "test/live/dns_server.h"
#include "config/host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    DNS_PORT_FIRST = 27000, /* below the range that outgoing connections take */
    DNS_PORT_COUNT = 5000,
    DNS_START_TRIES = 20,
    DNS_FD_MAX = 1024, /* descriptors that a child closes */
    DNS_LOG_TAIL = 1500
};

static reef_live_dns *dns_servers[REEF_LIVE_DNS_SERVERS];

/* ---- kinds -------------------------------------------------------------------- */

static bool dns_find_in(reef_live_dns_kind *kind, const char *path, const char *name)
{
    while (path && *path) {
        int len = (int)strcspn(path, ":");
        int made =
            snprintf(kind->binary, sizeof kind->binary, "%.*s/%s", len, path, name);
        if (made > 0 && (size_t)made < sizeof kind->binary &&
            access(kind->binary, X_OK) == 0) {
            snprintf(kind->name, sizeof kind->name, "%s", name);
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

size_t reef_live_dns_find(reef_live_dns_kind out[REEF_LIVE_DNS_KINDS])
{
    static const char *const names[] = {"dnsmasq", "nsd", "knotd"};
    const char *ci = getenv("CI");
    size_t count = 0;
    for (size_t i = 0; i < REEF_LIVE_DNS_KINDS; i++) {
        if (dns_find_in(&out[count], getenv("PATH"), names[i]) ||
            dns_find_in(&out[count], "/usr/sbin", names[i])) {
            out[count++].brand = (reef_live_dns_brand)i;
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

/* ---- folder ------------------------------------------------------------------- */

/* With all that servers made in it. */
static void dns_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[2 * REEF_NAME_MAX];
        struct stat is;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (lstat(path, &is) == 0 && S_ISDIR(is.st_mode)) {
            dns_remove(path);
        } else {
            unlink(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(folder);
}

static void dns_make_folder(reef_live_dns *server)
{
    const char *base = getenv("TMPDIR");
    /* knotd makes a socket in there, whose path can't be long. */
    if (!base || !*base || strlen(base) > 70) {
        base = "/tmp";
    }
    snprintf(server->folder, sizeof server->folder, "%s/reef-dns-XXXXXX", base);
    if (!mkdtemp(server->folder)) {
        fail_msg("no folder %s: %s", server->folder, strerror(errno));
    }
}

/* The end of the server's log, for the text of a failure. */
static void dns_show_log(const reef_live_dns *server)
{
    char path[REEF_LIVE_PATH + 16], text[DNS_LOG_TAIL + 1];
    FILE *file;
    size_t len;
    snprintf(path, sizeof path, "%s/log", server->folder);
    file = fopen(path, "r");
    if (!file) {
        return;
    }
    if (fseek(file, -DNS_LOG_TAIL, SEEK_END)) {
        rewind(file);
    }
    len = fread(text, 1, DNS_LOG_TAIL, file);
    text[len] = '\0';
    fclose(file);
    print_error("the end of %s:\n%s\n", path, text);
}

/* ---- ports -------------------------------------------------------------------- */

static struct sockaddr_in dns_place(uint16_t port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return place;
}

static bool dns_can_bind(int type, uint16_t port)
{
    struct sockaddr_in place = dns_place(port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&place, sizeof place) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

uint16_t reef_live_dns_port(void)
{
    static unsigned turn;
    unsigned first = (unsigned)getpid() * 37 + (unsigned)reef_live_now_ms();
    for (unsigned i = 0; i < DNS_PORT_COUNT; i++) {
        unsigned draw = (first + turn++) % DNS_PORT_COUNT;
        uint16_t port = (uint16_t)(DNS_PORT_FIRST + draw);
        if (dns_can_bind(SOCK_DGRAM, port) && dns_can_bind(SOCK_STREAM, port)) {
            return port;
        }
    }
    fail_msg("no free port");
    return 0;
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
static bool dns_knows(const reef_live_dns *server)
{
    static const unsigned char queries[2][32] = {
        "\x52\x46\1\0\0\1\0\0\0\0\0\0\5ready\4test\0\0\x10\0\1",
        "\x52\x46\1\0\0\1\0\0\0\0\0\0\5ready\6consul\0\0\x10\0\1"};
    static const size_t lens[2] = {28, 30};
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

/* True when the process has ended by itself. */
static bool dns_ended(reef_live_dns *server)
{
    int status;
    if (server->pid && waitpid(server->pid, &status, WNOHANG) == server->pid) {
        server->pid = 0;
    }
    return server->pid == 0;
}

/* False when the process ended before it answered. */
static bool dns_ready(reef_live_dns *server)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (reef_live_now_ms() < limit) {
        if (dns_ended(server)) {
            return false;
        }
        if (dns_knows(server)) {
            return true;
        }
        reef_live_nap();
    }
    dns_show_log(server);
    fail_msg("%s on port %u does not answer", server->kind.name, server->port);
    return false;
}

/* ---- processes ---------------------------------------------------------------- */

/* Runs between fork and exec: async-signal-safe calls only. */
static void dns_child(pid_t parent, int out, char *const argv[])
{
    if (setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) {
        _exit(126);
    }
    dup2(out, 1);
    dup2(out, 2);
    close(0);
    for (int fd = 3; fd < DNS_FD_MAX; fd++) {
        close(fd);
    }
    if (open("/dev/null", O_RDONLY) != 0) {
        _exit(126);
    }
    execv(argv[0], argv);
    _exit(127);
}

static void dns_spawn(reef_live_dns *server)
{
    char config[REEF_LIVE_PATH + 32], log[REEF_LIVE_PATH + 32];
    char flag[] = "-c", stay[] = "-d", keep[] = "-k", file[] = "-C";
    char *nsd[] = {server->kind.binary, stay, flag, config, NULL};
    char *knotd[] = {server->kind.binary, flag, config, NULL};
    char *dnsmasq[] = {server->kind.binary, keep, file, config, NULL};
    char **const argv[] = {dnsmasq, nsd, knotd};
    pid_t parent = getpid();
    int out;
    snprintf(config, sizeof config, "%s/server.conf", server->folder);
    snprintf(log, sizeof log, "%s/log", server->folder);
    out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    server->pid = fork();
    if (server->pid == 0) {
        dns_child(parent, out, argv[server->kind.brand]);
    }
    if (out >= 0) {
        close(out);
    }
    if (server->pid < 0) {
        server->pid = 0;
        fail_msg("fork: %s", strerror(errno));
    }
}

/* Asks it to end, so that it ends its own children, and then ends all that is left. */
static void dns_end(reef_live_dns *server)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    pid_t group = server->pid;
    int status;
    if (!group) {
        return;
    }
    kill(group, SIGTERM);
    while (!dns_ended(server) && reef_live_now_ms() < limit) {
        reef_live_nap();
    }
    kill(-group, SIGKILL);
    if (server->pid) {
        while (waitpid(group, &status, 0) < 0 && errno == EINTR) {
        }
    }
    server->pid = 0;
}

/* ---- the fixture -------------------------------------------------------------- */

static void dns_clear_all(void)
{
    for (size_t i = 0; i < REEF_LIVE_DNS_SERVERS; i++) {
        reef_live_dns_free(dns_servers[i]);
    }
}

static reef_live_dns *dns_register(void)
{
    static bool armed;
    if (!armed) {
        armed = true;
        atexit(dns_clear_all);
    }
    for (size_t i = 0; i < REEF_LIVE_DNS_SERVERS; i++) {
        if (!dns_servers[i]) {
            return dns_servers[i] = calloc(1, sizeof *dns_servers[i]);
        }
    }
    fail_msg("more than %d DNS servers at once", REEF_LIVE_DNS_SERVERS);
    return NULL;
}

static reef_live_dns *dns_new(const reef_live_dns_kind *kind)
{
    reef_live_dns *server = dns_register();
    assert_non_null(server);
    server->kind = *kind;
    dns_make_folder(server);
    return server;
}

static void dns_fail_to_start(const reef_live_dns *server)
{
    dns_show_log(server);
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
        dns_show_log(server);
        fail_msg("%s ended as its records changed", server->kind.name);
    }
}

void reef_live_dns_free(reef_live_dns *server)
{
    if (!server) {
        return;
    }
    dns_end(server);
    dns_remove(server->folder);
    for (size_t i = 0; i < REEF_LIVE_DNS_SERVERS; i++) {
        if (dns_servers[i] == server) {
            dns_servers[i] = NULL;
        }
    }
    free(server);
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
