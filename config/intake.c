/* SPDX-License-Identifier: Apache-2.0
 *
 * intake: the three steps of a reading, each alone, as the public interface has them.
 *
 * Invariant: a caller's reef_config changes only when a step went well. */
#include "config/intake.h"
#include "config/setting.h"
#include "config/text.h"
#include <string.h>

void reef_intake_bad(reef_intake *reading, int setting, reef_code code)
{
    if (reading->code == REEF_OK)
        reading->code = code;
    if (setting >= 0)
        reading->bad |=
            setting == REEF_SETTINGS ? (uint32_t)REEF_BAD_ALL : (uint32_t)1 << setting;
}

static void intake_too_long(reef_message *message)
{
    reef_message_add(message, "the file is too long: at most ");
    reef_message_number(message, REEF_FILE_MAX);
    reef_message_add(message, " bytes are read");
}

/* What was read into `next` becomes the caller's when all of it was good. */
static reef_code intake_end(const reef_intake *reading, reef_config *config,
                            reef_config *next)
{
    if (reading->code == REEF_OK)
        *config = *next;
    reef_config_wipe(next);
    return reading->code;
}

reef_code reef_config_parse(reef_config *config, const char *file, reef_str toml,
                            reef_report *report, reef_error *error)
{
    reef_config next = *config;
    reef_message message = {0};
    const char *name = file != NULL ? file : "knot.toml";
    size_t len = strlen(name);
    reef_intake reading = {&next, {name, toml}, report, error, REEF_OK, 0, false};
    reef_error_clear(error);
    if (toml.len > REEF_FILE_MAX)
        intake_too_long(&message);
    if (len > REEF_FILE_NAME_MAX)
        reef_message_add(&message, "the file's name has more than 1023 bytes");
    if (message.len > 0)
        return reef_report_fail(report, error, REEF_BADCONFIG, name, &message);
    reef_read_file(&reading);
    memset(next.file, 0, sizeof next.file);
    memcpy(next.file, name, len);
    return intake_end(&reading, config, &next);
}

reef_code reef_config_env(reef_config *config, const char *const environ[],
                          reef_report *report, reef_error *error)
{
    reef_config next = *config;
    reef_intake reading = {&next, {0}, report, error, REEF_OK, 0, false};
    reef_error_clear(error);
    reef_read_env(&reading, environ);
    return intake_end(&reading, config, &next);
}

reef_code reef_config_check(const reef_config *config, reef_report *report,
                            reef_error *error)
{
    reef_config copy = *config;
    reef_intake reading = {&copy, {0}, report, error, REEF_OK, 0, false};
    reef_error_clear(error);
    reef_read_check(&reading);
    reef_config_wipe(&copy);
    return reading.code;
}
