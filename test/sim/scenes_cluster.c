/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_cluster: finding the nodes of a Cluster, slots that move, fail-overs that go
 * as they should. The network takes no time, so what passes is what the engine waits
 * for. */
#include "test/sim/scenes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- props -------------------------------------------------------------------- */

sim_world *sim_scene_cluster(uint32_t masters, uint32_t replicas)
{
    sim_world *w = sim_scene_begin();
    w->server->port = w->addresses[0].port = w->config.hosts[0].port = 7000;
    for (uint32_t i = 1; i < masters + replicas; i++) {
        sim_node *n = sim_add_node(w, "10.0.0.1", (uint16_t)(7000 + i));
        size_t at = w->address_count++;
        assert_true(at < SIM_ADDRESSES);
        w->addresses[at].text = n->address;
        w->addresses[at].port = n->port;
        w->addresses[at].node = i;
    }
    sim_cluster_make(w, masters, replicas);
    return w;
}

uint32_t sim_scene_aim(sim_world *w, const sim_node *n)
{
    for (int64_t tag = 0; tag < 1000; tag++) {
        char key[32];
        snprintf(key, sizeof key, "k0{t%d}", (int)tag);
        uint32_t slot = sim_slot(reef_str_of(key));
        if (sim_cluster_owner(w, slot) == n) {
            w->tag = tag;
            return slot;
        }
    }
    fail();
    return 0;
}

sim_world *sim_scene_mapped(uint32_t masters, uint32_t replicas)
{
    sim_world *w = sim_scene_cluster(masters, replicas);
    sim_start(w);
    for (uint32_t i = 0; i < masters; i++) {
        (void)sim_scene_aim(w, &w->nodes[i]);
        assert_int_equal(sim_scene_answered(w, 1000), 0);
    }
    return w;
}

/* ---- the fakes alone ------------------------------------------------------------ */

static void scene_run_alone(sim_world *w, int64_t until_ms)
{
    while (w->heap_count > 0 && w->heap[0].at_ms <= until_ms) {
        sim_event e = sim_pop(w);
        w->now_ms = e.at_ms > w->now_ms ? e.at_ms : w->now_ms;
        assert_true(sim_cluster_event(w, &e));
    }
    w->now_ms = until_ms;
}

static uint32_t scene_down(const sim_world *w)
{
    uint32_t count = 0;
    for (size_t i = 0; i < w->node_count; i++) {
        count += sim_node_well(&w->nodes[i]) && w->nodes[i].member->down;
    }
    return count;
}

/* A master is killed: it is missed, the cluster is down, a replica takes over. */
static void scene_fake_kill(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 3);
    sim_node *old = &w->nodes[0], *heir = &w->nodes[3];
    int64_t start = w->now_ms;
    assert_int_equal(scene_down(w), 0);
    old->up = false;
    sim_cluster_hurt(w, old);
    scene_run_alone(w, start + 499);
    assert_int_equal(scene_down(w), 0);
    scene_run_alone(w, start + 500);
    assert_int_equal(scene_down(w), 5);
    scene_run_alone(w, start + 810);
    assert_int_equal(scene_down(w), 0);
    assert_ptr_equal(sim_cluster_owner(w, 0), heir);
    assert_int_equal(w->cluster->promoted_ms, start + 800);
    assert_int_equal(heir->member->of[3].epoch, 4);
    old->up = true;
    sim_cluster_back(w, old);
    assert_false(old->member->of[0].replica);
    scene_run_alone(w, start + 900);
    assert_true(old->member->of[0].replica);
    assert_int_equal(old->member->of[0].master, 3);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(w->nodes[i].member->owner[5000], 3);
        assert_true(w->nodes[i].member->of[0].replica);
    }
    sim_free(w);
    free(w);
}

/* A master that the others do not hear goes on until the node-timeout, then it is down;
 * it yields when it is back. */
static void scene_fake_part(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 3);
    sim_node *old = &w->nodes[1];
    int64_t start = w->now_ms;
    sim_cluster_part(w, old);
    scene_run_alone(w, start + 400);
    assert_false(old->member->down);
    scene_run_alone(w, start + 900);
    assert_true(old->member->down);
    assert_int_equal(old->member->owner[8000], 1);
    assert_ptr_equal(sim_cluster_owner(w, 8000), &w->nodes[4]);
    sim_cluster_back(w, old);
    scene_run_alone(w, start + 1000);
    assert_true(old->member->of[1].replica);
    assert_false(old->member->down);
    sim_free(w);
    free(w);
}

/* Two of three masters gone: nobody is left to agree on a new one. */
static void scene_fake_minority(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 3);
    for (size_t i = 0; i < 2; i++) {
        w->nodes[i].paused = true;
        sim_cluster_hurt(w, &w->nodes[i]);
    }
    scene_run_alone(w, w->now_ms + 5000);
    assert_int_equal(w->cluster->promotions, 0);
    w->nodes[0].paused = false;
    sim_cluster_back(w, &w->nodes[0]);
    scene_run_alone(w, w->now_ms + 3000);
    assert_int_equal(w->cluster->promotions, 1);
    assert_int_equal(scene_down(w), 0);
    sim_free(w);
    free(w);
}

/* A slot moves; its new owner has an epoch of its own, and all come to know. */
static void scene_fake_reshard(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 0);
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    sim_reshard_begin(w, slot, &w->nodes[2], 5);
    assert_int_equal(w->nodes[0].member->move_count, 1);
    assert_int_equal(w->nodes[2].member->move_count, 1);
    scene_run_alone(w, w->now_ms + 5);
    assert_int_equal(w->nodes[2].member->owner[slot], 2);
    assert_int_equal(w->nodes[2].member->of[2].epoch, 3); /* the highest already */
    scene_run_alone(w, w->now_ms + 8);
    assert_int_equal(w->nodes[0].member->owner[slot], 2);
    assert_int_equal(w->nodes[1].member->owner[slot], 2);
    assert_int_equal(w->nodes[0].member->move_count, 0);
    sim_reshard_begin(w, slot, &w->nodes[1], 5);
    scene_run_alone(w, w->now_ms + 50);
    assert_int_equal(w->nodes[1].member->of[1].epoch, 4);
    assert_int_equal(w->nodes[0].member->owner[slot], 1);
    sim_free(w);
    free(w);
}

/* ---- the start ------------------------------------------------------------------ */

/* One host in the settings, or all of them: the map comes with the first link. */
static void scene_one_seed(void **state)
{
    (void)state;
    for (uint32_t hosts = 1; hosts <= 6; hosts += 5) {
        sim_world *w = sim_scene_cluster(3, 3);
        for (uint32_t i = 0; i < hosts; i++) {
            w->config.hosts[i] = w->config.hosts[0];
            w->config.hosts[i].port = w->nodes[i].port;
        }
        w->config.host_count = hosts;
        sim_start(w);
        for (int i = 0; i < 60; i++) {
            (void)sim_call_one(w, (sim_verb)(i % SIM_MULTI), false, 1000);
        }
        sim_run_calls(w);
        sim_scene_whole(w);
        uint32_t maps = 0, moved = 0;
        for (size_t i = 0; i < 6; i++) {
            maps += w->nodes[i].member->maps;
            moved += w->nodes[i].member->moved;
        }
        for (uint32_t i = 0; i < 60; i++) {
            assert_int_equal(w->calls[i].code, REEF_OK);
            assert_int_equal(w->calls[i].done_ms, SIM_SCENE_START);
        }
        assert_int_equal(maps, 1);
        assert_int_equal(moved, 0);
        assert_in_range(w->opens, 3, 6);
        sim_scene_end(w);
    }
}

/* Hosts that are told by name, by nothing but a port, or not at all. */
static void scene_endpoints(void **state)
{
    (void)state;
    static const char *const names[] = {"n0.test", "n1.test", NULL,
                                        "n3.test", NULL,      "n5.test"};
    for (int way = 0; way < 4; way++) {
        sim_world *w = sim_scene_cluster(3, 3);
        w->cluster->endpoints = way == 0 ? SIM_BY_PORT : SIM_BY_NAME;
        for (size_t i = 0; i < 6 && way > 1; i++) {
            w->nodes[i].name = names[i];
        }
        sim_names_hosts(w, "10.0.0.1 n0.test n1.test n3.test n5.test\n");
        sim_start(w);
        for (size_t i = 0; i < 3; i++) {
            (void)sim_scene_aim(w, &w->nodes[i]);
            assert_int_equal(sim_scene_answered(w, 1000), 0);
        }
        if (way == 3) { /* a redirect to a name, to a port alone, to "?" */
            sim_cluster_take_over(w, &w->nodes[3], true);
            sim_cluster_take_over(w, &w->nodes[4], true);
            sim_run(w, w->now_ms + 50);
            for (size_t i = 3; i < 5; i++) {
                (void)sim_scene_aim(w, &w->nodes[i]);
                assert_in_range(sim_scene_answered(w, 1000), 0, 120);
            }
        }
        sim_scene_end(w);
    }
}

/* Calls without a key go to a master; after a while nothing is asked any more. */
static void scene_quiet(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    uint32_t commands = 0, later = 0;
    for (int i = 0; i < 20; i++) {
        (void)sim_call_one(w, SIM_ECHO, false, 1000);
    }
    sim_run_calls(w);
    sim_run(w, w->now_ms + 20000);
    for (size_t i = 0; i < w->node_count; i++) {
        commands += w->nodes[i].commands;
        assert_true(i < 3 || w->nodes[i].commands == 0);
    }
    sim_run(w, w->now_ms + 600000);
    for (size_t i = 0; i < w->node_count; i++) {
        later += w->nodes[i].commands;
    }
    assert_int_equal(later, commands);
    assert_true(reef_engine_deadline_ms(w->engine) == INT64_MAX);
    assert_false(reef_engine_busy(w->engine));
    (void)sim_scene_aim(w, &w->nodes[2]);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_scene_end(w);
}

/* ---- redirects ------------------------------------------------------------------ */

/* Another node has the slot: the call follows at once, and later ones go there. */
static void scene_moved(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 0);
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    sim_reshard_begin(w, slot, &w->nodes[1], 1);
    sim_run(w, w->now_ms + 500);
    assert_ptr_equal(sim_cluster_owner(w, slot), &w->nodes[1]);
    uint32_t maps =
        w->nodes[0].member->maps + w->nodes[1].member->maps + w->nodes[2].member->maps;
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    assert_int_equal(w->nodes[0].member->moved, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(sim_scene_answered(w, 1000), 0);
    }
    assert_int_equal(w->nodes[0].member->moved, 1);
    sim_run(w, w->now_ms + 500);
    assert_int_equal(w->nodes[0].member->maps + w->nodes[1].member->maps +
                         w->nodes[2].member->maps,
                     maps + 1);
    sim_scene_end(w);
}

/* A pipeline is on its way when its slots have moved: each call runs once, in order. */
static void scene_moved_many(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    w->rates.latency_ms = 3;
    w->tag = SIM_NO_TAG;
    sim_cluster_take_over(w, &w->nodes[3], true);
    uint32_t first = w->call_count;
    for (int i = 0; i < 100; i++) {
        (void)sim_call_one(w, SIM_INCR, false, 2000);
        (void)sim_call_group(w, false, 2000);
        (void)sim_call_train(w, false, 2000);
    }
    sim_run_calls(w);
    sim_scene_whole(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
        assert_in_range(w->calls[i].done_ms - w->calls[i].submit_ms, 0, 60);
    }
    assert_int_equal(w->cluster->astray, 0);
    sim_scene_end(w);
}

/* A slot that is open: what has moved is asked for where it went, and what has not is
 * found where it was; nobody learns anything from it. */
static void scene_ask(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 0);
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    sim_reshard_begin(w, slot, &w->nodes[1], 60000);
    uint32_t old = sim_call_one(w, SIM_GET, false, 1000);
    uint32_t fresh = sim_call_one(w, SIM_SET, false, 1000);
    uint32_t group = sim_call_group(w, false, 1000);
    sim_run_calls(w);
    sim_scene_whole(w);
    assert_int_equal(w->calls[old].code, REEF_OK);
    for (uint32_t i = fresh; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
        assert_in_range(w->calls[i].done_ms - w->calls[i].submit_ms, 0, 10);
    }
    assert_true(w->nodes[1].member->entries[fresh].there);
    assert_true(w->nodes[1].member->entries[group + 1].there);
    assert_int_equal(w->nodes[1].member->moved, 0); /* ASKING was never forgotten */
    assert_true(w->nodes[0].member->entries[old].there);
    sim_run(w, w->now_ms + 1000);
    uint32_t maps = w->nodes[0].member->maps + w->nodes[1].member->maps;
    assert_in_range(maps, 1, 1);
    sim_scene_end(w);
}

/* One of two keys has moved: the call waits until the other one has, too. */
static void scene_try_again(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 0);
    uint32_t slot = sim_scene_aim(w, &w->nodes[0]);
    int64_t start = w->now_ms;
    sim_reshard_begin(w, slot, &w->nodes[1], 50);
    uint32_t id = sim_call_one(w, SIM_EXISTS, false, 2000);
    w->nodes[0].member->entries[id].there = false; /* while it is on its way */
    w->nodes[1].member->entries[id].there = true;
    sim_run_calls(w);
    assert_string_equal(w->calls[id].text, "");
    assert_in_range(w->calls[id].done_ms, start + 50,
                    start + 100 + REEF_BACKOFF_MAX_MS);
    assert_in_range(w->nodes[0].member->again + w->nodes[1].member->again, 1, 30);
    sim_scene_end(w);
}

/* Slots move one after the other while calls come every few milliseconds. */
static void scene_reshard(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    w->tag = SIM_NO_TAG;
    w->rates.latency_ms = 2;
    uint32_t first = w->call_count;
    for (uint32_t i = 0; i < 250; i++) {
        sim_node *from = &w->nodes[i % 3], *to = &w->nodes[(i + 1) % 3];
        w->tag = SIM_NO_TAG;
        if (i % 3 == 0) {
            uint32_t slot = sim_scene_aim(w, from);
            sim_reshard_begin(w, slot, to, 4);
        }
        (void)sim_call_one(w, i % 2 ? SIM_SET : SIM_INCR, false, 5000);
        (void)sim_call_group(w, false, 5000);
        sim_run(w, w->now_ms + 7);
        if (w->call_count + 8 > SIM_CALLS) {
            break;
        }
    }
    sim_run_calls(w);
    sim_scene_whole(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
        assert_in_range(w->calls[i].done_ms - w->calls[i].submit_ms, 0, 200);
    }
    assert_int_equal(w->cluster->astray, 0);
    sim_scene_end(w);
}

/* ---- fail-overs ------------------------------------------------------------------ */

/* kill -9 of a master under calls: none that comes later fails, and the first success
 * for its slots comes at most 12 ms after the promotion. */
static void scene_kill(void **state)
{
    (void)state;
    for (int partial = 0; partial < 2; partial++) {
        sim_world *w = sim_scene_mapped(3, 3);
        w->cluster->partial = partial == 1;
        sim_node_kill(w, &w->nodes[0], ECONNRESET);
        sim_cluster_hurt(w, &w->nodes[0]);
        sim_run(w, w->now_ms);
        uint32_t first = w->call_count;
        for (int i = 0; i < 60; i++) {
            (void)sim_scene_aim(w, &w->nodes[0]);
            (void)sim_call_one(w, i % 2 ? SIM_SET : SIM_INCR, false, 5000);
            (void)sim_scene_aim(w, &w->nodes[1]);
            (void)sim_call_one(w, SIM_INCR, false, 5000);
            sim_run(w, w->now_ms + 10);
        }
        sim_run_calls(w);
        sim_scene_whole(w);
        int64_t promoted = w->cluster->promoted_ms, latest = 0;
        for (uint32_t i = first; i < w->call_count; i++) {
            assert_string_equal(w->calls[i].text, "");
            assert_int_equal(w->data.ran[i], 1);
            bool other = w->calls[i].slot / 5462 == 1;
            int64_t took = w->calls[i].done_ms - w->calls[i].submit_ms;
            if (other && partial) {
                assert_int_equal(took, 0);
            }
            latest = i == first ? w->calls[i].done_ms : latest;
        }
        assert_in_range(latest - promoted, 0, 12);
        assert_int_equal(w->cluster->astray, 0);
        sim_scene_end(w);
    }
}

/* SIGSTOP: what was on its way there is unsure unless it may be repeated; what comes
 * later waits for the promotion. */
static void scene_stop(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    (void)sim_scene_aim(w, &w->nodes[0]);
    sim_node_pause(w, &w->nodes[0]);
    sim_cluster_hurt(w, &w->nodes[0]);
    uint32_t again = sim_call_one(w, SIM_GET, true, 5000);
    uint32_t once = sim_call_one(w, SIM_INCR, false, 2000);
    sim_run(w, w->now_ms + 300);
    uint32_t late = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_calls(w);
    int64_t promoted = w->cluster->promoted_ms;
    assert_string_equal(w->calls[again].text, "");
    assert_string_equal(w->calls[late].text, "");
    assert_in_range(w->calls[again].done_ms - promoted, 0, 112);
    assert_in_range(w->calls[late].done_ms - promoted, 0, 12);
    assert_int_equal(w->calls[once].code, REEF_UNSURE);
    sim_node_resume(w, &w->nodes[0]);
    sim_cluster_back(w, &w->nodes[0]);
    sim_run(w, w->now_ms + 1000);
    assert_in_range(sim_scene_answered(w, 1000), 0, 0);
    sim_scene_end(w);
}

/* CLUSTER FAILOVER, plain and TAKEOVER, with the old master alive. */
static void scene_take_over(void **state)
{
    (void)state;
    for (int agreed = 0; agreed < 2; agreed++) {
        sim_world *w = sim_scene_mapped(3, 3);
        uint32_t first = w->call_count;
        for (int i = 0; i < 50; i++) {
            if (i == 10 || i == 30) {
                sim_cluster_take_over(w, &w->nodes[i == 10 ? 3 : 0], agreed == 1);
            }
            (void)sim_scene_aim(w, sim_cluster_owner(w, 0));
            (void)sim_call_one(w, SIM_INCR, false, 2000);
            (void)sim_call_group(w, false, 2000);
            sim_run(w, w->now_ms + 13);
        }
        sim_run_calls(w);
        sim_scene_whole(w);
        for (uint32_t i = first; i < w->call_count; i++) {
            assert_string_equal(w->calls[i].text, "");
            assert_int_equal(w->calls[i].done_ms, w->calls[i].submit_ms);
        }
        assert_int_equal(w->cluster->promotions, 2);
        assert_in_range(w->cluster->astray, 0, agreed ? 0 : 4);
        sim_scene_end(w);
    }
}

/* The others do not hear a master any more, clients do: it answers until the
 * node-timeout is over, and no write goes there once somebody else is the master. */
static void scene_part(void **state)
{
    (void)state;
    sim_world *w = sim_scene_mapped(3, 3);
    (void)sim_scene_aim(w, &w->nodes[0]);
    sim_cluster_part(w, &w->nodes[0]);
    int64_t start = w->now_ms;
    uint32_t first = w->call_count;
    for (int i = 0; i < 100; i++) {
        (void)sim_call_one(w, SIM_INCR, false, 5000);
        sim_run(w, w->now_ms + 13);
    }
    sim_run_calls(w);
    sim_scene_whole(w);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_string_equal(w->calls[i].text, "");
        int64_t submit = w->calls[i].submit_ms, promoted = w->cluster->promoted_ms + 12;
        int64_t limit = submit < start + 500 || promoted < submit ? submit : promoted;
        assert_in_range(w->calls[i].done_ms, submit, limit);
    }
    assert_int_equal(w->cluster->astray, 0);
    sim_scene_end(w);
}

size_t sim_scenes_cluster(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_fake_kill),     cmocka_unit_test(scene_fake_part),
        cmocka_unit_test(scene_fake_minority), cmocka_unit_test(scene_fake_reshard),
        cmocka_unit_test(scene_one_seed),      cmocka_unit_test(scene_endpoints),
        cmocka_unit_test(scene_quiet),         cmocka_unit_test(scene_moved),
        cmocka_unit_test(scene_moved_many),    cmocka_unit_test(scene_ask),
        cmocka_unit_test(scene_try_again),     cmocka_unit_test(scene_reshard),
        cmocka_unit_test(scene_kill),          cmocka_unit_test(scene_stop),
        cmocka_unit_test(scene_take_over),     cmocka_unit_test(scene_part),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
