/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hint: hints for single characters and for signs of other formats, when there
 * is none, and that nothing of a hidden text gets into one; the nearest name. */
#include "config_hints.h"

static void quotes(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"hosts = [\xE2\x80\x9Clocalhost:6379\xE2\x80\x9D]",
         "write plain quotes: \"localhost:6379\""},
        {"x = \xE2\x80\x98y\xE2\x80\x99", "write plain quotes: \"y\""},
        {"x = \xC2\xABy\xC2\xBB", "write plain quotes: \"y\""},
        {"x = \xE2\x80\x9Ey z\xE2\x80\x9C", "write plain quotes: \"y z\""},
        {"x = \xE2\x80\x9Cy\"", "write plain quotes: \"y\""},
        {"x = \xE2\x80\x9Cy, z", "write a plain quote: \""},
        {"x = \xE2\x80\x99y", "write a plain quote: '"},
        {"x = [1, \xE2\x80\x9C", "write a plain quote: \""},
        {"\xE2\x80\x9C"
         "db\xE2\x80\x9D = 0",
         "write a plain quote: \""},
        {"db\xE2\x80\x99 = 0", "write a plain quote: '"},
        {"[\xE2\x80\x9Cserver\xE2\x80\x9D]", "write a plain quote: \""},
        {"`db` = 0", "write a plain quote: \""},
    };
    HINTS(rows);
}

static void lookalikes(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"db\xC2\xA0= 0", "write a plain space"},
        {"\xC2\xA0 db = 0", "write a plain space"},
        {"db =\xE3\x80\x80"
         "0",
         "write a plain space"},
        {"db = 0\xE2\x80\x89", "write a plain space"},
        {"[server\xE2\x80\xAF]", "write a plain space"},
        {"db = \"x\"\xE2\x80\x8B", "delete the invisible character"},
        {"\xEF\xBB\xBF\xEF\xBB\xBF"
         "db = 0",
         "delete the invisible character"},
        {"db = 0\n\xEF\xBB\xBF", "delete the invisible character"},
        {"d\xC2\xAD"
         "b = 0",
         "delete the invisible character"},
        {"x = [1,\xE2\x80\xAE"
         "2]",
         "delete the invisible character"},
        {"db = 0\xE2\x80\xA8", "write a plain end of line"},
        {"x = \xE2\x80\x93"
         "5",
         "write a plain minus: -"},
        {"x = \xE2\x88\x92"
         "5",
         "write a plain minus: -"},
        {"master\xE2\x80\x93name = 1", "write a plain minus: -"},
        {"x = [1\xE3\x80\x81"
         "2]",
         "write a plain comma"},
        {"db \xEF\xBC\x9D 0", "write plain characters: ="},
        {"db = \xEF\xBC\x90", "write plain characters: 0"},
        {"\xEF\xBC\xBB"
         "a]",
         "write plain characters: ["},
    };
    HINTS(rows);
    static const hints_row secret[] = {
        {"password = \xEF\xBC\x90", "write plain characters"},
    };
    HINTS_HIDDEN(secret);
}

static void check_bytes(const char *bytes, size_t len, const char *expected)
{
    reef_message hint;
    assert_true(hints_of(bytes, len, false, &hint));
    assert_string_equal(hint.text, expected);
}

static void controls(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"db = 0\rx = 1", "end each line with LF or with CR LF"},
        {"# x\ry", "end each line with LF or with CR LF"},
        {"x = \"a\rb\"", "end each line with LF or with CR LF"},
        {"x = \"\x1B[1m\"", "delete it, or write an escape: \\x1B"},
        {"x = \"\"\"\n\x7F\"\"\"", "delete it, or write an escape: \\x7F"},
        {"x = 'a\x01'", "delete this character; many editors don't show it"},
        {"# \x0C", "delete this character; many editors don't show it"},
        {"a = 1 \x08", "delete this character; many editors don't show it"},
        {"x = \"\xE4\"", "save the file as UTF-8; this byte is of another encoding"},
        {"# \xFCml\n", "save the file as UTF-8; this byte is of another encoding"},
        {"x\xA0= 1", "save the file as UTF-8; this byte is of another encoding"},
        {"x = [\"a\xE2\x80",
         "save the file as UTF-8; this byte is of another encoding"},
        {"\xFF\xFE"
         "a",
         "save the file as UTF-8"},
        {"\xFE\xFF", "save the file as UTF-8"},
    };
    HINTS(rows);
    check_bytes("a\0=\0", 4, "the file looks like UTF-16: save it as UTF-8");
    check_bytes("\0a\0=", 4, "the file looks like UTF-16: save it as UTF-8");
    check_bytes("a = 1\0", 6, "delete this byte; many editors don't show it");
    check_bytes("a = \"\0\"", 7, "delete this byte; many editors don't show it");
}

static void comments(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"// x", "a comment begins with #"},
        {"  /* x */\n", "a comment begins with #"},
        {"*/", "a comment begins with #"},
        {"<!-- x -->", "a comment begins with #"},
        {"; x", "a comment begins with #"},
        {"db = 0 // x", "a comment begins with #"},
        {"db = 0// x", "a comment begins with #"},
        {"db = 0 /* x */", "a comment begins with #"},
        {"db = 0 -- x", "a comment begins with #"},
        {"db = 0 ; x", "a comment begins with #"},
        {"db = // x", "a comment begins with #"},
        {"hosts = [ // x\n\"a\"]", "a comment begins with #"},
        {"hosts = [\"a\", // x\n\"b\"]", "a comment begins with #"},
        {"hosts = [\"a\" // x\n]", "a comment begins with #"},
        {"hosts = [\n; x\n]", "a comment begins with #"},
        {"x = {a = 1 // x\n}", "a comment begins with #"},
        {"x = {a = 1, // x\n}", "a comment begins with #"},
    };
    HINTS(rows);
}

static void left_over(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"<<<<<<< HEAD", "this is left over from a merge: keep one side"},
        {"a = 1\n=======\n", "this is left over from a merge: keep one side"},
        {">>>>>>> x", "this is left over from a merge: keep one side"},
        {"```toml\n", "delete this line; it belongs to a manual's page"},
        {"{ \"server\": {} }",
         "this looks like JSON; TOML begins a table with its name: [server.redis]"},
        {"]", "delete it; no bracket is open here"},
        {"hosts = [\"a\"]\n]", "delete it; no bracket is open here"},
        {"}", "delete it; no brace is open here"},
        {", \"b\"", "delete this comma"},
    };
    HINTS(rows);
}

/* A guess would be a wild one, or the reader's words say it all. */
static void no_hint(void **state)
{
    (void)state;
    static const hints_row rows[] = {
        {"?", ""},
        {"!important", ""},
        {"a ? 1", ""},
        {"% a remark", ""},
        {"a * b", ""},
        {"[a * b]", ""},
        {"[a ? b", ""},
        {"[a] ? b", ""},
        {"[a = 1]", ""},
        {"db = 0 = 1", ""},
        {"db = 0 0", ""},
        {"db = true ? 1", ""},
        {"x = env(\"A\")", ""},
        {"x = [1 % 2]", ""},
        {"x = [1 = 2]", ""},
        {"x = {a = 1 * 2}", ""},
        {"\"a\" ~ \"b\"", ""},
        {"a = 1\na.b = 2", ""},
    };
    HINTS(rows);
}

static void limits_and_good(void **state)
{
    (void)state;
    reef_message hint;
    assert_false(hints_of("a = 1", 5, false, &hint));
    reef_toml reader;
    reef_toml_event event;
    reef_toml_limits limits = {.depth = 1};
    reef_toml_init(&reader, reef_str_of("a = [[True]]"), &limits);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        continue;
    assert_int_equal(reef_toml_code(&reader), REEF_LIMIT);
    reef_toml_hint(&reader, false, REEF_WANT_ANY, &hint);
    assert_string_equal(hint.text, "");
    reef_toml_free(&reader);
}

/* ---- hostile ------------------------------------------------------------------ */

/* Spoiled in every way, it never shows what is hidden. */
static void check_hidden(const char *bytes, size_t len)
{
    reef_message hint;
    hints_of(bytes, len, true, &hint);
    help_lacks(hint.text, "geheim");
    hints_of(bytes, len, false, &hint);
}

static void spoiled(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "password = \"geheim\"\ndb = 1_000\n",
        "password = '''\ngeheim''' # x\r\n",
        "[server.redis]\npassword = \"geheim\\\"\\u00e9\"\nhosts = ['a', [1.5]]",
        "redis = { db = 0, password = \"geheim\", hosts = [\"geheim@a\"] }\n",
        "server . \"redis\" . password = 'geheim'\n[[a]]\n[a.b]\nc = 2026-01-31 10:00",
        "password geheim\n",
        "password: geheim,\n",
        "[geheim geheim]\n",
        "geheim = geheim, \"geheim\"\n",
        "geheim geheim = [geheim\n",
        "password = \xE2\x80\x9Cgeheim\xE2\x80\x9D\n",
        "\"geheim\" = \"geheim\":6379\n",
    };
    static const char bytes[] = "\"'=,.[]{}#\\ \n\r\t:;0aA_-/\x01\x80\xC2";
    char copy[128];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]);
        for (size_t at = 0; at < len; at++) {
            check_hidden(texts[i], at);
            check_hidden(texts[i] + at, len - at);
            memcpy(copy, texts[i], len);
            for (size_t b = 0; b < sizeof bytes; b++) {
                copy[at] = bytes[b];
                check_hidden(copy, len);
            }
        }
    }
}

/* Documents of pieces at random: read to the end by whoever reads too far. */
static void pieces(void **state)
{
    (void)state;
    static const char *const words[] = {
        "\"", "'",     "\"\"\"", "'''",   "=",  ",",        ".",    "[",
        "]",  "{",     "}",      "#",     "\\", " ",        "\n",   ":",
        ";",  "a",     "true",   "12",    "-",  "_",        "0x",   "(",
        "<",  "$",     "//",     "1-2-3", "9:", "\xC2\xA0", "\r\n", "\xE2\x80\x9C",
        "[[", "hosts", "5s",     "+"};
    uint64_t seed = 0x9E3779B97F4A7C15u;
    char text[256];
    for (int round = 0; round < 40000; round++) {
        size_t len = 0, count = 1 + seed % 16;
        for (size_t i = 0; i < count; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            const char *word = words[(seed >> 20) % (sizeof words / sizeof words[0])];
            memcpy(text + len, word, strlen(word));
            len += strlen(word);
        }
        check_hidden(text, len);
    }
}

/* ---- the nearest name --------------------------------------------------------- */

/* The names of a text with a blank behind each. */
static size_t near_among(const char *text, const char *word)
{
    reef_str names[16];
    size_t count = 0;
    for (const char *end; (end = strchr(text, ' ')) != NULL; text = end + 1)
        names[count++] = (reef_str){text, (size_t)(end - text)};
    assert_int_equal(reef_nearest(reef_str_of(word), names, 0), 0);
    return reef_nearest(reef_str_of(word), names, count);
}

static void near_is(const char *word, const char *expected)
{
    static const char *const names[] = {
        "enabled",         "hosts",        "username", "password", "db", "master_name",
        "connect_timeout", "call_timeout", "lanes",    "protocol", ""};
    size_t found = near_among("enabled hosts username password db master_name "
                              "connect_timeout call_timeout lanes protocol ",
                              word);
    if (strcmp(names[found], expected) != 0)
        fail_msg("%s: %s", word, names[found]);
}

static void nearest(void **state)
{
    (void)state;
    near_is("host", "hosts");
    near_is("Hosts", "hosts");
    near_is("hsots", "hosts");
    near_is("enable", "enabled");
    near_is("user_name", "username");
    near_is("master-name", "master_name");
    near_is("masterName", "master_name");
    near_is("dbs", "db");
    near_is("lane", "lanes");
    near_is("protocoll", "protocol");
    near_is("connecttimeout", "connect_timeout");
    near_is("pass", "password"); /* how one name begins */
    near_is("USER", "username");
    near_is("pa", "");
    near_is("d", "");
    near_is("timeout", "");
    near_is("port", "");
    near_is("id", "");
    near_is("", "");
    near_is("connect_timeout_in_milliseconds_and_more", "");
    near_is("c", "");
}

/* Two names that begin alike: neither is meant more than the other. */
static void nearest_of_two(void **state)
{
    (void)state;
    static const char names[] = "sentinel_username sentinel_password ";
    assert_int_equal(near_among(names, "sentinel"), 2);
    assert_int_equal(near_among(names, "sentinel_pass"), 1);
    assert_int_equal(near_among(names, "sentinel_user"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),          cmocka_unit_test(lookalikes),
        cmocka_unit_test(controls),        cmocka_unit_test(comments),
        cmocka_unit_test(left_over),       cmocka_unit_test(no_hint),
        cmocka_unit_test(limits_and_good), cmocka_unit_test(spoiled),
        cmocka_unit_test(pieces),          cmocka_unit_test(nearest),
        cmocka_unit_test(nearest_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
