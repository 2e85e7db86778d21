/* SPDX-License-Identifier: Apache-2.0
 *
 * config: the table of settings, and what follows from it alone: defaults, names, help,
 * and the value as text.
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
#define CONFIG_SECRET "allowed: a text of at most 1024 bytes"
#define CONFIG_NAME "allowed: a text of at most 255 bytes"
#define CONFIG_LIST "allowed: a list of texts, as in "

/* A new setting is a line here, its name in reef_setting and its field in reef_config;
 * nothing else: reading, environment, hints, `reef config` and README follow. */
static const reef_setting_row config_rows[REEF_SETTINGS] = {
    {"server.redis.enabled", "KNOT_REDIS_ENABLED", REEF_KIND_FLAG, 0, 1,
     CONFIG_AT(enabled), 0, "false", "allowed: true or false",
     "whether knot keeps data in Redis or Valkey: true or false"},
    {"server.redis.hosts", "KNOT_REDIS_HOSTS", REEF_KIND_HOSTS, 0, REEF_HOSTS_MAX, 0, 0,
     "[\"localhost:6379\"]", CONFIG_LIST "[\"localhost:6379\"]",
     "up to 32 of \"host\", \"host:port\", \"[v6]:port\", \"unix:/path\", "
     "\"srv+name\""},
    {"server.redis.username", "KNOT_REDIS_USERNAME", REEF_KIND_TEXT, 0, REEF_USER_MAX,
     CONFIG_AT(username), 0, "\"\"", CONFIG_NAME,
     "the ACL user to log in as; empty: the server's default user"},
    {"server.redis.password", "KNOT_REDIS_PASSWORD", REEF_KIND_SECRET, 0,
     REEF_SECRET_MAX, CONFIG_AT(password), 0, "\"\"", CONFIG_SECRET, "the password"},
    {"server.redis.db", "KNOT_REDIS_DB", REEF_KIND_NUMBER, 0, INT32_MAX, CONFIG_AT(db),
     0, "0", "allowed: a whole number from 0 to 2147483647",
     "the number of the database; a cluster has 0 alone"},
    {"server.redis.master_name", "KNOT_REDIS_MASTER_NAME", REEF_KIND_TEXT, 0,
     REEF_NAME_MAX, CONFIG_AT(master_name), 0, "\"\"", CONFIG_NAME,
     "the master that the Sentinels watch; set, the hosts are Sentinels"},
    {"server.redis.sentinel_username", "KNOT_REDIS_SENTINEL_USERNAME", REEF_KIND_TEXT,
     0, REEF_USER_MAX, CONFIG_AT(sentinel_username), 0, "\"\"", CONFIG_NAME,
     "the ACL user to log in to the Sentinels as; empty: their default user"},
    {"server.redis.sentinel_password", "KNOT_REDIS_SENTINEL_PASSWORD", REEF_KIND_SECRET,
     0, REEF_SECRET_MAX, CONFIG_AT(sentinel_password), 0, "\"\"", CONFIG_SECRET,
     "the Sentinels' password"},
    {"server.redis.failover", "KNOT_REDIS_FAILOVER", REEF_KIND_FAILOVER, 0, 1,
     CONFIG_AT(failover_announced), 0, "\"early\"",
     "allowed: \"early\" or \"announced\"",
     "calls move to a new master \"early\", as soon as it is one, or when a Sentinel "
     "has \"announced\" it"},
    {"server.redis.key_prefix", "KNOT_REDIS_KEY_PREFIX", REEF_KIND_PREFIX, 0,
     REEF_PREFIX_MAX, CONFIG_AT(key_prefix), 0, "\"\"",
     "allowed: a text of at most 255 bytes, its \":\" included",
     "what every key begins with; a missing \":\" is added at its end"},
    {"server.redis.connect_timeout", "KNOT_REDIS_CONNECT_TIMEOUT", REEF_KIND_TIME, 1,
     3600000, CONFIG_AT(connect_timeout_ms), 5000, "\"5s\"", CONFIG_TIME,
     "time to connect and log in once, \"1ms\" to \"1h\""},
    {"server.redis.call_timeout", "KNOT_REDIS_CALL_TIMEOUT", REEF_KIND_TIME, 1, 3600000,
     CONFIG_AT(call_timeout_ms), 5000, "\"5s\"", CONFIG_TIME,
     "time for a whole call, retries included, \"1ms\" to \"1h\""},
    {"server.redis.lanes", "KNOT_REDIS_LANES", REEF_KIND_NUMBER, 1, REEF_LANES_MAX,
     CONFIG_AT(lanes), 1, "1", "allowed: a whole number from 1 to 64",
     "connections that calls are spread over, 1 to 64"},
    {"server.redis.protocol", "KNOT_REDIS_PROTOCOL", REEF_KIND_PROTOCOL, 0, 3,
     CONFIG_AT(protocol), 0, "\"auto\"", "allowed: \"auto\", 2 or 3",
     "RESP version: \"auto\" (3, else 2), 2 or 3"},
    {"resolver.nameservers", "KNOT_NAMESERVERS", REEF_KIND_NAMESERVERS, 0,
     REEF_NAMESERVERS_MAX, 0, 0, "[]", CONFIG_LIST "[\"10.0.0.1:53\"]",
     "up to 8 of \"ip\", \"ip:port\", \"[v6]:port\", \"domain/ip:port\"; none: the "
     "system's"},
    {"resolver.consul", "KNOT_CONSUL_SERVERS", REEF_KIND_CONSUL, 0,
     REEF_NAMESERVERS_MAX, 0, 0, "[]", CONFIG_LIST "[\"10.0.0.1:8600\"]",
     "up to 8 of \"ip\", \"ip:port\", \"[v6]:port\": Consul's DNS, for names below "
     "\"consul\""},
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

const char *reef_setting_default(reef_setting setting)
{
    return reef_setting_at(setting)->shown;
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

/* `domains`: with the domain that each is asked about. */
static void config_put_nameservers(config_room *room, const reef_nameserver *servers,
                                   uint32_t count, bool domains)
{
    for (uint32_t i = 0; i < count; i++) {
        const reef_nameserver *server = &servers[i];
        config_put(room, i > 0 ? ", " : "");
        if (domains && server->domain[0] != 0) {
            config_put(room, server->domain);
            config_put(room, "/");
        }
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
    case REEF_KIND_FAILOVER:
        config_put(room, *field != 0 ? "announced" : "early");
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
        config_put_nameservers(room, config->nameservers, config->nameserver_count,
                               true);
        return;
    case REEF_KIND_CONSUL:
        config_put_nameservers(room, config->consul, config->consul_count, false);
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
