/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan_set.h. Places are found by the first half, in steps of one. The table grows
 * by half when it is three quarters full, so it is never less than half full again, and
 * a key costs at most REEF_SCAN_MEMORY bytes once there are a thousand. */
#include "net/scan_set.h"
#include <stdlib.h>
#include <string.h>

enum { SET_CAP_MIN = 1024 };

void reef_scan_set_init(reef_scan_set *set, const unsigned char key[REEF_SCAN_SET_KEY])
{
    memset(set, 0, sizeof *set);
    reef_random_key(&set->hashes[0], key);
    reef_random_key(&set->hashes[1], key + REEF_RANDOM_KEY);
}

void reef_scan_set_free(reef_scan_set *set)
{
    free(set->places);
    memset(set, 0, sizeof *set);
}

/* Where this print is, or the free place where it belongs. */
static size_t set_find(const reef_scan_print *places, size_t cap,
                       const reef_scan_print *print)
{
    size_t at = (size_t)(print->half[0] % cap);
    while (places[at].half[1] != 0 && (places[at].half[0] != print->half[0] ||
                                       places[at].half[1] != print->half[1]))
        at = at + 1 < cap ? at + 1 : 0;
    return at;
}

static bool set_grow(reef_scan_set *set)
{
    size_t cap = set->cap > 0 ? set->cap + set->cap / 2 : SET_CAP_MIN;
    reef_scan_print *places = calloc(cap, sizeof *places);
    if (places == NULL)
        return false;
    for (size_t i = 0; i < set->cap; i++) {
        const reef_scan_print *print = &set->places[i];
        if (print->half[1] != 0)
            places[set_find(places, cap, print)] = *print;
    }
    free(set->places);
    set->places = places;
    set->cap = cap;
    return true;
}

reef_code reef_scan_set_add(reef_scan_set *set, reef_str key)
{
    reef_scan_print print = {{reef_random_of(&set->hashes[0], key),
                              reef_random_of(&set->hashes[1], key) | 1}};
    size_t at = set->cap > 0 ? set_find(set->places, set->cap, &print) : 0;
    if (set->cap > 0 && set->places[at].half[1] != 0)
        return REEF_CONFLICT;
    if (set->count >= REEF_SCAN_MAX)
        return REEF_LIMIT;
    if (set->count >= set->cap / 4 * 3) {
        if (!set_grow(set))
            return REEF_NOMEM;
        at = set_find(set->places, set->cap, &print);
    }
    set->places[at] = print;
    set->count++;
    return REEF_OK;
}
