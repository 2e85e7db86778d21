/* SPDX-License-Identifier: Apache-2.0
 *
 * Real servers for tests: a plain RESP2 connection, written without any of reef's code
 * so that what it says about a server is independent of what is under test.
 *
 * The server is trusted here; a reply that makes no sense fails the test. */
#include "test/live/server.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

enum { RAW_ARGS_MAX = 32, RAW_LINE_MAX = 1024, RAW_HEADER_MAX = 1024 };

/* Text that grows; always ended by a NUL. */
typedef struct raw_text {
    char *ptr;
    size_t len, cap;
} raw_text;

static void raw_add(raw_text *text, const char *ptr, size_t len)
{
    if (text->len + len + 1 > text->cap) {
        text->cap = (text->len + len + 1) * 2;
        text->ptr = realloc(text->ptr, text->cap);
        assert_non_null(text->ptr);
    }
    memcpy(text->ptr + text->len, ptr, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

int reef_live_connect(const char *socket_path)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(socket_path) >= sizeof place.sun_path) {
        fail_msg("too long for a socket: %s", socket_path);
    }
    memcpy(place.sun_path, socket_path, strlen(socket_path));
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&place, sizeof place)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void raw_send(int fd, const char *ptr, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, ptr, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            fail_msg("raw connection: send: %s", strerror(errno));
        }
        ptr += sent;
        len -= (size_t)sent;
    }
}

static void raw_receive(int fd, char *ptr, size_t len)
{
    while (len) {
        struct pollfd wait = {.fd = fd, .events = POLLIN, .revents = 0};
        ssize_t got;
        if (poll(&wait, 1, REEF_LIVE_WAIT_MS) == 0) {
            fail_msg("raw connection: no answer for %d ms", REEF_LIVE_WAIT_MS);
        }
        got = recv(fd, ptr, len, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            fail_msg("raw connection: closed by the server");
        }
        ptr += got;
        len -= (size_t)got;
    }
}

/* A line without its CR LF. */
static void raw_line(int fd, char line[RAW_HEADER_MAX])
{
    size_t len = 0;
    while (len < RAW_HEADER_MAX) {
        raw_receive(fd, line + len, 1);
        if (line[len] == '\n') {
            line[len - (len > 0)] = '\0';
            return;
        }
        len++;
    }
    fail_msg("raw connection: a line without an end");
}

static void raw_bulk(int fd, long long len, raw_text *out)
{
    char *bytes = malloc((size_t)len + 2);
    assert_non_null(bytes);
    raw_receive(fd, bytes, (size_t)len + 2);
    raw_add(out, bytes, (size_t)len);
    free(bytes);
}

/* Reads one whole reply; `owed` counts the values still to come at any depth. */
static void raw_reply(int fd, raw_text *out)
{
    char line[RAW_HEADER_MAX];
    bool nested = false;
    raw_add(out, "", 0);
    for (long long owed = 1; owed > 0; owed--) {
        long long count;
        raw_line(fd, line);
        count = atoll(line + 1);
        if (line[0] == '*' && count >= 0) {
            owed += count;
            nested = true;
            continue;
        }
        if (line[0] == '$' && count >= 0) {
            raw_bulk(fd, count, out);
        } else if (line[0] == '$' || line[0] == '*') {
            raw_add(out, "(nil)", 5);
        } else if (line[0] == '-') {
            raw_add(out, line, strlen(line));
        } else if (line[0] == '+' || line[0] == ':') {
            raw_add(out, line + 1, strlen(line + 1));
        } else {
            fail_msg("raw connection: not RESP2: %s", line);
        }
        if (nested) {
            raw_add(out, "\n", 1);
        }
    }
}

char *reef_live_ask_on(int fd, const char *const args[], size_t count, size_t *len)
{
    raw_text wire = {NULL, 0, 0}, reply = {NULL, 0, 0};
    char header[32];
    snprintf(header, sizeof header, "*%zu\r\n", count);
    raw_add(&wire, header, strlen(header));
    for (size_t i = 0; i < count; i++) {
        snprintf(header, sizeof header, "$%zu\r\n", strlen(args[i]));
        raw_add(&wire, header, strlen(header));
        raw_add(&wire, args[i], strlen(args[i]));
        raw_add(&wire, "\r\n", 2);
    }
    raw_send(fd, wire.ptr, wire.len);
    free(wire.ptr);
    raw_reply(fd, &reply);
    if (len) {
        *len = reply.len;
    }
    return reply.ptr;
}

int reef_live_dial(const reef_live_server *server)
{
    const char *auth[] = {"AUTH", server->password};
    int fd = reef_live_connect(server->socket);
    if (fd < 0) {
        fail_msg("raw connection: %s: %s", server->socket, strerror(errno));
    }
    if (server->password[0]) {
        char *reply = reef_live_ask_on(fd, auth, 2, NULL);
        assert_string_equal(reply, "OK");
        free(reply);
    }
    return fd;
}

char *reef_live_ask(const reef_live_server *server, const char *line)
{
    char copy[RAW_LINE_MAX];
    const char *args[RAW_ARGS_MAX];
    char *reply, *next = copy, *word;
    size_t count = 0;
    int fd;
    assert_true(strlen(line) < sizeof copy);
    memcpy(copy, line, strlen(line) + 1);
    while ((word = strtok_r(next, " ", &next))) {
        assert_true(count < RAW_ARGS_MAX);
        args[count++] = word;
    }
    fd = reef_live_dial(server);
    reply = reef_live_ask_on(fd, args, count, NULL);
    close(fd);
    return reply;
}

int64_t reef_live_number(const reef_live_server *server, const char *line)
{
    char *reply = reef_live_ask(server, line);
    char *end = reply;
    long long value = strtoll(reply, &end, 10);
    bool good = end != reply && *end == '\0';
    free(reply);
    return good ? value : -1;
}

void reef_live_until(const reef_live_server *server, const char *line, const char *text,
                     bool absent)
{
    int64_t limit = reef_live_now_ms() + REEF_LIVE_WAIT_MS;
    while (reef_live_now_ms() < limit) {
        char *reply = reef_live_ask(server, line);
        bool found = strstr(reply, text) != NULL;
        free(reply);
        if (found != absent) {
            return;
        }
        reef_live_nap();
    }
    fail_msg("%s: waited in vain for %s\"%s\"", line, absent ? "the end of " : "",
             text);
}
