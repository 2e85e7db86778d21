/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies as JSON. A value is walked with a stack of its own: a frame is a run of
 * siblings (children of an aggregate, or pairs of a value's attributes), and once its
 * run is printed, what is owed behind the value it belongs to. The parser bounds how
 * deep aggregates and attributes stand inside each other, and so the stack. */
#include "session/cli/value.h"

#include <assert.h>
#include <inttypes.h>

/* Attributes count as a level, so each level has one run open at most. */
enum { VALUE_FRAMES = REEF_DEPTH_MAX + 2 };

typedef struct value_frame {
    const reef_node *owner; /* whose children these are; NULL: the root's own place */
    const reef_node *next;  /* the child to print next */
    size_t left;            /* children of this run still to print */
    size_t done;
    const reef_node *attribute; /* the attribute map whose pairs these are; else NULL */
    size_t attributes;          /* maps still to come behind it */
    bool pairs;
} value_frame;

typedef struct value_walk {
    FILE *out;
    const reef_reply *reply;
    value_frame frames[VALUE_FRAMES];
    size_t depth;
} value_walk;

/* ---- text --------------------------------------------------------------------- */

bool cli_value_is_text(reef_str text)
{
    uint32_t point = 0;
    for (size_t i = 0; i < text.len;) {
        size_t len = reef_utf8_get(text, i, &point);
        if (len == 0 || point == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

static void value_escape(FILE *out, uint32_t point)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char named[] = "\"\\bfnrt";
    for (size_t i = 0; plain[i] != '\0'; i++) {
        if (point == (unsigned char)plain[i]) {
            fprintf(out, "\\%c", named[i]);
            return;
        }
    }
    if (point >= 0x20 && point < 0x7F) {
        putc((int)point, out);
    } else if (point < 0x10000) {
        fprintf(out, "\\u%04" PRIx32, point);
    } else {
        point -= 0x10000;
        fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xD800 + (point >> 10),
                0xDC00 + (point & 0x3FF));
    }
}

void cli_value_string(FILE *out, reef_str text)
{
    uint32_t point = 0;
    putc('"', out);
    for (size_t i = 0; i < text.len;) {
        size_t len = reef_utf8_get(text, i, &point);
        value_escape(out, len == 0 ? 0xFFFD : point);
        i += len == 0 ? 1 : len;
    }
    putc('"', out);
}

static void value_base64(FILE *out, reef_str bytes)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    putc('"', out);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (k < have ? (unsigned char)bytes.ptr[i + k] : 0u);
        }
        for (size_t k = 0; k < 4; k++) {
            putc(k <= have ? digit[bits >> (18 - 6 * k) & 0x3F] : '=', out);
        }
    }
    putc('"', out);
}

static void value_text(const value_walk *walk, const char *type, const reef_node *node)
{
    reef_str text = reef_text(walk->reply, node);
    fprintf(walk->out, "{\"t\":\"%s\"", type);
    if (reef_is_blob_error(node)) {
        fputs(",\"bulk\":true", walk->out);
    }
    if (reef_node_kind(node) == REEF_VERBATIM) {
        reef_str format = reef_format(walk->reply, node);
        fputs(",\"fmt\":", walk->out);
        cli_value_string(walk->out, format);
    }
    if (cli_value_is_text(text)) {
        fputs(",\"v\":", walk->out);
        cli_value_string(walk->out, text);
    } else {
        fputs(",\"b64\":", walk->out);
        value_base64(walk->out, text);
    }
}

static void value_double(FILE *out, double value)
{
    if (value != value) {
        fputs("{\"t\":\"double\",\"v\":\"nan\"", out); /* the sign means nothing */
    } else {
        fprintf(out, "{\"t\":\"double\",\"v\":\"%.17g\"", value);
    }
}

/* ---- walking ------------------------------------------------------------------ */

static void value_push(value_walk *walk, value_frame frame)
{
    assert(walk->depth < VALUE_FRAMES);
    walk->frames[walk->depth++] = frame;
}

static void value_open(value_walk *walk, const char *type, const reef_node *node)
{
    size_t count = reef_count(node);
    fprintf(walk->out, "{\"t\":\"%s\",\"v\":[", type);
    value_push(walk, (value_frame){node, reef_at(node, 0), count, 0, NULL, 0,
                                   reef_node_kind(node) == REEF_MAP});
}

/* Prints a leaf, or opens an aggregate's run; false when the value is not ended yet. */
static bool value_begin(value_walk *walk, const reef_node *node)
{
    switch (reef_node_kind(node)) {
    case REEF_NIL:
        fputs("{\"t\":\"null\"", walk->out);
        return true;
    case REEF_BOOL:
        fprintf(walk->out, "{\"t\":\"bool\",\"v\":%s",
                reef_bool(node, false) ? "true" : "false");
        return true;
    case REEF_INT:
        fprintf(walk->out, "{\"t\":\"int\",\"v\":%" PRId64, reef_int(node, 0));
        return true;
    case REEF_DOUBLE:
        value_double(walk->out, reef_double(node, 0));
        return true;
    case REEF_STRING:
        value_text(walk, "bulk", node);
        return true;
    case REEF_STATUS:
        value_text(walk, "simple", node);
        return true;
    case REEF_ERR:
        value_text(walk, "error", node);
        return true;
    case REEF_BIGNUM:
        value_text(walk, "bignum", node);
        return true;
    case REEF_VERBATIM:
        value_text(walk, "verbatim", node);
        return true;
    case REEF_ARRAY:
        value_open(walk, "array", node);
        return false;
    case REEF_MAP:
        value_open(walk, "map", node);
        return false;
    case REEF_SET:
        value_open(walk, "set", node);
        return false;
    case REEF_PUSH:
        value_open(walk, "push", node);
        return false;
    }
    return true;
}

/* The value's own part is printed: its attributes, if any, and its closing brace. */
static void value_end(value_walk *walk, const reef_node *node)
{
    size_t count = 0;
    const reef_node *first = reef_attributes(node, &count);
    if (count == 0) {
        putc('}', walk->out);
        return;
    }
    fputs(",\"attr\":[", walk->out);
    value_push(walk, (value_frame){node, reef_at(first, 0), reef_count(first), 0, first,
                                   count - 1, true});
}

/* The run is printed: on to the next attribute map, or back to its owner. */
static void value_finish(value_walk *walk, value_frame *frame)
{
    if (frame->attribute != NULL && frame->attributes > 0) {
        frame->attribute = reef_next(frame->attribute);
        frame->attributes--;
        frame->next = reef_at(frame->attribute, 0);
        frame->left = reef_count(frame->attribute);
        return;
    }
    const reef_node *owner = frame->owner;
    bool attributes = frame->attribute != NULL;
    walk->depth--;
    if (owner == NULL) {
        return;
    }
    putc(']', walk->out);
    if (attributes) {
        putc('}', walk->out);
    } else {
        value_end(walk, owner);
    }
}

/* What stands between siblings: a comma, and brackets around the pairs of a map. The
 * bracket that closes a pair is printed when the value after its key is whole. */
static void value_separate(FILE *out, const value_frame *frame)
{
    bool second = frame->pairs && frame->done % 2 == 1;
    if (frame->done > 0) {
        fputs(frame->pairs && !second ? "]," : ",", out);
    }
    if (frame->pairs && !second) {
        putc('[', out);
    }
}

void cli_value_print(FILE *out, const reef_reply *reply, const reef_node *node)
{
    value_walk walk;
    walk.out = out;
    walk.reply = reply;
    walk.depth = 0;
    value_push(&walk, (value_frame){NULL, node, 1, 0, NULL, 0, false});
    while (walk.depth > 0) {
        value_frame *frame = &walk.frames[walk.depth - 1];
        if (frame->left == 0) {
            bool last = frame->attribute == NULL || frame->attributes == 0;
            if (last && frame->pairs && frame->done > 0) {
                putc(']', out);
            }
            value_finish(&walk, frame);
            continue;
        }
        value_separate(out, frame);
        const reef_node *child = frame->next;
        frame->left--;
        frame->done++;
        frame->next = frame->left > 0 ? reef_next(child) : NULL;
        if (value_begin(&walk, child)) {
            value_end(&walk, child);
        }
    }
}
