/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node and a reply are made of. Private to resp/.
 *
 * Nodes stand depth-first in one array. An attribute stands before the value that it
 * belongs to, as a map node with NODE_ATTRIBUTE set; accessors step over it, and the
 * value knows how far back its first one is. One nil node more follows the last, so
 * that stepping past the last sibling reads something harmless. */
#ifndef REEF_RESP_NODE_H
#define REEF_RESP_NODE_H
#include "resp/resp.h"

/* meta, from the low end: kind (4 bits), two flags, distance back to the value's first
 * attribute (26 bits; 0: none). The ceiling of nodes keeps any distance below. */
enum {
    NODE_KIND = 0xF,
    NODE_BLOB = 0x10,      /* an error that came as "!" */
    NODE_ATTRIBUTE = 0x20, /* this map is an attribute of the value that follows */
    NODE_BACK_SHIFT = 6,
    NODE_MAX = 0xFFFFFE /* elements of one value; limits.nodes is cut to it */
};

struct reef_node {
    /* The integer, the double's bits, a flag, or where the text begins in the wire.
     * For what has children: nodes of this value, itself and attributes of children
     * counted, in the low half; in the high half how many of the first children are
     * single nodes, so that reef_at can jump to them. */
    uint64_t value;
    uint32_t n; /* bytes of text, or children */
    uint32_t meta;
};

/* Small: nodes and wire stand behind the header in the same block. Large: each is a
 * block of its own. Views (parser's value in place) own neither. */
struct reef_reply {
    _Alignas(8) const reef_node *nodes; /* where pointers are 4 bytes, too */
    const char *wire;
    size_t wire_len;
    size_t room;       /* bytes behind the header, for reuse */
    size_t size;       /* bytes of memory held in all */
    void *owned_nodes; /* NULL when small */
    void *owned_wire;
    uint32_t node_count;
    uint32_t root; /* attributes of the root stand before it */
    reef_code code;
    uint32_t unused; /* keeps nodes behind the header aligned without a hole */
};

_Static_assert(sizeof(struct reef_node) == 16, "a node is 16 bytes");
_Static_assert(sizeof(struct reef_reply) % 8 == 0, "nodes behind it are aligned");

/* Where a small reply's nodes stand: behind its header. */
static inline reef_node *reef_reply_nodes(reef_reply *reply)
{
    return (reef_node *)(void *)(reply + 1);
}

/* A reply of one block with `room` bytes behind its header. NULL: out of memory. */
reef_reply *reef_reply_alloc(size_t room);

#endif
