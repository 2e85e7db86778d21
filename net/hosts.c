/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that need no DNS: literals, what a hosts file says of a name, and
 * "localhost".
 *
 * An address is read to its value, strictly as inet_pton does it: four numbers without
 * leading zeros, or the text of RFC 4291 section 2.2, and there the name or number of
 * an interface behind a "%". The value tells whether two spellings are one address;
 * what is handed out is the first spelling.
 *
 * Files of millions of names exist (they block advertisements), and a service may have
 * thousands of targets: each is found by the index, which is made once for a file. It
 * holds the words in the order of their hashes, and those of one hash in the order of
 * the file. */
#include "net/resolvconf.h"

#include <stdlib.h>
#include <string.h>

enum {
    HOSTS_IP4 = 4,        /* bytes */
    HOSTS_IP6 = 16,       /* bytes */
    HOSTS_GROUP = 2,      /* bytes, up to four hex digits */
    HOSTS_SCOPE_MAX = 15, /* the longest name of an interface */
    HOSTS_NO_GAP = HOSTS_IP6 + 1,
    HOSTS_LINE = 16, /* bytes: about as short as a line is */
    HOSTS_BUCKETS_MAX = 65536
};

typedef struct hosts_address {
    unsigned char bytes[HOSTS_IP6];
    size_t len;
    reef_str scope;
} hosts_address;

/* ---- literals ----------------------------------------------------------------- */

static bool hosts_read_ip4(reef_str text, unsigned char out[HOSTS_IP4])
{
    size_t at = 0;
    for (size_t i = 0; i < HOSTS_IP4; i++) {
        if (i > 0 && (at == text.len || text.ptr[at++] != '.'))
            return false;
        unsigned value = 0;
        size_t first = at;
        for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++) {
            value = value * 10 + (unsigned)(text.ptr[at] - '0');
            if (value > 255 || (at > first && text.ptr[first] == '0'))
                return false;
        }
        if (at == first)
            return false;
        out[i] = (unsigned char)value;
    }
    return at == text.len;
}

/* 16: no hex digit. */
static unsigned hosts_hex(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

/* An IPv6 address as far as it was read. */
typedef struct hosts_groups {
    unsigned char bytes[HOSTS_IP6];
    size_t len;
    size_t gap; /* where "::" stands */
} hosts_groups;

/* What stands between two colons. */
static bool hosts_read_group(hosts_groups *to, reef_str part)
{
    unsigned value = 0;
    if (part.len == 0 || part.len > 4 || to->len + HOSTS_GROUP > HOSTS_IP6)
        return false;
    for (size_t i = 0; i < part.len; i++) {
        if (hosts_hex(part.ptr[i]) > 15)
            return false;
        value = value << 4 | hosts_hex(part.ptr[i]);
    }
    to->bytes[to->len++] = (unsigned char)(value >> 8);
    to->bytes[to->len++] = (unsigned char)(value & 0xFF);
    return true;
}

/* What stands behind the last colon. */
static bool hosts_read_end(hosts_groups *to, reef_str part)
{
    if (part.len == 0)
        return to->gap == to->len; /* "1::" */
    if (memchr(part.ptr, '.', part.len) == NULL)
        return hosts_read_group(to, part);
    if (to->len + HOSTS_IP4 > HOSTS_IP6 || !hosts_read_ip4(part, to->bytes + to->len))
        return false;
    to->len += HOSTS_IP4;
    return true;
}

/* Zeros where the gap was; it stands for one group at least. */
static bool hosts_read_gap(const hosts_groups *from, unsigned char out[HOSTS_IP6])
{
    memset(out, 0, HOSTS_IP6);
    if (from->gap == HOSTS_NO_GAP) {
        memcpy(out, from->bytes, HOSTS_IP6);
        return from->len == HOSTS_IP6;
    }
    size_t behind = from->len - from->gap;
    memcpy(out, from->bytes, from->gap);
    memcpy(out + HOSTS_IP6 - behind, from->bytes + from->gap, behind);
    return from->len < HOSTS_IP6;
}

static bool hosts_read_ip6(reef_str text, unsigned char out[HOSTS_IP6])
{
    hosts_groups groups = {.gap = HOSTS_NO_GAP};
    if (text.len >= 2 && text.ptr[0] == ':' && text.ptr[1] == ':') {
        groups.gap = 0;
        text = (reef_str){text.ptr + 2, text.len - 2};
    }
    for (const char *colon;
         text.len > 0 && (colon = memchr(text.ptr, ':', text.len)) != NULL;) {
        size_t len = (size_t)(colon - text.ptr);
        if (!hosts_read_group(&groups, (reef_str){text.ptr, len}))
            return false;
        text = (reef_str){colon + 1, text.len - len - 1};
        if (text.len > 0 && text.ptr[0] == ':') {
            if (groups.gap != HOSTS_NO_GAP)
                return false;
            groups.gap = groups.len;
            text = (reef_str){text.ptr + 1, text.len - 1};
        }
    }
    return hosts_read_end(&groups, text) && hosts_read_gap(&groups, out);
}

/* The name of an interface as Linux allows it, as far as it can be shown; or its
 * number. */
static bool hosts_is_scope(reef_str scope)
{
    if (scope.len == 0 || scope.len > HOSTS_SCOPE_MAX)
        return false;
    for (size_t i = 0; i < scope.len; i++) {
        char c = scope.ptr[i];
        if (c <= ' ' || c > '~' || c == '/' || c == ':' || c == '%')
            return false;
    }
    return true;
}

static bool hosts_read(reef_str text, hosts_address *out)
{
    *out = (hosts_address){.len = HOSTS_IP4};
    if (text.len == 0 || text.len >= REEF_RESOLV_ADDRESS)
        return false;
    if (hosts_read_ip4(text, out->bytes))
        return true;
    const char *percent = memchr(text.ptr, '%', text.len);
    if (percent != NULL) {
        size_t len = (size_t)(percent - text.ptr);
        out->scope = (reef_str){percent + 1, text.len - len - 1};
        text.len = len;
        if (!hosts_is_scope(out->scope))
            return false;
    }
    out->len = HOSTS_IP6;
    return hosts_read_ip6(text, out->bytes);
}

bool reef_address_read(reef_str word, char out[REEF_RESOLV_ADDRESS])
{
    hosts_address address;
    if (!hosts_read(word, &address))
        return false;
    memcpy(out, word.ptr, word.len);
    out[word.len] = '\0';
    return true;
}

bool reef_address_literal(const char *text)
{
    hosts_address address;
    return hosts_read(reef_str_of(text), &address);
}

/* ---- the file ----------------------------------------------------------------- */

static char hosts_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static reef_str hosts_undotted(reef_str name)
{
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    return name;
}

static bool hosts_same_name(reef_str a, reef_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (hosts_lower(a.ptr[i]) != hosts_lower(b.ptr[i]))
            return false;
    return true;
}

static bool hosts_same(const hosts_address *a, const hosts_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0 &&
           reef_str_equal(a->scope, b->scope);
}

/* Puts an address behind the others, unless it is there. How many there are then. */
static uint32_t hosts_put(char out[][REEF_RESOLV_ADDRESS], uint32_t count,
                          reef_str word)
{
    hosts_address address, there;
    if (!hosts_read(word, &address))
        return count;
    for (uint32_t i = 0; i < count; i++)
        if (hosts_read(reef_str_of(out[i]), &there) && hosts_same(&there, &address))
            return count;
    memcpy(out[count], word.ptr, word.len);
    out[count][word.len] = '\0';
    return count + 1;
}

/* Itself or a name below it. */
static bool hosts_is_local(reef_str name)
{
    static const char local[] = "localhost";
    size_t len = sizeof local - 1;
    if (name.len < len || (name.len > len && name.ptr[name.len - len - 1] != '.'))
        return false;
    return reef_str_is((reef_str){name.ptr + name.len - len, len}, local);
}

/* ---- the index ---------------------------------------------------------------- */

/* Where a name stands, and the line with its address. */
struct hosts_word {
    uint32_t at, len, line;
};

static uint32_t hosts_bucket(const reef_hosts *hosts, reef_str name)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)hosts_lower(name.ptr[i])) * 16777619U;
    return (hash ^ hash >> 16) & (hosts->bucket_count - 1);
}

/* The address at the front of a line, which is left with the names behind it. */
static bool hosts_line(reef_str *text, reef_str *line, reef_str *address)
{
    while (reef_conf_line(text, line)) {
        const char *comment = memchr(line->ptr, '#', line->len);
        if (comment != NULL)
            line->len = (size_t)(comment - line->ptr);
        if (reef_conf_word(line, address))
            return true;
    }
    return false;
}

/* Without `words` they are counted; else each is put where its bucket's next one
 * goes. */
static void hosts_pass(reef_hosts *hosts)
{
    reef_str text = hosts->text, line, address, word;
    while (hosts_line(&text, &line, &address)) {
        while (reef_conf_word(&line, &word)) {
            word = hosts_undotted(word);
            uint32_t *next = &hosts->ends[hosts_bucket(hosts, word)];
            if (hosts->words != NULL) {
                struct hosts_word *to = &hosts->words[*next];
                to->at = (uint32_t)(word.ptr - hosts->text.ptr);
                to->len = (uint32_t)word.len;
                to->line = (uint32_t)(address.ptr - hosts->text.ptr);
            }
            ++*next;
        }
    }
}

static bool hosts_index(reef_hosts *hosts)
{
    uint32_t count = 0;
    hosts->bucket_count = 1;
    while (hosts->bucket_count < HOSTS_BUCKETS_MAX &&
           hosts->bucket_count < hosts->text.len / HOSTS_LINE)
        hosts->bucket_count *= 2;
    hosts->ends = calloc(hosts->bucket_count, sizeof *hosts->ends);
    if (hosts->ends == NULL)
        return false;
    hosts_pass(hosts);
    for (uint32_t i = 0; i < hosts->bucket_count; i++) {
        uint32_t words = hosts->ends[i];
        hosts->ends[i] = count; /* where it begins, until it is filled */
        count += words;
    }
    hosts->words = malloc(((size_t)count + 1) * sizeof *hosts->words);
    if (hosts->words == NULL)
        return false;
    hosts_pass(hosts);
    return true;
}

bool reef_hosts_read(reef_hosts *hosts, reef_str text)
{
    char *copy = text.len < UINT32_MAX ? malloc(text.len > 0 ? text.len : 1) : NULL;
    if (copy == NULL)
        return false;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    hosts->text = (reef_str){copy, text.len};
    if (hosts_index(hosts))
        return true;
    free(copy);
    free(hosts->ends);
    memset(hosts, 0, sizeof *hosts);
    return false;
}

void reef_hosts_free(reef_hosts *hosts)
{
    free((char *)hosts->text.ptr);
    free(hosts->ends);
    free(hosts->words);
    memset(hosts, 0, sizeof *hosts);
}

/* ---- finding ------------------------------------------------------------------ */

static uint32_t hosts_put_named(const reef_hosts *hosts, reef_str name,
                                char out[][REEF_RESOLV_ADDRESS], uint32_t cap)
{
    uint32_t bucket = hosts_bucket(hosts, name), count = 0;
    const char *text = hosts->text.ptr;
    for (uint32_t i = bucket > 0 ? hosts->ends[bucket - 1] : 0;
         i < hosts->ends[bucket] && count < cap; i++) {
        const struct hosts_word *word = &hosts->words[i];
        reef_str address, line = {text + word->line, word->at - word->line};
        if (hosts_same_name((reef_str){text + word->at, word->len}, name) &&
            reef_conf_word(&line, &address))
            count = hosts_put(out, count, address);
    }
    return count;
}

uint32_t reef_hosts_find(const reef_hosts *hosts, reef_str name,
                         char out[][REEF_RESOLV_ADDRESS], uint32_t cap)
{
    uint32_t count = 0;
    name = hosts_undotted(name);
    if (name.len == 0)
        return 0;
    if (hosts->words != NULL)
        count = hosts_put_named(hosts, name, out, cap);
    if (count > 0 || !hosts_is_local(name))
        return count;
    if (cap > 0)
        count = hosts_put(out, count, reef_str_of("127.0.0.1"));
    if (cap > 1)
        count = hosts_put(out, count, reef_str_of("::1"));
    return count;
}
