/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshake of a link. One step is in flight at a time, alone: a reply that a
 * server leaves out or adds (valkey 8.0.1 drops the answer to a pipelined AUTH) can't
 * shift a caller's reply.
 *
 *   HELLO  "HELLO 3 AUTH user password" (protocol = 2: HELLO 2); answered -> SETUP;
 *          no HELLO or no such protocol there -> AUTH
 *   AUTH   RESP2: "AUTH password", where there is one -> SETUP
 *   SETUP  SELECT, and the names that CLIENT LIST shows, which may be refused
 *          -> READY */
#include "net/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_LIB_NAME "reef"

/* Volatile, so that the compiler can't drop stores to memory that is freed next. */
static void hello_zero(char *at, size_t len)
{
    volatile char *p = at;
    while (len-- > 0)
        *p++ = 0;
}

void reef_hello_wipe(reef_link *l)
{
    if (l->hello)
        hello_zero(l->hello, REEF_HELLO_ARGS_MAX);
    free(l->hello);
    l->hello = NULL;
    l->hello_len = l->hello_sent = 0;
    l->hello_due = 0;
}

bool reef_hello_running(const reef_link *l)
{
    return l->state == REEF_LINK_HELLO || l->state == REEF_LINK_AUTH ||
           l->state == REEF_LINK_SETUP;
}

static void hello_fail(reef_engine *e, reef_link *l, reef_code code, const char *text)
{
    reef_error why;
    reef_error_put(&why, code, 0, l->stats.peer, text);
    bool told = code == REEF_AUTH || code == REEF_BADCONFIG || code == REEF_REFUSED;
    if (told && !l->quiet)
        reef_report_event(e, REEF_EVENT_REFUSED, l->stats.peer, why.text);
    reef_link_fail(e, l, false, &why);
}

/* Adds one command to the step. False: it did not fit, or memory is out. */
static bool hello_add(reef_link *l, const reef_cmd *cmd)
{
    reef_str wire = reef_cmd_wire(cmd);
    if (wire.len == 0 || wire.len > REEF_HELLO_ARGS_MAX - l->hello_len)
        return false;
    memcpy(l->hello + l->hello_len, wire.ptr, wire.len);
    l->hello_len += wire.len;
    l->hello_due++;
    return true;
}

static reef_cmd *hello_begin(reef_link *l)
{
    if (!l->hello && !(l->hello = malloc(REEF_HELLO_ARGS_MAX)))
        return NULL;
    l->hello_len = l->hello_sent = 0;
    l->hello_due = 0;
    return reef_cmd_new();
}

static void hello_send(reef_engine *e, reef_link *l, reef_cmd *cmd, bool built)
{
    reef_cmd_free(cmd);
    if (!built)
        hello_fail(e, l, REEF_NOMEM, "out of memory for the handshake");
}

/* ---- the steps ---------------------------------------------------------------- */

/* A user may have no password (ACL "nopass"). To say nothing would be to act as the
 * default user. */
static bool hello_named_user(const char *name)
{
    return name[0] && strcmp(name, "default") != 0;
}

/* Sentinels have credentials of their own. */
static const char *hello_name(const reef_engine *e, const reef_link *l)
{
    return l->duty == REEF_DUTY_WATCH ? e->config.sentinel_username
                                      : e->config.username;
}

static const char *hello_password(const reef_engine *e, const reef_link *l)
{
    return l->duty == REEF_DUTY_WATCH ? e->config.sentinel_password
                                      : e->config.password;
}

static bool hello_has_credentials(const reef_engine *e, const reef_link *l)
{
    return hello_password(e, l)[0] || hello_named_user(hello_name(e, l));
}

/* Sentinels know no dbs. */
static uint32_t hello_db(const reef_engine *e, const reef_link *l)
{
    return l->duty == REEF_DUTY_WATCH ? 0 : e->config.db;
}

/* What `protocol` asks for is what commands go out by; announcements need RESP3. */
static uint32_t hello_protocol(const reef_engine *e, const reef_link *l)
{
    return l->duty == REEF_DUTY_WATCH ? 0 : e->config.protocol;
}

void reef_hello_start(reef_engine *e, reef_link *l)
{
    const char *name = hello_name(e, l);
    l->protocol = hello_protocol(e, l) == 2 ? 2 : 3;
    l->state = REEF_LINK_HELLO;
    l->heard_ms = l->owes_ms = e->now_ms;
    /* Armed before HELLO goes out: its answer is already RESP3. */
    l->parser = reef_parser_new(NULL, (int)l->protocol);
    reef_cmd *cmd = l->parser ? hello_begin(l) : NULL;
    bool built = cmd != NULL;
    if (built) {
        reef_cmd_begin(cmd, "HELLO");
        reef_cmd_int(cmd, l->protocol);
        if (hello_has_credentials(e, l)) {
            reef_cmd_text(cmd, "AUTH");
            reef_cmd_text(cmd, name[0] ? name : "default");
            reef_cmd_text(cmd, hello_password(e, l));
        }
        built = hello_add(l, cmd);
    }
    hello_send(e, l, cmd, built);
}

static bool hello_add_client(reef_link *l, reef_cmd *cmd, const char *what,
                             const char *name, const char *value)
{
    reef_cmd_begin(cmd, "CLIENT");
    reef_cmd_text(cmd, what);
    if (name)
        reef_cmd_text(cmd, name);
    reef_cmd_text(cmd, value);
    return hello_add(l, cmd);
}

static void hello_setup(reef_engine *e, reef_link *l)
{
    l->state = REEF_LINK_SETUP;
    uint32_t db = hello_db(e, l);
    l->hello_step = db ? 0 : 1;
    reef_cmd *cmd = hello_begin(l);
    bool built = cmd != NULL;
    if (built && db) {
        reef_cmd_begin(cmd, "SELECT");
        reef_cmd_int(cmd, db);
        built = hello_add(l, cmd);
    }
    built = built && hello_add_client(l, cmd, "SETNAME", NULL, HELLO_LIB_NAME);
    built = built && hello_add_client(l, cmd, "SETINFO", "LIB-NAME", HELLO_LIB_NAME);
    built = built && hello_add_client(l, cmd, "SETINFO", "LIB-VER", REEF_VERSION);
    hello_send(e, l, cmd, built);
}

static void hello_auth(reef_engine *e, reef_link *l)
{
    l->protocol = 2;
    reef_parser_set_proto(l->parser, 2);
    if (!hello_has_credentials(e, l)) {
        hello_setup(e, l);
        return;
    }
    l->state = REEF_LINK_AUTH;
    reef_cmd *cmd = hello_begin(l);
    bool built = cmd != NULL;
    if (built) {
        reef_cmd_begin(cmd, "AUTH");
        /* Servers without HELLO may be older than users, and take the password
         * alone. */
        if (hello_named_user(hello_name(e, l)))
            reef_cmd_text(cmd, hello_name(e, l));
        reef_cmd_text(cmd, hello_password(e, l));
        built = hello_add(l, cmd);
    }
    hello_send(e, l, cmd, built);
}

static void hello_ready(reef_engine *e, reef_link *l)
{
    char text[96];
    reef_hello_wipe(l);
    l->state = REEF_LINK_READY;
    l->served = true;
    l->server.protocol = l->protocol;
    l->stats.protocol = l->protocol;
    l->stats.ready = true;
    l->stats.connects++;
    if (l->duty == REEF_DUTY_SERVE) {
        e->totals.reconnects += e->connects++ > 0;
        e->warm = l;
    }
    snprintf(text, sizeof text, "%s %s, RESP%u",
             l->server.server[0] ? l->server.server : "a server without HELLO",
             l->server.version, (unsigned)l->protocol);
    l->quiet = false;
    reef_report_event(e, REEF_EVENT_CONNECTED, l->stats.peer, text);
    e->router->ready(e, l);
}

/* ---- the answers -------------------------------------------------------------- */

static bool hello_says(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

enum {
    HELLO_SECRET_HEAD = 6, /* bytes of a password that give it away */
    HELLO_WORDS_MAX = 140  /* bytes of a server's words that an error shows */
};

static bool hello_holds(const char *text, const char *secret)
{
    size_t len = strlen(secret);
    len = len < HELLO_SECRET_HEAD ? len : HELLO_SECRET_HEAD;
    for (; len > 0 && *text; text++)
        if (strncmp(text, secret, len) == 0)
            return true;
    return false;
}

static bool hello_gives_away(const reef_engine *e, const char *text)
{
    return hello_holds(text, e->config.password) ||
           hello_holds(text, e->config.sentinel_password);
}

/* The server's words, to be followed by ours. Servers quote the arguments of a command
 * that they don't know, and those of AUTH are secret. */
static void hello_quote(const reef_engine *e, const char *text, char *out, size_t cap)
{
    const char *args = strstr(text, ", with args");
    size_t len = args ? (size_t)(args - text) : strlen(text);
    len = len < HELLO_WORDS_MAX ? len : HELLO_WORDS_MAX;
    if (len > 0 && text[len - 1] == '.')
        len--;
    snprintf(out, cap, "%.*s", (int)len, text);
    if (hello_gives_away(e, out))
        snprintf(out, cap, "refused in words that hold the password");
}

/* Errors that any step can meet. What time mends is a failure to connect: it is tried
 * again until the deadline. */
static void hello_refused(reef_engine *e, reef_link *l, const char *text)
{
    char quote[HELLO_WORDS_MAX + 1], words[REEF_ERROR_TEXT];
    reef_code code = REEF_REFUSED;
    const char *advice = "";
    bool watch = l->duty == REEF_DUTY_WATCH;
    if (hello_says(text, "LOADING") || hello_says(text, "MASTERDOWN") ||
        hello_says(text, "BUSY") || strstr(text, "max number of clients")) {
        code = REEF_CONNECT;
    } else if (hello_says(text, "DENIED")) {
        /* Protected mode. It speaks of passwords, but none would help. */
    } else if (hello_says(text, "NOAUTH")) {
        code = REEF_AUTH;
        advice = watch ? "; set sentinel_password under [server.redis]"
                       : "; set password under [server.redis]";
    } else if (hello_says(text, "WRONGPASS") || hello_says(text, "NOPERM") ||
               strstr(text, "AUTH") || strstr(text, "password")) {
        code = REEF_AUTH;
        advice = watch ? "; check sentinel_username and sentinel_password under "
                         "[server.redis]"
                       : "; check username and password under [server.redis]";
    }
    hello_quote(e, text, quote, sizeof quote);
    snprintf(words, sizeof words, "%s%s", quote, advice);
    hello_fail(e, l, code, words);
}

static void hello_copy(char *out, size_t cap, const reef_reply *reply, const char *key)
{
    reef_str text = reef_text(reply, reef_get(reply, reef_reply_root(reply), key));
    size_t len = text.len < cap - 1 ? text.len : cap - 1;
    if (len > 0)
        memcpy(out, text.ptr, len);
    out[len] = 0;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)out[i] < 0x20 || (unsigned char)out[i] >= 0x7f)
            out[i] = '?';
}

static void hello_answered(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    reef_error why;
    reef_server *s = &l->server;
    hello_copy(s->server, sizeof s->server, reply, "server");
    hello_copy(s->version, sizeof s->version, reply, "version");
    hello_copy(s->mode, sizeof s->mode, reply, "mode");
    hello_copy(s->role, sizeof s->role, reply, "role");
    memset(&why, 0, sizeof why);
    l->told_ms = e->now_ms;
    if (e->router->accept(e, l, &why) != REEF_OK) {
        hello_fail(e, l, why.code, why.text);
        return;
    }
    hello_setup(e, l);
}

static bool hello_unknown(const char *text)
{
    return hello_says(text, "NOPROTO") || hello_says(text, "ERR unknown command") ||
           hello_says(text, "ERR wrong number of arguments");
}

static void hello_reply_hello(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    reef_kind kind = reef_node_kind(reef_reply_root(reply));
    if (reef_reply_code(reply) == REEF_OK) {
        if (kind == REEF_MAP || kind == REEF_ARRAY)
            hello_answered(e, l, reply);
        else
            hello_fail(e, l, REEF_PROTOCOL,
                       "answered HELLO with something else than a map");
        return;
    }
    if (!hello_unknown(reef_reply_text(reply))) {
        hello_refused(e, l, reef_reply_text(reply));
    } else if (hello_protocol(e, l) == 3) {
        hello_fail(e, l, REEF_BADCONFIG,
                   "does not speak RESP3, which protocol = 3 asks for; "
                   "write protocol = \"auto\"");
    } else {
        hello_auth(e, l);
    }
}

static void hello_reply_setup(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    char quote[HELLO_WORDS_MAX + 1], words[REEF_ERROR_TEXT];
    bool select = l->hello_step++ == 0;
    l->hello_due--;
    /* Names may be refused, but a server without HELLO asks here for a password. */
    if (hello_says(reef_reply_text(reply), "NOAUTH")) {
        hello_refused(e, l, reef_reply_text(reply));
        return;
    }
    if (select && reef_reply_code(reply) != REEF_OK) {
        const char *text = reef_reply_text(reply);
        hello_quote(e, text, quote, sizeof quote);
        snprintf(words, sizeof words, "%s; check db = %lu under [server.redis]", quote,
                 (unsigned long)e->config.db);
        if (hello_says(text, "ERR"))
            hello_fail(e, l, REEF_BADCONFIG, words);
        else
            hello_refused(e, l, text);
        return;
    }
    if (l->hello_due == 0)
        hello_ready(e, l);
}

void reef_hello_reply(reef_engine *e, reef_link *l, const reef_reply *reply)
{
    /* Only a server that turns us away at the door speaks before it is asked. */
    bool early = l->hello_sent < l->hello_len &&
                 (l->state != REEF_LINK_SETUP || l->hello_due == 1);
    if (early) {
        if (reef_reply_code(reply) == REEF_OK)
            hello_fail(e, l, REEF_PROTOCOL, "sent a reply that nobody asked for");
        else
            hello_refused(e, l, reef_reply_text(reply));
        return;
    }
    if (l->state == REEF_LINK_SETUP) {
        hello_reply_setup(e, l, reply);
        return;
    }
    if (l->state == REEF_LINK_HELLO) {
        hello_reply_hello(e, l, reply);
        return;
    }
    if (reef_reply_code(reply) == REEF_OK)
        hello_setup(e, l);
    else
        hello_refused(e, l, reef_reply_text(reply));
}
