/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's inside, shared by the files of net/ that make it up:
 *   engine.c     inputs and outputs, timers
 *   order.c      commands on their way in
 *   ticket.c     commands: the queue, the deadlines, how each one ends
 *   links.c      all transports: the array, and who is busy
 *   link.c       one transport: sending, receiving, who is owed which reply
 *   hello.c      the handshake of a link
 *   dial.c       one host: its endpoints, tried one after the other
 *   direct.c     the router for a single server
 *   sentinel.h   the router for Sentinel (its files stand there)
 *   cluster.h    the router for a Cluster (its files stand there)
 *   resolve.h    the resolver: endpoints of names (its files stand there)
 *   report.c     events and statistics
 *
 * Invariants that every input leaves behind:
 *   - A ticket is in exactly one list: the engine's waiting list, a link's out or
 *     flight list, or the engine's done list. Only done tickets are out of the deadline
 *     heap.
 *   - A link's flight list, with the skips between its tickets, is the exact sequence
 *     of replies that its server still owes.
 *   - Every link that has something to do, now or at a time to come, is in the busy
 *     list; none that rests has a deadline or an operation.
 *   - A link takes new tickets only while READY. One that owes an abandoned reply is
 *     DRAINING: it finishes what it owes to others and is closed. */
#ifndef REEF_ENGINE_H
#define REEF_ENGINE_H
#include "net/resolve.h"
#include "net/slots.h"

enum {
    REEF_ADDRESS_TEXT = 128, /* a numeric address or a socket path */
    REEF_NO_LINK = -1,
    REEF_SERVE_LINKS_MAX = 8,   /* to servers: one ready, old ones that owe answers; of
                                  * a Cluster so many more than it has nodes */
    REEF_SILENCE_HOLD_MS = 100, /* a master that owes for so long gets nothing new */
    REEF_NO_SLOT = REEF_SLOT_COUNT, /* of a command without a key */
    REEF_ASKING_LEN = 16,        /* bytes of the ASKING that may stand before a group */
    REEF_SILENCE_PING_MS = 1000, /* a link that owes for so long in silence is pinged */
    REEF_STAGE_BYTES = 16384,    /* small commands are gathered up to this much */
    REEF_HELLO_ARGS_MAX = 4096   /* bytes of one handshake step, secrets included */
};
/* Wire bytes that one engine holds at once. */
#define REEF_PENDING_BYTES ((size_t)1 << 30)

/* ---- tickets ------------------------------------------------------------------ */

typedef enum reef_standing {
    REEF_WAITING,
    REEF_OUT,
    REEF_FLIGHT,
    REEF_DONE
} reef_standing;

/* What an internal ticket is for. */
typedef enum reef_errand {
    REEF_ERRAND_NONE, /* a caller's command */
    REEF_ERRAND_PING, /* is anybody there? the engine's own */
    REEF_ERRAND_ROLE, /* the others are the router's, which is told the answer */
    REEF_ERRAND_ASK,
    REEF_ERRAND_WATCH,
    REEF_ERRAND_NAME, /* a Cluster's node: who are you? */
    REEF_ERRAND_MAP   /* … and who serves what? */
} reef_errand;

/* Why the Cluster's router tries it again after a pause. */
typedef enum reef_later {
    REEF_LATER_MOVING, /* its slot is on the move, or its node takes no writes now */
    REEF_LATER_CIRCLE, /* nodes send it to each other */
    REEF_LATER_NOWHERE /* it was sent on, and where to can't be told */
} reef_later;

/* A group of commands, usually of one. One allocation: struct, replies, wire. */
typedef struct reef_ticket {
    struct reef_ticket *next, *prev;
    struct reef_list *home; /* WAITING: the list that it is in */
    uint64_t id, tag;
    int64_t submitted_ms, deadline_ms;
    size_t heap_index;
    uint32_t count; /* commands, so replies owed */
    uint32_t got;   /* replies that came */
    uint32_t given; /* DONE: replies that the host took */
    uint32_t skip;  /* FLIGHT: abandoned replies that come before this one's first */
    reef_standing place;
    uint32_t link; /* OUT, FLIGHT: the link's index */
    bool repeatable;
    bool scripted; /* a script or function answers it, in words of its own */
    bool atomic;   /* MULTI to EXEC: nothing of it runs before its last byte is there */
    bool doubtful; /* was sent, lost its link, and waits again: it may have run */
    reef_errand errand; /* not NONE: internal, no caller is told */
    /* The Cluster's router: */
    bool asking;  /* ASKING stands before it in `wire` … */
    bool asked;   /* … and was answered while the rest was not sent */
    bool crossed; /* its keys live in different slots: these two, in `wire` */
    struct {
        uint32_t at, len;
    } keys[2];
    uint8_t hops;      /* redirects so far */
    uint16_t slot;     /* of its keys; REEF_NO_SLOT: it has none, or none is known */
    uint32_t bound;    /* to the node with this serial; 0: to none */
    uint32_t ask_at;   /* asking: the node that it was sent to; 0: none */
    uint32_t probe_of; /* it was put to another node in this one's place; 0: no */
    reef_later later;  /* the last pause was for that */
    uint64_t since;    /* no node serves its slot: the maps that were known by then */
    size_t len, sent;
    char *wire;
    reef_reply *replies[];
} reef_ticket;

typedef struct reef_list {
    reef_ticket *head, *tail;
    reef_ticket *near; /* put in by age last, or what stood before it */
    size_t count;
} reef_list;

void reef_list_push(reef_list *, reef_ticket *);
void reef_list_remove(reef_list *, reef_ticket *);
/* Puts it where its age belongs: a command that is tried again keeps its turn. */
void reef_list_insert_by_age(reef_list *, reef_ticket *);

/* ---- links -------------------------------------------------------------------- */

/*   FREE -> OPENING -> HELLO -> [AUTH] -> SETUP -> READY -> DRAINING
 *   Any of them -> CLOSING (a CLOSE is owed to the host) -> FREE, or -> FREE when the
 *   host reports the transport gone. */
typedef enum reef_link_state {
    REEF_LINK_FREE,
    REEF_LINK_OPENING,
    REEF_LINK_HELLO,
    REEF_LINK_AUTH,
    REEF_LINK_SETUP,
    REEF_LINK_READY,
    REEF_LINK_DRAINING,
    REEF_LINK_CLOSING
} reef_link_state;

typedef enum reef_duty {
    REEF_DUTY_SERVE, /* a server: commands, the password, the db */
    REEF_DUTY_WATCH  /* a Sentinel: questions and announcements */
} reef_duty;

typedef struct reef_link {
    struct reef_link *busy_next, *busy_prev;
    bool busy; /* it is in the engine's busy list */
    reef_link_state state;
    reef_duty duty;
    const char *drained; /* DRAINING: why it takes nothing new */
    bool quiet;          /* its end is no news */
    bool held;           /* READY: nothing more is written; what it owes may come */
    bool leaving;        /* DRAINING: its node was replaced, and it may not be silent */
    bool op_due;         /* OPENING: the host has not been told yet */
    bool sending;        /* a SEND is out and not answered */
    uint32_t index;      /* in the engine's array: the host's number for it */
    uint32_t skip_tail;  /* abandoned replies owed after the last ticket in flight */
    int64_t attempt_deadline_ms; /* of the step that the attempt is at, up to READY */
    int64_t shake_deadline_ms;   /* of the handshake, once the link is open */
    int64_t heard_ms;            /* last byte from the peer, or the connection itself */
    int64_t owes_ms;             /* since when it owes replies without a break */
    int64_t born_ms;
    int64_t told_ms; /* when HELLO was answered */
    bool served;     /* it was READY once */
    bool useful;     /* it answered a command */
    bool pinged;     /* an internal ping is in flight */
    reef_parser *parser;
    reef_list out, flight; /* not wholly sent; sent and owed */
    char *hello;           /* the handshake step being sent, wiped */
    size_t hello_len, hello_sent;
    uint32_t hello_due;  /* replies that the step still waits for */
    uint32_t hello_step; /* SETUP: which of its commands is answered next */
    uint32_t protocol;   /* what the handshake agreed on */
    char *stage;         /* REEF_STAGE_BYTES, for gathering; NULL until needed */
    char address[REEF_ADDRESS_TEXT]; /* where to */
    uint16_t port;
    bool local;
    reef_server server;
    reef_link_stats stats;
    uint32_t whose; /* the router's number for who is there */
} reef_link;

/* ---- routers ------------------------------------------------------------------ */

/* A topology. The engine calls it; it opens links and hands tickets to them. */
typedef struct reef_router {
    bool moves; /* another server may become the master: READONLY is a "not now" */
    /* A new command, while none waits: true, and it is on its way. NULL: wake does
     * it. */
    bool (*take)(reef_engine *, reef_ticket *);
    /* Something changed: serve what waits, or make what it takes. Idempotent. */
    void (*wake)(reef_engine *);
    /* HELLO was answered (server is filled in): REEF_OK, or why this node is the wrong
     * one. */
    reef_code (*accept)(reef_engine *, const reef_link *, reef_error *);
    void (*ready)(reef_engine *, reef_link *);
    /* The link is gone, or (DRAINING) takes nothing new. `why` is never NULL. */
    void (*down)(reef_engine *, reef_link *, const reef_error *why);
    /* A server said "not now" to a command that was put back among the waiting. */
    void (*not_now)(reef_engine *, reef_link *, const char *text);
    /* A caller's command was answered; it is in no list. True: by all that was said it
     * did not run, and the router has taken it back. NULL: "not now" is all there
     * is. */
    bool (*judge)(reef_engine *, reef_link *, reef_ticket *);
    /* Its deadline passed and no failure is known: what it was waiting for. */
    void (*waits_for)(const reef_engine *, const reef_ticket *, reef_error *);
    bool (*looking)(const reef_engine *); /* a name is being looked up */
    /* The time of an attempt's step is over. True: it got more. */
    bool (*late)(reef_engine *, reef_link *);
    int64_t (*deadline_ms)(const reef_engine *);
    void (*tend)(reef_engine *); /* make what is missing, though nothing waits */
    /* An errand of the router's was answered; its replies are all there. */
    void (*answered)(reef_engine *, reef_link *, const reef_ticket *);
    /* A push came on a link that watches. */
    void (*said)(reef_engine *, reef_link *, const reef_reply *push);
    /* An errand of the router's left the link unsent. */
    void (*unasked)(reef_engine *, reef_link *);
    void (*end)(reef_engine *); /* frees what it holds */
} reef_router;

extern const reef_router reef_router_direct;
extern const reef_router reef_router_sentinel;
extern const reef_router reef_router_cluster;

/* Growing pauses between attempts: full jitter, doubling. */
typedef struct reef_backoff {
    uint32_t step;
    int64_t until_ms;
} reef_backoff;

/* ---- dialling ----------------------------------------------------------------- */

/* One host and the link to it. Zero with link REEF_NO_LINK: nobody is dialled. */
typedef struct reef_dial {
    reef_host host;
    int link;    /* on its way or ready; REEF_NO_LINK */
    bool fresh;  /* a connection failed: the next look-up passes over the cache */
    bool denied; /* after NAMELESS: servers say that there is no such name */
    bool spent;  /* after SPENT: no further attempt at any of them can succeed */
    reef_lookup *lookup; /* whose endpoints are being tried; NULL: none, or no need */
    uint32_t tried;      /* of its endpoints */
    uint32_t hopeless;   /* of these: no further attempt at them can succeed */
    int64_t failed_ms;   /* when the last of them failed */
    int64_t left_ms;     /* since when nobody waits for it; 0: somebody does */
    uint32_t round;      /* how often all of them have failed */
    uint32_t attempts;   /* since a link was last ready */
    reef_backoff pause;  /* before the next attempt */
} reef_dial;

typedef enum reef_dialled {
    REEF_DIAL_WAITS,    /* for a look-up, or for a link's number */
    REEF_DIAL_OPENS,    /* its link is on its way */
    REEF_DIAL_NAMELESS, /* the name led nowhere; the next attempt comes after a pause */
    REEF_DIAL_SPENT     /* all endpoints have failed; likewise */
} reef_dialled;

/* dial.c */
/* Another host; its link and what is known of the one before are forgotten. */
void reef_dial_to(reef_engine *, reef_dial *, const reef_host *);
/* The next endpoint, when there is no link and no pause. `why`: of NAMELESS. */
reef_dialled reef_dial_next(reef_engine *, reef_dial *, reef_error *why);
/* Nobody wants it for now; a look-up under way is kept for a moment. */
void reef_dial_leave(reef_engine *, reef_dial *);
void reef_dial_forget(reef_engine *, reef_dial *); /* the look-up */
bool reef_dial_is_fixed(const reef_dial *);  /* an address or a path: all there is */
bool reef_dial_has_peers(const reef_dial *); /* one of several targets of a service */
bool reef_dial_late(reef_engine *, reef_dial *, reef_link *); /* router's late */
void reef_dial_ready(reef_engine *, reef_dial *);
/* Its link is gone. Sets the pause before the next attempt, where one is due. */
void reef_dial_down(reef_engine *, reef_dial *, const reef_link *, const reef_error *);
bool reef_dial_hopeless(reef_code); /* trying again can't help */

/* A single server. */
typedef struct reef_direct {
    reef_dial main;    /* the server */
    bool wanted;       /* tend: make a link though nothing waits */
    bool met;          /* a link was ready once */
    reef_backoff hold; /* LOADING and the like: before commands go out again */
} reef_direct;

/* ---- the engine --------------------------------------------------------------- */

/* What reef_stats tells of all links together. */
typedef struct reef_totals {
    uint64_t calls, answered, failed, unsure, retries, reconnects;
    uint64_t bytes_in, bytes_out;
    uint64_t dropped_events, dropped_pushes;
    uint64_t latency[REEF_LATENCY_BUCKETS];
} reef_totals;

struct reef_engine {
    reef_config config;
    int64_t now_ms;
    uint64_t random;
    uint64_t next_id;
    const reef_router *router;
    reef_direct direct;
    struct reef_sentinels *sentinels; /* NULL: no Sentinel */
    struct reef_cluster *cluster;     /* NULL: no Cluster */
    reef_link **links;                /* made when first needed */
    uint32_t link_count, link_cap;    /* of those that were made */
    uint32_t serve_max;               /* links to servers, at most */
    reef_link *busy_first, *busy_last;
    reef_link *warm; /* of a server, ready; NULL */
    reef_list waiting, done;
    reef_ticket **heap; /* by deadline */
    size_t heap_count, heap_cap;
    size_t pending, pending_bytes;
    size_t errands;     /* internal tickets, all of them in the heap */
    reef_error failure; /* why nothing can be sent now; REEF_OK: no reason is known */
    reef_reply *pushes[REEF_PUSHES_MAX];
    uint32_t push_first, push_count;
    size_t push_bytes;  /* that they hold: at most REEF_PUSH_BYTES_MAX */
    reef_event *events; /* REEF_EVENTS_MAX, a ring */
    uint32_t event_first, event_count;
    reef_totals totals;
    uint64_t connects;
    reef_resolver *resolver; /* NULL: no name was met yet */
    unsigned char key[REEF_SECRET_KEY];
    bool has_key;
};

/* ticket.c */
reef_ticket *reef_ticket_new(reef_engine *, const reef_cmd *const cmds[], size_t count);
reef_code reef_ticket_track(reef_engine *, reef_ticket *); /* into the deadline heap */
/* Ends it: replies that are missing get this code and text. Takes it out of the heap,
 * not out of a list: the caller has done that. */
void reef_ticket_end(reef_engine *, reef_ticket *, reef_code, const char *text);
void reef_ticket_free(reef_engine *, reef_ticket *);
/* Back among the waiting, as unsent. */
void reef_ticket_wait(reef_engine *, reef_ticket *);
/* The same, into a list of the router's. */
void reef_ticket_park(reef_list *, reef_ticket *);
/* ASKING before it, or not. */
void reef_ticket_ask(reef_ticket *, bool asking);
void reef_ticket_forget(reef_ticket *); /* frees the replies of an earlier attempt */
/* True when what the server said proves that the group did not run and time may mend
 * it. */
bool reef_ticket_not_now(const reef_ticket *, bool moves);
/* The text begins with a word that means "not now"; `whole`: with the server's phrase.
 * `moves`: another server may become the master. */
bool reef_text_not_now(const char *text, bool moves, bool whole);
/* Ends all that wait: no attempt can mend what went wrong. */
void reef_tickets_refuse(reef_engine *, const reef_error *why);

/* links.c */
/* A FREE one; or NULL, and room is being made where something old can go. */
reef_link *reef_link_take(reef_engine *, reef_duty);
void reef_link_open(reef_engine *, reef_link *, const char *address, uint16_t port,
                    bool local);
void reef_link_wipe(reef_link *);                /* frees what it holds */
void reef_link_stir(reef_engine *, reef_link *); /* it has something to do */
void reef_link_rest(reef_engine *, reef_link *); /* off the list, if it rests */

/* link.c */
/* True when it may take commands. A READY link that owes nothing and yet holds a part
 * of a reply would hand the rest of it to the next caller: it ends instead. */
bool reef_link_fit(reef_engine *, reef_link *);
void reef_link_submit(reef_engine *, reef_link *, reef_ticket *);
bool reef_link_op(reef_engine *, reef_link *, reef_op *out);
/* Another serves in the place of this link's node: as retire, but once it is silent it
 * ends at once. */
void reef_link_leave(reef_engine *, reef_link *, const char *text);
void reef_link_sent(reef_engine *, reef_link *, size_t len);
void reef_link_received(reef_engine *, reef_link *, size_t len);
/* The link ends: what was sent ends or is tried again, what was not waits again.
 * `gone`: the host closed the transport, so no CLOSE is owed. */
void reef_link_fail(reef_engine *, reef_link *, bool gone, const reef_error *why);
/* The ticket, in this link's lists, is past its deadline: it leaves the link. */
void reef_link_abandon(reef_engine *, reef_link *, reef_ticket *);
/* It takes nothing new, and ends once it owes nothing. What was not sent waits. */
void reef_link_retire(reef_engine *, reef_link *, const char *text);
/* Nothing more is written to it, until it goes on. What was not begun waits. */
void reef_link_hold(reef_engine *, reef_link *);
/* For how long it has owed replies in silence; 0: it owes none. */
int64_t reef_link_silence_ms(const reef_engine *, const reef_link *);

/* hello.c */
void reef_hello_start(reef_engine *, reef_link *);
void reef_hello_reply(reef_engine *, reef_link *, const reef_reply *);
bool reef_hello_running(const reef_link *);
void reef_hello_wipe(reef_link *); /* the step's bytes hold secrets */

/* report.c */
void reef_report_event(reef_engine *, reef_event_kind, const char *peer,
                       const char *text);
void reef_report_answer(reef_engine *, reef_link *, const reef_ticket *);
const char *reef_errno_text(int sys_errno); /* plain words, no locale */
void reef_peer_text(char out[REEF_PEER_TEXT], const char *address, uint16_t port,
                    bool local);
void reef_error_put(reef_error *, reef_code, int sys_errno, const char *peer,
                    const char *text);

/* engine.c, order.c */
/* Sets until_ms, and gives the pause. */
int64_t reef_backoff_next(reef_engine *, reef_backoff *);
void reef_engine_advance(reef_engine *, int64_t now_ms);
void reef_engine_push(reef_engine *, reef_reply *);
typedef struct reef_errand_order {
    reef_errand errand;
    const reef_cmd *const *cmds;
    size_t count;
    uint64_t tag;
    int64_t deadline_ms;
} reef_errand_order;
/* Sends a group of the engine's own. False: out of memory. */
bool reef_engine_errand(reef_engine *, reef_link *, const reef_errand_order *);
/* Why a ticket whose keys live in different slots is refused. */
void reef_ticket_crossed(const reef_ticket *, reef_error *why);
/* Fills in the slot of its keys. */
void reef_ticket_place(reef_ticket *, const reef_cmd *const cmds[], size_t count);
/* A number that is drawn: 0 to bound - 1. */
uint64_t reef_engine_below(reef_engine *, uint64_t bound);
/* True while callers' commands wait or are in flight. */
bool reef_engine_called(const reef_engine *);
/* Made when the first name is met. NULL: out of memory. */
reef_resolver *reef_engine_resolver(reef_engine *);

#endif
