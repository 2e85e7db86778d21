/* SPDX-License-Identifier: Apache-2.0
 *
 * speller: the same settings as many different documents: with headers, dotted keys,
 * inline tables, every kind of key, text and number, in any order, between other
 * people's sections that look alike. */
#ifndef REEF_TEST_UNIT_SPELLER_H
#define REEF_TEST_UNIT_SPELLER_H
#include "test/unit/spelled.h"

/* The plainest document: headers, and one key a line. */
void spell_plain(spelled *, const wishes *);
/* One of the many others. `alone`: without other people's sections. */
void spell_any(spelled *, const wishes *, uint64_t seed, bool alone);

#endif
