/* SPDX-License-Identifier: Apache-2.0
 *
 * host: "name", "name:port", "1.2.3.4:port", "[v6]:port", "unix:/path", "srv+name", and
 * the nameservers' "[domain/]ip[:port]".
 *
 * Everything is judged here, so that what leaves this file can be dialled or asked for
 * as it stands: names are letters, digits, "-", "_" and dots, and a name whose last
 * label is a number is an IPv4 address or an error. */
#include "config/host.h"
#include "config/text.h"
#include <string.h>

static const char host_bad_port[] = "a port is a number from 1 to 65535";
static const char host_two_ports[] = "a host has one port, as in \"10.0.0.7:6379\"";
static const char host_bare_ip6[] =
    "an IPv6 address stands in brackets, as in \"[::1]:6379\"";

bool reef_is_ip4(reef_str text)
{
    size_t parts = 0;
    for (size_t at = 0; at <= text.len; parts++) {
        size_t end = reef_str_find(text, '.', at);
        reef_str part = reef_str_part(text, at, end - at);
        uint64_t value;
        if (!reef_str_number(part, 255, &value))
            return false;
        if (part.len > 1 && part.ptr[0] == '0')
            return false;
        at = end + 1;
    }
    return parts == 4;
}

static size_t host_hex_run(reef_str text, size_t at)
{
    size_t end = at;
    while (end < text.len && reef_digit_value(text.ptr[end]) < 16)
        end++;
    return end - at;
}

/* After a group: one colon goes on, two are the gap. False: neither. */
static bool host_ip6_colon(reef_str text, size_t *at, bool *gap)
{
    if (text.ptr[*at] != ':' || *at + 1 == text.len)
        return false;
    *at += 1;
    if (text.ptr[*at] != ':')
        return true;
    *at += 1;
    bool first = !*gap;
    *gap = true;
    return first;
}

bool reef_is_ip6(reef_str text)
{
    bool gap = reef_str_starts(text, "::");
    size_t groups = 0;
    for (size_t at = gap ? 2 : 0; at < text.len;) {
        size_t len = host_hex_run(text, at);
        if (at + len < text.len && text.ptr[at + len] == '.')
            return reef_is_ip4(reef_str_from(text, at)) &&
                   (gap ? groups <= 5 : groups == 6);
        if (len == 0 || len > 4)
            return false;
        groups++;
        at += len;
        if (at < text.len && !host_ip6_colon(text, &at, &gap))
            return false;
    }
    return gap ? groups <= 7 : groups == 8;
}

static bool host_name_byte(char c)
{
    return reef_is_letter(c) || reef_is_digit(c) || c == '-' || c == '_';
}

/* One label: its bytes, and whether they are all digits. */
static const char *host_label(reef_str label, bool *number)
{
    *number = true;
    if (label.len == 0)
        return "a name has no empty part between its dots";
    if (label.len > REEF_LABEL_MAX)
        return "a part of a name between two dots has at most 63 bytes";
    for (size_t i = 0; i < label.len; i++) {
        if (!host_name_byte(label.ptr[i]))
            return "a name is made of letters, digits, \"-\", \"_\" and dots";
        *number = *number && reef_is_digit(label.ptr[i]);
    }
    return NULL;
}

/* A name as DNS can be asked for it; one dot at its end is fine. */
static const char *host_name(reef_str name)
{
    bool number = false;
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len > REEF_NAME_MAX - 2)
        return "a name has at most 253 bytes";
    for (size_t at = 0; at <= name.len;) {
        size_t end = reef_str_find(name, '.', at);
        const char *why = host_label(reef_str_part(name, at, end - at), &number);
        if (why != NULL)
            return why;
        at = end + 1;
    }
    if (number && !reef_is_ip4(name))
        return "this is not an IPv4 address";
    return NULL;
}

static const char *host_port(reef_str digits, uint16_t *port)
{
    uint64_t value;
    if (!reef_str_number(digits, 65535, &value) || value == 0)
        return host_bad_port;
    *port = (uint16_t)value;
    return NULL;
}

/* Hex digits and colons alone, or an address from "::" on. */
static bool host_is_hex(reef_str text)
{
    size_t at = 0;
    while (at < text.len &&
           (text.ptr[at] == ':' || reef_digit_value(text.ptr[at]) < 16))
        at++;
    return at == text.len || reef_str_starts(text, "::");
}

/* Parts "name", "name:port", "[v6]" and "[v6]:port". `*v6`: it stood in brackets. */
static const char *host_split(reef_str text, reef_str *name, uint16_t *port, bool *v6)
{
    *v6 = text.len > 0 && text.ptr[0] == '[';
    size_t colon = reef_str_find(text, ':', 0);
    if (*v6) {
        size_t close = reef_str_find(text, ']', 0);
        if (close == text.len)
            return "the \"]\" after the IPv6 address is missing";
        *name = reef_str_part(text, 1, close - 1);
        colon = close + 1;
        if (colon < text.len && text.ptr[colon] != ':')
            return "after the \"]\" stands nothing, or \":\" and the port";
    } else {
        *name = reef_str_part(text, 0, colon);
    }
    if (!*v6 && reef_str_find(text, ':', colon + 1) < text.len)
        return host_is_hex(text) ? host_bare_ip6 : host_two_ports;
    if (colon >= text.len)
        return NULL;
    return host_port(reef_str_from(text, colon + 1), port);
}

static const char *host_tcp(reef_host *host, reef_str text, reef_str *name)
{
    bool v6;
    const char *why = host_split(text, name, &host->port, &v6);
    if (why != NULL)
        return why;
    if (v6)
        return reef_is_ip6(*name) ? NULL : "this is not an IPv6 address";
    if (name->len == 0)
        return "the host is missing before the port";
    return host_name(*name);
}

static const char *host_unix(reef_str path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return "after \"unix:\" stands a path from \"/\" on";
    if (path.len > REEF_SOCKET_PATH_MAX)
        return "the path of a socket has at most 107 bytes";
    if (reef_str_find(path, 0, 0) < path.len)
        return "a path has no NUL";
    return NULL;
}

static const char *host_srv(reef_str name)
{
    if (name.len == 0)
        return "the name is missing after \"srv+\"";
    if (reef_str_find(name, ':', 0) < name.len)
        return "after \"srv+\" stands a name alone: the SRV record has the port";
    return host_name(name);
}

/* Common ways to write what is written otherwise here. */
static const char *host_mistake(reef_str text)
{
    if (text.len == 0)
        return "it is empty; write \"host:port\"";
    if (text.ptr[0] == '/')
        return "a socket is written \"unix:/run/redis.sock\"";
    if (reef_str_mentions(text, "://"))
        return "write \"host:port\", not a URL";
    if (reef_str_find(text, '@', 0) < text.len)
        return "user and password have settings of their own";
    if (reef_str_find(text, ',', 0) < text.len)
        return "each host is a text of its own, as in [\"a:6379\", \"b:6379\"]";
    if (reef_str_is(reef_str_part(text, 0, text.len < 4 ? text.len : 4), "srv+"))
        return "\"srv+\" is written in lower case";
    return NULL;
}

const char *reef_host_parse(reef_host *host, reef_str text)
{
    reef_str name = text;
    const char *why = NULL;
    memset(host, 0, sizeof *host);
    if (reef_str_starts(text, "unix:")) {
        host->kind = REEF_HOST_UNIX;
        name = reef_str_from(text, 5);
        why = host_unix(name);
    } else if (reef_str_starts(text, "srv+")) {
        host->kind = REEF_HOST_SRV;
        name = reef_str_from(text, 4);
        why = host_srv(name);
    } else {
        why = host_mistake(text);
        why = why != NULL ? why : host_tcp(host, text, &name);
    }
    if (why == NULL)
        memcpy(host->name, name.ptr, name.len);
    return why;
}

/* The domain before "/": dots at its ends fall away, letters become small. */
static const char *host_domain(reef_nameserver *server, reef_str domain)
{
    while (domain.len > 0 && domain.ptr[0] == '.')
        domain = reef_str_from(domain, 1);
    while (domain.len > 0 && domain.ptr[domain.len - 1] == '.')
        domain.len--;
    if (domain.len == 0)
        return "the domain is missing before the \"/\"";
    const char *why = host_name(domain);
    if (why != NULL)
        return why;
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.ptr[i];
        server->domain[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return NULL;
}

/* "ip", "ip:port", "[v6]:port" behind what was read before. */
static const char *host_address(reef_nameserver *server, reef_str text,
                                const char *wanted)
{
    reef_str address;
    bool v6;
    if (reef_str_mentions(text, "://"))
        return wanted;
    const char *why = host_split(text, &address, &server->port, &v6);
    if (why != NULL)
        return why == host_two_ports || why == host_bare_ip6 ? wanted : why;
    if (!(v6 ? reef_is_ip6(address) : reef_is_ip4(address)))
        return wanted;
    memcpy(server->address, address.ptr, address.len);
    return NULL;
}

const char *reef_nameserver_parse(reef_nameserver *server, reef_str text)
{
    static const char wanted[] =
        "a nameserver is an IP address, as in "
        "\"10.0.0.1\", \"[::1]:53\" (v6 in brackets) or \"consul/10.0.0.1:8600\"";
    bool url = reef_str_mentions(text, "://");
    size_t slash = url ? text.len : reef_str_find(text, '/', 0);
    memset(server, 0, sizeof *server);
    server->port = REEF_PORT_DNS;
    if (slash < text.len) {
        const char *why = host_domain(server, reef_str_part(text, 0, slash));
        if (why != NULL)
            return why;
        text = reef_str_from(text, slash + 1);
    }
    return host_address(server, text, wanted);
}

const char *reef_consul_parse(reef_nameserver *server, reef_str text)
{
    static const char consul[] = "consul";
    memset(server, 0, sizeof *server);
    server->port = REEF_PORT_CONSUL;
    memcpy(server->domain, consul, sizeof consul);
    return host_address(server, text,
                        "a Consul server is an IP address, as in \"10.0.0.1\", "
                        "\"10.0.0.1:8600\" or \"[::1]:8600\"");
}
