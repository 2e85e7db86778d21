/* SPDX-License-Identifier: Apache-2.0
 *
 * config_read: knot.toml to settings: every spelling of the block, the documented
 * examples, and the words and places of errors. */
#include "config/toml.h"
#include "config_help.h"

static reef_config config;
static reef_error error;

/* ---- what is read ------------------------------------------------------------- */

static const char *const spellings[] = {"header.toml", "crlf.toml",   "tabs.toml",
                                        "dotted.toml", "inline.toml", "lines.toml",
                                        "quoted.toml", "super.toml",  "decoys.toml"};

static void every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "toml/block/%s", spellings[i]);
        reef_str text = help_file(name);
        if (help_parse_bytes(&config, text.ptr, text.len, &error) != REEF_OK)
            fail_msg("%s: %s", name, error.text);
        help_free(text);
        assert_true(config.enabled);
        assert_int_equal(config.host_count, 2);
        assert_string_equal(config.hosts[0].name, "a.example");
        assert_int_equal(config.hosts[0].port, 7000);
        assert_string_equal(config.hosts[1].name, "b.example");
        assert_int_equal(config.hosts[1].port, 6379);
        assert_string_equal(config.password, "p w");
        assert_int_equal(config.db, 3);
        assert_string_equal(config.key_prefix, "knot:");
        assert_int_equal(config.call_timeout_ms, 250);
        assert_int_equal(config.nameserver_count, 1);
        assert_string_equal(config.nameservers[0].address, "10.0.0.1");
        assert_int_equal(config.nameservers[0].port, 53);
        assert_string_equal(config.master_name, "");
    }
}

static void a_whole_knot_toml(void **state)
{
    reef_str text = help_file("toml/valid/knot.toml");
    (void)state;
    assert_int_equal(help_parse_bytes(&config, text.ptr, text.len, &error), REEF_OK);
    help_free(text);
    assert_true(config.enabled);
    assert_int_equal(config.host_count, 3);
    assert_int_equal(config.hosts[0].kind, REEF_HOST_SRV);
    assert_string_equal(config.hosts[0].name, "redis.service.consul");
    assert_string_equal(config.hosts[2].name, "2001:db8::1");
    assert_int_equal(config.hosts[2].port, 5001);
    assert_string_equal(config.password, "correct horse");
    assert_int_equal(config.db, 2);
    assert_string_equal(config.master_name, "mymaster");
    assert_int_equal(config.nameserver_count, 2);
    assert_string_equal(config.nameservers[1].domain, "consul");
    assert_int_equal(config.hosts[1].origin.line, 42);
    assert_int_equal(config.hosts[1].origin.column, 7);
}

/* The three blocks of knot's page on Redis and Valkey. */
static void knots_examples(void **state)
{
    (void)state;
    assert_int_equal(help_parse(&config,
                                "[server.redis]\n  enabled = true\n  hosts = [\n"
                                "    \"localhost:6379\"\n  ]\n  password = \"\"\n"
                                "  db = 0\n",
                                &error),
                     REEF_OK);
    assert_int_equal(config.host_count, 1);
    assert_string_equal(config.hosts[0].name, "localhost");
    assert_int_equal(config.hosts[0].port, 6379);
    assert_int_equal(config.origins[REEF_SET_HOSTS].line, 3);
    assert_int_equal(config.origins[REEF_SET_HOSTS].column, 11);
    assert_int_equal(config.origins[REEF_SET_PASSWORD].source, REEF_FROM_FILE);
    assert_int_equal(
        help_parse(&config,
                   "[server.redis]\n  enabled = true\n  hosts = [\n"
                   "    \"192.168.0.10:5000\",\n    \"192.168.0.11:5000\",\n"
                   "    \"192.168.0.12:5000\"\n  ]\n  password = \"\"\n"
                   "  db = 0\n  master_name = \"mymaster\"\n",
                   &error),
        REEF_OK);
    assert_int_equal(config.host_count, 3);
    assert_string_equal(config.hosts[2].name, "192.168.0.12");
    assert_int_equal(config.hosts[2].port, 5000);
    assert_string_equal(config.master_name, "mymaster");
    assert_int_equal(
        help_parse(&config,
                   "[server.redis]\n  enabled = true\n  hosts = [\n"
                   "    \"192.168.0.10:6379\",\n    \"192.168.0.11:6379\",\n"
                   "    \"192.168.0.12:6379\"\n  ]\n  password = \"\"\n"
                   "  db = 0\n",
                   &error),
        REEF_OK);
    assert_int_equal(config.host_count, 3);
    assert_int_equal(reef_config_check(&config, NULL, &error), REEF_OK);
}

static void knots_quirks(void **state)
{
    (void)state;
    assert_int_equal(help_parse(&config,
                                "[server.redis]\ndb = \"2\"\npassword = 1_234\n"
                                "hosts = []\nprotocol = \"3\"",
                                &error),
                     REEF_OK);
    assert_int_equal(config.db, 2);
    assert_string_equal(config.password, "1234");
    assert_int_equal(config.host_count, 1);
    assert_string_equal(config.hosts[0].name, "localhost");
    assert_int_equal(config.hosts[0].port, 6379);
    assert_int_equal(config.protocol, 3);
    assert_int_equal(
        help_parse(&config, "[server.redis]\nhosts=[]\nmaster_name='m'", &error),
        REEF_OK);
    assert_int_equal(config.hosts[0].port, 26379);
    assert_int_equal(help_parse(&config,
                                "[server.redis]\nhosts=['a','b:7']\nmaster_name='m'",
                                &error),
                     REEF_OK);
    assert_int_equal(config.hosts[0].port, 26379);
    assert_int_equal(config.hosts[1].port, 7);
    assert_int_equal(
        help_parse(&config, "[server.redis]\nunknown = 1\nhost = 'x'", &error),
        REEF_OK);
}

/* A second text is read over the first. */
static void over_what_was_there(void **state)
{
    (void)state;
    assert_int_equal(
        help_parse(&config, "server.redis = {db = 3, username = 'long name'}", &error),
        REEF_OK);
    assert_int_equal(reef_config_parse(&config, "b.toml",
                                       reef_str_of("server.redis.username='u'"), NULL,
                                       &error),
                     REEF_OK);
    assert_int_equal(config.db, 3);
    assert_string_equal(config.username, "u");
    assert_string_equal(config.file, "b.toml");
    assert_int_equal(config.username[3], 0);
}

/* ---- what is refused ---------------------------------------------------------- */

static void check_error(const char *toml, const char *want)
{
    reef_config fresh;
    reef_config_init(&fresh);
    if (help_parse(&config, toml, &error) != REEF_BADCONFIG)
        fail_msg("taken: %s", toml);
    assert_memory_equal(&config, &fresh, sizeof config);
    assert_int_equal(error.code, REEF_BADCONFIG);
    if (strncmp(error.text, want, strlen(want)) != 0)
        fail_msg("%s\nwant %s\ngot  %s", toml, want, error.text);
}

static const char *const misfit_cases[][2] = {
    {"server.redis.db = 1.5", "knot.toml:1:19: server.redis.db: found 1.5; allowed: a "
                              "whole number from 0 to 2147483647"},
    {"server.redis.db = -1", "knot.toml:1:19: server.redis.db: found -1; allowed"},
    {"server.redis.db = 2147483648", "knot.toml:1:19: server.redis.db: found 2147"},
    {"server.redis.db = true", "knot.toml:1:19: server.redis.db: found true"},
    {"server.redis.db = \"two\"", "knot.toml:1:19: server.redis.db: found \"two\""},
    {"server.redis.db = []", "knot.toml:1:19: server.redis.db: found an array"},
    {"server.redis.db = {}", "knot.toml:1:19: server.redis.db: found a table"},
    {"server.redis.db = 2026-01-31", "knot.toml:1:19: server.redis.db: found 2026-"},
    {"[server.redis]\nenabled = \"true\"",
     "knot.toml:2:11: server.redis.enabled: found \"true\"; allowed: true or "
     "false; write it without quotes"},
    {"[server.redis]\nenabled = 1", "knot.toml:2:11: server.redis.enabled: found 1"},
    {"[server.redis]\nhosts = \"a:1\"", "knot.toml:2:9: server.redis.hosts: found "
                                        "\"a:1\"; allowed: a list of texts"},
    {"[server.redis]\nhosts = 5",
     "knot.toml:2:9: server.redis.hosts: found 5; allowed"},
    {"[server.redis]\nhosts = {}", "knot.toml:2:9: server.redis.hosts: found a table"},
    {"[server.redis]\nhosts = [5]", "knot.toml:2:10: server.redis.hosts: found 5"},
    {"[server.redis]\nhosts = [[]]",
     "knot.toml:2:10: server.redis.hosts: found an arr"},
    {"[server.redis]\nhosts = [{}]", "knot.toml:2:10: server.redis.hosts: found a tab"},
    {"[server.redis]\nhosts = [\n'a',\n '']",
     "knot.toml:4:2: server.redis.hosts: found \"\"; it is empty"},
    {"[server.redis]\nhosts = ['a:0']",
     "knot.toml:2:10: server.redis.hosts: found \"a:0\"; a port is"},
    {"[server.redis]\nusername = 5", "knot.toml:2:12: server.redis.username: found 5"},
    {"[server.redis]\nlanes = 65", "knot.toml:2:9: server.redis.lanes: found 65; "
                                   "allowed: a whole number from 1 to 64"},
    {"[server.redis]\ncall_timeout = 5",
     "knot.toml:2:16: server.redis.call_timeout: found 5; allowed: a time from"},
    {"[server.redis]\ncall_timeout = \"5\"",
     "knot.toml:2:16: server.redis.call_timeout: found \"5\"; allowed: a time "
     "from"},
    {"[server.redis]\nprotocol = \"resp3\"",
     "knot.toml:2:12: server.redis.protocol: found \"resp3\"; allowed: \"auto\", "
     "2"},
    {"[server.redis]\nfailover = \"Announced\"",
     "knot.toml:2:12: server.redis.failover: found \"Announced\"; allowed: "
     "\"early\" or \"announced\"; did you mean \"announced\"?"},
    {"[server.redis]\nfailover = true",
     "knot.toml:2:12: server.redis.failover: found true; allowed: \"early\" or "
     "\"announced\""},
    {"[server.redis]\nfailover = early",
     "knot.toml:2:12: this is no value; a text stands in quotes; found \"early\"; put "
     "it in quotes: \"early\""},
    {"[resolver]\nnameservers = \"1.2.3.4\"",
     "knot.toml:2:15: resolver.nameservers: found \"1.2.3.4\"; allowed: a list"},
    {"[resolver]\nnameservers = [\"dns\"]",
     "knot.toml:2:16: resolver.nameservers: found \"dns\"; a nameserver is"},
    {"server = 5", "knot.toml:1:10: server: found 5; allowed: a table of settings"},
    {"server.redis = \"x\"", "knot.toml:1:16: server.redis: found \"x\"; allowed"},
    {"server.redis = []", "knot.toml:1:16: server.redis: found an array; allowed"},
    {"resolver = true", "knot.toml:1:12: resolver: found true; allowed: a table"},
    {"[[server]]", "knot.toml:1:3: server is one table, not a list of them"},
    {"[[server.redis]]", "knot.toml:1:10: server.redis is one table, not a list of "
                         "them; write [server.redis]"},
    {"[[resolver]]", "knot.toml:1:3: resolver is one table"},
    {"[server.redis.db]", "knot.toml:1:15: server.redis.db: found a table; allowed"},
    {"[[server.redis.hosts]]", "knot.toml:1:16: server.redis.hosts: found a table"},
    {"[server.redis.hosts.x]", "knot.toml:1:21: server.redis.hosts: found a table"},
    {"server.redis.db.x = 1", "knot.toml:1:17: server.redis.db: found a table"},
    {"[server]\nredis.db = 1\n[server.redis]\n\"db\" = 1",
     "knot.toml:3:9: keys with dots have made this table"},
    {"[server.redis]\ndb = 1\n\"db\" = 1",
     "knot.toml:3:1: this key is set a second time; found \"db\"; keep one of"},
    {"[server.redis]\nhosts = ['a']\nhosts = ['b']",
     "knot.toml:3:1: this key is set a second time; found \"hosts\""},
    {"server = {redis = {db = 1,\n db = 2}}",
     "knot.toml:2:2: this key is set a second time; found \"db\""},
};

static void misfits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof misfit_cases / sizeof misfit_cases[0]; i++)
        check_error(misfit_cases[i][0], misfit_cases[i][1]);
}

/* A broken text is refused wherever it is broken. */
static void broken_texts(void **state)
{
    static const char *const cases[][2] = {
        {"[server.redis]\nhosts = [localhost:6379]",
         "knot.toml:2:10: this is no value; a text stands in quotes; found "
         "\"localhost:6379\"; put it "
         "in quotes: \"localhost:6379\""},
        {"[server.redis]\nenabled = True",
         "knot.toml:2:11: a boolean is written true or false, in small letters; found "
         "\"True\""},
        {"[server.redis]\nhosts = [\n'a'\n'b'\n]",
         "knot.toml:4:1: \",\" or \"]\" was expected after an element of an array; "
         "found 'b'; write a comma"},
        {"[server.redis\nenabled = true", "knot.toml:1:14: \"]\" was expected after "
                                          "the table's name; found the end of the "
                                          "line"},
        {"[log]\nlevel = ",
         "knot.toml:2:9: a value was expected; found the end of the te"},
        {"hosts = [\xE2\x80\x9C"
         "a\xE2\x80\x9D]",
         "knot.toml:1:10: a value was expected; found \"\xE2\x80\x9C\""},
        {"a = 1\nb = '\x01'",
         "knot.toml:2:6: a control character; in \"...\" it is written "
         "as \\xHH; found \"\\x01\""},
        {"# \xFF", "knot.toml:1:3: this is not UTF-8; found \"\\xff\""},
        {"\xFF\xFE[", "knot.toml:1:1: the text is UTF-16"},
        {"a = [1", "knot.toml:1:7: the array is not closed; \"]\" was expected"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_error(cases[i][0], cases[i][1]);
    assert_int_equal(help_parse_bytes(&config, "a = 1\n\0", 7, &error), REEF_BADCONFIG);
    help_contains(error.text, "knot.toml:2:1: a NUL byte");
}

/* No byte of what might be a password is in an error. Q stands for its bytes. */
static void secrets(void **state)
{
    static const char *const cases[] = {
        "password = Q",
        "password = Q\"",
        "password = \"Q",
        "password = 'Q'Q'",
        "password = \"Q\"Q\"",
        "password = \"Q\" Q",
        "password = \"\\Q\"",
        "password = \"\"\"\nQ\n\\Q\"\"\"",
        "password = '''Q'''Q",
        "password = [\"Q\"]",
        "password = [ Q ]",
        "password = {Q = 'Q'}",
        "password = 'Q'\npassword = 'Q'",
        "password Q",
        "password: Q",
        "password.Q = 1",
        "Password Q",
        "passwort = Q",
        "pwd = Q",
        "sentinel_password = Q",
        "\"password\" = Q",
        "\"p\\u0061ssword\" = Q",
        "\"p\\x61ssword\" Q",
        "x = {password = Q}",
        "x = [{a = 1,\n password = 'Q'},\n Q]",
        "hosts = ['redis://:Q@h:1']",
        "hosts = 'u:Q@h'",
        "hosts = [\"u:Q\\u0040h\"]",
        "hosts = \"u:Q\\u0040h\"",
        "[password]\n[password Q]",
    };
    char toml[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(toml, sizeof toml, "[server.redis]\n%s", cases[i]);
        if (help_parse(&config, toml, &error) != REEF_BADCONFIG)
            fail_msg("taken: %s", toml);
        help_lacks(error.text, "Q");
        help_contains(error.text, "knot.toml:");
    }
}

/* A password that is too long, or of a wrong kind, is named and not shown. */
static void bad_passwords(void **state)
{
    static char toml[2048] = "server.redis.password = '";
    static const char *const cases[][2] = {
        {"server.redis.password = true", "found a boolean"},
        {"server.redis.password = 7.25", "found a number with a fraction"},
        {"server.redis.password = 2026-01-31", "found a date or time"},
        {"server.redis.password = \"a\\u0000b\"", "found a text; a NUL"}};
    size_t start = strlen(toml);
    (void)state;
    memset(toml + start, 'Q', REEF_SECRET_MAX);
    toml[start + REEF_SECRET_MAX] = '\'';
    assert_int_equal(help_parse(&config, toml, &error), REEF_OK);
    assert_int_equal(strlen(config.password), REEF_SECRET_MAX);
    memset(toml + start, 'Q', REEF_SECRET_MAX + 1);
    toml[start + REEF_SECRET_MAX + 1] = '\'';
    assert_int_equal(help_parse(&config, toml, &error), REEF_BADCONFIG);
    help_lacks(error.text, "Q");
    help_contains(error.text, "1024");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(help_parse(&config, cases[i][0], &error), REEF_BADCONFIG);
        help_contains(error.text, cases[i][1]);
        help_lacks(error.text, "7.25");
    }
}

/* Values, names of files and lines of any length: the sentence keeps what matters. */
static void long_things(void **state)
{
    static char toml[4096], file[900];
    (void)state;
    memset(toml, 0, sizeof toml);
    memcpy(toml, "server.redis.call_timeout = '", 29);
    memset(toml + 29, 'v', 3000);
    toml[3029] = '\'';
    memset(file, 'f', sizeof file - 1);
    memcpy(file + sizeof file - 11, "/knot.toml", 10);
    reef_config_init(&config);
    assert_int_equal(reef_config_parse(&config, file, reef_str_of(toml), NULL, &error),
                     REEF_BADCONFIG);
    help_contains(error.text,
                  "/knot.toml:1:29: server.redis.call_timeout: found \"vvv");
    help_contains(error.text, "...\"; allowed: a time from \"1ms\"");
    assert_true(strlen(error.text) < REEF_ERROR_TEXT);
    memset(toml, ' ', 3000);
    memcpy(toml + 3000, "?", 2);
    assert_int_equal(help_parse(&config, toml, &error), REEF_BADCONFIG);
    help_contains(error.text, "knot.toml:1:3001: a key was expected; found \"?\"");
}

static void file_names(void **state)
{
    static char file[REEF_FILE_NAME_MAX + 2];
    (void)state;
    memset(file, 'f', REEF_FILE_NAME_MAX);
    reef_config_init(&config);
    assert_int_equal(reef_config_parse(&config, file, reef_str_of(""), NULL, &error),
                     REEF_OK);
    assert_string_equal(config.file, file);
    file[REEF_FILE_NAME_MAX] = 'f';
    assert_int_equal(reef_config_parse(&config, file, reef_str_of(""), NULL, &error),
                     REEF_BADCONFIG);
    help_contains(error.text, "1023");
}

static void size_of_text(void **state)
{
    size_t len = (size_t)REEF_FILE_MAX + 1;
    char *text = malloc(len);
    (void)state;
    assert_non_null(text);
    memset(text, ' ', len);
    assert_int_equal(
        reef_config_parse(&config, NULL, (reef_str){text, len - 1}, NULL, &error),
        REEF_OK);
    assert_int_equal(
        reef_config_parse(&config, NULL, (reef_str){text, len}, NULL, &error),
        REEF_BADCONFIG);
    help_contains(error.text,
                  "knot.toml: the file is too long: at most 16777216 bytes");
    free(text);
}

/* A value at every depth that the grammar allows, wanted or not, keeps the paths
 * right. */
static void deep_paths(void **state)
{
    static char toml[8192];
    size_t at = 0;
    (void)state;
    at += (size_t)snprintf(toml, sizeof toml, "server.x = ");
    for (int i = 0; i < REEF_TOML_DEPTH; i++)
        toml[at++] = '[';
    for (int i = 0; i < REEF_TOML_DEPTH; i++)
        toml[at++] = ']';
    snprintf(toml + at, sizeof toml - at, "\nserver.redis = {db = 3, lanes = 2}");
    assert_int_equal(help_parse(&config, toml, &error), REEF_OK);
    assert_int_equal(config.db, 3);
    assert_int_equal(config.lanes, 2);
}

/* Keys that look like the block's and are not. */
static void not_the_block(void **state)
{
    static const char *const cases[] = {
        "\"server.redis.db\" = 1",
        "\"server.redis\".db = 1",
        "server.\"redis.db\" = 1",
        "Server.redis.db = 1",
        "server.redi.db = 1",
        "server.redis.d = 1",
        "server.redis.dbx = 1",
        "server.redis.\"\".db = 1",
        "\"\".server.redis.db = 1",
        "server.redis.\"db\\u0000\" = 1",
        "x = {server.redis.db = 1}",
        "redis.db = 1",
        "db = 1",
        "[x]\nserver.redis.db = 1",
        "[[x]]\nserver.redis.db = 1",
        "[server.x]\nredis.db = 1",
        "x = [{server = {redis = {db = 1}}}]",
        "server.x = [{redis = {db = 1}}]",
        "server.redis.x = {db = 1}",
        "server.\"redis \".db = 1",
        "server.redis.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1"};
    reef_config fresh;
    (void)state;
    reef_config_init(&fresh);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (help_parse(&config, cases[i], &error) != REEF_OK)
            fail_msg("%s: %s", cases[i], error.text);
        memset(config.file, 0, sizeof config.file);
        assert_memory_equal(&config, &fresh, sizeof config);
    }
}

/* Every beginning of every document: read or refused with a place, and when refused,
 * without a change. */
static void truncations(void **state)
{
    reef_config fresh;
    (void)state;
    reef_config_init(&fresh);
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "toml/block/%s", spellings[i]);
        reef_str text = help_file(name);
        for (size_t len = 0; len < text.len; len++) {
            if (help_parse_bytes(&config, text.ptr, len, &error) == REEF_OK)
                continue;
            assert_int_equal(error.code, REEF_BADCONFIG);
            assert_memory_equal(error.text, "knot.toml:", 10);
            assert_memory_equal(&config, &fresh, sizeof config);
        }
        help_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling),      cmocka_unit_test(a_whole_knot_toml),
        cmocka_unit_test(knots_examples),      cmocka_unit_test(knots_quirks),
        cmocka_unit_test(over_what_was_there), cmocka_unit_test(misfits),
        cmocka_unit_test(broken_texts),        cmocka_unit_test(secrets),
        cmocka_unit_test(bad_passwords),       cmocka_unit_test(long_things),
        cmocka_unit_test(file_names),          cmocka_unit_test(size_of_text),
        cmocka_unit_test(deep_paths),          cmocka_unit_test(not_the_block),
        cmocka_unit_test(truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
