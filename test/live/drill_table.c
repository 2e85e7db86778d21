/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills: many of them as a table. See drill.h. */
#include "test/live/drill.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int table_less(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The value that this share of the sorted ones is not above. */
static double table_share(const double *sorted, size_t count, unsigned percent)
{
    size_t at = (count * percent + 99) / 100;
    return sorted[at ? at - 1 : 0];
}

void reef_drill_row_add(reef_drill_row *row, const reef_drill_report *report)
{
    row->sum.calls += report->calls;
    row->sum.failed += report->failed;
    row->sum.unsure += report->unsure;
    row->sum.wrong += report->wrong;
    row->sum.twice += report->twice;
    row->sum.acked += report->acked;
    row->sum.missing += report->missing;
    row->first_ms[row->runs] = (double)report->first_us / 1000;
    row->writable_ms[row->runs] = (double)report->writable_us / 1000;
    row->runs++;
}

void reef_drill_table_head(void)
{
    printf(
        "| server | blow | threads | runs | calls | failed | unsure | wrong | twice |"
        " missing of writes | writable (ms) | first answer after that p50 / p99 / max"
        " (ms) |\n|-|-|-|-|-|-|-|-|-|-|-|-|\n");
}

double reef_drill_row_first_ms(const reef_drill_row *row, unsigned percent)
{
    return table_share(row->first_ms, row->runs, percent);
}

/* Where nobody lost slots against its will there is no first answer to wait for. */
static void table_firsts(const reef_drill_row *row, char out[64])
{
    double most = row->first_ms[row->runs - 1];
    if (most <= 0) {
        snprintf(out, 64, "-");
    } else {
        snprintf(out, 64, "%.1f / %.1f / %.1f", reef_drill_row_first_ms(row, 50),
                 reef_drill_row_first_ms(row, 99), most);
    }
}

void reef_drill_row_print(reef_drill_row *row, const char *server, const char *blow,
                          unsigned threads)
{
    char firsts[64];
    const reef_drill_report *sum = &row->sum;
    qsort(row->first_ms, row->runs, sizeof *row->first_ms, table_less);
    qsort(row->writable_ms, row->runs, sizeof *row->writable_ms, table_less);
    table_firsts(row, firsts);
    printf("| %s | %s | %u | %zu | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
           " | %" PRIu64 " | %" PRIu64 " of %" PRIu64 " | %.0f | %s |\n",
           server, blow, threads, row->runs, sum->calls, sum->failed, sum->unsure,
           sum->wrong, sum->twice, sum->missing, sum->acked,
           table_share(row->writable_ms, row->runs, 50), firsts);
    fflush(stdout);
}
