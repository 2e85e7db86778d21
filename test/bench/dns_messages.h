/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_messages: the answers that bench_dns reads, made anew on each run: as servers
 * send them, and those that are meant to hurt. Each maker fills up to `limit` bytes. */
#ifndef REEF_TEST_BENCH_DNS_MESSAGES_H
#define REEF_TEST_BENCH_DNS_MESSAGES_H
#include "net/dns.h"

typedef struct dns_message {
    reef_dns_question question;                      /* what it answers */
    reef_dns_outcome outcome;                        /* what is to come of it … */
    uint32_t srv_count, target_count, address_count; /* … and how much */
    uint16_t records[3];                             /* of the sections */
    size_t len;
    unsigned char bytes[REEF_DNS_MESSAGE_MAX];
} dns_message;

typedef void dns_maker(dns_message *, size_t limit);

/* 5 SRV records, 5 A and 1 AAAA: 307 bytes, whatever the limit. */
dns_maker dns_message_small;
/* SRV records, each with a target of its own that has one A. */
dns_maker dns_message_service;

/* Owner and target of each record over 127 pointers, always the same ones. */
dns_maker dns_message_chains;
/* The same, and each of the names is entered at a place of its own. */
dns_maker dns_message_entries;
/* Names of 255 bytes, each label behind a pointer; the targets differ. */
dns_maker dns_message_long;
/* One target with another port in each record. */
dns_maker dns_message_ports;
/* One record, again and again. */
dns_maker dns_message_twins;
/* Targets that differ, as short as can be. */
dns_maker dns_message_targets;
/* Targets of 121 labels, all of which differ. */
dns_maker dns_message_labels;
/* One target with as many addresses as there is room for. */
dns_maker dns_message_glue;
/* One target, and addresses of others whose names are long and differ late. */
dns_maker dns_message_strangers;
/* SRV records of a name that differs from the question in its last label. */
dns_maker dns_message_owners;
/* A chain of aliases, the last first, among aliases of another name; all names are
 * long and differ in their last label. */
dns_maker dns_message_aliases;
/* No record of the type, and as many SOA records as there is room for, their names
 * long. */
dns_maker dns_message_authority;

#endif
