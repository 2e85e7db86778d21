/* SPDX-License-Identifier: Apache-2.0
 *
 * The search list of resolv.conf: the names that a short one may stand for, in the
 * order in which they are asked for. A name with as many dots as `ndots` says is asked
 * for as it stands first, else last; a dot at its end says that it is whole. Only names
 * that go to the servers of resolv.conf have one.
 *
 * A denial leads on to the next name. When all were denied, the most telling one is the
 * reason. */
#include "net/resolve_in.h"

#include <stdio.h>
#include <string.h>

/* How telling a denial is: of the name as it stands before one with a suffix. */
enum { SEARCH_DENIED_BELOW = 1, SEARCH_DENIED, SEARCH_EMPTY };

static uint32_t search_dots(const char *name)
{
    uint32_t dots = 0;
    for (; *name != '\0'; name++)
        dots += *name == '.';
    return dots;
}

/* How many names the search list makes of this one. Only the system's servers have
 * one, and a dot at the end says that the name is whole. */
static uint32_t search_suffixes(const reef_lookup *l)
{
    const reef_resolver *r = l->resolver;
    size_t len = strlen(l->name);
    reef_dns_name name;
    reef_str text = {l->name, len};
    if (len == 0 || l->name[len - 1] == '.' || !reef_dns_name_parse(&name, text) ||
        reef_resolver_route(r, &name, 0) != REEF_ROUTE_SYSTEM)
        return 0;
    return r->conf.search_count;
}

/* The candidate of that number as a name; false: it is none. */
static bool search_candidate(const reef_lookup *l, uint32_t number, uint32_t suffixes,
                             reef_dns_name *out)
{
    char text[2 * REEF_NAME_MAX + 2];
    const reef_resolvconf *conf = &l->resolver->conf;
    bool whole_first = search_dots(l->name) >= conf->ndots;
    uint32_t whole = whole_first ? 0 : suffixes;
    if (number == whole)
        snprintf(text, sizeof text, "%s", l->name);
    else
        snprintf(text, sizeof text, "%s.%s", l->name,
                 conf->search[number - (whole_first ? 1 : 0)]);
    reef_str str = {text, strlen(text)};
    return reef_dns_name_parse(out, str);
}

bool reef_search_next(reef_lookup *l, reef_dns_name *out)
{
    uint32_t suffixes = search_suffixes(l);
    while (l->candidate <= suffixes)
        if (search_candidate(l, l->candidate++, suffixes, out))
            return true;
    return false;
}

/* The leg's denial, if it says more than those before. */
void reef_search_denied(reef_lookup *l, const reef_leg *leg)
{
    reef_dns_name whole;
    reef_str text = {l->name, strlen(l->name)};
    uint32_t denial = SEARCH_DENIED_BELOW;
    if (reef_leg_is(leg, REEF_DNS_NODATA))
        denial = SEARCH_EMPTY;
    else if (reef_dns_name_parse(&whole, text) &&
             reef_dns_name_equal(&whole, &leg->names[0]))
        denial = SEARCH_DENIED;
    if (denial <= l->denial)
        return;
    l->denial = denial;
    reef_words_outcome(&l->why, leg);
}

void reef_search_end(reef_lookup *l)
{
    char text[REEF_ERROR_TEXT];
    reef_error why = l->why;
    reef_words_name name = reef_words_cut(l->name);
    if (why.code == REEF_OK) {
        snprintf(text, sizeof text,
                 "\"%s\" can't be asked for: a name has parts of 1 to 63 bytes between "
                 "dots, 253 in all",
                 name.text);
        reef_words_put(&why, text);
    }
    reef_lookup_end(l, &why);
    l->denied = !l->expired;
}
