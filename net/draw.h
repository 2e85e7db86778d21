/* SPDX-License-Identifier: Apache-2.0
 *
 * draw: the order in which the targets of a service are tried (RFC 2782): by priority,
 * ascending; among equals a weighted draw without replacement over all of them, each
 * time with a chance of its weight over the weights that are left. Those of weight 0
 * come last, shuffled. (The letter of the RFC, a running sum that starts at 0, favours
 * the first of the list: {1,1} would come out 2 to 1.) Private to net/. */
#ifndef REEF_NET_DRAW_H
#define REEF_NET_DRAW_H
#include "net/random.h"

typedef struct reef_draw {
    uint16_t priority, weight;
    uint16_t index; /* whose */
    uint16_t left;  /* private */
    uint32_t sum;   /* private */
} reef_draw;

enum { REEF_DRAW_MAX = 4096 }; /* more than a message can hold */

/* Puts the entries, at most REEF_DRAW_MAX, in order. Not more than n log n steps. */
void reef_draw_order(reef_draw entries[], size_t count, reef_random *);

#endif
