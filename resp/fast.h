/* SPDX-License-Identifier: Apache-2.0
 *
 * One common element ($ : +) whose bytes are all in the buffer, as code that is made
 * part of the two loops that spend their time here. Anything unusual, errors included,
 * is left where it is for machine.c, so nothing is decided here that would be decided
 * otherwise there. Private to resp/. */
#ifndef REEF_RESP_FAST_H
#define REEF_RESP_FAST_H
#include "resp/parse.h"

#include <string.h>

enum {
    FAST_BYTES = 24, /* a type byte, a sign, 18 digits, CR LF, and some */
    FAST_DIGITS = 9  /* of a length */
};

static REEF_INLINE uint32_t fast_digit(char c)
{
    return (uint32_t)(unsigned char)c - '0'; /* above 9 when it is none */
}

/* Both bytes in one comparison, whatever the byte order. */
static REEF_INLINE bool fast_crlf(const char *at)
{
    uint16_t seen, wanted;
    memcpy(&seen, at, sizeof seen);
    memcpy(&wanted, "\r\n", sizeof wanted);
    return seen == wanted;
}

/* At the first digit: a length of few digits and its CR LF. NULL: something else. The
 * caller made sure of FAST_BYTES. */
static REEF_INLINE const char *fast_length(const char *at, uint32_t *len)
{
    const char *end = at + FAST_DIGITS;
    uint32_t n = fast_digit(at[0]);
    uint32_t digit = fast_digit(at[1]);
    if (n > 9 || (n == 0 && digit <= 9)) {
        return NULL;
    }
    at++;
    if (digit <= 9) {
        n = n * 10 + digit;
        digit = fast_digit(*++at);
    }
    while (digit <= 9) {
        n = n * 10 + digit;
        if (++at == end) {
            return NULL;
        }
        digit = fast_digit(*at);
    }
    *len = n;
    return fast_crlf(at) ? at + 2 : NULL;
}

static REEF_INLINE const char *fast_bulk(const char *base, const char *at,
                                         const char *end, size_t bulk, reef_node *node)
{
    uint32_t len;
    const char *text = fast_length(at, &len);
    if (text == NULL || len > bulk || (size_t)(end - text) < len + (size_t)2 ||
        !fast_crlf(text + len)) {
        return NULL;
    }
    node->value = (uint64_t)(text - base);
    node->n = len;
    node->meta = REEF_STRING;
    return text + len + 2;
}

/* At the first digit: up to 18 of them, which no 64-bit number is too small for. Short
 * numbers are the rule, so the first digits need no look at the end. */
static REEF_INLINE const char *fast_digits(const char *at, uint64_t *value)
{
    const char *end = at + 18;
    uint64_t n = fast_digit(*at);
    uint32_t digit = fast_digit(*++at);
    if (n > 9) {
        return NULL;
    }
    if (digit <= 9) {
        n = n * 10 + digit;
        digit = fast_digit(*++at);
    }
    if (digit <= 9) {
        n = n * 10 + digit;
        digit = fast_digit(*++at);
    }
    while (digit <= 9) {
        n = n * 10 + digit;
        if (++at == end) {
            return NULL;
        }
        digit = fast_digit(*at);
    }
    *value = n;
    return fast_crlf(at) ? at + 2 : NULL;
}

static REEF_INLINE const char *fast_int(const char *at, reef_node *node)
{
    uint64_t n = 0;
    const char *next;
    if (*at == '-') {
        next = fast_digits(at + 1, &n);
        n = 0 - n;
    } else {
        next = fast_digits(at, &n);
    }
    node->value = n;
    node->n = 0;
    node->meta = REEF_INT;
    return next;
}

static REEF_INLINE const char *fast_status(const char *base, const char *at,
                                           reef_node *node)
{
    const char *text = at;
    const char *end = at + FAST_BYTES - 3;
    while (*at != '\r') {
        if (*at == '\n' || at == end) {
            return NULL;
        }
        at++;
    }
    node->value = (uint64_t)(text - base);
    node->n = (uint32_t)(at - text);
    node->meta = REEF_STATUS;
    return at[1] == '\n' ? at + 2 : NULL;
}

/* One element at `at` into `node`; gives its end, or NULL for anything unusual. */
static REEF_INLINE const char *fast_leaf(const char *base, const char *at,
                                         const char *end, size_t bulk, reef_node *node)
{
    if (*at == '$') {
        return fast_bulk(base, at + 1, end, bulk, node);
    }
    if (*at == ':') {
        return fast_int(at + 1, node);
    }
    return *at == '+' ? fast_status(base, at + 1, node) : NULL;
}

/* Where the bytes end that this file may look at: those that came, and no more than
 * one value may have. */
static REEF_INLINE const char *fast_end(const reef_parser *p, const char *base)
{
    size_t have = p->wire.len - p->start;
    return base + (have < p->limits.reply_bytes ? have : p->limits.reply_bytes);
}

#endif
