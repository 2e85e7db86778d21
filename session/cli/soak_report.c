/* SPDX-License-Identifier: Apache-2.0
 *
 * How reef soak ended: the summary for a person, the same as one object, and the exit
 * code. */
#include "session/cli/soak.h"

#include <inttypes.h>

static const struct {
    const char *json, *text;
    uint64_t share; /* of a million */
} report_quantiles[] = {
    {"p50", "p50", 500000}, {"p99", "p99", 990000}, {"p99_9", "p99.9", 999000}};

enum { REPORT_QUANTILES = sizeof report_quantiles / sizeof report_quantiles[0] };

static double report_ms(int64_t us)
{
    return (double)us / 1000;
}

static double report_s(int64_t us)
{
    return (double)us / 1000000;
}

static double report_rate(const soak_run *run, const soak_tally *t)
{
    return run->took_us > 0 ? (double)t->calls / report_s(run->took_us) : 0;
}

int soak_exit_of(const soak_tally *t)
{
    const soak_verdicts *v = &t->verdicts;
    if (v->wrong_caller > 0 || v->missing > 0 || v->twice > 0)
        return CLI_PROTOCOL;
    if (t->first != REEF_OK)
        return cli_exit_of(t->first);
    return t->unchecked > 0 ? CLI_INCOMPLETE : CLI_DONE;
}

/* ---- for a person ------------------------------------------------------------- */

/* A count that should be 0: in red where it is not. */
static void report_fault(const soak_run *run, const char *name, uint64_t count)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, count);
    printf("  %-28s", name);
    cli_put_colored(stdout, run->ctx->color_out, count > 0 ? CLI_RED : CLI_PLAIN,
                    count > 0 ? text : "none");
    fputc('\n', stdout);
}

static void report_errors(const soak_run *run, const soak_tally *t)
{
    report_fault(run, "errors", soak_tally_errors(t));
    for (int i = 0; i < SOAK_CODES; i++) {
        const soak_errors *e = &t->errors[i];
        if (e->count == 0)
            continue;
        printf("    %-14s %10" PRIu64 "  first: ", reef_code_name((reef_code)i),
               e->count);
        cli_put_text(stdout, reef_str_of(e->first));
        fputc('\n', stdout);
    }
}

static void report_events(const soak_run *run)
{
    const char *comma = "";
    printf("  %-28s", "events");
    for (int i = 0; i < SOAK_EVENT_KINDS; i++) {
        if (run->events[i] == 0)
            continue;
        printf("%s%" PRIu64 " %s", comma, run->events[i],
               reef_event_name((reef_event_kind)i));
        comma = ", ";
    }
    puts(comma[0] == '\0' ? "none" : "");
}

static void report_latency(const soak_tally *t)
{
    printf("  %-28s", "latency (ms)");
    for (int i = 0; i < REPORT_QUANTILES; i++)
        printf("%s %.2f, ", report_quantiles[i].text,
               report_ms(soak_tally_quantile(t, report_quantiles[i].share)));
    printf("max %.2f\n", report_ms(t->max_us));
}

static void report_judgement(const soak_run *run, const soak_tally *t)
{
    int code = soak_exit_of(t);
    bool color = run->ctx->color_out;
    if (code == CLI_DONE) {
        cli_put_colored(stdout, color, CLI_GREEN, "good");
        fputs(": nothing was wrong\n", stdout);
        return;
    }
    cli_put_colored(stdout, color, CLI_RED, "bad");
    fputs(": ", stdout);
    if (t->verdicts.first[0] != '\0')
        cli_put_text(stdout, reef_str_of(t->verdicts.first));
    else if (t->first != REEF_OK)
        fputs("calls failed", stdout);
    else
        fputs("not all could be looked at in the end", stdout);
    printf(" (exit code %d)\n", code);
}

void soak_report_text(const soak_run *run, const soak_tally *t)
{
    printf("\n%" PRIu64 " calls in %.1f s, %.0f a second%s\n", t->calls,
           report_s(run->took_us), report_rate(run, t),
           run->interrupted ? ", ended early" : "");
    printf("  %-28s%" PRIu64 "\n", "ok", t->ok);
    report_errors(run, t);
    printf("  %-28s%" PRIu64 "\n", "unsure, settled later", t->verdicts.settled);
    report_latency(t);
    printf("  %-28s%.0f ms, from %.3f s on\n", "longest without a success",
           report_ms(t->gap_us), report_s(t->gap_at_us - run->begin_us));
    report_fault(run, "answers to the wrong caller", t->verdicts.wrong_caller);
    report_fault(run, "acknowledged writes missing", t->verdicts.missing);
    report_fault(run, "commands that ran twice", t->verdicts.twice);
    if (run->has_moved) {
        printf("  %-28s%" PRIu64 "\n", "sent again, or elsewhere", run->retries);
        printf("  %-28s%" PRIu32 "\n", "slots that moved", run->moved);
    }
    printf("  %-28s%" PRIu64 "\n", "looked at again in the end", t->checked);
    if (t->unchecked > 0)
        report_fault(run, "not looked at in the end", t->unchecked);
    report_events(run);
    report_judgement(run, t);
}

/* ---- for a program ------------------------------------------------------------ */

static void report_json_errors(const soak_tally *t)
{
    const char *comma = "";
    fputs(",\"errors\":{", stdout);
    for (int i = 0; i < SOAK_CODES; i++) {
        const soak_errors *e = &t->errors[i];
        if (e->count == 0)
            continue;
        fputs(comma, stdout);
        cli_put_json(stdout, reef_str_of(reef_code_name((reef_code)i)));
        printf(":{\"count\":%" PRIu64 ",\"first\":", e->count);
        cli_put_json(stdout, reef_str_of(e->first));
        fputc('}', stdout);
        comma = ",";
    }
    fputc('}', stdout);
}

static void report_json_latency(const soak_tally *t)
{
    fputs(",\"latency_ms\":{", stdout);
    for (int i = 0; i < REPORT_QUANTILES; i++)
        printf("\"%s\":%.3f,", report_quantiles[i].json,
               report_ms(soak_tally_quantile(t, report_quantiles[i].share)));
    printf("\"max\":%.3f}", report_ms(t->max_us));
}

static void report_json_events(const soak_run *run)
{
    fputs(",\"events\":{", stdout);
    for (int i = 0; i < SOAK_EVENT_KINDS; i++)
        printf("%s\"%s\":%" PRIu64, i > 0 ? "," : "",
               reef_event_name((reef_event_kind)i), run->events[i]);
    fputc('}', stdout);
}

static void report_json_verdicts(const soak_verdicts *v)
{
    printf(",\"wrong_caller\":%" PRIu64 ",\"missing_writes\":%" PRIu64
           ",\"ran_twice\":%" PRIu64 ",\"first_wrong\":",
           v->wrong_caller, v->missing, v->twice);
    if (v->first[0] != '\0')
        cli_put_json(stdout, reef_str_of(v->first));
    else
        fputs("null", stdout);
}

void soak_report_json(const soak_run *run, const soak_tally *t)
{
    printf("{\"seconds\":%.3f,\"threads\":%" PRIu64 ",\"rate\":%" PRIu64
           ",\"interrupted\":%s,\"calls\":%" PRIu64 ",\"ok\":%" PRIu64
           ",\"calls_per_second\":%.1f,\"error_count\":%" PRIu64,
           report_s(run->took_us), run->thread_count, run->rate,
           run->interrupted ? "true" : "false", t->calls, t->ok, report_rate(run, t),
           soak_tally_errors(t));
    report_json_errors(t);
    printf(",\"unsure_settled\":%" PRIu64, t->verdicts.settled);
    report_json_latency(t);
    printf(",\"longest_gap_ms\":%.3f,\"longest_gap_at_s\":%.3f", report_ms(t->gap_us),
           report_s(t->gap_at_us - run->begin_us));
    report_json_verdicts(&t->verdicts);
    printf(",\"retries\":%" PRIu64 ",\"slots_moved\":", run->retries);
    if (run->has_moved)
        printf("%" PRIu32, run->moved);
    else
        fputs("null", stdout);
    printf(",\"checked\":%" PRIu64 ",\"unchecked\":%" PRIu64, t->checked, t->unchecked);
    report_json_events(run);
    printf(",\"exit\":%d}\n", soak_exit_of(t));
}
