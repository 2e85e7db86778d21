/* SPDX-License-Identifier: Apache-2.0
 *
 * One RESP value, read in one pass over bytes that come in any pieces.
 *
 * An element is judged in this order, each step as soon as its bytes are there, so the
 * outcome does not depend on the cuts: the type byte; a bare LF, or a CR without LF; a
 * line over its ceiling; the line's content once its CR LF is there; for strings the
 * colon of a verbatim one, then the two closing bytes. `at` of an error is the first
 * byte that is wrong; for a number or length out of range the first byte of its line's
 * content; for what is too deep or too many the type byte.
 *
 * fast.c does the common elements when all their bytes are there.
 *
 * Budgets are spent when an element is announced, before anything is reserved: nodes
 * grow as elements come in, never from a count. */
#include "resp/parse.h"

#include "resp/number.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MACHINE_TAPE_MIN = 64 };

/* ---- nodes -------------------------------------------------------------------- */

/* Room for a node and the nil one behind the last. */
static bool machine_tape(reef_parser *p)
{
    if (p->count + (size_t)2 <= p->tape_cap) {
        return true;
    }
    size_t cap = p->tape_cap + p->tape_cap / 2;
    cap = cap < MACHINE_TAPE_MIN ? MACHINE_TAPE_MIN : cap;
    size_t size = reef_size_fit(cap, sizeof(reef_node), 0);
    reef_node *tape = size > PTRDIFF_MAX ? NULL : realloc(p->tape, size);
    if (tape == NULL) {
        return false;
    }
    p->tape = tape;
    p->tape_cap = cap;
    return true;
}

static bool machine_spend(reef_parser *p, uint32_t elements)
{
    if (elements > p->budget) {
        return false;
    }
    p->budget -= elements;
    return true;
}

/* A node for the next child of the frame in use, with its attributes. */
static reef_step machine_child(reef_parser *p, uint64_t value, uint32_t n,
                               uint32_t meta)
{
    reef_frame *frame = &p->frames[p->depth];
    if (frame->streamed && !machine_spend(p, 1)) {
        return reef_machine_bad(p, REEF_LIMIT, "too many elements", p->head);
    }
    if (!machine_tape(p)) {
        return reef_machine_bad(p, REEF_NOMEM, "out of memory", p->head);
    }
    if (frame->waiting != 0) {
        meta |= (p->count + 1 - frame->waiting) << NODE_BACK_SHIFT;
        frame->waiting = 0;
        frame->node = p->depth == 0 ? p->count : frame->node;
        reef_machine_bump(frame);
    }
    p->tape[p->count++] = (reef_node){value, n, meta};
    return STEP_ON;
}

static reef_step machine_leaf(reef_parser *p, uint64_t value, uint32_t n, uint32_t meta)
{
    reef_step step = machine_child(p, value, n, meta);
    if (step == STEP_ON) {
        p->frames[p->depth].left--;
        reef_machine_close(p);
    }
    return step;
}

/* ---- elements ----------------------------------------------------------------- */

static bool machine_line_is(const reef_line *line, const char *text)
{
    size_t len = strlen(text);
    return line->len == len && memcmp(line->text, text, len) == 0;
}

static reef_step machine_int(reef_parser *p, const reef_line *line)
{
    int64_t value = 0;
    size_t bad = 0;
    switch (reef_number_int(line->text, line->len, &value, &bad)) {
    case REEF_NUMBER_OK:
        break;
    case REEF_NUMBER_BAD:
        return reef_machine_bad(p, REEF_PROTOCOL, "bad int", line->at + bad);
    case REEF_NUMBER_RANGE:
        return reef_machine_bad(p, REEF_PROTOCOL, "int range", line->at);
    }
    return machine_leaf(p, (uint64_t)value, 0, REEF_INT);
}

static reef_step machine_double(reef_parser *p, const reef_line *line)
{
    double value = 0;
    size_t bad = 0;
    switch (reef_number_double(line->text, line->len, &value, &bad)) {
    case REEF_NUMBER_OK:
        break;
    case REEF_NUMBER_BAD:
        return reef_machine_bad(p, REEF_PROTOCOL, "bad double", line->at + bad);
    case REEF_NUMBER_RANGE:
        return reef_machine_bad(p, REEF_PROTOCOL, "double range", line->at);
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return machine_leaf(p, bits, 0, REEF_DOUBLE);
}

static reef_step machine_big(reef_parser *p, const reef_line *line)
{
    size_t bad = 0;
    if (reef_number_big(line->text, line->len, &bad) != REEF_NUMBER_OK) {
        return reef_machine_bad(p, REEF_PROTOCOL, "bad bignum", line->at + bad);
    }
    return machine_leaf(p, line->at, (uint32_t)line->len, REEF_BIGNUM);
}

static reef_step machine_bool(reef_parser *p, const reef_line *line)
{
    if (line->len != 1 || (line->text[0] != 't' && line->text[0] != 'f')) {
        return reef_machine_bad(p, REEF_PROTOCOL, "bad bool", line->at);
    }
    return machine_leaf(p, line->text[0] == 't' ? 1 : 0, 0, REEF_BOOL);
}

static reef_step machine_null(reef_parser *p, const reef_line *line)
{
    if (line->len != 0) {
        return reef_machine_bad(p, REEF_PROTOCOL, "bad null", line->at);
    }
    return machine_leaf(p, 0, 0, REEF_NIL);
}

/* "." behind the last child of a streamed aggregate: now its count is known. */
static reef_step machine_end(reef_parser *p, const reef_line *line)
{
    if (line->len != 0) {
        return reef_machine_bad(p, REEF_PROTOCOL, "bad end", line->at);
    }
    reef_frame *frame = &p->frames[p->depth];
    reef_node *node = &p->tape[frame->node];
    node->n = frame->total - frame->left;
    if ((node->meta & NODE_KIND) == REEF_MAP && node->n % 2 != 0) {
        return reef_machine_bad(p, REEF_PROTOCOL, "odd map", p->head);
    }
    frame->left = 0;
    reef_machine_close(p);
    return STEP_ON;
}

static reef_step machine_streamed_text(reef_parser *p)
{
    p->chunked = true;
    p->chunk_at = p->pos;
    p->chunk_len = 0;
    return STEP_ON;
}

/* A string's length is known: what follows is its body. */
static reef_step machine_bulk(reef_parser *p, const reef_line *line, uint32_t meta)
{
    uint64_t n = 0;
    if (meta == REEF_STRING && machine_line_is(line, "-1")) {
        return machine_leaf(p, 0, 0, REEF_NIL);
    }
    if (meta == REEF_STRING && p->value_proto >= 3 && machine_line_is(line, "?")) {
        return machine_streamed_text(p);
    }
    if (reef_machine_length(p, line, &n) != STEP_ON) {
        return STEP_BAD;
    }
    if (n > p->limits.bulk) {
        return reef_machine_bad(p, REEF_LIMIT, "length out of range", line->at);
    }
    if (meta == REEF_VERBATIM && n < 4) {
        return reef_machine_bad(p, REEF_PROTOCOL, "verbatim too short", line->at);
    }
    size_t left = p->limits.reply_bytes - p->pos;
    if (left < 2 || n > left - 2) {
        return reef_machine_bad(p, REEF_LIMIT, "reply too large", line->at);
    }
    p->body = true;
    p->body_len = (size_t)n;
    p->body_meta = meta;
    return STEP_ON;
}

/* A chunk's length: 0 ends the string; its text stands in one piece by then. */
static reef_step machine_chunk(reef_parser *p, const reef_line *line)
{
    if (machine_line_is(line, "0")) {
        p->chunked = false;
        return machine_leaf(p, p->chunk_at, (uint32_t)p->chunk_len, REEF_STRING);
    }
    reef_step step = machine_bulk(p, line, REEF_STATUS);
    if (step == STEP_ON && p->body_len > p->limits.bulk - p->chunk_len) {
        return reef_machine_bad(p, REEF_LIMIT, "length out of range", line->at);
    }
    return step;
}

static reef_step machine_body(reef_parser *p)
{
    char *text = p->wire.data + p->start + p->pos;
    size_t have = p->wire.len - p->start - p->pos;
    size_t len = p->body_len;
    if (p->body_meta == REEF_VERBATIM && have > 3 && text[3] != ':') {
        return reef_machine_bad(p, REEF_PROTOCOL, "verbatim colon", p->pos + 3);
    }
    if (have > len && text[len] != '\r') {
        return reef_machine_bad(p, REEF_PROTOCOL, "no CR after bulk", p->pos + len);
    }
    if (have > len + 1 && text[len + 1] != '\n') {
        return reef_machine_bad(p, REEF_PROTOCOL, "no LF after bulk", p->pos + len + 1);
    }
    if (have < len + 2) {
        return STEP_MORE;
    }
    size_t at = p->pos;
    p->body = false;
    p->pos += len + 2;
    if (p->chunked) {
        memmove(p->wire.data + p->start + p->chunk_at + p->chunk_len, text, len);
        p->chunk_len += len;
        return STEP_ON;
    }
    return machine_leaf(p, at, (uint32_t)len, p->body_meta);
}

/* Opens a frame for a node that was just made. Without children there is none. */
static reef_step machine_open(reef_parser *p, uint32_t total, bool streamed,
                              bool attribute)
{
    if (total == 0) {
        p->tape[p->count - 1].value = 1;
        p->frames[p->depth].left -= attribute ? 0 : 1;
        reef_machine_close(p);
        return STEP_ON;
    }
    p->frames[++p->depth] =
        (reef_frame){p->count - 1, total, total, 0, FRAME_FLAT, streamed, attribute};
    return STEP_ON;
}

/* Counts what an aggregate announces against the budgets. */
static reef_step machine_announce(reef_parser *p, const reef_line *line, bool pairs,
                                  uint32_t least, uint32_t *total)
{
    uint64_t n = 0;
    if (reef_machine_length(p, line, &n) != STEP_ON) {
        return STEP_BAD;
    }
    if (n > p->limits.nodes / (pairs ? 2u : 1u)) {
        return reef_machine_bad(p, REEF_LIMIT, "length out of range", line->at);
    }
    *total = (uint32_t)n * (pairs ? 2u : 1u);
    if (p->depth >= p->limits.depth) {
        return reef_machine_bad(p, REEF_LIMIT, "too deep", p->head);
    }
    if (!machine_spend(p, *total < least ? least : *total)) {
        return reef_machine_bad(p, REEF_LIMIT, "too many elements", p->head);
    }
    return STEP_ON;
}

/* An attribute is no element, so that a frame's count stays what it is. Each costs at
 * least one of the budget: else empty ones would be free without end. */
static reef_step machine_attribute(reef_parser *p, const reef_line *line)
{
    uint32_t total = 0;
    if (machine_announce(p, line, true, 1, &total) != STEP_ON) {
        return STEP_BAD;
    }
    if (!machine_tape(p)) {
        return reef_machine_bad(p, REEF_NOMEM, "out of memory", p->head);
    }
    reef_frame *frame = &p->frames[p->depth];
    frame->waiting = frame->waiting != 0 ? frame->waiting : p->count + 1;
    p->tape[p->count++] = (reef_node){0, total, REEF_MAP | NODE_ATTRIBUTE};
    return machine_open(p, total, false, true);
}

static reef_step machine_aggregate(reef_parser *p, const reef_line *line, uint32_t kind)
{
    if (kind == REEF_ARRAY && machine_line_is(line, "-1")) {
        return machine_leaf(p, 0, 0, REEF_NIL);
    }
    bool streamed =
        kind != REEF_PUSH && p->value_proto >= 3 && machine_line_is(line, "?");
    uint32_t total = UINT32_MAX;
    if (streamed && p->depth >= p->limits.depth) {
        return reef_machine_bad(p, REEF_LIMIT, "too deep", p->head);
    }
    if (!streamed &&
        machine_announce(p, line, kind == REEF_MAP, 0, &total) != STEP_ON) {
        return STEP_BAD;
    }
    reef_step step = machine_child(p, 0, total, kind);
    return step == STEP_ON ? machine_open(p, total, streamed, false) : step;
}

/* ---- dispatch ----------------------------------------------------------------- */

/* The protocol that has this type. ";" and "." may stand in some places only. */
static const unsigned char machine_proto[256] = {
    ['+'] = 2, ['-'] = 2, [':'] = 2, ['$'] = 2, ['*'] = 2,
    ['_'] = 3, ['#'] = 3, [','] = 3, ['('] = 3, ['!'] = 3,
    ['='] = 3, ['%'] = 3, ['~'] = 3, ['|'] = 3, ['>'] = 3};

/* The type byte alone: may it stand here? */
static reef_step machine_type(reef_parser *p, char type)
{
    int speaks = machine_proto[(unsigned char)type];
    if (type == '.') {
        const reef_frame *frame = &p->frames[p->depth];
        speaks = frame->streamed && frame->waiting == 0 ? 3 : 0;
    }
    if (p->chunked ? type != ';' : speaks == 0) {
        return reef_machine_bad(p, REEF_PROTOCOL, "bad type byte", p->pos);
    }
    if (p->value_proto < speaks) {
        return reef_machine_bad(p, REEF_PROTOCOL, "RESP3 type in RESP2", p->pos);
    }
    if (type == '>' && p->depth > 0) {
        return reef_machine_bad(p, REEF_PROTOCOL, "push not at top level", p->pos);
    }
    if (p->limits.reply_bytes < 3 || p->pos > p->limits.reply_bytes - 3) {
        return reef_machine_bad(p, REEF_LIMIT, "reply too large", p->pos);
    }
    p->head = p->pos;
    return STEP_ON;
}

static reef_step machine_content(reef_parser *p, char type, const reef_line *line)
{
    switch (type) {
    case '+':
        return machine_leaf(p, line->at, (uint32_t)line->len, REEF_STATUS);
    case '-':
        return machine_leaf(p, line->at, (uint32_t)line->len, REEF_ERR);
    case ':':
        return machine_int(p, line);
    case '$':
        return machine_bulk(p, line, REEF_STRING);
    case '*':
        return machine_aggregate(p, line, REEF_ARRAY);
    case '%':
        return machine_aggregate(p, line, REEF_MAP);
    case '~':
        return machine_aggregate(p, line, REEF_SET);
    case '>':
        return machine_aggregate(p, line, REEF_PUSH);
    case '|':
        return machine_attribute(p, line);
    case '_':
        return machine_null(p, line);
    case '#':
        return machine_bool(p, line);
    case ',':
        return machine_double(p, line);
    case '(':
        return machine_big(p, line);
    case '!':
        return machine_bulk(p, line, REEF_ERR | NODE_BLOB);
    case '=':
        return machine_bulk(p, line, REEF_VERBATIM);
    case ';':
        return machine_chunk(p, line);
    default:
        return machine_end(p, line); /* machine_type let nothing else through */
    }
}

static reef_step machine_element(reef_parser *p)
{
    if (p->body) {
        return machine_body(p);
    }
    if (p->start + p->pos == p->wire.len) {
        return STEP_MORE;
    }
    char type = p->wire.data[p->start + p->pos];
    reef_line line;
    reef_step step = machine_type(p, type);
    if (step == STEP_ON) {
        step = reef_machine_line(p, &line);
    }
    return step == STEP_ON ? machine_content(p, type, &line) : step;
}

void reef_machine_begin(reef_parser *p)
{
    p->frames[0] = (reef_frame){0, 1, 1, 0, FRAME_FLAT, false, false};
    p->depth = 0;
    p->count = 0;
    p->budget = p->limits.nodes;
    p->value_proto = p->proto;
    p->begun = true;
}

/* The value is whole. An error's text gets its NUL, over the CR behind it, which nobody
 * reads again. */
static reef_parse machine_finish(reef_parser *p)
{
    uint32_t root = p->frames[0].node;
    reef_machine_show(p, &p->view, p->tape, p->count, root);
    const reef_node *node = &p->tape[root];
    uint32_t kind = node->meta & NODE_KIND;
    if (kind == REEF_ERR) {
        p->wire.data[p->start + node->value + node->n] = '\0';
        p->view.code = REEF_REFUSED;
    }
    return kind == REEF_PUSH ? REEF_PARSE_PUSH : REEF_PARSE_REPLY;
}

reef_parse reef_machine_run(reef_parser *p)
{
    for (;;) {
        reef_machine_fast(p);
        if (p->frames[0].left == 0) {
            return machine_finish(p);
        }
        switch (machine_element(p)) {
        case STEP_ON:
            break;
        case STEP_MORE:
            return REEF_PARSE_MORE;
        case STEP_BAD:
            return REEF_PARSE_ERROR;
        }
        if (p->frames[0].left == 0) {
            return machine_finish(p);
        }
    }
}
