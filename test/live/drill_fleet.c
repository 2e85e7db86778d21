/* SPDX-License-Identifier: Apache-2.0
 *
 * Fail-over drills: whole ones of a fleet. See drill.h. */
#include "test/live/drill.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    FLEET_TRIES = 6,
    FLEET_LATE_US = 4000000, /* what takes longer uses up the time that calls have */
    FLEET_ROUNDS = 20 /* of each thread, before the blow, after it, and at the end */
};

const char *reef_fleet_blow_name(reef_fleet_blow blow)
{
    switch (blow) {
    case REEF_FLEET_KILL:
        return "kill -9";
    case REEF_FLEET_STOP:
        return "SIGSTOP";
    case REEF_FLEET_PLAN:
        return "CLUSTER FAILOVER";
    case REEF_FLEET_FORCED:
        return "FAILOVER FORCE";
    case REEF_FLEET_TAKEN:
        return "FAILOVER TAKEOVER";
    case REEF_FLEET_RESHARD:
        return "reshard";
    }
    return "";
}

/* ---- who is struck ------------------------------------------------------------ */

typedef struct fleet_target {
    int master, replica, other;   /* who is struck, who follows, who gets slots */
    bool slots[REEF_FLEET_SLOTS]; /* of the master */
} fleet_target;

/* By turns, so that slots go round. */
static void fleet_aim(const reef_fleet *fleet, fleet_target *out)
{
    static int owners[REEF_FLEET_SLOTS];
    static unsigned turn;
    int masters[REEF_FLEET_MAX];
    unsigned count = 0;
    for (int i = 0; i < fleet->count; i++) {
        if (fleet->member[i] && reef_fleet_slots(fleet, i, NULL)) {
            masters[count++] = i;
        }
    }
    assert_true(count > 1);
    out->master = masters[turn % count];
    out->other = masters[(turn + 1) % count];
    out->replica = reef_fleet_replica(fleet, out->master);
    turn++;
    reef_fleet_owners(fleet, owners);
    for (uint32_t i = 0; i < REEF_FLEET_SLOTS; i++) {
        out->slots[i] = owners[i] == out->master;
    }
}

static void fleet_strike(reef_fleet *fleet, reef_fleet_blow blow, uint32_t slots,
                         const fleet_target *at)
{
    switch (blow) {
    case REEF_FLEET_KILL:
        reef_fleet_kill(fleet, at->master);
        break;
    case REEF_FLEET_STOP:
        reef_fleet_freeze(fleet, at->master);
        break;
    case REEF_FLEET_PLAN:
        reef_fleet_failover(fleet, at->replica, "");
        break;
    case REEF_FLEET_FORCED:
        reef_fleet_failover(fleet, at->replica, "FORCE");
        break;
    case REEF_FLEET_TAKEN:
        reef_fleet_failover(fleet, at->replica, "TAKEOVER");
        break;
    case REEF_FLEET_RESHARD:
        reef_fleet_reshard(fleet, slots, at->master, at->other);
        break;
    }
}

static void fleet_bring_back(reef_fleet *fleet, reef_fleet_blow blow, int master)
{
    switch (blow) {
    case REEF_FLEET_KILL:
        reef_fleet_again(fleet, master);
        break;
    case REEF_FLEET_STOP:
        reef_fleet_thaw(fleet, master);
        break;
    case REEF_FLEET_PLAN:
    case REEF_FLEET_FORCED:
    case REEF_FLEET_TAKEN:
    case REEF_FLEET_RESHARD:
        break;
    }
}

/* ---- one drill ---------------------------------------------------------------- */

static void fleet_finish(const reef_fleet *fleet, reef_drill *drill,
                         reef_drill_report *out)
{
    reef_live_server *masters[REEF_FLEET_MAX];
    size_t count = 0;
    for (int i = 0; i < fleet->count; i++) {
        if (fleet->member[i] && reef_fleet_slots(fleet, i, NULL)) {
            masters[count++] = fleet->nodes[i];
        }
    }
    reef_drill_end(drill, masters, count, out);
}

/* Waits for the replica's first write, and for the threads to go on. */
static int64_t fleet_watch(reef_drill *drill, reef_live_watch *watch)
{
    int64_t at_us = 0;
    reef_live_watch_wait(watch, &at_us);
    reef_drill_progress(drill, FLEET_ROUNDS);
    reef_drill_watch(drill, NULL);
    return at_us;
}

static void fleet_once(reef_fleet *fleet, reef_client *client, reef_fleet_blow blow,
                       unsigned threads, uint32_t slots, reef_drill_report *out)
{
    static fleet_target at;
    unsigned number = (unsigned)(reef_live_now_ms() % 1000000);
    bool moves = blow == REEF_FLEET_RESHARD;
    reef_live_watch *watch;
    reef_drill *drill;
    int64_t begin_us, at_us = 0;
    reef_fleet_settle(fleet);
    fleet_aim(fleet, &at);
    reef_fleet_rest(fleet, at.replica);
    drill = reef_drill_begin(client, threads, number);
    reef_drill_progress(drill, FLEET_ROUNDS);
    watch = moves ? NULL : reef_fleet_watch_begin(fleet, at.master);
    reef_drill_aim(drill, at.slots);
    reef_drill_watch(drill, watch);
    begin_us = reef_live_now_us();
    fleet_strike(fleet, blow, slots, &at);
    at_us = moves ? reef_live_now_us() : fleet_watch(drill, watch);
    fleet_bring_back(fleet, blow, at.master);
    reef_fleet_settle(fleet);
    reef_drill_progress(drill, FLEET_ROUNDS);
    fleet_finish(fleet, drill, out);
    if (watch) {
        reef_live_watch_free(watch);
    }
    out->writable_us = at_us - begin_us;
    out->first_us = moves ? 0 : out->first_us ? out->first_us - at_us : -1;
}

/* What nodes did for the machine's slowness proves nothing about the client. */
void reef_drill_fleet(reef_fleet *fleet, reef_client *client, reef_fleet_blow blow,
                      unsigned threads, uint32_t slots, reef_drill_report *out)
{
    bool moves = blow == REEF_FLEET_RESHARD;
    for (int i = 0; i < FLEET_TRIES; i++) {
        unsigned before = reef_fleet_promoted(fleet), promoted;
        fleet_once(fleet, client, blow, threads, slots, out);
        promoted = reef_fleet_promoted(fleet) - before;
        if (promoted == !moves && (moves || out->writable_us < FLEET_LATE_US)) {
            return;
        }
        assert_int_equal(out->wrong, 0);
        assert_int_equal(out->twice, 0);
        print_message("    %s: %u replicas were promoted, after %" PRId64
                      " ms: once more\n",
                      reef_fleet_blow_name(blow), promoted, out->writable_us / 1000);
    }
    fail_msg("%s: the machine is too slow", reef_fleet_blow_name(blow));
}
