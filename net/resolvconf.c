/* SPDX-License-Identifier: Apache-2.0
 *
 * A line is a keyword and its words. As glibc and Go read it: keywords and options are
 * in lower case, of a server's line the first word counts, several lines of options
 * add up, and a number's sign and digits count, whatever stands behind them. As Go does
 * and glibc does not: blanks before a keyword are fine. As neither does: a word that
 * begins with "#" or ";" ends any line, since no name, address or option does.
 *
 * What a line says can be passed over, but never harms: each word goes through one
 * check, and only what passes is kept. */
#include "net/resolvconf.h"

#include <string.h>

enum {
    RESOLVCONF_LABEL_MAX = 63,
    RESOLVCONF_NAME_MAX = 253, /* without the dot at the end */
    RESOLVCONF_NDOTS = 1,
    RESOLVCONF_NDOTS_MAX = 15,
    RESOLVCONF_TIMEOUT_S = 5,
    RESOLVCONF_TIMEOUT_MAX_S = 30,
    RESOLVCONF_ATTEMPTS = 2,
    RESOLVCONF_ATTEMPTS_MAX = 5,
    RESOLVCONF_SECOND_MS = 1000,
    RESOLVCONF_NUMBER_MAX = 1000000 /* where counting ends; above every limit */
};

/* ---- words -------------------------------------------------------------------- */

bool reef_conf_line(reef_str *text, reef_str *line)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->ptr, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->ptr) : text->len;
    size_t step = end != NULL ? len + 1 : len;
    *line = (reef_str){text->ptr, len};
    *text = (reef_str){text->ptr + step, text->len - step};
    return true;
}

static bool resolvconf_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool reef_conf_word(reef_str *line, reef_str *word)
{
    size_t at = 0, end;
    while (at < line->len && resolvconf_blank(line->ptr[at]))
        at++;
    for (end = at; end < line->len && !resolvconf_blank(line->ptr[end]);)
        end++;
    if (end == at)
        return false;
    *word = (reef_str){line->ptr + at, end - at};
    *line = (reef_str){line->ptr + end, line->len - end};
    return true;
}

static bool resolvconf_word(reef_str *line, reef_str *word)
{
    return reef_conf_word(line, word) && word->ptr[0] != '#' && word->ptr[0] != ';';
}

static bool resolvconf_is(reef_str word, const char *text)
{
    return reef_str_equal(word, reef_str_of(text));
}

/* ---- names -------------------------------------------------------------------- */

static bool resolvconf_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

/* A name that others can be put before; without the dot at its end. */
static bool resolvconf_name(reef_str name, char out[REEF_NAME_MAX + 1])
{
    size_t label = 0;
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len > RESOLVCONF_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        bool dot = name.ptr[i] == '.';
        if (dot ? label == 0 : !resolvconf_name_byte(name.ptr[i]))
            return false;
        label = dot ? 0 : label + 1;
        if (label > RESOLVCONF_LABEL_MAX)
            return false;
    }
    if (label == 0)
        return false;
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return true;
}

/* The words of a "search" or "domain" line, `most` of them at most. One without words
 * says nothing; one with "." alone says that there is no list. */
static bool resolvconf_search(reef_resolvconf *conf, reef_str line, uint32_t most)
{
    reef_str word;
    if (!resolvconf_word(&line, &word))
        return false;
    conf->search_count = 0;
    do {
        if (resolvconf_name(word, conf->search[conf->search_count]))
            conf->search_count++;
        most--;
    } while (most > 0 && conf->search_count < REEF_RESOLV_SEARCH_MAX &&
             resolvconf_word(&line, &word));
    return true;
}

static void resolvconf_local(reef_resolvconf *conf, reef_str local_name)
{
    const char *dot =
        local_name.len > 0 ? memchr(local_name.ptr, '.', local_name.len) : NULL;
    if (dot == NULL)
        return;
    size_t before = (size_t)(dot - local_name.ptr) + 1;
    reef_str domain = {dot + 1, local_name.len - before};
    if (resolvconf_name(domain, conf->search[0]))
        conf->search_count = 1;
}

/* ---- options ------------------------------------------------------------------ */

/* "NAME:" and a number: brought into its range. False: another option, or no number. */
static bool resolvconf_number(reef_str word, const char *name, const uint32_t range[2],
                              uint32_t *out)
{
    size_t at = strlen(name);
    if (word.len <= at || strncmp(word.ptr, name, at) != 0)
        return false;
    bool minus = word.ptr[at] == '-';
    if (minus || word.ptr[at] == '+')
        at++;
    size_t first = at;
    uint32_t value = 0;
    for (; at < word.len && word.ptr[at] >= '0' && word.ptr[at] <= '9'; at++)
        if (value < RESOLVCONF_NUMBER_MAX)
            value = value * 10 + (uint32_t)(word.ptr[at] - '0');
    if (at == first)
        return false;
    if (minus || value < range[0])
        value = range[0];
    *out = value < range[1] ? value : range[1];
    return true;
}

/* What reef always does (edns0), never does (single-request) or does not know is passed
 * over. */
static void resolvconf_option(reef_resolvconf *conf, reef_str word)
{
    static const uint32_t ndots[] = {0, RESOLVCONF_NDOTS_MAX};
    static const uint32_t timeout[] = {1, RESOLVCONF_TIMEOUT_MAX_S};
    static const uint32_t attempts[] = {1, RESOLVCONF_ATTEMPTS_MAX};
    uint32_t timeout_s;
    if (resolvconf_number(word, "timeout:", timeout, &timeout_s))
        conf->timeout_ms = timeout_s * RESOLVCONF_SECOND_MS;
    else if (resolvconf_number(word, "ndots:", ndots, &conf->ndots) ||
             resolvconf_number(word, "attempts:", attempts, &conf->attempts))
        return;
    else if (resolvconf_is(word, "rotate"))
        conf->rotate = true;
    else if (resolvconf_is(word, "use-vc") || resolvconf_is(word, "usevc") ||
             resolvconf_is(word, "tcp"))
        conf->use_tcp = true;
    else if (resolvconf_is(word, "no-aaaa"))
        conf->no_aaaa = true;
    else if (resolvconf_is(word, "trust-ad"))
        conf->trust_ad = true;
}

/* ---- the file ----------------------------------------------------------------- */

static void resolvconf_server(reef_resolvconf *conf, reef_str line)
{
    reef_str word;
    if (conf->server_count < REEF_RESOLV_SERVERS_MAX && resolvconf_word(&line, &word) &&
        reef_address_read(word, conf->servers[conf->server_count]))
        conf->server_count++;
}

/* True: it says what the search list is. */
static bool resolvconf_line(reef_resolvconf *conf, reef_str line)
{
    reef_str word;
    if (!resolvconf_word(&line, &word))
        return false;
    if (resolvconf_is(word, "search"))
        return resolvconf_search(conf, line, UINT32_MAX);
    if (resolvconf_is(word, "domain"))
        return resolvconf_search(conf, line, 1);
    if (resolvconf_is(word, "nameserver"))
        resolvconf_server(conf, line);
    else if (resolvconf_is(word, "options"))
        while (resolvconf_word(&line, &word))
            resolvconf_option(conf, word);
    return false;
}

/* What a line leaves behind in a place that no longer counts is wiped, so that equal
 * settings are equal bytes. */
static void resolvconf_clean(reef_resolvconf *conf)
{
    for (uint32_t i = 0; i < REEF_RESOLV_SEARCH_MAX; i++) {
        size_t len = i < conf->search_count ? strlen(conf->search[i]) : 0;
        memset(conf->search[i] + len, 0, sizeof conf->search[i] - len);
    }
}

void reef_resolvconf_parse(reef_resolvconf *conf, reef_str text, reef_str local_name)
{
    static const char fallback[] = "127.0.0.1";
    reef_str line;
    bool searched = false;
    memset(conf, 0, sizeof *conf);
    conf->ndots = RESOLVCONF_NDOTS;
    conf->timeout_ms = RESOLVCONF_TIMEOUT_S * RESOLVCONF_SECOND_MS;
    conf->attempts = RESOLVCONF_ATTEMPTS;
    while (reef_conf_line(&text, &line))
        searched = resolvconf_line(conf, line) || searched;
    if (!searched)
        resolvconf_local(conf, local_name);
    if (conf->server_count == 0) {
        memcpy(conf->servers[0], fallback, sizeof fallback);
        conf->server_count = 1;
    }
    resolvconf_clean(conf);
}
