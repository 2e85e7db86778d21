/* SPDX-License-Identifier: Apache-2.0
 *
 * See ring_kit.h. */
#include "test/unit/ring_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- views -------------------------------------------------------------------- */

typedef struct ring_range {
    uint32_t first, last;
    int master;
    const char *replicas; /* " 3 4" */
} ring_range;

/* False: no more. */
static bool next_range(const char **at, ring_range *out)
{
    int used = 0;
    if (!*at || !**at)
        return false;
    assert_int_equal(
        sscanf(*at, "%u-%u %d%n", &out->first, &out->last, &out->master, &used), 3);
    out->replicas = *at + used;
    *at += strcspn(*at, ",");
    *at += **at == ',';
    return true;
}

static bool next_replica(const char **at, int *out)
{
    int used = 0;
    if (**at != ' ' || sscanf(*at, "%d%n", out, &used) != 1)
        return false;
    *at += used;
    return true;
}

static int owner_by(const ring_view *v, uint32_t slot)
{
    const char *at = v->slots;
    ring_range g;
    while (next_range(&at, &g))
        if (g.first <= slot && slot <= g.last)
            return g.master;
    return RING_NONE;
}

static bool is_master_by(const ring_view *v, uint32_t node)
{
    const char *at = v->slots;
    ring_range g;
    while (next_range(&at, &g))
        if (g.master == (int)node)
            return true;
    return false;
}

static unsigned long long epoch_by(const ring_view *v, uint32_t node)
{
    return node < RING_EPOCHS ? v->epochs[node] : 1;
}

/* ---- what nodes say ----------------------------------------------------------- */

static const char *told_host(const ring_node *n)
{
    return n->nil ? "" : n->told ? n->told : n->address;
}

static void say_node(const ring *r, script *out, bool old, uint32_t node)
{
    const ring_node *n = &r->nodes[node];
    assert_true(node < r->count);
    say(out, r->bare ? "*2\r\n" : "*4\r\n");
    if (n->nil)
        say(out, old ? "$-1\r\n" : "_\r\n");
    else
        say_bulk(out, told_host(n));
    say(out, ":%u\r\n", (unsigned)n->f->port);
    if (r->bare)
        return;
    say_bulk(out, n->id);
    if (n->ip)
        say(out, old ? "*2\r\n" : "%%1\r\n");
    else
        say(out, old ? "*0\r\n" : "%%0\r\n");
    if (n->ip)
        say_pair(out, "ip", n->ip);
}

static void say_slots(const ring *r, script *out, const ring_node *n)
{
    uint32_t ranges = 0;
    int replica;
    ring_range g;
    for (const char *at = n->view.slots; next_range(&at, &g);)
        ranges++;
    say(out, "*%u\r\n", ranges);
    for (const char *at = n->view.slots; next_range(&at, &g);) {
        uint32_t nodes = 1;
        for (const char *of = g.replicas; next_replica(&of, &replica);)
            nodes++;
        say(out, "*%u\r\n:%u\r\n:%u\r\n", nodes + 2, g.first, g.last);
        say_node(r, out, n->f->old, (uint32_t)g.master);
        for (const char *of = g.replicas; next_replica(&of, &replica);)
            say_node(r, out, n->f->old, (uint32_t)replica);
    }
}

static size_t put_row(const ring *r, const ring_node *me, char *out, size_t cap,
                      int node, int master)
{
    const ring_node *n = &r->nodes[node];
    bool leads = node == master;
    int len = snprintf(out, cap, "%s %s:%u@%u %s%s %s 0 0 %llu connected\n", n->id,
                       n->address, (unsigned)n->f->port, (unsigned)n->f->port + 10000,
                       n == me ? "myself," : "", leads ? "master" : "slave",
                       leads ? "-" : r->nodes[master].id,
                       epoch_by(&me->view, (uint32_t)master));
    assert_true(len > 0 && (size_t)len < cap);
    return (size_t)len;
}

static void say_roster(const ring *r, script *out, const ring_node *me)
{
    static char text[400000];
    bool seen[RING_NODES] = {false};
    size_t len = 0;
    int replica;
    ring_range g;
    for (const char *at = me->view.slots; next_range(&at, &g);) {
        if (seen[g.master])
            continue;
        seen[g.master] = true;
        len += put_row(r, me, text + len, sizeof text - len, g.master, g.master);
        for (const char *of = g.replicas; next_replica(&of, &replica);)
            len += put_row(r, me, text + len, sizeof text - len, replica, g.master);
    }
    text[len] = 0;
    say_bulk(out, text);
}

static void say_map(ring *r, script *out, ring_node *n)
{
    if (r->maps > 0 && r->s.k.now_ms - r->map_ms < REEF_RELOAD_MS)
        fail_msg("asked for the map at %lld, and again at %lld", (long long)r->map_ms,
                 (long long)r->s.k.now_ms);
    r->map_ms = r->s.k.now_ms;
    r->maps++;
    n->maps++;
    if (n->map)
        say(out, "%s", n->map);
    else
        say_slots(r, out, n);
}

static void say_cluster(ring *r, script *out, ring_node *n, stage_link *l)
{
    if (word_is(out, 1, "MYID") && !r->bare) {
        n->names++;
        l->named = n->f->way == FAKE_UP;
        say_bulk(out, n->myid ? n->myid : n->id);
    } else if (word_is(out, 1, "MYID")) {
        l->named = true;
        say(out, "-ERR unknown subcommand 'MYID'. Try CLUSTER HELP.\r\n");
    } else if (word_is(out, 1, "SLOTS")) {
        say_map(r, out, n);
    } else if (word_is(out, 1, "NODES") && n->map && !n->map[0]) {
        return;
    } else if (word_is(out, 1, "NODES") && !r->bare) {
        say_roster(r, out, n);
    } else {
        say(out, "-ERR unknown subcommand. Try CLUSTER HELP.\r\n");
    }
}

static void note(ring *r, const script *in, uint32_t node)
{
    char words[80];
    if (in->len == 0)
        r->one[0] = 0;
    int len = snprintf(words, sizeof words, "%u:%.30s%s%.30s;", node, in->words[0],
                       in->count > 1 ? " " : "", in->count > 1 ? in->words[1] : "");
    if (r->log_len + (size_t)len < sizeof r->log) {
        memcpy(r->log + r->log_len, words, (size_t)len + 1);
        r->log_len += (size_t)len;
    }
    size_t used = strlen(r->one);
    snprintf(r->one + used, sizeof r->one - used, "%s", words);
    if (strstr(r->one, "ASKING"))
        memcpy(r->asked, r->one, sizeof r->asked);
}

static void say_moved(ring *r, char *out, size_t cap, uint32_t slot, int to)
{
    const ring_node *n = &r->nodes[to];
    snprintf(out, cap, "-MOVED %u %s:%u", slot, told_host(n), (unsigned)n->f->port);
    if (r->moved_count < RING_TIMES)
        r->moved_ms[r->moved_count++] = r->s.k.now_ms;
}

/* False: nothing moves there, as far as this node can tell. True: the answer, "" to run
 * it. */
static bool moves(ring *r, const script *in, uint32_t node, uint32_t slot, bool asking,
                  char out[300])
{
    out[0] = 0;
    if (r->move.slot != (int)slot ||
        ((int)node != r->move.from && (int)node != r->move.to))
        return false;
    if (r->move.torn && in->count > 2 && (asking || (int)node == r->move.from))
        snprintf(out, 300, "-TRYAGAIN Multiple keys request during rehashing of slot");
    else if ((int)node == r->move.to && !asking)
        say_moved(r, out, 300, slot, r->move.from);
    else if ((int)node == r->move.from && !r->move.here)
        snprintf(out, 300, "-ASK %u %s:%u", slot, told_host(&r->nodes[r->move.to]),
                 (unsigned)r->nodes[r->move.to].f->port);
    return true;
}

/* What the node says to a command; "": it runs it. */
static void judge(ring *r, const script *in, uint32_t node, bool asking, char out[300])
{
    ring_node *n = &r->nodes[node];
    uint32_t at = strncmp(in->words[0], "EVAL", 4) == 0 ? 3 : 1;
    out[0] = 0;
    if (n->says && (!n->to || word_is(in, 0, n->to))) {
        snprintf(out, 300, "%s", n->says);
        if (n->times > 0 && --n->times == 0)
            n->says = NULL;
        return;
    }
    if (in->count <= at)
        return;
    uint32_t slot = reef_key_slot(reef_str_of(in->words[at]));
    if (moves(r, in, node, slot, asking, out))
        return;
    int owner = owner_by(&n->view, slot);
    if (owner == RING_NONE)
        snprintf(out, 300, "-CLUSTERDOWN Hash slot not served");
    else if (owner != (int)node)
        say_moved(r, out, 300, slot, owner);
}

static void say_run(ring_node *n, script *out)
{
    n->runs++;
    say(out, "+OK\r\n");
}

static void say_exec(ring_node *n, script *out, stage_link *l)
{
    l->multi = false;
    if (l->aborted) {
        say(out, "-EXECABORT Transaction discarded because of previous errors.\r\n");
        return;
    }
    say(out, "*%u\r\n", l->queued);
    while (l->queued-- > 0)
        say_run(n, out);
}

/* A caller's command. */
static void say_served(ring *r, script *out, stage_link *l, uint32_t node)
{
    char text[300] = "";
    ring_node *n = &r->nodes[node];
    if (!l->named)
        fail_msg("%s for %s, which has not said who it is", out->words[0], n->address);
    note(r, out, node);
    if (word_is(out, 0, "EXEC") && l->multi) {
        say_exec(n, out, l);
    } else if (word_is(out, 0, "MULTI")) {
        l->multi = true;
        l->aborted = false;
        l->queued = 0;
        say(out, "+OK\r\n");
        return;
    } else {
        judge(r, out, node, l->asking, text);
        l->aborted = l->aborted || text[0];
        l->queued += l->multi;
        if (text[0])
            say(out, "%s\r\n", text);
        else if (l->multi)
            say(out, "+QUEUED\r\n");
        else
            say_run(n, out);
        n->moveds += strncmp(text, "-MOVED", 6) == 0;
    }
    l->asking = l->asking && l->multi;
}

static void ring_answer(stage *s, script *out, stage_link *l)
{
    ring *r = (ring *)s;
    uint32_t node = (uint32_t)(l->to - s->fakes);
    ring_node *n = &r->nodes[node];
    l->to->role = is_master_by(&n->view, node) ? "master" : "slave";
    if (stage_turns_away(out, l->to) || word_is(out, 0, "HELLO") ||
        word_is(out, 0, "CLIENT") || word_is(out, 0, "AUTH") ||
        word_is(out, 0, "SELECT")) {
        l->named = l->named || word_is(out, 1, "MYID");
        stage_answer(s, out, l);
    } else if (word_is(out, 0, "TYPE")) { /* the engine's own: whose key is it? */
        char text[300] = "";
        n->roles++;
        judge(r, out, node, false, text);
        say(out, "%s\r\n", text[0] ? text : "+none");
    } else if (word_is(out, 0, "CLUSTER")) {
        say_cluster(r, out, n, l);
    } else if (word_is(out, 0, "ASKING")) {
        note(r, out, node);
        l->asking = true;
        say(out, "+OK\r\n");
    } else {
        say_served(r, out, l, node);
    }
}

/* ---- life --------------------------------------------------------------------- */

ring *ring_start(const char *hosts, const char *more)
{
    char toml[2048];
    ring *r = calloc(1, sizeof *r);
    assert_non_null(r);
    snprintf(toml, sizeof toml,
             "[server.redis]\nhosts = [%s]\n%s\n"
             "[resolver]\nnameservers = [\"10.99.0.1\"]\n",
             hosts, more);
    kit_start(&r->s.k, toml);
    r->s.answer = ring_answer;
    r->move.slot = RING_NONE;
    return r;
}

ring_node *ring_add(ring *r, const char *address)
{
    assert_true(r->count < RING_NODES);
    ring_node *n = &r->nodes[r->count];
    snprintf(n->address, sizeof n->address, "%s", address);
    snprintf(n->id, sizeof n->id, "%040x", (unsigned)r->count + 0xA00000);
    n->f = stage_add(&r->s, n->address, 6379);
    n->f->mode = "cluster";
    r->count++;
    return n;
}

ring *ring_hosts(const char *hosts, const char *more)
{
    ring *r = ring_start(hosts, more);
    for (unsigned i = 1; i <= 6; i++) {
        char address[16];
        snprintf(address, sizeof address, "10.0.0.%u", i);
        ring_add(r, address);
    }
    ring_believe(r, RING_NONE, "0-5460 0 3,5461-10922 1 4,10923-16383 2 5");
    for (uint32_t i = 0; i < 3; i++)
        ring_epoch(r, RING_NONE, i, i + 1);
    return r;
}

ring *ring_usual(const char *more)
{
    return ring_hosts("\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\"", more);
}

ring *ring_served(void)
{
    ring *r = ring_usual("");
    ring_serves(r, "GET b", 0);
    ring_logged(r, "0:GET b;");
    return r;
}

void ring_stop(ring *r)
{
    stage_stop(&r->s);
    free(r);
}

void ring_believe(ring *r, int node, const char *slots)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (node == RING_NONE || node == (int)i)
            r->nodes[i].view.slots = slots;
}

void ring_epoch(ring *r, int node, uint32_t of, uint64_t epoch)
{
    assert_true(of < RING_EPOCHS);
    for (uint32_t i = 0; i < r->count; i++)
        if (node == RING_NONE || node == (int)i)
            r->nodes[i].view.epochs[of] = epoch;
}

void ring_fail_over(ring *r, int node, uint64_t epoch)
{
    ring_believe(r, node, "0-5460 3 0,5461-10922 1 4,10923-16383 2 5");
    ring_epoch(r, node, 3, epoch);
}

/* What waited for an answer to its opening gets one. */
static void open_late(ring *r, const fake *f)
{
    for (uint32_t i = 0; i < REEF_LINKS_MAX; i++) {
        stage_link *l = &r->s.links[i];
        if (l->to != f || l->opened)
            continue;
        l->opened = true;
        reef_engine_opened(r->s.k.engine, i, r->s.k.now_ms);
    }
    stage_run(&r->s);
}

void ring_way(ring *r, uint32_t node, fake_way way)
{
    fake *f = r->nodes[node].f;
    bool wakes = f->way == FAKE_MUTE && way == FAKE_UP;
    f->way = way;
    if (way == FAKE_REFUSES || way == FAKE_DEAF)
        stage_cut(&r->s, f);
    for (uint32_t i = 0; wakes && i < REEF_LINKS_MAX; i++)
        if (r->s.links[i].to == f)
            r->s.links[i].named = true;
    if (wakes)
        stage_release(&r->s, f);
    if (way == FAKE_UP || way == FAKE_MUTE)
        open_late(r, f);
}

/* ---- calls -------------------------------------------------------------------- */

void ring_pass(ring *r, int64_t ms)
{
    stage_pass(&r->s, ms);
}

void ring_run(ring *r)
{
    stage_run(&r->s);
}

/* Whether the argument at that place is a key. */
static bool is_key(reef_str name, size_t at)
{
    static const char *const none[] = {"PING", "MULTI", "EXEC", "KEYS", "DBSIZE"};
    static const char *const all[] = {"MGET", "DEL", "EXISTS", "TOUCH"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (reef_str_is(name, none[i]))
            return false;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (reef_str_is(name, all[i]))
            return at > 0;
    return at == (reef_str_is(name, "EVAL") ? 3 : 1);
}

/* One command; what is behind it and the comma. */
static const char *build(reef_cmd *cmd, const char *at)
{
    reef_str name = {at, strcspn(at, " ,")};
    for (size_t i = 0; *at && *at != ','; i++) {
        reef_str word = {at, strcspn(at, " ,")};
        if (i == 0)
            reef_cmd_begin_str(cmd, word);
        else if (is_key(name, i))
            reef_cmd_key(cmd, word);
        else
            reef_cmd_arg(cmd, word);
        at += word.len + (at[word.len] == ' ');
    }
    return at + (*at == ',');
}

static uint64_t put_order(ring *r, const char *commands, bool again, reef_order order)
{
    enum { GROUP = 16 };
    reef_cmd *cmds[GROUP];
    for (order.count = 0; *commands; order.count++) {
        assert_true(order.count < GROUP);
        assert_non_null(cmds[order.count] = reef_cmd_new());
        commands = build(cmds[order.count], commands);
        if (again)
            reef_cmd_repeatable(cmds[order.count]);
    }
    order.cmds = (const reef_cmd *const *)cmds;
    order.tag = 99;
    order.deadline_ms += r->s.k.now_ms;
    uint64_t ticket = reef_engine_order(r->s.k.engine, &order, r->s.k.now_ms);
    for (size_t i = 0; i < order.count; i++)
        reef_cmd_free(cmds[i]);
    stage_run(&r->s);
    return ticket;
}

uint64_t ring_call(ring *r, const char *commands, int64_t timeout_ms)
{
    return put_order(r, commands, false, (reef_order){.deadline_ms = timeout_ms});
}

uint64_t ring_again(ring *r, const char *commands, int64_t timeout_ms)
{
    return put_order(r, commands, true, (reef_order){.deadline_ms = timeout_ms});
}

uint64_t ring_order(ring *r, const char *commands, const char *id, int64_t timeout_ms)
{
    return put_order(r, commands, false,
                     (reef_order){.deadline_ms = timeout_ms, .node_id = id});
}

void ring_done(ring *r, uint64_t ticket, reef_code code, const char *text)
{
    kit_expect_done(&r->s.k, ticket, code, text);
}

void ring_none_done(ring *r)
{
    kit_expect_none_done(&r->s.k);
}

void ring_serves(ring *r, const char *words, uint32_t node)
{
    uint32_t runs = r->nodes[node].runs;
    ring_done(r, ring_call(r, words, 1000), REEF_OK, NULL);
    assert_int_equal(r->nodes[node].runs, runs + 1);
}

void ring_logged(ring *r, const char *log)
{
    r->log[r->log_len] = 0;
    assert_string_equal(r->log, log);
    r->log_len = 0;
}

uint32_t ring_times_logged(const ring *r, const char *text)
{
    uint32_t count = 0;
    for (const char *at = r->log; at < r->log + r->log_len; at++)
        count += strncmp(at, text, strlen(text)) == 0;
    return count;
}

void ring_spread(const ring *r)
{
    for (uint32_t i = 1; i < r->moved_count; i++)
        if (r->moved_ms[i] - r->moved_ms[i - 1] < REEF_PROBE_NODE_MS)
            fail_msg("probes at %lld and %lld", (long long)r->moved_ms[i - 1],
                     (long long)r->moved_ms[i]);
}

/* ---- looking inside ----------------------------------------------------------- */

reef_cluster *ring_state(ring *r)
{
    return r->s.k.engine->cluster;
}

reef_cnode *ring_entry(ring *r, uint32_t node)
{
    reef_place place = {.port = r->nodes[node].f->port};
    snprintf(place.host, sizeof place.host, "%s", r->nodes[node].address);
    reef_cnode *n = reef_cluster_by_id(ring_state(r), r->nodes[node].id);
    return n ? n : reef_cluster_by_place(ring_state(r), &place);
}

int ring_owner(ring *r, uint32_t slot)
{
    reef_cluster *c = ring_state(r);
    uint16_t owner = reef_slots_at(&c->map, slot)->owner;
    if (owner == REEF_NOBODY)
        return RING_NONE;
    for (uint32_t i = 0; i < r->count; i++)
        if (ring_entry(r, i) == c->nodes[owner])
            return (int)i;
    return -2;
}

uint32_t ring_links(const ring *r, uint32_t node)
{
    return stage_open_links(&r->s, r->nodes[node].f);
}
