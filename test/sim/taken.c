/* SPDX-License-Identifier: Apache-2.0
 *
 * taken: what the socket took from the engine, command by command, and what the engine
 * was given: whole groups, in order, on links that may take them. */
#include "test/sim/sim.h"

#include <string.h>

static void taken(sim_world *w, sim_link *l, int64_t id)
{
    if (id < 0 || id >= w->call_count || !w->calls[id].queued) {
        sim_fail(w, "sent a command that nobody asked for", id, l->number);
        return;
    }
    sim_call *c = &w->calls[id];
    if (c->done && sim_never_sent(c->code)) {
        sim_fail(w, "sent after it had ended as not sent", id, l->number);
    } else if ((uint32_t)id >= l->closed_to) {
        sim_fail(w, "a new command on a link that owes an old answer", id, l->number);
    }
    c->taken = true;
    sim_guard_call(w, l, c);
    c->link = l->serial;
    c->order = l->commands;
}

static void taken_exec(sim_world *w, sim_link *l)
{
    bool whole = l->group_head >= 0 && l->group_head < w->call_count &&
                 w->calls[l->group_head].count == l->group + 1;
    if (!whole) {
        sim_fail(w, "EXEC of a broken group", l->number, l->group);
        return;
    }
    for (int64_t i = 0; i <= l->group; i++) {
        taken(w, l, l->group_head + i);
    }
    l->group = 0;
    l->group_head = -1;
}

/* The first command of a call, or of a group. */
static void taken_begins(sim_world *w, const sim_link *l)
{
    if (l->why != NULL) {
        sim_fail(w, l->why, l->number, l->node->port);
    }
}

/* Groups without MULTI go out back to back, too. */
static void taken_plain(sim_world *w, sim_link *l, uint32_t id)
{
    uint32_t index = id - w->calls[id].head;
    if (index == 0 ? l->plain_next > 0 : l->plain_next != id) {
        sim_fail(w, "a group is torn apart", id, l->plain_next);
    }
    if (index == 0) {
        taken_begins(w, l);
    }
    l->plain_next = index + 1 < w->calls[id].count ? (int64_t)id + 1 : 0;
}

static void taken_data(sim_world *w, sim_link *l, reef_str word)
{
    int64_t id = sim_number(word);
    if (l->group == 0) {
        taken(w, l, id);
        if (w->failed == NULL && !w->calls[id].plain) {
            sim_fail(w, "a command of a group outside it", id, l->number);
        } else if (w->failed == NULL) {
            taken_plain(w, l, (uint32_t)id);
        }
        return;
    }
    l->group_head = l->group == 1 ? id - 1 : l->group_head;
    if (id != l->group_head + l->group) {
        sim_fail(w, "a stranger inside a group", id, l->group_head);
    }
    l->group++;
}

static bool taken_by_sentinel(reef_str name)
{
    static const char *const names[] = {"HELLO", "AUTH",      "CLIENT",
                                        "ROLE",  "SUBSCRIBE", "PSUBSCRIBE",
                                        "PING",  "SENTINEL",  "INFO"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found = found || reef_str_is(name, names[i]);
    }
    return found;
}

static bool taken_of_cluster(const sim_world *w, const sim_link *l, reef_str name)
{
    return w->cluster != NULL &&
           (reef_str_is(name, "CLUSTER") || reef_str_is(name, "ASKING") ||
            reef_str_is(name, "TYPE") || (reef_str_is(name, "ROLE") && !l->early));
}

static void taken_one(sim_world *w, sim_link *l, const reef_reply *cmd)
{
    const reef_node *root = reef_reply_root(cmd);
    reef_str name = reef_text(cmd, reef_at(root, 0));
    bool shake = reef_str_is(name, "HELLO") || reef_str_is(name, "AUTH") ||
                 reef_str_is(name, "SELECT") || reef_str_is(name, "CLIENT") ||
                 (reef_str_is(name, "ROLE") && (w->cluster == NULL || l->early));
    bool other = reef_str_is(name, "PING") || taken_of_cluster(w, l, name);
    l->shakes += shake;
    l->commands++;
    sim_watch_took(w, l, cmd);
    sim_guard_took(w, l, cmd);
    if (l->node->sentinel != NULL && taken_by_sentinel(name)) {
        return;
    }
    /* It may stand behind a question for a role. */
    bool ping = reef_str_is(name, "PING") && sim_several(w) && l->answers > 0;
    if (!shake && !ping && l->early) {
        sim_fail(w, "a command before the handshake was answered", l->number,
                 l->shakes);
    } else if (l->group > 0 && (shake || other)) {
        sim_fail(w, "a stranger inside a group", l->number, -1);
    } else if (reef_str_is(name, "MULTI")) {
        l->group = 1;
        taken_begins(w, l);
    } else if (reef_str_is(name, "EXEC")) {
        taken_exec(w, l);
    } else if (!shake && !other) {
        taken_data(w, l, reef_text(cmd, reef_at(root, 1)));
    }
}

void sim_calls_taken(sim_world *w, sim_link *l, const char *bytes, size_t len)
{
    bool early = l->shakes == 0 || l->answers < l->shakes;
    bool inside = reef_parser_inside(l->taken);
    l->early = inside ? l->early : early;
    l->why = inside ? l->why : sim_watch_why(w, l);
    reef_parser_feed(l->taken, (reef_str){bytes, len});
    reef_parse got = reef_parser_next(l->taken);
    for (; got == REEF_PARSE_REPLY && w->failed == NULL;) {
        taken_one(w, l, reef_parser_peek(l->taken));
        l->early = early || l->answers < l->shakes;
        l->why = sim_watch_why(w, l);
        got = reef_parser_next(l->taken);
    }
    if (got == REEF_PARSE_ERROR) {
        sim_fail(w, "sent what is no command", l->number, 0);
    }
}

void sim_calls_given(sim_world *w, sim_link *l, const char *bytes, size_t len)
{
    if (l->seen_lost) {
        return;
    }
    reef_parser_feed(l->seen, (reef_str){bytes, len});
    reef_parse got = reef_parser_next(l->seen);
    for (; got == REEF_PARSE_REPLY || got == REEF_PARSE_PUSH;) {
        l->answers += got == REEF_PARSE_REPLY;
        sim_watch_given(w, l, reef_parser_peek(l->seen), got == REEF_PARSE_PUSH);
        sim_guard_given(w, l, reef_parser_peek(l->seen), got == REEF_PARSE_PUSH);
        got = reef_parser_next(l->seen);
    }
    l->seen_lost = got == REEF_PARSE_ERROR;
}
