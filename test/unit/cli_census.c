/* SPDX-License-Identifier: Apache-2.0
 *
 * reef topology and reef check on a Cluster of the test's own making: what is asked,
 * what is shown, and how it ends. Linked with __wrap_reef_call of cli_script.h,
 * __wrap_reef_call_nodes of cli_nodes.h, __wrap_reef_client_topology of
 * cli_sentinels.h, __wrap_reef_look_up and __wrap_reef_look_free of cli_look.h,
 * __wrap_reef_server_info, and __wrap_reef_open, which lets a client of one host see
 * all nodes. */
#include "test/unit/cli_look.h"
#include "test/unit/cli_nodes.h"
#include "test/unit/cli_script.h"
#include "test/unit/cli_sentinels.h"

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error);

reef_client *__real_reef_open(const reef_config *config, reef_error *error);
reef_client *__wrap_reef_open(const reef_config *config, reef_error *error);

reef_client *__wrap_reef_open(const reef_config *config, reef_error *error)
{
    nodes_reveal = config->host_count == 1;
    return __real_reef_open(config, error);
}

static const char *mode;
static reef_code met;

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    *error = (reef_error){met, 0, "said the fake"};
    memset(out, 0, sizeof *out);
    out->protocol = 3;
    (void)snprintf(out->peer, sizeof out->peer, "10.0.0.4:7000");
    (void)snprintf(out->server, sizeof out->server, "redis");
    (void)snprintf(out->version, sizeof out->version, "7.0.15");
    (void)snprintf(out->mode, sizeof out->mode, "%s", mode);
    (void)snprintf(out->role, sizeof out->role, "%s", "replica");
    return met;
}

static const script_answer answers[] = {
    {"INFO", "$55\r\nrole:slave\r\nmaxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n"
             "\r\n"},
    {"PING", "+PONG\r\n"},
    {"TIME", "*2\r\n$1\r\n1\r\n$1\r\n0\r\n"},
    {"GET", "_\r\n"},
    {"SET", "_\r\n"},
    {"SCAN", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"", ":0\r\n"},
    {NULL, NULL},
};

static int census_begin(void **state)
{
    int code = cap_begin(state);
    cap_settings(*state,
                 "[server.redis]\nenabled = true\npassword = \"hunter2\"\nhosts = "
                 "[\"10.0.0.1:7000\", \"10.0.0.2:7000\"]\n");
    mode = "cluster";
    met = REEF_OK;
    nodes_good();
    sentinels_none();
    look_reset();
    script_begin(answers);
    return code;
}

static int runs(cap *c, int (*run)(cli_context *))
{
    nodes_log[0] = '\0';
    int code = cap_run(c, run);
    cli_close(&c->ctx);
    cap_has_not(c->out, "hunter2");
    return code;
}

static void census_good(void **state)
{
    cap *c = *state;
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    assert_string_equal(nodes_log, "~CLUSTER NODES\n~CLUSTER INFO\n~INFO\n~DBSIZE\n");
    assert_int_equal(nodes_timeout, 2000);
    cap_has(c->out, "server    redis 7.0.15 at 10.0.0.4:7000\n");
    cap_has(c->out, "\ncluster   3 masters and 3 replicas; 16384 of 16384 slots are ");
    cap_has(c->out,
            "\n            10.0.0.6:7000  replica                    100         "
            "online\n");
    cap_has(c->out,
            "\ngood      3 masters serve all slots, and each has a replica that "
            "could take its place\n");
    cap_has_not(c->out, "takes no writes");
    cap_has_not(c->out, "replicas  ");
    assert_string_equal(c->err, "");
    assert_string_equal(script_log, "");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    look_has_members(c->out,
                     "peer server version sentinel cluster replication findings "
                     "exit ");
    cap_has(c->out, "\"sentinel\":false,\"cluster\":{\"masters\":3,");
    cap_has(c->out, "}]},\"replication\":null,\"findings\":[],\"exit\":0}\n");
}

/* Part of a check, and what a check says of a single server is not said. */
static void census_check(void **state)
{
    cap *c = *state;
    assert_int_equal(runs(c, cli_check_run), CLI_DONE);
    cap_has(c->out, "speaks    RESP3, mode cluster, role replica, db 0\n");
    cap_has(c->out, "\ncluster   3 masters and 3 replicas; ");
    cap_has(c->out, "good      knot can keep its sessions here\n");
    cap_has_not(c->out, "takes no writes");
    cap_has_not(c->out, "drops sessions"); /* by the one that was asked alone */
    nodes[1].memory = "maxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n";
    (void)snprintf(nodes[0].slots, 256, " 1-5460");
    assert_int_equal(runs(c, cli_check_run), CLI_UNREACHED);
    cap_has(c->out, "problem   1 of 16384 slots is served by nobody (0): ");
    cap_has(c->out, "rights    not tried: not all slots are served now\n");
    cap_has(c->out, "note      10.0.0.2:7000 drops sessions when memory is short");
    cap_has_not(c->out, "good ");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_check_run), CLI_UNREACHED);
    look_is_json(c->out);
    cap_has(c->out, "\"topology\":{\"sentinel\":false,\"cluster\":{\"masters\":3,");
    cap_has(c->out, "\"gaps\":[[0,0]],");
}

/* A silent node costs one timeout, and not four. */
static void census_silent(void **state)
{
    cap *c = *state;
    nodes_mute(4, REEF_UNSENT,
               "10.0.0.5:7000 can't be used: 10.0.0.5:7000: too late; "
               "nothing was sent");
    assert_int_equal(runs(c, cli_topology_run), CLI_FRAGILE);
    assert_int_equal(nodes_timeout, 500);
    cap_has(c->out, "  no answer: too late\n");
    cap_has(c->out,
            "problem   10.0.0.2:7000 has no replica that could take its place ");
    c->ctx.timeout_ms = 200;
    assert_int_equal(runs(c, cli_topology_run), CLI_FRAGILE);
    assert_int_equal(nodes_timeout, 200);
    nodes_mute(4, REEF_REFUSED, "NOPERM no");
    c->ctx.timeout_ms = 3000;
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    assert_int_equal(nodes_timeout, 3000);
    c->ctx.timeout_ms = 0;
    cap_settings(c, "[server.redis]\ncall_timeout = \"1s\"\n");
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    assert_int_equal(nodes_timeout, 0);
    for (int i = 0; i < NODES; i++)
        nodes_mute(i, REEF_REFUSED, "NOPERM no");
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    cap_has(c->out,
            "note      no node tells what it knows of the others (NOPERM no): ");
    cap_has(c->out, "good      calls are answered; what a fail-over would do is not ");
}

/* A master that was replaced while it was cut off from the others, and still serves. */
static void census_stray(void **state)
{
    cap *c = *state;
    nodes_add(-1, "", 8)->hidden = true;
    nodes[6].flags = ",fail";
    nodes[6].roster = nodes_lie(6, "8 connected\n", "8 connected 0-99\n");
    assert_int_equal(runs(c, cli_topology_run), CLI_FRAGILE);
    cap_has(c->out, "  failed, as the others say; of another mind\n");
    cap_has(c->out, "problem   10.0.0.1:7000 and 10.0.0.7:7000 both claim slots 0-99 ");
    cap_has(nodes_log, "~DBSIZE\n");
    nodes_mute(6, REEF_CONNECT, "refused");
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    cap_has(c->out, "-      8  failed\n");
    cap_has(c->out, "note      10.0.0.7:7000 has failed, by the word of the others: ");
}

static void census_failed(void **state)
{
    cap *c = *state;
    nodes_code = REEF_NOROUTE;
    assert_int_equal(runs(c, cli_topology_run), CLI_UNREACHED);
    cap_has(c->out, "problem   the nodes can't be asked: asked in vain\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_topology_run), CLI_UNREACHED);
    look_has_members(c->out,
                     "peer server version sentinel cluster replication findings "
                     "exit ");
    cap_set(c, CLI_OPT_JSON, NULL);
    met = REEF_CONNECT;
    assert_int_equal(runs(c, cli_topology_run), CLI_UNREACHED);
    assert_string_equal(c->err, "reef: said the fake\n");
    assert_string_equal(nodes_log, "");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_topology_run), CLI_UNREACHED);
    look_has_members(c->out, "error code peer server version sentinel cluster "
                             "replication findings exit ");
    cap_has(c->out, ",\"cluster\":null,\"replication\":null,");
}

/* Who tells no mode is asked as a Cluster where the settings name several hosts. */
static void census_modes(void **state)
{
    cap *c = *state;
    mode = "";
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    cap_has(nodes_log, "~CLUSTER NODES\n");
    cap_settings(c, "[server.redis]\nhosts = [\"10.0.0.1:7000\"]\n");
    assert_int_equal(runs(c, cli_topology_run), CLI_USAGE);
    assert_string_equal(nodes_log, "");
    mode = "cluster";
    assert_int_equal(runs(c, cli_topology_run), CLI_DONE);
    cap_has(nodes_log, "~CLUSTER NODES\n");
}

#define CENSUS_TEST(test) cmocka_unit_test_setup_teardown(test, census_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CENSUS_TEST(census_good),   CENSUS_TEST(census_check),
        CENSUS_TEST(census_silent), CENSUS_TEST(census_failed),
        CENSUS_TEST(census_modes),  CENSUS_TEST(census_stray),
    };
    return cmocka_run_group_tests_name("cli_census", tests, NULL, NULL);
}
