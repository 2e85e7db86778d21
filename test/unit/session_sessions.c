/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists that own their memory. Linked with __wrap_malloc, __wrap_calloc and
 * __wrap_realloc of session_fake.h. */
#include "session/sessions.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static reef_asked asked_of(const char *id, const char *user_id)
{
    reef_asked asked = {reef_str_of("p:Sessions:k"), reef_str_of(id),
                        reef_str_of(user_id)};
    return asked;
}

static reef_code reads(reef_sessions *list, const char *id, const char *user_id,
                       const char *json)
{
    reef_asked asked = asked_of(id, user_id);
    char *copy = malloc(strlen(json) + 1); /* the list keeps nothing of it */
    assert_non_null(copy);
    memcpy(copy, json, strlen(json) + 1);
    reef_code code = reef_sessions_read(list, &asked, reef_str_of(copy));
    memset(copy, '#', strlen(json));
    free(copy);
    return code;
}

static void test_kinds(void **state)
{
    (void)state;
    reef_sessions *list = reef_sessions_new();
    reef_session session;
    reef_error error;
    assert_int_equal(
        reads(list, "i", "u", "{\"session_id\":\"i\",\"user_id\":\"u\",\"ip\":\"1\"}"),
        REEF_OK);
    assert_int_equal(reads(list, "i", "v", "{\"session_id\":\"i\",\"user_id\":\"u\"}"),
                     REEF_NOT_FOUND);
    assert_int_equal(reads(list, "j", "u", "{\"session_id\":\"i\",\"user_id\":\"u\"}"),
                     REEF_CORRUPT);
    assert_int_equal(reads(list, "j", "v", "{\"session_id\":\"i\",\"user_id\":\"u\"}"),
                     REEF_CORRUPT);
    assert_int_equal(reads(list, "i", "u", "{\"session_id\":"), REEF_CORRUPT);
    assert_int_equal(reads(list, "", "", "{\"session_id\":\"z\"}"), REEF_OK);
    reef_asked asked = asked_of("s", "");
    assert_int_equal(reef_sessions_spoilt(list, &asked, "why not"), REEF_CORRUPT);
    assert_int_equal(reef_sessions_count(list), 6);
    static const struct {
        reef_code code;
        const char *id, *part;
    } expected[] = {
        {REEF_OK, "i", ""},
        {REEF_CORRUPT, "j", "\"p:Sessions:k\": its session_id"},
        {REEF_CORRUPT, "j", "session_id"},
        {REEF_CORRUPT, "i", "at byte 14: a string was expected"},
        {REEF_OK, "z", ""},
        {REEF_CORRUPT, "s", "the record \"p:Sessions:k\": why not"},
    };
    for (size_t i = 0; i < 6; i++) {
        assert_true(reef_sessions_next(list, &session, &error));
        assert_int_equal(error.code, expected[i].code);
        assert_true(reef_str_equal(session.id, reef_str_of(expected[i].id)));
        assert_non_null(strstr(error.text, expected[i].part));
        if (error.code == REEF_CORRUPT) {
            assert_int_equal(session.ip.len + session.user_id.len, 0);
            assert_true(session.updated_at == 0 && session.expires_after_ns == 0);
        } else {
            assert_string_equal(error.text, "");
        }
    }
    assert_false(reef_sessions_next(list, &session, &error));
    assert_false(reef_sessions_next(list, &session, NULL));
    reef_sessions_free(list);
}

static void test_many(void **state)
{
    (void)state;
    reef_sessions *list = reef_sessions_new();
    reef_session session;
    for (int i = 0; i < 3000; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"session_id\":\"%d\",\"updated_at\":%d}", i, i);
        assert_int_equal(reads(list, "", "", json), REEF_OK);
    }
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(reef_sessions_next(list, &session, NULL));
        assert_true(session.updated_at == i);
    }
    assert_false(reef_sessions_next(list, &session, NULL));
    reef_sessions_free(list);
}

/* REEF_LIST_MAX: one more is refused, and memory was not reserved for it. */
static void test_limit(void **state)
{
    (void)state;
    reef_sessions *list = reef_sessions_new();
    size_t count = list->count;
    assert_int_equal(reads(list, "", "", "{}"), REEF_OK);
    list->cap = 1;
    list->count = REEF_LIST_MAX; /* as if it were full */
    assert_int_equal(reads(list, "", "", "{}"), REEF_LIMIT);
    list->count = count + 1;
    reef_sessions_free(list);
}

static void test_starved(void **state)
{
    (void)state;
    static const char json[] = "{\"session_id\":\"i\",\"ip\":\"a\",\"user_id\":\"u\","
                               "\"user_agent\":\"x\"}";
    for (size_t number = 1;; number++) {
        reef_sessions *list = NULL;
        reef_error error;
        fake_starve(number, false);
        reef_code code = reef_session_decode(reef_str_of(json), &list, &error);
        bool starved = fake_starved();
        fake_starve(0, false);
        assert_int_equal(code, starved ? REEF_NOMEM : REEF_OK);
        assert_int_equal(error.code, code);
        assert_int_equal(list != NULL, !starved);
        reef_sessions_free(list);
        size_t len;
        reef_session session = {0};
        fake_starve(number, false);
        char *text = reef_session_encode(&session, &len);
        assert_int_equal(text == NULL, fake_starved());
        free(text);
        fake_starve(0, false);
        if (!starved)
            break;
        assert_true(number < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_sessions", tests, NULL, NULL);
}
