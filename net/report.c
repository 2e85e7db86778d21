/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator sees: events, statistics, and the words for a peer and for what the
 * system said. Everything is bounded, and pulled by the caller: the library never
 * logs. */
#include "net/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *reef_event_name(reef_event_kind kind)
{
    switch (kind) {
    case REEF_EVENT_CONNECTED:
        return "connected";
    case REEF_EVENT_LOST:
        return "lost";
    case REEF_EVENT_FAILED:
        return "failed";
    case REEF_EVENT_RETRIED:
        return "retried";
    case REEF_EVENT_REFUSED:
        return "refused";
    case REEF_EVENT_HELD:
        return "held";
    case REEF_EVENT_RESUMED:
        return "resumed";
    case REEF_EVENT_SWITCHED:
        return "switched";
    case REEF_EVENT_MAP:
        return "map";
    case REEF_EVENT_MOVED:
        return "moved";
    }
    return "unknown";
}

void reef_report_event(reef_engine *e, reef_event_kind kind, const char *peer,
                       const char *text)
{
    if (e->event_count == REEF_EVENTS_MAX) {
        e->event_first = (e->event_first + 1) % REEF_EVENTS_MAX;
        e->event_count--;
        e->totals.dropped_events++;
    }
    reef_event *event =
        &e->events[(e->event_first + e->event_count++) % REEF_EVENTS_MAX];
    event->kind = kind;
    event->at_ms = e->now_ms;
    snprintf(event->peer, sizeof event->peer, "%.*s", REEF_PEER_TEXT - 1, peer);
    snprintf(event->text, sizeof event->text, "%.*s", REEF_ERROR_TEXT - 1, text);
}

bool reef_engine_next_event(reef_engine *e, reef_event *out)
{
    if (e->event_count == 0)
        return false;
    *out = e->events[e->event_first];
    e->event_first = (e->event_first + 1) % REEF_EVENTS_MAX;
    e->event_count--;
    return true;
}

void reef_report_answer(reef_engine *e, reef_link *l, const reef_ticket *t)
{
    int64_t took_ms = e->now_ms - t->submitted_ms;
    size_t bucket = 0;
    while (bucket + 1 < REEF_LATENCY_BUCKETS && took_ms >= (int64_t)1 << bucket)
        bucket++;
    e->totals.latency[bucket] += t->count;
    l->stats.latency[bucket] += t->count;
    l->stats.calls += t->count;
}

void reef_engine_stats(const reef_engine *e, reef_stats *out)
{
    const reef_totals *t = &e->totals;
    memset(out, 0, sizeof *out);
    out->calls = t->calls;
    out->answered = t->answered;
    out->failed = t->failed;
    out->unsure = t->unsure;
    out->retries = t->retries;
    out->reconnects = t->reconnects;
    out->bytes_in = t->bytes_in;
    out->bytes_out = t->bytes_out;
    out->dropped_events = t->dropped_events;
    out->dropped_pushes = t->dropped_pushes;
    memcpy(out->latency, t->latency, sizeof out->latency);
    for (size_t i = 0; i < e->link_count; i++) {
        const reef_link *l = e->links[i];
        if (out->link_count == REEF_STATS_LINKS)
            break;
        if (l->state != REEF_LINK_FREE || l->stats.connects > 0)
            out->links[out->link_count++] = l->stats;
    }
}

/* Plain words of our own: strerror is neither thread-safe nor free of locale. */
const char *reef_errno_text(int sys_errno)
{
    switch (sys_errno) {
    case 0:
        return "closed by the server";
    case ECONNREFUSED:
        return "connection refused: nothing listens there";
    case ECONNRESET:
        return "connection reset by the server";
    case EPIPE:
        return "connection closed by the server";
    case ETIMEDOUT:
        return "connection timed out";
    case EHOSTUNREACH:
        return "no route to the host";
    case ENETUNREACH:
        return "no route to the network";
    case EADDRNOTAVAIL:
        return "the address is not available on this machine";
    case EAFNOSUPPORT:
        return "this kind of address is not supported on this machine";
    case ENOENT:
        return "no such socket: nothing listens at this path";
    case EACCES:
    case EPERM:
        return "permission denied";
    case EMFILE:
    case ENFILE:
        return "no file descriptor is free";
    case ENOMEM:
        return "out of memory";
    case EAGAIN:
        return "the server's queue of connections is full";
    case ENAMETOOLONG:
        return "the socket's path is too long";
    case EINVAL:
        return "not an address";
    default:
        return NULL;
    }
}

void reef_peer_text(char out[REEF_PEER_TEXT], const char *address, uint16_t port,
                    bool local)
{
    enum { PORT_ROOM = 9 }; /* "[]:65535" and the end */
    int most = REEF_PEER_TEXT - PORT_ROOM;
    if (local)
        snprintf(out, REEF_PEER_TEXT, "%s%.*s", address[0] == '/' ? "unix:" : "", most,
                 address);
    else if (strchr(address, ':'))
        snprintf(out, REEF_PEER_TEXT, "[%.*s]:%u", most, address, (unsigned)port);
    else
        snprintf(out, REEF_PEER_TEXT, "%.*s:%u", most, address, (unsigned)port);
}

/* A text that was cut may end inside a character: it goes as a whole. */
static void report_trim(char *text)
{
    size_t len = strlen(text), at = len;
    while (at > 0 && len - at < 4 && ((unsigned char)text[at - 1] & 0xC0) == 0x80)
        at--;
    if (at == 0 || (unsigned char)text[at - 1] < 0xC0)
        return;
    unsigned lead = (unsigned char)text[at - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (len - (at - 1) < want)
        text[at - 1] = 0;
}

void reef_error_put(reef_error *error, reef_code code, int sys_errno, const char *peer,
                    const char *text)
{
    if (!error)
        return;
    error->code = code;
    error->sys_errno = sys_errno;
    int used = peer ? snprintf(error->text, sizeof error->text, "%.110s: ", peer) : 0;
    int left = REEF_ERROR_TEXT - used;
    snprintf(error->text + used, (size_t)left, "%.*s", left - 1, text);
    report_trim(error->text);
}
