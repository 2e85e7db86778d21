/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are kept, and the cache of them. The key of an entry is the whole
 * question and the servers that were asked: what one group of servers says of a name is
 * not what another would say.
 *
 * Kept are answers with records, and denials that say for how long (RFC 2308); a time
 * to live of 0 means: for who asked, and nobody else. */
#include "net/resolve_in.h"

#include <stdlib.h>
#include <string.h>

/* ---- records ------------------------------------------------------------------ */

static void *records_copy(unsigned char **at, const void *from, size_t len)
{
    void *to = *at;
    if (len > 0)
        memcpy(to, from, len);
    *at += len;
    return to;
}

reef_records *reef_records_new(const reef_dns_reading *reading,
                               const reef_dns_question *q, uint32_t route,
                               const char *server)
{
    const reef_dns_answer *a = &reading->answer;
    size_t srv = a->srv_count * sizeof *a->srv;
    size_t targets = a->target_count * sizeof *a->targets;
    size_t addresses = a->address_count * sizeof *a->addresses;
    size_t message = a->srv_count > 0 ? reading->message.len : 0;
    size_t size = sizeof(reef_records) + srv + targets + addresses + message;
    reef_records *records = malloc(size);
    if (records == NULL)
        return NULL;
    unsigned char *at = (unsigned char *)(records + 1);
    memset(records, 0, sizeof *records);
    records->holders = 1;
    records->route = route;
    records->size = size;
    records->question = *q;
    records->answer = *a;
    records->answer.srv = records_copy(&at, a->srv, srv);
    records->answer.targets = records_copy(&at, a->targets, targets);
    records->answer.addresses = records_copy(&at, a->addresses, addresses);
    records->message.ptr = records_copy(&at, reading->message.ptr, message);
    records->message.len = message;
    memcpy(records->server, server, strlen(server) + 1);
    return records;
}

reef_records *reef_records_hold(reef_records *records)
{
    if (records != NULL)
        records->holders++;
    return records;
}

void reef_records_drop(reef_records *records)
{
    if (records != NULL && --records->holders == 0)
        free(records);
}

/* ---- the cache ---------------------------------------------------------------- */

static void cache_clear(reef_dns_cache *cache, reef_cached *entry)
{
    if (entry->records == NULL)
        return;
    cache->bytes -= entry->records->size;
    reef_records_drop(entry->records);
    entry->records = NULL;
}

static bool cache_is(const reef_cached *entry, const reef_dns_name *name, uint16_t type,
                     uint32_t route)
{
    const reef_records *records = entry->records;
    return records != NULL && records->question.type == type &&
           records->route == route &&
           reef_dns_name_equal(&records->question.name, name);
}

static reef_cached *cache_entry(reef_dns_cache *cache, const reef_dns_name *name,
                                uint16_t type, uint32_t route)
{
    for (size_t i = 0; i < REEF_CACHE_MAX; i++)
        if (cache_is(&cache->entries[i], name, type, route))
            return &cache->entries[i];
    return NULL;
}

reef_records *reef_dns_cache_find(reef_dns_cache *cache, const reef_cache_wish *wish,
                                  int64_t now_ms)
{
    reef_cached *entry = cache_entry(cache, wish->name, wish->type, wish->route);
    if (entry == NULL || entry->since < wish->since)
        return NULL;
    if (now_ms >= entry->until_ms) {
        cache_clear(cache, entry);
        return NULL;
    }
    entry->used = ++cache->used;
    return reef_records_hold(entry->records);
}

/* Seconds; 0: it is not to be kept. */
static uint32_t cache_seconds(const reef_dns_answer *answer)
{
    uint32_t ttl = 0;
    if (answer->outcome == REEF_DNS_OK)
        ttl = answer->ttl;
    else if ((answer->outcome == REEF_DNS_NODATA ||
              answer->outcome == REEF_DNS_NXDOMAIN) &&
             answer->negative)
        ttl = answer->negative_ttl;
    return ttl < REEF_CACHE_TTL_MAX_S ? ttl : REEF_CACHE_TTL_MAX_S;
}

/* A place that is free or over; else the one that was not used for longest. */
static reef_cached *cache_place(reef_dns_cache *cache, int64_t now_ms)
{
    reef_cached *oldest = &cache->entries[0];
    for (size_t i = 0; i < REEF_CACHE_MAX; i++) {
        reef_cached *entry = &cache->entries[i];
        if (entry->records == NULL || now_ms >= entry->until_ms)
            return entry;
        if (entry->used < oldest->used)
            oldest = entry;
    }
    return oldest;
}

/* False: it is empty. */
static bool cache_clear_oldest(reef_dns_cache *cache)
{
    reef_cached *oldest = NULL;
    for (size_t i = 0; i < REEF_CACHE_MAX; i++) {
        reef_cached *entry = &cache->entries[i];
        if (entry->records != NULL && (oldest == NULL || entry->used < oldest->used))
            oldest = entry;
    }
    if (oldest == NULL)
        return false;
    cache_clear(cache, oldest);
    return true;
}

void reef_dns_cache_put(reef_dns_cache *cache, reef_records *records, int64_t now_ms)
{
    uint32_t seconds = cache_seconds(&records->answer);
    reef_cached *entry = cache_entry(cache, &records->question.name,
                                     records->question.type, records->route);
    /* Even what can't be kept is newer than what was. */
    if (entry != NULL)
        cache_clear(cache, entry);
    if (seconds == 0 || records->size > REEF_CACHE_BYTES)
        return;
    while (cache->bytes + records->size > REEF_CACHE_BYTES &&
           cache_clear_oldest(cache)) {
    }
    entry = cache_place(cache, now_ms);
    cache_clear(cache, entry);
    entry->records = reef_records_hold(records);
    entry->until_ms = now_ms + (int64_t)seconds * 1000;
    entry->since = entry->used = ++cache->used;
    cache->bytes += records->size;
}

void reef_dns_cache_forget(reef_dns_cache *cache, uint32_t route)
{
    for (size_t i = 0; i < REEF_CACHE_MAX; i++) {
        reef_cached *entry = &cache->entries[i];
        if (entry->records != NULL && (entry->records->route & route) != 0)
            cache_clear(cache, entry);
    }
}
