/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser around values: memory that follows what came, replies taken and recycled,
 * protocols, resets, and what happens when memory is out at any point. */
#include "test/unit/resp_help.h"

#include "resp/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Memory in use, and the allocation that is to fail. Sizes stand before each block. */
enum { HEAP_HEAD = 32 };

static size_t heap_used;
static size_t heap_most;
static size_t heap_calls;
static size_t heap_fail_at; /* 0: none */
static bool heap_fail_on;   /* all from there on */

void *__real_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static bool heap_fails(void)
{
    heap_calls++;
    return heap_fail_at != 0 &&
           (heap_fail_on ? heap_calls >= heap_fail_at : heap_calls == heap_fail_at);
}

static void *heap_enter(char *raw, size_t size)
{
    if (raw == NULL) {
        return NULL;
    }
    memcpy(raw, &size, sizeof size);
    heap_used += size;
    heap_most = heap_used > heap_most ? heap_used : heap_most;
    return raw + HEAP_HEAD;
}

static char *heap_leave(void *block)
{
    char *raw = (char *)block - HEAP_HEAD;
    size_t size;
    memcpy(&size, raw, sizeof size);
    heap_used -= size;
    return raw;
}

void *__wrap_malloc(size_t size)
{
    return heap_fails() ? NULL : heap_enter(__real_malloc(size + HEAP_HEAD), size);
}

/* A compiler may make one of malloc and memset. */
void *__wrap_calloc(size_t count, size_t size)
{
    void *block = __wrap_malloc(count * size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    if (heap_fails()) {
        return NULL;
    }
    char *raw = block == NULL ? NULL : heap_leave(block);
    return heap_enter(__real_realloc(raw, size + HEAP_HEAD), size);
}

void __wrap_free(void *block)
{
    if (block != NULL) {
        __real_free(heap_leave(block));
    }
}

static void heap_reset(void)
{
    heap_calls = heap_fail_at = 0;
    heap_fail_on = false;
    heap_most = heap_used;
}

static void feed(reef_parser *p, const char *bytes)
{
    assert_int_equal(reef_parser_feed(p, reef_str_of(bytes)), REEF_OK);
}

/* `count` times the item behind the head, fed in pieces; gives all the bytes. */
static size_t feed_many(reef_parser *p, const char *head, const char *item,
                        size_t count)
{
    feed(p, head);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
        feed(p, item);
    }
    return strlen(head) + count * strlen(item);
}

static void test_parse_taken_outlives(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    feed(p, "$5\r\nhello\r\n*2\r\n+a\r\n+b\r\n-ERR x\r\n");
    assert_null(reef_parser_peek(p));
    assert_null(reef_parser_take(p));
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *first = reef_parser_take(p);
    assert_null(reef_parser_take(p));
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *second = reef_parser_take(p);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    assert_string_equal(reef_reply_text(reef_parser_peek(p)), "ERR x");
    feed(p, "+more\r\n"); /* a take may come after other calls */
    reef_reply *third = reef_parser_take(p);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY); /* dropped, not taken */
    assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
    assert_int_equal(reef_parser_consumed(p), 38);
    reef_parser_free(p);
    assert_true(
        reef_str_equal(reef_text(first, reef_reply_root(first)), reef_str_of("hello")));
    assert_int_equal(reef_count(reef_reply_root(second)), 2);
    assert_string_equal(reef_reply_text(third), "ERR x");
    assert_int_equal(reef_reply_code(third), REEF_REFUSED);
    reef_reply_free(first);
    reef_reply_free(second);
    reef_reply_free(third);
    assert_int_equal(heap_used, 0);
}

/* The view stays good over a take, small or large. */
static void test_parse_peek_and_take(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    feed_many(p, "*20000\r\n", "$2\r\nab\r\n", 20000);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    const reef_reply *view = reef_parser_peek(p);
    assert_true(reef_reply_size(view) > 20000 * 16);
    reef_reply *reply = reef_parser_take(p);
    assert_int_equal(help_digest(1, view), help_digest(1, reply));
    reef_reply_free(reply);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

/* A leaf stands in the recycled block before it is taken: others that come back then
 * must not take its place. */
static void test_parse_recycle_between(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    feed(p, ":1\r\n*3\r\n$9\r\nlarger---\r\n$9\r\nlarger---\r\n:3\r\n"
            ":2\r\n+some more bytes behind it\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *one = reef_parser_take(p);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *large = reef_parser_take(p);
    reef_parser_recycle(p, one);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_recycle(p, large);
    reef_reply *two = reef_parser_take(p);
    assert_int_equal(reef_int(reef_reply_root(two), 0), 2);
    reef_parser_recycle(p, two);
    reef_parser_recycle(p, NULL);
    reef_parser_recycle(p, reef_reply_failed(REEF_DNS, "x"));
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

/* A reset while a leaf stands in the recycled block: the block may go, and nothing may
 * be written to it any more. */
static void test_parse_reset_between(void **state)
{
    (void)state;
    size_t cap = 0;
    reef_parser *p = reef_parser_new(NULL, 3);
    feed(p, ":1\r\n*3\r\n$9\r\nlarger---\r\n$9\r\nlarger---\r\n:3\r\n"
            ":2\r\n+some more bytes behind it\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *one = reef_parser_take(p);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *large = reef_parser_take(p);
    reef_parser_recycle(p, one);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_reset(p, 3);
    assert_null(reef_parser_peek(p));
    assert_null(reef_parser_take(p));
    reef_parser_recycle(p, large);
    for (size_t i = 0; i < 2000; i++) {
        assert_non_null(reef_parser_room(p, &cap));
        feed(p, "+0123456789\r\n");
    }
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

static void test_parse_no_allocation(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    for (size_t i = 0; i < 100; i++) {
        size_t cap = 0;
        char *room = reef_parser_room(p, &cap);
        memcpy(room, "*2\r\n$3\r\nabc\r\n:1\r\n$3\r\nxyz\r\n", 26);
        if (i == 2) {
            heap_reset();
        }
        reef_parser_received(p, 26);
        while (reef_parser_next(p) == REEF_PARSE_REPLY) {
            reef_parser_recycle(p, reef_parser_take(p));
        }
    }
    assert_int_equal(heap_calls, 0);
    feed(p, "$100\r\n");
    reef_parser_free(p);
    p = reef_parser_new(NULL, 3);
    feed(p, "$5\r\nhello\r\n+0123456789012345678901234567890\r\n");
    heap_reset();
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *reply = reef_parser_take(p);
    assert_int_equal(heap_calls, 1); /* one block for a small reply */
    reef_reply_free(reply);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

/* A header alone reserves nothing. */
static void test_parse_header_alone(void **state)
{
    (void)state;
    const char *heads[] = {"*1048576\r\n", "%524288\r\n",    "$536870912\r\n",
                           "|524288\r\n",  "=536870912\r\n", "~1048576\r\n",
                           "*?\r\n",       "$?\r\n"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        reef_parser *p = reef_parser_new(NULL, 3);
        size_t cap = 0;
        feed(p, heads[i]);
        assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
        assert_true(reef_parser_inside(p));
        assert_non_null(reef_parser_room(p, &cap));
        assert_true(heap_used < 16384);
        reef_parser_free(p);
    }
    assert_int_equal(heap_used, 0);
}

/* The room for a large string at most doubles, ends where the string ends, and is the
 * reply's own memory in the end. */
static void test_parse_large_string(void **state)
{
    (void)state;
    const size_t len = (size_t)20 << 20;
    reef_parser *p = reef_parser_new(NULL, 3);
    feed(p, "$20971520\r\n");
    heap_reset();
    size_t got = 0;
    const char *last = NULL;
    while (got < len + 2) {
        assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
        size_t cap = 0;
        char *room = reef_parser_room(p, &cap);
        assert_true(heap_used <= 2 * got + 100000);
        size_t n = cap < len + 2 - got ? cap : len + 2 - got;
        memset(room, 'x', n);
        got += n;
        if (got >= len + 1) {
            room[n - 1 - (got - len - 1)] = '\r';
        }
        if (got == len + 2) {
            room[n - 1] = '\n';
        }
        last = room + n;
        reef_parser_received(p, n);
    }
    assert_true(heap_used <= len + 20000);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *reply = reef_parser_take(p);
    reef_str text = reef_text(reply, reef_reply_root(reply));
    assert_int_equal(text.len, len);
    assert_ptr_equal(text.ptr + len + 2, last);
    assert_true(reef_reply_size(reply) < len + 20000);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
    reef_reply_free(reply);
    assert_true(heap_used < 16384); /* and the parser is small again */
    feed(p, "+OK\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

static void test_parse_million(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    size_t wire = feed_many(p, "*1000000\r\n", "$8\r\nabcdefgh\r\n", 1000000);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_reply *reply = reef_parser_take(p);
    assert_true(reef_reply_size(reply) * 2 <= wire * 5);
    assert_int_equal(reef_count(reef_reply_root(reply)), 1000000);
    reef_str last = reef_text(reply, reef_at(reef_reply_root(reply), 999999));
    assert_true(reef_str_equal(last, reef_str_of("abcdefgh")));
    reef_reply_free(reply);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
    assert_true(heap_used < 16384);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

/* Large replies that all came in one feed: the rest is moved, or the reply copied. */
static void test_parse_many_large(void **state)
{
    (void)state;
    enum { EACH = 100000, COUNT = 100 };
    const size_t each = EACH + 11;
    char *all = malloc(each * COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        memset(all + i * each, 'a' + (int)(i % 26), each);
        memcpy(all + i * each, "$100000\r\n", 9);
        memcpy(all + i * each + each - 2, "\r\n", 2);
    }
    reef_parser *p = reef_parser_new(NULL, 3);
    reef_reply *replies[COUNT];
    assert_int_equal(reef_parser_feed(p, (reef_str){all, each * COUNT}), REEF_OK);
    free(all);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
        replies[i] = reef_parser_take(p);
        assert_int_equal(reef_parser_consumed(p), each * (i + 1));
    }
    assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
    for (size_t i = 0; i < COUNT; i++) {
        reef_str text = reef_text(replies[i], reef_reply_root(replies[i]));
        assert_int_equal(text.len, EACH);
        assert_int_equal(text.ptr[0], 'a' + (int)(i % 26));
        assert_int_equal(text.ptr[EACH - 1], 'a' + (int)(i % 26));
        assert_true(reef_reply_size(replies[i]) < 2 * EACH);
        reef_reply_free(replies[i]);
    }
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

static void test_parse_idle(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    for (size_t round = 0; round < 50; round++) {
        feed_many(p, "*500\r\n", "$20\r\n01234567890123456789\r\n", 500);
        while (reef_parser_next(p) == REEF_PARSE_REPLY) {
            reef_parser_recycle(p, reef_parser_take(p));
        }
        assert_true(heap_used <= 18 * 1024);
    }
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

static void test_parse_proto(void **state)
{
    (void)state;
    const char *text = NULL;
    uint64_t at = 0;
    reef_parser *p = reef_parser_new(NULL, 2);
    feed(p, "*2\r\n:1\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_MORE);
    reef_parser_set_proto(p, 3); /* from the next value on */
    feed(p, "#t\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_ERROR);
    assert_int_equal(reef_parser_error(p, &text, &at), REEF_PROTOCOL);
    assert_string_equal(text, "RESP3 type in RESP2");
    assert_int_equal(at, 8);
    reef_parser_reset(p, 2);
    assert_int_equal(reef_parser_error(p, &text, &at), REEF_OK);
    assert_string_equal(text, "");
    feed(p, "*1\r\n:1\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_set_proto(p, 3);
    feed(p, "%0\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_set_proto(p, 2);
    feed(p, "_\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_ERROR);
    reef_parser_free(p);
}

static void test_parse_error_sticks(void **state)
{
    (void)state;
    uint64_t at = 0;
    size_t cap = 0;
    reef_parser *p = reef_parser_new(NULL, 3);
    feed(p, "+OK\r\nX");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    assert_int_equal(reef_parser_next(p), REEF_PARSE_ERROR);
    for (size_t i = 0; i < 1000; i++) {
        assert_non_null(reef_parser_room(p, &cap));
        reef_parser_received(p, cap);
        feed(p, "+OK\r\n");
        assert_int_equal(reef_parser_next(p), REEF_PARSE_ERROR);
    }
    assert_null(reef_parser_take(p));
    assert_int_equal(reef_parser_consumed(p), 5);
    assert_false(reef_parser_inside(p));
    assert_int_equal(reef_parser_error(p, NULL, &at), REEF_PROTOCOL);
    assert_int_equal(at, 5);
    assert_true(heap_used < 16384);
    reef_parser_reset(p, 3);
    assert_int_equal(reef_parser_consumed(p), 0);
    feed(p, "+OK\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    assert_int_equal(reef_parser_consumed(p), 5);
    reef_parser_free(p);
    reef_parser_free(NULL);
}

/* Room grows while the peer fills it, and never is nothing. */
static void test_parse_room(void **state)
{
    (void)state;
    reef_parser *p = reef_parser_new(NULL, 3);
    size_t cap = 0;
    size_t most = 0;
    for (size_t i = 0; i < 20; i++) {
        char *room = reef_parser_room(p, &cap);
        memset(room, '\r', cap);
        for (size_t k = 0; k + 3 <= cap; k += 3) {
            memcpy(room + k, "_\r\n", 3);
        }
        reef_parser_received(p, cap - cap % 3);
        most = cap > most ? cap : most;
        while (reef_parser_next(p) == REEF_PARSE_REPLY) {
        }
    }
    assert_true(most >= 8192 && most <= 131072);
    assert_int_equal(reef_parser_feed(p, (reef_str){NULL, 0}), REEF_OK);
    reef_parser_free(p);
    assert_int_equal(heap_used, 0);
}

/* ---- out of memory
 * ----------------------------------------------------------------- */

static const char *const sweep_values[] = {
    "+OK\r\n",
    "*3\r\n:1\r\n$3\r\nabc\r\n%1\r\n+k\r\n|1\r\n+a\r\n:1\r\n+v\r\n",
    "$?\r\n;3\r\nabc\r\n;0\r\n",
};

/* All that a stream asks of memory. Where memory was out, `*failed`. */
static void sweep_run(bool *failed)
{
    reef_parser *p = reef_parser_new(NULL, 3);
    if (p == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < 400; i++) {
        const char *bytes = i == 30 ? "*300\r\n" : i > 30 && i <= 330 ? "$500\r\n" : "";
        static char body[502];
        memset(body, 'x', 500);
        memcpy(body + 500, "\r\n", 2);
        bool item = i > 30 && i <= 330;
        bytes = bytes[0] == '\0' ? sweep_values[i % 3] : bytes;
        size_t cap = 0;
        char *room = reef_parser_room(p, &cap);
        *failed = *failed || room == NULL;
        if (reef_parser_feed(p, reef_str_of(bytes)) != REEF_OK ||
            (item && reef_parser_feed(p, (reef_str){body, 502}) != REEF_OK)) {
            *failed = true;
            break;
        }
        reef_parse step;
        while ((step = reef_parser_next(p)) == REEF_PARSE_REPLY) {
            reef_reply *reply = reef_parser_take(p);
            if (reply == NULL) {
                *failed = true;
                reply = reef_parser_take(p); /* it may be tried again */
            }
            if (i % 2 == 0) {
                reef_reply_free(reply);
            } else {
                reef_parser_recycle(p, reply);
            }
        }
        if (step == REEF_PARSE_ERROR) {
            assert_int_equal(reef_parser_error(p, NULL, NULL), REEF_NOMEM);
            *failed = true;
            break;
        }
    }
    /* Whatever happened: a new stream on the same parser works. */
    heap_fail_at = 0;
    reef_parser_reset(p, 3);
    feed(p, "*1\r\n+fine\r\n");
    assert_int_equal(reef_parser_next(p), REEF_PARSE_REPLY);
    reef_parser_free(p);
}

static void sweep_commands(bool *failed)
{
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL) {
        *failed = true;
        return;
    }
    static char large[3000];
    reef_cmd_begin(cmd, "SET");
    reef_cmd_key(cmd, reef_str_of("k"));
    reef_cmd_arg(cmd, (reef_str){large, sizeof large});
    reef_cmd_arg(cmd, (reef_str){large, sizeof large});
    if (reef_cmd_code(cmd) != REEF_OK) {
        assert_int_equal(reef_cmd_code(cmd), REEF_NOMEM);
        assert_int_equal(reef_cmd_wire(cmd).len, 0);
        *failed = true;
    }
    reef_cmd_begin(cmd, "PING");
    *failed = *failed || reef_cmd_code(cmd) != REEF_OK;
    reef_cmd_free(cmd);
    reef_reply *reply = reef_reply_failed(REEF_UNSENT, "late");
    if (reef_reply_code(reply) == REEF_NOMEM) {
        assert_string_equal(reef_reply_text(reply), "out of memory");
        assert_int_equal(reef_node_kind(reef_reply_root(reply)), REEF_NIL);
        *failed = true;
    }
    reef_reply_free(reply);
    /* What may have been sent is not called unsent for want of memory. */
    reply = reef_reply_failed(REEF_PROTOCOL, "late");
    assert_int_not_equal(reef_reply_code(reply), REEF_NOMEM);
    assert_int_equal(reef_node_kind(reef_reply_root(reply)), REEF_NIL);
    *failed = *failed || reef_reply_code(reply) == REEF_UNSURE;
    reef_reply_free(reply);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    size_t swept = 0;
    for (size_t mode = 0; mode < 4; mode++) {
        bool failed = true;
        for (size_t k = 1; failed; k++) {
            heap_reset();
            heap_fail_at = k;
            heap_fail_on = mode % 2 == 1;
            failed = false;
            if (mode < 2) {
                sweep_run(&failed);
            } else {
                sweep_commands(&failed);
            }
            /* A shrink that fails is no failure; but such a run goes on to the next. */
            failed = failed || heap_calls >= k;
            heap_reset();
            assert_int_equal(heap_used, 0);
            swept++;
        }
    }
    assert_true(swept > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_taken_outlives),
        cmocka_unit_test(test_parse_peek_and_take),
        cmocka_unit_test(test_parse_recycle_between),
        cmocka_unit_test(test_parse_reset_between),
        cmocka_unit_test(test_parse_no_allocation),
        cmocka_unit_test(test_parse_header_alone),
        cmocka_unit_test(test_parse_large_string),
        cmocka_unit_test(test_parse_million),
        cmocka_unit_test(test_parse_many_large),
        cmocka_unit_test(test_parse_idle),
        cmocka_unit_test(test_parse_proto),
        cmocka_unit_test(test_parse_error_sticks),
        cmocka_unit_test(test_parse_room),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
