/* SPDX-License-Identifier: Apache-2.0
 *
 * The router for a Cluster in random weather: nodes die, hang, change their roles and
 * views, slots move, answers are errors. Every call ends once, by its deadline; nothing
 * spins (the kit looks); and once all is well again, calls are served. What nodes do to
 * keys is the simulator's matter; here it is cheap to look at every state. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 200, STEPS = 60, CALLS = 4096, RECOVERED_MS = 500 };

typedef struct chaos {
    ring *r;
    uint64_t random, epoch;
    uint64_t first; /* ticket; the others follow it, one by one */
    int64_t deadline_ms[CALLS];
    bool done[CALLS], good[CALLS];
    uint32_t count;
} chaos;

static uint32_t draw(chaos *c, uint32_t bound)
{
    c->random = c->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(c->random >> 33) % bound;
}

static void note_call(chaos *c, uint64_t ticket, uint32_t count, int64_t timeout_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = ticket + i;
        assert_true(c->count < CALLS && at != 0);
        if (c->count == 0)
            c->first = at;
        c->count++;
        assert_true(at - c->first < CALLS);
        c->deadline_ms[at - c->first] = c->r->s.k.now_ms + timeout_ms;
    }
}

static void take_done(chaos *c)
{
    reef_done done;
    while (reef_engine_next_done(c->r->s.k.engine, &done)) {
        uint64_t at = done.ticket - c->first;
        assert_true(at < CALLS && c->deadline_ms[at] > 0 && !c->done[at]);
        assert_true(c->r->s.k.now_ms <= c->deadline_ms[at]);
        c->done[at] = true;
        c->good[at] = reef_reply_code(done.reply) == REEF_OK;
        reef_reply_free(done.reply);
    }
}

/* Errands take numbers as well, so the tickets of calls are not next to each other. */
static void check_overdue(const chaos *c)
{
    for (uint32_t i = 0; i < CALLS; i++)
        if (c->deadline_ms[i] > 0 && c->deadline_ms[i] < c->r->s.k.now_ms &&
            !c->done[i])
            fail_msg("call %u was to end at %lld", (unsigned)i,
                     (long long)c->deadline_ms[i]);
}

static void call(chaos *c)
{
    static const char *const words[] = {"GET a",  "SET b 1", "INCR c", "MGET {b}1 {b}2",
                                        "DBSIZE", "KEYS b",  "GET f",  "EVAL x 1 b"};
    static const int64_t timeouts[] = {5, 50, 300, 1500};
    int64_t timeout_ms = timeouts[draw(c, 4)];
    uint32_t which = draw(c, 11);
    if (which < 8)
        note_call(c,
                  draw(c, 2) ? ring_call(c->r, words[which], timeout_ms)
                             : ring_again(c->r, words[which], timeout_ms),
                  1, timeout_ms);
    else if (which == 8)
        note_call(c, ring_call(c->r, "MULTI,SET b 1,EXEC", timeout_ms), 3, timeout_ms);
    else if (which == 9)
        note_call(c, ring_call(c->r, "SET b 1,GET b", timeout_ms), 2, timeout_ms);
    else
        note_call(c, ring_order(c->r, "DBSIZE", c->r->nodes[draw(c, 7)].id, timeout_ms),
                  1, timeout_ms);
}

/* One node, or all, believe in something else. */
static void believe(chaos *c)
{
    static const char *const slots[] = {
        "0-5460 0 3,5461-10922 1 4,10923-16383 2 5",
        "0-5460 3 0,5461-10922 1 4,10923-16383 2 5",
        "0-5460 3,5461-10922 4 1,10923-16383 2 5 6",
        "0-3000 0 3,3001-8000 6,8001-10922 1 4,10923-16383 2 5",
        "0-3299 0 3,3300-3300 2 5,3301-10922 1 4,10923-16383 2 5",
        "5461-10922 1 4,10923-16383 5 2",
        "0-16383 6 0 1 2 3 4 5",
    };
    int node = draw(c, 2) ? RING_NONE : (int)draw(c, 7);
    ring_believe(c->r, node, slots[draw(c, sizeof slots / sizeof slots[0])]);
    if (draw(c, 2))
        ring_epoch(c->r, node, draw(c, 7), ++c->epoch);
}

static void say_something(chaos *c)
{
    static const char *const words[] = {
        "-LOADING Redis is loading the dataset in memory",
        "-CLUSTERDOWN The cluster is down",
        "-CLUSTERDOWN Hash slot not served",
        "-CLUSTERDOWN The cluster is down and only accepts read commands",
        "-TRYAGAIN Multiple keys request during rehashing of slot",
        "-MOVED 3300 10.0.0.7:6379",
        "-MOVED 3300 10.0.0.1:6379",
        "-MOVED 3300 :6379",
        "-MOVED 3300 ?:6379",
        "-ASK 3300 10.0.0.3:6379",
        "-ASK 7365 10.0.0.77:6379",
        "-READONLY You can't write against a read only replica.",
        "-NOREPLICAS Not enough good replicas to write.",
        "-MASTERDOWN Link with MASTER is down",
        "-ERR of another kind",
    };
    ring_node *n = &c->r->nodes[draw(c, 7)];
    n->says = draw(c, 3) ? words[draw(c, sizeof words / sizeof words[0])] : NULL;
    n->times = 1 + draw(c, 9);
}

static void move(chaos *c)
{
    c->r->move.slot = draw(c, 2) ? 3300 : RING_NONE;
    c->r->move.from = (int)draw(c, 3);
    c->r->move.to = (c->r->move.from + 1) % 7;
    c->r->move.torn = draw(c, 2);
    c->r->move.here = draw(c, 2);
}

static void weather(chaos *c)
{
    static const fake_way ways[] = {FAKE_UP,      FAKE_UP,   FAKE_UP,
                                    FAKE_REFUSES, FAKE_DEAF, FAKE_MUTE};
    uint32_t node = draw(c, 7);
    switch (draw(c, 8)) {
    case 0:
    case 1:
        ring_way(c->r, node, ways[draw(c, 6)]);
        break;
    case 2:
        stage_cut(&c->r->s, c->r->nodes[node].f);
        break;
    case 3:
        believe(c);
        break;
    case 4:
        say_something(c);
        break;
    case 5:
        move(c);
        break;
    case 6:
        c->r->nodes[node].f->turns = draw(c, 3) ? NULL : draw(c, 2) ? "SLOTS" : "HELLO";
        break;
    default:
        c->r->nodes[node].myid =
            draw(c, 4) ? NULL : "ffffffffffffffffffffffffffffffffffffffff";
        break;
    }
}

static void heal(chaos *c)
{
    for (uint32_t i = 0; i < 7; i++) {
        ring_node *n = &c->r->nodes[i];
        n->says = n->myid = NULL;
        n->f->turns = NULL;
        ring_way(c->r, i, FAKE_UP);
        ring_epoch(c->r, RING_NONE, i, 1000 + i);
    }
    c->r->move.slot = RING_NONE;
    ring_believe(c->r, RING_NONE, "0-5460 0 3,5461-10922 1 4,10923-16383 2 5 6");
}

/* Soon; and nothing is left of the calls before. */
static void recovers(chaos *c)
{
    static const char *const words[] = {"GET a", "GET b", "GET c"};
    uint64_t ids[3];
    for (uint32_t i = 0; i < 3; i++) {
        ids[i] = ring_call(c->r, words[i], RECOVERED_MS);
        note_call(c, ids[i], 1, RECOVERED_MS);
    }
    for (int ms = 0; ms < 2000; ms++) {
        ring_pass(c->r, 1);
        take_done(c);
    }
    check_overdue(c);
    for (uint32_t i = 0; i < 3; i++)
        if (!c->good[ids[i] - c->first])
            fail_msg("%s failed", words[i]);
}

static void run(uint64_t seed)
{
    static chaos c;
    static const int64_t pauses[] = {0, 1, 7, 40, 150, 700};
    memset(&c, 0, sizeof c);
    c.random = seed;
    c.epoch = 10;
    c.r = ring_hosts(seed % 3 == 0 ? "\"10.0.0.2\"" : "\"10.0.0.1\", \"10.0.0.6\"", "");
    ring_add(c.r, "10.0.0.7");
    stage_add(&c.r->s, "10.0.0.77", 6379)->way = FAKE_REFUSES;
    ring_believe(c.r, 6, c.r->nodes[0].view.slots);
    for (int i = 0; i < STEPS; i++) {
        for (uint32_t k = draw(&c, 4); k > 0; k--)
            call(&c);
        weather(&c);
        for (int64_t left = pauses[draw(&c, 6)]; left > 0; left--) {
            ring_pass(c.r, 1);
            take_done(&c);
        }
        ring_run(c.r);
        take_done(&c);
        check_overdue(&c);
    }
    heal(&c);
    recovers(&c);
    ring_stop(c.r);
}

static void test_chaos(void **state)
{
    (void)state;
    const char *one = getenv("SEED");
    if (one) {
        run(strtoull(one, NULL, 0));
        return;
    }
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        if (seed % 20 == 1)
            print_message("from seed %llu (SEED=… runs one)\n",
                          (unsigned long long)seed);
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chaos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
