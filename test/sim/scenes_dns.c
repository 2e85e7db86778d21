/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_dns: name servers that are silent, shut, slow, busy, lied for, or do not know
 * the name yet. */
#include "test/sim/scenes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEDGE_MS = 250, REFRESH_MS = 5000 };

/* ---- name servers ------------------------------------------------------------- */

static void scene_no_such_name_yet(void **state)
{
    (void)state;
    for (int srv = 0; srv < 2; srv++) {
        sim_world *w = sim_scene_named(srv ? REEF_HOST_SRV : REEF_HOST_TCP, "db.test");
        sim_zone *z = &w->names.zone;
        z->soa = srv == 0;
        sim_start(w);
        int64_t begin_ms = w->now_ms;
        const char *text = sim_scene_unknown(w, 2000);
        assert_non_null(strstr(text, "db.test"));
        assert_non_null(strstr(text, "10.9.0.1"));
        assert_in_range(w->now_ms - begin_ms, 0, 100); /* waiting is of no use */
        assert_in_range(w->names.queries, 1, 4);
        sim_zone_srv(z, "db.test", "t.test", 6379);
        sim_zone_add(z, srv ? "t.test" : "db.test", SIM_A, "10.0.0.1");
        (void)sim_scene_answered(w, 1000);
        /* Known now, and gone for a while: that is waited out. */
        sim_zone_live(z, "db.test", SIM_SRV, false);
        sim_zone_live(z, "db.test", SIM_A, false);
        sim_break(w, ECONNRESET);
        sim_run(w, w->now_ms + 10);
        uint32_t id = sim_call_one(w, SIM_INCR, false, 9000);
        sim_run(w, w->now_ms + 3000);
        assert_false(w->calls[id].done);
        sim_zone_live(z, "db.test", SIM_SRV, true);
        sim_zone_live(z, "db.test", SIM_A, true);
        sim_run_calls(w);
        assert_int_equal(w->calls[id].code, REEF_OK);
        assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 3000,
                        3000 + REEF_BACKOFF_MAX_MS);
        sim_scene_end(w);
    }
}

typedef enum scene_fault {
    FAULT_SILENT,
    FAULT_CLOSED,
    FAULT_SERVFAIL,
    FAULT_REFUSED,
    FAULT_NO_EDNS,
    FAULT_NO_TCP,
    FAULT_DEAF,
    SCENE_FAULTS
} scene_fault;

static void scene_harm(sim_nameserver *s, scene_fault fault)
{
    s->silent = fault == FAULT_SILENT;
    s->closed = fault == FAULT_CLOSED;
    s->style.rcode = fault == FAULT_SERVFAIL  ? SIM_SERVFAIL
                     : fault == FAULT_REFUSED ? SIM_REFUSED
                                              : 0;
    s->no_edns = fault == FAULT_NO_EDNS;
    s->no_tcp = fault == FAULT_NO_TCP;
    s->deaf = fault == FAULT_DEAF;
    s->cuts = s->no_tcp || s->deaf;
}

/* The first of two name servers is no help: the second one is, at once or nearly. With
 * glue there is one question; without, there are two, of which the other goes to the
 * one that answered the first. */
static void scene_first_server(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 2 * SCENE_FAULTS; way++) {
        scene_fault fault = (scene_fault)(way / 2);
        bool bare = way % 2 == 1;
        bool waits = fault == FAULT_SILENT || fault == FAULT_DEAF;
        sim_world *w = sim_scene_service(1);
        sim_nameserver *second = sim_names_server(w, "fd00:9::2", 53);
        w->names.servers[0].style.bare = second->style.bare = bare;
        scene_harm(&w->names.servers[0], fault);
        sim_names_resolv_conf(w, "nameserver 10.9.0.1\nnameserver fd00:9::2\n");
        sim_start(w);
        assert_in_range(sim_scene_answered(w, 900), waits ? HEDGE_MS : 0,
                        waits ? HEDGE_MS + 50 : 0);
        assert_int_equal(second->queries > 0, fault != FAULT_NO_EDNS);
        sim_scene_end(w);
    }
}

/* Lost, and asked again; late, and heard all the same; or twice, and used once. */
static void scene_datagrams(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(1);
    w->rates.dns_lose = 1000;
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 900);
    sim_run(w, w->now_ms + 10);
    w->rates.dns_lose = 0;
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_int_equal(w->calls[id].done_ms, w->calls[id].submit_ms + HEDGE_MS);
    assert_int_equal(w->names.queries, 2);
    sim_scene_end(w);
    w = sim_scene_service(1);
    w->rates.dns_twice = 1000;
    w->names.servers[0].slow_ms = 400;
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 900), 400);
    assert_int_equal(w->connects, 1);
    sim_scene_end(w);
}

/* Many ports of one machine: where it is has to be asked for once. */
static void scene_one_machine(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(1);
    w->names.servers[0].style.bare = true;
    for (uint16_t i = 0; i < 20; i++) { /* nobody listens there */
        (void)sim_zone_srv(&w->names.zone, SIM_SERVICE, "t0.test",
                           (uint16_t)(8000 + i));
    }
    w->names.zone.records[0].priority = 1;
    sim_start(w);
    assert_int_equal(sim_scene_answered(w, 900), 0);
    assert_int_equal(w->names.queries, 3);
    assert_int_equal(w->opens, 21);
    sim_break(w, ECONNRESET); /* a fresh look-up asks no more */
    sim_run(w, w->now_ms + 10);
    assert_int_equal(sim_scene_answered(w, 900), 0);
    assert_int_equal(w->names.queries, 6);
    sim_scene_end(w);
}

/* No name server helps: the deadline holds, the reason names one, and it mends. */
static void scene_no_server(void **state)
{
    (void)state;
    for (scene_fault fault = 0; fault < SCENE_FAULTS; fault++) {
        sim_world *w = sim_scene_service(1);
        (void)sim_names_server(w, "10.9.0.2", 53);
        sim_names_resolv_conf(w, "nameserver 10.9.0.1\nnameserver 10.9.0.2\n");
        scene_harm(&w->names.servers[0], fault);
        scene_harm(&w->names.servers[1], fault);
        sim_start(w);
        if (fault != FAULT_NO_EDNS) {
            assert_non_null(strstr(sim_scene_unknown(w, 3000), "10.9.0."));
            sim_heal(w);
        }
        assert_in_range(sim_scene_answered(w, 9000), 0, 4000);
        assert_in_range(w->names.worst_second, 1, 200);
        sim_scene_end(w);
    }
}

/* Nothing answers, neither name servers nor servers. */
static void scene_silence(void **state)
{
    (void)state;
    for (int dns = 0; dns < 2; dns++) {
        sim_world *w = sim_scene_service(3);
        w->names.servers[0].silent = dns == 1;
        w->rates.silent_open = 1000;
        sim_start(w);
        for (int64_t timeout = 1; timeout < 9000; timeout *= 3) {
            uint32_t id = sim_call_one(w, SIM_INCR, false, timeout);
            sim_run_calls(w);
            assert_int_equal(w->calls[id].done_ms, w->calls[id].deadline_ms);
            assert_int_equal(w->calls[id].code, dns ? REEF_DNS : REEF_CONNECT);
        }
        sim_scene_end(w);
    }
}

static void scene_truncated(void **state)
{
    (void)state;
    for (uint32_t piece = 0; piece < 3; piece++) {
        sim_world *w = sim_scene_service(1);
        w->names.servers[0].cuts = true;
        w->names.servers[0].style.bare = true;
        w->rates.cut = w->rates.window = piece;
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 900), 0);
        assert_int_equal(w->names.streams, 3);
        sim_scene_end(w);
    }
}

/* More records than a datagram can hold: cut with a word, or without one. */
static void scene_many_records(void **state)
{
    (void)state;
    for (int hush = 0; hush < 2; hush++) {
        sim_world *w = sim_scene_service(1);
        w->names.servers[0].style.hush = hush == 1;
        w->names.servers[0].style.plain = true;
        for (int i = 0; i < 60; i++) { /* hosts that are not there */
            char name[32];
            snprintf(name, sizeof name, "gone%d.test", i);
            sim_zone_srv(&w->names.zone, SIM_SERVICE, name, 7001)->priority = 9;
        }
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 900), 0);
        assert_int_equal(w->names.streams, 1);
        sim_scene_end(w);
    }
}

static void scene_forged_flood(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        sim_world *w =
            way ? sim_scene_named(REEF_HOST_TCP, "db.test") : sim_scene_service(1);
        sim_zone_add(&w->names.zone, "db.test", SIM_A, "10.0.0.1");
        w->names.flood = 10000;
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 100), 0);
        assert_int_equal(w->names.forged, 10000 * w->names.queries);
        assert_int_equal(w->names.queries, way ? 2 : 1);
        sim_scene_end(w);
    }
}

/* By the longest domain, label by label; a target that none fits is asked for where its
 * record came from. */
static void scene_domains(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        sim_world *w = sim_scene_named(REEF_HOST_SRV, "redis.service.Consul");
        reef_nameserver *list = w->config.nameservers;
        sim_nameserver *consul = sim_names_server(w, "10.0.0.9", 8600);
        consul->style.bare = true;
        sim_zone_srv(&w->names.zone, "redis.service.consul", "node.lab", 6379)->view =
            consul->view;
        sim_zone_add(&w->names.zone, "node.lab", SIM_A, "10.0.0.1");
        memcpy(list[0].address, "10.0.0.9", 9);
        memcpy(list[0].domain, "consul", 7);
        list[0].port = 8600;
        memcpy(list[1].address, "10.9.0.1", 9);
        memcpy(list[1].domain, known ? "lab" : "ab", known ? 4 : 3);
        list[1].port = 53;
        w->config.nameserver_count = 2;
        sim_names_resolv_conf(w, "nameserver 10.66.0.1\nsearch never.test\n");
        sim_start(w);
        assert_int_equal(sim_scene_answered(w, 100), 0);
        assert_int_equal(consul->queries, known ? 1 : 3);
        assert_int_equal(w->names.servers[0].queries, known ? 2 : 0);
        sim_scene_end(w);
    }
}

static void scene_resolv_conf_changes(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(1);
    (void)sim_names_server(w, "fe80::9%eth0", 53);
    w->names.servers[0].silent = true;
    sim_start(w);
    uint32_t id = sim_call_one(w, SIM_INCR, false, 3 * REFRESH_MS);
    sim_run(w, w->now_ms + 1000);
    sim_names_resolv_conf(w, "nameserver fe80::9%eth0\n");
    sim_run_calls(w);
    assert_int_equal(w->calls[id].code, REEF_OK);
    assert_in_range(w->calls[id].done_ms - w->calls[id].submit_ms, 1000,
                    REFRESH_MS + 1500);
    sim_scene_end(w);
}

static void scene_no_secret(void **state)
{
    (void)state;
    sim_world *w = sim_scene_service(1);
    w->names.no_key = true;
    sim_start(w);
    assert_true(strlen(sim_scene_unknown(w, 300)) > 10);
    assert_int_equal(w->names.opens, 0);
    sim_scene_end(w);
}

size_t sim_scenes_dns(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_no_such_name_yet),
        cmocka_unit_test(scene_first_server),
        cmocka_unit_test(scene_no_server),
        cmocka_unit_test(scene_silence),
        cmocka_unit_test(scene_truncated),
        cmocka_unit_test(scene_many_records),
        cmocka_unit_test(scene_forged_flood),
        cmocka_unit_test(scene_domains),
        cmocka_unit_test(scene_datagrams),
        cmocka_unit_test(scene_one_machine),
        cmocka_unit_test(scene_resolv_conf_changes),
        cmocka_unit_test(scene_no_secret),
    };
    _Static_assert(sizeof tests / sizeof tests[0] <= SIM_SCENES, "room for all");
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
