/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with a Cluster, worst first: keys that can't be reached, then what
 * stands in the way of the next fail-over, in plain words with what to do.
 *
 * Theory: a master that is lost is replaced by one of its replicas when more than half
 * of the masters that serve slots vote for it. A slot without a master takes the other
 * slots down, too, unless cluster-require-full-coverage is "no". Of two nodes that
 * claim a slot the one with the higher configuration epoch wins, as soon as they hear
 * each other.
 *
 * Invariant: nothing is printed here; sentences go to cli_check_find. */
#include "session/cli/census.h"

#include <inttypes.h>
#include <string.h>

enum {
    FIND_NAMED = 4, /* nodes by name, then "and 3 more" */
    FIND_EACH = 4,  /* sentences of one kind */
    FIND_RANGES = 160
};

/* ---- texts -------------------------------------------------------------------- */

static void find_append(char *out, size_t cap, const char *text)
{
    size_t len = strlen(out);
    cli_join(out + len, cap - len, text, "", "");
}

uint32_t cli_census_names(const cli_census *c, cli_node_test test, char *out,
                          size_t cap)
{
    uint32_t count = 0, named = 0;
    char name[REEF_PEER_TEXT], tail[32];
    out[0] = '\0';
    for (size_t i = 0; i < c->count; i++)
        count += test(c, &c->nodes[i]);
    for (size_t i = 0; i < c->count && named < FIND_NAMED; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || !test(c, node))
            continue;
        if (named > 0)
            find_append(out, cap, named + 1 == count ? " and " : ", ");
        cli_node_name(node, name);
        find_append(out, cap, name);
        named++;
    }
    (void)snprintf(tail, sizeof tail, " and %" PRIu32 " more", count - named);
    if (count > named)
        find_append(out, cap, tail);
    return count;
}

void cli_census_say(cli_check *check, int exit_code, cli_node_test test,
                    const char *one, const char *many)
{
    char names[CLI_CENSUS_LINE];
    uint32_t count = cli_census_names(check->census, test, names, sizeof names);
    if (count > 0)
        cli_check_find(check, exit_code, names, count == 1 ? one : many, "");
}

/* ---- keys that can't be reached ----------------------------------------------- */

static bool find_is_down(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->down;
}

static bool find_is_down_master(const cli_census *c, const cli_node *node)
{
    return node->down && cli_census_serves(node) && !cli_census_failed(c, node);
}

/* What a slot without a master means for all the others. */
static const char *find_reach(const cli_census *c)
{
    char names[CLI_CENSUS_LINE];
    return cli_census_names(c, find_is_down_master, names, sizeof names) > 0
               ? "calls for keys there fail, and those for all others, too "
                 "(CLUSTERDOWN; see cluster-require-full-coverage)"
               : "calls for keys there fail";
}

static void find_holes(cli_check *check)
{
    const cli_census *c = check->census;
    uint32_t holes = REEF_SLOT_COUNT - c->served;
    char ranges[FIND_RANGES], text[CLI_CENSUS_LINE];
    if (holes == 0)
        return;
    if (c->served == 0) {
        cli_check_find(check, CLI_UNREACHED,
                       "no node serves any slot: hand them out, with \"redis-cli "
                       "--cluster create\" or CLUSTER ADDSLOTSRANGE",
                       "", "");
        return;
    }
    cli_census_ranges(c->owners, 0, ranges, sizeof ranges);
    (void)snprintf(
        text, sizeof text,
        "%" PRIu32 " of %d slots %s served by nobody (%s): %s; give %s to "
        "a master, with \"redis-cli --cluster fix\" or CLUSTER ADDSLOTSRANGE",
        holes, (int)REEF_SLOT_COUNT, holes == 1 ? "is" : "are", ranges, find_reach(c),
        holes == 1 ? "it" : "them");
    cli_check_find(check, CLI_UNREACHED, text, "", "");
}

/* "10.0.0.1:7000 has failed, and with it slots 0-5460" */
static void find_say_failed(cli_check *check, const cli_node *node)
{
    const cli_census *c = check->census;
    cli_node_number number = (cli_node_number)(node - c->nodes + 1);
    char name[REEF_PEER_TEXT], ranges[FIND_RANGES], text[CLI_CENSUS_LINE];
    uint32_t ready = cli_census_replicas(c, node, true);
    uint32_t all = cli_census_replicas(c, node, false);
    cli_node_name(node, name);
    cli_census_ranges(c->owners, number, ranges, sizeof ranges);
    (void)snprintf(text, sizeof text,
                   "%s has failed, and with it %" PRIu32 " slot%s (%s): %s; ", name,
                   node->slots, node->slots == 1 ? "" : "s", ranges, find_reach(c));
    cli_check_find(check, CLI_UNREACHED, text,
                   ready > 0 ? "a replica of it is due to take over, so look again in "
                               "some seconds; when none does, see its log, and run "
                               "CLUSTER FAILOVER TAKEOVER there"
                   : all > 0 ? "none of its replicas could take over: start it again, "
                               "or one of them"
                             : "it has no replica that could take over: start it again",
                   "");
}

static void find_failed(cli_check *check)
{
    const cli_census *c = check->census;
    uint32_t said = 0;
    for (size_t i = 0; i < c->count && said < FIND_EACH; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || !cli_census_serves(node) || !cli_census_failed(c, node))
            continue;
        said++;
        find_say_failed(check, node);
    }
}

/* What the others say of a node that is silent to us. */
static void find_gossip(const cli_census *c, const cli_node *node, char *out,
                        size_t cap)
{
    uint32_t doubts = node->fails + node->suspects;
    if (doubts == 0)
        cli_join(out, cap,
                 ", while the other nodes find nothing wrong with it: see the network "
                 "from here to it, and the address that it announces",
                 "", "");
    else
        (void)snprintf(out, cap,
                       ", and %" PRIu32 " of %" PRIu32 " other nodes suspect%s it: see "
                       "that it runs; a fail-over may be due, so look again in some "
                       "seconds",
                       doubts, cli_census_voices(c, node), doubts == 1 ? "s" : "");
}

static void find_say_unreached(cli_check *check, const cli_node *node)
{
    bool refused = node->code == REEF_AUTH;
    char name[REEF_PEER_TEXT], gossip[256], text[CLI_CENSUS_LINE];
    cli_node_name(node, name);
    find_gossip(check->census, node, gossip, sizeof gossip);
    if (refused)
        cli_join(gossip, sizeof gossip,
                 ": users are no part of what nodes tell each other; give it the same "
                 "ones on each node",
                 "", "");
    (void)snprintf(text, sizeof text, "%s, a master of %" PRIu32 " slot%s, %s (%s)%s",
                   name, node->slots, node->slots == 1 ? "" : "s",
                   refused ? "refuses the login" : "gives no answer", node->why,
                   gossip);
    cli_check_find(check, refused ? CLI_AUTH : CLI_UNREACHED, text, "", "");
}

static void find_unreached(cli_check *check)
{
    const cli_census *c = check->census;
    uint32_t said = 0;
    for (size_t i = 0; i < c->count && said < FIND_EACH; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || !cli_census_serves(node) || cli_census_failed(c, node) ||
            !cli_census_is_silent(c, node))
            continue;
        said++;
        find_say_unreached(check, node);
    }
}

/* Slots without a master are why nodes find the cluster down. */
static bool find_is_torn(const cli_census *c)
{
    bool torn = c->served < REEF_SLOT_COUNT;
    for (size_t i = 0; i < c->count && !torn; i++) {
        const cli_node *node = &c->nodes[i];
        torn = cli_census_serves(node) && cli_census_lost(c, node);
    }
    return torn;
}

/* By the word of nodes that answer; said where nothing above is why. */
static void find_down(cli_check *check)
{
    if (find_is_torn(check->census))
        return;
    cli_census_say(
        check, CLI_REFUSED, find_is_down,
        " says that the cluster is down, and refuses calls (CLUSTERDOWN): it "
        "looks cut off from most masters; see the network between them",
        " say that the cluster is down, and refuse calls (CLUSTERDOWN): they "
        "look cut off from most masters, or started a moment ago; see the "
        "network between them, and look again in some seconds");
}

/* ---- two masters -------------------------------------------------------------- */

/* The last slot behind `first` that the same two claim. */
static uint32_t find_rivals_end(const cli_census *c, uint32_t first)
{
    uint32_t a = cli_census_run(c->claims, first), b = cli_census_run(c->others, first);
    return a < b ? a : b;
}

static void find_say_rivals(cli_check *check, uint32_t first, uint32_t last)
{
    const cli_census *c = check->census;
    const cli_node *a = cli_census_at(c, c->claims[first]);
    const cli_node *b = cli_census_at(c, c->others[first]);
    char a_name[REEF_PEER_TEXT], b_name[REEF_PEER_TEXT], text[CLI_CENSUS_LINE];
    if (a == NULL || b == NULL)
        return;
    cli_node_name(a, a_name);
    cli_node_name(b, b_name);
    (void)snprintf(text, sizeof text,
                   "%s and %s both claim slots %" PRIu32 "-%" PRIu32 " (epochs %" PRIu64
                   " and %" PRIu64
                   "): what is written to the one with the lower epoch is lost as soon "
                   "as they hear each other; see the network between them",
                   a_name, b_name, first, last, a->epoch, b->epoch);
    cli_check_find(check, CLI_FRAGILE, text, "", "");
}

static void find_rivals(cli_check *check)
{
    const cli_census *c = check->census;
    uint32_t said = 0, slot = 0;
    while (slot < REEF_SLOT_COUNT && c->rivals > 0 && said < FIND_EACH) {
        uint32_t last = find_rivals_end(c, slot);
        if (c->others[slot] != 0) {
            find_say_rivals(check, slot, last);
            said++;
        }
        slot = last + 1;
    }
}

/* ---- the next fail-over ------------------------------------------------------- */

static uint32_t find_voters(const cli_census *c)
{
    uint32_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += cli_census_serves(&c->nodes[i]) && !cli_census_failed(c, &c->nodes[i]);
    return count;
}

static void find_votes(cli_check *check)
{
    const cli_census *c = check->census;
    uint32_t alive = find_voters(c), needed = c->masters / 2 + 1;
    char text[CLI_CENSUS_LINE];
    (void)snprintf(text, sizeof text,
                   "%" PRIu32 " of %" PRIu32 " masters %s there, and a fail-over takes "
                   "the votes of %" PRIu32 ": ",
                   alive, c->masters, alive == 1 ? "is" : "are", needed);
    if (c->masters == 0)
        return;
    if (alive < needed)
        cli_check_find(check, CLI_UNREACHED, text,
                       "none can be voted; start the others, or run CLUSTER FAILOVER "
                       "TAKEOVER on a replica of each",
                       "");
    else if (c->masters == 1)
        cli_check_find(check, CLI_FRAGILE,
                       "there is one master alone: when it is lost, nobody is left to "
                       "vote for a replica of it; spread the slots over three",
                       "", "");
    else if (c->masters == 2)
        cli_check_find(check, CLI_FRAGILE,
                       "there are two masters: when one is lost, the other alone can't "
                       "vote for a replica of it; spread the slots over three",
                       "", "");
    else if (alive == needed && alive < c->masters)
        cli_check_find(check, CLI_DONE, text, "with one more lost, none can be voted",
                       "");
}

static bool find_is_alone(const cli_census *c, const cli_node *node)
{
    return cli_census_serves(node) && !cli_census_failed(c, node) &&
           cli_census_replicas(c, node, false) == 0;
}

/* It has replicas, and none of them is of use. */
static bool find_is_bare(const cli_census *c, const cli_node *node)
{
    return cli_census_serves(node) && !cli_census_failed(c, node) &&
           cli_census_replicas(c, node, false) > 0 &&
           cli_census_replicas(c, node, true) == 0;
}

/* No node gave a roster: why the first one did not. */
static void find_nothing(cli_check *check)
{
    const cli_census *c = check->census;
    const cli_node *node = cli_census_at(c, 1);
    if (node == NULL)
        return;
    cli_check_find(check,
                   node->code == REEF_REFUSED ? CLI_DONE : cli_exit_of(node->code),
                   "no node tells what it knows of the others (", node->why,
                   "): let the user run CLUSTER NODES (ACL SETUSER, +cluster|nodes)");
}

bool cli_check_is_torn(const cli_check *check)
{
    const cli_census *c = check->census;
    bool torn = c != NULL && c->views > 0 && find_is_torn(c);
    for (size_t i = 0; c != NULL && i < c->count && !torn; i++)
        torn = find_is_down_master(c, &c->nodes[i]);
    return torn;
}

void cli_census_find(cli_check *check)
{
    const cli_census *c = check->census;
    if (c == NULL)
        return;
    if (c->views == 0) {
        find_nothing(check);
        return;
    }
    find_holes(check);
    find_failed(check);
    find_unreached(check);
    find_down(check);
    find_rivals(check);
    find_votes(check);
    cli_census_say(check, CLI_FRAGILE, find_is_alone,
                   " has no replica: when it is lost, so are its slots until it is "
                   "back; start a node, have it join with CLUSTER MEET, and there run "
                   "CLUSTER REPLICATE and the master's id",
                   " have no replicas: when one is lost, so are its slots until it is "
                   "back; start a node for each, have it join with CLUSTER MEET, and "
                   "there run CLUSTER REPLICATE and the master's id");
    cli_census_say(check, CLI_FRAGILE, find_is_bare,
                   " has no replica that could take its place now; what is wrong with "
                   "those that it has stands below",
                   " have no replicas that could take their places now; what is wrong "
                   "with those that they have stands below");
    cli_census_note(check);
}
