/* SPDX-License-Identifier: Apache-2.0
 *
 * Tickets: the commands that an engine was given, from submit to the reply that the
 * host takes. Deadlines live in a binary heap, so that expiring one costs log n however
 * many wait. A ticket is one allocation (struct, replies, wire), made before it is
 * accepted: ending one can't fail for want of memory. */
#include "net/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists -------------------------------------------------------------------- */

static void list_insert_after(reef_list *list, reef_ticket *at, reef_ticket *t)
{
    t->prev = at;
    t->next = at ? at->next : list->head;
    *(t->prev ? &t->prev->next : &list->head) = t;
    *(t->next ? &t->next->prev : &list->tail) = t;
    list->count++;
}

void reef_list_push(reef_list *list, reef_ticket *t)
{
    list_insert_after(list, list->tail, t);
}

void reef_list_insert_by_age(reef_list *list, reef_ticket *t)
{
    /* What comes back comes in crowds, by age: look from where the last one went. The
     * oldest of all, which is tried again and again, goes before them; new ones behind
     * them. */
    bool oldest = !list->head || list->head->id > t->id;
    bool newest = list->tail && list->tail->id < t->id;
    reef_ticket *after = oldest ? NULL : newest ? list->tail : list->near;
    while (after && after->id > t->id)
        after = after->prev;
    reef_ticket *next = after ? after->next : list->head;
    for (; next && next->id < t->id; next = next->next)
        after = next;
    list_insert_after(list, after, t);
    list->near = t;
}

void reef_list_remove(reef_list *list, reef_ticket *t)
{
    *(t->prev ? &t->prev->next : &list->head) = t->next;
    *(t->next ? &t->next->prev : &list->tail) = t->prev;
    if (list->near == t)
        list->near = t->prev;
    t->next = t->prev = NULL;
    list->count--;
}

/* ---- the deadline heap -------------------------------------------------------- */

static void heap_place(reef_engine *e, size_t i, reef_ticket *t)
{
    e->heap[i] = t;
    t->heap_index = i;
}

static void heap_up(reef_engine *e, size_t i, reef_ticket *t)
{
    while (i > 0) {
        size_t up = (i - 1) / 2;
        if (e->heap[up]->deadline_ms <= t->deadline_ms)
            break;
        heap_place(e, i, e->heap[up]);
        i = up;
    }
    heap_place(e, i, t);
}

static void heap_down(reef_engine *e, size_t i, reef_ticket *t)
{
    for (;;) {
        size_t kid = 2 * i + 1;
        if (kid >= e->heap_count)
            break;
        if (kid + 1 < e->heap_count &&
            e->heap[kid + 1]->deadline_ms < e->heap[kid]->deadline_ms)
            kid++;
        if (t->deadline_ms <= e->heap[kid]->deadline_ms)
            break;
        heap_place(e, i, e->heap[kid]);
        i = kid;
    }
    heap_place(e, i, t);
}

reef_code reef_ticket_track(reef_engine *e, reef_ticket *t)
{
    if (e->heap_count == e->heap_cap) {
        /* pending is capped at REEF_PENDING_MAX, so this product can't overflow. */
        size_t cap = e->heap_cap ? 2 * e->heap_cap : 64;
        reef_ticket **heap = realloc(e->heap, cap * sizeof *heap);
        if (!heap)
            return REEF_NOMEM;
        e->heap = heap;
        e->heap_cap = cap;
    }
    heap_up(e, e->heap_count++, t);
    return REEF_OK;
}

static void heap_remove(reef_engine *e, const reef_ticket *t)
{
    size_t i = t->heap_index;
    reef_ticket *last = e->heap[--e->heap_count];
    if (last == t)
        return;
    if (last->deadline_ms < t->deadline_ms)
        heap_up(e, i, last);
    else
        heap_down(e, i, last);
}

/* ---- life --------------------------------------------------------------------- */

/* EVAL, EVALSHA_RO, FCALL and their like. */
static bool ticket_is_script(const reef_cmd *cmd)
{
    reef_str name = reef_cmd_at(cmd, 0);
    return (name.len >= 4 && reef_str_is((reef_str){name.ptr, 4}, "EVAL")) ||
           (name.len >= 5 && reef_str_is((reef_str){name.ptr, 5}, "FCALL"));
}

reef_ticket *reef_ticket_new(reef_engine *e, const reef_cmd *const cmds[], size_t count)
{
    size_t bytes = 0;
    /* Each is at most half of what is allowed, so this sum can't wrap. */
    for (size_t i = 0; i < count && bytes <= REEF_PENDING_BYTES; i++)
        bytes += reef_cmd_wire(cmds[i]).len;
    if (e->pending + count > REEF_PENDING_MAX ||
        e->pending_bytes + bytes > REEF_PENDING_BYTES)
        return NULL;
    size_t head = sizeof(reef_ticket) + count * sizeof(reef_reply *) + REEF_ASKING_LEN;
    reef_ticket *t = malloc(head + bytes);
    if (!t)
        return NULL;
    memset(t, 0, head);
    t->count = (uint32_t)count;
    t->wire = (char *)t + head;
    t->slot = REEF_NO_SLOT;
    t->repeatable = true;
    t->atomic = count > 1 && reef_str_is(reef_cmd_at(cmds[0], 0), "MULTI") &&
                reef_str_is(reef_cmd_at(cmds[count - 1], 0), "EXEC");
    for (size_t i = 0; i < count; i++) {
        reef_str wire = reef_cmd_wire(cmds[i]);
        if (wire.len > 0)
            memcpy(t->wire + t->len, wire.ptr, wire.len);
        t->len += wire.len;
        t->repeatable = t->repeatable && reef_cmd_is_repeatable(cmds[i]);
        t->scripted = t->scripted || ticket_is_script(cmds[i]);
    }
    t->id = e->next_id;
    e->next_id += count;
    e->pending += count;
    e->pending_bytes += bytes;
    return t;
}

void reef_ticket_forget(reef_ticket *t)
{
    for (uint32_t i = t->given; i < t->got; i++)
        reef_reply_free(t->replies[i]);
    t->got = 0;
}

void reef_ticket_free(reef_engine *e, reef_ticket *t)
{
    e->pending -= t->count;
    reef_ticket_ask(t, false);
    e->pending_bytes -= t->len;
    reef_ticket_forget(t);
    free(t);
}

void reef_ticket_end(reef_engine *e, reef_ticket *t, reef_code code, const char *text)
{
    heap_remove(e, t);
    if (t->errand != REEF_ERRAND_NONE) {
        e->errands--;
        reef_ticket_free(e, t);
        return;
    }
    e->totals.answered += t->got;
    e->totals.failed += t->count - t->got;
    e->totals.unsure += code == REEF_UNSURE ? t->count - t->got : 0;
    while (t->got < t->count)
        t->replies[t->got++] = reef_reply_failed(code, text);
    t->place = REEF_DONE;
    reef_list_push(&e->done, t);
}

void reef_ticket_park(reef_list *list, reef_ticket *t)
{
    t->sent = 0;
    t->skip = 0;
    t->place = REEF_WAITING;
    t->home = list;
    reef_list_insert_by_age(list, t);
}

void reef_ticket_wait(reef_engine *e, reef_ticket *t)
{
    reef_ticket_park(&e->waiting, t);
}

void reef_ticket_ask(reef_ticket *t, bool asking)
{
    static const char word[REEF_ASKING_LEN + 1] = "*1\r\n$6\r\nASKING\r\n";
    if (t->asking == asking)
        return;
    t->asking = asking;
    t->asked = false;
    t->wire += asking ? -REEF_ASKING_LEN : REEF_ASKING_LEN;
    t->len = asking ? t->len + REEF_ASKING_LEN : t->len - REEF_ASKING_LEN;
    if (asking)
        memcpy(t->wire, word, REEF_ASKING_LEN);
}

/* ---- slots -------------------------------------------------------------------- */

static void ticket_place_key(reef_ticket *t, size_t which, const reef_cmd *cmd,
                             size_t begin, reef_str key)
{
    size_t at = begin + (size_t)(key.ptr - reef_cmd_wire(cmd).ptr);
    t->keys[which].at = (uint32_t)at; /* REEF_PENDING_BYTES fits */
    t->keys[which].len = (uint32_t)key.len;
}

static void ticket_place_all(reef_ticket *t, const reef_cmd *const cmds[], size_t count)
{
    size_t begin = 0;
    for (size_t i = 0; i < count && !t->crossed; i++) {
        size_t keys = reef_cmd_keys(cmds[i]);
        for (size_t k = 0; k < keys && !t->crossed; k++) {
            reef_str key = reef_cmd_key_at(cmds[i], k);
            uint16_t slot = (uint16_t)reef_key_slot(key);
            bool first = t->slot == REEF_NO_SLOT;
            t->crossed = !first && slot != t->slot;
            if (first)
                t->slot = slot;
            if (first || t->crossed)
                ticket_place_key(t, t->crossed, cmds[i], begin, key);
        }
        begin += reef_cmd_wire(cmds[i]).len;
    }
}

/* Most have one key. */
void reef_ticket_place(reef_ticket *t, const reef_cmd *const cmds[], size_t count)
{
    size_t at;
    reef_str only;
    if (count > 1 || !reef_cmd_only_key(cmds[0], &only, &at)) {
        ticket_place_all(t, cmds, count);
        return;
    }
    t->slot = (uint16_t)reef_key_slot(only);
    t->keys[0].at = (uint32_t)at;
    t->keys[0].len = (uint32_t)only.len;
}

void reef_ticket_crossed(const reef_ticket *t, reef_error *why)
{
    enum { CROSSED_SHOWN = 40 }; /* bytes of a key */
    char text[REEF_ERROR_TEXT], names[2][CROSSED_SHOWN + 1];
    for (size_t i = 0; i < 2; i++) {
        size_t len = t->keys[i].len < CROSSED_SHOWN ? t->keys[i].len : CROSSED_SHOWN;
        for (size_t k = 0; k < len; k++) {
            char c = t->wire[t->keys[i].at + k];
            names[i][k] = c >= ' ' && c != 0x7F ? c : '?';
        }
        names[i][len] = 0;
    }
    reef_str other = {t->wire + t->keys[1].at, t->keys[1].len};
    snprintf(
        text, sizeof text,
        "the keys '%s' (slot %lu) and '%s' (slot %lu) live in different slots of "
        "the Cluster; nothing was sent: give them one {tag}, or send a command for "
        "each",
        names[0], (unsigned long)t->slot, names[1],
        (unsigned long)reef_key_slot(other));
    reef_error_put(why, REEF_BADARG, 0, NULL, text);
}

void reef_tickets_refuse(reef_engine *e, const reef_error *why)
{
    while (e->waiting.head) {
        reef_ticket *t = e->waiting.head;
        reef_list_remove(&e->waiting, t);
        reef_ticket_forget(t);
        reef_ticket_end(e, t, t->doubtful ? REEF_UNSURE : why->code, why->text);
    }
}

/* ---- not now ------------------------------------------------------------------ */

static bool text_begins(const char *text, const char *word)
{
    size_t len = strlen(word);
    return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == 0);
}

/* The first word is the server's, but a script may have run and answered "BUSY" itself:
 * `whole` asks for the server's whole phrase. The last two are final where there is one
 * server; where another may become the master, time mends them. */
bool reef_text_not_now(const char *text, bool moves, bool whole)
{
    static const char *const words[][2] = {
        {"LOADING", " is loading the dataset"},
        {"MASTERDOWN", " Link with MASTER is down"},
        {"BUSY", " is busy running a"},
        {"READONLY", " You can't write against a read only"},
        {"NOREPLICAS", " Not enough good replicas to write"},
    };
    size_t count = sizeof words / sizeof words[0] - (moves ? 0 : 2);
    for (size_t i = 0; i < count; i++)
        if (text_begins(text, words[i][0]))
            return !whole || strstr(text, words[i][1]) != NULL;
    return false;
}

static bool reply_not_now(const reef_reply *reply, bool moves, bool whole)
{
    return reef_reply_code(reply) == REEF_REFUSED &&
           reef_text_not_now(reef_reply_text(reply), moves, whole);
}

/* "EXECABORT Transaction discarded because of: READONLY …": the role changed after the
 * commands were queued. */
static bool abort_not_now(const char *text, bool moves)
{
    const char *cause = strstr(text, "because of: ");
    return cause && reef_text_not_now(cause + strlen("because of: "), moves, true);
}

bool reef_ticket_not_now(const reef_ticket *t, bool moves)
{
    if (t->count == 1)
        return reply_not_now(t->replies[0], moves, t->scripted && !t->repeatable);
    /* A transaction ran unless its EXEC says that it was thrown away. */
    const char *end = reef_reply_text(t->replies[t->count - 1]);
    if (!text_begins(end, "EXECABORT"))
        return false;
    for (uint32_t i = 0; i + 1 < t->count; i++)
        if (reply_not_now(t->replies[i], moves, false))
            return true;
    return abort_not_now(end, moves);
}
