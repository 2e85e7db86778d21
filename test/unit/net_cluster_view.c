/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers and operators are told of a Cluster: its members, and why a call found
 * nobody. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const reef_member *member(const reef_member *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].id, id) == 0)
            return &list[i];
    return NULL;
}

static void test_members(void **state)
{
    (void)state;
    reef_member list[8];
    ring *r = ring_usual("");
    reef_engine *e = r->s.k.engine;
    assert_true(reef_engine_is_spread(e));
    assert_int_equal(reef_engine_members(e, list, 8), 0);
    ring_serves(r, "GET b", 0);
    assert_int_equal(reef_engine_members(e, list, 8), 6);
    for (uint32_t i = 0; i < 6; i++) {
        const reef_member *m = member(list, 6, r->nodes[i].id);
        char peer[32];
        snprintf(peer, sizeof peer, "10.0.0.%u:6379", (unsigned)i + 1);
        assert_non_null(m);
        assert_string_equal(m->peer, peer);
        assert_int_equal(m->master, i < 3);
        assert_int_equal(m->slots, i == 1 ? 5462 : i < 3 ? 5461 : 0);
    }
    memset(list, 0x55, sizeof list);
    assert_int_equal(reef_engine_members(e, list, 2), 6);
    assert_int_equal(list[2].id[0], 0x55);
    assert_int_equal(reef_engine_members(e, NULL, 0), 6);
    assert_int_equal(reef_cluster_serial_of(e, r->nodes[1].id),
                     ring_entry(r, 1)->serial);
    assert_int_equal(reef_cluster_serial_of(e, ""), 0);
    assert_int_equal(reef_cluster_serial_of(e, "no id"), 0);
    assert_int_equal(reef_cluster_serial_of(e,
                                            "very long, longer than any id that a node "
                                            "could have"),
                     0);
    ring_stop(r);
}

/* Before HELLO has told what the single host is, keys may be anywhere. */
static void test_members_of_one_host(void **state)
{
    (void)state;
    reef_member list[8];
    ring *r = ring_hosts("\"10.0.0.1\"", "");
    assert_true(reef_engine_is_spread(r->s.k.engine));
    assert_int_equal(reef_engine_members(r->s.k.engine, list, 8), 1);
    ring_serves(r, "GET b", 0);
    assert_true(reef_engine_is_spread(r->s.k.engine));
    assert_int_equal(reef_engine_members(r->s.k.engine, list, 8), 6);
    ring_stop(r);
}

/* Who took over is a member with its slots, before any view says so. */
static void test_members_after_a_promotion(void **state)
{
    (void)state;
    reef_member list[8];
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_REFUSES);
    ring_fail_over(r, 3, 4);
    uint64_t id = ring_call(r, "GET b", 1000);
    ring_pass(r, 50);
    ring_done(r, id, REEF_OK, NULL);
    size_t count = reef_engine_members(r->s.k.engine, list, 8);
    const reef_member *heir = member(list, count, r->nodes[3].id);
    assert_true(heir && heir->master && heir->slots == 5461);
    const reef_member *old = member(list, count, r->nodes[0].id);
    assert_true(!old || (!old->master && old->slots == 0));
    ring_stop(r);
}

/* ---- why ---------------------------------------------------------------------- */

static void ends(ring *r, int64_t timeout_ms, reef_code code, const char *text)
{
    uint64_t id = ring_call(r, "GET b", timeout_ms);
    ring_pass(r, timeout_ms);
    ring_done(r, id, code, text);
    ring_stop(r);
}

static void test_why_no_map(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < 3; i++)
        ring_way(r, i, FAKE_REFUSES);
    ends(r, 300, REEF_CONNECT,
         "none of the 3 hosts of the Cluster can be used; 10.0.0.1:6379: connection "
         "refused");

    r = ring_usual("");
    for (uint32_t i = 0; i < 3; i++)
        ring_way(r, i, FAKE_MUTE);
    ends(r, 300, REEF_CONNECT, "before any node of the Cluster had told its map");

    r = ring_hosts("\"10.0.0.1\", \"10.0.0.2\"", "");
    r->nodes[0].f->mode = "standalone";
    ring_way(r, 1, FAKE_REFUSES);
    ends(r, 300, REEF_BADCONFIG, "says that it is a single server");

    r = ring_hosts("\"10.0.0.1\", \"no.test\"", "");
    ring_way(r, 0, FAKE_REFUSES);
    ends(r, 300, REEF_DNS, "no such name");
}

/* A host that hangs is no reason to give up on the other one's verdict too early. */
static void test_not_hopeless(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.1\", \"10.0.0.2\"", "");
    r->nodes[0].f->mode = "standalone";
    ring_way(r, 1, FAKE_MUTE);
    uint64_t id = ring_call(r, "GET c", 3000);
    ring_pass(r, 1000);
    ring_none_done(r);
    ring_way(r, 1, FAKE_UP);
    ring_pass(r, 500);
    ring_done(r, id, REEF_OK, NULL);
    ring_stop(r);
}

static void test_why_the_node(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_REFUSES);
    ends(r, 300, REEF_CONNECT,
         "slot 3300: its master 10.0.0.1:6379 can't be used, and no replica has taken "
         "over by the deadline; nothing was sent. 10.0.0.1:6379: connection refused");

    r = ring_hosts("\"10.0.0.2\"", "");
    ring_serves(r, "GET c", 1);
    ring_way(r, 0, FAKE_DEAF);
    ends(r, 30, REEF_CONNECT, "10.0.0.1:6379 can't be used");

    r = ring_usual("");
    ring_serves(r, "GET b", 0);
    ring_way(r, 0, FAKE_MUTE);
    (void)ring_call(r, "GET b", 900);
    ring_pass(r, 200);
    ends(r, 300, REEF_CONNECT, "owes answers, and is silent");
}

static void test_why_nobody(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    for (uint32_t i = 0; i < 3; i++)
        ring_serves(r, i == 0 ? "GET b" : i == 1 ? "GET c" : "GET a", i);
    for (uint32_t i = 0; i < 6; i++)
        ring_way(r, i, FAKE_REFUSES);
    uint64_t id = ring_call(r, "DBSIZE", 500);
    ring_pass(r, 500);
    reef_done done;
    assert_true(reef_engine_next_done(r->s.k.engine, &done));
    assert_int_equal(done.ticket, id);
    assert_int_equal(reef_reply_code(done.reply), REEF_CONNECT);
    assert_non_null(strstr(reef_reply_text(done.reply), "connection refused"));
    reef_reply_free(done.reply);
    ring_stop(r);
}

/* Who has told that nobody serves the slot. */
static void test_why_no_owner(void **state)
{
    (void)state;
    ring *r = ring_hosts("\"10.0.0.2\"", "");
    ring_believe(r, RING_NONE, "5461-10922 1 4");
    ends(r, 2000, REEF_NOROUTE,
         "slot 3300, in which the key lives (told by 10.0.0.2:6379");
    r = ring_hosts("\"10.0.0.2\"", "");
    ring_believe(r, RING_NONE, "5461-10922 1 4");
    ring_serves(r, "GET c", 1);
    ends(r, 50, REEF_NOROUTE, "no node of the Cluster serves slot 3300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_members_of_one_host),
        cmocka_unit_test(test_members_after_a_promotion),
        cmocka_unit_test(test_why_no_map),
        cmocka_unit_test(test_not_hopeless),
        cmocka_unit_test(test_why_the_node),
        cmocka_unit_test(test_why_nobody),
        cmocka_unit_test(test_why_no_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
