/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that are not offered to clients: who is asked, by what client, and what becomes
 * of the answers. Linked with __wrap_reef_open, __wrap_reef_close, and
 * __wrap_reef_call_nodes of cli_nodes.h. */
#include "test/unit/cli_nodes.h"

reef_client *__wrap_reef_open(const reef_config *config, reef_error *error);
void __wrap_reef_close(reef_client *client);

static char asked[1024]; /* hosts, each with a space behind it */
static int open_clients;
static cli_context ctx;
static cli_census census;
static cli_stray strays[CLI_STRAYS];

reef_client *__wrap_reef_open(const reef_config *config, reef_error *error)
{
    size_t len = strlen(asked);
    (void)error;
    assert_int_equal(config->host_count, 1);
    assert_string_equal(config->password, "hunter2");
    (void)snprintf(asked + len, sizeof asked - len, "%s:%u ", config->hosts[0].name,
                   (unsigned)config->hosts[0].port);
    open_clients++;
    nodes_reveal = true;
    return (reef_client *)&ctx;
}

void __wrap_reef_close(reef_client *client)
{
    open_clients -= client != NULL;
}

/* Six and one more, a master that was replaced, and is not offered. */
static void strays_begin(void)
{
    memset(&ctx, 0, sizeof ctx);
    memcpy(ctx.config.password, "hunter2", 8);
    ctx.config.host_count = 3;
    nodes_good();
    nodes_add(-1, "", 1)->hidden = true;
    nodes[6].flags = ",fail";
    nodes_read(&census);
    nodes_log[0] = asked[0] = '\0';
}

static size_t strays_asked(void)
{
    size_t count = cli_strays_ask(&ctx, &census, strays);
    assert_int_equal(open_clients, 0);
    return count;
}

static void strays_good(void **state)
{
    (void)state;
    strays_begin();
    assert_int_equal(strays_asked(), 1);
    assert_string_equal(asked, "10.0.0.7:7000 ");
    assert_string_equal(nodes_log, "~CLUSTER NODES\n~CLUSTER INFO\n~INFO\n~DBSIZE\n");
    assert_int_equal(nodes_timeout, 300);
    for (size_t round = 0; round < CLI_CENSUS_ROUNDS; round++)
        assert_string_equal(strays[0].own[round]->member.id, nodes_id(6));
    cli_strays_free(strays, 1);
}

/* Dead, mute, or not even in its own roster: none of it is any use. */
static void strays_vain(void **state)
{
    (void)state;
    strays_begin();
    nodes_code = REEF_CONNECT;
    assert_int_equal(strays_asked(), 0);
    assert_string_equal(nodes_log, "~CLUSTER NODES\n");
    nodes_code = REEF_OK;
    nodes_mute(6, REEF_REFUSED, "NOPERM no");
    assert_int_equal(strays_asked(), 0);
    nodes_count = 6; /* it lists the others, and not itself */
    assert_int_equal(strays_asked(), 0);
}

static void strays_few(void **state)
{
    (void)state;
    strays_begin();
    for (int i = 0; i < 5; i++)
        nodes_add(-1, "", 1)->hidden = true;
    (void)snprintf(nodes[7].peer, REEF_PEER_TEXT, "::1:7001");
    nodes[8].flags = ",handshake";
    nodes[9].flags = ",noaddr";
    nodes_read(&census);
    asked[0] = '\0';
    assert_int_equal(strays_asked(), 4);
    assert_string_equal(asked, "10.0.0.11:7000 10.0.0.12:7000 10.0.0.7:7000 ::1:7001 ");
    cli_strays_free(strays, 4);
    cli_node *node = cli_census_node(&census, nodes_id(6));
    static const char *const peers[] = {"", "x", ":1", "[]:1", "a:", "a:70000"};
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        census.count = 7;
        memset(census.order, 0, sizeof census.order);
        census.order[0] = (cli_node_number)(node - census.nodes + 1);
        (void)snprintf(node->peer, sizeof node->peer, "%s", peers[i]);
        asked[0] = '\0';
        assert_int_equal(strays_asked(), 0);
        assert_string_equal(asked, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strays_good),
        cmocka_unit_test(strays_vain),
        cmocka_unit_test(strays_few),
    };
    return cmocka_run_group_tests_name("cli_census_strays", tests, NULL, NULL);
}
