/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a name led nowhere, in a sentence for who is woken up by it: which name, which
 * server said what, and what to do about it where that is known. Names and servers are
 * cut where they are long, so that the sentence keeps its end. */
#include "net/engine.h"
#include "net/resolve_in.h"

#include <stdio.h>
#include <string.h>

reef_words_name reef_words_cut(const char *text)
{
    reef_words_name out;
    size_t len = strlen(text);
    snprintf(out.text, sizeof out.text, "%.*s%s", REEF_WORDS_NAME, text,
             len > REEF_WORDS_NAME ? "..." : "");
    return out;
}

reef_words_name reef_words_of(const reef_dns_name *name)
{
    char text[REEF_DNS_TEXT_MAX];
    reef_dns_name_text(name, text);
    return reef_words_cut(text);
}

void reef_words_put(reef_error *why, const char *text)
{
    reef_error_put(why, REEF_DNS, 0, NULL, text);
}

void reef_words_nomem(reef_error *why)
{
    reef_error_put(why, REEF_NOMEM, 0, NULL, "out of memory for looking up a name");
}

typedef struct words_peer {
    char text[REEF_WORDS_PEER + 1];
} words_peer;

static words_peer words_server(const reef_ask *ask, uint32_t server)
{
    char peer[REEF_PEER_TEXT];
    words_peer out;
    reef_peer_text(peer, ask->servers[server].address, ask->servers[server].port,
                   false);
    snprintf(out.text, sizeof out.text, "%.*s", REEF_WORDS_PEER, peer);
    return out;
}

/* A sentence about a server and a name: what stands around them. */
typedef struct words_frame {
    const char *before, *between, *after;
} words_frame;

static void words_fill(reef_error *why, const words_frame *frame, const char *server,
                       const char *name)
{
    char text[2 * REEF_ERROR_TEXT];
    snprintf(text, sizeof text, "%s%.*s%s%.*s%s", frame->before, REEF_WORDS_PEER,
             server, frame->between, REEF_WORDS_ASKED, name, frame->after);
    reef_words_put(why, text);
}

/* ---- answers without records -------------------------------------------------- */

static words_frame words_nodata(uint16_t type)
{
    words_frame service = {"", " says that ",
                           " has no SRV records: is it a host, to be written without "
                           "\"srv+\"?"};
    words_frame host = {"", " says that ", " has no address"};
    return type == REEF_DNS_SRV ? service : host;
}

/* The name that was asked for, and where aliases led from there. */
static void words_asked(char out[REEF_WORDS_ASKED + 1], const reef_leg *leg)
{
    enum { EACH = 36 };
    char first[REEF_DNS_TEXT_MAX], last[REEF_DNS_TEXT_MAX];
    reef_words_name only = reef_words_of(&leg->names[0]);
    size_t first_len = reef_dns_name_text(&leg->names[0], first);
    size_t last_len = reef_dns_name_text(&leg->names[leg->name_count - 1], last);
    if (leg->name_count == 1)
        snprintf(out, REEF_WORDS_ASKED + 1, "%s", only.text);
    else
        snprintf(out, REEF_WORDS_ASKED + 1, "%.*s%s, which %.*s%s is an alias of,",
                 EACH, last, last_len > EACH ? "..." : "", EACH, first,
                 first_len > EACH ? "..." : "");
}

void reef_words_outcome(reef_error *why, const reef_leg *leg)
{
    char name[REEF_WORDS_ASKED + 1];
    words_frame frame = {"", " sent no answer that can be used about ", ""};
    words_frame none = {"no such name: ", " says that ", " does not exist"};
    words_frame loop = {"", " says that ",
                        " is an alias that leads in a circle, or "
                        "through too many others"};
    words_frame closed = {"", " says that the service ",
                          " is not available: its SRV records have the target \".\" or "
                          "port 0"};
    words_frame bad = {"", " has SRV records for ",
                       ", but no target of them can be the name of a host"};
    words_asked(name, leg);
    switch (leg->records->answer.outcome) {
    case REEF_DNS_NODATA:
        frame = words_nodata(leg->type);
        break;
    case REEF_DNS_NXDOMAIN:
        frame = none;
        break;
    case REEF_DNS_CNAME_LOOP:
        frame = loop;
        break;
    case REEF_DNS_UNAVAILABLE:
        frame = closed;
        break;
    case REEF_DNS_BADNAME:
        frame = bad;
        break;
    case REEF_DNS_IGNORE:
    case REEF_DNS_OK:
    case REEF_DNS_CNAME:
    case REEF_DNS_TRUNCATED:
    case REEF_DNS_MALFORMED:
    case REEF_DNS_SERVFAIL:
    case REEF_DNS_REFUSED:
    case REEF_DNS_NOTIMP:
    case REEF_DNS_FORMERR:
    case REEF_DNS_LAME:
    case REEF_DNS_RCODE:
        break;
    }
    words_fill(why, &frame, leg->records->server, name);
}

/* ---- servers that do not help ------------------------------------------------- */

void reef_words_said(reef_error *why, const reef_ask *ask, uint32_t server,
                     const reef_dns_answer *answer)
{
    char error[64];
    words_peer peer = words_server(ask, server);
    reef_words_name name = reef_words_of(&ask->question.name);
    words_frame frame = {"", " sent a broken answer about ", ""};
    switch (answer->outcome) {
    case REEF_DNS_SERVFAIL:
        frame.between = " failed to look up ";
        frame.after = " (SERVFAIL): its own log may say why";
        break;
    case REEF_DNS_REFUSED:
        frame.between = " refuses to answer about ";
        frame.after = " (REFUSED): it serves other names, or other clients";
        break;
    case REEF_DNS_NOTIMP:
        frame.between = " does not do this kind of question, about ";
        frame.after = " (NOTIMP)";
        break;
    case REEF_DNS_FORMERR:
        frame.between = " does not understand the question about ";
        frame.after = " (FORMERR)";
        break;
    case REEF_DNS_LAME:
        frame.between = " does not know ";
        frame.after = " and names other servers: a nameserver has to be one that asks "
                      "those itself";
        break;
    case REEF_DNS_RCODE:
        snprintf(error, sizeof error, " answered with error %u about ",
                 (unsigned)answer->rcode);
        frame.between = error;
        break;
    case REEF_DNS_TRUNCATED:
    case REEF_DNS_MALFORMED:
    case REEF_DNS_IGNORE:
    case REEF_DNS_OK:
    case REEF_DNS_NODATA:
    case REEF_DNS_NXDOMAIN:
    case REEF_DNS_CNAME:
    case REEF_DNS_CNAME_LOOP:
    case REEF_DNS_UNAVAILABLE:
    case REEF_DNS_BADNAME:
        break;
    }
    words_fill(why, &frame, peer.text, name.text);
}

void reef_words_unreachable(reef_error *why, const reef_ask *ask,
                            const reef_exchange *x, int sys_errno)
{
    char text[REEF_ERROR_TEXT];
    char number[32];
    words_peer peer = words_server(ask, x->server);
    reef_words_name name = reef_words_of(&ask->question.name);
    const char *reason = reef_errno_text(sys_errno);
    if (reason == NULL) {
        snprintf(number, sizeof number, "system error %d", sys_errno);
        reason = number;
    }
    if (x->tcp && !ask->tcp)
        snprintf(text, sizeof text,
                 "the answer of %s about %s is cut, and over TCP there is none: is TCP "
                 "port %u open?",
                 peer.text, name.text, (unsigned)ask->servers[x->server].port);
    else
        snprintf(text, sizeof text, "%s can't be asked about %s: %s", peer.text,
                 name.text, reason);
    reef_words_put(why, text);
    why->sys_errno = sys_errno;
}

static const char *words_quiet_end(reef_quiet quiet)
{
    switch (quiet) {
    case REEF_QUIET_ALL:
        return "";
    case REEF_QUIET_LATE:
        return ", and the time for it is over";
    case REEF_QUIET_YET:
        return " so far";
    }
    return "";
}

void reef_words_silent(reef_error *why, const reef_ask *ask, int64_t now_ms,
                       reef_quiet quiet)
{
    char text[REEF_ERROR_TEXT];
    char others[40] = "";
    words_peer peer = words_server(ask, ask->first);
    reef_words_name name = reef_words_of(&ask->question.name);
    if (ask->server_count > 1)
        snprintf(others, sizeof others, " or the %u other nameserver%s",
                 (unsigned)(ask->server_count - 1), ask->server_count > 2 ? "s" : "");
    snprintf(text, sizeof text, "no answer about %s from %s%s in %lld ms%s", name.text,
             peer.text, others, (long long)(now_ms - ask->began_ms),
             words_quiet_end(quiet));
    reef_words_put(why, text);
}

void reef_words_waiting(reef_error *why, const reef_ask *ask, int64_t now_ms,
                        reef_quiet quiet)
{
    if (ask->grief > REEF_GRIEF_SILENT)
        *why = ask->why;
    else
        reef_words_silent(why, ask, now_ms, quiet);
}

/* ---- what was asked ----------------------------------------------------------- */

static const char *words_type(uint16_t type)
{
    switch ((reef_dns_type)type) {
    case REEF_DNS_A:
        return "A";
    case REEF_DNS_AAAA:
        return "AAAA";
    case REEF_DNS_SRV:
        return "SRV";
    }
    return "?";
}

static void words_step_said(reef_look_step *step, const reef_dns_reading *reading)
{
    const reef_dns_answer *answer = &reading->answer;
    char alias[REEF_DNS_TEXT_MAX];
    snprintf(step->outcome, sizeof step->outcome, "%s",
             reef_dns_outcome_name(answer->outcome));
    step->bytes = (uint32_t)reading->message.len;
    if (answer->outcome == REEF_DNS_OK)
        step->records =
            answer->srv_count > 0 ? answer->srv_count : answer->address_count;
    if (answer->outcome == REEF_DNS_CNAME) {
        reef_dns_name_text(&answer->alias, alias);
        snprintf(step->text, sizeof step->text, "%.*s", REEF_NAME_MAX, alias);
    }
    if (answer->outcome == REEF_DNS_RCODE)
        snprintf(step->text, sizeof step->text, "error %u", (unsigned)answer->rcode);
}

void reef_words_step(reef_resolver *r, const reef_exchange *x,
                     const reef_words_entry *what)
{
    reef_look *look = r->trace;
    if (look == NULL || x->state == REEF_EXCHANGE_MADE)
        return;
    look->ignored += x->ignored;
    if (look->step_count == REEF_LOOK_STEPS_MAX) {
        look->steps_dropped++;
        return;
    }
    reef_look_step *step = &look->steps[look->step_count++];
    const reef_name_server *server = &x->ask->servers[x->server];
    char name[REEF_DNS_TEXT_MAX];
    memset(step, 0, sizeof *step);
    reef_peer_text(step->server, server->address, server->port, false);
    reef_dns_name_text(&x->ask->question.name, name);
    snprintf(step->name, sizeof step->name, "%.*s", REEF_NAME_MAX, name);
    snprintf(step->type, sizeof step->type, "%s", words_type(x->ask->question.type));
    snprintf(step->outcome, sizeof step->outcome, "%s", what->outcome);
    snprintf(step->text, sizeof step->text, "%s", what->text);
    step->tcp = x->tcp;
    step->ignored = x->ignored;
    step->start_ms = (uint32_t)(x->began_ms - r->traced_ms);
    step->took_ms = (uint32_t)(r->now_ms - x->began_ms);
    if (what->reading != NULL)
        words_step_said(step, what->reading);
}

/* ---- addresses ---------------------------------------------------------------- */

/* Where the longest run of zero groups begins, two at least; 8: there is none. */
static size_t words_zeros(const uint16_t groups[8], size_t *len)
{
    size_t best = 8, run = 0;
    *len = 1;
    for (size_t i = 0; i < 8; i++) {
        run = groups[i] == 0 ? run + 1 : 0;
        if (run > *len) {
            *len = run;
            best = i + 1 - run;
        }
    }
    return best;
}

static void words_v6(char out[REEF_RESOLV_ADDRESS], const unsigned char *bytes)
{
    uint16_t groups[8];
    size_t len = 0, at = 0;
    for (size_t i = 0; i < 8; i++)
        groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    size_t zeros = words_zeros(groups, &len);
    for (size_t i = 0; i < 8; i++) {
        int wrote = 0;
        const char *colon = i > 0 && i != zeros + len ? ":" : "";
        if (i == zeros) {
            wrote = snprintf(out + at, REEF_RESOLV_ADDRESS - at, "::");
            i += len - 1;
        } else {
            wrote = snprintf(out + at, REEF_RESOLV_ADDRESS - at, "%s%x", colon,
                             (unsigned)groups[i]);
        }
        at += (size_t)wrote;
    }
}

void reef_address_text(char out[REEF_RESOLV_ADDRESS], const unsigned char *bytes,
                       size_t len)
{
    if (len == 16)
        words_v6(out, bytes);
    else
        snprintf(out, REEF_RESOLV_ADDRESS, "%u.%u.%u.%u", (unsigned)bytes[0],
                 (unsigned)bytes[1], (unsigned)bytes[2], (unsigned)bytes[3]);
}
