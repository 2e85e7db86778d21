/* SPDX-License-Identifier: Apache-2.0
 *
 * A leg: one type of one name, followed to its end. Where a server only says that the
 * name is an alias, the alias is asked for in its turn, wherever its own domain is
 * served. An alias that was met before ends it, and so does one too many. */
#include "net/resolve_in.h"

#include <stdio.h>
#include <string.h>

static const reef_dns_name *leg_name(const reef_leg *leg)
{
    return &leg->names[leg->name_count - 1];
}

static void leg_end(reef_leg *leg, reef_records *records)
{
    leg->open = false;
    leg->records = records;
}

static void leg_ask(reef_resolver *r, reef_leg *leg)
{
    bool full = false;
    reef_dns_question q = {.type = leg->type, .name = *leg_name(leg)};
    leg->ask = reef_ask_get(r, &q, reef_resolver_route(r, &q.name, leg->fallback),
                            leg->server, &full);
    /* With all of them in use it is tried again at the next step. */
    if (leg->ask != NULL || full)
        return;
    reef_words_nomem(&leg->why);
    leg_end(leg, NULL);
}

/* Another name of a server's making: false if it is not to be followed. */
static bool leg_follow(reef_leg *leg, const reef_dns_name *alias)
{
    char text[REEF_ERROR_TEXT];
    reef_words_name first = reef_words_of(&leg->names[0]);
    reef_words_name last = reef_words_of(alias);
    for (uint32_t i = 0; i < leg->name_count; i++) {
        if (!reef_dns_name_equal(&leg->names[i], alias))
            continue;
        snprintf(text, sizeof text, "%s is an alias that leads in a circle, by %s",
                 first.text, last.text);
        reef_words_put(&leg->why, text);
        return false;
    }
    if (leg->name_count > REEF_ALIASES_MAX) {
        snprintf(text, sizeof text,
                 "%s leads through more than %d aliases, the last %s", first.text,
                 (int)REEF_ALIASES_MAX, last.text);
        reef_words_put(&leg->why, text);
        return false;
    }
    leg->names[leg->name_count++] = *alias;
    return true;
}

/* Takes the records over. */
static void leg_take(reef_leg *leg, reef_records *records)
{
    const reef_dns_name *alias = &records->answer.alias;
    if (records->answer.outcome != REEF_DNS_CNAME) {
        /* It is the alias that does not exist or has nothing. */
        if (alias->len > 0 && leg->name_count <= REEF_ALIASES_MAX)
            leg->names[leg->name_count++] = *alias;
        leg_end(leg, records);
        return;
    }
    if (!leg_follow(leg, alias))
        leg_end(leg, NULL);
    reef_records_drop(records);
}

static reef_records *leg_cached(reef_resolver *r, const reef_leg *leg)
{
    reef_cache_wish wish = {leg_name(leg), leg->type,
                            reef_resolver_route(r, leg_name(leg), leg->fallback),
                            leg->since};
    return reef_dns_cache_find(&r->cache, &wish, r->now_ms);
}

static void leg_settled(reef_resolver *r, reef_leg *leg)
{
    reef_records *records = reef_records_hold(leg->ask->records);
    leg->why = leg->ask->why;
    reef_ask_drop(r, leg->ask, false);
    leg->ask = NULL;
    if (records == NULL) {
        leg_end(leg, NULL);
        return;
    }
    memcpy(leg->server, records->server, sizeof records->server);
    leg_take(leg, records);
}

void reef_leg_step(reef_resolver *r, reef_leg *leg)
{
    while (leg->open) {
        if (leg->ask != NULL && !leg->ask->settled)
            return;
        if (leg->ask != NULL) {
            leg_settled(r, leg);
            continue;
        }
        reef_records *records = leg_cached(r, leg);
        if (records != NULL) {
            leg_take(leg, records);
            continue;
        }
        leg_ask(r, leg);
        if (leg->ask == NULL)
            return;
    }
}

void reef_leg_start(reef_resolver *r, reef_leg *leg, const reef_dns_name *name)
{
    leg->open = true;
    leg->ask = NULL;
    leg->records = NULL;
    leg->why.code = REEF_OK;
    leg->names[0] = *name;
    leg->name_count = 1;
    reef_leg_step(r, leg);
}

void reef_leg_expire(reef_resolver *r, reef_leg *leg, const reef_error *why)
{
    if (!leg->open)
        return;
    reef_records *records = NULL;
    leg->why = *why;
    if (leg->ask != NULL) {
        records = reef_ask_spare(leg->ask);
        /* There is no time to follow it. */
        if (records != NULL && records->answer.outcome == REEF_DNS_CNAME)
            records = NULL;
        reef_records_hold(records);
        reef_ask_drop(r, leg->ask, true);
        leg->ask = NULL;
    }
    leg_end(leg, records);
}

void reef_leg_drop(reef_resolver *r, reef_leg *leg)
{
    if (leg->ask != NULL)
        reef_ask_drop(r, leg->ask, false);
    reef_records_drop(leg->records);
    leg->ask = NULL;
    leg->records = NULL;
    leg->open = false;
}

bool reef_leg_is(const reef_leg *leg, reef_dns_outcome outcome)
{
    return leg->records != NULL && leg->records->answer.outcome == outcome;
}

bool reef_leg_denied(const reef_leg *leg)
{
    return reef_leg_is(leg, REEF_DNS_NXDOMAIN) || reef_leg_is(leg, REEF_DNS_NODATA);
}
