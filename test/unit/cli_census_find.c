/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with a Cluster: each problem by itself with its exit code, the worst
 * one first, and nothing where nothing is. */
#include "test/unit/cli_verdict.h"

static void find_good(void **state)
{
    (void)state;
    nodes_good();
    assert_int_equal(verdict_of(), CLI_DONE);
    assert_string_equal(verdict, "");
}

static void find_holes(void **state)
{
    (void)state;
    nodes_good();
    (void)snprintf(nodes[1].slots, 256, " 5461-6000 6002 6004 6006 6008 6010-10920");
    verdict_is(
        CLI_UNREACHED,
        "problem 4: 7 of 16384 slots are served by nobody (6001, 6003, 6005, 6007 "
        "and 2 more): calls for keys there fail; give them to a master, with");
    for (int i = 0; i < NODES; i++)
        nodes[i].state = "fail";
    verdict_is(CLI_UNREACHED,
               "calls for keys there fail, and those for all others, too "
               "(CLUSTERDOWN; see cluster-require-full-coverage); give");
    cap_has_not(verdict, "says that the cluster is down");
    for (int i = 0; i < 3; i++)
        nodes[i].slots[0] = '\0';
    verdict_is(CLI_UNREACHED, "problem 4: no node serves any slot: hand them out");
}

static void find_failed(void **state)
{
    (void)state;
    nodes_good();
    nodes[0].flags = ",fail";
    nodes_mute(0, REEF_CONNECT, "connection refused");
    nodes[3].link = "down";
    verdict_is(
        CLI_UNREACHED,
        "problem 4: 10.0.0.1:7000 has failed, and with it 5461 slots (0-5460): "
        "calls for keys there fail; a replica of it is due to take over, so look "
        "again in some seconds; when none does, see its log, and run CLUSTER "
        "FAILOVER TAKEOVER there\nnote: 2 of 3 masters are there, and a fail-over "
        "takes the votes of 2: with one more lost, none can be voted\n");
    cap_has_not(verdict, "has lost its master");
    nodes[3].flags = ",fail";
    verdict_is(CLI_UNREACHED, "none of its replicas could take over: start it again");
    cap_has(verdict, "note: 10.0.0.4:7000 has failed, by the word of the others: ");
    nodes_count = 3;
    verdict_is(CLI_UNREACHED, "it has no replica that could take over: start it again");
    nodes[1].flags = ",fail";
    nodes_mute(1, REEF_CONNECT, "refused");
    verdict_is(CLI_UNREACHED,
               "1 of 3 masters is there, and a fail-over takes the votes "
               "of 2: none can be voted; start the others");
}

/* It is silent to us alone; then to others, too. */
static void find_unreached(void **state)
{
    (void)state;
    nodes_good();
    nodes_mute(2, REEF_CONNECT, "connection refused");
    verdict_is(
        CLI_UNREACHED,
        "problem 4: 10.0.0.3:7000, a master of 5461 slots, gives no answer "
        "(connection refused), while the other nodes find nothing wrong with it: "
        "see the network from here to it, and the address that it announces\n");
    nodes[2].flags = ",fail?";
    verdict_is(CLI_UNREACHED, "gives no answer (connection refused), and 5 of 5 other "
                              "nodes suspect it: see that it runs");
    cap_has_not(verdict, "is suspected to have failed");
    nodes[2].flags = "";
    nodes_mute(2, REEF_AUTH, "WRONGPASS x");
    verdict_is(CLI_AUTH,
               "problem 5: 10.0.0.3:7000, a master of 5461 slots, refuses the "
               "login (WRONGPASS x): users are no part of what nodes tell");
    nodes_mute(2, REEF_OK, "");
    nodes_mute(5, REEF_CONNECT, "refused");
    verdict_is(CLI_FRAGILE,
               "problem 10: 10.0.0.3:7000 has no replica that could take "
               "its place now; what is wrong with those that it has stands "
               "below\nnote: 10.0.0.6:7000 gives no answer (refused): ");
}

static void find_down(void **state)
{
    (void)state;
    nodes_good();
    nodes[1].state = "fail";
    verdict_is(CLI_REFUSED,
               "problem 6: 10.0.0.2:7000 says that the cluster is down, and "
               "refuses calls (CLUSTERDOWN)");
    nodes[2].state = "fail";
    verdict_is(CLI_REFUSED, "10.0.0.2:7000 and 10.0.0.3:7000 say that the cluster is");
}

static void find_rivals(void **state)
{
    (void)state;
    nodes_good();
    nodes[2].roster = nodes_lie(2, "10923-16383", "10900-16383");
    verdict_is(CLI_FRAGILE, "problem 10: 10.0.0.2:7000 and 10.0.0.3:7000 both claim "
                            "slots 10900-10922 (epochs 2 and 3): what is written");
    cap_has(verdict,
            "note: 10.0.0.3:7000 is of another mind than most about 23 slots: ");
}

/* The number of masters, and their replicas. */
static void find_votes(void **state)
{
    (void)state;
    nodes_good();
    nodes_count = 3;
    verdict_is(CLI_FRAGILE,
               "problem 10: 10.0.0.1:7000, 10.0.0.2:7000 and 10.0.0.3:7000 have no "
               "replicas: when one is lost, so are its slots until it is back; ");
    nodes_good();
    (void)snprintf(nodes[0].slots, 256, " 0-16383");
    nodes[1].slots[0] = nodes[2].slots[0] = '\0';
    verdict_is(CLI_FRAGILE, "problem 10: there is one master alone: when it is lost, ");
    cap_has(verdict,
            "note: 10.0.0.2:7000 and 10.0.0.3:7000 are masters without slots: ");
    cap_has(verdict,
            "note: 10.0.0.5:7000 and 10.0.0.6:7000 are replicas of no master ");
    (void)snprintf(nodes[0].slots, 256, " 0-5460");
    (void)snprintf(nodes[1].slots, 256, " 5461-16383");
    verdict_is(CLI_FRAGILE, "problem 10: there are two masters: when one is lost, ");
}

/* Nobody tells: why, which is no problem where the user may not ask. */
static void find_nothing(void **state)
{
    (void)state;
    nodes_good();
    for (int i = 0; i < NODES; i++)
        nodes_mute(i, REEF_REFUSED, "NOPERM no");
    verdict_is(CLI_DONE,
               "note: no node tells what it knows of the others (NOPERM no): ");
    for (int i = 0; i < NODES; i++)
        nodes_mute(i, REEF_UNSENT, "too late");
    verdict_is(CLI_UNREACHED, "problem 4: no node tells what it knows of the others (");
    nodes_count = 0;
    assert_int_equal(verdict_of(), CLI_DONE);
    assert_string_equal(verdict, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_good),   cmocka_unit_test(find_holes),
        cmocka_unit_test(find_failed), cmocka_unit_test(find_unreached),
        cmocka_unit_test(find_down),   cmocka_unit_test(find_rivals),
        cmocka_unit_test(find_votes),  cmocka_unit_test(find_nothing),
    };
    return cmocka_run_group_tests_name("cli_census_find", tests, NULL, NULL);
}
