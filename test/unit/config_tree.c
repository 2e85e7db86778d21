/* SPDX-License-Identifier: Apache-2.0
 *
 * Random documents whose few names contradict each other all the time: the reader and
 * a plain tree agree on whether one is valid, on the name that is wrong, and on what it
 * contradicts. The tree does as TOML says, each table a list, without a hash. */
#include "config/toml.h"
#include "config_help.h"

static uint64_t tree_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

enum { TREE_NODES = 2048, TREE_TEXT = 16384, TREE_DOCUMENTS = 20000, TREE_DEEP = 3 };

typedef enum tree_kind {
    TREE_VALUE,   /* set by a key: nothing goes below or beside it */
    TREE_DOTTED,  /* a table that a key with dots made */
    TREE_PASSED,  /* a table that a header has below it */
    TREE_HEADED,  /* a table with its header */
    TREE_ELEMENT, /* [[...]]; what is below it is the last element's */
} tree_kind;

typedef struct tree_node {
    tree_kind kind;
    char name;
    size_t at; /* where it was made; of HEADED and ELEMENT, the last header */
    struct tree_node *below, *beside;
} tree_node;

typedef struct tree_model {
    tree_node nodes[TREE_NODES];
    size_t count;
    tree_node *table; /* of the last header */
    uint64_t random;
    char text[TREE_TEXT];
    size_t len;
    bool wrong; /* a rule was broken; from then on, the text is only written */
    size_t at, end, first; /* by the name from here to there, and what it contradicts */
} tree_model;

static tree_node *tree_new(tree_model *m, tree_node *above, char name, tree_kind kind)
{
    assert_true(m->count < TREE_NODES);
    tree_node *node = m->nodes + m->count++;
    *node = (tree_node){.kind = kind, .name = name};
    if (above != NULL) {
        node->beside = above->below;
        above->below = node;
    }
    return node;
}

static tree_node *tree_find(tree_node *above, char name)
{
    tree_node *node = above->below;
    while (node != NULL && node->name != name)
        node = node->beside;
    return node;
}

static unsigned tree_pick(tree_model *m, unsigned count)
{
    return (unsigned)(tree_random(&m->random) % count);
}

static void tree_write(tree_model *m, const char *text)
{
    size_t len = strlen(text);
    assert_true(m->len + len < TREE_TEXT);
    memcpy(m->text + m->len, text, len + 1);
    m->len += len;
}

/* A name of one letter, in one of the ways to write it; where it stands. */
static size_t tree_name(tree_model *m, char *letter)
{
    static const char *const marks[][2] = {{"", ""},     {"", ""},   {"", ""},
                                           {"\"", "\""}, {"'", "'"}, {"\"\\x", "\""}};
    char text[16];
    const char *const *mark = marks[tree_pick(m, 6)];
    *letter = (char)('a' + tree_pick(m, 4));
    if (mark[0][0] != 0 && mark[0][1] != 0)
        snprintf(text, sizeof text, "%s%02x%s", mark[0], (unsigned)*letter, mark[1]);
    else
        snprintf(text, sizeof text, "%s%c%s", mark[0], *letter, mark[1]);
    size_t at = m->len;
    tree_write(m, text);
    return at;
}

/* The name that was written last, from `at` on, can't stand there. */
static void tree_wrong(tree_model *m, size_t at, size_t end, const tree_node *first)
{
    m->wrong = true;
    m->at = at;
    m->end = end;
    m->first = first->at;
}

/* A part of a name before its last one: into the table there, made if there is none. */
static tree_node *tree_into(tree_model *m, tree_node *above, bool header)
{
    char letter;
    size_t at = tree_name(m, &letter), end = m->len;
    tree_write(m, tree_pick(m, 4) == 0 ? " . " : ".");
    tree_node *node = m->wrong ? NULL : tree_find(above, letter);
    if (m->wrong)
        return NULL;
    if (node == NULL) {
        node = tree_new(m, above, letter, header ? TREE_PASSED : TREE_DOTTED);
        node->at = at;
    }
    if (!header && node->kind == TREE_PASSED)
        node->kind = TREE_DOTTED; /* now a key has defined it */
    if (node->kind == TREE_VALUE || (!header && node->kind != TREE_DOTTED))
        tree_wrong(m, at, end, node);
    return node;
}

static void tree_head(tree_model *m, tree_node *above, bool list)
{
    char letter;
    size_t at = tree_name(m, &letter);
    tree_node *node = m->wrong ? NULL : tree_find(above, letter);
    if (m->wrong)
        return;
    if (node == NULL)
        node = tree_new(m, above, letter, list ? TREE_ELEMENT : TREE_HEADED);
    else if (list && node->kind == TREE_ELEMENT)
        node->below = NULL;
    else if (!list && node->kind == TREE_PASSED)
        node->kind = TREE_HEADED;
    else
        tree_wrong(m, at, m->len, node);
    node->at = m->wrong ? node->at : at;
    m->table = node;
}

static void tree_header(tree_model *m)
{
    bool list = tree_pick(m, 3) == 0;
    tree_node *node = m->nodes;
    tree_write(m, list ? "[[" : "[");
    for (unsigned parts = tree_pick(m, 3); parts > 0; parts--)
        node = tree_into(m, node, true);
    tree_head(m, node, list);
    tree_write(m, list ? "]]\n" : "]\n");
}

static void tree_value(tree_model *m, unsigned deep);

static void tree_key(tree_model *m, tree_node *table, unsigned deep)
{
    char letter;
    for (unsigned parts = tree_pick(m, 5) / 2; parts > 0; parts--)
        table = tree_into(m, table, false);
    size_t at = tree_name(m, &letter);
    tree_node *node = m->wrong ? NULL : tree_find(table, letter);
    if (node != NULL)
        tree_wrong(m, at, m->len, node);
    else if (!m->wrong)
        tree_new(m, table, letter, TREE_VALUE)->at = at;
    tree_write(m, "=");
    tree_value(m, deep);
}

static void tree_inline(tree_model *m, unsigned deep)
{
    tree_node *table = tree_new(m, NULL, 0, TREE_HEADED);
    unsigned keys = tree_pick(m, 4);
    tree_write(m, "{");
    for (unsigned i = 0; i < keys; i++) {
        tree_write(m, i == 0 ? "" : ",");
        tree_key(m, table, deep + 1);
    }
    tree_write(m, "}");
}

static void tree_value(tree_model *m, unsigned deep)
{
    unsigned kind = deep == TREE_DEEP ? 9 : tree_pick(m, 10);
    unsigned elements = tree_pick(m, 3);
    if (kind == 0) {
        tree_inline(m, deep);
    } else if (kind == 1) {
        tree_write(m, "[");
        for (unsigned i = 0; i < elements; i++) {
            tree_write(m, i == 0 ? "" : ",");
            tree_value(m, deep + 1);
        }
        tree_write(m, "]");
    } else {
        tree_write(m, "1");
    }
}

static void tree_document(tree_model *m)
{
    m->count = m->len = 0;
    m->wrong = false;
    m->table = tree_new(m, NULL, 0, TREE_HEADED);
    unsigned lines = 1 + tree_pick(m, 14);
    for (unsigned i = 0; i < lines; i++) {
        if (tree_pick(m, 5) < 2) {
            tree_header(m);
            continue;
        }
        tree_key(m, m->table, 0);
        tree_write(m, "\n");
    }
}

/* What the reader says to it. */
static void tree_judge(const tree_model *m)
{
    reef_str copy = help_copy(m->text, m->len);
    reef_toml reader;
    reef_toml_event event;
    reef_toml_mark mark, first;
    reef_str found;
    const char *note;
    size_t size;
    reef_toml_init(&reader, copy, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        continue;
    if ((event.kind == REEF_TOML_BAD) != m->wrong)
        fail_msg("%s\nwrong by the tree: %d at %zu", m->text, m->wrong, m->at);
    if (m->wrong) {
        reef_toml_why(&reader, &mark, &found);
        bool both = reef_toml_first(&reader, &first, &size, &note);
        size_t end = mark.at + reef_toml_why_size(&reader);
        if (!both || mark.at != m->at || end != m->end || first.at != m->first)
            fail_msg("%s\n%zu to %zu against %zu; should be %zu to %zu against %zu",
                     m->text, mark.at, end, first.at, m->at, m->end, m->first);
        assert_int_equal(reef_toml_code(&reader), REEF_BADCONFIG);
        assert_true(size > 0 && first.at + size < mark.at);
    }
    reef_toml_free(&reader);
    help_free(copy);
}

static void test_tree(void **state)
{
    (void)state;
    static tree_model m;
    size_t wrong = 0;
    m.random = UINT64_C(0x5EED1);
    for (size_t i = 0; i < TREE_DOCUMENTS; i++) {
        tree_document(&m);
        tree_judge(&m);
        wrong += m.wrong ? 1 : 0;
    }
    /* Neither verdict is rare. */
    assert_true(wrong > TREE_DOCUMENTS / 4 && wrong < TREE_DOCUMENTS * 3 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
