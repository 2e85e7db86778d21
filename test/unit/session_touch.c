/* SPDX-License-Identifier: Apache-2.0
 *
 * Touches over a scripted net/: one script where both keys are within its reach, else
 * step by step. Linked with __wrap_malloc, __wrap_calloc and __wrap_realloc of
 * session_fake.h. */
#include "session/session.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
#define KEY(prefix) prefix "Sessions:" ID
#define INDEX(prefix) prefix "SessionsByUserId:ann:" ID
#define JSON                                                                           \
    "{\"session_id\":\"" ID "\",\"ip\":\"\",\"user_id\":\"ann\",\"user_agent\":\"\","  \
    "\"expires_after\":\"1970-01-01T00:00:00Z\",\"updated_at\":77,"                    \
    "\"is_deleted\":false}"
/* What goes over the wire, a round each. */
#define BOTH(prefix)                                                                   \
    "~EVAL (script) 2 " KEY(prefix) " " INDEX(prefix) " " JSON " 77 7200 " ID "\n--\n"
#define EXPIRE "~EXPIRE " INDEX("p:") " 7210\n--\n"
#define SCRIPT "~EVAL (script) 1 " KEY("p:") " " JSON " 77 7200\n--\n"
#define LOOK "~EVAL (script) 1 " KEY("p:") " " JSON " 77 0\n--\n"
#define WRITE "~SET " INDEX("p:") " " ID " EX 7210\n--\n"

static reef_code touch(reef_client *client, int64_t timeout_ms, reef_error *error)
{
    reef_session session = {0};
    session.id = reef_str_of(ID);
    session.user_id = reef_str_of("ann");
    session.updated_at = 77;
    return reef_session_touch(client, &session, timeout_ms, error);
}

/* ---- both keys within reach ---- */

/* On one server; and in one slot, wherever that is. */
static void test_one_script(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_say(":1\r\n");
    fake_ended(touch(client, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), BOTH("p:"));
    assert_int_equal(fake_timeout_ms(), 5000);
    fake_close(client);
    for (int spread = 0; spread < 2; spread++) {
        client = fake_open("{p}:");
        fake_spread(spread == 1);
        fake_say(":1\r\n");
        fake_ended(touch(client, 0, &error), REEF_OK, &error, "");
        assert_string_equal(fake_log(), BOTH("{p}:"));
        fake_close(client);
    }
}

static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        reef_code code;
        const char *part;
    } cases[] = {
        {":0\r\n", REEF_NOT_FOUND, "no session"},
        {":2\r\n", REEF_CONFLICT, "revoked"},
        {":3\r\n", REEF_CONFLICT, "newer"},
        {":4\r\n", REEF_CORRUPT, "not what knot writes"},
        {":5\r\n", REEF_PROTOCOL, "does not have"},
        {":-1\r\n", REEF_PROTOCOL, "does not have"},
        {"+OK\r\n", REEF_PROTOCOL, "another kind"},
        {"_\r\n", REEF_PROTOCOL, "another kind"},
        {"-NOPERM no\r\n", REEF_REFUSED, "NOPERM no"},
        {"-OOM no\r\n", REEF_REFUSED, "OOM no"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int spread = 0; spread < 2; spread++) {
            reef_error error;
            reef_client *client = fake_open("p:");
            fake_spread(spread == 1);
            if (spread == 1)
                fake_say(":1\r\n");
            fake_say(cases[i].wire);
            fake_ended(touch(client, 0, &error), cases[i].code, &error, cases[i].part);
            assert_non_null(strstr(error.text, "\"" KEY("p:") "\""));
            assert_string_equal(fake_log(), spread == 1 ? EXPIRE SCRIPT : BOTH("p:"));
            fake_close(client);
        }
    }
}

static void test_unanswered(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_fail(REEF_UNSURE, "gone");
    fake_ended(touch(client, 0, &error), REEF_UNSURE, &error, "gone");
    fake_fail(REEF_CONNECT, "closed");
    fake_ended(touch(client, 0, &error), REEF_CONNECT, &error, "closed");
    fake_fail(REEF_UNSURE, "gone");
    assert_int_equal(touch(client, 0, NULL), REEF_UNSURE);
    fake_close(client);
}

/* ---- step by step ---- */

static void test_steps(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_spread(true);
    fake_say(":1\r\n:1\r\n");
    fake_ended(touch(client, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), EXPIRE SCRIPT);
    fake_close(client);
}

/* A live session whose index is gone gets it back before it is given a longer life. */
static void test_index_gone(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_spread(true);
    fake_say(":0\r\n:1\r\n+OK\r\n:1\r\n");
    fake_ended(touch(client, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), EXPIRE LOOK WRITE SCRIPT);
    fake_forget();
    fake_say(":0\r\n:1\r\n-OOM no\r\n");
    fake_ended(touch(client, 0, &error), REEF_REFUSED, &error,
               "\"" INDEX("p:") "\": OOM no");
    assert_string_equal(fake_log(), EXPIRE LOOK WRITE);
    fake_close(client);
}

/* What the script would not write gets no index. */
static void test_nothing_to_mend(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        reef_code code;
    } cases[] = {{":0\r\n", REEF_NOT_FOUND}, {":2\r\n", REEF_CONFLICT},
                 {":3\r\n", REEF_CONFLICT},  {":4\r\n", REEF_CORRUPT},
                 {":9\r\n", REEF_PROTOCOL},  {"+OK\r\n", REEF_PROTOCOL},
                 {"-NO\r\n", REEF_REFUSED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reef_error error;
        reef_client *client = fake_open("p:");
        fake_spread(true);
        fake_say(":0\r\n");
        fake_say(cases[i].wire);
        fake_ended(touch(client, 0, &error), cases[i].code, &error, KEY("p:"));
        assert_string_equal(fake_log(), EXPIRE LOOK);
        fake_close(client);
    }
}

/* Each step that fails ends the touch. Once the index may live longer, "nothing was
 * sent" is not said. */
static void test_step_fails(void **state)
{
    (void)state;
    static const struct {
        const char *before; /* good answers */
        reef_code how, code;
        const char *log;
    } cases[] = {
        {"", REEF_CONNECT, REEF_CONNECT, EXPIRE},
        {"", REEF_UNSURE, REEF_UNSURE, EXPIRE},
        {"", REEF_NOROUTE, REEF_NOROUTE, EXPIRE},
        {":1\r\n", REEF_CONNECT, REEF_UNSURE, EXPIRE SCRIPT},
        {":1\r\n", REEF_UNSURE, REEF_UNSURE, EXPIRE SCRIPT},
        {":0\r\n", REEF_CONNECT, REEF_CONNECT, EXPIRE LOOK},
        {":0\r\n:1\r\n", REEF_UNSENT, REEF_UNSENT, EXPIRE LOOK WRITE},
        {":0\r\n:1\r\n", REEF_UNSURE, REEF_UNSURE, EXPIRE LOOK WRITE},
        {":0\r\n:1\r\n+OK\r\n", REEF_UNSENT, REEF_UNSURE, EXPIRE LOOK WRITE SCRIPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reef_error error;
        reef_client *client = fake_open("p:");
        fake_spread(true);
        if (cases[i].before[0] != 0)
            fake_say(cases[i].before);
        fake_fail(cases[i].how, "gone");
        fake_ended(touch(client, 0, &error), cases[i].code, &error, "gone");
        assert_string_equal(fake_log(), cases[i].log);
        fake_close(client);
    }
}

/* ---- time ---- */

static void test_deadline(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_spread(true);
    fake_pace(50);
    fake_say(":1\r\n");
    fake_ended(touch(client, 50, &error), REEF_UNSURE, &error, "deadline");
    assert_string_equal(fake_log(), EXPIRE);
    fake_say(":1\r\n:1\r\n");
    fake_ended(touch(client, 80, &error), REEF_OK, &error, "");
    assert_int_equal(fake_timeout_ms(), 30);
    fake_close(client);
}

/* The record has five seconds after its index; where that was too little and the call
 * has more, the index comes again. */
static void test_gap(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_spread(true);
    fake_pace(4000);
    fake_say(":1\r\n");
    fake_fail(REEF_UNSURE, "silent");
    fake_say(":1\r\n:1\r\n");
    fake_ended(touch(client, 60000, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), EXPIRE SCRIPT EXPIRE SCRIPT);
    assert_int_equal(fake_timeout_ms(), 1000);
    fake_forget();
    fake_say(":1\r\n"); /* an answer is one, however late */
    fake_say(":2\r\n");
    fake_ended(touch(client, 60000, &error), REEF_CONFLICT, &error, "revoked");
    fake_say(":1\r\n");
    fake_fail(REEF_UNSURE, "silent");
    fake_fail(REEF_CONNECT, "closed");
    fake_ended(touch(client, 12000, &error), REEF_UNSURE, &error, "closed");
    fake_close(client);
}

/* ---- memory ---- */

/* Whichever allocation fails, the code says it, and nothing leaks. */
static void starve(const char *prefix, bool spread, const char *answers)
{
    for (size_t number = 1;; number++) {
        reef_error error;
        reef_client *client = fake_open(prefix);
        fake_spread(spread);
        fake_say(answers);
        fake_starve(number, false);
        reef_code code = touch(client, 0, &error);
        bool starved = fake_starved();
        size_t rounds = fake_rounds();
        fake_starve(0, false);
        assert_int_equal(error.code, code);
        assert_int_equal(code == REEF_OK, !starved);
        if (starved && rounds == 0)
            assert_int_equal(code, REEF_NOMEM);
        fake_drop();
        fake_close(client);
        if (!starved)
            break;
        assert_true(number < 1000);
    }
}

static void test_starved(void **state)
{
    (void)state;
    starve("p:", false, ":1\r\n");
    starve("{p}:", true, ":1\r\n");
    starve("p:", true, ":0\r\n:1\r\n+OK\r\n:1\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_script), cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_unanswered), cmocka_unit_test(test_steps),
        cmocka_unit_test(test_index_gone), cmocka_unit_test(test_nothing_to_mend),
        cmocka_unit_test(test_step_fails), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_gap),        cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_touch", tests, NULL, NULL);
}
