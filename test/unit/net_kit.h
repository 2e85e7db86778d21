/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the blocking client share: clients for scripted servers, calls that
 * check what every call promises, and a server that behaves. */
#ifndef REEF_TEST_NET_KIT_H
#define REEF_TEST_NET_KIT_H
#include "net/net.h"
#include "test/unit/net_peer.h"

enum {
    SHORT_MS = 200,   /* a deadline that is meant to pass */
    LONG_MS = 30000,  /* one that is not */
    SLACK_MS = 10000, /* what a loaded machine may add */
    MANY = 10000
};

/* A host that begins with "/" is a socket's path. */
reef_config config_for(const char *host, uint16_t port);
reef_client *open_config(const reef_config *);
reef_client *open_peer(const peer *);

/* NAME, and where they are not NULL a key and an argument. */
void build(reef_cmd *, const char *name, const char *key, const char *argument);
/* Ends in time, with a reply. The caller frees. */
reef_reply *call(reef_client *, const char *name, const char *key, int64_t timeout_ms);
/* Ends with OK and this text. */
void expect_text(reef_client *, const char *name, const char *key, const char *want);
/* Ends with a code other than OK, and with a reason. */
reef_code failure(reef_client *, const char *name, int64_t timeout_ms);
/* Has this code, and a reason; frees it. */
void expect_bad(reef_reply *, reef_code);

/* The answer to the command just read: ECHO x and GET x give x, PING gives PONG,
 * anything else is OK. False: the connection ended. */
bool answer(peer_link *);
/* The script of a server that behaves. */
void serve(peer_link *);
/* The same, but it answers GET slow only once its argument, an atomic_bool, is set. */
void answer_late(peer_link *);

#endif
