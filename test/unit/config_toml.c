/* SPDX-License-Identifier: Apache-2.0
 *
 * config_toml: the reader's grammar. A valid document is compared as a line of events,
 * an invalid one by the place of its error. */
#include "config/toml.h"
#include "config_trace.h"

typedef struct sample {
    const char *text;
    const char *events;
} sample;

static void check_samples(const sample *samples, size_t count)
{
    trace t;
    for (size_t i = 0; i < count; i++) {
        trace_bytes(&t, samples[i].text, strlen(samples[i].text));
        if (strcmp(t.text, samples[i].events) != 0)
            fail_msg("%s\nwant %s\ngot  %s", samples[i].text, samples[i].events,
                     t.text);
    }
}

#define CHECK(samples) check_samples(samples, sizeof samples / sizeof samples[0])

/* Only the place of the error counts. */
static void check_bad(const sample *samples, size_t count)
{
    trace t;
    for (size_t i = 0; i < count; i++) {
        trace_bytes(&t, samples[i].text, strlen(samples[i].text));
        const char *place = strchr(t.text, '!');
        if (place == NULL || strcmp(place + 1, samples[i].events) != 0)
            fail_msg("%s\nwant %s\ngot  %s", samples[i].text, samples[i].events,
                     t.text);
    }
}

#define CHECK_BAD(samples) check_bad(samples, sizeof samples / sizeof samples[0])

/* ---- valid -------------------------------------------------------------------- */

static void blanks(void **state)
{
    static const sample good[] = {
        {"", ""},
        {"\n", ""},
        {"\r\n", ""},
        {" \t ", ""},
        {"# a comment", ""},
        {"# a comment\n", ""},
        {"# a comment\r\n\r\n  # another\t one\n", ""},
        {"#", ""},
        {"## \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\x9A", ""},
        {"\xEF\xBB\xBF", ""},
        {"\xEF\xBB\xBF# x\na=1", "a= i:1"},
        {"a=1#c", "a= i:1"},
        {"a=1 # c\n", "a= i:1"},
        {"a=1\r\nb=2\r\n", "a= i:1 b= i:2"},
        {"\n\n \n\ta = 1\n\n", "a= i:1"},
        {"a = 1   \n", "a= i:1"},
        {"a = 1 \t# c # d\r\nb = 2", "a= i:1 b= i:2"},
    };
    (void)state;
    CHECK(good);
}

/* Each byte at each place of a comment and of a string of each kind, longer than some
 * steps of eight bytes: read, or refused where it stands. */
static void every_byte(void **state)
{
    static const char *const before[] = {"#", "a=\"", "a='", "a=\"\"\"", "a='''"};
    static const char *const behind[] = {"\n", "\"\n", "'\n", "\"\"\"\n", "'''\n"};
    enum { FORMS = sizeof before / sizeof before[0], LONG = 27 };
    reef_toml reader;
    reef_toml_event event;
    (void)state;
    for (size_t test = 0; test < FORMS * LONG * 256; test++) {
        size_t form = test % FORMS, place = test / FORMS % LONG;
        char c = (char)(unsigned char)(test / FORMS / LONG), text[64];
        if (c != 0 && strchr("\"'\\\n", c) != NULL)
            continue; /* they end some of these */
        int len = snprintf(text, sizeof text, "%s%*s%s", before[form], LONG, "",
                           behind[form]);
        size_t at = strlen(before[form]) + place;
        text[at] = c;
        reef_str copy = help_copy(text, (size_t)len);
        reef_toml_init(&reader, copy, NULL);
        while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
            continue;
        bool good = c == '\t' || (c >= 0x20 && c < 0x7F) ||
                    (c == '\r' && form == 0 && place == LONG - 1);
        assert_int_equal(event.kind, good ? REEF_TOML_END : REEF_TOML_BAD);
        assert_true(good || event.mark.at == at);
        reef_toml_free(&reader);
        help_free(copy);
    }
}

static void keys(void **state)
{
    static const sample good[] = {
        {"a=1", "a= i:1"},
        {"a_b-C9 = 1", "a_b-C9= i:1"},
        {"1234 = 1", "1234= i:1"},
        {"- = 1\n_ = 2", "-= i:1 _= i:2"},
        {"true = 1\ninf = 2", "true= i:1 inf= i:2"},
        {"2026-01-31 = 1", "2026-01-31= i:1"},
        {"a.b.c = 1", "a. b. c= i:1"},
        {"a . b\t.\tc = 1", "a. b. c= i:1"},
        {"3.14 = 1", "3. 14= i:1"},
        {"\"\" = 1", "= i:1"},
        {"'' = 1", "= i:1"},
        {"\"a b\" = 1", "a b= i:1"},
        {"'a\\b' = 1", "a\\b= i:1"},
        {"\"a\\u0062\" = 1", "ab= i:1"},
        {"\"a.b\".'c.d'.e = 1", "a.b. c.d. e= i:1"},
        {"a.\"\".b = 1", "a. . b= i:1"},
        {"\"=\" = 1\n'#' = 2\n\"]\" = 3", "== i:1 #= i:2 ]= i:3"},
        {"\"\xC3\xA4\" = 1", "\xC3\xA4= i:1"},
        {"'\"' = 1\n\"'\" = 2", "\"= i:1 '= i:2"},
        {"a.b=1\na.\"c\"=2", "a. b= i:1 a. c= i:2"},
    };
    (void)state;
    CHECK(good);
}

static void headers(void **state)
{
    static const sample good[] = {
        {"[a]", "[ a="},
        {"[a]\n", "[ a="},
        {"[a] # c", "[ a="},
        {"[ a . b ]", "[ a. b="},
        {"[\ta\t]", "[ a="},
        {"  [a]\r\n  b = 1", "[ a= b= i:1"},
        {"[\"a.b\".'c']", "[ a.b. c="},
        {"[a.\"]\"]", "[ a. ]="},
        {"[1.2]", "[ 1. 2="},
        {"[[a]]", "[[ a="},
        {"[[ a.b ]] # c\nc = 1\n[[a.b]]", "[[ a. b= c= i:1 [[ a. b="},
        {"[a]\n[b]\n[a.c]", "[ a= [ b= [ a. c="},
        {"[a]\nb.c = 1", "[ a= b. c= i:1"},
    };
    (void)state;
    CHECK(good);
}

static void arrays(void **state)
{
    static const sample good[] = {
        {"a=[]", "a= ( )"},
        {"a = [ ]", "a= ( )"},
        {"a = [1]", "a= ( i:1 )"},
        {"a = [1,2,3]", "a= ( i:1 i:2 i:3 )"},
        {"a = [1,]", "a= ( i:1 )"},
        {"a = [ 1 , 2 , ]", "a= ( i:1 i:2 )"},
        {"a = [\n1,\n2\n]", "a= ( i:1 i:2 )"},
        {"a = [ # x\n1 # one, two ]\n, # c\n2, # two\n# end\n]", "a= ( i:1 i:2 )"},
        {"a = [\r\n  1,\r\n]\r\nb = 2", "a= ( i:1 ) b= i:2"},
        {"a = [[],[[]],[1,[2]]]", "a= ( ( ) ( ( ) ) ( i:1 ( i:2 ) ) )"},
        {"a = [1, 'x', 2.5, true, [], {b=1}]",
         "a= ( i:1 s:x f:2.5 b:true ( ) { b= i:1 } )"},
        {"a = ['], #', \"] }\"]", "a= ( s:], # s:] } )"},
        {"a = [{x=1},\n{x=2},\n]", "a= ( { x= i:1 } { x= i:2 } )"},
        {"a = [1] # c\nb = 2", "a= ( i:1 ) b= i:2"},
        {"a = [2026-01-31 ,2026-01-31 10:20]",
         "a= ( d:2026-01-31 l:2026-01-31 10:20 )"},
    };
    (void)state;
    CHECK(good);
}

static void inline_tables(void **state)
{
    static const sample good[] = {
        {"a={}", "a= { }"},
        {"a = { }", "a= { }"},
        {"a = {b=1}", "a= { b= i:1 }"},
        {"a = { b = 1, c = 'x' }", "a= { b= i:1 c= s:x }"},
        {"a = {b=1,}", "a= { b= i:1 }"},
        {"a = {\n}", "a= { }"},
        {"a = {\n  b = 1, # one\n  # two\n  c = 2,\n}", "a= { b= i:1 c= i:2 }"},
        {"a = {\r\n b = 1\r\n , c = 2 }", "a= { b= i:1 c= i:2 }"},
        {"a = {b.c = 1, 'd e'.f = 2}", "a= { b. c= i:1 d e. f= i:2 }"},
        {"a = {b={c={}}}", "a= { b= { c= { } } }"},
        {"a = {b=[{c=1},{}],}", "a= { b= ( { c= i:1 } { } ) }"},
        {"[t]\na = {b=1} # c\n[u]", "[ t= a= { b= i:1 } [ u="},
        {"a = {b = 1} \nc = 2", "a= { b= i:1 } c= i:2"},
    };
    (void)state;
    CHECK(good);
}

/* ---- invalid ------------------------------------------------------------------ */

static void bad_lines(void **state)
{
    static const sample bad[] = {
        {"a", "1:2"},
        {"a\n", "1:2"},
        {"a b = 1", "1:3"},
        {"a =", "1:4"},
        {"a = ", "1:5"},
        {"a = \n1", "1:5"},
        {"a = # c\n1", "1:5"},
        {"a\n= 1", "1:2"},
        {"= 1", "1:1"},
        {"a = = 1", "1:5"},
        {"a == 1", "1:4"},
        {"a = 1 b = 2", "1:7"},
        {"a = 1, b = 2", "1:6"},
        {"a = 1 2", "1:7"},
        {"a = \"x\" y", "1:9"},
        {"a = \"x\"y", "1:8"},
        {"a = [1] 2", "1:9"},
        {"a = {} 2", "1:8"},
        {"a: 1", "1:2"},
        {"a = 1\r", "1:6"},
        {"a = 1\rb = 2", "1:6"},
        {"\r", "1:1"},
        {"\ra = 1", "1:1"},
        {"# a\rb", "1:4"},
        {"# a\x7F", "1:4"},
        {"# a\x01", "1:4"},
        {"\f", "1:1"},
        {"a = 1\n\x0B", "2:1"},
        {"# \xFF", "1:3"},
        {"# \xC3", "1:3"},
        {"# \xED\xA0\x80", "1:3"},
        {"# \xC0\xAF", "1:3"},
        {"# \xF4\x90\x80\x80", "1:3"},
        {"\xC3\xA4 = 1", "1:1"},
        {"a\xC3\xA4 = 1", "1:2"},
        {"a =\xE3\x80\x80"
         "1",
         "1:4"},
        {"a = 1\xC2\xA0", "1:6"},
        {"\xEF\xBB\xBF\xEF\xBB\xBF", "1:1"},
        {"a = 1\n\xEF\xBB\xBF", "2:1"},
        {"\xFF\xFE"
         "a",
         "1:1"},
        {"\xFE\xFF", "1:1"},
        {"k = \"\xC3\xA4\xC3\xA4\" x", "1:10"},
        {"\xEF\xBB\xBFk = x", "1:5"},
        {"a = 1\n\n  b c", "3:5"},
        {"}", "1:1"},
        {"a = }", "1:5"},
        {"a = ]", "1:5"},
        {"a = ,", "1:5"},
        {"!", "1:1"},
        {"\\", "1:1"},
    };
    (void)state;
    CHECK_BAD(bad);
}

static void bad_keys(void **state)
{
    static const sample bad[] = {
        {".a = 1", "1:1"},
        {"a. = 1", "1:4"},
        {"a..b = 1", "1:3"},
        {"a.\nb = 1", "1:3"},
        {"a.b", "1:4"},
        {"a.b.", "1:5"},
        {"\"a = 1", "1:7"},
        {"'a = 1", "1:7"},
        {"\"a\n\" = 1", "1:3"},
        {"'a\n' = 1", "1:3"},
        {"\"\"\"a\"\"\" = 1", "1:1"},
        {"'''a''' = 1", "1:1"},
        {"\"a\"b = 1", "1:4"},
        {"a\"b\" = 1", "1:2"},
        {"\"a\\q\" = 1", "1:3"},
        {"\"\\uD800\" = 1", "1:2"},
        {"a# = 1", "1:2"},
        {"#a = 1\na# = 1", "2:2"},
        {"a+b = 1", "1:2"},
        {"a/b = 1", "1:2"},
        {"a[0] = 1", "1:2"},
        {"a,b = 1", "1:2"},
        {"\"\x01\" = 1", "1:2"},
        {"'\x7F' = 1", "1:2"},
    };
    (void)state;
    CHECK_BAD(bad);
}

static void bad_headers(void **state)
{
    static const sample bad[] = {
        {"[", "1:2"},
        {"[a", "1:3"},
        {"[a\n]", "1:3"},
        {"[\na]", "1:2"},
        {"[]", "1:2"},
        {"[ ]", "1:3"},
        {"[a.]", "1:4"},
        {"[.a]", "1:2"},
        {"[a..b]", "1:4"},
        {"[a b]", "1:4"},
        {"[a]]", "1:4"},
        {"[a] b = 1", "1:5"},
        {"[a] [b]", "1:5"},
        {"[a]b", "1:4"},
        {"[a=1]", "1:3"},
        {"[a#b]", "1:3"},
        {"[[]]", "1:3"},
        {"[[a]", "1:5"},
        {"[[a] ]", "1:5"},
        {"[ [a]]", "1:3"},
        {"[[a]] x", "1:7"},
        {"[[a]]]", "1:6"},
        {"[[a.b", "1:6"},
        {"[\"a]", "1:5"},
        {"[\"\"\"a\"\"\"]", "1:2"},
        {"[a]\r[b]", "1:4"},
        {"[\xC3\xA4]", "1:2"},
        {"[a, b]", "1:3"},
        {"a = 1 [b]", "1:7"},
    };
    (void)state;
    CHECK_BAD(bad);
}

static void bad_brackets(void **state)
{
    static const sample bad[] = {
        {"a = [", "1:6"},           {"a = [\n", "1:6"},
        {"a = [1", "1:7"},          {"a = [1,", "1:8"},
        {"a = [1 # c", "1:7"},      {"a = [1; 2]", "1:7"},
        {"a = [1 2]", "1:8"},       {"a = [1\n2]", "2:1"},
        {"a = [,]", "1:6"},         {"a = [,1]", "1:6"},
        {"a = [1,,2]", "1:8"},      {"a = [1,,]", "1:8"},
        {"a = [1}", "1:7"},         {"a = [1 x]", "1:8"},
        {"a = ['x' 'y']", "1:10"},  {"a = [x]", "1:6"},
        {"a = [b = 1]", "1:6"},     {"a = [1\r2]", "1:7"},
        {"a = [1]]", "1:8"},        {"a = [[1]", "1:9"},
        {"a = {", "1:6"},           {"a = {\n", "1:6"},
        {"a = {b", "1:7"},          {"a = {b}", "1:7"},
        {"a = {b=", "1:8"},         {"a = {b=}", "1:8"},
        {"a = {b=1", "1:9"},        {"a = {b=1,", "1:10"},
        {"a = {,}", "1:6"},         {"a = {b=1,,}", "1:10"},
        {"a = {b=1,,c=2}", "1:10"}, {"a = {b=1 c=2}", "1:10"},
        {"a = {b=1\nc=2}", "2:1"},  {"a = {b\n=1}", "1:7"},
        {"a = {b=\n1}", "1:8"},     {"a = {b=1]", "1:9"},
        {"a = {b=1}}", "1:10"},     {"a = {1}", "1:7"},
        {"a = {[b]}", "1:6"},       {"a = {b = [1}", "1:12"},
        {"a = {b..c=1}", "1:8"},    {"a = {# c", "1:6"},
    };
    (void)state;
    CHECK_BAD(bad);
}

static void nul_bytes(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *place;
    } bad[] = {{"\0", 1, "!1:1"},
               {"a = 1\0", 6, "a= i:1 !1:6"},
               {"# \0", 3, "!1:3"},
               {"a = \"\0\"", 7, "a= !1:6"},
               {"a = '\0'", 7, "a= !1:6"},
               {"a = '''\n\0'''", 12, "a= !2:1"},
               {"a\0 = 1", 6, "!1:2"},
               {"a = [\0]", 7, "a= ( !1:6"},
               {"[a\0]", 4, "[ !1:3"},
               {"a = \0", 5, "a= !1:5"},
               {"a = true\0", 9, "a= b:true !1:9"}};
    trace t;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        trace_bytes(&t, bad[i].text, bad[i].len);
        assert_string_equal(t.text, bad[i].place);
    }
}

/* ---- places ------------------------------------------------------------------- */

static void marks(void **state)
{
    static const char text[] = "\xEF\xBB\xBF[ \xC3\xA4 ]"; /* refused: not bare */
    static const char good[] =
        "[ \"\xC3\xA4\" ]\r\n  'k' . z = [ \"\"\"\n\n\"\"\",\n{ u = 1 } ]";
    static const unsigned places[][2] = {{1, 1},  {1, 3},  {2, 3}, {2, 9},
                                         {2, 13}, {2, 15}, {5, 1}, {5, 3},
                                         {5, 7},  {5, 9},  {5, 11}};
    reef_toml reader;
    reef_toml_event event;
    (void)state;
    reef_toml_init(&reader, reef_str_of(good), NULL);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_true(reef_toml_next(&reader, &event) > REEF_TOML_BAD);
        if (event.mark.line != places[i][0] ||
            reef_toml_column(&reader, &event.mark) != places[i][1])
            fail_msg("event %zu at %u:%u", i, (unsigned)event.mark.line,
                     (unsigned)reef_toml_column(&reader, &event.mark));
    }
    assert_int_equal(reef_toml_next(&reader, &event), REEF_TOML_END);
    reef_toml_init(&reader, reef_str_of(text), NULL);
    assert_int_equal(reef_toml_next(&reader, &event), REEF_TOML_TABLE);
    assert_int_equal(reef_toml_column(&reader, &event.mark), 1);
    assert_int_equal(reef_toml_next(&reader, &event), REEF_TOML_BAD);
    assert_int_equal(reef_toml_column(&reader, &event.mark), 3);
}

static void first_and_last(void **state)
{
    static const char text[] = "[a.b]\nc.d.e = {f = 1}";
    static const bool first[] = {true, false, true, false, false, true};
    static const bool last[] = {false, true, false, false, true, true};
    reef_toml reader;
    reef_toml_event event;
    size_t at = 0;
    (void)state;
    reef_toml_init(&reader, reef_str_of(text), NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD) {
        if (event.kind != REEF_TOML_KEY)
            continue;
        assert_true(at < 6);
        assert_int_equal(event.first, first[at]);
        assert_int_equal(event.last, last[at++]);
    }
    assert_int_equal(at, 6);
}

/* ---- limits ------------------------------------------------------------------- */

/* `depth` brackets of one kind, closed or not. */
static reef_toml_kind nested(size_t depth, bool array, size_t *most)
{
    const char *open = array ? "[" : "{a=";
    size_t step = strlen(open), len = 2 + depth * (step + 1);
    char *text = malloc(len + 1);
    reef_toml reader;
    reef_toml_event event;
    size_t at = 2, now = 0;
    assert_non_null(text);
    memcpy(text, "a=", 2);
    for (size_t i = 0; i < depth; i++, at += step)
        memcpy(text + at, open, step);
    if (!array)
        at -= 2; /* the innermost one is empty */
    memset(text + at, array ? ']' : '}', depth);
    reef_toml_init(&reader, (reef_str){text, at + depth}, NULL);
    *most = 0;
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD) {
        now += event.kind == REEF_TOML_ARRAY || event.kind == REEF_TOML_INLINE;
        now -= event.kind == REEF_TOML_ARRAY_END || event.kind == REEF_TOML_INLINE_END;
        *most = now > *most ? now : *most;
    }
    free(text);
    return event.kind;
}

static void depth(void **state)
{
    size_t most;
    (void)state;
    assert_int_equal(nested(128, true, &most), REEF_TOML_END);
    assert_int_equal(most, 128);
    for (int array = 0; array < 2; array++) {
        assert_int_equal(nested(REEF_TOML_DEPTH, array, &most), REEF_TOML_END);
        assert_int_equal(most, REEF_TOML_DEPTH);
        assert_int_equal(nested(REEF_TOML_DEPTH + 1, array, &most), REEF_TOML_BAD);
        assert_int_equal(most, REEF_TOML_DEPTH);
        assert_int_equal(nested(200000, array, &most), REEF_TOML_BAD);
    }
}

static void long_key(void **state)
{
    enum { PARTS = 300000 };
    char *text = malloc(2 * PARTS + 1);
    reef_toml reader;
    reef_toml_event event;
    size_t parts = 0;
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < PARTS; i++)
        memcpy(text + 2 * i, "k.", 2);
    memcpy(text + 2 * PARTS - 1, "=1", 2);
    reef_toml_init(&reader, (reef_str){text, 2 * PARTS + 1}, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        parts += event.kind == REEF_TOML_KEY;
    assert_int_equal(event.kind, REEF_TOML_END);
    assert_int_equal(parts, PARTS);
    free(text);
}

/* Every beginning of a document is read or refused, and what is read of a refused one
 * is a beginning of the whole's events. */
static void truncations(void **state)
{
    static const char *const files[] = {
        "toml/valid/everything.toml", "toml/valid/knot.toml", "toml/block/header.toml",
        "toml/block/crlf.toml", "toml/block/inline.toml"};
    static trace whole, part;
    (void)state;
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        reef_str text = help_file(files[f]);
        trace_bytes(&whole, text.ptr, text.len);
        if (strchr(whole.text, '!') != NULL)
            fail_msg("%s: %s", files[f], strrchr(whole.text, '!'));
        for (size_t len = 0; len < text.len; len++)
            trace_bytes(&part, text.ptr, len);
        help_free(text);
    }
}

/* Every byte of a document replaced by bytes that matter to the grammar. */
static void mutations(void **state)
{
    static const char bytes[] = "\0\t\n\r \"#'\\,.=[]{}-_:+0Tez\x7F\x80\xC3\xFF";
    reef_str text = help_file("toml/valid/everything.toml");
    char *copy = malloc(text.len);
    static trace t;
    (void)state;
    assert_non_null(copy);
    for (size_t at = 0; at < text.len; at += 3) {
        memcpy(copy, text.ptr, text.len);
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            copy[at] = bytes[i];
            trace_bytes(&t, copy, text.len);
        }
    }
    free(copy);
    help_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks),        cmocka_unit_test(keys),
        cmocka_unit_test(headers),       cmocka_unit_test(arrays),
        cmocka_unit_test(inline_tables), cmocka_unit_test(bad_lines),
        cmocka_unit_test(bad_keys),      cmocka_unit_test(bad_headers),
        cmocka_unit_test(bad_brackets),  cmocka_unit_test(nul_bytes),
        cmocka_unit_test(marks),         cmocka_unit_test(first_and_last),
        cmocka_unit_test(depth),         cmocka_unit_test(long_key),
        cmocka_unit_test(truncations),   cmocka_unit_test(mutations),
        cmocka_unit_test(every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
