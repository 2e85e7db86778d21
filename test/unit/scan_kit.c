/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan_kit.h. */
#include "test/unit/scan_kit.h"

#include "test/unit/says_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KIT_TEXT = 2 * WORLD_TEXT };

scan_kit kit;

void kit_begin(uint64_t seed)
{
    memset(&kit, 0, sizeof kit);
    kit.now_ms = 1000000;
    world_begin(&kit.w, seed);
}

reef_answers *kit_meet(reef_error *error)
{
    if (kit.no_members) {
        reef_client_fail(error, REEF_CONNECT, "nobody is there");
        return NULL;
    }
    int teller = (int)world_below(&kit.w, WORLD_NODES);
    reef_answers *found =
        calloc(1, sizeof *found + WORLD_NODES * sizeof(struct reef_answer));
    assert_non_null(found);
    found->count = WORLD_NODES;
    for (int i = 0; i < WORLD_NODES; i++) {
        reef_member *member = &found->items[i].member;
        snprintf(member->id, sizeof member->id, "%s", kit.w.nodes[i].id);
        member->master = world_lists(&kit.w, teller, i);
        member->slots = member->master;
    }
    reef_client_fail(error, REEF_OK, "");
    return found;
}

/* ---- answers ------------------------------------------------------------------ */

static bool kit_is(const reef_cmd *cmd, const char *name)
{
    return reef_str_is(reef_cmd_at(cmd, 0), name);
}

static uint32_t kit_page_number(const reef_cmd *cmd)
{
    char text[24];
    reef_str word = reef_cmd_at(cmd, 1);
    snprintf(text, sizeof text, "%.*s", (int)word.len, word.ptr);
    return (uint32_t)strtoul(text, NULL, 10);
}

/* One key in ten of an earlier page comes again. */
static size_t kit_page(const reef_cmd *cmd, int node, char *out, size_t cap)
{
    static char keys[WORLD_TEXT];
    uint32_t page = kit_page_number(cmd);
    size_t count = 0, len = 0;
    for (int key = 0; key < WORLD_KEYS; key++) {
        bool again = page > 0 && world_below(&kit.w, 10) == 0 &&
                     world_shows(&kit.w, node, page - 1, key);
        if (!again && !world_shows(&kit.w, node, page, key))
            continue;
        len +=
            (size_t)snprintf(keys + len, sizeof keys - len, "$7\r\nkey:%03d\r\n", key);
        count++;
    }
    keys[len] = '\0';
    return (size_t)snprintf(out, cap, "*2\r\n$1\r\n%u\r\n*%zu\r\n%s",
                            (page + 1) % WORLD_BUCKETS, count, keys);
}

static size_t kit_info(int node, char *out, size_t cap)
{
    return (size_t)snprintf(out, cap, "$27\r\n# Server\r\nrun_id:%08x\r\n\r\n",
                            kit.w.nodes[node].process);
}

static reef_reply *kit_roster(int node)
{
    static char roster[WORLD_TEXT], text[KIT_TEXT];
    if (kit.no_roster)
        return raw(2, "-NOPERM this user has no permissions\r\n");
    assert_true(world_says(&kit.w, node, roster));
    snprintf(text, sizeof text, "$%zu\r\n%s\r\n", strlen(roster), roster);
    return raw(2, text);
}

/* CLUSTER SLOTS, made of what the node's CLUSTER NODES would be. */
static reef_reply *kit_slots(int node)
{
    static char roster[WORLD_TEXT], ranges[KIT_TEXT], text[2 * KIT_TEXT];
    reef_roster_row row;
    reef_roster_span span;
    size_t count = 0, len = 0;
    if (kit.no_slots)
        return raw(2, "-NOPERM this user has no permissions\r\n");
    assert_true(world_says(&kit.w, node, roster));
    reef_str rest = reef_str_of(roster);
    while (reef_roster_next(&rest, &row)) {
        while (row.master && reef_roster_span_next(&row.slots, &span)) {
            if (span.kind != REEF_SPAN_OWNED)
                continue;
            len += (size_t)snprintf(
                ranges + len, sizeof ranges - len,
                "*3\r\n:%u\r\n:%u\r\n*3\r\n$9\r\n127.0.0.1\r\n:7000\r\n$40\r\n%s\r\n",
                span.first, span.last, row.id);
            count++;
        }
    }
    snprintf(text, sizeof text, "*%zu\r\n%s", count, ranges);
    return raw(2, text);
}

static bool kit_whole(const reef_flow *flow, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (reef_cmd_code(flow->cmds[at + i]) != REEF_OK)
            return false;
    return true;
}

/* ---- flows -------------------------------------------------------------------- */

/* A group of MULTI, SCAN, INFO and EXEC. */
static void kit_group(const reef_flow *flow, size_t at, int node)
{
    static char page[KIT_TEXT], info[64], text[2 * KIT_TEXT];
    assert_true(at + 3 < flow->count && kit_is(flow->cmds[at + 1], "SCAN") &&
                kit_is(flow->cmds[at + 2], "INFO") &&
                kit_is(flow->cmds[at + 3], "EXEC"));
    kit_page(flow->cmds[at + 1], node, page, sizeof page);
    kit_info(node, info, sizeof info);
    snprintf(text, sizeof text, "*2\r\n%s%s", page, info);
    flow->replies[at] = raw(2, "+OK\r\n");
    flow->replies[at + 1] = raw(2, "+QUEUED\r\n");
    flow->replies[at + 2] = raw(2, "+QUEUED\r\n");
    flow->replies[at + 3] = raw(2, text);
}

static size_t kit_answer(const reef_flow *flow, size_t at)
{
    const reef_cmd *cmd = flow->cmds[at];
    int node = world_find(&kit.w, flow->node_ids[at]);
    size_t count = kit_is(cmd, "MULTI") ? 4 : 1;
    assert_true(node >= 0);
    if (!kit_whole(flow, at, count)) {
        for (size_t i = 0; i < count; i++)
            flow->replies[at + i] = reef_reply_failed(REEF_NOMEM, "out of memory");
    } else if (!kit.w.nodes[node].up || kit.silent_all) {
        for (size_t i = 0; i < count; i++)
            flow->replies[at + i] = reef_reply_failed(REEF_UNSENT, "it is down");
        kit.now_ms = flow->deadline_ms > kit.now_ms ? flow->deadline_ms : kit.now_ms;
    } else if (count == 4) {
        kit_group(flow, at, node);
    } else if (reef_str_is(reef_cmd_at(cmd, 1), "NODES")) {
        flow->replies[at] = kit_roster(node);
    } else {
        assert_true(reef_str_is(reef_cmd_at(cmd, 1), "SLOTS"));
        flow->replies[at] = kit_slots(node);
    }
    return count;
}

void kit_flow(const reef_flow *flow)
{
    kit.now_ms++;
    if (++kit.flows == kit.calm_after) {
        world_calm(&kit.w);
        kit.stir = 0;
    }
    for (size_t at = 0; at < flow->count;) {
        while (world_below(&kit.w, 100) < kit.stir)
            world_event(&kit.w);
        at += kit_answer(flow, at);
    }
}
