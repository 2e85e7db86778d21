/* SPDX-License-Identifier: Apache-2.0
 *
 * report: findings made, kept and told.
 *
 * Invariant: what stands in a finding is safe for a terminal, and of a line where a
 * secret may stand no more than its key. */
#include "config/report.h"
#include "config/excerpt.h"
#include "config/hint.h"
#include <stdio.h>
#include <string.h>

void reef_error_clear(reef_error *error)
{
    if (error != NULL)
        memset(error, 0, sizeof *error);
}

/* ---- the lines ---------------------------------------------------------------- */

static reef_mask_place report_line(reef_str text, const reef_finding_draft *draft)
{
    size_t at = draft->mark.at < text.len ? draft->mark.at : text.len;
    size_t start = draft->mark.line_at < at ? draft->mark.line_at : at;
    return (reef_mask_place){start, draft->entry, draft->entry_end, draft->before,
                             draft->secret};
}

bool reef_report_masks(const reef_document *document, const reef_finding_draft *draft)
{
    if (draft->name != NULL || document->text.len == 0)
        return draft->secret;
    reef_mask_place place = report_line(document->text, draft);
    return reef_mask_needed(document->text, &place);
}

/* In front of the other place stands nothing but the rest of its key or header, so that
 * its line is not the end of something that began above. */
static bool report_leads(reef_str text, const reef_toml_mark *mark)
{
    size_t at = mark->line_at;
    while (at < mark->at && at < text.len &&
           (reef_toml_bare(text.ptr[at]) ||
            memchr(" \t[.=", text.ptr[at], strlen(" \t[.=")) != NULL))
        at++;
    return at == mark->at && at < text.len;
}

/* Whether the other place's line may be shown as it is, where that of the draft may. It
 * was looked at already if it is part of the same entry. */
static bool report_shows_first(reef_str text, const reef_finding_draft *draft)
{
    const reef_toml_mark *first = &draft->first;
    size_t from =
        draft->entry < draft->mark.line_at ? draft->entry : draft->mark.line_at;
    if (first->at >= from && first->at <= draft->mark.at)
        return true;
    size_t line = first->line_at;
    reef_mask_place place = {line, line, first->at, line, false};
    if (!report_leads(text, first) || reef_mask_needed(text, &place))
        return false;
    size_t end = reef_str_find(text, '\n', first->at);
    return reef_str_find(reef_str_part(text, 0, end), '\\', first->at) == end;
}

static void report_put_first(reef_finding *finding, reef_str text,
                             const reef_finding_draft *draft, bool shows)
{
    reef_message note = {0};
    reef_excerpt_draw(&finding->first, text, &draft->first, draft->first_size,
                      REEF_EXCERPT_ALL);
    if (!shows || !report_shows_first(text, draft)) {
        finding->first.caret = finding->first.width = 0;
        memset(finding->first.text, 0, sizeof finding->first.text);
    }
    reef_message_text(&note, reef_str_of(draft->note));
    reef_message_copy(&note, finding->note, sizeof finding->note);
}

/* What is shown of the document. */
static void report_put_lines(reef_finding *finding, const reef_document *document,
                             const reef_finding_draft *draft)
{
    reef_str text = document->text;
    if (text.len == 0) {
        finding->here.line = draft->mark.line;
        finding->here.column = draft->column;
        return;
    }
    reef_mask_place place = report_line(text, draft);
    bool masked = reef_mask_needed(text, &place);
    reef_excerpt_draw(&finding->here, text, &draft->mark, draft->size,
                      masked ? reef_mask_shown(text, &place) : REEF_EXCERPT_ALL);
    if (draft->has_first)
        report_put_first(finding, text, draft, !masked);
}

/* ---- findings ----------------------------------------------------------------- */

/* Where the next finding goes; NULL: it is only counted. */
static reef_finding *report_room(reef_report *report, bool warning)
{
    uint32_t at = report->count;
    if (report->count < REEF_FINDINGS_MAX) {
        report->count++;
        return &report->findings[at];
    }
    while (!warning && at > 0 && !report->findings[at - 1].warning)
        at--;
    if (warning || at == 0)
        return NULL;
    memmove(&report->findings[at - 1], &report->findings[at],
            (report->count - at) * sizeof report->findings[0]);
    return &report->findings[report->count - 1];
}

static reef_finding *report_count(reef_report *report, bool warning)
{
    if (report == NULL)
        return NULL;
    if (warning)
        report->warnings++;
    else
        report->errors++;
    return report_room(report, warning);
}

/* The whole of it in one line, if it fits; else without the hint. */
static void report_put_error(reef_error *error, reef_code code, reef_config_place place,
                             reef_message *sentence, const reef_finding *finding)
{
    size_t used = finding->place_len + sentence->len + strlen(finding->hint);
    if (finding->hint[0] != 0 && used + 2 < REEF_ERROR_TEXT) {
        reef_message_add(sentence, "; ");
        reef_message_add(sentence, finding->hint);
    }
    reef_message other = {0};
    if (finding->first.line != finding->here.line && finding->first.line > 0) {
        reef_message_add(&other, "; ");
        reef_message_add(&other, finding->note);
        reef_message_add(&other, ": line ");
        reef_message_number(&other, finding->first.line);
    }
    if (finding->place_len + sentence->len + other.len < REEF_ERROR_TEXT)
        reef_message_add(sentence, other.text);
    reef_config_fail(error, code, place, sentence);
}

static void report_make(reef_finding *finding, reef_error *error,
                        const reef_document *document, const reef_finding_draft *draft)
{
    reef_message sentence = {0}, hint = {0};
    reef_config_place place = {draft->name, 0, 0};
    memset(finding, 0, sizeof *finding);
    finding->warning = draft->warning;
    if (draft->name == NULL) {
        report_put_lines(finding, document, draft);
        place = (reef_config_place){document->name, finding->here.line,
                                    finding->here.column};
    }
    reef_message_text(&hint, draft->hint);
    reef_message_copy(&hint, finding->hint, sizeof finding->hint);
    reef_message_text(&sentence, draft->sentence);
    finding->place_len =
        (uint32_t)reef_config_place_text(finding->text, place, &sentence);
    if (error != NULL)
        report_put_error(error, draft->code, place, &sentence, finding);
}

void reef_report_put(reef_report *report, reef_error *error,
                     const reef_document *document, const reef_finding_draft *draft)
{
    reef_finding alone;
    reef_finding *finding = report_count(report, draft->warning);
    if (error != NULL && (draft->warning || error->code != REEF_OK))
        error = NULL;
    if (finding != NULL || error != NULL)
        report_make(finding != NULL ? finding : &alone, error, document, draft);
}

reef_code reef_report_fail(reef_report *report, reef_error *error, reef_code code,
                           const char *name, const reef_message *sentence)
{
    reef_finding_draft draft = {.code = code, .name = name};
    draft.sentence = (reef_str){sentence->text, sentence->len};
    reef_report_put(report, error, NULL, &draft);
    return code;
}

/* ---- from the reader ---------------------------------------------------------- */

reef_finding_draft reef_report_draft(const reef_toml *r, const reef_toml_mark *mark,
                                     size_t size, bool secret)
{
    reef_str entry = reef_toml_entry(r);
    reef_finding_draft draft = {.code = REEF_BADCONFIG, .mark = *mark, .size = size};
    draft.entry = entry.len > 0 ? (size_t)(entry.ptr - r->text.ptr) : mark->at;
    draft.entry_end = draft.entry + entry.len;
    draft.before = r->before;
    draft.secret = secret || r->escapes;
    return draft;
}

/* What stands where the reader stopped. */
static void report_add_found(reef_message *message, const reef_toml *r, reef_str found,
                             bool hidden)
{
    char c = found.len > 0 ? found.ptr[0] : (char)0;
    if (r->why_limit > 0) {
        reef_message_add(message, "; at most ");
        reef_message_number(message, r->why_limit);
        reef_message_add(message, " are possible");
    }
    if (r->why_shows && r->why_mark.at == r->text.len) {
        reef_message_add(message, "; found the end of the text");
    } else if (c == '\n' || c == '\r') {
        reef_message_add(message, "; found the end of the line");
    } else if (found.len > 0 && !hidden) {
        reef_message_add(message, "; found ");
        if (c != '"' && c != '\'')
            reef_message_quoted(message, found);
        else if (found.len > 1)
            reef_message_value(message, found);
        else
            reef_message_add(message, "a text");
    }
}

static reef_hint_want report_want(const reef_setting_row *setting)
{
    if (setting == NULL)
        return REEF_WANT_ANY;
    switch (setting->kind) {
    case REEF_KIND_FLAG:
        return REEF_WANT_FLAG;
    case REEF_KIND_NUMBER:
        return REEF_WANT_NUMBER;
    case REEF_KIND_FAILOVER:
    case REEF_KIND_TEXT:
    case REEF_KIND_PREFIX:
    case REEF_KIND_SECRET:
        return REEF_WANT_TEXT;
    case REEF_KIND_HOSTS:
    case REEF_KIND_NAMESERVERS:
    case REEF_KIND_CONSUL:
        return REEF_WANT_LIST;
    case REEF_KIND_TIME: /* a number or a text */
    case REEF_KIND_PROTOCOL:
        break;
    }
    return REEF_WANT_ANY;
}

reef_code reef_report_reader(reef_report *report, reef_error *error,
                             const reef_document *document, const reef_toml *r,
                             const reef_setting_row *setting)
{
    bool secret = setting != NULL && setting->kind == REEF_KIND_SECRET;
    reef_message sentence = {0}, hint = {0};
    reef_toml_mark mark;
    reef_str found;
    reef_message_add(&sentence, reef_toml_why(r, &mark, &found));
    reef_finding_draft draft =
        reef_report_draft(r, &mark, reef_toml_why_size(r), secret);
    bool hidden = reef_report_masks(document, &draft);
    report_add_found(&sentence, r, found, hidden);
    reef_toml_hint(r, hidden, report_want(setting), &hint);
    draft.sentence = (reef_str){sentence.text, sentence.len};
    draft.hint = (reef_str){hint.text, hint.len};
    draft.code = reef_toml_code(r) == REEF_NOMEM ? REEF_NOMEM : REEF_BADCONFIG;
    draft.has_first = reef_toml_first(r, &draft.first, &draft.first_size, &draft.note);
    reef_report_put(report, error, document, &draft);
    return draft.code;
}

/* ---- as a person reads it ----------------------------------------------------- */

enum { REPORT_GUTTER = 5, REPORT_NUMBER = 16 };

typedef struct report_page {
    char *out;
    size_t cap, len; /* of the whole, whether it fits or not */
} report_page;

static void report_write(report_page *page, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++, page->len++)
        if (page->len + 1 < page->cap)
            page->out[page->len] = bytes[i];
}

static void report_say(report_page *page, const char *text)
{
    report_write(page, text, strlen(text));
}

static void report_repeat(report_page *page, const char *text, size_t count)
{
    while (count-- > 0)
        report_say(page, text);
}

/* A line of the file with its number, and the caret under it. */
static void report_say_excerpt(report_page *page, const reef_excerpt *excerpt,
                               size_t gutter)
{
    char number[REPORT_NUMBER];
    size_t caret = excerpt->caret, width = excerpt->width;
    if (excerpt->text[0] == 0)
        return;
    caret = caret < REEF_EXCERPT_COLUMNS ? caret : REEF_EXCERPT_COLUMNS;
    width = width < REEF_EXCERPT_COLUMNS ? width : REEF_EXCERPT_COLUMNS;
    snprintf(number, sizeof number, "%*u", (int)gutter, (unsigned)excerpt->line);
    report_say(page, number);
    report_say(page, " | ");
    report_say(page, excerpt->text);
    report_say(page, "\n");
    report_repeat(page, " ", gutter);
    report_say(page, " | ");
    report_repeat(page, " ", caret);
    report_repeat(page, "^", width);
    report_say(page, "\n");
}

/* "NAME:LINE:COLUMN: " of another line of the same file, whose name stands in the
 * finding's own place. */
static void report_say_place(report_page *page, const reef_finding *finding)
{
    char own[2 * REPORT_NUMBER], other[2 * REPORT_NUMBER];
    int len = snprintf(own, sizeof own, ":%u:%u: ", (unsigned)finding->here.line,
                       (unsigned)finding->here.column);
    snprintf(other, sizeof other, ":%u:%u: ", (unsigned)finding->first.line,
             (unsigned)finding->first.column);
    if (finding->place_len > (size_t)len)
        report_write(page, finding->text, finding->place_len - (size_t)len);
    report_say(page, other);
}

static size_t report_gutter(const reef_finding *finding)
{
    uint32_t line = finding->here.line;
    size_t gutter = REPORT_GUTTER;
    line = line < finding->first.line ? finding->first.line : line;
    for (uint32_t most = 99999; line > most && gutter < 10; gutter++)
        most = most < UINT32_MAX / 10 ? most * 10 + 9 : UINT32_MAX;
    return gutter;
}

/* Ends the text; a cut falls on a character's edge. */
static void report_end(report_page *page)
{
    size_t end = page->len;
    if (page->cap == 0)
        return;
    if (end >= page->cap) {
        size_t start = end = page->cap - 1;
        while (start > 0 && ((unsigned char)page->out[start - 1] & 0xC0) == 0x80)
            start--;
        if (start > 0 && ((unsigned char)page->out[start - 1] & 0xC0) == 0xC0)
            start--;
        if (reef_utf8_size((reef_str){page->out, end}, start) != end - start)
            end = start;
    }
    page->out[end] = 0;
}

size_t reef_finding_text(const reef_finding *finding, char *out, size_t cap)
{
    report_page page = {out, cap, 0};
    size_t gutter = report_gutter(finding);
    report_write(&page, finding->text, finding->place_len);
    report_say(&page, finding->warning ? "warning: " : "error: ");
    report_say(&page, finding->text + finding->place_len);
    report_say(&page, "\n");
    report_say_excerpt(&page, &finding->here, gutter);
    if (finding->first.line > 0) {
        report_say_place(&page, finding);
        report_say(&page, "note: ");
        report_say(&page, finding->note);
        report_say(&page, "\n");
        report_say_excerpt(&page, &finding->first, gutter);
    }
    if (finding->hint[0] != 0) {
        report_repeat(&page, " ", gutter);
        report_say(&page, " = hint: ");
        report_say(&page, finding->hint);
        report_say(&page, "\n");
    }
    report_end(&page);
    return page.len;
}
