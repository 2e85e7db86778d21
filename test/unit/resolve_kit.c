/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/resolve_kit.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- messages ----------------------------------------------------------------- */

static void put_byte(names_message *m, unsigned value)
{
    assert_true(m->len < sizeof m->bytes);
    m->bytes[m->len++] = (unsigned char)value;
}

static void put16(names_message *m, unsigned value)
{
    put_byte(m, value >> 8);
    put_byte(m, value & 0xFF);
}

static void put32(names_message *m, uint32_t value)
{
    put16(m, value >> 16);
    put16(m, value & 0xFFFF);
}

static void put_name(names_message *m, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ".");
        put_byte(m, (unsigned)len);
        for (size_t i = 0; i < len; i++)
            put_byte(m, (unsigned char)text[i]);
        text += len + (text[len] == '.');
    }
    put_byte(m, 0);
}

static unsigned type_of(const char *text)
{
    static const struct {
        const char *text;
        unsigned type;
    } types[] = {{"A", 1},    {"CNAME", 5}, {"SOA", 6}, {"NS", 2},
                 {"TXT", 16}, {"AAAA", 28}, {"SRV", 33}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].text, text) == 0)
            return types[i].type;
    fail_msg("no such type: %s", text);
    return 0;
}

static void put_data(names_message *m, unsigned type, const char *data)
{
    unsigned char bytes[16];
    char name[256];
    unsigned priority, weight, port, minimum;
    switch (type) {
    case 1:
        assert_int_equal(inet_pton(AF_INET, data, bytes), 1);
        for (size_t i = 0; i < 4; i++)
            put_byte(m, bytes[i]);
        break;
    case 28:
        assert_int_equal(inet_pton(AF_INET6, data, bytes), 1);
        for (size_t i = 0; i < 16; i++)
            put_byte(m, bytes[i]);
        break;
    case 33:
        name[0] = '\0';
        assert_true(sscanf(data, "%u %u %u %255s", &priority, &weight, &port, name) >=
                    3);
        put16(m, priority);
        put16(m, weight);
        put16(m, port);
        put_name(m, strcmp(name, ".") == 0 ? "" : name);
        break;
    case 6:
        assert_int_equal(sscanf(data, "%u", &minimum), 1);
        put_name(m, "ns.test");
        put_name(m, "root.test");
        for (size_t i = 0; i < 4; i++)
            put32(m, 7);
        put32(m, minimum);
        break;
    default:
        put_name(m, data);
        break;
    }
}

static void count_record(names_message *m, size_t section)
{
    size_t at = 6 + 2 * section;
    unsigned count = (unsigned)(m->bytes[at] << 8 | m->bytes[at + 1]) + 1;
    m->bytes[at] = (unsigned char)(count >> 8);
    m->bytes[at + 1] = (unsigned char)count;
}

static void put_record(names_message *m, const names_query *q, const char *line)
{
    char owner[256], type[8];
    unsigned ttl;
    int data = 0;
    size_t section = line[0] == '+' ? 2 : line[0] == '-' ? 1 : 0;
    line += section > 0;
    assert_int_equal(sscanf(line, "%255s %u %7s %n", owner, &ttl, type, &data), 3);
    put_name(m, strcmp(owner, "@") == 0 ? q->name : owner);
    put16(m, type_of(type));
    put16(m, 1);
    put32(m, ttl);
    size_t at = m->len;
    put16(m, 0);
    put_data(m, type_of(type), line + data);
    m->bytes[at] = (unsigned char)((m->len - at - 2) >> 8);
    m->bytes[at + 1] = (unsigned char)(m->len - at - 2);
    count_record(m, section);
}

static void put_pad(names_message *m, unsigned size)
{
    put_name(m, "pad.test");
    put16(m, 16);
    put16(m, 1);
    put32(m, 9);
    put16(m, size);
    for (unsigned i = 0; i < size; i++)
        put_byte(m, 0);
    count_record(m, 2);
}

static void put_opt(names_message *m, unsigned upper)
{
    put_byte(m, 0);
    put16(m, 41);
    put16(m, 1232);
    put32(m, upper << 24);
    put16(m, 0);
    count_record(m, 2);
}

static void put_line(names_message *m, const names_query *q, const char *line)
{
    char name[256];
    unsigned number;
    if (sscanf(line, "rcode %u", &number) == 1) {
        m->bytes[3] = (unsigned char)((m->bytes[3] & 0xF0) | number);
    } else if (strcmp(line, "tc") == 0) {
        m->bytes[2] |= 2;
    } else if (strcmp(line, "noqr") == 0) {
        m->bytes[2] &= 0x7F;
    } else if (strcmp(line, "nora") == 0) {
        m->bytes[3] &= 0x7F;
    } else if (strcmp(line, "id") == 0) {
        m->bytes[0] ^= 0x40;
    } else if (strcmp(line, "bare") == 0) {
        m->bytes[5] = 0;
        m->len = 12;
    } else if (sscanf(line, "ask %255s", name) == 1) {
        m->len = 12;
        put_name(m, name);
        put16(m, q->type);
        put16(m, 1);
    } else if (sscanf(line, "opt %u", &number) == 1) {
        put_opt(m, number);
    } else if (sscanf(line, "pad %u", &number) == 1) {
        put_pad(m, number);
    } else if (sscanf(line, "cut %u", &number) == 1) {
        m->len -= number;
    } else {
        put_record(m, q, line);
    }
}

void names_build(names_message *m, const names_query *q, const char *text)
{
    m->len = 0;
    put16(m, q->id);
    put16(m, 0x8180);
    put16(m, 1);
    put16(m, 0);
    put32(m, 0);
    put_name(m, q->name);
    put16(m, q->type);
    put16(m, 1);
    while (*text != '\0') {
        char line[600];
        size_t len = strcspn(text, ";");
        assert_true(len < sizeof line);
        memcpy(line, text, len);
        line[len] = '\0';
        if (len > 0)
            put_line(m, q, line);
        text += len + (text[len] == ';');
        text += strspn(text, " ");
    }
}

static unsigned get16(const unsigned char *bytes)
{
    return (unsigned)(bytes[0] << 8 | bytes[1]);
}

names_query names_query_read(const unsigned char *bytes, size_t len)
{
    names_query q = {0};
    size_t at = 12, to = 0;
    assert_true(len > 12 && get16(bytes + 4) == 1 && (bytes[2] & 1) == 1);
    q.id = (uint16_t)get16(bytes);
    q.ad = (bytes[3] & 0x20) != 0;
    q.edns = get16(bytes + 10) == 1;
    while (bytes[at] != 0) {
        assert_true(at + bytes[at] + 1 < len);
        if (to > 0)
            q.name[to++] = '.';
        memcpy(q.name + to, bytes + at + 1, bytes[at]);
        to += bytes[at];
        at += 1U + bytes[at];
    }
    assert_true(at + 5 <= len);
    q.type = (uint16_t)get16(bytes + at + 1);
    assert_int_equal(len, at + 5 + (q.edns ? 11 : 0));
    return q;
}

/* ---- life --------------------------------------------------------------------- */

static reef_config config;

void names_start(names_kit *k, const char *settings)
{
    char toml[1024];
    reef_error error;
    memset(k, 0, sizeof *k);
    reef_config_init(&config);
    snprintf(toml, sizeof toml, "[resolver]\n%s\n", settings);
    assert_int_equal(reef_config_parse(&config, NULL, reef_str_of(toml), NULL, &error),
                     REEF_OK);
    names_restart(k);
}

void names_restart(names_kit *k)
{
    static const unsigned char key[REEF_RANDOM_KEY] = "a key for a test";
    reef_resolver_free(k->resolver);
    memset(k, 0, sizeof *k);
    k->now_ms = 1000;
    k->resolver = reef_resolver_new(&config, NAMES_FIRST_LINK);
    if (k->resolver != NULL)
        reef_resolver_key(k->resolver, key);
}

void names_stop(names_kit *k)
{
    reef_resolver_free(k->resolver);
    k->resolver = NULL;
}

/* ---- the host ----------------------------------------------------------------- */

static names_link *link_of(names_kit *k, uint32_t link)
{
    assert_in_range(link, NAMES_FIRST_LINK, NAMES_FIRST_LINK + REEF_EXCHANGES_MAX - 1);
    return &k->links[link - NAMES_FIRST_LINK];
}

static void do_files(names_kit *k)
{
    k->files++;
    if (k->hosts != NULL)
        (void)reef_resolver_hosts(k->resolver, reef_str_of(k->hosts));
    if (k->conf != NULL)
        (void)reef_resolver_conf(k->resolver, reef_str_of(k->conf), reef_str_of("me"));
    k->hosts = k->conf = NULL;
}

static void do_open(names_kit *k, const reef_op *op)
{
    names_link *link = link_of(k, op->link);
    assert_false(link->live);
    memset(link, 0, sizeof *link);
    link->live = true;
    link->datagram = op->datagram;
    assert_false(op->local);
    snprintf(link->server, sizeof link->server, "%.80s:%u", op->address,
             (unsigned)op->port);
    link->serial = ++k->opens;
    if (!k->shy)
        reef_resolver_opened(k->resolver, op->link, k->now_ms);
}

static void do_send(names_kit *k, const reef_op *op)
{
    names_link *link = link_of(k, op->link);
    bool whole = link->datagram || k->takes == 0 || op->bytes.len < k->takes;
    size_t len = whole ? op->bytes.len : k->takes;
    assert_true(link->live && !link->asked);
    assert_true(link->len + len <= sizeof link->bytes && op->bytes.len > 0);
    memcpy(link->bytes + link->len, op->bytes.ptr, len);
    link->len += len;
    link->asked = len == op->bytes.len;
    if (link->asked) {
        size_t prefix = link->datagram ? 0 : 2;
        if (prefix > 0)
            assert_int_equal(get16(link->bytes), link->len - 2);
        link->query = names_query_read(link->bytes + prefix, link->len - prefix);
    }
    reef_resolver_sent(k->resolver, op->link, len, k->now_ms);
}

static void do_op(names_kit *k, const reef_op *op)
{
    switch (op->kind) {
    case REEF_OP_OPEN:
        do_open(k, op);
        break;
    case REEF_OP_SEND:
        do_send(k, op);
        break;
    case REEF_OP_CLOSE:
        assert_true(link_of(k, op->link)->live);
        link_of(k, op->link)->live = link_of(k, op->link)->asked = false;
        k->closes++;
        break;
    case REEF_OP_FILES:
        do_files(k);
        break;
    case REEF_OP_NONE:
        fail_msg("an operation that is none");
    }
}

void names_run(names_kit *k)
{
    reef_op op;
    size_t ops = 0;
    while (reef_resolver_next_op(k->resolver, &op, &k->moved, k->now_ms)) {
        do_op(k, &op);
        assert_true(ops++ < 10000); /* it never spins */
    }
    assert_true(reef_resolver_deadline_ms(k->resolver) > k->now_ms);
}

void names_to(names_kit *k, int64_t now_ms)
{
    names_run(k);
    while (reef_resolver_deadline_ms(k->resolver) < now_ms) {
        k->now_ms = reef_resolver_deadline_ms(k->resolver);
        reef_resolver_tick(k->resolver, k->now_ms);
        names_run(k);
    }
    k->now_ms = now_ms;
    reef_resolver_tick(k->resolver, now_ms);
    names_run(k);
}

/* ---- questions and answers ---------------------------------------------------- */

uint32_t names_open(const names_kit *k)
{
    uint32_t count = 0;
    for (size_t i = 0; i < REEF_EXCHANGES_MAX; i++)
        count += k->links[i].live && k->links[i].asked;
    return count;
}

uint32_t names_asked(names_kit *k, const char *server, const char *type,
                     const char *name)
{
    names_run(k);
    for (uint32_t i = 0; i < REEF_EXCHANGES_MAX; i++) {
        const names_link *link = &k->links[i];
        if (link->live && link->asked && strcmp(link->server, server) == 0 &&
            link->query.type == type_of(type) && strcmp(link->query.name, name) == 0)
            return NAMES_FIRST_LINK + i;
    }
    fail_msg("%s is not asked for %s of %s", server, type, name);
    return 0;
}

void names_bytes(names_kit *k, uint32_t link, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    bool whole = link_of(k, link)->datagram;
    size_t at = 0;
    do {
        size_t cap = 0, part = len - at;
        void *room = reef_resolver_room(k->resolver, link, &cap);
        if (room == NULL)
            return; /* it has heard enough */
        if (!whole && k->piece > 0 && part > k->piece)
            part = k->piece;
        part = part < cap ? part : cap;
        if (part > 0)
            memcpy(room, from + at, part);
        reef_resolver_received(k->resolver, link, part, k->now_ms);
        at = whole ? len : at + part;
    } while (at < len);
}

void names_hear(names_kit *k, uint32_t link, const char *text)
{
    static names_message m;
    static unsigned char framed[sizeof m.bytes + 2];
    const names_link *from = link_of(k, link);
    names_build(&m, &from->query, text);
    framed[0] = (unsigned char)(m.len >> 8);
    framed[1] = (unsigned char)m.len;
    memcpy(framed + 2, m.bytes, m.len);
    if (from->datagram)
        names_bytes(k, link, m.bytes, m.len);
    else
        names_bytes(k, link, framed, m.len + 2);
    names_run(k);
}

void names_say(names_kit *k, uint32_t link, const char *text)
{
    link_of(k, link)->asked = false;
    names_hear(k, link, text);
}

void names_close(names_kit *k, uint32_t link, int sys_errno)
{
    link_of(k, link)->live = link_of(k, link)->asked = false;
    k->closes++;
    reef_resolver_closed(k->resolver, link, sys_errno, k->now_ms);
    names_run(k);
}

/* ---- look-ups ----------------------------------------------------------------- */

static reef_lookup *look_for(names_kit *k, const char *name, bool srv, bool fresh,
                             int64_t timeout_ms)
{
    reef_lookup_wish wish = {.name = name,
                             .srv = srv,
                             .port = NAMES_PORT,
                             .fresh = fresh,
                             .deadline_ms = k->now_ms + timeout_ms};
    reef_lookup *l = reef_lookup_new(k->resolver, &wish);
    names_run(k);
    return l;
}

reef_lookup *names_look(names_kit *k, const char *name, bool srv, int64_t timeout_ms)
{
    return look_for(k, name, srv, false, timeout_ms);
}

reef_lookup *names_look_fresh(names_kit *k, const char *name, bool srv,
                              int64_t timeout_ms)
{
    return look_for(k, name, srv, true, timeout_ms);
}

void names_ready(reef_lookup *l, const char *address, uint16_t port)
{
    reef_endpoint endpoint;
    reef_error why;
    reef_lookup_state state = reef_lookup_next(l, &endpoint);
    reef_lookup_why(l, &why);
    if (state != REEF_LOOKUP_READY)
        fail_msg("%s is not ready: %d, %s", address, (int)state, why.text);
    assert_string_equal(endpoint.address, address);
    assert_int_equal(endpoint.port, port);
}

void names_wait(reef_lookup *l)
{
    reef_endpoint endpoint;
    assert_int_equal(reef_lookup_next(l, &endpoint), REEF_LOOKUP_WAIT);
}

void names_end(reef_lookup *l)
{
    reef_endpoint endpoint;
    assert_int_equal(reef_lookup_next(l, &endpoint), REEF_LOOKUP_END);
}

void names_failed(reef_lookup *l, const char *text)
{
    reef_error why;
    names_end(l);
    reef_lookup_why(l, &why);
    assert_int_equal(why.code, REEF_DNS);
    assert_true(strlen(why.text) < 200);
    if (strstr(why.text, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, why.text);
}
