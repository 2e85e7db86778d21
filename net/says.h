/* SPDX-License-Identifier: Apache-2.0
 *
 * says: what a Sentinel says, as values. Replies and announcements come from the
 * network: every text is measured, every number range-checked, and what does not have
 * the shape it must have is nothing. Pure, no allocation. Private to net/.
 *
 * Source of the shapes: the Sentinel documentation ("Sentinel API", "Pub/Sub
 * messages"). RESP2 has flat pairs where RESP3 has a map; both are read. */
#ifndef REEF_NET_SAYS_H
#define REEF_NET_SAYS_H
#include "net/net.h"

enum {
    REEF_SAYS_ID = 40,   /* characters of a Sentinel's id */
    REEF_SAYS_LIST = 256 /* of a longer list of Sentinels the rest is not looked at */
};

/* Where a node is, in the Sentinel's own words: an address, or a host name where it
 * announces these. Two places are the same when both parts are. */
typedef struct reef_place {
    char host[REEF_NAME_MAX + 1];
    uint16_t port; /* 1 to 65535; 0: no place */
} reef_place;

bool reef_place_same(const reef_place *, const reef_place *);
/* "host:port", or "[v6]:port". */
void reef_place_text(const reef_place *, char out[REEF_PEER_TEXT]);
/* 1 to REEF_NAME_MAX bytes, of which addresses and host names are made: letters, digits
 * and ".:-_%". */
bool reef_place_is_host(reef_str);
/* Digits alone, at least one, and the number at most `max`. */
bool reef_says_digits(reef_str text, uint64_t max, uint64_t *out);

/* ---- announcements ------------------------------------------------------------ */

typedef enum reef_says_kind {
    REEF_SAYS_NOTHING,  /* of another master, of another kind, or malformed */
    REEF_SAYS_SELECTED, /* +selected-slave: `to` will be promoted, `from` is to go */
    REEF_SAYS_PROMOTED, /* +promoted-slave: `to` has been seen as a master */
    REEF_SAYS_SWITCHED, /* +switch-master: from now on `to` is announced */
    REEF_SAYS_ABORTED   /* -failover-abort-…: `from` stays; `to` has port 0 */
} reef_says_kind;

typedef struct reef_says_event {
    reef_says_kind kind;
    reef_place from, to;
} reef_says_event;

/* A push ("message" and its channel, or "pmessage", pattern, channel). The master's
 * name has to match whole; it may hold spaces, so payloads are read from where their
 * parts are certain:
 *   +selected-slave     slave <name> <ip> <port> @ <master> <ip> <port>
 *   +switch-master      <master> <oldip> <oldport> <newip> <newport>
 *   -failover-abort-x   master <master> <ip> <port>
 * Returns out->kind. */
reef_says_kind reef_says_push(const reef_reply *push, const char *master,
                              reef_says_event *out);
/* A push that confirms SUBSCRIBE or PSUBSCRIBE: it stands for the command's reply. */
bool reef_says_confirms(const reef_reply *push);

/* ---- replies ------------------------------------------------------------------ */

/* SENTINEL GET-MASTER-ADDR-BY-NAME: REEF_OK; REEF_NOT_FOUND: nil, it does not know the
 * name; REEF_REFUSED: an error reply; REEF_PROTOCOL: something else. */
reef_code reef_says_address(const reef_reply *, reef_place *out);

/* SENTINEL MASTER. */
typedef struct reef_says_master {
    reef_place place;
    uint64_t epoch;                       /* config-epoch */
    uint32_t quorum, sentinels, replicas; /* sentinels: the others */
    bool failing_over;                    /* flags hold failover_in_progress */
    bool down;                            /* flags hold s_down or o_down */
    char flags[96];                       /* printable, cut */
} reef_says_master;

bool reef_says_master_of(const reef_reply *, reef_says_master *out);

/* SENTINEL SENTINELS: the index-th of the others. False: no such, or it has no place.
 * `id`: its runid, "" where that is none. */
size_t reef_says_sentinel_count(const reef_reply *);
bool reef_says_sentinel_at(const reef_reply *, size_t index, reef_place *out,
                           char id[REEF_SAYS_ID + 1]);
/* SENTINEL MYID. "" where it is none. */
void reef_says_id(const reef_reply *, char id[REEF_SAYS_ID + 1]);

/* SENTINEL SLAVES (or REPLICAS): the one flagged as promoted. False: there is none. */
bool reef_says_promoted(const reef_reply *, reef_place *out);

/* SENTINEL MASTERS: the names, "a, b, c and 5 more", cut to fit; "" where it knows
 * none. */
void reef_says_names(const reef_reply *, char *out, size_t cap);

/* The role that HELLO's map or ROLE's array tells: 'm' master, 'r' replica, 's'
 * Sentinel, 0: none of them. */
char reef_says_role(const reef_reply *);

#endif
