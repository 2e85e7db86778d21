/* SPDX-License-Identifier: Apache-2.0
 *
 * mask: words that go with a secret, and how much of a key can be told from its value.
 *
 * All words are looked for in one pass: each letter of each word is a bit, and a bit is
 * set while the letters up to it have just been read. A second set of bits does the
 * same with one letter missing, wrong or too many. */
#include "config/mask.h"
#include "config/config.h"
#include "config/host.h"
#include "config/text.h"
#include "config/toml.h"
#include <string.h>

/* More bytes than an IPv6 address, a port or a time has: so far is looked around a
 * colon. */
enum { MASK_ADDRESS = 64 };

#define MASK_QUOTE "\xE2\x80" /* what smart quotes begin with */

/* ---- words -------------------------------------------------------------------- */

/* "passw" and "word" together find "password" however two letters of it are turned. The
 * short ones have to be right, or everything would be like them. */
static const struct {
    const char *word;
    bool near; /* one letter may be off */
} mask_words[] = {
    {"passw", true},   {"secret", true},  {"token", true}, {"encry", true},
    {"credent", true}, {"private", true}, {"pas", false},  {"word", false},
    {"pw", false},     {"dsn", false},    {"auth", false}, {"kennw", false},
    {"wort", false},
};

typedef struct mask_bits {
    uint64_t letters[26]; /* where each letter stands */
    uint64_t starts;
    uint64_t ends, near_ends;
} mask_bits;

static void mask_begin(mask_bits *bits)
{
    size_t bit = 0;
    memset(bits, 0, sizeof *bits);
    for (size_t i = 0; i < sizeof mask_words / sizeof mask_words[0]; i++) {
        bits->starts |= (uint64_t)1 << bit;
        for (const char *c = mask_words[i].word; *c != 0; c++)
            bits->letters[*c - 'a'] |= (uint64_t)1 << bit++;
        uint64_t end = (uint64_t)1 << (bit - 1);
        bits->ends |= end;
        bits->near_ends |= mask_words[i].near ? end : 0;
    }
}

/* A word occurs, in letters of any case. NUL bytes are passed over: without them UTF-16
 * is a text like any other; and all that is not ASCII, which may look like a letter. */
static bool mask_mentions(reef_str text)
{
    mask_bits bits;
    mask_begin(&bits);
    uint64_t exact = 0, near = bits.starts;
    for (size_t i = 0; i < text.len; i++) {
        unsigned letter = ((unsigned char)text.ptr[i] | 0x20u) - 'a';
        uint64_t here = letter < 26 ? bits.letters[letter] : 0, before = exact;
        if (text.ptr[i] == 0 || (unsigned char)text.ptr[i] >= 0x80)
            continue;
        exact = (exact << 1 | bits.starts) & here;
        near = ((near << 1 | bits.starts) & here) | bits.starts;
        near |= before | before << 1; /* a letter too many, a wrong one */
        near |= exact << 1;           /* one that is missing */
        if ((exact & bits.ends) != 0 || (near & bits.near_ends) != 0)
            return true;
    }
    return false;
}

/* The longest of the words that the part ends with: its length, or 0. */
static size_t mask_word_at_end(reef_str part)
{
    static const char *const ends[] = {"password", "passwort", "passwd",  "passphrase",
                                       "pass",     "pwd",      "pw",      "secret",
                                       "token",    "dsn",      "private", "credential",
                                       "cred",     "encrypt",  "auth",    "key"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t len = strlen(ends[i]);
        if (part.len >= len &&
            reef_str_is(reef_str_part(part, part.len - len, len), ends[i]))
            return len;
    }
    return 0;
}

/* A part of a key that ends with a whole word of a secret, or its plural, and has no
 * other one in front of it: nothing of a value sticks to it. */
static bool mask_is_name(reef_str part)
{
    size_t len = mask_word_at_end(part);
    if (len == 0 && part.len > 0 && (part.ptr[part.len - 1] | 0x20) == 's')
        len = mask_word_at_end(reef_str_part(part, 0, --part.len));
    return len > 0 && !mask_mentions(reef_str_part(part, 0, part.len - len));
}

/* Where nothing ends the part it is a name only if it is that of a setting, or the word
 * itself: "passwordXkey" may be one with a value. */
static bool mask_is_own_name(reef_str part)
{
    static const char *const names[] = {"sentinel_password", "password_file"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (reef_str_is(part, names[i]))
            return true;
    return mask_word_at_end(part) == part.len && part.len > 0;
}

static bool mask_one_of(char c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static bool mask_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "\u0070" and its like. */
static bool mask_is_escape(reef_str text, size_t at)
{
    return at + 3 < text.len && text.ptr[at] == '\\' &&
           mask_one_of(text.ptr[at + 1], "uUxX") &&
           reef_digit_value(text.ptr[at + 2]) < 16 &&
           reef_digit_value(text.ptr[at + 3]) < 16;
}

/* "://" and a colon behind it that is not that of a port: what lacks its "@" may be a
 * URL with credentials all the same. */
static bool mask_is_url(reef_str text, size_t at)
{
    static const char behind[] = " \t\r\n\"',/";
    if (!reef_str_starts(reef_str_from(text, at), "://"))
        return false;
    at += 3;
    while (at < text.len && text.ptr[at] != ':' && !mask_one_of(text.ptr[at], behind))
        at++;
    if (at == text.len || text.ptr[at] != ':')
        return false;
    size_t end = at + 1;
    while (end < text.len && reef_is_digit(text.ptr[end]))
        end++;
    bool ends = end == text.len || mask_one_of(text.ptr[end], behind);
    return !ends || end == at + 1 || end > at + 6;
}

/* What may stand in front of the colon of "user:secret": anything but what parts one
 * value from the next. */
static bool mask_is_name_byte(char c)
{
    return !mask_one_of(c, " \t\r\n\"',=:") && c != 0;
}

static size_t mask_digits(reef_str text, size_t at)
{
    while (at < text.len && reef_is_digit(text.ptr[at]))
        at++;
    return at;
}

/* The colon is one of an IPv6 address. */
static bool mask_is_ip6(reef_str text, size_t at)
{
    size_t low = at > MASK_ADDRESS ? at - MASK_ADDRESS : 0, start = at, end = at;
    while (start > low &&
           (text.ptr[start - 1] == ':' || reef_digit_value(text.ptr[start - 1]) < 16))
        start--;
    while (end < text.len && end - at < MASK_ADDRESS &&
           (mask_one_of(text.ptr[end], ":.") || reef_digit_value(text.ptr[end]) < 16))
        end++;
    bool more = end < text.len && reef_toml_bare(text.ptr[end]);
    return !more && reef_is_ip6(reef_str_part(text, start, end - start));
}

/* A value ends here: with the text, the line or the quote around it, or before the next
 * one of a list. */
static bool mask_value_ends(reef_str rest, size_t at)
{
    reef_str after = reef_str_from(rest, at);
    if (after.len > 0 && mask_one_of(after.ptr[0], "\"'"))
        return after.len == 1 || mask_one_of(after.ptr[1], " \t\r\n,]}");
    return after.len == 0 || mask_one_of(after.ptr[0], " \t\r\n,]}") ||
           reef_str_starts(after, MASK_QUOTE);
}

/* A port, a port and a number of a database, or a time's minutes and seconds. */
static bool mask_is_port(reef_str name, reef_str rest)
{
    size_t end = mask_digits(rest, 0);
    bool few = end > 0 && (end < 6 || reef_is_ip4(name));
    if (end == 2 && name.len > 1 && mask_digits(name, name.len - 2) == name.len)
        while (end < rest.len &&
               (reef_is_digit(rest.ptr[end]) || mask_one_of(rest.ptr[end], ":.+-zZ")))
            end++;
    else if (end < rest.len && rest.ptr[end] == '/')
        end = mask_digits(rest, end + 1);
    return few && (mask_value_ends(rest, end) || rest.ptr[end] == ':');
}

/* What stands behind a colon is no secret: nothing, a port, a path, also of a drive, or
 * (YAML) a blank behind a key. */
static bool mask_is_harmless(reef_str name, reef_str rest, bool leads)
{
    if (rest.len > MASK_ADDRESS)
        rest.len = MASK_ADDRESS;
    if (rest.len > 0 && mask_one_of(rest.ptr[0], " \t"))
        return leads;
    return rest.len == 0 || mask_one_of(rest.ptr[0], "\r\n") ||
           (mask_one_of(rest.ptr[0], "\"'") && mask_value_ends(rest, 0)) ||
           reef_str_starts(rest, "//") || reef_str_is(name, "unix") ||
           (name.len == 1 && rest.ptr[0] == '\\') || mask_is_port(name, rest);
}

/* "user:secret", that is a name and a colon with something else behind it than what
 * stands there in good files. The name may be missing where a text begins with the
 * colon. */
static bool mask_is_login(reef_str text, size_t at)
{
    size_t low = at > MASK_ADDRESS ? at - MASK_ADDRESS : 0, end = at;
    while (end > low && mask_is_blank(text.ptr[end - 1]))
        end--;
    size_t start = end;
    while (start > low && mask_is_name_byte(text.ptr[start - 1]))
        start--;
    bool quoted = start > 0 && mask_one_of(text.ptr[start - 1], "\"'");
    bool begins = start == at && quoted &&
                  (at == 1 || !mask_is_name_byte(text.ptr[at - 2]) ||
                   mask_one_of(text.ptr[at - 2], "[{"));
    return (start < end || begins) && !mask_is_ip6(text, at) &&
           !mask_is_harmless(reef_str_part(text, start, end - start),
                             reef_str_from(text, at + 1), !quoted);
}

/* "key" or "cred" as a part of a key ("api_key"), or as all of it: its quote, "=", ":"
 * or "]" stands behind. In a sentence it is a word like any other. */
static bool mask_ends_key(reef_str text, size_t at)
{
    static const char *const words[] = {"key", "cred"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t end = at + strlen(words[i]);
        if (end > text.len || !reef_str_is(reef_str_part(text, at, end - at), words[i]))
            continue;
        if (at > 0 && mask_one_of(text.ptr[at - 1], "_-"))
            return true;
        end += end < text.len && (text.ptr[end] | 0x20) == 's' ? 1 : 0;
        end = mask_digits(text, end);
        end = reef_str_over(text, end, REEF_CHAR_BLANK);
        return end < text.len && mask_one_of(text.ptr[end], "=:]\"'");
    }
    return false;
}

static bool mask_is_sign(reef_str text, size_t at)
{
    switch (text.ptr[at]) {
    case '@':
        return true;
    case '%':
        return reef_str_starts(reef_str_from(text, at), "%40");
    case '\\':
        return mask_is_escape(text, at);
    case ':':
        return mask_is_url(text, at) || mask_is_login(text, at);
    case 'k':
    case 'K':
    case 'c':
    case 'C':
        return mask_ends_key(text, at);
    default:
        return false;
    }
}

bool reef_mask_hides(reef_str text, size_t from, size_t to)
{
    if (to > text.len)
        to = text.len;
    if (from >= to)
        return false;
    if (to - from > REEF_MASK_LOOK)
        return true;
    reef_str part = reef_str_part(text, from, to - from);
    for (size_t at = 0; at < part.len; at++)
        if (mask_is_sign(part, at))
            return true;
    return mask_mentions(part);
}

/* ---- lines -------------------------------------------------------------------- */

/* Where the line ends; not looked for farther than at what hides it anyway. */
static size_t mask_line_end(reef_str text, size_t at)
{
    size_t most = text.len - at > REEF_MASK_LOOK ? at + REEF_MASK_LOOK + 1 : text.len;
    return reef_str_find((reef_str){text.ptr, most}, '\n', at);
}

/* Where the line that ends in front of `start` starts. */
static size_t mask_line_before(reef_str text, size_t start, size_t low)
{
    size_t at = start > low ? start - 1 : low;
    while (at > low && text.ptr[at - 1] != '\n')
        at--;
    return at;
}

static size_t mask_skip_blanks(reef_str text, size_t at, size_t end)
{
    while (at < end && mask_is_blank(text.ptr[at]))
        at++;
    return at;
}

static bool mask_line_empty(reef_str text, size_t at, size_t end)
{
    at = mask_skip_blanks(text, at, end);
    return at == end || (text.ptr[at] == '\r' && at + 1 == end);
}

/* "[...]" and nothing behind it but a comment. */
static bool mask_is_header(reef_str text, size_t at, size_t end)
{
    at = mask_skip_blanks(text, at, end);
    if (at == end || text.ptr[at] != '[')
        return false;
    size_t close = reef_str_find((reef_str){text.ptr, end}, ']', at);
    while (close < end && text.ptr[close] == ']')
        close++;
    return mask_line_empty(text, close, end) ||
           text.ptr[mask_skip_blanks(text, close, end)] == '#';
}

/* The header above, by its looks, names a secret: "[passwords]". */
static bool mask_section_hides(reef_str text, size_t start)
{
    size_t low = start > REEF_MASK_LOOK ? start - REEF_MASK_LOOK : 0;
    while (start > low) {
        size_t end = start - 1;
        start = mask_line_before(text, start, low);
        if (mask_is_header(text, start, end))
            return reef_mask_hides(text, start, end);
    }
    return low > 0;
}

/* "key = value": with one "=", behind something, and quotes that close. */
static bool mask_assigns(reef_str line)
{
    size_t quotes = 0, apostrophes = 0, at = reef_str_find(line, '=', 0);
    for (size_t i = 0; i < line.len; i++) {
        quotes += line.ptr[i] == '"' ? 1 : 0;
        apostrophes += line.ptr[i] == '\'' ? 1 : 0;
    }
    return at > 0 && at + 1 < line.len && line.ptr[at + 1] != '=' && quotes % 2 == 0 &&
           apostrophes % 2 == 0;
}

/* A line that sets nothing may belong to the one above it: a value, or a comment, that
 * was broken in two. Of a value that is likely where it has quotes or no blanks. */
static bool mask_is_rest(reef_str text, size_t start, size_t end, bool comment)
{
    reef_str line = reef_str_trim(reef_str_part(text, start, end - start));
    if (line.len == 0 || line.ptr[0] == '[' || mask_assigns(line))
        return false;
    return comment || line.ptr[0] == '"' || line.ptr[0] == '\'' ||
           (reef_str_find(line, ' ', 0) == line.len &&
            reef_str_find(line, '\t', 0) == line.len);
}

/* An empty text stands at the end, which may be a "'''" that has lost one. */
static bool mask_ends_empty(reef_str text, size_t from, size_t end)
{
    while (end > from && (text.ptr[end - 1] == '\n' || text.ptr[end - 1] == '\r'))
        end--;
    return end - from >= 2 && mask_one_of(text.ptr[end - 1], "\"'") &&
           text.ptr[end - 1] == text.ptr[end - 2];
}

/* The line sets one of reef's own, or is a header. */
static bool mask_is_setting(reef_str text, size_t start, size_t end)
{
    start = mask_skip_blanks(text, start, end);
    if (start < end && text.ptr[start] == '[')
        return true;
    size_t close = start;
    while (close < end && reef_toml_bare(text.ptr[close]))
        close++;
    reef_str key = reef_str_part(text, start, close - start);
    for (size_t i = 0; i < REEF_SETTINGS; i++) {
        const char *name = strrchr(reef_setting_name((reef_setting)i), '.');
        if (name != NULL && reef_str_is(key, name + 1))
            return true;
    }
    return false;
}

/* The line is the rest of the entry in front of it, or of the last line above it with
 * anything in it, and that may hold a secret. */
static bool mask_above_hides(reef_str text, const reef_mask_place *place, size_t end)
{
    size_t start = place->line_at;
    if (mask_is_setting(text, start, end))
        return false;
    if (place->before < start && reef_mask_hides(text, place->before, start) &&
        (mask_is_rest(text, start, end, false) ||
         mask_ends_empty(text, place->before, start)))
        return true;
    size_t low = start > REEF_MASK_LOOK ? start - REEF_MASK_LOOK : 0;
    for (size_t above = start; above > low;) {
        size_t above_end = above - 1;
        above = mask_line_before(text, above, low);
        if (mask_line_empty(text, above, above_end))
            continue;
        bool comment = text.ptr[mask_skip_blanks(text, above, above_end)] == '#';
        return mask_is_rest(text, start, end, comment) &&
               reef_mask_hides(text, above, above_end);
    }
    return low > 0;
}

/* The line is not the first of its entry, or may be the rest of another one. */
static bool mask_continues(reef_str text, const reef_mask_place *place, size_t end)
{
    if (place->entry < place->line_at)
        return true;
    for (size_t at = place->line_at; at < place->entry && at < end; at++)
        if (text.ptr[at] == '"' || text.ptr[at] == '\'')
            return true;
    return mask_above_hides(text, place, end);
}

bool reef_mask_needed(reef_str text, const reef_mask_place *place)
{
    size_t start = place->line_at, end = mask_line_end(text, start);
    size_t from = place->entry < start ? place->entry : start;
    if (place->secret ||
        reef_mask_hides(text, from, place->entry_end > end ? place->entry_end : end))
        return true;
    if (place->entry >= start && mask_continues(text, place, end))
        return true;
    size_t first = mask_skip_blanks(text, from, text.len);
    bool header = first < text.len && text.ptr[first] == '[';
    return !header && mask_section_hides(text, from);
}

/* ---- the key of a line -------------------------------------------------------- */

/* A key or header that is being looked at: its start, how far it may be shown, and the
 * end of its line. */
typedef struct mask_key {
    reef_str text;
    size_t start, at, end;
    bool header;
    bool secret; /* the part in front of `at` is the name of one */
} mask_key;

static bool mask_stands(const mask_key *key, size_t at, char c)
{
    return at < key->end && key->text.ptr[at] == c;
}

/* A name that is nearly that of a setting, and "=" with a quote behind it: a slip of
 * the pen, and no value is part of it. One without blanks may be the end of a value:
 * `password` and `QUJD="`. */
static bool mask_is_slip(const mask_key *key, reef_str part, size_t at)
{
    if (reef_str_distance(part, reef_str_of("password")) > 2 &&
        reef_str_distance(part, reef_str_of("sentinel_password")) > 2 &&
        !mask_is_own_name(part))
        return false;
    size_t sign = mask_skip_blanks(key->text, at, key->end);
    if (key->header || !mask_stands(key, sign, '='))
        return false;
    size_t value = mask_skip_blanks(key->text, sign + 1, key->end);
    return sign > at && (mask_stands(key, value, '"') || mask_stands(key, value, '\''));
}

/* Over one part. False: it is none, or one that can't be told from a secret. */
static bool mask_part(mask_key *key)
{
    size_t at = key->at;
    while (at < key->end && reef_toml_bare(key->text.ptr[at]))
        at++;
    reef_str part = reef_str_part(key->text, key->at, at - key->at);
    key->secret = mask_mentions(part);
    key->at = at;
    if (!key->secret || part.len == 0)
        return part.len > 0;
    at = mask_skip_blanks(key->text, at, key->end);
    bool ends = mask_stands(key, at, '.') || mask_stands(key, at, '=') ||
                mask_stands(key, at, key->header ? ']' : ':');
    return (ends ? mask_is_name(part) : mask_is_own_name(part)) ||
           mask_is_slip(key, part, key->at);
}

/* What is no value may stand behind an "=" that belongs to another one. */
static bool mask_begins_value(const mask_key *key, size_t at)
{
    at = mask_skip_blanks(key->text, at, key->end);
    return at == key->end || mask_one_of(key->text.ptr[at], "\"'[{+-\r#") ||
           (reef_toml_bare(key->text.ptr[at]) && key->text.ptr[at] != '_') ||
           (unsigned char)key->text.ptr[at] >= 0x80;
}

/* Over what ends the key; false: it is not there, though a colon in its place is taken
 * along. */
static bool mask_key_ends(mask_key *key)
{
    size_t at = mask_skip_blanks(key->text, key->at, key->end);
    bool ends = mask_stands(key, at, key->header ? ']' : '=');
    while (key->header && ends && mask_stands(key, at + 1, ']'))
        at++;
    if (!key->header && !key->secret && ends && !mask_begins_value(key, at + 1))
        return false;
    if (ends || mask_stands(key, at, ':'))
        at = mask_skip_blanks(key->text, at + 1, key->end);
    key->at = at;
    return ends;
}

/* Over all that may be shown. What nothing ends is a key only by the name of a secret;
 * what stands behind that name in the key is not shown. */
static void mask_key_read(mask_key *key)
{
    while (key->at < key->start + 2 && mask_stands(key, key->at, '['))
        key->at++;
    key->header = key->at > key->start;
    bool good = mask_part(key);
    while (good && !key->secret && mask_stands(key, key->at, '.')) {
        key->at++;
        good = mask_part(key);
    }
    if (good && mask_stands(key, key->at, '.'))
        key->at++;
    else if (!good || (!mask_key_ends(key) && !key->secret))
        key->at = key->start;
}

size_t reef_mask_shown(reef_str text, const reef_mask_place *place)
{
    size_t end = mask_line_end(text, place->line_at);
    mask_key key = {.text = text, .end = end};
    key.at = key.start = mask_skip_blanks(text, place->line_at, end);
    if (mask_continues(text, place, end))
        key.at = place->line_at;
    else if (end - place->line_at <= REEF_MASK_LOOK)
        mask_key_read(&key);
    return mask_line_empty(text, key.at, end) ? SIZE_MAX : key.at;
}
