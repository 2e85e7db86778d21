/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hints: tables of documents that are no TOML, and the hint for each. */
#ifndef REEF_TEST_CONFIG_HINTS_H
#define REEF_TEST_CONFIG_HINTS_H
#include "config/hint.h"
#include "config_help.h"

typedef struct hints_row {
    const char *text;
    const char *hint; /* "": none */
} hints_row;

/* What is promised of every hint: it fits, and it is text that a terminal can show. */
static inline void hints_sound(const reef_message *hint)
{
    assert_true(hint->len < REEF_HINT_TEXT);
    assert_int_equal(hint->text[hint->len], 0);
    reef_str text = {hint->text, hint->len};
    uint32_t point;
    for (size_t at = 0, size; at < text.len; at += size) {
        size = reef_utf8_get(text, at, &point);
        assert_true(size > 0 && reef_utf8_shown(point));
    }
}

/* Reads a document to its end or error. False: it is valid. */
static inline bool hints_for(const char *bytes, size_t len, bool hidden,
                             reef_hint_want want, reef_message *hint)
{
    reef_str copy = help_copy(bytes, len);
    reef_toml reader;
    reef_toml_event event;
    memset(hint, 0, sizeof *hint);
    reef_toml_init(&reader, copy, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        continue;
    if (event.kind == REEF_TOML_BAD)
        reef_toml_hint(&reader, hidden, want, hint);
    hints_sound(hint);
    reef_toml_free(&reader);
    help_free(copy);
    return event.kind == REEF_TOML_BAD;
}

static inline bool hints_of(const char *bytes, size_t len, bool hidden,
                            reef_message *hint)
{
    return hints_for(bytes, len, hidden, REEF_WANT_ANY, hint);
}

static inline void hints_check(const hints_row *rows, size_t count, bool hidden,
                               reef_hint_want want)
{
    reef_message hint;
    for (size_t i = 0; i < count; i++) {
        if (!hints_for(rows[i].text, strlen(rows[i].text), hidden, want, &hint))
            fail_msg("%s\nis valid", rows[i].text);
        if (strcmp(hint.text, rows[i].hint) != 0)
            fail_msg("%s\nwant %s\ngot  %s", rows[i].text, rows[i].hint, hint.text);
    }
}

/* `want`: what the last key takes. */
#define HINTS_WANT(rows, want)                                                         \
    hints_check(rows, sizeof rows / sizeof rows[0], false, want)
#define HINTS(rows) HINTS_WANT(rows, REEF_WANT_ANY)
#define HINTS_HIDDEN(rows)                                                             \
    hints_check(rows, sizeof rows / sizeof rows[0], true, REEF_WANT_ANY)

#endif
