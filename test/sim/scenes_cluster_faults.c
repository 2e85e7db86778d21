/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_cluster_faults: Clusters with holes, liars and strangers in them, nodes that
 * come and go, and clusters that are gone and come back somewhere else. */
#include "test/sim/scenes.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One call to each of these nodes' slots, each answered within that time. */
static void faults_serve(sim_world *w, size_t first, size_t last, int64_t most_ms)
{
    for (size_t i = first; i <= last; i++) {
        (void)sim_scene_aim(w, &w->nodes[i]);
        assert_in_range(sim_scene_answered(w, 5000), 0, most_ms);
    }
}

static void faults_kill(sim_world *w, sim_node *n)
{
    sim_node_kill(w, n, ECONNRESET);
    sim_cluster_hurt(w, n);
}

/* ---- who is there --------------------------------------------------------------- */

/* The only seed is a replica, or the only node that there is, or dies after the
 * start. */
static void scene_seeds(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 3);
    w->config.hosts[0].port = 7005;
    sim_start(w);
    faults_serve(w, 0, 2, 0);
    faults_kill(w, &w->nodes[5]);
    sim_run(w, w->now_ms + 1000);
    sim_cluster_take_over(w, &w->nodes[3], true);
    sim_run(w, w->now_ms + 50);
    faults_serve(w, 1, 3, 0);
    sim_scene_end(w);
    w = sim_scene_mapped(1, 0);
    faults_serve(w, 0, 0, 0);
    sim_scene_end(w);
}

/* The first of several hosts is dead, silent, or tells nonsense: the others tell. */
static void scene_bad_seed(void **state)
{
    (void)state;
    for (int way = 0; way < 7; way++) {
        sim_world *w = sim_scene_cluster(3, 0);
        for (uint32_t i = 0; i < 3; i++) {
            w->config.hosts[i] = w->config.hosts[0];
            w->config.hosts[i].port = w->nodes[i].port;
        }
        w->config.host_count = 3;
        w->cluster->partial = true;
        w->nodes[0].up = way != 0;
        w->nodes[0].paused = way == 1;
        w->addresses[0].silent = way == 2;
        w->nodes[0].member->fib = way < 3 ? SIM_TRUE : (sim_fib)(way - 1);
        sim_start(w);
        faults_serve(w, 1, 2, way < 3 ? 0 : 700);
        sim_scene_end(w);
    }
}

/* A database other than 0 is found to be wrong when the Cluster is met. */
static void scene_db(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 0);
    w->config.db = 2;
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 1000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_BADCONFIG);
    assert_int_equal(w->calls[id].done_ms, SIM_SCENE_START);
    assert_non_null(strstr(w->calls[id].text, "db"));
    sim_scene_end(w);
}

/* Two keys in different slots: refused before anything is sent, and both are named. */
static void scene_crossed(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 0);
    w->tag = SIM_NO_TAG;
    uint32_t id = sim_call_one(w, SIM_EXISTS, false, 1000);
    sim_run_calls(w);
    char one[16], other[16];
    snprintf(one, sizeof one, "k%u", id);
    snprintf(other, sizeof other, "j%u", id);
    assert_int_equal(w->calls[id].code, REEF_BADARG);
    assert_non_null(strstr(w->calls[id].text, one));
    assert_non_null(strstr(w->calls[id].text, other));
    assert_int_equal(w->calls[id].done_ms, w->calls[id].submit_ms);
    assert_false(w->calls[id].taken);
    sim_scene_end(w);
}

/* ---- what is missing ------------------------------------------------------------ */

/* A slot that nobody serves fails with the reason, soon; the others work; once it has
 * an owner, so does it. */
static void scene_hole(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 0);
    w->cluster->partial = true;
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    int64_t tag = w->tag;
    sim_cluster_hole(w, slot);
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_calls(w);
    char number[16];
    snprintf(number, sizeof number, "%u", slot);
    assert_int_equal(w->calls[id].code, REEF_NOROUTE);
    assert_non_null(strstr(w->calls[id].text, number));
    assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 0, 600);
    faults_serve(w, 0, 2, 0);
    sim_heal(w); /* it is given away again */
    w->tag = tag;
    assert_in_range(sim_scene_answered(w, 5000), 0, 600);
    sim_scene_end(w);
}

/* With full coverage one hole takes all slots down, until it is filled. */
static void scene_hole_covers_all(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 0);
    sim_cluster_hole(w, sim_scene_aim(w, &w->nodes[0]));
    (void)sim_scene_aim(w, &w->nodes[1]);
    uint32_t hasty = sim_call_one(w, SIM_INCR, false, 300);
    uint32_t patient = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run(w, w->now_ms + 1000);
    assert_true(w->calls[hasty].done);
    assert_int_not_equal(w->calls[hasty].code, REEF_OK);
    assert_non_null(strstr(w->calls[hasty].text, "CLUSTERDOWN"));
    assert_false(w->calls[patient].done);
    sim_heal(w);
    int64_t healed = w->now_ms;
    sim_run_calls(w);
    assert_string_equal(w->calls[patient].text, "");
    assert_in_range(w->calls[patient].done_ms - healed, 0, 12);
    sim_scene_end(w);
}

/* Two of three masters are gone: nobody can be elected. When one is back, the other's
 * replica is, and calls that waited are answered. */
static void scene_minority(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    faults_kill(w, &w->nodes[0]);
    faults_kill(w, &w->nodes[1]);
    sim_run(w, w->now_ms);
    uint32_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        (void)sim_scene_aim(w, &w->nodes[i]);
        ids[i] = sim_call_one(w, SIM_INCR, false, 9000);
    }
    sim_run(w, w->now_ms + 3000);
    assert_false(w->calls[ids[0]].done || w->calls[ids[1]].done);
    w->nodes[0].up = true;
    sim_cluster_back(w, &w->nodes[0]);
    sim_run_calls(w);
    sim_scene_whole(w);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(w->calls[ids[i]].text, "");
    }
    assert_in_range(w->calls[ids[1]].done_ms - w->cluster->promoted_ms, 0, 12);
    sim_scene_end(w);
}

/* A master is restarted before anybody misses it, and loads its data for a while. */
static void scene_restart(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    (void)sim_scene_aim(w, &w->nodes[1]);
    sim_node_kill(w, &w->nodes[1], ECONNRESET);
    sim_run(w, w->now_ms + 1);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run(w, w->now_ms + 100);
    w->nodes[1].up = true;
    w->nodes[1].loading_until = w->now_ms + 200;
    sim_run_calls(w);
    assert_string_equal(w->calls[id].text, "");
    assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 300,
                    300 + REEF_BACKOFF_MAX_MS);
    assert_int_equal(w->data.ran[id], 1);
    faults_serve(w, 0, 2, 0);
    sim_scene_end(w);
}

/* Back and forth: each fail-over is as good as the first. */
static void scene_again(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    for (int round = 0; round < 6; round++) {
        sim_node *old = sim_cluster_owner(w, 0);
        (void)sim_scene_aim(w, old);
        faults_kill(w, old);
        sim_run(w, w->now_ms);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
        sim_run_calls(w);
        sim_scene_whole(w);
        assert_string_equal(w->calls[id].text, "");
        assert_in_range(w->calls[id].done_ms - w->cluster->promoted_ms, 0, 12);
        old->up = true;
        sim_cluster_back(w, old);
        sim_run(w, w->now_ms + 2000);
    }
    assert_int_equal(w->cluster->promotions, 6);
    sim_scene_end(w);
}

/* ---- who comes and goes --------------------------------------------------------- */

static uint32_t faults_links(const sim_world *w, const sim_node *n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        count += w->links[i].node == n && w->links[i].state == SIM_OPEN;
    }
    return count;
}

/* A node comes, is given a slot, gives it back, and goes: its link goes with it. */
static void scene_join_and_leave(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 0);
    sim_node *n = sim_add_node(w, "10.0.0.1", 7050);
    sim_scene_address(w, n->address, n->port);
    w->addresses[w->address_count - 1].node = 3;
    sim_cluster_member(w, n);
    sim_cluster_meet(w, n);
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    sim_reshard_begin(w, slot, n, 1);
    sim_run(w, w->now_ms + 100);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sim_scene_answered(w, 1000), 0);
    }
    assert_in_range(n->member->moved, 0, 0);
    assert_int_equal(w->nodes[0].member->moved, 1);
    sim_reshard_begin(w, slot, &w->nodes[1], 1);
    sim_run(w, w->now_ms + 100);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    assert_int_equal(faults_links(w, n), 1);
    sim_cluster_forget(w, n);
    for (int i = 0; i < 20; i++) { /* a map that does not have it comes by itself */
        sim_run(w, w->now_ms + 1000);
        assert_int_equal(sim_scene_answered(w, 1000), 0);
    }
    assert_int_equal(faults_links(w, n), 0);
    sim_scene_end(w);
}

/* All are gone, and are back at other ports, or at another address; the name servers
 * know where, and nobody else does. */
static void scene_elsewhere(void **state)
{
    (void)state;
    for (int moved = 0; moved < 2; moved++) {
        sim_world *w = sim_scene_cluster(3, 3);
        sim_zone *z = &w->names.zone;
        z->ttl = 3600;
        w->config.hosts[0].kind = REEF_HOST_SRV;
        memcpy(w->config.hosts[0].name, "db.test", 8);
        (void)sim_zone_srv(z, "db.test", "here.test", 7001);
        (void)sim_zone_add(z, "here.test", SIM_A, "10.0.0.1");
        sim_start(w);
        faults_serve(w, 0, 2, 0);
        for (size_t i = 0; i < 6; i++) {
            sim_node_kill(w, &w->nodes[i], ECONNRESET);
            w->nodes[i].port = w->addresses[i].port = (uint16_t)(7100 + i);
            w->addresses[i].text = moved ? "10.0.0.9" : "10.0.0.1";
            w->nodes[i].address = w->addresses[i].text;
        }
        sim_run(w, w->now_ms + 100);
        (void)sim_scene_aim(w, &w->nodes[2]);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 8000);
        sim_run(w, w->now_ms + 1000);
        z->records[0].live = z->records[1].live = false;
        (void)sim_zone_srv(z, "db.test", "there.test", 7104);
        (void)sim_zone_add(z, "there.test", SIM_A, w->nodes[0].address);
        for (size_t i = 0; i < 6; i++) {
            w->nodes[i].up = true;
        }
        int64_t back = w->now_ms;
        sim_run_calls(w);
        assert_string_equal(w->calls[id].text, "");
        assert_in_range(w->calls[id].done_ms - back, 0, 1500);
        faults_serve(w, 0, 2, REEF_BACKOFF_MAX_MS);
        sim_scene_end(w);
    }
}

/* ---- who lies ------------------------------------------------------------------- */

/* A node that hears nothing any more goes on telling who was the master: nobody is sent
 * back there, though the old one lives and believes it, too. */
static void scene_stale_view(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    w->nodes[0].member->fib = w->nodes[2].member->fib = SIM_FIB_STALE;
    w->nodes[5].member->fib = SIM_FIB_STALE;
    sim_cluster_take_over(w, &w->nodes[3], false);
    sim_run(w, w->now_ms + 20);
    w->nodes[0].member->fib = SIM_TRUE; /* it has not heard yet */
    sim_node_break(w, &w->nodes[0], ECONNRESET);
    faults_kill(w, &w->nodes[0]);
    sim_run(w, w->now_ms);
    (void)sim_scene_aim(w, &w->nodes[3]);
    assert_in_range(sim_scene_answered(w, 2000), 0, 12);
    w->nodes[0].up = true;
    w->cluster->astray = 0;
    for (int i = 0; i < 100; i++) {
        (void)sim_scene_aim(w, &w->nodes[3]);
        assert_in_range(sim_scene_answered(w, 2000), 0, 0);
        (void)sim_scene_aim(w, &w->nodes[2]);
        assert_in_range(sim_scene_answered(w, 2000), 0, 0);
        sim_run(w, w->now_ms + 37);
    }
    assert_int_equal(w->cluster->astray, 0);
    sim_scene_end(w);
}

/* A node that tells a map in which all is somewhere else: redirects lead out of it. */
static void scene_swapped_view(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 0);
    w->nodes[0].member->fib = SIM_FIB_SWAPPED;
    sim_start(w);
    for (int i = 0; i < 20; i++) {
        faults_serve(w, 0, 2, 50);
        sim_run(w, w->now_ms + 100);
    }
    sim_scene_end(w);
}

/* At the place of a master that died there is now a node of another cluster, which has
 * all slots, of a high epoch: it gets no call. */
static void scene_stranger(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    sim_node *n = sim_add_node(w, "10.0.0.1", 7060);
    sim_cluster_member(w, n);
    n->member->foreign = true;
    n->member->of[6].epoch = 99;
    memset(n->member->owner, 6, sizeof n->member->owner);
    sim_member_state(n);
    faults_kill(w, &w->nodes[0]);
    w->addresses[0].node = 6;
    sim_run(w, w->now_ms);
    uint32_t first = w->call_count;
    for (int i = 0; i < 100; i++) {
        (void)sim_scene_aim(w, sim_cluster_owner(w, 0));
        (void)sim_call_one(w, SIM_INCR, false, 5000);
        (void)sim_scene_aim(w, &w->nodes[1]);
        (void)sim_call_one(w, SIM_INCR, false, 5000);
        sim_run(w, w->now_ms + 23);
    }
    sim_run_calls(w);
    sim_scene_whole(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
        int64_t submit = w->calls[i].submit_ms, limit = w->cluster->promoted_ms + 12;
        assert_in_range(w->calls[i].done_ms, submit, submit > limit ? submit : limit);
    }
    sim_scene_end(w);
}

/* The map is wrong in all it says of slots: those who were told move on, with
 * pauses. */
static void scene_circle(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(2, 0);
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    w->nodes[0].member->owner[slot] = 1; /* each says that the other one has it */
    w->nodes[1].member->owner[slot] = 0;
    uint32_t id = sim_call_one(w, SIM_INCR, false, 20000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_NOROUTE);
    assert_in_range(w->calls[id].sends, 6, 20);
    assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 10, 5000);
    w->cluster->truth[slot] = 0;
    w->nodes[0].member->owner[slot] = 0;
    sim_scene_end(w);
}

/* ---- out of memory ------------------------------------------------------------ */

/* One life in which the k-th allocation fails. False: there is no k-th. */
static bool faults_starved(uint64_t k, bool forever)
{
    sim_world *w = sim_scene_cluster(3, 3);
    w->out_of_memory = true;
    sim_memory_fail(k, forever);
    sim_start(w);
    for (int i = 0; i < 6 && w->engine != NULL && w->failed == NULL; i++) {
        w->tag = i;
        (void)sim_call_one(w, SIM_INCR, false, 300);
        (void)sim_call_group(w, true, 300);
        if (i == 2) {
            sim_reshard_begin(w, w->calls[w->call_count - 3].slot, &w->nodes[1], 1);
        } else if (i == 3) {
            faults_kill(w, &w->nodes[0]);
            sim_cluster_take_over(w, &w->nodes[3], false);
        }
        sim_run(w, w->now_ms + 60);
    }
    bool failed = sim_memory_failed();
    if (w->engine != NULL) {
        sim_run_calls(w);
        sim_memory_fail(0, false);
        sim_heal(w);
        sim_run(w, w->now_ms + 500);
        for (int i = 0; i < 6; i++) {
            w->tag = i;
            uint32_t id = sim_call_one(w, SIM_SET, false, 5000);
            sim_run_calls(w);
            if (w->failed == NULL && w->calls[id].code != REEF_OK) {
                sim_fail(w, "no recovery from that failed allocation", (int64_t)k,
                         forever);
            }
        }
    }
    sim_memory_fail(0, false);
    sim_scene_end(w);
    return failed;
}

static void scene_cluster_starves(void **state)
{
    (void)state;
    uint64_t k = 1;
    while (faults_starved(k, false)) {
        k++;
    }
    assert_in_range(k, 100, 3000);
    for (uint64_t j = 1; j < k; j++) {
        assert_true(faults_starved(j, true));
    }
}

size_t sim_scenes_cluster_faults(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_seeds),        cmocka_unit_test(scene_bad_seed),
        cmocka_unit_test(scene_db),           cmocka_unit_test(scene_crossed),
        cmocka_unit_test(scene_hole),         cmocka_unit_test(scene_hole_covers_all),
        cmocka_unit_test(scene_minority),     cmocka_unit_test(scene_restart),
        cmocka_unit_test(scene_again),        cmocka_unit_test(scene_join_and_leave),
        cmocka_unit_test(scene_elsewhere),    cmocka_unit_test(scene_stale_view),
        cmocka_unit_test(scene_swapped_view), cmocka_unit_test(scene_stranger),
        cmocka_unit_test(scene_circle),       cmocka_unit_test(scene_cluster_starves),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
