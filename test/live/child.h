/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: what every kind of them needs. A program is found, gets a
 * temporary folder and a port, runs as a child with a process group of its own, and is
 * ended by its pid. For server.c and dns_server.c; the tests themselves need no more
 * than the time and the limits.
 *
 * Whatever fails in here fails the running cmocka test. The kernel ends a child with
 * the thread that started it, so call this from the thread that runs the test;
 * reef_live_now_ms, reef_live_now_us and reef_live_nap alone are for every thread. */
#ifndef REEF_TEST_LIVE_CHILD_H
#define REEF_TEST_LIVE_CHILD_H
#include <sys/types.h>
#include "config/config.h"

enum {
    REEF_LIVE_SERVERS = 40,    /* servers that one program holds at once */
    REEF_LIVE_WAIT_MS = 30000, /* for anything that a sound server does at once */
    REEF_LIVE_PATH = 128
};

/* ---- time --------------------------------------------------------------------- */

int64_t reef_live_now_ms(void); /* monotonic */
int64_t reef_live_now_us(void);
void reef_live_nap(void); /* 5 ms, between two looks at a condition */

/* ---- what it needs ------------------------------------------------------------ */

/* The absolute path of a program in one of the folders, which colons divide as in
 * PATH; NULL: in none. */
bool reef_live_find_in(const char *folders, const char *program,
                       char out[REEF_NAME_MAX]);

/* A new folder; its path is so short that a unix socket has room in it. `memory`: not
 * on a disk where that can be had. What writes a few bytes and waits until the disk has
 * them stands still for seconds on one that is busy. */
void reef_live_make_folder(char out[REEF_LIVE_PATH], bool memory);
/* Removes it with all that is in it. */
void reef_live_remove_folder(const char *folder);
/* Shows the end of the file "log" in it, for the text of a failure. */
void reef_live_show_log(const char *folder);

/* A port of 127.0.0.1, and of ::1 where there is one, that nobody has, neither for UDP
 * nor for TCP, and that no earlier call gave. */
uint16_t reef_live_port(void);
/* One for a node of a Cluster: its bus has the port 10,000 higher, which nobody has
 * either, and both lie below the ports that outgoing connections get. As long as this
 * program lives no other one is given them, also while the node is down. */
uint16_t reef_live_cluster_port(void);
/* True when ::1 can be listened on here. */
bool reef_live_has_ipv6(void);

/* ---- its process -------------------------------------------------------------- */

/* Runs argv[0], which dies with the caller's thread, has no descriptor but the standard
 * ones, reads nothing, and writes to the end of the file `out`. */
pid_t reef_live_spawn(char *const argv[], const char *out);
/* True when there is no process, or when it has ended by itself; then *pid is 0. */
bool reef_live_ended(pid_t *pid);
/* Waits until `ready` says so of the server. False when the process ended before
 * (*pid is 0), or when it took too long. */
bool reef_live_await(pid_t *pid, bool (*ready)(const void *), const void *server);
/* Sends the signal and waits for the end, which SIGKILL brings when the signal does not
 * in time; whatever the process has left in its group is killed. *pid is 0 then. */
void reef_live_finish(pid_t *pid, int sig);

/* ---- what a failed test leaves behind ----------------------------------------- */

/* Memory for one server, all zero, which `release` clears away when the program ends,
 * unless reef_live_forget frees it before. */
void *reef_live_remember(size_t size, void (*release)(void *));
void reef_live_forget(void *server);

#endif
