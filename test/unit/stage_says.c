/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Sentinels and servers of stage_kit.h say. */
#include "test/unit/stage_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "host port", and what may follow. */
static void split(const char *place, char host[300], char port[16], char rest[64])
{
    host[0] = port[0] = rest[0] = 0;
    assert_true(sscanf(place, "%299[^ ] %15[^ ,] %63[^,]", host, port, rest) >= 2);
}

static void say_place(script *r, const char *place)
{
    char host[300], port[16], rest[64];
    split(place, host, port, rest);
    say_pair(r, "ip", host);
    say_pair(r, "port", port);
}

static const char *fake_role(const fake *f)
{
    return f->role ? f->role : "slave";
}

static void say_hello(script *r, const fake *f, bool old)
{
    const char *mode = f->mode ? f->mode : f->sentinel ? "sentinel" : "standalone";
    const char *role = strcmp(fake_role(f), "slave") == 0 ? "replica" : fake_role(f);
    if (old) {
        say(r, "-ERR unknown command 'HELLO'\r\n");
        return;
    }
    say(r, "%%%d\r\n", f->sentinel || !role[0] ? 3 : 4);
    say_pair(r, "server", "redis");
    say_pair(r, "version", "7.0.15");
    say_pair(r, "mode", mode);
    if (!f->sentinel && role[0])
        say_pair(r, "role", role);
}

static void say_master(script *r, const fake *f)
{
    char epoch[32];
    if (f->holds && !f->holds[0]) {
        say(r, "-ERR No such master with that name\r\n");
        return;
    }
    snprintf(epoch, sizeof epoch, "%llu", (unsigned long long)f->epoch);
    say(r, "*14\r\n");
    say_place(r, f->holds ? f->holds : f->knows);
    say_pair(r, "flags", f->flags ? f->flags : "master");
    say_pair(r, "config-epoch", epoch);
    say_pair(r, "quorum", "2");
    say_pair(r, "num-other-sentinels", "2");
    say_pair(r, "num-slaves", "1");
}

static void say_others(script *r, const char *others)
{
    size_t count = others && others[0] ? 1 : 0;
    char host[300], port[16], id[64];
    for (const char *at = others; at && *at; at++)
        count += *at == ',';
    say(r, "*%zu\r\n", count);
    for (; count > 0; count--) {
        split(others, host, port, id);
        say(r, "*6\r\n");
        say_pair(r, "ip", host);
        say_pair(r, "port", port);
        say_pair(r, "runid", id);
        const char *comma = strchr(others, ',');
        others = comma ? comma + 1 + strspn(comma + 1, " ") : "";
    }
}

static void say_chosen(script *r, const char *place)
{
    say(r, "*%d\r\n", place ? 1 : 0);
    if (!place)
        return;
    say(r, "*6\r\n");
    say_place(r, place);
    say_pair(r, "flags", "slave,promoted");
}

static void say_names(script *r, const char *names)
{
    size_t count = names ? 1 : 0;
    for (const char *at = names; at && *at; at++)
        count += *at == ' ';
    say(r, "*%zu\r\n", count);
    for (; count > 0; count--) {
        char name[100];
        assert_int_equal(sscanf(names, "%99s", name), 1);
        names += strlen(name) + 1;
        say(r, "*2\r\n");
        say_pair(r, "name", name);
    }
}

static void say_address(script *r, const fake *f, bool old)
{
    char host[300], port[16], rest[64];
    if (!f->knows) {
        say(r, old ? "*-1\r\n" : "_\r\n");
        return;
    }
    split(f->knows, host, port, rest);
    say(r, "*2\r\n");
    say_bulk(r, host);
    say_bulk(r, port);
}

/* SENTINEL … */
static void say_sentinel(script *r, fake *f)
{
    if (word_is(r, 1, "GET-MASTER-ADDR-BY-NAME")) {
        f->asks++;
        assert_true(word_is(r, 2, "m"));
        say_address(r, f, f->old);
    } else if (word_is(r, 1, "MASTER") && f->knows) {
        say_master(r, f);
    } else if (word_is(r, 1, "SENTINELS") && f->knows) {
        say_others(r, f->others);
    } else if (word_is(r, 1, "SLAVES") && f->knows) {
        say_chosen(r, f->chosen);
    } else if (word_is(r, 1, "MYID") && f->id) {
        f->ids++;
        say_bulk(r, f->id);
    } else if (word_is(r, 1, "MASTERS")) {
        say_names(r, f->names);
    } else {
        say(r, "-ERR No such master with that name\r\n");
    }
}

static void say_confirmed(script *r, fake *f, const char *type)
{
    f->subscriptions++;
    say(r, ">3\r\n");
    say_bulk(r, type);
    say_bulk(r, r->words[1]);
    say(r, ":1\r\n");
}

static void say_role(script *r, fake *f)
{
    f->probes++;
    say(r, "*1\r\n");
    say_bulk(r, fake_role(f));
}

/* A caller's command. The promise that all of this is about. */
static void say_served(stage *s, script *r, stage_link *l)
{
    fake *f = l->to;
    size_t len = strlen(s->queue);
    if (f->sentinel || !l->master)
        fail_msg("%s for %s, which has not said that it is a master", r->words[0],
                 f->address);
    f->served++;
    snprintf(s->queue + len, sizeof s->queue - len, "%s %s;", r->words[0], r->words[1]);
    say(r, "%s\r\n", f->says ? f->says : "+OK");
}

bool stage_turns_away(const script *r, const fake *f)
{
    return f->turns && (word_is(r, 0, f->turns) || word_is(r, 1, f->turns));
}

void stage_answer(stage *s, script *r, stage_link *l)
{
    fake *f = l->to;
    if (stage_turns_away(r, f)) {
        say(r, "-%s\r\n", f->away ? f->away : "NOPERM this user has no permissions");
    } else if (word_is(r, 0, "HELLO")) {
        f->probes += l->greeted;
        l->greeted = true;
        l->master = !f->sentinel && !f->old && strcmp(fake_role(f), "master") == 0;
        say_hello(r, f, f->old);
    } else if (word_is(r, 0, "SENTINEL") && f->sentinel) {
        say_sentinel(r, f);
    } else if (word_is(r, 0, "SUBSCRIBE") && f->sentinel) {
        say_confirmed(r, f, "subscribe");
    } else if (word_is(r, 0, "PSUBSCRIBE") && f->sentinel) {
        say_confirmed(r, f, "psubscribe");
    } else if (word_is(r, 0, "SENTINEL")) {
        say(r, "-ERR unknown command 'SENTINEL'\r\n");
    } else if (word_is(r, 0, "INFO") && f->sentinel) {
        say_bulk(r, f->tilt ? "sentinel_masters:1\r\nsentinel_tilt:1\r\n"
                            : "sentinel_masters:1\r\nsentinel_tilt:0\r\n");
    } else if (word_is(r, 0, "ROLE")) {
        say_role(r, f);
        l->master = strcmp(fake_role(f), "master") == 0;
    } else if (word_is(r, 0, "PING")) {
        say(r, "+PONG\r\n");
    } else if (word_is(r, 0, "CLIENT") || word_is(r, 0, "AUTH") ||
               word_is(r, 0, "SELECT")) {
        say(r, "+OK\r\n");
    } else {
        say_served(s, r, l);
    }
}
