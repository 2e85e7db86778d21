/* SPDX-License-Identifier: Apache-2.0
 *
 * config_mask: which lines are masked, and what is left of them. */
#include "config/mask.h"
#include "config/text.h"
#include "config_help.h"

/* From a copy at exact size. */
static bool hides(const char *bytes, size_t len)
{
    reef_str text = help_copy(bytes, len);
    bool found = reef_mask_hides(text, 0, len);
    help_free(text);
    return found;
}

static void words(void **state)
{
    static const char *const secret[] = {
        "password", "PassWord", "my_passwd = 1", "passphrase", "passwort", "pwd",
        "kennwort", "pa\xC3\x9Fwort", "PW", "a.secret", "tokens", "encrypt = ''",
        "[credentials]", "private_key", "authorization", "dsn", "u@h", "@",
        /* a letter missing, wrong, too many, or two of them turned */
        "assword", "pssword", "paxsword", "psasword", "apssword", "pasxsword",
        "passwrod", "xassword", "seret", "secrett", "secxet", "tken", "tolken", "toxen",
        "encript", "credentail", "privat",
        /* a URL with credentials that has lost its "@" */
        "redis://:x", "redis://u:x1", "redis://u:123456", "redis://u:", "://u:63x9/0",
        /* a name, a colon and no port */
        "default:Qx9", "[\"default:Qx9redis.local:6379\"]", "['first.last:123456']",
        "a:1x", "a:1:x", "\"b:x", "[\":Qx\"]", "':1234567'", "dead:beef", "12:3x",
        "a:/x", "07:32:00x", "x07:32:00Q", "fe80::zz",
        /* a key of any kind, or credentials */
        "key = ''", "[a.keys]", "license-key=1", "'api_key' = 1", "KEY: x",
        "creds = []", "key \"x",
        /* escapes that can spell any word */
        "\"\\u0070\" = ", "\\U00000070", "\\x70", "C:\\xaffe"};
    static const char *const plain[] = {"",
                                        "a = 1",
                                        "enabled = True",
                                        "hosts = [\"localhost:6379\"]",
                                        "pa",
                                        "p w",
                                        "swor d",
                                        "redis://10.0.0.1:6379",
                                        "redis://localhost",
                                        "redis://localhost/0",
                                        "[\"redis://a:1\", 'b:6379']",
                                        "db: 3",
                                        "{\"enabled\": true}",
                                        "[\"[2001:db8::1]:6379\"]",
                                        "::1",
                                        "fe80::1%eth0",
                                        "::ffff:1.2.3.4",
                                        "1979-05-27T07:32:00.5+01:00",
                                        "07:32:00Z",
                                        "10.0.0.8:637900",
                                        "\"unix:/run/redis.sock\"",
                                        "a:6379/0",
                                        "# the key is kept here",
                                        "keyspace = 1",
                                        "C:\\Users\\ada",
                                        "\\n \\t \\u",
                                        "\\x7",
                                        "secr",
                                        "tok",
                                        "ds n",
                                        "https://knot.example:3000/"};
    (void)state;
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        if (!hides(secret[i], strlen(secret[i])))
            fail_msg("\"%s\" is shown", secret[i]);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (hides(plain[i], strlen(plain[i])))
            fail_msg("\"%s\" is hidden", plain[i]);
    assert_true(hides("p\0a\0s\0", 6)); /* UTF-16 */
}

/* Only what holds a secret is taken for it, among reef's own settings. */
static void settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        const char *name = reef_setting_name((reef_setting)i);
        bool secret = i == REEF_SET_PASSWORD || i == REEF_SET_SENTINEL_PASSWORD;
        if (hides(name, strlen(name)) != secret)
            fail_msg("%s", name);
    }
}

static void ranges(void **state)
{
    static char much[REEF_MASK_LOOK + 2];
    reef_str text = reef_str_of("a password b");
    (void)state;
    assert_true(reef_mask_hides(text, 2, 10));
    assert_true(reef_mask_hides(text, 0, 99));
    assert_false(reef_mask_hides(text, 0, 4));
    assert_false(reef_mask_hides(text, 6, 6));
    assert_false(reef_mask_hides(text, 10, 2));
    assert_false(reef_mask_hides(text, 99, 100));
    assert_false(reef_mask_hides((reef_str){0}, 0, 1));
    memset(much, 'a', sizeof much);
    assert_false(hides(much, REEF_MASK_LOOK));
    assert_true(hides(much, REEF_MASK_LOOK + 1));
}

/* ---- lines -------------------------------------------------------------------- */

typedef struct mask_case {
    const char *text;
    size_t entry, line_at;
    const char *shown; /* of the line, before "***"; NULL: it is not masked */
    bool whole;        /* nothing stands behind it */
    size_t before;
} mask_case;

static void check(const mask_case *c)
{
    size_t len = strlen(c->text);
    reef_str text = help_copy(c->text, len);
    reef_mask_place place = {c->line_at, c->entry, len, c->before, false};
    bool needed = reef_mask_needed(text, &place);
    size_t end = reef_mask_shown(text, &place);
    size_t most = reef_str_find(text, '\n', c->line_at);
    if (needed != (c->shown != NULL))
        fail_msg("%s: %s", c->text, needed ? "masked" : "shown");
    if (needed && c->whole != (end == SIZE_MAX))
        fail_msg("%s: %zu", c->text, end);
    if (needed && end == SIZE_MAX)
        end = most;
    if (needed && !reef_str_equal(reef_str_part(text, c->line_at, end - c->line_at),
                                  reef_str_of(c->shown)))
        fail_msg("%s: shown \"%.*s\"", c->text, (int)(end - c->line_at),
                 text.ptr + c->line_at);
    help_free(text);
}

static void lines(void **state)
{
    static const mask_case cases[] = {
        {"enabled = True", 0, 0, NULL, false, 0},
        {"password = 'Q'", 0, 0, "password = ", false, 0},
        {"  password\t=  'Q'", 0, 0, "  password\t=  ", false, 0},
        {"password='Q'", 0, 0, "password=", false, 0},
        {"password =", 0, 0, "password =", true, 0},
        {"password", 0, 0, "password", true, 0},
        {"password \r\n", 0, 0, "password \r", true, 0},
        {"password Q", 0, 0, "password ", false, 0},
        {"password: Q", 0, 0, "password: ", false, 0},
        {"server.redis.password = 'Q'", 0, 0, "server.redis.password = ", false, 0},
        {"sentinel_password Q", 0, 0, "sentinel_password ", false, 0},
        {"db_passwords = ['Q']", 0, 0, "db_passwords = ", false, 0},
        {"password_file = 'Q'", 0, 0, "password_file = ", false, 0},
        {"passwrod = 'Q'", 0, 0, "passwrod = ", false, 0},
        /* what can't be told from the secret */
        {"passwrod = Q", 0, 0, "", false, 0},
        {"password-Q", 0, 0, "", false, 0},
        {"passwordQkey", 0, 0, "", false, 0},
        {"passwordQkey\"", 0, 0, "", false, 0},
        {"password-key", 0, 0, "", false, 0},
        {"passwordQkey= 1", 0, 0, "", false, 0},
        {"passwordQUJD=\"", 0, 0, "", false, 0},
        {"passwordQUJD=\"\"", 0, 0, "", false, 0},
        {"api_key = 'Q'", 0, 0, "api_key = ", false, 0},
        {"password-Q= 1", 0, 0, "", false, 0},
        {"password.Q = 1", 0, 0, "password.", false, 0},
        {"Q@host", 0, 0, "", false, 0},
        {"export PASSWORD=Q", 0, 0, "", false, 0},
        {"PASSWORD=Q", 0, 0, "PASSWORD=", false, 0},
        {"\"password\" = 'Q'", 0, 0, "", false, 0},
        {"hosts = ['u:Q@h']", 0, 0, "hosts = ", false, 0},
        {"hosts ['u:Q@h']", 0, 0, "", false, 0},
        {"x = {password = 'Q'}", 0, 0, "x = ", false, 0},
        {"# password Q", 0, 0, "", false, 0},
        /* headers */
        {"[server.redis] password = 'Q'", 0, 0, "[server.redis] ", false, 0},
        {"[server.redis]password='Q'", 0, 0, "[server.redis]", false, 0},
        {"[[a.tokens]] Q", 0, 0, "[[a.tokens]] ", false, 0},
        {"[password Q]", 0, 0, "[password ", false, 0},
        {"[password-Q", 0, 0, "", false, 0},
        {"['u:Q@h']", 0, 0, "", false, 0},
        {"[[[password]", 0, 0, "", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(&cases[i]);
}

static void lines_above(void **state)
{
    static const mask_case cases[] = {
        /* lines of an entry that began above */
        {"password = '''\nQ", 0, 15, "", false, 0},
        {"password = '''\n\n", 0, 15, "", true, 0},
        {"x = [1,\n password = 'Q'", 0, 8, "", false, 0},
        {"x = 1\npassword = 'Q'", 6, 6, "password = ", false, 6},
        {"x = 1\nenabled = True", 6, 6, NULL, false, 6},
        {"password = 'Q'\nenabled = True", 15, 15, NULL, false, 15},
        /* the rest of a value that was broken in two */
        {"password = 'Q'\n 'Q'", 15, 15, "", false, 15},
        {"password = 'Q'\n\nQ", 16, 16, "", false, 16},
        {"password = 'Q'\nenabled true", 15, 15, NULL, false, 15},
        {"enabled = true\nQ", 15, 15, NULL, false, 15},
        {"# the password is\nour Q", 18, 18, "", false, 18},
        {"# the password\ndb = 1", 15, 15, NULL, false, 15},
        {"# the host is\nour x", 14, 14, NULL, false, 14},
        /* or of an entry */
        {"password = '''\na\nb'''\nQ'''", 22, 22, "", false, 0},
        {"x = 'password'\na = ['''\nb''']\nx", 29, 29, NULL, false, 15},
        {"x = '''\nQ''', db = 1", 14, 8, "", false, 14}, /* an entry within the line */
        /* below a header that names a secret */
        {"[passwords]\nmain = 'Q'", 12, 12, "main = ", false, 12},
        {"[passwords] # all\n# x\n\nmain Q", 23, 23, "", false, 23},
        {"[passwords]\nx = [\n[1,2],\n[3]]\nmain = 'Q'", 31, 31, NULL, false, 31},
        {"[passwords]\n[a]\nmain = 'Q'", 16, 16, NULL, false, 16},
        {"[passwords]\n[server", 12, 12, NULL, false, 12},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(&cases[i]);
}

static void told(void **state)
{
    reef_str text = reef_str_of("x = 'Q'");
    reef_mask_place place = {0, 0, 0, 0, true};
    (void)state;
    assert_true(reef_mask_needed(text, &place));
    assert_int_equal(reef_mask_shown(text, &place), 4);
    place.secret = false;
    assert_false(reef_mask_needed(text, &place));
}

/* A line, an entry, or the way to the header above, longer than is looked through. */
static void long_lines(void **state)
{
    size_t len = 2 * REEF_MASK_LOOK;
    char *bytes = malloc(len);
    assert_non_null(bytes);
    (void)state;
    memset(bytes, 'a', len);
    memcpy(bytes, "x = ", 4);
    reef_str text = {bytes, len};
    reef_mask_place place = {0, 0, 0, 0, false};
    assert_true(reef_mask_needed(text, &place));
    assert_int_equal(reef_mask_shown(text, &place), 0);
    bytes[REEF_MASK_LOOK] = '\n';
    assert_false(reef_mask_needed(text, &place));
    place.entry_end = REEF_MASK_LOOK + 1;
    assert_true(reef_mask_needed(text, &place));
    place = (reef_mask_place){len - 9, 0, 0, 0, false};
    bytes[len - 10] = '\n';
    assert_true(reef_mask_needed(text, &place));
    memset(bytes, '\n', len);
    memcpy(bytes, "[passwords]", 11);
    memcpy(bytes + REEF_MASK_LOOK, "x = 1", 5);
    place = (reef_mask_place){REEF_MASK_LOOK, REEF_MASK_LOOK, 0, REEF_MASK_LOOK, false};
    assert_true(reef_mask_needed(text, &place));
    place.line_at++;
    place.entry++;
    assert_true(reef_mask_needed(text, &place)); /* too far to know: in doubt masked */
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),       cmocka_unit_test(settings),
        cmocka_unit_test(ranges),      cmocka_unit_test(lines),
        cmocka_unit_test(lines_above), cmocka_unit_test(told),
        cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
