/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/dns_messages.h"

#include <string.h>

enum {
    MESSAGE_ANSWER = 0,
    MESSAGE_AUTHORITY = 1,
    MESSAGE_ADDITIONAL = 2,
    MESSAGE_QUESTION_AT = 12,
    MESSAGE_REACH = 23000, /* of so many bytes most are targets, below 2^14 */
    MESSAGE_CNAME = 5,
    MESSAGE_SOA = 6,
    MESSAGE_JUNK = 65280, /* a type for private use: nobody reads its data */
    MESSAGE_LABELS = 127  /* of one byte: a name of 255 */
};

static const char message_service[] = "_redis._tcp.caches.example";

static void message_u8(dns_message *m, unsigned n)
{
    m->bytes[m->len++] = (unsigned char)n;
}

static void message_u16(dns_message *m, unsigned n)
{
    message_u8(m, n >> 8);
    message_u8(m, n & 255);
}

static void message_set_u16(dns_message *m, size_t at, size_t n)
{
    m->bytes[at] = (unsigned char)(n >> 8);
    m->bytes[at + 1] = (unsigned char)n;
}

static void message_label(dns_message *m, const char *text, size_t len)
{
    message_u8(m, (unsigned)len);
    memcpy(m->bytes + m->len, text, len);
    m->len += len;
}

static void message_name(dns_message *m, const char *text)
{
    for (const char *dot; (dot = strchr(text, '.')) != NULL; text = dot + 1)
        message_label(m, text, (size_t)(dot - text));
    message_label(m, text, strlen(text));
    message_u8(m, 0);
}

static void message_pointer(dns_message *m, size_t to)
{
    message_u16(m, 0xC000 | (unsigned)to);
}

/* Header and question. */
static void message_begin(dns_message *m, const char *name)
{
    static const unsigned char head[12] = {0x12, 0x34, 0x85, 0x80, 0, 1};
    memset(m, 0, sizeof *m);
    memcpy(m->bytes, head, sizeof head);
    m->len = sizeof head;
    message_name(m, name);
    m->question.id = 0x1234;
    m->question.type = REEF_DNS_SRV;
    m->question.name.len = (uint8_t)(m->len - sizeof head);
    memcpy(m->question.name.bytes, m->bytes + sizeof head, m->question.name.len);
    message_u16(m, REEF_DNS_SRV);
    message_u16(m, 1);
    m->outcome = REEF_DNS_OK;
}

static void message_end(dns_message *m)
{
    for (size_t section = 0; section < 3; section++)
        message_set_u16(m, 6 + 2 * section, m->records[section]);
}

/* What follows the owner; the length of the data is set when it is there. */
static size_t message_record(dns_message *m, int section, unsigned type)
{
    m->records[section]++;
    message_u16(m, type);
    message_u16(m, 1);
    message_u16(m, 0);
    message_u16(m, 60);
    message_u16(m, 0);
    return m->len;
}

static void message_data_end(dns_message *m, size_t data)
{
    message_set_u16(m, data - 2, m->len - data);
}

/* An SRV record up to its target; its port tells it from others. */
static size_t message_srv(dns_message *m, size_t owner, unsigned port)
{
    message_pointer(m, owner);
    size_t data = message_record(m, MESSAGE_ANSWER, REEF_DNS_SRV);
    message_u16(m, 10);
    message_u16(m, 5);
    message_u16(m, port);
    return data;
}

static void message_srv_to(dns_message *m, size_t owner, unsigned port, size_t target)
{
    size_t data = message_srv(m, owner, port);
    message_pointer(m, target);
    message_data_end(m, data);
}

static void message_alias(dns_message *m, size_t owner, size_t alias)
{
    message_pointer(m, owner);
    size_t data = message_record(m, MESSAGE_ANSWER, MESSAGE_CNAME);
    message_pointer(m, alias);
    message_data_end(m, data);
}

/* An A record without its owner. */
static void message_address(dns_message *m, unsigned number)
{
    size_t data = message_record(m, MESSAGE_ADDITIONAL, REEF_DNS_A);
    message_u16(m, 0x0A00);
    message_u16(m, number);
    message_data_end(m, data);
}

/* Three characters of a host's name, another for each number below 32,768. */
static void message_tag(char out[3], size_t number)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz012345";
    for (size_t i = 0; i < 3; i++, number /= 32)
        out[i] = digits[number % 32];
}

/* ---- as servers send them ----------------------------------------------------- */

/* As most servers do it: owners are pointers, targets are not. */
void dns_message_small(dns_message *m, size_t limit)
{
    size_t targets[5];
    char name[] = "db0.example";
    (void)limit;
    message_begin(m, message_service);
    for (size_t i = 0; i < 5; i++) {
        size_t data = message_srv(m, MESSAGE_QUESTION_AT, 6379);
        name[2] = (char)('1' + i);
        targets[i] = m->len;
        message_name(m, name);
        message_data_end(m, data);
    }
    for (unsigned i = 0; i < 5; i++) {
        message_pointer(m, targets[i]);
        message_address(m, i);
    }
    message_pointer(m, targets[0]);
    size_t data = message_record(m, MESSAGE_ADDITIONAL, REEF_DNS_AAAA);
    message_name(m, "x.y.z.a.b.c.d"); /* any 16 bytes will do */
    message_u8(m, 1);
    message_data_end(m, data);
    message_end(m);
    m->srv_count = m->target_count = 5;
    m->address_count = 6;
}

/* Glue points to its target, where a pointer can reach that far. */
void dns_message_service(dns_message *m, size_t limit)
{
    char name[] = "node-000.example";
    enum { SERVICE_NAME = 18, SERVICE_SRV = 18 + SERVICE_NAME, SERVICE_A = 14 };
    message_begin(m, message_service);
    size_t first = m->len, owner = limit <= MESSAGE_REACH ? 2 : SERVICE_NAME;
    size_t count = (limit - first) / (SERVICE_SRV + owner + SERVICE_A);
    for (size_t i = 0; i < count; i++) {
        size_t data = message_srv(m, MESSAGE_QUESTION_AT, 6379);
        message_tag(name + 5, i);
        message_name(m, name);
        message_data_end(m, data);
    }
    for (size_t i = 0; i < count; i++) {
        message_tag(name + 5, i);
        if (owner == 2)
            message_pointer(m, first + i * SERVICE_SRV + 18);
        else
            message_name(m, name);
        message_address(m, (unsigned)i);
    }
    message_end(m);
    m->srv_count = m->target_count = m->address_count = (uint32_t)count;
}

/* ---- meant to hurt ------------------------------------------------------------ */

/* A record of junk, in whose data names can lie. */
static size_t message_junk(dns_message *m)
{
    message_u8(m, 0);
    return message_record(m, MESSAGE_ANSWER, MESSAGE_JUNK);
}

/* `count` pointers, the first to `to`, each of the others to the one before; returns
 * where the last one is. */
static size_t message_hops(dns_message *m, size_t to, size_t count)
{
    while (count-- > 0) {
        size_t at = m->len;
        message_pointer(m, to);
        to = at;
    }
    return to;
}

/* A name of `count` labels, the last of them `last`, the others "a", each behind a
 * pointer; returns where it begins. */
static size_t message_stairs(dns_message *m, char last, size_t count)
{
    size_t at = m->len;
    message_label(m, &last, 1);
    message_u8(m, 0);
    while (--count > 0) {
        size_t below = at;
        at = m->len;
        message_label(m, "a", 1);
        message_pointer(m, below);
    }
    return at;
}

/* A question of MESSAGE_LABELS labels. */
static void message_begin_long(dns_message *m)
{
    char name[2 * MESSAGE_LABELS];
    for (size_t i = 0; i < MESSAGE_LABELS; i++)
        memcpy(name + 2 * i, i + 1 < MESSAGE_LABELS ? "a." : "a", 2);
    message_begin(m, name);
}

void dns_message_chains(dns_message *m, size_t limit)
{
    message_begin(m, message_service);
    size_t data = message_junk(m);
    size_t owner = message_hops(m, MESSAGE_QUESTION_AT, REEF_DNS_HOPS_MAX - 1);
    size_t target = m->len;
    message_name(m, "db1.example");
    target = message_hops(m, target, REEF_DNS_HOPS_MAX - 1);
    message_data_end(m, data);
    while (m->len + 20 <= limit)
        message_srv_to(m, owner, ++m->srv_count, target);
    message_end(m);
    m->target_count = 1;
}

void dns_message_entries(dns_message *m, size_t limit)
{
    message_begin(m, message_service);
    size_t data = message_junk(m);
    size_t owner = message_hops(m, MESSAGE_QUESTION_AT, REEF_DNS_HOPS_MAX - 2);
    size_t target = m->len;
    message_name(m, "db1.example");
    target = message_hops(m, target, REEF_DNS_HOPS_MAX - 2);
    size_t count = (limit - m->len) / 24, entries = m->len;
    for (size_t i = 0; i < count; i++) {
        message_pointer(m, owner);
        message_pointer(m, target);
    }
    message_data_end(m, data);
    for (size_t i = 0; i < count; i++)
        message_srv_to(m, entries + 4 * i, ++m->srv_count, entries + 4 * i + 2);
    message_end(m);
    m->target_count = 1;
}

void dns_message_long(dns_message *m, size_t limit)
{
    char tag[3];
    message_begin_long(m);
    size_t data = message_junk(m);
    size_t owner = message_stairs(m, 'a', MESSAGE_LABELS);
    size_t parent = owner - 4 * 2; /* 125 labels: with the tag's it is 255 bytes */
    message_data_end(m, data);
    while (m->len + 24 <= limit) {
        data = message_srv(m, owner, 6379);
        message_tag(tag, m->srv_count++);
        message_label(m, tag, 3);
        message_pointer(m, parent);
        message_data_end(m, data);
    }
    message_end(m);
    m->target_count = m->srv_count;
}

void dns_message_ports(dns_message *m, size_t limit)
{
    message_begin(m, message_service);
    while (m->len + 20 <= limit)
        message_srv_to(m, MESSAGE_QUESTION_AT, ++m->srv_count,
                       MESSAGE_QUESTION_AT + 12);
    message_end(m);
    m->target_count = 1;
}

void dns_message_twins(dns_message *m, size_t limit)
{
    message_begin(m, message_service);
    while (m->len + 20 <= limit)
        message_srv_to(m, MESSAGE_QUESTION_AT, 6379, MESSAGE_QUESTION_AT + 12);
    message_end(m);
    m->srv_count = m->target_count = 1;
}

void dns_message_targets(dns_message *m, size_t limit)
{
    char tag[3];
    message_begin(m, message_service);
    while (m->len + 23 <= limit) {
        size_t data = message_srv(m, MESSAGE_QUESTION_AT, 6379);
        message_tag(tag, m->srv_count++);
        message_label(m, tag, 3);
        message_u8(m, 0);
        message_data_end(m, data);
    }
    message_end(m);
    m->target_count = m->srv_count;
}

void dns_message_labels(dns_message *m, size_t limit)
{
    enum { LABELS = 120 };
    char tag[3];
    message_begin(m, message_service);
    while (m->len + 23 + 2 * LABELS <= limit) {
        size_t data = message_srv(m, MESSAGE_QUESTION_AT, 6379);
        for (size_t i = 0; i < LABELS; i++)
            message_label(m, "abcdefghijklmnopqrstuvwxyz" + (i + m->srv_count) % 26, 1);
        message_tag(tag, m->srv_count++);
        message_label(m, tag, 3);
        message_u8(m, 0);
        message_data_end(m, data);
    }
    message_end(m);
    m->target_count = m->srv_count;
}

void dns_message_glue(dns_message *m, size_t limit)
{
    message_begin(m, message_service);
    message_srv_to(m, MESSAGE_QUESTION_AT, 6379, MESSAGE_QUESTION_AT + 12);
    while (m->len + 16 <= limit) {
        message_pointer(m, MESSAGE_QUESTION_AT + 12);
        message_address(m, m->address_count++);
    }
    message_end(m);
    m->srv_count = m->target_count = 1;
}

void dns_message_strangers(dns_message *m, size_t limit)
{
    char tag[3];
    message_begin(m, message_service);
    size_t data = message_junk(m);
    size_t target = message_stairs(m, 'b', MESSAGE_LABELS);
    size_t parent = message_stairs(m, 'a', MESSAGE_LABELS - 2);
    message_data_end(m, data);
    message_srv_to(m, MESSAGE_QUESTION_AT, 6379, target);
    for (size_t i = 0; m->len + 20 <= limit; i++) {
        message_tag(tag, i);
        message_label(m, tag, 3);
        message_pointer(m, parent);
        message_address(m, (unsigned)i);
    }
    message_end(m);
    m->srv_count = m->target_count = 1;
}

void dns_message_owners(dns_message *m, size_t limit)
{
    message_begin_long(m);
    size_t data = message_junk(m);
    size_t stranger = message_stairs(m, 'b', MESSAGE_LABELS);
    message_data_end(m, data);
    message_srv_to(m, MESSAGE_QUESTION_AT, 6379, MESSAGE_QUESTION_AT);
    for (unsigned port = 1; m->len + 20 <= limit; port++)
        message_srv_to(m, stranger, port, MESSAGE_QUESTION_AT);
    message_end(m);
    m->srv_count = m->target_count = 1;
}

void dns_message_aliases(dns_message *m, size_t limit)
{
    size_t names[REEF_DNS_CHAIN_MAX + 1] = {MESSAGE_QUESTION_AT};
    message_begin_long(m);
    size_t data = message_junk(m);
    for (int i = 1; i <= REEF_DNS_CHAIN_MAX; i++)
        names[i] = message_stairs(m, (char)('b' + i), MESSAGE_LABELS);
    size_t stranger = message_stairs(m, 'b', MESSAGE_LABELS);
    message_data_end(m, data);
    message_srv_to(m, names[REEF_DNS_CHAIN_MAX], 6379, names[1]);
    while (m->len + 14 * (REEF_DNS_CHAIN_MAX + 1) <= limit)
        message_alias(m, stranger, MESSAGE_QUESTION_AT);
    for (int i = REEF_DNS_CHAIN_MAX; i > 0; i--)
        message_alias(m, names[i - 1], names[i]);
    message_end(m);
    m->srv_count = m->target_count = 1;
}

void dns_message_authority(dns_message *m, size_t limit)
{
    static const unsigned char numbers[20] = {0};
    message_begin_long(m);
    size_t data = message_junk(m);
    size_t zone = message_stairs(m, 'a', MESSAGE_LABELS);
    message_data_end(m, data);
    while (m->len + 36 <= limit) {
        message_pointer(m, zone);
        data = message_record(m, MESSAGE_AUTHORITY, MESSAGE_SOA);
        message_pointer(m, zone);
        message_pointer(m, zone);
        memcpy(m->bytes + m->len, numbers, sizeof numbers);
        m->len += sizeof numbers;
        message_data_end(m, data);
    }
    message_end(m);
    m->outcome = REEF_DNS_NODATA;
}
