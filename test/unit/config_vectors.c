/* SPDX-License-Identifier: Apache-2.0
 *
 * Every document of test/vectors/toml.jsonl, or of the files given as arguments: its
 * tagged JSON, or the place where it is refused; and every beginning of each gets an
 * answer.
 *
 * A line is one JSON object: "name"; the document as "toml", or in base64 as "b64"; and
 * "json", the text that it becomes, or "line" and "column" of its error. */
#include "test/unit/config_help.h"

#include "test/tool/tagged.h"
#include "test/unit/resp_help.h"
#include "test/unit/vector_help.h"

typedef struct vector_case {
    char name[128];
    reef_str toml; /* at its very size */
    bool valid;
    char *json; /* what it becomes */
    size_t json_len;
    uint64_t line, column; /* of its error */
} vector_case;

static int vector_files;
static char **vector_paths;

/* ---- reading them ------------------------------------------------------------- */

static reef_str vector_document(reef_str line)
{
    size_t len = 0;
    reef_str toml = vector_field(line, "toml"), b64 = vector_field(line, "b64");
    assert_true((toml.ptr == NULL) != (b64.ptr == NULL));
    char *bytes = toml.ptr != NULL ? vector_string(toml, &len)
                                   : vector_base64(vector_unquote(b64), &len);
    reef_str exact = help_copy(bytes, len);
    free(bytes);
    return exact;
}

static vector_case vector_read(reef_str line)
{
    vector_case test = {.toml = vector_document(line)};
    reef_str name = vector_unquote(vector_field(line, "name"));
    reef_str json = vector_field(line, "json");
    snprintf(test.name, sizeof test.name, "%.*s", (int)name.len, name.ptr);
    test.valid = json.ptr != NULL;
    if (test.valid)
        test.json = vector_string(json, &test.json_len);
    test.line = vector_number(vector_field(line, "line"));
    test.column = vector_number(vector_field(line, "column"));
    if (test.valid == (test.line > 0 && test.column > 0))
        fail_msg("%s: needs either json, or line and column", test.name);
    return test;
}

static void vector_free(vector_case *test)
{
    help_free(test->toml);
    free(test->json);
}

/* ---- judging them ------------------------------------------------------------- */

/* An error is one finding, with a place in the document and a sentence, and can be
 * printed. */
static void vector_finding(const char *name, const reef_report *report)
{
    static char text[REEF_FINDING_TEXT];
    const reef_finding *finding = &report->findings[0];
    if (report->errors != 1 || report->count != 1 || finding->warning)
        fail_msg("%s: %u errors, %u findings", name, (unsigned)report->errors,
                 (unsigned)report->count);
    if (finding->here.line == 0 || finding->here.column == 0)
        fail_msg("%s: has no place: %s", name, finding->text);
    if (strlen(finding->text) < finding->place_len + 8)
        fail_msg("%s: has no sentence: %s", name, finding->text);
    size_t len = reef_finding_text(finding, text, sizeof text);
    assert_true(len < sizeof text && len == strlen(text) && text[len - 1] == '\n');
    assert_true(reef_utf8_valid((reef_str){text, len}));
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\n' && ((unsigned char)text[i] < 0x20 || text[i] == 0x7F))
            fail_msg("%s: a control character is printed", name);
}

/* What the document becomes, without the LF; the caller frees. NULL: it is refused. */
static char *vector_json(const char *name, reef_str toml, reef_report *report,
                         size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    assert_non_null(out);
    memset(report, 0, sizeof *report);
    reef_code code = tagged_write(out, toml, "t", report);
    assert_int_equal(fclose(out), 0);
    if (code == REEF_OK) {
        assert_int_equal(report->errors, 0);
        assert_true(*len > 0 && text[*len - 1] == '\n');
        text[--*len] = 0;
        return text;
    }
    assert_true(code == REEF_BADCONFIG || code == REEF_LIMIT);
    assert_int_equal(*len, 0);
    free(text);
    vector_finding(name, report);
    return NULL;
}

/* Each beginning is a document of its own. */
static void vector_cuts(const vector_case *test)
{
    static reef_report report;
    size_t len;
    for (size_t end = 0; end < test->toml.len; end++) {
        reef_str cut = help_copy(test->toml.ptr, end);
        free(vector_json(test->name, cut, &report, &len));
        help_free(cut);
    }
}

/* Whether the document is read as expected; says how not. */
static bool vector_good(const vector_case *test)
{
    static reef_report report;
    size_t len;
    char *json = vector_json(test->name, test->toml, &report, &len);
    const reef_excerpt *here = &report.findings[0].here;
    bool good = (json != NULL) == test->valid;
    if (!good)
        print_error("%s: is %s\n", test->name,
                    json != NULL ? "let pass" : report.findings[0].text);
    if (good && json != NULL &&
        !reef_str_equal((reef_str){json, len},
                        (reef_str){test->json, test->json_len})) {
        print_error("%s: is read as\n  %s\n", test->name, json);
        good = false;
    }
    if (good && json == NULL &&
        (here->line != test->line || here->column != test->column)) {
        print_error("%s: expected at %u:%u, %s\n", test->name, (unsigned)test->line,
                    (unsigned)test->column, report.findings[0].text);
        good = false;
    }
    free(json);
    return good;
}

/* ---- files -------------------------------------------------------------------- */

typedef struct vector_count {
    size_t valid, invalid, bad;
} vector_count;

static vector_count vector_run(const char *text, size_t len)
{
    vector_count count = {0};
    for (const char *at = text; at < text + len;) {
        size_t line = strcspn(at, "\n");
        vector_case test = vector_read((reef_str){at, line});
        count.valid += test.valid ? 1 : 0;
        count.invalid += test.valid ? 0 : 1;
        if (vector_good(&test))
            vector_cuts(&test);
        else
            count.bad++;
        vector_free(&test);
        at += line + 1;
    }
    return count;
}

static void test_vectors_own(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = help_read_data("vectors/toml.jsonl", &len);
    vector_count count = vector_run(text, len);
    free(text);
    assert_int_equal(count.bad, 0);
    assert_true(count.valid > 140 && count.invalid > 300);
}

static void test_vectors_given(void **state)
{
    (void)state;
    size_t bad = 0;
    for (int i = 0; i < vector_files; i++) {
        size_t len = 0;
        char *text = help_read_file(vector_paths[i], &len);
        vector_count count = vector_run(text, len);
        print_message("%s: %zu valid, %zu invalid, %zu not as expected\n",
                      vector_paths[i], count.valid, count.invalid, count.bad);
        bad += count.bad;
        free(text);
    }
    assert_int_equal(bad, 0);
}

/* ---- large ones --------------------------------------------------------------- */

/* Text under construction: `count` times `part`, with its number in place of a %d. */
static void vector_add(FILE *out, const char *part, int count)
{
    const char *number = strstr(part, "%d");
    for (int i = 0; i < count; i++) {
        if (number != NULL)
            fprintf(out, "%.*s%d%s", (int)(number - part), part, i, number + 2);
        else
            fputs(part, out);
    }
}

/* `begin`, then `part` and `close` `count` times each with `middle` between them, then
 * `end`. */
static reef_str vector_build(const char *begin, const char *part, const char *middle,
                             const char *close, const char *end, int count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    fputs(begin, out);
    vector_add(out, part, count);
    fputs(middle, out);
    vector_add(out, close, count);
    fputs(end, out);
    assert_int_equal(fclose(out), 0);
    return (reef_str){text, len};
}

static void vector_large(reef_str toml, reef_str expected)
{
    static reef_report report;
    size_t len = 0;
    char *json = vector_json("large", toml, &report, &len);
    assert_non_null(json);
    assert_true(reef_str_equal((reef_str){json, len}, expected));
    free(json);
    help_free(toml);
    help_free(expected);
}

/* Many keys, many tables, long keys and deep brackets: none takes more than its size,
 * in time or on the stack. */
static void test_vectors_large(void **state)
{
    (void)state;
    vector_large(vector_build("z={}\n", "k%d={}\n", "", "", "", 70000),
                 vector_build("{\"z\":{}", ",\"k%d\":{}", "", "", "}", 70000));
    vector_large(vector_build("[z]\n", "[t%d]\n", "", "", "", 60000),
                 vector_build("{\"z\":{}", ",\"t%d\":{}", "", "", "}", 60000));
    vector_large(
        vector_build("[[t]]\na={}\n", "[[t]]\n[t.a]\n", "", "", "", 60000),
        vector_build("{\"t\":[{\"a\":{}}", ",{\"a\":{}}", "", "", "]}", 60000));
    vector_large(vector_build("z", ".a", "={}", "", "", 300000),
                 vector_build("{\"z\":", "{\"a\":", "{}", "}", "}", 300000));
    vector_large(vector_build("[z", ".a", "]", "", "", 300000),
                 vector_build("{\"z\":", "{\"a\":", "{}", "}", "}", 300000));
    vector_large(vector_build("z=", "[", "{}", "]", "", 1000),
                 vector_build("{\"z\":", "[", "{}", "]", "}", 1000));
    vector_large(vector_build("z=", "{a=", "[]", "}", "", 1000),
                 vector_build("{\"z\":", "{\"a\":", "[]", "}", "}", 1000));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest own[] = {
        cmocka_unit_test(test_vectors_own),
        cmocka_unit_test(test_vectors_large),
    };
    const struct CMUnitTest given[] = {cmocka_unit_test(test_vectors_given)};
    vector_files = argc - 1;
    vector_paths = argv + 1;
    return argc > 1 ? cmocka_run_group_tests(given, NULL, NULL)
                    : cmocka_run_group_tests(own, NULL, NULL);
}
