/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Sentinels believe, and whether they could agree on a fail-over: in plain
 * words, with what to do.
 *
 * Theory: a Sentinel starts a fail-over when `quorum` of them find the master down, and
 * is let to by more than half of all that there are, the dead ones among them. Of two
 * words on the master the one with the higher configuration epoch is the newer. One in
 * TILT votes, but finds no master down and leads nothing. What is
 * seen here is seen from this machine: a Sentinel that is silent to us may well talk to
 * the others, so nothing is said of it but that.
 *
 * Invariant: nothing is printed here; sentences go to cli_check_find, which shows them
 * by the put functions. */
#include "session/cli/belief.h"

#include <inttypes.h>
#include <string.h>

enum {
    BELIEF_NAMED = 4,  /* peers by name, then "and 3 more" */
    BELIEF_GROUPS = 4, /* beliefs that are told apart */
    BELIEF_HOST = REEF_PEER_TEXT
};

/* ---- texts -------------------------------------------------------------------- */

void cli_belief_put(cli_belief_set *set, uint32_t index)
{
    set->count += !set->has[index];
    set->has[index] = true;
}

static void belief_append(char *out, size_t cap, const char *text)
{
    size_t len = strlen(out);
    cli_join(out + len, cap - len, text, "", "");
}

/* "a", "a and b", "a, b, c, d and 3 more"; behind what is in `out`. */
static void belief_append_set(const reef_topology *t, const cli_belief_set *set,
                              char *out, size_t cap)
{
    uint32_t named = 0;
    char tail[32];
    for (uint32_t i = 0; i < t->sentinel_count && named < BELIEF_NAMED; i++) {
        if (!set->has[i])
            continue;
        bool last = named + 1 == set->count;
        if (named > 0)
            belief_append(out, cap, last ? " and " : ", ");
        belief_append(out, cap, t->sentinels[i].peer);
        named++;
    }
    (void)snprintf(tail, sizeof tail, " and %" PRIu32 " more", set->count - named);
    if (set->count > named)
        belief_append(out, cap, tail);
}

/* `before`, the Sentinels, `after` as one sentence; nothing where there are none. */
void cli_belief_say(cli_check *check, int exit_code, const char *before,
                    const cli_belief_set *set, const char *after)
{
    char text[CLI_BELIEF_LINE];
    if (set->count == 0)
        return;
    cli_join(text, sizeof text, before, "", "");
    belief_append_set(&check->topology, set, text, sizeof text);
    cli_check_find(check, exit_code, text, after, "");
}

/* A word of flags that commas divide. */
bool cli_belief_has_flag(const reef_sentinel_view *view, const char *flag)
{
    size_t len = strlen(flag);
    const char *at = strstr(view->flags, flag);
    for (; at != NULL; at = strstr(at + 1, flag)) {
        if ((at == view->flags || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* "10.0.0.1:26379" without its port. */
static void belief_host(const char *peer, char out[BELIEF_HOST])
{
    const char *end = strrchr(peer, ':');
    int len = end != NULL ? (int)(end - peer) : (int)strlen(peer);
    (void)snprintf(out, BELIEF_HOST, "%.*s", len, peer);
}

/* ---- counting ----------------------------------------------------------------- */

bool cli_belief_knows(const reef_sentinel_view *view)
{
    return view->state == REEF_SENTINEL_KNOWS;
}

/* An earlier view is of the same Sentinel; `twin` says which. */
bool cli_belief_is_twin(const reef_topology *t, uint32_t index, uint32_t *twin)
{
    const char *id = t->sentinels[index].id;
    for (uint32_t i = 0; i < index && id[0] != '\0'; i++) {
        if (strcmp(t->sentinels[i].id, id) == 0) {
            *twin = i;
            return true;
        }
    }
    return false;
}

uint32_t cli_belief_knowing(const reef_topology *t)
{
    uint32_t count = 0, twin;
    for (uint32_t i = 0; i < t->sentinel_count; i++)
        count += cli_belief_knows(&t->sentinels[i]) && !cli_belief_is_twin(t, i, &twin);
    return count;
}

uint32_t cli_belief_able(const reef_topology *t)
{
    uint32_t count = 0, twin;
    for (uint32_t i = 0; i < t->sentinel_count; i++)
        count += cli_belief_knows(&t->sentinels[i]) &&
                 !cli_belief_has_flag(&t->sentinels[i], "tilt") &&
                 !cli_belief_is_twin(t, i, &twin);
    return count;
}

/* The largest: how many have to find the master down. */
static uint32_t belief_quorum(const reef_topology *t)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (cli_belief_knows(view) && view->quorum > most)
            most = view->quorum;
    }
    return most;
}

/* All that there are, by the largest count of those that know the master. */
uint32_t cli_belief_voters(const reef_topology *t)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (cli_belief_knows(view) && view->others < UINT32_MAX &&
            view->others + 1 > most)
            most = view->others + 1;
    }
    return most;
}

uint32_t cli_belief_needed(const reef_topology *t)
{
    uint32_t voters = cli_belief_voters(t), quorum = belief_quorum(t);
    uint32_t majority = voters > 0 ? voters / 2 + 1 : 0;
    return quorum > majority ? quorum : majority;
}

const reef_sentinel_view *cli_belief_newest(const reef_topology *t)
{
    const reef_sentinel_view *best = NULL;
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (cli_belief_knows(view) && (best == NULL || view->epoch > best->epoch))
            best = view;
    }
    return best;
}

const char *cli_belief_why(const reef_sentinel_view *view)
{
    size_t len = strlen(view->peer);
    bool own = strncmp(view->why, view->peer, len) == 0 &&
               strncmp(view->why + len, ": ", 2) == 0;
    return own ? view->why + len + 2 : view->why;
}

/* ---- enough of them ----------------------------------------------------------- */

/* Enough answer for the votes; are those that are not in TILT enough to find the master
 * down? */
static void belief_find_tilted(cli_check *check)
{
    const reef_topology *t = &check->topology;
    uint32_t able = cli_belief_able(t), tilted = cli_belief_knowing(t) - able;
    uint32_t quorum = belief_quorum(t);
    char text[CLI_BELIEF_LINE];
    if (tilted == 0 || able > quorum)
        return;
    (void)snprintf(text, sizeof text,
                   "%" PRIu32 " of %" PRIu32 " Sentinels can find the master down now, "
                   "since %" PRIu32 " %s in TILT, and a fail-over takes %" PRIu32 ": ",
                   able, cli_belief_voters(t), tilted, tilted == 1 ? "is" : "are",
                   quorum);
    if (able < quorum)
        cli_check_find(check, CLI_FRAGILE, text,
                       "as seen from here none can be voted; start those that do not ",
                       "answer, or wait: TILT ends half a minute after its cause");
    else
        cli_check_find(check, CLI_DONE, text, "with one more lost, none can be voted",
                       "");
}

static void belief_find_majority(cli_check *check)
{
    const reef_topology *t = &check->topology;
    uint32_t knowing = cli_belief_knowing(t), voters = cli_belief_voters(t);
    uint32_t needed = cli_belief_needed(t);
    char text[CLI_BELIEF_LINE];
    if (needed > voters) {
        (void)snprintf(text, sizeof text,
                       "the quorum is %" PRIu32 ", and there %s only %" PRIu32
                       " Sentinel%s: no fail-over can ever be voted; add Sentinels, or "
                       "lower it on each with SENTINEL SET %s quorum %" PRIu32,
                       needed, voters == 1 ? "is" : "are", voters,
                       voters == 1 ? "" : "s", check->ctx->config.master_name,
                       voters / 2 + 1);
        cli_check_find(check, CLI_FRAGILE, text, "", "");
    } else if (knowing < needed) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu32 " of %" PRIu32 " Sentinels answer%s, and a fail-over "
                       "takes %" PRIu32 ": as seen from here none can be voted; start "
                       "the others, or see the network to them",
                       knowing, voters, knowing == 1 ? "s" : "", needed);
        cli_check_find(check, CLI_FRAGILE, text, "", "");
    } else if (knowing == needed && knowing < voters) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu32 " of %" PRIu32 " Sentinels answer, and a fail-over "
                       "takes %" PRIu32 ": with one more lost, none can be voted",
                       knowing, voters, needed);
        cli_check_find(check, CLI_DONE, text, "", "");
    }
}

static void belief_find_number(cli_check *check)
{
    uint32_t voters = cli_belief_voters(&check->topology);
    char text[CLI_BELIEF_LINE];
    if (voters == 1)
        cli_check_find(check, CLI_DONE,
                       "there is one Sentinel alone: when it is lost, so is every ",
                       "fail-over; run three, on three hosts", "");
    else if (voters == 2)
        cli_check_find(
            check, CLI_DONE,
            "there are two Sentinels: when one is lost, no fail-over can be ",
            "voted; run three, on three hosts", "");
    else if (voters % 2 == 0 && voters > 0) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu32 " Sentinels bear the loss of as many as %" PRIu32
                       " do: run an odd number",
                       voters, voters - 1);
        cli_check_find(check, CLI_DONE, text, "", "");
    }
}

/* It knows the master, or may do so. */
static bool belief_counts(const reef_sentinel_view *view)
{
    return cli_belief_knows(view) || view->state == REEF_SENTINEL_SILENT;
}

/* The host that most of them share, and how many. */
static uint32_t belief_crowd(const reef_topology *t, char out[BELIEF_HOST])
{
    uint32_t most = 0, twin;
    char host[BELIEF_HOST], other[BELIEF_HOST];
    out[0] = '\0';
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        uint32_t count = 0;
        belief_host(t->sentinels[i].peer, host);
        for (uint32_t j = 0; j < t->sentinel_count; j++) {
            belief_host(t->sentinels[j].peer, other);
            count += belief_counts(&t->sentinels[j]) && strcmp(host, other) == 0 &&
                     !cli_belief_is_twin(t, j, &twin);
        }
        if (count > most)
            memcpy(out, host, sizeof host);
        most = count > most ? count : most;
    }
    return most;
}

static void belief_find_crowd(cli_check *check)
{
    const reef_topology *t = &check->topology;
    uint32_t voters = cli_belief_voters(t), needed = cli_belief_needed(t);
    char host[BELIEF_HOST], text[CLI_BELIEF_LINE];
    uint32_t crowd = belief_crowd(t, host);
    if (crowd < 2 || crowd > voters || voters - crowd >= needed)
        return;
    char who[64];
    if (crowd == voters)
        (void)snprintf(who, sizeof who, "all %" PRIu32 " Sentinels", crowd);
    else
        (void)snprintf(who, sizeof who, "%" PRIu32 " of %" PRIu32 " Sentinels", crowd,
                       voters);
    (void)snprintf(text, sizeof text,
                   "%s run on the host %s: when it is lost, no fail-over can be voted; "
                   "spread them over three hosts",
                   who, host);
    cli_check_find(check, CLI_DONE, text, "", "");
}

/* ---- do they agree ------------------------------------------------------------ */

static bool belief_is_moving(const reef_topology *t)
{
    bool moving = t->held || t->early;
    for (uint32_t i = 0; i < t->sentinel_count; i++)
        moving =
            moving || cli_belief_has_flag(&t->sentinels[i], "failover_in_progress");
    return moving;
}

static bool belief_same(const reef_sentinel_view *a, const reef_sentinel_view *b)
{
    return a->epoch == b->epoch && strcmp(a->master, b->master) == 0;
}

/* Those that say the same as `view`. */
static cli_belief_set belief_group(const reef_topology *t,
                                   const reef_sentinel_view *view)
{
    cli_belief_set set = {{false}, 0};
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (cli_belief_knows(&t->sentinels[i]) && belief_same(&t->sentinels[i], view))
            cli_belief_put(&set, i);
    }
    return set;
}

/* "a and b say 10.0.0.1:6379 (epoch 7)" */
static void belief_append_group(const reef_topology *t, const cli_belief_set *set,
                                const reef_sentinel_view *view, char *out, size_t cap)
{
    char text[REEF_PEER_TEXT + 64];
    belief_append_set(t, set, out, cap);
    (void)snprintf(text, sizeof text, " %s %s (epoch %" PRIu64 ")",
                   set->count == 1 ? "says" : "say", view->master, view->epoch);
    belief_append(out, cap, text);
}

typedef struct belief_split {
    const reef_sentinel_view *newest;
    cli_belief_set older; /* all that do not say the same as the newest */
    bool other_master;    /* one of them names another master … */
    bool tied;            /* … with the same epoch */
    char text[CLI_BELIEF_LINE];
} belief_split;

/* Who says what, the newest word first; false: all say the same. */
static bool belief_splits(const reef_topology *t, belief_split *split)
{
    cli_belief_set told = {{false}, 0};
    uint32_t groups = 1;
    memset(split, 0, sizeof *split);
    split->newest = cli_belief_newest(t);
    if (split->newest == NULL)
        return false;
    told = belief_group(t, split->newest);
    belief_append_group(t, &told, split->newest, split->text, sizeof split->text);
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (!cli_belief_knows(view) || belief_same(view, split->newest))
            continue;
        bool other = strcmp(view->master, split->newest->master) != 0;
        cli_belief_put(&split->older, i);
        split->other_master = split->other_master || other;
        split->tied = split->tied || (other && view->epoch == split->newest->epoch);
        if (told.has[i] || groups++ >= BELIEF_GROUPS)
            continue;
        cli_belief_set group = belief_group(t, view);
        belief_append(split->text, sizeof split->text, "; ");
        belief_append_group(t, &group, view, split->text, sizeof split->text);
        for (uint32_t j = 0; j < t->sentinel_count; j++)
            told.has[j] = told.has[j] || group.has[j];
    }
    return split->older.count > 0;
}

static void belief_find_split(cli_check *check)
{
    const reef_topology *t = &check->topology;
    belief_split split;
    char end[CLI_BELIEF_LINE] = "";
    if (!belief_splits(t, &split))
        return;
    if (split.tied) {
        cli_check_find(check, CLI_FRAGILE,
                       "the Sentinels disagree about the master: ", split.text,
                       ". The epochs are the same, so that neither is newer: see which "
                       "one takes writes (ROLE on each), and have all Sentinels watch "
                       "that one, with SENTINEL REMOVE and SENTINEL MONITOR");
        return;
    }
    belief_append_set(t, &split.older, end, sizeof end);
    belief_append(end, sizeof end,
                  split.older.count == 1 ? " has still to hear of it, or is cut off"
                                         : " have still to hear of it, or are cut off");
    if (belief_is_moving(t) || !split.other_master)
        belief_append(end, sizeof end, ": look again in some seconds");
    else
        belief_append(end, sizeof end,
                      ": look again in some seconds; if it stays so, see the network "
                      "between them and the others, and then start them anew");
    belief_append(split.text, sizeof split.text, ". The higher epoch is newer: ");
    cli_check_find(check,
                   belief_is_moving(t) || !split.other_master ? CLI_DONE : CLI_FRAGILE,
                   split.other_master ? "the Sentinels disagree about the master: "
                                      : "the Sentinels differ in the epoch: ",
                   split.text, end);
}

static void belief_find_quorum(cli_check *check)
{
    const reef_topology *t = &check->topology;
    const reef_sentinel_view *newest = cli_belief_newest(t);
    cli_belief_set set = {{false}, 0};
    char text[CLI_BELIEF_LINE];
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (cli_belief_knows(&t->sentinels[i]) &&
            t->sentinels[i].quorum != newest->quorum)
            cli_belief_put(&set, i);
    }
    (void)snprintf(text, sizeof text,
                   " has another quorum than %s has, %" PRIu32 ": set it on each with "
                   "SENTINEL SET %s quorum",
                   newest->peer, newest->quorum, check->ctx->config.master_name);
    cli_belief_say(check, CLI_DONE, "", &set, text);
}

/* Who knows fewer others than there are. */
static void belief_find_strangers(cli_check *check)
{
    const reef_topology *t = &check->topology;
    uint32_t voters = cli_belief_voters(t);
    cli_belief_set set = {{false}, 0};
    char text[CLI_BELIEF_LINE];
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (cli_belief_knows(&t->sentinels[i]) && t->sentinels[i].others + 1 < voters)
            cli_belief_put(&set, i);
    }
    (void)snprintf(text, sizeof text,
                   " knows fewer than the %" PRIu32 " other Sentinels that there are: "
                   "it looks cut off, from them or from the master, over whose "
                   "__sentinel__:hello channel they meet; see the network between them",
                   voters - 1);
    cli_belief_say(check, CLI_DONE, "", &set, text);
}

/* ---- all of it ---------------------------------------------------------------- */

/* Each that there is was asked, and is silent. */
static bool belief_all_silent(const reef_topology *t)
{
    uint32_t silent = 0;
    for (uint32_t i = 0; i < t->sentinel_count; i++)
        silent += t->sentinels[i].state == REEF_SENTINEL_SILENT;
    return silent > 0 && silent == t->sentinel_count;
}

void cli_belief_failed(cli_check *check, int exit_code, const char *why)
{
    const reef_topology *t = &check->topology;
    check->failed = exit_code;
    if (!t->sentinel)
        return;
    if (cli_belief_knowing(t) > 0)
        cli_check_find(check, exit_code, "the master can't be used: ", why, "");
    else if (belief_all_silent(t))
        cli_check_find(check, exit_code, "no Sentinel was reached, so that nobody ",
                       "tells where the master is", "");
    cli_belief_find(check);
}

void cli_belief_find(cli_check *check)
{
    const reef_topology *t = &check->topology;
    if (!t->sentinel)
        return;
    if (t->sentinel_count == 0)
        cli_check_find(check, CLI_USAGE,
                       "none of server.redis.hosts leads to a Sentinel: ",
                       "correct it, or the names in it", "");
    if (cli_belief_knowing(t) > 0) {
        belief_find_majority(check);
        if (cli_belief_knowing(t) >= cli_belief_needed(t))
            belief_find_tilted(check);
        belief_find_split(check);
    }
    cli_witness_find_useless(check);
    if (cli_belief_knowing(t) == 0)
        return;
    belief_find_strangers(check);
    belief_find_quorum(check);
    cli_witness_find(check);
    belief_find_number(check);
    belief_find_crowd(check);
}
