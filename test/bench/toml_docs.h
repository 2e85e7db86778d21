/* SPDX-License-Identifier: Apache-2.0
 *
 * toml_docs: the documents that bench_toml reads, made anew on each run: one as people
 * write knot.toml, and those that are meant to hurt. */
#ifndef REEF_TEST_BENCH_TOML_DOCS_H
#define REEF_TEST_BENCH_TOML_DOCS_H
#include "resp/resp.h"

typedef struct toml_doc {
    char *ptr; /* the caller frees */
    size_t len, cap;
    bool failed; /* memory is out */
} toml_doc;

/* A valid knot.toml of exactly `size` bytes, with many zones in it, so that no name
 * comes twice. */
void toml_doc_knot(toml_doc *, size_t size);

/* `count` of what the name says. */
void toml_doc_keys(toml_doc *, size_t count);     /* key_00001 = 1 */
void toml_doc_tables(toml_doc *, size_t count);   /* [table_00001] */
void toml_doc_elements(toml_doc *, size_t count); /* [[t]] */
void toml_doc_parts(toml_doc *, size_t count);    /* a.a.a.a = 1 */
void toml_doc_brackets(toml_doc *, size_t count); /* a = [[[[ */
void toml_doc_array(toml_doc *, size_t count); /* bytes of ['a','a','a'] on one line */
void toml_doc_text(toml_doc *, size_t count);  /* bytes of "aaaa" */

#endif
