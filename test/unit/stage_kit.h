/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine among Sentinels and servers that a test scripts: each is a few fields, and
 * answers at once what these say. The clock is the test's. What has to hold at all
 * times is checked with every step:
 *   - a caller's command goes only to a server that has said that it is a master, on
 *     that very connection, and never to a Sentinel;
 *   - what the engine asks for makes time pass: it never spins.
 * The simulator has Sentinels that elect and agree; here stand the exact cases. */
#ifndef REEF_TEST_STAGE_KIT_H
#define REEF_TEST_STAGE_KIT_H
#include "net/sentinel.h"
#include "test/unit/engine_kit.h"
#include "test/unit/script_kit.h"

typedef enum fake_way {
    FAKE_UP,
    FAKE_REFUSES, /* connections */
    FAKE_DEAF,    /* a connection never comes about */
    FAKE_MUTE     /* takes what is sent, and answers once it is let go on */
} fake_way;

typedef struct fake {
    const char *address;
    uint16_t port;
    fake_way way;
    bool sentinel;
    bool old;           /* no HELLO, so RESP2 */
    const char *mode;   /* of HELLO; NULL: as it should be */
    const char *role;   /* of a server; NULL: replica */
    const char *says;   /* to a caller's command; NULL: +OK */
    const char *turns;  /* this command away … */
    const char *away;   /* … with this error; NULL: NOPERM */
    const char *id;     /* of a Sentinel; NULL: it has no MYID */
    const char *knows;  /* "10.0.0.8 6379"; NULL: it does not know the name */
    const char *holds;  /* the place in its MASTER; NULL: the same; "": an error */
    uint64_t epoch;     /* of its configuration */
    const char *flags;  /* NULL: "master" */
    const char *chosen; /* "10.0.0.9 6379": the replica that it promotes; NULL: none */
    const char *others; /* "10.0.0.2 26379 id, …"; NULL: none */
    const char *names;  /* of masters, "a b"; NULL: none */
    bool tilt;
    uint32_t opens, asks, ids, probes, served, subscriptions; /* how often so far */
} fake;

typedef struct stage_link {
    fake *to; /* NULL: no such link */
    bool opened, greeted, master;
    bool named, asking, multi, aborted; /* of a Cluster's node: see ring_kit.h */
    uint32_t queued;
    size_t len; /* of answers that a MUTE one has not given yet */
} stage_link;

enum {
    STAGE_FAKES = 1100,
    STAGE_OPS = 40000, /* in a row, at most */
    STAGE_NAMES = 8,
    STAGE_PORT = 26379,
    STAGE_STILL = 3 /* ticks in a row that may leave the deadline where it is */
};

typedef struct stage {
    kit k;
    fake fakes[STAGE_FAKES];
    uint32_t fake_count;
    stage_link links[REEF_TRANSPORTS_MAX];
    struct {
        const char *name, *a, *srv; /* lines of resolve_kit.h; NULL: no such records */
    } names[STAGE_NAMES];
    uint32_t name_count, looked; /* looked: questions to the name server */
    bool slow;                   /* nothing is taken by sockets */
    size_t take;                 /* … or so much at a time; 0: all */
    uint32_t held_link;          /* this one has not sent the whole of a command … */
    size_t held_len;             /* … but so much; 0: none has not */
    void (*answer)(struct stage *, script *, stage_link *);
    char queue[512]; /* what the caller's commands were, "GET a;…" */
} stage;

/* Hosts, and what else stands under [server.redis]; the master's name is "m". */
void stage_start(stage *, const char *hosts, const char *more);
void stage_stop(stage *);
fake *stage_add(stage *, const char *address, uint16_t port);
fake *stage_sentinel(stage *, const char *address, const char *knows, uint64_t epoch);
fake *stage_server(stage *, const char *address, const char *role);
/* Three Sentinels, 10.0.0.1 to 3, that name 10.0.0.8 with epoch 1, and a master is
 * there; 10.0.0.9 is a replica. Fakes 0 to 4. */
void stage_usual(stage *, const char *more);
void stage_name(stage *, const char *name, const char *a, const char *srv);
/* Does what the engine wants, until it wants nothing. */
void stage_run(stage *);
/* Time passes, each deadline of the engine on its own. */
void stage_pass(stage *, int64_t ms);
/* A MUTE one goes on: it gives the answers that it owes. */
void stage_release(stage *, fake *);
/* Ends all its connections; and refuses new ones, if that is its way now. */
void stage_cut(stage *, const fake *);
uint32_t stage_open_links(const stage *, const fake *);
/* It announces this to all that listen; "-failover-abort-…" goes by its pattern. */
void stage_announce(stage *, const fake *, const char *channel, const char *text);
/* +selected-slave, of 10.0.0.9 in place of 10.0.0.8; its fail-over is under way. */
void stage_select(stage *, fake *);
uint64_t stage_call(stage *, const char *words, int64_t timeout_ms);
void stage_done(stage *, uint64_t ticket, reef_code code, const char *text);
void stage_none_done(stage *);
/* A call that is answered at once, by that one. */
void stage_serves(stage *, const fake *);
/* The next event of this kind; those before it are gone. The test fails without it. */
reef_event stage_event(stage *, reef_event_kind);
bool stage_has_event(stage *, reef_event_kind);
/* What a Sentinel or a server says to the command. */
void stage_answer(stage *, script *, stage_link *);
bool stage_turns_away(const script *, const fake *);
reef_sentinels *stage_state(stage *);
reef_sentinel *stage_entry(stage *, const fake *); /* NULL: it is not in the list */

#endif
