/* SPDX-License-Identifier: Apache-2.0
 *
 * A reply on paper: each kind, how aggregates nest, and the raw form. */
#include "test/unit/cli_capture.h"

static void prints(const char *wire, const char *person, const char *raw)
{
    reef_reply *reply = cap_reply(wire);
    FILE *out = tmpfile();
    assert_non_null(out);
    cli_reply_print(out, reply);
    assert_string_equal(cap_file(out), person);
    out = tmpfile();
    assert_non_null(out);
    cli_reply_print_raw(out, reply);
    assert_string_equal(cap_file(out), raw);
    reef_reply_free(reply);
}

static void reply_leaves(void **state)
{
    (void)state;
    prints("_\r\n", "(nil)\n", "\n");
    prints("#t\r\n", "(true)\n", "(true)\n");
    prints("#f\r\n", "(false)\n", "(false)\n");
    prints(":-7\r\n", "(integer) -7\n", "-7\n");
    prints(",0.1\r\n", "(double) 0.10000000000000001\n", "0.10000000000000001\n");
    prints(",inf\r\n", "(double) inf\n", "inf\n");
    prints(",-inf\r\n", "(double) -inf\n", "-inf\n");
    prints(",nan\r\n", "(double) nan\n", "nan\n");
    prints("+OK\r\n", "OK\n", "OK\n");
    prints("-ERR x\r\n", "(error) ERR x\n", "ERR x\n");
    prints("(123\r\n", "(big number) 123\n", "123\n");
    prints("=5\r\ntxt:a\r\n", "\"a\"\n", "a\n");
    prints("$0\r\n\r\n", "\"\"\n", "\n");
}

/* Strings are quoted and made safe for a person, and left as they are when raw. */
static void reply_strings(void **state)
{
    (void)state;
    prints("$5\r\n\033\"\\\n\xFF\r\n", "\"\\x1b\\\"\\\\\\n\\xff\"\n",
           "\033\"\\\n\xFF\n");
    prints("+a\033b\r\n", "a\\x1bb\n", "a\\x1bb\n");
}

static void reply_empty(void **state)
{
    (void)state;
    prints("*0\r\n", "(empty array)\n", "\n");
    prints("%0\r\n", "(empty map)\n", "\n");
    prints("~0\r\n", "(empty set)\n", "\n");
}

static void reply_nested(void **state)
{
    (void)state;
    prints("*2\r\n*2\r\n:1\r\n~1\r\n+x\r\n*0\r\n",
           "1) 1) (integer) 1\n   2) 1~ x\n2) (empty array)\n", "1\nx\n\n");
    prints("%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:2\r\n:3\r\n",
           "1# a => (integer) 1\n2# b =>\n      1) (integer) 2\n      2) (integer) 3\n",
           "a\n1\nb\n2\n3\n");
}

/* Numbers of one aggregate stand in a column as wide as the last of them. */
static void reply_columns(void **state)
{
    (void)state;
    prints("*10\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n*1\r\n:9\r\n",
           " 1) (integer) 0\n 2) (integer) 0\n 3) (integer) 0\n 4) (integer) 0\n"
           " 5) (integer) 0\n 6) (integer) 0\n 7) (integer) 0\n 8) (integer) 0\n"
           " 9) (integer) 0\n10) 1) (integer) 9\n",
           "0\n0\n0\n0\n0\n0\n0\n0\n0\n9\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_leaves),  cmocka_unit_test(reply_strings),
        cmocka_unit_test(reply_empty),   cmocka_unit_test(reply_nested),
        cmocka_unit_test(reply_columns),
    };
    return cmocka_run_group_tests_name("cli_reply", tests, NULL, NULL);
}
