/* SPDX-License-Identifier: Apache-2.0
 *
 * memory: the linker sends malloc and its kin here. Invariant: the table holds exactly
 * the live counted blocks, found by open addressing; a removal shifts back what follows
 * so that no tombstones are needed. One thread. */
#include "test/sim/memory.h"

enum { MEMORY_SLOTS = 1 << 16 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

typedef struct memory_slot {
    const void *block;
    size_t size;
} memory_slot;

static struct memory_state {
    memory_slot slots[MEMORY_SLOTS];
    size_t live, blocks;
    uint64_t left; /* allocations until one fails; 0: off */
    bool forever, failed, inside;
} memory_now;

static size_t memory_home(const void *block)
{
    uint64_t bits = (uint64_t)(uintptr_t)block;
    return (size_t)((bits >> 4) * 0x9E3779B97F4A7C15u >> 48);
}

static size_t memory_find(const void *block)
{
    size_t at = memory_home(block);
    while (memory_now.slots[at].block != NULL && memory_now.slots[at].block != block) {
        at = (at + 1) % MEMORY_SLOTS;
    }
    return at;
}

static void memory_add(const void *block, size_t size)
{
    if (!memory_now.inside || block == NULL || memory_now.blocks >= MEMORY_SLOTS - 1u) {
        return;
    }
    size_t at = memory_find(block);
    memory_now.slots[at] = (memory_slot){block, size};
    memory_now.live += size;
    memory_now.blocks++;
}

/* True: it was counted. */
static bool memory_remove(const void *block)
{
    size_t at = memory_find(block);
    if (block == NULL || memory_now.slots[at].block == NULL) {
        return false;
    }
    memory_now.live -= memory_now.slots[at].size;
    memory_now.blocks--;
    size_t next = (at + 1) % MEMORY_SLOTS;
    while (memory_now.slots[next].block != NULL) {
        size_t home = memory_home(memory_now.slots[next].block);
        size_t gap = (next + MEMORY_SLOTS - at) % MEMORY_SLOTS;
        if ((next + MEMORY_SLOTS - home) % MEMORY_SLOTS >= gap) {
            memory_now.slots[at] = memory_now.slots[next];
            at = next;
        }
        next = (next + 1) % MEMORY_SLOTS;
    }
    memory_now.slots[at] = (memory_slot){NULL, 0};
    return true;
}

static bool memory_refused(void)
{
    if (!memory_now.inside || memory_now.left == 0) {
        return false;
    }
    if (memory_now.left > 1) {
        memory_now.left--;
        return false;
    }
    memory_now.left = memory_now.forever ? 1 : 0;
    memory_now.failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    void *block = memory_refused() ? NULL : __real_malloc(size);
    memory_add(block, size);
    return block;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *block = memory_refused() ? NULL : __real_calloc(count, size);
    memory_add(block, count * size);
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    if (memory_refused()) {
        return NULL;
    }
    bool inside = memory_now.inside;
    memory_now.inside = memory_remove(block) || inside;
    void *moved = __real_realloc(block, size);
    memory_add(moved, size);
    memory_now.inside = inside;
    return moved;
}

void __wrap_free(void *block)
{
    (void)memory_remove(block);
    __real_free(block);
}

void sim_memory_in(void)
{
    memory_now.inside = true;
}

void sim_memory_out(void)
{
    memory_now.inside = false;
}

size_t sim_memory_live(void)
{
    return memory_now.live;
}

size_t sim_memory_blocks(void)
{
    return memory_now.blocks;
}

void sim_memory_fail(uint64_t k, bool forever)
{
    memory_now.left = k;
    memory_now.forever = forever;
    memory_now.failed = false;
}

bool sim_memory_failed(void)
{
    return memory_now.failed;
}
