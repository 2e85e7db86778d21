/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to a real server on which expectations are tried (test/sim/talk.h). */
#ifndef REEF_TEST_LIVE_TALKER_H
#define REEF_TEST_LIVE_TALKER_H
#include "test/live/server.h"
#include "test/sim/talk.h"

/* Set server, the rest to zero. */
typedef struct reef_talker {
    const reef_live_server *server;
    bool met; /* connected */
    int fd, protocol;
    reef_parser *parser;
} reef_talker;

/* The whole text of a file; fails when it is not there. Lives until the next call. */
const char *reef_talker_text(const char *path);
/* Connects anew where this protocol was not spoken yet. */
void reef_talker_meet(reef_talker *, int protocol);
void reef_talker_part(reef_talker *);
void reef_talker_say(reef_talker *, const talk_case *);
/* The next reply or push, which the parser keeps. */
const reef_reply *reef_talker_hear(reef_talker *);
/* Hears all that the case expects, and fails when it is something else. */
void reef_talker_expect(reef_talker *, const talk_case *);

#endif
