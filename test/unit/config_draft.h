/* SPDX-License-Identifier: Apache-2.0
 *
 * config_draft: drafts of findings for the tests of config/report.c. */
#ifndef REEF_TEST_CONFIG_DRAFT_H
#define REEF_TEST_CONFIG_DRAFT_H
#include "config/report.h"
#include "config_help.h"

/* A byte of a text as a place. */
static inline reef_toml_mark mark_at(const char *text, size_t at)
{
    reef_toml_mark mark = {at, 0, 1};
    for (size_t i = 0; i < at; i++) {
        if (text[i] != '\n')
            continue;
        mark.line++;
        mark.line_at = i + 1;
    }
    return mark;
}

/* A draft whose place is where `part` stands for the last time, with its line as the
 * entry. */
static inline reef_finding_draft draft_of(const char *text, const char *part,
                                          const char *sentence)
{
    size_t at = strlen(text);
    while (strncmp(text + at, part, strlen(part)) != 0)
        at--;
    reef_finding_draft draft = {.code = REEF_BADCONFIG, .size = strlen(part)};
    draft.mark = mark_at(text, at);
    draft.entry = draft.mark.line_at;
    draft.entry_end = at;
    draft.sentence = reef_str_of(sentence);
    return draft;
}

/* The second place is where `part` stands first. */
static inline void set_first(reef_finding_draft *draft, const char *text,
                             const char *part)
{
    draft->has_first = true;
    draft->note = "it was set here first";
    draft->first = mark_at(text, (size_t)(strstr(text, part) - text));
    draft->first_size = strlen(part);
}

static inline uint32_t any_next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#endif
