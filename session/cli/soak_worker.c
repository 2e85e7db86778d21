/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread of reef soak: it saves, reads, touches and deletes sessions of its own,
 * runs INCR on a counter of its own, and judges each answer (soak_check.c).
 *
 * States: until it is time, calls; then a last look at all that should be there; then
 * everything it can name is deleted. What it can't delete expires.
 *
 * Invariants: an id is never used again once it was deleted, so that a late command of
 * an earlier life can't be mistaken; every call is counted once, under the lock. */
#include "session/cli/soak.h"

#include <string.h>
#include <time.h>

enum {
    WORKER_MARGIN_S = 200,  /* a session so close to its expiry may be gone */
    WORKER_CLEAN_MS = 1000, /* for one deletion in the end */
    WORKER_LAG_US = 100000  /* what a late call may catch up with, at a rate */
};

int64_t soak_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t soak_ttl_s(const soak_run *run)
{
    return (int64_t)run->seconds + REEF_SESSION_TTL_S;
}

/* splitmix64: every number once, in an order that looks like none. */
static uint64_t worker_draw(soak_worker *w)
{
    uint64_t z = w->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- counting ----------------------------------------------------------------- */

/* The newest success of all threads; the time since the one before is a gap. */
static void worker_success(soak_worker *w, int64_t now_us)
{
    int64_t before_us = atomic_load(&w->run->last_ok_us);
    while (before_us < now_us) {
        if (!atomic_compare_exchange_weak(&w->run->last_ok_us, &before_us, now_us))
            continue;
        soak_tally_gap(&w->tally, before_us, now_us);
        return;
    }
}

typedef enum worker_end { WORKER_OK, WORKER_OPEN, WORKER_ERROR } worker_end;

/* A call that began then has ended. `error`: of WORKER_ERROR. */
static void worker_note(soak_worker *w, int64_t begun_us, worker_end end,
                        const reef_error *error)
{
    int64_t now_us = soak_now_us();
    (void)pthread_mutex_lock(&w->lock);
    w->tally.verdicts = w->verdicts;
    if (end == WORKER_OK)
        worker_success(w, now_us);
    if (w->checking) {
        soak_tally_check(&w->tally, end == WORKER_OK ? REEF_OK : error->code,
                         error->text);
        (void)pthread_mutex_unlock(&w->lock);
        return;
    }
    switch (end) {
    case WORKER_OK:
        soak_tally_ok(&w->tally, now_us - begun_us);
        break;
    case WORKER_OPEN:
        soak_tally_open(&w->tally, now_us - begun_us);
        break;
    case WORKER_ERROR:
        soak_tally_error(&w->tally, error->code, error->text, now_us - begun_us);
        break;
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* Of a session call: "not found" is an answer, too. */
static void worker_note_code(soak_worker *w, int64_t begun_us, const reef_error *error)
{
    bool ok = error->code == REEF_OK || error->code == REEF_NOT_FOUND;
    worker_note(w, begun_us, ok ? WORKER_OK : WORKER_ERROR, error);
}

void soak_worker_tally(soak_worker *w, soak_tally *sum)
{
    (void)pthread_mutex_lock(&w->lock);
    soak_tally_add(sum, &w->tally);
    (void)pthread_mutex_unlock(&w->lock);
}

/* ---- sessions ----------------------------------------------------------------- */

/* Remembers an id of which something may be left on the server. */
static void worker_forget(soak_worker *w, const soak_session *s)
{
    if (s->id[0] == '\0' || s->deleted)
        return;
    memcpy(w->leftovers[w->leftover_count++ % SOAK_LEFTOVERS], s->id, sizeof s->id);
}

/* A session that was not saved yet, in the place of one that is done with. */
static bool worker_renew(soak_worker *w, soak_session *s)
{
    reef_error error;
    worker_forget(w, s);
    memset(s, 0, sizeof *s);
    s->track.gone = true;
    s->stamp = (soak_stamp){w->run->id, w->index, worker_draw(w)};
    if (reef_session_new_id(s->id, &error) == REEF_OK)
        return true;
    s->id[0] = '\0';
    worker_note(w, soak_now_us(), WORKER_ERROR, &error);
    return false;
}

static reef_code worker_send(soak_worker *w, const soak_session *s, bool touch,
                             reef_error *error)
{
    char agent[SOAK_STAMP_TEXT];
    reef_session out = {0};
    soak_stamp_write(&s->stamp, s->track.last, agent);
    w->clock = reef_clock_next(w->clock, reef_unix_ns());
    out.id = reef_str_of(s->id);
    out.user_id = reef_str_of(w->user);
    out.ip = reef_str_of("192.0.2.7");
    out.user_agent = reef_str_of(agent);
    out.updated_at = w->clock;
    out.expires_after_ns = reef_unix_ns() + (int64_t)REEF_SESSION_TTL_S * 1000000000;
    if (touch)
        return reef_session_touch(w->run->client, &out, w->run->timeout_ms, error);
    return reef_session_save(w->run->client, &out, w->run->timeout_ms, error);
}

static void worker_write(soak_worker *w, soak_session *s, bool touch)
{
    reef_error error = {REEF_OK, 0, ""};
    int64_t begun_us = soak_now_us();
    (void)soak_track_next(&s->track);
    error.code = worker_send(w, s, touch, &error);
    soak_track_wrote(&s->track, soak_fate_of(error.code));
    if (error.code == REEF_OK)
        s->written_us = begun_us;
    if (error.code == REEF_NOT_FOUND)
        soak_track_absent(&s->track, &w->verdicts);
    worker_note_code(w, begun_us, &error);
}

/* What came for this session: is it this one? */
static void worker_judge(soak_worker *w, soak_session *s, const reef_session *came)
{
    uint64_t version;
    bool ours = reef_str_equal(came->id, reef_str_of(s->id)) &&
                reef_str_equal(came->user_id, reef_str_of(w->user));
    if (ours && soak_stamp_read(&s->stamp, came->user_agent, &version) &&
        !came->is_deleted)
        soak_track_found(&s->track, version, &w->verdicts);
    else
        soak_verdict_wrong(&w->verdicts, "a session's read", came->user_agent);
}

static void worker_read(soak_worker *w, soak_session *s, int64_t timeout_ms)
{
    reef_sessions *list = NULL;
    reef_session came = {0};
    reef_error error = {REEF_OK, 0, ""};
    int64_t begun_us = soak_now_us();
    error.code =
        reef_session_get(w->run->client, reef_str_of(s->id), timeout_ms, &list, &error);
    if (error.code == REEF_OK && reef_sessions_next(list, &came, &error))
        worker_judge(w, s, &came);
    else if (error.code == REEF_NOT_FOUND)
        soak_track_absent(&s->track, &w->verdicts);
    else if (error.code == REEF_CORRUPT) /* nobody else writes below our prefix */
        soak_verdict_wrong(&w->verdicts, "a session's read", reef_str_of(error.text));
    worker_note_code(w, begun_us, &error);
    reef_sessions_free(list);
}

static void worker_delete(soak_worker *w, soak_session *s)
{
    reef_error error = {REEF_OK, 0, ""};
    int64_t begun_us = soak_now_us();
    error.code = reef_session_delete(w->run->client, reef_str_of(s->id),
                                     reef_str_of(w->user), w->run->timeout_ms, &error);
    if (error.code == REEF_NOT_FOUND)
        soak_track_absent(&s->track, &w->verdicts);
    soak_track_deleted(&s->track, soak_fate_of(error.code));
    s->deleted = error.code == REEF_OK;
    worker_note_code(w, begun_us, &error);
}

/* A session lives for two hours from its last write. */
static void worker_age(soak_session *s)
{
    const int64_t life_us = (int64_t)(REEF_SESSION_TTL_S - WORKER_MARGIN_S) * 1000000;
    if (!s->track.gone && soak_now_us() - s->written_us > life_us)
        s->track.doubtful = true;
}

static void worker_step(soak_worker *w, soak_session *s, uint64_t dice)
{
    worker_age(s);
    if (s->id[0] == '\0' || (s->track.gone && dice % 2 == 0)) {
        if (worker_renew(w, s))
            worker_write(w, s, false);
        return;
    }
    dice /= 2;
    if (s->track.gone || dice % 20 < 9)
        worker_read(w, s, w->run->timeout_ms);
    else if (dice % 20 < 18)
        worker_write(w, s, dice % 20 < 14);
    else
        worker_delete(w, s);
}

/* ---- the counter -------------------------------------------------------------- */

static reef_reply *counter_call(soak_worker *w, const char *name, int64_t timeout_ms)
{
    char key[REEF_PREFIX_MAX + 64];
    (void)snprintf(key, sizeof key, "%sCounter:%u",
                   reef_client_config(w->run->client)->key_prefix, w->index);
    reef_cmd_begin(w->cmd, name);
    reef_cmd_key(w->cmd, reef_str_of(key));
    if (strcmp(name, "SET") == 0) {
        reef_cmd_int(w->cmd, (int64_t)w->counter.base);
        reef_cmd_text(w->cmd, "EX");
        reef_cmd_int(w->cmd, soak_ttl_s(w->run));
    }
    if (strcmp(name, "INCR") != 0)
        reef_cmd_repeatable(w->cmd);
    return reef_call(w->run->client, w->cmd, timeout_ms);
}

/* The code and the words of a failure, REEF_PROTOCOL for another kind of answer. */
static reef_error counter_error(const reef_reply *reply, reef_kind kind)
{
    reef_error error = {reef_reply_code(reply), 0, ""};
    const char *text = reef_reply_text(reply);
    reef_kind came = reef_node_kind(reef_reply_root(reply));
    if (error.code == REEF_OK && came != kind && came != REEF_NIL) {
        error.code = REEF_PROTOCOL;
        text = "the answer is of another kind than this command has";
    }
    (void)snprintf(error.text, sizeof error.text, "%s", text);
    return error;
}

static reef_error counter_store(soak_worker *w)
{
    int64_t begun_us = soak_now_us();
    reef_reply *reply = counter_call(w, "SET", w->run->timeout_ms);
    reef_error error = counter_error(reply, REEF_STATUS);
    if (error.code == REEF_OK)
        soak_counter_set(&w->counter);
    worker_note_code(w, begun_us, &error);
    reef_reply_free(reply);
    return error;
}

static void counter_judge(soak_worker *w, const reef_reply *reply)
{
    uint64_t value;
    const reef_node *root = reef_reply_root(reply);
    reef_str text = reef_text(reply, root);
    if (reef_node_kind(root) == REEF_NIL)
        soak_counter_absent(&w->counter, &w->verdicts);
    else if (cli_number(text, INT64_MAX, &value))
        soak_counter_saw(&w->counter, value, false, &w->verdicts);
    else
        soak_verdict_wrong(&w->verdicts, "a counter", text);
}

static void counter_read(soak_worker *w, int64_t timeout_ms)
{
    int64_t begun_us = soak_now_us();
    reef_reply *reply = counter_call(w, "GET", timeout_ms);
    reef_error error = counter_error(reply, REEF_STRING);
    if (error.code == REEF_OK)
        counter_judge(w, reply);
    worker_note_code(w, begun_us, &error);
    reef_reply_free(reply);
}

/* Adds one. Where that is unsure, a read settles it. */
static void counter_add(soak_worker *w)
{
    int64_t begun_us = soak_now_us();
    reef_reply *reply = counter_call(w, "INCR", w->run->timeout_ms);
    reef_error error = counter_error(reply, REEF_INT);
    int64_t value = reef_int(reef_reply_root(reply), -1);
    bool open = error.code == REEF_UNSURE;
    reef_reply_free(reply);
    if (open)
        w->counter.pending++;
    else if (error.code == REEF_OK && value >= 0)
        soak_counter_saw(&w->counter, (uint64_t)value, true, &w->verdicts);
    else if (error.code == REEF_OK)
        soak_verdict_wrong(&w->verdicts, "a counter", reef_str_of("no number"));
    else if (soak_fate_of(error.code) == SOAK_MAYBE && error.code != REEF_REFUSED)
        w->counter.late++; /* a failure, and yet it may have run */
    worker_note(w, begun_us,
                open                    ? WORKER_OPEN
                : error.code == REEF_OK ? WORKER_OK
                                        : WORKER_ERROR,
                &error);
    if (open)
        counter_read(w, w->run->timeout_ms);
}

static void counter_step(soak_worker *w)
{
    if (w->counter.set)
        counter_add(w);
    else
        (void)counter_store(w);
}

/* ---- a thread's life ---------------------------------------------------------- */

void soak_worker_begin(soak_worker *w, soak_run *run, unsigned index, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->run = run;
    w->index = index;
    w->seed = seed;
    (void)snprintf(w->user, sizeof w->user, "reef-soak-%u", index);
    for (size_t i = 0; i < SOAK_SESSIONS; i++)
        w->sessions[i].track.gone = true;
    soak_counter_begin(&w->counter, index);
    w->cmd = reef_cmd_new();
    (void)pthread_mutex_init(&w->lock, NULL);
}

void soak_worker_end(soak_worker *w)
{
    (void)pthread_mutex_destroy(&w->lock);
    reef_cmd_free(w->cmd);
    w->cmd = NULL;
}

reef_code soak_worker_prepare(soak_worker *w, reef_error *error)
{
    *error = (reef_error){REEF_NOMEM, 0, "out of memory"};
    if (w->cmd != NULL)
        *error = counter_store(w);
    memset(&w->tally, 0, sizeof w->tally); /* the clock starts later */
    return error->code;
}

void soak_worker_step(soak_worker *w)
{
    uint64_t dice = worker_draw(w);
    if (dice % 8 == 0)
        counter_step(w);
    else
        worker_step(w, &w->sessions[dice / 8 % SOAK_SESSIONS],
                    dice / 8 / SOAK_SESSIONS);
}

/* Time for one of the last calls; 0: there is none left. */
static int64_t worker_left_ms(int64_t until_us, int64_t most_ms)
{
    int64_t left_ms = (until_us - soak_now_us()) / 1000;
    return left_ms <= 0 ? 0 : left_ms < most_ms ? left_ms : most_ms;
}

/* Takes what could not be settled for what it is, and shows the last verdicts. */
static void worker_close(soak_worker *w, uint64_t unchecked)
{
    (void)pthread_mutex_lock(&w->lock);
    w->tally.unchecked = unchecked;
    w->tally.verdicts = w->verdicts;
    soak_tally_unsettled(&w->tally, w->counter.pending);
    w->counter.pending = 0;
    (void)pthread_mutex_unlock(&w->lock);
}

void soak_worker_check(soak_worker *w)
{
    int64_t most_ms = w->run->timeout_ms, left_ms;
    int64_t room_ms =
        2 * most_ms > SOAK_CHECK_MIN_S * 1000 ? 2 * most_ms : SOAK_CHECK_MIN_S * 1000;
    int64_t until_us = soak_now_us() + room_ms * 1000;
    uint64_t unchecked = 0;
    w->checking = true;
    for (size_t i = 0; i < SOAK_SESSIONS; i++) {
        soak_session *s = &w->sessions[i];
        if (s->id[0] == '\0')
            continue;
        worker_age(s);
        left_ms = worker_left_ms(until_us, most_ms);
        if (left_ms == 0)
            unchecked++;
        else
            worker_read(w, s, left_ms);
    }
    left_ms = worker_left_ms(until_us, most_ms);
    if (left_ms == 0)
        unchecked++;
    else if (w->counter.set)
        counter_read(w, left_ms);
    worker_close(w, unchecked);
}

/* Deletes a session, there or not. False: not now. */
static bool worker_remove(soak_worker *w, const char *id, int64_t until_us)
{
    int64_t left_ms = worker_left_ms(until_us, WORKER_CLEAN_MS);
    if (id[0] == '\0')
        return true;
    if (left_ms == 0)
        return false;
    reef_code code = reef_session_delete(w->run->client, reef_str_of(id),
                                         reef_str_of(w->user), left_ms, NULL);
    return code == REEF_OK || code == REEF_NOT_FOUND;
}

void soak_worker_clean(soak_worker *w)
{
    int64_t until_us = soak_now_us() + (int64_t)SOAK_CLEAN_S * 1000000;
    unsigned kept = w->leftover_count < SOAK_LEFTOVERS ? w->leftover_count
                                                       : (unsigned)SOAK_LEFTOVERS;
    bool goes_on = true;
    for (size_t i = 0; i < SOAK_SESSIONS && goes_on; i++)
        goes_on = worker_remove(w, w->sessions[i].id, until_us);
    for (unsigned i = 0; i < kept && goes_on; i++)
        goes_on = worker_remove(w, w->leftovers[i], until_us);
    if (goes_on && worker_left_ms(until_us, WORKER_CLEAN_MS) > 0)
        reef_reply_free(counter_call(w, "DEL", WORKER_CLEAN_MS));
}

/* Waits for the next call's time, after a step that took so many calls. A thread that
 * was held up does not make up for it: a server that comes back is not met by all the
 * calls that it missed. */
static void worker_pace(soak_worker *w, uint64_t calls)
{
    soak_run *run = w->run;
    if (run->rate == 0)
        return;
    int64_t now_us = soak_now_us();
    int64_t step_us = (int64_t)(run->thread_count * 1000000 / run->rate);
    w->due_us += (int64_t)calls * step_us;
    if (w->due_us < now_us - WORKER_LAG_US)
        w->due_us = now_us;
    int64_t due_us = w->due_us < run->until_us ? w->due_us : run->until_us;
    struct timespec due = {(time_t)(due_us / 1000000), due_us % 1000000 * 1000};
    if (due_us <= now_us)
        return;
    (void)pthread_mutex_lock(&run->lock);
    while (!atomic_load(&run->stop) &&
           pthread_cond_timedwait(&run->stopped, &run->lock, &due) == 0)
        ;
    (void)pthread_mutex_unlock(&run->lock);
}

/* The latest of all threads counts. */
static void worker_reached(_Atomic int64_t *latest_us)
{
    int64_t now_us = soak_now_us(), last_us = atomic_load(latest_us);
    while (last_us < now_us &&
           !atomic_compare_exchange_weak(latest_us, &last_us, now_us))
        ;
}

void *soak_worker_thread(void *worker)
{
    soak_worker *w = worker;
    soak_run *run = w->run;
    w->due_us = run->begin_us;
    if (run->rate > 0) /* threads take turns */
        w->due_us += (int64_t)(w->index * 1000000 / run->rate);
    worker_pace(w, 0);
    while (!atomic_load(&run->stop) && soak_now_us() < run->until_us) {
        uint64_t before = w->tally.calls; /* nobody else writes there */
        soak_worker_step(w);
        worker_pace(w, w->tally.calls - before);
    }
    worker_reached(&run->called_us);
    soak_worker_check(w);
    worker_reached(&run->ended_us);
    (void)atomic_fetch_sub(&run->working, 1); /* and is not waited for any more */
    soak_worker_clean(w);
    return NULL;
}
