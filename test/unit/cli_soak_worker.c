/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread of reef soak, step by step, on a server of the test's own (cli_soak_fake.h):
 * an honest one is never blamed, and each kind of lie is noticed as what it is, every
 * time. The fake stands behind __wrap_reef_session_save, __wrap_reef_session_get,
 * __wrap_reef_session_touch, __wrap_reef_session_delete, __wrap_reef_call,
 * __wrap_reef_server_info and __wrap_reef_client_next_event; __wrap_reef_client_config
 * gives its settings, and __wrap_clock_gettime and __wrap_pthread_cond_timedwait the
 * time. */
#include "test/unit/cli_soak_fake.h"

#include <errno.h>
#include <time.h>

int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until);
const reef_config *__wrap_reef_client_config(const reef_client *client);

enum { STEPS = 3000 };

static reef_config settings = {.key_prefix = "reef-soak:00000001:"};
static cli_context context;

const reef_config *__wrap_reef_client_config(const reef_client *client)
{
    (void)client;
    return &settings;
}

typedef struct soaked {
    soak_run run;
    soak_worker w;
    soak_tally tally;
} soaked;

static soaked *soak_begin(fake_lie lie, unsigned one_in)
{
    reef_error error;
    soaked *s = calloc(1, sizeof *s);
    assert_non_null(s);
    fake_begin(FAKE_HONEST, 1);
    s->run.ctx = &context;
    s->run.id = 7;
    s->run.seconds = 10;
    s->run.thread_count = 1;
    s->run.timeout_ms = 1000;
    soak_worker_begin(&s->w, &s->run, 3, 42);
    assert_int_equal(soak_worker_prepare(&s->w, &error), REEF_OK);
    fake.lie = lie;
    fake.one_in = one_in;
    return s;
}

/* All the steps, the last look, and what was counted. */
static soaked *soak(fake_lie lie, unsigned one_in)
{
    soaked *s = soak_begin(lie, one_in);
    for (int i = 0; i < STEPS; i++)
        soak_worker_step(&s->w);
    fake.lie = FAKE_HONEST;
    soak_worker_check(&s->w);
    soak_worker_tally(&s->w, &s->tally);
    assert_true(s->tally.calls >= STEPS);
    assert_int_equal(s->tally.calls,
                     s->tally.ok + s->tally.open + soak_tally_errors(&s->tally));
    assert_int_equal(s->tally.open, s->tally.verdicts.settled);
    assert_int_equal(s->tally.unchecked, 0);
    if (one_in > 0 && lie != FAKE_HONEST)
        assert_true(fake.lies > 10);
    return s;
}

static void soak_end(soaked *s)
{
    soak_worker_end(&s->w);
    free(s);
}

/* ---- the honest --------------------------------------------------------------- */

static void honest(void **state)
{
    (void)state;
    soaked *s = soak(FAKE_HONEST, 1);
    assert_int_equal(s->tally.ok, s->tally.calls);
    assert_string_equal(s->tally.verdicts.first, "");
    assert_int_equal(soak_exit_of(&s->tally), CLI_DONE);
    assert_string_equal(fake.key, "reef-soak:00000001:Counter:3");
    assert_true(fake.count > 50); /* sessions came and went */
    soak_worker_clean(&s->w);
    for (size_t i = 0; i < fake.count; i++)
        assert_false(fake.sessions[i].there);
    assert_false(fake.counters[3].there);
    soak_end(s);
}

/* A call that fails is an error, and nothing else. */
static void refused(void **state)
{
    (void)state;
    soaked *s = soak(FAKE_REFUSE, 9);
    assert_int_equal(s->tally.errors[REEF_REFUSED].count, fake.lies);
    assert_int_equal(soak_tally_errors(&s->tally), fake.lies);
    assert_string_equal(s->tally.verdicts.first, "");
    assert_int_equal(soak_exit_of(&s->tally), CLI_REFUSED);
    soak_end(s);
}

/* What is unsure may have run or not; an INCR is settled by a look. */
static void unsure(void **state)
{
    const fake_lie lies[] = {FAKE_UNSURE, FAKE_UNSURE_NOT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        soaked *s = soak(lies[i], 5);
        uint64_t sessions = s->tally.errors[REEF_UNSURE].count;
        assert_true(s->tally.verdicts.settled > 10);
        assert_true(sessions > 10);
        assert_int_equal(sessions + s->tally.verdicts.settled, fake.lies);
        assert_string_equal(s->tally.verdicts.first, "");
        assert_int_equal(soak_exit_of(&s->tally), CLI_UNSURE);
        soak_end(s);
    }
}

/* ---- the liars ---------------------------------------------------------------- */

static void swapped(void **state)
{
    (void)state;
    soaked *s = soak(FAKE_SWAP, 7);
    assert_int_equal(s->tally.verdicts.wrong_caller, fake.lies);
    assert_int_equal(s->tally.verdicts.missing, 0);
    assert_int_equal(s->tally.verdicts.twice, 0);
    assert_non_null(strstr(s->tally.verdicts.first,
                           "answered with \"reef-soak 00000007 "
                           "3 "));
    assert_int_equal(soak_exit_of(&s->tally), CLI_PROTOCOL);
    soak_end(s);
    s = soak(FAKE_STRANGER, 7);
    assert_int_equal(s->tally.verdicts.wrong_caller, fake.lies);
    assert_int_equal(s->tally.verdicts.missing + s->tally.verdicts.twice, 0);
    soak_end(s);
    s = soak(FAKE_CORRUPT, 7);
    assert_int_equal(s->tally.verdicts.wrong_caller, fake.lies);
    assert_int_equal(s->tally.errors[REEF_CORRUPT].count, fake.lies);
    soak_end(s);
}

static void lost(void **state)
{
    (void)state;
    soaked *s = soak(FAKE_FALL, 7);
    assert_int_equal(s->tally.verdicts.missing, 3 * fake.lies);
    assert_int_equal(s->tally.verdicts.twice, 0);
    assert_int_equal(s->tally.verdicts.wrong_caller, 0);
    soak_end(s);
    const fake_lie lies[] = {FAKE_FORGET, FAKE_REVIVE, FAKE_VANISH};
    for (size_t i = 0; i < 3; i++) {
        s = soak(lies[i], 7);
        /* about half of the deleted ids are looked at again */
        assert_true(s->tally.verdicts.missing >= fake.lies / 3);
        assert_int_equal(s->tally.verdicts.twice, 0);
        assert_int_equal(s->tally.verdicts.wrong_caller, 0);
        assert_int_equal(soak_exit_of(&s->tally), CLI_PROTOCOL);
        soak_end(s);
    }
    s = soak(FAKE_LOSE, 7); /* of two in a row only what is left can be seen */
    assert_true(s->tally.verdicts.missing > fake.lies / 4);
    assert_true(s->tally.verdicts.missing <= fake.lies);
    assert_int_equal(s->tally.verdicts.twice + s->tally.verdicts.wrong_caller, 0);
    soak_end(s);
}

static void ran_twice(void **state)
{
    (void)state;
    soaked *s = soak(FAKE_TWICE, 7);
    assert_int_equal(s->tally.verdicts.twice, fake.lies);
    assert_int_equal(s->tally.verdicts.missing, 0);
    assert_int_equal(s->tally.verdicts.wrong_caller, 0);
    assert_int_equal(soak_exit_of(&s->tally), CLI_PROTOCOL);
    soak_end(s);
    s = soak(FAKE_LIE_UNSENT, 7); /* a later write covers some */
    assert_true(s->tally.verdicts.twice > fake.lies / 4);
    assert_int_equal(s->tally.verdicts.missing, 0);
    assert_int_equal(s->tally.errors[REEF_UNSENT].count, fake.lies);
    soak_end(s);
}

/* An INCR that nobody could look at any more is an error. */
static void never_settled(void **state)
{
    (void)state;
    soaked *s = soak_begin(FAKE_HONEST, 1);
    s->w.counter.pending = 1;
    soak_tally_open(&s->w.tally, 5);
    s->w.counter.set = false;
    soak_worker_check(&s->w);
    soak_worker_tally(&s->w, &s->tally);
    assert_int_equal(s->tally.open, 0);
    assert_int_equal(s->tally.errors[REEF_UNSURE].count, 1);
    assert_int_equal(soak_exit_of(&s->tally), CLI_UNSURE);
    soak_end(s);
}

/* The longest time without a success, as the thread itself counts it. */
static void gaps(void **state)
{
    (void)state;
    soaked *s = soak_begin(FAKE_HONEST, 1);
    atomic_store(&s->run.last_ok_us, soak_now_us() - 5000000);
    soak_worker_step(&s->w);
    soak_worker_step(&s->w);
    assert_true(s->w.tally.gap_us >= 5000000);
    atomic_store(&s->run.last_ok_us, soak_now_us() + 60000000); /* another's is newer */
    memset(&s->w.tally, 0, sizeof s->w.tally);
    soak_worker_step(&s->w);
    assert_int_equal(s->w.tally.gap_us, 0);
    soak_end(s);
}

/* ---- at a rate ---------------------------------------------------------------- */

/* A clock that stands still but for pauses, and for what each call takes. */
static int64_t clock_us, clock_call_us;
static bool clock_faked;

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    if (!clock_faked || id != CLOCK_MONOTONIC)
        return __real_clock_gettime(id, out);
    *out = (struct timespec){(time_t)(clock_us / 1000000), clock_us % 1000000 * 1000};
    clock_us += clock_call_us;
    return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    (void)cond;
    (void)mutex;
    int64_t until_us = (int64_t)until->tv_sec * 1000000 + until->tv_nsec / 1000;
    assert_true(until_us > clock_us - clock_call_us);
    clock_us = until_us > clock_us ? until_us : clock_us;
    return ETIMEDOUT;
}

/* A whole thread, for so many seconds at that rate; the first call was due long ago
 * where it was held up. */
static soaked *soak_at(uint64_t rate, int64_t seconds, int64_t held_us, fake_lie lie)
{
    soaked *s = soak_begin(lie, 3);
    s->run.rate = rate;
    (void)pthread_mutex_init(&s->run.lock, NULL);
    (void)pthread_cond_init(&s->run.stopped, NULL);
    clock_faked = true;
    clock_us = 7200 * INT64_C(1000000);
    s->run.begin_us = clock_us - held_us;
    s->run.until_us = clock_us + seconds * 1000000;
    atomic_store(&s->run.working, 1);
    (void)soak_worker_thread(&s->w);
    clock_faked = false;
    assert_int_equal(atomic_load(&s->run.working), 0);
    (void)pthread_cond_destroy(&s->run.stopped);
    (void)pthread_mutex_destroy(&s->run.lock);
    return s;
}

/* So many calls and no more: the last look is no part of it, a second call of one step
 * is, and a thread that was held up does not catch up. */
static void paced(void **state)
{
    (void)state;
    clock_call_us = 0;
    soaked *s = soak_at(20, 5, 0, FAKE_HONEST);
    /* the thread is the fourth, which begins when three have had their turn */
    assert_int_equal(s->w.tally.calls, 97);
    assert_in_range(s->w.tally.checked, 2, SOAK_SESSIONS + 1);
    assert_int_equal(s->run.called_us, s->run.until_us);
    assert_int_equal(s->run.ended_us, s->run.until_us);
    soak_end(s);
    s = soak_at(100, 2, 3600 * INT64_C(1000000), FAKE_HONEST);
    assert_int_equal(s->w.tally.calls, 200);
    soak_end(s);
    s = soak_at(100, 100, 3600 * INT64_C(1000000), FAKE_UNSURE);
    assert_true(s->w.tally.verdicts.settled > 100);
    /* the two of the last step may be one too many */
    assert_in_range(s->w.tally.calls, 10000, 10001);
    soak_end(s);
    clock_call_us = 20; /* time that passes meanwhile is no reason to make fewer */
    s = soak_at(100, 2, 3600 * INT64_C(1000000), FAKE_HONEST);
    assert_int_equal(s->w.tally.calls, 200);
    assert_true(s->run.ended_us > s->run.called_us);
    soak_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest),        cmocka_unit_test(refused),
        cmocka_unit_test(unsure),        cmocka_unit_test(swapped),
        cmocka_unit_test(lost),          cmocka_unit_test(ran_twice),
        cmocka_unit_test(never_settled), cmocka_unit_test(gaps),
        cmocka_unit_test(paced),
    };
    return cmocka_run_group_tests_name("cli_soak_worker", tests, NULL, NULL);
}
