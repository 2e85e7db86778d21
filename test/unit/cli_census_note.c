/* SPDX-License-Identifier: Apache-2.0
 *
 * What is worth knowing of a Cluster while all works: one note for each, and exit code
 * 0 as long as nothing worse is found. */
#include "test/unit/cli_verdict.h"

#define NOTE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NOTE_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NOTE_C "cccccccccccccccccccccccccccccccccccccccc"

/* Two replicas each, so that losing one is no problem. */
static void note_begin(void)
{
    nodes_good();
    for (int i = 0; i < 3; i++)
        nodes_add(i, "", i + 1);
    nodes_log[0] = '\0';
}

static void note_lost(void **state)
{
    (void)state;
    note_begin();
    assert_int_equal(verdict_of(), CLI_DONE);
    assert_string_equal(verdict, "");
    nodes[3].flags = ",fail";
    nodes_mute(3, REEF_CONNECT, "refused");
    verdict_is(CLI_DONE, "note: 10.0.0.4:7000 has failed, by the word of the others: ");
    nodes[4].flags = ",fail";
    verdict_is(CLI_DONE, "note: 10.0.0.4:7000 and 10.0.0.5:7000 have failed, ");
    nodes[4].flags = "";
    nodes[3].flags = ",fail?";
    verdict_is(CLI_DONE, "note: 10.0.0.4:7000 gives no answer (refused): see that it ");
    cap_has(verdict, "note: 10.0.0.4:7000 is suspected to have failed, by some");
    nodes_mute(3, REEF_AUTH, "WRONGPASS x");
    verdict_is(CLI_DONE, "note: 10.0.0.4:7000 refuses the login (WRONGPASS x): users ");
    nodes_mute(3, REEF_REFUSED, "NOPERM no");
    nodes[3].flags = "";
    verdict_is(CLI_DONE,
               "note: 10.0.0.4:7000 does not tell what it knows (NOPERM no): ");
}

static void note_strangers(void **state)
{
    (void)state;
    note_begin();
    const char *before = nodes_lie(1, "10.0.0.1:7000", "10.0.0.1:7000");
    nodes_add(-1, "", 0)->flags = ",handshake";
    nodes_mute(9, REEF_CONNECT, "refused");
    verdict_is(CLI_DONE, "note: 10.0.0.10:7000 was met and has not joined yet: ");
    cap_has_not(verdict, "is not known to all");
    nodes[9].flags = ",noaddr";
    verdict_is(CLI_DONE, "note: 10.0.0.10:7000 has no address that the others know: ");
    nodes[9].flags = "";
    nodes[1].roster = before;
    verdict_is(CLI_DONE,
               "note: 10.0.0.10:7000 is not known to all nodes: have it join ");
}

static void note_odd(void **state)
{
    (void)state;
    note_begin();
    nodes[4].roster =
        nodes_lie(4, "10.0.0.1:7000@17000 master - 0 0 1 connected 0-5460",
                  "10.0.0.1:7000@17000 master - 0 0 1 connected 1-5459");
    verdict_is(CLI_DONE,
               "note: 10.0.0.5:7000 is of another mind than most about 2 slots: "
               "0-0 are served by nobody, it says, and by 10.0.0.1:7000, as "
               "most say; news take a second or two");
    nodes[4].roster = NULL;
    nodes[4].roster = nodes_lie(4, "0 0 1 connected 0-", "0 0 9 connected 0-");
    verdict_is(CLI_DONE,
               "note: 10.0.0.5:7000 knows 10.0.0.1:7000 with epoch 9, and most "
               "with 1; news take");
}

static void note_moves(void **state)
{
    (void)state;
    note_begin();
    nodes[0].moving = " [7->-" NOTE_B "] [8->-" NOTE_B "] [9->-" NOTE_C "]";
    nodes[1].moving = " [7-<-" NOTE_A "] [8-<-" NOTE_A "]";
    nodes[2].moving = " [9-<-" NOTE_A "]";
    verdict_is(CLI_DONE, "note: slots are on the move: 2 from 10.0.0.1:7000 to "
                         "10.0.0.2:7000, 1 from 10.0.0.1:7000 to 10.0.0.3:7000; calls");
    cap_has_not(verdict, "on one side alone");
    nodes[2].moving = " [10-<-" NOTE_B "]";
    verdict_is(CLI_DONE, "note: 2 slots are marked as on the move on one side alone "
                         "(slot 9, at 10.0.0.1:7000, to 10.0.0.3:7000): end the move");
    nodes[0].moving = nodes[1].moving = "";
    verdict_is(CLI_DONE,
               "note: 1 slot is marked as on the move on one side alone (slot "
               "10, at 10.0.0.3:7000, from 10.0.0.2:7000): ");
}

static void note_replicas(void **state)
{
    (void)state;
    note_begin();
    nodes[3].link = "down";
    nodes[4].offset = 5;
    nodes[1].offset = 5 + (1 << 20);
    nodes[7].offset = nodes[1].offset;
    verdict_is(CLI_DONE,
               "note: 10.0.0.4:7000 has lost its master, and its data grows ");
    cap_has_not(verdict, "mebibyte");
    nodes[1].offset++;
    verdict_is(CLI_DONE,
               "note: 10.0.0.5:7000 is more than a mebibyte behind its master");
    nodes[7].offset = 0;
    verdict_is(CLI_DONE,
               "note: 10.0.0.5:7000 and 10.0.0.8:7000 are more than a mebibyte "
               "behind their masters");
    nodes[3].memory = "master_sync_in_progress:1\r\n";
    verdict_is(CLI_DONE, "note: 10.0.0.4:7000 is still copying its master's data");
    nodes[0].memory = "maxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n";
    nodes[5].memory = nodes[0].memory; /* a replica drops what its master does */
    verdict_is(CLI_DONE, "note: 10.0.0.1:7000 drops sessions when memory is short");
    nodes[1].memory = nodes[0].memory;
    verdict_is(CLI_DONE, "note: 10.0.0.1:7000 and 10.0.0.2:7000 drop sessions when ");
}

static void note_hosts(void **state)
{
    (void)state;
    note_begin();
    (void)snprintf(nodes[3].peer, REEF_PEER_TEXT, "10.0.0.1:7001");
    assert_int_equal(verdict_of(), CLI_DONE);
    assert_string_equal(verdict, "");
    (void)snprintf(nodes[6].peer, REEF_PEER_TEXT, "10.0.0.1:7002");
    verdict_is(CLI_DONE,
               "note: 10.0.0.1:7000 and all replicas of it run on one host: ");
    for (size_t i = 0; i < nodes_count; i++)
        (void)snprintf(nodes[i].peer, REEF_PEER_TEXT, "127.0.0.1:%u",
                       7000 + (unsigned)i);
    verdict_is(CLI_DONE,
               "note: all 9 nodes run on one host: when it is lost, so is the ");
    cap_has_not(verdict, "all replicas of it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note_lost),     cmocka_unit_test(note_strangers),
        cmocka_unit_test(note_odd),      cmocka_unit_test(note_moves),
        cmocka_unit_test(note_replicas), cmocka_unit_test(note_hosts),
    };
    return cmocka_run_group_tests_name("cli_census_note", tests, NULL, NULL);
}
