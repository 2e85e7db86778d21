/* SPDX-License-Identifier: Apache-2.0
 *
 * Every vector of test/vectors/dns.jsonl, or of the files given as arguments, says what
 * it is expected to say. Each message is also cut at every byte and has every byte
 * changed, in memory of its very size and with room of the very size promised, filled
 * with two patterns: the answer holds together and does not depend on the pattern.
 *
 * A line is one JSON object: "qid", "qname", "qtype" (a number) and "transport" ("udp"
 * or "tcp") are the question, "msg" the message in base64, "expect" what dns_json
 * writes of it. */
#include "test/tool/dns_json.h"
#include "test/unit/resp_help.h"
#include "test/unit/vector_help.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTOR_CHANGED_MAX = 4096 }; /* of longer messages not every byte is changed */

typedef struct dns_vector {
    reef_dns_question question;
    bool tcp;
    char *message;
    size_t len;
    reef_str expect;
    reef_str desc;
} dns_vector;

static dns_vector vector_read(reef_str line)
{
    dns_vector v = {.question.id = (uint16_t)vector_number(vector_field(line, "qid"))};
    size_t len = 0;
    char *name = vector_string(vector_field(line, "qname"), &len);
    assert_true(reef_dns_name_parse(&v.question.name, (reef_str){name, len}));
    free(name);
    v.question.type = dns_json_type(vector_field(line, "qtype"));
    assert_int_not_equal(v.question.type, 0);
    v.tcp = reef_str_equal(vector_field(line, "transport"), reef_str_of("\"tcp\""));
    v.message = vector_base64(vector_unquote(vector_field(line, "msg")), &v.len);
    v.expect = vector_field(line, "expect");
    v.desc = vector_field(line, "desc");
    return v;
}

static void vector_says(const dns_vector *v)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_true(dns_json(out, (reef_str){v->message, v->len}, v->tcp, &v->question));
    assert_int_equal(fclose(out), 0);
    if (!reef_str_equal((reef_str){text, len - 1}, v->expect)) {
        print_error("%.*s: %s", (int)v->desc.len, v->desc.ptr, text);
        fail();
    }
    free(text);
}

/* ---- hostile ------------------------------------------------------------------ */

static void answer_holds(const reef_dns_answer *answer, reef_str message, uint16_t type)
{
    uint32_t glue = 0;
    bool ok = answer->outcome == REEF_DNS_OK;
    assert_true(strlen(reef_dns_outcome_name(answer->outcome)) > 0);
    assert_true(ok == (answer->srv_count + answer->address_count > 0));
    assert_true(type == REEF_DNS_SRV || answer->srv_count + answer->target_count == 0);
    bool denied =
        answer->outcome == REEF_DNS_NODATA || answer->outcome == REEF_DNS_NXDOMAIN;
    assert_true(answer->outcome != REEF_DNS_CNAME || answer->alias.len > 0);
    assert_true(answer->outcome == REEF_DNS_CNAME || denied || answer->alias.len == 0);
    assert_true(answer->bare_ttl >= answer->ttl && answer->ttl <= INT32_MAX);
    for (uint32_t i = 0; i < answer->srv_count; i++) {
        assert_true(answer->srv[i].target < answer->target_count);
        assert_true(answer->srv[i].port > 0);
    }
    for (uint32_t i = 0; i < answer->target_count; i++) {
        char name[REEF_NAME_MAX + 1];
        reef_dns_target_name(answer, message, i, name);
        size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
        assert_true(plain == strlen(name) && plain + 2 == answer->targets[i].len);
        glue += answer->targets[i].addresses;
    }
    for (uint32_t i = 0; i < answer->address_count; i++) {
        assert_true(answer->addresses[i].len == 4 || answer->addresses[i].len == 16);
        assert_true(type != REEF_DNS_SRV ||
                    answer->addresses[i].target < answer->target_count);
    }
    assert_true(type != REEF_DNS_SRV || glue == answer->address_count);
}

/* What of an answer can be compared. */
static uint64_t answer_digest(const reef_dns_answer *answer)
{
    uint64_t h = (uint64_t)answer->outcome << 32 | answer->rcode;
    h = h * 31 + answer->ttl + answer->negative_ttl * 7 + answer->alias.len;
    for (uint32_t i = 0; i < answer->srv_count; i++) {
        const reef_dns_srv *srv = &answer->srv[i];
        h = h * 31 + srv->port + srv->weight * 3 + srv->priority * 5 + srv->target * 7;
    }
    for (uint32_t i = 0; i < answer->address_count; i++) {
        const reef_dns_address *address = &answer->addresses[i];
        for (uint32_t j = 0; j < address->len; j++)
            h = h * 31 + address->bytes[j];
        h += address->target;
    }
    return h;
}

static uint64_t decode_filled(const dns_vector *v, reef_str message, int pattern)
{
    reef_dns_answer answer;
    size_t size = reef_dns_room(message.len);
    unsigned char *room = malloc(size);
    assert_non_null(room);
    memset(room, pattern, size);
    reef_dns_decode(&answer, message, v->tcp, &v->question, room);
    answer_holds(&answer, message, v->question.type);
    uint64_t digest = answer_digest(&answer);
    free(room);
    return digest;
}

static void vector_survives(const dns_vector *v, const char *bytes, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    reef_str message = {exact, len};
    uint64_t digest = decode_filled(v, message, 0);
    assert_true(digest == decode_filled(v, message, 0xA5));
    free(exact);
}

static void vector_hostile(const dns_vector *v)
{
    static const unsigned char turns[] = {0x01, 0x80, 0xC0, 0xFF};
    for (size_t cut = 0; cut <= v->len && v->len <= VECTOR_CHANGED_MAX; cut++)
        vector_survives(v, v->message, cut);
    for (size_t i = 0; i < v->len && v->len <= VECTOR_CHANGED_MAX; i++) {
        char kept = v->message[i];
        for (size_t j = 0; j < sizeof turns; j++) {
            v->message[i] = (char)(kept ^ turns[j]);
            vector_survives(v, v->message, v->len);
        }
        v->message[i] = kept;
    }
}

/* ---- files -------------------------------------------------------------------- */

static void vector_run(reef_str line)
{
    dns_vector v = vector_read(line);
    vector_says(&v);
    vector_hostile(&v);
    free(v.message);
}

int main(int argc, char **argv)
{
    static const vector_file own[] = {{"vectors/dns.jsonl", 400}};
    return vector_main(argc, argv, vector_run, own, sizeof own / sizeof own[0]);
}
