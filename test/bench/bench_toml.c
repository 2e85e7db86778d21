/* SPDX-License-Identifier: Apache-2.0
 *
 * config/'s reader of TOML on a knot.toml of 1 MiB, against toml++ in the same process
 * where that can be built, and on documents that are meant to hurt. Rounds of both
 * sides alternate, as in bench_resp; the median of each side is shown, and the ratio is
 * the median of the rounds' own ratios. The peer's time has its tree's release in it,
 * as reef's has that of its table of names.
 *
 * Memory is counted, not guessed: the library's calls of malloc and its kin come
 * through here. Targets of speed are printed, not enforced: a bench is not a timed
 * test. Those of memory are exact, so over target is a failure.
 *
 *   bench_toml [--json]
 *   bench_toml --only CASE --count N [--peer]   one case, on 128 KiB, for an
 * instruction counter */
#include "config/config.h"
#include "config/toml.h"
#include "test/bench/rounds.h"
#include "test/bench/toml_docs.h"

#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BENCH_TOML_SIZE = 1 << 20,
    BENCH_TOML_SMALL = 1 << 17,
    BENCH_TOML_ROUNDS = 21,
    BENCH_TOML_READS = 8, /* of reef in a round, about what the peer needs for one */
    BENCH_TOML_HARD_ROUNDS = 7,
    BENCH_TOML_TARGET = 150, /* MB/s */
    BENCH_TOML_HEAP = 50,    /* percent of the text */
    BENCH_TOML_PEER_S = 60   /* a case of the peer's at most */
};

typedef enum bench_side { BENCH_READER, BENCH_CONFIG, BENCH_REPORT } bench_side;

static const char *const bench_sides[] = {"reader", "config", "report"};

static void bench_die(const char *why)
{
    fprintf(stderr, "bench_toml: %s\n", why);
    exit(1);
}

/* ---- memory ------------------------------------------------------------------- */

static struct {
    size_t calls, live, peak;
} bench_heap;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static void *bench_gain(void *block)
{
    bench_heap.calls++;
    bench_heap.live += malloc_usable_size(block);
    if (bench_heap.peak < bench_heap.live)
        bench_heap.peak = bench_heap.live;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return bench_gain(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return bench_gain(__real_calloc(count, size));
}

/* A block that moves is there twice for a moment, but for those so large that the
 * system moves their pages. */
void *__wrap_realloc(void *block, size_t size)
{
    size_t old = malloc_usable_size(block);
    void *grown = __real_realloc(block, size);
    if (grown == NULL)
        return NULL;
    if (grown == block || old >= 131072)
        bench_heap.live -= old;
    bench_gain(grown);
    if (grown != block && old < 131072)
        bench_heap.live -= old;
    return grown;
}

void __wrap_free(void *block)
{
    bench_heap.live -= malloc_usable_size(block);
    __real_free(block);
}

/* ---- the two sides ------------------------------------------------------------ */

static reef_code bench_read(reef_str text, bool report)
{
    static reef_config config;
    static reef_report findings;
    reef_error error;
    reef_config_init(&config);
    memset(&findings, 0, sizeof findings);
    return reef_config_parse(&config, NULL, text, report ? &findings : NULL, &error);
}

static void bench_reef(bench_side side, const toml_doc *doc)
{
    static reef_toml reader;
    reef_toml_event event;
    reef_str text = {doc->ptr, doc->len};
    if (side != BENCH_READER) {
        if (bench_read(text, side == BENCH_REPORT) != REEF_OK)
            bench_die("reef refuses the document");
        return;
    }
    reef_toml_init(&reader, text, NULL);
    while (reef_toml_next(&reader, &event) > REEF_TOML_BAD)
        continue;
    if (event.kind == REEF_TOML_BAD)
        bench_die("reef refuses the document");
    reef_toml_free(&reader);
}

/* toml_peer.cc, when it was built; all NULL when not. */
static struct {
    const char *(*name)(void);
    void *(*parse)(const char *text, size_t len);
    void (*release)(void *tree);
} bench_peer;

/* ISO C knows no way from a data pointer to a function's; POSIX promises this one. */
static void bench_symbol(void *object, const char *name, void *function)
{
    void *found = dlsym(object, name);
    if (found == NULL)
        bench_die("the peer lacks a function");
    memcpy(function, &found, sizeof found);
}

/* It lies beside the program. */
static void bench_open_peer(const char *program)
{
    char path[4096];
    const char *slash = strrchr(program, '/');
    int folder = slash == NULL ? 0 : (int)(slash - program + 1);
    snprintf(path, sizeof path, "%.*s%s", folder == 0 ? 2 : folder,
             folder == 0 ? "./" : program, "toml_peer.so");
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return;
    bench_symbol(object, "toml_peer_name", &bench_peer.name);
    bench_symbol(object, "toml_peer_parse", &bench_peer.parse);
    bench_symbol(object, "toml_peer_free", &bench_peer.release);
}

static bool bench_parse_peer(const toml_doc *doc)
{
    void *tree = bench_peer.parse(doc->ptr, doc->len);
    if (tree != NULL)
        bench_peer.release(tree);
    return tree != NULL;
}

/* ---- rounds ------------------------------------------------------------------- */

typedef struct bench_result {
    double reef_ns, peer_ns, ratio;
    size_t calls, peak, held; /* of reef; what the peer's tree takes */
} bench_result;

/* ns of one read. */
static double bench_time(bench_side side, const toml_doc *doc, bool peer)
{
    size_t reads = peer ? 1 : BENCH_TOML_READS;
    double begin = rounds_now();
    for (size_t i = 0; i < reads; i++) {
        if (!peer)
            bench_reef(side, doc);
        else if (!bench_parse_peer(doc))
            bench_die("the peer refuses the document");
    }
    return (rounds_now() - begin) / (double)reads;
}

static size_t bench_held(const toml_doc *doc)
{
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    void *tree = bench_peer.parse(doc->ptr, doc->len);
    size_t held = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    if (tree != NULL)
        bench_peer.release(tree);
    return held;
}

static bench_result bench_run(bench_side side, const toml_doc *doc)
{
    double reef[BENCH_TOML_ROUNDS], peer[BENCH_TOML_ROUNDS], ratio[BENCH_TOML_ROUNDS];
    bench_result result = {0};
    memset(&bench_heap, 0, sizeof bench_heap);
    bench_reef(side, doc);
    result.calls = bench_heap.calls;
    result.peak = bench_heap.peak;
    for (size_t i = 0; i < BENCH_TOML_ROUNDS; i++) {
        reef[i] = bench_time(side, doc, false);
        peer[i] = bench_peer.parse == NULL ? 0 : bench_time(side, doc, true);
        ratio[i] = peer[i] / reef[i];
    }
    result.reef_ns = rounds_median(reef, BENCH_TOML_ROUNDS);
    result.peer_ns = rounds_median(peer, BENCH_TOML_ROUNDS);
    result.ratio = rounds_median(ratio, BENCH_TOML_ROUNDS);
    if (bench_peer.parse != NULL)
        result.held = bench_held(doc);
    return result;
}

static double bench_rate(const toml_doc *doc, double ns)
{
    return ns > 0 ? (double)doc->len * 1e3 / ns : 0;
}

/* Memory over target is no matter of the machine's mood. */
static void bench_row(bench_side side, const toml_doc *doc, bool json)
{
    bench_result r = bench_run(side, doc);
    double size = (double)doc->len, rate = bench_rate(doc, r.reef_ns);
    double heap = 100 * (double)r.peak / size;
    char peer[48] = "            -         -         -";
    if (r.peer_ns > 0)
        snprintf(peer, sizeof peer, "%13.1f %8.1fx %8.0f%%", bench_rate(doc, r.peer_ns),
                 r.ratio, 100 * (double)r.held / size);
    if (json)
        printf("  {\"case\":\"%s\",\"reef_mb_s\":%.1f,\"peer_mb_s\":%.1f,"
               "\"ratio\":%.2f,\"target_mb_s\":%d,\"heap_percent\":%.1f,"
               "\"allocations\":%zu,\"peer_heap_percent\":%.1f},\n",
               bench_sides[side], rate, bench_rate(doc, r.peer_ns), r.ratio,
               BENCH_TOML_TARGET, heap, r.calls, 100 * (double)r.held / size);
    else
        printf("%-10s %8.1f %8d %8.1f%% %12zu %s\n", bench_sides[side], rate,
               BENCH_TOML_TARGET, heap, r.calls, peer);
    if (heap > BENCH_TOML_HEAP)
        bench_die("the heap is over its target");
}

/* ---- documents that are meant to hurt ----------------------------------------- */

typedef struct bench_hard {
    const char *name;
    void (*make)(toml_doc *, size_t count);
    size_t count;
    double target; /* ms; 0: none was set */
    bool valid;
} bench_hard;

static const bench_hard bench_hards[] = {
    {"70,000 keys", toml_doc_keys, 70000, 20, true},
    {"60,000 tables", toml_doc_tables, 60000, 0, true},
    {"60,000 [[t]]", toml_doc_elements, 60000, 0, true},
    {"a key of 300,000 parts", toml_doc_parts, 300000, 0, true},
    {"200,000 brackets", toml_doc_brackets, 200000, 0, false},
    {"a line of 16 MiB, a list", toml_doc_array, 16777216, 0, true},
    {"a line of 16 MiB, a text", toml_doc_text, 16777216, 0, true},
};

enum { BENCH_HARDS = sizeof bench_hards / sizeof bench_hards[0] };

static void bench_make(const bench_hard *hard, toml_doc *doc, size_t count)
{
    hard->make(doc, count);
    if (doc->failed)
        bench_die("out of memory");
}

/* Median ms of a document with the full count, and how much more that is than of one
 * with half of it: about 2, or the time does not grow with the text alone. */
static double bench_hurt(const bench_hard *hard, double *growth)
{
    double whole[BENCH_TOML_HARD_ROUNDS], ratio[BENCH_TOML_HARD_ROUNDS];
    toml_doc docs[2] = {{0}, {0}};
    bench_make(hard, &docs[0], hard->count / 2);
    bench_make(hard, &docs[1], hard->count);
    for (size_t i = 0; i < BENCH_TOML_HARD_ROUNDS; i++) {
        double times[2];
        for (size_t k = 0; k < 2; k++) {
            double begin = rounds_now();
            reef_code code = bench_read((reef_str){docs[k].ptr, docs[k].len}, true);
            if (hard->valid != (code == REEF_OK))
                bench_die(hard->name);
            times[k] = (rounds_now() - begin) / 1e6;
        }
        whole[i] = times[1];
        ratio[i] = times[1] / times[0];
    }
    free(docs[0].ptr);
    free(docs[1].ptr);
    *growth = rounds_median(ratio, BENCH_TOML_HARD_ROUNDS);
    return rounds_median(whole, BENCH_TOML_HARD_ROUNDS);
}

/* The peer once, in a process that may die of it: its ms, or why there are none. */
static void bench_hurt_peer(const bench_hard *hard, char out[24])
{
    int ends[2], status = 0;
    double ms = -1;
    snprintf(out, 24, "-");
    if (bench_peer.parse == NULL || pipe(ends) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        toml_doc doc = {0};
        alarm(BENCH_TOML_PEER_S);
        bench_make(hard, &doc, hard->count);
        double begin = rounds_now();
        bench_parse_peer(&doc);
        ms = (rounds_now() - begin) / 1e6;
        _exit(write(ends[1], &ms, sizeof ms) == (ssize_t)sizeof ms ? 0 : 1);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &ms, sizeof ms) != (ssize_t)sizeof ms)
        ms = -1;
    close(ends[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    if (ms >= 0)
        snprintf(out, 24, "%.1f", ms);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(out, 24, "over %d s", BENCH_TOML_PEER_S);
    else
        snprintf(out, 24, "it crashes");
}

static void bench_hard_row(const bench_hard *hard, bool json, bool last)
{
    double growth, ms = bench_hurt(hard, &growth);
    char target[ROUNDS_CELL], peer[24];
    bench_hurt_peer(hard, peer);
    rounds_cell(target, hard->target);
    if (json)
        printf("  {\"case\":\"%s\",\"reef_ms\":%.2f,\"growth\":%.2f,\"target_ms\":%.0f,"
               "\"peer_ms\":\"%s\"}%s\n",
               hard->name, ms, growth, hard->target, peer, last ? "" : ",");
    else
        printf("%-26s %8.1f %8s %10.2fx %12s  %s\n", hard->name, ms, target, growth,
               peer, hard->valid ? "read" : "refused");
}

/* ---- all of it ---------------------------------------------------------------- */

static void bench_head(const toml_doc *doc)
{
    size_t lines = 0;
    for (size_t i = 0; i < doc->len; i++)
        lines += doc->ptr[i] == '\n' ? 1 : 0;
    printf(
        "toml: a knot.toml of %zu KiB, %zu lines of %.1f bytes; medians of %d rounds; "
        "the peer is %s\n",
        doc->len / 1024, lines, (double)doc->len / (double)lines, BENCH_TOML_ROUNDS,
        bench_peer.name == NULL ? "not built" : bench_peer.name());
    printf("%-10s %8s %8s %9s %12s %13s %9s %9s\n", "case", "MB/s", "target", "heap",
           "allocations", "peer's MB/s", "ratio", "its heap");
}

static void bench_all(bool json)
{
    toml_doc doc = {0};
    toml_doc_knot(&doc, BENCH_TOML_SIZE);
    if (doc.failed)
        bench_die("out of memory");
    if (json)
        printf("[\n");
    else
        bench_head(&doc);
    for (int side = BENCH_READER; side <= BENCH_REPORT; side++)
        bench_row((bench_side)side, &doc, json);
    free(doc.ptr);
    if (!json)
        printf("target of heap: at most %d%% of the text\n%-26s %8s %8s %11s %12s\n",
               BENCH_TOML_HEAP, "meant to hurt", "ms", "target", "for twice",
               "peer's ms");
    for (size_t i = 0; i < BENCH_HARDS; i++)
        bench_hard_row(&bench_hards[i], json, i + 1 == BENCH_HARDS);
    if (json)
        puts("]");
}

static bench_side bench_find(const char *name)
{
    for (int side = BENCH_READER; side <= BENCH_REPORT; side++)
        if (strcmp(bench_sides[side], name) == 0)
            return (bench_side)side;
    bench_die("no such case");
    return BENCH_READER;
}

static void bench_only(bench_side side, size_t count, bool peer)
{
    toml_doc doc = {0};
    toml_doc_knot(&doc, BENCH_TOML_SMALL);
    if (doc.failed || (peer && bench_peer.parse == NULL))
        bench_die("no document, or no peer");
    for (size_t i = 0; i < count; i++) {
        if (!peer)
            bench_reef(side, &doc);
        else if (!bench_parse_peer(&doc))
            bench_die("the peer refuses the document");
    }
    free(doc.ptr);
}

int main(int argc, char **argv)
{
    bool json = false, only = false, peer = false;
    bench_side side = BENCH_READER;
    size_t count = 1;
    bench_open_peer(argv[0]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--peer") == 0) {
            peer = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            side = bench_find(argv[++i]);
            only = true;
        } else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
            count = (size_t)strtoul(argv[++i], NULL, 10);
        } else {
            bench_die("usage: bench_toml [--json] [--only CASE --count N [--peer]]");
        }
    }
    if (only)
        bench_only(side, count, peer);
    else
        bench_all(json);
    return 0;
}
