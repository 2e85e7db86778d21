/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the `reef` command share. One context on main's stack holds all
 * state; a command gets it, prints to stdout, and returns its exit code. */
#ifndef REEF_SESSION_CLI_CLI_H
#define REEF_SESSION_CLI_CLI_H
#include <stdio.h>

#include "session/session.h"

/* The exit codes, part of the interface: scripts rely on them. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_NOT_FOUND = 1,
    CLI_USAGE = 2, /* usage, or settings that can't be used */
    CLI_DNS = 3,
    CLI_UNREACHED = 4, /* nothing was sent */
    CLI_AUTH = 5,
    CLI_REFUSED = 6, /* by the server, a tombstone or a newer record */
    CLI_UNSURE = 7,
    CLI_PROTOCOL = 8,   /* broken protocol, a limit passed, a corrupt record */
    CLI_INCOMPLETE = 9, /* input cut off, output not written, out of memory */
    CLI_FRAGILE = 10    /* it works, but no fail-over would */
};

/* The order is that of the table in options.c. */
typedef enum cli_opt {
    CLI_OPT_CONFIG,
    CLI_OPT_JSON,
    CLI_OPT_TIMEOUT,
    CLI_OPT_NO_COLOR,
    CLI_OPT_HELP,
    CLI_OPT_VERSION,
    CLI_OPT_KEY,
    CLI_OPT_REPEATABLE,
    CLI_OPT_RAW,
    CLI_OPT_PROTO,
    CLI_OPT_ID,
    CLI_OPT_USER,
    CLI_OPT_IP,
    CLI_OPT_AGENT,
    CLI_OPT_ALL,
    CLI_OPT_TABLE,
    CLI_OPT_NAMESERVER,
    CLI_OPT_SECONDS,
    CLI_OPT_THREADS,
    CLI_OPT_RATE,
    CLI_OPT_MASTERS,
    CLI_OPT_OWNER,
    CLI_OPTS
} cli_opt;

typedef struct cli_option {
    char letter; /* '\0': none */
    const char *name;
    const char *value; /* NULL: a flag */
    const char *help;
} cli_option;

enum { CLI_KEYS_MAX = 64 /* times that --key may be given */ };

typedef struct cli_context cli_context;

/* One entry of the command table; dispatch and help follow from it. */
typedef struct cli_command {
    const char *name;    /* one word, or "group word" */
    const char *args;    /* how its arguments are shown */
    const char *summary; /* one line */
    const char *help;    /* more lines, examples among them */
    uint32_t options;    /* bits of cli_opt, beside those that all commands take */
    int min_args, max_args;
    bool verbatim; /* its first argument ends the options */
    int (*run)(cli_context *);
} cli_command;

struct cli_context {
    const char *values[CLI_OPTS];                  /* NULL: not given; "" for a flag */
    const char *nameservers[REEF_NAMESERVERS_MAX]; /* each that was given */
    uint32_t nameserver_count;
    const char *keys[CLI_KEYS_MAX]; /* --key, each that was given */
    uint32_t key_count;
    const cli_command *command;
    char **args; /* what is left of argv */
    int arg_count;
    const char *const *env;
    int64_t timeout_ms; /* 0: the config's */
    int write_errno;    /* of stdout */
    bool color_out, color_err;
    bool loaded; /* config holds settings that are to be wiped */
    reef_config config;
    reef_report report; /* what is wrong or odd with the settings */
    reef_client *client;
};

/* ---- commands.c --------------------------------------------------------------- */
extern const cli_command cli_commands[];
extern const size_t cli_command_count;
/* NULL: no such command. */
const cli_command *cli_command_find(const char *name);

/* ---- options.c ---------------------------------------------------------------- */
extern const cli_option cli_options[CLI_OPTS];
/* Takes argv apart: options, command, arguments. CLI_DONE, or CLI_USAGE with the reason
 * printed. With --help or --version the rest is not judged. */
int cli_options_read(cli_context *, int argc, char *argv[]);
bool cli_has(const cli_context *, cli_opt);
/* The next number off "1,2,3", at most `max`. False: none is left, or what stands there
 * is none; then `text` is not at its end. */
bool cli_next_number(const char **text, uint64_t max, uint64_t *out);
/* The bits that every command takes. */
uint32_t cli_common_options(void);
/* Digits alone, at most `max`. */
bool cli_number(reef_str digits, uint64_t max, uint64_t *out);

/* ---- help.c ------------------------------------------------------------------- */
int cli_help_main(FILE *, const cli_context *);
int cli_help_command(FILE *, const cli_context *, const cli_command *);
/* False: no command begins with this word. */
bool cli_help_group(FILE *, const cli_context *, const char *word);
int cli_help_run(cli_context *); /* reef help [COMMAND] */
/* The command (or, with `group`, the command of that group) whose name is nearest to a
 * word that is none; NULL: nothing is near. */
const char *cli_nearest_command(const char *group, const char *word);
const char *cli_nearest_option(const char *word);

/* ---- out.c -------------------------------------------------------------------- */
/* Text for a terminal: control characters and what reorders text shown as escapes. */
void cli_put_text(FILE *, reef_str);
void cli_put_quoted(FILE *, reef_str); /* the same, in double quotes */
void cli_put_json(FILE *, reef_str);   /* a JSON string; bad UTF-8 as U+FFFD */
/* A whole JSON text, for a terminal: the same value, and the same safe characters. */
void cli_put_json_text(FILE *, reef_str);
void cli_put_time(FILE *, int64_t unix_ns);
typedef enum cli_color {
    CLI_PLAIN,
    CLI_BOLD,
    CLI_RED,
    CLI_GREEN,
    CLI_YELLOW
} cli_color;
void cli_put_colored(FILE *, bool on, cli_color, const char *text);
/* The same with text that came from elsewhere, as cli_put_text shows it. */
void cli_put_span(FILE *, bool on, cli_color, reef_str);
/* a, b and c end to end, cut to fit, NUL-terminated. */
void cli_join(char *out, size_t cap, const char *a, const char *b, const char *c);
/* "knot.toml:4:11", "KNOT_REDIS_DB", "default". Cut to fit. */
void cli_origin_text(const reef_config *, reef_setting, char *out, size_t cap);
/* Writes out what stdout holds. False: it can't be written; time to stop. */
bool cli_flush(cli_context *);
/* `code`, or CLI_INCOMPLETE with a word on stderr where stdout lost something that
 * somebody still waits for. */
int cli_finish(cli_context *, int code);

/* ---- fail.c ------------------------------------------------------------------- */
int cli_exit_of(reef_code);
/* Says it: one sentence on stderr, an object on stdout with --json. Returns the exit
 * code. */
int cli_fail(cli_context *, reef_code, const char *text);
/* The same, but that the caller ends the object with what else is known, the exit code
 * at its end. */
int cli_fail_begin(cli_context *, reef_code, const char *text);
int cli_fail_error(cli_context *, const reef_error *);
/* The same for settings that can't be used: all that was found wrong with them stands
 * on stderr. */
int cli_fail_settings(cli_context *, const reef_error *);
/* `before` 'word' `after`; word NULL: before alone. Returns CLI_USAGE. */
int cli_usage(cli_context *, const char *before, const char *word, const char *after);

/* ---- findings.c: what is wrong with the settings ------------------------------ */
/* All findings of the context's report on stderr, in several lines each, and how many
 * there are where that is more than one. */
void cli_findings_print(cli_context *);
/* The findings as a JSON array on stdout. */
void cli_findings_json(const reef_report *);
/* The members of one, each with a comma before it; its severity is not among them. */
void cli_finding_json(const reef_finding *);

/* ---- connect.c ---------------------------------------------------------------- */
/* Reads the settings and what was found in them into the context; says nothing. */
reef_code cli_load_quietly(cli_context *, reef_error *);
/* Reads the settings, then makes the client. CLI_DONE, or the exit code of what was
 * said. Warnings are not shown: they are for `config` and `check`. */
int cli_load(cli_context *);
int cli_open(cli_context *);
void cli_close(cli_context *);

/* ---- progress.c: a line on stderr for what takes over two seconds ------------- */
typedef struct cli_progress cli_progress;
/* NULL where stderr is no terminal (or out of memory): then nothing is shown. Without a
 * client no answers are counted. */
cli_progress *cli_progress_begin(cli_context *, const char *what);
void cli_progress_end(cli_progress *); /* NULL is fine */

/* ---- reply.c ------------------------------------------------------------------ */
void cli_reply_print(FILE *, const reef_reply *);     /* for a person */
void cli_reply_print_raw(FILE *, const reef_reply *); /* bytes as they are */

/* ---- record.c: one session on paper ------------------------------------------- */
void cli_session_print(cli_context *, const reef_session *);
/* The record in knot's form on a line of its own. */
int cli_session_json(cli_context *, const reef_session *);
void cli_session_row(cli_context *, const reef_session *, bool with_user);
void cli_session_heading(cli_context *, bool with_user);
/* A session's JSON from standard input. `*list` owns its words; the caller frees. */
int cli_session_read(cli_context *, reef_sessions **list, reef_session *out);

/* ---- the commands ------------------------------------------------------------- */
int cli_check_run(cli_context *);
int cli_srv_run(cli_context *);
int cli_topology_run(cli_context *);
int cli_config_run(cli_context *);
void cli_config_help(FILE *);  /* the settings there are, for a person */
void cli_config_table(FILE *); /* the same in Markdown, as README has it */
int cli_call_run(cli_context *);
int cli_resp_run(cli_context *);
int cli_slot_run(cli_context *);
int cli_demo_run(cli_context *);
int cli_soak_run(cli_context *);
int cli_session_new_run(cli_context *);
int cli_session_save_run(cli_context *);
int cli_session_get_run(cli_context *);
int cli_session_touch_run(cli_context *);
int cli_session_delete_run(cli_context *);
int cli_session_list_run(cli_context *);
int cli_session_revoke_run(cli_context *);

#endif
