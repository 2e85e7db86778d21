/* SPDX-License-Identifier: Apache-2.0
 *
 * What an answer means for a call on a Cluster. None of these ran:
 *   MOVED       the slot is patched, the call goes where it was sent to, the map is
 *               asked for once. It is news from the owner of the slot by our map, but
 *               not on a probe, which was put to it before it was the owner; and from a
 *               replica of an owner that is stuck
 *   ASK         the call goes there once, behind ASKING; the map stays
 *   TRYAGAIN    again after a pause: its keys are on both sides of a move; the map is
 *               asked for meanwhile
 *   CLUSTERDOWN "Hash slot not served": two fresh maps decide. Otherwise the node is
 *               stuck (cluster_probe.c), and so it is for LOADING, MASTERDOWN, BUSY and
 *               READONLY; with NOREPLICAS that call alone waits
 * A group goes on as a whole. Where part of it ran (it is no transaction, and its slot
 * was just moving) the rest fails, and says so. */
#include "net/cluster.h"

#include <stdio.h>
#include <string.h>

static void judge_later(reef_engine *e, reef_ticket *t, reef_later why)
{
    enum { CALM_MS = 1000 };
    reef_cluster *c = e->cluster;
    if (e->now_ms - c->pause.until_ms >= CALM_MS)
        c->pause.step = 0;
    if (!c->later.head)
        reef_backoff_next(e, &c->pause);
    t->later = why;
    c->rests_ms = 0;
    reef_ticket_park(&c->later, t);
}

static bool judge_too_far(reef_engine *e, const reef_link *l, reef_ticket *t,
                          const char *text)
{
    char words[REEF_ERROR_TEXT];
    reef_error why;
    if (t->hops < REEF_REDIRECTS_MAX) {
        t->hops++;
        return false;
    }
    snprintf(
        words, sizeof words,
        "redirected %d times, and sent on again: %.80s. The nodes don't agree on who "
        "serves the slot; reef topology shows what each believes",
        REEF_REDIRECTS_MAX, text);
    reef_error_put(&why, REEF_NOROUTE, 0, l->stats.peer, words);
    reef_cluster_refuse(e, t, &why);
    return true;
}

/* The node that a redirect names; one that is new is made. NULL: nobody can tell. */
static reef_cnode *judge_named(reef_engine *e, const reef_link *l, reef_redirect *r)
{
    reef_cluster *c = e->cluster;
    if (strcmp(r->place.host, "?") == 0)
        return reef_cluster_by_port(c, r->place.port);
    if (!r->place.host[0])
        snprintf(r->place.host, sizeof r->place.host, "%s",
                 l->local ? "127.0.0.1" : l->address);
    reef_cnode *n = reef_cluster_by_place(c, &r->place);
    return n ? n : reef_cluster_add(e, "", &r->place);
}

static void judge_ask(reef_engine *e, reef_cnode *to, reef_ticket *t)
{
    bool plain = t->count > 1 && !t->atomic; /* each would need its own ASKING */
    reef_ticket_forget(t);
    if (to && !plain)
        t->ask_at = to->serial;
    if (!to || to->stuck || plain || t->hops > REEF_REDIRECTS_AT_ONCE) {
        judge_later(e, t, REEF_LATER_MOVING);
        return;
    }
    reef_ticket_ask(t, true);
    reef_cluster_deliver(e, to, t);
}

static bool judge_owns(const reef_cluster *c, const reef_cnode *n, uint32_t slot)
{
    return n && reef_slots_at(&c->map, slot)->owner == reef_cluster_number(n);
}

static void judge_moved(reef_engine *e, const reef_cnode *from, reef_cnode *to,
                        uint32_t slot)
{
    reef_cluster *c = e->cluster;
    uint16_t number = reef_slots_at(&c->map, slot)->owner;
    reef_cnode *owner = number == REEF_NOBODY ? NULL : c->nodes[number];
    /* Whose it is now can't be told, but the owner says that it is not his: what any
     * view claims is better. */
    if (!to && owner && from == owner)
        (void)reef_slots_set(&c->map, slot, slot, number, 0);
    if (!to || to == from || to == owner)
        return;
    bool may_tell = from == owner || !owner ||
                    (from && owner->stuck && from->of == reef_cluster_number(owner));
    if (!may_tell)
        return;
    /* The owner speaks for one slot. Where it is silent, its replicas tell of all. */
    if (owner && from != owner && to->of == reef_cluster_number(owner))
        reef_cluster_promote(e, owner, to);
    else
        reef_cluster_patch(e, slot, to);
    reef_cluster_want_map(e, true);
}

bool reef_cluster_hint(reef_engine *e, reef_link *l, const char *text)
{
    reef_redirect r;
    if (!reef_shape_redirect(text, &r) || r.ask)
        return false;
    judge_moved(e, reef_cluster_node(e->cluster, l->whose), judge_named(e, l, &r),
                r.slot);
    return true;
}

/* Who sends calls on is awake: what is parked there need not wait for its turn. */
static void judge_is_well(reef_engine *e, const reef_link *l)
{
    reef_cnode *n = reef_cluster_of_link(e, l);
    if (n && n->stuck)
        reef_cluster_unstick(e, n);
}

static void judge_redirected(reef_engine *e, reef_link *l, reef_ticket *t,
                             const char *text, reef_redirect *r)
{
    const reef_cnode *from = reef_cluster_node(e->cluster, l->whose);
    bool probe = reef_cluster_is_probe(t, l->whose);
    e->totals.retries++;
    if (!probe && judge_too_far(e, l, t, text))
        return;
    reef_cnode *to = judge_named(e, l, r);
    t->slot = (uint16_t)r->slot; /* the server knows better */
    if (r->ask) {
        judge_ask(e, to, t);
        return;
    }
    /* Who was put a probe and owns the slot by now said that before it did. */
    if (!probe || !judge_owns(e->cluster, from, r->slot))
        judge_moved(e, from, to, r->slot);
    reef_ticket_forget(t);
    if (!probe && (!to || to == from || t->hops > REEF_REDIRECTS_AT_ONCE)) {
        reef_cluster_want_map(e, false);
        judge_later(e, t, to ? REEF_LATER_CIRCLE : REEF_LATER_NOWHERE);
    } else {
        reef_ticket_wait(e, t);
    }
}

void reef_cluster_not_now(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    reef_cnode *n = reef_cluster_of_link(e, l);
    reef_error_put(&why, REEF_REFUSED, 0, l->stats.peer, text);
    if (n && n->slots > 0)
        reef_cluster_stick(e, n, &why);
}

/* A real answer: the node serves. One that was put to a replica to find out says that
 * it is the master now. */
static void judge_served(reef_engine *e, const reef_link *l, const reef_ticket *t)
{
    reef_cluster *c = e->cluster;
    reef_cnode *n = reef_cluster_of_link(e, l);
    reef_cnode *owner = t->probe_of ? reef_cluster_node(c, t->probe_of) : NULL;
    /* Errors prove nothing: a replica, too, says that a command is malformed. */
    bool proves = true;
    for (uint32_t i = 0; i < t->count; i++)
        proves = proves && reef_reply_code(t->replies[i]) == REEF_OK;
    if (!n)
        return;
    if (owner && owner != n && t->slot != REEF_NO_SLOT && proves &&
        n->of == reef_cluster_number(owner))
        reef_cluster_promote(e, owner, n);
    if (n->stuck)
        reef_cluster_unstick(e, n);
}

static bool judge_says(const char *text, const char *word, const char *phrase,
                       bool whole)
{
    size_t len = strlen(word);
    return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == 0) &&
           (!whole || strstr(text, phrase));
}

/* It went elsewhere, or nowhere: it did not run. */
static bool judge_is_turned_away(const reef_reply *reply)
{
    reef_redirect r;
    const char *text = reef_reply_text(reply);
    return reef_reply_code(reply) == REEF_REFUSED &&
           (reef_shape_redirect(text, &r) ||
            judge_says(text, "TRYAGAIN", "during rehashing of slot", true) ||
            judge_says(text, "CLUSTERDOWN", "not served", true));
}

/* The text of the error that proves that nothing of the group ran. NULL: it may
 * have. */
static const char *judge_error(const reef_ticket *t)
{
    const reef_reply *last = t->replies[t->count - 1];
    const char *text = reef_reply_text(last);
    if (reef_reply_code(last) != REEF_REFUSED)
        return NULL;
    if (t->count == 1)
        return text;
    /* EXEC may itself be redirected; if it is not, something before it was. */
    bool aborted = strncmp(text, "EXECABORT", 9) == 0;
    bool scripts = t->scripted && !t->repeatable; /* one that fails may have run */
    for (uint32_t i = 0; i + 1 < t->count; i++) {
        bool refused = reef_reply_code(t->replies[i]) == REEF_REFUSED;
        if (t->atomic && aborted && refused)
            return reef_reply_text(t->replies[i]);
        if (!t->atomic &&
            (!refused || (scripts && !judge_is_turned_away(t->replies[i]))))
            return NULL;
    }
    const char *cause = aborted ? strstr(text, "because of: ") : NULL;
    return cause ? cause + strlen("because of: ") : text;
}

/* True: it is this command's own matter. Writes alone are refused, and reads go on; or
 * the command needs this very node, which has no slots that could be held up. */
static bool judge_waits_alone(reef_engine *e, const reef_link *l, const reef_ticket *t,
                              const char *text)
{
    reef_cnode *n = reef_cluster_of_link(e, l);
    if (!n || n->slots == 0)
        return n && (t->bound || t->slot == REEF_NO_SLOT);
    if (!judge_says(text, "NOREPLICAS", "", false) &&
        !judge_says(text, "CLUSTERDOWN", "only accepts read commands", true))
        return false;
    reef_cluster_unstick(e, n);
    reef_cluster_want_map(e, false);
    return true;
}

/* Some of a group ran, and others were sent elsewhere: these must not run after those
 * that stood behind them, so the caller is told. What was sent before and not answered
 * may have run then. */
static void judge_part(reef_engine *e, reef_link *l, reef_ticket *t)
{
    char text[REEF_ERROR_TEXT];
    bool own = t->scripted && !t->repeatable; /* words that may be a script's */
    if (t->count == 1 || t->atomic || t->bound || own)
        return;
    for (uint32_t i = 0; i < t->count; i++) {
        const char *said = reef_reply_text(t->replies[i]);
        if (!judge_is_turned_away(t->replies[i]))
            continue;
        snprintf(text, sizeof text,
                 "did not run%s, while others of its group did: their slot is moving "
                 "(%.60s). %s, or the group as MULTI and EXEC",
                 t->doubtful ? " now" : "", said,
                 t->doubtful
                     ? "An earlier try may have. If that is no harm, send it again"
                     : "Send it again");
        (void)reef_cluster_hint(e, l, said);
        reef_reply_free(t->replies[i]);
        e->totals.unsure += t->doubtful;
        t->replies[i] =
            reef_reply_failed(t->doubtful ? REEF_UNSURE : REEF_NOROUTE, text);
    }
}

/* Whatever it brought: the next one may go. */
static void judge_probe_is_back(reef_engine *e, const reef_ticket *t)
{
    reef_cnode *owner = t->probe_of ? reef_cluster_node(e->cluster, t->probe_of) : NULL;
    if (owner && owner->probe_id == t->id)
        owner->probe_id = 0;
}

bool reef_cluster_judge(reef_engine *e, reef_link *l, reef_ticket *t)
{
    reef_redirect r;
    const char *text = judge_error(t);
    /* A script may have run, and answer in such words by itself. */
    bool whole = t->scripted && !t->repeatable;
    char words[REEF_ERROR_TEXT];
    judge_probe_is_back(e, t);
    if (!text) {
        judge_part(e, l, t);
        judge_served(e, l, t);
        return false;
    }
    snprintf(words, sizeof words, "%s", text); /* the replies may go */
    bool redirect = reef_shape_redirect(words, &r) && !t->bound &&
                    !(whole && t->slot != REEF_NO_SLOT && r.slot != t->slot);
    if (redirect) {
        judge_is_well(e, l);
        judge_redirected(e, l, t, words, &r);
        return true;
    }
    if (judge_says(words, "TRYAGAIN", "during rehashing of slot", whole)) {
        e->totals.retries++;
        t->hops = 0; /* it is where it belongs: the move alone is waited for */
        judge_is_well(e, l);
        reef_cluster_want_map(e, false);
        reef_ticket_forget(t);
        judge_later(e, t, REEF_LATER_MOVING);
        return true;
    }
    bool hole = judge_says(words, "CLUSTERDOWN", "not served", true);
    bool down = judge_says(words, "CLUSTERDOWN", "The cluster is down", whole);
    bool lost = hole && (t->slot == REEF_NO_SLOT || t->bound); /* whose, nobody knows */
    if (lost || (!hole && !down && !reef_text_not_now(words, true, whole))) {
        if (!lost)
            judge_part(e, l, t);
        judge_served(e, l, t);
        return false;
    }
    e->totals.retries++;
    if (!hole && judge_waits_alone(e, l, t, words)) {
        if (t->doubtful) /* else these words are the last ones, at the deadline */
            reef_ticket_forget(t);
        judge_later(e, t, REEF_LATER_MOVING);
        return true;
    }
    reef_ticket_forget(t);
    if (hole && reef_cluster_is_probe(t, l->whose)) {
        reef_ticket_wait(e, t); /* a replica that knows nothing: no news */
        return true;
    }
    if (hole) {
        reef_cluster_no_home(e, t);
        return true;
    }
    reef_ticket_wait(e, t);
    reef_cluster_not_now(e, l, words);
    return true;
}
