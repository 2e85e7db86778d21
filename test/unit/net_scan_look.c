/* SPDX-License-Identifier: Apache-2.0
 *
 * net/scan_look.c: many masters in portions; whose answer is late, refused or not yet
 * to be had; and what the end of a call cuts off. */
#include "test/unit/scan_kit.h"

#include "test/unit/says_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { LOOK_NODES = 2 * REEF_SCAN_WIDTH + 5, LOOK_MS = 100000 };

int64_t __wrap_reef_now_ms(void);
void __wrap_reef_client_flow(reef_client *, reef_lane *, const reef_flow *);

static size_t look_asked[LOOK_NODES]; /* how often each was */
static size_t look_flows;
static size_t look_odd;       /* this one answers otherwise: … */
static const char *look_with; /* with this; NULL: not at all */
static size_t look_slots;     /* CLUSTER SLOTS that were asked for */

int64_t __wrap_reef_now_ms(void)
{
    return kit.now_ms;
}

static void look_id(size_t node, char out[REEF_NODE_ID + 1])
{
    snprintf(out, REEF_NODE_ID + 1, "%040zx", node + 1);
}

static reef_reply *look_roster(size_t node)
{
    char id[REEF_NODE_ID + 1], line[256], text[512];
    look_id(node, id);
    snprintf(line, sizeof line,
             "%s 127.0.0.1:7000@17000 myself,master - 0 0 1 connected %zu\n", id, node);
    snprintf(text, sizeof text, "$%zu\r\n%s\r\n", strlen(line), line);
    return raw(2, text);
}

static reef_reply *look_ranges(size_t node)
{
    char id[REEF_NODE_ID + 1], text[512];
    look_id(node, id);
    snprintf(text, sizeof text,
             "*1\r\n*3\r\n:%zu\r\n:%zu\r\n*3\r\n$3\r\n::1\r\n:7000\r\n$40\r\n%s\r\n",
             node, node, id);
    return raw(2, text);
}

void __wrap_reef_client_flow(reef_client *client, reef_lane *lane,
                             const reef_flow *flow)
{
    (void)client;
    (void)lane;
    look_flows++;
    assert_true(flow->count <= REEF_SCAN_WIDTH);
    for (size_t i = 0; i < flow->count; i++) {
        size_t node = strtoul(flow->node_ids[i], NULL, 16) - 1;
        bool slots = reef_str_is(reef_cmd_at(flow->cmds[i], 1), "SLOTS");
        look_asked[node]++;
        look_slots += slots;
        if (node == look_odd && look_with == NULL) {
            flow->replies[i] = reef_reply_failed(REEF_UNSENT, "it is silent");
            kit.now_ms = flow->deadline_ms;
        } else if (node == look_odd && !slots) {
            flow->replies[i] = raw(2, look_with);
        } else {
            flow->replies[i] = slots ? look_ranges(node) : look_roster(node);
        }
    }
}

static reef_scan *look_begin(size_t odd, const char *with)
{
    reef_error error;
    memset(look_asked, 0, sizeof look_asked);
    look_flows = look_slots = 0;
    look_odd = odd;
    look_with = with;
    kit_begin(1);
    reef_scan *scan = reef_scan_new(NULL, NULL, &error);
    assert_non_null(scan);
    scan->cover = reef_cover_new();
    reef_cover_begin(scan->cover);
    for (size_t i = 0; i < LOOK_NODES; i++) {
        char id[REEF_NODE_ID + 1];
        look_id(i, id);
        assert_true(reef_scan_ids_add(&scan->asks, id));
    }
    return scan;
}

/* All portions; how many masters can be walked afterwards. */
static size_t look_whole(reef_scan *scan, size_t portions)
{
    reef_error error;
    bool mends;
    size_t at = 0, count = 0;
    for (size_t i = 0; i < portions; i++)
        assert_int_equal(reef_scan_ask(scan, kit.now_ms + LOOK_MS, &error, &mends),
                         REEF_OK);
    assert_int_equal(scan->asked, LOOK_NODES);
    reef_cover_end(scan->cover);
    while (reef_cover_next(scan->cover, &at) != NULL)
        count++;
    return count;
}

static void all_are_asked_in_portions(void **state)
{
    (void)state;
    reef_scan *scan = look_begin(LOOK_NODES, NULL);
    assert_int_equal(look_whole(scan, 3), LOOK_NODES);
    assert_int_equal(look_flows, 3);
    for (size_t i = 0; i < LOOK_NODES; i++)
        assert_int_equal(look_asked[i], 1);
    assert_int_equal(scan->patience_ms, REEF_SCAN_PATIENCE_MS);
    reef_scan_free(scan);
}

static void one_that_is_silent_is_left_out_in_time(void **state)
{
    (void)state;
    reef_scan *scan = look_begin(40, NULL);
    int64_t begin_ms = kit.now_ms;
    assert_int_equal(look_whole(scan, 3), LOOK_NODES - 1);
    assert_int_equal(kit.now_ms, begin_ms + REEF_SCAN_PATIENCE_MS);
    assert_int_equal(scan->patience_ms, 2 * REEF_SCAN_PATIENCE_MS);
    assert_string_equal(scan->trouble.text, "it is silent");
    for (int i = 0; i < 20; i++)
        reef_scan_impatient(scan);
    assert_true(scan->patience_ms <= 2 * REEF_SCAN_PATIENCE_MAX_MS);
    reef_scan_free(scan);
}

static void what_the_end_of_a_call_cuts_off_is_asked_again(void **state)
{
    reef_error error;
    bool mends = false;
    (void)state;
    reef_scan *scan = look_begin(3, NULL);
    assert_int_equal(reef_scan_ask(scan, kit.now_ms + 10, &error, &mends), REEF_UNSENT);
    assert_true(mends);
    assert_int_equal(scan->asked, 0);
    assert_int_equal(scan->patience_ms, REEF_SCAN_PATIENCE_MS);
    look_odd = LOOK_NODES;
    assert_int_equal(look_whole(scan, 3), LOOK_NODES);
    reef_scan_free(scan);
}

static void whose_roster_is_refused_is_asked_for_the_slots(void **state)
{
    (void)state;
    reef_scan *scan = look_begin(LOOK_NODES - 1, "-NOPERM no permission\r\n");
    assert_int_equal(look_whole(scan, 4), LOOK_NODES);
    assert_int_equal(look_slots, 5);
    reef_scan_free(scan);
    scan = look_begin(0, "-ERR Unknown subcommand\r\n");
    assert_int_equal(look_whole(scan, 4), LOOK_NODES);
    assert_int_equal(look_slots, LOOK_NODES);
    reef_scan_free(scan);
}

static void what_time_mends_is_left_out_and_no_refusal(void **state)
{
    (void)state;
    reef_scan *scan = look_begin(1, "-LOADING the data\r\n");
    assert_int_equal(look_whole(scan, 3), LOOK_NODES - 1);
    assert_int_equal(look_slots, 0);
    reef_scan_free(scan);
    scan = look_begin(1, "$5\r\nhello\r\n"); /* and so is what is no roster */
    assert_int_equal(look_whole(scan, 3), LOOK_NODES - 1);
    reef_scan_free(scan);
}

static void slots_that_are_none_end_it(void **state)
{
    reef_error error;
    bool mends = true;
    (void)state;
    reef_scan *scan = look_begin(LOOK_NODES, NULL);
    scan->by_slots = true;
    assert_int_equal(reef_scan_ask(scan, kit.now_ms + LOOK_MS, &error, &mends),
                     REEF_OK);
    scan->asked = 0;
    reef_cmd_begin(scan->slots, "CLUSTER");
    reef_cmd_text(scan->slots, "NODES"); /* so that a text answers it */
    assert_int_equal(reef_scan_ask(scan, kit.now_ms + LOOK_MS, &error, &mends),
                     REEF_PROTOCOL);
    assert_false(mends);
    reef_scan_free(scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_asked_in_portions),
        cmocka_unit_test(one_that_is_silent_is_left_out_in_time),
        cmocka_unit_test(what_the_end_of_a_call_cuts_off_is_asked_again),
        cmocka_unit_test(whose_roster_is_refused_is_asked_for_the_slots),
        cmocka_unit_test(what_time_mends_is_left_out_and_no_refusal),
        cmocka_unit_test(slots_that_are_none_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
