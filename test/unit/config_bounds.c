/* SPDX-License-Identifier: Apache-2.0
 *
 * What reading a text takes and no more: memory for its names, a stack of one size
 * whatever is in it; and each limit of the reader at n and n+1. */
#include "config_hostile.h"
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>

/* ---- memory, counted ---------------------------------------------------------- */

static size_t memory_now, memory_peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static void *memory_counted(void *block)
{
    if (block != NULL)
        memory_now += malloc_usable_size(block);
    if (memory_now > memory_peak)
        memory_peak = memory_now;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return memory_counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    size_t old = block != NULL ? malloc_usable_size(block) : 0;
    void *grown = __real_realloc(block, size);
    if (grown != NULL)
        memory_now -= old;
    return memory_counted(grown);
}

void __wrap_free(void *block)
{
    if (block != NULL)
        memory_now -= malloc_usable_size(block);
    __real_free(block);
}

/* ---- memory ------------------------------------------------------------------- */

enum { MEMORY_ROUNDED = 8192 }; /* what an allocator adds to a large block */

/* The most that reading took, beside the text. */
static size_t memory_of(reef_str text, worker work)
{
    size_t before = memory_peak = memory_now;
    assert_int_equal(work(text), REEF_OK);
    assert_int_equal(memory_now, before);
    return memory_peak - before;
}

static void test_memory_of_a_file(void **state)
{
    (void)state;
    static const pattern knot = {
        "[server]\nlisten = \"0.0.0.0:3000\"\n[server.redis]\nenabled = true\n",
        "\n[template.t@]\n"
        "  name = \"a workspace of a person\"\n"
        "  image = 'images.example.org/desk:24.04'\n"
        "  # what it may use\n"
        "  memory = 4_096\n"
        "  cpus = 2.5\n"
        "  shells = [\"bash\", \"zsh\"]\n"
        "  limits = {files = 1024, since = 2026-01-31}\n",
        "", 4700};
    reef_str text = pattern_text(&knot, knot.count);
    assert_true(text.len > MIB - MIB / 20 && text.len < MIB + MIB / 20);
    assert_true(memory_of(text, work_reader) <= text.len / 2 + MEMORY_ROUNDED);
    assert_true(memory_of(text, work_config) <= text.len / 2 + MEMORY_ROUNDED);
    help_free(text);
}

/* Names at most: one for each part of a key or header, and one for each header. */
static size_t names_of(reef_str text)
{
    reef_toml reader;
    reef_toml_event event;
    size_t count = 0;
    reef_toml_init(&reader, text, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        count += event.kind <= REEF_TOML_KEY ? 1 : 0;
    assert_int_equal(event.kind, REEF_TOML_END);
    reef_toml_free(&reader);
    return count;
}

/* At most `bytes` for each name, or a third of the text. */
static void assert_memory(const pattern *p, size_t bytes)
{
    reef_str text = pattern_text(p, p->count);
    size_t most = names_of(text) * bytes, third = text.len / 3;
    most = (most > third ? most : third) + MEMORY_ROUNDED;
    assert_true(memory_of(text, work_reader) <= most);
    assert_true(memory_of(text, work_config) <= most);
    help_free(text);
}

/* However little text there is for a name, eight bytes and as much again for what is
 * free; and twice that where all names stand at the start of the text, so that more of
 * them were looked for. */
static void test_memory_of_names(void **state)
{
    (void)state;
    static const pattern texts[] = {
        {"", "[[t]]\na=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\nh=1\ni=1\n", "", 20000},
        {"a=[", "{a=1,b=1,c=1,d=1,e=1,f=1},", "]", 40000},
        {"", "a.", "a=1", 500000},
        {"", "''.", "''=1", 300000},
        {"", "[t@]\n", "", 100000},
        {"", "[a.a.a.a.a.a.a.a.b@]\n[a.a.a.a.a.a.a.a.b@.c]\n", "", 50000},
        {"a='", "x", "'", MIB},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_memory(&texts[i], 16);
    char *comment = malloc(MIB);
    assert_non_null(comment);
    memset(comment, '#', MIB);
    comment[MIB - 1] = 0;
    const pattern early = {"", "k@=1\n", comment, 60000};
    assert_memory(&early, 32);
    free(comment);
}

/* ---- stack -------------------------------------------------------------------- */

enum { STACK_SIZE = 2 * MIB, STACK_PAINT = 0xA5 }; /* sanitizers need some of it */

typedef struct stack_job {
    worker work;
    reef_str text;
    reef_code code;
} stack_job;

static void *stack_run(void *job)
{
    stack_job *j = job;
    if (j->work != NULL)
        j->code = j->work(j->text);
    return NULL;
}

/* Bytes of a thread's stack that were written when the job was done. */
static size_t stack_used(worker work, reef_str text, reef_code expected)
{
    stack_job job = {work, text, expected};
    pthread_t thread;
    pthread_attr_t attributes;
    unsigned char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(stack != MAP_FAILED);
    memset(stack, STACK_PAINT, STACK_SIZE);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attributes, stack_run, &job), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    assert_int_equal(job.code, expected);
    size_t untouched = 0;
    while (untouched < STACK_SIZE && stack[untouched] == STACK_PAINT)
        untouched++;
    munmap(stack, STACK_SIZE);
    return STACK_SIZE - untouched;
}

/* The stack does not depend on the text. */
static void test_stack(void **state)
{
    (void)state;
    static const struct {
        reef_code code;
        pattern text;
    } cases[] = {{REEF_BADCONFIG, {"a=", "[", "", 200000}},
                 {REEF_BADCONFIG, {"server.redis.hosts=", "[", "", 200000}},
                 {REEF_BADCONFIG, {"", "a={", "", 200000}},
                 {REEF_OK, {"", "a.", "a=1", 300000}},
                 {REEF_OK, {"", "k@=1\n", "", 70000}},
                 {REEF_BADCONFIG, {"server.redis.hosts=[", "1,", "]", 300000}},
                 {REEF_OK, {"server.redis={", "db@=1,", "}", 30000}}};
    reef_str none = {"", 0};
    size_t thread = stack_used(NULL, none, REEF_OK);
    size_t reader = stack_used(work_reader, none, REEF_OK) - thread;
    size_t config = stack_used(work_config, none, REEF_OK) - thread;
    size_t deepest = config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reef_str text = pattern_text(&cases[i].text, cases[i].text.count);
        size_t used = stack_used(work_config, text, cases[i].code) - thread;
        deepest = used > deepest ? used : deepest;
        help_free(text);
    }
    assert_true(reader < (size_t)16 * 1024);
    assert_true(deepest < (size_t)64 * 1024);
}

/* ---- limits ------------------------------------------------------------------- */

/* Where a text is refused for a limit; its length: it is read. */
static size_t limit_at(reef_str text, const reef_toml_limits *limits)
{
    reef_toml reader;
    reef_toml_mark mark = {.at = text.len};
    reef_str found;
    if (read_through(&reader, text, limits) == REEF_TOML_BAD) {
        assert_int_equal(reef_toml_code(&reader), REEF_LIMIT);
        reef_toml_why(&reader, &mark, &found);
    }
    reef_toml_free(&reader);
    return mark.at;
}

static void test_limit_of_text(void **state)
{
    (void)state;
    static const reef_toml_limits limits = {.text = 5};
    assert_int_equal(limit_at(reef_str_of("a=123"), &limits), 5);
    assert_int_equal(limit_at(reef_str_of("a=1234"), &limits), 0);
    /* The widest, on pages that are never touched: it begins with a NUL. */
    size_t most = REEF_NAMES_TEXT;
    void *map = mmap(NULL, most + 1, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(work_reader((reef_str){map, most}), REEF_BADCONFIG);
    assert_int_equal(work_reader((reef_str){map, most + 1}), REEF_LIMIT);
    munmap(map, most + 1);
}

static void test_limit_of_depth(void **state)
{
    (void)state;
    static const pattern opened[] = {
        {"a=", "[", "", 0}, {"a=", "{a=", "", 0}, {"a=", "[{a=1,b=", "", 0}};
    static const size_t brackets[] = {1, 1, 2};
    static const uint32_t depths[] = {2, 4, 128, 1024};
    for (size_t i = 0; i < 3; i++) {
        for (size_t d = 0; d < 4; d++) {
            pattern closing[] = {{"", "]", "", depths[d]},
                                 {"1", "}", "", depths[d]},
                                 {"1", "}]", "", depths[d] / 2}};
            reef_str front = pattern_text(&opened[i], depths[d] / brackets[i]);
            reef_str back = pattern_text(&closing[i], closing[i].count);
            char *text = malloc(front.len + back.len + 1);
            assert_non_null(text);
            memcpy(text, front.ptr, front.len);
            memcpy(text + front.len, back.ptr, back.len);
            reef_toml_limits limits = {.depth = depths[d]};
            size_t len = front.len + back.len;
            /* An array or a table more at the innermost place is one too many. */
            assert_int_equal(limit_at((reef_str){text, len}, &limits), len);
            text[front.len] = '[';
            assert_int_equal(limit_at((reef_str){text, len}, &limits), front.len);
            text[front.len] = '{';
            assert_int_equal(limit_at((reef_str){text, len}, &limits), front.len);
            free(text);
            help_free(front);
            help_free(back);
        }
    }
    pattern far = {"a=", "[", "", 200000};
    reef_str text = pattern_text(&far, far.count);
    assert_int_equal(limit_at(text, NULL), 2 + REEF_TOML_DEPTH);
    help_free(text);
}

static void test_limit_of_names(void **state)
{
    (void)state;
    static const reef_toml_limits limits = {.names = 3};
    static const struct {
        const char *text;
        size_t at; /* of the name that is too many */
    } cases[] = {{"a=1\nb=2\nc=3\n", 12},
                 {"a=1\nb=2\nc=3\nd=4\n", 12},
                 {"a.b.c=1\n", 8},
                 {"a.b.c.d=1\n", 6},
                 {"[a]\nb=1\nc=1\n", 12},
                 {"[a]\nb=1\nc=1\nd=1\n", 12},
                 {"a={b=1,c=2}\n", 12},
                 {"a={b=1,c=2,d=3}\n", 11},
                 {"[[a]]\nb=1\n[[a]]\nb=1\n", 20},
                 {"a.b=1\na.c=1\n", 12}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(limit_at(reef_str_of(cases[i].text), &limits), cases[i].at);
}

/* The limits of a knot.toml, where the reader's would be wider. */
static void test_limits_of_file(void **state)
{
    (void)state;
    static const pattern texts[][2] = {
        {{"", "\n", "", REEF_FILE_MAX}, {"", "\n", "", REEF_FILE_MAX + 1}},
        {{"", "a.", "a=1", REEF_KEYS_MAX - 1}, {"", "a.", "a=1", REEF_KEYS_MAX}},
        {{"a=[", "{a=1},", "]", REEF_KEYS_MAX - 1},
         {"a=[", "{a=1},", "]", REEF_KEYS_MAX}},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t more = 0; more < 2; more++) {
            reef_str text = pattern_text(&texts[i][more], texts[i][more].count);
            assert_int_equal(work_config(text), more == 0 ? REEF_OK : REEF_BADCONFIG);
            help_free(text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_of_a_file),
        cmocka_unit_test(test_memory_of_names),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_limit_of_text),
        cmocka_unit_test(test_limit_of_depth),
        cmocka_unit_test(test_limit_of_names),
        cmocka_unit_test(test_limits_of_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
