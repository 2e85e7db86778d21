/* SPDX-License-Identifier: Apache-2.0
 *
 * A sign of life on stderr: a thread that, after two seconds, says every second what is
 * being done, for how long, and how many answers came to the client, if there is one.
 * Only on a terminal.
 *
 * Invariant: begin and end pair; the thread is joined before end returns, and its line
 * is gone from the terminal by then. */
#include "session/cli/cli.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_FIRST_S = 2, PROGRESS_WIDTH = 79 };

struct cli_progress {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    pthread_t thread;
    cli_context *ctx;
    const char *what;
    bool over;
};

/* Waits for one second more; true: it is over. Called with the lock held. */
static bool progress_wait(cli_progress *p, time_t seconds)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    int code = 0;
    while (!p->over && code == 0)
        code = pthread_cond_timedwait(&p->ended, &p->lock, &until);
    return p->over;
}

static void progress_answers(reef_client *client)
{
    reef_stats stats;
    if (client == NULL)
        return;
    reef_client_stats(client, &stats);
    fprintf(stderr, ", %llu answers so far", (unsigned long long)stats.answered);
}

static void *progress_show(void *arg)
{
    cli_progress *p = arg;
    unsigned seconds = PROGRESS_FIRST_S;
    bool shown = false;
    (void)pthread_mutex_lock(&p->lock);
    while (!progress_wait(p, shown ? 1 : PROGRESS_FIRST_S)) {
        fprintf(stderr, "\rreef: %s, %u s", p->what, seconds++);
        progress_answers(p->ctx->client);
        (void)fflush(stderr);
        shown = true;
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (shown)
        fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
    return NULL;
}

cli_progress *cli_progress_begin(cli_context *ctx, const char *what)
{
    if (isatty(2) != 1 || cli_has(ctx, CLI_OPT_JSON))
        return NULL;
    cli_progress *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->ctx = ctx;
    p->what = what;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->ended, NULL);
    if (pthread_create(&p->thread, NULL, progress_show, p) == 0)
        return p;
    (void)pthread_cond_destroy(&p->ended);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void cli_progress_end(cli_progress *p)
{
    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_signal(&p->ended);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    (void)pthread_cond_destroy(&p->ended);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
