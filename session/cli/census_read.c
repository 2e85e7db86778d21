/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture of a Cluster out of what each of its nodes says.
 *
 * Theory: every node has a roster of its own (CLUSTER NODES), and news travel. Two
 * rosters are of one mind when each slot has the same owner in both, and each owner the
 * same configuration epoch. The mind of most nodes counts; the others are held against
 * it. What a node alone can know, that it serves a slot itself and which ones it is
 * giving away or taking in, is taken from its own line in its own roster.
 *
 * Invariants: pure; numbers of nodes and slots are checked by the roster's reader and
 * here before they index anything; work is bounded by the length of the texts, by
 * REEF_NODES_MAX and by CENSUS_SPANS ranges of one roster. */
#include "session/cli/census.h"

#include <string.h>

enum { CENSUS_SPANS = REEF_SLOT_COUNT /* of one roster; there can't be more */ };

/* ---- nodes -------------------------------------------------------------------- */

/* FNV-1a, for the buckets alone. */
static uint32_t census_hash(const char *id)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * UINT32_C(16777619);
    return hash;
}

/* The bucket that holds this id, or the free one where it belongs. */
static cli_node_number *census_bucket(cli_census *c, const char *id)
{
    uint32_t at = census_hash(id) % CLI_CENSUS_BUCKETS;
    while (c->buckets[at] != 0 && strcmp(c->nodes[c->buckets[at] - 1].id, id) != 0)
        at = (at + 1) % CLI_CENSUS_BUCKETS;
    return &c->buckets[at];
}

/* Its number; 0: there is none of that id. */
static cli_node_number census_number(cli_census *c, const char *id)
{
    return id[0] != '\0' ? *census_bucket(c, id) : 0;
}

static cli_node_number census_add(cli_census *c, const char *id)
{
    cli_node_number *bucket = census_bucket(c, id);
    if (*bucket != 0 || id[0] == '\0')
        return *bucket;
    if (c->count == REEF_NODES_MAX) {
        c->dropped++;
        return 0;
    }
    cli_node *node = &c->nodes[c->count++];
    cli_join(node->id, sizeof node->id, id, "", "");
    *bucket = (cli_node_number)c->count;
    return *bucket;
}

cli_node *cli_census_node(cli_census *c, const char *id)
{
    cli_node_number number = census_number(c, id);
    return number != 0 ? &c->nodes[number - 1] : NULL;
}

const cli_node *cli_census_at(const cli_census *c, cli_node_number number)
{
    return number != 0 && number <= c->count ? &c->nodes[number - 1] : NULL;
}

/* ---- one roster --------------------------------------------------------------- */

/* Called for each range of slots of each line. */
typedef struct census_walk {
    reef_str text; /* what is left of the roster … */
    reef_roster_row row;
    cli_node_number number; /* of the line's node */
    reef_roster_span span;
    uint32_t spans;
} census_walk;

/* On to the next line whose node has a number; false: none left. */
static bool census_next_row(cli_census *c, census_walk *w, bool add)
{
    while (reef_roster_next(&w->text, &w->row)) {
        w->number = add ? census_add(c, w->row.id) : census_number(c, w->row.id);
        if (w->number != 0)
            return true;
    }
    return false;
}

/* On to the line's next range. */
static bool census_next_span(census_walk *w)
{
    if (w->spans >= CENSUS_SPANS || !reef_roster_span_next(&w->row.slots, &w->span) ||
        w->span.last >= REEF_SLOT_COUNT || w->span.first > w->span.last)
        return false;
    w->spans++;
    return true;
}

static uint64_t census_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Who owns what by this roster, into the scratch map. Returns the roster's mark: the
 * same for two of one mind. */
static uint64_t census_map(cli_census *c, reef_str text, uint64_t *top_epoch)
{
    census_walk w = {.text = text};
    uint64_t epochs = 0, mark = 0;
    memset(c->scratch, 0, sizeof c->scratch);
    *top_epoch = 0;
    while (census_next_row(c, &w, false)) {
        bool owner = false;
        while (census_next_span(&w)) {
            if (w.span.kind != REEF_SPAN_OWNED)
                continue;
            owner = true;
            for (uint32_t slot = w.span.first; slot <= w.span.last; slot++)
                c->scratch[slot] = w.number;
        }
        if (owner)
            epochs += census_mix(w.row.epoch * 1021 + w.number);
        if (owner && w.row.epoch > *top_epoch)
            *top_epoch = w.row.epoch;
    }
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT; slot++)
        mark = (mark ^ c->scratch[slot]) * UINT64_C(1099511628211) + 1;
    return census_mix(mark) ^ epochs;
}

/* ---- what each line adds ------------------------------------------------------ */

/* "10.0.0.1:7000", "[::1]:7000" */
static void census_place(cli_node *node, const reef_roster_row *row)
{
    reef_str host = row->host.len > 0 ? row->host : row->hostname;
    bool v6 = host.len > 0 && memchr(host.ptr, ':', host.len) != NULL;
    if (node->peer[0] != '\0' || host.len == 0 || row->port == 0)
        return;
    (void)snprintf(node->peer, sizeof node->peer, "%s%.*s%s:%u", v6 ? "[" : "",
                   (int)(host.len < 100 ? host.len : 100), host.ptr, v6 ? "]" : "",
                   (unsigned)row->port);
}

static void census_role(cli_node *node, const reef_roster_row *row)
{
    node->master = row->master;
    node->replica = row->replica && !row->master;
    node->epoch = row->epoch;
    cli_join(node->master_id, sizeof node->master_id, row->master_id, "", "");
}

/* A slot that a node gives away or takes in, by its own word. */
static void census_move(cli_census *c, const census_walk *w)
{
    cli_node_number other = census_number(c, w->span.other);
    cli_moving *m = &c->moving[w->span.first];
    c->moves += m->giver == 0 && m->taker == 0;
    if (w->span.kind == REEF_SPAN_MIGRATING) {
        m->giver = w->number;
        m->giver_to = other;
    } else {
        m->taker = w->number;
        m->taker_from = other;
    }
}

/* A slot that a node says is its own. */
static void census_claim(cli_census *c, uint32_t slot, cli_node_number number)
{
    if (c->claims[slot] == 0)
        c->claims[slot] = number;
    if (c->claims[slot] == number || c->others[slot] != 0)
        return;
    c->others[slot] = number;
    c->rivals++;
}

/* What a master says of itself. */
static void census_own(cli_census *c, census_walk *w)
{
    while (census_next_span(w)) {
        if (w->span.kind != REEF_SPAN_OWNED) {
            census_move(c, w);
            continue;
        }
        for (uint32_t slot = w->span.first; slot <= w->span.last; slot++)
            census_claim(c, slot, w->number);
    }
}

/* What a node says of another one; or the same taken back. */
static void census_other(cli_node *node, const reef_roster_row *row, bool taken_back)
{
    uint32_t one = taken_back ? UINT32_MAX : 1; /* so that it adds or subtracts */
    node->fails += row->failed ? one : 0;
    node->suspects += row->suspected && !row->failed ? one : 0;
    node->cut += row->connected ? 0 : one;
}

/* All nodes get their numbers before a slot's mover is looked for among them. */
static void census_list(cli_census *c, cli_node *voice, reef_str text)
{
    census_walk w = {.text = text};
    while (census_next_row(c, &w, true)) {
        cli_node *node = &c->nodes[w.number - 1];
        census_place(node, &w.row);
        node->handshake = node->handshake || w.row.handshake;
        node->homeless = node->homeless || (w.row.homeless && !w.row.myself);
        if (!node->master && !node->replica)
            census_role(node, &w.row);
        if (w.row.myself)
            continue;
        census_other(node, &w.row, false);
        node->known++;
        voice->listed++;
        voice->doubts += w.row.failed || w.row.suspected;
    }
    voice->answered = true;
    c->views++;
}

static void census_hear(cli_census *c, cli_node *node, reef_str text)
{
    census_walk w = {.text = text};
    bool found = false;
    while (!found && census_next_row(c, &w, false)) {
        found = w.row.myself && &c->nodes[w.number - 1] == node;
        /* A replica may repeat what its master gives and takes. */
        if (found && w.row.master)
            census_own(c, &w);
    }
    node->view = census_map(c, text, &node->top_epoch);
}

/* Whose word on the others counts: one that finds most of them lost is lost itself, as
 * long as most don't find so. */
static void census_hush(cli_census *c)
{
    uint32_t lonely = 0;
    for (size_t i = 0; i < c->count; i++) {
        cli_node *node = &c->nodes[i];
        node->cut_off = node->answered && node->doubts * 2 > node->listed;
        lonely += node->cut_off;
    }
    bool few = lonely * 2 < c->views;
    for (size_t i = 0; i < c->count; i++)
        c->nodes[i].cut_off = c->nodes[i].cut_off && few;
    c->voices = few ? c->views - lonely : c->views;
}

/* What it said of the others is as if it had not been said. */
static void census_unsay(cli_census *c, reef_str text)
{
    census_walk w = {.text = text};
    while (census_next_row(c, &w, false)) {
        if (!w.row.myself)
            census_other(&c->nodes[w.number - 1], &w.row, true);
    }
}

/* ---- the picture that counts -------------------------------------------------- */

static uint32_t census_likes(const cli_census *c, const cli_node *node)
{
    uint32_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += c->nodes[i].answered && c->nodes[i].view == node->view;
    return count;
}

/* An earlier node is of the same mind. */
static bool census_is_said(const cli_census *c, const cli_node *node)
{
    const cli_node *at = c->nodes;
    while (at < node && !(at->answered && at->view == node->view))
        at++;
    return at < node;
}

/* The node whose roster counts; NULL: nobody gave one. */
static const cli_node *census_choose(cli_census *c)
{
    const cli_node *best = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = &c->nodes[i];
        if (!node->answered || census_is_said(c, node))
            continue;
        uint32_t likes = census_likes(c, node);
        c->minds++;
        if (best != NULL &&
            (likes < c->agreeing ||
             (likes == c->agreeing && node->top_epoch <= best->top_epoch)))
            continue;
        best = node;
        c->agreeing = likes;
    }
    return best;
}

static void census_adopt(cli_census *c, reef_str text)
{
    census_walk w = {.text = text};
    uint64_t top;
    (void)census_map(c, text, &top);
    memcpy(c->owners, c->scratch, sizeof c->owners);
    while (census_next_row(c, &w, false))
        census_role(&c->nodes[w.number - 1], &w.row);
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT; slot++) {
        cli_node_number owner = c->owners[slot];
        c->served += owner != 0;
        if (owner != 0)
            c->nodes[owner - 1].slots++;
    }
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = &c->nodes[i];
        c->masters += cli_census_serves(node);
        c->replicas += node->replica;
        if (node->epoch > c->epoch)
            c->epoch = node->epoch;
    }
}

/* The first owner whose epoch it knows otherwise. */
static void census_compare_epochs(cli_census *c, cli_node *node, reef_str text)
{
    census_walk w = {.text = text};
    while (node->odds.newer == 0 && census_next_row(c, &w, false)) {
        const cli_node *other = &c->nodes[w.number - 1];
        if (other->slots == 0 || other->epoch == w.row.epoch)
            continue;
        node->odds.newer = w.number;
        node->odds.says_epoch = w.row.epoch;
        node->odds.most_epoch = other->epoch;
    }
}

/* How its roster differs from the one that counts. */
static void census_compare(cli_census *c, cli_node *node, reef_str text)
{
    cli_odds *odds = &node->odds;
    uint64_t top;
    (void)census_map(c, text, &top);
    node->odd = true;
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT; slot++) {
        cli_node_number says = c->scratch[slot], most = c->owners[slot];
        if (says == most)
            continue;
        if (odds->slots++ == 0) {
            odds->first = odds->last = slot;
            odds->says = says;
            odds->most = most;
        } else if (slot == odds->last + 1 && says == odds->says && most == odds->most) {
            odds->last = slot;
        }
    }
    if (odds->slots == 0)
        census_compare_epochs(c, node, text);
}

/* The client's word on who there is. */
static void census_meet(cli_census *c, const cli_view *view)
{
    cli_node_number number = census_add(c, view->member->id);
    if (number == 0)
        return;
    cli_node *node = &c->nodes[number - 1];
    node->member = true;
    node->code = view->code;
    cli_join(node->peer, sizeof node->peer, view->member->peer, "", "");
    cli_join(node->why, sizeof node->why, view->why, "", "");
}

/* The node whose roster this is, where there is one. */
static cli_node *census_voice(cli_census *c, const cli_view *view)
{
    cli_node *node = cli_census_node(c, view->member->id);
    return view->code == REEF_OK ? node : NULL;
}

void cli_census_read(cli_census *c, const cli_view views[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        census_meet(c, &views[i]);
    for (size_t i = 0; i < count; i++) {
        cli_node *node = census_voice(c, &views[i]);
        if (node != NULL)
            census_list(c, node, views[i].text);
    }
    census_hush(c);
    for (size_t i = 0; i < count; i++) {
        cli_node *node = census_voice(c, &views[i]);
        if (node != NULL)
            census_hear(c, node, views[i].text);
        if (node != NULL && node->cut_off)
            census_unsay(c, views[i].text);
    }
    const cli_node *chosen = census_choose(c);
    for (size_t i = 0; i < count; i++) {
        if (chosen != NULL && census_voice(c, &views[i]) == chosen)
            census_adopt(c, views[i].text);
    }
    for (size_t i = 0; i < count; i++) {
        cli_node *node = census_voice(c, &views[i]);
        if (node != NULL && node->view != chosen->view)
            census_compare(c, node, views[i].text);
    }
    cli_census_sort(c);
}

/* ---- in which order they are shown -------------------------------------------- */

static void census_put(cli_census *c, size_t *used, size_t index, bool taken[])
{
    if (taken[index])
        return;
    taken[index] = true;
    c->order[(*used)++] = (cli_node_number)(index + 1);
}

/* A master, and behind it those that follow it. */
static void census_put_shard(cli_census *c, size_t *used, size_t index, bool taken[])
{
    census_put(c, used, index, taken);
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = &c->nodes[i];
        if (node->replica && strcmp(node->master_id, c->nodes[index].id) == 0)
            census_put(c, used, i, taken);
    }
}

/* By their addresses, that a table is the same each time. */
static void census_sort_peers(const cli_census *c, cli_node_number order[], size_t from,
                              size_t to)
{
    for (size_t i = from + 1; i < to; i++) {
        cli_node_number number = order[i];
        size_t j = i;
        for (; j > from &&
               strcmp(c->nodes[order[j - 1] - 1].peer, c->nodes[number - 1].peer) > 0;
             j--)
            order[j] = order[j - 1];
        order[j] = number;
    }
}

void cli_census_sort(cli_census *c)
{
    bool taken[REEF_NODES_MAX] = {false};
    size_t used = 0;
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT;
         slot = cli_census_run(c->owners, slot) + 1) {
        cli_node_number owner = c->owners[slot];
        size_t from = used;
        if (owner == 0 || taken[owner - 1])
            continue;
        census_put_shard(c, &used, (size_t)owner - 1, taken);
        census_sort_peers(c, c->order, from + 1, used);
    }
    size_t rest = used;
    for (size_t i = 0; i < c->count; i++)
        census_put(c, &used, i, taken);
    census_sort_peers(c, c->order, rest, used);
}

uint32_t cli_census_run(const cli_node_number map[REEF_SLOT_COUNT], uint32_t first)
{
    uint32_t last = first;
    while (last + 1 < REEF_SLOT_COUNT && map[last + 1] == map[first])
        last++;
    return last;
}

/* ---- what they say of themselves ---------------------------------------------- */

static bool census_is(reef_str info, const char *name, const char *value)
{
    char text[32];
    return cli_info_field(info, name, text, sizeof text) && strcmp(text, value) == 0;
}

void cli_census_info(cli_node *node, reef_str info)
{
    char text[32];
    bool replica =
        census_is(info, "role", "slave") || census_is(info, "role", "replica");
    const char *offset = replica ? "slave_repl_offset" : "master_repl_offset";
    node->has_info = cli_info_field(info, "role", text, sizeof text);
    node->link_up = census_is(info, "master_link_status", "up");
    node->copying = census_is(info, "master_sync_in_progress", "1");
    node->has_offset = cli_info_field(info, offset, text, sizeof text) &&
                       cli_number(reef_str_of(text), INT64_MAX, &node->offset);
    if (!cli_info_field(info, "valkey_version", node->version, sizeof node->version))
        (void)cli_info_field(info, "redis_version", node->version,
                             sizeof node->version);
    (void)cli_info_field(info, "maxmemory_policy", node->eviction,
                         sizeof node->eviction);
    node->evicts = cli_info_field(info, "maxmemory", text, sizeof text) &&
                   strcmp(text, "0") != 0 && node->eviction[0] != '\0' &&
                   strcmp(node->eviction, "noeviction") != 0;
}

void cli_census_state(cli_node *node, reef_str info)
{
    char text[16];
    node->has_state = cli_info_field(info, "cluster_state", text, sizeof text);
    node->down = node->has_state && strcmp(text, "ok") != 0;
}

/* ---- judging one of them ------------------------------------------------------ */

bool cli_census_serves(const cli_node *node)
{
    return node->slots > 0;
}

uint32_t cli_census_voices(const cli_census *c, const cli_node *node)
{
    return c->voices - (node->answered && !node->cut_off);
}

bool cli_census_failed(const cli_census *c, const cli_node *node)
{
    return node->fails * 2 > cli_census_voices(c, node);
}

bool cli_census_suspected(const cli_census *c, const cli_node *node)
{
    return (node->fails > 0 || node->suspects > 0) && !cli_census_failed(c, node);
}

const cli_node *cli_census_master(const cli_census *c, const cli_node *node)
{
    uint32_t at = census_hash(node->master_id) % CLI_CENSUS_BUCKETS;
    if (!node->replica || node->master_id[0] == '\0')
        return NULL;
    for (; c->buckets[at] != 0; at = (at + 1) % CLI_CENSUS_BUCKETS) {
        if (strcmp(c->nodes[c->buckets[at] - 1].id, node->master_id) == 0)
            return &c->nodes[c->buckets[at] - 1];
    }
    return NULL;
}

bool cli_census_is_silent(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->member && !node->answered && node->code != REEF_OK &&
           node->code != REEF_REFUSED;
}

bool cli_census_lost(const cli_census *c, const cli_node *node)
{
    return cli_census_failed(c, node) || cli_census_suspected(c, node) ||
           cli_census_is_silent(c, node);
}

bool cli_census_ready(const cli_census *c, const cli_node *node)
{
    const cli_node *master = cli_census_master(c, node);
    bool linked = !node->has_info || node->link_up ||
                  (master != NULL && cli_census_lost(c, master));
    return node->replica && !cli_census_failed(c, node) && !node->copying && linked &&
           !cli_census_is_silent(c, node);
}

uint32_t cli_census_replicas(const cli_census *c, const cli_node *master, bool ready)
{
    uint32_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = &c->nodes[i];
        count += node->replica && strcmp(node->master_id, master->id) == 0 &&
                 (!ready || cli_census_ready(c, node));
    }
    return count;
}

bool cli_census_behind(const cli_census *c, const cli_node *node, uint64_t *bytes)
{
    const cli_node *master = cli_census_master(c, node);
    if (master == NULL || !master->has_offset || !node->has_offset)
        return false;
    *bytes = master->offset > node->offset ? master->offset - node->offset : 0;
    return true;
}
