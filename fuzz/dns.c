/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes names, queries and the reader of answers. Input: a byte of options, the length
 * of a name, an id, the name as text, then the message. What must hold: a name comes
 * back from its text; a query answers nothing; room and message are not overrun; what
 * is read twice is the same, whatever lay in the room, and the letters' case does not
 * count; a bit of id, question, class or kind changed, and it is no answer any more. Of
 * an answer with records, all are what a plain and slow reader finds, too. */
#include "fuzz/dns_plain.h"
#include "net/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    DNS_FUZZ_HEAD = 4,
    DNS_FUZZ_MAX = PLAIN_BYTES_MAX,
    DNS_FUZZ_TCP = 1,
    DNS_FUZZ_TYPE = 6, /* SRV, A, AAAA, SRV */
    DNS_FUZZ_OWN = 8   /* the question is the message's own */
};

static void fuzz_must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static uint64_t fuzz_blend(uint64_t hash, uint64_t n)
{
    hash = (hash ^ n) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t fuzz_blend_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    hash = fuzz_blend(hash, len);
    for (size_t i = 0; i < len; i++)
        hash = fuzz_blend(hash, at[i]);
    return hash;
}

/* A copy of the very size, so that a sanitizer sees a read past it. */
static unsigned char *fuzz_copy(const void *bytes, size_t len)
{
    unsigned char *copy = malloc(len > 0 ? len : 1);
    fuzz_must(copy != NULL, "out of memory");
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

/* ---- names -------------------------------------------------------------------- */

static void fuzz_name_shape(const reef_dns_name *name)
{
    size_t at = 0;
    fuzz_must(name->len > 0, "a name has a root");
    while (name->bytes[at] != 0) {
        fuzz_must(name->bytes[at] <= 63, "a label has 63 bytes at most");
        at += 1u + name->bytes[at];
        fuzz_must(at < name->len, "labels end within the name");
    }
    fuzz_must(at + 1 == name->len, "the root is last");
}

static void fuzz_name_back(const reef_dns_name *name)
{
    char text[REEF_DNS_TEXT_MAX];
    reef_dns_name back;
    size_t len = reef_dns_name_text(name, text);
    fuzz_must(len > 0 && len < sizeof text && strlen(text) == len, "a text has an end");
    for (size_t i = 0; i < len; i++)
        fuzz_must(text[i] > ' ' && text[i] <= '~', "a text can be printed");
    fuzz_must(reef_dns_name_parse(&back, (reef_str){text, len}), "a text is a name");
    fuzz_must(back.len == name->len && memcmp(back.bytes, name->bytes, name->len) == 0,
              "and the same one");
    fuzz_must(reef_dns_name_equal(&back, name), "which is equal");
}

static bool fuzz_name(reef_dns_name *name, const uint8_t *text, size_t len)
{
    unsigned char *exact = fuzz_copy(text, len);
    bool good = reef_dns_name_parse(name, (reef_str){(char *)exact, len});
    free(exact);
    if (!good)
        return false;
    fuzz_name_shape(name);
    fuzz_name_back(name);
    return true;
}

static void fuzz_swap_case(reef_dns_name *name)
{
    for (size_t at = 0; name->bytes[at] != 0; at += 1u + name->bytes[at])
        for (size_t i = at + 1; i <= at + name->bytes[at]; i++)
            name->bytes[i] ^= plain_letter(name->bytes[i]) ? 0x20 : 0;
}

/* ---- reading, and what of an answer can be told -------------------------------- */

typedef struct fuzz_reading {
    reef_dns_answer answer;
    unsigned char *message, *room;
    size_t len, cap;
} fuzz_reading;

static fuzz_reading fuzz_read(reef_str message, bool tcp, const reef_dns_question *q,
                              unsigned char litter)
{
    fuzz_reading r = {.len = message.len, .cap = reef_dns_room(message.len)};
    r.message = fuzz_copy(message.ptr, message.len);
    r.room = malloc(r.cap > 0 ? r.cap : 1);
    fuzz_must(r.room != NULL, "out of memory");
    memset(r.room, litter, r.cap);
    memset(&r.answer, litter, sizeof r.answer);
    reef_dns_decode(&r.answer, (reef_str){(char *)r.message, r.len}, tcp, q, r.room);
    return r;
}

static void fuzz_release(fuzz_reading *r)
{
    free(r->message);
    free(r->room);
}

/* An array lies in the room. */
static void fuzz_inside(const fuzz_reading *r, const void *array, size_t count,
                        size_t size)
{
    if (count == 0)
        return;
    uintptr_t begin = (uintptr_t)r->room, at = (uintptr_t)array;
    fuzz_must(at >= begin && at - begin <= r->cap, "an array begins in the room");
    fuzz_must(count <= (r->cap - (at - begin)) / size, "and ends there");
}

/* The name of a target as it is in a message. */
static reef_dns_name fuzz_target(const fuzz_reading *r, uint32_t target)
{
    char text[REEF_NAME_MAX + 1];
    reef_dns_name name;
    memset(text, 'x', sizeof text);
    reef_dns_target_name(&r->answer, (reef_str){(char *)r->message, r->len}, target,
                         text);
    size_t len = strnlen(text, sizeof text);
    fuzz_must(len > 0 && len <= REEF_NAME_MAX, "a target's name ends");
    fuzz_must(text[len - 1] != '.', "not with a dot");
    fuzz_must(reef_dns_name_parse(&name, (reef_str){text, len}), "it is a name");
    fuzz_must(plain_host(&name), "that a host can have");
    return name;
}

static uint64_t fuzz_targets(const fuzz_reading *r, uint64_t digest)
{
    const reef_dns_answer *a = &r->answer;
    for (uint32_t i = 0; i < a->target_count; i++) {
        const reef_dns_target *target = &a->targets[i];
        const reef_dns_name name = fuzz_target(r, i);
        uint32_t addresses = 0;
        fuzz_must(target->at < r->len, "a target is in the message");
        fuzz_must(target->len == name.len, "and as long as it says");
        for (uint32_t k = 0; k < a->address_count; k++)
            addresses += a->addresses[k].target == i ? 1 : 0;
        fuzz_must(target->addresses == addresses, "its addresses are counted");
        digest = fuzz_blend_bytes(digest, name.bytes, name.len);
    }
    return digest;
}

/* Everything that may be looked at in an answer, and whether it hangs together. */
static uint64_t fuzz_answer(const fuzz_reading *r, const reef_dns_question *q)
{
    const reef_dns_answer *a = &r->answer;
    uint64_t digest = fuzz_blend((uint64_t)a->outcome, a->rcode);
    const char *word = reef_dns_outcome_name(a->outcome);
    fuzz_must(word != NULL && word[0] != 0, "an outcome has a name");
    fuzz_inside(r, a->srv, a->srv_count, sizeof a->srv[0]);
    fuzz_inside(r, a->targets, a->target_count, sizeof a->targets[0]);
    fuzz_inside(r, a->addresses, a->address_count, sizeof a->addresses[0]);
    digest = fuzz_blend(digest, (a->edns ? 1u : 0) + (a->has_rcode ? 2u : 0) +
                                    (a->partial ? 4u : 0) + (a->negative ? 8u : 0));
    if (a->negative)
        fuzz_must(a->negative_ttl <= INT32_MAX, "no time has its top bit set");
    if (a->outcome == REEF_DNS_CNAME) {
        fuzz_name_shape(&a->alias);
        digest = fuzz_blend_bytes(digest, a->alias.bytes, a->alias.len);
    }
    if (a->outcome != REEF_DNS_OK)
        return digest;
    fuzz_must(a->ttl <= INT32_MAX, "no time has its top bit set");
    fuzz_must(a->has_rcode && a->rcode == 0, "OK is an answer without a failure");
    fuzz_must((q->type == REEF_DNS_SRV) == (a->srv_count > 0), "records of the type");
    fuzz_must((a->srv_count > 0) == (a->target_count > 0), "records have targets");
    fuzz_must(a->srv_count > 0 || a->address_count > 0, "OK has records");
    digest = fuzz_targets(r, fuzz_blend(digest, a->ttl));
    for (uint32_t i = 0; i < a->srv_count; i++) {
        const reef_dns_srv *srv = &a->srv[i];
        fuzz_must(srv->target < a->target_count && srv->port != 0, "a record is whole");
        digest = fuzz_blend(digest, (uint64_t)srv->priority << 48 | srv->weight);
        digest = fuzz_blend(digest, (uint64_t)srv->port << 48 | srv->target);
        digest = fuzz_blend(digest, srv->ttl);
    }
    for (uint32_t i = 0; i < a->address_count; i++) {
        const reef_dns_address *address = &a->addresses[i];
        size_t len = q->type == REEF_DNS_A ? 4 : 16;
        fuzz_must(address->len == 4 || address->len == 16, "an address has a length");
        fuzz_must(a->srv_count > 0 ? address->target < a->target_count
                                   : address->target == 0 && address->len == len,
                  "it is somebody's");
        digest = fuzz_blend_bytes(digest, address->bytes, address->len);
    }
    return digest;
}

/* ---- what must not count, and what must --------------------------------------- */

static reef_dns_outcome fuzz_outcome_of(reef_str message, bool tcp,
                                        const reef_dns_question *q)
{
    fuzz_reading r = fuzz_read(message, tcp, q, 0x5A);
    reef_dns_outcome outcome = r.answer.outcome;
    fuzz_answer(&r, q);
    fuzz_release(&r);
    return outcome;
}

/* The message with one byte changed is no answer. */
static void fuzz_no_answer(reef_str message, bool tcp, const reef_dns_question *q,
                           size_t at, unsigned char change)
{
    unsigned char *other = fuzz_copy(message.ptr, message.len);
    other[at] ^= change;
    fuzz_must(fuzz_outcome_of((reef_str){(char *)other, message.len}, tcp, q) ==
                  REEF_DNS_IGNORE,
              "an answer to something else is none");
    free(other);
}

static void fuzz_bits(reef_str message, bool tcp, const reef_dns_question *q,
                      unsigned salt)
{
    reef_dns_question other = *q;
    other.id ^= (uint16_t)(1u << salt % 16);
    fuzz_must(fuzz_outcome_of(message, tcp, &other) == REEF_DNS_IGNORE, "another id");
    if (message.ptr[4] == 0 && message.ptr[5] == 0)
        return; /* a failure that repeats no question */
    other = *q;
    other.type = q->type == REEF_DNS_A ? REEF_DNS_AAAA : REEF_DNS_A;
    fuzz_must(fuzz_outcome_of(message, tcp, &other) == REEF_DNS_IGNORE, "another type");
    size_t end = 12u + q->name.len;
    fuzz_no_answer(message, tcp, q, 2, 0x80);
    fuzz_no_answer(message, tcp, q, 2, (unsigned char)(0x08u << salt % 4));
    fuzz_no_answer(message, tcp, q, end + salt % 2, 1);
    fuzz_no_answer(message, tcp, q, end + 2 + salt % 2, 0x10);
    if (q->name.len > 1) {
        other = *q;
        other.name.bytes[1 + salt % other.name.bytes[0]] ^= 1;
        fuzz_must(fuzz_outcome_of(message, tcp, &other) == REEF_DNS_IGNORE,
                  "another name");
    }
}

static void fuzz_query(const reef_dns_question *q)
{
    for (int flags = 0; flags < 4; flags++) {
        unsigned char *query = malloc(REEF_DNS_QUERY_MAX);
        fuzz_must(query != NULL, "out of memory");
        size_t len = reef_dns_query(query, q, (flags & 1) != 0, (flags & 2) != 0);
        reef_str bytes = {(char *)query, len};
        fuzz_must(len >= 16u + q->name.len && len <= REEF_DNS_QUERY_MAX, "its length");
        fuzz_must(fuzz_outcome_of(bytes, true, q) == REEF_DNS_IGNORE, "no answer");
        query[2] |= 0x80;
        reef_dns_outcome outcome = fuzz_outcome_of(bytes, true, q);
        fuzz_must(outcome != REEF_DNS_IGNORE && outcome != REEF_DNS_OK, "an empty one");
        free(query);
    }
}

/* ---- against the plain reader ------------------------------------------------- */

/* The next address of the answer is this record's, where the record is glue or asked
 * for. */
static void plain_address(const fuzz_reading *r, const plain_message *m,
                          const plain_record *record, uint32_t *at)
{
    const reef_dns_answer *a = &r->answer;
    uint32_t target = 0;
    while (target < a->target_count &&
           !plain_equal(&m->targets[target], &record->owner))
        target++;
    if (target == a->target_count && a->srv_count > 0)
        return;
    fuzz_must(*at < a->address_count, "no address is left out");
    const reef_dns_address *address = &a->addresses[(*at)++];
    fuzz_must(address->target == (a->srv_count > 0 ? target : 0), "it is its owner's");
    fuzz_must(address->len == record->len &&
                  memcmp(address->bytes, record->data, record->len) == 0,
              "an address is the record's");
}

static void plain_addresses(const fuzz_reading *r, const plain_message *m,
                            const reef_dns_name *owner, unsigned type)
{
    bool glue = type == REEF_DNS_SRV;
    uint32_t at = 0;
    for (size_t i = 0; i < m->count; i++)
        if (plain_place(&m->records[i], glue ? 0 : type, glue ? NULL : owner,
                        glue ? 2 : 0) &&
            plain_first(m, i))
            plain_address(r, m, &m->records[i], &at);
    fuzz_must(at == r->answer.address_count, "no address is made up");
}

static void plain_services(const fuzz_reading *r, const plain_message *m,
                           const reef_dns_name *owner)
{
    const reef_dns_answer *a = &r->answer;
    uint32_t at = 0;
    for (size_t i = 0; i < m->count; i++) {
        const plain_record *record = &m->records[i];
        if (!plain_service(record, owner) || !plain_first(m, i))
            continue;
        fuzz_must(at < a->srv_count, "no record is left out");
        const reef_dns_srv *srv = &a->srv[at++];
        fuzz_must(srv->priority == plain_u16(record->data) &&
                      srv->weight == plain_u16(record->data + 2) &&
                      srv->port == plain_u16(record->data + 4),
                  "a record's numbers are its own");
        fuzz_must(plain_equal(&m->targets[srv->target], &record->host),
                  "and so is its target");
    }
    fuzz_must(at == a->srv_count, "no record is made up");
    for (uint32_t i = 0; i < a->target_count; i++)
        for (uint32_t k = 0; k < i; k++)
            fuzz_must(!plain_equal(&m->targets[k], &m->targets[i]),
                      "a target is there once");
}

/* How many records a message without errors has for the question. */
static size_t plain_records(const plain_message *m, const reef_dns_name *owner,
                            unsigned type)
{
    size_t found = 0;
    if ((m->bytes[2] & 2) != 0 || (m->bytes[3] & 15) != 0 || m->doubt)
        return 0;
    for (size_t i = 0; i < m->count; i++) {
        const plain_record *r = &m->records[i];
        bool service = type == REEF_DNS_SRV && plain_service(r, owner);
        found += service || (type != REEF_DNS_SRV && plain_place(r, type, owner, 0));
    }
    return found;
}

/* Of a message that answers the question. */
static void plain_compare(const fuzz_reading *r, const reef_dns_question *q)
{
    static plain_message m;
    reef_dns_name owner = q->name;
    uint32_t least = UINT32_MAX;
    bool ok = r->answer.outcome == REEF_DNS_OK;
    plain_read(&m, (reef_str){(char *)r->message, r->len});
    fuzz_must(m.good || !ok, "a message with records can be read to its end");
    if (!m.good || !plain_chain(&m, &owner, &least))
        return;
    fuzz_must(ok || plain_records(&m, &owner, q->type) == 0, "records are seen");
    if (!ok)
        return;
    for (uint32_t i = 0; i < r->answer.target_count; i++)
        m.targets[i] = fuzz_target(r, i);
    fuzz_must(r->answer.ttl <= least, "an alias ends with its time");
    if (q->type == REEF_DNS_SRV)
        plain_services(r, &m, &owner);
    plain_addresses(r, &m, &owner, q->type);
}

/* ---- one input ----------------------------------------------------------------- */

/* The question that the message itself repeats, where that is one. */
static bool fuzz_own_question(reef_str message, reef_dns_question *q)
{
    const unsigned char *bytes = (const unsigned char *)message.ptr;
    static plain_message m;
    m.bytes = bytes;
    m.len = message.len;
    size_t end = message.len < 12 ? 0 : plain_name(&m, 12, &q->name);
    if (end != 12u + q->name.len || message.len - end < 4)
        return false;
    q->id = (uint16_t)plain_u16(bytes);
    q->type = (uint16_t)plain_u16(bytes + end);
    return q->type == REEF_DNS_A || q->type == REEF_DNS_AAAA || q->type == REEF_DNS_SRV;
}

static void fuzz_message(reef_str message, bool tcp, const reef_dns_question *q,
                         unsigned salt)
{
    fuzz_reading a = fuzz_read(message, tcp, q, 0x00);
    reef_dns_question swapped = *q;
    fuzz_swap_case(&swapped.name);
    fuzz_reading b = fuzz_read(message, tcp, &swapped, 0xFF);
    fuzz_must(fuzz_answer(&a, q) == fuzz_answer(&b, &swapped), "twice the same");
    fuzz_release(&b);
    if (a.answer.has_rcode)
        plain_compare(&a, q);
    if (a.answer.outcome != REEF_DNS_IGNORE && message.len >= 12)
        fuzz_bits(message, tcp, q, salt);
    fuzz_outcome_of((reef_str){message.ptr, message.len * (salt % 64) / 64}, tcp, q);
    fuzz_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = {REEF_DNS_SRV, REEF_DNS_A, REEF_DNS_AAAA,
                                     REEF_DNS_SRV};
    reef_dns_question q = {.name = {1, {0}}};
    if (size < DNS_FUZZ_HEAD || size > DNS_FUZZ_MAX)
        return 0;
    unsigned flags = data[0];
    size_t name = data[1] < size - DNS_FUZZ_HEAD ? data[1] : size - DNS_FUZZ_HEAD;
    const uint8_t *rest = data + DNS_FUZZ_HEAD + name;
    reef_str message = {(const char *)rest, size - DNS_FUZZ_HEAD - name};
    q.id = (uint16_t)plain_u16(data + 2);
    q.type = types[(flags & DNS_FUZZ_TYPE) / 2];
    if (!fuzz_name(&q.name, data + DNS_FUZZ_HEAD, name))
        q.name = (reef_dns_name){1, {0}};
    fuzz_query(&q);
    reef_dns_question own;
    if ((flags & DNS_FUZZ_OWN) != 0 && fuzz_own_question(message, &own))
        q = own;
    fuzz_message(message, (flags & DNS_FUZZ_TCP) != 0, &q, flags >> 4 | q.id % 61u);
    return 0;
}
