/* SPDX-License-Identifier: Apache-2.0
 *
 * net/'s reader of DNS answers, against libc's ns_parserr and dn_expand and against
 * c-ares where its library is found; and on the longest messages that are meant to
 * hurt. All sides read the same bytes in rounds that alternate; the ratio is the median
 * of the rounds' own ratios. reef and libc read SRV records, their targets and the
 * glue, c-ares SRV records alone; only reef asks whose a record is.
 *
 * Targets of speed are printed, not enforced: a bench is not a timed test. That nothing
 * is allocated is exact, so a call of malloc is a failure. So is a wrong result.
 *
 *   bench_dns [--json]
 *   bench_dns --only CASE --count N [--peer]   one case, for an instruction counter;
 * the peer is libc */
#include "net/dns.h"
#include "test/bench/dns_messages.h"
#include "test/bench/dns_peers.h"
#include "test/bench/rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_DNS_ROUNDS = 41, BENCH_DNS_HARD_ROUNDS = 21, BENCH_DNS_HARD_READS = 4 };

typedef struct bench_case {
    const char *name;
    dns_maker *make;
    size_t limit;
    size_t reads;  /* of a round */
    double target; /* ns; 0: none was set */
} bench_case;

static const bench_case bench_cases[] = {
    {"small", dns_message_small, 512, 20000, 400},
    {"20k", dns_message_service, 20480, 300, 0},
    {"64k", dns_message_service, 65535, 100, 1e6},
};

static const bench_case bench_hards[] = {
    {"chains", dns_message_chains, 65535, 0, 1e6},
    {"entries", dns_message_entries, 65535, 0, 1e6},
    {"long", dns_message_long, 65535, 0, 1e6},
    {"ports", dns_message_ports, 65535, 0, 1e6},
    {"twins", dns_message_twins, 65535, 0, 1e6},
    {"targets", dns_message_targets, 65535, 0, 1e6},
    {"labels", dns_message_labels, 65535, 0, 1e6},
    {"glue", dns_message_glue, 65535, 0, 1e6},
    {"strangers", dns_message_strangers, 65535, 0, 1e6},
    {"owners", dns_message_owners, 65535, 0, 1e6},
    {"aliases", dns_message_aliases, 65535, 0, 1e6},
    {"authority", dns_message_authority, 65535, 0, 1e6},
};

enum {
    BENCH_CASES = sizeof bench_cases / sizeof bench_cases[0],
    BENCH_HARDS = sizeof bench_hards / sizeof bench_hards[0]
};

static void bench_die(const char *why, const char *what)
{
    fprintf(stderr, "bench_dns: %s%s%s\n", what, what[0] != 0 ? ": " : "", why);
    exit(1);
}

/* ---- memory ------------------------------------------------------------------- */

static size_t bench_calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size)
{
    bench_calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    bench_calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    bench_calls++;
    return __real_realloc(block, size);
}

/* ---- reading ------------------------------------------------------------------ */

/* A message, and room enough to read it. */
typedef struct bench_input {
    dns_message message;
    reef_str bytes;
    void *room;
} bench_input;

static void bench_reef(const bench_input *in, reef_dns_answer *answer)
{
    reef_dns_decode(answer, in->bytes, true, &in->message.question, in->room);
}

/* Made, and read once: what is measured is right. */
static bench_input *bench_make(const bench_case *c, size_t limit)
{
    bench_input *in = malloc(sizeof *in);
    reef_dns_answer answer;
    if (in == NULL)
        bench_die("out of memory", c->name);
    c->make(&in->message, limit);
    in->bytes = (reef_str){(const char *)in->message.bytes, in->message.len};
    in->room = malloc(reef_dns_room(in->message.len));
    if (in->room == NULL)
        bench_die("out of memory", c->name);
    bench_calls = 0;
    bench_reef(in, &answer);
    if (bench_calls > 0)
        bench_die("memory is allocated", c->name);
    const dns_message *m = &in->message;
    if (answer.outcome != m->outcome || answer.srv_count != m->srv_count ||
        answer.target_count != m->target_count ||
        answer.address_count != m->address_count)
        bench_die(reef_dns_outcome_name(answer.outcome), c->name);
    return in;
}

static void bench_free(bench_input *in)
{
    free(in->room);
    free(in);
}

/* ns of one read. `peer` NULL: reef's; 0: the peer refuses the message. */
static double bench_time(const bench_input *in, const dns_peer *peer, size_t reads)
{
    reef_dns_answer answer;
    double begin = rounds_now();
    for (size_t i = 0; i < reads; i++) {
        if (peer == NULL)
            bench_reef(in, &answer);
        else if (peer->read(in->bytes) == 0)
            return 0;
    }
    return (rounds_now() - begin) / (double)reads;
}

/* ---- rounds ------------------------------------------------------------------- */

typedef struct bench_side {
    double best, median, ratio; /* ns; how often reef's is in it */
} bench_side;

enum { BENCH_REEF = DNS_PEERS, BENCH_SIDES };

/* A round of all sides; a peer that is not here or refuses has 0. */
static void bench_round(const bench_input *in, size_t reads, double out[BENCH_SIDES])
{
    out[BENCH_REEF] = bench_time(in, NULL, reads);
    for (int p = 0; p < DNS_PEERS; p++) {
        const dns_peer *peer = &dns_peers[p];
        size_t fewer = reads < 4 ? reads : reads / 4;
        out[p] = peer->read == NULL ? 0 : bench_time(in, peer, fewer);
    }
}

static void bench_run(const bench_input *in, size_t reads, bench_side out[BENCH_SIDES])
{
    double times[BENCH_SIDES][BENCH_DNS_ROUNDS], ratio[BENCH_SIDES][BENCH_DNS_ROUNDS];
    for (size_t i = 0; i < BENCH_DNS_ROUNDS; i++) {
        double round[BENCH_SIDES];
        bench_round(in, reads, round);
        for (int s = 0; s < BENCH_SIDES; s++) {
            times[s][i] = round[s];
            ratio[s][i] = round[s] / round[BENCH_REEF];
        }
    }
    for (int s = 0; s < BENCH_SIDES; s++) {
        out[s].median = rounds_median(times[s], BENCH_DNS_ROUNDS);
        out[s].best = times[s][0];
        out[s].ratio = rounds_median(ratio[s], BENCH_DNS_ROUNDS);
    }
}

static void bench_cell(char out[32], const bench_side *side)
{
    snprintf(out, 32, "%12s %9s", "-", "-");
    if (side->median > 0)
        snprintf(out, 32, "%12.0f %8.1fx", side->median, side->ratio);
}

static void bench_row(const bench_case *c, bool json)
{
    bench_side sides[BENCH_SIDES];
    bench_input *in = bench_make(c, c->limit);
    bench_run(in, c->reads, sides);
    const bench_side *reef = &sides[BENCH_REEF];
    const bench_side *libc = &sides[DNS_PEER_LIBC], *cares = &sides[DNS_PEER_CARES];
    size_t allocations = 0;
    if (cares->median > 0)
        allocations = dns_peers[DNS_PEER_CARES].allocations(in->bytes);
    char target[ROUNDS_CELL], cells[2][32];
    rounds_cell(target, c->target);
    bench_cell(cells[0], libc);
    bench_cell(cells[1], cares);
    if (json)
        printf(
            "  {\"case\":\"%s\",\"bytes\":%zu,\"reef_ns\":%.0f,\"reef_best_ns\":%.0f,"
            "\"target_ns\":%.0f,\"libc_ns\":%.0f,\"cares_ns\":%.0f,"
            "\"cares_allocations\":%zu},\n",
            c->name, in->bytes.len, reef->median, reef->best, c->target, libc->median,
            cares->median, allocations);
    else
        printf("%-8s %7zu %8.0f %8.0f %8s %s %s %8zu\n", c->name, in->bytes.len,
               reef->best, reef->median, target, cells[0], cells[1], allocations);
    bench_free(in);
}

/* ---- messages that are meant to hurt ------------------------------------------ */

/* Median us of each side for the longest message, and how much more reef needs for it
 * than for one of half the length: about 2, or the time does not grow with it alone. */
static double bench_hurt(const bench_case *c, double us[BENCH_SIDES])
{
    double times[BENCH_SIDES][BENCH_DNS_HARD_ROUNDS], ratio[BENCH_DNS_HARD_ROUNDS];
    bench_input *whole = bench_make(c, c->limit), *half = bench_make(c, c->limit / 2);
    for (size_t i = 0; i < BENCH_DNS_HARD_ROUNDS; i++) {
        double round[BENCH_SIDES];
        bench_round(whole, BENCH_DNS_HARD_READS, round);
        for (int s = 0; s < BENCH_SIDES; s++)
            times[s][i] = round[s] / 1e3;
        double less = bench_time(half, NULL, BENCH_DNS_HARD_READS);
        ratio[i] = round[BENCH_REEF] / less;
    }
    bench_free(whole);
    bench_free(half);
    for (int s = 0; s < BENCH_SIDES; s++)
        us[s] = rounds_median(times[s], BENCH_DNS_HARD_ROUNDS);
    return rounds_median(ratio, BENCH_DNS_HARD_ROUNDS);
}

static void bench_hard_row(const bench_case *c, bool json, bool last)
{
    double us[BENCH_SIDES], growth = bench_hurt(c, us);
    char cells[2][ROUNDS_CELL];
    rounds_cell(cells[0], us[DNS_PEER_LIBC]);
    rounds_cell(cells[1], us[DNS_PEER_CARES]);
    if (json)
        printf("  {\"case\":\"%s\",\"reef_us\":%.1f,\"growth\":%.2f,\"target_us\":%.0f,"
               "\"libc_us\":%.1f,\"cares_us\":%.1f}%s\n",
               c->name, us[BENCH_REEF], growth, c->target / 1e3, us[DNS_PEER_LIBC],
               us[DNS_PEER_CARES], last ? "" : ",");
    else
        printf("%-10s %10.1f %8.0f %9.2fx %12s %12s\n", c->name, us[BENCH_REEF],
               c->target / 1e3, growth, cells[0], cells[1]);
}

/* ---- all of it ---------------------------------------------------------------- */

static void bench_all(bool json)
{
    const dns_peer *cares = &dns_peers[DNS_PEER_CARES];
    if (json)
        printf("[\n");
    else
        printf("dns: reading an answer; ns, rounds of %d; reef allocates nothing\n"
               "%-8s %7s %8s %8s %8s %12s %9s %12s %9s %8s\n",
               BENCH_DNS_ROUNDS, "case", "bytes", "best", "median", "target",
               dns_peers[DNS_PEER_LIBC].name, "ratio", cares->name, "ratio", "mallocs");
    for (size_t i = 0; i < BENCH_CASES; i++)
        bench_row(&bench_cases[i], json);
    if (!json)
        printf("meant to hurt, 64 KiB each; medians of %d rounds\n"
               "%-10s %10s %8s %10s %12s %12s\n",
               BENCH_DNS_HARD_ROUNDS, "case", "us", "target", "for twice", "libc",
               "c-ares");
    for (size_t i = 0; i < BENCH_HARDS; i++)
        bench_hard_row(&bench_hards[i], json, i + 1 == BENCH_HARDS);
    if (json)
        puts("]");
}

static const bench_case *bench_find(const char *name)
{
    for (size_t i = 0; i < BENCH_CASES; i++)
        if (strcmp(bench_cases[i].name, name) == 0)
            return &bench_cases[i];
    for (size_t i = 0; i < BENCH_HARDS; i++)
        if (strcmp(bench_hards[i].name, name) == 0)
            return &bench_hards[i];
    bench_die("no such case", name);
    return NULL;
}

int main(int argc, char **argv)
{
    bool json = false;
    const bench_case *only = NULL;
    const dns_peer *peer = NULL;
    size_t count = 1;
    dns_peers_open();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--peer") == 0)
            peer = &dns_peers[DNS_PEER_LIBC];
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = bench_find(argv[++i]);
        else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            count = (size_t)strtoul(argv[++i], NULL, 10);
        else
            bench_die("usage: bench_dns [--json] [--only CASE --count N [--peer]]", "");
    }
    if (only == NULL) {
        bench_all(json);
        return 0;
    }
    bench_input *in = bench_make(only, only->limit);
    if (bench_time(in, peer, count) <= 0)
        bench_die("the peer refuses the message", only->name);
    bench_free(in);
    return 0;
}
