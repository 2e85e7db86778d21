/* SPDX-License-Identifier: Apache-2.0
 *
 * Pipelines and transactions over all nodes of a Cluster, while slots move, masters are
 * replaced and one dies: each reply is that of its command, in the order of the caller,
 * and what a caller wrote before it reads after. */
#include "test/live/check.h"
#include "test/live/fleet_use.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    PIPES_THREADS = 4,
    PIPES_PAIRS = 40, /* of a SET and a GET in each pipeline, all of different slots */
    PIPES_TOGETHER = 4, /* MULTI, APPEND, APPEND, EXEC */
    PIPES_COUNT = 2 * PIPES_PAIRS + PIPES_TOGETHER,
    PIPES_ROUNDS = 20, /* of each thread, between two blows */
    PIPES_SLOTS = 40,  /* that move at once */
    PIPES_PROMOTIONS = 2,
    PIPES_TRIES = 6 /* on a machine that is too slow */
};

typedef struct pipes_run pipes_run;

typedef struct pipes_worker {
    pipes_run *run;
    unsigned id;
    pthread_t thread;
    atomic_uint rounds;
    uint64_t unsure; /* transactions */
    char wrong[REEF_ERROR_TEXT + 96];
} pipes_worker;

struct pipes_run {
    reef_client *client;
    atomic_bool over, lossy;
    pipes_worker workers[PIPES_THREADS];
};

/* ---- a thread ----------------------------------------------------------------- */

static void pipes_blame(pipes_worker *worker, const char *what, const reef_reply *reply)
{
    if (!worker->wrong[0]) {
        snprintf(worker->wrong, sizeof worker->wrong, "thread %u, round %u: %s: %s %s",
                 worker->id, atomic_load(&worker->rounds), what,
                 reef_code_name(reef_reply_code(reply)), reef_reply_text(reply));
    }
}

static void pipes_make(const pipes_worker *worker, unsigned round,
                       reef_cmd *cmds[PIPES_COUNT])
{
    char line[96];
    size_t at = 0;
    for (unsigned i = 0; i < PIPES_PAIRS; i++) {
        snprintf(line, sizeof line, "SET p:%u:%u %u:%u", worker->id, i, round, i);
        cmds[at++] = reef_live_cmd(line, true);
        snprintf(line, sizeof line, "GET p:%u:%u", worker->id, i);
        cmds[at++] = reef_live_cmd(line, true);
    }
    snprintf(line, sizeof line, "APPEND t:%u:%u x", worker->id, round);
    cmds[at++] = reef_live_cmd("MULTI", false);
    cmds[at++] = reef_live_cmd(line, false);
    cmds[at++] = reef_live_cmd(line, false);
    cmds[at++] = reef_live_cmd("EXEC", false);
}

/* What was read is what was written just before; once a master has died, it may be
 * older, or gone. */
static bool pipes_fits(const pipes_run *run, unsigned round, unsigned i,
                       const reef_reply *reply)
{
    reef_str text = reef_text(reply, reef_reply_root(reply));
    bool lossy = atomic_load(&run->lossy);
    char value[32];
    unsigned was, number;
    if (reef_node_kind(reef_reply_root(reply)) == REEF_NIL) {
        return lossy;
    }
    snprintf(value, sizeof value, "%.*s", (int)text.len, text.ptr);
    return sscanf(value, "%u:%u", &was, &number) == 2 && number == i &&
           (was == round || (lossy && was < round));
}

static void pipes_check_pair(pipes_worker *worker, unsigned round, unsigned i,
                             reef_reply *const replies[2])
{
    if (reef_reply_code(replies[0]) != REEF_OK) {
        pipes_blame(worker, "SET", replies[0]);
    } else if (reef_reply_code(replies[1]) != REEF_OK) {
        pipes_blame(worker, "GET", replies[1]);
    } else if (!pipes_fits(worker->run, round, i, replies[1])) {
        reef_str text = reef_text(replies[1], reef_reply_root(replies[1]));
        char what[64];
        snprintf(what, sizeof what, "GET %u gave \"%.*s\"", i, (int)text.len, text.ptr);
        pipes_blame(worker, what, replies[1]);
    }
}

/* Both or none: where it is not known which, nothing is said. */
static void pipes_check_together(pipes_worker *worker, const reef_reply *exec)
{
    const reef_node *root = reef_reply_root(exec);
    if (reef_reply_code(exec) == REEF_UNSURE) {
        worker->unsure++;
    } else if (reef_reply_code(exec) != REEF_OK || reef_count(root) != 2) {
        pipes_blame(worker, "EXEC", exec);
    } else if (reef_int(reef_at(root, 0), -1) != 1 ||
               reef_int(reef_at(root, 1), -1) != 2) {
        pipes_blame(worker, "a transaction that ran twice, or not as one", exec);
    }
}

static void *pipes_work(void *data)
{
    pipes_worker *worker = data;
    while (!atomic_load(&worker->run->over)) {
        unsigned round = atomic_load(&worker->rounds);
        reef_cmd *cmds[PIPES_COUNT];
        reef_reply *replies[PIPES_COUNT];
        pipes_make(worker, round, cmds);
        reef_pipeline(worker->run->client, (const reef_cmd *const *)cmds, PIPES_COUNT,
                      0, replies);
        for (unsigned i = 0; i < PIPES_PAIRS; i++) {
            pipes_check_pair(worker, round, i, replies + (size_t)2 * i);
        }
        pipes_check_together(worker, replies[PIPES_COUNT - 1]);
        for (size_t i = 0; i < PIPES_COUNT; i++) {
            reef_reply_free(replies[i]);
            reef_cmd_free(cmds[i]);
        }
        atomic_fetch_add(&worker->rounds, 1);
    }
    return NULL;
}

/* ---- the test ----------------------------------------------------------------- */

static void pipes_progress(pipes_run *run)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    unsigned before[PIPES_THREADS];
    for (unsigned i = 0; i < PIPES_THREADS; i++) {
        before[i] = atomic_load(&run->workers[i].rounds);
    }
    for (unsigned i = 0; i < PIPES_THREADS;) {
        if (atomic_load(&run->workers[i].rounds) - before[i] >= PIPES_ROUNDS) {
            i++;
        } else if (reef_live_now_ms() > limit) {
            fail_msg("thread %u makes no progress", i);
        } else {
            reef_live_nap();
        }
    }
}

/* Slots go to another master, are there for a while, and come back. */
static void pipes_move(reef_fleet *fleet, pipes_run *run)
{
    int from = reef_fleet_master(fleet, 0), to = reef_fleet_master(fleet, 16383);
    reef_fleet_move(fleet, PIPES_SLOTS, from, to);
    pipes_progress(run);
    reef_fleet_reshard(fleet, PIPES_SLOTS, to, from);
    reef_fleet_settle(fleet);
    pipes_progress(run);
}

static void pipes_strike(reef_fleet *fleet, pipes_run *run)
{
    int old = reef_fleet_master(fleet, 8000);
    pipes_move(fleet, run);
    reef_fleet_failover(fleet, reef_fleet_replica(fleet, old), "");
    pipes_progress(run);
    reef_fleet_settle(fleet);
    old = reef_fleet_master(fleet, 16000);
    atomic_store(&run->lossy, true);
    reef_fleet_kill(fleet, old);
    reef_fleet_moved(fleet, 16000, old);
    pipes_progress(run);
    reef_fleet_again(fleet, old);
    reef_fleet_settle(fleet);
    pipes_progress(run);
}

/* True: all blows were ours. */
static bool pipes_run_once(reef_fleet *fleet, pipes_run *run, unsigned first_id)
{
    unsigned before = reef_fleet_promoted(fleet);
    uint64_t rounds = 0, unsure = 0;
    for (unsigned i = 0; i < PIPES_THREADS; i++) {
        run->workers[i] = (pipes_worker){.run = run, .id = first_id + i};
        assert_int_equal(
            pthread_create(&run->workers[i].thread, NULL, pipes_work, &run->workers[i]),
            0);
    }
    pipes_progress(run);
    pipes_strike(fleet, run);
    atomic_store(&run->over, true);
    for (unsigned i = 0; i < PIPES_THREADS; i++) {
        assert_int_equal(pthread_join(run->workers[i].thread, NULL), 0);
        rounds += atomic_load(&run->workers[i].rounds);
        unsure += run->workers[i].unsure;
    }
    print_message("    %" PRIu64 " pipelines of %d, %" PRIu64 " transactions unsure\n",
                  rounds, PIPES_COUNT, unsure);
    if (reef_fleet_promoted(fleet) - before != PIPES_PROMOTIONS) {
        return false;
    }
    for (unsigned i = 0; i < PIPES_THREADS; i++) {
        assert_string_equal(run->workers[i].wrong, "");
    }
    /* At most what was in flight when a master died. */
    assert_true(unsure <= PIPES_THREADS);
    return true;
}

static void pipes_all(const reef_live_kind *kind)
{
    reef_fleet *fleet = reef_fleet_start(kind, NULL);
    pipes_run *run = calloc(1, sizeof *run);
    reef_config config;
    bool good = false;
    assert_non_null(run);
    reef_fleet_config(fleet, 1, &config);
    for (unsigned i = 0; i < PIPES_TRIES && !good; i++) {
        run->client = reef_live_client(&config);
        atomic_store(&run->over, false);
        atomic_store(&run->lossy, false);
        good = pipes_run_once(fleet, run, i * PIPES_THREADS);
        reef_close(run->client);
    }
    assert_true(good);
    free(run);
    reef_fleet_free(fleet);
}

static void test_pipes(void **state)
{
    (void)state;
    reef_live_each(pipes_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pipes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
