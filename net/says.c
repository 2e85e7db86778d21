/* SPDX-License-Identifier: Apache-2.0
 *
 * says: a Sentinel's replies and announcements as values.
 *
 * A host is made of letters, digits and ".:-_%" alone, so neither a log nor a resolver
 * is given anything else, and it can hold no space. That makes payloads certain: their
 * parts are cut off at spaces, from the side where none can be inside of a part, and
 * what is left over has to be the master's name to the byte.
 *
 * Invariant: what is given out is whole or empty: every text has an end, every port of
 * a place is 1 to 65535. One pass over a reply for each question, whatever its size. */
#include "net/says.h"
#include "net/engine.h"

#include <stdio.h>
#include <string.h>

enum { SAYS_NAME_SHOWN = 48 /* bytes of a master's name in a list of them */ };

/* ---- words -------------------------------------------------------------------- */

static bool says_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The bytes of a text; empty for what is none, errors among that. */
static reef_str says_text(const reef_reply *reply, const reef_node *node)
{
    reef_kind kind = reef_node_kind(node);
    bool text = kind == REEF_STRING || kind == REEF_STATUS || kind == REEF_VERBATIM;
    return text ? reef_text(reply, node) : (reef_str){0};
}

static bool says_is(reef_str word, const char *text)
{
    return reef_str_equal(word, reef_str_of(text));
}

static bool says_begins(reef_str word, const char *head)
{
    size_t len = strlen(head);
    return word.len >= len && memcmp(word.ptr, head, len) == 0;
}

bool reef_says_digits(reef_str text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.ptr[i] - '0';
        if (!says_is_digit(text.ptr[i]) || value > max / 10 || digit > max - value * 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return text.len > 0;
}

static bool says_number(const reef_reply *reply, const reef_node *node, uint64_t max,
                        uint64_t *out)
{
    if (reef_node_kind(node) != REEF_INT)
        return reef_says_digits(says_text(reply, node), max, out);
    int64_t number = reef_int(node, -1);
    *out = (uint64_t)number;
    return number >= 0 && *out <= max;
}

/* The word in front of the first space, which is cut off with it. */
static bool says_cut_first(reef_str *text, reef_str *word)
{
    const char *space = text->len > 0 ? memchr(text->ptr, ' ', text->len) : NULL;
    if (space == NULL)
        return false;
    *word = (reef_str){text->ptr, (size_t)(space - text->ptr)};
    *text = (reef_str){space + 1, text->len - word->len - 1};
    return true;
}

/* The word behind the last space. */
static bool says_cut_last(reef_str *text, reef_str *word)
{
    size_t at = text->len;
    while (at > 0 && text->ptr[at - 1] != ' ')
        at--;
    if (at == 0)
        return false;
    *word = (reef_str){text->ptr + at, text->len - at};
    text->len = at - 1;
    return true;
}

/* ---- places ------------------------------------------------------------------- */

bool reef_place_is_host(reef_str host)
{
    static const char others[] = ".:-_%";
    if (host.len == 0 || host.len > REEF_NAME_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !says_is_digit(c) &&
            memchr(others, c, sizeof others - 1) == NULL)
            return false;
    }
    return true;
}

/* False, and no place, where it is none. */
static bool says_place(reef_str host, uint64_t port, reef_place *out)
{
    memset(out, 0, sizeof *out);
    if (!reef_place_is_host(host) || port == 0 || port > UINT16_MAX)
        return false;
    memcpy(out->host, host.ptr, host.len);
    out->port = (uint16_t)port;
    return true;
}

static bool says_place_of(reef_str host, reef_str port, reef_place *out)
{
    uint64_t number = 0;
    (void)reef_says_digits(port, UINT16_MAX, &number);
    return says_place(host, number, out);
}

/* The fields "ip" and "port" of one node's description. */
static bool says_place_in(const reef_reply *reply, const reef_node *node,
                          reef_place *out)
{
    uint64_t port;
    if (!says_number(reply, reef_get(reply, node, "port"), UINT16_MAX, &port))
        port = 0;
    return says_place(says_text(reply, reef_get(reply, node, "ip")), port, out);
}

/* "<ip> <port>" at the end, which is cut off. */
static bool says_cut_place(reef_str *text, reef_place *out)
{
    reef_str host, port;
    return says_cut_last(text, &port) && says_cut_last(text, &host) &&
           says_place_of(host, port, out);
}

bool reef_place_same(const reef_place *a, const reef_place *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

void reef_place_text(const reef_place *place, char out[REEF_PEER_TEXT])
{
    reef_peer_text(out, place->host, place->port, false);
}

/* ---- announcements ------------------------------------------------------------ */

/* slave <name> <ip> <port> @ <master> <ip> <port>. A replica's name is made of its
 * address, so the words in front of the "@" are certain, and those behind the master's
 * name. */
static bool says_of_replica(reef_str text, const char *master, reef_says_event *out)
{
    reef_str type, name, host, port, at;
    bool cut = says_cut_first(&text, &type) && says_cut_first(&text, &name) &&
               says_cut_first(&text, &host) && says_cut_first(&text, &port) &&
               says_cut_first(&text, &at);
    return cut && (says_is(type, "slave") || says_is(type, "replica")) &&
           says_is(at, "@") && says_place_of(host, port, &out->to) &&
           says_cut_place(&text, &out->from) && says_is(text, master);
}

static bool says_of_switch(reef_str text, const char *master, reef_says_event *out)
{
    return says_cut_place(&text, &out->to) && says_cut_place(&text, &out->from) &&
           says_is(text, master);
}

static bool says_of_abort(reef_str text, const char *master, reef_says_event *out)
{
    reef_str type;
    return says_cut_first(&text, &type) && says_is(type, "master") &&
           says_cut_place(&text, &out->from) && says_is(text, master);
}

/* The payload of an announcement that is of the kind `out->kind`. */
static bool says_read(reef_str text, const char *master, reef_says_event *out)
{
    switch (out->kind) {
    case REEF_SAYS_SELECTED:
    case REEF_SAYS_PROMOTED:
        return says_of_replica(text, master, out);
    case REEF_SAYS_SWITCHED:
        return says_of_switch(text, master, out);
    case REEF_SAYS_ABORTED:
        return says_of_abort(text, master, out);
    case REEF_SAYS_NOTHING:
        break;
    }
    return false;
}

static reef_says_kind says_kind(reef_str channel)
{
    if (says_is(channel, "+selected-slave"))
        return REEF_SAYS_SELECTED;
    if (says_is(channel, "+promoted-slave"))
        return REEF_SAYS_PROMOTED;
    if (says_is(channel, "+switch-master"))
        return REEF_SAYS_SWITCHED;
    return says_begins(channel, "-failover-abort-") ? REEF_SAYS_ABORTED
                                                    : REEF_SAYS_NOTHING;
}

/* A push, or the array that it is in RESP2. */
static bool says_is_push(const reef_node *root)
{
    reef_kind kind = reef_node_kind(root);
    return kind == REEF_PUSH || kind == REEF_ARRAY;
}

reef_says_kind reef_says_push(const reef_reply *push, const char *master,
                              reef_says_event *out)
{
    const reef_node *root = reef_reply_root(push);
    size_t count = reef_count(root);
    reef_str type = says_text(push, reef_at(root, 0));
    bool plain = count == 3 && says_is(type, "message");
    memset(out, 0, sizeof *out);
    if (!says_is_push(root) || (!plain && !(count == 4 && says_is(type, "pmessage"))))
        return REEF_SAYS_NOTHING;
    out->kind = says_kind(says_text(push, reef_at(root, count - 2)));
    if (!says_read(says_text(push, reef_at(root, count - 1)), master, out))
        memset(out, 0, sizeof *out);
    return out->kind;
}

bool reef_says_confirms(const reef_reply *push)
{
    const reef_node *root = reef_reply_root(push);
    reef_str type = says_text(push, reef_at(root, 0));
    return says_is_push(root) && reef_count(root) == 3 &&
           (says_is(type, "subscribe") || says_is(type, "psubscribe")) &&
           reef_int(reef_at(root, 2), 0) > 0;
}

/* ---- replies: the master ------------------------------------------------------ */

reef_code reef_says_address(const reef_reply *reply, reef_place *out)
{
    const reef_node *root = reef_reply_root(reply);
    reef_code code = reef_reply_code(reply);
    uint64_t port;
    memset(out, 0, sizeof *out);
    if (code != REEF_OK)
        return code == REEF_REFUSED ? REEF_REFUSED : REEF_PROTOCOL;
    if (reef_node_kind(root) == REEF_NIL)
        return REEF_NOT_FOUND;
    if (reef_node_kind(root) != REEF_ARRAY || reef_count(root) != 2 ||
        !says_number(reply, reef_at(root, 1), UINT16_MAX, &port))
        return REEF_PROTOCOL;
    return says_place(says_text(reply, reef_at(root, 0)), port, out) ? REEF_OK
                                                                     : REEF_PROTOCOL;
}

/* One of the words between commas. */
static bool says_has_flag(reef_str flags, const char *flag)
{
    size_t len = strlen(flag);
    for (size_t at = 0, end; at < flags.len; at = end + 1) {
        const char *comma = memchr(flags.ptr + at, ',', flags.len - at);
        end = comma != NULL ? (size_t)(comma - flags.ptr) : flags.len;
        if (end - at == len && memcmp(flags.ptr + at, flag, len) == 0)
            return true;
    }
    return false;
}

static reef_str says_flags(const reef_reply *reply, const reef_node *node)
{
    return says_text(reply, reef_get(reply, node, "flags"));
}

/* A field that may be missing, then 0, but is a number where it is not. */
static bool says_field(const reef_reply *reply, const char *key, uint64_t max,
                       uint64_t *out)
{
    const reef_node *node = reef_get(reply, reef_reply_root(reply), key);
    *out = 0;
    return reef_node_kind(node) == REEF_NIL || says_number(reply, node, max, out);
}

static bool says_count(const reef_reply *reply, const char *key, uint32_t *out)
{
    uint64_t number;
    bool good = says_field(reply, key, UINT32_MAX, &number);
    *out = good ? (uint32_t)number : 0;
    return good;
}

static void says_put_flags(reef_says_master *out, reef_str flags)
{
    size_t len = flags.len < sizeof out->flags ? flags.len : sizeof out->flags - 1;
    for (size_t i = 0; i < len; i++)
        out->flags[i] = flags.ptr[i] > ' ' && flags.ptr[i] <= '~' ? flags.ptr[i] : '?';
    out->failing_over = says_has_flag(flags, "failover_in_progress");
    out->down = says_has_flag(flags, "s_down") || says_has_flag(flags, "o_down");
}

bool reef_says_master_of(const reef_reply *reply, reef_says_master *out)
{
    const reef_node *root = reef_reply_root(reply);
    memset(out, 0, sizeof *out);
    if (!says_place_in(reply, root, &out->place) ||
        !says_field(reply, "config-epoch", UINT64_MAX, &out->epoch) ||
        !says_count(reply, "quorum", &out->quorum) ||
        !says_count(reply, "num-other-sentinels", &out->sentinels) ||
        !says_count(reply, "num-slaves", &out->replicas)) {
        memset(out, 0, sizeof *out);
        return false;
    }
    says_put_flags(out, says_flags(reply, root));
    return true;
}

/* ---- replies: lists ----------------------------------------------------------- */

/* How many nodes are described; 0 for what is no list. */
static size_t says_list(const reef_node *root)
{
    reef_kind kind = reef_node_kind(root);
    return kind == REEF_ARRAY || kind == REEF_SET ? reef_count(root) : 0;
}

/* Of a long list only the beginning is looked at: the index-th is found by walking. */
size_t reef_says_sentinel_count(const reef_reply *reply)
{
    size_t count = says_list(reef_reply_root(reply));
    return count < REEF_SAYS_LIST ? count : REEF_SAYS_LIST;
}

static void says_put_id(reef_str text, char id[REEF_SAYS_ID + 1])
{
    memset(id, 0, REEF_SAYS_ID + 1);
    if (text.len == 0 || text.len > REEF_SAYS_ID)
        return;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return;
    memcpy(id, text.ptr, text.len);
}

bool reef_says_sentinel_at(const reef_reply *reply, size_t index, reef_place *out,
                           char id[REEF_SAYS_ID + 1])
{
    memset(out, 0, sizeof *out);
    memset(id, 0, REEF_SAYS_ID + 1);
    if (index >= reef_says_sentinel_count(reply))
        return false;
    const reef_node *node = reef_at(reef_reply_root(reply), index);
    if (!says_place_in(reply, node, out))
        return false;
    says_put_id(says_text(reply, reef_get(reply, node, "runid")), id);
    return true;
}

void reef_says_id(const reef_reply *reply, char id[REEF_SAYS_ID + 1])
{
    says_put_id(says_text(reply, reef_reply_root(reply)), id);
}

/* A Sentinel promotes one; of several none is certain. */
bool reef_says_promoted(const reef_reply *reply, reef_place *out)
{
    const reef_node *root = reef_reply_root(reply), *node = reef_at(root, 0);
    size_t found = 0;
    memset(out, 0, sizeof *out);
    for (size_t left = says_list(root); left > 0; left--, node = reef_next(node))
        if (says_has_flag(says_flags(reply, node), "promoted")) {
            found++;
            (void)says_place_in(reply, node, out);
        }
    if (found != 1)
        memset(out, 0, sizeof *out);
    return out->port != 0;
}

/* ---- names -------------------------------------------------------------------- */

static reef_str says_name(const reef_reply *reply, const reef_node *node)
{
    return says_text(reply, reef_get(reply, node, "name"));
}

/* A name that a terminal may be given: what it may not is "?", what is too long ends in
 * dots. */
static size_t says_show(reef_str name, size_t max, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < name.len;) {
        uint32_t point;
        size_t size = reef_utf8_get(name, at, &point);
        bool shown = size > 0 && reef_utf8_shown(point);
        size_t step = shown ? size : 1;
        if (len + step > max) {
            memcpy(out + len, "...", 4);
            return len + 3;
        }
        memcpy(out + len, shown ? name.ptr + at : "?", step);
        len += step;
        at += size > 0 ? size : 1;
    }
    out[len] = 0;
    return len;
}

/* How many there are, and what they take in a row. */
static size_t says_name_total(const reef_reply *reply, size_t *whole)
{
    const reef_node *root = reef_reply_root(reply), *node = reef_at(root, 0);
    char shown[SAYS_NAME_SHOWN + 4];
    size_t total = 0;
    *whole = 0;
    for (size_t left = says_list(root); left > 0; left--, node = reef_next(node)) {
        reef_str name = says_name(reply, node);
        if (name.len == 0)
            continue;
        *whole += says_show(name, SAYS_NAME_SHOWN, shown) + (total > 0 ? 2 : 0);
        total++;
    }
    return total;
}

/* Where not all fit, there has to be room behind each name for the number of those that
 * are left. */
void reef_says_names(const reef_reply *reply, char *out, size_t cap)
{
    const reef_node *node = reef_at(reef_reply_root(reply), 0);
    size_t whole, total = says_name_total(reply, &whole), done = 0, len = 0;
    char shown[SAYS_NAME_SHOWN + 4], more[40] = "";
    if (cap > 0)
        out[0] = 0;
    for (; done < total; node = reef_next(node)) {
        reef_str name = says_name(reply, node);
        if (name.len == 0)
            continue;
        size_t size = says_show(name, SAYS_NAME_SHOWN, shown) + (done > 0 ? 2 : 0);
        size_t left = whole < cap ? 0 : total - done - 1;
        int tail = left > 0 ? snprintf(more, sizeof more, " and %zu more", left) : 0;
        if (len + size + (size_t)tail >= cap)
            break;
        snprintf(out + len, cap - len, "%s%s", done > 0 ? ", " : "", shown);
        len += size;
        done++;
    }
    if (done > 0 && done < total)
        snprintf(out + len, cap - len, " and %zu more", total - done);
    else if (done < total && cap > 4) /* not even one: as much of it as fits */
        (void)says_show(says_name(reply, node), cap - 4, out);
}

/* ---- the role ----------------------------------------------------------------- */

static char says_role_word(reef_str word)
{
    if (says_is(word, "master"))
        return 'm';
    if (says_is(word, "slave") || says_is(word, "replica"))
        return 'r';
    return says_is(word, "sentinel") ? 's' : 0;
}

/* ROLE begins with the word, HELLO's pairs with the key "server". A Sentinel tells its
 * mode there, and no role. */
char reef_says_role(const reef_reply *reply)
{
    const reef_node *root = reef_reply_root(reply);
    char first = 0;
    if (reef_node_kind(root) == REEF_ARRAY)
        first = says_role_word(says_text(reply, reef_at(root, 0)));
    if (first != 0)
        return first;
    if (says_is(says_text(reply, reef_get(reply, root, "mode")), "sentinel"))
        return 's';
    return says_role_word(says_text(reply, reef_get(reply, root, "role")));
}
