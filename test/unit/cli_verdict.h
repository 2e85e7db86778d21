/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a Cluster, as one text: a line for each sentence, "problem N: " with
 * its exit code or "note: " before it. */
#ifndef REEF_TEST_UNIT_CLI_VERDICT_H
#define REEF_TEST_UNIT_CLI_VERDICT_H
#include "test/unit/cli_nodes.h"

static cli_census verdict_census;
static char verdict[CAP_TEXT];

/* Judges the nodes of cli_nodes.h; the exit code. */
static inline int verdict_of(void)
{
    static cli_context ctx;
    static cli_check check;
    size_t len = 0;
    nodes_take(&verdict_census);
    memset(&check, 0, sizeof check);
    check.ctx = &ctx;
    check.census = &verdict_census;
    cli_census_find(&check);
    verdict[0] = '\0';
    for (size_t i = 0; i < check.count; i++) {
        const cli_finding *f = &check.findings[i];
        if (f->exit_code == CLI_DONE)
            len += (size_t)snprintf(verdict + len, sizeof verdict - len, "note: %s\n",
                                    f->text);
        else
            len += (size_t)snprintf(verdict + len, sizeof verdict - len,
                                    "problem %d: %s\n", f->exit_code, f->text);
        assert_true(len < sizeof verdict);
    }
    return check.exit_code;
}

/* It is judged so, and these are the first words of the sentence about it. */
static inline void verdict_is(int exit_code, const char *part)
{
    assert_int_equal(verdict_of(), exit_code);
    cap_has(verdict, part);
}

#endif
