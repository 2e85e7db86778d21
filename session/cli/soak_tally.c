/* SPDX-License-Identifier: Apache-2.0
 *
 * reef soak's counts, without I/O: calls, errors by class, and latencies in buckets
 * that are a 32nd of their value wide, so that memory is bounded and quantiles are good
 * to 3 %. */
#include "session/cli/soak.h"

#include <string.h>

/* Buckets of 1 µs, then of 2 µs from 64 µs on, of 4 µs from 128 µs on, and so on. */
static size_t tally_bucket(int64_t took_us)
{
    uint64_t us = took_us > 0 ? (uint64_t)took_us : 0;
    size_t doublings = 0;
    while (us >= SOAK_LINEAR && doublings < SOAK_DOUBLINGS) {
        us >>= 1;
        doublings++;
    }
    if (us >= SOAK_LINEAR)
        return SOAK_BUCKETS - 1;
    return doublings * SOAK_PER_DOUBLING + (size_t)us;
}

/* The highest value of a bucket. */
static int64_t tally_top(size_t bucket)
{
    size_t doublings =
        bucket < SOAK_LINEAR ? 0 : (bucket - SOAK_LINEAR) / SOAK_PER_DOUBLING + 1;
    uint64_t us = bucket - doublings * SOAK_PER_DOUBLING;
    return (int64_t)(((us + 1) << doublings) - 1);
}

static void tally_call(soak_tally *t, int64_t took_us)
{
    t->calls++;
    t->buckets[tally_bucket(took_us)]++;
    if (took_us > t->max_us)
        t->max_us = took_us;
}

void soak_tally_ok(soak_tally *t, int64_t took_us)
{
    tally_call(t, took_us);
    t->ok++;
}

void soak_tally_open(soak_tally *t, int64_t took_us)
{
    tally_call(t, took_us);
    t->open++;
}

/* Counts errors of a class; the first text stays. */
static void tally_errors(soak_tally *t, size_t class, uint64_t count, const char *text)
{
    soak_errors *e = &t->errors[class < SOAK_CODES ? class : (size_t)REEF_UNSURE];
    if (count > 0 && e->count == 0)
        (void)snprintf(e->first, sizeof e->first, "%s", text);
    e->count += count;
}

void soak_tally_error(soak_tally *t, reef_code code, const char *text, int64_t took_us)
{
    tally_call(t, took_us);
    tally_errors(t, (size_t)code, 1, text);
    if (t->first == REEF_OK)
        t->first = code;
}

void soak_tally_check(soak_tally *t, reef_code code, const char *text)
{
    t->checked++;
    if (code == REEF_OK)
        return;
    tally_errors(t, (size_t)code, 1, text);
    if (t->first == REEF_OK)
        t->first = code;
}

void soak_tally_unsettled(soak_tally *t, uint64_t count)
{
    count = count < t->open ? count : t->open;
    t->open -= count;
    tally_errors(t, REEF_UNSURE, count,
                 "INCR was sent, and neither its answer nor its effect was seen");
    if (count > 0 && t->first == REEF_OK)
        t->first = REEF_UNSURE;
}

void soak_tally_gap(soak_tally *t, int64_t from_us, int64_t to_us)
{
    if (to_us - from_us <= t->gap_us)
        return;
    t->gap_us = to_us - from_us;
    t->gap_at_us = from_us;
}

static void tally_verdicts(soak_verdicts *sum, const soak_verdicts *part)
{
    if (sum->first[0] == '\0')
        memcpy(sum->first, part->first, sizeof sum->first);
    sum->wrong_caller += part->wrong_caller;
    sum->missing += part->missing;
    sum->twice += part->twice;
    sum->settled += part->settled;
}

void soak_tally_add(soak_tally *sum, const soak_tally *part)
{
    sum->calls += part->calls;
    sum->ok += part->ok;
    sum->open += part->open;
    sum->checked += part->checked;
    sum->unchecked += part->unchecked;
    for (size_t i = 0; i < SOAK_CODES; i++)
        tally_errors(sum, i, part->errors[i].count, part->errors[i].first);
    if (sum->first == REEF_OK)
        sum->first = part->first;
    tally_verdicts(&sum->verdicts, &part->verdicts);
    soak_tally_gap(sum, part->gap_at_us, part->gap_at_us + part->gap_us);
    for (size_t i = 0; i < SOAK_BUCKETS; i++)
        sum->buckets[i] += part->buckets[i];
    if (part->max_us > sum->max_us)
        sum->max_us = part->max_us;
}

uint64_t soak_tally_errors(const soak_tally *t)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SOAK_CODES; i++)
        count += t->errors[i].count;
    return count;
}

int64_t soak_tally_quantile(const soak_tally *t, uint64_t share)
{
    uint64_t seen = 0;
    uint64_t wanted = t->calls / 1000000 * share + t->calls % 1000000 * share / 1000000;
    if (t->calls == 0)
        return 0;
    for (size_t i = 0; i < SOAK_BUCKETS; i++) {
        seen += t->buckets[i];
        if (seen > wanted || seen == t->calls)
            return tally_top(i) < t->max_us ? tally_top(i) : t->max_us;
    }
    return t->max_us;
}
