/* SPDX-License-Identifier: Apache-2.0
 *
 * What routing adds to a call: CRC16 over inputs of many sizes, and the owner of a key
 * of 30 bytes in maps of few and of many ranges. Each look-up waits for the one before,
 * as the calls of one thread do. And what a map costs that is made of ranges in order,
 * and in the order that is worst for it, the last one first. Medians of rounds, and the
 * best round, which is what it takes when nobody else uses the machine. Targets are
 * printed, not enforced: a bench is not a timed test.
 *
 *   bench_slots
 *   bench_slots --only RANGES --count N   look-ups alone, for an instruction counter */
#include "net/slots.h"
#include "test/bench/rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BENCH_SLOTS_ROUNDS = 21,
    BENCH_SLOTS_KEYS = 512, /* as near as a key that was just made */
    BENCH_SLOTS_KEY = 30,
    BENCH_SLOTS_BYTES = 1 << 22 /* that a round sums up */
};

static const size_t bench_slots_sizes[] = {64, 256, 1024, 4096, 16384, 65536};
static const uint32_t bench_slots_ranges[] = {3, 100, 1000, 16384};

static void bench_slots_die(const char *why)
{
    fprintf(stderr, "bench_slots: %s\n", why);
    exit(1);
}

/* ---- CRC16 -------------------------------------------------------------------- */

static double bench_slots_sum(char *bytes, size_t size, size_t count)
{
    uint32_t sum = 0;
    double start = rounds_now();
    for (size_t i = 0; i < count; i++) {
        bytes[size / 2] = (char)sum;
        sum = reef_crc16((reef_str){bytes, size});
    }
    return rounds_now() - start;
}

static void bench_slots_crc(void)
{
    static char bytes[65536];
    printf("%-10s %14s %14s %17s\n", "CRC16", "GB/s", "best", "target");
    for (size_t i = 0; i < sizeof bench_slots_sizes / sizeof bench_slots_sizes[0];
         i++) {
        double times[BENCH_SLOTS_ROUNDS];
        size_t size = bench_slots_sizes[i], count = BENCH_SLOTS_BYTES / size;
        for (int round = 0; round < BENCH_SLOTS_ROUNDS; round++)
            times[round] = bench_slots_sum(bytes, size, count);
        double total = (double)(size * count);
        double median = rounds_median(times, BENCH_SLOTS_ROUNDS);
        printf("%-10zu %14.2f %14.2f %17s\n", size, total / median, total / times[0],
               "at least 1");
    }
}

/* ---- owners ------------------------------------------------------------------- */

/* Ranges of much the same size, owned in turn by as many masters as there may be. */
static void bench_slots_fill(reef_slots *map, uint32_t ranges, bool backwards)
{
    for (uint32_t i = 0; i < ranges; i++) {
        uint32_t at = backwards ? ranges - 1 - i : i;
        uint32_t first = REEF_SLOT_COUNT * at / ranges;
        uint32_t last = REEF_SLOT_COUNT * (at + 1) / ranges - 1;
        if (!reef_slots_claim(map, first, last, (uint16_t)(at % REEF_NODES_MAX), 2,
                              NULL))
            bench_slots_die("out of memory");
    }
}

static double bench_slots_made(uint32_t ranges, bool backwards)
{
    double times[BENCH_SLOTS_ROUNDS];
    for (int round = 0; round < BENCH_SLOTS_ROUNDS; round++) {
        reef_slots map = {0};
        double start = rounds_now();
        bench_slots_fill(&map, ranges, backwards);
        times[round] = rounds_now() - start;
        reef_slots_free(&map);
    }
    return rounds_median(times, BENCH_SLOTS_ROUNDS);
}

static double bench_slots_find(const reef_slots *map, const char *keys, size_t count)
{
    size_t at = 0;
    double start = rounds_now();
    for (size_t i = 0; i < count; i++) {
        reef_str key = {keys + at * BENCH_SLOTS_KEY, BENCH_SLOTS_KEY};
        const reef_run *run = reef_slots_at(map, reef_key_slot(key));
        at = (at + 1 + run->owner) % BENCH_SLOTS_KEYS;
    }
    return at < BENCH_SLOTS_KEYS ? rounds_now() - start : 0;
}

static char *bench_slots_keys(void)
{
    char *keys = malloc(BENCH_SLOTS_KEYS * BENCH_SLOTS_KEY + 1);
    if (keys == NULL)
        bench_slots_die("out of memory");
    for (uint32_t i = 0; i < BENCH_SLOTS_KEYS; i++)
        snprintf(keys + i * BENCH_SLOTS_KEY, BENCH_SLOTS_KEY + 1, "session:%08x%014u",
                 i * 2654435769u, i);
    return keys;
}

static void bench_slots_owners(const char *keys)
{
    printf("%-10s %14s %14s %17s %14s %14s\n", "ranges", "ns a look-up", "best",
           "target", "made, us", "backwards, us");
    for (size_t i = 0; i < sizeof bench_slots_ranges / sizeof bench_slots_ranges[0];
         i++) {
        double times[BENCH_SLOTS_ROUNDS];
        uint32_t ranges = bench_slots_ranges[i];
        reef_slots map = {0};
        bench_slots_fill(&map, ranges, false);
        for (int round = 0; round < BENCH_SLOTS_ROUNDS; round++)
            times[round] = bench_slots_find(&map, keys, 100000) / 100000;
        reef_slots_free(&map);
        double median = rounds_median(times, BENCH_SLOTS_ROUNDS);
        printf("%-10u %14.1f %14.1f %17s %14.0f %14.0f\n", ranges, median, times[0],
               "at most 50", bench_slots_made(ranges, false) / 1e3,
               bench_slots_made(ranges, true) / 1e3);
    }
}

int main(int argc, char **argv)
{
    uint32_t only = 0;
    size_t count = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            count = (size_t)strtoul(argv[++i], NULL, 10);
        else
            bench_slots_die("usage: bench_slots [--only RANGES --count N]");
    }
    char *keys = bench_slots_keys();
    if (only == 0) {
        bench_slots_crc();
        bench_slots_owners(keys);
    } else {
        reef_slots map = {0};
        bench_slots_fill(&map, only, false);
        (void)bench_slots_find(&map, keys, count);
        reef_slots_free(&map);
    }
    free(keys);
    return 0;
}
