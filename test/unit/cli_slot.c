/* SPDX-License-Identifier: Apache-2.0
 *
 * reef slot: the slots of the cluster specification's own examples, and the three
 * forms. */
#include "test/unit/cli_capture.h"

static void slot_forms(void **state)
{
    cap *c = *state;
    cap_args(c, "123456789");
    assert_int_equal(cap_run(c, cli_slot_run), CLI_DONE);
    assert_string_equal(c->out, "12739\n");
    cap_args(c, "foo {user1000}.a {user1000}.b");
    assert_int_equal(cap_run(c, cli_slot_run), CLI_DONE);
    assert_string_equal(c->out, "12182  foo\n3443  {user1000}.a\n3443  {user1000}.b\n");
    cap_set(c, CLI_OPT_JSON, "");
    cap_args(c, "foo a\"b");
    assert_int_equal(cap_run(c, cli_slot_run), CLI_DONE);
    cap_has(c->out, "{\"key\":\"foo\",\"slot\":12182}\n{\"key\":\"a\\\"b\",\"slot\":");
    assert_string_equal(c->err, "");
}

/* A key of several is shown, and must not steer the terminal; the empty key has slot
 * 0. */
static void slot_odd_keys(void **state)
{
    cap *c = *state;
    cap_args(c, "\033[2J b");
    cap_run(c, cli_slot_run);
    cap_has(c->out, "  \\x1b[2J\n");
    cap_has_not(c->out, "\033");
    cap_args(c, " b");
    assert_int_equal(c->ctx.arg_count, 2);
    cap_run(c, cli_slot_run);
    assert_string_equal(c->out, "0  \n3300  b\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(slot_forms),
        CAP_TEST(slot_odd_keys),
    };
    return cmocka_run_group_tests_name("cli_slot", tests, NULL, NULL);
}
