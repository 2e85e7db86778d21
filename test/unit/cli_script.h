/* SPDX-License-Identifier: Apache-2.0
 *
 * A reef_call of the test's own under session/cli/: commands are written down, answers
 * come from a table. What includes it names __wrap_reef_call, so that it is linked in
 * its place; the client is not looked at. */
#ifndef REEF_TEST_UNIT_CLI_SCRIPT_H
#define REEF_TEST_UNIT_CLI_SCRIPT_H
#include "test/unit/cli_capture.h"

/* The answer to a command that begins with these words; the first counts. */
typedef struct script_answer {
    const char *words; /* "SET", "GET Sessions:x"; NULL ends the table */
    const char *wire;  /* NULL: the deadline passes and nothing was sent */
} script_answer;

reef_reply *__wrap_reef_call(reef_client *client, const reef_cmd *cmd,
                             int64_t timeout_ms);

static const script_answer *script_answers;
/* The commands: "~" before one that may be repeated, its keys in "<" and ">". */
static char script_log[1 << 14];

static void script_begin(const script_answer *answers)
{
    script_answers = answers;
    script_log[0] = '\0';
}

static void script_put(reef_str text)
{
    size_t len = strlen(script_log);
    (void)snprintf(script_log + len, sizeof script_log - len, "%.*s", (int)text.len,
                   text.len > 0 ? text.ptr : "");
}

/* Writes the command down; its plain words into `words`. */
static void script_note(const reef_cmd *cmd, char *words, size_t size)
{
    size_t keys = reef_cmd_keys(cmd), next = 0;
    if (reef_cmd_is_repeatable(cmd))
        script_put(reef_str_of("~"));
    words[0] = '\0';
    for (size_t i = 0; i < reef_cmd_count(cmd); i++) {
        reef_str word = reef_cmd_at(cmd, i);
        bool is_key = next < keys && word.ptr == reef_cmd_key_at(cmd, next).ptr;
        size_t len = strlen(words);
        next += is_key;
        (void)snprintf(words + len, size - len, "%s%.*s", i > 0 ? " " : "",
                       (int)word.len, word.len > 0 ? word.ptr : "");
        script_put(reef_str_of(i > 0 ? " " : ""));
        script_put(reef_str_of(is_key ? "<" : ""));
        script_put(word);
        script_put(reef_str_of(is_key ? ">" : ""));
    }
    script_put(reef_str_of("\n"));
}

reef_reply *__wrap_reef_call(reef_client *client, const reef_cmd *cmd,
                             int64_t timeout_ms)
{
    (void)client;
    (void)timeout_ms;
    char words[512];
    assert_int_equal(reef_cmd_code(cmd), REEF_OK);
    script_note(cmd, words, sizeof words);
    const script_answer *answer = script_answers;
    while (answer->words != NULL &&
           strncmp(words, answer->words, strlen(answer->words)) != 0)
        answer++;
    if (answer->words == NULL)
        return cap_reply("-ERR not in the table\r\n");
    return answer->wire != NULL ? cap_reply(answer->wire)
                                : reef_reply_failed(REEF_UNSENT, "too late");
}

#endif
