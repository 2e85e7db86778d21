/* SPDX-License-Identifier: Apache-2.0
 *
 * Catching what a command prints: temporary files in place of the descriptors. */
#include "test/unit/cli_capture.h"

#include "test/unit/net_peer.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- descriptors -------------------------------------------------------------- */

static int cap_temporary(void)
{
    char path[TEMPORARY_PATH];
    int fd = temporary_file(path, "cli");
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static void cap_replace(cap *c, int fd, int with)
{
    assert_true(c->saved[fd] < 0);
    c->saved[fd] = dup(fd);
    assert_true(c->saved[fd] >= 0);
    assert_int_equal(dup2(with, fd), fd);
    close(with);
}

static void cap_restore(cap *c, int fd)
{
    if (c->saved[fd] < 0)
        return;
    (void)dup2(c->saved[fd], fd);
    close(c->saved[fd]);
    c->saved[fd] = -1;
}

/* The file behind descriptor `fd`, as a text. */
static void cap_slurp(int fd, char *out)
{
    size_t len = 0;
    ssize_t n = 1;
    (void)lseek(fd, 0, SEEK_SET);
    for (; n > 0 && len < CAP_TEXT - 1; len += (size_t)n) {
        n = read(fd, out + len, CAP_TEXT - 1 - len);
        n = n < 0 ? 0 : n;
    }
    out[len] = '\0';
}

void cap_catch(cap *c)
{
    (void)fflush(stdout);
    cap_replace(c, 1, cap_temporary());
    cap_replace(c, 2, cap_temporary());
}

void cap_release(cap *c)
{
    (void)fflush(stdout);
    if (c->saved[1] >= 0)
        cap_slurp(1, c->out);
    if (c->saved[2] >= 0)
        cap_slurp(2, c->err);
    cap_restore(c, 1);
    cap_restore(c, 2);
}

void cap_input(cap *c, const char *bytes, size_t len)
{
    int fd = cap_temporary();
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        assert_true(n > 0);
        bytes += n;
        len -= (size_t)n;
    }
    (void)lseek(fd, 0, SEEK_SET);
    cap_restore(c, 0);
    cap_replace(c, 0, fd);
}

/* ---- the context -------------------------------------------------------------- */

int cap_begin(void **state)
{
    cap *c = calloc(1, sizeof *c);
    assert_non_null(c);
    for (int fd = 0; fd < 3; fd++)
        c->saved[fd] = -1;
    *state = c;
    return 0;
}

int cap_end(void **state)
{
    cap *c = *state;
    cap_release(c);
    cap_restore(c, 0);
    cli_close(&c->ctx);
    if (c->settings[0] != '\0')
        (void)unlink(c->settings);
    free(c);
    return 0;
}

void cap_again(cap *c)
{
    cli_close(&c->ctx);
    memset(&c->ctx, 0, sizeof c->ctx);
    if (c->settings[0] != '\0')
        cap_set(c, CLI_OPT_CONFIG, c->settings);
}

void cap_args(cap *c, const char *words)
{
    assert_true(strlen(words) < sizeof c->line);
    memcpy(c->line, words, strlen(words) + 1);
    c->ctx.args = c->args;
    c->ctx.arg_count = 0;
    char *at = c->line;
    while (*at != '\0') {
        assert_true(c->ctx.arg_count < CAP_WORDS);
        c->args[c->ctx.arg_count++] = at;
        at += strcspn(at, " ");
        if (*at != '\0')
            *at++ = '\0';
    }
}

void cap_set(cap *c, cli_opt opt, const char *value)
{
    c->ctx.values[opt] = value;
}

void cap_settings(cap *c, const char *toml)
{
    if (c->settings[0] != '\0')
        (void)unlink(c->settings);
    int fd = temporary_file(c->settings, "cli");
    assert_true(fd >= 0);
    assert_int_equal(write(fd, toml, strlen(toml)), (ssize_t)strlen(toml));
    close(fd);
    cap_set(c, CLI_OPT_CONFIG, c->settings);
}

void cap_nobody(cap *c)
{
    char toml[128];
    (void)snprintf(toml, sizeof toml,
                   "[server.redis]\nenabled = true\nhosts = [\"127.0.0.1:%u\"]\n",
                   (unsigned)peer_closed_port());
    cap_settings(c, toml);
    c->ctx.timeout_ms = 100;
}

int cap_run(cap *c, int (*run)(cli_context *))
{
    cap_catch(c);
    c->code = run(&c->ctx);
    cap_release(c);
    return c->code;
}

/* ---- texts -------------------------------------------------------------------- */

void cap_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void cap_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

const char *cap_file(FILE *stream)
{
    static char text[CAP_TEXT];
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

reef_reply *cap_reply(const char *wire)
{
    reef_parser *parser = reef_parser_new(NULL, 3);
    assert_non_null(parser);
    assert_int_equal(reef_parser_feed(parser, reef_str_of(wire)), REEF_OK);
    assert_int_equal(reef_parser_next(parser), REEF_PARSE_REPLY);
    reef_reply *reply = reef_parser_take(parser);
    assert_non_null(reply);
    reef_parser_free(parser);
    return reply;
}
