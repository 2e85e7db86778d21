/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_plain: a reader of DNS answers for the fuzzer, plain and slow: every name is
 * expanded, every record is compared with every other. It shares no code with net/'s,
 * so that what both find is likely to be right. */
#ifndef REEF_FUZZ_DNS_PLAIN_H
#define REEF_FUZZ_DNS_PLAIN_H
#include "net/dns.h"

#include <string.h>

enum {
    PLAIN_BYTES_MAX = 4096,
    PLAIN_RECORDS_MAX = PLAIN_BYTES_MAX / REEF_DNS_RECORD_MIN,
    PLAIN_NS = 2,
    PLAIN_CNAME = 5,
    PLAIN_SOA = 6,
    PLAIN_OPT = 41
};

static unsigned plain_u16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t plain_u32(const unsigned char *at)
{
    return (uint32_t)plain_u16(at) << 16 | plain_u16(at + 2);
}

static bool plain_letter(unsigned char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool plain_equal(const reef_dns_name *a, const reef_dns_name *b)
{
    bool same = a->len == b->len;
    for (size_t i = 0; same && i < a->len; i++)
        same = a->bytes[i] == b->bytes[i] ||
               (plain_letter(a->bytes[i]) && (a->bytes[i] ^ b->bytes[i]) == 0x20);
    return same;
}

/* Whether a host can have it: letters, digits, "_", and "-" inside of a label. */
static bool plain_host(const reef_dns_name *name)
{
    for (size_t at = 0; name->len > 1 && name->bytes[at] != 0;
         at += 1u + name->bytes[at]) {
        const unsigned char *label = name->bytes + at;
        for (size_t i = 1; i <= label[0]; i++) {
            bool inside = i > 1 && i < label[0];
            if (!(label[i] >= '0' && label[i] <= '9') && !plain_letter(label[i]) &&
                label[i] != '_' && !(label[i] == '-' && inside))
                return false;
        }
    }
    return name->len > 1;
}

typedef struct plain_record {
    reef_dns_name owner, host; /* host: of CNAME and SRV, len 0 if it is broken */
    unsigned type, class, section;
    uint32_t ttl;
    const unsigned char *data;
    size_t len;
} plain_record;

typedef struct plain_message {
    const unsigned char *bytes;
    size_t len;
    plain_record records[PLAIN_RECORDS_MAX];
    size_t count;
    reef_dns_name targets[PLAIN_RECORDS_MAX]; /* the answer's */
    bool good;                                /* it has what its header says */
    bool doubt; /* a record is broken, or a matter of taste */
} plain_message;

/* The name at `at`; returns where what follows it begins, 0 if it is none. */
static size_t plain_name(const plain_message *m, size_t at, reef_dns_name *out)
{
    size_t end = 0, least = at, hops = 0, len = 0;
    while (at < m->len) {
        unsigned head = m->bytes[at];
        if (head >= 0xC0) {
            size_t to = at + 1 < m->len ? plain_u16(m->bytes + at) & 0x3FFFu : m->len;
            end = end == 0 ? at + 2 : end;
            if (to < 12 || to >= least || ++hops > REEF_DNS_HOPS_MAX)
                return 0;
            at = least = to;
            continue;
        }
        if (head > 63 || at + 1 + head > m->len || len + 1 + head > REEF_DNS_WIRE_MAX)
            return 0;
        memcpy(out->bytes + len, m->bytes + at, 1 + head);
        len += 1 + head;
        at += 1 + head;
        if (head == 0) {
            out->len = (uint8_t)len;
            return end == 0 ? at : end;
        }
    }
    return 0;
}

/* What more than one reading of is fair, or none. */
static bool plain_doubt(const plain_message *m, const plain_record *r)
{
    if (r->type == PLAIN_CNAME || r->type == REEF_DNS_SRV)
        return r->host.len == 0;
    if (r->type == REEF_DNS_A || r->type == REEF_DNS_AAAA)
        return r->len != (r->type == REEF_DNS_A ? 4 : 16);
    if (r->type != PLAIN_OPT)
        return r->type == PLAIN_SOA || r->type == PLAIN_NS;
    for (size_t i = 0; i < m->count; i++)
        if (m->records[i].type == PLAIN_OPT)
            return true;
    return r->section != 2 || r->owner.len != 1 || r->ttl >> 16 != 0 || r->len > 0;
}

/* The record at `at`; returns where the next one begins, 0 if it is none. */
static size_t plain_next(plain_message *m, size_t at, unsigned section)
{
    plain_record *r = &m->records[m->count];
    at = plain_name(m, at, &r->owner);
    if (at == 0 || m->len - at < 10 || m->count == PLAIN_RECORDS_MAX)
        return 0;
    r->type = plain_u16(m->bytes + at);
    r->class = plain_u16(m->bytes + at + 2);
    r->ttl = plain_u32(m->bytes + at + 4);
    r->len = plain_u16(m->bytes + at + 8);
    r->section = section;
    at += 10;
    r->data = m->bytes + at;
    if (r->len > m->len - at)
        return 0;
    size_t fixed = r->type == REEF_DNS_SRV ? 6 : 0;
    r->host.len = 0;
    if (r->type == PLAIN_CNAME || fixed > 0)
        if (plain_name(m, at + fixed, &r->host) != at + r->len)
            r->host.len = 0;
    m->doubt |= plain_doubt(m, r);
    r->ttl = r->ttl > INT32_MAX ? 0 : r->ttl;
    m->count++;
    return at + r->len;
}

static void plain_read(plain_message *m, reef_str message)
{
    reef_dns_name name;
    m->bytes = (const unsigned char *)message.ptr;
    m->len = message.len;
    m->count = 0;
    m->doubt = false;
    size_t at = plain_name(m, 12, &name);
    at = at == 0 ? 0 : at + 4;
    for (unsigned section = 0; section < 3; section++) {
        unsigned count = plain_u16(m->bytes + 6 + 2 * section);
        while (count-- > 0 && at != 0)
            at = plain_next(m, at, section);
    }
    m->good = at != 0;
    m->doubt |= at != m->len;
}

/* The end of the chain that starts at the name asked for; `least` is its lowest TTL.
 * False: there is no telling, as a name has two aliases. */
static bool plain_chain(const plain_message *m, reef_dns_name *name, uint32_t *least)
{
    for (int hops = 0; hops <= REEF_DNS_CHAIN_MAX; hops++) {
        const plain_record *next = NULL;
        for (size_t i = 0; i < m->count; i++) {
            const plain_record *r = &m->records[i];
            if (r->section != 0 || r->type != PLAIN_CNAME || r->class != 1 ||
                !plain_equal(&r->owner, name))
                continue;
            if (next != NULL || r->host.len == 0)
                return false;
            next = r;
        }
        if (next == NULL)
            return true;
        *least = next->ttl < *least ? next->ttl : *least;
        *name = next->host;
    }
    return false;
}

/* Of the section, in the Internet's class, with this owner if that counts. */
static bool plain_wanted(const plain_record *r, const reef_dns_name *owner,
                         unsigned section)
{
    return r->section == section && r->class == 1 &&
           (owner == NULL || plain_equal(&r->owner, owner));
}

/* An SRV record of this owner that leads somewhere. */
static bool plain_service(const plain_record *r, const reef_dns_name *owner)
{
    return r->type == REEF_DNS_SRV && plain_wanted(r, owner, 0) &&
           plain_host(&r->host) && plain_u16(r->data + 4) != 0;
}

/* An address of this owner, if that counts; `type` 0: of either family. */
static bool plain_place(const plain_record *r, unsigned type,
                        const reef_dns_name *owner, unsigned section)
{
    bool v4 = r->type == REEF_DNS_A && r->len == 4;
    bool v6 = r->type == REEF_DNS_AAAA && r->len == 16;
    return (v4 || v6) && (type == 0 || r->type == type) &&
           plain_wanted(r, owner, section);
}

static bool plain_twin(const plain_record *a, const plain_record *b)
{
    if (a->section != b->section || a->type != b->type || a->class != b->class ||
        !plain_equal(&a->owner, &b->owner))
        return false;
    if (a->type == REEF_DNS_SRV)
        return a->host.len > 0 && b->host.len > 0 && memcmp(a->data, b->data, 6) == 0 &&
               plain_equal(&a->host, &b->host);
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool plain_first(const plain_message *m, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (plain_twin(&m->records[k], &m->records[i]))
            return false;
    return true;
}

#endif
