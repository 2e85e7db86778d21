/* SPDX-License-Identifier: Apache-2.0
 *
 * net/slots.c: CRC16 and the hash-tag rule, against values worked out apart from the
 * code (a bitwise CRC below), known answers of the cluster specification, and those of
 * real servers; the map, against a plain array with one entry a slot. */
#include "net/slots.h"
#include "test/unit/resp_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = REEF_SLOT_COUNT, NOBODY = REEF_NOBODY };

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool out; /* of memory */

void *__wrap_realloc(void *memory, size_t size)
{
    return out ? NULL : __real_realloc(memory, size);
}

/* ---- slots of keys ------------------------------------------------------------ */

static uint32_t slow_crc16(const unsigned char *at, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)at[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) ? ((crc << 1) ^ 0x1021) & 0xFFFF : (crc << 1) & 0xFFFF;
    }
    return crc;
}

static void test_known(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t slot;
    } cases[] = {
        {"", 0},
        {"123456789", 12739},
        {"foo", 12182},
        {"{", 4092},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"{bar", 4015},
        {"bar", 5061},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reef_key_slot(reef_str_of(cases[i].key)), cases[i].slot);
    assert_int_equal(reef_crc16(reef_str_of("123456789")), 0x31C3);
    assert_int_equal(reef_crc16((reef_str){0}), 0);
}

static void test_tag_rule(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"{user1000}.following", "{user1000}.followers"},
        {"a{tag}b", "tag"},
        {"a{tag}b}c", "tag"},
        {"a{{tag}b", "{tag"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_int_equal(reef_key_slot(reef_str_of(same[i][0])),
                         reef_key_slot(reef_str_of(same[i][1])));
    /* No tag: the whole key counts. */
    static const char *const whole[] = {"a{", "a{b", "a}b{", "{}b", "}{"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        reef_str key = reef_str_of(whole[i]);
        assert_int_equal(reef_key_slot(key),
                         slow_crc16((const unsigned char *)key.ptr, key.len) % SLOTS);
    }
}

/* A tag is found wherever it stands, whichever bytes are around it, and is not seen
 * where none is: keys are read by words. */
static void test_tag_anywhere(void **state)
{
    (void)state;
    enum { TAG_KEY = 35 };
    const uint32_t tagged = reef_key_slot(reef_str_of("q"));
    for (unsigned fill = 0; fill < 256; fill++) {
        unsigned char key[TAG_KEY];
        for (size_t len = 3; fill != '{' && len <= TAG_KEY; len++)
            for (size_t at = 0; at + 3 <= len; at++) {
                memset(key, (int)fill, len);
                memcpy(key + at, "{q}", 3);
                assert_int_equal(reef_key_slot((reef_str){(char *)key, len}), tagged);
            }
        memset(key, (int)fill, sizeof key);
        for (size_t len = 0; len <= TAG_KEY; len++)
            assert_int_equal(reef_key_slot((reef_str){(char *)key, len}),
                             slow_crc16(key, len) % SLOTS);
    }
}

static unsigned vector_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Each line of test/vectors/keyslot.tsv, as real servers have it: a key in hexadecimal,
 * and what they say to CLUSTER KEYSLOT. */
static void test_vectors(void **state)
{
    (void)state;
    size_t len, count = 0;
    char key[512], *text = help_read_data("vectors/keyslot.tsv", &len);
    assert_non_null(text);
    assert_memory_equal(text, "key_hex\tslot\n", 13);
    for (const char *at = text + 13; at < text + len; at = strchr(at, '\n') + 1) {
        reef_str bytes = {key, 0};
        for (; *at != '\t'; at += 2) {
            assert_true(bytes.len < sizeof key);
            key[bytes.len++] = (char)(vector_digit(at[0]) * 16 + vector_digit(at[1]));
        }
        assert_int_equal(reef_key_slot(bytes), strtoul(at + 1, NULL, 10));
        count++;
    }
    assert_in_range(count, 148, SLOTS);
    free(text);
}

static void test_every_byte_and_length(void **state)
{
    (void)state;
    unsigned char key[300];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(i * 7 + i / 13);
    for (size_t len = 0; len <= sizeof key; len++)
        assert_int_equal(reef_crc16((reef_str){(const char *)key, len}),
                         slow_crc16(key, len));
}

/* Each bit alone, at each place of a text of several words and some more: since the
 * remainder is linear, that is every text. */
static void test_every_bit(void **state)
{
    (void)state;
    unsigned char key[63] = {0};
    for (size_t bit = 0; bit < 8 * sizeof key; bit++) {
        key[bit / 8] = (unsigned char)(1 << bit % 8);
        for (size_t from = 0; from < 17; from++) {
            reef_str text = {(const char *)key + from, sizeof key - from};
            assert_int_equal(reef_crc16(text), slow_crc16(key + from, text.len));
        }
        key[bit / 8] = 0;
    }
}

/* ---- the map beside a plain array --------------------------------------------- */

typedef struct plain {
    struct plain_slot {
        uint16_t owner;
        uint64_t rank;
    } slots[SLOTS];
} plain;

static void plain_clear(plain *p)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        p->slots[slot] = (struct plain_slot){NOBODY, 0};
}

static uint32_t plain_claim(plain *p, uint32_t first, uint32_t last,
                            struct plain_slot claim)
{
    uint32_t kept = 0;
    for (uint32_t slot = first; slot <= last; slot++) {
        bool older = p->slots[slot].rank > claim.rank;
        kept += older && p->slots[slot].owner != claim.owner;
        if (!older)
            p->slots[slot] = claim;
    }
    return kept;
}

static uint32_t plain_inherit(plain *p, uint16_t from, uint16_t to)
{
    uint32_t moved = 0;
    for (uint32_t slot = 0; slot < SLOTS && from != NOBODY; slot++)
        if (p->slots[slot].owner == from) {
            p->slots[slot].owner = to;
            p->slots[slot].rank++;
            moved++;
        }
    return moved;
}

/* The runs are those of the array, and no more than it takes. */
static void assert_same(const reef_slots *map, const plain *p)
{
    uint32_t runs = 0;
    for (uint32_t slot = 0, end; slot < SLOTS; slot = end) {
        const reef_run *run = reef_slots_at(map, slot);
        end = reef_slots_end(map, slot);
        assert_true(end > slot && end <= SLOTS);
        for (uint32_t at = slot; at < end; at++)
            if (run->owner != p->slots[at].owner || run->rank != p->slots[at].rank)
                fail_msg("slot %u is of another", at);
        if (end < SLOTS)
            assert_true(p->slots[end].owner != run->owner ||
                        p->slots[end].rank != run->rank);
        assert_true(map->count == 0 || run->first == slot);
        runs++;
    }
    assert_int_equal(map->count, map->count == 0 ? 0 : runs);
    assert_true(map->count <= map->cap && map->cap <= SLOTS);
}

/* One slot, by every way to it. */
static void assert_slot(const reef_slots *map, const plain *p, uint32_t slot)
{
    const reef_run *run = reef_slots_at(map, slot);
    assert_int_equal(run->owner, p->slots[slot].owner);
    assert_int_equal(run->rank, p->slots[slot].rank);
    assert_true(run->first <= slot && reef_slots_end(map, slot) > slot);
}

typedef struct trial {
    reef_slots map;
    plain plain;
    uint64_t seed;
    uint16_t owners;
    uint32_t widest;
} trial;

static uint32_t draw(trial *t, uint32_t below)
{
    return (uint32_t)(help_random(&t->seed) % below);
}

static void trial_step(trial *t)
{
    uint32_t first = draw(t, SLOTS), kept = 77;
    uint32_t last = first + draw(t, t->widest);
    uint16_t owner = (uint16_t)draw(t, t->owners);
    struct plain_slot claim = {owner, draw(t, 8)};
    last = last < SLOTS ? last : SLOTS - 1;
    if (owner == 0)
        claim.owner = NOBODY;
    switch (draw(t, 40)) {
    case 0: {
        uint16_t to = (uint16_t)draw(t, t->owners);
        assert_int_equal(reef_slots_inherit(&t->map, claim.owner, to),
                         plain_inherit(&t->plain, claim.owner, to));
        break;
    }
    case 1: {
        reef_slots copy = {0};
        assert_true(reef_slots_copy(&copy, &t->map));
        reef_slots_free(&t->map);
        t->map = copy;
        break;
    }
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
        for (uint32_t slot = first; slot <= last; slot++)
            t->plain.slots[slot] = claim;
        assert_true(reef_slots_set(&t->map, first, last, claim.owner, claim.rank));
        break;
    default:
        assert_true(
            reef_slots_claim(&t->map, first, last, claim.owner, claim.rank, &kept));
        assert_int_equal(kept, plain_claim(&t->plain, first, last, claim));
        break;
    }
    assert_slot(&t->map, &t->plain, first);
    assert_slot(&t->map, &t->plain, last);
    assert_slot(&t->map, &t->plain, draw(t, SLOTS));
}

static void test_any_order(void **state)
{
    static trial t;
    static const struct {
        uint16_t owners;
        uint32_t widest, steps;
    } kinds[] = {
        {4, 16384, 10000}, {12, 3000, 20000}, {300, 40, 40000}, {1000, 2, 30000}};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        reef_slots_free(&t.map);
        plain_clear(&t.plain);
        t.seed = i + 1;
        t.owners = kinds[i].owners;
        t.widest = kinds[i].widest;
        for (uint32_t step = 0; step < kinds[i].steps; step++) {
            trial_step(&t);
            if (step % 101 == 0)
                assert_same(&t.map, &t.plain);
        }
        assert_same(&t.map, &t.plain);
    }
    reef_slots_free(&t.map);
}

/* A run for each slot, then one for all. */
static void test_largest(void **state)
{
    static plain p;
    reef_slots map = {0};
    (void)state;
    plain_clear(&p);
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint32_t slot = i * 5 % SLOTS; /* each once, in an order of its own */
        p.slots[slot] = (struct plain_slot){(uint16_t)slot, slot};
        assert_true(reef_slots_set(&map, slot, slot, (uint16_t)slot, slot));
    }
    assert_int_equal(map.count, SLOTS);
    assert_same(&map, &p);
    assert_true(reef_slots_set(&map, 0, SLOTS - 1, 3, 9));
    assert_int_equal(map.count, 1);
    assert_int_equal(reef_slots_count(&map, 3), SLOTS);
    reef_slots_free(&map);
}

/* ---- single cases ------------------------------------------------------------- */

static void test_empty(void **state)
{
    reef_slots map = {0};
    (void)state;
    assert_int_equal(reef_slots_at(&map, 0)->owner, NOBODY);
    assert_int_equal(reef_slots_at(&map, SLOTS - 1)->rank, 0);
    assert_int_equal(reef_slots_end(&map, 0), SLOTS);
    assert_int_equal(reef_slots_count(&map, NOBODY), SLOTS);
    assert_int_equal(reef_slots_count(&map, 0), 0);
    assert_int_equal(reef_slots_inherit(&map, NOBODY, 1), 0);
    assert_int_equal(reef_slots_inherit(&map, 1, 2), 0);
    reef_slots_free(&map);
    assert_null(map.runs);
}

static void test_no_slots(void **state)
{
    static const uint32_t wrong[][2] = {
        {1, 0},
        {SLOTS, SLOTS},
        {0, SLOTS},
        {SLOTS, 0},
        {SLOTS - 1, SLOTS},
        {0, UINT32_MAX},
        {UINT32_MAX, UINT32_MAX},
        {UINT32_MAX, 0},
    };
    static plain p;
    reef_slots map = {0};
    (void)state;
    plain_clear(&p);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            uint32_t kept = 5;
            assert_false(reef_slots_set(&map, wrong[i][0], wrong[i][1], 1, 9));
            assert_false(reef_slots_claim(&map, wrong[i][0], wrong[i][1], 1, 9, &kept));
            assert_int_equal(kept, 0);
        }
        for (uint32_t slot = SLOTS; slot != 0; slot = slot < 20000 ? slot + 1 : 0) {
            assert_int_equal(reef_slots_at(&map, slot)->owner, NOBODY);
            assert_int_equal(reef_slots_end(&map, slot), SLOTS);
        }
        assert_int_equal(reef_slots_at(&map, UINT32_MAX)->owner, NOBODY);
        assert_same(&map, &p);
        assert_true(reef_slots_set(&map, 0, SLOTS - 1, 7, 1));
        (void)plain_claim(&p, 0, SLOTS - 1, (struct plain_slot){7, 1});
    }
    reef_slots_free(&map);
}

/* Who is older gives way; who is as old or newer does not; nobody takes from itself. */
static void test_claims(void **state)
{
    reef_slots map = {0};
    uint32_t kept;
    (void)state;
    assert_true(reef_slots_claim(&map, 0, 99, 1, 5, NULL));
    assert_true(reef_slots_claim(&map, 50, 149, 2, 4, &kept));
    assert_int_equal(kept, 50);
    assert_int_equal(reef_slots_count(&map, 1), 100);
    assert_int_equal(reef_slots_count(&map, 2), 50);
    assert_true(reef_slots_claim(&map, 50, 149, 2, 5, &kept));
    assert_int_equal(kept, 0);
    assert_int_equal(reef_slots_count(&map, 2), 100);
    assert_true(reef_slots_claim(&map, 0, SLOTS - 1, 1, 3, &kept)); /* its own stay 5 */
    assert_int_equal(kept, 100);
    assert_int_equal(reef_slots_at(&map, 49)->rank, 5);
    assert_int_equal(reef_slots_at(&map, 150)->rank, 3);
    assert_int_equal(map.count, 3);
    /* A hole can be newer, too. */
    assert_true(reef_slots_set(&map, 10, 19, NOBODY, 8));
    assert_true(reef_slots_claim(&map, 0, 30, 1, 7, &kept));
    assert_int_equal(kept, 10);
    assert_int_equal(reef_slots_at(&map, 15)->owner, NOBODY);
    reef_slots_free(&map);
}

static void test_inherit(void **state)
{
    reef_slots map = {0};
    (void)state;
    assert_true(reef_slots_set(&map, 0, 9, 1, 4));
    assert_true(reef_slots_set(&map, 10, 19, 2, 5));
    assert_true(reef_slots_set(&map, 20, 29, 1, UINT64_MAX));
    out = true;
    assert_int_equal(reef_slots_inherit(&map, 1, 2), 20);
    out = false;
    assert_int_equal(reef_slots_end(&map, 0), 20); /* the first two became one */
    assert_int_equal(reef_slots_at(&map, 0)->rank, 5);
    assert_int_equal(reef_slots_at(&map, 25)->rank, UINT64_MAX); /* and none higher */
    assert_int_equal(reef_slots_inherit(&map, 2, 2), 30);
    assert_int_equal(reef_slots_at(&map, 0)->rank, 6);
    assert_int_equal(reef_slots_inherit(&map, NOBODY, 2), 0);
    assert_int_equal(reef_slots_count(&map, NOBODY), SLOTS - 30);
    reef_slots_free(&map);
}

static void test_copies(void **state)
{
    static plain p;
    reef_slots map = {0}, copy = {0};
    (void)state;
    plain_clear(&p);
    for (uint16_t i = 0; i < 1000; i++)
        assert_true(reef_slots_set(&map, i * 16u, i * 16u + 15, i, i));
    assert_true(reef_slots_copy(&copy, &map));
    assert_int_equal(copy.count, 1001);
    assert_true(copy.cap * sizeof *copy.runs <= 17000); /* what the header says */
    assert_true(reef_slots_copy(&copy, &copy));
    assert_int_equal(reef_slots_count(&copy, 999), 16);
    assert_true(reef_slots_set(&map, 0, SLOTS - 1, 5, 5));
    assert_int_equal(reef_slots_count(&copy, 999), 16);
    assert_true(reef_slots_copy(&copy, &map)); /* into what is there */
    assert_int_equal(reef_slots_count(&copy, 5), SLOTS);
    assert_true(reef_slots_set(&copy, 8000, 8999, 6, 6));
    reef_slots_free(&map);
    assert_true(reef_slots_copy(&copy, &map));
    assert_same(&copy, &p);
    assert_true(reef_slots_set(&copy, 16000, 16009, 4, 4)); /* as if it were new */
    (void)plain_claim(&p, 16000, 16009, (struct plain_slot){4, 4});
    assert_same(&copy, &p);
    reef_slots_free(&copy);
}

/* ---- memory ------------------------------------------------------------------- */

static void test_out_of_memory(void **state)
{
    static plain p;
    reef_slots map = {0}, copy = {0};
    uint32_t kept, refused = 0;
    (void)state;
    plain_clear(&p);
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t slot = i * 7919 % SLOTS;
        struct plain_slot claim = {(uint16_t)(i % 50), i % 9};
        out = true;
        bool done =
            i % 2 ? reef_slots_claim(&map, slot, slot, claim.owner, claim.rank, &kept)
                  : reef_slots_set(&map, slot, slot, claim.owner, claim.rank);
        out = false;
        refused += !done;
        if (!done && i % 3 == 0) {
            assert_same(&map, &p); /* and once there is memory it goes on */
            continue;
        }
        if (!done)
            assert_true(reef_slots_set(&map, slot, slot, claim.owner, claim.rank));
        if (!done || i % 2 == 0)
            p.slots[slot] = claim;
        else
            (void)plain_claim(&p, slot, slot, claim);
        assert_slot(&map, &p, slot);
    }
    assert_same(&map, &p);
    assert_true(refused > 8);
    out = true;
    assert_false(reef_slots_copy(&copy, &map));
    assert_null(copy.runs);
    assert_int_equal(copy.count, 0);
    /* What begins and ends where runs do needs none. */
    assert_true(reef_slots_set(&map, 0, SLOTS - 1, 1, 1));
    out = false;
    reef_slots_free(&map);
}

/* What begins and ends where runs do needs none, in a map that has no room left. */
static void test_no_need_of_memory(void **state)
{
    reef_slots map = {0}, copy = {0};
    (void)state;
    for (uint16_t i = 0; i < 100; i++)
        assert_true(reef_slots_set(&map, i * 10u, i * 10u + 9, i, i));
    assert_true(reef_slots_copy(&copy, &map));
    assert_int_equal(copy.count, copy.cap);
    out = true;
    assert_true(reef_slots_set(&copy, 500, 509, 7, 7));
    assert_true(reef_slots_claim(&copy, 600, 619, 7, 700, NULL));
    assert_int_equal(copy.count, 100);
    assert_true(reef_slots_set(&copy, 10, 14, 7, 7)); /* two became one before */
    assert_false(reef_slots_set(&copy, 23, 24, 7, 7));
    out = false;
    assert_int_equal(reef_slots_count(&copy, 7), 10 + 10 + 20 + 5);
    reef_slots_free(&copy);
    reef_slots_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_tag_rule),
        cmocka_unit_test(test_tag_anywhere),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_byte_and_length),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_no_slots),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_inherit),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_no_need_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
