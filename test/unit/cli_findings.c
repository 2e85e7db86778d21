/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with the settings: in colour, counted, and as JSON. */
#include "test/unit/cli_capture.h"

#include "config/config.h"

static int run_print(cli_context *ctx)
{
    fputs("before\n", stdout);
    cli_findings_print(ctx);
    return CLI_DONE;
}

static int run_json(cli_context *ctx)
{
    cli_findings_json(&ctx->report);
    return CLI_DONE;
}

/* What is found in a text, whether it can be used or not. */
static void found_in(cap *c, const char *toml)
{
    reef_config config;
    reef_config_init(&config);
    memset(&c->ctx.report, 0, sizeof c->ctx.report);
    (void)reef_config_parse(&config, "k.toml", reef_str_of(toml), &c->ctx.report, NULL);
    (void)reef_config_check(&config, &c->ctx.report, NULL);
}

/* All findings, one behind the other. */
static const char *found_text(const cap *c)
{
    static char text[CAP_TEXT];
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < c->ctx.report.count; i++)
        len += reef_finding_text(&c->ctx.report.findings[i], text + len,
                                 sizeof text - len);
    return text;
}

/* Without "\033[..m". */
static const char *without_colors(const char *text)
{
    static char out[CAP_TEXT];
    size_t len = 0;
    while (*text != '\0') {
        if (*text == '\033')
            text += strcspn(text, "m") + 1;
        else
            out[len++] = *text++;
    }
    out[len] = '\0';
    return out;
}

static const char *const documents[] = {
    "[server.redis]\n  db = 0\n  db = 1\n",
    "[server.redis]\n\tenabled = True\n",
    "[server.redis]\nhost = \"a\"\n",
    "[server.redis]\npassword = \"hunter2\n",
    "[server.redis]\nhosts = [\"\xc3\xa4\xe4\xbd\xa0\", 3]\ndb = \"x\"\n",
    "[server.redis]\ndb = 0\n[server.redis]\n",
    "a = 1\n\xff",
    "[\"note: \"]\n[\"note: \"]\n",
    "hosts",
    "[server.redis]\nsentinel_password = \"hunter2\"\n",
};

/* Colours apart, it is what the library says, and one is a colour. */
static void findings_are_the_librarys(void **state)
{
    cap *c = *state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        found_in(c, documents[i]);
        assert_true(c->ctx.report.count > 0);
        c->ctx.color_err = false;
        cap_run(c, run_print);
        assert_string_equal(c->out, "before\n");
        const char *expected = found_text(c);
        assert_int_equal(strncmp(c->err, expected, strlen(expected)), 0);
        static char plain[CAP_TEXT];
        memcpy(plain, c->err, strlen(c->err) + 1);
        c->ctx.color_err = true;
        cap_run(c, run_print);
        assert_string_equal(without_colors(c->err), plain);
        assert_int_equal(strncmp(c->err, "\033[1mk.toml", 10), 0);
        cap_has_not(c->err, "hunter2");
    }
}

/* Which colour is where: place, word, caret; an error, a warning and a note. */
static void findings_colors(void **state)
{
    cap *c = *state;
    c->ctx.color_err = true;
    found_in(c, "[server.redis]\nhost = 1\ndb = 0\ndb = 1\n");
    assert_int_equal(c->ctx.report.count, 2);
    reef_finding *f = &c->ctx.report.findings[1];
    (void)snprintf(f->hint, sizeof f->hint, "keep one");
    cap_run(c, run_print);
    cap_has(c->err, "\033[1mk.toml:2:1: \033[0m\033[33mwarning:\033[0m ");
    cap_has(c->err, "\n    2 | host = 1\n      | \033[32m^^^^\033[0m\n");
    cap_has(c->err, "\033[1mk.toml:4:1: \033[0m\033[31merror:\033[0m ");
    cap_has(c->err, "\033[1mk.toml:3:1: \033[0m\033[1mnote:\033[0m ");
    cap_has(c->err, "\n    3 | db = 0\n      | \033[32m^^\033[0m\n");
    cap_has(c->err, "\n      = hint: keep one\n1 error, 1 warning\n");
}

/* One finding needs no count; what was not kept is counted. */
static void findings_counted(void **state)
{
    static const struct {
        uint32_t errors, warnings, kept;
        const char *end;
    } cases[] = {
        {0, 0, 0, ""},
        {1, 0, 1, "k.toml: error: odd\n"},
        {0, 1, 1, "k.toml: error: odd\n"},
        {2, 0, 2, "odd\n2 errors\n"},
        {0, 2, 2, "odd\n2 warnings\n"},
        {2, 1, 3, "odd\n2 errors, 1 warning\n"},
        {1, 26, 20, "odd\n... and 7 more\n1 error, 26 warnings\n"},
        {20, 0, 20, "odd\nat least 20 errors\n"},
        {20, 3, 20, "odd\n... and 3 more\nat least 20 errors, 3 warnings\n"},
        {UINT32_MAX, UINT32_MAX, 20,
         "at least 4294967295 errors, 4294967295 "
         "warnings\n"},
    };
    cap *c = *state;
    reef_report *report = &c->ctx.report;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(report, 0, sizeof *report);
        report->errors = cases[i].errors;
        report->warnings = cases[i].warnings;
        report->count = cases[i].kept;
        for (uint32_t j = 0; j < report->count; j++) {
            reef_finding *f = &report->findings[j];
            (void)snprintf(f->text, sizeof f->text, "k.toml: odd");
            f->place_len = (uint32_t)strlen("k.toml: ");
        }
        cap_run(c, run_print);
        size_t len = strlen(c->err), tail = strlen(cases[i].end);
        assert_true(len >= tail);
        assert_string_equal(c->err + len - tail, cases[i].end);
        if (cases[i].kept == 1 || cases[i].kept == 0)
            assert_int_equal(len, tail);
    }
}

static void findings_as_json(void **state)
{
    cap *c = *state;
    cap_run(c, run_json);
    assert_string_equal(c->out, "[]");
    found_in(c, "[server.redis]\nhost = 1\n db = 0\n db = 1\n");
    reef_finding *f = &c->ctx.report.findings[1];
    (void)snprintf(f->text + f->place_len, sizeof f->text - f->place_len, "a \"b\"");
    (void)snprintf(f->hint, sizeof f->hint, "keep one");
    (void)snprintf(f->note, sizeof f->note, "there");
    cap_run(c, run_json);
    cap_has(c->out, "[{\"severity\":\"warning\",\"file\":\"k.toml\",\"line\":2,"
                    "\"column\":1,\"width\":4,\"message\":\"");
    cap_has(c->out, "},{\"severity\":\"error\",\"file\":\"k.toml\",\"line\":4,"
                    "\"column\":2,\"width\":2,\"message\":\"a \\\"b\\\"\",\"hint\":"
                    "\"keep one\",\"first\":{\"line\":3,\"column\":2,\"note\":"
                    "\"there\"}}]");
    assert_int_equal(strlen(c->out), strrchr(c->out, ']') + 1 - c->out);
}

/* A variable is called one, and a file that can't be read has no line. */
static void findings_of_no_line(void **state)
{
    static const char *const variables[] = {"KNOT_REDIS_DB=x", NULL};
    cap *c = *state;
    reef_config config;
    reef_config_init(&config);
    assert_int_equal(reef_config_env(&config, variables, &c->ctx.report, NULL),
                     REEF_BADCONFIG);
    assert_int_equal(
        reef_config_load(&config, "/nonexistent/a:1:2", NULL, &c->ctx.report, NULL),
        REEF_BADCONFIG);
    cap_run(c, run_json);
    cap_has(c->out, "[{\"severity\":\"error\",\"variable\":\"KNOT_REDIS_DB\","
                    "\"message\":\"");
    cap_has(c->out, "{\"severity\":\"error\",\"file\":\"/nonexistent/a:1:2\","
                    "\"message\":\"there is no such file\"}]");
    cap_run(c, run_print);
    cap_has(c->err, "KNOT_REDIS_DB: error: ");
    cap_has(c->err, "\n/nonexistent/a:1:2: error: there is no such file\n2 errors\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(findings_are_the_librarys), CAP_TEST(findings_colors),
        CAP_TEST(findings_counted),          CAP_TEST(findings_as_json),
        CAP_TEST(findings_of_no_line),
    };
    return cmocka_run_group_tests_name("cli_findings", tests, NULL, NULL);
}
