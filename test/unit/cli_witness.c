/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of one Sentinel or another. Linked with __wrap_reef_client_topology of
 * cli_sentinels.h, which is not called here. */
#include "test/unit/cli_belief.h"

/* Of no use: a note while others are, and the reason when none is. */
static void witness_useless(void **state)
{
    (void)state;
    sentinels_mute(0, REEF_SENTINEL_WRONG, "10.0.0.1:26379: is no Sentinel, but redis");
    sentinels_mute(1, REEF_SENTINEL_UNKNOWN, "");
    (void)snprintf(sentinels.sentinels[1].names, REEF_ERROR_TEXT, "prod, test");
    finds(CLI_FRAGILE); /* one is left of three */
    cap_has(said, "\n0 10.0.0.1:26379: is no Sentinel, but redis\n");
    cap_has(said, "\n0 10.0.0.2:26379 knows no master \"main\"; it knows prod, test: "
                  "correct server.redis.master_name, or have that master watched ");
    sentinels_mute(2, REEF_SENTINEL_UNKNOWN, "");
    sentinels_mute(0, REEF_SENTINEL_WRONG, "it refuses the password");
    finds(CLI_USAGE);
    cap_has(said, "2 10.0.0.1:26379: it refuses the password\n"
                  "2 10.0.0.2:26379 knows no master ");
    cap_has(said, "2 10.0.0.3:26379 knows no master \"main\", nor any other: have it "
                  "watched there, with \"sentinel monitor\"\n");
    (void)snprintf(sentinels.sentinels[2].names, REEF_ERROR_TEXT, "prod, test");
    finds(CLI_USAGE);
    cap_has(said, "2 10.0.0.2:26379 and 10.0.0.3:26379 know no master \"main\"; they "
                  "know prod, test: correct ");
}

/* A configured name without an address is not told to be started; what reef check says
 * of the name itself is not said again. */
static void witness_nowhere(void **state)
{
    (void)state;
    reef_sentinel_view *odd = &sentinels.sentinels[2];
    sentinels_mute(2, REEF_SENTINEL_SILENT, "no such name: it says");
    (void)snprintf(odd->peer, sizeof odd->peer, "nosuch.example");
    finds(CLI_DONE);
    cap_has(said, "0 nosuch.example leads nowhere (no such name: it says): check the "
                  "name, in server.redis.hosts and in the DNS, or the name server\n");
    cap_has_not(said, "start it");
    sentinels_mute(1, REEF_SENTINEL_SILENT, "no such name: it says");
    finds(CLI_FRAGILE); /* the same words, and another matter */
    cap_has(said, "0 10.0.0.2:26379 does not answer (no such name: it says): start it");
    cap_has(said, "0 nosuch.example leads nowhere (");
    (void)snprintf(sentinels.sentinels[1].peer, REEF_PEER_TEXT, "srv+nosuch.example");
    finds(CLI_FRAGILE);
    cap_has(said, "0 srv+nosuch.example and nosuch.example lead nowhere (no such name: "
                  "it says): check the names, in ");
    static reef_host host = {.name = "nosuch.example"};
    static reef_look look = {.code = REEF_DNS};
    finds(CLI_FRAGILE);
    size_t count = looked.count;
    looked.names[0] = (cli_name){.host = &host, .look = &look};
    looked.name_count = 1;
    looked.count = 0;
    cli_belief_find(&looked);
    assert_int_equal(looked.count, count - 1);
    look.code = REEF_OK;
    looked.count = 0;
    cli_belief_find(&looked);
    assert_int_equal(looked.count, count);
}

/* The new master serves: nobody waits for it, and the old one is to be seen to by
 * nobody. */
static void witness_behind(void **state)
{
    static const char *const flags[] = {"s_down,o_down,master,failover_in_progress",
                                        "s_down,o_down,master", "master,s_down"};
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        (void)snprintf(sentinels.sentinels[i].flags, 96, "%s", flags[i]);
    sentinels.early = true;
    (void)snprintf(sentinels.master, sizeof sentinels.master, "10.0.0.2:6379");
    finds_one(CLI_DONE,
              "10.0.0.1:26379, 10.0.0.2:26379 and 10.0.0.3:26379 still tell of the old "
              "master: 10.0.0.2:6379 serves in its place and calls go there, but not "
              "all have announced it yet; look again in some seconds");
    /* One has announced it, one has not, and one is in TILT. */
    reef_sentinel_view *first = &sentinels.sentinels[0];
    (void)snprintf(first->master, sizeof first->master, "10.0.0.2:6379");
    (void)snprintf(first->flags, sizeof first->flags, "master");
    (void)snprintf(sentinels.sentinels[2].flags, 96, "master,tilt");
    first->epoch = sentinels.epoch = 8;
    sentinels.early = false;
    finds(CLI_FRAGILE); /* two that differ, and no fail-over under way */
    cap_has(said, "0 10.0.0.2:26379 still tells of the old master: 10.0.0.2:6379 ");
    cap_has_not(said, "see that it runs");
    cap_has_not(said, "is due");
    cap_has(said, "0 10.0.0.3:26379: in TILT, ");
    sentinels.held = true;
    finds(CLI_DONE);
    cap_has(said, "10.0.0.2:26379: the Sentinels have agreed that the master is down ");
    cap_has_not(said, "still tells");
}

static void witness_flags(void **state)
{
    static const struct {
        const char *flags, *part, *absent;
    } cases[] = {
        {"master,s_down", "10.0.0.2:26379: the master does not answer there (s_down)",
         "o_down"},
        {"s_down,o_down,master", "have agreed that the master is down (o_down)",
         "s_down"},
        {"master,failover_in_progress", "a fail-over is under way", "down"},
        {"disconnected,master", "no connection to the master from there", "s_down"},
        {"master,tilt", "10.0.0.2:26379: in TILT, since its clock jumped",
         "the master does not"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sentinels_three();
        (void)snprintf(sentinels.sentinels[1].flags, 96, "%s", cases[i].flags);
        finds(CLI_DONE);
        cap_has(said, cases[i].part);
        cap_has_not(said, cases[i].absent);
    }
    sentinels_three();
    (void)snprintf(sentinels.sentinels[1].flags, 96, "master,xs_down,s_downx");
    finds(CLI_DONE);
    assert_string_equal(said, "");
}

/* What matters to this client alone. */
static void witness_client(void **state)
{
    (void)state;
    cli_context *ctx = &belief_cap->ctx;
    ctx->config.host_count = 1;
    ctx->config.hosts[0].kind = REEF_HOST_TCP;
    sentinels.sentinels[1].configured = sentinels.sentinels[2].configured = false;
    finds_one(CLI_DONE,
              "server.redis.hosts names one Sentinel alone; when that one is lost, a "
              "new start finds none: add 10.0.0.2:26379 and 10.0.0.3:26379");
    ctx->config.hosts[0].kind = REEF_HOST_SRV;
    sentinels.sentinels[2].watched = false;
    finds(CLI_DONE);
    cap_has(said, "10.0.0.3:26379: announcements are not heard from there");
    cap_has(said, "let the user subscribe there");
    cap_has_not(said, "new start");
    sentinels_three();
    sentinels.sentinels[0].took_ms = 290;
    finds(CLI_DONE);
    cap_has(said, "10.0.0.1:26379: slow to answer; after 300 ms it would count as ");
    sentinels_three();
    for (int i = 0; i < 3; i++)
        (void)snprintf(sentinels.sentinels[i].master, REEF_PEER_TEXT, "127.0.0.1:6379");
    finds_one(
        CLI_DONE,
        "10.0.0.1:26379 announces the master as 127.0.0.1:6379, which means "
        "another machine wherever it is read: have the Sentinels monitor it by an "
        "address that is good everywhere");
}

/* Two names of one Sentinel; it counts once. */
static void witness_twins(void **state)
{
    (void)state;
    memcpy(sentinels.sentinels[2].id, sentinels.sentinels[0].id, 41);
    finds(CLI_DONE);
    cap_has(said, "10.0.0.3:26379 is the same Sentinel as 10.0.0.1:26379: one name ");
    assert_int_equal(cli_belief_knowing(&sentinels), 2);
    sentinels.sentinels[0].id[0] = sentinels.sentinels[2].id[0] = '\0';
    finds(CLI_DONE);
    cap_has_not(said, "the same Sentinel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BELIEF_TEST(witness_useless), BELIEF_TEST(witness_flags),
        BELIEF_TEST(witness_nowhere), BELIEF_TEST(witness_behind),
        BELIEF_TEST(witness_client),  BELIEF_TEST(witness_twins),
    };
    return cmocka_run_group_tests_name("cli_witness", tests, NULL, NULL);
}
