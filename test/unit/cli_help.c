/* SPDX-License-Identifier: Apache-2.0
 *
 * Help from the tables, and the nearest name. */
#include "test/unit/cli_capture.h"

static const char *main_help(cap *c)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(cli_help_main(out, &c->ctx), CLI_DONE);
    return cap_file(out);
}

static void help_overview(void **state)
{
    cap *c = *state;
    const char *text = main_help(c);
    for (size_t i = 0; i < cli_command_count; i++) {
        cap_has(text, cli_commands[i].name);
        cap_has(text, cli_commands[i].summary);
    }
    cap_has(text, "\n  -c, --config FILE   the knot.toml to read\n");
    cap_has(text, "\n      --json          machine-readable output\n");
    cap_has_not(text, "--proto");
    cap_has(text, "9 incomplete");
    cap_has_not(text, "\033");
    c->ctx.color_err = true;
    cap_has(main_help(c), "\033[1mExit codes\033[0m\n");
}

static const char *command_help(cap *c, const char *name)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(cli_help_command(out, &c->ctx, cli_command_find(name)), CLI_DONE);
    return cap_file(out);
}

/* Its own options beside the common ones; the settings with `config` alone. */
static void help_of_one(void **state)
{
    cap *c = *state;
    const char *text = command_help(c, "call");
    assert_ptr_equal(strstr(text, "reef call: send one command, print the reply\n\n"
                                  "Usage: reef call ARG...\n\n"),
                     text);
    cap_has(text, "--key N");
    cap_has(text, "--json");
    cap_has_not(text, "--user");
    cap_has_not(text, "KNOT_REDIS_DB");
    text = command_help(c, "config");
    cap_has(text, "Usage: reef config [--table]\n");
    cap_has(text, "KNOT_REDIS_DB");
    text = command_help(c, "srv");
    cap_has(text, "Usage: reef srv NAME [--nameserver IP]...\n");
    cap_has(text, "\n      --nameserver IP ask it: ");
}

static void help_of_group(void **state)
{
    cap *c = *state;
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_false(cli_help_group(out, &c->ctx, "sess"));
    assert_false(cli_help_group(out, &c->ctx, "slot"));
    assert_false(cli_help_group(out, &c->ctx, "nothing"));
    assert_int_equal(ftell(out), 0);
    assert_true(cli_help_group(out, &c->ctx, "session"));
    const char *text = cap_file(out);
    cap_has(text, "Usage: reef session COMMAND");
    cap_has(text, "reef session revoke --user U\n");
    cap_has_not(text, "hash slot");
}

static void help_run(void **state)
{
    cap *c = *state;
    cap_args(c, "");
    assert_int_equal(cap_run(c, cli_help_run), CLI_DONE);
    cap_has(c->out, "Exit codes");
    cap_args(c, "session list");
    assert_int_equal(cap_run(c, cli_help_run), CLI_DONE);
    cap_has(c->out, "reef session list: ");
    cap_args(c, "session");
    assert_int_equal(cap_run(c, cli_help_run), CLI_DONE);
    cap_has(c->out, "reef session COMMAND");
    cap_args(c, "session nothing");
    assert_int_equal(cap_run(c, cli_help_run), CLI_USAGE);
    assert_string_equal(c->out, "");
    cap_has(c->err, "there is no command 'session nothing'; see reef --help");
}

static void near(const char *group, const char *word, const char *expected)
{
    const char *got = cli_nearest_command(group, word);
    if (expected == NULL)
        assert_null(got);
    else
        assert_string_equal(got != NULL ? got : "(none)", expected);
}

static void help_nearest_command(void **state)
{
    (void)state;
    near(NULL, "chekc", "check");  /* swapped */
    near(NULL, "hceckx", "check"); /* swapped, and one too many */
    near(NULL, "CHEKC", "check");  /* in another case */
    near(NULL, "confg", "config"); /* one is missing */
    near(NULL, "slots", "slot");   /* one too many */
    near(NULL, "svr", "srv");
    near(NULL, "de", "demo"); /* how it begins */
    near(NULL, "sessoin", "session");
    near(NULL, "revoke", "session revoke");
    near(NULL, "xyzzyx", NULL);
    near(NULL, "", NULL);
    near(NULL, "checkcheckcheckcheckcheck", NULL); /* longer than any */
    near("session", "lst", "session list");
    near("session", "gte", "session get");
    near("session", "check", NULL);
}

static void help_nearest_option(void **state)
{
    (void)state;
    assert_string_equal(cli_nearest_option("--jsno"), "json");
    assert_string_equal(cli_nearest_option("repeat"), "repeatable");
    assert_null(cli_nearest_option("--"));
    assert_null(cli_nearest_option(""));
    assert_null(cli_nearest_option("-x"));
    assert_null(cli_nearest_option("--nothing-like-it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(help_overview),
        CAP_TEST(help_of_one),
        CAP_TEST(help_of_group),
        CAP_TEST(help_run),
        cmocka_unit_test(help_nearest_command),
        cmocka_unit_test(help_nearest_option),
    };
    return cmocka_run_group_tests_name("cli_help", tests, NULL, NULL);
}
