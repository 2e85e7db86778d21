/* SPDX-License-Identifier: Apache-2.0
 *
 * temporary: where tests and benches keep what they need for a moment: below TMPDIR, or
 * in the system's folder when that is not set, or can't be written to, or is so long
 * that the path of a unix socket would not fit. */
#ifndef REEF_TEST_TOOL_TEMPORARY_H
#define REEF_TEST_TOOL_TEMPORARY_H
#include <stdbool.h>

enum {
    TEMPORARY_INSIDE = 108, /* of a file in a folder of ours; a unix socket's limit */
    TEMPORARY_PATH = TEMPORARY_INSIDE - 16
};

/* A new folder, or a new empty file that is open, with a name that begins with "reef-"
 * and `label`, of 12 bytes at most. The caller removes it. False, or -1: there is none,
 * as errno says. */
bool temporary_folder(char out[TEMPORARY_PATH], const char *label);
int temporary_file(char out[TEMPORARY_PATH], const char *label);
/* A new folder below that one, whatever TMPDIR says. */
bool temporary_folder_in(char out[TEMPORARY_PATH], const char *base, const char *label);

#endif
