/* SPDX-License-Identifier: Apache-2.0
 *
 * What reef soak shows while it runs: each event once, the live line on a terminal, and
 * that a signal ends the run. No worker runs here; the fake of cli_soak_fake.h gives
 * the events (__wrap_reef_client_next_event) and stands in for __wrap_reef_call,
 * __wrap_reef_server_info, __wrap_reef_session_save, __wrap_reef_session_get,
 * __wrap_reef_session_touch and __wrap_reef_session_delete, too. Linked with
 * __wrap_isatty, __wrap_reef_client_stats and __wrap_nanosleep, so that no time has to
 * pass. */
#include "test/unit/cli_soak_fake.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

int __wrap_isatty(int fd);
void __wrap_reef_client_stats(reef_client *client, reef_stats *out);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static bool terminal, interrupt, spread;
static soak_run *running;
static int looks; /* before the threads have all finished */

int __wrap_isatty(int fd)
{
    return fd == 2 && terminal ? 1 : 0;
}

/* The second link is the one that answers most. */
void __wrap_reef_client_stats(reef_client *client, reef_stats *out)
{
    static uint64_t calls;
    (void)client;
    memset(out, 0, sizeof *out);
    out->link_count = 3;
    for (int i = 0; i < 3; i++) {
        (void)snprintf(out->links[i].peer, REEF_PEER_TEXT, "link-%d\033", i);
        out->links[i].ready = i < 2;
        out->links[i].calls = i == 0 ? 7 : (uint64_t)i * (calls += 100);
    }
    for (int i = 0; i < 3 && spread; i++) { /* two links of one peer */
        (void)snprintf(out->links[i].peer, REEF_PEER_TEXT, "node-%d", i / 2);
        out->links[i].ready = true;
        out->links[i].calls = calls;
    }
}

/* Half a second passes each time, for the live line. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)wanted;
    (void)left;
    if (interrupt)
        (void)raise(SIGINT);
    interrupt = false;
    running->begin_us -= 500000;
    if (--looks <= 0)
        atomic_store(&running->working, 0);
    return 0;
}

static int watched(cli_context *ctx)
{
    soak_run run = {.ctx = ctx};
    soak_worker *w = calloc(1, sizeof *w);
    assert_non_null(w);
    run.seconds = 9;
    run.thread_count = 1;
    run.workers = w;
    run.begin_us = soak_now_us() - 1500000;
    run.until_us = soak_now_us() + 60000000;
    (void)pthread_mutex_init(&run.lock, NULL);
    (void)pthread_cond_init(&run.stopped, NULL);
    soak_worker_begin(w, &run, 0, 1);
    for (int i = 0; i < 100; i++)
        soak_tally_ok(&w->tally, 250);
    soak_tally_error(&w->tally, REEF_UNSENT, "late", 250);
    atomic_store(&run.working, 1);
    running = &run;
    for (size_t i = 0; i < fake.event_count; i++)
        fake.events[i].at_ms += run.begin_us / 1000;
    soak_watch(&run);
    int code = (run.interrupted ? 1 : 0) + (atomic_load(&run.stop) ? 2 : 0) +
               (int)run.events[REEF_EVENT_FAILED] * 10 +
               (int)run.events[REEF_EVENT_RETRIED] * 100;
    soak_worker_end(w);
    (void)pthread_cond_destroy(&run.stopped);
    (void)pthread_mutex_destroy(&run.lock);
    free(w);
    return code;
}

static void event(reef_event_kind kind, int64_t at_ms, const char *peer,
                  const char *text)
{
    reef_event *e = &fake.events[fake.event_count++];
    memset(e, 0, sizeof *e);
    e->kind = kind;
    e->at_ms = at_ms;
    (void)snprintf(e->peer, sizeof e->peer, "%s", peer);
    (void)snprintf(e->text, sizeof e->text, "%s", text);
}

static int watch_begin(void **state)
{
    fake_begin(FAKE_HONEST, 1);
    terminal = interrupt = spread = false;
    looks = 1;
    return cap_begin(state);
}

static void watch_events(void **state)
{
    cap *c = *state;
    event(REEF_EVENT_CONNECTED, -40, "10.0.0.7:6379", "redis 7.0.15, RESP3");
    event(REEF_EVENT_LOST, 1234, "10.0.0.7:6379", "10.0.0.7:6379: reset");
    event(REEF_EVENT_FAILED, 1235, "10.0.0.7:6379", "10.0.0.7:6379: ");
    event(REEF_EVENT_FAILED, 1236, "10.0.0.7:6379", "10.0.0.7:6379: ");
    event(REEF_EVENT_RETRIED, 1237, "", "why");
    event(REEF_EVENT_HELD, 1300, "", "a fail\033over");
    event(REEF_EVENT_FAILED, 2235, "10.0.0.7:6379", "10.0.0.7:6379: ");
    assert_int_equal(cap_run(c, watched), 130);
    assert_string_equal(c->out, "");
    assert_string_equal(c->err,
                        "  0.000 s  connected 10.0.0.7:6379: redis 7.0.15, RESP3\n"
                        "  1.234 s  lost 10.0.0.7:6379: reset\n"
                        "  1.235 s  failed 10.0.0.7:6379: 10.0.0.7:6379: \n"
                        "  1.300 s  held: a fail\\x1bover\n"
                        "  2.235 s  failed 10.0.0.7:6379: 10.0.0.7:6379: \n");
}

/* A program gets none, unless somebody watches the terminal. */
static void watch_json(void **state)
{
    cap *c = *state;
    cap_set(c, CLI_OPT_JSON, "");
    event(REEF_EVENT_FAILED, 5, "a", "b");
    assert_int_equal(cap_run(c, watched), 10);
    assert_string_equal(c->err, "");
    terminal = true;
    looks = 1;
    event(REEF_EVENT_FAILED, 5, "a", "b");
    assert_int_equal(cap_run(c, watched), 10);
    assert_string_equal(c->err, "  0.005 s  failed a: b\n");
}

/* The live line, and an event that takes its place. */
static void watch_live(void **state)
{
    cap *c = *state;
    terminal = true;
    assert_int_equal(cap_run(c, watched), 0);
    cap_has(c->err, "\rreef: 1.5 of 9 s, ");
    cap_has(c->err, " calls/s, 1 errors, p99 0.25 ms, link-1\\x1b and 1 more\033[K");
    cap_has(c->err, "\r\033[K");
    spread = true;
    looks = 1;
    assert_int_equal(cap_run(c, watched), 0);
    cap_has(c->err, ", node-0 and 1 more\033[K");
}

static void watch_signal(void **state)
{
    cap *c = *state;
    struct sigaction after;
    interrupt = true;
    looks = 3;
    assert_int_equal(cap_run(c, watched), 3);
    (void)sigaction(SIGINT, NULL, &after);
    assert_true(after.sa_handler == SIG_DFL);
    looks = 3;
    assert_int_equal(cap_run(c, watched), 0); /* an old signal ends no other run */
}

#define WATCH_TEST(test) cmocka_unit_test_setup_teardown(test, watch_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH_TEST(watch_events),
        WATCH_TEST(watch_json),
        WATCH_TEST(watch_live),
        WATCH_TEST(watch_signal),
    };
    return cmocka_run_group_tests_name("cli_soak_watch", tests, NULL, NULL);
}
