/* SPDX-License-Identifier: Apache-2.0
 *
 * hint: from a place where the reader of TOML stopped to what the person probably meant
 * to write. A hint is one short sentence, shown as "hint: write true"; where a guess
 * would be a wild one there is none. */
#ifndef REEF_CONFIG_HINT_H
#define REEF_CONFIG_HINT_H
#include "config/text.h"
#include "config/toml.h"

/* What the key that was read last takes, as far as it is known. */
typedef enum reef_hint_want {
    REEF_WANT_ANY,
    REEF_WANT_FLAG,
    REEF_WANT_NUMBER,
    REEF_WANT_TEXT,
    REEF_WANT_LIST /* of texts */
} reef_hint_want;

/* After BAD. Adds one short sentence to `out`, of less than REEF_HINT_TEXT bytes, or
 * nothing. `hidden`: a secret may stand there, so that nothing of the text is quoted
 * and no value is guessed at. */
void reef_toml_hint(const reef_toml *, bool hidden, reef_hint_want, reef_message *out);

/* The one of `count` names that is nearest to `word`: at most a third of the word is
 * other, turned, missing or too much (ASCII letters in any case), or it is three
 * letters or more that this name alone begins with. `count`: none is near. */
size_t reef_nearest(reef_str word, const reef_str names[], size_t count);

/* ---- between the files of the hints ------------------------------------------- */

/* What was looked for, as one bit, so that a rule can hold for several. */
typedef enum reef_hint_spot {
    REEF_HINT_LINE = 1 << 0,         /* a key or a header, as a line begins */
    REEF_HINT_FIELD = 1 << 1,        /* a key of an inline table */
    REEF_HINT_DOT = 1 << 2,          /* a part of a key, behind a dot */
    REEF_HINT_NAME = 1 << 3,         /* a part of a header */
    REEF_HINT_EQUALS = 1 << 4,       /* "=", behind a key */
    REEF_HINT_CLOSE = 1 << 5,        /* "]", behind the name of a header */
    REEF_HINT_HEADER_END = 1 << 6,   /* the end of the line, behind a header */
    REEF_HINT_VALUE = 1 << 7,        /* a value, behind "=" */
    REEF_HINT_ELEMENT = 1 << 8,      /* a value of an array */
    REEF_HINT_VALUE_END = 1 << 9,    /* the end of the line, behind a value */
    REEF_HINT_ELEMENT_END = 1 << 10, /* a comma or "]" */
    REEF_HINT_FIELD_END = 1 << 11,   /* a comma or "}" */
    REEF_HINT_STRING = 1 << 12,      /* the rest of a string */
    REEF_HINT_COMMENT = 1 << 13      /* the rest of a comment */
} reef_hint_spot;

/* A place of the text and what stands before it in its entry. Places are bytes from the
 * start of the text. */
typedef struct reef_hint_place {
    const reef_toml *reader;
    reef_str text;
    size_t entry;            /* where the key or header begins */
    size_t at;               /* of the error */
    size_t prior, prior_end; /* the word, string or sign before it; equal: none */
    size_t string;           /* STRING: where it opens */
    size_t quotes;           /* and with how many quotes, 1 or 3 */
    reef_hint_spot spot;
    char sign; /* the last of = , [ { before it; 0: none */
    bool hidden;
    reef_hint_want want;
    reef_message *out;
} reef_hint_place;

/* The byte at `at`; 0 at the end of the text. */
char reef_hint_byte(const reef_hint_place *, size_t at);
/* From `at` on: the end of the line; the first byte that is no blank. */
size_t reef_hint_line_end(const reef_hint_place *, size_t at);
size_t reef_hint_blanks(const reef_hint_place *, size_t at);
/* Nothing but blanks and a comment stands from `at` on in its line. */
bool reef_hint_ends(const reef_hint_place *, size_t at);
/* Nothing but blanks stands before `at` in its line. */
bool reef_hint_begins(const reef_hint_place *, size_t at);
/* `at` begins "key = ". */
bool reef_hint_assigns(const reef_hint_place *, size_t at);
/* The next line with something in it begins with a dash, as of a list in YAML. */
bool reef_hint_dashed(const reef_hint_place *, size_t at);
/* `at` begins what is a comment elsewhere: // and the like. */
bool reef_hint_comment(const reef_hint_place *, size_t at);

/* These add to the message and return true. */
bool reef_hint_say(const reef_hint_place *, const char *sentence);
/* The sentence with the word behind it, between `left` and `right`; the sentence alone
 * where the word may not or can't be shown as it is. */
bool reef_hint_show(const reef_hint_place *, const char *sentence, const char *left,
                    reef_str word, const char *right);
/* The same with the word in quotes, as TOML has it. */
bool reef_hint_quote(const reef_hint_place *, const char *sentence, reef_str word);

/* The rules for keys and headers, for what is no good value, for a string that does not
 * end well, and for what stands behind a value. False: nothing is known. */
bool reef_hint_key(const reef_hint_place *);
bool reef_hint_equals(const reef_hint_place *);
bool reef_hint_header(const reef_hint_place *);
bool reef_hint_behind_header(const reef_hint_place *);
bool reef_hint_value(const reef_hint_place *);
bool reef_hint_number(const reef_hint_place *, reef_str word);
bool reef_hint_string(const reef_hint_place *);
bool reef_hint_behind_value(const reef_hint_place *);

#endif
