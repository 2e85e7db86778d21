/* SPDX-License-Identifier: Apache-2.0
 *
 * names_server: a DNS server of bench_names' own, a thread with a UDP socket on
 * 127.0.0.1 that answers as fast as it can. It knows "found.test", with an SRV record,
 * its target's address along with it, and an address; of "empty.test" it knows that
 * there is nothing there, and every other name it denies. */
#ifndef REEF_TEST_BENCH_NAMES_SERVER_H
#define REEF_TEST_BENCH_NAMES_SERVER_H
#include <stdint.h>

/* Starts it; its port, or 0 when there is no socket or thread. It ends with the
 * program. */
uint16_t names_server_start(void);
/* The questions that it was asked so far. */
unsigned long names_server_asked(void);

#endif
