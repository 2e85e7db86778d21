/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with the settings, as reef_finding_text tells it, in colour on a
 * terminal, and as JSON.
 *
 * Invariant: without its colours the text is that of reef_finding_text, to the byte. */
#include "session/cli/cli.h"

#include <inttypes.h>
#include <string.h>

/* ---- for a person ------------------------------------------------------------- */

typedef struct findings_page {
    FILE *out;
    bool color;
    reef_str rest; /* of the text, from the start of a line */
} findings_page;

static reef_str findings_line(findings_page *page)
{
    reef_str line = page->rest;
    const char *end = memchr(line.ptr, '\n', line.len);
    line.len = end != NULL ? (size_t)(end - line.ptr) : line.len;
    size_t used = line.len + (end != NULL ? 1 : 0);
    page->rest = (reef_str){line.ptr + used, page->rest.len - used};
    return line;
}

/* The next `len` bytes of a line, or as many as there are. */
static void findings_span(const findings_page *page, reef_str *line, size_t len,
                          cli_color color)
{
    len = len < line->len ? len : line->len;
    cli_put_span(page->out, page->color, color, (reef_str){line->ptr, len});
    *line = (reef_str){line->ptr + len, line->len - len};
}

/* "PLACE: WORD: sentence" */
static void findings_head(findings_page *page, size_t place_len, cli_color color,
                          const char *word)
{
    reef_str line = findings_line(page);
    findings_span(page, &line, place_len, CLI_BOLD);
    findings_span(page, &line, strlen(word), color);
    findings_span(page, &line, line.len, CLI_PLAIN);
    fputc('\n', page->out);
}

/* The line of the file, and the line with the carets. */
static void findings_excerpt(findings_page *page)
{
    reef_str line = findings_line(page);
    findings_span(page, &line, line.len, CLI_PLAIN);
    fputc('\n', page->out);
    line = findings_line(page);
    size_t before = 0;
    while (before < line.len && line.ptr[before] != '^')
        before++;
    findings_span(page, &line, before, CLI_PLAIN);
    findings_span(page, &line, line.len, CLI_GREEN);
    fputc('\n', page->out);
}

/* Where the sentence of the note begins: it ends the line. */
static size_t findings_note_at(const findings_page *page, const reef_finding *finding)
{
    const char *end = memchr(page->rest.ptr, '\n', page->rest.len);
    size_t len = end != NULL ? (size_t)(end - page->rest.ptr) : page->rest.len;
    size_t tail = strlen("note: ") + strlen(finding->note);
    return len > tail ? len - tail : 0;
}

static void findings_put(FILE *out, bool color, const reef_finding *finding)
{
    char text[REEF_FINDING_TEXT];
    size_t len = reef_finding_text(finding, text, sizeof text);
    findings_page page = {out, color, {text, len}};
    if (finding->warning)
        findings_head(&page, finding->place_len, CLI_YELLOW, "warning:");
    else
        findings_head(&page, finding->place_len, CLI_RED, "error:");
    if (finding->here.text[0] != '\0')
        findings_excerpt(&page);
    if (finding->first.line > 0)
        findings_head(&page, findings_note_at(&page, finding), CLI_BOLD, "note:");
    if (finding->first.line > 0 && finding->first.text[0] != '\0')
        findings_excerpt(&page);
    while (page.rest.len > 0) {
        reef_str line = findings_line(&page);
        findings_span(&page, &line, line.len, CLI_PLAIN);
        fputc('\n', out);
    }
}

static void findings_number(FILE *out, const char *before, uint32_t count,
                            const char *what)
{
    fprintf(out, "%s%" PRIu32 " %s%s", before, count, what, count == 1 ? "" : "s");
}

/* "2 errors, 1 warning". Reading ends when a report is full of errors. */
static void findings_count(FILE *out, const reef_report *report)
{
    bool ended = report->errors >= REEF_FINDINGS_MAX;
    uint64_t all = (uint64_t)report->errors + report->warnings;
    if (all > report->count)
        fprintf(out, "... and %" PRIu64 " more\n", all - report->count);
    if (all < 2)
        return;
    if (report->errors > 0)
        findings_number(out, ended ? "at least " : "", report->errors, "error");
    if (report->warnings > 0)
        findings_number(out, report->errors > 0 ? ", " : "", report->warnings,
                        "warning");
    fputc('\n', out);
}

void cli_findings_print(cli_context *ctx)
{
    const reef_report *report = &ctx->report;
    (void)cli_flush(ctx); /* what was good comes first */
    for (uint32_t i = 0; i < report->count; i++)
        findings_put(stderr, ctx->color_err, &report->findings[i]);
    findings_count(stderr, report);
}

/* ---- for a program ------------------------------------------------------------ */

static bool findings_is_variable(reef_str name)
{
    for (int i = 0; i < REEF_SETTINGS; i++) {
        if (reef_str_equal(name, reef_str_of(reef_setting_env((reef_setting)i))))
            return true;
    }
    return false;
}

/* "knot.toml" of "knot.toml:3:7: ", "KNOT_REDIS_DB" of "KNOT_REDIS_DB: ". */
static reef_str findings_name(const reef_finding *finding)
{
    char place[64];
    size_t tail = strlen(": ");
    if (finding->here.line > 0)
        tail = (size_t)snprintf(place, sizeof place, ":%" PRIu32 ":%" PRIu32 ": ",
                                finding->here.line, finding->here.column);
    size_t len = finding->place_len > tail ? finding->place_len - tail : 0;
    return (reef_str){finding->text, len};
}

void cli_finding_json(const reef_finding *finding)
{
    const reef_excerpt *here = &finding->here, *first = &finding->first;
    reef_str name = findings_name(finding);
    printf(",\"%s\":", findings_is_variable(name) ? "variable" : "file");
    cli_put_json(stdout, name);
    if (here->line > 0)
        printf(",\"line\":%" PRIu32 ",\"column\":%" PRIu32, here->line, here->column);
    if (here->text[0] != '\0')
        printf(",\"width\":%" PRIu32, here->width);
    fputs(",\"message\":", stdout);
    cli_put_json(stdout, reef_str_of(finding->text + finding->place_len));
    if (finding->hint[0] != '\0') {
        fputs(",\"hint\":", stdout);
        cli_put_json(stdout, reef_str_of(finding->hint));
    }
    if (first->line > 0) {
        printf(",\"first\":{\"line\":%" PRIu32 ",\"column\":%" PRIu32 ",\"note\":",
               first->line, first->column);
        cli_put_json(stdout, reef_str_of(finding->note));
        fputc('}', stdout);
    }
}

void cli_findings_json(const reef_report *report)
{
    fputc('[', stdout);
    for (uint32_t i = 0; i < report->count; i++) {
        const reef_finding *finding = &report->findings[i];
        printf("%s{\"severity\":\"%s\"", i > 0 ? "," : "",
               finding->warning ? "warning" : "error");
        cli_finding_json(finding);
        fputc('}', stdout);
    }
    fputc(']', stdout);
}
