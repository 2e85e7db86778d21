/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines, batches, the sentences of errors and the verdict over several writes.
 * Linked with __wrap_malloc, __wrap_calloc and __wrap_realloc of session_fake.h. */
#include "session/job.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void says(const char *head, reef_str key, const char *tail, const char *text)
{
    reef_error error;
    memset(&error, 0x5A, sizeof error);
    assert_int_equal(reef_tell(&error, REEF_CORRUPT, head, key, tail), REEF_CORRUPT);
    assert_int_equal(error.code, REEF_CORRUPT);
    assert_int_equal(error.sys_errno, 0);
    assert_string_equal(error.text, text);
}

static void test_tell(void **state)
{
    (void)state;
    reef_str none = {NULL, 0};
    says("head", none, NULL, "head");
    says("head", none, "", "head");
    says("head", none, "tail", "head: tail");
    says("head", reef_str_of("k"), NULL, "head \"k\"");
    says("head", reef_str_of("k"), "tail", "head \"k\": tail");
    says("head", (reef_str){"a\0b\n\x7F\x1B[1m", 9}, "t\r\nu",
         "head \"a?b???[1m\": t??u");
    says("head", reef_str_of("\xC3\xA9\xFF\xE2\x82"), NULL, "head \"\xC3\xA9???\"");
    says("head", reef_str_of("\xC2\x9B[31m"), NULL, "head \"?[31m\"");
    assert_int_equal(reef_tell(NULL, REEF_DNS, "x", none, NULL), REEF_DNS);
}

/* Keys and words of any length: never past the end, never a character cut in two. */
static void test_tell_long(void **state)
{
    (void)state;
    char key[300], tail[600];
    reef_error error;
    for (size_t i = 0; i < sizeof key; i += 2)
        memcpy(key + i, "\xC3\xA9", 2);
    for (size_t i = 0; i + 3 <= sizeof tail; i += 3)
        memcpy(tail + i, "\xE2\x82\xAC", 3);
    tail[sizeof tail - 3] = 0;
    for (size_t len = 0; len < sizeof key; len += 2) {
        for (size_t skip = 0; skip < 9; skip++) {
            memset(error.text, 'x', sizeof error.text);
            reef_tell(
                &error, REEF_REFUSED, &"123456789" [skip], (reef_str) { key, len },
                tail);
            reef_str text = reef_str_of(error.text);
            assert_true(text.len < REEF_ERROR_TEXT);
            assert_true(reef_utf8_valid(text));
            bool cut = strstr(error.text, "...\"") != NULL;
            assert_int_equal(cut, len > REEF_ERROR_KEY);
        }
    }
}

static void test_deadline(void **state)
{
    (void)state;
    reef_job job;
    reef_error error;
    reef_client *client = fake_open("p:");
    assert_int_equal(reef_job_begin(&job, client, -1, &error), REEF_BADARG);
    assert_int_equal(error.code, REEF_BADARG);
    assert_int_equal(reef_job_begin(&job, client, -1, NULL), REEF_BADARG);
    assert_int_equal(reef_job_begin(&job, client, 0, &error), REEF_OK);
    assert_int_equal(error.code, REEF_OK);
    assert_int_equal(reef_job_left_ms(&job), 5000);
    assert_int_equal(reef_job_begin(&job, client, 10, NULL), REEF_OK);
    assert_int_equal(reef_job_left_ms(&job), 10);
    job.end_ms = 0;
    assert_int_equal(reef_job_left_ms(&job), 0);
    assert_int_equal(reef_job_begin(&job, client, INT64_MAX, NULL), REEF_OK);
    assert_true(job.end_ms == INT64_MAX);
    assert_true(
        reef_str_equal(reef_job_key(&job, reef_str_of("k")), reef_str_of("p:k")));
    reef_job_end(&job);
    fake_close(client);
}

static void test_batch(void **state)
{
    (void)state;
    reef_job job;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_batch *batch = reef_batch_new();
    assert_int_equal(reef_job_begin(&job, client, 100, &error), REEF_OK);
    fake_pace(60);
    for (int round = 0; round < 2; round++) {
        reef_batch_clear(batch);
        reef_batch_set(batch, &job, reef_str_of("a"), reef_str_of("1"), 0);
        reef_batch_get(batch, &job, reef_str_of("b"));
        reef_batch_del(batch, &job, reef_str_of("c"), round == 1);
        fake_say("+OK\r\n_\r\n:1\r\n");
        assert_int_equal(reef_batch_run(batch, &job), REEF_OK);
        assert_int_equal(reef_batch_code(batch, 0, REEF_STATUS), REEF_OK);
        assert_int_equal(reef_batch_code(batch, 0, REEF_INT), REEF_PROTOCOL);
        assert_int_equal(reef_batch_code(batch, 2, REEF_INT), REEF_OK);
    }
    assert_int_equal(fake_timeout_ms(), 40);
    assert_string_equal(fake_log(), "~SET p:a 1\n~GET p:b\nDEL p:c\n--\n"
                                    "~SET p:a 1\n~GET p:b\n~DEL p:c\n--\n");
    assert_int_equal(reef_batch_run(batch, &job), REEF_UNSENT);
    assert_int_equal(error.code, REEF_UNSENT);
    reef_batch_free(batch);
    reef_batch_free(NULL);
    reef_job_end(&job);
    fake_close(client);
}

/* One command too many: the batch is not sent at all. */
static void test_batch_full(void **state)
{
    (void)state;
    reef_job job;
    reef_error error;
    reef_client *client = fake_open("");
    reef_batch *batch = reef_batch_new();
    assert_int_equal(reef_job_begin(&job, client, 100, &error), REEF_OK);
    for (size_t i = 0; i < REEF_BATCH; i++)
        reef_batch_get(batch, &job, reef_str_of("k"));
    assert_int_equal(batch->code, REEF_OK);
    assert_null(reef_batch_next(batch, "GET"));
    assert_int_equal(reef_batch_run(batch, &job), REEF_LIMIT);
    assert_int_equal(fake_rounds(), 0);
    reef_batch_free(batch);
    reef_job_end(&job);
    fake_close(client);
}

static void test_verdict(void **state)
{
    (void)state;
    size_t which;
    const reef_code fine[] = {REEF_OK, REEF_OK};
    assert_int_equal(reef_verdict(fine, 2, &which), REEF_OK);
    assert_int_equal(reef_verdict(fine, 0, &which), REEF_OK);
    const reef_code first[] = {REEF_OK, REEF_REFUSED, REEF_PROTOCOL};
    assert_int_equal(reef_verdict(first, 3, &which), REEF_REFUSED);
    assert_int_equal(which, 1);
    const reef_code unsure[] = {REEF_REFUSED, REEF_UNSURE, REEF_UNSURE};
    assert_int_equal(reef_verdict(unsure, 3, &which), REEF_UNSURE);
    assert_int_equal(which, 1);
    static const reef_code unsent[] = {REEF_NOMEM, REEF_BADARG,  REEF_BADCONFIG,
                                       REEF_LIMIT, REEF_DNS,     REEF_CONNECT,
                                       REEF_AUTH,  REEF_NOROUTE, REEF_UNSENT};
    for (size_t i = 0; i < sizeof unsent / sizeof *unsent; i++) {
        const reef_code none[] = {unsent[i], unsent[i]};
        assert_int_equal(reef_verdict(none, 2, &which), unsent[i]);
        const reef_code half[] = {unsent[i], REEF_OK};
        assert_int_equal(reef_verdict(half, 2, &which), REEF_UNSURE);
        assert_int_equal(which, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tell),       cmocka_unit_test(test_tell_long),
        cmocka_unit_test(test_deadline),   cmocka_unit_test(test_batch),
        cmocka_unit_test(test_batch_full), cmocka_unit_test(test_verdict),
    };
    return cmocka_run_group_tests_name("session_job", tests, NULL, NULL);
}
