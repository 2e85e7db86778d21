/* SPDX-License-Identifier: Apache-2.0
 *
 * says_kit: replies for the tests of net/says.c. A reply is written as its parts
 * between "|": one that begins like a header or a number of RESP is a line of its own,
 * the others are strings; "^" stands for a NUL. */
#ifndef REEF_TEST_UNIT_SAYS_KIT_H
#define REEF_TEST_UNIT_SAYS_KIT_H
#include "net/says.h"

/* The caller frees. The test fails where the bytes are not one whole reply or push. */
reef_reply *made(int proto, const char *parts);
reef_reply *raw(int proto, const char *bytes);
/* What is left from a call before must not shine through. */
void spoil(void *memory, size_t size);
/* A place's text; "" for none, which has to be empty. */
void check_place(const char *what, const reef_place *, const char *want);

#endif
