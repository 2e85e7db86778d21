/* SPDX-License-Identifier: Apache-2.0
 *
 * The three ways in which writes that belong together go out: what is sent when, and
 * what each answer comes to. Linked with __wrap_malloc, __wrap_calloc and
 * __wrap_realloc of session_fake.h. */
#include "session/write.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct desk {
    reef_client *client;
    reef_batch *batch;
    reef_job job;
    reef_error error;
    reef_write write;
};

static void desk_open(struct desk *desk, const char *prefix, bool spread)
{
    memset(desk, 0, sizeof *desk);
    desk->client = fake_open(prefix);
    fake_spread(spread);
    desk->batch = reef_batch_new();
    assert_non_null(desk->batch);
    assert_int_equal(reef_job_begin(&desk->job, desk->client, 60000, &desk->error),
                     REEF_OK);
    desk->write.kind = REEF_INT;
}

static void desk_close(struct desk *desk)
{
    reef_batch_free(desk->batch);
    reef_job_end(&desk->job);
    fake_close(desk->client);
}

/* A DEL of each key; those that begin with "l" are late. */
static void desk_build(struct desk *desk, const char *const keys[], bool repeatable)
{
    reef_batch_clear(desk->batch);
    for (size_t i = 0; keys[i] != NULL; i++) {
        reef_batch_del(desk->batch, &desk->job, reef_str_of(keys[i]), repeatable);
        if (keys[i][0] == 'l')
            reef_write_late(desk->batch);
    }
}

static void desk_run(struct desk *desk)
{
    assert_int_equal(reef_write_run(desk->batch, &desk->job, &desk->write), REEF_OK);
}

static void desk_is(struct desk *desk, size_t index, reef_code code, const char *part)
{
    assert_int_equal(reef_batch_code(desk->batch, index, REEF_INT), code);
    if (code != REEF_OK)
        assert_non_null(strstr(reef_batch_text(desk->batch, index), part));
}

static const char *const two[] = {"l1", "e1", NULL};
static const char *const four[] = {"l1", "e1", "l2", "e2", NULL};
static const char *const early[] = {"e1", "e2", "l1", "l2", NULL};

/* ---- which way ---- */

static void test_ways(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *key;
        bool spread;
        size_t count; /* of indexes */
        reef_way way;
        int64_t ttl_s; /* of an index, for 100 */
    } cases[] = {
        {"p:", "a", false, 1, REEF_WAY_ROW, 100},
        {"p:", "a", true, 1, REEF_WAY_STEPS, 110},
        {"p:", "a", true, 0, REEF_WAY_ROW, 100},
        {"{p}:", "a", false, 1, REEF_WAY_TOGETHER, 100},
        {"{p}:", "a", true, 2, REEF_WAY_TOGETHER, 100},
        {"{p}:", "a", true, 0, REEF_WAY_ROW, 100},
        {"{}p:", "a", true, 1, REEF_WAY_STEPS, 110},
        {"p:{", "a", true, 1, REEF_WAY_STEPS, 110},
        {"", "{i}a", true, 1, REEF_WAY_TOGETHER, 100},
        {"", "{i}a", true, 2, REEF_WAY_STEPS, 110},
        {"", "{i}a", false, 2, REEF_WAY_ROW, 100},
    };
    const reef_str indexes[] = {reef_str_of("{i}b"), reef_str_of("c")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct desk desk;
        desk_open(&desk, cases[i].prefix, cases[i].spread);
        reef_record record = {.key = reef_str_of(cases[i].key), .indexes = indexes};
        record.index_count = cases[i].count;
        reef_way way = reef_write_way(desk.batch, &desk.job, &record);
        assert_int_equal(way, cases[i].way);
        assert_int_equal(reef_write_index_ttl_s(way, 100), cases[i].ttl_s);
        assert_int_equal(reef_write_index_ttl_s(way, 0), 0);
        assert_true(reef_write_index_ttl_s(way, INT64_MAX) == INT64_MAX);
        desk_close(&desk);
    }
}

static void test_row(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, "p:", false);
    desk.write.firm = desk.write.brief = true;
    desk_build(&desk, four, false);
    fake_say(":1\r\n-NO\r\n:3\r\n:4\r\n");
    desk_run(&desk);
    assert_string_equal(fake_log(), "DEL p:l1\nDEL p:e1\nDEL p:l2\nDEL p:e2\n--\n");
    assert_int_equal(fake_timeout_ms(), 60000);
    desk_is(&desk, 1, REEF_REFUSED, "NO");
    assert_int_equal(reef_batch_int(desk.batch, 2, 0), 3);
    assert_false(desk.write.cut);
    desk_close(&desk);
}

/* ---- one transaction ---- */

static void test_together(void **state)
{
    (void)state;
    for (int spread = 0; spread < 2; spread++) {
        struct desk desk;
        desk_open(&desk, "{p}", spread == 1);
        desk_build(&desk, two, false);
        fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:5\r\n:6\r\n");
        desk_run(&desk);
        desk_is(&desk, 0, REEF_OK, "");
        assert_int_equal(reef_batch_int(desk.batch, 0, 0), 5);
        assert_int_equal(reef_batch_int(desk.batch, 1, 0), 6);
        desk_build(&desk, two, true);
        fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:7\r\n:8\r\n");
        desk_run(&desk);
        assert_int_equal(reef_batch_int(desk.batch, 1, 0), 8);
        reef_batch_del(desk.batch, &desk.job, reef_str_of("x"), false);
        reef_batch_clear(desk.batch);
        desk_build(&desk, (const char *const[]){"one", NULL}, false);
        fake_say(":9\r\n");
        desk_run(&desk);
        assert_int_equal(reef_batch_int(desk.batch, 0, 0), 9);
        assert_string_equal(fake_log(), "MULTI\nDEL {p}l1\nDEL {p}e1\nEXEC\n--\n"
                                        "~MULTI\n~DEL {p}l1\n~DEL {p}e1\n~EXEC\n--\n"
                                        "DEL {p}one\n--\n");
        desk_close(&desk);
    }
}

/* One command that may not be repeated: so may none of them. */
static void test_together_mixed(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, "{p}", true);
    reef_batch_del(desk.batch, &desk.job, reef_str_of("a"), true);
    reef_batch_del(desk.batch, &desk.job, reef_str_of("b"), false);
    fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:5\r\n:6\r\n");
    desk_run(&desk);
    assert_string_equal(fake_log(), "MULTI\n~DEL {p}a\nDEL {p}b\nEXEC\n--\n");
    desk_close(&desk);
}

/* The answers to MULTI, two commands and EXEC; what each command comes to, and which of
 * them the verdict names. */
static void test_exec(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        reef_code first, second;
        const char *first_part, *second_part;
        reef_code verdict;
        size_t which;
    } cases[] = {
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n-WRONGTYPE no\r\n", REEF_OK,
         REEF_REFUSED, "", "WRONGTYPE no", REEF_REFUSED, 1},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n!5\r\nOH no\r\n:1\r\n", REEF_REFUSED,
         REEF_OK, "OH no", "", REEF_REFUSED, 0},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+OK\r\n", REEF_OK, REEF_PROTOCOL, "",
         "another kind", REEF_PROTOCOL, 1},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n_\r\n", REEF_OK, REEF_PROTOCOL, "",
         "another kind", REEF_PROTOCOL, 1},
        {"+OK\r\n+QUEUED\r\n-NOPERM key\r\n-EXECABORT all\r\n", REEF_REFUSED,
         REEF_REFUSED, "EXECABORT all", "NOPERM key", REEF_REFUSED, 1},
        {"+OK\r\n-OOM no\r\n-NOPERM key\r\n-EXECABORT all\r\n", REEF_REFUSED,
         REEF_REFUSED, "OOM no", "NOPERM key", REEF_REFUSED, 0},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n-EXECABORT role\r\n", REEF_REFUSED, REEF_REFUSED,
         "EXECABORT role", "EXECABORT role", REEF_REFUSED, 0},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n_\r\n", REEF_PROTOCOL, REEF_PROTOCOL, "EXEC",
         "EXEC", REEF_PROTOCOL, 0},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*1\r\n:1\r\n", REEF_PROTOCOL, REEF_PROTOCOL,
         "EXEC", "EXEC", REEF_PROTOCOL, 0},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n:1\r\n:1\r\n", REEF_PROTOCOL,
         REEF_PROTOCOL, "EXEC", "EXEC", REEF_PROTOCOL, 0},
        {"+OK\r\n+QUEUED\r\n+QUEUED\r\n+OK\r\n", REEF_PROTOCOL, REEF_PROTOCOL, "EXEC",
         "EXEC", REEF_PROTOCOL, 0},
        /* Without MULTI they ran one by one. */
        {"-NOPERM multi\r\n:1\r\n:1\r\n-ERR EXEC without MULTI\r\n", REEF_OK, REEF_OK,
         "", "", REEF_OK, 0},
        {"-NOPERM multi\r\n:1\r\n-OOM no\r\n-NOPERM exec\r\n", REEF_OK, REEF_REFUSED,
         "", "OOM no", REEF_REFUSED, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct desk desk;
        size_t which;
        desk_open(&desk, "{p}", true);
        desk_build(&desk, two, false);
        fake_say(cases[i].wire);
        desk_run(&desk);
        desk_is(&desk, 0, cases[i].first, cases[i].first_part);
        desk_is(&desk, 1, cases[i].second, cases[i].second_part);
        reef_code code = reef_write_verdict(desk.batch, REEF_INT, &which);
        assert_int_equal(code, cases[i].verdict);
        assert_int_equal(which, cases[i].which);
        desk_close(&desk);
    }
}

/* The connection is lost: before, within, and behind the last answer but one. */
static void test_exec_lost(void **state)
{
    (void)state;
    static const char *const before[] = {"", "+OK\r\n", "+OK\r\n+QUEUED\r\n",
                                         "+OK\r\n+QUEUED\r\n+QUEUED\r\n"};
    static const reef_code codes[] = {REEF_UNSENT, REEF_UNSURE, REEF_CONNECT};
    for (size_t i = 0; i < 4; i++) {
        for (size_t how = 0; how < 3; how++) {
            struct desk desk;
            size_t which;
            desk_open(&desk, "{p}", true);
            desk_build(&desk, two, true);
            if (i > 0)
                fake_say(before[i]);
            for (size_t lost = i; lost < 4; lost++)
                fake_fail(codes[how], "gone");
            desk_run(&desk);
            desk_is(&desk, 0, codes[how], "gone");
            desk_is(&desk, 1, codes[how], "gone");
            assert_int_equal(reef_write_verdict(desk.batch, REEF_INT, &which),
                             codes[how]);
            desk_close(&desk);
        }
    }
}

/* A text of any length is cut, not run past. */
static void test_exec_long(void **state)
{
    (void)state;
    struct desk desk;
    char wire[1200], word[1025];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = 0;
    snprintf(wire, sizeof wire, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-%s\r\n:1\r\n",
             word);
    desk_open(&desk, "{p}", true);
    desk_build(&desk, two, false);
    fake_say(wire);
    desk_run(&desk);
    assert_int_equal(strlen(reef_batch_text(desk.batch, 0)), REEF_ERROR_TEXT - 1);
    desk_close(&desk);
}

/* ---- step by step ---- */

static void test_steps(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, "p:", true);
    fake_pace(100);
    for (int firm = 0; firm < 2; firm++) {
        desk.write.firm = desk.write.brief = firm == 1;
        fake_forget();
        desk_build(&desk, four, false);
        fake_say(":1\r\n:2\r\n:3\r\n:4\r\n");
        desk_run(&desk);
        assert_string_equal(fake_log(), "DEL p:e1\nDEL p:e2\n--\n"
                                        "DEL p:l1\nDEL p:l2\n--\n");
        assert_int_equal(fake_timeout_ms(), firm == 1 ? 4900 : 59900);
        static const int64_t numbers[] = {3, 1, 4, 2};
        for (size_t i = 0; i < 4; i++)
            assert_true(reef_batch_int(desk.batch, i, 0) == numbers[i]);
        assert_false(desk.write.cut);
    }
    desk_close(&desk);
}

/* What comes first fails: a firm write withholds the rest. */
static void test_steps_firm(void **state)
{
    (void)state;
    static const struct {
        const char *wire; /* of the second of the two; NULL: no answer */
        reef_code code;
        const char *part;
    } cases[] = {
        {"-OOM no\r\n", REEF_REFUSED, "OOM no"},
        {"+OK\r\n", REEF_PROTOCOL, "another kind"},
        {NULL, REEF_UNSURE, "gone"},
    };
    for (size_t i = 0; i < 6; i++) {
        struct desk desk;
        size_t which;
        desk_open(&desk, "p:", true);
        desk.write.firm = i < 3;
        desk_build(&desk, early, false);
        fake_say(":1\r\n");
        if (cases[i % 3].wire != NULL)
            fake_say(cases[i % 3].wire);
        else
            fake_fail(REEF_UNSURE, "gone");
        if (i >= 3)
            fake_say(":1\r\n:1\r\n");
        desk_run(&desk);
        desk_is(&desk, 0, REEF_OK, "");
        desk_is(&desk, 1, cases[i % 3].code, cases[i % 3].part);
        desk_is(&desk, 2, i < 3 ? REEF_UNSENT : REEF_OK, "what comes before it");
        desk_is(&desk, 3, i < 3 ? REEF_UNSENT : REEF_OK, "what comes before it");
        assert_int_equal(fake_rounds(), i < 3 ? 1 : 2);
        assert_false(desk.write.cut);
        assert_int_equal(reef_write_verdict(desk.batch, REEF_INT, &which),
                         cases[i % 3].code);
        assert_int_equal(which, 1);
        desk_close(&desk);
    }
}

/* ---- time ---- */

static void test_deadline(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, "p:", true);
    fake_pace(60000);
    desk_build(&desk, two, false);
    fake_say(":1\r\n");
    desk_run(&desk);
    desk_is(&desk, 1, REEF_OK, "");
    desk_is(&desk, 0, REEF_UNSENT, "deadline");
    assert_false(desk.write.cut);
    assert_int_equal(reef_write_run(desk.batch, &desk.job, &desk.write), REEF_UNSENT);
    assert_int_equal(desk.error.code, REEF_UNSENT);
    desk_close(&desk);
}

/* Five seconds for the late ones; whether they were too few. */
static void test_gap(void **state)
{
    (void)state;
    static const struct {
        int64_t pace_ms;
        const char *late; /* NULL: no answer */
        bool cut;
        int64_t given_ms;
    } cases[] = {
        {4000, ":1\r\n", false, 1000}, {4000, NULL, true, 1000},
        {4000, "-NO\r\n", true, 1000}, {1000, NULL, false, 4000},
        {5000, "", true, 60000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct desk desk;
        desk_open(&desk, "p:", true);
        desk.write.brief = true;
        fake_pace(cases[i].pace_ms);
        desk_build(&desk, two, false);
        fake_say(":1\r\n");
        if (cases[i].late == NULL)
            fake_fail(REEF_UNSURE, "gone");
        else if (cases[i].late[0] != 0)
            fake_say(cases[i].late);
        desk_run(&desk);
        assert_int_equal(desk.write.cut, cases[i].cut);
        assert_int_equal(fake_timeout_ms(), cases[i].given_ms);
        desk_close(&desk);
    }
}

/* ---- memory ---- */

static void starve(const char *prefix, bool spread, const char *answers)
{
    for (size_t number = 1;; number++) {
        struct desk desk;
        const reef_str index = reef_str_of("e1");
        desk_open(&desk, prefix, spread);
        fake_say(answers);
        fake_starve(number, false);
        reef_record record = {.key = reef_str_of("l1"), .indexes = &index};
        record.index_count = 1;
        (void)reef_write_way(desk.batch, &desk.job, &record);
        reef_code code = desk.batch->code;
        if (code == REEF_OK) {
            desk_build(&desk, two, false);
            code = reef_write_run(desk.batch, &desk.job, &desk.write);
        }
        bool starved = fake_starved();
        fake_starve(0, false);
        assert_int_equal(code, starved ? REEF_NOMEM : REEF_OK);
        assert_int_equal(fake_rounds() > 0, !starved);
        fake_drop();
        desk_close(&desk);
        if (!starved)
            break;
        assert_true(number < 100);
    }
}

static void test_starved(void **state)
{
    (void)state;
    starve("p:", false, ":1\r\n:1\r\n");
    starve("p:", true, ":1\r\n:1\r\n");
    starve("{p}", true, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),       cmocka_unit_test(test_row),
        cmocka_unit_test(test_together),   cmocka_unit_test(test_together_mixed),
        cmocka_unit_test(test_exec),       cmocka_unit_test(test_exec_lost),
        cmocka_unit_test(test_exec_long),  cmocka_unit_test(test_steps),
        cmocka_unit_test(test_steps_firm), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_gap),        cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_write", tests, NULL, NULL);
}
