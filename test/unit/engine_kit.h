/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives one engine by hand, step by step, for the unit tests of net/: what it should
 * do next, and what the network then does. Each helper fails the test when the engine
 * does another thing. The simulator (test/sim) covers the rest of the space; here stand
 * the exact cases. */
#ifndef REEF_TEST_ENGINE_KIT_H
#define REEF_TEST_ENGINE_KIT_H
#include "net/engine.h"

typedef struct kit {
    reef_engine *engine;
    int64_t now_ms;
    uint32_t link;     /* of the last OPEN to a server */
    const char *hosts; /* the hosts file; NULL: it is empty */
    bool silent;       /* name servers say nothing; else nobody listens there */
    uint32_t asked;    /* sockets to name servers that were opened */
    char sent[65536];  /* all that was sent since the last look */
    size_t sent_len;
} kit;

/* `toml`: the text of a knot.toml. */
void kit_start(kit *, const char *toml);
void kit_stop(kit *);
/* The next operation is this one; address and port are checked unless NULL, 0. What
 * concerns names is answered in passing: see `hosts` and `silent`. */
void kit_expect_open(kit *, const char *address, uint16_t port);
void kit_expect_close(kit *, uint32_t link);
void kit_expect_quiet(kit *);
/* Takes all SENDs whole, and then they have this text (RESP; NULL: whatever it is). */
void kit_expect_sent(kit *, const char *wire);
void kit_opened(kit *);
void kit_closed(kit *, int sys_errno);
void kit_receive(kit *, const char *bytes);
void kit_tick_to(kit *, int64_t now_ms);
/* Ticks at each time that the engine asks for, until that one. */
void kit_run_to(kit *, int64_t now_ms);
/* Open, HELLO 3 answered by a master of "redis 7.0.15", names set: READY. */
void kit_connect(kit *);
void kit_answer_handshake(kit *);
uint64_t kit_submit(kit *, const char *words, bool repeatable, int64_t timeout_ms);
/* The next completion has this ticket and code; its text holds `text` where not
 * NULL. */
void kit_expect_done(kit *, uint64_t ticket, reef_code code, const char *text);
void kit_expect_none_done(kit *);

#endif
