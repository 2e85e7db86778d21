/* SPDX-License-Identifier: Apache-2.0
 *
 * known: what the engine can know at this moment, and so what it may ask and whom it
 * may dial.
 *
 * The promises that are checked: a query is well formed and asks for nothing but what a
 * host, the search list or a true answer leads to; its id can't be foretold from the
 * ones before; and nobody is dialled whom only a lie has named. */
#include "test/sim/sim.h"

#include <stdio.h>
#include <string.h>

/* True when the text has the word between blanks. */
static bool known_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; len > 0 && (at = strstr(at, word)) != NULL; at += len) {
        bool begins = at == text || strchr(" \t\n", at[-1]) != NULL;
        if (begins && strchr(" \t\n", at[len]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool known_told_port(const sim_world *w, uint16_t port)
{
    for (size_t i = 0; i < w->names.zone.count; i++) {
        const sim_record *r = &w->names.zone.records[i];
        if (r->type == SIM_SRV && r->told && r->port == port) {
            return true;
        }
    }
    return false;
}

static bool known_told_address(const sim_world *w, const char *address)
{
    for (size_t i = 0; i < w->names.zone.count; i++) {
        const sim_record *r = &w->names.zone.records[i];
        if ((r->type == SIM_A || r->type == SIM_AAAA) && r->told &&
            sim_same_address(r->data, address)) {
            return true;
        }
    }
    return known_word(w->names.hosts, address) ||
           known_word(w->names.hosts_was, address);
}

/* A Sentinel has named it, by its address or by a name that leads there. */
static bool known_told_place(const sim_world *w, const reef_op *op)
{
    for (size_t i = 0; i < w->watch.told_count; i++) {
        const sim_place *p = &w->watch.told[i];
        if (p->port == op->port && (sim_same_address(p->host, op->address) ||
                                    known_told_address(w, op->address))) {
            return true;
        }
    }
    return false;
}

bool sim_known_place(const sim_world *w, const reef_op *op)
{
    for (uint32_t i = 0; i < w->config.host_count; i++) {
        const reef_host *h = &w->config.hosts[i];
        bool named = strcmp(h->name, op->address) == 0;
        bool port = h->kind == REEF_HOST_SRV ? known_told_port(w, op->port)
                                             : h->port == op->port;
        if (h->kind == REEF_HOST_UNIX) {
            port = named = op->local && named;
        }
        if (port && (named || known_told_address(w, op->address))) {
            return true;
        }
    }
    return known_told_place(w, op);
}

/* The host's name as it stands, or with something of the search list behind it. */
static bool known_of_host(const sim_world *w, const reef_host *h, const char *name)
{
    size_t len = strlen(h->name);
    len -= len > 0 && h->name[len - 1] == '.';
    if (strlen(name) < len || memcmp(h->name, name, len) != 0) {
        return false;
    }
    return name[len] == '\0' || (name[len] == '.' && w->config.nameserver_count == 0 &&
                                 known_word(w->names.resolv_conf, name + len + 1));
}

static bool known_may_ask(const sim_world *w, const sim_query *q)
{
    for (uint32_t i = 0; i < w->config.host_count; i++) {
        const reef_host *h = &w->config.hosts[i];
        bool type = h->kind == REEF_HOST_SRV
                        ? q->type == SIM_SRV
                        : h->kind == REEF_HOST_TCP && q->type != SIM_SRV;
        if (type && known_of_host(w, h, q->name)) {
            return true;
        }
    }
    for (size_t i = 0; i < w->watch.told_count; i++) {
        if (q->type != SIM_SRV && strcmp(q->name, w->watch.told[i].host) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < w->names.zone.count; i++) {
        const sim_record *r = &w->names.zone.records[i];
        bool leads = r->type == SIM_CNAME || (r->type == SIM_SRV && q->type != SIM_SRV);
        if (leads && r->told && sim_same_name(r->data, q->name)) {
            return true;
        }
    }
    return false;
}

/* Ids that can't be foretold come close to one another no more often than chance has
 * it: about once in 8000. */
static void known_check_id(sim_world *w, uint16_t id)
{
    sim_names *n = &w->names;
    for (size_t i = 0; i < 4 && i < n->queries; i++) {
        n->near_ids += (uint16_t)(id - n->ids[i]) <= 1;
    }
    n->ids[n->queries % 4] = id;
    if (n->near_ids > 4 + n->queries / 50) {
        sim_fail(w, "ids of queries that follow each other", id, n->near_ids);
    }
}

void sim_known_query(sim_world *w, const char *bytes, size_t len)
{
    sim_query q;
    const char *wrong = sim_query_read(&q, bytes, len);
    if (wrong != NULL) {
        sim_fail(w, wrong, (int64_t)len, 0);
        return;
    }
    if ((q.type != SIM_A && q.type != SIM_AAAA && q.type != SIM_SRV) ||
        !known_may_ask(w, &q)) {
        sim_fail(w, "asks for what nothing led to", q.type, 0);
    } else if (w->names.no_key) {
        sim_fail(w, "asks without a secret", q.id, 0);
    }
    if (w->loud) {
        printf("#              asks for %s, type %u\n", q.name, q.type);
    }
    known_check_id(w, q.id);
    w->names.queries++;
}
