/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads save and read on one client while the server, which writes each command
 * to disk before it answers, is killed and restarted twice and paused in between.
 *
 * Each thread is the only writer of its own key and writes growing numbers, so a value
 * below the last acknowledged one is a lost write, a value above the last attempt or of
 * another thread a reply that slipped. The same holds for a session of its own, which
 * carries the number in two fields and is in the list of everyone's at the end, too.
 *
 * All threads count in one counter, with a command that may not be repeated: at the end
 * it stands between what was acknowledged and that plus what was unsure, so nothing ran
 * twice and nothing ran that was called unsent. The same holds for a counter that is
 * raised in pipelines, and for one that is raised twice in each transaction and so must
 * be even.
 *
 * REEF_SOAK=1 in the environment: 32 threads, 10 seconds. */
#include "test/live/check.h"
#include "session/session.h"

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

/* What one thread knows of a value that it alone writes: the last number that it tried
 * to write, and the last one that was acknowledged. */
typedef struct restart_own {
    int64_t attempted, acked;
} restart_own;

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
    restart_own value, session;
    char session_id[REEF_SESSION_ID_LEN + 1];
    char user_id[16];
    bool listed; /* at the end */
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
static bool restart_may_end(reef_code code, const char *text)
{
    switch (code) {
    case REEF_OK:
    case REEF_UNSENT:
    case REEF_CONNECT:
    case REEF_UNSURE: /* for a repeatable one, too: its last try was out at the end */
        return true;
    case REEF_REFUSED:
        return strstr(text, "LOADING") || strstr(text, "EXECABORT");
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
                          reef_code code, const char *text)
{
    int64_t took_ms = reef_live_now_ms() - start_ms;
    if (took_ms > RESTART_TIMEOUT_MS + RESTART_MARGIN_MS) {
        restart_blame(worker, line, "ended after its deadline");
    }
    if (!restart_may_end(code, text)) {
        restart_blame(worker, line, text);
    }
    if (code != REEF_OK) {
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
    restart_judge(worker, line, start_ms, reef_reply_code(reply),
                  reef_reply_text(reply));
    return reply;
}

static void restart_save(restart_worker *worker)
{
    restart_own *own = &worker->value;
    char line[64];
    reef_reply *reply;
    own->attempted++;
    snprintf(line, sizeof line, "SET own-%u %u:%" PRId64, worker->id, worker->id,
             own->attempted);
    reply = restart_call(worker, line, own->attempted % 2 == 0);
    if (reef_reply_code(reply) == REEF_OK) {
        own->acked = own->attempted;
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

static bool restart_in_range(const restart_worker *worker, const restart_own *own,
                             const char *text)
{
    int64_t number = restart_number(worker, text);
    if (own->acked == 0 && !*text) {
        return true;
    }
    return number >= own->acked && number <= own->attempted;
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
    if (reef_reply_code(reply) == REEF_OK &&
        !restart_in_range(worker, &worker->value, text)) {
        restart_blame(worker, line, text);
    }
    reef_reply_free(reply);
}

/* ---- a session of the thread's own -------------------------------------------- */

static void restart_save_session(restart_worker *worker)
{
    restart_own *own = &worker->session;
    reef_session session = {0};
    reef_error error;
    reef_code code;
    char agent[64];
    int64_t start_ms = reef_live_now_ms();
    own->attempted++;
    snprintf(agent, sizeof agent, "%u:%" PRId64, worker->id, own->attempted);
    session.id = reef_str_of(worker->session_id);
    session.user_id = reef_str_of(worker->user_id);
    session.user_agent = reef_str_of(agent);
    session.updated_at = (uint64_t)own->attempted;
    code = reef_session_save(worker->run->client, &session, RESTART_TIMEOUT_MS, &error);
    restart_judge(worker, "saving a session", start_ms, code, error.text);
    if (code == REEF_OK) {
        own->acked = own->attempted;
    }
}

/* It is the thread's own, whole, and none that was overwritten. */
static void restart_check_session(restart_worker *worker, const reef_session *session)
{
    char agent[64];
    snprintf(agent, sizeof agent, "%.*s", (int)session->user_agent.len,
             session->user_agent.len ? session->user_agent.ptr : "");
    if (!reef_str_equal(session->id, reef_str_of(worker->session_id)) ||
        !reef_str_equal(session->user_id, reef_str_of(worker->user_id)) ||
        session->is_deleted || !*agent ||
        !restart_in_range(worker, &worker->session, agent) ||
        (uint64_t)restart_number(worker, agent) != session->updated_at) {
        restart_blame(worker, "a session that is another or an old one", agent);
    }
}

static void restart_read_session(restart_worker *worker)
{
    reef_sessions *list = NULL;
    reef_session session;
    reef_error error;
    int64_t start_ms = reef_live_now_ms();
    reef_code code =
        reef_session_get(worker->run->client, reef_str_of(worker->session_id),
                         RESTART_TIMEOUT_MS, &list, &error);
    bool early = code == REEF_NOT_FOUND && worker->session.acked == 0;
    restart_judge(worker, "reading a session", start_ms, early ? REEF_OK : code,
                  error.text);
    if (code != REEF_OK) {
        return;
    }
    if (reef_sessions_next(list, &session, &error) && error.code == REEF_OK) {
        restart_check_session(worker, &session);
    } else {
        restart_blame(worker, "reading a session", error.text);
    }
    reef_sessions_free(list);
}

/* ---- counters that all of them raise ------------------------------------------ */

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
        restart_judge(worker, lines[i], start_ms, reef_reply_code(replies[i]),
                      reef_reply_text(replies[i]));
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
        restart_save_session(worker);
        restart_read_session(worker);
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

/* A thread's session as the server holds it: the two numbers in it, and the index. */
static void restart_verify_raw(const reef_live_server *server,
                               const restart_worker *worker)
{
    static const char mark[] = "\"user_agent\":\"";
    char line[160], wanted[64];
    const char *agent;
    char *value;
    snprintf(line, sizeof line, "GET Sessions:%s", worker->session_id);
    value = reef_live_ask(server, line);
    agent = strstr(value, mark);
    agent = agent ? agent + sizeof mark - 1 : "";
    snprintf(wanted, sizeof wanted, "\"updated_at\":%" PRId64 ",",
             restart_number(worker, agent));
    if (!*agent || !restart_in_range(worker, &worker->session, agent) ||
        !strstr(value, wanted)) {
        fail_msg("%s is %s, acknowledged up to %" PRId64, line, value,
                 worker->session.acked);
    }
    free(value);
    snprintf(line, sizeof line, "GET SessionsByUserId:%s:%s", worker->user_id,
             worker->session_id);
    value = reef_live_ask(server, line);
    assert_string_equal(value, worker->session_id);
    free(value);
}

/* Everyone's list holds the session of each thread once, and nothing else. */
static void restart_verify_list(restart_worker *workers, unsigned count)
{
    reef_sessions *list = NULL;
    reef_session session;
    reef_error error;
    reef_code code = reef_session_list(workers[0].run->client, reef_str_of(""),
                                       REEF_LIVE_WAIT_MS, &list, &error);
    if (code != REEF_OK) {
        fail_msg("the list: %s", error.text);
    }
    assert_int_equal(reef_sessions_count(list), count);
    while (reef_sessions_next(list, &session, &error)) {
        unsigned at = 0;
        assert_int_equal(error.code, REEF_OK);
        while (at < count &&
               !reef_str_equal(session.id, reef_str_of(workers[at].session_id))) {
            at++;
        }
        assert_true(at < count && !workers[at].listed);
        workers[at].listed = true;
        restart_check_session(&workers[at], &session);
        if (workers[at].wrong[0]) {
            fail_msg("in the list: %s", workers[at].wrong);
        }
    }
    reef_sessions_free(list);
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
        if (!restart_in_range(&workers[i], &workers[i].value, value)) {
            fail_msg("%s is %s, acknowledged up to %" PRId64, line, value,
                     workers[i].value.acked);
        }
        free(value);
        restart_verify_raw(server, &workers[i]);
        restart_add(&hits, &workers[i].hits);
        restart_add(&many, &workers[i].many);
        restart_add(&pairs, &workers[i].pairs);
    }
    restart_verify_list(workers, count);
    restart_verify_counter(server, "hits", &hits, 1);
    restart_verify_counter(server, "many", &many, 1);
    restart_verify_counter(server, "pairs", &pairs, 2);
}

static void restart_begin(restart_worker *worker, restart_run *run, unsigned id)
{
    const uint8_t random[32] = {(uint8_t)id};
    worker->run = run;
    worker->id = id;
    snprintf(worker->user_id, sizeof worker->user_id, "user-%u", id);
    reef_session_make_id(random, 1, worker->session_id);
    assert_int_equal(pthread_create(&worker->thread, NULL, restart_work, worker), 0);
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
        restart_begin(&workers[i], run, i);
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
