/* SPDX-License-Identifier: Apache-2.0
 *
 * config: the table of settings, and what follows from it alone: defaults, names, help,
 * the value as text, and the check of settings against each other.
 *
 * Invariant: a reef_config that a function of this folder filled is whole: every field
 * in its range, every text terminated, every host with its port. */
#include "config/config.h"
#include "config/host.h"
#include "config/setting.h"
#include "config/text.h"
#include <assert.h>
#include <string.h>

#define CONFIG_AT(field) offsetof(reef_config, field)
#define CONFIG_TIME "allowed: a time from \"1ms\" to \"1h\", as in \"500ms\" or \"2s\""
#define CONFIG_SECRET "allowed: a text of at most 1024 bytes in quotes"
#define CONFIG_NAME "allowed: a text of at most 255 bytes in quotes"

/* A new setting is a line here, its name in reef_setting and its field in reef_config;
 * nothing else. */
static const reef_setting_row config_rows[REEF_SETTINGS] = {
    {"server.redis.enabled", "KNOT_REDIS_ENABLED", REEF_KIND_FLAG, 0, 1,
     CONFIG_AT(enabled), 0, "allowed: true or false, without quotes",
     "whether knot keeps data in Redis or Valkey: true or false (default false)"},
    {"server.redis.hosts", "KNOT_REDIS_HOSTS", REEF_KIND_HOSTS, 0, REEF_HOSTS_MAX, 0, 0,
     "allowed: a list of texts, as in [\"localhost:6379\"]",
     "up to 32 of \"host\", \"host:port\", \"[v6]:port\", \"unix:/path\", \"srv+name\" "
     "(default [\"localhost:6379\"])"},
    {"server.redis.username", "KNOT_REDIS_USERNAME", REEF_KIND_TEXT, 0, REEF_USER_MAX,
     CONFIG_AT(username), 0, CONFIG_NAME,
     "the ACL user to log in as (default: the server's default user)"},
    {"server.redis.password", "KNOT_REDIS_PASSWORD", REEF_KIND_SECRET, 0,
     REEF_SECRET_MAX, CONFIG_AT(password), 0, CONFIG_SECRET,
     "the password (default: none)"},
    {"server.redis.db", "KNOT_REDIS_DB", REEF_KIND_NUMBER, 0, INT32_MAX, CONFIG_AT(db),
     0, "allowed: a whole number from 0 to 2147483647",
     "the number of the database; a cluster has 0 alone (default 0)"},
    {"server.redis.master_name", "KNOT_REDIS_MASTER_NAME", REEF_KIND_TEXT, 0,
     REEF_NAME_MAX, CONFIG_AT(master_name), 0, CONFIG_NAME,
     "the master that the Sentinels watch; set, the hosts are Sentinels (default: "
     "none)"},
    {"server.redis.sentinel_username", "KNOT_REDIS_SENTINEL_USERNAME", REEF_KIND_TEXT,
     0, REEF_USER_MAX, CONFIG_AT(sentinel_username), 0, CONFIG_NAME,
     "the ACL user to log in to the Sentinels as (default: their default user)"},
    {"server.redis.sentinel_password", "KNOT_REDIS_SENTINEL_PASSWORD", REEF_KIND_SECRET,
     0, REEF_SECRET_MAX, CONFIG_AT(sentinel_password), 0, CONFIG_SECRET,
     "the Sentinels' password (default: none)"},
    {"server.redis.key_prefix", "KNOT_REDIS_KEY_PREFIX", REEF_KIND_PREFIX, 0,
     REEF_PREFIX_MAX, CONFIG_AT(key_prefix), 0,
     "allowed: a text of at most 255 bytes, its \":\" included, in quotes",
     "what every key begins with; a missing \":\" is added at its end (default: "
     "nothing)"},
    {"server.redis.connect_timeout", "KNOT_REDIS_CONNECT_TIMEOUT", REEF_KIND_TIME, 1,
     3600000, CONFIG_AT(connect_timeout_ms), 5000, CONFIG_TIME,
     "time to connect and log in once, \"1ms\" to \"1h\" (default \"5s\")"},
    {"server.redis.call_timeout", "KNOT_REDIS_CALL_TIMEOUT", REEF_KIND_TIME, 1, 3600000,
     CONFIG_AT(call_timeout_ms), 5000, CONFIG_TIME,
     "time for a whole call, retries included, \"1ms\" to \"1h\" (default \"5s\")"},
    {"server.redis.lanes", "KNOT_REDIS_LANES", REEF_KIND_NUMBER, 1, REEF_LANES_MAX,
     CONFIG_AT(lanes), 1, "allowed: a whole number from 1 to 64",
     "connections that calls are spread over, 1 to 64 (default 1)"},
    {"server.redis.protocol", "KNOT_REDIS_PROTOCOL", REEF_KIND_PROTOCOL, 0, 3,
     CONFIG_AT(protocol), 0, "allowed: \"auto\", 2 or 3",
     "RESP version: \"auto\" (3, else 2), 2 or 3 (default \"auto\")"},
    {"resolver.nameservers", "KNOT_NAMESERVERS", REEF_KIND_NAMESERVERS, 0,
     REEF_NAMESERVERS_MAX, 0, 0, "allowed: a list of texts, as in [\"10.0.0.1:53\"]",
     "up to 8 of \"ip\", \"ip:port\", \"[v6]:port\", \"domain/ip:port\" (default: the "
     "system's)"},
};

const reef_setting_row *reef_setting_at(reef_setting setting)
{
    assert((unsigned)setting < REEF_SETTINGS);
    return &config_rows[setting];
}

const char *reef_setting_name(reef_setting setting)
{
    return reef_setting_at(setting)->name;
}

const char *reef_setting_env(reef_setting setting)
{
    return reef_setting_at(setting)->env;
}

const char *reef_setting_help(reef_setting setting)
{
    return reef_setting_at(setting)->help;
}

/* What is zero by default needs no line here; flags are among that. */
void reef_config_init(reef_config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        const reef_setting_row *row = &config_rows[i];
        if (row->fallback != 0)
            memcpy((char *)config + row->at, &row->fallback, sizeof row->fallback);
    }
    reef_config_settle(config);
}

void reef_config_wipe(reef_config *config)
{
    reef_forget(config->password, sizeof config->password);
    reef_forget(config->sentinel_password, sizeof config->sentinel_password);
    reef_forget(config, sizeof *config);
}

/* ---- a value as text ---------------------------------------------------------- */

/* The caller's room; counts on when it is full. The byte that the terminator will take
 * is filled, too: it tells whether a cut went through a character. */
typedef struct config_room {
    char *out;
    size_t cap, len;
} config_room;

static void config_put(config_room *room, const char *text)
{
    for (; *text != 0; text++, room->len++)
        if (room->len < room->cap)
            room->out[room->len] = *text;
}

static void config_put_number(config_room *room, uint64_t number)
{
    reef_message digits = {0};
    reef_message_number(&digits, number);
    config_put(room, digits.text);
}

static void config_put_port(config_room *room, const char *address, uint16_t port)
{
    bool v6 = reef_str_find(reef_str_of(address), ':', 0) < strlen(address);
    config_put(room, v6 ? "[" : "");
    config_put(room, address);
    config_put(room, v6 ? "]:" : ":");
    config_put_number(room, port);
}

static void config_put_hosts(config_room *room, const reef_config *config)
{
    for (uint32_t i = 0; i < config->host_count; i++) {
        const reef_host *host = &config->hosts[i];
        config_put(room, i > 0 ? ", " : "");
        if (host->kind == REEF_HOST_TCP) {
            config_put_port(room, host->name, host->port);
        } else {
            config_put(room, host->kind == REEF_HOST_UNIX ? "unix:" : "srv+");
            config_put(room, host->name);
        }
    }
}

static void config_put_nameservers(config_room *room, const reef_config *config)
{
    for (uint32_t i = 0; i < config->nameserver_count; i++) {
        const reef_nameserver *server = &config->nameservers[i];
        config_put(room, i > 0 ? ", " : "");
        config_put(room, server->domain);
        config_put(room, server->domain[0] != 0 ? "/" : "");
        config_put_port(room, server->address, server->port);
    }
}

static void config_put_time(config_room *room, uint32_t ms)
{
    bool seconds = ms % 1000 == 0;
    config_put_number(room, seconds ? ms / 1000 : ms);
    config_put(room, seconds ? "s" : "ms");
}

static uint32_t config_number(const reef_config *config, const reef_setting_row *row)
{
    uint32_t number;
    memcpy(&number, (const char *)config + row->at, sizeof number);
    return number;
}

static void config_put_value(config_room *room, const reef_config *config,
                             const reef_setting_row *row)
{
    const char *field = (const char *)config + row->at;
    switch (row->kind) {
    case REEF_KIND_FLAG:
        config_put(room, *field != 0 ? "true" : "false");
        return;
    case REEF_KIND_NUMBER:
        config_put_number(room, config_number(config, row));
        return;
    case REEF_KIND_TIME:
        config_put_time(room, config_number(config, row));
        return;
    case REEF_KIND_PROTOCOL:
        if (config_number(config, row) == 0)
            config_put(room, "auto");
        else
            config_put_number(room, config_number(config, row));
        return;
    case REEF_KIND_TEXT:
    case REEF_KIND_PREFIX:
        config_put(room, field);
        return;
    case REEF_KIND_SECRET:
        config_put(room, *field != 0 ? "***" : "");
        return;
    case REEF_KIND_HOSTS:
        config_put_hosts(room, config);
        return;
    case REEF_KIND_NAMESERVERS:
        config_put_nameservers(room, config);
        return;
    }
}

/* Terminates the text; a cut falls on a character's edge. */
static void config_end(config_room *room)
{
    size_t end = room->len;
    if (room->cap == 0)
        return;
    if (end >= room->cap) {
        end = room->cap - 1;
        while (end > 0 && ((unsigned char)room->out[end] & 0xC0) == 0x80)
            end--;
    }
    room->out[end] = 0;
}

size_t reef_setting_text(const reef_config *config, reef_setting setting, char *out,
                         size_t cap)
{
    config_room room = {out, cap, 0};
    config_put_value(&room, config, reef_setting_at(setting));
    config_end(&room);
    return room.len;
}

/* ---- settings against each other ---------------------------------------------- */

static reef_code config_conflict(const reef_config *config, reef_setting setting,
                                 const reef_origin *origin, const char *why,
                                 reef_error *error)
{
    reef_message message = {0};
    reef_place place = {config->file[0] != 0 ? config->file : "knot.toml", origin->line,
                        origin->column};
    if (origin->source == REEF_FROM_ENV)
        place = (reef_place){reef_setting_env(setting), 0, 0};
    if (origin->source == REEF_FROM_DEFAULT) /* set by the caller's own hand */
        place = (reef_place){"config", 0, 0};
    reef_message_add(&message, reef_setting_name(setting));
    reef_message_add(&message, why);
    return reef_config_fail(error, REEF_BADCONFIG, place, &message);
}

static reef_code config_check_hosts(const reef_config *config, reef_error *error)
{
    for (uint32_t i = 0; config->host_count > 1 && i < config->host_count; i++)
        if (config->hosts[i].kind == REEF_HOST_UNIX)
            return config_conflict(config, REEF_SET_HOSTS, &config->hosts[i].origin,
                                   ": found a socket path among several hosts; a "
                                   "socket path stands alone",
                                   error);
    if (config->host_count > 1 && config->master_name[0] == 0 && config->db != 0)
        return config_conflict(config, REEF_SET_DB, &config->origins[REEF_SET_DB],
                               " is not 0, but several hosts are a cluster, which has "
                               "db 0 alone: write db = 0, one host, or master_name",
                               error);
    return REEF_OK;
}

reef_code reef_config_check(const reef_config *config, reef_error *error)
{
    static const char lonely[] = " is set, but master_name is not: set master_name, or "
                                 "leave this out";
    if (config->master_name[0] == 0 && config->sentinel_username[0] != 0)
        return config_conflict(config, REEF_SET_SENTINEL_USERNAME,
                               &config->origins[REEF_SET_SENTINEL_USERNAME], lonely,
                               error);
    if (config->master_name[0] == 0 && config->sentinel_password[0] != 0)
        return config_conflict(config, REEF_SET_SENTINEL_PASSWORD,
                               &config->origins[REEF_SET_SENTINEL_PASSWORD], lonely,
                               error);
    return config_check_hosts(config, error);
}
