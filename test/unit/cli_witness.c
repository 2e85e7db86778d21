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
        {"master,tilt", "10.0.0.2:26379: in TILT, since its clock jumped", "down"},
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
        BELIEF_TEST(witness_useless),
        BELIEF_TEST(witness_flags),
        BELIEF_TEST(witness_client),
        BELIEF_TEST(witness_twins),
    };
    return cmocka_run_group_tests_name("cli_witness", tests, NULL, NULL);
}
