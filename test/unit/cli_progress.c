/* SPDX-License-Identifier: Apache-2.0
 *
 * The sign of life: only on a terminal, only after a while, gone at the end. Linked
 * with __wrap_isatty, __wrap_reef_client_stats and __wrap_pthread_cond_timedwait, so
 * that no time has to pass. */
#include "test/unit/cli_capture.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

int __wrap_isatty(int fd);
void __wrap_reef_client_stats(reef_client *client, reef_stats *out);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);

static bool terminal;
static atomic_int passes; /* waits that end because their time is over */
static atomic_bool all_passed;

int __wrap_isatty(int fd)
{
    return fd == 2 && terminal ? 1 : 0;
}

void __wrap_reef_client_stats(reef_client *client, reef_stats *out)
{
    (void)client;
    memset(out, 0, sizeof *out);
    out->answered = 42;
}

/* After the last pass it waits for the end, however long that takes. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until)
{
    (void)until;
    if (atomic_load(&passes) > 0) {
        atomic_fetch_sub(&passes, 1);
        return ETIMEDOUT;
    }
    atomic_store(&all_passed, true);
    return pthread_cond_wait(cond, lock);
}

static bool begun, without_client;

static int run_progress(cli_context *ctx)
{
    static char client[1]; /* not looked into */
    ctx->client = without_client ? NULL : (reef_client *)client;
    cli_progress *p = cli_progress_begin(ctx, "counting");
    begun = p != NULL;
    while (begun && !atomic_load(&all_passed))
        (void)sched_yield();
    cli_progress_end(p);
    ctx->client = NULL;
    return CLI_DONE;
}

static void run(cap *c, bool on_terminal, int seconds)
{
    terminal = on_terminal;
    atomic_store(&passes, seconds);
    atomic_store(&all_passed, false);
    cap_run(c, run_progress);
    assert_string_equal(c->out, "");
}

static void progress_not_wanted(void **state)
{
    cap *c = *state;
    run(c, false, 2);
    assert_false(begun);
    assert_string_equal(c->err, "");
    cap_set(c, CLI_OPT_JSON, "");
    run(c, true, 2);
    assert_false(begun);
    assert_string_equal(c->err, "");
}

/* What ends in time says nothing. */
static void progress_short(void **state)
{
    cap *c = *state;
    run(c, true, 0);
    assert_true(begun);
    assert_string_equal(c->err, "");
}

/* A line a second from the second one on, and blanks over it at the end. */
static void progress_long(void **state)
{
    cap *c = *state;
    char expected[256];
    run(c, true, 2);
    assert_true(begun);
    (void)snprintf(expected, sizeof expected,
                   "\rreef: counting, 2 s, 42 answers so far"
                   "\rreef: counting, 3 s, 42 answers so far\r%79s\r",
                   "");
    assert_string_equal(c->err, expected);
    without_client = true; /* a look-up: no answers are counted */
    run(c, true, 1);
    without_client = false;
    (void)snprintf(expected, sizeof expected, "\rreef: counting, 2 s\r%79s\r", "");
    assert_string_equal(c->err, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(progress_not_wanted),
        CAP_TEST(progress_short),
        CAP_TEST(progress_long),
    };
    return cmocka_run_group_tests_name("cli_progress", tests, NULL, NULL);
}
