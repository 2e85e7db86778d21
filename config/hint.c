/* SPDX-License-Identifier: Apache-2.0
 *
 * hint: finding out what stands before an error, the rules that look at one character
 * or at how the text goes on, and the nearest name. Rules for keys and headers are
 * hint_key.c's, for values hint_value.c's.
 *
 * Everything before the error was valid, so that a coarse scan of its entry is enough:
 * words, strings, comments and signs. What was looked for follows from the last of
 * them. Each rule either adds a whole sentence and ends the search, or adds nothing. */
#include "config/hint.h"
#include <string.h>

/* ---- looking around ----------------------------------------------------------- */

char reef_hint_byte(const reef_hint_place *p, size_t at)
{
    return at < p->text.len ? p->text.ptr[at] : (char)0;
}

static bool hint_blank(char c)
{
    return c == ' ' || c == '\t';
}

size_t reef_hint_line_end(const reef_hint_place *p, size_t at)
{
    size_t end = reef_str_find(p->text, '\n', at);
    return end > at && p->text.ptr[end - 1] == '\r' ? end - 1 : end;
}

size_t reef_hint_blanks(const reef_hint_place *p, size_t at)
{
    while (hint_blank(reef_hint_byte(p, at)))
        at++;
    return at;
}

bool reef_hint_ends(const reef_hint_place *p, size_t at)
{
    at = reef_hint_blanks(p, at);
    char c = reef_hint_byte(p, at);
    return at == p->text.len || c == '\n' || c == '#' ||
           (c == '\r' && reef_hint_byte(p, at + 1) == '\n');
}

bool reef_hint_begins(const reef_hint_place *p, size_t at)
{
    while (at > 0 && hint_blank(p->text.ptr[at - 1]))
        at--;
    return at == 0 || p->text.ptr[at - 1] == '\n';
}

bool reef_hint_assigns(const reef_hint_place *p, size_t at)
{
    size_t end = at;
    while (reef_toml_bare(reef_hint_byte(p, end)) || reef_hint_byte(p, end) == '.')
        end++;
    size_t sign = reef_hint_blanks(p, end);
    return end > at && reef_hint_byte(p, sign) == '=';
}

bool reef_hint_comment(const reef_hint_place *p, size_t at)
{
    static const char *const signs[] = {"//", "/*", "*/", "<!--", "-- ", ";"};
    reef_str rest = reef_str_from(p->text, at);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (reef_str_starts(rest, signs[i]))
            return true;
    return false;
}

/* ---- saying it ---------------------------------------------------------------- */

bool reef_hint_say(const reef_hint_place *p, const char *sentence)
{
    reef_message_add(p->out, sentence);
    return true;
}

/* A word that a message holds as it stands, so that it can be written so. */
static bool hint_can_show(const reef_hint_place *p, reef_str word)
{
    reef_message m = {0};
    if (p->hidden || word.len == 0 || word.len > REEF_SHOWN_MAX)
        return false;
    reef_message_value(&m, word);
    return reef_str_equal(word, (reef_str){m.text, m.len});
}

bool reef_hint_show(const reef_hint_place *p, const char *sentence, const char *left,
                    reef_str word, const char *right)
{
    reef_message_add(p->out, sentence);
    if (!hint_can_show(p, word))
        return true;
    reef_message_add(p->out, left);
    reef_message_value(p->out, word);
    reef_message_add(p->out, right);
    return true;
}

bool reef_hint_quote(const reef_hint_place *p, const char *sentence, reef_str word)
{
    bool basic = reef_str_find(word, '"', 0) == word.len &&
                 reef_str_find(word, '\\', 0) == word.len;
    bool literal = reef_str_find(word, '\'', 0) == word.len;
    if (!basic && !literal)
        return reef_hint_say(p, sentence);
    return reef_hint_show(p, sentence, basic ? ": \"" : ": '", word,
                          basic ? "\"" : "'");
}

/* ---- what stands before ------------------------------------------------------- */

/* Behind a string that opens at `at`. False: it is not closed, on its line if it has
 * one quote, and ends at `*end`. */
static bool hint_string_end(const reef_hint_place *p, size_t at, size_t quotes,
                            size_t *end)
{
    reef_str text = p->text;
    char quote = text.ptr[at];
    size_t run = 0;
    for (at += quotes; at < text.len && run < quotes; at++) {
        char c = text.ptr[at];
        run = c == quote ? run + 1 : 0;
        if (c == '\n' && quotes == 1)
            break;
        if (c == '\\' && quote == '"')
            at++;
    }
    for (size_t more = 0; quotes == 3 && run == 3 && more < 2; more++)
        at += reef_hint_byte(p, at) == quote ? 1 : 0;
    *end = at < text.len ? at : text.len;
    return run == quotes;
}

/* Quotes that open the string at `at`. */
static size_t hint_quotes(const reef_hint_place *p, size_t at)
{
    char quote = p->text.ptr[at];
    return reef_hint_byte(p, at + 1) == quote && reef_hint_byte(p, at + 2) == quote ? 3
                                                                                    : 1;
}

/* Takes the string at `at`; where it ends, or the error inside of it. */
static size_t hint_take_string(reef_hint_place *p, size_t at)
{
    size_t end, quotes = hint_quotes(p, at);
    if (hint_string_end(p, at, quotes, &end) && p->at >= end)
        return end;
    p->spot = REEF_HINT_STRING;
    p->string = at;
    p->quotes = quotes;
    return p->at;
}

static size_t hint_take_comment(reef_hint_place *p, size_t at)
{
    size_t end = reef_str_find(p->text, '\n', at);
    if (p->at < end)
        p->spot = REEF_HINT_COMMENT;
    return end < p->at ? end : p->at;
}

static size_t hint_take_word(const reef_hint_place *p, size_t at)
{
    static const char ends[] = " \t\r\n=,[]{}#\"'";
    do {
        at++;
    } while (at < p->at && !strchr(ends, p->text.ptr[at]));
    return at;
}

/* Takes the sign at `at`, if one stands there. */
static bool hint_take_sign(reef_hint_place *p, size_t at)
{
    char c = p->text.ptr[at];
    if (c == '=' || c == ',' || c == '[' || c == '{')
        p->sign = c;
    return c == '=' || c == ',' || c == '[' || c == '{' || c == ']' || c == '}';
}

static void hint_scan(reef_hint_place *p)
{
    for (size_t at = p->entry, end; at < p->at; at = end) {
        char c = p->text.ptr[at];
        end = at + 1;
        if (hint_blank(c) || c == '\r' || c == '\n')
            continue;
        if (c == '#') {
            end = hint_take_comment(p, at);
            continue;
        }
        if (c == '"' || c == '\'')
            end = hint_take_string(p, at);
        else if (!hint_take_sign(p, at))
            end = hint_take_word(p, at);
        if (p->spot == 0) {
            p->prior = at;
            p->prior_end = end;
        }
    }
}

/* What was looked for in a header, behind something that ends with `last`. */
static reef_hint_spot hint_spot_of_header(const reef_hint_place *p, char last)
{
    if (last == '[' || last == '.')
        return REEF_HINT_NAME;
    if (last != ']')
        return REEF_HINT_CLOSE;
    bool both = p->prior > p->entry && p->text.ptr[p->prior - 1] == ']';
    return p->reader->brackets == 1 || both ? REEF_HINT_HEADER_END : REEF_HINT_CLOSE;
}

static reef_hint_spot hint_spot_of_field(const reef_hint_place *p, char last)
{
    if (last == '{' || last == ',')
        return REEF_HINT_FIELD;
    if (last == '=')
        return REEF_HINT_VALUE;
    if (last == ']' || last == '}' || p->sign == '=')
        return REEF_HINT_FIELD_END;
    return last == '.' ? REEF_HINT_DOT : REEF_HINT_EQUALS;
}

static reef_hint_spot hint_spot_of(const reef_hint_place *p)
{
    const reef_toml *r = p->reader;
    if (p->prior == p->prior_end)
        return REEF_HINT_LINE;
    char last = p->text.ptr[p->prior_end - 1];
    if (r->brackets > 0)
        return hint_spot_of_header(p, last);
    if (r->depth > 0 && r->stack[r->depth - 1] == '{')
        return hint_spot_of_field(p, last);
    if (r->depth > 0)
        return last == '[' || last == ',' ? REEF_HINT_ELEMENT : REEF_HINT_ELEMENT_END;
    if (p->sign == 0)
        return last == '.' ? REEF_HINT_DOT : REEF_HINT_EQUALS;
    return last == '=' ? REEF_HINT_VALUE : REEF_HINT_VALUE_END;
}

/* ---- one character ------------------------------------------------------------ */

static const char hint_space[] = "write a plain space";
static const char hint_unseen[] = "delete the invisible character";
static const char hint_break[] = "write a plain end of line";
static const char hint_double[] = "write a plain quote: \"";
static const char hint_single[] = "write a plain quote: '";
static const char hint_minus[] = "write a plain minus: -";
static const char hint_comma[] = "write a plain comma";

/* Characters that look like what was meant. */
static const struct hint_range {
    uint32_t low, high;
    const char *hint;
} hint_ranges[] = {
    {0x60, 0x60, hint_double},     {0xA0, 0xA0, hint_space},
    {0xAB, 0xAB, hint_double},     {0xAD, 0xAD, hint_unseen},
    {0xB4, 0xB4, hint_single},     {0xBB, 0xBB, hint_double},

    {0x2000, 0x200A, hint_space},  {0x200B, 0x200F, hint_unseen},
    {0x2010, 0x2015, hint_minus},  {0x2018, 0x201B, hint_single},
    {0x201C, 0x201F, hint_double}, {0x2028, 0x2029, hint_break},
    {0x202A, 0x202E, hint_unseen}, {0x202F, 0x202F, hint_space},

    {0x2039, 0x203A, hint_single}, {0x205F, 0x205F, hint_space},
    {0x2060, 0x206F, hint_unseen}, {0x2212, 0x2212, hint_minus},
    {0x3000, 0x3000, hint_space},  {0x3001, 0x3001, hint_comma},
    {0x300C, 0x300F, hint_double},

    {0xFEFF, 0xFEFF, hint_unseen},
};

/* A text between quotes of print: it is shown between plain ones. */
static bool hint_printed_quotes(const reef_hint_place *p, size_t size)
{
    size_t start = p->at + size, end = start, stop = reef_hint_line_end(p, start);
    uint32_t point = 0;
    while (end < stop && !strchr(",]}", p->text.ptr[end])) {
        size = reef_utf8_get(p->text, end, &point);
        bool closes = point == '"' || point == '\'' || point == '`' || point == 0xAB ||
                      point == 0xBB || (point >= 0x2018 && point <= 0x201F) ||
                      point == 0x300D;
        if (closes && end > start)
            return reef_hint_quote(p, "write plain quotes",
                                   reef_str_part(p->text, start, end - start));
        end += size > 0 ? size : 1;
    }
    return false;
}

static bool hint_lookalike(const reef_hint_place *p)
{
    uint32_t point;
    size_t size = reef_utf8_get(p->text, p->at, &point);
    if (point >= 0xFF01 &&
        point <= 0xFF5E) { /* of double width, in the order of ASCII */
        char plain[2] = {(char)(point - 0xFF01 + '!'), 0};
        return reef_hint_show(p, "write plain characters", ": ", reef_str_of(plain),
                              "");
    }
    for (size_t i = 0; i < sizeof hint_ranges / sizeof hint_ranges[0]; i++) {
        const struct hint_range *range = &hint_ranges[i];
        if (point < range->low || point > range->high)
            continue;
        bool value = p->spot == REEF_HINT_VALUE || p->spot == REEF_HINT_ELEMENT;
        bool quote = range->hint == hint_double || range->hint == hint_single;
        return (value && quote && hint_printed_quotes(p, size)) ||
               reef_hint_say(p, range->hint);
    }
    return false;
}

static bool hint_control(const reef_hint_place *p)
{
    unsigned char c = (unsigned char)p->text.ptr[p->at];
    if (c == '\r')
        return reef_hint_say(p, "end each line with LF or with CR LF");
    if (c == 0 && p->at < 2 && p->text.len > 2)
        return reef_hint_say(p, "the file looks like UTF-16: save it as UTF-8");
    if (c == 0)
        return reef_hint_say(p, "delete this byte; many editors don't show it");
    if (c >= 0x20 && c != 0x7F)
        return false;
    if (p->spot != REEF_HINT_STRING || p->text.ptr[p->string] != '"')
        return reef_hint_say(p, "delete this character; many editors don't show it");
    char code[] = {"0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15], 0};
    return reef_hint_show(p, "delete it, or write an escape", ": \\x",
                          reef_str_of(code), "");
}

static bool hint_character(const reef_hint_place *p)
{
    reef_str text = p->text;
    size_t at = p->at;
    if (at == text.len || text.ptr[at] == '\n' || text.ptr[at] == '\t')
        return false;
    if (reef_str_starts(text, "\xFF\xFE") || reef_str_starts(text, "\xFE\xFF"))
        return reef_hint_say(p, "save the file as UTF-8");
    if (reef_utf8_size(text, at) == 0)
        return reef_hint_say(p, "save the file as UTF-8; this byte is of another "
                                "encoding");
    if (text.ptr[at] == '\r' && reef_hint_byte(p, at + 1) == '\n')
        return false;
    if (hint_control(p))
        return true;
    bool inside = p->spot == REEF_HINT_STRING || p->spot == REEF_HINT_COMMENT;
    return !inside && hint_lookalike(p);
}

/* ---- how the text goes on ----------------------------------------------------- */

enum {
    HINT_KEYS = REEF_HINT_LINE | REEF_HINT_FIELD | REEF_HINT_DOT | REEF_HINT_NAME,
    HINT_VALUES = REEF_HINT_VALUE | REEF_HINT_ELEMENT,
    HINT_ENDS = REEF_HINT_VALUE_END | REEF_HINT_ELEMENT_END | REEF_HINT_FIELD_END |
                REEF_HINT_HEADER_END
};

static const char hint_remark[] = "a comment begins with #";
static const char hint_alone[] = "write = alone";
static const char hint_dot[] = "delete the dot, or write the name that is missing";
static const char hint_merge[] = "this is left over from a merge: keep one side";

/* The first that holds counts. */
static const struct hint_start {
    const char *text;
    int spots;
    const char *hint;
} hint_starts[] = {
    {";", REEF_HINT_LINE | REEF_HINT_FIELD | REEF_HINT_ELEMENT, hint_remark},
    {"<<<<<<<", REEF_HINT_LINE, hint_merge},
    {"=======", REEF_HINT_LINE, hint_merge},
    {">>>>>>>", REEF_HINT_LINE, hint_merge},
    {"```", REEF_HINT_LINE, "delete this line; it belongs to a manual's page"},
    {"{", REEF_HINT_LINE,
     "this looks like JSON; TOML begins a table with its name: [server.redis]"},
    {"{", REEF_HINT_FIELD, "put it in quotes; TOML knows no variables"},
    {"=", REEF_HINT_LINE | REEF_HINT_FIELD, "write a key in front of ="},
    {"=", REEF_HINT_DOT, hint_dot},
    {"=", HINT_VALUES, "write one = only"},
    {": ", REEF_HINT_VALUE, hint_alone},
    {":=", REEF_HINT_EQUALS, hint_alone},
    {"+=", REEF_HINT_EQUALS, hint_alone},
    {"->", REEF_HINT_EQUALS, hint_alone},
    {"<-", REEF_HINT_EQUALS, hint_alone},
    {".", HINT_KEYS, hint_dot},
    {"]", REEF_HINT_LINE, "delete it; no bracket is open here"},
    {"}", REEF_HINT_LINE | REEF_HINT_VALUE_END, "delete it; no brace is open here"},
    {",", REEF_HINT_LINE | REEF_HINT_FIELD | REEF_HINT_ELEMENT, "delete this comma"},
    {"}", REEF_HINT_ELEMENT_END, "close the array with ], not with }"},
    {")", REEF_HINT_ELEMENT_END, "close the array with ], not with )"},
    {"]", REEF_HINT_FIELD_END, "close the inline table with }, not with ]"},
    {")", REEF_HINT_FIELD_END, "close the inline table with }, not with )"},
    {"}", REEF_HINT_CLOSE, "close the header with ], not with }"},
    {")", REEF_HINT_CLOSE, "close the header with ], not with )"},
    {";", REEF_HINT_ELEMENT_END | REEF_HINT_FIELD_END, "write a comma, not ;"},
};

static bool hint_start(const reef_hint_place *p)
{
    int spots = HINT_KEYS | HINT_VALUES | HINT_ENDS | REEF_HINT_EQUALS;
    reef_str rest = reef_str_from(p->text, p->at);
    if ((spots & (int)p->spot) != 0 && reef_hint_byte(p, p->at) != ';' &&
        reef_hint_comment(p, p->at))
        return reef_hint_say(p, hint_remark);
    for (size_t i = 0; i < sizeof hint_starts / sizeof hint_starts[0]; i++)
        if ((hint_starts[i].spots & (int)p->spot) != 0 &&
            reef_str_starts(rest, hint_starts[i].text))
            return reef_hint_say(p, hint_starts[i].hint);
    return false;
}

static bool hint_rule(const reef_hint_place *p)
{
    switch (p->spot) {
    case REEF_HINT_LINE:
    case REEF_HINT_FIELD:
    case REEF_HINT_DOT:
    case REEF_HINT_NAME:
        return reef_hint_key(p);
    case REEF_HINT_EQUALS:
        return reef_hint_equals(p);
    case REEF_HINT_CLOSE:
        return reef_hint_header(p);
    case REEF_HINT_HEADER_END:
        return reef_hint_behind_header(p);
    case REEF_HINT_VALUE:
    case REEF_HINT_ELEMENT:
        return reef_hint_value(p);
    case REEF_HINT_VALUE_END:
    case REEF_HINT_ELEMENT_END:
    case REEF_HINT_FIELD_END:
        return reef_hint_behind_value(p);
    case REEF_HINT_STRING:
        return reef_hint_string(p);
    case REEF_HINT_COMMENT:
        break;
    }
    return false;
}

/* Finds out what stands before `at`, and what was looked for there. */
static void hint_look(reef_hint_place *p, size_t at)
{
    const reef_toml *r = p->reader;
    *p = (reef_hint_place){.reader = r,
                           .text = r->text,
                           .hidden = p->hidden,
                           .want = p->want,
                           .out = p->out,
                           .at = at};
    p->entry = r->entry < at ? r->entry : at;
    hint_scan(p);
    if (p->spot == 0)
        p->spot = hint_spot_of(p);
}

void reef_toml_hint(const reef_toml *r, bool hidden, reef_hint_want want,
                    reef_message *out)
{
    reef_hint_place p = {.reader = r, .hidden = hidden, .want = want, .out = out};
    if (r->why_code != REEF_BADCONFIG)
        return;
    hint_look(&p, r->why_mark.at);
    bool behind = (p.spot & HINT_ENDS) != 0;
    if (behind && r->why_state == REEF_TOML_AT_VALUE) /* one byte of a number is bad */
        hint_look(&p, p.prior);
    (void)(hint_start(&p) || hint_character(&p) || hint_rule(&p));
}

/* ---- the nearest name --------------------------------------------------------- */

/* The one name that begins with `word`; `count`: none, or more than one. */
static size_t near_begins(reef_str word, const reef_str names[], size_t count)
{
    size_t found = count;
    for (size_t i = 0; i < count && word.len >= 3; i++) {
        if (names[i].len < word.len ||
            reef_str_distance(reef_str_part(names[i], 0, word.len), word) > 0)
            continue;
        if (found < count)
            return count;
        found = i;
    }
    return found;
}

size_t reef_nearest(reef_str word, const reef_str names[], size_t count)
{
    size_t nearest = count, best = word.len / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = reef_str_distance(word, names[i]);
        if (distance >= best)
            continue;
        best = distance;
        nearest = i;
    }
    return nearest < count ? nearest : near_begins(word, names, count);
}
