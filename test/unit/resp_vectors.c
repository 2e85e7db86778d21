/* SPDX-License-Identifier: Apache-2.0
 *
 * Every vector of test/vectors/resp.jsonl and resp_encode.jsonl, or of the files given
 * as arguments: whole, byte by byte, at every two-way cut, and at random three-way
 * cuts.
 *
 * A line is one JSON object. To decode: "name", "bytes_b64", "proto", "expect" (ok,
 * incomplete or error), "value" (the values that come out, as cli_value_print prints
 * them), "consumed" (end of the last whole value), "why" (the phrase of the error
 * begins it, or is it), "at" (offset of the error; optional). To encode: "name",
 * "args_b64", "expect", "bytes_b64". */
#include "session/cli/value.h"
#include "test/unit/resp_help.h"
#include "test/unit/vector_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTOR_ARGS = 64 };

typedef struct vector_case {
    char name[128];
    reef_str line; /* the object's text */
    char *bytes;   /* what "bytes_b64" stands for */
    size_t len;
    int proto;
    reef_str expect; /* the fields as they stand in the text */
    reef_str value;
    reef_str why;
    uint64_t consumed;
    uint64_t at;
    bool has_consumed;
    bool has_at;
} vector_case;

static vector_case vector_read(reef_str line)
{
    vector_case test = {.line = line};
    reef_str name = vector_unquote(vector_field(line, "name"));
    snprintf(test.name, sizeof test.name, "%.*s", (int)name.len, name.ptr);
    test.bytes =
        vector_base64(vector_unquote(vector_field(line, "bytes_b64")), &test.len);
    reef_str proto = vector_field(line, "proto");
    test.proto = proto.len == 1 ? proto.ptr[0] - '0' : 3;
    test.expect = vector_unquote(vector_field(line, "expect"));
    test.value = vector_field(line, "value");
    test.why = vector_unquote(vector_field(line, "why"));
    reef_str consumed = vector_field(line, "consumed");
    reef_str at = vector_field(line, "at");
    test.consumed = vector_number(consumed);
    test.has_consumed = consumed.ptr != NULL;
    test.at = vector_number(at);
    test.has_at = at.ptr != NULL;
    return test;
}

/* ---- SHA-256, because the files give long strings by length and hash ---------- */

static uint32_t sha_turn(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* Fractional parts of the cube roots, and of the square roots, of the first primes. */
static const uint32_t sha_round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};
static const uint32_t sha_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void sha_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    uint32_t v[8];
    for (size_t i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15];
        uint32_t b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (sha_turn(a, 7) ^ sha_turn(a, 18) ^ a >> 3) +
               (sha_turn(b, 17) ^ sha_turn(b, 19) ^ b >> 10);
    }
    memcpy(v, state, sizeof v);
    for (size_t i = 0; i < 64; i++) {
        uint32_t s1 = sha_turn(v[4], 6) ^ sha_turn(v[4], 11) ^ sha_turn(v[4], 25);
        uint32_t s0 = sha_turn(v[0], 2) ^ sha_turn(v[0], 13) ^ sha_turn(v[0], 22);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t t = v[7] + s1 + choice + sha_round[i] + w[i];
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t;
        v[0] = t + s0 + most;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

static void sha_text(reef_str text, char hex[65])
{
    size_t len = (text.len + 9 + 63) / 64 * 64;
    unsigned char *padded = calloc(1, len);
    assert_non_null(padded);
    memcpy(padded, text.ptr, text.len);
    padded[text.len] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        padded[len - 1 - i] = (unsigned char)((uint64_t)text.len * 8 >> (8 * i));
    }
    uint32_t state[8];
    memcpy(state, sha_start, sizeof state);
    for (size_t i = 0; i < len; i += 64) {
        sha_block(state, padded + i);
    }
    free(padded);
    for (size_t i = 0; i < 8; i++) {
        snprintf(hex + 8 * i, 9, "%08x", state[i]);
    }
}

/* ---- decoding ----------------------------------------------------------------- */

static void vector_print(FILE *out, const vector_case *test, const reef_reply *reply)
{
    static const char by_hash[] = "[{\"t\":\"bulk\",\"len\":";
    const reef_node *root = reef_reply_root(reply);
    if (test->value.len > sizeof by_hash &&
        strncmp(test->value.ptr, by_hash, sizeof by_hash - 1) == 0) {
        char hex[65];
        reef_str text = reef_text(reply, root);
        sha_text(text, hex);
        fprintf(out, "{\"t\":\"bulk\",\"len\":%zu,\"sha256\":\"%s\"}", text.len, hex);
        return;
    }
    cli_value_print(out, reply, root);
}

/* The values of the whole stream, printed as a JSON list; caller frees. */
static char *vector_values(const vector_case *test)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    reef_parser *p = reef_parser_new(NULL, test->proto);
    assert_non_null(out);
    assert_non_null(p);
    assert_int_equal(reef_parser_feed(p, (reef_str){test->bytes, test->len}), REEF_OK);
    putc('[', out);
    for (const char *comma = "";; comma = ",") {
        reef_parse step = reef_parser_next(p);
        if (step == REEF_PARSE_MORE || step == REEF_PARSE_ERROR) {
            break;
        }
        fputs(comma, out);
        reef_reply *reply = reef_parser_take(p);
        assert_non_null(reply);
        vector_print(out, test, reply);
        reef_parser_recycle(p, reply);
    }
    putc(']', out);
    reef_parser_free(p);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void vector_outcome(const vector_case *test, const help_outcome *got)
{
    const char *expect = got->end == REEF_PARSE_ERROR ? "error"
                         : got->inside                ? "incomplete"
                                                      : "ok";
    if (!reef_str_equal(test->expect, reef_str_of(expect))) {
        print_error("%s: %s (%s)\n", test->name, expect, got->text);
        fail();
    }
    uint64_t consumed = test->has_consumed ? test->consumed : test->len;
    if (got->consumed != consumed) {
        print_error("%s: consumed %llu\n", test->name,
                    (unsigned long long)got->consumed);
        fail();
    }
    if (got->end == REEF_PARSE_ERROR &&
        (test->why.len < strlen(got->text) ||
         strncmp(test->why.ptr, got->text, strlen(got->text)) != 0)) {
        print_error("%s: why %s\n", test->name, got->text);
        fail();
    }
    if (test->has_at && got->at != test->at) {
        print_error("%s: at %llu\n", test->name, (unsigned long long)got->at);
        fail();
    }
}

/* What stands before the byte at fault is no error, with that byte's line it is. */
static void vector_offset(const vector_case *test, const help_outcome *got)
{
    assert_true(got->at < test->len);
    assert_true(got->at >= got->consumed);
    reef_str before = {test->bytes, (size_t)got->at};
    if (before.len > 0) {
        help_outcome good = help_run_guarded(NULL, test->proto, before, NULL, 0);
        assert_int_equal(good.end, REEF_PARSE_MORE);
    }
}

static void vector_decode(const vector_case *test)
{
    char *values = vector_values(test);
    if (!reef_str_equal(test->value, reef_str_of(values))) {
        print_error("%s: %s\n", test->name, values);
        fail();
    }
    free(values);
    reef_str bytes = {test->bytes, test->len};
    help_outcome whole = help_run_guarded(NULL, test->proto, bytes, NULL, 0);
    vector_outcome(test, &whole);
    if (whole.end == REEF_PARSE_ERROR) {
        vector_offset(test, &whole);
    }
    for (size_t step = 1; step < 70; step = step * 3 + 1) {
        help_outcome steps = help_run_steps(NULL, test->proto, bytes, step);
        help_assert_same(test->name, &whole, &steps);
    }
    help_every_cut(test->name, NULL, test->proto, bytes, &whole);
    uint64_t seed = test->len;
    for (size_t i = 0; i < 20 && bytes.len > 2; i++) {
        size_t cuts[2] = {help_random(&seed) % bytes.len,
                          help_random(&seed) % bytes.len};
        size_t last = cuts[0] > cuts[1] ? cuts[0] : cuts[1];
        cuts[0] = cuts[0] + cuts[1] - last;
        cuts[1] = last;
        help_outcome three = help_run_guarded(NULL, test->proto, bytes, cuts, 2);
        help_assert_same(test->name, &whole, &three);
    }
}

/* ---- encoding ----------------------------------------------------------------- */

static void vector_build(reef_cmd *cmd, reef_str args)
{
    const char *end = args.ptr + args.len - 1;
    const char *at = args.ptr + 1;
    for (bool first = true; at < end; first = false) {
        const char *next = vector_skip(at, end);
        reef_str quoted = {at, (size_t)(next - at)};
        size_t len = 0;
        char *bytes = vector_base64(vector_unquote(quoted), &len);
        if (first) {
            reef_cmd_begin_str(cmd, (reef_str){bytes, len});
        } else {
            reef_cmd_arg(cmd, (reef_str){bytes, len});
        }
        assert_true(reef_str_equal(reef_cmd_at(cmd, reef_cmd_count(cmd) - 1),
                                   (reef_str){bytes, len}));
        free(bytes);
        at = next + strspn(next, ", ");
    }
}

static void vector_encode(const vector_case *test, reef_str args)
{
    reef_cmd *cmd = reef_cmd_new();
    assert_non_null(cmd);
    vector_build(cmd, args);
    bool good = reef_str_equal(test->expect, reef_str_of("ok"));
    assert_int_equal(reef_cmd_code(cmd), good ? REEF_OK : REEF_BADARG);
    reef_str expected = {good ? test->bytes : NULL, good ? test->len : 0};
    if (!reef_str_equal(reef_cmd_wire(cmd), expected)) {
        print_error("%s: wrong bytes\n", test->name);
        fail();
    }
    reef_cmd_free(cmd);
}

/* ---- files -------------------------------------------------------------------- */

static void vector_run(reef_str line)
{
    vector_case test = vector_read(line);
    reef_str args = vector_field(test.line, "args_b64");
    if (args.ptr != NULL) {
        vector_encode(&test, args);
    } else {
        vector_decode(&test);
    }
    free(test.bytes);
}

int main(int argc, char **argv)
{
    static const vector_file own[] = {{"vectors/resp.jsonl", 300},
                                      {"vectors/resp_encode.jsonl", 20}};
    return vector_main(argc, argv, vector_run, own, sizeof own / sizeof own[0]);
}
