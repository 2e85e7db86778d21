/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_name: the names of one message, each known by a number. A name is a label and the
 * name behind it; the same label (ASCII letters in any case) before the same name is
 * the same number, so names are compared as numbers, and what is known of a name is
 * kept with its number. Private to net/dns.c.
 *
 * What stands at an offset is worked out once: a later pointer to it costs one step,
 * however long the chain of pointers behind it is. */
#ifndef REEF_NET_DNS_NAME_H
#define REEF_NET_DNS_NAME_H
#include "net/dns.h"

/* Small functions on the way of every record: a call of one costs as much as its
 * work. */
#define REEF_DNS_INLINE static inline __attribute__((always_inline))

enum {
    REEF_DNS_NOWHERE = 0,   /* no name */
    REEF_DNS_ROOT = 1,      /* the number of the root */
    REEF_DNS_HOST = 1,      /* reef_dns_node.host, if it is one */
    REEF_DNS_POINTER = 0xC0 /* a label's first byte, or more: a pointer */
};

typedef struct reef_dns_node {
    uint16_t parent;  /* the name behind its first label */
    uint16_t at;      /* where its first label stands */
    uint16_t next;    /* in its bucket */
    uint16_t tag;     /* private */
    uint8_t len;      /* bytes, uncompressed */
    uint8_t host;     /* reef_dns_names_host; 0: not known yet */
    uint16_t alias;   /* for the caller: where the name that it stands for is … */
    uint16_t target;  /* … one more than its index among the targets … */
    uint16_t address; /* … and than that of its first address */
} reef_dns_node;

typedef struct reef_dns_names {
    const unsigned char *bytes; /* the message */
    size_t len;
    reef_dns_node *nodes;
    uint32_t count, cap; /* of nodes */
    uint32_t probes;     /* how many more may be made in search of names */
    uint32_t shift;      /* 64, less the bits of a bucket's number */
    uint16_t *buckets;
    uint16_t *spare[2]; /* as many buckets twice again, empty: the caller's */
    uint16_t *known;  /* by offset: the name that begins there, if that is known … */
    uint16_t *behind; /* … where its first pointer leads; 0: it has none … */
    uint8_t *hops;    /* … and how many it has */
    size_t tail;     /* a name's end, from its second label on, without a pointer … */
    size_t tail_len; /* … its bytes … */
    uint16_t tail_name; /* … and its number; REEF_DNS_NOWHERE: none was seen yet */
} reef_dns_names;

/* Bytes of room that the names of a message of `len` bytes need; a multiple of 8. */
size_t reef_dns_names_room(size_t len, uint32_t records);
/* Returns what is behind that room. There are twice as many buckets as records, at
 * least. */
void *reef_dns_names_begin(reef_dns_names *, reef_str message, uint32_t records,
                           void *room);
/* The name at *at, which moves behind it: the first one that is read, known to be whole
 * and without a pointer. */
uint16_t reef_dns_names_first(reef_dns_names *, size_t *at);
/* The name at *at, which moves behind it. REEF_DNS_NOWHERE: it is broken (a pointer
 * that does not lead back, or into the header; more than REEF_DNS_HOPS_MAX of them; a
 * name of more than REEF_DNS_WIRE_MAX bytes; another type of label; the end of the
 * message), or the message was made to be slow to read. */
uint16_t reef_dns_names_read(reef_dns_names *, size_t *at);
/* The same, and quicker for a pointer to what is known, as nearly all names are. */
REEF_DNS_INLINE uint16_t reef_dns_names_next(reef_dns_names *names, size_t *at)
{
    size_t here = *at;
    if (here + 1 >= names->len || names->bytes[here] < REEF_DNS_POINTER)
        return reef_dns_names_read(names, at);
    size_t to = (size_t)(names->bytes[here] & 0x3F) << 8 | names->bytes[here + 1];
    if (to >= here || names->known[to] == REEF_DNS_NOWHERE ||
        names->hops[to] >= REEF_DNS_HOPS_MAX)
        return reef_dns_names_read(names, at);
    *at = here + 2;
    return names->known[to];
}
/* Labels of letters, digits, "-" and "_", with "-" at neither end; the root, too. */
bool reef_dns_names_host(reef_dns_names *, uint16_t name);
/* `name` is `zone` or below it. */
bool reef_dns_names_within(const reef_dns_names *, uint16_t name, uint16_t zone);
/* Two names in a message, `len` bytes each, ASCII letters in any case. */
bool reef_dns_bytes_equal(const unsigned char *, const unsigned char *, size_t len);
/* The name at `at`, whole, in lower case. len 0: it is broken. */
void reef_dns_name_expand(reef_dns_name *, reef_str message, size_t at);

#endif
