/* SPDX-License-Identifier: Apache-2.0
 *
 * One session on paper: as a block, as a row of a list, as knot's JSON; and from JSON
 * on standard input. */
#include "session/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_USER_WIDTH = 36, RECORD_IP_WIDTH = 15 };

static void record_line(cli_context *ctx, const char *name, reef_str text)
{
    cli_put_colored(stdout, ctx->color_out, CLI_BOLD, name);
    cli_put_text(stdout, text);
    fputc('\n', stdout);
}

static const char *record_state(const reef_session *s)
{
    if (s->is_deleted)
        return "revoked";
    bool ends = s->expires_after_ns > 0; /* or else "never set", see below */
    return ends && s->expires_after_ns < reef_unix_ns() ? "expired" : "live";
}

/* "1h59m", "-3m12s", with the two largest units; weeks are not worth a third. */
static void record_span(char *out, size_t cap, int64_t ns)
{
    const char *sign = ns < 0 ? "-" : "";
    int64_t s = ns / 1000000000;
    s = s < 0 ? -s : s;
    if (s >= 86400)
        (void)snprintf(out, cap, "%s%" PRId64 "d%" PRId64 "h", sign, s / 86400,
                       s % 86400 / 3600);
    else if (s >= 3600)
        (void)snprintf(out, cap, "%s%" PRId64 "h%" PRId64 "m", sign, s / 3600,
                       s % 3600 / 60);
    else
        (void)snprintf(out, cap, "%s%" PRId64 "m%" PRId64 "s", sign, s / 60, s % 60);
}

/* How long a session still lives; a time from before 1970 is knot's "no time". */
static void record_left(char *out, size_t cap, const reef_session *s)
{
    if (s->expires_after_ns <= 0)
        (void)snprintf(out, cap, "never set");
    else
        record_span(out, cap, s->expires_after_ns - reef_unix_ns());
}

void cli_session_print(cli_context *ctx, const reef_session *s)
{
    char left[48];
    record_left(left, sizeof left, s);
    record_line(ctx, "id       ", s->id);
    record_line(ctx, "user     ", s->user_id);
    record_line(ctx, "ip       ", s->ip);
    record_line(ctx, "agent    ", s->user_agent);
    record_line(ctx, "state    ", reef_str_of(record_state(s)));
    cli_put_colored(stdout, ctx->color_out, CLI_BOLD, "expires  ");
    if (s->expires_after_ns > 0) {
        cli_put_time(stdout, s->expires_after_ns);
        printf(" (%s)\n", left);
    } else {
        printf("%s\n", left);
    }
    cli_put_colored(stdout, ctx->color_out, CLI_BOLD, "updated  ");
    cli_put_time(stdout, reef_clock_unix_ns(s->updated_at));
    printf(" (%" PRIu64 ")\n", s->updated_at);
}

int cli_session_json(cli_context *ctx, const reef_session *s)
{
    size_t len = 0;
    char *json = reef_session_encode(s, &len);
    if (json == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    if (isatty(1) == 1) /* knot's own bytes may steer a terminal */
        cli_put_json_text(stdout, (reef_str){json, len});
    else
        (void)fwrite(json, 1, len, stdout);
    fputc('\n', stdout);
    free(json);
    return CLI_DONE;
}

static void record_cell(reef_str text, size_t width)
{
    cli_put_text(stdout, text);
    for (size_t len = text.len; len < width; len++)
        fputc(' ', stdout);
    fputs("  ", stdout);
}

void cli_session_heading(cli_context *ctx, bool with_user)
{
    char line[160];
    (void)snprintf(line, sizeof line, "%-*s  ", REEF_SESSION_ID_LEN, "ID");
    cli_put_colored(stdout, ctx->color_out, CLI_BOLD, line);
    if (with_user) {
        (void)snprintf(line, sizeof line, "%-*s  ", RECORD_USER_WIDTH, "USER");
        cli_put_colored(stdout, ctx->color_out, CLI_BOLD, line);
    }
    (void)snprintf(line, sizeof line, "%-7s  %-9s  %-*s  AGENT\n", "STATE", "EXPIRES",
                   RECORD_IP_WIDTH, "IP");
    cli_put_colored(stdout, ctx->color_out, CLI_BOLD, line);
}

void cli_session_row(cli_context *ctx, const reef_session *s, bool with_user)
{
    char left[48];
    record_left(left, sizeof left, s);
    record_cell(s->id, REEF_SESSION_ID_LEN);
    if (with_user)
        record_cell(s->user_id, RECORD_USER_WIDTH);
    cli_color color = s->is_deleted ? CLI_YELLOW : CLI_GREEN;
    char state[16];
    (void)snprintf(state, sizeof state, "%-7s", record_state(s));
    cli_put_colored(stdout, ctx->color_out, color, state);
    printf("  %-9s  ", left);
    if (s->user_agent.len > 0)
        record_cell(s->ip, RECORD_IP_WIDTH);
    else
        cli_put_text(stdout, s->ip);
    cli_put_text(stdout, s->user_agent);
    fputc('\n', stdout);
}

/* All of standard input, at most `cap` bytes; false: it is longer, or errno says
 * why. */
static bool record_slurp(char *out, size_t cap, size_t *len)
{
    *len = 0;
    errno = 0;
    for (;;) {
        ssize_t n = read(0, out + *len, cap - *len);
        if (n == 0)
            return true;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            return false;
        if (*len == cap)
            return false;
    }
}

static int record_decode(cli_context *ctx, reef_str json, reef_sessions **list,
                         reef_session *out)
{
    reef_error error = {REEF_OK, 0, ""};
    if (reef_session_decode(json, list, &error) != REEF_OK)
        return cli_fail_error(ctx, &error);
    if (reef_sessions_next(*list, out, &error) && error.code == REEF_OK)
        return CLI_DONE;
    reef_sessions_free(*list);
    *list = NULL;
    return cli_fail(ctx, REEF_CORRUPT, error.text);
}

int cli_session_read(cli_context *ctx, reef_sessions **list, reef_session *out)
{
    size_t cap = (size_t)REEF_RECORD_MAX + 1, len;
    char *json = malloc(cap);
    if (json == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    if (isatty(0) == 1)
        fputs("reef: reading a session in JSON from the terminal; end with Ctrl-D\n",
              stderr);
    int code;
    if (record_slurp(json, cap, &len))
        code = record_decode(ctx, (reef_str){json, len}, list, out);
    else if (errno == 0)
        code = cli_fail(ctx, REEF_LIMIT, "the session on standard input is over 1 MiB");
    else
        code = cli_usage(ctx, "standard input can't be read", NULL, NULL);
    free(json);
    return code;
}
