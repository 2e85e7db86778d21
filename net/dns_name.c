/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: as text, as they stand in a message, and as numbers (see dns_name.h).
 *
 * Invariants of the numbers: a name's parent has a smaller number. known[at] is set
 * only for what is whole: from there on each pointer leads before the start of the
 * piece that it ends, down to the root. A piece that is entered at an earlier start has
 * to satisfy more, so its pointer is looked at again (behind). Every offset is worked
 * out once, except that the bytes of a name itself, up to its first pointer, are read
 * each time: so the work is bounded by the message's length. How many names are looked
 * at in a bucket is bounded by it as well, over all buckets together. */
#include "net/dns_name.h"

#include <string.h>

enum {
    NAME_LABEL_MAX = 63,
    NAME_HEADER = 12, /* no name begins in the header */
    NAME_PROBES = 2,  /* for each byte of a message; chance makes less than one */
    NAME_TAG = 24,    /* bits of a hash below its tag */
    NAME_NO_HOST = 2  /* or REEF_DNS_HOST; 0: not looked at yet */
};

/* Odd, and its bits without an order: what is multiplied by it ends up in the highest
 * bits. */
static const uint64_t NAME_ODD = 0x9E3779B97F4A7C15;

static unsigned char name_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* ---- text --------------------------------------------------------------------- */

static bool name_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte that text.ptr[*at] begins, escaped or not; -1: a broken escape. */
static int name_byte(reef_str text, size_t *at)
{
    const char *c = text.ptr + *at;
    size_t left = text.len - *at;
    *at += 1;
    if (c[0] != '\\')
        return (unsigned char)c[0];
    *at += 1;
    if (left < 2)
        return -1;
    if (!name_digit(c[1]))
        return (unsigned char)c[1];
    *at += 2;
    if (left < 4 || !name_digit(c[2]) || !name_digit(c[3]))
        return -1;
    int byte = (c[1] - '0') * 100 + (c[2] - '0') * 10 + (c[3] - '0');
    return byte < 256 ? byte : -1;
}

/* One label with its length, and the dot behind it. */
static bool name_put_label(reef_dns_name *name, reef_str text, size_t *at)
{
    size_t start = name->len, len = 0;
    while (*at < text.len && text.ptr[*at] != '.') {
        int byte = name_byte(text, at);
        if (byte < 0 || ++len > NAME_LABEL_MAX || start + len + 2 > REEF_DNS_WIRE_MAX)
            return false;
        name->bytes[start + len] = (unsigned char)byte;
    }
    if (len == 0)
        return false;
    name->bytes[start] = (unsigned char)len;
    name->len = (uint8_t)(start + len + 1);
    *at += 1;
    return true;
}

bool reef_dns_name_parse(reef_dns_name *name, reef_str text)
{
    size_t at = text.len == 1 && text.ptr[0] == '.' ? 1 : 0;
    bool ok = text.len > 0;
    name->len = 0;
    while (ok && at < text.len)
        ok = name_put_label(name, text, &at);
    if (ok)
        name->bytes[name->len++] = 0;
    else
        name->len = 0;
    return ok;
}

static size_t name_spell(unsigned char c, char *out)
{
    bool plain = c > ' ' && c < 0x7F;
    if (plain && c != '.' && c != '\\') {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    if (plain) {
        out[1] = (char)c;
        return 2;
    }
    out[1] = (char)('0' + c / 100);
    out[2] = (char)('0' + c / 10 % 10);
    out[3] = (char)('0' + c % 10);
    return 4;
}

size_t reef_dns_name_text(const reef_dns_name *name, char out[REEF_DNS_TEXT_MAX])
{
    size_t len = 0;
    size_t left = 0; /* of the label */
    for (size_t i = 0; i + 1 < name->len; i++) {
        if (left > 0) {
            len += name_spell(name->bytes[i], out + len);
            left--;
            continue;
        }
        left = name->bytes[i];
        if (i > 0)
            out[len++] = '.';
    }
    if (len == 0)
        out[len++] = '.';
    out[len] = '\0';
    return len;
}

/* Lengths of labels are no letters, so they need no care. */
bool reef_dns_bytes_equal(const unsigned char *a, const unsigned char *b, size_t len)
{
    bool same = memcmp(a, b, len) == 0;
    for (size_t i = 0; !same && i < len; i++) {
        if (name_lower(a[i]) != name_lower(b[i]))
            return false;
    }
    return true;
}

bool reef_dns_name_equal(const reef_dns_name *a, const reef_dns_name *b)
{
    return a->len == b->len && reef_dns_bytes_equal(a->bytes, b->bytes, a->len);
}

/* ---- in a message ------------------------------------------------------------- */

static size_t name_pointer(const unsigned char *bytes, size_t at)
{
    return (size_t)(bytes[at] & 0x3F) << 8 | bytes[at + 1];
}

void reef_dns_name_expand(reef_dns_name *name, reef_str message, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)message.ptr;
    size_t start = at, len = 0;
    name->len = 0;
    while (at < message.len && bytes[at] != 0) {
        size_t size = bytes[at];
        if (size >= REEF_DNS_POINTER) {
            if (at + 1 >= message.len || name_pointer(bytes, at) >= start)
                return;
            at = start = name_pointer(bytes, at);
            continue;
        }
        size += 1;
        if (size > NAME_LABEL_MAX + 1 || at + size > message.len ||
            len + size >= REEF_DNS_WIRE_MAX)
            return;
        for (size_t i = 0; i < size; i++)
            name->bytes[len++] = name_lower(bytes[at++]);
    }
    if (at >= message.len)
        return;
    name->bytes[len] = 0;
    name->len = (uint8_t)(len + 1);
}

void reef_dns_target_name(const reef_dns_answer *answer, reef_str message,
                          uint32_t target, char out[REEF_NAME_MAX + 1])
{
    char text[REEF_DNS_TEXT_MAX];
    reef_dns_name name;
    reef_dns_name_expand(&name, message, answer->targets[target].at);
    size_t len = reef_dns_name_text(&name, text);
    if (len > REEF_NAME_MAX)
        len = 0;
    memcpy(out, text, len);
    out[len] = '\0';
}

/* ---- numbers ------------------------------------------------------------------ */

/* Those of names and of records are equally many. Where names have many labels, there
 * may be far more of them than of records: then the message's length decides. Returns
 * the bits of a bucket's number. */
REEF_DNS_INLINE uint32_t name_buckets(size_t len, uint32_t records)
{
    uint32_t bits = 5;
    size_t least = len / 16 > 2 * (size_t)records ? len / 16 : 2 * (size_t)records;
    while ((size_t)1 << bits < least)
        bits++;
    return bits;
}

/* A label has two bytes at least: more names than that stand within one another. */
static size_t name_nodes(size_t len)
{
    return len / 2 + 2;
}

/* Nodes, then three times the buckets, then what is known of each offset. */
size_t reef_dns_names_room(size_t len, uint32_t records)
{
    size_t buckets = (size_t)1 << name_buckets(len, records);
    size_t room = name_nodes(len) * sizeof(reef_dns_node) +
                  (2 * len + 3 * buckets) * sizeof(uint16_t) + len;
    return (room + 7) / 8 * 8;
}

void *reef_dns_names_begin(reef_dns_names *names, reef_str message, uint32_t records,
                           void *room)
{
    uint32_t bits = name_buckets(message.len, records);
    size_t buckets = (size_t)1 << bits;
    names->bytes = (const unsigned char *)message.ptr;
    names->len = message.len;
    names->nodes = room;
    names->cap = (uint32_t)name_nodes(message.len);
    names->count = REEF_DNS_ROOT + 1;
    names->probes = (uint32_t)message.len * NAME_PROBES;
    names->shift = 64 - bits;
    names->buckets = (uint16_t *)(void *)(names->nodes + names->cap);
    names->spare[0] = names->buckets + buckets;
    names->spare[1] = names->spare[0] + buckets;
    names->known = names->spare[1] + buckets;
    names->behind = names->known + message.len;
    names->hops = (uint8_t *)(names->behind + message.len);
    names->tail_name = REEF_DNS_NOWHERE;
    memset(names->buckets, 0, (3 * buckets + message.len) * sizeof(uint16_t));
    names->nodes[REEF_DNS_ROOT] = (reef_dns_node){.len = 1, .host = REEF_DNS_HOST};
    size_t used = (size_t)(names->hops + message.len - (uint8_t *)room);
    return (uint8_t *)room + (used + 7) / 8 * 8;
}

/* Eight bytes as a number. */
REEF_DNS_INLINE uint64_t name_load(const unsigned char *b)
{
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 |
           (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 |
           (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* The same of `size` bytes at `at`, one at least and not more than eight of them; they
 * end up in the number's upper end. */
REEF_DNS_INLINE uint64_t name_eight(const reef_dns_names *names, size_t at, size_t size)
{
    const unsigned char *b = names->bytes + at;
    uint64_t w = 0;
    size = size < 8 ? size : 8;
    if (at + 8 <= names->len)
        return name_load(b) << (64 - 8 * size);
    for (size_t i = size; i > 0; i--)
        w = w >> 8 | (uint64_t)b[size - i] << 56;
    return w;
}

/* A label as a number in which letters have no case: one bit less makes capital letters
 * of small ones. It makes some other bytes alike too, and of long labels the number is
 * a hash: what has the same number is still to be compared. */
REEF_DNS_INLINE uint64_t name_head(const reef_dns_names *names, size_t at)
{
    const uint64_t caps = 0xDFDFDFDFDFDFDFDF;
    size_t size = names->bytes[at];
    uint64_t head = name_eight(names, at + 1, size) & caps;
    for (size_t i = 8; i < size; i += 8) {
        head = (head ^ head >> 32) * NAME_ODD;
        head ^= name_eight(names, at + 1 + i, size - i) & caps;
    }
    return head;
}

/* Labels of the same size. Short ones are mostly spelled alike. */
REEF_DNS_INLINE bool name_same_label(const reef_dns_names *names, size_t a, size_t b)
{
    size_t size = names->bytes[a];
    return (size <= 8 &&
            name_eight(names, a + 1, size) == name_eight(names, b + 1, size)) ||
           reef_dns_bytes_equal(names->bytes + a, names->bytes + b, size + 1);
}

/* The highest bits say which bucket, others tell those in one bucket apart. */
REEF_DNS_INLINE uint64_t name_hash(uint16_t parent, uint64_t head)
{
    return (head ^ (parent + (uint64_t)1) * 0xD6E8FEB86659FD93) * NAME_ODD;
}

/* Letters, digits, "-" and "_". */
static const uint8_t name_host_bytes[256] = {
    ['-'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,
    ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1,
    ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1,
    ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1,
    ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1,
    ['Y'] = 1, ['Z'] = 1, ['_'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,
    ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,
    ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1,
    ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1,
    ['z'] = 1};

/* Such bytes, and "-" at neither end. */
REEF_DNS_INLINE bool name_host_label(const unsigned char *label)
{
    const unsigned char *last = label + label[0];
    uint32_t good = label[1] != '-' && *last != '-';
    do
        good &= name_host_bytes[*++label];
    while (label < last);
    return good != 0;
}

/* A new name of `len` bytes: the label at `at` before `parent`. */
REEF_DNS_INLINE uint16_t name_add(reef_dns_names *names, uint16_t parent, size_t at,
                                  size_t len, uint64_t hash, uint8_t host)
{
    uint32_t number = names->count;
    uint16_t *bucket = &names->buckets[hash >> names->shift];
    reef_dns_node *node = &names->nodes[number];
    if (number >= names->cap)
        return REEF_DNS_NOWHERE;
    names->count = number + 1;
    node->parent = parent;
    node->at = (uint16_t)at;
    node->next = *bucket;
    node->tag = (uint16_t)(hash >> NAME_TAG);
    node->len = (uint8_t)len;
    node->host = host;
    node->alias = node->target = node->address = 0;
    *bucket = (uint16_t)number;
    return (uint16_t)number;
}

/* 0: it is not there. With the same parent, names of the same length have labels of the
 * same length. Who has searched for too long can make no new names either. */
REEF_DNS_INLINE uint16_t name_find(reef_dns_names *names, uint16_t parent, size_t at,
                                   size_t len, uint64_t hash)
{
    uint16_t tag = (uint16_t)(hash >> NAME_TAG);
    uint16_t i = names->buckets[hash >> names->shift];
    while (i != 0) {
        const reef_dns_node *node = &names->nodes[i];
        uint32_t cost = 1;
        if (node->tag == tag && node->parent == parent && node->len == len) {
            if (name_same_label(names, node->at, at))
                return i;
            cost = NAME_LABEL_MAX / 8;
        }
        if (names->probes < cost) {
            names->cap = 0;
            return 0;
        }
        names->probes -= cost;
        i = node->next;
    }
    return 0;
}

/* The verdict on the first name above that has one, or has a bad label, holds for all
 * names in between. */
static uint8_t name_settle(reef_dns_node *nodes, const unsigned char *bytes,
                           uint16_t name)
{
    uint16_t top = name;
    while (nodes[top].host == 0) {
        if (name_host_label(bytes + nodes[top].at))
            top = nodes[top].parent;
        else
            nodes[top].host = NAME_NO_HOST;
    }
    for (uint16_t i = name; i != top; i = nodes[i].parent)
        nodes[i].host = nodes[top].host;
    return nodes[name].host;
}

bool reef_dns_names_host(reef_dns_names *names, uint16_t name)
{
    reef_dns_node *node = &names->nodes[name];
    if (node->host == 0)
        name_settle(names->nodes, names->bytes, name);
    return node->host == REEF_DNS_HOST;
}

/* The name that is the label at `at` before `parent`; `fresh`: the parent is so new
 * that nothing is before it. */
REEF_DNS_INLINE uint16_t name_number(reef_dns_names *names, uint16_t parent, size_t at,
                                     bool fresh)
{
    const reef_dns_node *above = &names->nodes[parent];
    const unsigned char *label = names->bytes + at;
    uint64_t hash = name_hash(parent, name_head(names, at));
    size_t len = (size_t)above->len + label[0] + 1;
    uint16_t found = fresh ? 0 : name_find(names, parent, at, len, hash);
    if (found != 0)
        return found;
    uint8_t host = above->host;
    if (host == 0)
        host = name_settle(names->nodes, names->bytes, parent);
    if (host == REEF_DNS_HOST && !name_host_label(label))
        host = NAME_NO_HOST;
    return name_add(names, parent, at, len, hash, host);
}

REEF_DNS_INLINE void name_know(reef_dns_names *names, size_t at, uint16_t name)
{
    names->known[at] = name;
    names->behind[at] = 0;
    names->hops[at] = 0;
}

/* Whether these names are hosts', as those of services are not, is mostly not asked: it
 * is found out later. */
uint16_t reef_dns_names_first(reef_dns_names *names, size_t *at)
{
    uint16_t labels[REEF_DNS_WIRE_MAX / 2], name = REEF_DNS_ROOT;
    uint32_t count = 0;
    size_t here = *at, len = 1;
    labels[0] = (uint16_t)here;
    for (; names->bytes[here] != 0; here += (size_t)names->bytes[here] + 1)
        labels[count++] = (uint16_t)here;
    *at = here + 1;
    while (count-- > 0 && name != REEF_DNS_NOWHERE) {
        here = labels[count];
        len += (size_t)names->bytes[here] + 1;
        uint64_t hash = name_hash(name, name_head(names, here));
        name = name_add(names, name, here, len, hash, 0);
        name_know(names, here, name);
    }
    return name;
}

/* A name on its way: the labels and pointers passed, and what is known from there. */
typedef struct name_walk {
    uint16_t steps[REEF_DNS_WIRE_MAX / 2 + 1 + REEF_DNS_HOPS_MAX + 1];
    uint32_t count, hops, len;
    uint32_t known_hops; /* of `hops`, those behind what is known */
    uint16_t name, behind;
} name_walk;

static bool name_arrive(const reef_dns_names *names, name_walk *walk, size_t at)
{
    walk->name = names->known[at];
    walk->behind = names->behind[at];
    walk->known_hops = names->hops[at];
    walk->hops += walk->known_hops;
    walk->len += names->nodes[walk->name].len;
    return walk->hops <= REEF_DNS_HOPS_MAX && walk->len <= REEF_DNS_WIRE_MAX;
}

/* From *at, which moves behind the name, to the root or to where all is known. */
static bool name_go(const reef_dns_names *names, name_walk *walk, size_t *at)
{
    size_t start = *at, here = *at, after = 0;
    while (here < names->len) {
        size_t size = names->bytes[here];
        bool known = after != 0 && names->known[here] != REEF_DNS_NOWHERE;
        if (known || size == 0) {
            *at = after != 0 ? after : here + 1;
            return !known ||
                   (names->behind[here] < start && name_arrive(names, walk, here));
        }
        walk->steps[walk->count++] = (uint16_t)here;
        if (size <= NAME_LABEL_MAX) {
            here += size + 1;
            walk->len += (uint32_t)size + 1;
            if (walk->len >= REEF_DNS_WIRE_MAX)
                return false;
            continue;
        }
        if (size < REEF_DNS_POINTER || here + 1 >= names->len ||
            ++walk->hops > REEF_DNS_HOPS_MAX)
            return false;
        after = after != 0 ? after : here + 2;
        here = name_pointer(names->bytes, here);
        if (here < NAME_HEADER || here >= start)
            return false;
        start = here;
    }
    return false;
}

/* What was passed gets its numbers, the last label first. */
static uint16_t name_return(reef_dns_names *names, name_walk *walk)
{
    uint32_t hops = walk->known_hops, before = names->count;
    while (walk->count > 0) {
        size_t at = walk->steps[--walk->count];
        if (names->bytes[at] >= REEF_DNS_POINTER) {
            walk->behind = (uint16_t)name_pointer(names->bytes, at);
            hops++;
        } else {
            walk->name = name_number(names, walk->name, at, names->count > before);
            if (walk->name == REEF_DNS_NOWHERE)
                return REEF_DNS_NOWHERE;
        }
        names->known[at] = walk->name;
        names->behind[at] = walk->behind;
        names->hops[at] = (uint8_t)hops;
    }
    return walk->name;
}

/* Is what stands at `at` what the name before ended in? Eight bytes at a time, the last
 * ones perhaps twice. */
REEF_DNS_INLINE bool name_same_tail(const reef_dns_names *names, size_t at, size_t len)
{
    const unsigned char *a = names->bytes + at, *b = names->bytes + names->tail;
    if (len < 8)
        return memcmp(a, b, len) == 0;
    for (size_t i = 0; i + 8 < len; i += 8) {
        if (name_load(a + i) != name_load(b + i))
            return false;
    }
    return name_load(a + len - 8) == name_load(b + len - 8);
}

/* One label before the same bytes as the name before had, as targets of one service
 * have it: servers do not compress them. */
REEF_DNS_INLINE uint16_t name_sibling(reef_dns_names *names, size_t *at)
{
    size_t start = *at, size = names->bytes[start];
    size_t len = names->tail_len, rest = start + 1 + size;
    if (size == 0 || size > NAME_LABEL_MAX || size + 1 + len > REEF_DNS_WIRE_MAX ||
        rest + len > names->len || !name_same_tail(names, rest, len))
        return REEF_DNS_NOWHERE;
    uint16_t name = name_number(names, names->tail_name, start, false);
    name_know(names, start, name);
    *at = rest + len;
    return name;
}

/* Label by label. */
static uint16_t name_walk_through(reef_dns_names *names, size_t *at)
{
    name_walk walk;
    walk.count = walk.hops = walk.len = walk.known_hops = walk.behind = 0;
    walk.name = REEF_DNS_ROOT;
    if (!name_go(names, &walk, at))
        return REEF_DNS_NOWHERE;
    bool plain = walk.hops == 0 && walk.count > 1;
    uint16_t name = name_return(names, &walk);
    if (plain && name != REEF_DNS_NOWHERE) {
        names->tail = walk.steps[1];
        names->tail_name = names->known[names->tail];
        names->tail_len = names->nodes[names->tail_name].len;
    }
    return name;
}

uint16_t reef_dns_names_read(reef_dns_names *names, size_t *at)
{
    uint16_t name = REEF_DNS_NOWHERE;
    if (*at < names->len && names->tail_name != REEF_DNS_NOWHERE)
        name = name_sibling(names, at);
    return name != REEF_DNS_NOWHERE ? name : name_walk_through(names, at);
}

/* ---- what a name is ----------------------------------------------------------- */

bool reef_dns_names_within(const reef_dns_names *names, uint16_t name, uint16_t zone)
{
    while (names->nodes[name].len > names->nodes[zone].len)
        name = names->nodes[name].parent;
    return name == zone;
}
