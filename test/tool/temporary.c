/* SPDX-License-Identifier: Apache-2.0 */
#include "test/tool/temporary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TEMPORARY_LABEL = 12,
    TEMPORARY_BASE = TEMPORARY_PATH - (int)sizeof "/reef--XXXXXX" - TEMPORARY_LABEL
};

static const char *temporary_base(void)
{
    const char *base = getenv("TMPDIR");
    bool fit = base && strlen(base) <= TEMPORARY_BASE && access(base, W_OK | X_OK) == 0;
    return fit ? base : P_tmpdir;
}

/* The last six letters are what mkdtemp and mkstemp replace. */
static void temporary_name(char out[TEMPORARY_PATH], const char *base,
                           const char *label)
{
    snprintf(out, TEMPORARY_PATH, "%s/reef-%.*s-XXXXXX", base, TEMPORARY_LABEL, label);
}

bool temporary_folder_in(char out[TEMPORARY_PATH], const char *base, const char *label)
{
    temporary_name(out, base, label);
    return mkdtemp(out) != NULL;
}

bool temporary_folder(char out[TEMPORARY_PATH], const char *label)
{
    return temporary_folder_in(out, temporary_base(), label);
}

int temporary_file(char out[TEMPORARY_PATH], const char *label)
{
    temporary_name(out, temporary_base(), label);
    return mkstemp(out);
}
