/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills: their threads, and what is looked for afterwards. See drill.h;
 * whole drills are in drill_stars.c and drill_fleet.c.
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
    DRILL_KEY = 64,
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
    unsigned char acked[DRILL_WRITES / 8], there[DRILL_WRITES / 8];
    int64_t counted, count_unsure;  /* answers to INCR, and those that never came */
    int64_t count_seen, count_most; /* the last answer; what the next may be at most */
    int64_t count_there;            /* what the counter is in the end */
    char session_id[REEF_SESSION_ID_LEN + 1];
    uint64_t saved, sessions_lost;
    char what[REEF_ERROR_TEXT + 128];
} drill_worker;

struct reef_drill {
    reef_client *client;
    unsigned threads, number;
    atomic_bool over;
    _Atomic(const reef_live_watch *) watch;
    _Atomic(const bool *) aim; /* slots whose answers are waited for; NULL: all */
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

/* Whether answers for this key are what is waited for. `key` NULL: of several keys. */
static bool drill_aimed(reef_drill *drill, const char *key)
{
    const bool *aim = atomic_load(&drill->aim);
    return !aim || (key && aim[reef_key_slot(reef_str_of(key))]);
}

/* An answer came, whatever it says. */
static void drill_answered(reef_drill *drill, int64_t now_us)
{
    const reef_live_watch *watch = atomic_load(&drill->watch);
    int64_t since_us = now_us - atomic_exchange(&drill->last_us, now_us);
    int64_t none = 0, most = atomic_load(&drill->gap_us);
    int64_t seen_us = watch ? reef_live_watch_us(watch) : 0;
    while (since_us > most &&
           !atomic_compare_exchange_weak(&drill->gap_us, &most, since_us)) {
    }
    if (seen_us && now_us >= seen_us && !atomic_load(&drill->first_us)) {
        atomic_compare_exchange_strong(&drill->first_us, &none, now_us);
    }
}

/* One call is over. */
static void drill_judge(drill_worker *worker, const char *call, const char *key,
                        int64_t begin_us, const reef_error *end)
{
    int64_t now_us = reef_live_now_us();
    worker->calls++;
    if (now_us - begin_us > worker->slowest_us) {
        worker->slowest_us = now_us - begin_us;
    }
    if (end->code != REEF_OK) {
        drill_blame(worker, &worker->failed, call, end->text);
    } else if (drill_aimed(worker->drill, key)) {
        drill_answered(worker->drill, now_us);
    }
}

static void drill_end_of(const reef_reply *reply, reef_error *out)
{
    out->code = reef_reply_code(reply);
    snprintf(out->text, sizeof out->text, "%s", reef_reply_text(reply));
}

static reef_reply *drill_call(drill_worker *worker, const char *line, const char *key,
                              bool repeatable)
{
    reef_cmd *cmd = reef_live_cmd(line, repeatable);
    int64_t begin_us = reef_live_now_us();
    reef_reply *reply = reef_call(worker->drill->client, cmd, 0);
    reef_error end;
    reef_cmd_free(cmd);
    if (!repeatable && reef_reply_code(reply) == REEF_UNSURE) {
        worker->calls++;
        worker->unsure++;
        return reply;
    }
    drill_end_of(reply, &end);
    drill_judge(worker, line, key, begin_us, &end);
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
    reply = drill_call(worker, line, key, true);
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
    reply = drill_call(worker, line, key, true);
    root = reef_reply_root(reply);
    if (reef_reply_code(reply) == REEF_OK && reef_node_kind(root) != REEF_NIL &&
        !reef_str_equal(reef_text(reply, root), reef_str_of(wanted))) {
        drill_blame(worker, &worker->wrong, line, "another value");
    }
    reef_reply_free(reply);
}

static void drill_count(drill_worker *worker)
{
    char key[DRILL_KEY], line[DRILL_KEY * 2];
    reef_reply *reply;
    int64_t value;
    snprintf(key, sizeof key, "drill:%u:count:%u", worker->drill->number, worker->id);
    snprintf(line, sizeof line, "INCR %s", key);
    reply = drill_call(worker, line, key, false);
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

/* What was acknowledged may be lost with its master: then there is an older one, which
 * counts as missing. */
static void drill_check_session(drill_worker *worker, reef_sessions *list)
{
    reef_session session;
    reef_error error;
    unsigned id = 0;
    uint64_t number = 0;
    char agent[64] = "";
    bool given = reef_sessions_next(list, &session, &error) && error.code == REEF_OK;
    if (given) {
        snprintf(agent, sizeof agent, "%.*s", (int)session.user_agent.len,
                 session.user_agent.ptr);
    }
    if (!given || !reef_str_equal(session.id, reef_str_of(worker->session_id)) ||
        sscanf(agent, "%u:%" SCNu64, &id, &number) != 2 || id != worker->id ||
        number > worker->saved) {
        drill_blame(worker, &worker->wrong, "a session", "another one");
    } else {
        worker->sessions_lost += number < worker->saved;
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
    int64_t begin_us = reef_live_now_us();
    reef_code code;
    snprintf(agent, sizeof agent, "%u:%" PRIu64, worker->id, worker->saved);
    session.user_agent = reef_str_of(agent);
    code = reef_session_save(worker->drill->client, &session, 0, &error);
    error.code = code;
    drill_judge(worker, "saving a session", NULL, begin_us, &error);
    if (code != REEF_OK) {
        return;
    }
    begin_us = reef_live_now_us();
    code = reef_session_get(worker->drill->client, session.id, 0, &list, &error);
    /* It may be lost with its master. */
    error.code = code == REEF_NOT_FOUND ? REEF_OK : code;
    drill_judge(worker, "reading a session", NULL, begin_us, &error);
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
    atomic_store(&drill->last_us, reef_live_now_us());
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

void reef_drill_watch(reef_drill *drill, const reef_live_watch *watch)
{
    atomic_store(&drill->watch, watch);
}

void reef_drill_aim(reef_drill *drill, const bool slots[])
{
    atomic_store(&drill->aim, slots);
    atomic_store(&drill->last_us, reef_live_now_us());
    atomic_store(&drill->gap_us, 0);
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

/* A key of this drill is there. */
static void drill_found(reef_drill *drill, int fd, const char *key)
{
    const char *args[] = {"GET", key};
    unsigned number, id, at;
    if (sscanf(key, "drill:%u:count:%u", &number, &id) == 2) {
        char *reply = reef_live_ask_on(fd, args, 2, NULL);
        assert_true(id < drill->threads);
        drill->workers[id].count_there = strtoll(reply, NULL, 10);
        free(reply);
    } else if (sscanf(key, "drill:%u:%u:%u", &number, &id, &at) == 3) {
        assert_true(id < drill->threads && at < DRILL_WRITES);
        drill->workers[id].there[at / 8] |= (unsigned char)(1U << at % 8);
    } else {
        fail_msg("no key of a drill: %s", key);
    }
}

/* Looks for all that was written on one of the servers. */
static void drill_search(reef_drill *drill, const reef_live_server *server)
{
    char pattern[DRILL_KEY], *keys, *next, *key;
    const char *args[] = {"KEYS", pattern};
    int fd = reef_live_dial(server);
    snprintf(pattern, sizeof pattern, "drill:%u:*", drill->number);
    next = keys = reef_live_ask_on(fd, args, 2, NULL);
    while ((key = strtok_r(next, "\n", &next))) {
        drill_found(drill, fd, key);
    }
    free(keys);
    close(fd);
}

static void drill_verify(const drill_worker *worker, reef_drill_report *out)
{
    int64_t value = worker->count_there;
    out->acked += worker->saved;
    out->missing += worker->sessions_lost;
    for (uint32_t i = 0; i < worker->written; i++) {
        unsigned acked = worker->acked[i / 8] >> i % 8 & 1U;
        out->acked += acked;
        out->missing += acked && !(worker->there[i / 8] >> i % 8 & 1U);
    }
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

void reef_drill_end(reef_drill *drill, reef_live_server *const servers[], size_t count,
                    reef_drill_report *out)
{
    atomic_store(&drill->over, true);
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < drill->threads; i++) {
        assert_int_equal(pthread_join(drill->workers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < count; i++) {
        drill_search(drill, servers[i]);
    }
    for (unsigned i = 0; i < drill->threads; i++) {
        drill_add(&drill->workers[i], out);
        drill_verify(&drill->workers[i], out);
    }
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
