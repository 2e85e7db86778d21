/* SPDX-License-Identifier: Apache-2.0
 *
 * Real DNS servers for tests: dnsmasq, NSD and Knot DNS (knotd; of CZ.NIC, no kin of
 * the knot that keeps sessions), each in a folder, a process group and on a port of its
 * own. As in server.h, whatever fails in here fails the running test, all of it is
 * called from the thread that runs the test, and what a failed test left behind is
 * cleared away when the program ends.
 *
 * What a server knows is a text of lines "owner type data", A, AAAA, SRV or CNAME, with
 * names as in a zone file: below "test." unless a dot ends them. Owners below "consul."
 * make a second zone. */
#ifndef REEF_TEST_LIVE_DNS_SERVER_H
#define REEF_TEST_LIVE_DNS_SERVER_H
#include "test/live/server.h"

enum { REEF_LIVE_DNS_KINDS = 3 };

typedef enum reef_live_dns_brand {
    REEF_LIVE_DNSMASQ, /* a forwarder with records of its own; negatives have no SOA */
    REEF_LIVE_NSD,     /* follows a CNAME into another of its zones */
    REEF_LIVE_KNOTD    /* does not, so the client has to ask again */
} reef_live_dns_brand;

typedef struct reef_live_dns_kind {
    reef_live_dns_brand brand;
    char name[16];              /* "dnsmasq", "nsd", "knotd" */
    char binary[REEF_NAME_MAX]; /* absolute path */
} reef_live_dns_kind;

/* The kinds found on PATH and in /usr/sbin; fails the test when there is none, or,
 * where CI is set in the environment, when one is missing. */
size_t reef_live_dns_find(reef_live_dns_kind out[REEF_LIVE_DNS_KINDS]);
/* Runs `body` for each of them, naming it first. */
void reef_live_dns_each(void (*body)(const reef_live_dns_kind *));

typedef struct reef_live_dns {
    reef_live_dns_kind kind;
    uint16_t port; /* UDP and TCP, on 127.0.0.1, and on ::1 where there is one */
    char folder[REEF_LIVE_PATH];
    pid_t pid;           /* 0: not running */
    unsigned generation; /* of the records */
} reef_live_dns;

/* A running server that answers with these records, each with this TTL. */
reef_live_dns *reef_live_dns_start(const reef_live_dns_kind *, const char *records,
                                   unsigned ttl_s);
/* The same on a port that the caller names. */
reef_live_dns *reef_live_dns_start_on(const reef_live_dns_kind *, uint16_t port,
                                      const char *records, unsigned ttl_s);
/* Other records from now on: the server reads them anew, dnsmasq by a restart on the
 * same port. Returns once it answers with them. */
void reef_live_dns_change(reef_live_dns *, const char *records, unsigned ttl_s);
/* Kills it if it runs and removes its folder. NULL is fine. */
void reef_live_dns_free(reef_live_dns *);

/* A port of 127.0.0.1 that nobody has, neither for UDP nor for TCP. */
uint16_t reef_live_dns_port(void);
/* A UDP socket on 127.0.0.1 that takes every question and answers none. Close it with
 * close(2). */
int reef_live_dns_silent(uint16_t *port);
/* One more nameserver in the config; `domain` "" is for every name. */
void reef_live_dns_use(reef_config *, const char *domain, const char *address,
                       uint16_t port);
/* A config of one host, "srv+name", "name" or "name:port", and no nameserver yet. */
void reef_live_dns_config(const char *host, reef_config *out);

/* ---- within the fixture ------------------------------------------------------- */

enum { REEF_LIVE_DNS_MARK = 64 };

/* Writes configuration and zones with the next generation of records. */
void reef_live_dns_write(reef_live_dns *, const char *records, unsigned ttl_s);
/* What the TXT record of "ready.test" says: it tells this set of records from every
 * other. */
void reef_live_dns_mark(const reef_live_dns *, char out[REEF_LIVE_DNS_MARK]);

#endif
