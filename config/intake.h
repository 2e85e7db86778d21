/* SPDX-License-Identifier: Apache-2.0
 *
 * intake: settings taken from a file, then from the environment, then held against
 * each other, so that all that is wrong with them is said in one go. */
#ifndef REEF_CONFIG_INTAKE_H
#define REEF_CONFIG_INTAKE_H
#include "config/config.h"
#include "config/report.h"

typedef struct reef_intake {
    reef_config *config;    /* holds what was good, also where something was not */
    reef_document document; /* the file; zero: there is none */
    reef_report *report;
    reef_error *error;
    reef_code code; /* of the first error */
    uint32_t bad;   /* by reef_setting, a bit: it has no good value */
    bool broken;    /* the text was not read to its end */
} reef_intake;

enum { REEF_BAD_ALL = (1 << REEF_SETTINGS) - 1 };

/* Each may add to what is wrong. With no report they stop at the first error. */
void reef_read_file(reef_intake *);
void reef_read_env(reef_intake *, const char *const environ[]);
/* What only shows when all is read; not where a setting that it asks for is bad. */
void reef_read_check(reef_intake *);

/* An error of a setting (REEF_SETTINGS: of all of them; negative: of none). */
void reef_intake_bad(reef_intake *, int setting, reef_code);

#endif
