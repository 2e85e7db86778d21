/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line taken apart. */
#include "test/unit/cli_capture.h"

#define ID "-m9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="

static int options_of_line(cli_context *ctx)
{
    int argc = ctx->arg_count;
    char **argv = ctx->args;
    ctx->arg_count = 0;
    return cli_options_read(ctx, argc, argv);
}

/* "reef " and the line; its exit code. */
static int reads(cap *c, const char *line)
{
    char whole[1024];
    cap_again(c);
    (void)snprintf(whole, sizeof whole, "reef %s", line);
    cap_args(c, whole);
    return cap_run(c, options_of_line);
}

static void takes(cap *c, const char *line, const char *command, int args)
{
    if (reads(c, line) != CLI_DONE)
        fail_msg("%s: %s", line, c->err);
    assert_string_equal(c->ctx.command->name, command);
    assert_int_equal(c->ctx.arg_count, args);
    assert_string_equal(c->err, "");
}

static void refuses(cap *c, const char *line, const char *part)
{
    assert_int_equal(reads(c, line), CLI_USAGE);
    cap_has(c->err, part);
    assert_string_equal(c->out, "");
}

static void options_anywhere(void **state)
{
    cap *c = *state;
    takes(c, "--json check", "check", 0);
    assert_true(cli_has(&c->ctx, CLI_OPT_JSON));
    assert_false(cli_has(&c->ctx, CLI_OPT_ALL));
    takes(c, "session --all list -c f --timeout 2s", "session list", 0);
    assert_true(cli_has(&c->ctx, CLI_OPT_ALL));
    assert_string_equal(c->ctx.values[CLI_OPT_CONFIG], "f");
    assert_int_equal(c->ctx.timeout_ms, 2000);
    takes(c, "-cf check", "check", 0);
    assert_string_equal(c->ctx.values[CLI_OPT_CONFIG], "f");
    takes(c, "--config=a=b check --config=", "check", 0);
    assert_string_equal(c->ctx.values[CLI_OPT_CONFIG], "");
    takes(c, "slot a --json b", "slot", 2);
    assert_string_equal(c->ctx.args[0], "a");
    assert_string_equal(c->ctx.args[1], "b");
}

/* "--", the first argument of call, "-" alone, and an id that begins with "-". */
static void options_end(void **state)
{
    cap *c = *state;
    takes(c, "slot -- --json -x --", "slot", 3);
    assert_false(cli_has(&c->ctx, CLI_OPT_JSON));
    assert_string_equal(c->ctx.args[2], "--");
    takes(c, "call --raw SET --json -c", "call", 3);
    assert_true(cli_has(&c->ctx, CLI_OPT_RAW));
    assert_false(cli_has(&c->ctx, CLI_OPT_JSON));
    assert_string_equal(c->ctx.args[2], "-c");
    takes(c, "slot -", "slot", 1);
    takes(c, "session get " ID, "session get", 1);
    assert_string_equal(c->ctx.args[0], ID);
    refuses(c, ID " session get", "there is no option '-m9v");
}

static void options_words(void **state)
{
    cap *c = *state;
    refuses(c, "", "no command was given");
    refuses(c, "session", "a word is missing after 'session'");
    refuses(c, "chek", "there is no command 'chek'; did you mean check?");
    refuses(c, "session lst", "no command session 'lst'; did you mean session list?");
    refuses(c, "session zzzzzz", "; see reef session --help");
    refuses(c, "zzzzzz", "'zzzzzz'; see reef --help");
    refuses(c, "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
            "too long a name");
    refuses(c, "check more", "'more' is one argument too many");
    refuses(c, "slot", "reef slot needs KEY...");
    cap_args(c, ""); /* not even a name of its own */
    assert_int_equal(cap_run(c, options_of_line), CLI_USAGE);
}

static void options_unknown(void **state)
{
    cap *c = *state;
    refuses(c, "--jsn check", "'--jsn'; did you mean --json?");
    refuses(c, "--qqqqqq check", "'--qqqqqq'; see reef --help");
    refuses(c, "-x check", "there is no option '-x'");
    refuses(c, "--json=1 check", "'--json=1' takes no value");
    refuses(c, "check --timeout", "'--timeout' needs a value");
    refuses(c, "check -c", "'-c' needs a value");
    refuses(c, "check --user u", "reef check takes no option --user");
}

static void options_durations(void **state)
{
    static const struct {
        const char *line;
        int64_t ms;
    } good[] = {{"check --timeout 1ms", 1},
                {"check --timeout 500ms", 500},
                {"check --timeout 1m", 60000},
                {"check --timeout 86400s", 86400000},
                {"check --timeout 1440m", 86400000}};
    static const char *const bad[] = {
        "5",      "0s",   "-1s",   "1h",  "s",
        "86401s", "1.5s", "1441m", "1 s", "18446744073709551617ms"};
    cap *c = *state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        takes(c, good[i].line, "check", 0);
        assert_int_equal(c->ctx.timeout_ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "--timeout=%s check", bad[i]);
        assert_int_equal(reads(c, line), CLI_USAGE);
    }
}

static void options_values(void **state)
{
    cap *c = *state;
    takes(c, "call --key 1048576 GET", "call", 1);
    refuses(c, "call --key 1048577 GET", "--key '1048577' is no argument's number");
    refuses(c, "call --key 0 GET", "--key '0' is no");
    refuses(c, "call --key 1x GET", "--key '1x' is no");
    takes(c, "call --key 1,2 --key 3 GET", "call", 1);
    assert_int_equal(c->ctx.key_count, 2);
    assert_string_equal(c->ctx.keys[0], "1,2");
    assert_string_equal(c->ctx.keys[1], "3");
    refuses(c, "call --key 1, GET", "--key '1,' is no");
    refuses(c, "call --key ,1 GET", "--key ',1' is no");
    refuses(c, "call --key 1,,2 GET", "--key '1,,2' is no");
    refuses(c, "call --key 1,0 --key 2 GET", "--key '1,0' is no");
    char line[1024] = "call";
    for (int i = 0; i <= CLI_KEYS_MAX; i++)
        (void)snprintf(line + strlen(line), sizeof line - strlen(line), " --key 1");
    refuses(c, line, "--key '1' is one too many; write several as --key 1,2,3");
    takes(c, "resp --proto 2", "resp", 0);
    refuses(c, "resp --proto 4", "--proto '4' is not 2 or 3");
}

/* The one option that adds up. */
static void options_repeated(void **state)
{
    cap *c = *state;
    char line[256] = "srv a";
    takes(c, line, "srv", 1);
    assert_int_equal(c->ctx.nameserver_count, 0);
    for (uint32_t i = 1; i <= REEF_NAMESERVERS_MAX; i++) {
        size_t len = strlen(line);
        (void)snprintf(line + len, sizeof line - len, " --nameserver=10.0.0.%u", i);
        takes(c, line, "srv", 1);
        assert_int_equal(c->ctx.nameserver_count, i);
    }
    assert_string_equal(c->ctx.nameservers[0], "10.0.0.1");
    assert_string_equal(c->ctx.nameservers[REEF_NAMESERVERS_MAX - 1], "10.0.0.8");
    size_t len = strlen(line);
    (void)snprintf(line + len, sizeof line - len, " --nameserver=x");
    refuses(c, line, "--nameserver 'x' is one too many; 8 can be asked");
    takes(c, "--nameserver=10.0.0.9 srv srv+a", "srv", 1);
    assert_string_equal(c->ctx.nameservers[0], "10.0.0.9");
    refuses(c, "srv", "reef srv needs NAME");
    refuses(c, "srv a b", "'b' is one argument too many");
    refuses(c, "srv a --nameserver", "'--nameserver' needs a value");
    refuses(c, "check --nameserver 10.0.0.1", "reef check takes no option");
}

/* Nothing else is judged where help or the version is asked for. */
static void options_help(void **state)
{
    cap *c = *state;
    assert_int_equal(reads(c, "-h"), CLI_DONE);
    assert_null(c->ctx.command);
    assert_int_equal(reads(c, "slot --help"), CLI_DONE);
    assert_string_equal(c->ctx.command->name, "slot");
    assert_int_equal(reads(c, "session -h"), CLI_DONE);
    assert_int_equal(c->ctx.arg_count, 1);
    assert_string_equal(c->ctx.args[0], "session");
    assert_int_equal(reads(c, "--version check more"), CLI_DONE);
}

static void options_numbers(void **state)
{
    (void)state;
    uint64_t n = 7;
    assert_true(cli_number(reef_str_of("0"), 0, &n));
    assert_int_equal(n, 0);
    assert_true(cli_number(reef_str_of("0099"), 99, &n));
    assert_int_equal(n, 99);
    assert_false(cli_number(reef_str_of("100"), 99, &n));
    assert_true(cli_number(reef_str_of("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_false(cli_number(reef_str_of("18446744073709551616"), UINT64_MAX, &n));
    assert_false(cli_number(reef_str_of(""), 9, &n));
    assert_false(cli_number(reef_str_of("+1"), 9, &n));
    assert_false(cli_number(reef_str_of("1 "), 9, &n));
}

/* The table's order is that of the enum. */
static void options_table(void **state)
{
    (void)state;
    assert_string_equal(cli_options[CLI_OPT_CONFIG].name, "config");
    assert_int_equal(cli_options[CLI_OPT_HELP].letter, 'h');
    for (int i = 0; i < CLI_OPTS; i++) {
        assert_true(strlen(cli_options[i].name) > 1);
        assert_true(strlen(cli_options[i].help) > 1);
    }
    assert_int_equal(cli_common_options(), 0x3F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(options_anywhere),        CAP_TEST(options_end),
        CAP_TEST(options_words),           CAP_TEST(options_unknown),
        CAP_TEST(options_durations),       CAP_TEST(options_values),
        CAP_TEST(options_repeated),        CAP_TEST(options_help),
        cmocka_unit_test(options_numbers), cmocka_unit_test(options_table),
    };
    return cmocka_run_group_tests_name("cli_options", tests, NULL, NULL);
}
