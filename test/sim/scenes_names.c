/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_names: finding the server by its name: by the hosts file, by address records
 * and by the records of a service; and servers that move. */
#include "test/sim/scenes.h"

#include "test/sim/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REFRESH_MS = 5000 };

/* ---- props -------------------------------------------------------------------- */

sim_world *sim_scene_named(reef_host_kind kind, const char *name)
{
    sim_world *w = sim_scene_begin();
    reef_host *h = &w->config.hosts[0];
    h->kind = kind;
    memcpy(h->name, name, strlen(name) + 1);
    return w;
}

void sim_scene_address(sim_world *w, const char *address, uint16_t port)
{
    size_t i = w->address_count++;
    assert_true(i < SIM_ADDRESSES);
    w->addresses[i].text = address;
    w->addresses[i].port = port;
}

/* A service at one address after the other; `targets` of them, t0.test and so on. */
sim_world *sim_scene_service(uint32_t targets)
{
    static const char *const list[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4",
                                       "10.0.0.5"};
    sim_world *w = sim_scene_named(REEF_HOST_SRV, SIM_SERVICE);
    char name[] = "t0.test";
    w->address_count = 0;
    for (uint32_t i = 0; i < targets; i++) {
        name[1] = (char)('0' + i);
        sim_zone_srv(&w->names.zone, SIM_SERVICE, name, 7001)->weight = 1;
        sim_zone_add(&w->names.zone, name, SIM_A, list[i]);
        sim_scene_address(w, list[i], 7001);
    }
    return w;
}

/* One call that must be answered; when, counted from its submit. */
int64_t sim_scene_answered(sim_world *w, int64_t timeout_ms)
{
    uint32_t id = sim_call_one(w, SIM_INCR, false, timeout_ms);
    sim_run_calls(w);
    sim_scene_whole(w);
    assert_string_equal(w->calls[id].text, "");
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->data.ran[id], 1);
    return w->calls[id].done_ms - w->calls[id].submit_ms;
}

/* One call that ends by its deadline, since no name server helps; what it said. */
const char *sim_scene_unknown(sim_world *w, int64_t timeout_ms)
{
    uint32_t id = sim_call_one(w, SIM_INCR, false, timeout_ms);
    sim_run_calls(w);
    assert_null(w->failed);
    assert_int_equal(w->calls[id].code, REEF_DNS);
    assert_true(w->calls[id].done_ms <= w->calls[id].deadline_ms);
    assert_int_equal(w->opens, 0);
    return w->calls[id].text;
}

/* ---- addresses of a name ------------------------------------------------------ */

static void scene_plain_name(void **state)
{
    (void)state;
    sim_world *w = sim_scene_named(REEF_HOST_TCP, "db.test");
    sim_zone_add(&w->names.zone, "db.test", SIM_A, "10.0.0.1");
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 100), 0);
    assert_int_equal(w->names.files, 1);
    assert_int_equal(w->names.queries, 2);
    assert_int_equal(w->names.streams, 0);
    sim_run(w, w->now_ms + 1000);
    assert_int_equal(w->names.opens, 2);
    sim_scene_end(w);
}

static void scene_search_list(void **state)
{
    (void)state;
    static const struct {
        const char *name, *conf;
        uint32_t queries;
    } tries[] = {
        {"db", "search lab.test box.test\nnameserver 10.9.0.1\n", 4},
        {"db.box", "nameserver 10.9.0.1\nsearch lab.test test\n", 6},
        {"db.box", "nameserver 10.9.0.1\noptions ndots:2\nsearch test\n", 2},
        {"db.box.test", "nameserver 10.9.0.1\nsearch test\n", 2},
        {"db.box.test.", "nameserver 10.9.0.1\nsearch test\noptions ndots:9\n", 2},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        sim_world *w = sim_scene_named(REEF_HOST_TCP, tries[i].name);
        sim_names_resolv_conf(w, tries[i].conf);
        sim_zone_add(&w->names.zone, "db.box.test", SIM_A, "10.0.0.1");
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 100), 0);
        assert_int_equal(w->names.queries, tries[i].queries);
        sim_scene_end(w);
    }
}

static void scene_v6_only(void **state)
{
    (void)state;
    for (int srv = 0; srv < 2; srv++) {
        sim_world *w = sim_scene_named(srv ? REEF_HOST_SRV : REEF_HOST_TCP, "db.test");
        w->names.servers[0].style.bare = true;
        sim_zone_srv(&w->names.zone, "db.test", "v6.test", 6379);
        sim_zone_add(&w->names.zone, srv ? "v6.test" : "db.test", SIM_AAAA, "fd00::3");
        w->address_count = 0;
        sim_scene_address(w, "fd00::3", 0);
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 100), 0);
        assert_int_equal(w->names.queries, srv ? 3 : 2);
        sim_scene_end(w);
    }
}

/* v4 and v6 in turns, v4 first, though v6 may be known a little earlier. */
static void scene_families(void **state)
{
    (void)state;
    static const struct {
        int64_t late_ms, took_ms;
        bool dead;
        uint32_t v4, v6;
    } tries[] = {{0, 0, false, 1, 0},
                 {0, 0, true, 1, 1},
                 {30, 30, false, 1, 0},
                 {200, 50, false, 0, 1}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        sim_world *w = sim_scene_named(REEF_HOST_TCP, "db.test");
        sim_nameserver *s = &w->names.servers[0];
        sim_zone_add(&w->names.zone, "db.test", SIM_A, "10.0.0.1");
        sim_zone_add(&w->names.zone, "db.test", SIM_A, "10.0.0.2");
        sim_zone_add(&w->names.zone, "db.test", SIM_AAAA, "fd00::3");
        sim_scene_address(w, "10.0.0.2", 0);
        sim_scene_address(w, "fd00::3", 0);
        w->addresses[0].dead = w->addresses[1].dead = tries[i].dead;
        s->slow_type = SIM_A;
        s->slow_ms = tries[i].late_ms;
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 900), tries[i].took_ms);
        assert_int_equal(w->addresses[0].opens + w->addresses[1].opens, tries[i].v4);
        assert_int_equal(w->addresses[2].opens, tries[i].v6);
        sim_scene_end(w);
    }
}

/* A chain in one message, and a step a message. */
static void scene_alias(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        bool step = (way & 1) != 0, srv = (way & 2) != 0;
        sim_world *w =
            sim_scene_named(srv ? REEF_HOST_SRV : REEF_HOST_TCP, "alias.test");
        w->names.servers[0].style.step = step;
        sim_zone_add(&w->names.zone, "alias.test", SIM_CNAME, "more.test");
        sim_zone_add(&w->names.zone, "more.test", SIM_CNAME, "db.test");
        sim_zone_srv(&w->names.zone, "db.test", "t.test", 6379);
        sim_zone_add(&w->names.zone, srv ? "t.test" : "db.test", SIM_A, "10.0.0.1");
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 100), 0);
        assert_in_range(w->names.queries, step ? 3 : 1, step ? 6 : 3);
        sim_scene_end(w);
    }
}

static void scene_hosts_file_changes(void **state)
{
    (void)state;
    sim_world *w = sim_scene_named(REEF_HOST_TCP, "db.test");
    sim_names_hosts(w, "# 10.9.9.9 db.test\n10.9.9.8 other\n"
                       "10.0.0.1\tweb  db.test # ours\n");
    sim_scene_address(w, "10.0.0.2", 0);
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 100), 0);
    sim_names_hosts(w, "10.0.0.2 db.test\n");
    w->addresses[0].dead = true;
    sim_break(w, ECONNRESET);
    sim_run(w, w->now_ms + 10);
    assert_in_range(sim_scene_answered(w, 3 * REFRESH_MS), 0, REFRESH_MS + 600);
    assert_int_equal(w->names.queries, 0);
    assert_int_equal(w->addresses[1].opens, 1);
    assert_in_range(w->names.files, 2, 3);
    sim_scene_end(w);
}

/* ---- services ----------------------------------------------------------------- */

static void scene_srv(void **state)
{
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        sim_world *w = sim_scene_service(1);
        w->names.servers[0].style.bare = bare == 1;
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 100), 0);
        assert_int_equal(w->names.queries, bare ? 3 : 1);
        assert_int_equal(w->addresses[0].opens, 1);
        sim_scene_end(w);
    }
}

static void scene_srv_says_no(void **state)
{
    (void)state;
    static const char *const targets[] = {".", "nowhere.test", "loop.test"};
    for (size_t i = 0; i < 3; i++) {
        sim_world *w = sim_scene_named(REEF_HOST_SRV, SIM_SERVICE);
        sim_zone_srv(&w->names.zone, SIM_SERVICE, targets[i], 6379);
        sim_zone_add(&w->names.zone, "loop.test", SIM_CNAME, "pool.test");
        sim_zone_add(&w->names.zone, "pool.test", SIM_CNAME, "loop.test");
        sim_start(w);
        assert_non_null(strstr(sim_scene_unknown(w, 700), SIM_SERVICE));
        assert_in_range(w->names.queries, 1, 100);
        sim_scene_end(w);
    }
}

/* Of several targets some swallow what is sent to them. */
static void scene_black_holes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        sim_world *w = sim_scene_service(4);
        w->seed = w->random = seed;
        w->addresses[0].silent = w->addresses[2].silent = true;
        w->addresses[3].dead = true;
        sim_start(w);
        assert_in_range(sim_scene_answered(w, 3000), 0, 2 * REEF_DIAL_MS);
        sim_scene_end(w);
    }
}

static void scene_reconnect(sim_world *w, uint32_t times)
{
    w->names.servers[0].style.steady = true;
    sim_start(w);
    for (uint32_t i = 0; i < times; i++) {
        (void)sim_scene_answered(w, 1000);
        sim_break(w, ECONNRESET);
        sim_run(w, w->now_ms + 50);
    }
}

static void scene_turns(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(3);
    scene_reconnect(w, 90);
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(w->addresses[i].opens, 15, 50);
    }
    sim_scene_end(w);
}

static void scene_weights(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(4);
    sim_record *records = w->names.zone.records; /* SRV and A in turns */
    records[0].weight = 3;
    records[4].weight = 0;
    records[6].priority = 1;
    records[6].weight = 1000;
    scene_reconnect(w, 200);
    assert_in_range(w->addresses[0].opens, 125, 175);
    assert_int_equal(w->addresses[0].opens + w->addresses[1].opens, 200);
    assert_int_equal(w->addresses[2].opens, 0);
    assert_int_equal(w->addresses[3].opens, 0);
    w->addresses[0].dead = w->addresses[1].dead = true;
    (void)sim_scene_answered(w, 1000);
    assert_int_equal(w->addresses[2].opens, 1); /* the zero before the next priority */
    w->addresses[2].dead = true;
    sim_break(w, ECONNRESET);
    sim_run(w, w->now_ms + 50);
    (void)sim_scene_answered(w, 1000);
    assert_int_equal(w->addresses[3].opens, 1);
    sim_scene_end(w);
}

/* The server dies and comes up elsewhere; its record follows, sooner or later. */
static void scene_moves(void **state)
{
    (void)state;
    for (int64_t late_ms = 0; late_ms < 2000; late_ms += 331) {
        sim_world *w = sim_scene_service(1);
        sim_zone *z = &w->names.zone;
        z->records[0].ttl = z->records[1].ttl = 3600;
        sim_start(w);
        (void)sim_scene_answered(w, 100);
        w->addresses[0].port = 7002; /* another port of the same machine … */
        if (late_ms % 2 == 1) {      /* … or another machine */
            w->addresses[0].text = "10.0.0.2";
        }
        sim_break(w, ECONNRESET);
        sim_run(w, w->now_ms + late_ms);
        z->records[0].live = z->records[1].live = false;
        sim_zone_srv(z, SIM_SERVICE, "new.test", 7002);
        sim_zone_add(z, "new.test", SIM_A, w->addresses[0].text);
        assert_in_range(sim_scene_answered(w, 5000), 0, 1000);
        assert_int_equal(w->connects, 2);
        sim_scene_end(w);
    }
}

/* The machine is gone without a word, and its records would live for an hour yet. */
static void scene_moves_silently(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(1);
    sim_zone *z = &w->names.zone;
    z->records[0].ttl = z->records[1].ttl = 3600;
    sim_start(w);
    (void)sim_scene_answered(w, 100);
    w->addresses[0].silent = true;
    for (size_t i = 0; i < SIM_LINKS; i++) {
        w->links[i].mute = true;
    }
    z->records[1].live = false;
    sim_zone_add(z, "t0.test", SIM_A, "10.0.0.2");
    sim_scene_address(w, "10.0.0.2", 7001);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 300);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_UNSURE);
    assert_int_equal(sim_scene_answered(w, 2000), 0);
    assert_int_equal(w->addresses[1].opens, 1);
    sim_scene_end(w);
}

/* The call has ended before the look-up, or the attempt that it led to, came to its
 * end. What was found then is no news for a call that comes a minute later. */
static void scene_nobody_waits(void **state)
{
    (void)state;
    for (int dialled = 0; dialled < 2; dialled++) {
        sim_world *w = sim_scene_service(2);
        w->names.servers[0].slow_ms = dialled ? 0 : 50;
        w->addresses[0].silent = w->addresses[1].silent = true;
        sim_start(w);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 20);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, dialled ? REEF_CONNECT : REEF_DNS);
        sim_run(w, w->now_ms + 60000);
        assert_false(reef_engine_busy(w->engine));
        assert_int_equal(w->opens, dialled);
        sim_zone_live(&w->names.zone, SIM_SERVICE, SIM_SRV, false);
        sim_zone_srv(&w->names.zone, SIM_SERVICE, "t2.test", 7001);
        sim_zone_add(&w->names.zone, "t2.test", SIM_A, "10.0.0.3");
        sim_scene_address(w, "10.0.0.3", 7001);
        assert_in_range(sim_scene_answered(w, 2000), 0, 50);
        assert_int_equal(w->opens, dialled + 1);
        sim_scene_end(w);
    }
}

/* A call waits all the time while the record is still the old one. */
static void scene_moves_late(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(1);
    sim_start(w);
    (void)sim_scene_answered(w, 100);
    w->addresses[0].port = 7002;
    sim_break(w, 0);
    sim_run(w, w->now_ms);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 9000);
    sim_run(w, w->now_ms + 3000);
    assert_false(w->calls[id].done);
    w->names.zone.records[0].live = false;
    sim_zone_srv(&w->names.zone, SIM_SERVICE, "t0.test", 7002);
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 3000, 4000);
    sim_scene_end(w);
}

/* ---- out of memory ------------------------------------------------------------ */

/* One life in which the k-th allocation fails. False: there is no k-th. */
static bool scene_starved_names(uint64_t k, bool forever)
{
    sim_world *w = sim_scene_service(2);
    w->names.servers[0].style.bare = true;
    w->names.servers[0].style.step = true;
    w->names.servers[0].cuts = true;
    w->out_of_memory = true;
    sim_memory_fail(k, forever);
    sim_start(w);
    for (int i = 0; i < 3 && w->engine != NULL && w->failed == NULL; i++) {
        (void)sim_call_one(w, SIM_INCR, false, 300);
        (void)sim_call_one(w, SIM_GET, true, 300);
        sim_run(w, w->now_ms + 40);
        sim_break(w, ECONNRESET);
    }
    bool failed = sim_memory_failed();
    sim_memory_fail(0, false);
    if (w->engine != NULL) {
        sim_run_calls(w);
        sim_heal(w);
        sim_run(w, w->now_ms + 500);
        uint32_t id = sim_call_one(w, SIM_ECHO, false, 9000);
        sim_run_calls(w);
        if (w->failed == NULL && w->calls[id].code != REEF_OK) {
            sim_fail(w, "no recovery from that failed allocation", (int64_t)k, forever);
        }
    }
    sim_scene_end(w);
    return failed;
}

static void scene_names_out_of_memory(void **state)
{
    (void)state;
    uint64_t k = 1;
    while (scene_starved_names(k, false)) {
        k++;
    }
    assert_in_range(k, 20, 4000);
    for (uint64_t j = 1; j < k; j++) {
        assert_true(scene_starved_names(j, true));
    }
}

size_t sim_scenes_names(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_plain_name),
        cmocka_unit_test(scene_search_list),
        cmocka_unit_test(scene_v6_only),
        cmocka_unit_test(scene_families),
        cmocka_unit_test(scene_alias),
        cmocka_unit_test(scene_hosts_file_changes),
        cmocka_unit_test(scene_srv),
        cmocka_unit_test(scene_srv_says_no),
        cmocka_unit_test(scene_black_holes),
        cmocka_unit_test(scene_turns),
        cmocka_unit_test(scene_weights),
        cmocka_unit_test(scene_moves),
        cmocka_unit_test(scene_moves_silently),
        cmocka_unit_test(scene_nobody_waits),
        cmocka_unit_test(scene_moves_late),
        cmocka_unit_test(scene_names_out_of_memory),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
