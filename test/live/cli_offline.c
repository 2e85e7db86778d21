/* SPDX-License-Identifier: Apache-2.0
 *
 * The `reef` command without a server: its help, its usage errors, its settings, what
 * needs no server, and servers that are none. */
#include "test/live/cli_tool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "session/cli/cli.h"
#include "test/live/hostile.h"

static int offline_begin(void **state)
{
    reef_cli *cli = malloc(sizeof *cli);
    assert_non_null(cli);
    reef_cli_begin(cli);
    *state = cli;
    return 0;
}

static int offline_end(void **state)
{
    reef_cli_end(*state);
    free(*state);
    return 0;
}

/* ---- help --------------------------------------------------------------------- */

static void offline_version(void **state)
{
    reef_cli_prints(*state, "--version", "reef " REEF_VERSION "\n");
    reef_cli_prints(*state, "check --version", "reef " REEF_VERSION "\n");
}

/* Each command of the table has help that shows its name and an example. */
static void offline_help_of_each(void **state)
{
    reef_cli *cli = *state;
    assert_true(cli_command_count > 10);
    for (size_t i = 0; i < cli_command_count; i++) {
        char line[64], usage[64];
        snprintf(line, sizeof line, "%s --help", cli_commands[i].name);
        snprintf(usage, sizeof usage, "Usage: reef %s", cli_commands[i].name);
        reef_cli_run(cli, line);
        assert_int_equal(cli->code, 0);
        reef_cli_has(cli->out, usage);
        reef_cli_has(cli->out, "Example");
        reef_cli_has(cli->out, "--json");
        assert_string_equal(cli->err, "");
        char *first = strdup(cli->out);
        snprintf(line, sizeof line, "help %s", cli_commands[i].name);
        reef_cli_run(cli, line);
        assert_string_equal(cli->out, first);
        free(first);
        reef_cli_run(cli, "--help");
        reef_cli_has(cli->out, cli_commands[i].summary);
    }
}

static void offline_help_of_groups(void **state)
{
    reef_cli *cli = *state;
    reef_cli_run(cli, "session -h");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "reef session revoke --user U");
    reef_cli_has_not(cli->out, "reef slot");
    reef_cli_run(cli, "config --help");
    reef_cli_has(cli->out, "KNOT_REDIS_MASTER_NAME");
    reef_cli_fails(cli, "help nothing", 2, "no command 'nothing'");
}

/* ---- usage -------------------------------------------------------------------- */

static void offline_usage_errors(void **state)
{
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"", "no command was given"},
        {"chek", "'chek'; did you mean check?"},
        {"cnofig", "did you mean config?"},
        {"ses", "did you mean session?"},
        {"session lst", "did you mean session list?"},
        {"revoke", "did you mean session revoke?"},
        {"xyzzyx", "see reef --help"},
        {"session", "a word is missing after 'session'"},
        {"session xyzzyx", "see reef session --help"},
        {"--jsn check", "did you mean --json?"},
        {"-x check", "no option '-x'"},
        {"check --user u", "takes no option --user"},
        {"check more", "'more' is one argument too many"},
        {"call", "needs ARG..."},
        {"slot", "needs KEY..."},
        {"check --timeout", "'--timeout' needs a value"},
        {"check --timeout 5", "'5' is no time"},
        {"check --timeout 0s", "'0s' is no time"},
        {"check --timeout 99999999999999999999s", "is no time"},
        {"check --timeout 25000h", "is no time"},
        {"check --json=yes", "takes no value"},
        {"resp --proto 4", "'4' is not 2 or 3"},
        {"call --key 0 GET a", "--key '0'"},
        {"call --key 2 GET a", "past the last argument"},
        {"session get", "id is missing"},
        {"session get short", "'short' is no session id"},
        {"session get a --id b", "given twice"},
        {"session list", "either --user U or --all"},
        {"session list --all --user u", "either --user U or --all"},
        {"session new", "--user U"},
        {"session revoke", "--user U"},
        {"session revoke --user=", "--user is empty"},
        {"session save --user u", "id is missing"},
        {"demo --json", "no --json form"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        reef_cli_fails(*state, cases[i].line, 2, cases[i].part);
}

/* A word that tries to take over the terminal is shown, not obeyed. */
static void offline_usage_is_harmless(void **state)
{
    reef_cli *cli = *state;
    reef_cli_fails(cli, "a\033[2J\xc2\x9b\xff", 2, "'a\\x1b[2J\\x9b\\xff'");
    reef_cli_fails(cli, "-- --json", 2, "no command '--json'");
    assert_string_equal(cli->out, "");
}

static void offline_usage_as_json(void **state)
{
    reef_cli *cli = *state;
    reef_cli_fails(cli, "--json session get short", 2, "no session id");
    reef_cli_has(cli->out, "{\"error\":\"'short' is no session id");
    reef_cli_has(cli->out, "\",\"code\":\"usage\",\"exit\":2}\n");
}

/* ---- slot --------------------------------------------------------------------- */

static void offline_slots(void **state)
{
    reef_cli *cli = *state;
    reef_cli_prints(cli, "slot 123456789", "12739\n");
    reef_cli_prints(cli, "slot foo {user1000}.following {user1000}.followers",
                    "12182  foo\n3443  {user1000}.following\n"
                    "3443  {user1000}.followers\n");
    reef_cli_prints(cli, "--json slot foo", "{\"key\":\"foo\",\"slot\":12182}\n");
    reef_cli_prints(cli, "slot -- --json", "13528\n");
    reef_cli_words(cli, (const char *const[]){"slot", "", NULL});
    assert_string_equal(cli->out, "0\n");
}

/* ---- resp --------------------------------------------------------------------- */

typedef struct offline_resp {
    const char *args;
    const char *input;
    int code;
    const char *out;
} offline_resp;

static const offline_resp offline_streams[] = {
    {"resp", "", 0, ""},
    {"resp", "+OK\r\n", 0, "{\"t\":\"simple\",\"v\":\"OK\"}\n"},
    {"--json resp", ":-7\r\n_\r\n", 0, "{\"t\":\"int\",\"v\":-7}\n{\"t\":\"null\"}\n"},
    {"resp", "*2\r\n$2\r\nhi\r\n%1\r\n+k\r\n#t\r\n", 0,
     "{\"t\":\"array\",\"v\":[{\"t\":\"bulk\",\"v\":\"hi\"},{\"t\":\"map\",\"v\":[[{"
     "\"t\":"
     "\"simple\",\"v\":\"k\"},{\"t\":\"bool\",\"v\":true}]]}]}\n"},
    {"resp", ">1\r\n+p\r\n+x\r\n", 0,
     "{\"t\":\"push\",\"v\":[{\"t\":\"simple\",\"v\":\"p\"}]}\n"
     "{\"t\":\"simple\",\"v\":\"x\"}\n"},
    {"resp --proto 2", "$-1\r\n*-1\r\n", 0, "{\"t\":\"null\"}\n{\"t\":\"null\"}\n"},
    {"resp --proto 2", ":1\r\n#t\r\n", 8,
     "{\"t\":\"int\",\"v\":1}\n"
     "{\"t\":\"!\",\"error\":\"RESP3 type in RESP2\",\"offset\":4,\"at\":4}\n"},
    {"resp", "+a\r\n+b\rx", 8,
     "{\"t\":\"simple\",\"v\":\"a\"}\n"
     "{\"t\":\"!\",\"error\":\"bare CR\",\"offset\":4,\"at\":6}\n"},
    {"resp --proto 3", "+a\r\n$5\r\nab", 9, "{\"t\":\"simple\",\"v\":\"a\"}\n"},
    {"resp", "*1", 9, ""},
};

static void offline_resp_streams(void **state)
{
    reef_cli *cli = *state;
    for (size_t i = 0; i < sizeof offline_streams / sizeof offline_streams[0]; i++) {
        const offline_resp *c = &offline_streams[i];
        cli->input = reef_str_of(c->input);
        reef_cli_run(cli, c->args);
        assert_int_equal(cli->code, c->code);
        assert_string_equal(cli->out, c->out);
        if (c->code == 9)
            reef_cli_has(cli->err, "reef: the input stops inside a value");
        else
            assert_string_equal(cli->err, "");
    }
}

/* More than any buffer on the way holds, and a string that is not text. */
static void offline_resp_large(void **state)
{
    enum { SIZE = 300000 };
    reef_cli *cli = *state;
    char *input = malloc(SIZE + 64);
    assert_non_null(input);
    int head = snprintf(input, 64, "$%d\r\n", (int)SIZE);
    memset(input + head, 'y', SIZE);
    memcpy(input + head + SIZE, "\r\n$2\r\n\xff\0\r\n", 10);
    cli->input = (reef_str){input, (size_t)head + SIZE + 10};
    reef_cli_run(cli, "resp");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "yyyy\"}\n{\"t\":\"bulk\",\"b64\":\"/wA=\"}\n");
    assert_true(cli->out_len > SIZE);
    free(input);
}

/* ---- the ends of the pipes ---------------------------------------------------- */

static void offline_output_lost(void **state)
{
    reef_cli *cli = *state;
    cli->input = reef_str_of("+OK\r\n");
    cli->to = REEF_CLI_FULL;
    reef_cli_fails(cli, "resp", 9, "No space left");
    reef_cli_fails(cli, "slot a", 9, "No space left");
    reef_cli_fails(cli, "--help", 9, "No space left");
    cli->to = REEF_CLI_CLOSED;
    reef_cli_fails(cli, "slot a", 9, "could not be written");
}

/* Nobody reads: it ends by itself and says nothing, though the input never ends. */
static void offline_reader_gone(void **state)
{
    reef_cli *cli = *state;
    cli->to = REEF_CLI_GONE;
    cli->input = reef_str_of("+OK\r\n");
    cli->endless = true;
    reef_cli_run(cli, "resp");
    assert_int_equal(cli->code, 0);
    assert_string_equal(cli->err, "");
    cli->endless = false;
    reef_cli_run(cli, "slot a");
    assert_int_equal(cli->code, 0);
    assert_string_equal(cli->err, "");
}

static void offline_no_stdin(void **state)
{
    reef_cli *cli = *state;
    cli->no_stdin = true;
    reef_cli_fails(cli, "resp", 9, "standard input can't be read");
    reef_cli_host(cli, "127.0.0.1:1", "");
    reef_cli_fails(cli, "session save", 2, "standard input can't be read");
}

/* ---- settings ----------------------------------------------------------------- */

static void offline_config(void **state)
{
    reef_cli *cli = *state;
    char at[128];
    reef_cli_config(cli, "[server.redis]\n  hosts = [\"10.0.0.1:7000\"]\n"
                         "  password = \"open sesame\"\n  db = 3\n");
    cli->env[0] = "KNOT_REDIS_DB=4";
    cli->env[1] = "KNOT_REDIS_SENTINEL_PASSWORD=hidden too";
    cli->env[2] = "KNOT_REDIS_MASTER_NAME=m";
    cli->env[3] = "KNOT_REDIS_KEY_PREFIX=a\033[2Jb";
    reef_cli_run(cli, "config");
    assert_int_equal(cli->code, 0);
    snprintf(at, sizeof at, "%s:2:", cli->file);
    reef_cli_has(cli->out, at);
    reef_cli_has(cli->out, "10.0.0.1:7000");
    reef_cli_has(cli->out, "KNOT_REDIS_DB");
    reef_cli_has(cli->out, "default");
    reef_cli_has(cli->out, "***");
    reef_cli_has_not(cli->out, "sesame");
    reef_cli_has_not(cli->out, "hidden");
    reef_cli_has_not(cli->out, "\033");
    reef_cli_run(cli, "--json config");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "{\"name\":\"server.redis.db\",\"value\":\"4\",\"source\":"
                           "\"environment\",\"variable\":\"KNOT_REDIS_DB\"}");
    reef_cli_has(cli->out, "{\"name\":\"server.redis.password\",\"value\":\"***\","
                           "\"source\":\"file\",\"line\":3,\"column\":14}");
    reef_cli_has_not(cli->out, "sesame");
}

static void offline_config_without_file(void **state)
{
    reef_cli *cli = *state;
    reef_cli_run(cli, "config");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "localhost:6379");
    if (strstr(cli->out, "/etc/knot/") == NULL)
        reef_cli_has(cli->out, "\nNo knot.toml was found");
    reef_cli_config(cli, "[server.redis]\ndb = 5\n");
    cli->configured = false; /* found in the folder that the command runs in */
    reef_cli_run(cli, "config");
    reef_cli_has(cli->out, "knot.toml:2:");
}

static void offline_config_errors(void **state)
{
    reef_cli *cli = *state;
    reef_cli_config(cli, "[server.redis]\ndb = \"many\"\n");
    reef_cli_refuses(cli, "config", "knot.toml:2:6: error: server.redis.db");
    reef_cli_has(cli->err, "\n    2 | db = \"many\"\n      |      ^^^^^^\n");
    assert_string_equal(cli->out, "");
    reef_cli_refuses(cli, "check", "knot.toml:2:6: error: server.redis.db");
    reef_cli_config(cli, "[server.redis\n");
    reef_cli_refuses(cli, "call PING", "knot.toml:1:");
    reef_cli_refuses(cli, "-c /tmp check", "directory");
    reef_cli_refuses(cli, "-c /nowhere/knot.toml check", "/nowhere/knot.toml: error: ");
    reef_cli_refuses(cli, "session list --all --config=/nowhere/knot.toml", "/nowhere");
    reef_cli_config(cli,
                    "[server.redis]\npassword = \"open sesame\"\ndb = 9999999999\n");
    reef_cli_refuses(cli, "--json config", "knot.toml:3:");
    reef_cli_has_not(cli->err, "sesame");
    reef_cli_has(cli->out, "knot.toml\",\"settings\":null,\"findings\":[{");
    reef_cli_refuses(cli, "--json check", "knot.toml:3:");
    reef_cli_has_not(cli->out, "sesame");
    reef_cli_has(cli->out, "\"code\":\"bad configuration\",\"exit\":2}");
}

/* At a terminal findings are in colour; in a pipe, and where none is wanted, not. */
static void offline_config_colors(void **state)
{
    reef_cli *cli = *state;
    reef_cli_config(cli, "[server.redis]\nhots = 1\ndb = \"\x1b\"\n");
    cli->to = REEF_CLI_TERMINAL;
    reef_cli_run(cli, "config");
    assert_int_equal(cli->code, 2);
    reef_cli_has(cli->out, "\033[33mwarning:\033[0m");
    reef_cli_has(cli->out, "\033[31merror:\033[0m");
    reef_cli_has(cli->out, "\033[32m^^^^\033[0m");
    reef_cli_run(cli, "config --no-color");
    reef_cli_has_not(cli->out, "\033");
}

/* What is odd is said by the two commands that are about settings. */
static void offline_config_warnings(void **state)
{
    reef_cli *cli = *state;
    reef_cli_config(cli, "[server.redis]\nenabled = true\nhots = [\"127.0.0.1:1\"]\n"
                         "hosts = [\"127.0.0.1:1\"]\n");
    reef_cli_run(cli, "config");
    assert_int_equal(cli->code, 0);
    reef_cli_has(cli->out, "127.0.0.1:1");
    reef_cli_has(cli->err, "knot.toml:3:1: warning: ");
    reef_cli_fails(cli, "call --timeout 300ms PING", 4, "127.0.0.1:1");
    reef_cli_has_not(cli->err, "hots");
    reef_cli_fails(cli, "--json check --timeout 300ms", 4, "127.0.0.1:1");
    reef_cli_has(cli->out, ",\"findings\":[{\"severity\":\"note\",\"exit\":0,");
    reef_cli_has(cli->out, "\"line\":3,\"column\":1,");
    reef_cli_run(cli, "config --timeout 2s");
    reef_cli_has(cli->out, "  --timeout\n");
}

static void offline_config_unreadable(void **state)
{
    reef_cli *cli = *state;
    reef_cli_config(cli, "[server.redis]\n");
    assert_int_equal(chmod(cli->file, 0), 0);
    cli->nobody = true;
    reef_cli_run(cli, "check");
    assert_int_equal(cli->code, 2);
    reef_cli_has(cli->err, "knot.toml: error: ");
    reef_cli_has(cli->err, "ermi");
}

/* ---- servers that are none ---------------------------------------------------- */

/* A port that was free a moment ago, and that nothing listens on. */
static uint16_t offline_free_port(void)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(close(fd), 0);
    return ntohs(at.sin_port);
}

static void offline_closed_port(void **state)
{
    static const char *const lines[] = {
        "check --timeout 400ms",
        "call --timeout 400ms PING",
        "session list --all --timeout 400ms",
        "session new --user u --timeout 400ms",
        "session revoke --user u --timeout 400ms",
        "session get AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= --timeout 400ms",
        "demo --timeout 400ms",
    };
    reef_cli *cli = *state;
    char host[32];
    snprintf(host, sizeof host, "127.0.0.1:%u", (unsigned)offline_free_port());
    reef_cli_host(cli, host, "");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        reef_cli_fails(cli, lines[i], 4, host);
    reef_cli_run(cli, "check --timeout 400ms");
    reef_cli_has(cli->out, "to do     start the server there");
    reef_cli_fails(cli, "--json call --timeout 400ms PING", 4, host);
    reef_cli_has(cli->out, "\"exit\":4}\n");
    reef_cli_host(cli, "unix:/nowhere/redis.sock", "");
    reef_cli_fails(cli, "check --timeout 400ms", 4, "unix:/nowhere/redis.sock");
}

/* Ids are random: some look like options at first sight. */
static void offline_ids_with_dashes(void **state)
{
    static const uint8_t first[] = {0xFB, 0xEF}; /* "--" is 0xFB 0xE… */
    uint8_t random[32] = {0};
    char id[REEF_SESSION_ID_LEN + 1], line[128], host[32];
    snprintf(host, sizeof host, "127.0.0.1:%u", (unsigned)offline_free_port());
    reef_cli_host(*state, host, "");
    for (size_t i = 0; i < sizeof first; i++) {
        random[i] = first[i];
        reef_session_make_id(random, 1700000000000, id);
        assert_int_equal(strspn(id, "-"), i + 1);
        snprintf(line, sizeof line, "session get %s --timeout 300ms", id);
        reef_cli_fails(*state, line, 4, host);
        snprintf(line, sizeof line, "session touch --timeout 300ms --id %s", id);
        reef_cli_fails(*state, line, 4, host);
    }
}

static void offline_no_such_name(void **state)
{
    reef_cli *cli = *state;
    reef_cli_host(cli, "no-such-host.invalid", "");
    reef_cli_fails(cli, "check --timeout 3s", 3, "no-such-host.invalid");
    reef_cli_has(cli->out, "correct the name");
}

static void offline_hostile(reef_cli *cli, const reef_hostile_script *script,
                            bool greets, int code)
{
    char host[32];
    reef_hostile *server = reef_hostile_start(script, greets);
    snprintf(host, sizeof host, "127.0.0.1:%u", (unsigned)reef_hostile_port(server));
    reef_cli_host(cli, host, "");
    reef_cli_run(cli, "call --timeout 500ms GET a");
    if (cli->code != code)
        print_message("%s, greets %d: %s", script->name, greets, cli->err);
    assert_int_equal(cli->code, code);
    assert_int_equal(strncmp(cli->err, "reef: ", 6), 0);
    assert_string_equal(cli->out, "");
    reef_hostile_stop(server);
}

static void offline_hostiles(void **state)
{
    static const struct {
        reef_hostile_script script;
        int at_once, after_greeting; /* exit codes */
    } cases[] = {
        {{.name = "web", .head = {"HTTP/1.1 400 Bad Request\r\n", 26}}, 8, 8},
        {{.name = "count", .head = {"*1073741824\r\n", 13}}, 8, 8},
        {{.name = "silence", .head = {NULL, 0}}, 4, 7},
        {{.name = "drip", .body = {"*", 1}, .times = 3, .pause_ms = 100}, 4, 7},
        {{.name = "close", .end = REEF_HOSTILE_CLOSE}, 4, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        offline_hostile(*state, &cases[i].script, false, cases[i].at_once);
        offline_hostile(*state, &cases[i].script, true, cases[i].after_greeting);
    }
}

#define OFFLINE(name) cmocka_unit_test_setup_teardown(name, offline_begin, offline_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLINE(offline_version),
        OFFLINE(offline_help_of_each),
        OFFLINE(offline_help_of_groups),
        OFFLINE(offline_usage_errors),
        OFFLINE(offline_usage_is_harmless),
        OFFLINE(offline_usage_as_json),
        OFFLINE(offline_slots),
        OFFLINE(offline_resp_streams),
        OFFLINE(offline_resp_large),
        OFFLINE(offline_output_lost),
        OFFLINE(offline_reader_gone),
        OFFLINE(offline_no_stdin),
        OFFLINE(offline_config),
        OFFLINE(offline_config_without_file),
        OFFLINE(offline_config_errors),
        OFFLINE(offline_config_colors),
        OFFLINE(offline_config_warnings),
        OFFLINE(offline_config_unreadable),
        OFFLINE(offline_closed_port),
        OFFLINE(offline_ids_with_dashes),
        OFFLINE(offline_no_such_name),
        OFFLINE(offline_hostiles),
    };
    return cmocka_run_group_tests_name("cli_offline", tests, NULL, NULL);
}
