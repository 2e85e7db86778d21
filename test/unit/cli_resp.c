/* SPDX-License-Identifier: Apache-2.0
 *
 * reef resp: whole values, a bad byte, an end inside a value, both protocols. */
#include "test/unit/cli_capture.h"

#include <fcntl.h>
#include <unistd.h>

static int decode(cap *c, const char *bytes)
{
    cap_input(c, bytes, strlen(bytes));
    return cap_run(c, cli_resp_run);
}

static void resp_values(void **state)
{
    cap *c = *state;
    assert_int_equal(decode(c, ""), CLI_DONE);
    assert_string_equal(c->out, "");
    assert_int_equal(decode(c, "+OK\r\n>1\r\n+p\r\n%1\r\n+a\r\n:1\r\n"), CLI_DONE);
    assert_string_equal(c->out,
                        "{\"t\":\"simple\",\"v\":\"OK\"}\n"
                        "{\"t\":\"push\",\"v\":[{\"t\":\"simple\",\"v\":\"p\"}]}\n"
                        "{\"t\":\"map\",\"v\":[[{\"t\":\"simple\",\"v\":\"a\"},"
                        "{\"t\":\"int\",\"v\":1}]]}\n");
    assert_string_equal(c->err, "");
}

/* What was good stands printed before the mark of the error. */
static void resp_bad_bytes(void **state)
{
    cap *c = *state;
    assert_int_equal(decode(c, ":1\r\n:2x\r\n"), CLI_PROTOCOL);
    cap_has(c->out, "{\"t\":\"int\",\"v\":1}\n{\"t\":\"!\",\"error\":\"");
    cap_has(c->out, "\",\"offset\":4,\"at\":6}\n");
}

static void resp_cut(void **state)
{
    cap *c = *state;
    assert_int_equal(decode(c, ":1\r\n$5\r\nab"), CLI_INCOMPLETE);
    assert_string_equal(c->out, "{\"t\":\"int\",\"v\":1}\n");
    assert_string_equal(c->err, "reef: the input stops inside a value; what was whole "
                                "ends at byte 4\n");
}

/* A RESP3 type on a RESP2 stream is an error; 3 is taken where nothing was said. */
static void resp_protocols(void **state)
{
    cap *c = *state;
    cap_set(c, CLI_OPT_PROTO, "2");
    assert_int_equal(decode(c, "#t\r\n"), CLI_PROTOCOL);
    cap_has(c->out, "\"offset\":0,\"at\":0}\n");
    assert_int_equal(decode(c, "*-1\r\n"), CLI_DONE);
    assert_string_equal(c->out, "{\"t\":\"null\"}\n");
    cap_set(c, CLI_OPT_PROTO, "3");
    assert_int_equal(decode(c, "#t\r\n"), CLI_DONE);
    assert_string_equal(c->out, "{\"t\":\"bool\",\"v\":true}\n");
}

/* Standard input that can't be read. */
static void resp_unreadable_input(void **state)
{
    cap *c = *state;
    cap_input(c, "", 0);
    int fd = open("/dev/null", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, 0), 0);
    close(fd);
    assert_int_equal(cap_run(c, cli_resp_run), CLI_INCOMPLETE);
    assert_string_equal(c->out, "");
    cap_has(c->err, "reef: standard input can't be read: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(resp_values),    CAP_TEST(resp_bad_bytes),        CAP_TEST(resp_cut),
        CAP_TEST(resp_protocols), CAP_TEST(resp_unreadable_input),
    };
    return cmocka_run_group_tests_name("cli_resp", tests, NULL, NULL);
}
