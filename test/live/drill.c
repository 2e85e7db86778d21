/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills. See drill.h.
 *
 * Threads can't fail a cmocka test: they count what went wrong and write down the first
 * of it. The drill is on the heap, since a test that fails leaves its stack behind with
 * the threads still running. */
#include "test/live/drill.h"
#include "session/session.h"
#include "test/live/check.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    DRILL_WRITES = 65536, /* of one thread */
    DRILL_SESSIONS = 8,   /* every so many rounds a session is saved */
    DRILL_BATCH = 256,    /* keys looked for at once */
    DRILL_KEY = 64,
    DRILL_TRIES = 6,
    DRILL_LATE_US = 4000000, /* what takes longer uses up the time that calls have */
    DRILL_ROUNDS = 20,   /* of each thread, before the blow, after it, and at the end */
    DRILL_SLEEP_S = 3,   /* longer than it takes to announce another */
    DRILL_PAUSE_US = 125 /* between two rounds, for each thread of the drill: all of
                          * them together go round 8 times a millisecond at most */
};

typedef struct drill_worker {
    reef_drill *drill;
    unsigned id;
    pthread_t thread;
    atomic_uint rounds;
    uint64_t calls, failed, unsure, wrong, twice;
    int64_t slowest_us;
    uint32_t written; /* keys tried, from 0 */
    unsigned char acked[DRILL_WRITES / 8];
    int64_t counted, count_unsure;  /* answers to INCR, and those that never came */
    int64_t count_seen, count_most; /* the last answer; what the next may be at most */
    char session_id[REEF_SESSION_ID_LEN + 1];
    uint64_t saved;
    char what[REEF_ERROR_TEXT + 128];
} drill_worker;

struct reef_drill {
    reef_client *client;
    unsigned threads, number;
    atomic_bool over;
    _Atomic(const reef_stars_watch *) watch;
    atomic_int_least64_t last_us, gap_us; /* of answers to anybody */
    atomic_int_least64_t first_us;
    drill_worker workers[REEF_DRILL_THREADS];
};

/* ---- what a thread notes ------------------------------------------------------ */

static void drill_blame(drill_worker *worker, uint64_t *count, const char *call,
                        const char *text)
{
    (*count)++;
    if (!worker->what[0]) {
        snprintf(worker->what, sizeof worker->what, "thread %u: %s: %s", worker->id,
                 call, text);
    }
}

/* An answer came, whatever it says. */
static void drill_answered(reef_drill *drill, int64_t now_us)
{
    const reef_stars_watch *watch = atomic_load(&drill->watch);
    int64_t since_us = now_us - atomic_exchange(&drill->last_us, now_us);
    int64_t none = 0, most = atomic_load(&drill->gap_us);
    int64_t seen_us = watch ? reef_stars_watch_us(watch) : 0;
    while (since_us > most &&
           !atomic_compare_exchange_weak(&drill->gap_us, &most, since_us)) {
    }
    if (seen_us && now_us >= seen_us && !atomic_load(&drill->first_us)) {
        atomic_compare_exchange_strong(&drill->first_us, &none, now_us);
    }
}

/* One call is over. `counts`: it may not be repeated. */
static void drill_judge(drill_worker *worker, const char *call, int64_t begin_us,
                        reef_code code, const char *text)
{
    int64_t now_us = reef_stars_now_us();
    worker->calls++;
    if (now_us - begin_us > worker->slowest_us) {
        worker->slowest_us = now_us - begin_us;
    }
    if (code == REEF_OK) {
        drill_answered(worker->drill, now_us);
    } else {
        drill_blame(worker, &worker->failed, call, text);
    }
}

static reef_reply *drill_call(drill_worker *worker, const char *line, bool repeatable)
{
    reef_cmd *cmd = reef_live_cmd(line, repeatable);
    int64_t begin_us = reef_stars_now_us();
    reef_reply *reply = reef_call(worker->drill->client, cmd, 0);
    reef_cmd_free(cmd);
    if (!repeatable && reef_reply_code(reply) == REEF_UNSURE) {
        worker->calls++;
        worker->unsure++;
        return reply;
    }
    drill_judge(worker, line, begin_us, reef_reply_code(reply), reef_reply_text(reply));
    return reply;
}

/* ---- what a thread does ------------------------------------------------------- */

static void drill_key(const reef_drill *drill, unsigned id, uint32_t number,
                      char out[DRILL_KEY])
{
    snprintf(out, DRILL_KEY, "drill:%u:%u:%" PRIu32, drill->number, id, number);
}

static void drill_write(drill_worker *worker)
{
    uint32_t number = worker->written++;
    char key[DRILL_KEY], line[DRILL_KEY * 2];
    reef_reply *reply;
    drill_key(worker->drill, worker->id, number, key);
    snprintf(line, sizeof line, "SET %s %u:%" PRIu32, key, worker->id, number);
    reply = drill_call(worker, line, true);
    if (reef_reply_code(reply) == REEF_OK) {
        worker->acked[number / 8] |= (unsigned char)(1U << number % 8);
    }
    reef_reply_free(reply);
}

/* Of what was acknowledged, too, nothing may be there after a fail-over; but what is
 * there is what was written. */
static void drill_read(drill_worker *worker)
{
    uint32_t number = worker->written - 1;
    char key[DRILL_KEY], line[DRILL_KEY * 2], wanted[32];
    reef_reply *reply;
    const reef_node *root;
    drill_key(worker->drill, worker->id, number, key);
    snprintf(line, sizeof line, "GET %s", key);
    snprintf(wanted, sizeof wanted, "%u:%" PRIu32, worker->id, number);
    reply = drill_call(worker, line, true);
    root = reef_reply_root(reply);
    if (reef_reply_code(reply) == REEF_OK && reef_node_kind(root) != REEF_NIL &&
        !reef_str_equal(reef_text(reply, root), reef_str_of(wanted))) {
        drill_blame(worker, &worker->wrong, line, "another value");
    }
    reef_reply_free(reply);
}

static void drill_count(drill_worker *worker)
{
    char line[DRILL_KEY];
    reef_reply *reply;
    int64_t value;
    snprintf(line, sizeof line, "INCR drill:%u:count:%u", worker->drill->number,
             worker->id);
    reply = drill_call(worker, line, false);
    worker->count_most++;
    if (reef_reply_code(reply) == REEF_UNSURE) {
        worker->count_unsure++;
    } else if (reef_reply_code(reply) == REEF_OK) {
        value = reef_int(reef_reply_root(reply), -1);
        worker->counted++;
        if (value > worker->count_most) {
            drill_blame(worker, &worker->twice, line, "counted more than was asked");
        }
        worker->count_seen = value;
        worker->count_most = value;
    } else {
        worker->count_most--;
    }
    reef_reply_free(reply);
}

static void drill_check_session(drill_worker *worker, reef_sessions *list)
{
    reef_session session;
    reef_error error;
    char agent[64];
    snprintf(agent, sizeof agent, "%u:%" PRIu64, worker->id, worker->saved);
    if (!reef_sessions_next(list, &session, &error) || error.code != REEF_OK ||
        !reef_str_equal(session.id, reef_str_of(worker->session_id)) ||
        !reef_str_equal(session.user_agent, reef_str_of(agent))) {
        drill_blame(worker, &worker->wrong, "a session", "another one, or an old one");
    }
}

static void drill_session(drill_worker *worker)
{
    char agent[64];
    reef_session session = {.id = reef_str_of(worker->session_id),
                            .user_id = reef_str_of("ada"),
                            .updated_at = ++worker->saved};
    reef_sessions *list = NULL;
    reef_error error = {REEF_OK, 0, ""};
    int64_t begin_us = reef_stars_now_us();
    reef_code code;
    snprintf(agent, sizeof agent, "%u:%" PRIu64, worker->id, worker->saved);
    session.user_agent = reef_str_of(agent);
    code = reef_session_save(worker->drill->client, &session, 0, &error);
    drill_judge(worker, "saving a session", begin_us, code, error.text);
    if (code != REEF_OK) {
        return;
    }
    begin_us = reef_stars_now_us();
    code = reef_session_get(worker->drill->client, session.id, 0, &list, &error);
    /* It may be lost with its master. */
    drill_judge(worker, "reading a session", begin_us,
                code == REEF_NOT_FOUND ? REEF_OK : code, error.text);
    if (code == REEF_OK) {
        drill_check_session(worker, list);
    }
    reef_sessions_free(list);
}

static void drill_pause(const reef_drill *drill)
{
    const struct timespec pause = {.tv_sec = 0,
                                   .tv_nsec = DRILL_PAUSE_US * 1000L * drill->threads};
    nanosleep(&pause, NULL);
}

static void *drill_work(void *data)
{
    drill_worker *worker = data;
    while (!atomic_load(&worker->drill->over) && worker->written < DRILL_WRITES) {
        drill_write(worker);
        drill_read(worker);
        drill_count(worker);
        if (worker->written % DRILL_SESSIONS == 0) {
            drill_session(worker);
        }
        atomic_fetch_add(&worker->rounds, 1);
        drill_pause(worker->drill);
    }
    return NULL;
}

/* ---- from the test's thread --------------------------------------------------- */

reef_drill *reef_drill_begin(reef_client *client, unsigned threads, unsigned number)
{
    reef_drill *drill = calloc(1, sizeof *drill);
    assert_non_null(drill);
    assert_in_range(threads, 1, REEF_DRILL_THREADS);
    drill->client = client;
    drill->threads = threads;
    drill->number = number;
    atomic_store(&drill->last_us, reef_stars_now_us());
    for (unsigned i = 0; i < threads; i++) {
        const uint8_t random[32] = {(uint8_t)i, (uint8_t)number,
                                    (uint8_t)(number >> 8)};
        drill_worker *worker = &drill->workers[i];
        worker->drill = drill;
        worker->id = i;
        reef_session_make_id(random, 1, worker->session_id);
        assert_int_equal(pthread_create(&worker->thread, NULL, drill_work, worker), 0);
    }
    return drill;
}

void reef_drill_watch(reef_drill *drill, const reef_stars_watch *watch)
{
    atomic_store(&drill->watch, watch);
}

void reef_drill_progress(reef_drill *drill, unsigned rounds)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    unsigned before[REEF_DRILL_THREADS];
    for (unsigned i = 0; i < drill->threads; i++) {
        before[i] = atomic_load(&drill->workers[i].rounds);
    }
    for (unsigned i = 0; i < drill->threads;) {
        if (atomic_load(&drill->workers[i].rounds) - before[i] >= rounds) {
            i++;
        } else if (reef_live_now_ms() > limit) {
            fail_msg("thread %u makes no progress; %s", i, drill->workers[i].what);
        } else {
            reef_live_nap();
        }
    }
}

void reef_drill_hears_all(reef_client *client)
{
    static reef_topology topology;
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    unsigned watched = 0;
    reef_error error;
    while (watched < REEF_STARS_SENTINELS && reef_live_now_ms() < limit) {
        assert_int_equal(reef_client_topology(client, 0, &topology, &error), REEF_OK);
        watched = 0;
        for (uint32_t i = 0; i < topology.sentinel_count; i++) {
            watched += topology.sentinels[i].watched;
        }
        reef_live_nap();
    }
    assert_int_equal(watched, REEF_STARS_SENTINELS);
}

/* How many of these keys are there. */
static uint64_t drill_there(int fd, char keys[][DRILL_KEY], size_t count)
{
    const char *args[DRILL_BATCH + 1] = {"EXISTS"};
    char *reply;
    uint64_t there;
    for (size_t i = 0; i < count; i++) {
        args[i + 1] = keys[i];
    }
    reply = reef_live_ask_on(fd, args, count + 1, NULL);
    there = strtoull(reply, NULL, 10);
    free(reply);
    return there;
}

static void drill_verify_writes(const drill_worker *worker, int fd,
                                reef_drill_report *out)
{
    char keys[DRILL_BATCH][DRILL_KEY];
    uint64_t acked = 0, there = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < worker->written; i++) {
        if (worker->acked[i / 8] >> i % 8 & 1) {
            drill_key(worker->drill, worker->id, i, keys[count++]);
            acked++;
        }
        if (count == DRILL_BATCH || (count && i + 1 == worker->written)) {
            there += drill_there(fd, keys, count);
            count = 0;
        }
    }
    out->acked += acked;
    out->missing += acked - there;
}

static void drill_verify_count(const drill_worker *worker, int fd,
                               reef_drill_report *out)
{
    char key[DRILL_KEY];
    const char *args[] = {"GET", key};
    char *reply;
    int64_t value;
    snprintf(key, sizeof key, "drill:%u:count:%u", worker->drill->number, worker->id);
    reply = reef_live_ask_on(fd, args, 2, NULL);
    value = strtoll(reply, NULL, 10);
    free(reply);
    if (value > worker->count_most) {
        out->twice += (uint64_t)(value - worker->count_most);
    }
    out->acked += (uint64_t)worker->counted;
    if (value < worker->count_seen) {
        out->missing += (uint64_t)(worker->count_seen - value);
    }
}

static void drill_add(const drill_worker *worker, reef_drill_report *out)
{
    out->calls += worker->calls;
    out->failed += worker->failed;
    out->unsure += worker->unsure;
    out->wrong += worker->wrong;
    out->twice += worker->twice;
    if (worker->slowest_us > out->slowest_us) {
        out->slowest_us = worker->slowest_us;
    }
    if (!out->what[0]) {
        snprintf(out->what, sizeof out->what, "%s", worker->what);
    }
}

void reef_drill_end(reef_drill *drill, const reef_live_server *master,
                    reef_drill_report *out)
{
    int fd;
    atomic_store(&drill->over, true);
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < drill->threads; i++) {
        assert_int_equal(pthread_join(drill->workers[i].thread, NULL), 0);
    }
    fd = reef_live_dial(master);
    for (unsigned i = 0; i < drill->threads; i++) {
        drill_add(&drill->workers[i], out);
        drill_verify_writes(&drill->workers[i], fd, out);
        drill_verify_count(&drill->workers[i], fd, out);
    }
    close(fd);
    out->gap_us = atomic_load(&drill->gap_us);
    out->first_us = atomic_load(&drill->first_us);
    free(drill);
}

void reef_drill_sound(const reef_drill_report *report)
{
    if (report->failed || report->wrong || report->twice) {
        fail_msg("%" PRIu64 " failed, %" PRIu64 " wrong, %" PRIu64 " twice; %s",
                 report->failed, report->wrong, report->twice, report->what);
    }
}

/* ---- a whole one -------------------------------------------------------------- */

const char *reef_drill_name(reef_drill_blow blow)
{
    switch (blow) {
    case REEF_DRILL_KILL:
        return "kill -9";
    case REEF_DRILL_PLAN:
        return "SENTINEL FAILOVER";
    case REEF_DRILL_STOP:
        return "SIGSTOP";
    case REEF_DRILL_FREEZE:
        return "frozen host";
    case REEF_DRILL_SLEEP:
        return "DEBUG SLEEP";
    }
    return "";
}

static void drill_strike(reef_stars *stars, reef_drill_blow blow, int master)
{
    switch (blow) {
    case REEF_DRILL_KILL:
        reef_live_kill(stars->nodes[master]);
        break;
    case REEF_DRILL_PLAN:
        reef_stars_failover(stars, 1);
        break;
    case REEF_DRILL_STOP:
        reef_stars_freeze(stars, master, -1);
        break;
    case REEF_DRILL_FREEZE:
        reef_stars_freeze(stars, master, 0);
        break;
    case REEF_DRILL_SLEEP:
        reef_stars_sleep(stars, master, DRILL_SLEEP_S);
        break;
    }
}

static void drill_mend(reef_stars *stars, reef_drill_blow blow, int old)
{
    switch (blow) {
    case REEF_DRILL_KILL:
        reef_stars_moved(stars, old);
        reef_stars_again(stars, old, false);
        break;
    case REEF_DRILL_STOP:
        reef_stars_thaw(stars, old, -1);
        break;
    case REEF_DRILL_FREEZE:
        reef_stars_thaw(stars, old, 0);
        break;
    case REEF_DRILL_SLEEP:
        reef_stars_moved(stars, old);
        break;
    case REEF_DRILL_PLAN:
        break;
    }
}

/* The threads go on while the old master comes back and is put in its place. False: who
 * took the first write is not the master in the end. */
static bool drill_run_once(reef_stars *stars, reef_client *client, reef_drill_blow blow,
                           unsigned threads, reef_drill_report *out)
{
    int old = reef_stars_settle(stars), next, master;
    unsigned number = (unsigned)(reef_live_now_ms() % 1000000);
    reef_drill *drill = reef_drill_begin(client, threads, number);
    reef_stars_watch *watch;
    int64_t begin_us, at_us = 0;
    reef_drill_progress(drill, DRILL_ROUNDS);
    watch = reef_stars_watch_begin(stars);
    reef_drill_watch(drill, watch);
    begin_us = reef_stars_now_us();
    drill_strike(stars, blow, old);
    next = reef_stars_watch_wait(watch, &at_us);
    reef_drill_progress(drill, DRILL_ROUNDS);
    reef_drill_watch(drill, NULL);
    drill_mend(stars, blow, old);
    master = reef_stars_settle(stars);
    reef_drill_progress(drill, DRILL_ROUNDS);
    reef_drill_end(drill, stars->nodes[master], out);
    reef_stars_watch_free(watch);
    out->writable_us = at_us - begin_us;
    out->first_us = out->first_us ? out->first_us - at_us : -1;
    return next == master;
}

/* Sentinels that give up, or fail over once more, since the machine was too slow for
 * them to hear of nodes that are well, prove nothing about the client. */
void reef_drill_run(reef_stars *stars, reef_client *client, reef_drill_blow blow,
                    unsigned threads, reef_drill_report *out)
{
    for (int i = 0; i < DRILL_TRIES; i++) {
        unsigned promoted, given_up, promoted_before, given_up_before;
        bool same;
        reef_stars_counts(stars, &promoted_before, &given_up_before);
        same = drill_run_once(stars, client, blow, threads, out);
        reef_stars_counts(stars, &promoted, &given_up);
        if (promoted == promoted_before + 1 && given_up == given_up_before &&
            out->writable_us < DRILL_LATE_US) {
            assert_true(same);
            return;
        }
        assert_int_equal(out->wrong, 0);
        assert_int_equal(out->twice, 0);
        print_message("    %s: the Sentinels failed over %u times, gave up %u times, "
                      "and took %" PRId64 " ms: once more\n",
                      reef_drill_name(blow), promoted - promoted_before,
                      given_up - given_up_before, out->writable_us / 1000);
    }
    fail_msg("%s: the machine is too slow", reef_drill_name(blow));
}
