/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer: read against the question that it is to answer.
 *
 * An answer is read front to back, once. Until the answer section ends nobody knows
 * which name the chain of CNAMEs leads to, so all its records of the wanted type are
 * noted with their owners; then the chain is followed from name to name and what it
 * does not lead to is dropped, in place. Only then glue is read, which needs the
 * targets.
 *
 * What decides, first to last: not our question (IGNORE); a broken message, or, if it
 * says itself that it is cut, TRUNCATED; the server's code, which holds for a truncated
 * message too; TC; a chain that does not end; records; an SOA of the zone that the
 * chain's end is in; an alias to ask for; a referral; no data.
 *
 * Nothing is reserved by what a header promises: counts have to fit into the bytes that
 * are left. Names are compared as numbers (dns_name.h), records found again by hash;
 * chains of equal hashes are short or the message is broken. */
#include "net/dns.h"
#include "net/dns_name.h"

#include <string.h>

enum {
    DNS_HEADER = 12,
    DNS_CLASS_IN = 1,
    DNS_TYPE_OPT = 41,
    DNS_IN_A = REEF_DNS_A << 16 | DNS_CLASS_IN, /* kinds: type and class */
    DNS_IN_AAAA = REEF_DNS_AAAA << 16 | DNS_CLASS_IN,
    DNS_IN_SRV = REEF_DNS_SRV << 16 | DNS_CLASS_IN,
    DNS_IN_NS = 2 << 16 | DNS_CLASS_IN,
    DNS_IN_CNAME = 5 << 16 | DNS_CLASS_IN,
    DNS_IN_SOA = 6 << 16 | DNS_CLASS_IN,
    DNS_FLAG_QR = 0x8000,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RA = 0x0080,
    DNS_OPCODE = 0x7800,
    DNS_CODE_FORMERR = 1,
    DNS_CODE_SERVFAIL = 2,
    DNS_CODE_NXDOMAIN = 3,
    DNS_CODE_NOTIMP = 4,
    DNS_CODE_REFUSED = 5,
    DNS_PROBES_MAX = 64 /* records in one bucket; chance makes a dozen of them */
};

/* ---- what is read ------------------------------------------------------------- */

typedef struct dns_reader {
    reef_dns_names names;
    reef_dns_answer *answer;
    uint32_t kind; /* asked for: type and class */
    uint16_t flags;
    uint16_t name;    /* asked for; after the answer section the chain's end … */
    uint16_t name_at; /* … and where that stands */
    uint32_t chain;   /* CNAMEs followed */
    uint32_t noted;   /* records of the answer section, in the arrays */
    bool endless;     /* the chain */
    bool has_ns, has_soa;
    bool unusable; /* an SRV record with port 0 or no target */
    bool misnamed; /* an SRV record whose target is no host's name */
} dns_reader;

typedef struct dns_record {
    uint32_t kind; /* type and class */
    uint16_t owner;
    uint16_t name;  /* in its data: of CNAME, NS and SRV */
    size_t at, len; /* of its data */
} dns_record;

static uint16_t dns_get16(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t dns_get32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Of the record whose data begins there. */
static uint32_t dns_ttl(const unsigned char *data)
{
    uint32_t ttl = dns_get32(data - 6);
    return ttl >> 31 ? 0 : ttl;
}

static void dns_least(uint32_t *least, uint32_t ttl)
{
    *least = ttl < *least ? ttl : *least;
}

/* From `at` on the data of a record is a name and `tail` bytes. */
REEF_DNS_INLINE bool dns_name_in(dns_reader *r, dns_record *record, size_t at,
                                 size_t tail)
{
    record->name = reef_dns_names_next(&r->names, &at);
    return record->name != REEF_DNS_NOWHERE && at + tail == record->at + record->len;
}

static bool dns_soa(dns_reader *r, dns_record *record)
{
    size_t at = record->at;
    return reef_dns_names_read(&r->names, &at) != REEF_DNS_NOWHERE &&
           dns_name_in(r, record, at, 20);
}

/* Options have a code, a length and as many bytes. */
static bool dns_options(const dns_reader *r, const dns_record *record)
{
    size_t left = record->len;
    const unsigned char *at = r->names.bytes + record->at;
    while (left >= 4 && left - 4 >= dns_get16(at + 2)) {
        size_t size = (size_t)dns_get16(at + 2) + 4;
        at += size;
        left -= size;
    }
    return left == 0;
}

/* Data of the types that matter here is looked at wherever it stands. */
REEF_DNS_INLINE bool dns_data(dns_reader *r, dns_record *record)
{
    switch (record->kind) {
    case DNS_IN_SRV:
        return dns_name_in(r, record, record->at + 6, 0);
    case DNS_IN_CNAME:
    case DNS_IN_NS:
        return dns_name_in(r, record, record->at, 0);
    case DNS_IN_SOA:
        return dns_soa(r, record);
    default:
        return record->kind >> 16 != DNS_TYPE_OPT ||
               (record->owner == REEF_DNS_ROOT && dns_options(r, record));
    }
}

REEF_DNS_INLINE bool dns_record_read(dns_reader *r, dns_record *record, size_t *at)
{
    size_t here = *at;
    record->owner = reef_dns_names_next(&r->names, &here);
    if (record->owner == REEF_DNS_NOWHERE || r->names.len - here < 10)
        return false;
    const unsigned char *fixed = r->names.bytes + here;
    record->kind = dns_get32(fixed);
    record->len = dns_get16(fixed + 8);
    record->at = here + 10;
    record->name = REEF_DNS_NOWHERE;
    *at = record->at + record->len;
    return *at <= r->names.len && dns_data(r, record);
}

/* ---- what is kept, each record once ------------------------------------------- */

/* A target's first SRV record and a name's first address are in no bucket: only others
 * are looked up there. */

REEF_DNS_INLINE uint64_t dns_hash(const dns_reader *r, uint64_t a, uint64_t b)
{
    return (a ^ b * 0xD6E8FEB86659FD93) * 0x9E3779B97F4A7C15 >> r->names.shift;
}

/* Gives the target of an SRV record its number. */
static uint16_t dns_target(dns_reader *r, uint16_t name)
{
    reef_dns_answer *answer = r->answer;
    reef_dns_node *node = &r->names.nodes[name];
    if (node->target == 0) {
        reef_dns_target *target = &answer->targets[answer->target_count];
        target->at = node->at;
        target->len = node->len;
        target->addresses = target->first = 0;
        node->target = (uint16_t)++answer->target_count;
    }
    return (uint16_t)(node->target - 1);
}

static bool dns_same_srv(const reef_dns_srv *a, const reef_dns_srv *b)
{
    return a->port == b->port && a->target == b->target && a->weight == b->weight &&
           a->priority == b->priority;
}

/* Written behind the last one, which may be where it was noted, and counted if it is
 * another. False: too many in one bucket. */
REEF_DNS_INLINE bool dns_keep_srv(dns_reader *r, const reef_dns_srv *noted)
{
    reef_dns_answer *answer = r->answer;
    reef_dns_srv *srv = &answer->srv[answer->srv_count];
    uint32_t probes = 0;
    if (srv != noted)
        *srv = *noted;
    srv->target = dns_target(r, srv->target);
    dns_least(&answer->ttl, srv->ttl);
    uint16_t *bucket = &answer->targets[srv->target].first;
    if (*bucket != 0) {
        if (dns_same_srv(&answer->srv[*bucket - 1], srv))
            return true;
        uint64_t key =
            (uint64_t)srv->priority << 32 | (uint64_t)srv->weight << 16 | srv->port;
        bucket = &r->names.spare[0][dns_hash(r, key, srv->target)];
    }
    for (uint32_t i = *bucket; i != 0; i = answer->srv[i - 1].next) {
        if (dns_same_srv(&answer->srv[i - 1], srv))
            return true;
        if (++probes > DNS_PROBES_MAX)
            return false;
    }
    srv->next = *bucket;
    *bucket = (uint16_t)++answer->srv_count;
    return true;
}

/* Can a service be found by it? */
REEF_DNS_INLINE bool dns_usable(dns_reader *r, const reef_dns_srv *noted)
{
    if (noted->port == 0 || noted->target == REEF_DNS_ROOT) {
        r->unusable = true;
        return false;
    }
    bool host = r->names.nodes[noted->target].host == REEF_DNS_HOST ||
                reef_dns_names_host(&r->names, noted->target);
    r->misnamed = r->misnamed || !host;
    return host;
}

static bool dns_same_address(const reef_dns_address *a, const reef_dns_address *b)
{
    return a->target == b->target && a->len == b->len &&
           memcmp(a->bytes, b->bytes, a->len) == 0;
}

static uint64_t dns_address_hash(const dns_reader *r, const reef_dns_address *address)
{
    const unsigned char *b = address->bytes;
    uint64_t head = dns_get32(b), tail = (uint64_t)address->target << 48;
    if (address->len == 16) {
        head = head << 32 | dns_get32(b + 4);
        tail ^= (uint64_t)dns_get32(b + 8) << 32 | dns_get32(b + 12);
    }
    return dns_hash(r, head, tail);
}

/* `len` is 4 or 16. Written behind the last one, and counted if it is another. False:
 * too many in one bucket. */
REEF_DNS_INLINE bool dns_keep_address(dns_reader *r, uint16_t owner, size_t at,
                                      size_t len)
{
    reef_dns_answer *answer = r->answer;
    const unsigned char *data = r->names.bytes + at;
    reef_dns_address *address = &answer->addresses[answer->address_count];
    reef_dns_node *node = &r->names.nodes[owner];
    uint32_t probes = 0;
    address->target = (uint16_t)(node->target != 0 ? node->target - 1 : 0);
    address->len = (uint8_t)len;
    memcpy(address->bytes, data, 4);
    if (len == 16)
        memcpy(address->bytes + 4, data + 4, 12);
    dns_least(&answer->ttl, dns_ttl(data));
    uint16_t *bucket = &node->address;
    if (*bucket != 0) {
        if (dns_same_address(&answer->addresses[*bucket - 1], address))
            return true;
        bucket = &r->names.spare[1][dns_address_hash(r, address)];
    }
    for (uint32_t i = *bucket; i != 0; i = answer->addresses[i - 1].next) {
        if (dns_same_address(&answer->addresses[i - 1], address))
            return true;
        if (++probes > DNS_PROBES_MAX)
            return false;
    }
    address->next = *bucket;
    *bucket = (uint16_t)++answer->address_count;
    if (node->target != 0)
        answer->targets[node->target - 1].addresses++;
    return true;
}

/* ---- the sections ------------------------------------------------------------- */

/* A noted SRV record has names for targets and its owner in `next`; a noted address has
 * its owner in `target` and the offset of its data in `next`. */
REEF_DNS_INLINE void dns_note(dns_reader *r, const dns_record *record)
{
    reef_dns_node *owner = &r->names.nodes[record->owner];
    const unsigned char *data = r->names.bytes + record->at;
    if (record->kind == DNS_IN_CNAME && owner->alias == 0)
        owner->alias = (uint16_t)record->at;
    if (record->kind != r->kind)
        return;
    if (record->kind == DNS_IN_SRV) {
        reef_dns_srv *srv = &r->answer->srv[r->noted++];
        srv->priority = dns_get16(data);
        srv->weight = dns_get16(data + 2);
        srv->port = dns_get16(data + 4);
        srv->target = record->name;
        srv->ttl = dns_ttl(data);
        srv->next = record->owner;
    } else {
        reef_dns_address *address = &r->answer->addresses[r->noted++];
        address->target = record->owner;
        address->next = (uint16_t)record->at;
    }
}

/* One that comes back to itself is longer than any. */
static void dns_follow_chain(dns_reader *r)
{
    const reef_dns_node *nodes = r->names.nodes;
    while (nodes[r->name].alias != 0) {
        if (r->chain == REEF_DNS_CHAIN_MAX) {
            r->endless = true;
            return;
        }
        size_t at = r->name_at = nodes[r->name].alias;
        r->chain++;
        dns_least(&r->answer->ttl, dns_ttl(r->names.bytes + at));
        r->name = reef_dns_names_next(&r->names, &at);
    }
}

/* Of the records noted, those that the chain's end owns. */
static bool dns_settle(dns_reader *r)
{
    bool ok = true;
    size_t size = r->kind == DNS_IN_A ? 4 : 16;
    dns_follow_chain(r);
    for (uint32_t i = 0; ok && i < r->noted; i++) {
        if (r->kind == DNS_IN_SRV) {
            const reef_dns_srv *srv = &r->answer->srv[i];
            if (srv->next == r->name && dns_usable(r, srv))
                ok = dns_keep_srv(r, srv);
            continue;
        }
        size_t at = r->answer->addresses[i].next;
        if (r->answer->addresses[i].target == r->name)
            ok = dns_get16(r->names.bytes + at - 2) == size &&
                 dns_keep_address(r, r->name, at, size);
    }
    r->answer->bare_ttl = r->answer->ttl;
    return ok;
}

static void dns_authority(dns_reader *r, const dns_record *record)
{
    r->has_ns = r->has_ns || record->kind == DNS_IN_NS;
    if (record->kind != DNS_IN_SOA)
        return;
    r->has_soa = true;
    if (!reef_dns_names_within(&r->names, r->name, record->owner))
        return;
    uint32_t least = dns_get32(r->names.bytes + record->at + record->len - 4);
    dns_least(&least, dns_ttl(r->names.bytes + record->at));
    if (r->answer->negative)
        dns_least(&least, r->answer->negative_ttl);
    r->answer->negative = true;
    r->answer->negative_ttl = least;
}

/* Glue of another length is not used; its target is then asked for by itself. */
REEF_DNS_INLINE bool dns_additional(dns_reader *r, const dns_record *record)
{
    reef_dns_answer *answer = r->answer;
    if (record->kind >> 16 == DNS_TYPE_OPT) {
        bool first = !answer->edns;
        size_t code = record->at - 6; /* where others have a TTL */
        answer->edns = true;
        answer->rcode |= (uint16_t)(r->names.bytes[code] << 4);
        return first;
    }
    bool owned = r->names.nodes[record->owner].target != 0;
    bool glue = (record->kind == DNS_IN_A && record->len == 4) ||
                (record->kind == DNS_IN_AAAA && record->len == 16);
    return !owned || !glue ||
           dns_keep_address(r, record->owner, record->at, record->len);
}

/* The three sections from `at` on; false: they are broken. */
static bool dns_sections(dns_reader *r, size_t at)
{
    dns_record record;
    for (uint32_t section = 0; section < 3; section++) {
        uint32_t count = dns_get16(r->names.bytes + 6 + 2 * section);
        for (; count > 0; count--) {
            if (!dns_record_read(r, &record, &at) ||
                (record.kind >> 16 == DNS_TYPE_OPT && section != 2))
                return false;
            if (section == 0)
                dns_note(r, &record);
            else if (section == 1)
                dns_authority(r, &record);
            else if (!dns_additional(r, &record))
                return false;
        }
        if (section == 0 && !dns_settle(r))
            return false;
    }
    return true;
}

/* ---- what they say ------------------------------------------------------------ */

static reef_dns_outcome dns_code(uint32_t rcode)
{
    switch (rcode) {
    case 0:
        return REEF_DNS_OK;
    case DNS_CODE_FORMERR:
        return REEF_DNS_FORMERR;
    case DNS_CODE_SERVFAIL:
        return REEF_DNS_SERVFAIL;
    case DNS_CODE_NXDOMAIN:
        return REEF_DNS_NXDOMAIN;
    case DNS_CODE_NOTIMP:
        return REEF_DNS_NOTIMP;
    case DNS_CODE_REFUSED:
        return REEF_DNS_REFUSED;
    default:
        return REEF_DNS_RCODE;
    }
}

/* A server that neither answers for the zone nor asks others, and names some: it does
 * not know. */
static bool dns_lame(const dns_reader *r)
{
    return r->has_ns && !r->has_soa && (r->flags & (DNS_FLAG_AA | DNS_FLAG_RA)) == 0;
}

static reef_dns_outcome dns_decide(const dns_reader *r, bool truncated)
{
    const reef_dns_answer *answer = r->answer;
    if (answer->rcode != 0)
        return dns_code(answer->rcode);
    if (truncated)
        return REEF_DNS_TRUNCATED;
    if (r->endless)
        return REEF_DNS_CNAME_LOOP;
    if (answer->srv_count > 0 || answer->address_count > 0)
        return REEF_DNS_OK;
    if (r->misnamed)
        return REEF_DNS_BADNAME;
    if (r->unusable)
        return REEF_DNS_UNAVAILABLE;
    if (answer->negative)
        return REEF_DNS_NODATA;
    if (r->chain > 0)
        return REEF_DNS_CNAME;
    return dns_lame(r) ? REEF_DNS_LAME : REEF_DNS_NODATA;
}

/* What does not belong to the outcome is not there. */
static void dns_tidy(const dns_reader *r, reef_str message)
{
    reef_dns_answer *answer = r->answer;
    bool ok = answer->outcome == REEF_DNS_OK;
    if (!ok) {
        answer->ttl = answer->bare_ttl = 0;
        answer->srv_count = answer->target_count = answer->address_count = 0;
    }
    bool denied =
        answer->outcome == REEF_DNS_NODATA || answer->outcome == REEF_DNS_NXDOMAIN;
    answer->negative = answer->negative && denied;
    answer->negative_ttl = answer->negative ? answer->negative_ttl : 0;
    answer->unowned = answer->outcome == REEF_DNS_NODATA && r->noted > 0;
    if (r->name_at != 0 && (denied || answer->outcome == REEF_DNS_CNAME))
        reef_dns_name_expand(&answer->alias, message, r->name_at);
    answer->partial = ok && (r->flags & DNS_FLAG_TC) != 0;
}

/* ---- whole -------------------------------------------------------------------- */

/* The least records fill the message, and each takes an entry of every array. */
size_t reef_dns_room(size_t len)
{
    uint32_t records = (uint32_t)(len / REEF_DNS_RECORD_MIN + 1);
    size_t each =
        sizeof(reef_dns_srv) + sizeof(reef_dns_target) + sizeof(reef_dns_address);
    return reef_dns_names_room(len, records) + records * each;
}

/* The names, then each array with as many entries as there are records. */
static void dns_share_out(dns_reader *r, reef_str message, uint32_t records, void *room)
{
    r->answer->srv = reef_dns_names_begin(&r->names, message, records, room);
    r->answer->targets = (reef_dns_target *)(void *)(r->answer->srv + records);
    r->answer->addresses = (reef_dns_address *)(void *)(r->answer->targets + records);
}

/* All but the outcome of a message that answers the question. */
static bool dns_read(dns_reader *r, reef_str message, void *room)
{
    const unsigned char *head = (const unsigned char *)message.ptr;
    size_t at = DNS_HEADER;
    uint32_t records =
        (uint32_t)dns_get16(head + 6) + dns_get16(head + 8) + dns_get16(head + 10);
    if ((size_t)records * REEF_DNS_RECORD_MIN > message.len)
        return false;
    dns_share_out(r, message, records, room);
    r->answer->ttl = UINT32_MAX;
    r->name = reef_dns_names_first(&r->names, &at);
    return r->name != REEF_DNS_NOWHERE && dns_sections(r, at + 4);
}

/* Is the question in the message the one that was asked? Letters in any case; the
 * lengths of labels are no letters. */
static bool dns_matches(reef_str message, const reef_dns_question *q)
{
    const unsigned char *bytes = (const unsigned char *)message.ptr;
    size_t end = DNS_HEADER + (size_t)q->name.len;
    if (q->name.len == 0 || message.len < end + 4 || dns_get16(bytes + 4) != 1 ||
        dns_get16(bytes + end) != q->type || dns_get16(bytes + end + 2) != DNS_CLASS_IN)
        return false;
    return reef_dns_bytes_equal(bytes + DNS_HEADER, q->name.bytes, q->name.len);
}

/* A server that fails may send the header alone. */
static reef_dns_outcome dns_header_only(reef_str message, uint32_t rcode)
{
    const unsigned char *bytes = (const unsigned char *)message.ptr;
    bool failed = rcode == DNS_CODE_SERVFAIL || rcode == DNS_CODE_NOTIMP ||
                  rcode == DNS_CODE_REFUSED;
    return message.len == DNS_HEADER && dns_get16(bytes + 4) == 0 && failed
               ? dns_code(rcode)
               : REEF_DNS_IGNORE;
}

/* Field by field, and below as well: to clear the arrays in them would take longer than
 * to read a small message. */
static void dns_reset(reef_dns_answer *answer)
{
    answer->outcome = REEF_DNS_IGNORE;
    answer->rcode = 0;
    answer->has_rcode = answer->edns = false;
    answer->partial = answer->unowned = answer->negative = false;
    answer->ttl = answer->bare_ttl = answer->negative_ttl = 0;
    answer->alias.len = 0;
    answer->srv_count = answer->target_count = answer->address_count = 0;
    answer->srv = NULL;
    answer->targets = NULL;
    answer->addresses = NULL;
}

static void dns_begin(dns_reader *r, reef_dns_answer *answer, uint16_t type,
                      uint16_t flags)
{
    r->answer = answer;
    r->kind = (uint32_t)type << 16 | DNS_CLASS_IN;
    r->flags = flags;
    r->name = r->name_at = 0;
    r->chain = r->noted = 0;
    r->endless = r->has_ns = r->has_soa = r->unusable = r->misnamed = false;
}

void reef_dns_decode(reef_dns_answer *answer, reef_str message, bool tcp,
                     const reef_dns_question *q, void *room)
{
    const unsigned char *bytes = (const unsigned char *)message.ptr;
    dns_reset(answer);
    if (message.len < DNS_HEADER || message.len > REEF_DNS_MESSAGE_MAX) {
        answer->outcome = tcp ? REEF_DNS_MALFORMED : REEF_DNS_IGNORE;
        return;
    }
    dns_reader r;
    dns_begin(&r, answer, q->type, dns_get16(bytes + 2));
    bool truncated = !tcp && (r.flags & DNS_FLAG_TC) != 0;
    if (dns_get16(bytes) != q->id ||
        (r.flags & (DNS_FLAG_QR | DNS_OPCODE)) != DNS_FLAG_QR)
        return;
    answer->rcode = r.flags & 15;
    answer->has_rcode = dns_matches(message, q);
    if (!answer->has_rcode)
        answer->outcome = dns_header_only(message, answer->rcode);
    else if (dns_read(&r, message, room))
        answer->outcome = dns_decide(&r, truncated);
    else
        answer->outcome = truncated ? REEF_DNS_TRUNCATED : REEF_DNS_MALFORMED;
    dns_tidy(&r, message);
}

const char *reef_dns_outcome_name(reef_dns_outcome outcome)
{
    static const char names[][12] = {[REEF_DNS_IGNORE] = "ignore",
                                     [REEF_DNS_OK] = "ok",
                                     [REEF_DNS_NODATA] = "nodata",
                                     [REEF_DNS_NXDOMAIN] = "nxdomain",
                                     [REEF_DNS_CNAME] = "cname",
                                     [REEF_DNS_CNAME_LOOP] = "cname_loop",
                                     [REEF_DNS_UNAVAILABLE] = "unavailable",
                                     [REEF_DNS_BADNAME] = "badname",
                                     [REEF_DNS_TRUNCATED] = "truncated",
                                     [REEF_DNS_MALFORMED] = "malformed",
                                     [REEF_DNS_SERVFAIL] = "servfail",
                                     [REEF_DNS_REFUSED] = "refused",
                                     [REEF_DNS_NOTIMP] = "notimp",
                                     [REEF_DNS_FORMERR] = "formerr",
                                     [REEF_DNS_LAME] = "lame",
                                     [REEF_DNS_RCODE] = "rcode"};
    return names[outcome];
}
