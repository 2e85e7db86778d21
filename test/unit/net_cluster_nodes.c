/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of a Cluster's nodes: who is found, who comes and goes. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static reef_place at(const char *host, uint16_t port)
{
    reef_place place = {.port = port};
    snprintf(place.host, sizeof place.host, "%s", host);
    return place;
}

static ring *empty(void)
{
    ring *r = ring_usual("");
    assert_int_equal(ring_state(r)->live_count, 0);
    return r;
}

static reef_cnode *add(ring *r, const char *id, const char *host, uint16_t port)
{
    reef_place place = at(host, port);
    return reef_cluster_add(r->s.k.engine, id, &place);
}

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void test_finding(void **state)
{
    (void)state;
    ring *r = empty();
    reef_cluster *c = ring_state(r);
    reef_cnode *a = add(r, ID_A, "10.0.0.1", 1), *b = add(r, ID_B, "10.0.0.1", 2),
               *d = add(r, "", "10.0.0.2", 2);
    assert_ptr_equal(reef_cluster_by_id(c, ID_A), a);
    assert_ptr_equal(reef_cluster_by_id(c, ID_B), b);
    assert_null(reef_cluster_by_id(c, ""));
    assert_null(reef_cluster_by_id(c, "cccccccccccccccccccccccccccccccccccccccc"));
    reef_place place = at("10.0.0.2", 2);
    assert_ptr_equal(reef_cluster_by_place(c, &place), d);
    place.port = 3;
    assert_null(reef_cluster_by_place(c, &place));
    assert_ptr_equal(reef_cluster_by_port(c, 1), a);
    assert_null(reef_cluster_by_port(c, 2)); /* two have it */
    assert_null(reef_cluster_by_port(c, 3));
    assert_ptr_equal(reef_cluster_node(c, b->serial), b);
    assert_null(reef_cluster_node(c, 0));
    assert_null(reef_cluster_node(c, UINT32_MAX));
    assert_int_equal(reef_cluster_number(d), 2);
    ring_stop(r);
}

/* Who remembers a node that is gone finds nobody, whoever has its number now. */
static void test_serials(void **state)
{
    (void)state;
    ring *r = empty();
    reef_cluster *c = ring_state(r);
    uint32_t serial = 0;
    for (int i = 0; i < 3000; i++) {
        reef_cnode *n = add(r, ID_A, "10.0.0.1", 1);
        assert_int_equal(reef_cluster_number(n), 0);
        assert_true(n->serial != 0 && n->serial != serial &&
                    !(n->serial & REEF_SERIAL_SEED));
        assert_null(reef_cluster_node(c, serial));
        serial = n->serial;
        reef_cluster_drop(r->s.k.engine, n, "test");
        assert_null(reef_cluster_node(c, serial));
        assert_int_equal(c->live_count, 0);
    }
    c->uses = ~REEF_SERIAL_SEED >> REEF_SERIAL_BITS; /* they begin anew */
    reef_cnode *n = add(r, ID_A, "10.0.0.1", 1);
    assert_true(n->serial != 0 && !(n->serial & REEF_SERIAL_SEED));
    ring_stop(r);
}

/* As many as there may be; a number that is free is used again. */
static void test_limit(void **state)
{
    (void)state;
    ring *r = empty();
    reef_cluster *c = ring_state(r);
    char id[REEF_NODE_ID + 1];
    for (uint32_t i = 0; i < REEF_NODES_MAX; i++) {
        snprintf(id, sizeof id, "%040x", (unsigned)i);
        assert_non_null(add(r, id, "10.0.0.1", (uint16_t)(i + 1)));
        assert_true(r->s.k.engine->serve_max > c->live_count + c->seed_count);
    }
    assert_null(add(r, ID_A, "10.0.0.1", 2000));
    assert_true(r->s.k.engine->serve_max <= REEF_LINKS_MAX);
    reef_cluster_drop(r->s.k.engine, c->nodes[500], "test");
    reef_cnode *n = add(r, ID_A, "10.0.0.1", 2000);
    assert_int_equal(reef_cluster_number(n), 500);
    assert_null(add(r, ID_B, "10.0.0.1", 2001));
    assert_int_equal(c->node_count, REEF_NODES_MAX);
    ring_stop(r);
}

/* All that there may be are found by their ids, and nobody else, whoever had their
 * numbers before. */
static void test_finding_many(void **state)
{
    (void)state;
    ring *r = empty();
    reef_cluster *c = ring_state(r);
    char id[REEF_NODE_ID + 1];
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < REEF_NODES_MAX; i++) {
            snprintf(id, sizeof id, "%08x%032x", (unsigned)round, (unsigned)i);
            assert_null(reef_cluster_by_id(c, id));
            reef_cnode *n = add(r, id, "10.0.0.1", (uint16_t)(i + 1));
            assert_ptr_equal(reef_cluster_by_id(c, id), n);
        }
        for (uint32_t i = 0; i < REEF_NODES_MAX; i++) {
            snprintf(id, sizeof id, "%08x%032x", (unsigned)round, (unsigned)i);
            assert_int_equal(reef_cluster_by_id(c, id)->place.port, i + 1);
            id[0] = 'f';
            assert_null(reef_cluster_by_id(c, id));
        }
        for (uint32_t i = 0; i < REEF_NODES_MAX; i++)
            reef_cluster_drop(r->s.k.engine, c->nodes[i], "test");
        assert_null(reef_cluster_by_id(c, id));
    }
    ring_stop(r);
}

/* Who is dropped leaves nothing behind: slots, replicas, the active list. */
static void test_drop(void **state)
{
    (void)state;
    ring *r = empty();
    reef_cluster *c = ring_state(r);
    reef_cnode *a = add(r, ID_A, "10.0.0.1", 1), *b = add(r, ID_B, "10.0.0.2", 2);
    b->of = reef_cluster_number(a);
    assert_true(reef_slots_set(&c->map, 0, 100, reef_cluster_number(a), 4));
    assert_true(reef_slots_set(&c->map, 101, 200, reef_cluster_number(b), 4));
    reef_cluster_recount(c);
    assert_int_equal(a->slots, 101);
    assert_int_equal(b->slots, 100);
    reef_cluster_rouse(c, a);
    reef_cluster_rouse(c, b);
    reef_cluster_rouse(c, a);
    assert_int_equal(c->active_count, 2);
    reef_cluster_drop(r->s.k.engine, a, "test");
    assert_int_equal(c->active_count, 1);
    assert_int_equal(c->active[0], reef_cluster_number(b));
    assert_int_equal(b->of, REEF_NOBODY);
    assert_int_equal(reef_slots_at(&c->map, 50)->owner, REEF_NOBODY);
    assert_int_equal(reef_slots_at(&c->map, 150)->owner, reef_cluster_number(b));
    ring_stop(r);
}

/* Calls of a node that goes wait elsewhere, in their order. */
static void test_calls_of_the_dropped(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "GET a", 2);
    ring_way(r, 0, FAKE_REFUSES);
    uint64_t ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = ring_call(r, "GET b", 5000);
    assert_int_equal(ring_entry(r, 0)->parked.count, 5);
    ring_believe(r, RING_NONE, "5461-10922 1 4,0-5460 2 5,10923-16383 2 5");
    ring_epoch(r, RING_NONE, 2, 9);
    reef_cluster_drop(r->s.k.engine, ring_entry(r, 0), "test");
    ring_pass(r, 500);
    for (int i = 0; i < 5; i++)
        ring_done(r, ids[i], REEF_OK, NULL);
    ring_none_done(r);
    ring_stop(r);
}

/* A link that is on its way when its node goes, too. */
static void test_drop_while_connecting(void **state)
{
    (void)state;
    static const fake_way ways[] = {FAKE_DEAF, FAKE_MUTE};
    for (int i = 0; i < 2; i++) {
        ring *r = ring_hosts("\"10.0.0.2\"", "");
        ring_serves(r, "GET c", 1);
        ring_way(r, 0, ways[i]);
        uint64_t id = ring_call(r, "GET b", 300);
        assert_int_equal(ring_links(r, 0), 1);
        reef_cluster_drop(r->s.k.engine, ring_entry(r, 0), "test");
        ring_run(r);
        assert_int_equal(ring_links(r, 0), 0);
        ring_pass(r, 300);
        reef_done done;
        assert_true(reef_engine_next_done(r->s.k.engine, &done));
        assert_int_equal(done.ticket, id);
        assert_true(reef_reply_code(done.reply) != REEF_OK);
        reef_reply_free(done.reply);
        ring_stop(r);
    }
}

/* At another place: the link there leads to nobody of ours. */
static void test_settle(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    reef_cnode *n = ring_entry(r, 0);
    reef_place same = at("10.0.0.1", 6379), other = at("10.0.0.1", 7000);
    reef_cluster_settle_at(r->s.k.engine, n, &same);
    ring_run(r);
    assert_int_equal(ring_links(r, 0), 1);
    assert_true(reef_cluster_is_up(r->s.k.engine, n));
    reef_cluster_settle_at(r->s.k.engine, n, &other);
    ring_run(r);
    assert_int_equal(ring_links(r, 0), 0);
    assert_false(reef_cluster_is_up(r->s.k.engine, n));
    assert_null(reef_cluster_link(r->s.k.engine, n));
    r->nodes[0].f->port = 7000;
    ring_serves(r, "GET b", 0);
    ring_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_serials),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_finding_many),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_calls_of_the_dropped),
        cmocka_unit_test(test_drop_while_connecting),
        cmocka_unit_test(test_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
