/* SPDX-License-Identifier: Apache-2.0
 *
 * config_config: the table, defaults, values as text, and settings against each
 * other. */
#include "config/config.h"
#include "config_help.h"

static void defaults(void **state)
{
    reef_config config;
    reef_error error;
    (void)state;
    memset(&config, 'x', sizeof config);
    reef_config_init(&config);
    assert_false(config.enabled);
    assert_int_equal(config.host_count, 1);
    assert_string_equal(config.hosts[0].name, "localhost");
    assert_int_equal(config.hosts[0].port, 6379);
    assert_int_equal(config.hosts[0].kind, REEF_HOST_TCP);
    assert_string_equal(config.username, "");
    assert_string_equal(config.password, "");
    assert_int_equal(config.db, 0);
    assert_false(config.failover_announced);
    assert_int_equal(config.connect_timeout_ms, 5000);
    assert_int_equal(config.call_timeout_ms, 5000);
    assert_int_equal(config.lanes, 1);
    assert_int_equal(config.protocol, 0);
    assert_int_equal(config.nameserver_count, 0);
    assert_string_equal(config.file, "");
    for (int s = 0; s < REEF_SETTINGS; s++)
        assert_int_equal(config.origins[s].source, REEF_FROM_DEFAULT);
    assert_int_equal(reef_config_check(&config, NULL, &error), REEF_OK);
}

/* Every row has all it needs, and is in the place of its name in reef_setting. */
static void table(void **state)
{
    static const char *const keys[REEF_SETTINGS] = {"server.redis.enabled",
                                                    "server.redis.hosts",
                                                    "server.redis.username",
                                                    "server.redis.password",
                                                    "server.redis.db",
                                                    "server.redis.master_name",
                                                    "server.redis.sentinel_username",
                                                    "server.redis.sentinel_password",
                                                    "server.redis.failover",
                                                    "server.redis.key_prefix",
                                                    "server.redis.connect_timeout",
                                                    "server.redis.call_timeout",
                                                    "server.redis.lanes",
                                                    "server.redis.protocol",
                                                    "resolver.nameservers",
                                                    "resolver.consul"};
    (void)state;
    for (int s = 0; s < REEF_SETTINGS; s++) {
        char env[64] = "KNOT_REDIS_";
        const char *key = strrchr(keys[s], '.') + 1;
        bool resolver = s == REEF_SET_NAMESERVERS || s == REEF_SET_CONSUL;
        size_t at = resolver ? 5 : strlen(env);
        for (; *key != 0; key++)
            env[at++] = (char)(*key >= 'a' && *key <= 'z' ? *key - 'a' + 'A' : *key);
        env[at] = 0;
        if (s == REEF_SET_CONSUL)
            strcpy(env, "KNOT_CONSUL_SERVERS");
        assert_string_equal(reef_setting_name((reef_setting)s), keys[s]);
        assert_string_equal(reef_setting_env((reef_setting)s), env);
        assert_true(strlen(reef_setting_help((reef_setting)s)) > 0);
        assert_true(strlen(reef_setting_default((reef_setting)s)) > 0);
        assert_null(strchr(reef_setting_help((reef_setting)s), '\n'));
    }
}

static void check_value(const char *toml, reef_setting setting, const char *want)
{
    reef_config config;
    reef_error error;
    char out[256];
    if (help_parse(&config, toml, &error) != REEF_OK)
        fail_msg("%s", error.text);
    assert_int_equal(reef_setting_text(&config, setting, out, sizeof out),
                     strlen(want));
    assert_string_equal(out, want);
}

static void values(void **state)
{
    (void)state;
    check_value("", REEF_SET_ENABLED, "false");
    check_value("server.redis.enabled = true", REEF_SET_ENABLED, "true");
    check_value("", REEF_SET_HOSTS, "localhost:6379");
    check_value("server.redis.hosts = ['a', '[::1]:7', 'srv+b.c', 'unix:/d']",
                REEF_SET_HOSTS, "a:6379, [::1]:7, srv+b.c, unix:/d");
    check_value("server.redis.username = 'u'", REEF_SET_USERNAME, "u");
    check_value("", REEF_SET_PASSWORD, "");
    check_value("server.redis.password = 'u'", REEF_SET_PASSWORD, "***");
    check_value("server.redis.sentinel_password = 9", REEF_SET_SENTINEL_PASSWORD,
                "***");
    check_value("server.redis.db = 2147483647", REEF_SET_DB, "2147483647");
    check_value("server.redis.master_name = 'm'", REEF_SET_MASTER_NAME, "m");
    check_value("", REEF_SET_FAILOVER, "early");
    check_value("server.redis.failover = 'early'", REEF_SET_FAILOVER, "early");
    check_value("server.redis.failover = 'announced'", REEF_SET_FAILOVER, "announced");
    check_value("server.redis.key_prefix = 'k'", REEF_SET_KEY_PREFIX, "k:");
    check_value("", REEF_SET_CALL_TIMEOUT, "5s");
    check_value("server.redis.connect_timeout = '1500ms'", REEF_SET_CONNECT_TIMEOUT,
                "1500ms");
    check_value("server.redis.lanes = 64", REEF_SET_LANES, "64");
    check_value("", REEF_SET_PROTOCOL, "auto");
    check_value("server.redis.protocol = 2", REEF_SET_PROTOCOL, "2");
    check_value("", REEF_SET_NAMESERVERS, "");
    check_value("resolver.nameservers = ['1.2.3.4', 'a/[::1]:5']", REEF_SET_NAMESERVERS,
                "1.2.3.4:53, a/[::1]:5");
}

/* A room of every size: the length is that of the whole, the cut at a character. */
static void small_rooms(void **state)
{
    static const char want[] = "\xC3\xA4"
                               "b\xE2\x82\xAC"
                               "c\xF0\x9F\x90\x9A"
                               "d";
    static const size_t edges[] = {0, 0, 2, 3, 3, 3, 6, 7, 7, 7, 7, 11, 12};
    reef_config config;
    reef_error error;
    char out[32];
    (void)state;
    assert_int_equal(help_parse(&config,
                                "server.redis.username = \"\xC3\xA4"
                                "b\xE2\x82\xAC"
                                "c\xF0\x9F\x90\x9A"
                                "d\"",
                                &error),
                     REEF_OK);
    for (size_t cap = 0; cap <= 14; cap++) {
        memset(out, '~', sizeof out);
        assert_int_equal(reef_setting_text(&config, REEF_SET_USERNAME, out, cap), 12);
        assert_int_equal(out[cap], '~');
        if (cap == 0)
            continue;
        size_t edge = cap - 1 > 12 ? 12 : edges[cap - 1];
        assert_int_equal(strlen(out), edge);
        assert_memory_equal(out, want, edge);
    }
}

/* From the environment, the variable is named. */
static void wipe(void **state)
{
    static reef_config config, zero;
    reef_error error;
    (void)state;
    help_parse(&config, "server.redis.password = 'hunter2'", &error);
    reef_config_wipe(&config);
    assert_memory_equal(&config, &zero, sizeof config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(table),
        cmocka_unit_test(values),   cmocka_unit_test(small_rooms),
        cmocka_unit_test(wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
