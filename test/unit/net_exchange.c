/* SPDX-License-Identifier: Apache-2.0
 *
 * net/exchange.c: one question over one socket. */
#include "test/unit/resolve_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER "@ 30 A 10.0.0.1"

typedef struct bench {
    reef_exchange x;
    reef_dns_question question;
    reef_dns_reading reading;
    names_query query;
} bench;

static void begin(bench *b, bool tcp)
{
    memset(b, 0, sizeof *b);
    b->question.type = REEF_DNS_A;
    b->question.id = 4711;
    assert_true(reef_dns_name_parse(&b->question.name, reef_str_of("redis.test")));
    reef_exchange_how how = {.question = &b->question,
                             .tcp = tcp,
                             .edns = true,
                             .now_ms = 5,
                             .deadline_ms = 50};
    assert_true(reef_exchange_start(&b->x, &how));
    b->question.id = 1; /* the exchange keeps the id that it was started with */
}

/* Opened, and all is sent. */
static void send_all(bench *b)
{
    reef_op op, other;
    assert_true(reef_exchange_op(&b->x, &op));
    assert_int_equal(op.kind, REEF_OP_OPEN);
    assert_int_equal(op.datagram, !b->x.tcp);
    assert_false(reef_exchange_op(&b->x, &other));
    reef_exchange_opened(&b->x);
    assert_true(reef_exchange_op(&b->x, &op));
    assert_int_equal(op.kind, REEF_OP_SEND);
    size_t prefix = b->x.tcp ? 2 : 0;
    b->query = names_query_read((const unsigned char *)op.bytes.ptr + prefix,
                                op.bytes.len - prefix);
    assert_int_equal(b->query.id, 4711);
    assert_false(reef_exchange_op(&b->x, &other)); /* one SEND at a time */
    reef_exchange_sent(&b->x, op.bytes.len);
    assert_false(reef_exchange_op(&b->x, &other));
    assert_int_equal(b->x.state, REEF_EXCHANGE_HEARING);
}

static reef_heard hear(bench *b, const void *bytes, size_t len)
{
    size_t cap = 0;
    void *room = reef_exchange_room(&b->x, &cap);
    assert_non_null(room);
    assert_true(len <= cap);
    memcpy(room, bytes, len);
    return reef_exchange_received(&b->x, len, &b->question, &b->reading);
}

static void end(bench *b)
{
    reef_op op;
    size_t cap = 0;
    reef_exchange_end(&b->x);
    assert_null(reef_exchange_room(&b->x, &cap));
    assert_true(reef_exchange_op(&b->x, &op));
    assert_int_equal(op.kind, REEF_OP_CLOSE);
    assert_int_equal(b->x.state, REEF_EXCHANGE_FREE);
    assert_false(reef_exchange_op(&b->x, &op));
}

static void test_datagram(void **state)
{
    (void)state;
    static names_message m;
    bench b;
    begin(&b, false);
    send_all(&b);
    names_build(&m, &b.query, ANSWER);
    assert_int_equal(hear(&b, m.bytes, m.len), REEF_HEARD_ANSWER);
    assert_int_equal(b.reading.answer.outcome, REEF_DNS_OK);
    assert_int_equal(b.reading.answer.address_count, 1);
    reef_dns_reading_free(&b.reading);
    end(&b);
}

static void test_what_is_no_answer(void **state)
{
    (void)state;
    static names_message m;
    bench b;
    begin(&b, false);
    send_all(&b);
    names_build(&m, &b.query, "id; " ANSWER);
    for (unsigned i = 1; i <= 10000; i++) {
        assert_int_equal(hear(&b, m.bytes, m.len), REEF_HEARD_NOTHING);
        assert_int_equal(b.x.ignored, i);
    }
    assert_int_equal(hear(&b, m.bytes, 0), REEF_HEARD_NOTHING);
    assert_int_equal(hear(&b, b.x.query, b.x.query_len), REEF_HEARD_NOTHING);
    assert_int_equal(b.x.deadline_ms, 50);
    names_build(&m, &b.query, ANSWER);
    assert_int_equal(hear(&b, m.bytes, m.len), REEF_HEARD_ANSWER);
    reef_dns_reading_free(&b.reading);
    end(&b);
}

/* One byte less than the room is a whole message. */
static void test_room_of_a_datagram(void **state)
{
    (void)state;
    static names_message m;
    for (size_t missing = 0; missing < 2; missing++) {
        bench b;
        size_t cap = 0;
        begin(&b, false);
        send_all(&b);
        assert_non_null(reef_exchange_room(&b.x, &cap));
        assert_int_equal(cap, REEF_DNS_DATAGRAM_MAX);
        names_build(&m, &b.query, ANSWER);
        memset(m.bytes + m.len, 0, cap - m.len);
        assert_int_equal(hear(&b, m.bytes, cap - missing), REEF_HEARD_ANSWER);
        assert_int_equal(b.reading.answer.outcome,
                         missing ? REEF_DNS_OK : REEF_DNS_TRUNCATED);
        reef_dns_reading_free(&b.reading);
        /* Full of something else, it is still no answer. */
        m.bytes[0] ^= 1;
        assert_int_equal(hear(&b, m.bytes, cap), REEF_HEARD_NOTHING);
        end(&b);
    }
}

static void test_stream_in_pieces(void **state)
{
    (void)state;
    static names_message m;
    static unsigned char bytes[2048];
    bench b;
    begin(&b, true);
    send_all(&b);
    size_t len = 0;
    static const char *const texts[] = {"id; " ANSWER, "ask x.test", ANSWER};
    for (size_t i = 0; i < 3; i++) {
        names_build(&m, &b.query, texts[i]);
        bytes[len++] = 0;
        bytes[len++] = (unsigned char)m.len;
        memcpy(bytes + len, m.bytes, m.len);
        len += m.len;
    }
    for (size_t at = 0; at < len; at++) {
        reef_heard heard = hear(&b, bytes + at, 1);
        assert_int_equal(heard, at + 1 < len ? REEF_HEARD_NOTHING : REEF_HEARD_ANSWER);
    }
    assert_int_equal(b.reading.answer.outcome, REEF_DNS_OK);
    assert_int_equal(b.x.ignored, 2);
    reef_dns_reading_free(&b.reading);
    end(&b);
}

static void test_stream_room_never_passes_a_message(void **state)
{
    (void)state;
    bench b;
    size_t cap = 0;
    begin(&b, true);
    send_all(&b);
    assert_non_null(reef_exchange_room(&b.x, &cap));
    assert_int_equal(cap, 2);
    assert_int_equal(hear(&b, "\x01", 1), REEF_HEARD_NOTHING);
    assert_non_null(reef_exchange_room(&b.x, &cap));
    assert_int_equal(cap, 1);
    assert_int_equal(hear(&b, "\x02", 1), REEF_HEARD_NOTHING);
    assert_non_null(reef_exchange_room(&b.x, &cap));
    assert_int_equal(cap, 258);
    end(&b);
}

static void test_lengths_of_no_message(void **state)
{
    (void)state;
    for (unsigned len = 0; len < 13; len++) {
        bench b;
        unsigned char prefix[2] = {0, (unsigned char)len};
        begin(&b, true);
        send_all(&b);
        reef_heard heard = hear(&b, prefix, 2);
        assert_int_equal(heard, len < 12 ? REEF_HEARD_ANSWER : REEF_HEARD_NOTHING);
        if (heard == REEF_HEARD_ANSWER) {
            assert_int_equal(b.reading.answer.outcome, REEF_DNS_MALFORMED);
            reef_dns_reading_free(&b.reading);
        }
        end(&b);
    }
}

static void test_sending_in_parts(void **state)
{
    (void)state;
    bench b;
    reef_op op;
    size_t sent = 0;
    begin(&b, true);
    assert_true(reef_exchange_op(&b.x, &op));
    reef_exchange_sent(&b.x, 5); /* not open yet: nobody asked */
    reef_exchange_opened(&b.x);
    while (reef_exchange_op(&b.x, &op)) {
        assert_int_equal(op.kind, REEF_OP_SEND);
        assert_memory_equal(op.bytes.ptr, b.x.query + sent, op.bytes.len);
        assert_int_equal(op.bytes.len, b.x.query_len - sent);
        size_t part = sent % 3; /* 0: the socket was full */
        reef_exchange_sent(&b.x, part);
        sent += part;
        if (part == 0) {
            assert_true(reef_exchange_op(&b.x, &op));
            reef_exchange_sent(&b.x, 1);
            sent++;
        }
    }
    assert_int_equal(sent, b.x.query_len);
    end(&b);
}

/* A datagram is sent once, whatever the host says of it. */
static void test_datagram_goes_whole(void **state)
{
    (void)state;
    bench b;
    reef_op op;
    begin(&b, false);
    assert_true(reef_exchange_op(&b.x, &op));
    reef_exchange_opened(&b.x);
    assert_true(reef_exchange_op(&b.x, &op));
    reef_exchange_sent(&b.x, 0); /* the socket was full: nothing went */
    assert_true(reef_exchange_op(&b.x, &op));
    assert_int_equal(op.bytes.len, b.x.query_len);
    reef_exchange_sent(&b.x, 3);
    assert_false(reef_exchange_op(&b.x, &op));
    end(&b);
}

static void test_ended_before_it_was_given_out(void **state)
{
    (void)state;
    bench b;
    reef_op op;
    begin(&b, false);
    reef_exchange_end(&b.x);
    assert_int_equal(b.x.state, REEF_EXCHANGE_FREE);
    assert_false(reef_exchange_op(&b.x, &op));
    begin(&b, true);
    send_all(&b);
    reef_exchange_gone(&b.x);
    assert_false(reef_exchange_op(&b.x, &op));
    reef_exchange_end(&b.x);
    assert_int_equal(b.x.state, REEF_EXCHANGE_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datagram),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_room_of_a_datagram),
        cmocka_unit_test(test_stream_in_pieces),
        cmocka_unit_test(test_stream_room_never_passes_a_message),
        cmocka_unit_test(test_lengths_of_no_message),
        cmocka_unit_test(test_sending_in_parts),
        cmocka_unit_test(test_datagram_goes_whole),
        cmocka_unit_test(test_ended_before_it_was_given_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
