/* SPDX-License-Identifier: Apache-2.0
 *
 * What real DNS servers are told: records as a configuration of dnsmasq, or as zone
 * files and a configuration of NSD or knotd. */
#include "test/live/dns_server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { DNS_NAME = 256 };

static FILE *dns_create(const reef_live_dns *server, const char *name)
{
    char path[REEF_LIVE_PATH + 32];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", server->folder, name);
    file = fopen(path, "w");
    if (!file) {
        fail_msg("can't write %s: %s", path, strerror(errno));
    }
    return file;
}

/* ---- records ------------------------------------------------------------------ */

typedef struct dns_line {
    char owner[DNS_NAME], type[8], data[DNS_NAME];
} dns_line;

/* The next line of the records; false: no more. */
static bool dns_next_line(const char **at, dns_line *out)
{
    char line[3 * DNS_NAME];
    size_t len = strcspn(*at, "\n");
    if (len == 0) {
        return false;
    }
    snprintf(line, sizeof line, "%.*s", (int)len, *at);
    *at += len + ((*at)[len] == '\n');
    if (sscanf(line, "%255s %7s %255[^\n]", out->owner, out->type, out->data) != 3) {
        fail_msg("\"%s\" is no record", line);
    }
    return true;
}

static bool dns_in_consul(const char *owner)
{
    size_t len = strlen(owner);
    return len > 8 && strcmp(owner + len - 8, ".consul.") == 0;
}

void reef_live_dns_mark(const reef_live_dns *server, char out[REEF_LIVE_DNS_MARK])
{
    snprintf(out, REEF_LIVE_DNS_MARK, "%s-%u", strrchr(server->folder, '-') + 1,
             server->generation);
}

/* ---- zones, for NSD and knotd ------------------------------------------------- */

/* Put in its place at once, so that a server that looks in between sees it whole. */
static void dns_write_zone(const reef_live_dns *server, const char *records,
                           unsigned ttl_s, bool consul)
{
    char draft[REEF_LIVE_PATH + 32], path[REEF_LIVE_PATH + 32],
        mark[REEF_LIVE_DNS_MARK];
    const char *origin = consul ? "consul" : "test";
    FILE *file = dns_create(server, "draft");
    dns_line line;
    reef_live_dns_mark(server, mark);
    fprintf(file, "$ORIGIN %s.\n$TTL %u\n", origin, ttl_s);
    fprintf(file, "@ SOA ns hostmaster %u 3600 600 86400 20\n", server->generation);
    fprintf(file, "@ NS ns\nns A 127.0.0.1\nready TXT \"%s\"\n", mark);
    while (dns_next_line(&records, &line)) {
        if (dns_in_consul(line.owner) == consul) {
            fprintf(file, "%s %s %s\n", line.owner, line.type, line.data);
        }
    }
    snprintf(draft, sizeof draft, "%s/draft", server->folder);
    snprintf(path, sizeof path, "%s/%s.zone", server->folder, origin);
    if (fclose(file) || rename(draft, path)) {
        fail_msg("can't write %s: %s", path, strerror(errno));
    }
}

static void dns_write_nsd(const reef_live_dns *server)
{
    const char *folder = server->folder;
    FILE *file = dns_create(server, "server.conf");
    fprintf(file, "server:\n ip-address: 127.0.0.1@%u\n", server->port);
    if (reef_live_has_ipv6()) {
        fprintf(file, " ip-address: ::1@%u\n", server->port);
    }
    fprintf(file,
            " port: %u\n server-count: 1\n username: \"\"\n database: \"\"\n"
            " zonesdir: \"%s\"\n pidfile: \"\"\n logfile: \"%s/log\"\n"
            " xfrdfile: \"\"\n zonelistfile: \"%s/list\"\n xfrdir: \"%s\"\n"
            " rrl-ratelimit: 0\nremote-control:\n control-enable: no\n",
            (unsigned)server->port, folder, folder, folder, folder);
    fprintf(file, "zone:\n name: test\n zonefile: test.zone\n"
                  "zone:\n name: consul\n zonefile: consul.zone\n");
    fclose(file);
}

static void dns_write_knotd(const reef_live_dns *server)
{
    const char *folder = server->folder;
    FILE *file = dns_create(server, "server.conf");
    fprintf(file, "server:\n  listen: 127.0.0.1@%u\n", server->port);
    if (reef_live_has_ipv6()) {
        fprintf(file, "  listen: ::1@%u\n", server->port);
    }
    fprintf(file,
            "  rundir: \"%s\"\n  udp-workers: 1\n  tcp-workers: 1\n"
            "  background-workers: 1\ndatabase:\n  storage: \"%s\"\n"
            "log:\n  - target: \"%s/log\"\n    any: info\n"
            "template:\n  - id: default\n    storage: \"%s\"\n    file: \"%%s.zone\"\n"
            "    journal-content: none\n    zonefile-sync: -1\n"
            "    semantic-checks: off\n",
            folder, folder, folder, folder);
    fprintf(file, "zone:\n  - domain: test\n  - domain: consul\n");
    fclose(file);
}

/* ---- records, for dnsmasq ----------------------------------------------------- */

/* A name as dnsmasq has it: without the dot at its end. */
static const char *dns_whole(const char *name, char out[DNS_NAME])
{
    size_t len = strlen(name);
    if (name[len - 1] == '.') {
        snprintf(out, DNS_NAME, "%.*s", (int)len - 1, name);
    } else {
        snprintf(out, DNS_NAME, "%.200s.test", name);
    }
    return out;
}

static void dns_write_dnsmasq_line(FILE *file, const dns_line *line)
{
    char owner[DNS_NAME], target[DNS_NAME], name[DNS_NAME];
    unsigned priority, weight, port;
    dns_whole(line->owner, owner);
    if (strcmp(line->type, "SRV") == 0) {
        if (sscanf(line->data, "%u %u %u %255s", &priority, &weight, &port, target) !=
            4) {
            fail_msg("\"%s\" is no SRV record", line->data);
        }
        fprintf(file, "srv-host=%s,%s,%u,%u,%u\n", owner, dns_whole(target, name), port,
                priority, weight);
    } else if (strcmp(line->type, "CNAME") == 0) {
        fprintf(file, "cname=%s,%s\n", owner, dns_whole(line->data, name));
    } else {
        fprintf(file, "host-record=%s,%s\n", owner, line->data);
    }
}

static void dns_write_dnsmasq(const reef_live_dns *server, const char *records,
                              unsigned ttl_s)
{
    FILE *file = dns_create(server, "server.conf");
    char mark[REEF_LIVE_DNS_MARK];
    dns_line line;
    reef_live_dns_mark(server, mark);
    fprintf(file,
            "port=%u\nlisten-address=127.0.0.1\nbind-interfaces\nuser=root\npid-file=\n"
            "no-resolv\nno-hosts\nno-poll\nlocal=/test/\nlocal=/consul/\n"
            "local-ttl=%u\nlog-facility=%s/"
            "log\ntxt-record=ready.test,%s\ntxt-record=ready.consul,%s\n",
            (unsigned)server->port, ttl_s, server->folder, mark, mark);
    if (reef_live_has_ipv6()) {
        fprintf(file, "listen-address=::1\n");
    }
    while (dns_next_line(&records, &line)) {
        dns_write_dnsmasq_line(file, &line);
    }
    fclose(file);
}

void reef_live_dns_write(reef_live_dns *server, const char *records, unsigned ttl_s)
{
    server->generation++;
    switch (server->kind.brand) {
    case REEF_LIVE_DNSMASQ:
        dns_write_dnsmasq(server, records, ttl_s);
        return;
    case REEF_LIVE_NSD:
        dns_write_nsd(server);
        break;
    case REEF_LIVE_KNOTD:
        dns_write_knotd(server);
        break;
    }
    dns_write_zone(server, records, ttl_s, false);
    dns_write_zone(server, records, ttl_s, true);
}
