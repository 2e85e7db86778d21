/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the reader of knot.toml. Input: a byte of limits, a byte that says where the
 * secret goes, one that says how it is written, then the document. What must hold: each
 * event lies in the text, behind the one before; what is read twice is the same, also
 * with other ends of lines; a limit does no more than end it early; an error has a
 * place and words; report, code and configuration agree; what people are shown is text
 * that a terminal can have; and no part of the secret is in it, wherever it stood. */
#include "config/config.h"
#include "config/hint.h"
#include "config/toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOML_FUZZ_MAX = 4096, TOML_FUZZ_HEAD = 3, TOML_FUZZ_PIECE = 5 };

/* Nothing of it is in the dictionary, and no five bytes of it stand in a seed. */
static const char fuzz_secret[] = "Qz8vKw3Xj6LmRy2T";

static void fuzz_demand(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static uint64_t fuzz_digest(uint64_t hash, uint64_t n)
{
    hash = (hash ^ n) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

/* Words for people: characters that a terminal can be given, and ends of lines where
 * `lines`. */
static void fuzz_words(const char *words, size_t cap, bool lines)
{
    size_t len = strnlen(words, cap), size;
    fuzz_demand(len < cap, "words end within their room");
    for (size_t at = 0; at < len; at += size) {
        uint32_t point;
        size = reef_utf8_get((reef_str){words, len}, at, &point);
        fuzz_demand(size > 0, "words are UTF-8");
        fuzz_demand((lines && point == '\n') || reef_utf8_shown(point),
                    "words hold nothing that a terminal acts on");
    }
}

/* ---- the reader --------------------------------------------------------------- */

/* What came of a document: a digest of each event but its places, and the end. */
typedef struct fuzz_reading {
    size_t count;
    uint64_t digests[2 * TOML_FUZZ_MAX];
    reef_toml_kind end;
    reef_code code;
    const char *why;
    uint32_t line, column;
} fuzz_reading;

/* A place that was counted up to, to count on from. */
typedef struct fuzz_count {
    size_t at, line_at;
    uint32_t line;
} fuzz_count;

static void fuzz_mark(fuzz_count *c, const reef_toml *r, const reef_toml_mark *mark)
{
    reef_str text = r->text;
    if (c->line == 0 || mark->at < c->at) {
        bool bom = text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0;
        *c = (fuzz_count){.line = 1, .line_at = bom && mark->at >= 3 ? 3 : 0};
    }
    for (; c->at < mark->at; c->at++) {
        if (text.ptr[c->at] != '\n')
            continue;
        c->line++;
        c->line_at = c->at + 1;
    }
    fuzz_demand(mark->line == c->line, "the line is that of the place");
    fuzz_demand(mark->line_at == c->line_at, "and it begins where it does");
    uint32_t column = reef_toml_column(r, mark);
    fuzz_demand(column >= 1 && column <= mark->at - c->line_at + 1, "so is the column");
}

/* What the events so far allow. */
typedef struct fuzz_course {
    reef_str text;
    fuzz_count count;
    size_t behind; /* the last event's end */
    size_t depth, most;
    bool keys; /* parts of a key are to follow */
} fuzz_course;

/* Which event may follow which. */
static void fuzz_order(fuzz_course *c, const reef_toml_event *event)
{
    bool key = event->kind == REEF_TOML_KEY;
    fuzz_demand(key || !c->keys, "a key goes on to its last part");
    if (event->kind == REEF_TOML_TABLE || event->kind == REEF_TOML_TABLES) {
        fuzz_demand(c->depth == 0, "a header stands outside of brackets");
        c->keys = true;
    } else if (key) {
        c->keys = !event->last;
    } else if (event->kind == REEF_TOML_ARRAY || event->kind == REEF_TOML_INLINE) {
        c->depth++;
        fuzz_demand(c->depth <= c->most, "brackets are open up to the limit");
    } else if (event->kind == REEF_TOML_ARRAY_END ||
               event->kind == REEF_TOML_INLINE_END) {
        fuzz_demand(c->depth > 0, "what is closed was open");
        c->depth--;
    }
}

/* The decoded bytes into the digest. */
static uint64_t fuzz_decode(uint64_t digest, const reef_toml_event *event)
{
    static char room[TOML_FUZZ_MAX * 2];
    size_t len = reef_toml_decode(event, room, sizeof room);
    fuzz_demand(len <= event->text.len, "no text is longer than it was written");
    fuzz_demand(reef_toml_decode(event, NULL, 0) == len, "nor of another length");
    fuzz_demand(reef_utf8_valid((reef_str){room, len}), "a text is UTF-8");
    for (size_t i = 0; i < len; i++)
        digest = fuzz_digest(digest, (unsigned char)room[i]);
    return fuzz_digest(digest, len);
}

static uint64_t fuzz_event(fuzz_course *c, const reef_toml *r,
                           const reef_toml_event *event)
{
    int64_t number = 0;
    size_t at = event->mark.at, end = at + event->size;
    fuzz_demand(event->kind > REEF_TOML_BAD && event->kind <= REEF_TOML_LOCAL_TIME,
                "an event has a kind");
    fuzz_demand(at >= c->behind && end <= c->text.len, "it stands behind the last one");
    fuzz_mark(&c->count, r, &event->mark);
    if (event->text.len > 0)
        fuzz_demand(event->text.ptr >= c->text.ptr + at &&
                        event->text.ptr + event->text.len <= c->text.ptr + end,
                    "its text is inside of it");
    c->behind = end;
    fuzz_order(c, event);
    bool whole = reef_toml_integer(event, &number);
    fuzz_demand(whole == (event->kind == REEF_TOML_INTEGER), "a number has a value");
    uint64_t digest = fuzz_digest((uint64_t)event->kind, (uint64_t)event->form);
    digest = fuzz_digest(digest, (event->first ? 2u : 0u) + (event->last ? 1u : 0u));
    digest = fuzz_digest(digest, (uint64_t)number);
    return fuzz_decode(digest, event);
}

static void fuzz_hints(const reef_toml *r)
{
    for (int want = REEF_WANT_ANY; want <= REEF_WANT_LIST; want++) {
        for (int hidden = 0; hidden < 2; hidden++) {
            reef_message hint = {0};
            reef_toml_hint(r, hidden == 1, (reef_hint_want)want, &hint);
            fuzz_words(hint.text, REEF_HINT_TEXT, false);
        }
    }
}

/* After BAD. */
static void fuzz_bad(fuzz_reading *out, const reef_toml *r, reef_str text)
{
    fuzz_count count = {0};
    reef_toml_mark mark, first;
    reef_str found, entry = reef_toml_entry(r);
    size_t size = reef_toml_why_size(r);
    const char *note;
    out->why = reef_toml_why(r, &mark, &found);
    out->code = reef_toml_code(r);
    fuzz_demand(out->code == REEF_BADCONFIG || out->code == REEF_LIMIT, "a code");
    fuzz_demand(out->why != NULL && out->why[0] != 0, "an error has words");
    fuzz_words(out->why, REEF_ERROR_TEXT, false);
    fuzz_demand(mark.at <= text.len && size <= text.len - mark.at, "it is in the text");
    fuzz_demand(size > 0 || mark.at == text.len, "and it is something");
    fuzz_mark(&count, r, &mark);
    out->line = mark.line;
    out->column = reef_toml_column(r, &mark);
    fuzz_demand(found.len == 0 || (found.ptr >= text.ptr + mark.at &&
                                   found.len <= text.len - mark.at),
                "what was found stands there");
    fuzz_demand(entry.len == 0 || (entry.ptr >= text.ptr &&
                                   entry.ptr + entry.len <= text.ptr + text.len),
                "the entry is in the text");
    if (reef_toml_first(r, &first, &size, &note)) {
        fuzz_demand(first.at < text.len && size > 0 && size <= text.len - first.at,
                    "so is the other place");
        fuzz_demand(first.at < mark.at && note != NULL, "which was before it");
        fuzz_mark(&count, r, &first);
    }
    fuzz_hints(r);
}

static void fuzz_read(fuzz_reading *out, reef_str text, const reef_toml_limits *limits)
{
    static reef_toml reader;
    reef_toml_event event, again;
    fuzz_course course = {.text = text, .most = REEF_TOML_DEPTH};
    if (limits != NULL && limits->depth != 0)
        course.most = limits->depth;
    out->count = 0;
    out->code = REEF_OK;
    out->why = NULL;
    out->line = out->column = 0;
    reef_toml_init(&reader, text, limits);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD) {
        fuzz_demand(out->count < 2 * TOML_FUZZ_MAX, "an event is at least half a byte");
        out->digests[out->count++] = fuzz_event(&course, &reader, &event);
    }
    out->end = event.kind;
    fuzz_demand(reef_toml_next(&reader, &again) == event.kind, "the end stays");
    if (event.kind == REEF_TOML_BAD)
        fuzz_bad(out, &reader, text);
    else
        fuzz_demand(course.depth == 0 && !course.keys, "all is closed at the end");
    reef_toml_free(&reader);
}

static void fuzz_same(const fuzz_reading *a, const fuzz_reading *b)
{
    fuzz_demand(a->count == b->count && a->end == b->end && a->code == b->code,
                "both readings end alike");
    fuzz_demand(memcmp(a->digests, b->digests, a->count * sizeof a->digests[0]) == 0,
                "both readings have the same events");
    fuzz_demand(a->line == b->line && a->column == b->column, "and the same place");
}

/* With smaller limits: the same as far as it goes. */
static void fuzz_limited(const fuzz_reading *whole, reef_str text, unsigned options)
{
    static fuzz_reading part;
    static const uint32_t depths[] = {0, 1, 2, 7};
    static const size_t names[] = {0, 1, 3, 20}, bytes[] = {0, 0, 16, 200};
    reef_toml_limits limits = {.depth = depths[options & 3],
                               .names = names[options >> 2 & 3],
                               .text = bytes[options >> 4 & 3]};
    fuzz_read(&part, text, &limits);
    if (part.code != REEF_LIMIT) {
        fuzz_same(whole, &part);
        return;
    }
    fuzz_demand(part.count <= whole->count, "a limit ends the reading early");
    fuzz_demand(
        memcmp(whole->digests, part.digests, part.count * sizeof part.digests[0]) == 0,
        "and changes nothing before");
}

/* ---- the settings ------------------------------------------------------------- */

/* No piece of the secret is in the words. */
static bool fuzz_tells(const char *words, size_t len)
{
    for (size_t at = 0; at + TOML_FUZZ_PIECE <= len; at++) {
        const char *from = strchr(fuzz_secret, words[at]); /* each byte is there once */
        if (words[at] != 0 && from != NULL &&
            strncmp(words + at, from, TOML_FUZZ_PIECE) == 0)
            return true;
    }
    return false;
}

static void fuzz_excerpt(const reef_excerpt *excerpt)
{
    fuzz_words(excerpt->text, sizeof excerpt->text, false);
    if (excerpt->line == 0)
        return;
    fuzz_demand(excerpt->column >= 1, "a place has a column");
    fuzz_demand(excerpt->text[0] == 0 || excerpt->width >= 1, "and a caret");
    fuzz_demand(excerpt->caret + excerpt->width <= REEF_EXCERPT_TEXT,
                "the caret is below the line");
}

static void fuzz_finding(const reef_finding *finding, bool secret)
{
    static char text[REEF_FINDING_TEXT];
    size_t len = reef_finding_text(finding, text, sizeof text);
    fuzz_demand(len < sizeof text && strlen(text) == len, "a finding fits");
    fuzz_demand(len > 0 && text[len - 1] == '\n', "and ends its line");
    fuzz_words(text, sizeof text, true);
    fuzz_words(finding->text, sizeof finding->text, false);
    fuzz_words(finding->hint, sizeof finding->hint, false);
    fuzz_words(finding->note, sizeof finding->note, false);
    fuzz_excerpt(&finding->here);
    fuzz_excerpt(&finding->first);
    fuzz_demand(finding->place_len < strlen(finding->text), "a finding says something");
    fuzz_demand(finding->here.line > 0, "and where");
    fuzz_demand(!secret || !fuzz_tells(text, len), "and keeps the secret");
}

static void fuzz_report(const reef_report *report, reef_code code,
                        const reef_error *error)
{
    uint32_t all = report->errors + report->warnings, errors = 0;
    fuzz_demand((code == REEF_OK) == (report->errors == 0), "report and code agree");
    fuzz_demand(report->count == (all < REEF_FINDINGS_MAX ? all : REEF_FINDINGS_MAX),
                "as many findings are kept as there is room");
    for (uint32_t i = 0; i < report->count; i++) {
        const reef_finding *finding = &report->findings[i];
        if (!finding->warning && errors++ == 0)
            fuzz_demand(strncmp(error->text, finding->text, strlen(finding->text)) == 0,
                        "the error is the first one of the report");
        if (i > 0)
            fuzz_demand(finding->here.line >= finding[-1].here.line,
                        "findings are in the order of the text");
    }
    fuzz_demand((code == REEF_OK) == (errors == 0), "an error is kept");
}

/* Reads the settings. `secret`: it stands in the text and nowhere else, and may not
 * show. */
static reef_code fuzz_config(reef_config *config, reef_str text, bool secret)
{
    static reef_config before;
    static reef_report report;
    reef_error error;
    memset(&report, 0, sizeof report);
    reef_config_init(config);
    before = *config;
    reef_code code = reef_config_parse(config, NULL, text, &report, &error);
    fuzz_demand(code == REEF_OK || code == REEF_BADCONFIG || code == REEF_LIMIT,
                "a configuration is good or bad");
    fuzz_demand(code == error.code, "code and error agree");
    fuzz_demand((code == REEF_OK) == (error.text[0] == 0), "an error has words");
    fuzz_words(error.text, sizeof error.text, false);
    fuzz_demand(!secret || !fuzz_tells(error.text, strlen(error.text)),
                "an error keeps the secret");
    fuzz_demand(code == REEF_OK || memcmp(config, &before, sizeof before) == 0,
                "an error changes nothing");
    for (uint32_t i = 0; i < report.count; i++)
        fuzz_finding(&report.findings[i], secret);
    fuzz_report(&report, code, &error);
    return code;
}

/* Who asks for no words gets the same. */
static void fuzz_quiet(const reef_config *config, reef_str text, reef_code code)
{
    static reef_config quiet;
    reef_config_init(&quiet);
    fuzz_demand(reef_config_parse(&quiet, NULL, text, NULL, NULL) == code,
                "without words it is the same code");
    fuzz_demand(memcmp(&quiet, config, sizeof quiet) == 0, "and the same settings");
}

/* ---- documents ---------------------------------------------------------------- */

/* A copy at exact size, so that a sanitizer sees a step past it. */
static reef_str fuzz_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    fuzz_demand(copy != NULL, "there is memory");
    memcpy(copy, bytes, len);
    return (reef_str){copy, len};
}

static void fuzz_free(reef_str copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

/* With CR LF for each LF: the same events, the same settings, the same mistake at the
 * same place. */
static void fuzz_other_ends(const fuzz_reading *whole, reef_str text)
{
    static char room[2 * TOML_FUZZ_MAX];
    static fuzz_reading other;
    static reef_config one, two;
    size_t len = 0;
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at] == '\n' && (at == 0 || text.ptr[at - 1] != '\r'))
            room[len++] = '\r';
        room[len++] = text.ptr[at];
    }
    reef_str changed = fuzz_copy(room, len);
    fuzz_read(&other, changed, NULL);
    fuzz_same(whole, &other);
    reef_code code = fuzz_config(&one, text, false);
    fuzz_quiet(&one, text, code);
    fuzz_demand(fuzz_config(&two, changed, false) == code, "the same code");
    fuzz_demand(memcmp(&one, &two, sizeof one) == 0, "the same settings");
    fuzz_demand(code != REEF_OK || whole->end == REEF_TOML_END,
                "what is no TOML has no settings");
    fuzz_free(changed);
}

/* Ways to write a password. The first ones hide it wherever they stand; the others
 * where a new line begins, after a text that was good. */
static const char *const fuzz_spellings[] = {
    "password = \"%s\"",
    "password = '%s'",
    "server.redis.password=\"%s\"",
    "password = %s",
    "password \"%s\"",
    "password = \"%s",
    "password = ['%s']",
    "password: %s",
    "redis = {password = '%s'}",
    "hosts = [\"redis://user:%s@host:6379\"]",
    "[server.redis]\npassword = \"%s\"",
    "[server.redis]\nsentinel_password = '%s'",
    "[server.redis]\npassword = %s",
    "[server.redis]\npassword \"%s\"",
    "[server.redis]\npassword = \"%s",
    "[server.redis]\npassword = [\n1,\n'%s']",
    "[server.redis]\n\"pass\\u0077ord\" = \"%s\"",
    "[server.redis]\n\"pass\\u0077ord\" = %s",
    "[server.redis]\npassword = \"\"\"\n%s\n\"\"\"",
    "[server.redis]\npassword = '''\n%s\n'''",
    "[server.redis]\npassword = \"\"\"\n%s",
    "server = {redis = {\npassword =\n'%s'\n}}",
};

enum {
    FUZZ_SPELLINGS = sizeof fuzz_spellings / sizeof *fuzz_spellings,
    FUZZ_ANYWHERE = 10 /* the first ones */
};

static size_t fuzz_spell(char *out, const char *spelling)
{
    size_t len = strlen(fuzz_secret), front = strcspn(spelling, "%");
    memcpy(out, spelling, front);
    memcpy(out + front, fuzz_secret, len);
    size_t tail = strlen(spelling + front + 2);
    memcpy(out + front + len, spelling + front + 2, tail);
    return front + len + tail;
}

/* A password on lines of its own, somewhere in the document. */
static void fuzz_hidden(reef_str text, unsigned where, unsigned how)
{
    static char room[TOML_FUZZ_MAX + 256];
    static fuzz_reading before;
    static reef_config config;
    size_t cut = text.len * where / 255;
    if (fuzz_tells(text.ptr, text.len))
        return;
    memcpy(room, text.ptr, cut);
    size_t len = cut;
    room[len++] = '\n';
    fuzz_read(&before, (reef_str){room, len}, NULL);
    how %= before.end == REEF_TOML_END ? FUZZ_SPELLINGS : FUZZ_ANYWHERE;
    len += fuzz_spell(room + len, fuzz_spellings[how]);
    room[len++] = '\n';
    memcpy(room + len, text.ptr + cut, text.len - cut);
    reef_str copy = fuzz_copy(room, len + text.len - cut);
    fuzz_config(&config, copy, true);
    fuzz_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fuzz_reading whole, again;
    if (size < TOML_FUZZ_HEAD || size - TOML_FUZZ_HEAD > TOML_FUZZ_MAX)
        return 0;
    reef_str text =
        fuzz_copy((const char *)data + TOML_FUZZ_HEAD, size - TOML_FUZZ_HEAD);
    fuzz_read(&whole, text, NULL);
    fuzz_read(&again, text, NULL);
    fuzz_same(&whole, &again);
    fuzz_demand(whole.why == again.why, "twice the same words");
    fuzz_limited(&whole, text, data[0]);
    fuzz_other_ends(&whole, text);
    fuzz_hidden(text, data[1], data[2]);
    fuzz_free(text);
    return 0;
}
