/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes what is read from a Sentinel. Input: a byte whose lowest bit picks RESP2 or
 * RESP3 and whose others the room for names, the length of the master's name and the
 * name, then the stream. Each reply and push is given to every reader. What must hold:
 * texts end within their room and can be printed, ports are in their range where a
 * place is told and all is zero where none is; nothing of an earlier answer is left;
 * what is read twice is the same; an announcement names the master that was asked
 * for, and not one that is called a letter more. */
#include "net/says.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAYS_FUZZ_HEAD = 2, SAYS_FUZZ_MAX = 8192, SAYS_FUZZ_ROOM = 128 };

static void says_must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* Ends within `cap` bytes, zeros to the end behind it, and no control in it. */
static void says_must_end(const char *text, size_t cap)
{
    const char *end = memchr(text, 0, cap);
    says_must(end != NULL, "a text has an end");
    for (const char *at = text; at < end; at++)
        says_must((unsigned char)*at > ' ' && *at != 0x7F, "a text can be printed");
    for (const char *at = end; at < text + cap; at++)
        says_must(*at == 0, "nothing is left behind it");
}

static void says_must_place(const reef_place *place, bool there)
{
    static const reef_place none;
    char text[REEF_PEER_TEXT];
    says_must_end(place->host, sizeof place->host);
    says_must((place->port != 0) == there, "a place has a port, none has none");
    if (!there) {
        says_must(memcmp(place, &none, sizeof none) == 0, "no place is empty");
        return;
    }
    says_must(place->host[0] != 0, "a place has a host");
    says_must(strpbrk(place->host, "/@[]\\\"'") == NULL, "a host is no path or URL");
    reef_place_text(place, text);
    says_must(strlen(text) < sizeof text, "its text has an end");
    says_must(reef_place_same(place, place), "it is the same as itself");
}

/* ---- announcements ------------------------------------------------------------ */

static void says_push(const reef_reply *reply, const char *master)
{
    reef_says_event event, again;
    char longer[260];
    memset(&event, 0x55, sizeof event);
    memset(&again, 0xAA, sizeof again);
    reef_says_kind kind = reef_says_push(reply, master, &event);
    says_must(kind == event.kind, "the kind is told twice");
    says_must(reef_says_push(reply, master, &again) == kind, "it is the same again");
    says_must(reef_place_same(&event.from, &again.from) &&
                  reef_place_same(&event.to, &again.to),
              "with its places");
    says_must_place(&event.from, kind != REEF_SAYS_NOTHING);
    says_must_place(&event.to, kind != REEF_SAYS_NOTHING && kind != REEF_SAYS_ABORTED);
    if (kind == REEF_SAYS_NOTHING)
        return;
    says_must(!reef_says_confirms(reply), "an announcement confirms nothing");
    snprintf(longer, sizeof longer, "%sx", master);
    says_must(reef_says_push(reply, longer, &again) == REEF_SAYS_NOTHING,
              "it is not of another master");
}

/* ---- replies ------------------------------------------------------------------ */

static void says_address(const reef_reply *reply)
{
    reef_place place;
    memset(&place, 0x55, sizeof place);
    reef_code code = reef_says_address(reply, &place);
    says_must_place(&place, code == REEF_OK);
    switch (reef_node_kind(reef_reply_root(reply))) {
    case REEF_NIL:
        says_must(code == REEF_NOT_FOUND, "nil is not found");
        break;
    case REEF_ERR:
        says_must(code == REEF_REFUSED, "an error is a refusal");
        break;
    case REEF_ARRAY:
        says_must(code == REEF_OK || code == REEF_PROTOCOL, "an array is neither");
        break;
    case REEF_BOOL:
    case REEF_INT:
    case REEF_DOUBLE:
    case REEF_STRING:
    case REEF_STATUS:
    case REEF_BIGNUM:
    case REEF_VERBATIM:
    case REEF_MAP:
    case REEF_SET:
    case REEF_PUSH:
        says_must(code == REEF_PROTOCOL, "all else is no answer");
        break;
    }
}

static void says_master(const reef_reply *reply)
{
    reef_says_master master, again;
    static const reef_says_master none;
    memset(&master, 0x55, sizeof master);
    memset(&again, 0xAA, sizeof again);
    bool good = reef_says_master_of(reply, &master);
    says_must(reef_says_master_of(reply, &again) == good, "it is one again");
    says_must_place(&master.place, good);
    says_must_end(master.flags, sizeof master.flags);
    says_must(master.epoch == again.epoch && master.quorum == again.quorum &&
                  master.sentinels == again.sentinels &&
                  master.replicas == again.replicas,
              "with its numbers");
    if (!good)
        says_must(memcmp(&master, &none, sizeof none) == 0, "none is empty");
}

static void says_lists(const reef_reply *reply)
{
    reef_place place;
    char id[REEF_SAYS_ID + 1];
    size_t count = reef_says_sentinel_count(reply);
    says_must(count <= REEF_SAYS_LIST, "a list has its limit");
    for (size_t i = 0; i <= count; i++) {
        memset(&place, 0x55, sizeof place);
        memset(id, 0x55, sizeof id);
        bool good = reef_says_sentinel_at(reply, i, &place, id);
        says_must(!good || i < count, "nobody stands behind the last");
        says_must_place(&place, good);
        says_must_end(id, sizeof id);
    }
    memset(id, 0x55, sizeof id);
    reef_says_id(reply, id);
    says_must_end(id, sizeof id);
    memset(&place, 0x55, sizeof place);
    says_must_place(&place, reef_says_promoted(reply, &place));
}

static void says_names(const reef_reply *reply, size_t cap)
{
    char *room = malloc(cap > 0 ? cap : 1); /* of the very size, for a sanitizer */
    says_must(room != NULL, "out of memory");
    memset(room, 0x55, cap > 0 ? cap : 1);
    reef_says_names(reply, room, cap);
    const char *end = memchr(room, 0, cap);
    says_must(cap == 0 || end != NULL, "names end in their room");
    for (const char *at = room; cap > 0 && at < end; at++)
        says_must((unsigned char)*at >= ' ' && *at != 0x7F, "names can be printed");
    if (cap > 0)
        says_must(reef_utf8_valid((reef_str){room, (size_t)(end - room)}),
                  "and are cut at a character's edge");
    free(room);
}

static void says_all(const reef_reply *reply, const char *master, size_t cap)
{
    char role = reef_says_role(reply);
    says_must(role == 0 || role == 'm' || role == 'r' || role == 's', "a role is one");
    says_push(reply, master);
    says_push(reply, "mymaster");
    (void)reef_says_confirms(reply);
    says_address(reply);
    says_master(reply);
    says_lists(reply);
    says_names(reply, cap);
    says_names(reply, REEF_ERROR_TEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char master[256];
    if (size < SAYS_FUZZ_HEAD || size > SAYS_FUZZ_MAX)
        return 0;
    size_t len = data[1] < size - SAYS_FUZZ_HEAD ? data[1] : size - SAYS_FUZZ_HEAD;
    size_t head = SAYS_FUZZ_HEAD + len;
    memcpy(master, data + SAYS_FUZZ_HEAD, len);
    master[len] = 0;
    reef_parser *parser = reef_parser_new(NULL, data[0] % 2 == 0 ? 2 : 3);
    says_must(parser != NULL, "out of memory");
    reef_str stream = {(const char *)data + head, size - head};
    says_must(reef_parser_feed(parser, stream) == REEF_OK, "out of memory");
    for (reef_parse step; (step = reef_parser_next(parser)) == REEF_PARSE_REPLY ||
                          step == REEF_PARSE_PUSH;)
        says_all(reef_parser_peek(parser), master, data[0] / 2 % SAYS_FUZZ_ROOM);
    reef_parser_free(parser);
    return 0;
}
