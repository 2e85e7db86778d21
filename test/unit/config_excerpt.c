/* SPDX-License-Identifier: Apache-2.0
 *
 * config_excerpt: lines as they are shown, and the caret under the exact place. */
#include "config/excerpt.h"
#include "config_help.h"

#define ALL REEF_EXCERPT_ALL

/* Draws the line that byte `at` stands on. */
static void draw(reef_excerpt *out, const char *bytes, size_t len, size_t at,
                 size_t size, size_t shown)
{
    reef_str text = help_copy(bytes, len);
    reef_toml_mark mark = {at, 0, 1};
    for (size_t i = 0; i < at; i++) {
        if (bytes[i] != '\n')
            continue;
        mark.line++;
        mark.line_at = i + 1;
    }
    memset(out, 'x', sizeof *out);
    reef_excerpt_draw(out, text, &mark, size, shown);
    assert_int_equal(out->line, mark.line);
    help_free(text);
}

typedef struct excerpt_case {
    const char *text;
    size_t at, size, shown;
    const char *want;
    uint32_t column, caret, width;
} excerpt_case;

static void check(const excerpt_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const excerpt_case *c = &cases[i];
        reef_excerpt got;
        draw(&got, c->text, strlen(c->text), c->at, c->size, c->shown);
        if (strcmp(got.text, c->want) != 0 || got.column != c->column ||
            got.caret != c->caret || got.width != c->width)
            fail_msg("case %zu: \"%s\" column %u, caret %u, width %u", i, got.text,
                     (unsigned)got.column, (unsigned)got.caret, (unsigned)got.width);
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof(cases)[0])

static void places(void **state)
{
    static const excerpt_case cases[] = {
        {"a = 1\n  b = True\nc", 12, 4, ALL, "  b = True", 7, 6, 4},
        {"a = 1\n  b = True\nc", 12, 0, ALL, "  b = True", 7, 6, 1},
        {"a = 1\n  b = True\nc", 12, 90, ALL, "  b = True", 7, 6, 4},
        {"a = 1\n  b = True\r\nc", 12, 90, ALL, "  b = True", 7, 6, 4},
        {"a =\nb", 3, 0, ALL, "a =", 4, 3, 1},
        {"a =\nb", 3, 2, ALL, "a =", 4, 3, 1},
        {"a =\r\nb", 3, 2, ALL, "a =", 4, 3, 1},
        {"a =\r\nb", 4, 1, ALL, "a =", 5, 3, 1}, /* in the middle of the line's end */
        {"a =", 3, 0, ALL, "a =", 4, 3, 1},
        {"a\n", 2, 0, ALL, "", 1, 0, 1},
        {"\n\n", 0, 1, ALL, "", 1, 0, 1},
        {"a\rb", 2, 1, ALL, "a\\x0db", 3, 5, 1},
        {"a\r", 1, 1, ALL, "a\\x0d", 2, 1, 4},
    };
    reef_excerpt got;
    (void)state;
    CHECK(cases);
    draw(&got, "", 0, 0, 0, ALL);
    assert_string_equal(got.text, "");
    assert_int_equal(got.width, 1);
    reef_toml_mark past = {9, 5, 3};
    reef_excerpt_draw(&got, reef_str_of("ab"), &past, 7, ALL);
    assert_string_equal(got.text, "");
    assert_int_equal(got.caret, 0);
}

static void characters(void **state)
{
    static const excerpt_case cases[] = {
        {"\ta\tb", 3, 1, ALL, "    a   b", 4, 8, 1},
        {"abc\td", 3, 1, ALL, "abc d", 4, 3, 1},
        {"abcd\te", 4, 1, ALL, "abcd    e", 5, 4, 4},
        {"a\x01z\x7F", 1, 1, ALL, "a\\x01z\\x7f", 2, 1, 4},
        {"a\xFFz", 2, 1, ALL, "a\\xffz", 3, 5, 1},
        {"\xC3\xA4 \xC3", 3, 1, ALL, "\xC3\xA4 \\xc3", 3, 2, 4},
        {"\xC2\x9Bz", 2, 1, ALL, "\\x9bz", 2, 4, 1},
        {"a\xE2\x80\xAEz", 1, 3, ALL, "a\\u{202e}z", 2, 1, 8},
        {"\xF3\xA0\x81\xA1z", 4, 1, ALL, "\\u{e0061}z", 2, 9, 1},
        /* ideographs and emoji are two columns wide, an accent has none */
        {"\xE6\x97\xA5\xE6\x9C\xAC = x", 9, 1, ALL, "\xE6\x97\xA5\xE6\x9C\xAC = x", 6,
         7, 1},
        {"\xE6\x97\xA5\xE6\x9C\xAC", 3, 3, ALL, "\xE6\x97\xA5\xE6\x9C\xAC", 2, 2, 2},
        {"\xF0\x9F\x98\x80z", 4, 1, ALL, "\xF0\x9F\x98\x80z", 2, 2, 1},
        {"e\xCC\x81z", 3, 1, ALL, "e\xCC\x81z", 3, 1, 1},
        {"e\xCC\x81z", 1, 2, ALL, "e\xCC\x81z", 2, 1, 1},
        {"\xEF\xBC\x9D", 0, 3, ALL, "\xEF\xBC\x9D", 1, 0, 2},
        /* a place in the middle of a character is that of the character */
        {"z\xE6\x97\xA5", 2, 1, ALL, "z\xE6\x97\xA5", 3, 1, 2},
        {"z\xE6\x97\xA5", 3, 1, ALL, "z\xE6\x97\xA5", 3, 1, 2},
    };
    (void)state;
    CHECK(cases);
}

static void masked(void **state)
{
    static const excerpt_case cases[] = {
        {"pw = 'Q' x", 9, 1, 5, "pw = ***", 10, 5, 3},
        {"pw = 'Q' x", 5, 3, 5, "pw = ***", 6, 5, 3},
        {"pw = 'Q' x", 0, 2, 5, "pw = ***", 1, 0, 2},
        {"pw = 'Q' x", 3, 1, 5, "pw = ***", 4, 3, 1},
        {"pw = 'Q' x", 0, 5, 5, "pw = ***", 1, 0, 5},
        {"pw = 'Q' x", 0, 6, 5, "pw = ***", 1, 0, 8},
        {"pw = 'Q' x", 10, 0, 5, "pw = ***", 11, 5, 3},
        {"pw = 'Q'\n", 8, 1, 0, "***", 9, 0, 3},
        {"a\n\tpw = 'Q'\nb", 9, 1, 3, "    ***", 8, 4, 3},
    };
    (void)state;
    CHECK(cases);
}

/* ---- lines that are cut ------------------------------------------------------- */

/* `count` times `piece`, NUL-terminated. */
static char *repeat(char *room, const char *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(room, piece, strlen(piece));
        room += strlen(piece);
    }
    *room = 0;
    return room;
}

static void cuts(void **state)
{
    char line[1024], want[256], *end;
    reef_excerpt got;
    (void)state;
    repeat(line, "a", REEF_EXCERPT_COLUMNS); /* just fits, wherever the place is */
    for (size_t at = 0; at <= REEF_EXCERPT_COLUMNS; at++) {
        draw(&got, line, strlen(line), at, 1, ALL);
        assert_string_equal(got.text, line);
        assert_int_equal(got.caret, at);
    }
    repeat(line, "a", REEF_EXCERPT_COLUMNS + 1); /* just does not */
    end = repeat(want, "a", REEF_EXCERPT_COLUMNS - 3);
    repeat(end, ".", 3);
    draw(&got, line, strlen(line), 0, 1, ALL);
    assert_string_equal(got.text, want);
    end = repeat(want, ".", 3);
    repeat(end, "a", REEF_EXCERPT_COLUMNS - 3);
    draw(&got, line, strlen(line), REEF_EXCERPT_COLUMNS + 1, 1, ALL);
    assert_string_equal(got.text, want);
    assert_int_equal(got.caret, REEF_EXCERPT_COLUMNS);
    /* in the middle: half of the room behind the place */
    end = repeat(line, "a", 200);
    end = repeat(end, "X", 2);
    repeat(end, "b", 200);
    end = repeat(want, ".", 3);
    end = repeat(end, "a", 44);
    end = repeat(end, "X", 2);
    end = repeat(end, "b", 48);
    repeat(end, ".", 3);
    draw(&got, line, strlen(line), 200, 2, ALL);
    assert_string_equal(got.text, want);
    assert_int_equal(got.caret, 47);
    assert_int_equal(got.width, 2);
    assert_int_equal(got.column, 201);
    /* what is longer than the room is cut itself */
    draw(&got, line, strlen(line), 100, 300, ALL);
    assert_int_equal(got.caret, 47);
    assert_int_equal(got.width, REEF_EXCERPT_COLUMNS - 3 - 47);
}

static void cuts_by_bytes(void **state)
{
    static const char *const pieces[] = {
        "\xC3\xA4", "\xE6\x97\xA5", "\xF0\x9F\x98\x80", "e\xCC\x81\xCC\x81\xCC\x81",
        "\t",       "\x01",         "\xF3\xA0\x81\xA1"};
    char line[4096];
    (void)state;
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        size_t len = (size_t)(repeat(line, pieces[p], 300) - line);
        for (size_t at = 0; at <= len; at++) {
            reef_excerpt got;
            draw(&got, line, len, at, 3, ALL);
            size_t shown = strlen(got.text);
            assert_true(shown < REEF_EXCERPT_TEXT);
            assert_true(shown > 80); /* as much as fits */
            assert_true(reef_utf8_valid(reef_str_of(got.text)));
            assert_null(strstr(got.text, "...\xCC")); /* a mark on top of the dots */
            assert_true(got.caret + got.width <= REEF_EXCERPT_COLUMNS + 1);
        }
    }
}

/* A key that fills the room leaves the stars in sight where the place is behind it. */
static void cuts_masked(void **state)
{
    char line[512], *end = repeat(line, "a", 300);
    reef_excerpt got;
    (void)state;
    end = repeat(end, " = ", 1);
    repeat(end, "Q", 100);
    draw(&got, line, strlen(line), 350, 5, 303);
    assert_int_equal(strlen(got.text), REEF_EXCERPT_COLUMNS);
    help_contains(got.text, "...aaaa");
    help_contains(got.text, "a = ***");
    help_lacks(got.text, "Q");
    assert_memory_equal(got.text + got.caret, "***", 3);
    assert_int_equal(got.width, 3);
    draw(&got, line, strlen(line), 0, 400, 303);
    help_contains(got.text, "aaaa...");
    help_lacks(got.text, "*");
    help_lacks(got.text, "Q");
}

/* ---- any line ----------------------------------------------------------------- */

static const struct {
    const char *piece, *shown; /* NULL: as it is */
    size_t columns;
} alphabet[] = {
    {"a", NULL, 1},
    {" ", NULL, 1},
    {"\\", NULL, 1},
    {"\xC3\xA9", NULL, 1},
    {"\xE6\x97\xA5", NULL, 2},
    {"\xF0\x9F\x98\x80", NULL, 2},
    {"\xCC\x81", NULL, 0},
    {"\x1B", "\\x1b", 4},
    {"\xFF", "\\xff", 4},
    {"\xE2\x80\xAE", "\\u{202e}", 8},
    {"\t", "", 0}, /* up to four blanks */
    {"\n", "", 0},
    {"\r\n", "", 0},
};
enum { ALPHABET = sizeof alphabet / sizeof alphabet[0], LETTERS = 300 };

static uint32_t any_next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Columns of what was drawn, told from the alphabet; `*at` becomes the byte that stands
 * `column` columns behind the start, behind the marks of what is in front of it. */
static size_t any_columns(const char *text, size_t column, size_t *at)
{
    size_t columns = 0, len = strlen(text);
    *at = len;
    for (size_t i = 0; i < len;) {
        size_t size = reef_utf8_size((reef_str){text, len}, i), width = 1;
        assert_true(size > 0);
        assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7F);
        for (size_t k = 0; k < ALPHABET; k++)
            if (size > 1 && strncmp(alphabet[k].piece, text + i, size) == 0)
                width = alphabet[k].columns;
        if (columns == column && *at == len && width > 0)
            *at = i;
        columns += width;
        i += size;
    }
    return columns;
}

/* Every place of random lines: what is drawn is safe, fits, and under the caret stands
 * what stands at the place. */
static void any_line(void **state)
{
    char line[4 * LETTERS];
    size_t starts[LETTERS + 1], which[LETTERS + 1];
    uint32_t seed = 2463534242;
    (void)state;
    for (int round = 0; round < 150; round++) {
        size_t len = 0, count = any_next(&seed) % LETTERS, tame = any_next(&seed) % 3;
        for (size_t i = 0; i < count; i++) {
            starts[i] = len;
            which[i] = any_next(&seed) % (tame == 0 ? ALPHABET : 6);
            memcpy(line + len, alphabet[which[i]].piece,
                   strlen(alphabet[which[i]].piece));
            len += strlen(alphabet[which[i]].piece);
        }
        for (size_t i = 0; i < count; i++) {
            reef_excerpt got;
            size_t at;
            draw(&got, line, len, starts[i], any_next(&seed) % 20, ALL);
            size_t columns = any_columns(got.text, got.caret, &at);
            assert_true(columns <= REEF_EXCERPT_COLUMNS);
            assert_true(got.width >= 1 && got.caret + got.width <= columns + 1);
            const char *shown = alphabet[which[i]].shown;
            if (shown == NULL)
                shown = alphabet[which[i]].piece;
            if (alphabet[which[i]].columns > 0 &&
                strncmp(got.text + at, shown, strlen(shown)) != 0)
                fail_msg("round %d, place %zu: \"%s\", caret %u", round, i, got.text,
                         (unsigned)got.caret);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),        cmocka_unit_test(characters),
        cmocka_unit_test(masked),        cmocka_unit_test(cuts),
        cmocka_unit_test(cuts_by_bytes), cmocka_unit_test(cuts_masked),
        cmocka_unit_test(any_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
