/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-overs where something is missing: a client that is idle, announcements that are
 * not to be heard, no Sentinel at all, passwords that change meanwhile.
 *
 * Where the old master of a fail-over that was asked for has to be told apart from the
 * new one, Sentinels keep their usual periods: it then goes on taking writes for some
 * ten seconds, and all of them are lost. */
#include "test/live/check.h"
#include "test/live/drill.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    APART_MUTE_MS = 1500, /* a Sentinel that announces nothing is asked every second */
    APART_MARGIN_MS = 2000,
    APART_THREADS = 4,
    APART_ROUNDS = 30
};

static reef_client *apart_open(const reef_stars *stars)
{
    reef_config config;
    reef_stars_config(stars, &config);
    return reef_live_client(&config);
}

static bool apart_is_master(const reef_stars *stars, int node)
{
    char *reply = reef_live_ask(stars->nodes[node], "ROLE");
    bool master = strncmp(reply, "master", 6) == 0;
    free(reply);
    return master;
}

/* ---- idle --------------------------------------------------------------------- */

/* Nothing is called while the master changes, and the old one is still there and takes
 * writes: the first write goes to the new one all the same. Twice, since the second
 * time it is a master that no configuration names. */
static void apart_idle(const reef_live_kind *kind)
{
    const reef_stars_options options = {.plain_periods = true};
    reef_stars *stars = reef_stars_start(kind, &options);
    reef_client *client = apart_open(stars);
    int next;
    reef_live_says(client, "SET before 1", "OK");
    reef_stars_failover(stars, 0);
    next = reef_stars_moved(stars, 0);
    assert_true(apart_is_master(stars, 0));
    reef_live_says(client, "SET after 1", "OK");
    assert_int_equal(reef_live_number(stars->nodes[next], "GET after"), 1);
    assert_int_equal(reef_live_number(stars->nodes[next], "GET before"), 1);
    assert_int_equal(reef_live_number(stars->nodes[0], "EXISTS after"), 0);
    reef_close(client);
    reef_stars_free(stars);
}

static void test_idle(void **state)
{
    (void)state;
    reef_live_each(apart_idle);
}

/* ---- announcements that are not heard ----------------------------------------- */

static reef_stars *apart_mute_start(const reef_live_kind *kind, bool plain)
{
    const reef_stars_options options = {
        .plain_periods = plain,
        .sentinel_extra = "user quiet on >hush ~* resetchannels +@all"};
    return reef_stars_start(kind, &options);
}

static reef_client *apart_mute_open(const reef_stars *stars)
{
    reef_config config;
    reef_stars_config(stars, &config);
    snprintf(config.sentinel_username, sizeof config.sentinel_username, "quiet");
    snprintf(config.sentinel_password, sizeof config.sentinel_password, "hush");
    return reef_live_client(&config);
}

/* A write that may be repeated: one that the old master owes an answer for is sent
 * again. */
static void apart_write(reef_client *client, int64_t number)
{
    char line[48];
    reef_cmd *cmd;
    snprintf(line, sizeof line, "SET number %" PRId64, number);
    cmd = reef_live_cmd(line, true);
    reef_live_is(reef_call(client, cmd, 0), "OK");
    reef_cmd_free(cmd);
}

/* Nothing tells the client that its master, which goes on taking writes, is none any
 * more: it has to have asked. */
static void apart_mute_plan(const reef_live_kind *kind)
{
    reef_stars *stars = apart_mute_start(kind, true);
    reef_client *client = apart_mute_open(stars);
    int64_t begin_ms, number = 0;
    int next;
    reef_live_says(client, "SET number 0", "OK");
    reef_stars_failover(stars, 0);
    next = reef_stars_moved(stars, 0);
    assert_true(apart_is_master(stars, 0));
    begin_ms = reef_live_now_ms();
    do {
        assert_true(reef_live_now_ms() - begin_ms < APART_MUTE_MS + APART_MARGIN_MS);
        apart_write(client, ++number);
        reef_live_nap();
    } while (reef_live_number(stars->nodes[next], "GET number") != number);
    print_message("    found %" PRId64 " ms after it was announced\n",
                  reef_live_now_ms() - begin_ms);
    reef_close(client);
    reef_stars_free(stars);
}

static void apart_mute_kill(const reef_live_kind *kind)
{
    reef_stars *stars = apart_mute_start(kind, false);
    reef_client *client = apart_mute_open(stars);
    reef_drill_report report;
    reef_drill_run(stars, client, REEF_DRILL_KILL, APART_THREADS, &report);
    print_message("    first answer %" PRId64 " ms after a write was possible\n",
                  report.first_us / 1000);
    reef_drill_sound(&report);
    reef_close(client);
    reef_stars_free(stars);
}

static void test_mute(void **state)
{
    (void)state;
    reef_live_each(apart_mute_plan);
    reef_live_each(apart_mute_kill);
}

/* ---- only what is announced --------------------------------------------------- */

/* Calls wait from the selection to the announcement: that takes longer than the early
 * step, and loses as little. */
static void apart_announced(const reef_live_kind *kind)
{
    static const reef_drill_blow blows[] = {REEF_DRILL_KILL, REEF_DRILL_PLAN};
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_config config;
    reef_client *client;
    reef_stars_config(stars, &config);
    config.failover_announced = true;
    client = reef_live_client(&config);
    for (size_t i = 0; i < sizeof blows / sizeof *blows; i++) {
        reef_drill_report report;
        reef_drill_run(stars, client, blows[i], APART_THREADS, &report);
        print_message("    %s: first answer %" PRId64
                      " ms after a write was possible, %" PRIu64 " of %" PRIu64
                      " missing\n",
                      reef_drill_name(blows[i]), report.first_us / 1000, report.missing,
                      report.acked);
        reef_drill_sound(&report);
        if (blows[i] == REEF_DRILL_PLAN)
            assert_int_equal(report.missing, 0);
    }
    reef_close(client);
    reef_stars_free(stars);
}

static void test_announced(void **state)
{
    (void)state;
    reef_live_each(apart_announced);
}

/* ---- no Sentinel -------------------------------------------------------------- */

/* All Sentinels are gone, and traffic goes on. They come back, and what they then do is
 * followed: nothing that was acknowledged is lost. */
static void apart_alone(const reef_live_kind *kind)
{
    reef_stars *stars = reef_stars_start(kind, NULL);
    reef_client *client = apart_open(stars);
    reef_drill *drill = reef_drill_begin(client, APART_THREADS, 1);
    reef_drill_report report;
    int next;
    reef_drill_progress(drill, APART_ROUNDS);
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        reef_live_kill(stars->sentinels[i]);
    }
    reef_drill_progress(drill, APART_ROUNDS * 10);
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        reef_stars_sentinel_again(stars, i);
    }
    assert_int_equal(reef_stars_settle(stars), 0);
    reef_drill_progress(drill, APART_ROUNDS);
    reef_drill_hears_all(client);
    reef_stars_failover(stars, 0);
    next = reef_stars_moved(stars, 0);
    reef_drill_progress(drill, APART_ROUNDS);
    reef_drill_end(drill, &stars->nodes[next], 1, &report);
    reef_drill_sound(&report);
    assert_int_equal(report.missing, 0);
    reef_close(client);
    reef_stars_free(stars);
}

static void test_alone(void **state)
{
    (void)state;
    reef_live_each(apart_alone);
}

/* ---- passwords that change ---------------------------------------------------- */

static void apart_tell(const reef_live_server *server, const char *line)
{
    char *reply = reef_live_ask(server, line);
    assert_string_equal(reply, "OK");
    free(reply);
}

/* New passwords everywhere, the Sentinels' own last. */
static void apart_change(reef_stars *stars)
{
    for (int i = 0; i < REEF_STARS_NODES; i++) {
        apart_tell(stars->nodes[i], "CONFIG SET requirepass simsim masterauth simsim");
        snprintf(stars->nodes[i]->password, sizeof stars->nodes[i]->password, "simsim");
    }
    snprintf(stars->password, sizeof stars->password, "simsim");
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        reef_live_server *sentinel = stars->sentinels[i];
        apart_tell(sentinel, "SENTINEL SET " REEF_STARS_NAME " auth-pass simsim");
        apart_tell(sentinel, "SENTINEL CONFIG SET sentinel-pass shut");
    }
    for (int i = 0; i < REEF_STARS_SENTINELS; i++) {
        reef_live_server *sentinel = stars->sentinels[i];
        apart_tell(sentinel, "ACL SETUSER default resetpass >shut");
        snprintf(sentinel->password, sizeof sentinel->password, "shut");
    }
}

/* Connections that were made before go on; who comes later needs the new passwords, and
 * the old ones are refused, not waited for. */
static void apart_passwords(const reef_live_kind *kind)
{
    const reef_stars_options options = {.password = "sesame",
                                        .sentinel_password = "open"};
    reef_stars *stars = reef_stars_start(kind, &options);
    reef_client *old = apart_open(stars), *new;
    reef_config config;
    reef_live_says(old, "SET before 1", "OK");
    reef_stars_config(stars, &config);
    apart_change(stars);
    assert_int_equal(reef_stars_settle(stars), 0);
    reef_live_says(old, "GET before", "1");
    new = reef_live_client(&config);
    reef_live_refuses(new, "GET before", REEF_AUTH, "");
    reef_close(new);
    new = apart_open(stars);
    reef_live_says(new, "GET before", "1");
    reef_stars_failover(stars, 0);
    reef_stars_moved(stars, 0);
    reef_live_says(new, "SET after 1", "OK");
    reef_live_refuses(old, "GET after", REEF_AUTH, "");
    reef_close(new);
    reef_close(old);
    reef_stars_free(stars);
}

static void test_passwords(void **state)
{
    (void)state;
    reef_live_each(apart_passwords);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle),      cmocka_unit_test(test_mute),
        cmocka_unit_test(test_announced), cmocka_unit_test(test_alone),
        cmocka_unit_test(test_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
