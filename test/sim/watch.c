/* SPDX-License-Identifier: Apache-2.0
 *
 * watch: promises about Sentinels, held against what the engine was given and what it
 * had its host send since:
 *   - a command goes to nobody who has not said on that link that he is a master;
 *   - none begins on a link to a master whose replacement was selected, until that came
 *     to nothing: by an abort, by the old master's own word when it is asked anew, or
 *     since a newer configuration names it. With failover = "announced" it may; and
 *     selections without end, which lead nowhere, hold nothing in the end;
 *   - none begins on a link to a node that a newer configuration has replaced, unless
 *     no more than half of the Sentinels hold that one, and its master is of no use
 *     some time after it was known;
 *   - roles are asked for no more often than every few milliseconds, Sentinels about
 *     twice a second and twice for each sign that something has changed; connects begin
 *     no more often than WATCH_OPENS_SECOND, to the nodes of a Cluster, too. */
#include "test/sim/sim.h"

#include <stdio.h>
#include <string.h>

enum {
    WATCH_PROBE_MS = 4,
    WATCH_OPENS_SECOND = 400,
    WATCH_HOLDS = 120, /* since the last switch: REEF_HOLDS_MS / REEF_HOLD_COSTS_MS */
    WATCH_EARLY_MS = 1500
};

bool sim_watched(const sim_world *w)
{
    return w->failover.agreed != NULL;
}

bool sim_several(const sim_world *w)
{
    return sim_watched(w) || w->cluster != NULL;
}

static bool watch_early(const sim_world *w)
{
    return !w->config.failover_announced;
}

/* ---- who is meant ------------------------------------------------------------- */

static size_t watch_index(const sim_world *w, const sim_node *n)
{
    return (size_t)(n - w->nodes);
}

/* The node with data that a Sentinel means; NULL: there is none. */
static sim_node *watch_node(sim_world *w, const char *host, uint32_t port)
{
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *n = &w->nodes[i];
        bool named = n->name != NULL && strcmp(n->name, host) == 0;
        if (n->port == port && (named || sim_same_address(n->address, host))) {
            return n->sentinel == NULL ? n : NULL;
        }
    }
    return NULL;
}

void sim_watch_place(sim_world *w, const char *host, uint32_t port)
{
    sim_watch *k = &w->watch;
    for (size_t i = 0; i < k->told_count; i++) {
        if (strcmp(k->told[i].host, host) == 0 && k->told[i].port == port) {
            return;
        }
    }
    if (k->told_count < SIM_PLACES && port <= UINT16_MAX) {
        sim_place *p = &k->told[k->told_count++];
        snprintf(p->host, sizeof p->host, "%s", host);
        p->port = (uint16_t)port;
    }
}

static void watch_text(const reef_reply *r, const reef_node *node, char out[300])
{
    reef_str text = reef_text(r, node);
    snprintf(out, 300, "%.*s", (int)(text.len < 299 ? text.len : 299), text.ptr);
}

static uint64_t watch_number(const reef_reply *r, const reef_node *node)
{
    unsigned long long value = 0;
    char text[300];
    watch_text(r, node, text);
    return sscanf(text, "%llu", &value) == 1 ? value : 0;
}

/* ---- what the engine was given ------------------------------------------------ */

static void watch_hold(sim_world *w, const sim_node *from, const sim_node *to)
{
    w->watch.holds++;
    w->watch.nodes[watch_index(w, to)].named = false;
    w->watch.nodes[watch_index(w, to)].coming = true;
    w->watch.nodes[watch_index(w, from)].coming = false;
    w->watch.nodes[watch_index(w, to)].held = false;
    w->watch.nodes[watch_index(w, from)].held = watch_early(w);
    for (size_t i = 0; i < SIM_LINKS; i++) {
        bool old = w->links[i].node == from;
        w->links[i].stale = old ? w->links[i].commands : w->links[i].stale;
    }
}

static void watch_event(sim_world *w, const char *channel, const char *text)
{
    char name[64], one[64], other[64];
    unsigned p, q;
    if (strcmp(channel, "+switch-master") == 0) {
        if (sscanf(text, "%63s %63s %u %63s %u", name, one, &p, other, &q) == 5) {
            sim_watch_place(w, one, p);
            sim_watch_place(w, other, q);
        }
    } else if (strncmp(channel, "-failover-abort-", 16) == 0) {
        if (sscanf(text, "master %63s %63s %u", name, one, &p) == 3) {
            sim_node *n = watch_node(w, one, p);
            w->watch.nodes[n != NULL ? watch_index(w, n) : 0].held = false;
        }
    } else if (sscanf(text, "slave %*s %63s %u @ %63s %63s %u", other, &q, name, one,
                      &p) == 5) {
        sim_node *from = watch_node(w, one, p), *to = watch_node(w, other, q);
        bool selected = strcmp(channel, "+selected-slave") == 0;
        sim_watch_place(w, one, p);
        sim_watch_place(w, other, q);
        if (selected && from != NULL && to != NULL &&
            strcmp(name, w->config.master_name) == 0) {
            watch_hold(w, from, to);
        }
    }
}

static void watch_push(sim_world *w, sim_link *l, const reef_reply *push)
{
    const reef_node *root = reef_reply_root(push);
    size_t count = reef_count(root);
    char channel[300], text[300];
    if (count < 3 || reef_node_kind(reef_at(root, 2)) == REEF_INT) {
        l->owed -= l->owed > 0;
        return;
    }
    watch_text(push, reef_at(root, count - 2), channel);
    watch_text(push, reef_at(root, count - 1), text);
    w->watch.signs++;
    if (w->loud) {
        printf("#              given: %s %s\n", channel, text);
    }
    watch_event(w, channel, text);
}

/* Another one is the master: what the last one was and said is of no account when it
 * is one again. */
static void watch_moved(sim_world *w, const sim_node *to)
{
    sim_watch *k = &w->watch;
    if (k->master != NULL && k->master != to) {
        k->nodes[watch_index(w, k->master)].told_ms = 0;
        k->holds = 0;
    }
    k->master = to;
}

/* The configuration in a Sentinel's own words. */
static void watch_believe(sim_world *w, sim_link *l)
{
    sim_watch *k = &w->watch;
    const sim_node *n = l->claim;
    /* What was asked together is weighed together; through a narrow socket the rest of
     * the question may still be on our side. */
    if (n == NULL || l->owed > 0 || w->rates.window > 0) {
        return;
    }
    size_t i = watch_index(w, n);
    if (w->loud) {
        printf("#              given: %s:%u is the master, epoch %llu\n", n->address,
               n->port, (unsigned long long)l->claim_epoch);
    }
    k->nodes[watch_index(w, l->node)].says = n;
    k->nodes[i].epoch =
        l->claim_epoch > k->nodes[i].epoch ? l->claim_epoch : k->nodes[i].epoch;
    /* Who lags behind names the one that is to come for what it was once. */
    bool lags = k->nodes[i].coming && k->master != NULL && l->claim_epoch < k->epoch;
    k->nodes[i].named = k->nodes[i].named || !lags;
    if (k->master == NULL || l->claim_epoch > k->epoch) {
        k->epoch = l->claim_epoch;
        k->epoch_input = k->input;
        k->epoch_ms = w->now_ms;
        k->nodes[i].held = k->nodes[i].held && k->master == n;
        watch_moved(w, n);
    }
    l->claim = NULL;
}

/* SENTINEL MASTER. Once the leader has seen the promotion its epoch is the new one's,
 * while its address is not: then the address that was asked for tells whose epoch it
 * is, unless it was given before that. */
static void watch_master(sim_world *w, sim_link *l, const reef_reply *r,
                         const reef_node *map)
{
    char host[300], flags[300];
    watch_text(r, reef_get(r, map, "ip"), host);
    watch_text(r, reef_get(r, map, "flags"), flags);
    const sim_node *named =
        watch_node(w, host, (uint32_t)watch_number(r, reef_get(r, map, "port")));
    bool failing = strstr(flags, "failover_in_progress") != NULL;
    l->claim_epoch = watch_number(r, reef_get(r, map, "config-epoch"));
    bool whole = l->answered == named ? !failing || !l->conn.told.torn : failing;
    l->claim = whole ? l->answered : NULL;
}

/* SENTINEL REPLICAS: the one that is being promoted. It may have been replaced once. */
static void watch_promoted(sim_world *w, const reef_reply *r, const reef_node *map)
{
    char host[300], flags[300];
    watch_text(r, reef_get(r, map, "ip"), host);
    watch_text(r, reef_get(r, map, "flags"), flags);
    sim_node *n =
        watch_node(w, host, (uint32_t)watch_number(r, reef_get(r, map, "port")));
    if (n != NULL && strstr(flags, "promoted") != NULL) {
        w->watch.nodes[watch_index(w, n)].named = false;
    }
}

static void watch_map(sim_world *w, sim_link *l, const reef_reply *r,
                      const reef_node *map)
{
    char host[300], name[300];
    const reef_node *ip = reef_get(r, map, "ip");
    if (reef_node_kind(ip) == REEF_NIL) {
        return;
    }
    watch_text(r, ip, host);
    watch_text(r, reef_get(r, map, "name"), name);
    sim_watch_place(w, host, (uint32_t)watch_number(r, reef_get(r, map, "port")));
    watch_promoted(w, r, map);
    if (reef_node_kind(reef_get(r, map, "config-epoch")) != REEF_NIL &&
        strcmp(name, w->config.master_name) == 0) {
        watch_master(w, l, r, map);
    }
}

static void watch_reply(sim_world *w, sim_link *l, const reef_reply *r)
{
    const reef_node *root = reef_reply_root(r);
    char host[300];
    if (reef_node_kind(root) == REEF_ARRAY && reef_count(root) == 2 &&
        reef_node_kind(reef_at(root, 1)) == REEF_STRING) {
        watch_text(r, reef_at(root, 0), host);
        uint32_t port = (uint32_t)watch_number(r, reef_at(root, 1));
        sim_watch_place(w, host, port);
        l->answered = watch_node(w, host, port);
    }
    watch_map(w, l, r, root);
    for (size_t i = 0; i < reef_count(root); i++) {
        watch_map(w, l, r, reef_at(root, i));
    }
    l->owed -= l->owed > 0;
    watch_believe(w, l);
}

char sim_watch_role(const reef_reply *r)
{
    const reef_node *root = reef_reply_root(r);
    reef_str role = reef_text(r, reef_get(r, root, "role"));
    reef_str first = reef_text(r, reef_at(root, 0));
    if (reef_str_is(role, "master") || reef_str_is(first, "master")) {
        return 'm';
    }
    return reef_str_is(role, "replica") || reef_str_is(first, "slave") ? 'r' : '\0';
}

static void watch_data_reply(sim_world *w, sim_link *l, const reef_reply *r)
{
    char role = sim_watch_role(r);
    w->watch.signs += reef_reply_code(r) == REEF_REFUSED;
    if (role == '\0') {
        return;
    }
    l->master = role == 'm';
    l->told = true;
    size_t i = watch_index(w, l->node);
    if (l->master) {
        bool first = w->watch.nodes[i].told_ms == 0;
        w->watch.nodes[i].told_ms = first ? w->now_ms : w->watch.nodes[i].told_ms;
        w->watch.nodes[i].vain = false;
    }
    if (l->master && l->answers > l->stale) {
        w->watch.nodes[i].held = false;
    }
}

void sim_watch_given(sim_world *w, sim_link *l, const reef_reply *r, bool push)
{
    if (!sim_watched(w)) {
        return;
    }
    if (l->node->sentinel == NULL) {
        watch_data_reply(w, l, r);
    } else if (push) {
        watch_push(w, l, r);
    } else {
        watch_reply(w, l, r);
    }
}

/* ---- what the engine has sent ------------------------------------------------- */

void sim_watch_ended(sim_world *w, const sim_link *l, bool broke)
{
    w->watch.signs++;
    if (l->node != NULL && (broke || l->commands <= l->shakes)) {
        w->watch.nodes[watch_index(w, l->node)].vain = true;
    }
}

/* The newest configuration may be one Sentinel's error. */
static bool watch_errs(const sim_world *w)
{
    const sim_watch *k = &w->watch;
    size_t heard = 0, hold = 0;
    for (size_t i = 0; i < w->node_count; i++) {
        heard += k->nodes[i].says != NULL;
        hold += k->nodes[i].says == k->master;
    }
    size_t master = watch_index(w, k->master);
    int64_t told_ms = k->nodes[master].told_ms;
    int64_t since_ms = told_ms > 0 && told_ms < k->epoch_ms ? told_ms : k->epoch_ms;
    return k->nodes[master].vain && hold * 2 <= heard &&
           w->now_ms - since_ms >= WATCH_EARLY_MS;
}

const char *sim_watch_why(const sim_world *w, const sim_link *l)
{
    const sim_watch *k = &w->watch;
    size_t i = watch_index(w, l->node);
    if (!sim_watched(w)) {
        return NULL;
    }
    if (l->node->sentinel != NULL) {
        return "a call's command to a Sentinel";
    }
    if (!l->master) {
        return "a command to a server that has not said that it is a master";
    }
    if (k->nodes[i].held && k->holds < WATCH_HOLDS) {
        return "a command to a master whose replacement is selected";
    }
    bool replaced = k->master != NULL && k->master != l->node && k->nodes[i].named &&
                    k->nodes[i].epoch < k->epoch && k->input > k->epoch_input;
    return replaced && !watch_errs(w) ? "a command to a master that was replaced"
                                      : NULL;
}

static void watch_asked(sim_world *w, const sim_link *l)
{
    sim_watch *k = &w->watch;
    uint32_t *asks = &k->nodes[watch_index(w, l->node)].asks;
    int64_t seconds = (w->now_ms - k->start_ms) / 1000;
    if (++*asks > 8 + 2 * seconds + 2 * (int64_t)k->signs) {
        sim_fail(w, "a Sentinel is asked too often", l->node->port, *asks);
    }
}

void sim_watch_took(sim_world *w, sim_link *l, const reef_reply *cmd)
{
    reef_str name = sim_arg(cmd, 0);
    bool role = reef_str_is(name, "HELLO") || reef_str_is(name, "ROLE");
    if (!sim_watched(w)) {
        return;
    }
    if (l->node->sentinel != NULL) {
        l->owed++;
        if (reef_str_is(sim_arg(cmd, 1), "GET-MASTER-ADDR-BY-NAME")) {
            watch_asked(w, l);
        }
    } else if (role) {
        if (l->told && w->now_ms < l->asked_ms + WATCH_PROBE_MS) {
            sim_fail(w, "a role is asked for too often", l->number, l->asked_ms);
        }
        l->asked_ms = w->now_ms;
    }
}

void sim_watch_open(sim_world *w)
{
    sim_watch *k = &w->watch;
    k->start_ms = k->start_ms == 0 ? w->now_ms : k->start_ms;
    k->second_opens = w->now_ms / 1000 == k->second ? k->second_opens + 1 : 1;
    k->second = w->now_ms / 1000;
    k->worst_second =
        k->second_opens > k->worst_second ? k->second_opens : k->worst_second;
    if (sim_several(w) && k->second_opens > WATCH_OPENS_SECOND) {
        sim_fail(w, "connects without end", k->second_opens, 0);
    }
}
