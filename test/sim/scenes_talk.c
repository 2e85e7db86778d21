/* SPDX-License-Identifier: Apache-2.0
 *
 * scenes_talk: the fakes are held to what test/vectors/sentinel_talk.txt expects of
 * real servers, and the reader of that text to what it promises. No engine takes
 * part. */
#include "test/sim/scenes.h"

#include "test/sim/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *talk_text(void)
{
    FILE *file = fopen("test/vectors/sentinel_talk.txt", "rb");
    static char text[32768];
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

/* One connection to each kind of node; as a link of the world, so that announcements
 * find it. */
typedef struct talk_line {
    sim_link *link;
    reef_parser *in;
    int protocol;
} talk_line;

static void talk_close(talk_line *l)
{
    if (l->in != NULL) {
        sim_drop(l->link);
        reef_parser_free(l->in);
    }
}

static void talk_open(talk_line *l, sim_link *link, sim_node *n, int protocol)
{
    talk_close(l);
    *link = (sim_link){.state = SIM_OPEN, .node = n};
    *l = (talk_line){.link = link, .protocol = protocol};
    assert_true(sim_conn_open(n, &link->conn, 1000));
    l->in = reef_parser_new(NULL, protocol);
    assert_non_null(l->in);
}

static void talk_say(talk_line *l, const talk_case *c)
{
    reef_cmd *cmd = talk_command(c);
    assert_non_null(cmd);
    reef_str wire = reef_cmd_wire(cmd);
    reef_parser_feed(l->link->conn.in, wire);
    assert_true(sim_serve(l->link->node, &l->link->conn, 1000, &l->link->down));
    reef_cmd_free(cmd);
}

/* Who is spoken to leads a fail-over to its end. */
static void talk_strike(sim_world *w, talk_line *l, const talk_case *c)
{
    bool first = l->link->node->sentinel->master == &w->nodes[1];
    sim_failover *f = sim_fail_over(w, l->link->node, &w->nodes[first ? 2 : 1]);
    f->ends = c->blow == TALK_GIVE_UP ? SIM_PROMOTE : f->ends;
    while (w->heap_count > 0) {
        sim_event e = sim_pop(w);
        w->now_ms = e.at_ms;
        (void)sim_failover_event(w, &e);
    }
    assert_false(f->running);
}

static void talk_hear(talk_line *l, const talk_case *c)
{
    char why[300];
    sim_bytes *down = &l->link->down;
    reef_parser_feed(l->in, (reef_str){down->ptr + down->head, sim_bytes_left(down)});
    sim_bytes_skip(down, sim_bytes_left(down));
    for (uint32_t i = 0; i < c->shape_count; i++) {
        reef_parse got = reef_parser_next(l->in);
        bool any = got == REEF_PARSE_REPLY || got == REEF_PARSE_PUSH;
        if (!any || !talk_fits(c->shapes[i], reef_parser_peek(l->in), c->protocol, why,
                               sizeof why)) {
            printf("# line %d, %s: %s\n", c->line, c->command,
                   any ? why : "no reply, or a broken one");
            fail();
        }
    }
    assert_int_equal(reef_parser_next(l->in), REEF_PARSE_MORE);
}

static void scene_talk(void **state)
{
    (void)state;
    sim_world *w = sim_scene_sentinels(2, 3);
    sim_node *nodes[] = {sim_scene_sentinel(w, 0), w->server, &w->nodes[1]};
    talk_reader reader = {.text = talk_text()};
    talk_names names = {"mymaster", w->server->address, "6379", NULL, NULL};
    talk_line lines[3] = {{0}};
    talk_case c;
    uint32_t cases = 0, blows = 0;
    while (talk_next(&reader, &names, &c)) {
        talk_line *l = &lines[c.to];
        if (l->protocol != c.protocol) {
            talk_open(l, &w->links[c.to], nodes[c.to], c.protocol);
        }
        if (c.blow == TALK_NO_BLOW) {
            talk_say(l, &c);
        } else {
            talk_strike(w, l, &c);
            blows++;
            names.host = nodes[TALK_SENTINEL]->sentinel->master->address;
        }
        talk_hear(l, &c);
        cases++;
    }
    assert_false(reader.wrong);
    assert_in_range(cases, 55, 200);
    assert_int_equal(blows, 3);
    for (size_t i = 0; i < 3; i++) {
        talk_close(&lines[i]);
    }
    sim_free(w);
    free(w);
}

/* A shape that fits what it should not would hold nobody to anything. */
static void scene_talk_differs(void **state)
{
    (void)state;
    static const struct {
        const char *shape, *reply;
        bool fits;
    } tries[] = {
        {"nil", "_\r\n", true},
        {"nil", ":1\r\n", false},
        {"int", ":1\r\n", true},
        {"int", "$1\r\n1\r\n", false},
        {"digits", "$2\r\n12\r\n", true},
        {"digits", "$2\r\n1x\r\n", false},
        {"digits", "$0\r\n\r\n", false},
        {"text", "+OK\r\n", true},
        {"text", "-ERR\r\n", false},
        {"\"OK\"", "+OK\r\n", true},
        {"\"OK\"", "+OKAY\r\n", false},
        {"~\"KA\"", "+OKAY\r\n", true},
        {"~\"AK\"", "+OKAY\r\n", false},
        {"error\"ERR no\"", "-ERR none\r\n", true},
        {"error\"ERR no\"", "+ERR none\r\n", false},
        {"error\"ERR no\"", "-ERR yes\r\n", false},
        {"id", "$40\r\n0123456789012345678901234567890123456789\r\n", true},
        {"id", "$40\r\n012345678901234567890123456789012345678X\r\n", false},
        {"[ int text ]", "*2\r\n:1\r\n+a\r\n", true},
        {"[ int text ]", "*1\r\n:1\r\n", false},
        {"[ int text ]", "*3\r\n:1\r\n+a\r\n+a\r\n", false},
        {"[ int [ text ] ]", "*2\r\n:1\r\n*1\r\n+a\r\n", true},
        {"each[ int ]", "*0\r\n", true},
        {"each[ [ int ] ]", "*0\r\n", true},
        {"each[ int ]", "*2\r\n:1\r\n:2\r\n", true},
        {"each[ int ]", "*2\r\n:1\r\n+a\r\n", false},
        {"each[ int ] any", "*0\r\n", false},
        {"words[ \"a\" digits ]", "+a 1\r\n", true},
        {"words[ \"a\" digits ]", "+a\r\n", false},
        {"words[ \"a\" digits ]", "+a 1 1\r\n", false},
        {"words[ \"a\" digits ]", "+a b\r\n", false},
        {"words[ \"a\" ]", "-a\r\n", false},
        {"[ words[ text ] int ]", "*2\r\n+a\r\n:1\r\n", true},
        {"{ a=int b=text }", "%2\r\n+b\r\n+x\r\n+a\r\n:1\r\n", true},
        {"{ a=int b=text }", "%1\r\n+a\r\n:1\r\n", false},
        {"{ a=int }", "*2\r\n+a\r\n:1\r\n", false},
        {"push[ \"m\" ]", ">1\r\n+m\r\n", true},
        {"push[ \"m\" ]", "*1\r\n+m\r\n", false},
        {"[ \"m\" ]", ">1\r\n+m\r\n", false},
        {"nonsense", "+m\r\n", false},
        {"int int", ":1\r\n", false},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        reef_parser *p = reef_parser_new(NULL, 3);
        char why[200];
        assert_non_null(p);
        reef_parser_feed(p, reef_str_of(tries[i].reply));
        assert_int_not_equal(reef_parser_next(p), REEF_PARSE_ERROR);
        bool fits = talk_fits(tries[i].shape, reef_parser_peek(p), 3, why, sizeof why);
        if (fits != tries[i].fits) {
            printf("# %s\n", tries[i].shape);
        }
        assert_int_equal(fits, tries[i].fits);
        assert_int_equal(why[0] != '\0', !fits);
        reef_parser_free(p);
    }
}

static void scene_talk_wrong(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "> PING\n< text\n", "resp 3\n< text\n", "resp 3\n> A\n> B\n",
        "resp 3\n+ text\n", "resp 4\n",         "to nobody\n",
        "! fail over\n",    "resp 3\n! fail\n", "resp 3\n! give up\n< text\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        talk_reader reader = {.text = texts[i]};
        talk_names names = {"a", "b", "c", NULL, NULL};
        talk_case c;
        assert_false(talk_next(&reader, &names, &c));
        assert_true(reader.wrong);
    }
}

size_t sim_scenes_talk(struct CMUnitTest out[SIM_SCENES])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_talk),
        cmocka_unit_test(scene_talk_differs),
        cmocka_unit_test(scene_talk_wrong),
    };
    memcpy(out, tests, sizeof tests);
    return sizeof tests / sizeof tests[0];
}
