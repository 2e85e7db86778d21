/* SPDX-License-Identifier: Apache-2.0
 *
 * roster: the text that CLUSTER NODES answers with, line by line.
 *
 * A line is eight words with one space between each two, then the slots of the node:
 *   <id> <host>:<port>[@<bus port>][,<host name>[,…]] <flags> <master> <ping> <pong>
 *   <epoch> <link state> [<slots>…]
 * An IPv6 address has no brackets, so the port stands behind the last colon. Old
 * servers have no bus port, newer ones have a host name, and fields of the form
 * "name=value" behind it.
 *
 * Invariant: a row that is given out is whole: ids are ids, hosts are made of what
 * hosts are made of, numbers are in their range. Each byte is looked at a fixed number
 * of times. */
#include "net/shape.h"

#include <string.h>

/* ---- words -------------------------------------------------------------------- */

/* What stands in front of the mark, which is cut off with it; all where there is
 * none. */
static reef_str roster_cut(reef_str *text, char mark)
{
    const char *at = text->len > 0 ? memchr(text->ptr, mark, text->len) : NULL;
    reef_str word = *text;
    *text = (reef_str){0};
    if (at == NULL)
        return word;
    *text = (reef_str){at + 1, (size_t)(word.ptr + word.len - at) - 1};
    return (reef_str){word.ptr, (size_t)(at - word.ptr)};
}

static bool roster_slot(reef_str text, uint32_t *out)
{
    uint64_t slot = 0;
    bool good = reef_says_digits(text, REEF_SLOT_COUNT - 1, &slot);
    *out = (uint32_t)slot;
    return good;
}

/* ---- rows --------------------------------------------------------------------- */

/* "127.0.0.1:7000", "::1:7000", ":0". */
static bool roster_address(reef_str text, reef_roster_row *out)
{
    uint64_t port;
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0 || !reef_says_digits((reef_str){text.ptr + colon, text.len - colon},
                                        UINT16_MAX, &port))
        return false;
    out->host = (reef_str){text.ptr, colon - 1};
    out->port = (uint16_t)port;
    return out->host.len == 0 || reef_place_is_host(out->host);
}

/* The address, the port of the cluster's bus, the name. */
static bool roster_where(reef_str text, reef_roster_row *out)
{
    uint64_t bus;
    reef_str address = roster_cut(&text, ','), name = roster_cut(&text, ',');
    bool told = address.len > 0 && memchr(address.ptr, '@', address.len) != NULL;
    reef_str host = roster_cut(&address, '@');
    if (reef_place_is_host(name))
        out->hostname = name;
    return roster_address(host, out) &&
           (!told || reef_says_digits(address, UINT16_MAX, &bus));
}

/* A flag that is not known says nothing. False: a node can't be both. */
static bool roster_flags(reef_str text, reef_roster_row *out)
{
    while (text.len > 0) {
        reef_str flag = roster_cut(&text, ',');
        out->myself |= reef_str_is(flag, "myself");
        out->master |= reef_str_is(flag, "master");
        out->replica |= reef_str_is(flag, "slave") || reef_str_is(flag, "replica");
        out->suspected |= reef_str_is(flag, "fail?");
        out->failed |= reef_str_is(flag, "fail");
        out->handshake |= reef_str_is(flag, "handshake");
        out->homeless |= reef_str_is(flag, "noaddr");
    }
    return !(out->master && out->replica);
}

/* An id, or "-". A master's own master is none. */
static bool roster_master(reef_str text, reef_roster_row *out)
{
    bool good = reef_shape_put_id(text, out->master_id) || reef_str_is(text, "-");
    if (!out->replica)
        memset(out->master_id, 0, sizeof out->master_id);
    return good;
}

static bool roster_state(reef_str text, reef_roster_row *out)
{
    out->connected = reef_str_is(text, "connected");
    return out->connected || reef_str_is(text, "disconnected");
}

static bool roster_row(reef_str line, reef_roster_row *out)
{
    uint64_t time;
    memset(out, 0, sizeof *out);
    bool good = reef_shape_put_id(roster_cut(&line, ' '), out->id) &&
                roster_where(roster_cut(&line, ' '), out) &&
                roster_flags(roster_cut(&line, ' '), out) &&
                roster_master(roster_cut(&line, ' '), out) &&
                reef_says_digits(roster_cut(&line, ' '), UINT64_MAX, &time) &&
                reef_says_digits(roster_cut(&line, ' '), UINT64_MAX, &time) &&
                reef_says_digits(roster_cut(&line, ' '), UINT64_MAX, &out->epoch) &&
                roster_state(roster_cut(&line, ' '), out);
    out->slots = line;
    return good;
}

bool reef_roster_next(reef_str *text, reef_roster_row *out)
{
    while (text->len > 0) {
        reef_str line = roster_cut(text, '\n');
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (roster_row(line, out))
            return true;
    }
    memset(out, 0, sizeof *out);
    return false;
}

/* ---- slots -------------------------------------------------------------------- */

/* "449->-<id>" or "449-<-<id>". */
static bool roster_moving(reef_str text, reef_roster_span *out)
{
    reef_str slot = roster_cut(&text, '-'), arrow = roster_cut(&text, '-');
    bool to = reef_str_is(arrow, ">");
    out->kind = to ? REEF_SPAN_MIGRATING : REEF_SPAN_IMPORTING;
    bool good = (to || reef_str_is(arrow, "<")) && roster_slot(slot, &out->first) &&
                reef_shape_put_id(text, out->other);
    out->last = out->first;
    return good;
}

/* "449", "0-5460". */
static bool roster_owned(reef_str text, reef_roster_span *out)
{
    reef_str first = text;
    bool range = memchr(text.ptr, '-', text.len) != NULL;
    if (range)
        first = roster_cut(&text, '-');
    return roster_slot(first, &out->first) && roster_slot(text, &out->last) &&
           out->first <= out->last;
}

bool reef_roster_span_next(reef_str *slots, reef_roster_span *out)
{
    while (slots->len > 0) {
        reef_str word = roster_cut(slots, ' ');
        bool moving =
            word.len > 2 && word.ptr[0] == '[' && word.ptr[word.len - 1] == ']';
        memset(out, 0, sizeof *out);
        if (moving ? roster_moving((reef_str){word.ptr + 1, word.len - 2}, out)
                   : word.len > 0 && roster_owned(word, out))
            return true;
    }
    memset(out, 0, sizeof *out);
    return false;
}
