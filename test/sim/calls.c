/* SPDX-License-Identifier: Apache-2.0
 *
 * calls: the callers of the engine, and the promises made to them.
 *
 * A call's number is its place in `calls`, the tag of its group's first one plus its
 * index, and it stands in the command itself, so that the socket, the server and the
 * reply can each be asked which call they saw. */
#include "test/sim/sim.h"

#include "test/sim/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- submit ------------------------------------------------------------------- */

static const char *const calls_verbs[] = {"ECHO", "SET",   "GET",  "INCR",  "APPEND",
                                          "DEL",  "MULTI", "EXEC", "EXISTS"};

static void calls_key(sim_bytes *out, const sim_call *c, uint32_t id,
                      const char *letter)
{
    sim_bytes_text(out, letter);
    sim_bytes_int(out, id);
    if (c->tag != SIM_NO_TAG) {
        sim_bytes_text(out, "{t");
        sim_bytes_int(out, c->tag);
        sim_bytes_text(out, "}");
    }
}

static reef_cmd *calls_command(const sim_call *c, uint32_t id)
{
    reef_cmd *cmd = reef_cmd_new();
    sim_bytes word = {0};
    if (cmd == NULL) {
        abort();
    }
    reef_cmd_begin(cmd, calls_verbs[c->verb]);
    if (c->verb == SIM_ECHO) {
        sim_bytes_value(&word, id, c->size);
        reef_cmd_arg(cmd, (reef_str){word.ptr, word.len});
    } else if (c->verb != SIM_MULTI && c->verb != SIM_EXEC) {
        calls_key(&word, c, id, "k");
        reef_cmd_key(cmd, (reef_str){word.ptr, word.len});
    }
    if (c->verb == SIM_EXISTS) {
        sim_bytes_skip(&word, word.len);
        calls_key(&word, c, id, "j");
        reef_cmd_key(cmd, (reef_str){word.ptr + word.head, sim_bytes_left(&word)});
    }
    if (c->verb == SIM_SET) {
        sim_bytes_skip(&word, word.len);
        sim_bytes_value(&word, id, c->size);
        reef_cmd_arg(cmd, (reef_str){word.ptr, word.len});
    } else if (c->verb == SIM_APPEND) {
        reef_cmd_text(cmd, "x");
    }
    if (c->repeatable) {
        reef_cmd_repeatable(cmd);
    }
    sim_bytes_free(&word);
    return cmd;
}

static uint32_t calls_slot(const sim_world *w, sim_verb verb, uint32_t id)
{
    sim_bytes key = {0};
    sim_call c = {.tag = w->tag};
    bool none = verb == SIM_ECHO || verb == SIM_MULTI || verb == SIM_EXEC;
    calls_key(&key, &c, id, "k");
    uint32_t slot = none ? SIM_SLOTS : sim_slot((reef_str){key.ptr, key.len});
    sim_bytes_free(&key);
    return slot;
}

static uint32_t calls_add(sim_world *w, sim_verb verb, bool repeatable, size_t size)
{
    uint32_t id = w->call_count++;
    w->calls[id] = (sim_call){.verb = verb,
                              .repeatable = repeatable,
                              .size = size,
                              .tag = w->tag,
                              .slot = calls_slot(w, verb, id)};
    sim_entry e = {size, 0, true, verb == SIM_EXISTS};
    bool there = verb == SIM_GET || verb == SIM_DEL || verb == SIM_EXISTS;
    if (there && w->cluster != NULL) {
        sim_reshard_put(w, id, e);
    } else if (there) {
        w->data.entries[id] = e;
    }
    return id;
}

static void calls_submit(sim_world *w, uint32_t head, uint32_t count, int64_t timeout)
{
    reef_cmd *cmds[4];
    const reef_cmd *list[4];
    int64_t deadline = w->now_ms + timeout;
    for (uint32_t i = 0; i < count; i++) {
        cmds[i] = calls_command(&w->calls[head + i], head + i);
        list[i] = cmds[i];
    }
    sim_memory_in();
    uint64_t ticket =
        reef_engine_submit(w->engine, list, count, head, deadline, w->now_ms);
    sim_memory_out();
    sim_trace(w, ticket != 0 ? "submit" : "submit failed", head, (int64_t)count);
    for (uint32_t i = 0; i < count; i++) {
        sim_call *c = &w->calls[head + i];
        reef_cmd_free(cmds[i]);
        c->head = head;
        c->count = count;
        c->ticket = ticket + i;
        c->submit_ms = w->now_ms;
        c->deadline_ms = deadline;
        c->plain = c->plain || count == 1;
        c->queued = ticket != 0;
        c->done = ticket == 0;
        c->code = REEF_NOMEM;
        w->open_bytes += ticket != 0 ? c->size + 200 : 0;
        w->open_calls += ticket != 0;
    }
    if (ticket == 0 && !w->out_of_memory) {
        sim_fail(w, "submit took nothing", head, 0);
    }
    sim_drain(w, false);
}

uint32_t sim_call_one(sim_world *w, sim_verb verb, bool repeatable, int64_t timeout_ms)
{
    uint32_t id = calls_add(w, verb, repeatable, 8 + sim_below(w, 100) + w->big);
    calls_submit(w, id, 1, timeout_ms);
    return id;
}

/* Keys of one group live together. The tag as it was. */
static int64_t calls_together(sim_world *w)
{
    int64_t tag = w->tag;
    if (w->cluster != NULL && tag == SIM_NO_TAG) {
        w->tag = w->call_count;
    }
    return tag;
}

uint32_t sim_call_group(sim_world *w, bool repeatable, int64_t timeout_ms)
{
    int64_t tag = calls_together(w);
    uint32_t id = calls_add(w, SIM_MULTI, repeatable, 0);
    (void)calls_add(w, repeatable ? SIM_SET : SIM_INCR, repeatable, 20);
    (void)calls_add(w, SIM_ECHO, repeatable, 20);
    (void)calls_add(w, SIM_EXEC, repeatable, 0);
    w->tag = tag;
    calls_submit(w, id, 4, timeout_ms);
    return id;
}

uint32_t sim_call_train(sim_world *w, bool repeatable, int64_t timeout_ms)
{
    uint32_t id = w->call_count;
    int64_t tag = calls_together(w);
    for (int i = 0; i < 3; i++) {
        uint32_t one = calls_add(w, repeatable ? SIM_SET : SIM_INCR, repeatable, 20);
        w->calls[one].plain = true;
    }
    w->tag = tag;
    calls_submit(w, id, 3, timeout_ms);
    return id;
}

static void calls_trouble(sim_world *w)
{
    int64_t until = w->now_ms + sim_below(w, 1500);
    sim_node *n = w->data.truth != NULL ? w->data.truth : w->server;
    n = w->cluster != NULL ? &w->nodes[sim_below(w, (uint32_t)w->node_count)] : n;
    int64_t *which[3] = {&n->loading_until, &n->masterdown_until, &n->busy_until};
    if (sim_chance(w, w->rates.trouble)) {
        *which[sim_below(w, 3)] = until;
    }
    if (sim_chance(w, w->rates.restart)) {
        sim_at(w, w->now_ms, SIM_DOWN, 0, sim_below(w, 1500));
    }
}

void sim_call_drawn(sim_world *w)
{
    static const uint32_t timeouts[] = {5, 50, 500, 500, 3000, 8000};
    int64_t timeout = 1 + sim_below(w, timeouts[sim_below(w, 6)]);
    sim_verb verb = (sim_verb)sim_below(w, SIM_MULTI);
    bool repeatable = verb != SIM_INCR && verb != SIM_APPEND && sim_chance(w, 500);
    /* Not through a socket that takes hours for it. */
    bool narrow = w->modest || (w->rates.window > 0 && w->rates.window < 200);
    uint32_t large = narrow ? 500 : 60000;
    /* Twenty of them through one that takes a byte at a time are minutes. */
    uint32_t bytes = w->rates.window > 0 ? 20 * 600 / w->rates.window : 0;
    timeout = w->healed ? 60000 + bytes * (w->rates.latency_ms + 1) : timeout;
    size_t size = 8 + sim_below(w, sim_chance(w, 50) ? large : 100);
    calls_trouble(w);
    if (w->call_count + 4 > SIM_CALLS) {
        return;
    }
    if (w->cluster != NULL) {
        w->tag = sim_chance(w, 500) ? (int64_t)sim_below(w, SIM_HOT) : SIM_NO_TAG;
        if (sim_chance(w, 150)) {
            verb = SIM_EXISTS;
            w->tag = sim_below(w, SIM_HOT); /* both keys in one slot */
        }
    }
    if (sim_chance(w, 100)) {
        (void)sim_call_group(w, sim_chance(w, 500), timeout);
    } else if (sim_chance(w, 100)) {
        (void)sim_call_train(w, sim_chance(w, 300), timeout);
    } else {
        calls_submit(w, calls_add(w, verb, repeatable, size), 1, timeout);
    }
}

/* Codes that say: nothing was sent. */
bool sim_never_sent(reef_code code)
{
    return code == REEF_UNSENT || code == REEF_CONNECT || code == REEF_AUTH ||
           code == REEF_DNS || code == REEF_BADARG || code == REEF_NOMEM ||
           code == REEF_BADCONFIG || code == REEF_NOROUTE || code == REEF_LIMIT;
}

/* ---- what the server ran ------------------------------------------------------ */

void sim_calls_ran(sim_world *w)
{
    for (uint32_t i = 0; i < w->data.recent_count; i++) {
        uint32_t id = w->data.recent[i];
        const sim_call *c = &w->calls[id];
        sim_trace(w, "ran", id, w->data.ran[id]);
        if (w->data.db != w->config.db) {
            sim_fail(w, "ran in the wrong db", id, w->data.db);
        } else if (!c->queued) {
            sim_fail(w, "ran what nobody asked for", id, 0);
        } else if (!c->repeatable && w->data.ran[id] > 1) {
            sim_fail(w, "ran twice", id, w->data.ran[id]);
        } else if (c->done && sim_never_sent(c->code)) {
            sim_fail(w, "ran after it had ended as not sent", id, c->code);
        }
    }
}

/* ---- how it ended ------------------------------------------------------------- */

static bool calls_right_exec(const sim_world *w, uint32_t id, const reef_reply *reply)
{
    const reef_node *root = reef_reply_root(reply);
    const reef_node *first = reef_at(root, 0);
    bool right = w->calls[id - 2].verb == SIM_INCR
                     ? reef_int(first, -1) == 1
                     : reef_str_is(reef_text(reply, first), "OK");
    return reef_node_kind(root) == REEF_ARRAY && reef_count(root) == 2 && right &&
           sim_is_value(reef_text(reply, reef_at(root, 1)), id - 1);
}

/* True: the reply is the one that this call must get. */
static bool calls_right(const sim_world *w, uint32_t id, const reef_reply *reply)
{
    const sim_call *c = &w->calls[id];
    const reef_node *root = reef_reply_root(reply);
    reef_str text = reef_text(reply, root);
    bool value = text.len == c->size && sim_is_value(text, id);
    bool member = !c->plain && c->verb != SIM_MULTI && c->verb != SIM_EXEC;
    if (member) {
        return reef_str_is(text, "QUEUED");
    }
    switch (c->verb) {
    case SIM_ECHO:
        return value;
    case SIM_GET:
        return value || (reef_node_kind(root) == REEF_NIL && w->data.forgot);
    case SIM_SET:
    case SIM_MULTI:
        return reef_str_is(text, "OK");
    case SIM_INCR:
    case SIM_APPEND:
        return reef_int(root, -1) == 1;
    case SIM_DEL:
        return reef_int(root, -1) == 1 ||
               (reef_int(root, -1) == 0 && (c->repeatable || w->data.forgot));
    case SIM_EXEC:
        return calls_right_exec(w, id, reply);
    case SIM_EXISTS:
        return reef_int(root, -1) == 2 ||
               (w->data.forgot && reef_int(root, -1) >= 0 && reef_int(root, -1) < 2);
    }
    return false;
}

/* True for the calls that the server itself sees running. */
static bool calls_shows(const sim_call *c)
{
    return c->verb != SIM_MULTI && c->verb != SIM_EXEC;
}

static void calls_judge(sim_world *w, uint32_t id, const reef_reply *reply)
{
    sim_call *c = &w->calls[id];
    uint32_t ran = w->data.ran[id];
    bool alone = c->plain;
    if (w->foul && c->code == REEF_OK) {
        return;
    }
    if (c->code == REEF_OK && !calls_right(w, id, reply)) {
        sim_fail(w, "the wrong reply", id,
                 (int64_t)reef_node_kind(reef_reply_root(reply)));
    } else if (c->code == REEF_OK && alone && ran == 0) {
        sim_fail(w, "answered and never ran", id, 0);
    } else if (sim_never_sent(c->code) && calls_shows(c) && ran > 0) {
        sim_fail(w, "ended as not sent, but ran", id, c->code);
    } else if (c->code == REEF_REFUSED && alone && !c->repeatable && ran > 0) {
        sim_fail(w, "ended as refused, but ran", id, 0);
    } else if (c->code == REEF_NOT_FOUND || c->code == REEF_CONFLICT ||
               c->code == REEF_CORRUPT) {
        sim_fail(w, "a code that no engine gives", id, c->code);
    } else if (c->code != REEF_OK && reef_reply_text(reply)[0] == '\0') {
        sim_fail(w, "a failure without a reason", id, c->code);
    }
}

/* The link that took a call which is unsure now, and lives, takes nothing new. */
static void calls_close_link(sim_world *w, const sim_call *c)
{
    sim_link *l = sim_find(w, c->link);
    bool owes = l != NULL && l->state == SIM_OPEN && l->answers < c->order;
    if (owes && l->closed_to == SIM_CALLS) {
        l->closed_to = w->call_count;
    }
}

static void calls_count(sim_world *w, sim_call *c, const reef_reply *reply)
{
    size_t len = strlen(reef_reply_text(reply));
    len = len < sizeof c->text ? len : sizeof c->text - 1;
    memcpy(c->text, reef_reply_text(reply), len);
    w->open_calls--;
    w->open_bytes -= c->size + 200;
    w->watch.signs += c->code != REEF_OK;
    w->unsure_count += c->code == REEF_UNSURE;
    w->strays += c->code == REEF_UNSURE && !c->taken;
    w->ok_count += c->code == REEF_OK;
    if (c->code == REEF_UNSURE && c->taken) {
        calls_close_link(w, c);
    }
    reef_str text = reef_text(reply, reef_reply_root(reply));
    char code = (char)c->code;
    sim_mix(&w->results, &code, 1);
    sim_mix(&w->results, text.ptr, text.len);
    sim_mix(&w->results, c->text, len);
}

static void calls_let_go(sim_world *w, sim_call *c, reef_reply *reply)
{
    uint64_t way = (w->seed + c->ticket) % 3;
    if (way == 0) {
        c->kept = reply;
        w->kept_bytes += reef_reply_size(reply);
    } else if (way == 1) {
        reef_reply_free(reply);
    } else {
        sim_memory_in();
        reef_engine_recycle(w->engine, reply);
        sim_memory_out();
    }
}

void sim_calls_done(sim_world *w, reef_done *done)
{
    uint64_t id = done->tag + done->index;
    sim_call *c = id < w->call_count ? &w->calls[id] : NULL;
    if (c == NULL || c->done || c->ticket != done->ticket || c->head != done->tag) {
        sim_fail(w, "a ticket that is not open", (int64_t)done->ticket, (int64_t)id);
        reef_reply_free(done->reply);
        return;
    }
    c->done = true;
    c->done_ms = w->now_ms;
    c->code = reef_reply_code(done->reply);
    sim_trace(w, reef_code_name(c->code), (int64_t)id, w->now_ms - c->submit_ms);
    if (w->now_ms > c->deadline_ms + (int64_t)w->rates.late_ms) {
        sim_fail(w, "ended after its deadline", (int64_t)id, c->deadline_ms);
    }
    calls_judge(w, (uint32_t)id, done->reply);
    calls_count(w, c, done->reply);
    if (c->code != REEF_OK) {
        sim_trace(w, c->text, (int64_t)id, 0);
    }
    calls_let_go(w, c, done->reply);
}

/* ---- after every input, and at the end ---------------------------------------- */

void sim_calls_check(sim_world *w, bool ticked)
{
    int64_t late = (int64_t)w->rates.late_ms + (ticked ? 0 : 1);
    while (w->first_open < w->call_count && w->calls[w->first_open].done) {
        w->first_open++;
    }
    for (uint32_t i = w->first_open; i < w->call_count; i++) {
        if (!w->calls[i].done && w->calls[i].deadline_ms + late <= w->now_ms) {
            sim_fail(w, "open after its deadline", i, w->calls[i].deadline_ms);
            return;
        }
    }
    for (size_t i = 0; i < SIM_LINKS && ticked; i++) {
        const sim_link *l = &w->links[i];
        int64_t limit = l->start_ms + (int64_t)w->config.connect_timeout_ms + late;
        if ((l->state == SIM_OPENING || (l->state == SIM_OPEN && l->answers == 0)) &&
            limit < w->now_ms) {
            sim_fail(w, "an attempt that takes too long", l->number, l->start_ms);
        }
    }
    sim_names_check(w);
    w->watch.input++;
    size_t live = sim_memory_live() - w->live_start;
    size_t links = sim_several(w) ? 65536 * w->node_count : 0;
    if (live > 524288 + links + 4 * w->open_bytes + 2 * w->kept_bytes) {
        sim_fail(w, "too much memory", (int64_t)live, (int64_t)w->open_bytes);
    }
}

/* A redirect that could not be followed is an answer, too. */
static bool calls_answered(const sim_call *c)
{
    bool part = strstr(c->text, ", while others of its group did") != NULL;
    return c->code == REEF_OK || c->code == REEF_REFUSED || part;
}

static void calls_check_stats(sim_world *w)
{
    static reef_stats s;
    uint64_t queued = 0, answered = 0, whole = 0, told = 0;
    reef_engine_stats(w->engine, &s);
    for (uint32_t i = 0; i < w->call_count; i++) {
        const sim_call *c = &w->calls[i];
        queued += c->queued;
        answered += c->queued && calls_answered(c);
        whole += c->queued && calls_answered(&w->calls[c->head + c->count - 1]);
    }
    for (size_t i = 0; i < REEF_LATENCY_BUCKETS; i++) {
        told += s.latency[i];
    }
    if (s.calls != queued || s.answered + s.failed != queued) {
        sim_fail(w, "stats: calls", (int64_t)s.calls, (int64_t)queued);
    } else if (s.answered != answered || told != whole) {
        sim_fail(w, "stats: answered", (int64_t)s.answered, (int64_t)answered);
    } else if (s.unsure != w->unsure_count) {
        sim_fail(w, "stats: unsure", (int64_t)s.unsure, w->unsure_count);
    } else if (s.bytes_in != w->bytes_in || s.bytes_out != w->bytes_out) {
        sim_fail(w, "stats: bytes", (int64_t)s.bytes_in, (int64_t)s.bytes_out);
    } else if (s.dropped_events != 0 || s.dropped_pushes != 0) {
        sim_fail(w, "stats: dropped", (int64_t)s.dropped_events, 0);
    }
}

void sim_calls_end(sim_world *w)
{
    for (uint32_t i = 0; i < w->call_count && w->failed == NULL; i++) {
        const sim_call *c = &w->calls[i];
        if (!c->done) {
            sim_fail(w, "never ended", i, 0);
        } else if (c->code == REEF_OK && c->verb == SIM_EXEC &&
                   w->data.ran[i - 2] == 0) {
            sim_fail(w, "EXEC answered and never ran", i, 0);
        }
    }
    sim_guard_end(w);
    if (w->strays > 4 * w->partials && w->failed == NULL) {
        sim_fail(w, "unsure, but never sent", w->strays, w->partials);
    }
    if (w->failed == NULL && !w->out_of_memory) {
        calls_check_stats(w);
    }
}

void sim_calls_free(sim_world *w)
{
    for (uint32_t i = 0; i < w->call_count; i++) {
        sim_call *c = &w->calls[i];
        if (c->kept != NULL && w->failed == NULL) {
            calls_judge(w, i, c->kept);
        }
        reef_reply_free(c->kept);
        c->kept = NULL;
    }
    for (size_t i = 0; i < w->heap_count; i++) {
        sim_bytes_free(&w->heap[i].mail);
    }
    free(w->heap);
    w->heap = NULL;
    w->heap_count = w->heap_cap = 0;
}
