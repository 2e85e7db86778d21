/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_in: the inside of the resolver, shared by its files.
 *
 *   dns_cache.c      records: an answer that is kept, and the cache of them
 *   exchange.c       one question, one server, one socket
 *   ask.c            one name and one type: the servers in turn and side by side
 *   resolve.c        life, files, routes, inputs and outputs
 *   leg.c            a question followed over its aliases
 *   lookup.c         the endpoints of a host, one after the other
 *   search.c         the names that a short one may stand for
 *   turn.c           the addresses of one target
 *   resolve_words.c  why a name led nowhere, and what was asked, in words
 *
 * Invariants that every input leaves behind:
 *   - an exchange that is neither FREE nor CLOSING belongs to one ask that is not
 *     settled; an ask belongs to the legs that hold it, and dies with the last of them;
 *   - nothing is started but in reef_resolver_next_op: inputs only note what happened
 *     and set `stir`;
 *   - after reef_resolver_next_op has said "none", every timer lies ahead of now_ms. */
#ifndef REEF_NET_RESOLVE_IN_H
#define REEF_NET_RESOLVE_IN_H
#include "net/resolve.h"

enum {
    REEF_ROUTE_CONFIGURED = 2 * REEF_NAMESERVERS_MAX, /* servers of the config */
    REEF_ROUTE_SYSTEM = 1 << REEF_ROUTE_CONFIGURED,   /* those of resolv.conf */
    REEF_CACHE_BYTES = 1048576,                       /* memory of all records in it */
    REEF_ENDPOINTS_MAX = 4096,                        /* that one look-up gives */
    REEF_LINGER_MS = 500, /* after the other addresses the last answer is waited for */
    REEF_PASSED_MAX = 64  /* targets that one look-up passes over in a millisecond */
};

/* ---- records ------------------------------------------------------------------ */

/* An answer that is kept. One block of memory, never changed, shared by count. */
typedef struct reef_records {
    uint32_t holders;
    uint32_t route;             /* the servers that it is the answer of: bits */
    size_t size;                /* of the block */
    reef_dns_question question; /* its id means nothing */
    reef_dns_answer answer;     /* the arrays lie in the block */
    reef_str message;           /* SRV: the names of the targets stand in it */
    char server[REEF_PEER_TEXT];
} reef_records;

/* A message just read; the answer's arrays lie in `room`. */
typedef struct reef_dns_reading {
    reef_dns_answer answer;
    reef_str message;
    void *room;
} reef_dns_reading;

/* A copy, held once. NULL: out of memory. */
reef_records *reef_records_new(const reef_dns_reading *, const reef_dns_question *,
                               uint32_t route, const char *server);
reef_records *reef_records_hold(reef_records *); /* NULL is fine */
void reef_records_drop(reef_records *);          /* NULL is fine */

typedef struct reef_cached {
    reef_records *records; /* NULL: the place is free */
    uint64_t since;        /* the count when it came */
    int64_t until_ms;
    uint64_t used; /* the count when it was used last */
} reef_cached;

/* What is looked for. */
typedef struct reef_cache_wish {
    const reef_dns_name *name;
    uint16_t type;
    uint32_t route;
    uint64_t since;
} reef_cache_wish;

typedef struct reef_dns_cache {
    size_t bytes;
    uint64_t used;
    reef_cached entries[REEF_CACHE_MAX];
} reef_dns_cache;

/* Held for the caller; NULL: there is none, its time is over, or it came before
 * `since`. */
reef_records *reef_dns_cache_find(reef_dns_cache *, const reef_cache_wish *,
                                  int64_t now_ms);
/* Takes the place of what it had for that question, when it may be kept at all. */
void reef_dns_cache_put(reef_dns_cache *, reef_records *, int64_t now_ms);
/* Forgets what came by any of these servers. */
void reef_dns_cache_forget(reef_dns_cache *, uint32_t route);

/* ---- exchanges ---------------------------------------------------------------- */

/*   FREE -> MADE (an OPEN is owed to the host) -> OPENING -> SENDING -> HEARING
 *   Any of them -> CLOSING (a CLOSE is owed) -> FREE, or -> FREE when the host reports
 *   the transport gone. */
typedef enum reef_exchange_state {
    REEF_EXCHANGE_FREE,
    REEF_EXCHANGE_MADE,
    REEF_EXCHANGE_OPENING,
    REEF_EXCHANGE_SENDING,
    REEF_EXCHANGE_HEARING,
    REEF_EXCHANGE_CLOSING
} reef_exchange_state;

typedef struct reef_exchange {
    reef_exchange_state state;
    bool tcp, edns;
    bool sending;    /* a SEND is out and not answered */
    uint32_t link;   /* the host's number for it */
    uint32_t server; /* which of its ask's */
    struct reef_ask *ask;
    int64_t began_ms, deadline_ms;
    uint32_t ignored;
    uint16_t id;
    size_t query_len, sent; /* TCP: with the length before it */
    size_t got, want;       /* of `in`; TCP: want 0 while the length is read */
    unsigned char *in;      /* UDP: REEF_DNS_DATAGRAM_MAX; TCP: `want` bytes */
    unsigned char prefix[2];
    unsigned char query[2 + REEF_DNS_QUERY_MAX];
} reef_exchange;

/* What is put to a server. */
typedef struct reef_exchange_how {
    const reef_dns_question *question; /* with its id */
    bool tcp, edns, trust_ad;
    int64_t now_ms, deadline_ms;
} reef_exchange_how;

typedef enum reef_heard {
    REEF_HEARD_NOTHING, /* it goes on */
    REEF_HEARD_ANSWER,  /* a reading was made; reef_dns_reading_free frees it */
    REEF_HEARD_NOMEM
} reef_heard;

/* Of a FREE one. False: out of memory, it stays FREE. */
bool reef_exchange_start(reef_exchange *, const reef_exchange_how *);
/* The op that it has for the host; OPEN's address is its ask's to fill in. */
bool reef_exchange_op(reef_exchange *, reef_op *out);
void reef_exchange_opened(reef_exchange *);
void reef_exchange_sent(reef_exchange *, size_t len);
void *reef_exchange_room(reef_exchange *, size_t *cap);
/* reef_exchange_room's bytes were filled. The reading borrows the exchange's memory. */
reef_heard reef_exchange_received(reef_exchange *, size_t len,
                                  const reef_dns_question *, reef_dns_reading *);
void reef_dns_reading_free(reef_dns_reading *);
/* It is over for us: CLOSING, or FREE when the host does not know of it. */
void reef_exchange_end(reef_exchange *);
/* It is over: FREE. */
void reef_exchange_gone(reef_exchange *);

/* ---- asks --------------------------------------------------------------------- */

typedef struct reef_name_server {
    char address[REEF_RESOLV_ADDRESS];
    uint16_t port;
} reef_name_server;

/* What is told of a server that did not help, from the least telling on. */
typedef enum reef_grief {
    REEF_GRIEF_NONE,
    REEF_GRIEF_SILENT,
    REEF_GRIEF_UNREACHABLE,
    REEF_GRIEF_SAID /* it answered, and not with what was asked for */
} reef_grief;

typedef struct reef_ask {
    reef_dns_question question;
    uint32_t route;
    uint32_t generation; /* the resolver's when it was made */
    uint32_t holders;
    bool settled;
    reef_records *records; /* settled: what came of it; NULL: `why` nothing did */
    reef_error why;        /* until it is settled: the most telling grief so far */
    reef_grief grief;      /* how telling it is */

    /* how */
    bool tcp, trust_ad;
    uint32_t attempts, timeout_ms;
    uint32_t server_count;
    reef_name_server servers[REEF_ROUTE_CONFIGURED];

    /* how far; bits are by server */
    int64_t began_ms;
    uint32_t tries; /* exchanges so far */
    uint32_t first; /* the server that was asked first */
    uint32_t round, turn;
    bool pausing;        /* between two rounds */
    int64_t due_ms;      /* the next attempt; INT64_MAX: no more */
    bool starved;        /* it is due, and no exchange was free */
    uint32_t out;        /* failed: not asked again */
    uint32_t plain;      /* asked without EDNS from now on */
    uint32_t again;      /* to be asked at once, without EDNS */
    uint32_t stream;     /* to be asked at once, over TCP */
    reef_records *spare; /* an answer that TCP may complete … */
    int64_t spare_ms;    /* … until then */
} reef_ask;

/* Shares the one that asks the same, or makes one, which asks `server` first where that
 * is among its servers. NULL: out of memory, or (`full`) all are in use. */
reef_ask *reef_ask_get(reef_resolver *, const reef_dns_question *, uint32_t route,
                       const char *server, bool *full);
/* What it has, now that nobody waits any longer; borrowed; NULL: nothing. */
reef_records *reef_ask_spare(const reef_ask *);
/* `late`: since time is over; else it is not needed any more. */
void reef_ask_drop(reef_resolver *, reef_ask *, bool late);
/* Starts what is due. */
void reef_ask_pump(reef_resolver *);
int64_t reef_ask_deadline_ms(const reef_ask *);
/* What came of one of its exchanges. */
void reef_ask_heard(reef_resolver *, reef_exchange *, const reef_dns_reading *);
void reef_ask_closed(reef_resolver *, reef_exchange *, int sys_errno);
void reef_ask_silent(reef_resolver *, reef_exchange *);
void reef_ask_starved(reef_resolver *, reef_exchange *); /* out of memory */

/* ---- the resolver ------------------------------------------------------------- */

typedef struct reef_route {
    reef_name_server server;
    bool usable;          /* its domain is a name */
    reef_dns_name domain; /* len 1: for every name */
} reef_route;

struct reef_resolver {
    int64_t now_ms;
    bool stir;  /* something may have to be started */
    bool moved; /* a look-up has what it waited for */
    bool had_files;
    int64_t files_ms;    /* when FILES was given out last */
    uint32_t generation; /* how many resolv.confs it has had */
    uint32_t first_link, route_count, rotor;
    reef_route routes[REEF_ROUTE_CONFIGURED];
    reef_resolvconf conf;
    reef_hosts hosts;
    reef_random random;
    reef_look *trace;
    int64_t traced_ms; /* when the first exchange of the trace began */
    reef_exchange exchanges[REEF_EXCHANGES_MAX];
    reef_ask *asks[REEF_ASKS_MAX];
    reef_lookup *lookups[REEF_LOOKUPS_MAX];
    reef_dns_cache cache;
};

/* The servers to ask for a name, as bits; `fallback`: those for a name that no domain
 * fits; 0: the configured ones without a domain, or the system's. */
uint32_t reef_resolver_route(const reef_resolver *, const reef_dns_name *,
                             uint32_t fallback);

/* ---- legs --------------------------------------------------------------------- */

/* One type of one name, followed over the aliases that servers do not follow. */
typedef struct reef_leg {
    bool open; /* not at its end yet */
    uint16_t type;
    uint32_t fallback;
    uint64_t since; /* only what was cached from then on will do */
    char *server;   /* REEF_PEER_TEXT bytes: who answered last, and so is asked first */
    reef_ask *ask;
    reef_records *records; /* at its end: what came of it; NULL: `why` nothing did */
    reef_error why;
    uint32_t name_count; /* the name, its alias, the alias' alias */
    reef_dns_name names[REEF_ALIASES_MAX + 1];
} reef_leg;

/* Of a leg that holds nothing, but has type, fallback, since and server set. */
void reef_leg_start(reef_resolver *, reef_leg *, const reef_dns_name *);
void reef_leg_step(reef_resolver *, reef_leg *);
/* Ends it with what it has and this reason. */
void reef_leg_expire(reef_resolver *, reef_leg *, const reef_error *why);
void reef_leg_drop(reef_resolver *,
                   reef_leg *); /* lets go of all; of a zero one, too */
/* It ended with this outcome. */
bool reef_leg_is(const reef_leg *, reef_dns_outcome);
/* It ended with NXDOMAIN or NODATA. */
bool reef_leg_denied(const reef_leg *);

/* ---- look-ups ----------------------------------------------------------------- */

typedef struct reef_addresses {
    uint32_t count, next; /* those before `next` were given */
    char text[REEF_ADDRESSES_MAX][REEF_RESOLV_ADDRESS];
} reef_addresses;

typedef enum reef_lookup_phase {
    REEF_PHASE_NEW,  /* nothing was asked */
    REEF_PHASE_SRV,  /* the records of the service are asked for */
    REEF_PHASE_TURN, /* the addresses of the target whose turn it is */
    REEF_PHASE_DONE  /* all targets had their turn, or it failed */
} reef_lookup_phase;

struct reef_lookup {
    reef_resolver *resolver;
    char name[REEF_NAME_MAX + 1];
    bool srv, fresh;
    uint16_t port;
    uint64_t since; /* the count of the cache when it began */
    int64_t began_ms, deadline_ms;

    reef_lookup_phase phase;
    char server[REEF_PEER_TEXT]; /* who answered last; "": nobody so far */
    bool expired;                /* the deadline passed */
    bool denied;                 /* DONE, as servers said that there is nothing */
    bool wanted;            /* there is nothing to give, and somebody waits for more */
    bool dns;               /* a server gave addresses */
    bool hosts;             /* the hosts file did */
    reef_lookup_state told; /* what who asks knows */
    reef_error why;         /* why there is nothing; code REEF_OK: nothing went wrong */

    /* the search list */
    uint32_t candidate; /* the next to be tried */
    uint32_t denial;    /* how telling `why` is among those that were */

    /* the service */
    reef_records *records;
    uint32_t turn_count, turn;
    reef_draw *order;   /* by turn: which record */
    uint32_t why_count; /* why targets were passed over, for the first turns */
    char (*whys)[REEF_ERROR_TEXT];
    uint32_t passed;   /* how many were passed over … */
    int64_t passed_ms; /* … at that time */

    /* the target whose turn it is */
    reef_leg legs[2];    /* SRV, then A and AAAA */
    bool taken[2];       /* its addresses are in the lists */
    int last;            /* the family that was given last; -1: none was */
    int64_t known_ms;    /* since when there is an address */
    uint32_t ttl;        /* of its addresses */
    reef_addresses v[2]; /* v4, v6 */

    /* what was given, in order, for the next round */
    uint32_t given_count, given_cap, cursor;
    reef_endpoint *given;
};

/* Does what can be done without waiting. */
void reef_lookup_step(reef_lookup *);
int64_t reef_lookup_deadline_ms(const reef_lookup *);
/* Expires if its time is over: what has no answer by now gets none. */
void reef_lookup_late(reef_lookup *);
void reef_lookup_end(reef_lookup *, const reef_error *); /* DONE, for this reason */
void reef_lookup_drop_legs(reef_lookup *);
/* Only what was cached from then on will do. */
uint64_t reef_lookup_since(const reef_lookup *);

/* The next name that the look-up's may stand for; false: there is none left. */
bool reef_search_next(reef_lookup *, reef_dns_name *out);
/* One of them was denied. */
void reef_search_denied(reef_lookup *, const reef_leg *);
/* All of them were: DONE. */
void reef_search_end(reef_lookup *);

/* The turn of the target l->turn begins. */
void reef_turn_begin(reef_lookup *);
/* Does what can be done; true: something changed, look again. */
bool reef_turn_step(reef_lookup *);
/* The family of the next address to give: 0 or 1; -1: none for now. */
int reef_turn_pick(const reef_lookup *);
bool reef_turn_open(const reef_lookup *);  /* an answer is out */
bool reef_turn_known(const reef_lookup *); /* it has an address, given or not */
/* So many targets were passed over in this millisecond that the next one waits for
 * another: nobody who holds a lock is kept by a list of thousands. */
bool reef_turn_rests(const reef_lookup *);
/* When an answer that is out is waited for no longer, as there were addresses. */
int64_t reef_turn_linger_ms(const reef_lookup *);
/* That this leg came to nothing in time. */
void reef_turn_late(const reef_lookup *, const reef_leg *, reef_error *);
/* The record of a target. */
const reef_dns_srv *reef_turn_srv(const reef_lookup *, uint32_t turn);

/* ---- words -------------------------------------------------------------------- */

enum {
    REEF_WORDS_NAME = 64,  /* a name in a sentence is cut there … */
    REEF_WORDS_PEER = 48,  /* … and a server there … */
    REEF_WORDS_ASKED = 102 /* … and a name with its alias there */
};

/* A name as it stands in sentences: cut, with dots behind it, when long. */
typedef struct reef_words_name {
    char text[REEF_WORDS_NAME + 4];
} reef_words_name;
reef_words_name reef_words_cut(const char *text);
reef_words_name reef_words_of(const reef_dns_name *);

/* What it means that a leg ended with records of another outcome than OK. */
void reef_words_outcome(reef_error *, const reef_leg *);
/* What a server's refusal of any kind means. */
void reef_words_said(reef_error *, const reef_ask *, uint32_t server,
                     const reef_dns_answer *);
void reef_words_unreachable(reef_error *, const reef_ask *, const reef_exchange *,
                            int sys_errno);
/* Nobody answered: for good, by the end of its time, or so far. */
typedef enum reef_quiet { REEF_QUIET_ALL, REEF_QUIET_LATE, REEF_QUIET_YET } reef_quiet;
void reef_words_silent(reef_error *, const reef_ask *, int64_t now_ms, reef_quiet);
/* The same, or what a server said that is more telling. */
void reef_words_waiting(reef_error *, const reef_ask *, int64_t now_ms, reef_quiet);
void reef_words_put(reef_error *, const char *text);
void reef_words_nomem(reef_error *);

/* How an exchange ended. `reading` NULL: as `outcome` and `text` say. */
typedef struct reef_words_entry {
    const reef_dns_reading *reading;
    const char *outcome, *text;
} reef_words_entry;
void reef_words_step(reef_resolver *, const reef_exchange *, const reef_words_entry *);

/* 4 or 16 bytes as text (RFC 5952). */
void reef_address_text(char out[REEF_RESOLV_ADDRESS], const unsigned char *bytes,
                       size_t len);

#endif
