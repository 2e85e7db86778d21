/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan_cover.h. Nodes have numbers: places in a table that only grows, found by a
 * hash of their ids. A view is what owners say of their own slots at one look; where
 * two say that they own one, the higher epoch does. Claims are what anybody says of
 * anybody at this look. */
#include "net/scan_cover.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COVER_NOBODY = 0xFFFF,
    COVER_INDEX = 2048, /* places of the hash; a power of two above REEF_NODES_MAX */
    COVER_EMPTY = 2,    /* looks that a slot without owner takes to be believed */
    COVER_ID_SHOWN = 8
};

typedef enum cover_state { COVER_OPEN, COVER_AWAY, COVER_DONE } cover_state;

typedef struct cover_slot {
    uint8_t state; /* cover_state */
    uint8_t empty; /* looks in a row in which nobody owned it, up to COVER_EMPTY */
    uint16_t to;   /* AWAY: where it goes */
} cover_slot;

/* Of the two looks, [0] is the one before and [1] this one. */
typedef struct cover_node {
    char id[REEF_NODE_ID + 1];
    uint16_t master;   /* who its master is; its own number: it is one */
    bool heard[2];     /* it spoke, as a master */
    uint64_t epoch[2]; /* that it said it has */
    bool spoke;        /* this look: about itself, as whatever it is */
    bool sane;         /* this look: it sees most masters */
    bool expected;     /* in the engine's map */
    uint16_t up, down; /* this look: who lists it as a master, fine or failed */
    bool walked, wanted;
} cover_node;

typedef struct cover_view {
    uint16_t owner[REEF_SLOT_COUNT]; /* by its own word */
    uint16_t to[REEF_SLOT_COUNT];    /* where the owner hands it to */
} cover_view;

struct reef_cover {
    bool sane; /* this look: somebody who is believed has spoken */
    uint32_t open_count;
    cover_slot slots[REEF_SLOT_COUNT];
    cover_view views[2]; /* which is which: see `turn` */
    uint32_t turn;       /* views[turn] is of this look */
    uint16_t claimant[REEF_SLOT_COUNT];
    uint64_t claim[REEF_SLOT_COUNT]; /* epoch */
    cover_node *nodes;
    size_t node_count, node_cap;
    uint16_t index[COVER_INDEX]; /* numbers of nodes, plus 1 */
};

/* ---- nodes -------------------------------------------------------------------- */

static size_t cover_place(const reef_cover *c, const char *id)
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; id[i] != '\0'; i++)
        hash = (hash ^ (unsigned char)id[i]) * 16777619;
    size_t at = hash % COVER_INDEX;
    while (c->index[at] != 0 && strcmp(c->nodes[c->index[at] - 1].id, id) != 0)
        at = (at + 1) % COVER_INDEX;
    return at;
}

static uint16_t cover_find(const reef_cover *c, const char *id)
{
    uint16_t number = c->index[cover_place(c, id)];
    return number > 0 ? (uint16_t)(number - 1) : (uint16_t)COVER_NOBODY;
}

static bool cover_room(reef_cover *c)
{
    if (c->node_count >= REEF_NODES_MAX)
        return false;
    if (c->node_count < c->node_cap)
        return true;
    size_t cap = c->node_cap > 0 ? c->node_cap * 2 : 16;
    cover_node *nodes = realloc(c->nodes, cap * sizeof *nodes);
    if (nodes == NULL)
        return false;
    c->nodes = nodes;
    c->node_cap = cap;
    return true;
}

/* Its number; COVER_NOBODY: there is no room for it. */
static uint16_t cover_know(reef_cover *c, const char *id)
{
    size_t place = cover_place(c, id), len = strlen(id);
    if (c->index[place] != 0)
        return (uint16_t)(c->index[place] - 1);
    if (len == 0 || len > REEF_NODE_ID || !cover_room(c))
        return COVER_NOBODY;
    uint16_t number = (uint16_t)c->node_count++;
    cover_node *node = &c->nodes[number];
    memset(node, 0, sizeof *node);
    memcpy(node->id, id, len + 1);
    node->master = number;
    c->index[place] = (uint16_t)(number + 1);
    return number;
}

static const cover_view *cover_now(const reef_cover *c)
{
    return &c->views[c->turn];
}

static const cover_view *cover_before(const reef_cover *c)
{
    return &c->views[1 - c->turn];
}

static void cover_forget(cover_view *view)
{
    memset(view->owner, 0xFF, sizeof view->owner);
    memset(view->to, 0xFF, sizeof view->to);
}

reef_cover *reef_cover_new(void)
{
    reef_cover *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    cover_forget(&c->views[0]);
    cover_forget(&c->views[1]);
    memset(c->claimant, 0xFF, sizeof c->claimant);
    c->open_count = REEF_SLOT_COUNT;
    return c;
}

void reef_cover_free(reef_cover *c)
{
    if (c == NULL)
        return;
    free(c->nodes);
    free(c);
}

bool reef_cover_expect(reef_cover *c, const char *id)
{
    uint16_t number = cover_know(c, id);
    if (number != COVER_NOBODY)
        c->nodes[number].expected = true;
    return number != COVER_NOBODY;
}

/* A master that those who know it say is down is not asked: its replicas are about to
 * follow it, and an answer would take its time. */
const char *reef_cover_ask(const reef_cover *c, size_t *at)
{
    while (*at < c->node_count) {
        const cover_node *node = &c->nodes[(*at)++];
        bool listed = node->up + node->down > 0;
        if (listed ? node->up >= node->down : node->expected)
            return node->id;
    }
    return NULL;
}

/* ---- what nodes say ----------------------------------------------------------- */

void reef_cover_begin(reef_cover *c)
{
    c->turn = 1 - c->turn;
    c->sane = false;
    cover_forget(&c->views[c->turn]);
    memset(c->claimant, 0xFF, sizeof c->claimant);
    memset(c->claim, 0, sizeof c->claim);
    for (size_t i = 0; i < c->node_count; i++) {
        cover_node *node = &c->nodes[i];
        node->heard[0] = node->heard[1];
        node->epoch[0] = node->epoch[1];
        node->heard[1] = node->spoke = node->sane = node->expected = false;
        node->up = node->down = 0;
        node->walked = false;
    }
}

static void cover_claim(reef_cover *c, uint16_t who, uint64_t epoch, uint32_t slot)
{
    if (c->claimant[slot] != COVER_NOBODY && c->claim[slot] >= epoch)
        return;
    c->claimant[slot] = who;
    c->claim[slot] = epoch;
}

static void cover_own(reef_cover *c, uint16_t who, uint32_t slot)
{
    cover_view *now = &c->views[c->turn];
    uint16_t other = now->owner[slot];
    if (other != COVER_NOBODY && c->nodes[other].epoch[1] >= c->nodes[who].epoch[1])
        return;
    now->owner[slot] = who;
    now->to[slot] = COVER_NOBODY;
}

/* What a master says of its own slots. */
static bool cover_span(reef_cover *c, uint16_t who, const reef_roster_span *span)
{
    cover_view *now = &c->views[c->turn];
    uint16_t other;
    switch (span->kind) {
    case REEF_SPAN_OWNED:
        for (uint32_t slot = span->first; slot <= span->last; slot++)
            cover_own(c, who, slot);
        return true;
    case REEF_SPAN_MIGRATING:
        other = cover_know(c, span->other);
        if (now->owner[span->first] == who)
            now->to[span->first] = other;
        return other != COVER_NOBODY;
    case REEF_SPAN_IMPORTING:
        return true; /* the owner's word is what counts */
    }
    return true;
}

static void cover_role(reef_cover *c, uint16_t who, const reef_roster_row *row)
{
    if (c->nodes[who].spoke && !row->myself)
        return;
    uint16_t master =
        row->replica && row->master_id[0] != '\0' ? cover_know(c, row->master_id) : who;
    c->nodes[who].master = master != COVER_NOBODY ? master : who;
    c->nodes[who].spoke = row->myself;
}

/* What anybody says of a master. `left`: slots that the roster may still name, since no
 * slot stands in it twice. */
static bool cover_claims(reef_cover *c, uint16_t who, const reef_roster_row *row,
                         uint32_t *left)
{
    reef_str slots = row->slots;
    reef_roster_span span;
    while (reef_roster_span_next(&slots, &span)) {
        uint32_t count = span.last - span.first + 1;
        if (span.kind != REEF_SPAN_OWNED)
            continue;
        if (count > *left)
            return false;
        *left -= count;
        for (uint32_t slot = span.first; slot <= span.last; slot++)
            cover_claim(c, who, row->epoch, slot);
    }
    return true;
}

/* What it says of itself. */
static bool cover_self(reef_cover *c, uint16_t who, const reef_roster_row *row)
{
    reef_str slots = row->slots;
    reef_roster_span span;
    bool room = true;
    c->nodes[who].heard[1] = true;
    c->nodes[who].epoch[1] = row->epoch;
    while (room && reef_roster_span_next(&slots, &span))
        room = cover_span(c, who, &span);
    return room;
}

typedef struct cover_tale {
    uint32_t left;          /* slots that may still be named */
    uint32_t masters, fine; /* that serve slots; of these, not failed */
} cover_tale;

static bool cover_row(reef_cover *c, const reef_roster_row *row, cover_tale *tale)
{
    uint32_t left = tale->left;
    uint16_t who = cover_know(c, row->id);
    if (who == COVER_NOBODY)
        return false;
    cover_role(c, who, row);
    if (!row->master)
        return true;
    if (row->failed)
        c->nodes[who].down++;
    else
        c->nodes[who].up++;
    if (!cover_claims(c, who, row, &tale->left))
        return false;
    if (tale->left < left) {
        tale->masters++;
        tale->fine += row->failed || row->suspected ? 0 : 1;
    }
    return !row->myself || cover_self(c, who, row);
}

/* The roster's own line has this id. */
static bool cover_is_of(reef_str roster, const char *id)
{
    reef_roster_row row;
    while (reef_roster_next(&roster, &row))
        if (row.myself)
            return strcmp(row.id, id) == 0;
    return false;
}

bool reef_cover_heard(reef_cover *c, const char *id, reef_str roster)
{
    reef_roster_row row;
    cover_tale tale = {.left = REEF_SLOT_COUNT};
    bool good = cover_is_of(roster, id);
    while (good && reef_roster_next(&roster, &row))
        good = (row.handshake && !row.myself) || cover_row(c, &row, &tale);
    uint16_t who = cover_find(c, id);
    if (who == COVER_NOBODY)
        return false;
    cover_node *teller = &c->nodes[who];
    teller->sane = good && (tale.masters == 0 || 2 * tale.fine > tale.masters);
    c->sane = c->sane || teller->sane;
    return good;
}

bool reef_cover_told(reef_cover *c, const char *teller, const char *owner,
                     uint32_t first, uint32_t last)
{
    uint16_t who = cover_know(c, owner), by = cover_know(c, teller);
    if (who == COVER_NOBODY || by == COVER_NOBODY || last >= REEF_SLOT_COUNT)
        return false;
    cover_node *node = &c->nodes[by];
    node->heard[1] = node->spoke = node->sane = c->sane = true;
    node->epoch[1] = 0;
    c->nodes[who].master = who;
    c->nodes[who].up = 1;
    for (uint32_t slot = first; slot <= last; slot++) {
        cover_claim(c, who, 0, slot);
        if (who == by)
            cover_own(c, who, slot);
    }
    return true;
}

void reef_cover_walked(reef_cover *c, const char *id)
{
    uint16_t who = cover_find(c, id);
    if (who != COVER_NOBODY)
        c->nodes[who].walked = true;
}

/* ---- what follows ------------------------------------------------------------- */

/* Walked, and a believed master before and after. */
static bool cover_steady(const reef_cover *c, uint16_t who)
{
    if (who == COVER_NOBODY)
        return false;
    const cover_node *node = &c->nodes[who];
    return node->walked && node->heard[0] && node->heard[1] && node->sane;
}

static bool cover_beaten(const reef_cover *c, uint16_t who, uint32_t slot)
{
    return c->claimant[slot] != who && c->claim[slot] > c->nodes[who].epoch[1];
}

static void cover_send(reef_cover *c, uint32_t slot, uint16_t to)
{
    c->slots[slot].state = COVER_AWAY;
    c->slots[slot].to = to;
}

static void cover_judge_open(reef_cover *c, uint32_t slot)
{
    const cover_view *now = cover_now(c), *before = cover_before(c);
    uint16_t owner = now->owner[slot];
    if (!cover_steady(c, owner) || before->owner[slot] != owner ||
        c->nodes[owner].epoch[0] != c->nodes[owner].epoch[1] ||
        cover_beaten(c, owner, slot))
        return;
    if (before->to[slot] != COVER_NOBODY && before->to[slot] != now->to[slot])
        return; /* some keys went where it is not going any more */
    if (now->to[slot] == COVER_NOBODY)
        c->slots[slot].state = COVER_DONE;
    else
        cover_send(c, slot, now->to[slot]);
}

/* Where the slot goes, or who has taken that node's place. */
static uint16_t cover_heir(const reef_cover *c, uint16_t who)
{
    return c->nodes[who].master;
}

/* The slot is handed over to that node, by its owner's word. */
static bool cover_goes_to(const reef_cover *c, const cover_view *view, uint32_t slot,
                          uint16_t heir)
{
    return view->owner[slot] != COVER_NOBODY && view->to[slot] != COVER_NOBODY &&
           cover_heir(c, view->to[slot]) == heir;
}

/* The same owner was handing the slot over to that node in both looks, and all the time
 * between them. */
static bool cover_still_goes(const reef_cover *c, uint32_t slot, uint16_t heir)
{
    const cover_view *now = cover_now(c), *before = cover_before(c);
    uint16_t owner = now->owner[slot];
    return cover_goes_to(c, now, slot, heir) && cover_goes_to(c, before, slot, heir) &&
           before->owner[slot] == owner && !cover_beaten(c, owner, slot) &&
           c->nodes[owner].epoch[0] == c->nodes[owner].epoch[1];
}

/* Where the slot goes was walked, in a time that began after it was sent there. */
static void cover_judge_away(reef_cover *c, uint32_t slot, uint16_t heir)
{
    c->slots[slot].state = COVER_OPEN;
    if (cover_now(c)->owner[slot] == heir)
        cover_judge_open(c, slot);
    else if (cover_still_goes(c, slot, heir))
        c->slots[slot].state = COVER_DONE;
}

/* Nobody has looked there yet: is it still on its way? */
static void cover_judge_way(reef_cover *c, uint32_t slot, uint16_t heir)
{
    uint16_t owner = cover_now(c)->owner[slot];
    if (owner != COVER_NOBODY && owner != heir &&
        !cover_goes_to(c, cover_now(c), slot, heir))
        c->slots[slot].state = COVER_OPEN;
}

static void cover_judge(reef_cover *c, uint32_t slot)
{
    cover_slot *s = &c->slots[slot];
    if (c->claimant[slot] != COVER_NOBODY)
        s->empty = 0;
    else if (c->sane && s->empty < COVER_EMPTY)
        s->empty++;
    if (s->state == COVER_OPEN) {
        cover_judge_open(c, slot);
    } else if (s->state == COVER_AWAY) {
        uint16_t heir = cover_heir(c, s->to);
        if (cover_steady(c, heir))
            cover_judge_away(c, slot, heir);
        else
            cover_judge_way(c, slot, heir);
    }
}

static bool cover_missing(const cover_slot *s)
{
    return s->state != COVER_DONE && s->empty < COVER_EMPTY;
}

/* Whom a walk of this slot has to go to; COVER_NOBODY: it can't be walked now. */
static uint16_t cover_walker(const reef_cover *c, uint32_t slot)
{
    const cover_slot *s = &c->slots[slot];
    uint16_t who =
        s->state == COVER_AWAY ? cover_heir(c, s->to) : c->views[c->turn].owner[slot];
    if (who == COVER_NOBODY || !c->nodes[who].heard[1] || !c->nodes[who].sane)
        return COVER_NOBODY;
    return s->state == COVER_OPEN && cover_beaten(c, who, slot) ? (uint16_t)COVER_NOBODY
                                                                : who;
}

void reef_cover_end(reef_cover *c)
{
    c->open_count = 0;
    for (size_t i = 0; i < c->node_count; i++)
        c->nodes[i].wanted = false;
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT; slot++) {
        cover_judge(c, slot);
        if (!cover_missing(&c->slots[slot]))
            continue;
        uint16_t who = cover_walker(c, slot);
        c->open_count++;
        if (who != COVER_NOBODY)
            c->nodes[who].wanted = true;
    }
}

const char *reef_cover_next(const reef_cover *c, size_t *at)
{
    while (*at < c->node_count) {
        const cover_node *node = &c->nodes[(*at)++];
        if (node->wanted)
            return node->id;
    }
    return NULL;
}

bool reef_cover_done(const reef_cover *c)
{
    return c->open_count == 0;
}

void reef_cover_why(const reef_cover *c, char out[REEF_ERROR_TEXT])
{
    uint32_t slot = 0;
    while (slot < REEF_SLOT_COUNT && !cover_missing(&c->slots[slot]))
        slot++;
    if (slot == REEF_SLOT_COUNT) {
        out[0] = '\0';
        return;
    }
    bool away = c->slots[slot].state == COVER_AWAY;
    uint16_t who = away ? c->slots[slot].to : c->claimant[slot];
    const char *owner = who != COVER_NOBODY ? c->nodes[who].id : "nobody that answers";
    const char *what = away ? "is on its way to" : "belongs to";
    snprintf(out, REEF_ERROR_TEXT,
             "%u of 16384 slots are not walked yet: slot %u, for one, %s %.*s%s",
             (unsigned)c->open_count, (unsigned)slot, what,
             who != COVER_NOBODY ? COVER_ID_SHOWN : REEF_NODE_ID, owner,
             who != COVER_NOBODY ? "..." : "");
}
