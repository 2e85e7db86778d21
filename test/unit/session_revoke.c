/* SPDX-License-Identifier: Apache-2.0
 *
 * Revocation over a scripted net/: the tombstones byte by byte, and what is counted.
 * Linked with __wrap_malloc, __wrap_calloc and __wrap_realloc of session_fake.h. */
#include "session/session.h"
#include "test/unit/session_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define STEM "SessionsByUserId:ann:"
#define ID(c) c "m9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
/* 2026-01-02T03:04:05.12Z, two hours before a tombstone's end. */
#define NOW INT64_C(1767323045120000000)
#define CLOCK "32392647802880000" /* (1767323045120000 - 1735689600000000) << 10 */
#define INDEX(id, ttl) "~SET " STEM id " " id " EX " ttl "\n"
#define GRAVE(id, ip, clock)                                                           \
    "~SET Sessions:" id " {\"session_id\":\"" id "\",\"ip\":\"" ip                     \
    "\",\"user_id\":\"ann\",\"user_agent\":\"\","                                      \
    "\"expires_after\":\"2026-01-02T05:04:05.12Z\",\"updated_at\":" clock              \
    ",\"is_deleted\":true} EX 7200\n"

/* The list that every revocation begins with: a, b, c and d, of which b is dead and c
 * corrupt; d's clock runs ahead. */
static void script(void)
{
    fake_say("*5\r\n:0\r\n"
             "$65\r\n" STEM ID("a") "\r\n$65\r\n" STEM ID(
                 "b") "\r\n"
                      "$65\r\n" STEM ID("c") "\r\n$65\r\n" STEM ID("d") "\r\n");
    fake_bulk(
        reef_str_of("{\"session_id\":\"" ID("a") "\",\"user_id\":\"ann\","
                                                 "\"ip\":\"::1\",\"updated_at\":5}"));
    fake_bulk(reef_str_of("{\"session_id\":\"" ID("b") "\",\"user_id\":\"ann\","
                                                       "\"is_deleted\":true}"));
    fake_bulk(reef_str_of("{\"session_id\":\"" ID("c") "\",\"user_id\":\"ann\","));
    fake_bulk(reef_str_of(
        "{\"session_id\":\"" ID("d") "\",\"user_id\":\"ann\","
                                     "\"updated_at\":18446744073709551000}"));
    fake_wall(NOW);
}

static reef_code revoke(reef_client *client, size_t *revoked, reef_error *error)
{
    *revoked = 99;
    return reef_session_revoke_user(client, reef_str_of("ann"), revoked, 0, error);
}

static void test_tombstones(void **state)
{
    (void)state;
    size_t revoked;
    reef_error error;
    reef_client *client = fake_open("");
    script();
    fake_say("+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    fake_ended(revoke(client, &revoked, &error), REEF_OK, &error, "");
    assert_int_equal(revoked, 3);
    const char *graves = strstr(fake_log(), "~SET");
    assert_non_null(graves);
    assert_string_equal(graves,
                        INDEX(ID("a"), "7200") GRAVE(ID("a"), "::1", CLOCK)
                            INDEX(ID("c"), "7200") GRAVE(ID("c"), "", CLOCK)
                                INDEX(ID("d"), "7200")
                                    GRAVE(ID("d"), "", "18446744073709551001") "--\n");
    fake_close(client);
}

/* On several servers: the indexes, then the records, whatever became of these. */
static void test_steps(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        size_t revoked;
        reef_error error;
        reef_client *client = fake_open("");
        fake_spread(true);
        script();
        fake_say(fails == 1 ? "+OK\r\n-OOM no\r\n+OK\r\n" : "+OK\r\n+OK\r\n+OK\r\n");
        fake_say("+OK\r\n+OK\r\n+OK\r\n");
        fake_ended(revoke(client, &revoked, &error),
                   fails == 1 ? REEF_REFUSED : REEF_OK, &error,
                   fails == 1 ? "3 of 3 sessions were revoked" : "");
        assert_int_equal(revoked, 3);
        assert_string_equal(strstr(fake_log(), "~SET"),
                            INDEX(ID("a"), "7210") INDEX(ID("c"), "7210") INDEX(
                                ID("d"), "7210") "--\n" GRAVE(ID("a"), "::1", CLOCK)
                                GRAVE(ID("c"), "", CLOCK)
                                    GRAVE(ID("d"), "", "18446744073709551001") "--\n");
        fake_close(client);
    }
}

/* One slot: a round is one transaction. */
static void test_together(void **state)
{
    (void)state;
    size_t revoked;
    reef_error error;
    reef_client *client = fake_open("{t}");
    fake_spread(true);
    fake_say(
        "*3\r\n:0\r\n$68\r\n{t}" STEM ID("a") "\r\n$68\r\n{t}" STEM ID("b") "\r\n");
    fake_bulk(reef_str_of("{"));
    fake_bulk(reef_str_of("{"));
    fake_say("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
             "*4\r\n+OK\r\n+OK\r\n+OK\r\n-OOM no\r\n");
    fake_ended(revoke(client, &revoked, &error), REEF_REFUSED, &error,
               "1 of 2 sessions");
    assert_int_equal(revoked, 1);
    const char *graves = strstr(fake_log(), "~MULTI\n~SET {t}" STEM ID("a"));
    assert_non_null(graves);
    assert_non_null(strstr(graves, "~EXEC\n--\n"));
    fake_close(client);
}

static void test_nothing(void **state)
{
    (void)state;
    size_t revoked;
    reef_error error;
    reef_client *client = fake_open("");
    fake_say("*1\r\n:0\r\n");
    fake_ended(revoke(client, &revoked, &error), REEF_OK, &error, "");
    assert_int_equal(revoked, 0);
    assert_int_equal(fake_rounds(), 1);
    fake_forget();
    revoked = 99;
    fake_ended(
        reef_session_revoke_user(client, (reef_str){NULL, 0}, &revoked, 0, &error),
        REEF_BADARG, &error, "empty");
    assert_int_equal(revoked, 0);
    fake_ended(reef_session_revoke_user(client, reef_str_of("a"), &revoked, -1, &error),
               REEF_BADARG, &error, "timeout");
    assert_string_equal(fake_log(), "");
    fake_close(client);
}

/* The answers to the six writes; "?" is none. */
static void test_partial(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        size_t revoked;
        reef_code code;
        const char *part;
    } cases[] = {
        {"++++++", 3, REEF_OK, ""},
        {"++++-+", 3, REEF_REFUSED, "3 of 3 sessions were revoked"},
        {"+++-++", 2, REEF_REFUSED,
         "2 of 3 sessions were revoked, then no more "
         "\"Sessions:" ID("c") "\": OOM no"},
        {"------", 0, REEF_REFUSED, "0 of 3 sessions were revoked"},
        {"++++??", 2, REEF_UNSURE, "2 of 3 sessions were revoked"},
        {"??????", 0, REEF_UNSURE, "0 of 3 sessions were revoked"},
        {"-+?+++", 3, REEF_UNSURE, STEM},
        {"+:++++", 2, REEF_PROTOCOL, ID("a")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t revoked;
        reef_error error;
        reef_client *client = fake_open("");
        script();
        for (const char *at = cases[i].said; *at != 0; at++) {
            if (*at == '?')
                fake_fail(REEF_UNSURE, "gone");
            else
                fake_say(*at == '+'   ? "+OK\r\n"
                         : *at == ':' ? ":1\r\n"
                                      : "-OOM no\r\n");
        }
        fake_ended(revoke(client, &revoked, &error), cases[i].code, &error,
                   cases[i].part);
        assert_int_equal(revoked, cases[i].revoked);
        fake_close(client);
    }
}

/* The list takes all the time: nothing was written, and that is what is said. */
static void test_deadline(void **state)
{
    (void)state;
    size_t revoked;
    reef_error error;
    reef_client *client = fake_open("");
    script();
    fake_pace(2500);
    fake_ended(revoke(client, &revoked, &error), REEF_UNSENT, &error, "0 of 3");
    assert_int_equal(revoked, 0);
    fake_close(client);
}

/* 600 sessions are three rounds of writes; the time is over after the second. */
static void many(reef_client *client, bool in_time)
{
    char wire[160], id[REEF_SESSION_ID_LEN + 1];
    size_t revoked;
    reef_error error;
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < 600; i++) {
            uint8_t random[32] = {(uint8_t)(i >> 8), (uint8_t)(i & 0xFF)};
            reef_session_make_id(random, 1, id);
            if (pass == 0)
                snprintf(wire, sizeof wire, "*2\r\n:%d\r\n$65\r\n" STEM "%s\r\n",
                         i < 599, id);
            else
                snprintf(wire, sizeof wire,
                         "{\"session_id\":\"%s\",\"user_id\":\"ann\"}", id);
            if (pass == 0)
                fake_say(wire);
            else
                fake_bulk(reef_str_of(wire));
        }
    }
    for (size_t i = 0; i < (in_time ? 1200 : 1024); i++)
        fake_say("+OK\r\n");
    fake_pace(1);
    reef_code code = reef_session_revoke_user(client, reef_str_of("ann"), &revoked,
                                              in_time ? 1000 : 604, &error);
    fake_ended(code, in_time ? REEF_OK : REEF_UNSURE, &error,
               in_time ? "" : "512 of 600");
    assert_int_equal(revoked, in_time ? 600 : 512);
}

static void test_rounds(void **state)
{
    (void)state;
    reef_client *client = fake_open("");
    many(client, true);
    fake_close(client);
    client = fake_open("");
    many(client, false);
    fake_close(client);
}

static void test_starved(void **state)
{
    (void)state;
    for (size_t number = 1;; number++) {
        size_t revoked;
        reef_error error;
        reef_client *client = fake_open("");
        script();
        fake_say("+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
        fake_starve(number, false);
        reef_code code = revoke(client, &revoked, &error);
        bool starved = fake_starved();
        fake_starve(0, false);
        assert_int_equal(code, starved ? REEF_NOMEM : REEF_OK);
        assert_int_equal(revoked, starved ? 0 : 3);
        assert_int_equal(error.code, code);
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
        cmocka_unit_test(test_tombstones), cmocka_unit_test(test_steps),
        cmocka_unit_test(test_together),   cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_partial),    cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_rounds),     cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests_name("session_revoke", tests, NULL, NULL);
}
