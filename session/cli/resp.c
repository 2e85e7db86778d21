/* SPDX-License-Identifier: Apache-2.0
 *
 * reef resp: bytes in, a line of JSON a value out, as they come. Needs no settings and
 * no server.
 *
 * Invariant: what was whole is printed and written out before more input is waited for,
 * so that it can stand at the end of a live pipe. */
#include "session/cli/cli.h"
#include "session/cli/value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static int resp_bad_byte(cli_context *ctx, const reef_parser *parser)
{
    const char *text = "";
    uint64_t at = 0;
    if (reef_parser_error(parser, &text, &at) == REEF_NOMEM)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    fputs("{\"t\":\"!\",\"error\":", stdout);
    cli_put_json(stdout, reef_str_of(text));
    printf(",\"offset\":%" PRIu64 ",\"at\":%" PRIu64 "}\n",
           reef_parser_consumed(parser), at);
    return CLI_PROTOCOL;
}

/* Prints the whole values that are there; CLI_DONE: more input is wanted. */
static int resp_drain(cli_context *ctx, reef_parser *parser)
{
    for (;;) {
        switch (reef_parser_next(parser)) {
        case REEF_PARSE_MORE:
            return CLI_DONE;
        case REEF_PARSE_ERROR:
            return resp_bad_byte(ctx, parser);
        case REEF_PARSE_REPLY:
        case REEF_PARSE_PUSH: {
            const reef_reply *value = reef_parser_peek(parser);
            if (value == NULL)
                return cli_fail(ctx, REEF_NOMEM, "out of memory");
            cli_value_print(stdout, value, reef_reply_root(value));
            fputc('\n', stdout);
            break;
        }
        }
        if (ferror(stdout) != 0)
            return CLI_DONE;
    }
}

static int resp_cut_off(cli_context *ctx, const reef_parser *parser)
{
    char text[96];
    (void)snprintf(
        text, sizeof text,
        "the input stops inside a value; what was whole ends at byte %" PRIu64,
        reef_parser_consumed(parser));
    (void)cli_flush(ctx);
    fprintf(stderr, "reef: %s\n", text);
    return CLI_INCOMPLETE;
}

static int resp_unreadable(cli_context *ctx, int why)
{
    (void)cli_flush(ctx);
    fprintf(stderr, "reef: standard input can't be read: %s\n", strerror(why));
    return CLI_INCOMPLETE;
}

static int resp_stream(cli_context *ctx, reef_parser *parser)
{
    for (;;) {
        size_t cap = 0;
        char *room = reef_parser_room(parser, &cap);
        if (room == NULL)
            return cli_fail(ctx, REEF_NOMEM, "out of memory");
        ssize_t n = read(0, room, cap);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return resp_unreadable(ctx, errno);
        if (n == 0)
            return reef_parser_inside(parser) ? resp_cut_off(ctx, parser) : CLI_DONE;
        reef_parser_received(parser, (size_t)n);
        int code = resp_drain(ctx, parser);
        if (code != CLI_DONE || !cli_flush(ctx))
            return code;
    }
}

int cli_resp_run(cli_context *ctx)
{
    const char *proto = ctx->values[CLI_OPT_PROTO];
    reef_parser *parser = reef_parser_new(NULL, proto != NULL ? proto[0] - '0' : 3);
    if (parser == NULL)
        return cli_fail(ctx, REEF_NOMEM, "out of memory");
    int code = resp_stream(ctx, parser);
    reef_parser_free(parser);
    return code;
}
