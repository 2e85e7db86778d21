/* SPDX-License-Identifier: Apache-2.0
 *
 * net/roster.c: CLUSTER NODES as servers of all ages send it, and lines that nobody
 * should send. Each row is held against its fields in one line. */
#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHOWN = 1024 };

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "0123456789abcdefABCDEF0123456789abcdef01"

static const char *flag(bool set, const char *name)
{
    return set ? name : "";
}

/* The first letter of the id and of the master's, where it is, its flags, the epoch and
 * its slots: "a 10.0.0.1:7000 (name) myself master up 3 0-99 100>b 101<b". */
static void show(const reef_roster_row *r, char out[SHOWN])
{
    static const char *const kinds[] = {"-", ">", "<"};
    reef_str slots = r->slots;
    reef_roster_span s;
    assert_int_equal(strlen(r->id), REEF_NODE_ID);
    assert_true(strlen(r->master_id) == 0 || strlen(r->master_id) == REEF_NODE_ID);
    int len = snprintf(out, SHOWN, "%c%s%.1s %.*s:%u", r->id[0],
                       flag(r->master_id[0], "/"), r->master_id, (int)r->host.len,
                       r->host.len ? r->host.ptr : "", r->port);
    if (r->hostname.len > 0)
        len += snprintf(out + len, SHOWN - (size_t)len, " (%.*s)", (int)r->hostname.len,
                        r->hostname.ptr);
    len += snprintf(out + len, SHOWN - (size_t)len, "%s%s%s%s%s%s%s%s %llu",
                    flag(r->myself, " myself"), flag(r->master, " master"),
                    flag(r->replica, " replica"), flag(r->suspected, " suspected"),
                    flag(r->failed, " failed"), flag(r->handshake, " handshake"),
                    flag(r->homeless, " homeless"), flag(r->connected, " up"),
                    (unsigned long long)r->epoch);
    while (reef_roster_span_next(&slots, &s)) {
        bool owned = s.kind == REEF_SPAN_OWNED;
        len +=
            snprintf(out + len, SHOWN - (size_t)len, " %u%s", s.first, kinds[s.kind]);
        len += owned ? snprintf(out + len, SHOWN - (size_t)len, "%u", s.last)
                     : snprintf(out + len, SHOWN - (size_t)len, "%c", s.other[0]);
        assert_int_equal(strlen(s.other), owned ? 0 : REEF_NODE_ID);
        assert_true(owned || s.first == s.last);
    }
    static const reef_roster_span none;
    assert_memory_equal(&s, &none, sizeof none);
}

/* Rows in one line each, with "\n" between them. In memory of the very size, so that a
 * sanitizer sees each byte too much. */
static void check(const char *text, const char *want)
{
    char got[4 * SHOWN] = "", row[SHOWN];
    reef_roster_row r;
    size_t size = strlen(text);
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    reef_str rest = {copy, size};
    for (memset(&r, 'x', sizeof r); reef_roster_next(&rest, &r);
         memset(&r, 'x', sizeof r)) {
        show(&r, row);
        if (got[0] != 0)
            strncat(got, "\n", sizeof got - strlen(got) - 1);
        strncat(got, row, sizeof got - strlen(got) - 1);
    }
    static const reef_roster_row none;
    assert_memory_equal(&r, &none, sizeof none);
    assert_int_equal(rest.len, 0);
    if (strcmp(got, want) != 0)
        fail_msg("%s\nwant\n%s\ngot\n%s", text, want, got);
    free(copy);
}

/* ---- rows --------------------------------------------------------------------- */

static void rows(void **state)
{
    (void)state;
    check("", "");
    check(A " 10.0.0.1:7000@17000 myself,master - 0 1795374188000 1 connected 0-5460\n",
          "a 10.0.0.1:7000 myself master up 1 0-5460");
    check(A " 10.0.0.1:7000@17000,node-a.example.com myself,master - 0 0 1 connected\n",
          "a 10.0.0.1:7000 (node-a.example.com) myself master up 1");
    check(A " 10.0.0.1:7000@17000,,shard-id=" B " slave " B
            " 0 1795374188000 18446744073709551615 connected\n",
          "a/b 10.0.0.1:7000 replica up 18446744073709551615");
    check(A " 10.0.0.1:7000@17000,a.example,tls-port=0,shard-id=" B " replica " B
            " 0 1 2 disconnected\n",
          "a/b 10.0.0.1:7000 (a.example) replica 2");
    check(A " 10.0.0.1:7000@17000,shard-id=" B " master - 0 1 2 connected\n",
          "a 10.0.0.1:7000 master up 2");
    check(A " 10.0.0.1:7000 master - 0 0 0 connected 1 3-4 16383\n", /* before 4.0 */
          "a 10.0.0.1:7000 master up 0 1-1 3-4 16383-16383");
    check(C " ::1:7000@17000 myself,master - 0 0 0 connected 0-8191\n",
          "0 ::1:7000 myself master up 0 0-8191");
    check(A " :7000@17000 myself,master - 0 0 0 connected\n",
          "a :7000 myself master up 0");
    check(A " :0@0 master,fail,noaddr - 1 2 3 disconnected 5\n",
          "a :0 master failed homeless 3 5-5");
    check(A " 10.0.0.1:7000@17000 handshake - 0 0 0 disconnected\n",
          "a 10.0.0.1:7000 handshake 0");
    check(A " 10.0.0.1:7000@17000 noflags - 0 0 0 connected\n", "a 10.0.0.1:7000 up 0");
    check(A " 10.0.0.1:7000@17000 master,fail?,nofailover - 0 0 7 connected\n",
          "a 10.0.0.1:7000 master suspected up 7");
    check(A " a-1.example.com:7000@17000 slave - 0 0 7 connected\n",
          "a a-1.example.com:7000 replica up 7");
}

static void moving(void **state)
{
    (void)state;
    check(A " h:1@2 master - 0 0 0 connected 0-99 [100->-" B "] [101-<-" C "]\n",
          "a h:1 master up 0 0-99 100>b 101<0");
    check(A " h:1@2 master - 0 0 0 connected [0->-" B "]\n", "a h:1 master up 0 0>b");
}

/* A master's own master is none, whatever stands there. */
static void masters(void **state)
{
    (void)state;
    check(A " h:1@2 master " B " 0 0 0 connected\n", "a h:1 master up 0");
    check(A " h:1@2 noflags " B " 0 0 0 connected\n", "a h:1 up 0");
    static const char none[REEF_NODE_ID + 1];
    reef_str text = reef_str_of(A " h:1@2 master " B " 0 0 0 connected\n");
    reef_roster_row r;
    assert_true(reef_roster_next(&text, &r));
    assert_memory_equal(r.master_id, none, sizeof none); /* to the end */
}

static void several(void **state)
{
    (void)state;
    check(A " h:1@2 master - 0 0 1 connected 0-1\n" B " h:2@3 slave " A
            " 0 0 1 connected\n",
          "a h:1 master up 1 0-1\nb/a h:2 replica up 1");
    check("\n\n" A " h:1@2 master - 0 0 1 connected 0-1\r\n\nvars currentEpoch 6\n" B
          " h:2@3 slave " A " 0 0 1 connected",
          "a h:1 master up 1 0-1\nb/a h:2 replica up 1");
}

/* ---- what has not the form ---------------------------------------------------- */

static void no_rows(void **state)
{
    static const char *const lines[] = {
        "x",
        " ",
        A,
        A " h:1@2",
        A " h:1@2 master - 0 0 1",
        A "a h:1@2 master - 0 0 1 connected",
        "aaaa h:1@2 master - 0 0 1 connected",
        "gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa h:1@2 master - 0 0 1 connected",
        A " h@2 master - 0 0 1 connected",
        A " 7000@2 master - 0 0 1 connected",
        A " h: master - 0 0 1 connected",
        A " h:@2 master - 0 0 1 connected",
        A " h:1@ master - 0 0 1 connected",
        A " h:1@65536 master - 0 0 1 connected",
        A " h:1@2@3 master - 0 0 1 connected",
        A " h:65536@2 master - 0 0 1 connected",
        A " h:-1@2 master - 0 0 1 connected",
        A " h/i:1@2 master - 0 0 1 connected",
        A " h\x1B:1@2 master - 0 0 1 connected",
        A " ?:1@2 master - 0 0 1 connected",
        A " [::1]:1@2 master - 0 0 1 connected",
        A " h:1@2 master,slave - 0 0 1 connected",
        A " h:1@2 master x 0 0 1 connected",
        A " h:1@2 slave " A "a 0 0 1 connected",
        A " h:1@2 slave  0 0 1 connected",
        A " h:1@2 master - x 0 1 connected",
        A " h:1@2 master - 0 -1 1 connected",
        A " h:1@2 master - 0 0 x connected",
        A " h:1@2 master - 0 0 18446744073709551616 connected",
        A " h:1@2 master - 0 0 1 up",
        A " h:1@2 master - 0 0 1 ",
        A " h:1@2  master - 0 0 1 connected",
        " " A " h:1@2 master - 0 0 1 connected",
        A "\th:1@2 master - 0 0 1 connected",
    };
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        check(lines[i], "");
        snprintf(text, sizeof text, "%s\n" B " h:2@3 master - 0 0 1 connected\n%s\n",
                 lines[i], lines[i]);
        check(text, "b h:2 master up 1"); /* the others are read */
    }
}

static void host_names(void **state)
{
    (void)state;
    check(A " h:1@2,a/b master - 0 0 1 connected", "a h:1 master up 1");
    check(A " h:1@2, master - 0 0 1 connected", "a h:1 master up 1");
    check(A " h:1,a:b@c master - 0 0 1 connected", "a h:1 master up 1");
    check(A " h:1,a master - 0 0 1 connected", "a h:1 (a) master up 1");
}

static void lengths(void **state)
{
    char host[REEF_NAME_MAX + 2], text[2 * sizeof host + 128];
    reef_roster_row r;
    (void)state;
    for (size_t len = REEF_NAME_MAX; len <= REEF_NAME_MAX + 1; len++) {
        memset(host, 'h', len);
        host[len] = 0;
        snprintf(text, sizeof text, A " %s:1@2,h master - 0 0 1 connected", host);
        reef_str rest = reef_str_of(text);
        assert_int_equal(reef_roster_next(&rest, &r), len == REEF_NAME_MAX);
        assert_int_equal(r.host.len, len == REEF_NAME_MAX ? len : 0);
        snprintf(text, sizeof text, A " h:1@2,%s master - 0 0 1 connected", host);
        rest = reef_str_of(text);
        assert_true(reef_roster_next(&rest, &r));
        assert_int_equal(r.hostname.len, len == REEF_NAME_MAX ? len : 0);
    }
}

/* Zeros and other bytes that no text has. */
static void bytes(void **state)
{
    static const char line[] = A " h:1@2 master - 0 0 1 connected 0-9";
    char text[sizeof line];
    reef_roster_row r;
    uint32_t read = 0;
    (void)state;
    for (size_t at = 0; at < sizeof line - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, line, sizeof line);
            text[at] = (char)byte;
            reef_str rest = {text, sizeof line - 1};
            while (reef_roster_next(&rest, &r)) {
                assert_int_equal(strlen(r.id), REEF_NODE_ID);
                assert_true(r.host.len <= 3); /* "h:1", of "h:1:2" */
                read++;
            }
        }
    assert_true(read > 40 * 22);
}

/* ---- ranges ------------------------------------------------------------------- */

static void ranges(void **state)
{
    static const struct {
        const char *slots, *shown;
    } cases[] = {
        {"0", " 0-0"},
        {"16383", " 16383-16383"},
        {"0-16383", " 0-16383"},
        {"7-7", " 7-7"},
        {" 1  2 ", " 1-1 2-2"},
        {"16384 1", " 1-1"},
        {"0-16384 1", " 1-1"},
        {"5-4 1", " 1-1"},
        {"-5 1", " 1-1"},
        {"5- 1", " 1-1"},
        {"1-2-3 1", " 1-1"},
        {"x 1", " 1-1"},
        {"1x 1", " 1-1"},
        {"4294967297 1", " 1-1"},
        {"18446744073709551617 1", " 1-1"},
        {"[] 1", " 1-1"},
        {"[ 1", " 1-1"},
        {"[5] 1", " 1-1"},
        {"[5->] 1", " 1-1"},
        {"[5->-] 1", " 1-1"},
        {"[5->-aaaa] 1", " 1-1"},
        {"[5-=-" A "] 1", " 1-1"},
        {"[5-" A "] 1", " 1-1"},
        {"[5->>-" A "] 1", " 1-1"},
        {"[5->-" A " 1", " 1-1"},
        {"[5->-" A ") 1", " 1-1"},
        {"5->-" A "] 1", " 1-1"},
        {"[16384->-" A "] 1", " 1-1"},
        {"[5-6->-" A "] 1", " 1-1"},
        {"[->-" A "] 1", " 1-1"},
        {"[5->-" A "a] 1", " 1-1"},
        {"[5->-" A "][6->-" A "] 1", " 1-1"},
        {"[5->-" A "] 1", " 5>a 1-1"},
        {"[5-<-" A "] [6->-" B "]", " 5<a 6>b"},
    };
    char text[512], want[128];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, A " h:1@2 master - 0 0 1 connected %s\n",
                 cases[i].slots);
        snprintf(want, sizeof want, "a h:1 master up 1%s", cases[i].shown);
        check(text, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),    cmocka_unit_test(moving),
        cmocka_unit_test(masters), cmocka_unit_test(several),
        cmocka_unit_test(no_rows), cmocka_unit_test(host_names),
        cmocka_unit_test(lengths), cmocka_unit_test(bytes),
        cmocka_unit_test(ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
