/* SPDX-License-Identifier: Apache-2.0
 *
 * toml: a reader of TOML 1.1. One pass over the text, no recursion, no tree: the caller
 * pulls events and takes what it wants. Every value is validated, wanted or not, and
 * every key is held against those before it (names.h), which is all that the reader
 * remembers.
 *
 * The document a.b = [1, {c = 'x'}] comes as KEY a, KEY b (last), ARRAY, INTEGER,
 * INLINE, KEY c (last), STRING, INLINE_END, ARRAY_END, END; and [t.u] as TABLE, KEY t,
 * KEY u (last). */
#ifndef REEF_CONFIG_TOML_H
#define REEF_CONFIG_TOML_H
#include "config/names.h"
#include "config/text.h"

/* The most that a reader can be told to take; set at compile time. */
#ifndef REEF_TOML_DEPTH
#define REEF_TOML_DEPTH 1024 /* arrays and inline tables inside each other */
#endif

/* What a reader takes before it says that it is too much. 0: the most. */
typedef struct reef_toml_limits {
    size_t text;    /* bytes; at most REEF_NAMES_TEXT */
    uint32_t depth; /* open brackets; at most REEF_TOML_DEPTH */
    size_t names;   /* keys and tables; at most as many as there is memory for */
} reef_toml_limits;

typedef enum reef_toml_kind {
    REEF_TOML_END,    /* the text was valid and is read; stays so */
    REEF_TOML_BAD,    /* it is not valid: see reef_toml_why; stays so */
    REEF_TOML_TABLE,  /* "[": the keys of a header follow */
    REEF_TOML_TABLES, /* "[[" */
    REEF_TOML_KEY,    /* one part of a key */
    REEF_TOML_ARRAY,
    REEF_TOML_ARRAY_END,
    REEF_TOML_INLINE,
    REEF_TOML_INLINE_END,
    REEF_TOML_STRING,
    REEF_TOML_INTEGER,
    REEF_TOML_FLOAT,
    REEF_TOML_BOOL,
    REEF_TOML_DATE_TIME,       /* with offset or Z */
    REEF_TOML_LOCAL_DATE_TIME, /* without */
    REEF_TOML_LOCAL_DATE,
    REEF_TOML_LOCAL_TIME
} reef_toml_kind;

/* How a string or a key part was written. */
typedef enum reef_toml_form {
    REEF_TOML_BARE,         /* no quotes: as it stands */
    REEF_TOML_BASIC,        /* "..." with escapes */
    REEF_TOML_LITERAL,      /* '...' */
    REEF_TOML_BASIC_LINES,  /* three quotes, lines and escapes */
    REEF_TOML_LITERAL_LINES /* three apostrophes, lines */
} reef_toml_form;

/* A place in the text. The column is counted when asked for. */
typedef struct reef_toml_mark {
    size_t at;      /* bytes from the start */
    size_t line_at; /* where its line starts */
    uint32_t line;  /* from 1 */
} reef_toml_mark;

typedef struct reef_toml_event {
    reef_toml_kind kind;
    reef_toml_form form;
    bool first, last;    /* of a KEY: the first, the last part */
    reef_str text;       /* of a KEY or scalar, without quotes, not decoded; borrowed */
    reef_toml_mark mark; /* its first byte, the quote included */
    size_t size; /* bytes of a KEY, a scalar or a bracket, both quotes included */
} reef_toml_event;

/* What is looked for next; toml.c tells the way from one to the other. */
typedef enum reef_toml_state {
    REEF_TOML_AT_LINE,
    REEF_TOML_AT_PART,
    REEF_TOML_AT_VALUE,
    REEF_TOML_AT_ITEM,
    REEF_TOML_AT_COMMA,
    REEF_TOML_AT_EOL,
    REEF_TOML_OVER
} reef_toml_state;

/* The reader. Its fields are its own. */
typedef struct reef_toml {
    reef_str text;
    size_t at, line_at;
    uint32_t line;
    uint32_t depth;
    reef_toml_state state;
    int brackets;          /* of the header being read: 0 (none), 1, 2 */
    bool first;            /* the next key part begins a key */
    bool keyed;            /* the next value is that of a key, not an array's */
    bool escapes;          /* a key of the entry is written with escapes */
    bool escaped;          /* the last string has a backslash that means something */
    reef_toml_mark behind; /* where the last event ended */
    size_t entry;          /* where the key or header being read began */
    size_t before;         /* and the one in front of it */
    const char *why;
    bool why_shows;
    reef_toml_mark why_mark;
    size_t why_size; /* bytes of the place; 0: one character */
    const char *why_note;
    size_t why_first;          /* another place that belongs to it */
    size_t why_first_size;     /* 0: there is none */
    reef_toml_state why_state; /* the state that it left behind */
    size_t why_limit;          /* of LIMIT: the one that was passed */
    reef_code why_code;        /* BADCONFIG, LIMIT, NOMEM */
    reef_toml_limits limits;
    reef_names names;
    uint32_t table; /* the scope of the header's table: see names.h */
    uint32_t scope; /* of the key being read */
    unsigned char stack[REEF_TOML_DEPTH]; /* '[' or '{' */
    uint32_t scopes[REEF_TOML_DEPTH];     /* where each bracket stands */
} reef_toml;

/* The text is borrowed until the last event was looked at. NULL: the widest limits.
 * The reader holds memory from the first key to END or BAD; who stops in between lets
 * go of it with reef_toml_free, which does no harm at any time. */
void reef_toml_init(reef_toml *, reef_str text, const reef_toml_limits *);
void reef_toml_free(reef_toml *);
/* On to the next event; its kind. */
reef_toml_kind reef_toml_next(reef_toml *, reef_toml_event *);

/* After BAD: what is wrong, in words; where; and the bytes that stand there (empty when
 * the words need none, or at the end of the text). */
const char *reef_toml_why(const reef_toml *, reef_toml_mark *mark, reef_str *found);
/* After BAD: bytes of the place from the mark on, at least 1 but at the text's end. */
size_t reef_toml_why_size(const reef_toml *);
/* After BAD: another place that belongs to the error, its bytes, and what it is: the
 * key that this one contradicts, the bracket that is not closed. False: none is. */
bool reef_toml_first(const reef_toml *, reef_toml_mark *mark, size_t *size,
                     const char **note);
/* After BAD: BADCONFIG, LIMIT (the text may be good; a limit was passed), NOMEM. */
reef_code reef_toml_code(const reef_toml *);
/* The lines that an error's place belongs to, from the start of its key or header to
 * the end of its line: for hints, and to see whether a secret stands there. */
reef_str reef_toml_entry(const reef_toml *);

/* The column of a mark: characters from the start of its line, from 1. */
uint32_t reef_toml_column(const reef_toml *, const reef_toml_mark *);

/* The decoded bytes of a KEY or STRING: at most `cap` are written, the length of all is
 * returned. Never more than event->text.len. */
size_t reef_toml_decode(const reef_toml_event *, char *out, size_t cap);
/* The value of an INTEGER. False: that is another kind. */
bool reef_toml_integer(const reef_toml_event *, int64_t *out);
/* "an array", "a date": for errors. */
const char *reef_toml_kind_name(reef_toml_kind);

/* ---- between the files of the reader ------------------------------------------ */

/* The decoded bytes of what stands at `at` in a basic string's text, which was found
 * good: one escape, or one byte. Returns where the next one stands. */
size_t reef_toml_unescape(reef_str raw, size_t at, char out[4], size_t *len);
/* A byte of a key without quotes. */
static inline bool reef_toml_bare(char c)
{
    return reef_char_is(c, REEF_CHAR_BARE);
}
/* The reader's position as a mark. */
static inline reef_toml_mark reef_toml_here(const reef_toml *r)
{
    return (reef_toml_mark){r->at, r->line_at, r->line};
}
/* Stops the reader for good at byte `at` of the present line. `shows`: the message is
 * better with the bytes that stand there. Always false. */
bool reef_toml_fail(reef_toml *, size_t at, const char *why, bool shows);
/* The same, with the bytes of the place. */
bool reef_toml_fail_span(reef_toml *, size_t at, size_t size, const char *why,
                         bool shows);
/* Gives the error another place. Always false. */
bool reef_toml_fail_first(reef_toml *, size_t at, size_t size, const char *note);
/* Over one character of text at `*at`. False, and failed: it is a control character or
 * no UTF-8. */
bool reef_toml_character(reef_toml *, size_t *at);
/* The string at the reader, which stands on its quote. `lines`: three quotes may open
 * one over lines. False: failed. */
bool reef_toml_string(reef_toml *, reef_toml_event *, bool lines);
/* The number, boolean, date or time at the reader. False: failed. */
bool reef_toml_scalar(reef_toml *, reef_toml_event *);

#endif
