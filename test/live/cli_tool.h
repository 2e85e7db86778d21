/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the built `reef` command (REEF_BIN, else build/reef) in a folder and with an
 * environment of its own, and keeps what it printed and how it ended. */
#ifndef REEF_TEST_LIVE_CLI_TOOL_H
#define REEF_TEST_LIVE_CLI_TOOL_H
#include "resp/resp.h"
#include "test/tool/temporary.h"

enum { REEF_CLI_ENV = 8, REEF_CLI_ARGS = 32, REEF_CLI_WAIT_MS = 60000 };

typedef enum reef_cli_stdout {
    REEF_CLI_PIPE,    /* kept */
    REEF_CLI_FULL,    /* a device without room */
    REEF_CLI_GONE,    /* a pipe that nobody reads */
    REEF_CLI_CLOSED,  /* no descriptor at all */
    REEF_CLI_TERMINAL /* stdout and stderr are one terminal, kept as output */
} reef_cli_stdout;

/* Zero but for `folder`, which reef_cli_begin makes. The fields of the first half say
 * how the next run goes, those of the second half how the last one went. */
typedef struct reef_cli {
    char folder[TEMPORARY_PATH];
    char file[TEMPORARY_INSIDE];   /* knot.toml there; used once it is written */
    bool configured;               /* -c FILE is put before the arguments */
    bool nobody;                   /* without root's rights, where the test has them */
    bool no_stdin;                 /* descriptor 0 is closed */
    reef_str input;                /* standard input, without end where it repeats */
    bool endless;                  /* the input is written again and again */
    const char *env[REEF_CLI_ENV]; /* "NAME=value", more than PATH and HOME */
    reef_cli_stdout to;

    int code; /* exit code; -1: a signal ended it */
    char *out, *err;
    size_t out_len;
} reef_cli;

void reef_cli_begin(reef_cli *);
void reef_cli_end(reef_cli *); /* removes the folder */
/* Writes knot.toml. */
void reef_cli_config(reef_cli *, const char *text);
/* [server.redis] with one host and further lines. */
void reef_cli_host(reef_cli *, const char *host, const char *more);

/* The line, split at its spaces; or words, NULL at the end. Fails the test when the
 * command does not end by REEF_CLI_WAIT_MS. */
void reef_cli_run(reef_cli *, const char *line);
void reef_cli_words(reef_cli *, const char *const words[]);

/* Run, and compare: the exit code and the whole of stdout; nothing on stderr where the
 * code is 0. */
void reef_cli_prints(reef_cli *, const char *line, const char *out);
/* Run, and look: the exit code, one sentence on stderr that begins with "reef: " and
 * holds `part`; the other half is reef_cli.out. */
void reef_cli_fails(reef_cli *, const char *line, int code, const char *part);
/* Run, and look: exit code 2, and stderr holds findings, `part` in them. */
void reef_cli_refuses(reef_cli *, const char *line, const char *part);
void reef_cli_has(const char *text, const char *part);
void reef_cli_has_not(const char *text, const char *part);

#endif
