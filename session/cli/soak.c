/* SPDX-License-Identifier: Apache-2.0
 *
 * reef soak: calls from many threads over one client, every answer verified, for as
 * long as a fail-over drill takes.
 *
 * Invariants: nothing begins unless the server can be used; every key is below a prefix
 * of this run, drawn at random, and expires; workers don't take signals, so that the
 * one that watches does. */
#include "session/cli/soak.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ------------------------------------------------------------------ */

/* A number from `least` to `most`; CLI_DONE, or what was said. */
static int soak_option(cli_context *ctx, cli_opt opt, uint64_t least, uint64_t most,
                       uint64_t *out)
{
    char before[32], after[64];
    const char *value = ctx->values[opt];
    if (value == NULL || (cli_number(reef_str_of(value), most, out) && *out >= least))
        return CLI_DONE;
    (void)snprintf(before, sizeof before, "--%s ", cli_options[opt].name);
    (void)snprintf(after, sizeof after, " is no number from %" PRIu64 " to %" PRIu64,
                   least, most);
    return cli_usage(ctx, before, value, after);
}

static int soak_options(soak_run *run)
{
    cli_context *ctx = run->ctx;
    int code;
    run->seconds = SOAK_SECONDS;
    run->thread_count = SOAK_THREADS;
    code = soak_option(ctx, CLI_OPT_SECONDS, 1, SOAK_SECONDS_MAX, &run->seconds);
    if (code == CLI_DONE)
        code =
            soak_option(ctx, CLI_OPT_THREADS, 1, SOAK_THREADS_MAX, &run->thread_count);
    if (code == CLI_DONE)
        code = soak_option(ctx, CLI_OPT_RATE, 0, SOAK_RATE_MAX, &run->rate);
    return code;
}

/* ---- before ------------------------------------------------------------------- */

/* The run's own prefix, behind the configured one, where the user's rights may end. */
static int soak_open(soak_run *run)
{
    cli_context *ctx = run->ctx;
    char *prefix;
    size_t len;
    int code = cli_load(ctx);
    if (code != CLI_DONE)
        return code;
    prefix = ctx->config.key_prefix;
    len = strlen(prefix);
    if (len > REEF_PREFIX_MAX - SOAK_PREFIX_OWN)
        len = 0;
    (void)snprintf(prefix + len, sizeof ctx->config.key_prefix - len,
                   "reef-soak:%08" PRIx32 ":", run->id);
    code = cli_open(ctx);
    run->client = ctx->client;
    run->timeout_ms =
        ctx->timeout_ms > 0 ? ctx->timeout_ms : ctx->config.call_timeout_ms;
    return code;
}

static int soak_workers(soak_run *run)
{
    reef_error error;
    uint64_t seeds[SOAK_THREADS_MAX];
    if (reef_random_bytes(seeds, sizeof seeds) != REEF_OK)
        return cli_fail(run->ctx, REEF_REFUSED, "the system gave no random bytes");
    run->workers = calloc(run->thread_count, sizeof *run->workers);
    if (run->workers == NULL)
        return cli_fail(run->ctx, REEF_NOMEM, "out of memory");
    for (unsigned i = 0; i < run->thread_count; i++)
        soak_worker_begin(&run->workers[i], run, i, seeds[i]);
    if (reef_server_info(run->client, run->timeout_ms, &run->server, &error) != REEF_OK)
        return cli_fail_error(run->ctx, &error);
    for (unsigned i = 0; i < run->thread_count; i++) {
        if (soak_worker_prepare(&run->workers[i], &error) != REEF_OK)
            return cli_fail_error(run->ctx, &error);
    }
    return CLI_DONE;
}

static void soak_intro(const soak_run *run)
{
    const reef_server *s = &run->server;
    if (cli_has(run->ctx, CLI_OPT_JSON))
        return;
    printf("soak of %" PRIu64 " s with %" PRIu64 " thread%s, ", run->seconds,
           run->thread_count, run->thread_count == 1 ? "" : "s");
    if (run->rate > 0)
        printf("%" PRIu64 " calls a second, ", run->rate);
    fputs("on ", stdout);
    cli_put_text(stdout, reef_str_of(s->server[0] != '\0' ? s->server : "a server"));
    fputs(s->version[0] != '\0' ? " " : "", stdout);
    cli_put_text(stdout, reef_str_of(s->version));
    fputs(" at ", stdout);
    cli_put_text(stdout, reef_str_of(s->peer));
    fputs("; all keys begin with ", stdout);
    cli_put_text(stdout, reef_str_of(run->ctx->config.key_prefix));
    fputc('\n', stdout);
    (void)cli_flush(run->ctx);
}

/* ---- the run ------------------------------------------------------------------ */

static void soak_clock_start(soak_run *run)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&run->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&run->stopped, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    run->begin_us = soak_now_us();
    run->until_us = run->begin_us + (int64_t)run->seconds * 1000000;
    atomic_store(&run->last_ok_us, run->begin_us);
    atomic_store(&run->called_us, run->begin_us);
    atomic_store(&run->ended_us, run->begin_us);
}

/* Starts the threads; how many there are. */
static unsigned soak_threads_start(soak_run *run)
{
    sigset_t all, before;
    unsigned count = 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&run->working, (unsigned)run->thread_count);
    while (count < run->thread_count &&
           pthread_create(&run->workers[count].thread, NULL, soak_worker_thread,
                          &run->workers[count]) == 0)
        count++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return count;
}

/* What the client says of it all. */
static void soak_ask_client(soak_run *run)
{
    reef_stats *stats = calloc(1, sizeof *stats);
    if (stats == NULL)
        return;
    reef_client_stats(run->client, stats);
    run->retries = stats->retries;
    free(stats);
}

static int soak_threads(soak_run *run)
{
    soak_clock_start(run);
    unsigned count = soak_threads_start(run);
    bool all = count == run->thread_count;
    if (!all) {
        soak_stop(run);
        (void)atomic_fetch_sub(&run->working, (unsigned)run->thread_count - count);
    }
    soak_watch(run);
    soak_ask_client(run);
    run->took_us = atomic_load(&run->called_us) - run->begin_us;
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(run->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&run->stopped);
    (void)pthread_mutex_destroy(&run->lock);
    return all ? CLI_DONE
               : cli_fail(run->ctx, REEF_NOMEM, "the system gave no more threads");
}

static int soak_report(const soak_run *run)
{
    soak_tally *sum = calloc(1, sizeof *sum);
    if (sum == NULL)
        return cli_fail(run->ctx, REEF_NOMEM, "out of memory");
    for (uint64_t i = 0; i < run->thread_count; i++)
        soak_worker_tally(&run->workers[i], sum);
    soak_tally_gap(sum, run->last_ok_us, run->ended_us);
    if (cli_has(run->ctx, CLI_OPT_JSON))
        soak_report_json(run, sum);
    else
        soak_report_text(run, sum);
    int code = soak_exit_of(sum);
    free(sum);
    return code;
}

int cli_soak_run(cli_context *ctx)
{
    soak_run run = {.ctx = ctx};
    int code = soak_options(&run);
    if (code == CLI_DONE && reef_random_bytes(&run.id, sizeof run.id) != REEF_OK)
        code = cli_fail(ctx, REEF_REFUSED, "the system gave no random bytes");
    if (code == CLI_DONE)
        code = soak_open(&run);
    if (code == CLI_DONE)
        code = soak_workers(&run);
    if (code == CLI_DONE) {
        soak_intro(&run);
        soak_slots_begin(&run);
        code = soak_threads(&run);
        soak_slots_end(&run);
        if (code == CLI_DONE)
            code = soak_report(&run);
    }
    for (uint64_t i = 0; run.workers != NULL && i < run.thread_count; i++)
        soak_worker_end(&run.workers[i]);
    free(run.workers);
    return code;
}
