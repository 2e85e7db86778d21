/* SPDX-License-Identifier: Apache-2.0
 *
 * dns: the zone, and a reader and a writer of messages that trust nobody and share
 * nothing with the library's. */
#include "test/sim/dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the zone ----------------------------------------------------------------- */

sim_record *sim_zone_add(sim_zone *z, const char *name, uint16_t type, const char *data)
{
    if (z->count == SIM_RECORDS) {
        abort();
    }
    sim_record *r = &z->records[z->count++];
    *r = (sim_record){.type = type, .ttl = z->ttl, .live = true};
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->data, sizeof r->data, "%s", data);
    return r;
}

sim_record *sim_zone_srv(sim_zone *z, const char *name, const char *target,
                         uint16_t port)
{
    sim_record *r = sim_zone_add(z, name, SIM_SRV, target);
    r->port = port;
    return r;
}

bool sim_same_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

void sim_zone_live(sim_zone *z, const char *name, uint16_t type, bool live)
{
    for (size_t i = 0; i < z->count; i++) {
        sim_record *r = &z->records[i];
        if (sim_same_name(r->name, name) && (type == 0 || r->type == type)) {
            r->live = live;
        }
    }
}

/* 4, 16, or 0 for what is no address. */
static size_t zone_address(const char *text, unsigned char out[16])
{
    if (inet_pton(AF_INET, text, out) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

bool sim_same_address(const char *a, const char *b)
{
    unsigned char first[16], second[16];
    size_t len = zone_address(a, first);
    return strcmp(a, b) == 0 || (len > 0 && zone_address(b, second) == len &&
                                 memcmp(first, second, len) == 0);
}

static bool zone_has(const sim_record *r, const char *name, uint32_t view)
{
    return r->live && (r->view == 0 || (r->view & view) != 0) &&
           sim_same_name(r->name, name);
}

/* True for a name with records, and for one that others end with. */
static bool zone_exists(const sim_zone *z, const char *name, uint32_t view)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < z->count; i++) {
        const sim_record *r = &z->records[i];
        size_t all = strlen(r->name);
        const char *tail = all > len ? r->name + (all - len) : r->name;
        if (zone_has(r, r->name, view) && sim_same_name(tail, name) &&
            (all == len || tail[-1] == '.')) {
            return true;
        }
    }
    return false;
}

/* ---- reading ------------------------------------------------------------------ */

static uint32_t query_two(const char *bytes, size_t at)
{
    return (uint32_t)((unsigned char)bytes[at] << 8 | (unsigned char)bytes[at + 1]);
}

/* The name at 12; where it ends, or 0. */
static size_t query_name(sim_query *q, const char *bytes, size_t len)
{
    size_t at = 12, out = 0;
    while (at < len && bytes[at] != 0) {
        size_t label = (unsigned char)bytes[at];
        if (label > 63 || at + 1 + label >= len || out + label + 2 > 255) {
            return 0;
        }
        memcpy(q->name + out, bytes + at + 1, label);
        out += label;
        q->name[out++] = '.';
        at += label + 1;
    }
    q->name[out > 0 ? out - 1 : 0] = '\0';
    return at < len ? at + 1 : 0;
}

const char *sim_query_read(sim_query *q, const char *bytes, size_t len)
{
    *q = (sim_query){.size = 512};
    if (len < 12 || query_two(bytes, 4) != 1 || query_two(bytes, 6) != 0 ||
        query_two(bytes, 8) != 0 || query_two(bytes, 10) > 1) {
        return "a query with other counts than one question";
    }
    if ((query_two(bytes, 2) & ~0x0020u) != 0x0100) {
        return "a query with other flags than RD and AD";
    }
    size_t end = query_name(q, bytes, len);
    if (end == 0 || end + 4 > len || query_two(bytes, end + 2) != 1) {
        return "a query without a whole question of class IN";
    }
    q->id = (uint16_t)query_two(bytes, 0);
    q->type = (uint16_t)query_two(bytes, end);
    q->edns = query_two(bytes, 10) == 1;
    end += 4;
    q->question_len = end - 12;
    memcpy(q->question, bytes + 12, q->question_len);
    if (!q->edns) {
        return end == len ? NULL : "a query with bytes behind its end";
    }
    static const char opt[11] = {0, 0, SIM_OPT, 0x04, (char)0xD0};
    q->size = 1232;
    return len == end + 11 && memcmp(bytes + end, opt, 11) == 0
               ? NULL
               : "a query with another OPT than one of 1232 bytes";
}

/* ---- writing ------------------------------------------------------------------ */

enum { ANSWER_SEEN = 64 };

/* The message in the making: counts, and the names that it holds, for pointers. */
typedef struct answer {
    sim_bytes *out;
    const sim_style *style;
    uint32_t counts[4]; /* questions, answers, authority, additional */
    uint32_t section;
    size_t seen_count;
    struct {
        char name[SIM_NAME];
        size_t at;
    } seen[ANSWER_SEEN];
} answer;

static void answer_two(sim_bytes *out, uint32_t value)
{
    char bytes[2] = {(char)(value >> 8 & 0xFF), (char)(value & 0xFF)};
    sim_bytes_add(out, bytes, 2);
}

static void answer_four(sim_bytes *out, uint32_t value)
{
    answer_two(out, value >> 16);
    answer_two(out, value & 0xFFFF);
}

static void answer_patch(sim_bytes *out, size_t at, uint32_t value)
{
    out->ptr[at] = (char)(value >> 8 & 0xFF);
    out->ptr[at + 1] = (char)(value & 0xFF);
}

/* Where this name stands already; 0: nowhere. */
static size_t answer_seen(answer *a, const char *name)
{
    for (size_t i = 0; i < a->seen_count; i++) {
        if (sim_same_name(a->seen[i].name, name)) {
            return a->seen[i].at;
        }
    }
    if (a->seen_count < ANSWER_SEEN && a->out->len < 0x3F00) {
        size_t i = a->seen_count++;
        snprintf(a->seen[i].name, SIM_NAME, "%s", name);
        a->seen[i].at = a->out->len;
    }
    return 0;
}

static void answer_label(answer *a, const char *label, size_t len)
{
    char bytes[64] = {(char)len};
    for (size_t i = 0; i < len; i++) {
        bool small = label[i] >= 'a' && label[i] <= 'z';
        bytes[i + 1] = a->style->loud && small ? (char)(label[i] - 32) : label[i];
    }
    sim_bytes_add(a->out, bytes, len + 1);
}

static void answer_name(answer *a, const char *name)
{
    while (*name != '\0') {
        size_t at = a->style->plain ? 0 : answer_seen(a, name);
        if (at != 0) {
            answer_two(a->out, 0xC000u | (uint32_t)at);
            return;
        }
        size_t len = strcspn(name, ".");
        answer_label(a, name, len);
        name += len + (name[len] == '.');
    }
    sim_bytes_add(a->out, "", 1);
}

static void answer_data(answer *a, const sim_record *r)
{
    unsigned char bytes[16];
    if (r->type == SIM_A || r->type == SIM_AAAA) {
        size_t len = zone_address(r->data, bytes);
        sim_bytes_add(a->out, (const char *)bytes, len);
        return;
    }
    if (r->type == SIM_SRV) {
        answer_two(a->out, r->priority);
        answer_two(a->out, r->weight);
        answer_two(a->out, r->port);
    }
    answer_name(a, strcmp(r->data, ".") == 0 ? "" : r->data);
    if (r->type == SIM_SOA) {
        answer_name(a, "hostmaster");
        for (uint32_t i = 0; i < 5; i++) {
            answer_four(a->out, i == 4 ? r->ttl : 3600);
        }
    }
}

/* False: it does not fit any more, and is left out. */
static bool answer_record(answer *a, const sim_record *r)
{
    size_t start = a->out->len, seen = a->seen_count;
    answer_name(a, r->name);
    answer_two(a->out, r->type);
    answer_two(a->out, 1);
    answer_four(a->out, r->ttl);
    answer_two(a->out, 0);
    size_t data = a->out->len;
    answer_data(a, r);
    answer_patch(a->out, data - 2, (uint32_t)(a->out->len - data));
    if (a->style->limit > 0 && a->out->len + 11 > a->style->limit) {
        a->out->len = start;
        a->seen_count = seen;
        return false;
    }
    a->counts[a->section]++;
    return true;
}

static void answer_begin(answer *a, const sim_query *q, uint32_t flags)
{
    char head[12] = {0};
    sim_bytes_add(a->out, head, 12);
    answer_patch(a->out, 0, q->id);
    answer_patch(a->out, 2, flags);
    sim_bytes_add(a->out, q->question, q->question_len);
    a->counts[0] = 1;
    a->section = 1;
    if (strlen(q->name) < SIM_NAME && !a->style->plain) {
        a->seen_count = 1;
        a->seen[0].at = 12;
        memcpy(a->seen[0].name, q->name, strlen(q->name) + 1);
    }
}

static void answer_end(answer *a, bool edns)
{
    static const char opt[11] = {0, 0, SIM_OPT, 0x10, 0};
    if (edns) {
        sim_bytes_add(a->out, opt, 11);
        a->counts[3]++;
    }
    for (size_t i = 0; i < 4; i++) {
        answer_patch(a->out, 4 + 2 * i, a->counts[i]);
    }
}

/* The records of a name and type, turned by the style. False: not all fit. */
static bool answer_set(answer *a, sim_zone *z, const char *name, uint32_t type)
{
    for (size_t i = 0; i < z->count; i++) {
        sim_record *r = &z->records[(i + a->style->turn) % z->count];
        if (zone_has(r, name, a->style->view) && r->type == type) {
            r->told = true;
            if (!answer_record(a, r)) {
                return false;
            }
        }
    }
    return true;
}

static void answer_glue(answer *a, sim_zone *z, const char *name)
{
    a->section = 3;
    for (size_t i = 0; i < z->count; i++) {
        const sim_record *r = &z->records[(i + a->style->turn) % z->count];
        if (r->type == SIM_SRV && zone_has(r, name, a->style->view) &&
            (!answer_set(a, z, r->data, SIM_A) ||
             !answer_set(a, z, r->data, SIM_AAAA))) {
            return;
        }
    }
}

/* Along the CNAMEs; the name at their end. */
static const char *answer_chain(answer *a, sim_zone *z, const char *name)
{
    for (int hops = 0; hops < 12; hops++) {
        uint32_t before = a->counts[1];
        (void)answer_set(a, z, name, SIM_CNAME);
        if (a->counts[1] == before) {
            return name;
        }
        for (size_t i = 0; i < z->count; i++) {
            if (z->records[i].type == SIM_CNAME &&
                zone_has(&z->records[i], name, a->style->view)) {
                name = z->records[i].data;
                break;
            }
        }
        if (a->style->step) {
            return name;
        }
    }
    return name;
}

static void answer_negative(answer *a, const sim_zone *z, const char *name)
{
    sim_record soa = {.type = SIM_SOA, .ttl = z->negative_ttl};
    const char *apex = strrchr(name, '.');
    snprintf(soa.name, sizeof soa.name, "%.90s", apex != NULL ? apex + 1 : name);
    snprintf(soa.data, sizeof soa.data, "ns.%.90s", soa.name);
    if (!zone_exists(z, name, a->style->view)) {
        a->out->ptr[3] = (char)(a->out->ptr[3] | SIM_NXDOMAIN);
    }
    a->section = 2;
    if (z->soa) {
        (void)answer_record(a, &soa);
    }
}

void sim_answer_to(sim_zone *z, const sim_query *q, const sim_style *style,
                   sim_bytes *out)
{
    answer a = {.out = out, .style = style};
    answer_begin(&a, q, 0x8580u | style->rcode);
    if (style->rcode != 0) {
        out->len = style->blank ? 12 : out->len;
        a.counts[0] = style->blank ? 0 : 1;
        answer_end(&a, false);
        return;
    }
    const char *name = answer_chain(&a, z, q->name);
    uint32_t chain = a.counts[1];
    bool step = style->step && chain > 0;
    bool whole = (step || answer_set(&a, z, name, q->type)) && !style->cut;
    bool none = whole && a.counts[1] == chain;
    if (none && !step) {
        answer_negative(&a, z, name);
    }
    if (!whole && !style->hush) {
        out->ptr[2] = (char)(out->ptr[2] | 2);
        out->len = style->part ? out->len : 12 + q->question_len;
        a.counts[1] = style->part ? a.counts[1] : 0;
    } else if (q->type == SIM_SRV && !style->bare && !none) {
        answer_glue(&a, z, name);
    }
    answer_end(&a, q->edns);
}

/* ---- lying -------------------------------------------------------------------- */

static void answer_evil(answer *a, uint32_t type, const char *owner)
{
    sim_record r = {.type = (uint16_t)type, .ttl = 300, .port = 6666};
    snprintf(r.name, sizeof r.name, "%.95s", owner);
    const char *data = type == SIM_A      ? SIM_EVIL_ADDRESS
                       : type == SIM_AAAA ? "2001:db8::66"
                                          : SIM_EVIL_NAME;
    snprintf(r.data, sizeof r.data, "%s", data);
    (void)answer_record(a, &r);
    if (type == SIM_SRV) {
        a->section = 3;
        answer_evil(a, SIM_A, SIM_EVIL_NAME);
    }
}

/* What a forger changes of the question that he answers. */
static void forge_question(sim_query *q, uint32_t how)
{
    switch (how) {
    case 1: /* a name that differs in its first letter */
        q->question[1] = q->question[1] == 'q' ? 'r' : 'q';
        q->name[0] = q->question[1];
        break;
    case 2: /* a type that differs in one bit */
        q->question[q->question_len - 3] ^= 2;
        break;
    case 3: /* a type that differs in its upper byte alone */
        q->question[q->question_len - 4] ^= 1;
        break;
    case 4: /* the class CH */
        q->question[q->question_len - 1] = 3;
        break;
    }
}

void sim_forge(const sim_query *asked, uint32_t how, uint32_t chance, sim_bytes *out)
{
    static const uint32_t flags[SIM_FORGERIES] = {
        [5] = 0x0580,  [6] = 0x8D80,  [9] = 0x8583,
        [10] = 0x8780, [11] = 0x8582, [12] = 0x8585};
    sim_query q = *asked;
    sim_style style = {0};
    answer a = {.out = out, .style = &style};
    bool knows_id = how >= 1 && how <= 8;
    q.id = (uint16_t)(knows_id ? q.id : q.id ^ (1 + chance % 0xFFFF));
    forge_question(&q, how);
    answer_begin(&a, &q, flags[how] != 0 ? flags[how] : 0x8580);
    if (how == 7) { /* no question, but an answer */
        out->len = 12;
        a.counts[0] = 0;
        a.seen_count = 0;
    }
    if (how < 9 || how == 13) {
        answer_evil(&a, q.type, how == 13 ? "other.test" : q.name);
    }
    answer_end(&a, chance % 2 == 0);
    if (how == 8) { /* too short to be anything, or nothing at all */
        out->len = chance % 12;
    } else if (how == 12) { /* a refusal without the question */
        out->len = 12;
        memset(out->ptr + 4, 0, 8);
    }
}

void sim_spoil(const sim_query *q, bool others, sim_bytes *out)
{
    sim_style style = {.plain = true};
    answer a = {.out = out, .style = &style};
    answer_begin(&a, q, 0x8580);
    answer_evil(&a, q->type, others ? "other.test" : q->name);
    answer_end(&a, false);
    out->len -= others ? 0 : 3;
}
