/* SPDX-License-Identifier: Apache-2.0
 *
 * failover: what Sentinels do to a world, as a script in virtual time.
 *
 *   SELECT -> PROMOTE -> SEE -> TELL -> FINISH
 *
 * Until SEE only the leader's subscribers know anything; from PROMOTE on the new master
 * takes writes, and the old one, if it lives, does so too, until it is demoted. What
 * was agreed on last (`agreed`) is what every Sentinel learns sooner or later. */
#include "test/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FAILOVER_ROLL_BACK_MS = 8000 };

sim_sentinel *sim_make_sentinel(sim_world *w, sim_node *n)
{
    sim_sentinel *s = &w->sentinels[n - w->nodes];
    *s = (sim_sentinel){.name = "mymaster",
                        .all = w->nodes,
                        .count = &w->node_count,
                        .master = w->server,
                        .quorum = 2};
    n->sentinel = s;
    n->data = &w->data;
    w->data.truth = w->failover.agreed = w->server;
    return s;
}

/* ---- announcements ------------------------------------------------------------ */

static bool failover_hears(const sim_conn *c, size_t i, const char *channel)
{
    const char *name = c->channels[i].name;
    size_t len = strlen(name);
    bool star = c->channels[i].pattern && len > 0 && name[len - 1] == '*';
    return star ? strncmp(name, channel, len - 1) == 0 : strcmp(name, channel) == 0;
}

static void failover_message(sim_world *w, sim_link *l, size_t i, const char *channel,
                             const char *text)
{
    sim_bytes out = {0};
    bool pattern = l->conn.channels[i].pattern;
    sim_bytes_head(&out, l->conn.protocol == 3 ? '>' : '*', pattern ? 4 : 3);
    sim_bytes_word(&out, pattern ? "pmessage" : "message");
    if (pattern) {
        sim_bytes_word(&out, l->conn.channels[i].name);
    }
    sim_bytes_word(&out, channel);
    sim_bytes_word(&out, text);
    l->node->sentinel->told++;
    sim_post(w, l, out.ptr, out.len);
    sim_bytes_free(&out);
}

void sim_publish(sim_world *w, const sim_node *n, const char *channel, const char *text)
{
    for (size_t i = 0; i < SIM_LINKS; i++) {
        sim_link *l = &w->links[i];
        if (l->node != n || l->conn.in == NULL || n->paused) {
            continue;
        }
        for (size_t j = 0; j < l->conn.channel_count; j++) {
            if (failover_hears(&l->conn, j, channel)) {
                failover_message(w, l, j, channel, text);
            }
        }
    }
}

static void failover_say_replica(sim_world *w, const char *channel)
{
    const sim_failover *f = &w->failover;
    const sim_sentinel *s = f->leader->sentinel;
    const char *to = sim_node_host(s, f->to), *from = sim_node_host(s, f->from);
    char text[400];
    snprintf(text, sizeof text, "slave %s:%u %s %u @ %s %s %u", to, f->to->port, to,
             f->to->port, s->name, from, f->from->port);
    sim_publish(w, f->leader, channel, text);
}

static void failover_say_master(sim_world *w, const sim_node *n, const char *channel)
{
    const sim_sentinel *s = n->sentinel;
    char text[300];
    snprintf(text, sizeof text, "master %s %s %u", s->name, sim_node_host(s, s->master),
             s->master->port);
    sim_publish(w, n, channel, text);
}

static void failover_switch(sim_world *w, sim_node *n, sim_node *to)
{
    sim_sentinel *s = n->sentinel;
    char text[300];
    snprintf(text, sizeof text, "%s %s %u %s %u", s->name, sim_node_host(s, s->master),
             s->master->port, sim_node_host(s, to), to->port);
    bool same = s->master == to;
    s->master = to;
    s->selected = NULL;
    s->failing = s->seen = s->down = false;
    if (!same) {
        sim_publish(w, n, "+switch-master", text);
    }
}

void sim_sentinel_learn(sim_world *w, sim_node *n)
{
    sim_failover *f = &w->failover;
    if (n->sentinel->epoch < f->agreed_epoch || n->sentinel->master != f->agreed) {
        n->sentinel->epoch = f->agreed_epoch;
        failover_switch(w, n, f->agreed);
    }
}

/* ---- the script --------------------------------------------------------------- */

static void failover_next(sim_world *w, sim_step step)
{
    sim_failover *f = &w->failover;
    sim_put(w, (sim_event){.at_ms = w->now_ms + f->pause_ms[step],
                           .what = SIM_STEP,
                           .node = (size_t)step,
                           .arg = f->serial});
}

/* The leader does no more for it; what it has seen it keeps, as its file does. */
static void failover_let_go(sim_world *w)
{
    sim_failover *f = &w->failover;
    if (f->running && f->leader->sentinel->seen) {
        failover_switch(w, f->leader, f->to);
    } else if (f->running) {
        f->leader->sentinel->failing = false;
        f->leader->sentinel->selected = NULL;
    }
    f->running = false;
}

sim_failover *sim_fail_over(sim_world *w, sim_node *leader, sim_node *to)
{
    sim_failover *f = &w->failover;
    failover_let_go(w);
    *f = (sim_failover){.serial = f->serial + 1,
                        .running = true,
                        .leader = leader,
                        .from = leader->sentinel->master,
                        .to = to,
                        .epoch = f->epoch + 1,
                        .agreed = f->agreed,
                        .agreed_epoch = f->agreed_epoch,
                        .pause_ms = {0, 100, 800, 70, 1000},
                        .demote_ms = 10000,
                        .ends = SIM_STEPS};
    failover_next(w, SIM_SELECT);
    return f;
}

static void failover_abort(sim_world *w, const char *channel)
{
    sim_node *leader = w->failover.leader;
    failover_let_go(w);
    failover_say_master(w, leader, channel);
}

static void failover_select(sim_world *w)
{
    sim_failover *f = &w->failover;
    sim_sentinel *s = f->leader->sentinel;
    s->failing = true;
    s->down = !f->from->up || f->from->paused;
    failover_say_master(w, f->leader, "+elected-leader");
    if (!f->to->up || f->to->paused) {
        failover_abort(w, "-failover-abort-no-good-slave");
        return;
    }
    s->selected = f->to;
    failover_say_replica(w, "+selected-slave");
}

static void failover_promote(sim_world *w)
{
    sim_failover *f = &w->failover;
    if (!f->to->up || f->to->paused) {
        failover_abort(w, "-failover-abort-slave-timeout");
        return;
    }
    if (f->lag_ms > 0) {
        sim_data_lose(&w->data, w->now_ms - f->lag_ms);
    }
    w->data.truth = f->to;
    sim_node_turn(w, f->to, false);
}

static void failover_see(sim_world *w)
{
    sim_failover *f = &w->failover;
    f->leader->sentinel->seen = true;
    f->leader->sentinel->epoch = f->agreed_epoch = f->epoch;
    f->agreed = f->to;
    failover_say_replica(w, "+promoted-slave");
}

static void failover_tell(sim_world *w)
{
    sim_failover *f = &w->failover;
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *n = &w->nodes[i];
        if (n->sentinel == NULL && n->replica) {
            sim_node_break(w, n, 0); /* it follows another master now */
        } else if (n->sentinel != NULL && n != f->leader && n->up && !n->paused &&
                   !n->sentinel->alone) {
            sim_sentinel_learn(w, n);
        }
    }
    sim_put(w, (sim_event){.at_ms = w->now_ms + f->demote_ms,
                           .what = SIM_DEMOTE,
                           .node = (size_t)(f->from - w->nodes)});
}

static void failover_step(sim_world *w, sim_step step)
{
    sim_failover *f = &w->failover;
    f->at_ms[step] = w->now_ms;
    switch (step) {
    case SIM_SELECT:
        failover_select(w);
        break;
    case SIM_PROMOTE:
        failover_promote(w);
        break;
    case SIM_SEE:
        failover_see(w);
        break;
    case SIM_TELL:
        failover_tell(w);
        break;
    case SIM_FINISH:
        failover_switch(w, f->leader, f->to);
        f->running = false;
        break;
    case SIM_STEPS:
        break;
    }
    if (f->running && w->failed == NULL) {
        failover_next(w, (sim_step)(step + 1));
    }
}

/* The leader is no more, or gives up, before this step. */
static void failover_ends(sim_world *w)
{
    sim_failover *f = &w->failover;
    bool promoted = f->at_ms[SIM_PROMOTE] > 0 && f->at_ms[SIM_SEE] == 0;
    if (f->dies) {
        sim_node_kill(w, f->leader, ECONNRESET);
        failover_let_go(w);
    } else {
        failover_abort(w, "-failover-abort-slave-timeout");
    }
    if (promoted) { /* the others make it a replica again */
        sim_put(w, (sim_event){.at_ms = w->now_ms + FAILOVER_ROLL_BACK_MS,
                               .what = SIM_DEMOTE,
                               .node = (size_t)(f->to - w->nodes)});
    }
}

/* A master that nobody has agreed on becomes a replica. */
static void failover_demote(sim_world *w, sim_node *n)
{
    sim_failover *f = &w->failover;
    bool other = f->agreed->up && !f->agreed->paused && !f->agreed->replica;
    bool coming = f->running && f->to == n;
    if (n == f->agreed || n->replica || !other || coming) {
        return;
    }
    if (w->data.truth == n) {
        sim_data_lose(&w->data, f->at_ms[SIM_PROMOTE]);
        w->data.truth = f->agreed;
    }
    n->replica = true;
    if (n->up) {
        sim_node_turn(w, n, true);
    }
}

bool sim_failover_event(sim_world *w, const sim_event *e)
{
    sim_failover *f = &w->failover;
    if (e->what == SIM_STEP && e->arg == f->serial && f->running) {
        sim_step step = (sim_step)e->node;
        if (step == f->ends || !f->leader->up) {
            f->dies = f->dies || !f->leader->up;
            failover_ends(w);
        } else {
            failover_step(w, step);
        }
    } else if (e->what == SIM_DEMOTE) {
        failover_demote(w, &w->nodes[e->node]);
    } else if (e->what == SIM_FAULT) {
        sim_seeds_fault(w, e->arg);
    } else {
        return e->what == SIM_STEP;
    }
    return true;
}

/* ---- the end of all faults ---------------------------------------------------- */

void sim_failover_heal(sim_world *w)
{
    sim_failover *f = &w->failover;
    if (!sim_watched(w)) {
        return;
    }
    failover_let_go(w);
    if (w->data.truth != f->agreed) { /* somebody else has seen it, too */
        f->agreed = w->data.truth;
        f->agreed_epoch = ++f->epoch;
    }
    for (size_t i = 0; i < w->node_count; i++) {
        sim_node *n = &w->nodes[i];
        if (n->sentinel == NULL && n->replica != (n != f->agreed)) {
            sim_node_turn(w, n, n != f->agreed);
        } else if (n->sentinel != NULL) {
            n->sentinel->alone = n->sentinel->down = n->sentinel->closed = false;
            n->sentinel->lie = SIM_HONEST;
            sim_sentinel_learn(w, n);
        }
    }
}
