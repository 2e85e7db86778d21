/* SPDX-License-Identifier: Apache-2.0
 *
 * config_intake: the public steps: each leaves the caller's configuration alone where
 * something is wrong, adds to a report, and tells the first error. */
#include "config/intake.h"
#include "config_help.h"

static void bad_settings(void **state)
{
    reef_intake reading = {0};
    (void)state;
    reef_intake_bad(&reading, -1, REEF_NOMEM);
    assert_int_equal(reading.bad, 0);
    assert_int_equal(reading.code, REEF_NOMEM);
    reef_intake_bad(&reading, REEF_SET_DB, REEF_BADCONFIG);
    assert_int_equal(reading.code, REEF_NOMEM); /* the first one stays */
    assert_int_equal(reading.bad, 1 << REEF_SET_DB);
    reef_intake_bad(&reading, REEF_SETTINGS, REEF_BADCONFIG);
    assert_int_equal(reading.bad, REEF_BAD_ALL);
}

static void nothing_changes(void **state)
{
    static const char *const list[] = {"KNOT_REDIS_USERNAME=u", "KNOT_REDIS_DB=x",
                                       "KNOT_REDIS_LANES=0", NULL};
    static reef_report report;
    reef_config config, fresh;
    reef_error error;
    (void)state;
    memset(&report, 0, sizeof report);
    reef_config_init(&config);
    reef_config_init(&fresh);
    assert_int_equal(
        reef_config_parse(&config, "f",
                          reef_str_of("server.redis = {username = 'u', db = 1.5, "
                                      "lanes = 99, x = 1}"),
                          &report, &error),
        REEF_BADCONFIG);
    assert_memory_equal(&config, &fresh, sizeof config);
    help_contains(error.text, "f:1:38: server.redis.db");
    assert_int_equal(report.errors, 2);
    assert_int_equal(report.warnings, 1);
    assert_int_equal(reef_config_env(&config, list, &report, &error), REEF_BADCONFIG);
    assert_memory_equal(&config, &fresh, sizeof config);
    help_contains(error.text, "KNOT_REDIS_DB: server.redis.db");
    assert_int_equal(report.errors, 4);
    assert_int_equal(report.count, 5);
    assert_int_equal(reef_config_check(&config, &report, &error), REEF_OK);
    assert_int_equal(error.code, REEF_OK);
}

/* Without a report or an error there is the code alone. */
static void nobody_asks(void **state)
{
    reef_config config;
    (void)state;
    reef_config_init(&config);
    assert_int_equal(reef_config_parse(&config, NULL,
                                       reef_str_of("server.redis.db = 'x'"), NULL,
                                       NULL),
                     REEF_BADCONFIG);
    assert_int_equal(reef_config_parse(&config, NULL,
                                       reef_str_of("server.redis.db = 7"), NULL, NULL),
                     REEF_OK);
    assert_int_equal(config.db, 7);
    assert_string_equal(config.file, "knot.toml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_settings),
        cmocka_unit_test(nothing_changes),
        cmocka_unit_test(nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
