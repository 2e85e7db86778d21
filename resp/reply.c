/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies and their accessors. Replies do not change once made. Accessors are total:
 * whatever is wrong with a question, the answer is the nil node, the empty word or the
 * fallback. A node's span (itself and all that belongs to it) makes "next" one step. */
#include "resp/node.h"

#include "resp/buf.h"

#include <stdlib.h>
#include <string.h>

/* Two, as in every reply: the second may be read by a step past the last. */
static const reef_node reply_nil[2] = {{0, 0, REEF_NIL}, {0, 0, REEF_NIL}};
static const char reply_nomem_text[] = "out of memory";
static const reef_reply reply_nomem = {reply_nil,
                                       reply_nomem_text,
                                       sizeof reply_nomem_text,
                                       0,
                                       sizeof(reef_reply),
                                       NULL,
                                       NULL,
                                       1,
                                       0,
                                       REEF_NOMEM,
                                       0};
/* What was sent stays sent when memory is out: NOMEM would say that it was not. */
static const char reply_unsure_text[] =
    "sent, and out of memory to say what became of it";
static const reef_reply reply_unsure = {reply_nil,
                                        reply_unsure_text,
                                        sizeof reply_unsure_text,
                                        0,
                                        sizeof(reef_reply),
                                        NULL,
                                        NULL,
                                        1,
                                        0,
                                        REEF_UNSURE,
                                        0};

/* ---- replies ------------------------------------------------------------------ */

reef_reply *reef_reply_alloc(size_t room)
{
    size_t size = reef_size_add(sizeof(reef_reply), room);
    reef_reply *reply = size > PTRDIFF_MAX ? NULL : malloc(size);
    if (reply != NULL) {
        *reply = (reef_reply){.room = room, .size = size};
    }
    return reply;
}

/* Cut where a character begins, so that no half of one is left at the end. */
static size_t reply_text_len(const char *text)
{
    size_t len = strlen(text);
    if (len < REEF_ERROR_TEXT) {
        return len;
    }
    len = REEF_ERROR_TEXT - 1;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) {
        len--;
    }
    return len;
}

reef_reply *reef_reply_failed(reef_code code, const char *text)
{
    size_t len = text == NULL ? 0 : reply_text_len(text);
    reef_reply *reply = reef_reply_alloc(len + 1);
    if (reply == NULL) {
        bool sent = code == REEF_UNSURE || code == REEF_PROTOCOL;
        /* Never written: reef_reply_free knows them. */
        return (reef_reply *)(sent ? &reply_unsure : &reply_nomem);
    }
    char *copy = (char *)(reply + 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    reply->nodes = reply_nil;
    reply->wire = copy;
    reply->wire_len = len + 1;
    reply->node_count = 1;
    reply->code = code;
    return reply;
}

reef_code reef_reply_code(const reef_reply *reply)
{
    return reply == NULL ? REEF_NOMEM : reply->code;
}

const char *reef_reply_text(const reef_reply *reply)
{
    if (reply == NULL) {
        return reply_nomem_text;
    }
    if (reply->code == REEF_OK) {
        return "";
    }
    /* The parser put a NUL behind the root's text, over the line's CR. */
    if (reply->code == REEF_REFUSED &&
        reef_node_kind(reef_reply_root(reply)) == REEF_ERR) {
        return reply->wire + reply->nodes[reply->root].value;
    }
    return reply->wire;
}

const reef_node *reef_reply_root(const reef_reply *reply)
{
    return reply == NULL ? reply_nil : reply->nodes + reply->root;
}

size_t reef_reply_size(const reef_reply *reply)
{
    if (reply == NULL) {
        return 0;
    }
    if (reply->size > 0) {
        return reply->size;
    }
    size_t nodes = reef_size_fit(reply->node_count + (size_t)1, sizeof(reef_node), 0);
    return reef_size_add(sizeof *reply, reef_size_add(nodes, reply->wire_len));
}

void reef_reply_free(reef_reply *reply)
{
    if (reply == NULL || reply == &reply_nomem || reply == &reply_unsure) {
        return;
    }
    if (reply->owned_wire != NULL) { /* large: nearly none is */
        free(reply->owned_nodes);
        free(reply->owned_wire);
    }
    free(reply);
}

/* ---- walking ------------------------------------------------------------------ */

reef_kind reef_node_kind(const reef_node *node)
{
    return node == NULL ? REEF_NIL : (reef_kind)(node->meta & NODE_KIND);
}

static bool node_has_children(const reef_node *node)
{
    return reef_node_kind(node) >= REEF_ARRAY;
}

static bool node_has_text(const reef_node *node)
{
    reef_kind kind = reef_node_kind(node);
    return kind >= REEF_STRING && kind <= REEF_VERBATIM;
}

static const reef_node *node_after(const reef_node *node)
{
    return node + (node_has_children(node) ? (uint32_t)node->value : 1);
}

static const reef_node *node_skip_attributes(const reef_node *node)
{
    while ((node->meta & NODE_ATTRIBUTE) != 0) {
        node = node_after(node);
    }
    return node;
}

size_t reef_count(const reef_node *node)
{
    return node_has_children(node) ? node->n : 0;
}

const reef_node *reef_at(const reef_node *node, size_t index)
{
    if (index >= reef_count(node)) {
        return reply_nil;
    }
    size_t flat = (size_t)(node->value >> 32);
    size_t at = index < flat ? index : flat;
    const reef_node *child = node_skip_attributes(node + 1 + at);
    for (; at < index; at++) {
        child = reef_next(child);
    }
    return child;
}

const reef_node *reef_next(const reef_node *node)
{
    if (node == NULL || node == reply_nil) {
        return reply_nil;
    }
    const reef_node *next = node_after(node);
    return (node->meta & NODE_ATTRIBUTE) != 0 ? next : node_skip_attributes(next);
}

const reef_node *reef_get(const reef_reply *reply, const reef_node *node,
                          const char *key)
{
    reef_kind kind = reef_node_kind(node);
    if ((kind != REEF_MAP && kind != REEF_ARRAY) || key == NULL) {
        return reply_nil;
    }
    reef_str wanted = reef_str_of(key);
    size_t pairs = reef_count(node) / 2;
    const reef_node *at = reef_at(node, 0);
    for (; pairs > 0; pairs--) {
        if (node_has_text(at) && reef_str_equal(reef_text(reply, at), wanted)) {
            return reef_next(at);
        }
        at = reef_next(reef_next(at));
    }
    return reply_nil;
}

const reef_node *reef_attributes(const reef_node *node, size_t *count)
{
    size_t found = 0;
    const reef_node *first = reply_nil;
    if (node != NULL && node->meta >> NODE_BACK_SHIFT != 0) {
        first = node - (node->meta >> NODE_BACK_SHIFT);
        for (const reef_node *at = first; at != node; at = node_after(at)) {
            found++;
        }
    }
    if (count != NULL) {
        *count = found;
    }
    return first;
}

/* ---- values ------------------------------------------------------------------- */

/* The bytes as sent: a verbatim string's format included. A node of another reply
 * would point past the wire: such a question gets the empty word. */
static reef_str node_raw(const reef_reply *reply, const reef_node *node)
{
    if (reply == NULL || !node_has_text(node) || node->value > reply->wire_len ||
        node->n > reply->wire_len - node->value) {
        return (reef_str){NULL, 0};
    }
    return (reef_str){reply->wire + node->value, node->n};
}

reef_str reef_text(const reef_reply *reply, const reef_node *node)
{
    reef_str raw = node_raw(reply, node);
    if (reef_node_kind(node) == REEF_VERBATIM && raw.len >= 4) {
        return (reef_str){raw.ptr + 4, raw.len - 4};
    }
    return raw;
}

reef_str reef_format(const reef_reply *reply, const reef_node *node)
{
    reef_str raw = node_raw(reply, node);
    if (reef_node_kind(node) == REEF_VERBATIM && raw.len >= 4) {
        return (reef_str){raw.ptr, 3};
    }
    return (reef_str){NULL, 0};
}

/* Two's complement by definition, not by the compiler's choice. */
static int64_t node_int(const reef_node *node)
{
    return node->value > INT64_MAX ? -1 - (int64_t)~node->value : (int64_t)node->value;
}

int64_t reef_int(const reef_node *node, int64_t fallback)
{
    return reef_node_kind(node) == REEF_INT ? node_int(node) : fallback;
}

double reef_double(const reef_node *node, double fallback)
{
    if (reef_node_kind(node) == REEF_INT) {
        return (double)node_int(node);
    }
    if (reef_node_kind(node) != REEF_DOUBLE) {
        return fallback;
    }
    double value;
    memcpy(&value, &node->value, sizeof value);
    return value;
}

bool reef_bool(const reef_node *node, bool fallback)
{
    return reef_node_kind(node) == REEF_BOOL ? node->value != 0 : fallback;
}

bool reef_is_blob_error(const reef_node *node)
{
    return node != NULL && (node->meta & NODE_BLOB) != 0;
}
