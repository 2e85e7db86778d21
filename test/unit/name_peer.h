/* SPDX-License-Identifier: Apache-2.0
 *
 * A name server on loopback for the tests of the blocking client, in a thread of its
 * own: 127.0.0.1 is the only address of any name but "nobody.…", which does not exist;
 * no name has a v6 address. Names in another shape are the simulator's business. */
#ifndef REEF_TEST_NAME_PEER_H
#define REEF_TEST_NAME_PEER_H
#include "config/config.h"

typedef struct name_peer name_peer;

name_peer *name_peer_start(void);
void name_peer_stop(name_peer *);
/* Hears, and says nothing, for as long as this is set. */
void name_peer_silence(name_peer *, bool silent);
unsigned name_peer_asked(const name_peer *);
/* The config asks this server, and no other. */
void name_peer_use(const name_peer *, reef_config *);

#endif
