/* SPDX-License-Identifier: Apache-2.0
 *
 * What routing adds to a call: engines by hand, one of a single server and those of
 * Clusters of few and many masters, with a network that is not there. A call is what
 * its caller does: the command is built, submitted, sent, answered, and its reply is
 * taken; its key is a session's. A second table has commands that were built before
 * and lie outside the cache, where the way to the key is longer.
 *
 * A Cluster and the single server take turns in rounds of under a millisecond, so that
 * most pairs of rounds are not disturbed. Who begins changes with each pair, and their
 * keys are others, so that neither finds in the cache what the other has used. What the
 * Cluster adds is the median of the pairs' differences. Where neighbours share the
 * processor's cores that doubles, as all times do; what is added when nobody else uses
 * them is told, too: the difference of the best rounds of a start, and of that the
 * median of all starts. Targets are printed, not enforced: a bench is not a timed test.
 * A call that ends otherwise than it should is a failure, and so is more than a
 * tenth of the masters without one.
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
    ROUTE_STARTS = 20, /* of each side of a pair */
    ROUTE_ROUNDS = 60, /* of a start */
    ROUTE_CALLS = 512, /* of a round */
    ROUTE_TIMES = ROUTE_STARTS * ROUTE_ROUNDS,
    ROUTE_AWAY = 65536, /* bytes that a start may lie away from the one before */
    ROUTE_KEYS = 4096,
    ROUTE_KEY = 58,    /* "knot:Sessions:" and a token */
    ROUTE_PORT = 7000, /* of the first master */
    ROUTE_TEXT = 256 * 1024,
    ROUTE_NOW = 1000
};

typedef struct route_side {
    uint32_t masters; /* 0: a single server */
    double target;    /* ns that it may add to a call; 0: none was set */
    reef_engine *engine;
    uint16_t ports[REEF_TRANSPORTS_MAX]; /* by link */
    uint32_t asked[REEF_TRANSPORTS_MAX]; /* calls, by link */
    reef_parser *hears[REEF_NODES_MAX];  /* what a node was asked before the calls */
} route_side;

static route_side route_sides[] = {
    {.masters = 0},
    {.masters = 3, .target = 50},
    {.masters = 100},
    {.masters = 1000},
};

enum { ROUTE_SIDES = sizeof route_sides / sizeof route_sides[0] };

static char route_keys[ROUTE_KEYS][ROUTE_KEY];
static reef_cmd *route_kept[ROUTE_KEYS]; /* a command for each key */
static reef_cmd *route_cmd;              /* what is built for a call */
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

static const reef_cmd *route_made(reef_cmd *cmd, size_t key)
{
    reef_cmd_begin(cmd, "GET");
    reef_cmd_key(cmd, (reef_str){route_keys[key], ROUTE_KEY});
    reef_cmd_repeatable(cmd);
    return cmd;
}

/* The time of a call. */
static double route_round(route_side *side, size_t first, size_t calls, bool kept)
{
    double start = rounds_now();
    for (size_t i = first; i < first + calls; i++) {
        size_t key = i % ROUTE_KEYS;
        route_call(side, kept ? route_kept[key] : route_made(route_cmd, key));
    }
    return (rounds_now() - start) / (double)calls;
}

static void route_random_keys(void)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_";
    uint32_t random = 1;
    for (size_t i = 0; i < ROUTE_KEYS; i++) {
        memcpy(route_keys[i], "knot:Sessions:", 14);
        for (size_t j = 14; j < ROUTE_KEY; j++) {
            random = random * 1664525u + 1013904223u;
            route_keys[i][j] = letters[random >> 26];
        }
    }
}

static reef_cmd *route_new(void)
{
    reef_cmd *cmd = reef_cmd_new();
    if (!cmd)
        route_die("out of memory");
    return cmd;
}

static void route_keep(void)
{
    for (size_t i = 0; i < ROUTE_KEYS; i++) {
        route_kept[i] = route_new();
        route_made(route_kept[i], i);
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
    for (size_t i = 0; i < ROUTE_KEYS; i++) {
        route_submit(side, route_made(route_cmd, i));
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
    for (size_t i = 0; i < REEF_NODES_MAX; i++) {
        reef_parser_free(side->hears[i]);
        side->hears[i] = NULL;
    }
    memset(side->asked, 0, sizeof side->asked);
    reef_engine_free(side->engine);
}

/* ---- rounds ------------------------------------------------------------------- */

typedef struct route_times {
    double before[ROUTE_TIMES], after[ROUTE_TIMES], adds[ROUTE_TIMES];
    double quiet[ROUTE_STARTS];
} route_times;

static double route_best(const double times[ROUTE_ROUNDS])
{
    double best = times[0];
    for (size_t i = 1; i < ROUTE_ROUNDS; i++)
        best = times[i] < best ? times[i] : best;
    return best;
}

/* Only these two engines are there: others in between would spread each over more pages
 * than it has when it is alone. Where its parts lie moves a call by some 20 ns all the
 * same, so each start is elsewhere. */
static void route_time(route_side *single, route_side *side, bool kept,
                       route_times *all, size_t start)
{
    void *away = malloc(1 + (size_t)rand() % ROUTE_AWAY);
    double *before = all->before + start * ROUTE_ROUNDS;
    double *after = all->after + start * ROUTE_ROUNDS;
    route_start(single);
    route_start(side);
    for (size_t i = 0; i < ROUTE_ROUNDS; i++) {
        size_t one = i * ROUTE_CALLS, other = one + ROUTE_KEYS / 2;
        for (size_t turn = i; turn < i + 2; turn++)
            if (turn % 2 == 0)
                before[i] = route_round(single, one, ROUTE_CALLS, kept);
            else
                after[i] = route_round(side, other, ROUTE_CALLS, kept);
        all->adds[start * ROUTE_ROUNDS + i] = after[i] - before[i];
    }
    all->quiet[start] = route_best(after) - route_best(before);
    route_stop(side);
    route_stop(single);
    free(away);
}

static void route_pair(route_side *single, route_side *side, bool kept)
{
    static route_times all;
    char name[32], target[32] = "-";
    for (size_t i = 0; i < ROUTE_STARTS; i++)
        route_time(single, side, kept, &all, i);
    snprintf(name, sizeof name, "%u masters", side->masters);
    if (side->target > 0 && !kept)
        snprintf(target, sizeof target, "at most %.0f", side->target);
    printf("%-16s %10.0f %10.0f %10.0f %10.0f %14s\n", name,
           rounds_median(all.before, ROUTE_TIMES),
           rounds_median(all.after, ROUTE_TIMES), rounds_median(all.adds, ROUTE_TIMES),
           rounds_median(all.quiet, ROUTE_STARTS), target);
}

static void route_table(const char *title, bool kept)
{
    printf("%s\n%-16s %10s %10s %10s %10s %14s\n", title, "  ns a call", "a server",
           "a Cluster", "adds", "if quiet", "target");
    for (size_t i = 1; i < ROUTE_SIDES; i++)
        route_pair(&route_sides[0], &route_sides[i], kept);
}

static int route_only(uint32_t masters, size_t count)
{
    for (size_t i = 0; i < ROUTE_SIDES; i++)
        if (route_sides[i].masters == masters) {
            route_start(&route_sides[i]);
            route_round(&route_sides[i], 0, count, false);
            reef_engine_free(route_sides[i].engine);
            return 0;
        }
    route_die("there is no such case");
    return 1;
}

int main(int argc, char **argv)
{
    route_random_keys();
    route_cmd = route_new();
    if (argc == 5 && !strcmp(argv[1], "--only") && !strcmp(argv[3], "--count"))
        return route_only((uint32_t)atoi(argv[2]), (size_t)atol(argv[4]));
    route_table("a command built for its call", false);
    route_keep();
    route_table("commands kept, outside the cache", true);
    for (size_t i = 0; i < ROUTE_KEYS; i++)
        reef_cmd_free(route_kept[i]);
    reef_cmd_free(route_cmd);
    return 0;
}
