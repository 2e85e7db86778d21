/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan.h. Each master is asked for itself; whose answer does not come in time is
 * left out of the look. What the end of a call cuts off is asked again by the next
 * call. */
#include "net/scan.h"
#include "net/shape.h"
#include <stdlib.h>
#include <string.h>

bool reef_scan_ids_add(reef_scan_ids *ids, const char *id)
{
    if (ids->count == ids->cap) {
        size_t cap = ids->cap > 0 ? ids->cap * 2 : 8;
        void *grown = realloc(ids->ids, cap * sizeof *ids->ids);
        if (grown == NULL)
            return false;
        ids->ids = grown;
        ids->cap = cap;
    }
    size_t len = strlen(id);
    len = len < REEF_NODE_ID ? len : REEF_NODE_ID;
    memcpy(ids->ids[ids->count], id, len);
    ids->ids[ids->count][len] = '\0';
    ids->count++;
    return true;
}

static bool look_refused(const reef_reply *reply)
{
    return reef_reply_code(reply) == REEF_REFUSED && !reef_scan_may_mend(reply);
}

/* CLUSTER SLOTS, as the node of that id says it. */
static reef_code look_slots(reef_scan *scan, const char *id, const reef_reply *reply,
                            reef_error *error)
{
    reef_shape_walk walk;
    reef_shape_item item;
    reef_code code = reef_shape_check(reply);
    if (code != REEF_OK)
        return reef_client_fail(error, code,
                                "the answer to CLUSTER SLOTS can't be read");
    reef_shape_begin(&walk, reply);
    while (reef_shape_next(&walk, &item)) {
        if (item.position == 0 && item.id[0] != '\0' &&
            !reef_cover_told(scan->cover, id, item.id, item.first, item.last))
            return reef_client_fail(error, REEF_LIMIT,
                                    "the Cluster has too many nodes");
    }
    return REEF_OK;
}

static reef_code look_hear(reef_scan *scan, const char *id, const reef_reply *reply,
                           reef_error *error)
{
    if (scan->by_slots)
        return look_slots(scan, id, reply, error);
    reef_str roster = reef_text(reply, reef_reply_root(reply));
    /* A node that has just become another one is asked again at the next look. */
    (void)reef_cover_heard(scan->cover, id, roster);
    return REEF_OK;
}

typedef struct look_step {
    size_t count;
    const reef_cmd *cmds[REEF_SCAN_WIDTH];
    const char *ids[REEF_SCAN_WIDTH];
    reef_reply *replies[REEF_SCAN_WIDTH];
} look_step;

/* What came; `*late` says that something did not. */
static reef_code look_read(reef_scan *scan, const look_step *step, reef_error *error,
                           bool *late)
{
    *late = false;
    for (size_t i = 0; i < step->count; i++) {
        reef_code code = reef_client_explain(step->replies[i], error);
        if (code != REEF_OK && reef_scan_may_mend(step->replies[i])) {
            scan->trouble = *error;
            *late = true;
            continue;
        }
        if (code == REEF_OK)
            code = look_hear(scan, step->ids[i], step->replies[i], error);
        if (code != REEF_OK)
            return code;
    }
    return REEF_OK;
}

/* Who was late is left out, unless it is the call's end that came too early. */
static reef_code look_count(reef_scan *scan, const look_step *step, reef_over over,
                            reef_error *error)
{
    if (over == REEF_OVER_CALL) {
        *error = scan->trouble;
        return error->code;
    }
    if (over == REEF_OVER_PATIENCE)
        reef_scan_impatient(scan);
    scan->asked += step->count;
    return REEF_OK;
}

static bool look_turned_away(const look_step *step)
{
    for (size_t i = 0; i < step->count; i++)
        if (look_refused(step->replies[i]))
            return true;
    return false;
}

static void look_put(const reef_scan *scan, look_step *step)
{
    size_t left = scan->asks.count - scan->asked;
    step->count = left < REEF_SCAN_WIDTH ? left : REEF_SCAN_WIDTH;
    for (size_t i = 0; i < step->count; i++) {
        step->cmds[i] = scan->by_slots ? scan->slots : scan->nodes;
        step->ids[i] = scan->asks.ids[scan->asked + i];
    }
}

reef_code reef_scan_ask(reef_scan *scan, int64_t deadline_ms, reef_error *error,
                        bool *mends)
{
    look_step step;
    reef_term term = reef_scan_term(scan, deadline_ms);
    bool late = false;
    *mends = false;
    look_put(scan, &step);
    const reef_flow flow = {.cmds = step.cmds,
                            .node_ids = step.ids,
                            .count = step.count,
                            .deadline_ms = term.until_ms,
                            .replies = step.replies};
    reef_client_flow(scan->client, scan->lane, &flow);
    reef_code code = REEF_OK;
    if (look_turned_away(&step) && !scan->by_slots) {
        scan->by_slots = true; /* and the same nodes are asked for that */
    } else {
        code = look_read(scan, &step, error, &late);
        if (code == REEF_OK) {
            *mends = true;
            code = look_count(scan, &step, late ? reef_scan_over(&term) : REEF_OVER_NOT,
                              error);
        }
    }
    for (size_t i = 0; i < step.count; i++)
        reef_reply_free(step.replies[i]);
    return code;
}
