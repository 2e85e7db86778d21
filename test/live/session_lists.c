/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists and revocation on real servers: what is found, what is left out, what is healed
 * and what becomes a tombstone. */
#include "test/live/check.h"
#include "session/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define LISTS_PREFIX "kn*t[x]:"
enum { LISTS_MANY = 1300 }; /* three rounds of records */

struct lists {
    reef_live_server *server;
    reef_client *client;
    int fd;
};

static struct lists lists_open(const reef_live_kind *kind)
{
    struct lists lists;
    reef_config config;
    lists.server = reef_live_start(kind, NULL);
    reef_live_config(lists.server, "unix", &config);
    snprintf(config.key_prefix, sizeof config.key_prefix, LISTS_PREFIX);
    config.protocol = 2; /* the tests beside this one speak RESP3 */
    lists.client = reef_live_client(&config);
    lists.fd = reef_live_dial(lists.server);
    return lists;
}

static void lists_close(struct lists *lists)
{
    close(lists->fd);
    reef_close(lists->client);
    reef_live_free(lists->server);
}

static void lists_raw(const struct lists *lists, const char *expected,
                      const char *const args[], size_t count)
{
    char *reply = reef_live_ask_on(lists->fd, args, count, NULL);
    assert_string_equal(reply, expected);
    free(reply);
}

/* The id of that number: the form alone matters. */
static const char *lists_id(unsigned number)
{
    static char id[REEF_SESSION_ID_LEN + 1];
    uint8_t random[32] = {0};
    random[0] = (uint8_t)(number >> 8);
    random[1] = (uint8_t)(number & 0xFF);
    reef_session_make_id(random, 1, id);
    return id;
}

static const char *lists_key(unsigned number)
{
    static char key[256];
    snprintf(key, sizeof key, LISTS_PREFIX "Sessions:%s", lists_id(number));
    return key;
}

static const char *lists_index(const char *user, unsigned number)
{
    static char key[256];
    snprintf(key, sizeof key, LISTS_PREFIX "SessionsByUserId:%s:%s", user,
             lists_id(number));
    return key;
}

static void lists_ok(reef_code code, const reef_error *error)
{
    if (code != REEF_OK)
        print_error("%s: %s\n", reef_code_name(code), error->text);
    assert_int_equal(code, REEF_OK);
    assert_string_equal(error->text, "");
}

static void lists_save(const struct lists *lists, const char *user, unsigned number,
                       bool deleted)
{
    reef_error error;
    reef_session session = {0};
    session.id = reef_str_of(lists_id(number));
    session.user_id = reef_str_of(user);
    session.ip = reef_str_of("10.0.0.1");
    session.updated_at = number + 1;
    session.is_deleted = deleted;
    lists_ok(reef_session_save(lists->client, &session, 0, &error), &error);
}

struct lists_count {
    size_t live, dead, corrupt;
};

/* The list of a user, everyone's where it is empty, counted; ids differ. */
static struct lists_count lists_of(const struct lists *lists, const char *user)
{
    struct lists_count count = {0, 0, 0};
    reef_sessions *list = NULL;
    reef_session session;
    reef_error error;
    char last[REEF_SESSION_ID_LEN] = {0};
    lists_ok(reef_session_list(lists->client, reef_str_of(user), 20000, &list, &error),
             &error);
    while (reef_sessions_next(list, &session, &error)) {
        assert_true(reef_session_id_valid(session.id));
        assert_int_not_equal(memcmp(last, session.id.ptr, sizeof last), 0);
        memcpy(last, session.id.ptr, sizeof last);
        if (error.code == REEF_CORRUPT) {
            assert_non_null(strstr(error.text, "Sessions:"));
            count.corrupt++;
            continue;
        }
        assert_int_equal(error.code, REEF_OK);
        if (user[0] != 0)
            assert_true(reef_str_equal(session.user_id, reef_str_of(user)));
        count.live += session.is_deleted ? 0 : 1;
        count.dead += session.is_deleted ? 1 : 0;
    }
    assert_int_equal(reef_sessions_count(list),
                     count.live + count.dead + count.corrupt);
    reef_sessions_free(list);
    return count;
}

static void lists_are(const struct lists *lists, const char *user, size_t live,
                      size_t dead, size_t corrupt)
{
    struct lists_count count = lists_of(lists, user);
    assert_int_equal(count.live, live);
    assert_int_equal(count.dead, dead);
    assert_int_equal(count.corrupt, corrupt);
}

/* ---- lists -------------------------------------------------------------------- */

static void lists_many(const reef_live_kind *kind)
{
    struct lists lists = lists_open(kind);
    reef_stats before, after;
    for (unsigned i = 0; i < LISTS_MANY; i++)
        lists_save(&lists, "ann", i, i % 10 == 0);
    for (unsigned i = 0; i < 50; i++)
        lists_save(&lists, "bob", LISTS_MANY + i, false);
    reef_client_stats(lists.client, &before);
    lists_are(&lists, "ann", LISTS_MANY - 130, 130, 0);
    reef_client_stats(lists.client, &after);
    /* A command for each record, and pages of SCAN: nothing is asked twice. */
    assert_in_range(after.calls - before.calls, LISTS_MANY + 2, LISTS_MANY + 20);
    lists_are(&lists, "bob", 50, 0, 0);
    lists_are(&lists, "", LISTS_MANY - 130 + 50, 130, 0);
    lists_are(&lists, "carl", 0, 0, 0);
    lists_close(&lists);
}

static void test_many(void **state)
{
    (void)state;
    reef_live_each(lists_many);
}

static void lists_glob(const reef_live_kind *kind)
{
    static const char *const users[] = {
        "a",   "aa",    "a:b", "a*", "*",     "a?", "?", "[a]", "[^a]",
        "a-b", "[a-b]", "a\\", "\\", "a\\*b", "^",  "]", "a b", "\xC3\xA9"};
    struct lists lists = lists_open(kind);
    unsigned count = sizeof users / sizeof *users;
    for (unsigned i = 0; i < count; i++)
        lists_save(&lists, users[i], i, false);
    for (unsigned i = 0; i < count; i++)
        lists_are(&lists, users[i], 1, 0, 0);
    lists_are(&lists, "", count, 0, 0);
    /* Keys of another prefix that the pattern unescaped would match. */
    const char *other[] = {"SET", "knottx:Sessions:", "{}"};
    lists_raw(&lists, "OK", other, 3);
    lists_are(&lists, "", count, 0, 0);
    lists_close(&lists);
}

static void test_glob(void **state)
{
    (void)state;
    reef_live_each(lists_glob);
}

static void lists_odd(const reef_live_kind *kind)
{
    struct lists lists = lists_open(kind);
    for (unsigned i = 0; i < 6; i++)
        lists_save(&lists, "ann", i, false);
    const char *broken[] = {"SET", lists_key(0), "{\"session_id\":"};
    lists_raw(&lists, "OK", broken, 3);
    const char *empty[] = {"SET", lists_key(1), ""};
    lists_raw(&lists, "OK", empty, 3);
    const char *gone[] = {"DEL", lists_key(2)};
    lists_raw(&lists, "1", gone, 2);
    const char *other[] = {"LPUSH", lists_key(2), "x"};
    lists_raw(&lists, "1", other, 3);
    /* Keys that look nearly like a session's. */
    const char *near_one[] = {"SET", LISTS_PREFIX "Sessions:short", "{}"};
    lists_raw(&lists, "OK", near_one, 3);
    const char *near_two[] = {"SET", LISTS_PREFIX "SessionsByUserId:ann:short", "x"};
    lists_raw(&lists, "OK", near_two, 3);
    /* An index of ann's for a record of bob's. */
    lists_save(&lists, "bob", 7, false);
    char index[256];
    snprintf(index, sizeof index, "%s", lists_index("ann", 7));
    const char *foreign[] = {"SET", index, lists_id(7)};
    lists_raw(&lists, "OK", foreign, 3);
    lists_are(&lists, "ann", 3, 0, 3);
    lists_are(&lists, "bob", 1, 0, 0);
    lists_are(&lists, "", 4, 0, 3);
    const char *kept[] = {"EXISTS", index};
    lists_raw(&lists, "1", kept, 2);
    lists_close(&lists);
}

static void test_odd(void **state)
{
    (void)state;
    reef_live_each(lists_odd);
}

/* ---- healing ------------------------------------------------------------------ */

static void lists_dangle(const struct lists *lists, unsigned number, const char *ttl)
{
    const char *args[] = {"SET", lists_index("ann", number), lists_id(number), "EX",
                          ttl};
    lists_raw(lists, "OK", args, ttl != NULL ? 5 : 3);
}

static void lists_has(const struct lists *lists, unsigned number, const char *expected)
{
    const char *args[] = {"EXISTS", lists_index("ann", number)};
    lists_raw(lists, expected, args, 2);
}

static void lists_heal(const reef_live_kind *kind)
{
    struct lists lists = lists_open(kind);
    lists_save(&lists, "ann", 0, false);
    lists_dangle(&lists, 1, NULL);
    lists_dangle(&lists, 2, "7190");
    lists_dangle(&lists, 3, "5");
    lists_dangle(&lists, 4, "7200"); /* may await its record */
    lists_are(&lists, "", 1, 0, 0);
    lists_has(&lists, 1, "1");
    lists_are(&lists, "ann", 1, 0, 0);
    lists_has(&lists, 0, "1");
    lists_has(&lists, 1, "0");
    lists_has(&lists, 2, "0");
    lists_has(&lists, 3, "0");
    lists_has(&lists, 4, "1");
    /* Who may not heal still gets the list. */
    const char *user[] = {"ACL", "SETUSER", "default", "-eval"};
    lists_raw(&lists, "OK", user, 4);
    lists_dangle(&lists, 1, NULL);
    lists_are(&lists, "ann", 1, 0, 0);
    lists_has(&lists, 1, "1");
    lists_close(&lists);
}

static void test_heal(void **state)
{
    (void)state;
    reef_live_each(lists_heal);
}

/* ---- revocation --------------------------------------------------------------- */

static void lists_revoke(const struct lists *lists, const char *user, size_t expected)
{
    reef_error error;
    size_t revoked = 99;
    lists_ok(reef_session_revoke_user(lists->client, reef_str_of(user), &revoked, 20000,
                                      &error),
             &error);
    assert_int_equal(revoked, expected);
}

static void lists_tombstone(const struct lists *lists, unsigned number, const char *ip)
{
    reef_sessions *list = NULL;
    reef_session session;
    reef_error error;
    int64_t now_ns = reef_unix_ns();
    lists_ok(reef_session_get(lists->client, reef_str_of(lists_id(number)), 0, &list,
                              &error),
             &error);
    assert_true(reef_sessions_next(list, &session, &error));
    assert_true(session.is_deleted);
    assert_true(reef_str_equal(session.ip, reef_str_of(ip)));
    assert_true(reef_str_equal(session.user_id, reef_str_of("ann")));
    assert_true(session.updated_at <= reef_clock_next(0, now_ns));
    assert_true(reef_clock_unix_ns(session.updated_at) > now_ns - 60 * 1000000000LL);
    assert_true(session.expires_after_ns > now_ns + 7100 * 1000000000LL);
    session.is_deleted = false;
    session.updated_at++;
    assert_int_equal(reef_session_touch(lists->client, &session, 0, &error),
                     REEF_CONFLICT);
    reef_sessions_free(list);
    const char *key[] = {"TTL", lists_key(number)};
    char *reply = reef_live_ask_on(lists->fd, key, 2, NULL);
    assert_int_equal(strlen(reply), 4);
    assert_int_equal(reply[0], '7');
    free(reply);
}

static void lists_revoked(const reef_live_kind *kind)
{
    struct lists lists = lists_open(kind);
    for (unsigned i = 0; i < 700; i++)
        lists_save(&lists, "ann", i, i == 9);
    lists_save(&lists, "bob", 700, false);
    const char *broken[] = {"SET", lists_key(0), "{"};
    lists_raw(&lists, "OK", broken, 3);
    lists_revoke(&lists, "ann", 699);
    lists_are(&lists, "ann", 0, 700, 0);
    lists_are(&lists, "bob", 1, 0, 0);
    lists_tombstone(&lists, 0, "");
    lists_tombstone(&lists, 699, "10.0.0.1");
    lists_revoke(&lists, "ann", 0);
    lists_revoke(&lists, "carl", 0);
    lists_close(&lists);
}

static void test_revoked(void **state)
{
    (void)state;
    reef_live_each(lists_revoked);
}

static void lists_no_room(const reef_live_kind *kind)
{
    struct lists lists = lists_open(kind);
    reef_error error;
    size_t revoked = 99;
    for (unsigned i = 0; i < 5; i++)
        lists_save(&lists, "ann", i, false);
    const char *full[] = {"CONFIG", "SET", "maxmemory", "1"};
    lists_raw(&lists, "OK", full, 4);
    reef_code code =
        reef_session_revoke_user(lists.client, reef_str_of("ann"), &revoked, 0, &error);
    assert_int_equal(code, REEF_REFUSED);
    assert_int_equal(revoked, 0);
    assert_non_null(strstr(error.text, "0 of 5 sessions were revoked"));
    const char *room[] = {"CONFIG", "SET", "maxmemory", "0"};
    lists_raw(&lists, "OK", room, 4);
    lists_revoke(&lists, "ann", 5);
    lists_close(&lists);
}

static void test_no_room(void **state)
{
    (void)state;
    reef_live_each(lists_no_room);
}

/* ---- a revocation among touches ---- */

enum { RACE_THREADS = 4, RACE_SESSIONS = 8 };

struct lists_race {
    reef_client *client;
    char ids[RACE_SESSIONS][REEF_SESSION_ID_LEN + 1];
    atomic_size_t touched;
    size_t revived, wrong; /* touched again after a conflict; any other outcome */
};

/* Touches its sessions in turn until each one was refused three times. */
static void *lists_racer(void *context)
{
    struct lists_race *race = context;
    size_t refused[RACE_SESSIONS] = {0}, over = 0;
    uint64_t clock = 0;
    while (over < RACE_SESSIONS && race->wrong == 0) {
        for (unsigned i = 0; i < RACE_SESSIONS; i++) {
            reef_session session = {0};
            session.id = reef_str_of(race->ids[i]);
            session.user_id = reef_str_of("ann");
            clock = reef_clock_next(clock, reef_unix_ns());
            session.updated_at = clock;
            reef_code code = reef_session_touch(race->client, &session, 20000, NULL);
            if (code == REEF_CONFLICT)
                over += ++refused[i] == 3 ? 1 : 0;
            else if (code != REEF_OK)
                race->wrong++;
            else if (refused[i] > 0)
                race->revived++;
            atomic_fetch_add(&race->touched, 1);
        }
    }
    return NULL;
}

static void lists_raced(const reef_live_kind *kind)
{
    static struct lists_race races[RACE_THREADS];
    pthread_t threads[RACE_THREADS];
    struct lists lists = lists_open(kind);
    memset(races, 0, sizeof races);
    for (unsigned t = 0; t < RACE_THREADS; t++) {
        races[t].client = lists.client;
        for (unsigned i = 0; i < RACE_SESSIONS; i++) {
            unsigned number = t * RACE_SESSIONS + i;
            lists_save(&lists, "ann", number, false);
            snprintf(races[t].ids[i], sizeof races[t].ids[i], "%s", lists_id(number));
        }
    }
    for (unsigned t = 0; t < RACE_THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, lists_racer, &races[t]), 0);
    for (unsigned t = 0; t < RACE_THREADS; t++) {
        while (atomic_load(&races[t].touched) < 2 * RACE_SESSIONS)
            reef_live_nap();
    }
    reef_error error;
    size_t revoked;
    reef_code code = reef_session_revoke_user(lists.client, reef_str_of("ann"),
                                              &revoked, 20000, &error);
    for (unsigned t = 0; t < RACE_THREADS && code == REEF_OK; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_int_equal(races[t].revived, 0);
        assert_int_equal(races[t].wrong, 0);
    }
    lists_ok(code, &error);
    assert_int_equal(revoked, RACE_THREADS * RACE_SESSIONS);
    lists_are(&lists, "ann", 0, RACE_THREADS * RACE_SESSIONS, 0);
    lists_close(&lists);
}

static void test_raced(void **state)
{
    (void)state;
    reef_live_each(lists_raced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),    cmocka_unit_test(test_glob),
        cmocka_unit_test(test_odd),     cmocka_unit_test(test_heal),
        cmocka_unit_test(test_revoked), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_raced),
    };
    return cmocka_run_group_tests_name("session_lists", tests, NULL, NULL);
}
