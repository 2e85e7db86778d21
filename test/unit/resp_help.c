/* SPDX-License-Identifier: Apache-2.0
 *
 * Help for the tests of resp/. To place the bytes before a page that can't be read,
 * this file puts its own memory into the parser where the parser's buffer would be. */
#include "test/unit/resp_help.h"

#include "resp/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HELP_GUARDED = 8192, HELP_ALL_CUTS = 4096 };

uint64_t help_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint64_t help_mix(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static uint64_t help_mix_number(uint64_t hash, uint64_t n)
{
    return help_mix(hash, &n, sizeof n);
}

uint64_t help_digest(uint64_t seed, const reef_reply *reply)
{
    uint64_t hash = help_mix_number(seed, reply->node_count);
    hash = help_mix_number(hash, reply->root);
    hash = help_mix_number(hash, (uint64_t)reef_reply_code(reply));
    hash = help_mix(hash, reef_reply_text(reply), strlen(reef_reply_text(reply)));
    for (uint32_t i = 0; i < reply->node_count; i++) {
        const reef_node *node = reply->nodes + i;
        reef_str text = reef_text(reply, node);
        reef_str format = reef_format(reply, node);
        bool is_text = reef_node_kind(node) >= REEF_STRING &&
                       reef_node_kind(node) <= REEF_VERBATIM;
        hash = help_mix_number(hash, node->meta);
        hash = help_mix_number(hash, node->n);
        hash = help_mix_number(hash, is_text ? 0 : node->value);
        hash = help_mix(hash, text.ptr, text.len);
        hash = help_mix(hash, format.ptr, format.len);
    }
    return hash;
}

/* ---- running ------------------------------------------------------------------ */

static void help_value(help_outcome *out, reef_parse step, const reef_reply *reply)
{
    out->values += step == REEF_PARSE_REPLY ? 1 : 0;
    out->pushes += step == REEF_PARSE_PUSH ? 1 : 0;
    out->digest = help_digest(help_mix_number(out->digest, step), reply);
}

static void help_drain(reef_parser *p, help_outcome *out, bool take)
{
    for (;;) {
        out->end = reef_parser_next(p);
        if (out->end == REEF_PARSE_MORE || out->end == REEF_PARSE_ERROR) {
            return;
        }
        uint64_t end = reef_parser_consumed(p);
        assert_non_null(reef_parser_peek(p));
        if (take) {
            reef_reply *reply = reef_parser_take(p);
            assert_non_null(reply);
            assert_null(reef_parser_peek(p));
            help_value(out, out->end, reply);
            reef_parser_recycle(p, reply);
        } else {
            help_value(out, out->end, reef_parser_peek(p));
        }
        assert_int_equal(end, reef_parser_consumed(p));
    }
}

static help_outcome help_end(reef_parser *p, help_outcome out)
{
    out.inside = reef_parser_inside(p);
    out.consumed = reef_parser_consumed(p);
    out.code = reef_parser_error(p, &out.text, &out.at);
    assert_true((out.code != REEF_OK) == (out.end == REEF_PARSE_ERROR));
    reef_parser_free(p);
    return out;
}

help_outcome help_run_steps(const reef_limits *limits, int proto, reef_str bytes,
                            size_t step)
{
    help_outcome out = {.end = REEF_PARSE_MORE, .digest = 1};
    reef_parser *p = reef_parser_new(limits, proto);
    assert_non_null(p);
    for (size_t at = 0; at < bytes.len && out.end != REEF_PARSE_ERROR;) {
        size_t cap = 0;
        char *room = reef_parser_room(p, &cap);
        assert_non_null(room);
        assert_true(cap > 0);
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        len = len < cap ? len : cap;
        memcpy(room, bytes.ptr + at, len);
        reef_parser_received(p, len);
        at += len;
        help_drain(p, &out, true);
    }
    return help_end(p, out);
}

/* Memory that ends where a page begins that can't be read. */
static char *help_guard_end(void)
{
    static char *end;
    if (end == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t size = (HELP_GUARDED + page - 1) / page * page;
        FILE *file = tmpfile(); /* POSIX has no anonymous maps */
        assert_non_null(file);
        assert_int_equal(ftruncate(fileno(file), (off_t)(size + page)), 0);
        char *map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                         fileno(file), 0);
        assert_true(map != MAP_FAILED);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(mprotect(map + size, page, PROT_NONE), 0);
        end = map + size;
    }
    return end;
}

/* Gives the parser one piece more. A large stream stands in a block of its very size,
 * which AddressSanitizer guards. */
static void help_place(reef_parser *p, const char *bytes, size_t len, char *saved)
{
    size_t have = p->wire.len - p->start;
    size_t all = have + len;
    bool guarded = p->wire.cap == 0 || p->wire.data + p->wire.cap == help_guard_end();
    if (have > 0) {
        memcpy(saved, p->wire.data + p->start, have);
    }
    memcpy(saved + have, bytes, len);
    if (!guarded) {
        free(p->wire.data);
    }
    char *place = all <= HELP_GUARDED ? help_guard_end() - all : malloc(all);
    assert_non_null(place);
    memcpy(place, saved, all);
    p->origin += p->start;
    p->start = 0;
    p->wire = (reef_buf){place, all, all};
}

help_outcome help_run_guarded(const reef_limits *limits, int proto, reef_str bytes,
                              const size_t *cuts, size_t count)
{
    help_outcome out = {.end = REEF_PARSE_MORE, .digest = 1};
    reef_parser *p = reef_parser_new(limits, proto);
    char *saved = malloc(bytes.len + 1);
    assert_non_null(p);
    assert_non_null(saved);
    size_t at = 0;
    for (size_t i = 0; i <= count && out.end != REEF_PARSE_ERROR; i++) {
        size_t end = i < count ? cuts[i] : bytes.len;
        if (end > at) {
            help_place(p, bytes.ptr + at, end - at, saved);
            help_drain(p, &out, false);
        }
        at = end;
    }
    out.inside = reef_parser_inside(p);
    if (p->wire.cap > 0 && p->wire.cap <= HELP_GUARDED) {
        /* Not the parser's to free. Where its bytes were counts no more. */
        p->origin += p->start;
        p->start = 0;
        p->wire = (reef_buf){NULL, 0, 0};
    }
    bool inside = out.inside;
    out = help_end(p, out);
    out.inside = inside;
    free(saved);
    return out;
}

/* ---- comparing ---------------------------------------------------------------- */

void help_assert_same(const char *name, const help_outcome *a, const help_outcome *b)
{
    if (a->end != b->end || a->inside != b->inside || a->values != b->values ||
        a->pushes != b->pushes || a->consumed != b->consumed || a->at != b->at ||
        a->digest != b->digest || a->code != b->code || strcmp(a->text, b->text) != 0) {
        print_error("%s: end %d/%d inside %d/%d values %zu/%zu consumed %llu/%llu "
                    "error %s@%llu/%s@%llu digest %llx/%llx\n",
                    name, (int)a->end, (int)b->end, a->inside, b->inside, a->values,
                    b->values, (unsigned long long)a->consumed,
                    (unsigned long long)b->consumed, a->text, (unsigned long long)a->at,
                    b->text, (unsigned long long)b->at, (unsigned long long)a->digest,
                    (unsigned long long)b->digest);
        fail();
    }
}

static bool help_worth_cutting(reef_str bytes, size_t at)
{
    if (bytes.len <= HELP_ALL_CUTS || at < 64 || bytes.len - at < 64) {
        return true;
    }
    /* Where lines end, or begin; but not all of ten thousand alike. */
    bool edge = false;
    for (size_t i = at - 2; i < at + 2; i++) {
        edge = edge || bytes.ptr[i] == '\r' || bytes.ptr[i] == '\n';
    }
    return edge ? at % 31 < 4 : at % 997 == 0;
}

void help_every_cut(const char *name, const reef_limits *limits, int proto,
                    reef_str bytes, const help_outcome *expected)
{
    for (size_t at = 1; at < bytes.len; at++) {
        if (help_worth_cutting(bytes, at)) {
            help_outcome cut = help_run_guarded(limits, proto, bytes, &at, 1);
            help_assert_same(name, expected, &cut);
        }
    }
}

/* ---- files -------------------------------------------------------------------- */

char *help_read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_error("can't open %s\n", path);
        fail();
    }
    char *bytes = NULL;
    size_t cap = 0;
    *len = 0;
    do {
        cap = cap * 2 + 65536;
        bytes = realloc(bytes, cap + 1);
        assert_non_null(bytes);
        *len += fread(bytes + *len, 1, cap - *len, file);
    } while (*len == cap);
    assert_int_equal(fclose(file), 0);
    bytes[*len] = '\0';
    return bytes;
}

char *help_read_data(const char *name, size_t *len)
{
    const char *folder = getenv("REEF_TEST_DATA");
    char path[512];
    int n =
        snprintf(path, sizeof path, "%s/%s", folder == NULL ? "test" : folder, name);
    assert_true(n > 0 && (size_t)n < sizeof path);
    return help_read_file(path, len);
}
