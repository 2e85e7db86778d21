/* SPDX-License-Identifier: Apache-2.0
 *
 * reef soak's judgement, without I/O: whether an answer can be true, given what was
 * written and how each write ended.
 *
 * A session's versions:
 *   - a write that was acknowledged is stored; one that is unsure may be, now or later;
 *     one that was never sent is not, and if it is found it ran although it must not;
 *   - what is found is the newest stored version or one that may have come after it. An
 *     older one says that the acknowledged writes after it were lost.
 * A counter:
 *   - each INCR adds one if it was acknowledged, and at most one if it is unsure. More
 *     than that says that a command ran twice, less that acknowledged writes were lost.
 *     After a loss the same fall can hide a second run; it is never taken for one.
 *
 * Invariant: an unsure INCR that had not run when the counter was read may still run,
 * from the buffer of a server that stands still. So it stays allowed, once. */
#include "session/cli/soak.h"

#include <inttypes.h>
#include <string.h>

/* A thread's values: it begins at its home, and each time the counter is set anew a
 * span further on. */
#define SOAK_SPAN (UINT64_C(1) << 32)
#define SOAK_HOME (UINT64_C(1) << 48)

static void verdict_say(soak_verdicts *v, const char *text)
{
    if (v->first[0] == '\0')
        (void)snprintf(v->first, sizeof v->first, "%s", text);
}

void soak_verdict_wrong(soak_verdicts *v, const char *what, reef_str came)
{
    char text[SOAK_WHY];
    int shown = came.len < 100 ? (int)came.len : 100;
    v->wrong_caller++;
    (void)snprintf(text, sizeof text, "%s was answered with \"%.*s\"", what, shown,
                   came.len > 0 ? came.ptr : "");
    verdict_say(v, text);
}

static void verdict_missing(soak_verdicts *v, uint64_t count, const char *what)
{
    char text[SOAK_WHY];
    v->missing += count;
    (void)snprintf(text, sizeof text, "%s: %" PRIu64 " acknowledged write%s lost", what,
                   count, count == 1 ? "" : "s");
    verdict_say(v, text);
}

/* ---- stamps ------------------------------------------------------------------- */

/* All but the version; returns its length. */
static size_t stamp_head(const soak_stamp *s, char out[SOAK_STAMP_TEXT])
{
    int len = snprintf(out, SOAK_STAMP_TEXT,
                       "reef-soak %08" PRIx32 " %" PRIu32 " %016" PRIx64 " ", s->run,
                       s->thread, s->token);
    return (size_t)len;
}

void soak_stamp_write(const soak_stamp *s, uint64_t version, char out[SOAK_STAMP_TEXT])
{
    size_t len = stamp_head(s, out);
    (void)snprintf(out + len, SOAK_STAMP_TEXT - len, "%" PRIu64, version);
}

bool soak_stamp_read(const soak_stamp *s, reef_str text, uint64_t *version)
{
    char head[SOAK_STAMP_TEXT];
    size_t len = stamp_head(s, head);
    return text.len > len && memcmp(text.ptr, head, len) == 0 &&
           cli_number((reef_str){text.ptr + len, text.len - len}, UINT64_MAX, version);
}

/* ---- sessions ----------------------------------------------------------------- */

soak_fate soak_fate_of(reef_code code)
{
    switch (code) {
    case REEF_OK:
        return SOAK_DONE;
    case REEF_NOT_FOUND:
    case REEF_CONFLICT:
    case REEF_NOMEM:
    case REEF_BADARG:
    case REEF_BADCONFIG:
    case REEF_DNS:
    case REEF_CONNECT:
    case REEF_AUTH:
    case REEF_NOROUTE:
    case REEF_UNSENT:
        return SOAK_NOT_RUN;
    case REEF_LIMIT:
    case REEF_UNSURE:
    case REEF_PROTOCOL:
    case REEF_REFUSED: /* of two keys one may have been written */
    case REEF_CORRUPT:
        return SOAK_MAYBE;
    }
    return SOAK_MAYBE;
}

uint64_t soak_track_next(soak_track *t)
{
    t->last++;
    t->fates[t->last % SOAK_FATES] = SOAK_NOT_RUN;
    return t->last;
}

void soak_track_wrote(soak_track *t, soak_fate fate)
{
    t->fates[t->last % SOAK_FATES] = (unsigned char)fate;
    switch (fate) {
    case SOAK_NOT_RUN:
        break;
    case SOAK_MAYBE:
        t->doubtful = t->doubtful || t->gone;
        t->gone = false;
        break;
    case SOAK_DONE:
        t->stored = t->last;
        t->doubtful = t->gone = false;
        break;
    }
}

void soak_track_deleted(soak_track *t, soak_fate fate)
{
    t->gone = t->gone || fate == SOAK_DONE;
    t->doubtful = !t->gone && (t->doubtful || fate == SOAK_MAYBE);
}

static soak_fate track_fate(const soak_track *t, uint64_t version)
{
    if (t->last - version >= SOAK_FATES)
        return SOAK_DONE;
    return (soak_fate)t->fates[version % SOAK_FATES];
}

/* Acknowledged writes from behind `version` to what was stored: at least one, since
 * what was stored was seen at least. */
static uint64_t track_lost(const soak_track *t, uint64_t version)
{
    uint64_t lost = 0;
    for (uint64_t v = version + 1; v <= t->stored; v++)
        lost += track_fate(t, v) == SOAK_DONE;
    return lost > 0 ? lost : 1;
}

void soak_track_found(soak_track *t, uint64_t version, soak_verdicts *v)
{
    if (version == 0 || version > t->last) {
        soak_verdict_wrong(v, "a session's read",
                           reef_str_of("a version that was never written"));
        return;
    }
    bool sent = track_fate(t, version) != SOAK_NOT_RUN;
    if (!sent) {
        v->twice++;
        t->fates[version % SOAK_FATES] = SOAK_DONE;
        verdict_say(v, "a write of a session ran that was said not to have been sent");
    }
    if (t->gone && sent)
        verdict_missing(v, 1, "a deleted session is there again");
    else if (version < t->stored)
        verdict_missing(v, track_lost(t, version), "a session is older than it was");
    t->stored = version;
    t->gone = t->doubtful = false;
}

void soak_track_absent(soak_track *t, soak_verdicts *v)
{
    if (!t->gone && !t->doubtful)
        verdict_missing(v, track_lost(t, 0), "a session is not there any more");
    t->gone = true;
    t->doubtful = false;
}

/* ---- counters ----------------------------------------------------------------- */

void soak_counter_begin(soak_counter *c, unsigned thread)
{
    memset(c, 0, sizeof *c);
    c->home = SOAK_HOME + thread * (UINT64_C(1) << 40);
    c->base = c->known = c->home;
}

void soak_counter_set(soak_counter *c)
{
    c->set = true;
    c->known = c->base;
}

/* What is still open may run later. The next base is out of the reach of it all. */
static void counter_lost(soak_counter *c, soak_verdicts *v, const char *what)
{
    verdict_missing(v, c->known - c->base + 1, what);
    c->base = c->known = c->base + SOAK_SPAN;
    c->set = false;
}

static void counter_settle(soak_counter *c, soak_verdicts *v)
{
    v->settled += c->pending;
    c->late += c->pending;
    c->pending = 0;
}

void soak_counter_absent(soak_counter *c, soak_verdicts *v)
{
    counter_settle(c, v);
    counter_lost(c, v, "a counter is not there any more");
}

/* Above what is known by `ran`, of which `own` are the answered INCR itself. */
static void counter_rose(soak_counter *c, uint64_t ran, uint64_t own, soak_verdicts *v)
{
    uint64_t open = c->pending + c->late;
    uint64_t others = ran - own;
    uint64_t extra = others > open ? others - open : 0;
    counter_settle(c, v);
    c->late -= others - extra;
    if (extra == 0)
        return;
    v->twice += extra;
    verdict_say(v, "a counter is higher than its commands can have made it");
}

void soak_counter_saw(soak_counter *c, uint64_t value, bool incr, soak_verdicts *v)
{
    char text[32];
    uint64_t own = incr ? 1 : 0;
    /* INCR on a key that is gone begins at 0; an old base is one that was lost. */
    if (value < SOAK_SPAN || (value >= c->home && value < c->base)) {
        counter_settle(c, v);
        counter_lost(c, v, "a counter began anew");
        return;
    }
    if (value < c->base || value >= c->base + SOAK_SPAN) {
        (void)snprintf(text, sizeof text, "%" PRIu64, value);
        soak_verdict_wrong(v, "a counter", reef_str_of(text));
        c->late += own; /* what became of it is not known */
        return;
    }
    if (value < c->known + own) {
        counter_settle(c, v);
        verdict_missing(v, c->known + own - value, "a counter fell");
    } else {
        counter_rose(c, value - c->known, own, v);
    }
    c->known = value;
}
