/* SPDX-License-Identifier: Apache-2.0
 *
 * Dialling one host: which endpoint comes when, the pauses, what is forgotten. Driven
 * by hand, on the dial of an engine for a single server; what a router makes of it
 * stands in net_direct.c and net_sentinel.c. */
#include "test/unit/engine_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static reef_dial *dial_of(kit *k, const char *host)
{
    char toml[200];
    snprintf(toml, sizeof toml, "server.redis.hosts = [\"%s\"]", host);
    kit_start(k, toml);
    return &k->engine->direct.main;
}

/* The next step, with what a look-up needs for it. */
static void expect(kit *k, reef_dialled want, reef_code code)
{
    reef_error why = {REEF_OK, 0, ""};
    reef_dial *d = &k->engine->direct.main;
    reef_dialled step = reef_dial_next(k->engine, d, &why);
    if (step == REEF_DIAL_WAITS && d->lookup) {
        kit_expect_quiet(k);
        step = reef_dial_next(k->engine, d, &why);
    }
    assert_int_equal(step, want);
    assert_int_equal(why.code, code);
    if (step == REEF_DIAL_OPENS)
        k->engine->links[d->link]->op_due = false; /* nobody opens it */
}

/* The link that is on its way ends like this. */
static void fails(kit *k, reef_code code, bool served)
{
    reef_error why = {code, 0, "x"};
    reef_dial *d = &k->engine->direct.main;
    reef_link *l = k->engine->links[d->link];
    l->served = served;
    l->state = REEF_LINK_FREE;
    reef_dial_down(k->engine, d, l, &why);
    assert_int_equal(d->link, REEF_NO_LINK);
}

static void test_fixed(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool fixed;
    } cases[] = {
        {"127.0.0.1", true}, {"[::1]:7", true},      {"unix:/run/x", true},
        {"db.test", false},  {"srv+db.test", false}, {"localhost", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit k;
        assert_int_equal(reef_dial_is_fixed(dial_of(&k, cases[i].host)),
                         cases[i].fixed);
        kit_stop(&k);
    }
}

static void test_another_host(void **state)
{
    (void)state;
    kit k;
    reef_dial *d = dial_of(&k, "db.test");
    reef_host host = {.kind = REEF_HOST_TCP, .name = "10.0.0.1", .port = 5};
    k.silent = true;
    expect(&k, REEF_DIAL_WAITS, REEF_OK);
    assert_non_null(d->lookup);
    d->round = 3;
    reef_dial_to(k.engine, d, &host);
    assert_null(d->lookup);
    assert_int_equal(d->round, 0);
    expect(&k, REEF_DIAL_OPENS, REEF_OK);
    assert_int_equal(k.engine->links[d->link]->port, 5);
    assert_string_equal(k.engine->links[d->link]->address, "10.0.0.1");
    reef_dial_to(k.engine, d, NULL);
    assert_int_equal(d->link, REEF_NO_LINK);
    assert_string_equal(d->host.name, "");
    kit_stop(&k);
}

static void test_hopeless(void **state)
{
    (void)state;
    const reef_code codes[] = {REEF_AUTH, REEF_BADCONFIG, REEF_PROTOCOL, REEF_REFUSED};
    for (size_t i = 0; i < 4; i++)
        assert_true(reef_dial_hopeless(codes[i]));
    assert_false(reef_dial_hopeless(REEF_CONNECT));
    assert_false(reef_dial_hopeless(REEF_NOROUTE));
    assert_false(reef_dial_hopeless(REEF_DNS));
}

/* Each endpoint once, then a pause, and twice the time. */
static void test_round(void **state)
{
    (void)state;
    for (int hopeless = 0; hopeless < 2; hopeless++) {
        kit k;
        reef_dial *d = dial_of(&k, "db.test:7");
        k.hosts = "127.0.0.8 db.test\n127.0.0.9 db.test\n";
        for (int i = 0; i < 2; i++) {
            expect(&k, REEF_DIAL_OPENS, REEF_OK);
            const reef_link *l = k.engine->links[d->link];
            assert_string_equal(l->address, i == 0 ? "127.0.0.8" : "127.0.0.9");
            assert_int_equal(l->attempt_deadline_ms, k.now_ms + REEF_DIAL_MS);
            assert_int_equal(l->shake_deadline_ms, k.now_ms + 5 * REEF_DIAL_MS);
            fails(&k, i == 0 || hopeless ? REEF_AUTH : REEF_CONNECT, false);
            assert_int_equal(d->pause.until_ms, 0);
        }
        expect(&k, REEF_DIAL_SPENT, REEF_OK);
        assert_int_equal(d->spent, hopeless);
        assert_int_equal(d->round, 1);
        assert_true(d->fresh);
        assert_true(d->pause.until_ms > k.now_ms);
        assert_null(d->lookup);
        expect(&k, REEF_DIAL_OPENS, REEF_OK);
        assert_int_equal(k.engine->links[d->link]->attempt_deadline_ms,
                         k.now_ms + 2 * REEF_DIAL_MS);
        reef_dial_ready(k.engine, d);
        assert_int_equal(d->round, 0);
        assert_int_equal(d->attempts, 0);
        kit_stop(&k);
    }
}

/* The times double no further than to the end of what an int64_t holds. */
static void test_rounds_are_bounded(void **state)
{
    (void)state;
    kit k;
    reef_dial *d = dial_of(&k, "db.test:7");
    k.hosts = "127.0.0.8 db.test\n::8 db.test\n";
    for (int i = 0; i < 100; i++) {
        expect(&k, REEF_DIAL_OPENS, REEF_OK);
        assert_in_range(k.engine->links[d->link]->shake_deadline_ms - k.now_ms,
                        REEF_DIAL_MS, 5000);
        fails(&k, REEF_CONNECT, false);
        expect(&k, REEF_DIAL_OPENS, REEF_OK);
        fails(&k, REEF_CONNECT, false);
        expect(&k, REEF_DIAL_SPENT, REEF_OK);
    }
    assert_in_range(d->round, 4, 16);
    kit_stop(&k);
}

/* The pause of an address grows; a link that was of use, or lived long, resets it. */
static void test_pauses(void **state)
{
    (void)state;
    kit k;
    reef_dial *d = dial_of(&k, "127.0.0.1:7");
    for (uint32_t i = 1; i < 4; i++) {
        expect(&k, REEF_DIAL_OPENS, REEF_OK);
        fails(&k, REEF_CONNECT, false);
        assert_int_equal(d->pause.step, i);
        assert_true(d->pause.until_ms > k.now_ms);
    }
    expect(&k, REEF_DIAL_OPENS, REEF_OK);
    fails(&k, REEF_CONNECT, true); /* at once: it was of no use */
    assert_int_equal(d->pause.step, 4);
    expect(&k, REEF_DIAL_OPENS, REEF_OK);
    k.engine->links[d->link]->useful = true;
    fails(&k, REEF_CONNECT, true);
    assert_int_equal(d->pause.step, 0);
    expect(&k, REEF_DIAL_OPENS, REEF_OK);
    d->pause.step = 3;
    reef_engine_advance(k.engine, k.now_ms + 1000);
    fails(&k, REEF_CONNECT, true);
    assert_int_equal(d->pause.step, 0);
    kit_stop(&k);
}

static void test_nameless(void **state)
{
    (void)state;
    kit k;
    reef_dial *d = dial_of(&k, "db.test:7");
    k.silent = true;
    expect(&k, REEF_DIAL_WAITS, REEF_OK);
    kit_tick_to(&k, k.now_ms + 60000);
    expect(&k, REEF_DIAL_NAMELESS, REEF_DNS);
    assert_false(d->denied);
    assert_true(d->fresh);
    assert_true(d->pause.until_ms > k.now_ms);
    kit_stop(&k);
}

/* A look-up that nobody waited for is used for a moment, and then is too old. */
static void test_left(void **state)
{
    (void)state;
    for (int stale = 0; stale < 2; stale++) {
        kit k;
        reef_dial *d = dial_of(&k, "db.test:7");
        k.silent = true;
        reef_dial_leave(k.engine, d);
        assert_int_equal(d->left_ms, 0); /* there is none */
        expect(&k, REEF_DIAL_WAITS, REEF_OK);
        const reef_lookup *lookup = d->lookup;
        reef_dial_leave(k.engine, d);
        assert_int_equal(d->left_ms, k.now_ms);
        reef_engine_advance(k.engine, k.now_ms + 999);
        reef_dial_leave(k.engine, d);
        assert_int_equal(d->left_ms, k.now_ms); /* since the first time */
        reef_engine_advance(k.engine, k.now_ms + 999 + stale);
        d->tried = 1;
        expect(&k, REEF_DIAL_WAITS, REEF_OK);
        assert_int_equal(d->left_ms, 0);
        assert_int_equal(d->tried, !stale);
        assert_true(stale || d->lookup == lookup);
        kit_stop(&k);
    }
}

/* All numbers are taken: by links that are about to go, or not. */
static void test_no_number(void **state)
{
    (void)state;
    for (int closing = 0; closing < 2; closing++) {
        kit k;
        reef_dial *d = dial_of(&k, "127.0.0.1:7");
        for (int i = 0; i < REEF_SERVE_LINKS_MAX; i++) {
            expect(&k, REEF_DIAL_OPENS, REEF_OK);
            k.engine->links[d->link]->state = REEF_LINK_HELLO;
            d->link = REEF_NO_LINK;
        }
        if (closing)
            k.engine->links[3]->state = REEF_LINK_CLOSING;
        expect(&k, REEF_DIAL_WAITS, REEF_OK);
        assert_int_equal(d->link, REEF_NO_LINK);
        assert_int_equal(d->pause.until_ms > k.now_ms, !closing);
        kit_stop(&k);
    }
}

/* An only endpoint has all the time that there is; one of several does not, and nobody
 * else's link does. */
static void test_late(void **state)
{
    (void)state;
    for (int others = 0; others < 2; others++) {
        kit k;
        reef_dial *d = dial_of(&k, "db.test:7");
        k.hosts = others ? "127.0.0.8 db.test\n::8 db.test\n" : "127.0.0.8 db.test\n";
        expect(&k, REEF_DIAL_OPENS, REEF_OK);
        reef_link *l = k.engine->links[d->link], other = {.index = l->index + 1};
        assert_false(reef_dial_late(k.engine, d, &other));
        assert_int_equal(reef_dial_late(k.engine, d, l), !others);
        if (!others)
            assert_int_equal(l->shake_deadline_ms, k.now_ms + 5000);
        reef_engine_advance(k.engine, k.now_ms + 5000);
        assert_false(reef_dial_late(k.engine, d, l));
        kit_stop(&k);
    }
}

static void test_peers(void **state)
{
    (void)state;
    kit k;
    reef_dial *d = dial_of(&k, "db.test:7");
    assert_false(reef_dial_has_peers(d));
    k.hosts = "127.0.0.8 db.test\n";
    expect(&k, REEF_DIAL_OPENS, REEF_OK);
    assert_false(reef_dial_has_peers(d)); /* addresses of one name are one target */
    kit_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_another_host),
        cmocka_unit_test(test_hopeless),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_rounds_are_bounded),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_no_number),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
