/* SPDX-License-Identifier: Apache-2.0
 *
 * config_report: findings made, kept and told. */
#include "config/report.h"
#include "config_draft.h"

static reef_report report;
static reef_error error;
static char page[REEF_FINDING_TEXT];

static void put(const char *text, const reef_finding_draft *draft)
{
    reef_document document = {"knot.toml", help_copy(text, strlen(text))};
    memset(&report, 0, sizeof report);
    reef_error_clear(&error);
    reef_report_put(&report, &error, &document, draft);
    help_free(document.text);
    assert_int_equal(report.count, 1);
    size_t len = reef_finding_text(&report.findings[0], page, sizeof page);
    assert_int_equal(len, strlen(page));
}

/* ---- one finding -------------------------------------------------------------- */

static void forms(void **state)
{
    const char *text = "[server.redis]\n\n  enabled = True\n";
    reef_finding_draft draft = draft_of(text, "True", "a boolean is written small");
    (void)state;
    draft.hint = reef_str_of("write true");
    put(text, &draft);
    assert_string_equal(page, "knot.toml:3:13: error: a boolean is written small\n"
                              "    3 |   enabled = True\n"
                              "      |             ^^^^\n"
                              "      = hint: write true\n");
    assert_string_equal(error.text,
                        "knot.toml:3:13: a boolean is written small; write true");
    assert_int_equal(error.code, REEF_BADCONFIG);
    assert_int_equal(report.errors, 1);
    assert_int_equal(report.warnings, 0);
    assert_int_equal(report.findings[0].place_len, strlen("knot.toml:3:13: "));
    draft.warning = true;
    put(text, &draft);
    help_contains(page, "knot.toml:3:13: warning: a boolean");
    assert_int_equal(error.code, REEF_OK);
    assert_string_equal(error.text, "");
    assert_int_equal(report.warnings, 1);
    assert_true(report.findings[0].warning);
}

static void without_a_line(void **state)
{
    reef_finding_draft draft = draft_of("", "", "found \"x\"; allowed: 0 to 9");
    reef_message sentence = {0};
    (void)state;
    draft.name = "KNOT_REDIS_DB";
    draft.hint = reef_str_of("write 0");
    put("a = 1", &draft);
    assert_string_equal(page, "KNOT_REDIS_DB: error: found \"x\"; allowed: 0 to 9\n"
                              "      = hint: write 0\n");
    assert_string_equal(error.text,
                        "KNOT_REDIS_DB: found \"x\"; allowed: 0 to 9; write 0");
    assert_int_equal(report.findings[0].here.line, 0);
    /* a place in a text that is not at hand */
    draft =
        (reef_finding_draft){.code = REEF_BADCONFIG, .mark = {0, 0, 7}, .column = 9};
    draft.sentence = reef_str_of("wrong");
    put("", &draft);
    assert_string_equal(page, "knot.toml:7:9: error: wrong\n");
    assert_int_equal(report.findings[0].here.line, 7);
    assert_int_equal(report.findings[0].here.column, 9);
    /* and what is no draft of anybody's */
    reef_message_add(&sentence, "can't be read");
    reef_error_clear(&error);
    reef_error_clear(NULL);
    assert_int_equal(reef_report_fail(&report, &error, REEF_NOMEM, "a.toml", &sentence),
                     REEF_NOMEM);
    assert_int_equal(error.code, REEF_NOMEM);
    assert_string_equal(error.text, "a.toml: can't be read");
    assert_string_equal(report.findings[1].text, "a.toml: can't be read");
    assert_int_equal(reef_report_fail(NULL, NULL, REEF_BADCONFIG, "a.toml", &sentence),
                     REEF_BADCONFIG);
}

/* An empty line is none to show. */
static void empty_line(void **state)
{
    reef_finding_draft draft = draft_of("x = [\n", "", "the \"]\" is missing");
    (void)state;
    draft.entry = 0;
    put("x = [\n", &draft);
    assert_string_equal(page, "knot.toml:2:1: error: the \"]\" is missing\n");
}

/* The first error goes to the caller, with its hint where all of it fits. */
static void one_line(void **state)
{
    char hint[REEF_ERROR_TEXT];
    reef_finding_draft draft = draft_of("a", "a", "first");
    reef_document document = {"k", reef_str_of("a")};
    (void)state;
    memset(hint, 'h', sizeof hint);
    size_t room = REEF_ERROR_TEXT - 1 - strlen("k:1:1: ; ");
    for (size_t len = 100; len < REEF_HINT_TEXT; len++) {
        char sentence[REEF_ERROR_TEXT];
        for (size_t over = 0; over < 2; over++) {
            memset(sentence, 's', sizeof sentence);
            draft.sentence = (reef_str){sentence, room - len + over};
            draft.hint = (reef_str){hint, len};
            reef_error_clear(&error);
            reef_report_put(NULL, &error, &document, &draft);
            assert_int_equal(strstr(error.text, "; hh") != NULL, over == 0);
            assert_int_equal(strlen(error.text), over == 0 ? REEF_ERROR_TEXT - 1
                                                           : REEF_ERROR_TEXT - len - 2);
        }
    }
    draft.code = REEF_LIMIT; /* only the first is kept */
    draft.sentence = reef_str_of("second");
    reef_report_put(NULL, &error, &document, &draft);
    assert_int_equal(error.code, REEF_BADCONFIG);
    reef_report_put(NULL, NULL, &document, &draft);
    reef_error_clear(&error);
    reef_report_put(&report, &error, &document, &draft);
    assert_int_equal(error.code, REEF_LIMIT);
}

/* ---- two places --------------------------------------------------------------- */

static void second_place(void **state)
{
    const char *text = "x = 1\n\n\n  db = 0\n\n\n\n\n  db = 1\n";
    reef_finding_draft draft =
        draft_of(text, "db", "the key \"db\" is set a second time");
    (void)state;
    set_first(&draft, text, "db");
    draft.hint = reef_str_of("keep one of the two");
    put(text, &draft);
    assert_string_equal(page,
                        "knot.toml:9:3: error: the key \"db\" is set a second time\n"
                        "    9 |   db = 1\n"
                        "      |   ^^\n"
                        "knot.toml:4:3: note: it was set here first\n"
                        "    4 |   db = 0\n"
                        "      |   ^^\n"
                        "      = hint: keep one of the two\n");
    assert_string_equal(report.findings[0].note, "it was set here first");
    draft.note = NULL;
    put(text, &draft);
    help_contains(page, "knot.toml:4:3: note: \n");
    text = "x = { db = 0, db = 1 }";
    draft = draft_of(text, "db", "twice");
    set_first(&draft, text, "db");
    put(text, &draft);
    assert_string_equal(page, "knot.toml:1:15: error: twice\n"
                              "    1 | x = { db = 0, db = 1 }\n"
                              "      |               ^^\n"
                              "knot.toml:1:7: note: it was set here first\n"
                              "    1 | x = { db = 0, db = 1 }\n"
                              "      |       ^^\n");
}

/* Where the line of the first place is shown. Its place always is. */
static void second_place_safe(void **state)
{
    static const struct {
        const char *text, *part;
        size_t entry;
        bool shown;
    } cases[] = {
        {"[db]\n[db]", "db", 5, true},
        {"[[a.db]]\n[a.db]", "db", 9, true},
        {"  a.db = 1\na.db = 2", "db", 11, true},
        {"\"db\" = 1\n\"db\" = 2", "\"db\"", 9, true},
        {"x = [\n 1,\n 2", "", 0, true}, /* of the same entry */
        {"x = {\n db = 1,\n db = 2 }", "db", 0, true},
        {"db = 1 # password Q\ndb = 2", "db", 20, false},
        {"db = 'Q@h'\ndb = 2", "db", 11, false},
        {"db = 1\ndb = 'Q@h'", "db", 7, false},
        {"db = 'C:\\Q'\ndb = 2", "db", 12, false},
        {"x = '''\nQ''', db = 1\ndb = 2", "db", 21, false},
        {"x = '''\n 'Q', db = 1\ndb = 2", "db", 21, false},
        {"[tokens]\ndb = Q\n[x]\ndb = 1", "db", 20, false},
        {"pw = {\n db = 'Q',\n db = 2 }", "db", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reef_finding_draft draft = draft_of(cases[i].text, cases[i].part, "again");
        set_first(&draft, cases[i].text, cases[i].part);
        draft.entry = cases[i].entry;
        put(cases[i].text, &draft);
        const reef_excerpt *first = &report.findings[0].first;
        assert_true(first->line > 0 && first->column > 0);
        if ((first->text[0] != 0) != cases[i].shown)
            fail_msg("%s:\n%s", cases[i].text, page);
        if (!cases[i].shown)
            help_lacks(page, "Q");
        help_contains(page, "note: it was set here first\n");
    }
}

/* Numbers of any length are aligned, with each other too. */
static void gutters(void **state)
{
    reef_finding finding = {.text = "k:123456:1: x", .place_len = 12};
    (void)state;
    finding.here = (reef_excerpt){.line = 123456, .column = 1, .width = 1, .text = "a"};
    finding.first = (reef_excerpt){.line = 7, .column = 1, .width = 1, .text = "b"};
    memcpy(finding.note, "n", 2);
    memcpy(finding.hint, "h", 2);
    reef_finding_text(&finding, page, sizeof page);
    assert_string_equal(page, "k:123456:1: error: x\n"
                              "123456 | a\n"
                              "       | ^\n"
                              "k:7:1: note: n\n"
                              "     7 | b\n"
                              "       | ^\n"
                              "       = hint: h\n");
    memset(&finding.first, 0, sizeof finding.first);
    finding.here.line = 12;
    finding.hint[0] = 0;
    reef_finding_text(&finding, page, sizeof page);
    help_contains(page, "\n   12 | a\n      | ^\n");
}

/* ---- what is kept ------------------------------------------------------------- */

static void fill(char kind, size_t number)
{
    char sentence[32];
    reef_finding_draft draft = {
        .name = "v", .code = REEF_BADCONFIG, .warning = kind == 'w'};
    snprintf(sentence, sizeof sentence, "%c%zu", kind, number);
    draft.sentence = reef_str_of(sentence);
    reef_report_put(&report, NULL, NULL, &draft);
}

static void kept(const char *want)
{
    char got[16 * REEF_FINDINGS_MAX] = "";
    for (uint32_t i = 0; i < report.count; i++) {
        strcat(got, report.findings[i].text + report.findings[i].place_len);
        strcat(got, " ");
    }
    assert_string_equal(got, want);
}

static void full(void **state)
{
    (void)state;
    memset(&report, 0, sizeof report);
    for (size_t i = 0; i < REEF_FINDINGS_MAX; i++)
        fill(i % 4 == 1 ? 'w' : 'e', i);
    fill('w', 20);
    kept("e0 w1 e2 e3 e4 w5 e6 e7 e8 w9 e10 e11 e12 w13 e14 e15 e16 w17 e18 e19 ");
    for (size_t i = 21; i < 24; i++)
        fill('e', i);
    kept("e0 w1 e2 e3 e4 w5 e6 e7 e8 e10 e11 e12 e14 e15 e16 e18 e19 e21 e22 e23 ");
    for (size_t i = 24; i < 30; i++)
        fill('e', i);
    kept("e0 e2 e3 e4 e6 e7 e8 e10 e11 e12 e14 e15 e16 e18 e19 e21 e22 e23 e24 e25 ");
    assert_int_equal(report.warnings, 6);
    assert_int_equal(report.errors, 24);
    assert_int_equal(report.count, REEF_FINDINGS_MAX);
}

/* A report that is full costs nothing, however long the line. */
static void full_is_cheap(void **state)
{
    size_t len = 1 << 22;
    char *bytes = malloc(len);
    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'a', len);
    reef_document document = {"k", {bytes, len}};
    reef_finding_draft draft = {.code = REEF_BADCONFIG, .mark = {len, 0, 1}};
    memset(&report, 0, sizeof report);
    reef_error_clear(&error);
    for (uint32_t i = 0; i < 1000000; i++)
        reef_report_put(&report, &error, &document, &draft);
    assert_int_equal(report.errors, 1000000);
    assert_int_equal(report.findings[0].here.column, len + 1);
    free(bytes);
}

/* ---- texts -------------------------------------------------------------------- */

static void check_safe(const char *text, size_t cap)
{
    assert_true(memchr(text, 0, cap) != NULL);
    assert_true(reef_utf8_valid(reef_str_of(text)));
    for (const char *c = text; *c != 0; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            fail_msg("a control character in: %s", text);
}

static void check_finding(const reef_finding *finding)
{
    check_safe(finding->text, sizeof finding->text);
    check_safe(finding->hint, sizeof finding->hint);
    check_safe(finding->note, sizeof finding->note);
    check_safe(finding->here.text, sizeof finding->here.text);
    check_safe(finding->first.text, sizeof finding->first.text);
    assert_true(finding->place_len < sizeof finding->text);
    size_t len = reef_finding_text(finding, page, sizeof page);
    assert_true(len < REEF_FINDING_TEXT && len == strlen(page));
}

/* Whatever is said, it is cut at a character's edge and safe for a terminal. */
static void long_words(void **state)
{
    static const char *const pieces[] = {
        "x",    "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "\x1B", "\xFF",     "\xE2\x80\xAE"};
    char words[1024];
    (void)state;
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        size_t size = strlen(pieces[p]);
        for (size_t count = 0; (count + 1) * size < sizeof words; count++) {
            memcpy(words + count * size, pieces[p], size);
            words[(count + 1) * size] = 0;
            reef_finding_draft draft = draft_of("a = b", "b", words);
            draft.hint = reef_str_of(words);
            set_first(&draft, "a = b", "a");
            draft.note = words;
            put("a = b", &draft);
            check_finding(&report.findings[0]);
            check_safe(error.text, sizeof error.text);
        }
    }
}

/* The longest finding there is fits; each cap cuts it at a character's edge. */
static void longest(void **state)
{
    static char whole[REEF_FINDING_TEXT];
    static reef_finding finding;
    const char *euro = "\xE2\x82\xAC";
    (void)state;
    for (size_t i = 0; i + 3 < sizeof finding.text; i += 3)
        memcpy(finding.text + i, euro, 3);
    for (size_t i = 0; i + 3 < sizeof finding.hint; i += 3)
        memcpy(finding.hint + i, euro, 3);
    for (size_t i = 0; i + 3 < sizeof finding.note; i += 3)
        memcpy(finding.note + i, euro, 3);
    for (size_t i = 0; i + 3 < sizeof finding.here.text; i += 3)
        memcpy(finding.here.text + i, euro, 3);
    finding.warning = true;
    finding.place_len = (uint32_t)strlen(finding.text);
    finding.here.line = finding.here.column = UINT32_MAX;
    finding.here.caret = finding.here.width = UINT32_MAX;
    finding.first = finding.here;
    size_t len = reef_finding_text(&finding, whole, sizeof whole);
    assert_int_equal(len, strlen(whole));
    assert_true(len < REEF_FINDING_TEXT / 2);
    page[0] = 'x';
    assert_int_equal(reef_finding_text(&finding, page, 0), len);
    assert_int_equal(page[0], 'x');
    for (size_t cap = 1; cap <= len + 1; cap++) {
        char *exact = malloc(cap);
        assert_non_null(exact);
        assert_int_equal(reef_finding_text(&finding, exact, cap), len);
        size_t got = strlen(exact);
        assert_true(got < cap && got + 3 >= cap);
        assert_memory_equal(exact, whole, got);
        assert_true(reef_utf8_valid(reef_str_of(exact)));
        free(exact);
    }
}

/* ---- any text ----------------------------------------------------------------- */

/* Random bytes with random places, those that contradict each other too. */
static void any_text(void **state)
{
    static const char likely[] = "\n\n\n\r\t[]=.\"'#@:\\ \xC3\xA4\xE2\x80\xAEpassword";
    uint32_t seed = 2463534242;
    char bytes[400];
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t len = any_next(&seed) % sizeof bytes;
        bool wild = any_next(&seed) % 2 == 0;
        for (size_t i = 0; i < len; i++)
            bytes[i] = wild ? (char)any_next(&seed)
                            : likely[any_next(&seed) % (sizeof likely - 1)];
        reef_document document = {"k", help_copy(bytes, len)};
        reef_finding_draft draft = {
            .code = REEF_BADCONFIG, .has_first = true, .note = "n"};
        draft.mark = mark_at(bytes, len > 0 ? any_next(&seed) % len : 0);
        draft.first = mark_at(bytes, len > 0 ? any_next(&seed) % len : 0);
        draft.size = any_next(&seed) % 500;
        draft.first_size = any_next(&seed) % 500;
        draft.entry = any_next(&seed) % 400;
        draft.entry_end = any_next(&seed) % 500;
        if (round % 16 == 0)
            draft.mark.line_at = any_next(&seed) % 500;
        if (round % 16 == 1)
            draft.mark.at = any_next(&seed) % 500;
        memset(&report, 0, sizeof report);
        reef_report_put(&report, NULL, &document, &draft);
        check_finding(&report.findings[0]);
        help_free(document.text);
    }
}

static void masks(void **state)
{
    reef_document document = {"k", reef_str_of("db = 1\npassword = 'Q'")};
    reef_finding_draft draft = draft_of("db = 1\npassword = 'Q'", "1", "x");
    (void)state;
    assert_false(reef_report_masks(&document, &draft));
    draft = draft_of("db = 1\npassword = 'Q'", "Q", "x");
    assert_true(reef_report_masks(&document, &draft));
    draft = (reef_finding_draft){.name = "KNOT_REDIS_PASSWORD", .secret = true};
    assert_true(reef_report_masks(NULL, &draft));
    draft.secret = false;
    assert_false(reef_report_masks(NULL, &draft));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),         cmocka_unit_test(without_a_line),
        cmocka_unit_test(empty_line),    cmocka_unit_test(one_line),
        cmocka_unit_test(second_place),  cmocka_unit_test(second_place_safe),
        cmocka_unit_test(gutters),       cmocka_unit_test(full),
        cmocka_unit_test(full_is_cheap), cmocka_unit_test(long_words),
        cmocka_unit_test(longest),       cmocka_unit_test(any_text),
        cmocka_unit_test(masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
