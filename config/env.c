/* SPDX-License-Identifier: Apache-2.0
 *
 * env: the KNOT_* variables over a reef_config. They come as an argument; nothing here
 * asks the system. */
#include "config/env.h"
#include "config/mask.h"
#include "config/intake.h"
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

/* A value, and the variable of which it is all, or the element of that number. */
typedef struct env_value {
    reef_str text, whole;
    uint32_t number; /* from 1; 0: it is all */
} env_value;

static void env_add_hidden(reef_message *message, const env_value *value)
{
    reef_message_add(message, "a text that is not shown");
    if (value->number == 0)
        return;
    reef_message_add(message, " (number ");
    reef_message_number(message, value->number);
    reef_message_add(message, " of the list)");
}

static void env_fail(reef_intake *r, reef_setting setting, const env_value *value,
                     const char *why)
{
    reef_message message = {0}, hint = {0};
    reef_finding_draft draft = {.code = REEF_BADCONFIG,
                                .name = reef_setting_env(setting)};
    reef_str whole = value->whole;
    bool hidden = reef_setting_is_secret(setting) ||
                  reef_mask_hides(whole, 0, whole.len) ||
                  reef_str_find(whole, '\n', 0) < whole.len ||
                  reef_str_find(whole, '\r', 0) < whole.len;
    reef_message_add(&message, reef_setting_name(setting));
    reef_message_add(&message, ": found ");
    if (hidden) {
        env_add_hidden(&message, value);
    } else {
        reef_message_quoted(&message, value->text);
        (void)reef_setting_meant(setting, value->text, &hint);
    }
    reef_message_add(&message, "; ");
    reef_message_add(&message, why);
    draft.sentence = (reef_str){message.text, message.len};
    draft.hint = (reef_str){hint.text, hint.len};
    reef_report_put(r->report, r->error, NULL, &draft);
    reef_intake_bad(r, (int)setting, REEF_BADCONFIG);
}

static bool env_put(reef_intake *r, reef_setting setting, const env_value *value)
{
    reef_input input = {.kind = REEF_INPUT_ENV, .text = value->text};
    input.origin.source = REEF_FROM_ENV;
    const char *why = reef_setting_put(r->config, setting, &input);
    if (why != NULL)
        env_fail(r, setting, value, why);
    return why == NULL;
}

/* A list between commas; spaces around its elements fall away. One error of it is
 * enough: it names the variable. */
static void env_put_list(reef_intake *r, reef_setting setting, reef_str list)
{
    bool good = true;
    env_value value = {.whole = list};
    reef_setting_begin(r->config, setting, (reef_origin){REEF_FROM_ENV, 0, 0});
    for (size_t at = 0; at <= list.len && good;) {
        size_t end = reef_str_find(list, ',', at);
        value.text = reef_str_trim(reef_str_part(list, at, end - at));
        value.number++;
        good = env_put(r, setting, &value);
        at = end + 1;
    }
}

/* A good variable makes up for a value of the file that was refused, though that is an
 * error all the same. */
void reef_read_env(reef_intake *r, const char *const environ[])
{
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        reef_setting setting = (reef_setting)i;
        reef_str value = reef_env_find(environ, reef_setting_env(setting));
        if (value.len == 0)
            continue;
        r->bad &= ~((uint32_t)1 << i);
        if (reef_setting_is_list(setting))
            env_put_list(r, setting, value);
        else
            env_put(r, setting, &(env_value){value, value, 0});
    }
    reef_config_settle(r->config);
}
