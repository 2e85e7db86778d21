/* SPDX-License-Identifier: Apache-2.0
 *
 * net/draw.c: a million orders in all; whole permutations are counted and held against
 * exact chances. So that this proves something, two draws that others have used are put
 * to the same test and must fail it: RFC 2782 by the letter, and one that stops after
 * the first. */
#include "net/draw.h"
#include "test/unit/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SET_MAX = 6, SET_CELLS = 720, SET_DRAWS = 115000 };

typedef struct target_set {
    const char *name;
    size_t count;
    reef_draw targets[SET_MAX]; /* the index is filled in */
    bool letter_fails, first_fails;
} target_set;

#define WEIGHT(w)                                                                      \
    {                                                                                  \
        .weight = (w)                                                                  \
    }
#define TARGET(p, w)                                                                   \
    {                                                                                  \
        .priority = (p), .weight = (w)                                                 \
    }
static const target_set sets[] = {
    {"equal", 4, {WEIGHT(1), WEIGHT(1), WEIGHT(1), WEIGHT(1)}, true, true},
    {"one to three", 2, {WEIGHT(1), WEIGHT(3)}, true, false},
    {"a zero first", 3, {WEIGHT(0), WEIGHT(1), WEIGHT(1)}, true, true},
    {"zeros between", 4, {WEIGHT(0), WEIGHT(5), WEIGHT(0), WEIGHT(10)}, true, true},
    {"all zeros", 4, {WEIGHT(0), WEIGHT(0), WEIGHT(0), WEIGHT(0)}, true, true},
    {"largest", 3, {WEIGHT(65535), WEIGHT(65535), WEIGHT(65535)}, false, true},
    {"uneven", 3, {WEIGHT(65535), WEIGHT(32768), WEIGHT(256)}, false, true},
    {"one to five",
     5,
     {WEIGHT(1), WEIGHT(2), WEIGHT(3), WEIGHT(4), WEIGHT(5)},
     true,
     true},
    {"three priorities",
     6,
     {TARGET(65535, 1), TARGET(0, 2), TARGET(20, 0), TARGET(0, 1), TARGET(20, 0),
      TARGET(0, 4)},
     false,
     false},
};

static void seeded(reef_random *r, unsigned seed)
{
    unsigned char key[REEF_RANDOM_KEY] = {0};
    key[0] = (unsigned char)seed;
    key[1] = (unsigned char)(seed >> 8);
    reef_random_key(r, key);
}

/* ---- permutations, numbered --------------------------------------------------- */

/* The number of an order among all of as many. */
static size_t cell_of(const uint16_t order[], size_t count)
{
    size_t cell = 0;
    for (size_t i = 0; i < count; i++) {
        size_t smaller = 0;
        for (size_t j = i + 1; j < count; j++)
            smaller += order[j] < order[i];
        cell = cell * (count - i) + smaller;
    }
    return cell;
}

static void order_of(size_t cell, size_t count, uint16_t order[])
{
    for (size_t i = count; i-- > 0;) {
        order[i] = (uint16_t)(cell % (count - i));
        cell /= count - i;
        for (size_t j = i + 1; j < count; j++)
            order[j] = (uint16_t)(order[j] + (order[j] >= order[i]));
    }
}

/* The chance of one step: that `order[at]` comes now, when those before it are gone. */
static double chance_of_step(const target_set *set, const uint16_t order[], size_t at)
{
    const reef_draw *now = &set->targets[order[at]];
    double weights = 0, equals = 0;
    for (size_t i = at; i < set->count; i++) {
        const reef_draw *other = &set->targets[order[i]];
        if (other->priority < now->priority)
            return 0;
        if (other->priority > now->priority)
            continue;
        weights += other->weight;
        equals += 1;
    }
    return weights > 0 ? now->weight / weights : 1 / equals;
}

static size_t chances_of(const target_set *set, double chances[SET_CELLS])
{
    size_t cells = 1;
    double sum = 0;
    for (size_t i = 2; i <= set->count; i++)
        cells *= i;
    for (size_t cell = 0; cell < cells; cell++) {
        uint16_t order[SET_MAX];
        order_of(cell, set->count, order);
        assert_int_equal(cell_of(order, set->count), cell);
        chances[cell] = 1;
        for (size_t at = 0; at < set->count; at++)
            chances[cell] *= chance_of_step(set, order, at);
        sum += chances[cell];
    }
    assert_true(sum > 0.999999 && sum < 1.000001);
    return cells;
}

/* ---- draws that are wrong ----------------------------------------------------- */

static void move_up(reef_draw entries[], size_t from, size_t to)
{
    reef_draw moved = entries[from];
    memmove(&entries[to + 1], &entries[to], (from - to) * sizeof moved);
    entries[to] = moved;
}

/* Those of weight 0 first; a number from 0 to the sum, both included; the first one
 * whose running sum reaches it. Of one priority. */
static void letter_order(reef_draw entries[], size_t count, reef_random *random)
{
    for (size_t i = 0, zeros = 0; i < count; i++)
        if (entries[i].weight == 0)
            move_up(entries, i, zeros++);
    for (size_t done = 0; done < count; done++) {
        uint64_t sum = 0, running = 0;
        for (size_t i = done; i < count; i++)
            sum += entries[i].weight;
        uint64_t number = reef_random_below(random, sum + 1);
        size_t at = done;
        while ((running += entries[at].weight) < number)
            at++;
        move_up(entries, at, done);
    }
}

static void first_order(reef_draw entries[], size_t count, reef_random *random)
{
    reef_draw drawn[SET_MAX];
    memcpy(drawn, entries, count * sizeof drawn[0]);
    reef_draw_order(drawn, count, random);
    for (size_t i = 0; i < count; i++)
        if (entries[i].index == drawn[0].index)
            move_up(entries, i, 0);
}

/* ---- the test ----------------------------------------------------------------- */

typedef void order_fn(reef_draw[], size_t, reef_random *);

static bool order_fits(const target_set *set, order_fn *order, uint32_t draws)
{
    static uint32_t counts[SET_CELLS];
    static double chances[SET_CELLS];
    size_t cells = chances_of(set, chances);
    reef_random random;
    seeded(&random, 7);
    memset(counts, 0, sizeof counts);
    for (uint32_t n = 0; n < draws; n++) {
        reef_draw drawn[SET_MAX];
        uint16_t found[SET_MAX];
        memcpy(drawn, set->targets, sizeof drawn);
        for (size_t i = 0; i < set->count; i++)
            drawn[i].index = (uint16_t)i;
        order(drawn, set->count, &random);
        for (size_t i = 0; i < set->count; i++)
            found[i] = drawn[i].index;
        counts[cell_of(found, set->count)]++;
    }
    return chance_fits(counts, chances, cells, draws);
}

static void test_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (!order_fits(&sets[i], reef_draw_order, SET_DRAWS))
            fail_msg("%s: not by chance", sets[i].name);
}

static void test_wrong_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (sets[i].letter_fails && order_fits(&sets[i], letter_order, SET_DRAWS / 10))
            fail_msg("%s: the letter of the RFC passes", sets[i].name);
        if (sets[i].first_fails && order_fits(&sets[i], first_order, SET_DRAWS / 10))
            fail_msg("%s: a draw of the first alone passes", sets[i].name);
    }
}

/* ---- many --------------------------------------------------------------------- */

static reef_draw many[REEF_DRAW_MAX];

/* Entry i at place i; `mode` picks how its priority and weight come about. */
static void fill(size_t count, unsigned mode)
{
    for (size_t i = 0; i < count; i++) {
        many[i] = (reef_draw){.index = (uint16_t)i, .left = 99, .sum = 12345};
        many[i].weight = (uint16_t)(mode == 0 ? 1 : mode == 1 ? 65535 : i * 7919 % 11);
        many[i].priority = (uint16_t)(mode < 3 ? 0 : i * 104729 % 5);
    }
}

/* Everyone is there once and as he was, priorities ascend, zeros are behind. */
static void demand_whole(size_t count, unsigned mode)
{
    static bool seen[REEF_DRAW_MAX];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < count; i++) {
        const reef_draw *d = &many[i];
        assert_true(d->index < count && !seen[d->index]);
        seen[d->index] = true;
        if (i > 0) {
            assert_true(d[-1].priority <= d->priority);
            if (d[-1].priority == d->priority && d[-1].weight == 0)
                assert_int_equal(d->weight, 0);
        }
    }
    static reef_draw drawn[REEF_DRAW_MAX];
    memcpy(drawn, many, sizeof drawn);
    fill(count, mode);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(drawn[i].weight, many[drawn[i].index].weight);
        assert_int_equal(drawn[i].priority, many[drawn[i].index].priority);
    }
    memcpy(many, drawn, sizeof many);
}

static void test_every_size(void **state)
{
    (void)state;
    static const size_t large[] = {255, 256, 257, 1000, 4095, REEF_DRAW_MAX};
    reef_random random;
    seeded(&random, 1);
    for (unsigned mode = 0; mode < 4; mode++) {
        for (size_t count = 0; count <= 70; count++) {
            fill(count, mode);
            reef_draw_order(many, count, &random);
            demand_whole(count, mode);
        }
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
            fill(large[i], mode);
            reef_draw_order(many, large[i], &random);
            demand_whole(large[i], mode);
        }
    }
}

/* 37 of weight 1 to 37: who comes first; and of equal ones, where the last one goes. */
static void test_a_tree(void **state)
{
    (void)state;
    enum { COUNT = 37, DRAWS = 40000 };
    static uint32_t firsts[COUNT], places[COUNT];
    double by_weight[COUNT], even[COUNT];
    reef_random random;
    seeded(&random, 2);
    for (size_t i = 0; i < COUNT; i++) {
        by_weight[i] = (double)(i + 1) / (COUNT * (COUNT + 1) / 2);
        even[i] = 1.0 / COUNT;
    }
    for (uint32_t n = 0; n < DRAWS; n++) {
        size_t place = 0;
        fill(COUNT, 0);
        for (size_t i = 0; i < COUNT; i++)
            many[i].weight = (uint16_t)(i + 1);
        reef_draw_order(many, COUNT, &random);
        firsts[many[0].index]++;
        fill(COUNT, 0);
        reef_draw_order(many, COUNT, &random);
        while (many[place].index != COUNT - 1)
            place++;
        places[place]++;
    }
    assert_true(chance_fits(firsts, by_weight, COUNT, DRAWS));
    assert_true(chance_fits(places, even, COUNT, DRAWS));
}

static double cpu_of(size_t count, unsigned times)
{
    reef_random random;
    seeded(&random, 3);
    clock_t before = clock();
    for (unsigned n = 0; n < times; n++) {
        fill(count, 2);
        reef_draw_order(many, count, &random);
    }
    return (double)(clock() - before);
}

/* As many entries in all, in groups 64 times as large: twice the steps, if they are n
 * log n; 64 times, if they are n n. The best of some tries, since others run too. */
static void test_cost(void **state)
{
    (void)state;
    double best = 1e9;
    for (int n = 0; n < 10 && best >= 8; n++) {
        double small = cpu_of(REEF_DRAW_MAX / 64, 40 * 64),
               large = cpu_of(REEF_DRAW_MAX, 40);
        double ratio = large / (small > 1 ? small : 1);
        best = ratio < best ? ratio : best;
    }
    assert_true(best < 8);
}

/* The key alone decides. */
static void test_same_key_same_order(void **state)
{
    (void)state;
    static reef_draw before[REEF_DRAW_MAX];
    unsigned changed = 0;
    for (unsigned seed = 0; seed < 20; seed++) {
        reef_random random;
        bool same = true;
        for (unsigned again = 0; again < 2; again++) {
            seeded(&random, seed);
            fill(100, 3);
            reef_draw_order(many, 100, &random);
            for (size_t i = 0; i < 100; i++)
                same = same && many[i].index == before[i].index;
            if (again == 1)
                assert_true(same);
            changed += !same;
            same = true;
            memcpy(before, many, sizeof before);
        }
    }
    assert_int_equal(changed, 20); /* another key, another order */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),     cmocka_unit_test(test_wrong_orders),
        cmocka_unit_test(test_every_size), cmocka_unit_test(test_a_tree),
        cmocka_unit_test(test_cost),       cmocka_unit_test(test_same_key_same_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
