/* SPDX-License-Identifier: Apache-2.0
 *
 * reef config: values, where they came from, and no secret. */
#include "test/unit/cli_capture.h"

static const char settings[] = "[server.redis]\n"
                               "enabled = true\n"
                               "password = \"hunter2\"\n"
                               "key_prefix = \"a\\u001bb:\"\n";
static const char *const environment[] = {"KNOT_REDIS_DB=7", NULL};

static void config_for_a_person(void **state)
{
    cap *c = *state;
    char line[256];
    cap_settings(c, settings);
    c->ctx.env = environment;
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    (void)snprintf(line, sizeof line, "%-32s%-22s  %s:2:1", "server.redis.enabled",
                   "true", c->settings);
    line[strlen(line) - 1] = '\0'; /* whichever column is named */
    cap_has(c->out, line);
    (void)snprintf(line, sizeof line, "%-32s%-22s  KNOT_REDIS_DB\n", "server.redis.db",
                   "7");
    cap_has(c->out, line);
    (void)snprintf(line, sizeof line, "%-32s%-22s  default\n", "server.redis.username",
                   "\"\"");
    cap_has(c->out, line);
    cap_has(c->out, "***");
    cap_has(c->out, "a\\x1bb:");
    cap_has_not(c->out, "hunter2");
    cap_has_not(c->out, "No knot.toml was found");
    assert_string_equal(c->err, "");
}

static void config_as_json(void **state)
{
    cap *c = *state;
    cap_settings(c, settings);
    cap_set(c, CLI_OPT_JSON, "");
    c->ctx.env = environment;
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    assert_int_equal(strncmp(c->out, "{\"file\":\"/", 10), 0);
    cap_has(c->out, "{\"name\":\"server.redis.db\",\"value\":\"7\",\"source\":"
                    "\"environment\",\"variable\":\"KNOT_REDIS_DB\"}");
    cap_has(c->out, "{\"name\":\"server.redis.password\",\"value\":\"***\",\"source\":"
                    "\"file\",\"line\":3,\"column\":");
    cap_has(c->out, "{\"name\":\"server.redis.username\",\"value\":\"\",\"source\":"
                    "\"default\"}");
    cap_has(c->out, "a\\u001bb:");
    cap_has_not(c->out, "hunter2");
    assert_string_equal(c->out + strlen(c->out) - 3, "]}\n");
}

static void config_refused(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\ndb = \"x\"\npassword = \"hunter2\"\n");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    assert_string_equal(c->out, "");
    cap_has(c->err, c->settings);
    cap_has(c->err, ":2:");
    cap_again(c);
    cap_set(c, CLI_OPT_CONFIG, "/nonexistent/knot.toml");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    cap_has(c->err, "/nonexistent/knot.toml");
}

/* Every setting with its variable and its help. */
static void config_settings_help(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    assert_non_null(out);
    cli_config_help(out);
    const char *text = cap_file(out);
    for (int i = 0; i < REEF_SETTINGS; i++) {
        cap_has(text, reef_setting_name((reef_setting)i));
        cap_has(text, reef_setting_env((reef_setting)i));
        cap_has(text, reef_setting_help((reef_setting)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(config_for_a_person),
        CAP_TEST(config_as_json),
        CAP_TEST(config_refused),
        cmocka_unit_test(config_settings_help),
    };
    return cmocka_run_group_tests_name("cli_config", tests, NULL, NULL);
}
