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

/* Sixteen bytes at a time. The remainder is linear: that of a byte with so many bytes
 * behind it is the sum of those of its bits, so each table is given by eight numbers,
 * the remainders of 1, 2, 4, … 128, and doubled from one entry to 256. */
#define SLOTS_CRC_2(v, a) (v), (v) ^ (a)
#define SLOTS_CRC_4(v, a, b) SLOTS_CRC_2(v, a), SLOTS_CRC_2((v) ^ (b), a)
#define SLOTS_CRC_8(v, a, b, c) SLOTS_CRC_4(v, a, b), SLOTS_CRC_4((v) ^ (c), a, b)
#define SLOTS_CRC_16(v, a, b, c, d)                                                    \
    SLOTS_CRC_8(v, a, b, c), SLOTS_CRC_8((v) ^ (d), a, b, c)
#define SLOTS_CRC_32(v, a, b, c, d, e)                                                 \
    SLOTS_CRC_16(v, a, b, c, d), SLOTS_CRC_16((v) ^ (e), a, b, c, d)
#define SLOTS_CRC_64(v, a, b, c, d, e, f)                                              \
    SLOTS_CRC_32(v, a, b, c, d, e), SLOTS_CRC_32((v) ^ (f), a, b, c, d, e)
#define SLOTS_CRC_128(v, a, b, c, d, e, f, g)                                          \
    SLOTS_CRC_64(v, a, b, c, d, e, f), SLOTS_CRC_64((v) ^ (g), a, b, c, d, e, f)
#define SLOTS_CRC_256(a, b, c, d, e, f, g, h)                                          \
    {                                                                                  \
        SLOTS_CRC_128(0, a, b, c, d, e, f, g), SLOTS_CRC_128(h, a, b, c, d, e, f, g)   \
    }

/* Row n: of a byte with n more behind it. */
static const uint16_t slots_crc_table[16][256] = {
    SLOTS_CRC_256(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48C4, 0x9188),
    SLOTS_CRC_256(0x3331, 0x6662, 0xCCC4, 0x89A9, 0x0373, 0x06E6, 0x0DCC, 0x1B98),
    SLOTS_CRC_256(0x3730, 0x6E60, 0xDCC0, 0xA9A1, 0x4363, 0x86C6, 0x1DAD, 0x3B5A),
    SLOTS_CRC_256(0x76B4, 0xED68, 0xCAF1, 0x85C3, 0x1BA7, 0x374E, 0x6E9C, 0xDD38),
    SLOTS_CRC_256(0xAA51, 0x4483, 0x8906, 0x022D, 0x045A, 0x08B4, 0x1168, 0x22D0),
    SLOTS_CRC_256(0x45A0, 0x8B40, 0x06A1, 0x0D42, 0x1A84, 0x3508, 0x6A10, 0xD420),
    SLOTS_CRC_256(0xB861, 0x60E3, 0xC1C6, 0x93AD, 0x377B, 0x6EF6, 0xDDEC, 0xABF9),
    SLOTS_CRC_256(0x47D3, 0x8FA6, 0x0F6D, 0x1EDA, 0x3DB4, 0x7B68, 0xF6D0, 0xFD81),
    SLOTS_CRC_256(0xEB23, 0xC667, 0x9CEF, 0x29FF, 0x53FE, 0xA7FC, 0x5FD9, 0xBFB2),
    SLOTS_CRC_256(0x6F45, 0xDE8A, 0xAD35, 0x4A4B, 0x9496, 0x390D, 0x721A, 0xE434),
    SLOTS_CRC_256(0xD849, 0xA0B3, 0x5147, 0xA28E, 0x553D, 0xAA7A, 0x44D5, 0x89AA),
    SLOTS_CRC_256(0x0375, 0x06EA, 0x0DD4, 0x1BA8, 0x3750, 0x6EA0, 0xDD40, 0xAAA1),
    SLOTS_CRC_256(0x4563, 0x8AC6, 0x05AD, 0x0B5A, 0x16B4, 0x2D68, 0x5AD0, 0xB5A0),
    SLOTS_CRC_256(0x7B61, 0xF6C2, 0xFDA5, 0xEB6B, 0xC6F7, 0x9DCF, 0x2BBF, 0x577E),
    SLOTS_CRC_256(0xAEFC, 0x4DD9, 0x9BB2, 0x2745, 0x4E8A, 0x9D14, 0x2A09, 0x5412),
    SLOTS_CRC_256(0xA824, 0x4069, 0x80D2, 0x1185, 0x230A, 0x4614, 0x8C28, 0x0871),
};

/* Of four bytes with `behind` more behind them. */
static inline uint32_t slots_crc_four(const unsigned char *at, size_t behind)
{
    return (uint32_t)slots_crc_table[behind + 3][at[0]] ^
           slots_crc_table[behind + 2][at[1]] ^ slots_crc_table[behind + 1][at[2]] ^
           slots_crc_table[behind][at[3]];
}

/* A remainder of 0 leaves what follows as it is: the bytes that make no sixteen of
 * their own come first and need not wait for each other. */
uint32_t reef_crc16(reef_str text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t odd = text.len % 16;
    uint32_t crc = 0;
    for (; odd >= 4; odd -= 4, at += 4)
        crc ^= slots_crc_four(at, odd - 4);
    for (; odd > 0; odd--)
        crc ^= slots_crc_table[odd - 1][*at++];
    for (size_t left = text.len / 16; left > 0; left--, at += 16) {
        uint32_t rest = slots_crc_table[13][at[2]] ^ slots_crc_table[12][at[3]] ^
                        slots_crc_four(at + 4, 8) ^ slots_crc_four(at + 8, 4) ^
                        slots_crc_four(at + 12, 0);
        crc = rest ^ slots_crc_table[15][at[0] ^ (crc >> 8)] ^
              slots_crc_table[14][at[1] ^ (crc & 0xFF)];
    }
    return crc;
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

uint32_t reef_key_slot(reef_str key)
{
    return reef_crc16(slots_tag(key)) % REEF_SLOT_COUNT;
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

/* The same in a map that has runs. Each run of the block has a slot of its own: before
 * the slot and behind it there are no more runs than slots. */
static uint32_t slots_index(const reef_slots *map, uint32_t slot)
{
    uint32_t block = slot / SLOTS_BLOCK, before = slot % SLOTS_BLOCK;
    uint32_t at = map->near[block], last = map->near[block + 1];
    uint32_t high = at + before < last ? at + before : last;
    uint32_t low = last + before > at + SLOTS_BLOCK ? last + before - SLOTS_BLOCK : at;
    return slots_search(map, slot, low, high);
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
