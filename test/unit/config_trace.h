/* SPDX-License-Identifier: Apache-2.0
 *
 * config_trace: a document's events as one line of text. */
#ifndef REEF_TEST_CONFIG_TRACE_H
#define REEF_TEST_CONFIG_TRACE_H
#include "config/toml.h"
#include "config_help.h"

/* ---- events as text ----------------------------------------------------------------
 *
 * "[" and "[[" headers, "k." a part of a key, "k=" the last one, "( )" arrays, "{ }"
 * inline tables, and a letter for each scalar with its text: s i f b, z (date-time),
 * l (local date-time), d, t. */

typedef struct trace {
    char text[8192];
    size_t len;
} trace;

static inline void trace_add(trace *t, const char *text, size_t len)
{
    assert_true(t->len + len < sizeof t->text);
    memcpy(t->text + t->len, text, len);
    t->len += len;
    t->text[t->len] = 0;
}

static inline void trace_event(trace *t, const reef_toml_event *event)
{
    static const char *const signs[] = {[REEF_TOML_TABLE] = "[",
                                        [REEF_TOML_TABLES] = "[[",
                                        [REEF_TOML_KEY] = "",
                                        [REEF_TOML_ARRAY] = "(",
                                        [REEF_TOML_ARRAY_END] = ")",
                                        [REEF_TOML_INLINE] = "{",
                                        [REEF_TOML_INLINE_END] = "}",
                                        [REEF_TOML_STRING] = "s:",
                                        [REEF_TOML_INTEGER] = "i:",
                                        [REEF_TOML_FLOAT] = "f:",
                                        [REEF_TOML_BOOL] = "b:",
                                        [REEF_TOML_DATE_TIME] = "z:",
                                        [REEF_TOML_LOCAL_DATE_TIME] = "l:",
                                        [REEF_TOML_LOCAL_DATE] = "d:",
                                        [REEF_TOML_LOCAL_TIME] = "t:"};
    char text[1024];
    size_t len = reef_toml_decode(event, text, sizeof text);
    assert_true(len <= sizeof text && len <= event->text.len);
    trace_add(t, signs[event->kind], strlen(signs[event->kind]));
    trace_add(t, text, len);
    if (event->kind == REEF_TOML_KEY)
        trace_add(t, event->last ? "=" : ".", 1);
    trace_add(t, " ", 1);
}

/* The events of a document; an error as "!LINE:COLUMN". */
static inline void trace_bytes(trace *t, const char *bytes, size_t len)
{
    reef_str copy = help_copy(bytes, len);
    reef_toml reader;
    reef_toml_event event;
    t->len = 0;
    reef_toml_init(&reader, copy, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        trace_event(t, &event);
    if (event.kind == REEF_TOML_BAD) {
        char place[64];
        reef_toml_mark mark;
        reef_str found;
        assert_non_null(reef_toml_why(&reader, &mark, &found));
        assert_true(mark.at <= len && mark.line_at <= mark.at);
        assert_true(found.len <= len - mark.at);
        reef_toml_entry(&reader);
        snprintf(place, sizeof place, "!%u:%u ", (unsigned)mark.line,
                 (unsigned)reef_toml_column(&reader, &mark));
        trace_add(t, place, strlen(place));
    }
    reef_toml_kind last = event.kind;
    assert_int_equal(reef_toml_next(&reader, &event), last); /* it stays so */
    if (t->len > 0)
        t->text[--t->len] = 0;
    else
        t->text[0] = 0;
    help_free(copy);
}

#endif
