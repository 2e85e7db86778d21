/* SPDX-License-Identifier: Apache-2.0
 *
 * masters: three real masters that make up a Cluster, for benches, with a connection
 * to each by hiredis. Valkey if there is one and else Redis. Whatever fails ends the
 * bench, and with it the servers. */
#ifndef REEF_TEST_BENCH_MASTERS_H
#define REEF_TEST_BENCH_MASTERS_H
#include <stdint.h>
#include <sys/types.h>
#include <hiredis/hiredis.h>
#include "test/tool/temporary.h"

enum { MASTERS = 3 };

typedef struct masters {
    const char *server; /* its name; NULL: none is installed, and nothing is up */
    char folder[TEMPORARY_PATH];
    pid_t pids[MASTERS];
    uint16_t ports[MASTERS];
    redisContext *links[MASTERS];
} masters;

void masters_start(masters *);
void masters_stop(masters *);
int masters_of_slot(uint32_t slot); /* who owns it */

#endif
