/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes to exit codes, and how a failure is said. */
#include "test/unit/cli_capture.h"

static void fail_exit_codes(void **state)
{
    (void)state;
    static const int expected[] = {
        [REEF_OK] = CLI_DONE,           [REEF_NOT_FOUND] = CLI_NOT_FOUND,
        [REEF_CONFLICT] = CLI_REFUSED,  [REEF_NOMEM] = CLI_INCOMPLETE,
        [REEF_BADARG] = CLI_USAGE,      [REEF_BADCONFIG] = CLI_USAGE,
        [REEF_LIMIT] = CLI_PROTOCOL,    [REEF_DNS] = CLI_DNS,
        [REEF_CONNECT] = CLI_UNREACHED, [REEF_AUTH] = CLI_AUTH,
        [REEF_NOROUTE] = CLI_UNREACHED, [REEF_UNSENT] = CLI_UNREACHED,
        [REEF_UNSURE] = CLI_UNSURE,     [REEF_PROTOCOL] = CLI_PROTOCOL,
        [REEF_REFUSED] = CLI_REFUSED,   [REEF_CORRUPT] = CLI_PROTOCOL,
    };
    for (size_t code = 0; code < sizeof expected / sizeof expected[0]; code++)
        assert_int_equal(cli_exit_of((reef_code)code), expected[code]);
    assert_int_equal(cli_exit_of((reef_code)999), CLI_INCOMPLETE);
}

static int fail_auth(cli_context *ctx)
{
    fputs("before\n", stdout);
    return cli_fail(ctx, REEF_AUTH, "no \033 entry");
}

static int fail_bare(cli_context *ctx)
{
    return cli_fail(ctx, REEF_UNSURE, NULL);
}

static int fail_of_error(cli_context *ctx)
{
    const reef_error error = {REEF_DNS, 0, "no such name"};
    return cli_fail_error(ctx, &error);
}

/* One sentence on stderr, safe for a terminal; stdout is left alone. */
static void fail_sentence(void **state)
{
    cap *c = *state;
    assert_int_equal(cap_run(c, fail_auth), CLI_AUTH);
    assert_string_equal(c->out, "before\n");
    assert_string_equal(c->err, "reef: no \\x1b entry\n");
    assert_int_equal(cap_run(c, fail_bare), CLI_UNSURE);
    assert_string_equal(c->err, "reef: unsure\n");
    assert_int_equal(cap_run(c, fail_of_error), CLI_DNS);
    assert_string_equal(c->err, "reef: no such name\n");
    c->ctx.color_err = true;
    cap_run(c, fail_bare);
    assert_string_equal(c->err, "\033[31mreef:\033[0m unsure\n");
}

static void fail_object(void **state)
{
    cap *c = *state;
    char code[32];
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, fail_auth), CLI_AUTH);
    (void)snprintf(code, sizeof code, "%s", reef_code_name(REEF_AUTH));
    cap_has(c->out, "before\n{\"error\":\"no \\u001b entry\",\"code\":\"");
    cap_has(c->out, code);
    cap_has(c->out, "\",\"exit\":5}\n");
    assert_string_equal(c->err, "reef: no \\x1b entry\n");
}

static int fail_begin(cli_context *ctx)
{
    return cli_fail_begin(ctx, REEF_DNS, "");
}

/* What is begun the caller ends. */
static void fail_begun(void **state)
{
    cap *c = *state;
    char said[64];
    assert_int_equal(cap_run(c, fail_begin), CLI_DNS);
    (void)snprintf(said, sizeof said, "reef: %s\n", reef_code_name(REEF_DNS));
    assert_string_equal(c->err, said);
    assert_string_equal(c->out, "");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, fail_begin), CLI_DNS);
    assert_string_equal(c->err, said);
    (void)snprintf(said, sizeof said, "{\"error\":\"%s\",\"code\":\"%s\"",
                   reef_code_name(REEF_DNS), reef_code_name(REEF_DNS));
    assert_string_equal(c->out, said);
}

static int fail_settings(cli_context *ctx)
{
    const reef_error error = {REEF_BADCONFIG, 0, "k.toml:1:2: odd"};
    reef_finding *f = &ctx->report.findings[0];
    ctx->report.errors = ctx->report.count = 1;
    (void)snprintf(f->text, sizeof f->text, "%s", error.text);
    f->place_len = (uint32_t)strlen("k.toml:1:2: ");
    return cli_fail_settings(ctx, &error);
}

/* Settings: all that was found, without "reef:" before it. */
static void fail_of_settings(void **state)
{
    cap *c = *state;
    assert_int_equal(cap_run(c, fail_settings), CLI_USAGE);
    assert_string_equal(c->out, "");
    assert_string_equal(c->err, "k.toml:1:2: error: odd\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, fail_settings), CLI_USAGE);
    assert_string_equal(c->out, "{\"error\":\"k.toml:1:2: odd\",\"code\":\"bad "
                                "configuration\",\"exit\":2}\n");
    assert_string_equal(c->err, "k.toml:1:2: error: odd\n");
}

static int fail_usage(cli_context *ctx)
{
    return cli_usage(ctx, "no ", ctx->args[0], "; see help");
}

static int fail_usage_alone(cli_context *ctx)
{
    return cli_usage(ctx, "100% wrong", NULL, NULL);
}

/* However long the word is, the advice behind it stays. */
static void fail_usages(void **state)
{
    cap *c = *state;
    char word[700];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    cap_args(c, word);
    assert_int_equal(cap_run(c, fail_usage), CLI_USAGE);
    assert_int_equal(strlen(c->err), strlen("reef: no ''; see help\n") + 200);
    cap_has(c->err, "ww'; see help\n");
    cap_set(c, CLI_OPT_JSON, "");
    assert_int_equal(cap_run(c, fail_usage_alone), CLI_USAGE);
    assert_string_equal(c->err, "reef: 100% wrong\n");
    assert_string_equal(c->out,
                        "{\"error\":\"100% wrong\",\"code\":\"usage\",\"exit\":2}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_exit_codes),
        CAP_TEST(fail_sentence),
        CAP_TEST(fail_object),
        CAP_TEST(fail_begun),
        CAP_TEST(fail_of_settings),
        CAP_TEST(fail_usages),
    };
    return cmocka_run_group_tests_name("cli_fail", tests, NULL, NULL);
}
