/* SPDX-License-Identifier: Apache-2.0
 *
 * net_says: what Sentinels announce, as both servers send it in both protocols, and
 * what nobody should send. (net_says_replies.c has their answers.) */
#include "test/unit/says_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- places ------------------------------------------------------------------- */

static void places(void **state)
{
    reef_place a = {"10.0.0.7", 6379}, b = {"10.0.0.7", 6379}, c = {"10.0.0.70", 6379};
    char text[REEF_PEER_TEXT];
    (void)state;
    assert_true(reef_place_same(&a, &b));
    assert_false(reef_place_same(&a, &c));
    b.port = 6380;
    assert_false(reef_place_same(&a, &b));
    reef_place_text(&a, text);
    assert_string_equal(text, "10.0.0.7:6379");
    strcpy(a.host, "fd00::1");
    reef_place_text(&a, text);
    assert_string_equal(text, "[fd00::1]:6379");
    memset(c.host, 'h', REEF_NAME_MAX);
    reef_place_text(&c, text); /* cut, with the port behind */
    assert_string_equal(text + strlen(text) - 6, "h:6379");
}

/* ---- announcements ------------------------------------------------------------ */

static const struct announcement {
    const char *channel, *payload;
    reef_says_kind kind;
    const char *from, *to; /* of the master "my master" */
} announcements[] = {
    {"+selected-slave", "slave 10.0.0.2:7 10.0.0.2 7 @ my master 10.0.0.1 6",
     REEF_SAYS_SELECTED, "10.0.0.1:6", "10.0.0.2:7"},
    {"+selected-slave", "slave [fd00::2]:7 fd00::2 7 @ my master fd00::1 6",
     REEF_SAYS_SELECTED, "[fd00::1]:6", "[fd00::2]:7"},
    {"+selected-slave", "slave b.example:7 b.example 65535 @ my master a.example 1",
     REEF_SAYS_SELECTED, "a.example:1", "b.example:65535"},
    {"+selected-slave", "replica b:7 b 7 @ my master a 6", REEF_SAYS_SELECTED, "a:6",
     "b:7"},
    {"+promoted-slave", "slave 10.0.0.2:7 fe80::2%eth0 7 @ my master 10.0.0.1 6",
     REEF_SAYS_PROMOTED, "10.0.0.1:6", "[fe80::2%eth0]:7"},
    {"+switch-master", "my master 10.0.0.1 6 10.0.0.2 7", REEF_SAYS_SWITCHED,
     "10.0.0.1:6", "10.0.0.2:7"},
    {"+switch-master", "my master fd00::1 6 b_2.example 7", REEF_SAYS_SWITCHED,
     "[fd00::1]:6", "b_2.example:7"},
    {"-failover-abort-no-good-slave", "master my master 10.0.0.1 6", REEF_SAYS_ABORTED,
     "10.0.0.1:6", ""},
    {"-failover-abort-not-elected", "master my master fd00::1 6", REEF_SAYS_ABORTED,
     "[fd00::1]:6", ""},
    {"-failover-abort-", "master my master azAZ09.-_ 6", REEF_SAYS_ABORTED,
     "azAZ09.-_:6", ""},
    {"-failover-abort-slave-timeout", "master my master a 6", REEF_SAYS_ABORTED, "a:6",
     ""},
    /* of others */
    {"+selected-slave", "slave b:7 b 7 @ master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ other 1 2 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ my master 2 a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ My master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ my  master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ my master^ a 6", 0, "", ""},
    {"+selected-slave", "master my master a 6", 0, "", ""},
    {"+selected-slave", "sentinel b:7 b 7 @ my master a 6", 0, "", ""},
    {"+promoted-slave", "slave b:7 b 7 @ mymaster a 6", 0, "", ""},
    {"+switch-master", "a my master 10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    {"+switch-master", "my master @ my master 10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    {"+switch-master", "my master 10.0.0.1 6 10.0.0.2 7 10.0.0.3 8", 0, "", ""},
    {"-failover-abort-not-elected", "master my a 6", 0, "", ""},
    {"-failover-abort-not-elected", "slave b:7 b 7 @ my master a 6", 0, "", ""},
    /* of other kinds */
    {"+slave", "slave b:7 b 7 @ my master a 6", 0, "", ""},
    {"+selected-slavex", "slave b:7 b 7 @ my master a 6", 0, "", ""},
    {"+switch-maste", "my master 10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    {"-failover-abort", "master my master a 6", 0, "", ""},
    {"+SWITCH-MASTER", "my master 10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    {"", "my master 10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    /* malformed */
    {"+selected-slave", "", 0, "", ""},
    {"+selected-slave", "slave", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ ", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 # my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b  @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 0 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 65536 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ my master a 0", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ my master a 65536", 0, "", ""},
    {"+selected-slave", "slave b:7 b -7 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 18446744073709551623 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b\x1B[2J 7 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b^c 7 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7^ @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 /b 7 @ my master a 6", 0, "", ""},
    {"+selected-slave", "slave b:7 b 7 @ my master a\t6", 0, "", ""},
    {"+switch-master", "10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    {"+switch-master", "my master 10.0.0.1 6 10.0.0.2", 0, "", ""},
    {"+switch-master", "my master  6 10.0.0.2 7", 0, "", ""},
    {"+switch-master", "my master 10.0.0.1 6 10.0.0.2 7 ", 0, "", ""},
    {"+switch-master", " my master 10.0.0.1 6 10.0.0.2 7", 0, "", ""},
    {"+switch-master", "my master 10.0.0.1 x 10.0.0.2 7", 0, "", ""},
    {"-failover-abort-x", "master my master a", 0, "", ""},
    {"-failover-abort-x", "my master a 6", 0, "", ""},
    {"-failover-abort-x", "master", 0, "", ""},
};

/* The same whether it came by its name or by a pattern, and in either protocol. */
static void announced(const struct announcement *a, int proto, bool pattern)
{
    char parts[512];
    reef_says_event event;
    snprintf(parts, sizeof parts, "%c%d|%s|%s|%s", proto == 3 ? '>' : '*',
             pattern ? 4 : 3, pattern ? "pmessage|*" : "message", a->channel,
             a->payload);
    /* A part that begins with "*" is a header: the pattern is a text. */
    if (pattern)
        parts[strchr(parts + 1, '*') - parts] = '+';
    reef_reply *push = made(proto, parts);
    spoil(&event, sizeof event);
    reef_says_kind kind = reef_says_push(push, "my master", &event);
    assert_int_equal(kind, event.kind);
    if (kind != a->kind)
        fail_msg("%s %s: %d", a->channel, a->payload, (int)event.kind);
    check_place(a->payload, &event.from, a->from);
    check_place(a->payload, &event.to, a->to);
    assert_false(reef_says_confirms(push));
    reef_reply_free(push);
}

static void announcing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof announcements / sizeof announcements[0]; i++) {
        announced(&announcements[i], 3, false);
        announced(&announcements[i], 3, true);
        announced(&announcements[i], 2, false);
        announced(&announcements[i], 2, true);
    }
}

/* Names that look like what stands around them. */
static void odd_names(void **state)
{
    static const char *const names[] = {
        "m",          "@",     "a @ b",   "@ @",           " ",      "1 2 3 4",
        "10.0.0.1 6", "a b  ", "slave x", "x\xC3\xA4\xFF", "master", "m^"};
    char parts[512];
    reef_says_event event;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            bool same = i == j && strcmp(names[i], "m^") != 0;
            snprintf(parts, sizeof parts,
                     ">3|message|+selected-slave|slave b:7 b 7 @ "
                     "%s a 6",
                     names[i]);
            reef_reply *push = made(3, parts);
            reef_says_push(push, names[j], &event);
            assert_int_equal(event.kind, same ? REEF_SAYS_SELECTED : REEF_SAYS_NOTHING);
            reef_reply_free(push);
            snprintf(parts, sizeof parts, ">3|message|+switch-master|%s a 6 b 7",
                     names[i]);
            push = made(3, parts);
            reef_says_push(push, names[j], &event);
            assert_int_equal(event.kind, same ? REEF_SAYS_SWITCHED : REEF_SAYS_NOTHING);
            reef_reply_free(push);
            snprintf(parts, sizeof parts, ">3|message|-failover-abort-x|master %s a 6",
                     names[i]);
            push = made(3, parts);
            reef_says_push(push, names[j], &event);
            assert_int_equal(event.kind, same ? REEF_SAYS_ABORTED : REEF_SAYS_NOTHING);
            reef_reply_free(push);
        }
}

static void no_announcements(void **state)
{
    static const char *const parts[] = {
        ">2|message|+switch-master",
        ">4|message|+switch-master|m a 6 b 7|x",
        ">3|pmessage|+switch-master|m a 6 b 7",
        ">5|pmessage|p|+switch-master|m a 6 b 7|x",
        ">3|smessage|+switch-master|m a 6 b 7",
        ">3|MESSAGE|+switch-master|m a 6 b 7",
        ">3|message|+switch-master|:5",
        ">3|message|+switch-master|*1|m a 6 b 7",
        ">3|message|*1|+switch-master|m a 6 b 7",
        ">3|message|_|m a 6 b 7",
        ">3|:1|:2|:3",
        ">1|message",
        "*0",
        "_",
        ":3",
        "message",
        "~3|message|+switch-master|m a 6 b 7",
        "%1|message|+switch-master",
    };
    reef_says_event event;
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        reef_reply *push = made(3, parts[i]);
        spoil(&event, sizeof event);
        if (reef_says_push(push, "m", &event) != REEF_SAYS_NOTHING)
            fail_msg("%s", parts[i]);
        assert_int_equal(event.kind, REEF_SAYS_NOTHING);
        check_place(parts[i], &event.to, "");
        check_place(parts[i], &event.from, "");
        reef_reply_free(push);
    }
    reef_reply *failed = reef_reply_failed(REEF_UNSENT, "late");
    assert_int_equal(reef_says_push(failed, "m", &event), REEF_SAYS_NOTHING);
    assert_false(reef_says_confirms(failed));
    reef_reply_free(failed);
    failed = raw(3, ">3\r\n+message\r\n-+switch-master\r\n+m a 6 b 7\r\n");
    assert_int_equal(reef_says_push(failed, "m", &event), REEF_SAYS_NOTHING);
    reef_reply_free(failed);
}

/* Any kind of text is one. */
static void kinds_of_text(void **state)
{
    reef_says_event event;
    (void)state;
    reef_reply *push = raw(3, ">3\r\n+message\r\n=18\r\ntxt:+switch-master\r\n"
                              "+m a 6 b 7\r\n");
    assert_int_equal(reef_says_push(push, "m", &event), REEF_SAYS_SWITCHED);
    check_place("status", &event.to, "b:7");
    reef_reply_free(push);
    push = raw(3, ">3\r\n+subscribe\r\n+x\r\n:1\r\n");
    assert_true(reef_says_confirms(push));
    reef_reply_free(push);
}

static void confirmations(void **state)
{
    static const struct {
        const char *parts;
        bool good;
    } cases[] = {
        {">3|subscribe|+selected-slave|:1", true},
        {">3|psubscribe|-failover-abort-x|:4", true},
        {"*3|subscribe|+switch-master|:2", true},
        {">3|subscribe|+switch-master|:0", false},
        {">3|subscribe|+switch-master|:-1", false},
        {">3|subscribe|+switch-master|1", false},
        {">3|unsubscribe|+switch-master|:1", false},
        {">3|punsubscribe|+switch-master|:1", false},
        {">2|subscribe|+switch-master", false},
        {">4|subscribe|+switch-master|:1|:1", false},
        {"~3|subscribe|+switch-master|:1", false},
        {"subscribe", false},
        {"_", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_reply *push = made(3, cases[i].parts);
        reef_says_event event;
        if (reef_says_confirms(push) != cases[i].good)
            fail_msg("%s", cases[i].parts);
        assert_int_equal(reef_says_push(push, "m", &event), REEF_SAYS_NOTHING);
        reef_reply_free(push);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),        cmocka_unit_test(announcing),
        cmocka_unit_test(odd_names),     cmocka_unit_test(no_announcements),
        cmocka_unit_test(kinds_of_text), cmocka_unit_test(confirmations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
