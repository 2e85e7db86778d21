/* SPDX-License-Identifier: Apache-2.0
 *
 * The common elements ($ : +), when all their bytes are in the buffer. Anything
 * unusual, errors included, is left where it is for machine.c, so this file decides
 * nothing that machine.c would decide otherwise. And the end of aggregates, which both
 * come to. */
#include "resp/fast.h"

#include <assert.h>

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

void reef_machine_fast(reef_parser *p)
{
    reef_frame *frame = &p->frames[p->depth];
    if (p->body || p->chunked || frame->streamed || frame->waiting != 0 ||
        p->tape_cap == 0 || !p->quick) {
        return;
    }
    const char *base = p->wire.data + p->start;
    const char *end = fast_end(p, base);
    const char *at = base + p->pos;
    if (p->limits.bulk < (size_t)(end - base)) {
        return; /* a string could be over its limit: machine.c looks at each */
    }
    assert(p->count < p->tape_cap);
    reef_node *first = p->tape + p->count;
    size_t room = p->tape_cap - 1 - p->count;
    const reef_node *last = first + (frame->left < room ? frame->left : room);
    reef_node *node = first;
    while (node < last && end - at >= FAST_BYTES) {
        const char *next = fast_leaf(base, at, end, SIZE_MAX, node);
        if (next == NULL) {
            break;
        }
        at = next;
        node++;
    }
    if (node == first) {
        return;
    }
    p->pos = (size_t)(at - base);
    p->scan = 0;
    p->count = (uint32_t)(node - p->tape);
    frame->left -= (uint32_t)(node - first);
    reef_machine_close(p);
}
