/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings and client, taken and let go of. */
#include "test/unit/cli_capture.h"

static void connect_load(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\npassword = \"hunter2\"\n");
    assert_int_equal(cap_run(c, cli_load), CLI_DONE);
    assert_true(c->ctx.loaded);
    assert_null(c->ctx.client);
    assert_string_equal(c->ctx.config.password, "hunter2");
    cli_close(&c->ctx);
    assert_false(c->ctx.loaded);
    static const char zeros[sizeof c->ctx.config.password];
    assert_memory_equal(c->ctx.config.password, zeros, sizeof zeros);
    cli_close(&c->ctx); /* once more does no harm */
}

/* No connection is made before the first call, and settings are read once. */
static void connect_open(void **state)
{
    cap *c = *state;
    cap_nobody(c);
    assert_int_equal(cap_run(c, cli_open), CLI_DONE);
    assert_true(c->ctx.loaded);
    assert_non_null(c->ctx.client);
    cli_close(&c->ctx);
    assert_null(c->ctx.client);
    assert_int_equal(cap_run(c, cli_load), CLI_DONE);
    (void)snprintf(c->ctx.config.key_prefix, sizeof c->ctx.config.key_prefix, "mine:");
    assert_int_equal(cap_run(c, cli_open), CLI_DONE);
    assert_string_equal(reef_client_config(c->ctx.client)->key_prefix, "mine:");
}

static void connect_refused(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nhosts = [\"a b\"]\npassword = \"hunter2\"\n");
    assert_int_equal(cap_run(c, cli_open), CLI_USAGE);
    assert_null(c->ctx.client);
    cap_has(c->err, ":2:10: error: ");
    cap_has_not(c->err, "hunter2");
    cap_again(c);
    cap_set(c, CLI_OPT_JSON, "");
    cap_set(c, CLI_OPT_CONFIG, "/nonexistent/knot.toml");
    assert_int_equal(cap_run(c, cli_load), CLI_USAGE);
    cap_has(c->out, "{\"error\":\"/nonexistent/knot.toml: there is no such file\"");
    cap_has(c->out, ",\"exit\":2}\n");
}

/* A warning is not said here: it would spoil what a script reads. It is kept, until the
 * settings are read again. */
static void connect_warned(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nhots = []\n");
    assert_int_equal(cap_run(c, cli_load), CLI_DONE);
    assert_string_equal(c->err, "");
    assert_int_equal(c->ctx.report.warnings, 1);
    assert_int_equal(cap_run(c, cli_load), CLI_DONE);
    assert_int_equal(c->ctx.report.warnings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(connect_load),
        CAP_TEST(connect_open),
        CAP_TEST(connect_refused),
        CAP_TEST(connect_warned),
    };
    return cmocka_run_group_tests_name("cli_connect", tests, NULL, NULL);
}
