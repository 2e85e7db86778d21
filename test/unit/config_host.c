/* SPDX-License-Identifier: Apache-2.0
 *
 * config_host: hosts and nameservers, good and bad. */
#include "config/host.h"
#include "config/text.h"
#include "config_help.h"

static const char *parse_host(reef_host *host, const char *bytes, size_t len)
{
    reef_str text = help_copy(bytes, len);
    memset(host, 'x', sizeof *host);
    const char *why = reef_host_parse(host, text);
    help_free(text);
    return why;
}

static void good_hosts(void **state)
{
    static const struct {
        const char *text;
        reef_host_kind kind;
        const char *name;
        unsigned port;
    } cases[] = {
        {"localhost", REEF_HOST_TCP, "localhost", 0},
        {"localhost:6379", REEF_HOST_TCP, "localhost", 6379},
        {"a:1", REEF_HOST_TCP, "a", 1},
        {"a:65535", REEF_HOST_TCP, "a", 65535},
        {"a:00080", REEF_HOST_TCP, "a", 80},
        {"redis-1.my_zone.Example.", REEF_HOST_TCP, "redis-1.my_zone.Example.", 0},
        {"redis.example.:7", REEF_HOST_TCP, "redis.example.", 7},
        {"10.0.0.1", REEF_HOST_TCP, "10.0.0.1", 0},
        {"10.0.0.1:7000", REEF_HOST_TCP, "10.0.0.1", 7000},
        {"1a", REEF_HOST_TCP, "1a", 0},
        {"1.example", REEF_HOST_TCP, "1.example", 0},
        {"[::1]", REEF_HOST_TCP, "::1", 0},
        {"[::1]:6379", REEF_HOST_TCP, "::1", 6379},
        {"[2001:DB8::a]:7", REEF_HOST_TCP, "2001:DB8::a", 7},
        {"[::ffff:1.2.3.4]:7", REEF_HOST_TCP, "::ffff:1.2.3.4", 7},
        {"unix", REEF_HOST_TCP, "unix", 0},
        {"srv", REEF_HOST_TCP, "srv", 0},
        {"unix:/run/redis.sock", REEF_HOST_UNIX, "/run/redis.sock", 0},
        {"unix:/", REEF_HOST_UNIX, "/", 0},
        {"unix:/a b,\xC3\xA4:6379", REEF_HOST_UNIX, "/a b,\xC3\xA4:6379", 0},
        {"srv+redis.service.consul", REEF_HOST_SRV, "redis.service.consul", 0},
        {"srv+_redis._tcp.Example", REEF_HOST_SRV, "_redis._tcp.Example", 0},
        {"srv+a", REEF_HOST_SRV, "a", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_host host;
        const char *why = parse_host(&host, cases[i].text, strlen(cases[i].text));
        if (why != NULL)
            fail_msg("%s: %s", cases[i].text, why);
        assert_int_equal(host.kind, cases[i].kind);
        assert_string_equal(host.name, cases[i].name);
        assert_int_equal(host.port, cases[i].port);
    }
}

static const char *const bad_host_cases[][2] = {
    {"", "empty"},
    {":6379", "host is missing"},
    {":", "port"},
    {"a:", "port"},
    {"a:0", "port"},
    {"a:65536", "port"},
    {"a:99999999999999999999", "port"},
    {"a:-1", "port"},
    {"a:+1", "port"},
    {"a: 1", "port"},
    {"a:1 ", "port"},
    {"a:http", "port"},
    {"a:b:c", "IPv6"},
    {"::1", "brackets"},
    {"2001:db8::1", "brackets"},
    {"fe80::1:6379", "brackets"},
    {"[::1", "]"},
    {"[", "]"},
    {"[]", "not an IPv6"},
    {"[]:1", "not an IPv6"},
    {"[::1]x", "\"]\""},
    {"[::1]6379", "\"]\""},
    {"[::1]:", "port"},
    {"[::1]:0", "port"},
    {"[::1]:1:2", "port"},
    {"[1.2.3.4]:1", "not an IPv6"},
    {"[localhost]", "not an IPv6"},
    {"[fe80::1%eth0]:1", "not an IPv6"},
    {"[:::1]", "not an IPv6"},
    {"a b", "letters"},
    {" a", "letters"},
    {"a ", "letters"},
    {"a\tb", "letters"},
    {"a,b", "each host"},
    {"a:1, b:2", "each host"},
    {"a/b", "letters"},
    {"a+b", "letters"},
    {"a]", "letters"},
    {"b\xC3\xBC"
     "cher",
     "letters"},
    {"a..b", "empty part"},
    {".a", "empty part"},
    {".", "empty part"},
    {"a..", "empty part"},
    {"1.2.3", "IPv4"},
    {"1.2.3.4.5", "IPv4"},
    {"1.2.3.256", "IPv4"},
    {"01.2.3.4", "IPv4"},
    {"6379", "IPv4"},
    {"a.1", "IPv4"},
    {"redis://localhost:6379", "URL"},
    {"rediss://u:pw@localhost", "URL"},
    {"//run/redis.sock", "unix:"},
    {"user@host", "settings of their own"},
    {"SRV+a", "lower case"},
    {"Srv+a.b", "lower case"},
    {"srv+", "missing"},
    {"srv+a:6379", "alone"},
    {"srv+a b", "letters"},
    {"srv+a..b", "empty part"},
    {"srv+1.2.3", "IPv4"},
    {"unix:", "path"},
    {"unix:run/redis.sock", "path"},
    {"UNIX:/run/redis.sock", "port"},
};

static void bad_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_host_cases / sizeof bad_host_cases[0]; i++) {
        reef_host host;
        const char *why =
            parse_host(&host, bad_host_cases[i][0], strlen(bad_host_cases[i][0]));
        if (why == NULL)
            fail_msg("taken: %s", bad_host_cases[i][0]);
        help_contains(why, bad_host_cases[i][1]);
    }
}

static void host_lengths(void **state)
{
    char text[400];
    reef_host host;
    (void)state;
    memset(text, 'a', sizeof text);
    assert_null(parse_host(&host, text, REEF_LABEL_MAX));
    assert_non_null(parse_host(&host, text, REEF_LABEL_MAX + 1));
    for (size_t i = 49; i < sizeof text; i += 50)
        text[i] = '.';
    assert_null(parse_host(&host, text, 253));
    assert_int_equal(strlen(host.name), 253);
    assert_non_null(parse_host(&host, text, 254));
    text[253] = '.';
    assert_null(parse_host(&host, text, 254)); /* a dot at the end is not counted */
    memset(text, 'a', sizeof text);
    memcpy(text, "unix:/", 6);
    assert_null(parse_host(&host, text, 5 + REEF_SOCKET_PATH_MAX));
    assert_int_equal(strlen(host.name), REEF_SOCKET_PATH_MAX);
    assert_non_null(parse_host(&host, text, 6 + REEF_SOCKET_PATH_MAX));
    assert_non_null(parse_host(&host, "unix:/a\0b", 9));
    assert_non_null(parse_host(&host, "a\0b", 3));
    assert_non_null(parse_host(&host, "srv+a\0", 6));
}

static const char *const good_ip6[] = {"::",
                                       "::1",
                                       "1::",
                                       "1::8",
                                       "1:2:3:4:5:6:7:8",
                                       "1:2:3:4:5:6:7::",
                                       "::2:3:4:5:6:7:8",
                                       "1:2:3::5:6:7:8",
                                       "FE80::abcd:EF01",
                                       "::1.2.3.4",
                                       "::ffff:255.255.255.255",
                                       "1:2:3:4:5:6:1.2.3.4",
                                       "1:2:3:4:5::1.2.3.4",
                                       "0000:0000:0000:0000:0000:0000:0000:0001"};

static const char *const bad_ip6[] = {"",
                                      ":",
                                      ":::",
                                      "1",
                                      "1:",
                                      ":1",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7:8:",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1:2:3:4:5:6:7:8",
                                      "1::2::3",
                                      "1:::2",
                                      "12345::",
                                      "g::",
                                      "::1 ",
                                      "::1%1",
                                      "1.2.3.4",
                                      "::1.2.3",
                                      "::1.2.3.256",
                                      "::1.2.3.4:5",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "1:2:3:4:5:6::1.2.3.4",
                                      "1:2:3:4:5:1.2.3.4",
                                      "::a.2.3.4"};

static void addresses(void **state)
{
    static const char *const good4[] = {"0.0.0.0", "1.2.3.4", "255.255.255.255"};
    static const char *const bad4[] = {"",         "1",        "1.2.3",    "1.2.3.4.5",
                                       "1.2.3.",   ".1.2.3",   "1..2.3",   "1.2.3.256",
                                       "01.2.3.4", "1.2.3.04", "1.2.3.a",  "1.2.3.4 ",
                                       "-1.2.3.4", "1.2.3.-4", "0x1.2.3.4"};
    (void)state;
    for (size_t i = 0; i < sizeof good4 / sizeof good4[0]; i++)
        assert_true(reef_is_ip4(reef_str_of(good4[i])));
    for (size_t i = 0; i < sizeof bad4 / sizeof bad4[0]; i++)
        assert_false(reef_is_ip4(reef_str_of(bad4[i])));
    for (size_t i = 0; i < sizeof good_ip6 / sizeof good_ip6[0]; i++)
        if (!reef_is_ip6(reef_str_of(good_ip6[i])))
            fail_msg("refused: %s", good_ip6[i]);
    for (size_t i = 0; i < sizeof bad_ip6 / sizeof bad_ip6[0]; i++)
        if (reef_is_ip6(reef_str_of(bad_ip6[i])))
            fail_msg("taken: %s", bad_ip6[i]);
}

static void nameservers(void **state)
{
    static const struct {
        const char *text, *domain, *address;
        unsigned port;
    } good[] = {
        {"10.0.0.1", "", "10.0.0.1", 53},
        {"10.0.0.1:8600", "", "10.0.0.1", 8600},
        {"[::1]", "", "::1", 53},
        {"[2001:db8::1]:54", "", "2001:db8::1", 54},
        {"consul/10.0.0.1:8600", "consul", "10.0.0.1", 8600},
        {".Consul./10.0.0.1", "consul", "10.0.0.1", 53},
        {"a.B.example/[::1]:54", "a.b.example", "::1", 54},
    };
    static const char *const bad[] = {"",
                                      "localhost",
                                      "dns.example:53",
                                      "10.0.0.256",
                                      "10.0.0",
                                      "10.0.0.1:",
                                      "10.0.0.1:0",
                                      "10.0.0.1:x",
                                      "::1",
                                      "[::1",
                                      "[10.0.0.1]",
                                      "/10.0.0.1",
                                      "./10.0.0.1",
                                      "consul/",
                                      "consul/localhost",
                                      "a/b/10.0.0.1",
                                      "a b/10.0.0.1",
                                      "a..b/10.0.0.1",
                                      "10.0.0.1 ",
                                      "10.0.0.1/24",
                                      ":53",
                                      "consul/:53",
                                      "consul"};
    reef_nameserver server;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        reef_str text = help_copy(good[i].text, strlen(good[i].text));
        memset(&server, 'x', sizeof server);
        const char *why = reef_nameserver_parse(&server, text);
        if (why != NULL)
            fail_msg("%s: %s", good[i].text, why);
        assert_string_equal(server.domain, good[i].domain);
        assert_string_equal(server.address, good[i].address);
        assert_int_equal(server.port, good[i].port);
        help_free(text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (reef_nameserver_parse(&server, reef_str_of(bad[i])) == NULL)
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_hosts),   cmocka_unit_test(bad_hosts),
        cmocka_unit_test(host_lengths), cmocka_unit_test(addresses),
        cmocka_unit_test(nameservers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
