/* SPDX-License-Identifier: Apache-2.0
 *
 * What the live tests say often: a client on a server, one command written as a line,
 * and what must come back. A mismatch fails the running test and shows what came, so
 * these belong on the test's own thread; reef_live_cmd alone is for every thread. */
#ifndef REEF_TEST_LIVE_CHECK_H
#define REEF_TEST_LIVE_CHECK_H
#include "net/net.h"
#include "test/live/server.h"

/* The line split at its spaces, repeatable or not; NULL when memory is out. What
 * follows GET, SET, INCR, DEL, EXISTS, GETDEL, APPEND, RPUSH or TOUCH is a key.
 * Caller frees. */
reef_cmd *reef_live_cmd(const char *line, bool repeatable);

/* Clients on a config, and on a server at one of its addresses (see
 * reef_live_config) with protocol 0, 2 or 3. Never NULL; reef_close ends them. */
reef_client *reef_live_client(const reef_config *);
reef_client *reef_live_client_at(const reef_live_server *, const char *where,
                                 uint32_t protocol);

/* One combination of server, address, protocol and credentials. */
typedef struct reef_live_case {
    const reef_live_server *server;
    const char *where;
    uint32_t protocol;
    const char *user; /* NULL: the default user; else REEF_LIVE_USER_PASSWORD fits it */
} reef_live_case;

#define REEF_LIVE_USER_PASSWORD "anns own"

reef_client *reef_live_open(const reef_live_case *);
/* Runs `body` for every address and protocol, each time with a client of its own. */
void reef_live_everywhere(const reef_live_server *, const char *user,
                          void (*body)(const reef_live_case *, reef_client *));

/* One call with the line, not repeatable; caller frees. timeout_ms as in reef_call. */
reef_reply *reef_live_call(reef_client *, const char *line, int64_t timeout_ms);

/* The same on a thread of its own; `line` is borrowed until the end, which waits for
 * the reply and hands it over. */
typedef struct reef_live_job reef_live_job;
reef_live_job *reef_live_begin(reef_client *, const char *line, int64_t timeout_ms);
reef_reply *reef_live_end(reef_live_job *);

/* The reply is OK and its root is this text, or this integer in digits. Frees it. */
void reef_live_is(reef_reply *, const char *text);
/* The reply has this code and its text contains `part` (NULL: anything but nothing).
 * The text is one plain sentence: one line of printable ASCII. Frees it. */
void reef_live_fails(reef_reply *, reef_code, const char *part);
/* The two in one: call, and compare. */
void reef_live_says(reef_client *, const char *line, const char *text);
void reef_live_refuses(reef_client *, const char *line, reef_code, const char *part);

/* Pulls events until one of this kind contains `part` in its text, at most
 * REEF_LIVE_WAIT_MS; fails otherwise. `part` "" fits each. */
void reef_live_event(reef_client *, reef_event_kind, const char *part);

#endif
