/* SPDX-License-Identifier: Apache-2.0
 *
 * scan_cover: which slots of a Cluster still have to be walked, and by whom. Pure: what
 * nodes say comes in, ids of nodes come out. Private to net/.
 *
 * The walk goes in looks. At a look every master is asked what it believes of the
 * Cluster (CLUSTER NODES). Between two looks masters are walked, side by side, each by
 * one process from its first page to its last. What was walked counts by what stood in
 * the look before and the look after:
 *
 *   open -> done   Its owner was walked; it owned the slot in both looks, under the
 *                  same epoch, so all the time (who loses a slot and gets it back has a
 *                  higher one); nobody claims it under a higher epoch; and it was not
 *                  being handed over.
 *   open -> away   The same, but the owner was handing the slot over, key by key. A key
 *                  that was there all the time has been seen, or by the second look it
 *                  has moved to where the slot goes.
 *   away -> done   Where the slot goes was walked, from that look on or later, and all
 *                  the time the same owner was handing it over to there.
 *   away -> open   Something else has come of it: it has arrived, which makes where it
 *                  went its owner; or the hand-over was taken back.
 *
 * A slot that is open again costs another walk and nothing else, so whatever is not
 * certain makes it open. A node is believed when it sees most masters that serve slots:
 * one that was cut off would give keys of a past that is over. A slot that nobody owns,
 * in two looks, is nothing to wait for.
 *
 * What no look can see: a hand-over that begins, moves keys, and is taken back whole
 * between two looks. */
#ifndef REEF_NET_SCAN_COVER_H
#define REEF_NET_SCAN_COVER_H
#include "net/net.h"

typedef struct reef_cover reef_cover;

reef_cover *reef_cover_new(void);   /* all slots open; NULL: out of memory */
void reef_cover_free(reef_cover *); /* NULL is fine */

/* This master is in the map: it will be asked. False: out of memory, or more than
 * REEF_NODES_MAX nodes. */
bool reef_cover_expect(reef_cover *, const char *id);
/* Whom to ask at the next look, one after the other; *at begins as 0. NULL: that were
 * all. */
const char *reef_cover_ask(const reef_cover *, size_t *at);

/* A look: begin, what each node said, end. Whose answer does not come is left out. */
void reef_cover_begin(reef_cover *);
/* CLUSTER NODES, as the node of that id says it. False: it says that it is another, or
 * there was no room. */
bool reef_cover_heard(reef_cover *, const char *id, reef_str roster);
/* Of a node that tells no roster, but CLUSTER SLOTS: what it says that a master serves,
 * itself or another one, range by range. Nothing is known of epochs and hand-overs
 * then: what is handed over meanwhile may be missed. */
bool reef_cover_told(reef_cover *, const char *teller, const char *owner,
                     uint32_t first, uint32_t last);
/* Every page of that node was read, by one process, since the look before. */
void reef_cover_walked(reef_cover *, const char *id);
void reef_cover_end(reef_cover *);

/* Whom to walk from now on; as ask. */
const char *reef_cover_next(const reef_cover *, size_t *at);
bool reef_cover_done(const reef_cover *);
/* What is missing, in plain words. */
void reef_cover_why(const reef_cover *, char out[REEF_ERROR_TEXT]);

#endif
