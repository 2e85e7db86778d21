/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's doors: every input and output of net.h. An input moves the clock,
 * changes one link or ticket, and wakes the router, which serves what can be served;
 * outputs are pulled. Time-outs happen in tick alone, so that a host which ticks late
 * ends calls late, and one that ticks at reef_engine_deadline_ms ends each at its
 * deadline. */
#include "net/engine.h"
#include "net/cluster.h"
#include "net/sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(REEF_LINKS_MAX + REEF_EXCHANGES_MAX == REEF_TRANSPORTS_MAX,
               "the resolver's links follow the engine's own");
_Static_assert((int)REEF_SECRET_KEY == (int)REEF_RANDOM_KEY, "one key for all draws");

/* ---- life --------------------------------------------------------------------- */

static bool engine_has_names(const reef_config *config)
{
    for (uint32_t i = 0; i < config->host_count; i++) {
        const reef_host *host = &config->hosts[i];
        if (host->kind == REEF_HOST_SRV ||
            (host->kind == REEF_HOST_TCP && !reef_address_literal(host->name)))
            return true;
    }
    return false;
}

static bool engine_init(reef_engine *e)
{
    e->events = calloc(REEF_EVENTS_MAX, sizeof *e->events);
    reef_dial_to(e, &e->direct.main, &e->config.hosts[0]);
    if (!e->events || (engine_has_names(&e->config) && !reef_engine_resolver(e)))
        return false;
    if (e->config.master_name[0])
        return reef_sentinels_begin(e);
    return e->config.host_count < 2 || reef_cluster_begin(e);
}

reef_engine *reef_engine_new(const reef_config *config, uint64_t seed, int64_t now_ms)
{
    reef_engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->config = *config;
    e->now_ms = now_ms;
    e->random = seed;
    e->next_id = 1;
    e->serve_max = REEF_SERVE_LINKS_MAX;
    e->router = config->master_name[0]   ? &reef_router_sentinel
                : config->host_count > 1 ? &reef_router_cluster
                                         : &reef_router_direct;
    if (engine_init(e))
        return e;
    reef_engine_free(e);
    return NULL;
}

/* Volatile, so that the compiler can't drop stores to memory that is freed next. */
static void engine_wipe_key(reef_engine *e)
{
    volatile unsigned char *p = e->key;
    for (size_t i = 0; i < sizeof e->key; i++)
        p[i] = 0;
}

static void engine_free_list(reef_engine *e, reef_list *list)
{
    while (list->head) {
        reef_ticket *t = list->head;
        reef_list_remove(list, t);
        reef_ticket_free(e, t);
    }
}

void reef_engine_free(reef_engine *e)
{
    reef_reply *push;
    if (!e)
        return;
    e->router->end(e);
    for (size_t i = 0; i < e->link_count; i++) {
        engine_free_list(e, &e->links[i]->out);
        engine_free_list(e, &e->links[i]->flight);
        reef_link_wipe(e->links[i]);
        free(e->links[i]);
    }
    free(e->links);
    engine_free_list(e, &e->waiting);
    engine_free_list(e, &e->done);
    while (reef_engine_next_push(e, &push))
        reef_reply_free(push);
    reef_resolver_free(e->resolver);
    reef_config_wipe(&e->config);
    engine_wipe_key(e);
    free(e->heap);
    free(e->events);
    free(e);
}

/* ---- what names are looked up by ----------------------------------------------- */

reef_code reef_engine_hosts(reef_engine *e, reef_str text)
{
    reef_resolver *resolver = reef_engine_resolver(e);
    return resolver ? reef_resolver_hosts(resolver, text) : REEF_NOMEM;
}

reef_code reef_engine_resolv_conf(reef_engine *e, reef_str text, reef_str local_name)
{
    reef_resolver *resolver = reef_engine_resolver(e);
    return resolver ? reef_resolver_conf(resolver, text, local_name) : REEF_NOMEM;
}

reef_resolver *reef_engine_resolver(reef_engine *e)
{
    if (e->resolver)
        return e->resolver;
    e->resolver = reef_resolver_new(&e->config, REEF_LINKS_MAX);
    if (e->resolver && e->has_key)
        reef_resolver_key(e->resolver, e->key);
    return e->resolver;
}

void reef_engine_key(reef_engine *e, const unsigned char key[REEF_SECRET_KEY])
{
    memcpy(e->key, key, sizeof e->key);
    e->has_key = true;
    if (e->resolver)
        reef_resolver_key(e->resolver, key);
}

/* ---- time and chance ---------------------------------------------------------- */

void reef_engine_advance(reef_engine *e, int64_t now_ms)
{
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
}

/* A 64-bit mixer over a counter: plenty for jitter, and never for anything secret. */
static uint64_t engine_random(reef_engine *e)
{
    uint64_t z = e->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t reef_engine_below(reef_engine *e, uint64_t bound)
{
    return bound ? engine_random(e) % bound : 0;
}

int64_t reef_backoff_next(reef_engine *e, reef_backoff *b)
{
    int64_t ceiling = REEF_BACKOFF_MIN_MS;
    for (uint32_t i = 0; i < b->step && ceiling < REEF_BACKOFF_MAX_MS; i++)
        ceiling *= 2;
    if (ceiling >= REEF_BACKOFF_MAX_MS)
        ceiling = REEF_BACKOFF_MAX_MS;
    else
        b->step++;
    /* Full jitter, but never none: clients that lost the same server spread out. */
    int64_t pause = 1 + (int64_t)(engine_random(e) % (uint64_t)ceiling);
    b->until_ms = e->now_ms + pause;
    return pause;
}

/* ---- transport inputs --------------------------------------------------------- */

static reef_link *engine_link(reef_engine *e, uint32_t link, int64_t now_ms)
{
    reef_engine_advance(e, now_ms);
    return link < e->link_count ? e->links[link] : NULL;
}

/* The resolver, if the number is one of its links. */
static reef_resolver *engine_asks(const reef_engine *e, uint32_t link)
{
    return link >= REEF_LINKS_MAX ? e->resolver : NULL;
}

static bool engine_live(const reef_link *l)
{
    return l && l->parser && l->state != REEF_LINK_CLOSING;
}

void reef_engine_opened(reef_engine *e, uint32_t link, int64_t now_ms)
{
    reef_link *l = engine_link(e, link, now_ms);
    if (engine_asks(e, link)) {
        reef_resolver_opened(e->resolver, link, e->now_ms);
    } else if (l && l->state == REEF_LINK_OPENING && !l->op_due) {
        l->attempt_deadline_ms = l->shake_deadline_ms;
        reef_hello_start(e, l);
    }
    e->router->wake(e);
}

void reef_engine_sent(reef_engine *e, uint32_t link, size_t len, int64_t now_ms)
{
    reef_link *l = engine_link(e, link, now_ms);
    if (engine_asks(e, link))
        reef_resolver_sent(e->resolver, link, len, e->now_ms);
    else if (engine_live(l))
        reef_link_sent(e, l, len);
    e->router->wake(e);
}

void *reef_engine_room(reef_engine *e, uint32_t link, size_t *cap)
{
    reef_link *l = engine_link(e, link, e->now_ms);
    *cap = 0;
    if (engine_asks(e, link))
        return reef_resolver_room(e->resolver, link, cap);
    return engine_live(l) ? reef_parser_room(l->parser, cap) : NULL;
}

void reef_engine_received(reef_engine *e, uint32_t link, size_t len, int64_t now_ms)
{
    reef_link *l = engine_link(e, link, now_ms);
    if (engine_asks(e, link))
        reef_resolver_received(e->resolver, link, len, e->now_ms);
    else if (engine_live(l))
        reef_link_received(e, l, len);
    if (l)
        reef_link_rest(e, l); /* here, so that the next look need not pass by it */
    e->router->wake(e);
}

void reef_engine_closed(reef_engine *e, uint32_t link, int sys_errno, int64_t now_ms)
{
    reef_link *l = engine_link(e, link, now_ms);
    char text[96];
    reef_error why;
    if (engine_asks(e, link)) {
        reef_resolver_closed(e->resolver, link, sys_errno, e->now_ms);
        e->router->wake(e);
        return;
    }
    if (!l || l->state == REEF_LINK_FREE)
        return;
    if (l->state == REEF_LINK_CLOSING) {
        l->state = REEF_LINK_FREE;
    } else {
        const char *words = reef_errno_text(sys_errno);
        snprintf(text, sizeof text, "system error %d", sys_errno);
        if (sys_errno == 0 && !l->served)
            words = "the server closed the connection during the handshake";
        reef_error_put(&why, REEF_CONNECT, sys_errno, l->stats.peer,
                       words ? words : text);
        reef_link_fail(e, l, true, &why);
    }
    e->router->wake(e);
}

/* ---- pings ---------------------------------------------------------------------- */

static void engine_ping(reef_engine *e, reef_link *l)
{
    reef_cmd *cmd = reef_cmd_new();
    if (!cmd)
        return;
    reef_cmd_begin(cmd, "PING");
    const reef_cmd *one = cmd;
    reef_errand_order order = {.errand = REEF_ERRAND_PING,
                               .cmds = &one,
                               .count = 1,
                               .deadline_ms = e->now_ms + e->config.connect_timeout_ms};
    l->pinged = reef_engine_errand(e, l, &order);
    reef_cmd_free(cmd);
}

/* A host that died with all that was sent to it acknowledged is found by what is not
 * acknowledged: the ping is what TCP_USER_TIMEOUT watches. */
static bool engine_listens_in_vain(const reef_engine *e, const reef_link *l)
{
    return l->state == REEF_LINK_READY && !l->held && !l->pinged && l->flight.head &&
           reef_link_silence_ms(e, l) >= REEF_SILENCE_PING_MS;
}

/* ---- time --------------------------------------------------------------------- */

static bool engine_attempting(const reef_link *l)
{
    return l->state == REEF_LINK_OPENING || reef_hello_running(l);
}

static void engine_time_out(reef_engine *e, reef_link *l)
{
    reef_error why;
    if (!engine_attempting(l) || l->attempt_deadline_ms > e->now_ms ||
        e->router->late(e, l))
        return;
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer,
                   l->state == REEF_LINK_OPENING
                       ? "connecting took too long"
                       : "connected, but the server did not finish the handshake in "
                         "time");
    reef_link_fail(e, l, false, &why);
}

/* Another serves in its node's place: a silent one is not waited for. */
static void engine_leave(reef_engine *e, reef_link *l)
{
    reef_error why;
    if (!l->leaving || l->state != REEF_LINK_DRAINING ||
        reef_link_silence_ms(e, l) < REEF_SILENCE_HOLD_MS)
        return;
    reef_error_put(&why, REEF_UNSURE, 0, l->stats.peer, "was replaced, and is silent");
    reef_link_fail(e, l, false, &why);
}

/* Nothing of it was sent: the best reason known is the last thing that went wrong; a
 * server that kept saying "not now" has the last word. */
static void engine_expire_waiting(reef_engine *e, reef_ticket *t)
{
    char text[REEF_ERROR_TEXT];
    reef_error why = e->failure;
    reef_list_remove(t->home, t);
    if (t->got == t->count) {
        reef_report_answer(e, e->links[t->link], t);
        reef_ticket_end(e, t, REEF_OK, "");
        return;
    }
    if (t->doubtful) {
        snprintf(text, sizeof text,
                 "%.130s%ssent and not answered, it may have run; the deadline passed "
                 "before it could be sent again",
                 why.code == REEF_OK ? "" : why.text, why.code == REEF_OK ? "" : "; ");
        reef_error_put(&why, REEF_UNSURE, 0, NULL, text);
    } else if (why.code == REEF_OK)
        e->router->waits_for(e, t, &why);
    reef_ticket_end(e, t, why.code, why.text);
}

static void engine_expire(reef_engine *e)
{
    while (e->heap_count > 0 && e->heap[0]->deadline_ms <= e->now_ms) {
        reef_ticket *t = e->heap[0];
        if (t->place == REEF_WAITING)
            engine_expire_waiting(e, t);
        else
            reef_link_abandon(e, e->links[t->link], t);
    }
}

void reef_engine_tick(reef_engine *e, int64_t now_ms)
{
    reef_engine_advance(e, now_ms);
    for (reef_link *l = e->busy_first; l; l = l->busy_next) {
        engine_time_out(e, l);
        engine_leave(e, l);
        if (engine_listens_in_vain(e, l))
            engine_ping(e, l);
    }
    if (e->resolver)
        reef_resolver_tick(e->resolver, e->now_ms);
    engine_expire(e);
    e->router->wake(e);
}

static int64_t engine_link_deadline_ms(const reef_engine *e, const reef_link *l)
{
    if (engine_attempting(l))
        return l->attempt_deadline_ms;
    if (l->leaving && l->state == REEF_LINK_DRAINING)
        return e->now_ms - reef_link_silence_ms(e, l) + REEF_SILENCE_HOLD_MS;
    if (l->state != REEF_LINK_READY || l->held || l->pinged || !l->flight.head)
        return INT64_MAX;
    return e->now_ms - reef_link_silence_ms(e, l) + REEF_SILENCE_PING_MS;
}

int64_t reef_engine_deadline_ms(const reef_engine *e)
{
    int64_t at = e->router->deadline_ms(e);
    int64_t asks = e->resolver ? reef_resolver_deadline_ms(e->resolver) : INT64_MAX;
    if (asks < at)
        at = asks;
    if (e->heap_count > 0 && e->heap[0]->deadline_ms < at)
        at = e->heap[0]->deadline_ms;
    for (const reef_link *l = e->busy_first; l; l = l->busy_next) {
        int64_t link_at = engine_link_deadline_ms(e, l);
        at = link_at < at ? link_at : at;
    }
    return at;
}

bool reef_engine_busy(const reef_engine *e)
{
    if (e->heap_count > 0 || e->router->looking(e))
        return true;
    for (const reef_link *l = e->busy_first; l; l = l->busy_next)
        if (engine_attempting(l))
            return true;
    return false;
}

/* ---- idle work ------------------------------------------------------------------ */

void reef_engine_tend(reef_engine *e, int64_t now_ms)
{
    reef_engine_advance(e, now_ms);
    e->router->tend(e);
    for (size_t i = 0; i < e->link_count; i++) {
        reef_link *l = e->links[i];
        if (!l->pinged && e->now_ms - l->heard_ms >= REEF_IDLE_PING_MS &&
            reef_link_fit(e, l))
            engine_ping(e, l);
    }
    e->router->wake(e);
}

/* ---- outputs ------------------------------------------------------------------ */

/* The resolver's turn. What it finds may be what the router waits for, whose next wish
 * may be another name. */
static bool engine_ask_op(reef_engine *e, reef_op *out)
{
    bool moved = e->resolver != NULL, more = false;
    while (moved && !more) {
        moved = false;
        more = reef_resolver_next_op(e->resolver, out, &moved, e->now_ms);
        if (moved)
            e->router->wake(e);
    }
    return more;
}

bool reef_engine_next_op(reef_engine *e, reef_op *out)
{
    if (engine_ask_op(e, out))
        return true;
    /* What a look at one link stirs up comes behind the last one: it has its turn,
     * too. */
    for (reef_link *l = e->busy_first, *next; l; l = next) {
        bool more = reef_link_op(e, l, out);
        next = l->busy_next;
        reef_link_rest(e, l);
        if (more)
            return true;
    }
    out->kind = REEF_OP_NONE;
    return false;
}

bool reef_engine_next_done(reef_engine *e, reef_done *out)
{
    reef_ticket *t = e->done.head;
    if (!t)
        return false;
    out->ticket = t->id + t->given;
    out->tag = t->tag;
    out->index = t->given;
    out->reply = t->replies[t->given++];
    if (t->given == t->count) {
        reef_list_remove(&e->done, t);
        reef_ticket_free(e, t);
    }
    return true;
}

/* Nobody has to pull them, and a server may send as many and as large as it likes. */
void reef_engine_push(reef_engine *e, reef_reply *push)
{
    reef_reply *oldest;
    size_t size = reef_reply_size(push);
    if (!push || size > REEF_PUSH_BYTES_MAX) {
        reef_reply_free(push);
        e->totals.dropped_pushes++;
        return;
    }
    while ((e->push_count == REEF_PUSHES_MAX ||
            size > REEF_PUSH_BYTES_MAX - e->push_bytes) &&
           reef_engine_next_push(e, &oldest)) {
        reef_reply_free(oldest);
        e->totals.dropped_pushes++;
    }
    e->push_bytes += size;
    e->pushes[(e->push_first + e->push_count++) % REEF_PUSHES_MAX] = push;
}

bool reef_engine_next_push(reef_engine *e, reef_reply **out)
{
    if (e->push_count == 0)
        return false;
    *out = e->pushes[e->push_first];
    e->push_bytes -= reef_reply_size(*out);
    e->push_first = (e->push_first + 1) % REEF_PUSHES_MAX;
    e->push_count--;
    return true;
}

void reef_engine_recycle(reef_engine *e, reef_reply *reply)
{
    if (e->warm && e->warm->parser)
        reef_parser_recycle(e->warm->parser, reply);
    else
        reef_reply_free(reply);
}

size_t reef_engine_members(const reef_engine *e, reef_member *out, size_t cap)
{
    if (e->cluster)
        return reef_cluster_members(e, out, cap);
    if (cap > 0) {
        memset(out, 0, sizeof *out);
        out->master = true;
        out->slots = REEF_SLOT_COUNT;
        if (e->warm)
            memcpy(out->peer, e->warm->stats.peer, sizeof out->peer);
    }
    return 1;
}

bool reef_engine_is_spread(const reef_engine *e)
{
    return e->cluster || (!e->sentinels && !e->direct.met);
}

bool reef_engine_server(const reef_engine *e, reef_server *out)
{
    const reef_link *l = e->cluster ? reef_cluster_speaker(e) : e->warm;
    bool known = l && l->state == REEF_LINK_READY;
    memset(out, 0, sizeof *out);
    if (known)
        *out = l->server;
    return known;
}
