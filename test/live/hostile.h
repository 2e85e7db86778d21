/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that misbehaves by a script, inside the test's own process. What it does is
 * data: some bytes, then others again and again, then an ending; either at once, or
 * after it has played a sound server up to the first GET. It can be healed, and then
 * answers each GET with the key that was asked for. */
#ifndef REEF_TEST_LIVE_HOSTILE_H
#define REEF_TEST_LIVE_HOSTILE_H
#include "resp/resp.h"

typedef enum reef_hostile_end {
    REEF_HOSTILE_HOLD,  /* say nothing more until the peer goes */
    REEF_HOSTILE_CLOSE, /* close in good order */
    REEF_HOSTILE_RESET, /* cut the connection */
    REEF_HOSTILE_GO_ON  /* be sound again on this connection */
} reef_hostile_end;

#define REEF_HOSTILE_ENDLESS UINT64_MAX

typedef struct reef_hostile_script {
    const char *name;
    reef_str head;     /* sent first */
    reef_str body;     /* then this */
    uint64_t times;    /* so often */
    uint32_t pause_ms; /* before each time */
    reef_hostile_end end;
    bool answer; /* ahead of it all, the right answer to the GET */
} reef_hostile_script;

typedef struct reef_hostile reef_hostile;

/* Listens on a free port of 127.0.0.1. `greets`: sound up to the first GET; otherwise
 * the script is played as soon as a connection is made. The script is borrowed. Fails
 * the running test when it can't. */
reef_hostile *reef_hostile_start(const reef_hostile_script *, bool greets);
void reef_hostile_stop(
    reef_hostile *); /* ends all connections and frees; NULL is fine */
uint16_t reef_hostile_port(const reef_hostile *);
/* From now on sound, on new connections and on those that are not at their script. */
void reef_hostile_heal(reef_hostile *);
/* Connections taken, and scripts played to their ending. */
uint32_t reef_hostile_taken(reef_hostile *);
uint32_t reef_hostile_played(reef_hostile *);

#endif
