/* SPDX-License-Identifier: Apache-2.0
 *
 * env: the KNOT_* variables over a reef_config. They come as an argument; nothing here
 * asks the system. */
#include "config/env.h"
#include "config/mask.h"
#include "config/report.h"
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

typedef struct env_state {
    reef_config *config;
    reef_report *report;
    reef_error *error;
    reef_code code; /* of the first error */
} env_state;

static void env_fail(env_state *s, reef_setting setting, reef_str value,
                     const char *why)
{
    reef_message message = {0};
    bool hidden =
        reef_setting_is_secret(setting) || reef_mask_hides(value, 0, value.len);
    reef_message_add(&message, reef_setting_name(setting));
    reef_message_add(&message, ": found ");
    if (hidden)
        reef_message_add(&message, "a text that is not shown");
    else
        reef_message_quoted(&message, value);
    reef_message_add(&message, "; ");
    reef_message_add(&message, why);
    s->code = reef_report_fail(s->report, s->error, REEF_BADCONFIG,
                               reef_setting_env(setting), &message);
}

static void env_put(env_state *s, reef_setting setting, reef_str value)
{
    reef_input input = {.kind = REEF_INPUT_ENV, .text = value};
    input.origin.source = REEF_FROM_ENV;
    const char *why = reef_setting_put(s->config, setting, &input);
    if (why != NULL)
        env_fail(s, setting, value, why);
}

/* A list between commas; spaces around its elements fall away. One error of it is
 * enough: it names the variable. */
static void env_put_list(env_state *s, reef_setting setting, reef_str list)
{
    reef_code before = s->code;
    s->code = REEF_OK;
    reef_setting_begin(s->config, setting, (reef_origin){REEF_FROM_ENV, 0, 0});
    for (size_t at = 0; at <= list.len && s->code == REEF_OK;) {
        size_t end = reef_str_find(list, ',', at);
        env_put(s, setting, reef_str_trim(reef_str_part(list, at, end - at)));
        at = end + 1;
    }
    if (before != REEF_OK)
        s->code = before;
}

static void env_read(env_state *s, const char *const environ[])
{
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        reef_str value = reef_env_find(environ, reef_setting_env(setting));
        if (value.len == 0)
            continue;
        if (reef_setting_is_list(setting))
            env_put_list(s, setting, value);
        else
            env_put(s, setting, value);
    }
}

reef_code reef_config_env(reef_config *config, const char *const environ[],
                          reef_report *report, reef_error *error)
{
    reef_config next = *config;
    env_state state = {&next, report, error, REEF_OK};
    reef_error_clear(error);
    env_read(&state, environ);
    if (state.code == REEF_OK) {
        reef_config_settle(&next);
        *config = next;
    }
    reef_config_wipe(&next);
    return state.code;
}
