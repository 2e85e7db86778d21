/* SPDX-License-Identifier: Apache-2.0
 *
 * reef config: values, where they came from, what is wrong, and no secret. */
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
    cap_has(c->out, "}],\"findings\":[]}\n");
    assert_string_equal(c->err, "");
}

/* The JSON begins with the name of the file; `next` is what follows. */
static void config_names(const cap *c, const char *next)
{
    char start[256];
    (void)snprintf(start, sizeof start, "{\"file\":\"%s\"%s", c->settings, next);
    assert_int_equal(strncmp(c->out, start, strlen(start)), 0);
}

/* All that is wrong, in one go; no settings then. */
static void config_refused(void **state)
{
    cap *c = *state;
    char place[TEMPORARY_INSIDE + 32];
    cap_settings(c, "[server.redis]\ndb = \"x\"\npassword = \"hunter2\"\nlanes = 0\n"
                    "hots = []\n");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    assert_string_equal(c->out, "");
    (void)snprintf(place, sizeof place, "%s:2:6: error: server.redis.db", c->settings);
    assert_int_equal(strncmp(c->err, place, strlen(place)), 0);
    (void)snprintf(place, sizeof place, "\n%s:4:9: error: ", c->settings);
    cap_has(c->err, place);
    (void)snprintf(place, sizeof place, "\n%s:5:1: warning: ", c->settings);
    cap_has(c->err, place);
    cap_has(c->err, "\n2 errors, 1 warning\n");
    cap_has_not(c->err, "hunter2");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    config_names(c,
                 ",\"settings\":null,\"findings\":[{\"severity\":\"error\",\"file\":");
    cap_has(c->out, "},{\"severity\":\"warning\",");
    cap_has(c->out, "}]}\n");
    cap_has_not(c->out, "hunter2");
    cap_again(c);
    cap_set(c, CLI_OPT_CONFIG, "/nonexistent/knot.toml");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    assert_string_equal(c->err,
                        "/nonexistent/knot.toml: error: there is no such file\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    cap_has(c->out, "{\"file\":null,\"settings\":null,");
}

/* The file is named, though it is not the file that is wrong. */
static void config_refused_variable(void **state)
{
    static const char *const wrong[] = {"KNOT_REDIS_DB=x", NULL};
    cap *c = *state;
    cap_settings(c, settings);
    cap_set(c, CLI_OPT_JSON, "");
    c->ctx.env = wrong;
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    config_names(c, ",\"settings\":null,\"findings\":[{\"severity\":\"error\","
                    "\"variable\":\"KNOT_REDIS_DB\",");
}

/* What the command line sets is in force. */
static void config_timeout(void **state)
{
    static const char *const variable[] = {"KNOT_REDIS_CALL_TIMEOUT=3s", NULL};
    cap *c = *state;
    char line[96];
    cap_settings(c, settings);
    c->ctx.env = variable;
    (void)snprintf(line, sizeof line, "%-32s%-22s  ", "server.redis.call_timeout",
                   "3s");
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    cap_has(c->out, line);
    cap_set(c, CLI_OPT_TIMEOUT, "86400s");
    c->ctx.timeout_ms = 86400000;
    (void)snprintf(line, sizeof line, "%-32s%-22s  --timeout\n",
                   "server.redis.call_timeout", "86400s");
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    cap_has(c->out, line);
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    cap_has(c->out, "{\"name\":\"server.redis.call_timeout\",\"value\":\"86400s\","
                    "\"source\":\"option\",\"option\":\"--timeout\"}");
    cap_has(c->out, "{\"name\":\"server.redis.connect_timeout\",\"value\":\"5s\","
                    "\"source\":\"default\"}");
}

/* A warning keeps nothing from being used. */
static void config_warned(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nenabled = true\nhots = []\n");
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    cap_has(c->out, "localhost:6379");
    cap_has(c->err, ":3:1: warning: ");
    assert_null(strstr(strstr(c->err, "warning"), "error"));
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    cap_has(c->out, "}],\"findings\":[{\"severity\":\"warning\",\"file\":\"");
    cap_has(c->err, ":3:1: warning: ");
}

/* ---- knot's three set-ups ----------------------------------------------------- */

/* A line of what is shown. `found`: the value and its place in the file; none: it is
 * the default. */
static size_t line_of(char *out, size_t room, reef_setting setting, const char *file,
                      const char *const found[2])
{
    char value[64], origin[128];
    reef_config defaults;
    reef_config_init(&defaults);
    (void)snprintf(origin, sizeof origin, "default");
    (void)reef_setting_text(&defaults, setting, value, sizeof value);
    if (value[0] == '\0')
        (void)snprintf(value, sizeof value, "%s", reef_setting_default(setting));
    if (found[0] != NULL)
        (void)snprintf(origin, sizeof origin, "%s:%s", file, found[1]);
    return (size_t)snprintf(out, room, "%-32s%-22s  %s\n", reef_setting_name(setting),
                            found[0] != NULL ? found[0] : value, origin);
}

/* All that is shown of a file. */
static void config_is(cap *c, const char *file, const char *const found[][2])
{
    static char expected[CAP_TEXT];
    size_t len = 0;
    for (int i = 0; i < REEF_SETTINGS; i++)
        len += line_of(expected + len, sizeof expected - len, (reef_setting)i, file,
                       found[i]);
    cap_set(c, CLI_OPT_CONFIG, file);
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    assert_string_equal(c->out, expected);
    assert_string_equal(c->err, "");
}

static void config_single(void **state)
{
    static const char *const found[REEF_SETTINGS][2] = {
        [REEF_SET_ENABLED] = {"true", "3:13"},
        [REEF_SET_HOSTS] = {"localhost:6379", "4:11"},
        [REEF_SET_PASSWORD] = {"\"\"", "7:14"},
        [REEF_SET_DB] = {"0", "8:8"},
    };
    config_is(*state, "test/vectors/knot/single.toml", found);
}

static void config_sentinel(void **state)
{
    static const char *const found[REEF_SETTINGS][2] = {
        [REEF_SET_ENABLED] = {"true", "5:13"},
        [REEF_SET_HOSTS] = {"10.1.0.4:5000, 10.1.0.5:5000, srv+_sentinel._tcp.knot",
                            "6:11"},
        [REEF_SET_PASSWORD] = {"***", "11:14"},
        [REEF_SET_DB] = {"3", "12:8"},
        [REEF_SET_MASTER_NAME] = {"mymaster", "13:17"},
        [REEF_SET_NAMESERVERS] = {"10.0.0.2:53, consul/127.0.0.1:8600", "16:17"},
        [REEF_SET_CONSUL] = {"10.0.0.3:8600", "17:12"},
    };
    config_is(*state, "test/vectors/knot/sentinel.toml", found);
}

static void config_cluster(void **state)
{
    static const char *const found[REEF_SETTINGS][2] = {
        [REEF_SET_ENABLED] = {"true", "4:13"},
        [REEF_SET_HOSTS] = {"10.1.0.4:6379, 10.1.0.5:6379, 10.1.0.6:6379", "5:11"},
        [REEF_SET_PASSWORD] = {"\"\"", "10:14"},
        [REEF_SET_DB] = {"0", "11:8"},
    };
    config_is(*state, "test/vectors/knot/cluster.toml", found);
}

/* ---- the settings there are --------------------------------------------------- */

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
        cap_has(text, reef_setting_default((reef_setting)i));
        cap_has(text, reef_setting_help((reef_setting)i));
    }
}

/* README has the table that the command prints. */
static void config_settings_table(void **state)
{
    cap *c = *state;
    cap_set(c, CLI_OPT_TABLE, "");
    cap_set(c, CLI_OPT_CONFIG, "/nonexistent/knot.toml"); /* is not needed */
    assert_int_equal(cap_run(c, cli_config_run), CLI_DONE);
    for (const char *line = c->out; *line != '\0'; line = strchr(line, '\n') + 1) {
        int bars = 0;
        for (const char *p = line; *p != '\n'; p++)
            bars += *p == '|' ? 1 : 0;
        assert_int_equal(bars, 5);
    }
    FILE *readme = fopen("README.md", "r");
    assert_non_null(readme);
    cap_has(cap_file(readme), c->out);
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, cli_config_run), CLI_USAGE);
    cap_has(c->err, "no --json form");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(config_for_a_person),   CAP_TEST(config_as_json),
        CAP_TEST(config_refused),        CAP_TEST(config_refused_variable),
        CAP_TEST(config_timeout),        CAP_TEST(config_warned),
        CAP_TEST(config_single),         CAP_TEST(config_sentinel),
        CAP_TEST(config_cluster),        cmocka_unit_test(config_settings_help),
        CAP_TEST(config_settings_table),
    };
    return cmocka_run_group_tests_name("cli_config", tests, NULL, NULL);
}
