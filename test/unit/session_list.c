/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists over a scripted net/: pages, duplicates, answers of any form, healing, and one
 * deadline for all rounds. Linked with __wrap_malloc, __wrap_calloc and __wrap_realloc
 * of session_fake.h. */
#include "session/session.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define STEM "p:SessionsByUserId:ann:"
/* Ids of 44 characters, by their first one. */
#define ID(c) c "m9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
#define SCAN "SCAN p:SessionsByUserId:ann:*\n--\n"

/* A page of the scan, whether more follow, and keys, NULL at the end. */
static void page(bool more, const char *const keys[])
{
    char wire[2048];
    size_t count = 0;
    while (keys[count] != NULL)
        count++;
    size_t len =
        (size_t)snprintf(wire, sizeof wire, "*%zu\r\n:%d\r\n", 1 + count, more);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(wire + len, sizeof wire - len, "$%zu\r\n%s\r\n",
                                strlen(keys[i]), keys[i]);
    assert_true(len < sizeof wire);
    fake_say(wire);
}

static void record(const char *id, const char *user)
{
    char json[256];
    int len = snprintf(json, sizeof json,
                       "{\"session_id\":\"%.44s\",\"user_id\":\"%.9s\"}", id, user);
    assert_in_range(len, 1, sizeof json - 1);
    fake_bulk(reef_str_of(json));
}

static size_t listed(reef_client *client, const char *user)
{
    reef_sessions *list = NULL;
    reef_error error;
    fake_ended(reef_session_list(client, reef_str_of(user), 0, &list, &error), REEF_OK,
               &error, "");
    size_t count = reef_sessions_count(list);
    reef_sessions_free(list);
    return count;
}

/* Two pages, and keys that are none of a session's. */
static void test_pages(void **state)
{
    (void)state;
    static const char *const first[] = {STEM ID("c"),
                                        STEM ID("a"),
                                        STEM "short",
                                        STEM "x:" ID("a"),
                                        "p:SessionsByUserId:bob:" ID("c"),
                                        "SessionsByUserId:ann:" ID("c"),
                                        "",
                                        NULL};
    static const char *const second[] = {STEM ID("b"), NULL};
    reef_client *client = fake_open("p:");
    page(true, first);
    page(false, second);
    record(ID("a"), "ann");
    record(ID("b"), "ann");
    record(ID("c"), "ann");
    assert_int_equal(listed(client, "ann"), 3);
    assert_string_equal(fake_log(),
                        SCAN SCAN "~GET p:Sessions:" ID("a") "\n~GET p:Sessions:" ID(
                            "b") "\n"
                                 "~GET p:Sessions:" ID("c") "\n--\n");
    fake_close(client);
}

static void test_everyone(void **state)
{
    (void)state;
    static const char *const keys[] = {"p:Sessions:" ID("a"), "p:Sessions:" ID("b"),
                                       "p:Sessions:" ID("c"), NULL};
    reef_client *client = fake_open("p:");
    page(false, keys);
    record(ID("a"), "ann");
    fake_say("_\r\n"); /* over meanwhile: not a user's index, so nothing to heal */
    record(ID("c"), "bob");
    assert_int_equal(listed(client, ""), 2);
    assert_int_equal(fake_rounds(), 2);
    static const char *const none[] = {NULL};
    page(false, none);
    assert_int_equal(listed(client, ""), 0);
    fake_close(client);
}

/* More than a batch of records. */
static void test_batches(void **state)
{
    (void)state;
    reef_client *client = fake_open("");
    char ids[600][REEF_SESSION_ID_LEN + 1];
    for (unsigned i = 0; i < 600; i++) {
        uint8_t random[32] = {(uint8_t)(i >> 8), (uint8_t)(i & 0xFF)};
        reef_session_make_id(random, 1, ids[i]);
    }
    for (size_t at = 0; at < 600; at += 10) {
        char keys[10][80];
        const char *page_keys[11] = {NULL};
        for (size_t i = 0; i < 10; i++) {
            snprintf(keys[i], sizeof keys[i], "Sessions:%s", ids[599 - at - i]);
            page_keys[i] = keys[i];
        }
        page(at != 590, page_keys);
    }
    for (size_t i = 0; i < 600; i++)
        record(ids[i], "ann");
    assert_int_equal(listed(client, ""), 600);
    assert_int_equal(fake_rounds(), 62);
    fake_close(client);
}

static void test_spoilt(void **state)
{
    (void)state;
    static const char *const keys[] = {STEM ID("a"), STEM ID("b"), STEM ID("c"),
                                       STEM ID("d"), STEM ID("e"), NULL};
    reef_sessions *list = NULL;
    reef_session session;
    reef_error error;
    reef_client *client = fake_open("p:");
    page(false, keys);
    fake_bulk(reef_str_of("{"));
    record(ID("x"), "ann"); /* under b's key */
    record(ID("c"), "bob"); /* of another user: left out */
    fake_say("-WRONGTYPE no\r\n");
    record(ID("e"), "ann");
    fake_ended(reef_session_list(client, reef_str_of("ann"), 0, &list, &error), REEF_OK,
               &error, "");
    static const char *const ids[] = {ID("a"), ID("b"), ID("d"), ID("e")};
    assert_int_equal(reef_sessions_count(list), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(reef_sessions_next(list, &session, &error));
        assert_true(reef_str_equal(session.id, reef_str_of(ids[i])));
        assert_int_equal(error.code, i < 3 ? REEF_CORRUPT : REEF_OK);
        if (i < 3)
            assert_non_null(strstr(error.text, ids[i]));
    }
    reef_sessions_free(list);
    fake_close(client);
}

/* ---- healing ---- */

static void test_heal(void **state)
{
    (void)state;
    static const char *const keys[] = {STEM ID("a"), STEM ID("b"), STEM ID("c"), NULL};
    static const char healed[] =
        "~EVAL (script) 1 " STEM ID("a") " 7190\n"
                                         "~EVAL (script) 1 " STEM ID("c") " 7190\n--\n";
    reef_client *client = fake_open("p:");
    for (int round = 0; round < 3; round++) {
        page(false, keys);
        fake_say("_\r\n");
        record(ID("b"), "ann");
        fake_say("_\r\n");
        if (round == 0)
            fake_say(":1\r\n:0\r\n");
        else if (round == 1)
            fake_say("-NOPERM no\r\n-NOPERM no\r\n");
        fake_forget();
        if (round == 2) {
            fake_fail(REEF_UNSURE, "gone");
            fake_fail(REEF_UNSURE, "gone");
        }
        assert_int_equal(listed(client, "ann"), 1);
        assert_non_null(strstr(fake_log(), healed));
        assert_int_equal(fake_timeout_ms(), 1000); /* no longer than that */
    }
    fake_close(client);
}

/* ---- failures ---- */

/* The scan fails: its reason is the list's. */
static void test_scan_fails(void **state)
{
    (void)state;
    static const char *const keys[] = {STEM ID("a"), NULL};
    reef_sessions *list = NULL;
    reef_error error;
    reef_client *client = fake_open("p:");
    page(true, keys);
    fake_fail(REEF_LIMIT, "too many keys");
    fake_ended(reef_session_list(client, reef_str_of("ann"), 0, &list, &error),
               REEF_LIMIT, &error, "can't list sessions \"ann\": too many keys");
    assert_null(list);
    fake_say("-NOPERM no\r\n");
    fake_ended(reef_session_list(client, reef_str_of("ann"), 0, &list, &error),
               REEF_REFUSED, &error, "NOPERM no");
    assert_null(list);
    fake_close(client);
}

/* One record that can't be told spoils the list: it would look complete. */
static void test_fails(void **state)
{
    (void)state;
    static const char *const keys[] = {STEM ID("a"), STEM ID("b"), NULL};
    reef_sessions *list = NULL;
    reef_error error;
    reef_client *client = fake_open("p:");
    page(false, keys);
    record(ID("a"), "ann");
    fake_fail(REEF_UNSURE, "gone");
    fake_ended(reef_session_list(client, reef_str_of("ann"), 0, &list, &error),
               REEF_UNSURE, &error, "\"p:Sessions:" ID("b") "\": gone");
    assert_null(list);
    page(false, keys);
    record(ID("a"), "ann");
    fake_say(":1\r\n");
    fake_ended(reef_session_list(client, reef_str_of("ann"), 0, &list, &error),
               REEF_PROTOCOL, &error, ID("b"));
    assert_null(list);
    fake_ended(reef_session_list(client, reef_str_of("ann"), -5, &list, &error),
               REEF_BADARG, &error, "timeout");
    fake_ended(reef_session_list(client, reef_str_of("\xFF"), 0, &list, &error),
               REEF_BADARG, &error, "UTF-8");
    fake_close(client);
}

/* A scan that never ends, ends by the deadline. */
static void test_deadline(void **state)
{
    (void)state;
    static const char *const keys[] = {STEM ID("a"), NULL};
    reef_sessions *list = NULL;
    reef_error error;
    reef_client *client = fake_open("p:");
    fake_pace(30);
    for (int i = 0; i < 4; i++)
        page(true, keys);
    fake_ended(reef_session_list(client, reef_str_of("ann"), 100, &list, &error),
               REEF_UNSENT, &error, "deadline");
    assert_null(list);
    assert_int_equal(fake_rounds(), 4);
    assert_int_equal(fake_timeout_ms(), 10);
    fake_close(client);
}

static size_t put_head(char *wire, bool more, uint32_t count)
{
    int len = snprintf(wire, 64, "*%u\r\n:%d\r\n", 1 + (unsigned)count, more);
    return (size_t)len;
}

static size_t put_key(char *wire, uint32_t number)
{
    uint8_t random[32] = {(uint8_t)(number >> 16 & 0xFF), (uint8_t)(number >> 8 & 0xFF),
                          (uint8_t)(number & 0xFF)};
    char id[REEF_SESSION_ID_LEN + 1];
    reef_session_make_id(random, 1, id);
    return (size_t)snprintf(wire, 64, "$53\r\nSessions:%s\r\n", id);
}

/* One id more than a list may hold is found out before any record is asked for. */
static void test_limit(void **state)
{
    (void)state;
    enum { PAGE = 16384, PAGES = REEF_LIST_MAX / PAGE };
    reef_sessions *list = NULL;
    reef_error error;
    reef_client *client = fake_open("");
    char *wire = malloc(PAGE * 60 + 128);
    assert_non_null(wire);
    for (uint32_t number = 0; number <= PAGES; number++) {
        uint32_t count = number < PAGES ? PAGE : 1;
        size_t len = put_head(wire, number < PAGES, count);
        for (uint32_t i = 0; i < count; i++)
            len += put_key(wire + len, number * PAGE + i);
        fake_say(wire);
    }
    free(wire);
    fake_ended(reef_session_list(client, (reef_str){NULL, 0}, 0, &list, &error),
               REEF_LIMIT, &error, "REEF_LIST_MAX");
    assert_null(list);
    assert_int_equal(fake_rounds(), PAGES + 1);
    fake_close(client);
}

static void test_starved(void **state)
{
    (void)state;
    static const char *const keys[] = {STEM ID("c"), STEM ID("b"), STEM ID("a"), NULL};
    static const char *const none[] = {NULL};
    size_t healed = 0;
    for (size_t number = 1;; number++) {
        reef_sessions *list = NULL;
        reef_error error;
        reef_client *client = fake_open("p:");
        page(true, keys);
        page(false, none);
        record(ID("a"), "ann");
        fake_say("_\r\n");
        fake_bulk(reef_str_of("{"));
        fake_say(":1\r\n");
        fake_starve(number, false);
        reef_code code =
            reef_session_list(client, reef_str_of("ann"), 0, &list, &error);
        bool starved = fake_starved();
        fake_starve(0, false);
        /* Healing alone may fail unseen. */
        assert_true(code == REEF_OK || (starved && code == REEF_NOMEM));
        assert_int_equal(error.code, code);
        healed += starved && code == REEF_OK ? 1 : 0;
        if (code == REEF_OK)
            assert_int_equal(reef_sessions_count(list), 2);
        reef_sessions_free(list);
        fake_drop();
        fake_close(client);
        if (!starved)
            break;
        assert_true(number < 1000);
    }
    assert_true(healed <= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),   cmocka_unit_test(test_everyone),
        cmocka_unit_test(test_batches), cmocka_unit_test(test_spoilt),
        cmocka_unit_test(test_heal),    cmocka_unit_test(test_scan_fails),
        cmocka_unit_test(test_fails),   cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_limit),   cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_list", tests, NULL, NULL);
}
