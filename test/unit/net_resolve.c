/* SPDX-License-Identifier: Apache-2.0
 *
 * net/resolve.c: life, files, routes, and what is written down of exchanges. */
#include "test/unit/resolve_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUTES                                                                         \
    "nameservers = [\"10.9.9.1\", \"10.9.9.2\", \"lab.test/10.9.9.3:5353\", "          \
    "\"deep.lab.test/10.9.9.4\"]\nconsul = [\"10.9.9.5\"]"
#define SRV_RECORD "@ 30 SRV 1 1 7000 r1.test; +r1.test 30 A 10.0.0.1"

/* ---- out of memory ------------------------------------------------------------ */

static struct {
    size_t countdown; /* the allocation that fails; 0: none */
    bool starved;
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static bool memory_fails(void)
{
    bool fails = memory.countdown > 0 && --memory.countdown == 0;
    memory.starved = memory.starved || fails;
    return fails;
}

void *__wrap_malloc(size_t size)
{
    return memory_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return memory_fails() ? NULL : __real_realloc(ptr, size);
}

static void answer_all(names_kit *k)
{
    for (uint32_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        const names_link *link = &k->links[i];
        if (!link->live || !link->asked)
            continue;
        const char *text = "@ 30 A 10.0.0.1";
        if (link->query.type == REEF_DNS_AAAA)
            text = "@ 30 AAAA fd00::1";
        else if (link->query.type == REEF_DNS_SRV && link->datagram)
            text = strncmp(link->query.name, "al", 2) == 0 ? "@ 30 CNAME _redis.test"
                                                           : "tc";
        else if (link->query.type == REEF_DNS_SRV)
            text =
                "@ 30 SRV 1 1 7000 r1.test; @ 30 SRV 2 1 7001 r2.test; +r1.test 30 A "
                "10.0.0.1";
        names_say(k, NAMES_FIRST_LINK + i, text);
    }
}

/* All endpoints of an alias, over UDP and TCP, with glue and without. */
static reef_lookup_state look_through(names_kit *k, reef_lookup *l, reef_error *why)
{
    reef_lookup_state state = REEF_LOOKUP_WAIT;
    reef_endpoint endpoint;
    for (int i = 0; i < 40 && state != REEF_LOOKUP_END; i++) {
        state = reef_lookup_next(l, &endpoint);
        names_run(k);
        answer_all(k);
    }
    reef_lookup_why(l, why);
    return state;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    size_t starved = 0;
    for (size_t n = 1;; n++) {
        names_kit k;
        reef_error why = {.code = REEF_NOMEM};
        names_start(&k, "nameservers = [\"10.9.9.1\"]");
        memory.starved = false;
        memory.countdown = n;
        names_restart(&k);
        if (k.resolver != NULL) {
            (void)reef_resolver_hosts(k.resolver, reef_str_of("10.0.0.1 other"));
            reef_lookup *l = names_look(&k, "alias.test", true, 100000);
            if (l != NULL)
                assert_int_equal(look_through(&k, l, &why), REEF_LOOKUP_END);
        }
        memory.countdown = 0;
        names_stop(&k);
        /* What one allocation less may cost is a sentence, or the whole. */
        assert_true(why.code == REEF_OK || why.code == REEF_NOMEM);
        if (!memory.starved) {
            assert_int_equal(why.code, REEF_OK);
            break;
        }
        starved++;
    }
    assert_in_range(starved, 10, 200);
}

/* ---- files -------------------------------------------------------------------- */

static void test_files_first_and_not_too_often(void **state)
{
    (void)state;
    names_kit k;
    reef_op op;
    bool moved = false;
    names_start(&k, "");
    reef_lookup_wish wish = {.name = "redis.test", .port = 1, .deadline_ms = 90000};
    names_run(&k);
    assert_int_equal(k.files, 0);
    reef_lookup *l = reef_lookup_new(k.resolver, &wish);
    assert_true(reef_resolver_next_op(k.resolver, &op, &moved, 1000));
    assert_int_equal(op.kind, REEF_OP_FILES);
    assert_int_equal(reef_resolver_conf(k.resolver, reef_str_of("nameserver 10.8.8.1"),
                                        reef_str_of("me")),
                     REEF_OK);
    names_asked(&k, "10.8.8.1:53", "A", "redis.test");
    k.hosts = "10.0.0.1 later.test";
    assert_non_null(names_look(&k, "later.test", false, 1000));
    assert_int_equal(k.files, 0);
    names_to(&k, 1000 + REEF_REFRESH_MS);
    assert_int_equal(k.files, 0); /* nobody asks */
    reef_lookup *later = names_look(&k, "later.test", false, 1000);
    assert_int_equal(k.files, 1);
    names_ready(later, "10.0.0.1", NAMES_PORT);
    reef_lookup_free(k.resolver, l);
    names_stop(&k);
}

static void test_new_servers_forget_the_cache(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "consul = [\"10.9.9.5\"]");
    k.conf = "nameserver 10.8.8.1\n";
    (void)names_look(&k, "_s.test", true, 1000);
    names_say(&k, names_asked(&k, "10.8.8.1:53", "SRV", "_s.test"), SRV_RECORD);
    (void)names_look(&k, "s.consul", true, 1000);
    names_say(&k, names_asked(&k, "10.9.9.5:8600", "SRV", "s.consul"), SRV_RECORD);
    assert_int_equal(k.opens, 2);
    (void)reef_resolver_conf(k.resolver, reef_str_of("nameserver 10.8.8.9"),
                             reef_str_of(""));
    names_ready(names_look(&k, "s.consul", true, 1000), "10.0.0.1", 7000);
    names_wait(names_look(&k, "_s.test", true, 1000));
    names_asked(&k, "10.8.8.9:53", "SRV", "_s.test");
    names_stop(&k);
}

/* What the old ones still say is for those that asked them, and is not kept. */
static void test_new_servers_while_a_question_is_out(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "");
    k.conf = "nameserver 10.8.8.1\n";
    reef_lookup *before = names_look(&k, "_s.test", true, 9000);
    uint32_t old = names_asked(&k, "10.8.8.1:53", "SRV", "_s.test");
    (void)reef_resolver_conf(k.resolver, reef_str_of("nameserver 10.8.8.9"),
                             reef_str_of(""));
    reef_lookup *after = names_look(&k, "_s.test", true, 9000);
    uint32_t new = names_asked(&k, "10.8.8.9:53", "SRV", "_s.test");
    names_say(&k, old, "@ 30 SRV 1 1 7000 r1.test; +r1.test 30 A 10.66.66.66");
    names_ready(before, "10.66.66.66", 7000);
    names_wait(after);
    names_wait(names_look(&k, "_s.test", true, 9000));
    names_say(&k, new, SRV_RECORD);
    names_ready(after, "10.0.0.1", 7000);
    names_ready(names_look(&k, "_s.test", true, 9000), "10.0.0.1", 7000);
    assert_int_equal(k.opens, 2);
    names_stop(&k);
}

/* ---- time --------------------------------------------------------------------- */

/* A host that slept reads its sockets before it says what time it is. */
static void test_old_answers_are_not_heard(void **state)
{
    (void)state;
    names_kit k;
    names_message m;
    names_start(&k, "nameservers = [\"10.9.9.1\"]");
    reef_lookup *l = names_look(&k, "_s.test", true, 90000);
    uint32_t link = names_asked(&k, "10.9.9.1:53", "SRV", "_s.test");
    names_build(&m, &k.links[link - NAMES_FIRST_LINK].query,
                "@ 30 SRV 1 1 7000 r1.test; +r1.test 30 A 10.66.66.66");
    k.now_ms = 1000 + REEF_ASK_TIMEOUT_MS;
    names_bytes(&k, link, m.bytes, m.len);
    names_wait(l);
    names_run(&k); /* closes it, and asks again */
    assert_int_equal(k.closes, 1);
    assert_int_equal(k.opens, 2);
    names_say(&k, names_asked(&k, "10.9.9.1:53", "SRV", "_s.test"), SRV_RECORD);
    names_ready(l, "10.0.0.1", 7000);
    names_stop(&k);
}

/* Nobody wants it, and nobody came by when its time was over: whatever happens next
 * closes its sockets, a call for another link too. */
static void test_abandoned_sockets_are_closed(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "nameservers = [\"10.9.9.1\"]");
    (void)names_look(&k, "redis.test", false, 500);
    assert_int_equal(k.opens, 2);
    k.now_ms = 60000;
    reef_resolver_sent(k.resolver, 0, 1, k.now_ms);
    names_run(&k);
    assert_int_equal(k.closes, 2);
    assert_int_equal(k.opens, 2);
    names_stop(&k);
}

/* ---- routes ------------------------------------------------------------------- */

static void test_routes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *server;
    } cases[] = {
        {"redis.test", "10.9.9.1:53"},
        {"lab.test", "10.9.9.3:5353"},
        {"a.lab.test", "10.9.9.3:5353"},
        {"A.LAB.TEST.", "10.9.9.3:5353"},
        {"xlab.test", "10.9.9.1:53"},
        {"lab.test.x", "10.9.9.1:53"},
        {"a.b.deep.lab.test", "10.9.9.4:53"},
        {"xdeep.lab.test", "10.9.9.3:5353"},
        {"redis.service.consul", "10.9.9.5:8600"},
        {"test", "10.9.9.1:53"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names_kit k;
        char name[64];
        names_start(&k, ROUTES);
        (void)names_look(&k, cases[i].name, true, 1000);
        snprintf(name, sizeof name, "%s", cases[i].name);
        if (name[strlen(name) - 1] == '.')
            name[strlen(name) - 1] = '\0';
        names_asked(&k, cases[i].server, "SRV", name);
        names_stop(&k);
    }
}

/* What Consul says of a service is also the place to ask about its nodes. */
static void test_route_of_targets(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, ROUTES);
    reef_lookup *l = names_look(&k, "redis.service.consul", true, 1000);
    names_say(&k, names_asked(&k, "10.9.9.5:8600", "SRV", "redis.service.consul"),
              "@ 30 SRV 1 1 7001 node.elsewhere; @ 30 SRV 2 1 7002 n.lab.test");
    names_say(&k, names_asked(&k, "10.9.9.5:8600", "A", "node.elsewhere"), "rcode 3");
    names_wait(l);
    names_asked(&k, "10.9.9.3:5353", "A", "n.lab.test");
    names_stop(&k);
    names_start(&k, "consul = [\"10.9.9.5\"]"); /* nothing else: the system's */
    k.conf = "nameserver 10.8.8.1";
    (void)names_look(&k, "redis.test", true, 1000);
    names_asked(&k, "10.8.8.1:53", "SRV", "redis.test");
    names_stop(&k);
}

/* ---- inputs ------------------------------------------------------------------- */

static void test_links_of_others(void **state)
{
    (void)state;
    static const uint32_t others[] = {0, NAMES_FIRST_LINK - 1,
                                      NAMES_FIRST_LINK + REEF_EXCHANGES_MAX, UINT32_MAX,
                                      NAMES_FIRST_LINK + 9};
    names_kit k;
    size_t cap = 0;
    names_start(&k, "nameservers = [\"10.9.9.1\"]");
    reef_lookup *l = names_look(&k, "_s.test", true, 1000);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(reef_resolver_room(k.resolver, others[i], &cap));
        reef_resolver_opened(k.resolver, others[i], 1000);
        reef_resolver_sent(k.resolver, others[i], 5, 1000);
        reef_resolver_received(k.resolver, others[i], 5, 1000);
        reef_resolver_closed(k.resolver, others[i], ECONNRESET, 1000);
    }
    /* Said twice, or too early. */
    uint32_t link = names_asked(&k, "10.9.9.1:53", "SRV", "_s.test");
    reef_resolver_opened(k.resolver, link, 1000);
    reef_resolver_sent(k.resolver, link, 5, 1000);
    names_say(&k, link, SRV_RECORD);
    names_ready(l, "10.0.0.1", 7000);
    reef_resolver_closed(k.resolver, link, 0, 1000);
    names_run(&k);
    assert_int_equal(k.closes, 1);
    names_stop(&k);
}

static void test_closed_before_the_close(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "nameservers = [\"10.9.9.1\"]");
    reef_lookup *l = names_look(&k, "_s.test", true, 1000);
    uint32_t link = names_asked(&k, "10.9.9.1:53", "SRV", "_s.test");
    reef_lookup_free(k.resolver, l);
    names_close(&k, link, ECONNREFUSED); /* nobody is left to be told */
    assert_int_equal(k.closes, 1);
    assert_non_null(names_look(&k, "_s.test", true, 1000));
    assert_int_equal(k.opens, 2);
    names_stop(&k);
}

static void test_clock_never_goes_back(void **state)
{
    (void)state;
    names_kit k;
    names_start(&k, "nameservers = [\"10.9.9.1\"]");
    (void)names_look(&k, "_s.test", true, 1000);
    reef_resolver_tick(k.resolver, 0);
    assert_int_equal(reef_resolver_deadline_ms(k.resolver), 1000 + REEF_HEDGE_MS);
    names_stop(&k);
}

static void test_life(void **state)
{
    (void)state;
    names_kit k;
    reef_resolver_free(NULL);
    names_start(&k, "");
    assert_false(reef_resolver_busy(k.resolver));
    assert_int_equal(reef_resolver_deadline_ms(k.resolver), INT64_MAX);
    names_run(&k);
    (void)names_look(&k, "_s.test", true, 1000);
    assert_true(reef_resolver_busy(k.resolver));
    names_asked(&k, "127.0.0.1:53", "SRV", "_s.test"); /* without any file */
    names_stop(&k);
}

/* ---- what happened ------------------------------------------------------------ */

static void expect_step(const reef_look_step *step, const char *server,
                        const char *outcome, const char *text)
{
    assert_string_equal(step->server, server);
    assert_string_equal(step->outcome, outcome);
    if (text != NULL)
        assert_string_equal(step->text, text);
    assert_string_equal(step->name, "_s.test");
    assert_string_equal(step->type, "SRV");
}

static void test_trace(void **state)
{
    (void)state;
    static reef_look look;
    names_kit k;
    memset(&look, 0, sizeof look);
    names_start(&k, "nameservers = [\"10.9.9.1\", \"10.9.9.2\", \"[fd00::9]:5353\", "
                    "\"10.9.9.4\"]");
    reef_resolver_trace(k.resolver, &look);
    (void)names_look(&k, "_s.test", true, 9000);
    names_close(&k, names_asked(&k, "10.9.9.1:53", "SRV", "_s.test"), ECONNREFUSED);
    names_to(&k, 1200);
    uint32_t link = names_asked(&k, "10.9.9.2:53", "SRV", "_s.test");
    names_hear(&k, link, "id; rcode 3");
    names_say(&k, link, "rcode 5");
    names_to(&k, 1450);
    names_say(&k, names_asked(&k, "10.9.9.4:53", "SRV", "_s.test"), "tc");
    names_say(&k, names_asked(&k, "10.9.9.4:53", "SRV", "_s.test"), "tc; " SRV_RECORD);
    assert_int_equal(look.step_count, 5);
    expect_step(&look.steps[0], "10.9.9.1:53", "unreachable",
                "connection refused: nothing listens there");
    expect_step(&look.steps[1], "10.9.9.2:53", "refused", "");
    assert_int_equal(look.steps[1].took_ms, 200);
    assert_int_equal(look.steps[1].ignored, 1);
    expect_step(&look.steps[2], "10.9.9.4:53", "truncated", "");
    expect_step(&look.steps[3], "10.9.9.4:53", "ok", "");
    assert_true(look.steps[3].tcp && look.partial);
    assert_int_equal(look.steps[3].records, 1);
    assert_true(look.steps[3].bytes > 40);
    expect_step(&look.steps[4], "[fd00::9]:5353", "dropped", "");
    assert_int_equal(look.ignored, 1);
    reef_resolver_trace(k.resolver, NULL);
    names_stop(&k);
}

static void test_trace_is_bounded(void **state)
{
    (void)state;
    static reef_look look;
    names_kit k;
    memset(&look, 0, sizeof look);
    names_start(&k, "nameservers = [\"10.9.9.1\"]");
    reef_resolver_trace(k.resolver, &look);
    for (unsigned i = 0; i < REEF_LOOK_STEPS_MAX + 5; i++) {
        reef_lookup *l = names_look(&k, "_s.test", true, 100);
        names_to(&k, k.now_ms + 100);
        reef_lookup_free(k.resolver, l);
    }
    assert_int_equal(look.step_count, REEF_LOOK_STEPS_MAX);
    assert_int_equal(look.steps_dropped, 5);
    expect_step(&look.steps[3], "10.9.9.1:53", "silent", "");
    names_stop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_files_first_and_not_too_often),
        cmocka_unit_test(test_new_servers_forget_the_cache),
        cmocka_unit_test(test_new_servers_while_a_question_is_out),
        cmocka_unit_test(test_old_answers_are_not_heard),
        cmocka_unit_test(test_abandoned_sockets_are_closed),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_route_of_targets),
        cmocka_unit_test(test_links_of_others),
        cmocka_unit_test(test_closed_before_the_close),
        cmocka_unit_test(test_clock_never_goes_back),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_trace_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
