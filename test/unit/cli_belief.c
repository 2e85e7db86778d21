/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of Sentinels together: each thing that can be wrong between them, and
 * nothing where nothing is. Linked with __wrap_reef_client_topology of cli_sentinels.h,
 * which is not called here. */
#include "test/unit/cli_belief.h"

static void belief_good(void **state)
{
    (void)state;
    finds(CLI_DONE);
    assert_string_equal(said, "");
    assert_int_equal(cli_belief_knowing(&sentinels), 3);
    assert_int_equal(cli_belief_needed(&sentinels), 2);
    assert_ptr_equal(cli_belief_newest(&sentinels), &sentinels.sentinels[0]);
    sentinels_none();
    finds(CLI_DONE);
    assert_string_equal(said, "");
    assert_null(cli_belief_newest(&sentinels));
    sentinels.sentinel = true;
    finds(CLI_USAGE);
    cap_has(said, "none of server.redis.hosts leads to a Sentinel");
}

/* With one lost a fail-over hangs by a thread; with two lost it can't be. */
static void belief_silent(void **state)
{
    (void)state;
    sentinels_mute(2, REEF_SENTINEL_SILENT, "10.0.0.3:26379: connection refused");
    finds(CLI_DONE);
    cap_has(said, "0 2 of 3 Sentinels answer, and a fail-over takes 2: with one more "
                  "lost, none can be voted\n");
    cap_has(said, "0 10.0.0.3:26379 does not answer (connection refused): start it, or "
                  "take it out of server.redis.hosts\n");
    sentinels.sentinels[2].configured = false;
    finds(CLI_DONE);
    cap_has(
        said,
        "start it, or have it forgotten when gone for good, with SENTINEL RESET on ");
    sentinels_mute(1, REEF_SENTINEL_SILENT, "");
    finds(CLI_FRAGILE);
    cap_has(said, "10 1 of 3 Sentinels answers, and a fail-over takes 2: as seen from "
                  "here none can be voted; start the others");
    cap_has(said, "0 10.0.0.2:26379 does not answer: start it");
    sentinels_mute(0, REEF_SENTINEL_SILENT, "no answer in 300 ms");
    finds(CLI_DONE); /* that nothing works at all is said by who can't connect */
    cap_has(said, "0 10.0.0.1:26379 does not answer (no answer in 300 ms)");
    cap_has_not(said, "voted");
}

static void belief_tilt(uint32_t index)
{
    (void)snprintf(sentinels.sentinels[index].flags, 96, "master,tilt");
}

/* One in TILT votes, and finds no master down. */
static void belief_tilted(void **state)
{
    (void)state;
    belief_tilt(1);
    finds(CLI_DONE);
    cap_has(said,
            "0 2 of 3 Sentinels can find the master down now, since 1 is in TILT, "
            "and a fail-over takes 2: with one more lost, none can be voted\n");
    assert_int_equal(cli_belief_knowing(&sentinels), 3);
    assert_int_equal(cli_belief_able(&sentinels), 2);
    sentinels_mute(2, REEF_SENTINEL_SILENT, "");
    finds(CLI_FRAGILE);
    cap_has(said, "10 1 of 3 Sentinels can find the master down now, since 1 is in "
                  "TILT, and a fail-over takes 2: as seen from here none can be voted; "
                  "start those that do not answer, or wait: TILT ends half a ");
    sentinels_mute(1, REEF_SENTINEL_SILENT, "");
    finds(CLI_FRAGILE);
    cap_has_not(said, "TILT"); /* too few for the votes says it all */
    sentinels_three();
    for (uint32_t i = 0; i < 3; i++)
        sentinels.sentinels[i].quorum = 1;
    belief_tilt(0);
    sentinels_mute(1, REEF_SENTINEL_SILENT, "");
    finds(CLI_DONE); /* who is left finds it down, and the other one votes */
    belief_tilt(2);
    finds(CLI_FRAGILE);
    cap_has(said, "10 0 of 3 Sentinels can find the master down now, since 2 are in "
                  "TILT, and a fail-over takes 1: ");
}

/* No connection: whose matter it is, once, with that exit code. */
static void belief_failed(void **state)
{
    (void)state;
    finds(CLI_DONE);
    cli_belief_failed(&looked, CLI_AUTH, "WRONGPASS x");
    assert_int_equal(looked.exit_code, CLI_AUTH);
    assert_int_equal(looked.count, 1);
    assert_string_equal(looked.findings[0].text,
                        "the master can't be used: WRONGPASS x");
    for (uint32_t i = 0; i < 3; i++)
        sentinels_mute(i, REEF_SENTINEL_SILENT, "gone");
    finds(CLI_DONE);
    looked.count = 0;
    cli_belief_failed(&looked, CLI_UNREACHED, "all gone");
    assert_int_equal(looked.exit_code, CLI_UNREACHED);
    assert_int_equal(looked.count, 2);
    assert_string_equal(looked.findings[0].text, "no Sentinel was reached, so that "
                                                 "nobody tells where the master is");
    assert_int_equal(looked.findings[1].exit_code, CLI_DONE);
    sentinels_mute(1, REEF_SENTINEL_WRONG, "it refuses the password");
    finds(CLI_USAGE);
    looked.count = 0;
    cli_belief_failed(&looked, CLI_AUTH, "it refuses");
    assert_int_equal(looked.count, 2);
    assert_int_equal(looked.findings[0].exit_code, CLI_DONE);
    assert_int_equal(looked.findings[1].exit_code, CLI_AUTH);
    sentinels_none();
    finds(CLI_DONE);
    cli_belief_failed(&looked, CLI_UNREACHED, "refused");
    assert_int_equal(looked.count, 0); /* one server: stderr says it */
}

static void belief_numbers(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        sentinels.sentinels[i].quorum = 4;
    finds_one(CLI_FRAGILE,
              "the quorum is 4, and there are only 3 Sentinels: no fail-over can ever "
              "be voted; add Sentinels, or lower it on each with SENTINEL SET main "
              "quorum 2");
    sentinels_three();
    sentinels.sentinels[1].quorum = 3;
    finds(CLI_DONE);
    cap_has(said, "10.0.0.2:26379 has another quorum than 10.0.0.1:26379 has, 2: set ");
    sentinels_three();
    for (int i = 0; i < 3; i++)
        sentinels.sentinels[i].others = 3;
    finds(CLI_DONE);
    cap_has(said, "3 of 4 Sentinels answer, and a fail-over takes 3");
    cap_has(said, "4 Sentinels bear the loss of as many as 3 do: run an odd number");
    sentinels_three();
    sentinels.sentinel_count = 2;
    sentinels.sentinels[0].others = sentinels.sentinels[1].others = 1;
    finds(CLI_DONE);
    cap_has(said,
            "there are two Sentinels: when one is lost, no fail-over can be voted");
    sentinels.sentinel_count = 1;
    sentinels.sentinels[0].others = 0;
    sentinels.sentinels[0].quorum = 1;
    finds(CLI_DONE);
    cap_has(said, "there is one Sentinel alone");
    cap_has_not(said, "run on the host");
}

static void belief_crowds(void **state)
{
    (void)state;
    (void)snprintf(sentinels.sentinels[1].peer, REEF_PEER_TEXT, "10.0.0.1:26380");
    finds_one(
        CLI_DONE,
        "2 of 3 Sentinels run on the host 10.0.0.1: when it is lost, no fail-over "
        "can be voted; spread them over three hosts");
    (void)snprintf(sentinels.sentinels[2].peer, REEF_PEER_TEXT, "10.0.0.1:26381");
    finds(CLI_DONE);
    cap_has(said, "all 3 Sentinels run on the host 10.0.0.1: ");
    (void)snprintf(sentinels.sentinels[1].peer, REEF_PEER_TEXT, "[fd00::1]:26379");
    (void)snprintf(sentinels.sentinels[2].peer, REEF_PEER_TEXT, "[fd00::1]:26380");
    finds(CLI_DONE);
    cap_has(said, "the host [fd00::1]: ");
}

/* Who says what, and which is newer. */
static void belief_disagree(void **state)
{
    (void)state;
    reef_sentinel_view *odd = &sentinels.sentinels[1];
    (void)snprintf(odd->master, sizeof odd->master, "10.0.0.9:6379");
    odd->epoch = 6;
    finds_one(CLI_FRAGILE,
              "the Sentinels disagree about the master: 10.0.0.1:26379 and "
              "10.0.0.3:26379 say 10.0.0.1:6379 (epoch 7); 10.0.0.2:26379 says "
              "10.0.0.9:6379 (epoch 6). The higher epoch is newer: 10.0.0.2:26379 has "
              "still to hear of it, or is cut off: look again in some seconds; if it "
              "stays so, see the network between them and the others, and then start "
              "them anew");
    odd->epoch = 8; /* now the others are the old ones */
    finds(CLI_FRAGILE);
    cap_has(said, "master: 10.0.0.2:26379 says 10.0.0.9:6379 (epoch 8); 10.0.0.1:26379 "
                  "and 10.0.0.3:26379 say 10.0.0.1:6379 (epoch 7). ");
    cap_has(said, "10.0.0.1:26379 and 10.0.0.3:26379 have still to hear of it, ");
    assert_ptr_equal(cli_belief_newest(&sentinels), odd);
    odd->epoch = 7;
    finds(CLI_FRAGILE);
    cap_has(said, "The epochs are the same, so that neither is newer: see which one ");
    odd->epoch = 8; /* a fail-over: that is how it has to be */
    sentinels.held = true;
    finds(CLI_DONE);
    cap_has(said, "look again in some seconds\n");
    sentinels_three();
    odd->epoch = 6;
    finds(CLI_DONE);
    cap_has(said, "the Sentinels differ in the epoch: 10.0.0.1:26379 and ");
}

/* Many words on it: they are cut short, and nothing overflows. */
static void belief_many(void **state)
{
    (void)state;
    char peer[REEF_PEER_TEXT];
    sentinels.sentinel_count = 0;
    for (uint32_t i = 0; i < REEF_SENTINELS_MAX; i++) {
        (void)snprintf(peer, sizeof peer, "10.0.%u.1:26379", (unsigned)i);
        reef_sentinel_view *view = sentinels_add(peer);
        memset(view->master, 'm', sizeof view->master - 1);
        view->master[0] = (char)('a' + i);
        view->epoch = i;
        view->others = REEF_SENTINELS_MAX - 1;
    }
    finds(CLI_FRAGILE);
    cap_has(said, "10.0.0.1:26379, 10.0.1.1:26379, 10.0.2.1:26379, 10.0.3.1:26379 and "
                  "27 more have still");
    for (uint32_t i = 0; i < REEF_SENTINELS_MAX; i++)
        sentinels_mute(i, REEF_SENTINEL_SILENT, "gone");
    finds(CLI_DONE);
    assert_int_equal(looked.count, 1); /* the same of each */
    for (uint32_t i = 0; i < REEF_SENTINELS_MAX; i++) {
        (void)snprintf(peer, sizeof peer, "reason %u", (unsigned)i);
        sentinels_mute(i, REEF_SENTINEL_SILENT, peer);
    }
    finds(CLI_DONE);
    assert_int_equal(looked.count, 10);
}

static void belief_strangers(void **state)
{
    (void)state;
    sentinels.sentinels[2].others = 0;
    finds(CLI_DONE);
    cap_has(said, "0 10.0.0.3:26379 knows fewer than the 2 other Sentinels that there "
                  "are: it looks cut off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BELIEF_TEST(belief_good),      BELIEF_TEST(belief_silent),
        BELIEF_TEST(belief_numbers),   BELIEF_TEST(belief_crowds),
        BELIEF_TEST(belief_disagree),  BELIEF_TEST(belief_many),
        BELIEF_TEST(belief_strangers), BELIEF_TEST(belief_tilted),
        BELIEF_TEST(belief_failed),
    };
    return cmocka_run_group_tests_name("cli_belief", tests, NULL, NULL);
}
