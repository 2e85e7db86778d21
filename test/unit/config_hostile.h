/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hostile: texts made of the same thing many times, and what can be done with
 * one. */
#ifndef REEF_TEST_CONFIG_HOSTILE_H
#define REEF_TEST_CONFIG_HOSTILE_H
#include "config/toml.h"
#include "config_help.h"

enum { MIB = 1 << 20 };

/* A head, a unit so many times, a tail. "@" in a unit is its number, 7 digits. */
typedef struct pattern {
    const char *head, *unit, *tail;
    size_t count;
} pattern;

static inline void number_put(char *out, size_t number)
{
    for (size_t i = 7; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
}

static inline char *unit_put(char *out, const char *unit, size_t number)
{
    for (; *unit != 0; unit++) {
        *out = *unit;
        if (*unit == '@')
            number_put(out, number);
        out += *unit == '@' ? 7 : 1;
    }
    return out;
}

static inline size_t unit_size(const char *unit)
{
    size_t size = 0;
    for (; *unit != 0; unit++)
        size += *unit == '@' ? 7 : 1;
    return size;
}

/* The text, at exact size; the caller frees it with help_free. */
static inline reef_str pattern_text(const pattern *p, size_t count)
{
    size_t head = strlen(p->head), tail = strlen(p->tail);
    size_t len = head + count * unit_size(p->unit) + tail;
    char *text = malloc(len > 0 ? len : 1), *out = text + head;
    assert_non_null(text);
    memcpy(text, p->head, head);
    if (unit_size(p->unit) == 1)
        memset(out, p->unit[0], count);
    else
        for (size_t i = 0; i < count; i++)
            out = unit_put(out, p->unit, i);
    memcpy(text + len - tail, p->tail, tail);
    return (reef_str){text, len};
}

/* Reads it all; END or BAD. The reader is the caller's to free. */
static inline reef_toml_kind read_through(reef_toml *r, reef_str text,
                                          const reef_toml_limits *limits)
{
    reef_toml_event event;
    reef_toml_init(r, text, limits);
    while (reef_toml_next(r, &event) > REEF_TOML_BAD)
        continue;
    return event.kind;
}

/* What can be done with a text. */
typedef reef_code (*worker)(reef_str text);

static inline reef_code work_reader(reef_str text)
{
    reef_toml reader;
    reef_toml_mark mark;
    reef_str found;
    const char *note;
    size_t size;
    reef_code code = REEF_OK;
    if (read_through(&reader, text, NULL) == REEF_TOML_BAD) {
        code = reef_toml_code(&reader);
        assert_non_null(reef_toml_why(&reader, &mark, &found));
        assert_true(mark.at <= text.len && reef_toml_why_size(&reader) <= text.len);
        assert_true(reef_toml_column(&reader, &mark) > 0);
        assert_true(reef_toml_entry(&reader).len <= text.len);
        reef_toml_first(&reader, &mark, &size, &note);
    }
    reef_toml_free(&reader);
    return code;
}

static inline reef_code work_config(reef_str text)
{
    static reef_config config;
    static reef_report report;
    static char finding[REEF_FINDING_TEXT];
    reef_error error;
    memset(&report, 0, sizeof report);
    reef_config_init(&config);
    reef_code code = reef_config_parse(&config, NULL, text, &report, &error);
    assert_int_equal(code, error.code);
    assert_int_equal(code == REEF_OK, report.errors == 0);
    for (uint32_t i = 0; i < report.count; i++)
        assert_true(reef_finding_text(report.findings + i, finding, sizeof finding) <
                    sizeof finding);
    return code;
}

#endif
