/* SPDX-License-Identifier: Apache-2.0
 *
 * One session on paper, and one from standard input. */
#include "test/unit/cli_capture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ID "Zm9vYmFyLWJhei1xdXV4LWNvcmdlLWdyYXVsdC13YWw="
#define JSON                                                                           \
    "{\"session_id\":\"" ID "\",\"ip\":\"::1\",\"user_id\":\"ann\",\"user_agent\":"    \
    "\"x\",\"expires_after\":\"2100-01-01T00:00:00Z\",\"updated_at\":1024,"            \
    "\"is_deleted\":false}"

static reef_session shown;
static bool shown_with_user;

static int print_block(cli_context *ctx)
{
    cli_session_print(ctx, &shown);
    return CLI_DONE;
}

static int print_row(cli_context *ctx)
{
    cli_session_heading(ctx, shown_with_user);
    cli_session_row(ctx, &shown, shown_with_user);
    return CLI_DONE;
}

static int print_json(cli_context *ctx)
{
    return cli_session_json(ctx, &shown);
}

static void record_ann(void)
{
    shown = (reef_session){0};
    shown.id = reef_str_of(ID);
    shown.ip = reef_str_of("::1");
    shown.user_id = reef_str_of("ann");
    shown.user_agent = reef_str_of("x\033[2J");
    shown.updated_at = 1024;
    shown.expires_after_ns = INT64_C(4102444800000000000);
}

static void record_block(void **state)
{
    cap *c = *state;
    record_ann();
    cap_run(c, print_block);
    cap_has(c->out, "id       " ID "\nuser     ann\nip       ::1\n"
                    "agent    x\\x1b[2J\nstate    live\n"
                    "expires  2100-01-01T00:00:00Z (");
    cap_has(c->out, "h)\nupdated  2025-01-01T00:00:00Z (1024)\n");
    shown.expires_after_ns = 1000000000;
    cap_run(c, print_block);
    cap_has(c->out, "state    expired\nexpires  1970-01-01T00:00:01Z (-");
    shown.expires_after_ns = INT64_MIN;
    shown.is_deleted = true;
    cap_run(c, print_block);
    cap_has(c->out, "state    revoked\nexpires  never set\n");
}

/* Cells stand under their heading, with a user's column or without. */
static void record_rows(void **state)
{
    cap *c = *state;
    record_ann();
    shown_with_user = true;
    cap_run(c, print_row);
    const char *row = strchr(c->out, '\n') + 1;
    ptrdiff_t user = strstr(c->out, "USER") - c->out;
    ptrdiff_t agent = strstr(c->out, "AGENT") - c->out;
    assert_int_equal(strncmp(row, ID "  ann ", 50), 0);
    assert_int_equal(strncmp(row + user, "ann ", 4), 0);
    assert_string_equal(row + agent, "x\\x1b[2J\n");
    shown_with_user = false;
    shown.is_deleted = true;
    shown.user_agent.len = 0;
    shown.expires_after_ns = 0;
    cap_run(c, print_row);
    cap_has_not(c->out, "USER");
    assert_string_equal(strchr(c->out, '\n') + 1, ID "  revoked  never set  ::1\n");
}

/* How long it lives, in its two largest units. */
static void record_spans(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{2 * 86400 + 3 * 3600 + 1800, "  2d3h "},
                 {3600 + 59 * 60 + 30, "  1h59m "},
                 {-(86400 + 1800), "  -1d0h "},
                 {-(3600 + 1800), "  -1h30m "}};
    cap *c = *state;
    shown_with_user = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        record_ann();
        shown.expires_after_ns = reef_unix_ns() + cases[i].seconds * 1000000000;
        cap_run(c, print_row);
        cap_has(c->out, cases[i].text);
        cap_has(c->out, cases[i].seconds < 0 ? "  expired  " : "  live     ");
    }
}

static void record_json(void **state)
{
    cap *c = *state;
    record_ann();
    shown.user_agent = reef_str_of("x");
    assert_int_equal(cap_run(c, print_json), CLI_DONE);
    assert_string_equal(c->out, JSON "\n");
}

/* ---- from standard input ------------------------------------------------------ */

static reef_sessions *read_list;
static reef_session read_out;

static int record_read(cli_context *ctx)
{
    return cli_session_read(ctx, &read_list, &read_out);
}

static int reads(cap *c, const char *bytes, size_t len)
{
    read_list = NULL;
    cap_input(c, bytes, len);
    return cap_run(c, record_read);
}

static void record_input(void **state)
{
    cap *c = *state;
    assert_int_equal(reads(c, JSON "\n", sizeof JSON), CLI_DONE);
    assert_true(reef_str_equal(read_out.id, reef_str_of(ID)));
    assert_true(reef_str_equal(read_out.user_id, reef_str_of("ann")));
    assert_true(read_out.expires_after_ns == INT64_C(4102444800000000000));
    assert_int_equal(read_out.updated_at, 1024);
    reef_sessions_free(read_list);
}

static void record_bad_input(void **state)
{
    cap *c = *state;
    assert_int_equal(reads(c, "", 0), CLI_PROTOCOL);
    assert_null(read_list);
    assert_int_equal(reads(c, "{\"session_id\":}", 15), CLI_PROTOCOL);
    assert_null(read_list);
    assert_int_equal(reads(c, "null", 4), CLI_PROTOCOL);
    assert_null(read_list);
    assert_int_equal(strncmp(c->err, "reef: ", 6), 0);
    cap_input(c, "", 0);
    int fd = open("/dev/null", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, 0), 0);
    close(fd);
    assert_int_equal(cap_run(c, record_read), CLI_USAGE);
    cap_has(c->err, "standard input can't be read");
}

/* A record of REEF_RECORD_MAX bytes is read, one byte more is not. */
static void record_large_input(void **state)
{
    cap *c = *state;
    size_t len = REEF_RECORD_MAX;
    char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    memset(bytes, ' ', len + 1);
    memcpy(bytes, JSON, sizeof JSON - 1);
    assert_int_equal(reads(c, bytes, len), CLI_DONE);
    reef_sessions_free(read_list);
    assert_int_equal(reads(c, bytes, len + 1), CLI_PROTOCOL);
    assert_null(read_list);
    cap_has(c->err, "over 1 MiB");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(record_block),       CAP_TEST(record_rows),
        CAP_TEST(record_spans),       CAP_TEST(record_json),
        CAP_TEST(record_input),       CAP_TEST(record_bad_input),
        CAP_TEST(record_large_input),
    };
    return cmocka_run_group_tests_name("cli_record", tests, NULL, NULL);
}
