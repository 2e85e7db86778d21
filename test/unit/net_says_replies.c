/* SPDX-License-Identifier: Apache-2.0
 *
 * net_says_replies: what Sentinels answer, as both servers do in both protocols, and
 * what nobody should answer. */
#include "test/unit/says_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID_1 "42bce41a472939aea48bcc04b3b866feac3c49c1"
#define ID_2 "646b634f463e426b6da5a12a718950157d543cea"

/* ---- where the master is ------------------------------------------------------ */

static void check_address(reef_reply *reply, const char *what, reef_code code,
                          const char *want)
{
    reef_place place;
    spoil(&place, sizeof place);
    reef_code got = reef_says_address(reply, &place);
    if (got != code)
        fail_msg("%s: %s", what, reef_code_name(got));
    check_place(what, &place, want);
    reef_reply_free(reply);
}

static void addresses(void **state)
{
    static const struct {
        const char *parts;
        reef_code code;
        const char *place;
    } cases[] = {
        {"*2|127.0.0.1|23000", REEF_OK, "127.0.0.1:23000"},
        {"*2|127.0.0.1|:23000", REEF_OK, "127.0.0.1:23000"},
        {"*2|127.0.0.1|:65535", REEF_OK, "127.0.0.1:65535"},
        {"*2|azAZ09.-_|7", REEF_OK, "azAZ09.-_:7"},
        {"*2|a|:0", REEF_PROTOCOL, ""},
        {"*2|::1|1", REEF_OK, "[::1]:1"},
        {"*2|redis-0.redis.svc|65535", REEF_OK, "redis-0.redis.svc:65535"},
        {"*-1", REEF_NOT_FOUND, ""},
        {"$-1", REEF_NOT_FOUND, ""},
        {"*0", REEF_PROTOCOL, ""},
        {"*1|127.0.0.1", REEF_PROTOCOL, ""},
        {"*3|127.0.0.1|23000|x", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|0", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|65536", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|99999999999999999999999", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|:65536", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|:-1", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|:9223372036854775807", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|:-9223372036854775808", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1| 1", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|1x", REEF_PROTOCOL, ""},
        {"*2|127.0.0.1|1^", REEF_PROTOCOL, ""},
        {"*2||1", REEF_PROTOCOL, ""},
        {"*2|a b|1", REEF_PROTOCOL, ""},
        {"*2|a^b|1", REEF_PROTOCOL, ""},
        {"*2|a@b|1", REEF_PROTOCOL, ""},
        {"*2|a\nb|1", REEF_PROTOCOL, ""},
        {"*2|\xC3\xA4|1", REEF_PROTOCOL, ""},
        {"*2|$-1|1", REEF_PROTOCOL, ""},
        {"*2|*0|1", REEF_PROTOCOL, ""},
        {"*2|:5|1", REEF_PROTOCOL, ""},
        {"*2|*2|*2|*1|*1|a|b|c|1", REEF_PROTOCOL, ""},
        {"127.0.0.1", REEF_PROTOCOL, ""},
        {":1", REEF_PROTOCOL, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_address(made(2, cases[i].parts), cases[i].parts, cases[i].code,
                      cases[i].place);
        check_address(made(3, cases[i].parts), cases[i].parts, cases[i].code,
                      cases[i].place);
    }
    check_address(made(3, "_"), "_", REEF_NOT_FOUND, "");
    check_address(made(3, "%1|127.0.0.1|1"), "map", REEF_PROTOCOL, "");
    check_address(made(3, "~2|127.0.0.1|1"), "set", REEF_PROTOCOL, "");
    check_address(raw(2, "-NOAUTH Authentication required.\r\n"), "error", REEF_REFUSED,
                  "");
    check_address(raw(3, "!9\r\nERR wrong\r\n"), "error", REEF_REFUSED, "");
    check_address(raw(3, "*2\r\n-ERR\r\n+1\r\n"), "error inside", REEF_PROTOCOL, "");
    /* Our own failure has a nil root, and is not "not found". */
    check_address(reef_reply_failed(REEF_UNSURE, "late"), "failed", REEF_PROTOCOL, "");
}

/* A host at its limit and one above it. */
static void long_hosts(void **state)
{
    char host[REEF_NAME_MAX + 2], parts[512];
    reef_place place;
    (void)state;
    memset(host, 'h', sizeof host);
    for (int len = REEF_NAME_MAX; len <= REEF_NAME_MAX + 1; len++) {
        snprintf(parts, sizeof parts, "*2|%.*s|7", len, host);
        reef_reply *reply = made(2, parts);
        assert_int_equal(reef_says_address(reply, &place),
                         len == REEF_NAME_MAX ? REEF_OK : REEF_PROTOCOL);
        assert_int_equal(strlen(place.host), len == REEF_NAME_MAX ? len : 0);
        reef_reply_free(reply);
        reef_says_event event;
        snprintf(parts, sizeof parts, ">3|message|+switch-master|m a 6 %.*s 7", len,
                 host);
        reply = made(3, parts);
        assert_int_equal(reef_says_push(reply, "m", &event),
                         len == REEF_NAME_MAX ? REEF_SAYS_SWITCHED : REEF_SAYS_NOTHING);
        reef_reply_free(reply);
    }
}

/* ---- what a Sentinel believes ------------------------------------------------- */

/* Fields of SENTINEL MASTER behind "ip" and "port", as a map and as pairs. */
static reef_reply *master_reply(bool map, const char *fields)
{
    char parts[2048];
    size_t pairs = 2, bars = 0;
    for (const char *at = fields; *at != 0; at++)
        bars += *at == '|' ? 1 : 0;
    pairs += fields[0] != 0 ? (bars + 1) / 2 : 0;
    snprintf(parts, sizeof parts, "%c%zu|ip|10.0.0.1|port|6%s%s", map ? '%' : '*',
             map ? pairs : 2 * pairs, fields[0] != 0 ? "|" : "", fields);
    return made(map ? 3 : 2, parts);
}

static void masters(void **state)
{
    static const char fields[] =
        "name|mymaster|runid|" ID_1
        "|flags|s_down,o_down,master,disconnected,failover_in_progress|"
        "link-pending-commands|1|failover-state|select_slave|config-epoch|"
        "18446744073709551615|num-slaves|2|num-other-sentinels|4294967295|quorum|3|"
        "failover-timeout|2000|parallel-syncs|1";
    (void)state;
    for (int map = 0; map < 2; map++) {
        reef_says_master m;
        reef_reply *reply = master_reply(map, fields);
        spoil(&m, sizeof m);
        assert_true(reef_says_master_of(reply, &m));
        check_place("master", &m.place, "10.0.0.1:6");
        assert_true(m.epoch == UINT64_MAX);
        assert_int_equal(m.quorum, 3);
        assert_int_equal(m.sentinels, 4294967295U);
        assert_int_equal(m.replicas, 2);
        assert_true(m.failing_over && m.down);
        assert_string_equal(m.flags,
                            "s_down,o_down,master,disconnected,failover_in_progress");
        reef_reply_free(reply);
        reply = master_reply(map, "flags|master|quorum|:0");
        spoil(&m, sizeof m);
        assert_true(reef_says_master_of(reply, &m));
        assert_true(m.epoch == 0 && m.quorum == 0 && m.sentinels == 0);
        assert_false(m.failing_over || m.down);
        reef_reply_free(reply);
    }
}

static void no_masters(void **state)
{
    static const char *const fields[] = {"config-epoch|18446744073709551616",
                                         "config-epoch|-1",
                                         "config-epoch|:-1",
                                         "config-epoch|",
                                         "config-epoch|x",
                                         "quorum|4294967296",
                                         "quorum|:4294967296",
                                         "num-slaves|1e3",
                                         "num-other-sentinels|*1|:1"};
    static const char *const parts[] = {"*0",
                                        "_",
                                        ":1",
                                        "x",
                                        "*-1",
                                        "*2|ip|10.0.0.1",
                                        "*4|ip|10.0.0.1|port|0",
                                        "*4|ip||port|1",
                                        "*4|port|1|IP|10.0.0.1",
                                        "*4|ip|*1|10.0.0.1|port|1",
                                        "*4|ip|10.0.0.1|port|65536",
                                        "*3|ip|10.0.0.1|port"};
    reef_says_master m, zero = {0};
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char all[256];
        snprintf(all, sizeof all, "flags|master|%s", fields[i]);
        reef_reply *reply = master_reply(false, all);
        spoil(&m, sizeof m);
        if (reef_says_master_of(reply, &m))
            fail_msg("%s", fields[i]);
        assert_memory_equal(&m, &zero, sizeof m);
        reef_reply_free(reply);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        reef_reply *reply = made(3, parts[i]);
        if (reef_says_master_of(reply, &m))
            fail_msg("%s", parts[i]);
        reef_reply_free(reply);
    }
    reef_reply *reply = raw(2, "-ERR No such master with that name\r\n");
    assert_false(reef_says_master_of(reply, &m));
    reef_reply_free(reply);
}

static void flags(void **state)
{
    static const struct {
        const char *flags;
        bool failing, down;
    } cases[] = {
        {"s_down", false, true},
        {"master,o_down", false, true},
        {"xs_down,o_downx,s_dow", false, false},
        {"failover_in_progress_", false, false},
        {",,failover_in_progress,,", true, false},
        {",", false, false},
        {"S_DOWN", false, false},
    };
    char fields[300], want[96];
    reef_says_master m;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(fields, sizeof fields, "flags|%s", cases[i].flags);
        reef_reply *reply = master_reply(true, fields);
        assert_true(reef_says_master_of(reply, &m));
        assert_string_equal(m.flags, cases[i].flags);
        assert_int_equal(m.failing_over, cases[i].failing);
        assert_int_equal(m.down, cases[i].down);
        reef_reply_free(reply);
    }
    /* Long ones are cut, but read to the end; no byte does harm to a terminal. */
    reef_reply *reply = master_reply(true, "flags|a\x1B[2J^ \xC3\xA4");
    assert_true(reef_says_master_of(reply, &m));
    assert_string_equal(m.flags, "a?[2J????");
    reef_reply_free(reply);
    reply = master_reply(true, "flags|!~");
    assert_true(reef_says_master_of(reply, &m));
    assert_string_equal(m.flags, "!~");
    reef_reply_free(reply);
    memset(want, 'f', sizeof want);
    want[95] = 0;
    snprintf(fields, sizeof fields, "flags|%sf", want); /* one too many */
    reply = master_reply(true, fields);
    assert_true(reef_says_master_of(reply, &m));
    assert_string_equal(m.flags, want);
    reef_reply_free(reply);
    snprintf(fields, sizeof fields, "flags|%s,s_down", want);
    reply = master_reply(true, fields);
    assert_true(reef_says_master_of(reply, &m));
    assert_string_equal(m.flags, want);
    assert_true(m.down);
    reef_reply_free(reply);
}

/* ---- the others --------------------------------------------------------------- */

static void sentinels(void **state)
{
    static const char *const lists[] = {
        "*3|%4|name|" ID_1 "|ip|127.0.0.1|port|23031|runid|" ID_1
        "|%3|ip|::1|port|26379|flags|sentinel,disconnected|%2|name|x|ip|10.0.0.1",
        "*3|*8|name|" ID_1 "|ip|127.0.0.1|port|23031|runid|" ID_1
        "|*6|ip|::1|port|26379|flags|sentinel,disconnected|*4|name|x|ip|10.0.0.1"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        reef_reply *reply = made(i == 0 ? 3 : 2, lists[i]);
        reef_place place;
        char id[REEF_SAYS_ID + 1];
        assert_int_equal(reef_says_sentinel_count(reply), 3);
        assert_true(reef_says_sentinel_at(reply, 0, &place, id));
        check_place("first", &place, "127.0.0.1:23031");
        assert_string_equal(id, ID_1);
        assert_true(reef_says_sentinel_at(reply, 1, &place, id));
        check_place("second", &place, "[::1]:26379");
        assert_string_equal(id, "");
        spoil(&place, sizeof place);
        assert_false(reef_says_sentinel_at(reply, 2, &place, id));
        check_place("third", &place, "");
        spoil(&place, sizeof place);
        spoil(id, sizeof id);
        assert_false(reef_says_sentinel_at(reply, 3, &place, id));
        check_place("none", &place, "");
        assert_string_equal(id, "");
        assert_false(reef_says_sentinel_at(reply, SIZE_MAX, &place, id));
        reef_reply_free(reply);
    }
}

static void no_sentinels(void **state)
{
    static const char *const parts[] = {
        "*0", "_", ":7", "x", "%1|ip|10.0.0.1", ">2|ip|10.0.0.1"};
    reef_place place;
    char id[REEF_SAYS_ID + 1];
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        reef_reply *reply = made(3, parts[i]);
        assert_int_equal(reef_says_sentinel_count(reply), 0);
        assert_false(reef_says_sentinel_at(reply, 0, &place, id));
        reef_reply_free(reply);
    }
    reef_reply *reply = made(3, "*2|ip|10.0.0.1");
    assert_int_equal(reef_says_sentinel_count(reply), 2);
    assert_false(reef_says_sentinel_at(reply, 0, &place, id));
    assert_false(reef_says_sentinel_at(reply, 1, &place, id));
    reef_reply_free(reply);
}

static void many_sentinels(void **state)
{
    enum { MANY = 300 };
    static char parts[MANY * 32];
    reef_place place;
    char id[REEF_SAYS_ID + 1];
    size_t len = (size_t)sprintf(parts, "*%d", MANY);
    (void)state;
    for (int i = 1; i <= MANY; i++)
        len += (size_t)sprintf(parts + len, "|%%2|ip|10.0.0.1|port|%d", i);
    reef_reply *reply = made(3, parts);
    assert_int_equal(reef_says_sentinel_count(reply), REEF_SAYS_LIST);
    assert_true(reef_says_sentinel_at(reply, REEF_SAYS_LIST - 1, &place, id));
    assert_int_equal(place.port, REEF_SAYS_LIST);
    assert_false(reef_says_sentinel_at(reply, REEF_SAYS_LIST, &place, id));
    reef_reply_free(reply);
}

static void ids(void **state)
{
    static const char *const none[] = {"*1|" ID_1,
                                       ":5",
                                       "_",
                                       ID_1 "0",
                                       "a b",
                                       "a^b",
                                       "a\x1B",
                                       "\x1B"
                                       "a",
                                       "\xC3\xA4"};
    char id[REEF_SAYS_ID + 1];
    (void)state;
    reef_reply *reply = made(2, ID_2);
    reef_says_id(reply, id);
    assert_string_equal(id, ID_2);
    reef_reply_free(reply);
    reply = made(2, "!~");
    reef_says_id(reply, id);
    assert_string_equal(id, "!~");
    reef_reply_free(reply);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        reply = made(3, none[i]);
        spoil(id, sizeof id);
        reef_says_id(reply, id);
        assert_string_equal(id, "");
        reef_reply_free(reply);
    }
    reply = raw(2, "-ERR unknown command\r\n");
    reef_says_id(reply, id);
    assert_string_equal(id, "");
    reef_reply_free(reply);
    reply = raw(2, "$0\r\n\r\n");
    reef_says_id(reply, id);
    assert_string_equal(id, "");
    reef_reply_free(reply);
}

static void promoted(void **state)
{
    static const struct {
        const char *parts, *place;
    } cases[] = {
        {"*2|%3|ip|10.0.0.2|port|7|flags|slave|%3|ip|10.0.0.3|port|8|flags|"
         "slave,promoted",
         "10.0.0.3:8"},
        {"*2|*6|ip|fd00::2|port|7|flags|promoted,slave|*6|ip|10.0.0.3|port|8|flags|"
         "slave",
         "[fd00::2]:7"},
        {"~1|%3|ip|a|port|7|flags|s_down,slave,promoted,reconf_done", "a:7"},
        {"*2|%3|ip|a|port|7|flags|slave|%3|ip|b|port|8|flags|slave", ""},
        {"*2|%3|ip|a|port|7|flags|promoted|%3|ip|b|port|8|flags|promoted", ""},
        {"*1|%3|ip|a|port|0|flags|promoted", ""},
        {"*1|%2|ip|a|flags|promoted", ""},
        {"*1|%3|ip|a|port|7|flags|unpromoted", ""},
        {"*1|%3|ip|a|port|7|flags|*1|promoted", ""},
        {"%3|ip|a|port|7|flags|promoted", ""},
        {"*6|ip|a|port|7|flags|promoted", ""},
        {"*0", ""},
        {"_", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_reply *reply = made(3, cases[i].parts);
        reef_place place;
        spoil(&place, sizeof place);
        assert_int_equal(reef_says_promoted(reply, &place), cases[i].place[0] != 0);
        check_place(cases[i].parts, &place, cases[i].place);
        reef_reply_free(reply);
    }
}

/* ---- names -------------------------------------------------------------------- */

static void check_names(const char *parts, size_t cap, const char *want)
{
    char out[512];
    reef_reply *reply = made(3, parts);
    spoil(out, sizeof out);
    reef_says_names(reply, out, cap);
    if (strcmp(out, want) != 0)
        fail_msg("%s in %zu: want %s, got %s", parts, cap, want, out);
    for (size_t i = cap; i < sizeof out; i++)
        assert_int_equal(out[i], 'x');
    reef_reply_free(reply);
}

static void names(void **state)
{
    static const char three[] = "*3|%2|name|alpha|ip|a|%1|name|beta|*2|name|gamma";
    (void)state;
    check_names(three, 240, "alpha, beta, gamma");
    check_names(three, 19, "alpha, beta, gamma");
    check_names(three, 18, "alpha and 2 more");
    check_names("*4|%1|name|a|%1|name|b|%1|name|c|%1|name|long-name-of-a-master", 24,
                "a, b, c and 1 more");
    check_names(three, 17, "alpha and 2 more");
    check_names(three, 16, "alpha");
    check_names(three, 8, "alph...");
    check_names(three, 5, "a...");
    check_names(three, 4, "");
    check_names(three, 1, "");
    check_names("*1|%1|name|alpha", 6, "alpha");
    check_names("*1|%1|name|a\x1B[2J\xFF^\xE2\x80\xAE.\xC3\xA4", 240,
                "a?[2J???.\xC3\xA4");
    check_names("*1|%1|name|\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", 8,
                "\xC3\xA4\xC3\xA4...");
    check_names("*3|%1|name|two words|:3|%1|name|b", 240, "two words, b");
    check_names("*2|%1|ip|a|%1|name|*0", 240, "");
    check_names("*2|%1|name|"
                "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm|%1|name|b",
                240, "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm..., b");
    check_names("*0", 240, "");
    check_names("_", 240, "");
    check_names("%1|name|a", 240, "");
    check_names("*1|%1|name|"
                "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm",
                240, "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm...");
    reef_reply *reply = made(3, three);
    reef_says_names(reply, NULL, 0);
    reef_reply_free(reply);
}

/* As many names as there is room for, with the number of the others behind. */
static void names_in_any_room(void **state)
{
    enum { NAMES = 120 };
    static char parts[8192], all[8192];
    char out[512], want[8192] = "";
    size_t ends[NAMES + 1] = {0}, len = (size_t)sprintf(parts, "*%d", NAMES);
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        len += (size_t)sprintf(parts + len, "|%%1|name|m%zu", i);
        ends[i + 1] =
            ends[i] + (size_t)sprintf(all + ends[i], "%sm%zu", i > 0 ? ", " : "", i);
    }
    reef_reply *reply = made(3, parts);
    for (size_t cap = 17; cap < sizeof out; cap++) {
        size_t fit = NAMES;
        do {
            fit--;
            sprintf(want, "%.*s and %zu more", (int)ends[fit], all, NAMES - fit);
        } while (strlen(want) >= cap);
        spoil(out, sizeof out);
        reef_says_names(reply, out, cap);
        assert_string_equal(out, want);
    }
    reef_reply_free(reply);
}

/* ---- roles -------------------------------------------------------------------- */

static void roles(void **state)
{
    static const struct {
        const char *parts;
        char role;
    } cases[] = {
        {"%7|server|redis|version|7.0.15|proto|:3|id|:11|mode|standalone|role|master|"
         "modules|*0",
         'm'},
        {"*14|server|redis|version|7.0.15|proto|:2|id|:11|mode|standalone|role|replica|"
         "modules|*0",
         'r'},
        {"%6|server|valkey|version|8.0.1|proto|:3|id|:11|mode|sentinel|modules|*0",
         's'},
        {"*12|server|redis|version|7.0.15|proto|:2|id|:10|mode|sentinel|modules|*0",
         's'},
        {"%2|mode|cluster|role|slave", 'r'},
        {"%2|mode|sentinel|role|master", 's'},
        {"*3|master|:3129|*0", 'm'},
        {"*5|slave|10.0.0.1|:6|connected|:3129", 'r'},
        {"*2|sentinel|*1|mymaster", 's'},
        {"*3|Master|:0|*0", 0},
        {"%1|role|leader", 0},
        {"%1|mode|standalone", 0},
        {"%1|master|:1", 0},
        {"*1|:1", 0},
        {"*0", 0},
        {"_", 0},
        {"master", 0},
        {"%1|role|*1|master", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_reply *reply = made(3, cases[i].parts);
        if (reef_says_role(reply) != cases[i].role)
            fail_msg("%s: %d", cases[i].parts, reef_says_role(reply));
        reef_reply_free(reply);
    }
    reef_reply *reply = raw(2, "-ERR unknown command 'ROLE'\r\n");
    assert_int_equal(reef_says_role(reply), 0);
    reef_reply_free(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),    cmocka_unit_test(long_hosts),
        cmocka_unit_test(masters),      cmocka_unit_test(no_masters),
        cmocka_unit_test(flags),        cmocka_unit_test(sentinels),
        cmocka_unit_test(no_sentinels), cmocka_unit_test(many_sentinels),
        cmocka_unit_test(ids),          cmocka_unit_test(promoted),
        cmocka_unit_test(names),        cmocka_unit_test(names_in_any_room),
        cmocka_unit_test(roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
