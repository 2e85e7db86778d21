/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve: the resolver, a state machine without sockets, clock or chance of its own.
 * The engine holds one and passes on what the host reports of its links; `reef_look`
 * drives one alone. Private to net/.
 *
 * Three levels, each with its own file:
 *   look-up   what a router wants: the endpoints (address and port) of a host, one
 *             after the other, for as long as it cares to ask (lookup.c)
 *   ask       one name and one type: the servers to ask, in turn and side by side, the
 *             cache, the outcome (ask.c)
 *   exchange  one question put to one server over one socket, a datagram's or a
 *             stream's (exchange.c)
 *
 * Where a name is looked for: a literal address is itself; then the hosts file; then
 * the servers. Of the configured nameservers those whose domain is the longest that the
 * name ends with, label by label; else, for the target of an SRV record, those that the
 * record itself came from; else those without a domain; with none of these, the servers
 * of resolv.conf, which alone have a search list.
 *
 * How it is asked: datagrams, each attempt from a fresh connected socket with a fresh
 * id. The next server is asked after REEF_HEDGE_MS while the one before is still heard,
 * at once when it failed; the first answer that settles the question counts. Over TCP
 * what is truncated, or asked for so, or an SRV answer of more than REEF_ASK_TCP_BYTES
 * (servers leave records out of those without a word). A FORMERR or NOTIMP to a query
 * with EDNS asks once more without.
 *
 * Limits: REEF_LOOKUPS_MAX, REEF_ASKS_MAX, REEF_EXCHANGES_MAX at once; the cache has
 * REEF_CACHE_MAX entries. One deadline holds for a look-up with all that it asks. */
#ifndef REEF_NET_RESOLVE_H
#define REEF_NET_RESOLVE_H
#include "net/dns.h"
#include "net/draw.h"
#include "net/random.h"
#include "net/resolvconf.h"

enum {
    REEF_LOOKUPS_MAX = 32,   /* one for each configured host */
    REEF_ASKS_MAX = 64,      /* questions at once: an A and an AAAA for each */
    REEF_EXCHANGES_MAX = 16, /* sockets; an ask that finds none free waits for one */
    REEF_CACHE_MAX = 64, /* names with their records; the one used least goes first */
    REEF_CACHE_TTL_MAX_S = 300,
    REEF_HEDGE_MS = 250, /* then the next server is asked as well */
    REEF_FAMILY_MS = 50, /* v6 alone is not used before v4 had this long to answer */
    REEF_ASK_TIMEOUT_MS = 2000, /* configured servers: how long each is heard … */
    REEF_ASK_ATTEMPTS = 3,      /* … and how often each is asked */
    REEF_ASK_TCP_BYTES = 1000,
    REEF_REFRESH_MS = 5000, /* resolv.conf and hosts file are looked at that often */
    REEF_ALIASES_MAX = 8    /* CNAMEs over several messages */
};

typedef struct reef_resolver reef_resolver;
typedef struct reef_lookup reef_lookup;

/* ---- life and inputs ---------------------------------------------------------- */

/* Takes nameservers and consul of the config by copy. Its links are numbered from
 * first_link on, REEF_EXCHANGES_MAX of them. NULL: out of memory. */
reef_resolver *reef_resolver_new(const reef_config *, uint32_t first_link);
void reef_resolver_free(reef_resolver *); /* with all look-ups; NULL is fine */

/* Ids and draws come from this key; without one no question is asked. */
void reef_resolver_key(reef_resolver *, const unsigned char key[REEF_RANDOM_KEY]);
/* The files' texts, copied. REEF_OK or REEF_NOMEM (then it has what it had). */
reef_code reef_resolver_hosts(reef_resolver *, reef_str text);
reef_code reef_resolver_conf(reef_resolver *, reef_str text, reef_str local_name);

/* The next thing for the host to do, as in net.h: FILES, OPEN, SEND, CLOSE. `moved` is
 * set when something that a look-up waits for came about: then look-ups are to be asked
 * again. */
bool reef_resolver_next_op(reef_resolver *, reef_op *out, bool *moved, int64_t now_ms);
/* What happens to its links, as in net.h. What concerns no link of it is nothing. */
void reef_resolver_opened(reef_resolver *, uint32_t link, int64_t now_ms);
void reef_resolver_sent(reef_resolver *, uint32_t link, size_t len, int64_t now_ms);
void *reef_resolver_room(reef_resolver *, uint32_t link, size_t *cap);
void reef_resolver_received(reef_resolver *, uint32_t link, size_t len, int64_t now_ms);
void reef_resolver_closed(reef_resolver *, uint32_t link, int sys_errno,
                          int64_t now_ms);
void reef_resolver_tick(reef_resolver *, int64_t now_ms);
int64_t reef_resolver_deadline_ms(const reef_resolver *); /* INT64_MAX: none */
bool reef_resolver_busy(const reef_resolver *);           /* a question is out */

/* ---- look-ups ----------------------------------------------------------------- */

typedef enum reef_lookup_state {
    REEF_LOOKUP_WAIT,  /* not known yet: ask again after the next input */
    REEF_LOOKUP_READY, /* here is the next endpoint */
    REEF_LOOKUP_END    /* there are no more; reef_lookup_why says why there were none */
} reef_lookup_state;

typedef struct reef_endpoint {
    char address[REEF_RESOLV_ADDRESS]; /* numeric */
    uint16_t port;
    uint32_t target; /* SRV: which target it belongs to, by turn; else 0 */
} reef_endpoint;

typedef struct reef_lookup_wish {
    const char *name; /* without prefix */
    bool srv;
    uint16_t port; /* of the endpoints, where no SRV record says it */
    bool fresh;    /* passes over the cache: a connection failed, a master moved */
    int64_t deadline_ms;
} reef_lookup_wish;

/* NULL: out of memory, or REEF_LOOKUPS_MAX. Nothing is asked before the next
 * reef_resolver_next_op, so that files are looked at first. */
reef_lookup *reef_lookup_new(reef_resolver *, const reef_lookup_wish *);
void reef_lookup_free(reef_resolver *, reef_lookup *); /* at any time; NULL is fine */

/* The endpoints in the order in which they are to be tried: targets by their draw (a
 * new one for each look-up), of each its v4 and v6 addresses in turns. A target's
 * addresses are asked for when its turn comes; a target without any is passed over.
 * After END it begins again from the first one with reef_lookup_rewind. */
reef_lookup_state reef_lookup_next(reef_lookup *, reef_endpoint *out);
void reef_lookup_rewind(reef_lookup *);
/* Whether another endpoint behind those given in this round is known or may still come:
 * an address in hand, an answer that is out, a target whose turn has not been. */
bool reef_lookup_more(const reef_lookup *);

/* After END without any endpoint: servers have said that there is none. Only a change
 * of the records makes another question useful. */
bool reef_lookup_denied(const reef_lookup *);

/* Why there is no endpoint, or not yet: REEF_DNS with a sentence that names the name
 * and the server, such as "no such name: 127.0.0.1:53 says that redis.example does
 * not exist". REEF_OK when nothing went wrong. */
void reef_lookup_why(const reef_lookup *, reef_error *out);

/* ---- what happened ------------------------------------------------------------ */

/* The targets of an SRV look-up in the order of their turns; as far as that is known,
 * their addresses. False: no more, or it is no SRV look-up. See net.h. */
bool reef_lookup_target(const reef_lookup *, uint32_t turn, reef_look_target *out);
/* From now on every exchange that ends is written down in `to`, which must outlive the
 * resolver or the next call of this; NULL: no longer. */
void reef_resolver_trace(reef_resolver *, reef_look *to);

#endif
