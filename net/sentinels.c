/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of Sentinels: who they are, and a link to each.
 *
 * Seeds are the configured hosts, and host names that other Sentinels gave. A seed that
 * is an address is a Sentinel; a name, or a service, is looked up, and each endpoint is
 * one. Who fails is looked up again, past the cache; endpoints that a newer look-up
 * does not list are dropped once they are lost. Configured addresses stay for ever.
 *
 *   no link -> (pause) -> OPENING .. READY, asked and watched -> lost -> no link
 *
 * All of them are connected to at the same time, so that one that hangs delays nobody.
 * Each gets REEF_SENTINEL_MS, and twice that after it had too little. All this happens
 * only while somebody waits for it. */
#include "net/sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- members ------------------------------------------------------------------ */

static bool sentinels_is_up(const reef_engine *e, const reef_sentinel *s)
{
    return s->link != REEF_NO_LINK && e->links[s->link]->state == REEF_LINK_READY;
}

static reef_sentinel *sentinels_find(const reef_sentinels *st, const char *address,
                                     uint16_t port)
{
    for (uint32_t i = 0; i < st->count; i++)
        if (st->list[i]->port == port && strcmp(st->list[i]->address, address) == 0)
            return st->list[i];
    return NULL;
}

reef_sentinel *reef_sentinels_of_link(const reef_engine *e, const reef_link *l)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++)
        if (st->list[i]->link == (int)l->index)
            return st->list[i];
    return NULL;
}

static void sentinels_drop(reef_sentinels *st, uint32_t at)
{
    reef_sentinel *s = st->list[at];
    if (st->holder == s)
        st->holder = NULL;
    if (st->doubter == s)
        st->doubter = NULL;
    free(s);
    st->count--;
    memmove(&st->list[at], &st->list[at + 1], (st->count - at) * sizeof st->list[0]);
}

/* Room for one more: of those that were only learnt, the one that was silent for the
 * longest time goes. */
static bool sentinels_make_room(reef_sentinels *st)
{
    uint32_t worst = REEF_SENTINELS_MAX;
    if (st->count < REEF_SENTINELS_MAX)
        return true;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        if (!s->configured && s->link == REEF_NO_LINK &&
            (worst == REEF_SENTINELS_MAX || s->heard_ms < st->list[worst]->heard_ms))
            worst = i;
    }
    if (worst == REEF_SENTINELS_MAX)
        return false;
    sentinels_drop(st, worst);
    return true;
}

static reef_sentinel *sentinels_add(reef_engine *e, const char *address, uint16_t port)
{
    reef_sentinels *st = e->sentinels;
    reef_sentinel *s = sentinels_find(st, address, port);
    if (s || strlen(address) >= sizeof s->address || !sentinels_make_room(st))
        return s;
    if (!(s = calloc(1, sizeof *s)))
        return NULL;
    snprintf(s->address, sizeof s->address, "%.*s", (int)sizeof s->address - 1,
             address);
    s->port = port;
    s->seed = -1;
    s->link = REEF_NO_LINK;
    s->born_ms = e->now_ms;
    st->list[st->count++] = s;
    return s;
}

/* A new one; or one that was learnt, and leads nowhere any more. NULL: all are of
 * use. */
static reef_seed *sentinels_seed_slot(reef_sentinels *st)
{
    if (st->seed_count < REEF_SEEDS_MAX)
        return &st->seeds[st->seed_count++];
    for (uint32_t i = 0; i < st->seed_count; i++) {
        reef_seed *seed = &st->seeds[i];
        bool used = !seed->learnt || seed->lookup || seed->why.code == REEF_OK;
        for (uint32_t k = 0; k < st->count; k++)
            used = used || st->list[k]->seed == (int)i;
        if (!used)
            return seed;
    }
    return NULL;
}

/* False: out of memory. */
static bool sentinels_add_seed(reef_engine *e, const reef_host *host, bool learnt)
{
    reef_sentinels *st = e->sentinels;
    if (host->kind == REEF_HOST_TCP && reef_address_literal(host->name)) {
        reef_sentinel *s = sentinels_add(e, host->name, host->port);
        if (s)
            s->configured = s->configured || !learnt;
        return s != NULL;
    }
    for (uint32_t i = 0; i < st->seed_count; i++)
        if (st->seeds[i].host.port == host->port &&
            strcmp(st->seeds[i].host.name, host->name) == 0)
            return true;
    reef_seed *seed = sentinels_seed_slot(st);
    if (!seed)
        return true;
    memset(seed, 0, sizeof *seed);
    seed->host = *host;
    seed->learnt = learnt;
    seed->due = true;
    return true;
}

bool reef_sentinels_fill(reef_engine *e)
{
    bool whole = true;
    for (uint32_t i = 0; i < e->config.host_count; i++)
        whole = sentinels_add_seed(e, &e->config.hosts[i], false) && whole;
    return whole;
}

void reef_sentinels_learn(reef_engine *e, const reef_place *place, const char *id)
{
    reef_host host = {.kind = REEF_HOST_TCP, .port = place->port};
    reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++)
        if (id[0] && strcmp(st->list[i]->id, id) == 0)
            return;
    snprintf(host.name, sizeof host.name, "%s", place->host);
    (void)sentinels_add_seed(e, &host, true);
    reef_sentinel *s = sentinels_find(st, host.name, host.port);
    if (s && !s->id[0])
        snprintf(s->id, sizeof s->id, "%s", id);
}

void reef_sentinels_front(reef_engine *e, reef_sentinel *s)
{
    reef_sentinels *st = e->sentinels;
    uint32_t at = 0;
    while (at < st->count && st->list[at] != s)
        at++;
    memmove(&st->list[1], &st->list[0], at * sizeof st->list[0]);
    st->list[0] = s;
}

/* One Sentinel by two addresses would be counted, and asked, twice. The one that is
 * connected stays; of two that are, the one that was first. */
static void sentinels_close_twin(reef_engine *e, reef_sentinel *s)
{
    reef_error why;
    reef_link *l = s->link == REEF_NO_LINK ? NULL : e->links[s->link];
    s->twin = true;
    if (!l)
        return;
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer,
                   "is a Sentinel that is connected to by another address");
    l->quiet = true;
    reef_link_fail(e, l, false, &why);
}

void reef_sentinels_twins(reef_engine *e, reef_sentinel *s)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count && !s->twin; i++) {
        reef_sentinel *other = st->list[i];
        if (other == s || other->twin || !s->id[0] || strcmp(other->id, s->id) != 0)
            continue;
        sentinels_close_twin(e, sentinels_is_up(e, other) ? s : other);
    }
}

void reef_sentinels_free(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    if (!st)
        return;
    for (uint32_t i = 0; i < st->count; i++)
        free(st->list[i]);
    for (uint32_t i = 0; i < st->seed_count; i++)
        if (st->seeds[i].lookup)
            reef_lookup_free(e->resolver, st->seeds[i].lookup);
    reef_dial_forget(e, &st->main);
    reef_dial_forget(e, &st->next);
    free(st);
    e->sentinels = NULL;
}

static bool sentinels_any_up(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++)
        if (sentinels_is_up(e, st->list[i]))
            return true;
    return false;
}

/* ---- look-ups ----------------------------------------------------------------- */

static void sentinels_look(reef_engine *e, reef_seed *seed)
{
    reef_resolver *resolver = reef_engine_resolver(e);
    reef_lookup_wish wish = {.name = seed->host.name,
                             .srv = seed->host.kind == REEF_HOST_SRV,
                             .port = seed->host.port,
                             .fresh = seed->fresh,
                             .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    if (!seed->due || seed->lookup || e->now_ms < seed->pause.until_ms)
        return;
    seed->lookup = resolver ? reef_lookup_new(resolver, &wish) : NULL;
    if (!seed->lookup) {
        reef_backoff_next(e, &seed->pause);
        return;
    }
    seed->due = false;
    seed->round++;
    seed->denied = false;
}

/* Those that it led to once, are lost, and does not lead to any more. */
static void sentinels_prune(reef_engine *e, int seed)
{
    reef_sentinels *st = e->sentinels;
    for (uint32_t i = st->count; i-- > 0;) {
        const reef_sentinel *s = st->list[i];
        if (s->seed == seed && s->link == REEF_NO_LINK &&
            s->round != st->seeds[seed].round)
            sentinels_drop(st, i);
    }
}

static void sentinels_looked(reef_engine *e, int index, bool found)
{
    reef_seed *seed = &e->sentinels->seeds[index];
    bool known = seed->looked && seed->why.code != REEF_OK;
    reef_lookup_why(seed->lookup, &seed->why);
    seed->denied = !found && reef_lookup_denied(seed->lookup);
    if (found)
        seed->why.code = REEF_OK;
    else if (seed->why.code == REEF_OK)
        reef_error_put(&seed->why, REEF_DNS, 0, seed->host.name,
                       "the name led to no address");
    reef_lookup_free(e->resolver, seed->lookup);
    seed->lookup = NULL;
    seed->looked = true;
    seed->fresh = true;
    if (found) {
        sentinels_prune(e, index);
        seed->pause.step = 0;
    } else {
        if (!known) /* that it goes on is no news */
            reef_report_event(e, REEF_EVENT_FAILED, seed->host.name, seed->why.text);
        seed->due = true;
    }
    int64_t pause = reef_backoff_next(e, &seed->pause);
    if (!found && sentinels_any_up(e))
        seed->pause.until_ms = e->now_ms + REEF_SENTINEL_ASK_MS + pause;
}

static void sentinels_take(reef_engine *e, int index)
{
    reef_seed *seed = &e->sentinels->seeds[index];
    reef_endpoint next;
    reef_lookup_state state = REEF_LOOKUP_READY;
    if (!seed->lookup)
        return;
    while (state == REEF_LOOKUP_READY) {
        state = reef_lookup_next(seed->lookup, &next);
        if (state == REEF_LOOKUP_WAIT)
            return;
        reef_sentinel *s = state == REEF_LOOKUP_READY
                               ? sentinels_add(e, next.address, next.port)
                               : NULL;
        if (s && s->seed < 0 && !s->configured)
            s->seed = index;
        if (s && s->seed == index) {
            s->round = seed->round;
            s->configured = !seed->learnt;
        }
        seed->found = seed->found || s != NULL;
    }
    bool found = seed->found;
    seed->found = false;
    sentinels_looked(e, index, found);
}

/* ---- links -------------------------------------------------------------------- */

static int64_t sentinels_patience_ms(const reef_engine *e, const reef_sentinel *s)
{
    int64_t ms = (int64_t)REEF_SENTINEL_MS << s->patience;
    return ms < e->config.connect_timeout_ms ? ms : e->config.connect_timeout_ms;
}

static void sentinels_connect(reef_engine *e, reef_sentinel *s)
{
    reef_link *l = reef_link_take(e, REEF_DUTY_WATCH);
    if (!l) {
        reef_backoff_next(e, &s->pause);
        return;
    }
    reef_link_open(e, l, s->address, s->port, false);
    s->id[0] = 0; /* another may be there by now, or one that is known elsewhere */
    /* One failure is news; that it goes on is not. */
    l->quiet = s->verdict_ms != 0 && s->state == REEF_SENTINEL_SILENT;
    l->attempt_deadline_ms = e->now_ms + sentinels_patience_ms(e, s);
    l->shake_deadline_ms = l->attempt_deadline_ms;
    s->link = (int)l->index;
}

/* One that was there a moment ago is tried often: it may lead a fail-over as soon as it
 * is back. Others, no more often than those that answer are asked. */
static void sentinels_pause(reef_engine *e, reef_sentinel *s)
{
    int64_t pause = reef_backoff_next(e, &s->pause);
    int64_t since = s->heard_ms > s->born_ms ? s->heard_ms : s->born_ms;
    bool lately = e->now_ms - since < REEF_LATELY_MS;
    if ((s->state == REEF_SENTINEL_WRONG || !lately) && sentinels_any_up(e))
        s->pause.until_ms = e->now_ms + REEF_SENTINEL_ASK_MS + pause;
}

static bool sentinels_refused(const reef_error *why)
{
    return reef_dial_hopeless(why->code);
}

/* The other addresses of one that is lost are worth a try again. */
static void sentinels_untwin(reef_sentinels *st, const reef_sentinel *lost)
{
    for (uint32_t i = 0; i < st->count; i++)
        if (strcmp(st->list[i]->id, lost->id) == 0)
            st->list[i]->twin = false;
}

void reef_sentinels_down(reef_engine *e, reef_link *l, const reef_error *why)
{
    reef_sentinels *st = e->sentinels;
    reef_sentinel *s = reef_sentinels_of_link(e, l);
    if (!s)
        return;
    s->link = REEF_NO_LINK;
    s->asking = s->watched = false;
    if (s->twin)
        return;
    if (s->patience < REEF_SENTINEL_ROUNDS && why->code == REEF_CONNECT &&
        why->sys_errno == 0)
        s->patience++;
    s->state = sentinels_refused(why) ? REEF_SENTINEL_WRONG : REEF_SENTINEL_SILENT;
    s->why = *why;
    s->verdict_ms = e->now_ms;
    sentinels_untwin(st, s);
    sentinels_pause(e, s);
    if (s == st->holder)
        reef_sentinels_ask(e, 0);
    if (s->seed >= 0)
        st->seeds[s->seed].due = true;
}

/* ---- what is due -------------------------------------------------------------- */

static int64_t sentinels_ask_at(const reef_engine *e, const reef_sentinel *s)
{
    const reef_sentinels *st = e->sentinels;
    /* A call that came later than the question has an answer of its own. */
    bool anew = st->target.port == 0 && e->waiting.head &&
                e->waiting.head->submitted_ms > s->asked_ms;
    int64_t turn_ms = s->asked_ms + REEF_SENTINEL_ASK_MS;
    if (anew)
        turn_ms = s->asked_ms + REEF_SENTINEL_GAP_MS;
    return s->due_ms && s->due_ms < turn_ms ? s->due_ms : turn_ms;
}

static void sentinels_serve(reef_engine *e, reef_sentinel *s)
{
    if (s->link == REEF_NO_LINK && !s->twin && e->now_ms >= s->pause.until_ms)
        sentinels_connect(e, s);
    else if (sentinels_is_up(e, s) && !s->asking && e->now_ms >= sentinels_ask_at(e, s))
        reef_sentinel_ask(e, s);
}

static bool sentinels_is_stale(const reef_engine *e, const reef_sentinel *s)
{
    int64_t since = s->heard_ms > s->born_ms ? s->heard_ms : s->born_ms;
    return !s->configured && s->link == REEF_NO_LINK &&
           e->now_ms - since >= REEF_FORGET_MS;
}

void reef_sentinels_wake(reef_engine *e)
{
    reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->seed_count; i++) {
        sentinels_look(e, &st->seeds[i]);
        sentinels_take(e, (int)i);
    }
    for (uint32_t i = st->count; i-- > 0;)
        if (sentinels_is_stale(e, st->list[i]))
            sentinels_drop(st, i);
    for (uint32_t i = 0; i < st->count; i++)
        sentinels_serve(e, st->list[i]);
}

static int64_t sentinels_due_ms(const reef_engine *e, const reef_sentinel *s)
{
    if (s->link == REEF_NO_LINK)
        return s->twin ? INT64_MAX : s->pause.until_ms;
    return sentinels_is_up(e, s) && !s->asking ? sentinels_ask_at(e, s) : INT64_MAX;
}

int64_t reef_sentinels_deadline_ms(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    int64_t at = INT64_MAX;
    for (uint32_t i = 0; i < st->count; i++) {
        int64_t due = sentinels_due_ms(e, st->list[i]);
        at = due < at ? due : at;
    }
    for (uint32_t i = 0; i < st->seed_count; i++) {
        const reef_seed *seed = &st->seeds[i];
        if (seed->due && !seed->lookup && seed->pause.until_ms < at)
            at = seed->pause.until_ms;
    }
    return at;
}

void reef_sentinels_ask(reef_engine *e, int64_t gap_ms)
{
    reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++) {
        reef_sentinel *s = st->list[i];
        int64_t at =
            s->asked_ms + gap_ms > e->now_ms ? s->asked_ms + gap_ms : e->now_ms;
        s->due_ms = s->due_ms && s->due_ms < at ? s->due_ms : at;
    }
}

bool reef_sentinels_watching(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++)
        if (st->list[i]->watched && sentinels_is_up(e, st->list[i]))
            return true;
    return false;
}

bool reef_sentinels_fresh(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->count; i++)
        if (st->list[i]->watched && sentinels_is_up(e, st->list[i]) &&
            e->now_ms - st->list[i]->heard_ms < REEF_BELIEF_MS)
            return true;
    return false;
}

bool reef_sentinels_at_rest(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    for (uint32_t i = 0; i < st->seed_count; i++)
        if (st->seeds[i].lookup || (st->seeds[i].due && !st->seeds[i].looked))
            return false;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        bool idle = s->link == REEF_NO_LINK ||
                    (sentinels_is_up(e, s) && !s->asking && !s->due_ms);
        if (!s->twin && (!idle || s->verdict_ms == 0))
            return false;
    }
    return true;
}

uint32_t reef_sentinels_known(const reef_engine *e)
{
    const reef_sentinels *st = e->sentinels;
    uint32_t known = 0;
    for (uint32_t i = 0; i < st->count; i++) {
        const reef_sentinel *s = st->list[i];
        known += !s->twin && (s->configured || s->heard_ms != 0);
    }
    return known;
}
