/* SPDX-License-Identifier: Apache-2.0
 *
 * Save, get, touch and delete on real servers: what stands in the server is compared
 * with bytes written by hand in knot's form, and what knot would write is read. */
#include "test/live/check.h"
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define STORE_ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
#define STORE_USER "019aa2f0-1111-7abc-8def-0123456789ab"
#define STORE_KEY "knot:Sessions:" STORE_ID
#define STORE_INDEX "knot:SessionsByUserId:" STORE_USER ":" STORE_ID
#define STORE_HEAD "{\"session_id\":\"" STORE_ID "\",\"ip\":\"10.1.2.3\",\"user_id\":"
#define STORE_TAIL                                                                     \
    ",\"expires_after\":\"2026-01-02T03:04:05.12Z\",\"updated_at\":52133012345678947," \
    "\"is_deleted\":false}"
#define STORE_JSON                                                                     \
    STORE_HEAD "\"" STORE_USER "\",\"user_agent\":\"Mozilla/5.0 \\u003cX\\u003e "      \
               "\\u0026 \\\"Y\\\" caf\xC3\xA9\"" STORE_TAIL

struct store {
    reef_live_server *server;
    reef_client *client;
    int fd;
};

static reef_session store_session(void)
{
    reef_session session = {0};
    session.id = reef_str_of(STORE_ID);
    session.ip = reef_str_of("10.1.2.3");
    session.user_id = reef_str_of(STORE_USER);
    session.user_agent = reef_str_of("Mozilla/5.0 <X> & \"Y\" caf\xC3\xA9");
    session.expires_after_ns = INT64_C(1767323045120000000);
    session.updated_at = UINT64_C(52133012345678947);
    return session;
}

static struct store store_open(const reef_live_kind *kind)
{
    struct store store;
    reef_config config;
    store.server = reef_live_start(kind, NULL);
    reef_live_config(store.server, "127.0.0.1", &config);
    snprintf(config.key_prefix, sizeof config.key_prefix, "knot:");
    store.client = reef_live_client(&config);
    store.fd = reef_live_dial(store.server);
    return store;
}

static void store_close(struct store *store)
{
    close(store->fd);
    reef_close(store->client);
    reef_live_free(store->server);
}

/* The raw reply to GET, SET and the like. */
static void store_raw(const struct store *store, const char *expected, const char *name,
                      const char *key, const char *value)
{
    const char *args[] = {name, key, value};
    char *reply = reef_live_ask_on(store->fd, args, value != NULL ? 3 : 2, NULL);
    assert_string_equal(reply, expected);
    free(reply);
}

static int64_t store_ttl(const struct store *store, const char *key)
{
    const char *args[] = {"TTL", key};
    char *reply = reef_live_ask_on(store->fd, args, 2, NULL);
    int64_t ttl = 0;
    for (const char *at = reply; *at >= '0' && *at <= '9'; at++)
        ttl = ttl * 10 + (*at - '0');
    free(reply);
    return ttl;
}

static void store_fresh(const struct store *store, const char *key)
{
    /* The longer life is that of an index which a client wrote before it knew who the
     * server is. */
    bool index = strcmp(key, STORE_INDEX) == 0;
    assert_in_range(store_ttl(store, key), REEF_SESSION_TTL_S - 100,
                    REEF_SESSION_TTL_S + (index ? REEF_INDEX_EXTRA_S : 0));
}

static void store_ok(reef_code code, const reef_error *error)
{
    if (code != REEF_OK)
        print_error("%s: %s\n", reef_code_name(code), error->text);
    assert_int_equal(code, REEF_OK);
    assert_int_equal(error->code, REEF_OK);
    assert_string_equal(error->text, "");
}

static void store_bad(reef_code code, reef_code expected, const reef_error *error,
                      const char *part)
{
    if (code != expected || strstr(error->text, part) == NULL)
        print_error("%s: %s\n", reef_code_name(code), error->text);
    assert_int_equal(code, expected);
    assert_int_equal(error->code, expected);
    assert_non_null(strstr(error->text, part));
}

/* ---- save, get, delete -------------------------------------------------------- */

static void store_bytes(const reef_live_kind *kind)
{
    struct store store = store_open(kind);
    reef_session session = store_session(), got;
    reef_sessions *list = NULL;
    reef_error error;
    store_ok(reef_session_save(store.client, &session, 0, &error), &error);
    store_raw(&store, STORE_JSON, "GET", STORE_KEY, NULL);
    store_raw(&store, STORE_ID, "GET", STORE_INDEX, NULL);
    store_fresh(&store, STORE_KEY);
    store_fresh(&store, STORE_INDEX);
    store_ok(reef_session_get(store.client, session.id, 0, &list, &error), &error);
    assert_int_equal(reef_sessions_count(list), 1);
    assert_true(reef_sessions_next(list, &got, &error));
    assert_true(reef_str_equal(got.id, session.id));
    assert_true(reef_str_equal(got.ip, session.ip));
    assert_true(reef_str_equal(got.user_id, session.user_id));
    assert_true(reef_str_equal(got.user_agent, session.user_agent));
    assert_true(got.expires_after_ns == session.expires_after_ns);
    assert_true(got.updated_at == session.updated_at);
    assert_false(got.is_deleted);
    assert_false(reef_sessions_next(list, &got, &error));
    reef_sessions_free(list);
    store_close(&store);
}

static void test_bytes(void **state)
{
    (void)state;
    reef_live_each(store_bytes);
}

static void store_delete(const reef_live_kind *kind)
{
    struct store store = store_open(kind);
    reef_session session = store_session();
    reef_sessions *list = NULL;
    reef_error error;
    store_ok(reef_session_save(store.client, &session, 0, &error), &error);
    store_ok(reef_session_delete(store.client, session.id, session.user_id, 0, &error),
             &error);
    assert_int_equal(reef_live_number(store.server, "DBSIZE"), 0);
    store_bad(reef_session_delete(store.client, session.id, session.user_id, 0, &error),
              REEF_NOT_FOUND, &error, STORE_ID);
    store_bad(reef_session_get(store.client, session.id, 0, &list, &error),
              REEF_NOT_FOUND, &error, STORE_ID);
    assert_null(list);
    /* An index that was left over goes, although there is no record. */
    store_raw(&store, "OK", "SET", STORE_INDEX, STORE_ID);
    store_bad(reef_session_delete(store.client, session.id, session.user_id, 0, &error),
              REEF_NOT_FOUND, &error, STORE_ID);
    assert_int_equal(reef_live_number(store.server, "DBSIZE"), 0);
    store_close(&store);
}

static void test_delete(void **state)
{
    (void)state;
    reef_live_each(store_delete);
}

static void store_corrupt(const reef_live_kind *kind)
{
    static const char *const bad[] = {"null",
                                      "",
                                      "{",
                                      "[]",
                                      "{\"session_id\":\"x\"}",
                                      "{\"session_id\":\"" STORE_ID
                                      "\",\"updated_at\":1e3}"};
    struct store store = store_open(kind);
    reef_session session = store_session();
    reef_sessions *list = NULL;
    reef_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        store_raw(&store, "OK", "SET", STORE_KEY, bad[i]);
        store_bad(reef_session_get(store.client, session.id, 0, &list, &error),
                  REEF_CORRUPT, &error, STORE_KEY);
        assert_null(list);
    }
    store_raw(&store, "1", "DEL", STORE_KEY, NULL);
    store_raw(&store, "1", "LPUSH", STORE_KEY, "x");
    store_bad(reef_session_get(store.client, session.id, 0, &list, &error),
              REEF_CORRUPT, &error, STORE_KEY);
    store_bad(reef_session_touch(store.client, &session, 0, &error), REEF_CORRUPT,
              &error, "Sessions:" STORE_ID);
    store_close(&store);
}

static void test_corrupt(void **state)
{
    (void)state;
    reef_live_each(store_corrupt);
}

/* ---- touch -------------------------------------------------------------------- */

static void store_touch(const reef_live_kind *kind)
{
    struct store store = store_open(kind);
    reef_session session = store_session();
    reef_error error;
    reef_stats before, after;
    store_bad(reef_session_touch(store.client, &session, 0, &error), REEF_NOT_FOUND,
              &error, STORE_ID);
    assert_int_equal(reef_live_number(store.server, "DBSIZE"), 0);
    store_ok(reef_session_save(store.client, &session, 0, &error), &error);
    store_raw(&store, "1", "EXPIRE", STORE_KEY, "50");
    store_raw(&store, "1", "EXPIRE", STORE_INDEX, "60");
    session.updated_at++;
    session.ip = reef_str_of("::1");
    reef_client_stats(store.client, &before);
    store_ok(reef_session_touch(store.client, &session, 0, &error), &error);
    reef_client_stats(store.client, &after);
    assert_int_equal(after.calls - before.calls, 1); /* a script for both keys */
    store_fresh(&store, STORE_KEY);
    store_fresh(&store, STORE_INDEX);
    size_t len;
    char *json = reef_session_encode(&session, &len);
    store_raw(&store, json, "GET", STORE_KEY, NULL);
    store_ok(reef_session_touch(store.client, &session, 0, &error), &error);
    session.updated_at--;
    store_bad(reef_session_touch(store.client, &session, 0, &error), REEF_CONFLICT,
              &error, "newer");
    store_raw(&store, json, "GET", STORE_KEY, NULL);
    free(json);
    /* An index that was lost comes back. */
    session.updated_at += 2;
    store_raw(&store, "1", "DEL", STORE_INDEX, NULL);
    store_ok(reef_session_touch(store.client, &session, 0, &error), &error);
    store_raw(&store, STORE_ID, "GET", STORE_INDEX, NULL);
    store_fresh(&store, STORE_INDEX);
    store_close(&store);
}

static void test_touch(void **state)
{
    (void)state;
    reef_live_each(store_touch);
}

/* What a touch with updated_at 9007199254740993 (2^53 + 1) meets, and what comes of
 * it. */
static const struct {
    const char *stored;
    reef_code code;
} store_meets[] = {
    {"{}", REEF_OK},
    {" {\"updated_at\" : 1 } \n", REEF_OK},
    {"{\"updated_at\":9007199254740992}", REEF_OK},
    {"{\"updated_at\":9007199254740993}", REEF_OK},
    {"{\"updated_at\":9007199254740994}", REEF_CONFLICT},
    {"{\"updated_at\":18446744073709551615}", REEF_CONFLICT},
    {"{\"UPDATED_AT\":9007199254740994}", REEF_CONFLICT},
    {"{\"updated\\u005fat\":9007199254740994}", REEF_CONFLICT},
    {"{\"updated_at\":9007199254740994,\"updated_at\":1}", REEF_OK},
    {"{\"updated_at\":1,\"Updated_At\":9007199254740994}", REEF_CONFLICT},
    {"{\"updated_at\":9007199254740994,\"updated_at\":null}", REEF_CONFLICT},
    {"{\"x\":{\"updated_at\":9007199254740994,\"is_deleted\":true}}", REEF_OK},
    {"{\"x\":[[{\"is_deleted\":true}],[]],\"updated_at\":2}", REEF_OK},
    {"{\"ip\":\"\\\",\\\"is_deleted\\\":true,\\\"x\\\":\\\"\"}", REEF_OK},
    {"{\"ip\":\"a\\\\\",\"is_deleted\":true}", REEF_CONFLICT},
    {"{\"ip\":\"}{][\",\"is_deleted\":true}", REEF_CONFLICT},
    {"{\"user_agent\":\"is_deleted\",\"updated_at\":3}", REEF_OK},
    {"{\"is_deleted\":true}", REEF_CONFLICT},
    {"{\"is_deleted\":true,\"updated_at\":1,\"session_id\":\"x\"}", REEF_CONFLICT},
    {"{\"IS_Deleted\" :\ttrue}", REEF_CONFLICT},
    {"{\"i\xC5\xBF_deleted\":true}", REEF_CONFLICT},
    {"{\"is_deleted\":true,\"is_deleted\":false}", REEF_OK},
    {"{\"is_deleted\":true,\"IS_DELETED\":null}", REEF_CONFLICT},
    {"{\"is_deleted\":\"true\"}", REEF_CORRUPT},
    {"{\"is_deleted\":1}", REEF_CORRUPT},
    {"{\"updated_at\":1.5}", REEF_CORRUPT},
    {"{\"updated_at\":1e3}", REEF_CORRUPT},
    {"{\"updated_at\":-1}", REEF_CORRUPT},
    {"{\"updated_at\":\"1\"}", REEF_CORRUPT},
    {"{\"updated_at\":{}}", REEF_CORRUPT},
    /* What ends as knot's records do. */
    {"{\"updated_at\":9007199254740993,\"is_deleted\":false}", REEF_OK},
    {"{\"updated_at\":9007199254740994,\"is_deleted\":false}", REEF_CONFLICT},
    {"{\"updated_at\":0,\"is_deleted\":false}", REEF_OK},
    {"{\"updated_at\":01,\"is_deleted\":false}", REEF_CORRUPT},
    {"{\"updated_at\":1,\"is_deleted\":true}", REEF_CONFLICT},
    {"{\"is_deleted\":true,\"updated_at\":1,\"is_deleted\":false}", REEF_OK},
    {"{\"is_deleted\":true,\"x\":{\"updated_at\":1,\"is_deleted\":false}}",
     REEF_CONFLICT},
    {"{\"is_deleted\":true,\"ip\":\"\\\"updated_at\\\":1,\\\"is_deleted\\\":false}\"}",
     REEF_CONFLICT},
    {"{\"updated_at\":1,\"is_deleted\":true} ", REEF_CONFLICT},
    {"{\"updated_at\":1,\"is_deleted\":null}", REEF_OK},
    {"[{\"updated_at\":1,\"is_deleted\":false}", REEF_CORRUPT},
    {"{\"updated_at\":1,\"is_deleted\":falsefalse}", REEF_CORRUPT},
    {"null", REEF_CORRUPT},
    {"", REEF_CORRUPT},
    {"[]", REEF_CORRUPT},
    {"[{\"is_deleted\":true}]", REEF_CORRUPT},
    {"{\"updated_at\":1", REEF_CORRUPT},
    {"{\"updated_at\":1}x", REEF_CORRUPT},
    {"garbage\",\"updated_at\":5,\"is_deleted\":false}", REEF_CORRUPT},
};

static void store_script(const reef_live_kind *kind)
{
    struct store store = store_open(kind);
    reef_session session = store_session();
    reef_error error;
    size_t len;
    session.updated_at = UINT64_C(9007199254740993);
    char *json = reef_session_encode(&session, &len);
    store_raw(&store, "OK", "SET", STORE_INDEX, STORE_ID);
    for (size_t i = 0; i < sizeof store_meets / sizeof *store_meets; i++) {
        const char *stored = store_meets[i].stored;
        store_raw(&store, "OK", "SET", STORE_KEY, stored);
        reef_code code = reef_session_touch(store.client, &session, 0, &error);
        if (code != store_meets[i].code)
            print_error("%s: %s: %s\n", stored, reef_code_name(code), error.text);
        assert_int_equal(code, store_meets[i].code);
        store_raw(&store, code == REEF_OK ? json : stored, "GET", STORE_KEY, NULL);
    }
    free(json);
    store_close(&store);
}

static void test_script(void **state)
{
    (void)state;
    reef_live_each(store_script);
}

static uint64_t store_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* One member that both readers take, in any of its forms. */
static const char *store_member(uint64_t *seed)
{
    static const char *const members[] = {
        "\"updated_at\":9007199254740992",
        "\"updated_at\":9007199254740993",
        "\"updated_at\" : 9007199254740994",
        "\"Updated_At\":18446744073709551615",
        "\"updated_at\":0",
        "\"updated_at\":null",
        "\"is_deleted\":true",
        "\"is_deleted\":false",
        "\"IS_DELETED\":true",
        "\"is\\u005fdeleted\":false",
        "\"is_deleted\":null",
        "\"ip\":\"\\\",\\\"is_deleted\\\":true\"",
        "\"user_agent\":\"{[\\\\\"",
        "\"x\":{\"is_deleted\":true,\"y\":[{\"updated_at\":9007199254740999}]}",
        "\"y\":[\"is_deleted\",\"updated_at\",[],{}]",
        "\"\":\"\"",
    };
    return members[store_random(seed) % (sizeof members / sizeof *members)];
}

/* The script on the server and the reader in C agree on what a record says. */
static void store_agree(const reef_live_kind *kind)
{
    struct store store = store_open(kind);
    reef_session session = store_session();
    uint64_t seed = UINT64_C(0xD1B54A32D192ED03);
    session.updated_at = UINT64_C(9007199254740993);
    store_raw(&store, "OK", "SET", STORE_INDEX, STORE_ID);
    for (int round = 0; round < 600; round++) {
        char record[1024] = "{";
        reef_sessions *list = NULL;
        reef_session stored;
        reef_error error;
        size_t members = store_random(&seed) % 7;
        for (size_t i = 0; i < members; i++) {
            size_t len = strlen(record);
            snprintf(record + len, sizeof record - len, "%s%s", i > 0 ? "," : "",
                     store_member(&seed));
        }
        size_t len = strlen(record);
        snprintf(record + len, sizeof record - len, "}");
        store_ok(reef_session_decode(reef_str_of(record), &list, &error), &error);
        assert_true(reef_sessions_next(list, &stored, NULL));
        bool stays = stored.is_deleted || stored.updated_at > session.updated_at;
        reef_sessions_free(list);
        store_raw(&store, "OK", "SET", STORE_KEY, record);
        reef_code code = reef_session_touch(store.client, &session, 0, &error);
        if (code != (stays ? REEF_CONFLICT : REEF_OK))
            print_error("%s: %s\n", record, reef_code_name(code));
        assert_int_equal(code, stays ? REEF_CONFLICT : REEF_OK);
    }
    store_close(&store);
}

static void test_agree(void **state)
{
    (void)state;
    reef_live_each(store_agree);
}

/* ---- what is refused ---------------------------------------------------------- */

static void store_refused(const reef_live_kind *kind)
{
    const reef_live_options options = {
        .extra = "user ann on >own ~knot:* +@read +@connection\n"};
    struct store store;
    reef_config config;
    reef_session session = store_session();
    reef_error error;
    store.server = reef_live_start(kind, &options);
    reef_live_config(store.server, "unix", &config);
    snprintf(config.key_prefix, sizeof config.key_prefix, "knot:");
    snprintf(config.username, sizeof config.username, "ann");
    snprintf(config.password, sizeof config.password, "own");
    store.client = reef_live_client(&config);
    store.fd = reef_live_dial(store.server);
    store_bad(reef_session_save(store.client, &session, 0, &error), REEF_REFUSED,
              &error, "NOPERM");
    store_bad(reef_session_touch(store.client, &session, 0, &error), REEF_REFUSED,
              &error, "NOPERM");
    store_bad(reef_session_delete(store.client, session.id, session.user_id, 0, &error),
              REEF_REFUSED, &error, "NOPERM");
    store_close(&store);
}

static void test_refused(void **state)
{
    (void)state;
    reef_live_each(store_refused);
}

/* A server that stands still: not "not found", and over by the deadline. */
static void store_stopped(const reef_live_kind *kind)
{
    struct store store = store_open(kind);
    reef_session session = store_session();
    reef_sessions *list = NULL;
    reef_error error;
    store_ok(reef_session_save(store.client, &session, 0, &error), &error);
    reef_live_pause(store.server);
    reef_code code = reef_session_get(store.client, session.id, 200, &list, &error);
    assert_null(list);
    store_bad(code, REEF_UNSURE, &error, "Sessions:");
    code = reef_session_touch(store.client, &session, 200, &error);
    assert_true(code == REEF_UNSURE || code == REEF_UNSENT || code == REEF_CONNECT);
    reef_live_resume(store.server);
    store_ok(reef_session_get(store.client, session.id, 0, &list, &error), &error);
    reef_sessions_free(list);
    reef_live_kill(store.server);
    code = reef_session_get(store.client, session.id, 200, &list, &error);
    assert_true(code == REEF_CONNECT || code == REEF_UNSENT || code == REEF_UNSURE);
    assert_null(list);
    store_close(&store);
}

static void test_stopped(void **state)
{
    (void)state;
    reef_live_each(store_stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_delete),
        cmocka_unit_test(test_corrupt), cmocka_unit_test(test_touch),
        cmocka_unit_test(test_script),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stopped), cmocka_unit_test(test_agree),
    };
    return cmocka_run_group_tests_name("session_store", tests, NULL, NULL);
}
