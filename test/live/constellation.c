/* SPDX-License-Identifier: Apache-2.0
 *
 * A constellation for tests. See constellation.h; fail-overs that are asked for
 * are in asked.c.
 *
 * A Sentinel finds replicas in the master's INFO and its peers in a channel of the
 * master, each only every few seconds. Here each is started with a state as it would
 * have written it: its id, the replicas and the peers. */
#include "test/live/constellation.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    STARS_EXTRA_MAX = 4096,
    STARS_ANSWER_MAX = 8192,
    STARS_PING_MS = 200,
    /* Two seconds by default. Sentinels leave a stray master alone for four times that
     * long, and one that is promoted is a stray one until it is announced. */
    STARS_PUBLISH_MS = 400,
    STARS_TILT_MS = 1000, /* half a minute by default: for so long one that stood still
                           * for two seconds, as on a slow machine, does not act */
    STARS_DOWN_MS = 400,
    STARS_LAST_MS = 300 /* by which the last one misses a master later: where two are
                         * left, each would vote for itself, and then wait */
};

/* ---- starting ----------------------------------------------------------------- */

typedef struct stars_lines {
    char text[STARS_EXTRA_MAX];
    size_t len;
} stars_lines;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
stars_line(stars_lines *lines, const char *format, ...)
{
    size_t room = sizeof lines->text - lines->len;
    va_list args;
    int made;
    va_start(args, format);
    made = vsnprintf(lines->text + lines->len, room, format, args);
    va_end(args);
    assert_true(made >= 0 && (size_t)made + 1 < room);
    lines->len += (size_t)made;
    lines->text[lines->len++] = '\n';
    lines->text[lines->len] = '\0';
}

static void stars_start_node(reef_stars *stars, const reef_live_kind *kind,
                             const reef_stars_options *options, int number)
{
    reef_live_options node = {.password = options->password};
    stars_lines lines = {"", 0};
    stars_line(&lines, "repl-diskless-sync-delay 0");
    if (options->password) {
        stars_line(&lines, "masterauth %s", options->password);
    }
    if (strcmp(stars->host, "localhost") == 0) {
        stars_line(&lines, "replica-announce-ip %s", stars->host);
    }
    if (number > 0) {
        stars_line(&lines, "replicaof %s %u", stars->host,
                   (unsigned)stars->nodes[0]->port);
    }
    if (options->node_extra) {
        stars_line(&lines, "%s", options->node_extra);
    }
    node.extra = lines.text;
    stars->nodes[number] = reef_live_start(kind, &node);
}

/* What this Sentinel would have written down of the others. */
static void stars_known(const reef_stars *stars, const uint16_t *ports, int number,
                        stars_lines *lines)
{
    for (int i = 1; i < REEF_STARS_NODES; i++) {
        stars_line(lines, "sentinel known-replica " REEF_STARS_NAME " %s %u",
                   stars->host, (unsigned)stars->nodes[i]->port);
    }
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        if (i != number) {
            stars_line(lines, "sentinel known-sentinel " REEF_STARS_NAME " %s %u %s",
                       stars->host, (unsigned)ports[i], stars->ids[i]);
        }
    }
}

static void stars_start_sentinel(reef_stars *stars, const reef_stars_options *options,
                                 const uint16_t *ports, int number)
{
    reef_live_options sentinel = {.port = ports[number],
                                  .password = options->sentinel_password,
                                  .sentinel = true};
    stars_lines lines = {"", 0};
    if (strcmp(stars->host, "localhost") == 0) {
        stars_line(&lines, "sentinel resolve-hostnames yes");
        stars_line(&lines, "sentinel announce-hostnames yes");
        stars_line(&lines, "sentinel announce-ip %s", stars->host);
    }
    stars_line(&lines, "sentinel myid %s", stars->ids[number]);
    stars_line(&lines, "sentinel monitor " REEF_STARS_NAME " %s %u 2", stars->host,
               (unsigned)stars->nodes[0]->port);
    stars_line(&lines, "sentinel down-after-milliseconds " REEF_STARS_NAME " %d",
               stars->down_after_ms[number]);
    stars_line(&lines, "sentinel failover-timeout " REEF_STARS_NAME " %d",
               REEF_STARS_FAILOVER_MS);
    stars_line(&lines, "sentinel parallel-syncs " REEF_STARS_NAME " 2");
    if (options->password) {
        stars_line(&lines, "sentinel auth-pass " REEF_STARS_NAME " %s",
                   options->password);
    }
    if (options->sentinel_password) {
        stars_line(&lines, "sentinel sentinel-pass %s", options->sentinel_password);
    }
    stars_known(stars, ports, number, &lines);
    if (options->sentinel_extra) {
        stars_line(&lines, "%s", options->sentinel_extra);
    }
    sentinel.extra = lines.text;
    stars->sentinels[number] = reef_live_start(&stars->nodes[0]->kind, &sentinel);
}

void reef_stars_order(const reef_stars *stars, int sentinel, const char *what,
                      int value)
{
    char line[160];
    char *reply;
    snprintf(line, sizeof line, "%s %d", what, value);
    reply = reef_live_ask(stars->sentinels[sentinel], line);
    assert_string_equal(reply, "OK");
    free(reply);
}

/* Periods that a configuration file can't set: a Sentinel that starts has the usual
 * ones. */
static void stars_set_periods(const reef_stars *stars, int sentinel)
{
    reef_stars_order(stars, sentinel, "SENTINEL DEBUG PING-PERIOD", STARS_PING_MS);
    reef_stars_order(stars, sentinel, "SENTINEL DEBUG TILT-PERIOD", STARS_TILT_MS);
    if (!stars->plain) {
        reef_stars_order(stars, sentinel, "SENTINEL DEBUG INFO-PERIOD",
                         REEF_STARS_INFO_MS);
        reef_stars_order(stars, sentinel, "SENTINEL DEBUG PUBLISH-PERIOD",
                         STARS_PUBLISH_MS);
    }
}

/* An earlier constellation's Sentinels are not to be taken for these. */
static void stars_draw(reef_stars *stars, uint16_t ports[REEF_STARS_SENTINELS])
{
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        stars->down_after_ms[i] =
            STARS_DOWN_MS + (i == REEF_STARS_SENTINELS - 1) * STARS_LAST_MS;
        ports[i] = reef_live_port();
        snprintf(stars->ids[i], sizeof stars->ids[i], "%016" PRIx64 "%016x%08x",
                 (uint64_t)reef_live_now_us(), (unsigned)getpid(), (unsigned)ports[i]);
    }
}

reef_stars *reef_stars_start(const reef_live_kind *kind,
                             const reef_stars_options *options)
{
    const reef_stars_options none = {0};
    uint16_t ports[REEF_STARS_SENTINELS];
    reef_stars *stars = calloc(1, sizeof *stars);
    assert_non_null(stars);
    options = options ? options : &none;
    snprintf(stars->host, sizeof stars->host, "%s",
             options->host ? options->host : "127.0.0.1");
    snprintf(stars->password, sizeof stars->password, "%s",
             options->password ? options->password : "");
    stars->plain = options->plain_periods;
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        stars_start_node(stars, kind, options, i);
    }
    stars_draw(stars, ports);
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        stars_start_sentinel(stars, options, ports, i);
        stars_set_periods(stars, i);
    }
    assert_int_equal(reef_stars_settle(stars), 0);
    return stars;
}

void reef_stars_free(reef_stars *stars)
{
    if (!stars) {
        return;
    }
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        reef_live_free(stars->sentinels[i]);
    }
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        reef_live_free(stars->nodes[i]);
    }
    free(stars);
}

/* ---- what Sentinels and nodes say --------------------------------------------- */

int reef_stars_node_at(const reef_stars *stars, uint16_t port)
{
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        if (stars->nodes[i]->port == port) {
            return i;
        }
    }
    return -1;
}

/* The node that this Sentinel announces; -1: none of ours. */
static int stars_announced(const reef_stars *stars, const reef_live_server *sentinel)
{
    char *reply =
        reef_live_ask(sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME " REEF_STARS_NAME);
    const char *line = strchr(reply, '\n');
    int node =
        line ? reef_stars_node_at(stars, (uint16_t)strtoul(line + 1, NULL, 10)) : -1;
    free(reply);
    return node;
}

static bool stars_hears(const reef_stars *stars, int sentinel)
{
    return stars->sentinels[sentinel]->pid && !stars->frozen[sentinel];
}

int reef_stars_master(const reef_stars *stars)
{
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        if (stars_hears(stars, i)) {
            int node = stars_announced(stars, stars->sentinels[i]);
            assert_true(node >= 0);
            return node;
        }
    }
    fail_msg("no Sentinel runs");
    return -1;
}

static bool stars_says(const reef_live_server *server, const char *line,
                       const char *wanted)
{
    char *reply = reef_live_ask(server, line);
    bool found = strstr(reply, wanted) != NULL;
    free(reply);
    return found;
}

/* How often `part` is in what the server says to the line. */
static unsigned stars_times(const reef_live_server *server, const char *line,
                            const char *part)
{
    char *reply = reef_live_ask(server, line);
    unsigned count = 0;
    for (const char *at = reply; (at = strstr(at, part)); at += strlen(part)) {
        count++;
    }
    free(reply);
    return count;
}

/* The Sentinel has nothing against this master, nor against a replica or a peer that
 * runs. That a peer has called the master down is remembered of it for five seconds. */
static bool stars_content(const reef_live_server *sentinel, unsigned replicas,
                          unsigned peers)
{
    static const char others[] = "SENTINEL SENTINELS " REEF_STARS_NAME;
    return stars_says(sentinel, "SENTINEL MASTER " REEF_STARS_NAME,
                      "\nflags\nmaster\n") &&
           stars_times(sentinel, "SENTINEL REPLICAS " REEF_STARS_NAME,
                       "\nflags\nslave\n") >= replicas &&
           stars_times(sentinel, others, "\nflags\nsentinel\n") +
                   stars_times(sentinel, others, "\nflags\nsentinel,master_down\n") >=
               peers &&
           stars_says(sentinel, "SENTINEL CKQUORUM " REEF_STARS_NAME, "OK ");
}

/* Whether this is in what the node says to these lines. A node that becomes another's
 * replica ends its connections, also while it is asked. */
static bool stars_node_says(const reef_live_server *node, const char *lines,
                            const char *wanted)
{
    char text[STARS_ANSWER_MAX];
    size_t got = 0;
    ssize_t len;
    int fd = reef_live_connect(node->socket);
    if (fd < 0) {
        return false;
    }
    len = snprintf(text, sizeof text, "%s%s\r\n%s\r\nQUIT\r\n",
                   node->password[0] ? "AUTH " : "", node->password, lines);
    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) == len) {
        while ((len = recv(fd, text + got, sizeof text - 1 - got, 0)) > 0) {
            got += (size_t)len;
        }
    }
    close(fd);
    text[got] = '\0';
    return strstr(text, wanted) != NULL;
}

static bool stars_replicates(const reef_stars *stars, int node, int master)
{
    char part[64];
    snprintf(part, sizeof part, "master_port:%u\r\nmaster_link_status:up",
             (unsigned)stars->nodes[master]->port);
    return stars_node_says(stars->nodes[node], "INFO replication", part);
}

/* Both replicas have what the master was given just now. One that has only begun to
 * replicate may say that it does, and get nothing for a second. */
static bool stars_follow(const reef_stars *stars, int master)
{
    unsigned replicas = 0;
    char line[64], part[16];
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        if (i != master && stars->nodes[i]->pid) {
            replicas++;
            if (!stars_replicates(stars, i, master)) {
                return false;
            }
        }
    }
    snprintf(line, sizeof line, "SET settled 1\r\nWAIT %u 1500", replicas);
    snprintf(part, sizeof part, ":%u\r\n", replicas);
    return stars_node_says(stars->nodes[master], line, part);
}

static bool stars_settled(const reef_stars *stars, int master)
{
    unsigned replicas = 0, peers = 0;
    if (!stars->nodes[master]->pid || !stars_follow(stars, master)) {
        return false;
    }
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        replicas += i != master && stars->nodes[i]->pid;
    }
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        peers += stars_hears(stars, i);
    }
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        if (stars_hears(stars, i) &&
            (stars_announced(stars, stars->sentinels[i]) != master ||
             !stars_content(stars->sentinels[i], replicas, peers - 1))) {
            return false;
        }
    }
    return true;
}

void reef_stars_tell(const reef_stars *stars)
{
    static const char *const lines[] = {"SENTINEL MASTER " REEF_STARS_NAME,
                                        "SENTINEL REPLICAS " REEF_STARS_NAME};
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        for (size_t k = 0; stars_hears(stars, i) && k < 2; k++) {
            char *reply = reef_live_ask(stars->sentinels[i], lines[k]);
            print_error("Sentinel %d: %s:\n%s\n", i, lines[k], reply);
            free(reply);
        }
    }
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        print_error("node %d, port %u:\n", i, (unsigned)stars->nodes[i]->port);
        reef_live_show_log(stars->nodes[i]->folder);
    }
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        print_error("Sentinel %d:\n", i);
        reef_live_show_log(stars->sentinels[i]->folder);
    }
}

int reef_stars_settle(const reef_stars *stars)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (reef_live_now_ms() < limit) {
        int master = reef_stars_master(stars);
        if (stars_settled(stars, master)) {
            return master;
        }
        reef_live_nap();
    }
    reef_stars_tell(stars);
    fail_msg("the constellation does not settle");
    return -1;
}

/* The node that all Sentinels announce; -1: they disagree. */
static int stars_agreed(const reef_stars *stars)
{
    int node = reef_stars_master(stars);
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        if (stars_hears(stars, i) &&
            stars_announced(stars, stars->sentinels[i]) != node) {
            return -1;
        }
    }
    return node;
}

int reef_stars_moved(const reef_stars *stars, int from)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (reef_live_now_ms() < limit) {
        int master = stars_agreed(stars);
        if (master >= 0 && master != from) {
            return master;
        }
        reef_live_nap();
    }
    reef_stars_tell(stars);
    fail_msg("node %d stays the master", from);
    return -1;
}

/* ---- blows -------------------------------------------------------------------- */

void reef_stars_sleep(const reef_stars *stars, int node, unsigned seconds)
{
    int fd = reef_live_dial(stars->nodes[node]);
    char line[48];
    int len = snprintf(line, sizeof line, "DEBUG SLEEP %u\r\n", seconds);
    if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len) {
        fail_msg("DEBUG SLEEP: %s", strerror(errno));
    }
    close(fd);
}

void reef_stars_freeze(reef_stars *stars, int node, int sentinel)
{
    if (node >= 0) {
        reef_live_pause(stars->nodes[node]);
    }
    if (sentinel >= 0) {
        reef_live_pause(stars->sentinels[sentinel]);
        stars->frozen[sentinel] = true;
    }
}

void reef_stars_thaw(reef_stars *stars, int node, int sentinel)
{
    if (sentinel >= 0) {
        reef_live_resume(stars->sentinels[sentinel]);
        stars->frozen[sentinel] = false;
    }
    if (node >= 0) {
        reef_stars_moved(stars, node);
        reef_live_resume(stars->nodes[node]);
    }
}

void reef_stars_again(reef_stars *stars, int node, bool as_replica)
{
    reef_live_server *server = stars->nodes[node];
    if (as_replica) {
        char path[REEF_LIVE_PATH + 16];
        FILE *file;
        snprintf(path, sizeof path, "%s/server.conf", server->folder);
        file = fopen(path, "a");
        assert_non_null(file);
        fprintf(file, "\nreplicaof %s %u\n", stars->host,
                (unsigned)stars->nodes[reef_stars_master(stars)]->port);
        assert_int_equal(fclose(file), 0);
    }
    reef_live_again(server);
}

void reef_stars_sentinel_again(reef_stars *stars, int sentinel)
{
    reef_live_again(stars->sentinels[sentinel]);
    stars_set_periods(stars, sentinel);
}

reef_live_watch *reef_stars_watch_begin(const reef_stars *stars)
{
    unsigned others = ~(1U << reef_stars_master(stars));
    return reef_live_watch_begin(stars->nodes, REEF_STARS_NODES, others, "watch");
}

void reef_stars_config(const reef_stars *stars, reef_config *out)
{
    reef_config_init(out);
    out->enabled = true;
    out->host_count = REEF_STARS_SENTINELS;
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        out->hosts[i].kind = REEF_HOST_TCP;
        out->hosts[i].port = stars->sentinels[i]->port;
        snprintf(out->hosts[i].name, sizeof out->hosts[i].name, "%s", stars->host);
    }
    snprintf(out->master_name, sizeof out->master_name, "%s", REEF_STARS_NAME);
    snprintf(out->password, sizeof out->password, "%s", stars->password);
    snprintf(out->sentinel_password, sizeof out->sentinel_password, "%s",
             stars->sentinels[0]->password);
}
