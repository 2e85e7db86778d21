/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with one Sentinel or another, each by itself: of no use, flags that
 * need a word, and what matters to this client alone.
 *
 * Invariant: nothing is printed here; sentences go to cli_check_find. */
#include "session/cli/belief.h"

#include <inttypes.h>
#include <string.h>

enum {
    WITNESS_SAID = 10,    /* Sentinels of which something is said one by one */
    WITNESS_SLOW_MS = 150 /* half of what each has to answer in */
};

/* ---- each by itself ----------------------------------------------------------- */

static void witness_say_silent(cli_check *check, const cli_belief_set *set,
                               const reef_sentinel_view *view)
{
    char text[CLI_BELIEF_LINE];
    const char *why = cli_belief_why(view), *it = set->count == 1 ? "it" : "them";
    bool known = why[0] != '\0';
    (void)snprintf(text, sizeof text, " %s not answer%s%s%s: start %s, or %s %s%s",
                   set->count == 1 ? "does" : "do", known ? " (" : "", why,
                   known ? ")" : "", it, view->configured ? "take" : "have", it,
                   view->configured ? " out of server.redis.hosts"
                                    : " forgotten when gone for good, with SENTINEL "
                                      "RESET on the others, one after the other");
    cli_belief_say(check, CLI_DONE, "", set, text);
}

/* The host that it was to be found by, without the mark of a service. */
static const char *witness_name(const reef_sentinel_view *view)
{
    return strncmp(view->peer, "srv+", 4) == 0 ? view->peer + 4 : view->peer;
}

/* A configured name that led to no address: there is no port behind it. */
static bool witness_is_name(const reef_sentinel_view *view)
{
    return view->state == REEF_SENTINEL_SILENT && strchr(view->peer, ':') == NULL;
}

/* `check` has looked the name up itself, and says what is wrong with it. */
static bool witness_is_told(const cli_check *check, const reef_sentinel_view *view)
{
    for (size_t i = 0; i < check->name_count && witness_is_name(view); i++) {
        const cli_name *name = &check->names[i];
        if (name->look != NULL && name->look->code != REEF_OK &&
            strcmp(name->host->name, witness_name(view)) == 0)
            return true;
    }
    return false;
}

static void witness_say_nowhere(cli_check *check, const cli_belief_set *set,
                                const reef_sentinel_view *view)
{
    char text[CLI_BELIEF_LINE];
    bool one = set->count == 1;
    cli_join(text, sizeof text, one ? " leads nowhere (" : " lead nowhere (",
             view->why[0] != '\0' ? view->why : "no address",
             one ? "): check the name, in server.redis.hosts and in the DNS, or the "
                   "name server"
                 : "): check the names, in server.redis.hosts and in the DNS, or the "
                   "name server");
    cli_belief_say(check, CLI_DONE, "", set, text);
}

static void witness_say_wrong(cli_check *check, const cli_belief_set *set,
                              const reef_sentinel_view *view, int exit_code)
{
    char text[CLI_BELIEF_LINE];
    const char *why = cli_belief_why(view);
    cli_join(text, sizeof text, ": ", why[0] != '\0' ? why : "of no use here", "");
    cli_belief_say(check, exit_code, "", set, text);
}

static void witness_say_unknown(cli_check *check, const cli_belief_set *set,
                                const reef_sentinel_view *view, int exit_code)
{
    char text[CLI_BELIEF_LINE];
    bool none = view->names[0] == '\0', one = set->count == 1;
    (void)snprintf(text, sizeof text, " %s no master \"%s\"%s%s: %s",
                   one ? "knows" : "know", check->ctx->config.master_name,
                   none  ? ", nor any other"
                   : one ? "; it knows "
                         : "; they know ",
                   view->names,
                   none ? "have it watched there, with \"sentinel monitor\""
                        : "correct server.redis.master_name, or have that master "
                          "watched there, with \"sentinel monitor\"");
    cli_belief_say(check, exit_code, "", set, text);
}

/* Of both there is the same to say. */
static bool witness_is_like(const reef_sentinel_view *a, const reef_sentinel_view *b)
{
    return a->state == b->state && a->configured == b->configured &&
           witness_is_name(a) == witness_is_name(b) &&
           strcmp(a->names, b->names) == 0 &&
           strcmp(cli_belief_why(a), cli_belief_why(b)) == 0;
}

/* Those like the index-th; false: an earlier one is, too. */
static bool witness_gather(const reef_topology *t, uint32_t index, cli_belief_set *out)
{
    *out = (cli_belief_set){{false}, 0};
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        bool like = witness_is_like(&t->sentinels[i], &t->sentinels[index]);
        if (like && i < index)
            return false;
        if (like)
            cli_belief_put(out, i);
    }
    return true;
}

/* Of no use: a note while others know the master. */
void cli_witness_find_useless(cli_check *check)
{
    const reef_topology *t = &check->topology;
    int exit_code = cli_belief_knowing(t) > 0 ? CLI_DONE
                    : check->failed != 0      ? check->failed
                                              : CLI_USAGE;
    cli_belief_set set;
    uint32_t said = 0;
    for (uint32_t i = 0; i < t->sentinel_count && said < WITNESS_SAID; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (cli_belief_knows(view) || witness_is_told(check, view) ||
            !witness_gather(t, i, &set))
            continue;
        said++;
        switch (view->state) {
        case REEF_SENTINEL_SILENT:
            if (witness_is_name(view))
                witness_say_nowhere(check, &set, view);
            else
                witness_say_silent(check, &set, view);
            break;
        case REEF_SENTINEL_WRONG:
            witness_say_wrong(check, &set, view, exit_code);
            break;
        case REEF_SENTINEL_UNKNOWN:
            witness_say_unknown(check, &set, view, exit_code);
            break;
        case REEF_SENTINEL_KNOWS:
            break;
        }
    }
}

static void witness_find_twins(cli_check *check)
{
    const reef_topology *t = &check->topology;
    uint32_t twin;
    char text[CLI_BELIEF_LINE];
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (!cli_belief_is_twin(t, i, &twin))
            continue;
        cli_join(text, sizeof text, " is the same Sentinel as ",
                 t->sentinels[twin].peer, ": ");
        cli_check_find(
            check, CLI_DONE, t->sentinels[i].peer, text,
            "one name for it is enough; when both are machines of their own, "
            "one was copied with its \"sentinel myid\": remove that line "
            "there");
        return;
    }
}

/* ---- flags -------------------------------------------------------------------- */

/* It tells of a master in whose place another one serves already. */
static bool witness_is_behind(const reef_topology *t, const reef_sentinel_view *view)
{
    return !t->held && t->master[0] != '\0' && strcmp(view->master, t->master) != 0 &&
           (t->early || view->epoch < t->epoch);
}

static cli_belief_set witness_flagged(const reef_topology *t, const char *flag,
                                      bool behind)
{
    cli_belief_set set = {{false}, 0};
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (cli_belief_knows(view) && cli_belief_has_flag(view, flag) &&
            witness_is_behind(t, view) == behind)
            cli_belief_put(&set, i);
    }
    return set;
}

static void witness_drop(cli_belief_set *set, const cli_belief_set *those)
{
    for (uint32_t i = 0; i < REEF_SENTINELS_MAX; i++) {
        if (set->has[i] && those->has[i]) {
            set->has[i] = false;
            set->count--;
        }
    }
}

/* What is the matter with the master, worst first. */
static const struct {
    const char *flag, *words;
} witness_flags[] = {
    {"failover_in_progress",
     ": a fail-over is under way (failover_in_progress): calls wait for the new "
     "master; look again in some seconds"},
    {"o_down",
     ": the Sentinels have agreed that the master is down (o_down): a fail-over is "
     "due; when none comes, their logs say why"},
    {"s_down",
     ": the master does not answer there (s_down): see that it runs, and the network "
     "between the two"},
    {"disconnected",
     ": no connection to the master from there (disconnected): see that it runs, "
     "and the network between the two"}};

enum { WITNESS_FLAGS = sizeof witness_flags / sizeof witness_flags[0] };

/* Flags of the old master mean nothing for calls once the new one serves. */
static void witness_find_behind(cli_check *check)
{
    const reef_topology *t = &check->topology;
    cli_belief_set all = {{false}, 0};
    char text[CLI_BELIEF_LINE];
    for (size_t i = 0; i < WITNESS_FLAGS; i++) {
        cli_belief_set set = witness_flagged(t, witness_flags[i].flag, true);
        for (uint32_t j = 0; j < t->sentinel_count; j++) {
            if (set.has[j])
                cli_belief_put(&all, j);
        }
    }
    cli_join(text, sizeof text,
             all.count == 1 ? " still tells of the old master: "
                            : " still tell of the old master: ",
             t->master,
             " serves in its place and calls go there, but not all have announced it "
             "yet; look again in some seconds");
    cli_belief_say(check, CLI_DONE, "", &all, text);
}

static void witness_find_flags(cli_check *check)
{
    const reef_topology *t = &check->topology;
    cli_belief_set down = witness_flagged(t, "o_down", false);
    cli_belief_set tilted = witness_flagged(t, "tilt", false);
    cli_belief_set behind = witness_flagged(t, "tilt", true);
    witness_find_behind(check);
    for (size_t i = 0; i < WITNESS_FLAGS; i++) {
        cli_belief_set set = witness_flagged(t, witness_flags[i].flag, false);
        if (strcmp(witness_flags[i].flag, "s_down") == 0)
            witness_drop(&set, &down); /* o_down says it */
        cli_belief_say(check, CLI_DONE, "", &set, witness_flags[i].words);
    }
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (behind.has[i])
            cli_belief_put(&tilted, i);
    }
    cli_belief_say(check, CLI_DONE, "", &tilted,
                   ": in TILT, since its clock jumped or it stood still for seconds: "
                   "until it has run evenly for half a minute it finds no master down "
                   "and leads no fail-over; see the load and the clock of that "
                   "machine");
}

/* ---- for this client ---------------------------------------------------------- */

static void witness_find_unwatched(cli_check *check)
{
    const reef_topology *t = &check->topology;
    cli_belief_set set = {{false}, 0};
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (cli_belief_knows(&t->sentinels[i]) && !t->sentinels[i].watched)
            cli_belief_put(&set, i);
    }
    cli_belief_say(
        check, CLI_DONE, "", &set,
        ": announcements are not heard from there, and reef asks once a "
        "second, so that a fail-over is noticed up to a second late: let the "
        "user subscribe there (ACL SETUSER, +subscribe +psubscribe "
        "allchannels); it takes Redis 6 or later");
}

static void witness_find_slow(cli_check *check)
{
    const reef_topology *t = &check->topology;
    cli_belief_set set = {{false}, 0};
    char text[CLI_BELIEF_LINE];
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (cli_belief_knows(&t->sentinels[i]) &&
            t->sentinels[i].took_ms >= WITNESS_SLOW_MS)
            cli_belief_put(&set, i);
    }
    (void)snprintf(text, sizeof text,
                   ": slow to answer; after %d ms it would count as silent: see its "
                   "load, and the network to it",
                   (int)REEF_SENTINEL_MS);
    cli_belief_say(check, CLI_DONE, "", &set, text);
}

/* A new start finds only those that are configured. */
static void witness_find_seeds(cli_check *check)
{
    const reef_topology *t = &check->topology;
    const reef_config *config = &check->ctx->config;
    cli_belief_set set = {{false}, 0};
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        if (!t->sentinels[i].configured)
            cli_belief_put(&set, i);
    }
    if (config->host_count == 1 && config->hosts[0].kind == REEF_HOST_TCP)
        cli_belief_say(check, CLI_DONE,
                       "server.redis.hosts names one Sentinel alone; when that one is "
                       "lost, a new start finds none: add ",
                       &set, "");
}

static bool witness_is_loopback(const char *peer)
{
    return strncmp(peer, "127.", 4) == 0 || strncmp(peer, "[::1]:", 6) == 0 ||
           strncmp(peer, "localhost:", 10) == 0;
}

/* An address that means another machine here than it does there. */
static void witness_find_loopback(cli_check *check)
{
    const reef_topology *t = &check->topology;
    char text[CLI_BELIEF_LINE];
    for (uint32_t i = 0; i < t->sentinel_count; i++) {
        const reef_sentinel_view *view = &t->sentinels[i];
        if (!cli_belief_knows(view) || !witness_is_loopback(view->master) ||
            witness_is_loopback(view->peer))
            continue;
        cli_join(text, sizeof text, " announces the master as ", view->master,
                 ", which means another machine wherever it is read: ");
        cli_check_find(check, CLI_DONE, view->peer, text,
                       "have the Sentinels monitor it by an address that is good "
                       "everywhere");
        return;
    }
}

void cli_witness_find(cli_check *check)
{
    witness_find_flags(check);
    witness_find_twins(check);
    witness_find_loopback(check);
    witness_find_seeds(check);
    witness_find_unwatched(check);
    witness_find_slow(check);
}
