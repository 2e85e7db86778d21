/* SPDX-License-Identifier: Apache-2.0
 *
 * A reply on paper, for a person: strings quoted, items numbered and indented under
 * their parent; or raw, the bytes of each leaf on a line of its own.
 *
 * Invariant: the stack holds the open aggregates, outermost first; `indent` is where a
 * line of an aggregate begins. Attributes are left to the JSON form. */
#include "session/cli/cli.h"

#include <inttypes.h>

typedef struct reply_frame {
    const reef_node *next;
    reef_kind kind;
    size_t left;   /* values still to print; a pair of a map is two */
    size_t number; /* of the item, from 1 */
    int width;     /* of the largest number */
    int indent;
    bool begun; /* the cursor stands behind a label: no indentation now */
} reply_frame;

typedef struct reply_walk {
    FILE *out;
    const reef_reply *reply;
    bool raw;
    size_t depth;
    reply_frame stack[REEF_DEPTH_MAX + 1];
} reply_walk;

static void reply_put_double(FILE *out, double d)
{
    if (d != d)
        fputs("nan", out);
    else if (d - d != 0)
        fputs(d > 0 ? "inf" : "-inf", out);
    else
        fprintf(out, "%.17g", d);
}

static void reply_put_text(const reply_walk *w, const char *before,
                           const reef_node *node)
{
    if (!w->raw)
        fputs(before, w->out);
    cli_put_text(w->out, reef_text(w->reply, node));
}

static void reply_put_string(const reply_walk *w, const reef_node *node)
{
    reef_str text = reef_text(w->reply, node);
    if (!w->raw)
        cli_put_quoted(w->out, text);
    else if (text.len > 0)
        (void)fwrite(text.ptr, 1, text.len, w->out);
}

/* A leaf, or an aggregate without items. */
static void reply_put_leaf(const reply_walk *w, const reef_node *node)
{
    FILE *out = w->out;
    switch (reef_node_kind(node)) {
    case REEF_NIL:
        fputs(w->raw ? "" : "(nil)", out);
        return;
    case REEF_BOOL:
        fputs(reef_bool(node, false) ? "(true)" : "(false)", out);
        return;
    case REEF_INT:
        fprintf(out, "%s%" PRId64, w->raw ? "" : "(integer) ", reef_int(node, 0));
        return;
    case REEF_DOUBLE:
        fputs(w->raw ? "" : "(double) ", out);
        reply_put_double(out, reef_double(node, 0));
        return;
    case REEF_STRING:
    case REEF_VERBATIM:
        reply_put_string(w, node);
        return;
    case REEF_STATUS:
        reply_put_text(w, "", node);
        return;
    case REEF_ERR:
        reply_put_text(w, "(error) ", node);
        return;
    case REEF_BIGNUM:
        reply_put_text(w, "(big number) ", node);
        return;
    case REEF_ARRAY:
    case REEF_PUSH:
        fputs(w->raw ? "" : "(empty array)", out);
        return;
    case REEF_MAP:
        fputs(w->raw ? "" : "(empty map)", out);
        return;
    case REEF_SET:
        fputs(w->raw ? "" : "(empty set)", out);
        return;
    }
}

static int reply_digits(size_t n)
{
    int digits = 1;
    for (; n >= 10; n /= 10)
        digits++;
    return digits;
}

static void reply_open(reply_walk *w, const reef_node *node, int indent, bool begun)
{
    size_t count = reef_count(node);
    bool map = reef_node_kind(node) == REEF_MAP;
    w->stack[w->depth++] = (reply_frame){.next = reef_at(node, 0),
                                         .kind = reef_node_kind(node),
                                         .left = count,
                                         .number = 1,
                                         .width = reply_digits(map ? count / 2 : count),
                                         .indent = indent,
                                         .begun = begun};
}

/* The number before an item, or the arrow before a map's value. */
static void reply_put_label(reply_walk *w, reply_frame *f)
{
    bool is_value = f->kind == REEF_MAP && f->left % 2 == 1;
    const char *mark = f->kind == REEF_MAP ? "#" : f->kind == REEF_SET ? "~" : ")";
    if (!f->begun)
        fprintf(w->out, "%*s", f->indent, "");
    f->begun = false;
    if (is_value)
        fputs("=>", w->out);
    else
        fprintf(w->out, "%*zu%s ", f->width, f->number++, mark);
}

/* Items of a map share a line where the key is a leaf; anything else ends its own. */
static void reply_step(reply_walk *w)
{
    reply_frame *f = &w->stack[w->depth - 1];
    const reef_node *node = f->next;
    bool is_key = f->kind == REEF_MAP && f->left % 2 == 0;
    bool is_value = f->kind == REEF_MAP && !is_key;
    if (!w->raw)
        reply_put_label(w, f);
    f->left--;
    if (f->left > 0)
        f->next = reef_next(node);
    if (reef_count(node) > 0) {
        int indent = f->indent + f->width + 2 + (is_value ? 3 : 0);
        if (is_value && !w->raw)
            fprintf(w->out, "\n%*s", indent, "");
        reply_open(w, node, indent, true);
        return;
    }
    if (is_value && !w->raw)
        fputc(' ', w->out);
    reply_put_leaf(w, node);
    if (is_key && !w->raw) {
        fputc(' ', w->out);
        f->begun = true;
    } else {
        fputc('\n', w->out);
    }
}

static void reply_walk_all(FILE *out, const reef_reply *reply, bool raw)
{
    reply_walk w = {.out = out, .reply = reply, .raw = raw};
    const reef_node *root = reef_reply_root(reply);
    if (reef_count(root) == 0) {
        reply_put_leaf(&w, root);
        fputc('\n', out);
        return;
    }
    reply_open(&w, root, 0, true);
    while (w.depth > 0 && ferror(out) == 0) {
        if (w.stack[w.depth - 1].left == 0)
            w.depth--;
        else
            reply_step(&w);
    }
}

void cli_reply_print(FILE *out, const reef_reply *reply)
{
    reply_walk_all(out, reply, false);
}

void cli_reply_print_raw(FILE *out, const reef_reply *reply)
{
    reply_walk_all(out, reply, true);
}
