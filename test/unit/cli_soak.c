/* SPDX-License-Identifier: Apache-2.0
 *
 * reef soak as a whole on a server of the test's own: its options, a run, and that
 * nothing begins where the server can't be used. The fake of cli_soak_fake.h stands
 * behind __wrap_reef_session_save, __wrap_reef_session_get, __wrap_reef_session_touch,
 * __wrap_reef_session_delete, __wrap_reef_call, __wrap_reef_server_info and
 * __wrap_reef_client_next_event. */
#include "test/unit/cli_soak_fake.h"

static int soak_begin(void **state)
{
    fake_begin(FAKE_HONEST, 1);
    int code = cap_begin(state);
    cap_settings(*state, "[server.redis]\nenabled = true\nhosts = [\"127.0.0.1:1\"]\n");
    cap_set(*state, CLI_OPT_SECONDS, "1");
    cap_set(*state, CLI_OPT_THREADS, "4");
    cap_set(*state, CLI_OPT_RATE, "1000");
    return code;
}

static void soak_whole(void **state)
{
    cap *c = *state;
    assert_int_equal(cap_run(c, cli_soak_run), CLI_DONE);
    cap_has(c->out, "soak of 1 s with 4 threads, 1000 calls a second, on a server at "
                    "the\\x1bpeer; all keys begin with reef-soak:");
    cap_has(c->out, "good: nothing was wrong\n");
    assert_string_equal(c->err, "");
    assert_int_equal(strncmp(fake.key, "reef-soak:", 10), 0);
    assert_int_equal(strncmp(fake.key + 18, ":Counter:", 9), 0);
    assert_true(fake.count > 8);
    for (size_t i = 0; i < fake.count; i++)
        assert_false(fake.sessions[i].there);
    for (size_t i = 0; i < FAKE_COUNTERS; i++)
        assert_false(fake.counters[i].there);
}

/* Behind the configured prefix; one object as output; a lie as exit code. */
static void soak_lied_to(void **state)
{
    cap *c = *state;
    cap_settings(c, "[server.redis]\nenabled = true\nkey_prefix = \"knot\"\n");
    cap_set(c, CLI_OPT_JSON, "");
    fake_begin(FAKE_TWICE, 2);
    assert_int_equal(cap_run(c, cli_soak_run), CLI_PROTOCOL);
    assert_int_equal(strncmp(c->out, "{\"seconds\":", 11), 0);
    cap_has(c->out, "\"threads\":4,\"rate\":1000,");
    cap_has(c->out, "\"wrong_caller\":0,\"missing_writes\":0,\"ran_twice\":");
    cap_has_not(c->out, "\"ran_twice\":0");
    cap_has(c->out, ",\"exit\":8}\n");
    assert_string_equal(c->err, "");
    assert_int_equal(strncmp(fake.key, "knot:reef-soak:", 15), 0);
}

static void soak_unusable(void **state)
{
    cap *c = *state;
    fake.met = REEF_AUTH;
    assert_int_equal(cap_run(c, cli_soak_run), CLI_AUTH);
    assert_string_equal(c->err, "reef: said the fake\n");
    assert_string_equal(c->out, "");
    cap_again(c);
    fake_begin(FAKE_HONEST, 1);
    cap_settings(c, "[server.redis]\ndb = -1\n");
    assert_int_equal(cap_run(c, cli_soak_run), CLI_USAGE);
    assert_int_equal(fake.count, 0);
}

static void soak_options(void **state)
{
    static const struct {
        cli_opt opt;
        const char *value, *says;
    } cases[] = {
        {CLI_OPT_SECONDS, "0", "--seconds '0' is no number from 1 to 86400"},
        {CLI_OPT_SECONDS, "86401", "--seconds '86401' is no number"},
        {CLI_OPT_SECONDS, "10s", "--seconds '10s' is no number"},
        {CLI_OPT_THREADS, "0", "--threads '0' is no number from 1 to 256"},
        {CLI_OPT_THREADS, "257", "--threads '257' is no number"},
        {CLI_OPT_RATE, "-1", "--rate '-1' is no number from 0 to 1000000"},
        {CLI_OPT_RATE, "1000001", "--rate '1000001' is no number"},
        {CLI_OPT_RATE, "", "--rate '' is no number"},
    };
    cap *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cap_again(c);
        cap_set(c, cases[i].opt, cases[i].value);
        assert_int_equal(cap_run(c, cli_soak_run), CLI_USAGE);
        cap_has(c->err, cases[i].says);
        assert_string_equal(c->out, "");
    }
}

#define SOAK_TEST(test) cmocka_unit_test_setup_teardown(test, soak_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOAK_TEST(soak_whole),
        SOAK_TEST(soak_lied_to),
        SOAK_TEST(soak_unusable),
        SOAK_TEST(soak_options),
    };
    return cmocka_run_group_tests_name("cli_soak", tests, NULL, NULL);
}
