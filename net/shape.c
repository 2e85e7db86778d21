/* SPDX-License-Identifier: Apache-2.0
 *
 * shape: what the nodes of a Cluster say of its shape, as values.
 *
 * Invariant: what is given out is whole or empty: slots are 0 to 16383, ids 40
 * hexadecimal characters, hosts made of what hosts are made of, texts with an end. Each
 * part of a reply is looked at once, and that no two ranges overlap is seen from a bit
 * for each slot, so the work is bounded by the reply and the number of slots, whatever
 * order the ranges come in. The walk does not rely on the check: of a reply that was
 * not checked it passes over what has not the form. */
#include "net/shape.h"

#include <string.h>

/* ---- words -------------------------------------------------------------------- */

/* False: neither text nor nil, which is the empty text. */
static bool shape_text(const reef_reply *reply, const reef_node *node, reef_str *out)
{
    reef_kind kind = reef_node_kind(node);
    *out = reef_text(reply, node);
    return kind == REEF_STRING || kind == REEF_STATUS || kind == REEF_VERBATIM ||
           kind == REEF_NIL;
}

static bool shape_number(const reef_node *node, uint32_t max, uint32_t *out)
{
    int64_t number = reef_int(node, -1);
    bool good = number >= 0 && number <= (int64_t)max;
    *out = good ? (uint32_t)number : 0;
    return good;
}

bool reef_shape_put_id(reef_str text, char out[REEF_NODE_ID + 1])
{
    memset(out, 0, REEF_NODE_ID + 1);
    if (text.len != REEF_NODE_ID)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') &&
            !(c >= 'A' && c <= 'F'))
            return false;
    }
    memcpy(out, text.ptr, REEF_NODE_ID);
    return true;
}

/* An IPv6 address without the brackets that may stand around it. */
static reef_str shape_bare(reef_str host)
{
    bool boxed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' &&
                 memchr(host.ptr, ':', host.len) != NULL;
    return boxed ? (reef_str){host.ptr + 1, host.len - 2} : host;
}

/* An empty host is that of who answered. False, and no place: it is none. */
static bool shape_place(reef_str host, uint32_t port, reef_place *out)
{
    host = shape_bare(host);
    memset(out, 0, sizeof *out);
    if (port == 0 || (host.len > 0 && !reef_place_is_host(host)))
        return false;
    if (host.len > 0)
        memcpy(out->host, host.ptr, host.len);
    out->port = (uint16_t)port;
    return true;
}

/* ---- CLUSTER SLOTS: the check ------------------------------------------------- */

static bool shape_range(const reef_node *range, uint32_t *first, uint32_t *last)
{
    return reef_node_kind(range) == REEF_ARRAY &&
           shape_number(reef_at(range, 0), REEF_SLOT_COUNT - 1, first) &&
           shape_number(reef_at(range, 1), REEF_SLOT_COUNT - 1, last) &&
           *first <= *last;
}

/* Among what follows a range's slots. */
static bool shape_is_node(const reef_node *node)
{
    return reef_node_kind(node) == REEF_ARRAY && reef_count(node) >= 2;
}

static bool shape_node(const reef_reply *reply, const reef_node *node, reef_str *host,
                       uint32_t *port)
{
    return shape_text(reply, reef_at(node, 0), host) &&
           shape_number(reef_at(node, 1), UINT16_MAX, port);
}

static reef_code shape_check_nodes(const reef_reply *reply, const reef_node *range)
{
    const reef_node *node = reef_at(range, 2);
    uint32_t found = 0, port;
    reef_str host;
    for (size_t left = reef_count(range) - 2; left > 0;
         left--, node = reef_next(node)) {
        if (!shape_is_node(node))
            continue;
        if (!shape_node(reply, node, &host, &port))
            return REEF_PROTOCOL;
        if (++found > REEF_NODES_MAX)
            return REEF_LIMIT;
    }
    return found > 0 ? REEF_OK : REEF_PROTOCOL;
}

/* False: one of the slots was taken before. Each is taken once, so that is the whole
 * work of all ranges. */
static bool shape_take(unsigned char taken[], uint32_t first, uint32_t last)
{
    for (uint32_t slot = first; slot <= last; slot++) {
        unsigned char bit = (unsigned char)(1 << slot % 8);
        if (taken[slot / 8] & bit)
            return false;
        taken[slot / 8] |= bit;
    }
    return true;
}

reef_code reef_shape_check(const reef_reply *reply)
{
    unsigned char taken[REEF_SLOT_COUNT / 8] = {0};
    const reef_node *root = reef_reply_root(reply), *range = reef_at(root, 0);
    reef_code code = reef_reply_code(reply);
    if (code != REEF_OK)
        return code == REEF_REFUSED ? REEF_REFUSED : REEF_PROTOCOL;
    if (reef_node_kind(root) != REEF_ARRAY)
        return REEF_PROTOCOL;
    if (reef_count(root) > REEF_SLOT_COUNT)
        return REEF_LIMIT;
    for (size_t left = reef_count(root); left > 0; left--, range = reef_next(range)) {
        uint32_t first, last;
        if (!shape_range(range, &first, &last) || !shape_take(taken, first, last))
            return REEF_PROTOCOL;
        code = shape_check_nodes(reply, range);
        if (code != REEF_OK)
            return code;
    }
    return REEF_OK;
}

/* ---- CLUSTER SLOTS: the walk -------------------------------------------------- */

/* "?" stands for a host name that is not set. The address is told beside it, an empty
 * one by a node that nobody has told its own yet: the one that was asked. */
static bool shape_where(const reef_reply *reply, const reef_node *node, reef_str *host,
                        uint32_t *port)
{
    if (!shape_node(reply, node, host, port))
        return false;
    if (!reef_str_is(*host, "?"))
        return true;
    const reef_node *ip = reef_get(reply, reef_at(node, 3), "ip");
    return reef_node_kind(ip) != REEF_NIL && shape_text(reply, ip, host);
}

static void shape_item(const reef_reply *reply, const reef_node *node,
                       reef_shape_item *out)
{
    reef_str host, id;
    uint32_t port;
    if (!shape_where(reply, node, &host, &port))
        port = 0;
    (void)shape_place(host, port, &out->place);
    (void)(shape_text(reply, reef_at(node, 2), &id) && reef_shape_put_id(id, out->id));
}

void reef_shape_begin(reef_shape_walk *walk, const reef_reply *reply)
{
    const reef_node *root = reef_reply_root(reply);
    bool list = reef_node_kind(root) == REEF_ARRAY;
    memset(walk, 0, sizeof *walk);
    walk->reply = reply;
    walk->ranges_left = list ? reef_count(root) : 0;
    walk->range = reef_at(root, 0);
}

/* On to the nodes of the next range. False: no more ranges. */
static bool shape_enter(reef_shape_walk *walk)
{
    const reef_node *range = walk->range;
    if (walk->ranges_left == 0)
        return false;
    walk->position = 0;
    if (shape_range(range, &walk->first, &walk->last))
        walk->nodes_left = reef_count(range) - 2;
    walk->node = reef_at(range, 2);
    walk->ranges_left--;
    walk->range = reef_next(range);
    return true;
}

bool reef_shape_next(reef_shape_walk *walk, reef_shape_item *out)
{
    memset(out, 0, sizeof *out);
    while (walk->nodes_left > 0 || shape_enter(walk)) {
        const reef_node *node = walk->node;
        if (walk->nodes_left == 0)
            continue;
        walk->nodes_left--;
        walk->node = reef_next(node);
        if (!shape_is_node(node))
            continue;
        out->first = walk->first;
        out->last = walk->last;
        out->position = walk->position++;
        shape_item(walk->reply, node, out);
        return true;
    }
    return false;
}

/* ---- redirects and ids -------------------------------------------------------- */

/* As servers write numbers: no sign, no zeros ahead. */
static bool shape_digits(reef_str text, uint64_t max, uint64_t *out)
{
    return (text.len == 1 || (text.len > 1 && text.ptr[0] != '0')) &&
           reef_says_digits(text, max, out);
}

/* "866 127.0.0.1:7001". */
static bool shape_target(const char *text, reef_redirect *out)
{
    const char *space = strchr(text, ' ');
    const char *colon = space ? strrchr(space, ':') : NULL;
    uint64_t slot, port;
    if (!colon)
        return false;
    reef_str host = {space + 1, (size_t)(colon - space - 1)};
    bool good = shape_digits((reef_str){text, (size_t)(space - text)},
                             REEF_SLOT_COUNT - 1, &slot) &&
                shape_digits(reef_str_of(colon + 1), UINT16_MAX, &port) && port > 0;
    if (!good)
        return false;
    out->slot = (uint32_t)slot;
    if (!reef_str_is(host, "?"))
        return shape_place(host, (uint32_t)port, &out->place);
    out->place = (reef_place){"?", (uint16_t)port};
    return true;
}

bool reef_shape_redirect(const char *text, reef_redirect *out)
{
    memset(out, 0, sizeof *out);
    bool ask = strncmp(text, "ASK ", 4) == 0;
    bool good = (ask && shape_target(text + 4, out)) ||
                (strncmp(text, "MOVED ", 6) == 0 && shape_target(text + 6, out));
    if (!good)
        memset(out, 0, sizeof *out);
    out->ask = good && ask;
    return good;
}

bool reef_shape_id(const reef_reply *reply, char out[REEF_NODE_ID + 1])
{
    reef_str id;
    bool text = shape_text(reply, reef_reply_root(reply), &id);
    return reef_shape_put_id(text ? id : (reef_str){0}, out);
}
