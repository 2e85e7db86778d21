/* SPDX-License-Identifier: Apache-2.0
 *
 * net/shape.c: CLUSTER SLOTS as servers of all ages send it, and what nobody should
 * send; redirects; ids. A walk is held against its items in one line. */
#include "net/shape.h"
#include "test/unit/says_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LISTING = 4096 };

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "0123456789abcdefABCDEF0123456789abcdef01"

/* ---- CLUSTER SLOTS ------------------------------------------------------------ */

static void check_item(const reef_shape_item *item)
{
    size_t id = strlen(item->id);
    assert_true(item->first <= item->last && item->last < REEF_SLOT_COUNT);
    assert_true(id == 0 || id == REEF_NODE_ID);
    assert_true(item->place.port != 0 || item->place.host[0] == 0);
}

/* "0-99 m 10.0.0.1:7000 a, r1 b.example:7001 -;": ranges, in each the master and its
 * replicas, with the first letter of their ids. */
static void list(const reef_reply *reply, char out[LISTING])
{
    reef_shape_walk walk;
    reef_shape_item item;
    size_t len = 0;
    spoil(&walk, sizeof walk);
    reef_shape_begin(&walk, reply);
    out[0] = 0;
    for (spoil(&item, sizeof item); reef_shape_next(&walk, &item);
         spoil(&item, sizeof item)) {
        check_item(&item);
        if (item.position == 0)
            len += (size_t)snprintf(out + len, LISTING - len, "%s%u-%u m",
                                    len > 0 ? "; " : "", item.first, item.last);
        else
            len += (size_t)snprintf(out + len, LISTING - len, ", r%u", item.position);
        len += (size_t)snprintf(out + len, LISTING - len, " %s:%u %c", item.place.host,
                                item.place.port, item.id[0] ? item.id[0] : '-');
        assert_true(len < LISTING);
    }
    static const reef_shape_item none;
    assert_memory_equal(&item, &none, sizeof none);
    assert_false(reef_shape_next(&walk, &item));
}

static const struct slots_case {
    const char *name;
    int proto; /* 0: both */
    const char *parts;
    const char *listing;
} good[] = {
    {"no slots", 0, "*0", ""},
    {"one node", 0, "*1|*3|:0|:16383|*4|10.0.0.1|:7000|" A "|*0",
     "0-16383 m 10.0.0.1:7000 a"},
    {"a replica, a hole, another order", 0,
     "*2|*4|:8192|:16383|*4|10.0.0.2|:7001|" B "|*0|*4|10.0.0.3|:7002|" C "|*0"
     "|*3|:0|:8190|*4|10.0.0.1|:65535|" A "|*0",
     "8192-16383 m 10.0.0.2:7001 b, r1 10.0.0.3:7002 0; 0-8190 m 10.0.0.1:65535 a"},
    {"one slot", 0, "*1|*3|:16383|:16383|*3|h|:1|" A, "16383-16383 m h:1 a"},
    {"old servers tell no id", 0, "*1|*4|:0|:9|*2|10.0.0.1|:7000|*2|10.0.0.2|:7001",
     "0-9 m 10.0.0.1:7000 -, r1 10.0.0.2:7001 -"},
    {"a host name", 0, "*1|*3|:0|:9|*4|a-1.example_x.com|:7000|" A "|*2|ip|10.0.0.1",
     "0-9 m a-1.example_x.com:7000 a"},
    {"a host name as a map has it", 3,
     "*1|*3|:0|:9|*4|a.example|:7000|" A "|%1|ip|10.0.0.1", "0-9 m a.example:7000 a"},
    {"no host name, its address beside it", 2,
     "*1|*3|:0|:9|*4|?|:7000|" A "|*4|hostname||ip|10.0.0.1", "0-9 m 10.0.0.1:7000 a"},
    {"the same in a map", 3, "*1|*3|:0|:9|*4|?|:7000|" A "|%2|hostname||ip|fd00::1",
     "0-9 m fd00::1:7000 a"},
    {"no host name and no address", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|*0", "0-9 m :0 a"},
    {"nor metadata", 0, "*1|*3|:0|:9|*3|?|:7000|" A, "0-9 m :0 a"},
    {"nor anything", 0, "*1|*3|:0|:9|*2|?|:7000", "0-9 m :0 -"},
    {"metadata that is no list", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|ip", "0-9 m :0 a"},
    {"an odd list", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|*1|ip", "0-9 m :0 a"},
    {"an address that is none", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|*2|ip|a/b",
     "0-9 m :0 a"},
    {"an address that is no text", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|*2|ip|:7",
     "0-9 m :0 a"},
    {"an address that is nil", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|*2|ip|$-1",
     "0-9 m :0 a"},
    {"an address that is unknown", 0, "*1|*3|:0|:9|*4|?|:7000|" A "|*2|ip|?",
     "0-9 m :0 a"},
    {"a node without a name that knows no address of its own", 0,
     "*1|*3|:0|:9|*4|?|:7000|" A "|*2|ip|", "0-9 m :7000 a"},
    {"nil: who was asked", 2, "*1|*3|:0|:9|*4|$-1|:7000|" A "|*2|ip|10.0.0.1",
     "0-9 m :7000 a"},
    {"nil: who was asked", 3, "*1|*3|:0|:9|*4|_|:7000|" A "|%1|ip|10.0.0.1",
     "0-9 m :7000 a"},
    {"empty: who was asked", 0, "*1|*3|:0|:9|*4||:7000|" A "|*0", "0-9 m :7000 a"},
    {"an IPv6 address", 0, "*1|*3|:0|:9|*4|::1|:7000|" A "|*0", "0-9 m ::1:7000 a"},
    {"in brackets", 0, "*1|*3|:0|:9|*4|[fe80::1%eth0]|:7000|" A "|*0",
     "0-9 m fe80::1%eth0:7000 a"},
    {"brackets around something else", 0, "*1|*3|:0|:9|*4|[host]|:7000|" A "|*0",
     "0-9 m :0 a"},
    {"port 0", 0, "*1|*3|:0|:9|*4|10.0.0.1|:0|" A "|*0", "0-9 m :0 a"},
    {"a host that is none", 0, "*1|*4|:0|:9|*3|a b|:7000|" A "|*3|ok|:7001|" B,
     "0-9 m :0 a, r1 ok:7001 b"},
    {"hosts that are none", 0,
     "*1|*6|:0|:9|*2|a\x1B[2J|:7000|*2|a^b|:7000|*2|/tmp/x|:7000|*2|u@h|:7000",
     "0-9 m :0 -, r1 :0 -, r2 :0 -, r3 :0 -"},
    {"ids that are none", 0,
     "*1|*6|:0|:9|*3|a|:1|" A "a|*3|a|:1||*3|a|:1|$-1|*3|a|:1|:5",
     "0-9 m a:1 -, r1 a:1 -, r2 a:1 -, r3 a:1 -"},
    {"an id that is not hexadecimal", 0,
     "*1|*3|:0|:9|*3|a|:1|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaag", "0-9 m a:1 -"},
    {"fields of newer versions", 0,
     "*1|*8|:0|:9|text|*7|a|:1|" A "|*0|x|:5|*1|*0|:77|*1|x|*0|*2|b|:2",
     "0-9 m a:1 a, r1 b:2 -"},
    {"fields of newer versions", 3,
     "*1|*6|:0|:9|%1|shard|x|*4|a|:1|" A "|%1|ip|b|_|~1|x", "0-9 m a:1 a"},
};

static void check_good(const struct slots_case *c, int proto)
{
    char listing[LISTING];
    reef_reply *reply = made(proto, c->parts);
    reef_code code = reef_shape_check(reply);
    if (code != REEF_OK)
        fail_msg("%s: %s", c->name, reef_code_name(code));
    list(reply, listing);
    if (strcmp(listing, c->listing) != 0)
        fail_msg("%s: want %s, got %s", c->name, c->listing, listing);
    reef_reply_free(reply);
}

static void slots_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (good[i].proto != 3)
            check_good(&good[i], 2);
        if (good[i].proto != 2)
            check_good(&good[i], 3);
    }
}

/* What the walk makes of it stands behind it: the rest, or nothing. */
static const struct bad_case {
    const char *parts;
    const char *listing;
} bad[] = {
    {"OK", ""},
    {":0", ""},
    {"$-1", ""},
    {"*1|x", ""},
    {"*1|*0", ""},
    {"*1|*1|:0", ""},
    {"*1|*2|:0|:9", ""},          /* no node */
    {"*1|*3|:0|:9|x", ""},        /* no node, but a field */
    {"*1|*3|:0|:9|*1|a", ""},     /* nor is this one */
    {"*1|*3|:-1|:9|*2|a|:1", ""}, /* no slots */
    {"*1|*3|:0|:16384|*2|a|:1", ""},
    {"*1|*3|:16384|:16384|*2|a|:1", ""},
    {"*1|*3|:4294967296|:4294967296|*2|a|:1", ""},
    {"*1|*3|:9223372036854775807|:0|*2|a|:1", ""},
    {"*1|*3|:9|:8|*2|a|:1", ""},
    {"*1|*3|0|9|*2|a|:1", ""},
    {"*1|*3|$-1|:9|*2|a|:1", ""},
    {"*1|*3|:0|:9|*2|a|:65536", "0-9 m :0 -"}, /* no ports */
    {"*1|*3|:0|:9|*2|a|:-1", "0-9 m :0 -"},
    {"*1|*3|:0|:9|*2|a|:4294967297", "0-9 m :0 -"},
    {"*1|*3|:0|:9|*2|a|7000", "0-9 m :0 -"},
    {"*1|*3|:0|:9|*2|a|$-1", "0-9 m :0 -"},
    {"*1|*3|:0|:9|*2|:5|:7000", "0-9 m :0 -"}, /* no hosts */
    {"*1|*3|:0|:9|*2|*1|a|:7000", "0-9 m :0 -"},
    {"*1|*4|:0|:9|*2|a|:1|*2|:5|:7000", "0-9 m a:1 -, r1 :0 -"},
    /* ranges that overlap */
    {"*2|*3|:0|:9|*2|a|:1|*3|:9|:10|*2|b|:2", "0-9 m a:1 -; 9-10 m b:2 -"},
    {"*2|*3|:5|:9|*2|a|:1|*3|:0|:5|*2|b|:2", "5-9 m a:1 -; 0-5 m b:2 -"},
    {"*2|*3|:5|:5|*2|a|:1|*3|:0|:16383|*2|b|:2", "5-5 m a:1 -; 0-16383 m b:2 -"},
    {"*3|*3|:0|:0|*2|a|:1|*3|:2|:2|*2|b|:2|*3|:0|:0|*2|c|:3",
     "0-0 m a:1 -; 2-2 m b:2 -; 0-0 m c:3 -"},
    {"*2|*3|:9|:8|*2|a|:1|*3|:0|:5|*2|b|:2", "0-5 m b:2 -"},
};

static void slots_refused(void **state)
{
    char listing[LISTING];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int proto = 2; proto <= 3; proto++) {
            reef_reply *reply = made(proto, bad[i].parts);
            reef_code code = reef_shape_check(reply);
            if (code != REEF_PROTOCOL)
                fail_msg("%s: %s", bad[i].parts, reef_code_name(code));
            list(reply, listing);
            if (strcmp(listing, bad[i].listing) != 0)
                fail_msg("%s: want %s, got %s", bad[i].parts, bad[i].listing, listing);
            reef_reply_free(reply);
        }
}

static void slots_other_kinds(void **state)
{
    static const struct {
        int proto;
        const char *bytes;
        reef_code code;
        const char *listing;
    } cases[] = {
        {2, "-ERR This instance has cluster support disabled\r\n", REEF_REFUSED, ""},
        {3, "!7\r\nERR bad\r\n", REEF_REFUSED, ""},
        {3, "%1\r\n:0\r\n:9\r\n", REEF_PROTOCOL, ""},
        {3, "~1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n:1\r\n", REEF_PROTOCOL, ""},
        {3, "_\r\n", REEF_PROTOCOL, ""},
        {3, "#t\r\n", REEF_PROTOCOL, ""},
        {3, "*1\r\n%2\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n:1\r\n:0\r\n", REEF_PROTOCOL, ""},
        {3, "*1\r\n*3\r\n,0\r\n:9\r\n*2\r\n$1\r\na\r\n:1\r\n", REEF_PROTOCOL, ""},
        {2, "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n-ERR a\r\n:1\r\n", REEF_PROTOCOL,
         "0-9 m :0 -"},
        {2, "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n+a\r\n:1\r\n", REEF_OK, "0-9 m a:1 -"},
        {3, "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n=5\r\ntxt:a\r\n:1\r\n", REEF_OK,
         "0-9 m a:1 -"},
        /* Attributes are looked past. */
        {3,
         "*1\r\n|1\r\n+x\r\n+y\r\n*3\r\n:0\r\n|1\r\n+x\r\n+y\r\n:9\r\n*2\r\n+a\r\n:"
         "1\r\n",
         REEF_OK, "0-9 m a:1 -"},
    };
    char listing[LISTING];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_reply *reply = raw(cases[i].proto, cases[i].bytes);
        if (reef_shape_check(reply) != cases[i].code)
            fail_msg("%s", cases[i].bytes);
        list(reply, listing);
        assert_string_equal(listing, cases[i].listing);
        reef_reply_free(reply);
    }
    reef_reply *failed = reef_reply_failed(REEF_UNSURE, "no answer came");
    assert_int_equal(reef_shape_check(failed), REEF_PROTOCOL);
    list(failed, listing);
    reef_reply_free(failed);
    assert_int_equal(reef_shape_check(NULL), REEF_PROTOCOL);
}

/* ---- how many ----------------------------------------------------------------- */

/* `ranges` ranges of one slot each, the last one first, with `nodes` nodes each. */
static reef_reply *crowd(uint32_t ranges, uint32_t nodes)
{
    reef_parser *parser = reef_parser_new(NULL, 2);
    char line[64];
    assert_non_null(parser);
    snprintf(line, sizeof line, "*%u\r\n", ranges);
    assert_int_equal(reef_parser_feed(parser, reef_str_of(line)), REEF_OK);
    for (uint32_t i = ranges; i-- > 0;) {
        snprintf(line, sizeof line, "*%u\r\n:%u\r\n:%u\r\n", nodes + 2,
                 i % REEF_SLOT_COUNT, i % REEF_SLOT_COUNT);
        assert_int_equal(reef_parser_feed(parser, reef_str_of(line)), REEF_OK);
        for (uint32_t j = 0; j < nodes; j++)
            assert_int_equal(
                reef_parser_feed(parser, reef_str_of("*2\r\n$1\r\na\r\n:7\r\n")),
                REEF_OK);
    }
    assert_int_equal(reef_parser_next(parser), REEF_PARSE_REPLY);
    reef_reply *reply = reef_parser_take(parser);
    assert_non_null(reply);
    reef_parser_free(parser);
    return reply;
}

static void check_crowd(uint32_t ranges, uint32_t nodes, reef_code code)
{
    reef_shape_walk walk;
    reef_shape_item item;
    uint32_t found = 0;
    reef_reply *reply = crowd(ranges, nodes);
    assert_int_equal(reef_shape_check(reply), code);
    reef_shape_begin(&walk, reply);
    while (reef_shape_next(&walk, &item)) {
        assert_int_equal(item.position, found % nodes);
        assert_int_equal(item.first, (ranges - 1 - found / nodes) % REEF_SLOT_COUNT);
        found++;
    }
    assert_int_equal(found, ranges * nodes);
    reef_reply_free(reply);
}

static void slots_limits(void **state)
{
    (void)state;
    check_crowd(REEF_SLOT_COUNT, 3, REEF_OK);
    check_crowd(REEF_SLOT_COUNT + 1, 1, REEF_LIMIT);
    check_crowd(2, REEF_NODES_MAX, REEF_OK);
    check_crowd(2, REEF_NODES_MAX + 1, REEF_LIMIT);
}

static void host_lengths(void **state)
{
    char parts[REEF_NAME_MAX + 64], host[REEF_NAME_MAX + 2], listing[LISTING];
    (void)state;
    for (size_t len = REEF_NAME_MAX; len <= REEF_NAME_MAX + 1; len++) {
        memset(host, 'h', len);
        host[len] = 0;
        snprintf(parts, sizeof parts, "*1|*3|:0|:9|*2|%s|:7000", host);
        reef_reply *reply = made(2, parts);
        assert_int_equal(reef_shape_check(reply), REEF_OK);
        list(reply, listing);
        assert_int_equal(strlen(listing) > len, len == REEF_NAME_MAX);
        reef_reply_free(reply);
    }
}

/* ---- redirects ---------------------------------------------------------------- */

static const struct redirect_case {
    const char *text;
    bool ask;
    uint32_t slot;
    const char *host;
    uint16_t port;
} redirects[] = {
    {"MOVED 866 10.0.0.1:7001", false, 866, "10.0.0.1", 7001},
    {"ASK 866 10.0.0.1:7001", true, 866, "10.0.0.1", 7001},
    {"MOVED 0 ::1:1", false, 0, "::1", 1},
    {"ASK 16383 fe80::1%eth0:65535", true, 16383, "fe80::1%eth0", 65535},
    {"MOVED 1 [::1]:7001", false, 1, "::1", 7001},
    {"MOVED 1 [fd00::1:2]:7001", false, 1, "fd00::1:2", 7001},
    {"MOVED 1 node-1.a_b.example.com:7001", false, 1, "node-1.a_b.example.com", 7001},
    {"MOVED 1 :7001", false, 1, "", 7001},
    {"ASK 1 :7001", true, 1, "", 7001},
    {"MOVED 1 ?:7001", false, 1, "?", 7001},
    {"ASK 1 ?:7001", true, 1, "?", 7001},
};

static const char *const no_redirects[] = {
    "",
    "MOVED",
    "ASK",
    "MOVED ",
    "MOVED 1",
    "MOVED 1 ",
    "MOVED 1 a",
    "MOVED 1 :",
    "MOVED 1 a:",
    "MOVED 1 7001",
    "MOVED a:7001",
    "MOVED  a:7001",
    "moved 1 a:7001",
    "Moved 1 a:7001",
    "MOVED\t1 a:7001",
    " MOVED 1 a:7001",
    "MOVEDX 1 a:7001",
    "ASKING 1 a:7001",
    "TRYAGAIN 1 a:7001",
    "ERR MOVED 1 a:7001",
    "MOVED  1 a:7001",
    "MOVED 1  a:7001",
    "MOVED 1 a:7001 ",
    "MOVED 1 a:7001 b",
    "MOVED 1 a b:7001",
    "MOVED 16384 a:7001",
    "MOVED 18446744073709551617 a:7001",
    "MOVED 4294967297 a:7001",
    "MOVED -1 a:7001",
    "MOVED +1 a:7001",
    "MOVED 01 a:7001",
    "MOVED 00 a:7001",
    "MOVED 1x a:7001",
    "MOVED x a:7001",
    "MOVED 1 a:0",
    "MOVED 1 a:07001",
    "MOVED 1 a:65536",
    "MOVED 1 a:4294967297",
    "MOVED 1 a:-1",
    "MOVED 1 a:70x",
    "MOVED 1 ?:0",
    "ASK ",
    "ASK 1 a:0",
    "ASK 16384 a:1",
    "MOVED 1 ??:7001",
    "MOVED 1 ?a:7001",
    "MOVED 1 []:7001",
    "MOVED 1 [a]:7001",
    "MOVED 1 [::1:7001",
    "MOVED 1 ::1]:7001",
    "MOVED 1 [[::1]]:7001",
    "MOVED 1 a/b:7001",
    "MOVED 1 a\x1B:7001",
    "MOVED 1 a\xC3\xA9:7001",
    "CLUSTERDOWN The cluster is down",
};

static void redirects_read(void **state)
{
    reef_redirect r;
    (void)state;
    for (size_t i = 0; i < sizeof redirects / sizeof redirects[0]; i++) {
        const struct redirect_case *c = &redirects[i];
        spoil(&r, sizeof r);
        if (!reef_shape_redirect(c->text, &r))
            fail_msg("%s: not read", c->text);
        assert_int_equal(r.ask, c->ask);
        assert_int_equal(r.slot, c->slot);
        assert_string_equal(r.place.host, c->host);
        assert_int_equal(r.place.port, c->port);
    }
}

static void redirects_refused(void **state)
{
    static const reef_redirect none;
    reef_redirect r;
    (void)state;
    for (size_t i = 0; i < sizeof no_redirects / sizeof no_redirects[0]; i++) {
        spoil(&r, sizeof r);
        if (reef_shape_redirect(no_redirects[i], &r))
            fail_msg("%s: read", no_redirects[i]);
        assert_memory_equal(&r, &none, sizeof none);
    }
}

static void redirect_lengths(void **state)
{
    char text[REEF_NAME_MAX + 32];
    reef_redirect r;
    (void)state;
    for (size_t len = REEF_NAME_MAX; len <= REEF_NAME_MAX + 1; len++) {
        memcpy(text, "ASK 7 ", 6);
        memset(text + 6, 'h', len);
        memcpy(text + 6 + len, ":1", 3);
        assert_int_equal(reef_shape_redirect(text, &r), len == REEF_NAME_MAX);
        assert_int_equal(strlen(r.place.host), len == REEF_NAME_MAX ? len : 0);
    }
}

/* ---- ids ---------------------------------------------------------------------- */

static void ids(void **state)
{
    static const char *const none[] = {"$-1",   "",    ":5",   "*0",
                                       "*1|" A, A "a", "aaaa", "*2|a|b"};
    char id[REEF_NODE_ID + 1];
    (void)state;
    for (int proto = 2; proto <= 3; proto++) {
        reef_reply *reply = made(proto, C);
        spoil(id, sizeof id);
        assert_true(reef_shape_id(reply, id));
        assert_string_equal(id, C);
        reef_reply_free(reply);
        for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
            reply = made(proto, none[i]);
            spoil(id, sizeof id);
            assert_false(reef_shape_id(reply, id));
            assert_string_equal(id, "");
            reef_reply_free(reply);
        }
    }
    reef_reply *reply = raw(2, "-" A "\r\n");
    assert_false(reef_shape_id(reply, id));
    reef_reply_free(reply);
    reply = raw(2, "+" B "\r\n");
    assert_true(reef_shape_id(reply, id));
    assert_string_equal(id, B);
    reef_reply_free(reply);
}

/* One byte after the other at one place of an id: 22 of 256 will do. */
static void id_bytes(void **state)
{
    char text[] = A, id[REEF_NODE_ID + 1];
    uint32_t fit = 0;
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        text[byte % REEF_NODE_ID] = (char)byte;
        fit += reef_shape_put_id((reef_str){text, REEF_NODE_ID}, id);
        text[byte % REEF_NODE_ID] = 'a';
    }
    assert_int_equal(fit, 22);
    assert_false(reef_shape_put_id((reef_str){0}, id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_read),
        cmocka_unit_test(slots_refused),
        cmocka_unit_test(slots_other_kinds),
        cmocka_unit_test(slots_limits),
        cmocka_unit_test(host_lengths),
        cmocka_unit_test(redirects_read),
        cmocka_unit_test(redirects_refused),
        cmocka_unit_test(redirect_lengths),
        cmocka_unit_test(ids),
        cmocka_unit_test(id_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
