/* SPDX-License-Identifier: Apache-2.0
 *
 * `reef topology` and `reef check` on real Sentinels, Redis and Valkey: what they show
 * and what they say as one part after the other is lost. */
#include "test/live/cli_tool.h"
#include "test/live/constellation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

typedef struct topology_place {
    reef_stars *stars;
    reef_cli cli;
} topology_place;

/* The settings: these ports as hosts, that name of the master. */
static void topology_settings(topology_place *p, const uint16_t *ports, size_t count,
                              const char *name)
{
    char text[512];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "[server.redis]\nenabled = true\ncall_timeout = "
                                  "\"2s\"\nmaster_name = \"%s\"\nhosts = [",
                                  name);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"127.0.0.1:%u\"",
                                i > 0 ? ", " : "", (unsigned)ports[i]);
    snprintf(text + len, sizeof text - len, "]\n");
    reef_cli_config(&p->cli, text);
}

static void topology_all_settings(topology_place *p)
{
    uint16_t ports[REEF_STARS_SENTINELS];
    for (int i = 0; i < REEF_STARS_SENTINELS; i++)
        ports[i] = p->stars->sentinels[i]->port;
    topology_settings(p, ports, REEF_STARS_SENTINELS, REEF_STARS_NAME);
}

static void topology_begin(topology_place *p, const reef_live_kind *kind)
{
    memset(p, 0, sizeof *p);
    p->stars = reef_stars_start(kind, NULL);
    reef_cli_begin(&p->cli);
    topology_all_settings(p);
}

static void topology_end(topology_place *p)
{
    reef_cli_end(&p->cli);
    reef_stars_free(p->stars);
}

/* A text with the server's address in it; until the next one. */
static const char *topology_line(const char *before, const reef_live_server *server,
                                 const char *after)
{
    static char line[256];
    snprintf(line, sizeof line, "%s127.0.0.1:%u%s", before, (unsigned)server->port,
             after);
    return line;
}

/* Runs it: the exit code, and a part of what it prints. */
static void topology_shows(topology_place *p, const char *line, int code,
                           const char *part)
{
    reef_cli_run(&p->cli, line);
    reef_cli_has(p->cli.out, part);
    assert_int_equal(p->cli.code, code);
}

static void topology_good(topology_place *p)
{
    const reef_stars *stars = p->stars;
    reef_cli *cli = &p->cli;
    topology_shows(p, "topology", 0, "sentinels address ");
    for (int i = 0; i < REEF_STARS_SENTINELS; i++)
        reef_cli_has(cli->out, topology_line("", stars->sentinels[i], " "));
    reef_cli_has(cli->out, "  configured, watched\n");
    reef_cli_has_not(cli->out, "polled");
    reef_cli_has(cli->out, topology_line("master    ", stars->nodes[0],
                                         " by the word of 3 of 3"));
    reef_cli_has(cli->out, topology_line(" at ", stars->nodes[0], "\n"));
    reef_cli_has(cli->out, topology_line("          ", stars->nodes[1], "  online "));
    reef_cli_has(cli->out, topology_line("          ", stars->nodes[2], "  online "));
    reef_cli_has(cli->out, "good      3 Sentinels could vote a fail-over, and 2 ");
    assert_string_equal(cli->err, "");
    topology_shows(p, "topology --json", 0, "{\"peer\":\"127.0.0.1:");
    reef_cli_has(cli->out, "\"sentinel\":true,\"master_name\":\"" REEF_STARS_NAME "\"");
    reef_cli_has(cli->out, topology_line("\"master\":\"", stars->nodes[0], "\""));
    reef_cli_has(cli->out, ",\"answering\":3,\"able\":3,\"needed\":2,\"sentinels\":[{");
    reef_cli_has(cli->out, ",\"exit\":0}\n");
    topology_shows(p, "check", 0, "sentinels address ");
    reef_cli_has(cli->out, "good      knot can keep its sessions here\n");
}

/* One Sentinel named, the others learnt; none of the name; a server among them. */
static void topology_settings_wrong(topology_place *p)
{
    const reef_stars *stars = p->stars;
    reef_cli *cli = &p->cli;
    uint16_t ports[2] = {stars->sentinels[0]->port, stars->nodes[1]->port};
    topology_settings(p, ports, 1, REEF_STARS_NAME);
    topology_shows(p, "topology", 0, "server.redis.hosts names one Sentinel alone; ");
    reef_cli_has(cli->out, topology_line("", stars->sentinels[2], " "));
    topology_settings(p, ports, 1, "nobody");
    topology_shows(p, "topology", 2,
                   "knows no master \"nobody\"; it knows " REEF_STARS_NAME ": ");
    reef_cli_has(cli->err, "reef: ");
    topology_shows(p, "check", 2, "to do     correct server.redis.master_name");
    reef_cli_config(cli, "[server.redis]\nenabled = true\ncall_timeout = \"2s\"\n"
                         "master_name = \"any\"\nhosts = [\"nosuch.invalid\"]\n"
                         "[resolver]\nnameservers = [\"127.0.0.1:1\"]\n");
    topology_shows(p, "topology", 3, "note      nosuch.invalid leads nowhere (");
    reef_cli_has(cli->out, "): check the name, in server.redis.hosts and in the DNS, ");
    reef_cli_has_not(cli->out, "start it");
    topology_settings(p, ports, 2, REEF_STARS_NAME);
    topology_shows(p, "topology", 0, topology_line("", stars->nodes[1], " "));
    reef_cli_has(cli->out, "  of no use: ");
    topology_settings(p, ports + 1, 1, REEF_STARS_NAME);
    reef_cli_run(cli, "topology");
    assert_int_not_equal(cli->code, 0);
    reef_cli_has(cli->out, "  of no use: ");
    reef_cli_has_not(cli->out, "good");
    topology_all_settings(p);
}

/* A Sentinel that stood still for over two seconds is in TILT, and finds no master
 * down; with another one lost, the quorum can't be had. */
static void topology_tilts(topology_place *p)
{
    reef_stars *stars = p->stars;
    reef_live_pause(stars->sentinels[0]);
    int64_t until_ms = reef_live_now_ms() + 2500;
    while (reef_live_now_ms() < until_ms)
        reef_live_nap();
    reef_live_resume(stars->sentinels[0]);
    reef_live_until(stars->sentinels[0], "INFO sentinel", "sentinel_tilt:1", false);
    topology_shows(p, "topology", 0, "2 of 3 Sentinels can find the master down now");
    reef_cli_has(p->cli.out, "good      2 Sentinels could vote a fail-over");
    reef_live_pause(stars->sentinels[1]);
    topology_shows(p, "topology", 10,
                   "problem   1 of 3 Sentinels can find the master ");
    reef_cli_has(p->cli.out, topology_line("", stars->sentinels[0], ": in TILT"));
    reef_live_resume(stars->sentinels[1]);
}

/* The master goes, and comes back as a replica. */
static void topology_moves(topology_place *p)
{
    reef_stars *stars = p->stars;
    reef_live_kill(stars->nodes[0]);
    int next = reef_stars_moved(stars, 0);
    assert_int_equal(reef_stars_settle(stars), next);
    topology_shows(p, "topology", 0, topology_line(" at ", stars->nodes[next], "\n"));
    reef_cli_has(p->cli.out, "good      ");
    reef_stars_again(stars, 0, true);
    assert_int_equal(reef_stars_settle(stars), next);
    topology_shows(p, "topology", 0, "and 2 replicas could be promoted\n");
    reef_cli_has(p->cli.out, topology_line("          ", stars->nodes[0], "  online "));
}

/* Fewer and fewer: first no replica, then no vote, then no Sentinel. */
static void topology_wanes(topology_place *p)
{
    reef_stars *stars = p->stars;
    reef_cli *cli = &p->cli;
    int master = reef_stars_master(stars);
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        if (i != master)
            reef_live_kill(stars->nodes[i]);
    }
    reef_live_until(stars->nodes[master], "INFO replication", "connected_slaves:0",
                    false);
    topology_shows(p, "topology", 10, "problem   ");
    reef_cli_has(cli->out, "fail-over has nobody to promote");
    reef_live_kill(stars->sentinels[0]);
    topology_shows(p, "topology", 10, "takes 2: with one more lost, none can be voted");
    reef_cli_has(cli->out,
                 topology_line("note      ", stars->sentinels[0], " does not answer"));
    reef_live_pause(stars->sentinels[1]);
    topology_shows(p, "topology", 10, "problem   1 of 3 Sentinels answers, and a ");
    reef_cli_has(cli->out,
                 topology_line("note      ", stars->sentinels[1], " does not answer"));
    topology_shows(p, "check --json", 10, "\"state\":\"silent\"");
    reef_live_resume(stars->sentinels[1]);
    for (int i = 1; i < REEF_STARS_SENTINELS; i++)
        reef_live_kill(stars->sentinels[i]);
    topology_shows(p, "topology", 4, "  no answer: ");
    reef_cli_has(cli->out, "\nproblem   no Sentinel was reached, so that nobody ");
    reef_cli_has(cli->err, "reef: none of 3 Sentinels can be reached; ");
    topology_shows(p, "topology --json", 4, "{\"severity\":\"problem\",\"exit\":4,");
    topology_shows(p, "check", 4, "to do     ");
    reef_cli_has(cli->out, "\nproblem   no Sentinel was reached, ");
    reef_cli_has(cli->out, "Sentinels");
}

static void topology_sentinels_kind(const reef_live_kind *kind)
{
    topology_place p;
    topology_begin(&p, kind);
    topology_good(&p);
    topology_settings_wrong(&p);
    topology_moves(&p);
    topology_tilts(&p);
    topology_wanes(&p);
    topology_end(&p);
}

static void topology_sentinels(void **state)
{
    (void)state;
    reef_live_each(topology_sentinels_kind);
}

/* Without Sentinels: a server, its replica, and settings that name the replica. */
static void topology_single_kind(const reef_live_kind *kind)
{
    topology_place p;
    char extra[64];
    memset(&p, 0, sizeof p);
    reef_cli_begin(&p.cli);
    reef_live_options options = {.extra = "repl-diskless-sync-delay 0\n"};
    reef_live_server *master = reef_live_start(kind, &options);
    snprintf(extra, sizeof extra, "replicaof 127.0.0.1 %u\n", (unsigned)master->port);
    options.extra = extra;
    reef_live_server *replica = reef_live_start(kind, &options);
    reef_live_until(master, "INFO replication", "state=online", false);
    reef_cli_host(&p.cli, topology_line("", master, ""), "");
    topology_shows(&p, "topology", 0, topology_line("          ", replica, "  online"));
    reef_cli_has(p.cli.out, "good      one server, whose place nobody takes");
    reef_cli_host(&p.cli, topology_line("", replica, ""), "");
    topology_shows(&p, "topology", 2,
                   topology_line("follows   ", master, ", and the "));
    reef_cli_has(p.cli.out, " is a replica and takes no writes: name its master");
    reef_live_kill(master);
    reef_live_until(replica, "INFO replication", "master_link_status:down", false);
    topology_shows(&p, "topology --json", 2, "\"link_up\":false");
    reef_live_kill(replica);
    reef_cli_host(&p.cli, topology_line("", replica, ""), "call_timeout = \"300ms\"\n");
    reef_cli_fails(&p.cli, "topology", 4, "refused");
    reef_live_free(replica);
    reef_live_free(master);
    reef_cli_end(&p.cli);
}

static void topology_single(void **state)
{
    (void)state;
    reef_live_each(topology_single_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topology_sentinels),
        cmocka_unit_test(topology_single),
    };
    return cmocka_run_group_tests_name("cli_topology", tests, NULL, NULL);
}
