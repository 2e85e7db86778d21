/* SPDX-License-Identifier: Apache-2.0
 *
 * The links of an engine: how many there are, which of them are busy, and who makes
 * room when there are too many. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint32_t busy(const reef_engine *e)
{
    uint32_t count = 0;
    const reef_link *before = NULL;
    for (const reef_link *l = e->busy_first; l; l = l->busy_next) {
        assert_true(l->busy);
        assert_ptr_equal(l->busy_prev, before);
        before = l;
        count++;
    }
    assert_ptr_equal(e->busy_last, before);
    return count;
}

static void test_busy_list(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    reef_engine *e = r->s.k.engine;
    ring_serves(r, "GET a", 2);
    ring_serves(r, "GET b", 0);
    ring_serves(r, "GET c", 1);
    assert_int_equal(busy(e), 0); /* all rest */
    for (uint32_t i = 0; i < 3; i++)
        reef_link_stir(e, e->links[i]);
    reef_link_stir(e, e->links[1]);
    assert_int_equal(busy(e), 3);
    reef_link_rest(e, e->links[1]);
    assert_int_equal(busy(e), 2);
    reef_link_rest(e, e->links[1]);
    reef_link_rest(e, e->links[0]);
    reef_link_rest(e, e->links[2]);
    assert_int_equal(busy(e), 0);
    ring_way(r, 0, FAKE_MUTE); /* one owes an answer */
    uint64_t id = ring_call(r, "GET b", 500);
    assert_int_equal(busy(e), 1);
    ring_way(r, 0, FAKE_UP);
    ring_done(r, id, REEF_OK, NULL);
    assert_int_equal(busy(e), 0);
    ring_stop(r);
}

/* They are made when first needed, and used again. */
static void test_made_when_needed(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    reef_engine *e = r->s.k.engine;
    assert_int_equal(e->link_count, 0);
    for (int i = 0; i < 20; i++) {
        ring_serves(r, "GET b", 0);
        stage_cut(&r->s, r->nodes[0].f);
    }
    assert_int_equal(e->link_count, 3);
    ring_stop(r);
}

/* A Cluster may have so many more than it has nodes; and then nobody gets one. */
static void test_ceiling(void **state)
{
    (void)state;
    ring *r = ring_usual("");
    reef_engine *e = r->s.k.engine;
    ring_serves(r, "GET a", 2);
    assert_int_equal(e->serve_max, 6 + 3 + REEF_SERVE_LINKS_MAX);
    uint32_t count = 3;
    for (reef_link *l; (l = reef_link_take(e, REEF_DUTY_SERVE)) != NULL; count++) {
        assert_int_equal(l->state, REEF_LINK_FREE);
        reef_link_open(e, l, "10.0.0.1", 6379, false);
        assert_true(count < 100);
    }
    assert_int_equal(count, e->serve_max);
    assert_int_equal(e->link_count, count);
    for (uint32_t i = 3; i < count; i++) { /* these have no transport yet */
        reef_error why;
        reef_error_put(&why, REEF_CONNECT, 0, NULL, "test");
        reef_link_fail(e, e->links[i], false, &why);
        assert_int_equal(e->links[i]->state, REEF_LINK_FREE);
    }
    assert_int_equal(reef_link_take(e, REEF_DUTY_SERVE)->index, 3);
    ring_serves(r, "GET b", 0);
    ring_stop(r);
}

/* Connected, the calls sent, and then so long nothing was heard. */
static void silent(kit *k, const char *const calls[], const bool again[], size_t count,
                   int64_t silent_ms)
{
    kit_start(k, "server.redis.hosts = [\"10.0.0.1\"]");
    for (size_t i = 0; i < count; i++)
        kit_submit(k, calls[i], again[i], 5000);
    kit_connect(k);
    kit_expect_sent(k, NULL);
    k->now_ms += silent_ms;
    reef_engine_tick(k->engine, k->now_ms);
}

/* It was replaced. What may not be sent again has some time to be answered, no matter
 * how long nothing was heard before. */
static void test_leaving(void **state)
{
    (void)state;
    static const int64_t silent_ms[] = {0, REEF_SILENCE_HOLD_MS, 1000};
    for (int i = 0; i < 3; i++) {
        kit k;
        silent(&k, (const char *[]){"INCR a"}, (bool[]){false}, 1, silent_ms[i]);
        reef_link_leave(k.engine, k.engine->links[k.link], "test");
        assert_int_equal(k.engine->links[k.link]->state, REEF_LINK_DRAINING);
        kit_tick_to(&k, k.now_ms + REEF_SILENCE_HOLD_MS - 1);
        kit_expect_none_done(&k);
        kit_tick_to(&k, k.now_ms + 1);
        kit_expect_done(&k, 1, REEF_UNSURE, "it may have run");
        kit_expect_close(&k, k.link);
        kit_stop(&k);
    }
}

/* It was silent, and owes nothing that can't be had elsewhere: nobody waits for it. */
static void test_leaving_nothing(void **state)
{
    (void)state;
    kit k;
    silent(&k, (const char *[]){"GET a"}, (bool[]){true}, 1, REEF_SILENCE_HOLD_MS);
    reef_link_leave(k.engine, k.engine->links[k.link], "test");
    kit_expect_close(&k, k.link);
    kit_expect_none_done(&k);
    kit_stop(&k);
}

/* What may be sent again waits at once; the others get their own answers. */
static void test_leaving_in_part(void **state)
{
    (void)state;
    kit k;
    reef_done done;
    silent(&k, (const char *[]){"GET a", "INCR b", "GET c", "INCR d", "GET e"},
           (bool[]){true, false, true, false, true}, 5, REEF_SILENCE_HOLD_MS);
    reef_link *l = k.engine->links[k.link];
    kit_receive(&k, "$1"); /* and the rest of it later: that ends no silence */
    k.now_ms += REEF_SILENCE_HOLD_MS;
    reef_engine_tick(k.engine, k.now_ms);
    reef_link_leave(k.engine, l, "test");
    kit_expect_none_done(&k);
    assert_int_equal(k.engine->totals.retries, 3);
    kit_receive(&k, "\r\nx\r\n:7\r\n$1\r\ny\r\n:8\r\n");
    for (int64_t i = 7; i <= 8; i++) {
        assert_true(reef_engine_next_done(k.engine, &done));
        assert_int_equal(reef_int(reef_reply_root(done.reply), 0), i);
        reef_reply_free(done.reply);
    }
    kit_receive(&k, "$1\r\nz\r\n"); /* the last that it owed */
    kit_expect_none_done(&k);
    assert_int_equal(l->state, REEF_LINK_CLOSING);
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy_list),       cmocka_unit_test(test_made_when_needed),
        cmocka_unit_test(test_ceiling),         cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_leaving_nothing), cmocka_unit_test(test_leaving_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
