/* SPDX-License-Identifier: Apache-2.0
 *
 * reef check: looks up names, connects, looks around, and says in plain words what is
 * wrong. It changes nothing on the server: what it tries to write is written only over
 * a key that is not there, and so never.
 *
 * For a person each fact is printed as it is learned; with --json all of them as one
 * object at the end. */
#include "session/cli/check.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { CHECK_PINGS = 7, CHECK_CLOCK_MS = 60000 };

/* ---- what was found ----------------------------------------------------------- */

void cli_check_find(cli_check *check, int exit_code, const char *a, const char *b,
                    const char *c)
{
    if (check->exit_code == CLI_DONE)
        check->exit_code = exit_code;
    if (check->count == CLI_CHECK_FINDINGS)
        return;
    cli_finding *f = &check->findings[check->count++];
    f->exit_code = exit_code;
    f->setting = NULL;
    cli_join(f->text, sizeof f->text, a, b, c);
}

void cli_check_fact(const cli_check *check, const char *name, const char *text)
{
    char padded[16];
    if (cli_has(check->ctx, CLI_OPT_JSON))
        return;
    (void)snprintf(padded, sizeof padded, "%-10s", name);
    cli_put_colored(stdout, check->ctx->color_out,
                    name[0] != '\0' ? CLI_BOLD : CLI_PLAIN, padded);
    cli_put_text(stdout, reef_str_of(text));
    fputc('\n', stdout);
    (void)cli_flush(check->ctx);
}

/* ---- the settings ------------------------------------------------------------- */

/* What is odd about them, before all else that is found. That knot is told not to use
 * the server is among it; here it is told where nothing was said of that, too. */
static void check_warnings(cli_check *check)
{
    const reef_origin *origins = check->ctx->config.origins;
    const reef_report *report = &check->ctx->report;
    for (uint32_t i = 0; i < report->count; i++) {
        const reef_finding *finding = &report->findings[i];
        cli_check_find(check, CLI_DONE, finding->text,
                       finding->hint[0] != '\0' ? "; " : "", finding->hint);
        check->findings[i].setting = finding;
    }
    if (origins[REEF_SET_ENABLED].source == REEF_FROM_DEFAULT &&
        origins[REEF_SET_HOSTS].source == REEF_FROM_DEFAULT)
        cli_check_find(check, CLI_DONE, "knot itself does not use this server: ",
                       "server.redis.enabled is not set; ",
                       "set it to true when you want it to");
}

static void check_settings(cli_check *check)
{
    const reef_config *config = &check->ctx->config;
    char hosts[2048], origin[REEF_FILE_NAME_MAX + 64],
        line[sizeof hosts + sizeof origin + 8];
    cli_check_fact(check, "file",
                   config->file[0] != '\0'
                       ? config->file
                       : "none found; defaults and the environment alone");
    (void)reef_setting_text(config, REEF_SET_HOSTS, hosts, sizeof hosts);
    cli_origin_text(config, REEF_SET_HOSTS, origin, sizeof origin);
    cli_join(line, sizeof line, hosts, "  ", origin);
    cli_check_fact(check, "hosts", line);
    if (config->master_name[0] != '\0') {
        cli_origin_text(config, REEF_SET_MASTER_NAME, origin, sizeof origin);
        cli_join(line, sizeof line, config->master_name, ", as Sentinels call it  ",
                 origin);
        cli_check_fact(check, "master", line);
    }
    check_warnings(check);
}

/* Where a setting can be changed. */
static void check_place(const reef_config *config, reef_setting setting, char *out,
                        size_t cap)
{
    if (config->origins[setting].source == REEF_FROM_DEFAULT)
        cli_join(out, cap, "not set now, ", reef_setting_name(setting), " is the key");
    else
        cli_origin_text(config, setting, out, cap);
}

/* Whether that server, "ip:port", is one of these. */
static bool check_is_among(const reef_nameserver *list, uint32_t count,
                           const char *server)
{
    char text[REEF_PEER_TEXT];
    for (uint32_t i = 0; i < count; i++) {
        bool v6 = strchr(list[i].address, ':') != NULL;
        (void)snprintf(text, sizeof text, "%s%s%s:%u", v6 ? "[" : "", list[i].address,
                       v6 ? "]" : "", (unsigned)list[i].port);
        if (strcmp(text, server) == 0)
            return true;
    }
    return false;
}

/* What to do about a nameserver that did not serve, and where it is named. False: none
 * of them is why there is no connection. */
static bool check_advise_nameserver(const cli_check *check)
{
    const reef_config *config = &check->ctx->config;
    const reef_look_step *step = NULL;
    char place[REEF_FILE_NAME_MAX + 64] = "/etc/resolv.conf";
    char line[sizeof place + REEF_PEER_TEXT + 64];
    for (size_t i = 0; i < check->name_count && step == NULL; i++)
        step = cli_name_unserved(&check->names[i]);
    if (step == NULL)
        return false;
    bool silent = strcmp(step->outcome, "unreachable") == 0 ||
                  strcmp(step->outcome, "silent") == 0 ||
                  strcmp(step->outcome, "dropped") == 0;
    if (check_is_among(config->nameservers, config->nameserver_count, step->server))
        check_place(config, REEF_SET_NAMESERVERS, place, sizeof place);
    else if (check_is_among(config->consul, config->consul_count, step->server))
        check_place(config, REEF_SET_CONSUL, place, sizeof place);
    (void)snprintf(line, sizeof line, "%s the nameserver %s, or replace it: %s",
                   silent ? "start" : "mend", step->server, place);
    cli_check_fact(check, "to do", line);
    return true;
}

typedef struct check_advice {
    reef_code code;
    reef_setting setting;
    const char *text;
} check_advice;

static const check_advice *check_advice_find(const check_advice *list, size_t count,
                                             reef_code code)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].code == code)
            return &list[i];
    }
    return NULL;
}

/* The same where Sentinels are to say who the master is: none that knows it was found
 * (`met` false), or the master itself is the matter. */
static const check_advice *check_advice_sentinel(reef_code code, bool met)
{
    static const check_advice alone[] = {
        {REEF_CONNECT, REEF_SET_HOSTS,
         "start the Sentinels there, or correct server.redis.hosts"},
        {REEF_UNSENT, REEF_SET_HOSTS,
         "see that the Sentinels answer, or correct server.redis.hosts"},
        {REEF_NOROUTE, REEF_SET_MASTER_NAME,
         "correct server.redis.master_name, or have the Sentinels monitor it"},
        {REEF_BADCONFIG, REEF_SET_MASTER_NAME,
         "correct server.redis.master_name, or server.redis.hosts"},
        {REEF_AUTH, REEF_SET_SENTINEL_PASSWORD,
         "correct server.redis.sentinel_password and server.redis.sentinel_username"},
    };
    static const check_advice known[] = {
        {REEF_CONNECT, REEF_SET_HOSTS,
         "see that the master runs, and that the address that the Sentinels announce "
         "is "
         "good from here"},
        {REEF_UNSENT, REEF_SET_HOSTS,
         "see that the master answers, and that the address that the Sentinels "
         "announce "
         "is good from here"},
    };
    const check_advice *list = met ? known : alone;
    size_t count =
        met ? sizeof known / sizeof known[0] : sizeof alone / sizeof alone[0];
    return check_advice_find(list, count, code);
}

/* The same where several hosts are to be nodes of a Cluster. */
static const check_advice *check_advice_cluster(reef_code code)
{
    static const check_advice advice[] = {
        {REEF_CONNECT, REEF_SET_HOSTS,
         "start the nodes there, or correct server.redis.hosts"},
        {REEF_UNSENT, REEF_SET_HOSTS,
         "see that the nodes answer, or correct server.redis.hosts"},
        {REEF_BADCONFIG, REEF_SET_HOSTS,
         "name nodes of one Cluster, or one server alone, or set "
         "server.redis.master_name where these are Sentinels"},
    };
    return check_advice_find(advice, sizeof advice / sizeof advice[0], code);
}

static const check_advice *check_advice_of(const cli_check *check, reef_code code)
{
    static const check_advice db = {REEF_BADCONFIG, REEF_SET_DB,
                                    "write db = 0: a Cluster has no other"};
    static const check_advice right = {
        REEF_AUTH, REEF_SET_USERNAME,
        "give this user the right that it lacks, or name another in "
        "server.redis.username"};
    static const check_advice advice[] = {
        {REEF_CONNECT, REEF_SET_HOSTS,
         "start the server there, or correct server.redis.hosts"},
        {REEF_UNSENT, REEF_SET_HOSTS,
         "see that the server answers, or correct server.redis.hosts"},
        {REEF_UNSURE, REEF_SET_HOSTS,
         "see that the server answers, or correct server.redis.hosts"},
        {REEF_DNS, REEF_SET_HOSTS,
         "correct the name in server.redis.hosts, or its DNS"},
        {REEF_AUTH, REEF_SET_PASSWORD,
         "correct server.redis.password and server.redis.username"},
        {REEF_PROTOCOL, REEF_SET_HOSTS,
         "see what listens there: it is no Redis or Valkey, or it wants TLS"},
    };
    const reef_topology *t = &check->topology;
    if (t->sentinel) {
        const check_advice *found =
            check_advice_sentinel(code, cli_belief_knowing(t) > 0);
        if (found != NULL)
            return found;
    }
    const reef_config *config = &check->ctx->config;
    if (!t->sentinel && config->host_count > 1) {
        const check_advice *found = check_advice_cluster(code);
        if (found != NULL)
            return found;
    }
    if (!t->sentinel && code == REEF_BADCONFIG && config->db != 0 &&
        strstr(check->why, "Cluster") != NULL)
        return &db;
    if (!t->sentinel && code == REEF_AUTH && strstr(check->why, "NOPERM") != NULL)
        return &right;
    return check_advice_find(advice, sizeof advice / sizeof advice[0], code);
}

/* What to do about a connection that did not come about. */
static void check_advise(const cli_check *check, reef_code code)
{
    const check_advice *advice = check_advice_of(check, code);
    char origin[REEF_FILE_NAME_MAX + 64], line[sizeof origin + 160];
    if (code == REEF_DNS && check_advise_nameserver(check))
        return;
    if (advice == NULL)
        return;
    check_place(&check->ctx->config, advice->setting, origin, sizeof origin);
    cli_join(line, sizeof line, advice->text, ": ", origin);
    cli_check_fact(check, "to do", line);
}

/* ---- who answers -------------------------------------------------------------- */

static const char *check_or(const char *text, const char *fallback)
{
    return text[0] != '\0' ? text : fallback;
}

void cli_check_server(const cli_check *check)
{
    const reef_server *s = &check->server;
    char line[256];
    (void)snprintf(line, sizeof line, "%s %s at %s", check_or(s->server, "a server"),
                   check_or(s->version, "of unknown version"), s->peer);
    cli_check_fact(check, "server", line);
    (void)snprintf(line, sizeof line, "RESP%" PRIu32 ", mode %s, role %s, db %" PRIu32,
                   s->protocol, check_or(s->mode, "unknown"),
                   check_or(s->role, "unknown"), check->ctx->config.db);
    cli_check_fact(check, "speaks", line);
}

/* Answers the server without credentials, too? Nothing but PING is asked. */
static bool check_is_open(const cli_check *check)
{
    reef_error error;
    reef_server server;
    reef_config bare = check->ctx->config;
    memset(bare.username, 0, sizeof bare.username);
    memset(bare.password, 0, sizeof bare.password);
    reef_client *client = reef_open(&bare, &error);
    bool open = client != NULL && reef_server_info(client, check->ctx->timeout_ms,
                                                   &server, &error) == REEF_OK;
    reef_close(client);
    reef_config_wipe(&bare);
    return open;
}

static bool check_is_near(const char *peer)
{
    return strncmp(peer, "127.", 4) == 0 || strncmp(peer, "[::1]", 5) == 0 ||
           strncmp(peer, "localhost:", 10) == 0 || strncmp(peer, "unix:", 5) == 0;
}

/* Whether others on this machine can reach a socket path or a loopback port is not
 * known, and their concern; a password that protects nothing is a mistake anywhere. */
static void check_password(cli_check *check)
{
    const char *peer = check->server.peer;
    bool set = check->ctx->config.password[0] != '\0';
    if (!set && !check_is_near(peer))
        cli_check_find(check, CLI_DONE, peer,
                       " lets in anyone who can reach it: set a password there, ",
                       "and the same as server.redis.password");
    if (set && check_is_open(check))
        cli_check_find(check, CLI_DONE, peer,
                       " lets in without the password, too: set requirepass there, ",
                       "or switch its default user off");
}

void cli_check_role(cli_check *check)
{
    const reef_server *s = &check->server;
    const reef_config *config = &check->ctx->config;
    bool replica = strcmp(s->role, "replica") == 0 || strcmp(s->role, "slave") == 0;
    bool srv = true;
    for (uint32_t i = 0; i < config->host_count; i++)
        srv = srv && config->hosts[i].kind == REEF_HOST_SRV;
    if (replica)
        cli_check_find(check, CLI_USAGE, s->peer, " is a replica and takes no writes: ",
                       srv ? "let the SRV records name only the master"
                           : "name its master in server.redis.hosts");
}

/* ---- latency and clock -------------------------------------------------------- */

static int64_t check_now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void check_sort(int64_t *values, int count)
{
    for (int i = 1; i < count; i++) {
        int64_t value = values[i];
        int j = i;
        for (; j > 0 && values[j - 1] > value; j--)
            values[j] = values[j - 1];
        values[j] = value;
    }
}

/* False: the server went away; there is no sense in asking on. */
static bool check_latency(cli_check *check, reef_cmd *cmd)
{
    int64_t us[CHECK_PINGS];
    char line[128];
    reef_cmd_begin(cmd, "PING");
    reef_cmd_repeatable(cmd);
    for (int i = 0; i < CHECK_PINGS; i++) {
        int64_t start = check_now_us();
        reef_reply *reply = reef_call(check->ctx->client, cmd, check->ctx->timeout_ms);
        us[i] = check_now_us() - start;
        reef_code code = reef_reply_code(reply);
        if (code != REEF_OK)
            cli_check_find(check, cli_exit_of(code),
                           "PING failed: ", reef_reply_text(reply), "");
        reef_reply_free(reply);
        if (code != REEF_OK)
            return code == REEF_REFUSED;
    }
    check_sort(us, CHECK_PINGS);
    check->has_latency = true;
    check->best_us = us[0];
    check->median_us = us[CHECK_PINGS / 2];
    (void)snprintf(line, sizeof line,
                   "%.2f ms at best, %.2f ms in the middle of %d pings",
                   (double)us[0] / 1000, (double)check->median_us / 1000, CHECK_PINGS);
    cli_check_fact(check, "latency", line);
    return true;
}

/* TIME's two numbers, against the middle of the call. */
static void check_clock(cli_check *check, reef_cmd *cmd)
{
    uint64_t s = 0, us = 0;
    char line[128];
    reef_cmd_begin(cmd, "TIME");
    reef_cmd_repeatable(cmd);
    int64_t before = reef_unix_ns();
    reef_reply *reply = reef_call(check->ctx->client, cmd, check->ctx->timeout_ms);
    int64_t middle_us = before / 2000 + reef_unix_ns() / 2000;
    const reef_node *root = reef_reply_root(reply);
    bool good = cli_number(reef_text(reply, reef_at(root, 0)), UINT64_C(1) << 40, &s) &&
                cli_number(reef_text(reply, reef_at(root, 1)), 999999, &us);
    reef_reply_free(reply);
    if (!good) {
        cli_check_fact(check, "clock", "unknown: this user may not ask for it");
        return;
    }
    int64_t ms = ((int64_t)(s * 1000000 + us) - middle_us) / 1000;
    int64_t away = ms < 0 ? -ms : ms;
    check->has_clock = true;
    check->clock_ms = ms;
    (void)snprintf(line, sizeof line, "the server's is %" PRId64 " ms %s", away,
                   ms < 0 ? "behind" : "ahead");
    cli_check_fact(check, "clock", line);
    if (away > CHECK_CLOCK_MS)
        cli_check_find(check, CLI_DONE, "the clocks are over a minute apart: ",
                       "set this machine's and the server's, since knot orders writes ",
                       "by the clock");
}

/* ---- all of it ---------------------------------------------------------------- */

void cli_check_text(const cli_check *check)
{
    bool color = check->ctx->color_out;
    for (size_t i = 0; i < check->count; i++) {
        const cli_finding *f = &check->findings[i];
        bool bad = f->exit_code != CLI_DONE;
        cli_put_colored(stdout, color, bad ? CLI_RED : CLI_YELLOW,
                        bad ? "problem   " : "note      ");
        cli_put_text(stdout, reef_str_of(f->text));
        fputc('\n', stdout);
    }
}

/* The end of a check that got through. */
static void check_text_verdict(const cli_check *check)
{
    cli_check_text(check);
    if (check->exit_code != CLI_DONE)
        return;
    cli_put_colored(stdout, check->ctx->color_out, CLI_GREEN, "good");
    fputs("      knot can keep its sessions here\n", stdout);
}

/* No connection: what is odd about the settings may be why. */
static int check_failed(cli_check *check, const reef_error *error)
{
    int code = cli_fail_begin(check->ctx, error->code, error->text);
    cli_join(check->why, sizeof check->why, error->text, "", "");
    memset(&check->server, 0, sizeof check->server);
    cli_names_find(check, error->code == REEF_DNS ? code : CLI_DONE);
    cli_belief_failed(check, code, error->text);
    if (cli_has(check->ctx, CLI_OPT_JSON)) {
        fputc(',', stdout);
        cli_check_json(check, code);
    } else {
        cli_check_text(check);
    }
    check_advise(check, error->code);
    return code;
}

/* Asks the Sentinels where there are any, and connects, where that can come to
 * something. */
static bool check_meets(cli_check *check, reef_error *error)
{
    const reef_look *hopeless = cli_names_hopeless(check);
    if (hopeless == NULL)
        return cli_topology_ask(check, error) == REEF_OK &&
               cli_topology_meet(check, error) == REEF_OK;
    error->code = REEF_DNS;
    cli_join(error->text, sizeof error->text, hopeless->why, "", "");
    return false;
}

static void check_cluster(cli_check *check)
{
    cli_census_look(check);
    cli_census_find(check);
    cli_census_seeds(check);
}

/* A server, and Sentinels where they watch it. */
static void check_server(cli_check *check, reef_cmd *cmd)
{
    bool sentinel = check->topology.sentinel;
    if (sentinel) {
        cli_replicas_ask(check, cmd);
        cli_replicas_show(check);
    }
    cli_belief_find(check);
    cli_check_role(check);
    if (sentinel)
        cli_replicas_find(check);
}

static int check_all(cli_check *check)
{
    cli_context *ctx = check->ctx;
    reef_error error = {REEF_OK, 0, ""};
    check_settings(check);
    cli_names_look(check);
    int code = cli_open(ctx);
    if (code != CLI_DONE)
        return code;
    if (!check_meets(check, &error))
        return check_failed(check, &error);
    reef_cmd *cmd = reef_cmd_new();
    if (cmd == NULL) {
        error = (reef_error){REEF_NOMEM, 0, "out of memory"};
        return check_failed(check, &error);
    }
    cli_names_find(check, CLI_DONE);
    cli_check_info(check, cmd);
    cli_check_server(check);
    if (cli_check_is_cluster(check))
        check_cluster(check);
    else
        check_server(check, cmd);
    check_password(check);
    if (check_latency(check, cmd)) {
        check_clock(check, cmd);
        if (cli_check_is_torn(check))
            cli_check_fact(check, "rights", "not tried: not all slots are served now");
        else
            cli_check_rights(check, cmd);
    }
    reef_cmd_free(cmd);
    if (cli_has(ctx, CLI_OPT_JSON)) {
        fputc('{', stdout);
        cli_check_json(check, check->exit_code);
    } else {
        check_text_verdict(check);
    }
    return check->exit_code;
}

int cli_check_run(cli_context *ctx)
{
    cli_check check;
    memset(&check, 0, sizeof check);
    check.ctx = ctx;
    int code = cli_load(ctx);
    if (code == CLI_DONE)
        code = check_all(&check);
    cli_census_end(&check);
    cli_names_free(&check);
    return code;
}
