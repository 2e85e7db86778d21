/* SPDX-License-Identifier: Apache-2.0
 *
 * resp/ against hiredis in one process: parsing owned replies from memory in feeds of
 * 16 KiB, and encoding SET. Rounds of both sides alternate, so that what the machine
 * does meanwhile hits both; the median of each side is shown, and the ratio is the
 * median of the rounds' own ratios, which holds when the machine's speed drifts.
 * Targets are printed, not enforced: a bench is not a timed test.
 *
 *   bench_resp [--json]
 *   bench_resp --only CASE --count N [--peer]   one case, for an instruction
 * counter */
#include "resp/resp.h"

#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_FEED = 16384, BENCH_ROUNDS = 41, BENCH_STREAM = 1 << 20 };

typedef struct bench_case {
    const char *name;
    const char *unit; /* what one operation is */
    const char *head; /* a reply is the head, then `items` times the item */
    const char *item;
    size_t items;
    size_t fill;   /* bytes of "x" and a CR LF behind each item; 0: none */
    size_t count;  /* operations of a round */
    double target; /* times hiredis; 0: none was set */
    bool freed;    /* reef's replies are freed, one by one, not recycled */
} bench_case;

static const bench_case bench_cases[] = {
    {"ok", "reply", "", "+OK\r\n", 1, 0, 100000, 4, false},
    {"int", "reply", "", ":123\r\n", 1, 0, 100000, 4, false},
    {"bulk16", "reply", "", "$16\r\n", 1, 16, 100000, 4, false},
    {"bulk1k", "reply", "", "$1024\r\n", 1, 1024, 50000, 0, false},
    {"bulk1m", "reply", "", "$1048576\r\n", 1, 1048576, 100, 0, false},
    {"array100", "reply", "*100\r\n", "$32\r\n", 100, 32, 1000, 8, false},
    {"million", "reply", "*1000000\r\n", "$8\r\n", 1000000, 8, 1, 0, false},
    {"ok-free", "reply", "", "+OK\r\n", 1, 0, 100000, 0, true},
    {"int-free", "reply", "", ":123\r\n", 1, 0, 100000, 0, true},
    {"bulk16-free", "reply", "", "$16\r\n", 1, 16, 100000, 0, true},
    {"set", "command", NULL, NULL, 0, 0, 200000, 8, false},
};

enum { BENCH_CASES = sizeof bench_cases / sizeof bench_cases[0] };

static void bench_die(const char *why)
{
    fprintf(stderr, "bench_resp: %s\n", why);
    exit(1);
}

static double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Whole replies, about BENCH_STREAM bytes of them; `*replies` says how many. */
static char *bench_stream(const bench_case *c, size_t *len, size_t *replies)
{
    size_t item = strlen(c->item) + (c->fill > 0 ? c->fill + 2 : 0);
    size_t reply = strlen(c->head) + c->items * item;
    *replies = reply > BENCH_STREAM ? 1 : BENCH_STREAM / reply;
    *len = *replies * reply;
    char *bytes = malloc(*len);
    if (bytes == NULL) {
        bench_die("out of memory");
    }
    char *at = bytes;
    for (size_t i = 0; i < *replies * c->items; i++) {
        const char *head = i % c->items == 0 ? c->head : "";
        memcpy(at, head, strlen(head));
        at += strlen(head);
        memcpy(at, c->item, strlen(c->item));
        at += strlen(c->item);
        if (c->fill > 0) {
            memset(at, 'x', c->fill);
            memcpy(at + c->fill, "\r\n", 2);
            at += c->fill + 2;
        }
    }
    return bytes;
}

/* ---- the two sides ------------------------------------------------------------ */

static size_t bench_drain_reef(reef_parser *p, bool freed)
{
    size_t found = 0;
    while (reef_parser_next(p) == REEF_PARSE_REPLY) {
        reef_reply *reply = reef_parser_take(p);
        if (reply == NULL) {
            bench_die("no reply");
        }
        if (freed) {
            reef_reply_free(reply);
        } else {
            reef_parser_recycle(p, reply);
        }
        found++;
    }
    return found;
}

static size_t bench_drain_peer(redisReader *reader)
{
    size_t found = 0;
    void *reply = NULL;
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        freeReplyObject(reply);
        found++;
    }
    return found;
}

static void bench_parse_reef(const char *bytes, size_t len, size_t count, bool freed)
{
    reef_parser *p = reef_parser_new(NULL, 3);
    if (p == NULL) {
        bench_die("out of memory");
    }
    for (size_t found = 0; found < count;) {
        for (size_t at = 0; at < len && found < count; at += BENCH_FEED) {
            size_t feed = len - at < BENCH_FEED ? len - at : BENCH_FEED;
            if (reef_parser_feed(p, (reef_str){bytes + at, feed}) != REEF_OK) {
                bench_die("out of memory");
            }
            found += bench_drain_reef(p, freed);
        }
    }
    reef_parser_free(p);
}

/* Memory that one reply holds. */
static size_t bench_held(const char *bytes, size_t len)
{
    reef_parser *p = reef_parser_new(NULL, 3);
    reef_reply *reply = NULL;
    for (size_t at = 0; p != NULL && at < len && reply == NULL; at += BENCH_FEED) {
        size_t feed = len - at < BENCH_FEED ? len - at : BENCH_FEED;
        if (reef_parser_feed(p, (reef_str){bytes + at, feed}) == REEF_OK &&
            reef_parser_next(p) == REEF_PARSE_REPLY) {
            reply = reef_parser_take(p);
        }
    }
    if (reply == NULL) {
        bench_die("no reply");
    }
    size_t held = reef_reply_size(reply);
    reef_reply_free(reply);
    reef_parser_free(p);
    return held;
}

static void bench_parse_peer(const char *bytes, size_t len, size_t count)
{
    redisReader *reader = redisReaderCreate();
    if (reader == NULL) {
        bench_die("out of memory");
    }
    for (size_t found = 0; found < count;) {
        for (size_t at = 0; at < len && found < count; at += BENCH_FEED) {
            size_t feed = len - at < BENCH_FEED ? len - at : BENCH_FEED;
            redisReaderFeed(reader, bytes + at, feed);
            found += bench_drain_peer(reader);
        }
    }
    redisReaderFree(reader);
}

static const char bench_key[] = "session:01234567";
static const char bench_value[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void bench_encode_reef(size_t count)
{
    reef_cmd *cmd = reef_cmd_new();
    size_t sum = 0;
    if (cmd == NULL) {
        bench_die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        reef_cmd_begin_str(cmd, (reef_str){"SET", 3});
        reef_cmd_key(cmd, (reef_str){bench_key, 16});
        reef_cmd_arg(cmd, (reef_str){bench_value, 64});
        sum += reef_cmd_wire(cmd).len;
    }
    if (sum != count * 107) {
        bench_die("wrong encoding");
    }
    reef_cmd_free(cmd);
}

/* A context without a connection: commands are appended to its buffer, which is
 * emptied now and then, as sending would, but kept: kinder than what hiredis does. */
static void bench_encode_peer(size_t count)
{
    const char *args[] = {"SET", bench_key, bench_value};
    const size_t lens[] = {3, 16, 64};
    redisContext *context = redisConnectUnix("/nonexistent");
    if (context == NULL || context->obuf == NULL) {
        bench_die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (redisAppendCommandArgv(context, 3, args, lens) != REDIS_OK) {
            bench_die("hiredis can't append");
        }
        if (i % 128 == 127) {
            sdsclear(context->obuf);
        }
    }
    redisFree(context);
}

/* ---- rounds ------------------------------------------------------------------- */

typedef struct bench_result {
    double reef_ns; /* an operation */
    double ratio;
    double peer_ns;
    double wire; /* bytes of a reply, and of memory it holds */
    double held;
} bench_result;

static double bench_time(const bench_case *c, const char *bytes, size_t len, bool peer,
                         size_t count)
{
    double begin = bench_now();
    if (c->item == NULL && peer) {
        bench_encode_peer(count);
    } else if (c->item == NULL) {
        bench_encode_reef(count);
    } else if (peer) {
        bench_parse_peer(bytes, len, count);
    } else {
        bench_parse_reef(bytes, len, count, c->freed);
    }
    return (bench_now() - begin) / (double)count;
}

static int bench_order(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static double bench_median(double *times)
{
    qsort(times, BENCH_ROUNDS, sizeof times[0], bench_order);
    return times[BENCH_ROUNDS / 2];
}

static bench_result bench_run(const bench_case *c)
{
    double reef[BENCH_ROUNDS];
    double peer[BENCH_ROUNDS];
    double ratio[BENCH_ROUNDS];
    size_t len = 0;
    size_t replies = 1;
    char *bytes = c->item == NULL ? NULL : bench_stream(c, &len, &replies);
    size_t held = bytes == NULL ? 0 : bench_held(bytes, len);
    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        /* Another place in memory for each round: where a buffer happens to lie,
         * against what is copied into it, can cost either side a third. */
        void *pad = malloc(64 * (1 + i * 29 % 61));
        reef[i] = bench_time(c, bytes, len, false, c->count);
        peer[i] = bench_time(c, bytes, len, true, c->count);
        ratio[i] = peer[i] / reef[i];
        free(pad);
    }
    free(bytes);
    return (bench_result){bench_median(reef), bench_median(ratio), bench_median(peer),
                          (double)(len / replies), (double)held};
}

static void bench_row(const bench_case *c, const bench_result *r, bool json, bool last)
{
    double held = r->wire > 0 ? r->held / r->wire : 0;
    if (json) {
        printf("  {\"case\":\"%s\",\"reef_ns\":%.1f,\"hiredis_ns\":%.1f,\"ratio\":%.2f,"
               "\"target\":%.0f,\"memory_per_wire\":%.2f}%s\n",
               c->name, r->reef_ns, r->peer_ns, r->ratio, c->target, held,
               last ? "" : ",");
        return;
    }
    char target[16] = "-";
    char memory[16] = "-";
    if (c->target > 0) {
        snprintf(target, sizeof target, "%.0fx", c->target);
    }
    if (r->wire >= BENCH_FEED) {
        snprintf(memory, sizeof memory, "%.2f", held);
    }
    printf("%-10s %14.1f %14.1f %9.1fx %8s %14s  %s\n", c->name, r->reef_ns, r->peer_ns,
           r->ratio, target, memory, c->unit);
}

/* A process of its own: a heap that an earlier case has stretched favours one side. */
static void bench_apart(const bench_case *c, bool json, bool last)
{
    fflush(stdout);
    pid_t child = fork();
    int status = 1;
    if (child == 0) {
        bench_result result = bench_run(c);
        bench_row(c, &result, json, last);
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        bench_die("a case could not be measured");
    }
}

static void bench_all(bool json)
{
    if (json) {
        printf("[\n");
    } else {
        printf("resp: owned replies in feeds of 16 KiB, and encoding; ns an operation, "
               "medians of %d rounds\n",
               BENCH_ROUNDS);
        printf("%-10s %14s %14s %10s %8s %14s\n", "case", "reef", "hiredis", "ratio",
               "target", "memory/wire");
    }
    for (size_t i = 0; i < BENCH_CASES; i++) {
        bench_apart(&bench_cases[i], json, i + 1 == BENCH_CASES);
    }
    puts(json ? "]" : "target of memory/wire for a million strings: at most 2.5");
}

static const bench_case *bench_find(const char *name)
{
    for (size_t i = 0; i < BENCH_CASES; i++) {
        if (strcmp(bench_cases[i].name, name) == 0) {
            return &bench_cases[i];
        }
    }
    bench_die("no such case");
    return NULL;
}

static size_t bench_number(const char *text)
{
    size_t n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (size_t)(*text - '0');
    }
    return n;
}

int main(int argc, char **argv)
{
    const bench_case *only = NULL;
    size_t count = 0;
    bool json = false;
    bool peer = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--peer") == 0) {
            peer = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = bench_find(argv[++i]);
        } else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
            count = bench_number(argv[++i]);
        } else {
            bench_die("usage: bench_resp [--json] [--only CASE --count N [--peer]]");
        }
    }
    if (only == NULL) {
        bench_all(json);
        return 0;
    }
    size_t len = 0;
    size_t replies = 1;
    char *bytes = only->item == NULL ? NULL : bench_stream(only, &len, &replies);
    bench_time(only, bytes, len, peer, count > 0 ? count : only->count);
    free(bytes);
    return 0;
}
