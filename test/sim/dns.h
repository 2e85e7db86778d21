/* SPDX-License-Identifier: Apache-2.0
 *
 * dns: what a name server knows and how it says it. Its messages are read and built
 * here without a line of net/dns.c, so that no mistake of one hides behind the same
 * mistake of the other. Whether and when they arrive is the network's business
 * (names.c). */
#ifndef REEF_SIM_DNS_H
#define REEF_SIM_DNS_H
#include "test/sim/server.h"

enum {
    SIM_RECORDS = 320,
    SIM_NAME = 96,
    SIM_A = 1,
    SIM_CNAME = 5,
    SIM_SOA = 6,
    SIM_AAAA = 28,
    SIM_SRV = 33,
    SIM_OPT = 41,
    SIM_FORMERR = 1,
    SIM_SERVFAIL = 2,
    SIM_NXDOMAIN = 3,
    SIM_REFUSED = 5
};

/* What no true answer ever says: forged ones do. */
#define SIM_EVIL_ADDRESS "203.0.113.66"
#define SIM_EVIL_NAME "evil.test"

/* Records are never taken out: one that is gone may still be on its way. */
typedef struct sim_record {
    char name[SIM_NAME];
    uint16_t type;
    uint32_t ttl;
    char data[SIM_NAME]; /* an address, or the name that it leads to */
    uint16_t priority, weight, port;
    uint32_t view; /* bits of the servers that have it; 0: all */
    bool live;
    bool told; /* it has been in an answer */
} sim_record;

typedef struct sim_zone {
    sim_record records[SIM_RECORDS];
    size_t count;
    uint32_t ttl; /* of records that are added */
    bool soa;     /* with negative answers, for … */
    uint32_t negative_ttl;
} sim_zone;

sim_record *sim_zone_add(sim_zone *, const char *name, uint16_t type, const char *data);
sim_record *sim_zone_srv(sim_zone *, const char *name, const char *target,
                         uint16_t port);
/* Of the records of that name and type (0: any) all come or go. */
void sim_zone_live(sim_zone *, const char *name, uint16_t type, bool live);

bool sim_same_name(const char *, const char *);
bool sim_same_address(const char *, const char *); /* in any spelling */

typedef struct sim_query {
    uint16_t id, type;
    bool edns;
    uint32_t size; /* what a datagram of the answer may have */
    char name[256];
    char question[264]; /* as it stands in the message */
    size_t question_len;
} sim_query;

/* NULL, or what is wrong with the message: it has to be just what D5 asks for. */
const char *sim_query_read(sim_query *, const char *bytes, size_t len);

/* How an answer is written. */
typedef struct sim_style {
    uint32_t limit; /* bytes; 0: none */
    uint32_t view;  /* the server's bit */
    uint32_t turn;  /* the record to begin with */
    uint16_t rcode; /* not 0: this, and nothing else */
    bool cut;       /* TC, though it would fit */
    bool hush;      /* what does not fit is left out without a word */
    bool part;      /* with TC comes what fits; otherwise nothing */
    bool bare;      /* no glue */
    bool step;      /* a CNAME alone, not what it leads to */
    bool plain;     /* no compression */
    bool loud;      /* owners in capitals */
    bool steady;    /* always in the same order */
    bool blank;     /* a refusal of twelve bytes, without the question */
} sim_style;

void sim_answer_to(sim_zone *, const sim_query *, const sim_style *, sim_bytes *out);

enum { SIM_FORGERIES = 14 };
/* A message of somebody who has not seen the question, or has but can't be the one who
 * was asked: `how` is 0 to SIM_FORGERIES - 1. None may be believed. */
void sim_forge(const sim_query *, uint32_t how, uint32_t chance, sim_bytes *out);
/* The right question, the wrong answer: records that belong to others (true), or bytes
 * that end in the middle of a record. */
void sim_spoil(const sim_query *, bool others, sim_bytes *out);

#endif
