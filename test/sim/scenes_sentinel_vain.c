/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_sentinel_vain: fail-overs that come to nothing or are rolled back. */
#include "test/sim/scenes.h"

#include <errno.h>
#include <string.h>

/* The leader dies after its announcement; another one does it all again. */
static void scene_leader_dies(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    sim_node_kill(w, w->server, ECONNRESET);
    sim_run(w, w->now_ms);
    sim_failover *f = sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    f->ends = SIM_PROMOTE;
    f->dies = true;
    uint32_t id = sim_call_one(w, SIM_INCR, false, 8000);
    sim_run(w, w->now_ms + 3000);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 1), &w->nodes[2]);
    sim_run_calls(w);
    assert_string_equal(w->calls[id].text, "");
    assert_in_range(w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE], 0, 4);
    sim_scene_end(w);
}

/* The same while the master lives: the hold ends by itself. */
static void scene_hold_ends(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    sim_failover *f = sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    f->ends = SIM_PROMOTE;
    f->dies = true;
    sim_run(w, w->now_ms + 10);
    assert_in_range(sim_scene_answered(w, 5000), 0, 4000);
    assert_in_range(w->nodes[1].roles, 1, 1000);
    assert_int_equal(w->data.astray, 0);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_scene_end(w);
}

/* A replica is the master, says so when nobody waits any more, and is to be replaced
 * itself: that is heard, though no call has gone to it. */
static void scene_back_and_forth(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1])->demote_ms = 100;
    sim_run(w, w->now_ms + 200);
    sim_node_pause(w, &w->nodes[1]);
    uint32_t late = sim_call_one(w, SIM_INCR, false, 50);
    sim_run(w, w->now_ms + 100);
    assert_int_equal(w->calls[late].code, REEF_UNSENT);
    sim_node_resume(w, &w->nodes[1]);
    sim_run(w, w->now_ms + 1000);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), w->server);
    sim_run(w, w->now_ms + 10);
    assert_in_range(sim_scene_after_promotion(w), 0, 4);
    sim_scene_end(w);
}

/* Promoted, and never announced: the others make it a replica again. What was written
 * there in between is lost, which is the price of being early; nothing is stuck. */
static void scene_roll_back(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    sim_failover *f = sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    f->ends = SIM_SEE;
    f->dies = true;
    sim_run(w, w->now_ms + 50);
    assert_in_range(sim_scene_after_promotion(w), 0, 4);
    sim_scene_traffic(w, w->now_ms + 2000);
    sim_run(w, w->now_ms + 8000);
    assert_true(w->nodes[1].replica);
    assert_in_range(sim_scene_answered(w, 5000), 0, 1500);
    sim_scene_traffic(w, w->now_ms + 1000);
    assert_true(w->data.truth == w->server);
    sim_scene_end(w);
}

static void scene_no_good_replica(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    sim_node_kill(w, &w->nodes[1], ECONNRESET);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    sim_scene_traffic(w, w->now_ms + 300);
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

static void vain_select(sim_world *w)
{
    sim_publish(w, sim_scene_sentinel(w, 0), "+selected-slave",
                "slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379");
}

static void vain_abort(sim_world *w)
{
    sim_publish(w, sim_scene_sentinel(w, 0), "-failover-abort-slave-timeout",
                "master mymaster 10.0.0.1 6379");
}

/* Each fail-over is over before the master's word that it still is one can arrive.
 * Calls go on soon all the same; roles are not asked for, and links not opened, without
 * a pause. */
static void scene_chatter(void **state)
{
    (void)state;
    for (uint32_t latency_ms = 1; latency_ms <= 8; latency_ms *= 2) {
        sim_world *w = sim_scene_watching(1, 3);
        uint32_t first = w->call_count;
        w->rates.latency_ms = latency_ms;
        for (int i = 0; i < 1500 && w->failed == NULL; i++) {
            vain_select(w);
            vain_abort(w);
            if (i % 20 == 0) {
                (void)sim_call_one(w, SIM_INCR, false, 1000);
            }
            sim_run(w, w->now_ms + 1);
        }
        sim_run_calls(w);
        for (uint32_t i = first; i < w->call_count; i++) {
            assert_string_equal(w->calls[i].text, "");
            assert_in_range(w->calls[i].done_ms - w->calls[i].submit_ms, 0, 300);
        }
        sim_scene_end(w);
    }
}

/* What is held while nobody calls keeps nobody waiting, and costs nothing of the time
 * that calls may be held for: neither where it is given up nor where it goes on. */
static void scene_idle_hold(void **state)
{
    (void)state;
    for (int aborted = 0; aborted < 2; aborted++) {
        sim_world *w = sim_scene_watching(1, 3);
        vain_select(w);
        sim_run(w, w->now_ms + 8000);
        if (aborted) {
            vain_abort(w);
            sim_run(w, w->now_ms + 100);
        }
        vain_select(w);
        sim_run(w, w->now_ms + 1);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 400);
        sim_run(w, w->now_ms + 100);
        assert_int_equal(w->calls[id].done_ms, 0);
        sim_scene_end(w);
    }
}

static const sim_link *vain_link(const sim_world *w, const sim_node *n)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        if (w->links[i].node == n && w->links[i].state == SIM_OPEN) {
            return &w->links[i];
        }
    }
    fail_msg("%s has no link", n->address);
    return NULL;
}

/* The master's word on a question from before a fail-over that has come to nothing is
 * old: calls wait until it is asked anew. */
static void scene_old_role(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    const sim_link *l = vain_link(w, w->server);
    sim_node_pause(w, w->server);
    vain_select(w);
    sim_run(w, w->now_ms + 1);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 1000);
    int64_t asked_ms = l->asked_ms;
    vain_abort(w);
    sim_run(w, w->now_ms + 10);
    assert_true(l->asked_ms > asked_ms);
    asked_ms = l->asked_ms;
    vain_select(w);
    vain_abort(w);
    sim_run(w, w->now_ms + 1);
    assert_int_equal(l->asked_ms, asked_ms); /* the answer is still to come */
    sim_node_resume(w, w->server);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_true(l->asked_ms > asked_ms);
    sim_scene_end(w);
}

size_t sim_scenes_sentinel_vain(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_leader_dies),     cmocka_unit_test(scene_hold_ends),
        cmocka_unit_test(scene_back_and_forth),  cmocka_unit_test(scene_roll_back),
        cmocka_unit_test(scene_no_good_replica), cmocka_unit_test(scene_chatter),
        cmocka_unit_test(scene_idle_hold),       cmocka_unit_test(scene_old_role),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
