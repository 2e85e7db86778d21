/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/engine: the bytes are a schedule for one engine. The first few pick the
 * settings; then each step takes a byte that says what happens (submit, deliver so much
 * of well-formed replies or of the input itself, take part of a send, close, tick, let
 * a name server tell the truth or lie, …). The oracle: every ticket completes exactly
 * once and by its deadline, no operation names a link that is not there, a link is
 * never sent to after its end, a datagram's socket is sent to once, nothing spins, and
 * nothing is left over when the engine is freed (LeakSanitizer). Where there are
 * Sentinels, a caller's command goes only to who may have said that it is a master.
 * Whether a reply is the right one is test/sim's business: here the peer may say
 * anything. */
#include "fuzz/engine_talk.h"
#include "net/net.h"
#include "test/sim/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    DRIVE_LINKS = REEF_TRANSPORTS_MAX,
    DRIVE_QUERY = 320,
    DRIVE_SAID = 2048,
    DRIVE_CALLS = 128,
    DRIVE_GROUP = 3,
    DRIVE_TALKS = 128, /* an answer: from here on what was asked is answered */
    DRIVE_ANNOUNCES = 208,
    DRIVE_OPS = 256, /* operations that may follow one input */
    DRIVE_TICKS = 64 /* ticks in a row that may leave the deadline where it is */
};

typedef enum drive_state { DRIVE_FREE, DRIVE_OPENING, DRIVE_OPEN } drive_state;

typedef struct drive_call {
    uint64_t ticket;
    int64_t deadline_ms;
    bool open;
} drive_call;

/* What was sent to a name server. */
typedef struct drive_query {
    bool datagram;
    size_t len;
    char bytes[DRIVE_QUERY];
} drive_query;

/* What was sent to a Sentinel or a server, and not answered in the right form. */
typedef struct drive_peer {
    bool sentinel;
    bool master; /* it may have said so */
    size_t len;
    char said[DRIVE_SAID];
} drive_peer;

typedef struct drive {
    const uint8_t *data;
    size_t size;
    reef_engine *engine;
    int64_t now_ms;
    drive_state states[DRIVE_LINKS];
    bool full[DRIVE_LINKS];     /* a SEND waits for room */
    uint32_t owed[DRIVE_LINKS]; /* commands sent, more or less */
    bool greedy;                /* sockets take all that is offered */
    bool sentinels;
    drive_query queries[DRIVE_LINKS];
    drive_peer peers[REEF_LINKS_MAX];
    sim_zone zone;
    drive_call calls[DRIVE_CALLS];
    uint32_t call_count;
} drive;

/* A broken promise: the fuzzer keeps the input that ends here. */
static void drive_must(bool held)
{
    if (!held) {
        abort();
    }
}

static uint8_t drive_byte(drive *d)
{
    if (d->size == 0) {
        return 0;
    }
    d->size--;
    return *d->data++;
}

/* ---- what comes out ----------------------------------------------------------- */

/* Keeps what was sent, as long as there is room for all of it. */
static void drive_note(drive *d, const reef_op *op, size_t len)
{
    static const char key[] = "\r\n$3\r\nkey\r\n"; /* callers' commands have one */
    drive_peer *p = &d->peers[op->link];
    if (p->len + len >= DRIVE_SAID) {
        p->len = 0;
        return;
    }
    memcpy(p->said + p->len, op->bytes.ptr, len);
    p->len += len;
    p->said[p->len] = '\0';
    drive_must(p->master || strstr(p->said, key) == NULL);
}

static void drive_send(drive *d, const reef_op *op)
{
    size_t len = op->bytes.len;
    drive_must(d->states[op->link] == DRIVE_OPEN && !d->full[op->link] && len > 0);
    volatile char last = op->bytes.ptr[len - 1]; /* readable to its end */
    (void)last;
    uint8_t way = d->greedy ? 255 : drive_byte(d);
    drive_query *q = &d->queries[op->link];
    size_t taken = way > 200 || way >= len ? len : way;
    taken = q->datagram && taken > 0 ? len : taken;
    d->owed[op->link] += taken == len;
    if (taken == 0) {
        d->full[op->link] = true;
        return;
    }
    if (op->link < REEF_LINKS_MAX && d->sentinels) {
        drive_note(d, op, taken);
    } else if (op->link >= REEF_LINKS_MAX) {
        drive_must(q->len + taken <= DRIVE_QUERY && (!q->datagram || q->len == 0));
        memcpy(q->bytes + q->len, op->bytes.ptr, taken);
        q->len += taken;
    }
    reef_engine_sent(d->engine, op->link, taken, d->now_ms);
}

static void drive_op(drive *d, const reef_op *op)
{
    drive_must(op->link < DRIVE_LINKS);
    drive_state *state = &d->states[op->link];
    switch (op->kind) {
    case REEF_OP_NONE:
        drive_must(false);
        break;
    case REEF_OP_FILES:
        break;
    case REEF_OP_OPEN:
        drive_must(*state == DRIVE_FREE);
        drive_must(memchr(op->address, '\0', sizeof op->address) != NULL);
        drive_must(op->datagram <= (op->link >= REEF_LINKS_MAX));
        *state = DRIVE_OPENING;
        d->full[op->link] = false;
        d->owed[op->link] = 0;
        d->queries[op->link] = (drive_query){.datagram = op->datagram};
        if (op->link < REEF_LINKS_MAX) {
            d->peers[op->link] =
                (drive_peer){.sentinel = op->port == TALK_SENTINEL_PORT};
        }
        break;
    case REEF_OP_SEND:
        drive_send(d, op);
        break;
    case REEF_OP_CLOSE:
        drive_must(*state == DRIVE_OPEN || *state == DRIVE_OPENING);
        *state = DRIVE_FREE;
        break;
    }
}

static void drive_done(drive *d, const reef_done *done)
{
    uint64_t at = done->tag + done->index;
    drive_must(at < d->call_count && d->calls[at].open);
    drive_must(d->calls[at].ticket == done->ticket && done->reply != NULL);
    drive_must(d->now_ms <= d->calls[at].deadline_ms);
    reef_code code = reef_reply_code(done->reply);
    drive_must(code == REEF_OK || reef_reply_text(done->reply)[0] != '\0' ||
               code == REEF_REFUSED);
    d->calls[at].open = false;
    if (at % 2 == 0) {
        reef_engine_recycle(d->engine, done->reply);
    } else {
        reef_reply_free(done->reply);
    }
}

static void drive_drain(drive *d)
{
    reef_op op;
    reef_done done;
    reef_reply *push;
    reef_event event;
    uint32_t ops = 0;
    size_t left = d->size;
    while (reef_engine_next_op(d->engine, &op)) {
        drive_op(d, &op);
        ops = d->size < left ? 0 : ops + 1;
        left = d->size;
        drive_must(ops < DRIVE_OPS);
    }
    while (reef_engine_next_done(d->engine, &done)) {
        drive_done(d, &done);
    }
    while (reef_engine_next_push(d->engine, &push)) {
        reef_reply_free(push);
    }
    while (reef_engine_next_event(d->engine, &event)) {
        drive_must(reef_event_name(event.kind)[0] != '\0');
    }
}

/* ---- what goes in ------------------------------------------------------------- */

static void drive_submit(drive *d, uint8_t how)
{
    static const char *const names[] = {"GET",  "SET",   "INCR", "MULTI",
                                        "EXEC", "BLPOP", "ECHO", ""};
    reef_cmd *cmds[DRIVE_GROUP];
    const reef_cmd *list[DRIVE_GROUP];
    uint32_t count = how & 1 ? DRIVE_GROUP : 1;
    if (d->call_count + count > DRIVE_CALLS) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *group[] = {"MULTI", "INCR", "EXEC"};
        cmds[i] = reef_cmd_new();
        drive_must(cmds[i] != NULL);
        reef_cmd_begin(cmds[i], count > 1 ? group[i] : names[how >> 1 & 7]);
        reef_cmd_text(cmds[i], "key");
        if (how & 16) {
            reef_cmd_repeatable(cmds[i]);
        }
        list[i] = cmds[i];
    }
    int64_t deadline = d->now_ms + (int64_t)drive_byte(d) * 16;
    uint64_t ticket =
        reef_engine_submit(d->engine, list, count, d->call_count, deadline, d->now_ms);
    drive_must(ticket != 0);
    for (uint32_t i = 0; i < count; i++) {
        reef_cmd_free(cmds[i]);
        d->calls[d->call_count++] = (drive_call){ticket + i, deadline, true};
    }
}

static void drive_deliver(drive *d, uint32_t link, const char *bytes, size_t len)
{
    while (len > 0 && d->states[link] == DRIVE_OPEN) {
        size_t cap = 0;
        void *room = reef_engine_room(d->engine, link, &cap);
        drive_must(room != NULL && cap > 0);
        size_t part = len < cap ? len : cap;
        memcpy(room, bytes, part);
        reef_engine_received(d->engine, link, part, d->now_ms);
        drive_drain(d);
        bytes += part;
        len -= part;
    }
}

/* What the peer was asked is answered, or it announces something. */
static void drive_talk(drive *d, uint32_t link, bool announces)
{
    drive_peer *p = &d->peers[link];
    talk_command command;
    sim_bytes out = {0};
    uint8_t how = drive_byte(d);
    size_t at = 0, size;
    if (announces) {
        talk_announce(how, &out);
    }
    while (!announces && (size = talk_next(p->said + at, p->len - at, &command)) > 0) {
        talk_answer(&command, p->sentinel, how, &out);
        at += size;
    }
    memmove(p->said, p->said + at, p->len - at);
    p->len -= at;
    p->master = p->master || (!p->sentinel && !(how & TALK_NINE));
    drive_deliver(d, link, out.ptr, out.len);
    sim_bytes_free(&out);
}

/* A whole reply of one kind or another, or the input's own bytes. */
static void drive_answer(drive *d, uint32_t link, uint8_t what)
{
    static const char *const replies[] = {
        "+OK\r\n",
        "%2\r\n+proto\r\n:3\r\n+mode\r\n+standalone\r\n",
        "*4\r\n+proto\r\n:2\r\n+mode\r\n+standalone\r\n",
        "$5\r\nvalue\r\n",
        ":1\r\n",
        "-LOADING Redis is loading\r\n",
        "-BUSY busy\r\n",
        "-ERR unknown command 'HELLO'\r\n",
        "-NOPROTO unsupported\r\n",
        "-WRONGPASS invalid\r\n",
        "-NOAUTH needed\r\n",
        "-ERR max number of clients reached\r\n",
        "-EXECABORT discarded\r\n",
        ">2\r\n+invalidate\r\n_\r\n",
        "|1\r\n+ttl\r\n:1\r\n+QUEUED\r\n",
        "*2\r\n:1\r\n$-1\r\n",
        "%1\r\n+mode\r\n+sentinel\r\n",
        "%1\r\n+mode\r\n+cluster\r\n",
        "+OK\r\n+OK\r\n+OK\r\n",
        "+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
    };
    size_t kinds = sizeof replies / sizeof replies[0];
    if (d->sentinels && what >= DRIVE_TALKS) {
        drive_talk(d, link, what >= DRIVE_ANNOUNCES);
        return;
    }
    if (what < kinds * 4) {
        const char *text = replies[what % kinds];
        drive_deliver(d, link, text, strlen(text));
        return;
    }
    size_t len = (what - kinds * 4) % 32 + 1;
    len = len < d->size ? len : d->size;
    const char *bytes = (const char *)d->data;
    d->data += len;
    d->size -= len;
    d->peers[link].master = !d->peers[link].sentinel; /* who knows what that says */
    drive_deliver(d, link, bytes, len);
}

static void drive_close(drive *d, uint32_t link, uint8_t how)
{
    static const int errors[] = {0, ECONNRESET, ECONNREFUSED, ETIMEDOUT};
    if (d->states[link] == DRIVE_OPEN || d->states[link] == DRIVE_OPENING) {
        d->states[link] = DRIVE_FREE;
        reef_engine_closed(d->engine, link, errors[how & 3], d->now_ms);
    }
}

static void drive_opened(drive *d, uint32_t link)
{
    if (d->states[link] == DRIVE_OPENING) {
        d->states[link] = DRIVE_OPEN;
        reef_engine_opened(d->engine, link, d->now_ms);
    }
}

/* What a name server says, or somebody who would like to be one: `how` has a choice of
 * what in its upper bits. */
static void drive_tell(drive *d, uint32_t link, uint8_t how)
{
    const drive_query *q = &d->queries[link];
    size_t prefix = q->datagram ? 0 : 2;
    sim_query query;
    sim_bytes out = {0}, framed = {0};
    if (d->states[link] != DRIVE_OPEN || q->len < prefix ||
        sim_query_read(&query, q->bytes + prefix, q->len - prefix) != NULL) {
        return;
    }
    uint8_t more = drive_byte(d);
    if (how < 64) {
        sim_style style = {.limit = more & 1 ? query.size : 0,
                           .rcode = more & 2 ? (uint16_t)(more >> 4) : 0,
                           .cut = (more & 4) != 0,
                           .bare = (more & 8) != 0,
                           .turn = how};
        sim_answer_to(&d->zone, &query, &style, &out);
    } else if (how < 128) {
        sim_forge(&query, how % SIM_FORGERIES, more, &out);
    } else if (how < 192) {
        sim_spoil(&query, how & 1, &out);
    } else { /* the question, and what the input has behind it */
        size_t len = more < d->size ? more : d->size;
        sim_bytes_add(&out, q->bytes + prefix, q->len - prefix);
        sim_bytes_add(&out, (const char *)d->data, len);
        d->data += len;
        d->size -= len;
        out.ptr[2] = (char)(out.ptr[2] | 0x80);
        out.ptr[7] = (char)(how & 3);
    }
    char head[2] = {(char)(out.len >> 8 & 0xFF), (char)(out.len & 0xFF)};
    sim_bytes_add(&framed, head, prefix);
    sim_bytes_add(&framed, out.ptr, out.len);
    drive_deliver(d, link, framed.ptr, framed.len);
    sim_bytes_free(&framed);
    sim_bytes_free(&out);
}

/* One of the sockets to name servers. */
static void drive_names(drive *d, uint32_t which, uint8_t how)
{
    uint32_t link = REEF_LINKS_MAX + (which * 2 + how % 2) % 16;
    drive_opened(d, link);
    drive_drain(d);
    if (d->states[link] == DRIVE_OPEN && d->full[link]) {
        d->full[link] = false;
        reef_engine_sent(d->engine, link, 0, d->now_ms);
        drive_drain(d);
    }
    if (how > 240) {
        drive_close(d, link, how);
    } else if (how > 15) {
        drive_tell(d, link, how);
    }
}

/* Time passes, but never over a deadline of the engine's. */
static void drive_pass(drive *d, int64_t ms)
{
    int64_t end = d->now_ms + ms, next;
    uint32_t ticks = 0;
    while ((next = reef_engine_deadline_ms(d->engine)) <= end) {
        ticks = next > d->now_ms ? 0 : ticks + 1;
        drive_must(ticks < DRIVE_TICKS);
        d->now_ms = next > d->now_ms ? next : d->now_ms;
        reef_engine_tick(d->engine, d->now_ms);
        drive_drain(d);
        for (uint32_t i = 0; i < d->call_count; i++) {
            drive_must(!d->calls[i].open || d->calls[i].deadline_ms > d->now_ms);
        }
    }
    d->now_ms = end;
}

static void drive_step(drive *d)
{
    uint8_t what = drive_byte(d);
    uint32_t link = what >> 5; /* the engine has eight, and sixteen to ask names on */
    uint8_t how = drive_byte(d);
    switch (what & 7) {
    case 0:
        drive_submit(d, how);
        break;
    case 1:
        drive_opened(d, link);
        break;
    case 2:
    case 3:
        drive_answer(d, link, how);
        break;
    case 4:
        drive_close(d, link, how);
        break;
    case 5:
        drive_pass(d, (int64_t)how * how / 16);
        break;
    case 6:
        drive_names(d, link, how);
        if (how == 255) {
            reef_engine_tend(d->engine, d->now_ms);
        } else if (how == 254) {
            reef_engine_survey(d->engine, d->now_ms + 500, d->now_ms);
        }
        break;
    default:
        if (d->states[link] == DRIVE_OPEN && d->full[link]) {
            d->full[link] = false;
            reef_engine_sent(d->engine, link, 0, d->now_ms);
        }
    }
    drive_drain(d);
}

static void drive_config(drive *d, reef_config *config)
{
    uint8_t bits = drive_byte(d);
    reef_config_init(config);
    const char *name = bits & 1 ? "10.0.0.1" : "db.test";
    memcpy(config->hosts[0].name, name, strlen(name) + 1);
    if (bits & 2) {
        memcpy(config->password, "secret", 7);
    }
    if (bits & 4) {
        memcpy(config->username, "user", 5);
    }
    config->db = bits & 8 ? 2 : 0;
    config->protocol = bits >> 4 & 3;
    d->sentinels = config->protocol == 1;
    config->protocol = config->protocol == 1 ? 0 : config->protocol;
    config->connect_timeout_ms = bits & 64 ? 100 : 5000;
    d->greedy = bits & 128;
}

/* There is no protocol 1: it stands for Sentinels. The first is an address, or a name
 * as a single server is; there may be a second one. */
static void drive_sentinels(drive *d, reef_config *config)
{
    uint8_t bits = drive_byte(d);
    memcpy(config->master_name, "m", 2);
    config->hosts[0].port = TALK_SENTINEL_PORT;
    config->failover_announced = (bits & 1) != 0;
    if (bits & 2) {
        config->hosts[1] = config->hosts[0];
        config->hosts[1].kind = REEF_HOST_TCP;
        memcpy(config->hosts[1].name, "10.0.0.2", 9);
        config->host_count = 2;
    }
    if (bits & 4) {
        memcpy(config->sentinel_password, "secret", 7);
    }
}

/* What the world calls the server, where it has no address. */
static void drive_name(drive *d, reef_config *config, uint8_t bits)
{
    d->zone = (sim_zone){.ttl = bits & 64 ? 0 : 30, .soa = true, .negative_ttl = 5};
    (void)sim_zone_add(&d->zone, "db.test", SIM_A, "10.0.0.1");
    (void)sim_zone_add(&d->zone, "db.test", SIM_AAAA, "::1");
    (void)sim_zone_add(&d->zone, "alias.test", SIM_CNAME, "db.test");
    (void)sim_zone_srv(&d->zone, "db.test", "db.test", 6379);
    (void)sim_zone_srv(&d->zone, "db.test", "alias.test", 6380);
    config->hosts[0].kind = bits & 1 ? REEF_HOST_SRV : REEF_HOST_TCP;
    if (bits & 2) {
        memcpy(config->hosts[0].name, "alias.test", 11);
    }
    if (bits & 4) {
        memcpy(config->nameservers[0].address, "10.9.0.1", 9);
        config->nameservers[0].port = 53;
        config->nameserver_count = 1;
    }
}

static void drive_files(drive *d, uint8_t bits)
{
    static const unsigned char key[REEF_SECRET_KEY] = {1, 2, 3};
    static const char conf[] = "nameserver 10.9.0.1\nnameserver ::1\nsearch test\n";
    reef_str hosts = reef_str_of(bits & 8 ? "10.0.0.1 db.test\n" : "::1 other\n");
    if (!(bits & 16)) {
        reef_engine_key(d->engine, key);
    }
    drive_must(reef_engine_hosts(d->engine, hosts) == REEF_OK);
    if (bits & 32) {
        drive_must(reef_engine_resolv_conf(d->engine, reef_str_of(conf),
                                           reef_str_of("box.test")) == REEF_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static drive d;
    d = (drive){.data = data, .size = size, .now_ms = 1000};
    reef_config config;
    static reef_topology topology;
    reef_stats *stats = malloc(sizeof *stats);
    drive_config(&d, &config);
    uint8_t names = config.hosts[0].name[0] == 'd' ? drive_byte(&d) : 0;
    drive_name(&d, &config, names);
    if (d.sentinels) {
        drive_sentinels(&d, &config);
    }
    d.engine = reef_engine_new(&config, 1, d.now_ms);
    drive_must(d.engine != NULL && stats != NULL);
    drive_files(&d, names);
    while (d.size > 0) {
        drive_step(&d);
    }
    d.greedy = true;
    if (size % 2 == 0) {
        drive_pass(&d, 100000); /* every deadline is over */
        for (uint32_t i = 0; i < d.call_count; i++) {
            drive_must(!d.calls[i].open);
        }
    }
    reef_engine_topology(d.engine, &topology);
    drive_must(topology.sentinel == d.sentinels);
    reef_engine_stats(d.engine, stats);
    drive_must(stats->answered + stats->failed <= stats->calls);
    drive_must(stats->unsure <= stats->failed);
    reef_engine_free(d.engine);
    free(stats);
    return 0;
}
