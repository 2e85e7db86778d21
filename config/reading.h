/* SPDX-License-Identifier: Apache-2.0
 *
 * reading: settings taken from a file, then from the environment, then held against
 * each other, so that all that is wrong with them is said in one go. */
#ifndef REEF_CONFIG_READING_H
#define REEF_CONFIG_READING_H
#include "config/config.h"
#include "config/report.h"

typedef struct reef_reading {
    reef_config *config;    /* holds what was good, also where something was not */
    reef_document document; /* the file; zero: there is none */
    reef_report *report;
    reef_error *error;
    reef_code code; /* of the first error */
    uint32_t bad;   /* by reef_setting, a bit: it has no good value */
    bool broken;    /* the text was not read to its end */
} reef_reading;

enum { REEF_BAD_ALL = (1 << REEF_SETTINGS) - 1 };

/* Each may add to what is wrong. With no report they stop at the first error. */
void reef_read_file(reef_reading *);
void reef_read_env(reef_reading *, const char *const environ[]);
/* What only shows when all is read; not where a setting that it asks for is bad. */
void reef_read_check(reef_reading *);

/* An error of a setting (REEF_SETTINGS: of all of them; negative: of none). */
void reef_reading_bad(reef_reading *, int setting, reef_code);

#endif
