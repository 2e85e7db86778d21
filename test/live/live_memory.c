/* SPDX-License-Identifier: Apache-2.0
 *
 * What an idle client holds: connected, after a thousand calls, big and small, it takes
 * less than 128 KiB; and closed, nothing. Every allocation is counted. */
#include "test/live/check.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MEMORY_CALLS = 1000, MEMORY_PIPELINE = 1000, MEMORY_IDLE = 131072 };

/* What is allocated now: the program is linked so that malloc and its kin come here.
 * Only what reef and the test ask for passes, which is what is to be counted. */
static atomic_size_t memory_now;

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void __real_free(void *old);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void __wrap_free(void *old);

static size_t memory_usable(void *ptr)
{
    return ptr ? malloc_usable_size(ptr) : 0;
}

void *__wrap_malloc(size_t len)
{
    void *got = __real_malloc(len);
    atomic_fetch_add(&memory_now, memory_usable(got));
    return got;
}

void *__wrap_calloc(size_t count, size_t len)
{
    void *got = __real_calloc(count, len);
    atomic_fetch_add(&memory_now, memory_usable(got));
    return got;
}

void *__wrap_realloc(void *old, size_t len)
{
    size_t before = memory_usable(old);
    void *got = __real_realloc(old, len);
    if (got || len == 0) {
        atomic_fetch_sub(&memory_now, before);
        atomic_fetch_add(&memory_now, memory_usable(got));
    }
    return got;
}

void __wrap_free(void *old)
{
    atomic_fetch_sub(&memory_now, memory_usable(old));
    __real_free(old);
}

static size_t memory_held(void)
{
    return atomic_load(&memory_now);
}

/* The count sees what is asked for, or the bounds below would say nothing. (Volatile: a
 * compiler may leave out memory that nobody looks at.) */
static void test_measure(void **state)
{
    size_t before = memory_held();
    char *volatile small = malloc(1000);
    char *volatile large = malloc(1000000);
    (void)state;
    assert_true(small && large);
    assert_true(memory_held() - before >= 1001000);
    assert_true(memory_held() - before < 1100000);
    free(small);
    large = realloc(large, 10);
    assert_true(memory_held() - before < 100000);
    free(large);
    assert_int_equal(memory_held(), before);
}

static void memory_one_by_one(reef_client *client)
{
    char line[64];
    for (int i = 0; i < MEMORY_CALLS; i++) {
        snprintf(line, sizeof line, "SET key-%d %d", i % 10, i);
        reef_live_says(client, line, "OK");
    }
}

static void memory_at_once(reef_client *client, const char *line)
{
    static reef_reply *replies[MEMORY_PIPELINE];
    static const reef_cmd *cmds[MEMORY_PIPELINE];
    reef_cmd *cmd = reef_live_cmd(line, true);
    for (int i = 0; i < MEMORY_PIPELINE; i++) {
        cmds[i] = cmd;
    }
    reef_pipeline(client, cmds, MEMORY_PIPELINE, 20000, replies);
    for (int i = 0; i < MEMORY_PIPELINE; i++) {
        assert_int_equal(reef_reply_code(replies[i]), REEF_OK);
        reef_reply_free(replies[i]);
    }
    reef_cmd_free(cmd);
}

/* Connects, does `work`, and compares. */
static void memory_measure(const reef_live_server *server, const char *name,
                           void (*work)(reef_client *))
{
    size_t before = memory_held(), idle;
    reef_client *client = reef_live_client_at(server, "127.0.0.1", 0);
    reef_live_says(client, "PING", "PONG");
    work(client);
    idle = memory_held() - before;
    print_message("    after %s an idle client holds %zu bytes\n", name, idle);
    assert_true(idle > 0 && idle < MEMORY_IDLE);
    reef_close(client);
    assert_int_equal(memory_held(), before);
}

static void memory_calls(reef_client *client)
{
    memory_one_by_one(client);
}

static void memory_pipelines(reef_client *client)
{
    memory_at_once(client, "GET key-1");
    memory_at_once(client, "ECHO some-more-bytes-than-that");
}

/* 4 MiB there and 8 MiB back leave no buffers of that size behind. */
static void memory_values(reef_client *client)
{
    size_t len = (size_t)4 * 1048576;
    char *bytes = calloc(1, len);
    reef_cmd *cmd = reef_cmd_new();
    assert_true(bytes && cmd);
    reef_cmd_begin(cmd, "SET");
    reef_cmd_key(cmd, reef_str_of("big"));
    reef_cmd_arg(cmd, (reef_str){bytes, len});
    reef_live_is(reef_call(client, cmd, 20000), "OK");
    reef_reply_free(reef_live_call(client, "MGET big big", 20000));
    memory_at_once(client, "PING");
    reef_cmd_free(cmd);
    free(bytes);
    reef_live_says(client, "PING", "PONG");
}

static void memory_server(const reef_live_kind *kind)
{
    reef_live_server *server = reef_live_start(kind, NULL);
    memory_measure(server, "1000 calls", memory_calls);
    memory_measure(server, "pipelines", memory_pipelines);
    memory_measure(server, "big values", memory_values);
    reef_live_free(server);
}

static void test_memory(void **state)
{
    (void)state;
    reef_live_each(memory_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
