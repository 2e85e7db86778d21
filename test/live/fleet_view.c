/* SPDX-License-Identifier: Apache-2.0
 *
 * A fleet for tests: what its nodes think, read from CLUSTER NODES. See fleet.h.
 *
 * A line is: id, address, flags, id of the master or "-", ping sent, pong received,
 * epoch, "connected" or "disconnected", and slots: "7", "0-5", or of slots that move
 * "[7->-id]" and "[7-<-id]". */
#include "test/live/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { VIEW_ID = 40, VIEW_TEXT = 8192, VIEW_WORD = 160, VIEW_WAIT_MS = 1500 };

/* ---- a node's view ------------------------------------------------------------ */

bool reef_fleet_hears(const reef_fleet *fleet, int node)
{
    return fleet->nodes[node]->pid && !fleet->frozen[node];
}

char *reef_fleet_view(const reef_fleet *fleet, int node)
{
    char *reply = reef_live_ask(fleet->nodes[node], "CLUSTER NODES");
    if (reply[0] == '-') { /* loading */
        reply[0] = '\0';
    }
    return reply;
}

static int view_number(const reef_fleet *fleet, const char *id)
{
    for (int i = 0; i < fleet->count; i++) {
        if (strncmp(fleet->ids[i], id, VIEW_ID) == 0) {
            return i;
        }
    }
    return -1;
}

bool reef_fleet_row_next(const reef_fleet *fleet, const char **view,
                         reef_fleet_row *out)
{
    char id[VIEW_WORD], flags[VIEW_WORD], master[VIEW_WORD], state[VIEW_WORD];
    int used = 0;
    if (!**view) {
        return false;
    }
    if (sscanf(*view, "%159s %*s %159s %159s %*s %*s %llu %159s%n", id, flags, master,
               &out->epoch, state, &used) != 5) {
        fail_msg("no line of CLUSTER NODES: %s", *view);
    }
    out->node = view_number(fleet, id);
    out->master = view_number(fleet, master);
    out->myself = strstr(flags, "myself") != NULL;
    out->is_master = strstr(flags, "master") != NULL;
    out->failed = strstr(flags, "fail") != NULL || strstr(flags, "handshake") != NULL;
    out->linked = strcmp(state, "connected") == 0;
    out->slots = *view + used;
    *view += strcspn(*view, "\n");
    *view += **view == '\n';
    return true;
}

bool reef_fleet_span_next(const char **slots, uint32_t *first, uint32_t *last)
{
    while (**slots == ' ') {
        unsigned from, to;
        int used = 0, count = sscanf(*slots, " %u%n-%u%n", &from, &used, &to, &used);
        if (count > 0) {
            *slots += used;
            *first = from;
            *last = count > 1 ? to : from;
            assert_true(*first <= *last && *last < REEF_FLEET_SLOTS);
            return true;
        }
        *slots += 1 + strcspn(*slots + 1, " \n");
    }
    return false;
}

/* What the node says of itself; `view` is to be freed after the row. */
static bool view_myself(const reef_fleet *fleet, int node, char **view,
                        reef_fleet_row *out)
{
    const char *at;
    *view = reef_fleet_view(fleet, node);
    at = *view;
    while (reef_fleet_row_next(fleet, &at, out)) {
        if (out->myself) {
            return true;
        }
    }
    return false;
}

/* ---- who serves what ---------------------------------------------------------- */

void reef_fleet_owners(const reef_fleet *fleet, int owners[REEF_FLEET_SLOTS])
{
    static unsigned long long epochs[REEF_FLEET_SLOTS];
    memset(owners, -1, sizeof *owners * REEF_FLEET_SLOTS);
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_row row;
        uint32_t first, last;
        char *view;
        if (!reef_fleet_hears(fleet, i) || !fleet->member[i]) {
            continue;
        }
        bool told = view_myself(fleet, i, &view, &row) && row.is_master;
        while (told && reef_fleet_span_next(&row.slots, &first, &last)) {
            for (uint32_t slot = first; slot <= last; slot++) {
                if (owners[slot] < 0 || row.epoch > epochs[slot]) {
                    owners[slot] = i;
                    epochs[slot] = row.epoch;
                }
            }
        }
        free(view);
    }
}

int reef_fleet_master(const reef_fleet *fleet, uint32_t slot)
{
    int owners[REEF_FLEET_SLOTS];
    reef_fleet_owners(fleet, owners);
    return owners[slot];
}

bool reef_fleet_is_master(const reef_fleet *fleet, int node)
{
    reef_fleet_row row;
    char *view;
    bool master = view_myself(fleet, node, &view, &row) && row.is_master;
    free(view);
    return master;
}

int reef_fleet_replica(const reef_fleet *fleet, int master)
{
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_row row;
        char *view;
        bool found;
        if (!reef_fleet_hears(fleet, i) || !fleet->member[i]) {
            continue;
        }
        found = view_myself(fleet, i, &view, &row) && row.master == master;
        free(view);
        if (found) {
            return i;
        }
    }
    reef_fleet_tell(fleet);
    fail_msg("node %d has no replica", master);
    return -1;
}

uint32_t reef_fleet_slots(const reef_fleet *fleet, int node, uint32_t *first)
{
    reef_fleet_row row;
    uint32_t count = 0, from, to;
    char *view;
    bool told = view_myself(fleet, node, &view, &row) && row.is_master;
    while (told && reef_fleet_span_next(&row.slots, &from, &to)) {
        if (count == 0 && first) {
            *first = from;
        }
        count += to - from + 1;
    }
    free(view);
    return count;
}

unsigned reef_fleet_promoted(const reef_fleet *fleet)
{
    static const char *const marks[] = {
        "Failover election won", "Taking over the master", "Taking over the primary"};
    unsigned count = 0;
    for (int i = 0; i < fleet->count; i++) {
        for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
            count += reef_live_logged(fleet->nodes[i], marks[k]);
        }
    }
    return count;
}

/* ---- whether all is well ------------------------------------------------------ */

/* A view in a form that is the same on all nodes: who is whose, since when, and with
 * which slots, in the order of the nodes' numbers. "": something is wrong with it. */
static void view_essence(const reef_fleet *fleet, int node, char out[VIEW_TEXT])
{
    char rows[REEF_FLEET_MAX][VIEW_TEXT / REEF_FLEET_MAX] = {""};
    char *view = reef_fleet_view(fleet, node);
    const char *at = view;
    reef_fleet_row row;
    size_t len = 0;
    bool good = *view != '\0';
    while (reef_fleet_row_next(fleet, &at, &row)) {
        if (row.node < 0 || !fleet->member[row.node]) {
            good = false;
        } else if (fleet->nodes[row.node]->pid) {
            good = good && !row.failed && row.linked;
            snprintf(rows[row.node], sizeof rows[row.node], "%d of %d, %d, %llu:%.*s\n",
                     row.node, row.master, row.is_master, row.epoch,
                     (int)strcspn(row.slots, "[\n"), row.slots);
        }
    }
    free(view);
    out[0] = '\0';
    for (int i = 0; good && i < fleet->count; i++) {
        if (fleet->member[i] && fleet->nodes[i]->pid && !rows[i][0]) {
            out[0] = '\0';
            return;
        }
        len += (size_t)snprintf(out + len, VIEW_TEXT - len, "%s", rows[i]);
    }
}

static bool view_says(const reef_fleet *fleet, int node, const char *line,
                      const char *part)
{
    char *reply = reef_live_ask(fleet->nodes[node], line);
    bool found = strstr(reply, part) != NULL;
    free(reply);
    return found;
}

/* Whether `count` replicas have what the master is given now. */
static bool view_waits(const reef_fleet *fleet, int master, int count)
{
    const char *wait[] = {"WAIT", "1", "1500"};
    char key[REEF_FLEET_KEY], *reply;
    const char *set[] = {"SET", key, "1"};
    uint32_t slot = 0;
    int fd, got;
    if (reef_fleet_slots(fleet, master, &slot) == 0) {
        return true;
    }
    reef_fleet_key(slot, "settled", key);
    fd = reef_live_dial(fleet->nodes[master]);
    free(reef_live_ask_on(fd, set, 3, NULL));
    reply = reef_live_ask_on(fd, wait, 3, NULL);
    got = atoi(reply);
    free(reply);
    close(fd);
    return got >= count;
}

/* The node replicates from this master, where `row` says that it is its replica. */
static bool view_replicates(const reef_fleet *fleet, int node, int master)
{
    char part[64];
    snprintf(part, sizeof part, "master_port:%u\r\nmaster_link_status:up",
             (unsigned)fleet->nodes[master]->port);
    return view_says(fleet, node, "INFO replication", part);
}

static bool view_follow(const reef_fleet *fleet)
{
    int replicas[REEF_FLEET_MAX] = {0};
    for (int i = 0; i < fleet->count; i++) {
        reef_fleet_row row;
        char *view;
        bool told, good;
        if (!fleet->nodes[i]->pid || !fleet->member[i]) {
            continue;
        }
        told = view_myself(fleet, i, &view, &row);
        free(view);
        good = told && (row.is_master ||
                        (row.master >= 0 && view_replicates(fleet, i, row.master)));
        if (!good) {
            return false;
        }
        replicas[row.is_master ? i : row.master] += !row.is_master;
    }
    for (int i = 0; i < fleet->count; i++) {
        if (replicas[i] && !view_waits(fleet, i, replicas[i])) {
            return false;
        }
    }
    return true;
}

static bool view_settled(const reef_fleet *fleet)
{
    char first[VIEW_TEXT] = "", next[VIEW_TEXT];
    for (int i = 0; i < fleet->count; i++) {
        if (!fleet->nodes[i]->pid || !fleet->member[i]) {
            continue;
        }
        view_essence(fleet, i, next);
        if (!next[0] || (first[0] && strcmp(first, next)) ||
            !view_says(fleet, i, "CLUSTER INFO", "cluster_state:ok")) {
            return false;
        }
        memcpy(first, next, sizeof first);
    }
    return view_follow(fleet);
}

void reef_fleet_tell(const reef_fleet *fleet)
{
    for (int i = 0; i < fleet->count; i++) {
        print_error("node %d, port %u%s%s:\n", i, (unsigned)fleet->nodes[i]->port,
                    fleet->frozen[i] ? ", frozen" : "",
                    fleet->member[i] ? "" : ", forgotten");
        if (reef_fleet_hears(fleet, i)) {
            char *view = reef_fleet_view(fleet, i);
            print_error("%s\n", view);
            free(view);
        }
        reef_live_show_log(fleet->nodes[i]->folder);
    }
}

void reef_fleet_settle(reef_fleet *fleet)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (!view_settled(fleet)) {
        if (reef_live_now_ms() > limit) {
            reef_fleet_tell(fleet);
            fail_msg("the fleet does not settle");
        }
        reef_live_nap();
    }
    for (int i = 0; i < fleet->count; i++) {
        bool master = fleet->nodes[i]->pid && reef_fleet_is_master(fleet, i);
        if (master && !fleet->master[i]) {
            fleet->master_ms[i] = reef_live_now_ms();
        }
        fleet->master[i] = master;
    }
}

/* The node that all who run take for the master of the slot; -1: they disagree. */
static int view_agreed(const reef_fleet *fleet, uint32_t slot)
{
    int agreed = -1;
    for (int i = 0; i < fleet->count; i++) {
        int seen = -1;
        reef_fleet_row row;
        uint32_t first, last;
        char *view;
        const char *at;
        if (!reef_fleet_hears(fleet, i) || !fleet->member[i]) {
            continue;
        }
        view = reef_fleet_view(fleet, i);
        at = view;
        while (reef_fleet_row_next(fleet, &at, &row)) {
            while (reef_fleet_span_next(&row.slots, &first, &last)) {
                seen = first <= slot && slot <= last ? row.node : seen;
            }
        }
        free(view);
        if (seen < 0 || (agreed >= 0 && seen != agreed)) {
            return -1;
        }
        agreed = seen;
    }
    return agreed;
}

int reef_fleet_moved(const reef_fleet *fleet, uint32_t slot, int from)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (reef_live_now_ms() < limit) {
        int node = view_agreed(fleet, slot);
        if (node >= 0 && node != from) {
            return node;
        }
        reef_live_nap();
    }
    reef_fleet_tell(fleet);
    fail_msg("slot %u stays with node %d", (unsigned)slot, from);
    return -1;
}
