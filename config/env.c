/* SPDX-License-Identifier: Apache-2.0
 *
 * env: the KNOT_* variables over a reef_config. They come as an argument; nothing here
 * asks the system. */
#include "config/env.h"
#include "config/config.h"
#include "config/setting.h"
#include "config/text.h"
#include <string.h>

reef_str reef_env_find(const char *const environ[], const char *name)
{
    size_t len = strlen(name);
    for (; environ != NULL && *environ != NULL; environ++)
        if (strncmp(*environ, name, len) == 0 && (*environ)[len] == '=')
            return reef_str_of(*environ + len + 1);
    return (reef_str){0};
}

static reef_code env_fail(reef_setting setting, reef_str value, const char *why,
                          reef_error *error)
{
    reef_message message = {0};
    reef_place place = {reef_setting_env(setting), 0, 0};
    bool hidden =
        reef_setting_is_secret(setting) || reef_str_find(value, '@', 0) < value.len;
    reef_message_add(&message, "found ");
    if (hidden)
        reef_message_add(&message, "a text that is not shown");
    else
        reef_message_quoted(&message, value);
    reef_message_add(&message, "; ");
    reef_message_add(&message, why);
    return reef_config_fail(error, REEF_BADCONFIG, place, &message);
}

static reef_code env_put(reef_config *config, reef_setting setting, reef_str value,
                         reef_error *error)
{
    reef_input input = {.kind = REEF_INPUT_ENV, .text = value};
    input.origin.source = REEF_FROM_ENV;
    const char *why = reef_setting_put(config, setting, &input);
    return why == NULL ? REEF_OK : env_fail(setting, value, why, error);
}

/* A list between commas; spaces around its elements fall away. */
static reef_code env_put_list(reef_config *config, reef_setting setting, reef_str list,
                              reef_error *error)
{
    reef_setting_begin(config, setting, (reef_origin){REEF_FROM_ENV, 0, 0});
    for (size_t at = 0; at <= list.len;) {
        size_t end = reef_str_find(list, ',', at);
        reef_str one = reef_str_trim(reef_str_part(list, at, end - at));
        reef_code code = env_put(config, setting, one, error);
        if (code != REEF_OK)
            return code;
        at = end + 1;
    }
    return REEF_OK;
}

static reef_code env_read(reef_config *config, const char *const environ[],
                          reef_error *error)
{
    reef_code code = REEF_OK;
    for (size_t i = 0; i < REEF_SETTINGS && code == REEF_OK; i++) {
        reef_setting setting = (reef_setting)i;
        reef_str value = reef_env_find(environ, reef_setting_env(setting));
        if (value.len == 0)
            continue;
        code = reef_setting_is_list(setting)
                   ? env_put_list(config, setting, value, error)
                   : env_put(config, setting, value, error);
    }
    return code;
}

reef_code reef_config_env(reef_config *config, const char *const environ[],
                          reef_error *error)
{
    reef_config next = *config;
    reef_code code = env_read(&next, environ, error);
    if (code == REEF_OK) {
        reef_config_settle(&next);
        *config = next;
    }
    reef_config_wipe(&next);
    return code;
}
