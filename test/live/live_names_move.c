/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that moves to another port with its SRV record, while threads call. No
 * client is opened anew, and no call is answered by a server where it must not be. */
#include "test/live/check.h"
#include "test/live/dns_server.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    MOVE_THREADS = 4,
    MOVE_TIMEOUT_MS = 1000, /* of one call */
    MOVE_RESUMED_MS = 5000, /* from the change; a second is meant, on a quick machine */
    MOVE_MARGIN_MS = 2000,
    MOVE_TTL_S = 30, /* longer than the test: a cache alone would never see it */
    MOVE_MOVES = 3
};

typedef struct move_run {
    reef_client *client;
    atomic_bool over;
    atomic_uint where[2]; /* answers of each server */
    atomic_uint failed;   /* calls without an answer */
    atomic_int_least64_t slowest_ms;
    atomic_uint wrong; /* calls that ended as they must not */
} move_run;

/* The code of a call while its server is gone, or its name leads nowhere. */
static bool move_may_end(reef_code code)
{
    return code == REEF_OK || code == REEF_UNSENT || code == REEF_CONNECT ||
           code == REEF_UNSURE || code == REEF_DNS;
}

static void move_call(move_run *run)
{
    int64_t start_ms = reef_live_now_ms(), took_ms;
    reef_cmd *cmd = reef_live_cmd("GET who", true);
    reef_reply *reply = reef_call(run->client, cmd, MOVE_TIMEOUT_MS);
    reef_code code = reef_reply_code(reply);
    reef_str who = reef_text(reply, reef_reply_root(reply));
    took_ms = reef_live_now_ms() - start_ms;
    if (took_ms > atomic_load(&run->slowest_ms)) {
        atomic_store(&run->slowest_ms, took_ms);
    }
    if (code != REEF_OK) {
        atomic_fetch_add(&run->failed, 1);
    } else if (who.len == 1 && (*who.ptr == '0' || *who.ptr == '1')) {
        atomic_fetch_add(&run->where[*who.ptr - '0'], 1);
    } else {
        atomic_fetch_add(&run->wrong, 1);
    }
    if (!move_may_end(code)) {
        atomic_fetch_add(&run->wrong, 1);
    }
    reef_reply_free(reply);
    reef_cmd_free(cmd);
}

static void *move_work(void *data)
{
    move_run *run = data;
    while (!atomic_load(&run->over)) {
        move_call(run);
    }
    return NULL;
}

/* How long until the server with this number has answered ten more calls. */
static int64_t move_wait(move_run *run, unsigned number, int64_t from_ms)
{
    unsigned before = atomic_load(&run->where[number]);
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (atomic_load(&run->where[number]) < before + 10) {
        if (reef_live_now_ms() > limit) {
            atomic_store(&run->over, true);
            fail_msg("server %u is not found", number);
        }
        reef_live_nap();
    }
    return reef_live_now_ms() - from_ms;
}

static void move_record(const reef_live_server *to, char out[128])
{
    snprintf(out, 128, "redis SRV 0 0 %u node1\nnode1 A 127.0.0.1\n",
             (unsigned)to->port);
}

/* A server that knows its number. */
static void move_name(const reef_live_server *server, unsigned number)
{
    char line[32], *reply;
    snprintf(line, sizeof line, "SET who %u", number);
    reply = reef_live_ask(server, line);
    assert_string_equal(reply, "OK");
    free(reply);
}

/* The record changes before the old server ends, or only after calls have failed. */
static int64_t move_once(move_run *run, reef_live_dns *dns, reef_live_server *from,
                         const reef_live_server *to, bool late)
{
    unsigned failed = atomic_load(&run->failed);
    char record[128];
    int64_t changed_ms;
    move_record(to, record);
    if (late) {
        int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
        reef_live_kill(from);
        while (atomic_load(&run->failed) == failed && reef_live_now_ms() < limit) {
            reef_live_nap();
        }
        reef_live_dns_change(dns, record, MOVE_TTL_S);
        changed_ms = reef_live_now_ms();
    } else {
        reef_live_dns_change(dns, record, MOVE_TTL_S);
        changed_ms = reef_live_now_ms();
        reef_live_kill(from);
    }
    return changed_ms;
}

static reef_live_dns_kind move_dns_kind; /* for the test that runs */

static void move_back_and_forth(move_run *run, reef_live_dns *dns,
                                reef_live_server *servers[2])
{
    for (unsigned i = 0; i < MOVE_MOVES; i++) {
        reef_live_server *from = servers[i % 2], *to = servers[(i + 1) % 2];
        bool late = i > 0;
        int64_t took_ms;
        move_wait(run, i % 2, 0);
        if (!to->pid) {
            reef_live_again(to);
            move_name(to, (i + 1) % 2);
        }
        took_ms = move_wait(run, (i + 1) % 2, move_once(run, dns, from, to, late));
        print_message("    found %" PRId64 " ms after its record changed%s\n", took_ms,
                      late ? ", its place long empty" : "");
        assert_true(took_ms < MOVE_RESUMED_MS);
    }
}

static void move_all(const reef_live_kind *kind)
{
    static reef_config config;
    static move_run run;
    reef_live_server *servers[2];
    pthread_t threads[MOVE_THREADS];
    reef_live_dns *dns;
    char record[128];
    memset(&run, 0, sizeof run);
    for (unsigned i = 0; i < 2; i++) {
        servers[i] = reef_live_start(kind, NULL);
        move_name(servers[i], i);
    }
    move_record(servers[0], record);
    dns = reef_live_dns_start(&move_dns_kind, record, MOVE_TTL_S);
    reef_live_dns_config("srv+redis.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    run.client = reef_live_client(&config);
    for (unsigned i = 0; i < MOVE_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, move_work, &run), 0);
    }
    move_back_and_forth(&run, dns, servers);
    atomic_store(&run.over, true);
    for (unsigned i = 0; i < MOVE_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    print_message("    %u and %u calls, %u failed, the slowest %" PRId64 " ms\n",
                  atomic_load(&run.where[0]), atomic_load(&run.where[1]),
                  atomic_load(&run.failed), (int64_t)atomic_load(&run.slowest_ms));
    assert_int_equal(atomic_load(&run.wrong), 0);
    assert_true(atomic_load(&run.slowest_ms) < MOVE_TIMEOUT_MS + MOVE_MARGIN_MS);
    reef_close(run.client);
    reef_live_dns_free(dns);
    reef_live_free(servers[0]);
    reef_live_free(servers[1]);
}

static void move_each(const reef_live_dns_kind *kind)
{
    move_dns_kind = *kind;
    reef_live_each(move_all);
}

static void test_move(void **state)
{
    (void)state;
    reef_live_dns_each(move_each);
}

/* Two targets, one of which ends: the other one is used. */
static void move_to_other(const reef_live_kind *kind)
{
    static reef_config config;
    reef_live_server *servers[2];
    reef_live_dns *dns;
    reef_client *client;
    char records[256];
    for (unsigned i = 0; i < 2; i++) {
        servers[i] = reef_live_start(kind, NULL);
        move_name(servers[i], i);
    }
    snprintf(records, sizeof records,
             "redis SRV 1 0 %u node1\nredis SRV 2 0 %u node1\nnode1 A 127.0.0.1\n",
             (unsigned)servers[0]->port, (unsigned)servers[1]->port);
    dns = reef_live_dns_start(&move_dns_kind, records, MOVE_TTL_S);
    reef_live_dns_config("srv+redis.test", &config);
    reef_live_dns_use(&config, "", "127.0.0.1", dns->port);
    client = reef_live_client(&config);
    reef_live_says(client, "GET who", "0");
    reef_live_kill(servers[0]);
    reef_live_says(client, "GET who", "1");
    reef_close(client);
    reef_live_dns_free(dns);
    reef_live_free(servers[0]);
    reef_live_free(servers[1]);
}

static void move_to_other_each(const reef_live_dns_kind *kind)
{
    move_dns_kind = *kind;
    reef_live_each(move_to_other);
}

static void test_to_other(void **state)
{
    (void)state;
    reef_live_dns_each(move_to_other_each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_to_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
