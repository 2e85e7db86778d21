/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands: what dispatch, help and the reader of options rely on. */
#include "test/unit/cli_capture.h"

static void commands_find(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",        "chec", "checks",        "Check",
        "session", "list", "session  list", "session list "};
    for (size_t i = 0; i < cli_command_count; i++)
        assert_ptr_equal(cli_command_find(cli_commands[i].name), &cli_commands[i]);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_null(cli_command_find(none[i]));
    assert_ptr_equal(cli_command_find("slot")->run, cli_slot_run);
    assert_ptr_equal(cli_command_find("srv")->run, cli_srv_run);
    assert_ptr_equal(cli_command_find("session touch")->run, cli_session_touch_run);
}

/* Names are one word, or two with one space; each entry is whole. */
static void commands_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < cli_command_count; i++) {
        const cli_command *cmd = &cli_commands[i];
        const char *space = strchr(cmd->name, ' ');
        assert_true(strlen(cmd->name) > 0 && strlen(cmd->name) < 17);
        assert_true(space == NULL || (space != cmd->name && space[1] != '\0' &&
                                      strchr(space + 1, ' ') == NULL));
        assert_non_null(cmd->run);
        assert_non_null(cmd->args);
        assert_true(strlen(cmd->summary) > 0 && strchr(cmd->summary, '\n') == NULL);
        cap_has(cmd->help, "Examples:\n");
        cap_has(cmd->help, cmd->name);
        assert_int_equal(cmd->help[strlen(cmd->help) - 1], '\n');
        assert_true(cmd->min_args >= 0 && cmd->min_args <= cmd->max_args);
        assert_int_equal(cmd->options & cli_common_options(), 0);
        assert_int_equal(cmd->options >> CLI_OPTS, 0);
    }
}

/* Each option that is not for all belongs to a command at least, and only `call` passes
 * its arguments on. */
static void commands_options(void **state)
{
    (void)state;
    uint32_t all = cli_common_options();
    for (size_t i = 0; i < cli_command_count; i++) {
        all |= cli_commands[i].options;
        assert_int_equal(cli_commands[i].verbatim,
                         strcmp(cli_commands[i].name, "call") == 0);
    }
    assert_int_equal(all, (UINT32_C(1) << CLI_OPTS) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_find),
        cmocka_unit_test(commands_are_whole),
        cmocka_unit_test(commands_options),
    };
    return cmocka_run_group_tests_name("cli_commands", tests, NULL, NULL);
}
