/* SPDX-License-Identifier: Apache-2.0
 *
 * The record's text, both ways: bytes written by hand in knot's form. */
#include "session/codec.h"
#include "session/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="

static void assert_word(reef_str got, const char *expected)
{
    if (!reef_str_equal(got, reef_str_of(expected)))
        print_error("got %.*s, expected %s\n", (int)got.len, got.ptr, expected);
    assert_true(reef_str_equal(got, reef_str_of(expected)));
}

static void encodes(const reef_session *session, const char *expected)
{
    size_t len = 0;
    char *text = reef_session_encode(session, &len);
    assert_non_null(text);
    assert_int_equal(len, strlen(expected));
    assert_string_equal(text, expected);
    free(text);
}

static void test_encode(void **state)
{
    (void)state;
    reef_session session = {0};
    encodes(&session,
            "{\"session_id\":\"\",\"ip\":\"\",\"user_id\":\"\",\"user_agent\":\"\","
            "\"expires_after\":\"1970-01-01T00:00:00Z\",\"updated_at\":0,"
            "\"is_deleted\":false}");
    session.id = reef_str_of(ID);
    session.ip = reef_str_of("2001:db8::1");
    session.user_id = reef_str_of("019aa2f0-1111-7abc-8def-0123456789ab");
    session.user_agent = reef_str_of("curl/8 <\"\\/\t\x7F\x01\xFF\xE2\x80\xA8>&'");
    session.expires_after_ns = INT64_C(1767323045120000000);
    session.updated_at = UINT64_MAX;
    session.is_deleted = true;
    encodes(&session,
            "{\"session_id\":\"" ID "\",\"ip\":\"2001:db8::1\","
            "\"user_id\":\"019aa2f0-1111-7abc-8def-0123456789ab\","
            "\"user_agent\":\"curl/8 \\u003c\\\"\\\\/\\t\x7F\\u0001\\ufffd\\u2028"
            "\\u003e\\u0026'\","
            "\"expires_after\":\"2026-01-02T03:04:05.12Z\","
            "\"updated_at\":18446744073709551615,\"is_deleted\":true}");
    session = (reef_session){0};
    session.expires_after_ns = INT64_MIN;
    session.updated_at = UINT64_C(52133012345678947);
    encodes(&session,
            "{\"session_id\":\"\",\"ip\":\"\",\"user_id\":\"\",\"user_agent\":\"\","
            "\"expires_after\":\"0001-01-01T00:00:00Z\","
            "\"updated_at\":52133012345678947,\"is_deleted\":false}");
}

/* One session out of the text; false: corrupt, with a sentence. */
static bool decodes(const char *text, reef_sessions **out, reef_session *session)
{
    reef_error error;
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    reef_code code = reef_session_decode((reef_str){exact, len}, out, &error);
    free(exact);
    assert_int_equal(code, error.code);
    if (code != REEF_OK) {
        assert_int_equal(code, REEF_CORRUPT);
        assert_null(*out);
        assert_non_null(strstr(error.text, "at byte "));
        return false;
    }
    assert_string_equal(error.text, "");
    assert_int_equal(reef_sessions_count(*out), 1);
    assert_true(reef_sessions_next(*out, session, &error));
    assert_int_equal(error.code, REEF_OK);
    assert_false(reef_sessions_next(*out, session, NULL));
    return true;
}

static const char whole[] =
    "{\"session_id\":\"" ID "\",\"ip\":\"10.0.0.1\",\"user_id\":\"ann\","
    "\"user_agent\":\"a\\u003cb\\u0000c\\ud83d\\ude00\","
    "\"expires_after\":\"2026-01-02T05:04:05.120+02:00\","
    "\"updated_at\":18446744073709551615,\"is_deleted\":true}";

static void test_decode(void **state)
{
    (void)state;
    reef_sessions *list;
    reef_session session;
    assert_true(decodes(whole, &list, &session));
    assert_word(session.id, ID);
    assert_word(session.ip, "10.0.0.1");
    assert_word(session.user_id, "ann");
    assert_true(
        reef_str_equal(session.user_agent, (reef_str){"a<b\0c\xF0\x9F\x98\x80", 9}));
    assert_true(session.expires_after_ns == INT64_C(1767323045120000000));
    assert_true(session.updated_at == UINT64_MAX);
    assert_true(session.is_deleted);
    reef_sessions_free(list);
    assert_true(decodes("{}", &list, &session));
    assert_int_equal(session.id.len + session.ip.len + session.user_id.len +
                         session.user_agent.len,
                     0);
    assert_true(session.expires_after_ns == REEF_TIME_ZERO);
    assert_true(session.updated_at == 0 && !session.is_deleted);
    reef_sessions_free(list);
    assert_int_equal(reef_session_decode(reef_str_of("x"), &list, NULL), REEF_CORRUPT);
    assert_null(list);
}

/* The "ip" that comes of it. */
static void test_decode_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ip;
    } cases[] = {
        {"{\"ip\":\"a\"}", "a"},
        {"{\"IP\":\"a\"}", "a"},
        {"{\"iP\":\"a\"}", "a"},
        {"{\"\\u0069p\":\"a\"}", "a"},
        {"{\"ip\":\"a\",\"Ip\":\"b\"}", "b"},
        {"{\"Ip\":\"b\",\"ip\":\"a\"}", "a"},
        {"{\"ip\":\"a\",\"ip\":null}", "a"},
        {"{\"ip\":null}", ""},
        {"{\"ip \":\"a\"}", ""},
        {"{\"i\":\"a\",\"\":\"b\",\"ipp\":\"c\"}", ""},
        {"{\"ip\\u0000\":\"a\"}", ""},
        {"{\"x\":{\"ip\":\"b\"},\"ip\":\"a\",\"y\":[{\"ip\":\"c\"}]}", "a"},
        {" \n{ \"x\" : [ 1 , 2 ] , \"ip\" : \"a\" } \t\r\n", "a"},
        {"{\"session_id\":null,\"ip\":\"a\",\"user_id\":null,\"user_agent\":null,"
         "\"expires_after\":null,\"updated_at\":null,\"is_deleted\":null}",
         "a"},
    };
    reef_sessions *list;
    reef_session session;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(decodes(cases[i].text, &list, &session));
        assert_word(session.ip, cases[i].ip);
        reef_sessions_free(list);
    }
    /* U+017F is an s to Go. */
    assert_true(decodes("{\"\xC5\xBF"
                        "e\xC5\xBFsion_id\":\"x\",\"U\xC5\xBF"
                        "er_Id\":\"y\","
                        "\"UPDATED_AT\":7,\"Is_Deleted\":true}",
                        &list, &session));
    assert_word(session.id, "x");
    assert_word(session.user_id, "y");
    assert_true(session.updated_at == 7 && session.is_deleted);
    reef_sessions_free(list);
}

static void test_corrupt(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "null",
        "true",
        "[]",
        "\"x\"",
        "7",
        "{",
        "{}}",
        "{} x",
        "{}{}",
        "\xEF\xBB\xBF{}",
        "{\"ip\":1}",
        "{\"ip\":true}",
        "{\"ip\":[]}",
        "{\"ip\":{}}",
        "{\"ip\":\"a\nb\"}",
        "{\"ip\":\"a\",}",
        "{\"ip\" \"a\"}",
        "{ip:\"a\"}",
        "{\"session_id\":0}",
        "{\"user_id\":false}",
        "{\"user_agent\":[\"x\"]}",
        "{\"updated_at\":1.5}",
        "{\"updated_at\":1e3}",
        "{\"updated_at\":-1}",
        "{\"updated_at\":\"1\"}",
        "{\"updated_at\":18446744073709551616}",
        "{\"updated_at\":true}",
        "{\"is_deleted\":1}",
        "{\"is_deleted\":\"true\"}",
        "{\"is_deleted\":TRUE}",
        "{\"expires_after\":0}",
        "{\"expires_after\":\"\"}",
        "{\"expires_after\":\"2026-01-02\"}",
        "{\"expires_after\":\"2026-01-02T03:04:05\"}",
        "{\"expires_after\":\"2026-02-30T03:04:05Z\"}",
        "{\"expires_after\":\"2026-01-02T03:04:05\\u005a\"}",
        "{\"x\":tru}",
        "{\"x\":[1,}",
        "{\"x\":01}",
    };
    reef_sessions *list;
    reef_session session;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bool taken = decodes(bad[i], &list, &session);
        if (taken)
            print_error("taken: %s\n", bad[i]);
        assert_false(taken);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char text[sizeof whole] = {0};
        reef_sessions *list;
        reef_session session;
        memcpy(text, whole, len);
        assert_false(decodes(text, &list, &session));
    }
}

/* One codec over many records: nothing of one shows in the next. */
static void test_reuse(void **state)
{
    (void)state;
    reef_codec codec = {0};
    reef_session session;
    assert_int_equal(reef_codec_read(&codec, reef_str_of(whole), &session), REEF_OK);
    assert_int_equal(reef_codec_read(&codec, reef_str_of("{\"ip\":\"z\"}"), &session),
                     REEF_OK);
    assert_word(session.ip, "z");
    assert_word(session.id, "");
    assert_int_equal(reef_codec_read(&codec, reef_str_of("{\"ip\":\"y\","), &session),
                     REEF_CORRUPT);
    assert_non_null(codec.why);
    assert_int_equal(codec.at, 10);
    assert_int_equal(reef_codec_read(&codec, reef_str_of("{}"), &session), REEF_OK);
    assert_word(session.ip, "");
    assert_true(session.expires_after_ns == REEF_TIME_ZERO);
    reef_codec_free(&codec);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Any session: what is read back is what was written, but for bytes that are no
 * UTF-8. */
static void test_round_trip(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(88172645463325252);
    for (int round = 0; round < 5000; round++) {
        char bytes[40];
        reef_session session = {0}, back;
        reef_sessions *list;
        reef_error error;
        size_t len, again_len;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] =
                (char)(uint8_t)(random_next(&seed) >> (round & 1 ? 57 : 9) & 0xFF);
        session.id = (reef_str){bytes, random_next(&seed) % 11};
        session.ip = (reef_str){bytes + 10, random_next(&seed) % 11};
        session.user_id = (reef_str){bytes + 20, random_next(&seed) % 11};
        session.user_agent = (reef_str){bytes + 30, random_next(&seed) % 11};
        session.expires_after_ns = (int64_t)(random_next(&seed) >> 1);
        session.expires_after_ns *= round & 2 ? 1 : -1;
        session.updated_at = random_next(&seed);
        session.is_deleted = (round & 4) != 0;
        char *text = reef_session_encode(&session, &len);
        assert_non_null(text);
        assert_int_equal(reef_session_decode((reef_str){text, len}, &list, &error),
                         REEF_OK);
        assert_true(reef_sessions_next(list, &back, NULL));
        assert_true(back.expires_after_ns == session.expires_after_ns);
        assert_true(back.updated_at == session.updated_at);
        assert_int_equal(back.is_deleted, session.is_deleted);
        if (reef_utf8_valid(session.id))
            assert_true(reef_str_equal(back.id, session.id));
        if (reef_utf8_valid(session.user_agent))
            assert_true(reef_str_equal(back.user_agent, session.user_agent));
        char *again = reef_session_encode(&back, &again_len);
        assert_non_null(again);
        if (round & 1) {
            assert_int_equal(again_len, len);
            assert_memory_equal(again, text, len);
        }
        free(text);
        free(again);
        reef_sessions_free(list);
    }
}

/* Over the draft's ceiling: no text, and no crash. */
static void test_huge(void **state)
{
    (void)state;
    reef_session session = {0};
    size_t len = REEF_DRAFT_MAX / 6 + 1;
    char *agent = malloc(len);
    assert_non_null(agent);
    memset(agent, '<', len);
    session.user_agent = (reef_str){agent, len};
    assert_null(reef_session_encode(&session, &len));
    assert_int_equal(len, 0);
    free(agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),       cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_names), cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_huge),
    };
    return cmocka_run_group_tests_name("session_codec", tests, NULL, NULL);
}
