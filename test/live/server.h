/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: starts redis-server and valkey-server directly, looks at them
 * over a raw socket (nothing of reef's client in between), and kills, pauses and
 * restarts them. Each server has a folder, a process group and a port of its own.
 *
 * Whatever fails in here fails the running cmocka test with the reason and the end of
 * the server's log, so nothing returns an error. For that reason, and since the kernel
 * ends a server with the thread that started it, call all of this from the thread that
 * runs the test. Servers that a failed test left behind are killed and cleared away
 * when the program ends. */
#ifndef REEF_TEST_LIVE_SERVER_H
#define REEF_TEST_LIVE_SERVER_H
#include "test/live/child.h"

enum { REEF_LIVE_KINDS = 2 }; /* redis and valkey */

typedef struct reef_live_kind {
    char name[16];              /* "redis", "valkey" */
    char binary[REEF_NAME_MAX]; /* absolute path of its server program */
} reef_live_kind;

/* The kinds found on PATH; fails the test when there is none, or, where CI is set in
 * the environment, when one is missing. */
size_t reef_live_find(reef_live_kind out[REEF_LIVE_KINDS]);
/* Runs `body` for each of them, naming it first. */
void reef_live_each(void (*body)(const reef_live_kind *));

/* Zero is a good choice for each field. */
typedef struct reef_live_options {
    uint16_t port;        /* 0: a free one */
    const char *password; /* requirepass */
    const char *extra;    /* further configuration lines, each ended by \n: ACL users
                           * ("user ann on >pw ~* +@all\n"), timeout, maxclients … */
    bool append_only;     /* appendonly yes, appendfsync always */
    bool sentinel;        /* run as a Sentinel */
    bool cluster;         /* as a node of a Cluster; extra has the rest of it */
    bool loading;         /* do not wait for the end of -LOADING */
} reef_live_options;

typedef struct reef_live_server {
    reef_live_kind kind;
    uint16_t port;                /* on 127.0.0.1, and on ::1 where there is one */
    char folder[REEF_LIVE_PATH];  /* configuration, log, data and socket */
    char socket[REEF_LIVE_PATH];  /* path of its unix socket */
    char password[REEF_NAME_MAX]; /* of the default user, "": none */
    pid_t pid;                    /* 0: not running */
    bool sentinel, loading;
} reef_live_server;

/* A running server that answers; NULL options: all zero. reef_live_free ends it. */
reef_live_server *reef_live_start(const reef_live_kind *, const reef_live_options *);
/* Kills it if it runs and removes its folder. NULL is fine. */
void reef_live_free(reef_live_server *);

void reef_live_stop(reef_live_server *);   /* SIGTERM, and waits for the end */
void reef_live_kill(reef_live_server *);   /* SIGKILL, and waits for the end */
void reef_live_pause(reef_live_server *);  /* SIGSTOP, and waits until it stands */
void reef_live_resume(reef_live_server *); /* SIGCONT */
/* Starts it again after stop or kill: same port, folder and data. */
void reef_live_again(reef_live_server *);

/* In how many lines of the server's log this is. */
unsigned reef_live_logged(const reef_live_server *, const char *part);

/* A config for this server with short names for where: "127.0.0.1", "localhost", "::1"
 * or "unix". The password of the default user is filled in. */
void reef_live_config(const reef_live_server *, const char *where, reef_config *out);

/* ---- a plain RESP2 connection, without reef ----------------------------------- */

/* Connected to a unix socket, or -1. */
int reef_live_connect(const char *socket_path);
/* Connected to the server's unix socket and authenticated as the default user. Close
 * it with close(2). */
int reef_live_dial(const reef_live_server *);
/* One command on it, and its reply as text, NUL-terminated: strings and statuses as
 * they are, integers in digits, errors with their "-", nil as "(nil)", and of arrays
 * each element so written and ended by "\n". `len` may be NULL. Caller frees. */
char *reef_live_ask_on(int fd, const char *const args[], size_t count, size_t *len);
/* The same on a connection of its own, the command split at its spaces. */
char *reef_live_ask(const reef_live_server *, const char *line);
/* The same, read as an integer; -1 where it is none. */
int64_t reef_live_number(const reef_live_server *, const char *line);
/* Asks again and again until the reply contains `text` (or, with `absent`, does not);
 * fails after REEF_LIVE_WAIT_MS. */
void reef_live_until(const reef_live_server *, const char *line, const char *text,
                     bool absent);

#endif
