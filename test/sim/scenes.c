/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes: finding the server, being let in, waiting for it. */
#include "test/sim/scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sim_scene_loud;

sim_world *sim_scene_begin(void)
{
    sim_world *w = sim_new(7);
    w->loud = sim_scene_loud;
    w->rates.latency_ms = 0;
    w->config.connect_timeout_ms = 1000;
    return w;
}

void sim_scene_whole(const sim_world *w)
{
    if (w->failed != NULL) {
        sim_print(w);
        fflush(stdout);
    }
    assert_null(w->failed);
}

void sim_scene_end(sim_world *w)
{
    sim_run_calls(w);
    sim_calls_end(w);
    sim_free(w);
    sim_scene_whole(w);
    free(w);
}

sim_world *sim_scene_connected(void)
{
    sim_world *w = sim_scene_begin();
    sim_start(w);
    (void)sim_call_one(w, SIM_ECHO, false, 1000);
    sim_run_calls(w);
    assert_int_equal(w->calls[0].code, REEF_OK);
    return w;
}

/* ---- connecting --------------------------------------------------------------- */

static void scene_refused_then_up(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->server->up = false;
    sim_at(w, SIM_SCENE_START + 2000, SIM_UP, 0, 0);
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_in_range(w->calls[id].done_ms, SIM_SCENE_START + 2000,
                    SIM_SCENE_START + 2000 + REEF_BACKOFF_MAX_MS);
    assert_in_range(w->longest_pause_ms, 1, REEF_BACKOFF_MAX_MS);
    assert_in_range(w->opens, 2000 / REEF_BACKOFF_MAX_MS, 60);
    assert_int_equal(w->data.ran[id], 1);
    sim_scene_end(w);
}

static void scene_refused_for_good(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->server->up = false;
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 3000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_CONNECT);
    assert_int_equal(w->calls[id].done_ms, SIM_SCENE_START + 3000);
    assert_non_null(strstr(w->calls[id].text, "refused"));
    uint32_t opens = w->opens;
    sim_run(w, w->now_ms + 60000); /* nobody waits: nobody knocks */
    assert_in_range(w->opens, opens, opens + 1);
    assert_false(reef_engine_busy(w->engine));
    sim_scene_end(w);
}

static void scene_first_address_dead(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        sim_world *w = sim_scene_begin();
        sim_names_hosts(w, "10.0.0.1 db.test\n10.0.0.2 db.test\n");
        memcpy(w->config.hosts[0].name, "db.test", 8);
        w->addresses[0].dead = silent == 0;
        w->addresses[0].silent = silent == 1;
        w->addresses[1].text = "10.0.0.2";
        w->address_count = 2;
        sim_start(w);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 3000);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_OK);
        assert_int_equal(w->opens, 2);
        assert_int_equal(w->names.queries, 0);
        /* A silent one costs a fraction of a second. */
        int64_t took = w->calls[id].done_ms - SIM_SCENE_START;
        assert_int_equal(took, silent ? REEF_DIAL_MS : 0);
        sim_scene_end(w);
    }
}

static void scene_no_room_yet(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->server->max_clients = 1;
    w->server->clients = 1; /* somebody else */
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run(w, SIM_SCENE_START + 700);
    assert_false(w->calls[id].done);
    w->server->clients--;
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_in_range(w->calls[id].done_ms, SIM_SCENE_START + 700,
                    SIM_SCENE_START + 700 + REEF_BACKOFF_MAX_MS);
    assert_int_equal(w->data.ran[id], 1);
    sim_scene_end(w);
}

/* ---- who we are --------------------------------------------------------------- */

static void scene_wrong_password(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        sim_world *w = sim_scene_begin();
        memcpy(w->config.password, "open sesame", 12);
        w->server->password = "changed";
        w->server->no_hello = old == 1;
        sim_start(w);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_AUTH);
        assert_int_equal(w->calls[id].done_ms, SIM_SCENE_START);
        assert_null(strstr(w->calls[id].text, "sesame"));
        sim_run(w, w->now_ms + 10000);
        assert_int_equal(w->server->auths, 1); /* no hammering */
        w->server->password = "open sesame";
        id = sim_call_one(w, SIM_INCR, false, 1000);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_OK);
        sim_scene_end(w);
    }
}

static void scene_old_server(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    reef_server info;
    memcpy(w->config.password, "open sesame", 12);
    w->config.db = 3;
    w->server->password = w->config.password;
    w->server->no_hello = w->server->surly = true;
    sim_start(w);
    assert_false(reef_engine_server(w->engine, &info));
    uint32_t id = sim_call_one(w, SIM_INCR, false, 1000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_true(reef_engine_server(w->engine, &info));
    assert_int_equal(info.protocol, 2);
    assert_string_equal(info.version, "");
    assert_int_equal(w->data.db, 3);
    assert_int_equal(w->connects, 1);
    sim_scene_end(w);
}

static void scene_new_server(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    reef_server info;
    assert_true(reef_engine_server(w->engine, &info));
    assert_int_equal(info.protocol, 3);
    assert_string_equal(info.server, "redis");
    assert_string_equal(info.version, "7.0.15");
    assert_string_equal(info.mode, "standalone");
    assert_string_equal(info.role, "master");
    assert_string_equal(info.peer, "10.0.0.1:6379");
    sim_scene_end(w);
}

/* ---- not now ------------------------------------------------------------------ */

static void scene_loading(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    int64_t ready = w->now_ms + 1500;
    w->server->loading_until = ready;
    uint32_t patient = sim_call_one(w, SIM_INCR, false, 5000);
    uint32_t hasty = sim_call_one(w, SIM_INCR, false, 400);
    uint32_t group = sim_call_group(w, false, 5000);
    sim_run_calls(w);
    assert_int_equal(w->calls[patient].code, REEF_OK);
    assert_in_range(w->calls[patient].done_ms, ready, ready + REEF_BACKOFF_MAX_MS);
    assert_int_equal(w->data.ran[patient], 1);
    assert_int_equal(w->calls[hasty].code, REEF_REFUSED);
    assert_int_equal(w->calls[hasty].done_ms, w->calls[hasty].deadline_ms);
    assert_non_null(strstr(w->calls[hasty].text, "LOADING"));
    assert_int_equal(w->data.ran[hasty], 0);
    assert_int_equal(w->calls[group + 3].code, REEF_OK);
    assert_int_equal(w->data.ran[group + 1], 1);
    sim_scene_end(w);
}

static void scene_restart(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    sim_at(w, w->now_ms, SIM_DOWN, 0, 800);
    sim_run(w, w->now_ms);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 800,
                    800 + REEF_BACKOFF_MAX_MS);
    assert_int_equal(w->data.ran[id], 1);
    assert_int_equal(w->unsure_count, 0);
    sim_scene_end(w);
}

size_t sim_scenes(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_refused_then_up),
        cmocka_unit_test(scene_refused_for_good),
        cmocka_unit_test(scene_first_address_dead),
        cmocka_unit_test(scene_no_room_yet),
        cmocka_unit_test(scene_wrong_password),
        cmocka_unit_test(scene_old_server),
        cmocka_unit_test(scene_new_server),
        cmocka_unit_test(scene_loading),
        cmocka_unit_test(scene_restart),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
