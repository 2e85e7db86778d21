/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of host names that need no DNS: literals, "localhost" (RFC 6761
 * section 6.3) and the lines of a hosts file that name a configured host. */
#include "net/engine.h"

#include <stdio.h>
#include <string.h>

enum { HOSTS_OCTETS = 4 };

bool reef_address_literal(const char *name)
{
    if (strchr(name, ':'))
        return true; /* no host name holds one */
    unsigned octets = 0;
    while (octets < HOSTS_OCTETS) {
        unsigned value = 0, digits = 0;
        for (; *name >= '0' && *name <= '9' && digits < 4; name++, digits++)
            value = value * 10 + (unsigned)(*name - '0');
        if (digits == 0 || digits > 3 || value > 255)
            return false;
        if (++octets == HOSTS_OCTETS)
            return *name == 0;
        if (*name++ != '.')
            return false;
    }
    return false;
}

/* The next word of a line; a "#" ends the line. Empty at its end. */
static reef_str hosts_word(reef_str *line)
{
    while (line->len > 0 &&
           (*line->ptr == ' ' || *line->ptr == '\t' || *line->ptr == '\r')) {
        line->ptr++;
        line->len--;
    }
    reef_str word = {line->ptr, 0};
    while (line->len > 0 && !strchr(" \t\r#", *line->ptr)) {
        line->ptr++;
        line->len--;
        word.len++;
    }
    return word;
}

static void hosts_keep(reef_engine *e, uint32_t host, reef_str address)
{
    reef_hosts_entry *entry = &e->hosts[e->hosts_count];
    if (e->hosts_count == REEF_HOSTS_ENTRIES_MAX ||
        address.len >= sizeof entry->address)
        return;
    memcpy(entry->address, address.ptr, address.len);
    entry->address[address.len] = 0;
    if (!reef_address_literal(entry->address))
        return;
    entry->host = host;
    e->hosts_count++;
}

static void hosts_line(reef_engine *e, reef_str line)
{
    reef_str address = hosts_word(&line);
    for (;;) {
        reef_str name = hosts_word(&line);
        if (name.len == 0)
            return;
        for (uint32_t i = 0; i < e->config.host_count; i++)
            if (e->config.hosts[i].kind == REEF_HOST_TCP &&
                reef_str_is(name, e->config.hosts[i].name))
                hosts_keep(e, i, address);
    }
}

reef_code reef_engine_hosts(reef_engine *e, reef_str text)
{
    e->hosts_count = 0;
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        hosts_line(e, (reef_str){text.ptr, len});
        size_t step = end ? len + 1 : len;
        text.ptr += step;
        text.len -= step;
    }
    return REEF_OK;
}

uint32_t reef_hosts_find(const reef_engine *e, uint32_t host,
                         char out[][REEF_ADDRESS_TEXT], uint32_t cap)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->hosts_count && count < cap; i++)
        if (e->hosts[i].host == host)
            memcpy(out[count++], e->hosts[i].address, sizeof e->hosts[i].address);
    if (count == 0 && cap >= 2 &&
        reef_str_is(reef_str_of(e->config.hosts[host].name), "localhost")) {
        snprintf(out[0], REEF_ADDRESS_TEXT, "127.0.0.1");
        snprintf(out[1], REEF_ADDRESS_TEXT, "::1");
        count = 2;
    }
    return count;
}
