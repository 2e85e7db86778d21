/* SPDX-License-Identifier: Apache-2.0
 *
 * sim: one engine in a world of its own: a virtual clock, a virtual network, a fake
 * server, name servers, and callers. Everything that happens is an event in a heap
 * ordered by (time, number), and every choice comes from one generator, so a seed tells
 * the whole story.
 *
 * After every input to the engine its outputs are drained and the promises are checked
 * (calls.c). The first one that is broken stops the world: `failed` names it. */
#ifndef REEF_SIM_H
#define REEF_SIM_H
#include "net/net.h"
#include "test/sim/cluster.h"
#include "test/sim/dns.h"
#include "test/sim/sentinel.h"

enum {
    SIM_LINKS = 128,
    SIM_NOTES = 32,
    SIM_ADDRESSES = 16,
    SIM_TALKS = 32,
    SIM_NAMESERVERS = 4,
    SIM_FILE = 512,       /* bytes of a hosts file or resolv.conf */
    SIM_ASKS_SECOND = 400 /* sockets to name servers that a second may see */
};

/* How often things go wrong, in thousandths of the occasions, unless said otherwise.
 * Zero is a perfect network. */
typedef struct sim_rates {
    uint32_t refuse, silent_open;       /* of the attempts to connect */
    uint32_t reset_before, reset_after; /* of the deliveries to the server */
    uint32_t mute, stall;           /* of these, too: silence for good, for a while */
    uint32_t torn, finish, garbage; /* of the replies: cut off, last, not RESP */
    uint32_t drip;                  /* of the replies: a byte now and then */
    uint32_t push, attribute;       /* of the RESP3 replies */
    uint32_t restart, trouble;      /* of the submits */
    uint32_t forget;                /* of the restarts: the data is lost */
    uint32_t dns_lose, dns_twice, dns_late; /* of the datagrams */
    uint32_t dns_forge, dns_spoil;          /* of the answers: lies before, instead */
    uint32_t dns_cut, dns_fail, dns_deny;   /* of the answers: TC, SERVFAIL, REFUSED */
    uint32_t dns_break;                     /* of the answers over TCP: cut off */
    uint32_t latency_ms;                    /* one way, at most */
    uint32_t cut;                           /* bytes of one delivery; 0: no cuts */
    uint32_t window;                        /* bytes that a socket holds; 0: all */
    uint32_t late_ms;                       /* the host ticks that late */
} sim_rates;

typedef enum sim_what {
    SIM_OPENED,
    SIM_GONE,      /* the transport ends; arg: errno */
    SIM_TO_SERVER, /* arg: bytes */
    SIM_TO_CLIENT, /* arg: bytes */
    SIM_WRITABLE,
    SIM_ASKED,  /* a query is at the name server `arg` */
    SIM_TOLD,   /* a datagram is at the engine's socket */
    SIM_CHUNK,  /* arg: bytes of a name server's stream */
    SIM_ZONE,   /* records come and go; arg: how many more times */
    SIM_SUBMIT, /* one drawn call; arg: how many more */
    SIM_TEND,   /* arg: how many more */
    SIM_DOWN,   /* the node is killed; arg: for how long */
    SIM_UP,
    SIM_STEP,   /* the fail-over goes on; arg: which one it was */
    SIM_DEMOTE, /* the node is made a replica, unless it is the master by now */
    SIM_FAULT,  /* something happens to a node; arg: how many more */
    SIM_HEAR,   /* the node hears what node `arg` claims */
    SIM_MISS,   /* the node has been silent for the node-timeout; link: of that fault */
    SIM_ELECT,  /* one of its replicas takes over; likewise */
    SIM_MOVE,   /* a slot on its way takes its next step; node: where it comes from */
    SIM_IDLE    /* has this link been idle for too long? */
} sim_what;

typedef struct sim_event {
    int64_t at_ms;
    uint64_t number; /* events of one moment keep their order */
    sim_what what;
    uint64_t link; /* serial */
    size_t node;   /* its number */
    size_t arg;
    sim_bytes mail; /* ASKED, TOLD: the message */
} sim_event;

typedef enum sim_state { SIM_FREE, SIM_OPENING, SIM_OPEN, SIM_LEFT } sim_state;

enum { SIM_PLACES = 32 };

/* A fail-over: the master that is to go, the replica that is to come, and when what
 * happens, counted from the step before it. The defaults are what was measured. */
typedef enum sim_step {
    SIM_SELECT,  /* the leader says +selected-slave, to its subscribers alone */
    SIM_PROMOTE, /* the replica is a master: it takes writes */
    SIM_SEE,     /* the leader sees it, and says +promoted-slave */
    SIM_TELL,    /* the other Sentinels know, and say +switch-master */
    SIM_FINISH,  /* so does the leader */
    SIM_STEPS
} sim_step;

typedef struct sim_failover {
    size_t serial;
    bool running;
    sim_node *leader, *from, *to;
    uint64_t epoch;              /* the highest that anybody has used */
    sim_node *agreed;            /* the master that the Sentinels agreed on last, … */
    uint64_t agreed_epoch;       /* … and since when */
    int64_t pause_ms[SIM_STEPS]; /* before each step */
    int64_t at_ms[SIM_STEPS];    /* when each was; 0: not yet */
    int64_t demote_ms;           /* after TELL, the old master becomes a replica */
    int64_t lag_ms;              /* of replication: what was written last is lost */
    sim_step ends;               /* before this one it comes to an end: … */
    bool dies, aborts;           /* … the leader is killed, or says -failover-abort */
} sim_failover;

/* Where somebody was said to be. */
typedef struct sim_place {
    char host[64];
    uint16_t port;
} sim_place;

/* What the engine was given, and what it may do since. */
typedef struct sim_watch {
    uint64_t input; /* number of the present input */
    sim_place told[SIM_PLACES];
    size_t told_count;
    struct {
        bool held;      /* its replacement is selected: no new command goes there */
        bool coming;    /* it is selected to replace another one */
        bool named;     /* in an answer, with that … */
        uint64_t epoch; /* … epoch */
        bool vain; /* a link to it broke, and it has not said since that it is one */
        int64_t told_ms;      /* when it said so first; 0: not yet */
        uint32_t asks;        /* of a Sentinel: how often for the address … */
        const sim_node *says; /* … and which was its last answer */
    } nodes[SIM_NODES];
    uint32_t holds;         /* how often a replacement was selected */
    uint64_t epoch;         /* the highest that was given … */
    const sim_node *master; /* … and whose it is */
    uint64_t epoch_input;   /* … and when */
    int64_t epoch_ms;
    uint32_t signs; /* events, errors and ends of links that justify asking */
    int64_t start_ms, second;
    uint32_t second_opens, worst_second; /* connections */
} sim_watch;

/* One transport. LEFT: the engine closed it, but what it sent is still on its way. */
typedef struct sim_link {
    uint64_t serial;
    uint32_t number; /* the engine's */
    sim_state state;
    bool mute, sick, full, ended; /* ended: a SIM_GONE is due */
    int64_t start_ms, up_ms, down_ms;
    uint64_t on_way;
    sim_bytes up, down;
    reef_parser *taken, *seen; /* what the socket took; what the engine was given */
    bool seen_lost;            /* no telling replies from garbage any more */
    bool early;                /* the command being taken began in the handshake */
    uint32_t shakes, commands; /* taken: of the handshake; all */
    uint32_t answers;          /* replies given */
    uint32_t group;            /* MULTI taken: commands since, with it */
    int64_t group_head;        /* its call, once known */
    int64_t plain_next;        /* in a group without MULTI: who must come next */
    uint32_t closed_to;        /* calls from this one on must not be sent here */
    sim_node *node;            /* who is there */
    bool told, master;         /* it told its role here; it was a master */
    int64_t asked_ms;          /* for its role, the last time */
    bool named;                /* it told its id here */
    bool asking;               /* ASKING was the last that was taken */
    uint32_t name_order;       /* of the question for its id among its commands … */
    uint32_t map_order;        /* … and of the one for the map */
    uint32_t stale;            /* taken when its replacement was selected */
    const char *why;           /* the command being taken may not be a call's */
    uint32_t owed;             /* by a Sentinel: answers of any kind */
    const sim_node *answered;  /* the address that it gave when asked for it */
    const sim_node *claim;     /* who is the master, by all that it answered … */
    uint64_t claim_epoch;      /* … and since when */
    sim_conn conn;
} sim_link;

/* A name server, at its address and port. */
typedef struct sim_nameserver {
    const char *address;
    uint16_t port;
    uint32_t view; /* its bit in sim_record.view */
    bool silent, closed;
    bool no_edns, no_tcp; /* FORMERR to OPT; no stream is taken */
    bool cuts;            /* TC to every datagram */
    bool deaf;            /* takes streams, and says nothing on them */
    int64_t slow_ms;      /* how long it thinks about questions … */
    uint16_t slow_type;   /* … of this type; 0: of all */
    sim_style style;
    uint32_t queries, streams;
} sim_nameserver;

/* One socket that the engine has to a name server. */
typedef struct sim_talk {
    uint64_t serial;
    uint32_t number; /* the engine's */
    sim_state state;
    bool datagram, full, asked;
    size_t server;
    int64_t down_ms;
    sim_bytes up, down; /* of a stream */
} sim_talk;

typedef struct sim_names {
    sim_zone zone;
    sim_nameserver servers[SIM_NAMESERVERS];
    size_t server_count;
    sim_talk talks[SIM_TALKS];
    char hosts[SIM_FILE], hosts_was[SIM_FILE], resolv_conf[SIM_FILE];
    bool hosts_new, resolv_new; /* the engine has not seen it */
    bool no_key;
    int64_t files_ms;                    /* when the engine asked for them last */
    uint32_t flood;                      /* forged datagrams before each true answer */
    uint32_t files;                      /* how often it asked */
    uint32_t queries, forged;            /* that arrived; that were sent */
    uint32_t opens, streams;             /* sockets of both kinds; of these, streams */
    uint32_t most_talks;                 /* at any one time */
    int64_t second;                      /* the one that is running … */
    uint32_t second_opens, worst_second; /* … and its sockets; the worst one */
    uint16_t ids[4];                     /* the last ones */
    uint32_t near_ids;                   /* that follow one of these */
} sim_names;

typedef enum sim_verb {
    SIM_ECHO,
    SIM_SET,
    SIM_GET,
    SIM_INCR,
    SIM_APPEND,
    SIM_DEL,
    SIM_MULTI,
    SIM_EXEC,
    SIM_EXISTS /* of two keys; drawn for Clusters alone */
} sim_verb;

enum { SIM_NO_TAG = -1 };

/* What the engine was told of a Cluster. */
typedef struct sim_guard sim_guard;

typedef struct sim_call {
    sim_verb verb;
    bool repeatable, queued, done, taken;
    bool plain;           /* of a group without MULTI, or alone */
    uint32_t head, count; /* the group */
    int64_t tag;          /* of its key, "k17{t3}" */
    uint32_t slot;        /* of its key; SIM_SLOTS: it has none */
    size_t size;
    uint32_t sends;
    uint64_t ticket, link; /* link: serial of the last one that took it … */
    uint32_t order;        /* … as its order-th command */
    int64_t submit_ms, deadline_ms, done_ms;
    reef_code code;
    char text[REEF_ERROR_TEXT];
    reef_reply *kept; /* looked at again when the world ends */
} sim_call;

typedef struct sim_note {
    int64_t at_ms;
    const char *what;
    int64_t a, b;
} sim_note;

typedef struct sim_world {
    uint64_t seed, random, hash; /* hash: of all that went out of the engine */
    uint64_t results;            /* hash of how the calls ended, times left out */
    bool loud;                   /* prints each note */
    int64_t now_ms;
    reef_engine *engine;
    reef_config config;
    sim_rates rates;
    sim_node nodes[SIM_NODES];
    size_t node_count;
    sim_node *server; /* the first one; alone where there are no Sentinels */
    sim_data data;
    sim_sentinel sentinels[SIM_NODES];
    sim_failover failover;
    sim_cluster *cluster; /* NULL: none */
    sim_guard *guard;     /* NULL without a cluster */
    int64_t tag;          /* of the keys of the calls that come next */
    sim_watch watch;
    struct {
        const char *text;
        uint16_t port; /* 0: any */
        size_t node;   /* who is there */
        bool dead, silent;
        uint32_t opens;
    } addresses[SIM_ADDRESSES];
    size_t address_count;
    sim_names names;
    sim_link links[SIM_LINKS];
    sim_event *heap;
    size_t heap_count, heap_cap;
    uint64_t next_number, next_serial;
    sim_call calls[SIM_CALLS];
    uint32_t call_count, first_open, open_calls, unsure_count, ok_count;
    uint32_t partials; /* links that ended in the middle of a command */
    uint32_t strays;   /* calls that are unsure without having been taken whole */
    uint32_t opens, connects; /* to the server */
    uint32_t most_links;      /* open or opening at any one time */
    size_t big;               /* the next calls carry that much; 0: a little */
    bool foul;                /* replies prove nothing here */
    bool modest;              /* no drawn call carries much */
    int64_t last_open_ms, longest_pause_ms;
    uint64_t bytes_out, bytes_in, pushes_sent, pushes_got;
    uint32_t lost_events, connected_events, events;
    size_t open_bytes, kept_bytes; /* wire of calls in the engine; replies we hold */
    size_t live_start;
    bool healed;
    bool out_of_memory; /* the run makes allocations fail */
    const char *failed;
    sim_note notes[SIM_NOTES];
    uint64_t note_count;
    uint32_t ticks_here; /* in a row, without time moving */
} sim_world;

/* ---- world.c: the beginning, the loop, the end -------------------------------- */

/* A world with the defaults; change config, rates, server, addresses, then start. */
sim_world *sim_new(uint64_t seed);
void sim_start(sim_world *); /* makes the engine */
void sim_free(sim_world *);
/* Goes on until that time, or until nothing is left to happen. */
void sim_run(sim_world *, int64_t until_ms);
void sim_run_calls(sim_world *); /* until every call is done */
void sim_run_event(sim_world *); /* until the engine has reported one */
/* Ends every fault: from here on all must go well. */
void sim_heal(sim_world *);
void sim_print(const sim_world *); /* why it failed: seed, last notes */
/* The server writes bytes that nobody asked for, on every open link. */
void sim_say(sim_world *, const char *text);
void sim_break(sim_world *, int sys_errno); /* the server ends every open link */
/* One more server, with data; it has no address to be found at yet. */
sim_node *sim_add_node(sim_world *, const char *address, uint16_t port);

/* ---- clock.c: chance, notes, events ------------------------------------------- */

uint64_t sim_draw(sim_world *);
uint32_t sim_below(sim_world *, uint32_t n); /* 0 to n - 1; 0 for n = 0 */
bool sim_chance(sim_world *, uint32_t per_mille);
void sim_at(sim_world *, int64_t at_ms, sim_what, uint64_t link, size_t arg);
void sim_put(sim_world *, sim_event); /* with mail, which the heap owns then */
sim_event sim_pop(sim_world *);       /* the first; there must be one */
void sim_trace(sim_world *, const char *what, int64_t a, int64_t b);
void sim_fail(sim_world *, const char *why, int64_t a, int64_t b);
void sim_mix(uint64_t *hash, const char *bytes, size_t len);

/* ---- net.c: the network ------------------------------------------------------- */

bool sim_next_event(sim_world *, int64_t until_ms); /* false: none up to then */
void sim_drain(sim_world *, bool ticked);           /* after every input */
void sim_tend(sim_world *);
sim_link *sim_find(sim_world *, uint64_t serial);
void sim_end_later(sim_world *, sim_link *, int sys_errno);
void sim_drop(sim_link *);

int64_t sim_travel(sim_world *, int64_t not_before); /* when it is there */
/* How many of `len` bytes go into one delivery; long texts are not cut to dust. */
size_t sim_cut(const sim_world *, size_t len);

/* ---- nodes.c: the servers' side ----------------------------------------------- */

void sim_post(sim_world *, sim_link *, const char *bytes, size_t len);
void sim_post_text(sim_world *, sim_link *, const char *text);
void sim_accept(sim_world *, sim_link *);
void sim_to_server(sim_world *, sim_link *, size_t len);
void sim_idle(sim_world *, sim_link *);
bool sim_nodes_event(sim_world *, const sim_event *); /* false: not about nodes */
void sim_node_break(sim_world *, const sim_node *, int sys_errno); /* its links end */
void sim_node_kill(sim_world *, sim_node *, int sys_errno);
void sim_node_pause(sim_world *, sim_node *); /* SIGSTOP */
void sim_node_resume(sim_world *, sim_node *);
void sim_node_cut(sim_world *, sim_node *); /* from the client; heal mends it */
/* It becomes a replica or a master, as a Sentinel does it: its links end. */
void sim_node_turn(sim_world *, sim_node *, bool replica);

/* ---- failover.c: Sentinels act ------------------------------------------------ */

/* Makes the node a Sentinel of the world's first node. */
sim_sentinel *sim_make_sentinel(sim_world *, sim_node *);
/* Begins a fail-over now, from the master as it is; the times may be changed before
 * anything else happens. */
sim_failover *sim_fail_over(sim_world *, sim_node *leader, sim_node *to);
/* A Sentinel tells its subscribers; where: "name ip port" or what it is. */
void sim_publish(sim_world *, const sim_node *, const char *channel, const char *text);
/* The Sentinel takes the newest configuration, and says so. */
void sim_sentinel_learn(sim_world *, sim_node *);
bool sim_failover_event(sim_world *, const sim_event *);
void sim_failover_heal(sim_world *);

/* ---- gossip.c: what becomes of a Cluster ---------------------------------------- */

/* Nodes 0 to masters - 1 are the masters, which share the slots evenly; the next ones
 * their replicas, in turn. All know all. */
void sim_cluster_make(sim_world *, uint32_t masters, uint32_t replicas);
/* One more node, which knows itself alone: a master without slots. */
void sim_cluster_member(sim_world *, sim_node *);
void sim_cluster_meet(sim_world *, sim_node *);   /* all know it, and it knows all */
void sim_cluster_forget(sim_world *, sim_node *); /* all but it */
/* It was killed, stopped or cut off from the others: from now on it is missed. */
void sim_cluster_hurt(sim_world *, sim_node *);
/* It is well again: it tells the others, and they tell it. */
void sim_cluster_back(sim_world *, sim_node *);
/* No other node hears it, and it hears none. Clients do. */
void sim_cluster_part(sim_world *, sim_node *);
/* CLUSTER FAILOVER TAKEOVER on a replica; `agreed`: without TAKEOVER, so that nothing
 * is lost. */
void sim_cluster_take_over(sim_world *, sim_node *replica, bool agreed);
/* The slot has no owner any more; all know. */
void sim_cluster_hole(sim_world *, uint32_t slot);
/* What the cluster agrees on: who owns the slot; NULL: nobody. */
sim_node *sim_cluster_owner(const sim_world *, uint32_t slot);
bool sim_cluster_event(sim_world *, const sim_event *);
void sim_cluster_heal(sim_world *);
/* Everybody hears what the node claims, within gossip_ms. */
void sim_cluster_tell(sim_world *, const sim_node *);
void sim_cluster_hear(sim_world *, sim_node *to, const sim_node *from); /* now */
bool sim_node_well(const sim_node *); /* the others hear it */

/* ---- reshard.c: slots that move -------------------------------------------------- */

/* The slot begins to move from its owner, a key every step_ms. */
void sim_reshard_begin(sim_world *, uint32_t slot, sim_node *to, int64_t step_ms);
void sim_reshard_event(sim_world *, const sim_event *);
/* The keys of the slot that are there are gone. */
void sim_reshard_lose(sim_world *, sim_member *, uint32_t slot);
void sim_reshard_drop(sim_world *, const sim_node *); /* what was open there is void */
/* A key that call `id` will look for; at the one who owns its slot, and at those who
 * have not heard that they do so no more. */
void sim_reshard_put(sim_world *, uint32_t id, sim_entry);

/* ---- guard.c: promises about Clusters -------------------------------------------- */

void sim_guard_start(sim_world *);
void sim_guard_free(sim_world *);
void sim_guard_took(sim_world *, sim_link *, const reef_reply *cmd);
void sim_guard_given(sim_world *, sim_link *, const reef_reply *, bool push);
void sim_guard_call(sim_world *, sim_link *, sim_call *); /* its command leaves */
void sim_guard_open(sim_world *, uint32_t link, uint32_t live);
void sim_guard_end(sim_world *);

/* ---- watch.c: promises about Sentinels ---------------------------------------- */

bool sim_watched(const sim_world *); /* there are Sentinels */
bool sim_several(const sim_world *); /* there are Sentinels, or a Cluster */
/* 'm', 'r', or 0: the reply tells no role. */
char sim_watch_role(const reef_reply *);
void sim_watch_place(sim_world *, const char *host, uint32_t port); /* it was told */
void sim_watch_took(sim_world *, sim_link *, const reef_reply *cmd);
void sim_watch_given(sim_world *, sim_link *, const reef_reply *, bool push);
/* Why no call's command may begin on this link now; NULL: it may. */
const char *sim_watch_why(const sim_world *, const sim_link *);
void sim_watch_open(sim_world *);
void sim_watch_ended(sim_world *, const sim_link *, bool broke);

/* ---- names.c: name servers ---------------------------------------------------- */

void sim_names_init(sim_world *);
/* One more name server; resolv.conf does not follow. */
sim_nameserver *sim_names_server(sim_world *, const char *address, uint16_t port);
/* From now on the file says this; the engine sees it when it asks. */
void sim_names_hosts(sim_world *, const char *text);
void sim_names_resolv_conf(sim_world *, const char *text);
void sim_names_start(sim_world *); /* the key; and sometimes the files */
/* The operations that concern name servers; false: this one does not. */
bool sim_names_op(sim_world *, const reef_op *);
void sim_names_event(sim_world *, sim_event *);
void sim_names_heal(sim_world *);
void sim_names_check(sim_world *); /* after every input */
void sim_names_free(sim_world *);

/* ---- known.c: what the engine can know ---------------------------------------- */

/* True when it can know that a server is there. */
bool sim_known_place(const sim_world *, const reef_op *);
/* Looks at a query that leaves. */
void sim_known_query(sim_world *, const char *bytes, size_t len);

/* ---- seeds.c: drawn worlds ---------------------------------------------------- */

/* A whole life: faults, then peace, then the end. The caller frees the world; `failed`
 * says what was broken. */
sim_world *sim_life(uint64_t seed, bool loud);
/* A perfect network that cuts what it carries into pieces; 0: not at all. */
sim_world *sim_life_in_pieces(uint64_t seed, uint32_t cut, uint32_t window);

/* ---- seeds_sentinel.c: drawn worlds with Sentinels ---------------------------- */

bool sim_seeds_sentinel(uint64_t seed); /* has this world any? */
void sim_seeds_sentinels(sim_world *);  /* the nodes, before the start */
void sim_seeds_fault(sim_world *, size_t more);
void sim_seeds_later(sim_world *); /* once it has begun */

/* ---- seeds_cluster.c: drawn worlds with a Cluster -------------------------------- */

bool sim_seeds_has_cluster(uint64_t seed);
void sim_seeds_cluster(sim_world *); /* the nodes, before the start */
void sim_seeds_cluster_fault(sim_world *, size_t more);

/* ---- taken.c: what the socket took, what the engine was given ----------------- */

void sim_calls_taken(sim_world *, sim_link *, const char *bytes, size_t len);
void sim_calls_given(sim_world *, sim_link *, const char *bytes, size_t len);

/* ---- calls.c: the callers, and the promises ----------------------------------- */

/* One call; its number. */
uint32_t sim_call_one(sim_world *, sim_verb, bool repeatable, int64_t timeout_ms);
/* MULTI, INCR or SET, ECHO, EXEC: the number of the first. */
uint32_t sim_call_group(sim_world *, bool repeatable, int64_t timeout_ms);
/* Three commands that go out together without MULTI. */
uint32_t sim_call_train(sim_world *, bool repeatable, int64_t timeout_ms);
void sim_call_drawn(sim_world *);
/* True for codes that say that nothing was sent. */
bool sim_never_sent(reef_code);
void sim_calls_ran(sim_world *); /* looks at what the server ran last */
void sim_calls_done(sim_world *, reef_done *);
void sim_calls_check(sim_world *, bool ticked); /* after every input */
void sim_calls_end(sim_world *);                /* when all is over */
void sim_calls_free(sim_world *); /* looks at kept replies again, and frees them */

#endif
