/* SPDX-License-Identifier: Apache-2.0
 *
 * A query: header, one question, and OPT (RFC 6891) behind it. */
#include "net/dns.h"

#include <string.h>

enum {
    QUERY_RD = 0x0100, /* recursion desired */
    QUERY_AD = 0x0020, /* tell whether the data is authentic */
    QUERY_CLASS_IN = 1,
    QUERY_TYPE_OPT = 41
};

static unsigned char *query_put16(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return at + 2;
}

size_t reef_dns_query(unsigned char out[REEF_DNS_QUERY_MAX], const reef_dns_question *q,
                      bool edns, bool trust_ad)
{
    unsigned char *at = query_put16(out, q->id);
    at = query_put16(at, (uint32_t)QUERY_RD | (trust_ad ? (uint32_t)QUERY_AD : 0));
    at = query_put16(at, 1);
    at = query_put16(at, 0);
    at = query_put16(at, 0);
    at = query_put16(at, edns ? 1 : 0);
    memcpy(at, q->name.bytes, q->name.len);
    at = query_put16(at + q->name.len, q->type);
    at = query_put16(at, QUERY_CLASS_IN);
    if (!edns)
        return (size_t)(at - out);
    *at++ = 0; /* the root owns it */
    at = query_put16(at, QUERY_TYPE_OPT);
    at = query_put16(at, REEF_DNS_EDNS_BYTES);
    at = query_put16(at, 0); /* version 0, no flags, no options */
    at = query_put16(at, 0);
    at = query_put16(at, 0);
    return (size_t)(at - out);
}
