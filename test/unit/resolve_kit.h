/* SPDX-License-Identifier: Apache-2.0
 *
 * A resolver with a network of the test's own: sockets open at once and take all that
 * is sent; what was asked waits until the test answers it. The clock is the test's.
 *
 * Answers are written as lines between ";", such as
 *     "@ 30 SRV 10 5 6379 r1.test; +r1.test 30 A 10.0.0.1"
 * owner ("@" is the name asked for), seconds, type and data of a record; "+" before it
 * puts it into the additional section, "-" into the authority section. Of an SOA the
 * data is its MINIMUM. Other lines do what they say: "rcode 3", "tc", "noqr", "nora",
 * "id" (another id), "ask NAME" (another question), "bare" (the header alone), "opt 1"
 * (an OPT record with the upper bits of the rcode), "pad 900" (a TXT record of so many
 * bytes, in the additional section) and "cut 5" (that many bytes less at the end). */
#ifndef REEF_TEST_RESOLVE_KIT_H
#define REEF_TEST_RESOLVE_KIT_H
#include "net/resolve_in.h"

typedef struct names_message {
    size_t len;
    unsigned char bytes[65536];
} names_message;

typedef struct names_query {
    uint16_t id, type;
    bool edns, ad;
    char name[256];
} names_query;

typedef struct names_link {
    bool live, datagram;
    bool asked;      /* a query came that is not answered */
    uint32_t serial; /* how many were opened up to this one */
    char server[REEF_PEER_TEXT];
    size_t len;
    unsigned char bytes[REEF_DNS_QUERY_MAX + 2];
    names_query query;
} names_link;

typedef struct names_kit {
    reef_resolver *resolver;
    int64_t now_ms;
    bool moved;        /* since it was looked at last */
    bool shy;          /* opened is not reported at once */
    size_t takes;      /* bytes that one SEND over TCP takes; 0: all */
    size_t piece;      /* bytes that arrive at once over TCP; 0: all */
    const char *hosts; /* what FILES gives; NULL: nothing new */
    const char *conf;
    uint32_t files, opens, closes; /* how many so far */
    names_link links[REEF_EXCHANGES_MAX];
} names_kit;

enum { NAMES_FIRST_LINK = 8, NAMES_PORT = 6379 };

/* `settings` is what stands under [resolver] in a knot.toml; there is a key. */
void names_start(names_kit *, const char *settings);
/* Another resolver with the same settings; NULL when memory is short. */
void names_restart(names_kit *);
void names_stop(names_kit *);
/* Does what the resolver wants. */
void names_run(names_kit *);
/* Time passes, each deadline on the way on its own. */
void names_to(names_kit *, int64_t now_ms);

/* The query that waits for an answer: by whom, of which type, for which name. The test
 * fails without it. */
uint32_t names_asked(names_kit *, const char *server, const char *type,
                     const char *name);
/* How many wait. */
uint32_t names_open(const names_kit *);
names_query names_query_read(const unsigned char *bytes, size_t len);

void names_build(names_message *, const names_query *, const char *text);
/* Answers, and does what follows; names_hear leaves the query waiting. */
void names_say(names_kit *, uint32_t link, const char *text);
void names_hear(names_kit *, uint32_t link, const char *text);
void names_bytes(names_kit *, uint32_t link, const void *bytes, size_t len);
void names_close(names_kit *, uint32_t link, int sys_errno);

reef_lookup *names_look(names_kit *, const char *name, bool srv, int64_t timeout_ms);
reef_lookup *names_look_fresh(names_kit *, const char *name, bool srv,
                              int64_t timeout_ms);
/* What the look-up says next. */
void names_ready(reef_lookup *, const char *address, uint16_t port);
void names_wait(reef_lookup *);
void names_end(reef_lookup *);
/* It ended with this in its reason. */
void names_failed(reef_lookup *, const char *text);

#endif
