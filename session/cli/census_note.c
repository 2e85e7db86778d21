/* SPDX-License-Identifier: Apache-2.0
 *
 * What is worth knowing of a Cluster while all works: nodes that are lost or of another
 * mind, slots on the move, replicas that lag, and too much on one host.
 *
 * Invariant: nothing is printed here; sentences go to cli_check_find, as notes. */
#include "session/cli/census.h"

#include <inttypes.h>
#include <string.h>

enum {
    NOTE_EACH = 4,           /* sentences of one kind */
    NOTE_PAIRS = 4,          /* givers and takers in one sentence */
    NOTE_FAR_BYTES = 1 << 20 /* behind its master, where that is worth a word */
};

/* ---- nodes that are lost ------------------------------------------------------ */

/* What serves slots is told apart. */
static bool note_is_failed(const cli_census *c, const cli_node *node)
{
    return !cli_census_serves(node) && cli_census_failed(c, node);
}

static bool note_is_silent(const cli_census *c, const cli_node *node)
{
    return cli_census_is_silent(c, node) && !cli_census_serves(node) &&
           !cli_census_failed(c, node);
}

static bool note_is_closed(const cli_census *c, const cli_node *node)
{
    return note_is_silent(c, node) && node->code == REEF_AUTH;
}

static bool note_is_mute(const cli_census *c, const cli_node *node)
{
    return note_is_silent(c, node) && node->code != REEF_AUTH;
}

static bool note_is_suspected(const cli_census *c, const cli_node *node)
{
    return cli_census_suspected(c, node) &&
           !(cli_census_is_silent(c, node) && cli_census_serves(node));
}

/* The cluster being down by its word says as much. */
static bool note_is_cut_off(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->cut_off && !node->down;
}

static bool note_is_dumb(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->member && !node->answered && node->code == REEF_REFUSED;
}

static bool note_is_new(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->handshake;
}

static bool note_is_homeless(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->homeless && !node->handshake;
}

/* Somebody's roster does not list it. */
static bool note_is_stranger(const cli_census *c, const cli_node *node)
{
    return !node->handshake && node->known + node->answered < c->views;
}

/* The reason of the first of these; it goes into the sentence about all of them. */
static const char *note_why(const cli_census *c, cli_node_test test)
{
    for (size_t i = 0; i < c->count; i++) {
        if (test(c, &c->nodes[i]))
            return c->nodes[i].why;
    }
    return "";
}

/* The same with the reason in parentheses: " does not answer (refused): …" */
static void note_say_why(cli_check *check, cli_node_test test, const char *one,
                         const char *many, const char *rest)
{
    char names[CLI_CENSUS_LINE], text[CLI_CENSUS_LINE];
    uint32_t count = cli_census_names(check->census, test, names, sizeof names);
    if (count == 0)
        return;
    (void)snprintf(text, sizeof text, "%s (%s)%s", count == 1 ? one : many,
                   note_why(check->census, test), rest);
    cli_check_find(check, CLI_DONE, names, text, "");
}

static void note_lost(cli_check *check)
{
    cli_census_say(
        check, CLI_DONE, note_is_failed,
        " has failed, by the word of the others: start it, or when it is gone "
        "for good, run CLUSTER FORGET and its id on each of the others",
        " have failed, by the word of the others: start them, or when they "
        "are gone for good, run CLUSTER FORGET and their ids on each of the "
        "others");
    note_say_why(check, note_is_mute, " gives no answer", " give no answer",
                 ": see that it runs, and the network from here to it");
    note_say_why(check, note_is_closed, " refuses the login", " refuse the login",
                 ": users are no part of what nodes tell each other; give it the same "
                 "ones on each node");
    cli_census_say(
        check, CLI_DONE, note_is_suspected,
        " is suspected to have failed, by some of the others: see that it "
        "runs, and the network between them; look again in some seconds",
        " are suspected to have failed, by some of the others: see that they "
        "run, and the network between them; look again in some seconds");
    cli_census_say(
        check, CLI_DONE, note_is_cut_off,
        " finds most of the others lost, which answer: it looks cut off from "
        "them; see the network between them",
        " find most of the others lost, which answer: they look cut off from "
        "them; see the network between them");
    note_say_why(
        check, note_is_dumb, " does not tell what it knows",
        " do not tell what they know",
        ": let the user run CLUSTER NODES there (ACL SETUSER, +cluster|nodes)");
    cli_census_say(
        check, CLI_DONE, note_is_homeless,
        " has no address that the others know: when it is gone for good, run "
        "CLUSTER FORGET and its id on each of them",
        " have no addresses that the others know: when they are gone for "
        "good, run CLUSTER FORGET and their ids on each of them");
    cli_census_say(
        check, CLI_DONE, note_is_new,
        " was met and has not joined yet: when that lasts, see that both its "
        "port and its bus port (port + 10000) are open between the nodes",
        " were met and have not joined yet: when that lasts, see that both "
        "their ports and their bus ports (port + 10000) are open between the "
        "nodes");
    cli_census_say(
        check, CLI_DONE, note_is_stranger,
        " is not known to all nodes: have it join with CLUSTER MEET, or when "
        "it is gone for good, run CLUSTER FORGET and its id where it is known",
        " are not known to all nodes: have them join with CLUSTER MEET, or "
        "when they are gone for good, run CLUSTER FORGET and their ids where "
        "they are known");
}

/* ---- of another mind ---------------------------------------------------------- */

static void note_name(const cli_census *c, cli_node_number number,
                      char out[REEF_PEER_TEXT])
{
    const cli_node *node = cli_census_at(c, number);
    if (node != NULL)
        cli_node_name(node, out);
    else
        (void)snprintf(out, REEF_PEER_TEXT, "nobody");
}

static void note_say_odd(cli_check *check, const cli_node *node)
{
    const cli_census *c = check->census;
    const cli_odds *odds = &node->odds;
    char name[REEF_PEER_TEXT], says[REEF_PEER_TEXT], most[REEF_PEER_TEXT];
    char text[CLI_CENSUS_LINE];
    cli_node_name(node, name);
    note_name(c, odds->slots > 0 ? odds->says : odds->newer, says);
    note_name(c, odds->most, most);
    if (odds->slots > 0)
        (void)snprintf(text, sizeof text,
                       "%s is of another mind than most about %" PRIu32
                       " slot%s: %" PRIu32 "-%" PRIu32
                       " are served by %s, it says, and by %s, as most say; ",
                       name, odds->slots, odds->slots == 1 ? "" : "s", odds->first,
                       odds->last, says, most);
    else
        (void)snprintf(text, sizeof text,
                       "%s knows %s with epoch %" PRIu64 ", and most with %" PRIu64
                       "; ",
                       name, says, odds->says_epoch, odds->most_epoch);
    cli_check_find(
        check, CLI_DONE, text,
        "news take a second or two: when that lasts, see the network between "
        "it and the others",
        "");
}

static void note_odd(cli_check *check)
{
    const cli_census *c = check->census;
    uint32_t said = 0;
    for (size_t i = 0; i < c->count && said < NOTE_EACH; i++) {
        const cli_node *node = cli_census_at(c, c->order[i]);
        if (node == NULL || !node->odd)
            continue;
        note_say_odd(check, node);
        said++;
    }
}

/* ---- slots on the move -------------------------------------------------------- */

static bool note_is_whole(const cli_moving *m)
{
    return m->giver != 0 && m->taker != 0 && m->giver_to == m->taker &&
           m->taker_from == m->giver;
}

static bool note_same_pair(const cli_moving *a, const cli_moving *b)
{
    return note_is_whole(a) && note_is_whole(b) && a->giver == b->giver &&
           a->taker == b->taker;
}

/* Slots that go the same way as this one; 0: one before it does, too. */
static uint32_t note_pair(const cli_census *c, uint32_t slot)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < REEF_SLOT_COUNT; i++) {
        bool same = note_same_pair(&c->moving[i], &c->moving[slot]);
        if (same && i < slot)
            return 0;
        count += same;
    }
    return count;
}

static void note_moves(cli_check *check)
{
    const cli_census *c = check->census;
    char text[CLI_CENSUS_LINE] = "", from[REEF_PEER_TEXT], to[REEF_PEER_TEXT];
    uint32_t pairs = 0, told = 0;
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT && pairs < NOTE_PAIRS; slot++) {
        const cli_moving *m = &c->moving[slot];
        uint32_t count = note_is_whole(m) ? note_pair(c, slot) : 0;
        size_t len = strlen(text);
        if (count == 0)
            continue;
        note_name(c, m->giver, from);
        note_name(c, m->taker, to);
        (void)snprintf(text + len, sizeof text - len, "%s%" PRIu32 " from %s to %s",
                       pairs > 0 ? ", " : "", count, from, to);
        told += count;
        pairs++;
    }
    if (told > 0)
        cli_check_find(check, CLI_DONE, "slots are on the move: ", text,
                       "; calls for keys there go to whichever of the two has the key");
}

/* Marked on one side alone: what a reshard that was broken off leaves behind. */
static void note_open(cli_check *check)
{
    const cli_census *c = check->census;
    char text[CLI_CENSUS_LINE], at[REEF_PEER_TEXT], other[REEF_PEER_TEXT];
    uint32_t count = 0, first = 0;
    for (uint32_t slot = 0; slot < REEF_SLOT_COUNT; slot++) {
        const cli_moving *m = &c->moving[slot];
        bool open = (m->giver != 0 || m->taker != 0) && !note_is_whole(m);
        if (open && count++ == 0)
            first = slot;
    }
    if (count == 0)
        return;
    const cli_moving *m = &c->moving[first];
    bool gives = m->giver != 0;
    note_name(c, gives ? m->giver : m->taker, at);
    note_name(c, gives ? m->giver_to : m->taker_from, other);
    (void)snprintf(text, sizeof text,
                   "%" PRIu32 " slot%s marked as on the move on one side alone (slot "
                   "%" PRIu32 ", at %s, %s %s): end the move or undo it, with "
                   "\"redis-cli --cluster fix\" or CLUSTER SETSLOT STABLE there",
                   count, count == 1 ? " is" : "s are", first, at,
                   gives ? "to" : "from", other);
    cli_check_find(check, CLI_DONE, text, "", "");
}

/* ---- replicas ----------------------------------------------------------------- */

static bool note_is_orphan(const cli_census *c, const cli_node *node)
{
    const cli_node *master = cli_census_master(c, node);
    return node->replica && !node->handshake &&
           (master == NULL || !cli_census_serves(master));
}

static bool note_is_unlinked(const cli_census *c, const cli_node *node)
{
    const cli_node *master = cli_census_master(c, node);
    return node->replica && node->has_info && !node->link_up && !node->copying &&
           master != NULL && !cli_census_lost(c, master);
}

static bool note_is_copying(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->replica && node->copying;
}

static bool note_is_far(const cli_census *c, const cli_node *node)
{
    uint64_t bytes = 0;
    return node->replica && node->link_up && cli_census_behind(c, node, &bytes) &&
           bytes > NOTE_FAR_BYTES;
}

static bool note_is_empty(const cli_census *c, const cli_node *node)
{
    return node->master && !cli_census_serves(node) && !node->handshake &&
           !node->homeless && !cli_census_failed(c, node) && c->served > 0;
}

static bool note_evicts(const cli_census *c, const cli_node *node)
{
    (void)c;
    return node->evicts && cli_census_serves(node);
}

static void note_replicas(cli_check *check)
{
    cli_census_say(check, CLI_DONE, note_is_orphan,
                   " is a replica of no master that serves slots: there run CLUSTER "
                   "REPLICATE and the id of one that does",
                   " are replicas of no master that serves slots: there run CLUSTER "
                   "REPLICATE and the id of one that does");
    cli_census_say(
        check, CLI_DONE, note_is_unlinked,
        " has lost its master, and its data grows old: see the network "
        "between them, and masterauth where a password is set",
        " have lost their masters, and their data grows old: see the network "
        "between them, and masterauth where a password is set");
    cli_census_say(check, CLI_DONE, note_is_copying,
                   " is still copying its master's data, and not ready to be promoted",
                   " are still copying their masters' data, and not ready to be "
                   "promoted");
    cli_census_say(check, CLI_DONE, note_is_far,
                   " is more than a mebibyte behind its master: promoted now, it would "
                   "lack those writes; see its load, its disk and its network",
                   " are more than a mebibyte behind their masters: promoted now, they "
                   "would lack those writes; see their load, disks and network");
    cli_census_say(check, CLI_DONE, note_is_empty,
                   " is a master without slots: move some there (\"redis-cli --cluster "
                   "rebalance\"), or make it a replica with CLUSTER REPLICATE",
                   " are masters without slots: move some there (\"redis-cli --cluster "
                   "rebalance\"), or make them replicas with CLUSTER REPLICATE");
    cli_census_say(
        check, CLI_DONE, note_evicts,
        " drops sessions when memory is short, which logs users out: set its "
        "maxmemory-policy to noeviction",
        " drop sessions when memory is short, which logs users out: set their "
        "maxmemory-policy to noeviction");
}

/* ---- too much on one host ----------------------------------------------------- */

static bool note_same_host(const cli_node *a, const cli_node *b)
{
    const char *end = strrchr(a->peer, ':');
    size_t len = end != NULL ? (size_t)(end - a->peer) : 0;
    return len > 0 && strncmp(a->peer, b->peer, len) == 0 && b->peer[len] == ':' &&
           strchr(b->peer + len + 1, ':') == NULL;
}

/* All that could take its place run where it does. */
static bool note_is_crowded(const cli_census *c, const cli_node *node)
{
    uint32_t here = 0, all = cli_census_replicas(c, node, true);
    for (size_t i = 0; i < c->count && cli_census_serves(node); i++) {
        const cli_node *other = &c->nodes[i];
        here += cli_census_master(c, other) == node && cli_census_ready(c, other) &&
                note_same_host(node, other);
    }
    return here > 0 && here == all;
}

static void note_hosts(cli_check *check)
{
    const cli_census *c = check->census;
    size_t same = 0;
    char text[CLI_CENSUS_LINE];
    for (size_t i = 0; i < c->count; i++)
        same += note_same_host(&c->nodes[0], &c->nodes[i]);
    if (c->count > 1 && same == c->count) {
        (void)snprintf(text, sizeof text,
                       "all %zu nodes run on one host: when it is lost, so is the "
                       "cluster; spread them over three",
                       same);
        cli_check_find(check, CLI_DONE, text, "", "");
        return;
    }
    cli_census_say(
        check, CLI_DONE, note_is_crowded,
        " and all replicas of it run on one host: when that is lost, so are "
        "its slots; have them run on different ones",
        " each run on one host with all replicas of it: when one is lost, so "
        "are its slots; have them run on different ones");
}

void cli_census_note(cli_check *check)
{
    note_lost(check);
    note_odd(check);
    note_moves(check);
    note_open(check);
    note_replicas(check);
    note_hosts(check);
}
