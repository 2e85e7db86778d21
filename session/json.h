/* SPDX-License-Identifier: Apache-2.0
 *
 * json: strings as Go's encoder writes them, and a reader of one object as Go's decoder
 * takes it. Pure. */
#ifndef REEF_SESSION_JSON_H
#define REEF_SESSION_JSON_H
#include "session/draft.h"

/* Objects and arrays inside each other, the outermost counted: what Go allows. */
enum { REEF_JSON_DEPTH = 10000 };

/* A string with its quotes. */
void reef_json_write(reef_draft *, reef_str);

/* A reader of one object, member by member. The first error sticks: `why` is one phrase
 * and `at` the byte that showed it; every later call does nothing. A value function
 * must be called for each member, and once. */
typedef struct reef_json {
    const char *ptr;
    size_t len, at;
    const char *why;
    bool begun; /* a member was read */
} reef_json;

void reef_json_open(reef_json *, reef_str text);
/* The next member's name, unescaped, replaces what `name` held. False: the object and
 * the text behind it ended well (why is NULL), or badly. */
bool reef_json_member(reef_json *, reef_draft *name);
/* Takes a null where one stands. */
bool reef_json_null(reef_json *);
/* Replaces what `out` held; bytes that are no UTF-8 and lone surrogates become
 * U+FFFD. */
void reef_json_string(reef_json *, reef_draft *out);
/* The bytes between the quotes, escapes as they stand, borrowed from the text. */
reef_str reef_json_quoted(reef_json *);
uint64_t reef_json_uint(reef_json *);
bool reef_json_bool(reef_json *);
void reef_json_skip(reef_json *); /* any value, validated */
void reef_json_fail(reef_json *, const char *why, size_t at);

#endif
