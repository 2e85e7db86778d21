/* SPDX-License-Identifier: Apache-2.0
 *
 * What reef soak shows while it runs, on stderr: a line for each event of the client,
 * and on a terminal a line that shows how far it is.
 *
 * Invariants: SIGINT and SIGTERM end the run, and once more end the process, since the
 * first one puts the system's own handling back; the live line is gone from the
 * terminal before anything else is printed. */
#include "session/cli/soak.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WATCH_STEP_MS = 50,    /* between two looks */
    WATCH_LIVE_MS = 500,   /* between two live lines */
    WATCH_AGAIN_MS = 1000, /* the same event is not shown again for so long */
    WATCH_RECENT = 8
};

/* Set by the handler, which may touch nothing else. */
static volatile sig_atomic_t watch_caught;

typedef struct watch {
    soak_run *run;
    bool lines, live;   /* events are shown; and progress */
    bool drawn;         /* a live line stands there */
    int64_t live_ms;    /* when the last one was drawn */
    soak_tally *before; /* what it counted then */
    soak_tally *now;
    uint64_t calls[REEF_STATS_LINKS]; /* of each link, then */
    reef_stats stats;
    reef_event recent[WATCH_RECENT];
    size_t recent_next;
} watch;

static void watch_catch(int signal_number)
{
    (void)signal_number;
    watch_caught = 1;
}

static void watch_handle(struct sigaction before[2])
{
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = watch_catch;
    act.sa_flags = (int)SA_RESETHAND;
    (void)sigemptyset(&act.sa_mask);
    watch_caught = 0;
    (void)sigaction(SIGINT, &act, &before[0]);
    (void)sigaction(SIGTERM, &act, &before[1]);
}

static void watch_unhandle(const struct sigaction before[2])
{
    (void)sigaction(SIGINT, &before[0], NULL);
    (void)sigaction(SIGTERM, &before[1], NULL);
}

/* ---- events ------------------------------------------------------------------- */

static void watch_wipe(watch *w)
{
    if (w->drawn)
        fprintf(stderr, "\r\033[K");
    w->drawn = false;
}

/* Whether the same was shown a moment ago: attempts to connect come every few
 * milliseconds. Else it is remembered. */
static bool watch_again(watch *w, const reef_event *e)
{
    for (size_t i = 0; i < WATCH_RECENT; i++) {
        const reef_event *r = &w->recent[i];
        if (r->kind == e->kind && strcmp(r->peer, e->peer) == 0 &&
            strcmp(r->text, e->text) == 0 && e->at_ms - r->at_ms < WATCH_AGAIN_MS)
            return true;
    }
    w->recent[w->recent_next++ % WATCH_RECENT] = *e;
    return false;
}

static cli_color watch_color(reef_event_kind kind)
{
    switch (kind) {
    case REEF_EVENT_LOST:
    case REEF_EVENT_FAILED:
    case REEF_EVENT_REFUSED:
        return CLI_RED;
    case REEF_EVENT_HELD:
    case REEF_EVENT_RESUMED:
    case REEF_EVENT_RETRIED:
        return CLI_YELLOW;
    case REEF_EVENT_CONNECTED:
    case REEF_EVENT_MAP:
    case REEF_EVENT_MOVED:
    case REEF_EVENT_SWITCHED:
        return CLI_GREEN;
    }
    return CLI_PLAIN;
}

/* What is said of the peer, without its name at the beginning, which stands there. */
static reef_str watch_text(const reef_event *e)
{
    size_t len = strlen(e->peer);
    reef_str text = reef_str_of(e->text);
    if (len == 0 || text.len <= len + 2 || memcmp(text.ptr, e->peer, len) != 0 ||
        memcmp(text.ptr + len, ": ", 2) != 0)
        return text;
    return (reef_str){text.ptr + len + 2, text.len - len - 2};
}

/* "12.345 s  lost 127.0.0.1:7000: connection refused" */
static void watch_event(watch *w, const reef_event *e)
{
    int64_t at_ms = e->at_ms - w->run->begin_us / 1000;
    if ((size_t)e->kind < SOAK_EVENT_KINDS)
        w->run->events[e->kind]++;
    if (!w->lines || e->kind == REEF_EVENT_RETRIED || watch_again(w, e))
        return;
    watch_wipe(w);
    at_ms = at_ms > 0 ? at_ms : 0;
    fprintf(stderr, "%7.3f s  ", (double)at_ms / 1000);
    cli_put_colored(stderr, w->run->ctx->color_err, watch_color(e->kind),
                    reef_event_name(e->kind));
    fputs(e->peer[0] != '\0' ? " " : "", stderr);
    cli_put_text(stderr, reef_str_of(e->peer));
    fputs(e->text[0] != '\0' ? ": " : "", stderr);
    cli_put_text(stderr, watch_text(e));
    fputc('\n', stderr);
}

/* ---- the live line ------------------------------------------------------------ */

/* An earlier one of these links, which answered something, leads to the same peer. */
static bool watch_is_counted(const watch *w, const uint64_t more[], uint32_t index)
{
    uint32_t i = 0;
    while (i < index && (more[i] == 0 || strcmp(w->stats.links[i].peer,
                                                w->stats.links[index].peer) != 0))
        i++;
    return i < index;
}

/* Who answered most since the last look, and so gets the calls; and how many did. */
static const char *watch_peer(watch *w, uint32_t *peers)
{
    const char *peer = "nobody";
    uint64_t most = 0, more[REEF_STATS_LINKS] = {0};
    *peers = 0;
    reef_client_stats(w->run->client, &w->stats);
    for (uint32_t i = 0; i < w->stats.link_count && i < REEF_STATS_LINKS; i++) {
        const reef_link_stats *link = &w->stats.links[i];
        uint64_t before = link->calls >= w->calls[i] ? w->calls[i] : 0;
        w->calls[i] = link->calls;
        more[i] = link->ready ? link->calls - before : 0;
        if (more[i] > most) {
            most = more[i];
            peer = link->peer;
        }
        *peers += more[i] > 0 && !watch_is_counted(w, more, i);
    }
    return peer;
}

/* What was counted since the live line before. */
static void watch_since(const soak_tally *before, soak_tally *now)
{
    now->calls -= before->calls;
    for (size_t i = 0; i < SOAK_BUCKETS; i++)
        now->buckets[i] -= before->buckets[i];
}

static void watch_draw(watch *w, int64_t now_ms)
{
    soak_run *run = w->run;
    uint32_t peers;
    const char *peer = watch_peer(w, &peers);
    double s = (double)(now_ms - w->live_ms) / 1000;
    memset(w->now, 0, sizeof *w->now);
    for (uint64_t i = 0; i < run->thread_count; i++)
        soak_worker_tally(&run->workers[i], w->now);
    soak_tally all = *w->now;
    watch_since(w->before, w->now);
    fprintf(stderr,
            "\rreef: %.1f of %" PRIu64 " s, %.0f calls/s, %" PRIu64
            " errors, p99 %.2f ms, ",
            (double)(now_ms - run->begin_us / 1000) / 1000, run->seconds,
            s > 0 ? (double)w->now->calls / s : 0, soak_tally_errors(&all),
            (double)soak_tally_quantile(w->now, 990000) / 1000);
    cli_put_text(stderr, reef_str_of(peer));
    if (peers > 1)
        fprintf(stderr, " and %" PRIu32 " more", peers - 1);
    fputs("\033[K", stderr);
    (void)fflush(stderr);
    *w->before = all;
    w->live_ms = now_ms;
    w->drawn = true;
}

/* ---- the frame ---------------------------------------------------------------- */

void soak_stop(soak_run *run)
{
    (void)pthread_mutex_lock(&run->lock);
    atomic_store(&run->stop, true);
    (void)pthread_cond_broadcast(&run->stopped);
    (void)pthread_mutex_unlock(&run->lock);
}

static void watch_look(watch *w)
{
    reef_event event;
    int64_t now_us = soak_now_us();
    while (reef_client_next_event(w->run->client, &event))
        watch_event(w, &event);
    if (watch_caught && !w->run->interrupted) {
        w->run->interrupted = true;
        soak_stop(w->run);
    }
    if (now_us >= w->run->until_us && !atomic_load(&w->run->stop))
        soak_stop(w->run);
    if (w->live && now_us / 1000 - w->live_ms >= WATCH_LIVE_MS)
        watch_draw(w, now_us / 1000);
}

void soak_watch(soak_run *run)
{
    const struct timespec step = {0, WATCH_STEP_MS * 1000000L};
    struct sigaction before[2];
    watch *w = calloc(1, sizeof *w);
    soak_tally *tallies = calloc(2, sizeof *tallies);
    bool terminal = isatty(2) == 1;
    watch nothing = {.run = run}; /* without memory nothing is shown */
    watch *shown = w != NULL && tallies != NULL ? w : &nothing;
    if (shown == w) {
        w->run = run;
        w->lines = terminal || !cli_has(run->ctx, CLI_OPT_JSON);
        w->live = terminal && !cli_has(run->ctx, CLI_OPT_JSON);
        w->live_ms = run->begin_us / 1000;
        w->before = &tallies[0];
        w->now = &tallies[1];
    }
    watch_handle(before);
    while (atomic_load(&run->working) > 0) {
        watch_look(shown);
        (void)nanosleep(&step, NULL);
    }
    watch_look(shown);
    watch_wipe(shown);
    watch_unhandle(before);
    free(tallies);
    free(w);
}
