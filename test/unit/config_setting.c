/* SPDX-License-Identifier: Apache-2.0
 *
 * config_setting: one value at a time, from every kind of source. */
#include "config/setting.h"
#include "config_help.h"

static reef_config config;

static reef_input input_text(reef_input_kind kind, const char *text)
{
    return (reef_input){.kind = kind, .text = reef_str_of(text)};
}

static const char *put_text(reef_setting setting, const char *text)
{
    reef_input input = input_text(REEF_INPUT_TEXT, text);
    input.origin = (reef_origin){REEF_FROM_FILE, 4, 7};
    return reef_setting_put(&config, setting, &input);
}

static const char *put_env(reef_setting setting, const char *text)
{
    reef_input input = input_text(REEF_INPUT_ENV, text);
    return reef_setting_put(&config, setting, &input);
}

static const char *put_number(reef_setting setting, int64_t number)
{
    reef_input input = {.kind = REEF_INPUT_INTEGER, .number = number};
    return reef_setting_put(&config, setting, &input);
}

static const char *put_flag(reef_setting setting, const char *text)
{
    reef_input input = input_text(REEF_INPUT_FLAG, text);
    return reef_setting_put(&config, setting, &input);
}

static void flags(void **state)
{
    static const char *const yes[] = {"1",    "t",    "T",   "true",
                                      "TRUE", "True", "yes", "on"};
    static const char *const no[] = {"0",     "f",     "F",  "false",
                                     "FALSE", "False", "no", "off"};
    static const char *const bad[] = {"", "2", "tru", "true ", "y", "enabled", "01"};
    (void)state;
    reef_config_init(&config);
    for (size_t i = 0; i < 8; i++) {
        assert_null(put_env(REEF_SET_ENABLED, yes[i]));
        assert_true(config.enabled);
        assert_null(put_env(REEF_SET_ENABLED, no[i]));
        assert_false(config.enabled);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(put_env(REEF_SET_ENABLED, bad[i]));
    assert_null(put_flag(REEF_SET_ENABLED, "true"));
    assert_true(config.enabled);
    assert_non_null(put_text(REEF_SET_ENABLED, "true"));
    assert_non_null(put_number(REEF_SET_ENABLED, 1));
}

static void numbers(void **state)
{
    (void)state;
    reef_config_init(&config);
    assert_null(put_number(REEF_SET_DB, 0));
    assert_null(put_number(REEF_SET_DB, 2147483647));
    assert_int_equal(config.db, 2147483647);
    assert_non_null(put_number(REEF_SET_DB, 2147483648));
    assert_non_null(put_number(REEF_SET_DB, 4294967296));
    assert_non_null(put_number(REEF_SET_DB, -1));
    assert_non_null(put_number(REEF_SET_DB, INT64_MIN));
    assert_non_null(put_number(REEF_SET_DB, INT64_MAX));
    assert_null(put_text(REEF_SET_DB, "2")); /* works in knot */
    assert_int_equal(config.db, 2);
    assert_null(put_env(REEF_SET_DB, "15"));
    assert_int_equal(config.db, 15);
    static const char *const bad[] = {"",
                                      "x",
                                      "1x",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1.0",
                                      "0x1",
                                      "2147483648",
                                      "4294967297",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(put_text(REEF_SET_DB, bad[i]));
        assert_non_null(put_env(REEF_SET_DB, bad[i]));
    }
    assert_int_equal(config.db, 15);
    assert_non_null(put_flag(REEF_SET_DB, "true"));
    assert_non_null(put_number(REEF_SET_LANES, 0));
    assert_null(put_number(REEF_SET_LANES, 1));
    assert_null(put_number(REEF_SET_LANES, REEF_LANES_MAX));
    assert_non_null(put_number(REEF_SET_LANES, REEF_LANES_MAX + 1));
}

static void times(void **state)
{
    static const struct {
        const char *text;
        uint32_t ms;
    } good[] = {{"1ms", 1},       {"500ms", 500},  {"2s", 2000},       {"1m", 60000},
                {"60m", 3600000}, {"1h", 3600000}, {"3600s", 3600000}, {"007s", 7000}};
    static const char *const bad[] = {"",
                                      "0",
                                      "5",
                                      "0ms",
                                      "0s",
                                      "61m",
                                      "2h",
                                      "3601s",
                                      "3600001ms",
                                      "1.5s",
                                      "-1s",
                                      "+1s",
                                      "1 s",
                                      " 1s",
                                      "1s ",
                                      "s",
                                      "ms",
                                      "1S",
                                      "1min",
                                      "1us",
                                      "1d",
                                      "4294967296ms",
                                      "99999999999999999999s",
                                      "1m30s"};
    (void)state;
    reef_config_init(&config);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_null(put_text(REEF_SET_CALL_TIMEOUT, good[i].text));
        assert_int_equal(config.call_timeout_ms, good[i].ms);
        assert_null(put_env(REEF_SET_CONNECT_TIMEOUT, good[i].text));
        assert_int_equal(config.connect_timeout_ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (put_text(REEF_SET_CALL_TIMEOUT, bad[i]) == NULL)
            fail_msg("taken: %s", bad[i]);
    assert_non_null(put_number(REEF_SET_CALL_TIMEOUT, 5));
    assert_int_equal(config.call_timeout_ms, 7000);
}

static void protocols(void **state)
{
    static const char *const bad[] = {"", "1", "0", "4", "Auto", "resp3", "22", "-2"};
    (void)state;
    reef_config_init(&config);
    assert_null(put_number(REEF_SET_PROTOCOL, 2));
    assert_int_equal(config.protocol, 2);
    assert_null(put_text(REEF_SET_PROTOCOL, "3"));
    assert_int_equal(config.protocol, 3);
    assert_null(put_env(REEF_SET_PROTOCOL, "auto"));
    assert_int_equal(config.protocol, 0);
    assert_null(put_env(REEF_SET_PROTOCOL, "2"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(put_text(REEF_SET_PROTOCOL, bad[i]));
    assert_non_null(put_number(REEF_SET_PROTOCOL, 0));
    assert_non_null(put_number(REEF_SET_PROTOCOL, 4));
    assert_non_null(put_number(REEF_SET_PROTOCOL, -2));
    assert_non_null(put_flag(REEF_SET_PROTOCOL, "true"));
    assert_int_equal(config.protocol, 2);
}

static void failovers(void **state)
{
    static const char *const bad[] = {"",     "Early", "EARLY", "early ", "announce",
                                      "true", "false", "1",     "auto"};
    (void)state;
    reef_config_init(&config);
    assert_null(put_text(REEF_SET_FAILOVER, "announced"));
    assert_true(config.failover_announced);
    assert_null(put_env(REEF_SET_FAILOVER, "early"));
    assert_false(config.failover_announced);
    assert_null(put_env(REEF_SET_FAILOVER, "announced"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(put_text(REEF_SET_FAILOVER, bad[i]));
        assert_non_null(put_env(REEF_SET_FAILOVER, bad[i]));
    }
    assert_non_null(put_number(REEF_SET_FAILOVER, 0));
    assert_non_null(put_flag(REEF_SET_FAILOVER, "false"));
    assert_true(config.failover_announced);
}

static void check_meant(reef_setting setting, const char *text, const char *want)
{
    reef_message hint = {0};
    bool known = reef_setting_meant(setting, reef_str_of(text), &hint);
    assert_int_equal(known, want[0] != 0);
    assert_string_equal(hint.text, want);
}

static void meant(void **state)
{
    (void)state;
    check_meant(REEF_SET_FAILOVER, "Early", "did you mean \"early\"?");
    check_meant(REEF_SET_FAILOVER, "erly", "did you mean \"early\"?");
    check_meant(REEF_SET_FAILOVER, "announce", "did you mean \"announced\"?");
    check_meant(REEF_SET_FAILOVER, "anounced", "did you mean \"announced\"?");
    check_meant(REEF_SET_FAILOVER, "ann", "did you mean \"announced\"?");
    check_meant(REEF_SET_FAILOVER, "late", "");
    check_meant(REEF_SET_FAILOVER, "", "");
    check_meant(REEF_SET_USERNAME, "early", "");
    check_meant(REEF_SET_PROTOCOL, "aut", "");
}

/* At a setting's limit and one past it; what was longer before leaves nothing
 * behind. */
static void texts(void **state)
{
    static const struct {
        reef_setting setting;
        size_t max;
    } cases[] = {{REEF_SET_USERNAME, REEF_USER_MAX},
                 {REEF_SET_PASSWORD, REEF_SECRET_MAX},
                 {REEF_SET_MASTER_NAME, REEF_NAME_MAX},
                 {REEF_SET_SENTINEL_USERNAME, REEF_USER_MAX},
                 {REEF_SET_SENTINEL_PASSWORD, REEF_SECRET_MAX},
                 {REEF_SET_KEY_PREFIX, REEF_PREFIX_MAX - 1}};
    static char text[REEF_INPUT_MAX + 1];
    (void)state;
    reef_config_init(&config);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(text, 0, sizeof text);
        memset(text, 'p', cases[i].max);
        assert_null(put_text(cases[i].setting, text));
        assert_null(put_env(cases[i].setting, text));
        text[cases[i].max] = 'p';
        assert_non_null(put_text(cases[i].setting, text));
        memset(text, 'p', REEF_INPUT_MAX);
        assert_non_null(put_text(cases[i].setting, text));
        assert_null(put_text(cases[i].setting, ""));
        reef_input nul = {.kind = REEF_INPUT_TEXT, .text = {"a\0b", 3}};
        assert_non_null(reef_setting_put(&config, cases[i].setting, &nul));
        assert_non_null(put_flag(cases[i].setting, "true"));
    }
    reef_config fresh;
    reef_config_init(&fresh);
    memset(config.origins, 0, sizeof config.origins);
    assert_memory_equal(&config, &fresh, sizeof config);
    assert_non_null(put_number(REEF_SET_USERNAME, 1));
    assert_non_null(put_number(REEF_SET_KEY_PREFIX, 1));
    assert_non_null(put_number(REEF_SET_MASTER_NAME, 1));
}

static void prefixes(void **state)
{
    char text[REEF_PREFIX_MAX + 1] = {0};
    (void)state;
    reef_config_init(&config);
    assert_null(put_text(REEF_SET_KEY_PREFIX, "knot"));
    assert_string_equal(config.key_prefix, "knot:");
    assert_null(put_text(REEF_SET_KEY_PREFIX, "a:"));
    assert_string_equal(config.key_prefix, "a:");
    assert_null(put_text(REEF_SET_KEY_PREFIX, ":"));
    assert_string_equal(config.key_prefix, ":");
    assert_null(put_text(REEF_SET_KEY_PREFIX, "{t}"));
    assert_string_equal(config.key_prefix, "{t}:");
    assert_null(put_text(REEF_SET_KEY_PREFIX, ""));
    assert_string_equal(config.key_prefix, "");
    memset(text, 'p', REEF_PREFIX_MAX);
    assert_non_null(put_text(REEF_SET_KEY_PREFIX, text));
    text[REEF_PREFIX_MAX - 1] = ':';
    assert_null(put_text(REEF_SET_KEY_PREFIX, text));
    assert_int_equal(strlen(config.key_prefix), REEF_PREFIX_MAX);
}

static void number_passwords(void **state)
{
    (void)state;
    reef_config_init(&config);
    assert_null(put_number(REEF_SET_PASSWORD, 1234));
    assert_string_equal(config.password, "1234");
    assert_null(put_number(REEF_SET_PASSWORD, 0));
    assert_string_equal(config.password, "0");
    assert_null(put_number(REEF_SET_PASSWORD, INT64_MIN));
    assert_string_equal(config.password, "-9223372036854775808");
    assert_null(put_number(REEF_SET_SENTINEL_PASSWORD, INT64_MAX));
    assert_string_equal(config.sentinel_password, "9223372036854775807");
}

static void lists(void **state)
{
    reef_origin origin = {REEF_FROM_FILE, 3, 9};
    (void)state;
    reef_config_init(&config);
    reef_setting_begin(&config, REEF_SET_HOSTS, origin);
    assert_int_equal(config.host_count, 0);
    for (int i = 0; i < REEF_HOSTS_MAX; i++)
        assert_null(put_text(REEF_SET_HOSTS, "a"));
    assert_non_null(put_text(REEF_SET_HOSTS, "a"));
    assert_int_equal(config.host_count, REEF_HOSTS_MAX);
    assert_int_equal(config.origins[REEF_SET_HOSTS].line, 3);
    assert_int_equal(config.hosts[5].origin.column, 7);
    reef_setting_begin(&config, REEF_SET_NAMESERVERS, origin);
    for (int i = 0; i < REEF_NAMESERVERS_MAX; i++)
        assert_null(put_text(REEF_SET_NAMESERVERS, "1.2.3.4"));
    assert_non_null(put_text(REEF_SET_NAMESERVERS, "1.2.3.4"));
    assert_non_null(put_number(REEF_SET_NAMESERVERS, 4));
    reef_setting_begin(&config, REEF_SET_CONSUL, origin);
    for (int i = 0; i < REEF_NAMESERVERS_MAX; i++)
        assert_null(put_text(REEF_SET_CONSUL, "1.2.3.4"));
    assert_non_null(put_text(REEF_SET_CONSUL, "1.2.3.4"));
    assert_non_null(put_number(REEF_SET_CONSUL, 4));
    assert_int_equal(config.nameserver_count, REEF_NAMESERVERS_MAX);
    reef_setting_begin(&config, REEF_SET_CONSUL, origin);
    assert_int_equal(config.consul_count, 0);
    assert_non_null(put_number(REEF_SET_HOSTS, 4));
    for (int s = 0; s < REEF_SETTINGS; s++)
        assert_int_equal(reef_setting_is_list((reef_setting)s),
                         s == REEF_SET_HOSTS || s == REEF_SET_NAMESERVERS ||
                             s == REEF_SET_CONSUL);
}

static void ports_follow_the_topology(void **state)
{
    (void)state;
    reef_config_init(&config);
    reef_setting_begin(&config, REEF_SET_HOSTS, (reef_origin){0});
    put_text(REEF_SET_HOSTS, "a");
    put_text(REEF_SET_HOSTS, "b:1");
    put_text(REEF_SET_HOSTS, "srv+c");
    put_text(REEF_SET_HOSTS, "unix:/d");
    reef_config_settle(&config);
    assert_int_equal(config.hosts[0].port, 6379);
    put_text(REEF_SET_MASTER_NAME, "m");
    reef_config_settle(&config);
    assert_int_equal(config.hosts[0].port, 26379);
    assert_int_equal(config.hosts[1].port, 1);
    assert_int_equal(config.hosts[2].port, 0);
    assert_int_equal(config.hosts[3].port, 0);
    put_text(REEF_SET_MASTER_NAME, "");
    reef_config_settle(&config);
    assert_int_equal(config.hosts[0].port, 6379);
}

static void origins(void **state)
{
    (void)state;
    reef_config_init(&config);
    put_text(REEF_SET_USERNAME, "u");
    assert_int_equal(config.origins[REEF_SET_USERNAME].source, REEF_FROM_FILE);
    assert_int_equal(config.origins[REEF_SET_USERNAME].line, 4);
    put_text(REEF_SET_DB, "x");
    assert_int_equal(config.origins[REEF_SET_DB].source, REEF_FROM_DEFAULT);
}

/* Names from elsewhere; a name that is only ours says nothing. */
static void moved(void **state)
{
    static const char *const cases[][3] = {
        {"", "redis", "write [server.redis]"},
        {"", "Valkey", "write [server.redis]"},
        {"", "server.redis", "write [server.redis]"},
        {"server", "resolver", "write [resolver]"},
        {"server.redis", "port", "write it behind the host"},
        {"server.redis", "PWD", "did you mean password?"},
        {"", "KNOT_REDIS_DB", "in the file it is server.redis.db"},
        {"server", "KNOT_NAMESERVERS", "in the file it is resolver.nameservers"},
        {"", "port", NULL},
        {"server.redis", "resolver", NULL},
        {"server", "redis", NULL},
        {"", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_message hint = {0};
        bool known = reef_setting_moved(reef_str_of(cases[i][0]),
                                        reef_str_of(cases[i][1]), &hint);
        assert_int_equal(known, cases[i][2] != NULL);
        assert_int_equal(hint.len > 0, known);
        if (known)
            help_contains(hint.text, cases[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags),
        cmocka_unit_test(numbers),
        cmocka_unit_test(times),
        cmocka_unit_test(protocols),
        cmocka_unit_test(failovers),
        cmocka_unit_test(meant),
        cmocka_unit_test(texts),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(number_passwords),
        cmocka_unit_test(lists),
        cmocka_unit_test(ports_follow_the_topology),
        cmocka_unit_test(origins),
        cmocka_unit_test(moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
