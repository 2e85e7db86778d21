/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser: bytes in, whole values out. machine.c reads a value; this file keeps the
 * bytes and gives the values away.
 *
 * Memory follows what has come, not what was announced. The buffer at most doubles, or
 * grows to the very end of the string that is on its way. Bytes of a value move to the
 * front of the buffer only when at least as many were read before them, so that moving
 * is linear in all. An idle parser keeps about 16 KiB.
 *
 * A large value is not copied when taken: the reply gets buffer and nodes. What stands
 * behind it in the buffer moves to a new one; unless that is more than the value, which
 * is then copied instead. */
#include "resp/parse.h"

#include "resp/fast.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARSE_WANT_MIN = 8192, /* room offered while little comes, and kept when idle */
    PARSE_WANT_MAX = 65536,
    PARSE_ROOM_MIN = 2048,                   /* below this, look for more */
    PARSE_IDLE_NODES = 128,                  /* kept when idle */
    PARSE_SPARE_MAX = 6144,                  /* largest reply kept for the next take */
    PARSE_LEAF = 2 * (int)sizeof(reef_node), /* a leaf and the nil node */
    PARSE_LEAF_ROOM = 2 * PARSE_LEAF         /* these, and as much wire */
};

/* Lengths and counts are 32 bits wide in a node. */
static const size_t parse_text_max = UINT32_MAX - 1;

static size_t parse_limit(size_t wanted, size_t usual, size_t cap)
{
    size_t limit = wanted == 0 ? usual : wanted;
    return limit < cap ? limit : cap;
}

static reef_limits parse_limits(const reef_limits *in)
{
    static const reef_limits usual = {0, 0, 0, 0, 0};
    in = in == NULL ? &usual : in;
    return (reef_limits){
        parse_limit(in->reply_bytes, (size_t)1 << 30, SIZE_MAX / 4),
        parse_limit(in->bulk, (size_t)512 << 20, parse_text_max),
        parse_limit(in->line, (size_t)64 << 10, parse_text_max),
        (uint32_t)parse_limit(in->nodes, (size_t)1 << 20, NODE_MAX),
        (uint32_t)parse_limit(in->depth, 32, REEF_DEPTH_MAX),
    };
}

reef_parser *reef_parser_new(const reef_limits *in, int proto)
{
    assert(proto == 2 || proto == 3);
    reef_limits limits = parse_limits(in);
    size_t size = reef_size_fit(limits.depth + (size_t)1, sizeof(reef_frame),
                                offsetof(reef_parser, frames));
    reef_parser *p = malloc(size);
    if (p == NULL) {
        return NULL;
    }
    memset(p, 0, size);
    p->limits = limits;
    p->quick = limits.line >= FAST_BYTES;
    p->quick_bulk = limits.bulk < PARSE_SPARE_MAX ? limits.bulk : PARSE_SPARE_MAX;
    /* With other limits in play, machine.c reads every leaf. */
    bool quick = p->quick && limits.reply_bytes >= (size_t)2 * PARSE_SPARE_MAX;
    p->quick_bytes = quick ? FAST_BYTES : SIZE_MAX;
    p->proto = proto;
    p->want = PARSE_WANT_MIN;
    p->shown = &p->view;
    return p;
}

void reef_parser_free(reef_parser *p)
{
    if (p == NULL) {
        return;
    }
    reef_buf_free(&p->wire);
    free(p->tape);
    reef_reply_free(p->spare);
    free(p);
}

/* No value in progress: what a smaller stream would not need goes back. */
static void parse_shrink(reef_parser *p)
{
    if (p->wire.cap > PARSE_WANT_MIN) {
        reef_buf_free(&p->wire);
    }
    if (p->tape_cap > PARSE_IDLE_NODES) {
        free(p->tape);
        p->tape = NULL;
        p->tape_cap = 0;
    }
}

void reef_parser_reset(reef_parser *p, int proto)
{
    assert(proto == 2 || proto == 3);
    p->wire.len = 0;
    p->start = p->pos = p->scan = 0;
    p->origin = 0;
    p->begun = p->found = p->body = p->chunked = p->in_spare = p->ready = false;
    p->shown = &p->view;
    p->error = REEF_OK;
    p->want = PARSE_WANT_MIN;
    p->proto = proto;
    parse_shrink(p);
}

void reef_parser_set_proto(reef_parser *p, int proto)
{
    assert(proto == 2 || proto == 3);
    p->proto = proto;
}

/* ---- bytes in ----------------------------------------------------------------- */

/* Everything before `start` is read for good. */
static void parse_move_front(reef_parser *p)
{
    size_t len = p->wire.len - p->start;
    if (len > 0 && p->start > 0) {
        memmove(p->wire.data, p->wire.data + p->start, len);
    }
    p->origin += p->start;
    p->wire.len = len;
    p->start = 0;
    p->shown->wire = p->wire.data;
}

/* Bytes that the string in progress still lacks, its CR LF counted; 0: no string. */
static size_t parse_lacking(const reef_parser *p)
{
    size_t have = p->wire.len - p->start - p->pos;
    return p->body && p->body_len + 2 > have ? p->body_len + 2 - have : 0;
}

/* Makes room for at least `need` bytes, better for `want`. */
static bool parse_reserve(reef_parser *p, size_t need, size_t want)
{
    size_t len = p->wire.len - p->start;
    if (p->start > 0 && p->start >= len) {
        parse_move_front(p);
    }
    if (p->wire.cap - p->wire.len >= need) {
        return true;
    }
    if (p->start > 0) {
        parse_move_front(p);
    }
    size_t more = len > want ? len : want; /* at most double, and so linear in all */
    size_t lacking = parse_lacking(p);
    more = lacking > 0 && lacking < more ? lacking : more;
    more = more < need ? need : more;
    if (!reef_buf_resize(&p->wire, reef_size_add(len, more))) {
        return false;
    }
    p->shown->wire = p->wire.data;
    return true;
}

char *reef_parser_room(reef_parser *p, size_t *cap)
{
    size_t lacking = parse_lacking(p);
    size_t need = p->want / 2 < PARSE_ROOM_MIN ? p->want / 2 : PARSE_ROOM_MIN;
    if (lacking > 0) {
        /* In a long string any room will do until it is used up. */
        need = lacking < need ? lacking : 1;
    }
    if (!parse_reserve(p, need, p->want) && !parse_reserve(p, 1, 1)) {
        return NULL;
    }
    *cap = p->room = p->wire.cap - p->wire.len;
    return p->wire.data + p->wire.len;
}

void reef_parser_received(reef_parser *p, size_t len)
{
    assert(len <= p->wire.cap - p->wire.len);
    if (p->error != REEF_OK) {
        return; /* the stream is lost: nothing more is kept of it */
    }
    p->wire.len += len;
    /* A peer that fills the room gets more the next time, for fewer calls. */
    if (len == p->room && p->want < PARSE_WANT_MAX) {
        p->want *= 2;
    }
    p->room = 0;
}

reef_code reef_parser_feed(reef_parser *p, reef_str bytes)
{
    if (bytes.len == 0 || p->error != REEF_OK) {
        return REEF_OK;
    }
    if (!parse_reserve(p, bytes.len, PARSE_WANT_MIN)) {
        return REEF_NOMEM;
    }
    memcpy(p->wire.data + p->wire.len, bytes.ptr, bytes.len);
    p->wire.len += bytes.len;
    return REEF_OK;
}

/* ---- values out --------------------------------------------------------------- */

static REEF_INLINE void parse_drop(reef_parser *p)
{
    p->start += p->pos;
    p->pos = 0;
    p->found = p->begun = p->in_spare = false;
    p->shown = &p->view;
}

static REEF_NOINLINE reef_parse parse_idle(reef_parser *p)
{
    p->origin += p->start;
    p->start = 0;
    p->wire.len = 0;
    parse_shrink(p);
    return REEF_PARSE_MORE;
}

/* The spare reply, whose first node is the leaf that ends at `next`, becomes the whole
 * reply. The bytes are done with: nothing points to them. */
static REEF_INLINE bool parse_make_ready(reef_parser *p, reef_node *node,
                                         const char *next, size_t wire_len)
{
    reef_reply *reply = p->spare;
    node[1] = (reef_node){0, 0, REEF_NIL};
    reply->nodes = node;
    reply->wire = (const char *)node + PARSE_LEAF;
    reply->wire_len = wire_len;
    reply->node_count = 1;
    reply->root = 0;
    reply->code = REEF_OK;
    p->start = (size_t)(next - p->wire.data);
    p->ready = true;
    return true;
}

/* Reads a whole value that is a plain leaf, the most common reply, into the spare
 * reply. False: it is no such value, or not all there. */
static REEF_INLINE bool parse_scalar(reef_parser *p)
{
    size_t have = p->wire.len - p->start;
    reef_reply *spare = p->spare;
    if (p->begun || have < p->quick_bytes || spare == NULL) {
        return false;
    }
    const char *base = p->wire.data + p->start;
    reef_node *node = reef_reply_nodes(spare);
    if (*base == ':') { /* a number needs no bytes of the wire */
        const char *behind = fast_int(base + 1, node);
        return behind != NULL && parse_make_ready(p, node, behind, 0);
    }
    const char *next = fast_leaf(base, base, base + have, p->quick_bulk, node);
    if (next == NULL) {
        return false;
    }
    size_t len = (size_t)(next - base);
    if (len <= PARSE_LEAF && p->wire.cap - p->start >= PARSE_LEAF) {
        /* A copy of a fixed size needs no call. */
        memcpy((char *)node + PARSE_LEAF, base, PARSE_LEAF);
        return parse_make_ready(p, node, next, len);
    }
    p->pos = len;
    p->in_spare = true;
    reef_machine_show(p, spare, node, 1, 0);
    return true;
}

/* The callers of a reply that is freed rather than recycled leave no spare one: it is
 * made when a short leaf is all there, and no sooner, so that it costs the one block
 * that the reply needs anyway. */
static REEF_NOINLINE bool parse_spare(reef_parser *p)
{
    size_t have = p->wire.len - p->start;
    reef_node node;
    if (p->begun || have < p->quick_bytes) {
        return false;
    }
    const char *base = p->wire.data + p->start;
    const char *next = fast_leaf(base, base, base + have, p->quick_bulk, &node);
    if (next == NULL || next - base > PARSE_LEAF) {
        return false;
    }
    p->spare = reef_reply_alloc(PARSE_LEAF_ROOM);
    if (p->spare == NULL) {
        return false; /* the long way needs no spare one before it is taken */
    }
    reef_node *first = reef_reply_nodes(p->spare);
    *first = node;
    memcpy((char *)first + PARSE_LEAF, base, (size_t)(next - base));
    return parse_make_ready(p, first, next, (size_t)(next - base));
}

/* Apart from reef_parser_next, so that this one needs no stack frame. */
static REEF_NOINLINE reef_parse parse_next_any(reef_parser *p)
{
    if (p->found) {
        parse_drop(p);
    }
    if (p->spare == NULL && parse_spare(p)) {
        return REEF_PARSE_REPLY;
    }
    if (p->error != REEF_OK) {
        return REEF_PARSE_ERROR;
    }
    if (!p->begun) {
        if (p->start == p->wire.len) {
            return parse_idle(p);
        }
        reef_machine_begin(p);
    }
    return reef_machine_run(p);
}

reef_parse reef_parser_next(reef_parser *p)
{
    p->ready = false;
    return !p->found && parse_scalar(p) ? REEF_PARSE_REPLY : parse_next_any(p);
}

const reef_reply *reef_parser_peek(const reef_parser *p)
{
    return p->ready ? p->spare : p->found ? p->shown : NULL;
}

/* One block: header, nodes, wire. The spare one when it is large enough. */
static reef_reply *parse_take_copy(reef_parser *p, size_t nodes)
{
    const reef_reply shown = *p->shown; /* it may be the spare one */
    size_t need = nodes + p->pos;
    reef_reply *reply = p->spare;
    if (reply != NULL && reply->room >= need) {
        p->spare = NULL;
    } else {
        reply = reef_reply_alloc(need < PARSE_LEAF_ROOM ? PARSE_LEAF_ROOM : need);
        if (reply == NULL) {
            return NULL;
        }
    }
    char *to = (char *)reef_reply_nodes(reply);
    memmove(to, shown.nodes, nodes); /* a leaf may stand there already */
    memcpy(to + nodes, shown.wire, p->pos);
    reply->nodes = reef_reply_nodes(reply);
    reply->wire = to + nodes;
    reply->wire_len = p->pos;
    reply->node_count = shown.node_count;
    reply->root = shown.root;
    reply->code = shown.code;
    return reply;
}

/* Gives back what more than an eighth of the block would leave unused. A failure to
 * shrink is no failure. */
static void *parse_trim(void *block, size_t used, size_t *cap)
{
    if (*cap - used <= used / 8) {
        return block;
    }
    void *less = realloc(block, used);
    if (less == NULL) {
        return block;
    }
    *cap = used;
    return less;
}

/* The reply gets the parser's own buffer and nodes; the parser a new buffer with the
 * `rest` bytes that stand behind the value. */
static REEF_NOINLINE reef_reply *parse_take_over(reef_parser *p, size_t nodes,
                                                 size_t rest)
{
    reef_reply *reply = reef_reply_alloc(0);
    reef_buf fresh = {NULL, 0, 0};
    if (reply == NULL || (rest > 0 && !reef_buf_resize(&fresh, rest))) {
        free(reply);
        return NULL;
    }
    size_t end = p->start + p->pos;
    if (rest > 0) {
        memcpy(fresh.data, p->wire.data + end, rest);
        fresh.len = rest;
    }
    size_t begin = p->start;
    if (begin > p->pos / 8) {
        memmove(p->wire.data, p->wire.data + begin, p->pos);
        begin = 0;
    }
    size_t wire_cap = p->wire.cap;
    size_t tape_cap = reef_size_fit(p->tape_cap, sizeof(reef_node), 0);
    char *wire = parse_trim(p->wire.data, begin + p->pos, &wire_cap);
    reply->owned_wire = wire;
    reply->owned_nodes = parse_trim(p->tape, nodes, &tape_cap);
    reply->nodes = reply->owned_nodes;
    reply->wire = wire + begin;
    reply->wire_len = p->pos;
    reply->node_count = p->count;
    reply->root = p->view.root;
    reply->code = p->view.code;
    reply->size = reef_size_add(sizeof *reply, reef_size_add(wire_cap, tape_cap));
    p->view.nodes = reply->nodes;
    p->view.wire = reply->wire;
    p->origin += end;
    p->wire = fresh;
    p->tape = NULL;
    p->tape_cap = 0;
    p->start = p->pos = 0;
    return reply;
}

/* Any value. Sums of its sizes can't wrap: the ceilings of nodes and of reply_bytes
 * keep them far from it. */
static REEF_NOINLINE reef_reply *parse_take_any(reef_parser *p)
{
    size_t nodes = (p->shown->node_count + (size_t)1) * sizeof(reef_node);
    size_t rest = p->wire.len - p->start - p->pos;
    size_t size = sizeof(reef_reply) + nodes + p->pos;
    bool copy = size <= REEF_REPLY_SMALL || rest > size || p->in_spare;
    reef_reply *reply =
        copy ? parse_take_copy(p, nodes) : parse_take_over(p, nodes, rest);
    if (reply != NULL) {
        parse_drop(p);
    }
    return reply;
}

reef_reply *reef_parser_take(reef_parser *p)
{
    if (!p->ready) {
        return p->found ? parse_take_any(p) : NULL;
    }
    reef_reply *reply = p->spare;
    p->spare = NULL;
    p->ready = false;
    return reply;
}

/* The larger one of two is kept; not while the value found stands in the spare one. */
static REEF_NOINLINE void parse_recycle_other(reef_parser *p, reef_reply *reply,
                                              bool fits)
{
    if (fits && !p->in_spare && !p->ready && p->spare->room < reply->room) {
        reef_reply *small = p->spare;
        p->spare = reply;
        reply = small;
    }
    reef_reply_free(reply);
}

void reef_parser_recycle(reef_parser *p, reef_reply *reply)
{
    /* Only a reply of one block has room. What is less than a leaf needs wraps. */
    bool fits = reply != NULL && reply->room - PARSE_LEAF_ROOM <= PARSE_SPARE_MAX;
    if (fits && p->spare == NULL) {
        p->spare = reply;
        return;
    }
    parse_recycle_other(p, reply, fits);
}

uint64_t reef_parser_consumed(const reef_parser *p)
{
    return p->origin + p->start + (p->found ? p->pos : 0);
}

bool reef_parser_inside(const reef_parser *p)
{
    return p->error == REEF_OK && !p->found && !p->ready && p->start < p->wire.len;
}

reef_code reef_parser_error(const reef_parser *p, const char **text, uint64_t *at)
{
    bool bad = p->error != REEF_OK;
    if (text != NULL) {
        *text = bad ? p->error_text : "";
    }
    if (at != NULL) {
        *at = bad ? p->error_at : 0;
    }
    return p->error;
}
