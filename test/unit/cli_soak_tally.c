/* SPDX-License-Identifier: Apache-2.0
 *
 * The counts of reef soak: latencies to 3 %, errors by class with their first words,
 * gaps, and that the parts of many threads add up. */
#include "test/unit/cli_capture.h"

#include "session/cli/soak.h"

#include <stdlib.h>

static soak_tally *fresh(void)
{
    soak_tally *t = calloc(1, sizeof *t);
    assert_non_null(t);
    return t;
}

static void tally_counts(void **state)
{
    soak_tally *t = fresh();
    (void)state;
    soak_tally_ok(t, 10);
    soak_tally_open(t, 20);
    soak_tally_open(t, 20);
    soak_tally_error(t, REEF_UNSENT, "first", 30);
    soak_tally_error(t, REEF_UNSENT, "second", 30);
    soak_tally_error(t, REEF_AUTH, "third", 5);
    assert_int_equal(t->calls, 6);
    assert_int_equal(soak_tally_errors(t), 3);
    assert_int_equal(t->errors[REEF_UNSENT].count, 2);
    assert_string_equal(t->errors[REEF_UNSENT].first, "first");
    assert_string_equal(t->errors[REEF_AUTH].first, "third");
    assert_int_equal(t->first, REEF_UNSENT);
    assert_int_equal(t->max_us, 30);
    soak_tally_unsettled(t, 1);
    assert_int_equal(t->open, 1);
    assert_int_equal(t->errors[REEF_UNSURE].count, 1);
    soak_tally_unsettled(t, 9); /* no more than there are */
    assert_int_equal(t->errors[REEF_UNSURE].count, 2);
    assert_int_equal(t->calls, t->ok + t->open + soak_tally_errors(t));
    soak_tally_check(t, REEF_OK, "");
    soak_tally_check(t, REEF_AUTH, "in the end"); /* an error of no call */
    assert_int_equal(t->checked, 2);
    assert_int_equal(t->errors[REEF_AUTH].count, 2);
    assert_string_equal(t->errors[REEF_AUTH].first, "third");
    assert_int_equal(t->calls, 6);
    assert_int_equal(t->ok, 1);
    soak_tally_error(t, (reef_code)99, "a code to come", 1);
    assert_int_equal(t->errors[REEF_UNSURE].count, 3);
    free(t);
}

/* Every value is shown as at most a 32nd above what it was. */
static void tally_precision(void **state)
{
    soak_tally *t = fresh();
    (void)state;
    assert_int_equal(soak_tally_quantile(t, 500000), 0);
    for (int64_t us = 0; us < INT64_C(1) << 40; us += us / 7 + 1) {
        memset(t, 0, sizeof *t);
        soak_tally_ok(t, us);
        soak_tally_ok(t, INT64_C(1) << 41); /* so that max does not cap it */
        int64_t shown = soak_tally_quantile(t, 400000);
        assert_true(shown >= us && shown <= us + us / SOAK_PER_DOUBLING);
    }
    memset(t, 0, sizeof *t);
    soak_tally_ok(t, -5);
    soak_tally_ok(t, INT64_MAX);
    assert_int_equal(t->buckets[0], 1);
    assert_int_equal(t->buckets[SOAK_BUCKETS - 1], 1);
    free(t);
}

static void tally_quantiles(void **state)
{
    soak_tally *t = fresh();
    (void)state;
    for (int64_t i = 1; i <= 1000; i++)
        soak_tally_ok(t, i <= 990 ? 50 : i <= 999 ? 1000 : 70000);
    assert_int_equal(soak_tally_quantile(t, 500000), 50);
    assert_int_equal(soak_tally_quantile(t, 989000), 50);
    assert_in_range(soak_tally_quantile(t, 990000), 1000, 1031);
    assert_int_equal(soak_tally_quantile(t, 999000), 70000); /* the largest caps it */
    assert_int_equal(soak_tally_quantile(t, 1000000), 70000);
    free(t);
}

static void tally_sums(void **state)
{
    soak_tally *sum = fresh(), *a = fresh(), *b = fresh();
    (void)state;
    soak_tally_ok(a, 10);
    soak_tally_gap(a, 100, 130);
    soak_tally_gap(a, 200, 220);
    soak_tally_error(b, REEF_DNS, "no such name", 99);
    soak_tally_gap(b, 500, 600);
    a->verdicts = (soak_verdicts){.missing = 1, .first = "words"};
    b->verdicts = (soak_verdicts){.twice = 2, .wrong_caller = 3, .settled = 4};
    b->unchecked = 5;
    b->checked = 6;
    soak_tally_add(sum, a);
    assert_int_equal(sum->gap_us, 30);
    soak_tally_add(sum, b);
    assert_int_equal(sum->calls, 2);
    assert_int_equal(sum->ok, 1);
    assert_int_equal(sum->gap_us, 100);
    assert_int_equal(sum->gap_at_us, 500);
    assert_int_equal(sum->max_us, 99);
    assert_int_equal(sum->first, REEF_DNS);
    assert_string_equal(sum->errors[REEF_DNS].first, "no such name");
    assert_string_equal(sum->verdicts.first, "words");
    assert_int_equal(sum->verdicts.missing + sum->verdicts.twice, 3);
    assert_int_equal(sum->verdicts.wrong_caller, 3);
    assert_int_equal(sum->verdicts.settled, 4);
    assert_int_equal(sum->unchecked, 5);
    assert_int_equal(sum->checked, 6);
    assert_int_equal(soak_tally_quantile(sum, 0), 10);
    free(sum);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tally_counts),
        cmocka_unit_test(tally_precision),
        cmocka_unit_test(tally_quantiles),
        cmocka_unit_test(tally_sums),
    };
    return cmocka_run_group_tests_name("cli_soak_tally", tests, NULL, NULL);
}
