/* SPDX-License-Identifier: Apache-2.0
 *
 * What INFO says of replicas, as lines, findings and JSON. Linked with __wrap_reef_call
 * of cli_script.h, and __wrap_nanosleep, so that time passes by answers alone. */
#include "test/unit/cli_script.h"
#include "test/unit/cli_look.h"

#include "session/cli/check.h"

#include <time.h>

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static int naps; /* that were taken */
static const script_answer
    *after_naps[8]; /* what is answered after each; NULL: as before */

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    assert_int_equal(wanted->tv_sec, 0);
    assert_int_equal(wanted->tv_nsec, 200000000);
    naps++;
    assert_in_range(naps, 1, 7);
    if (after_naps[naps] != NULL)
        script_answers = after_naps[naps];
    return 0;
}

static cli_check looked;
static cap *replicas_cap;

static int replicas_begin(void **state)
{
    int code = cap_begin(state);
    replicas_cap = *state;
    memset(&looked, 0, sizeof looked);
    memset(after_naps, 0, sizeof after_naps);
    naps = 0;
    looked.ctx = &replicas_cap->ctx;
    (void)snprintf(looked.server.peer, sizeof looked.server.peer, "10.0.0.1:6379");
    return code;
}

static const char two[] =
    "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"
    "slave0:ip=10.0.0.2,port=6379,state=online,offset=990,lag=0\r\n"
    "slave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0\r\n"
    "master_repl_offset:1000\r\n";

static void reads(const char *info)
{
    cli_replicas_read(&looked.replication, reef_str_of(info));
}

static int run_show(cli_context *ctx)
{
    (void)ctx;
    cli_replicas_show(&looked);
    cli_replicas_find(&looked);
    cli_check_text(&looked);
    return looked.exit_code;
}

static const char *shows(int exit_code)
{
    looked.count = 0;
    looked.exit_code = CLI_DONE;
    assert_int_equal(cap_run(replicas_cap, run_show), exit_code);
    return replicas_cap->out;
}

static void replicas_read(void **state)
{
    (void)state;
    const cli_replication *r = &looked.replication;
    reads(two);
    assert_true(r->known && !r->replica && !r->limited);
    assert_int_equal(r->offset, 1000);
    assert_int_equal(r->count, 2);
    assert_int_equal(r->all, 2);
    assert_int_equal(cli_replicas_online(r), 1);
    assert_string_equal(r->replicas[0].peer, "10.0.0.2:6379");
    assert_int_equal(r->replicas[0].behind, 10);
    assert_string_equal(r->replicas[1].peer, "[fd00::3]:6380");
    assert_string_equal(r->replicas[1].state, "wait_bgsave");
    assert_string_equal(
        shows(CLI_DONE),
        "replicas  address         state             behind  silent\n"
        "          10.0.0.2:6379   online          10 bytes     0 s\n"
        "          [fd00::3]:6380  wait_bgsave            -       -\n"
        "note      [fd00::3]:6380 is not ready to be promoted, in state wait_bgsave\n");
}

/* Lines that no server sends: cut, left out, and never more than there is room for. */
static void replicas_read_odd(void **state)
{
    static char info[64 * 1024];
    (void)state;
    const cli_replication *r = &looked.replication;
    reads("# Replication\r\nmaster_repl_offset:5\r\n");
    assert_false(r->known);
    reads("role:master\nslave0:\nslave1:ip=,port=,lag=x,offset=-3\nslave2:state=online,"
          "offset=99999999999999999999,ip=h\nconnected_slaves:x\n");
    assert_int_equal(r->count, 3);
    assert_string_equal(r->replicas[0].peer, ":");
    assert_string_equal(r->replicas[2].peer, "h:");
    assert_int_equal(r->replicas[2].behind, 0);
    size_t len = (size_t)snprintf(info, sizeof info, "role:master\n");
    for (int i = 0; i < CLI_REPLICAS + 3; i++)
        len += (size_t)snprintf(info + len, sizeof info - len,
                                "slave%d:ip=%0*d,port=1,state=online,offset=7\n", i,
                                600, i);
    (void)snprintf(info + len, sizeof info - len, "connected_slaves:%d\n",
                   CLI_REPLICAS + 3);
    reads(info);
    assert_int_equal(r->count, CLI_REPLICAS);
    assert_int_equal(r->all, CLI_REPLICAS + 3);
    cap_has(shows(CLI_DONE), "          and 3 more\n");
}

static void replicas_late(void **state)
{
    (void)state;
    reads("role:master\r\nmaster_repl_offset:900000000\r\n"
          "slave0:ip=10.0.0.2,port=1,state=online,offset=899000000,lag=11\r\n"
          "slave1:ip=10.0.0.3,port=1,state=online,offset=800000000,lag=10\r\n");
    const char *out = shows(CLI_DONE);
    cap_has(out, "          10.0.0.2:1  online           976 KiB    11 s\n");
    cap_has(out, "          10.0.0.3:1  online            95 MiB    10 s\n");
    cap_has(out, "note      10.0.0.2:1 has said nothing for 11 s: see that it runs");
    cap_has_not(out, "10.0.0.3:1 has said");
    cap_has_not(out, "behind: "); /* that has to be seen twice */
    cap_has_not(out, "lack");
}

/* With Sentinels somebody has to be there to promote. */
static void replicas_none(void **state)
{
    (void)state;
    assert_string_equal(shows(CLI_DONE),
                        "replicas  unknown: this user may not ask for INFO\n");
    reads("role:master\nconnected_slaves:0\n");
    assert_string_equal(shows(CLI_DONE), "replicas  none\n");
    looked.topology.sentinel = true;
    cap_has(shows(CLI_FRAGILE), "problem   10.0.0.1:6379 has no replica, so that a "
                                "fail-over has nobody to promote: start one");
    reads("role:master\nslave0:ip=10.0.0.2,port=1,state=send_bulk,offset=0,lag=0\n");
    cap_has(
        shows(CLI_FRAGILE),
        "problem   none of the 1 replicas of 10.0.0.1:6379 is online (10.0.0.2:1 is "
        "in state \"send_bulk\"), so that a fail-over has nobody to promote: wait ");
    reads(two);
    looked.topology.sentinel_count = 1;
    looked.topology.sentinels[0] =
        (reef_sentinel_view){.state = REEF_SENTINEL_KNOWS, .replicas = 3};
    cap_has(shows(CLI_DONE), "note      the Sentinels know 3 replicas, and "
                             "10.0.0.1:6379 has 2: start what is missing; ");
    looked.topology.sentinels[0].replicas = 2;
    cap_has_not(shows(CLI_DONE), "the Sentinels know");
}

static void replicas_of_master(void **state)
{
    (void)state;
    reads("role:slave\r\nmaster_host:10.0.0.9\r\nmaster_port:6379\r\n"
          "master_link_status:down\r\nconnected_slaves:0\r\n");
    assert_true(looked.replication.replica);
    const char *out = shows(CLI_DONE);
    cap_has(out, "follows   10.0.0.9:6379, and the link to it is down\n");
    cap_has(out, "note      10.0.0.1:6379 has lost its master, and its data grows old: "
                 "see to 10.0.0.9:6379\n");
    reads("role:slave\r\nmaster_host:fd00::9\r\nmaster_port:6379\r\n"
          "master_link_status:up\r\n");
    out = shows(CLI_DONE);
    cap_has(out, "follows   [fd00::9]:6379, and the link to it is up\n");
    cap_has_not(out, "note");
}

static int run_ask(cli_context *ctx)
{
    (void)ctx;
    reef_cmd *cmd = reef_cmd_new();
    assert_non_null(cmd);
    cli_replicas_ask(&looked, cmd);
    reef_cmd_free(cmd);
    return CLI_DONE;
}

/* A master that refuses writes for want of replicas; how many it wants is asked only
 * where it wants any. */
static void replicas_limited(void **state)
{
    static const script_answer table[] = {
        {"INFO replication", "$114\r\nrole:master\r\nmin_slaves_good_slaves:1\r\n"
                             "slave0:ip=10.0.0.2,port=1,state=online,offset=0,lag=0\r\n"
                             "connected_slaves:1\r\n\r\n"},
        {"CONFIG GET", "%1\r\n$21\r\nmin-replicas-to-write\r\n$1\r\n2\r\n"},
        {NULL, NULL}};
    static const script_answer denied[] = {{"", "-NOPERM x\r\n"}, {NULL, NULL}};
    cap *c = *state;
    script_begin(table);
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_string_equal(script_log,
                        "~INFO replication\n~CONFIG GET min-replicas-to-write\n");
    assert_true(looked.replication.limited);
    assert_int_equal(looked.replication.wants, 2);
    const char *out = shows(CLI_REFUSED);
    cap_has(out, "writes    taken while 2 of them is in time (min-replicas-to-write); "
                 "1 is now\n");
    cap_has(out, "problem   10.0.0.1:6379 refuses writes: its min-replicas-to-write "
                 "wants 2 replicas in time, and there is 1: start the replicas that ");
    script_begin(denied);
    looked.replication.wants = 0;
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_string_equal(script_log, "~CONFIG GET min-replicas-to-write\n");
    cap_has_not(shows(CLI_DONE), "refuses");
    looked.replication.in_time = 0;
    cap_has(shows(CLI_REFUSED), "wants 1 replica in time, and there are 0: ");
    memset(&looked.replication, 0, sizeof looked.replication);
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_false(looked.replication.known);
}

#define LAG_INFO(offset, first, second)                                                \
    {                                                                                  \
        {"INFO replication",                                                           \
         "$169\r\nrole:master\r\nmaster_repl_offset:" offset                           \
         "\r\nslave0:ip=10.0.0.2,port=1,state=online,offset=" first                    \
         ",lag=0\r\nslave1:ip=10.0.0.3,port=1,state=online,offset=" second             \
         ",lag=1\r\n\r\n"},                                                            \
            {NULL, NULL},                                                              \
    }

/* Replicas confirm once a second. After heavy traffic each has much to confirm, as the
 * table shows; said to be behind is who has not confirmed it a second later. */
static void replicas_behind(void **state)
{
    static const script_answer begin[] =
        LAG_INFO("900000000", "100000000", "100000000");
    static const script_answer later[] =
        LAG_INFO("990000000", "899999999", "100000000");
    static const script_answer after[] =
        LAG_INFO("999000000", "899999999", "900000000");
    static const script_answer denied[] = {{"", "-NOPERM x\r\n"}, {NULL, NULL}};
    cap *c = *state;
    after_naps[3] = later;
    after_naps[5] = after;
    script_begin(begin);
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_int_equal(naps, 5); /* what was written meanwhile is not waited for */
    const char *out = shows(CLI_DONE);
    cap_has(out, "          10.0.0.2:1  online            94 MiB     0 s\n");
    cap_has_not(out, "note ");
    naps = 0;
    after_naps[5] = NULL;
    memset(&looked.replication, 0, sizeof looked.replication);
    script_begin(begin);
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_int_equal(naps, 7);
    out = shows(CLI_DONE);
    cap_has(out, "note      10.0.0.3:1 is 848 MiB behind, and has been for over a "
                 "second: promoted now, it would lack those writes; see its load");
    cap_has_not(out, "10.0.0.2:1 is");
    naps = 0; /* it may not be asked any more: nothing is known */
    after_naps[1] = denied;
    memset(&looked.replication, 0, sizeof looked.replication);
    script_begin(begin);
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_int_equal(naps, 1);
    cap_has_not(shows(CLI_DONE), "lack");
    naps = 0; /* nothing is behind: nothing is waited for */
    memset(&looked.replication, 0, sizeof looked.replication);
    static const script_answer near[] = LAG_INFO("900000000", "899999999", "899999000");
    script_begin(near);
    assert_int_equal(cap_run(c, run_ask), CLI_DONE);
    assert_int_equal(naps, 0);
    assert_string_equal(script_log, "~INFO replication\n");
}

static int run_json(cli_context *ctx)
{
    (void)ctx;
    cli_replicas_json(&looked.replication);
    putchar('\n');
    return CLI_DONE;
}

static void replicas_json(void **state)
{
    cap *c = *state;
    reads(two);
    assert_int_equal(cap_run(c, run_json), CLI_DONE);
    assert_string_equal(
        c->out, "{\"role\":\"master\",\"offset\":1000,\"count\":2,\"replicas\":["
                "{\"peer\":\"10.0.0.2:6379\",\"state\":\"online\",\"behind_bytes\":10,"
                "\"silent_s\":0},{\"peer\":\"[fd00::3]:6380\",\"state\":\"wait_bgsave\""
                "}]}\n");
    look_is_json(c->out);
    reads(
        "role:slave\nmaster_host:a\"\033[2J\nmaster_port:1\nmin_slaves_good_slaves:1\n"
        "master_link_status:up\n");
    assert_int_equal(cap_run(c, run_json), CLI_DONE);
    assert_string_equal(
        c->out, "{\"role\":\"replica\",\"offset\":0,\"master\":\"a\\\"\\u001b[2J:1\","
                "\"link_up\":true,\"count\":0,\"replicas\":[]}\n");
    cap_has_not(shows(CLI_DONE), "\033");
}

#define REPLICAS_TEST(test)                                                            \
    cmocka_unit_test_setup_teardown(test, replicas_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPLICAS_TEST(replicas_read),      REPLICAS_TEST(replicas_read_odd),
        REPLICAS_TEST(replicas_late),      REPLICAS_TEST(replicas_none),
        REPLICAS_TEST(replicas_of_master), REPLICAS_TEST(replicas_limited),
        REPLICAS_TEST(replicas_json),      REPLICAS_TEST(replicas_behind),
    };
    return cmocka_run_group_tests_name("cli_replicas", tests, NULL, NULL);
}
