/* SPDX-License-Identifier: Apache-2.0
 *
 * Real nodes of a Cluster are held to test/vectors/cluster_talk.txt, what the
 * simulated ones are held to as well: what a client learns from these, it can rely
 * on with the real ones. */
#include "test/live/fleet.h"
#include "test/live/talker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { TALK_PARTNERS = 5, TALK_CASES_MIN = 120 };

/* A replica is told of once it is known to have data. */
static void talk_await_replicas(const reef_fleet *fleet)
{
    for (int i = REEF_FLEET_MASTERS; i < REEF_FLEET_NODES; i++) {
        reef_live_until(fleet->nodes[0], "CLUSTER SLOTS", fleet->ids[i], false);
    }
}

static void talk_all(const reef_live_kind *kind)
{
    const reef_live_options lonely = {.cluster = true};
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    reef_live_server *lone = reef_live_start(kind, &lonely);
    reef_talker partners[TALK_PARTNERS] = {[TALK_MASTER] = {.server = fleet->nodes[0]},
                                           [TALK_REPLICA] = {.server = fleet->nodes[3]},
                                           [TALK_OTHER] = {.server = fleet->nodes[1]},
                                           [TALK_LONE] = {.server = lone}};
    char port[8], gate[8];
    talk_names names = {fleet->ids[0], fleet->host, port, fleet->ids[1], gate};
    talk_reader reader = {.text = reef_talker_text("test/vectors/cluster_talk.txt")};
    talk_case one;
    unsigned cases = 0;
    snprintf(port, sizeof port, "%u", (unsigned)fleet->nodes[0]->port);
    snprintf(gate, sizeof gate, "%u", (unsigned)fleet->nodes[1]->port);
    talk_await_replicas(fleet);
    while (talk_next(&reader, &names, &one)) {
        reef_talker *partner = &partners[one.to];
        assert_non_null(partner->server);
        reef_talker_meet(partner, one.protocol);
        reef_talker_say(partner, &one);
        reef_talker_expect(partner, &one);
        cases++;
    }
    assert_false(reader.wrong);
    assert_true(cases >= TALK_CASES_MIN);
    for (size_t i = 0; i < TALK_PARTNERS; i++) {
        reef_talker_part(&partners[i]);
    }
    reef_live_free(lone);
    reef_fleet_free(fleet);
}

static void test_talk(void **state)
{
    (void)state;
    reef_live_each(talk_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
