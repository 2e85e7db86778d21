/* SPDX-License-Identifier: Apache-2.0
 *
 * Servers that mean harm or are no servers at all: each call ends by its deadline with
 * a clear error, memory stays bounded, no reply slips to another call, and the client
 * works again as soon as the server does. */
#include "test/live/check.h"
#include "test/live/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

enum {
    HOSTILE_TIMEOUT_MS = 400,
    HOSTILE_MARGIN_MS = 2000,
    HOSTILE_HEAL_MS = 20000,
    HOSTILE_SLIPS = 10,
    /* What the worst of them may cost at its peak. A million nodes, which is the limit
     * for one reply, take 16 to 24 MB, and twice that while their memory grows. */
    HOSTILE_MEMORY_KIB = 65536
};

/* A text that may hold NULs, as bytes. */
#define HOSTILE_STR(text)                                                              \
    {                                                                                  \
        (text), sizeof(text) - 1                                                       \
    }
#define HOSTILE_NONE                                                                   \
    {                                                                                  \
        NULL, 0                                                                        \
    }

static const char hostile_junk[] =
    "\x93\x07\xfe\r\n\x00$$*%\xc3\x28\x1b[31m\n\r+\xff\xff\x00\x7f(~>|#,=!;.\r\r\n\n";
static const char hostile_tls[] = "\x15\x03\x03\x00\x02\x02\x28";
static const char hostile_http[] =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nno";
static const char hostile_line[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static const reef_hostile_script hostile_scripts[] = {
    {"garbage", HOSTILE_NONE, HOSTILE_STR(hostile_junk), 100, 0, REEF_HOSTILE_HOLD, 0},
    {"a TLS alert", HOSTILE_STR(hostile_tls), HOSTILE_NONE, 0, 0, REEF_HOSTILE_CLOSE,
     0},
    {"HTTP", HOSTILE_STR(hostile_http), HOSTILE_NONE, 0, 0, REEF_HOSTILE_CLOSE, 0},
    {"nothing", HOSTILE_NONE, HOSTILE_NONE, 0, 0, REEF_HOSTILE_HOLD, 0},
    {"closes", HOSTILE_NONE, HOSTILE_NONE, 0, 0, REEF_HOSTILE_CLOSE, 0},
    {"resets", HOSTILE_NONE, HOSTILE_NONE, 0, 0, REEF_HOSTILE_RESET, 0},
    {"a million nested arrays", HOSTILE_NONE, HOSTILE_STR("*1\r\n"), 1000000, 0,
     REEF_HOSTILE_HOLD, 0},
    {"a million nested maps", HOSTILE_NONE, HOSTILE_STR("%1\r\n+k\r\n"), 1000000, 0,
     REEF_HOSTILE_HOLD, 0},
    {"an array of 2^30", HOSTILE_STR("*1073741824\r\n"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_HOLD, 0},
    {"an array of 2^30, fed", HOSTILE_STR("*1073741824\r\n"), HOSTILE_STR(":1\r\n"),
     REEF_HOSTILE_ENDLESS, 0, REEF_HOSTILE_HOLD, 0},
    {"an array of 2^20, held", HOSTILE_STR("*1048575\r\n"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_HOLD, 0},
    {"a map of 2^63 - 1", HOSTILE_STR("%9223372036854775807\r\n"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_HOLD, 0},
    {"a string of 512 MiB, held", HOSTILE_STR("$536870912\r\n"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_HOLD, 0},
    {"a string of 2^63 - 1", HOSTILE_STR("$9223372036854775807\r\n"), HOSTILE_NONE, 0,
     0, REEF_HOSTILE_HOLD, 0},
    {"a string of -2", HOSTILE_STR("$-2\r\n"), HOSTILE_NONE, 0, 0, REEF_HOSTILE_HOLD,
     0},
    {"a string with a bad end", HOSTILE_STR("$3\r\nabcXX"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_HOLD, 0},
    {"half a string", HOSTILE_STR("$10\r\nabc"), HOSTILE_NONE, 0, 0, REEF_HOSTILE_CLOSE,
     0},
    {"a line without end", HOSTILE_STR("+"), HOSTILE_STR(hostile_line),
     REEF_HOSTILE_ENDLESS, 0, REEF_HOSTILE_HOLD, 0},
    {"a dripped string", HOSTILE_STR("$1000000\r\n"), HOSTILE_STR("a"),
     REEF_HOSTILE_ENDLESS, 20, REEF_HOSTILE_HOLD, 0},
    {"a dripped line", HOSTILE_STR("+"), HOSTILE_STR("a"), REEF_HOSTILE_ENDLESS, 20,
     REEF_HOSTILE_HOLD, 0},
    {"dripped elements", HOSTILE_STR("*100000\r\n"), HOSTILE_STR(":1\r\n"),
     REEF_HOSTILE_ENDLESS, 20, REEF_HOSTILE_HOLD, 0},
    {"pushes without end", HOSTILE_NONE, HOSTILE_STR(">2\r\n$4\r\npush\r\n:1\r\n"),
     REEF_HOSTILE_ENDLESS, 0, REEF_HOSTILE_HOLD, 0},
    {"attributes without end", HOSTILE_NONE, HOSTILE_STR("|1\r\n+a\r\n:1\r\n"),
     REEF_HOSTILE_ENDLESS, 0, REEF_HOSTILE_HOLD, 0},
    {"a stream without end", HOSTILE_STR("*?\r\n"), HOSTILE_STR("*?\r\n.\r\n"),
     REEF_HOSTILE_ENDLESS, 0, REEF_HOSTILE_HOLD, 0},
};

/* The most memory that this process ever held, in KiB. */
static long hostile_peak_kib(void)
{
    struct rusage use;
    assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
    return use.ru_maxrss;
}

static reef_client *hostile_client(const reef_hostile *server)
{
    reef_config config;
    reef_config_init(&config);
    snprintf(config.hosts[0].name, sizeof config.hosts[0].name, "127.0.0.1");
    config.hosts[0].port = reef_hostile_port(server);
    config.connect_timeout_ms = HOSTILE_TIMEOUT_MS; /* so that healing is soon seen */
    return reef_live_client(&config);
}

/* How a call may end: unsent where the handshake never passed, unsure or a broken
 * protocol where it did; never as if the server had answered. */
static bool hostile_may_end(reef_code code, bool greets)
{
    if (code == REEF_PROTOCOL || code == REEF_LIMIT) {
        return true;
    }
    return greets ? code == REEF_UNSURE : code == REEF_CONNECT || code == REEF_UNSENT;
}

/* Once the server is sound, so is the client; a connection that was being made to the
 * unsound one may spoil a call before. */
static void hostile_mended(reef_hostile *server, reef_client *client)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    reef_reply *reply;
    reef_hostile_heal(server);
    reply = reef_live_call(client, "GET sound", HOSTILE_HEAL_MS);
    while (reef_reply_code(reply) != REEF_OK && reef_live_now_ms() < limit) {
        reef_reply_free(reply);
        reply = reef_live_call(client, "GET sound", HOSTILE_HEAL_MS);
    }
    reef_live_is(reply, "sound");
}

static void hostile_try(const reef_hostile_script *script, bool greets)
{
    reef_hostile *server = reef_hostile_start(script, greets);
    reef_client *client = hostile_client(server);
    long before_kib = hostile_peak_kib();
    int64_t start_ms = reef_live_now_ms(), took_ms;
    reef_reply *reply = reef_live_call(client, "GET bait", HOSTILE_TIMEOUT_MS);
    reef_code code = reef_reply_code(reply);
    took_ms = reef_live_now_ms() - start_ms;
    print_message("    %s %s: %d ms, %ld KiB more, %s: %s\n", script->name,
                  greets ? "for an answer" : "at once", (int)took_ms,
                  hostile_peak_kib() - before_kib, reef_code_name(code),
                  reef_reply_text(reply));
    assert_true(took_ms <= HOSTILE_TIMEOUT_MS + HOSTILE_MARGIN_MS);
    assert_true(hostile_may_end(code, greets));
    reef_live_fails(reply, code, NULL);
    assert_true(hostile_peak_kib() - before_kib < HOSTILE_MEMORY_KIB);
    assert_true(reef_hostile_taken(server) > 0);
    hostile_mended(server, client);
    reef_close(client);
    reef_hostile_stop(server);
}

static void test_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile_scripts / sizeof *hostile_scripts; i++) {
        hostile_try(&hostile_scripts[i], false);
    }
}

static void test_for_an_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile_scripts / sizeof *hostile_scripts; i++) {
        hostile_try(&hostile_scripts[i], true);
    }
}

/* ---- more replies than questions ---------------------------------------------- */

static const reef_hostile_script hostile_slips[] = {
    {"one more", HOSTILE_STR("$5\r\nwrong\r\n"), HOSTILE_NONE, 0, 0, REEF_HOSTILE_GO_ON,
     1},
    {"one more, later", HOSTILE_NONE, HOSTILE_STR("$5\r\nwrong\r\n"), 1, 5,
     REEF_HOSTILE_GO_ON, 1},
    {"a nil more", HOSTILE_STR("_\r\n"), HOSTILE_NONE, 0, 0, REEF_HOSTILE_GO_ON, 1},
    {"an error more", HOSTILE_STR("-ERR wrong\r\n"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_GO_ON, 1},
    {"a thousand more", HOSTILE_NONE, HOSTILE_STR(":1\r\n"), 1000, 0,
     REEF_HOSTILE_GO_ON, 1},
    {"half a reply more", HOSTILE_STR("$5\r\nwro"), HOSTILE_NONE, 0, 0,
     REEF_HOSTILE_GO_ON, 1},
};

/* Every answer is the caller's own, though the server sends one too many each time and
 * the next call comes once that has been sent. */
static void hostile_slip(const reef_hostile_script *script)
{
    reef_hostile *server = reef_hostile_start(script, true);
    reef_client *client = hostile_client(server);
    reef_stats stats;
    unsigned good = 0;
    for (unsigned i = 0; i < HOSTILE_SLIPS; i++) {
        char line[32];
        reef_reply *reply;
        int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
        snprintf(line, sizeof line, "GET token-%u", i);
        reply = reef_live_call(client, line, 5000);
        if (reef_reply_code(reply) == REEF_OK) {
            reef_live_is(reply, line + strlen("GET "));
            good++;
        } else {
            assert_true(hostile_may_end(reef_reply_code(reply), true));
            reef_live_fails(reply, reef_reply_code(reply), NULL);
        }
        while (reef_hostile_played(server) < good && reef_live_now_ms() < limit) {
            reef_live_nap();
        }
        reef_live_nap(); /* what was sent on loopback arrives */
    }
    print_message("    %s: %u of %u calls had their answer\n", script->name, good,
                  (unsigned)HOSTILE_SLIPS);
    assert_true(good >= 1);
    /* A connection with one reply too many is not used again. */
    reef_client_stats(client, &stats);
    assert_true(stats.reconnects + 1 >= good);
    hostile_mended(server, client);
    reef_close(client);
    reef_hostile_stop(server);
}

static void test_slips(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile_slips / sizeof *hostile_slips; i++) {
        hostile_slip(&hostile_slips[i]);
    }
}

/* The measure sees what the process takes: a bound on it is worth something. */
static void test_measure(void **state)
{
    long before_kib = hostile_peak_kib();
    size_t len = (size_t)HOSTILE_MEMORY_KIB * 1024 * 2;
    char *volatile bytes = malloc(len); /* or a compiler may leave it out */
    (void)state;
    assert_non_null(bytes);
    memset(bytes, 1, len);
    assert_true(bytes[len / 2] == 1);
    assert_true(hostile_peak_kib() - before_kib > HOSTILE_MEMORY_KIB);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once), cmocka_unit_test(test_for_an_answer),
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_measure), /* last: it raises the peak */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
