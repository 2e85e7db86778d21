/* SPDX-License-Identifier: Apache-2.0
 *
 * dns: one DNS message at a time (RFC 1035, 2181, 2782, 3597, 4343, 6891). A query is
 * built, an answer is read against the question that it is to answer. Pure: no clock,
 * no socket, no allocation. Private to net/.
 *
 * What is read comes from whoever can send a datagram. An answer is believed only as
 * far as it belongs to the question: id, name, type and class are those asked for, and
 * each record used is owned by the name asked for, by the end of the chain of CNAMEs
 * that starts there, or (glue) by a target of such a record. */
#ifndef REEF_NET_DNS_H
#define REEF_NET_DNS_H
#include "net/net.h"

enum {
    REEF_DNS_PORT = 53,
    REEF_DNS_WIRE_MAX = 255,      /* bytes of a name in a message, its root included */
    REEF_DNS_TEXT_MAX = 1024,     /* a name as text, escapes and NUL included */
    REEF_DNS_EDNS_BYTES = 1232,   /* the datagram that a query asks for */
    REEF_DNS_DATAGRAM_MAX = 4096, /* the longest that is read; longer is truncated */
    REEF_DNS_QUERY_MAX = 12 + REEF_DNS_WIRE_MAX + 4 + 11,
    REEF_DNS_MESSAGE_MAX = 65535,
    REEF_DNS_HOPS_MAX = 127, /* compression pointers in one name */
    REEF_DNS_CHAIN_MAX = 8,  /* CNAMEs that are followed in one message */
    REEF_DNS_RECORD_MIN = 11 /* bytes of the smallest record: root owner, no data */
};

typedef enum reef_dns_type {
    REEF_DNS_A = 1,
    REEF_DNS_AAAA = 28,
    REEF_DNS_SRV = 33
} reef_dns_type;

/* A name as it stands in a message: labels with their lengths, the empty one last.
 * len 0: none. */
typedef struct reef_dns_name {
    uint8_t len;
    unsigned char bytes[REEF_DNS_WIRE_MAX];
} reef_dns_name;

/* From text: labels between dots, "\." and "\DDD" (three decimal digits) for bytes that
 * can't stand for themselves; one dot at the end is fine, "." is the root. False: an
 * empty label, one of more than 63 bytes, a name of more than 255, a broken escape. */
bool reef_dns_name_parse(reef_dns_name *, reef_str text);
/* As text, without the dot at the end ("." for the root); what is no printable ASCII,
 * a dot inside a label or a backslash is escaped. Returns its length. */
size_t reef_dns_name_text(const reef_dns_name *, char out[REEF_DNS_TEXT_MAX]);
/* ASCII letters in any case (RFC 4343). */
bool reef_dns_name_equal(const reef_dns_name *, const reef_dns_name *);

typedef struct reef_dns_question {
    uint16_t id;
    uint16_t type; /* a reef_dns_type */
    reef_dns_name name;
} reef_dns_question;

/* A query: one question, RD set; with `edns` an OPT record that offers
 * REEF_DNS_EDNS_BYTES; with `trust_ad` the AD bit. Its length, at most
 * REEF_DNS_QUERY_MAX. */
size_t reef_dns_query(unsigned char out[REEF_DNS_QUERY_MAX], const reef_dns_question *,
                      bool edns, bool trust_ad);

/* ---- answers ------------------------------------------------------------------ */

typedef enum reef_dns_outcome {
    REEF_DNS_IGNORE,      /* not the answer to this question: keep waiting */
    REEF_DNS_OK,          /* records; `partial` if the server had more */
    REEF_DNS_NODATA,      /* the name is there, records of this type are not */
    REEF_DNS_NXDOMAIN,    /* there is no such name */
    REEF_DNS_CNAME,       /* the name is another's: ask for `alias` */
    REEF_DNS_CNAME_LOOP,  /* the chain comes back to itself, or is too long */
    REEF_DNS_UNAVAILABLE, /* SRV: all targets are "." or have port 0 (RFC 2782) */
    REEF_DNS_BADNAME,     /* SRV: no target that could be a host's name */
    REEF_DNS_TRUNCATED,   /* ask again over TCP */
    REEF_DNS_MALFORMED,   /* the question is right, what follows is broken */
    REEF_DNS_SERVFAIL,    /* from here on: this server can't or won't say */
    REEF_DNS_REFUSED,
    REEF_DNS_NOTIMP,
    REEF_DNS_FORMERR, /* perhaps for the OPT record */
    REEF_DNS_LAME,    /* it only names other servers */
    REEF_DNS_RCODE    /* another code, in `rcode` */
} reef_dns_outcome;

const char *reef_dns_outcome_name(reef_dns_outcome); /* "nxdomain", "cname_loop", … */

/* A target of SRV records: each name once, in the order of the message. */
typedef struct reef_dns_target {
    uint16_t at;        /* where the name, in any case, starts in the message */
    uint16_t len;       /* of the name, uncompressed */
    uint16_t addresses; /* how many glue addresses it has */
    uint16_t first;     /* private */
} reef_dns_target;

typedef struct reef_dns_srv {
    uint16_t priority, weight, port;
    uint16_t target; /* index of its target */
    uint32_t ttl;
    uint16_t next; /* private */
} reef_dns_srv;

typedef struct reef_dns_address {
    uint16_t target; /* glue: whose; else 0 */
    uint8_t len;     /* 4 or 16 */
    unsigned char bytes[16];
    uint16_t next; /* private */
} reef_dns_address;

/* Counts say how many entries of an array are filled; the arrays lie in the room. In
 * the order of the message, what is there twice once. */
typedef struct reef_dns_answer {
    reef_dns_outcome outcome;
    uint16_t rcode; /* with the upper bits of OPT */
    bool has_rcode; /* the message has a question, so its rcode is an answer's */
    bool edns;      /* it has an OPT record */
    bool partial;   /* OK over TCP with TC set: there is more that nobody can get */
    uint32_t ttl;   /* OK: the least of chain, records and glue, in seconds; a TTL with
                     * the top bit set is 0 (RFC 2181 section 8) */
    uint32_t bare_ttl; /* the same without glue */
    bool unowned;  /* NODATA: it has records of this type that are another name's, as no
                     * server answers: forged, or for somebody else */
    bool negative; /* NODATA, NXDOMAIN: it has an SOA, so may be cached for … */
    uint32_t negative_ttl; /* … seconds: its TTL or MINIMUM, the lesser (RFC 2308) */
    reef_dns_name
        alias; /* CNAME: the end of the chain, in lower case; NODATA, NXDOMAIN:
                          * the same, where the name asked for is an alias */
    uint32_t srv_count, target_count, address_count;
    reef_dns_srv *srv; /* SRV */
    reef_dns_target *targets;
    reef_dns_address *addresses; /* A, AAAA: the answer; SRV: glue */
} reef_dns_answer;

/* Bytes of room that a message of `len` bytes needs at most, aligned as malloc gives
 * it. It needs no clearing. */
size_t reef_dns_room(size_t len);
/* Reads a message whole: `tcp` says how it came. The message and the room are borrowed
 * by the answer. One pass over the message; the work is bounded by its length. */
void reef_dns_decode(reef_dns_answer *, reef_str message, bool tcp,
                     const reef_dns_question *, void *room);
/* The name of a target of an OK answer: small letters, digits, "-", "_" and dots, at
 * most 253 bytes and a NUL; no label begins or ends with "-". */
void reef_dns_target_name(const reef_dns_answer *, reef_str message, uint32_t target,
                          char out[REEF_NAME_MAX + 1]);

#endif
