/* SPDX-License-Identifier: Apache-2.0
 *
 * The watch of tests: a thread that tries to write to servers which can't take writes
 * yet, every millisecond, over connections of its own, and notes when one of them first
 * did. Belongs on the test's own thread; reef_live_watch_us is for every thread. */
#ifndef REEF_TEST_LIVE_WATCH_H
#define REEF_TEST_LIVE_WATCH_H
#include "test/live/server.h"

enum { REEF_LIVE_WATCHED = 8 }; /* servers of one watch, at most */

typedef struct reef_live_watch reef_live_watch;

/* Of `count` servers those whose bit is set in `chosen`; they are asked to set the
 * key. */
reef_live_watch *reef_live_watch_begin(reef_live_server *const servers[], size_t count,
                                       unsigned chosen, const char *key);
/* When one took the write, by reef_live_now_us; 0: none has yet. */
int64_t reef_live_watch_us(const reef_live_watch *);
/* Waits until one has, and gives its number. at_us may be NULL. */
int reef_live_watch_wait(reef_live_watch *, int64_t *at_us);
void reef_live_watch_free(reef_live_watch *);

#endif
