/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's state, shared by parse.c (bytes in, values out), machine.c (one
 * value), line.c (one line) and fast.c (the common elements). Private to resp/. */
#ifndef REEF_RESP_PARSE_H
#define REEF_RESP_PARSE_H
#include "resp/buf.h"
#include "resp/node.h"

/* An aggregate whose children are still coming, or (frame 0) the place of the value
 * itself, which has one child. */
typedef struct reef_frame {
    uint32_t node;    /* index of the aggregate's node */
    uint32_t total;   /* children in all; UINT32_MAX when streamed */
    uint32_t left;    /* children to come */
    uint32_t waiting; /* 1 + index of the first attribute whose value has not come */
    uint32_t flat;    /* children before the first that is more than one node */
    bool streamed;
    bool attribute;
} reef_frame;

enum { FRAME_FLAT = 0xFFFFFFF /* flat: no such child so far */ };

/* A value takes the bytes of `wire` from `start`; `pos`, `head`, `scan` and `chunk_at`
 * count from there, so that moving the bytes changes `start` alone. Between values pos
 * is 0. Everything before `pos` is judged and in the nodes. States of one value:
 *
 *   head --line--> head (simple values, aggregates)
 *        --$ ! =-> body --len bytes, CR LF--> head
 *   head of ";" while `chunked`, until the chunk of length 0.
 *
 * The value is whole when frame 0 has nothing left. */
struct reef_parser {
    reef_buf wire;
    size_t start;
    size_t pos;
    size_t head;     /* type byte of the element in progress or just judged */
    size_t scan;     /* bytes of the line behind `pos` that hold no CR or LF */
    uint64_t origin; /* stream offset of wire.data[0] */
    reef_node *tape;
    size_t tape_cap;
    uint32_t count;  /* nodes in use */
    uint32_t budget; /* elements that may still be announced */
    uint32_t depth;  /* index of the frame in use: aggregates open */
    uint32_t body_meta;
    size_t body_len;
    size_t chunk_at; /* where a streamed string's text begins, and how much is there */
    size_t chunk_len;
    int proto;       /* for the next value */
    int value_proto; /* of the value in progress */
    bool begun;      /* the type byte of a value has been seen; stays after an error */
    bool found;      /* a whole value stands at `start`, ends at `pos` */
    bool body;
    bool chunked;
    bool quick;    /* limits are such that fast.h need not look at limits.line */
    bool in_spare; /* the node of the leaf found stands in `spare` already */
    bool ready;    /* a short leaf was found, and `spare` is the whole of its reply */
    reef_code error;
    const char *error_text;
    uint64_t error_at;
    size_t quick_bytes; /* bytes that parse_scalar wants to see; SIZE_MAX: never */
    size_t quick_bulk;  /* strings above this are not for it */
    size_t want;        /* room to offer while the peer fills what it gets */
    size_t room;        /* offered last */
    reef_reply *spare;
    reef_reply view;   /* of a value found, in place */
    reef_reply *shown; /* the view; or the spare reply, made ready for its taker */
    reef_limits limits;
    reef_frame frames[REEF_DEPTH_MAX + 1]; /* only limits.depth + 1 are allocated */
};

typedef enum reef_step { STEP_ON, STEP_MORE, STEP_BAD } reef_step;

typedef struct reef_line {
    const char *text;
    size_t len;
    size_t at; /* of its first byte, from the value's start */
} reef_line;

/* The stream is lost at this byte, counted from the value's start; gives STEP_BAD. */
reef_step reef_machine_bad(struct reef_parser *, reef_code, const char *text,
                           size_t at);
/* The line behind the type byte at `pos`; moves `pos` behind its CR LF. */
reef_step reef_machine_line(struct reef_parser *, reef_line *);
/* Canonical digits of a length or count. */
reef_step reef_machine_length(struct reef_parser *, const reef_line *, uint64_t *);
/* Notes in the frame that its next child will be more than one node. */
void reef_machine_bump(reef_frame *);
/* Ends what has all its children: the frame in use, its parent, and so on up. */
void reef_machine_close(struct reef_parser *);
/* Reads as many plain children of the frame in use as stand whole in the buffer. */
void reef_machine_fast(struct reef_parser *);

/* Gets ready for a value that begins at `start`. */
void reef_machine_begin(struct reef_parser *);
/* Reads on until the value is whole (REPLY or PUSH), the bytes end, or an error. */
reef_parse reef_machine_run(struct reef_parser *);

/* Shows the whole value that ends at `pos` as `shown`, its nodes at `nodes`. */
static REEF_INLINE void reef_machine_show(struct reef_parser *p, reef_reply *shown,
                                          reef_node *nodes, uint32_t count,
                                          uint32_t root)
{
    nodes[count].value = 0;
    nodes[count].n = 0;
    nodes[count].meta = REEF_NIL;
    shown->nodes = nodes;
    shown->wire = p->wire.data + p->start;
    shown->wire_len = p->pos;
    shown->node_count = count;
    shown->root = root;
    shown->code = REEF_OK;
    p->shown = shown;
    p->found = true;
}

#endif
