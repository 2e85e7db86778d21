/* SPDX-License-Identifier: Apache-2.0
 *
 * engine_talk: Sentinels and servers for fuzz/engine, which answer what they were sent
 * in the right form and with whatever sense the input picks. Without them the input
 * would have to guess whole handshakes. */
#ifndef REEF_FUZZ_ENGINE_TALK_H
#define REEF_FUZZ_ENGINE_TALK_H
#include "test/sim/server.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TALK_WORD = 32, TALK_WORDS = 4, TALK_SENTINEL_PORT = 26379 };

/* The bits of the byte that picks the sense of the answers to one batch of commands. */
enum {
    TALK_NINE = 1,    /* the master is 10.0.0.9, not 8; a server: it is a replica */
    TALK_EPOCH = 6,   /* which of four */
    TALK_AHEAD = 8,   /* GET-MASTER-ADDR-BY-NAME and MASTER differ */
    TALK_FAILS = 16,  /* a fail-over is under way */
    TALK_CHOSEN = 32, /* … to the other one */
    TALK_OTHERS = 64, /* it lists other Sentinels, one by its name */
    TALK_REFUSES = 128
};

typedef struct talk_command {
    char words[TALK_WORDS][TALK_WORD]; /* cut where they are longer */
    uint32_t count;
} talk_command;

/* A number up to the end of the line; at moves behind it. */
static bool talk_number(const char **at, const char *end, char mark, size_t *out)
{
    const char *line = memchr(*at, '\n', (size_t)(end - *at));
    if (line == NULL || **at != mark) {
        return false;
    }
    *out = 0;
    for (const char *p = *at + 1; p < line && *p >= '0' && *p <= '9'; p++) {
        *out = *out * 10 + (size_t)(*p - '0');
    }
    *at = line + 1;
    return true;
}

/* The next whole command; 0: there is none. Otherwise how long it is. */
static size_t talk_next(const char *bytes, size_t len, talk_command *out)
{
    const char *at = bytes, *end = bytes + len;
    size_t count, size;
    memset(out, 0, sizeof *out);
    if (len == 0 || !talk_number(&at, end, '*', &count)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (at == end || !talk_number(&at, end, '$', &size) ||
            (size_t)(end - at) < size + 2) {
            return 0;
        }
        if (i < TALK_WORDS) {
            memcpy(out->words[i], at, size < TALK_WORD - 1 ? size : TALK_WORD - 1);
            out->count++;
        }
        at += size + 2;
    }
    return (size_t)(at - bytes);
}

static bool talk_is(const talk_command *c, uint32_t at, const char *word)
{
    return strcmp(c->words[at], word) == 0;
}

static void talk_text(sim_bytes *out, const char *text)
{
    sim_bytes_text(out, "$");
    sim_bytes_int(out, (int64_t)strlen(text));
    sim_bytes_text(out, "\r\n");
    sim_bytes_text(out, text);
    sim_bytes_text(out, "\r\n");
}

static void talk_texts(sim_bytes *out, const char *const texts[], size_t count)
{
    sim_bytes_text(out, "*");
    sim_bytes_int(out, (int64_t)count);
    sim_bytes_text(out, "\r\n");
    for (size_t i = 0; i < count; i++) {
        talk_text(out, texts[i]);
    }
}

static const char *talk_place(bool nine)
{
    return nine ? "10.0.0.9" : "10.0.0.8";
}

static void talk_hello(bool sentinel, uint8_t how, sim_bytes *out)
{
    const char *role = how & TALK_NINE ? "replica" : "master";
    sim_bytes_text(out, "%2\r\n");
    talk_text(out, "mode");
    talk_text(out, sentinel ? "sentinel" : "standalone");
    talk_text(out, sentinel ? "version" : "role");
    talk_text(out, sentinel ? "7.0.15" : role);
}

static void talk_master(uint8_t how, sim_bytes *out)
{
    static const char *const epochs[] = {"1", "2", "3", "18446744073709551615"};
    bool nine = (how & TALK_NINE) != 0 && !(how & TALK_AHEAD);
    const char *flags = how & TALK_FAILS ? "master,failover_in_progress" : "master";
    const char *texts[] = {"ip",           talk_place(nine),
                           "port",         "6379",
                           "flags",        flags,
                           "config-epoch", epochs[(how & TALK_EPOCH) >> 1]};
    talk_texts(out, texts, 8);
}

static void talk_others(uint8_t how, sim_bytes *out)
{
    static const char *const first[] = {"ip",    "10.0.0.4", "port",
                                        "26379", "runid",    "four"};
    static const char *const named[] = {"ip",    "db.test", "port",
                                        "26379", "runid",   "five"};
    sim_bytes_text(out, how & TALK_OTHERS ? "*2\r\n" : "*0\r\n");
    if (how & TALK_OTHERS) {
        talk_texts(out, first, 6);
        talk_texts(out, named, 6);
    }
}

static void talk_replicas(uint8_t how, sim_bytes *out)
{
    const char *texts[] = {"ip",    talk_place(!(how & TALK_NINE)),
                           "port",  "6379",
                           "flags", "slave,promoted"};
    sim_bytes_text(out, how & TALK_CHOSEN ? "*1\r\n" : "*0\r\n");
    if (how & TALK_CHOSEN) {
        talk_texts(out, texts, 6);
    }
}

/* SENTINEL … */
static void talk_sentinel(const talk_command *c, uint8_t how, sim_bytes *out)
{
    const char *address[] = {talk_place((how & TALK_NINE) != 0), "6379"};
    if (talk_is(c, 1, "GET-MASTER-ADDR-BY-NAME") && (how & TALK_REFUSES)) {
        sim_bytes_text(out, "_\r\n");
    } else if (talk_is(c, 1, "GET-MASTER-ADDR-BY-NAME")) {
        talk_texts(out, address, 2);
    } else if (talk_is(c, 1, "MASTER")) {
        talk_master(how, out);
    } else if (talk_is(c, 1, "SENTINELS")) {
        talk_others(how, out);
    } else if (talk_is(c, 1, "SLAVES")) {
        talk_replicas(how, out);
    } else if (talk_is(c, 1, "MYID")) {
        talk_text(out, how & TALK_EPOCH ? "one" : "two");
    } else {
        sim_bytes_text(out, "*0\r\n");
    }
}

static void talk_listen(const talk_command *c, sim_bytes *out)
{
    sim_bytes_text(out, ">3\r\n");
    talk_text(out, talk_is(c, 0, "SUBSCRIBE") ? "subscribe" : "psubscribe");
    talk_text(out, c->words[1]);
    sim_bytes_text(out, ":1\r\n");
}

static void talk_answer(const talk_command *c, bool sentinel, uint8_t how,
                        sim_bytes *out)
{
    const char *role[] = {how & TALK_NINE ? "slave" : "master"};
    bool listens = talk_is(c, 0, "SUBSCRIBE") || talk_is(c, 0, "PSUBSCRIBE");
    if (talk_is(c, 0, "HELLO")) {
        talk_hello(sentinel, how, out);
    } else if (talk_is(c, 0, "SENTINEL")) {
        talk_sentinel(c, how, out);
    } else if (listens && how & TALK_REFUSES) {
        sim_bytes_text(out, "-NOPERM no\r\n");
    } else if (listens) {
        talk_listen(c, out);
    } else if (talk_is(c, 0, "INFO")) {
        talk_text(out, how & TALK_FAILS ? "sentinel_tilt:1" : "sentinel_tilt:0");
    } else if (talk_is(c, 0, "ROLE")) {
        talk_texts(out, role, 1);
    } else if (talk_is(c, 1, "key") && how & TALK_REFUSES) {
        sim_bytes_text(out, "-READONLY You can't write against a read only\r\n");
    } else {
        sim_bytes_text(out, "+OK\r\n");
    }
}

/* What a Sentinel announces. */
static void talk_announce(uint8_t how, sim_bytes *out)
{
    static const char *const channels[] = {"+selected-slave", "+promoted-slave",
                                           "+switch-master",
                                           "-failover-abort-slave-timeout"};
    const char *channel = channels[(how & TALK_EPOCH) >> 1];
    const char *to = talk_place((how & TALK_NINE) != 0);
    const char *from = talk_place((how & TALK_NINE) == 0);
    char text[120];
    if (channel[1] == 's' && channel[2] == 'w') {
        snprintf(text, sizeof text, "m %s 6379 %s 6379", from, to);
    } else if (channel[0] == '-') {
        snprintf(text, sizeof text, "master m %s 6379", from);
    } else {
        snprintf(text, sizeof text, "slave %s:6379 %s 6379 @ m %s 6379", to, to, from);
    }
    sim_bytes_text(out, ">3\r\n");
    talk_text(out, "message");
    talk_text(out, channel);
    talk_text(out, text);
}

#endif
