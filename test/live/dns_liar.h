/* SPDX-License-Identifier: Apache-2.0
 *
 * A DNS server for tests that answers each question with lies first: a thread with a
 * UDP socket on 127.0.0.1. The truth it tells is one SRV record for "node.test" with
 * that name's address, 127.0.0.1, in the same message; its lies name "trap.test". */
#ifndef REEF_TEST_LIVE_DNS_LIAR_H
#define REEF_TEST_LIVE_DNS_LIAR_H
#include <stdbool.h>
#include <stdint.h>

typedef enum reef_live_lie {
    REEF_LIVE_LIE_ID,    /* another id */
    REEF_LIVE_LIE_PORT,  /* right in all, from another port */
    REEF_LIVE_LIE_NAME,  /* the question has another name */
    REEF_LIVE_LIE_TYPE,  /* … another type */
    REEF_LIVE_LIE_OWNER, /* id and question are right, the record is another name's */
    REEF_LIVE_LIE_SHORT, /* cut within the header */
    REEF_LIVE_LIES
} reef_live_lie;

typedef struct reef_live_liar_plan {
    uint32_t lies;      /* of each question, one kind after the other */
    bool mute;          /* no truth comes: lies, until it is stopped */
    uint16_t true_port; /* in the SRV record of the truth */
} reef_live_liar_plan;

typedef struct reef_live_liar reef_live_liar;

/* Fails the running test when there is no socket or thread. */
reef_live_liar *reef_live_liar_start(const reef_live_liar_plan *);
uint16_t reef_live_liar_port(const reef_live_liar *);
/* Ends and frees it; the lies that it has told in all. */
uint32_t reef_live_liar_stop(reef_live_liar *);

#endif
