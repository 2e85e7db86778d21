/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_sentinel: finding the master by its Sentinels, and fail-overs that go as they
 * should. The network takes no time, so what passes is what the engine waits for. */
#include "test/sim/scenes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 2000, DOWN_AFTER_MS = 400 };

/* ---- props -------------------------------------------------------------------- */

static sim_node *scene_node(sim_world *w, const char *address, uint16_t port)
{
    sim_node *n = sim_add_node(w, address, port);
    size_t at = w->address_count++;
    assert_true(at < SIM_ADDRESSES);
    w->addresses[at].text = address;
    w->addresses[at].port = port;
    w->addresses[at].node = (size_t)(n - w->nodes);
    return n;
}

sim_node *sim_scene_sentinel(sim_world *w, uint32_t index)
{
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i].sentinel != NULL && index-- == 0) {
            return &w->nodes[i];
        }
    }
    fail();
    return NULL;
}

sim_world *sim_scene_sentinels(uint32_t replicas, uint32_t sentinels)
{
    static const char *const data[] = {"10.0.0.2", "10.0.0.3", "10.0.0.4"};
    static const char *const watchers[] = {"10.0.1.1", "10.0.1.2", "10.0.1.3",
                                           "10.0.1.4", "10.0.1.5"};
    sim_world *w = sim_scene_begin();
    w->addresses[0].port = 6379;
    for (uint32_t i = 0; i < replicas; i++) {
        scene_node(w, data[i], 6379)->replica = true;
    }
    for (uint32_t i = 0; i < sentinels; i++) {
        reef_host *h = &w->config.hosts[i];
        (void)sim_make_sentinel(w, scene_node(w, watchers[i], 26379));
        h->kind = REEF_HOST_TCP;
        h->port = 26379;
        memcpy(h->name, watchers[i], strlen(watchers[i]) + 1);
    }
    w->config.host_count = sentinels;
    memcpy(w->config.master_name, "mymaster", 9);
    return w;
}

sim_world *sim_scene_watching(uint32_t replicas, uint32_t sentinels)
{
    sim_world *w = sim_scene_sentinels(replicas, sentinels);
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_run(w, w->now_ms);
    for (uint32_t i = 0; i < sentinels; i++) {
        assert_in_range(sim_scene_sentinel(w, i)->sentinel->subscribes, 1, 9);
    }
    return w;
}

void sim_scene_traffic(sim_world *w, int64_t until_ms)
{
    uint32_t first = w->call_count;
    while (w->now_ms < until_ms && w->failed == NULL) {
        (void)sim_call_one(w, SIM_INCR, false, 5000);
        sim_run(w, w->now_ms + 20);
    }
    sim_run_calls(w);
    sim_scene_whole(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
        assert_int_equal(w->data.ran[i], 1);
    }
}

int64_t sim_scene_after_promotion(sim_world *w)
{
    uint32_t id = sim_call_one(w, SIM_INCR, false, 8000);
    sim_run_calls(w);
    assert_string_equal(w->calls[id].text, "");
    assert_int_equal(w->data.ran[id], 1);
    return w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE];
}

/* kill -9 at this moment, and the fail-over that follows. */
static sim_failover *scene_kill(sim_world *w)
{
    sim_node_kill(w, w->data.truth, ECONNRESET);
    sim_run(w, w->now_ms); /* it is known */
    sim_failover *f = sim_fail_over(w, sim_scene_sentinel(w, 0),
                                    &w->nodes[w->server->replica ? 0 : 1]);
    return f;
}

/* ---- the start ---------------------------------------------------------------- */

static void scene_start(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(2, 3);
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_run(w, w->now_ms);
    for (uint32_t i = 0; i < 3; i++) {
        const sim_sentinel *s = sim_scene_sentinel(w, i)->sentinel;
        assert_in_range(s->asked, 1, 2);
        assert_in_range(s->subscribes, 1, 9);
    }
    assert_int_equal(w->nodes[1].commands + w->nodes[2].commands, 0);
    assert_int_equal(w->opens, 4);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(sim_scene_answered(w, 1000), 0);
    }
    assert_int_equal(w->opens, 4);
    sim_scene_end(w);
}

/* One Sentinel in the settings; the others are learnt from it, and watched. */
static void scene_learnt(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(1, 3);
    w->config.host_count = 1;
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_run(w, w->now_ms + SOON_MS);
    for (uint32_t i = 0; i < 3; i++) {
        assert_in_range(sim_scene_sentinel(w, i)->sentinel->subscribes, 1, 9);
    }
    /* The configured one dies: the others serve. */
    sim_node_kill(w, sim_scene_sentinel(w, 0), ECONNRESET);
    sim_node_break(w, w->server, ECONNRESET);
    sim_run(w, w->now_ms);
    assert_in_range(sim_scene_answered(w, 3000), 0, 300);
    sim_scene_end(w);
}

/* ---- fail-overs --------------------------------------------------------------- */

/* The master is killed: calls wait, and the first success comes with the promotion. */
static void scene_kill_early(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    sim_node_kill(w, w->server, ECONNRESET);
    sim_run(w, w->now_ms);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run(w, w->now_ms + DOWN_AFTER_MS);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->data.ran[id], 1);
    int64_t late = w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE];
    assert_in_range(late, 0, 4);
    /* It stays there while the Sentinels come to know. */
    sim_run(w, w->now_ms + 1000);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_run(w, w->now_ms + 3000);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

/* The same with announcements alone: the first Sentinel that answers with it. */
static void scene_kill_announced(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(2, 3);
    w->config.failover_announced = true;
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_run(w, w->now_ms);
    (void)scene_kill(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_true(w->failover.at_ms[SIM_SEE] > 0);
    assert_in_range(w->calls[id].done_ms - w->failover.at_ms[SIM_SEE], 0, 70);
    sim_scene_end(w);
}

/* SENTINEL FAILOVER under calls that come every few milliseconds: none is lost. */
static void scene_planned(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 1), &w->nodes[2]);
    uint32_t first = w->call_count;
    for (int i = 0; i < 200; i++) {
        (void)sim_call_one(w, i % 2 ? SIM_SET : SIM_INCR, false, 5000);
        sim_run(w, w->now_ms + 7);
    }
    sim_run_calls(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_int_equal(w->calls[i].code, REEF_OK);
        assert_int_equal(w->data.ran[i], 1);
    }
    assert_int_equal(w->data.astray, 0);
    assert_int_equal(w->failover.at_ms[SIM_PROMOTE] - w->failover.at_ms[SIM_SELECT],
                     100);
    assert_in_range(w->calls[first].done_ms, 0, w->failover.at_ms[SIM_PROMOTE] + 4);
    sim_run(w, w->now_ms + 15000);
    assert_true(w->server->replica);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_scene_end(w);
}

/* A socket that is full at the moment of the selection: what has begun is finished,
 * what has not goes to the new master. */
static void scene_full_socket(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    w->rates.window = 60;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        bool data = w->links[i].state == SIM_OPEN && w->links[i].node == w->server;
        w->links[i].up_ms = data ? w->now_ms + 50 : 0;
    }
    uint32_t first = w->call_count;
    for (int i = 0; i < 12; i++) {
        (void)sim_call_one(w, SIM_INCR, false, 5000);
    }
    (void)sim_call_group(w, false, 5000);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    sim_run(w, w->now_ms + 60);
    uint32_t early = w->ok_count - 1;
    assert_in_range(early, 1, 3);
    w->rates.window = 0;
    sim_run_calls(w);
    sim_scene_whole(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
    }
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

/* Calls that were held go back to the old master once the leader gives up. */
static void scene_abort(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    sim_failover *f = sim_fail_over(w, sim_scene_sentinel(w, 2), &w->nodes[1]);
    f->ends = SIM_PROMOTE;
    f->aborts = true;
    sim_run(w, w->now_ms);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run(w, w->now_ms + 99);
    assert_false(w->calls[id].done);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->calls[id].done_ms - w->calls[id].submit_ms, 100);
    assert_int_equal(w->data.astray, 0);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_scene_end(w);
}

/* Back and forth: the second fail-over is as good as the first. */
static void scene_second(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    for (uint32_t round = 0; round < 4; round++) {
        sim_node *to = &w->nodes[round % 2 == 0 ? 1 : 0];
        (void)sim_fail_over(w, sim_scene_sentinel(w, round % 3), to);
        sim_run(w, w->now_ms + 50);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_OK);
        assert_in_range(w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE], 0, 4);
        sim_run(w, w->now_ms + 13000);
        assert_int_equal(sim_scene_answered(w, 1000), 0);
        assert_ptr_equal(w->data.truth, to);
    }
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

/* A new fail-over begins while the leader of the last one is still at work. */
static void scene_second_at_once(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    sim_run(w, w->now_ms + 1100); /* the others know, the leader does not say so */
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_node_kill(w, &w->nodes[1], ECONNRESET);
    sim_run(w, w->now_ms);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 1), &w->nodes[2]);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_in_range(w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE], 0, 4);
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

/* Nobody calls during the whole fail-over: the first call takes the announcement from
 * the sockets before its command goes out. */
static void scene_idle_client(void **state)
{
    (void)state;
    for (int beat = 0; beat < 2; beat++) {
        sim_world *w = sim_scene_watching(1, 3);
        sim_run(w, w->now_ms + 20000);
        (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
        sim_run(w, w->now_ms + (beat ? 3000 : 150));
        assert_in_range(sim_scene_answered(w, 1000), 0, 4);
        assert_int_equal(w->data.astray, 0);
        sim_scene_end(w);
    }
}

/* Nobody calls for a long time: timers end, Sentinels are left alone. */
static void scene_quiet(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    sim_run(w, w->now_ms + 20000);
    uint32_t commands = 0, later = 0;
    for (size_t i = 0; i < w->node_count; i++) {
        commands += w->nodes[i].commands;
    }
    sim_run(w, w->now_ms + 600000);
    for (size_t i = 0; i < w->node_count; i++) {
        later += w->nodes[i].commands;
    }
    assert_int_equal(later, commands);
    assert_true(reef_engine_deadline_ms(w->engine) == INT64_MAX);
    assert_false(reef_engine_busy(w->engine));
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_scene_end(w);
}

/* What replication had not carried over is gone, and nobody is told otherwise. */
static void scene_lag(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    uint32_t old = sim_call_one(w, SIM_SET, false, 1000);
    sim_run(w, w->now_ms + 500);
    uint32_t last = sim_call_one(w, SIM_SET, false, 1000);
    sim_run_calls(w);
    scene_kill(w)->lag_ms = 300;
    assert_in_range(sim_scene_answered(w, 5000), 0, 104);
    assert_true(w->data.entries[old].there);
    assert_false(w->data.entries[last].there);
    assert_int_equal(w->calls[last].code, REEF_OK);
    sim_scene_end(w);
}

size_t sim_scenes_sentinel(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_start),       cmocka_unit_test(scene_learnt),
        cmocka_unit_test(scene_kill_early),  cmocka_unit_test(scene_kill_announced),
        cmocka_unit_test(scene_planned),     cmocka_unit_test(scene_abort),
        cmocka_unit_test(scene_second),      cmocka_unit_test(scene_second_at_once),
        cmocka_unit_test(scene_idle_client), cmocka_unit_test(scene_quiet),
        cmocka_unit_test(scene_lag),         cmocka_unit_test(scene_full_socket),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
