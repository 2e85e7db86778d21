/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads save and read on one client while the server, which writes each command
 * to disk before it answers, is killed and restarted twice and paused in between.
 *
 * Each thread is the only writer of its own key and writes growing numbers, so a value
 * below the last acknowledged one is a lost write, a value above the last attempt or of
 * another thread a reply that slipped. All threads count in one counter, with a command
 * that may not be repeated: at the end it stands between what was acknowledged and that
 * plus what was unsure, so nothing ran twice and nothing ran that was called unsent.
 * The same holds for a counter that is raised in pipelines, and for one that is raised
 * twice in each transaction and so must be even.
 *
 * REEF_SOAK=1 in the environment: 32 threads, 10 seconds. */
#include "test/live/check.h"

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
    RESTART_THREADS = 8,
    RESTART_SOAK_THREADS = 32,
    RESTART_SOAK_MS = 10000,
    RESTART_TIMEOUT_MS = 1500, /* of one call */
    RESTART_MARGIN_MS = 2000,  /* a slow machine's, past that */
    RESTART_BATCH = 8,         /* commands of one pipeline */
    RESTART_STEP = 20          /* rounds of every thread between two blows */
};

typedef struct restart_run {
    reef_client *client;
    atomic_bool over;
} restart_run;

/* What one thread knows of a counter that all of them raise. */
typedef struct restart_tally {
    int64_t acked, unsure;
    int64_t seen; /* the last value that came back */
} restart_tally;

typedef struct restart_worker {
    restart_run *run;
    unsigned id;
    pthread_t thread;
    atomic_uint rounds; /* in which all went well */
    atomic_uint failed; /* calls that did not */
    int64_t attempted, acked;
    restart_tally hits, many, pairs;
    char wrong[REEF_ERROR_TEXT + 128]; /* the first thing that must not be */
} restart_worker;

/* Threads can't fail a cmocka test; they write down why it must. */
static void restart_blame(restart_worker *worker, const char *line, const char *text)
{
    if (!worker->wrong[0]) {
        snprintf(worker->wrong, sizeof worker->wrong, "thread %u: %s: %s", worker->id,
                 line, text);
    }
    atomic_store(&worker->run->over, true);
}

/* How a call may end while its server comes and goes. */
static bool restart_may_end(const reef_reply *reply)
{
    switch (reef_reply_code(reply)) {
    case REEF_OK:
    case REEF_UNSENT:
    case REEF_CONNECT:
    case REEF_UNSURE: /* for a repeatable one, too: its last try was out at the end */
        return true;
    case REEF_REFUSED:
        return strstr(reef_reply_text(reply), "LOADING") ||
               strstr(reef_reply_text(reply), "EXECABORT");
    case REEF_NOT_FOUND:
    case REEF_CONFLICT:
    case REEF_NOMEM:
    case REEF_BADARG:
    case REEF_BADCONFIG:
    case REEF_LIMIT:
    case REEF_DNS:
    case REEF_AUTH:
    case REEF_NOROUTE:
    case REEF_PROTOCOL:
    case REEF_CORRUPT:
        return false;
    }
    return false;
}

/* Judges what any call must keep to. */
static void restart_judge(restart_worker *worker, const char *line, int64_t start_ms,
                          const reef_reply *reply)
{
    int64_t took_ms = reef_live_now_ms() - start_ms;
    if (took_ms > RESTART_TIMEOUT_MS + RESTART_MARGIN_MS) {
        restart_blame(worker, line, "ended after its deadline");
    }
    if (!restart_may_end(reply)) {
        restart_blame(worker, line, reef_reply_text(reply));
    }
    if (reef_reply_code(reply) != REEF_OK) {
        atomic_fetch_add(&worker->failed, 1);
    }
}

static reef_reply *restart_call(restart_worker *worker, const char *line,
                                bool repeatable)
{
    reef_cmd *cmd = reef_live_cmd(line, repeatable);
    int64_t start_ms = reef_live_now_ms();
    reef_reply *reply = reef_call(worker->run->client, cmd, RESTART_TIMEOUT_MS);
    reef_cmd_free(cmd);
    restart_judge(worker, line, start_ms, reply);
    return reply;
}

static void restart_save(restart_worker *worker)
{
    char line[64];
    reef_reply *reply;
    worker->attempted++;
    snprintf(line, sizeof line, "SET own-%u %u:%" PRId64, worker->id, worker->id,
             worker->attempted);
    reply = restart_call(worker, line, worker->attempted % 2 == 0);
    if (reef_reply_code(reply) == REEF_OK) {
        worker->acked = worker->attempted;
    }
    reef_reply_free(reply);
}

/* The number in "thread:number", or -1 when it is another thread's. */
static int64_t restart_number(const restart_worker *worker, const char *text)
{
    unsigned id;
    int64_t number;
    if (sscanf(text, "%u:%" SCNd64, &id, &number) != 2 || id != worker->id) {
        return -1;
    }
    return number;
}

static bool restart_in_range(const restart_worker *worker, const char *text)
{
    int64_t number = restart_number(worker, text);
    if (worker->acked == 0 && !*text) {
        return true;
    }
    return number >= worker->acked && number <= worker->attempted;
}

static void restart_read(restart_worker *worker)
{
    char line[64], text[64];
    reef_reply *reply;
    reef_str got;
    snprintf(line, sizeof line, "GET own-%u", worker->id);
    reply = restart_call(worker, line, true);
    got = reef_text(reply, reef_reply_root(reply));
    snprintf(text, sizeof text, "%.*s", (int)got.len, got.len ? got.ptr : "");
    if (reef_reply_code(reply) == REEF_OK && !restart_in_range(worker, text)) {
        restart_blame(worker, line, text);
    }
    reef_reply_free(reply);
}

/* One more reply to a command that raises a counter to `value`. */
static void restart_tell(restart_worker *worker, restart_tally *tally, const char *line,
                         const reef_reply *reply, int64_t value)
{
    tally->unsure += reef_reply_code(reply) == REEF_UNSURE;
    if (reef_reply_code(reply) != REEF_OK) {
        return;
    }
    tally->acked++;
    if (value <= tally->seen) {
        restart_blame(worker, line, "the counter went back");
    }
    tally->seen = value;
}

static void restart_count(restart_worker *worker)
{
    reef_reply *reply = restart_call(worker, "INCR hits", false);
    restart_tell(worker, &worker->hits, "INCR hits", reply,
                 reef_int(reef_reply_root(reply), -1));
    reef_reply_free(reply);
}

static void restart_pipeline(restart_worker *worker, const char *const lines[],
                             size_t count, reef_reply *replies[])
{
    reef_cmd *cmds[RESTART_BATCH];
    int64_t start_ms;
    for (size_t i = 0; i < count; i++) {
        cmds[i] = reef_live_cmd(lines[i], false);
    }
    start_ms = reef_live_now_ms();
    reef_pipeline(worker->run->client, (const reef_cmd *const *)cmds, count,
                  RESTART_TIMEOUT_MS, replies);
    for (size_t i = 0; i < count; i++) {
        restart_judge(worker, lines[i], start_ms, replies[i]);
        reef_cmd_free(cmds[i]);
    }
}

static void restart_count_many(restart_worker *worker)
{
    const char *lines[RESTART_BATCH];
    reef_reply *replies[RESTART_BATCH];
    for (size_t i = 0; i < RESTART_BATCH; i++) {
        lines[i] = "INCR many";
    }
    restart_pipeline(worker, lines, RESTART_BATCH, replies);
    for (size_t i = 0; i < RESTART_BATCH; i++) {
        restart_tell(worker, &worker->many, lines[i], replies[i],
                     reef_int(reef_reply_root(replies[i]), -1));
        reef_reply_free(replies[i]);
    }
}

static void restart_count_pair(restart_worker *worker)
{
    static const char *const lines[] = {"MULTI", "INCR pairs", "INCR pairs", "EXEC"};
    reef_reply *replies[4];
    const reef_node *root;
    restart_pipeline(worker, lines, 4, replies);
    root = reef_reply_root(replies[3]);
    restart_tell(worker, &worker->pairs, "EXEC", replies[3],
                 reef_int(reef_at(root, 1), -1));
    for (size_t i = 0; i < 4; i++) {
        reef_reply_free(replies[i]);
    }
}

static void *restart_work(void *data)
{
    restart_worker *worker = data;
    while (!atomic_load(&worker->run->over)) {
        unsigned failed = atomic_load(&worker->failed);
        restart_save(worker);
        restart_read(worker);
        restart_count(worker);
        restart_count_many(worker);
        restart_count_pair(worker);
        if (failed == atomic_load(&worker->failed)) {
            atomic_fetch_add(&worker->rounds, 1);
        }
    }
    return NULL;
}

/* Waits until one of its counters has grown by `step` in every worker. */
static void restart_wait(restart_worker *workers, unsigned count, bool failures,
                         unsigned step)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    unsigned before[RESTART_SOAK_THREADS];
    for (unsigned i = 0; i < count; i++) {
        before[i] = atomic_load(failures ? &workers[i].failed : &workers[i].rounds);
    }
    for (unsigned i = 0; i < count;) {
        unsigned now = atomic_load(failures ? &workers[i].failed : &workers[i].rounds);
        if (now - before[i] >= step || atomic_load(&workers[i].run->over)) {
            i++;
            continue;
        }
        if (reef_live_now_ms() > limit) {
            atomic_store(&workers[i].run->over, true);
            restart_blame(&workers[i], "waiting", "no progress");
        }
        reef_live_nap();
    }
}

/* Two kills with restarts, and a pause that outlasts the deadline of every thread. */
static void restart_blows(reef_live_server *server, restart_worker *workers,
                          unsigned count, int64_t until_ms)
{
    restart_wait(workers, count, false, RESTART_STEP);
    reef_live_kill(server);
    reef_live_again(server);
    restart_wait(workers, count, false, RESTART_STEP);
    reef_live_pause(server);
    restart_wait(workers, count, true, 1);
    reef_live_resume(server);
    restart_wait(workers, count, false, RESTART_STEP);
    reef_live_kill(server);
    restart_wait(workers, count, true, 1);
    reef_live_again(server);
    restart_wait(workers, count, false, RESTART_STEP);
    while (reef_live_now_ms() < until_ms && !atomic_load(&workers[0].run->over)) {
        reef_live_nap();
    }
}

/* A counter stands between what was acknowledged and that plus what was unsure, `each`
 * for one of them. */
static void restart_verify_counter(const reef_live_server *server, const char *name,
                                   const restart_tally *sum, int64_t each)
{
    char line[64];
    int64_t value;
    snprintf(line, sizeof line, "GET %s", name);
    value = reef_live_number(server, line);
    print_message("    %s is %" PRId64 ", acknowledged %" PRId64 ", unsure %" PRId64
                  "\n",
                  name, value, sum->acked * each, sum->unsure * each);
    assert_true(value >= sum->acked * each);
    assert_true(value <= (sum->acked + sum->unsure) * each);
    assert_int_equal(value % each, 0);
}

static void restart_add(restart_tally *sum, const restart_tally *part)
{
    sum->acked += part->acked;
    sum->unsure += part->unsure;
}

/* What the server holds in the end, looked at without reef. */
static void restart_verify(const reef_live_server *server, restart_worker *workers,
                           unsigned count)
{
    restart_tally hits = {0}, many = {0}, pairs = {0};
    for (unsigned i = 0; i < count; i++) {
        char line[64];
        char *value;
        snprintf(line, sizeof line, "GET own-%u", i);
        value = reef_live_ask(server, line);
        if (workers[i].wrong[0]) {
            fail_msg("%s", workers[i].wrong);
        }
        if (!restart_in_range(&workers[i], value)) {
            fail_msg("%s is %s, acknowledged up to %" PRId64, line, value,
                     workers[i].acked);
        }
        free(value);
        restart_add(&hits, &workers[i].hits);
        restart_add(&many, &workers[i].many);
        restart_add(&pairs, &workers[i].pairs);
    }
    restart_verify_counter(server, "hits", &hits, 1);
    restart_verify_counter(server, "many", &many, 1);
    restart_verify_counter(server, "pairs", &pairs, 2);
}

static void restart_under_load(const reef_live_kind *kind)
{
    const reef_live_options options = {.append_only = true};
    reef_live_server *server = reef_live_start(kind, &options);
    /* On the heap: when a test fails, its stack goes and the threads are still
     * there. */
    restart_worker *workers = calloc(RESTART_SOAK_THREADS, sizeof *workers);
    restart_run *run = calloc(1, sizeof *run);
    bool soak = getenv("REEF_SOAK") != NULL;
    unsigned count = soak ? RESTART_SOAK_THREADS : RESTART_THREADS;
    reef_stats stats;
    assert_true(workers && run);
    run->client = reef_live_client_at(server, "127.0.0.1", 0);
    for (unsigned i = 0; i < count; i++) {
        workers[i].run = run;
        workers[i].id = i;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, restart_work, &workers[i]), 0);
    }
    restart_blows(server, workers, count,
                  reef_live_now_ms() + (soak ? RESTART_SOAK_MS : 0));
    atomic_store(&run->over, true);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    restart_verify(server, workers, count);
    reef_client_stats(run->client, &stats);
    assert_true(stats.reconnects >= 2);
    assert_true(stats.unsure > 0);
    assert_int_equal(stats.calls, stats.answered + stats.failed);
    reef_close(run->client);
    reef_live_free(server);
    free(workers);
    free(run);
}

static void test_restart_under_load(void **state)
{
    (void)state;
    reef_live_each(restart_under_load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
