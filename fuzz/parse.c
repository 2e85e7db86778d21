/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the parser. Input: a byte of options, a seed of the cuts, then the stream.
 * What must hold: any cuts give what the whole gives, down to every node, the end and
 * the offset of an error; no byte behind those received is read (the parser's bytes end
 * at a page that can't be); every accessor is total; what was good stays good. */
#include "resp/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARSE_FUZZ_MAX = 4096 }; /* below what the parser gives back when idle */

typedef struct fuzz_outcome {
    uint64_t digest;
    uint64_t consumed;
    uint64_t at;
    reef_code code;
    const char *text;
    bool inside;
} fuzz_outcome;

static void fuzz_check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static uint64_t fuzz_mix(uint64_t hash, uint64_t n)
{
    hash = (hash ^ n) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t fuzz_mix_text(uint64_t hash, reef_str text)
{
    hash = fuzz_mix(hash, text.len);
    for (size_t i = 0; i < text.len; i++) {
        hash = fuzz_mix(hash, (unsigned char)text.ptr[i]);
    }
    return hash;
}

/* Memory that ends where a page begins that can't be read. */
static char *fuzz_guard(void)
{
    static char *end;
    if (end == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        FILE *file = tmpfile();
        fuzz_check(file != NULL && ftruncate(fileno(file), (off_t)(2 * page)) == 0,
                   "no memory for the guard");
        char *map =
            mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
        fuzz_check(map != MAP_FAILED && mprotect(map + page, page, PROT_NONE) == 0,
                   "no guard page");
        fclose(file);
        end = map + page;
    }
    return end;
}

/* Everything that may be asked of one node. */
static uint64_t fuzz_node(uint64_t hash, const reef_reply *reply, const reef_node *node)
{
    size_t attributes = 0;
    double number = reef_double(node, 0.5);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    hash = fuzz_mix(hash, (uint64_t)reef_node_kind(node));
    hash = fuzz_mix(hash, bits);
    hash = fuzz_mix(hash, (uint64_t)reef_int(node, 3));
    hash = fuzz_mix(hash, reef_bool(node, false) ? 1 : 0);
    hash = fuzz_mix(hash, reef_is_blob_error(node) ? 1 : 0);
    hash = fuzz_mix_text(hash, reef_text(reply, node));
    hash = fuzz_mix_text(hash, reef_format(reply, node));
    hash = fuzz_mix(hash, (uint64_t)reef_node_kind(reef_get(reply, node, "a")));
    const reef_node *attribute = reef_attributes(node, &attributes);
    for (size_t i = 0; i < attributes; i++, attribute = reef_next(attribute)) {
        fuzz_check(reef_node_kind(attribute) == REEF_MAP, "an attribute is a map");
        hash = fuzz_mix(hash, reef_count(attribute));
    }
    size_t count = reef_count(node);
    const reef_node *child = reef_at(node, 0);
    for (size_t i = 0; i < count && i < 64; i++, child = reef_next(child)) {
        fuzz_check(child == reef_at(node, i), "next and at agree");
    }
    fuzz_check(reef_node_kind(reef_at(node, count)) == REEF_NIL, "past the end is nil");
    return fuzz_mix(hash, count);
}

static uint64_t fuzz_reply(uint64_t hash, const reef_reply *reply)
{
    hash = fuzz_mix(hash, (uint64_t)reef_reply_code(reply));
    hash = fuzz_mix(hash, reply->root);
    hash = fuzz_mix_text(hash, reef_str_of(reef_reply_text(reply)));
    for (uint32_t i = 0; i < reply->node_count; i++) {
        hash = fuzz_mix(hash, reply->nodes[i].meta);
        hash = fuzz_node(hash, reply, reply->nodes + i);
    }
    return hash;
}

/* Gives the parser the bytes up to `end`, all that it holds before the guard page. */
static void fuzz_place(reef_parser *p, const char *bytes, size_t end)
{
    size_t begin = (size_t)(p->origin + p->start);
    static char
        changed[PARSE_FUZZ_MAX]; /* streamed strings are moved together in place */
    size_t have = p->wire.len - p->start;
    if (have > 0) {
        memcpy(changed, p->wire.data + p->start, have);
    }
    memcpy(changed + have, bytes + begin + have, end - begin - have);
    char *place = fuzz_guard() - (end - begin);
    memcpy(place, changed, end - begin);
    p->origin += p->start;
    p->start = 0;
    p->wire = (reef_buf){place, end - begin, end - begin};
}

static void fuzz_drain(reef_parser *p, fuzz_outcome *out, bool take)
{
    for (;;) {
        reef_parse step = reef_parser_next(p);
        if (step == REEF_PARSE_MORE || step == REEF_PARSE_ERROR) {
            return;
        }
        out->digest = fuzz_mix(out->digest, (uint64_t)step);
        if (!take) {
            out->digest = fuzz_reply(out->digest, reef_parser_peek(p));
            continue;
        }
        reef_reply *reply = reef_parser_take(p);
        out->digest = fuzz_reply(out->digest, reply);
        reef_parser_recycle(p, reply);
    }
}

static fuzz_outcome fuzz_end(reef_parser *p, fuzz_outcome out)
{
    out.inside = reef_parser_inside(p);
    out.consumed = reef_parser_consumed(p);
    out.code = reef_parser_error(p, &out.text, &out.at);
    return out;
}

/* Cuts from `seed`; 0: none. Small limits when `small`, so that they are met. */
static fuzz_outcome fuzz_run(int proto, bool small, reef_str bytes, uint64_t seed,
                             bool guarded)
{
    const reef_limits limits = {
        .reply_bytes = 300, .bulk = 40, .line = 30, .nodes = 12, .depth = 3};
    /* Kept from input to input: a reset must leave nothing of the stream before. */
    static reef_parser *parsers[4];
    size_t which = (small ? 1u : 0u) + (guarded ? 2u : 0u);
    if (parsers[which] == NULL) {
        parsers[which] = reef_parser_new(small ? &limits : NULL, proto);
        fuzz_check(parsers[which] != NULL, "out of memory");
    }
    reef_parser *p = parsers[which];
    reef_parser_reset(p, proto);
    fuzz_outcome out = {.digest = 1};
    for (size_t at = 0;
         at < bytes.len && reef_parser_error(p, NULL, NULL) == REEF_OK;) {
        size_t step = bytes.len - at;
        if (seed != 0) {
            seed = fuzz_mix(seed, at);
            step = 1 + (size_t)(seed >> 32) % (seed % 4 == 0 ? 40 : 4);
            step = step < bytes.len - at ? step : bytes.len - at;
        }
        if (guarded) {
            fuzz_place(p, bytes.ptr, at + step);
        } else {
            reef_code fed = reef_parser_feed(p, (reef_str){bytes.ptr + at, step});
            fuzz_check(fed == REEF_OK, "out of memory");
        }
        at += step;
        fuzz_drain(p, &out, !guarded);
    }
    out = fuzz_end(p, out);
    if (guarded) {
        p->wire = (reef_buf){NULL, 0, 0}; /* not the parser's to free */
        p->start = 0;
    }
    return out;
}

static void fuzz_same(const fuzz_outcome *a, const fuzz_outcome *b)
{
    fuzz_check(a->digest == b->digest, "values depend on the cuts");
    fuzz_check(a->consumed == b->consumed, "consumed depends on the cuts");
    fuzz_check(a->code == b->code && a->at == b->at && strcmp(a->text, b->text) == 0,
               "the error depends on the cuts");
    fuzz_check(a->inside == b->inside, "inside depends on the cuts");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size - 2 > PARSE_FUZZ_MAX) {
        return 0;
    }
    static char bytes[PARSE_FUZZ_MAX];
    reef_str stream = {bytes, size - 2};
    memcpy(bytes, data + 2, stream.len);
    int proto = (data[0] & 1) != 0 ? 3 : 2;
    bool small = (data[0] & 2) != 0;
    fuzz_outcome whole = fuzz_run(proto, small, stream, 0, false);
    fuzz_check(whole.consumed <= stream.len, "consumed is in the stream");
    fuzz_check(whole.code == REEF_OK ||
                   (whole.at >= whole.consumed && whole.at < stream.len),
               "the error is in the stream");
    fuzz_outcome cut = fuzz_run(proto, small, stream, data[1] + UINT64_C(1), true);
    fuzz_same(&whole, &cut);
    return 0;
}
