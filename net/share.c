/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that can't run on a connection which others share: one table, one reason
 * each. */
#include "net/net.h"

#include <stdio.h>

enum { SHARE_OPTIONS_MAX = 16 }; /* arguments before STREAMS */

typedef enum share_why {
    SHARE_SUBSCRIBES,
    SHARE_BLOCKS, /* inside a transaction these don't block */
    SHARE_STATE,
    SHARE_NO_REPLY,
    SHARE_HANDSHAKE,
    SHARE_STREAMS,
    SHARE_HANGS_UP
} share_why;

typedef struct share_rule {
    const char *name;
    const char *second; /* its first argument; NULL: any */
    share_why why;
} share_rule;

static const share_rule share_rules[] = {
    {"SUBSCRIBE", NULL, SHARE_SUBSCRIBES},
    {"PSUBSCRIBE", NULL, SHARE_SUBSCRIBES},
    {"SSUBSCRIBE", NULL, SHARE_SUBSCRIBES},
    {"UNSUBSCRIBE", NULL, SHARE_SUBSCRIBES},
    {"PUNSUBSCRIBE", NULL, SHARE_SUBSCRIBES},
    {"SUNSUBSCRIBE", NULL, SHARE_SUBSCRIBES},
    {"BLPOP", NULL, SHARE_BLOCKS},
    {"BRPOP", NULL, SHARE_BLOCKS},
    {"BRPOPLPUSH", NULL, SHARE_BLOCKS},
    {"BLMOVE", NULL, SHARE_BLOCKS},
    {"BLMPOP", NULL, SHARE_BLOCKS},
    {"BZPOPMIN", NULL, SHARE_BLOCKS},
    {"BZPOPMAX", NULL, SHARE_BLOCKS},
    {"BZMPOP", NULL, SHARE_BLOCKS},
    {"WAIT", NULL, SHARE_BLOCKS},
    {"WAITAOF", NULL, SHARE_BLOCKS},
    {"WATCH", NULL, SHARE_STATE},
    {"UNWATCH", NULL, SHARE_STATE},
    {"SELECT", NULL, SHARE_STATE},
    {"ASKING", NULL, SHARE_STATE},
    {"READONLY", NULL, SHARE_STATE},
    {"READWRITE", NULL, SHARE_STATE},
    {"CLIENT", "TRACKING", SHARE_STATE},
    {"CLIENT", "CACHING", SHARE_STATE},
    {"CLIENT", "CAPA", SHARE_STATE},
    {"CLIENT", "IMPORT-SOURCE", SHARE_STATE},
    {"CLIENT", "NO-EVICT", SHARE_STATE},
    {"CLIENT", "NO-TOUCH", SHARE_STATE},
    {"CLIENT", "SETNAME", SHARE_STATE},
    {"CLIENT", "SETINFO", SHARE_STATE},
    {"SCRIPT", "DEBUG", SHARE_STATE},
    {"CLIENT", "REPLY", SHARE_NO_REPLY},
    {"HELLO", NULL, SHARE_HANDSHAKE},
    {"AUTH", NULL, SHARE_HANDSHAKE},
    {"RESET", NULL, SHARE_HANDSHAKE},
    {"QUIT", NULL, SHARE_HANDSHAKE},
    {"MONITOR", NULL, SHARE_STREAMS},
    {"SYNC", NULL, SHARE_STREAMS},
    {"PSYNC", NULL, SHARE_STREAMS},
    {"REPLCONF", NULL, SHARE_STREAMS},
    {"POST", NULL, SHARE_HANGS_UP},
    {"HOST:", NULL, SHARE_HANGS_UP},
};

/* Each command that is sent is held against each rule, and nearly all of them differ in
 * the first letter already. Rules are upper case. */
static bool share_is(reef_str name, const char *rule)
{
    return name.len > 0 && (name.ptr[0] & 0xDF) == rule[0] && reef_str_is(name, rule);
}

static const char *share_reason(share_why why)
{
    switch (why) {
    case SHARE_SUBSCRIBES:
        return "it turns the connection into a subscription, and others share it";
    case SHARE_BLOCKS:
        return "it blocks the connection, and others share it";
    case SHARE_STATE:
        return "it changes the state of the connection, and others share it";
    case SHARE_NO_REPLY:
        return "it suppresses replies, and every command needs its own";
    case SHARE_HANDSHAKE:
        return "the connection belongs to reef, which does this from the config";
    case SHARE_STREAMS:
        return "it turns the connection into a stream, and others share it";
    case SHARE_HANGS_UP:
        return "servers take it for HTTP and hang up on everyone who shares the "
               "connection";
    }
    return "";
}

static reef_code share_refuse(reef_error *error, reef_str name, const char *reason)
{
    if (error) {
        error->code = REEF_BADARG;
        error->sys_errno = 0;
        snprintf(error->text, sizeof error->text, "%.*s is refused: %s", (int)name.len,
                 name.ptr, reason);
    }
    return REEF_BADARG;
}

/* XREAD and XREADGROUP block only when they say so, ahead of STREAMS. A group may have
 * any name, these words included. None needs more options than are looked at. */
static bool share_blocking_read(const reef_cmd *cmd, reef_str name)
{
    if (!share_is(name, "XREAD") && !share_is(name, "XREADGROUP"))
        return false;
    size_t count = reef_cmd_count(cmd);
    for (size_t i = 1; i < count; i++) {
        reef_str arg = reef_cmd_at(cmd, i);
        if (reef_str_is(arg, "STREAMS"))
            return false;
        if (reef_str_is(arg, "BLOCK") || i > SHARE_OPTIONS_MAX)
            return true;
        if (reef_str_is(arg, "GROUP"))
            i += 2;
    }
    return false;
}

static reef_code share_transaction(reef_str name, bool in_multi, reef_error *error)
{
    if (share_is(name, "MULTI") && in_multi)
        return share_refuse(error, name, "a transaction is open already");
    if ((share_is(name, "EXEC") || share_is(name, "DISCARD")) && !in_multi)
        return share_refuse(error, name,
                            "no MULTI stands before it in the same pipeline");
    return REEF_OK;
}

reef_code reef_cmd_shareable(const reef_cmd *cmd, bool in_multi, reef_error *error)
{
    reef_str name = reef_cmd_at(cmd, 0);
    for (size_t i = 0; i < sizeof share_rules / sizeof share_rules[0]; i++) {
        const share_rule *rule = &share_rules[i];
        if (!share_is(name, rule->name))
            continue;
        if (rule->second && !reef_str_is(reef_cmd_at(cmd, 1), rule->second))
            continue;
        if (rule->why == SHARE_BLOCKS && in_multi)
            continue;
        return share_refuse(error, name, share_reason(rule->why));
    }
    if (!in_multi && share_blocking_read(cmd, name))
        return share_refuse(error, name, share_reason(SHARE_BLOCKS));
    return share_transaction(name, in_multi, error);
}
