/* SPDX-License-Identifier: Apache-2.0
 *
 * net/scan.c: walks over a Cluster that moves: every key that is there all the time
 * comes out, and none twice; what fails is told in time, and the walk goes on. */
#include "test/unit/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SCAN_SEEDS = 300, SCAN_CALLS = 4000, SCAN_MS = 3000 };

/* ---- what stands for the client ----------------------------------------------- */

static size_t scan_memory; /* allocations until one fails; 0: none does */

int64_t __wrap_reef_now_ms(void);
void __wrap_reef_os_poll(struct pollfd *, nfds_t, int64_t);
reef_lane *__wrap_reef_client_lane(reef_client *);
reef_answers *__wrap_reef_client_meet(reef_client *, reef_lane *, int64_t,
                                      reef_error *);
void __wrap_reef_client_flow(reef_client *, reef_lane *, const reef_flow *);
void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_realloc(void *, size_t);

static bool scan_starved(void)
{
    return scan_memory > 0 && --scan_memory == 0;
}

void *__wrap_malloc(size_t size)
{
    return scan_starved() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return scan_starved() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return scan_starved() ? NULL : __real_realloc(memory, size);
}

int64_t __wrap_reef_now_ms(void)
{
    return kit.now_ms;
}

void __wrap_reef_os_poll(struct pollfd *fds, nfds_t count, int64_t wait_ms)
{
    assert_true(fds == NULL && count == 0 && wait_ms > 0);
    kit.now_ms += wait_ms;
}

reef_lane *__wrap_reef_client_lane(reef_client *client)
{
    (void)client;
    return NULL;
}

reef_answers *__wrap_reef_client_meet(reef_client *client, reef_lane *lane,
                                      int64_t deadline_ms, reef_error *error)
{
    (void)client;
    (void)lane;
    size_t left = scan_memory;
    scan_memory = 0;
    if (kit.no_members)
        kit.now_ms = deadline_ms;
    reef_answers *found = kit_meet(error);
    scan_memory = left;
    return found;
}

/* What the other side allocates is not counted. */
void __wrap_reef_client_flow(reef_client *client, reef_lane *lane,
                             const reef_flow *flow)
{
    size_t left = scan_memory;
    (void)client;
    (void)lane;
    scan_memory = 0;
    kit_flow(flow);
    scan_memory = left;
}

/* ---- walks -------------------------------------------------------------------- */

static reef_scan *scan_begin(void)
{
    reef_error error;
    reef_scan *scan = reef_scan_new(NULL, NULL, &error);
    assert_non_null(scan);
    assert_int_equal(error.code, REEF_OK);
    return scan;
}

static void scan_count(uint8_t given[WORLD_KEYS], reef_str key)
{
    assert_int_equal(key.len, 7);
    assert_memory_equal(key.ptr, "key:", 4);
    given[strtoul(key.ptr + 4, NULL, 10)]++;
}

/* To its end; returns how many calls failed on the way. */
static size_t scan_whole(reef_scan *scan, uint8_t given[WORLD_KEYS])
{
    reef_error error;
    reef_str key;
    size_t failed = 0;
    reef_code code = REEF_OK;
    memset(given, 0, WORLD_KEYS);
    for (int calls = 0; code != REEF_NOT_FOUND; calls++) {
        assert_true(calls < SCAN_CALLS);
        int64_t begin_ms = kit.now_ms;
        code = reef_scan_next(scan, SCAN_MS, &key, &error);
        assert_true(kit.now_ms <= begin_ms + SCAN_MS + SCAN_MS / 2);
        assert_true(code == error.code);
        if (code == REEF_OK)
            scan_count(given, key);
        else if (code != REEF_NOT_FOUND)
            failed++;
        assert_true(code == REEF_OK || strlen(error.text) > 0);
    }
    return failed;
}

static void scan_check(const uint8_t given[WORLD_KEYS], unsigned seed)
{
    for (int key = 0; key < WORLD_KEYS; key++) {
        if (given[key] > 1)
            fail_msg("seed %u: key %d came %d times", seed, key, given[key]);
        if (kit.w.lasting[key] && given[key] == 0)
            fail_msg("seed %u: key %d of slot %u is missing", seed, key,
                     (unsigned)world_slot(key));
    }
}

static void each_key_once_while_the_cluster_moves(void **state)
{
    uint8_t given[WORLD_KEYS];
    (void)state;
    for (unsigned seed = 1; seed <= SCAN_SEEDS; seed++) {
        kit_begin(seed);
        for (int i = 0; i < 100; i++)
            world_event(&kit.w);
        kit.stir = world_below(&kit.w, 97);
        kit.calm_after = 20 + world_below(&kit.w, 100);
        world_watch(&kit.w);
        reef_scan *scan = scan_begin();
        scan_whole(scan, given);
        scan_check(given, seed);
        reef_scan_free(scan);
    }
}

/* In a Cluster at rest a walk is two looks and each page once. */
static void a_walk_over_what_stands_still_asks_for_nothing_twice(void **state)
{
    uint8_t given[WORLD_KEYS];
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        kit_begin(7);
        kit.no_roster = bare == 1;
        world_watch(&kit.w);
        reef_scan *scan = scan_begin();
        assert_int_equal(scan_whole(scan, given), 0);
        scan_check(given, 7);
        /* Whose roster is refused is asked for the slots instead. */
        assert_int_equal(kit.flows, 2 + WORLD_BUCKETS + (uint32_t)bare);
        reef_scan_free(scan);
    }
}

static void what_fails_is_told_and_the_walk_goes_on(void **state)
{
    uint8_t given[WORLD_KEYS];
    reef_error error;
    reef_str key;
    (void)state;
    kit_begin(3);
    world_watch(&kit.w);
    reef_scan *scan = scan_begin();
    kit.no_members = true;
    assert_int_equal(reef_scan_next(scan, SCAN_MS, &key, &error), REEF_CONNECT);
    assert_string_equal(error.text, "nobody is there");
    kit.no_members = false;
    kit.silent_all = true;
    assert_int_equal(reef_scan_next(scan, SCAN_MS, &key, &error), REEF_UNSENT);
    assert_string_equal(error.text, "it is down");
    kit.silent_all = false;
    assert_int_equal(reef_scan_next(scan, SCAN_MS, &key, &error), REEF_OK);
    kit.silent_all = true;
    while (reef_scan_next(scan, SCAN_MS, &key, &error) == REEF_OK)
        continue;
    assert_int_equal(error.code, REEF_UNSENT);
    kit.silent_all = false;
    scan_whole(scan, given);
    for (int i = 0; i < WORLD_KEYS; i++)
        assert_true(given[i] <= 1);
    reef_scan_free(scan);
    kit_begin(3);
    kit.no_roster = kit.no_slots = true;
    scan = scan_begin();
    assert_int_equal(reef_scan_next(scan, SCAN_MS, &key, &error), REEF_REFUSED);
    assert_non_null(strstr(error.text, "NOPERM"));
    assert_int_equal(reef_scan_next(scan, -1, &key, &error), REEF_BADARG);
    reef_scan_free(scan);
    reef_scan_free(NULL);
}

/* A master that is down and has nobody to follow it: the others' keys come, then the
 * reason; and the rest when it is back. */
static void one_master_down_holds_up_its_own_keys_alone(void **state)
{
    uint8_t given[WORLD_KEYS] = {0}, rest[WORLD_KEYS];
    reef_error error;
    reef_str key;
    (void)state;
    kit_begin(11);
    world_watch(&kit.w);
    kit.w.nodes[2].up = kit.w.nodes[3].up = false;
    reef_scan *scan = scan_begin();
    while (reef_scan_next(scan, 5 * SCAN_MS, &key, &error) == REEF_OK)
        scan_count(given, key);
    assert_int_equal(error.code, REEF_UNSENT);
    for (int i = 0; i < WORLD_KEYS; i++)
        if (kit.w.lasting[i] && !kit.w.nodes[2].has[i])
            assert_int_equal(given[i], 1);
    kit.w.nodes[2].up = true;
    scan_whole(scan, rest);
    for (int i = 0; i < WORLD_KEYS; i++)
        rest[i] = (uint8_t)(rest[i] + given[i]);
    scan_check(rest, 11);
    reef_scan_free(scan);
}

/* Wherever memory runs out, that is told, nothing is lost, and it goes on. */
static void memory_that_runs_out_stops_nothing_for_good(void **state)
{
    uint8_t given[WORLD_KEYS];
    (void)state;
    for (size_t at = 1; at < 400; at++) {
        reef_error error;
        kit_begin(5);
        world_watch(&kit.w);
        scan_memory = at;
        reef_scan *scan = reef_scan_new(NULL, NULL, &error);
        if (scan == NULL) {
            assert_int_equal(error.code, REEF_NOMEM);
            continue;
        }
        size_t failed = scan_whole(scan, given);
        assert_true(failed <= 1);
        scan_check(given, (unsigned)at);
        reef_scan_free(scan);
        if (scan_memory > 0) {
            scan_memory = 0;
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_once_while_the_cluster_moves),
        cmocka_unit_test(a_walk_over_what_stands_still_asks_for_nothing_twice),
        cmocka_unit_test(what_fails_is_told_and_the_walk_goes_on),
        cmocka_unit_test(one_master_down_holds_up_its_own_keys_alone),
        cmocka_unit_test(memory_that_runs_out_stops_nothing_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
