/* SPDX-License-Identifier: Apache-2.0
 *
 * setting: the one table of settings, and how a value gets into a reef_config, from
 * whatever source. */
#ifndef REEF_CONFIG_SETTING_H
#define REEF_CONFIG_SETTING_H
#include "config/config.h"
#include "config/text.h"

typedef enum reef_setting_kind {
    REEF_KIND_FLAG,
    REEF_KIND_NUMBER,
    REEF_KIND_TIME,     /* milliseconds */
    REEF_KIND_PROTOCOL, /* 0 for "auto" */
    REEF_KIND_FAILOVER, /* a word: "early" is false, "announced" true */
    REEF_KIND_TEXT,
    REEF_KIND_PREFIX, /* a text that gets ":" behind it */
    REEF_KIND_SECRET,
    REEF_KIND_HOSTS, /* the lists */
    REEF_KIND_NAMESERVERS,
    REEF_KIND_CONSUL
} reef_setting_kind;

/* One line of the table, by reef_setting, in config.c. */
typedef struct reef_setting_row {
    const char *name; /* in the file */
    const char *env;  /* in the environment */
    reef_setting_kind kind;
    uint32_t min, max;   /* of numbers and times; of texts, `max` bytes */
    size_t at;           /* where in reef_config: bool, uint32_t or char[max + 1] */
    uint32_t fallback;   /* the default of flags, numbers and times */
    const char *shown;   /* the default as it is written in a file */
    const char *allowed; /* what errors say */
    const char *help;
} reef_setting_row;

const reef_setting_row *reef_setting_at(reef_setting);
bool reef_setting_is_list(reef_setting);
bool reef_setting_is_secret(reef_setting);

/* Longest text that any setting can hold, and more: a longer one may be cut to this
 * before it is put, and is refused all the same. */
enum { REEF_INPUT_MAX = 1280 };

typedef enum reef_input_kind {
    REEF_INPUT_ENV,  /* text of the environment: numbers and booleans are texts there */
    REEF_INPUT_TEXT, /* values of the file */
    REEF_INPUT_INTEGER,
    REEF_INPUT_FLAG,
    REEF_INPUT_OTHER /* fits nothing */
} reef_input_kind;

typedef struct reef_input {
    reef_input_kind kind;
    reef_str text;  /* ENV, TEXT: decoded; FLAG: "true" or "false" */
    int64_t number; /* INTEGER */
    reef_origin origin;
} reef_input;

/* Puts a value, or one more element of a list. NULL when done; else why not, as the end
 * of a sentence, and the setting holds nothing of use. */
const char *reef_setting_put(reef_config *, reef_setting, const reef_input *);
/* A text that a setting does not take: what was probably meant. False: not known. */
bool reef_setting_meant(reef_setting, reef_str text, reef_message *hint);
/* Empties a list, before its elements are put. */
void reef_setting_begin(reef_config *, reef_setting, reef_origin);

/* A key below `above` ("", "server", "server.redis") that is no setting, but has a
 * name from elsewhere or stands at the wrong height: what to write. False: it is not
 * known. */
bool reef_setting_moved(reef_str above, reef_str part, reef_message *hint);

/* After all was put: an empty list of hosts is the default, and hosts without a port
 * get the one that belongs to the topology. */
void reef_config_settle(reef_config *);

#endif
