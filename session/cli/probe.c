/* SPDX-License-Identifier: Apache-2.0
 *
 * reef check's looks behind the handshake: INFO, the user's rights, the JSON form.
 *
 * Invariant: the probes change nothing. They name keys that no session has (a session's
 * id has 44 characters), and SET is sent with XX: only over a key that exists. */
#include "session/cli/check.h"

#include <inttypes.h>
#include <string.h>

/* ---- INFO --------------------------------------------------------------------- */

bool cli_info_field(reef_str info, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < info.len;) {
        const char *line = info.ptr + at;
        const char *end = memchr(line, '\n', info.len - at);
        size_t size = end != NULL ? (size_t)(end - line) : info.len - at;
        at += size + 1;
        if (size <= len || memcmp(line, name, len) != 0 || line[len] != ':')
            continue;
        size_t value = size - len - 1;
        if (value > 0 && line[size - 1] == '\r')
            value--;
        if (value >= cap)
            value = cap - 1;
        memcpy(out, line + len + 1, value);
        out[value] = '\0';
        return true;
    }
    return false;
}

static void probe_fill(char *field, size_t cap, reef_str info, const char *name)
{
    if (field[0] == '\0')
        (void)cli_info_field(info, name, field, cap);
}

/* A server that was told to forget may forget sessions before their time. */
static void probe_memory(cli_check *check, reef_str info)
{
    char max[32] = "";
    (void)cli_info_field(info, "maxmemory", max, sizeof max);
    (void)cli_info_field(info, "maxmemory_policy", check->eviction,
                         sizeof check->eviction);
    bool limited = max[0] != '\0' && strcmp(max, "0") != 0;
    bool one = !cli_check_is_cluster(check); /* of a Cluster all masters are asked */
    if (one && limited && check->eviction[0] != '\0' &&
        strcmp(check->eviction, "noeviction") != 0)
        cli_check_find(
            check, CLI_DONE, "when memory is short the server drops sessions (",
            check->eviction,
            "), which logs users out: set its maxmemory-policy to noeviction");
}

static void probe_server(reef_server *s, reef_str info)
{
    char role[16] = "";
    if (s->server[0] == '\0' &&
        !cli_info_field(info, "server_name", s->server, sizeof s->server))
        (void)snprintf(s->server, sizeof s->server, "redis");
    if (s->version[0] == '\0') {
        (void)cli_info_field(info, "valkey_version", s->version, sizeof s->version);
        probe_fill(s->version, sizeof s->version, info, "redis_version");
    }
    probe_fill(s->mode, sizeof s->mode, info, "server_mode");
    probe_fill(s->mode, sizeof s->mode, info, "redis_mode");
    if (s->role[0] != '\0' || !cli_info_field(info, "role", role, sizeof role))
        return;
    bool replica = strcmp(role, "slave") == 0;
    (void)snprintf(s->role, sizeof s->role, "%s", replica ? "replica" : role);
}

void cli_check_info(cli_check *check, reef_cmd *cmd)
{
    reef_cmd_begin(cmd, "INFO");
    reef_cmd_repeatable(cmd);
    reef_reply *reply = reef_call(check->ctx->client, cmd, check->ctx->timeout_ms);
    reef_str info = reef_text(reply, reef_reply_root(reply));
    if (reef_reply_code(reply) == REEF_OK && info.len > 0) {
        probe_server(&check->server, info);
        probe_memory(check, info);
        cli_replicas_read(&check->replication, info);
    }
    reef_reply_free(reply);
}

/* ---- rights ------------------------------------------------------------------- */

enum { PROBE_ARGS = 4 };

/* "\001" and "\002" stand for a record's key and an index key, which are not there. */
static const struct {
    bool writes;
    reef_kind kind; /* of the answer */
    const char *args[PROBE_ARGS + 1];
} probes[] = {
    {false, REEF_NIL, {"GET", "\001"}},
    {false, REEF_ARRAY, {"SCAN", "0", "COUNT", "1"}},
    {true, REEF_NIL, {"SET", "\001", "", "XX"}},
    {true, REEF_NIL, {"SET", "\002", "", "XX"}},
    {true, REEF_INT, {"DEL", "\001"}},
    {true, REEF_INT, {"DEL", "\002"}},
    {true, REEF_INT, {"EXPIRE", "\002", "7200"}},
    {true, REEF_INT, {"EVAL", "return 0", "1", "\001"}},
};

static void probe_put_key(reef_cmd *cmd, const char *prefix, const char *rest)
{
    char key[REEF_PREFIX_MAX + 64];
    (void)snprintf(key, sizeof key, "%s%s", prefix, rest);
    reef_cmd_key(cmd, reef_str_of(key));
}

static void probe_build(reef_cmd *cmd, const char *const args[], const char *prefix)
{
    reef_cmd_begin(cmd, args[0]);
    for (int i = 1; args[i] != NULL; i++) {
        if (args[i][0] == '\001')
            probe_put_key(cmd, prefix, "Sessions:reef-check");
        else if (args[i][0] == '\002')
            probe_put_key(cmd, prefix, "SessionsByUserId:reef-check");
        else
            reef_cmd_text(cmd, args[i]);
    }
    reef_cmd_repeatable(cmd);
}

/* Adds a command's name to the list of those refused, once. */
static void probe_add(char *names, size_t cap, const char *name)
{
    size_t len = strlen(names);
    if (strstr(names, name) == NULL)
        (void)snprintf(names + len, cap - len, "%s%s", len > 0 ? ", " : "", name);
}

typedef struct probe_result {
    char denied[96];               /* names of the commands that want a right */
    char failure[REEF_ERROR_TEXT]; /* the server's last other words, said once */
} probe_result;

/* One probe; false: there is no connection to go on with. */
static bool probe_one(cli_check *check, const reef_cmd *cmd, reef_kind kind,
                      probe_result *result)
{
    reef_reply *reply = reef_call(check->ctx->client, cmd, check->ctx->timeout_ms);
    reef_code code = reef_reply_code(reply);
    const char *text = reef_reply_text(reply);
    char name[32];
    reef_str word = reef_cmd_at(cmd, 0);
    (void)snprintf(name, sizeof name, "%.*s", (int)word.len, word.ptr);
    if (code == REEF_OK && reef_node_kind(reef_reply_root(reply)) != kind) {
        cli_check_find(check, CLI_PROTOCOL, name,
                       " gives an answer of another kind: see whether the server ",
                       "renames commands");
    } else if (code == REEF_REFUSED && strncmp(text, "NOPERM", 6) == 0) {
        probe_add(result->denied, sizeof result->denied, name);
    } else if (code != REEF_OK &&
               strncmp(text, result->failure, sizeof result->failure - 1) != 0) {
        cli_check_find(check, cli_exit_of(code), name, " fails: ", text);
        cli_join(result->failure, sizeof result->failure, text, "", "");
    }
    reef_reply_free(reply);
    return code == REEF_OK || code == REEF_REFUSED;
}

/* One sentence about all that was denied. */
static void probe_say_denied(cli_check *check, const probe_result *result)
{
    const reef_config *config = &check->ctx->config;
    char who[64], what[sizeof who + sizeof result->denied];
    char where[REEF_PREFIX_MAX + 64];
    bool named = config->username[0] != '\0';
    (void)snprintf(who, sizeof who, "the user '%.36s' may not run ",
                   named ? config->username : "default");
    cli_join(what, sizeof what, who, result->denied, "");
    cli_join(where, sizeof where, " on ", config->key_prefix,
             "Sessions*: allow it with ACL SETUSER");
    cli_check_find(check, CLI_REFUSED, what, where, "");
}

void cli_check_rights(cli_check *check, reef_cmd *cmd)
{
    const reef_server *s = &check->server;
    bool writable = s->role[0] == '\0' || strcmp(s->role, "master") == 0;
    probe_result result = {"", ""};
    size_t problems = check->count;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (probes[i].writes && !writable)
            continue;
        probe_build(cmd, probes[i].args, check->ctx->config.key_prefix);
        if (!probe_one(check, cmd, probes[i].kind, &result))
            return;
    }
    if (result.denied[0] != '\0')
        probe_say_denied(check, &result);
    if (check->count == problems)
        cli_check_fact(check, "rights",
                       writable ? "GET, SCAN, SET, DEL, EXPIRE, EVAL: all work"
                                : "reading works; writing was not tried");
}

/* ---- JSON --------------------------------------------------------------------- */

static void probe_json_text(const char *name, const char *value)
{
    printf(",\"%s\":", name);
    if (value[0] != '\0')
        cli_put_json(stdout, reef_str_of(value));
    else
        fputs("null", stdout);
}

void cli_check_json_end(const cli_check *check, int exit_code)
{
    fputs(",\"findings\":[", stdout);
    for (size_t i = 0; i < check->count; i++) {
        const cli_finding *f = &check->findings[i];
        printf("%s{\"severity\":\"%s\",\"exit\":%d,\"text\":", i > 0 ? "," : "",
               f->exit_code == CLI_DONE ? "note" : "problem", f->exit_code);
        cli_put_json(stdout, reef_str_of(f->text));
        if (f->setting != NULL)
            cli_finding_json(f->setting);
        fputc('}', stdout);
    }
    printf("],\"exit\":%d}\n", exit_code);
}

void cli_check_json(const cli_check *check, int exit_code)
{
    const reef_config *config = &check->ctx->config;
    const reef_server *s = &check->server;
    printf("\"enabled\":%s", config->enabled ? "true" : "false");
    probe_json_text("file", config->file);
    probe_json_text("peer", s->peer);
    probe_json_text("server", s->server);
    probe_json_text("version", s->version);
    if (s->protocol > 0)
        printf(",\"protocol\":%" PRIu32, s->protocol);
    else
        fputs(",\"protocol\":null", stdout);
    probe_json_text("mode", s->mode);
    probe_json_text("role", s->role);
    printf(",\"db\":%" PRIu32, config->db);
    if (check->has_latency)
        printf(",\"latency_us\":{\"best\":%" PRId64 ",\"median\":%" PRId64 "}",
               check->best_us, check->median_us);
    else
        fputs(",\"latency_us\":null", stdout);
    if (check->has_clock)
        printf(",\"clock_ms\":%" PRId64, check->clock_ms);
    else
        fputs(",\"clock_ms\":null", stdout);
    probe_json_text("maxmemory_policy", check->eviction);
    fputs(",\"topology\":{", stdout);
    cli_topology_json(check);
    fputc('}', stdout);
    cli_names_json(check);
    cli_check_json_end(check, exit_code);
}
