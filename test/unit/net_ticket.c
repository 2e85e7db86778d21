/* SPDX-License-Identifier: Apache-2.0
 *
 * net/ticket.c: lists, the deadline heap, and what proves that a command did not
 * run. */
#include "test/unit/engine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_list_by_age(void **state)
{
    (void)state;
    reef_list list = {0};
    reef_ticket *t[5];
    static const size_t order[] = {2, 0, 4, 1, 3};
    for (size_t i = 0; i < 5; i++) {
        t[i] = calloc(1, sizeof *t[i]);
        assert_non_null(t[i]);
        t[i]->id = i;
    }
    for (size_t i = 0; i < 5; i++)
        reef_list_insert_by_age(&list, t[order[i]]);
    assert_int_equal(list.count, 5);
    size_t n = 0;
    for (reef_ticket *at = list.head; at; at = at->next)
        assert_int_equal(at->id, n++);
    for (reef_ticket *at = list.tail; at; at = at->prev)
        assert_int_equal(at->id, --n);
    reef_list_remove(&list, t[0]);
    reef_list_remove(&list, t[4]);
    reef_list_remove(&list, t[2]);
    assert_ptr_equal(list.head, t[1]);
    assert_ptr_equal(list.tail, t[3]);
    reef_list_remove(&list, t[1]);
    reef_list_remove(&list, t[3]);
    assert_null(list.head);
    assert_null(list.tail);
    assert_int_equal(list.count, 0);
    for (size_t i = 0; i < 5; i++)
        free(t[i]);
}

/* Whatever the order they were given in, calls end by order of deadline, none early. */
static void test_heap(void **state)
{
    (void)state;
    enum { CALLS = 500 };
    kit k;
    int64_t due[CALLS];
    uint64_t first = 0;
    unsigned random = 12345;
    kit_start(&k, "server.redis.hosts = [\"127.0.0.1:7000\"]");
    for (size_t i = 0; i < CALLS; i++) {
        random = random * 1103515245u + 12345u;
        due[i] = 1 + (int64_t)(random >> 16) % 300;
        uint64_t id = kit_submit(&k, "GET a", false, due[i]);
        first = i == 0 ? id : first;
        assert_int_equal(id, first + i);
    }
    size_t ended = 0;
    for (int64_t at = 1; at <= 300; at++) {
        reef_done done;
        kit_tick_to(&k, 1000 + at);
        while (reef_engine_next_done(k.engine, &done)) {
            assert_int_equal(due[done.ticket - first], at);
            reef_reply_free(done.reply);
            ended++;
        }
        for (size_t i = 1; i < k.engine->heap_count; i++)
            assert_true(k.engine->heap[(i - 1) / 2]->deadline_ms <=
                        k.engine->heap[i]->deadline_ms);
    }
    assert_int_equal(ended, CALLS);
    assert_int_equal(k.engine->pending, 0);
    assert_int_equal(k.engine->pending_bytes, 0);
    kit_stop(&k);
}

static void test_not_now(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool not_now;
    } cases[] = {
        {"LOADING Redis is loading", true},
        {"MASTERDOWN x", true},
        {"BUSY script", true},
        {"BUSYGROUP exists", false},
        {"BUSYKEY exists", false},
        {"ERR LOADING", false},
        {"LOADING", true},
        {"LOADINGX", false},
        {"READONLY x", false},
        {"NOREPLICAS x", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_ticket *t = calloc(1, sizeof *t + sizeof(reef_reply *));
        t->count = t->got = 1;
        t->replies[0] = reef_reply_failed(REEF_REFUSED, cases[i].text);
        /* Two of them mean "not now" only where another may become the master. */
        bool moves = strcmp(cases[i].text, "READONLY x") == 0 ||
                     strcmp(cases[i].text, "NOREPLICAS x") == 0;
        if (reef_ticket_not_now(t, false) != cases[i].not_now ||
            reef_ticket_not_now(t, true) != (cases[i].not_now || moves))
            fail_msg("%s", cases[i].text);
        reef_ticket_forget(t);
        assert_int_equal(t->got, 0);
        free(t);
    }
}

static void test_not_now_in_a_transaction(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *last;
        bool not_now, moves; /* one server; another may become the master */
    } cases[] = {
        {"LOADING x", "EXECABORT discarded", true, true},
        {"ERR syntax", "EXECABORT discarded", false, false},
        /* Something ran: a script may answer LOADING. */
        {"LOADING x", "ERR other", false, false},
        {"READONLY x", "EXECABORT discarded", false, true},
        {"ERR x",
         "EXECABORT Transaction discarded because of: BUSY Redis is busy "
         "running a script.",
         true, true},
        {"ERR x",
         "EXECABORT Transaction discarded because of: READONLY You can't "
         "write against a read only replica.",
         false, true},
        {"ERR x", "EXECABORT Transaction discarded because of: READONLY mine", false,
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_ticket *t = calloc(1, sizeof *t + 2 * sizeof(reef_reply *));
        t->count = t->got = 2;
        t->replies[0] = reef_reply_failed(REEF_REFUSED, cases[i].inner);
        t->replies[1] = reef_reply_failed(REEF_REFUSED, cases[i].last);
        assert_int_equal(reef_ticket_not_now(t, false), cases[i].not_now);
        assert_int_equal(reef_ticket_not_now(t, true), cases[i].moves);
        reef_ticket_forget(t);
        free(t);
    }
}

/* A crowd that comes back by age is looked through once, not once for each of them:
 * these would take minutes. */
static void test_list_takes_back_a_crowd(void **state)
{
    (void)state;
    enum { CROWD = 500000, YOUNG = 1000 };
    reef_list list = {0};
    reef_ticket *t = calloc(CROWD + YOUNG, sizeof *t);
    assert_non_null(t);
    for (size_t i = 0; i < CROWD + YOUNG; i++)
        t[i].id = i;
    for (size_t i = CROWD; i < CROWD + YOUNG; i++)
        reef_list_push(&list, &t[i]);
    for (size_t i = 0; i < CROWD; i++)
        reef_list_insert_by_age(&list, &t[i]);
    reef_list_remove(&list, &t[CROWD - 1]); /* the one that went in last */
    reef_list_insert_by_age(&list, &t[CROWD - 1]);
    size_t n = 0;
    for (reef_ticket *at = list.head; at; at = at->next)
        assert_true(at->id == n++);
    assert_int_equal(n, CROWD + YOUNG);
    free(t);
}

/* What a script answers is no proof that it did not run. */
static void test_scripts_say_what_they_like(void **state)
{
    (void)state;
    static const struct {
        const char *command, *answer;
        bool repeatable, again;
    } cases[] = {
        {"EVAL s 0", "-BUSY account is locked\r\n", false, false},
        {"evalsha_ro s 0", "-LOADING soon\r\n", false, false},
        {"FCALL f 0", "-MASTERDOWN x\r\n", false, false},
        {"FCALL f 0", "-MASTERDOWN x\r\n", true, true},
        {"INCR n", "-BUSY x\r\n", false, true},
        {"EVAL s 0", "-BUSY Redis is busy running a script. Kill it\r\n", false, true},
        {"EVAL s 0", "-LOADING Valkey is loading the dataset in memory\r\n", false,
         true},
        {"FCALL f 0", "-MASTERDOWN Link with MASTER is down and\r\n", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit k;
        kit_start(&k, "server.redis.hosts = [\"127.0.0.1:7000\"]");
        uint64_t id = kit_submit(&k, cases[i].command, cases[i].repeatable, 1000);
        kit_connect(&k);
        kit_expect_sent(&k, NULL);
        kit_receive(&k, cases[i].answer);
        if (!cases[i].again)
            kit_expect_done(&k, id, REEF_REFUSED, NULL);
        kit_expect_none_done(&k);
        kit_tick_to(&k, k.now_ms + REEF_BACKOFF_MAX_MS);
        kit_expect_sent(&k, NULL);
        assert_int_equal(k.sent_len > 0, cases[i].again);
        kit_stop(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_by_age),
        cmocka_unit_test(test_heap),
        cmocka_unit_test(test_not_now),
        cmocka_unit_test(test_not_now_in_a_transaction),
        cmocka_unit_test(test_list_takes_back_a_crowd),
        cmocka_unit_test(test_scripts_say_what_they_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
