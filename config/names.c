/* SPDX-License-Identifier: Apache-2.0
 *
 * names: the table of names, and the rules of defining one again.
 *
 * Open addressing with linear probing. A slot is two words: in the first the place (28
 * bits), the kind (3) and a mark that it waits to be moved (1); in the second the scope
 * (28) and a piece of the hash (4), which spares most looks into the text. A first word
 * of 0 is a free slot. A slot of kind NONE whose place is not 0 is no name: it says
 * where the header of a table stands that was made IMPLICIT before.
 *
 * Invariants: at least a quarter of the slots is free; between the slot that a name's
 * hash points to and the slot that it is in, none is free; a place is that of one name
 * only, so it tells scopes apart. */
#include "config/names.h"
#include "config/text.h"
#include "config/toml.h"
#include <stdlib.h>
#include <string.h>

enum {
    NAMES_FIRST = 16,       /* slots at least */
    NAMES_BYTES = 24,       /* of text for each slot of the first table */
    NAMES_KIND_SHIFT = 28,  /* in a slot's first word */
    NAMES_PIECE_SHIFT = 28, /* in its second */
    NAMES_HEADER = 0x48     /* hashed for the place of a header */
};
static const uint32_t names_stale = UINT32_C(1) << 31;
static const uint64_t names_factor = UINT64_C(0x9E3779B97F4A7C15);

void reef_names_init(reef_names *n, reef_str text, size_t most)
{
    *n = (reef_names){.text = text, .most = most, .first = REEF_NAMES_NONE};
}

void reef_names_free(reef_names *n)
{
    free(n->slots);
    n->slots = NULL;
    n->cap = n->count = 0;
}

static uint32_t names_place(const uint32_t slot[2])
{
    return slot[0] & REEF_NAMES_NONE;
}

static reef_name_kind names_kind(const uint32_t slot[2])
{
    return (reef_name_kind)(slot[0] >> NAMES_KIND_SHIFT & 7);
}

/* ---- hashes ------------------------------------------------------------------- */

/* Twice, because what differs in the highest bits of a word alone differs there alone
 * after one multiplication, whatever the hash was before: the next word could undo it,
 * in every second text. */
static uint64_t names_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * names_factor;
    hash = (hash ^ hash >> 32) * names_factor;
    return hash ^ hash >> 32;
}

/* The last bytes of a name, fewer than eight: no loop, and no byte that is not its. */
static inline uint64_t names_tail(const char *bytes, size_t len)
{
    uint32_t first, last;
    if (len == 0)
        return 0;
    if (len < sizeof first)
        return (uint64_t)(unsigned char)bytes[0] << 16 |
               (uint64_t)(unsigned char)bytes[len / 2] << 8 |
               (uint64_t)(unsigned char)bytes[len - 1];
    memcpy(&first, bytes, sizeof first);
    memcpy(&last, bytes + len - sizeof last, sizeof last);
    return (uint64_t)first << 32 | last;
}

static inline uint64_t names_mix_bytes(uint64_t hash, const char *bytes, size_t len)
{
    uint64_t word;
    size_t left = len;
    for (; left >= sizeof word; left -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = names_mix(hash, word);
    }
    hash = names_mix(hash, names_tail(bytes, left));
    return names_mix(hash, len);
}

/* The decoded bytes are collected in eights, so that a name has the same hash however
 * it is spelled. */
static uint64_t names_mix_escapes(uint64_t hash, reef_str raw)
{
    char eight[8], piece[4];
    size_t have = 0, total = 0, len;
    uint64_t word = 0;
    for (size_t at = 0; at < raw.len;) {
        at = reef_toml_unescape(raw, at, piece, &len);
        for (size_t i = 0; i < len; i++, total++) {
            eight[have++] = piece[i];
            if (have < sizeof eight)
                continue;
            memcpy(&word, eight, sizeof word);
            hash = names_mix(hash, word);
            have = 0;
        }
    }
    hash = names_mix(hash, names_tail(eight, have));
    return names_mix(hash, total);
}

static uint64_t names_hash(const reef_names *n, uint32_t scope, const reef_name *name)
{
    uint64_t hash = names_mix(n->seed, scope);
    return name->escapes ? names_mix_escapes(hash, name->raw)
                         : names_mix_bytes(hash, name->raw.ptr, name->raw.len);
}

static uint64_t names_header_hash(const reef_names *n, uint32_t scope)
{
    return names_mix(names_mix(names_mix(n->seed, scope), NAMES_HEADER), 0);
}

static size_t names_home(const reef_names *n, uint64_t hash)
{
    return (size_t)((hash >> 32) * n->cap >> 32);
}

static uint32_t names_second(uint32_t scope, uint64_t hash)
{
    return scope | (uint32_t)(hash & 15) << NAMES_PIECE_SHIFT;
}

/* ---- names in the text -------------------------------------------------------- */

/* The name that begins at a place where one was read before. */
static reef_name names_read(reef_str text, size_t at)
{
    reef_name name = {.at = at};
    char quote = text.ptr[at];
    size_t start = at, end;
    if (quote != '"' && quote != '\'') {
        for (end = at; end < text.len && reef_toml_bare(text.ptr[end]);)
            end++;
    } else {
        start = at + 1;
        for (end = start; end < text.len && text.ptr[end] != quote; end++) {
            if (text.ptr[end] != '\\' || quote == '\'')
                continue;
            name.escapes = true;
            end++;
        }
    }
    name.raw = reef_str_part(text, start, end - start);
    return name;
}

size_t reef_names_size(const reef_names *n, size_t place)
{
    size_t quotes = reef_toml_bare(n->text.ptr[place]) ? 0 : 2;
    return names_read(n->text, place).raw.len + quotes;
}

/* Byte by byte, so that a long name costs no more than what it has in common. */
static bool names_same_decoded(reef_str a, bool a_escapes, reef_str b, bool b_escapes)
{
    char pieces[2][4];
    size_t at[2] = {0, 0}, len[2] = {0, 0}, used[2] = {0, 0};
    const reef_str raw[2] = {a, b};
    const bool escapes[2] = {a_escapes, b_escapes};
    for (;;) {
        for (size_t i = 0; i < 2; i++) {
            if (used[i] < len[i] || at[i] == raw[i].len)
                continue;
            used[i] = 0;
            if (escapes[i]) {
                at[i] = reef_toml_unescape(raw[i], at[i], pieces[i], &len[i]);
                continue;
            }
            pieces[i][0] = raw[i].ptr[at[i]++];
            len[i] = 1;
        }
        if (used[0] == len[0] || used[1] == len[1])
            return used[0] == len[0] && used[1] == len[1];
        if (pieces[0][used[0]++] != pieces[1][used[1]++])
            return false;
    }
}

static bool names_same(const reef_names *n, uint32_t place, const reef_name *name)
{
    reef_str raw = name->raw;
    if (reef_toml_bare(n->text.ptr[place]) && reef_toml_bare(n->text.ptr[name->at]))
        return raw.len < n->text.len - place &&
               memcmp(n->text.ptr + place, raw.ptr, raw.len) == 0 &&
               !reef_toml_bare(n->text.ptr[place + raw.len]);
    reef_name old = names_read(n->text, place);
    if (!name->escapes && !old.escapes)
        return reef_str_equal(old.raw, raw);
    return names_same_decoded(old.raw, old.escapes, raw, name->escapes);
}

/* ---- the table ---------------------------------------------------------------- */

static size_t names_next(const reef_names *n, size_t slot)
{
    return slot + 1 == n->cap ? 0 : slot + 1;
}

/* The slot of a name, or the free one that it would take. */
static size_t names_find(const reef_names *n, uint32_t scope, const reef_name *name,
                         uint64_t hash)
{
    uint32_t second = names_second(scope, hash);
    size_t i = names_home(n, hash);
    for (; n->slots[i][0] != 0; i = names_next(n, i))
        if (n->slots[i][1] == second && names_kind(n->slots[i]) != REEF_NAME_NONE &&
            names_same(n, names_place(n->slots[i]), name))
            break;
    return i;
}

/* The slot of the place of a table's header, or the free one that it would take. */
static size_t names_find_header(const reef_names *n, uint32_t scope)
{
    uint64_t hash = names_header_hash(n, scope);
    uint32_t second = names_second(scope, hash);
    size_t i = names_home(n, hash);
    while (n->slots[i][0] != 0 &&
           (n->slots[i][1] != second || names_kind(n->slots[i]) != REEF_NAME_NONE))
        i = names_next(n, i);
    return i;
}

static void names_put(reef_names *n, size_t slot, uint32_t place, reef_name_kind kind,
                      uint32_t second)
{
    n->slots[slot][0] = place | (uint32_t)kind << NAMES_KIND_SHIFT;
    n->slots[slot][1] = second;
    n->last = slot;
    n->count++;
}

static uint64_t names_slot_hash(const reef_names *n, const uint32_t slot[2])
{
    uint32_t scope = slot[1] & REEF_NAMES_NONE;
    if (names_kind(slot) == REEF_NAME_NONE)
        return names_header_hash(n, scope);
    reef_name name = names_read(n->text, names_place(slot));
    return names_hash(n, scope, &name);
}

/* Moves the name in a slot to where it belongs now. Where another one waits there, that
 * goes on its way next. A name that was moved never stands behind one that waits, so
 * taking those out leaves no gap before it. */
static void names_move(reef_names *n, size_t slot)
{
    uint32_t moved[2] = {n->slots[slot][0], n->slots[slot][1]};
    n->slots[slot][0] = 0;
    while (moved[0] != 0) {
        moved[0] &= ~names_stale;
        size_t i = names_home(n, names_slot_hash(n, moved));
        while (n->slots[i][0] != 0 && (n->slots[i][0] & names_stale) == 0)
            i = names_next(n, i);
        uint32_t waits[2] = {n->slots[i][0], n->slots[i][1]};
        n->slots[i][0] = moved[0];
        n->slots[i][1] = moved[1];
        moved[0] = waits[0];
        moved[1] = waits[1];
    }
}

static uint64_t names_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void names_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = names_turn(v[1], 13) ^ v[0];
    v[3] = names_turn(v[3], 16) ^ v[2];
    v[0] = names_turn(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = names_turn(v[1], 17) ^ v[2];
    v[3] = names_turn(v[3], 21) ^ v[0];
    v[2] = names_turn(v[2], 32);
}

static inline void names_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    names_round(v);
    v[0] ^= word;
}

/* SipHash-1-3 of the whole text. Of its 256 bits the text moves 64 at a time, so nobody
 * can write a text that has a seed of their choice, and then keys that this seed makes
 * slow. */
static uint64_t names_seed(reef_str text)
{
    uint64_t v[4] = {names_factor, ~names_factor, text.len, 1}, word;
    size_t at = 0;
    for (; text.len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text.ptr + at, sizeof word);
        names_absorb(v, word);
    }
    names_absorb(v, names_tail(text.ptr + at, text.len - at));
    v[2] ^= 0xFF;
    for (int i = 0; i < 3; i++)
        names_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* How many slots the next table has, at a place in the text: what the text needs if it
 * goes on as it began; it may not, so that is a quarter more at least, and three times
 * as many at most. */
static size_t names_slots(const reef_names *n, size_t at)
{
    size_t first = n->text.len / NAMES_BYTES;
    if (n->cap == 0)
        return first > NAMES_FIRST ? first : NAMES_FIRST;
    size_t least = n->cap + n->cap / 4, most = n->cap * 3;
    uint64_t rest = (uint64_t)n->cap * (n->text.len - at) / (at + 1);
    uint64_t guess = n->cap + rest + rest / 16;
    return guess < least ? least : guess < most ? (size_t)guess : most;
}

/* More slots, in place, so that old and new table are never there both. */
static bool names_grow(reef_names *n, size_t at)
{
    size_t old = n->cap, cap = names_slots(n, at);
    if (cap > SIZE_MAX / sizeof *n->slots)
        return false;
    uint32_t(*slots)[2] =
        old == 0 ? calloc(cap, sizeof *slots) : realloc(n->slots, cap * sizeof *slots);
    if (slots == NULL)
        return false;
    n->slots = slots;
    n->cap = cap;
    if (old == 0)
        n->seed = names_seed(n->text);
    else
        memset(slots + old, 0, (cap - old) * sizeof *slots);
    for (size_t i = 0; i < old; i++)
        slots[i][0] |= slots[i][0] != 0 ? names_stale : 0;
    for (size_t i = 0; i < old; i++)
        if ((slots[i][0] & names_stale) != 0)
            names_move(n, i);
    return true;
}

/* Room for two names more, the first of which stands at a place. */
static bool names_room(reef_names *n, size_t at)
{
    return n->count + 2 <= n->cap - n->cap / 4 || names_grow(n, at);
}

/* ---- the rules ---------------------------------------------------------------- */

/* A name that is there and is used as a part before the last, or NULL: it may be. */
static const char *names_pass(reef_name_kind kind, reef_name_use use)
{
    switch (kind) {
    case REEF_NAME_NONE:
    case REEF_NAME_DOTTED:
    case REEF_NAME_IMPLICIT:
        return NULL;
    case REEF_NAME_VALUE:
        return "this is a value, so nothing can be below it";
    case REEF_NAME_ARRAY:
        return "this is an array in brackets, so nothing can be below it";
    case REEF_NAME_INLINE:
        return "an inline table is complete where it stands; nothing can be added to "
               "it";
    case REEF_NAME_TABLE:
        return use == REEF_USE_TABLE_PATH
                   ? NULL
                   : "this table comes from a header; a key with dots can't add to it";
    case REEF_NAME_TABLES:
        return use == REEF_USE_TABLE_PATH
                   ? NULL
                   : "these tables come from [[...]]; a key with dots can't add to "
                     "them";
    }
    return NULL;
}

static const char *names_header_twice(reef_name_kind kind, bool tables)
{
    switch (kind) {
    case REEF_NAME_NONE:
        return NULL;
    case REEF_NAME_VALUE:
        return "this name is taken by a value";
    case REEF_NAME_ARRAY:
        return tables ? "this array in brackets is complete; [[...]] can't add to it"
                      : "this name is taken by an array";
    case REEF_NAME_INLINE:
        return "this name is taken by an inline table, which is complete where it "
               "stands";
    case REEF_NAME_DOTTED:
        return "keys with dots have made this table; it can't have a header, too";
    case REEF_NAME_IMPLICIT:
        return tables ? "this is one table already, not a list of tables" : NULL;
    case REEF_NAME_TABLE:
        return tables ? "this is one table already, not a list of tables"
                      : "this table is defined a second time";
    case REEF_NAME_TABLES:
        return tables ? NULL : "this is a list of tables already, not one table";
    }
    return NULL;
}

static const char *names_key_twice(reef_name_kind kind)
{
    return kind <= REEF_NAME_INLINE ? "this key is set a second time"
                                    : "this key is a table already";
}

static const char *names_refused(reef_name_kind kind, reef_name_use use)
{
    switch (use) {
    case REEF_USE_KEY:
        return names_key_twice(kind);
    case REEF_USE_KEY_PATH:
    case REEF_USE_TABLE_PATH:
        return names_pass(kind, use);
    case REEF_USE_TABLE:
    case REEF_USE_TABLES:
        return names_header_twice(kind, use == REEF_USE_TABLES);
    }
    return NULL;
}

static reef_name_kind names_made(reef_name_use use)
{
    switch (use) {
    case REEF_USE_KEY:
        return REEF_NAME_VALUE;
    case REEF_USE_KEY_PATH:
        return REEF_NAME_DOTTED;
    case REEF_USE_TABLE:
        return REEF_NAME_TABLE;
    case REEF_USE_TABLES:
        return REEF_NAME_TABLES;
    case REEF_USE_TABLE_PATH:
        return REEF_NAME_IMPLICIT;
    }
    return REEF_NAME_NONE;
}

/* Where the name in a slot was made: of a table with a header, there. */
static uint32_t names_origin(const reef_names *n, size_t slot)
{
    uint32_t place = names_place(n->slots[slot]);
    size_t header = names_find_header(n, place);
    return n->slots[header][0] != 0 ? names_place(n->slots[header]) : place;
}

static const char *names_note(reef_name_kind kind)
{
    if (kind <= REEF_NAME_INLINE)
        return "it was set here first";
    return kind < REEF_NAME_TABLE ? "it was made here first"
                                  : "it was defined here first";
}

/* A name that is there is used again, as it may be. */
static void names_again(reef_names *n, size_t slot, uint32_t place, reef_name_use use)
{
    uint32_t *word = &n->slots[slot][0], scope = names_place(n->slots[slot]);
    bool implicit = names_kind(n->slots[slot]) == REEF_NAME_IMPLICIT;
    if (use == REEF_USE_KEY_PATH && implicit) {
        *word = scope | (uint32_t)REEF_NAME_DOTTED << NAMES_KIND_SHIFT;
    } else if (use == REEF_USE_TABLES) { /* a new element, with a scope of its own */
        *word = place | (uint32_t)REEF_NAME_TABLES << NAMES_KIND_SHIFT;
    } else if (use == REEF_USE_TABLE) {
        *word = scope | (uint32_t)REEF_NAME_TABLE << NAMES_KIND_SHIFT;
        names_put(n, names_find_header(n, scope), place, REEF_NAME_NONE,
                  names_second(scope, names_header_hash(n, scope)));
    }
}

reef_code reef_names_use(reef_names *n, uint32_t scope, const reef_name *name,
                         reef_name_use use, uint32_t *inner, const char **why)
{
    uint32_t place = (uint32_t)name->at;
    if (!names_room(n, place))
        return REEF_NOMEM;
    uint64_t hash = names_hash(n, scope, name);
    size_t slot = names_find(n, scope, name, hash);
    if (n->slots[slot][0] == 0 && n->most > 0 && n->count >= n->most)
        return REEF_LIMIT;
    if (n->slots[slot][0] == 0) {
        names_put(n, slot, place, names_made(use), names_second(scope, hash));
        *inner = place;
        return REEF_OK;
    }
    *why = names_refused(names_kind(n->slots[slot]), use);
    if (*why != NULL) {
        n->first = names_origin(n, slot);
        n->note = names_note(names_kind(n->slots[slot]));
        return REEF_BADCONFIG;
    }
    names_again(n, slot, place, use);
    *inner = names_place(n->slots[slot]);
    return REEF_OK;
}

void reef_names_is(reef_names *n, reef_name_kind kind)
{
    uint32_t place = names_place(n->slots[n->last]);
    n->slots[n->last][0] = place | (uint32_t)kind << NAMES_KIND_SHIFT;
}
