/* SPDX-License-Identifier: Apache-2.0
 *
 * net: the engine (the whole client as a state machine without I/O) and the blocking,
 * thread-safe client around it.
 *
 * How a command ends, whichever door it came in by:
 *   - it was never sent: REEF_UNSENT, REEF_CONNECT, REEF_DNS, REEF_AUTH, REEF_NOROUTE
 *     (no server that is named says that it is the master), REEF_BADCONFIG,
 *     REEF_BADARG. Until its deadline reef tries again by itself where that may help.
 *   - it was sent and no answer came: REEF_UNSURE, unless it was marked repeatable;
 *     then it is sent again until the deadline. What came in its place was no RESP, or
 *     over a budget: REEF_PROTOCOL; a reply that is too large is never asked for again.
 *   - the server answered: REEF_OK or REEF_REFUSED. Answers that prove that the command
 *     did not run and that time mends (LOADING, MASTERDOWN, BUSY; through Sentinels
 *     READONLY and NOREPLICAS, too: another server may become the master) are waited
 *     out within the deadline; what the server said last is the result.
 *
 * With master_name in the config the hosts are Sentinels: each lane asks and hears all
 * of them, and commands go to the master, which has said on that connection that it is
 * one. During a fail-over calls wait, within their deadlines. Reads go to the master,
 * too. */
#ifndef REEF_NET_H
#define REEF_NET_H
#include "config/config.h"

/* ---- what both doors share ---------------------------------------------------- */

/* Limits. Passing one of the first three is REEF_LIMIT; of events and pushes, which are
 * kept until the caller pulls them, the oldest go first. Latency bucket i counts calls
 * that took less than 2^i ms; the last, the rest. */
enum {
    REEF_GROUP_MAX = 65536,        /* commands in one group: a MULTI with its EXEC */
    REEF_PIPELINE_MAX = 1048576,   /* commands in one reef_pipeline */
    REEF_PENDING_MAX = 1048576,    /* commands that one engine holds at once */
    REEF_EVENTS_MAX = 64,          /* events kept */
    REEF_PUSHES_MAX = 64,          /* pushes kept */
    REEF_PUSH_BYTES_MAX = 1048576, /* memory that these pushes hold in all */
    REEF_LATENCY_BUCKETS = 18,
    REEF_STATS_LINKS = 64, /* links in one snapshot */
    REEF_PEER_TEXT = 120   /* "host:port", "[v6]:port" or "unix:/path" */
};

/* Refused before anything is sent, since it would break a connection that others share:
 * subscriptions, MONITOR, blocking commands, MULTI without its EXEC in the same
 * pipeline, WATCH, CLIENT REPLY, HELLO, RESET, QUIT, AUTH, SELECT and the like.
 * REEF_OK, or REEF_BADARG with the reason. `in_multi` says that MULTI opened before
 * it. */
reef_code reef_cmd_shareable(const reef_cmd *, bool in_multi, reef_error *);

/* The hash slot of a key, 0 to 16383: CRC16/XMODEM of the key, or of its {tag} (cluster
 * specification, "hash tags"). */
uint32_t reef_key_slot(reef_str key);

typedef enum reef_event_kind {
    REEF_EVENT_CONNECTED, /* handshake done */
    REEF_EVENT_LOST,      /* a ready link ended; the text says why */
    REEF_EVENT_FAILED,    /* an attempt to connect ended before it was ready */
    REEF_EVENT_RETRIED,   /* a command is sent again; the text says why */
    REEF_EVENT_REFUSED,   /* the server refused our credentials or settings */
    REEF_EVENT_HELD,      /* a fail-over has begun: calls wait for the new master */
    REEF_EVENT_RESUMED,   /* it came to nothing: calls go on with the old one */
    REEF_EVENT_SWITCHED,  /* another server is the master; the text says whose word */
    REEF_EVENT_MAP,       /* the map of a Cluster has changed */
    REEF_EVENT_MOVED      /* a slot has moved to another node of a Cluster */
} reef_event_kind;

typedef struct reef_event {
    reef_event_kind kind;
    int64_t at_ms; /* the engine's clock */
    char peer[REEF_PEER_TEXT];
    char text[REEF_ERROR_TEXT];
} reef_event;

const char *reef_event_name(reef_event_kind); /* "connected", "lost", … */

typedef struct reef_link_stats {
    char peer[REEF_PEER_TEXT];
    bool ready;
    uint32_t protocol;  /* 2 or 3; 0 before the handshake */
    uint32_t in_flight; /* commands sent and not answered */
    uint64_t connects;
    uint64_t calls; /* commands answered */
    uint64_t bytes_in, bytes_out;
    uint64_t latency[REEF_LATENCY_BUCKETS]; /* submit to answer */
} reef_link_stats;

typedef struct reef_stats {
    uint64_t calls;      /* commands taken */
    uint64_t answered;   /* of these, answered by a server, errors included */
    uint64_t failed;     /* of these, ended without an answer */
    uint64_t unsure;     /* ended as REEF_UNSURE */
    uint64_t retries;    /* commands sent again, or routed anew */
    uint64_t reconnects; /* connections made after the first of their lane */
    uint64_t bytes_in, bytes_out;
    uint64_t dropped_events, dropped_pushes;
    uint64_t latency[REEF_LATENCY_BUCKETS];
    uint32_t link_count;
    reef_link_stats links[REEF_STATS_LINKS];
} reef_stats;

/* What the server said of itself in its HELLO; empty texts where it had no HELLO. */
typedef struct reef_server {
    char peer[REEF_PEER_TEXT];
    char server[32];  /* "redis", "valkey" */
    char version[32]; /* "7.0.15" */
    char mode[16];    /* "standalone", "cluster", "sentinel" */
    char role[16];    /* "master", "replica" */
    uint32_t protocol;
} reef_server;

/* ---- Sentinels: what each of them believes ------------------------------------ */

enum { REEF_SENTINELS_MAX = 32 /* known at once: configured, looked up, learnt */ };

typedef enum reef_sentinel_state {
    REEF_SENTINEL_SILENT,  /* not reached, or no answer; `why` */
    REEF_SENTINEL_WRONG,   /* it is no Sentinel, or refuses us; `why` */
    REEF_SENTINEL_UNKNOWN, /* it knows no master of that name; `names`: who it knows */
    REEF_SENTINEL_KNOWS
} reef_sentinel_state;

typedef struct reef_sentinel_view {
    reef_sentinel_state state;
    char peer[REEF_PEER_TEXT];
    bool configured; /* or from a configured name; else learnt from another Sentinel */
    bool watched;    /* its announcements are heard */
    char id[41];     /* "" where it tells none */
    char version[32];
    char why[REEF_ERROR_TEXT];
    char names[REEF_ERROR_TEXT];
    uint32_t took_ms; /* of its last answer */
    /* KNOWS: what it believes of the master. */
    char master[REEF_PEER_TEXT];
    uint64_t epoch;          /* of its configuration: higher is newer */
    uint32_t quorum, others; /* other Sentinels that it knows */
    uint32_t replicas;
    char flags[96]; /* "master", "s_down,o_down,master,failover_in_progress", and "tilt"
                     * where its clock jumped */
} reef_sentinel_view;

typedef struct reef_topology {
    bool sentinel;               /* false: a single server, and nothing below */
    bool held;                   /* a fail-over is under way: calls wait */
    bool early;                  /* the master is not announced yet */
    char master[REEF_PEER_TEXT]; /* that calls go to; "": none */
    char next[REEF_PEER_TEXT];   /* held: the replica that was selected */
    uint64_t epoch;
    uint32_t sentinel_count;
    reef_sentinel_view sentinels[REEF_SENTINELS_MAX];
} reef_topology;

/* ---- Clusters: their nodes, and what these say --------------------------------- */

enum {
    REEF_SLOT_COUNT = 16384,
    REEF_NODES_MAX = 1000, /* nodes of one cluster */
    REEF_NODE_ID = 40      /* characters of a node's id, hexadecimal */
};

/* A server that commands can be sent to by name. */
typedef struct reef_member {
    char id[REEF_NODE_ID + 1]; /* the cluster's name for it; "": no Cluster, and the one
                                * server that calls go to */
    char peer[REEF_PEER_TEXT];
    bool master;
    uint32_t slots; /* that it serves as a master; where there is no Cluster all */
} reef_member;

/* The roster: the text that CLUSTER NODES answers with, one line a node. Read line by
 * line, without allocation; lines that do not have the form are passed over. Words are
 * borrowed from the text. */
typedef struct reef_roster_row {
    char id[REEF_NODE_ID + 1];
    char master_id[REEF_NODE_ID + 1]; /* of a replica; else "" */
    reef_str host;                    /* an address; "": not known */
    reef_str hostname;                /* that is announced; "": none */
    uint16_t port;                    /* 0: not known */
    bool myself;                      /* the node that was asked */
    bool master, replica;
    bool suspected, failed;   /* flags fail? and fail */
    bool handshake, homeless; /* not yet, or without an address (noaddr) */
    bool connected;           /* its link to the one that was asked */
    uint64_t epoch; /* of its configuration: the higher claim to a slot wins */
    reef_str slots; /* the rest of the line, for reef_roster_span_next */
} reef_roster_row;

/* Takes the next line off the text; false: none left. */
bool reef_roster_next(reef_str *text, reef_roster_row *out);

typedef enum reef_roster_kind {
    REEF_SPAN_OWNED,
    REEF_SPAN_MIGRATING, /* one slot, on its way to `other`; the row's node owns it */
    REEF_SPAN_IMPORTING  /* one slot, on its way from `other` */
} reef_roster_kind;

typedef struct reef_roster_span {
    reef_roster_kind kind;
    uint32_t first, last; /* slots, both included */
    char other[REEF_NODE_ID + 1];
} reef_roster_span;

/* Takes the next range off a row's slots; false: none left. What is no range is passed
 * over. */
bool reef_roster_span_next(reef_str *slots, reef_roster_span *out);

/* ---- the engine: no sockets, clock, threads or randomness of its own ---------- */

/* Not thread-safe. Same inputs in the same order, same outputs. The host feeds it
 * events (opened, sent, received, closed, tick, submit), and after each of them
 * it drains next_op, next_done and next_push. now_ms never goes back; a smaller value
 * counts as the largest seen. */
typedef struct reef_engine reef_engine;

/* Copies the config (and wipes its copy when freed). `seed` feeds back-off jitter
 * alone. NULL: out of memory. */
reef_engine *reef_engine_new(const reef_config *, uint64_t seed, int64_t now_ms);
void reef_engine_free(reef_engine *); /* NULL is fine; pending commands are forgotten */

/* What names are looked up by. The text of a hosts file (hosts(5)); "localhost" needs
 * no line. The text of a resolv.conf (resolv.conf(5)), which counts where the config
 * names no server, and the machine's own name. Both are copied: REEF_OK or
 * REEF_NOMEM. */
reef_code reef_engine_hosts(reef_engine *, reef_str text);
reef_code reef_engine_resolv_conf(reef_engine *, reef_str text, reef_str local_name);
/* A secret from the system's generator (reef_random_bytes), from which the ids of DNS
 * queries are drawn. Without it no name is asked for: a guessed id is how answers are
 * forged. */
enum { REEF_SECRET_KEY = 16 };
void reef_engine_key(reef_engine *, const unsigned char key[REEF_SECRET_KEY]);

typedef enum reef_op_kind {
    REEF_OP_NONE,
    REEF_OP_OPEN,  /* connect `link` to address and port; answer: opened or closed */
    REEF_OP_SEND,  /* send from `bytes`; answer: sent, with what was taken */
    REEF_OP_CLOSE, /* close at once; no answer, the link's number is free afterwards */
    REEF_OP_FILES  /* names will be looked up: give hosts file and resolv.conf again if
                    * they have changed, before the next op; no answer */
} reef_op_kind;

typedef struct reef_op {
    reef_op_kind kind;
    uint32_t link;                   /* the engine's name for one transport */
    bool local;                      /* OPEN: address is a socket path */
    bool datagram;                   /* OPEN: UDP, connected; otherwise a stream */
    uint16_t port;                   /* OPEN */
    char address[REEF_NAME_MAX + 1]; /* OPEN: numeric or path */
    reef_str bytes;                  /* SEND: valid until the next engine call */
} reef_op;

/* The next thing to do; false: none. After a SEND no other SEND for that link comes
 * until reef_engine_sent answers it: at once with what the socket took, or with 0 once
 * a socket that was full can take more. */
/* A datagram link sends and receives one whole message at a time. Each is opened for
 * one question, from a port of its own, and receives from nobody but whom it is
 * connected to. */
bool reef_engine_next_op(reef_engine *, reef_op *out);
void reef_engine_opened(reef_engine *, uint32_t link, int64_t now_ms);
void reef_engine_sent(reef_engine *, uint32_t link, size_t len, int64_t now_ms);
/* Where to receive; NULL: out of memory or no such link (report it closed). */
void *reef_engine_room(reef_engine *, uint32_t link, size_t *cap);
void reef_engine_received(reef_engine *, uint32_t link, size_t len, int64_t now_ms);
/* The transport ended or never came about. sys_errno 0: the peer closed in good order.
 * The engine lets go of the number at once; no CLOSE follows. */
void reef_engine_closed(reef_engine *, uint32_t link, int sys_errno, int64_t now_ms);
void reef_engine_tick(reef_engine *, int64_t now_ms);
/* When to call tick, at the latest; INT64_MAX: no need. */
int64_t reef_engine_deadline_ms(const reef_engine *);

/* One command, or several that go out back to back on one connection and share one fate
 * (a MULTI with its EXEC). Copied. Each command completes exactly once, by deadline_ms:
 * ticket for the first, ticket + 1 for the second, and so on. `tag` comes back with
 * each. 0: out of memory or over REEF_PENDING_MAX, nothing completes. */
uint64_t reef_engine_submit(reef_engine *, const reef_cmd *const cmds[], size_t count,
                            uint64_t tag, int64_t deadline_ms, int64_t now_ms);

typedef struct reef_done {
    uint64_t ticket;
    uint64_t tag;
    uint32_t index;    /* of the command in its group */
    reef_reply *reply; /* never NULL; the taker frees it */
} reef_done;

/* The same, to the node of that id alone, wherever its slots are; it is not redirected.
 * REEF_NOROUTE: no such node is in the map. "": as submit. */
typedef struct reef_order {
    const reef_cmd *const *cmds;
    size_t count;
    uint64_t tag;
    int64_t deadline_ms;
    const char *node_id;
} reef_order;
uint64_t reef_engine_order(reef_engine *, const reef_order *, int64_t now_ms);

bool reef_engine_next_done(reef_engine *, reef_done *out);
bool reef_engine_next_push(reef_engine *, reef_reply **out); /* the taker frees it */
bool reef_engine_next_event(reef_engine *, reef_event *out);
/* Gives a done reply's memory back, so that the next one needs no allocation. */
void reef_engine_recycle(reef_engine *, reef_reply *);

/* The nodes that commands can be sent to: at most `cap` are written, the count of all
 * is returned. Of a Cluster those of its map; else the one server, with the id "". */
size_t reef_engine_members(const reef_engine *, reef_member *out, size_t cap);
/* Keys of different slots may be on different servers: a Cluster, or not known yet. */
bool reef_engine_is_spread(const reef_engine *);

void reef_engine_stats(const reef_engine *, reef_stats *out);
/* False while no link is ready. */
bool reef_engine_server(const reef_engine *, reef_server *out);
/* Asks every Sentinel anew, until then at the latest; nothing where there are none. */
void reef_engine_survey(reef_engine *, int64_t until_ms, int64_t now_ms);
bool reef_engine_surveyed(const reef_engine *); /* each has answered or failed */
void reef_engine_topology(const reef_engine *, reef_topology *out);
/* True while a command waits or is in flight, or a link is being made. */
bool reef_engine_busy(const reef_engine *);
/* Idle work: pings links that were silent for REEF_IDLE_PING_MS and makes a link that
 * is missing. A link that does not answer its ping is closed. */
void reef_engine_tend(reef_engine *, int64_t now_ms);

enum {
    REEF_IDLE_PING_MS = 15000, /* tend: a link silent for that long is pinged */
    REEF_BACKOFF_MIN_MS = 5,   /* reconnecting: full jitter, doubling from here … */
    REEF_BACKOFF_MAX_MS = 250, /* … to here */
    REEF_ADDRESSES_MAX = 16,   /* addresses of one name that are tried in turn */
    /* For one of several addresses to let itself be connected to; five times that for
     * the handshake with it. Doubled each time that all have failed, up to
     * connect_timeout, which an only address has from the start. */
    REEF_DIAL_MS = 300,
    /* For a Sentinel to be reached and to answer; doubled each time that it was too
     * little, up to connect_timeout. All are asked at once, so nobody waits for one. */
    REEF_SENTINEL_MS = 300,
    REEF_SENTINEL_ASK_MS = 1000, /* each Sentinel is asked that often */
    REEF_PROBE_MS = 4,           /* a selected replica is asked for its role so often */
    REEF_LINKS_MAX = 1048, /* to nodes and Sentinels, with old ones that owe answers */
    REEF_TRANSPORTS_MAX =
        1064 /* with those to name servers; links have lower numbers */
};

/* ---- the blocking client: safe to share between any number of threads --------- */

/* Threads that call at the same time share `lanes` connections: their commands are
 * pipelined, one thread drives the sockets while the others wait for their own reply,
 * and the role is handed on. No thread is started. After fork() only the parent may use
 * the client. */
typedef struct reef_client reef_client;

/* Reads the hosts file and resolv.conf (and again when they have changed); connects
 * to nothing yet, so that a server which is down delays the first call, not the
 * start. NULL: `error` says why (REEF_BADCONFIG, REEF_NOMEM). */
reef_client *reef_open(const reef_config *, reef_error *error);
/* Closes connections and frees. No call may be running. NULL is fine. */
void reef_close(reef_client *);

/* timeout_ms covers the whole call: name look-up, connecting, handshake, waiting,
 * retries. 0 takes call_timeout of the config; negative is REEF_BADARG. Never NULL; the
 * caller frees the reply. */
reef_reply *reef_call(reef_client *, const reef_cmd *, int64_t timeout_ms);

/* ---- several nodes, several keys: the same on a single server ------------------- */

/* Whom a command goes to that is meant for more than one. */
typedef enum reef_whom {
    REEF_WHOM_MASTERS, /* every node that serves slots */
    REEF_WHOM_ALL      /* replicas as well */
} reef_whom;

typedef struct reef_answers {
    size_t count;
    struct reef_answer {
        reef_member member;
        reef_reply *reply; /* never NULL */
    } items[];
} reef_answers;

/* Puts one command to every master or to every node, all at once; each answer has a
 * fate of its own. Without a Cluster there is one node, the server (or the master that
 * the Sentinels name). The nodes are those of the newest map; connects if need be.
 * NULL: `error` says why nobody could be asked. The caller frees. */
reef_answers *reef_call_nodes(reef_client *, const reef_cmd *, reef_whom,
                              int64_t timeout_ms, reef_error *error);
void reef_answers_free(reef_answers *); /* NULL is fine */
/* The nodes alone: as above, each with a reply that is NULL. */
reef_answers *reef_client_members(reef_client *, int64_t timeout_ms, reef_error *error);

/* One command for each of many keys, wherever they live: sent at once, each to the node
 * of its key. replies[i] is of keys[i], never NULL, and has a fate of its own: a node
 * that is down fails its own keys and no others. GET gives a string or nil; the others
 * 1 or 0. Keys one by one, not grouped into MGET and the like: one key of another type,
 * or a slot that is just moving, would spoil its neighbours' answers. GET, EXISTS and
 * TOUCH may be sent again until the deadline; a DEL that was cut off is REEF_UNSURE. */
typedef enum reef_verb {
    REEF_VERB_GET,
    REEF_VERB_DEL,
    REEF_VERB_EXISTS,
    REEF_VERB_TOUCH
} reef_verb;

void reef_call_keys(reef_client *, reef_verb, const reef_str keys[], size_t count,
                    int64_t timeout_ms, reef_reply *replies[]);

/* Walks over all keys of all masters, several masters at a time. Every key that is
 * there from the first call to the last is given, and none twice: also when a master
 * fails over or restarts meanwhile (its part is walked again), and when slots move
 * between masters (they are walked again where they went). Keys that come or go
 * meanwhile may be given or not. Not for use by two threads at once. Remembers
 * REEF_SCAN_MEMORY bytes for each key that it gave, up to REEF_SCAN_MAX keys.
 *
 * What nobody can see is not promised: keys of a slot whose hand-over begins, moves
 * keys and is taken back whole between two looks at the masters (one comes before each
 * walk over them and one after it). It takes MULTI, EXEC and INFO to notice a restart,
 * and on a Cluster CLUSTER NODES to notice slots that are handed over key by key: a
 * user who may not use these gets keys all the same, and so does one of a server that
 * is full ("OOM", it queues nothing), but then what they would show is missed. */
enum { REEF_SCAN_MAX = 16777216, REEF_SCAN_MEMORY = 32 };

typedef struct reef_scan reef_scan;
typedef struct reef_scan_options {
    reef_str match; /* a pattern as SCAN takes it; empty: all keys */
    reef_str type;  /* "string", …; empty: all */
    uint32_t count; /* keys that one step looks at; 0: 1,000 */
} reef_scan_options;

/* Asks nobody yet. Options are copied; NULL: none. NULL: `error` says why. */
reef_scan *reef_scan_new(reef_client *, const reef_scan_options *, reef_error *error);
/* The next key, which lives until the next call. REEF_OK; REEF_NOT_FOUND: that were
 * all; else it failed, says why, and goes on where it was when it is called again.
 * timeout_ms is for this call. */
reef_code reef_scan_next(reef_scan *, int64_t timeout_ms, reef_str *key,
                         reef_error *error);
void reef_scan_free(reef_scan *); /* NULL is fine */

/* True where keys of different slots may live on different servers: on a Cluster, and
 * as long as nobody was asked yet. */
bool reef_client_is_spread(reef_client *);

/* ---- pipelines ------------------------------------------------------------------ */

/* Sends all at once; replies[i] answers cmds[i] and is never NULL; each has a fate of
 * its own, but a MULTI and what follows it to its EXEC share one. Commands for one key
 * run in this order, also where they are redirected, or wait for a new master. But one
 * that a server refuses for the moment (TRYAGAIN, NOREPLICAS, CLUSTERDOWN, LOADING) is
 * sent again, and those behind it may have run by then: what must not run before
 * another belongs into one MULTI with it. The caller frees replies. */
void reef_pipeline(reef_client *, const reef_cmd *const cmds[], size_t count,
                   int64_t timeout_ms, reef_reply *replies[]);

/* For cgo: the arguments end to end in `bytes`, no pointer inside a pointer. key_index
 * is the argument that picks the slot, or -1. Never NULL; the caller frees. */
reef_reply *reef_call_flat(reef_client *, const char *bytes, const uint32_t lens[],
                           uint32_t count, int32_t key_index, bool repeatable,
                           int64_t timeout_ms);

/* Idle work for hosts that want it, from any thread, at any time: takes what has
 * arrived, pings idle links, makes a lost one anew. Waits for nothing. Returns the
 * milliseconds after which it wants to be called again. */
int64_t reef_tend(reef_client *);

/* Who answers: connects if need be. REEF_OK, or why nobody can be asked. */
reef_code reef_server_info(reef_client *, int64_t timeout_ms, reef_server *out,
                           reef_error *);
/* A snapshot: the sums over all lanes, and each link. */
void reef_client_stats(reef_client *, reef_stats *out);
/* Asks every Sentinel anew, and waits until each has answered or had its time. REEF_OK
 * also where nobody answered: the views say so; else REEF_BADARG. */
reef_code reef_client_topology(reef_client *, int64_t timeout_ms, reef_topology *out,
                               reef_error *);
/* What happened, oldest first; false: nothing since. */
bool reef_client_next_event(reef_client *, reef_event *out);
bool reef_client_next_push(reef_client *, reef_reply **out); /* caller frees */
/* The settings that the client runs with, borrowed. */
const reef_config *reef_client_config(const reef_client *);

/* ---- names: looked up as the client would, with all that happened -------------- */

enum {
    REEF_LOOK_STEPS_MAX = 64, /* exchanges written down; the first ones are kept */
    REEF_LOOK_TARGETS_MAX = 256,
    REEF_LOOK_ADDRESSES_MAX = 8 /* of one target */
};

/* One question put to one server, and what came of it. The steps of a look-up stand in
 * the order in which they ended. */
typedef struct reef_look_step {
    char server[REEF_PEER_TEXT];  /* "127.0.0.1:53" */
    char name[REEF_NAME_MAX + 1]; /* as it was asked for */
    char type[8];                 /* "SRV", "A", "AAAA" */
    char outcome[16]; /* "ok", "nxdomain", "nodata", "cname", "truncated", "refused",
                       * "servfail" and so on; "silent"; "unreachable" (text says
                       * why); "dropped" (another server was quicker) */
    char text[REEF_NAME_MAX + 1]; /* what belongs to it: the alias, an error's words */
    bool tcp;
    uint32_t records, bytes; /* of the answer */
    uint32_t ignored;        /* messages that were no answer to the question */
    uint32_t start_ms;       /* since the look-up began */
    uint32_t took_ms;
} reef_look_step;

/* A target in the order of its turn; of a plain name there is one, itself. */
typedef struct reef_look_target {
    char name[REEF_NAME_MAX + 1];
    uint16_t priority, weight, port;
    uint32_t ttl; /* seconds */
    bool glue;    /* its addresses came along with it */
    uint32_t address_count;
    char addresses[REEF_LOOK_ADDRESSES_MAX][64];
    char why[REEF_ERROR_TEXT]; /* no address: why; else "" */
} reef_look_target;

typedef struct reef_look {
    reef_code code; /* REEF_OK: there is an endpoint */
    char why[REEF_ERROR_TEXT];
    char source[16];  /* where it was found: "address", "hosts file", "dns" */
    bool partial;     /* the server had more records than it could send */
    uint32_t ignored; /* of all steps: forged, late or broken messages */
    uint32_t took_ms;
    uint32_t step_count, steps_dropped;
    reef_look_step steps[REEF_LOOK_STEPS_MAX];
    uint32_t target_count, targets_dropped;
    reef_look_target targets[REEF_LOOK_TARGETS_MAX];
} reef_look;

/* Looks up a host as hosts has it ("name", "srv+name", "name:port"): by the config's
 * nameservers, else the system's; without a cache. NULL: out of memory. The caller
 * frees it. `timeout_ms` 0: connect_timeout of the config. */
reef_look *reef_look_up(const reef_config *, const reef_host *, int64_t timeout_ms);
void reef_look_free(reef_look *);

/* From the system: bytes for ids (REEF_OK, or REEF_REFUSED with no bytes when it has
 * none: then nothing may be made of them), the wall clock, Unix time in nanoseconds,
 * and a clock that never goes back, for deadlines over several calls. */
reef_code reef_random_bytes(void *out, size_t len);
int64_t reef_unix_ns(void);
int64_t reef_now_ms(void);

#endif
