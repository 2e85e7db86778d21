/* SPDX-License-Identifier: Apache-2.0
 *
 * For scripted servers: the commands that an engine sends, word by word, and the text
 * that answers them. */
#ifndef REEF_TEST_SCRIPT_KIT_H
#define REEF_TEST_SCRIPT_KIT_H
#include "resp/resp.h"

enum { SCRIPT_WORDS = 12, SCRIPT_WORD = 300, SCRIPT_TEXT = 1 << 22 };

/* Large: not for the stack. */
typedef struct script {
    char words[SCRIPT_WORDS][SCRIPT_WORD]; /* of the command that is answered; cut */
    uint32_t count;
    size_t len;
    char text[SCRIPT_TEXT]; /* the answers so far */
} script;

void say(script *, const char *format, ...);
void say_bulk(script *, const char *text);
void say_pair(script *, const char *key, const char *value);
/* The word at that place of the command. */
bool word_is(const script *, uint32_t at, const char *word);
/* Takes one command of RESP, as engines write it, into words; a NUL stands at `end`.
 * What is behind it; NULL: it is not whole yet. */
const char *script_read(script *, const char *at, const char *end);

#endif
