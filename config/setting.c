/* SPDX-License-Identifier: Apache-2.0
 *
 * setting: values into a reef_config. The file and the environment end here, so a value
 * is judged by the same words wherever it came from.
 *
 * What knot accepts today is accepted: it turns values into text, so a db in quotes and
 * a password that is a number work there. */
#include "config/setting.h"
#include "config/hint.h"
#include "config/host.h"
#include <string.h>

bool reef_setting_is_list(reef_setting setting)
{
    reef_setting_kind kind = reef_setting_at(setting)->kind;
    return kind == REEF_KIND_HOSTS || kind == REEF_KIND_NAMESERVERS ||
           kind == REEF_KIND_CONSUL;
}

bool reef_setting_is_secret(reef_setting setting)
{
    return reef_setting_at(setting)->kind == REEF_KIND_SECRET;
}

static char *setting_field(reef_config *config, const reef_setting_row *row)
{
    return (char *)config + row->at;
}

static bool setting_is_text(const reef_input *input)
{
    return input->kind == REEF_INPUT_TEXT || input->kind == REEF_INPUT_ENV;
}

/* The words of Go's strconv.ParseBool, which knot reads its environment by, and
 * more. */
static bool setting_flag_word(reef_str word, bool *value)
{
    static const char *const words[] = {"true",  "1", "t", "yes", "on",
                                        "false", "0", "f", "no",  "off"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (reef_str_is(word, words[i])) {
            *value = i < 5;
            return true;
        }
    }
    return false;
}

static const char *setting_put_flag(char *field, const reef_setting_row *row,
                                    const reef_input *input)
{
    bool value;
    if (input->kind != REEF_INPUT_FLAG && input->kind != REEF_INPUT_ENV)
        return row->allowed;
    if (!setting_flag_word(input->text, &value))
        return row->allowed;
    memcpy(field, &value, sizeof value);
    return NULL;
}

static const char *setting_put_uint(char *field, const reef_setting_row *row,
                                    uint64_t value)
{
    uint32_t number = (uint32_t)value;
    if (value < row->min || value > row->max)
        return row->allowed;
    memcpy(field, &number, sizeof number);
    return NULL;
}

static const char *setting_put_number(char *field, const reef_setting_row *row,
                                      const reef_input *input)
{
    uint64_t value;
    if (input->kind == REEF_INPUT_INTEGER && input->number >= 0)
        return setting_put_uint(field, row, (uint64_t)input->number);
    if (setting_is_text(input) && reef_str_number(input->text, UINT32_MAX, &value))
        return setting_put_uint(field, row, value);
    return row->allowed;
}

static const char *setting_put_time(char *field, const reef_setting_row *row,
                                    const reef_input *input)
{
    static const struct {
        const char *name;
        uint32_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = 0;
    uint64_t value;
    if (!setting_is_text(input))
        return row->allowed;
    while (digits < input->text.len && reef_is_digit(input->text.ptr[digits]))
        digits++;
    if (!reef_str_number(reef_str_part(input->text, 0, digits), UINT32_MAX, &value))
        return row->allowed;
    reef_str unit = reef_str_from(input->text, digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (reef_str_equal(unit, reef_str_of(units[i].name)))
            return setting_put_uint(field, row, value * units[i].ms);
    return row->allowed;
}

static const char *setting_put_protocol(char *field, const reef_setting_row *row,
                                        const reef_input *input)
{
    uint64_t value;
    if (input->kind == REEF_INPUT_INTEGER)
        value = input->number < 0 ? 0 : (uint64_t)input->number;
    else if (!setting_is_text(input))
        return row->allowed;
    else if (reef_str_equal(input->text, reef_str_of("auto")))
        return setting_put_uint(field, row, 0);
    else if (!reef_str_number(input->text, 9, &value))
        return row->allowed;
    return value < 2 ? row->allowed : setting_put_uint(field, row, value);
}

/* Of REEF_KIND_FAILOVER: false and true. */
static const char *const setting_failovers[] = {"early", "announced"};

static const char *setting_put_failover(char *field, const reef_setting_row *row,
                                        const reef_input *input)
{
    if (!setting_is_text(input))
        return row->allowed;
    for (size_t i = 0; i < 2; i++) {
        bool value = i == 1;
        if (!reef_str_equal(input->text, reef_str_of(setting_failovers[i])))
            continue;
        memcpy(field, &value, sizeof value);
        return NULL;
    }
    return row->allowed;
}

bool reef_setting_meant(reef_setting setting, reef_str text, reef_message *hint)
{
    reef_str words[2];
    if (reef_setting_at(setting)->kind != REEF_KIND_FAILOVER)
        return false;
    for (size_t i = 0; i < 2; i++)
        words[i] = reef_str_of(setting_failovers[i]);
    size_t near = reef_nearest(text, words, 2);
    if (near == 2)
        return false;
    reef_message_add(hint, "did you mean ");
    reef_message_quoted(hint, words[near]);
    reef_message_add(hint, "?");
    return true;
}

static const char *setting_put_bytes(char *field, const reef_setting_row *row,
                                     reef_str text)
{
    if (text.len > row->max)
        return row->allowed;
    if (reef_str_find(text, 0, 0) < text.len)
        return "a NUL can't be part of it";
    memset(field, 0, row->max + 1);
    if (text.len > 0)
        memcpy(field, text.ptr, text.len);
    return NULL;
}

/* Names and prefixes have one line: several are a quote that closes too late, with
 * other settings inside. */
static const char *setting_put_text(char *field, const reef_setting_row *row,
                                    const reef_input *input)
{
    if (!setting_is_text(input))
        return row->allowed;
    for (size_t i = 0; i < input->text.len; i++)
        if (input->text.ptr[i] == '\n' || input->text.ptr[i] == '\r')
            return "a line break can't be part of it";
    return setting_put_bytes(field, row, input->text);
}

/* A ":" parts the prefix from the key, as in knot. */
static const char *setting_put_prefix(char *field, const reef_setting_row *row,
                                      const reef_input *input)
{
    const char *why = setting_put_text(field, row, input);
    size_t len = input->text.len;
    if (why != NULL || len == 0 || field[len - 1] == ':')
        return why;
    if (len == row->max)
        return row->allowed;
    field[len] = ':';
    return NULL;
}

/* A password that is a number means its decimal digits. */
static const char *setting_put_secret(char *field, const reef_setting_row *row,
                                      const reef_input *input)
{
    reef_message digits = {0};
    if (setting_is_text(input))
        return setting_put_bytes(field, row, input->text);
    if (input->kind != REEF_INPUT_INTEGER)
        return row->allowed;
    if (input->number < 0)
        reef_message_add(&digits, "-");
    uint64_t size = (uint64_t)input->number;
    reef_message_number(&digits, input->number < 0 ? 0 - size : size);
    const char *why =
        setting_put_bytes(field, row, (reef_str){digits.text, digits.len});
    reef_forget(&digits, sizeof digits);
    return why;
}

static const char *setting_put_host(reef_config *config, const reef_input *input)
{
    if (config->host_count == REEF_HOSTS_MAX)
        return "at most 32 hosts are possible";
    reef_host *host = &config->hosts[config->host_count];
    const char *why = reef_host_parse(host, input->text);
    if (why != NULL)
        return why;
    host->default_port = host->kind == REEF_HOST_TCP && host->port == 0;
    host->origin = input->origin;
    config->host_count++;
    return NULL;
}

static const char *setting_put_nameserver(reef_nameserver servers[], uint32_t *count,
                                          bool consul, reef_str text)
{
    if (*count == REEF_NAMESERVERS_MAX)
        return "at most 8 nameservers are possible";
    const char *why = consul ? reef_consul_parse(&servers[*count], text)
                             : reef_nameserver_parse(&servers[*count], text);
    if (why == NULL)
        ++*count;
    return why;
}

/* One element of a list. */
static const char *setting_put_element(reef_config *config, const reef_setting_row *row,
                                       const reef_input *input)
{
    if (!setting_is_text(input))
        return row->allowed;
    if (row->kind == REEF_KIND_HOSTS)
        return setting_put_host(config, input);
    if (row->kind == REEF_KIND_CONSUL)
        return setting_put_nameserver(config->consul, &config->consul_count, true,
                                      input->text);
    return setting_put_nameserver(config->nameservers, &config->nameserver_count, false,
                                  input->text);
}

static const char *setting_put_any(reef_config *config, const reef_setting_row *row,
                                   const reef_input *input)
{
    char *field = setting_field(config, row);
    switch (row->kind) {
    case REEF_KIND_FLAG:
        return setting_put_flag(field, row, input);
    case REEF_KIND_NUMBER:
        return setting_put_number(field, row, input);
    case REEF_KIND_TIME:
        return setting_put_time(field, row, input);
    case REEF_KIND_PROTOCOL:
        return setting_put_protocol(field, row, input);
    case REEF_KIND_FAILOVER:
        return setting_put_failover(field, row, input);
    case REEF_KIND_TEXT:
        return setting_put_text(field, row, input);
    case REEF_KIND_PREFIX:
        return setting_put_prefix(field, row, input);
    case REEF_KIND_SECRET:
        return setting_put_secret(field, row, input);
    case REEF_KIND_HOSTS:
    case REEF_KIND_NAMESERVERS:
    case REEF_KIND_CONSUL:
        return setting_put_element(config, row, input);
    }
    return row->allowed;
}

const char *reef_setting_put(reef_config *config, reef_setting setting,
                             const reef_input *input)
{
    const char *why = setting_put_any(config, reef_setting_at(setting), input);
    if (why == NULL && !reef_setting_is_list(setting))
        config->origins[setting] = input->origin;
    return why;
}

void reef_setting_begin(reef_config *config, reef_setting setting, reef_origin origin)
{
    config->origins[setting] = origin;
    if (setting == REEF_SET_HOSTS) {
        config->host_count = 0;
        memset(config->hosts, 0, sizeof config->hosts);
    } else if (setting == REEF_SET_CONSUL) {
        config->consul_count = 0;
        memset(config->consul, 0, sizeof config->consul);
    } else {
        config->nameserver_count = 0;
        memset(config->nameservers, 0, sizeof config->nameservers);
    }
}

void reef_config_settle(reef_config *config)
{
    bool sentinel = config->master_name[0] != 0;
    if (config->host_count == 0) {
        reef_input input = {.kind = REEF_INPUT_TEXT,
                            .text = reef_str_of("localhost"),
                            .origin = config->origins[REEF_SET_HOSTS]};
        setting_put_host(config, &input);
    }
    for (uint32_t i = 0; i < config->host_count; i++)
        if (config->hosts[i].default_port)
            config->hosts[i].port = sentinel ? REEF_PORT_SENTINEL : REEF_PORT_REDIS;
}

/* ---- keys that are none ------------------------------------------------------- */

/* Names from elsewhere, and ours at the wrong height. */
static const struct {
    const char *above, *part, *hint;
} setting_elsewhere[] = {
    {"", "redis", "write [server.redis]"},
    {"", "valkey", "write [server.redis]"},
    {"", "server.redis", "write [server.redis]"},
    {"", "server-redis", "write [server.redis]"},
    {"", "server_redis", "write [server.redis]"},
    {"server", "valkey", "it is called redis, for Valkey, too"},
    {"server", "resolver", "write [resolver]"},
    {"server.redis", "server", "leave it out; the table is server.redis already"},
    {"server.redis", "redis", "leave it out; the table is server.redis already"},
    {"server.redis", "port",
     "write it behind the host, as in hosts = [\"localhost:6379\"]"},
    {"server.redis", "database", "did you mean db?"},
    {"server.redis", "prefix", "did you mean key_prefix?"},
    {"server.redis", "pwd", "did you mean password?"},
    {"server.redis", "hostname", "did you mean hosts?"},
    {"server.redis", "address", "did you mean hosts?"},
    {"server.redis", "url", "did you mean hosts?"},
    {"server.redis", "timeout", "did you mean call_timeout?"},
};

bool reef_setting_moved(reef_str above, reef_str part, reef_message *hint)
{
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        const reef_setting_row *row = reef_setting_at((reef_setting)i);
        if (!reef_str_is(part, row->env))
            continue;
        reef_message_add(hint, "this is a variable; in the file it is ");
        reef_message_add(hint, row->name);
        return true;
    }
    for (size_t i = 0; i < sizeof setting_elsewhere / sizeof setting_elsewhere[0];
         i++) {
        if (!reef_str_is(part, setting_elsewhere[i].part) ||
            !reef_str_equal(above, reef_str_of(setting_elsewhere[i].above)))
            continue;
        reef_message_add(hint, setting_elsewhere[i].hint);
        return true;
    }
    return false;
}
