/* SPDX-License-Identifier: Apache-2.0
 *
 * A census for a person, as a table with a master above its replicas, and as JSON.
 *
 * Invariant: texts of nodes are printed by the put functions alone. */
#include "session/cli/census.h"

#include <inttypes.h>
#include <string.h>

enum {
    SHOW_WIDE = 45,  /* columns of an address, at most */
    SHOW_SLOTS = 64, /* bytes of the ranges of one node */
    SHOW_ID = 8      /* characters of an id that stands for a name */
};

/* ---- words -------------------------------------------------------------------- */

void cli_node_name(const cli_node *node, char out[REEF_PEER_TEXT])
{
    if (node->peer[0] != '\0')
        cli_join(out, REEF_PEER_TEXT, node->peer, "", "");
    else
        (void)snprintf(out, REEF_PEER_TEXT, "node %.*s", (int)SHOW_ID, node->id);
}

void cli_census_ranges(const cli_node_number map[REEF_SLOT_COUNT],
                       cli_node_number value, char *out, size_t cap)
{
    uint32_t runs = 0, slot = 0;
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t last; slot < REEF_SLOT_COUNT; slot = last + 1) {
        last = cli_census_run(map, slot);
        if (map[slot] != value || runs++ >= CLI_CENSUS_RUNS)
            continue;
        len += (size_t)snprintf(out + len, cap - len, "%s%" PRIu32, len > 0 ? ", " : "",
                                slot);
        len = len < cap ? len : cap - 1;
        if (last > slot)
            len += (size_t)snprintf(out + len, cap - len, "-%" PRIu32, last);
        len = len < cap ? len : cap - 1;
    }
    if (runs > CLI_CENSUS_RUNS)
        (void)snprintf(out + len, cap - len, " and %" PRIu32 " more",
                       runs - CLI_CENSUS_RUNS);
}

static const char *show_role(const cli_node *node)
{
    return node->master ? "master" : node->replica ? "replica" : "unknown";
}

/* "0 bytes", "14 KiB", "3 MiB" */
static void show_size(uint64_t bytes, char *out, size_t cap)
{
    if (bytes < 10240)
        (void)snprintf(out, cap, "%" PRIu64 " bytes", bytes);
    else if (bytes < 10485760)
        (void)snprintf(out, cap, "%" PRIu64 " KiB", bytes >> 10);
    else
        (void)snprintf(out, cap, "%" PRIu64 " MiB", bytes >> 20);
}

/* How a replica is. */
static void show_follows(const cli_census *c, const cli_node *node, char *out,
                         size_t cap)
{
    uint64_t behind = 0;
    char size[32];
    if (!node->has_info) {
        cli_join(out, cap, "answers", "", "");
    } else if (node->copying) {
        cli_join(out, cap, "copies its master's data", "", "");
    } else if (!node->link_up) {
        cli_join(out, cap, "has lost its master", "", "");
    } else if (cli_census_behind(c, node, &behind) && behind > 0) {
        show_size(behind, size, sizeof size);
        cli_join(out, cap, "online, ", size, " behind");
    } else {
        cli_join(out, cap, "online", "", "");
    }
}

/* Whether it is there, and what it does. */
static void show_presence(const cli_census *c, const cli_node *node, char *out,
                          size_t cap)
{
    bool failed = cli_census_failed(c, node);
    if (failed && node->answered)
        cli_join(out, cap, "failed, as the others say", "", "");
    else if (failed)
        cli_join(out, cap, "failed", node->why[0] != '\0' ? ": " : "", node->why);
    else if (node->member && !node->answered)
        cli_join(out, cap,
                 node->code == REEF_REFUSED ? "does not tell: "
                 : node->code == REEF_AUTH  ? "refuses the login: "
                                            : "no answer: ",
                 node->why, "");
    else if (node->handshake || node->homeless)
        cli_join(out, cap, node->handshake ? "joining" : "no address", "", "");
    else if (!node->member)
        cli_join(out, cap, "not offered to clients", "", "");
    else if (node->replica)
        show_follows(c, node, out, cap);
    else
        cli_join(out, cap, "online", "", "");
}

static void show_append(char *out, size_t cap, bool so, const char *text)
{
    size_t len = strlen(out);
    if (so)
        cli_join(out + len, cap - len, "; ", text, "");
}

void cli_node_state(const cli_census *c, const cli_node *node, char *out, size_t cap)
{
    char text[64];
    show_presence(c, node, out, cap);
    (void)snprintf(text, sizeof text, "suspected by %" PRIu32 " of %" PRIu32,
                   node->fails + node->suspects, cli_census_voices(c, node));
    show_append(out, cap, cli_census_suspected(c, node), text);
    show_append(out, cap, node->down, "says that the cluster is down");
    show_append(out, cap, node->cut_off, "cut off from most");
    show_append(out, cap, node->odd, "of another mind");
}

/* ---- for a person ------------------------------------------------------------- */

typedef struct show_row {
    char name[REEF_PEER_TEXT + 2];
    char slots[SHOW_SLOTS];
    char keys[24], epoch[24];
    char state[REEF_ERROR_TEXT + 64];
} show_row;

static int show_wider(int width, const char *text)
{
    size_t len = strlen(text);
    if (len > SHOW_WIDE)
        len = SHOW_WIDE;
    return (int)len > width ? (int)len : width;
}

/* A replica is moved in, under its master. */
static void show_fill(const cli_census *c, const cli_node *node, show_row *row)
{
    cli_node_number number = (cli_node_number)(node - c->nodes + 1);
    const cli_node *master = cli_census_master(c, node);
    char name[REEF_PEER_TEXT];
    memset(row, 0, sizeof *row);
    cli_node_name(node, name);
    cli_join(row->name, sizeof row->name,
             master != NULL && cli_census_serves(master) ? "  " : "", name, "");
    if (cli_census_serves(node))
        cli_census_ranges(c->owners, number, row->slots, sizeof row->slots);
    (void)snprintf(row->keys, sizeof row->keys, "%" PRIu64, node->keys);
    if (!node->has_keys)
        cli_join(row->keys, sizeof row->keys, "-", "", "");
    if (node->master)
        (void)snprintf(row->epoch, sizeof row->epoch, "%" PRIu64, node->epoch);
    cli_node_state(c, node, row->state, sizeof row->state);
}

/* Puts the columns together; text columns come out padded. */
static void show_line(const cli_check *check, const char *label, const int widths[2],
                      const show_row *row, const char *role)
{
    char line[CLI_CENSUS_LINE];
    (void)snprintf(line, sizeof line, "%-*s  %-7s  %-*s  %8s  %5s  %s", widths[0],
                   row->name, role, widths[1], row->slots, row->keys, row->epoch,
                   row->state);
    cli_check_fact(check, label, line);
}

static void show_nodes(const cli_check *check)
{
    const cli_census *c = check->census;
    int widths[2] = {(int)strlen("address"), (int)strlen("slots")};
    show_row row, head = {"address", "slots", "keys", "epoch", "state"};
    for (size_t i = 0; i < c->count; i++) {
        show_fill(c, &c->nodes[i], &row);
        widths[0] = show_wider(widths[0], row.name);
        widths[1] = show_wider(widths[1], row.slots);
    }
    show_line(check, "nodes", widths, &head, "role");
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL)
            continue;
        show_fill(c, node, &row);
        show_line(check, "", widths, &row, show_role(node));
    }
}

/* Of the masters, each key once. */
static bool show_keys(const cli_census *c, uint64_t *keys)
{
    bool all = true;
    *keys = 0;
    for (size_t i = 0; i < c->count; i++) {
        const cli_node *node = &c->nodes[i];
        if (!node->master)
            continue;
        all = all && (node->has_keys || !cli_census_serves(node));
        *keys += node->keys;
    }
    return all;
}

void cli_census_show(const cli_check *check)
{
    const cli_census *c = check->census;
    char line[CLI_CENSUS_LINE];
    uint64_t keys;
    bool all = show_keys(c, &keys);
    (void)snprintf(line, sizeof line,
                   "%" PRIu32 " master%s and %" PRIu32 " replica%s; %" PRIu32
                   " of %d slots are served; %s%" PRIu64 " key%s; epoch %" PRIu64,
                   c->masters, c->masters == 1 ? "" : "s", c->replicas,
                   c->replicas == 1 ? "" : "s", c->served, (int)REEF_SLOT_COUNT,
                   all ? "" : "at least ", keys, keys == 1 ? "" : "s", c->epoch);
    cli_check_fact(check, "cluster", c->views > 0 ? line : "unknown: no node tells");
    (void)snprintf(line, sizeof line,
                   "%" PRIu32 " of %" PRIu32 " nodes answer; %" PRIu32
                   " of these are of one mind",
                   c->views, (uint32_t)c->count, c->agreeing);
    cli_check_fact(check, "answers", line);
    show_nodes(check);
}

/* ---- for a program ------------------------------------------------------------ */

static void show_json_text(const char *before, const char *text)
{
    fputs(before, stdout);
    if (text[0] != '\0')
        cli_put_json(stdout, reef_str_of(text));
    else
        fputs("null", stdout);
}

static void show_json_number(const char *before, bool known, uint64_t number)
{
    fputs(before, stdout);
    if (known)
        printf("%" PRIu64, number);
    else
        fputs("null", stdout);
}

static const char *show_bool(bool value)
{
    return value ? "true" : "false";
}

/* [[0,5460],[7000,7000]] */
static void show_json_ranges(const cli_node_number map[REEF_SLOT_COUNT],
                             cli_node_number value)
{
    const char *comma = "";
    fputc('[', stdout);
    for (uint32_t slot = 0, last; slot < REEF_SLOT_COUNT; slot = last + 1) {
        last = cli_census_run(map, slot);
        if (map[slot] != value)
            continue;
        printf("%s[%" PRIu32 ",%" PRIu32 "]", comma, slot, last);
        comma = ",";
    }
    fputc(']', stdout);
}

static const char *show_id(const cli_census *c, cli_node_number number)
{
    const cli_node *node = cli_census_at(c, number);
    return node != NULL ? node->id : "";
}

static void show_json_odds(const cli_census *c, const cli_node *node)
{
    const cli_odds *odds = &node->odds;
    fputs(",\"differs\":", stdout);
    if (!node->odd) {
        fputs("null", stdout);
        return;
    }
    printf("{\"slots\":%" PRIu32, odds->slots);
    if (odds->slots > 0) {
        printf(",\"first\":%" PRIu32 ",\"last\":%" PRIu32, odds->first, odds->last);
        show_json_text(",\"says\":", show_id(c, odds->says));
        show_json_text(",\"most\":", show_id(c, odds->most));
    } else {
        show_json_text(",\"node\":", show_id(c, odds->newer));
        printf(",\"says_epoch\":%" PRIu64 ",\"most_epoch\":%" PRIu64, odds->says_epoch,
               odds->most_epoch);
    }
    fputc('}', stdout);
}

/* What a replica has and a master has not. */
static void show_json_replica(const cli_census *c, const cli_node *node)
{
    uint64_t behind = 0;
    bool known = cli_census_behind(c, node, &behind);
    show_json_text(",\"master\":", node->master_id);
    printf(",\"ready\":%s", show_bool(cli_census_ready(c, node)));
    if (node->has_info)
        printf(",\"link_up\":%s,\"copying\":%s", show_bool(node->link_up),
               show_bool(node->copying));
    show_json_number(",\"behind_bytes\":", known, behind);
}

void cli_node_json(const cli_census *c, const cli_node *node)
{
    if (node == NULL) {
        fputs("null", stdout);
        return;
    }
    cli_node_number number = (cli_node_number)(node - c->nodes + 1);
    show_json_text("{\"id\":", node->id);
    show_json_text(",\"peer\":", node->peer);
    show_json_text(",\"role\":", show_role(node));
    show_json_text(",\"version\":", node->version);
    printf(",\"asked\":%s,\"answers\":%s", show_bool(node->member),
           show_bool(node->answered));
    show_json_text(",\"why\":", node->why);
    printf(",\"failed\":%s,\"failed_by\":%" PRIu32 ",\"suspected_by\":%" PRIu32
           ",\"unlinked_to\":%" PRIu32 ",\"known_to\":%" PRIu32 ",\"doubts\":%" PRIu32
           ",\"cut_off\":%s,\"joining\":%s,\"homeless\":%s",
           show_bool(cli_census_failed(c, node)), node->fails, node->suspects,
           node->cut, node->known, node->doubts, show_bool(node->cut_off),
           show_bool(node->handshake), show_bool(node->homeless));
    printf(",\"epoch\":%" PRIu64 ",\"slot_count\":%" PRIu32 ",\"slots\":", node->epoch,
           node->slots);
    show_json_ranges(c->owners, number);
    show_json_number(",\"keys\":", node->has_keys, node->keys);
    show_json_number(",\"offset\":", node->has_offset, node->offset);
    printf(",\"cluster_down\":%s", node->has_state ? show_bool(node->down) : "null");
    show_json_text(",\"maxmemory_policy\":", node->eviction);
    if (node->replica)
        show_json_replica(c, node);
    show_json_odds(c, node);
    fputc('}', stdout);
}

static void show_json_overlaps(const cli_census *c)
{
    const char *comma = "";
    fputs(",\"overlaps\":[", stdout);
    for (uint32_t slot = 0, last; slot < REEF_SLOT_COUNT; slot = last + 1) {
        uint32_t claims = cli_census_run(c->claims, slot);
        last = cli_census_run(c->others, slot);
        last = claims < last ? claims : last;
        if (c->others[slot] == 0)
            continue;
        printf("%s{\"first\":%" PRIu32 ",\"last\":%" PRIu32, comma, slot, last);
        show_json_text(",\"nodes\":[", show_id(c, c->claims[slot]));
        show_json_text(",", show_id(c, c->others[slot]));
        fputs("]}", stdout);
        comma = ",";
    }
    fputc(']', stdout);
}

static void show_json_moves(const cli_census *c)
{
    const char *comma = "";
    fputs(",\"moving\":[", stdout);
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT; slot++) {
        const cli_moving *m = &c->moving[slot];
        if (m->giver == 0 && m->taker == 0)
            continue;
        printf("%s{\"slot\":%" PRIu32 ",\"migrating\":%s,\"importing\":%s", comma, slot,
               show_bool(m->giver != 0), show_bool(m->taker != 0));
        show_json_text(",\"from\":",
                       show_id(c, m->giver != 0 ? m->giver : m->taker_from));
        show_json_text(",\"to\":", show_id(c, m->taker != 0 ? m->taker : m->giver_to));
        fputc('}', stdout);
        comma = ",";
    }
    fputc(']', stdout);
}

void cli_census_json(const cli_census *c)
{
    uint64_t keys;
    bool all = show_keys(c, &keys);
    printf("{\"masters\":%" PRIu32 ",\"replicas\":%" PRIu32 ",\"slots_served\":%" PRIu32
           ",\"slots_moving\":%" PRIu32 ",\"slots_claimed_twice\":%" PRIu32
           ",\"epoch\":%" PRIu64,
           c->masters, c->replicas, c->served, c->moves, c->rivals, c->epoch);
    show_json_number(",\"keys\":", all && c->views > 0, keys);
    printf(",\"answering\":%" PRIu32 ",\"minds\":%" PRIu32 ",\"agreeing\":%" PRIu32
           ",\"gaps\":",
           c->views, c->minds, c->agreeing);
    show_json_ranges(c->owners, 0);
    show_json_overlaps(c);
    show_json_moves(c);
    fputs(",\"nodes\":[", stdout);
    for (size_t i = 0; i < c->count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        cli_node_json(c, cli_census_at(c, c->order[i]));
    }
    fputs("]}", stdout);
}
