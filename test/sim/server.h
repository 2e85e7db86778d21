/* SPDX-License-Identifier: Apache-2.0
 *
 * server: a fake Redis. It takes commands that resp/ parsed and writes replies; when
 * and whether they arrive is the network's business (sim.c).
 *
 * Every command of the workload carries the number of its call in its first argument,
 * one letter before it: ECHO t17, SET k17 …, INCR c17. So the server can say which call
 * ran, and how often. */
#ifndef REEF_SIM_SERVER_H
#define REEF_SIM_SERVER_H
#include "resp/resp.h"

enum { SIM_CALLS = 1024, SIM_QUEUE = 8 };

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
} sim_entry;

typedef struct sim_server {
    bool up;
    bool no_hello;               /* older than Redis 6 */
    bool no_resp3;               /* HELLO 3 is answered with NOPROTO */
    bool surly;                  /* refuses CLIENT SETNAME and SETINFO */
    const char *user, *password; /* password "": open to all */
    uint32_t max_clients, clients;
    int64_t idle_ms; /* 0: never closes an idle link */
    int64_t loading_until, masterdown_until, busy_until;
    sim_entry entries[SIM_CALLS]; /* the data: one key a call */
    uint8_t ran[SIM_CALLS];       /* how often each call ran */
    uint32_t recent[SIM_QUEUE];   /* the calls that the last command ran */
    uint32_t recent_count;
    uint32_t commands; /* all that were taken, handshakes included */
    uint32_t auths;    /* credentials that were looked at */
    uint32_t pings;
    uint32_t db; /* that the last data command ran in */
    bool forgot; /* data was lost in a restart */
} sim_server;

/* The server's side of one connection. */
typedef struct sim_conn {
    reef_parser *in;
    int protocol;
    uint32_t db;
    bool authed, closing, multi, dirty;
    reef_reply *queue[SIM_QUEUE];
    size_t queued;
    int64_t heard_ms;
} sim_conn;

bool sim_conn_open(sim_server *, sim_conn *, int64_t now_ms); /* false: no room */
void sim_conn_close(sim_server *, sim_conn *);
/* The next whole command of what was received runs; its reply goes to `out`. False:
 * there is none (or the stream is bad: `closing` is set). */
bool sim_serve(sim_server *, sim_conn *, int64_t now_ms, sim_bytes *out);
void sim_server_forget(sim_server *);

#endif
