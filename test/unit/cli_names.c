/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking a name up, a target as a text, and the hosts of reef check. Linked with the
 * __wrap_reef_look_up and __wrap_reef_look_free of cli_look.h. */
#include "test/unit/cli_look.h"

#include "session/cli/check.h"

static cli_check found;

static int names_begin(void **state)
{
    look_reset();
    return cap_begin(state);
}

/* The other kind is asked for where the name is there and the record is not. */
static void names_ask(void **state)
{
    cap *c = *state;
    reef_host host = {.kind = REEF_HOST_SRV, .name = "redis.example"};
    cli_name name;
    char text[32];
    found.ctx = &c->ctx;
    int64_t until = reef_now_ms() + 5000;
    assert_true(cli_name_ask(&found, &name, &host, until));
    assert_true(cli_name_is_srv(&name) && name.other == NULL);
    assert_true(look_timeout > 0 && look_timeout <= 5000);
    cli_name_text(&name, text, sizeof text);
    assert_string_equal(text, "srv+redis.example");
    cli_name_free(&name);
    look_step(&look_srv, "10.0.0.1:53", "SRV", "nodata");
    assert_true(cli_name_ask(&found, &name, &host, until));
    assert_non_null(name.other);
    cli_name_free(&name);
    assert_null(name.look);
    host.kind = REEF_HOST_TCP;
    assert_true(cli_name_ask(&found, &name, &host, until));
    assert_true(!cli_name_is_srv(&name) && name.other == NULL);
    cli_name_text(&name, text, sizeof text);
    assert_string_equal(text, "redis.example");
    cli_name_free(&name);
    /* Time that is over is no time without end. */
    assert_true(cli_name_ask(&found, &name, &host, until - 10000));
    assert_int_equal(look_timeout, 1);
    cli_name_free(&name);
    assert_string_equal(look_log,
                        "srv+redis.example\nsrv+redis.example\nredis.example\n"
                        "redis.example\nredis.example\n");
    look_left = 0;
    assert_false(cli_name_ask(&found, &name, &host, until));
    cli_name_free(&name);
    assert_int_equal(look_live, 0);
}

static void names_targets(void **state)
{
    (void)state;
    char text[64];
    reef_look_target t = {.name = "redis-0.example", .port = 65535};
    cli_name_target(&look_srv, &t, text, sizeof text);
    assert_string_equal(text, "redis-0.example:65535, not asked for");
    (void)snprintf(t.why, sizeof t.why, "no such name");
    cli_name_target(&look_srv, &t, text, sizeof text);
    assert_string_equal(text, "redis-0.example:65535, no address: no such name");
    t.address_count = 2;
    (void)snprintf(t.addresses[0], sizeof t.addresses[0], "10.0.0.7");
    (void)snprintf(t.addresses[1], sizeof t.addresses[1], "::7");
    cli_name_target(&look_srv, &t, text, sizeof text);
    assert_string_equal(text, "redis-0.example:65535 at 10.0.0.7, ::7 (asked for)");
    t.glue = true;
    cli_name_target(&look_srv, &t, text, 30);
    assert_string_equal(text, "redis-0.example:65535 at 10.0");
    (void)snprintf(t.name, sizeof t.name, "10.0.0.7");
    assert_true(cli_name_is_literal(&t));
    cli_name_target(&look_srv, &t, text, sizeof text);
    assert_string_equal(text, "10.0.0.7:65535 (an address)");
}

/* Addresses that there was no room for are counted, as far as the answers tell. */
static void names_addresses(void **state)
{
    (void)state;
    char text[256];
    reef_look_target *t = look_target(&look_srv, "redis-0.example", "10.0.0.7", "");
    static const char *const types[] = {"A", "AAAA", "A"};
    for (uint32_t i = 0; i < 3; i++) {
        reef_look_step *step = look_step(&look_srv, "10.0.0.1:53", types[i], "ok");
        (void)snprintf(step->name, sizeof step->name, i < 2 ? "redis-0.example" : "x");
        step->records = 7 + i;
    }
    t->address_count = REEF_LOOK_ADDRESSES_MAX - 1;
    cli_name_target(&look_srv, t, text, sizeof text);
    cap_has_not(text, "more");
    t->address_count = REEF_LOOK_ADDRESSES_MAX;
    cli_name_target(&look_srv, t, text, sizeof text);
    cap_has(text, " and 7 more (asked for)");
    look_srv.steps[0].records = 1;
    look_srv.steps[1].records = 7;
    cli_name_target(&look_srv, t, text, sizeof text);
    cap_has_not(text, "more");
}

/* Steps end in another order than they began. */
static void names_order(void **state)
{
    (void)state;
    uint32_t order[REEF_LOOK_STEPS_MAX];
    static const uint32_t starts[] = {250, 0, 300, 250, 0};
    static const uint32_t expected[] = {1, 4, 0, 3, 2};
    for (uint32_t i = 0; i < 5; i++)
        look_step(&look_srv, "10.0.0.1:53", "SRV", "ok")->start_ms = starts[i];
    cli_name_order(&look_srv, order);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(order[i], expected[i]);
}

static int run_look(cli_context *ctx)
{
    memset(&found, 0, sizeof found);
    found.ctx = ctx;
    cli_names_look(&found);
    cli_names_find(&found, CLI_DONE);
    return CLI_DONE;
}

static int run_json(cli_context *ctx)
{
    (void)ctx;
    fputs("{\"x\":1", stdout);
    cli_names_json(&found);
    fputs("}\n", stdout);
    return CLI_DONE;
}

static void add_host(cap *c, reef_host_kind kind, const char *name)
{
    reef_host *added = &c->ctx.config.hosts[c->ctx.config.host_count++];
    added->kind = kind;
    (void)snprintf(added->name, sizeof added->name, "%s", name);
}

/* Each host of several that is a name has its line and its object, in their order. */
static void names_of_check(void **state)
{
    cap *c = *state;
    reef_config_init(&c->ctx.config);
    c->ctx.config.host_count = 0;
    add_host(c, REEF_HOST_SRV, "redis.example");
    add_host(c, REEF_HOST_UNIX, "/run/redis.sock");
    add_host(c, REEF_HOST_TCP, "b.example");
    look_begin(&look_srv, REEF_OK, "");
    look_target(&look_srv, "redis-0.example", "10.0.0.7", "");
    look_begin(&look_host, REEF_OK, "");
    look_target(&look_host, "b.example", "10.0.0.8", "")->address_count = 2;
    (void)snprintf(look_host.targets[0].addresses[1], 64, "::8");
    assert_int_equal(cap_run(c, run_look), CLI_DONE);
    assert_string_equal(c->out,
                        "name      srv+redis.example: 1 target (dns, 0 ms)\n"
                        "          1. redis-0.example:6379 at 10.0.0.7 (asked for)\n"
                        "name      b.example: 10.0.0.8, ::8 (dns, 0 ms)\n");
    assert_int_equal(found.name_count, 2);
    assert_int_equal(found.count, 0);
    cap_run(c, run_json);
    look_is_json(c->out);
    cap_has(c->out, "{\"x\":1,\"names\":[{\"name\":\"redis.example\",\"srv\":true,");
    cap_has(c->out, "},{\"name\":\"b.example\",\"srv\":false,\"result\":\"ok\",");
    assert_null(cli_names_hopeless(&found));
    cli_names_free(&found);
    assert_int_equal(look_live, 0);
    assert_int_equal(found.name_count, 0);
    assert_null(cli_names_hopeless(&found));
}

/* As many as there can be share one deadline; with --json nothing is printed yet. What
 * is said of them leaves room for what is found later. */
static void names_of_many(void **state)
{
    cap *c = *state;
    reef_config_init(&c->ctx.config);
    c->ctx.config.host_count = 0;
    for (int i = 0; i < REEF_HOSTS_MAX; i++)
        add_host(c, REEF_HOST_TCP, "b.example");
    look_step(&look_host, "10.0.0.1:53", "A", "nxdomain");
    cap_set(c, CLI_OPT_JSON, "");
    c->ctx.timeout_ms = 1;
    assert_int_equal(cap_run(c, run_look), CLI_DONE);
    assert_string_equal(c->out, "");
    assert_int_equal(found.name_count, REEF_HOSTS_MAX);
    assert_ptr_equal(cli_names_hopeless(&found), found.names[0].look);
    c->ctx.config.host_count--; /* as if one more were an address */
    assert_null(cli_names_hopeless(&found));
    c->ctx.config.host_count++;
    found.names[5].look->code = REEF_OK;
    assert_null(cli_names_hopeless(&found));
    found.names[5].look->code = REEF_NOMEM;
    assert_null(cli_names_hopeless(&found));
    found.names[5].look->code = REEF_DNS;
    (void)snprintf(found.names[5].look->steps[0].outcome, 16, "silent");
    assert_null(cli_names_hopeless(&found));
    assert_int_equal(found.count, REEF_HOSTS_MAX);
    assert_int_equal(found.exit_code, CLI_DONE);
    assert_int_equal(look_timeout, 1);
    cli_names_free(&found);
    for (unsigned i = 2; i < 8; i++)
        look_step(&look_host, i % 2 > 0 ? "10.0.0.2:53" : "10.0.0.3:53", "A",
                  i < 4   ? "refused"
                  : i < 6 ? "servfail"
                          : "silent");
    look_host.partial = true;
    look_host.ignored = 1;
    assert_int_equal(cap_run(c, run_look), CLI_DONE);
    assert_true(found.count > CLI_CHECK_NAMES / 2);
    assert_true(found.count + 24 <= CLI_CHECK_FINDINGS);
    cli_names_free(&found);
    assert_int_equal(look_live, 0);
}

#define NAMES_TEST(test) cmocka_unit_test_setup_teardown(test, names_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(names_ask),       NAMES_TEST(names_targets),
        NAMES_TEST(names_addresses), NAMES_TEST(names_order),
        NAMES_TEST(names_of_check),  NAMES_TEST(names_of_many),
    };
    return cmocka_run_group_tests_name("cli_names", tests, NULL, NULL);
}
