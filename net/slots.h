/* SPDX-License-Identifier: Apache-2.0
 *
 * slots: which node serves which of the 16,384 hash slots. Pure. Private to net/.
 *
 * The map is a row of runs: each begins at a slot and reaches to where the next one
 * begins; the first begins at 0, the last one ends at 16383, and neighbours differ. A
 * fresh cluster of 1,000 masters takes 16 KB, the worst map there can be 256 KB. A
 * zeroed map is one in which nobody owns anything. */
#ifndef REEF_NET_SLOTS_H
#define REEF_NET_SLOTS_H
#include "net/net.h"

enum { REEF_NOBODY = 0xFFFF /* owner of a slot that nobody serves */ };

typedef struct reef_run {
    uint16_t first; /* slot */
    uint16_t owner; /* a number that the map's user gives a meaning to */
    uint64_t rank;  /* how new the claim is: higher is newer */
} reef_run;

enum { REEF_SLOTS_BLOCKS = 256 /* of 64 slots each */ };

typedef struct reef_slots {
    reef_run *runs;
    uint32_t count, cap; /* count 0: nobody owns anything */
    /* Where the search begins: of each block the index of the run that holds its first
     * slot, and behind the last block that of the last run. */
    uint16_t near[REEF_SLOTS_BLOCKS + 1];
} reef_slots;

/* CRC16/XMODEM: polynomial 0x1021, start 0, not reflected. "123456789" gives 0x31C3. */
uint32_t reef_crc16(reef_str);

/* The run that holds the slot; for a number that is no slot, one that nobody owns.
 * Never NULL; lives until the map changes. */
const reef_run *reef_slots_at(const reef_slots *, uint32_t slot);
/* The slot behind the last one of the run that holds `slot`, for walks over runs; for a
 * number that is no slot REEF_SLOT_COUNT. */
uint32_t reef_slots_end(const reef_slots *, uint32_t slot);
/* first to last, both included, get this owner and rank. False, and nothing has
 * changed: out of memory, or these are no slots. */
bool reef_slots_set(reef_slots *, uint32_t first, uint32_t last, uint16_t owner,
                    uint64_t rank);
/* As set, but only where the claim is not older than what is known: slots whose rank is
 * higher keep what they have, unless their owner is this one already (then they keep
 * the higher rank). `*kept`: how many stay another's; NULL is fine. */
bool reef_slots_claim(reef_slots *, uint32_t first, uint32_t last, uint16_t owner,
                      uint64_t rank, uint32_t *kept);
/* All slots of `from` pass to `to`, one rank higher each, in one pass and without
 * memory that could be short. Nobody leaves nothing behind. Returns how many they
 * are. */
uint32_t reef_slots_inherit(reef_slots *, uint16_t from, uint16_t to);
uint32_t reef_slots_count(const reef_slots *, uint16_t owner); /* that it owns */
/* False: out of memory, and `to` is as it was. */
bool reef_slots_copy(reef_slots *to, const reef_slots *from);
void reef_slots_free(reef_slots *); /* zero again */

#endif
