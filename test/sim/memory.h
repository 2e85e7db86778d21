/* SPDX-License-Identifier: Apache-2.0
 *
 * memory: counts what the engine allocates, and lets an allocation fail on request. The
 * program is linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free.
 * Blocks are counted only when they were asked for between sim_memory_in and
 * sim_memory_out; whoever frees them, they leave the count. */
#ifndef REEF_SIM_MEMORY_H
#define REEF_SIM_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void sim_memory_in(void);
void sim_memory_out(void);
size_t sim_memory_live(void);   /* bytes asked for and not freed */
size_t sim_memory_blocks(void); /* blocks not freed */
/* The k-th counted allocation from now on fails (1 is the next); 0: none does. With
 * `forever`, all that follow fail, too. */
void sim_memory_fail(uint64_t k, bool forever);
bool sim_memory_failed(void); /* one did, since the last sim_memory_fail */

#endif
