/* SPDX-License-Identifier: Apache-2.0
 *
 * The replicas of a server, and whether they could take its place: read from INFO's
 * replication section, as lines, as findings and as JSON.
 *
 * Invariant: all of it is text of the server; it is cut to fit, and printed by the put
 * functions alone. */
#include "session/cli/check.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
    REPLICAS_LATE_S = 10,         /* without a word; they report once a second */
    REPLICAS_FAR_BYTES = 1 << 20, /* behind the master, where that is worth a word */
    REPLICAS_BLAMED = 8,          /* of which something is said */
    REPLICAS_LOOKS = 7,           /* again, so many times and … */
    REPLICAS_LOOK_MS = 200, /* … so far apart, for them to confirm what they have */
    REPLICAS_LINE = 512
};

/* ---- reading ------------------------------------------------------------------ */

static uint64_t replicas_number(const char *digits)
{
    uint64_t out = 0;
    return cli_number(reef_str_of(digits), UINT64_MAX, &out) ? out : 0;
}

static uint64_t replicas_field_number(reef_str info, const char *name)
{
    char digits[24];
    return cli_info_field(info, name, digits, sizeof digits) ? replicas_number(digits)
                                                             : 0;
}

/* The value of "name=" in "ip=10.0.0.1,port=6379,state=online,offset=7,lag=0"; "" where
 * it is not there. */
static void replicas_part(const char *line, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    out[0] = '\0';
    for (const char *at = line; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, len) != 0 || at[len] != '=')
            continue;
        const char *value = at + len + 1;
        size_t size = strcspn(value, ",");
        (void)snprintf(out, cap, "%.*s", (int)size, value);
        return;
    }
}

static void replicas_peer(const char *host, const char *port, char *out)
{
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(out, REEF_PEER_TEXT, "%s%.96s%s:%.8s", v6 ? "[" : "", host,
                   v6 ? "]" : "", port);
}

static void replicas_read_one(cli_replica *r, const char *line, uint64_t offset)
{
    char host[REEF_NAME_MAX + 1], port[16], digits[24];
    replicas_part(line, "ip", host, sizeof host);
    replicas_part(line, "port", port, sizeof port);
    replicas_peer(host, port, r->peer);
    replicas_part(line, "state", r->state, sizeof r->state);
    replicas_part(line, "offset", digits, sizeof digits);
    r->at = replicas_number(digits);
    r->behind = r->at < offset ? offset - r->at : 0;
    r->late = false;
    replicas_part(line, "lag", digits, sizeof digits);
    r->lag_s = replicas_number(digits);
}

static void replicas_read_master(cli_replication *r, reef_str info)
{
    char host[REEF_NAME_MAX + 1] = "", port[16] = "", link[16] = "";
    (void)cli_info_field(info, "master_host", host, sizeof host);
    (void)cli_info_field(info, "master_port", port, sizeof port);
    (void)cli_info_field(info, "master_link_status", link, sizeof link);
    replicas_peer(host, port, r->master);
    r->link_up = strcmp(link, "up") == 0;
}

void cli_replicas_read(cli_replication *r, reef_str info)
{
    char role[16], name[24], line[REPLICAS_LINE];
    if (!cli_info_field(info, "role", role, sizeof role))
        return;
    *r = (cli_replication){.known = true};
    r->replica = strcmp(role, "slave") == 0 || strcmp(role, "replica") == 0;
    if (r->replica)
        replicas_read_master(r, info);
    r->offset = replicas_field_number(info, "master_repl_offset");
    r->limited = cli_info_field(info, "min_slaves_good_slaves", line, sizeof line) &&
                 !r->replica;
    r->in_time = r->limited ? replicas_number(line) : 0;
    for (bool more = true; more && r->count < CLI_REPLICAS;) {
        (void)snprintf(name, sizeof name, "slave%" PRIu32, r->count);
        more = cli_info_field(info, name, line, sizeof line);
        if (more)
            replicas_read_one(&r->replicas[r->count++], line, r->offset);
    }
    uint64_t all = replicas_field_number(info, "connected_slaves");
    r->all = all > r->count && all <= UINT32_MAX ? (uint32_t)all : r->count;
}

/* How many replicas have to be in time; a user may not be allowed to ask. */
static void replicas_ask_wanted(cli_check *check, reef_cmd *cmd)
{
    reef_cmd_begin(cmd, "CONFIG");
    reef_cmd_text(cmd, "GET");
    reef_cmd_text(cmd, "min-replicas-to-write");
    reef_cmd_repeatable(cmd);
    reef_reply *reply = reef_call(check->ctx->client, cmd, check->ctx->timeout_ms);
    const reef_node *root = reef_reply_root(reply);
    uint64_t wants = 0;
    if (reef_reply_code(reply) == REEF_OK &&
        cli_number(reef_text(reply, reef_at(root, 1)), UINT32_MAX, &wants))
        check->replication.wants = wants;
    reef_reply_free(reply);
}

static bool replicas_is_online(const cli_replica *r)
{
    return strcmp(r->state, "online") == 0;
}

/* Far from having confirmed what the master had at `offset`. */
static bool replicas_is_far(const cli_replica *r, uint64_t offset)
{
    return replicas_is_online(r) && r->at < offset &&
           offset - r->at > REPLICAS_FAR_BYTES;
}

static bool replicas_any_far(const cli_replication *r, uint64_t offset)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (replicas_is_far(&r->replicas[i], offset))
            return true;
    }
    return false;
}

/* False: it did not say. */
static bool replicas_ask_once(cli_check *check, reef_cmd *cmd)
{
    reef_cmd_begin(cmd, "INFO");
    reef_cmd_text(cmd, "replication");
    reef_cmd_repeatable(cmd);
    reef_reply *reply = reef_call(check->ctx->client, cmd, check->ctx->timeout_ms);
    bool good = reef_reply_code(reply) == REEF_OK;
    if (good)
        cli_replicas_read(&check->replication,
                          reef_text(reply, reef_reply_root(reply)));
    reef_reply_free(reply);
    return good;
}

/* Replicas confirm once a second: under traffic each seems to be behind by what the
 * master wrote since. Late is who has not confirmed it a good second later. */
static void replicas_settle(cli_check *check, reef_cmd *cmd)
{
    const struct timespec pause = {0, REPLICAS_LOOK_MS * 1000000L};
    cli_replication *r = &check->replication;
    uint64_t offset = r->offset;
    bool good = true;
    for (int i = 0; i < REPLICAS_LOOKS && good && replicas_any_far(r, offset); i++) {
        (void)nanosleep(&pause, NULL);
        good = replicas_ask_once(check, cmd);
    }
    for (uint32_t i = 0; i < r->count; i++)
        r->replicas[i].late = good && replicas_is_far(&r->replicas[i], offset);
}

void cli_replicas_ask(cli_check *check, reef_cmd *cmd)
{
    if (check->replication.known || replicas_ask_once(check, cmd))
        replicas_settle(check, cmd);
    if (check->replication.limited)
        replicas_ask_wanted(check, cmd);
}

/* ---- for a person ------------------------------------------------------------- */

uint32_t cli_replicas_online(const cli_replication *r)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->count; i++)
        count += replicas_is_online(&r->replicas[i]);
    return count;
}

/* "0 bytes", "14 KiB", "3 MiB" */
static void replicas_size(uint64_t bytes, char *out, size_t cap)
{
    if (bytes < 10240)
        (void)snprintf(out, cap, "%" PRIu64 " bytes", bytes);
    else if (bytes < 10485760)
        (void)snprintf(out, cap, "%" PRIu64 " KiB", bytes >> 10);
    else
        (void)snprintf(out, cap, "%" PRIu64 " MiB", bytes >> 20);
}

static void replicas_show_one(const cli_check *check, const cli_replica *r, int width)
{
    char line[REPLICAS_LINE], size[32];
    replicas_size(r->behind, size, sizeof size);
    if (replicas_is_online(r))
        (void)snprintf(line, sizeof line, "%-*s  %-11s  %11s  %4" PRIu64 " s", width,
                       r->peer, r->state, size, r->lag_s);
    else
        (void)snprintf(line, sizeof line, "%-*s  %-11s  %11s  %6s", width, r->peer,
                       r->state, "-", "-");
    cli_check_fact(check, "", line);
}

static void replicas_show_master(const cli_check *check)
{
    const cli_replication *r = &check->replication;
    char line[REPLICAS_LINE];
    (void)snprintf(line, sizeof line, "%s, and the link to it is %s", r->master,
                   r->link_up ? "up" : "down");
    cli_check_fact(check, "follows", line);
}

void cli_replicas_show(const cli_check *check)
{
    const cli_replication *r = &check->replication;
    char line[REPLICAS_LINE];
    int width = (int)strlen("address");
    if (r->replica)
        replicas_show_master(check);
    if (!r->known || r->all == 0) {
        cli_check_fact(check, "replicas",
                       r->known ? "none" : "unknown: this user may not ask for INFO");
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        int len = (int)strlen(r->replicas[i].peer);
        width = len > width ? len : width;
    }
    (void)snprintf(line, sizeof line, "%-*s  %-11s  %11s  %6s", width, "address",
                   "state", "behind", "silent");
    cli_check_fact(check, "replicas", line);
    for (uint32_t i = 0; i < r->count; i++)
        replicas_show_one(check, &r->replicas[i], width);
    if (r->all > r->count) {
        (void)snprintf(line, sizeof line, "and %" PRIu32 " more", r->all - r->count);
        cli_check_fact(check, "", line);
    }
    if (r->limited && r->wants > 0) {
        (void)snprintf(line, sizeof line,
                       "taken while %" PRIu64 " of them is in time "
                       "(min-replicas-to-write); %" PRIu64 " is now",
                       r->wants, r->in_time);
        cli_check_fact(check, "writes", line);
    }
}

/* ---- what is wrong ------------------------------------------------------------ */

static void replicas_find_writes(cli_check *check)
{
    const cli_replication *r = &check->replication;
    char text[REPLICAS_LINE];
    bool short_of = r->in_time < (r->wants > 0 ? r->wants : 1);
    if (!r->limited || !short_of)
        return;
    (void)snprintf(text, sizeof text,
                   " refuses writes: its min-replicas-to-write wants %" PRIu64
                   " replica%s in time, and there %s %" PRIu64,
                   r->wants > 0 ? r->wants : 1, r->wants > 1 ? "s" : "",
                   r->in_time == 1 ? "is" : "are", r->in_time);
    cli_check_find(check, CLI_REFUSED, check->server.peer, text,
                   ": start the replicas that are missing");
}

/* Nobody is online: with Sentinels that is what they are there for. */
static void replicas_find_none(cli_check *check)
{
    const cli_replication *r = &check->replication;
    char text[REPLICAS_LINE];
    if (r->all == 0) {
        cli_check_find(check, CLI_FRAGILE, check->server.peer,
                       " has no replica, so that a fail-over has nobody to promote: ",
                       "start one, with \"replicaof\" and this address");
        return;
    }
    (void)snprintf(text, sizeof text,
                   "none of the %" PRIu32 " replicas of %s is online (%s is in state "
                   "\"%s\"), so that a fail-over has nobody to promote: ",
                   r->all, check->server.peer, r->replicas[0].peer,
                   r->replicas[0].state);
    cli_check_find(check, CLI_FRAGILE, text,
                   "wait until they have copied the data, or see their logs", "");
}

static void replicas_find_one(cli_check *check, const cli_replica *r)
{
    char text[REPLICAS_LINE], size[32];
    if (!replicas_is_online(r)) {
        cli_check_find(check, CLI_DONE, r->peer,
                       " is not ready to be promoted, in state ", r->state);
        return;
    }
    if (r->lag_s > REPLICAS_LATE_S) {
        (void)snprintf(text, sizeof text,
                       " has said nothing for %" PRIu64 " s: see that it runs, and the "
                       "network between it and %s",
                       r->lag_s, check->server.peer);
        cli_check_find(check, CLI_DONE, r->peer, text, "");
    }
    if (r->late) {
        replicas_size(r->behind, size, sizeof size);
        (void)snprintf(
            text, sizeof text,
            " is %s behind, and has been for over a second: promoted now, it "
            "would lack those writes; see its load, its disk and its "
            "network",
            size);
        cli_check_find(check, CLI_DONE, r->peer, text, "");
    }
}

/* Replicas that the Sentinels remember and the master has not. */
static void replicas_find_lost(cli_check *check)
{
    const cli_replication *r = &check->replication;
    const reef_sentinel_view *view = cli_belief_newest(&check->topology);
    char text[REPLICAS_LINE];
    if (view == NULL || view->replicas <= r->all)
        return;
    (void)snprintf(text, sizeof text,
                   "the Sentinels know %" PRIu32 " replicas, and %s has %" PRIu32
                   ": start what is missing; what is gone for good they forget with "
                   "SENTINEL RESET, on one after the other",
                   view->replicas, check->server.peer, r->all);
    cli_check_find(check, CLI_DONE, text, "", "");
}

void cli_replicas_find(cli_check *check)
{
    const cli_replication *r = &check->replication;
    if (!r->known)
        return;
    if (r->replica && !r->link_up)
        cli_check_find(check, CLI_DONE, check->server.peer,
                       " has lost its master, and its data grows old: see to ",
                       r->master);
    replicas_find_writes(check);
    if (check->topology.sentinel && cli_replicas_online(r) == 0) {
        replicas_find_none(check);
        return;
    }
    for (uint32_t i = 0; i < r->count && i < REPLICAS_BLAMED; i++)
        replicas_find_one(check, &r->replicas[i]);
    if (check->topology.sentinel)
        replicas_find_lost(check);
}

/* ---- for a program ------------------------------------------------------------ */

void cli_replicas_json(const cli_replication *r)
{
    printf("{\"role\":\"%s\",\"offset\":%" PRIu64, r->replica ? "replica" : "master",
           r->offset);
    if (r->replica) {
        fputs(",\"master\":", stdout);
        cli_put_json(stdout, reef_str_of(r->master));
        printf(",\"link_up\":%s", r->link_up ? "true" : "false");
    }
    if (r->limited)
        printf(",\"min_replicas\":%" PRIu64 ",\"in_time\":%" PRIu64, r->wants,
               r->in_time);
    printf(",\"count\":%" PRIu32 ",\"replicas\":[", r->all);
    for (uint32_t i = 0; i < r->count; i++) {
        fputs(i > 0 ? ",{\"peer\":" : "{\"peer\":", stdout);
        cli_put_json(stdout, reef_str_of(r->replicas[i].peer));
        fputs(",\"state\":", stdout);
        cli_put_json(stdout, reef_str_of(r->replicas[i].state));
        if (replicas_is_online(&r->replicas[i]))
            printf(",\"behind_bytes\":%" PRIu64 ",\"silent_s\":%" PRIu64,
                   r->replicas[i].behind, r->replicas[i].lag_s);
        fputc('}', stdout);
    }
    fputs("]}", stdout);
}
