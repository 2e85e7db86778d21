/* SPDX-License-Identifier: Apache-2.0
 *
 * A census on paper: the table, its words, and the JSON form. */
#include "test/unit/cli_look.h"
#include "test/unit/cli_nodes.h"

static cli_census census;
static cli_check check;

static int show_run(cli_context *ctx)
{
    memset(&check, 0, sizeof check);
    check.ctx = ctx;
    check.census = &census;
    if (!cli_has(ctx, CLI_OPT_JSON)) {
        cli_census_show(&check);
        return CLI_DONE;
    }
    fputs("{\"cluster\":", stdout);
    cli_census_json(&census);
    fputs("}\n", stdout);
    return CLI_DONE;
}

static void shows(cap *c)
{
    nodes_take(&census);
    cap_run(c, show_run);
}

static void shows_json(cap *c)
{
    cap_set(c, CLI_OPT_JSON, "");
    shows(c);
    look_is_json(c->out);
    cap_set(c, CLI_OPT_JSON, NULL);
}

static void show_good(void **state)
{
    cap *c = *state;
    nodes_good();
    nodes[3].offset = 100;
    nodes[4].offset = 5000 - 20480;
    nodes[4].offset = 0;
    nodes[1].offset = 20480;
    nodes[5].link = "down";
    shows(c);
    assert_string_equal(
        c->out,
        "cluster   3 masters and 3 replicas; 16384 of 16384 slots are served; 300 "
        "keys; "
        "epoch 3\n"
        "answers   6 of 6 nodes answer; 6 of these are of one mind\n"
        "nodes     address          role     slots            keys  epoch  state\n"
        "          10.0.0.1:7000    master   0-5460            100      1  online\n"
        "            10.0.0.4:7000  replica                    100         online, "
        "4900 "
        "bytes behind\n"
        "          10.0.0.2:7000    master   5461-10922        100      2  online\n"
        "            10.0.0.5:7000  replica                    100         online, 20 "
        "KiB "
        "behind\n"
        "          10.0.0.3:7000    master   10923-16383       100      3  online\n"
        "            10.0.0.6:7000  replica                    100         has lost "
        "its "
        "master\n");
}

/* What can be wrong with a node, in its line. */
static void show_states(void **state)
{
    cap *c = *state;
    nodes_good();
    (void)snprintf(nodes[0].slots, 256, " 1 3 5 7 9 11");
    nodes[0].flags = ",fail?";
    nodes_mute(0, REEF_CONNECT, "refused");
    nodes[1].flags = ",fail";
    nodes_mute(1, REEF_CONNECT, "gone");
    nodes[2].state = "fail";
    nodes_mute(3, REEF_REFUSED, "NOPERM no");
    nodes[4].memory = "master_sync_in_progress:1\r\n";
    nodes[5].roster = nodes_lie(5, "10923-16383", "10924-16383");
    shows(c);
    cap_has(c->out, "; 10929 of 16384 slots are served; at least 100 keys; epoch 3\n");
    cap_has(c->out, "answers   3 of 6 nodes answer; 2 of these are of one mind\n");
    cap_has(c->out, "  1, 3, 5, 7 and 2 more ");
    cap_has(c->out, "-      1  no answer: refused; suspected by 3 of 3\n");
    cap_has(c->out, "-      2  failed: gone\n");
    cap_has(c->out, "      3  online; says that the cluster is down\n");
    cap_has(c->out, "  does not tell: NOPERM no\n");
    cap_has(c->out, "  copies its master's data\n");
    cap_has(c->out, "  online; of another mind\n");
    nodes_count = 1;
    shows(c);
    cap_has(c->out, "cluster   unknown: no node tells\n");
}

static void show_json(void **state)
{
    cap *c = *state;
    nodes_good();
    nodes[0].moving = " [7->-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]";
    nodes[2].roster = nodes_lie(2, "10923-16383", "10900-16383");
    nodes_mute(3, REEF_CONNECT, "refused");
    shows_json(c);
    cap_has(c->out,
            "{\"cluster\":{\"masters\":3,\"replicas\":3,\"slots_served\":16384,"
            "\"slots_moving\":1,\"slots_claimed_twice\":23,\"epoch\":3,\"keys\":"
            "300,\"answering\":5,\"minds\":2,\"agreeing\":4,\"gaps\":[],"
            "\"overlaps\":[{\"first\":10900,\"last\":10922,\"nodes\":[\"bbbb");
    cap_has(c->out, "cc\"]}],\"moving\":[{\"slot\":7,\"migrating\":true,\"importing\":"
                    "false,\"from\":\"aaaa");
    cap_has(c->out, "bb\"}],\"nodes\":[{\"id\":\"aaaa");
    cap_has(c->out,
            "\",\"peer\":\"10.0.0.1:7000\",\"role\":\"master\",\"version\":"
            "\"7.0.15\",\"asked\":true,\"answers\":true,\"why\":null,\"failed\":false,"
            "\"failed_by\":0,\"suspected_by\":0,\"unlinked_to\":0,\"known_to\":4,"
            "\"doubts\":0,\"cut_off\":false,"
            "\"joining\":false,\"homeless\":false,\"epoch\":1,\"slot_count\":5461,"
            "\"slots\":[[0,5460]],\"keys\":100,\"offset\":5000,\"cluster_down\":"
            "false,\"maxmemory_policy\":null,\"differs\":null},{");
    cap_has(c->out, "\"asked\":true,\"answers\":false,\"why\":\"refused\",");
    cap_has(c->out, "\"keys\":null,\"offset\":null,\"cluster_down\":null,");
    cap_has(c->out, ",\"ready\":true,\"link_up\":true,\"copying\":false,"
                    "\"behind_bytes\":0,\"differs\":null}");
    cap_has(c->out, "\"differs\":{\"slots\":23,\"first\":10900,\"last\":10922,\"says\":"
                    "\"cccc");
    (void)snprintf(nodes[1].slots, 256, " 5461-10000");
    nodes[2].roster = NULL;
    nodes[4].roster = nodes_lie(4, "0 0 1 connected 0-", "0 0 9 connected 0-");
    shows_json(c);
    cap_has(c->out, "\"gaps\":[[10001,10922]],");
    cap_has(c->out, "\"differs\":{\"slots\":0,\"node\":\"aaaa");
    cap_has(c->out, "\",\"says_epoch\":9,\"most_epoch\":1}");
}

/* Texts of nodes can't take over the terminal, however long they are. */
static void show_hostile(void **state)
{
    cap *c = *state;
    char why[REEF_ERROR_TEXT];
    nodes_good();
    memset(why, 'x', sizeof why);
    memcpy(why, "\033[2J", 4);
    why[sizeof why - 1] = '\0';
    for (int i = 0; i < 3; i++) {
        memset(nodes[i].peer, 'p', sizeof nodes[i].peer - 1);
        memcpy(nodes[i].peer, "\033[2J", 4);
    }
    nodes_mute(4, REEF_CONNECT, why);
    nodes[3].memory = "redis_version:\033[2J\r\nmaxmemory_policy:\033[2J\r\n";
    shows(c);
    cap_has(c->out, "\\x1b[2J");
    cap_has_not(c->out, "\033");
    shows_json(c);
    cap_has_not(c->out, "\033");
}

/* A node without an address has the begin of its id for a name. */
static void show_names(void **state)
{
    (void)state;
    cli_node node = {.id = "0123456789012345678901234567890123456789"};
    char name[REEF_PEER_TEXT];
    static cli_node_number map[REEF_SLOT_COUNT];
    cli_node_name(&node, name);
    assert_string_equal(name, "node 01234567");
    map[3] = map[4] = map[REEF_SLOT_COUNT - 1] = 2;
    cli_census_ranges(map, 2, name, sizeof name);
    assert_string_equal(name, "3-4, 16383");
    cli_census_ranges(map, 0, name, sizeof name);
    assert_string_equal(name, "0-2, 5-16382");
    cli_census_ranges(map, 9, name, sizeof name);
    assert_string_equal(name, "");
    cli_census_ranges(map, 2, name, 5);
    assert_string_equal(name, "3-4,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAP_TEST(show_good),    CAP_TEST(show_states), CAP_TEST(show_json),
        CAP_TEST(show_hostile), CAP_TEST(show_names),
    };
    return cmocka_run_group_tests_name("cli_census_show", tests, NULL, NULL);
}
