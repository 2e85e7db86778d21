/* SPDX-License-Identifier: Apache-2.0
 *
 * guard: promises about Clusters, held against what the engine was given and what it
 * had its host send since:
 *   - a call's command goes to nobody who has not said on that link which node he is
 *     (or that he does not tell), and to no node of another cluster once ours is known;
 *   - none goes to a node that had owned the slot before somebody else claimed it with
 *     a higher epoch, unless a redirect or a lie led there, or it is a replica, or the
 *     new owner was silent for seconds, or sent calls on to nowhere (through narrow
 *     sockets nobody knows which questions were sent: then neither this nor the pace of
 *     the questions is looked at);
 *   - the map is asked for by one question at a time (another, when the link of the
 *     first is of no more use, or has not answered in time), and not more often than
 *     every 100 ms; the replicas of one master see at most 100 calls and questions of
 *     who serves a second (two more are let pass);
 *   - a call is sent a bounded number of times; ASKING stands before a call's command;
 *   - there are no more links than nodes and hosts, and a few;
 *   - when all is over, what was acknowledged is there, but for what fail-overs
 *     lost. */
#include "test/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GUARD_RELOAD_MS = 100,
    GUARD_ANSWER_MS = 200, /* a question for the map may be given up after that, or
                            * after the connect timeout */
    GUARD_PROBES = 102,    /* to the replicas of one master, in a second */
    GUARD_SENDS = 24,      /* of one call, and one more for each of: */
    GUARD_TRY_MS = 5,      /* a master and its replicas are tried by turns */
    GUARD_SILENT_MS =
        3000,       /* an owner that says nothing for so long may be passed over */
    GUARD_LINKS = 8 /* more than nodes and hosts */
};

/* What the engine was told of one slot. */
typedef struct guard_slot {
    uint8_t owner;  /* SIM_NOBODY: nothing */
    uint64_t epoch; /* of the claim */
    uint64_t input; /* when */
    uint16_t older; /* nodes whose claims had a lower epoch, as bits */
    uint64_t heard; /* the highest epoch of any claim, a liar's, too */
    uint16_t hints; /* nodes that redirects have led to since … */
    uint64_t known; /* … when that epoch was known: they bind until there is a higher */
    uint16_t lies; /* nodes that are not the owner, as liars said; as long as hints */
} guard_slot;

struct sim_guard {
    guard_slot slots[SIM_SLOTS];
    bool map;                       /* one was given */
    bool replica[SIM_NODES];        /* by the newest map … */
    uint64_t role_epoch[SIM_NODES]; /* … of that epoch, its master's if it is one */
    int64_t answered_ms[SIM_NODES]; /* its last reply, once it was named on that link */
    int64_t map_ms;                 /* the last question for it … */
    uint32_t map_twice;             /* in a row, before an answer */
    uint32_t map_unsure;            /* calls that had ended so */
    uint64_t map_link;              /* … and on which link; 0: it is answered */
    int64_t probes[SIM_NODES][GUARD_PROBES];
    uint32_t probe_count[SIM_NODES];
    uint32_t maps;
};

void sim_guard_start(sim_world *w)
{
    sim_guard *g = calloc(1, sizeof *g);
    if (g == NULL) {
        abort();
    }
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        g->slots[i].owner = SIM_NOBODY;
    }
    g->map_ms = INT64_MIN / 2;
    w->guard = g;
}

void sim_guard_free(sim_world *w)
{
    free(w->guard);
    w->guard = NULL;
}

/* ---- what the engine was given -------------------------------------------------- */

static uint8_t guard_node(const sim_world *w, const char *id)
{
    for (size_t i = 0; i < w->node_count; i++) {
        const sim_member *m = w->nodes[i].member;
        if (m != NULL && strcmp(m->id, id) == 0) {
            return (uint8_t)i;
        }
    }
    return SIM_NOBODY;
}

static uint8_t guard_node_at(const sim_world *w, const char *host, unsigned port)
{
    for (size_t i = 0; i < w->node_count; i++) {
        const sim_node *n = &w->nodes[i];
        bool named = n->name != NULL && strcmp(n->name, host) == 0;
        if (n->port == port && (named || sim_same_address(n->address, host))) {
            return (uint8_t)i;
        }
    }
    return SIM_NOBODY;
}

static void guard_claim(sim_world *w, uint32_t slot, uint8_t node, uint64_t epoch)
{
    guard_slot *s = &w->guard->slots[slot];
    if (s->owner == node) {
        s->epoch = epoch > s->epoch ? epoch : s->epoch;
    } else if (s->owner == SIM_NOBODY || epoch > s->epoch) {
        uint16_t old = s->owner == SIM_NOBODY ? 0 : (uint16_t)(1u << s->owner);
        *s = (guard_slot){.owner = node,
                          .epoch = epoch,
                          .input = w->watch.input,
                          .heard = s->heard,
                          .hints = epoch > s->known ? 0 : s->hints,
                          .known = s->known,
                          .lies = epoch > s->known ? 0 : s->lies,
                          .older = (uint16_t)((s->older | old) & ~(1u << node))};
    }
}

/* One line of CLUSTER NODES. What a liar says there, and not in CLUSTER SLOTS, binds
 * nobody. */
static void guard_row(sim_world *w, const char *line, bool honest)
{
    char id[48], place[200], flags[64], master[48];
    unsigned long long epoch;
    unsigned port;
    int at = 0;
    if (sscanf(line, "%47s %199s %63s %47s %*s %*s %llu %*s%n", id, place, flags,
               master, &epoch, &at) != 5) {
        return;
    }
    char *colon = strrchr(place, ':');
    if (colon != NULL && sscanf(colon + 1, "%u", &port) == 1) {
        *colon = '\0';
        sim_watch_place(w, place, port);
    }
    uint8_t node = guard_node(w, id);
    if (node == SIM_NOBODY) {
        return;
    }
    /* A view that is older than another one tells nothing new of roles. */
    bool newer = epoch >= w->guard->role_epoch[node];
    bool replica = strstr(flags, "slave") != NULL;
    w->guard->replica[node] = newer ? replica : w->guard->replica[node];
    w->guard->role_epoch[node] = newer ? epoch : w->guard->role_epoch[node];
    unsigned first, last;
    int used;
    for (const char *p = line + at; sscanf(p, " %u%n", &first, &used) == 1;) {
        p += used;
        last = first;
        if (*p == '-' && sscanf(p + 1, "%u%n", &last, &used) == 1) {
            p += 1 + used;
        }
        for (unsigned i = first; i <= last && i < SIM_SLOTS; i++) {
            guard_slot *s = &w->guard->slots[i];
            s->heard = epoch > s->heard ? epoch : s->heard;
            if (honest) {
                guard_claim(w, i, node, epoch);
            }
        }
    }
}

static void guard_nodes(sim_world *w, reef_str text, bool honest)
{
    w->guard->map = true;
    while (text.len > 0) {
        char line[1000];
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        snprintf(line, sizeof line, "%.*s", (int)len, text.ptr);
        guard_row(w, line, honest);
        len += end != NULL;
        text.ptr += len;
        text.len -= len;
    }
}

static void guard_place(sim_world *w, const sim_link *l, const reef_reply *r,
                        const reef_node *node)
{
    const reef_node *host = reef_at(node, 0), *more = reef_at(node, 3);
    int64_t port = reef_int(reef_at(node, 1), 0);
    reef_str word = reef_text(r, host), ip = {NULL, 0};
    bool none = reef_node_kind(host) == REEF_NIL || word.len == 0;
    char text[200];
    for (size_t i = 0; i + 1 < reef_count(more); i += 2) {
        bool match = reef_str_is(reef_text(r, reef_at(more, i)), "ip");
        ip = match ? reef_text(r, reef_at(more, i + 1)) : ip;
    }
    if (reef_node_kind(more) == REEF_MAP) {
        ip = reef_text(r, reef_get(r, more, "ip"));
    }
    if (ip.len > 0) {
        snprintf(text, sizeof text, "%.*s", (int)ip.len, ip.ptr);
        sim_watch_place(w, text, (uint32_t)port);
    }
    snprintf(text, sizeof text, "%.*s", (int)word.len, word.ptr);
    sim_watch_place(w, none ? l->node->address : text, (uint32_t)port);
}

/* Nobody can tell a lie from the truth where the one that it names has an epoch that is
 * high enough: then it leads there, as a redirect does. */
static void guard_lie(sim_world *w, const reef_reply *r, const reef_node *range)
{
    char id[48];
    reef_str text = reef_text(r, reef_at(reef_at(range, 2), 2));
    snprintf(id, sizeof id, "%.*s", (int)(text.len < 47 ? text.len : 47), text.ptr);
    uint8_t node = guard_node(w, id);
    int64_t last = reef_int(reef_at(range, 1), -1);
    for (int64_t i = reef_int(reef_at(range, 0), 0);
         node != SIM_NOBODY && i >= 0 && i <= last && i < SIM_SLOTS; i++) {
        w->guard->slots[i].lies |= (uint16_t)(1u << node);
    }
}

static void guard_slots(sim_world *w, sim_link *l, const reef_reply *r)
{
    const reef_node *root = reef_reply_root(r);
    for (size_t i = 0; i < reef_count(root); i++) {
        const reef_node *range = reef_at(root, i);
        if (l->conn.told.fib_slots) {
            guard_lie(w, r, range);
        }
        for (size_t j = 2; j < reef_count(range); j++) {
            guard_place(w, l, r, reef_at(range, j));
        }
    }
}

static void guard_redirect(sim_world *w, const sim_link *l, reef_str text)
{
    char words[200], host[160];
    unsigned slot, port;
    snprintf(words, sizeof words, "%.*s", (int)text.len, text.ptr);
    char *colon = strrchr(words, ':');
    if (colon == NULL || sscanf(colon + 1, "%u", &port) != 1) {
        return;
    }
    *colon = '\0';
    host[0] = '\0';
    if (sscanf(words, "%*s %u %159s", &slot, host) < 1 || slot >= SIM_SLOTS) {
        return;
    }
    snprintf(words, sizeof words, "%s", host[0] != '\0' ? host : l->node->address);
    sim_watch_place(w, words, port);
    uint8_t node = guard_node_at(w, words, port);
    guard_slot *s = &w->guard->slots[slot];
    if (node != SIM_NOBODY) {
        s->hints |= (uint16_t)(1u << node);
        s->known = s->heard;
    } else if (strcmp(words, "?") == 0 && l->node == &w->nodes[s->owner % SIM_NODES]) {
        s->older = 0; /* it is not the owner's; whose, any view may tell */
    }
}

static bool guard_holds(reef_str text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.ptr + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool guard_is_map(const reef_reply *r)
{
    const reef_node *first = reef_at(reef_reply_root(r), 0);
    return reef_node_kind(first) == REEF_ARRAY &&
           reef_node_kind(reef_at(first, 0)) == REEF_INT;
}

void sim_guard_given(sim_world *w, sim_link *l, const reef_reply *r, bool push)
{
    if (w->guard == NULL || push) {
        return;
    }
    sim_guard *g = w->guard;
    reef_str text = reef_text(r, reef_reply_root(r));
    char word[400];
    snprintf(word, sizeof word, "%.*s", (int)(text.len < 399 ? text.len : 399),
             text.ptr);
    if (l->answers >= l->map_order && g->map_link == l->serial) {
        g->map_link = 0;
    }
    if (guard_is_map(r)) { /* a late answer is as good */
        g->map_link = 0;
        guard_slots(w, l, r);
    } else if (strncmp(word, "MOVED ", 6) == 0 || strncmp(word, "ASK ", 4) == 0) {
        guard_redirect(w, l, text);
    } else if (guard_holds(text, "myself,")) {
        guard_nodes(w, text, !l->conn.told.fib_nodes);
    }
    char role = sim_watch_role(r);
    l->told = l->told || role != '\0';
    l->master = role == '\0' ? l->master : role == 'm';
    bool mine = l->node->member != NULL && strcmp(word, l->node->member->id) == 0;
    bool denied = l->answers == l->name_order && reef_reply_code(r) != REEF_OK;
    l->named = l->named || mine || denied;
    /* One whose links break before it has said who it is was not reached. */
    if (l->named) {
        g->answered_ms[l->node - w->nodes] = w->now_ms;
    }
}

/* ---- what the engine has sent ------------------------------------------------- */

static void guard_map(sim_world *w, sim_link *l)
{
    sim_guard *g = w->guard;
    const sim_link *other = sim_find(w, g->map_link);
    bool wide = w->rates.window == 0; /* else it may have stood in a queue of ours */
    bool waits = other != NULL && other->state == SIM_OPEN && wide &&
                 w->unsure_count == g->map_unsure; /* else it may be given up */
    int64_t patience_ms = (int64_t)w->config.connect_timeout_ms < GUARD_ANSWER_MS
                              ? (int64_t)w->config.connect_timeout_ms
                              : GUARD_ANSWER_MS;
    g->map_twice = waits && w->now_ms < g->map_ms + patience_ms ? g->map_twice + 1 : 0;
    if (g->map && wide && w->now_ms < g->map_ms + GUARD_RELOAD_MS) {
        sim_fail(w, "the map is asked for too often", l->node->port,
                 w->now_ms - g->map_ms);
    } else if (g->map_twice > 1) { /* once: the engine has let go of that link */
        sim_fail(w, "the map is asked for several times at once", l->node->port,
                 g->map_ms);
    }
    g->maps++;
    g->map_ms = w->now_ms;
    g->map_link = l->serial;
    g->map_unsure = w->unsure_count;
    l->map_order = l->commands;
}

/* A command to one who is a replica, by his own view and by what the engine was
 * told. */
static void guard_probe(sim_world *w, const sim_link *l)
{
    const sim_member *m = l->node->member;
    const sim_belief *me = &m->of[l->node - w->nodes];
    sim_guard *g = w->guard;
    if (!me->replica || !g->replica[l->node - w->nodes]) {
        return;
    }
    uint32_t at = g->probe_count[me->master]++ % GUARD_PROBES;
    int64_t *oldest = &g->probes[me->master][at];
    if (*oldest != 0 && w->now_ms - *oldest < 1000) {
        sim_fail(w, "replicas are asked too often", l->node->port, w->now_ms - *oldest);
    }
    *oldest = w->now_ms;
}

void sim_guard_took(sim_world *w, sim_link *l, const reef_reply *cmd)
{
    reef_str name = sim_arg(cmd, 0);
    if (w->guard == NULL) {
        return;
    }
    bool asking = reef_str_is(name, "ASKING");
    bool probe = reef_str_is(name, "TYPE");
    bool call =
        (sim_number(sim_arg(cmd, 1)) >= 0 && !probe) || reef_str_is(name, "MULTI");
    if (l->asking && !call) {
        sim_fail(w, "ASKING stands before no call", l->number, l->node->port);
    }
    l->asking = asking;
    if (reef_str_is(name, "CLUSTER") && reef_str_is(sim_arg(cmd, 1), "SLOTS")) {
        guard_map(w, l);
    } else if (reef_str_is(name, "CLUSTER") && reef_str_is(sim_arg(cmd, 1), "MYID")) {
        l->name_order = l->commands;
    } else if (probe) {
        guard_probe(w, l);
    }
}

/* Why this call must not go there; NULL: it may. */
static const char *guard_why(const sim_world *w, const sim_link *l, const sim_call *c)
{
    const sim_guard *g = w->guard;
    uint8_t node = (uint8_t)(l->node - w->nodes);
    if (!l->named) {
        return "a call to a node that has not said which one it is";
    }
    if (l->node->member->foreign) {
        return g->map ? "a call to a node of another cluster" : NULL;
    }
    if (c->slot >= SIM_SLOTS || w->rates.window > 0) {
        return NULL;
    }
    const guard_slot *s = &g->slots[c->slot];
    uint16_t bit = (uint16_t)(1u << node);
    bool older = (s->older & bit) != 0 && s->input < w->watch.input;
    bool lied = (s->lies & bit) != 0 && g->role_epoch[node] > s->epoch;
    bool led =
        (s->hints & bit) != 0 || lied || g->replica[node] || (l->told && !l->master);
    bool gone = w->now_ms >= g->answered_ms[s->owner % SIM_NODES] + GUARD_SILENT_MS;
    return older && !led && !gone ? "a call to an owner that was replaced" : NULL;
}

void sim_guard_call(sim_world *w, sim_link *l, sim_call *c)
{
    if (w->guard == NULL) {
        return;
    }
    const char *why = guard_why(w, l, c);
    int64_t life = w->now_ms - c->submit_ms;
    if (why != NULL) {
        sim_fail(w, why, c - w->calls, l->node->port);
    } else if (++c->sends > GUARD_SENDS + life / GUARD_TRY_MS) {
        sim_fail(w, "a call is sent without end", c - w->calls, c->sends);
    }
    if (c == &w->calls[c->head]) {
        guard_probe(w, l);
    }
}

void sim_guard_open(sim_world *w, uint32_t link, uint32_t live)
{
    if (w->guard != NULL && live > w->node_count + w->config.host_count + GUARD_LINKS) {
        sim_fail(w, "more links than nodes", link, live);
    }
}

/* ---- when all is over --------------------------------------------------------- */

void sim_guard_end(sim_world *w)
{
    for (uint32_t i = 0; w->guard != NULL && i < w->call_count; i++) {
        const sim_call *c = &w->calls[i];
        bool wrote = c->verb == SIM_SET || c->verb == SIM_INCR || c->verb == SIM_APPEND;
        if (!wrote || c->code != REEF_OK || w->cluster->lost[i]) {
            continue;
        }
        const sim_node *owner = sim_cluster_owner(w, c->slot);
        bool there = owner != NULL && owner->member->entries[i].there;
        const sim_move *move =
            owner != NULL ? sim_member_move(owner->member, c->slot) : NULL;
        there = there || (move != NULL && move->other->member->entries[i].there);
        if (!there && w->data.ran[i] > 0) {
            sim_fail(w, "what was acknowledged is not there", i, c->slot);
        }
    }
}
