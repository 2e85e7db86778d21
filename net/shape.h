/* SPDX-License-Identifier: Apache-2.0
 *
 * shape: what the nodes of a Cluster say of its shape, as values. All of it comes from
 * the network: every number is range-checked before anybody can index anything by it,
 * every text is measured, and what does not have the form that it must have is refused.
 * Pure, no allocation. Private to net/ (CLUSTER NODES, which tools read as well, stands
 * in net.h as the roster).
 *
 * Source: the documentation of CLUSTER SLOTS, and the cluster specification
 * ("Redirection and resharding"). */
#ifndef REEF_NET_SHAPE_H
#define REEF_NET_SHAPE_H
#include "net/says.h"

/* One node of one range of CLUSTER SLOTS. */
typedef struct reef_shape_item {
    uint32_t first, last; /* slots, 0 to 16383, first <= last */
    uint32_t position;    /* within the range: 0 is the master, others are replicas */
    reef_place place;     /* host "": the one that was asked; port 0: not to be reached
                           * (no address that could be used is told, or no port) */
    char id[REEF_NODE_ID + 1]; /* "" where none is told */
} reef_shape_item;

typedef struct reef_shape_walk {
    const reef_reply *reply;
    const reef_node *range, *node; /* the next ones; NULL: none left */
    size_t ranges_left, nodes_left;
    uint32_t first, last, position;
} reef_shape_walk;

/* The whole reply, before any of it is believed. REEF_OK; REEF_REFUSED: an error reply;
 * REEF_LIMIT: more than 16,384 ranges, or more than REEF_NODES_MAX nodes in one of
 * them; REEF_PROTOCOL: no array of ranges; a number that is no slot, a range that ends
 * before it begins or that overlaps another, a port over 65535, a host that is no text,
 * a range without a node. Of a range the elements beyond the second that are arrays of
 * at least two are nodes, whatever follows in them (metadata, fields of newer
 * versions). An empty array is a cluster without slots: REEF_OK. */
reef_code reef_shape_check(const reef_reply *);
/* Walks over a reply that was checked; of another it passes over what has not the form.
 * False: no more, and the item is zero. The host: what is told, IPv6 without brackets;
 * nil or "" is "" (the one that was asked); "?" is the address under "ip" in the
 * metadata (a map, or flat pairs), which may be "" as well; where there is none, or the
 * host has bytes which no host name and no address has, host "" and port 0. */
void reef_shape_begin(reef_shape_walk *, const reef_reply *);
bool reef_shape_next(reef_shape_walk *, reef_shape_item *out);

/* "MOVED 866 127.0.0.1:7001", "ASK 866 ::1:7001": split at the last colon. */
typedef struct reef_redirect {
    bool ask;
    uint32_t slot;
    reef_place place; /* host "": the one that answered; "?": nobody can tell; IPv6
                       * without brackets, also where the server sent some */
} reef_redirect;

/* False, and all is zero: it is no redirect, or not in its exact form (two spaces, no
 * more; numbers without zeros ahead; a slot; a port from 1 to 65535; a host of a name's
 * length, made of what hosts are made of). */
bool reef_shape_redirect(const char *text, reef_redirect *out);

/* CLUSTER MYID. False, and "": it is no id (40 characters, hexadecimal). */
bool reef_shape_id(const reef_reply *, char out[REEF_NODE_ID + 1]);
/* The same of a text. */
bool reef_shape_put_id(reef_str text, char out[REEF_NODE_ID + 1]);

#endif
