/* SPDX-License-Identifier: Apache-2.0
 *
 * hint_key: what was probably meant where a key or a header is wrong, or a name is
 * taken. */
#include "config/hint.h"
#include <string.h>

static reef_str key_before(const reef_hint_place *p)
{
    return reef_str_part(p->text, p->prior, p->prior_end - p->prior);
}

/* Bytes of keys without quotes, and dots, alone. */
static bool key_is_bare(reef_str key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!reef_toml_bare(key.ptr[i]) && key.ptr[i] != '.')
            return false;
    return key.len > 0;
}

/* The part of a key that begins at `start` is one only in quotes, as "a/b". It is taken
 * for a key when what belongs behind one follows. */
static bool key_needs_quotes(const reef_hint_place *p, size_t start)
{
    static const char ends[] = " \t\r\n=.\"',[]{}#";
    size_t end = start;
    while (end < p->text.len && !strchr(ends, p->text.ptr[end]))
        end++;
    if (end == start || p->text.ptr[end - 1] == ':')
        return false;
    for (size_t at = start; at < end; at++)
        if (strchr("()<>", p->text.ptr[at]))
            return false;
    char next = reef_hint_byte(p, reef_hint_blanks(p, end));
    bool header = p->spot == REEF_HINT_NAME || p->spot == REEF_HINT_CLOSE;
    if (next != '.' && next != (header ? ']' : '='))
        return false;
    return reef_hint_quote(p, "put it in quotes",
                           reef_str_part(p->text, start, end - start));
}

/* ---- a name that is taken ----------------------------------------------------- */

/* Brackets of the header whose line a place is on; 0: it is on none. */
static int key_brackets_before(const reef_hint_place *p, size_t at)
{
    while (at > 0 && p->text.ptr[at - 1] != '\n')
        at--;
    at = reef_hint_blanks(p, at);
    if (reef_hint_byte(p, at) != '[')
        return 0;
    return reef_hint_byte(p, at + 1) == '[' ? 2 : 1;
}

/* A key with "=" behind it, and no dot. */
static bool key_is_set(const reef_hint_place *p, size_t at, size_t size)
{
    return reef_hint_byte(p, reef_hint_blanks(p, at + size)) == '=';
}

static bool key_is_taken(const reef_hint_place *p)
{
    const reef_toml *r = p->reader;
    if (r->why_first_size == 0)
        return reef_hint_say(p, "write one quote at each side of a key");
    int first = key_brackets_before(p, r->why_first), second = r->brackets;
    bool both = key_is_set(p, p->at, reef_toml_why_size(r)) &&
                key_is_set(p, r->why_first, r->why_first_size);
    if (second == 0 && both)
        return reef_hint_say(p, "keep one of the two");
    if (first == 1 && second == 1)
        return reef_hint_say(p, "put all keys of a table below one header");
    if (first == 0 && second == 1 && !key_is_set(p, r->why_first, r->why_first_size))
        return reef_hint_say(p, "move the keys with dots below the header");
    if (first == 2 && second == 1)
        return reef_hint_say(p, "write [[ and ]] for one more of a list of tables");
    if (first == 1 && second == 2)
        return reef_hint_say(p, "write [[ and ]] each time for a list of tables");
    return false;
}

/* ---- keys ---------------------------------------------------------------------- */

bool reef_hint_key(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    if (reef_toml_bare(c) || c == '"' || c == '\'')
        return key_is_taken(p);
    bool dot = p->prior < p->prior_end && p->text.ptr[p->prior_end - 1] == '.';
    if (dot && (c == ']' || reef_hint_ends(p, p->at)))
        return reef_hint_say(p, "delete the dot, or write the name that is missing");
    if (p->spot == REEF_HINT_NAME && c == ']')
        return reef_hint_say(p, "write the table's name between the brackets");
    if (p->spot == REEF_HINT_FIELD && reef_hint_ends(p, p->at))
        return reef_hint_say(p, "write } where the inline table ends");
    if (p->spot == REEF_HINT_FIELD && c == '[' && reef_hint_begins(p, p->at))
        return reef_hint_say(p, "write } where the table ends, before this line");
    return key_needs_quotes(p, p->at);
}

/* ---- behind a key ------------------------------------------------------------- */

static const char key_begins_table[] = "a table begins with its name in brackets";

/* "- item", "-- remark" and "---" read as keys. */
static bool key_of_dashes(const reef_hint_place *p, reef_str key)
{
    size_t dashes = 0;
    while (dashes < key.len && key.ptr[dashes] == '-')
        dashes++;
    if (dashes == 1 && key.len == 1)
        return reef_hint_say(p, "a list is written [\"a\", \"b\"]");
    if (dashes > 2 && dashes == key.len && reef_hint_ends(p, p->at))
        return reef_hint_say(p, "delete this line, or write # in front of it");
    return dashes > 1 && reef_hint_say(p, "a comment begins with #");
}

/* The line, or the field of an inline table, ends behind the key. */
static bool key_alone(const reef_hint_place *p, reef_str key)
{
    char c = reef_hint_byte(p, p->at);
    bool inside = p->reader->depth > 0;
    bool bare = key_is_bare(key);
    bool number = bare && key.len > 0 && reef_is_digit(key.ptr[0]);
    bool field = inside && (c == ',' || c == '}');
    if (field && (!bare || (number && c == ',')))
        return reef_hint_say(p, "a list stands in square brackets: [ and ]");
    if (number || (!field && !reef_hint_ends(p, p->at)))
        return false;
    if (!inside && bare && reef_str_find(key, '.', 0) < key.len)
        return reef_hint_show(p, key_begins_table, ": [", key, "]");
    return reef_hint_say(p, "write = and a value behind the key");
}

/* A sign behind the key that other formats have. */
static bool key_of_other_format(const reef_hint_place *p, reef_str key)
{
    char c = reef_hint_byte(p, p->at);
    bool last = reef_hint_ends(p, p->at + (p->at < p->text.len ? 1 : 0));
    bool table = p->reader->depth == 0 && key_is_bare(key);
    if (c == ':' && reef_hint_dashed(p, p->at + 1))
        return reef_hint_say(p, "a list is written [\"a\", \"b\"]");
    if ((c == ':' || c == '{') && last && table)
        return reef_hint_show(p, key_begins_table, ": [", key, "]");
    if (c == ':')
        return !reef_hint_assigns(p, reef_hint_blanks(p, p->at + 1)) &&
               reef_hint_say(p, "write = where : stands");
    if (c == '{')
        return reef_hint_say(p, "write = in front of {");
    if (c == ']' && last && table)
        return reef_hint_show(p, "write [ in front of it", ": [", key, "]");
    return false;
}

static bool key_is_command(reef_str key)
{
    static const char *const words[] = {"export", "set",     "setenv",  "let",
                                        "var",    "const",   "declare", "local",
                                        "env",    "include", "import"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (reef_str_is(key, words[i]))
            return true;
    return false;
}

/* "hosts[0] = ". */
static bool key_of_index(const reef_hint_place *p, reef_str key)
{
    size_t at = p->at + 1;
    while (reef_is_digit(reef_hint_byte(p, at)))
        at++;
    size_t sign = reef_hint_blanks(p, at + 1);
    return reef_hint_byte(p, p->at) == '[' && reef_hint_byte(p, at) == ']' &&
           reef_hint_byte(p, sign) == '=' &&
           reef_hint_show(p, "write the whole list at once", ": ", key,
                          " = [\"a\", \"b\"]");
}

/* "master name = ": words with blanks between them, up to "=". */
static bool key_of_words(const reef_hint_place *p, reef_str key)
{
    size_t at = p->at;
    while (reef_toml_bare(reef_hint_byte(p, at)) || reef_hint_byte(p, at) == ' ')
        at++;
    if (reef_hint_byte(p, at) != '=')
        return false;
    return reef_hint_say(p, key_is_command(key)
                                ? "delete the first word; a line begins with its key"
                                : "write _ in place of the blank");
}

/* What follows the key looks like its value, or like a remark. */
static bool key_then_value(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    if (c == 0 || (!strchr("\"'[{+-", c) && !reef_toml_bare(c)))
        return false;
    bool index = p->prior_end == p->at && strchr("\"'[", c);
    if (index || reef_is_digit(p->text.ptr[p->prior])) /* of a log, say */
        return false;
    size_t end = p->at;
    while (reef_toml_bare(reef_hint_byte(p, end)))
        end++;
    size_t next = reef_hint_blanks(p, end);
    bool remark = end > p->at && next > end && reef_is_letter(reef_hint_byte(p, next));
    if (remark && !p->hidden)
        return reef_hint_say(p, "write # in front, if this is a comment");
    return reef_hint_say(p, "write = between the key and its value");
}

bool reef_hint_equals(const reef_hint_place *p)
{
    reef_str key = key_before(p);
    bool touches = p->prior_end == p->at;
    if (key_of_dashes(p, key) || key_alone(p, key))
        return true;
    size_t part = key.len;
    while (part > 0 && key.ptr[part - 1] != '.')
        part--;
    if (touches && key_is_bare(key) && key_needs_quotes(p, p->prior + part))
        return true;
    if (touches && key_of_index(p, key))
        return true;
    return key_of_other_format(p, key) || (!touches && key_of_words(p, key)) ||
           (!key_is_command(key) && key_then_value(p));
}

/* ---- headers ------------------------------------------------------------------ */

/* The name in a header with dots for what separates its parts. False: it is none of
 * plain words. */
static bool key_header_name(const reef_hint_place *p, char name[REEF_SHOWN_MAX],
                            size_t *len)
{
    static const char separators[] = " \t./:\\,|>[]";
    size_t end = reef_hint_line_end(p, p->entry);
    bool gap = false;
    *len = 0;
    for (size_t at = p->entry; at < end && p->text.ptr[at] != '#'; at++) {
        char c = p->text.ptr[at];
        bool arrow = c == '-' && reef_hint_byte(p, at + 1) == '>';
        bool bare = reef_toml_bare(c) && !arrow;
        if ((!bare && !arrow && (c == 0 || !strchr(separators, c))) ||
            *len + 2 > REEF_SHOWN_MAX)
            return false;
        if (bare && gap && *len > 0)
            name[(*len)++] = '.';
        if (bare)
            name[(*len)++] = c;
        gap = !bare;
    }
    return *len > 0;
}

/* The sentence with the header as it should be. */
static bool key_show_header(const reef_hint_place *p, const char *sentence, bool two)
{
    char name[REEF_SHOWN_MAX];
    size_t len;
    if (!key_header_name(p, name, &len))
        return false;
    return reef_hint_show(p, sentence, two ? ": [[" : ": [", (reef_str){name, len},
                          two ? "]]" : "]");
}

bool reef_hint_header(const reef_hint_place *p)
{
    bool two = p->reader->brackets == 2;
    bool half = two && p->text.ptr[p->prior] == ']';
    if (half)
        return key_show_header(p, "write one bracket at each side, or two", false) ||
               reef_hint_say(p, "write as many ] as [");
    if (reef_hint_ends(p, p->at)) {
        const char *sentence = two ? "write ]] at its end" : "write ] at its end";
        return key_show_header(p, sentence, two) || reef_hint_say(p, sentence);
    }
    if (key_show_header(p, "write a dot between the names", two))
        return true;
    size_t part = p->prior_end;
    while (part > p->prior && p->text.ptr[part - 1] != '.')
        part--;
    return p->prior_end == p->at && key_needs_quotes(p, part);
}

bool reef_hint_behind_header(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    size_t end = reef_hint_line_end(p, p->at);
    bool words = reef_str_find(p->text, ' ', p->at) < end;
    if (c == 0)
        return false;
    if (strchr(":,;", c) && reef_hint_ends(p, p->at + 1))
        return reef_hint_say(p, "delete it; nothing stands behind a header");
    if (strchr("].[/", c) && !words &&
        key_show_header(p, "write the name in one pair of brackets",
                        p->reader->brackets == 2))
        return true;
    if (c == '{')
        return reef_hint_say(p, "delete the brace; keys stand below their header");
    if (c == ';')
        return reef_hint_say(p, "a comment begins with #");
    if (c == '=')
        return reef_hint_say(p, "a header stands alone on its line");
    if (reef_hint_assigns(p, p->at))
        return reef_hint_say(p, "begin a new line here");
    return reef_is_letter(c) && reef_hint_say(p, "a comment begins with #");
}
