/* SPDX-License-Identifier: Apache-2.0
 *
 * config_secrets: no byte of a secret is in a finding, however its line is spoiled and
 * wherever on it something is wrong. */
#include "config_draft.h"

static reef_report report;
static char page[REEF_FINDING_TEXT];

/* Either half of the secret tells too much; where one is spoiled, the other is not. */
static void check_secret(const char *what, const char *bytes, size_t len, size_t at)
{
    if (strstr(page, "geh") != NULL || strstr(page, "eim") != NULL)
        fail_msg("%s, place %zu: \"%.*s\" as\n%s", what, at, (int)len, bytes, page);
}

/* Every third place of the text and the last one, each with a second place. */
static void every_place(const char *what, const char *bytes, size_t len, size_t entry)
{
    char copy[128];
    memcpy(copy, bytes, len);
    copy[len] = 0;
    for (size_t at = entry; at <= len; at += at + 3 > len && at < len ? len - at : 3) {
        reef_document document = {"k", {copy, len}};
        reef_finding_draft draft = {.size = at % 7, .has_first = true, .first_size = 3};
        draft.mark = mark_at(copy, at);
        draft.first = mark_at(copy, at % 2 == 0 ? entry : at);
        draft.entry = entry;
        draft.entry_end = at;
        memset(&report, 0, sizeof report);
        reef_report_put(&report, NULL, &document, &draft);
        reef_finding_text(&report.findings[0], page, sizeof page);
        check_secret(what, copy, len, at);
        if (at == len)
            break;
    }
}

/* One byte another, none, or one too many; and the end cut off. */
static void spoil(const char *text, size_t entry)
{
    static const char others[] = {'x', '-',  '_', '.',  ' ', '=', ':', ',',
                                  '"', '\'', ']', '[',  '#', '@', '0', 0,
                                  9,   '\n', 13,  '\\', '{', '}', 27,  (char)0xFF};
    char bytes[128];
    size_t len = strlen(text);
    every_place("whole", text, len, entry);
    for (size_t i = entry; i < len; i++) {
        every_place("cut", text, i, entry);
        memcpy(bytes, text, i);
        memcpy(bytes + i, text + i + 1, len - i - 1);
        every_place("without a byte", bytes, len - 1, entry);
        for (size_t k = 0; k < sizeof others; k++) {
            memcpy(bytes, text, len);
            bytes[i] = others[k];
            every_place("a byte changed", bytes, len, entry);
            memcpy(bytes + i + 1, text + i, len - i);
            every_place("a byte more", bytes, len + 1, entry);
        }
    }
}

static void secrets_spoiled(void **state)
{
    static const char *const texts[] = {
        "password = \"geheim\"",
        "password=geheim",
        "password geheim",
        "password: geheim",
        "password := 'geheim'",
        "\"password\" = \"geheim",
        "'password' = 'geheim'",
        "password = \"geheim",
        "password = 'geheim' x",
        "password = geheim'",
        "password = \"\"\"\ngeheim\n\"\"\"x",
        "password = '''geheim'''",
        "password = [\n'a',\n'geheim']",
        "password = \n  geheim",
        "password = 'ge\ngeheim'",
        "redis = { password = \"geheim\", db = zz }",
        "redis = {\n password = 'geheim',\n db = zz }",
        "[server.redis] password = \"geheim\"",
        "[server.redis]password='geheim'",
        "server.redis.password = 'geheim'",
        "password.geheim = 1",
        "password-geheim",
        "[password geheim]",
        "sentinel_password = geheim",
        "# password geheim \x01",
        "#password=geheim",
        "export KNOT_REDIS_PASSWORD=geheim",
        "- password: geheim",
        "{\"password\": \"geheim\"}",
        "passwort = \xE2\x80\x9Cgeheim\xE2\x80\x9D",
        "PASSWD\t=\t\"geheim\"",
        "a = 1\rpassword = geheim\rb = 2\r",
        "hosts = [\"redis://:geheim@host\"]",
        "secret = 'geheim'",
        "tokens = ['geheim']",
        "credentials geheim",
        "private_key = geheim",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char below[128];
        spoil(texts[i], 0);
        snprintf(below, sizeof below, "db = 0\n%s", texts[i]);
        every_place("below a line", below, strlen(below), 7);
    }
}

/* Spellings that only are what they are as long as nothing of the key is spoiled. */
static void secrets_whole(void **state)
{
    static const struct {
        const char *text;
        size_t entry;
        bool secret;
    } cases[] = {
        {"pwd = 'geheim'", 0, false},
        {"pw geheim", 0, false},
        {"auth: geheim", 0, false},
        {"dsn = geheim", 0, false},
        {"hosts = ['u:geheim@h']", 0, false},
        {"hosts = [\"u:geheim\\u0040h\"]", 0, false},
        {"\"p\\u0061ssword\" = \"geheim", 0, false},
        {"\"p\\x61ssword\" geheim", 0, false},
        {"x = 'geheim'", 0, true},
        {"[server.redis.password]\ngeheim", 24, false},
        {"[passwords] # of all\n\nmain = geheim", 22, false},
        {"password = ''\n'geheim'", 14, false},
        {"password = 'x' \n  \"geheim\"", 16, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].text;
        reef_document document = {"k", reef_str_of(text)};
        if (!cases[i].secret)
            every_place("whole", text, strlen(text), cases[i].entry);
        reef_finding_draft draft = draft_of(text, "geheim", "wrong");
        draft.entry = cases[i].entry;
        draft.secret = cases[i].secret;
        assert_true(reef_report_masks(&document, &draft));
        memset(&report, 0, sizeof report);
        reef_report_put(&report, NULL, &document, &draft);
        reef_finding_text(&report.findings[0], page, sizeof page);
        check_secret("told", text, strlen(text), draft.mark.at);
        help_contains(report.findings[0].here.text, "***");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_spoiled),
        cmocka_unit_test(secrets_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
