/* SPDX-License-Identifier: Apache-2.0
 *
 * tagged: events into a tree, and the tree as text.
 *
 * A table's entry is found by one hash table of all keys, so that neither many keys nor
 * many tables make it slow; and the text is written along the links between nodes, so
 * that no depth makes it overflow.
 *
 * Invariants: nodes[0] is nothing and nodes[1] the document; a table's children have
 * keys, an array's have none; all bytes of keys and scalars stand in `bytes`, which
 * needs no more room than the document has, since no decoded text is longer than its
 * source. */
#include "test/tool/tagged.h"

#include "config/report.h"
#include "config/toml.h"
#include <stdlib.h>
#include <string.h>

enum { TAGGED_ROOT = 1, TAGGED_FIRST = 64 };

typedef struct tagged_span {
    uint32_t at, len; /* in `bytes` */
} tagged_span;

typedef struct tagged_node {
    reef_toml_kind kind; /* a scalar's; TABLE; ARRAY; TABLES, an array as well */
    uint32_t parent, first, last, next; /* nodes; 0: none */
    tagged_span key, text;
} tagged_node;

typedef struct tagged_tree {
    tagged_node *nodes;
    uint32_t count, cap;
    uint32_t *slots; /* nodes with a key; 0: free */
    size_t slot_count, keys;
    char *bytes;
    size_t used;
    reef_toml_kind header; /* TABLE, TABLES: one is being read; else END */
    uint32_t table;        /* the one of the last header */
    uint32_t at;           /* where the next part of the key is looked for */
    uint32_t value;        /* the node whose value comes next; 0: an array's element */
    uint32_t depth;
    uint32_t stack[REEF_TOML_DEPTH]; /* open brackets */
} tagged_tree;

/* ---- nodes -------------------------------------------------------------------- */

/* A new last child of `parent`; 0: memory is out. */
static uint32_t tagged_add(tagged_tree *t, uint32_t parent, reef_toml_kind kind)
{
    if (t->count == t->cap) {
        uint32_t cap = t->cap > 0 ? t->cap * 2 : TAGGED_FIRST;
        tagged_node *nodes = realloc(t->nodes, cap * sizeof *nodes);
        if (nodes == NULL)
            return 0;
        t->nodes = nodes;
        t->cap = cap;
    }
    uint32_t n = t->count++;
    t->nodes[n] = (tagged_node){.kind = kind, .parent = parent};
    if (t->nodes[parent].last == 0)
        t->nodes[parent].first = n;
    else
        t->nodes[t->nodes[parent].last].next = n;
    t->nodes[parent].last = n;
    return n;
}

static size_t tagged_home(const tagged_tree *t, uint32_t parent, reef_str key)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325) ^ parent;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(0x100000001B3);
    hash = (hash ^ hash >> 29) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (t->slot_count - 1);
}

static reef_str tagged_bytes(const tagged_tree *t, tagged_span span)
{
    return (reef_str){t->bytes + span.at, span.len};
}

/* The slot of a key, or the free one that it would take. */
static size_t tagged_slot(const tagged_tree *t, uint32_t parent, reef_str key)
{
    size_t slot = tagged_home(t, parent, key);
    for (; t->slots[slot] != 0; slot = (slot + 1) & (t->slot_count - 1)) {
        const tagged_node *node = &t->nodes[t->slots[slot]];
        if (node->parent == parent && reef_str_equal(tagged_bytes(t, node->key), key))
            break;
    }
    return slot;
}

/* Keeps half of the slots free. */
static bool tagged_room(tagged_tree *t)
{
    if (t->slot_count > 2 * t->keys)
        return true;
    size_t count = t->slot_count > 0 ? t->slot_count * 2 : TAGGED_FIRST;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    for (uint32_t n = TAGGED_ROOT + 1; n < t->count; n++) {
        const tagged_node *node = &t->nodes[n];
        if (t->nodes[node->parent].kind == REEF_TOML_TABLE)
            slots[tagged_slot(t, node->parent, tagged_bytes(t, node->key))] = n;
    }
    return true;
}

/* The entry of a table, made when it is not there; 0: memory is out. */
static uint32_t tagged_entry(tagged_tree *t, uint32_t table, tagged_span key,
                             reef_toml_kind kind)
{
    if (!tagged_room(t))
        return 0;
    size_t slot = tagged_slot(t, table, tagged_bytes(t, key));
    if (t->slots[slot] != 0)
        return t->slots[slot];
    uint32_t n = tagged_add(t, table, kind);
    if (n == 0)
        return 0;
    t->nodes[n].key = key;
    t->slots[slot] = n;
    t->keys++;
    return n;
}

/* ---- events ------------------------------------------------------------------- */

static tagged_span tagged_keep(tagged_tree *t, const reef_toml_event *event)
{
    char *room = t->bytes + t->used;
    tagged_span span = {(uint32_t)t->used, (uint32_t)event->text.len};
    if (event->kind == REEF_TOML_KEY || event->kind == REEF_TOML_STRING)
        span.len = (uint32_t)reef_toml_decode(event, room, event->text.len);
    else
        memcpy(room, event->text.ptr, event->text.len);
    t->used += span.len;
    return span;
}

/* The table that a part of a key leads to; of [[x]] that is the last one. */
static uint32_t tagged_enter(tagged_tree *t, tagged_span key)
{
    uint32_t n = tagged_entry(t, t->at, key, REEF_TOML_TABLE);
    return t->nodes[n].kind == REEF_TOML_TABLES ? t->nodes[n].last : n;
}

/* The last part of a key or header. False: memory is out. */
static bool tagged_last(tagged_tree *t, tagged_span key)
{
    reef_toml_kind header = t->header;
    t->header = REEF_TOML_END;
    if (header == REEF_TOML_TABLE)
        return (t->table = tagged_enter(t, key)) != 0;
    if (header == REEF_TOML_END)
        return (t->value = tagged_entry(t, t->at, key, REEF_TOML_BAD)) != 0;
    uint32_t list = tagged_entry(t, t->at, key, REEF_TOML_TABLES);
    return list != 0 && (t->table = tagged_add(t, list, REEF_TOML_TABLE)) != 0;
}

static bool tagged_key(tagged_tree *t, const reef_toml_event *event)
{
    tagged_span key = tagged_keep(t, event);
    if (event->first && t->header != REEF_TOML_END)
        t->at = TAGGED_ROOT;
    else if (event->first)
        t->at = t->depth > 0 ? t->stack[t->depth - 1] : t->table;
    return event->last ? tagged_last(t, key) : (t->at = tagged_enter(t, key)) != 0;
}

static bool tagged_value(tagged_tree *t, const reef_toml_event *event)
{
    uint32_t n = t->value;
    bool table = event->kind == REEF_TOML_INLINE;
    if (n == 0)
        n = tagged_add(t, t->stack[t->depth - 1], event->kind);
    if (n == 0)
        return false;
    t->value = 0;
    t->nodes[n].kind = table ? REEF_TOML_TABLE : event->kind;
    if (table || event->kind == REEF_TOML_ARRAY)
        t->stack[t->depth++] = n;
    else
        t->nodes[n].text = tagged_keep(t, event);
    return true;
}

static bool tagged_event(tagged_tree *t, const reef_toml_event *event)
{
    switch (event->kind) {
    case REEF_TOML_END:
    case REEF_TOML_BAD:
        return true;
    case REEF_TOML_TABLE:
    case REEF_TOML_TABLES:
        t->header = event->kind;
        return true;
    case REEF_TOML_KEY:
        return tagged_key(t, event);
    case REEF_TOML_ARRAY_END:
    case REEF_TOML_INLINE_END:
        t->depth--;
        return true;
    case REEF_TOML_ARRAY:
    case REEF_TOML_INLINE:
    case REEF_TOML_STRING:
    case REEF_TOML_INTEGER:
    case REEF_TOML_FLOAT:
    case REEF_TOML_BOOL:
    case REEF_TOML_DATE_TIME:
    case REEF_TOML_LOCAL_DATE_TIME:
    case REEF_TOML_LOCAL_DATE:
    case REEF_TOML_LOCAL_TIME:
        return tagged_value(t, event);
    }
    return true;
}

/* ---- text --------------------------------------------------------------------- */

static void tagged_quoted(FILE *out, reef_str text)
{
    static const char letters[] = "btn?fr"; /* of 8 to 13 */
    putc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            fprintf(out, "\\%c", letters[c - 8]);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void tagged_integer(FILE *out, reef_str text)
{
    reef_toml_event event = {.kind = REEF_TOML_INTEGER, .text = text};
    int64_t number = 0;
    reef_toml_integer(&event, &number);
    fprintf(out, "%lld", (long long)number);
}

static void tagged_float(FILE *out, reef_str text)
{
    bool nan = text.ptr[text.len - 1] == 'n';
    for (size_t i = 0; i < text.len; i++) {
        bool sign = i == 0 && (text.ptr[0] == '+' || (nan && text.ptr[0] == '-'));
        if (!sign && text.ptr[i] != '_')
            putc(text.ptr[i], out);
    }
}

/* `minutes`: where HH:MM ends. */
static void tagged_time(FILE *out, reef_str text, size_t minutes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (i == minutes && c != ':')
            fputs(":00", out);
        putc(i == 10 && minutes > 10 ? 'T' : c == 'z' ? 'Z' : c, out);
    }
    if (text.len == minutes)
        fputs(":00", out);
}

static const char *tagged_type(reef_toml_kind kind)
{
    switch (kind) {
    case REEF_TOML_STRING:
        return "string";
    case REEF_TOML_INTEGER:
        return "integer";
    case REEF_TOML_FLOAT:
        return "float";
    case REEF_TOML_BOOL:
        return "bool";
    case REEF_TOML_DATE_TIME:
        return "datetime";
    case REEF_TOML_LOCAL_DATE_TIME:
        return "datetime-local";
    case REEF_TOML_LOCAL_DATE:
        return "date-local";
    case REEF_TOML_LOCAL_TIME:
        return "time-local";
    case REEF_TOML_END:
    case REEF_TOML_BAD:
    case REEF_TOML_TABLE:
    case REEF_TOML_TABLES:
    case REEF_TOML_KEY:
    case REEF_TOML_ARRAY:
    case REEF_TOML_ARRAY_END:
    case REEF_TOML_INLINE:
    case REEF_TOML_INLINE_END:
        break;
    }
    return "none";
}

static void tagged_scalar(FILE *out, reef_toml_kind kind, reef_str text)
{
    fprintf(out, "{\"type\":\"%s\",\"value\":", tagged_type(kind));
    if (kind == REEF_TOML_STRING) {
        tagged_quoted(out, text);
        putc('}', out);
        return;
    }
    putc('"', out);
    if (kind == REEF_TOML_INTEGER)
        tagged_integer(out, text);
    else if (kind == REEF_TOML_FLOAT)
        tagged_float(out, text);
    else if (kind == REEF_TOML_LOCAL_TIME)
        tagged_time(out, text, 5);
    else if (kind == REEF_TOML_DATE_TIME || kind == REEF_TOML_LOCAL_DATE_TIME)
        tagged_time(out, text, 16);
    else
        fwrite(text.ptr, 1, text.len, out);
    fputs("\"}", out);
}

/* The bracket of a table or an array; 0: it is a scalar. */
static char tagged_bracket(const tagged_node *node, bool opens)
{
    if (node->kind == REEF_TOML_TABLE)
        return opens ? '{' : '}';
    if (node->kind == REEF_TOML_ARRAY || node->kind == REEF_TOML_TABLES)
        return opens ? '[' : ']';
    return 0;
}

/* A node up to its first child; the child, or 0. */
static uint32_t tagged_open(FILE *out, const tagged_tree *t, uint32_t n)
{
    const tagged_node *node = &t->nodes[n];
    char bracket = tagged_bracket(node, true);
    if (n != TAGGED_ROOT && t->nodes[node->parent].kind == REEF_TOML_TABLE) {
        tagged_quoted(out, tagged_bytes(t, node->key));
        putc(':', out);
    }
    if (bracket != 0)
        putc(bracket, out);
    else
        tagged_scalar(out, node->kind, tagged_bytes(t, node->text));
    return bracket != 0 ? node->first : 0;
}

/* The end of a node, and of those around it that end with it; the node that comes next,
 * or 0. */
static uint32_t tagged_close(FILE *out, const tagged_tree *t, uint32_t n)
{
    for (;;) {
        char bracket = tagged_bracket(&t->nodes[n], false);
        if (bracket != 0)
            putc(bracket, out);
        if (n == TAGGED_ROOT)
            return 0;
        if (t->nodes[n].next != 0)
            break;
        n = t->nodes[n].parent;
    }
    putc(',', out);
    return t->nodes[n].next;
}

static void tagged_text(FILE *out, const tagged_tree *t)
{
    for (uint32_t n = TAGGED_ROOT; n != 0;) {
        uint32_t child = tagged_open(out, t, n);
        n = child != 0 ? child : tagged_close(out, t, n);
    }
    putc('\n', out);
}

/* ---- the whole ---------------------------------------------------------------- */

static reef_code tagged_read(tagged_tree *t, reef_toml *reader)
{
    reef_toml_event event;
    if ((t->bytes = malloc(reader->text.len + 1)) == NULL)
        return REEF_NOMEM;
    tagged_add(t, 0, REEF_TOML_END);
    t->table = tagged_add(t, 0, REEF_TOML_TABLE);
    if (t->table != TAGGED_ROOT)
        return REEF_NOMEM;
    while (reef_toml_next(reader, &event) > REEF_TOML_BAD)
        if (!tagged_event(t, &event))
            return REEF_NOMEM;
    return event.kind == REEF_TOML_END ? REEF_OK : reef_toml_code(reader);
}

reef_code tagged_write(FILE *out, reef_str toml, const char *name, reef_report *report)
{
    reef_toml reader;
    reef_document document = {name, toml};
    tagged_tree tree = {.header = REEF_TOML_END};
    reef_toml_init(&reader, toml, NULL);
    reef_code code = tagged_read(&tree, &reader);
    if (code == REEF_OK)
        tagged_text(out, &tree);
    else if (code != REEF_NOMEM)
        reef_report_reader(report, NULL, &document, &reader, NULL);
    reef_toml_free(&reader);
    free(tree.nodes);
    free(tree.slots);
    free(tree.bytes);
    return code;
}
