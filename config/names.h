/* SPDX-License-Identifier: Apache-2.0
 *
 * names: which keys and tables a document has defined so far, and the rules of TOML on
 * defining them again (TOML 1.1, "Table", "Array of Tables", "Inline Table").
 *
 * One hash table, eight bytes for each name: where in the text it was defined, what it
 * is, and the scope that it belongs to. The name itself is read in the text again when
 * two are compared, however each is spelled. A scope is a table that names can be put
 * into; it is told by the place in the text that made it, so it needs no entry of its
 * own. The hash depends on every byte of the text, in a way that can't be steered, so
 * that nobody can write a list of keys that is slow. Names are never removed: those of
 * an inline table that was closed, or of an earlier element of [[x]], can't be met
 * again. */
#ifndef REEF_CONFIG_NAMES_H
#define REEF_CONFIG_NAMES_H
#include "resp/resp.h"

enum {
    REEF_NAMES_NONE = 0x0FFFFFFF, /* no place; the scope of the document's top */
    REEF_NAMES_TEXT = 0x0FFFFFFF, /* bytes of a text at most: places have 28 bits */
};

/* What a name is. */
typedef enum reef_name_kind {
    REEF_NAME_NONE,     /* nothing has this name */
    REEF_NAME_VALUE,    /* a scalar */
    REEF_NAME_ARRAY,    /* [...]: nothing can be added */
    REEF_NAME_INLINE,   /* {...}: nothing can be added */
    REEF_NAME_DOTTED,   /* a table made by a key a.b = ... */
    REEF_NAME_IMPLICIT, /* a table that [a.b] needs above it */
    REEF_NAME_TABLE,    /* a table with its header */
    REEF_NAME_TABLES    /* [[a]] */
} reef_name_kind;

typedef struct reef_names {
    reef_str text;
    uint32_t (*slots)[2]; /* place and kind, scope and a piece of the hash */
    size_t cap, count, most;
    uint64_t seed;
    size_t last;      /* the slot of the last name */
    uint32_t first;   /* of the last conflict: the place of the name that was there */
    const char *note; /* and how it came there: "it was set here first" */
} reef_names;

/* The text is borrowed. `most`: names at most; 0: no limit of its own. Nothing is
 * allocated before the first name. */
void reef_names_init(reef_names *, reef_str text, size_t most);
void reef_names_free(reef_names *);

/* How a name is used. */
typedef enum reef_name_use {
    REEF_USE_KEY,       /* the last part of "a.b = value" */
    REEF_USE_KEY_PATH,  /* a part before it */
    REEF_USE_TABLE,     /* the last part of [a.b] */
    REEF_USE_TABLES,    /* the last part of [[a.b]] */
    REEF_USE_TABLE_PATH /* a part before it */
} reef_name_use;

typedef struct reef_name {
    size_t at;    /* of its first byte, the quote included */
    reef_str raw; /* without quotes, not decoded */
    bool escapes; /* a backslash in it means something */
} reef_name;

/* Uses a name in `scope`; `*inner` is the scope behind it, where it is a table. OK, or
 * NOMEM, LIMIT (too many names), BADCONFIG: it may not be used so, `*why` says why,
 * names->first and names->note where and how the name was made. */
reef_code reef_names_use(reef_names *, uint32_t scope, const reef_name *, reef_name_use,
                         uint32_t *inner, const char **why);
/* Bytes of the name that was made at a place, its quotes included. */
size_t reef_names_size(const reef_names *, size_t place);
/* The last REEF_USE_KEY turned out to be an array or an inline table. */
void reef_names_is(reef_names *, reef_name_kind);

#endif
