/* SPDX-License-Identifier: Apache-2.0
 *
 * `reef topology`, `check`, `slot`, `call` and `soak` on real Clusters of Redis and
 * Valkey: what they show and say as slots move, nodes are lost, and views part. */
#include "test/live/cli_tool.h"
#include "test/live/fleet.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { CLUSTER_WAIT_MS = 20000, CLUSTER_LINE = 256 };

typedef struct cluster_place {
    reef_fleet *fleet;
    reef_cli cli;
} cluster_place;

/* ---- what is common ----------------------------------------------------------- */

/* Settings with the first `count` nodes as hosts, and further lines. */
static void cluster_settings(cluster_place *p, int count, const char *more)
{
    char text[1024];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "[server.redis]\nenabled = true\ncall_timeout = "
                                  "\"3s\"\n%shosts = [",
                                  more);
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"127.0.0.1:%u\"",
                                i > 0 ? ", " : "", (unsigned)p->fleet->nodes[i]->port);
    snprintf(text + len, sizeof text - len, "]\n");
    reef_cli_config(&p->cli, text);
}

static void cluster_begin(cluster_place *p, const reef_live_kind *kind,
                          const reef_fleet_options *options)
{
    memset(p, 0, sizeof *p);
    p->fleet = reef_fleet_start(kind, options);
    reef_cli_begin(&p->cli);
    cluster_settings(p, 1, "");
}

static void cluster_end(cluster_place *p)
{
    reef_cli_end(&p->cli);
    reef_fleet_free(p->fleet);
}

/* A text with a node's address in it; until the fourth one after. */
static const char *cluster_line(const cluster_place *p, const char *before, int node,
                                const char *after)
{
    static char lines[4][CLUSTER_LINE];
    static int next;
    char *line = lines[next++ % 4];
    snprintf(line, CLUSTER_LINE, "%s127.0.0.1:%u%s", before,
             (unsigned)p->fleet->nodes[node]->port, after);
    return line;
}

/* Runs it: the exit code, and a part of what it prints. */
static void cluster_shows(cluster_place *p, const char *line, int code,
                          const char *part)
{
    reef_cli_run(&p->cli, line);
    reef_cli_has(p->cli.out, part);
    assert_int_equal(p->cli.code, code);
}

/* Runs it until it ends with that code and prints that: news travel from node to node
 * for a while. */
static void cluster_until(cluster_place *p, const char *line, int code,
                          const char *part)
{
    int64_t limit = reef_live_now_ms() + CLUSTER_WAIT_MS;
    reef_cli_run(&p->cli, line);
    while (p->cli.code != code || strstr(p->cli.out, part) == NULL) {
        if (reef_live_now_ms() > limit)
            fail_msg("not %d with \"%s\", but %d: %s", code, part, p->cli.code,
                     p->cli.out);
        reef_live_nap();
        reef_cli_run(&p->cli, line);
    }
}

/* ---- all is well -------------------------------------------------------------- */

static void cluster_good(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    cluster_until(p, "topology", 0,
                  "6 of 6 nodes answer; 6 of these are of one mind\n");
    reef_cli_has(cli->out, ", mode cluster, role ");
    reef_cli_has(cli->out,
                 "\ncluster   3 masters and 3 replicas; 16384 of 16384 slots ");
    for (int i = 0; i < REEF_FLEET_MASTERS; i++) {
        reef_cli_has(cli->out, cluster_line(p, "\n          ", i, "    master "));
        reef_cli_has(cli->out, cluster_line(p, "\n            ", i + 3, "  replica "));
    }
    reef_cli_has(cli->out, "note      all 6 nodes run on one host: ");
    reef_cli_has(cli->out, "\ngood      3 masters serve all slots, and each has a ");
    assert_string_equal(cli->err, "");
    cluster_shows(p, "topology --json", 0,
                  "\"sentinel\":false,\"cluster\":{\"masters\":3,"
                  "\"replicas\":3,\"slots_served\":16384,");
    reef_cli_has(cli->out, ",\"gaps\":[],\"overlaps\":[],\"moving\":[],\"nodes\":[{");
    cluster_settings(p, REEF_FLEET_NODES, "");
    cluster_shows(p, "check", 0, "\ncluster   3 masters and 3 replicas; ");
    reef_cli_has(cli->out, "rights    GET, SCAN, SET, DEL, EXPIRE, EVAL: all work\n");
    reef_cli_has(cli->out, "\ngood      knot can keep its sessions here\n");
    reef_cli_has_not(cli->out, "server.redis.hosts");
    cluster_settings(p, 1, "");
}

/* Keys and nodes. */
static void cluster_calls(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    char line[CLUSTER_LINE];
    int owner = reef_fleet_master(p->fleet, 12182);
    cluster_shows(p, "call --key 1 SET foo bar", 0, "OK");
    snprintf(line, sizeof line,
             "12182  foo  127.0.0.1:%u (online); replica 127.0.0.1:%u ",
             (unsigned)p->fleet->nodes[owner]->port,
             (unsigned)p->fleet->nodes[owner + 3]->port);
    cluster_shows(p, "slot foo", 0, line);
    cluster_shows(p, "slot foo --json", 0,
                  "{\"key\":\"foo\",\"slot\":12182,\"owner\":{");
    cluster_shows(p, "call --masters DBSIZE", 0,
                  cluster_line(p, "", owner, ", master:\n(integer) "));
    reef_cli_has_not(cli->out, "replica");
    cluster_shows(p, "call --all --json PING", 0,
                  ",\"role\":\"replica\",\"reply\":{\"t\":"
                  "\"simple\",\"v\":\"PONG\"}}\n");
    cluster_shows(p, "call --key 1,2 MGET {a}1 {a}2", 0, "1) (nil)\n2) (nil)\n");
    reef_cli_fails(cli, "call --key 1,2 MGET foo bar", 2, "foo");
    reef_cli_has(cli->err, "12182");
    reef_cli_has(cli->err, "bar");
    reef_cli_has(cli->err, "5061");
    cluster_shows(p, "call --key 1 DEL foo", 0, "(integer) 1");
    cluster_shows(p, "demo", 0, "\nDone; the 2 keys of this tour are removed again.\n");
}

/* Settings that contradict it, and a host that leads nowhere. */
static void cluster_wrong(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    cluster_settings(p, 1, "db = 2\n");
    cluster_shows(p, "check", 2, "to do     write db = 0: a Cluster has no other: ");
    reef_cli_has(cli->err, "Cluster");
    reef_cli_has(cli->err, "db = 0");
    char text[CLUSTER_LINE];
    snprintf(text, sizeof text,
             "[server.redis]\nenabled = true\nhosts = [\"127.0.0.1:%u\", "
             "\"127.0.0.1:1\"]\n",
             (unsigned)p->fleet->nodes[0]->port);
    reef_cli_config(cli, text);
    cluster_shows(p, "check", 0,
                  "note      127.0.0.1:1 of server.redis.hosts is of no use (");
    reef_cli_config(cli, "[server.redis]\nenabled = true\nhosts = [\"127.0.0.1:1\", "
                         "\"127.0.0.1:2\"]\n");
    cluster_shows(p, "check --timeout 500ms", 4,
                  "to do     start the nodes there, or ");
    cluster_settings(p, 1, "");
}

/* ---- slots -------------------------------------------------------------------- */

static void cluster_slots(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    char key[REEF_FLEET_KEY], line[CLUSTER_LINE];
    reef_fleet_move_begin(p->fleet, 7, 0, 1);
    cluster_until(p, "topology", 0, "note      slots are on the move: 1 from ");
    reef_fleet_key(7, "k", key);
    snprintf(line, sizeof line, "slot %s", key);
    cluster_shows(p, line, 0, cluster_line(p, "; on its way to ", 1, "\n"));
    reef_fleet_order(p->fleet, 1, "CLUSTER SETSLOT 7 STABLE");
    cluster_until(
        p, "topology", 0,
        "note      1 slot is marked as on the move on one side alone (slot 7, ");
    reef_fleet_order(p->fleet, 0, "CLUSTER SETSLOT 7 STABLE");
    cluster_until(p, "topology --json", 0, "\"moving\":[]");
    reef_fleet_hole(p->fleet, 100, 200);
    cluster_until(p, "topology", 4,
                  "problem   101 of 16384 slots are served by nobody (100-200): ");
    reef_cli_has(cli->out, "(CLUSTERDOWN; see cluster-require-full-coverage)");
    cluster_shows(p, "topology --json", 4, "\"gaps\":[[100,200]]");
    cluster_shows(p, "check", 4, "rights    not tried: not all slots are served now\n");
    reef_fleet_fill(p->fleet, 100, 200, 0);
    reef_fleet_settle(p->fleet);
    cluster_until(p, "topology", 0, "\ngood ");
}

/* ---- losses ------------------------------------------------------------------- */

static void cluster_losses(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    reef_fleet_kill(p->fleet, 3);
    cluster_until(p, "topology", 10,
                  cluster_line(p, "note      ", 3, " has failed, by "));
    reef_cli_has(cli->out,
                 cluster_line(p, "problem   ", 0, " has no replica that could "));
    reef_fleet_kill(p->fleet, 0);
    cluster_settings(p, REEF_FLEET_NODES, "");
    cluster_until(
        p, "topology", 4,
        cluster_line(p, "problem   ", 0, " has failed, and with it 5461 slots"));
    reef_cli_has(cli->out, "none of its replicas could take over: start it again, ");
    cluster_shows(p, "topology --json", 4, ",\"failed\":true,\"failed_by\":");
    cluster_shows(p, "slot {b}", 4, "3300  {b}  ");
    reef_fleet_again(p->fleet, 0);
    reef_fleet_again(p->fleet, 3);
    reef_fleet_settle(p->fleet);
    cluster_until(p, "topology", 0,
                  "6 of 6 nodes answer; 6 of these are of one mind\n");
}

/* A master that stands still: silent to us at once, and then its replica serves. */
static void cluster_stopped(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    cluster_settings(p, REEF_FLEET_NODES, "");
    reef_fleet_freeze(p->fleet, 2);
    cluster_until(p, "topology", 10,
                  cluster_line(p, "note      ", 2, " has failed, by the word of "));
    reef_cli_has(cli->out, cluster_line(p, "\n          ", 5, "    master "));
    reef_fleet_thaw(p->fleet, 2);
    reef_fleet_settle(p->fleet);
    cluster_until(p, "topology", 0, cluster_line(p, "\n            ", 2, "  replica "));
}

static void cluster_whole_kind(const reef_live_kind *kind)
{
    cluster_place p;
    cluster_begin(&p, kind, NULL);
    cluster_good(&p);
    cluster_calls(&p);
    cluster_wrong(&p);
    cluster_slots(&p);
    cluster_losses(&p);
    cluster_stopped(&p);
    cluster_end(&p);
}

static void cluster_whole(void **state)
{
    (void)state;
    reef_live_each(cluster_whole_kind);
}

/* ---- users -------------------------------------------------------------------- */

/* Masters alone, with a password; then with a user whom one of them does not know. */
static void cluster_login_kind(const reef_live_kind *kind)
{
    cluster_place p;
    const reef_fleet_options options = {.password = "sesame", .masters_alone = true};
    cluster_begin(&p, kind, &options);
    cluster_shows(&p, "check", 5, "to do     correct server.redis.password and ");
    cluster_settings(&p, 3, "password = \"sesame\"\n");
    cluster_until(&p, "check", 10, " have no replicas: when one is lost, so are its ");
    reef_cli_has(p.cli.out, "3 of 3 nodes answer; 3 of these are of one mind\n");
    reef_cli_has_not(p.cli.out, "sesame");
    reef_cli_has_not(p.cli.out, "without the password");
    for (int i = 0; i < 2; i++)
        reef_fleet_order(p.fleet, i, "ACL SETUSER knot on >pw ~* +@all");
    cluster_settings(&p, 2, "username = \"knot\"\npassword = \"pw\"\n");
    cluster_until(&p, "topology", 5,
                  cluster_line(&p, "problem   ", 2,
                               ", a master of 5461 slots, refuses "
                               "the login (WRONGPASS "));
    cluster_end(&p);
}

static void cluster_login(void **state)
{
    (void)state;
    reef_live_each(cluster_login_kind);
}

/* ---- soak, and views that part ------------------------------------------------ */

/* 200 slots move while it runs, then it is ended: it sees that, and nothing is
 * wrong. */
static void cluster_soaked(cluster_place *p)
{
    const char *binary = getenv("REEF_BIN");
    char out[REEF_LIVE_PATH + 8], text[4096];
    int status = 0;
    snprintf(out, sizeof out, "%s/soak", p->fleet->nodes[0]->folder);
    const char *argv[] = {binary != NULL && binary[0] != '\0' ? binary : "build/reef",
                          "-c",
                          p->cli.file,
                          "soak",
                          "--seconds",
                          "60",
                          "--json",
                          NULL};
    pid_t pid = reef_live_spawn((char *const *)(uintptr_t)argv, out);
    int64_t until_ms = reef_live_now_ms() + CLUSTER_WAIT_MS;
    while (reef_live_number(p->fleet->nodes[0], "DBSIZE") < 10) {
        assert_true(reef_live_now_ms() < until_ms);
        reef_live_nap();
    }
    reef_fleet_move(p->fleet, 200, 0, 1);
    cluster_until(p, "topology", 0,
                  "6 of 6 nodes answer; 6 of these are of one mind\n");
    assert_int_equal(kill(pid, SIGINT), 0);
    until_ms = reef_live_now_ms() + CLUSTER_WAIT_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (reef_live_now_ms() > until_ms) {
            reef_live_finish(&pid, SIGKILL);
            fail_msg("reef soak did not end");
        }
        reef_live_nap();
    }
    FILE *file = fopen(out, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    reef_cli_has(text, ",\"interrupted\":true,");
    reef_cli_has(text, ",\"slots_moved\":200,");
    reef_cli_has(text, ",\"error_count\":0,");
    reef_cli_has(text, ",\"exit\":0}\n");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A master that is cut off from the others, and not from us: its replica takes over,
 * and both claim its slots until the network is mended. */
static void cluster_parted(cluster_place *p)
{
    reef_cli *cli = &p->cli;
    cluster_settings(p, REEF_FLEET_NODES, "");
    reef_fleet_cut(p->fleet, 2);
    cluster_until(p, "topology", 6,
                  "6 of 6 nodes answer; 5 of these are of one mind\n");
    reef_cli_has(cli->out, " both claim slots ");
    reef_cli_has(cli->out,
                 cluster_line(p, "note      ", 2, " is of another mind than "));
    reef_cli_has(cli->out,
                 cluster_line(p, "problem   ", 2, " says that the cluster is down"));
    reef_cli_has(cli->out, "  failed, as the others say; says that the cluster is "
                           "down; cut off from most; of another mind\n");
    cluster_until(p, "topology --json", 6, "\"differs\":{\"slots\":5461,");
    reef_fleet_mend(p->fleet, 2);
    reef_fleet_settle(p->fleet);
    cluster_until(p, "topology", 0,
                  "6 of 6 nodes answer; 6 of these are of one mind\n");
}

static void cluster_fenced_kind(const reef_live_kind *kind)
{
    cluster_place p;
    const reef_fleet_options options = {.fenced = true};
    cluster_begin(&p, kind, &options);
    cluster_soaked(&p);
    reef_fleet_settle(p.fleet);
    cluster_parted(&p);
    cluster_end(&p);
}

static void cluster_fenced(void **state)
{
    (void)state;
    reef_live_each(cluster_fenced_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cluster_whole),
        cmocka_unit_test(cluster_login),
        cmocka_unit_test(cluster_fenced),
    };
    return cmocka_run_group_tests_name("cli_cluster", tests, NULL, NULL);
}
