/* SPDX-License-Identifier: Apache-2.0
 *
 * What is found of Sentinels that a test has set up with cli_sentinels.h. */
#ifndef REEF_TEST_UNIT_CLI_BELIEF_H
#define REEF_TEST_UNIT_CLI_BELIEF_H
#include "test/unit/cli_sentinels.h"

#include "session/cli/belief.h"

static cli_check looked;
static cap *belief_cap;
static char said[CAP_TEXT]; /* the findings, a line each: "note " or its exit code */

/* What is found of the Sentinels as the test has set them up. */
static inline void finds(int exit_code)
{
    memset(&looked, 0, sizeof looked);
    looked.ctx = &belief_cap->ctx;
    looked.topology = sentinels;
    (void)snprintf(looked.ctx->config.master_name,
                   sizeof looked.ctx->config.master_name, "main");
    cli_belief_find(&looked);
    said[0] = '\0';
    for (size_t i = 0; i < looked.count; i++) {
        size_t len = strlen(said);
        (void)snprintf(said + len, sizeof said - len, "%d %s\n",
                       looked.findings[i].exit_code, looked.findings[i].text);
    }
    assert_int_equal(looked.exit_code, exit_code);
}

/* One sentence and no other. */
static inline void finds_one(int exit_code, const char *sentence)
{
    char line[2048];
    finds(exit_code);
    (void)snprintf(line, sizeof line, "%d %s\n", exit_code, sentence);
    assert_string_equal(said, line);
}

static inline int belief_begin(void **state)
{
    int code = cap_begin(state);
    belief_cap = *state;
    sentinels_three();
    return code;
}

/* A test that begins with three Sentinels of one mind. */
#define BELIEF_TEST(test) cmocka_unit_test_setup_teardown(test, belief_begin, cap_end)

#endif
