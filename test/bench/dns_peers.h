/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_peers: what else reads DNS answers here: libc's resolver, and c-ares where its
 * library is found while the bench runs. */
#ifndef REEF_TEST_BENCH_DNS_PEERS_H
#define REEF_TEST_BENCH_DNS_PEERS_H
#include "resp/resp.h"

/* How many records it read; 0: it refuses the message. */
typedef size_t dns_read(reef_str message);

typedef struct dns_peer {
    char name[48];
    dns_read *read;                          /* NULL: it is not here */
    size_t (*allocations)(reef_str message); /* of one read; NULL: can't be counted */
} dns_peer;

enum { DNS_PEER_LIBC, DNS_PEER_CARES, DNS_PEERS };

extern dns_peer dns_peers[DNS_PEERS];

void dns_peers_open(void);

#endif
