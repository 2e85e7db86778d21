/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorts by priority, those of weight 0 behind the others of theirs, so that each kind
 * is one run; then draws within each run. A run with weights is a tree of sums
 * (Fenwick's): with positions from 1 on, entry i holds the weights that are left of the
 * positions from i - (i & -i) + 1 to i. Finding whom a number falls on, and taking him
 * out, is log n steps each. Nothing is moved before all are drawn; then each goes to
 * its place. */
#include "net/draw.h"

#include <assert.h>

static uint32_t draw_key(const reef_draw *entry)
{
    return (uint32_t)entry->priority << 1 | (entry->weight == 0 ? 1u : 0u);
}

static void draw_swap(reef_draw *a, reef_draw *b)
{
    reef_draw kept = *a;
    *a = *b;
    *b = kept;
}

/* ---- sorting, by a heap ------------------------------------------------------- */

static void draw_sift(reef_draw heap[], size_t at, size_t count)
{
    reef_draw moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && draw_key(&heap[child]) < draw_key(&heap[child + 1]))
            child++;
        if (draw_key(&heap[child]) <= draw_key(&moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void draw_sort(reef_draw entries[], size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        draw_sift(entries, i, count);
    for (size_t end = count; end-- > 1;) {
        draw_swap(&entries[0], &entries[end]);
        draw_sift(entries, 0, end);
    }
}

/* ---- one run ------------------------------------------------------------------ */

static size_t draw_low_bit(size_t position)
{
    return position & (~position + 1);
}

/* Makes the tree; all weights together. */
static uint32_t draw_plant(reef_draw run[], size_t count)
{
    uint32_t total = 0;
    for (size_t i = 0; i < count; i++) {
        run[i].sum = run[i].weight;
        total += run[i].weight;
    }
    for (size_t i = 1; i <= count; i++) {
        size_t up = i + draw_low_bit(i);
        if (up <= count)
            run[up - 1].sum += run[i - 1].sum;
    }
    return total;
}

/* The entry that a number below the total falls on. `top`: a power of two, at most
 * count, and twice it is more. */
static size_t draw_find(const reef_draw run[], size_t count, size_t top,
                        uint64_t number)
{
    size_t at = 0;
    for (size_t step = top; step > 0; step /= 2) {
        if (at + step > count || run[at + step - 1].sum > number)
            continue;
        number -= run[at + step - 1].sum;
        at += step;
    }
    return at;
}

static void draw_take(reef_draw run[], size_t count, size_t at)
{
    for (size_t i = at + 1; i <= count; i += draw_low_bit(i))
        run[i - 1].sum -= run[at].weight;
}

/* By weight: `left` becomes the place where an entry belongs. Each swap puts one into
 * its own. */
static void draw_weighted(reef_draw run[], size_t count, reef_random *random)
{
    uint32_t total = draw_plant(run, count);
    size_t top = 1;
    while (top * 2 <= count)
        top *= 2;
    for (size_t place = 0; place < count; place++) {
        size_t at = draw_find(run, count, top, reef_random_below(random, total));
        run[at].left = (uint16_t)place;
        total -= run[at].weight;
        draw_take(run, count, at);
    }
    for (size_t i = 0; i < count; i++)
        while (run[i].left != i)
            draw_swap(&run[i], &run[run[i].left]);
}

/* All alike. */
static void draw_shuffle(reef_draw run[], size_t count, reef_random *random)
{
    for (size_t rest = count; rest > 1; rest--)
        draw_swap(&run[rest - 1], &run[reef_random_below(random, rest)]);
}

void reef_draw_order(reef_draw entries[], size_t count, reef_random *random)
{
    assert(count <= REEF_DRAW_MAX);
    draw_sort(entries, count);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count; to++)
            if (draw_key(&entries[to]) != draw_key(&entries[from]))
                break;
        if (entries[from].weight == 0)
            draw_shuffle(entries + from, to - from, random);
        else
            draw_weighted(entries + from, to - from, random);
    }
}
