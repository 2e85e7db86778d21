/* SPDX-License-Identifier: Apache-2.0
 *
 * clock: chance, the notes of what happened, and the heap of what will. */
#include "test/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- chance, notes ------------------------------------------------------------ */

uint64_t sim_draw(sim_world *w)
{
    w->random += 0x9E3779B97F4A7C15u;
    uint64_t z = w->random;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t sim_below(sim_world *w, uint32_t n)
{
    return n <= 1 ? 0 : (uint32_t)(sim_draw(w) % n);
}

bool sim_chance(sim_world *w, uint32_t per_mille)
{
    return per_mille > 0 && sim_below(w, 1000) < per_mille;
}

void sim_mix(uint64_t *hash, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    }
}

static void clock_note_print(const sim_note *n)
{
    printf("# %8" PRId64 " ms  %-28s %" PRId64 " %" PRId64 "\n", n->at_ms, n->what,
           n->a, n->b);
}

void sim_trace(sim_world *w, const char *what, int64_t a, int64_t b)
{
    sim_note *n = &w->notes[w->note_count++ % SIM_NOTES];
    *n = (sim_note){w->now_ms, what, a, b};
    uint64_t words[3] = {(uint64_t)w->now_ms, (uint64_t)a, (uint64_t)b};
    for (size_t i = 0; i < 24; i++) {
        char byte = (char)(words[i / 8] >> (i % 8 * 8) & 0xFF);
        sim_mix(&w->hash, &byte, 1);
    }
    sim_mix(&w->hash, what, strlen(what));
    if (w->loud) {
        clock_note_print(n);
    }
}

void sim_fail(sim_world *w, const char *why, int64_t a, int64_t b)
{
    sim_trace(w, why, a, b);
    w->failed = w->failed != NULL ? w->failed : why;
}

void sim_print(const sim_world *w)
{
    uint64_t from = w->note_count > SIM_NOTES ? w->note_count - SIM_NOTES : 0;
    for (uint64_t i = from; i < w->note_count && !w->loud; i++) {
        clock_note_print(&w->notes[i % SIM_NOTES]);
    }
    printf("# broken: %s\n# again:  make test SEED=0x%" PRIx64 "\n",
           w->failed != NULL ? w->failed : "nothing", w->seed);
}

/* ---- events ------------------------------------------------------------------- */

static bool clock_before(const sim_event *a, const sim_event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->number < b->number);
}

void sim_at(sim_world *w, int64_t at_ms, sim_what what, uint64_t link, size_t arg)
{
    sim_put(w, (sim_event){.at_ms = at_ms, .what = what, .link = link, .arg = arg});
}

void sim_put(sim_world *w, sim_event e)
{
    if (w->heap_count == w->heap_cap) {
        w->heap_cap = w->heap_cap * 2 + 256;
        w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
        if (w->heap == NULL) {
            abort();
        }
    }
    e.number = w->next_number++;
    size_t i = w->heap_count++;
    for (; i > 0 && clock_before(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2) {
        w->heap[i] = w->heap[(i - 1) / 2];
    }
    w->heap[i] = e;
}

sim_event sim_pop(sim_world *w)
{
    sim_event top = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = i * 2 + 1;
        if (child + 1 < w->heap_count &&
            clock_before(&w->heap[child + 1], &w->heap[child])) {
            child++;
        }
        if (child >= w->heap_count || clock_before(&last, &w->heap[child])) {
            break;
        }
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}
