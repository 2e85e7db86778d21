/* SPDX-License-Identifier: Apache-2.0
 *
 * A link: one transport to one server, from the attempt to open it to its end. It knows
 * which tickets it sent, in which order, and so who is owed each reply; it never
 * guesses. What can't be matched ends the link. The states stand in engine.h; this file
 * makes every transition but those of the handshake (hello.c).
 *
 * What an end means for a command is decided by how many of its bytes the host reported
 * as sent: none, or a part of a single command, and it can't have run; all of them, and
 * it may have. */
#include "net/engine.h"
#include "net/says.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ending --------------------------------------------------------------------- */

static reef_code link_fate(const reef_ticket *t, const reef_error *why, bool first)
{
    (void)t;
    return why->code == REEF_PROTOCOL && first ? REEF_PROTOCOL : REEF_UNSURE;
}

/* Was sent, and is not answered: may run again only where the caller said so. */
static void link_drop_sent(reef_engine *e, reef_ticket *t, const reef_error *why,
                           bool first)
{
    char text[REEF_ERROR_TEXT + 80];
    if (t->errand != REEF_ERRAND_NONE) {
        reef_ticket_end(e, t, REEF_UNSURE, "");
    } else if (t->repeatable) {
        t->doubtful = true;
        reef_ticket_forget(t);
        reef_ticket_wait(e, t);
        e->totals.retries++;
    } else {
        snprintf(text, sizeof text, "%.200s; sent and not answered, it may have run",
                 why->text);
        reef_ticket_end(e, t, link_fate(t, why, first), text);
    }
}

static void link_drop_out(reef_engine *e, reef_ticket *t, const reef_error *why)
{
    /* Cut off within a single command, or a transaction: the server never had the whole
     * of it. */
    if (t->sent > 0 && t->count > 1 && !t->atomic) {
        link_drop_sent(e, t, why, false);
        return;
    }
    if (t->errand != REEF_ERRAND_NONE)
        reef_ticket_end(e, t, REEF_UNSENT, "");
    else
        reef_ticket_wait(e, t);
}

/* What passed a budget would pass it again, and end the link again that others share:
 * whose reply it was may not have it sent once more. */
static void link_drop_too_large(reef_link *l)
{
    reef_ticket *t = l->flight.head;
    if (t && t->skip == 0 && l->parser &&
        reef_parser_error(l->parser, NULL, NULL) == REEF_LIMIT)
        t->repeatable = false;
}

static void link_drop_tickets(reef_engine *e, reef_link *l, const reef_error *why)
{
    uint64_t retries = e->totals.retries;
    bool first = true;
    link_drop_too_large(l);
    while (l->flight.head) {
        reef_ticket *t = l->flight.head;
        reef_list_remove(&l->flight, t);
        link_drop_sent(e, t, why, first);
        first = false;
    }
    while (l->out.head) {
        reef_ticket *t = l->out.head;
        reef_list_remove(&l->out, t);
        link_drop_out(e, t, why);
    }
    if (e->totals.retries > retries)
        reef_report_event(e, REEF_EVENT_RETRIED, l->stats.peer, why->text);
}

void reef_link_fail(reef_engine *e, reef_link *l, bool gone, const reef_error *why)
{
    bool transport = !(l->state == REEF_LINK_OPENING && l->op_due);
    if (!l->quiet)
        reef_report_event(e, l->served ? REEF_EVENT_LOST : REEF_EVENT_FAILED,
                          l->stats.peer, why->text);
    l->state = transport && !gone ? REEF_LINK_CLOSING : REEF_LINK_FREE;
    reef_link_stir(e, l); /* the CLOSE is due */
    l->sending = l->op_due = l->pinged = false;
    l->skip_tail = 0;
    l->stats.ready = false;
    l->stats.in_flight = 0;
    if (e->warm == l)
        e->warm = NULL;
    link_drop_tickets(e, l, why);
    reef_link_wipe(l);
    e->router->down(e, l, why);
}

static void link_protocol_error(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    reef_error_put(&why, REEF_PROTOCOL, 0, l->stats.peer, text);
    reef_link_fail(e, l, false, &why);
}

/* A push cut in two costs a reconnect here; a reply that slips would cost the truth. */
static bool link_hears_unasked(const reef_link *l)
{
    /* What a Sentinel announces comes unasked, and in pieces. */
    return l->duty == REEF_DUTY_SERVE &&
           (l->state == REEF_LINK_READY || l->state == REEF_LINK_DRAINING) &&
           !l->flight.head && l->skip_tail == 0 && reef_parser_inside(l->parser);
}

static void link_end_unasked(reef_engine *e, reef_link *l)
{
    link_protocol_error(e, l, "sent part of a reply that nobody asked for");
}

bool reef_link_fit(reef_engine *e, reef_link *l)
{
    if (l->state != REEF_LINK_READY)
        return false;
    if (l->out.head || !link_hears_unasked(l))
        return true;
    link_end_unasked(e, l);
    return false;
}

/* ---- sending ------------------------------------------------------------------ */

void reef_link_submit(reef_engine *e, reef_link *l, reef_ticket *t)
{
    reef_link_stir(e, l);
    reef_ticket_forget(t);
    t->place = REEF_OUT;
    t->home = NULL;
    t->link = l->index;
    t->sent = 0;
    reef_list_push(&l->out, t);
}

/* The bytes to send next: the rest of one large command where it lies, or small ones
 * gathered, so that a pipeline costs few system calls. */
static reef_str link_gather(reef_link *l)
{
    reef_ticket *t = l->out.head;
    reef_str first = {t->wire + t->sent, t->len - t->sent};
    if (!t->next || first.len >= REEF_STAGE_BYTES / 2)
        return first;
    if (!l->stage && !(l->stage = malloc(REEF_STAGE_BYTES)))
        return first;
    size_t len = 0;
    for (; t && t->len - t->sent <= REEF_STAGE_BYTES - len; t = t->next) {
        memcpy(l->stage + len, t->wire + t->sent, t->len - t->sent);
        len += t->len - t->sent;
    }
    return (reef_str){l->stage, len};
}

static bool link_send_op(reef_link *l, reef_op *op)
{
    if (l->sending || l->held)
        return false;
    if (l->hello_sent < l->hello_len)
        op->bytes = (reef_str){l->hello + l->hello_sent, l->hello_len - l->hello_sent};
    else if (l->out.head &&
             (l->state == REEF_LINK_READY || l->state == REEF_LINK_DRAINING))
        op->bytes = link_gather(l);
    else
        return false;
    op->kind = REEF_OP_SEND;
    l->sending = true;
    return true;
}

static bool link_open_op(reef_link *l, reef_op *op)
{
    if (!l->op_due)
        return false;
    l->op_due = false;
    op->kind = REEF_OP_OPEN;
    op->port = l->port;
    op->local = l->local;
    snprintf(op->address, sizeof op->address, "%s", l->address);
    return true;
}

bool reef_link_op(reef_engine *e, reef_link *l, reef_op *op)
{
    /* Most that are busy wait for answers. */
    if (l->state == REEF_LINK_READY && (l->sending || !l->out.head))
        return false;
    memset(op, 0, sizeof *op);
    op->link = l->index;
    if (!l->sending && l->out.head && l->out.head->sent == 0 && link_hears_unasked(l))
        link_end_unasked(e, l);
    switch (l->state) {
    case REEF_LINK_FREE:
        return false;
    case REEF_LINK_OPENING:
        return link_open_op(l, op);
    case REEF_LINK_CLOSING:
        op->kind = REEF_OP_CLOSE;
        l->state = REEF_LINK_FREE;
        e->router->wake(e); /* it may have waited for the number */
        return true;
    case REEF_LINK_HELLO:
    case REEF_LINK_AUTH:
    case REEF_LINK_SETUP:
    case REEF_LINK_READY:
    case REEF_LINK_DRAINING:
        return link_send_op(l, op);
    }
    return false;
}

/* A link that drains and owes nobody has done its work; one that is held can't finish
 * what it began, and lets go of it. */
static bool link_drained(reef_engine *e, reef_link *l)
{
    bool writes = l->out.head && !l->held;
    if (l->state != REEF_LINK_DRAINING || l->flight.head || writes)
        return false;
    reef_error why;
    char text[80];
    snprintf(text, sizeof text, "closed: it %s", l->drained);
    reef_error_put(&why, REEF_UNSURE, 0, l->stats.peer, text);
    reef_link_fail(e, l, false, &why);
    return true;
}

/* The first that is not wholly sent began with an ASKING, which is answered at once. */
static bool link_awaits_asking(const reef_link *l)
{
    const reef_ticket *out = l->out.head;
    return out && !l->flight.head && l->skip_tail == 0 && out->asking && !out->asked &&
           out->sent >= REEF_ASKING_LEN;
}

void reef_link_sent(reef_engine *e, reef_link *l, size_t len)
{
    if (!l->sending)
        return;
    l->sending = false;
    l->stats.bytes_out += len;
    e->totals.bytes_out += len;
    if (l->hello_sent < l->hello_len) {
        size_t rest = l->hello_len - l->hello_sent;
        l->hello_sent += len < rest ? len : rest;
        return;
    }
    if (l->out.head && !l->flight.head && l->skip_tail == 0)
        l->owes_ms = e->now_ms;
    /* Before its last command is out nobody's last reply can have begun. */
    bool unasked = link_hears_unasked(l) && l->out.head &&
                   l->out.head->got + 1 == l->out.head->count && !link_awaits_asking(l);
    while (len > 0 && l->out.head) {
        reef_ticket *t = l->out.head;
        size_t part = t->len - t->sent < len ? t->len - t->sent : len;
        t->sent += part;
        len -= part;
        if (t->sent < t->len)
            break;
        reef_list_remove(&l->out, t);
        reef_list_push(&l->flight, t);
        t->place = REEF_FLIGHT;
        uint32_t asking = t->asking && !t->asked; /* its own answer is nobody's */
        t->skip = l->skip_tail + asking;
        l->skip_tail = 0;
        l->stats.in_flight += t->count - t->got + asking;
    }
    if (unasked && l->flight.head)
        link_end_unasked(e, l);
}

/* ---- receiving ---------------------------------------------------------------- */

/* What the server said proves that it did not run: it waits again. */
static bool link_takes_back(reef_engine *e, reef_link *l, reef_ticket *t)
{
    if (e->router->judge)
        return e->router->judge(e, l, t);
    if (!reef_ticket_not_now(t, e->router->moves))
        return false;
    e->totals.retries++;
    reef_ticket_wait(e, t);
    e->router->not_now(e, l, reef_reply_text(t->replies[t->count > 1 ? 1 : 0]));
    return true;
}

static void link_answered(reef_engine *e, reef_link *l, reef_ticket *t)
{
    bool errand = t->errand != REEF_ERRAND_NONE;
    reef_list_remove(&l->flight, t);
    if (!errand && link_takes_back(e, l, t))
        return;
    l->useful = l->useful || !errand;
    if (t->errand == REEF_ERRAND_PING)
        l->pinged = false;
    else if (errand)
        e->router->answered(e, l, t);
    else
        reef_report_answer(e, l, t);
    reef_ticket_end(e, t, REEF_OK, "");
}

/* Whose reply comes next: the first in flight, or, where none is, a group whose first
 * commands have gone out while its last ones have not. */
static reef_ticket *link_owed(const reef_link *l)
{
    reef_ticket *out = l->out.head;
    bool begun = out && out->sent > 0 && out->got + 1 < out->count;
    return l->flight.head ? l->flight.head : begun && l->skip_tail == 0 ? out : NULL;
}

static reef_reply *link_take_reply(reef_link *l)
{
    reef_reply *reply = reef_parser_take(l->parser);
    return reply ? reply
                 : reef_reply_failed(REEF_UNSURE,
                                     "answered, but out of memory for the reply");
}

/* A server that can't take a command (an argument is over a limit of its own) says so
 * before it has the whole of it, and hangs up. Sent again, it would end the next link
 * the same way. */
static bool link_refused_midway(reef_engine *e, reef_link *l)
{
    static const char said[] = "ERR Protocol error";
    reef_ticket *t = l->out.head;
    if (!t || t->sent == 0 || t->count > 1 ||
        strncmp(reef_reply_text(reef_parser_peek(l->parser)), said, sizeof said - 1))
        return false;
    reef_list_remove(&l->out, t);
    t->replies[t->got++] = link_take_reply(l);
    reef_report_answer(e, l, t);
    reef_ticket_end(e, t, REEF_OK, "");
    link_protocol_error(e, l, "refused a command before it had the whole of it");
    return true;
}

static void link_reply(reef_engine *e, reef_link *l)
{
    if (reef_hello_running(l)) {
        reef_hello_reply(e, l, reef_parser_peek(l->parser));
        return;
    }
    if (link_awaits_asking(l)) {
        l->out.head->asked = true;
        return;
    }
    reef_ticket *t = link_owed(l);
    bool flies = t && t->place == REEF_FLIGHT;
    uint32_t *skip = flies ? &t->skip : &l->skip_tail;
    if (*skip > 0) {
        (*skip)--;
        l->stats.in_flight--;
        return;
    }
    if (!t) {
        if (!link_refused_midway(e, l))
            link_protocol_error(e, l, "sent a reply that nobody asked for");
        return;
    }
    t->replies[t->got++] = link_take_reply(l);
    l->stats.in_flight -= flies;
    if (t->got == t->count)
        link_answered(e, l, t);
}

/* What a Sentinel says by itself is for the router; that it now announces something is
 * the answer to a command. */
static void link_push(reef_engine *e, reef_link *l)
{
    if (l->duty == REEF_DUTY_SERVE)
        reef_engine_push(e, reef_parser_take(l->parser));
    else if (reef_says_confirms(reef_parser_peek(l->parser)))
        link_reply(e, l);
    else
        e->router->said(e, l, reef_parser_peek(l->parser));
}

/* A reply, a push, or the end; false: no more for now. */
static bool link_step(reef_engine *e, reef_link *l)
{
    const char *text;
    char words[120];
    uint64_t at;
    switch (reef_parser_next(l->parser)) {
    case REEF_PARSE_MORE:
        return false;
    case REEF_PARSE_PUSH:
        link_push(e, l);
        return true;
    case REEF_PARSE_REPLY:
        link_reply(e, l);
        return true;
    case REEF_PARSE_ERROR:
        break;
    }
    reef_error why;
    reef_code code = reef_parser_error(l->parser, &text, &at);
    snprintf(words, sizeof words, "%s: %s at byte %llu of what it sent",
             code == REEF_PROTOCOL ? "does not speak RESP" : "its reply can't be taken",
             text, (unsigned long long)at);
    reef_error_put(&why, code == REEF_NOMEM ? REEF_NOMEM : REEF_PROTOCOL, 0,
                   l->stats.peer, words);
    reef_link_fail(e, l, false, &why);
    return false;
}

void reef_link_received(reef_engine *e, reef_link *l, size_t len)
{
    l->heard_ms = e->now_ms;
    l->stats.bytes_in += len;
    e->totals.bytes_in += len;
    reef_parser_received(l->parser, len);
    /* Every step may end the link, and its parser with it. */
    while (l->parser && link_step(e, l))
        if (link_drained(e, l))
            return;
}

/* ---- deadlines ---------------------------------------------------------------- */

/* Commands that have not begun to go out find another link. */
static void link_release_unsent(reef_engine *e, reef_link *l)
{
    reef_ticket *next;
    for (reef_ticket *t = l->out.head; t; t = next) {
        next = t->next;
        if (t->sent > 0)
            continue;
        reef_list_remove(&l->out, t);
        if (t->errand == REEF_ERRAND_PING)
            l->pinged = false;
        else if (t->errand != REEF_ERRAND_NONE)
            e->router->unasked(e, l);
        if (t->errand != REEF_ERRAND_NONE)
            reef_ticket_end(e, t, REEF_UNSENT, "");
        else
            reef_ticket_wait(e, t);
    }
}

void reef_link_hold(reef_engine *e, reef_link *l)
{
    l->held = true;
    link_release_unsent(e, l);
    link_drained(e, l);
}

int64_t reef_link_silence_ms(const reef_engine *e, const reef_link *l)
{
    int64_t since_ms = l->heard_ms > l->owes_ms ? l->heard_ms : l->owes_ms;
    bool owes = l->flight.head || l->skip_tail > 0;
    return owes ? e->now_ms - since_ms : 0;
}

/* It owes a reply that nobody waits for, or stopped inside a command: it finishes what
 * it owes and takes nothing new, so that one slow call does not tear down what others
 * wait for. */
void reef_link_retire(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    if (l->state == REEF_LINK_READY) {
        l->state = REEF_LINK_DRAINING;
        l->drained = text;
        l->stats.ready = false;
        link_release_unsent(e, l);
        reef_error_put(&why, REEF_UNSENT, 0, l->stats.peer, text);
        e->router->down(e, l, &why);
    }
    link_drained(e, l);
}

/* What of it that flies may be sent again goes elsewhere; the replies are passed over.
 * True: something else flies. */
static bool link_take_repeatable(reef_engine *e, reef_link *l, const reef_error *why)
{
    uint64_t retries = e->totals.retries;
    bool kept = false;
    reef_ticket *next;
    for (reef_ticket *t = l->flight.head; t; t = next) {
        next = t->next;
        if (t->errand != REEF_ERRAND_NONE)
            continue;
        if (!t->repeatable) {
            kept = true;
            continue;
        }
        *(next ? &next->skip : &l->skip_tail) += t->skip + t->count - t->got;
        reef_list_remove(&l->flight, t);
        link_drop_sent(e, t, why, false);
    }
    if (e->totals.retries > retries)
        reef_report_event(e, REEF_EVENT_RETRIED, l->stats.peer, why->text);
    return kept;
}

/* A master that hands over holds calls back, and says that they did not run when it has
 * heard of its successor, which may be later than we have. So what may not be sent
 * again has as long again to be answered. */
void reef_link_leave(reef_engine *e, reef_link *l, const char *text)
{
    reef_error why;
    l->quiet = true;
    if (reef_link_silence_ms(e, l) >= REEF_SILENCE_HOLD_MS) {
        reef_error_put(&why, REEF_UNSURE, 0, l->stats.peer, text);
        if (l->state != REEF_LINK_READY || !link_take_repeatable(e, l, &why)) {
            reef_link_fail(e, l, false, &why);
            return;
        }
        l->heard_ms = e->now_ms;
    }
    l->leaving = true;
    reef_link_retire(e, l, text);
}

static void link_abandon_out(reef_engine *e, reef_link *l, reef_ticket *t)
{
    char text[REEF_ERROR_TEXT];
    bool cut = t->sent > 0;
    reef_list_remove(&l->out, t);
    snprintf(text, sizeof text, "%s: the deadline passed before %s could be sent",
             l->stats.peer, cut ? "the whole of it" : "it");
    bool may_have_run = t->doubtful || (cut && t->count > 1 && !t->atomic);
    if (t->errand == REEF_ERRAND_PING)
        l->pinged = false;
    reef_ticket_end(e, t, may_have_run ? REEF_UNSURE : REEF_UNSENT, text);
    /* The rest of the command will never be sent, so nothing else can be; what went out
     * whole before it is answered all the same. */
    if (cut)
        reef_link_retire(e, l, "takes no more bytes");
}

/* Nobody else's command waits behind a question of the router's: the link ends. */
static void link_abandon_errand(reef_engine *e, reef_link *l)
{
    reef_error why;
    reef_error_put(&why, REEF_CONNECT, 0, l->stats.peer, "did not answer in time");
    reef_link_fail(e, l, false, &why);
}

void reef_link_abandon(reef_engine *e, reef_link *l, reef_ticket *t)
{
    char text[REEF_ERROR_TEXT];
    if (t->errand == REEF_ERRAND_ROLE || t->errand == REEF_ERRAND_ASK ||
        t->errand == REEF_ERRAND_WATCH || t->errand == REEF_ERRAND_NAME) {
        link_abandon_errand(e, l);
        return;
    }
    if (t->place == REEF_OUT) {
        link_abandon_out(e, l, t);
        return;
    }
    uint32_t owed = t->skip + t->count - t->got;
    *(t->next ? &t->next->skip : &l->skip_tail) += owed;
    reef_list_remove(&l->flight, t);
    snprintf(text, sizeof text,
             "%s: no answer by the deadline; sent and not answered, it may have run",
             l->stats.peer);
    reef_ticket_end(e, t, REEF_UNSURE, text);
    reef_link_retire(e, l, "did not answer in time");
}
