/* SPDX-License-Identifier: Apache-2.0
 *
 * Records over a scripted net/ where their keys are on several servers, and where they
 * share one slot: which commands go out when, and what comes of each way in which they
 * end. Linked with __wrap_malloc, __wrap_calloc and __wrap_realloc of
 * session_fake.h. */
#include "session/session.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* On several servers: the record when its indexes were acknowledged, not before. */
static void test_put_steps(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_record record = fake_record(2, 30);
    fake_spread(true);
    fake_say("+OK\r\n+OK\r\n+OK\r\n");
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "~SET p:ByA:1 1 EX 40\n~SET p:ByB:1 1 EX 40\n--\n"
                                    "~SET p:Things:1 {} EX 30\n--\n");
    fake_forget();
    record = fake_record(1, 0);
    fake_say("+OK\r\n+OK\r\n");
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "~SET p:ByA:1 1\n--\n~SET p:Things:1 {}\n--\n");
    fake_forget();
    record = fake_record(0, 30);
    fake_say("+OK\r\n");
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "~SET p:Things:1 {} EX 30\n--\n");
    fake_close(client);
}

static void test_put_steps_fail(void **state)
{
    (void)state;
    static const struct {
        reef_code index, record; /* of the second index; OK: an answer */
        reef_code code;
        size_t rounds;
        const char *part;
    } cases[] = {
        {REEF_REFUSED, REEF_OK, REEF_REFUSED, 1, "\"ByB:1\": OOM no"},
        {REEF_UNSURE, REEF_OK, REEF_UNSURE, 1, "\"ByB:1\": gone"},
        {REEF_CONNECT, REEF_OK, REEF_UNSURE, 1, "\"ByB:1\": gone"},
        {REEF_OK, REEF_REFUSED, REEF_REFUSED, 2, "\"Things:1\": OOM no"},
        {REEF_OK, REEF_UNSURE, REEF_UNSURE, 2, "\"Things:1\": gone"},
        {REEF_OK, REEF_CONNECT, REEF_UNSURE, 2, "\"Things:1\": gone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reef_error error;
        reef_client *client = fake_open("");
        reef_record record = fake_record(2, 1);
        const reef_code codes[] = {REEF_OK, cases[i].index, cases[i].record};
        fake_spread(true);
        for (size_t key = 0; key < 1 + cases[i].rounds; key++) {
            if (codes[key] == REEF_OK)
                fake_say("+OK\r\n");
            else if (codes[key] == REEF_REFUSED)
                fake_say("-OOM no\r\n");
            else
                fake_fail(codes[key], "gone");
        }
        fake_ended(reef_record_put(client, &record, 0, &error), cases[i].code, &error,
                   cases[i].part);
        assert_int_equal(fake_rounds(), cases[i].rounds);
        fake_close(client);
    }
}

/* A record whose server was silent for five seconds: its index may be too old by
 * now. */
static void test_put_again(void **state)
{
    (void)state;
    static const char put[] = "~SET ByA:1 1 EX 40\n--\n~SET Things:1 {} EX 30\n--\n";
    reef_error error;
    reef_client *client = fake_open("");
    reef_record record = fake_record(1, 30);
    fake_spread(true);
    fake_pace(3000);
    fake_say("+OK\r\n");
    fake_fail(REEF_UNSURE, "silent");
    fake_say("+OK\r\n+OK\r\n");
    fake_ended(reef_record_put(client, &record, 60000, &error), REEF_OK, &error, "");
    assert_memory_equal(fake_log(), put, sizeof put - 1);
    assert_string_equal(fake_log() + sizeof put - 1, put);
    assert_int_equal(fake_timeout_ms(), 2000);
    /* It may have run the first time, so no later failure is "not sent". */
    fake_say("+OK\r\n");
    fake_fail(REEF_UNSURE, "silent");
    fake_fail(REEF_CONNECT, "closed");
    fake_ended(reef_record_put(client, &record, 10000, &error), REEF_UNSURE, &error,
               "\"ByA:1\": closed");
    fake_say("+OK\r\n");
    fake_fail(REEF_UNSURE, "silent");
    assert_int_equal(reef_record_put(client, &record, 6000, NULL), REEF_UNSURE);
    fake_close(client);
}

/* One slot: all or nothing, and one answer for all. */
static void test_put_together(void **state)
{
    (void)state;
    for (int spread = 0; spread < 2; spread++) {
        reef_error error;
        reef_client *client = fake_open("{p}:");
        reef_record record = fake_record(1, 30);
        fake_spread(spread == 1);
        fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n");
        fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
        assert_string_equal(fake_log(), "~MULTI\n~SET {p}:ByA:1 1 EX 30\n"
                                        "~SET {p}:Things:1 {} EX 30\n~EXEC\n--\n");
        fake_say("+OK\r\n+QUEUED\r\n-OOM no\r\n-EXECABORT all\r\n");
        fake_ended(reef_record_put(client, &record, 0, &error), REEF_REFUSED, &error,
                   "\"{p}:Things:1\": OOM no");
        for (int i = 0; i < 4; i++)
            fake_fail(REEF_CONNECT, "closed");
        fake_ended(reef_record_put(client, &record, 0, &error), REEF_CONNECT, &error,
                   "closed");
        fake_close(client);
    }
}

/* On several servers: the indexes when the record is gone, not before. */
static void test_del_steps(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("");
    reef_record record = fake_record(2, 0);
    fake_spread(true);
    fake_say(":1\r\n:1\r\n:0\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "DEL Things:1\n--\nDEL ByA:1\nDEL ByB:1\n--\n");
    fake_forget();
    fake_say(":0\r\n:1\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_NOT_FOUND, &error,
               "Things:1");
    fake_forget();
    fake_say("-NOPERM no\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_REFUSED, &error,
               "\"Things:1\": NOPERM no");
    assert_string_equal(fake_log(), "DEL Things:1\n--\n");
    fake_forget();
    record = fake_record(1, 0);
    fake_fail(REEF_UNSURE, "gone");
    fake_say(":0\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "DEL Things:1\n--\n~DEL Things:1\n--\n"
                                    "~DEL ByA:1\n--\n");
    fake_forget();
    fake_say(":1\r\n");
    fake_fail(REEF_CONNECT, "closed");
    fake_say(":0\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "DEL Things:1\n--\nDEL ByA:1\n--\n"
                                    "~DEL Things:1\n--\n~DEL ByA:1\n--\n");
    fake_close(client);
}

static void test_del_together(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("{p}:");
    reef_record record = fake_record(1, 0);
    fake_spread(true);
    fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(),
                        "MULTI\nDEL {p}:Things:1\nDEL {p}:ByA:1\nEXEC\n--\n");
    fake_forget();
    fake_say("+OK\r\n");
    for (int i = 0; i < 3; i++)
        fake_fail(REEF_UNSURE, "gone");
    fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:0\r\n:0\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(),
                        "MULTI\nDEL {p}:Things:1\nDEL {p}:ByA:1\nEXEC\n--\n"
                        "~MULTI\n~DEL {p}:Things:1\n~DEL {p}:ByA:1\n~EXEC\n--\n");
    fake_close(client);
}

/* A full server queues nothing; a DEL by itself it takes. */
static void test_del_full(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("{p}:");
    reef_record record = fake_record(1, 0);
    fake_say("+OK\r\n-OOM no\r\n-OOM no\r\n-EXECABORT all\r\n:1\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "MULTI\nDEL {p}:Things:1\nDEL {p}:ByA:1\nEXEC\n--\n"
                                    "DEL {p}:Things:1\nDEL {p}:ByA:1\n--\n");
    fake_say("+OK\r\n-OOMPH no\r\n-OOM no\r\n-EXECABORT all\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_REFUSED, &error,
               "OOMPH");
    fake_pace(100);
    fake_say("+OK\r\n-OOM no\r\n-OOM no\r\n-EXECABORT all\r\n");
    fake_ended(reef_record_del(client, &record, 100, &error), REEF_UNSENT, &error,
               "deadline");
    fake_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_steps), cmocka_unit_test(test_put_steps_fail),
        cmocka_unit_test(test_put_again), cmocka_unit_test(test_put_together),
        cmocka_unit_test(test_del_steps), cmocka_unit_test(test_del_together),
        cmocka_unit_test(test_del_full),
    };
    return cmocka_run_group_tests_name("session_record_ways", tests, NULL, NULL);
}
