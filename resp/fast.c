/* SPDX-License-Identifier: Apache-2.0
 *
 * The common elements ($ : +), when all their bytes are in the buffer. Anything
 * unusual, errors included, is left where it is for machine.c, so this file decides
 * nothing that machine.c would decide otherwise. And the end of aggregates, which both
 * come to. */
#include "resp/parse.h"

enum {
    FAST_BYTES = 24, /* a type byte, a sign, 18 digits, CR LF, and some */
    FAST_DIGITS = 9  /* of a length */
};

void reef_machine_bump(reef_frame *frame)
{
    if (frame->flat == FRAME_FLAT) {
        frame->flat = frame->total - frame->left;
    }
}

/* The frame in use has all its children: its node learns its span, and where it was a
 * child itself, its parent has one less to wait for; and so on up. */
void reef_machine_close(reef_parser *p)
{
    while (p->depth > 0 && p->frames[p->depth].left == 0) {
        const reef_frame *done = &p->frames[p->depth];
        reef_node *node = &p->tape[done->node];
        uint32_t span = p->count - done->node;
        uint32_t flat = done->flat < node->n ? done->flat : node->n;
        node->value = (uint64_t)flat << 32 | span;
        reef_frame *parent = &p->frames[--p->depth];
        if (done->attribute) {
            return; /* its value is still to come: the parent waits as before */
        }
        if (span > 1) {
            reef_machine_bump(parent);
        }
        parent->left--;
    }
}

static inline uint32_t fast_digit(char c)
{
    return (uint32_t)(unsigned char)c - '0'; /* above 9 when it is none */
}

/* At the first digit: a length of few digits and its CR LF. NULL: something else. The
 * caller made sure of FAST_BYTES. */
static inline const char *fast_length(const char *at, uint32_t *len)
{
    uint32_t n = fast_digit(at[0]);
    uint32_t digit = fast_digit(at[1]);
    if (n > 9 || (n == 0 && digit <= 9)) {
        return NULL;
    }
    const char *end = at + FAST_DIGITS;
    for (at++; digit <= 9; digit = fast_digit(*at)) {
        n = n * 10 + digit;
        if (++at == end) {
            return NULL;
        }
    }
    *len = n;
    return at[0] == '\r' && at[1] == '\n' ? at + 2 : NULL;
}

static inline const char *fast_bulk(const char *base, const char *at, const char *end,
                                    size_t bulk, reef_node *node)
{
    uint32_t len;
    const char *text = fast_length(at, &len);
    if (text == NULL || len > bulk || (size_t)(end - text) < len + (size_t)2 ||
        text[len] != '\r' || text[len + 1] != '\n') {
        return NULL;
    }
    node->value = (uint64_t)(text - base);
    node->n = len;
    node->meta = REEF_STRING;
    return text + len + 2;
}

static inline const char *fast_int(const char *at, reef_node *node)
{
    bool negative = *at == '-';
    at += negative ? 1 : 0;
    uint64_t n = fast_digit(*at);
    if (n > 9) {
        return NULL;
    }
    const char *end = at + 18;
    uint32_t digit;
    for (at++; (digit = fast_digit(*at)) <= 9; at++) {
        n = n * 10 + digit;
        if (at == end) {
            return NULL;
        }
    }
    node->value = negative ? 0 - n : n;
    node->n = 0;
    node->meta = REEF_INT;
    return at[0] == '\r' && at[1] == '\n' ? at + 2 : NULL;
}

static inline const char *fast_status(const char *base, const char *at, reef_node *node)
{
    const char *text = at;
    const char *end = at + FAST_BYTES - 3;
    while (*at != '\r') {
        if (*at == '\n' || at == end) {
            return NULL;
        }
        at++;
    }
    node->value = (uint64_t)(text - base);
    node->n = (uint32_t)(at - text);
    node->meta = REEF_STATUS;
    return at[1] == '\n' ? at + 2 : NULL;
}

/* One element at `at` into `node`; gives its end, or NULL for anything unusual. */
static inline const char *fast_leaf(const char *base, const char *at, const char *end,
                                    size_t bulk, reef_node *node)
{
    if (*at == '$') {
        return fast_bulk(base, at + 1, end, bulk, node);
    }
    if (*at == ':') {
        return fast_int(at + 1, node);
    }
    return *at == '+' ? fast_status(base, at + 1, node) : NULL;
}

/* Where the bytes end that this file may look at: those that came, and no more than
 * one value may have. */
static inline const char *fast_end(const reef_parser *p, const char *base)
{
    size_t have = p->wire.len - p->start;
    return base + (have < p->limits.reply_bytes ? have : p->limits.reply_bytes);
}

bool reef_machine_scalar(reef_parser *p)
{
    const char *base = p->wire.data + p->start;
    const char *end = fast_end(p, base);
    if (end - base < FAST_BYTES || p->tape_cap < 2 || p->limits.line < FAST_BYTES) {
        return false;
    }
    const char *next = fast_leaf(base, base, end, p->limits.bulk, p->tape);
    if (next == NULL) {
        return false;
    }
    p->pos = (size_t)(next - base);
    p->count = 1;
    reef_machine_show(p, 0);
    return true;
}

void reef_machine_fast(reef_parser *p)
{
    reef_frame *frame = &p->frames[p->depth];
    if (p->body || p->chunked || frame->streamed || frame->waiting != 0 ||
        p->tape_cap == 0 || p->limits.line < FAST_BYTES) {
        return;
    }
    const char *base = p->wire.data + p->start;
    const char *end = fast_end(p, base);
    const char *at = base + p->pos;
    reef_node *node = p->tape + p->count;
    const reef_node *full = p->tape + p->tape_cap - 1;
    size_t bulk = p->limits.bulk;
    uint32_t left = frame->left;
    while (left > 0 && node < full && end - at >= FAST_BYTES) {
        const char *next = fast_leaf(base, at, end, bulk, node);
        if (next == NULL) {
            break;
        }
        at = next;
        node++;
        left--;
    }
    if (left == frame->left) {
        return;
    }
    p->pos = (size_t)(at - base);
    p->scan = 0;
    p->count = (uint32_t)(node - p->tape);
    frame->left = left;
    reef_machine_close(p);
}
