/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/dns_peers.h"

#include <arpa/nameser.h>
#include <dlfcn.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- libc: SRV records with their targets, and glue --------------------------- */

static struct {
    unsigned priority, weight, port;
    char target[NS_MAXDNAME];
    unsigned char address[16];
} libc_record;

static bool libc_srv(const ns_msg *message, const ns_rr *record)
{
    const unsigned char *data = ns_rr_rdata(*record);
    if (ns_rr_rdlen(*record) < 7)
        return false;
    libc_record.priority = (unsigned)data[0] << 8 | data[1];
    libc_record.weight = (unsigned)data[2] << 8 | data[3];
    libc_record.port = (unsigned)data[4] << 8 | data[5];
    return dn_expand(ns_msg_base(*message), ns_msg_end(*message), data + 6,
                     libc_record.target, sizeof libc_record.target) > 0;
}

static size_t libc_section(ns_msg *message, ns_sect section)
{
    ns_rr record;
    size_t found = 0;
    for (int i = 0; i < ns_msg_count(*message, section); i++) {
        if (ns_parserr(message, section, i, &record) != 0)
            return 0;
        size_t len = ns_rr_rdlen(record);
        if (ns_rr_type(record) == ns_t_srv && libc_srv(message, &record)) {
            found++;
        } else if ((ns_rr_type(record) == ns_t_a && len == 4) ||
                   (ns_rr_type(record) == ns_t_aaaa && len == 16)) {
            memcpy(libc_record.address, ns_rr_rdata(record), len);
            found++;
        }
    }
    return found;
}

static size_t libc_read(reef_str bytes)
{
    ns_msg message;
    if (ns_initparse((const unsigned char *)bytes.ptr, (int)bytes.len, &message) != 0)
        return 0;
    size_t found = libc_section(&message, ns_s_an);
    return found == 0 ? 0 : found + libc_section(&message, ns_s_ar);
}

/* ---- c-ares: SRV records alone ------------------------------------------------- */

/* The part of its interface that is used: all versions since 1.7.0 have it. */
typedef struct cares_srv {
    struct cares_srv *next;
    char *host;
    unsigned short priority, weight, port;
} cares_srv;

static struct {
    const char *(*version)(int *number);
    int (*init)(int flags, void *(*)(size_t), void (*)(void *),
                void *(*)(void *, size_t));
    void (*cleanup)(void);
    int (*parse)(const unsigned char *bytes, int len, cares_srv **out);
    void (*release)(void *);
} cares;

static size_t cares_read(reef_str bytes)
{
    cares_srv *first = NULL;
    size_t found = 0;
    if (cares.parse((const unsigned char *)bytes.ptr, (int)bytes.len, &first) != 0)
        return 0;
    for (const cares_srv *srv = first; srv != NULL; srv = srv->next)
        found++;
    cares.release(first);
    return found;
}

static size_t cares_calls;

static void *cares_malloc(size_t size)
{
    cares_calls++;
    return malloc(size);
}

static void *cares_realloc(void *block, size_t size)
{
    cares_calls++;
    return realloc(block, size);
}

static size_t cares_allocations(reef_str bytes)
{
    enum { CARES_ALL = 1 };
    cares_calls = 0;
    if (cares.init(CARES_ALL, cares_malloc, free, cares_realloc) != 0)
        return 0;
    size_t before = cares_calls;
    cares_read(bytes);
    size_t calls = cares_calls - before;
    cares.cleanup();
    return calls;
}

/* ISO C knows no way from a data pointer to a function's; POSIX promises this one. */
static bool cares_symbol(void *object, const char *name, void *function)
{
    void *found = dlsym(object, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

dns_peer dns_peers[DNS_PEERS] = {{.name = "libc", .read = libc_read},
                                 {.name = "c-ares"}};

void dns_peers_open(void)
{
    dns_peer *peer = &dns_peers[DNS_PEER_CARES];
    void *object = dlopen("libcares.so.2", RTLD_NOW | RTLD_LOCAL);
    if (object == NULL || !cares_symbol(object, "ares_version", &cares.version) ||
        !cares_symbol(object, "ares_library_init_mem", &cares.init) ||
        !cares_symbol(object, "ares_library_cleanup", &cares.cleanup) ||
        !cares_symbol(object, "ares_parse_srv_reply", &cares.parse) ||
        !cares_symbol(object, "ares_free_data", &cares.release))
        return;
    snprintf(peer->name, sizeof peer->name, "c-ares %.32s", cares.version(NULL));
    peer->read = cares_read;
    peer->allocations = cares_allocations;
}
