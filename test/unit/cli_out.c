/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be shown as it is and what not; times, colours, texts put together; and a
 * stdout that does not take what is written. */
#include "test/unit/cli_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void put(void (*how)(FILE *, reef_str), reef_str text, const char *expected)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    how(out, text);
    assert_string_equal(cap_file(out), expected);
}

static void out_texts(void **state)
{
    (void)state;
    put(cli_put_text, reef_str_of(""), "");
    put(cli_put_text, reef_str_of("a \"b\" \\ \xC3\xA9"), "a \"b\" \\ \xC3\xA9");
    put(cli_put_text, reef_str_of("\n\r\t\033[0m\x7F"), "\\n\\r\\t\\x1b[0m\\x7f");
    put(cli_put_text, (reef_str){"a\0b", 3}, "a\\x00b");
    put(cli_put_text, reef_str_of("\xFFz\xC3"), "\\xffz\\xc3");
    put(cli_put_quoted, reef_str_of("a\"\\"), "\"a\\\"\\\\\"");
    put(cli_put_json, reef_str_of("\"\x01\xFF\xC2\x80"),
        "\"\\\"\\u0001\\ufffd\\u0080\"");
    put(cli_put_json_text, reef_str_of("{\"a\":\"\033\"}"), "{\"a\":\"\\u001b\"}");
}

/* Marks that reorder or hide text, the first and the last of each range, and their
 * neighbours that stay. */
static void out_marks(void **state)
{
    (void)state;
    put(cli_put_text, reef_str_of("\xC2\x80\xC2\x9F"), "\\x80\\x9f");
    put(cli_put_text, reef_str_of("\xC2\xA0"), "\xC2\xA0");
    put(cli_put_text, reef_str_of("\xD8\x9C\xEF\xBB\xBF"), "\\u061c\\ufeff");
    put(cli_put_text, reef_str_of("\xE2\x80\x8B\xE2\x80\x8F"), "\\u200b\\u200f");
    put(cli_put_text, reef_str_of("\xE2\x80\xA8\xE2\x80\xAE"), "\\u2028\\u202e");
    put(cli_put_text, reef_str_of("\xE2\x81\xA0\xE2\x81\xA9"), "\\u2060\\u2069");
    put(cli_put_text, reef_str_of("\xF3\xA0\x81\xA1"), "\\u{e0061}");
    put(cli_put_json, reef_str_of("\xF3\xA0\x81\xA1"), "\"\\udb40\\udc61\"");
    put(cli_put_text, reef_str_of("\xE2\x80\x8A\xE2\x80\x90\xE2\x80\xAF"),
        "\xE2\x80\x8A\xE2\x80\x90\xE2\x80\xAF");
}

static void time_is(int64_t unix_ns, const char *expected)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    cli_put_time(out, unix_ns);
    assert_string_equal(cap_file(out), expected);
}

static void out_times(void **state)
{
    (void)state;
    time_is(0, "1970-01-01T00:00:00Z");
    time_is(INT64_C(1735689600999999999), "2025-01-01T00:00:00Z");
    time_is(-1, "1969-12-31T23:59:59Z");
    time_is(-1000000000, "1969-12-31T23:59:59Z");
    time_is(INT64_MAX, "2262-04-11T23:47:16Z");
    time_is(INT64_MIN, "1677-09-21T00:12:43Z");
}

static void colored_is(bool on, cli_color color, const char *expected)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    cli_put_colored(out, on, color, "x");
    assert_string_equal(cap_file(out), expected);
}

static void out_colors(void **state)
{
    (void)state;
    colored_is(false, CLI_RED, "x");
    colored_is(true, CLI_PLAIN, "x");
    colored_is(true, CLI_BOLD, "\033[1mx\033[0m");
    colored_is(true, CLI_YELLOW, "\033[33mx\033[0m");
}

static void span_is(bool on, cli_color color, const char *text, const char *expected)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    cli_put_span(out, on, color, reef_str_of(text));
    assert_string_equal(cap_file(out), expected);
}

static void out_spans(void **state)
{
    (void)state;
    span_is(false, CLI_RED, "a\033b", "a\\x1bb");
    span_is(true, CLI_PLAIN, "a\033b", "a\\x1bb");
    span_is(true, CLI_GREEN, "a\033b", "\033[32ma\\x1bb\033[0m");
    span_is(true, CLI_GREEN, "", "");
}

static void out_join(void **state)
{
    (void)state;
    char text[8];
    cli_join(text, sizeof text, "ab", "", "cd");
    assert_string_equal(text, "abcd");
    cli_join(text, sizeof text, "abc", "def", "ghi");
    assert_string_equal(text, "abcdefg");
    text[1] = 'z';
    cli_join(text, 1, "a", "b", "c");
    assert_string_equal(text, "");
    assert_int_equal(text[1], 'z');
}

static void out_origins(void **state)
{
    (void)state;
    char text[64];
    reef_config config;
    reef_config_init(&config);
    cli_origin_text(&config, REEF_SET_DB, text, sizeof text);
    assert_string_equal(text, "default");
    config.origins[REEF_SET_DB] = (reef_origin){REEF_FROM_ENV, 0, 0};
    cli_origin_text(&config, REEF_SET_DB, text, sizeof text);
    assert_string_equal(text, "KNOT_REDIS_DB");
    config.origins[REEF_SET_DB] = (reef_origin){REEF_FROM_FILE, 4, 11};
    (void)snprintf(config.file, sizeof config.file, "knot.toml");
    cli_origin_text(&config, REEF_SET_DB, text, sizeof text);
    assert_string_equal(text, "knot.toml:4:11");
    cli_origin_text(&config, REEF_SET_DB, text, 6);
    assert_string_equal(text, "knot.");
}

/* ---- stdout's own errors ------------------------------------------------------ */

static void out_good(void **state)
{
    cap *c = *state;
    assert_true(cli_flush(&c->ctx));
    assert_int_equal(cli_finish(&c->ctx, CLI_NOT_FOUND), CLI_NOT_FOUND);
    assert_int_equal(cli_finish(&c->ctx, CLI_DONE), CLI_DONE);
    c->ctx.write_errno = EIO; /* of an earlier flush */
    assert_false(cli_flush(&c->ctx));
}

/* Writes "x" where stdout is `fd`; what cli_finish makes of two codes. */
static void finish_on(cap *c, int fd, int done, int unsure)
{
    cap_catch(c);
    (void)dup2(fd, 1);
    close(fd);
    fputc('x', stdout);
    int first = cli_finish(&c->ctx, CLI_DONE);
    int second = cli_finish(&c->ctx, CLI_UNSURE);
    (void)fflush(stdout);
    clearerr(stdout);
    cap_release(c);
    assert_int_equal(first, done);
    assert_int_equal(second, unsure);
}

static void out_not_written(void **state)
{
    cap *c = *state;
    int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    finish_on(c, fd, CLI_INCOMPLETE, CLI_UNSURE);
    assert_int_equal(c->ctx.write_errno, EBADF);
    cap_has(c->err, "reef: the output could not be written: ");
}

/* Nobody waits for it any more: no words about it. */
static void out_reader_went(void **state)
{
    cap *c = *state;
    int ends[2];
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGPIPE, &ignore, NULL), 0);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    finish_on(c, ends[1], CLI_DONE, CLI_UNSURE);
    assert_int_equal(c->ctx.write_errno, EPIPE);
    assert_string_equal(c->err, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_texts),   cmocka_unit_test(out_marks),
        cmocka_unit_test(out_times),   cmocka_unit_test(out_colors),
        cmocka_unit_test(out_spans),   cmocka_unit_test(out_join),
        cmocka_unit_test(out_origins), CAP_TEST(out_good),
        CAP_TEST(out_not_written),     CAP_TEST(out_reader_went),
    };
    return cmocka_run_group_tests_name("cli_out", tests, NULL, NULL);
}
