/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that is pretended, with a small Cluster behind it (scan_world.h) and a clock
 * that moves only when somebody waits: for walks over all keys. A test names the
 * functions that these stand for as __wrap_…, and calls these. */
#ifndef REEF_TEST_UNIT_SCAN_KIT_H
#define REEF_TEST_UNIT_SCAN_KIT_H
#include "net/scan.h"
#include "test/unit/scan_world.h"

typedef struct scan_kit {
    world w;
    int64_t now_ms;
    uint32_t stir;       /* percent: how much happens between two answers */
    uint32_t calm_after; /* flows; then the world comes to rest; 0: never */
    uint32_t flows;
    bool no_roster;  /* CLUSTER NODES is not permitted */
    bool no_slots;   /* nor CLUSTER SLOTS */
    bool silent_all; /* nobody answers anything */
    bool no_members; /* nobody can be met */
} scan_kit;

extern scan_kit kit;

void kit_begin(uint64_t seed);
reef_answers *kit_meet(reef_error *);
void kit_flow(const reef_flow *);

#endif
