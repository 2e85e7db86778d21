/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a few sessions in every combination of server, address, protocol and
 * credentials. After each step the tests' own raw connection looks at what stands in
 * the server: keys, bytes and how long they are still to live. */
#include "test/live/check.h"
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    EVERY_ANN = 1, /* sessions by number: two of ann's, one of bob's, one of nobody's */
    EVERY_ANN_TOO,
    EVERY_BOB,
    EVERY_NONE,
    EVERY_CLOCK = 1000,  /* updated_at that they are saved with */
    EVERY_STALL_MS = 40, /* of a call on a server that stands still */
    EVERY_STALL_MARGIN_MS = 5000,
    EVERY_KEY = 160
};

struct every {
    reef_live_server server; /* a copy, as cases are constant and this is paused */
    reef_client *client;
    int fd; /* raw, as the default user */
    char ids[EVERY_NONE + 1][REEF_SESSION_ID_LEN + 1];
};

static const char *every_user(int number)
{
    return number == EVERY_BOB ? "bob" : "ann";
}

static reef_session every_session(const struct every *every, int number)
{
    reef_session session = {0};
    session.id = reef_str_of(every->ids[number]);
    session.user_id = reef_str_of(every_user(number));
    session.ip = reef_str_of("10.0.0.1");
    session.user_agent = reef_str_of("a <b> \"c\" caf\xC3\xA9");
    session.expires_after_ns = INT64_C(1767323045120000000);
    session.updated_at = EVERY_CLOCK;
    return session;
}

/* ---- the raw look ------------------------------------------------------------- */

static char *every_ask(const struct every *every, const char *name, const char *key,
                       const char *value)
{
    const char *args[] = {name, key, value};
    return reef_live_ask_on(every->fd, args, value ? 3 : 2, NULL);
}

static void every_raw(const struct every *every, const char *expected, const char *name,
                      const char *key, const char *value)
{
    char *reply = every_ask(every, name, key, value);
    assert_string_equal(reply, expected);
    free(reply);
}

/* The session's two keys, built by hand; the clients here have no prefix. */
static void every_keys(const struct every *every, int number, char record[EVERY_KEY],
                       char index[EVERY_KEY])
{
    const char *id = every->ids[number];
    snprintf(record, EVERY_KEY, "Sessions:%s", id);
    snprintf(index, EVERY_KEY, "SessionsByUserId:%s:%s", every_user(number), id);
}

static void every_fresh(const struct every *every, const char *key)
{
    char *reply = every_ask(every, "TTL", key, NULL);
    int ttl = 0;
    assert_int_equal(sscanf(reply, "%d", &ttl), 1);
    assert_in_range(ttl, REEF_SESSION_TTL_S - 100, REEF_SESSION_TTL_S);
    free(reply);
}

/* Both keys stand there, fresh, and the record is what knot would write. */
static void every_stands(const struct every *every, int number,
                         const reef_session *session)
{
    char record[EVERY_KEY], index[EVERY_KEY];
    size_t len;
    char *json = reef_session_encode(session, &len);
    assert_non_null(json);
    every_keys(every, number, record, index);
    every_raw(every, json, "GET", record, NULL);
    every_raw(every, every->ids[number], "GET", index, NULL);
    every_fresh(every, record);
    every_fresh(every, index);
    free(json);
}

static void every_size(const struct every *every, int64_t keys)
{
    assert_int_equal(reef_live_number(&every->server, "DBSIZE"), keys);
}

/* ---- what reef says ----------------------------------------------------------- */

static void every_is(reef_code code, reef_code expected, const reef_error *error)
{
    if (code != expected) {
        fail_msg("wanted %s, got %s: %s", reef_code_name(expected),
                 reef_code_name(code), error->text);
    }
    assert_int_equal(error->code, expected);
    assert_int_equal(error->text[0] == '\0', expected == REEF_OK);
}

static void every_save(const struct every *every, int number)
{
    reef_session session = every_session(every, number);
    reef_error error;
    every_is(reef_session_save(every->client, &session, 0, &error), REEF_OK, &error);
    every_stands(every, number, &session);
}

static void every_same(const reef_session *got, const reef_session *wanted)
{
    assert_true(reef_str_equal(got->id, wanted->id));
    assert_true(reef_str_equal(got->user_id, wanted->user_id));
    assert_true(reef_str_equal(got->ip, wanted->ip));
    assert_true(reef_str_equal(got->user_agent, wanted->user_agent));
    assert_true(got->expires_after_ns == wanted->expires_after_ns);
    assert_true(got->updated_at == wanted->updated_at);
    assert_int_equal(got->is_deleted, wanted->is_deleted);
}

static void every_get(const struct every *every, const reef_session *wanted)
{
    reef_sessions *list = NULL;
    reef_session got;
    reef_error error;
    every_is(reef_session_get(every->client, wanted->id, 0, &list, &error), REEF_OK,
             &error);
    assert_int_equal(reef_sessions_count(list), 1);
    assert_true(reef_sessions_next(list, &got, &error));
    every_same(&got, wanted);
    assert_false(reef_sessions_next(list, &got, &error));
    reef_sessions_free(list);
}

static void every_missing(const struct every *every, int number)
{
    reef_session session = every_session(every, number);
    reef_sessions *list = NULL;
    reef_error error;
    every_is(reef_session_get(every->client, session.id, 0, &list, &error),
             REEF_NOT_FOUND, &error);
    assert_null(list);
    assert_non_null(strstr(error.text, every->ids[number]));
    every_is(reef_session_touch(every->client, &session, 0, &error), REEF_NOT_FOUND,
             &error);
    every_is(reef_session_delete(every->client, session.id, session.user_id, 0, &error),
             REEF_NOT_FOUND, &error);
}

/* The list of a user, everyone's where it is empty: a bit for each number in it that
 * lives, and `dead` bits for the tombstones. */
static unsigned every_list(const struct every *every, const char *user, unsigned *dead)
{
    reef_sessions *list = NULL;
    reef_session got;
    reef_error error;
    unsigned live = 0;
    *dead = 0;
    every_is(reef_session_list(every->client, reef_str_of(user), 0, &list, &error),
             REEF_OK, &error);
    while (reef_sessions_next(list, &got, &error)) {
        unsigned bit = 0;
        for (int number = EVERY_ANN; number <= EVERY_NONE; number++) {
            bit |= reef_str_equal(got.id, reef_str_of(every->ids[number]))
                       ? 1U << number
                       : 0;
        }
        assert_int_equal(error.code, REEF_OK);
        assert_int_not_equal(bit, 0);
        assert_int_equal((live | *dead) & bit, 0);
        live |= got.is_deleted ? 0 : bit;
        *dead |= got.is_deleted ? bit : 0;
    }
    reef_sessions_free(list);
    return live;
}

static void every_lists(const struct every *every, const char *user, unsigned live,
                        unsigned dead)
{
    unsigned got_dead;
    assert_int_equal(every_list(every, user, &got_dead), live);
    assert_int_equal(got_dead, dead);
}

/* ---- the steps ---------------------------------------------------------------- */

static void every_touch(const struct every *every)
{
    char record[EVERY_KEY], index[EVERY_KEY];
    reef_session session = every_session(every, EVERY_ANN);
    reef_error error;
    every_keys(every, EVERY_ANN, record, index);
    every_raw(every, "1", "EXPIRE", record, "50");
    every_raw(every, "1", "EXPIRE", index, "60");
    session.updated_at = EVERY_CLOCK + 1;
    session.ip = reef_str_of("::1");
    every_is(reef_session_touch(every->client, &session, 0, &error), REEF_OK, &error);
    every_stands(every, EVERY_ANN, &session);
    every_get(every, &session);
    session.updated_at = EVERY_CLOCK;
    every_is(reef_session_touch(every->client, &session, 0, &error), REEF_CONFLICT,
             &error);
    session.updated_at = EVERY_CLOCK + 1;
    every_stands(every, EVERY_ANN, &session);
}

static void every_delete(const struct every *every)
{
    char record[EVERY_KEY], index[EVERY_KEY];
    reef_session session = every_session(every, EVERY_ANN_TOO);
    reef_error error;
    every_keys(every, EVERY_ANN_TOO, record, index);
    every_is(reef_session_delete(every->client, session.id, session.user_id, 0, &error),
             REEF_OK, &error);
    every_raw(every, "(nil)", "GET", record, NULL);
    every_raw(every, "(nil)", "GET", index, NULL);
    every_missing(every, EVERY_ANN_TOO);
}

/* What is revoked stays as a tombstone, and no touch brings it back. */
static void every_revoke(const struct every *every)
{
    char record[EVERY_KEY], index[EVERY_KEY], *before;
    reef_session session = every_session(every, EVERY_ANN);
    reef_error error;
    size_t revoked = 99;
    every_keys(every, EVERY_ANN, record, index);
    every_is(reef_session_revoke_user(every->client, reef_str_of("ann"), &revoked, 0,
                                      &error),
             REEF_OK, &error);
    assert_int_equal(revoked, 1);
    every_fresh(every, record);
    every_fresh(every, index);
    before = every_ask(every, "GET", record, NULL);
    assert_non_null(strstr(before, "\"is_deleted\":true}"));
    session.updated_at = UINT64_MAX;
    every_is(reef_session_touch(every->client, &session, 0, &error), REEF_CONFLICT,
             &error);
    every_raw(every, before, "GET", record, NULL);
    free(before);
    every_lists(every, "ann", 0, 1U << EVERY_ANN);
    every_lists(every, "", 1U << EVERY_BOB, 1U << EVERY_ANN);
    session = every_session(every, EVERY_BOB);
    every_stands(every, EVERY_BOB, &session);
}

/* A session that is not there, and one that is: while the server stands still neither
 * can be told, and neither is called missing. */
static void every_unavailable(struct every *every, int number)
{
    reef_session session = every_session(every, number);
    reef_sessions *list = NULL;
    reef_error error;
    int64_t start_ms;
    reef_code code;
    reef_live_pause(&every->server);
    start_ms = reef_live_now_ms();
    code = reef_session_get(every->client, session.id, EVERY_STALL_MS, &list, &error);
    start_ms = reef_live_now_ms() - start_ms;
    reef_live_resume(&every->server);
    if (code != REEF_UNSURE && code != REEF_UNSENT && code != REEF_CONNECT) {
        fail_msg("on a server that stands still: %s: %s", reef_code_name(code),
                 error.text);
    }
    assert_int_equal(error.code, code);
    assert_null(list);
    assert_true(start_ms >= EVERY_STALL_MS - 1);
    assert_true(start_ms <= EVERY_STALL_MS + EVERY_STALL_MARGIN_MS);
}

static void every_life(const reef_live_case *one, reef_client *client)
{
    const unsigned ann = 1U << EVERY_ANN | 1U << EVERY_ANN_TOO, bob = 1U << EVERY_BOB;
    struct every every = {.server = *one->server, .client = client};
    reef_session session;
    every.fd = reef_live_dial(one->server);
    for (int number = EVERY_ANN; number <= EVERY_NONE; number++) {
        const uint8_t random[32] = {(uint8_t)number};
        reef_session_make_id(random, 1, every.ids[number]);
    }
    reef_live_says(client, "FLUSHALL", "OK");
    every_lists(&every, "", 0, 0);
    every_save(&every, EVERY_ANN);
    every_save(&every, EVERY_ANN_TOO);
    every_save(&every, EVERY_BOB);
    every_size(&every, 6);
    every_missing(&every, EVERY_NONE);
    every_size(&every, 6);
    session = every_session(&every, EVERY_BOB);
    every_get(&every, &session);
    every_touch(&every);
    every_lists(&every, "ann", ann, 0);
    every_lists(&every, "bob", bob, 0);
    every_lists(&every, "carl", 0, 0);
    every_lists(&every, "", ann | bob, 0);
    every_delete(&every);
    every_size(&every, 4);
    every_revoke(&every);
    every_unavailable(&every, EVERY_NONE);
    every_missing(&every, EVERY_NONE);
    every_unavailable(&every, EVERY_BOB);
    every_get(&every, &session);
    every_size(&every, 4);
    close(every.fd);
}

static void every_open(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    reef_live_everywhere(server, NULL, every_life);
    reef_live_free(server);
}

static void every_closed(const reef_live_kind *kind)
{
    const reef_live_options options = {.password = "letmein",
                                       .extra = "user ann on \">anns own\" ~* +@all\n"};
    reef_live_server *server = reef_live_start(kind, &options);
    reef_live_everywhere(server, NULL, every_life);
    reef_live_everywhere(server, "ann", every_life);
    reef_live_free(server);
}

static void test_every_open(void **state)
{
    (void)state;
    reef_live_each(every_open);
}

static void test_every_closed(void **state)
{
    (void)state;
    reef_live_each(every_closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_open),
        cmocka_unit_test(test_every_closed),
    };
    return cmocka_run_group_tests_name("session_everywhere", tests, NULL, NULL);
}
