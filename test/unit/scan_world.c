/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan_world.h. */
#include "test/unit/scan_world.h"

#include <stdio.h>
#include <string.h>

enum { WORLD_SHARD_SLOTS = REEF_SLOT_COUNT / WORLD_SHARDS, WORLD_NOBODY = -1 };

static uint64_t world_mix(uint64_t word)
{
    word += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

uint32_t world_below(world *w, uint32_t bound)
{
    w->random = world_mix(w->random);
    return (uint32_t)((w->random >> 32) % bound);
}

static bool world_chance(world *w, uint32_t percent)
{
    return world_below(w, 100) < percent;
}

/* ---- who, where, what --------------------------------------------------------- */

static uint32_t world_hot_slot(int hot)
{
    return (uint32_t)(1700 * hot + 31);
}

/* The hot slot of a key; -1: it is of a slot that stays. */
static int world_hot(int key)
{
    int of = key % (WORLD_HOT + WORLD_SHARDS);
    return of < WORLD_HOT ? of : -1;
}

static int world_home(int key)
{
    return key % (WORLD_HOT + WORLD_SHARDS) - WORLD_HOT;
}

uint32_t world_slot(int key)
{
    int hot = world_hot(key);
    return hot >= 0 ? world_hot_slot(hot)
                    : (uint32_t)(world_home(key) * WORLD_SHARD_SLOTS + 7);
}

static int world_master(const world *w, int shard)
{
    return w->nodes[2 * shard].face.master ? 2 * shard : 2 * shard + 1;
}

static int world_owner(const world *w, int hot)
{
    for (int shard = 0; shard < WORLD_SHARDS; shard++)
        if (w->nodes[world_master(w, shard)].face.own[hot] &&
            w->late[hot] != world_master(w, shard))
            return world_master(w, shard);
    return WORLD_NOBODY;
}

/* Where a key would be written now. */
static int world_place(const world *w, int key)
{
    int hot = world_hot(key);
    if (hot < 0)
        return world_master(w, world_home(key));
    int owner = world_owner(w, hot), to = w->nodes[owner].to[hot];
    if (to != WORLD_NOBODY && w->nodes[to].face.master &&
        w->nodes[to].from[hot] == owner)
        return to;
    return owner;
}

static bool world_sound(const world *w, int node)
{
    return w->nodes[node].up && !w->nodes[node].cut && w->nodes[node].face.master;
}

static uint64_t world_top_epoch(const world *w)
{
    uint64_t top = 0;
    for (int i = 0; i < WORLD_NODES; i++)
        top = w->nodes[i].face.epoch > top ? w->nodes[i].face.epoch : top;
    return top;
}

int world_find(const world *w, const char *id)
{
    for (int i = 0; i < WORLD_NODES; i++)
        if (strcmp(w->nodes[i].id, id) == 0)
            return i;
    return WORLD_NOBODY;
}

/* ---- beginning ---------------------------------------------------------------- */

static void world_gossip(world *w, int node)
{
    for (int i = 0; i < WORLD_NODES && !w->nodes[node].cut; i++) {
        w->nodes[node].view[i] = w->nodes[i].face;
        w->nodes[node].view[i].failed = !w->nodes[i].up || w->nodes[i].cut;
    }
}

void world_begin(world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->random = seed;
    w->slots = 1 + world_below(w, WORLD_HOT);
    w->falls = world_below(w, 3) * 15;
    w->talks = 5 + world_below(w, 2) * 90;
    for (int i = 0; i < WORLD_NODES; i++) {
        world_node *n = &w->nodes[i];
        snprintf(n->id, sizeof n->id, "%08x%032x", (unsigned)(i * 77 + 5), 1);
        n->up = true;
        n->process = (uint32_t)i;
        n->face.master = i % 2 == 0;
        n->face.epoch = (uint64_t)(1 + i / 2);
        memset(n->to, 0xFF, sizeof n->to);
        memset(n->from, 0xFF, sizeof n->from);
    }
    for (int hot = 0; hot < WORLD_HOT; hot++) {
        w->nodes[2 * (hot % WORLD_SHARDS)].face.own[hot] = true;
        w->late[hot] = WORLD_NOBODY;
        w->told[hot] = true;
    }
    for (int i = 0; i < WORLD_NODES; i++)
        world_gossip(w, i);
    for (int key = 0; key < WORLD_KEYS; key++)
        if (world_chance(w, 50))
            w->nodes[world_place(w, key)].has[key] = true;
}

/* ---- hand-overs --------------------------------------------------------------- */

static void world_hand(world *w, int hot)
{
    int from = world_owner(w, hot),
        to = world_master(w, (int)world_below(w, WORLD_SHARDS));
    if (!w->told[hot] || w->late[hot] != WORLD_NOBODY || !world_sound(w, from) ||
        !world_sound(w, to) || from / 2 == to / 2 ||
        w->nodes[from].to[hot] != WORLD_NOBODY)
        return;
    w->nodes[from].to[hot] = to;
    w->nodes[to].from[hot] = from;
    w->told[hot] = false;
}

/* Both ends of a hand-over are there: the importer; else WORLD_NOBODY. */
static int world_importer(const world *w, int hot)
{
    int from = world_owner(w, hot), to = w->nodes[from].to[hot];
    bool whole = to != WORLD_NOBODY && w->late[hot] == WORLD_NOBODY &&
                 world_sound(w, from) && world_sound(w, to) &&
                 w->nodes[to].from[hot] == from;
    return whole ? to : WORLD_NOBODY;
}

static void world_carry(world *w, int hot, int from, int to, uint32_t percent)
{
    for (int key = 0; key < WORLD_KEYS; key++) {
        if (world_hot(key) != hot || !w->nodes[from].has[key] ||
            !world_chance(w, percent))
            continue;
        w->nodes[to].has[key] = true;
        w->nodes[from].has[key] = false;
    }
}

static void world_move(world *w, int hot, uint32_t percent)
{
    int to = world_importer(w, hot);
    if (to != WORLD_NOBODY)
        world_carry(w, hot, world_owner(w, hot), to, percent);
}

/* The one that loses it may hear of it later. */
static void world_finish(world *w, int hot)
{
    int to = world_importer(w, hot), from = world_owner(w, hot);
    if (to == WORLD_NOBODY)
        return;
    world_carry(w, hot, from, to, 100);
    if (w->nodes[to].face.epoch != world_top_epoch(w))
        w->nodes[to].face.epoch = world_top_epoch(w) + 1;
    w->nodes[to].from[hot] = WORLD_NOBODY;
    w->nodes[to].face.own[hot] = true;
    w->late[hot] = from;
    w->told[hot] = true;
}

static void world_hear(world *w, int hot)
{
    int late = w->late[hot];
    if (late == WORLD_NOBODY)
        return;
    w->nodes[late].face.own[hot] = false;
    w->nodes[late].to[hot] = WORLD_NOBODY;
    w->late[hot] = WORLD_NOBODY;
}

static void world_cancel(world *w, int hot)
{
    int to = world_importer(w, hot), from = world_owner(w, hot);
    if (to == WORLD_NOBODY || !w->told[hot])
        return;
    world_carry(w, hot, to, from, 100);
    w->nodes[to].from[hot] = w->nodes[from].to[hot] = WORLD_NOBODY;
    w->told[hot] = false;
}

/* Who imports has another master now, or another owner: they are told of each other. */
static void world_repair(world *w, int hot)
{
    int from = world_owner(w, hot), to = w->nodes[from].to[hot];
    if (to == WORLD_NOBODY || !w->told[hot] || w->late[hot] != WORLD_NOBODY)
        return;
    to = world_master(w, to / 2);
    if (!world_sound(w, from) || !world_sound(w, to) ||
        (w->nodes[from].to[hot] == to && w->nodes[to].from[hot] == from))
        return;
    w->nodes[from].to[hot] = to;
    w->nodes[to].from[hot] = from;
    w->told[hot] = false;
}

/* ---- nodes -------------------------------------------------------------------- */

static void world_forget(world_node *n)
{
    memset(n->to, 0xFF, sizeof n->to);
    memset(n->from, 0xFF, sizeof n->from);
}

/* Keys of a hand-over whose owner forgot it can't be reached any more. */
static void world_lose(world *w, int hot, int from)
{
    for (int key = 0; key < WORLD_KEYS && w->nodes[from].to[hot] != WORLD_NOBODY; key++)
        if (world_hot(key) == hot && !w->nodes[from].has[key])
            w->lasting[key] = false;
}

/* The other node of the shard becomes the master. */
static void world_take_over(world *w, int shard, bool forgets)
{
    int old = world_master(w, shard), heir = old ^ 1;
    world_node *from = &w->nodes[old], *to = &w->nodes[heir];
    for (int hot = 0; hot < WORLD_HOT; hot++) {
        if (w->late[hot] == old)
            world_hear(w, hot);
        if (forgets)
            world_lose(w, hot, old);
    }
    memcpy(to->has, from->has, sizeof to->has);
    memcpy(to->to, from->to, sizeof to->to);
    memcpy(to->from, from->from, sizeof to->from);
    to->face = from->face;
    to->face.epoch = world_top_epoch(w) + 1;
    from->ghost = from->face;
    from->face.master = false;
    if (forgets)
        world_forget(to);
    if (!from->cut)
        world_forget(from);
}

/* A master goes down, or is cut off; or the one that is down is replaced. */
static void world_fall(world *w, int shard)
{
    int old = world_master(w, shard), heir = old ^ 1;
    world_node *master = &w->nodes[old];
    bool heir_sound = w->nodes[heir].up && !w->nodes[heir].cut;
    if (!master->up && heir_sound) {
        world_take_over(w, shard, world_chance(w, 50));
    } else if (master->up && world_chance(w, 50)) {
        master->up = false;
    } else if (master->up && heir_sound) {
        master->cut = world_chance(w, 50); /* else it is asked to hand over */
        world_take_over(w, shard, world_chance(w, 50));
    }
}

static void world_heal(world *w, int node)
{
    if (w->nodes[node].cut)
        world_forget(&w->nodes[node]);
    w->nodes[node].cut = false;
    world_gossip(w, node);
}

static void world_restart(world *w, int node)
{
    w->nodes[node].process = world_below(w, 1u << 30);
    w->nodes[node].up = true;
}

static void world_key(world *w)
{
    int key = (int)world_below(w, WORLD_KEYS);
    if (w->walking && key % 2 == 0)
        return;
    for (int i = 0; i < WORLD_NODES; i++)
        if (w->nodes[i].face.master)
            w->nodes[i].has[key] = false;
    w->nodes[world_place(w, key)].has[key] = world_chance(w, 60);
}

static void world_slot_event(world *w, int hot)
{
    uint32_t what = world_below(w, 8);
    if (what == 0)
        world_hand(w, hot);
    else if (what <= 3)
        world_move(w, hot, 40);
    else if (what == 4)
        world_finish(w, hot);
    else if (what == 5)
        world_hear(w, hot);
    else if (what == 6)
        world_cancel(w, hot);
    else
        world_repair(w, hot);
}

void world_event(world *w)
{
    int node = (int)world_below(w, WORLD_NODES);
    uint32_t what = world_below(w, 12);
    if (what < 8)
        world_slot_event(w, (int)world_below(w, w->slots));
    else if (what == 8 && world_chance(w, w->falls))
        world_fall(w, node / 2);
    else if (what == 9 && world_chance(w, w->nodes[node].up ? w->falls : 80))
        world_restart(w, node);
    else if (what == 10 && world_chance(w, w->falls))
        world_heal(w, node);
    else if (what == 10 && world_chance(w, w->talks))
        world_gossip(w, node);
    else
        world_key(w);
}

void world_watch(world *w)
{
    w->walking = true;
    for (int key = 0; key < WORLD_KEYS; key += 2)
        w->lasting[key] =
            w->nodes[world_place(w, key)].has[key] ||
            (world_hot(key) >= 0 && w->nodes[world_owner(w, world_hot(key))].has[key]);
}

void world_calm(world *w)
{
    for (int shard = 0; shard < WORLD_SHARDS; shard++)
        if (!w->nodes[world_master(w, shard)].up)
            w->nodes[world_master(w, shard)].up = true;
    for (int i = 0; i < WORLD_NODES; i++) {
        w->nodes[i].up = true;
        world_heal(w, i);
    }
    for (int hot = 0; hot < WORLD_HOT; hot++)
        world_hear(w, hot);
    for (int i = 0; i < WORLD_NODES; i++)
        world_gossip(w, i);
}

/* ---- what nodes say ----------------------------------------------------------- */

/* A node as another one, or it itself, takes it. */
static const world_face *world_face_of(const world *w, int teller, int node)
{
    const world_node *n = &w->nodes[teller];
    if (teller != node)
        return &n->view[node];
    return n->cut ? &n->ghost : &n->face;
}

/* A node knows one owner of each slot: itself before others. */
static bool world_owns(const world *w, int teller, int node, int hot)
{
    int best = world_face_of(w, teller, teller)->own[hot] ? teller : WORLD_NOBODY;
    for (int i = 0; i < WORLD_NODES && best != teller; i++) {
        const world_face *face = world_face_of(w, teller, i);
        if (face->master && face->own[hot] &&
            (best == WORLD_NOBODY ||
             face->epoch > world_face_of(w, teller, best)->epoch))
            best = i;
    }
    return best == node && world_face_of(w, teller, node)->master;
}

static size_t world_spans(const world *w, int teller, int node, char *out, size_t cap)
{
    size_t len = 0;
    uint32_t first = (uint32_t)(node / 2 * WORLD_SHARD_SLOTS);
    uint32_t end = first + WORLD_SHARD_SLOTS;
    bool home = teller / 2 != node / 2 || teller == node ||
                !world_face_of(w, teller, teller)->master;
    for (int hot = 0; hot < WORLD_HOT; hot++) {
        uint32_t slot = world_hot_slot(hot);
        if (world_owns(w, teller, node, hot))
            len += (size_t)snprintf(out + len, cap - len, " %u", slot);
        if (!home || slot < first || slot >= end)
            continue;
        if (slot > first)
            len += (size_t)snprintf(out + len, cap - len, " %u-%u", first, slot - 1);
        first = slot + 1;
    }
    if (home)
        len += (size_t)snprintf(out + len, cap - len, " %u-%u", first, end - 1);
    return len;
}

static size_t world_own_ways(const world *w, int node, char *out, size_t cap)
{
    const world_node *n = &w->nodes[node];
    size_t len = 0;
    for (int hot = 0; hot < WORLD_HOT; hot++) {
        if (n->to[hot] >= 0)
            len += (size_t)snprintf(out + len, cap - len, " [%u->-%s]",
                                    world_hot_slot(hot), w->nodes[n->to[hot]].id);
        if (n->from[hot] >= 0)
            len += (size_t)snprintf(out + len, cap - len, " [%u-<-%s]",
                                    world_hot_slot(hot), w->nodes[n->from[hot]].id);
    }
    return len;
}

static size_t world_line(const world *w, int teller, int node, char *out, size_t cap)
{
    const world_node *n = &w->nodes[teller];
    bool self = teller == node;
    const world_face *face = world_face_of(w, teller, node);
    const char *fail = self ? "" : n->cut ? ",fail?" : face->failed ? ",fail" : "";
    size_t len = (size_t)snprintf(
        out, cap, "%s 127.0.0.1:%d@%d %s%s%s %s 0 0 %u connected", w->nodes[node].id,
        7000 + node, 17000 + node, self ? "myself," : "",
        face->master ? "master" : "slave", fail,
        face->master ? "-" : w->nodes[node ^ 1].id, (unsigned)face->epoch);
    if (face->master)
        len += world_spans(w, teller, node, out + len, cap - len);
    if (self && face->master)
        len += world_own_ways(w, node, out + len, cap - len);
    return len + (size_t)snprintf(out + len, cap - len, "\n");
}

bool world_says(world *w, int node, char out[WORLD_TEXT])
{
    size_t len = 0;
    if (!w->nodes[node].up)
        return false;
    for (int i = 0; i < WORLD_NODES; i++)
        len += world_line(w, node, i, out + len, WORLD_TEXT - len);
    for (int hot = 0; hot < WORLD_HOT; hot++)
        if (world_owner(w, hot) == node)
            w->told[hot] = true;
    return true;
}

bool world_lists(const world *w, int teller, int node)
{
    return world_face_of(w, teller, node)->master;
}

bool world_shows(const world *w, int node, uint32_t page, int key)
{
    const world_node *n = &w->nodes[node];
    uint64_t where = world_mix((uint64_t)n->process << 16 | (uint64_t)key);
    return n->has[key] && where % WORLD_BUCKETS == page;
}
