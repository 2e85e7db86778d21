/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster: the start, which call goes where, who is accepted. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- where to ----------------------------------------------------------------- */

static void test_first_calls(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET c", 1);
    ring_logged(r, "2:GET a;0:GET b;1:GET c;");
    assert_int_equal(r->s.k.now_ms, 1000);
    assert_int_equal(r->maps, 1);
    for (uint32_t i = 0; i < 6; i++) /* replicas are not connected to */
        assert_int_equal(ring_links(r, i), i < 3);
    ring_stop(r);
}

/* One host that says that it is a node of a Cluster: its link is used on. */
static void test_one_host(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.5\"", "");
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET c", 1);
    assert_int_equal(r->nodes[4].f->opens, 1);
    ring_logged(r, "2:GET a;0:GET b;1:GET c;");
    assert_int_equal(r->maps, 1);
    ring_stop(r);
}

/* Nodes that speak RESP2 alone don't say what they are. */
static void test_old_nodes(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < r->count; i++)
        r->nodes[i].f->old = true;
    r->nodes[1].nil = true;
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET b", 0);
    ring_stop(r);
}

static void test_many_at_once(void **state)
{
    (void)state;
    static const char *const words[] = {"GET a", "GET b", "GET c", "GET d"};
    static const int owner[] = {2, 0, 1, 2};
    ring *r = ring_usual("");
    uint64_t ids[64];
    for (uint32_t i = 0; i < 3; i++)
        ring_way(r, i, FAKE_MUTE);
    for (int i = 0; i < 64; i++)
        ids[i] = ring_call(r, words[i % 4], 5000);
    for (uint32_t i = 0; i < 3; i++)
        ring_way(r, i, FAKE_UP);
    reef_done done;
    uint64_t last[3] = {0};
    for (int i = 0; i < 64; i++) { /* of each node in their order */
        assert_true(reef_engine_next_done(r->s.k.engine, &done));
        assert_int_equal(reef_reply_code(done.reply), REEF_OK);
        reef_reply_free(done.reply);
        int node = owner[(done.ticket - ids[0]) % 4];
        assert_true(done.ticket > last[node]);
        last[node] = done.ticket;
    }
    ring_none_done(r);
    ring_stop(r);
}

/* Without a key: a master, the same as long as it is well. */
static void test_keyless(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "DBSIZE", 0);
    ring_serves(r, "DBSIZE", 0);
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t id = ring_call(r, "DBSIZE", 1000);
    ring_pass(r, 20);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(r->nodes[3].runs + r->nodes[4].runs + r->nodes[5].runs, 0);
    assert_int_equal(r->nodes[1].runs + r->nodes[2].runs, 1);
    ring_stop(r);
}

/* Not to one that can't serve now, though it is connected. */
static void test_keyless_elsewhere(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "DBSIZE", 0);
    r->nodes[0].says = "-LOADING Redis is loading the dataset in memory";
    uint64_t id = ring_call(r, "GET b", 1000), any = ring_call(r, "DBSIZE", 1000);
    ring_done(r, any, REEF_OK, NULL);
    assert_int_equal(r->nodes[0].runs, 1);
    r->nodes[0].says = NULL;
    ring_pass(r, 20);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* Keys of different slots: refused before anything is sent. */
static void test_crossed(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (int met = 0; met < 2; met++) {
        uint64_t id = ring_call(r, "MGET {b}1 b {b}2 a c", 1000);
        ring_done(r, id, REEF_BADARG,
                  "'{b}1' (slot 3300) and 'a' (slot 15495) live in different slots");
        id = ring_call(r, "MULTI,SET b 1,SET a 1,EXEC", 1000);
        for (uint64_t i = 0; i < 4; i++)
            ring_done(r, id + i, REEF_BADARG, "'b' (slot 3300) and 'a' (slot 15495)");
        ring_done(r, ring_call(r, "MGET {b}1 b {b}2", 1000), REEF_OK, NULL);
        ring_logged(r, "0:MGET {b}1;");
    }
    ring_stop(r);
}

/* The same when only HELLO tells that it is a Cluster. */
static void test_crossed_is_found_late(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.1\"", "");
    uint64_t id = ring_call(r, "MGET b a", 1000);
    ring_done(r, id, REEF_BADARG, "'b' (slot 3300) and 'a' (slot 15495) live in");
    ring_logged(r, "");
    ring_stop(r);
}

/* To one node, whatever it holds: no redirect is followed. */
static void test_bound(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    r->log_len = 0;
    uint64_t id = ring_order(r, "DBSIZE", r->nodes[4].id, 1000);
    ring_done(r, id, REEF_OK, NULL);
    id = ring_order(r, "GET b", r->nodes[3].id, 1000);
    ring_done(r, id, REEF_REFUSED, "MOVED 3300 10.0.0.1:6379");
    ring_logged(r, "4:DBSIZE;3:GET b;");
    id = ring_order(r, "DBSIZE", "nobody", 1000);
    ring_done(r, id, REEF_NOROUTE, "no node of that id is known");
    ring_way(r, 4, FAKE_REFUSES);
    id = ring_order(r, "DBSIZE", r->nodes[4].id, 300);
    ring_pass(r, 300);
    ring_done(r, id, REEF_CONNECT, "10.0.0.5:6379");
    id = ring_order(r, "DBSIZE", r->nodes[4].id, 3000);
    ring_pass(r, 300);
    ring_none_done(r);
    ring_way(r, 4, FAKE_UP);
    ring_pass(r, 300);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* Its node leaves the cluster while it waits. */
static void test_bound_to_one_that_leaves(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    ring_way(r, 4, FAKE_REFUSES);
    uint64_t id = ring_order(r, "DBSIZE", r->nodes[4].id, 3000);
    ring_pass(r, 50);
    ring_believe(r, RING_NONE, "0-5460 0 3,5461-10922 1,10923-16383 2 5");
    ring_pass(r, 400);
    ring_done(r, id, REEF_NOROUTE,
              "the node that the command was for, 10.0.0.5:6379, has left the cluster; "
              "nothing was sent. Before that: 10.0.0.5:6379: connection refused");
    ring_stop(r);
}

/* ---- not now ------------------------------------------------------------------ */

static const char *const not_now[] = {
    "-LOADING Redis is loading the dataset in memory",
    "-MASTERDOWN Link with MASTER is down",
    "-BUSY Redis is busy running a script.",
    "-READONLY You can't write against a read only replica.",
    "-CLUSTERDOWN The cluster is down",
};

/* Tried again, by turns with its replica, until it serves. */
static void test_not_now(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_now / sizeof not_now[0]; i++) {
        ring *r = ring_usual("");
        ring_serves(r, "GET b", 0);
        r->nodes[0].says = not_now[i];
        r->nodes[0].times = 20;
        uint64_t id = ring_call(r, "SET b 1", 5000),
                 other = ring_call(r, "GET b", 5000);
        ring_serves(r, "GET c", 1);
        ring_pass(r, 150);
        ring_none_done(r);
        assert_in_range(r->nodes[0].times, 1, 6);
        assert_string_equal(stage_event(&r->s, REEF_EVENT_HELD).peer, "10.0.0.1:6379");
        ring_pass(r, 100);
        ring_done(r, id, REEF_OK, NULL);
        ring_done(r, other, REEF_OK, NULL);
        assert_true(stage_has_event(&r->s, REEF_EVENT_RESUMED));
        assert_in_range(r->nodes[3].moveds, 5, 30);
        ring_stop(r);
    }
}

static void test_not_now_to_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_now / sizeof not_now[0]; i++) {
        ring *r = ring_usual("");
        ring_serves(r, "GET b", 0);
        r->nodes[0].says = not_now[i];
        uint64_t id = ring_call(r, "SET b 1", 300), other = ring_call(r, "GET b", 200);
        ring_pass(r, 200);
        ring_done(r, other, REEF_NOROUTE, NULL);
        ring_pass(r, 100);
        ring_done(r, id, REEF_NOROUTE, not_now[i] + 1);
        ring_stop(r);
    }
}

/* A replica says so to a command for itself alone: it is asked again, with pauses. */
static void test_not_now_of_a_bound_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_now / sizeof not_now[0]; i++) {
        ring *r = ring_usual("");
        ring_serves(r, "GET b", 0);
        r->log_len = 0;
        r->nodes[4].says = not_now[i];
        uint64_t id = ring_order(r, "DBSIZE", r->nodes[4].id, 5000);
        ring_pass(r, 500);
        ring_none_done(r);
        assert_in_range(r->log_len / strlen("4:DBSIZE;"), 3, 60);
        r->nodes[4].says = NULL;
        ring_pass(r, REEF_BACKOFF_MAX_MS);
        ring_done(r, id, REEF_OK, NULL);
        ring_stop(r);
    }
}

/* What is refused to some commands alone holds up no others: reads go on. */
static void test_not_now_to_writes(void **state)
{
    (void)state;
    static const char *const words[] = {
        "-NOREPLICAS Not enough good replicas to write.",
        "-CLUSTERDOWN The cluster is down and only accepts read commands",
    };
    for (size_t i = 0; i < 2; i++) {
        ring *r = ring_usual("");
        ring_serves(r, "GET b", 0);
        r->nodes[0].says = words[i];
        r->nodes[0].to = "SET";
        uint64_t id = ring_call(r, "SET b 1", 5000);
        for (int k = 0; k < 20; k++) {
            uint64_t read = ring_call(r, "GET b", 1000);
            ring_pass(r, 30);
            ring_done(r, read, REEF_OK, NULL);
        }
        ring_none_done(r);
        assert_false(stage_has_event(&r->s, REEF_EVENT_HELD));
        uint64_t end = ring_call(r, "SET b 2", 300);
        ring_pass(r, 300);
        ring_done(r, end, REEF_REFUSED, words[i] + 1);
        r->nodes[0].says = NULL;
        ring_pass(r, REEF_BACKOFF_MAX_MS);
        ring_done(r, id, REEF_OK, NULL);
        ring_stop(r);
    }
}

/* A key that is not marked as one, in a hole: the server's word, and nobody suffers. */
static void test_hole_of_an_unmarked_key(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_believe(r, RING_NONE, "0-3000 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_serves(r, "GET a", 2);
    uint64_t id = ring_call(r, "KEYS b", 1000);
    ring_done(r, id, REEF_REFUSED, "CLUSTERDOWN Hash slot not served");
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET c", 1);
    assert_false(stage_has_event(&r->s, REEF_EVENT_HELD));
    ring_stop(r);
}

/* Without a key, and no master is well: the first that is again gets it, no replica. */
static void test_keyless_waits(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "DBSIZE", 0);
    for (uint32_t i = 0; i < 3; i++)
        ring_way(r, i, FAKE_REFUSES);
    uint64_t id = ring_call(r, "DBSIZE", 9000), b = ring_call(r, "GET b", 9000);
    uint64_t a = ring_call(r, "GET a", 9000);
    ring_pass(r, 500);
    ring_none_done(r);
    assert_int_equal(r->nodes[3].runs + r->nodes[4].runs + r->nodes[5].runs, 0);
    ring_way(r, 2, FAKE_UP);
    ring_pass(r, 2 * REEF_BACKOFF_MAX_MS);
    reef_done done;
    uint64_t seen = 0;
    while (reef_engine_next_done(r->s.k.engine, &done)) {
        seen += done.ticket;
        assert_int_equal(reef_reply_code(done.reply), REEF_OK);
        reef_reply_free(done.reply);
    }
    assert_int_equal(seen, a + id);
    assert_int_equal(r->nodes[2].runs, 2);
    ring_way(r, 0, FAKE_UP);
    ring_pass(r, 2 * REEF_BACKOFF_MAX_MS);
    ring_done(r, b, REEF_OK, NULL);
    ring_stop(r);
}

/* ---- holes -------------------------------------------------------------------- */

/* Two fresh maps decide; keys elsewhere work. */
static void test_hole(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_believe(r, RING_NONE, "0-3000 0 3,5461-10922 1 4,10923-16383 2 5");
    ring_serves(r, "GET a", 2);
    uint64_t id = ring_call(r, "GET b", 5000);
    ring_none_done(r);
    ring_pass(r, 99);
    assert_int_equal(r->maps, 1);
    ring_none_done(r);
    ring_serves(r, "GET a", 2);
    ring_pass(r, 300);
    ring_done(r, id, REEF_NOROUTE, "no node of the Cluster serves slot 3300");
    assert_int_equal(r->maps, 3);
    assert_int_equal(ring_owner(r, 3300), RING_NONE);
    ring_stop(r);
}

/* Its owner by our map says that nobody serves the slot. */
static void test_hole_that_the_owner_tells(void **state)
{
    (void)state;
    for (int mended = 0; mended < 2; mended++) {
        ring *r = ring_usual("");
        ring_serves(r, "GET b", 0);
        ring_believe(r, RING_NONE, "0-3000 0 3,5461-10922 1 4,10923-16383 2 5");
        uint64_t id = ring_call(r, "SET b 1", 5000);
        ring_pass(r, 50);
        ring_none_done(r);
        if (mended)
            ring_believe(r, RING_NONE, "0-3000 0 3,3001-10922 1 4,10923-16383 2 5");
        ring_pass(r, 400);
        ring_done(r, id, mended ? REEF_OK : REEF_NOROUTE, mended ? NULL : "slot 3300");
        assert_int_equal(r->nodes[1].runs, mended);
        ring_stop(r);
    }
}

/* ---- whom we talk to ---------------------------------------------------------- */

static void test_db(void **state)
{
    (void)state;
    for (int many = 0; many < 2; many++) {
        ring *r =
            ring_hosts(many ? "\"10.0.0.1\", \"10.0.0.2\"" : "\"10.0.0.1\"", "db = 7");
        uint64_t id = ring_call(r, "GET b", 1000);
        ring_pass(r, 10);
        ring_done(r, id, REEF_BADCONFIG,
                  "a Cluster, which has db 0 alone; set db = 0 in "
                  "knot.toml:3, which has 7");
        ring_logged(r, "");
        ring_stop(r);
    }
}

static void test_other_kinds(void **state)
{
    (void)state;
    static const char *const modes[][2] = {
        {"standalone", "says that it is a single server (mode standalone)"},
        {"sentinel", "says that it is a Sentinel"},
    };
    for (size_t i = 0; i < 2; i++) {
        ring *r = ring_usual("");
        for (uint32_t k = 0; k < 3; k++)
            r->nodes[k].f->mode = modes[i][0];
        uint64_t id = ring_call(r, "GET b", 1000);
        ring_pass(r, 10);
        ring_done(r, id, REEF_BADCONFIG, modes[i][1]);
        ring_stop(r);
    }
}

/* One of them is no node: the others are. */
static void test_one_of_another_kind(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 3; k++) {
        ring *r = ring_hosts("\"10.0.0.4\", \"10.0.0.5\", \"10.0.0.6\"", "");
        r->nodes[3 + k].f->mode = "standalone";
        ring_serves(r, "GET b", 0);
        ring_stop(r);
    }
}

static void test_credentials(void **state)
{
    (void)state;
    ring *r = ring_usual("password = \"wrong\"");
    for (uint32_t k = 0; k < 3; k++) {
        r->nodes[k].f->turns = "HELLO";
        r->nodes[k].f->away = "WRONGPASS invalid username-password pair";
    }
    uint64_t id = ring_call(r, "GET b", 1000);
    ring_pass(r, 10);
    ring_done(r, id, REEF_AUTH, "check username and password");
    for (uint32_t k = 0; k < 3; k++)
        r->nodes[k].f->turns = NULL;
    id = ring_call(r, "GET b", 1000); /* a later call has a try of its own */
    ring_pass(r, 300);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* One node turns us away: its calls end, and others go on. */
static void test_credentials_of_one(void **state)
{
    (void)state;
    ring *r = ring_usual("password = \"right\"");
    r->nodes[0].f->turns = "HELLO";
    r->nodes[0].f->away = "WRONGPASS invalid username-password pair";
    ring_serves(r, "GET a", 2);
    uint64_t id = ring_call(r, "GET b", 1000);
    ring_pass(r, 50);
    ring_done(r, id, REEF_AUTH, "10.0.0.1:6379");
    ring_serves(r, "GET c", 1);
    r->nodes[0].f->turns = NULL;
    r->s.k.now_ms += 5000;
    id = ring_call(r, "GET b", 1000);
    ring_pass(r, 500);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

/* ---- deadlines ---------------------------------------------------------------- */

static void test_deadlines(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t k = 0; k < 3; k++)
        ring_way(r, k, FAKE_DEAF);
    uint64_t id = ring_call(r, "GET b", 700);
    ring_pass(r, 699);
    ring_none_done(r);
    ring_pass(r, 1);
    ring_done(r, id, REEF_CONNECT, "before any node of the Cluster had told its map");
    ring_stop(r);

    r = ring_usual("");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_MUTE);
    id = ring_call(r, "GET b", 700); /* sent */
    ring_pass(r, 200);
    uint64_t parked = ring_call(r, "GET b", 700);
    ring_pass(r, 499);
    ring_none_done(r);
    ring_pass(r, 1);
    ring_done(r, id, REEF_UNSURE, "it may have run");
    ring_pass(r, 199);
    ring_none_done(r);
    ring_pass(r, 1);
    ring_done(r, parked, REEF_CONNECT,
              "slot 3300: its master 10.0.0.1:6379 can't be used");
    ring_serves(r, "GET c", 1);
    ring_stop(r);
}

/* Nothing is done, and no time is asked for, while nobody calls. */
static void test_rest(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    assert_true(reef_engine_deadline_ms(r->s.k.engine) == INT64_MAX);
    ring_serves(r, "GET b", 0);
    assert_true(reef_engine_deadline_ms(r->s.k.engine) == INT64_MAX);
    assert_false(reef_engine_busy(r->s.k.engine));
    ring_way(r, 0, FAKE_REFUSES);
    ring_way(r, 1, FAKE_REFUSES);
    ring_pass(r, 60000);
    assert_int_equal(r->nodes[0].f->opens, 1);
    assert_int_equal(r->maps, 1);
    uint64_t id = ring_call(r, "GET b", 500);
    ring_pass(r, 2500);
    ring_done(r, id, REEF_CONNECT, NULL);
    uint32_t opens = r->nodes[0].f->opens, maps = r->maps;
    ring_pass(r, 60000);
    assert_int_equal(r->nodes[0].f->opens, opens);
    assert_int_equal(r->maps, maps);
    assert_true(reef_engine_deadline_ms(r->s.k.engine) == INT64_MAX);
    ring_stop(r);
}

/* Idle work connects before anybody calls. */
static void test_tend(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    reef_engine_tend(r->s.k.engine, r->s.k.now_ms);
    ring_pass(r, 10);
    assert_int_equal(r->maps, 1);
    assert_int_equal(ring_links(r, 0) + ring_links(r, 1) + ring_links(r, 2), 3);
    ring_pass(r, 5000);
    assert_int_equal(r->maps, 1);
    assert_true(reef_engine_deadline_ms(r->s.k.engine) == INT64_MAX);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_calls),
        cmocka_unit_test(test_one_host),
        cmocka_unit_test(test_old_nodes),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_keyless),
        cmocka_unit_test(test_keyless_elsewhere),
        cmocka_unit_test(test_crossed),
        cmocka_unit_test(test_crossed_is_found_late),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_bound_to_one_that_leaves),
        cmocka_unit_test(test_not_now),
        cmocka_unit_test(test_not_now_to_the_end),
        cmocka_unit_test(test_not_now_of_a_bound_one),
        cmocka_unit_test(test_not_now_to_writes),
        cmocka_unit_test(test_keyless_waits),
        cmocka_unit_test(test_hole),
        cmocka_unit_test(test_hole_that_the_owner_tells),
        cmocka_unit_test(test_hole_of_an_unmarked_key),
        cmocka_unit_test(test_db),
        cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_one_of_another_kind),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_credentials_of_one),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_tend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
