/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts of the settings that are no nodes: which ones are asked, and what is said of
 * them. Linked with __wrap_reef_open, __wrap_reef_close, __wrap_reef_server_info and
 * __wrap_reef_client_members: a client is the number of its one host. */
#include "test/unit/cli_nodes.h"

reef_client *__wrap_reef_open(const reef_config *config, reef_error *error);
void __wrap_reef_close(reef_client *client);
reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error);
reef_answers *__wrap_reef_client_members(reef_client *client, int64_t timeout_ms,
                                         reef_error *error);

static char asked[1024]; /* hosts, each with a space behind it */
static int open_clients;
static reef_host host; /* of the newest client */
static const char
    *who; /* "": it is nobody; else the first letter of a node's id, or "-" */

reef_client *__wrap_reef_open(const reef_config *config, reef_error *error)
{
    size_t len = strlen(asked);
    (void)error;
    assert_int_equal(config->host_count, 1);
    host = config->hosts[0];
    (void)snprintf(asked + len, sizeof asked - len, "%s ", host.name);
    open_clients++;
    return (reef_client *)&host;
}

void __wrap_reef_close(reef_client *client)
{
    open_clients -= client != NULL;
}

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error)
{
    (void)client;
    memset(out, 0, sizeof *out);
    *error = (reef_error){REEF_OK, 0, ""};
    assert_true(timeout_ms <= 1000);
    if (who[0] != '\0')
        return REEF_OK;
    error->code = REEF_CONNECT;
    (void)snprintf(error->text, sizeof error->text, "%.99s:7: refused", host.name);
    return REEF_CONNECT;
}

reef_answers *__wrap_reef_client_members(reef_client *client, int64_t timeout_ms,
                                         reef_error *error)
{
    (void)client;
    (void)timeout_ms;
    (void)error;
    reef_answers *out = calloc(1, sizeof *out + sizeof out->items[0]);
    assert_non_null(out);
    out->count = 1;
    if (who[0] != '-')
        memset(out->items[0].member.id, who[0], REEF_NODE_ID);
    return out;
}

static cli_context ctx;
static cli_check check;
static cli_census census;

static void seeds_host(const char *name, reef_host_kind kind)
{
    reef_host *h = &ctx.config.hosts[ctx.config.host_count++];
    memset(h, 0, sizeof *h);
    h->kind = kind;
    h->port = kind == REEF_HOST_TCP ? 7 : 0;
    (void)snprintf(h->name, sizeof h->name, "%s", name);
}

/* What is found with one node and one host that is none. */
static const char *seeds_find(const char *answer)
{
    who = answer;
    memset(&check, 0, sizeof check);
    check.ctx = &ctx;
    check.census = &census;
    asked[0] = '\0';
    cli_census_seeds(&check);
    assert_int_equal(open_clients, 0);
    return check.count > 0 ? check.findings[0].text : "";
}

static void seeds_begin(void)
{
    memset(&ctx, 0, sizeof ctx);
    nodes_good();
    nodes_read(&census);
    seeds_host("10.0.0.1", REEF_HOST_TCP);
    ctx.config.hosts[0].port = 7000;
    seeds_host("10.9.9.9", REEF_HOST_TCP);
}

static void seeds_judged(void **state)
{
    (void)state;
    seeds_begin();
    assert_string_equal(
        seeds_find(""),
        "10.9.9.9:7 of server.redis.hosts is of no use (refused): start "
        "it, or name another node; when the others are lost, too, a new "
        "start finds nobody");
    assert_int_equal(check.exit_code, CLI_DONE);
    assert_string_equal(asked, "10.9.9.9 ");
    assert_string_equal(seeds_find("-"),
                        "10.9.9.9:7 is a single server, and no node of this Cluster: "
                        "take it out of server.redis.hosts");
    assert_int_equal(check.exit_code, CLI_DONE);
    assert_string_equal(
        seeds_find("9"),
        "10.9.9.9:7 is a node of another Cluster: take it out of "
        "server.redis.hosts, since knot works with the one that answers "
        "first when it starts");
    assert_int_equal(check.exit_code, CLI_USAGE);
    assert_string_equal(seeds_find("c"), "");
}

/* Nodes are not asked, nor a host alone, nor anybody where no node tells. */
static void seeds_few(void **state)
{
    (void)state;
    seeds_begin();
    seeds_host("fe80::1", REEF_HOST_TCP);
    seeds_host("redis.example", REEF_HOST_SRV);
    (void)seeds_find("");
    assert_string_equal(asked, "10.9.9.9 fe80::1 redis.example ");
    assert_int_equal(check.count, 3);
    cap_has(check.findings[1].text, "[fe80::1]:7 of server");
    cap_has(check.findings[2].text, "srv+redis.example of server");
    for (int i = 0; i < 20; i++)
        seeds_host("10.9.9.9", REEF_HOST_TCP);
    (void)seeds_find("");
    assert_int_equal(check.count, 8);
    ctx.config.host_count = 1;
    ctx.config.hosts[0].port = 1;
    (void)seeds_find("");
    assert_string_equal(asked, "");
    seeds_begin();
    census.views = 0;
    (void)seeds_find("");
    assert_string_equal(asked, "");
    check.census = NULL;
    cli_census_seeds(&check);
    assert_string_equal(asked, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_judged),
        cmocka_unit_test(seeds_few),
    };
    return cmocka_run_group_tests_name("cli_census_seeds", tests, NULL, NULL);
}
