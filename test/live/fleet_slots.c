/* SPDX-License-Identifier: Apache-2.0
 *
 * A fleet for tests: slots, and how they move from master to master. See fleet.h. */
#include "test/live/fleet.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    MOVE_LINE = 256,
    MOVE_BATCH = 100,        /* keys that are moved at once */
    MOVE_TIMEOUT_MS = 10000, /* of MIGRATE */
    MOVE_RESHARD_MS = 120000
};

/* ---- keys --------------------------------------------------------------------- */

static uint32_t move_crc(const char *text)
{
    uint32_t crc = 0;
    for (; *text; text++) {
        crc ^= (uint32_t)(unsigned char)*text << 8;
        for (int i = 0; i < 8; i++) {
            crc = crc & 0x8000U ? crc << 1 ^ 0x1021U : crc << 1;
        }
    }
    return crc & 0xFFFFU;
}

uint32_t reef_fleet_slot(const char *key)
{
    return move_crc(key) % REEF_FLEET_SLOTS;
}

/* For each slot the least number which, in hexadecimal, hashes into it, plus one. */
static const uint32_t *move_tags(void)
{
    static uint32_t tags[REEF_FLEET_SLOTS];
    static uint32_t next, missing = REEF_FLEET_SLOTS;
    for (; missing; next++) {
        char tag[16];
        uint32_t slot;
        snprintf(tag, sizeof tag, "%x", (unsigned)next);
        slot = reef_fleet_slot(tag);
        if (!tags[slot]) {
            tags[slot] = next + 1;
            missing--;
        }
    }
    return tags;
}

void reef_fleet_key(uint32_t slot, const char *name, char out[REEF_FLEET_KEY])
{
    snprintf(out, REEF_FLEET_KEY, "{%x}%s", (unsigned)move_tags()[slot] - 1, name);
}

/* ---- by hand ------------------------------------------------------------------ */

static void move_set(const reef_fleet *fleet, int node, uint32_t slot,
                     const char *state, int other)
{
    char line[MOVE_LINE];
    snprintf(line, sizeof line, "CLUSTER SETSLOT %u %s %s", (unsigned)slot, state,
             fleet->ids[other]);
    reef_fleet_order(fleet, node, line);
}

void reef_fleet_move_begin(const reef_fleet *fleet, uint32_t slot, int from, int to)
{
    move_set(fleet, to, slot, "IMPORTING", from);
    move_set(fleet, from, slot, "MIGRATING", to);
}

/* Moves these keys, one to a line. */
static uint32_t move_batch(const reef_fleet *fleet, char *keys, int fd, int to)
{
    char port[8], timeout[8];
    const char *args[10 + MOVE_BATCH] = {"MIGRATE", fleet->host, port,     "",
                                         "0",       timeout,     "REPLACE"};
    size_t count = 7, first;
    char *next = keys, *key, *reply;
    snprintf(port, sizeof port, "%u", (unsigned)fleet->nodes[to]->port);
    snprintf(timeout, sizeof timeout, "%d", MOVE_TIMEOUT_MS);
    if (fleet->password[0]) {
        args[count++] = "AUTH";
        args[count++] = fleet->password;
    }
    args[count++] = "KEYS";
    first = count;
    while ((key = strtok_r(next, "\n", &next))) {
        args[count++] = key;
    }
    if (count == first) {
        return 0;
    }
    reply = reef_live_ask_on(fd, args, count, NULL);
    if (strcmp(reply, "OK") && strcmp(reply, "NOKEY")) {
        fail_msg("MIGRATE: %s", reply);
    }
    free(reply);
    return (uint32_t)(count - first);
}

uint32_t reef_fleet_move_keys(const reef_fleet *fleet, uint32_t slot, int from, int to,
                              uint32_t count)
{
    uint32_t moved = 0, got = 1;
    int fd = reef_live_dial(fleet->nodes[from]);
    while (got && (count == 0 || moved < count)) {
        char text[12], batch[12];
        const char *args[] = {"CLUSTER", "GETKEYSINSLOT", text, batch};
        uint32_t wanted =
            count && count - moved < MOVE_BATCH ? count - moved : MOVE_BATCH;
        char *keys;
        snprintf(text, sizeof text, "%u", (unsigned)slot);
        snprintf(batch, sizeof batch, "%u", (unsigned)wanted);
        keys = reef_live_ask_on(fd, args, 4, NULL);
        got = move_batch(fleet, keys, fd, to);
        moved += got;
        free(keys);
    }
    close(fd);
    return moved;
}

/* The new owner first, so that there is never none; all others hear of it by gossip, or
 * at once, where they are masters. */
void reef_fleet_move_end(const reef_fleet *fleet, uint32_t slot, int to)
{
    int from = reef_fleet_master(fleet, slot);
    move_set(fleet, to, slot, "NODE", to);
    if (from >= 0 && from != to) {
        move_set(fleet, from, slot, "NODE", to);
    }
}

void reef_fleet_move(const reef_fleet *fleet, uint32_t count, int from, int to)
{
    int owners[REEF_FLEET_SLOTS];
    reef_fleet_owners(fleet, owners);
    for (uint32_t slot = 0; count && slot < REEF_FLEET_SLOTS; slot++) {
        if (owners[slot] == from) {
            reef_fleet_move_begin(fleet, slot, from, to);
            reef_fleet_move_keys(fleet, slot, from, to, 0);
            move_set(fleet, to, slot, "NODE", to);
            move_set(fleet, from, slot, "NODE", to);
            count--;
        }
    }
    assert_int_equal(count, 0);
}

/* ---- by redis-cli ------------------------------------------------------------- */

/* The program beside the server's: redis-server has redis-cli. */
static void move_program(const reef_live_kind *kind, char out[REEF_NAME_MAX])
{
    const char *end = strstr(kind->binary, "-server");
    assert_non_null(end);
    snprintf(out, REEF_NAME_MAX, "%.*s-cli", (int)(end - kind->binary), kind->binary);
}

static int move_run(char *const argv[], const char *log)
{
    int64_t limit = reef_live_now_ms() + MOVE_RESHARD_MS;
    pid_t pid = reef_live_spawn(argv, log);
    int status = -1;
    while (waitpid(pid, &status, WNOHANG) != pid) {
        if (reef_live_now_ms() > limit) {
            reef_live_finish(&pid, SIGKILL);
            return -1;
        }
        reef_live_nap();
    }
    return status;
}

void reef_fleet_reshard(const reef_fleet *fleet, uint32_t count, int from, int to)
{
    const reef_live_server *asked = fleet->nodes[from];
    char program[REEF_NAME_MAX], place[64], slots[12], log[REEF_LIVE_PATH + 8];
    char password[REEF_NAME_MAX],
        cluster[] = "--cluster", reshard[] = "reshard", sender[] = "--cluster-from",
        receiver[] = "--cluster-to", number[] = "--cluster-slots",
        yes[] = "--cluster-yes", auth[] = "-a", from_id[41], to_id[41];
    char *argv[] = {program,  cluster, reshard,  place,
                    sender,   from_id, receiver, to_id,
                    number,   slots,   yes,      fleet->password[0] ? auth : NULL,
                    password, NULL};
    move_program(&asked->kind, program);
    snprintf(place, sizeof place, "%s:%u", fleet->host, (unsigned)asked->port);
    snprintf(slots, sizeof slots, "%u", (unsigned)count);
    snprintf(log, sizeof log, "%s/log", asked->folder);
    snprintf(password, sizeof password, "%s", fleet->password);
    memcpy(from_id, fleet->ids[from], sizeof from_id);
    memcpy(to_id, fleet->ids[to], sizeof to_id);
    if (move_run(argv, log)) {
        reef_fleet_tell(fleet);
        fail_msg("%s --cluster reshard failed", program);
    }
}
