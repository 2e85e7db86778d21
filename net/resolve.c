/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolver itself: its life, what the files say, which servers know a name, and the
 * way of inputs and outputs.
 *
 * Inputs change the exchange that they concern and the ask behind it, and set `stir`.
 * All that follows from that is done in reef_resolver_next_op: look-ups go on, asks
 * start what is due, and the ops come out, CLOSE before OPEN, so that numbers are free
 * again. */
#include "net/resolve.h"

#include <stdlib.h>
#include <string.h>
#include "net/resolve_in.h"

/* ---- life --------------------------------------------------------------------- */

static void resolver_add_route(reef_resolver *r, const reef_nameserver *from)
{
    reef_route *route = &r->routes[r->route_count++];
    size_t len = strlen(from->address);
    memcpy(route->server.address, from->address, len + 1);
    route->server.port = from->port;
    reef_str root = {".", 1};
    reef_str domain = {from->domain, strlen(from->domain)};
    route->usable = reef_dns_name_parse(&route->domain, domain.len > 0 ? domain : root);
}

reef_resolver *reef_resolver_new(const reef_config *config, uint32_t first_link)
{
    _Static_assert(sizeof config->nameservers[0].address <= REEF_RESOLV_ADDRESS,
                   "a server's address fits");
    reef_resolver *r = calloc(1, sizeof *r);
    reef_str none = {"", 0};
    if (r == NULL)
        return NULL;
    r->now_ms = INT64_MIN;
    r->first_link = first_link;
    for (uint32_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        r->exchanges[i].link = first_link + i;
    for (uint32_t i = 0; i < config->nameserver_count; i++)
        resolver_add_route(r, &config->nameservers[i]);
    for (uint32_t i = 0; i < config->consul_count; i++)
        resolver_add_route(r, &config->consul[i]);
    reef_resolvconf_parse(&r->conf, none, none);
    return r;
}

void reef_resolver_free(reef_resolver *r)
{
    if (r == NULL)
        return;
    r->trace = NULL;
    for (size_t i = 0; i < REEF_LOOKUPS_MAX; i++)
        reef_lookup_free(r, r->lookups[i]);
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        reef_exchange_gone(&r->exchanges[i]);
    reef_dns_cache_forget(&r->cache, UINT32_MAX);
    reef_hosts_free(&r->hosts);
    memset(&r->random, 0, sizeof r->random);
    free(r);
}

void reef_resolver_key(reef_resolver *r, const unsigned char key[REEF_RANDOM_KEY])
{
    reef_random_key(&r->random, key);
    r->stir = true;
}

reef_code reef_resolver_hosts(reef_resolver *r, reef_str text)
{
    reef_hosts hosts = {0};
    if (!reef_hosts_read(&hosts, text))
        return REEF_NOMEM;
    reef_hosts_free(&r->hosts);
    r->hosts = hosts;
    return REEF_OK;
}

reef_code reef_resolver_conf(reef_resolver *r, reef_str text, reef_str local_name)
{
    reef_resolvconf_parse(&r->conf, text, local_name);
    r->generation++; /* what is out is shared and kept no longer */
    reef_dns_cache_forget(&r->cache, REEF_ROUTE_SYSTEM);
    return REEF_OK;
}

void reef_resolver_trace(reef_resolver *r, reef_look *to)
{
    r->trace = to;
    r->traced_ms = INT64_MAX;
}

/* ---- routes ------------------------------------------------------------------- */

/* Whether the name is the domain or lies below it, label by label. */
static bool resolver_below(const reef_dns_name *name, const reef_dns_name *domain)
{
    size_t at = 0;
    while (name->len - at > domain->len && name->bytes[at] != 0)
        at += (size_t)name->bytes[at] + 1;
    if (name->len - at != domain->len)
        return false;
    reef_dns_name rest = {.len = domain->len};
    memcpy(rest.bytes, name->bytes + at, domain->len);
    return reef_dns_name_equal(&rest, domain);
}

uint32_t reef_resolver_route(const reef_resolver *r, const reef_dns_name *name,
                             uint32_t fallback)
{
    uint32_t best = 0;
    uint8_t longest = 0;
    for (uint32_t i = 0; i < r->route_count; i++) {
        const reef_route *route = &r->routes[i];
        bool general = route->domain.len == 1 && fallback != 0;
        if (!route->usable || general || route->domain.len < longest ||
            !resolver_below(name, &route->domain))
            continue;
        if (route->domain.len > longest)
            best = 0;
        longest = route->domain.len;
        best |= (uint32_t)1 << i;
    }
    if (best != 0)
        return best;
    return fallback != 0 ? fallback : (uint32_t)REEF_ROUTE_SYSTEM;
}

/* ---- inputs ------------------------------------------------------------------- */

static void resolver_end_silent(reef_resolver *r)
{
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        reef_exchange *x = &r->exchanges[i];
        if (x->ask != NULL && r->now_ms >= x->deadline_ms)
            reef_ask_silent(r, x);
    }
}

/* What is over by now is over before anything is heard: a host that slept finds old
 * answers in its sockets, and nobody knows how old they are. */
static void resolver_now(reef_resolver *r, int64_t now_ms)
{
    if (now_ms <= r->now_ms)
        return;
    r->now_ms = now_ms;
    r->stir = true;
    resolver_end_silent(r);
    for (size_t i = 0; i < REEF_LOOKUPS_MAX; i++)
        if (r->lookups[i] != NULL)
            reef_lookup_late(r->lookups[i]);
}

/* The exchange behind a number of the host's; NULL: it is nobody's. */
static reef_exchange *resolver_exchange(reef_resolver *r, uint32_t link)
{
    uint32_t at = link - r->first_link;
    if (link < r->first_link || at >= REEF_EXCHANGES_MAX)
        return NULL;
    reef_exchange *x = &r->exchanges[at];
    return x->ask != NULL && x->state != REEF_EXCHANGE_MADE ? x : NULL;
}

void reef_resolver_opened(reef_resolver *r, uint32_t link, int64_t now_ms)
{
    resolver_now(r, now_ms);
    reef_exchange *x = resolver_exchange(r, link);
    if (x != NULL)
        reef_exchange_opened(x);
}

void reef_resolver_sent(reef_resolver *r, uint32_t link, size_t len, int64_t now_ms)
{
    resolver_now(r, now_ms);
    reef_exchange *x = resolver_exchange(r, link);
    if (x != NULL)
        reef_exchange_sent(x, len);
}

void *reef_resolver_room(reef_resolver *r, uint32_t link, size_t *cap)
{
    reef_exchange *x = resolver_exchange(r, link);
    return x != NULL ? reef_exchange_room(x, cap) : NULL;
}

void reef_resolver_received(reef_resolver *r, uint32_t link, size_t len, int64_t now_ms)
{
    reef_dns_reading reading;
    resolver_now(r, now_ms);
    reef_exchange *x = resolver_exchange(r, link);
    if (x == NULL)
        return;
    switch (reef_exchange_received(x, len, &x->ask->question, &reading)) {
    case REEF_HEARD_NOTHING:
        break;
    case REEF_HEARD_ANSWER:
        reef_ask_heard(r, x, &reading);
        reef_dns_reading_free(&reading);
        break;
    case REEF_HEARD_NOMEM:
        reef_ask_starved(r, x);
        break;
    }
}

void reef_resolver_closed(reef_resolver *r, uint32_t link, int sys_errno,
                          int64_t now_ms)
{
    uint32_t at = link - r->first_link;
    resolver_now(r, now_ms);
    reef_exchange *x = resolver_exchange(r, link);
    if (x != NULL) {
        reef_ask_closed(r, x, sys_errno);
    } else if (link >= r->first_link && at < REEF_EXCHANGES_MAX &&
               r->exchanges[at].state == REEF_EXCHANGE_CLOSING) {
        reef_exchange_gone(&r->exchanges[at]);
        r->stir = true;
    }
}

void reef_resolver_tick(reef_resolver *r, int64_t now_ms)
{
    resolver_now(r, now_ms);
}

int64_t reef_resolver_deadline_ms(const reef_resolver *r)
{
    int64_t at = INT64_MAX;
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        if (r->exchanges[i].ask != NULL && r->exchanges[i].deadline_ms < at)
            at = r->exchanges[i].deadline_ms;
    for (size_t i = 0; i < REEF_ASKS_MAX; i++)
        if (r->asks[i] != NULL && reef_ask_deadline_ms(r->asks[i]) < at)
            at = reef_ask_deadline_ms(r->asks[i]);
    for (size_t i = 0; i < REEF_LOOKUPS_MAX; i++)
        if (r->lookups[i] != NULL && reef_lookup_deadline_ms(r->lookups[i]) < at)
            at = reef_lookup_deadline_ms(r->lookups[i]);
    return at;
}

bool reef_resolver_busy(const reef_resolver *r)
{
    for (size_t i = 0; i < REEF_ASKS_MAX; i++)
        if (r->asks[i] != NULL && !r->asks[i]->settled)
            return true;
    return false;
}

/* ---- outputs ------------------------------------------------------------------ */

/* The first look-up of a while has the files looked at before it begins. */
static bool resolver_op_files(reef_resolver *r, reef_op *out)
{
    bool due = !r->had_files || r->now_ms - r->files_ms >= REEF_REFRESH_MS;
    for (size_t i = 0; due && i < REEF_LOOKUPS_MAX; i++) {
        if (r->lookups[i] == NULL || r->lookups[i]->phase != REEF_PHASE_NEW)
            continue;
        r->had_files = true;
        r->files_ms = r->now_ms;
        r->stir = true;
        memset(out, 0, sizeof *out);
        out->kind = REEF_OP_FILES;
        return true;
    }
    return false;
}

/* What a look-up finds may make it ask again, and an ask that fails at once may end a
 * look-up: until nothing moves. */
static void resolver_pump(reef_resolver *r)
{
    while (r->stir) {
        r->stir = false;
        resolver_end_silent(r);
        for (size_t i = 0; i < REEF_LOOKUPS_MAX; i++)
            if (r->lookups[i] != NULL)
                reef_lookup_step(r->lookups[i]);
        reef_ask_pump(r);
    }
}

static bool resolver_op_of(reef_resolver *r, bool closing, reef_op *out)
{
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        reef_exchange *x = &r->exchanges[i];
        if ((x->state == REEF_EXCHANGE_CLOSING) != closing || !reef_exchange_op(x, out))
            continue;
        if (out->kind == REEF_OP_OPEN) {
            const reef_name_server *server = &x->ask->servers[x->server];
            memcpy(out->address, server->address, strlen(server->address) + 1);
            out->port = server->port;
        }
        /* Somebody may be waiting for the number. */
        r->stir = r->stir || closing;
        return true;
    }
    return false;
}

bool reef_resolver_next_op(reef_resolver *r, reef_op *out, bool *moved, int64_t now_ms)
{
    resolver_now(r, now_ms);
    bool more = resolver_op_files(r, out);
    if (!more) {
        resolver_pump(r);
        more = resolver_op_of(r, true, out) || resolver_op_of(r, false, out);
    }
    *moved = *moved || r->moved;
    r->moved = false;
    return more;
}
