/* SPDX-License-Identifier: Apache-2.0
 *
 * What routing adds to a call: engines by hand, one of a single server and those of
 * Clusters of few and many masters, with a network that is not there. A call is the
 * submit, the SEND, the answer and the completion; its key is a session's. All sides
 * make the same calls in rounds that alternate; what a Cluster adds is the median of
 * the rounds' own differences, and the difference of the best rounds, which is what it
 * takes when nobody else uses the machine. Targets are printed, not enforced: a bench
 * is not a timed test. A call that ends otherwise than it should is a failure, and so
 * are masters that got none.
 *
 *   bench_route
 *   bench_route --only MASTERS --count N   one side, for an instruction counter; of 0
 * masters, the single server */
#include "net/net.h"
#include "test/bench/rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUTE_ROUNDS = 41,
    ROUTE_CALLS = 20000, /* of a round */
    ROUTE_CMDS = 4096,
    ROUTE_PORT = 7000, /* of the first master */
    ROUTE_TEXT = 256 * 1024,
    ROUTE_NOW = 1000
};

typedef struct route_side {
    uint32_t masters; /* 0: a single server */
    double target;    /* ns that it may add; 0: none was set */
    reef_engine *engine;
    uint16_t ports[REEF_TRANSPORTS_MAX]; /* by link */
    uint32_t asked[REEF_TRANSPORTS_MAX]; /* calls, by link */
    reef_parser *hears[REEF_NODES_MAX];  /* what a node was asked before the calls */
    double times[ROUTE_ROUNDS];
} route_side;

static route_side route_sides[] = {
    {.masters = 0},
    {.masters = 3, .target = 50},
    {.masters = 100},
    {.masters = 1000},
};

enum { ROUTE_SIDES = sizeof route_sides / sizeof route_sides[0] };

static reef_cmd *route_cmds[ROUTE_CMDS];
static char route_text[ROUTE_TEXT];

static void route_die(const char *why)
{
    fprintf(stderr, "bench_route: %s\n", why);
    exit(1);
}

/* ---- what nodes say ----------------------------------------------------------- */

static uint32_t route_first(const route_side *side, uint32_t master)
{
    return REEF_SLOT_COUNT * master / side->masters;
}

static size_t route_add(size_t len, const char *text)
{
    size_t more = strlen(text);
    if (len + more >= sizeof route_text)
        route_die("a text is too long");
    memcpy(route_text + len, text, more + 1);
    return len + more;
}

static void route_slots(const route_side *side)
{
    char line[256];
    snprintf(line, sizeof line, "*%u\r\n", side->masters);
    size_t len = route_add(0, line);
    for (uint32_t i = 0; i < side->masters; i++) {
        snprintf(line, sizeof line,
                 "*3\r\n:%u\r\n:%u\r\n*3\r\n$9\r\n127.0.0.1\r\n:%u\r\n$40\r\n%040x\r\n",
                 route_first(side, i), route_first(side, i + 1) - 1, ROUTE_PORT + i, i);
        len = route_add(len, line);
    }
}

static void route_nodes(const route_side *side, uint32_t myself)
{
    static char body[ROUTE_TEXT];
    char head[32];
    size_t len = 0;
    for (uint32_t i = 0; i < side->masters; i++)
        len += (size_t)snprintf(
            body + len, sizeof body - len,
            "%040x 127.0.0.1:%u@%u %smaster - 0 0 %u connected %u-%u\n", i,
            ROUTE_PORT + i, ROUTE_PORT + 10000 + i, i == myself ? "myself," : "", i + 1,
            route_first(side, i), route_first(side, i + 1) - 1);
    snprintf(head, sizeof head, "$%zu\r\n", len);
    route_add(route_add(route_add(0, head), body), "\r\n");
}

/* As an old server would: no HELLO, and OK to what is none of a Cluster's questions. */
static const char *route_answer(const route_side *side, uint32_t node,
                                const reef_reply *asked)
{
    reef_str name = reef_text(asked, reef_at(reef_reply_root(asked), 0));
    reef_str what = reef_text(asked, reef_at(reef_reply_root(asked), 1));
    if (reef_str_is(name, "HELLO"))
        return "-ERR unknown command\r\n";
    if (!reef_str_is(name, "CLUSTER"))
        return "+OK\r\n";
    if (reef_str_is(what, "MYID"))
        snprintf(route_text, sizeof route_text, "$40\r\n%040x\r\n", node);
    else if (reef_str_is(what, "SLOTS"))
        route_slots(side);
    else
        route_nodes(side, node);
    return route_text;
}

/* ---- a network that is not there ---------------------------------------------- */

static void route_receive(route_side *side, uint32_t link, const char *text, size_t len)
{
    while (len > 0) {
        size_t cap;
        char *room = reef_engine_room(side->engine, link, &cap);
        if (!room)
            route_die("no room for an answer");
        cap = len < cap ? len : cap;
        memcpy(room, text, cap);
        reef_engine_received(side->engine, link, cap, ROUTE_NOW);
        text += cap;
        len -= cap;
    }
}

static void route_hear(route_side *side, uint32_t link, const char *bytes, size_t len)
{
    uint32_t node = side->ports[link] - (uint32_t)ROUTE_PORT;
    reef_parser **p = &side->hears[node];
    size_t cap;
    *p = *p ? *p : reef_parser_new(NULL, 2);
    char *room = *p ? reef_parser_room(*p, &cap) : NULL;
    if (!room || cap < len)
        route_die("no room for a question");
    memcpy(room, bytes, len);
    reef_parser_received(*p, len);
    while (reef_parser_next(*p) == REEF_PARSE_REPLY) {
        const char *said = route_answer(side, node, reef_parser_peek(*p));
        route_receive(side, link, said, strlen(said));
    }
}

static void route_send(route_side *side, const reef_op *op)
{
    static char bytes[65536];
    size_t len = op->bytes.len;
    if (len > sizeof bytes)
        route_die("a send is too long");
    memcpy(bytes, op->bytes.ptr, len);
    reef_engine_sent(side->engine, op->link, len, ROUTE_NOW);
    route_hear(side, op->link, bytes, len);
}

static void route_pump(route_side *side)
{
    reef_op op;
    while (reef_engine_next_op(side->engine, &op))
        switch (op.kind) {
        case REEF_OP_OPEN:
            side->ports[op.link] = op.port;
            reef_engine_opened(side->engine, op.link, ROUTE_NOW);
            break;
        case REEF_OP_SEND:
            route_send(side, &op);
            break;
        case REEF_OP_CLOSE:
            route_die("a link was closed");
            break;
        case REEF_OP_FILES:
        case REEF_OP_NONE:
            break;
        }
}

static void route_take(route_side *side)
{
    reef_done done;
    if (!reef_engine_next_done(side->engine, &done))
        route_die("a call did not end");
    if (reef_reply_code(done.reply) != REEF_OK)
        route_die(reef_reply_text(done.reply));
    reef_reply_free(done.reply);
}

/* ---- calls -------------------------------------------------------------------- */

static void route_submit(route_side *side, const reef_cmd *cmd)
{
    if (!reef_engine_submit(side->engine, &cmd, 1, 1, ROUTE_NOW + 1000000, ROUTE_NOW))
        route_die("a call was not taken");
}

static void route_call(route_side *side, const reef_cmd *cmd)
{
    reef_op op;
    route_submit(side, cmd);
    if (!reef_engine_next_op(side->engine, &op) || op.kind != REEF_OP_SEND)
        route_die("a call was not sent");
    side->asked[op.link]++;
    reef_engine_sent(side->engine, op.link, op.bytes.len, ROUTE_NOW);
    if (reef_engine_next_op(side->engine, &op))
        route_die("there is more to do than to send");
    route_receive(side, op.link, "+OK\r\n", 5);
    route_take(side);
}

static double route_round(route_side *side, size_t calls)
{
    double start = rounds_now();
    for (size_t i = 0; i < calls; i++)
        route_call(side, route_cmds[i % ROUTE_CMDS]);
    return (rounds_now() - start) / (double)calls;
}

static void route_build(void)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_";
    uint32_t random = 1;
    for (size_t i = 0; i < ROUTE_CMDS; i++) {
        char key[59] = "knot:Sessions:";
        for (size_t j = 14; j < 58; j++) {
            random = random * 1664525u + 1013904223u;
            key[j] = letters[random >> 26];
        }
        route_cmds[i] = reef_cmd_new();
        if (!route_cmds[i])
            route_die("out of memory");
        reef_cmd_begin(route_cmds[i], "GET");
        reef_cmd_key(route_cmds[i], reef_str_of(key));
        reef_cmd_repeatable(route_cmds[i]);
    }
}

/* All links are made, and the calls that made them have ended. */
static void route_start(route_side *side)
{
    static reef_config config;
    reef_config_init(&config);
    config.host_count = side->masters > 0 ? 2 : 1;
    for (uint16_t i = 0; i < config.host_count; i++) {
        config.hosts[i].kind = REEF_HOST_TCP;
        config.hosts[i].port = (uint16_t)(ROUTE_PORT + i);
        snprintf(config.hosts[i].name, sizeof config.hosts[i].name, "127.0.0.1");
    }
    side->engine = reef_engine_new(&config, 1, ROUTE_NOW);
    if (!side->engine)
        route_die("no engine");
    for (size_t i = 0; i < ROUTE_CMDS; i++) {
        route_submit(side, route_cmds[i]);
        route_pump(side);
        route_take(side);
    }
}

static void route_stop(route_side *side)
{
    uint32_t used = 0;
    for (size_t i = 0; i < REEF_TRANSPORTS_MAX; i++)
        used += side->asked[i] > 0;
    if (used < side->masters * 9 / 10)
        route_die("masters got no call");
    for (size_t i = 0; i < REEF_NODES_MAX; i++)
        reef_parser_free(side->hears[i]);
    reef_engine_free(side->engine);
}

/* ---- rounds ------------------------------------------------------------------- */

static void route_table(void)
{
    const double *single = route_sides[0].times;
    double best = 0;
    printf("%-16s %10s %10s %10s %14s\n", "a call, by hand", "ns", "adds", "at best",
           "target");
    for (size_t i = 0; i < ROUTE_SIDES; i++) {
        route_side *side = &route_sides[i];
        double adds[ROUTE_ROUNDS], times[ROUTE_ROUNDS];
        char name[32], target[32] = "-";
        for (size_t j = 0; j < ROUTE_ROUNDS; j++) {
            times[j] = side->times[j];
            adds[j] = side->times[j] - single[j];
        }
        snprintf(name, sizeof name, side->masters > 0 ? "%u masters" : "a server",
                 side->masters);
        if (side->target > 0)
            snprintf(target, sizeof target, "at most %.0f", side->target);
        double middle = rounds_median(times, ROUTE_ROUNDS);
        best = i == 0 ? times[0] : best;
        printf("%-16s %10.0f %10.0f %10.0f %14s\n", name, middle,
               rounds_median(adds, ROUTE_ROUNDS), times[0] - best, target);
    }
}

static int route_only(uint32_t masters, size_t count)
{
    for (size_t i = 0; i < ROUTE_SIDES; i++)
        if (route_sides[i].masters == masters) {
            route_start(&route_sides[i]);
            route_round(&route_sides[i], count);
            reef_engine_free(route_sides[i].engine);
            return 0;
        }
    route_die("there is no such case");
    return 1;
}

int main(int argc, char **argv)
{
    route_build();
    if (argc == 5 && !strcmp(argv[1], "--only") && !strcmp(argv[3], "--count"))
        return route_only((uint32_t)atoi(argv[2]), (size_t)atol(argv[4]));
    for (size_t i = 0; i < ROUTE_SIDES; i++)
        route_start(&route_sides[i]);
    for (size_t round = 0; round < ROUTE_ROUNDS; round++)
        for (size_t i = 0; i < ROUTE_SIDES; i++)
            route_sides[i].times[round] = route_round(&route_sides[i], ROUTE_CALLS);
    route_table();
    for (size_t i = 0; i < ROUTE_SIDES; i++)
        route_stop(&route_sides[i]);
    for (size_t i = 0; i < ROUTE_CMDS; i++)
        reef_cmd_free(route_cmds[i]);
    return 0;
}
