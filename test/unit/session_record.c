/* SPDX-License-Identifier: Apache-2.0
 *
 * The record store over a scripted net/: which commands go out in which order, and what
 * comes of each way in which they end. Linked with __wrap_malloc, __wrap_calloc and
 * __wrap_realloc of session_fake.h. */
#include "session/session.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- put ---------------------------------------------------------------------- */

static void test_put(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_record record = fake_record(2, 30);
    fake_say("+OK\r\n+OK\r\n+OK\r\n");
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "~SET p:ByA:1 1 EX 30\n"
                                    "~SET p:ByB:1 1 EX 30\n"
                                    "~SET p:Things:1 {} EX 30\n--\n");
    assert_int_equal(fake_timeout_ms(), 5000);
    fake_forget();
    record = fake_record(0, 0);
    fake_say("+OK\r\n");
    assert_int_equal(reef_record_put(client, &record, 77, NULL), REEF_OK);
    assert_string_equal(fake_log(), "~SET p:Things:1 {}\n--\n");
    assert_int_equal(fake_timeout_ms(), 77);
    fake_close(client);
}

/* The answers to index and record; the outcome and the key that is named. */
static void test_put_fails(void **state)
{
    (void)state;
    static const struct {
        reef_code index, record; /* OK, or how it failed; REFUSED: by the server */
        reef_code code;
        const char *part;
    } cases[] = {
        {REEF_OK, REEF_UNSURE, REEF_UNSURE, "\"Things:1\": gone"},
        {REEF_UNSURE, REEF_OK, REEF_UNSURE, "\"ByA:1\": gone"},
        {REEF_UNSURE, REEF_UNSURE, REEF_UNSURE, "\"ByA:1\": gone"},
        {REEF_UNSENT, REEF_UNSENT, REEF_UNSENT, "\"ByA:1\": gone"},
        {REEF_CONNECT, REEF_CONNECT, REEF_CONNECT, "\"ByA:1\": gone"},
        {REEF_AUTH, REEF_AUTH, REEF_AUTH, "\"ByA:1\": gone"},
        {REEF_DNS, REEF_DNS, REEF_DNS, "gone"},
        {REEF_NOMEM, REEF_NOMEM, REEF_NOMEM, "gone"},
        {REEF_LIMIT, REEF_LIMIT, REEF_LIMIT, "gone"},
        {REEF_OK, REEF_UNSENT, REEF_UNSURE, "\"Things:1\": gone"},
        {REEF_OK, REEF_CONNECT, REEF_UNSURE, "\"Things:1\": gone"},
        {REEF_OK, REEF_NOMEM, REEF_UNSURE, "\"Things:1\": gone"},
        {REEF_UNSENT, REEF_OK, REEF_UNSURE, "\"ByA:1\": gone"},
        {REEF_UNSENT, REEF_UNSURE, REEF_UNSURE, "\"Things:1\": gone"},
        {REEF_REFUSED, REEF_UNSURE, REEF_UNSURE, "\"Things:1\": gone"},
        {REEF_OK, REEF_REFUSED, REEF_REFUSED, "\"Things:1\": OOM no"},
        {REEF_REFUSED, REEF_OK, REEF_REFUSED, "\"ByA:1\": OOM no"},
        {REEF_REFUSED, REEF_REFUSED, REEF_REFUSED, "\"ByA:1\": OOM no"},
        {REEF_OK, REEF_PROTOCOL, REEF_PROTOCOL, "\"Things:1\": gone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reef_error error;
        reef_client *client = fake_open("");
        reef_record record = fake_record(1, 1);
        for (int key = 0; key < 2; key++) {
            reef_code code = key == 0 ? cases[i].index : cases[i].record;
            if (code == REEF_OK)
                fake_say("+OK\r\n");
            else if (code == REEF_REFUSED)
                fake_say("-OOM no\r\n");
            else
                fake_fail(code, "gone");
        }
        fake_ended(reef_record_put(client, &record, 0, &error), cases[i].code, &error,
                   cases[i].part);
        fake_close(client);
    }
}

/* Answers of a kind that SET does not have. */
static void test_put_odd(void **state)
{
    (void)state;
    static const char *const odd[] = {":1\r\n", "_\r\n", "$2\r\nOK\r\n", "*0\r\n",
                                      "#t\r\n"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        reef_error error;
        reef_client *client = fake_open("");
        reef_record record = fake_record(0, 1);
        fake_say(odd[i]);
        fake_ended(reef_record_put(client, &record, 0, &error), REEF_PROTOCOL, &error,
                   "another kind");
        fake_close(client);
    }
}

static void test_arguments(void **state)
{
    (void)state;
    reef_error error;
    reef_reply *reply;
    reef_client *client = fake_open("");
    reef_record record = fake_record(1, 1);
    record.key.len = 0;
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_BADARG, &error, "key");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_BADARG, &error, "key");
    fake_ended(reef_record_get(client, record.key, 0, &reply, &error), REEF_BADARG,
               &error, "key");
    record = fake_record(1, -1);
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_BADARG, &error,
               "negative");
    record = fake_record(1, 1);
    fake_ended(reef_record_put(client, &record, -1, &error), REEF_BADARG, &error,
               "timeout");
    fake_ended(reef_record_del(client, &record, -1, &error), REEF_BADARG, &error,
               "timeout");
    fake_ended(reef_record_get(client, record.key, -1, &reply, &error), REEF_BADARG,
               &error, "timeout");
    const reef_str empty = {NULL, 0};
    record.indexes = &empty;
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_BADARG, &error,
               "index");
    assert_int_equal(fake_rounds(), 0);
    fake_close(client);
}

static void test_limits(void **state)
{
    (void)state;
    static char blob[REEF_RECORD_MAX + 1], key[65537];
    reef_str many[512];
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_record record = fake_record(0, 1);
    memset(blob, 'b', sizeof blob);
    memset(key, 'k', sizeof key);
    record.blob = (reef_str){blob, sizeof blob};
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_LIMIT, &error,
               "Things:1");
    record = fake_record(0, 1);
    record.key = (reef_str){key, 65536 - 1}; /* the prefix makes it one too long */
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_LIMIT, &error,
               "too long");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_LIMIT, &error,
               "too long");
    record = fake_record(0, 1);
    for (size_t i = 0; i < 512; i++)
        many[i] = fake_indexes[0];
    record.indexes = many;
    record.index_count = 512;
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_LIMIT, &error,
               "too many");
    assert_int_equal(fake_rounds(), 0);
    record.index_count = 511;
    for (size_t i = 0; i < 512; i++)
        fake_say("+OK\r\n");
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
    fake_forget();
    record = fake_record(0, 1);
    record.key = (reef_str){key, 65536 - 2};
    record.blob = (reef_str){key, 1};
    fake_say("+OK\r\n");
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_OK, &error, "");
    fake_forget();
    record = fake_record(0, 1);
    record.blob = (reef_str){blob, REEF_RECORD_MAX};
    fake_pace(0);
    fake_ended(reef_record_put(client, &record, 0, &error), REEF_CONNECT, &error,
               "script");
    fake_close(client);
}

/* ---- del ---------------------------------------------------------------------- */

static void test_del(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("p:");
    reef_record record = fake_record(2, 0);
    fake_say(":1\r\n:1\r\n:0\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "DEL p:Things:1\nDEL p:ByA:1\nDEL p:ByB:1\n--\n");
    fake_say(":0\r\n:1\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_NOT_FOUND, &error,
               "\"p:Things:1\"");
    fake_close(client);
}

/* An unsure first round is followed by one that may be repeated; a 0 of it is no "not
 * found". */
static void test_del_unsure(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("");
    reef_record record = fake_record(1, 0);
    fake_fail(REEF_UNSURE, "gone");
    fake_fail(REEF_UNSURE, "gone");
    fake_say(":0\r\n:0\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    assert_string_equal(fake_log(), "DEL Things:1\nDEL ByA:1\n--\n"
                                    "~DEL Things:1\n~DEL ByA:1\n--\n");
    /* The record's answer came: it counts, whatever the second round says. */
    fake_say(":0\r\n");
    fake_fail(REEF_UNSURE, "gone");
    fake_say(":0\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_NOT_FOUND, &error,
               "Things");
    fake_say(":1\r\n");
    fake_fail(REEF_UNSURE, "gone");
    fake_say(":0\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_OK, &error, "");
    /* The second round fails, however: the first may have run. */
    fake_fail(REEF_UNSURE, "gone");
    fake_fail(REEF_UNSURE, "gone");
    fake_fail(REEF_CONNECT, "closed port");
    fake_fail(REEF_CONNECT, "closed port");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_UNSURE, &error,
               "closed port");
    fake_close(client);
}

static void test_del_deadline(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("");
    reef_record record = fake_record(1, 0);
    fake_pace(60);
    fake_fail(REEF_UNSURE, "gone");
    fake_fail(REEF_UNSURE, "gone");
    fake_say(":1\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 100, &error), REEF_OK, &error, "");
    assert_int_equal(fake_timeout_ms(), 40);
    fake_fail(REEF_UNSURE, "gone");
    fake_fail(REEF_UNSURE, "gone");
    fake_ended(reef_record_del(client, &record, 60, &error), REEF_UNSURE, &error,
               "gone");
    assert_int_equal(fake_rounds(), 3);
    fake_close(client);
}

static void test_del_fails(void **state)
{
    (void)state;
    reef_error error;
    reef_client *client = fake_open("");
    reef_record record = fake_record(1, 0);
    fake_fail(REEF_CONNECT, "closed port");
    fake_fail(REEF_CONNECT, "closed port");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_CONNECT, &error,
               "Things:1");
    fake_say("-READONLY no\r\n-READONLY no\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_REFUSED, &error,
               "READONLY");
    fake_say(":0\r\n-NOPERM no\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_REFUSED, &error,
               "ByA:1");
    fake_say("+OK\r\n:1\r\n");
    fake_ended(reef_record_del(client, &record, 0, &error), REEF_PROTOCOL, &error,
               "Things:1");
    fake_close(client);
}

/* ---- get ---------------------------------------------------------------------- */

static void test_get(void **state)
{
    (void)state;
    reef_error error;
    reef_reply *reply = NULL;
    reef_client *client = fake_open("p:");
    reef_str key = reef_str_of("Things:1");
    fake_say("$3\r\na\nb\r\n");
    fake_ended(reef_record_get(client, key, 0, &reply, &error), REEF_OK, &error, "");
    assert_true(
        reef_str_equal(reef_text(reply, reef_reply_root(reply)), reef_str_of("a\nb")));
    reef_reply_free(reply);
    assert_string_equal(fake_log(), "~GET p:Things:1\n--\n");
    fake_say("$0\r\n\r\n");
    fake_ended(reef_record_get(client, key, 0, &reply, &error), REEF_OK, &error, "");
    reef_reply_free(reply);
    static const struct {
        const char *wire;
        reef_code code;
        const char *part;
    } cases[] = {
        {"_\r\n", REEF_NOT_FOUND, "no such key"},
        {"$-1\r\n", REEF_NOT_FOUND, "no such key"},
        {"-WRONGTYPE x\r\n", REEF_CORRUPT, "WRONGTYPE x"},
        {"-WRONGTYPE\r\n", REEF_CORRUPT, "WRONGTYPE"},
        {"-WRONG x\r\n", REEF_REFUSED, "WRONG x"},
        {"-NOPERM x\r\n", REEF_REFUSED, "NOPERM x"},
        {"!8\r\nNOPERM x\r\n", REEF_REFUSED, "NOPERM x"},
        {":1\r\n", REEF_PROTOCOL, "another kind"},
        {"+OK\r\n", REEF_PROTOCOL, "another kind"},
        {"*0\r\n", REEF_PROTOCOL, "another kind"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_say(cases[i].wire);
        fake_ended(reef_record_get(client, key, 0, &reply, &error), cases[i].code,
                   &error, cases[i].part);
        assert_non_null(strstr(error.text, "\"p:Things:1\""));
        assert_null(reply);
    }
    fake_fail(REEF_UNSURE, "gone");
    fake_ended(reef_record_get(client, key, 0, &reply, &error), REEF_UNSURE, &error,
               "gone");
    assert_null(reply);
    fake_close(client);
}

static void test_get_large(void **state)
{
    (void)state;
    reef_error error;
    reef_reply *reply = NULL;
    reef_client *client = fake_open("");
    char *blob = calloc(1, REEF_RECORD_MAX + 1);
    assert_non_null(blob);
    fake_bulk((reef_str){blob, REEF_RECORD_MAX});
    fake_bulk((reef_str){blob, REEF_RECORD_MAX + 1});
    free(blob);
    reef_str key = reef_str_of("k");
    fake_ended(reef_record_get(client, key, 0, &reply, &error), REEF_OK, &error, "");
    reef_reply_free(reply);
    fake_ended(reef_record_get(client, key, 0, &reply, &error), REEF_CORRUPT, &error,
               "larger");
    assert_null(reply);
    fake_close(client);
}

/* ---- memory ------------------------------------------------------------------- */

/* Whichever allocation fails: NOMEM, nothing sent, nothing leaked. */
static void test_starved(void **state)
{
    (void)state;
    for (size_t number = 1;; number++) {
        reef_error error;
        reef_reply *reply = NULL;
        reef_client *client = fake_open("p:");
        reef_record record = fake_record(2, 30);
        fake_say("+OK\r\n+OK\r\n+OK\r\n:1\r\n:1\r\n:1\r\n$1\r\nx\r\n");
        fake_starve(number, false);
        reef_code put = reef_record_put(client, &record, 0, &error);
        reef_code del = REEF_NOMEM, get = REEF_NOMEM;
        if (put == REEF_OK)
            del = reef_record_del(client, &record, 0, &error);
        if (del == REEF_OK)
            get = reef_record_get(client, record.key, 0, &reply, &error);
        bool starved = fake_starved();
        fake_starve(0, false);
        assert_int_equal(put == REEF_OK && del == REEF_OK && get == REEF_OK, !starved);
        assert_int_equal(error.code, starved ? REEF_NOMEM : REEF_OK);
        assert_int_equal(fake_rounds(),
                         (put == REEF_OK) + (del == REEF_OK) + (get == REEF_OK));
        reef_reply_free(reply);
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
        cmocka_unit_test(test_put),        cmocka_unit_test(test_put_fails),
        cmocka_unit_test(test_put_odd),    cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_del),
        cmocka_unit_test(test_del_unsure), cmocka_unit_test(test_del_deadline),
        cmocka_unit_test(test_del_fails),  cmocka_unit_test(test_get),
        cmocka_unit_test(test_get_large),  cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_record", tests, NULL, NULL);
}
