/* SPDX-License-Identifier: Apache-2.0
 *
 * The summary of reef soak, for a person and as JSON, and which exit code follows from
 * what was counted. */
#include "test/unit/cli_capture.h"

#include "session/cli/soak.h"

static soak_tally tally;
static soak_run run;
static bool json;

static int report(cli_context *ctx)
{
    run.ctx = ctx;
    if (json)
        soak_report_json(&run, &tally);
    else
        soak_report_text(&run, &tally);
    return soak_exit_of(&tally);
}

/* A thousand calls in two seconds, the longest gap at the first. */
static int report_begin(void **state)
{
    memset(&tally, 0, sizeof tally);
    memset(&run, 0, sizeof run);
    run.thread_count = 8;
    run.begin_us = 5000000;
    run.took_us = 2000000;
    for (int i = 0; i < 1000; i++)
        soak_tally_ok(&tally, 50);
    soak_tally_gap(&tally, 6000000, 6012500);
    tally.checked = 72;
    run.events[REEF_EVENT_CONNECTED] = 1;
    json = false;
    return cap_begin(state);
}

static void report_good(void **state)
{
    cap *c = *state;
    assert_int_equal(cap_run(c, report), CLI_DONE);
    assert_string_equal(c->out,
                        "\n1000 calls in 2.0 s, 500 a second\n"
                        "  ok                          1000\n"
                        "  errors                      none\n"
                        "  unsure, settled later       0\n"
                        "  latency (ms)                p50 0.05, p99 0.05, p99.9 0.05, "
                        "max 0.05\n"
                        "  longest without a success   12 ms, from 1.000 s on\n"
                        "  answers to the wrong caller none\n"
                        "  acknowledged writes missing none\n"
                        "  commands that ran twice     none\n"
                        "  looked at again in the end  72\n"
                        "  events                      1 connected\n"
                        "good: nothing was wrong\n");
    assert_string_equal(c->err, "");
    run.has_moved = true;
    run.moved = 1000;
    run.retries = 12;
    assert_int_equal(cap_run(c, report), CLI_DONE);
    cap_has(c->out, "  commands that ran twice     none\n"
                    "  sent again, or elsewhere    12\n"
                    "  slots that moved            1000\n"
                    "  looked at again in the end  72\n");
}

static void report_bad(void **state)
{
    cap *c = *state;
    soak_tally_error(&tally, REEF_UNSENT, "no \033 connection", 1500);
    soak_tally_error(&tally, REEF_UNSURE, "gone", 5);
    run.events[REEF_EVENT_SWITCHED] = 2;
    run.interrupted = true;
    assert_int_equal(cap_run(c, report), CLI_UNREACHED);
    cap_has(c->out, "1002 calls in 2.0 s, 501 a second, ended early\n");
    cap_has(c->out, "  errors                      2\n"
                    "    unsent                  1  first: no \\x1b connection\n"
                    "    unsure                  1  first: gone\n");
    cap_has(c->out, "1 connected, 2 switched\n");
    cap_has(c->out, "bad: calls failed (exit code 4)\n");
    cap_again(c);
    tally.verdicts = (soak_verdicts){.missing = 3, .first = "a counter fell"};
    c->ctx.color_out = true;
    assert_int_equal(cap_run(c, report), CLI_PROTOCOL);
    cap_has(c->out, "acknowledged writes missing \033[31m3\033[0m\n");
    cap_has(c->out, "\033[31mbad\033[0m: a counter fell (exit code 8)\n");
}

static void report_exit_codes(void **state)
{
    (void)state;
    tally.unchecked = 1;
    assert_int_equal(soak_exit_of(&tally), CLI_INCOMPLETE);
    tally.first = REEF_DNS;
    assert_int_equal(soak_exit_of(&tally), CLI_DNS);
    tally.verdicts.twice = 1;
    assert_int_equal(soak_exit_of(&tally), CLI_PROTOCOL);
    tally.verdicts = (soak_verdicts){.wrong_caller = 1};
    assert_int_equal(soak_exit_of(&tally), CLI_PROTOCOL);
    tally.verdicts = (soak_verdicts){.settled = 1};
    assert_int_equal(soak_exit_of(&tally), CLI_DNS);
}

/* Nothing was ever answered, and some of it was not looked at. */
static void report_nothing(void **state)
{
    cap *c = *state;
    memset(&tally, 0, sizeof tally);
    run.took_us = 0;
    run.events[REEF_EVENT_CONNECTED] = 0;
    tally.unchecked = 7;
    assert_int_equal(cap_run(c, report), CLI_INCOMPLETE);
    cap_has(c->out, "0 calls in 0.0 s, 0 a second\n");
    cap_has(c->out, "not looked at in the end    7\n");
    cap_has(c->out, "events                      none\n");
    cap_has(c->out, "bad: not all could be looked at in the end (exit code 9)\n");
}

static void report_json(void **state)
{
    cap *c = *state;
    json = true;
    run.rate = 50;
    soak_tally_error(&tally, REEF_CONNECT, "\"quoted\"", 60);
    tally.verdicts = (soak_verdicts){.twice = 1, .settled = 2, .first = "x\n"};
    assert_int_equal(cap_run(c, report), CLI_PROTOCOL);
    assert_string_equal(
        c->out,
        "{\"seconds\":2.000,\"threads\":8,\"rate\":50,\"interrupted\":false,"
        "\"calls\":1001,\"ok\":1000,\"calls_per_second\":500.5,\"error_count\":1,"
        "\"errors\":{\"no connection\":{\"count\":1,\"first\":\"\\\"quoted\\\"\"}},"
        "\"unsure_settled\":2,\"latency_ms\":{\"p50\":0.050,\"p99\":0.050,"
        "\"p99_9\":0.050,\"max\":0.060},\"longest_gap_ms\":12.500,"
        "\"longest_gap_at_s\":1.000,\"wrong_caller\":0,\"missing_writes\":0,"
        "\"ran_twice\":1,\"first_wrong\":\"x\\n\",\"retries\":0,\"slots_moved\":null,"
        "\"checked\":72,\"unchecked\":0,"
        "\"events\":{\"connected\":1,\"lost\":0,\"failed\":0,\"retried\":0,"
        "\"refused\":0,\"held\":0,\"resumed\":0,\"switched\":0,\"map\":0,"
        "\"moved\":0},\"exit\":8}\n");
    cap_again(c);
    run.retries = 5;
    run.has_moved = true;
    run.moved = 1000;
    tally.verdicts = (soak_verdicts){0};
    memset(tally.errors, 0, sizeof tally.errors);
    (void)cap_run(c, report);
    cap_has(c->out, "\"errors\":{},");
    cap_has(c->out, ",\"retries\":5,\"slots_moved\":1000,\"checked\":");
    cap_has(c->out, "\"first_wrong\":null,");
}

#define REPORT_TEST(test) cmocka_unit_test_setup_teardown(test, report_begin, cap_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(report_good),       REPORT_TEST(report_bad),
        REPORT_TEST(report_exit_codes), REPORT_TEST(report_nothing),
        REPORT_TEST(report_json),
    };
    return cmocka_run_group_tests_name("cli_soak_report", tests, NULL, NULL);
}
