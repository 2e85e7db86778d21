/* SPDX-License-Identifier: Apache-2.0
 *
 * One question put to one server over one socket of its own. It sends once and hears
 * until it is told to stop: what is no answer to its question is counted and passed
 * over, however much of it comes, and moves no deadline. The states stand in
 * resolve_in.h.
 *
 * A datagram is read into a room of REEF_DNS_DATAGRAM_MAX bytes; one that fills it to
 * the last byte may have been longer. A stream carries two bytes of length before each
 * message; the room is made once the length is known. */
#include "net/resolve_in.h"

#include <stdlib.h>
#include <string.h>

enum { EXCHANGE_HEADER = 12 }; /* bytes: no message is shorter */

static bool exchange_live(const reef_exchange *x)
{
    return x->state == REEF_EXCHANGE_SENDING || x->state == REEF_EXCHANGE_HEARING;
}

bool reef_exchange_start(reef_exchange *x, const reef_exchange_how *how)
{
    size_t at = how->tcp ? 2 : 0;
    x->in = NULL;
    if (!how->tcp && (x->in = malloc(REEF_DNS_DATAGRAM_MAX)) == NULL)
        return false;
    size_t len = reef_dns_query(x->query + at, how->question, how->edns, how->trust_ad);
    if (how->tcp) {
        x->query[0] = (unsigned char)(len >> 8);
        x->query[1] = (unsigned char)(len & 0xFF);
    }
    x->query_len = at + len;
    x->state = REEF_EXCHANGE_MADE;
    x->tcp = how->tcp;
    x->edns = how->edns;
    x->id = how->question->id;
    x->began_ms = how->now_ms;
    x->deadline_ms = how->deadline_ms;
    x->sending = false;
    x->ignored = 0;
    x->sent = x->got = x->want = 0;
    return true;
}

/* ---- out ---------------------------------------------------------------------- */

static bool exchange_op_send(reef_exchange *x, reef_op *out)
{
    if (x->sending)
        return false;
    x->sending = true;
    out->kind = REEF_OP_SEND;
    out->bytes.ptr = (const char *)x->query + x->sent;
    out->bytes.len = x->query_len - x->sent;
    return true;
}

bool reef_exchange_op(reef_exchange *x, reef_op *out)
{
    if (x->state == REEF_EXCHANGE_FREE || x->state == REEF_EXCHANGE_HEARING)
        return false; /* most of them, most of the time */
    memset(out, 0, sizeof *out);
    out->link = x->link;
    switch (x->state) {
    case REEF_EXCHANGE_MADE:
        x->state = REEF_EXCHANGE_OPENING;
        out->kind = REEF_OP_OPEN;
        out->datagram = !x->tcp;
        return true;
    case REEF_EXCHANGE_SENDING:
        return exchange_op_send(x, out);
    case REEF_EXCHANGE_CLOSING:
        x->state = REEF_EXCHANGE_FREE;
        out->kind = REEF_OP_CLOSE;
        return true;
    case REEF_EXCHANGE_FREE:
    case REEF_EXCHANGE_OPENING:
    case REEF_EXCHANGE_HEARING:
        break;
    }
    return false;
}

void reef_exchange_opened(reef_exchange *x)
{
    if (x->state == REEF_EXCHANGE_OPENING)
        x->state = REEF_EXCHANGE_SENDING;
}

/* A datagram goes as a whole: whatever part the host reports, the rest of it would be
 * another message. */
void reef_exchange_sent(reef_exchange *x, size_t len)
{
    if (x->state != REEF_EXCHANGE_SENDING || !x->sending)
        return;
    size_t left = x->query_len - x->sent;
    x->sending = false;
    x->sent += len < left ? len : left;
    if (x->sent == x->query_len || (!x->tcp && len > 0))
        x->state = REEF_EXCHANGE_HEARING;
}

/* ---- in ----------------------------------------------------------------------- */

void *reef_exchange_room(reef_exchange *x, size_t *cap)
{
    if (!exchange_live(x))
        return NULL;
    if (!x->tcp) {
        *cap = REEF_DNS_DATAGRAM_MAX;
        return x->in;
    }
    if (x->want == 0) {
        *cap = sizeof x->prefix - x->got;
        return x->prefix + x->got;
    }
    *cap = x->want - x->got;
    return x->in + x->got;
}

/* What old servers say to EDNS: a header with FORMERR, and no question in it. */
static bool exchange_is_puzzled(const reef_exchange *x, reef_str message)
{
    const unsigned char *b = (const unsigned char *)message.ptr;
    return x->edns && message.len == 12 && b[0] == x->id >> 8 &&
           b[1] == (x->id & 0xFF) && (b[2] & 0xF8) == 0x80 && (b[3] & 15) == 1 &&
           b[4] == 0 && b[5] == 0;
}

static reef_heard exchange_read(reef_exchange *x, size_t len,
                                const reef_dns_question *q, reef_dns_reading *reading)
{
    reef_dns_question asked = *q;
    asked.id = x->id;
    reading->message.ptr = (const char *)x->in;
    reading->message.len = len;
    reading->room = malloc(reef_dns_room(len));
    if (reading->room == NULL)
        return REEF_HEARD_NOMEM;
    reef_dns_decode(&reading->answer, reading->message, x->tcp, &asked, reading->room);
    if (exchange_is_puzzled(x, reading->message))
        reading->answer.outcome = REEF_DNS_FORMERR;
    /* Over a stream nobody else can have said it. */
    if (reading->answer.outcome != REEF_DNS_IGNORE &&
        (x->tcp || !reading->answer.unowned))
        return REEF_HEARD_ANSWER;
    x->ignored++;
    reef_dns_reading_free(reading);
    return REEF_HEARD_NOTHING;
}

static reef_heard exchange_datagram(reef_exchange *x, size_t len,
                                    const reef_dns_question *q,
                                    reef_dns_reading *reading)
{
    reef_heard heard = exchange_read(x, len, q, reading);
    if (heard == REEF_HEARD_ANSWER && len == REEF_DNS_DATAGRAM_MAX)
        reading->answer.outcome = REEF_DNS_TRUNCATED;
    return heard;
}

/* A length that no message has: the stream can't be read any further. */
static reef_heard exchange_broken(reef_dns_reading *reading)
{
    memset(reading, 0, sizeof *reading);
    reading->answer.outcome = REEF_DNS_MALFORMED;
    return REEF_HEARD_ANSWER;
}

static reef_heard exchange_prefix(reef_exchange *x, reef_dns_reading *reading)
{
    size_t len = (size_t)x->prefix[0] << 8 | x->prefix[1];
    if (x->got < sizeof x->prefix)
        return REEF_HEARD_NOTHING;
    if (len < EXCHANGE_HEADER)
        return exchange_broken(reading);
    x->in = malloc(len);
    if (x->in == NULL)
        return REEF_HEARD_NOMEM;
    x->want = len;
    x->got = 0;
    return REEF_HEARD_NOTHING;
}

static reef_heard exchange_stream(reef_exchange *x, size_t len,
                                  const reef_dns_question *q, reef_dns_reading *reading)
{
    size_t left = (x->want == 0 ? sizeof x->prefix : x->want) - x->got;
    x->got += len < left ? len : left;
    if (x->want == 0)
        return exchange_prefix(x, reading);
    if (x->got < x->want)
        return REEF_HEARD_NOTHING;
    reef_heard heard = exchange_read(x, x->want, q, reading);
    if (heard == REEF_HEARD_NOTHING) {
        free(x->in);
        x->in = NULL;
        x->got = x->want = 0;
    }
    return heard;
}

reef_heard reef_exchange_received(reef_exchange *x, size_t len,
                                  const reef_dns_question *q, reef_dns_reading *reading)
{
    if (!exchange_live(x))
        return REEF_HEARD_NOTHING;
    if (x->tcp)
        return exchange_stream(x, len, q, reading);
    return exchange_datagram(
        x, len < REEF_DNS_DATAGRAM_MAX ? len : REEF_DNS_DATAGRAM_MAX, q, reading);
}

void reef_dns_reading_free(reef_dns_reading *reading)
{
    free(reading->room);
    reading->room = NULL;
}

/* ---- the end ------------------------------------------------------------------ */

void reef_exchange_gone(reef_exchange *x)
{
    free(x->in);
    x->in = NULL;
    x->ask = NULL;
    x->state = REEF_EXCHANGE_FREE;
}

void reef_exchange_end(reef_exchange *x)
{
    bool known = x->state != REEF_EXCHANGE_MADE;
    if (x->state == REEF_EXCHANGE_FREE || x->state == REEF_EXCHANGE_CLOSING)
        return;
    reef_exchange_gone(x);
    if (known)
        x->state = REEF_EXCHANGE_CLOSING;
}
