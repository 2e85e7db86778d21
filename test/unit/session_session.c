/* SPDX-License-Identifier: Apache-2.0
 *
 * Save, get and delete over a scripted net/. Linked with __wrap_malloc,
 * __wrap_calloc and __wrap_realloc of session_fake.h. */
#include "session/session.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
#define KEY "p:Sessions:" ID
#define INDEX "p:SessionsByUserId:ann:" ID
#define JSON                                                                           \
    "{\"session_id\":\"" ID "\",\"ip\":\"::1\",\"user_id\":\"ann\",\"user_agent\":"    \
    "\"x\",\"expires_after\":\"1970-01-01T00:00:00Z\",\"updated_at\":77,"              \
    "\"is_deleted\":false}"

static reef_session ann(void)
{
    reef_session session = {0};
    session.id = reef_str_of(ID);
    session.ip = reef_str_of("::1");
    session.user_id = reef_str_of("ann");
    session.user_agent = reef_str_of("x");
    session.updated_at = 77;
    return session;
}

/* ---- arguments: refused without a round trip ---- */

static void refuses(reef_client *client, const reef_session *session, reef_code code)
{
    reef_error error;
    fake_ended(reef_session_save(client, session, 0, &error), code, &error, "");
    fake_ended(reef_session_touch(client, session, 0, &error), code, &error, "");
    fake_ended(reef_session_delete(client, session->id, session->user_id, 0, &error),
               code, &error, "");
    assert_string_not_equal(error.text, "");
}

static void test_arguments(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "",
        "x",
        "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw",
        "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWww",
        "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw==",
        "Zm9vYmFyLWJhei1xdXV4LWNvcmdlL*dyYXVsdC13YWw=",
        "Zm9vYmFyLWJhei1xdXV4LWNvcmdlL+dyYXVsdC13YWw=",
        "Zm9vYmFyLWJhei1xdXV4\r\nNvcmdlLWdyYXVsdC13YW=",
    };
    reef_error error;
    reef_sessions *list;
    reef_client *client = fake_open("p:");
    reef_session session = ann();
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        session.id = reef_str_of(ids[i]);
        refuses(client, &session, REEF_BADARG);
        fake_ended(reef_session_get(client, session.id, 0, &list, &error), REEF_BADARG,
                   &error, "not a session id");
        assert_null(list);
    }
    session = ann();
    session.user_id = reef_str_of("");
    refuses(client, &session, REEF_BADARG);
    session.user_id = reef_str_of("ann\xFF");
    refuses(client, &session, REEF_BADARG);
    static char much[REEF_RECORD_MAX];
    memset(much, 'm', sizeof much);
    session.user_id = (reef_str){much, 65537};
    refuses(client, &session, REEF_LIMIT);
    session = ann();
    fake_ended(reef_session_save(client, &session, -1, &error), REEF_BADARG, &error,
               "");
    fake_ended(reef_session_touch(client, &session, -1, &error), REEF_BADARG, &error,
               "");
    fake_ended(reef_session_get(client, session.id, -1, &list, &error), REEF_BADARG,
               &error, "");
    session.user_agent = (reef_str){much, sizeof much};
    fake_ended(reef_session_save(client, &session, 0, &error), REEF_LIMIT, &error, ID);
    fake_ended(reef_session_touch(client, &session, 0, &error), REEF_LIMIT, &error, ID);
    session = ann();
    session.is_deleted = true;
    fake_ended(reef_session_touch(client, &session, 0, &error), REEF_BADARG, &error,
               "tombstone");
    assert_int_equal(reef_session_touch(client, &session, 0, NULL), REEF_BADARG);
    assert_int_equal(fake_rounds(), 0);
    fake_close(client);
}

/* ---- save and delete ---- */

static void test_save(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_session session = ann();
    fake_say("+OK\r\n+OK\r\n");
    fake_ended(reef_session_save(client, &session, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "~SET " INDEX " " ID " EX 7200\n"
                                    "~SET " KEY " " JSON " EX 7200\n--\n");
    fake_say("+OK\r\n-OOM no\r\n");
    fake_ended(reef_session_save(client, &session, 0, &error), REEF_REFUSED, &error,
               "\"" KEY "\": OOM no");
    fake_close(client);
}

static void test_delete(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_session session = ann();
    fake_say(":1\r\n:1\r\n:0\r\n:1\r\n");
    fake_ended(reef_session_delete(client, session.id, session.user_id, 0, &error),
               REEF_OK, &error, "");
    assert_string_equal(fake_log(), "DEL " KEY "\nDEL " INDEX "\n--\n");
    fake_ended(reef_session_delete(client, session.id, session.user_id, 0, &error),
               REEF_NOT_FOUND, &error, ID);
    fake_close(client);
}

/* ---- get ---- */

static void test_get(void **state)
{
    (void)state;
    reef_error error;
    reef_sessions *list = NULL;
    reef_session session;
    reef_client *client = fake_open("p:");
    fake_bulk(reef_str_of(JSON));
    fake_ended(reef_session_get(client, reef_str_of(ID), 0, &list, &error), REEF_OK,
               &error, "");
    assert_string_equal(fake_log(), "~GET " KEY "\n--\n");
    assert_int_equal(reef_sessions_count(list), 1);
    assert_true(reef_sessions_next(list, &session, &error));
    assert_true(session.updated_at == 77);
    assert_false(reef_sessions_next(list, &session, &error));
    reef_sessions_free(list);
    reef_sessions_free(NULL);
    fake_close(client);
}

static void test_get_fails(void **state)
{
    (void)state;
    static const struct {
        const char *wire; /* NULL: no answer */
        reef_code code;
        const char *part;
    } cases[] = {
        {"_\r\n", REEF_NOT_FOUND, "no such key"},
        {NULL, REEF_UNSURE, "gone"},
        {"-NOPERM no\r\n", REEF_REFUSED, "NOPERM no"},
        {":5\r\n", REEF_PROTOCOL, "another kind"},
        {"-WRONGTYPE list\r\n", REEF_CORRUPT, "WRONGTYPE"},
        {"$0\r\n\r\n", REEF_CORRUPT, "at byte 0"},
        {"$4\r\nnull\r\n", REEF_CORRUPT, "at byte 0"},
        {"$2\r\n{}\r\n", REEF_CORRUPT, "session_id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reef_error error;
        reef_sessions *list = NULL;
        reef_client *client = fake_open("p:");
        if (cases[i].wire != NULL)
            fake_say(cases[i].wire);
        else
            fake_fail(REEF_UNSURE, "gone");
        fake_ended(reef_session_get(client, reef_str_of(ID), 0, &list, &error),
                   cases[i].code, &error, cases[i].part);
        assert_non_null(strstr(error.text, "\"" KEY "\""));
        assert_null(list);
        fake_close(client);
    }
}

/* Touch by its own program; here that it is asked for what was given. */
static void test_touch(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_session session = ann();
    fake_say(":1\r\n");
    fake_ended(reef_session_touch(client, &session, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "~EVAL (script) 2 " KEY " " INDEX " " JSON
                                    " 77 7200 " ID "\n--\n");
    fake_close(client);
}

/* Without random bytes there is no id, rather than one that can be guessed. */
static void test_no_random(void **state)
{
    (void)state;
    reef_error error;
    char id[REEF_SESSION_ID_LEN + 1] = "x";
    reef_client *client = fake_open("");
    fake_wall(INT64_C(1767323045120000000));
    fake_ended(reef_session_new_id(id, &error), REEF_OK, &error, "");
    assert_true(reef_session_id_valid(reef_str_of(id)));
    fake_no_random();
    fake_ended(reef_session_new_id(id, &error), REEF_REFUSED, &error, "random");
    assert_string_equal(id, "");
    assert_int_equal(reef_session_new_id(id, NULL), REEF_REFUSED);
    fake_close(client);
}

/* ---- memory ---- */

/* Every allocation fails once: NOMEM and nothing sent. */
static void test_starved(void **state)
{
    (void)state;
    for (size_t number = 1;; number++) {
        reef_error error;
        reef_sessions *list = NULL;
        reef_client *client = fake_open("p:");
        reef_session session = ann();
        fake_say("+OK\r\n+OK\r\n");
        fake_bulk(reef_str_of(JSON));
        fake_say(":1\r\n:1\r\n:1\r\n");
        fake_starve(number, false);
        size_t done = 0;
        reef_code code = reef_session_save(client, &session, 0, &error);
        done += code == REEF_OK ? 1 : 0;
        if (code == REEF_OK)
            code = reef_session_get(client, session.id, 0, &list, &error);
        done += code == REEF_OK && done == 1 ? 1 : 0;
        if (code == REEF_OK)
            code = reef_session_touch(client, &session, 0, &error);
        done += code == REEF_OK && done == 2 ? 1 : 0;
        if (code == REEF_OK)
            code = reef_session_delete(client, session.id, session.user_id, 0, &error);
        bool starved = fake_starved();
        fake_starve(0, false);
        assert_int_equal(code, starved ? REEF_NOMEM : REEF_OK);
        assert_int_equal(error.code, code);
        assert_in_range(fake_rounds(), done, done + 1);
        reef_sessions_free(list);
        fake_drop();
        fake_close(client);
        if (!starved)
            break;
        assert_true(number < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_save),
        cmocka_unit_test(test_delete),    cmocka_unit_test(test_get),
        cmocka_unit_test(test_get_fails), cmocka_unit_test(test_touch),
        cmocka_unit_test(test_no_random), cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_session", tests, NULL, NULL);
}
