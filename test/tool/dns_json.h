/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_json: what a DNS message says in answer to a question, as one line of JSON, by
 * which readers of DNS are compared. */
#ifndef REEF_TEST_TOOL_DNS_JSON_H
#define REEF_TEST_TOOL_DNS_JSON_H
#include "net/dns.h"
#include <stdio.h>

/* Writes {"outcome": ...} and what belongs to the outcome, an LF behind it:
 *   ok                SRV: "srv", "glue", "ttl", "partial"; else "addrs", "ttl"
 *   nodata, nxdomain  "neg_ttl": seconds, or null where it may not be cached
 *   cname             "target": whom to ask for
 *   an answer's code  "rcode": servfail, refused, notimp, formerr, rcode
 * False: out of memory, and nothing is written. The caller asks `out` whether it took
 * everything. */
bool dns_json(FILE *out, reef_str message, bool tcp, const reef_dns_question *);
/* "SRV", "A", "AAAA", in any case, or their numbers; 0: it is none of them. */
uint16_t dns_json_type(reef_str text);

#endif
