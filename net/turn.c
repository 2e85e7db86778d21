/* SPDX-License-Identifier: Apache-2.0
 *
 * The target whose turn it is: where its addresses come from, in which order they are
 * given, and when its turn is over.
 *
 * They come from the name itself, the hosts file, the message that named it, or two
 * legs, A and AAAA. The families take turns. v4 does not wait for v6; v6 waits
 * REEF_FAMILY_MS for v4. Once all are given and somebody wants more, the turn is over;
 * an answer that is still out is waited for a little, and with other targets left no
 * longer than that. */
#include "net/resolve_in.h"

#include <stdio.h>
#include <string.h>

const reef_dns_srv *reef_turn_srv(const reef_lookup *l, uint32_t turn)
{
    return &l->records->answer.srv[l->order[turn].index];
}

static void turn_add(reef_lookup *l, const char *text)
{
    reef_addresses *list = &l->v[strchr(text, ':') != NULL];
    if (list->count == REEF_ADDRESSES_MAX)
        return;
    if (l->v[0].count + l->v[1].count == 0)
        l->known_ms = l->resolver->now_ms;
    snprintf(list->text[list->count++], REEF_RESOLV_ADDRESS, "%.*s",
             REEF_RESOLV_ADDRESS - 1, text);
}

/* Text is made of what there is room for alone: an answer has room for thousands. */
static void turn_add_bytes(reef_lookup *l, const reef_dns_address *address)
{
    char text[REEF_RESOLV_ADDRESS];
    if (l->v[address->len > 4].count == REEF_ADDRESSES_MAX)
        return;
    reef_address_text(text, address->bytes, address->len);
    turn_add(l, text);
}

static bool turn_add_hosts(reef_lookup *l, const char *name)
{
    char found[REEF_ADDRESSES_MAX][REEF_RESOLV_ADDRESS];
    uint32_t count = reef_hosts_find(&l->resolver->hosts, reef_str_of(name), found,
                                     REEF_ADDRESSES_MAX);
    for (uint32_t i = 0; i < count; i++)
        turn_add(l, found[i]);
    l->hosts = l->hosts || count > 0;
    return count > 0;
}

static bool turn_add_glue(reef_lookup *l)
{
    const reef_dns_answer *answer = &l->records->answer;
    uint16_t target = reef_turn_srv(l, l->turn)->target;
    uint32_t left = answer->targets[target].addresses;
    if (left == 0)
        return false;
    for (uint32_t i = 0; i < answer->address_count && left > 0; i++) {
        if (answer->addresses[i].target != target)
            continue;
        turn_add_bytes(l, &answer->addresses[i]);
        left--;
    }
    l->dns = true;
    return l->v[0].count + l->v[1].count > 0;
}

void reef_turn_late(const reef_lookup *l, const reef_leg *leg, reef_error *why)
{
    char text[REEF_ERROR_TEXT];
    reef_words_name name = reef_words_cut(l->name);
    if (leg->ask != NULL && leg->ask->tries > 0) {
        reef_words_waiting(why, leg->ask, l->resolver->now_ms, REEF_QUIET_LATE);
        return;
    }
    snprintf(text, sizeof text, "the time for looking up %s is over", name.text);
    reef_words_put(why, text);
}

static void turn_ask_family(reef_lookup *l, uint16_t type, const reef_dns_name *name)
{
    reef_leg *leg = &l->legs[type == REEF_DNS_AAAA];
    leg->type = type;
    leg->fallback = l->srv ? l->records->route : 0;
    leg->server = l->server;
    leg->since = reef_lookup_since(l);
    reef_leg_start(l->resolver, leg, name);
}

static void turn_ask_addresses(reef_lookup *l, const reef_dns_name *name)
{
    reef_resolver *r = l->resolver;
    uint32_t fallback = l->srv ? l->records->route : 0;
    bool system = reef_resolver_route(r, name, fallback) == REEF_ROUTE_SYSTEM;
    if (l->expired) {
        reef_turn_late(l, &l->legs[0], &l->legs[0].why);
        return;
    }
    l->taken[0] = l->taken[1] = false;
    turn_ask_family(l, REEF_DNS_A, name);
    if (!system || !r->conf.no_aaaa)
        turn_ask_family(l, REEF_DNS_AAAA, name);
}

static void turn_ask(reef_lookup *l, const char *target)
{
    reef_dns_name name;
    reef_str text = {target, strlen(target)};
    bool is_name =
        l->srv ? reef_dns_name_parse(&name, text) : reef_search_next(l, &name);
    if (is_name)
        turn_ask_addresses(l, &name);
    else
        reef_search_end(l);
}

void reef_turn_begin(reef_lookup *l)
{
    char name[REEF_NAME_MAX + 1];
    reef_lookup_drop_legs(l);
    l->legs[0].why.code = l->legs[1].why.code = REEF_OK;
    l->phase = REEF_PHASE_TURN;
    l->taken[0] = l->taken[1] = true;
    l->v[0].count = l->v[0].next = l->v[1].count = l->v[1].next = 0;
    l->last = -1;
    l->ttl = UINT32_MAX;
    memcpy(name, l->name, sizeof name);
    if (l->srv)
        reef_dns_target_name(&l->records->answer, l->records->message,
                             reef_turn_srv(l, l->turn)->target, name);
    if (reef_address_literal(name))
        turn_add(l, name);
    else if (!turn_add_hosts(l, name) && !(l->srv && turn_add_glue(l)))
        turn_ask(l, name);
}

static void turn_take(reef_lookup *l, size_t family)
{
    const reef_leg *leg = &l->legs[family];
    if (leg->open || l->taken[family])
        return;
    l->taken[family] = true;
    if (!reef_leg_is(leg, REEF_DNS_OK))
        return;
    const reef_dns_answer *answer = &leg->records->answer;
    for (uint32_t i = 0; i < answer->address_count; i++)
        turn_add_bytes(l, &answer->addresses[i]);
    l->dns = true;
    l->ttl = answer->ttl < l->ttl ? answer->ttl : l->ttl;
}

bool reef_turn_open(const reef_lookup *l)
{
    return l->legs[0].open || l->legs[1].open;
}

bool reef_turn_known(const reef_lookup *l)
{
    return l->v[0].count + l->v[1].count > 0;
}

/* The family of the next address to give: in turns, v4 first; -1: none for now. */
int reef_turn_pick(const reef_lookup *l)
{
    bool v4 = l->v[0].next < l->v[0].count, v6 = l->v[1].next < l->v[1].count;
    if (v4 && v6)
        return l->last == 0;
    if (v4)
        return 0;
    if (!v6)
        return -1;
    bool waits = l->legs[0].open && l->v[0].count == 0 &&
                 l->resolver->now_ms < l->known_ms + REEF_FAMILY_MS;
    return waits ? -1 : 1;
}

/* When an answer that is still out is waited for no longer, as there were addresses. */
int64_t reef_turn_linger_ms(const reef_lookup *l)
{
    bool last = l->turn + 1 >= l->turn_count;
    return l->known_ms + (last ? REEF_LINGER_MS : REEF_FAMILY_MS);
}

/* ---- one target after the other ----------------------------------------------- */

static void turn_none_of_all(reef_lookup *l)
{
    char text[REEF_ERROR_TEXT + 160];
    reef_words_name name = reef_words_cut(l->name);
    if (l->turn_count == 1)
        snprintf(text, sizeof text, "the only target of %.60s has no address: %s",
                 name.text, l->why.text);
    else
        snprintf(text, sizeof text,
                 "none of the %u targets of %.60s has an address: %s",
                 (unsigned)l->turn_count, name.text, l->why.text);
    reef_words_put(&l->why, text);
}

static void turn_note(reef_lookup *l, const reef_error *why)
{
    if (l->turn < l->why_count)
        memcpy(l->whys[l->turn], why->text, sizeof l->whys[0]);
}

/* With no time left only those whose addresses came along are of use; the others, and
 * there may be thousands, are not even looked at. */
static void turn_skip(reef_lookup *l)
{
    reef_error why;
    const reef_dns_answer *answer = &l->records->answer;
    reef_turn_late(l, &l->legs[0], &why);
    while (l->turn < l->turn_count &&
           answer->targets[reef_turn_srv(l, l->turn)->target].addresses == 0) {
        turn_note(l, &why);
        l->turn++;
    }
}

/* Always true: look again. */
static bool turn_next(reef_lookup *l)
{
    l->turn++;
    if (l->srv && l->expired)
        turn_skip(l);
    if (l->turn < l->turn_count) {
        reef_turn_begin(l);
        return true;
    }
    l->phase = REEF_PHASE_DONE;
    reef_lookup_drop_legs(l);
    if (l->srv && l->given_count == 0)
        turn_none_of_all(l);
    return true;
}

/* Why the target at hand has no address: a server that failed before one that said
 * no. */
static void turn_why(const reef_lookup *l, reef_error *why)
{
    const reef_leg *a = &l->legs[0], *aaaa = &l->legs[1];
    if (a->records == NULL && a->why.code != REEF_OK)
        *why = a->why;
    else if (aaaa->records == NULL && aaaa->why.code != REEF_OK)
        *why = aaaa->why;
    else if (a->records != NULL)
        reef_words_outcome(why, a);
    else
        reef_words_put(why, "it has no address");
}

static bool turn_pass_over(reef_lookup *l, const reef_error *why)
{
    turn_note(l, why);
    if (l->why.code == REEF_OK)
        l->why = *why;
    if (l->passed_ms != l->resolver->now_ms)
        l->passed = 0;
    l->passed_ms = l->resolver->now_ms;
    l->passed++;
    return turn_next(l);
}

bool reef_turn_rests(const reef_lookup *l)
{
    return l->srv && l->phase == REEF_PHASE_TURN && l->passed >= REEF_PASSED_MAX &&
           l->passed_ms == l->resolver->now_ms && !reef_turn_known(l) &&
           !reef_turn_open(l);
}

/* No address, and nothing is out. */
static bool turn_empty(reef_lookup *l)
{
    reef_error why;
    reef_dns_name name;
    const reef_leg *a = &l->legs[0], *aaaa = &l->legs[1];
    bool denied = reef_leg_denied(a) && (reef_leg_denied(aaaa) ||
                                         (!aaaa->records && aaaa->why.code == REEF_OK));
    turn_why(l, &why);
    if (why.code == REEF_NOMEM) {
        reef_lookup_end(l, &why);
    } else if (l->srv) {
        return turn_pass_over(l, &why);
    } else if (!denied) {
        reef_lookup_end(l, &why);
    } else {
        reef_search_denied(l, a);
        reef_lookup_drop_legs(l);
        if (reef_search_next(l, &name))
            turn_ask_addresses(l, &name);
        else
            reef_search_end(l);
    }
    return true;
}

/* True: something changed, look again. */
bool reef_turn_step(reef_lookup *l)
{
    for (size_t family = 0; family < 2; family++) {
        reef_leg_step(l->resolver, &l->legs[family]);
        turn_take(l, family);
    }
    /* There is no such name at all; and nobody waits for what it is not. */
    if (reef_leg_is(&l->legs[0], REEF_DNS_NXDOMAIN) && l->legs[1].open) {
        reef_leg_drop(l->resolver, &l->legs[1]);
        l->taken[1] = true;
    }
    if (reef_turn_pick(l) >= 0 || !l->wanted || reef_turn_rests(l))
        return false;
    if (reef_turn_open(l)) {
        bool waits =
            !reef_turn_known(l) || l->resolver->now_ms < reef_turn_linger_ms(l);
        return !waits && l->turn + 1 < l->turn_count && turn_next(l);
    }
    return reef_turn_known(l) ? turn_next(l) : turn_empty(l);
}
