/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of `reef check` share. */
#ifndef REEF_SESSION_CLI_CHECK_H
#define REEF_SESSION_CLI_CHECK_H
#include "session/cli/cli.h"

enum { CLI_CHECK_FINDINGS = REEF_FINDINGS_MAX + 24 }; /* of the settings, and more */

/* One sentence; exit_code CLI_DONE: a note, all works nevertheless. */
typedef struct cli_finding {
    int exit_code;
    const reef_finding *setting; /* what it says of a setting; NULL: it is our own */
    char text[REEF_FILE_NAME_MAX + 2 * REEF_ERROR_TEXT];
} cli_finding;

typedef struct cli_check {
    cli_context *ctx;
    reef_server server;
    bool has_latency, has_clock;
    int64_t best_us, median_us, clock_ms;
    char eviction[32]; /* maxmemory_policy, "" where not known */
    int exit_code;     /* of the first problem */
    size_t count;
    cli_finding findings[CLI_CHECK_FINDINGS];
} cli_check;

/* The three texts are one sentence. */
void cli_check_find(cli_check *, int exit_code, const char *a, const char *b,
                    const char *c);
/* A line for a person; nothing with --json. */
void cli_check_fact(const cli_check *, const char *name, const char *text);

/* ---- probe.c ------------------------------------------------------------------ */
/* INFO: fills in what an old server's handshake left out, and finds what is odd. */
void cli_check_info(cli_check *, reef_cmd *);
/* Tries each command that sessions need, where it has no effect. */
void cli_check_rights(cli_check *, reef_cmd *);
void cli_check_json(const cli_check *);
/* The end of the object: the findings and the exit code. */
void cli_check_json_end(const cli_check *, int exit_code);

#endif
