/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture out of many rosters: which one counts, what is held against it, and that
 * hostile rosters come to nothing worse than a wrong picture. The nodes are those of
 * cli_nodes.h; nobody is asked. */
#include "test/unit/cli_nodes.h"

static cli_census census;

static void read_good(void **state)
{
    (void)state;
    nodes_good();
    nodes_read(&census);
    assert_int_equal(census.count, 6);
    assert_int_equal(census.views, 6);
    assert_int_equal(census.minds, 1);
    assert_int_equal(census.agreeing, 6);
    assert_int_equal(census.masters, 3);
    assert_int_equal(census.replicas, 3);
    assert_int_equal(census.served, REEF_SLOT_COUNT);
    assert_int_equal(census.rivals, 0);
    assert_int_equal(census.moves, 0);
    assert_int_equal(census.epoch, 3);
    assert_string_equal(cli_census_at(&census, census.owners[5461])->id, nodes_id(1));
    assert_int_equal(cli_census_node(&census, nodes_id(2))->slots, 5461);
    assert_null(cli_census_node(&census, "nobody"));
    assert_null(cli_census_at(&census, 0));
    assert_null(cli_census_at(&census, 7));
    const cli_node *replica = cli_census_node(&census, nodes_id(4));
    assert_ptr_equal(cli_census_master(&census, replica),
                     cli_census_node(&census, nodes_id(1)));
    assert_true(cli_census_ready(&census, replica));
    assert_int_equal(cli_census_replicas(&census, &census.nodes[0], true), 1);
}

/* A master, its replicas, the next master; what belongs nowhere comes last. */
static void read_order(void **state)
{
    static const int order[] = {0, 3, 2, 5, 1, 4, 6, 7};
    (void)state;
    nodes_good();
    (void)snprintf(nodes[1].slots, sizeof nodes[1].slots, " 8000-16383");
    (void)snprintf(nodes[2].slots, sizeof nodes[2].slots, " 5461-7999");
    nodes_add(-1, "", 0);
    nodes_add(6, "", 0);
    nodes_read(&census);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(cli_census_at(&census, census.order[i])->id,
                            nodes_id(order[i]));
    assert_int_equal(census.masters, 3);
    assert_int_equal(census.replicas, 4);
}

/* The mind of most counts, also against a higher epoch; of two equal halves the one
 * with the higher epoch. */
static void read_minds(void **state)
{
    (void)state;
    nodes_good();
    nodes[0].roster = nodes_lie(0, "2 connected 5461-10922", "9 connected 5461-10921");
    nodes_read(&census);
    const cli_node *odd = cli_census_node(&census, nodes_id(0));
    assert_int_equal(census.minds, 2);
    assert_int_equal(census.agreeing, 5);
    assert_int_equal(census.served, REEF_SLOT_COUNT);
    assert_int_equal(census.epoch, 3);
    assert_true(odd->odd);
    assert_int_equal(odd->odds.slots, 1);
    assert_int_equal(odd->odds.first, 10922);
    assert_int_equal(odd->odds.last, 10922);
    assert_int_equal(odd->odds.says, 0);
    assert_string_equal(cli_census_at(&census, odd->odds.most)->id, nodes_id(1));
    nodes[1].roster = nodes_lie(1, "0 0 1 connected 0-5460", "0 0 9 connected 0-5460");
    for (int i = 2; i < 6; i++)
        nodes_mute(i, REEF_CONNECT, "refused");
    nodes[0].roster = NULL;
    nodes_read(&census);
    assert_int_equal(census.agreeing, 1);
    assert_int_equal(census.epoch, 9);
    odd = cli_census_node(&census, nodes_id(0));
    assert_true(odd->odd);
    assert_int_equal(odd->odds.slots, 0);
    assert_string_equal(cli_census_at(&census, odd->odds.newer)->id, nodes_id(0));
    assert_int_equal(odd->odds.says_epoch, 1);
    assert_int_equal(odd->odds.most_epoch, 9);
}

/* Two that claim a slot for themselves, and slots on the move. */
static void read_claims(void **state)
{
    (void)state;
    nodes_good();
    nodes[2].roster = nodes_lie(2, "10923-16383", "10900-16383");
    nodes[0].moving = " [7->-"
                      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                      "]"
                      " [8->-"
                      "9999999999999999999999999999999999999999"
                      "]";
    nodes[1].moving = " [7-<-"
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                      "]";
    nodes[3].moving = nodes[0].moving; /* as replicas of newer servers do */
    nodes_read(&census);
    assert_int_equal(census.rivals, 23);
    assert_int_equal(census.others[10899], 0);
    assert_string_equal(cli_census_at(&census, census.claims[10900])->id, nodes_id(1));
    assert_string_equal(cli_census_at(&census, census.others[10900])->id, nodes_id(2));
    assert_int_equal(census.moves, 2);
    const cli_moving *m = &census.moving[7];
    assert_true(m->giver != 0 && m->giver == m->taker_from);
    assert_true(m->taker != 0 && m->taker == m->giver_to);
    m = &census.moving[8];
    assert_true(m->giver != 0 && m->giver_to == 0 && m->taker == 0);
}

/* What the others say of one counts, not what one says of the others. */
static void read_failed(void **state)
{
    (void)state;
    nodes_good();
    nodes[0].flags = ",fail";
    nodes_mute(0, REEF_CONNECT, "refused");
    nodes[1].roster = nodes_lie(1, ",fail -", " -");
    nodes_read(&census);
    const cli_node *node = cli_census_node(&census, nodes_id(0));
    assert_int_equal(census.views, 5);
    assert_int_equal(node->fails, 4);
    assert_true(cli_census_failed(&census, node));
    assert_false(cli_census_suspected(&census, node));
    assert_true(cli_census_ready(&census, cli_census_node(&census, nodes_id(3))));
    nodes[0].flags = ",fail?";
    nodes[1].roster = NULL;
    nodes_read(&census);
    node = cli_census_node(&census, nodes_id(0));
    assert_int_equal(node->suspects, 5);
    assert_false(cli_census_failed(&census, node));
    assert_true(cli_census_suspected(&census, node));
    for (int i = 0; i < NODES; i++)
        nodes_mute(i, REEF_CONNECT, "refused");
    nodes_read(&census);
    assert_int_equal(census.views, 0);
    assert_int_equal(census.served, 0);
    assert_false(cli_census_failed(&census, cli_census_node(&census, nodes_id(0))));
}

/* One that finds most of the others lost has no say, as long as it is alone with
 * that. */
static void read_cut_off(void **state)
{
    (void)state;
    nodes_good();
    for (int i = 1; i < NODES; i++)
        nodes[i].flags = ",fail?";
    for (int i = 1; i < NODES; i++)
        nodes[i].roster = nodes_truth(i, "");
    nodes_read(&census);
    assert_true(cli_census_node(&census, nodes_id(0))->cut_off);
    assert_int_equal(census.voices, 5);
    for (int i = 0; i < NODES; i++) {
        const cli_node *node = cli_census_node(&census, nodes_id(i));
        assert_int_equal(node->suspects, 0);
        assert_int_equal(node->known, 5);
        assert_int_equal(cli_census_voices(&census, node), i == 0 ? 5 : 4);
    }
    for (int i = 1; i < 4; i++)
        nodes[i].roster = NULL;
    nodes_read(&census);
    assert_int_equal(census.voices, 6);
    assert_false(cli_census_node(&census, nodes_id(0))->cut_off);
    assert_int_equal(cli_census_node(&census, nodes_id(5))->suspects, 4);
}

static void read_infos(void **state)
{
    (void)state;
    uint64_t behind = 0;
    nodes_good();
    nodes_read(&census);
    cli_node *replica = cli_census_node(&census, nodes_id(3));
    cli_node *master = cli_census_node(&census, nodes_id(0));
    assert_false(cli_census_behind(&census, replica, &behind));
    cli_census_info(master,
                    reef_str_of("redis_version:7.0.15\r\nrole:master\r\n"
                                "maxmemory:5\r\nmaxmemory_policy:allkeys-lru\r\n"
                                "master_repl_offset:900\r\n"));
    cli_census_info(replica,
                    reef_str_of("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n"
                                "role:slave\r\nmaster_link_status:up\r\n"
                                "master_repl_offset:1\r\nmaxmemory:5\r\n"
                                "maxmemory_policy:noeviction\r\n"
                                "slave_repl_offset:880\r\n"));
    assert_true(cli_census_behind(&census, replica, &behind));
    assert_int_equal(behind, 20);
    assert_true(master->evicts && !replica->evicts);
    assert_string_equal(master->version, "7.0.15");
    assert_string_equal(replica->version, "8.0.1");
    assert_true(cli_census_ready(&census, replica));
    cli_census_info(replica, reef_str_of("role:slave\r\nmaster_link_status:down\r\n"
                                         "master_sync_in_progress:1\r\n"));
    assert_true(replica->copying && !replica->link_up);
    assert_false(cli_census_ready(&census, replica));
    cli_census_state(master, reef_str_of("cluster_state:fail\r\n"));
    assert_true(master->has_state && master->down);
    cli_census_state(master, reef_str_of("cluster_state:ok\r\n"));
    assert_false(master->down);
    cli_census_state(master, reef_str_of("x:y\r\n"));
    assert_false(master->has_state);
}

/* A node of another id, a roster without its own line, thousands of nodes, the same
 * slots again and again: all of it ends, and no number is past its end. */
static void read_hostile(void **state)
{
    (void)state;
    static char text[1 << 20];
    size_t len = 0;
    nodes_good();
    nodes[0].roster = "";
    nodes[1].roster = "x y z\n\n\n - - -\n";
    nodes_read(&census);
    assert_int_equal(census.views, 6);
    assert_int_equal(census.agreeing, 4);
    assert_true(cli_census_node(&census, nodes_id(0))->odd);
    for (unsigned i = 0; i < 3000; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%040x 10.1.0.1:%u@1 master - 0 0 %u connected "
                                "0-16383 0-16383 %u\n",
                                i, i % 60000 + 1, i, i);
    reef_member member;
    cli_view view = {.member = &member, .text = reef_str_of(text)};
    nodes_member(0, &member);
    memset(&census, 0, sizeof census);
    cli_census_read(&census, &view, 1);
    assert_int_equal(census.count, REEF_NODES_MAX);
    assert_true(census.dropped >= 2001);
    assert_int_equal(census.served, REEF_SLOT_COUNT);
    for (size_t i = 0; i < REEF_SLOT_COUNT; i++)
        assert_true(census.owners[i] <= REEF_NODES_MAX);
}

static void read_runs(void **state)
{
    (void)state;
    static cli_node_number map[REEF_SLOT_COUNT];
    assert_int_equal(cli_census_run(map, 0), REEF_SLOT_COUNT - 1);
    map[REEF_SLOT_COUNT - 1] = 1;
    assert_int_equal(cli_census_run(map, 0), REEF_SLOT_COUNT - 2);
    assert_int_equal(cli_census_run(map, REEF_SLOT_COUNT - 1), REEF_SLOT_COUNT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_good),    cmocka_unit_test(read_order),
        cmocka_unit_test(read_minds),   cmocka_unit_test(read_claims),
        cmocka_unit_test(read_failed),  cmocka_unit_test(read_infos),
        cmocka_unit_test(read_cut_off), cmocka_unit_test(read_hostile),
        cmocka_unit_test(read_runs),
    };
    return cmocka_run_group_tests_name("cli_census_read", tests, NULL, NULL);
}
