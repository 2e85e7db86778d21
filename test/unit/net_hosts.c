/* SPDX-License-Identifier: Apache-2.0
 *
 * net/hosts.c: literals and the hosts file. */
#include "test/unit/engine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_literals(void **state)
{
    (void)state;
    static const char *const yes[] = {"127.0.0.1", "0.0.0.0",      "255.255.255.255",
                                      "::1",       "fe80::1%eth0", "1.2.3.04"};
    static const char *const no[] = {
        "",       "localhost", "1.2.3",    "1.2.3.4.5",  "1.2.3.256", "1.2.3.",
        "1..2.3", "a.b.c.d",   "1.2.3.4x", "1.2.3.0004", "1.2.3.4.",  "999.1.1.1"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(reef_address_literal(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(reef_address_literal(no[i]));
}

static uint32_t find(const char *host, const char *hosts, char out[][REEF_ADDRESS_TEXT],
                     uint32_t cap)
{
    kit k;
    char toml[200];
    snprintf(toml, sizeof toml, "server.redis.hosts = [\"%s\"]", host);
    kit_start(&k, toml);
    assert_int_equal(reef_engine_hosts(k.engine, reef_str_of(hosts)), REEF_OK);
    uint32_t count = reef_hosts_find(k.engine, 0, out, cap);
    kit_stop(&k);
    return count;
}

static void test_file(void **state)
{
    (void)state;
    char out[REEF_ADDRESSES_MAX][REEF_ADDRESS_TEXT];
    const char *text =
        "# 9.9.9.9 db\n127.0.0.1 localhost\n\n  10.0.0.1\tweb  Db # db2\r\n"
        "::5 db\nnonsense db\n10.0.0.2 other db2\n10.0.0.3 db";
    assert_int_equal(find("db", text, out, REEF_ADDRESSES_MAX), 3);
    assert_string_equal(out[0], "10.0.0.1");
    assert_string_equal(out[1], "::5");
    assert_string_equal(out[2], "10.0.0.3");
    assert_int_equal(find("db2", text, out, REEF_ADDRESSES_MAX), 1);
    assert_string_equal(out[0], "10.0.0.2");
    assert_int_equal(find("nobody", text, out, REEF_ADDRESSES_MAX), 0);
    assert_int_equal(find("db", text, out, 2), 2);
}

static void test_localhost(void **state)
{
    (void)state;
    char out[REEF_ADDRESSES_MAX][REEF_ADDRESS_TEXT];
    assert_int_equal(find("localhost", "", out, REEF_ADDRESSES_MAX), 2);
    assert_string_equal(out[0], "127.0.0.1");
    assert_string_equal(out[1], "::1");
    assert_int_equal(find("LocalHost", "127.0.0.7 localhost", out, REEF_ADDRESSES_MAX),
                     1);
    assert_string_equal(out[0], "127.0.0.7");
}

static void test_bounds(void **state)
{
    (void)state;
    char out[REEF_ADDRESSES_MAX][REEF_ADDRESS_TEXT];
    static char text[40 * 200];
    size_t len = 0;
    for (int i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "10.0.0.%d db\n", i);
    assert_int_equal(find("db", text, out, REEF_ADDRESSES_MAX), REEF_ADDRESSES_MAX);
    memset(text, '1', 100);
    snprintf(text + 100, 20, " db\n");
    assert_int_equal(find("db", text, out, REEF_ADDRESSES_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_localhost),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
