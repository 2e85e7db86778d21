/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster: what answers mean. MOVED, ASK and their like. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOT_B = 3300 };
/* The slot of b, alone, is with node 1. */
static const char ONE_MOVED[] = "0-3299 0 3,3300-3300 1 4,3301-5460 0 3,5461-10922 1 "
                                "4,10923-16383 2 5";

/* ---- MOVED -------------------------------------------------------------------- */

static void test_moved(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, RING_NONE, ONE_MOVED);
    ring_serves(r, "GET b", 1);
    ring_logged(r, "0:GET b;1:GET b;");
    assert_int_equal(ring_owner(r, SLOT_B), 1);
    assert_int_equal(ring_owner(r, SLOT_B - 1), 0);
    assert_int_equal(ring_owner(r, SLOT_B + 1), 0);
    assert_int_equal(r->maps, 1);
    assert_true(strstr(stage_event(&r->s, REEF_EVENT_MOVED).text, "slot 3300") != NULL);
    ring_serves(r, "GET b", 1);
    ring_logged(r, "1:GET b;");
    assert_int_equal(r->maps, 1); /* no two within 100 ms */
    r->s.k.now_ms += 200;
    ring_serves(r, "GET b", 1);
    assert_int_equal(r->maps, 2);
    r->s.k.now_ms += 1000;
    ring_serves(r, "GET b", 1);
    assert_int_equal(r->maps, 2); /* once for each redirect that was news */
    ring_stop(r);
}

/* Views have not heard of it yet: what the owner itself said stays. */
static void test_moved_ahead_of_views(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, 0, ONE_MOVED);
    ring_believe(r, 1, ONE_MOVED);
    ring_serves(r, "GET b", 1);
    ring_believe(r, 1, r->nodes[2].view.slots);
    r->nodes[1].says = "+OK";
    for (int i = 0; i < 20; i++) {
        r->s.k.now_ms += 500;
        ring_done(r, ring_call(r, "GET b", 100), REEF_OK, NULL);
    }
    assert_true(r->maps >= 2);
    assert_int_equal(ring_times_logged(r, "0:GET b;"), 1);
    ring_stop(r);
}

/* A hundred that were on their way when the slot moved: one question for the map. */
static void test_moved_in_a_crowd(void **state)
{
    (void)state;
    ring *r = ring_served();
    uint64_t ids[100];
    ring_way(r, 0, FAKE_MUTE);
    ring_believe(r, RING_NONE, ONE_MOVED);
    for (int i = 0; i < 100; i++)
        ids[i] = ring_call(r, i % 2 ? "GET b" : "APPEND b x", 5000);
    ring_way(r, 0, FAKE_UP);
    ring_pass(r, 1000);
    for (int i = 0; i < 100; i++)
        ring_done(r, ids[i], REEF_OK, NULL);
    assert_int_equal(r->maps, 1);
    assert_int_equal(ring_times_logged(r, "0:"), 100);
    assert_int_equal(ring_times_logged(r, "1:"), 100);
    for (const char *at = strstr(r->log, "1:"); at; at = strstr(at + 1, "1:"))
        assert_int_equal(strncmp(at, "1:APPEND b;1:GET b;", 9) == 0 ||
                             strncmp(at, "1:GET b;", 8) == 0,
                         1);
    ring_stop(r);
}

/* The host stands before the last colon; empty: that of who answered. */
static void test_moved_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *address, *told;
    } cases[] = {
        {"10.0.0.7", NULL},       {"fd00::7", NULL}, {"fd00::7", "[fd00::7]"},
        {"10.0.0.7", "sev.test"}, {"10.0.0.1", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ring *r = ring_usual("");
        ring_node *n = ring_add(r, cases[i].address);
        n->f->port = 7777;
        n->told = cases[i].told;
        stage_name(&r->s, "sev.test", "@ 30 A 10.0.0.7", NULL);
        ring_serves(r, "GET b", 0);
        ring_believe(r, 0, "0-5460 6,5461-10922 1 4,10923-16383 2 5");
        ring_believe(r, 6, r->nodes[0].view.slots);
        ring_serves(r, "GET b", 6);
        ring_stop(r);
    }
}

/* "?" tells no host: the port may. */
static void test_moved_to_a_port(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        ring *r = ring_start("\"10.0.0.1:7001\"", "");
        ring_add(r, "10.0.0.1")->f->port = 7001;
        ring_add(r, "10.0.0.2")->f->port = 7002;
        ring_add(r, "10.0.0.3")->f->port = twice ? 7002 : 7003;
        ring_believe(r, RING_NONE, "0-5460 0,5461-10922 1,10923-16383 2");
        ring_serves(r, "GET b", 0);
        r->nodes[1].told = "?";
        ring_believe(r, RING_NONE,
                     "0-3299 0,3300-3300 1,3301-5460 0,5461-10922 "
                     "1,10923-16383 2");
        r->nodes[0].map = r->nodes[1].map = r->nodes[2].map = "*0\r\n";
        r->s.k.now_ms += 1; /* the map says nothing more */
        uint64_t id = ring_call(r, "GET b", 50);
        if (!twice)
            ring_done(r, id, REEF_OK, NULL);
        assert_int_equal(r->nodes[1].runs, twice ? 0 : 1);
        ring_stop(r);
    }
}

/* By our map it does not own the slot: it is no news, and the call goes to who does. */
static void test_moved_by_another(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_serves(r, "GET a", 2);
    ring_logged(r, "2:GET a;");
    for (uint32_t i = 0; i < 3; i++) /* all but the owner of a err */
        if (i != 2)
            ring_believe(r, (int)i, "0-5460 0 3,5461-16383 1 4");
    uint64_t id = ring_call(r, "KEYS a", 1000); /* not marked as a key: to any master */
    ring_done(r, id, REEF_OK, NULL);
    ring_logged(r, "0:KEYS a;2:KEYS a;");
    assert_int_equal(ring_owner(r, 15495), 2);
    ring_stop(r);
}

/* Two that send calls to each other: five times at once, then with pauses, then no
 * more. */
static void test_moved_in_circles(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-MOVED 3300 10.0.0.2:6379";
    r->nodes[1].says = "-MOVED 3300 10.0.0.1:6379";
    uint64_t id = ring_call(r, "GET b", 9000);
    assert_int_equal(
        ring_times_logged(r, "0:GET b;") + ring_times_logged(r, "1:GET b;"), 6);
    ring_none_done(r);
    ring_pass(r, 4000);
    assert_int_equal(
        ring_times_logged(r, "0:GET b;") + ring_times_logged(r, "1:GET b;"), 17);
    ring_done(r, id, REEF_NOROUTE,
              "redirected 16 times, and sent on again: MOVED 3300");
    assert_in_range(r->maps, 2, 30);
    ring_stop(r);
}

/* The deadline comes first: that is what it says. */
static void test_moved_in_circles_for_a_moment(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-MOVED 3300 10.0.0.2:6379";
    r->nodes[1].says = "-MOVED 3300 10.0.0.1:6379";
    uint64_t id = ring_call(r, "GET b", 100);
    ring_pass(r, 100);
    ring_done(r, id, REEF_NOROUTE, "nodes sent it to each other until the deadline");
    r->nodes[0].says = r->nodes[1].says = "-MOVED 3300 ?:7777";
    id = ring_call(r, "GET b", 100);
    ring_pass(r, 100);
    ring_done(r, id, REEF_NOROUTE, "to a node whose address nobody tells");
    ring_stop(r);
}

/* To itself: it knows no better; a little later it may. */
static void test_moved_to_itself(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-MOVED 3300 10.0.0.1:6379";
    r->nodes[0].times = 3;
    uint64_t id = ring_call(r, "GET b", 9000);
    assert_int_equal(ring_times_logged(r, "0:GET b;"), 1);
    ring_pass(r, 200);
    ring_done(r, id, REEF_OK, NULL);
    ring_logged(r, "0:GET b;0:GET b;0:GET b;0:GET b;");
    ring_stop(r);
}

/* What has another form is an error like others. */
static void test_moved_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-MOVED 16384 10.0.0.2:6379", "-MOVED -1 10.0.0.2:6379", "-MOVED 3300",
        "-MOVED 3300 10.0.0.2",       "-MOVED 3300 10.0.0.2:0",  "-MOVED 3300 a b:1",
        "-ASK 99999 10.0.0.2:6379",   "-MOVEDX 3300 a:1",        "-MOVED  3300 a:1",
    };
    ring *r = ring_served();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        r->nodes[0].says = texts[i];
        r->nodes[0].times = 1;
        uint64_t id = ring_call(r, "GET b", 100);
        ring_done(r, id, REEF_REFUSED, texts[i] + 1);
    }
    assert_int_equal(ring_owner(r, SLOT_B), 0);
    ring_stop(r);
}

/* ---- ASK ---------------------------------------------------------------------- */

static ring *moving(void)
{
    ring *r = ring_served();
    r->move.slot = SLOT_B;
    r->move.from = 0;
    r->move.to = 1;
    return r;
}

static void test_ask(void **state)
{
    (void)state;
    ring *r = moving();
    for (int i = 0; i < 3; i++) {
        ring_serves(r, "GET b", 1);
        ring_logged(r, "0:GET b;1:ASKING;1:GET b;");
        assert_string_equal(r->asked, "1:ASKING;1:GET b;");
    }
    assert_int_equal(ring_owner(r, SLOT_B), 0);
    assert_int_equal(r->maps, 1);
    r->move.here = true;
    ring_serves(r, "GET b", 0);
    assert_false(stage_has_event(&r->s, REEF_EVENT_MOVED));
    ring_stop(r);
}

/* Behind others on the same connection: each answer goes to whom it belongs. */
static void test_ask_among_others(void **state)
{
    (void)state;
    ring *r = moving();
    ring_serves(r, "GET c", 1);
    r->log_len = 0;
    ring_way(r, 0, FAKE_MUTE);
    uint64_t first = ring_call(r, "GET b", 1000), second = ring_call(r, "GET b", 1000);
    ring_way(r, 1, FAKE_MUTE);
    uint64_t third = ring_call(r, "GET c", 1000);
    ring_way(r, 0, FAKE_UP);
    uint64_t fourth = ring_call(r, "GET c", 1000);
    ring_none_done(r);
    r->nodes[1].says = NULL;
    ring_way(r, 1, FAKE_UP);
    ring_done(r, third, REEF_OK, NULL);
    ring_done(r, first, REEF_OK, NULL);
    ring_done(r, second, REEF_OK, NULL);
    ring_done(r, fourth, REEF_OK, NULL);
    ring_logged(r, "0:GET b;0:GET b;1:GET c;1:ASKING;1:GET b;1:ASKING;1:GET b;"
                   "1:GET c;");
    ring_stop(r);
}

/* A value that takes many writes: the answer to ASKING comes in the middle of it. */
static void test_ask_in_parts(void **state)
{
    (void)state;
    enum { VALUE = 40000 };
    static char words[VALUE + 16] = "SET b ";
    memset(words + 6, 'x', VALUE);
    for (size_t take = 7; take <= 7007; take += 1000) {
        ring *r = moving();
        r->s.take = take;
        uint64_t id = ring_call(r, words, 1000);
        ring_done(r, id, REEF_OK, NULL);
        ring_logged(r, "0:SET b;1:ASKING;1:SET b;");
        ring_serves(r, "GET c", 1);
        ring_stop(r);
    }
}

static void test_ask_for_a_transaction(void **state)
{
    (void)state;
    ring *r = moving();
    uint64_t id = ring_call(r, "MULTI,SET b 1,GET b,EXEC", 1000);
    for (uint64_t i = 0; i < 4; i++)
        ring_done(r, id + i, REEF_OK, NULL);
    ring_logged(r, "0:MULTI;0:SET b;0:GET b;0:EXEC;"
                   "1:ASKING;1:MULTI;1:SET b;1:GET b;1:EXEC;");
    assert_string_equal(r->asked, "1:ASKING;1:MULTI;1:SET b;1:GET b;1:EXEC;");
    assert_int_equal(r->nodes[1].runs, 2);
    ring_stop(r);
}

/* Commands that share nothing but their turn: one ASKING would be the first one's. They
 * wait until the slot has moved. */
static void test_ask_for_a_group(void **state)
{
    (void)state;
    ring *r = moving();
    uint64_t id = ring_call(r, "SET b 1,GET b", 1000);
    ring_pass(r, 100);
    ring_none_done(r);
    assert_int_equal(ring_times_logged(r, "1:"), 0);
    assert_in_range(ring_times_logged(r, "0:SET b;"), 2, 60);
    r->move.slot = RING_NONE;
    ring_believe(r, RING_NONE, ONE_MOVED);
    ring_pass(r, 300);
    ring_done(r, id, REEF_OK, NULL);
    ring_done(r, id + 1, REEF_OK, NULL);
    ring_stop(r);
}

/* Part of a group ran: the rest can't follow, or it would run out of its turn. It says
 * what became of it, and the next calls know the way. */
static void test_group_in_part(void **state)
{
    (void)state;
    static const char *const words[] = {
        "-MOVED 3300 10.0.0.2:6379",
        "-ASK 3300 10.0.0.2:6379",
        "-TRYAGAIN Multiple keys request during rehashing of slot",
        "-CLUSTERDOWN Hash slot not served",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        ring *r = ring_served();
        r->nodes[0].says = words[i];
        r->nodes[0].to = "GET";
        r->nodes[0].times = 1;
        r->nodes[1].says = "+OK";
        uint64_t id = ring_call(r, "SET b 1,GET b,APPEND b 2", 1000);
        ring_done(r, id, REEF_OK, NULL);
        ring_done(r, id + 1, REEF_NOROUTE, "did not run, while others of its group");
        ring_done(r, id + 2, REEF_OK, NULL);
        ring_logged(r, "0:SET b;0:GET b;0:APPEND b;");
        assert_int_equal(ring_owner(r, SLOT_B), i == 0);
        ring_stop(r);
        r = ring_served(); /* and so where the others are errors of their own */
        r->nodes[0].says = words[i];
        r->nodes[0].times = 1;
        r->nodes[0].f->turns = "APPEND";
        r->nodes[0].f->away = "WRONGTYPE Operation against a key";
        id = ring_call(r, "GET b,APPEND b 2", 1000);
        ring_done(r, id, REEF_NOROUTE, "did not run, while others of its group");
        ring_done(r, id + 1, REEF_REFUSED, "WRONGTYPE");
        ring_stop(r);
    }
}

/* It did not run now, but was sent before to a link that was lost: nobody knows. */
static void test_group_in_part_again(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_way(r, 0, FAKE_MUTE);
    uint64_t id = ring_again(r, "SET b 1,GET b", 5000);
    ring_way(r, 0, FAKE_REFUSES);
    ring_pass(r, 50);
    r->nodes[0].says = "-ASK 3300 10.0.0.2:6379";
    r->nodes[0].to = "GET";
    r->nodes[0].times = 1;
    ring_way(r, 0, FAKE_UP);
    ring_pass(r, 1000);
    ring_done(r, id, REEF_OK, NULL);
    ring_done(r, id + 1, REEF_UNSURE, "An earlier try may have");
    ring_stop(r);
}

/* A script that failed may have written first: it is not sent again for the sake of
 * the command behind it. */
static void test_group_with_a_script(void **state)
{
    (void)state;
    ring *r = ring_served();
    r->nodes[0].says = "-MOVED 3300 10.0.0.2:6379";
    r->nodes[0].to = "GET";
    r->nodes[0].f->turns = "EVAL";
    r->nodes[0].f->away = "ERR attempt to compare nil with number";
    uint64_t id = ring_call(r, "EVAL b,GET b", 1000);
    ring_done(r, id, REEF_REFUSED, "ERR attempt");
    ring_done(r, id + 1, REEF_REFUSED, "MOVED");
    ring_logged(r, "0:GET b;");
    ring_stop(r);
}

/* The node that it names is down: the slot's owner is asked again. */
static void test_ask_of_a_dead_node(void **state)
{
    (void)state;
    ring *r = moving();
    ring_way(r, 1, FAKE_REFUSES);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_pass(r, 300);
    ring_none_done(r);
    ring_way(r, 1, FAKE_UP);
    ring_pass(r, 600);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[1].runs, 1);
    assert_int_equal(ring_owner(r, SLOT_B), 0);
    ring_stop(r);
}

/* The deadline passes before the answer: nobody gets what was another's. */
static void test_ask_in_vain(void **state)
{
    (void)state;
    ring *r = moving();
    ring_serves(r, "GET c", 1);
    ring_way(r, 1, FAKE_MUTE);
    uint64_t first = ring_call(r, "INCR b", 60), second = ring_call(r, "GET c", 900);
    ring_pass(r, 60);
    ring_done(r, first, REEF_UNSURE, "it may have run");
    r->nodes[1].says = "+late";
    uint64_t third = ring_call(r, "GET c", 900);
    ring_way(r, 1, FAKE_UP);
    ring_pass(r, 10);
    ring_done(r, second, REEF_OK, NULL);
    ring_done(r, third, REEF_OK, NULL);
    ring_run(r);
    assert_int_equal(ring_links(r, 1), 1);
    assert_int_equal(r->nodes[1].f->opens, 2);
    ring_stop(r);
}

/* Whoever was asked has it no more: back to the owner, and to who has it. */
static void test_ask_too_late(void **state)
{
    (void)state;
    ring *r = moving();
    ring_add(r, "10.0.0.7");
    ring_believe(r, 6, r->nodes[0].view.slots);
    r->nodes[0].says = "-ASK 3300 10.0.0.7:6379";
    r->nodes[0].times = 1;
    ring_serves(r, "GET b", 1);
    ring_logged(r, "0:GET b;6:ASKING;6:GET b;0:GET b;1:ASKING;1:GET b;");
    assert_int_equal(ring_owner(r, SLOT_B), 0);
    ring_stop(r);
}

/* ---- later -------------------------------------------------------------------- */

static void test_try_again(void **state)
{
    (void)state;
    ring *r = moving();
    r->move.torn = r->move.here = true;
    uint64_t id = ring_call(r, "MGET {b}1 {b}2", 1000);
    uint64_t other = ring_call(r, "GET b", 1000);
    uint32_t maps = r->maps;
    ring_done(r, other, REEF_OK, NULL);
    ring_pass(r, 500);
    ring_none_done(r);
    assert_in_range(ring_times_logged(r, "0:MGET"), 4, 40);
    assert_in_range(r->maps - maps, 1, 4); /* the move may be over by now */
    r->move.torn = false;
    ring_pass(r, 250);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

static void test_try_again_to_the_end(void **state)
{
    (void)state;
    ring *r = moving();
    r->move.torn = r->move.here = true;
    uint64_t id = ring_call(r, "MGET {b}1 {b}2", 300);
    ring_pass(r, 299);
    ring_none_done(r);
    ring_pass(r, 1);
    ring_done(r, id, REEF_NOROUTE, "was being moved until the deadline");
    r->move.torn = r->move.here = false;
    id = ring_call(r, "SET b 1,GET b", 300);
    ring_pass(r, 300);
    ring_done(r, id, REEF_NOROUTE, "was being moved until the deadline");
    ring_done(r, id + 1, REEF_NOROUTE, "was being moved until the deadline");
    ring_stop(r);
}

/* ---- scripts ------------------------------------------------------------------ */

/* A script may have run, and answer in such words by itself. */
static void test_words_of_scripts(void **state)
{
    (void)state;
    static const char *const own[] = {
        "-TRYAGAIN says the script",    "-MOVED 1 10.0.0.2:6379",
        "-BUSY says the script",        "-LOADING says the script",
        "-CLUSTERDOWN says the script",
    };
    static const char *const servers[] = {
        "-TRYAGAIN Multiple keys request during rehashing of slot",
        "-MOVED 3300 10.0.0.1:6379",
        "-BUSY Redis is busy running a script. You can only call SCRIPT KILL",
        "-CLUSTERDOWN The cluster is down",
        "-CLUSTERDOWN The cluster is down and only accepts read commands",
    };
    ring *r = ring_served();
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        r->nodes[0].says = own[i];
        r->nodes[0].times = 1;
        ring_done(r, ring_call(r, "EVAL x 1 b", 1000), REEF_REFUSED, own[i] + 1);
    }
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        r->nodes[0].says = servers[i];
        r->nodes[0].times = 1;
        uint64_t id = ring_call(r, "EVAL x 1 b", 1000);
        ring_pass(r, 100);
        ring_done(r, id, REEF_OK, NULL);
    }
    ring_stop(r);
}

/* ---- transactions ------------------------------------------------------------- */

static void test_transaction_moved(void **state)
{
    (void)state;
    ring *r = ring_served();
    ring_believe(r, RING_NONE, ONE_MOVED);
    uint64_t id = ring_call(r, "MULTI,SET b 1,EXEC", 1000);
    for (uint64_t i = 0; i < 3; i++)
        ring_done(r, id + i, REEF_OK, NULL);
    ring_logged(r, "0:MULTI;0:SET b;0:EXEC;1:MULTI;1:SET b;1:EXEC;");
    assert_int_equal(r->nodes[0].runs, 1);
    assert_int_equal(r->nodes[1].runs, 1);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_moved_ahead_of_views),
        cmocka_unit_test(test_moved_in_a_crowd),
        cmocka_unit_test(test_moved_hosts),
        cmocka_unit_test(test_moved_to_a_port),
        cmocka_unit_test(test_moved_by_another),
        cmocka_unit_test(test_moved_in_circles),
        cmocka_unit_test(test_moved_in_circles_for_a_moment),
        cmocka_unit_test(test_moved_to_itself),
        cmocka_unit_test(test_moved_malformed),
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_ask_among_others),
        cmocka_unit_test(test_ask_in_parts),
        cmocka_unit_test(test_ask_for_a_transaction),
        cmocka_unit_test(test_ask_for_a_group),
        cmocka_unit_test(test_group_in_part),
        cmocka_unit_test(test_group_in_part_again),
        cmocka_unit_test(test_group_with_a_script),
        cmocka_unit_test(test_ask_of_a_dead_node),
        cmocka_unit_test(test_ask_in_vain),
        cmocka_unit_test(test_ask_too_late),
        cmocka_unit_test(test_try_again),
        cmocka_unit_test(test_try_again_to_the_end),
        cmocka_unit_test(test_words_of_scripts),
        cmocka_unit_test(test_transaction_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
