/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of session/cli/ share: a context as main would make it, with stdout
 * and stderr caught, standard input given, and settings in a file of their own. One at
 * a time. */
#ifndef REEF_TEST_UNIT_CLI_CAPTURE_H
#define REEF_TEST_UNIT_CLI_CAPTURE_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "session/cli/cli.h"
#include "test/tool/temporary.h"

enum { CAP_TEXT = 1 << 16, CAP_WORDS = 160 };

typedef struct cap {
    cli_context ctx;
    int code; /* of the last run */
    char out[CAP_TEXT], err[CAP_TEXT];
    char line[1024];
    char *args[CAP_WORDS];
    char settings[TEMPORARY_PATH]; /* path of the file; "": none was made */
    int saved[3]; /* descriptors in whose place others stand; -1: none */
} cap;

/* Setup and teardown of a test: `*state` is the cap. */
int cap_begin(void **state);
int cap_end(void **state);
/* A test with both. */
#define CAP_TEST(test) cmocka_unit_test_setup_teardown(test, cap_begin, cap_end)

/* A new context for another run; settings stay. */
void cap_again(cap *);
/* Arguments of the command, divided by spaces. */
void cap_args(cap *, const char *words);
void cap_set(cap *, cli_opt, const char *value);
/* The text of the knot.toml that the context names. */
void cap_settings(cap *, const char *toml);
/* Settings that name a port where nobody listens. */
void cap_nobody(cap *);
/* Standard input. */
void cap_input(cap *, const char *bytes, size_t len);
/* From here to cap_release what is printed goes to out and err. */
void cap_catch(cap *);
void cap_release(cap *);
/* The command; its exit code, and what it printed in out and err. */
int cap_run(cap *, int (*run)(cli_context *));

/* One value in its wire form, RESP3; the caller frees. */
reef_reply *cap_reply(const char *wire);
/* Fails the test unless `part` is in `text`. */
void cap_has(const char *text, const char *part);
void cap_has_not(const char *text, const char *part);
/* All of what was written to a tmpfile(), which is closed; NUL behind. */
const char *cap_file(FILE *);

#endif
