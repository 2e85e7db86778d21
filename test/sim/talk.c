/* SPDX-License-Identifier: Apache-2.0
 *
 * talk: the reader of expectations, and the comparison with replies. */
#include "test/sim/talk.h"

#include <stdio.h>
#include <string.h>

enum { TALK_NAMES = 5 };

/* ---- the reader --------------------------------------------------------------- */

/* Copies a line with its $names filled in. */
static bool talk_fill(const char *from, size_t len, const talk_names *names,
                      char out[TALK_TEXT])
{
    static const char *const words[] = {"$name", "$host", "$port", "$else", "$gate"};
    const char *values[] = {names->name, names->host, names->port, names->other_id,
                            names->other_port};
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t word = 0;
        while (word < TALK_NAMES &&
               (len - i < 5 || memcmp(from + i, words[word], 5) != 0)) {
            word++;
        }
        const char *text = word < TALK_NAMES ? values[word] : from + i;
        size_t part = word == TALK_NAMES ? 1 : text != NULL ? strlen(text) : TALK_TEXT;
        if (used + part >= TALK_TEXT) {
            return false;
        }
        memcpy(out + used, text, part);
        used += part;
        i += word < TALK_NAMES ? 5 : 1;
    }
    out[used] = '\0';
    return true;
}

static bool talk_is(const char *line, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(line, text, len) == 0;
}

/* A line that changes who is spoken to, or how. */
static bool talk_setting(talk_reader *t, const char *line, size_t len)
{
    static const char *const who[] = {"to sentinel", "to master", "to replica",
                                      "to other", "to lone"};
    for (size_t i = 0; i < sizeof who / sizeof who[0]; i++) {
        if (talk_is(line, len, who[i])) {
            t->to = (talk_to)i;
            return true;
        }
    }
    bool two = talk_is(line, len, "resp 2"), three = talk_is(line, len, "resp 3");
    t->protocol = two ? 2 : three ? 3 : t->protocol;
    return two || three || len == 0 || line[0] == '#';
}

static talk_blow talk_blow_of(const char *line, size_t len)
{
    return talk_is(line, len, "! fail over") ? TALK_FAIL_OVER
           : talk_is(line, len, "! give up") ? TALK_GIVE_UP
                                             : TALK_NO_BLOW;
}

static bool talk_begin(const talk_reader *t, const char *line, size_t len,
                       const talk_names *names, talk_case *out)
{
    out->line = t->line;
    out->protocol = t->protocol;
    out->to = t->to;
    out->blow = talk_blow_of(line, len);
    out->shape_count = 0;
    return t->protocol != 0 && (line[0] == '!') == (out->blow != TALK_NO_BLOW) &&
           talk_fill(line + 2, len - 2, names, out->command);
}

static bool talk_shape(const char *line, size_t len, const talk_names *names,
                       talk_case *out)
{
    bool answer = line[0] == '<', first = out->shape_count == 0;
    return out->line > 0 && out->shape_count < TALK_MORE &&
           answer == (first && out->blow == TALK_NO_BLOW) &&
           talk_fill(line + 2, len - 2, names, out->shapes[out->shape_count++]);
}

bool talk_next(talk_reader *t, const talk_names *names, talk_case *out)
{
    out->line = 0;
    while (*t->text != '\0' && !t->wrong) {
        const char *line = t->text, *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
        bool long_one = len > 2 && line[1] == ' ';
        if (out->line > 0 && out->shape_count > 0 && !(long_one && line[0] == '+')) {
            return true;
        }
        t->line++;
        t->text += len + (end != NULL);
        if (long_one && (line[0] == '>' || line[0] == '!')) {
            t->wrong = out->line > 0 || !talk_begin(t, line, len, names, out);
        } else if (long_one && (line[0] == '<' || line[0] == '+')) {
            t->wrong = !talk_shape(line, len, names, out);
        } else {
            t->wrong = out->line > 0 || !talk_setting(t, line, len);
        }
    }
    return !t->wrong && out->line > 0 && out->shape_count > 0;
}

reef_cmd *talk_command(const talk_case *c)
{
    reef_cmd *cmd = reef_cmd_new();
    const char *at = c->command;
    for (bool first = true; cmd != NULL && *at != '\0'; first = false) {
        char word[TALK_TEXT];
        size_t len = strcspn(at, " ");
        memcpy(word, at, len);
        word[len] = '\0';
        if (first) {
            reef_cmd_begin(cmd, word);
        } else {
            reef_cmd_text(cmd, word);
        }
        at += len;
        at += strspn(at, " ");
    }
    return cmd;
}

/* ---- the comparison ----------------------------------------------------------- */

typedef struct talk_look {
    const char *at; /* in the shape */
    const reef_reply *reply;
    int protocol;
    char *why;
    size_t cap;
} talk_look;

/* What a plain shape is compared with: a reply, or a word of one. */
typedef struct talk_item {
    reef_kind kind;
    reef_str text;
} talk_item;

static bool talk_one(talk_look *, const reef_node *);

static void talk_blank(talk_look *k)
{
    k->at += strspn(k->at, " ");
}

static bool talk_take(talk_look *k, const char *word)
{
    talk_blank(k);
    size_t len = strlen(word);
    if (strncmp(k->at, word, len) != 0) {
        return false;
    }
    k->at += len;
    return true;
}

static bool talk_other(const talk_look *k, talk_item item, const char *wanted)
{
    if (k->why[0] == '\0') {
        snprintf(k->why, k->cap, "wanted %s before \"%.60s\", found kind %d \"%.*s\"",
                 wanted, k->at, (int)item.kind,
                 (int)(item.text.len < 80 ? item.text.len : 80), item.text.ptr);
    }
    return false;
}

static talk_item talk_item_of(const talk_look *k, const reef_node *n)
{
    return (talk_item){reef_node_kind(n), reef_text(k->reply, n)};
}

static bool talk_differs(const talk_look *k, const reef_node *n, const char *wanted)
{
    return talk_other(k, talk_item_of(k, n), wanted);
}

/* What stands between two quotes; the shape goes on behind them. */
static reef_str talk_quoted(talk_look *k)
{
    const char *from = k->at, *end = strchr(from, '"');
    reef_str words = {from, end != NULL ? (size_t)(end - from) : strlen(from)};
    k->at += words.len + (end != NULL);
    return words;
}

static bool talk_string(reef_kind kind)
{
    return kind == REEF_STRING || kind == REEF_STATUS || kind == REEF_VERBATIM;
}

static bool talk_all_of(reef_str text, const char *letters)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(letters, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return text.len > 0;
}

static bool talk_holds(reef_str text, reef_str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (memcmp(text.ptr + i, part.ptr, part.len) == 0) {
            return true;
        }
    }
    return false;
}

/* An error, or words in quotes. */
static bool talk_quotes(talk_look *k, talk_item item)
{
    if (talk_take(k, "error\"")) {
        reef_str words = talk_quoted(k);
        bool good = item.kind == REEF_ERR && item.text.len >= words.len &&
                    memcmp(item.text.ptr, words.ptr, words.len) == 0;
        return good || talk_other(k, item, "such an error");
    }
    bool part = talk_take(k, "~");
    if (!talk_take(k, "\"")) {
        return talk_other(k, item, "a shape that is known");
    }
    reef_str words = talk_quoted(k);
    bool good = talk_string(item.kind) && (part ? talk_holds(item.text, words)
                                                : reef_str_equal(item.text, words));
    return good || talk_other(k, item, part ? "a string with that" : "just that");
}

static bool talk_plain(talk_look *k, talk_item item)
{
    bool string = talk_string(item.kind);
    if (talk_take(k, "any")) {
        return true;
    }
    if (talk_take(k, "nil")) {
        return item.kind == REEF_NIL || talk_other(k, item, "nil");
    }
    if (talk_take(k, "int")) {
        return item.kind == REEF_INT || talk_other(k, item, "an integer");
    }
    if (talk_take(k, "text")) {
        return (string && item.text.len > 0) || talk_other(k, item, "a text");
    }
    if (talk_take(k, "digits")) {
        bool good = string && talk_all_of(item.text, "0123456789");
        return good || talk_other(k, item, "digits");
    }
    if (talk_take(k, "id")) {
        bool good =
            string && item.text.len == 40 && talk_all_of(item.text, "0123456789abcdef");
        return good || talk_other(k, item, "40 hexadecimal digits");
    }
    return talk_quotes(k, item);
}

/* Behind the bracket: what stands between the spaces of a string. */
static bool talk_words(talk_look *k, const reef_node *n)
{
    talk_item item = talk_item_of(k, n), word = item;
    bool more = talk_string(item.kind);
    while (more && !talk_take(k, "]")) {
        const char *space = memchr(item.text.ptr, ' ', item.text.len);
        word.text.ptr = item.text.ptr;
        word.text.len = space ? (size_t)(space - word.text.ptr) : item.text.len;
        if (!talk_plain(k, word)) {
            return false;
        }
        more = space != NULL;
        item.text.ptr += word.text.len + more;
        item.text.len -= word.text.len + more;
    }
    if (more) {
        return talk_differs(k, n, "fewer words");
    }
    return talk_take(k, "]") || talk_differs(k, n, "more words, in a string");
}

/* Behind the bracket. */
static bool talk_array(talk_look *k, const reef_node *n)
{
    size_t count = reef_count(n);
    for (size_t i = 0; i < count; i++) {
        if (talk_take(k, "]")) {
            return talk_differs(k, n, "fewer elements");
        }
        if (!talk_one(k, reef_at(n, i))) {
            return false;
        }
    }
    return talk_take(k, "]") || talk_differs(k, n, "more elements");
}

/* Goes behind a shape that nothing is compared with. */
static void talk_skip(talk_look *k)
{
    int depth = 0;
    for (; *k->at != '\0' && (depth > 0 || *k->at != ']'); k->at++) {
        depth += *k->at == '[';
        depth -= *k->at == ']';
    }
}

static bool talk_each(talk_look *k, const reef_node *n)
{
    const char *from = k->at;
    for (size_t i = 0; i < reef_count(n); i++) {
        k->at = from;
        if (!talk_one(k, reef_at(n, i))) {
            return false;
        }
    }
    if (reef_count(n) == 0) {
        talk_skip(k);
    }
    return talk_take(k, "]") || talk_differs(k, n, "one shape for all");
}

static bool talk_map(talk_look *k, const reef_node *n)
{
    while (!talk_take(k, "}")) {
        char key[64];
        size_t len = strcspn(k->at, "= ");
        if (len == 0 || len >= sizeof key || k->at[len] != '=') {
            return talk_differs(k, n, "key=shape");
        }
        memcpy(key, k->at, len);
        key[len] = '\0';
        k->at += len + 1;
        const reef_node *value = reef_get(k->reply, n, key);
        if (!talk_one(k, value)) {
            return false;
        }
    }
    return true;
}

static bool talk_one(talk_look *k, const reef_node *n)
{
    reef_kind kind = reef_node_kind(n);
    bool three = k->protocol == 3;
    if (talk_take(k, "push[")) {
        return kind == (three ? REEF_PUSH : REEF_ARRAY) ? talk_array(k, n)
                                                        : talk_differs(k, n, "a push");
    }
    if (talk_take(k, "each[")) {
        return kind == REEF_ARRAY ? talk_each(k, n) : talk_differs(k, n, "an array");
    }
    if (talk_take(k, "[")) {
        return kind == REEF_ARRAY ? talk_array(k, n) : talk_differs(k, n, "an array");
    }
    if (talk_take(k, "{")) {
        return kind == (three ? REEF_MAP : REEF_ARRAY) ? talk_map(k, n)
                                                       : talk_differs(k, n, "a map");
    }
    if (talk_take(k, "words[")) {
        return talk_words(k, n);
    }
    return talk_plain(k, talk_item_of(k, n));
}

bool talk_fits(const char *shape, const reef_reply *reply, int protocol, char *why,
               size_t cap)
{
    talk_look k = {shape, reply, protocol, why, cap};
    why[0] = '\0';
    const reef_node *root = reef_reply_root(reply);
    if (!talk_one(&k, root)) {
        return false;
    }
    talk_blank(&k);
    return k.at[0] == '\0' || talk_differs(&k, root, "the end of the shape");
}
