/* SPDX-License-Identifier: Apache-2.0
 *
 * config_env: the environment over the file over the defaults. */
#include "config/env.h"
#include "config_help.h"

static reef_config config;
static reef_error error;

static reef_code read_env(const char *const list[])
{
    reef_config_init(&config);
    memset(&error, 0, sizeof error);
    return reef_config_env(&config, list, NULL, &error);
}

static void all_variables(void **state)
{
    static const char *const list[] = {
        "PATH=/bin",
        "KNOT_REDIS_ENABLED=TRUE",
        "KNOT_REDIS_HOSTS= a , b:7,\t[::1] ,srv+c,unix:/d",
        "KNOT_REDIS_USERNAME=u",
        "KNOT_REDIS_PASSWORD=p,w= ",
        "KNOT_REDIS_DB=4",
        "KNOT_REDIS_MASTER_NAME=m",
        "KNOT_REDIS_SENTINEL_USERNAME=su",
        "KNOT_REDIS_SENTINEL_PASSWORD=sp",
        "KNOT_REDIS_FAILOVER=announced",
        "KNOT_REDIS_KEY_PREFIX=k",
        "KNOT_REDIS_CONNECT_TIMEOUT=250ms",
        "KNOT_REDIS_CALL_TIMEOUT=1m",
        "KNOT_REDIS_LANES=8",
        "KNOT_REDIS_PROTOCOL=2",
        "KNOT_NAMESERVERS=1.2.3.4, consul/[::1]:8600",
        "KNOT_CONSUL_SERVERS=1.2.3.4 ,[::1]:8601",
        NULL};
    (void)state;
    assert_int_equal(read_env(list), REEF_OK);
    assert_true(config.enabled);
    assert_int_equal(config.host_count, 5);
    assert_string_equal(config.hosts[0].name, "a");
    assert_int_equal(config.hosts[0].port, 26379);
    assert_int_equal(config.hosts[1].port, 7);
    assert_string_equal(config.hosts[2].name, "::1");
    assert_int_equal(config.hosts[3].kind, REEF_HOST_SRV);
    assert_int_equal(config.hosts[4].kind, REEF_HOST_UNIX);
    assert_int_equal(config.hosts[4].origin.source, REEF_FROM_ENV);
    assert_string_equal(config.username, "u");
    assert_string_equal(config.password, "p,w= ");
    assert_int_equal(config.db, 4);
    assert_string_equal(config.master_name, "m");
    assert_string_equal(config.sentinel_username, "su");
    assert_string_equal(config.sentinel_password, "sp");
    assert_true(config.failover_announced);
    assert_string_equal(config.key_prefix, "k:");
    assert_int_equal(config.connect_timeout_ms, 250);
    assert_int_equal(config.call_timeout_ms, 60000);
    assert_int_equal(config.lanes, 8);
    assert_int_equal(config.protocol, 2);
    assert_int_equal(config.nameserver_count, 2);
    assert_string_equal(config.nameservers[1].domain, "consul");
    assert_int_equal(config.nameservers[1].port, 8600);
    assert_int_equal(config.consul_count, 2);
    assert_string_equal(config.consul[0].domain, "consul");
    assert_int_equal(config.consul[0].port, 8600);
    assert_int_equal(config.consul[1].port, 8601);
    for (int s = 0; s < REEF_SETTINGS; s++)
        assert_int_equal(config.origins[s].source, REEF_FROM_ENV);
}

/* Empty counts as not set; the first of two counts, as for getenv; names are exact. */
static void what_counts(void **state)
{
    static const char *const list[] = {"KNOT_REDIS_DB=",
                                       "KNOT_REDIS_HOSTS=",
                                       "KNOT_REDIS_LANES=2",
                                       "KNOT_REDIS_LANES=3",
                                       "KNOT_REDIS_DBX=5",
                                       "XKNOT_REDIS_DB=6",
                                       "knot_redis_db=7",
                                       "KNOT_REDIS_PROTOCOL",
                                       "=",
                                       "",
                                       NULL};
    static const char *const none[] = {NULL};
    (void)state;
    assert_int_equal(read_env(list), REEF_OK);
    assert_int_equal(config.db, 0);
    assert_int_equal(config.lanes, 2);
    assert_int_equal(config.host_count, 1);
    assert_int_equal(config.origins[REEF_SET_HOSTS].source, REEF_FROM_DEFAULT);
    assert_int_equal(config.origins[REEF_SET_DB].source, REEF_FROM_DEFAULT);
    assert_int_equal(read_env(none), REEF_OK);
    assert_int_equal(reef_env_find(NULL, "A").len, 0);
    assert_int_equal(reef_env_find(list, "KNOT_REDIS_PROTOCOL").len, 0);
}

static void over_the_file(void **state)
{
    static const char *const list[] = {"KNOT_REDIS_DB=4", "KNOT_REDIS_MASTER_NAME=m",
                                       NULL};
    (void)state;
    assert_int_equal(
        help_parse(&config, "[server.redis]\ndb = 3\nlanes = 2\nhosts = ['a', 'b:1']",
                   &error),
        REEF_OK);
    assert_int_equal(config.hosts[0].port, 6379);
    assert_int_equal(reef_config_env(&config, list, NULL, &error), REEF_OK);
    assert_int_equal(config.db, 4);
    assert_int_equal(config.lanes, 2);
    assert_int_equal(config.hosts[0].port, 26379); /* Sentinels from now on */
    assert_int_equal(config.hosts[1].port, 1);
    assert_int_equal(config.origins[REEF_SET_DB].source, REEF_FROM_ENV);
    assert_int_equal(config.origins[REEF_SET_LANES].source, REEF_FROM_FILE);
    assert_string_equal(config.file, "knot.toml");
}

static void bad_values(void **state)
{
    static const char *const cases[][2] = {
        {"KNOT_REDIS_DB=x",
         "KNOT_REDIS_DB: server.redis.db: found \"x\"; allowed: a whole number"},
        {"KNOT_REDIS_DB=-1", "KNOT_REDIS_DB: server.redis.db: found \"-1\""},
        {"KNOT_REDIS_ENABLED=maybe",
         "KNOT_REDIS_ENABLED: server.redis.enabled: found \"maybe\"; allowed: true"},
        {"KNOT_REDIS_HOSTS=a,,b",
         "KNOT_REDIS_HOSTS: server.redis.hosts: found \"\"; it is empty"},
        {"KNOT_REDIS_HOSTS=a,",
         "KNOT_REDIS_HOSTS: server.redis.hosts: found \"\"; it is empty"},
        {"KNOT_REDIS_HOSTS= ",
         "KNOT_REDIS_HOSTS: server.redis.hosts: found \"\"; it is empty"},
        {"KNOT_REDIS_HOSTS=a,b:x", "KNOT_REDIS_HOSTS: server.redis.hosts: found a text "
                                   "that is not shown (number 2 of the list); a port"},
        {"KNOT_REDIS_HOSTS=u:hunter2@b",
         "KNOT_REDIS_HOSTS: server.redis.hosts: found a text"},
        {"KNOT_REDIS_CALL_TIMEOUT=5",
         "KNOT_REDIS_CALL_TIMEOUT: server.redis.call_timeout: found \"5\"; allowed: a "
         "time"},
        {"KNOT_REDIS_LANES=0",
         "KNOT_REDIS_LANES: server.redis.lanes: found \"0\"; allowed: a whole number"},
        {"KNOT_REDIS_PROTOCOL=4",
         "KNOT_REDIS_PROTOCOL: server.redis.protocol: found \"4\"; allowed: \"auto\""},
        {"KNOT_REDIS_FAILOVER=erly", "KNOT_REDIS_FAILOVER: server.redis.failover: "
                                     "found \"erly\"; allowed: \"early\" "
                                     "or \"announced\"; did you mean \"early\"?"},
        {"KNOT_REDIS_FAILOVER=late", "KNOT_REDIS_FAILOVER: server.redis.failover: "
                                     "found \"late\"; allowed: \"early\" "
                                     "or \"announced\""},
        {"KNOT_NAMESERVERS=localhost",
         "KNOT_NAMESERVERS: resolver.nameservers: found \"localhost\"; a nameserver"},
        {"KNOT_REDIS_DB=\x1B[2J\xFF",
         "KNOT_REDIS_DB: server.redis.db: found \"\\x1b[2J\\xff\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const list[] = {"KNOT_REDIS_USERNAME=u", cases[i][0], NULL};
        reef_config fresh;
        reef_config_init(&fresh);
        assert_int_equal(read_env(list), REEF_BADCONFIG);
        assert_memory_equal(&config, &fresh, sizeof config); /* left as it was */
        if (strncmp(error.text, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("want %s, got %s", cases[i][1], error.text);
        help_lacks(error.text, "hunter2");
    }
}

static void secrets_stay_hidden(void **state)
{
    static char text[] = "KNOT_REDIS_PASSWORD=";
    static char variable[2048];
    const char *const list[] = {variable, NULL};
    (void)state;
    memset(variable, 'Q', sizeof variable - 1);
    memcpy(variable, text, sizeof text - 1);
    assert_int_equal(read_env(list), REEF_BADCONFIG);
    help_contains(error.text, "KNOT_REDIS_PASSWORD: ");
    help_lacks(error.text, "Q");
    help_contains(error.text, "1024");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_variables),       cmocka_unit_test(what_counts),
        cmocka_unit_test(over_the_file),       cmocka_unit_test(bad_values),
        cmocka_unit_test(secrets_stay_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
