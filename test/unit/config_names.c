/* SPDX-License-Identifier: Apache-2.0
 *
 * config/names.c: each use of a name against each kind of name, scopes, spellings,
 * growth, limits and memory that runs out; then random documents whose few names
 * contradict each other all the time, judged by the reader and by a plain tree. */
#include "config/names.h"
#include "config/toml.h"
#include "config_help.h"

/* ---- memory that runs out ----------------------------------------------------- */

static size_t names_refuse; /* this allocation from now on fails; 0: none does */

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool names_refused_now(void)
{
    return names_refuse > 0 && --names_refuse == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return names_refused_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return names_refused_now() ? NULL : __real_realloc(block, size);
}

static uint64_t names_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

/* ---- single names ------------------------------------------------------------- */

/* A text of names with a space behind each; they are used where they stand. */
typedef struct names_test {
    reef_names names;
    const char *text;
    const char *why;
    uint32_t inner;
} names_test;

static void names_start(names_test *t, const char *text, size_t most)
{
    memset(t, 0, sizeof *t);
    t->text = text;
    reef_names_init(&t->names, reef_str_of(text), most);
}

/* The name at `at`, as the reader would give it. */
static reef_name names_at(const char *text, size_t at)
{
    const char *start = text + at, *end = strchr(start, ' ');
    reef_name name = {.at = at};
    bool quoted = *start == '"' || *start == '\'';
    size_t quotes = quoted ? 1 : 0;
    name.raw = (reef_str){start + quotes, (size_t)(end - start) - 2 * quotes};
    name.escapes = *start == '"' && memchr(start, '\\', name.raw.len) != NULL;
    return name;
}

static reef_code names_use_at(names_test *t, uint32_t scope, size_t at,
                              reef_name_use use)
{
    reef_name name = names_at(t->text, at);
    t->inner = REEF_NAMES_NONE;
    t->why = NULL;
    t->names.first = REEF_NAMES_NONE;
    reef_code code = reef_names_use(&t->names, scope, &name, use, &t->inner, &t->why);
    assert_int_equal(code == REEF_BADCONFIG, t->why != NULL);
    return code;
}

/* Makes a name of a kind at place 1. */
static void names_make(names_test *t, reef_name_kind kind)
{
    static const reef_name_use uses[] = {[REEF_NAME_VALUE] = REEF_USE_KEY,
                                         [REEF_NAME_ARRAY] = REEF_USE_KEY,
                                         [REEF_NAME_INLINE] = REEF_USE_KEY,
                                         [REEF_NAME_DOTTED] = REEF_USE_KEY_PATH,
                                         [REEF_NAME_TABLE] = REEF_USE_TABLE,
                                         [REEF_NAME_TABLES] = REEF_USE_TABLES,
                                         [REEF_NAME_IMPLICIT] = REEF_USE_TABLE_PATH};
    assert_int_equal(names_use_at(t, REEF_NAMES_NONE, 1, uses[kind]), REEF_OK);
    assert_int_equal(t->inner, 1);
    if (kind == REEF_NAME_ARRAY || kind == REEF_NAME_INLINE)
        reef_names_is(&t->names, kind);
}

/* What becomes of a name of each kind (down) that is used again (across: key, path of
 * a key, table, tables, path of a header): "-" refused, "=" the same scope, "+" a new
 * one. */
static void test_rules(void **state)
{
    (void)state;
    static const char *const rules[] = {
        [REEF_NAME_VALUE] = "-----",   [REEF_NAME_ARRAY] = "-----",
        [REEF_NAME_INLINE] = "-----",  [REEF_NAME_DOTTED] = "-=--=",
        [REEF_NAME_TABLE] = "----=",   [REEF_NAME_TABLES] = "---+=",
        [REEF_NAME_IMPLICIT] = "-==-="};
    names_test t;
    for (int kind = REEF_NAME_VALUE; kind <= REEF_NAME_TABLES; kind++) {
        for (int use = REEF_USE_KEY; use <= REEF_USE_TABLE_PATH; use++) {
            char rule = rules[kind][use];
            names_start(&t, " name name ", 0);
            names_make(&t, (reef_name_kind)kind);
            reef_code code = names_use_at(&t, REEF_NAMES_NONE, 6, (reef_name_use)use);
            if (code != (rule == '-' ? REEF_BADCONFIG : REEF_OK))
                fail_msg("kind %d, use %d: %d", kind, use, (int)code);
            if (rule == '-')
                assert_int_equal(t.names.first, 1);
            else
                assert_int_equal(t.inner, rule == '+' ? 6 : 1);
            reef_names_free(&t.names);
        }
    }
}

/* Each refusal has words of its own that fit what was done. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        reef_name_kind kind;
        reef_name_use use;
        const char *words;
    } cases[] = {
        {REEF_NAME_VALUE, REEF_USE_KEY, "set a second time"},
        {REEF_NAME_TABLE, REEF_USE_KEY, "a table already"},
        {REEF_NAME_VALUE, REEF_USE_KEY_PATH, "this is a value"},
        {REEF_NAME_ARRAY, REEF_USE_TABLE_PATH, "this is an array"},
        {REEF_NAME_INLINE, REEF_USE_TABLE_PATH, "an inline table"},
        {REEF_NAME_TABLE, REEF_USE_KEY_PATH, "from a header"},
        {REEF_NAME_TABLES, REEF_USE_KEY_PATH, "[[...]]"},
        {REEF_NAME_TABLE, REEF_USE_TABLE, "a second time"},
        {REEF_NAME_DOTTED, REEF_USE_TABLE, "keys with dots"},
        {REEF_NAME_DOTTED, REEF_USE_TABLES, "keys with dots"},
        {REEF_NAME_ARRAY, REEF_USE_TABLES, "array in brackets"},
        {REEF_NAME_TABLE, REEF_USE_TABLES, "one table already"},
        {REEF_NAME_TABLES, REEF_USE_TABLE, "list of tables already"},
    };
    names_test t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        names_start(&t, " name name ", 0);
        names_make(&t, cases[i].kind);
        assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 6, cases[i].use),
                         REEF_BADCONFIG);
        help_contains(t.why, cases[i].words);
        reef_names_free(&t.names);
    }
}

static void test_scopes(void **state)
{
    (void)state;
    names_test t;
    names_start(&t, " a a a a a a ", 0);
    /* [[a]] a.a, then a new element: its names are new. */
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 1, REEF_USE_TABLES), REEF_OK);
    assert_int_equal(names_use_at(&t, 1, 3, REEF_USE_KEY), REEF_OK);
    assert_int_equal(names_use_at(&t, 1, 5, REEF_USE_KEY), REEF_BADCONFIG);
    assert_int_equal(t.names.first, 3);
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 7, REEF_USE_TABLES), REEF_OK);
    assert_int_equal(t.inner, 7);
    assert_int_equal(names_use_at(&t, 7, 9, REEF_USE_KEY), REEF_OK);
    /* The list was made where its last element was. */
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 11, REEF_USE_TABLE),
                     REEF_BADCONFIG);
    assert_int_equal(t.names.first, 7);
    reef_names_free(&t.names);
}

/* [t.u] and then [t]: another [t] contradicts the second, not the first. */
static void test_header_origin(void **state)
{
    (void)state;
    names_test t;
    names_start(&t, " t u t t ", 0);
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 1, REEF_USE_TABLE_PATH),
                     REEF_OK);
    assert_int_equal(names_use_at(&t, 1, 3, REEF_USE_TABLE), REEF_OK);
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 5, REEF_USE_TABLE), REEF_OK);
    assert_int_equal(t.inner, 1);
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 7, REEF_USE_TABLE),
                     REEF_BADCONFIG);
    assert_int_equal(t.names.first, 5);
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 7, REEF_USE_KEY),
                     REEF_BADCONFIG);
    assert_int_equal(t.names.first, 5);
    assert_int_equal(reef_names_size(&t.names, 5), 1);
    reef_names_free(&t.names);
}

/* [t.u] makes t, which a key with dots may add to; then it is the key's and can have no
 * header any more. */
static void test_implicit_to_dotted(void **state)
{
    (void)state;
    names_test t;
    names_start(&t, " t t t ", 0);
    assert_int_equal(names_use_at(&t, 9, 1, REEF_USE_TABLE_PATH), REEF_OK);
    assert_int_equal(names_use_at(&t, 9, 3, REEF_USE_KEY_PATH), REEF_OK);
    assert_int_equal(t.inner, 1);
    assert_int_equal(names_use_at(&t, 9, 5, REEF_USE_TABLE_PATH), REEF_OK);
    assert_int_equal(names_use_at(&t, 9, 5, REEF_USE_TABLE), REEF_BADCONFIG);
    assert_int_equal(t.names.first, 1);
    reef_names_free(&t.names);
}

/* Spellings of one name in each row; each is found under each of the others, and under
 * no spelling of another row. */
static const char *const names_spellings[][4] = {
    {"a", "\"a\"", "'a'", "\"\\x61\""},
    {"ab", "\"ab\"", "\"\\u0061b\"", "\"a\\U00000062\""},
    {"\"\"", "''", "''", "\"\""},
    {"'\\'", "\"\\\\\"", "\"\\x5c\"", "\"\\x5C\""},
    {"'\"'", "\"\\\"\"", "\"\\x22\"", "\"\\u0022\""},
    {"\"\xC3\xA9\"", "'\xC3\xA9'", "\"\\xe9\"", "\"\\u00E9\""},
    {"'a.b'", "\"a.b\"", "\"a\\x2eb\"", "\"\\u0061\\u002e\\u0062\""},
    {"'\\x61'", "\"\\\\x61\"", "\"\\x5cx61\"", "'\\x61'"},
    {"seven77", "\"seven77\"", "\"seven7\\x37\"", "\"\\x73even77\""},
    {"eight888", "'eight888'", "\"eigh\\x74888\"", "\"\\x65ight888\""},
    {"of-nine99", "'of-nine99'", "\"of-nine9\\x39\"", "\"\\x6ff-nine99\""},
    {"\"\xF0\x9F\x90\xA0_seventeen_17\"", "'\xF0\x9F\x90\xA0_seventeen_17'",
     "\"\\U0001F420_seventeen_17\"", "\"\xF0\x9F\x90\xA0_seventeen_1\\x37\""},
    {"\"\\n\"", "\"\\x0a\"", "\"\\u000a\"", "\"\\u000A\""},
    {"\"\\u0000\"", "\"\\x00\"", "\"\\U00000000\"", "\"\\x00\""},
    {"\"\\u0000\\u0000\"", "\"\\x00\\x00\"", "\"\\x00\\u0000\"", "\"\\u0000\\x00\""},
};

static void test_spellings(void **state)
{
    (void)state;
    enum { ROWS = sizeof names_spellings / sizeof *names_spellings };
    names_test t;
    char text[256];
    for (size_t a = 0; a < ROWS * 4; a++) {
        for (size_t b = 0; b < ROWS * 4; b++) {
            const char *first = names_spellings[a / 4][a % 4];
            snprintf(text, sizeof text, " %s %s ", first,
                     names_spellings[b / 4][b % 4]);
            size_t second = strlen(first) + 2;
            names_start(&t, text, 0);
            names_use_at(&t, REEF_NAMES_NONE, 1, REEF_USE_KEY);
            assert_int_equal(reef_names_size(&t.names, 1), strlen(first));
            reef_code code = names_use_at(&t, REEF_NAMES_NONE, second, REEF_USE_KEY);
            if ((code == REEF_BADCONFIG) != (a / 4 == b / 4))
                fail_msg("%s: %d", text, (int)code);
            reef_names_free(&t.names);
        }
    }
}

/* All names of one to nine letters a and b, the longer ones first, so that each is met
 * by names that it is the beginning of; in many texts, for each meets others. */
static void test_beginnings(void **state)
{
    (void)state;
    enum { LONGEST = 9, NAMES = (2 << LONGEST) - 2, TEXTS = 60 };
    static char text[NAMES * (LONGEST + 3) + 2];
    static size_t at[NAMES];
    for (size_t round = 0; round < TEXTS; round++) {
        size_t len = 1, count = 0;
        text[0] = (char)(1 + round);
        for (unsigned n = 2 << LONGEST; --n > 1; text[len++] = ' ') {
            unsigned top = 1;
            bool quoted = n % 4 == round % 4;
            at[count++] = len;
            text[len] = '\'';
            len += quoted ? 1 : 0;
            while (top <= n / 4)
                top *= 2; /* the bits below the highest one are the letters */
            for (; top > 0; top /= 2)
                text[len++] = (n & top) != 0 ? 'b' : 'a';
            text[len] = '\'';
            len += quoted ? 1 : 0;
        }
        text[len] = 0;
        assert_int_equal(count, NAMES);
        names_test t;
        names_start(&t, text, 0);
        for (size_t i = 0; i < NAMES; i++)
            assert_int_equal(names_use_at(&t, 5, at[i], REEF_USE_KEY), REEF_OK);
        for (size_t i = 0; i < NAMES; i++)
            assert_int_equal(names_use_at(&t, 5, at[i], REEF_USE_KEY), REEF_BADCONFIG);
        assert_int_equal(t.names.first, at[NAMES - 1]);
        reef_names_free(&t.names);
    }
}

static void test_most(void **state)
{
    (void)state;
    names_test t;
    names_start(&t, " a b c d ", 3);
    for (size_t at = 1; at <= 5; at += 2)
        assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, at, REEF_USE_KEY_PATH),
                         REEF_OK);
    assert_int_equal(names_use_at(&t, REEF_NAMES_NONE, 7, REEF_USE_KEY_PATH),
                     REEF_LIMIT);
    assert_int_equal(t.names.count, 3);
    reef_names_free(&t.names);
}

/* Where names hash to follows from the whole text. */
static void test_seed(void **state)
{
    (void)state;
    names_test a, b;
    names_start(&a, " a b ", 0);
    names_start(&b, " a c ", 0);
    names_use_at(&a, REEF_NAMES_NONE, 1, REEF_USE_KEY);
    names_use_at(&b, REEF_NAMES_NONE, 1, REEF_USE_KEY);
    assert_true(a.names.seed != b.names.seed);
    reef_names_free(&a.names);
    reef_names_free(&b.names);
}

/* ---- many names --------------------------------------------------------------- */

enum {
    MANY = 100000,     /* uses of names in a round */
    MANY_SCOPES = 250, /* scopes that they fall into */
    MANY_WORDS = 1000, /* words that they are made of */
    MANY_WORD_MAX = 64 /* bytes of the longest spelling */
};

/* One use: its name as a number, and which one of the uses was the first of it. */
typedef struct many_use {
    uint32_t name, first;
    size_t at, header_at;
} many_use;

typedef struct many_names {
    many_use *uses;
    many_use *sorted;
    char *text;
    size_t len, distinct, tables;
} many_names;

/* Some of the words are longer and have their beginning in common. */
static void many_write(many_names *m, uint32_t word, unsigned spelling)
{
    static const char *const marks[][3] = {{"", "a", " "},
                                           {"\"", "a", "\" "},
                                           {"'", "a", "' "},
                                           {"\"", "\\x61", "\" "},
                                           {"\"", "\\U00000061", "\" "}};
    const char *const *mark = marks[spelling];
    const char *longer = "_these_words_begin_alike_";
    int len = snprintf(m->text + m->len, MANY_WORD_MAX, "%s%s%s%u%s", mark[0], mark[1],
                       word % 8 == 0 ? longer : "", (unsigned)word, mark[2]);
    assert_true(len > 0 && len < MANY_WORD_MAX);
    m->len += (size_t)len;
}

static int many_order(const void *left, const void *right)
{
    const many_use *a = left, *b = right;
    if (a->name != b->name)
        return a->name < b->name ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* Mostly the short ones, so that there are names enough for the text to make the table
 * grow. */
static unsigned many_spelling(uint64_t *random)
{
    unsigned pick = (unsigned)names_random(random) % 16;
    return pick < 10 ? 0 : pick < 12 ? 1 : pick < 14 ? 2 : pick < 15 ? 3 : 4;
}

/* The text of all uses, and what is to come out. */
static void many_build(many_names *m)
{
    uint64_t random = 77;
    m->uses = malloc(MANY * sizeof *m->uses);
    m->sorted = malloc(MANY * sizeof *m->sorted);
    m->text = malloc((size_t)2 * MANY * MANY_WORD_MAX);
    assert_true(m->uses != NULL && m->sorted != NULL && m->text != NULL);
    m->text[0] = ' ';
    m->len = 1;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t name = (uint32_t)(names_random(&random) % (MANY_SCOPES * MANY_WORDS));
        m->uses[i] = (many_use){.name = name, .first = i, .at = m->len};
        many_write(m, name % MANY_WORDS, many_spelling(&random));
        m->uses[i].header_at = m->len;
        many_write(m, name % MANY_WORDS, many_spelling(&random));
    }
    memcpy(m->sorted, m->uses, MANY * sizeof *m->sorted);
    qsort(m->sorted, MANY, sizeof *m->sorted, many_order);
    for (size_t i = 0; i < MANY; i++) {
        bool same = i > 0 && m->sorted[i - 1].name == m->sorted[i].name;
        if (same)
            m->uses[m->sorted[i].first].first = m->uses[m->sorted[i - 1].first].first;
        m->distinct += same ? 0 : 1;
    }
}

static uint32_t many_scope(uint32_t name)
{
    uint32_t scope = name / MANY_WORDS;
    return scope == 0 ? REEF_NAMES_NONE : scope * 1001;
}

/* Names of odd scopes are tables that headers need, the others are made by keys. */
static reef_name_use many_path(uint32_t name)
{
    return name / MANY_WORDS % 2 == 1 ? REEF_USE_TABLE_PATH : REEF_USE_KEY_PATH;
}

static void many_round(many_names *m, names_test *t)
{
    for (size_t i = 0; i < MANY; i++) {
        uint32_t name = m->uses[i].name;
        reef_code code =
            names_use_at(t, many_scope(name), m->uses[i].at, many_path(name));
        assert_int_equal(code, REEF_OK);
        assert_int_equal(t->inner, m->uses[m->uses[i].first].at);
        assert_true(t->names.count <= t->names.cap - t->names.cap / 4);
    }
    assert_int_equal(t->names.count, m->distinct);
}

/* Headers for the tables that had none; a second one finds the first. */
static void many_headers(many_names *m, names_test *t)
{
    for (size_t i = 0; i < MANY; i++) {
        const many_use *use = m->uses + i, *first = m->uses + use->first;
        if (many_path(use->name) != REEF_USE_TABLE_PATH)
            continue;
        reef_code code =
            names_use_at(t, many_scope(use->name), use->header_at, REEF_USE_TABLE);
        if (first == use) {
            assert_int_equal(code, REEF_OK);
            assert_int_equal(t->inner, use->at);
            m->tables++;
        } else {
            assert_int_equal(code, REEF_BADCONFIG);
            assert_int_equal(t->names.first, first->header_at);
        }
    }
    assert_int_equal(t->names.count, m->distinct + m->tables);
}

static void test_many(void **state)
{
    (void)state;
    many_names m = {0};
    names_test t = {0};
    many_build(&m);
    t.text = m.text;
    reef_names_init(&t.names, (reef_str){m.text, m.len}, 0);
    many_round(&m, &t);
    many_round(&m, &t);
    many_headers(&m, &t);
    assert_true(t.names.cap > m.len / 24); /* it has grown */
    assert_true(t.names.cap <= 4 * t.names.count);
    reef_names_free(&t.names);
    free(m.uses);
    free(m.sorted);
    free(m.text);
}

/* ---- memory that runs out, tried ---------------------------------------------- */

/* A use that found no memory may be tried again, and all that was there still is. */
static void test_no_memory(void **state)
{
    (void)state;
    enum { NAMES = 3000 };
    char *text = malloc(NAMES * 8 + 2);
    assert_non_null(text);
    text[0] = ' ';
    for (unsigned i = 0; i < NAMES; i++)
        snprintf(text + 1 + (size_t)i * 8, 9, "n%06u ", i);
    size_t failed = 0;
    names_test t;
    names_start(&t, text, 0);
    for (size_t i = 0; i < NAMES; i++) {
        names_refuse = 1;
        reef_code code = names_use_at(&t, 9, 1 + i * 8, REEF_USE_KEY_PATH);
        names_refuse = 0;
        if (code == REEF_NOMEM) {
            failed++;
            assert_int_equal(t.names.count, i);
            code = names_use_at(&t, 9, 1 + i * 8, REEF_USE_KEY_PATH);
        }
        assert_int_equal(code, REEF_OK);
        assert_int_equal(t.inner, 1 + i * 8);
    }
    assert_true(failed > 2); /* the first table, and its growth */
    for (size_t i = 0; i < NAMES; i++)
        assert_int_equal(names_use_at(&t, 9, 1 + i * 8, REEF_USE_KEY), REEF_BADCONFIG);
    reef_names_free(&t.names);
    free(text);
}

/* The reader says so, at the key, and stays there. */
static void test_reader_no_memory(void **state)
{
    (void)state;
    char text[4096];
    size_t len = 0, refused = 0;
    for (unsigned i = 0; i < 300; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "k%u=%u\n", i, i);
    for (size_t at = 1;; at++) {
        reef_toml reader;
        reef_toml_event event;
        reef_toml_mark mark;
        reef_str found;
        reef_toml_init(&reader, (reef_str){text, len}, NULL);
        names_refuse = at;
        while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
            continue;
        bool all = names_refuse > 0;
        names_refuse = 0;
        assert_int_equal(event.kind, all ? REEF_TOML_END : REEF_TOML_BAD);
        if (!all) {
            assert_int_equal(reef_toml_code(&reader), REEF_NOMEM);
            help_contains(reef_toml_why(&reader, &mark, &found), "memory");
            assert_int_equal(text[mark.at], 'k');
            assert_int_equal(reef_toml_next(&reader, &event), REEF_TOML_BAD);
            refused++;
        }
        reef_toml_free(&reader);
        if (all)
            break;
    }
    assert_true(refused > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_header_origin),
        cmocka_unit_test(test_implicit_to_dotted),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_most),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_reader_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
