/* SPDX-License-Identifier: Apache-2.0
 *
 * The tour over a session.h of the test's own: all of it, a tour that fails half-way,
 * and that it stays under its prefix and sweeps it. Linked with __wrap_reef_call of
 * cli_script.h, __wrap_reef_server_info, __wrap_reef_session_save,
 * __wrap_reef_session_get, __wrap_reef_session_touch, __wrap_reef_session_list,
 * __wrap_reef_session_revoke_user, __wrap_reef_scan_new, __wrap_reef_scan_next and
 * __wrap_reef_scan_free. */
#include "test/unit/cli_script.h"

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error);
reef_code __wrap_reef_session_save(reef_client *client, const reef_session *s,
                                   int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                                  reef_sessions **out, reef_error *error);
reef_code __wrap_reef_session_touch(reef_client *client, const reef_session *s,
                                    int64_t timeout_ms, reef_error *error);
reef_code __wrap_reef_session_list(reef_client *client, reef_str user,
                                   int64_t timeout_ms, reef_sessions **out,
                                   reef_error *error);
reef_code __wrap_reef_session_revoke_user(reef_client *client, reef_str user,
                                          size_t *revoked, int64_t timeout_ms,
                                          reef_error *error);

reef_scan *__wrap_reef_scan_new(reef_client *client, const reef_scan_options *options,
                                reef_error *error);
reef_code __wrap_reef_scan_next(reef_scan *scan, int64_t timeout_ms, reef_str *key,
                                reef_error *error);
void __wrap_reef_scan_free(reef_scan *scan);

static reef_code met, saved;
static int scanned;                      /* keys given */
static bool scan_open, scan_ends;        /* it has an end; else it fails */
static bool revoked_already, comes_back; /* a touch after the revocation is taken */

reef_scan *__wrap_reef_scan_new(reef_client *client, const reef_scan_options *options,
                                reef_error *error)
{
    (void)client;
    (void)error;
    assert_int_equal(options->match.len, 20);
    assert_memory_equal(options->match.ptr, "reef-demo:", 10);
    assert_memory_equal(options->match.ptr + 18, ":*", 2);
    assert_false(scan_open);
    scan_open = true;
    scanned = 0;
    return (reef_scan *)&scan_open;
}

reef_code __wrap_reef_scan_next(reef_scan *scan, int64_t timeout_ms, reef_str *key,
                                reef_error *error)
{
    static const char *const keys[] = {"k1", "k2", "k3"};
    (void)scan;
    (void)timeout_ms;
    (void)error;
    if (scanned == 3)
        return scan_ends ? REEF_NOT_FOUND : REEF_CONNECT;
    *key = reef_str_of(keys[scanned++]);
    return REEF_OK;
}

void __wrap_reef_scan_free(reef_scan *scan)
{
    assert_non_null(scan);
    assert_true(scan_open);
    scan_open = false;
}

static reef_code answer(reef_code code, reef_error *error)
{
    *error = (reef_error){code, 0, ""};
    if (code != REEF_OK)
        (void)snprintf(error->text, sizeof error->text, "said the fake");
    return code;
}

/* Every client of the tour has the tour's prefix. */
static void is_of_tour(const reef_client *client)
{
    const char *prefix = reef_client_config(client)->key_prefix;
    assert_int_equal(strncmp(prefix, "reef-demo:", 10), 0);
    assert_int_equal(strlen(prefix), 19);
    assert_int_equal(prefix[18], ':');
}

reef_code __wrap_reef_server_info(reef_client *client, int64_t timeout_ms,
                                  reef_server *out, reef_error *error)
{
    (void)timeout_ms;
    is_of_tour(client);
    memset(out, 0, sizeof *out);
    (void)snprintf(out->peer, sizeof out->peer, "the\033peer");
    return answer(met, error);
}

reef_code __wrap_reef_session_save(reef_client *client, const reef_session *s,
                                   int64_t timeout_ms, reef_error *error)
{
    (void)timeout_ms;
    is_of_tour(client);
    assert_true(reef_session_id_valid(s->id));
    return answer(saved, error);
}

static reef_code found(reef_sessions **out, reef_error *error)
{
    return reef_session_decode(
        reef_str_of(revoked_already ? "{\"session_id\":\"" ID "\",\"is_deleted\":true}"
                                    : "{\"session_id\":\"" ID
                                      "\",\"is_deleted\":false}"),
        out, error);
}

reef_code __wrap_reef_session_get(reef_client *client, reef_str id, int64_t timeout_ms,
                                  reef_sessions **out, reef_error *error)
{
    (void)id;
    (void)timeout_ms;
    is_of_tour(client);
    return found(out, error);
}

reef_code __wrap_reef_session_touch(reef_client *client, const reef_session *s,
                                    int64_t timeout_ms, reef_error *error)
{
    (void)s;
    (void)timeout_ms;
    is_of_tour(client);
    return answer(revoked_already && !comes_back ? REEF_CONFLICT : REEF_OK, error);
}

reef_code __wrap_reef_session_list(reef_client *client, reef_str user,
                                   int64_t timeout_ms, reef_sessions **out,
                                   reef_error *error)
{
    (void)timeout_ms;
    is_of_tour(client);
    assert_true(user.len > 0);
    return found(out, error);
}

reef_code __wrap_reef_session_revoke_user(reef_client *client, reef_str user,
                                          size_t *revoked, int64_t timeout_ms,
                                          reef_error *error)
{
    (void)timeout_ms;
    is_of_tour(client);
    assert_true(user.len > 0);
    *revoked = 1;
    revoked_already = true;
    return answer(REEF_OK, error);
}

/* ---- the tours ---------------------------------------------------------------- */

static const script_answer server[] = {
    {"GET", "$5\r\nva\033ue\r\n"},
    {"TTL", ":7200\r\n"},
    {"DEL k2", ":0\r\n"}, /* went by itself */
    {"DEL", ":1\r\n"},
    {NULL, NULL},
};

static int demo_begin(void **state)
{
    int code = cap_begin(state);
    cap_nobody(*state);
    met = saved = REEF_OK;
    scan_ends = true;
    revoked_already = comes_back = false;
    script_begin(server);
    return code;
}

static void swept(void)
{
    cap_has(script_log, "~DEL <k1>\n~DEL <k2>\n~DEL <k3>\n");
    assert_false(scan_open);
}

static void demo_whole(void **state)
{
    cap *c = *state;
    assert_int_equal(cap_run(c, cli_demo_run), CLI_DONE);
    assert_string_equal(c->err, "");
    cap_has(c->out, "\n1. Who answers\n");
    cap_has(c->out, "a server  at the\\x1bpeer, RESP0, ");
    cap_has(c->out, "   va\\x1bue\n   expires in 7200 s\n");
    cap_has(c->out, "   state  live\n");
    cap_has(c->out, "   1 session\n");
    cap_has(c->out, "   revoked 1 session\n");
    cap_has(c->out, "   state  revoked\n");
    cap_has(c->out, "\n9. A late request must not bring it back");
    cap_has(c->out, "said the fake  (exit code 6)\n");
    cap_has(c->out, "\nDone; the 2 keys of this tour are removed again.\n");
    cap_has(c->out, "What to try next\n");
    cap_has_not(c->out, "\033");
    cap_has(script_log, "~GET <reef-demo:");
    cap_has(script_log, ":SessionsByUserId:");
    swept();
}

/* What fails is said once, ends the tour, and leaves nothing behind. */
static void demo_fails(void **state)
{
    cap *c = *state;
    saved = REEF_REFUSED;
    assert_int_equal(cap_run(c, cli_demo_run), CLI_REFUSED);
    assert_string_equal(c->err, "reef: said the fake\n");
    cap_has_not(c->out, "What knot sees");
    cap_has_not(c->out, "Done;");
    cap_has_not(c->out, "What to try next");
    swept();
    cap_again(c);
    saved = REEF_OK;
    comes_back = true;
    scan_ends = false;
    assert_int_equal(cap_run(c, cli_demo_run), CLI_REFUSED);
    assert_string_equal(c->err, "reef: a revoked session was brought back\n");
    cap_has_not(c->out, "What to try next");
}

static void demo_nobody(void **state)
{
    cap *c = *state;
    met = REEF_CONNECT;
    assert_int_equal(cap_run(c, cli_demo_run), CLI_UNREACHED);
    assert_string_equal(c->err, "reef: said the fake\n");
    assert_string_equal(script_log, "");
    cap_again(c);
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(cap_run(c, cli_demo_run), CLI_USAGE);
    assert_string_equal(c->out, "");
    cap_again(c);
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, cli_demo_run), CLI_USAGE);
    cap_has(c->err, "has no --json form");
}

#define DEMO_TEST(test) cmocka_unit_test_setup_teardown(test, demo_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEMO_TEST(demo_whole),
        DEMO_TEST(demo_fails),
        DEMO_TEST(demo_nobody),
    };
    return cmocka_run_group_tests_name("cli_demo", tests, NULL, NULL);
}
