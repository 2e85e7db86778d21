/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with a name that was looked up, and what to do about it.
 *
 * It is read from the steps of the look-up. A step settles the question (the name is
 * not there, has no such record, is unavailable), is a server's failure, or is neither.
 * What settles it is said of the name; of each server that failed there is one
 * sentence, which is a note where another server answered. */
#include "session/cli/check.h"

#include <inttypes.h>
#include <string.h>

enum {
    BLAME_SLOW_MS = 200, /* a server that had not answered by then was slow */
    BLAME_SERVERS = CLI_NAME_FINDINGS - 5, /* whose failures are said of one name */
    BLAME_LINE = 1024
};

/* ---- outcomes ----------------------------------------------------------------- */

typedef enum blame_kind {
    BLAME_SETTLED, /* it is so, whoever is asked */
    BLAME_FAILED,  /* of the server */
    BLAME_GOOD,    /* an answer to go on with */
    BLAME_OTHER
} blame_kind;

static const struct blame_outcome {
    const char *name;
    blame_kind kind;
    const char *words;
    const char *advice; /* behind the server's name */
} blame_outcomes[] = {
    {"ok", BLAME_GOOD, "", ""},
    {"cname", BLAME_GOOD, "an alias", ""},
    {"truncated", BLAME_OTHER, "too long for a datagram", ""},
    {"dropped", BLAME_OTHER, "no longer waited for", ""},
    {"nxdomain", BLAME_SETTLED, "there is no such name",
     " knows no such name: correct it, or add it there"},
    {"nodata", BLAME_SETTLED, "the name is there, such a record is not", ""},
    {"unavailable", BLAME_SETTLED, "the service is declared unavailable",
     " has it that this service is not available (the target is \".\", or the port "
     "0): see why it is not registered there"},
    {"badname", BLAME_SETTLED, "no target is a host's name",
     " names targets that are no names of hosts: correct them there; letters, digits, "
     "\"-\", \"_\" and dots make one"},
    {"cname_loop", BLAME_SETTLED, "its aliases have no end",
     " has aliases (CNAME) for it that lead back, or are too many: correct them there"},
    {"silent", BLAME_FAILED, "no answer", ""},
    {"unreachable", BLAME_FAILED, "unreachable",
     " can't be reached: see that it runs, or name another in resolver.nameservers"},
    {"refused", BLAME_FAILED, "refused",
     " refuses to answer: have it serve this machine, or name another in "
     "resolver.nameservers"},
    {"servfail", BLAME_FAILED, "the server failed (SERVFAIL)",
     " fails at it (SERVFAIL): its log says why; or name another in "
     "resolver.nameservers"},
    {"notimp", BLAME_FAILED, "the server can't do that (NOTIMP)",
     " can't answer such a question: name another in resolver.nameservers"},
    {"formerr", BLAME_FAILED, "the server did not understand (FORMERR)",
     " does not understand the question: name another in resolver.nameservers"},
    {"lame", BLAME_FAILED, "it only points to other servers",
     " only points to other servers: name one that looks names up itself in "
     "resolver.nameservers"},
    {"malformed", BLAME_FAILED, "a broken answer",
     " gives a broken answer: name another in resolver.nameservers"},
    {"rcode", BLAME_FAILED, "an error",
     ": its log says why; or name another in resolver.nameservers"},
};

/* An outcome that is not in the table is shown by its own name. */
static struct blame_outcome blame_outcome_of(const reef_look_step *step)
{
    struct blame_outcome none = {step->outcome, BLAME_OTHER, step->outcome, ""};
    for (size_t i = 0; i < sizeof blame_outcomes / sizeof blame_outcomes[0]; i++) {
        if (strcmp(blame_outcomes[i].name, step->outcome) == 0)
            return blame_outcomes[i];
    }
    return none;
}

static bool blame_is(const reef_look_step *step, const char *outcome)
{
    return strcmp(step->outcome, outcome) == 0;
}

/* "error 9", and what it is called where it has a name (RFC 2136, 8490, 6891, 8945,
 * 2930, 7873). */
static void blame_error(const reef_look_step *step, char *out, size_t cap)
{
    static const struct {
        const char *error, *words;
    } errors[] = {
        {"error 6", "YXDOMAIN, a name that should not be there is"},
        {"error 7", "YXRRSET, records that should not be there are"},
        {"error 8", "NXRRSET, records that should be there are not"},
        {"error 9", "NOTAUTH, not authoritative, or not authorized"},
        {"error 10", "NOTZONE, a name outside of the zone"},
        {"error 11", "DSOTYPENI, no such type of stateful operation"},
        {"error 16", "BADVERS, a version of EDNS that it does not know"},
        {"error 17", "BADKEY, a key that it does not know"},
        {"error 18", "BADTIME, a signature out of its time"},
        {"error 19", "BADMODE, no such mode of a key"},
        {"error 20", "BADNAME, a name of a key that is taken"},
        {"error 21", "BADALG, an algorithm that it does not know"},
        {"error 22", "BADTRUNC, a signature cut short"},
        {"error 23", "BADCOOKIE, a cookie that is not its own"},
    };
    cli_join(out, cap, step->text[0] != '\0' ? step->text : "an error", "", "");
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(errors[i].error, step->text) == 0)
            (void)snprintf(out, cap, "%s (%s)", step->text, errors[i].words);
    }
}

void cli_name_outcome(const reef_look_step *step, char *out, size_t cap)
{
    if (blame_is(step, "rcode"))
        blame_error(step, out, cap);
    else if (blame_is(step, "ok"))
        (void)snprintf(out, cap, "%" PRIu32 " record%s in %" PRIu32 " bytes",
                       step->records, step->records == 1 ? "" : "s", step->bytes);
    else
        cli_join(out, cap, blame_outcome_of(step).words,
                 step->text[0] != '\0' ? ": " : "", step->text);
}

const reef_look_step *cli_name_settled(const cli_name *name)
{
    const reef_look_step *found = NULL;
    for (uint32_t i = 0; i < name->look->step_count; i++) {
        const reef_look_step *step = &name->look->steps[i];
        bool asked = (strcmp(step->type, "SRV") == 0) == cli_name_is_srv(name);
        if (!asked || blame_outcome_of(step).kind != BLAME_SETTLED)
            continue;
        if (found == NULL || blame_is(found, "nxdomain") || !blame_is(step, "nxdomain"))
            found = step;
    }
    return found;
}

/* ---- what is wrong ------------------------------------------------------------ */

/* "NAME: a b c" */
static void blame_say(cli_check *check, const cli_name *name, int exit_code,
                      const char *text)
{
    char who[REEF_NAME_MAX + 8];
    cli_name_text(name, who, sizeof who);
    cli_check_find(check, exit_code, who, ": ", text);
}

/* There is no such record; perhaps there is one of the other kind. */
static void blame_say_nodata(cli_check *check, const cli_name *name, int exit_code,
                             const char *server)
{
    const reef_look *other = name->other;
    bool found = other != NULL && other->code == REEF_OK && other->target_count > 0;
    char text[BLAME_LINE];
    if (found && cli_name_is_srv(name))
        (void)snprintf(text, sizeof text,
                       "%s has no SRV record of it, but its address, %s: leave out "
                       "\"srv+\", and write the server's port behind the name",
                       server, other->targets[0].addresses[0]);
    else if (found)
        (void)snprintf(text, sizeof text,
                       "%s has no address of it, but an SRV record: write \"srv+%s\"",
                       server, name->host->name);
    else
        (void)snprintf(text, sizeof text,
                       "%s knows the name, but no %s of it: add one there, or %s",
                       server, cli_name_is_srv(name) ? "SRV record" : "address",
                       cli_name_is_srv(name) ? "name a host and its port"
                                             : "correct the name");
    blame_say(check, name, exit_code, text);
}

static void blame_say_settled(cli_check *check, const cli_name *name, int exit_code,
                              const reef_look_step *step)
{
    char text[BLAME_LINE];
    if (blame_is(step, "nodata")) {
        blame_say_nodata(check, name, exit_code, step->server);
        return;
    }
    cli_join(text, sizeof text, step->server, blame_outcome_of(step).advice, "");
    blame_say(check, name, exit_code, text);
}

/* Whether a server gave an answer that can be used, over TCP alone or any way. */
static bool blame_serves(const reef_look *look, const char *server, bool tcp)
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        blame_kind kind = blame_outcome_of(step).kind;
        if (strcmp(step->server, server) == 0 && (step->tcp || !tcp) &&
            (kind == BLAME_GOOD || kind == BLAME_SETTLED))
            return true;
    }
    return false;
}

static bool blame_truncates(const reef_look *look, const char *server)
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        if (strcmp(look->steps[i].server, server) == 0 &&
            blame_is(&look->steps[i], "truncated"))
            return true;
    }
    return false;
}

/* The step that answered the same question; NULL: none did. */
static const reef_look_step *blame_answer_to(const reef_look *look,
                                             const reef_look_step *asked)
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        blame_kind kind = blame_outcome_of(step).kind;
        if ((kind == BLAME_GOOD || kind == BLAME_SETTLED) &&
            strcmp(step->type, asked->type) == 0 &&
            strcmp(step->name, asked->name) == 0)
            return step;
    }
    return NULL;
}

static bool blame_any_serves(const reef_look *look)
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        if (blame_serves(look, look->steps[i].server, false))
            return true;
    }
    return false;
}

static bool blame_is_silent(const reef_look *look, const char *server)
{
    for (uint32_t i = 0; i < look->step_count; i++) {
        if (strcmp(look->steps[i].server, server) == 0 &&
            blame_is(&look->steps[i], "silent"))
            return true;
    }
    return false;
}

/* No answer came, and perhaps none was awaited to the end: another server was quicker,
 * or the time of the whole look-up was over. NULL: that means nothing. */
static const char *blame_no_answer(const reef_look *look, const reef_look_step *step)
{
    const reef_look_step *answer = blame_answer_to(look, step);
    bool silent = blame_is(step, "silent");
    bool waited = silent || step->took_ms >= BLAME_SLOW_MS;
    if (blame_serves(look, step->server, false)) {
        bool own = answer == NULL || strcmp(answer->server, step->server) == 0;
        return waited && own ? " answered some questions and others not: datagrams get "
                               "lost on the way, or it is slow"
                             : NULL;
    }
    if (blame_is_silent(look, step->server) || !blame_any_serves(look))
        return " does not answer: see that it runs and that nothing in between stops "
               "it, or name another in resolver.nameservers";
    return waited ? " had not answered when another did: see that it runs, or name the "
                    "quicker one first"
                  : NULL;
}

/* What a step tells of its server; "": nothing. A server that does not know EDNS is
 * asked without, which is no failure. */
static void blame_step_text(const reef_look *look, const reef_look_step *step,
                            char *out, size_t cap)
{
    const char *tail = NULL;
    char error[BLAME_LINE / 2] = "";
    bool serves = blame_serves(look, step->server, false);
    out[0] = '\0';
    if (blame_is(step, "truncated")) {
        cli_join(
            out, cap, "an answer of ", step->server,
            blame_serves(look, step->server, true)
                ? " was too long for a datagram; over TCP it came whole"
                : " was too long for a datagram, and over TCP it can't be had: let "
                  "TCP through to it");
        return;
    }
    if (step->tcp && blame_truncates(look, step->server))
        return;
    if (blame_is(step, "dropped") || blame_is(step, "silent"))
        tail = blame_no_answer(look, step);
    else if (blame_outcome_of(step).kind == BLAME_FAILED &&
             !(serves && (blame_is(step, "formerr") || blame_is(step, "notimp"))))
        tail = blame_outcome_of(step).advice;
    if (tail == NULL)
        return;
    if (blame_is(step, "rcode"))
        blame_error(step, error, sizeof error);
    cli_join(out, cap, step->server, error[0] != '\0' ? " answers with " : "", error);
    cli_join(out + strlen(out), cap - strlen(out), tail, "", "");
}

/* The same was said of an earlier step. */
static bool blame_said(const reef_look *look, uint32_t at, const char *text)
{
    char earlier[BLAME_LINE];
    for (uint32_t i = 0; i < at; i++) {
        blame_step_text(look, &look->steps[i], earlier, sizeof earlier);
        if (strcmp(earlier, text) == 0)
            return true;
    }
    return false;
}

static void blame_say_servers(cli_check *check, const cli_name *name, int exit_code)
{
    const reef_look *look = name->look;
    char text[BLAME_LINE];
    int said = 0;
    for (uint32_t i = 0; i < look->step_count && said < BLAME_SERVERS; i++) {
        const char *server = look->steps[i].server;
        bool truncated = blame_is(&look->steps[i], "truncated");
        blame_step_text(look, &look->steps[i], text, sizeof text);
        if (text[0] == '\0' || blame_said(look, i, text))
            continue;
        bool helped = truncated && blame_serves(look, server, true);
        blame_say(check, name, helped ? CLI_DONE : exit_code, text);
        said++;
    }
}

/* That a target has no address is the fault of a server, of which that is said. */
static bool blame_target_excused(const reef_look *look, const reef_look_target *t)
{
    char text[BLAME_LINE];
    bool excused = false;
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        blame_kind kind = blame_outcome_of(step).kind;
        if (strcmp(step->type, "SRV") == 0 || strcmp(step->name, t->name) != 0)
            continue;
        if (kind == BLAME_SETTLED || kind == BLAME_GOOD)
            return false;
        blame_step_text(look, step, text, sizeof text);
        excused = excused || text[0] != '\0';
    }
    return excused;
}

/* The targets that have no address for a reason of their own, and the first one. */
static uint32_t blame_bare_targets(const cli_name *name, const reef_look_target **first)
{
    const reef_look *look = name->look;
    uint32_t count = 0;
    *first = NULL;
    for (uint32_t i = 0; i < look->target_count && cli_name_is_srv(name); i++) {
        const reef_look_target *t = &look->targets[i];
        if (t->address_count > 0 || t->why[0] == '\0' || blame_target_excused(look, t))
            continue;
        *first = *first != NULL ? *first : t;
        count++;
    }
    return count;
}

/* Targets without address: how many, and the first one by name. */
static void blame_say_targets(cli_check *check, const cli_name *name, int exit_code)
{
    const reef_look *look = name->look;
    const reef_look_target *first;
    uint32_t count = blame_bare_targets(name, &first);
    uint32_t all = look->target_count + look->targets_dropped;
    char text[BLAME_LINE], who[64] = "its only target has";
    if (count == 0)
        return;
    if (all > 1)
        (void)snprintf(who, sizeof who, "%" PRIu32 " of %" PRIu32 " targets %s", count,
                       all, count == 1 ? "has" : "have");
    (void)snprintf(text, sizeof text,
                   "%s no address, %s%s: correct the SRV record, or add an address",
                   who, count == 1 ? "" : "such as ", first->name);
    blame_say(check, name, exit_code, text);
}

bool cli_name_is_literal(const reef_look_target *t)
{
    return t->address_count > 0 && strcmp(t->addresses[0], t->name) == 0;
}

static void blame_say_literal(cli_check *check, const cli_name *name)
{
    const reef_look *look = name->look;
    char text[BLAME_LINE];
    for (uint32_t i = 0; i < look->target_count && cli_name_is_srv(name); i++) {
        if (!cli_name_is_literal(&look->targets[i]))
            continue;
        cli_join(text, sizeof text, "its target ", look->targets[i].name,
                 " is an address, where an SRV record must have a name: other clients "
                 "will not find it");
        blame_say(check, name, CLI_DONE, text);
        return;
    }
}

/* What is so with a good look-up, too. */
static void blame_say_rest(cli_check *check, const cli_name *name)
{
    const reef_look *look = name->look;
    char text[BLAME_LINE];
    if (look->partial)
        blame_say(check, name, CLI_DONE,
                  "the server has more records than it can send, so that some targets "
                  "are not known: make the service's list shorter");
    if (look->ignored == 0)
        return;
    (void)snprintf(text, sizeof text,
                   "%" PRIu32 " message%s ignored that did not answer the question: "
                   "late, broken, or forged by somebody",
                   look->ignored, look->ignored == 1 ? " was" : "s were");
    blame_say(check, name, CLI_DONE, text);
}

void cli_name_find(cli_check *check, const cli_name *name, int exit_code)
{
    const reef_look_step *settled = cli_name_settled(name);
    bool good = name->look->code == REEF_OK;
    if (good)
        exit_code = CLI_DONE;
    if (!good && settled != NULL)
        blame_say_settled(check, name, exit_code, settled);
    blame_say_targets(check, name, exit_code);
    blame_say_servers(check, name, settled != NULL ? CLI_DONE : exit_code);
    blame_say_literal(check, name);
    blame_say_rest(check, name);
}

const reef_look_step *cli_name_unserved(const cli_name *name)
{
    const reef_look *look = name->look;
    const reef_look_target *first;
    if (look->code == REEF_OK || cli_name_settled(name) != NULL ||
        blame_bare_targets(name, &first) > 0)
        return NULL;
    for (uint32_t i = 0; i < look->step_count; i++) {
        const reef_look_step *step = &look->steps[i];
        if (blame_outcome_of(step).kind == BLAME_FAILED || blame_is(step, "dropped"))
            return step;
    }
    return NULL;
}

/* ---- in one sentence ---------------------------------------------------------- */

/* A byte of a name; `dot`: so is one. */
static bool blame_name_byte(char c, bool dot)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || (dot && c == '.');
}

/* Whether the text speaks of that name, and not of one that only holds it. */
static bool blame_speaks_of(const char *text, const char *name)
{
    size_t len = strlen(name);
    const char *at = len > 0 ? strstr(text, name) : NULL;
    for (; at != NULL; at = strstr(at + 1, name)) {
        const char *end = at + len;
        bool more =
            *end == '.' ? blame_name_byte(end[1], false) : blame_name_byte(*end, false);
        if (!more && (at == text || !blame_name_byte(at[-1], true)))
            return true;
    }
    return false;
}

const char *cli_name_headline(const cli_check *check, const cli_name *name)
{
    const char *why = name->look->why;
    if (blame_speaks_of(why, name->host->name))
        return why;
    for (size_t i = 0; i < check->count; i++) {
        if (check->findings[i].exit_code != CLI_DONE)
            return check->findings[i].text;
    }
    return why;
}
