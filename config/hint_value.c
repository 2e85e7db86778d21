/* SPDX-License-Identifier: Apache-2.0
 *
 * hint_value: what was probably meant where a value is wrong, is missing, does not end,
 * or has something behind it. Numbers, dates and times are hint_number.c's. */
#include "config/hint.h"
#include <string.h>

static const char value_quotes[] = "put it in quotes";
static const char value_list[] = "a list is written [\"a\", \"b\"]";
static const char value_remark[] = "a comment begins with #";

static bool value_sign(char c, const char *signs)
{
    return c != 0 && strchr(signs, c) != NULL;
}

/* What the key takes, if that is known and no text. */
static bool value_wanted(const reef_hint_place *p)
{
    if (p->want == REEF_WANT_FLAG)
        return reef_hint_say(p, "write true or false");
    return p->want == REEF_WANT_NUMBER && reef_hint_say(p, "write a whole number");
}

/* ---- what is not there, or is not closed --------------------------------------- */

/* At the end of the text, or right behind what was read last before it. */
static bool value_unclosed(const reef_hint_place *p, bool array)
{
    return reef_hint_ends(p, p->at) &&
           reef_hint_say(p, array ? "write ] where the array ends"
                                  : "write } where the inline table ends");
}

/* A line that begins with a key, or like a header, inside of an open bracket. */
static bool value_past_end(const reef_hint_place *p, bool array)
{
    bool past = array ? reef_hint_assigns(p, p->at) : reef_hint_byte(p, p->at) == '[';
    if (!past || !reef_hint_begins(p, p->at))
        return false;
    return reef_hint_say(p, array ? "write ] where the array ends, before this line"
                                  : "write } where the table ends, before this line");
}

/* The next line with something in it. */
static size_t value_next_line(const reef_hint_place *p, size_t at)
{
    at = reef_hint_line_end(p, at);
    while (value_sign(reef_hint_byte(p, at), " \t\r\n"))
        at++;
    return at;
}

bool reef_hint_dashed(const reef_hint_place *p, size_t at)
{
    return reef_str_starts(reef_str_from(p->text, value_next_line(p, at)), "- ");
}

/* That line begins a value, and no key or header. */
static bool value_on_next_line(const reef_hint_place *p)
{
    size_t at = value_next_line(p, p->at);
    char c = reef_hint_byte(p, at);
    size_t end = reef_hint_line_end(p, at);
    if (value_sign(c, "\"'"))
        return reef_str_find(p->text, '=', at) >= end;
    char next = reef_hint_byte(p, reef_hint_blanks(p, at + 1));
    return c == '{' || (c == '[' && value_sign(next, "\"'\r\n"));
}

static bool value_missing(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    if (p->spot == REEF_HINT_ELEMENT)
        return value_unclosed(p, true);
    if (!reef_hint_ends(p, p->at) && !value_sign(c, ",;]}"))
        return false;
    if (p->reader->depth == 0 && value_on_next_line(p))
        return reef_hint_say(p, "begin the value on the line of its key");
    if (p->want == REEF_WANT_LIST || reef_hint_dashed(p, p->at))
        return reef_hint_say(p, value_list);
    if (value_wanted(p))
        return true;
    bool text = c == '#' && reef_hint_byte(p, p->at + 1) > ' ';
    return reef_hint_say(p, text ? "a value with # stands in quotes"
                                 : "write a value; an empty text is \"\"");
}

/* ---- words --------------------------------------------------------------------- */

static const char value_true[] = "write true";
static const char value_false[] = "write false";
static const char value_null[] = "TOML has no null: leave the key out";

enum { VALUE_FLAGS = 8 }; /* the words for true and false come first */

static const struct value_word {
    const char *word, *hint;
} value_words[] = {
    {"true", value_true},    {"yes", value_true},       {"on", value_true},
    {"enabled", value_true}, {"false", value_false},    {"no", value_false},
    {"off", value_false},    {"disabled", value_false}, {"null", value_null},
    {"nil", value_null},     {"none", value_null},      {"undefined", value_null},
    {"nan", "write nan"},    {"inf", "write inf"},      {"infinity", "write inf"},
};

/* What stands there is a text, as its key tells. */
static bool value_of_text(const reef_hint_place *p)
{
    bool element = p->spot == REEF_HINT_ELEMENT || p->spot == REEF_HINT_ELEMENT_END;
    return p->want == REEF_WANT_TEXT || (p->want == REEF_WANT_LIST && element);
}

/* A word that stands for something in other formats. */
static bool value_known_word(const reef_hint_place *p, reef_str word)
{
    size_t next = reef_hint_blanks(p, p->at + word.len);
    bool alone = reef_hint_ends(p, next) || reef_hint_comment(p, next) ||
                 value_sign(reef_hint_byte(p, next), ",;]}");
    for (size_t i = 0; alone && i < sizeof value_words / sizeof value_words[0]; i++) {
        const struct value_word *known = &value_words[i];
        bool fits = known->hint == value_null || p->want == REEF_WANT_ANY ||
                    (p->want == REEF_WANT_FLAG && i < VALUE_FLAGS);
        if (!fits || !reef_str_is(word, known->word))
            continue;
        if (known->hint == value_null && p->spot == REEF_HINT_ELEMENT)
            return reef_hint_say(p, "TOML has no null: leave the element out");
        return reef_hint_say(p, known->hint);
    }
    return false;
}

/* Signs that open something in other languages. */
static bool value_wrapped(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    size_t end = p->at + 1;
    if (c == '$' || (c == '%' && reef_is_letter(reef_hint_byte(p, end))))
        return reef_hint_say(p, "put it in quotes; TOML knows no variables");
    if (c == '>' && p->text.ptr[p->at - 1] == '=')
        return reef_hint_say(p, "write = alone");
    if (value_sign(c, "|>") && reef_hint_ends(p, end))
        return reef_hint_say(p, "a text over lines stands between \"\"\" and \"\"\"");
    if (c == '<' && p->want != REEF_WANT_LIST)
        return reef_hint_say(p, "write the value itself, in quotes, in place of <...>");
    if ((c != '(' || value_of_text(p)) && c != '<')
        return false;
    while (reef_is_digit(reef_hint_byte(p, end)))
        end++;
    if (reef_hint_byte(p, end) == ')')
        return reef_hint_say(p, "delete the parentheses");
    return reef_hint_say(p, "a list stands in square brackets: [ and ]");
}

/* The word at the error. */
static reef_str value_word_at(const reef_hint_place *p)
{
    size_t end = p->at;
    while (end < p->text.len && !value_sign(p->text.ptr[end], " \t\r\n,]}"))
        end++;
    while (end > p->at + 1 && value_sign(p->text.ptr[end - 1], "\"';"))
        end--;
    return reef_str_part(p->text, p->at, end - p->at);
}

/* The word with those behind it, where all of them are plain: one text with blanks.
 * Empty: who knows where that text ends. */
static reef_str value_words_at(const reef_hint_place *p, reef_str word)
{
    size_t end = p->at + word.len, last = end;
    size_t next = reef_hint_blanks(p, end);
    if (next == end || reef_hint_comment(p, next) || reef_hint_assigns(p, next))
        return word;
    for (size_t stop = reef_hint_line_end(p, end); end < stop; end++) {
        if (p->text.ptr[end] == '#' && value_sign(p->text.ptr[end - 1], " \t"))
            break;
        if (value_sign(p->text.ptr[end], "=\"'[]{},"))
            return (reef_str){0};
        if (!value_sign(p->text.ptr[end], " \t"))
            last = end + 1;
    }
    return reef_str_part(p->text, p->at, last - p->at);
}

/* An address of version 6 that was taken for an array: "[::1]:6379". */
static bool value_bracketed(const reef_hint_place *p, reef_str *word)
{
    size_t end = p->at + word->len;
    bool opened = p->spot == REEF_HINT_ELEMENT && p->prior_end == p->at &&
                  p->text.ptr[p->prior] == '[';
    if (!opened || reef_hint_byte(p, end) != ']' || reef_hint_byte(p, end + 1) != ':')
        return false;
    end += 2;
    while (reef_is_digit(reef_hint_byte(p, end)))
        end++;
    *word = reef_str_part(p->text, p->prior, end - p->prior);
    return true;
}

/* It may stand between quotes as it is. */
static bool value_plain(reef_str word)
{
    return reef_str_find(word, '"', 0) == word.len &&
           reef_str_find(word, '\\', 0) == word.len;
}

static bool value_to_quote(const reef_hint_place *p, reef_str word)
{
    uint32_t depth = p->reader->depth;
    char second = reef_hint_byte(p, p->at + 1);
    if (reef_str_find(word, '(', 0) < word.len)
        return value_of_text(p) && reef_hint_say(p, value_quotes);
    if (word.len > 2 && value_sign(second, "\"'"))
        return reef_hint_say(p, "begin the text with its quote");
    if (word.len == 1 && word.ptr[0] == '-' && !reef_hint_ends(p, p->at + 1))
        return reef_hint_say(p, "delete the dash");
    depth -= value_bracketed(p, &word) ? 1 : 0;
    size_t start = (size_t)(word.ptr - p->text.ptr);
    size_t next = reef_hint_blanks(p, start + word.len);
    if (depth == 0 && reef_hint_byte(p, next) == ',') {
        bool last = reef_hint_ends(p, next + 1);
        if (p->want == REEF_WANT_LIST || (!last && !value_of_text(p)))
            return reef_hint_say(p, value_list);
        return reef_hint_say(p, last ? "put it in quotes, without the comma"
                                     : value_quotes);
    }
    if (depth == 0 && p->want == REEF_WANT_LIST && !reef_hint_ends(p, next))
        return reef_hint_say(p, value_list);
    if (depth == 0 && p->want == REEF_WANT_LIST && value_plain(word))
        return reef_hint_show(p, "put it in quotes and brackets", ": [\"", word, "\"]");
    if (depth == 0 && p->spot == REEF_HINT_VALUE)
        word = value_words_at(p, word);
    return reef_hint_quote(p, value_quotes, word);
}

bool reef_hint_value(const reef_hint_place *p)
{
    if (value_missing(p))
        return true;
    if (p->spot == REEF_HINT_ELEMENT && value_past_end(p, true))
        return true;
    bool texts = p->want == REEF_WANT_ANY || p->want == REEF_WANT_TEXT ||
                 p->want == REEF_WANT_LIST;
    if (p->hidden)
        return texts ? reef_hint_say(p, "put the value in quotes") : value_wanted(p);
    if (p->spot == REEF_HINT_ELEMENT && reef_hint_assigns(p, p->at))
        return reef_hint_say(p, "a table stands in braces: { and }");
    reef_str word = value_word_at(p);
    if (value_known_word(p, word) || (texts && value_wrapped(p)))
        return true;
    if (p->want != REEF_WANT_FLAG && !value_of_text(p) && reef_hint_number(p, word))
        return true;
    return value_wanted(p) || value_to_quote(p, word);
}

/* ---- inside of a string -------------------------------------------------------- */

static bool value_string_open(const reef_hint_place *p)
{
    bool basic = p->text.ptr[p->string] == '"';
    if (p->quotes == 3)
        return reef_hint_say(p, basic ? "write \"\"\" where the text ends"
                                      : "write ''' where the text ends");
    const char *sentence =
        basic ? "write \" where the text ends" : "write ' where the text ends";
    size_t end = reef_hint_line_end(p, p->string);
    while (end > p->string + 1 && value_sign(p->text.ptr[end - 1], " \t,]}"))
        end--;
    reef_str text = reef_str_part(p->text, p->string, end - p->string);
    char last = text.len > 1 ? text.ptr[text.len - 1] : (char)0;
    if (p->hidden)
        return reef_hint_say(p, sentence);
    if (basic && last == '"')
        return reef_hint_say(p, "the backslash hides the quote behind it: double it");
    if (last == (basic ? '\'' : '"') && text.ptr[1] != last)
        return reef_hint_say(p, basic ? "it opens with \", so close it with \""
                                      : "it opens with ', so close it with '");
    uint32_t point = 0;
    if (text.len > 3)
        (void)reef_utf8_get(text, text.len - 3, &point);
    if (point >= 0x2018 && point <= 0x201F)
        return reef_hint_say(p, basic ? "close it with a plain quote: \""
                                      : "close it with a plain quote: '");
    return reef_hint_say(p, sentence);
}

static bool value_bad_escape(const reef_hint_place *p)
{
    static const char sentence[] =
        "double the backslash, or use '...', where it means nothing";
    char letter = reef_hint_byte(p, p->at + 1);
    if (p->hidden)
        return reef_hint_say(p, p->quotes == 3 ? "double the backslash" : sentence);
    bool path = p->quotes == 1 && reef_hint_byte(p, p->string + 2) == ':';
    bool hex = reef_digit_value(reef_hint_byte(p, p->at + 2)) < 16;
    if (value_sign(letter, "xuU") && !path && hex)
        return false; /* the reader's words tell what is written there */
    if (value_sign(letter, "'/"))
        return reef_hint_say(p, letter == '/' ? "write / without a backslash"
                                              : "write ' without a backslash");
    if (reef_is_digit(letter) && !path)
        return reef_hint_say(p, "write two hex digits behind \\x, as \\x1B");
    if (p->quotes == 3)
        return reef_hint_say(p, "double the backslash");
    size_t start = p->string + 1, end = reef_str_find(p->text, '"', start);
    reef_str text = reef_str_part(p->text, start, end - start);
    bool literal = end < reef_hint_line_end(p, start) && text.len <= REEF_SHOWN_MAX &&
                   reef_str_find(text, '\'', 0) == text.len &&
                   text.ptr[text.len - 1] != '\\';
    if (literal)
        return reef_hint_show(p, "double the backslash", ", or write '", text, "'");
    return reef_hint_say(p, sentence);
}

bool reef_hint_string(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    if (p->at == p->text.len || value_sign(c, "\r\n"))
        return value_string_open(p);
    return c == '\\' && value_bad_escape(p);
}

/* ---- behind a value ------------------------------------------------------------ */

static bool value_prior_is(const reef_hint_place *p, const char *signs)
{
    return value_sign(p->text.ptr[p->prior], signs);
}

/* "localhost":6379, with blanks and with quotes, too. */
static bool value_port_outside(const reef_hint_place *p, reef_str text)
{
    char port[8] = ":";
    size_t len = 1, at = reef_hint_blanks(p, p->at + 1);
    bool touches = p->prior_end == p->at && at == p->at + 1;
    at += value_sign(reef_hint_byte(p, at), "\"'") ? 1 : 0;
    for (; len < sizeof port - 2 && reef_is_digit(reef_hint_byte(p, at)); at++)
        port[len++] = p->text.ptr[at];
    port[len] = '"';
    return len > (touches ? 1 : 3) && value_plain(text) &&
           reef_hint_show(p, "put all of it in one pair of quotes", ": \"", text, port);
}

/* Something stands right behind the quote of a string, so that the quote is probably
 * not its end. */
static bool value_string_cut(const reef_hint_place *p)
{
    char quote = p->text.ptr[p->prior], c = reef_hint_byte(p, p->at);
    size_t len = p->prior_end - p->prior;
    bool three = len >= 6 && p->text.ptr[p->prior + 1] == quote &&
                 p->text.ptr[p->prior + 2] == quote;
    reef_str text = reef_str_part(p->text, p->prior + 1, len - 2);
    if (c == ':')
        return !three && value_port_outside(p, text);
    if (three || p->prior_end != p->at || c == 0 || value_sign(c, " \t\r\n,;]}#+&\"'/"))
        return false;
    if (text.len == 0)
        return reef_hint_say(p, "write one quote at each side");
    reef_str inner = reef_str_trim(text);
    if (inner.len > 0 && inner.ptr[inner.len - 1] == ',')
        return reef_hint_say(p, "close the text in front of the comma");
    return reef_hint_say(p, quote == '"'
                                ? "a quote inside of \"...\" is written \\\""
                                : "an apostrophe ends '...': write \"...\" instead");
}

/* A comma or semicolon behind a value that takes none. */
static bool value_separated(const reef_hint_place *p)
{
    bool comma = reef_hint_byte(p, p->at) == ',';
    size_t next = reef_hint_blanks(p, p->at + 1), end = next;
    if (comma && reef_hint_ends(p, next) && value_prior_is(p, "\"'") &&
        value_on_next_line(p))
        return reef_hint_say(p, value_list);
    if (reef_hint_ends(p, next))
        return reef_hint_say(
            p, comma ? "delete the comma; nothing stands behind a value"
                     : "delete the semicolon; nothing stands behind a value");
    if (reef_hint_assigns(p, next))
        return reef_hint_say(p, "begin a new line for the next key");
    if (!comma)
        return reef_hint_say(p, value_remark);
    while (reef_is_digit(reef_hint_byte(p, end)))
        end++;
    if (reef_is_digit(p->text.ptr[p->at - 1]) && next == p->at + 1 && end > next)
        return reef_hint_say(p, end - next == 3 ? "write the number without commas"
                                                : "write the number with a dot");
    return (p->want == REEF_WANT_ANY || p->want == REEF_WANT_LIST) &&
           reef_hint_say(p, value_list);
}

/* A number and what belongs to it: "5%", "12/31/2026". */
static bool value_of_unit(const reef_hint_place *p)
{
    reef_str word = value_word_at(p);
    if (!reef_is_digit(p->text.ptr[p->prior]))
        return false;
    reef_str whole = reef_str_part(p->text, p->prior, p->at + word.len - p->prior);
    if (reef_str_is(word, "utc") || reef_str_is(word, "gmt"))
        return reef_hint_say(p, "write Z right behind the time");
    if (value_wanted(p))
        return true;
    return p->prior_end == p->at &&
           (reef_hint_number(p, whole) || reef_hint_quote(p, value_quotes, whole));
}

static const char value_whole[] = "put the whole value in one pair of quotes";

static bool value_then_more(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    if (value_sign(c, ",;"))
        return value_separated(p);
    if (c == ']')
        return reef_hint_say(p, value_prior_is(p, "]")
                                    ? "delete it; no bracket is open here"
                                    : "write [ in front of the list");
    if (value_prior_is(p, "\"'") && value_sign(c, "\"'"))
        return reef_hint_say(p, "write one text, or a list: [\"a\", \"b\"]");
    if (reef_hint_assigns(p, p->at))
        return reef_hint_say(p, "begin a new line here");
    if (p->hidden)
        return reef_hint_say(p, value_whole);
    size_t end = reef_hint_line_end(p, p->at);
    bool words = reef_is_letter(c) && !reef_is_digit(p->text.ptr[p->prior]) &&
                 reef_str_find(p->text, '"', p->at) >= end &&
                 reef_str_find(p->text, '\'', p->at) >= end;
    return value_of_unit(p) || (words && reef_hint_say(p, value_remark));
}

bool reef_hint_behind_value(const reef_hint_place *p)
{
    char c = reef_hint_byte(p, p->at);
    bool array = p->spot == REEF_HINT_ELEMENT_END;
    bool text = value_prior_is(p, "\"'");
    if (text && value_string_cut(p))
        return true;
    if (text && value_sign(c, "+.&"))
        return reef_hint_say(p, "TOML joins no texts: write them as one");
    bool touches = p->prior_end == p->at && !value_prior_is(p, "]}");
    size_t next = reef_hint_blanks(p, p->at + 1);
    bool last = reef_hint_ends(p, next) || value_sign(reef_hint_byte(p, next), ",]}");
    if (!text && touches && last && value_sign(c, "\"'"))
        return value_wanted(p) ||
               reef_hint_say(p, "write a quote in front of the value, too");
    if (p->spot == REEF_HINT_VALUE_END)
        return value_then_more(p);
    if (value_unclosed(p, array) || value_past_end(p, array))
        return true;
    if (!text && touches)
        return p->hidden ? reef_hint_say(p, value_whole) : value_of_unit(p);
    return (reef_toml_bare(c) || value_sign(c, "\"'[{+")) &&
           reef_hint_say(p, "write a comma in front of it");
}
