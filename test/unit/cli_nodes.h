/* SPDX-License-Identifier: Apache-2.0
 *
 * A Cluster of the test's own making under session/cli/: three masters and a replica of
 * each, and what each of them answers. A test that takes reef_call_nodes from here
 * names __wrap_reef_call_nodes, so that it is linked in place of the real one. */
#ifndef REEF_TEST_UNIT_CLI_NODES_H
#define REEF_TEST_UNIT_CLI_NODES_H
#include "test/unit/cli_capture.h"

#include "session/cli/census.h"

#include <stdlib.h>

enum { NODES = 6, NODES_MAX = 12, NODES_TEXT = 1 << 14 };

typedef struct nodes_one {
    char peer[REEF_PEER_TEXT];
    const char *flags; /* more of them, by the word of the others: ",fail" */
    int master;        /* of a replica; -1: it is a master */
    int epoch;
    char slots[256];
    const char *moving; /* behind its slots, in its own roster */
    const char *roster; /* all that it says; NULL: what is true */
    const char *link;   /* master_link_status */
    const char *state;  /* cluster_state */
    const char *memory; /* lines of INFO */
    bool hidden;        /* it is not offered to clients */
    long keys, offset;
    reef_code code; /* how each call to it ends */
    const char *why;
} nodes_one;

static nodes_one nodes[NODES_MAX];
static size_t nodes_count;
static char nodes_log[1024];  /* commands that were put to all */
static int64_t nodes_timeout; /* of the last one */
static bool nodes_reveal;     /* hidden ones are asked, too */
static reef_code nodes_code;  /* else nobody can be asked */

/* "aaaa…", "bbbb…": of the index-th. */
static inline const char *nodes_id(int index)
{
    static char ids[NODES_MAX][REEF_NODE_ID + 1];
    memset(ids[index], "abcdef012345"[index], REEF_NODE_ID);
    return ids[index];
}

static inline nodes_one *nodes_add(int master, const char *slots, int epoch)
{
    assert_true(nodes_count < NODES_MAX);
    nodes_one *n = &nodes[nodes_count++];
    *n = (nodes_one){.flags = "", .master = master, .epoch = epoch, .moving = ""};
    n->link = "up";
    n->state = "ok";
    n->memory = "";
    n->why = "";
    n->offset = 5000;
    n->keys = 100;
    (void)snprintf(n->slots, sizeof n->slots, "%s", slots);
    (void)snprintf(n->peer, sizeof n->peer, "10.0.0.%zu:7000", nodes_count);
    return n;
}

/* Six of one mind: 0, 1 and 2 are masters, 3, 4 and 5 their replicas. */
static inline void nodes_good(void)
{
    nodes_count = 0;
    nodes_log[0] = '\0';
    nodes_code = REEF_OK;
    nodes_reveal = false;
    nodes_add(-1, " 0-5460", 1);
    nodes_add(-1, " 5461-10922", 2);
    nodes_add(-1, " 10923-16383", 3);
    for (int i = 0; i < 3; i++)
        nodes_add(i, "", i + 1);
}

static inline void nodes_mute(int index, reef_code code, const char *why)
{
    nodes[index].code = code;
    nodes[index].why = why;
}

/* One line, as node `me` has it. */
static inline size_t nodes_line(int index, int me, char *out, size_t size)
{
    const nodes_one *n = &nodes[index];
    bool own = index == me;
    return (size_t)snprintf(
        out, size, "%s %s@17000 %s%s%s %s 0 0 %d %s%s%s\n", nodes_id(index), n->peer,
        own ? "myself," : "", n->master < 0 ? "master" : "slave", own ? "" : n->flags,
        n->master < 0 ? "-" : nodes_id(n->master), n->epoch,
        strstr(n->flags, "fail") == NULL || own ? "connected" : "disconnected",
        n->slots, own ? n->moving : "");
}

/* The roster of one node. */
static inline void nodes_roster(int me, char out[NODES_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    if (nodes[me].roster != NULL)
        (void)snprintf(out, NODES_TEXT, "%s", nodes[me].roster);
    for (size_t i = 0; nodes[me].roster == NULL && i < nodes_count; i++)
        len += nodes_line((int)i, me, out + len, NODES_TEXT - len);
}

/* A roster in which one part of a text is another, to be given to `roster`. */
static inline const char *nodes_lie(int me, const char *part, const char *instead)
{
    static char texts[4][NODES_TEXT];
    static int next;
    char truth[NODES_TEXT], *out = texts[next++ % 4];
    nodes_roster(me, truth);
    const char *at = strstr(truth, part);
    assert_non_null(at);
    (void)snprintf(out, NODES_TEXT, "%.*s%s%s", (int)(at - truth), truth, instead,
                   at + strlen(part));
    return out;
}

/* The roster of one node with all others' flags being these. */
static inline const char *nodes_truth(int me, const char *flags)
{
    static char texts[NODES_MAX][NODES_TEXT];
    const char *before[NODES_MAX];
    for (size_t i = 0; i < nodes_count; i++) {
        before[i] = nodes[i].flags;
        nodes[i].flags = flags;
    }
    nodes_roster(me, texts[me]);
    for (size_t i = 0; i < nodes_count; i++)
        nodes[i].flags = before[i];
    return texts[me];
}

static inline void nodes_member(int index, reef_member *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->id, nodes_id(index), sizeof out->id);
    memcpy(out->peer, nodes[index].peer, sizeof out->peer);
    out->master = nodes[index].master < 0;
}

/* Reads what they all say into a census that is zero. */
static inline void nodes_read(cli_census *c)
{
    size_t count = 0;
    static char texts[NODES_MAX][NODES_TEXT];
    static reef_member members[NODES_MAX];
    cli_view views[NODES_MAX];
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < nodes_count; i++) {
        if (nodes[i].hidden && !nodes_reveal)
            continue;
        nodes_roster((int)i, texts[i]);
        nodes_member((int)i, &members[i]);
        cli_view *view = &views[count++];
        *view = (cli_view){.member = &members[i], .code = nodes[i].code};
        (void)snprintf(view->why, sizeof view->why, "%s", nodes[i].why);
        if (nodes[i].code == REEF_OK)
            view->text = reef_str_of(texts[i]);
    }
    cli_census_read(c, views, count);
}

/* A text as a bulk string. */
static inline reef_reply *nodes_bulk(const char *text)
{
    char wire[NODES_TEXT + 64];
    (void)snprintf(wire, sizeof wire, "$%zu\r\n%s\r\n", strlen(text), text);
    return cap_reply(wire);
}

static inline reef_reply *nodes_answer(int index, const char *words)
{
    const nodes_one *n = &nodes[index];
    char text[NODES_TEXT];
    if (n->code == REEF_REFUSED)
        return cap_reply("-NOPERM no\r\n");
    if (n->code != REEF_OK)
        return reef_reply_failed(n->code, n->why);
    if (strcmp(words, "CLUSTER NODES") == 0)
        nodes_roster(index, text);
    else if (strcmp(words, "CLUSTER INFO") == 0)
        (void)snprintf(text, sizeof text, "cluster_state:%s\r\nx:y\r\n", n->state);
    else if (strcmp(words, "INFO") == 0)
        (void)snprintf(text, sizeof text,
                       "redis_version:7.0.15\r\n%srole:%s\r\nmaster_link_status:%s\r\n"
                       "master_repl_offset:%ld\r\nslave_repl_offset:%ld\r\n",
                       n->memory, n->master < 0 ? "master" : "slave", n->link,
                       n->offset, n->offset);
    else if (strcmp(words, "DBSIZE") == 0)
        (void)snprintf(text, sizeof text, ":%ld\r\n", n->keys);
    else
        return cap_reply(words[0] == 'P' ? "+PONG\r\n" : "-ERR not in the table\r\n");
    return words[0] == 'D' ? cap_reply(text) : nodes_bulk(text);
}

/* The same with what they say of themselves; keys as DBSIZE has them. */
static inline void nodes_take(cli_census *c)
{
    nodes_read(c);
    for (size_t i = 0; i < nodes_count; i++) {
        cli_node *node = cli_census_node(c, nodes_id((int)i));
        reef_reply *info = nodes_answer((int)i, "INFO");
        reef_reply *state = nodes_answer((int)i, "CLUSTER INFO");
        if (node != NULL && nodes[i].code == REEF_OK) {
            cli_census_info(node, reef_text(info, reef_reply_root(info)));
            cli_census_state(node, reef_text(state, reef_reply_root(state)));
            node->has_keys = true;
            node->keys = (uint64_t)nodes[i].keys;
        }
        reef_reply_free(info);
        reef_reply_free(state);
    }
}

reef_answers *__wrap_reef_call_nodes(reef_client *client, const reef_cmd *cmd,
                                     reef_whom whom, int64_t timeout_ms,
                                     reef_error *error);

reef_answers *__wrap_reef_call_nodes(reef_client *client, const reef_cmd *cmd,
                                     reef_whom whom, int64_t timeout_ms,
                                     reef_error *error)
{
    char words[64] = "";
    size_t len = strlen(nodes_log);
    (void)client;
    for (size_t i = 0; i < reef_cmd_count(cmd); i++) {
        reef_str word = reef_cmd_at(cmd, i);
        (void)snprintf(words + strlen(words), sizeof words - strlen(words), "%s%.*s",
                       i > 0 ? " " : "", (int)word.len, word.ptr);
    }
    (void)snprintf(nodes_log + len, sizeof nodes_log - len, "%s%s%s\n",
                   reef_cmd_is_repeatable(cmd) ? "~" : "", words,
                   whom == REEF_WHOM_MASTERS ? " (masters)" : "");
    nodes_timeout = timeout_ms;
    *error = (reef_error){nodes_code, 0, "asked in vain"};
    if (nodes_code != REEF_OK)
        return NULL;
    reef_answers *out = calloc(1, sizeof *out + nodes_count * sizeof out->items[0]);
    assert_non_null(out);
    for (size_t i = 0; i < nodes_count; i++) {
        if ((whom == REEF_WHOM_MASTERS && nodes[i].master >= 0) ||
            (nodes[i].hidden && !nodes_reveal))
            continue;
        nodes_member((int)i, &out->items[out->count].member);
        out->items[out->count++].reply = nodes_answer((int)i, words);
    }
    return out;
}

#endif
