/* SPDX-License-Identifier: Apache-2.0
 *
 * A look-up: the endpoints of a host, one after the other, for as long as somebody asks
 * for more.
 *
 *   NEW -> SRV (the records of a service) -> TURN -> DONE
 *   NEW -> TURN (a plain name is its own and only target) -> DONE
 *
 * In TURN one target is at hand (turn.c), and only when somebody wants more than it has
 * does the next one have its turn.
 *
 * What was given is written down, so that it can be given again. */
#include "net/resolve_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

reef_lookup *reef_lookup_new(reef_resolver *r, const reef_lookup_wish *wish)
{
    size_t len = strlen(wish->name), place = 0;
    while (place < REEF_LOOKUPS_MAX && r->lookups[place] != NULL)
        place++;
    if (place == REEF_LOOKUPS_MAX || len > REEF_NAME_MAX)
        return NULL;
    reef_lookup *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    memcpy(l->name, wish->name, len + 1);
    l->resolver = r;
    l->srv = wish->srv;
    l->fresh = wish->fresh;
    l->port = wish->port;
    l->deadline_ms = wish->deadline_ms;
    l->wanted = true;
    l->told = REEF_LOOKUP_WAIT;
    r->lookups[place] = l;
    r->stir = true;
    return l;
}

void reef_lookup_drop_legs(reef_lookup *l)
{
    reef_leg_drop(l->resolver, &l->legs[0]);
    reef_leg_drop(l->resolver, &l->legs[1]);
}

void reef_lookup_free(reef_resolver *r, reef_lookup *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < REEF_LOOKUPS_MAX; i++)
        if (r->lookups[i] == l)
            r->lookups[i] = NULL;
    reef_lookup_drop_legs(l);
    reef_records_drop(l->records);
    free(l->whys);
    free(l->order);
    free(l->given);
    free(l);
}

void reef_lookup_end(reef_lookup *l, const reef_error *why)
{
    l->why = *why;
    l->phase = REEF_PHASE_DONE;
    reef_lookup_drop_legs(l);
}

/* ---- the service -------------------------------------------------------------- */

/* A look-up that is to be fresh takes what came since it began, so that a name which
 * several of its targets have is asked for once. */
uint64_t reef_lookup_since(const reef_lookup *l)
{
    return l->fresh ? l->since : 0;
}

static void lookup_ask_service(reef_lookup *l)
{
    reef_dns_name name;
    reef_leg *leg = &l->legs[0];
    reef_error why;
    reef_leg_drop(l->resolver, leg);
    l->phase = REEF_PHASE_SRV;
    if (l->expired) {
        reef_turn_late(l, leg, &why);
        reef_lookup_end(l, &why);
        return;
    }
    leg->type = REEF_DNS_SRV;
    leg->fallback = 0;
    leg->server = l->server;
    leg->since = reef_lookup_since(l);
    if (reef_search_next(l, &name))
        reef_leg_start(l->resolver, leg, &name);
    else
        reef_search_end(l);
}

static void lookup_draw(reef_lookup *l, reef_records *records)
{
    const reef_dns_answer *answer = &records->answer;
    reef_error why;
    size_t count =
        answer->srv_count < REEF_DRAW_MAX ? answer->srv_count : REEF_DRAW_MAX;
    l->why_count =
        (uint32_t)(count < REEF_LOOK_TARGETS_MAX ? count : REEF_LOOK_TARGETS_MAX);
    l->order = calloc(count, sizeof *l->order);
    l->whys = calloc(l->why_count, sizeof *l->whys);
    if (l->order == NULL || l->whys == NULL) {
        reef_words_nomem(&why);
        reef_lookup_end(l, &why);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        l->order[i].priority = answer->srv[i].priority;
        l->order[i].weight = answer->srv[i].weight;
        l->order[i].index = (uint16_t)i;
    }
    reef_draw_order(l->order, count, &l->resolver->random);
    l->records = reef_records_hold(records);
    if (l->server[0] == '\0') /* it was in the cache */
        memcpy(l->server, records->server, sizeof l->server);
    l->turn_count = (uint32_t)count;
    l->turn = 0;
    l->why.code = REEF_OK;
    reef_turn_begin(l);
}

/* True: something changed, look again. */
static bool lookup_service(reef_lookup *l)
{
    reef_leg *leg = &l->legs[0];
    reef_error why;
    reef_leg_step(l->resolver, leg);
    if (leg->open)
        return false;
    if (leg->records == NULL) {
        why = leg->why;
        reef_lookup_end(l, &why);
    } else if (reef_leg_is(leg, REEF_DNS_OK)) {
        lookup_draw(l, leg->records);
    } else if (reef_leg_denied(leg)) {
        reef_search_denied(l, leg);
        lookup_ask_service(l);
    } else {
        reef_words_outcome(&why, leg);
        reef_lookup_end(l, &why);
        l->denied = true;
    }
    return true;
}

/* ---- going on ----------------------------------------------------------------- */

static void lookup_advance(reef_lookup *l)
{
    bool more = true;
    while (more) {
        switch (l->phase) {
        case REEF_PHASE_SRV:
            more = lookup_service(l);
            break;
        case REEF_PHASE_TURN:
            more = reef_turn_step(l);
            break;
        case REEF_PHASE_NEW:
        case REEF_PHASE_DONE:
            more = false;
            break;
        }
    }
}

static void lookup_begin(reef_lookup *l)
{
    l->began_ms = l->resolver->now_ms;
    l->since = ++l->resolver->cache.used;
    l->turn_count = 1;
    if (l->srv)
        lookup_ask_service(l);
    else
        reef_turn_begin(l);
}

/* What is known can be given all the same. */
void reef_lookup_late(reef_lookup *l)
{
    reef_error why;
    if (l->phase == REEF_PHASE_NEW || l->expired ||
        l->resolver->now_ms < l->deadline_ms)
        return;
    l->expired = true;
    for (size_t i = 0; i < 2; i++) {
        reef_turn_late(l, &l->legs[i], &why);
        reef_leg_expire(l->resolver, &l->legs[i], &why);
    }
}

static reef_lookup_state lookup_state(const reef_lookup *l)
{
    if (l->cursor < l->given_count)
        return REEF_LOOKUP_READY;
    if (l->phase == REEF_PHASE_DONE)
        return REEF_LOOKUP_END;
    if (l->phase != REEF_PHASE_TURN)
        return REEF_LOOKUP_WAIT;
    if (reef_turn_pick(l) >= 0)
        return REEF_LOOKUP_READY;
    /* For now: what comes late can still be given. */
    return reef_turn_known(l) && l->resolver->now_ms >= reef_turn_linger_ms(l)
               ? REEF_LOOKUP_END
               : REEF_LOOKUP_WAIT;
}

void reef_lookup_step(reef_lookup *l)
{
    if (l->phase == REEF_PHASE_NEW)
        lookup_begin(l);
    reef_lookup_late(l);
    lookup_advance(l);
    reef_lookup_state state = lookup_state(l);
    if (!l->wanted || state == REEF_LOOKUP_WAIT || state == l->told)
        return;
    l->told = state;
    l->resolver->moved = true;
}

int64_t reef_lookup_deadline_ms(const reef_lookup *l)
{
    int64_t at = INT64_MAX, now_ms = l->resolver->now_ms;
    if (l->phase == REEF_PHASE_DONE || (!l->wanted && !reef_turn_open(l)))
        return at;
    if (reef_turn_rests(l))
        return now_ms + 1;
    if (!l->expired)
        at = l->deadline_ms;
    if (l->phase != REEF_PHASE_TURN || !reef_turn_open(l) || !reef_turn_known(l))
        return at;
    int64_t timers[] = {l->known_ms + REEF_FAMILY_MS, reef_turn_linger_ms(l)};
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        if (timers[i] > now_ms && timers[i] < at)
            at = timers[i];
    return at;
}

/* ---- giving ------------------------------------------------------------------- */

static bool lookup_grow(reef_lookup *l)
{
    uint32_t cap = l->given_cap == 0 ? 8 : 2 * l->given_cap;
    if (l->given_count < l->given_cap)
        return true;
    reef_endpoint *given = realloc(l->given, cap * sizeof *given);
    if (given == NULL)
        return false;
    l->given = given;
    l->given_cap = cap;
    return true;
}

static reef_lookup_state lookup_give(reef_lookup *l, reef_endpoint *out)
{
    reef_error why = l->why;
    bool grown = l->given_count < REEF_ENDPOINTS_MAX && lookup_grow(l);
    if (!grown) {
        if (l->given_count < REEF_ENDPOINTS_MAX)
            reef_words_nomem(&why);
        reef_lookup_end(l, &why);
        return REEF_LOOKUP_END;
    }
    int family = reef_turn_pick(l);
    reef_addresses *list = &l->v[family];
    reef_endpoint *endpoint = &l->given[l->given_count++];
    memcpy(endpoint->address, list->text[list->next++], sizeof endpoint->address);
    endpoint->port = l->srv ? reef_turn_srv(l, l->turn)->port : l->port;
    endpoint->target = l->srv ? l->turn : 0;
    l->last = family;
    l->cursor = l->given_count;
    *out = *endpoint;
    return REEF_LOOKUP_READY;
}

reef_lookup_state reef_lookup_next(reef_lookup *l, reef_endpoint *out)
{
    if (l->cursor < l->given_count) {
        *out = l->given[l->cursor++];
        return REEF_LOOKUP_READY;
    }
    l->wanted = true;
    lookup_advance(l);
    reef_lookup_state state = lookup_state(l);
    if (state == REEF_LOOKUP_READY) {
        l->wanted = false;
        state = lookup_give(l, out);
    }
    l->told = state;
    return state;
}

void reef_lookup_rewind(reef_lookup *l)
{
    l->cursor = 0;
}

bool reef_lookup_denied(const reef_lookup *l)
{
    return l->denied && l->given_count == 0;
}

bool reef_lookup_more(const reef_lookup *l)
{
    if (l->cursor < l->given_count)
        return true;
    if (l->phase == REEF_PHASE_DONE || l->given_count == REEF_ENDPOINTS_MAX)
        return false;
    if (l->phase != REEF_PHASE_TURN || !reef_turn_known(l) || reef_turn_open(l))
        return true;
    for (size_t i = 0; i < 2; i++)
        if (!l->taken[i] || l->v[i].next < l->v[i].count)
            return true;
    return l->turn + 1 < l->turn_count;
}

void reef_lookup_why(const reef_lookup *l, reef_error *out)
{
    const reef_ask *ask = NULL;
    *out = l->why;
    if (l->given_count > 0 && l->why.code != REEF_NOMEM)
        out->code = REEF_OK;
    for (size_t i = 2; i-- > 0;)
        if (l->legs[i].ask != NULL)
            ask = l->legs[i].ask;
    if (l->given_count == 0 && l->why.code == REEF_OK && ask != NULL && ask->tries > 0)
        reef_words_waiting(out, ask, l->resolver->now_ms, REEF_QUIET_YET);
    if (out->code == REEF_OK) {
        out->sys_errno = 0;
        out->text[0] = '\0';
    }
}

static void lookup_target_address(reef_look_target *out, const char *text)
{
    if (out->address_count == REEF_LOOK_ADDRESSES_MAX)
        return;
    char *to = out->addresses[out->address_count++];
    snprintf(to, sizeof out->addresses[0], "%.*s", (int)sizeof out->addresses[0] - 1,
             text);
}

bool reef_lookup_target(const reef_lookup *l, uint32_t turn, reef_look_target *out)
{
    char text[REEF_RESOLV_ADDRESS];
    if (l->records == NULL || turn >= l->turn_count)
        return false;
    const reef_dns_answer *answer = &l->records->answer;
    const reef_dns_srv *srv = reef_turn_srv(l, turn);
    memset(out, 0, sizeof *out);
    reef_dns_target_name(answer, l->records->message, srv->target, out->name);
    out->priority = srv->priority;
    out->weight = srv->weight;
    out->port = srv->port;
    out->ttl = srv->ttl;
    out->glue = answer->targets[srv->target].addresses > 0;
    for (uint32_t i = 0; i < l->given_count; i++)
        if (l->given[i].target == turn)
            lookup_target_address(out, l->given[i].address);
    for (uint32_t i = 0; out->glue && turn > l->turn && i < answer->address_count &&
                         out->address_count < REEF_LOOK_ADDRESSES_MAX;
         i++) {
        const reef_dns_address *address = &answer->addresses[i];
        if (address->target != srv->target)
            continue;
        reef_address_text(text, address->bytes, address->len);
        lookup_target_address(out, text);
    }
    if (turn < l->why_count)
        snprintf(out->why, sizeof out->why, "%s", l->whys[turn]);
    return true;
}
