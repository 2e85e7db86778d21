/* SPDX-License-Identifier: Apache-2.0
 *
 * Output: text that can't take over a terminal, JSON strings, colours, times, and the
 * watch over stdout's own errors.
 *
 * Invariant: what came from a server or a file passes through one of the put functions,
 * so that no control character, no bad UTF-8 and nothing that reorders text is shown as
 * it is. */
#include "session/cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

/* ---- characters --------------------------------------------------------------- */

/* The length of what can be shown as it is, quotes and backslashes left out. */
static size_t out_plain(reef_str s, size_t at, bool quotes)
{
    size_t start = at;
    while (at < s.len) {
        uint32_t point;
        size_t len = reef_utf8_get(s, at, &point);
        if (len == 0 || !reef_utf8_shown(point) ||
            (quotes && (point == '"' || point == '\\')))
            break;
        at += len;
    }
    return at - start;
}

/* "\n" and its like; NULL: none. */
static const char *out_short_escape(uint32_t point)
{
    switch (point) {
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

/* A character by its number. JSON knows four digits: one above them is two halves. */
static void out_put_number(FILE *out, uint32_t point, bool json)
{
    if (point < 0x100 && !json)
        fprintf(out, "\\x%02x", (unsigned)point);
    else if (point < 0x10000)
        fprintf(out, "\\u%04x", (unsigned)point);
    else if (json)
        fprintf(out, "\\u%04x\\u%04x", (unsigned)(0xD7C0 + (point >> 10)),
                (unsigned)(0xDC00 + (point & 0x3FF)));
    else
        fprintf(out, "\\u{%x}", (unsigned)point);
}

/* One character that can't be shown as it is; returns its length. */
static size_t out_put_escape(FILE *out, reef_str s, size_t at, bool json)
{
    uint32_t point;
    size_t len = reef_utf8_get(s, at, &point);
    if (len == 0)
        point = (unsigned char)s.ptr[at]; /* a byte that is no character */
    const char *name = len == 1 ? out_short_escape(point) : NULL;
    if (name != NULL)
        fputs(name, out);
    else if (len == 0 && json)
        fputs("\\ufffd", out);
    else
        out_put_number(out, point, json);
    return len == 0 ? 1 : len;
}

static void out_put(FILE *out, reef_str s, bool quotes, bool json)
{
    size_t at = 0;
    while (at < s.len && ferror(out) == 0) {
        size_t run = out_plain(s, at, quotes);
        if (run > 0)
            (void)fwrite(s.ptr + at, 1, run, out);
        at += run;
        if (at < s.len)
            at += out_put_escape(out, s, at, json);
    }
}

void cli_put_text(FILE *out, reef_str s)
{
    out_put(out, s, false, false);
}

void cli_put_quoted(FILE *out, reef_str s)
{
    fputc('"', out);
    out_put(out, s, true, false);
    fputc('"', out);
}

void cli_put_json(FILE *out, reef_str s)
{
    fputc('"', out);
    out_put(out, s, true, true);
    fputc('"', out);
}

void cli_put_json_text(FILE *out, reef_str s)
{
    out_put(out, s, false, true);
}

/* ---- times and colours -------------------------------------------------------- */

void cli_put_time(FILE *out, int64_t unix_ns)
{
    int64_t s = unix_ns / 1000000000 - (unix_ns % 1000000000 < 0 ? 1 : 0);
    time_t seconds = (time_t)s;
    struct tm t;
    if (gmtime_r(&seconds, &t) == NULL) {
        fputs("?", out);
        return;
    }
    fprintf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
            t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

/* Switches a colour on or, with CLI_PLAIN, off. */
static void out_color(FILE *out, cli_color color)
{
    static const char *const codes[] = {[CLI_PLAIN] = "0",
                                        [CLI_BOLD] = "1",
                                        [CLI_RED] = "31",
                                        [CLI_GREEN] = "32",
                                        [CLI_YELLOW] = "33"};
    fprintf(out, "\033[%sm", codes[color]);
}

void cli_put_colored(FILE *out, bool on, cli_color color, const char *text)
{
    on = on && color != CLI_PLAIN;
    if (on)
        out_color(out, color);
    fputs(text, out);
    if (on)
        out_color(out, CLI_PLAIN);
}

void cli_put_span(FILE *out, bool on, cli_color color, reef_str text)
{
    on = on && color != CLI_PLAIN && text.len > 0;
    if (on)
        out_color(out, color);
    cli_put_text(out, text);
    if (on)
        out_color(out, CLI_PLAIN);
}

/* ---- texts put together ------------------------------------------------------- */

void cli_join(char *out, size_t cap, const char *a, const char *b, const char *c)
{
    const char *const parts[] = {a, b, c};
    size_t at = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *p = parts[i]; *p != '\0' && at + 1 < cap; p++)
            out[at++] = *p;
    }
    out[at] = '\0';
}

void cli_origin_text(const reef_config *config, reef_setting setting, char *out,
                     size_t cap)
{
    const reef_origin *origin = &config->origins[setting];
    char at[32];
    switch (origin->source) {
    case REEF_FROM_DEFAULT:
        cli_join(out, cap, "default", "", "");
        return;
    case REEF_FROM_FILE:
        (void)snprintf(at, sizeof at, ":%u:%u", (unsigned)origin->line,
                       (unsigned)origin->column);
        cli_join(out, cap, config->file, at, "");
        return;
    case REEF_FROM_ENV:
        cli_join(out, cap, reef_setting_env(setting), "", "");
        return;
    }
}

/* ---- stdout's own errors ------------------------------------------------------ */

/* Whether the reader of stdout has gone, for when errno was lost on the way. */
static bool out_reader_gone(void)
{
    struct pollfd out = {1, POLLOUT, 0};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

bool cli_flush(cli_context *ctx)
{
    errno = 0;
    int failed = fflush(stdout);
    if (failed == 0 && ferror(stdout) == 0)
        return ctx->write_errno == 0;
    if (ctx->write_errno == 0 && failed != 0)
        ctx->write_errno = errno;
    if (ctx->write_errno == 0)
        ctx->write_errno = out_reader_gone() ? EPIPE : EIO;
    return false;
}

int cli_finish(cli_context *ctx, int code)
{
    if (cli_flush(ctx) || ctx->write_errno == EPIPE)
        return code;
    fputs("reef: the output could not be written: ", stderr);
    fputs(strerror(ctx->write_errno), stderr);
    fputc('\n', stderr);
    return code != CLI_DONE ? code : CLI_INCOMPLETE;
}
