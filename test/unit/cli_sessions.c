/* SPDX-License-Identifier: Apache-2.0
 *
 * The session commands over a session.h of the test's own: what they ask of it, what
 * they print, what they refuse by themselves. Linked with __wrap_reef_session_save,
 * __wrap_reef_session_get, __wrap_reef_session_touch, __wrap_reef_session_delete,
 * __wrap_reef_session_list and __wrap_reef_session_revoke_user. */
#include "test/unit/cli_capture.h"

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
#define RECORD(deleted)                                                                \
    "{\"session_id\":\"" ID "\",\"ip\":\"::1\",\"user_id\":\"ann\",\"user_agent\":"    \
    "\"x\",\"expires_after\":\"2100-01-01T00:00:00Z\",\"updated_at\":1024,"            \
    "\"is_deleted\":" deleted "}"

reef_code __wrap_reef_session_save(reef_client *client, const reef_session *s,
                                   int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                                  reef_sessions **out, reef_error *error);
reef_code __wrap_reef_session_touch(reef_client *client, const reef_session *s,
                                    int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_delete(reef_client *client, reef_str id, reef_str user,
                                     int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_list(reef_client *client, reef_str user,
                                   int64_t timeout_ms, reef_sessions **out,
                                   reef_error *error);
reef_code __wrap_reef_session_revoke_user(reef_client *client, reef_str user,
                                          size_t *revoked, int64_t timeout_ms,
                                          reef_error *error);

/* ---- what the commands call --------------------------------------------------- */

static char asked[512];      /* the calls, a line each */
static reef_code outcome;    /* of all but get and list */
static const char *record;   /* what get and list find; NULL: not found */
static reef_session written; /* the numbers of the last save or touch */
static size_t revoked_count;

static reef_code answer(reef_code code, reef_error *error)
{
    *error = (reef_error){code, 0, ""};
    if (code != REEF_OK)
        (void)snprintf(error->text, sizeof error->text, "said the fake");
    return code;
}

static void ask(const char *what, reef_str id, reef_str user)
{
    size_t len = strlen(asked);
    (void)snprintf(asked + len, sizeof asked - len, "%s %.*s %.*s\n", what, (int)id.len,
                   id.len > 0 ? id.ptr : "", (int)user.len,
                   user.len > 0 ? user.ptr : "");
}

static reef_code found(reef_sessions **out, reef_error *error)
{
    if (record == NULL)
        return answer(REEF_NOT_FOUND, error);
    return reef_session_decode(reef_str_of(record), out, error);
}

reef_code __wrap_reef_session_save(reef_client *client, const reef_session *s,
                                   int64_t timeout_ms, reef_error *error)
{
    assert_non_null(client);
    assert_int_equal(timeout_ms, 100);
    written = *s;
    ask("save", s->id, s->user_id);
    return answer(outcome, error);
}

reef_code __wrap_reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                                  reef_sessions **out, reef_error *error)
{
    assert_non_null(client);
    assert_int_equal(timeout_ms, 100);
    ask("get", id, (reef_str){NULL, 0});
    return found(out, error);
}

reef_code __wrap_reef_session_touch(reef_client *client, const reef_session *s,
                                    int64_t timeout_ms, reef_error *error)
{
    assert_non_null(client);
    assert_int_equal(timeout_ms, 100);
    written = *s;
    ask("touch", s->id, s->user_id);
    return answer(outcome, error);
}

reef_code __wrap_reef_session_delete(reef_client *client, reef_str id, reef_str user,
                                     int64_t timeout_ms, reef_error *error)
{
    assert_non_null(client);
    assert_int_equal(timeout_ms, 100);
    ask("delete", id, user);
    return answer(outcome, error);
}

reef_code __wrap_reef_session_list(reef_client *client, reef_str user,
                                   int64_t timeout_ms, reef_sessions **out,
                                   reef_error *error)
{
    assert_non_null(client);
    assert_int_equal(timeout_ms, 100);
    ask("list", (reef_str){NULL, 0}, user);
    return found(out, error);
}

reef_code __wrap_reef_session_revoke_user(reef_client *client, reef_str user,
                                          size_t *revoked, int64_t timeout_ms,
                                          reef_error *error)
{
    assert_non_null(client);
    assert_int_equal(timeout_ms, 100);
    ask("revoke", (reef_str){NULL, 0}, user);
    *revoked = revoked_count;
    return answer(outcome, error);
}

/* ---- running ------------------------------------------------------------------ */

static int sessions_begin(void **state)
{
    int code = cap_begin(state);
    cap_nobody(*state);
    outcome = REEF_OK;
    record = RECORD("false");
    revoked_count = 0;
    return code;
}

static int runs(cap *c, int (*run)(cli_context *), const char *words)
{
    asked[0] = '\0';
    cap_args(c, words);
    int code = cap_run(c, run);
    cli_close(&c->ctx);
    return code;
}

/* Refused before anything is asked. */
static void refuses(cap *c, int (*run)(cli_context *), const char *words,
                    const char *part)
{
    assert_int_equal(runs(c, run, words), CLI_USAGE);
    cap_has(c->err, part);
    assert_string_equal(c->out, "");
    assert_string_equal(asked, "");
}

static void sessions_refuse(void **state)
{
    cap *c = *state;
    refuses(c, cli_session_get_run, "", "id is missing");
    refuses(c, cli_session_get_run, "short", "'short' is no session id");
    refuses(c, cli_session_touch_run, "", "id is missing");
    refuses(c, cli_session_delete_run, "short", "no session id");
    refuses(c, cli_session_new_run, "", "add --user U");
    refuses(c, cli_session_revoke_run, "", "add --user U");
    refuses(c, cli_session_list_run, "", "either --user U or --all");
    cap_set(c, CLI_OPT_ID, ID);
    refuses(c, cli_session_get_run, ID, "given twice");
    refuses(c, cli_session_save_run, "", "add --user U");
    cap_set(c, CLI_OPT_USER, "");
    refuses(c, cli_session_delete_run, "", "--user is empty");
    refuses(c, cli_session_revoke_run, "", "--user is empty");
    refuses(c, cli_session_list_run, "", "--user is empty");
    cap_set(c, CLI_OPT_ALL, "");
    refuses(c, cli_session_list_run, "", "either --user U or --all");
}

static void sessions_new(void **state)
{
    cap *c = *state;
    cap_set(c, CLI_OPT_USER, "ann");
    assert_int_equal(runs(c, cli_session_new_run, ""), CLI_DONE);
    assert_int_equal(strlen(c->out), REEF_SESSION_ID_LEN + 1);
    assert_true(reef_session_id_valid((reef_str){c->out, REEF_SESSION_ID_LEN}));
    assert_int_equal(strncmp(asked + 5, c->out, REEF_SESSION_ID_LEN), 0);
    assert_true(written.expires_after_ns > reef_unix_ns());
    assert_true(written.updated_at > 0);
    outcome = REEF_UNSURE;
    assert_int_equal(runs(c, cli_session_new_run, ""), CLI_UNSURE);
    assert_string_equal(c->out, "");
    assert_string_equal(c->err, "reef: said the fake\n");
}

/* From options, and from standard input, where times that are there stay. */
static void sessions_save(void **state)
{
    cap *c = *state;
    static const char bare[] = "{\"session_id\":\"" ID "\",\"user_id\":\"bob\"}";
    cap_input(c, RECORD("false"), sizeof RECORD("false") - 1);
    assert_int_equal(runs(c, cli_session_save_run, ""), CLI_DONE);
    assert_string_equal(asked, "save " ID " ann\n");
    assert_string_equal(c->out, ID "\n");
    assert_int_equal(written.updated_at, 1024);
    assert_true(written.expires_after_ns == INT64_C(4102444800000000000));
    cap_input(c, bare, sizeof bare - 1);
    assert_int_equal(runs(c, cli_session_save_run, ""), CLI_DONE);
    assert_string_equal(asked, "save " ID " bob\n");
    assert_true(written.updated_at > 1024);
    assert_true(written.expires_after_ns > 0);
    cap_input(c, "[", 1);
    assert_int_equal(runs(c, cli_session_save_run, ""), CLI_PROTOCOL);
    assert_string_equal(asked, "");
    cap_set(c, CLI_OPT_ID, ID);
    cap_set(c, CLI_OPT_USER, "cy");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_session_save_run, ""), CLI_DONE);
    assert_string_equal(asked, "save " ID " cy\n");
    cap_has(c->out, "\"user_id\":\"cy\"");
}

static void sessions_get(void **state)
{
    cap *c = *state;
    assert_int_equal(runs(c, cli_session_get_run, ID), CLI_DONE);
    assert_string_equal(asked, "get " ID " \n");
    cap_has(c->out, "user     ann\n");
    cap_set(c, CLI_OPT_JSON, "");
    cap_set(c, CLI_OPT_ID, ID);
    assert_int_equal(runs(c, cli_session_get_run, ""), CLI_DONE);
    assert_string_equal(c->out, RECORD("false") "\n");
    record = NULL;
    assert_int_equal(runs(c, cli_session_get_run, ""), CLI_NOT_FOUND);
    record = "{";
    assert_int_equal(runs(c, cli_session_get_run, ""), CLI_PROTOCOL);
}

/* The clock goes on from the record's; a tombstone is not even tried. */
static void sessions_touch(void **state)
{
    cap *c = *state;
    assert_int_equal(runs(c, cli_session_touch_run, ID), CLI_DONE);
    assert_string_equal(asked, "get " ID " \ntouch " ID " ann\n");
    assert_int_equal(strncmp(c->out, "lives until 20", 14), 0);
    assert_true(written.updated_at > 1024);
    outcome = REEF_CONFLICT;
    assert_int_equal(runs(c, cli_session_touch_run, ID), CLI_REFUSED);
    record = RECORD("true");
    assert_int_equal(runs(c, cli_session_touch_run, ID), CLI_REFUSED);
    assert_string_equal(asked, "get " ID " \n");
    cap_has(c->err, "revoked and stays so");
}

static void sessions_delete(void **state)
{
    cap *c = *state;
    assert_int_equal(runs(c, cli_session_delete_run, ID), CLI_DONE);
    assert_string_equal(asked, "get " ID " \ndelete " ID " ann\n");
    assert_string_equal(c->out, "deleted " ID "\n");
    cap_set(c, CLI_OPT_USER, "bob");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_session_delete_run, ID), CLI_DONE);
    assert_string_equal(asked, "delete " ID " bob\n");
    assert_string_equal(c->out, "{\"deleted\":\"" ID "\"}\n");
    outcome = REEF_NOT_FOUND;
    assert_int_equal(runs(c, cli_session_delete_run, ID), CLI_NOT_FOUND);
}

static void sessions_list(void **state)
{
    cap *c = *state;
    cap_set(c, CLI_OPT_USER, "ann");
    assert_int_equal(runs(c, cli_session_list_run, ""), CLI_DONE);
    assert_string_equal(asked, "list  ann\n");
    cap_has(c->out, "ID ");
    cap_has(c->out, "\n" ID "  live ");
    cap_has_not(c->out, "USER");
    cap_set(c, CLI_OPT_USER, NULL);
    cap_set(c, CLI_OPT_ALL, "");
    assert_int_equal(runs(c, cli_session_list_run, ""), CLI_DONE);
    assert_string_equal(asked, "list  \n");
    cap_has(c->out, "USER");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(runs(c, cli_session_list_run, ""), CLI_DONE);
    assert_string_equal(c->out, RECORD("false") "\n");
    record = NULL;
    assert_int_equal(runs(c, cli_session_list_run, ""), CLI_NOT_FOUND);
}

static void sessions_revoke(void **state)
{
    cap *c = *state;
    cap_set(c, CLI_OPT_USER, "ann");
    revoked_count = 1;
    assert_int_equal(runs(c, cli_session_revoke_run, ""), CLI_DONE);
    assert_string_equal(asked, "revoke  ann\n");
    assert_string_equal(c->out, "revoked 1 session\n");
    revoked_count = 2;
    runs(c, cli_session_revoke_run, "");
    assert_string_equal(c->out, "revoked 2 sessions\n");
    cap_set(c, CLI_OPT_JSON, "");
    runs(c, cli_session_revoke_run, "");
    assert_string_equal(c->out, "{\"revoked\":2}\n");
    outcome = REEF_AUTH;
    assert_int_equal(runs(c, cli_session_revoke_run, ""), CLI_AUTH);
}

#define SESSIONS_TEST(test)                                                            \
    cmocka_unit_test_setup_teardown(test, sessions_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSIONS_TEST(sessions_refuse), SESSIONS_TEST(sessions_new),
        SESSIONS_TEST(sessions_save),   SESSIONS_TEST(sessions_get),
        SESSIONS_TEST(sessions_touch),  SESSIONS_TEST(sessions_delete),
        SESSIONS_TEST(sessions_list),   SESSIONS_TEST(sessions_revoke),
    };
    return cmocka_run_group_tests_name("cli_sessions", tests, NULL, NULL);
}
