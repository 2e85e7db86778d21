/* SPDX-License-Identifier: Apache-2.0
 *
 * host: the addresses of knot.toml. */
#ifndef REEF_CONFIG_HOST_H
#define REEF_CONFIG_HOST_H
#include "config/config.h"

enum {
    REEF_SOCKET_PATH_MAX = 107, /* what every system's sockaddr_un holds */
    REEF_LABEL_MAX = 63,        /* between two dots of a name */
    REEF_PORT_REDIS = 6379,
    REEF_PORT_SENTINEL = 26379,
    REEF_PORT_DNS = 53,
    REEF_PORT_CONSUL = 8600
};

/* Reads one element of `hosts`: kind, name and port (0 where none was given). NULL when
 * done, else why not, as the end of a sentence; then `host` holds nothing of use. */
const char *reef_host_parse(reef_host *host, reef_str text);
/* The same for one element of `nameservers`; its port is always set. */
const char *reef_nameserver_parse(reef_nameserver *, reef_str text);

/* One element of `consul`: the same without a domain, which is "consul". */
const char *reef_consul_parse(reef_nameserver *, reef_str text);

bool reef_is_ip4(reef_str); /* four numbers, no leading zeros */
bool reef_is_ip6(reef_str); /* without brackets and zone */

#endif
