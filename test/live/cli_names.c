/* SPDX-License-Identifier: Apache-2.0
 *
 * `reef srv` and `reef check` on names in real DNS servers: what they show, what they
 * say is wrong, and how they end. */
#include "test/live/cli_tool.h"
#include "test/live/dns_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { NAMES_MANY = 120 }; /* SRV records: more than a datagram takes */

static const char records[] = "two SRV 10 60 6379 node1\n"
                              "two SRV 20 0 6380 node2\n"
                              "half SRV 0 0 6379 node1\n"
                              "half SRV 5 0 6379 nowhere\n"
                              "lost SRV 0 0 6379 nowhere\n"
                              "gone SRV 0 0 0 .\n"
                              "node1 A 127.0.0.1\n"
                              "node2 A 127.0.0.2\n";

static char all[16 * 1024];
static reef_cli cli;

/* A place without settings, and a server with the records above, with many, and with
 * one for this port. */
static reef_live_dns *names_begin(const reef_live_dns_kind *kind, uint16_t port)
{
    size_t len = (size_t)snprintf(all, sizeof all, "%sredis SRV 0 0 %u node1\n",
                                  records, (unsigned)port);
    for (unsigned i = 0; i < NAMES_MANY; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "many SRV 0 1 %u node1\n",
                                7000 + i);
    memset(&cli, 0, sizeof cli);
    reef_cli_begin(&cli);
    return reef_live_dns_start(kind, all, 60);
}

static void names_end(reef_live_dns *dns)
{
    reef_cli_end(&cli);
    reef_live_dns_free(dns);
}

static const char *names_line(const reef_live_dns *dns, const char *before)
{
    static char line[384];
    snprintf(line, sizeof line, "srv %s --nameserver 127.0.0.1:%u", before,
             (unsigned)dns->port);
    return line;
}

/* ---- reef srv ----------------------------------------------------------------- */

static void names_found(const reef_live_dns *dns)
{
    char part[96];
    reef_cli_run(&cli, names_line(dns, "two.test"));
    assert_int_equal(cli.code, 0);
    assert_string_equal(cli.err, "");
    snprintf(part, sizeof part, "asked     127.0.0.1:%u for SRV of two.test: 2 records",
             (unsigned)dns->port);
    reef_cli_has(cli.out, part);
    reef_cli_has(cli.out,
                 "\n             1        10      60       60  node1.test:6379 "
                 "at 127.0.0.1 (");
    reef_cli_has(cli.out,
                 "\n             2        20       0       60  node2.test:6380 "
                 "at 127.0.0.2 (");
    reef_cli_has(cli.out, "\ngood      found in ");
    reef_cli_has_not(cli.out, "note ");
    reef_cli_run(&cli, names_line(dns, "--json srv+two.test"));
    assert_int_equal(cli.code, 0);
    reef_cli_has(cli.out, "{\"name\":\"two.test\",\"srv\":true,\"result\":\"ok\",");
    reef_cli_has(cli.out, "\"findings\":[],\"exit\":0}\n");
    reef_cli_run(&cli, names_line(dns, "half.test"));
    assert_int_equal(cli.code, 0);
    reef_cli_has(cli.out, "1 of 2 targets has no address, nowhere.test: correct the");
    reef_cli_run(&cli, names_line(dns, "many.test"));
    assert_int_equal(cli.code, 0);
    reef_cli_has(cli.out, " over TCP for SRV of many.test: 120 records in ");
    reef_cli_has(cli.out, " was too long for a datagram; over TCP it came whole\n");
    reef_cli_has(cli.out, "drawn anew each time");
}

static void names_not_found(const reef_live_dns *dns)
{
    reef_cli_fails(&cli, names_line(dns, "no-such.test"), 3, "no-such.test");
    reef_cli_has(cli.out, " knows no such name: correct it, or add it there\n");
    reef_cli_fails(&cli, names_line(dns, "node2.test"), 3, "no SRV record");
    reef_cli_has(cli.out, " has no SRV record of it, but its address, 127.0.0.2: leave "
                          "out \"srv+\"");
    reef_cli_fails(&cli, names_line(dns, "gone.test"), 3, "not available");
    reef_cli_has(cli.out, "the service is declared unavailable");
    reef_cli_fails(&cli, names_line(dns, "lost.test"), 3, "nowhere.test");
    reef_cli_has(cli.out, "its only target has no address, nowhere.test");
    reef_cli_fails(&cli, names_line(dns, "--json lost.test"), 3, "nowhere.test");
    reef_cli_has(cli.out, "\"exit\":3}\n");
}

/* Servers that say nothing or are not there, alone and before the good one. */
static void names_bad_servers(const reef_live_dns *dns)
{
    uint16_t silent = 0;
    char line[256];
    int fd = reef_live_dns_silent(&silent);
    snprintf(line, sizeof line, "--nameserver 127.0.0.1:%u two.test", (unsigned)silent);
    reef_cli_run(&cli, names_line(dns, line));
    assert_int_equal(cli.code, 0);
    reef_cli_has(cli.out, " had not answered when another did: ");
    snprintf(line, sizeof line,
             "srv two.test --timeout 400ms --nameserver 127.0.0.1:%u",
             (unsigned)silent);
    reef_cli_fails(&cli, line, 3, "no answer");
    reef_cli_has(cli.out, " does not answer: see that it runs");
    close(fd);
    reef_cli_fails(&cli, line, 3, "refused");
    reef_cli_has(cli.out, "unreachable: ");
    reef_cli_has(cli.out, " can't be reached: see that it runs");
}

static void names_srv_kind(const reef_live_dns_kind *kind)
{
    reef_live_dns *dns = names_begin(kind, 1);
    names_found(dns);
    names_not_found(dns);
    names_bad_servers(dns);
    names_end(dns);
}

static void names_srv(void **state)
{
    (void)state;
    reef_live_dns_each(names_srv_kind);
}

/* ---- reef check --------------------------------------------------------------- */

static void names_settings(const reef_live_dns *dns, const char *host)
{
    char text[256];
    snprintf(text, sizeof text,
             "[server.redis]\nenabled = true\nhosts = [\"%s\"]\n"
             "[resolver]\nnameservers = [\"test/127.0.0.1:%u\"]\n",
             host, (unsigned)dns->port);
    reef_cli_config(&cli, text);
}

/* A nameserver that says nothing, then one that is gone: it is what is to be mended,
 * and where it is named. */
static void names_check_nameserver(void **state)
{
    (void)state;
    reef_live_dns dns;
    memset(&dns, 0, sizeof dns);
    memset(&cli, 0, sizeof cli);
    reef_cli_begin(&cli);
    int fd = reef_live_dns_silent(&dns.port);
    names_settings(&dns, "srv+redis.test");
    for (int i = 0; i < 2; i++) {
        reef_cli_fails(&cli, "check --timeout 400ms", 3, "redis.test");
        reef_cli_has(cli.out, "\nname      srv+redis.test: no endpoint, ");
        reef_cli_has(cli.out, "\nproblem   srv+redis.test: 127.0.0.1:");
        reef_cli_has(cli.out, "\nto do     start the nameserver 127.0.0.1:");
        reef_cli_has(cli.out, ":5:15\n");
        if (i == 0)
            close(fd);
    }
    reef_cli_fails(&cli, "srv redis.test --nameserver other/127.0.0.1:1", 2,
                   "no --nameserver is for 'redis.test'");
    reef_cli_end(&cli);
}

static reef_live_server *names_server;

static void names_check_kind(const reef_live_dns_kind *kind)
{
    reef_live_dns *dns = names_begin(kind, names_server->port);
    char part[96];
    names_settings(dns, "srv+redis.test");
    reef_cli_run(&cli, "check");
    assert_int_equal(cli.code, 0);
    reef_cli_has(cli.out, "name      srv+redis.test: 1 target (dns, ");
    snprintf(part, sizeof part, "          1. node1.test:%u at 127.0.0.1 (",
             (unsigned)names_server->port);
    reef_cli_has(cli.out, part);
    reef_cli_has(cli.out, "\nserver    ");
    reef_cli_has(cli.out, "\ngood      ");
    reef_cli_run(&cli, "check --json");
    assert_int_equal(cli.code, 0);
    reef_cli_has(cli.out, ",\"names\":[{\"name\":\"redis.test\",\"srv\":true,");
    names_settings(dns, "srv+node1.test");
    reef_cli_fails(&cli, "check", 3, "node1.test");
    reef_cli_has(cli.out, "\nproblem   srv+node1.test: 127.0.0.1:");
    reef_cli_has(cli.out, " leave out \"srv+\"");
    reef_cli_has(cli.out, "\nto do     correct the name in server.redis.hosts");
    names_settings(dns, "redis.test");
    reef_cli_fails(&cli, "check", 3, "redis.test");
    reef_cli_has(cli.out, "but an SRV record: write \"srv+redis.test\"\n");
    names_end(dns);
}

static void names_check(void **state)
{
    (void)state;
    reef_live_kind kinds[REEF_LIVE_KINDS];
    assert_true(reef_live_find(kinds) > 0);
    names_server = reef_live_start(&kinds[0], NULL);
    reef_live_dns_each(names_check_kind);
    reef_live_free(names_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_srv),
        cmocka_unit_test(names_check),
        cmocka_unit_test(names_check_nameserver),
    };
    return cmocka_run_group_tests_name("cli_names", tests, NULL, NULL);
}
