/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to a Sentinel, and what it says.
 *
 * A question is one group of commands, so its answers belong together; which ones it
 * holds stands in the ticket's tag, a bit each, in the order of `ask_rows`. An
 * announcement is a hint alone: it makes us look (hold, ask for a role, ask a Sentinel
 * anew), and only what is seen then counts. */
#include "net/sentinel.h"

#include <stdio.h>
#include <string.h>

enum { ASK_ROWS = 7, ASK_CHANNELS = 4 };

typedef enum ask_what {
    ASK_ADDRESS,
    ASK_MASTER,
    ASK_SENTINELS,
    ASK_ID,
    ASK_REPLICAS,
    ASK_NAMES,
    ASK_STATE
} ask_what;

/* SLAVES and not REPLICAS: some products have the old name alone. */
static const struct {
    const char *verb, *word;
    bool named; /* the master's name follows */
} ask_rows[ASK_ROWS] = {
    [ASK_ADDRESS] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", true},
    [ASK_MASTER] = {"SENTINEL", "MASTER", true},
    [ASK_SENTINELS] = {"SENTINEL", "SENTINELS", true},
    [ASK_ID] = {"SENTINEL", "MYID", false},
    [ASK_REPLICAS] = {"SENTINEL", "SLAVES", true},
    [ASK_NAMES] = {"SENTINEL", "MASTERS", false},
    [ASK_STATE] = {"INFO", "sentinel", false},
};

static bool ask_has(uint64_t tag, ask_what what)
{
    return (tag >> what & 1) != 0;
}

static uint64_t ask_tag(const reef_sentinel *s)
{
    uint64_t tag = UINT64_C(1) << ASK_ADDRESS | UINT64_C(1) << ASK_MASTER |
                   UINT64_C(1) << ASK_SENTINELS;
    if (!s->id[0])
        tag |= UINT64_C(1) << ASK_ID;
    if (s->wants_replica)
        tag |= UINT64_C(1) << ASK_REPLICAS;
    if (s->wants_names)
        tag |= UINT64_C(1) << ASK_NAMES;
    if (s->wants_state)
        tag |= UINT64_C(1) << ASK_STATE;
    return tag;
}

static void ask_free(reef_cmd *cmds[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        reef_cmd_free(cmds[i]);
}

static size_t ask_build(const reef_engine *e, reef_cmd *cmds[ASK_ROWS], uint64_t tag)
{
    size_t count = 0;
    for (size_t i = 0; i < ASK_ROWS; i++) {
        if (!ask_has(tag, (ask_what)i) || !(cmds[count] = reef_cmd_new()))
            continue;
        reef_cmd_begin(cmds[count], ask_rows[i].verb);
        reef_cmd_text(cmds[count], ask_rows[i].word);
        if (ask_rows[i].named)
            reef_cmd_text(cmds[count], e->config.master_name);
        count++;
    }
    return count;
}

static size_t ask_size(uint64_t tag)
{
    size_t size = 0;
    for (; tag != 0; tag &= tag - 1)
        size++;
    return size;
}

static int64_t ask_patience_ms(const reef_engine *e, const reef_sentinel *s)
{
    int64_t ms = (int64_t)REEF_SENTINEL_MS << s->patience;
    return ms < e->config.connect_timeout_ms ? ms : e->config.connect_timeout_ms;
}

void reef_sentinel_ask(reef_engine *e, reef_sentinel *s)
{
    reef_cmd *cmds[ASK_ROWS] = {NULL};
    uint64_t tag = ask_tag(s);
    size_t count = ask_build(e, cmds, tag);
    reef_errand_order order = {.errand = REEF_ERRAND_ASK,
                               .cmds = (const reef_cmd *const *)cmds,
                               .count = count,
                               .tag = tag,
                               .deadline_ms = e->now_ms + ask_patience_ms(e, s)};
    s->asked_ms = e->now_ms;
    s->due_ms = 0;
    s->asking =
        count == ask_size(tag) && reef_engine_errand(e, e->links[s->link], &order);
    ask_free(cmds, count);
}

/* Each channel has a command of its own, and so an answer of its own: a confirmation,
 * or that it is not allowed. RESP2 gives a connection that listens to nothing else, so
 * there a Sentinel is only asked. */
void reef_sentinel_watch(reef_engine *e, reef_sentinel *s)
{
    static const char *const channels[ASK_CHANNELS][2] = {
        {"SUBSCRIBE", "+selected-slave"},
        {"SUBSCRIBE", "+promoted-slave"},
        {"SUBSCRIBE", "+switch-master"},
        {"PSUBSCRIBE", "-failover-abort-*"}};
    reef_cmd *cmds[ASK_CHANNELS] = {NULL};
    reef_errand_order order = {.errand = REEF_ERRAND_WATCH,
                               .cmds = (const reef_cmd *const *)cmds,
                               .count = ASK_CHANNELS,
                               .deadline_ms = e->now_ms + ask_patience_ms(e, s)};
    size_t count = 0;
    if (e->links[s->link]->protocol != 3)
        return;
    while (count < ASK_CHANNELS && (cmds[count] = reef_cmd_new())) {
        reef_cmd_begin(cmds[count], channels[count][0]);
        reef_cmd_text(cmds[count], channels[count][1]);
        count++;
    }
    if (count == ASK_CHANNELS)
        (void)reef_engine_errand(e, e->links[s->link], &order);
    ask_free(cmds, count);
}

/* ---- answers ------------------------------------------------------------------ */

/* The reply to one of the questions; NULL: it was not asked. */
static const reef_reply *ask_reply(const reef_ticket *t, ask_what what)
{
    size_t at = ask_size(t->tag & ((UINT64_C(1) << what) - 1));
    return ask_has(t->tag, what) ? t->replies[at] : NULL;
}

static void ask_wrong(reef_engine *e, reef_sentinel *s, const reef_reply *reply)
{
    char text[REEF_ERROR_TEXT];
    const char *said = reef_reply_text(reply);
    bool denied = strncmp(said, "NOPERM", 6) == 0 || strncmp(said, "NOAUTH", 6) == 0;
    bool foreign = strstr(said, "unknown command") != NULL;
    s->state = REEF_SENTINEL_WRONG;
    if (foreign)
        snprintf(text, sizeof text,
                 "is no Sentinel, and [server.redis] lists it as one: with master_name "
                 "set, hosts are the Sentinels");
    else if (denied)
        snprintf(text, sizeof text,
                 "%.120s; check sentinel_username and sentinel_password under "
                 "[server.redis]",
                 said);
    else
        snprintf(text, sizeof text, "answered a question for the master with %.120s",
                 said[0] ? said : "something else than an address");
    reef_error_put(&s->why,
                   denied    ? REEF_AUTH
                   : foreign ? REEF_BADCONFIG
                             : REEF_NOROUTE,
                   0, e->links[s->link]->stats.peer, text);
}

static void ask_learn(reef_engine *e, const reef_reply *reply)
{
    size_t count = reef_says_sentinel_count(reply);
    reef_place place;
    char id[REEF_SAYS_ID + 1];
    for (size_t i = 0; i < count && i < REEF_SENTINELS_MAX; i++)
        if (reef_says_sentinel_at(reply, i, &place, id))
            reef_sentinels_learn(e, &place, id);
}

/* It selects a replica, and nobody heard it announce that. */
static void ask_selected(reef_engine *e, reef_sentinel *s, const reef_reply *reply)
{
    reef_says_event event = {.kind = REEF_SAYS_SELECTED, .from = s->master.place};
    if (s->master.failing_over && reef_says_promoted(reply, &event.to))
        reef_sentinel_heard(e, s, &event);
}

static void ask_knows(reef_engine *e, reef_sentinel *s, const reef_ticket *t)
{
    s->state = REEF_SENTINEL_KNOWS;
    s->why.code = REEF_OK;
    s->wants_names = false;
    memset(&s->master, 0, sizeof s->master);
    if (!reef_says_master_of(ask_reply(t, ASK_MASTER), &s->master))
        s->master.place = s->place;
    /* Only who leads a fail-over names another place than its configuration; else that
     * changed between the two answers, of which this one came later. */
    if (!s->master.failing_over)
        s->place = s->master.place;
    ask_learn(e, ask_reply(t, ASK_SENTINELS));
    if (ask_reply(t, ASK_REPLICAS))
        ask_selected(e, s, ask_reply(t, ASK_REPLICAS));
    /* Once for each fail-over that it was not heard to begin. */
    s->wants_replica = s->master.failing_over && !s->wants_replica &&
                       !e->sentinels->chosen.port &&
                       reef_place_same(&s->master.place, &e->sentinels->target);
    if (s->wants_replica)
        s->due_ms = e->now_ms;
}

static void ask_unknown(reef_engine *e, reef_sentinel *s, const reef_reply *names)
{
    s->state = REEF_SENTINEL_UNKNOWN;
    reef_error_put(&s->why, REEF_BADCONFIG, 0, e->links[s->link]->stats.peer,
                   "knows no master of that name");
    if (names)
        reef_says_names(names, s->names, sizeof s->names);
    s->wants_names = !names;
    if (!names)
        s->due_ms = e->now_ms;
}

/* Its clock jumped: it watches, but takes no part in fail-overs for a while. */
static bool ask_tilts(const reef_reply *reply)
{
    static const char mark[] = "sentinel_tilt:1";
    reef_str text = reef_text(reply, reef_reply_root(reply));
    size_t len = sizeof mark - 1;
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.ptr + i, mark, len) == 0)
            return true;
    return false;
}

static void ask_told(reef_engine *e, reef_sentinel *s, const reef_ticket *t)
{
    reef_sentinels *st = e->sentinels;
    const reef_reply *id = ask_reply(t, ASK_ID);
    s->asking = false;
    s->heard_ms = s->verdict_ms = e->now_ms;
    s->took_ms = (uint32_t)(e->now_ms - s->asked_ms);
    s->patience = 0;
    s->pause.step = 0;
    if (st->first_ms == 0)
        st->first_ms = e->now_ms;
    if (id)
        reef_says_id(id, s->id);
    if (ask_reply(t, ASK_STATE)) {
        s->tilt = ask_tilts(ask_reply(t, ASK_STATE));
        s->wants_state = false;
    }
    reef_code code = reef_says_address(ask_reply(t, ASK_ADDRESS), &s->place);
    s->knows = code == REEF_OK;
    if (code == REEF_OK)
        ask_knows(e, s, t);
    else if (code == REEF_NOT_FOUND)
        ask_unknown(e, s, ask_reply(t, ASK_NAMES));
    else
        ask_wrong(e, s, ask_reply(t, ASK_ADDRESS));
    if (code == REEF_OK)
        reef_sentinels_front(e, s);
    reef_sentinels_twins(e, s);
}

static void ask_watches(reef_sentinel *s, const reef_ticket *t)
{
    s->watched = true;
    for (uint32_t i = 0; i < t->count; i++)
        if (reef_node_kind(reef_reply_root(t->replies[i])) != REEF_PUSH)
            s->watched = false;
}

void reef_sentinel_answered(reef_engine *e, reef_link *l, const reef_ticket *t)
{
    reef_sentinel *s = reef_sentinels_of_link(e, l);
    if (s && t->errand == REEF_ERRAND_ASK)
        ask_told(e, s, t);
    else if (s && t->errand == REEF_ERRAND_WATCH)
        ask_watches(s, t);
}
