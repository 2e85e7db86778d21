/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes what is read from the nodes of a Cluster. Input: a byte whose lowest bit picks
 * RESP2 or RESP3, then the stream. Each reply is given to every reader; the stream
 * itself is read as a roster and as a redirect, too. What must hold: slots are slots,
 * ids 40 hexadecimal characters or empty, hosts end and are made of what hosts are made
 * of, and nothing of an earlier answer is left; what is read twice is the same; of a
 * reply that passes the check no slot has two masters, and a map made of it says the
 * same; a redirect that is written again is what was read. */
#include "net/shape.h"
#include "net/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHAPE_FUZZ_MAX = 16384 };

static void shape_must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void shape_must_host(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        shape_must((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || (c != 0 && strchr(".:-_%", c)),
                   "a host is made of what hosts are made of");
    }
}

/* Whole or empty, with nothing left behind its end. */
static void shape_must_id(const char id[REEF_NODE_ID + 1])
{
    static const char none[REEF_NODE_ID + 1];
    size_t len = strspn(id, "0123456789abcdefABCDEF");
    shape_must(id[len] == 0 && (len == 0 || len == REEF_NODE_ID), "an id is one");
    shape_must(len > 0 || memcmp(id, none, sizeof none) == 0, "an empty id is empty");
}

static void shape_must_place(const reef_place *place)
{
    const char *end = memchr(place->host, 0, sizeof place->host);
    shape_must(end != NULL, "a host has an end");
    for (const char *at = end; at < place->host + sizeof place->host; at++)
        shape_must(*at == 0, "nothing is left behind it");
    shape_must(place->port != 0 || end == place->host, "no port: no place");
}

/* ---- CLUSTER SLOTS ------------------------------------------------------------ */

static void shape_must_item(const reef_shape_item *item)
{
    shape_must(item->first <= item->last && item->last < REEF_SLOT_COUNT,
               "slots are slots");
    shape_must_place(&item->place);
    shape_must_host(item->place.host, strlen(item->place.host));
    shape_must_id(item->id);
}

static void shape_must_map(const reef_slots *map, const uint16_t owners[])
{
    for (uint32_t slot = 0, end; slot < REEF_SLOT_COUNT; slot = end) {
        const reef_run *run = reef_slots_at(map, slot);
        end = reef_slots_end(map, slot);
        shape_must(end > slot && end <= REEF_SLOT_COUNT, "runs go on");
        for (; slot < end; slot++)
            shape_must(owners[slot] == run->owner, "the map says what was told");
    }
}

/* The masters of a reply that passed the check. */
static void shape_owners(const reef_reply *reply)
{
    static uint16_t owners[REEF_SLOT_COUNT];
    reef_slots map = {0};
    reef_shape_walk walk;
    reef_shape_item item;
    uint16_t master = 0;
    memset(owners, 0xFF, sizeof owners);
    reef_shape_begin(&walk, reply);
    while (reef_shape_next(&walk, &item)) {
        if (item.position > 0)
            continue;
        for (uint32_t slot = item.first; slot <= item.last; slot++) {
            shape_must(owners[slot] == REEF_NOBODY, "a slot has one master");
            owners[slot] = master;
        }
        shape_must(reef_slots_claim(&map, item.first, item.last, master++, 1, NULL),
                   "out of memory");
    }
    shape_must_map(&map, owners);
    reef_slots_free(&map);
}

static void shape_slots(const reef_reply *reply)
{
    reef_shape_walk walk, again;
    reef_shape_item item, same;
    reef_code code = reef_shape_check(reply);
    uint32_t next = 0;
    shape_must(code == REEF_OK || code == REEF_REFUSED || code == REEF_LIMIT ||
                   code == REEF_PROTOCOL,
               "a check has an outcome");
    memset(&walk, 0x55, sizeof walk);
    memset(&again, 0xAA, sizeof again);
    reef_shape_begin(&walk, reply);
    reef_shape_begin(&again, reply);
    for (bool more = true; more;) {
        memset(&item, 0x55, sizeof item);
        memset(&same, 0xAA, sizeof same);
        more = reef_shape_next(&walk, &item);
        shape_must(reef_shape_next(&again, &same) == more, "it walks as far again");
        shape_must(memcmp(&item, &same, sizeof item) == 0, "and sees the same");
        shape_must_item(&item);
        shape_must(!more || item.position == 0 || item.position == next,
                   "replicas are counted");
        next = item.position + 1;
    }
    if (code == REEF_OK)
        shape_owners(reply);
}

/* ---- rosters ------------------------------------------------------------------ */

static void shape_must_within(reef_str word, reef_str text)
{
    shape_must(word.len == 0 || (word.ptr >= text.ptr && word.len <= text.len &&
                                 word.ptr + word.len <= text.ptr + text.len),
               "a word is borrowed from the text");
}

static void shape_spans(reef_str slots)
{
    reef_roster_span span;
    for (size_t before = slots.len;; before = slots.len) {
        memset(&span, 0x55, sizeof span);
        if (!reef_roster_span_next(&slots, &span))
            break;
        shape_must(slots.len < before, "a range is taken off");
        shape_must(span.first <= span.last && span.last < REEF_SLOT_COUNT,
                   "slots are slots");
        shape_must_id(span.other);
        shape_must((span.kind == REEF_SPAN_OWNED) == (span.other[0] == 0),
                   "what moves has another side");
        shape_must(span.kind == REEF_SPAN_OWNED || span.first == span.last,
                   "slots move one by one");
    }
    shape_must(slots.len == 0, "none is left");
}

static void shape_roster(reef_str text)
{
    reef_roster_row row;
    reef_str rest = text;
    for (size_t before = rest.len;; before = rest.len) {
        memset(&row, 0x55, sizeof row);
        if (!reef_roster_next(&rest, &row))
            break;
        shape_must(rest.len < before, "a line is taken off");
        shape_must_id(row.id);
        shape_must_id(row.master_id);
        shape_must(row.id[0] != 0, "a row has an id");
        shape_must(row.master_id[0] == 0 || row.replica, "of a replica");
        shape_must(!row.master || !row.replica, "nobody is both");
        shape_must(row.host.len <= REEF_NAME_MAX && row.hostname.len <= REEF_NAME_MAX,
                   "hosts have a length");
        shape_must_host(row.host.ptr, row.host.len);
        shape_must_host(row.hostname.ptr, row.hostname.len);
        shape_must_within(row.host, text);
        shape_must_within(row.hostname, text);
        shape_must_within(row.slots, text);
        shape_spans(row.slots);
    }
    shape_must(rest.len == 0, "none is left");
}

/* ---- redirects and ids -------------------------------------------------------- */

static void shape_redirect(const char *text)
{
    static const reef_redirect none;
    reef_redirect redirect;
    char plain[REEF_NAME_MAX + 64], boxed[REEF_NAME_MAX + 64];
    memset(&redirect, 0x55, sizeof redirect);
    bool good = reef_shape_redirect(text, &redirect);
    shape_must_place(&redirect.place);
    if (!good) {
        shape_must(memcmp(&redirect, &none, sizeof none) == 0, "none is empty");
        return;
    }
    const char *word = redirect.ask ? "ASK" : "MOVED", *host = redirect.place.host;
    unsigned port = redirect.place.port;
    if (strcmp(host, "?") != 0)
        shape_must_host(host, strlen(host));
    shape_must(redirect.slot < REEF_SLOT_COUNT && port > 0, "numbers are in range");
    snprintf(plain, sizeof plain, "%s %u %s:%u", word, redirect.slot, host, port);
    snprintf(boxed, sizeof boxed, "%s %u [%s]:%u", word, redirect.slot, host, port);
    shape_must(strcmp(plain, text) == 0 || strcmp(boxed, text) == 0,
               "it is what was read");
}

/* A copy of the very size, for a sanitizer. */
static void shape_texts(reef_str text)
{
    char *copy = malloc(text.len + 1);
    shape_must(copy != NULL, "out of memory");
    memcpy(copy, text.len > 0 ? text.ptr : "", text.len);
    shape_roster((reef_str){copy, text.len});
    copy[text.len] = 0;
    shape_redirect(copy);
    free(copy);
}

static void shape_all(const reef_reply *reply)
{
    char id[REEF_NODE_ID + 1];
    memset(id, 0x55, sizeof id);
    bool good = reef_shape_id(reply, id);
    shape_must_id(id);
    shape_must(good == (id[0] != 0), "an id is there or not");
    shape_slots(reply);
    shape_redirect(reef_reply_text(reply));
    shape_texts(reef_text(reply, reef_reply_root(reply)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > SHAPE_FUZZ_MAX)
        return 0;
    reef_parser *parser = reef_parser_new(NULL, data[0] % 2 == 0 ? 2 : 3);
    shape_must(parser != NULL, "out of memory");
    reef_str stream = {(const char *)data + 1, size - 1};
    shape_texts(stream);
    shape_must(reef_parser_feed(parser, stream) == REEF_OK, "out of memory");
    for (reef_parse step; (step = reef_parser_next(parser)) == REEF_PARSE_REPLY ||
                          step == REEF_PARSE_PUSH;)
        shape_all(reef_parser_peek(parser));
    reef_parser_free(parser);
    return 0;
}
