/* SPDX-License-Identifier: Apache-2.0
 *
 * Several keys, several nodes and walks over all keys, on real servers of both kinds.
 * */
#include "test/live/check.h"
#include "test/live/constellation.h"
#include "test/live/fleet.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MANY_KEYS = 20000, MANY_MS = 20000, MANY_TEXT = 16 };

static char many_text[MANY_KEYS][MANY_TEXT];
static reef_str many_keys[MANY_KEYS];
static reef_reply *many_replies[MANY_KEYS];

static void many_names(void)
{
    for (size_t i = 0; i < MANY_KEYS; i++) {
        snprintf(many_text[i], MANY_TEXT, "key:%05zu", i);
        many_keys[i] = reef_str_of(many_text[i]);
    }
}

static void many_fill(reef_client *client, size_t count)
{
    reef_cmd **cmds = calloc(count, sizeof *cmds);
    assert_non_null(cmds);
    for (size_t i = 0; i < count; i++) {
        cmds[i] = reef_cmd_new();
        reef_cmd_begin(cmds[i], "SET");
        reef_cmd_key(cmds[i], many_keys[i]);
        reef_cmd_arg(cmds[i], many_keys[i]);
        reef_cmd_repeatable(cmds[i]);
    }
    reef_pipeline(client, (const reef_cmd *const *)cmds, count, MANY_MS, many_replies);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(reef_reply_code(many_replies[i]), REEF_OK);
        reef_reply_free(many_replies[i]);
        reef_cmd_free(cmds[i]);
    }
    free(cmds);
}

/* Which of `many_keys` it is; the fixture of a Cluster leaves keys of its own. */
static bool many_number(reef_str key, size_t *out)
{
    if (key.len != 9 || memcmp(key.ptr, "key:", 4) != 0)
        return false;
    *out = strtoul(key.ptr + 4, NULL, 10);
    return *out < MANY_KEYS;
}

/* Each key of the walk is one of `many_keys`, and comes once; how many there are. */
static size_t many_walk(reef_client *client, const reef_scan_options *options)
{
    static bool seen[MANY_KEYS];
    reef_error error;
    reef_str key;
    reef_code code;
    size_t count = 0;
    memset(seen, 0, sizeof seen);
    reef_scan *scan = reef_scan_new(client, options, &error);
    assert_non_null(scan);
    while ((code = reef_scan_next(scan, MANY_MS, &key, &error)) == REEF_OK) {
        size_t number;
        if (!many_number(key, &number))
            continue;
        assert_false(seen[number]);
        seen[number] = true;
        count++;
    }
    if (code != REEF_NOT_FOUND)
        fail_msg("the walk ended with %s: %s", reef_code_name(code), error.text);
    reef_scan_free(scan);
    return count;
}

/* ---- one server --------------------------------------------------------------- */

static void many_ask(reef_client *client, reef_verb verb, size_t count, int64_t want)
{
    reef_call_keys(client, verb, many_keys, count, MANY_MS, many_replies);
    for (size_t i = 0; i < count; i++) {
        const reef_node *root = reef_reply_root(many_replies[i]);
        assert_int_equal(reef_reply_code(many_replies[i]), REEF_OK);
        if (verb == REEF_VERB_GET)
            assert_true(reef_str_equal(reef_text(many_replies[i], root), many_keys[i]));
        else if (reef_int(root, -1) != want)
            fail_msg("%s gave %ld", many_text[i], (long)reef_int(root, -1));
        reef_reply_free(many_replies[i]);
    }
}

static void many_values(const reef_live_case *one, reef_client *client)
{
    reef_error error;
    free(reef_live_ask(one->server, "FLUSHALL"));
    assert_int_equal(many_walk(client, NULL), 0);
    many_fill(client, MANY_KEYS);
    many_ask(client, REEF_VERB_GET, MANY_KEYS, 0);
    many_ask(client, REEF_VERB_EXISTS, 100, 1);
    many_ask(client, REEF_VERB_TOUCH, 100, 1);
    assert_int_equal(many_walk(client, NULL), MANY_KEYS);
    assert_int_equal(
        many_walk(client, &(reef_scan_options){.match = {"key:0000?", 9}, .count = 10}),
        10);
    assert_int_equal(many_walk(client, &(reef_scan_options){.type = {"list", 4}}), 0);
    many_ask(client, REEF_VERB_DEL, MANY_KEYS, 1);
    many_ask(client, REEF_VERB_DEL, 100, 0);
    assert_int_equal(many_walk(client, NULL), 0);
    reef_cmd *cmd = reef_live_cmd("DBSIZE", true);
    reef_answers *said = reef_call_nodes(client, cmd, REEF_WHOM_ALL, 0, &error);
    assert_non_null(said);
    assert_int_equal(said->count, 1);
    assert_int_equal(reef_int(reef_reply_root(said->items[0].reply), -1), 0);
    reef_answers_free(said);
    reef_cmd_free(cmd);
}

static void many_on_a_server(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_everywhere(server, NULL, many_values);
    reef_live_free(server);
}

static void keys_by_the_thousand(void **state)
{
    (void)state;
    reef_live_each(many_on_a_server);
}

/* ---- a server that restarts meanwhile ----------------------------------------- */

static void many_restarted(const reef_live_kind *kind)
{
    static bool seen[MANY_KEYS];
    const reef_live_options options = {.append_only = true};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_error error;
    reef_str key;
    reef_code code;
    size_t count = 0;
    memset(seen, 0, sizeof seen);
    many_fill(client, 3000);
    reef_scan *scan = reef_scan_new(client, &(reef_scan_options){.count = 100}, &error);
    while ((code = reef_scan_next(scan, MANY_MS, &key, &error)) == REEF_OK) {
        size_t number;
        if (!many_number(key, &number))
            continue;
        assert_false(seen[number]);
        seen[number] = true;
        count++;
        if (count % 1000 == 500) {
            reef_live_kill(server);
            reef_live_again(server);
        }
    }
    assert_int_equal(code, REEF_NOT_FOUND);
    assert_int_equal(count, 3000);
    reef_scan_free(scan);
    reef_close(client);
    reef_live_free(server);
}

static void a_restart_loses_no_key_and_doubles_none(void **state)
{
    (void)state;
    reef_live_each(many_restarted);
}

/* ---- users who may not do everything ------------------------------------------ */

static void many_limited(const reef_live_kind *kind)
{
    const reef_live_options options = {
        .extra = "user bare on \">" REEF_LIVE_USER_PASSWORD "\""
                 " ~* +@connection +scan +set +get\n"
                 "user none on \">" REEF_LIVE_USER_PASSWORD "\""
                 " ~* +@all -scan\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_live_case one = {server, "127.0.0.1", 0, "bare"};
    reef_client *client = reef_live_open(&one);
    reef_error error;
    reef_str key;
    many_fill(client, 2500);
    assert_int_equal(many_walk(client, NULL), 2500);
    reef_close(client);
    one.user = "none";
    client = reef_live_open(&one);
    reef_scan *scan = reef_scan_new(client, NULL, &error);
    assert_int_equal(reef_scan_next(scan, MANY_MS, &key, &error), REEF_REFUSED);
    assert_non_null(strstr(error.text, "scan"));
    reef_live_says(client, "GET key:00007", "key:00007");
    reef_scan_free(scan);
    reef_close(client);
    reef_live_free(server);
}

static void who_may_only_scan_gets_pages_alone(void **state)
{
    (void)state;
    reef_live_each(many_limited);
}

/* ---- a master that Sentinels replace meanwhile -------------------------------- */

static void many_replaced(const reef_live_kind *kind)
{
    static bool seen[MANY_KEYS];
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_config config;
    reef_error error;
    reef_str key;
    reef_code code;
    size_t count = 0, number;
    reef_stars_config(stars, &config);
    reef_client *client = reef_live_client(&config);
    memset(seen, 0, sizeof seen);
    many_fill(client, 3000);
    reef_stars_settle(stars);
    reef_scan *scan = reef_scan_new(client, &(reef_scan_options){.count = 100}, &error);
    while ((code = reef_scan_next(scan, MANY_MS, &key, &error)) == REEF_OK) {
        if (!many_number(key, &number))
            continue;
        assert_false(seen[number]);
        seen[number] = true;
        count++;
        if (count == 1500)
            reef_stars_failover(stars, 0);
    }
    assert_int_equal(code, REEF_NOT_FOUND);
    assert_int_equal(count, 3000);
    reef_scan_free(scan);
    reef_close(client);
    reef_stars_free(stars);
}

static void a_new_master_is_walked_from_the_beginning(void **state)
{
    (void)state;
    reef_live_each(many_replaced);
}

/* ---- a Cluster ---------------------------------------------------------------- */

static reef_client *many_fleet_client(const reef_fleet *fleet)
{
    reef_config config;
    reef_fleet_config(fleet, 1, &config);
    return reef_live_client(&config);
}

static void many_flush(reef_client *client)
{
    reef_error error;
    reef_cmd *cmd = reef_live_cmd("FLUSHALL", true);
    reef_answers *said = reef_call_nodes(client, cmd, REEF_WHOM_MASTERS, 0, &error);
    assert_non_null(said);
    for (size_t i = 0; i < said->count; i++)
        assert_int_equal(reef_reply_code(said->items[i].reply), REEF_OK);
    reef_answers_free(said);
    reef_cmd_free(cmd);
}

/* Every node says how many keys it has; masters alone, that is each key once. */
static void many_nodes(reef_client *client, size_t masters, size_t all)
{
    reef_error error;
    int64_t sum = 0;
    reef_cmd *cmd = reef_live_cmd("DBSIZE", true);
    reef_answers *said = reef_call_nodes(client, cmd, REEF_WHOM_MASTERS, 0, &error);
    assert_non_null(said);
    assert_int_equal(said->count, masters);
    for (size_t i = 0; i < said->count; i++) {
        assert_int_equal(strlen(said->items[i].member.id), REEF_NODE_ID);
        assert_int_equal(reef_reply_code(said->items[i].reply), REEF_OK);
        sum += reef_int(reef_reply_root(said->items[i].reply), 0);
    }
    assert_int_equal(sum, MANY_KEYS);
    reef_answers_free(said);
    said = reef_call_nodes(client, cmd, REEF_WHOM_ALL, 0, &error);
    assert_non_null(said);
    assert_in_range(said->count, masters, all); /* replicas are told of later */
    for (size_t i = 0; i < said->count; i++)
        assert_int_equal(reef_reply_code(said->items[i].reply), REEF_OK);
    reef_answers_free(said);
    reef_cmd_free(cmd);
}

/* A walk during which something happens after some hundred keys, and again. */
static size_t many_meanwhile(reef_client *client, reef_fleet *fleet,
                             void (*happens)(reef_fleet *, size_t times))
{
    static bool seen[MANY_KEYS];
    reef_error error;
    reef_str key;
    reef_code code;
    size_t count = 0, times = 0;
    memset(seen, 0, sizeof seen);
    reef_scan *scan = reef_scan_new(client, &(reef_scan_options){.count = 100}, &error);
    assert_non_null(scan);
    while ((code = reef_scan_next(scan, MANY_MS, &key, &error)) == REEF_OK) {
        size_t number;
        if (!many_number(key, &number))
            continue;
        assert_false(seen[number]);
        seen[number] = true;
        count++;
        if (count % 3000 == 700)
            happens(fleet, times++);
    }
    if (code != REEF_NOT_FOUND)
        fail_msg("the walk ended with %s: %s", reef_code_name(code), error.text);
    assert_int_equal(count, MANY_KEYS);
    reef_scan_free(scan);
    return times;
}

/* Slots go around; one is left half way until the next time. */
static void many_moves(reef_fleet *fleet, size_t times)
{
    static const uint32_t open_slot = 5;
    static int from, to;
    if (times % 2 == 0) {
        from = reef_fleet_master(fleet, open_slot);
        to = (from + 1) % REEF_FLEET_MASTERS;
        reef_fleet_move_begin(fleet, open_slot, from, to);
        reef_fleet_move_keys(fleet, open_slot, from, to, 1);
    } else {
        reef_fleet_move_keys(fleet, open_slot, from, to, 0);
        reef_fleet_move_end(fleet, open_slot, to);
        reef_fleet_move(fleet, 40, from, to);
    }
}

static void many_fails_over(reef_fleet *fleet, size_t times)
{
    int master = reef_fleet_master(fleet, 0);
    if (times == 0)
        reef_fleet_kill(fleet, master);
    else if (times == 3)
        reef_fleet_failover(
            fleet, reef_fleet_replica(fleet, reef_fleet_master(fleet, 9000)), "");
}

/* A node that the client has not heard of has some of the keys: it is found. */
static void many_joined(reef_client *client, reef_fleet *fleet)
{
    reef_fleet_settle(fleet);
    int node = reef_fleet_add(fleet);
    reef_fleet_move(fleet, 200, reef_fleet_master(fleet, 9000), node);
    int64_t begin_ms = reef_now_ms();
    assert_int_equal(many_walk(client, NULL), MANY_KEYS);
    printf("    a new node was found after %ld ms\n", (long)(reef_now_ms() - begin_ms));
}

static void many_on_a_fleet(const reef_live_kind *kind)
{
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    reef_client *client = many_fleet_client(fleet);
    many_flush(client);
    many_fill(client, MANY_KEYS);
    assert_true(reef_client_is_spread(client));
    many_ask(client, REEF_VERB_GET, MANY_KEYS, 0);
    many_ask(client, REEF_VERB_EXISTS, MANY_KEYS, 1);
    many_nodes(client, REEF_FLEET_MASTERS, REEF_FLEET_NODES);
    assert_int_equal(many_walk(client, NULL), MANY_KEYS);
    if (many_meanwhile(client, fleet, many_moves) % 2 == 1)
        many_moves(fleet, 1);
    assert_int_equal(many_walk(client, NULL), MANY_KEYS);
    many_meanwhile(client, fleet, many_fails_over);
    many_ask(client, REEF_VERB_TOUCH, MANY_KEYS, 1);
    many_joined(client, fleet);
    many_ask(client, REEF_VERB_DEL, MANY_KEYS, 1);
    assert_int_equal(many_walk(client, NULL), 0);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void every_key_of_a_cluster_is_found(void **state)
{
    (void)state;
    reef_live_each(many_on_a_fleet);
}

/* ---- a master that is silent, and has nobody to follow it --------------------- */

static void many_silence(const reef_live_kind *kind)
{
    static const int64_t patience_ms = 3000;
    const reef_fleet_options options = {.masters_alone = true, .partial = true};
    reef_fleet *fleet = reef_fleet_start(kind, &options);
    reef_client *client = many_fleet_client(fleet);
    size_t answered = 0, expected = 0;
    int64_t begin_ms;
    many_flush(client);
    many_fill(client, MANY_KEYS);
    for (size_t i = 0; i < MANY_KEYS; i++)
        expected += reef_fleet_slot(many_text[i]) > 5500;
    reef_fleet_freeze(fleet, reef_fleet_master(fleet, 0));
    begin_ms = reef_now_ms();
    reef_call_keys(client, REEF_VERB_GET, many_keys, MANY_KEYS, patience_ms,
                   many_replies);
    for (size_t i = 0; i < MANY_KEYS; i++) {
        bool good = reef_reply_code(many_replies[i]) == REEF_OK;
        if (!good && reef_fleet_slot(many_text[i]) > 5500)
            fail_msg("%s: %s", many_text[i], reef_reply_text(many_replies[i]));
        answered += good;
        assert_true(good || strlen(reef_reply_text(many_replies[i])) > 0);
        reef_reply_free(many_replies[i]);
    }
    assert_in_range(answered, expected, MANY_KEYS - 1000);
    assert_in_range(reef_now_ms() - begin_ms, patience_ms - 1, 2 * patience_ms);
    reef_fleet_thaw(fleet, 0);
    reef_close(client);
    reef_fleet_free(fleet);
}

static void a_silent_master_fails_its_own_keys_and_no_others(void **state)
{
    (void)state;
    reef_live_each(many_silence);
}

/* ---- walks while somebody else strikes ---------------------------------------- */

typedef struct many_walker {
    reef_client *client;
    atomic_bool stop;
    size_t walks, keys; /* whole ones; and what the shortest gave */
    char trouble[REEF_ERROR_TEXT];
} many_walker;

/* On a thread: nothing may be asserted there. */
static void *many_walker_run(void *argument)
{
    many_walker *walker = argument;
    walker->keys = MANY_KEYS;
    while (!atomic_load(&walker->stop) && walker->trouble[0] == '\0') {
        reef_error error;
        reef_str key;
        size_t count = 0, number;
        reef_code code = REEF_OK;
        reef_scan *scan = reef_scan_new(walker->client, NULL, &error);
        while (scan != NULL && code == REEF_OK) {
            code = reef_scan_next(scan, MANY_MS, &key, &error);
            count += code == REEF_OK && many_number(key, &number);
        }
        reef_scan_free(scan);
        if (code != REEF_NOT_FOUND)
            snprintf(walker->trouble, sizeof walker->trouble, "%s", error.text);
        walker->keys = count < walker->keys ? count : walker->keys;
        walker->walks++;
    }
    return NULL;
}

static void many_strike(reef_fleet *fleet)
{
    int old = reef_fleet_master(fleet, 0);
    reef_fleet_reshard(fleet, 300, 1, 2);
    reef_fleet_kill(fleet, old);
    reef_fleet_moved(fleet, 0, old);
    reef_fleet_again(fleet, old);
    reef_fleet_settle(fleet);
    reef_fleet_failover(fleet, old, "");
    reef_fleet_settle(fleet);
    reef_fleet_reshard(fleet, 300, 2, 0);
}

static void many_walk_on(const reef_live_kind *kind)
{
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    many_walker walker = {.client = many_fleet_client(fleet)};
    pthread_t thread;
    many_flush(walker.client);
    many_fill(walker.client, MANY_KEYS);
    reef_fleet_settle(fleet);
    assert_int_equal(pthread_create(&thread, NULL, many_walker_run, &walker), 0);
    many_strike(fleet);
    atomic_store(&walker.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    printf("    %zu walks, %zu keys at least\n", walker.walks, walker.keys);
    if (walker.trouble[0] != '\0')
        fail_msg("a walk ended: %s", walker.trouble);
    assert_int_equal(walker.keys, MANY_KEYS);
    assert_true(walker.walks > 0);
    reef_close(walker.client);
    reef_fleet_free(fleet);
}

static void every_walk_is_whole_while_slots_and_masters_move(void **state)
{
    (void)state;
    reef_live_each(many_walk_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_by_the_thousand),
        cmocka_unit_test(a_restart_loses_no_key_and_doubles_none),
        cmocka_unit_test(who_may_only_scan_gets_pages_alone),
        cmocka_unit_test(a_new_master_is_walked_from_the_beginning),
        cmocka_unit_test(every_key_of_a_cluster_is_found),
        cmocka_unit_test(a_silent_master_fails_its_own_keys_and_no_others),
        cmocka_unit_test(every_walk_is_whole_while_slots_and_masters_move),
    };
    many_names();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
