/* SPDX-License-Identifier: Apache-2.0
 *
 * spelled: a document under construction, and the many ways to write a value or a part
 * of a key in TOML 1.1. Which one is taken is left to chance, and chance to a seed. */
#ifndef REEF_TEST_UNIT_SPELLED_H
#define REEF_TEST_UNIT_SPELLED_H
#include "test/unit/wish.h"

enum { SPELLED_MAX = 32768 };
#define SPELL_COUNT(words) (sizeof words / sizeof words[0])

typedef struct spelled {
    uint64_t random;
    bool crlf;  /* how lines end */
    bool lines; /* brackets may go over lines */
    size_t len;
    char text[SPELLED_MAX];
} spelled;

size_t spell_pick(spelled *, size_t count); /* below `count` */
bool spell_once_in(spelled *, size_t count);

void spell_bytes(spelled *, const char *bytes, size_t len);
/* Text whose lines end as those of the document do. */
void spell_add(spelled *, const char *text);
void spell_blanks(spelled *);
void spell_comment(spelled *);
/* The end of a line, and perhaps some lines that say nothing. */
void spell_line_end(spelled *);
/* What may stand between the parts of a value in brackets. */
void spell_gap(spelled *);

void spell_value(spelled *, const wish *);
/* One part of a key; a name that needs no quotes. */
void spell_part(spelled *, const char *name);

#endif
