/* SPDX-License-Identifier: Apache-2.0
 *
 * slots: the hash slot of a key, and the map of slots to owners.
 *
 * A key's slot is the CRC16 of the key, or of the part between its first "{" and the
 * first "}" after it, where that part is not empty (cluster specification, "Key
 * distribution model" and "Hash tags").
 *
 * Invariants of a map that has runs: the first begins at 0, each next one at a higher
 * slot, neighbours differ in owner or rank, so there are never more runs than slots;
 * near is right for these runs. A range is written in three steps: cut, so that runs
 * begin at both of its ends (the one step that needs memory, which is taken before
 * anything is changed); rewrite; join what has become the same. */
#include "net/slots.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_ROOM = 16, /* runs of a map's first allocation */
    SLOTS_BLOCK = REEF_SLOT_COUNT / REEF_SLOTS_BLOCKS
};

/* ---- CRC16 -------------------------------------------------------------------- */

/* By arithmetic, without a table that would take room in the cache of whoever calls.
 * The polynomial says that x^16 = x^12 + x^5 + 1; sums have no carries, so squares have
 * no mixed terms, and thus
 *     x^32 = x^24 + x^10 + 1     x^64 = x^48 + x^20 + 1     x^128 = x^96 + x^40 + 1
 * Bits above such a power are folded down by three shifts. The first of these may lead
 * above it again: such bits are added to the others before. */

static inline uint64_t slots_word(const unsigned char *at)
{
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
           (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
           (uint64_t)at[6] << 8 | at[7];
}

/* What is left of 128 bits with 16 zeros behind. */
static uint32_t slots_remainder(uint64_t high, uint64_t low)
{
    high ^= high >> 16 ^ high >> 32 ^ high >> 44 ^ high >> 48; /* by x^64 */
    low ^= high ^ high << 20 ^ high << 48;
    high = low >> 48; /* the zeros come in: once more by x^64 */
    low = low << 16 ^ high ^ high << 20 ^ high << 48;
    uint32_t upper = (uint32_t)(low >> 32), lower = (uint32_t)low; /* by x^32 */
    upper ^= upper >> 8 ^ upper >> 16 ^ upper >> 22 ^ upper >> 24;
    lower ^= upper ^ upper << 10 ^ upper << 24;
    upper = lower >> 16; /* by x^16 */
    upper ^= upper >> 4 ^ upper >> 8 ^ upper >> 11 ^ upper >> 12;
    return (lower ^ upper ^ upper << 5 ^ upper << 12) & 0xFFFF;
}

static const uint64_t slots_each = 0x0101010101010101; /* byte */

/* The highest bit of a byte tells whether it is a "{", if none below it is; the bits
 * under that mean nothing. */
static inline uint64_t slots_braces(uint64_t word)
{
    word ^= slots_each * '{';
    return (word - slots_each) & ~word;
}

/* 128 bits are carried along; each word of the text comes in below, and what it pushes
 * out above is folded by x^128. What makes no word comes first: zeros before it change
 * nothing. `*braces` is 0 if the text has no "{". */
static inline uint32_t slots_crc(reef_str text, uint64_t *braces)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t odd = text.len % 8;
    uint64_t high = 0, low = 0;
    if (odd > 0 && text.len > 8)
        low = slots_word(at) >> (64 - 8 * odd);
    else
        for (size_t i = 0; i < odd; i++)
            low = low << 8 | at[i];
    uint64_t seen = slots_braces(low);
    at = odd > 0 ? at + odd : at; /* an empty text may be at NULL */
    for (size_t n = text.len / 8; n > 0; n--, at += 8) {
        uint64_t out = high ^ high >> 32, word = slots_word(at);
        seen |= slots_braces(word);
        high = low ^ out << 32 ^ out >> 24;
        low = word ^ out ^ out << 40;
    }
    *braces = seen & slots_each << 7;
    return slots_remainder(high, low);
}

uint32_t reef_crc16(reef_str text)
{
    uint64_t braces;
    return slots_crc(text, &braces);
}

static reef_str slots_tag(reef_str key)
{
    const char *open = key.len ? memchr(key.ptr, '{', key.len) : NULL;
    if (!open)
        return key;
    const char *from = open + 1;
    size_t rest = key.len - (size_t)(from - key.ptr);
    const char *close = rest ? memchr(from, '}', rest) : NULL;
    return close && close > from ? (reef_str){from, (size_t)(close - from)} : key;
}

/* Few keys have a tag, so a key is read once. Looking for it first would wait, too,
 * until the bytes of a command that was just built have left for the cache. */
uint32_t reef_key_slot(reef_str key)
{
    uint64_t braces;
    uint32_t crc = slots_crc(key, &braces);
    if (braces)
        crc = reef_crc16(slots_tag(key));
    return crc % REEF_SLOT_COUNT;
}

/* ---- reading ------------------------------------------------------------------ */

/* The index of the slot's run, which is one from `at` to `last`. No branch depends on
 * the slot: it would be guessed wrong every other time. */
static uint32_t slots_search(const reef_slots *map, uint32_t slot, uint32_t at,
                             uint32_t last)
{
    for (uint32_t n = last - at + 1; n > 1; n -= n / 2)
        at += n / 2 & (0u - (map->runs[at + n / 2].first <= slot));
    return at;
}

/* The same in a map that has runs, within the slot's block. Each run of the block has a
 * slot of its own: before the slot and behind it there are no more runs than slots. */
static uint32_t slots_within(const reef_slots *map, uint32_t slot, uint32_t at,
                             uint32_t last)
{
    uint32_t before = slot % SLOTS_BLOCK;
    uint32_t high = at + before < last ? at + before : last;
    uint32_t low = last + before > at + SLOTS_BLOCK ? last + before - SLOTS_BLOCK : at;
    return slots_search(map, slot, low, high);
}

static inline uint32_t slots_index(const reef_slots *map, uint32_t slot)
{
    uint32_t block = slot / SLOTS_BLOCK;
    uint32_t at = map->near[block], last = map->near[block + 1];
    return at == last ? at : slots_within(map, slot, at, last);
}

const reef_run *reef_slots_at(const reef_slots *map, uint32_t slot)
{
    static const reef_run nobody = {0, REEF_NOBODY, 0};
    bool known = slot < REEF_SLOT_COUNT && map->count > 0;
    return known ? &map->runs[slots_index(map, slot)] : &nobody;
}

static uint32_t slots_end(const reef_slots *map, uint32_t index)
{
    return index + 1 < map->count ? map->runs[index + 1].first : REEF_SLOT_COUNT;
}

uint32_t reef_slots_end(const reef_slots *map, uint32_t slot)
{
    bool known = slot < REEF_SLOT_COUNT && map->count > 0;
    return known ? slots_end(map, slots_index(map, slot)) : REEF_SLOT_COUNT;
}

uint32_t reef_slots_count(const reef_slots *map, uint16_t owner)
{
    uint32_t count = 0;
    if (map->count == 0)
        return owner == REEF_NOBODY ? REEF_SLOT_COUNT : 0;
    for (uint32_t i = 0; i < map->count; i++)
        if (map->runs[i].owner == owner)
            count += slots_end(map, i) - map->runs[i].first;
    return count;
}

/* ---- writing ------------------------------------------------------------------ */

static bool slots_reserve(reef_slots *map, uint32_t need)
{
    if (need <= map->cap)
        return true;
    uint32_t cap = map->cap < SLOTS_ROOM ? SLOTS_ROOM : map->cap * 2;
    cap = cap < need ? need : cap > REEF_SLOT_COUNT ? REEF_SLOT_COUNT : cap;
    reef_run *runs = realloc(map->runs, cap * sizeof *runs);
    if (!runs)
        return false;
    map->runs = runs;
    map->cap = cap;
    return true;
}

/* Behind the last slot there is always an end. */
static bool slots_begins(const reef_slots *map, uint32_t slot)
{
    return slot == REEF_SLOT_COUNT || reef_slots_at(map, slot)->first == slot;
}

/* A run begins at the slot from now on. There is room for it. */
static void slots_cut(reef_slots *map, uint32_t slot)
{
    if (slots_begins(map, slot))
        return;
    uint32_t at = slots_index(map, slot) + 1;
    memmove(map->runs + at, map->runs + at - 1,
            (map->count - at + 1) * sizeof *map->runs);
    map->runs[at].first = (uint16_t)slot;
    map->count++;
    for (uint32_t i = (slot + SLOTS_BLOCK - 1) / SLOTS_BLOCK; i <= REEF_SLOTS_BLOCKS;
         i++)
        map->near[i]++;
}

/* Runs begin at `first` and behind `last`; `*from` and `*to` are the indexes of the
 * runs between them. False: out of memory, or no slots, and nothing has changed. */
static bool slots_open(reef_slots *map, uint32_t first, uint32_t last, uint32_t *from,
                       uint32_t *to)
{
    if (first > last || last >= REEF_SLOT_COUNT)
        return false;
    uint32_t runs = map->count > 0 ? map->count : 1;
    uint32_t cuts = !slots_begins(map, first) + !slots_begins(map, last + 1);
    if (!slots_reserve(map, runs + cuts))
        return false;
    if (map->count == 0) {
        map->runs[map->count++] = (reef_run){0, REEF_NOBODY, 0};
        memset(map->near, 0, sizeof map->near);
    }
    slots_cut(map, first);
    slots_cut(map, last + 1);
    *from = slots_index(map, first);
    *to = slots_index(map, last);
    return true;
}

/* The runs behind `kept` and before `end` are gone, and those before them are others
 * than they were from index `from` on. */
static void slots_near(reef_slots *map, uint32_t from, uint32_t kept, uint32_t end)
{
    for (uint32_t i = 0; i < REEF_SLOTS_BLOCKS; i++)
        if (map->near[i] >= end)
            map->near[i] = (uint16_t)(map->near[i] - (end - kept - 1));
        else if (map->near[i] > from)
            map->near[i] = (uint16_t)slots_search(map, i * SLOTS_BLOCK, from, kept);
    map->near[REEF_SLOTS_BLOCKS] = (uint16_t)(map->count - 1);
}

/* Makes one run of neighbours that are the same, among those from index `from` to `to`
 * and the two around these. */
static void slots_join(reef_slots *map, uint32_t from, uint32_t to)
{
    uint32_t begin = from > 0 ? from - 1 : 0, kept = begin;
    uint32_t end = to + 2 < map->count ? to + 2 : map->count;
    for (uint32_t at = begin + 1; at < end; at++) {
        const reef_run *run = &map->runs[at], *before = &map->runs[kept];
        if (run->owner != before->owner || run->rank != before->rank)
            map->runs[++kept] = *run;
    }
    if (kept + 1 == end)
        return;
    memmove(map->runs + kept + 1, map->runs + end,
            (map->count - end) * sizeof *map->runs);
    map->count -= end - (kept + 1);
    slots_near(map, begin, kept, end);
}

bool reef_slots_set(reef_slots *map, uint32_t first, uint32_t last, uint16_t owner,
                    uint64_t rank)
{
    uint32_t from, to;
    if (!slots_open(map, first, last, &from, &to))
        return false;
    for (uint32_t i = from; i <= to; i++) {
        map->runs[i].owner = owner;
        map->runs[i].rank = rank;
    }
    slots_join(map, from, to);
    return true;
}

/* True: the run stays another's. */
static bool slots_claim_run(reef_run *run, uint16_t owner, uint64_t rank)
{
    if (run->rank > rank)
        return run->owner != owner;
    run->owner = owner;
    run->rank = rank;
    return false;
}

bool reef_slots_claim(reef_slots *map, uint32_t first, uint32_t last, uint16_t owner,
                      uint64_t rank, uint32_t *kept)
{
    uint32_t from, to, stay = 0;
    bool open = slots_open(map, first, last, &from, &to);
    for (uint32_t i = open ? from : 1; open && i <= to; i++)
        if (slots_claim_run(&map->runs[i], owner, rank))
            stay += slots_end(map, i) - map->runs[i].first;
    if (open)
        slots_join(map, from, to);
    if (kept)
        *kept = stay;
    return open;
}

uint32_t reef_slots_inherit(reef_slots *map, uint16_t from, uint16_t to)
{
    uint32_t moved = 0;
    for (uint32_t i = 0; from != REEF_NOBODY && i < map->count; i++) {
        reef_run *run = &map->runs[i];
        if (run->owner != from)
            continue;
        moved += slots_end(map, i) - run->first;
        run->owner = to;
        run->rank += run->rank < UINT64_MAX;
    }
    if (moved > 0)
        slots_join(map, 0, map->count - 1);
    return moved;
}

/* ---- whole maps --------------------------------------------------------------- */

bool reef_slots_copy(reef_slots *to, const reef_slots *from)
{
    if (to == from)
        return true;
    if (from->count > 0) {
        if (!slots_reserve(to, from->count))
            return false;
        memcpy(to->runs, from->runs, from->count * sizeof *to->runs);
        memcpy(to->near, from->near, sizeof to->near);
    }
    to->count = from->count;
    return true;
}

void reef_slots_free(reef_slots *map)
{
    free(map->runs);
    memset(map, 0, sizeof *map);
}
