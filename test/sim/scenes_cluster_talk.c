/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_cluster_talk: the fake nodes of a Cluster are held to what
 * test/vectors/cluster_talk.txt expects of real ones. No engine takes part. */
#include "test/sim/scenes.h"

#include "test/sim/talk.h"

#include <stdio.h>
#include <stdlib.h>

enum { TALK_PARTNERS = 5, TALK_CASES_MIN = 120 };

static char *cluster_talk_text(void)
{
    FILE *file = fopen("test/vectors/cluster_talk.txt", "rb");
    static char text[32768];
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    assert_true(len < sizeof text - 1);
    text[len] = '\0';
    fclose(file);
    return text;
}

/* A connection to one of them. */
typedef struct cluster_line {
    sim_conn conn;
    sim_node *node;
    reef_parser *in;
    int protocol;
} cluster_line;

static void cluster_line_close(cluster_line *l)
{
    if (l->in != NULL) {
        sim_conn_close(l->node, &l->conn);
        reef_parser_free(l->in);
    }
}

static void cluster_line_open(cluster_line *l, sim_node *n, int protocol)
{
    cluster_line_close(l);
    l->node = n;
    l->protocol = protocol;
    l->in = reef_parser_new(NULL, protocol);
    assert_non_null(l->in);
    assert_true(sim_conn_open(n, &l->conn, 1000));
}

static void cluster_line_try(cluster_line *l, const talk_case *c)
{
    char why[300];
    sim_bytes out = {0};
    reef_cmd *cmd = talk_command(c);
    assert_non_null(cmd);
    reef_parser_feed(l->conn.in, reef_cmd_wire(cmd));
    assert_true(sim_serve(l->node, &l->conn, 1000, &out));
    reef_cmd_free(cmd);
    reef_parser_feed(l->in, (reef_str){out.ptr, out.len});
    sim_bytes_free(&out);
    bool any = reef_parser_next(l->in) == REEF_PARSE_REPLY;
    if (!any || !talk_fits(c->shapes[0], reef_parser_peek(l->in), c->protocol, why,
                           sizeof why)) {
        printf("# line %d, %s: %s\n", c->line, c->command, any ? why : "no reply");
        fail();
    }
    assert_int_equal(reef_parser_next(l->in), REEF_PARSE_MORE);
}

static void scene_cluster_talk(void **state)
{
    (void)state;
    sim_world *w = sim_scene_cluster(3, 3);
    sim_node *lone = sim_add_node(w, "10.0.0.1", 7100);
    sim_cluster_member(w, lone);
    sim_node *nodes[] = {NULL, &w->nodes[0], &w->nodes[3], &w->nodes[1], lone};
    char port[8], gate[8];
    talk_names names = {w->nodes[0].member->id, w->nodes[0].address, port,
                        w->nodes[1].member->id, gate};
    talk_reader reader = {.text = cluster_talk_text()};
    cluster_line lines[TALK_PARTNERS] = {{.node = NULL}};
    talk_case c;
    uint32_t cases = 0;
    snprintf(port, sizeof port, "%u", w->nodes[0].port);
    snprintf(gate, sizeof gate, "%u", w->nodes[1].port);
    while (talk_next(&reader, &names, &c)) {
        cluster_line *l = &lines[c.to];
        assert_non_null(nodes[c.to]);
        if (l->protocol != c.protocol) {
            cluster_line_open(l, nodes[c.to], c.protocol);
        }
        cluster_line_try(l, &c);
        cases++;
    }
    assert_false(reader.wrong);
    assert_in_range(cases, TALK_CASES_MIN, 1000);
    for (size_t i = 0; i < TALK_PARTNERS; i++) {
        cluster_line_close(&lines[i]);
    }
    sim_free(w);
    free(w);
}

size_t sim_scenes_cluster_talk(struct CMUnitTest out[SIM_SCENES])
{
    out[0] = (struct CMUnitTest)cmocka_unit_test(scene_cluster_talk);
    return 1;
}
