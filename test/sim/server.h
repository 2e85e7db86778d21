/* SPDX-License-Identifier: Apache-2.0
 *
 * server: fake servers. A node takes commands that resp/ parsed and writes replies;
 * when and whether they arrive is the network's business (net.c). It has data, or it is
 * a Sentinel (sentinel.c). All data nodes of a world share one set of data: what a
 * replica lacks when it is promoted is taken back then (sim_data_lose).
 *
 * Every command of the workload carries the number of its call in its first argument,
 * one letter before it: ECHO t17, SET k17 …, INCR c17; what comes behind the number is
 * the tag, for Clusters: k17{t3}. So the server can say which call ran, and how
 * often. */
#ifndef REEF_SIM_SERVER_H
#define REEF_SIM_SERVER_H
#include "resp/resp.h"

enum { SIM_CALLS = 1024, SIM_QUEUE = 8, SIM_NODES = 12, SIM_CHANNELS = 16 };

/* Bytes on their way: appended at the end, taken from the front. */
typedef struct sim_bytes {
    char *ptr;
    size_t head, len, cap; /* the live ones are ptr[head] to ptr[len - 1] */
} sim_bytes;

void sim_bytes_add(sim_bytes *, const char *bytes, size_t len);
void sim_bytes_text(sim_bytes *, const char *text);
void sim_bytes_int(sim_bytes *, int64_t); /* its digits */
void sim_bytes_skip(sim_bytes *, size_t len);
size_t sim_bytes_left(const sim_bytes *);
void sim_bytes_free(sim_bytes *);
/* Parts of replies: the head of an array or a map, a bulk string, an integer. */
void sim_bytes_head(sim_bytes *, char kind, size_t count);
void sim_bytes_bulk(sim_bytes *, reef_str);
void sim_bytes_word(sim_bytes *, const char *text); /* as a bulk string */
void sim_bytes_number(sim_bytes *, int64_t);

/* The number behind the letter: "t17" is 17; -1 where there is none. */
int64_t sim_number(reef_str word);
/* The value kept under the key of call `id`: "w17." and filler up to `size` bytes. */
void sim_bytes_value(sim_bytes *, int64_t id, size_t size);
/* True when `text` is that value. */
bool sim_is_value(reef_str text, int64_t id);

typedef struct sim_entry {
    size_t size; /* of a text value; 0: a number, or nothing */
    int64_t number;
    bool there;
    bool twin; /* the key of the same call with the letter j is there */
} sim_entry;

typedef struct sim_node sim_node;
typedef struct sim_member sim_member;   /* cluster.h */
typedef struct sim_cluster sim_cluster; /* cluster.h */

typedef struct sim_data {
    sim_entry entries[SIM_CALLS]; /* one key a call */
    sim_entry before[SIM_CALLS];  /* the last write to it … */
    int64_t wrote_ms[SIM_CALLS];  /* … and when that was */
    uint8_t ran[SIM_CALLS];       /* how often each call ran, on whatever node */
    uint32_t recent[SIM_QUEUE];   /* the calls that the last command ran */
    uint32_t recent_count;
    uint32_t db;     /* that the last data command ran in */
    bool forgot;     /* data was lost: in a restart, or in a fail-over */
    sim_node *truth; /* the master that was promoted last */
    uint32_t astray; /* writes that another master took meanwhile: they will be lost */
    int64_t astray_ms;
} sim_data;

typedef struct sim_sentinel sim_sentinel; /* sentinel.h */

struct sim_node {
    const char *address, *name; /* name: what a Sentinel may announce instead */
    uint16_t port;
    bool up;
    bool paused;  /* as after SIGSTOP: takes connections and bytes, answers nothing */
    bool cut;     /* nothing passes between it and the client */
    bool replica; /* of data->truth */
    sim_data *data;
    sim_sentinel *sentinel;      /* it is one */
    sim_member *member;          /* of a Cluster */
    bool no_hello;               /* older than Redis 6 */
    bool no_resp3;               /* HELLO 3 is answered with NOPROTO */
    bool surly;                  /* refuses CLIENT SETNAME and SETINFO */
    const char *user, *password; /* password "": open to all */
    uint32_t max_clients, clients;
    int64_t idle_ms; /* 0: never closes an idle link */
    int64_t loading_until, masterdown_until, busy_until;
    uint32_t commands;              /* all that were taken, handshakes included */
    uint32_t auths;                 /* credentials that were looked at */
    uint32_t pings, roles, refused; /* refused: READONLY */
};

/* What no client can know of the answers that it was given. */
typedef struct sim_told {
    bool fib_slots, fib_nodes; /* the last one of that kind is a lie */
    uint64_t epoch;            /* a Sentinel's, as it named the master's address … */
    bool torn;                 /* … and another one as it told of the master */
} sim_told;

/* The server's side of one connection. */
typedef struct sim_conn {
    reef_parser *in;
    int protocol;
    uint32_t db;
    bool authed, closing, multi, dirty;
    bool asking; /* ASKING: the next command may use a slot that is just coming */
    reef_reply *queue[SIM_QUEUE];
    size_t queued;
    int64_t heard_ms;
    struct {
        char name[32];
        bool pattern;
    } channels[SIM_CHANNELS]; /* that it is subscribed to */
    size_t channel_count;
    sim_told told; /* stays when it is closed: answers may be on their way */
} sim_conn;

bool sim_conn_open(sim_node *, sim_conn *, int64_t now_ms); /* false: no room */
void sim_conn_close(sim_node *, sim_conn *);
/* The next whole command of what was received runs; its reply goes to `out`. False:
 * there is none (or the stream is bad: `closing` is set). */
bool sim_serve(sim_node *, sim_conn *, int64_t now_ms, sim_bytes *out);
void sim_data_forget(sim_data *);
/* What was written since then is gone. */
void sim_data_lose(sim_data *, int64_t since_ms);

/* For server.c and sentinel.c. */
reef_str sim_arg(const reef_reply *cmd, size_t index);
bool sim_writes(reef_str name); /* a command of the workload that writes */
/* For clusters: a write ran at the node. */
void sim_member_wrote(sim_node *, reef_str key, int64_t now_ms);
void sim_sentinel_run(sim_node *, sim_conn *, const reef_reply *cmd, int64_t now_ms,
                      sim_bytes *out);

#endif
