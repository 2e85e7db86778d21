/* SPDX-License-Identifier: Apache-2.0
 *
 * wish: values for every setting of the table, by its kind. */
#include "test/unit/wish.h"

#include "test/unit/resp_help.h"
#include <string.h>

#define WISH_COUNT(words) (sizeof words / sizeof words[0])

static size_t wish_pick(uint64_t *random, size_t count)
{
    return (size_t)(help_random(random) % count);
}

/* No two of a list mean the same. */
static const char *const wish_hosts[] = {"localhost",         "10.0.0.7:6379",
                                         "[::1]:7000",        "unix:/run/redis.sock",
                                         "srv+redis.example", "redis-0.example:6380"};
static const char *const wish_servers[] = {"10.0.0.1", "10.0.0.2:5353", "[fd00::1]:54",
                                           "10.0.0.3:8600"};
static const char *const wish_times[] = {"1ms", "250ms", "5s", "2m", "1h"};
static const char *const wish_protocols[] = {"auto", "2", "3"};
static const char *const wish_failovers[] = {"early", "announced"};
static const char *const wish_texts[] = {
    "", "knot", "two words", "it's", "say \"hi\"", "C:\\temp\\new", "\\u0041",
    "a#b=c, d]}", "'''", "\"\"\"", "''quoted''", "\"quoted\"", " ",
    "k\xC3\xA4the \xE6\x97\xA5\xF0\x9F\x90\x9A", "\x7F\x1B\x01",
    /* a password alone may have these */
    "\x7F\x1B\r\x01", "]\n[server.redis]\ndb = 99\n", "\n\nlines \n and blanks\t\n"};
enum { WISH_OF_LINES = 3 };

static void wish_list(wish *w, uint64_t *random, const char *const words[],
                      size_t count)
{
    size_t first = wish_pick(random, count);
    w->is_list = true;
    w->count = 1 + wish_pick(random, WISH_TEXTS);
    for (size_t i = 0; i < w->count; i++)
        w->texts[i] = words[(first + i) % count];
}

static void wish_text(wish *w, uint64_t *random, const char *const words[],
                      size_t count)
{
    w->count = 1;
    w->texts[0] = words[wish_pick(random, count)];
}

static void wish_number(wish *w, uint64_t *random, uint64_t min, uint64_t max)
{
    w->is_number = true;
    w->number = min + help_random(random) % (max - min + 1);
    if (wish_pick(random, 3) == 0)
        w->number = wish_pick(random, 2) == 0 ? min : max;
}

static void wish_value(wish *w, uint64_t *random, const reef_setting_row *row)
{
    *w = (wish){.set = true, .kind = row->kind};
    switch (row->kind) {
    case REEF_KIND_FLAG:
        wish_number(w, random, 0, 1);
        return;
    case REEF_KIND_NUMBER:
        wish_number(w, random, row->min, row->max);
        return;
    case REEF_KIND_TIME:
        wish_text(w, random, wish_times, WISH_COUNT(wish_times));
        return;
    case REEF_KIND_PROTOCOL:
        wish_text(w, random, wish_protocols, WISH_COUNT(wish_protocols));
        return;
    case REEF_KIND_FAILOVER:
        wish_text(w, random, wish_failovers, WISH_COUNT(wish_failovers));
        return;
    case REEF_KIND_TEXT:
    case REEF_KIND_PREFIX:
        wish_text(w, random, wish_texts, WISH_COUNT(wish_texts) - WISH_OF_LINES);
        return;
    case REEF_KIND_SECRET:
        wish_text(w, random, wish_texts, WISH_COUNT(wish_texts));
        return;
    case REEF_KIND_HOSTS:
        wish_list(w, random, wish_hosts, WISH_COUNT(wish_hosts));
        return;
    case REEF_KIND_NAMESERVERS:
    case REEF_KIND_CONSUL:
        wish_list(w, random, wish_servers, WISH_COUNT(wish_servers));
        return;
    }
}

void wish_any(wishes *w, uint64_t seed)
{
    uint64_t random = seed;
    size_t sure = wish_pick(&random, REEF_SETTINGS);
    size_t share = 1 + wish_pick(&random, 4);
    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < REEF_SETTINGS; i++)
        if (i == sure || wish_pick(&random, share) == 0)
            wish_value(&w->of[i], &random, reef_setting_at((reef_setting)i));
}

static bool wish_same(const wish *a, const wish *b)
{
    bool same = a->number == b->number && a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->texts[i], b->texts[i]) == 0;
    return same;
}

void wish_other(wishes *w, uint64_t seed)
{
    uint64_t random = seed;
    size_t i = wish_pick(&random, REEF_SETTINGS);
    while (!w->of[i].set)
        i = (i + 1) % REEF_SETTINGS;
    wish old = w->of[i];
    while (wish_same(&w->of[i], &old))
        wish_value(&w->of[i], &random, reef_setting_at((reef_setting)i));
}
