/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_sentinel_faults: Sentinels that hang, lie, are cut off, know nothing or say
 * too little. */
#include "test/sim/scenes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what hangs --------------------------------------------------------------- */

/* The Sentinel that answered first hangs, and the master is killed. */
static void scene_hung_sentinel(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    sim_node_pause(w, sim_scene_sentinel(w, 0));
    sim_node_kill(w, w->server, ECONNRESET);
    sim_run(w, w->now_ms);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 1), &w->nodes[1]);
    assert_in_range(sim_scene_after_promotion(w), 0, 4);
    sim_run(w, w->now_ms + 3000);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_scene_end(w);
}

/* One frozen host: the master and a Sentinel. Connections stay open and silent. */
static void scene_frozen_host(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(2, 3);
    sim_node_pause(w, w->server);
    sim_node_pause(w, sim_scene_sentinel(w, 0));
    uint32_t lost = sim_call_one(w, SIM_INCR, false, 300);
    sim_run(w, w->now_ms + 400);
    assert_int_equal(w->calls[lost].code, REEF_UNSURE);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 2), &w->nodes[2]);
    sim_run(w, w->now_ms);
    assert_in_range(sim_scene_after_promotion(w), 0, 4);
    sim_scene_traffic(w, w->now_ms + 3000);
    uint32_t before = w->server->commands;
    sim_node_resume(w, w->server); /* what stood in its buffers runs now */
    sim_node_resume(w, sim_scene_sentinel(w, 0));
    sim_scene_traffic(w, w->now_ms + 3000);
    assert_in_range(w->data.ran[lost], 0, 1);
    assert_in_range(w->server->commands - before, 0, 4);
    sim_scene_end(w);
}

/* A stopped master takes no call's time for longer than the call has. */
static void scene_stopped_master(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    sim_node_pause(w, w->server);
    int64_t start = w->now_ms;
    uint32_t id = sim_call_one(w, SIM_GET, true, 6000);
    sim_run(w, start + 600);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    sim_run_calls(w);
    /* Repeatable: it is sent again to the new one. */
    assert_string_equal(w->calls[id].text, "");
    assert_in_range(w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE], 0, 4);
    sim_node_resume(w, w->server);
    sim_run(w, w->now_ms + 100);
    assert_in_range(w->data.ran[id], 1, 2);
    sim_scene_end(w);
}

/* ---- what says too little ----------------------------------------------------- */

/* Without announcements each Sentinel is asked about once a second. */
static void scene_mum(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) { /* NOPERM; no RESP3, so no subscriptions */
        sim_world *w = sim_scene_sentinels(1, 3);
        for (uint32_t i = 0; i < 3; i++) {
            sim_scene_sentinel(w, i)->sentinel->mum = true;
            sim_scene_sentinel(w, i)->no_resp3 = way == 1;
        }
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 1000), 0);
        uint32_t asked = sim_scene_sentinel(w, 0)->sentinel->asked;
        sim_scene_traffic(w, w->now_ms + 5000);
        asked = sim_scene_sentinel(w, 0)->sentinel->asked - asked;
        assert_in_range(asked, 4, 7);
        (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
        sim_scene_traffic(w, w->now_ms + 3000);
        int64_t late = w->data.astray_ms - w->failover.at_ms[SIM_SEE];
        assert_true(late <= 1050);
        /* A kill is a sign of its own: it is asked at once, and again. */
        sim_run(w, w->now_ms + 12000);
        assert_int_equal(sim_scene_answered(w, 1000), 0);
        sim_node_kill(w, w->data.truth, ECONNRESET);
        sim_run(w, w->now_ms);
        (void)sim_fail_over(w, sim_scene_sentinel(w, 1), w->server);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
        sim_run_calls(w);
        assert_in_range(w->calls[id].done_ms - w->failover.at_ms[SIM_PROMOTE], 0, 1100);
        sim_scene_end(w);
    }
}

/* A Sentinel that was restarted has forgotten who listens to it. */
static void scene_sentinel_restart(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    for (uint32_t i = 0; i < 3; i++) {
        sim_node *n = sim_scene_sentinel(w, i);
        sim_node_kill(w, n, ECONNRESET);
        sim_put(w, (sim_event){.at_ms = w->now_ms + 200,
                               .what = SIM_UP,
                               .node = (size_t)(n - w->nodes)});
    }
    sim_scene_traffic(w, w->now_ms + 3000);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 2), &w->nodes[1]);
    sim_scene_traffic(w, w->now_ms + 500);
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

/* ---- whom to believe ---------------------------------------------------------- */

/* A Sentinel that was cut off goes on naming the old master, which lives, and is still
 * a master. */
static void scene_cut_off_sentinel(void **state)
{
    (void)state;
    for (uint32_t which = 0; which < 3; which++) {
        sim_world *w = sim_scene_watching(1, 3);
        sim_scene_sentinel(w, which)->sentinel->alone = true;
        (void)sim_fail_over(w, sim_scene_sentinel(w, (which + 1) % 3), &w->nodes[1]);
        sim_run(w, w->now_ms + 3000);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 1000);
        sim_run_calls(w);
        assert_string_equal(w->calls[id].text, "");
        for (int i = 0; i < 5; i++) {
            sim_node_break(w, &w->nodes[1],
                           ECONNRESET); /* it looks for the master anew */
            sim_run(w, w->now_ms);
            assert_in_range(sim_scene_answered(w, 1000), 0, 300);
            sim_scene_traffic(w, w->now_ms + 1000);
        }
        assert_int_equal(w->data.astray, 0);
        sim_scene_end(w);
    }
}

/* At the start: one believes the old thing, and the old master agrees with it. */
static void scene_split(void **state)
{
    (void)state;
    for (uint32_t which = 0; which < 3; which++) {
        for (int stale = 0; stale < 2; stale++) {
            sim_world *w = sim_scene_sentinels(1, 3);
            w->failover.agreed = w->data.truth = &w->nodes[1];
            w->failover.epoch = w->failover.agreed_epoch = 1;
            w->nodes[1].replica = false;
            w->server->replica = stale == 0;
            for (uint32_t i = 0; i < 3; i++) {
                sim_node *n = sim_scene_sentinel(w, i);
                n->sentinel->alone = i == which;
                if (i != which) {
                    sim_sentinel_learn(w, n);
                }
            }
            sim_start(w);
            assert_in_range(sim_scene_answered(w, 2000), 0, 300);
            sim_run(w, w->now_ms + 10);
            uint32_t astray = w->data.astray;
            assert_in_range(astray, 0, 1);
            sim_scene_traffic(w, w->now_ms + 3000);
            assert_int_equal(w->data.astray, astray);
            sim_scene_end(w);
        }
    }
}

/* Whatever nonsense one says, two others know. */
static void scene_lies(void **state)
{
    (void)state;
    for (sim_lie lie = SIM_LIE_NIL; lie <= SIM_LIE_ERROR; lie++) {
        for (uint32_t which = 0; which < 3; which++) {
            sim_world *w = sim_scene_sentinels(2, 3);
            sim_scene_sentinel(w, which)->sentinel->lie = lie;
            sim_start(w);
            assert_in_range(sim_scene_answered(w, 3000), 0, 2000);
            sim_scene_traffic(w, w->now_ms + 2500);
            assert_int_equal(w->data.astray, 0);
            sim_scene_end(w);
        }
    }
}

/* ---- what is refused, and why ------------------------------------------------- */

static void faults_fails(sim_world *w, reef_code code, const char *word)
{
    uint32_t id = sim_call_one(w, SIM_INCR, false, 2000);
    sim_run_calls(w);
    printf("#     %s: %s\n", reef_code_name(w->calls[id].code), w->calls[id].text);
    assert_int_equal(w->calls[id].code, code);
    assert_non_null(strstr(w->calls[id].text, word));
    assert_int_equal(w->data.ran[id], 0);
}

static void scene_unknown_name(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(1, 3);
    memcpy(w->config.master_name, "nobody", 7);
    sim_start(w);
    faults_fails(w, REEF_BADCONFIG, "mymaster");
    sim_scene_end(w);
}

static void scene_no_sentinel(void **state)
{
    (void)state;
    for (int hung = 0; hung < 2; hung++) {
        sim_world *w = sim_scene_sentinels(1, 3);
        for (uint32_t i = 0; i < 3; i++) {
            sim_scene_sentinel(w, i)->up = hung == 1;
            sim_scene_sentinel(w, i)->paused = hung == 1;
        }
        sim_start(w);
        faults_fails(w, REEF_CONNECT, "entinel");
        for (uint32_t i = 0; i < 3; i++) {
            sim_scene_sentinel(w, i)->up = true;
            sim_node_resume(w, sim_scene_sentinel(w, i));
        }
        assert_in_range(sim_scene_answered(w, 3000), 0, 600);
        sim_scene_end(w);
    }
}

/* All Sentinels are gone, and the master lives: traffic goes on. */
static void scene_sentinels_gone(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    for (uint32_t i = 0; i < 3; i++) {
        sim_node_kill(w, sim_scene_sentinel(w, i), ECONNRESET);
    }
    uint32_t first = w->call_count;
    sim_scene_traffic(w, w->now_ms + 5000);
    for (uint32_t i = first; i < w->call_count; i++) {
        assert_int_equal(w->calls[i].done_ms, w->calls[i].submit_ms);
    }
    sim_scene_end(w);
}

static void scene_not_a_sentinel(void **state)
{
    (void)state;
    for (uint32_t wrong = 1; wrong <= 3; wrong += 2) { /* one of three; all */
        sim_world *w = sim_scene_sentinels(1, 3);
        for (uint32_t i = 0; i < wrong; i++) {
            memcpy(w->config.hosts[i].name, i % 2 ? "10.0.0.2" : "10.0.0.1", 9);
            w->config.hosts[i].port = 6379;
        }
        sim_start(w);
        if (wrong == 1) {
            assert_in_range(sim_scene_answered(w, 2000), 0, 10);
        } else {
            faults_fails(w, REEF_BADCONFIG, "Sentinel");
        }
        sim_scene_end(w);
    }
}

static void scene_passwords(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) { /* bit 0: Sentinels have one; bit 1: the data */
        sim_world *w = sim_scene_sentinels(1, 3);
        if (way & 1) {
            memcpy(w->config.sentinel_password, "guard", 6);
        }
        if (way & 2) {
            memcpy(w->config.username, "knot", 5);
            memcpy(w->config.password, "open sesame", 12);
        }
        for (size_t i = 0; i < w->node_count; i++) {
            sim_node *n = &w->nodes[i];
            n->user = n->sentinel != NULL ? "" : w->config.username;
            n->password =
                n->sentinel != NULL ? w->config.sentinel_password : w->config.password;
        }
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 1000), 0);
        (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
        sim_run(w, w->now_ms + 10);
        assert_in_range(sim_scene_after_promotion(w), 0, 4);
        sim_scene_end(w);
    }
}

static void scene_sentinel_password(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(1, 3);
    memcpy(w->config.sentinel_password, "guard", 6);
    for (uint32_t i = 0; i < 3; i++) {
        sim_scene_sentinel(w, i)->password = "changed";
    }
    sim_start(w);
    faults_fails(w, REEF_AUTH, "entinel");
    uint32_t auths = sim_scene_sentinel(w, 0)->auths;
    assert_in_range(auths, 1, 4);
    sim_run(w, w->now_ms + 10000);
    assert_int_equal(sim_scene_sentinel(w, 0)->auths, auths); /* no hammering */
    sim_scene_end(w);
}

/* ---- other signs -------------------------------------------------------------- */

/* The master has become a replica without a word, and says READONLY. */
static void scene_readonly(void **state)
{
    (void)state;
    sim_world *w = sim_scene_watching(1, 3);
    w->failover.agreed = w->data.truth = &w->nodes[1];
    w->failover.epoch = w->failover.agreed_epoch = 1;
    w->server->replica = true;
    w->nodes[1].replica = false;
    for (uint32_t i = 0; i < 3; i++) {
        sim_sentinel *s = sim_scene_sentinel(w, i)->sentinel;
        s->master = &w->nodes[1];
        s->epoch = 1;
    }
    uint32_t once = sim_call_one(w, SIM_INCR, false, 2000);
    uint32_t group = sim_call_group(w, false, 2000);
    sim_run_calls(w);
    assert_string_equal(w->calls[once].text, "");
    assert_string_equal(w->calls[group + 3].text, "");
    assert_in_range(w->calls[once].done_ms - w->calls[once].submit_ms, 0, 300);
    assert_int_equal(w->data.ran[once], 1);
    assert_int_equal(w->data.ran[group + 1], 1);
    assert_in_range(w->server->refused, 1, 4);
    sim_scene_end(w);
}

/* Host names are announced instead of addresses. */
static void scene_host_names(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(1, 3);
    w->nodes[0].name = "db0.test";
    w->nodes[1].name = "db1.test";
    (void)sim_zone_add(&w->names.zone, "db0.test", SIM_A, "10.0.0.1");
    (void)sim_zone_add(&w->names.zone, "db1.test", SIM_A, "10.0.0.2");
    for (uint32_t i = 0; i < 3; i++) {
        sim_scene_sentinel(w, i)->sentinel->named = true;
    }
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    (void)sim_fail_over(w, sim_scene_sentinel(w, 0), &w->nodes[1]);
    sim_run(w, w->now_ms + 10);
    assert_in_range(sim_scene_after_promotion(w), 0, 4);
    sim_scene_traffic(w, w->now_ms + 3000);
    assert_int_equal(w->data.astray, 0);
    sim_scene_end(w);
}

/* The Sentinels are found by the records of a service. */
static void scene_service_of_sentinels(void **state)
{
    (void)state;
    static const char *const names[] = {"s0.test", "s1.test", "s2.test"};
    sim_world *w = sim_scene_sentinels(1, 3);
    w->config.host_count = 1;
    w->config.hosts[0].kind = REEF_HOST_SRV;
    memcpy(w->config.hosts[0].name, SIM_SERVICE, sizeof SIM_SERVICE);
    for (uint32_t i = 0; i < 3; i++) {
        (void)sim_zone_srv(&w->names.zone, SIM_SERVICE, names[i], 26379);
        (void)sim_zone_add(&w->names.zone, names[i], SIM_A,
                           sim_scene_sentinel(w, i)->address);
    }
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    sim_run(w, w->now_ms + 1500);
    for (uint32_t i = 0; i < 3; i++) {
        assert_in_range(sim_scene_sentinel(w, i)->sentinel->subscribes, 1, 9);
    }
    (void)sim_fail_over(w, sim_scene_sentinel(w, 2), &w->nodes[1]);
    sim_run(w, w->now_ms);
    assert_in_range(sim_scene_after_promotion(w), 0, 4);
    sim_scene_end(w);
}

/* Announcements about another master that the same Sentinels watch. */
static void scene_other_master(void **state)
{
    (void)state;
    static const char *const channels[] = {"+selected-slave", "+promoted-slave",
                                           "+switch-master", "-failover-abort-x"};
    static const char *const texts[] = {
        "slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster2 10.0.0.1 6379",
        "slave 10.0.0.2:6379 10.0.0.2 6379 @ my 10.0.0.1 6379",
        "other 10.0.0.1 6379 10.0.0.2 6379", "master other 10.0.0.1 6379"};
    sim_world *w = sim_scene_watching(1, 3);
    for (uint32_t i = 0; i < 3; i++) {
        sim_node *n = sim_scene_sentinel(w, i);
        n->sentinel->other = "other";
        for (size_t j = 0; j < 4; j++) {
            sim_publish(w, n, channels[j], texts[j]);
        }
        sim_publish(w, n, "+selected-slave", "slave");
        sim_publish(w, n, "+switch-master", "mymaster 10.0.0.1 6379 10.0.0.2");
    }
    sim_run(w, w->now_ms);
    assert_int_equal(sim_scene_answered(w, 1000), 0);
    assert_int_equal(w->nodes[1].commands, 0);
    sim_scene_end(w);
}

size_t sim_scenes_sentinel_faults(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_hung_sentinel),
        cmocka_unit_test(scene_frozen_host),
        cmocka_unit_test(scene_stopped_master),
        cmocka_unit_test(scene_mum),
        cmocka_unit_test(scene_sentinel_restart),
        cmocka_unit_test(scene_cut_off_sentinel),
        cmocka_unit_test(scene_split),
        cmocka_unit_test(scene_lies),
        cmocka_unit_test(scene_unknown_name),
        cmocka_unit_test(scene_no_sentinel),
        cmocka_unit_test(scene_sentinels_gone),
        cmocka_unit_test(scene_not_a_sentinel),
        cmocka_unit_test(scene_passwords),
        cmocka_unit_test(scene_sentinel_password),
        cmocka_unit_test(scene_readonly),
        cmocka_unit_test(scene_host_names),
        cmocka_unit_test(scene_service_of_sentinels),
        cmocka_unit_test(scene_other_master),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
