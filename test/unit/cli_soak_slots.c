/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots that moved during a run, and that what can't be told is not told. Linked with
 * __wrap_reef_call_nodes of cli_nodes.h. */
#include "test/unit/cli_nodes.h"

#include "session/cli/soak.h"

static cli_context ctx;
static soak_run run;

static void slots_begin(const char *mode)
{
    memset(&run, 0, sizeof run);
    run.ctx = &ctx;
    (void)snprintf(run.server.mode, sizeof run.server.mode, "%s", mode);
    nodes_good();
    soak_slots_begin(&run);
}

static void slots_moved(void **state)
{
    (void)state;
    slots_begin("cluster");
    (void)snprintf(nodes[0].slots, 256, " 1000-5460");
    (void)snprintf(nodes[1].slots, 256, " 0-999 5461-10922");
    nodes[1].epoch = 9;
    soak_slots_end(&run);
    assert_true(run.has_moved);
    assert_int_equal(run.moved, 1000);
    assert_string_equal(nodes_log, "~CLUSTER NODES\n~CLUSTER NODES\n");
    slots_begin("cluster");
    nodes[2].master = 5;
    nodes[5].master = -1;
    memcpy(nodes[5].slots, nodes[2].slots, 256);
    nodes[2].slots[0] = '\0';
    soak_slots_end(&run);
    assert_int_equal(run.moved, 5461);
    slots_begin("cluster");
    soak_slots_end(&run);
    assert_true(run.has_moved);
    assert_int_equal(run.moved, 0);
}

static void slots_unknown(void **state)
{
    (void)state;
    slots_begin("standalone");
    soak_slots_end(&run);
    assert_false(run.has_moved);
    assert_string_equal(nodes_log, "");
    slots_begin("cluster");
    nodes_code = REEF_CONNECT;
    soak_slots_end(&run);
    assert_false(run.has_moved);
    nodes_code = REEF_OK;
    slots_begin("cluster");
    for (int i = 0; i < NODES; i++)
        nodes_mute(i, REEF_REFUSED, "NOPERM no");
    soak_slots_end(&run);
    assert_false(run.has_moved);
    assert_null(run.before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_moved),
        cmocka_unit_test(slots_unknown),
    };
    return cmocka_run_group_tests_name("cli_soak_slots", tests, NULL, NULL);
}
