/* SPDX-License-Identifier: Apache-2.0
 *
 * resolvconf: what /etc/resolv.conf (resolv.conf(5)) and the hosts file (hosts(5)) say.
 * Pure: text in, a value out. No text does harm: what can't be understood is passed
 * over, a number out of range is brought into it. Private to net/. */
#ifndef REEF_NET_RESOLVCONF_H
#define REEF_NET_RESOLVCONF_H
#include "net/net.h"

enum {
    REEF_RESOLV_SERVERS_MAX = 3,
    REEF_RESOLV_SEARCH_MAX = 16,
    REEF_RESOLV_ADDRESS = 80 /* a numeric address with its scope and NUL */
};

typedef struct reef_resolvconf {
    uint32_t server_count; /* never 0: without any line, 127.0.0.1 */
    char servers[REEF_RESOLV_SERVERS_MAX][REEF_RESOLV_ADDRESS]; /* v4, v6, v6%scope */
    uint32_t search_count;
    char search[REEF_RESOLV_SEARCH_MAX][REEF_NAME_MAX + 1]; /* no dot at the end */
    uint32_t ndots;                                         /* 0 to 15, default 1 */
    uint32_t timeout_ms; /* 1000 to 30000, default 5000: how long a server is heard */
    uint32_t attempts;   /* 1 to 5, default 2: how often each server is asked */
    bool rotate;         /* another server first each time */
    bool use_tcp;        /* use-vc, usevc, tcp */
    bool no_aaaa;
    bool trust_ad; /* the AD bit is sent; nothing is made of it in answers */
} reef_resolvconf;

/* `local_name` is the machine's own name: where no line says "search" or "domain", what
 * follows its first dot is the search list. May be empty. Of several search and domain
 * lines the last one counts. */
void reef_resolvconf_parse(reef_resolvconf *, reef_str text, reef_str local_name);

/* "1.2.3.4", "fe80::1", "fe80::1%eth0": an address that can be dialled as it stands. */
bool reef_address_literal(const char *text);
/* The same of a word: whether it is one, and then a copy of it. */
bool reef_address_read(reef_str word, char out[REEF_RESOLV_ADDRESS]);

/* A hosts file, with an index of the names in it: looking one up takes as long as there
 * are lines with it, however long the file is. Zero is an empty file. */
typedef struct reef_hosts {
    reef_str text;  /* a copy of the file */
    uint32_t *ends; /* by hash: where in `words` the next one's begin */
    struct hosts_word *words;
    uint32_t bucket_count; /* a power of two */
} reef_hosts;

/* Of a zero one; the text is copied. False: out of memory; it is zero then. */
bool reef_hosts_read(reef_hosts *, reef_str text);
void reef_hosts_free(reef_hosts *); /* it is zero then */

/* The addresses of a name in a hosts file, each once, in the order of the file; how
 * many, at most `cap`. ASCII letters in any case, a dot at the end of `name` does not
 * count. "localhost" and names below it are 127.0.0.1 and ::1 where the file does not
 * name them (RFC 6761 section 6.3). */
uint32_t reef_hosts_find(const reef_hosts *, reef_str name,
                         char out[][REEF_RESOLV_ADDRESS], uint32_t cap);

/* What both files are made of: lines that end with LF or CR LF, and words between
 * blanks. Each takes what it returns off the front of its argument; false: nothing is
 * left. */
bool reef_conf_line(reef_str *text, reef_str *line);
bool reef_conf_word(reef_str *line, reef_str *word);

#endif
