/* SPDX-License-Identifier: Apache-2.0
 *
 * Help for the tests that run files of vectors: a line of such a file is one JSON
 * object. This takes one after the other, and reads the little of JSON that they need.
 * Each file is right, or the test fails. */
#ifndef REEF_TEST_UNIT_VECTOR_HELP_H
#define REEF_TEST_UNIT_VECTOR_HELP_H
#include "resp/resp.h"

/* The text of a field of the outermost object, as it stands there; {NULL, 0} when there
 * is none. */
reef_str vector_field(reef_str line, const char *name);
/* The end of the JSON value that begins at `at`. */
const char *vector_skip(const char *at, const char *end);
/* What stands between the quotes. */
reef_str vector_unquote(reef_str text);
uint64_t vector_number(reef_str text);
/* What a base64 text stands for; the caller frees. */
char *vector_base64(reef_str text, size_t *len);
/* What a JSON string with its quotes stands for; the caller frees. */
char *vector_string(reef_str text, size_t *len);

typedef struct vector_file {
    const char *name; /* below test/ */
    size_t more_than; /* vectors in it */
} vector_file;

/* The main of a test: `run` for each line of its own files, `count` of them, or of
 * those that the program's arguments name. */
int vector_main(int argc, char **argv, void (*run)(reef_str line),
                const vector_file *files, size_t count);

#endif
