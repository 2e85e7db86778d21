/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_links: links that break, drip, fall silent or answer late; what is refused,
 * counted and told; and what happens when memory runs out. */
#include "test/sim/scenes.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- slow and broken links ---------------------------------------------------- */

static void scene_drip(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    w->rates.drip = 1000;
    uint32_t id = sim_call_one(w, SIM_INCR, false, 20);
    uint32_t text = sim_call_one(w, SIM_ECHO, false, 1500);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_UNSURE);
    assert_int_equal(w->calls[id].done_ms, w->calls[id].deadline_ms);
    assert_int_equal(w->calls[text].code, REEF_UNSURE);
    assert_int_equal(w->calls[text].done_ms, w->calls[text].deadline_ms);
    sim_free(w);
    free(w);
    w = sim_scene_begin(); /* the handshake drips */
    w->rates.drip = 1000;
    sim_start(w);
    id = sim_call_one(w, SIM_INCR, false, 700);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].done_ms, SIM_SCENE_START + 700);
    assert_int_equal(w->data.ran[id], 0);
    assert_int_equal(w->calls[id].code, REEF_CONNECT);
    sim_scene_end(w);
}

static void scene_reset_after_delivery(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    w->rates.reset_after = 1000;
    uint32_t once = sim_call_one(w, SIM_INCR, false, 1000);
    uint32_t again = sim_call_one(w, SIM_GET, true, 1000);
    sim_run_event(w);
    w->rates.reset_after = 0;
    sim_run_calls(w);
    assert_int_equal(w->calls[once].code, REEF_UNSURE);
    assert_int_equal(w->calls[once].done_ms, w->calls[once].submit_ms);
    assert_int_equal(w->data.ran[once], 1);
    assert_int_equal(w->calls[again].code, REEF_OK);
    assert_in_range(w->data.ran[again], 1, 2);
    assert_int_equal(w->connects, 2);
    sim_scene_end(w);
}

static void scene_reset_before_sending(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->rates.reset_before = 1000; /* the handshake meets it */
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 1000);
    sim_run_event(w);
    w->rates.reset_before = 0;
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->data.ran[id], 1);
    w->rates.window = 5; /* a part of the command leaves: it can't have run */
    id = sim_call_one(w, SIM_INCR, false, 1000);
    sim_break(w, ECONNRESET);
    sim_run(w, w->now_ms);
    w->rates.window = 0;
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->data.ran[id], 1);
    assert_int_equal(w->connects, 3);
    sim_scene_end(w);
}

static void scene_idle_close(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->server->idle_ms = 500;
    sim_start(w);
    for (int i = 0; i < 3; i++) {
        uint32_t id = sim_call_one(w, SIM_INCR, false, 1000);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_OK);
        assert_int_equal(w->data.ran[id], 1);
        sim_run(w, w->now_ms + 2000);
    }
    assert_int_equal(w->connects, 3);
    assert_int_equal(w->unsure_count, 0);
    sim_scene_end(w);
}

static void scene_late_reply(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    int64_t start = w->now_ms;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        w->links[i].down_ms = start + 800; /* answers take that long there */
    }
    uint32_t a = sim_call_one(w, SIM_ECHO, true, 300);
    uint32_t b = sim_call_one(w, SIM_ECHO, false, 2000);
    sim_run(w, start + 400);
    uint32_t c = sim_call_one(w, SIM_ECHO, false, 2000);
    sim_run_calls(w);
    assert_int_equal(w->calls[a].code, REEF_UNSURE);
    assert_int_equal(w->calls[a].done_ms, start + 300);
    assert_int_equal(w->calls[b].code, REEF_OK); /* its own, though late */
    assert_int_equal(w->calls[b].done_ms, start + 800);
    assert_int_equal(w->calls[c].code, REEF_OK);
    assert_int_equal(w->calls[c].done_ms, start + 400);
    assert_int_equal(w->connects, 2);
    sim_run(w, w->now_ms + 1000);
    uint32_t open = 0;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        open += w->links[i].state == SIM_OPEN;
    }
    assert_int_equal(open, 1);
    sim_scene_end(w);
}

static void scene_stranger_reply(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    sim_say(w, "+OK\r\n");
    sim_run(w, w->now_ms);
    assert_int_equal(w->lost_events, 1);
    uint32_t id = sim_call_one(w, SIM_ECHO, false, 1000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->connects, 2);
    sim_say(w, ">2\r\n+message\r\n+hello\r\n"); /* a push answers nobody */
    sim_run(w, w->now_ms);
    assert_int_equal(w->pushes_got, 1);
    assert_int_equal(w->lost_events, 1);
    sim_scene_end(w);
}

/* The server speaks while the handshake is still being sent: what it says answers
 * nothing, and the rest of the handshake must not be taken for a command's. */
static void scene_early_reply(void **state)
{
    (void)state;
    static const char *const words[] = {"+OK\r\n", "%1\r\n+mode\r\n+standalone\r\n"};
    for (size_t i = 0; i < 2; i++) {
        sim_world *w = sim_scene_begin();
        w->rates.window = 5;
        w->rates.latency_ms = 20;
        sim_start(w);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 20000);
        for (int ms = 0; ms < 100 && w->bytes_out == 0; ms++) {
            sim_run(w, w->now_ms + 1);
        }
        sim_say(w, words[i]);
        sim_run_event(w);
        assert_int_equal(w->connected_events, 0);
        w->rates.window = 0;
        uint32_t next = sim_call_one(w, SIM_INCR, false, 20000);
        sim_run_calls(w);
        assert_int_equal(w->connects, 2);
        assert_int_equal(w->calls[next].code, REEF_OK);
        assert_int_equal(w->data.ran[id], w->calls[id].code == REEF_OK);
        sim_scene_end(w);
    }
}

/* All answers to a group that is still being sent: the last one comes too early. */
static void scene_early_group(void **state)
{
    (void)state;
    for (int train = 0; train < 2; train++) {
        sim_world *w = sim_scene_connected();
        w->rates.window = 40;
        for (size_t i = 0; i < SIM_LINKS; i++) {
            w->links[i].up_ms = w->now_ms + 100; /* the rest stays behind for a while */
        }
        uint32_t id =
            train ? sim_call_train(w, false, 5000) : sim_call_group(w, false, 5000);
        sim_say(w, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+OK\r\n");
        w->foul = true; /* what it says is not what it did */
        sim_run_event(w);
        assert_int_equal(w->lost_events, 1);
        w->rates.window = 0;
        uint32_t next = sim_call_one(w, SIM_ECHO, false, 1000);
        sim_run_calls(w);
        /* A transaction without its EXEC can't have run: it is sent again. */
        assert_int_equal(w->calls[id + (train ? 2 : 3)].code,
                         train ? REEF_UNSURE : REEF_OK);
        assert_int_equal(w->calls[next].code, REEF_OK);
        sim_scene_end(w);
    }
}

/* What a host never says, and a mistaken one might: nothing comes of it. */
static void scene_strange_inputs(void **state)
{
    (void)state;
    sim_world *w = sim_scene_connected();
    size_t cap = 1;
    for (uint32_t link = 0; link < REEF_TRANSPORTS_MAX + 4; link++) {
        reef_engine_opened(w->engine, link, w->now_ms);
        reef_engine_sent(w->engine, link, 100, w->now_ms);
        if (link > 0) {
            reef_engine_closed(w->engine, link, ECONNRESET, w->now_ms);
            reef_engine_received(w->engine, link, 0, w->now_ms);
            assert_null(reef_engine_room(w->engine, link, &cap));
            assert_int_equal(cap, 0);
        }
    }
    reef_engine_tick(w->engine, w->now_ms - 500); /* time does not go back */
    uint32_t commands = w->server->commands;
    uint32_t id = sim_call_one(w, SIM_ECHO, false, 100);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->calls[id].done_ms, w->calls[id].submit_ms);
    assert_int_equal(w->connects, 1);
    assert_int_equal(w->events, 1);
    assert_int_equal(w->server->commands, commands + 1);
    sim_scene_end(w);
}

/* Sent once, lost, and then the door stays shut: it may have run. */
static void scene_doubt_stays(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        sim_world *w = sim_scene_connected();
        w->rates.reset_after = 1000;
        uint32_t id = sim_call_one(w, SIM_GET, true, 1000);
        sim_run_event(w);
        w->rates.reset_after = 0;
        w->server->password = way == 0 ? "changed" : "";
        w->server->up = way == 0;
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_UNSURE);
        assert_int_equal(w->data.ran[id], 1);
        assert_true(w->calls[id].done_ms <= w->calls[id].deadline_ms);
        sim_scene_end(w);
    }
}

/* A RESP3 type on a link that agreed on RESP2 proves that the stream is lost. */
static void scene_wrong_protocol(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->server->no_hello = true;
    sim_start(w);
    (void)sim_call_one(w, SIM_ECHO, false, 1000);
    sim_run_calls(w);
    sim_say(w, "_\r\n");
    uint32_t id = sim_call_one(w, SIM_GET, false, 1000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_PROTOCOL);
    id = sim_call_one(w, SIM_GET, false, 1000);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    sim_scene_end(w);
}

static void scene_many_links(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    w->config.connect_timeout_ms = 50;
    sim_start(w);
    for (int i = 0; i < 40; i++) {
        for (size_t j = 0; j < SIM_LINKS; j++) {
            w->links[j].down_ms = w->now_ms + 100000;
        }
        (void)sim_call_one(w, SIM_INCR, false, 100);
        (void)sim_call_one(w, SIM_INCR, false, 4000);
        sim_run(w, w->now_ms + 100);
    }
    assert_in_range(w->most_links, 2, REEF_LINKS_MAX);
    sim_scene_end(w);
}

static void scene_tend(void **state)
{
    (void)state;
    sim_world *w = sim_scene_begin();
    sim_start(w);
    sim_tend(w); /* makes the link before anybody asks */
    sim_run(w, w->now_ms);
    assert_int_equal(w->connects, 1);
    for (int i = 0; i < 40; i++) {
        sim_run(w, w->now_ms + 1000);
        sim_tend(w);
    }
    sim_run(w, w->now_ms + 1000);
    assert_int_equal(w->lost_events, 0);
    assert_int_equal(w->server->pings, 40000 / REEF_IDLE_PING_MS);
    for (int i = 0; i < 40; i++) { /* a link in use needs no ping */
        (void)sim_call_one(w, SIM_ECHO, false, 100);
        sim_run(w, w->now_ms + 1000);
        sim_tend(w);
    }
    assert_in_range(w->server->pings, 2, 3);
    uint32_t before = w->server->commands;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        w->links[i].mute = true; /* the peer is gone, and says nothing */
    }
    for (int i = 0; i < 20; i++) {
        sim_run(w, w->now_ms + 1000);
        sim_tend(w);
        sim_run(w, w->now_ms);
    }
    assert_int_equal(w->lost_events, 1);
    assert_int_equal(w->connects, 2);
    assert_true(w->server->commands > before);
    sim_scene_end(w);
}

/* ---- what is refused, counted, told ------------------------------------------- */

static void scene_refuse(reef_engine *e, const char *const words[], size_t count)
{
    reef_cmd *cmd = reef_cmd_new();
    reef_done done;
    reef_op op;
    assert_non_null(cmd);
    reef_cmd_begin(cmd, words[0]);
    for (size_t i = 1; i < count && words[i] != NULL; i++) {
        reef_cmd_text(cmd, words[i]);
    }
    const reef_cmd *one = cmd;
    assert_int_not_equal(reef_engine_submit(e, &one, 1, 5, 9000, 1000), 0);
    assert_true(reef_engine_next_done(e, &done));
    assert_int_equal(reef_reply_code(done.reply), REEF_BADARG);
    assert_true(strlen(reef_reply_text(done.reply)) > 10);
    assert_int_equal(done.tag, 5);
    assert_false(reef_engine_next_op(e, &op));
    assert_false(reef_engine_next_done(e, &done));
    reef_reply_free(done.reply);
    reef_cmd_free(cmd);
}

static void scene_refused_commands(void **state)
{
    (void)state;
    static const char *const list[][3] = {{"SUBSCRIBE", "a"},
                                          {"psubscribe", "a"},
                                          {"SSUBSCRIBE", "a"},
                                          {"MONITOR"},
                                          {"BLPOP", "a", "0"},
                                          {"brpop", "a", "0"},
                                          {"BZPOPMIN", "a", "0"},
                                          {"WAIT", "1", "0"},
                                          {"MULTI"},
                                          {"EXEC"},
                                          {"WATCH", "a"},
                                          {"HELLO", "3"},
                                          {"RESET"},
                                          {"QUIT"},
                                          {"AUTH", "x"},
                                          {"SELECT", "1"},
                                          {"CLIENT", "reply", "OFF"},
                                          {"SYNC"},
                                          {"PSYNC", "?", "-1"}};
    reef_config config;
    reef_config_init(&config);
    reef_engine *e = reef_engine_new(&config, 1, 1000);
    assert_non_null(e);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        scene_refuse(e, list[i], 3);
    }
    reef_engine_free(e);
}

static void scene_told(void **state)
{
    (void)state;
    static reef_stats s;
    sim_world *w = sim_scene_begin();
    w->rates.refuse = 1000;
    sim_start(w);
    uint32_t first = sim_call_one(w, SIM_INCR, false, 5000);
    sim_run_event(w); /* failed */
    w->rates.refuse = 0;
    sim_run_calls(w); /* connected */
    (void)sim_call_group(w, false, 1000);
    sim_run_calls(w);
    w->rates.reset_after = 1000;
    uint32_t lost = sim_call_one(w, SIM_INCR, false, 1000);
    sim_run_event(w); /* lost */
    w->rates.reset_after = 0;
    (void)sim_call_one(w, SIM_GET, true, 1000);
    sim_run_calls(w); /* connected */
    assert_int_equal(w->calls[first].code, REEF_OK);
    assert_int_equal(w->calls[lost].code, REEF_UNSURE);
    assert_int_equal(w->events, 4);
    assert_int_equal(w->lost_events, 1);
    assert_int_equal(w->connected_events, 2);
    reef_engine_stats(w->engine, &s);
    assert_int_equal(s.calls, 7);
    assert_int_equal(s.answered, 6);
    assert_int_equal(s.failed, 1);
    assert_int_equal(s.unsure, 1);
    assert_int_equal(s.reconnects, 1);
    assert_in_range(s.link_count, 1, REEF_LINKS_MAX);
    assert_string_equal(s.links[0].peer, "10.0.0.1:6379");
    assert_true(s.links[0].ready);
    assert_int_equal(s.links[0].in_flight, 0);
    assert_int_equal(s.links[0].protocol, 3);
    sim_scene_end(w);
}

/* ---- out of memory ------------------------------------------------------------ */

/* One life in which the k-th allocation fails. False: there is no k-th. */
static bool scene_starved(uint64_t k, bool forever)
{
    sim_world *w = sim_scene_begin();
    w->out_of_memory = true;
    w->rates.push = 500;
    w->rates.cut = 900;
    sim_memory_fail(k, forever);
    sim_start(w);
    for (int i = 0; i < 4 && w->engine != NULL && w->failed == NULL; i++) {
        (void)sim_call_one(w, SIM_INCR, false, 300);
        (void)sim_call_one(w, SIM_GET, true, 300);
        (void)sim_call_group(w, true, 300);
        w->big = i == 2 ? 30000 : 0;
        sim_run(w, w->now_ms + 40);
        if (i == 1) {
            (void)sim_call_one(w, SIM_GET, true, 300);
            sim_break(w, ECONNRESET);
        }
    }
    bool failed = sim_memory_failed();
    if (w->engine != NULL) {
        sim_run_calls(w);
        sim_memory_fail(0, false);
        sim_heal(w);
        sim_run(w, w->now_ms + 500);
        uint32_t id = sim_call_one(w, SIM_ECHO, false, 3000);
        sim_run_calls(w);
        if (w->failed == NULL && w->calls[id].code != REEF_OK) {
            sim_fail(w, "no recovery from that failed allocation", (int64_t)k, forever);
        }
    }
    sim_memory_fail(0, false);
    sim_scene_end(w);
    return failed;
}

static void scene_out_of_memory(void **state)
{
    (void)state;
    uint64_t k = 1;
    while (scene_starved(k, false)) {
        k++;
    }
    assert_in_range(k, 20, 2000);
    for (uint64_t j = 1; j < k; j++) {
        assert_true(scene_starved(j, true));
    }
}

size_t sim_scenes_links(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_drip),
        cmocka_unit_test(scene_reset_after_delivery),
        cmocka_unit_test(scene_reset_before_sending),
        cmocka_unit_test(scene_idle_close),
        cmocka_unit_test(scene_late_reply),
        cmocka_unit_test(scene_stranger_reply),
        cmocka_unit_test(scene_early_reply),
        cmocka_unit_test(scene_early_group),
        cmocka_unit_test(scene_strange_inputs),
        cmocka_unit_test(scene_doubt_stays),
        cmocka_unit_test(scene_wrong_protocol),
        cmocka_unit_test(scene_many_links),
        cmocka_unit_test(scene_tend),
        cmocka_unit_test(scene_refused_commands),
        cmocka_unit_test(scene_told),
        cmocka_unit_test(scene_out_of_memory),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
