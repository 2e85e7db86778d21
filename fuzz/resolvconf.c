/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the readers of resolv.conf and of the hosts file. Input: a byte whose low bit
 * picks the reader and whose others say how much room a hosts look-up has, the length
 * of a name, the name (the machine's own, or the one looked up), then the file. What
 * must hold: counts and numbers in their range; addresses that are some and names that
 * are some; what is read twice is the same, also with CR LF for LF, with a comment or
 * an empty line between lines, and with blanks at their ends; a hosts look-up with less
 * room finds the first of the same, and one for the name in other letters, or with a
 * dot at its end, all of them. */
#include "net/resolvconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CONF_FUZZ_HEAD = 2,
    CONF_FUZZ_MAX = 8192,
    CONF_FUZZ_ROOM = CONF_FUZZ_MAX * 8, /* a file with something for each LF */
    CONF_FUZZ_FOUND = 32
};

static void conf_demand(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* A copy at exact size, so that a sanitizer sees a step past it. */
static reef_str conf_copy(reef_str text)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    conf_demand(copy != NULL, "there is memory");
    memcpy(copy, text.ptr, text.len);
    return (reef_str){copy, text.len};
}

static void conf_free(reef_str copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

/* The text with `before` in front of each LF and `behind` after it. */
static reef_str conf_other(reef_str text, const char *before, const char *behind)
{
    static char room[CONF_FUZZ_ROOM];
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char one[2] = {text.ptr[i], '\0'};
        bool end = one[0] == '\n';
        const char *parts[] = {end ? before : "", one, end ? behind : ""};
        for (size_t part = 0; part < 3; part++) {
            size_t more = part == 1 ? 1 : strlen(parts[part]);
            conf_demand(len + more <= sizeof room, "there is room");
            memcpy(room + len, parts[part], more);
            len += more;
        }
    }
    return conf_copy((reef_str){room, len});
}

static const struct {
    const char *before, *behind;
} conf_others[] = {
    {"\r", ""}, {" \t ", ""}, {"\n", " "}, {"", "# nameserver 9.9.9.9 x\r\n"}};

static void conf_address(const char text[REEF_RESOLV_ADDRESS])
{
    conf_demand(memchr(text, 0, REEF_RESOLV_ADDRESS) != NULL, "an address ends");
    conf_demand(reef_address_literal(text), "an address is one");
    for (size_t i = 0; text[i] != '\0'; i++)
        conf_demand(text[i] > ' ' && text[i] <= '~', "and can be shown");
}

/* ---- resolv.conf -------------------------------------------------------------- */

static bool conf_letter(char c)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_";
    return c != '\0' && strchr(letters, c) != NULL;
}

static void conf_name(const char name[REEF_NAME_MAX + 1])
{
    conf_demand(memchr(name, 0, REEF_NAME_MAX + 1) != NULL, "a name ends");
    size_t len = strlen(name), label = 0;
    conf_demand(len >= 1 && len <= 253, "a name has a length");
    for (size_t i = 0; i <= len; i++) {
        if (i == len || name[i] == '.') {
            conf_demand(label >= 1 && label <= 63, "so has each of its parts");
            label = 0;
            continue;
        }
        conf_demand(conf_letter(name[i]), "a name is made of letters");
        label++;
    }
}

static void conf_check(const reef_resolvconf *conf)
{
    conf_demand(conf->server_count >= 1 &&
                    conf->server_count <= REEF_RESOLV_SERVERS_MAX,
                "there is a server");
    conf_demand(conf->search_count <= REEF_RESOLV_SEARCH_MAX, "the list has an end");
    for (uint32_t i = 0; i < conf->server_count; i++)
        conf_address(conf->servers[i]);
    for (uint32_t i = 0; i < conf->search_count; i++)
        conf_name(conf->search[i]);
    conf_demand(conf->ndots <= 15, "ndots is in its range");
    conf_demand(conf->timeout_ms >= 1000 && conf->timeout_ms <= 30000 &&
                    conf->timeout_ms % 1000 == 0,
                "so is the time-out");
    conf_demand(conf->attempts >= 1 && conf->attempts <= 5, "so are the attempts");
}

static void conf_resolv(reef_str text, reef_str name)
{
    static reef_resolvconf first, again;
    memset(&first, 0x55, sizeof first);
    memset(&again, 0xAA, sizeof again);
    reef_resolvconf_parse(&first, text, name);
    conf_check(&first);
    reef_resolvconf_parse(&again, text, name);
    conf_demand(memcmp(&first, &again, sizeof first) == 0, "it is the same again");
    for (size_t i = 0; i < sizeof conf_others / sizeof conf_others[0]; i++) {
        reef_str other = conf_other(text, conf_others[i].before, conf_others[i].behind);
        reef_resolvconf_parse(&again, other, name);
        conf_demand(memcmp(&first, &again, sizeof first) == 0, "and in other lines");
        conf_free(other);
    }
}

/* ---- hosts -------------------------------------------------------------------- */

typedef struct conf_found {
    uint32_t count;
    char addresses[CONF_FUZZ_FOUND][REEF_RESOLV_ADDRESS];
} conf_found;

static void conf_find(conf_found *out, reef_str text, reef_str name, uint32_t cap)
{
    memset(out, 0x55, sizeof *out);
    out->count = 0;
    reef_hosts hosts = {0};
    if (!reef_hosts_read(&hosts, text))
        return;
    out->count = reef_hosts_find(&hosts, name, out->addresses, cap);
    reef_hosts_free(&hosts);
    conf_demand(out->count <= cap, "no more than there is room for");
    for (uint32_t i = 0; i < out->count; i++) {
        conf_address(out->addresses[i]);
        for (uint32_t j = 0; j < i; j++)
            conf_demand(strcmp(out->addresses[i], out->addresses[j]) != 0, "each once");
    }
    for (uint32_t i = out->count; i < CONF_FUZZ_FOUND; i++)
        conf_demand(out->addresses[i][0] == 0x55, "what is behind is not touched");
}

static void conf_same(const conf_found *a, const conf_found *b, uint32_t count)
{
    conf_demand(b->count == count, "as many are found");
    for (uint32_t i = 0; i < count; i++)
        conf_demand(strcmp(a->addresses[i], b->addresses[i]) == 0, "the same ones");
}

/* Other letters, and a dot where there is none. */
static reef_str conf_respell(reef_str name)
{
    static char room[256 + 1];
    size_t len = name.len;
    memcpy(room, name.ptr, len);
    for (size_t i = 0; i < len; i++)
        if ((room[i] >= 'a' && room[i] <= 'z') || (room[i] >= 'A' && room[i] <= 'Z'))
            room[i] = (char)(room[i] ^ 0x20);
    if (len > 0 && room[len - 1] != '.')
        room[len++] = '.';
    return conf_copy((reef_str){room, len});
}

static void conf_hosts(reef_str text, reef_str name, uint32_t cap)
{
    static conf_found all, part;
    conf_find(&all, text, name, CONF_FUZZ_FOUND);
    conf_find(&part, text, name, cap);
    conf_same(&all, &part, cap < all.count ? cap : all.count);
    reef_str respelt = conf_respell(name);
    conf_find(&part, text, respelt, CONF_FUZZ_FOUND);
    conf_same(&all, &part, all.count);
    conf_free(respelt);
    for (size_t i = 0; i < sizeof conf_others / sizeof conf_others[0]; i++) {
        reef_str other = conf_other(text, conf_others[i].before, conf_others[i].behind);
        conf_find(&part, other, name, CONF_FUZZ_FOUND);
        conf_same(&all, &part, all.count);
        conf_free(other);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CONF_FUZZ_HEAD || size - CONF_FUZZ_HEAD > CONF_FUZZ_MAX)
        return 0;
    const char *rest = (const char *)data + CONF_FUZZ_HEAD;
    size_t len = size - CONF_FUZZ_HEAD, name_len = data[1] < len ? data[1] : len;
    reef_str name = conf_copy((reef_str){rest, name_len});
    reef_str text = conf_copy((reef_str){rest + name_len, len - name_len});
    if ((data[0] & 1) == 0)
        conf_resolv(text, name);
    else
        conf_hosts(text, name, (data[0] >> 1) % (CONF_FUZZ_FOUND + 1));
    conf_free(name);
    conf_free(text);
    return 0;
}
