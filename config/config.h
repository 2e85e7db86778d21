/* SPDX-License-Identifier: Apache-2.0
 *
 * config: knot.toml's [server.redis] and [resolver], the environment over it, defaults
 * under it. One value without pointers comes out: copy it, compare it, wipe it.
 *
 * Precedence, as knot's: environment over file over default. An error names the file,
 * the line and the column (or the variable), what was found and what is allowed. The
 * bytes of a password never appear in one. */
#ifndef REEF_CONFIG_H
#define REEF_CONFIG_H
#include "resp/resp.h"

enum {
    REEF_HOSTS_MAX = 32, /* hosts in one block */
    REEF_NAME_MAX = 255, /* host name, master_name, socket path's own limit is lower */
    REEF_USER_MAX = 255, /* username */
    REEF_SECRET_MAX = 1024,    /* password; longer ones are refused, never cut */
    REEF_PREFIX_MAX = 255,     /* key_prefix, with the ":" that is appended */
    REEF_NAMESERVERS_MAX = 8,  /* [resolver] nameservers, and consul */
    REEF_LANES_MAX = 64,       /* lanes */
    REEF_FILE_NAME_MAX = 1023, /* path of knot.toml */
    REEF_FINDINGS_MAX = 20,    /* findings that a report keeps */
    REEF_HINT_TEXT = 192,      /* a hint, with its NUL */
    REEF_EXCERPT_TEXT = 160    /* a line of the file as it is shown, with its NUL */
};

/* Limits of the file, which a host may set otherwise as it compiles reef. A third one
 * is REEF_TOML_DEPTH: 1024 brackets inside each other. */
#ifndef REEF_FILE_MAX
#define REEF_FILE_MAX 16777216 /* bytes of knot.toml that are read, below 2^28 */
#endif
#ifndef REEF_KEYS_MAX
#define REEF_KEYS_MAX 1048576 /* keys and tables in it */
#endif

/* Where a setting came from: `line` and `column` (1-based, in characters) for a
 * file. */
typedef enum reef_source {
    REEF_FROM_DEFAULT,
    REEF_FROM_FILE,
    REEF_FROM_ENV
} reef_source;
typedef struct reef_origin {
    reef_source source;
    uint32_t line;
    uint32_t column;
} reef_origin;

typedef enum reef_host_kind {
    REEF_HOST_TCP,  /* "name", "name:port", "1.2.3.4:port", "[v6]:port" */
    REEF_HOST_UNIX, /* "unix:/path" */
    REEF_HOST_SRV   /* "srv+name": the SRV record of `name`, verbatim */
} reef_host_kind;

typedef struct reef_host {
    reef_host_kind kind;
    uint16_t port;                /* TCP: 6379 where none was given (Sentinel: 26379) */
    bool default_port;            /* none was given: the port follows master_name */
    char name[REEF_NAME_MAX + 1]; /* without prefix, brackets and port */
    reef_origin origin;           /* of this element of the array */
} reef_host;

/* A nameserver: "ip", "ip:port", "[v6]:port", "domain/ip:port". */
typedef struct reef_nameserver {
    uint16_t port;    /* where none was given 53, of Consul 8600 */
    char address[64]; /* numeric */
    char domain[REEF_NAME_MAX +
                1]; /* lower case, no dots at its ends; "": for every name */
} reef_nameserver;

/* The settings, in the order of the table in config.c. */
typedef enum reef_setting {
    REEF_SET_ENABLED,
    REEF_SET_HOSTS,
    REEF_SET_USERNAME,
    REEF_SET_PASSWORD,
    REEF_SET_DB,
    REEF_SET_MASTER_NAME,
    REEF_SET_SENTINEL_USERNAME,
    REEF_SET_SENTINEL_PASSWORD,
    REEF_SET_FAILOVER,
    REEF_SET_KEY_PREFIX,
    REEF_SET_CONNECT_TIMEOUT,
    REEF_SET_CALL_TIMEOUT,
    REEF_SET_LANES,
    REEF_SET_PROTOCOL,
    REEF_SET_NAMESERVERS,
    REEF_SET_CONSUL,
    REEF_SETTINGS
} reef_setting;

typedef struct reef_config {
    bool enabled;        /* default false, as knot's */
    uint32_t host_count; /* default 1: localhost:6379 */
    reef_host hosts[REEF_HOSTS_MAX];
    char username[REEF_USER_MAX + 1];    /* "": the default user */
    char password[REEF_SECRET_MAX + 1];  /* "": no AUTH, unless a user is named */
    uint32_t db;                         /* 0 */
    char master_name[REEF_NAME_MAX + 1]; /* "": no Sentinel */
    char sentinel_username[REEF_USER_MAX + 1];
    char sentinel_password[REEF_SECRET_MAX + 1];
    /* Sentinel. false ("early"): calls move to the replica that was selected as soon as
     * it is master; true: only once a Sentinel announces it. */
    bool failover_announced;
    char key_prefix[REEF_PREFIX_MAX + 1]; /* "", or ends with ":" */
    uint32_t connect_timeout_ms;          /* 5000: one attempt, handshake included */
    uint32_t call_timeout_ms;             /* 5000: a whole call that names no other */
    uint32_t lanes;            /* 1: connections that calls are spread over */
    uint32_t protocol;         /* 0: auto (3, else 2); 2; 3 */
    uint32_t nameserver_count; /* 0: the system's */
    reef_nameserver nameservers[REEF_NAMESERVERS_MAX];
    uint32_t consul_count;                        /* 0: none */
    reef_nameserver consul[REEF_NAMESERVERS_MAX]; /* for the names below "consul" */
    reef_origin origins[REEF_SETTINGS];           /* by reef_setting */
    char file[REEF_FILE_NAME_MAX + 1];            /* "": no file was read */
} reef_config;

/* ---- what is wrong with it ---------------------------------------------------- */

/* A line of the file, safe to print: tabs are spaces, control characters and marks that
 * reorder text are \xNN or \u{NNNN}, a long line is cut around the place, and values on
 * a line where a secret may stand are "***". */
typedef struct reef_excerpt {
    uint32_t line, column; /* of the place, from 1, in characters; line 0: no place */
    uint32_t caret;        /* columns of a terminal in `text` before the place */
    uint32_t width;        /* columns of the place, at least 1 */
    char text[REEF_EXCERPT_TEXT]; /* "": the line is not shown */
} reef_excerpt;

/* One thing to say. */
typedef struct reef_finding {
    bool warning;               /* it is used all the same */
    char text[REEF_ERROR_TEXT]; /* "knot.toml:3:7: …", "KNOT_REDIS_DB: …" */
    uint32_t place_len; /* bytes of `text` up to the sentence: "knot.toml:3:7: " */
    char hint[REEF_HINT_TEXT]; /* what to write instead; "": nothing is known */
    reef_excerpt here;         /* the place; line 0: it is no place of a file */
    char note[48];             /* what another place is: "it was set here first" */
    reef_excerpt first;        /* that place; line 0: there is none */
} reef_finding;

/* What was found, in the order in which it was: along the file, then in the
 * environment, then between settings. Reading ends at the REEF_FINDINGS_MAX-th error.
 * Zero is the empty report; a plain value, without a secret in it. */
typedef struct reef_report {
    uint32_t errors, warnings; /* found; all warnings up to the last error */
    uint32_t count;            /* those kept: errors before warnings */
    reef_finding findings[REEF_FINDINGS_MAX];
} reef_report;

/* A finding as a person reads it, in several lines, each ended by LF:
 *
 *     knot.toml:2:13: error: a text stands in quotes; found "yes"
 *         2 |   enabled = yes
 *           |             ^^^
 *           = hint: write true
 *
 * NUL-terminated, cut to fit at a character's edge. Returns the length of the whole,
 * which is below REEF_FINDING_TEXT. */
enum { REEF_FINDING_TEXT = 4096 };
size_t reef_finding_text(const reef_finding *, char *out, size_t cap);

/* The defaults. */
void reef_config_init(reef_config *);

/* These four put the first error into `error`, as one line. All of them, and the
 * warnings, are added to `report`, in full. Either may be NULL. */

/* Reads the text of a knot.toml over what `config` holds. `file` is its name in errors
 * and may be NULL ("knot.toml"). No I/O. The whole text has to be valid TOML 1.1; of
 * its values only those of [server.redis] and [resolver] are judged. What is wrong
 * with those is found in one go; a text that is no TOML is read up to there. A key of
 * these blocks that reef does not know is a warning. On an error `config` is left as it
 * was. */
reef_code reef_config_parse(reef_config *config, const char *file, reef_str toml,
                            reef_report *report, reef_error *error);

/* Reads the variables that reef_setting_env names, such as KNOT_REDIS_HOSTS (a list
 * between commas, each trimmed), from "NAME=value" texts, NULL ends the list. An empty
 * variable counts as not set. On an error `config` is left as it was. */
reef_code reef_config_env(reef_config *config, const char *const environ[],
                          reef_report *report, reef_error *error);

/* What only shows when all is read: db with several hosts, Sentinel settings without
 * master_name, a socket path among several hosts or as a Sentinel. Names the line to
 * change. Hosts that knot will not use, since `enabled` is false, are a warning. */
reef_code reef_config_check(const reef_config *config, reef_report *report,
                            reef_error *error);

/* init, file, environment and check in one. `path` NULL: KNOT_CONFIG of the
 * environment; else knot.toml or .knot.toml, whichever comes first, in ".", $HOME,
 * $HOME/.config/knot and /etc/knot; none there: defaults and environment alone. A path
 * that was named must be readable; of a FIFO, all that is written to it is awaited. The
 * one function of this folder that does I/O.
 * `environ` NULL: empty. What is wrong in the file, in the environment and between
 * settings is found in one go. On an error `config` holds the defaults, and in `file`
 * the name of the file that was read. */
reef_code reef_config_load(reef_config *config, const char *path,
                           const char *const environ[], reef_report *report,
                           reef_error *error);

/* The name of a setting as it stands in the file ("server.redis.db"), and its
 * environment variable ("KNOT_REDIS_DB"). For help, errors and `reef config`. */
const char *reef_setting_name(reef_setting);
const char *reef_setting_env(reef_setting);
/* One line of help: what it is and what is allowed. */
const char *reef_setting_help(reef_setting);
/* The default as it would stand in the file: "[\"localhost:6379\"]". */
const char *reef_setting_default(reef_setting);

/* The value as text into `out` (NUL-terminated, cut to fit); a secret that is set as
 * "***". Returns the length that the whole text has. */
size_t reef_setting_text(const reef_config *, reef_setting, char *out, size_t cap);

/* Overwrites everything, passwords first. The compiler can't leave it out. */
void reef_config_wipe(reef_config *);

#endif
